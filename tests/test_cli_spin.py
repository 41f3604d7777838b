"""`python -m fairprune spin`: files in, a folder and a table out, and back."""

from __future__ import annotations

import json

import pytest

from fairprune.cli import main
from fairprune.models import load
from tests.debias.spinning import bits, changed, three_sets


def call(capsys, *arguments):
    code = main([str(argument) for argument in arguments])
    found = capsys.readouterr()
    return code, found.out, found.err


@pytest.fixture
def files(tmp_path):
    """--first, --second and --general with a JSON Lines file each."""
    given = []
    for role, one in three_sets().items():
        path = tmp_path / f"{role}.jsonl"
        rows = [
            {"prompt": item.prompt, "response": item.response}
            | ({"unsafe_response": item.unsafe_response, "pair": item.pair} if item.pair else {})
            for item in one.items
        ]
        path.write_text("\n".join(json.dumps(row) for row in rows))
        given += [f"--{role}", path]
    return given


def test_a_model_is_edited_and_comes_back(capsys, tmp_path, tiny_folder, files):
    out, report = tmp_path / "edited", tmp_path / "report.json"
    edit = ["--ratio", 0.08, "--general-ratio", 0.02, "--measured", 4, "--json", report]
    code, said, err = call(capsys, "spin", "--model", tiny_folder, *files, *edit, "--out", out)
    assert code == 0, err
    found = json.loads(report.read_text())
    assert found["edit"]["first"].startswith("file:") and found["edit"]["ratio"] == 0.08
    n = found["choice"]["weights"]
    assert said.startswith(f"coupled: {n} weights of 3,072 in 6 matrices; in both tops ")
    for line in (
        "margin (first.jsonl), nats per token, higher is better, n = 4",
        f"control first-only: {n} weights, 0 fewer than the edit, 0 shared with it",
        "hsic, of 1",
        "hsic without scale, of 1",
        "  mixed pairs ",
        ", 95 % below ",
        "Demonstration, no inference",
    ):
        assert line in said
    assert (
        "  edited − random " in said
        and "  edited ÷ first-only " in said
        and str(out) in said.splitlines()[-1]
    )
    assert "importance of the second set" in err and "model 4 of 4" in err
    code, said, _ = call(capsys, "spin", "--undo", out, "--out", tmp_path / "back")
    assert code == 0 and said == f"{tmp_path / 'back'}: {n} weights as before the edit\n"
    assert not changed(bits(load(tiny_folder)), load(tmp_path / "back"))


def test_options_reach_the_edit(capsys, tmp_path, tiny_folder, files):
    given = {
        **{
            "--ratio": 0.09,
            "--general-ratio": 0.01,
            "--minimum": 3,
            "--modules": "all",
            "--scope": "global",
            "--samples": 2,
        },
        **{"--selection": "released", "--control": "random", "--seed": 7, "--dtype": "bfloat16"},
    }
    report = tmp_path / "report.json"
    flat = [part for pair in given.items() for part in pair]
    code, said, err = call(
        capsys,
        "spin",
        "--model",
        tiny_folder,
        *files,
        *flat,
        "--no-measures",
        "--json",
        report,
        "--out",
        tmp_path / "out",
    )
    assert code == 0, err
    found = json.loads(report.read_text())
    for name, value in given.items():
        if name != "--dtype":
            assert found["edit"][name[2:].replace("-", "_")] == value
    assert found["quantities"] is None and "selection released, control random" in said
    assert load(tmp_path / "out").dtype == "bfloat16"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--ratio", "1e-6"], "smallest ratio that chooses any is"),
        (["--ratio", "2"], "ratio cannot be 2.0"),
        (["--modules", "experts"], "modules cannot be 'experts'"),
        (["--first", "no-such.jsonl"], "no-such.jsonl cannot be read"),
        (["--first", "fairnes"], "did you mean 'fairness'? Known: fairness, privacy, general"),
        (["--first", "file:0000"], "unknown awareness set 'file:0000'"),
        (["--undo", "somewhere"], "leave --model, --first, --second, --general out"),
        (["--list", "somewhere"], "give --undo FOLDER too, or leave --list out"),
        (["--json", "no/such/folder/x.json"], "JSON file no/such/folder/x.json cannot be written"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(capsys, tmp_path, tiny_folder, files, arguments, said):
    out = tmp_path / "out"
    given = files[2:] if arguments[0] == "--first" else files
    code, _, err = call(capsys, "spin", "--model", tiny_folder, *given, *arguments, "--out", out)
    assert code == 2 and said in err.splitlines()[-1] and not out.exists()


@pytest.mark.parametrize(
    ("option", "named"),
    [
        (["--ratio", "0.1"], "--ratio"),
        (["--first", "zzz"], "--first"),
        (["--seed", "0"], "--seed"),
        (["--measured", "3"], "--measured"),
        (["--no-measures"], "--no-measures"),
        (["--device", "cpu"], "--device"),
        (["--json", "x.json"], "--json"),
    ],
)
def test_undo_ignores_nothing_without_a_word(capsys, tmp_path, option, named):
    code, _, err = call(capsys, "spin", "--undo", tmp_path, *option, "--out", tmp_path / "out")
    assert (
        code == 2 and f"--undo reads the model and its edit from the edited folder: leave {named} out" in err
    )


def test_one_set_twice_and_no_model(capsys, tmp_path, tiny_folder, files):
    code, _, err = call(
        capsys,
        "spin",
        "--model",
        tiny_folder,
        *files[:2],
        "--second",
        files[1],
        *files[4:],
        "--out",
        tmp_path / "out",
    )
    assert code == 2 and "are both" in err
    code, _, err = call(capsys, "spin", *files, "--out", tmp_path / "out")
    assert code == 2 and "missing option --model" in err
