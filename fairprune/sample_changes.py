"""What pruning changed in one sample: numbers with their signs and words, and the words of the summary themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from fairprune.charts import percent, points

Tone = Literal["better", "worse", "same", "missing"]
Change = tuple[Literal["=", "+", "-"], str]
"""Kept, inserted or deleted words, with the space after them."""

# Scripts without spaces between words are compared sign by sign: Chinese, Japanese.
_UNSPACED = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]\s*|[^\s{_UNSPACED}]+\s*")
MOST_WORDS = 2000
"""Of a summary that is compared word by word; a longer one is not."""
_EXACT_WORDS = 400  # beyond, difflib may overlook words that stand everywhere: linear instead of quadratic


@dataclass(frozen=True)
class Delta:
    """One number of a sample, dense and pruned."""

    name: str
    before: str
    after: str
    change: str
    """With its sign and unit; '' where there is none."""
    words: str
    """What the change means, or why there is none."""
    tone: Tone

    def to_json(self) -> dict[str, str]:
        return {
            "name": self.name,
            "before": self.before,
            "after": self.after,
            "change": self.change,
            "words": self.words,
            "tone": self.tone,
        }


def deltas(sample: Mapping[str, Any], groups: Sequence[str]) -> list[Delta]:
    """BUR, UER, SPD2, coverage per group and ROUGE-L of a sample's pruned summary against the dense one.

    Args:
        sample: of an evaluation's samples; a number that it lacks for one system is named as missing, with the reason.
    """
    dense, pruned = sample.get("dense") or {}, sample.get("pruned") or {}
    unscored = _why(dense, pruned)
    return [
        _bur(dense.get("bur"), pruned.get("bur"), unscored),
        _rate("UER", dense.get("uer"), pruned.get("uer"), ("fairer", "less fair"), unscored, lower=True),
        _spd2(dense.get("spd2"), pruned.get("spd2")),
        *(
            _rate(
                f"Covered, {group}",
                (dense.get("coverage") or {}).get(group),
                (pruned.get("coverage") or {}).get(group),
                ("more of its opinions heard", "fewer of its opinions heard"),
                "not computed",
            )
            for group in groups
            if group in (dense.get("p_x") or pruned.get("p_x") or {})
        ),
        _rate(
            "ROUGE-L",
            dense.get("rouge_l"),
            pruned.get("rouge_l"),
            ("more of the opinions' words", "fewer of the opinions' words"),
            "not computed",
        ),
    ]


def _why(dense: Mapping[str, Any], pruned: Mapping[str, Any]) -> str:
    """Why a sample cannot be compared: 'dense: no match; pruned: no summary'."""
    named = []
    for name, one in (("dense", dense), ("pruned", pruned)):
        if not one:
            named.append(f"{name}: no summary")
        elif one.get("unscored"):
            named.append(f"{name}: {one['unscored']}")
    return "; ".join(named) or "not computed"


def _bur(before: int | None, after: int | None, why: str) -> Delta:
    names = {None: "–", 0: "fair", 1: "unfair"}
    shown = names[before], names[after]
    if before is None or after is None:
        return Delta("BUR", *shown, "", why, "missing")
    if before == after:
        return Delta("BUR", *shown, "±0", "no change", "same")
    worse = after > before
    return Delta("BUR", *shown, "+1" if worse else "−1", f"became {shown[1]}", "worse" if worse else "better")


def _rate(
    name: str,
    before: float | None,
    after: float | None,
    words: tuple[str, str],
    why: str,
    *,
    lower: bool = False,
) -> Delta:
    """A fraction; `words` for better and worse; `lower` is better."""
    shown = percent(before), percent(after)
    if before is None or after is None:
        return Delta(name, *shown, "", why, "missing")
    gap = float(after) - float(before)
    if round(100 * gap, 1) == 0:
        return Delta(name, *shown, "±0.0 points", "no change", "same")
    better = (gap < 0) == lower
    return Delta(name, *shown, points(gap), words[0 if better else 1], "better" if better else "worse")


def _spd2(before: float | None, after: float | None) -> Delta:
    shown = _signed(before), _signed(after)
    if before is None or after is None:
        return Delta("SPD2", *shown, "", "not computed", "missing")
    gap, nearer = float(after) - float(before), abs(float(after)) - abs(float(before))
    if round(gap, 2) == 0:
        return Delta("SPD2", *shown, "±0.00", "no change", "same")
    if round(nearer, 2) == 0:
        return Delta("SPD2", *shown, _signed(gap), "as far from 0, on the other side", "same")
    words = "nearer to 0, fairer" if nearer < 0 else "further from 0, less fair"
    return Delta("SPD2", *shown, _signed(gap), words, "better" if nearer < 0 else "worse")


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{round(value, 2) + 0.0:+.2f}".replace("-", "−")


def heard(sample: Mapping[str, Any], system: str) -> int | None:
    """How many opinions any sentence of the system's summary rests on; None: nobody looked."""
    grounds = (sample.get(system) or {}).get("evidence")
    return None if grounds is None else len({int(place) for ground in grounds for place, _ in ground})


def vanished(sample: Mapping[str, Any]) -> list[str]:
    """The groups that the dense summary rests on and the pruned one does not."""
    before, after = ((sample.get(system) or {}).get("coverage") for system in ("dense", "pruned"))
    if before is None or after is None:
        return []
    return [group for group, share in before.items() if share > 0 and after.get(group) == 0]


def word_changes(before: str, sentences: Sequence[str]) -> list[list[Change]] | None:
    """How `before` became `sentences`, word by word: per sentence its words, kept or inserted, and the deleted ones in their place.

    Words that end differently ('good' and 'good.') differ. What was deleted after the last word stands in the last sentence.

    Returns:
        One list per sentence; None where a text is too long to be compared, or there is no sentence to show changes in.
    """
    old = _WORD.findall(before)
    parts = [_WORD.findall(sentence) for sentence in sentences]
    new = [word for part in parts for word in part]
    if not parts or max(len(old), len(new)) > MOST_WORDS:
        return None
    owner = [place for place, part in enumerate(parts) for _ in part]
    found: list[list[Change]] = [[] for _ in parts]

    def add(place: int, kind: Literal["=", "+", "-"], word: str) -> None:
        row = found[place]
        if row and row[-1][0] == kind:
            row[-1] = (kind, row[-1][1] + word)
        else:
            row.append((kind, word))

    # The last word of a sentence has no space after it.
    new = [word if word[-1:].isspace() or re.match(rf"[{_UNSPACED}]", word) else f"{word} " for word in new]
    old = [word if word[-1:].isspace() or re.match(rf"[{_UNSPACED}]", word) else f"{word} " for word in old]
    matcher = SequenceMatcher(
        None,
        [word.strip() for word in old],
        [word.strip() for word in new],
        autojunk=max(len(old), len(new)) > _EXACT_WORDS,
    )
    for kind, i, i_end, j, j_end in matcher.get_opcodes():
        if kind in ("delete", "replace"):
            place = owner[min(j, len(owner) - 1)] if owner else len(parts) - 1
            add(place, "-", "".join(old[i:i_end]))
        for at in range(j, j_end):
            add(owner[at], "=" if kind == "equal" else "+", new[at])
    return found
