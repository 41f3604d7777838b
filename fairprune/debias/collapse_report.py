"""The Neural Collapse report of a run, as a JSON document: dense against pruned, group words beside control words. Without torch.

Intervals leave out one cluster of windows after the other (delete-a-group jackknife), on the same windows for both models. A bootstrap
of windows repeats contexts, so that class means get noisier than they are, and every measure is a non-linear function of them: in
simulations of 20 words (16 or 64 contexts each) its intervals of the ratio of UNC3 cover 67 to 94 %, those of the jackknife 84 to 94 %
(`benchmarks/collapse_intervals.py`). Where few contexts per word move a value by more than its standard error, as they do NC1 and
NC3, neither covers (0 to 64 %): the value then stands without an interval.

Source: Kott, Journal of Official Statistics 17 (2001), the delete-a-group jackknife.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fairprune.calibration import ids_hash
from fairprune.debias.collapse_measures import (
    MEASURES,
    MIN_COUNT,
    SIGNED,
    Totals,
    classes,
    label_counts,
    measures,
    why_undefined,
    with_enough,
)
from fairprune.debias.words import control_words
from fairprune.errors import BadInput
from fairprune.uncertainty import FloatArray
from fairprune.uncertainty.intervals import t_interval

if TYPE_CHECKING:
    from fairprune.debias.words import Words

VERSION = 1
MOST_WORDS = 2000
"""Of all words the most frequent: two million pairs."""
GROUP, CONTROL, ALL = "group", "control", "all"
LISTS = {
    GROUP: "Group words",
    CONTROL: "Control words",
    ALL: "All words",
}
WHOLE = (ALL,)
"""Lists of which class sums are kept as a whole, because there are many: no resampling of what comes from them."""
NO_RESAMPLING = "its class sums are kept as a whole, not window by window, so there is no interval"
FRAGILE = "not defined without some of the windows, so there is no interval"
CONSTANT = "the same without any of the windows: nothing shows how far it could vary, so there is no interval"
BIASED = "few contexts per word: they alone move this value by more than its standard error, so there is no interval"
FEW_CONTEXTS = 50
"""Per word, on average."""
FEW_LIMIT = "fewer than 50 contexts per word: the interval covers between 75 and 98 %"
LIMITS: dict[str, tuple[float, float]] = {
    **dict.fromkeys(MEASURES, (0.0, math.inf)),
    "nc3": (-1.0, 1.0),
    "unc3": (0.0, 1.0),
    "nc4": (0.0, 1.0),
}
"""Measure → the least and the largest value that there can be."""
NO_RATIO = "the ratio of values that may be below 0 says nothing: see the difference"


Values = dict[str, FloatArray]
"""Measure → its value, then its values without one cluster each: (1 + clusters,); one value where nothing is resampled."""


@dataclass(frozen=True)
class Lists:
    """What is measured on given windows: chosen before any model is asked, so that dense and pruned share it."""

    name: str
    """Of the word list."""
    ids: Mapping[str, tuple[int, ...]]
    """'group', 'control', 'all' → token ids that are the next token often enough."""
    groups: Mapping[int, str]
    """Token id of a group word → its group."""
    texts: Mapping[int, str]
    """Token id → how it is shown: of group and control words."""
    dropped: Mapping[str, int]
    """Reason → how many words of the list do not count for it."""
    rare: int
    """Group words that are one token but are the next token too seldom."""
    control_reason: str | None
    """Why there is no control list."""
    min_count: int
    seed: int


def choose_lists(
    name: str,
    words: Words,
    ids: NDArray[np.integer],
    decode: Callable[[list[int]], str],
    *,
    excluded: Collection[int] = (),
    min_count: int = MIN_COUNT,
    seed: int = 0,
) -> Lists:
    """The three lists for these windows; control words are a random list of equal size and frequency.

    Args:
        ids: int (windows, tokens): those of the measurement.
        decode: of the tokenizer.
        excluded: ids that are no control words: special tokens, words of other lists.
    """
    counts = {token: n for token, n in label_counts(ids).items() if n >= min_count}
    group = with_enough(words.all_ids, counts, min_count)
    control: tuple[int, ...] = ()
    reason = None
    try:
        control = control_words(group, counts, {*words.all_ids, *excluded}, seed)
    except BadInput as error:
        reason = str(error)
    everything = sorted(counts, key=lambda token: (-counts[token], token))[:MOST_WORDS]
    return Lists(
        name=name,
        ids={GROUP: tuple(group), CONTROL: control, ALL: tuple(sorted(everything))},
        groups={token: label for label, found in words.ids.items() for token in found},
        texts={**words.texts, **{token: decode([token]).strip() for token in control}},
        dropped={why: len(found) for why, found in words.dropped.items()},
        rare=len(words.all_ids) - len(group),
        control_reason=reason,
        min_count=min_count,
        seed=seed,
    )


def collapse_document(
    dense: Mapping[str, Totals],
    pruned: Mapping[str, Totals],
    lists: Lists,
    ids: NDArray[np.integer],
    *,
    tied: bool,
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """What is stored of a run.

    Args:
        dense, pruned: of `class_totals` over the same windows and lists.
        ids: the windows.
        tied: whether the output matrix is the input embedding.
        notes: where the contexts come from.

    Returns:
        lists: per list its words, features, and per measure 'dense', 'pruned', 'difference' (pruned − dense), 'ratio' (pruned / dense);
        against_control: per measure the group words' ratio over the control words'; words: s_c of every group and control word.
        Each number is {value, low, high, n (words; for NC4 tokens), clusters (of windows), reason, limit}; missing is None, and says why.
    """
    values = {name: (_all_values(dense[name]), _all_values(pruned[name])) for name in LISTS}
    return {
        "version": VERSION,
        "list": lists.name,
        "min_count": lists.min_count,
        "windows": int(ids.shape[0]),
        "tokens_per_window": int(ids.shape[1]),
        "tokens": int(ids.shape[0] * (ids.shape[1] - 1)),
        "windows_hash": ids_hash(ids.astype(np.int32)),
        "dropped": dict(lists.dropped),
        "rare": lists.rare,
        "seed": lists.seed,
        "tied": tied,
        "notes": list(notes),
        "measures": {name: {"title": title, "what": what} for name, (title, what) in MEASURES.items()},
        "lists": {name: _of_list(name, dense[name], pruned[name], values[name], lists) for name in LISTS},
        "against_control": _against_control(values, dense[GROUP], lists),
        "words": _per_word(dense, pruned, lists),
    }


def _of_list(
    name: str, dense: Totals, pruned: Totals, values: tuple[Values, Values], lists: Lists
) -> dict[str, Any]:
    before, after = values
    found = {}
    for measure, (least, most) in LIMITS.items():
        n = int(dense.judged.sum()) if measure == "nc4" else len(dense.ids)
        a, b = after[measure], before[measure]
        why = [_why(measure, one, lists) for one in (pruned, dense)]
        limit = None if measure == "nc4" else _limit(dense)
        cells = {
            "dense": _cell(b, n, why[1], (least, most), limit=limit),
            "pruned": _cell(a, n, why[0], (least, most), limit=limit),
        }
        either = why[1] if cells["dense"]["value"] is None else why[0]
        cells["difference"] = _cell(a - b, n, either, (least - most, most - least), limit=limit)
        cells["ratio"] = _cell(*_logs(measure, a, b, n, either), scale=math.exp, limit=limit)
        found[measure] = cells
    return {
        "title": LISTS[name],
        "words": len(dense.ids),
        "features": dense.features,
        "reason": lists.control_reason if name == CONTROL else None,
        "measures": found,
    }


def _all_values(totals: Totals) -> Values:
    rows = [measures(totals, one) for one in _weights(totals.clusters)]
    found = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    weights = _weights(len(totals.judged))
    with np.errstate(invalid="ignore", divide="ignore"):
        found["nc4"] = (weights @ totals.agreed) / (weights @ totals.judged)
    return found


def _weights(clusters: int) -> FloatArray:
    """All clusters, then all but each: (1 + clusters, clusters), or (1, 1) for one."""
    whole = np.ones((1, clusters))
    return whole if clusters < 2 else np.concatenate([whole, 1 - np.eye(clusters)])


def _why(measure: str, totals: Totals, lists: Lists) -> str:
    """Why a measure is not defined, where it is not."""
    if measure == "nc4" and not totals.judged.sum():
        return "no token to judge: one window only, or no word of the list in every other one"
    return why_undefined(totals, lists.min_count)


def _limit(totals: Totals) -> str | None:
    """What is to be said of intervals that rest on so many contexts."""
    return FEW_LIMIT if totals.features < FEW_CONTEXTS * len(totals.ids) else None


def _logs(
    measure: str, after: FloatArray, before: FloatArray, n: int, why: str
) -> tuple[FloatArray, int, str, tuple[float, float]]:
    """The arguments of `_cell` for a ratio, whose interval is that of its logarithm."""
    anything = -math.inf, math.inf
    if measure == SIGNED:
        return np.array([math.nan]), n, NO_RATIO, anything
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.log(after / before)
    if math.isfinite(before[0]) and math.isfinite(after[0]) and not math.isfinite(found[0]):
        why = f"one of the two is 0 (dense {before[0]:.3g}, pruned {after[0]:.3g})"
    return found, n, why, anything


def _cell(
    values: FloatArray,
    n: int,
    why: str,
    limits: tuple[float, float],
    *,
    scale: Callable[[float], float] = float,
    limit: str | None = None,
) -> dict[str, Any]:
    """The first of the values, with an interval from the others, which leave out one cluster each.

    Args:
        why: the reason where the value is not defined.
        scale: from the scale of the values to that of the number.
        limit: what is to be said of the interval.
    """
    clusters = max(1, len(values) - 1)
    found: dict[str, Any] = {
        "value": None,
        "low": None,
        "high": None,
        "n": n,
        "clusters": clusters,
        "reason": None,
        "limit": None,
    }
    value, left_out = float(values[0]), values[1:]
    if not math.isfinite(value):
        return {**found, "reason": why}
    found["value"] = scale(value)
    if not len(left_out):
        return {**found, "reason": NO_RESAMPLING}
    if not np.isfinite(left_out).all():
        return {**found, "reason": FRAGILE}
    se = jackknife_error(left_out)
    if se < 1e-12 * max(1.0, abs(value)):
        return {**found, "reason": CONSTANT}
    low, high = t_interval(value, se, clusters - 1)
    if (clusters - 1) * abs(float(left_out.mean()) - value) > se:
        return {**found, "reason": BIASED}
    return {**found, "low": scale(max(low, limits[0])), "high": scale(min(high, limits[1])), "limit": limit}


def jackknife_error(left_out: FloatArray) -> float:
    """Standard error of a value, from its values without one cluster each, (clusters,)."""
    k = len(left_out)
    return math.sqrt((k - 1) / k * float(((left_out - left_out.mean()) ** 2).sum()))


def _against_control(
    values: Mapping[str, tuple[Values, Values]], group: Totals, lists: Lists
) -> dict[str, Any]:
    """Measure → how many times as much it changed for group words as for control words: 1 where both went alike."""
    why = lists.control_reason or "the ratio of group words or of control words is not defined"
    found, n = {}, len(group.ids)
    for measure in MEASURES:
        ratios = []
        for name in (GROUP, CONTROL):
            before, after = values[name]
            ratios.append(_logs(measure, after[measure], before[measure], n, why)[0])
        reason = NO_RATIO if measure == SIGNED else why
        with np.errstate(invalid="ignore"):
            change = ratios[0] - ratios[1]
        found[measure] = _cell(
            change,
            n,
            reason,
            (-math.inf, math.inf),
            scale=math.exp,
            limit=None if measure == "nc4" else _limit(group),
        )
    return found


def _per_word(
    dense: Mapping[str, Totals], pruned: Mapping[str, Totals], lists: Lists
) -> list[dict[str, Any]]:
    """Of group and control words: s_c of both models, most frequent words first."""
    rows = []
    for name in (GROUP, CONTROL):
        before, after = _cosines(dense[name]), _cosines(pruned[name])
        counts = dense[name].counts.sum(axis=0)
        rows += [
            {
                "id": int(token),
                "text": lists.texts.get(int(token), ""),
                "list": name,
                "group": lists.groups.get(int(token)) if name == GROUP else None,
                "n": int(counts[i]),
                "dense": before[i],
                "pruned": after[i],
            }
            for i, token in enumerate(dense[name].ids)
        ]
    return sorted(rows, key=lambda row: (row["list"] != GROUP, -row["n"], row["id"]))


def _cosines(totals: Totals) -> list[float | None]:
    found = classes(totals)
    values = np.full(len(totals.ids), np.nan)
    values[found.kept] = found.cosines
    return [float(value) if math.isfinite(value) else None for value in values]
