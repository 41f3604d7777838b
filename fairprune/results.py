"""All that is stored of a finished run as one JSON document: what `run --json` writes."""

from __future__ import annotations

from typing import Any

from fairprune.errors import StoreError
from fairprune.store import Run, Store


def run_result(store: Store, run: Run) -> dict[str, Any]:
    """The results of a finished run. Rates are fractions; a number that was not computed is None.

    Raises:
        StoreError: the run has no results.
    """
    parts = {
        kind: store.result(run.id, kind)
        for kind in ("sparsity", "evaluation", "generation", "calibration", "perplexity")
    }
    sparsity, evaluation, generation = parts["sparsity"], parts["evaluation"], parts["generation"]
    if sparsity is None or evaluation is None or generation is None:
        raise StoreError(f"run {run.id} is {run.state} but its results are not stored: run it again")
    sets = store.sets(generation["sets"])
    rows = {
        name: {row.position: row for row in store.summaries(facts["id"])}
        for name, facts in generation["systems"].items()
    }
    samples = []
    for position, set_id in enumerate(generation["sets"]):
        one = sets[set_id]
        sample: dict[str, Any] = {"set_id": set_id, **{k: v for k, v in one.to_json().items() if k != "id"}}
        for name, found in rows.items():
            sample[name] = found[position].text if position in found else None
        sample["scores"] = evaluation["samples"][position]
        samples.append(sample)
    return {
        "run_id": run.id,
        "spec": run.spec.model_dump(mode="json"),
        "sparsity": sparsity,
        "metrics": evaluation["metrics"],
        "groups": evaluation["groups"],
        "quality": evaluation["quality"],
        "perplexity": parts["perplexity"],
        "degenerate": evaluation["degenerate"],
        # Runs of earlier versions have no validity, claims, polarity, evidence and coverage.
        "validity": evaluation.get("validity", {}),
        "no_claim": evaluation.get("no_claim", []),
        "classifier": evaluation["classifier"],
        "polarity": evaluation.get("polarity", {}),
        "evidence": evaluation.get("evidence"),
        "coverage": evaluation.get("coverage", []),
        "notes": evaluation["notes"],
        "n_samples": evaluation["n_samples"],
        "n_topics": evaluation["n_topics"],
        "calibration": parts["calibration"],
        "generation": generation["systems"],
        "samples": samples,
        "seconds": run.seconds,
    }
