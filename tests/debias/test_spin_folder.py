"""An edited model in a folder, which plain transformers loads, and the same model back, bit for bit."""

from __future__ import annotations

import json

import pytest
import torch
import transformers
from safetensors.torch import load_file

from fairprune.debias.spin_folder import spin_to_folder, undo_folder
from fairprune.errors import BadInput
from fairprune.export import verify_folder
from fairprune.models import load
from tests.debias.spinning import OPTIONS, bits, changed, three_sets

UP = "model.layers.0.mlp.up_proj"


@pytest.fixture(scope="module")
def edited(tiny_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("spin") / "edited"
    said = []
    found = spin_to_folder(str(tiny_folder), OPTIONS, three_sets(), out, said.append, dtype="bfloat16")
    return out, found, said


def test_the_folder_holds_model_list_and_report(edited, tiny_folder):
    out, found, said = edited
    edits = json.loads((out / "undo.json").read_text())
    assert len(edits) == found["choice"]["weights"] > 0
    model = transformers.AutoModelForCausalLM.from_pretrained(out)
    assert all(
        float(model.get_submodule(one["module"]).weight.detach()[one["row"], one["column"]]) == 0
        for one in edits
    )
    dense = load(tiny_folder, dtype="bfloat16")
    assert sum(changed(bits(dense), load(out)).values()) == len(edits)
    report = json.loads((out / "report.json").read_text())
    assert report["debias"] == json.loads(json.dumps(found)) and "undo" not in report["debias"]
    assert report["spec"]["edit"] == OPTIONS.model_dump(mode="json") and report["identity"]
    checked = verify_folder(out)
    assert checked["zeros"] == len(edits)
    masks = load_file(out / "masks.safetensors")
    assert sum(int((~keep).sum()) for keep in masks.values()) == len(edits)
    assert any(line.startswith("importance of the first set") for line in said)
    assert said[-1].startswith("writing")


def test_undone_it_is_the_model_that_it_was(edited, tiny_folder, tmp_path):
    out, found, _ = edited
    n = undo_folder(out, tmp_path / "back", lambda _text: None)
    assert n == found["choice"]["weights"]
    assert not changed(bits(load(tiny_folder, dtype="bfloat16")), load(tmp_path / "back"))
    assert verify_folder(tmp_path / "back")["matrices"] == 0
    with pytest.raises(BadInput, match="only folders written by `spin`"):
        undo_folder(tmp_path / "back", tmp_path / "again", lambda _text: None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", "is no list of edited weights"),
        ('[{"module": "m", "row": -1, "column": 0, "old": 1.0}]', "row"),
        ('[{"module": "m", "row": 0, "column": 0, "old": NaN}]', "old"),
        ('[{"module": "m", "row": 0, "column": 0, "old": 1.0, "more": 1}]', "more"),
        ('[{"module": "m", "row": 0, "column": 0, "old": 1.0}]', "does not have"),
        (f'[{{"module": "{UP}", "row": {10**23}, "column": 0, "old": 1.0}}]', "outside"),
        (f'[{{"module": "{UP}", "row": 1{"0" * 5000}, "column": 0, "old": 1.0}}]', "number out of range"),
        ("[]", "lists no weights: there is nothing to undo"),
    ],
)
def test_a_list_that_is_none(edited, tmp_path, text, said):
    (tmp_path / "list.json").write_text(text)
    with pytest.raises(BadInput, match=said):
        undo_folder(edited[0], tmp_path / "out", lambda _text: None, listed=tmp_path / "list.json")
    assert not (tmp_path / "out").exists()


def copy_of(folder, to):
    """A copy of links, of which single files may be replaced."""
    to.mkdir()
    for path in folder.iterdir():
        (to / path.name).symlink_to(path)
    return to


def test_a_list_that_was_tampered_with(edited, tmp_path):
    folder = copy_of(edited[0], tmp_path / "copy")
    edits = json.loads((folder / "undo.json").read_text())
    (folder / "undo.json").unlink()
    (folder / "undo.json").write_text(json.dumps([{**one, "old": 2 * one["old"]} for one in edits]))
    with pytest.raises(BadInput, match=r"undo\.json was changed after it was written: its SHA-256"):
        undo_folder(folder, tmp_path / "out", lambda _text: None)
    (folder / "manifest.json").unlink()
    with pytest.raises(BadInput, match=r"has no manifest\.json"):
        undo_folder(folder, tmp_path / "out", lambda _text: None)
    assert not (tmp_path / "out").exists()


def test_a_list_from_elsewhere_will_do(edited, tiny_folder, tmp_path):
    out, found, _ = edited
    (tmp_path / "undo.json").write_bytes((out / "undo.json").read_bytes())
    n = undo_folder(out, tmp_path / "back", lambda _text: None, listed=tmp_path / "undo.json")
    assert n == found["choice"]["weights"]
    assert not changed(bits(load(tiny_folder, dtype="bfloat16")), load(tmp_path / "back"))


def test_nothing_is_read_for_a_folder_that_cannot_be_used(edited, tiny_folder):
    said = []
    with pytest.raises(BadInput, match="not an empty folder"):
        spin_to_folder(str(tiny_folder), OPTIONS, three_sets(), edited[0], said.append)
    assert not said


def test_models_that_are_no_decoders_are_refused_by_name(tmp_path):
    sizes = {
        "hidden_size": 16,
        "num_attention_heads": 4,
        "num_hidden_layers": 2,
        "intermediate_size": 32,
        "vocab_size": 60,
    }
    encoder = transformers.BertForMaskedLM(transformers.BertConfig(**sizes))
    encoder.save_pretrained(tmp_path / "bert")
    both = transformers.T5ForConditionalGeneration(
        transformers.T5Config(vocab_size=60, d_model=16, d_kv=4, d_ff=32, num_layers=2, num_heads=4)
    )
    both.save_pretrained(tmp_path / "t5")
    for name, said in (("bert", r"is an encoder \(BertForMaskedLM\)"), ("t5", "encoder-decoder model")):
        with pytest.raises(BadInput, match=said):
            spin_to_folder(str(tmp_path / name), OPTIONS, three_sets(), tmp_path / "out", lambda _text: None)
        assert not (tmp_path / "out").exists()


def test_already_pruned_models_keep_their_zeros(tiny_folder, tmp_path):
    loaded = load(tiny_folder)
    for layer in loaded.linears().values():
        layer.weight.data[:, ::2] = 0
    loaded.model.save_pretrained(tmp_path / "pruned")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "pruned" / name).write_bytes((tiny_folder / name).read_bytes())
    spin_to_folder(
        str(tmp_path / "pruned"), OPTIONS, three_sets(), tmp_path / "out", lambda _text: None, measures=False
    )
    for layer in load(tmp_path / "out").linears().values():
        assert torch.equal(layer.weight[:, ::2], torch.zeros_like(layer.weight[:, ::2]))
    edits = json.loads((tmp_path / "out" / "undo.json").read_text())
    assert edits and all(one["column"] % 2 == 1 and one["old"] != 0 for one in edits)
