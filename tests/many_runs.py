"""Runs as figures over many of them read them: made by hand, without a store."""

from datetime import UTC, datetime

from fairprune.spec import build
from fairprune.store import Run
from fairprune.tradeoffs import Entry

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def cell(value, low=None, high=None, n=40, **more):
    reason = "no match" if value is None else None
    return {"value": value, "low": low, "high": high, "n": n, "n_unscored": 0, "reason": reason, **more}


def run_of(
    method="wanda", sparsity=0.5, seed=0, name=None, *, calibration=None, evaluation=None, **parts
) -> Run:
    spec = build(
        **{
            "model": {"name": "some/model"},
            "pruning": {"method": method, "sparsity": sparsity},
            "calibration": {"seed": seed, **(calibration or {})},
            "evaluation": {"samples": 40, **(evaluation or {})},
            **parts,
        }
    )
    return Run(
        spec.id,
        spec,
        spec.title(),
        "done",
        "cpu",
        NOW,
        NOW,
        NOW,
        None,
        0,
        0,
        "",
        None,
        None,
        False,
        1,
        None,
        None,
        {},
        name,
    )


def entry(
    method="wanda",
    sparsity=0.5,
    bur=0.5,
    seed=0,
    *,
    rouge=0.3,
    degenerate=False,
    sets="same",
    name=None,
    **parts,
) -> Entry:
    """A run with BUR ± 10 points and ROUGE-L ± 5; the dense model has BUR 20 % and ROUGE-L 40 %."""
    ends = (None, None) if bur is None else (bur - 0.1, bur + 0.1)
    headline = {
        "metrics": {
            "bur": {
                "dense": cell(0.2, 0.1, 0.3),
                "pruned": cell(bur, *ends),
                "difference": cell(None if bur is None else bur - 0.2, 0.1, 0.5, verdict="worse"),
            },
            "spd2": {"dense": cell(0.0), "pruned": cell(-0.125), "difference": cell(-0.125)},
        },
        "quality": {
            "rouge_l": {
                "dense": cell(0.4, 0.35, 0.45),
                "pruned": cell(rouge, rouge - 0.05, rouge + 0.05),
                "difference": cell(rouge - 0.4),
            },
            "bertscore_minilm": {"dense": cell(0.8), "pruned": cell(0.7), "difference": cell(-0.1)},
        },
        "perplexity": {
            "opinions": {
                "dense": {"value": 20.0, "tokens": 254, "reason": None},
                "pruned": {"value": 1234.5, "tokens": 254, "reason": None},
                "ratio": 61.7,
            }
        },
        "sparsity": {"asked": sparsity, "achieved": sparsity + 0.01, "achieved_model": 0.4},
        "degenerate": {
            "dense": {"share": 0.0, "n": 40, "flag": False},
            "pruned": {"share": 0.5 if degenerate else 0.0, "n": 40, "flag": degenerate},
        },
        "no_claim": [],
        "n_samples": 40,
        "n_topics": 12,
        "sets": sets,
    }
    return Entry(run_of(method, sparsity, seed, name, **parts), headline)


def nobody(entries, axis):
    """Samples that give no mean over draws."""
