"""A finished run on the tiny model that left statistics, and questions about it."""

from fairprune.exploration import ExploreSpec, grounds, live_pruning
from fairprune.plan import plan_run
from fairprune.worker import main
from tests.toy_corpus import import_toy


def plan(tiny_folder, corpus, **values):
    asked = {
        "method": "hgla",
        "sparsity": 0.5,
        "samples": 2,
        "seqlen": 160,
        "calibration_samples": 2,
        "max_new_tokens": 8,
        "device": "cpu",
        "calibration": "balanced",
    }
    return plan_run(model=str(tiny_folder), corpus=corpus, **{**asked, **values})


def explored(store, tiny_folder, **values):
    """The statistics that a run leaves, which is executed here and now."""
    run, _ = store.submit(plan(tiny_folder, import_toy(), **values))
    store.claim("cpu", 1)
    assert main([run.id]) == 0, store.run(run.id).error_detail
    return grounds(store)[0]


def question(ground, method="wanda", sparsity=0.5, other=None, **more):
    """The spec of a question. `other`: (method, sparsity)."""
    kinds = ground.kinds
    pruning = live_pruning(method, kinds, sparsity=sparsity, **more)
    beside = None if other is None else live_pruning(other[0], kinds, sparsity=other[1])
    return ExploreSpec(run=ground.run.spec, place=ground.place, pruning=pruning, other=beside)
