"""A text-classification model as the group classifier: a real tiny BERT with random weights, in safetensors."""

import json
import shutil

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from fairprune.errors import BadInput, NumericError, Unavailable
from fairprune.labels import MIXED, NONE, checked, make_labeller
from fairprune.labels.model import ModelLabels, check, load_labels, map_labels
from fairprune.spec import MetricSpec
from tests.test_labels import GROUPS, bag_of_words, opinions
from tests.tiny_encoders import make_bert

LABELS = ("Fresh", "neutral", "ROTTEN")
TEXTS = ["the superb plot", "dull", "a plot that was not good , and very very dull ."]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_bert(tmp_path_factory.mktemp("models") / "bert", LABELS)


def load(folder, drawn=(), label_map=None, identity="", none_below=0.5):
    return load_labels(
        str(folder),
        drawn,
        GROUPS,
        label_map=label_map or {},
        identity=identity,
        none_below=none_below,
        seed=0,
    )


def test_its_probabilities_are_transformers_own(folder):
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with torch.inference_mode():  # one text at a time: no padding
        expected = [torch.softmax(model(**tokenizer(t, return_tensors="pt")).logits[0], 0) for t in TEXTS]
    found = load(folder).probabilities(TEXTS)
    # 'neutral' stands for no group: rows sum to 1 less its probability
    assert found == pytest.approx(np.array([[row[0], row[2]] for row in expected]), abs=1e-5)
    assert (found.sum(axis=1) < 1).all()


def test_labels_of_sentences(folder):
    found = load(folder, none_below=0.0).label([*TEXTS, "Critics were divided."], 0.0)
    assert {one.label for one in found[:3]} <= {*GROUPS, MIXED}
    assert found[3].groups == GROUPS
    assert load(folder).label(["the plot"], 1.0)[0].label == NONE


def test_it_is_tested_on_opinions_that_it_has_not_seen_here(folder):
    report = load(folder, opinions(60)).report
    assert (report["source"], report["n_train"], report["n_heldout"]) == ("bert", 0, 60)
    assert report["held_out_by"] == "topic"
    assert 0 <= report["low"] <= report["accuracy"] <= report["high"] <= 1
    assert sum(part["n"] for part in report["reliability"]["bins"]) == 60
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert "20 labelled opinions" in load(folder).report["reason"]


def test_a_text_is_classified_once(folder, monkeypatch):
    found = load(folder)
    first = found.probabilities(TEXTS)

    def refuse(_):
        raise AssertionError("loaded again")

    monkeypatch.setattr("fairprune.labels.model._load", refuse)
    assert (load(folder).probabilities(TEXTS) == first).all()


def test_odd_texts(folder):
    found = load(folder).probabilities(["", "…", "plot " * 200_000, "\ud800", "電池"])
    assert found.shape == (5, 2) and np.isfinite(found).all()
    assert load(folder).probabilities([]).shape == (0, 2)


def test_labels_are_mapped_by_name():
    assert map_labels(["ROTTEN", "Fresh", "neutral"], GROUPS, {}) == (1, 0, None)
    assert map_labels(["left-wing", "Right wing"], ("left wing", "right_wing"), {}) == (0, 1)


def test_a_map_goes_before_names_and_may_put_labels_together():
    stars = ["1 star", "2 stars", "3 stars", "4 stars", "5 stars"]
    given = {"1 star": "rotten", "2 stars": "rotten", "4 stars": "fresh", "5 stars": "fresh"}
    assert map_labels(stars, GROUPS, given) == (1, 1, None, 0, 0)
    found = ModelLabels(
        GROUPS,
        (1, 1, None, 0, 0),
        lambda texts: np.tile(np.array([0.1, 0.2, 0.3, 0.15, 0.25], np.float32), (len(texts), 1)),
        {},
    )
    assert found.probabilities(["x"])[0] == pytest.approx([0.4, 0.3])


