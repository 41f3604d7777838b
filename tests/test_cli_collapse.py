"""`fairprune collapse RUN`: the worker makes the report, and one that is there is shown."""

from __future__ import annotations

import json

import pytest

from fairprune import jobs
from fairprune.cli import main
from fairprune.cli_collapse import default_words, lines_of
from fairprune.executors.launch import device_lock
from fairprune.store import open_store
from tests.debias_runs import execute, plan
from tests.report_asked import ask_and_make
from tests.toy_corpus import import_toy


@pytest.fixture
def run(tiny_folder):
    with open_store() as store:
        found, code = execute(store, plan(tiny_folder, import_toy()))
    assert code == 0, found.error_detail
    return found


def test_the_worker_makes_it_and_it_is_not_made_again(run, tmp_path, capsys):
    out = tmp_path / "report.json"
    assert main(["collapse", run.id[:8], "--words", "sentiment", "--windows", "16", "--json", str(out)]) == 0
    said = capsys.readouterr()
    assert "word list sentiment" in said.out and "UNC3" in said.out and "Control words" in said.out
    assert "pruned model" in said.err
    found = json.loads(out.read_text())
    with open_store() as store:
        assert store.result(run.id, "debias")["collapse"] == found
    assert main(["collapse", run.id, "--words", "sentiment", "--windows", "16"]) == 0
    assert "the report is there already" in capsys.readouterr().err


def test_what_is_missing_is_said(run):
    with open_store() as store:
        ask_and_make(store, run.id)
        found = store.result(run.id, "debias")["collapse"]
    found["lists"]["control"]["reason"] = "no other tokens"
    found["lists"]["group"]["measures"]["unc3"]["pruned"] = {
        "value": None,
        "reason": "two words have the same mean",
    }
    lines = "\n".join(lines_of(found))
    assert "no other tokens" in lines and "pruned – (two words have the same mean)" in lines
    assert "left out: " in lines
    # Why an interval is missing stands once for a measure of a list, and each word has its cosines.
    reasons = [line for line in lines.split("\n") if line.startswith("no interval of ")]
    [whole] = [line for line in reasons if "kept as a whole" in line]
    assert whole.count("UNC3 of all words") == 1
    assert "  good (" in lines and " → " in lines


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["collapse", "feedface"], 2, "there is no run 'feedface'"),
        (["collapse", "RUN", "--words", "feelings"], 2, "unknown word list 'feelings'"),
        (["collapse", "RUN", "--windows", "1"], 2, "greater than or equal to 2"),
        (["collapse", "RUN", "--json", "none/report.json"], 2, "cannot be written there"),
        (["collapse", "RUN", "--words", "party", "--windows", "16"], 1, "too few words are one token"),
    ],
)
def test_bad_input_is_one_line(run, arguments, code, said, capsys):
    assert main([run.id if one == "RUN" else one for one in arguments]) == code
    assert said in capsys.readouterr().err


def test_the_word_list_follows_the_corpus():
    assert [default_words(name) for name in ("politics", "products", "movies", "user:x")] == [
        *("gender", "sentiment", "gender", "gender")
    ]


def test_a_report_that_waits_can_be_cancelled(run):
    with device_lock("cpu").acquire(timeout=30), open_store() as store:
        jobs.ask_collapse(run.id, "sentiment", 16, store)
        jobs.cancel_report(run.id, store)
        assert [one.state for one in jobs.follow_collapse(run.id, store=store)] == ["cancelled"]
