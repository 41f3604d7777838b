"""What lists and charts over many runs need of each: small, so that a thousand of them are read at once.

A run's whole evaluation holds every sample; its headline holds the cells of the metrics and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fairprune.spec import content_hash
from fairprune.store import Store

KIND = "headline"
VERSION = 1
SYSTEMS = ("dense", "pruned", "difference")
KEPT = ("value", "low", "high", "n", "n_unscored", "reason", "limit", "verdict", "verdict_reason")


def headline(
    evaluation: Mapping[str, Any],
    sparsity: Mapping[str, Any] | None,
    perplexity: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The headline of a run, from its results.

    Returns: metrics and quality (name → dense, pruned, difference → value, low, high, n, …; fractions), perplexity as stored,
        asked and achieved sparsity (fractions), degenerate summaries per system, n_samples, n_topics, and `sets`: equal for runs
        that summarised the same opinion sets in the same order, whose samples therefore pair.
    """
    return {
        "version": VERSION,
        "metrics": {name: _cells(found) for name, found in evaluation["metrics"].items()},
        "quality": {name: _cells(found) for name, found in evaluation["quality"].items()},
        "perplexity": None if perplexity is None else dict(perplexity),
        "sparsity": None
        if sparsity is None
        else {key: sparsity[key] for key in ("asked", "achieved", "achieved_model")},
        "degenerate": evaluation["degenerate"],
        "no_claim": evaluation.get("no_claim", []),
        "n_samples": evaluation["n_samples"],
        "n_topics": evaluation["n_topics"],
        "sets": content_hash("\n".join(sample["set_id"] for sample in evaluation["samples"])),
    }


def _cells(found: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        system: {key: found[system][key] for key in KEPT if key in found[system]}
        for system in SYSTEMS
        if isinstance(found.get(system), Mapping)
    }


def read_headline(store: Store, run_id: str, evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """The headline from an evaluation and what else is stored of the run."""
    return headline(evaluation, store.result(run_id, "sparsity"), store.result(run_id, "perplexity"))


def headlines(store: Store, run_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Run id → headline, for the runs that have results. Runs of earlier versions get theirs now."""
    wanted = list(dict.fromkeys(run_ids))
    found = {
        key: value for key, value in store.results(KIND, wanted).items() if value.get("version") == VERSION
    }
    missing = [run_id for run_id in wanted if run_id not in found]
    for run_id, evaluation in store.results("evaluation", missing).items():
        found[run_id] = read_headline(store, run_id, evaluation)
        store.put_result(run_id, KIND, found[run_id])
    return {run_id: found[run_id] for run_id in wanted if run_id in found}
