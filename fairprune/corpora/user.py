"""A user's own opinions: a checked table becomes a stored corpus, `user:<slug>-<hash>`.

Nothing of the user's text ever becomes part of a path but the slug, which is letters, digits and hyphens.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import pandas as pd

from fairprune.corpora.build import assemble, clean, group_counts, seeded_key
from fairprune.corpora.sets import opinion_sets
from fairprune.corpora.stored import PREFIX, store
from fairprune.corpora.tables import MAX_BYTES, MAX_ROWS, read_table
from fairprune.errors import BadInput, unknown
from fairprune.opinions import Corpus, CorpusInfo, Noun, Opinion, Split
from fairprune.text import counted

__all__ = ["MAX_BYTES", "MAX_ROWS", "RowError", "check_rows", "import_table", "read_table", "refuse_cells"]

COLUMNS = ("text", "group", "topic")
MAX_GROUPS = 12
MAX_NAME = 80
"""Longest name of a group or topic, in characters."""
SET_SIZE = 8
"""A split must give one balanced set of this many opinions (or one of each group, where there are more)."""
SHOWN = 20
# Half of the topics are for the test, a quarter each for calibration and for the group classifier.
_PATTERN: tuple[Split, ...] = ("test", "calibration", "train", "test")
_PREAMBLES: dict[Noun, str] = {
    "tweet": "Tweets of several people.",
    "review": "Reviews of several people.",
    "statement": "Statements of several people.",
}


@dataclass(frozen=True)
class RowError:
    """One cell that cannot be used."""

    row: int
    """As the file counts: the line at which the row starts (a CSV's header is 1); its number in Parquet."""
    column: str
    problem: str

    def __str__(self) -> str:
        return f"row {self.row}: {self.column!r} {self.problem}"


def check_rows(frame: pd.DataFrame, text: str, group: str, topic: str) -> list[RowError]:
    """Every cell of the three columns that cannot be used, in the file's order.

    Raises:
        BadInput: a column that the table does not have; suggests the nearest.
    """
    found = []
    for column, limit in ((text, None), (group, MAX_NAME), (topic, MAX_NAME)):
        if column not in frame.columns:
            raise unknown("column", column, map(str, frame.columns))
        for row, value in zip(frame.index, frame[column], strict=True):
            folded = " ".join(value.split())
            if not folded:
                found.append(RowError(int(row), column, "is empty"))
            elif limit and len(folded) > limit:
                found.append(RowError(int(row), column, f"has {len(folded)} characters, more than {limit}"))
    return sorted(found, key=lambda error: error.row)


def refuse_cells(errors: Sequence[RowError], title: str = "", hint: str = "") -> None:
    """Refuses a table with cells that cannot be used, naming the first 20.

    Args:
        title: of the table, where several are read.
        hint: what else a person must know to fill them in.

    Raises:
        BadInput: there is one.
    """
    if not errors:
        return
    more = f" … and {len(errors) - SHOWN} more" if len(errors) > SHOWN else ""
    raise BadInput(
        f"{counted(len(errors), 'cell')}{f' of {title}' if title else ''} cannot be used: "
        f"{'; '.join(map(str, errors[:SHOWN]))}{more}. Fill them in, or take these rows out"
        f"{f' ({hint})' if hint else ''}"
    )


def import_table(
    name: str, frame: pd.DataFrame, mapping: Mapping[str, str], noun: str, preamble: str = ""
) -> CorpusInfo:
    """Checks a table, splits it, stores it, and gives its description. The same table is stored once.

    With three or more topics that can give a set the splits are disjoint by topic: half of these for the
    test, a quarter each for calibration and train (every other topic: train). With fewer, each topic's rows
    are shared out in the same way, and the note says that topics stand in several splits.

    Args:
        name: what the user calls it, or the file's name: shown, and slugged for the folder.
        frame: of `read_table`.
        mapping: 'text', 'group' and 'topic' → the column that has it.
        noun: 'tweet', 'review' or 'statement'.
        preamble: first sentence of the prompt; '' for a plain one.

    Raises:
        BadInput: a name that is too long, a missing column, unusable rows (the first 20 are named), fewer than 2 or more than 12
            groups, too few opinions for a set in some split.
        Unavailable: the folder cannot be written.
    """
    if noun not in get_args(Noun):
        raise unknown("noun", noun, get_args(Noun))
    for part in COLUMNS:
        if not mapping.get(part):
            raise BadInput(
                f"no column was chosen for {part!r}: choose one of {', '.join(map(str, frame.columns))}"
            )
    title = _title(name)
    opinions = _opinions(frame, mapping)
    groups = tuple(sorted({opinion.group for opinion in opinions}))
    _check_groups(groups, mapping["group"])
    dropped: Counter[str] = Counter()
    kept = clean(opinions, dropped)
    sentence = _sentence(preamble) or _PREAMBLES[noun]  # type: ignore[index]
    splits, by_row = _splits(kept, groups)
    digest = hashlib.sha256(
        json.dumps(
            [noun, sentence, [[o.text, o.group, o.topic, splits[o.source]] for o in kept]], ensure_ascii=False
        ).encode()
    ).hexdigest()[:8]
    topics = len({opinion.topic for opinion in kept})
    description = CorpusInfo(
        name=f"{PREFIX}{_slug(title)}-{digest}",
        title=title,
        groups=groups,
        noun=noun,  # type: ignore[arg-type]
        preamble=sentence,
        source=f"imported from {title}",
        note=_note(topics, by_row),
    )
    corpus = assemble(description, kept, lambda opinion: splits[opinion.source], dropped)
    _check_size(corpus, by_row)
    store(corpus)
    return description


def _opinions(frame: pd.DataFrame, mapping: Mapping[str, str]) -> list[Opinion]:
    text, group, topic = (mapping[part] for part in COLUMNS)
    refuse_cells(check_rows(frame, text, group, topic))
    return [
        Opinion(words, " ".join(who.split()), " ".join(what.split()), source=str(row))
        for row, words, who, what in zip(frame.index, frame[text], frame[group], frame[topic], strict=True)
    ]


def _title(name: str) -> str:
    """The name as it is shown.

    Raises:
        BadInput: it is too long.
    """
    title = " ".join(name.split()) or "corpus"
    if len(title) > MAX_NAME:
        raise BadInput(f"the name has {len(title):,} characters: at most {MAX_NAME}")
    return title


def _check_groups(groups: tuple[str, ...], column: str) -> None:
    if len(groups) < 2:
        raise BadInput(
            f"column {column!r} has one group only, {groups[0]!r}: fairness is between groups, "
            "at least 2 are needed"
        )
    if len(groups) > MAX_GROUPS:
        few = ", ".join(map(repr, groups[:5]))
        raise BadInput(
            f"column {column!r} has {len(groups)} different groups ({few} …), at most {MAX_GROUPS} can be "
            "compared: choose another column, or put groups together"
        )


def _sentence(preamble: str) -> str:
    folded = " ".join(preamble.split())
    if len(folded) > 200 or "||" in folded:
        raise BadInput(
            f"the prompt's first sentence cannot be {folded[:60]!r}: write at most 200 characters, "
            "without '||'"
        )
    return folded


def _splits(opinions: list[Opinion], groups: tuple[str, ...]) -> tuple[dict[str, Split], bool]:
    """Opinion's source → split, and whether the splits are by row."""
    counts = group_counts(opinions)
    each = -(-max(SET_SIZE, len(groups)) // len(groups))  # of each group for a balanced set, rounded up
    able = [topic for topic in counts if all(counts[topic][group] >= each for group in groups)]
    if len(able) >= 3:
        ranked = sorted(able, key=lambda topic: seeded_key("user", topic))
        of_topic = {topic: _PATTERN[rank % len(_PATTERN)] for rank, topic in enumerate(ranked)}
        return {opinion.source: of_topic.get(opinion.topic, "train") for opinion in opinions}, False
    ranks: Counter[tuple[str, str]] = Counter()
    splits: dict[str, Split] = {}
    for opinion in sorted(opinions, key=lambda o: seeded_key("user", o.text)):
        place = (opinion.topic, opinion.group)
        splits[opinion.source] = _PATTERN[ranks[place] % len(_PATTERN)]
        ranks[place] += 1
    return splits, True


def _note(topics: int, by_row: bool) -> str:
    count = counted(topics, "topic")
    if by_row:
        return (
            f"{count}, too few for splits by topic: the splits are by row, the same topic stands in all of "
            "them, and results say nothing of other topics."
        )
    return (
        f"{count}, no topic in two splits. The groups are as the file has them; nobody has checked them here."
    )


def _check_size(corpus: Corpus, by_row: bool) -> None:
    size = max(SET_SIZE, len(corpus.info.groups))
    for split in corpus.splits:
        try:
            opinion_sets(corpus, split, 1, size, "balanced")
        except BadInput as error:
            wanted = 4 * -(-size // len(corpus.info.groups))
            remedy = (
                f"about {wanted} opinions of each group about one topic"
                if by_row
                else "more opinions of each group"
            )
            raise BadInput(f"too few opinions for a single set: {error}. Needed: {remedy}") from error


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.rsplit(".", 1)[0]).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or "corpus"
