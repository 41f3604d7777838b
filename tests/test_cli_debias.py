"""Edits and recoveries on the command line: the same options for run, preflight and sweep."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file

from fairprune.cli import main
from fairprune.cli_options import kept_set, parse_addition
from fairprune.debias_spec import EditSpec, RecoverySpec
from fairprune.errors import BadInput
from fairprune.models import load, weight_matrix
from tests.debias_runs import own_sets
from tests.toy_corpus import import_toy


def test_a_bare_word_is_the_kind_and_the_rest_are_choices():
    assert parse_addition(None, "edit", EditSpec) is None
    assert parse_addition(["spin"], "edit", EditSpec) == {"kind": "spin"}
    assert parse_addition(["denp", "steps=60"], "recovery", RecoverySpec) == {"kind": "denp", "steps": "60"}
    for pairs, says in (
        (["ratoi=1"], "unknown KEY of --edit 'ratoi': did you mean 'ratio'"),
        (["ratio=1", "ratio=2"], "was given twice"),
    ):
        with pytest.raises(BadInput, match=says):
            parse_addition(pairs, "edit", EditSpec)


def test_a_set_may_be_a_file(tmp_path):
    assert kept_set("privacy") == "privacy"
    path = tmp_path / "own.csv"
    path.write_text("prompt,response\nWhat is it?,A film.\nWho is it?,A person.\n")
    name = kept_set(str(path))
    assert name.startswith("file:") and kept_set(name) == name
    with pytest.raises(BadInput, match="unknown awareness set 'privcy': did you mean 'privacy'"):
        kept_set("privcy")
    with pytest.raises(BadInput, match="cannot be read"):
        kept_set(str(tmp_path / "none.csv"))


def test_preflight_knows_both(tiny_folder, capsys):
    base = [
        "preflight",
        "--model",
        str(tiny_folder),
        "--method",
        "wanda",
        "--corpus",
        import_toy(),
        "--seqlen",
        "160",
    ]
    assert (
        main(
            [
                *base,
                "--edit",
                "spin",
                "--edit",
                "ratio=0.05",
                "--recovery",
                "steps=5",
                "--recovery",
                "seqlen=160",
            ]
        )
        == 0
    )
    said = capsys.readouterr().out
    assert "+ SPIN (ratio 0.05) + recovery (uniform, steps 5, seqlen 160)" in said and "It fits" in said
    assert main([*base, "--edit", "second=fairness"]) == 2
    assert "the first and the second set of an edit are both 'fairness'" in capsys.readouterr().err


def test_a_sweep_with_controls_is_the_whole_group(tiny_folder, capsys):
    base = [
        "sweep",
        "--model",
        str(tiny_folder),
        "--method",
        "wanda",
        "--sparsity",
        "0.3,0.5",
        "--corpus",
        import_toy(),
    ]
    base += ["--seqlen", "160", "--samples", "3", "--plan", "--edit", "spin"]
    assert main(base) == 0
    assert "2 runs, 0 of them stored already" in capsys.readouterr().err
    assert main([*base, "--controls"]) == 0
    assert "8 runs, 0 of them stored already" in capsys.readouterr().err


EDIT = ["--edit", "ratio=0.08", "--edit", "general_ratio=0.02", "--edit", "samples=3"]
RECOVERY = ["--recovery", "uniform", "--recovery", "steps=3", "--recovery", "samples=4"]
RECOVERY += ["--recovery", "seqlen=160", "--recovery", "batch_size=2"]


def pruned_folder(capsys, model, out, *more):
    arguments = ["prune", "--model", str(model), "--method", "magnitude", "--corpus", import_toy()]
    code = main([*arguments, "--device", "cpu", "--out", str(out), *more])
    found = capsys.readouterr()
    assert code == 0, found.err
    return json.loads((out / "report.json").read_text()), json.loads((out / "manifest.json").read_text())


def weights_of(folder):
    return {name: weight_matrix(layer).clone() for name, layer in load(folder).linears().items()}


@pytest.mark.parametrize("order", ["after", "before"])
def test_a_folder_can_be_edited_and_says_so(tiny_folder, capsys, tmp_path, order):
    sets = [part for role, name in own_sets().items() for part in ("--edit", f"{role}={name}")]
    plain, manifest = pruned_folder(capsys, tiny_folder, tmp_path / "plain")
    assert "edit" not in plain["spec"] and "debias" not in plain and "edit" not in manifest["spec"]
    report, manifest = pruned_folder(
        capsys, tiny_folder, tmp_path / "out", *EDIT, *sets, "--edit", f"order={order}"
    )
    assert manifest["spec"]["edit"]["ratio"] == 0.08 and manifest["spec"]["edit"]["order"] == order
    undo = report["debias"]["edit"]["undo"]
    assert undo and report["debias"]["edit"]["quantities"] is None  # done, not measured
    masks, weights = load_file(tmp_path / "out" / "masks.safetensors"), weights_of(tmp_path / "out")
    for one in undo:
        assert not masks[one["module"]][one["row"], one["column"]]
        assert weights[one["module"]][one["row"], one["column"]] == 0
    zeros = sum(int((~keep).sum()) for keep in masks.values())
    assert manifest["sparsity"]["achieved"] == pytest.approx(zeros / plain["sparsity"]["weights"])
    if order == "after":
        assert zeros == plain["sparsity"]["dropped"] + len(undo)
    assert main(["prune", "--verify", str(tmp_path / "out")]) == 0
    assert f"{zeros} zeros" in capsys.readouterr().out
    code = main(["spin", "--undo", str(tmp_path / "out"), "--out", str(tmp_path / "back")])
    said = capsys.readouterr()
    if order == "before":
        assert code == 2 and "cannot be undone: it was pruned after the edit" in said.err
        assert f"{tmp_path / 'out' / 'report.json'} under debias.edit.undo" in said.err
        assert not (tmp_path / "out" / "undo.json").exists() and not (tmp_path / "back").exists()
        return
    assert code == 0 and f"{len(undo)} weights as before the edit" in said.out
    back, before = weights_of(tmp_path / "back"), weights_of(tmp_path / "plain")
    assert all(torch.equal(back[name], weight) for name, weight in before.items())
    assert json.loads((tmp_path / "out" / "undo.json").read_text()) == undo
    assert "undo.json" in manifest["files"]


def test_what_a_recovery_moved_cannot_be_undone_and_older_folders_can(tiny_folder, capsys, tmp_path):
    sets = [part for role, name in own_sets().items() for part in ("--edit", f"{role}={name}")]
    out = tmp_path / "out"
    pruned_folder(capsys, tiny_folder, out, *EDIT, *sets, *RECOVERY)
    assert not (out / "undo.json").exists()
    report = json.loads((out / "report.json").read_text())
    (tmp_path / "list.json").write_text(json.dumps(report["debias"]["edit"]["undo"]))
    for more in ([], ["--list", str(tmp_path / "list.json")]):
        assert main(["spin", "--undo", str(out), "--out", str(tmp_path / "back"), *more]) == 2
        assert "cannot be undone: its weights were trained by a recovery" in capsys.readouterr().err
    pruned_folder(capsys, tiny_folder, tmp_path / "old", *EDIT, *sets)
    (tmp_path / "old" / "undo.json").unlink()  # as folders were written once: the list in the report alone
    assert main(["spin", "--undo", str(tmp_path / "old"), "--out", str(tmp_path / "back")]) == 0


def test_a_folder_can_be_recovered_with_zeros_kept(tiny_folder, capsys, tmp_path):
    pruned_folder(capsys, tiny_folder, tmp_path / "plain")
    report, manifest = pruned_folder(capsys, tiny_folder, tmp_path / "out", *RECOVERY)
    assert manifest["spec"]["recovery"]["steps"] == 3
    told = report["debias"]["recovery"]
    assert told["report"]["steps"] == 3 and "losses" not in told  # done, not measured
    assert report["training"]["samples"] == 4 and report["training"]["corpus"] == import_toy()
    before, after = weights_of(tmp_path / "plain"), weights_of(tmp_path / "out")
    masks = load_file(tmp_path / "out" / "masks.safetensors")
    moved = 0
    for name, keep in masks.items():
        assert bool((after[name][~keep] == 0).all()) and bool(((before[name] == 0) | keep).all())
        moved += int((before[name][keep] != after[name][keep]).sum())
    assert moved > 0.9 * sum(int(keep.sum()) for keep in masks.values())
    assert main(["prune", "--verify", str(tmp_path / "out")]) == 0


def test_a_recovery_needs_text_for_a_folder_too(tiny_folder, capsys, tmp_path):
    base = ["prune", "--model", str(tiny_folder), "--method", "magnitude", "--corpus", import_toy()]
    out = tmp_path / "out"
    assert (
        main([*base, "--out", str(out), "--recovery", "samples=4096", "--recovery", "seqlen=16"]) == 2
        and not out.exists()
    )
    assert "the training windows of the recovery cannot be cut" in capsys.readouterr().err
    assert main([*base, "--out", str(out), "--edit", "ratoi=1"]) == 2
    assert "did you mean 'ratio'" in capsys.readouterr().err
