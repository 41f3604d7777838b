"""One number of a run as an axis shows it: title, direction, unit, and where it stands in a headline. No Streamlit, no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fairprune.charts import percent, points
from fairprune.charts_metrics import metric_label
from fairprune.metrics import METRICS

Better = Literal["lower", "higher", "zero", "neither"]
Kind = Literal["fairness", "quality", "perplexity", "judges", "sparsity"]
ARROWS: dict[Better, str] = {"lower": "↓", "higher": "↑", "zero": "→ 0", "neither": ""}
WORDS: dict[Better, str] = {
    "lower": "lower is better",
    "higher": "higher is better",
    "zero": "is best",
    "neither": "no end is better",
}


@dataclass(frozen=True)
class Axis:
    """One number of a run, as an axis shows it."""

    name: str
    kind: Kind
    title: str
    what: str
    """One phrase for the reader."""
    better: Better
    scale: float = 100.0
    """What a stored fraction is multiplied with; 1 for what is no share."""
    log: bool = False

    @property
    def label(self) -> str:
        """'BUR ↓': title and direction."""
        return f"{self.title} {ARROWS[self.better]}".strip()

    @property
    def direction(self) -> str:
        """'↓ lower is fairer'; the word is 'better' where it is not about fairness."""
        words = WORDS[self.better]
        words = (
            words.replace("better", "fairer").replace("best", "fairest") if self.kind == "fairness" else words
        )
        return f"{ARROWS[self.better]} {words}".strip()

    def shown(self, value: float | None) -> str:
        """A value as the axis reads it: percent, or a decimal."""
        if value is None:
            return "–"
        if self.scale == 100.0:
            return percent(value)
        if self.better == "zero":
            return f"{value:+.3f}".replace("-", "−")
        return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"

    def change(self, value: float | None) -> str:
        """A difference of two values: points, or a signed decimal."""
        if value is None:
            return "–"
        return points(value) if self.scale == 100.0 else f"{value:+.3f}".replace("-", "−")


SPARSITY = Axis(
    "sparsity",
    "sparsity",
    "Sparsity",
    "share of the pruned layers' weights that is zero, as achieved",
    "neither",
)
QUALITY = (
    Axis("rouge_l", "quality", "ROUGE-L", "F1 against the source opinions", "higher"),
    Axis("rouge_1", "quality", "ROUGE-1", "F1 of words against the source opinions", "higher"),
    Axis("rouge_2", "quality", "ROUGE-2", "F1 of pairs of words against the source opinions", "higher"),
    Axis("repetition", "quality", "Repetition", "share of 4-grams that have stood before", "lower"),
    Axis("empty", "quality", "Empty", "share of the summaries", "lower"),
    Axis("truncated", "quality", "Cut at the limit", "share of the summaries", "lower"),
    Axis(
        "copied",
        "quality",
        "Copied",
        "longest run of words that stands in an opinion, share of the summary",
        "neither",
    ),
    Axis("novel", "quality", "New word pairs", "share of pairs of words that no opinion has", "neither"),
    Axis("words", "quality", "Words", "mean length of a summary", "neither", 1.0),
)
PERPLEXITY = (
    Axis(
        "perplexity_opinions",
        "perplexity",
        "Perplexity, opinions",
        "of held-out opinions",
        "lower",
        1.0,
        True,
    ),
    Axis("perplexity_general", "perplexity", "Perplexity, general", "of general text", "lower", 1.0, True),
)
JUDGES = Axis(
    "judges_preferred",
    "judges",
    "Judges",
    "share of people's votes for the pruned model against the dense one, ties half",
    "higher",
)
NOT_JUDGED = "no closed study has compared its summaries with its dense model's"
"""Why a run has no number by judges."""
COMPARES = "the number itself compares with the dense model: at 50 % judges prefer neither"
"""Why a number by judges has no dense value, and no difference to it."""
_BERTSCORE = "bertscore_"


def axes_of(headlines: Iterable[Mapping[str, Any]]) -> dict[str, Axis]:
    """Every axis on which any of the runs has a value: fairness first, then quality, perplexity, sparsity."""
    found = list(headlines)
    metrics = {name for one in found for name in one["metrics"]}
    quality = {name for one in found for name in one["quality"]}
    axes = [_fairness_axis(name) for name in METRICS if name in metrics]
    axes += [axis for axis in QUALITY if axis.name in quality]
    axes += [
        Axis(
            name,
            "quality",
            f"BERTScore ({name.removeprefix(_BERTSCORE)})",
            "F1 against the source opinions",
            "higher",
        )
        for name in sorted(quality)
        if name.startswith(_BERTSCORE)
    ]
    axes += [*PERPLEXITY, JUDGES, SPARSITY]
    known = [axis for axis in axes if any(_has(axis, one) for one in found)]
    order = {"bur": 0, "uer": 1, "spd2": 2, "sof": 3, "auc": 4}  # those that people ask for first
    known.sort(key=lambda axis: order.get(axis.name, 5) if axis.kind == "fairness" else 6)
    return {axis.name: axis for axis in known}


def _fairness_axis(name: str) -> Axis:
    metric = METRICS[name]
    scale = 100.0 if metric.is_rate else 1.0
    return Axis(name, "fairness", metric_label(name), metric.title, metric.direction, scale)


def _has(axis: Axis, headline: Mapping[str, Any]) -> bool:
    return any(
        (cell_of(headline, axis, system) or {}).get("value") is not None for system in ("dense", "pruned")
    )


def cell_of(headline: Mapping[str, Any], axis: Axis, system: str) -> dict[str, Any] | None:
    """value, low, high, n, reason … of a system ('dense', 'pruned', 'difference') on an axis; None where nothing is stored.

    Votes of judges (`headline['judges']`, where there are any) compare the pruned model with the dense one, which has none of its own.
    Sparsity and perplexity have no interval; n of a perplexity counts tokens. The dense model's sparsity is 0.
    """
    if axis.kind == "sparsity":
        found = headline["sparsity"]
        value = 0.0 if system == "dense" else None if found is None else found["achieved"]
        return _bare(value, None, None if value is not None else "no sparsity report is stored")
    if axis.kind == "judges":
        own = headline.get("judges")
        if system != "pruned":
            return _bare(None, None, COMPARES)
        return _bare(None, None, NOT_JUDGED) if own is None else dict(own)
    if axis.kind == "perplexity":
        texts = (headline["perplexity"] or {}).get(axis.name.removeprefix("perplexity_"))
        if texts is None or system not in texts:
            return None
        cell = texts[system]
        return _bare(cell["value"], cell["tokens"], cell["reason"])
    table = headline["metrics" if axis.kind == "fairness" else "quality"]
    cell = table.get(axis.name, {}).get(system)
    return None if cell is None else dict(cell)


def _bare(value: float | None, n: int | None, reason: str | None) -> dict[str, Any]:
    return {"value": value, "low": None, "high": None, "n": n, "n_unscored": 0, "reason": reason}
