"""Runs with a report of Neural Collapse as rows of the relation: what counts, what is left out, what a stratum is."""

from __future__ import annotations

import pytest

from fairprune.debias.relation import relation
from fairprune.spec import build
from fairprune.store import open_store
from fairprune.tradeoffs import Entry
from fairprune.tradeoffs_axes import axes_of
from fairprune.tradeoffs_collapse import (
    collapse_of,
    of_list,
    placed,
    spots,
    that_count,
    word_lists,
)


def report(value, *, words="gender", windows="w1", control=1.0):
    def cells(ratio):
        return {
            name: {"value": ratio if name == "ratio" else None, "low": None, "high": None, "n": 9}
            for name in ("dense", "pruned", "ratio", "difference")
        }

    return {
        "list": words,
        "windows_hash": windows,
        "min_count": 10,
        "lists": {
            "group": {"measures": {"unc3": cells(value)}},
            "control": {"measures": {"unc3": cells(control)}},
        },
    }


def entries_of(rows, *, n=60, broken=(), model="m", **more):
    """(method, sparsity, UER) → entries of done runs, with a perplexity ratio that grows with the UER.

    Args:
        broken: places of degenerate runs.
    """
    found = []
    with open_store("sqlite://") as store:
        for place, (method, sparsity, uer) in enumerate(rows):
            run, _ = store.submit(
                build(
                    model={"name": model},
                    pruning={"method": method, "sparsity": sparsity},
                    calibration={},
                    evaluation={},
                    **more,
                )
            )
            cell = {"value": uer, "low": None, "high": None, "n": n}
            headline = {
                "metrics": {"uer": {"dense": cell, "pruned": cell}},
                "quality": {},
                "perplexity": {"opinions": {"ratio": 1.0 + uer}},
                "sparsity": {"achieved": sparsity},
                "sets": "s1",
                "degenerate": {"pruned": {"flag": place in broken}},
            }
            found.append(Entry(run, headline))
    return found


def uer_of(entries):
    return axes_of(entry.headline for entry in entries)["uer"]


def test_a_number_that_is_not_there_is_missing_not_zero():
    assert collapse_of(report(1.2), "unc3") == 1.2
    assert collapse_of(report(None), "unc3") is None
    assert collapse_of(report(1.2), "nc4") is None


def test_only_others_of_their_stratum():
    entries = entries_of([("wanda", 0.5, 0.2), ("magnitude", 0.5, 0.4), ("wanda", 0.3, 0.1)])
    reports = {one.run.id: report(value) for one, value in zip(entries, (1.0, 3.0, 5.0), strict=True)}
    runs = placed(entries, reports, uer_of(entries), "unc3")
    assert [one.collapse for one in runs] == [-1.0, 1.0, None]
    assert [one.fairness for one in runs] == [pytest.approx(-0.1), pytest.approx(0.1), None]
    answer = relation([one.row for one in runs])
    assert (answer.n_unusable, answer.n_alone) == (0, 1)
    assert answer.partial.value is None and "are needed" in answer.partial.reason


def test_a_missing_number_is_counted():
    entries = entries_of([("wanda", 0.5, 0.2), ("ria", 0.5, 0.2)])
    reports = {entries[0].run.id: report(1.0), entries[1].run.id: report(None)}
    rows = [one.row for one in placed(entries, reports, uer_of(entries), "unc3")]
    assert [row.usable for row in rows] == [True, False]


@pytest.mark.parametrize(
    ("other", "its"),
    [
        ({}, {"words": "sentiment"}),
        ({}, {"windows": "w2"}),
        ({"model": "another/model"}, {}),
    ],
)
def test_what_was_measured_otherwise_is_another_stratum(other, its):
    one, two = entries_of([("wanda", 0.5, 0.2)]), entries_of([("magnitude", 0.5, 0.4)], **other)
    entries = [*one, *two]
    reports = {one[0].run.id: report(1.0), two[0].run.id: report(3.0, **its)}
    runs = placed(entries, reports, uer_of(entries), "unc3")
    assert [found.collapse for found in runs] == [None, None]
    assert relation([found.row for found in runs]).n_alone == 2


def test_a_recovery_is_no_method_of_its_own():
    plain = entries_of([("wanda", 0.5, 0.2)])
    recovered = entries_of([("wanda", 0.5, 0.2)], recovery={"steps": 5})
    entries = [*plain, *recovered]
    reports = {one.run.id: report(1.0) for one in entries}
    runs = placed(entries, reports, uer_of(entries), "unc3")
    assert [found.row.method for found in runs] == ["wanda", "wanda"]
    assert [found.line for found in spots(entries, reports, "unc3")] == [
        "wanda",
        "wanda + recovery (uniform, steps 5)",
    ]


def test_runs_that_support_no_claim_take_no_part():
    y = uer_of(entries_of([("wanda", 0.5, 0.2)]))
    strong = entries_of([("wanda", 0.5, 0.2), ("magnitude", 0.5, 0.4)], broken=[1])
    few = entries_of([("ria", 0.5, 0.3)], n=29)
    aimed = entries_of([("wanda", 0.4, 0.3)], recovery={"kind": "nc3"})
    control = entries_of([("wanda", 0.4, 0.3)], recovery={"kind": "nc3", "strength": 0})
    kept, out = that_count([*strong, *few, *aimed, *control], y, weak=False)
    assert kept == [strong[0], *control]
    assert (out.aimed, out.degenerate, out.few) == (1, 1, 1)
    assert out.sentence == (
        "Left out: 1 recovery by UNC3, which aim at this number; 1 degenerate run; 1 run with fewer than 30 scored summaries."
    )
    kept, out = that_count([*strong, *few, *aimed], y, weak=True)
    assert kept == [*strong, *few] and (out.degenerate, out.few) == (0, 0)


def test_a_word_list_is_chosen_and_lines_keep_their_control():
    entries = entries_of(
        [("wanda", 0.5, 0.2), ("wanda", 0.3, 0.1), ("magnitude", 0.5, 0.4), ("ria", 0.5, 0.2)]
    )
    values = (("gender", 1.1), ("gender", 1.2), ("gender", None), ("party", 2.0))
    reports = {
        one.run.id: report(value, words=words) for one, (words, value) in zip(entries, values, strict=True)
    }
    assert word_lists(reports) == ["gender", "party"]
    own = of_list(entries, reports, "gender")
    assert own == entries[:3]
    drawn = spots(own, reports, "unc3")
    assert [(one.line, one.entry.asked, one.group["value"]) for one in drawn] == [
        ("wanda", 0.3, 1.2),
        ("wanda", 0.5, 1.1),
    ]
    assert drawn[0].control is not None and drawn[0].control["value"] == 1.0
