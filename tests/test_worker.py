"""A whole run on a tiny model, stage by stage in the store: what is written, reused, resumed and refused."""

from __future__ import annotations

import json

import pytest

from fairprune.paths import home
from fairprune.plan import plan_run
from fairprune.results import run_result
from fairprune.stages import STAGES
from fairprune.store import SummaryRow, open_store
from fairprune.tables import result_table
from fairprune.worker import Execution, main
from tests.toy_corpus import import_toy


@pytest.fixture
def corpus():
    return import_toy()


@pytest.fixture
def store():
    with open_store() as opened:
        yield opened


def plan(tiny_folder, corpus, **values):
    asked = {
        "method": "hgla",
        "sparsity": 0.5,
        "samples": 3,
        "seqlen": 160,
        "calibration_samples": 2,
        "max_new_tokens": 10,
        "device": "cpu",
    }
    return plan_run(model=str(tiny_folder), corpus=corpus, **{**asked, "calibration": "balanced", **values})


def execute(store, spec):
    run, _ = store.submit(spec)
    store.claim("cpu", 1)
    code = main([run.id])
    return store.run(run.id), code


def test_the_whole_job(tiny_folder, corpus, store):
    run, code = execute(store, plan(tiny_folder, corpus))
    assert (code, run.state, run.error) == (0, "done", None)
    assert list(run.seconds) == list(STAGES)
    result = run_result(store, run)
    assert result["run_id"] == run.id == run.spec.id
    assert result["sparsity"]["asked"] == result["sparsity"]["achieved"] == 0.5
    assert len(result["sparsity"]["matrices"]) == 14
    assert set(result["metrics"]) == {"bur", "uer", "auc", "sof", "spd2"}
    for cells in result["metrics"].values():
        for system in ("dense", "pruned", "difference"):
            assert {"value", "low", "high", "n", "n_unscored"} <= cells[system].keys()
    assert (
        result["metrics"]["spd2"]["dense"]["value"] is None
    )  # too few training opinions for a classifier: missing, with the reason
    assert "too few" in result["classifier"]["reason"]
    assert len(result["samples"]) == 3
    for sample in result["samples"]:
        assert len(sample["opinions"]) == 8
        assert {opinion["group"] for opinion in sample["opinions"]} == {"good", "bad"}
        assert isinstance(sample["dense"], str) and isinstance(sample["pruned"], str)
    assert result["calibration"]["samples"] == 2 and result["calibration"]["padding"] == 0
    assert result["generation"]["dense"]["tokens_per_second"] > 0
    opinions, general = result["perplexity"]["opinions"], result["perplexity"]["general"]
    for system in ("dense", "pruned"):
        # A window of 128 tokens, the first of which is not predicted.
        assert (opinions[system]["windows"], opinions[system]["tokens"]) == (1, 127)
        assert opinions[system]["value"] > 1
        # A user's corpus without the packaged texts: missing, with the reason.
        assert general[system]["value"] is None and "not here" in general[system]["reason"]
    assert opinions["ratio"] == opinions["pruned"]["value"] / opinions["dense"]["value"] != 1
    assert general["ratio"] is None
    json.dumps(result, allow_nan=False)
    shown = result_table(result)
    assert (
        "asked 0.5000   achieved 0.5000" in shown
        and "demonstration, no inference" in shown
        and "nan" not in shown.lower()
    )


def test_dense_summaries_and_statistics_are_computed_once(tiny_folder, corpus, store):
    first, _ = execute(store, plan(tiny_folder, corpus))
    second, code = execute(store, plan(tiny_folder, corpus, sparsity=0.3))
    assert code == 0
    systems = [store.result(run.id, "generation")["systems"] for run in (first, second)]
    assert systems[0]["dense"]["id"] == systems[1]["dense"]["id"]
    assert (systems[0]["dense"]["reused"], systems[1]["dense"]["reused"]) == (False, True)
    assert systems[0]["pruned"]["id"] != systems[1]["pruned"]["id"]
    texts = [line.text for line in store.logs(second.id)]
    assert any("statistics of these windows are stored already" in text for text in texts)
    perplexities = [store.result(run.id, "perplexity")["opinions"] for run in (first, second)]
    assert perplexities[0]["dense"] == perplexities[1]["dense"]
    assert perplexities[0]["pruned"]["value"] != perplexities[1]["pruned"]["value"]
    assert len(list((home() / "perplexity").iterdir())) == 1
    # The same method on other windows has statistics of its own.
    third, _ = execute(store, plan(tiny_folder, corpus, calibration="one-group:bad"))
    assert not any(
        "stored already: reused" in line.text and "statistics" in line.text for line in store.logs(third.id)
    )


