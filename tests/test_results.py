"""The one JSON document of a run, and its table: missing is shown as missing."""

from __future__ import annotations

import pytest

from fairprune.errors import StoreError
from fairprune.results import run_result
from fairprune.store import open_store
from fairprune.tables import perplexity_lines, perplexity_value, result_table
from tests.store_values import spec


def test_a_run_without_results_says_so():
    with open_store("sqlite://") as store:
        run, _ = store.submit(spec())
        with pytest.raises(StoreError, match="results are not stored: run it again"):
            run_result(store, run)


def cell(value, low=None, high=None, n=8, n_unscored=0):
    return {"value": value, "low": low, "high": high, "n": n, "n_unscored": n_unscored}


def test_the_table_shows_fractions_as_percent_and_missing_as_a_dash():
    result = {
        "run_id": "00ff",
        "sparsity": {"asked": 0.5, "achieved": 0.4999, "achieved_model": 0.3946},
        "generation": {
            "dense": {"tokens_per_second": None, "device": "cpu", "dtype": "bfloat16", "reused": True}
        },
        "notes": [
            "50% of the pruned summaries are degenerate: no fairness number of theirs means anything",
            "8 samples, fewer than 30: a demonstration, no inference",
        ],
        "degenerate": {"pruned": {"share": 0.5, "n": 8, "flag": True}},
        "metrics": {
            "bur": {
                "dense": cell(0.25, 0.125, 0.5),
                "pruned": cell(None, n=0, n_unscored=8),
                "difference": cell(None),
                "random": cell(0.75),
            },
            "spd2": {"dense": {**cell(-1.25, -1.5, 0.5), "matcher": "label"}, "pruned": cell(0.5)},
        },
        "groups": [{"group": "fresh", "system": "dense", "value": 0.025, "low": -0.1, "high": 0.13, "n": 8}],
        "quality": {"words": {"dense": cell(25.5), "pruned": cell(17.0), "difference": cell(-8.5)}},
        "perplexity": None,
    }
    lines = result_table(result).splitlines()
    assert lines[0] == "run 00ff"
    assert "achieved 0.4999" in lines[1]
    assert lines[2].startswith("dense      –") and lines[2].endswith("reused")
    assert any(line.startswith("WARNING    50% of the pruned") for line in lines)
    bur = next(line for line in lines if line.startswith("bur"))
    assert bur.split() == ["bur", "25.0%", "[12.5,", "50.0]", "–", "–", "75.0%", "8/0", "0/8"]
    spd2 = next(line for line in lines if line.startswith("spd2"))
    assert spd2.split()[:6] == ["spd2", "(label)", "-1.25", "[-1.50,", "0.50]", "0.50"]
    assert sum("degenerate" in line for line in lines) == 1
    assert "2.5 points [-10.0, 13.0]  n 8" in "\n".join(lines)
    assert next(line for line in lines if line.startswith("words")).split() == [
        "words",
        "25.5",
        "17.0",
        "-8.5",
        "8/8",
        "0/0",
    ]


def read(value, reason=None):
    return {"value": value, "tokens": 254, "windows": 2, "window_tokens": 128, "reason": reason}


def test_perplexity_lines_name_the_text_its_tokens_and_what_is_missing():
    lines = perplexity_lines(
        {
            "opinions": {"dense": read(20.0), "pruned": read(1050.0), "ratio": 52.5},
            "general": {"dense": read(31.5), "pruned": read(None, "too large for a number"), "ratio": None},
        }
    )
    assert [" ".join(line.split()) for line in lines] == [
        "perplexity of opinions dense 20.00 pruned 1,050.00 ratio 52.50 n 254 tokens in 2 windows",
        "perplexity of general dense 31.50 pruned – ratio – n 254 tokens in 2 windows",
        "pruned is missing: too large for a number",
    ]


def test_perplexity_values_have_two_decimals_until_they_are_beyond_reading():
    assert [perplexity_value(value) for value in (None, 1.0, 999_999.0, 2.5e7)] == [
        "–",
        "1.00",
        "999,999.00",
        "2.50e+07",
    ]
