"""`study list` and `study export` on the command line."""

from __future__ import annotations

import csv
import json

import pandas as pd
import pytest

from fairprune.cli import main
from fairprune.judgments.closed import read_closed
from fairprune.judgments.closed_files import ratings_file, raw_file
from fairprune.store import open_store
from fairprune.store.judgments_values import NewItem, Side
from tests.closed import study_of_pairs
from tests.judged import design, entered, judge_all, opened


@pytest.fixture
def study():
    """A closed study of two items with two votes each, by two judges who always prefer the left side."""
    with open_store() as store:
        made = opened(store, n=2, items_per_judge=2)
        for _ in range(2):
            judge_all(store, entered(store, made))
        return store.close_study(made.id)


def test_studies_are_listed(capsys):
    assert main(["study", "list"]) == 0
    assert "No study yet" in capsys.readouterr().out


def test_votes_leave_in_three_formats(study, tmp_path, capsys):
    assert main(["study", "list"]) == 0
    assert capsys.readouterr().out == f"{study.id}  closed            4/4  {study.title}\n"
    files = {ending: tmp_path / f"votes.{ending}" for ending in ("csv", "jsonl", "parquet")}
    for file in files.values():
        assert main(["study", "export", study.id[:8], "--out", str(file)]) == 0
        assert "8 votes" in capsys.readouterr().out  # 2 items, 2 judges, 2 questions
    with files["csv"].open(newline="") as text:
        rows = list(csv.DictReader(text))
    lines = [json.loads(line) for line in files["jsonl"].read_text().splitlines()]
    assert len(rows) == len(lines) == len(pd.read_parquet(files["parquet"])) == 8
    assert {row["judge"] for row in rows} == {"J001", "J002"} and {row["answer"] for row in rows} == {"left"}
    by_system = {row["system_left"]: row["run_left"] for row in rows} | {
        row["system_right"]: row["run_right"] for row in rows
    }
    assert by_system == {"dense": "a" * 16, "wanda 50 %": "b" * 16}


def test_the_file_is_that_of_the_page_with_the_ratings_beside_it(tmp_path, capsys):
    with open_store() as store:
        closed = read_closed(store, study_of_pairs(store))
    out, ratings = tmp_path / "votes.csv", tmp_path / "ratings.csv"
    assert main(["study", "export", closed.study.id, "--out", str(out)]) == 0
    assert f"{len(closed.rated)} ratings left out: --ratings FILE.csv writes them" in capsys.readouterr().out
    assert out.read_bytes() == raw_file(closed, "csv")
    with out.open(newline="") as text:
        assert {row["judge_state"] for row in csv.DictReader(text)} == {"completed", "failed", "active"}
    assert main(["study", "export", closed.study.id, "--out", str(out), "--ratings", str(ratings)]) == 0
    assert f"{len(closed.rated)} ratings in {ratings}" in capsys.readouterr().out
    assert ratings.read_bytes() == ratings_file(closed)


def test_systems_without_a_run_are_written_without_one(tmp_path, capsys):
    with open_store() as store:
        made = store.create_study("Texts of elsewhere", design(items_per_judge=1, votes_per_item=1))
        store.set_items(made.id, [NewItem("main", Side("ours", "One text."), Side("theirs", "Another."))])
        store.open_study(made.id)
        judge_all(store, entered(store, made))
        store.close_study(made.id)
    out = tmp_path / "votes.jsonl"
    assert main(["study", "export", made.id, "--out", str(out)]) == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(rows) == 2 and "2 votes" in capsys.readouterr().out
    assert {(row["run_left"], row["run_right"]) for row in rows} == {(None, None)}
    assert {row["system_left"] for row in rows} <= {"ours", "theirs"}


def test_what_is_wrong_is_said(study, tmp_path, capsys):
    for arguments, sentence in (
        ([study.id, "--out", str(tmp_path / "votes.xls")], "unknown format of a file of votes 'xls'"),
        ([study.id, "--out", str(tmp_path / "no" / "votes.csv")], "name a file in a folder that exists"),
        ([study.id[:5], "--out", str(tmp_path / "votes.csv")], "is too short for the id of a study"),
        (
            [study.id, "--out", str(tmp_path / "a.csv"), "--ratings", str(tmp_path / "b.jsonl")],
            "name a .csv file of their own",
        ),
        (
            [study.id, "--out", str(tmp_path / "a.csv"), "--ratings", str(tmp_path / "a.csv")],
            "name a .csv file of their own",
        ),
        (
            [study.id, "--out", str(tmp_path / "a.csv"), "--ratings", str(tmp_path / "b.csv")],
            "asks for no ratings: leave out --ratings",
        ),
        (["ffffffff", "--out", str(tmp_path / "votes.csv")], "no study begins with 'ffffffff'"),
    ):
        assert main(["study", "export", *arguments]) == 2
        assert sentence in capsys.readouterr().err
    with open_store() as store:
        running = opened(store, n=1)
    assert main(["study", "export", running.id, "--out", str(tmp_path / "votes.csv")]) == 1
    assert "sealed until it is closed" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_votes_of_elsewhere_become_a_study_of_their_own(study, tmp_path, capsys):
    file = tmp_path / "battles.csv"
    file.write_text("model_a,model_b,winner\ndense,wanda,model_a\nwanda,dense,tie\n")
    assert main(["study", "import", str(file), "--title", "Of the arena"]) == 0
    said = capsys.readouterr().out
    assert (
        "2 votes by 2 judges are study" in said
        and "not known: which system stood left, of 2 votes of 2" in said
    )
    assert main(["study", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1:] for line in lines] == [
        ["imported", "2/2", "Of", "the", "arena"],
        ["closed", "4/4", *study.title.split()],
    ]
    made, out = lines[0].split()[0], tmp_path / "again.jsonl"
    assert main(["study", "export", made, "--out", str(out)]) == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert {(row["sides"], row["seconds"], row["judge_state"]) for row in rows} == {
        ("not known", None, "unknown")
    }
    # what Potato wrote about a study's items
    with open_store() as store:
        closed = read_closed(store, store.study(study.id))
    annotated = tmp_path / "annotations.jsonl"
    annotated.write_text(
        json.dumps(
            {"instance_id": closed.items[0].id, "user_id": "u", "labels": {"fairer": {"selection": "tie"}}}
        )
    )
    assert main(["study", "import", str(annotated), "--of", study.id[:8]]) == 0
    assert "1 vote by 1 judge" in capsys.readouterr().out
    with open_store() as store:
        (potato,) = (one for one in store.studies() if one.title == "annotations")
        assert potato.copied_from == study.id and store.items(potato.id)[0].a.text == closed.items[0].a.text
    for arguments, sentence in (
        ([str(annotated)], "open the study whose items it was given"),
        ([str(tmp_path / "no.csv")], "cannot be read"),
        ([str(annotated), "--of", "ffffffff"], "no study begins with 'ffffffff'"),
    ):
        assert main(["study", "import", *arguments]) == 2
        assert sentence in capsys.readouterr().err
    with open_store() as store:
        assert len(store.studies()) == 3