def test_summaries_that_are_stored_are_not_written_again(tiny_folder, corpus, store):
    spec = plan(tiny_folder, corpus, batch_size=2)
    run, _ = store.submit(spec)
    job = Execution(store, run.id, spec)
    for step in (job.load_model, job.draw_opinions):
        step()
    from fairprune.identity import dense_id
    from fairprune.prompts import summary_prompt
    from fairprune.summarize import batches

    lengths = [
        len(job.loaded.tokenizer.prompt_ids(summary_prompt(job.corpus.info, [o.text for o in one.opinions])))
        for one in job.sets
    ]
    first = batches(lengths, 2)[0]
    generation = dense_id(spec, job.loaded.dtype, job.sets)
    store.put_sets(job.sets, corpus)
    store.put_summaries(
        generation, [SummaryRow(job.sets[i].id, i, f"kept {i}", 3, 0.1, False) for i in first]
    )
    job.write_dense()
    rows = {row.position: row.text for row in store.summaries(generation)}
    assert sorted(rows) == [0, 1, 2]
    assert [rows[i] for i in first] == [f"kept {i}" for i in first]


def test_noise_band_and_loss_ratio(tiny_folder, corpus, store):
    spec = plan(tiny_folder, corpus, noise_band=True, loss_ratio=True)
    run, code = execute(store, spec)
    assert (code, run.error) == (0, None)
    result = run_result(store, run)
    systems = result["generation"]
    assert set(systems) == {"dense", "pruned", "dense_again"}
    assert systems["dense_again"]["id"] != systems["dense"]["id"]
    assert systems["dense_again"]["batch_size"] == spec.evaluation.batch_size // 2
    assert all(isinstance(sample["dense_again"], str) for sample in result["samples"])
    for cells in result["metrics"].values():
        assert {"dense_again", "noise"} <= set(cells)
    for sample in result["samples"]:
        dense, pruned = (sample["scores"][name]["loss"] for name in ("dense", "pruned"))
        assert dense > 0 and pruned > 0
        assert sample["scores"]["loss_ratio"] == pytest.approx(pruned / dense)
    json.dumps(result, allow_nan=False)
    # Neither option is a part of what the dense summaries are: a run without them reuses these.
    other, _ = execute(store, plan(tiny_folder, corpus))
    assert store.result(other.id, "generation")["systems"]["dense"]["reused"]
    assert "noise" not in store.result(other.id, "evaluation")["metrics"]["bur"]


def test_the_same_opinions_in_another_order(toy_corpus):
    from fairprune.corpora.sets import opinion_sets
    from fairprune.generations import in_another_order, in_other_batches
    from fairprune.spec import EvaluationSpec

    for one in opinion_sets(toy_corpus, "test", 6):
        other = in_another_order(one, "toy")
        assert other.id != one.id and other.opinions != one.opinions
        assert sorted(o.text for o in other.opinions) == sorted(o.text for o in one.opinions)
        assert other.opinions[0].group == other.first_group != one.first_group
        assert (other.topic, other.composition) == (one.topic, one.composition)
    sizes = [in_other_batches(EvaluationSpec(batch_size=size)).batch_size for size in (1, 2, 8)]
    assert sizes == [2, 1, 4]


@pytest.mark.parametrize("method", ["random", "magnitude", "wanda", "hgla-additive"])
def test_every_kind_of_method_runs(tiny_folder, corpus, store, method):
    run, code = execute(store, plan(tiny_folder, corpus, method=method, samples=1))
    assert (code, run.error) == (0, None)
    assert (store.result(run.id, "calibration") is None) == (method in ("random", "magnitude"))


@pytest.mark.parametrize("target", [{"pattern": "2:4", "sparsity": None}, {"allocation": "global"}])
def test_patterns_and_global_allocation(tiny_folder, corpus, store, target):
    run, code = execute(store, plan(tiny_folder, corpus, method="wanda", samples=1, **target))
    assert code == 0
    assert store.result(run.id, "sparsity")["achieved"] == pytest.approx(0.5, abs=0.001)


