"""The per-sample table: which samples are shown, and in which order. Values → rows; nothing is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pandas as pd

from fairprune.errors import suggestion
from fairprune.opinions import OpinionSet
from fairprune.sample_changes import vanished
from fairprune.ui.fairness import fairness_change

SYSTEMS = ("pruned", "dense")
STATES = {
    "vanished": "A group vanished",
    "degenerate": "Degenerate",
    "unscored": "Unscored",
    "bur": "BUR changed",
}
"""Kind of sample → its name on the page."""
SORTS = {
    "change": "Largest loss of fairness",
    "uer": "Largest UER, pruned",
    "either": "Largest change, either way",
    "bur": "BUR changed first",
    "drawn": "As drawn",
}
"""Order of the table → its name on the page."""
MOST_TEXT = 1000
"""Characters of a search that are kept, more than most opinions have: an address has an end."""


@dataclass(frozen=True)
class SampleFilter:
    """What the table shows. Every part that is '' shows all."""

    under: str = ""
    """'pruned fresh': samples in which this system's summary under-represents this group, as BUR reads it."""
    state: str = ""
    """A key of STATES."""
    mix: str = ""
    """The composition of the set."""
    topic: str = ""
    text: str = ""
    """Stands in the topic, an opinion or a summary; upper and lower case are alike, and so is all white space."""
    sort: str = "change"
    """A key of SORTS."""

    def address(self) -> str | None:
        """What stands after `?filter=`: only what differs from showing all; None where nothing does."""
        default = asdict(SampleFilter())
        parts = asdict(replace(self, text=self.text[:MOST_TEXT]))
        return urlencode({key: value for key, value in parts.items() if value != default[key]}) or None


def read_filter(address: str | None, sets: Sequence[OpinionSet], groups: Sequence[str]) -> SampleFilter:
    """The filter of an address; what means nothing here (an old link, another run) is left out, and `misread` says it."""
    allowed = _allowed(sets, groups)
    kept = {
        key: value[:MOST_TEXT] if key == "text" else value
        for key, value in dict(parse_qsl(address or "")).items()
        if key == "text" or value in allowed.get(key, ())
    }
    return SampleFilter(**kept)


def misread(address: str | None, sets: Sequence[OpinionSet], groups: Sequence[str]) -> list[str]:
    """What of a filter's address `read_filter` leaves out, and what would be right: a text each."""
    allowed = _allowed(sets, groups)
    wrong = []
    for part in filter(None, (address or "").split("&")):
        found = parse_qsl(part, keep_blank_values=True)
        key, value = found[0] if found else (part, "")
        if key != "text" and key not in allowed:
            wrong.append(f"unknown filter {key!r}: {suggestion(key, [*allowed, 'text'])}")
        elif key != "text" and value and value not in allowed[key]:
            wrong.append(f"unknown {key} {value!r}: {suggestion(value, allowed[key])}")
    return wrong


def _allowed(sets: Sequence[OpinionSet], groups: Sequence[str]) -> dict[str, Sequence[str]]:
    """Part of the filter → what it can be; the text, which can be anything, is left out."""
    return {
        "under": under_choices(groups),
        "state": list(STATES),
        "mix": mixes(sets),
        "topic": topics(sets),
        "sort": list(SORTS),
    }


def under_choices(groups: Sequence[str]) -> list[str]:
    """'pruned fresh', 'pruned rotten', 'dense fresh' …"""
    return [f"{system} {group}" for system in SYSTEMS for group in groups]


def mixes(sets: Sequence[OpinionSet]) -> list[str]:
    return sorted({one.composition for one in sets})


def topics(sets: Sequence[OpinionSet]) -> list[str]:
    return sorted({one.topic for one in sets})


def under_represented(sample: Mapping[str, Any] | None, group: str, tau: str, ties: str) -> bool:
    """Whether the summary gives a group less than τ of its fair share, in a sample that BUR calls unfair.

    Stored shares are floats, so at exactly τ the sample's own BUR, which was decided on integers, has the last word.
    """
    if not sample or not sample["bur"] or sample["p_y"] is None or group not in sample["p_x"]:
        return False
    threshold = float(Fraction(tau)) * float(sample["p_x"][group])
    slack = 1e-9 if ties == "le" else -1e-9
    return float(sample["p_y"].get(group, 0.0)) < threshold + slack


