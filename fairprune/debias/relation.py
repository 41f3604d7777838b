"""Does collapse predict the fairness of summaries? Within fixed sparsity and corpus, partial on perplexity, leaving one method out.

Collapse and fairness both follow damage: over all runs they go together in any case. Here runs are compared within a stratum only (one
sparsity, corpus and setting: model, opinion sets, word list), after the logarithm of their perplexity ratio is taken out of both
numbers. Runs of one method are alike, so what varies is the method: the interval leaves out one method after the other, and a second
question is whether collapse foretells the fairness of a method that the line was not drawn with. Without torch.

Sources: MacKinnon, Nielsen & Webb, Journal of Applied Econometrics 38 (2023), the cluster jackknife with few clusters; Fisher, Metron 1
(1921), the scale on which a correlation is interval-scaled.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fairprune.errors import BadInput
from fairprune.text import counted
from fairprune.uncertainty import FloatArray
from fairprune.uncertainty.intervals import t_interval

LEAST_METHODS = 4
"""Fewer say nothing of another method: three degrees of freedom at least."""
LEAST_FREE = 3
"""Runs beyond what is estimated: one mean per stratum and the slopes."""
NOT_DEFINED = "not defined"
Stratum = tuple[float, str, str]
"""Sparsity, corpus, and what else must be equal."""


@dataclass(frozen=True)
class Named:
    """What the two numbers are called in a sentence."""

    collapse: str = "number of collapse"
    fairness: str = "fairness number"
    fairer: Literal["lower", "higher"] = "lower"
    """Which end of the fairness number is the fairer one."""


@dataclass(frozen=True)
class RelationRow:
    """One run."""

    method: str
    """The pruning method: runs of one method are alike, whatever was done after it."""
    sparsity: float
    """As asked for, a fraction."""
    corpus: str
    perplexity_ratio: float | None
    """Pruned by dense, above 0."""
    collapse: float | None
    """A number of the collapse report, such as the ratio of UNC3 of the group words."""
    fairness: float | None
    """A fairness number of the summaries."""
    setting: str = ""
    """What else must be equal for two runs to compare, such as the model: a name for people, and a hash of the rest."""

    @property
    def stratum(self) -> Stratum:
        return self.sparsity, self.corpus, self.setting

    @property
    def usable(self) -> bool:
        """Whether all three numbers are there."""
        numbers = (self.perplexity_ratio, self.collapse, self.fairness)
        return (
            all(one is not None and math.isfinite(one) for one in numbers)
            and (self.perplexity_ratio or 0) > 0
        )


@dataclass(frozen=True)
class Association:
    """A number between −1 and 1 with its 95 % interval."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    """Runs that enter."""
    n_methods: int
    """What the interval leaves out one by one."""
    n_strata: int
    """Groups of runs that compare: of one sparsity, corpus and setting."""
    reason: str | None = None
    """Why it has no value, or no interval."""

    @property
    def shown(self) -> str:
        """For a table."""
        if self.value is None:
            return NOT_DEFINED
        ends = "no interval" if self.low is None else f"{self.low:.2f} to {self.high:.2f}"
        return f"{self.value:.2f} ({ends}; n = {self.n})"


@dataclass(frozen=True)
class LeftOut:
    """What a line drawn without one method says of this method's runs."""

    method: str
    n: int
    """Runs of the method in strata that the other methods have, too."""
    slope: float | None
    """Fairness per unit of collapse, at equal perplexity, among the other methods; None: not defined."""
    error_without: float | None
    """Mean squared error of the method's fairness, from stratum and perplexity alone."""
    error_with: float | None
    """The same with collapse."""


