"""Encoders are refused by their config, before a run is queued and before weights are read; decoders never are."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import transformers

from fairprune import catalogue
from fairprune.cli import main
from fairprune.debias.spin_folder import spin_to_folder
from fairprune.encoders import refuse_encoder
from fairprune.errors import BadInput
from fairprune.models import load
from fairprune.plan import plan_run
from fairprune.preflight.shapes import model_shape
from tests.architectures import ARCHITECTURES
from tests.debias.spinning import OPTIONS, three_sets
from tests.tiny_encoders import make_bert
from tests.toy_corpus import import_toy

SAID = r"is an encoder \(BertModel\): a decoder is needed, such as Llama"


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    """Saved as a BertModel, without the head that transformers would ask for as a decoder."""
    return make_bert(tmp_path_factory.mktemp("encoders") / "bert")


@pytest.mark.parametrize("added", [{}, {"edit": {}}, {"recovery": {"kind": "denp"}}], ids=str)
def test_no_run_of_an_encoder_is_planned(bert, added):
    with pytest.raises(BadInput, match=SAID):
        plan_run(model=str(bert), method="magnitude", device="cpu", corpus=import_toy(), **added)


def test_it_is_said_before_weights_are_looked_at(bert, tmp_path):
    for file in bert.iterdir():
        if not file.name.endswith(".safetensors"):
            (tmp_path / file.name).write_bytes(file.read_bytes())
    for look in (catalogue.check_folder, load, model_shape):
        given = str(tmp_path) if look is model_shape else tmp_path
        with pytest.raises(BadInput, match=SAID):
            look(given)


def test_spin_and_prune_say_it_too(bert, tmp_path, capsys):
    with pytest.raises(BadInput, match=SAID):
        spin_to_folder(str(bert), OPTIONS, three_sets(), tmp_path / "out", lambda _text: None)
    asked = ["--method", "magnitude", "--sparsity", "0.5", "--out", str(tmp_path / "out")]
    assert main(["prune", "--model", str(bert), *asked]) == 2
    assert "is an encoder (BertModel): a decoder is needed" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_hub_models_are_told_by_what_the_hub_says(monkeypatch, bert):
    told = SimpleNamespace(
        siblings=[SimpleNamespace(rfilename="model.safetensors")],
        sha="c0ffee",
        config={"architectures": ["BertModel"], "model_type": "bert"},
    )
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", lambda self, name, timeout: told)
    monkeypatch.setattr("huggingface_hub.HfApi.auth_check", lambda self, name: None)
    monkeypatch.setattr(catalogue, "cached_folder", lambda name: None)
    with pytest.raises(BadInput, match=SAID):
        catalogue.check("who/encoder")
    assert catalogue.check("who/encoder", decoder=False).place == "who/encoder"
    monkeypatch.setattr(catalogue, "cached_folder", lambda name: bert)
    with pytest.raises(BadInput, match=SAID):
        catalogue.check("who/encoder")


def test_where_an_encoder_is_as_good_it_is_let_through(bert):
    assert catalogue.fetch(catalogue.check(str(bert), decoder=False), decoder=False) == bert


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"model_type": "bert", "architectures": ["BertForMaskedLM"]}, "BertForMaskedLM"),
        (
            {"model_type": "bert", "architectures": ["BertLMHeadModel"], "is_decoder": False},
            "BertLMHeadModel",
        ),
        ({"model_type": "xlm-roberta"}, "xlm-roberta"),
        ({"model_type": "nobody-knows", "architectures": ["NobodyForMaskedLM"]}, "NobodyForMaskedLM"),
    ],
)
def test_encoders(config, named):
    with pytest.raises(BadInput, match=rf"^here is an encoder \({named}\)"):
        refuse_encoder(config, "here")


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "bert", "architectures": ["BertLMHeadModel"], "is_decoder": True},
        {"model_type": "nobody-knows", "architectures": ["NobodyModel"]},
        {"model_type": "gpt2", "architectures": ["GPT2Model"]},
        {"model_type": ["bert"], "architectures": "BertModel"},
        {},
    ],
)
def test_decoders_and_what_is_not_known(config):
    refuse_encoder(config, "here")


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_no_architecture_that_is_walked_is_refused(name):
    one = ARCHITECTURES[name]
    config = getattr(transformers, one.config)(**one.options)
    refuse_encoder(json.loads(config.to_json_string()), name)
