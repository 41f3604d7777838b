"""Which statistics there are, what they answer, and the sentences for what they do not."""

from __future__ import annotations

import pytest

from fairprune.errors import BadInput
from fairprune.exploration import (
    ExploreSpec,
    check_live,
    grounds,
    kinds_in_words,
    live_pruning,
    offered,
    read_setting,
    setting_text,
)
from fairprune.store import open_store
from tests.explored import explored, question

INPUTS = frozenset({"inputs"})


@pytest.fixture
def store():
    with open_store() as opened:
        yield opened


def test_a_run_leaves_statistics_and_is_their_ground(store, tiny_folder):
    assert grounds(store) == []
    ground = explored(store, tiny_folder)
    assert ground.kinds == {"inputs", "last_token/l2"}
    assert ground.place.weights == ground.run.spec.model.identity
    assert (ground.place.dtype, ground.place.device) == ("float32", "cpu")
    # A second sparsity reads the same statistics: one ground, that of the newer run.
    again = explored(store, tiny_folder, sparsity=0.3)
    assert again.place == ground.place and again.run.id != ground.run.id
    assert len(grounds(store)) == 1
    # Other windows are another ground; a method that reads no windows leaves none.
    explored(store, tiny_folder, calibration="one-group:bad")
    explored(store, tiny_folder, method="magnitude")
    assert len(grounds(store)) == 2
    ground.place.path("inputs").unlink()
    assert len(grounds(store)) == 1


def test_what_is_offered_depends_on_what_is_stored():
    methods, reasons = offered(INPUTS)
    assert set(methods) == {"magnitude", "random", "wanda", "ria"}
    assert reasons["hgla"] == (
        "HGLA reads gradients of the last token (l2), which are not stored for these windows: "
        "run it once on them, and they will be"
    )
    assert "column by column" in reasons["sparsegpt"]
    methods, reasons = offered(INPUTS | {"last_token/l2", "all_tokens/l2", "covariances"})
    assert set(reasons) == {"sparsegpt"}
    assert set(offered(frozenset())[0]) == {"magnitude", "random"}


def test_options_follow_the_statistics():
    assert live_pruning("wanda", INPUTS).options == {"propagate": "dense"}
    both = INPUTS | {"all_tokens/l2", "last_token/l2"}
    assert live_pruning("hgla", both).options["loss"] == "last_token"  # its default
    other = live_pruning("hgla", INPUTS | {"all_tokens/l1"})
    assert (other.options["loss"], other.options["aggregate"]) == ("all_tokens", "l1")
    assert offered(INPUTS | {"all_tokens/l1"})[0].keys() >= {"hgla", "gblm", "gradient"}
    assert live_pruning("gradient", INPUTS | {"all_tokens/l1"}).options["aggregate"] == "l1"
    assert (
        live_pruning("gblm", INPUTS | {"last_token/l2"}).options["aggregate"] == "l2"
    )  # it reads no last token


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"method": "wanda"},
            "propagate=pruned reads the windows anew in every block: choose propagate=dense",
        ),
        ({"method": "magnitude", "allocation": "global"}, "allocation 'global' looks for one threshold"),
        ({"method": "sparsegpt"}, "SparseGPT also updates the weights"),
    ],
)
def test_what_takes_too_long_is_refused(values, sentence):
    from fairprune.spec import PruningSpec

    with pytest.raises(BadInput, match=sentence):
        check_live(PruningSpec(**values), INPUTS)


def test_owl_reads_input_norms_whatever_the_method():
    pruning = live_pruning("magnitude", frozenset(), sparsity=0.5, allocation="owl")
    with pytest.raises(BadInput, match="reads input norms, which are not stored"):
        check_live(pruning, frozenset())
    check_live(pruning, INPUTS)


def test_the_setting_as_a_run_changes_nothing_else(store, tiny_folder):
    ground = explored(store, tiny_folder)
    spec = question(ground, "wanda", 0.65)
    run = spec.as_run()
    assert run.title() == "tiny · wanda 65% · balanced on " + ground.run.spec.calibration.corpus
    parts, before = run.model_dump(), ground.run.spec.model_dump()
    assert {name for name in parts if parts[name] != before[name]} == {"pruning"}
    assert ExploreSpec.model_validate(spec.model_dump(mode="json")) == spec


def test_statistics_of_another_device_are_refused(store, tiny_folder):
    spec = question(explored(store, tiny_folder)).model_dump(mode="json")
    spec["place"]["device"] = "cuda"
    with pytest.raises(BadInput, match="statistics of device 'cuda' are no use to a run on 'cpu'"):
        ExploreSpec.model_validate(spec)


def test_kinds_have_words():
    assert kinds_in_words(frozenset({"inputs", "last_token/l1", "covariances"})) == (
        "input norms, gradients of the last token (l1), input covariances"
    )


@pytest.mark.parametrize("text", ["wanda@0.5", "wanda@2:4", "ria@0.35@owl", "magnitude@0"])
def test_a_setting_survives_the_address(text):
    assert setting_text(read_setting(text, INPUTS)) == text


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("wanda", "is not of the form method@sparsity"),
        ("wanda@<b>", "is not of the form"),
        ("wnada@0.5", "did you mean 'wanda'"),
        ("wanda@1.5", "sparsity cannot be 1.5"),
        ("wanda@0.5@global", "one threshold over all blocks"),
        ("hgla@0.5", "HGLA reads gradients of the last token"),
    ],
)
def test_an_address_that_cannot_be_used_is_a_sentence(text, sentence):
    with pytest.raises(BadInput, match=sentence):
        read_setting(text, INPUTS)