def test_calibration_on_the_models_own_summaries(tiny_folder, corpus, store):
    asked = {
        "samples": 3,
        "calibration_samples": 1,
        "seqlen": 16,
        "max_new_tokens": 40,
        "options": {"loss": "summary_tokens"},
    }
    found = {}
    for kind in ("fair", "unfair"):
        run, _ = execute(store, plan(tiny_folder, corpus, calibration=f"model-output:{kind}", **asked))
        found[kind] = run
        said = [
            line.text for line in store.logs(run.id) if "dense summaries of calibration opinions" in line.text
        ]
        chosen, _, written, *_ = said[0].split()
        assert int(written) == 2  # what the calibration split gives
        if run.state == "done":
            windows = store.result(run.id, "calibration")
            assert windows["windows"][0][0]["kind"] == "summary"
            assert windows["notes"] == [f"summaries of the dense model that BUR calls {kind}"]
        else:
            assert int(chosen) < 2 and "too few for one window of 16" in run.error
    # The tiny model repeats words that only one group says: its summaries are unfair.
    assert found["unfair"].state == "done"


def test_an_error_is_stored_with_its_kind_and_detail(tiny_folder, corpus, store):
    spec = plan(tiny_folder, corpus)
    short = spec.calibration.model_copy(update={"seqlen": 40})
    run, code = execute(store, spec.model_copy(update={"calibration": short}))
    assert (code, run.state) == (3, "failed")
    assert "windows of 40 tokens are too short" in run.error
    assert "Traceback" in run.error_detail
    assert store.result(run.id, "failure") == {"kind": "BadInput"}
    assert list(run.seconds) == ["model", "opinions"]  # before anything that takes long


def test_changed_weights_are_noticed(tiny_folder, corpus, store):
    spec = plan(tiny_folder, corpus)
    other = spec.model_copy(
        update={"model": spec.model.model_copy(update={"identity": "folder:0000000000000000"})}
    )
    run, code = execute(store, other)
    assert code == 3 and "have changed since this run was submitted" in run.error


def test_a_defect_is_a_sentence_and_a_folded_traceback(tiny_folder, corpus, store, monkeypatch):
    monkeypatch.setattr(Execution, "draw_opinions", lambda self: 1 / 0)
    run, code = execute(store, plan(tiny_folder, corpus))
    assert code == 3 and "defect of fairprune (ZeroDivisionError)" in run.error
    assert "ZeroDivisionError: division by zero" in run.error_detail


def test_usage(capsys):
    assert main([]) == 2
    assert "RUN_ID" in capsys.readouterr().err


def test_a_run_that_goes_block_by_block_gives_the_same_result(tiny_folder, corpus, store, monkeypatch):
    whole, _ = execute(store, plan(tiny_folder, corpus, method="hgla"))
    masks = store.result(whole.id, "sparsity")
    monkeypatch.setattr("fairprune.worker.placement_of", lambda *_: "streamed")
    monkeypatch.setattr("fairprune.statistics_cache.read", lambda *_: None)  # collected again, not reused
    store.delete(whole.id)
    streamed, code = execute(store, plan(tiny_folder, corpus, method="hgla"))
    assert (code, streamed.id) == (0, whole.id)
    texts = [line.text for line in store.logs(streamed.id)]
    assert "weights lie on the host, block by block on the device, from here on" in texts
    assert texts.index("weights lie on the device from here on") > 0
    for one, other in zip(masks["matrices"], store.result(streamed.id, "sparsity")["matrices"], strict=True):
        assert one["score_removed"] == pytest.approx(other["score_removed"], rel=1e-4)
        assert one["dropped"] == other["dropped"]


def test_a_refused_split_of_the_windows_is_stored_and_the_run_says_why(tiny_folder, corpus, store):
    """A random model reads all windows alike: denp has nothing to weigh."""
    asked = {"method": "wanda", "calibration": "denp", "calibration_samples": 8}
    run, code = execute(store, plan(tiny_folder, corpus, **asked))
    assert (code, run.state) == (3, "failed")
    assert "do not fall into two sets: the two means lie" in run.error
    split = store.result(run.id, "debias")["calibration"]["rac"]["split"]
    assert f"{split['gap']:.3g}" in run.error and f"{split['limit']:.3g}" in run.error
    assert not split["accepted"]
    assert list(run.seconds) == ["model", "opinions"]
