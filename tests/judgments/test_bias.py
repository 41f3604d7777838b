"""Sides, times and careless judges; nothing is deleted."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest

from fairprune.errors import BadInput
from fairprune.judgments import bias
from fairprune.judgments.bias import (
    ALL,
    REGISTERED,
    Rules,
    apply,
    exclusions,
    left_out,
    side_bias,
    side_by_side,
    time_outliers,
)
from fairprune.judgments.ranking import rank
from fairprune.judgments.votes import Vote, outcomes


def vote(judge="j", item="i", answer="left", seconds=20.0, question="fairer", **more):
    sides = ("dense", "wanda") if (len(item) + len(judge)) % 2 else ("wanda", "dense")
    return Vote("s", judge, item, question, *sides, answer, seconds, **more)


def votes_of(judge, answers, seconds=20.0):
    return [vote(judge, f"i{n}", answer, seconds) for n, answer in enumerate(answers)]


def test_the_exact_test_by_hand():
    # 8 of 10 left: P = 2 · (45 + 10 + 1) / 1024 = .109375
    found = side_bias(votes_of("j", ["left"] * 8 + ["right"] * 2 + ["tie"] * 5 + ["both_unfair"]))
    assert (found.left, found.right) == (8, 2)
    assert found.share.value == 0.8
    assert found.p_exact == pytest.approx(112 / 1024)
    assert found.p_judges is None and "only one judge" in found.share.why


def test_the_exact_test_of_arbuthnots_births():
    """More boys than girls in each of 82 years: 1 in 4836000000000000000000000, one-sided (Philosophical Transactions 27, 1710)."""
    found = side_bias(votes_of("j", ["left"] * 82))
    assert found.p_exact is not None
    assert found.p_exact / 2 == pytest.approx(1 / 4836e21, rel=1e-3)


def test_flipping_judges_by_hand():
    # differences 4, 2, 2: of 8 signs only +++ and −−− reach 8: p = 2 / 8
    votes = (
        votes_of("a", ["left"] * 4) + votes_of("b", ["left"] * 3 + ["right"]) + votes_of("c", ["left"] * 2)
    )
    assert side_bias(votes).p_judges == pytest.approx(2 / 8)


def test_fishers_test_of_darwins_maize(monkeypatch):
    # Fisher, The Design of Experiments (1935), section 21: of the 32,768 ways to sign the fifteen differences of crossed and
    # self-fertilised plants 863 reach the observed sum of 314, so that 1,726 are as far from 0
    darwin = (49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48)
    votes = [
        one
        for number, difference in enumerate(darwin)
        for one in votes_of(f"plant {number:02}", ["left" if difference > 0 else "right"] * abs(difference))
    ]
    assert side_bias(votes, resamples=2).p_judges == pytest.approx(1726 / 32768, abs=0.01)  # by random signs
    monkeypatch.setattr(bias, "FLIPS", 2**15)
    assert side_bias(votes, resamples=2).p_judges == pytest.approx(1726 / 32768)


def test_one_biased_judge_among_many_is_no_bias_of_the_study():
    # 20 votes left by one of eight judges, the others are even: single votes say .01, judges say nothing
    votes = votes_of("lefty", ["left"] * 20)
    for judge in "abcdefg":
        votes += votes_of(judge, ["left", "right"] * 3)
    found = side_bias(votes)
    assert found.p_exact < 0.02 and found.p_judges == 1.0  # 0 flips change nothing: |±20| ≥ 20 always
    assert found.share.low < 0.5


def test_many_judges_are_sampled_and_never_give_zero():
    votes = [one for j in range(20) for one in votes_of(f"j{j:02}", ["left"] * 5)]
    found = side_bias(votes)
    assert found.p_judges == pytest.approx(1 / 10000, abs=3e-4) and found.p_judges > 0
    assert found.p_exact == pytest.approx(binomtest(100, 100).pvalue)


def test_questions_are_told_apart_and_attention_does_not_count():
    votes = [
        vote(),
        vote(question="better", answer="right"),
        vote(item="at", kind="attention", expected=("left",)),
    ]
    assert (side_bias(votes, "fairer").left, side_bias(votes, "fairer").right) == (1, 0)
    assert (side_bias(votes).left, side_bias(votes).right) == (1, 1)
    assert side_bias([vote(answer="tie")]).p_exact is None


def test_the_error_rate_without_bias():
    rng = np.random.default_rng(0)
    found = []
    for _ in range(120):
        votes = [vote(f"j{j}", f"i{i}", rng.choice(["left", "right"])) for j in range(15) for i in range(12)]
        found.append(side_bias(votes, resamples=2).p_exact)
    assert np.mean(np.array(found) <= 0.05) < 0.12


def test_times_out_of_line():
    # logs of 10 … 18 s: median log 14 = 2.639; |deviations| median: log(14/12) = .1542 or so → s ≈ .229
    usual = [vote(item=f"i{n}", seconds=float(s)) for n, s in enumerate(range(10, 19))]
    slow, fast = vote(item="slow", seconds=600.0), vote(item="fast", seconds=1.0)
    found = time_outliers([*usual, slow, fast, vote(item="unknown", seconds=None)])
    assert [one.vote.item for one in found] == ["slow", "fast"]
    assert found[0].score > 3.5 and found[1].score < -3.5
    logs = np.log([*range(10, 19), 600.0, 1.0])
    spread = 1.4826 * np.median(np.abs(logs - np.median(logs)))
    assert found[0].score == pytest.approx((np.log(600) - np.median(logs)) / spread)


def timed(values, scale):
    """Votes whose log seconds are these values over `scale`, which no robust score depends on."""
    return [vote(item=f"i{n}", seconds=float(np.exp(value / scale))) for n, value in enumerate(values)]


def test_the_outlier_of_leys_and_others():
    """Leys, Ley, Klein, Bernard and Licata, Journal of Experimental Social Psychology 49 (2013), 764–766: 1, 3, 3, 6, 8, 10, 10, 1000.

    The median is 7, the MAD 1.4826 · 3.5 = 5.1891; at three of them all outside of −8.57 and 22.57 are outliers: 1000 alone.
    """
    series = (1, 3, 3, 6, 8, 10, 10, 1000)
    (found,) = time_outliers(timed(series, 10), limit=3)
    assert found.vote.item == "i7"
    assert found.score == pytest.approx((1000 - 7) / 5.1891, rel=1e-4)
    # The limits themselves: just inside and just outside, in place of the outlier, which is as far above the median as before.
    for value, n in ((22.5, 0), (22.7, 1)):
        assert len(time_outliers(timed((*series[:-1], value), 10), limit=3)) == n


def test_no_outliers_where_nothing_can_be_told():
    assert time_outliers([vote(item=f"i{n}", seconds=s) for n, s in enumerate([1.0, 900.0, 20.0])]) == []
    assert (
        time_outliers([vote(item=f"i{n}", seconds=9.0) for n in range(12)] + [vote(item="x", seconds=99.0)])
        == []
    )


def attention(judge, item, answer, question="fairer"):
    return vote(judge, item, answer, question=question, kind="attention", expected=("left",))


def test_two_failed_attention_items_exclude_and_one_does_not():
    votes = [
        attention("careful", "at1", "left"),
        attention("once", "at1", "right"),
        attention("once", "at2", "left"),
        attention("twice", "at1", "tie"),
        attention("twice", "at2", "right"),
        attention("twice", "at3", "left"),
        # one item with two wrong answers is one failure
        attention("both", "at1", "right"),
        attention("both", "at1", "right", question="better"),
    ]
    (found,) = exclusions(votes, Rules())
    assert (found.judge, found.rule, found.detail) == ("twice", "attention", "failed 2 of 3 attention items")
    assert {one.judge for one in exclusions(votes, Rules(attention_failures=1))} == {"once", "twice", "both"}
    assert exclusions(votes, Rules(attention_failures=None)) == []


def test_too_fast_and_straight_lining():
    mixed = ["left", "right"] * 5
    votes = (
        votes_of("quick", mixed, 2.0) + votes_of("same", ["left"] * 19 + ["right"]) + votes_of("good", mixed)
    )
    votes += votes_of("few", ["left"] * 9, 1.0)  # nine answers: too few to say
    found = {(one.judge, one.rule): one.detail for one in exclusions(votes, Rules())}
    assert found == {
        ("quick", "too_fast"): "median of 2.0 s per answer, below 5 s",
        ("same", "straight_lining"): "answered 'left' in 19 of 20 cases",
    }
    assert exclusions(votes, Rules(least_seconds=None, straight_lining=None)) == []


def test_rules_are_reversible_and_both_analyses_are_shown():
    votes = votes_of("quick", ["left", "right"] * 5, 2.0) + votes_of("good", ["left", "right"] * 5)
    rules, before = Rules(), list(votes)
    assert {one.judge for one in apply(votes, rules)} == {"good"}
    assert apply(votes, rules, without=["too_fast"]) == votes == before
    found = side_by_side(votes, rules, len)
    assert found == {ALL: 20, REGISTERED: 10}
    with pytest.raises(BadInput, match="did you mean 'too_fast'"):
        apply(votes, rules, without=["to_fast"])


def test_an_analysis_that_cannot_be_made_says_why():
    votes = votes_of("quick", ["left", "right"] * 5, 2.0)
    found = side_by_side(votes, Rules(), lambda kept: rank(outcomes(kept, "fairer")).n_votes)
    assert found[ALL] == 10 and "nothing to rank" in found[REGISTERED]


def test_a_skipped_attention_item_counts_as_failed_unless_the_study_said_otherwise():
    votes = [
        attention("skips", "at1", "skipped"),
        attention("skips", "at2", "skipped"),
        attention("mixed", "at1", "skipped"),
        attention("mixed", "at2", "right"),
        attention("once", "at1", "skipped"),
        attention("once", "at2", "left"),
    ]
    found = {one.judge: one.detail for one in exclusions(votes, Rules())}
    assert found == {
        "skips": "failed 0 of 2 attention items, skipped 2",
        "mixed": "failed 1 of 2 attention items, skipped 1",
    }
    assert exclusions(votes, Rules(attention_skips=False)) == []


def test_rules_are_worded_once():
    assert left_out(Rules()) == {
        "attention": "failed or skipped 2 attention items or more",
        "too_fast": "took less than 5 s per answer in the median",
        "straight_lining": "gave the same answer in at least 95% of the cases",
    }
    assert left_out(Rules(attention_skips=False, least_seconds=None, straight_lining=None)) == {
        "attention": "failed 2 attention items or more"
    }


def test_votes_that_know_no_sides_say_nothing_of_sides():
    votes = [replace(one, sided=False) for one in votes_of("a", ["left"] * 12) + votes_of("b", ["left"] * 12)]
    found = side_bias(votes)
    assert (found.left, found.right, found.p_exact) == (0, 0, None) and "not known" in found.share.why
    # nor is a judge who prefers one system throughout called inattentive for it; one who ties throughout is
    assert exclusions(votes, Rules()) == []
    ties = [replace(one, sided=False) for one in votes_of("c", ["tie"] * 12)]
    assert [one.rule for one in exclusions(ties, Rules())] == ["straight_lining"]
