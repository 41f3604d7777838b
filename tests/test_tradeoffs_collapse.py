"""Runs with a report of Neural Collapse as rows of the relation: what counts, what is left out, what a stratum is."""

from __future__ import annotations

import pytest

from fairprune.debias.relation import relation
from fairprune.spec import build
from fairprune.store import open_store
from fairprune.tradeoffs import Entry
from fairprune.tradeoffs_axes import axes_of
from fairprune.tradeoffs_collapse import collapse_of, placed


def report(value):
    cells = {
        name: {"value": value if name == "ratio" else None}
        for name in ("dense", "pruned", "ratio", "difference")
    }
    return {"lists": {"group": {"measures": {"unc3": cells}}}}


def entries_of(rows, **more):
    """(method, sparsity, UER) → entries of done runs, with a perplexity ratio that grows with the UER."""
    found = []
    with open_store("sqlite://") as store:
        for method, sparsity, uer in rows:
            run, _ = store.submit(
                build(
                    model={"name": "m"},
                    pruning={"method": method, "sparsity": sparsity},
                    calibration={},
                    evaluation={},
                    **more,
                )
            )
            cell = {"value": uer, "low": None, "high": None, "n": 9}
            headline = {
                "metrics": {"uer": {"dense": cell, "pruned": cell}},
                "quality": {},
                "perplexity": {"opinions": {"ratio": 1.0 + uer}},
                "sparsity": {"achieved": sparsity},
            }
            found.append(Entry(run, headline))
    return found


def test_a_number_that_is_not_there_is_missing_not_zero():
    assert collapse_of(report(1.2), "unc3") == 1.2
    assert collapse_of(report(None), "unc3") is None
    assert collapse_of(report(1.2), "nc4") is None


def test_only_runs_with_a_report_and_only_others_of_their_stratum():
    entries = entries_of(
        [("wanda", 0.5, 0.2), ("magnitude", 0.5, 0.4), ("ria", 0.5, 0.6), ("wanda", 0.3, 0.1)]
    )
    reports = {one.run.id: report(value) for one, value in zip(entries[:2], (1.0, 3.0), strict=True)}
    reports[entries[3].run.id] = report(5.0)
    y = axes_of(entry.headline for entry in entries)["uer"]
    runs = placed(entries, reports, y, "unc3")
    assert [one.entry for one in runs] == [entries[0], entries[1], entries[3]]
    assert [one.collapse for one in runs] == [-1.0, 1.0, None]
    assert [one.fairness for one in runs] == [pytest.approx(-0.1), pytest.approx(0.1), None]
    answer = relation([one.row for one in runs])
    assert (answer.n_unusable, answer.n_alone) == (0, 1)
    assert answer.partial.value is None and "are needed" in answer.partial.reason


def test_an_edited_run_is_a_method_of_its_own_and_a_missing_number_is_counted():
    plain, edited = entries_of([("wanda", 0.5, 0.2)]), entries_of([("wanda", 0.5, 0.2)], edit={})
    entries = [*plain, *edited]
    reports = {plain[0].run.id: report(1.0), edited[0].run.id: report(None)}
    y = axes_of(entry.headline for entry in entries)["uer"]
    rows = [one.row for one in placed(entries, reports, y, "unc3")]
    assert [row.method for row in rows] == ["wanda", "wanda + SPIN"]
    assert [row.usable for row in rows] == [True, False]