@pytest.mark.parametrize(
    ("labels", "label_map", "words"),
    [
        (
            ["LABEL_0", "LABEL_1"],
            {},
            r"no label of the model \(LABEL_0, LABEL_1\) stands for 'fresh' or 'rotten'",
        ),
        (["fresh", "neutral"], {}, "stands for 'rotten': say which does with label_map, as in fresh=rotten"),
        (["score"], {}, "one label only"),
        (["a", "b"], {"c": "fresh"}, "unknown label of the model in label_map: 'c'"),
        (["a", "b"], {"a": "frech", "b": "rotten"}, "did you mean 'fresh'"),
        (["a", "b"], {"a": "fresh"}, "stands for 'rotten'"),
    ],
)
def test_labels_that_fit_no_group_are_refused(labels, label_map, words):
    with pytest.raises(BadInput, match=words):
        map_labels(labels, GROUPS, label_map)


def change_config(folder, **values):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.fixture
def copy(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "copy")


def test_a_folder_without_safetensors_is_refused(copy):
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(BadInput, match=r"pytorch_model\.bin, which is not loaded"):
        check(str(copy), GROUPS, {})
    (copy / "pytorch_model.bin").unlink()
    with pytest.raises(BadInput, match="has no weights"):
        check(str(copy), GROUPS, {})


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"architectures": ["BertModel"]}, "holds BertModel, no text-classification model"),
        ({"architectures": None}, "a model of no named kind"),
        ({"id2label": {"a": "fresh"}}, "id2label that cannot be read"),
        ({"id2label": {"0": "fresh"}}, "one label only"),
    ],
)
def test_a_folder_that_is_no_classifier_is_refused(copy, values, words):
    change_config(copy, **values)
    with pytest.raises(BadInput, match=words):
        check(str(copy), GROUPS, {})


def test_missing_parts_are_named(copy, tiny_folder, tmp_path):
    (copy / "tokenizer.json").unlink()
    with pytest.raises(BadInput, match=r"no tokenizer\.json"):
        check(str(copy), GROUPS, {})
    with pytest.raises(BadInput, match="LlamaForCausalLM, no text-classification model"):
        check(str(tiny_folder), GROUPS, {})
    with pytest.raises(BadInput, match="does not exist"):
        check(str(tmp_path / "nowhere"), GROUPS, {})


def test_weights_that_would_be_random_are_refused(tmp_path):
    encoder = make_bert(tmp_path / "encoder")  # it has no classifier on top
    change_config(
        encoder, architectures=["BertForSequenceClassification"], id2label={"0": "fresh", "1": "rotten"}
    )
    with pytest.raises(BadInput, match=r"lacks .* weights .*\(first: .*classifier"):
        load(encoder).probabilities(["a"])


def test_code_in_a_folder_is_not_run(copy):
    (copy / "evil.py").write_text("raise RuntimeError('this code was run')")
    change_config(
        copy,
        model_type="evil",
        auto_map={"AutoConfig": "evil.Config", "AutoModelForSequenceClassification": "evil.Model"},
    )
    with pytest.raises(BadInput, match="transformers cannot load") as error:
        load(copy).probabilities(["a"])
    assert "was run" not in str(error.value)


def test_a_model_that_gives_something_else_is_an_error():
    with pytest.raises(NumericError, match=r"shape \(1, 3\) for 1 texts and 2 labels"):
        ModelLabels(GROUPS, (0, 1), lambda _: np.zeros((1, 3), np.float32), {}).probabilities(["x"])


def spec(folder, **values):
    return MetricSpec(labels=f"model:{folder}", **values)


def test_a_spec_writes_down_what_the_weights_are(folder, copy):
    found = checked(spec(folder), GROUPS)
    assert found.labels == f"model:{folder.resolve()}"
    assert found.labels_identity.startswith("folder:")
    assert checked(MetricSpec(), GROUPS) == MetricSpec()
    written = checked(spec(copy), GROUPS)
    change_config(copy, hidden_dropout_prob=0.3)
    with pytest.raises(BadInput, match="have changed since this run was submitted"):
        make_labeller(written, [], GROUPS, bag_of_words)


def test_a_spec_chooses_the_model(folder):
    found, reason = make_labeller(spec(folder), opinions(40), GROUPS, bag_of_words)
    assert isinstance(found, ModelLabels) and reason is None
    assert found.report["n_heldout"] == 40


def test_a_hub_that_cannot_be_reached_is_said(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(Unavailable, match="owner/classifier is not on this machine"):
        check("owner/classifier", GROUPS, {})
