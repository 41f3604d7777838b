"""The unified JSON of FairSumm / PerspectiveSumm: samples of units, each with a value per social attribute.

    [{"units": [{"text": "…", "value": {"sentiment": "pos"}}, …],
      "value_input": {"sentiment": ["texts of pos || …", "…"]}, "value_mapping": {"sentiment": ["pos", "neg"]},
      "gold_summary": ["…", "…"], "meta": {"id": "…", "type": "reviews", "seperator": " || "}}, …]

Source: Zhang et al., NAACL 2024 (arXiv 2311.07884), format as the released repository describes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from fairprune.corpora.tables import MAX_BYTES, decode
from fairprune.errors import BadInput, unknown
from fairprune.literature.build import Dataset, Sample, build, read_summary
from fairprune.opinions import Noun
from fairprune.text import counted

SEPARATOR = " || "
_NOUNS: dict[str, Noun] = {"tweets": "tweet", "reviews": "review"}
_OURS = frozenset({"units", "model_input", "value_input", "value_mapping", "meta", "id", "topic"})
"""Keys of a sample that hold no summary."""


def read(name: str, data: bytes, attribute: str, *, topic: str | None = None) -> Dataset:
    """A JSON list of samples, or one sample a line.

    Args:
        name: the file's name.
        data: its bytes, at most `MAX_BYTES`.
        attribute: 'sentiment', 'party' … as in `units[].value`.
        topic: dotted key of what a sample is about, such as 'meta.category'; None: every sample is a topic.

    Raises:
        BadInput: see `from_records`; a file that is not JSON.
    """
    shown = PurePath(name).name
    if len(data) > MAX_BYTES:
        raise BadInput(
            f"{shown} has {len(data) / 1e6:.0f} MB, more than the {MAX_BYTES / 1e6:.0f} MB that are read: "
            "take a part of it"
        )
    return from_records(shown, _records(shown, decode(shown, data, "json")), attribute, topic=topic)


def from_records(
    title: str, records: Sequence[Mapping[str, Any]], attribute: str, *, topic: str | None = None
) -> Dataset:
    """Samples as JSON objects → a data set.

    Labels are named as text (3 and 3.0 are '3'). Groups are those of `value_mapping`, in its order. Where samples
    have different ones (speakers of dialogues), a group is the place in the sample's own mapping, 'speaker 1',
    'speaker 2' …, as in the released code. Without `value_mapping` they are the labels that occur, sorted. A
    sample without `units` is read from `value_input`.

    Every other field of a sample that holds a text, an object with 'text', or null is a system's summaries; a field that
    holds anything else in any sample is refused when it is asked for. `gold_summary`, of which the format has several
    (the first is taken), is the reference too.

    Raises:
        BadInput: a sample that is not as above, with its number; an attribute that no unit has; a label that is
            not in the mapping; what `build` refuses.
    """
    mappings = [_mapping(record, attribute, place) for place, record in enumerate(records, start=1)]
    known = [mapping for mapping in mappings if mapping is not None]
    units = [_units(record, attribute, place) for place, record in enumerate(records, start=1)]
    if records and not any(label for found in units for _, label in found):
        raise _no_attribute(title, records, attribute)
    by_place = len({frozenset(mapping) for mapping in known}) > 1
    groups = _groups(attribute, known, units, by_place)
    samples = []
    refused: dict[str, str] = {}
    odd = several = 0
    for place, (record, found, own) in enumerate(zip(records, units, mappings, strict=True), start=1):
        mapping = own or ([] if by_place else groups)
        labelled = [
            (text, _group(label, mapping, place, number, attribute, by_place))
            for number, (text, label) in enumerate(found, start=1)
        ]
        odd += not _agrees(record, attribute, found, own)
        gold = record.get("gold_summary")
        several += isinstance(gold, list) and len(gold) > 1
        samples.append(
            Sample(
                where=f"sample {place}",
                id=_text_at(record, "id") or _text_at(record, "meta.id"),
                topic=_topic(record, topic, place),
                units=labelled,
                summaries=_summaries(record, place, refused),
                reference=_gold(gold, f"sample {place}: gold_summary"),
            )
        )
    notes = []
    if by_place:
        notes.append(f"the samples have different {attribute}s: a group is the place in a sample's own list")
    if odd:
        notes.append(
            f"{counted(odd, 'sample has', 'samples have')} other texts in value_input than in units: units are scored"
        )
    if several:
        notes.append(
            f"{counted(several, 'sample has', 'samples have')} several gold summaries: the first of each is the reference"
        )
    return build(
        f"fairsumm:{attribute}",
        title,
        attribute,
        groups,
        samples,
        noun=_noun(records),
        source=f"read from {title}",
        notes=notes,
        refused=refused,
    )


def _records(shown: str, text: str) -> list[dict[str, Any]]:
    one_a_line = text.lstrip().startswith("{")
    try:
        parsed: list[Any] = [
            json.loads(part) for part in (text.split("\n") if one_a_line else [text]) if part.strip()
        ]
    except (ValueError, RecursionError) as error:
        raise BadInput(
            f"{shown} is not JSON ({error}): it must be one list of samples, or one sample a line"
        ) from error
    found = parsed if one_a_line or not parsed else parsed[0]
    if not isinstance(found, list):
        raise BadInput(f"{shown} holds {type(found).__name__}, not a list of samples")
    for place, record in enumerate(found, start=1):
        if not isinstance(record, dict):
            raise BadInput(f"sample {place} of {shown} is {str(record)[:40]!r}, not an object with 'units'")
    return found


def label_name(value: object) -> str:
    """A label as text: 3 and 3.0 are '3', '' is none.

    Raises:
        BadInput: a list, an object or a truth value.
    """
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BadInput(f"the label {value!r} is neither a text nor a number")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return " ".join(str(value).split())


def _mapping(record: Mapping[str, Any], attribute: str, place: int) -> list[str] | None:
    found = record.get("value_mapping")
    if found is None:
        return None
    values = found.get(attribute) if isinstance(found, dict) else found
    if values is None:
        return None
    if not isinstance(values, list):
        raise BadInput(
            f"sample {place}: value_mapping of {attribute!r} is {str(values)[:40]!r}: it must be a list of all values"
        )
    names = _named(values, f"sample {place}: value_mapping")
    doubled = [name for name in names if names.count(name) > 1 or not name]
    if doubled:
        raise BadInput(
            f"sample {place}: value_mapping of {attribute!r} has {doubled[0]!r} twice, or is empty"
        )
    return names


def _named(values: Sequence[object], where: str) -> list[str]:
    try:
        return [label_name(value) for value in values]
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from error


def _units(record: Mapping[str, Any], attribute: str, place: int) -> list[tuple[str, str]]:
    """(text, label) of each unit; '' where a unit does not have the attribute."""
    units = record.get("units")
    if units is None:
        return _from_value_input(record, attribute, place)
    if not isinstance(units, list):
        raise BadInput(f"sample {place}: units are {str(units)[:40]!r}, not a list")
    found = []
    for number, unit in enumerate(units, start=1):
        where = f"sample {place}, unit {number}"
        if not isinstance(unit, dict) or not isinstance(unit.get("text"), str):
            raise BadInput(f"{where} is {str(unit)[:60]!r}: it needs 'text', a text, and 'value'")
        value = unit.get("value")
        label = value.get(attribute) if isinstance(value, dict) else None
        found.append((unit["text"], _named([label], where)[0]))
    return found


def _from_value_input(record: Mapping[str, Any], attribute: str, place: int) -> list[tuple[str, str]]:
    value_input, mapping = record.get("value_input"), _mapping(record, attribute, place)
    texts = value_input.get(attribute) if isinstance(value_input, dict) else None
    if texts is None or mapping is None:
        raise BadInput(
            f"sample {place} has no 'units', and no value_input and value_mapping of {attribute!r} to read instead"
        )
    if not isinstance(texts, list) or len(texts) != len(mapping):
        raise BadInput(
            f"sample {place}: value_input of {attribute!r} must be a list of {counted(len(mapping), 'text')}, one for each of "
            f"{', '.join(mapping)}"
        )
    separator = _separator(record)
    return [
        (part, group)
        for text, group in zip(texts, mapping, strict=True)
        for part in str(text or "").split(separator)
        if part.strip()
    ]


def _separator(record: Mapping[str, Any]) -> str:
    """The released files write 'seperator'."""
    meta = record.get("meta")
    found = (meta.get("seperator") or meta.get("separator")) if isinstance(meta, dict) else None
    return found if isinstance(found, str) and found else SEPARATOR


def _groups(
    attribute: str,
    known: Sequence[Sequence[str]],
    units: Sequence[Sequence[tuple[str, str]]],
    by_place: bool,
) -> list[str]:
    if by_place:
        return [f"{attribute} {place}" for place in range(1, max(map(len, known)) + 1)]
    if known:
        return list(known[0])
    return sorted({label for found in units for _, label in found if label})


def _group(
    label: str, mapping: Sequence[str], place: int, number: int, attribute: str, by_place: bool
) -> str:
    where = f"sample {place}, unit {number}"
    if not label:
        raise BadInput(f"{where} has no value of {attribute!r}: every opinion needs a group")
    if label not in mapping:
        listed = ", ".join(mapping) or "nothing"
        raise BadInput(f"{where}: {attribute} {label!r} is not in value_mapping, which has {listed}")
    return f"{attribute} {mapping.index(label) + 1}" if by_place else label


def _agrees(
    record: Mapping[str, Any], attribute: str, units: Sequence[tuple[str, str]], mapping: list[str] | None
) -> bool:
    """Whether value_input holds the units' texts, group by group; True where there is none to compare."""
    value_input = record.get("value_input")
    given = value_input.get(attribute) if isinstance(value_input, dict) else None
    if not isinstance(given, list) or mapping is None:
        return True
    separator = _separator(record)
    joined = [separator.join(text for text, label in units if label == group) for group in mapping]
    return [" ".join(str(text or "").split()) for text in given] == [
        " ".join(text.split()) for text in joined
    ]