def chosen(
    found: SampleFilter,
    samples: Sequence[Mapping[str, Any]],
    sets: Sequence[OpinionSet],
    texts: Mapping[str, Mapping[int, str | None]],
    *,
    tau: str,
    ties: str,
) -> list[int]:
    """Positions of the samples that are shown, in their order; what has no number to sort by stands last.

    Args:
        texts: system → position → summary; read only where the filter searches for a text.
    """
    places = [
        place
        for place, (sample, one) in enumerate(zip(samples, sets, strict=True))
        if _shown(found, sample, one, tau, ties)
        and (not found.text or _says(found.text, one, [of.get(place) for of in texts.values()]))
    ]
    if found.sort == "drawn":
        return places

    def key(place: int) -> float:
        value = _sorted_by(found.sort, samples[place])
        return float("inf") if value is None else -value

    return sorted(places, key=key)


def _shown(found: SampleFilter, sample: Mapping[str, Any], one: OpinionSet, tau: str, ties: str) -> bool:
    own = [sample.get(system) or {} for system in SYSTEMS]
    if found.under:
        system, _, group = found.under.partition(" ")
        if not under_represented(sample.get(system), group, tau, ties):
            return False
    states = {
        "": True,
        "vanished": bool(vanished(sample)),
        "degenerate": any(each.get("degenerate") for each in own),
        "unscored": any(not each or each.get("unscored") for each in own),
        "bur": _bur_changed(sample),
    }
    return bool(states[found.state] and found.mix in ("", one.composition) and found.topic in ("", one.topic))


def _says(text: str, one: OpinionSet, summaries: Sequence[str | None]) -> bool:
    wanted = _folded(text)
    return any(
        wanted in _folded(said)
        for said in (
            one.topic,
            *(opinion.text for opinion in one.opinions),
            *(each or "" for each in summaries),
        )
    )


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _bur_changed(sample: Mapping[str, Any]) -> bool:
    before, after = ((sample.get(system) or {}).get("bur") for system in ("dense", "pruned"))
    return before is not None and after is not None and before != after


def _sorted_by(sort: str, sample: Mapping[str, Any]) -> float | None:
    change = fairness_change(sample)
    if sort == "uer":
        value = (sample.get("pruned") or {}).get("uer")
        return None if value is None else float(value)
    if change is None:
        return None
    if sort == "bur":  # those that became unfair, then those that became fair, then the rest
        before, after = (sample[system]["bur"] for system in ("dense", "pruned"))
        return 10.0 * (2 if after > before else 1 if after < before else 0) + change
    return abs(change) if sort == "either" else change


def sample_rows(
    places: Sequence[int], samples: Sequence[Mapping[str, Any]], sets: Sequence[OpinionSet], url: str
) -> pd.DataFrame:
    """One row per shown sample.

    Args:
        places: of the samples, in their order.
        url: address of a sample's page, to which its number is added.

    Returns:
        Columns sample (from 1), link, topic, change of UER in percentage points (missing where one is unscored), UER and
        BUR of both systems, composition, notes.
    """
    rows = []
    for place in places:
        sample = samples[place]
        dense, pruned = sample.get("dense") or {}, sample.get("pruned") or {}
        before, after = dense.get("uer"), pruned.get("uer")
        rows.append(
            {
                "sample": place + 1,
                "read": f"{url}{place + 1}",
                "topic": sets[place].topic,
                "mix": sets[place].composition,
                "UER change": None if before is None or after is None else 100 * (after - before),
                "UER dense %": None if before is None else 100 * before,
                "UER pruned %": None if after is None else 100 * after,
                "BUR dense": _unfair(dense.get("bur")),
                "BUR pruned": _unfair(pruned.get("bur")),
                "notes": "; ".join(_notes("dense", dense) + _notes("pruned", pruned)),
            }
        )
    numbers = ["UER change", "UER dense %", "UER pruned %"]
    columns = ["sample", "read", "topic", *numbers, "BUR dense", "BUR pruned", "mix", "notes"]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(numbers, "float64"))


def _unfair(value: int | None) -> str:
    return "–" if value is None else "unfair" if value else "fair"


def _notes(system: str, sample: Mapping[str, Any]) -> list[str]:
    found = [str(reason) for reason in sample.get("degenerate") or []]
    if sample.get("unscored"):
        found.append(f"unscored: {sample['unscored']}")
    return [f"{system}: {note}" for note in found]
