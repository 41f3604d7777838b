"""The paragraph under a figure: everything that a reader elsewhere needs."""

from __future__ import annotations

import pytest

from fairprune import __version__
from fairprune.captions import FAIRNESS, LAYERS, caption
from fairprune.errors import BadInput
from fairprune.store import open_store
from tests.pages.filled import fill, spec


@pytest.fixture
def store():
    with open_store("sqlite://") as opened:
        yield opened


def test_a_fairness_figure_names_all_that_it_rests_on(store):
    run = fill(store)
    evaluation = store.result(run.id, "evaluation")
    text = caption(run, "direction", evaluation=evaluation)
    for part in (
        "fair share",
        "some/model",
        "50% of the linear layers' weights",
        "n = 3 sets of 8 opinions on 3 topics (seed 0)",
        "95 % intervals from a bootstrap over topics",
        "of the dense summaries are degenerate: their fairness means nothing",
        "rottentomatoes.com",
        f"Run {run.id}, fairprune {__version__}, {run.finished:%Y-%m-%d}.",
    ):
        assert part in text, text
    assert "\n" not in text and ".." not in text and "calibration" not in text  # magnitude reads no windows
    assert "n = 40 opinions" in caption(run, "classifier", evaluation=evaluation)


def test_a_figure_of_the_layers_says_what_was_achieved(store):
    run = fill(store, spec(pruning={"method": "wanda", "pattern": "2:4"}))
    text = caption(run, "layers", sparsity=store.result(run.id, "sparsity"), more="colour: sparsity")
    assert "2:4 of the linear layers' weights asked (achieved: 50.00%)" in text
    assert "calibration: 8 windows of 128 tokens, balanced on movies, seed 0" in text
    assert "; colour: sparsity." in text


def test_every_figure_has_a_caption_and_no_other(store):
    run = fill(store)
    evaluation, sparsity = store.result(run.id, "evaluation"), store.result(run.id, "sparsity")
    for figure in FAIRNESS | LAYERS:
        assert caption(run, figure, evaluation=evaluation, sparsity=sparsity).endswith(".")
    with pytest.raises(BadInput, match="unknown figure 'pie'"):
        caption(run, "pie")