def _no_attribute(title: str, records: Sequence[Mapping[str, Any]], attribute: str) -> BadInput:
    values = [unit.get("value") for record in records for unit in record.get("units") or []]
    found = dict.fromkeys(name for value in values if isinstance(value, dict) for name in value)
    if not found:
        return BadInput(f"no unit of {title} has a value: an opinion needs value: {{{attribute!r}: …}}")
    return unknown("attribute", attribute, found)


def _text_at(record: Mapping[str, Any], path: str) -> str:
    """The text at a dotted key; '' where there is none."""
    found: Any = record
    for step in path.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return " ".join(str(found).split()) if isinstance(found, str | int | float) else ""


def _topic(record: Mapping[str, Any], topic: str | None, place: int) -> str:
    found = "" if topic is None else _text_at(record, topic)
    if topic is not None and not found:
        raise BadInput(
            f"sample {place} has no {topic!r} to be its topic: leave --topic out, or name another key"
        )
    return found


def _summaries(record: Mapping[str, Any], place: int, refused: dict[str, str]) -> dict[str, str | None]:
    """Fields of the sample that hold a text or null; what is wrong with another one goes into `refused`, once."""
    texts: dict[str, str | None] = {}
    for name, value in record.items():
        if name in _OURS or name in refused:
            continue
        where = f"sample {place}: {name}"
        try:
            texts[name] = _gold(value, where) if name == "gold_summary" else read_summary(value, where)
        except BadInput as error:
            refused[name] = str(error)
    return texts


def _gold(value: object, where: str) -> str | None:
    """The first of several that people wrote."""
    return read_summary((value[0] if value else None) if isinstance(value, list) else value, where)


def _noun(records: Sequence[Mapping[str, Any]]) -> Noun:
    """The word of the prompt, of the first sample's meta.type."""
    return _NOUNS.get(_text_at(records[0], "meta.type") if records else "", "statement")
