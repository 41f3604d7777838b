"""Which weights SPIN zeroes: (A ∩ B) − G of the most important weights of three data sets, per matrix; and its controls.

Source: arXiv 2410.16672. Read there: k = max(k_min, int(r · weights)) of the first and the second set, int(p · weights) of
the general one, per matrix. Ours: the order at ties, the scale of the scope 'global', the controls, and how the released
code was read (`couple`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from math import floor, log10
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from fairprune.errors import BadInput
from fairprune.masks import count_true, global_counts, keep_mask
from fairprune.models import LoadedModel, weight_matrix
from fairprune.text import counted

if TYPE_CHECKING:
    from fairprune.debias_spec import EditSpec

Places = NDArray[np.int64]
"""Weights of a matrix (out, in), each as row · in + column."""
Importance = dict[str, torch.Tensor]
"""Module name → float32 (out, in), ≥ 0."""
LISTED = 0.01
"""Share of the weights that compete whose order is kept at least: how far the smallest workable ratio is looked for."""
MOST_RATIO = 0.1
"""As `EditSpec` allows."""


@dataclass(frozen=True)
class Ranked:
    """The weights that compete with one another, those of one matrix or (scope global) of all, in one data set's order."""

    names: tuple[str, ...]
    shapes: tuple[tuple[int, int], ...]
    starts: tuple[int, ...]
    """Where each matrix begins in the count of all."""
    size: int
    alive: tuple[int, ...]
    """Weights of each matrix with an importance above 0: the others, pruned ones among them, are never chosen."""
    order: Places
    """The most important, highest first; at a tie the last in the matrix first, as keep-masks keep it."""


def rank(scores: Importance, options: EditSpec) -> tuple[Ranked, ...]:
    """The order of the most important weights, per matrix, or (scope global) over all, each divided by its mean in place.

    Raises:
        NumericError: an importance that is not finite.
    """
    if options.scope == "matrix":
        return tuple(_rank({name: score}, options) for name, score in scores.items())
    for score in scores.values():
        mean = score.mean()
        score.div_(torch.where(mean > 0, mean, torch.ones_like(mean)))
    return (_rank(scores, options),)


def _rank(scores: Importance, options: EditSpec) -> Ranked:
    sizes = [score.numel() for score in scores.values()]
    size, starts = sum(sizes), np.cumsum([0, *sizes[:-1]])
    # The control by the first set takes as many again as the edit, which may take all of the top.
    depth = min(size, max(2 * _top(size, options) + int(options.general_ratio * size), int(LISTED * size)))
    lost = [size - depth] if len(sizes) == 1 else global_counts(list(scores.values()), 1 - depth / size)
    places, values, alive = [], [], []
    for (name, score), start, less in zip(scores.items(), starts, lost, strict=True):
        keep = keep_mask(score, 0.0, within="matrix", count=less, name=name)
        found = keep.reshape(-1).nonzero().squeeze(1)
        values.append(score.reshape(-1)[found].cpu())
        places.append(found.cpu() + int(start))
        alive.append(count_true(score > 0))
    value, place = torch.cat(values).flip(0), torch.cat(places).flip(0)
    value, by = value.sort(descending=True, stable=True)
    order: Places = place[by][value > 0].numpy()
    shapes = tuple((score.shape[0], score.shape[1]) for score in scores.values())
    return Ranked(tuple(scores), shapes, tuple(map(int, starts)), size, tuple(alive), order)


def _top(size: int, options: EditSpec) -> int:
    """k: how many of so many weights count as important."""
    return min(size, max(options.minimum, int(options.ratio * size)))


@dataclass(frozen=True)
class MatrixChoice:
    """What is chosen in one matrix, and from what."""

    name: str
    shape: tuple[int, int]
    places: Places
    """The weights that are set to zero, ascending."""
    first: int
    second: int
    general: int
    """How many of the matrix are in the top of each set."""
    both: int
    """In the tops of the first and the second."""
    coupled: int
    """Of these, not in the general one's: (A ∩ B) − G."""
    chance: float
    """How many would be in both tops, were they independent: |A| · |B| / weights with an importance."""
    leading: Places
    """The first set's order without the general top: what the control 'first-only' is taken from."""

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "rows": self.shape[0],
            "columns": self.shape[1],
            "chosen": len(self.places),
            **{name: getattr(self, name) for name in ("first", "second", "general", "both", "coupled")},
            "chance": self.chance,
        }


