"""Neural Collapse on a page: the sentence above, the tables below, and what they say of missing numbers."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from fairprune.debias.collapse_report import BIASED, FEW_LIMIT, NO_RATIO, NO_RESAMPLING
from fairprune.debias.collapse_words import change_sentence
from fairprune.ui.debias_words import FIRST, collapse_table


def cell(
    value: float | None, low: float | None = None, high: float | None = None, **given: Any
) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "n": 17, "reason": None, "limit": None, **given}


def measures(ratio: dict[str, Any]) -> dict[str, Any]:
    return {
        "nc3": {
            "dense": cell(0.136, reason=BIASED),
            "pruned": cell(0.14, reason=BIASED),
            "difference": cell(0.004, -0.001, 0.009),
            "ratio": cell(None, reason=NO_RATIO),
        },
        "unc3": {
            "dense": cell(0.052, 0.031, 0.074, limit=FEW_LIMIT),
            "pruned": cell(0.026, 0.02, 0.04, limit=FEW_LIMIT),
            "difference": cell(-0.026, -0.03, -0.01),
            "ratio": ratio,
        },
    }


@pytest.fixture
def document() -> dict[str, Any]:
    def of(title: str, ratio: dict[str, Any]) -> dict[str, Any]:
        return {"title": title, "words": 17, "features": 1550, "reason": None, "measures": measures(ratio)}

    return {
        "measures": {"unc3": {"title": "UNC3"}, "nc3": {"title": "NC3"}},
        "lists": {
            "group": of("Group words", cell(0.5, 0.4, 0.6)),
            "control": of("Control words", cell(0.98, reason=BIASED)),
            "all": of("All words", cell(1.1, reason=NO_RESAMPLING)),
        },
        "against_control": {"unc3": cell(0.51, 0.4, 0.66), "nc3": cell(None, reason=NO_RATIO)},
    }


def test_the_sentence_says_whether_it_is_more_than_the_control(document: dict[str, Any]) -> None:
    assert change_sentence(document) == (
        "UNC3 of group words is 0.50 times (95 %: 0.40 to 0.60) what it was, that of control words 0.98 times: "
        "beside the control's change 0.51 times (95 %: 0.40 to 0.66) as much, less than control words alone would have it."
    )
    more, none, without = deepcopy(document), deepcopy(document), deepcopy(document)
    more["against_control"]["unc3"] = cell(1.5, 1.1, 2)
    assert change_sentence(more).endswith("more than control words alone would have it.")
    none["against_control"]["unc3"] = cell(0.9, 0.7, 1)
    assert change_sentence(none).endswith("no change beyond that of control words.")
    without["against_control"]["unc3"] = cell(0.9, reason=BIASED)
    assert change_sentence(without).endswith("without an interval that could tell it from none.")


def test_what_is_missing_is_said(document: dict[str, Any]) -> None:
    alone = deepcopy(document)
    alone["lists"]["control"]["reason"] = "too few words for a control list"
    assert change_sentence(alone).endswith("nothing to compare it with: too few words for a control list.")
    assert "too few words for a control list" in collapse_table(alone, ("dense", "pruned"), FIRST)
    empty = deepcopy(document)
    empty["lists"]["group"]["measures"]["unc3"]["ratio"] = cell(None, reason="no word has 10 contexts")
    assert change_sentence(empty) == "No UNC3 of group words: no word has 10 contexts."


def test_a_measure_below_zero_shows_its_difference_and_reasons_stand_once(document: dict[str, Any]) -> None:
    table = collapse_table(document, ("dense", "pruned"), FIRST)
    assert "× 0.500" in table and "× 0.510" in table and "+0.004" in table
    assert NO_RATIO not in table
    assert table.count("NC3 of group words") == 2  # UNC3's limit and NC3's reason, each once
    assert table.index("UNC3") < table.index("<b>NC3")
