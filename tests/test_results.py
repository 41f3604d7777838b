"""The one JSON document of a run, and its table: missing is shown as missing."""

from __future__ import annotations

import pytest

from fairprune.errors import StoreError
from fairprune.results import run_result
from fairprune.store import open_store
from fairprune.tables import (
    beside_parts,
    cell_text,
    perplexity_lines,
    perplexity_value,
    reason_lines,
    result_table,
)
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
                "pruned": {
                    **cell(None, n=0, n_unscored=8),
                    "reason": "no sample is scored: empty summary (8)",
                },
                "difference": cell(None),
                "random": {**cell(0.75), "limit": "every resample gives the same value"},
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
    assert bur.split() == ["bur", "25.0%", "[12.5,", "50.0]", "n", "8", "–", "–", "75.0%", "n", "8", "0/8"]
    # Every dash and every missing interval has its reason.
    assert "no value of bur pruned: no sample is scored: empty summary (8)" in lines
    assert "no interval of bur random: every resample gives the same value" in lines
    spd2 = next(line for line in lines if line.startswith("spd2"))
    assert spd2.split()[:8] == ["spd2", "(label)", "-1.25", "[-1.50,", "0.50]", "n", "8", "0.50"]
    assert sum("degenerate" in line for line in lines) == 1
    assert "2.5 points [-10.0, 13.0]  n 8" in "\n".join(lines)
    words = next(line for line in lines if line.startswith("words"))
    assert words.split() == ["words", "25.5", "n", "8", "17.0", "n", "8", "-8.5", "n", "8", "0/0"]
    # Of a run of an earlier version nothing more is known than that there is none.
    assert (
        "no interval of words dense, words pruned, words difference: there are too few topics, or nothing varies"
        in lines
    )


def test_differences_show_their_own_n_and_a_sign():
    assert cell_text(cell(0.05, -0.01, 0.11, n=38), 100, " points", 1, signed=True) == (
        "+5.0 points [-1.0, 11.0]  n 38"
    )
    assert cell_text(None, 100, "%", 1) == cell_text(cell(None), 100, "%", 1) == "–"


def test_reasons_are_grouped():
    told = [
        ("a", {**cell(1.0), "limit": "why"}),
        ("b", {**cell(2.0), "limit": "why"}),
        ("c", {**cell(1.0, 0.5, 2.0), "limit": "covers little"}),
        ("d", None),
        ("e", cell(1.0, 0.5, 2.0)),
    ]
    assert reason_lines(told) == [
        "no value of d: not computed",
        "no interval of a, b: why",
        "limit of c: covers little",
    ]


def test_what_stands_beside_a_metric():
    one = {**cell(0.3, n=10), "n_single_group": 4, "value_multi": 0.5, "multi_low": 0.25, "multi_high": 0.75}
    none = {**cell(0.0, n=4), "n_single_group": 4, "value_multi": None, "multi_limit": "one group only"}
    assert beside_parts({"dense": one, "pruned": none, "mute": cell(None)}) == [
        "samples with one group, always fair, and the others alone: dense 4, 50.0% [25.0, 75.0]  n 6, "
        "pruned 4, – (one group only)"
    ]
    spd2 = {
        **cell(-0.1, n=10),
        "absolute": 0.4,
        "absolute_low": 0.3,
        "absolute_high": 0.5,
        "none_share": 0.25,
    }
    flat = {**cell(-0.1, n=10), "absolute": 0.4, "absolute_low": None, "absolute_limit": "nothing varies"}
    assert beside_parts({"dense": spd2, "pruned": flat}) == [
        "mean of absolute values: dense 0.40 [0.30, 0.50]  n 10, pruned 0.40  n 10 (nothing varies)",
        "sentences without a group: dense 25%",
    ]
    assert beside_parts({"dense": {**cell(0.3), "n_zero_match": 2}}) == [
        "summaries of which no word matched: dense 2"
    ]
    assert beside_parts({"dense": cell(0.3)}) == []  # of earlier versions


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
        "no interval of perplexity: the loss is summed over all windows, none is kept alone",
    ]
    # Nothing was measured: there is nothing of which an interval could be missing.
    nothing = {"general": {"dense": read(None, "no text"), "pruned": read(None, "no text"), "ratio": None}}
    assert not any("interval" in line for line in perplexity_lines(nothing))


def test_perplexity_values_have_two_decimals_until_they_are_beyond_reading():
    assert [perplexity_value(value) for value in (None, 1.0, 999_999.0, 2.5e7)] == [
        "–",
        "1.00",
        "999,999.00",
        "2.50e+07",
    ]
