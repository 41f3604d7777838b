"""From samples as a file has them to checked opinion sets: what all formats of the literature share."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from fairprune.corpora.tables import NESTED, SHOWN
from fairprune.errors import BadInput
from fairprune.opinions import CorpusInfo, Noun, Opinion, OpinionSet, opinion_set_id
from fairprune.text import counted

MAX_SAMPLES = 100_000
MAX_GROUPS = 50
COMPOSITION = "as given"
"""Of every set: the file does not say by which recipe its samples were drawn, so there is one stratum."""
_Words = tuple[str, str]
"""What a note says of one thing, and of several."""
_WITHOUT_TEXT: _Words = ("opinion without text was left out", "opinions without text were left out")
_UNSCORED: _Words = (
    "sample has no opinion with text: unscored",
    "samples have no opinion with text: unscored",
)
_REPEATED: _Words = (
    "sample has the opinions of another one, word for word",
    "samples have the opinions of another one, word for word",
)
_NAMELESS: _Words = (
    "sample has no id, or shares it: all are named by their place",
    "samples have no id, or share it: all are named by their place",
)
_DIGIT = re.compile(r"\d")
_NUMBER = re.compile(r"[\s\d.,+\-eE%]*|\s*[+-]?(?:nan|inf|infinity)\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Dataset:
    """Opinion sets with what was written about them."""

    info: CorpusInfo
    sets: tuple[OpinionSet, ...]
    summaries: dict[str, list[str | None]]
    """Field of the file → one text per set; None where the file has none."""
    refused: dict[str, str]
    """Field of the file that holds something else than texts → what, in which sample, and what would be right."""
    references: list[str | None]
    """A summary written by a person, one per set; None where the file has none."""
    ids: tuple[str, ...]
    """What the file calls each sample; its place (from 1) where it has no name of its own. Unique."""
    notes: tuple[str, ...]
    """What was left out, renamed or odd, with counts."""


@dataclass(frozen=True)
class Sample:
    """One sample before it is checked."""

    where: str
    """For error messages: 'sample 3', 'row 12'."""
    id: str
    """'' where the file has none."""
    topic: str
    """'' for a topic of its own."""
    units: Sequence[tuple[str, str]]
    """(text, group) of each opinion, in the file's order."""
    summaries: Mapping[str, str | None] = field(default_factory=dict)
    reference: str | None = None


def build(
    name: str,
    title: str,
    attribute: str,
    groups: Sequence[str],
    samples: Sequence[Sample],
    *,
    noun: Noun,
    source: str,
    notes: Sequence[str] = (),
    refused: Mapping[str, str] | None = None,
) -> Dataset:
    """Checks all samples and makes a data set of them.

    An opinion without text is left out and counted; a sample of which nothing is left stays, and is unscored.

    Args:
        name: format and attribute; part of every set's id, so it does not hold the file's name.
        attribute: what the groups are: sentiment, party …
        groups: all groups in their order; the first is a in SPD2.
        refused: fields that hold something else than texts → what is wrong with them; their texts are left out.

    Raises:
        BadInput: 0 samples or more than `MAX_SAMPLES`, fewer than 2 or more than `MAX_GROUPS` groups, one group
            only, texts that are numbers or no text at all.
    """
    if not samples:
        raise BadInput(f"{title} has 0 samples: an evaluation needs at least one")
    if len(samples) > MAX_SAMPLES:
        raise BadInput(
            f"{title} has {counted(len(samples), 'sample')}, more than {MAX_SAMPLES:,}: take a part of it"
        )
    _check_groups(title, attribute, groups, samples)
    tally: Counter[_Words] = Counter()
    info = CorpusInfo(
        name=name,
        title=title,
        groups=tuple(groups),
        noun=noun,
        preamble=f"{noun.capitalize()}s of several people.",
        source=source,
    )
    ids = _ids(samples, tally)
    sets = tuple(_set(info, one, i, tally) for i, one in zip(ids, samples, strict=True))
    _check_texts(title, sets)
    seen = Counter(tuple((o.text, o.group) for o in one.opinions) for one in sets if one.opinions)
    tally[_REPEATED] = sum(n - 1 for n in seen.values())
    wrong = dict(refused or {})
    for one in samples:
        for label, text in one.summaries.items():
            check_characters(text or "", f"{one.where}: {label}")
    fields = list(dict.fromkeys(name for one in samples for name in one.summaries if name not in wrong))
    return Dataset(
        info=info,
        sets=sets,
        summaries={name: [one.summaries.get(name) for one in samples] for name in fields},
        refused=wrong,
        references=[one.reference for one in samples],
        ids=tuple(ids),
        notes=(*notes, *(counted(n, *what) for what, n in tally.items() if n)),
    )


