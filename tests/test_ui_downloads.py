"""Files of numbers: every cell a row, missing stays missing, nothing that a spreadsheet would run."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd
import pytest

from fairprune.spreadsheet import neutral
from fairprune.store import open_store
from fairprune.ui.downloads import (
    FORMATS,
    NUMBERS_TEX,
    SAMPLES_TEX,
    file_of,
    numbers_frame,
    samples_frame,
)
from tests.pages.filled import INFO, SETS, fill, fill_many, make_set

RUN = "0123456789abcdef"


def cell(value: float | None, **more: Any) -> dict[str, Any]:
    return {"value": value, "low": None, "high": None, "n": 3, "n_unscored": 1, "reason": None, **more}


def numbers(**parts: Any) -> pd.DataFrame:
    return numbers_frame(RUN, {"metrics": {}, "quality": {}, "groups": [], **parts})


def test_missing_stays_empty_and_counts_stay_whole() -> None:
    group = {"group": "fresh", "system": "dense", "value": 0.1, "low": 0.0, "high": 0.2, "n": 3}
    frame = numbers(
        metrics={"bur": {"dense": cell(None, reason="why")}},
        quality={"words": {"dense": cell(4.0)}},
        groups=[group],
    )
    shown = frame[["run", "part", "name", "system", "value", "low", "high", "n", "n_unscored", "reason"]]
    assert shown.to_csv(index=False).splitlines()[1:] == [
        f"{RUN},metrics,bur,dense,,,,3,1,why",
        f"{RUN},quality,words,dense,4.0,,,3,1,",
        f"{RUN},group difference,fresh,dense,0.1,0.0,0.2,3,,",
    ]


def test_verdicts_bounds_and_distance_stand_in_rows() -> None:
    bounds = {"low_fair": 0.1, "high_unfair": 0.4, "n": 4}
    distance = {"value": -0.05, "low": -0.1, "high": 0.0, "limit": None}
    difference = cell(
        0.2, primary=True, margin=0.05, p_holm=0.04, verdict="worse", bounds=bounds, distance=distance
    )
    frame = numbers(metrics={"spd2": {"difference": difference}})
    assert list(frame["part"]) == ["metrics", "bounds", "bounds", "distance from the best value"]
    assert frame["verdict"][0] == "worse" and frame["margin"][0] == 0.05 and frame["p_holm"][0] == 0.04
    assert list(frame["system"][1:3]) == ["difference, low_fair", "difference, high_unfair"]
    assert list(frame["value"]) == [0.2, 0.1, 0.4, -0.05] and list(frame["n"]) == [3, 4, 4, 3]


def test_what_is_known_of_references_classifier_and_encoder() -> None:
    frame = numbers(
        validity={"bur": {"share": 0.77, "n": 9, "reason": None}},
        degenerate={"dense": {"share": 0.25, "n": 8, "flag": True}},
        classifier={
            "accuracy": 0.7,
            "low": 0.6,
            "high": 0.8,
            "n_heldout": 40,
            "spd2_bias": {"value": 0.1, "low": 0.0, "high": 0.2, "n": 40, "reason": None},
        },
        polarity={"MiniLM": {"auc": 0.6, "low": 0.5, "high": 0.7, "pairs": 100, "passed": False}},
        coverage=[{"group": "fresh", "system": "dense", "value": 0.5, "low": 0.4, "high": 0.6, "n": 8}],
    )
    assert list(zip(frame["part"], frame["value"], frame["n"], strict=True)) == [
        ("coverage", 0.5, 8),
        ("validity", 0.77, 9),
        ("degenerate", 0.25, 8),
        ("classifier", 0.7, 40),
        ("classifier", 0.1, 40),
        ("polarity", 0.6, 100),
    ]


def test_perplexity_stands_there_with_its_tokens() -> None:
    dense = {"value": 20.0, "tokens": 254, "windows": 2, "window_tokens": 128, "reason": None}
    short = {"value": None, "tokens": 0, "windows": 0, "window_tokens": 128, "reason": "too short"}
    empty: dict[str, Any] = {"metrics": {}, "quality": {}, "groups": []}
    frame = numbers_frame(RUN, empty, {"general": {"dense": dense, "pruned": short, "ratio": None}})
    assert list(frame["system"]) == ["dense", "pruned", "ratio"]
    assert frame["n"][0] == 254 and pd.isna(frame["n"][1]) and frame["reason"][1] == "too short"


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("+49 30", "'+49 30"),
        ("-cmd|' /C calc'!A0", "'-cmd|' /C calc'!A0"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("a=b", "a=b"),
        (-0.5, -0.5),
        (None, None),
    ],
)
def test_what_a_spreadsheet_would_run_is_a_text(text: Any, safe: Any) -> None:
    assert neutral(text) == safe


HOSTILE = pd.DataFrame(
    {
        "run": [RUN, RUN],
        "topic": ["=HYPERLINK(1)", "<img src=x onerror=alert(1)> 5 % & $x_1$\nnext"],
        "value": [-0.5, None],
    }
)


def test_csv_is_harmless_and_numbers_stay_numbers() -> None:
    lines = file_of(HOSTILE, "csv", tex=(), caption="").decode().splitlines()
    assert lines[1] == f"{RUN},'=HYPERLINK(1),-0.5"
    risky = HOSTILE.rename(columns={"value": "=value"})
    assert file_of(risky, "csv", tex=(), caption="").decode().splitlines()[0] == "run,topic,'=value"


def test_parquet_comes_back_as_it_was() -> None:
    back = pd.read_parquet(io.BytesIO(file_of(HOSTILE, "parquet", tex=(), caption="")))
    assert list(back["topic"]) == list(HOSTILE["topic"])
    assert back["value"][0] == -0.5 and pd.isna(back["value"][1])


def test_latex_has_booktabs_and_escapes() -> None:
    text = file_of(HOSTILE, "tex", tex=("topic", "value", "absent"), caption="50 % of a_b").decode()
    for line in (r"\toprule", r"\midrule", r"\bottomrule", r"\caption{50 \% of a\_b}"):
        assert line in text
    assert r"5 \% \& \$x\_1\$ next & -- \\" in text  # one line, everything escaped, missing is a dash
    assert "=HYPERLINK(1) & -0.5000" in text
    assert RUN not in text  # only the columns that are asked for


def test_a_real_run_in_every_format() -> None:
    with open_store("sqlite://") as store:
        run = fill_many(store)
        evaluation = store.result(run.id, "evaluation")
        assert evaluation is not None
        sets = list(store.sets(sample["set_id"] for sample in evaluation["samples"]).values())
    frames = {
        NUMBERS_TEX: numbers_frame(run.id, evaluation),
        SAMPLES_TEX: samples_frame(run.id, evaluation["samples"], sets, INFO.groups),
    }
    for tex, frame in frames.items():
        assert set(tex) <= set(frame.columns)
        assert set(frame["run"]) == {run.id}
        for ending in FORMATS:
            assert file_of(frame, ending, tex=tex, caption="Run")
    table = frames[NUMBERS_TEX].set_index(["part", "name", "system"])
    # 30 of 40 pruned summaries speak for the first group alone, no dense one does
    assert table.loc[("metrics", "bur", "difference"), "value"] == 0.75
    assert table.loc[("metrics", "bur", "difference"), "verdict"] == "worse"
    assert ("metrics", "bur", "noise") in table.index and ("metrics", "bur", "oracle") in table.index
    rows = frames[SAMPLES_TEX]
    assert len(rows) == 40 and rows["pruned_bur"].sum() == 30 and rows["dense_bur"].sum() == 0
    assert rows["pruned_share_fresh"][0] == 1.0 and rows["fair_share_fresh"][0] == 0.5


def test_samples_without_summaries_are_empty_not_zero() -> None:
    with open_store("sqlite://") as store:
        run = fill(store)
        evaluation = store.result(run.id, "evaluation")
        assert evaluation is not None
    frame = samples_frame(run.id, evaluation["samples"], SETS, INFO.groups)
    assert pd.isna(frame["pruned_bur"][2]) and pd.isna(frame["pruned_share_fresh"][2])
    assert frame["pruned_unscored"][2] == "no summary written"
    # What is null says why; a run of an earlier version does not.
    assert "bur: no summary written; uer: no summary written" in frame["pruned_missing"][2]
    old = {key: value for key, value in evaluation["samples"][2]["pruned"].items() if key != "reasons"}
    earlier = samples_frame(run.id, [{**evaluation["samples"][2], "pruned": old}], SETS[2:3], INFO.groups)
    assert earlier["pruned_missing"][0] is None
    assert list(frame["n_opinions"]) == [2, 2, 2]
    bare = samples_frame(
        run.id, [{"set_id": "x"}], [make_set("t", [("a", "fresh"), ("b", "rotten")])], INFO.groups
    )
    assert pd.isna(bare["dense_bur"][0]) and pd.isna(bare["fair_share_fresh"][0])


def test_intervals_beside_a_cell_have_their_columns() -> None:
    found = {
        "value_multi": 0.5,
        "multi_low": 0.25,
        "multi_high": 0.75,
        "absolute": 0.4,
        "absolute_limit": "why",
    }
    frame = numbers(metrics={"bur": {"dense": cell(0.3, **found)}})
    assert {name: frame[name][0] for name in found} == found
