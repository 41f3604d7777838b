from dataclasses import replace

import pandas as pd
import pytest

from fairprune import __version__
from fairprune.pareto import Front
from fairprune.tradeoffs_axes import JUDGES, SPARSITY, axes_of
from fairprune.tradeoffs_table import TEX, caption, runs_frame
from fairprune.ui.downloads import file_of
from tests.many_runs import entry

AXES = axes_of([entry().headline])
BUR, ROUGE = AXES["bur"], AXES["rouge_l"]
SPACE = "\N{NO-BREAK SPACE}"


def test_a_row_per_run_and_one_for_the_dense_model():
    runs = [entry(bur=0.5), entry("magnitude", bur=None, degenerate=True)]
    front = Front({"dense": 0.9, runs[0].run.id: 0.25}, 38, 40, 12, 1000)
    frame = runs_frame(runs, BUR, ROUGE, {one.run.id: front for one in runs})
    assert list(frame["method"]) == ["dense", "wanda", "magnitude"]
    assert frame["value"].tolist()[:2] == [0.2, 0.5] and pd.isna(frame["value"][2])
    assert frame["reason"][2] == "no match"
    assert frame["achieved"].tolist() == [0.0, 0.51, 0.51] and frame["asked"].tolist() == [0.0, 0.5, 0.5]
    assert frame["front"].tolist()[:2] == [0.9, 0.25] and pd.isna(frame["front"][2])
    assert frame["front_n"].tolist()[:2] == [38, 38] and frame["front_n"].dtype == "Int64"
    assert frame["difference"][1] == pytest.approx(0.3) and frame["verdict"][1] == "worse"
    assert frame["n"].tolist() == [40, 40, 40] and frame["degenerate"].tolist() == [False, False, True]


def test_runs_of_two_corpora_have_two_dense_rows():
    runs = [entry(), entry(evaluation={"corpus": "products"}, sets="other")]
    assert list(runs_frame(runs, BUR, ROUGE, {})["method"]) == ["dense", "wanda", "dense", "wanda"]


def test_models_of_two_owners_with_one_name_have_two_dense_rows():
    runs = [entry(), entry(model={"name": "another/model"})]
    frame = runs_frame(runs, BUR, ROUGE, {})
    assert list(frame["model"]) == ["some/model"] * 2 + ["another/model"] * 2


def test_files_are_safe():
    frame = runs_frame([entry(name="=1+1 & 50%_x")], BUR, ROUGE, {})
    csv = file_of(frame, "csv", tex=TEX, caption="")
    assert b"'=1+1 & 50%_x" in csv
    tex = file_of(frame, "tex", tex=TEX, caption="50 % & more_").decode()
    assert r"\toprule" in tex and r"50 \% \& more\_" in tex and r"quality\_value" in tex


def test_the_caption_says_what_is_drawn():
    runs = [entry(bur=0.5), entry("magnitude", bur=0.6, degenerate=True)]
    text = caption(runs, SPARSITY, BUR, intervals=True, several=[3, 2])
    assert text == (
        "BUR (Binary unfair rate; matcher ngram; ↓ lower is fairer) against achieved sparsity of the pruned layers, model "
        "pruned by wanda and magnitude, calibrated on balanced on movies; summaries of movies (40 opinion sets on 12 topics). "
        f"2 runs; the horizontal line is the dense model (20.0{SPACE}%; 95 %: 10.0{SPACE}% to 30.0{SPACE}%; n = 40). "
        "Intervals are 95 %, from a bootstrap over topics (2,000 resamples); n = 40. 2 points are means over 2 to 3 calibration draws, "
        "resampled on both levels (draws and topics). Hollow marks: 1 with over 20 % degenerate summaries, whose fairness means "
        f"nothing. fairprune {__version__}."
    )
    bare = caption(runs[:1], ROUGE, BUR, intervals=False, several=[])
    assert "against ROUGE-L (↑ higher is better)" in bare and "Intervals" not in bare and "Hollow" not in bare
    assert " 1 run; " in bare
    single = replace(runs[0], headline={**runs[0].headline, "n_samples": 1, "n_topics": 1})
    assert "movies (1 opinion set on 1 topic)" in caption(
        [single], SPARSITY, BUR, intervals=True, several=[2]
    )
    assert caption([], SPARSITY, BUR, intervals=True, several=[]) == ""


def test_the_caption_of_votes_of_judges_says_who_was_not_judged():
    cell = {"value": 0.25, "low": 0.1, "high": 0.4, "n": 40, "n_unscored": 0, "reason": None}
    judged, other = entry(), entry("magnitude")
    judged = replace(judged, headline={**judged.headline, "judges": cell})
    text = caption([judged, other], SPARSITY, JUDGES, intervals=True, several=[])
    assert "at the horizontal line, 50 %, judges prefer neither" in text and "matcher" not in text
    assert (
        "over the samples of each run's study; n = 40 votes; 1 run was not judged and is not drawn." in text
    )
    frame = runs_frame([judged, other], JUDGES, ROUGE, {})
    assert (
        frame["value"].tolist()[1] == 0.25
        and pd.isna(frame["value"][2])
        and "no closed study" in frame["reason"][2]
    )
    assert frame["n"].tolist()[1] == 40 and pd.isna(frame["difference"][1])