@dataclass(frozen=True)
class Choice:
    """The weights that an edit sets to zero."""

    matrices: tuple[MatrixChoice, ...]

    @property
    def count(self) -> int:
        return sum(len(one.places) for one in self.matrices)

    def to_json(self) -> dict[str, Any]:
        """Counts of the whole and per matrix, of matrices in which anything is chosen or in both tops."""
        total = {
            name: sum(getattr(one, name) for one in self.matrices)
            for name in ("first", "second", "general", "both", "coupled", "chance")
        }
        return {
            "weights": self.count,
            "of": sum(one.shape[0] * one.shape[1] for one in self.matrices),
            **total,
            "matrices": [one.to_json() for one in self.matrices],
        }


def choose(first: Importance, second: Importance, general: Importance, options: EditSpec) -> Choice:
    """(A ∩ B) − G of three importances; the scope global scales them in place.

    Raises:
        BadInput: nothing is chosen; names the smallest ratio that chooses any.
        NumericError: an importance that is not finite.
    """
    return couple(rank(first, options), rank(second, options), rank(general, options), options)


def couple(
    first: Sequence[Ranked], second: Sequence[Ranked], general: Sequence[Ranked], options: EditSpec
) -> Choice:
    """As `choose`, from the orders.

    With selection 'released' the two tops are lists in the order of the matrix, and what is not in G is intersected
    place by place in these lists: where neither the i-th of A nor the i-th of B is in G, the i-th of A is zeroed,
    whether B has it or not. So the released code was read; the default is the true intersection.
    """
    pools = list(zip(first, second, general, strict=True))
    choice = Choice(tuple(one for pool in pools for one in _chosen_in(*pool, options)))
    if not choice.count:
        raise BadInput(_nothing_chosen(pools, options))
    return choice


def _chosen(a: Places, b: Places, g: Places, selection: str) -> Places:
    """The weights to be zeroed, ascending, of two tops and the general one's."""
    if selection == "intersection":
        return np.setdiff1d(np.intersect1d(a, b, assume_unique=True), g, assume_unique=True)
    n = min(len(a), len(b))
    one, other = np.sort(a)[:n], np.sort(b)[:n]
    return one[~np.isin(one, g) & ~np.isin(other, g)]


def _chosen_in(a: Ranked, b: Ranked, g: Ranked, options: EditSpec) -> list[MatrixChoice]:
    k, spared = _top(a.size, options), g.order[: int(options.general_ratio * g.size)]
    tops = {"first": a.order[:k], "second": b.order[:k], "general": spared}
    both = np.intersect1d(tops["first"], tops["second"], assume_unique=True)
    coupled = np.setdiff1d(both, spared, assume_unique=True)
    chosen = _chosen(tops["first"], tops["second"], spared, options.selection)
    leading = a.order[~np.isin(a.order, spared)]
    found = []
    for i, (name, shape, start) in enumerate(zip(a.names, a.shapes, a.starts, strict=True)):

        def own(places: Places, start: int = start, size: int = shape[0] * shape[1]) -> Places:
            return places[(places >= start) & (places < start + size)] - start

        counts = {top: len(own(places)) for top, places in tops.items()}
        alive = max(a.alive[i], b.alive[i], 1)
        found.append(
            MatrixChoice(
                name=name,
                shape=shape,
                places=own(chosen),
                **counts,
                both=len(own(both)),
                coupled=len(own(coupled)),
                chance=counts["first"] * counts["second"] / alive,
                leading=own(leading),
            )
        )
    return found


