"""Masks in memory are those of a run, the dense weights stay bit for bit, and only the newest question is answered."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from fairprune import explorer as module
from fairprune.errors import BadInput, FairpruneError
from fairprune.explorer import Explorer, Superseded, on_copies, overlaps
from fairprune.mask_overlap import Overlap
from fairprune.methods import METHODS
from fairprune.models import load, weight_matrix
from fairprune.store import open_store
from fairprune.worker import Execution
from tests.explored import explored, question


@pytest.fixture
def store():
    with open_store() as opened:
        yield opened


@pytest.fixture
def ground(store, tiny_folder):
    return explored(store, tiny_folder)


def ask(store, spec, asker="a"):
    number = store.ask(asker, "cpu", spec.model_dump(mode="json"))
    return store.take_exploration("cpu") or pytest.fail(f"question {number} was not taken")


def answered(store, explorer, spec):
    asked = ask(store, spec)
    explorer.answer(asked)
    found = store.exploration(asked.number)
    assert (found.state, found.error) == ("done", None)
    return found


def masks_of(explorer):
    """The packed masks that were made last."""
    return next(reversed(explorer._masks.values()))


CASES = [
    ("wanda", {"sparsity": 0.37}),
    ("hgla", {"sparsity": 0.6}),
    ("hgla-additive", {"pattern": "2:4", "sparsity": None}),
    ("ria", {"sparsity": 0.5, "allocation": "owl"}),
    ("magnitude", {"sparsity": 0.5}),
    ("random", {"sparsity": 0.3}),
]


def test_masks_report_and_perplexity_are_those_of_a_run_at_the_same_setting(store, ground, tiny_folder):
    explorer = Explorer(store, "cpu")
    for method, amount in CASES:
        spec = question(ground, method, **amount)
        found = answered(store, explorer, spec)
        run, queued = store.submit(spec.as_run())
        keeps = {}
        if queued:
            store.claim("cpu", 1)
            job = Execution(store, run.id, spec.as_run(), masks=keeps)
            job.execute()
        else:  # hgla at 60 % is not the run of the statistics, and nothing else was run before
            pytest.fail(f"{method} was run before")
        assert masks_of(explorer).keys() == keeps.keys()
        for name, keep in keeps.items():
            assert np.array_equal(masks_of(explorer)[name], np.packbits(keep.numpy(), axis=1)), name
        stored = store.result(run.id, "sparsity")
        mine = found.masks["report"]
        for report in (stored, mine):
            report["seconds"] = 0
            for matrix in report["matrices"]:
                matrix["seconds"] = 0
        assert mine == stored
        # The quick preset's one window of 128 tokens is the same text: 127 of them are predicted.
        kept = store.result(run.id, "perplexity")["opinions"]
        assert found.perplexity["dense"] == kept["dense"]
        assert found.perplexity["pruned"]["tokens"] == 127
        assert found.perplexity["ratio"] == pytest.approx(kept["ratio"], rel=1e-6)


def test_the_weights_are_dense_again_bit_for_bit(store, ground, tiny_folder):
    explorer = Explorer(store, "cpu")
    for method in ("wanda", "hgla"):
        answered(store, explorer, question(ground, method, 0.9, other=("magnitude", 0.5)))
        fresh = load(tiny_folder)
        loaded = explorer._model[1]
        state, before = loaded.model.state_dict(), fresh.model.state_dict()
        assert state.keys() == before.keys()
        for name, value in before.items():
            assert torch.equal(state[name].view(torch.int32), value.view(torch.int32)), name


def test_a_fault_in_the_middle_leaves_the_dense_weights(tiny_folder):
    loaded = load(tiny_folder)
    before = copy.deepcopy(loaded.model.state_dict())
    buffers = {}
    with pytest.raises(ZeroDivisionError), on_copies(loaded, buffers):
        for layer in loaded.linears().values():
            weight_matrix(layer).zero_()
        raise ZeroDivisionError
    assert all(torch.equal(before[name], value) for name, value in loaded.model.state_dict().items())
    # The buffers are filled anew, whatever was left in them.
    with on_copies(loaded, buffers):
        assert all(torch.equal(before[name], value) for name, value in loaded.model.state_dict().items())


def test_the_overlap_with_itself_is_whole_and_with_a_sparser_one_its_share(store, ground):
    explorer = Explorer(store, "cpu")
    found = answered(store, explorer, question(ground, "wanda", 0.5, other=("wanda", 0.5)))
    assert found.masks["overlap"].keys() == {matrix["name"] for matrix in found.masks["report"]["matrices"]}
    assert all(Overlap(**one).kept_jaccard == 1 for one in found.masks["overlap"].values())
    # Wanda at 75 % keeps a part of what it keeps at 50 %: the overlap is 25 / 50, by chance 1/8 of 1/4 + 1/2 − 1/8 = 5/8.
    found = answered(store, explorer, question(ground, "wanda", 0.75, other=("wanda", 0.5)))
    for one in found.masks["overlap"].values():
        assert Overlap(**one).kept_jaccard == 0.5
        assert Overlap(**one).kept_by_chance == pytest.approx(0.2)
    assert answered(store, explorer, question(ground, "wanda", 0.75)).masks["overlap"] is None


def test_the_masks_of_a_stored_run_can_be_compared_with(store, ground, tiny_folder):
    explorer = Explorer(store, "cpu")
    # The run of the statistics is HGLA at 50 %: its masks are on disk, and the same setting gives them again.
    beside = question(ground, "hgla", 0.5).model_copy(update={"other_run": ground.run.id})
    found = answered(store, explorer, beside)
    assert all(Overlap(**one).differing == 0 for one in found.masks["overlap"].values())
    asked = ask(store, beside.model_copy(update={"other_run": "0" * 16}))
    explorer.answer(asked)
    assert "run 0000000000000000 has no masks here" in store.exploration(asked.number).error
    with pytest.raises(BadInput, match="of another model"):
        overlaps({"a": np.zeros((2, 1), np.uint8)}, {"b": np.zeros((2, 1), np.uint8)}, {"a": 8})


def test_masks_of_earlier_questions_are_kept_up_to_a_size(store, ground, monkeypatch):
    explorer = Explorer(store, "cpu")
    pruned = []
    prune = module.prune
    monkeypatch.setattr(module, "prune", lambda *a, **k: pruned.append(a[1].name) or prune(*a, **k))
    answered(store, explorer, question(ground, "magnitude", 0.5))
    answered(store, explorer, question(ground, "wanda", 0.5, other=("magnitude", 0.5)))
    assert pruned == ["magnitude", "wanda"]  # the other one was remembered
    monkeypatch.setattr(module, "MASK_BYTES", 1)
    answered(store, explorer, question(ground, "random", 0.5))
    assert len(explorer._masks) == 1
    answered(store, explorer, question(ground, "wanda", 0.5, other=("magnitude", 0.5)))
    assert pruned[3:] == ["magnitude", "wanda"]


def test_the_model_is_loaded_once_and_statistics_are_read_once(store, ground, monkeypatch):
    explorer = Explorer(store, "cpu")
    loads, reads = [], []
    real_load, real_read = module.load, module.statistics_cache.read
    monkeypatch.setattr(module, "load", lambda *a, **k: loads.append(1) or real_load(*a, **k))
    monkeypatch.setattr(
        module.statistics_cache,
        "read",
        lambda place, wanted: reads.append(wanted) or real_read(place, wanted),
    )
    for sparsity in (0.2, 0.4, 0.6):
        answered(store, explorer, question(ground, "hgla", sparsity))
    assert (len(loads), len(reads)) == (1, 1)


def test_a_newer_question_ends_the_one_at_work(store, ground, tiny_folder, monkeypatch):
    explorer = Explorer(store, "cpu")
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    first = ask(store, question(ground, "wanda", 0.3))
    prune = module.prune

    def asked_meanwhile(*args, **kwargs):
        for place, event in enumerate(prune(*args, **kwargs)):
            if place == 2:
                store.ask("a", "cpu", question(ground, "wanda", 0.4).model_dump(mode="json"))
            yield event

    monkeypatch.setattr(module, "prune", asked_meanwhile)
    explorer.answer(first)
    monkeypatch.setattr(module, "prune", prune)
    old = store.exploration(first.number)
    assert (old.state, old.masks, old.perplexity) == ("superseded", None, None)
    fresh = load(tiny_folder)
    for name, layer in explorer._model[1].linears().items():
        assert torch.equal(weight_matrix(layer), weight_matrix(fresh.linears()[name]))
    explorer.serve(idle=0.2)
    assert store.exploration(first.number + 1).state == "done"


def test_what_was_superseded_before_it_began_is_never_taken(store, ground):
    numbers = [
        store.ask("a", "cpu", question(ground, "wanda", share / 10).model_dump(mode="json"))
        for share in range(1, 8)
    ]
    Explorer(store, "cpu").serve(idle=0.1)
    states = [store.exploration(number).state for number in numbers]
    assert states == ["superseded"] * 6 + ["done"]


def test_refusals_are_sentences_and_the_explorer_goes_on(store, ground, tiny_folder):
    explorer = Explorer(store, "cpu")
    spec = question(ground)
    changed = spec.run.model_copy(
        update={"model": spec.run.model.model_copy(update={"identity": "folder:0"})}
    )
    asked = ask(store, spec.model_copy(update={"run": changed}))
    explorer.answer(asked)
    found = store.exploration(asked.number)
    assert found.state == "failed" and "have changed since the statistics were collected" in found.error
    ground.place.path("inputs").unlink()
    asked = ask(store, spec)
    explorer.answer(asked)
    assert (
        "Wanda reads input norms, which are not stored for these windows"
        in store.exploration(asked.number).error
    )
    answered(store, explorer, question(ground, "magnitude"))


def test_no_room_for_a_second_copy_is_said(store, ground, monkeypatch):
    monkeypatch.setattr(module, "free_bytes", lambda device: 10)
    asked = ask(store, question(ground))
    Explorer(store, "cpu").answer(asked)
    assert "takes 0.00 GB, but 0.00 GB are free: start a run instead" in store.exploration(asked.number).error


def test_being_superseded_is_no_error_for_a_person():
    assert not issubclass(Superseded, FairpruneError)


def test_every_method_is_offered_or_has_a_reason(ground):
    from fairprune.exploration import offered

    methods, reasons = offered(ground.kinds)
    assert set(methods) | set(reasons) == set(METHODS) and not set(methods) & set(reasons)
