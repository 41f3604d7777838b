"""The gate: verdicts by hand, Holm, what is missing, degenerate summaries; its sides and its reports."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from fairprune.errors import BadInput
from fairprune.gate import asked_margins, judge, samples_needed
from fairprune.gate_report import gate_text, junit
from fairprune.gate_sides import Row, Side, read_result, side_of, systems_of, table_of, worst_rows
from fairprune.spec import MetricSpec
from tests.test_comparison import result

SHARES = {"a": 0.5, "b": 0.5}


def side(
    name, values, *, metric="bur", topics=None, text="so it is", degenerate=(), groups=("a", "b"), **spec
):
    """One row per value; None: unscored."""
    rows = tuple(
        Row(
            set_id=f"set{i}",
            topic=topics[i] if topics else f"topic {i}",
            composition="as given",
            text=text and f"{text} {name}",
            scores={
                metric: value,
                "p_x": SHARES,
                "p_y": None if value is None else SHARES,
                "words": 5,
                "degenerate": ["empty"] if i in degenerate else [],
            },
        )
        for i, value in enumerate(values)
    )
    return Side(name, groups, MetricSpec(**spec), rows)


def bur(before, after, **more):
    return judge(side("dense", before), side("pruned", after, **more), {"bur": 0.05})


def test_a_hundred_equal_samples_pass():
    """No change in 100 topics: half a sample in each cell, se = √((.5 + .5) / 102 / 102) = 1/102 = .0098. Against the margin .05
    that is t = −5.1 with 99 degrees of freedom: far below .05."""
    found = bur([0] * 100, [0] * 100)
    [one] = found.metrics
    assert found.verdict == one.verdict == "pass" and found.exit_code == 0
    assert one.difference == 0
    assert one.upper == pytest.approx(1.6604 / 102, abs=1e-4)  # t.95 with 99 df is 1.6604
    assert one.n_needed is None


def test_thirty_equal_samples_do_not_suffice_and_n_is_named():
    """se = 1/32 = .03125, t = −1.6 with 29 df: p = .060. Needed: 30 · ((1.6449 + .8416) · .03125 / .05)² = 30 · 2.4152 = 72.5."""
    found = bur([0] * 30, [0] * 30)
    [one] = found.metrics
    assert found.verdict == "undecided" and found.exit_code == 3
    assert one.p_pass == pytest.approx(0.0602, abs=1e-4)
    assert one.n_needed == 73
    assert "about 73 samples would decide" in gate_text(found)


def test_a_harm_beyond_the_margin_fails():
    """All 40 turn unfair: up = 40.5/42, down = .5/42, se = √((.97619 − .95238²) / 42) = .0406; t = (.05 − 1)/.0406 = −23."""
    found = bur([0] * 40, [1] * 40)
    [one] = found.metrics
    assert found.verdict == "fail" and found.exit_code == 1
    assert one.difference == 1 and one.p_fail < 1e-6 and one.p_pass > 0.999
    assert one.lower == pytest.approx(1 - 1.6849 * 0.04058, abs=1e-3)  # t.95 with 39 df is 1.6849


def test_few_samples_never_decide():
    found = bur([0] * 29, [1] * 29)
    assert found.verdict == "undecided"
    assert "29 samples, fewer than 30: a demonstration, no inference" in gate_text(found)


def test_one_topic_never_decides():
    before, after = (side(name, [0] * 40, topics=["same"] * 40) for name in ("dense", "pruned"))
    found = judge(before, after, {"bur": 0.05})
    assert found.verdict == "undecided" and "one topic only" in found.metrics[0].reason


def test_clusters_count_as_clusters():
    """400 samples in 10 topics that move as one are no 400 samples: independent they pass, clustered they do not."""
    after = [int(i % 40 == 0) for i in range(400)]  # 10 of 400, 2.5 %
    assert judge(side("dense", [0] * 400), side("pruned", after), {"bur": 0.05}).verdict == "pass"
    topics = [f"topic {i % 40}" for i in range(400)]  # all ten stand in topic 0
    sides = [side(name, values, topics=topics) for name, values in (("dense", [0] * 400), ("pruned", after))]
    assert judge(*sides, {"bur": 0.05}).verdict == "undecided"


def test_the_same_harm_under_all_margins_is_holms():
    """UER differences .00 and .04 in turn over 60 topics: mean .02, sd .02, se ≈ .02 · √(60/59) / √60 = .0026, margin .025: t = −1.92
    with 59 df, p ≈ .030. Alone it passes; with a second margin that is as doubtful, Holm doubles it to .06."""
    before, after = [0.0] * 60, [0.04 * (i % 2) for i in range(60)]
    alone = judge(side("d", before, metric="uer"), side("p", after, metric="uer"), {"uer": 0.025})
    assert alone.verdict == "pass" and alone.metrics[0].p_pass == pytest.approx(0.030, abs=0.004)

    def both(name, values):
        one = side(name, values, metric="uer")
        rows = tuple(
            Row(r.set_id, r.topic, r.composition, r.text, {**r.scores, "auc": r.scores["uer"]})
            for r in one.rows
        )
        return Side(name, one.groups, one.spec, rows)

    two = judge(both("d", before), both("p", after), {"uer": 0.025, "auc": 0.025})
    assert two.verdict == "undecided"
    assert two.metrics[0].p_pass == pytest.approx(2 * alone.metrics[0].p_pass)


def test_a_signed_metric_is_judged_by_its_distance():
    """SPD2 from +.10 to −.10: the same distance from 0, no harm; from 0 to ±.10 a harm of .10."""
    noise = [0.001 * (i % 3 - 1) for i in range(60)]
    plus, minus = [0.1 + e for e in noise], [-0.1 + e for e in noise]
    turned = judge(side("d", plus, metric="spd2"), side("p", minus, metric="spd2"), {"spd2": 0.05})
    assert turned.verdict == "pass" and turned.metrics[0].difference == pytest.approx(0, abs=1e-9)
    harmed = judge(side("d", noise, metric="spd2"), side("p", minus, metric="spd2"), {"spd2": 0.05})
    assert harmed.verdict == "fail" and harmed.metrics[0].candidate == pytest.approx(0.1)


def test_silence_does_not_pass():
    """100 samples, the candidate says nothing on 10 of them: the other 90 are the same. Counted as unfair they are 10 points."""
    found = bur([0] * 100, [None] * 10 + [0] * 90)
    [one] = found.metrics
    assert one.n == 90 and one.n_missing == 10
    assert found.verdict == "undecided" and "counted as fully unfair, they would not pass" in one.reason


def test_nothing_in_common_is_undecided():
    found = bur([0] * 40, [None] * 40)
    assert found.verdict == "undecided" and found.metrics[0].reason == "no sample is scored for both"
    assert "bur undecided: margin 5 points" in gate_text(found)


def test_a_degenerate_candidate_fails_and_a_degenerate_baseline_decides_nothing():
    broken = bur([0] * 100, [0] * 100, degenerate=range(21))
    assert broken.verdict == "fail" and "21% of the summaries of pruned are degenerate" in broken.notes[0]
    assert broken.metrics[0].verdict == "pass"
    base = judge(side("dense", [0] * 100, degenerate=range(21)), side("pruned", [0] * 100), {"bur": 0.05})
    assert base.verdict == "undecided"
    assert bur([0] * 100, [0] * 100, degenerate=range(20)).verdict == "pass"  # 20 % is not more than 20 %


def test_the_interval_errs_as_often_as_it_should():
    """Harm exactly at the margin: at most alpha of 300 gates may pass. BUR 20 % → 25 %, 100 topics of 2 samples."""
    rng = np.random.default_rng(0)
    passed = 0
    topics = [f"t{i // 2}" for i in range(200)]
    for _ in range(300):
        # Both systems share the difficulty of a topic; the candidate is unfair 5 points more often.
        hard = np.repeat(rng.random(100), 2)
        own = 0.5 * hard + 0.5 * rng.random(200)
        before, after = own < np.quantile(own, 0.20), own < np.quantile(own, 0.25)
        keep = (
            rng.random(200) < 0.5
        )  # half of the samples are drawn anew: not every change goes in one direction
        other = rng.random(200)
        after = np.where(keep, after, other < 0.25)
        before = np.where(keep, before, rng.random(200) < 0.20)
        found = judge(
            side("d", before.astype(int).tolist(), topics=topics),
            side("p", after.astype(int).tolist(), topics=topics),
            {"bur": 0.05},
        )
        passed += found.verdict == "pass"
    assert passed / 300 <= 0.09  # .05 + 3 standard errors of .0126


def test_n_needed_is_that_of_statsmodels():
    from statsmodels.stats.power import NormalIndPower

    asked = NormalIndPower().solve_power(
        effect_size=0.1, alpha=0.05, power=0.8, ratio=0, alternative="larger"
    )
    # effect .1: gap .02 at a standard deviation of .2, so se = .02 at n = 100
    assert samples_needed(100, 0.02, 0.02, 0.05) == np.ceil(asked) == 619
    assert samples_needed(100, 0.0, 0.02, 0.05) is None


def test_margins():
    assert asked_margins(["bur=5", "spd2=0.05", "uer=2.5"]) == {"bur": 0.05, "spd2": 0.05, "uer": 0.025}
    for pairs, said in (
        ([], "a gate needs a margin"),
        (["bur"], "is not METRIC=NUMBER"),
        (["bur=x"], "is not METRIC=NUMBER"),
        (["bru=5"], "unknown metric of a margin 'bru': did you mean 'bur'"),
        (["bur=0"], "must be above 0 and at most 100"),
        (["bur=nan"], "must be above 0"),
        (["spd2=5"], "at most 2"),
        (["bur=5", "bur=4"], "given twice"),
    ):
        with pytest.raises(BadInput, match=said):
            asked_margins(pairs)


def test_sides_that_do_not_compare():
    one = side("d", [0] * 3)
    for other, said in (
        (side("p", [0] * 3, groups=("b", "a")), "has the groups a, b, p has b, a"),
        (side("p", [0] * 3, tau="0.5"), "tau was '0.8' for d and '0.5' for p"),
        (Side("p", ("a", "b"), MetricSpec(), ()), "no opinion set in common"),
    ):
        with pytest.raises(BadInput, match=said):
            judge(one, other, {"bur": 0.05})
    with pytest.raises(BadInput, match=r"alpha 0\.5 cannot be used"):
        judge(one, one, {"bur": 0.05}, 0.5)
    with pytest.raises(BadInput, match="d has no uer per sample"):
        judge(one, side("p", [0] * 3), {"uer": 0.05})
    # Another seed or number of resamples moves no value.
    assert judge(one, side("p", [0] * 3, seed=5, resamples=100), {"bur": 0.05}).verdict == "undecided"


def test_only_common_samples_count_and_repeated_sets_are_paired_in_order():
    found = judge(side("d", [0] * 50), side("p", [0] * 40), {"bur": 0.05})
    assert found.metrics[0].n == 40
    assert "10 samples of d are not in the other: left out" in found.notes
    rows = [Row("same", "t", "as given", None, {"bur": value, "p_x": SHARES}) for value in (0, 1)]
    again = Side("x", ("a", "b"), MetricSpec(), tuple(rows))
    assert judge(again, again, {"bur": 0.05}).metrics[0].difference == 0


def test_the_same_text_is_said_to_be_the_same():
    one, two = side("x", [0] * 40), side("x", [0] * 40)
    assert "40 of 40 summaries are the same, word for word" in judge(one, two, {"bur": 0.05}).notes


def test_losses_of_sof_and_what_is_fully_unfair():
    """p_x (.6, .4), p_y (.5, .5): losses (.1, 0). Fully unfair: b alone, losses (.6, 0), UER .3, BUR 1, AUC .95 (or 1 with ≤)."""
    scores = {"p_x": {"a": 0.6, "b": 0.4}, "p_y": {"a": 0.5, "b": 0.5}}
    rows = [Row("1", "t", "c", "x", scores), Row("2", "t", "c", None, {**scores, "p_y": None})]
    one = Side("s", ("a", "b", "c"), MetricSpec(), tuple(rows))
    table = table_of("sof", rows, one)
    assert table[0, :2] == pytest.approx([0.1, 0.0]) and np.isnan(table[0, 2]) and np.isnan(table[1]).all()
    before = np.zeros((2, 3))
    assert worst_rows("sof", table, before, rows, one)[1, :2] == pytest.approx([0.6, 0.0])
    nothing = np.array([[0.0], [np.nan]])
    for metric, worst in (("uer", 0.3), ("bur", 1.0), ("auc", 0.95)):
        assert worst_rows(metric, nothing, np.zeros((2, 1)), rows, one)[1, 0] == pytest.approx(worst)
    hard = Side("s", ("a", "b", "c"), MetricSpec(ties="le"), tuple(rows))
    assert worst_rows("auc", nothing, np.zeros((2, 1)), rows, hard)[1, 0] == 1.0


def test_a_result_file_is_read_as_it_was_scored(tmp_path):
    file = tmp_path / "r.json"
    file.write_text(json.dumps(result(40)), encoding="utf-8")
    read = read_result(file)
    assert systems_of(read) == ["dense", "pruned"]
    one, two = (side_of(read, name, "r.json") for name in ("dense", "pruned"))
    assert one.groups == ("good", "bad") and len(one.rows) == 40
    cells = read["comparisons"]["pruned"]["metrics"]
    found = judge(one, two, {"bur": 0.05, "uer": 0.02, "sof": 0.02})
    for verdict in found.metrics:  # the same numbers as the comparison itself has
        assert verdict.difference == pytest.approx(cells[verdict.metric]["difference"]["value"])
        assert verdict.baseline == pytest.approx(cells[verdict.metric]["dense"]["value"])
    with pytest.raises(BadInput, match=r"unknown system of r\.json: 'tiny'"):
        side_of(read, "tiny", "r.json")
    for text, said in (
        ("{", "is not JSON"),
        ("[]", "is not a result"),
        ('{"kind": "other"}', "is not a result"),
    ):
        file.write_text(text)
        with pytest.raises(BadInput, match=said):
            read_result(file)


def test_a_result_of_another_version(tmp_path):
    broken = result(3)
    del broken["samples"][0]["topic"]
    with pytest.raises(BadInput, match="lacks 'topic': it was written by another version"):
        side_of(broken, "dense", "r.json")


def test_junit_is_xml_with_a_case_per_margin():
    found = judge(side("de\x00nse", [0] * 100), side("p<&>", [0] * 10 + [1] * 90), {"bur": 0.05})
    root = ET.fromstring(junit(found))
    suite = root[0]
    assert suite.attrib == {
        "name": "fairprune gate",
        "tests": "2",
        "failures": "1",
        "errors": "0",
        "skipped": "0",
    }
    case = suite.findall("testcase")[0]
    assert case.attrib == {"classname": "fairprune.gate", "name": "bur margin 5 points"}
    assert "harm +90.0" in case.find("failure").attrib["message"]
    told = {one.attrib["name"]: one.attrib["value"] for one in suite.find("properties")}
    assert told["candidate"] == "p<&>" and told["baseline"] == "de�nse" and told["verdict"] == "fail"
    # Undecided is skipped, degenerate is a case of its own.
    undecided = ET.fromstring(junit(bur([0] * 30, [0] * 30)))
    assert (
        undecided.attrib["skipped"] == "1" and undecided[0].findall("testcase")[0].find("skipped") is not None
    )
    broken = ET.fromstring(junit(bur([0] * 100, [0] * 100, degenerate=range(50))))
    assert broken.attrib["failures"] == "1" and broken[0].findall("testcase")[1].find("failure") is not None


def test_the_answer_as_json_holds_no_nan():
    json.dumps(bur([0] * 40, [None] * 40).to_json(), allow_nan=False)
