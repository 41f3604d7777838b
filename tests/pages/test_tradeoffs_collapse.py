"""Collapse on the page Trade-offs: lines over sparsity, the question below them, what takes no part, and what is said of it."""

from __future__ import annotations

from typing import Any

import pytest

from fairprune.debias_stages import DEBIAS
from fairprune.store import open_store
from tests.closed import study_of_pairs
from tests.pages.filled import app, errors, markup
from tests.pages.test_tradeoffs import captions, figures, write
from tests.test_tradeoffs_collapse import report

METHODS = ("magnitude", "wanda", "ria", "random", "gradient")


def give(run_id: str, value: float | None, **more: Any) -> None:
    with open_store() as store:
        store.put_result_part(run_id, DEBIAS, "collapse", report(value, **more))


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of twelve samples are many enough here."""
    monkeypatch.setattr("fairprune.tradeoffs_collapse.FEW_SAMPLES", 10)


def test_without_a_report_it_says_how_to_get_one() -> None:
    write(3, 0.5)
    page = app("Trade-offs")
    assert not errors(page), errors(page)
    assert any("None of these runs has a report of Neural Collapse" in one.value for one in page.info)


@pytest.mark.usefixtures("many")
def test_lines_over_sparsity_and_a_question_with_its_direction() -> None:
    """The more collapse, the more one-sided summaries: planted."""
    for place, method in enumerate(METHODS):
        for sparsity in (0.3, 0.6):
            one_sided = 2 * place + (2 if sparsity == 0.6 else 0)
            give(write(one_sided, sparsity, method).id, 1 + 0.1 * place + 0.003 * (place % 2))
    page = app("Trade-offs", y="bur")
    assert not errors(page), errors(page)
    heads = [one.value for one in page.header]
    assert (
        "How does collapse follow sparsity and method?" in heads
        and "Does collapse predict fairness?" in heads
    )
    lines = next(
        one for one in figures(page) if any("group words" in str(t.get("name")) for t in one["data"])
    )
    assert sorted(t["name"] for t in lines["data"]) == sorted(
        f"{method}: {words} words" for method in METHODS for words in ("control", "group")
    )
    said = "\n".join(one.value for one in page.markdown).replace("\\", "")
    assert "runs with a higher UNC3 (pruned / dense) have a higher BUR, which is less fair" in said, said
    assert "10 of 10 runs have a report of the word list gender" in captions(page)
    assert "10, 5, 2" in markup(page)  # runs, methods, strata


@pytest.mark.usefixtures("many")
def test_lists_are_not_mixed_and_weak_runs_take_no_part() -> None:
    runs = [write(3, 0.5), write(4, 0.5, "wanda"), write(5, 0.5, "ria"), write(5, 0.3, n=6)]
    for run, words in zip(runs, ("gender", "gender", "sentiment", "gender"), strict=True):
        give(run.id, 1.2, words=words)
    chosen = {"from": "runs", "runs": ",".join(run.id for run in runs)}
    page = app("Trade-offs", y="bur", **chosen)
    assert not errors(page), errors(page)
    said = captions(page)
    assert "3 of 4 runs have a report of the word list gender. 1 other has one of another word list." in said
    assert "Left out: 1 run with fewer than 10 scored summaries." in said
    page = app("Trade-offs", y="bur", words="sentiment", **chosen)
    assert (
        "1 of 4 runs have a report of the word list sentiment. 3 others have one of another word list."
        in captions(page)
    )


def test_people_s_votes_are_no_fairness_number() -> None:
    with open_store() as store:
        study_of_pairs(store)
        for run in store.runs():
            if run.state == "done":
                store.put_result_part(run.id, DEBIAS, "collapse", report(1.2))
    page = app("Trade-offs", y="judges_preferred")
    assert not errors(page), errors(page)
    assert any("Judges is no fairness number" in one.value for one in page.info)
    assert "predicts" not in markup(page) and not any("go together" in one.value for one in page.markdown)
