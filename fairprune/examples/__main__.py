"""Makes the example runs and packs them: `make examples`, or `python -m fairprune.examples [--missing]`.

Real runs on the packaged model, about half a minute each on two cores: two corpora × two methods × eight sparsities, and on one of
the corpora a method with a second calibration set. Runs that this FAIRPRUNE_HOME has computed already are not computed again; with
`--missing` those that are packaged are not either. What is packed is scored anew, so that all numbers are this version's.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fairprune import corpora, jobs
from fairprune.bundle import read_bundle, write_bundle
from fairprune.errors import FairpruneError, Unavailable
from fairprune.examples import FOLDER, files
from fairprune.headlines import read_headline
from fairprune.plan import plan_run
from fairprune.scores import score_summaries
from fairprune.spec import RunSpec
from fairprune.store import Run, Store, open_store

MODEL = "smollm2-135m"
CORPORA = ("politics", "products")
METHODS = ("wanda", "magnitude")
SPARSITIES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
BALANCED = "balanced"


@dataclass(frozen=True)
class Second:
    """Runs with another calibration set: so that what calibration does can be seen without computing anything."""

    method: str
    calibration: str
    sparsities: tuple[float, ...]


# One group's opinions alone: the set that should make the other group disappear, if any does.
SECOND = {"products": Second("wanda", "one-group:positive", (0.2, 0.4, 0.5, 0.6))}
FIRST = ("wanda", 0.2)
"""Stands first in the list of runs: summaries still say something here, and other things than before."""
DETAILED = (FIRST, ("wanda", 0.5), ("magnitude", 0.5))
"""Runs, calibrated on balanced opinions, whose matrices the page Layers shows from within: half a megabyte each."""
SAMPLES = {"politics": 12, "products": 24}
"""Of politics the test split gives 13 sets, and in twelve all compositions are as frequent."""
MAX_NEW_TOKENS, BATCH_SIZE = 60, 24
MOST_BYTES = 5_000_000
"""Of all bundles together: they are part of the source tree."""


def spec_of(corpus: str, method: str, sparsity: float, calibration: str = BALANCED) -> RunSpec:
    """The spec of one example run."""
    return plan_run(
        model=MODEL,
        method=method,
        sparsity=sparsity,
        calibration=calibration,
        corpus=corpus,
        preset="quick",
        samples=SAMPLES[corpus],
        max_new_tokens=MAX_NEW_TOKENS,
        batch_size=BATCH_SIZE,
        # Taking the likeliest token, a model of this size repeats itself: half of its dense summaries of products are degenerate.
        sample=True,
        device="cpu",
    )


def made(store: Store, spec: RunSpec, missing: bool = False) -> Run:
    """The finished run of this spec, computed here.

    Args:
        missing: whether the packaged run will do, where the store has it.

    Raises:
        Unavailable: the run did not end well.
    """
    stored = [run for run in store.runs("done", 1_000_000) if run.id == spec.id]
    if stored and stored[0].origin != "here":
        if missing:
            return stored[0]
        store.delete(spec.id)  # the packaged one: it is to be made anew
    run, _ = jobs.submit(spec, store)
    print(f"{run.id}  {run.title}", file=sys.stderr)
    for now in jobs.follow(run.id, store=store):
        run = now
    if run.state != "done":
        raise Unavailable(f"run {run.id} {run.state}: {run.error or 'no reason is stored'}")
    return run


def main(arguments: Sequence[str]) -> int:
    """Makes the runs of every corpus, then its bundle. Exit code 0 when all are written."""
    if arguments not in ([], ["--missing"]):
        print("usage: python -m fairprune.examples [--missing]", file=sys.stderr)
        return 2
    missing = bool(arguments)
    try:
        with open_store() as store:
            for path in files() if missing else ():
                read_bundle(store, path, "example")
            for corpus in CORPORA:
                print(f"{pack(store, corpus, FOLDER / f'{corpus}.zip', missing)}")
    except FairpruneError as error:
        print(f"examples: {error}", file=sys.stderr)
        return 1
    size = sum(path.stat().st_size for path in FOLDER.glob("*.zip"))
    if size > MOST_BYTES:
        print(f"examples: {size:,} bytes are too many: at most {MOST_BYTES:,}", file=sys.stderr)
        return 1
    return 0


def pack(store: Store, corpus: str, target: Path, missing: bool = False) -> str:
    """Makes what is missing of a corpus's runs and writes their bundle; one line of what it holds."""
    found = {
        (method, sparsity): made(store, spec_of(corpus, method, sparsity), missing).id
        for method in METHODS
        for sparsity in SPARSITIES
    }
    store.put_sweep(
        f"{MODEL} on {corpus}: {len(METHODS)} methods × {len(SPARSITIES)} sparsities",
        {"method": list(METHODS), "sparsity": list(SPARSITIES)},
        list(found.values()),
    )
    more = _second(store, corpus, found, missing)
    ordered = [found[FIRST], *(run_id for key, run_id in found.items() if key != FIRST), *more]
    for run_id in ordered:
        score_again(store, store.run(run_id))
    write_bundle(store, ordered, target, details_of=[found[key] for key in DETAILED])
    return f"{target}: {len(ordered)} runs, {target.stat().st_size:,} bytes"


def _second(store: Store, corpus: str, found: Mapping[tuple[str, float], str], missing: bool) -> list[str]:
    """Makes the runs with the second calibration set, where the corpus has one; their ids.

    Args:
        found: (method, sparsity) → the run on balanced opinions, with which they are a sweep.
    """
    second = SECOND.get(corpus)
    if second is None:
        return []
    made_now = [
        made(store, spec_of(corpus, second.method, sparsity, second.calibration), missing).id
        for sparsity in second.sparsities
    ]
    store.put_sweep(
        f"{MODEL} on {corpus}: {second.method} with 2 calibration sets × {len(second.sparsities)} sparsities",
        {"calibration": [BALANCED, second.calibration], "sparsity": list(second.sparsities)},
        [*(found[second.method, sparsity] for sparsity in second.sparsities), *made_now],
    )
    return made_now


def score_again(store: Store, run: Run) -> None:
    """The numbers of a finished run as this version counts them, from its stored summaries. Seconds: no model writes anything.

    How likely the dense model finds a summary is kept: only the model could say it again.
    """
    generation, before = store.result(run.id, "generation"), store.result(run.id, "evaluation")
    if generation is None or before is None:
        raise Unavailable(f"run {run.id} has no summaries or no numbers: delete it, and make it again")
    systems = {name: str(facts["id"]) for name, facts in generation["systems"].items()}
    losses = {
        name: [(sample.get(name) or {}).get("loss") for sample in before["samples"]]
        for name in ("dense", "pruned")
    }
    known = store.sets(generation["sets"])
    result = score_summaries(
        store,
        run.spec.metrics,
        corpora.load(run.spec.evaluation.corpus),
        [known[key] for key in generation["sets"]],
        systems,
        losses=(lambda texts: losses) if run.spec.evaluation.loss_ratio else None,  # noqa: ARG005
        progress=lambda done, total, words: None,  # noqa: ARG005
        say=lambda line: None,  # noqa: ARG005
    )
    store.put_result(run.id, "evaluation", result)
    store.put_result(run.id, "headline", read_headline(store, run.id, result))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