@dataclass(frozen=True)
class Relation:
    """The answer."""

    partial: Association
    """Correlation of collapse and fairness within strata, partial on log perplexity ratio."""
    raw: Association
    """The same over all runs, without strata and perplexity: what damage alone makes of it."""
    gain: Association
    """Share of the squared error of a left-out method's fairness that knowing collapse takes away; below 0: it misleads."""
    strata: tuple[tuple[float, str, str, Association], ...]
    """(sparsity, corpus, setting, its partial correlation)."""
    left_out: tuple[LeftOut, ...]
    n_unusable: int
    """Runs without one of the numbers."""
    n_alone: int
    """Runs that are the only one in their stratum."""

    def sentence(self, named: Named) -> str:
        """What it comes to, for people: which way, and whether that is fairer."""
        asked = f"Whether the {named.collapse} predicts the {named.fairness}"
        if self.partial.value is None:
            return f"{asked} is not defined here: {self.partial.reason}."
        if self.partial.low is None or self.partial.high is None:
            return f"{asked} cannot be told: {self.partial.reason}."
        if self.partial.low <= 0 <= self.partial.high:
            return (
                f"Within fixed sparsity and corpus and at equal perplexity, these runs do not show that {named.collapse} and "
                f"{named.fairness} go together (partial correlation {self.partial.shown})."
            )
        way = "higher" if self.partial.value > 0 else "lower"
        end = "fairer" if way == named.fairer else "less fair"
        foretells = self.gain.low is not None and self.gain.low > 0
        return (
            f"Within fixed sparsity and corpus and at equal perplexity, runs with a higher {named.collapse} have a {way} "
            f"{named.fairness}, which is {end} (partial correlation {self.partial.shown}); of a method that was left out, it "
            f"{'foretells' if foretells else 'does not surely foretell'} the {named.fairness} (error taken away: {self.gain.shown})."
        )

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def frame(self) -> pd.DataFrame:
        """One row per number: what, sparsity, corpus, setting, value, low, high, n, n_methods, n_strata, reason."""
        none = (None, None, None)
        rows: list[tuple[str, float | None, str | None, str | None, Association]] = [
            ("partial correlation", *none, self.partial),
            *(("partial correlation", *stratum) for stratum in self.strata),
            ("correlation over all runs", *none, self.raw),
            ("error taken away for a left-out method", *none, self.gain),
        ]
        return pd.DataFrame(
            [
                {"what": what, "sparsity": sparsity, "corpus": corpus, "setting": setting, **asdict(one)}
                for what, sparsity, corpus, setting, one in rows
            ]
        )


def relation(rows: Sequence[RelationRow]) -> Relation:
    """Whether collapse predicts fairness over these runs.

    Raises:
        BadInput: a sparsity outside [0, 1).
    """
    for row in rows:
        if not 0 <= row.sparsity < 1:
            raise BadInput(f"sparsity {row.sparsity!r} of method {row.method!r} is outside [0, 1)")
    usable = [row for row in rows if row.usable]
    sizes = Counter(row.stratum for row in usable)
    kept = [row for row in usable if sizes[row.stratum] > 1]
    strata = sorted({row.stratum for row in kept})
    table = _Table.of(kept)
    return Relation(
        partial=_association(table, _partial),
        raw=_association(_Table.of(usable), _correlation),
        gain=_gain(table),
        strata=tuple(
            (*stratum, _association(_Table.of([row for row in kept if row.stratum == stratum]), _partial))
            for stratum in strata
        ),
        left_out=tuple(_left_out(table, method) for method in table.methods),
        n_unusable=len(rows) - len(usable),
        n_alone=len(usable) - len(kept),
    )


@dataclass(frozen=True)
class _Table:
    """Runs as arrays (n,)."""

    method: NDArray[np.str_]
    stratum: NDArray[np.intp]
    perplexity: FloatArray
    """Logarithm of the ratio."""
    collapse: FloatArray
    fairness: FloatArray

    @staticmethod
    def of(rows: Sequence[RelationRow]) -> _Table:
        strata = sorted({row.stratum for row in rows})
        return _Table(
            np.array([row.method for row in rows], dtype=np.str_),
            np.array([strata.index(row.stratum) for row in rows], dtype=np.intp),
            np.log([float(row.perplexity_ratio or 1) for row in rows]),
            np.array([row.collapse for row in rows], dtype=np.float64),
            np.array([row.fairness for row in rows], dtype=np.float64),
        )

    @property
    def methods(self) -> list[str]:
        return sorted(set(self.method.tolist()))

    @property
    def n_strata(self) -> int:
        return len(np.unique(self.stratum))

    def where(self, keep: NDArray[np.bool_]) -> _Table:
        return _Table(
            self.method[keep],
            self.stratum[keep],
            self.perplexity[keep],
            self.collapse[keep],
            self.fairness[keep],
        )

    def known(self) -> FloatArray:
        """(n, strata + 1): one column per stratum that has runs, then the logarithm of the perplexity ratio."""
        names = np.unique(self.stratum)
        return np.column_stack([self.stratum[:, None] == names[None, :], self.perplexity]).astype(np.float64)


def _partial(table: _Table) -> float:
    """NaN where one of the two does not vary beyond stratum and perplexity, or too few runs are left."""
    known = table.known()
    if len(known) - known.shape[1] < LEAST_FREE:
        return math.nan
    both = np.column_stack([table.collapse, table.fairness])
    rest = both - known @ np.linalg.lstsq(known, both, rcond=None)[0]
    return _pearson(rest, both)