def check_characters(text: str, where: str) -> str:
    """The text, unless it holds half of a surrogate pair, which no file of ours could be written with.

    Raises:
        BadInput: it does.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadInput(
            f"{where} has half a character (U+{ord(text[error.start]):04X}) at place {error.start + 1}: "
            "write the file again as UTF-8"
        ) from error
    return text


def read_summary(value: object, where: str) -> str | None:
    """A summary as JSON has it: a text, an object with the text under 'text', or null where none was written.

    Raises:
        BadInput: anything else. An object without 'text' is no summary that was not written, and a list no text.
    """
    found = value["text"] if isinstance(value, Mapping) and "text" in value else value
    if found is None or isinstance(found, str):
        return found
    kinds: dict[type, str] = {list: "a list", dict: "an object without 'text'"}
    kind = kinds.get(type(found), "not a text")
    raise BadInput(
        f"{where} is {json.dumps(value, ensure_ascii=False)[:SHOWN]}, {kind}: write the summary as a text, or as an object with 'text' "
        "(null where none was written)"
    )


def nested_cell(frame: pd.DataFrame, column: str, shown: str) -> str | None:
    """Why a column of `read_table` holds no summaries: a list or an object in a cell; None where there is none.

    Args:
        shown: what the file is called.
    """
    found = frame.attrs.get(NESTED, {}).get(column)
    if found is None:
        return None
    return f"{column!r} of {shown} holds no summaries: {found}: write the text itself, nothing where none was written"


def are_numbers(texts: Iterable[str | None]) -> bool:
    """Whether there is text, and all of it is numbers: a column of ratings or counts, not of words.

    Single texts that are a number ('10', '4.5') may stand among others.
    """
    written = [text for text in texts if text and text.strip()]
    return all(_NUMBER.fullmatch(text) for text in written) and any(_DIGIT.search(text) for text in written)


def _check_groups(title: str, attribute: str, groups: Sequence[str], samples: Sequence[Sample]) -> None:
    if len(groups) > MAX_GROUPS:
        few = ", ".join(map(repr, groups[:5]))
        raise BadInput(
            f"{attribute!r} of {title} has {len(groups)} different groups ({few} …), at most {MAX_GROUPS} can be "
            "compared: choose another attribute, or put groups together"
        )
    voiced = {group for one in samples for text, group in one.units if text.strip()}
    if not voiced:
        raise BadInput(f"{title} has no opinion with text: every sample is empty")
    if len(groups) < 2 or len(voiced) < 2:
        raise BadInput(
            f"{attribute!r} of {title} has one group only, {min(voiced)!r}: fairness is between groups, at least 2 "
            "must have opinions"
        )


def _check_texts(title: str, sets: Sequence[OpinionSet]) -> None:
    if are_numbers(o.text for one in sets for o in one.opinions):
        example = next(o.text for one in sets for o in one.opinions)
        raise BadInput(
            f"the opinions of {title} are numbers, such as {example[:20]!r}, not texts: name the field that holds "
            "the texts"
        )


def _ids(samples: Sequence[Sample], tally: Counter[_Words]) -> list[str]:
    """The samples' own ids where they are all there and all different, else their places."""
    given = Counter(one.id for one in samples)
    if given[""] == 0 and len(given) == len(samples):
        return [one.id for one in samples]
    if given[""] < len(samples):
        tally[_NAMELESS] = sum(n for name, n in given.items() if n > 1 or not name)
    return [str(place) for place in range(1, len(samples) + 1)]


def _set(info: CorpusInfo, one: Sample, name: str, tally: Counter[_Words]) -> OpinionSet:
    topic = one.topic or f"sample {name}"
    opinions = []
    for place, (text, group) in enumerate(one.units, start=1):
        if not text.strip():
            tally[_WITHOUT_TEXT] += 1
            continue
        check_characters(text, f"{one.where}, opinion {place}")
        opinions.append(Opinion(text.strip(), group, topic, source=f"{name}.{place}"))
    if not opinions:
        tally[_UNSCORED] += 1
    return OpinionSet(
        id=opinion_set_id(info.name, topic, tuple(opinions)),
        topic=topic,
        composition=COMPOSITION,
        first_group=opinions[0].group if opinions else info.groups[0],
        opinions=tuple(opinions),
    )
