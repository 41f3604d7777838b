"""What is written loads in plain transformers with its zeros, and a failed export leaves nothing."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from fairprune import export as export_module
from fairprune.allocation import Target
from fairprune.errors import BadInput, NumericError, Unavailable
from fairprune.export import check_room, check_target, export, verify_folder
from fairprune.methods import get_method
from fairprune.models import load, weight_matrix
from fairprune.prune import LayerPruned, prune
from tests.conftest import ROOT


@pytest.fixture
def pruned(tiny_folder):
    loaded = load(tiny_folder)
    method = get_method("magnitude")
    events = prune(loaded, method, method.parse_options({}), Target(0.5))
    return loaded, {event.report.name: event.keep for event in events if isinstance(event, LayerPruned)}


def test_plain_transformers_loads_it_with_zeros_intact(pruned, tmp_path):
    loaded, masks = pruned
    out = tmp_path / "deep" / "out"
    export(loaded, masks, {"why": "test"}, out)
    model = AutoModelForCausalLM.from_pretrained(out)
    assert AutoTokenizer.from_pretrained(out).eos_token == "<|end|>"
    stored = load_file(out / "masks.safetensors")
    assert stored.keys() == masks.keys()
    for name, keep in stored.items():
        weight = model.get_submodule(name).weight
        assert keep.dtype == torch.bool
        assert int((weight == 0).sum()) == int((~keep).sum()) == weight.numel() // 2
    assert json.loads((out / "report.json").read_text()) == {"why": "test"}
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_what_stands_beside_is_in_the_manifest(pruned, tmp_path):
    loaded, masks = pruned
    export(loaded, masks, {}, tmp_path / "out", {"more.json": "[1]"})
    assert (tmp_path / "out" / "more.json").read_text() == "[1]"
    verify_folder(tmp_path / "out")
    (tmp_path / "out" / "more.json").write_text("[2]")
    with pytest.raises(BadInput, match="was changed after it was written"):
        verify_folder(tmp_path / "out")


def test_an_existing_folder_is_not_overwritten(pruned, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(BadInput, match="not an empty folder"):
        export(*pruned, {}, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    export(*pruned, {}, tmp_path / "empty")


def test_an_empty_folder_may_be_given(pruned, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    export(*pruned, {}, out)
    assert (out / "model.safetensors").is_file()


def test_a_difference_after_loading_again_is_an_error(pruned, tmp_path):
    loaded, masks = pruned
    name = next(iter(masks))
    masks[name] = ~masks[name]
    with pytest.raises(NumericError, match="its mask says there are none"):
        export(loaded, masks, {}, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing(pruned, tmp_path, monkeypatch):
    def full(tensors, path):
        Path(path).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(export_module, "save_file", full)
    with pytest.raises(Unavailable, match="No space left"):
        export(*pruned, {}, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_conv1d_layers_come_back_transposed_as_they_were(tmp_path):
    from transformers import GPT2Config, GPT2LMHeadModel

    GPT2LMHeadModel(
        GPT2Config(n_embd=16, n_layer=2, n_head=2, vocab_size=32, n_positions=32)
    ).save_pretrained(tmp_path / "gpt2")
    loaded = load(tmp_path / "gpt2")
    method = get_method("magnitude")
    events = list(prune(loaded, method, method.parse_options({"compare": "row"}), Target(0.5)))
    masks = {event.report.name: event.keep for event in events if isinstance(event, LayerPruned)}
    export(loaded, masks, {}, tmp_path / "out")
    again = load(tmp_path / "out").linears()
    for name, keep in masks.items():
        assert torch.equal(weight_matrix(again[name]) != 0, keep)


def test_a_folder_can_be_checked_again_later(pruned, tmp_path):
    loaded, masks = pruned
    out = tmp_path / "out"
    export(loaded, masks, {"fairprune": "1", "spec": {"a": 1}, "sparsity": {"asked": 0.5}}, out)
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["spec"] == {"a": 1} and manifest["sparsity"]["asked"] == 0.5
    assert {"config.json", "model.safetensors", "masks.safetensors", "tokenizer.json"} <= manifest[
        "files"
    ].keys()
    zeros = sum(int((~keep).sum()) for keep in masks.values())
    assert verify_folder(out) == {"files": len(manifest["files"]), "matrices": 14, "zeros": zeros}
    changed = bytearray((out / "model.safetensors").read_bytes())
    changed[-1] ^= 1
    (out / "model.safetensors").write_bytes(changed)
    with pytest.raises(BadInput, match=r"model\.safetensors was changed after it was written"):
        verify_folder(out)
    (out / "config.json").unlink()
    with pytest.raises(BadInput, match=r"config\.json is missing"):
        verify_folder(out)


def test_masks_that_the_weights_do_not_keep_are_found(pruned, tmp_path):
    loaded, masks = pruned
    out = tmp_path / "out"
    export(loaded, masks, {}, out)
    name = next(iter(masks))
    export_module.save_file({**masks, name: ~masks[name]}, out / "masks.safetensors")
    manifest = json.loads((out / "manifest.json").read_text())
    manifest["files"]["masks.safetensors"] = export_module._sha256(out / "masks.safetensors")
    (out / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BadInput, match="has weights where its mask says there are none"):
        verify_folder(out)


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "only folders written by `prune`"), ("{", "cannot be read"), ("[]", "cannot be read")],
)
def test_folders_that_were_not_exported(tmp_path, content, says):
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(BadInput, match=says):
        verify_folder(tmp_path)


KILLED = """
import os, signal, sys
from pathlib import Path
from fairprune import export as module
from fairprune.models import load, weight_matrix
loaded = load(Path(sys.argv[1]))
masks = {name: weight_matrix(layer) != 0 for name, layer in loaded.linears().items()}
verify = module.verify
module.verify = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # everything is written, nothing is compared yet
module.export(loaded, masks, {}, Path(sys.argv[2]))
"""


def test_a_killed_export_never_looks_complete_and_the_next_one_clears_it_up(pruned, tiny_folder, tmp_path):
    out = tmp_path / "out"
    done = subprocess.run([sys.executable, "-c", KILLED, str(tiny_folder), str(out)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert not out.exists()
    [left] = tmp_path.iterdir()
    assert left.name.startswith(".out.") and left.name.endswith(".partial")
    (tmp_path / f".out.{os.getpid()}.mine.partial").mkdir()  # of a process that lives
    (tmp_path / ".out.mine.partial").mkdir()  # not ours
    export(*pruned, {}, out)
    assert verify_folder(out)["matrices"] == 14
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f".out.{os.getpid()}.mine.partial",
        ".out.mine.partial",
        "out",
    ]


def test_a_folder_that_cannot_be_written_is_said(pruned, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BadInput, match="cannot be written"):
        export(*pruned, {}, tmp_path / "file" / "out")


def test_a_target_that_cannot_be_written_is_refused_before_any_work(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BadInput, match=r"cannot be written .*name a new folder where you may write"):
        check_target(tmp_path / "file" / "out")
    with pytest.raises(BadInput, match="cannot be written"):
        check_target(Path("/proc/fairprune-out"))
    check_target(tmp_path / "new" / "out")
    assert not any((tmp_path / "new").iterdir())


def test_too_little_room_is_said_before_any_work(pruned, tmp_path, monkeypatch):
    loaded, _ = pruned
    check_room(tmp_path / "out", loaded)
    monkeypatch.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=1000))
    with pytest.raises(
        Unavailable, match="needs 0 MB for weights and masks, but 0 MB are free there: make room"
    ):
        check_room(tmp_path / "out", loaded)


@pytest.mark.parametrize("files", [{}, [], None, {"config.json": "x"}, {"masks.safetensors": "x"}])
def test_a_manifest_that_lists_too_little_verifies_nothing(pruned, tmp_path, files):
    out = tmp_path / "out"
    export(*pruned, {}, out)
    (out / "manifest.json").write_text(json.dumps({"files": files}))
    with pytest.raises(BadInput, match=r"manifest\.json cannot be read: its list of files lacks"):
        verify_folder(out)


def test_a_file_that_was_added_is_found(pruned, tmp_path):
    out = tmp_path / "out"
    export(*pruned, {"calibration": {"hash": "0123", "windows": [1]}}, out)
    assert json.loads((out / "manifest.json").read_text())["calibration"] == {"hash": "0123"}
    (out / "extra.py").write_text("import os")
    with pytest.raises(BadInput, match=r"holds extra\.py, which was not written with it"):
        verify_folder(out)
