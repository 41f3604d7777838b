"""The paragraph under a figure that leaves the app: what it shows, of which run, with n, intervals and version. Plain text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairprune import __version__
from fairprune.bundle.terms import info_of, terms_of
from fairprune.errors import unknown
from fairprune.methods import get_method
from fairprune.store import Run
from fairprune.text import counted

FAIRNESS = {
    "direction": "Mean share of each group in the summaries minus its fair share (the right of zero: more room than its share), for "
    "the dense and the pruned model, the difference between them, and random extracts of the opinions",
    "metrics": "Fairness metrics of the summaries of the dense and the pruned model, of reference summaries that are fair or unfair "
    "by construction, and the paired difference between the two models",
    "classifier": "Group classifier on held-out opinions whose groups are known: confusion matrix, and stated confidence against the "
    "share that is right",
}
"""Figures of the page Fairness → what they show."""
LAYERS = {
    "layers": "What pruning took from each weight matrix of the decoder blocks (block × projection)",
}
"""Figures of the page Layers → what they show."""


def caption(
    run: Run,
    figure: str,
    *,
    evaluation: Mapping[str, Any] | None = None,
    sparsity: Mapping[str, Any] | None = None,
    more: str = "",
) -> str:
    """One paragraph: figure, model, method, asked and achieved sparsity, corpus, n, intervals, limits, version.

    Args:
        figure: a key of `FAIRNESS` (with `evaluation`) or `LAYERS` (with `sparsity`).
        more: what the reader has chosen in the figure, such as the colour's meaning.

    Raises:
        BadInput: no such figure.
    """
    known = FAIRNESS | LAYERS
    if figure not in known:
        raise unknown("figure", figure, known)
    parts = [known[figure] + (f"; {more}" if more else ""), _setting(run, sparsity)]
    if evaluation is not None:
        parts += _sample(run, evaluation, figure)
    parts.append(f"Run {run.id}, fairprune {__version__}{_date(run)}")
    return " ".join(f"{part.rstrip('.')}." for part in parts if part)


def _setting(run: Run, sparsity: Mapping[str, Any] | None) -> str:
    spec = run.spec
    method = get_method(spec.pruning.method)
    amount = spec.pruning.pattern or f"{spec.pruning.sparsity:.0%}"
    achieved = "" if sparsity is None else f" (achieved: {sparsity['achieved']:.2%})"
    text = f"Model: {spec.model.name}; pruning: {method.title}, {amount} of the linear layers' weights asked{achieved}"
    if method.needs_windows(spec.pruning.allocation):
        calibration = spec.calibration
        text += (
            f"; calibration: {calibration.samples} windows of {calibration.seqlen} tokens, {calibration.name} "
            f"on {calibration.corpus}, seed {calibration.seed}"
        )
    return " + ".join((text, *spec.additions))


def _sample(run: Run, evaluation: Mapping[str, Any], figure: str) -> list[str]:
    spec, report = run.spec, evaluation["classifier"]
    groups = tuple(dict.fromkeys(str(row["group"]) for row in evaluation["groups"]))
    info = info_of(spec.evaluation.corpus, groups)
    texts = f"Texts: {info.title}. {terms_of(info.name).attribution}"
    if figure == "classifier":
        n = report.get("n_heldout")
        return [] if n is None else [f"n = {n} opinions; vertical lines are 95 % intervals", texts]
    count = evaluation["n_samples"]
    parts = [
        f"n = {count} sets of {spec.evaluation.set_size} opinions on {counted(evaluation['n_topics'], 'topic')} "
        f"(seed {spec.evaluation.seed}); lines are 95 % intervals from a bootstrap over topics ({spec.metrics.resamples:,} "
        "resamples); summaries without a score are left out and counted on the page"
    ]
    flagged = [name for name, found in evaluation["degenerate"].items() if found["flag"]]
    for name in flagged:
        share = evaluation["degenerate"][name]["share"]
        parts.append(f"{share:.0%} of the {name} summaries are degenerate: their fairness means nothing")
    return [*parts, texts]


def _date(run: Run) -> str:
    return "" if run.finished is None else f", {run.finished:%Y-%m-%d}"
