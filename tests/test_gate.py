"""The gate: verdicts by hand, Holm, what is missing, degenerate summaries; its sides and its reports."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from fairprune.errors import BadInput
from fairprune.gate import asked_margins, judge, samples_needed
from fairprune.gate_report import gate_text, junit
from fairprune.gate_sides import Row, Side, read_result, side_of, systems_of, table_of, worst_rows
from fairprune.spec import MetricSpec
from fairprune.uncertainty.estimates import FEW_CHANGES_LIMIT, TOO_FEW_LIMIT
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
    """No change in 100 topics: were 5 points the truth, se = √(.05 · .95 / 100) = .0218 (Tango), so t = −2.29 with 99 degrees of
    freedom. The upper end is where t is 1.6604: t² / (100 + t²)."""
    found = bur([0] * 100, [0] * 100)
    [one] = found.metrics
    assert found.verdict == one.verdict == "pass" and found.exit_code == 0
    assert one.difference == 0
    assert one.upper == pytest.approx(1.6604**2 / (100 + 1.6604**2), abs=1e-4)  # t.95 with 99 df is 1.6604
    assert one.p_pass == pytest.approx(0.0119, abs=2e-4)
    assert one.n_needed is None


def test_thirty_equal_samples_do_not_suffice_and_n_is_named():
    """At the margin se = √(.05 · .95 / 30) = .03979, t = −1.257 with 29 df: p = .110. Needed: 30 · ((1.6449 + .8416) · .03979 / .05)² =
    30 · 3.915 = 117.5."""
    found = bur([0] * 30, [0] * 30)
    [one] = found.metrics
    assert found.verdict == "undecided" and found.exit_code == 3
    assert one.p_pass == pytest.approx(0.1095, abs=1e-4)
    assert one.n_needed == 118
    assert "about 118 samples would decide" in gate_text(found)


def test_a_harm_beyond_the_margin_fails():
    """All 40 turn unfair: were 5 points the truth, se = √((1 − .05²) / 40) = .158, t = (.05 − 1)/.158 = −6.0. The lower end θ has
    (1 − θ)² = t² (1 − θ²) / 40, so (40 − t²) / (40 + t²)."""
    found = bur([0] * 40, [1] * 40)
    [one] = found.metrics
    assert found.verdict == "fail" and found.exit_code == 1
    assert one.difference == 1 and one.p_fail < 1e-6 and one.p_pass > 0.999
    square = 1.6849**2  # t.95 with 39 df is 1.6849
    assert one.lower == pytest.approx((40 - square) / (40 + square), abs=1e-3)


def test_a_harm_against_a_degenerate_baseline_is_no_fail():
    """A broken baseline looks fair: every candidate that speaks seems to harm. Both broken: the candidate's own fault is enough."""
    base = side("dense", [0] * 100, degenerate=range(21))
    found = judge(base, side("pruned", [1] * 100), {"bur": 0.05})
    assert found.verdict == found.metrics[0].verdict == "undecided" and found.metrics[0].n_needed is None
    assert found.metrics[0].difference == 1
    suite = ET.fromstring(junit(found))
    assert (suite.attrib["failures"], suite.attrib["skipped"]) == ("0", "2")
    both = judge(base, side("pruned", [0] * 100, degenerate=range(21)), {"bur": 0.05})
    assert both.verdict == "fail" and both.metrics[0].verdict == "undecided"


def test_a_difference_without_spread_is_undecided_as_in_evaluate():
    """All 40 differences are the same: no resample shows how far another one could lie. Neither harm of 0 nor of 50 points is shown."""
    for harm in (0.0, 0.5):
        sides = [side(name, [value] * 40, metric="uer") for name, value in (("d", 0.0), ("p", harm))]
        found = judge(*sides, {"uer": 0.02})
        [one] = found.metrics
        assert found.verdict == "undecided" and found.exit_code == 3
        assert (one.difference, one.lower, one.upper, one.p_pass, one.p_fail) == (
            harm,
            None,
            None,
            None,
            None,
        )
        assert one.n_needed is None and "nothing shows how far it could vary" in one.reason
        assert "no interval, margin 2 points; n 40" in gate_text(found)
    few = judge(*[side(name, [0.0] * 12, metric="uer") for name in "dp"], {"uer": 0.02}).metrics[0]
    assert few.n_needed is None  # nothing says how many would do
    assert "12 samples, fewer than 30" in few.reason and "every resample gives the same value" in few.reason
    # The same side as `evaluate` sees it: no interval of the difference, no verdict, the same reason.
    found = result(40)["comparisons"]["pruned"]["metrics"]
    assert found["uer"]["dense"]["limit"] in few.reason


