"""What every corpus does with its rows: fold, cut, drop doubles, count what is left out, put into splits."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from fairprune.opinions import Corpus, CorpusInfo, Opinion, Split
from fairprune.text import cut_to_words

MAX_WORDS = 40
"""Longest opinion, in words: eight of them and the prompt fit a small model's context."""
SPLITS: tuple[Split, ...] = ("calibration", "train", "test")
LONG_WORDS = 5
"""Two opinions that share a text of this many words are copies; shorter ones ('A great movie.') may be chance."""
SAME_TOPIC_TEXTS = 3
"""Topics that share this many long texts are one topic under two names."""
DOUBLE = "same text twice in a topic"
TWO_SPLITS = f"same text of at least {LONG_WORDS} words in two splits"
_PRECEDENCE: tuple[Split, ...] = ("test", "calibration", "train")
CUT_INSIDE = f"kept, but cut after {MAX_WORDS} words inside its first sentence"


def seeded_key(*parts: object) -> str:
    """64 hex digits of SHA-256 over the parts: sorting by it is a shuffle that never changes.

    >>> seeded_key(0, "a") == seeded_key(0, "a") != seeded_key(1, "a")
    True
    """
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()


def fold(text: str) -> str:
    """White space folded; '||' becomes '|', since the prompt separates opinions by '||'.

    >>> fold(" good\\n  || bad ")
    'good | bad'
    """
    while "||" in text:
        text = text.replace("||", "|")
    return " ".join(text.split())


def clean(rows: Iterable[Opinion], dropped: Counter[str], min_words: int = 1) -> list[Opinion]:
    """Folds and cuts each opinion, leaves out short ones and exact doubles within a topic.

    Args:
        rows: opinions as the file has them, in its order: of doubles the first is kept.
        dropped: reasons → counts, added to. `CUT_INSIDE` counts opinions that are kept.
        min_words: opinions of fewer words are left out.
    """
    kept: list[Opinion] = []
    seen: set[tuple[str, str]] = set()
    for row in rows:
        folded = fold(row.text)
        if not folded:
            dropped["empty text"] += 1
            continue
        if len(folded.split()) < min_words:
            dropped[f"fewer than {min_words} words"] += 1
            continue
        text, whole = cut_to_words(folded, MAX_WORDS)
        if (row.topic, text) in seen:
            dropped[DOUBLE] += 1
            continue
        seen.add((row.topic, text))
        if not whole:
            dropped[CUT_INSIDE] += 1
        kept.append(Opinion(text, row.group, row.topic, row.source, row.speaker))
    return kept


def merge_topics(opinions: Sequence[Opinion], dropped: Counter[str]) -> list[Opinion]:
    """One topic for all that share at least `SAME_TOPIC_TEXTS` texts of `LONG_WORDS` words; then its doubles go.

    A film that is listed under two titles would otherwise stand in two splits. The topic keeps the name that is
    first in the alphabet.

    Args:
        opinions: of `clean`.
        dropped: reasons → counts, added to.
    """
    topics_of: dict[str, set[str]] = {}
    for opinion in opinions:
        if is_long(opinion.text):
            topics_of.setdefault(opinion.text, set()).add(opinion.topic)
    shared = Counter(pair for topics in topics_of.values() for pair in combinations(sorted(topics), 2))
    name = {opinion.topic: opinion.topic for opinion in opinions}
    for pair, count in shared.items():
        if count >= SAME_TOPIC_TEXTS:
            first, second = sorted(name[topic] for topic in pair)
            name = {topic: first if known == second else known for topic, known in name.items()}
    kept: list[Opinion] = []
    seen: set[tuple[str, str]] = set()
    for opinion in opinions:
        topic = name[opinion.topic]
        if (topic, opinion.text) in seen:
            dropped[DOUBLE] += 1
            continue
        seen.add((topic, opinion.text))
        kept.append(replace(opinion, topic=topic))
    return kept


def is_long(text: str) -> bool:
    """Whether a text is too long to be written twice by chance."""
    return len(text.split()) >= LONG_WORDS


def group_counts(opinions: Iterable[Opinion]) -> dict[str, Counter[str]]:
    """Topic → opinions per group."""
    counts: dict[str, Counter[str]] = {}
    for opinion in opinions:
        counts.setdefault(opinion.topic, Counter())[opinion.group] += 1
    return counts


def assemble(
    info: CorpusInfo,
    opinions: Iterable[Opinion],
    split_of: Callable[[Opinion], Split],
    dropped: Mapping[str, int],
    general: tuple[str, ...] = (),
) -> Corpus:
    """The corpus with its opinions in their splits; a long text stays in one of them alone.

    Of copies in several splits those in the test stay, else those in calibration; the others are counted as
    dropped.
    """
    splits: dict[Split, list[Opinion]] = {split: [] for split in SPLITS}
    for opinion in opinions:
        splits[split_of(opinion)].append(opinion)
    counts = Counter(dropped)
    taken: set[str] = set()
    for split in _PRECEDENCE:
        kept = [opinion for opinion in splits[split] if opinion.text not in taken]
        if len(kept) < len(splits[split]):
            counts[TWO_SPLITS] += len(splits[split]) - len(kept)
        splits[split] = kept
        taken.update(opinion.text for opinion in kept if is_long(opinion.text))
    return Corpus(
        info=info,
        splits={split: tuple(rows) for split, rows in splits.items()},
        general=general,
        dropped=tuple(sorted(counts.items())),
    )