def _nothing_chosen(pools: Sequence[tuple[Ranked, Ranked, Ranked]], options: EditSpec) -> str:
    """Why nothing is chosen, with the smallest ratio that chooses any."""
    if dead := [which for which, alive in _alive(pools).items() if not alive]:
        return (
            f"nothing would be edited: no weight of the layers of kind {options.modules!r} has an importance above 0 "
            f"for the {' and the '.join(dead)} set: those that are not zero have no gradient. Choose other modules, or another model"
        )
    found = [_least_ratio(*pool, options) for pool in pools]
    ratios = [ratio for ratio in found if ratio is not None and ratio <= MOST_RATIO]
    looked = min(MOST_RATIO, max(LISTED, options.ratio + options.general_ratio))
    tops = [_top(a.size, options) for a, _, _ in pools]
    why = (
        f"ratio {options.ratio:g} is less than one weight of every matrix"
        if not any(tops)
        else f"with ratio {options.ratio:g} no weight is in both tops and not in the general one "
        f"({counted(max(tops), 'weight')} per top at most)"
    )
    if not ratios:
        return f"nothing would be edited: {why}, and no ratio up to {looked:g} changes that: choose other sets, or a lower general_ratio"
    return f"nothing would be edited: {why}; the smallest ratio that chooses any is {min(ratios)!r}"


def _alive(pools: Sequence[tuple[Ranked, Ranked, Ranked]]) -> dict[str, int]:
    """How many weights have an importance above 0 for the first set, and for the second."""
    return {"first": sum(sum(a.alive) for a, _, _ in pools), "second": sum(sum(b.alive) for _, b, _ in pools)}


def _least_ratio(a: Ranked, b: Ranked, g: Ranked, options: EditSpec) -> float | None:
    """The smallest ratio that chooses a weight of this pool, as a short decimal; None: none that was looked at."""
    spared = g.order[: int(options.general_ratio * g.size)]
    if options.selection == "released":
        tops = range(1, min(len(a.order), len(b.order)) + 1)
        k = next((k for k in tops if len(_chosen(a.order[:k], b.order[:k], spared, "released"))), None)
    else:
        both, in_a, in_b = np.intersect1d(a.order, b.order, assume_unique=True, return_indices=True)
        needed = np.maximum(in_a, in_b)[~np.isin(both, spared)] + 1
        k = int(needed.min()) if len(needed) else None
    return None if k is None else _ratio_of(k, a.size)


def _ratio_of(k: int, size: int) -> float:
    """The shortest decimal, of three digits at least, of which int(ratio · size) is k: no less than k / size."""
    for digits in count(2 - floor(log10(k / size))):
        above = -(-k * 10**digits // size)
        for numerator in (above, above + 1):  # 0.29 · 100 is 28.999…: then 0.291
            ratio: float = numerator / 10**digits
            if int(ratio * size) == k:
                return ratio
    raise AssertionError("unreachable")


def control_random(choice: Choice, loaded: LoadedModel, seed: int) -> Choice:
    """As many weights of each matrix, drawn at random among those that are not zero and that the edit leaves.

    Fewer where fewer are left.
    """
    linears = loaded.linears()
    rng = np.random.default_rng(seed)
    drawn = []
    for one in choice.matrices:
        alive = (weight_matrix(linears[one.name]) != 0).reshape(-1).nonzero().squeeze(1).cpu().numpy()
        left = alive[~np.isin(alive, one.places)]
        places = np.sort(rng.choice(left, min(len(one.places), len(left)), replace=False))
        drawn.append(replace(one, places=places))
    return Choice(tuple(drawn))


def control_first(choice: Choice) -> Choice:
    """As many weights of each matrix: the first set's most important that neither the edit takes nor the general set's top has.

    So it goes beyond the first set's top where most of that is edited. Fewer where fewer are left in the order that is kept.
    """
    drawn = []
    for one in choice.matrices:
        left = one.leading[~np.isin(one.leading, one.places)]
        drawn.append(replace(one, places=np.sort(left[: len(one.places)])))
    return Choice(tuple(drawn))


def control_facts(choice: Choice, control: Choice) -> dict[str, int]:
    """Of a control: weights that it zeroes, how many fewer than the edit, and how many of the edit's it shares."""
    shared = sum(
        len(np.intersect1d(one.places, other.places, assume_unique=True))
        for one, other in zip(choice.matrices, control.matrices, strict=True)
    )
    return {"weights": control.count, "fewer": choice.count - control.count, "shared": shared}
