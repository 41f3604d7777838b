"""The sweep of the command line: goes through the queue, prints every run, and says by its exit code whether all was done."""

from __future__ import annotations

import inspect

import pytest

from fairprune import cli, cli_sweep
from fairprune.cli import main
from fairprune.store import open_store
from fairprune.sweep import Plan
from tests.store_values import spec
from tests.toy_corpus import import_toy


def call(capsys, *arguments):
    code = main(["sweep", *(str(argument) for argument in arguments)])
    found = capsys.readouterr()
    return code, found.out, found.err


def small(folder):
    return [
        *("--model", folder, "--corpus", import_toy(), "--seqlen", 160, "--samples", 2),
        *("--calibration-samples", 2, "--max-new-tokens", 8),
    ]


@pytest.mark.slow
def test_a_grid_is_run_and_every_run_is_printed(capsys, tiny_folder, monkeypatch):
    monkeypatch.setenv("FAIRPRUNE_WORKER_IDLE", "0")
    given = [*small(tiny_folder), "--method", "hgla", "--sparsity", "0.25", "--sparsity", "0.5"]
    code, out, err = call(
        capsys, *given, "--method", "magnitude", "--calibration", "balanced,random", "--plan"
    )
    # hgla: 2 sparsities × 2 sets; magnitude, which reads none, 2 sparsities once
    assert code == 0 and out == "" and "6 runs, 0 of them stored already" in err and "time: " in err
    assert "left out (1): magnitude · random" in err
    with open_store() as store:
        assert store.runs() == []
    code, out, err = call(capsys, *given)
    assert code == 0, err
    assert len(out.splitlines()) == 2
    assert all(" done " in line and "UER" in line for line in out.splitlines())
    with open_store() as store:
        (sweep,) = store.sweeps()
        assert sweep.axes["sparsity"] == [0.25, 0.5]
        first, second = store.runs_of(sweep.run_ids)
        # The second reads the statistics of the first, and both read one dense model's summaries.
        assert [store.result(run.id, "statistics")["reused"] for run in (first, second)] == [False, True]
        dense = [store.result(run.id, "generation")["systems"]["dense"]["id"] for run in (first, second)]
        assert dense[0] == dense[1]
    code, out, err = call(capsys, *given)
    assert code == 0 and "2 runs, 2 of them stored already" in err and len(out.splitlines()) == 2


@pytest.mark.slow
def test_a_run_that_fails_is_told_and_is_exit_code_one(capsys, tiny_folder, monkeypatch):
    monkeypatch.setenv("FAIRPRUNE_WORKER_IDLE", "0")
    given = [*small(tiny_folder), "--method", "wanda", "--calibration", "balanced,model-output:fair"]
    code, out, err = call(capsys, *given)
    assert code == 1, err
    assert "failed" in out and "calibration set 'model-output:fair' has 0 texts" in out
    assert "1 of 2 runs was not done" in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--method", "wnada"], "did you mean 'wanda'"),
        (["--method", "wanda", "--sparsity", "0.1;0.2"], "sparsity '0.1;0.2' is not a number"),
        (["--method", "wanda", "--seed", "x"], "seed 'x' is not a whole number"),
        (["--method", "wanda", "--option", "loss=all_tokens"], "unknown option of the methods wanda"),
        (["--method", "wanda", "--sparsity", "1.5"], "pruning.sparsity cannot be 1.5"),
        (["--method", "wanda", "--seed", ",".join(map(str, range(201)))], "201 runs, at most 200"),
    ],
)
def test_bad_input_is_exit_code_two_and_one_line(capsys, tiny_folder, arguments, says):
    code, out, err = call(capsys, *small(tiny_folder), *arguments, "--plan")
    assert (code, out) == (2, "") and says in err, err


def test_one_run_is_one_run(capsys, monkeypatch):
    monkeypatch.setattr(cli_sweep, "estimate_sweep", lambda _specs, _store: None)
    with open_store("sqlite://") as store:
        cli_sweep._tell(Plan((spec(),), ()), store)
    assert capsys.readouterr().err == "1 run, 0 of them stored already\n"


def test_the_sweep_has_the_options_of_a_run():
    run, sweep = (set(inspect.signature(f).parameters) for f in (cli.run, cli_sweep.sweep))
    assert run - sweep == {"json_file"} and sweep - run == {"plan", "controls"}


def test_a_line_of_a_run_without_numbers_says_why():
    with open_store("sqlite://") as store:
        run = store.submit(spec())[0]
        store.claim("cpu", 1)
        run = store.finish(run.id, "failed", "the weights are gone")
    assert cli_sweep.line(run, None).endswith("seed 0  the weights are gone")
    missing = {"dense": {"value": 0.5, "n": 3}, "pruned": {"value": None, "n": 0}}
    shown = cli_sweep.line(run, {"sparsity": {"achieved": 0.25}, "metrics": {"bur": missing}})
    assert "achieved 0.2500" in shown and "→ – (n = 0)" in shown
