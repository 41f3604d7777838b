"""The two commands, from one home folder to another."""

from __future__ import annotations

import pytest

from fairprune.cli import main
from fairprune.store import open_store
from tests.pages.filled import fill, fill_default, spec


def test_bundle_and_import(tmp_path, monkeypatch, capsys):
    run = fill_default()
    out = tmp_path / "runs.zip"
    assert main(["bundle", run.id[:8], "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert f"{out}: 1 run, " in said.out
    assert "movies (the package's licence does not cover the critics' texts)" in said.err
    assert main(["import", str(out)]) == 0
    assert "0 runs imported; 1 run here already, kept as it is." in capsys.readouterr().out
    monkeypatch.setenv("FAIRPRUNE_HOME", str(tmp_path / "other"))
    assert main(["import", str(out)]) == 0
    said = capsys.readouterr()
    assert "1 run imported." in said.out and f"{run.id}  new   {run.title}" in said.out
    with open_store() as store:
        assert store.run(run.id).origin == "imported"
        fill(store, spec(0.25))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bundle", "0123456789abcdef", "--out", "runs.zip"], "there is no run '0123456789abcdef'"),
        (["bundle", "--out", "runs.zip"], "Missing argument"),
        (["bundle", "0123456789abcdef", "--out", "none/runs.zip"], "name a file in a folder that exists"),
        (["import", "none.zip"], "No such file"),
        (["import", "text.txt"], "no bundle of fairprune"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text("hello")
    assert main(arguments) == 2
    error = capsys.readouterr().err.strip()
    assert said in error and "\n" not in error
    assert not (tmp_path / "runs.zip").exists()