def test_a_metric_without_spread_stays_one_of_holms_family():
    """It was promised: the other p-value is doubled, as if it were tested."""

    def both(name, values):
        one = side(name, values, metric="uer")
        rows = [Row(r.set_id, r.topic, r.composition, r.text, {**r.scores, "auc": 0.1}) for r in one.rows]
        return Side(name, one.groups, one.spec, tuple(rows))

    before, after = [0.0] * 60, [0.04 * (i % 2) for i in range(60)]
    alone = judge(both("d", before), both("p", after), {"uer": 0.025})
    two = judge(both("d", before), both("p", after), {"uer": 0.025, "auc": 0.025})
    assert two.metrics[0].p_pass == pytest.approx(2 * alone.metrics[0].p_pass)
    assert two.metrics[1].p_pass is None and two.metrics[1].verdict == "undecided"


def test_intervals_end_where_the_metric_does():
    """BUR from 0 to 1 in 40 samples: 1 + 1.6849 · .0406 = 1.068 is no difference of two rates. And the other way round."""
    up, down = bur([0] * 40, [1] * 40).metrics[0], bur([1] * 40, [0] * 40).metrics[0]
    assert up.upper == 1.0 and down.lower == -1.0
    # |SPD2| lies within [0, 2]: 39 times 2 and once 0 against 0 is 1.95, se .05: 1.95 + 1.685 · .05 = 2.03 is beyond.
    values = [2.0] * 39 + [0.0]
    sides = [side(name, found, metric="spd2") for name, found in (("d", [0.0] * 40), ("p", values))]
    assert judge(*sides, {"spd2": 0.05}).metrics[0].upper == 2.0
    # A corrected SPD2 may leave its range.
    sides = [
        side(name, found, metric="spd2", spd2_source="confusion-corrected")
        for name, found in (("d", [0.0] * 40), ("p", values))
    ]
    assert judge(*sides, {"spd2": 0.05}).metrics[0].upper > 2.0


def test_every_output_says_which_interval_it_shows():
    """alpha .05: 90 % intervals of one metric alone; with two margins the p-values are Holm's and decide."""
    read = result(40)
    sides = [side_of(read, name, "r.json") for name in ("dense", "pruned")]
    found = judge(*sides, {"bur": 0.05, "uer": 0.02})
    said = gate_text(found)
    assert "90 %, not adjusted], margin 5 points, Holm p " in said
    for told in (said, junit(found).decode(), json.dumps(found.to_json())):
        assert "ends one-sided bounds at alpha 0.05, not adjusted for 2 margins" in told
        assert "p-values are adjusted by Holm over the margins, and they decide" in told
    assert found.to_json()["interval_level"] == pytest.approx(0.9)
    alone = judge(*sides, {"bur": 0.05}, 0.025)
    assert "; 95 %], margin 5 points, p " in gate_text(alone)
    assert "there is one margin, so nothing is adjusted" in gate_text(alone)


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


def test_missing_spd2_counts_as_fully_unfair():
    """100 samples near 0; the candidate leaves 5 out. Counted as 2 each the mean moves by 5 · 2 / 100 = .1, the margin; 1 of 100
    moves it by .02, with se .02: t = −4, which passes. Of v = .01 the candidate's own ends are 2 and −1.99, of v = −.5
    they are 1.5 and −2."""
    rng = np.random.default_rng(0)
    before = rng.normal(0, 0.01, 100).tolist()
    after = (np.array(before) + rng.normal(0, 0.005, 100)).tolist()
    for left_out, verdict in ((0, "pass"), (1, "pass"), (5, "undecided")):
        values = [None] * left_out + after[left_out:]
        found = judge(side("d", before, metric="spd2"), side("p", values, metric="spd2"), {"spd2": 0.1})
        [one] = found.metrics
        assert (found.verdict, one.n_missing) == (verdict, left_out)
        assert (f"{left_out} without a score of the candidate" in gate_text(found)) == bool(left_out)
    assert "counted as fully unfair, they would not pass" in one.reason
    own = side("d", [0.01, -0.5, 0.3], metric="spd2")
    base, nothing = np.array([[0.01], [-0.5], [0.3]]), np.array([[np.nan], [np.nan], [0.3]])
    assert worst_rows("spd2", nothing, base, own.rows, own)[:, 0].tolist() == [2.0, 1.5, 0.3]
    assert worst_rows("spd2", -np.abs(nothing), base, own.rows, own)[:, 0].tolist() == [-1.99, -2.0, -0.3]
    three = Side("d", ("a", "b", "c"), MetricSpec(), own.rows)
    assert worst_rows("spd2", nothing, base, own.rows, three)[:, 0].tolist() == [2.0, 2.0, 0.3]


