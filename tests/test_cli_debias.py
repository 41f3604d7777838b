"""Edits and recoveries on the command line: the same options for run, preflight and sweep."""

from __future__ import annotations

import pytest

from fairprune.cli import main
from fairprune.cli_options import kept_set, parse_addition
from fairprune.debias_spec import EditSpec, RecoverySpec
from fairprune.errors import BadInput
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
