"""What the checks of a bundle let through, however strange: every page draws it, and no text of it acts."""

from __future__ import annotations

import io

from fairprune.bundle import read_bundle, write_bundle
from fairprune.store import open_store
from tests.bundles import edited, members_of, one_named, resealed
from tests.pages.filled import PAGES, app, fill, markup

IMAGE = "<img src=x onerror=alert(7)>"


def strange_evaluation(evaluation):
    dense = evaluation["metrics"]["bur"]["dense"]
    dense.update(value=1e300, low=-1e308, high=1e308, n=2**53, reason=IMAGE, bounds=None)
    evaluation["metrics"]["uer"]["difference"].update(verdict="worse", verdict_reason=IMAGE, p_value=-1e308)
    evaluation["metrics"][IMAGE] = evaluation["metrics"]["auc"]
    evaluation["groups"][0]["group"] = IMAGE
    evaluation["validity"] = evaluation["polarity"] = {}
    evaluation["degenerate"]["dense"].update(share=1.0, n=0, flag=True)
    evaluation["classifier"]["reliability"]["bins"] = []
    evaluation["notes"].append(IMAGE)
    evaluation["no_claim"] = [IMAGE]
    first, second = (evaluation["samples"][place]["dense"] for place in (0, 1))
    first.update(p_x={}, p_y={IMAGE: -1e308}, words=2**53, unscored=IMAGE, degenerate=[IMAGE])
    second["labels"] = [[IMAGE, IMAGE, None] for _ in second["labels"]]
    evaluation["samples"][2]["pruned"].update(evidence=None, p_x=None, p_y=None, words=None)


def strange_sparsity(sparsity):
    sparsity["weights"] = 0
    sparsity["notes"].append(IMAGE)
    sparsity["matrices"][0].update(
        block=10**8, kind=IMAGE, rows=2**53, score_removed=1e308, column_spread=1e308
    )
    sparsity["matrices"][2].update(kind=" ", score_removed=-5.0, silent_inputs=None)


def strange_run(run):
    run.update(
        started=None, finished=None, seconds={IMAGE: -5.0}, name=IMAGE, notes=IMAGE, tags=[IMAGE], log=[]
    )


def strange_perplexity(perplexity):
    perplexity["opinions"].update(ratio=1e308)
    perplexity["opinions"]["dense"].update(value=None, reason=IMAGE)


def test_every_page_draws_what_is_let_through() -> None:
    with open_store("sqlite://") as store:
        file = io.BytesIO()
        run = fill(store)
        write_bundle(store, [run.id], file)
    members = members_of(file.getvalue())
    for name, change in (
        (one_named(members, "results/", "evaluation.json"), strange_evaluation),
        (one_named(members, "results/", "sparsity.json"), strange_sparsity),
        (one_named(members, "results/", "perplexity.json"), strange_perplexity),
        (one_named(members, "runs/"), strange_run),
    ):
        members = edited(members, name, change)
    with open_store() as store:
        assert read_bundle(store, resealed(members)).new == (run.id,)
    for page in PAGES:
        found = app(page, run=run.id)  # fails where a page does
        assert IMAGE not in markup(found), page
        assert len(found.main) > 2, page