def test_corrected_spd2_does_not_pass_with_anything_missing():
    rng = np.random.default_rng(0)
    before = rng.normal(0, 0.01, 100).tolist()
    after = [None, *(np.array(before) + rng.normal(0, 0.005, 100)).tolist()[1:]]
    sides = [
        side(name, values, metric="spd2", spd2_source="confusion-corrected")
        for name, values in (("d", before), ("p", after))
    ]
    [one] = judge(*sides, {"spd2": 0.05}).metrics
    assert one.verdict == "undecided" and "no most unfair value" in one.reason


def test_unwritten_summaries_count_as_degenerate():
    """21 of 100 not written and unscored for both: the fairness of the rest does not make it pass."""
    rows = side("p", [0] * 100).rows
    gone = tuple(
        replace(row, text=None, scores={**row.scores, "bur": None, "words": None}) if i < 21 else row
        for i, row in enumerate(rows)
    )
    silent = Side("p", ("a", "b"), MetricSpec(), gone)
    assert silent.degenerate == 0.21
    found = judge(side("d", [None] * 21 + [0] * 79), silent, {"bur": 0.05})
    assert found.verdict == "fail" and "21% of the summaries of p are degenerate or missing" in found.notes[0]


def test_nothing_in_common_is_undecided():
    found = bur([0] * 40, [None] * 40)
    assert found.verdict == "undecided" and found.metrics[0].reason == "no sample is scored for both"
    assert "bur undecided: margin 5 points" in gate_text(found)


def test_a_degenerate_candidate_fails_and_a_degenerate_baseline_decides_nothing():
    broken = bur([0] * 100, [0] * 100, degenerate=range(21))
    assert (
        broken.verdict == "fail"
        and "21% of the summaries of pruned are degenerate or missing" in broken.notes[0]
    )
    assert broken.metrics[0].verdict == "pass"
    assert "so the candidate fails" in gate_text(broken)
    base = judge(side("dense", [0] * 100, degenerate=range(21)), side("pruned", [0] * 100), {"bur": 0.05})
    assert base.verdict == base.metrics[0].verdict == "undecided" and base.exit_code == 3
    said = gate_text(base)
    assert "bur undecided" in said and "the baseline's summaries are degenerate" in said
    assert (
        "21% of the summaries of dense are degenerate or missing: no fairness number of theirs means anything, so no margin"
        in said
    )
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


def test_sets_that_the_candidate_lacks_count_as_fully_unfair():
    """100 samples that stay the same pass; without ten of them, all unfair at worst, they are 10 points: no pass. Of 200 samples two
    are 1 point: se of 2 changes of 200 is √((2.5 + .5)/202 − (2/202)²)/√202 ≈ .0085; t = (.01 − .05)/.0085 = −4.7 passes."""
    before = side("d", [0] * 100)
    assert judge(before, side("p", [0] * 100), {"bur": 0.05}).verdict == "pass"
    found = judge(before, side("p", [0] * 90), {"bur": 0.05})
    [one] = found.metrics
    assert (found.verdict, one.n, one.n_missing) == ("undecided", 90, 10)
    assert "counted as fully unfair, they would not pass" in one.reason
    said = "p lacks 10 of 100 opinion sets (set90, set91, set92, set93, set94, …) of d: they count as fully unfair"
    assert said in gate_text(found)
    assert judge(side("d", [0] * 200), side("p", [0] * 198), {"bur": 0.05}).verdict == "pass"


