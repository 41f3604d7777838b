"""Scores per sample of runs, read once per server, and the mean over calibration draws of one setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import streamlit as st

from fairprune.metrics import METRICS, limits
from fairprune.pareto import RESAMPLES, Scores, resampled, scores_of
from fairprune.store import Run, Store
from fairprune.tradeoffs import Entry
from fairprune.tradeoffs_axes import Axis
from fairprune.uncertainty import Estimate, draw_resamples, estimate_over_draws

PORTION = 20
"""Runs whose samples are read and kept together."""


def read_scores(store: Store, entries: Sequence[Entry]) -> dict[str, Scores]:
    """Run id → its scores per sample. Results of a finished run do not change: each portion is read once per server."""
    return read_scores_of(store, [entry.run for entry in entries])


def read_scores_of(store: Store, runs: Sequence[Run]) -> dict[str, Scores]:
    """The same of runs."""
    keys = sorted((run.id, str(run.finished)) for run in runs)
    found: dict[str, Scores] = {}
    for start in range(0, len(keys), PORTION):
        found |= _portion(tuple(keys[start : start + PORTION]), store.url, store)
    return found


@st.cache_data(max_entries=32, show_spinner="Reading samples …")
def _portion(keys: tuple[tuple[str, str], ...], address: str, _store: Store) -> dict[str, Scores]:  # noqa: ARG001
    found = _store.results("evaluation", [run_id for run_id, _ in keys])
    return {run_id: scores_of(run_id, evaluation) for run_id, evaluation in found.items()}


@st.cache_data(max_entries=64, show_spinner=False)
def _places(set_ids: tuple[str, ...], address: str, _store: Store) -> tuple[list[str], list[str]]:  # noqa: ARG001
    """Topics and compositions of opinion sets."""
    found = _store.sets(set_ids)
    return [found[key].topic for key in set_ids], [found[key].composition for key in set_ids]


def sample_places(store: Store, set_ids: Sequence[str]) -> tuple[list[str], list[str]]:
    """Topics and compositions of opinion sets, kept."""
    return _places(tuple(set_ids), store.url, store)


def over_draws(
    store: Store,
    scores: Mapping[str, Scores],
    entries: Sequence[Entry],
    axis: Axis,
    *,
    to_dense: bool = False,
) -> Estimate | None:
    """The mean over calibration draws of one setting, resampled on both levels; None where samples do not give it.

    Args:
        to_dense: of its difference to the dense model, paired by sample.
    """
    tables = [
        scores[entry.run.id].tables.get("pruned", {}).get(axis.name) if entry.run.id in scores else None
        for entry in entries
    ]
    known = [table for table in tables if table is not None]
    if axis.kind == "judges" or resampled(axis.name) is not None or len(known) < len(tables):
        return None
    # Runs of one setting that compare have one dense model, and so one table of it.
    before = scores[entries[0].run.id].tables.get("dense", {}).get(axis.name) if to_dense else None
    if to_dense and before is None:
        return None
    topics, compositions = _places(scores[entries[0].run.id].set_ids, store.url, store)
    draws = draw_resamples(topics, compositions, RESAMPLES, entries[0].spec.metrics.seed)
    metric = METRICS[axis.name]
    found = estimate_over_draws(metric.statistic, known, before, draws, entries[0].spec.metrics.seed)
    if found.low is None or found.high is None:
        return found
    least, most = limits(metric)
    if to_dense:
        least, most = least - most, most - least
    return replace(found, low=max(found.low, least), high=min(found.high, most))