def _correlation(table: _Table) -> float:
    if len(table.method) < LEAST_FREE:
        return math.nan
    both = np.column_stack([table.collapse, table.fairness])
    return _pearson(both - both.mean(axis=0), both)


def _pearson(rest: FloatArray, both: FloatArray) -> float:
    """Correlation of two columns of residuals; NaN where one is rounding alone."""
    lengths = np.linalg.norm(rest, axis=0)
    if (lengths <= 1e-9 * np.maximum(1e-300, np.linalg.norm(both, axis=0))).any():
        return math.nan
    return float(np.clip(rest[:, 0] @ rest[:, 1] / lengths.prod(), -1.0, 1.0))


def _association(table: _Table, statistic: Callable[[_Table], float]) -> Association:
    """A correlation with its interval over methods."""
    n, methods, n_strata = len(table.method), table.methods, table.n_strata
    none = Association(None, None, None, n, len(methods), n_strata)
    value = statistic(table) if n else math.nan
    if math.isnan(value):
        return replace(none, reason=_why_not(table))
    found = replace(none, value=value)
    if len(methods) < LEAST_METHODS:
        few = f"{counted(len(methods), 'method')}: an interval over methods needs {LEAST_METHODS}"
        return replace(found, reason=few)
    left_out = np.array([statistic(table.where(table.method != method)) for method in methods])
    if np.isnan(left_out).any():
        which = methods[int(np.flatnonzero(np.isnan(left_out))[0])]
        return replace(found, reason=f"not defined without {which}, so there is no interval")
    if abs(value) >= 1 or (np.abs(left_out) >= 1).any():
        return replace(found, reason="the runs lie on one line: nothing shows how far it could vary")
    scaled, z = np.arctanh(left_out), math.atanh(value)
    low, high = t_interval(z, _error(scaled, z), len(methods) - 1)
    return replace(found, low=math.tanh(low), high=math.tanh(high))


def _error(left_out: FloatArray, value: float) -> float:
    """Standard error from the values without one method each, around the value of all."""
    k = len(left_out)
    return math.sqrt((k - 1) / k * float(((left_out - value) ** 2).sum()))


def _why_not(table: _Table) -> str:
    n, strata = len(table.method), table.n_strata
    least = max(1, strata) + 1 + LEAST_FREE  # a mean per stratum, a slope of perplexity
    if n < least:
        return f"{counted(n, 'run')} in {counted(strata, 'group')} that compare: at least {least} are needed"
    return "collapse or fairness does not vary beyond what sparsity, corpus and perplexity say"


def _left_out(table: _Table, method: str) -> LeftOut:
    """The fairness of one method, foretold by lines through the others, with and without collapse."""
    others = table.where(table.method != method)
    own = table.where((table.method == method) & np.isin(table.stratum, others.stratum))
    n = len(own.method)
    known = others.known()
    if not n or len(known) - known.shape[1] - 1 < 1 or math.isnan(_partial(others)):
        return LeftOut(method, n, None, None, None)
    names = np.unique(others.stratum)
    asked = np.column_stack([own.stratum[:, None] == names[None, :], own.perplexity]).astype(np.float64)
    without = np.linalg.lstsq(known, others.fairness, rcond=None)[0]
    both = np.linalg.lstsq(np.column_stack([known, others.collapse]), others.fairness, rcond=None)[0]
    return LeftOut(
        method,
        n,
        float(both[-1]),
        float(((own.fairness - asked @ without) ** 2).mean()),
        float(((own.fairness - np.column_stack([asked, own.collapse]) @ both) ** 2).mean()),
    )


def _gain(table: _Table) -> Association:
    found = [
        one for one in (_left_out(table, method) for method in table.methods) if one.error_with is not None
    ]
    n = sum(one.n for one in found)
    none = Association(None, None, None, n, len(found), table.n_strata)
    if len(found) < LEAST_METHODS:
        return replace(
            none,
            reason=f"only {counted(len(found), 'method')} can be foretold from the others: at least {LEAST_METHODS} are needed",
        )
    counts = np.array([one.n for one in found], dtype=np.float64)
    without = counts * np.array([one.error_without for one in found])
    with_it = counts * np.array([one.error_with for one in found])
    if not without.sum() > 0:
        return replace(none, reason="stratum and perplexity foretell fairness without error")
    value = 1 - float(with_it.sum() / without.sum())
    rest = without.sum() - without
    if not (rest > 0).all():
        return replace(none, value=value, reason="one method alone has an error, so there is no interval")
    left_out = 1 - (with_it.sum() - with_it) / rest
    low, high = t_interval(value, _error(left_out, value), len(found) - 1)
    return replace(none, value=value, low=low, high=min(high, 1.0))
