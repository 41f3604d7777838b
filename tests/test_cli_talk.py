"""`talk` and `audience` on the command line."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fairprune.cli import main
from fairprune.store import open_store
from tests.conftest import ROOT
from tests.talks import fill_talk


@pytest.fixture
def runs():
    with open_store() as store:
        return fill_talk(store)


def test_a_talk_of_stored_runs(runs, tmp_path, capsys):
    out = tmp_path / "talk.html"
    assert main(["talk", runs[0].id[:8], "--out", str(out), "--sample", "2", "--judge", "1"]) == 0
    printed = capsys.readouterr()
    assert printed.out == f"{out}: 7 slides, {out.stat().st_size:,} bytes\n"
    assert (
        "do not publish it" in printed.err
    )  # the tests' corpus has the name of one that may not be passed on
    assert main(["talk", runs[0].id, "--alone", "--out", str(out)]) == 0
    assert "5 slides" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "name the runs to tell of, or ask for --example"),
        (["RUN", "--example"], "one of the two"),
        (["RUN", "--sample", "9"], "there is no sample 9 of 4"),
        (["RUN", "--judge", "4"], "both models wrote the same summary of sample 4"),
        (["ffffffffffff"], "there is no run 'ffffffffffff'"),
    ],
)
def test_what_is_wrong_is_said(runs, tmp_path, capsys, arguments, sentence):
    given = [runs[0].id if word == "RUN" else word for word in arguments]
    assert main(["talk", *given, "--out", str(tmp_path / "talk.html")]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "talk.html").exists()


def test_a_file_is_written_where_there_is_a_folder(runs, tmp_path, capsys):
    assert main(["talk", runs[0].id, "--out", str(tmp_path / "no" / "talk.html")]) == 2
    assert "name a file in a folder that exists" in capsys.readouterr().err


def test_an_audience_needs_a_pair_and_an_address_of_this_computer(runs, capsys):
    assert main(["audience", runs[0].id, "--sample", "3", "--address", "127.0.0.1"]) == 2
    assert "both models wrote the same summary of sample 3: " in capsys.readouterr().err
    assert main(["audience", runs[0].id, "--address", "10.255.255.254"]) == 2
    assert "is no IPv4 address of this computer" in capsys.readouterr().err


def test_a_talk_of_the_examples_loads_no_model(tmp_path):
    """In a process of its own, as a speaker writes it: torch is never imported."""
    code = (
        "import sys; from fairprune.cli import main; "
        f"assert main(['talk', '--example', '--out', {str(tmp_path / 'talk.html')!r}]) == 0; "
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'streamlit'} & set(sys.modules); assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"FAIRPRUNE_HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "talk.html").stat().st_size < 10_000_000