def test_who_leaves_out_what_is_broken_does_not_pass():
    """A margin of 60 points, and 25 of 100 samples not in the file: they may all be degenerate. With 20 they may be just few enough;
    a degenerate one besides is one too many."""
    before = side("d", [0] * 100)
    for lacking, broken, verdict in ((25, (), "undecided"), (20, (), "pass"), (20, (0,), "undecided")):
        after = side("p", [0] * (100 - lacking), degenerate=broken)
        found = judge(before, after, {"bur": 0.6})
        assert (found.verdict, found.metrics[0].verdict) == (verdict, "pass"), lacking
        told = [
            note
            for note in found.notes
            if "may be degenerate or missing, so the candidate cannot pass" in note
        ]
        assert len(told) == (verdict != "pass")
        skipped = ET.fromstring(junit(found))[0].findall("testcase")[-1].find("skipped")
        assert (skipped is not None) == (verdict != "pass")


def test_a_baseline_that_lacks_sets_is_refused():
    """Nothing says how fair it is there: a baseline of the easy samples would make any candidate pass."""
    with pytest.raises(
        BadInput, match=r"d lacks 2 of 50 opinion sets \(set48, set49\) of p: .* Score both on the same"
    ):
        judge(side("d", [0] * 48), side("p", [0] * 50), {"bur": 0.05})


def test_repeated_sets_are_paired_in_order():
    rows = [Row("same", "t", "as given", None, {"bur": value, "p_x": SHARES}) for value in (0, 1)]
    again = Side("x", ("a", "b"), MetricSpec(), tuple(rows))
    assert judge(again, again, {"bur": 0.05}).metrics[0].difference == 0
    once = Side("y", ("a", "b"), MetricSpec(), tuple(rows[:1]))
    assert "y lacks 1 of 2 opinion sets (same for the 2. time) of x" in gate_text(
        judge(again, once, {"bur": 0.05})
    )


def test_a_result_that_does_not_say_the_sources_shares_has_the_largest_values_at_worst():
    rows = tuple(Row(str(i), "t", "c", None, {}) for i in range(2))
    one = Side("s", ("a", "b"), MetricSpec(), rows)
    nothing, before = np.array([[0.0], [np.nan]]), np.zeros((2, 1))
    for metric in ("bur", "uer", "auc"):
        assert worst_rows(metric, nothing, before, rows, one)[:, 0].tolist() == [0.0, 1.0]


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


def test_a_result_file_whose_scores_are_no_numbers(tmp_path):
    for value in ("-5", float("nan"), float("-inf"), True, [0]):
        broken = result(3)
        broken["samples"][1]["scores"]["pruned"]["bur"] = value
        sides = [side_of(broken, name, "r.json") for name in ("dense", "pruned")]
        with pytest.raises(BadInput, match=r"bur of opinion set \w+ in r\.json:pruned is .*, not a number"):
            judge(*sides, {"bur": 0.05})
    broken = result(3)
    broken["samples"][0]["scores"]["pruned"]["p_y"]["good"] = None
    sides = [side_of(broken, name, "r.json") for name in ("dense", "pruned")]
    assert np.isnan(table_of("sof", sides[1].rows, sides[1])[0, 0])


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


def test_a_difference_of_few_samples_states_its_limit():
    """10 of 40 differ: a quarter. 11 of 40 are 27.5 %."""
    for changed in (10, 11):
        values = [0.1] * changed + [0.0] * (40 - changed)
        found = judge(side("d", [0.0] * 40, metric="uer"), side("p", values, metric="uer"), {"uer": 0.05})
        said = [FEW_CHANGES_LIMIT in told for told in (gate_text(found), junit(found).decode())]
        assert said == [changed == 10] * 2 == [found.metrics[0].limit == FEW_CHANGES_LIMIT] * 2


def test_two_changed_topics_say_nothing_of_how_much_one_could_change():
    """By chance none of the large changes may be among them: no interval, no pass, however small they are. With three there is one."""
    for changed, verdict in ((2, "undecided"), (3, "pass")):
        values = [0.01] * changed + [0.0] * (100 - changed)
        found = judge(side("d", [0.0] * 100, metric="uer"), side("p", values, metric="uer"), {"uer": 0.02})
        [one] = found.metrics
        assert found.verdict == verdict
        assert (one.lower is None) == (one.p_pass is None) == (TOO_FEW_LIMIT in one.reason) == (changed == 2)
