"""Strengths, their intervals over judges and samples, and what a reader is warned of."""

import numpy as np
import pytest

from fairprune.errors import BadInput
from fairprune.judgments.ranking import rank, rank_by_group, tally
from fairprune.judgments.votes import Outcome
from tests.judgments.published import (
    BASEBALL_ESTIMATES,
    PUDDING,
    PUDDING_NU,
    PUDDING_WORTH,
    TEAMS,
    baseball,
    results,
)


def one(judge, item, result="a", a="dense", b="wanda", group=None, question="fairer", cluster=None):
    return Outcome(judge, item, question, a, b, result, cluster or item, group)


def test_baseball_of_1987():
    found = rank(baseball(), reference="Baltimore", ridge=1e-6)
    assert [one.system for one in found.strengths] == list(TEAMS)
    for strength, estimate in zip(found.strengths, BASEBALL_ESTIMATES, strict=True):
        assert strength.strength.value == pytest.approx(estimate, abs=0.006)
    # "about 0.3" in the book; games are independent here, so the half width is about 1.96 · 0.34
    for strength in found.strengths[:-1]:
        half = (strength.strength.high - strength.strength.low) / 2 / 1.97
        assert 0.28 < half < 0.40
    assert found.strengths[-1].strength.why == "the reference: 0 by definition"
    assert found.nu.value == 0 and found.nu.why == "no tie was given"
    assert found.warnings == ()
    assert found.n_votes == 273  # 21 pairs of teams, 13 games each


def test_puddings_with_their_ties():
    counts = {pair: (i, j, tie) for pair, (i, j, tie) in PUDDING.items()}
    found = rank(results(counts), ridge=1e-6)
    by_name = {one.system: one.strength.value for one in found.strengths}
    worth = np.exp([by_name[str(i)] for i in range(1, 7)])
    assert worth / worth.sum() == pytest.approx(PUDDING_WORTH, abs=3e-4)
    assert found.nu.value == pytest.approx(PUDDING_NU, abs=1e-3)
    assert found.nu.low < found.nu.value < found.nu.high
    assert sum(by_name.values()) == pytest.approx(0, abs=1e-9)
    assert found.strengths[0].system == "6" and found.strengths[-1].system == "1"
    # nobody would call the brands different: 15 differences, none with p < .01
    assert len(found.differences) == 15
    assert all(one.difference.value >= 0 for one in found.differences)
    assert min(one.p_value for one in found.differences) > 0.01


def test_the_standard_error_of_independent_votes_is_that_of_the_log_odds():
    # 60 wins against 40, every vote a judge and an item of its own: se(log odds) = √(1/60 + 1/40) = .2041
    found = rank(results({("dense", "wanda"): (60, 40, 0)}), resamples=4000)
    (difference,) = found.differences
    assert difference.difference.value == pytest.approx(np.log(1.5), abs=1e-3)
    half = (difference.difference.high - difference.difference.low) / 2
    assert half == pytest.approx(1.984 * 0.2041, rel=0.06)
    # z = .4055 / .2041 = 1.987: p = .05
    assert difference.p_value == pytest.approx(0.05, abs=0.015)


def test_votes_of_one_judge_count_as_one_observation():
    # 10 judges, each of whom gives ten times the same answer: as much is known as from 10 votes, not from 100
    copied = [one(f"j{j}", f"i{j}-{i}", "a" if j < 6 else "b") for j in range(10) for i in range(10)]
    alone = [one(f"j{j}", f"i{j}", "a" if j < 6 else "b") for j in range(10)]
    wide, narrow = (
        rank(copied, resamples=4000),
        rank(results({("dense", "wanda"): (60, 40, 0)}), resamples=4000),
    )
    single = rank(alone, resamples=4000)
    width = [
        one.differences[0].difference.high - one.differences[0].difference.low
        for one in (wide, narrow, single)
    ]
    assert width[0] > 2.5 * width[1]
    assert width[0] == pytest.approx(width[2], rel=0.25)


def test_votes_on_one_sample_count_as_one_observation():
    votes = [
        one(f"j{s}-{i}", f"i{s}-{i}", "a" if s < 6 else "b", cluster=f"s{s}")
        for s in range(10)
        for i in range(10)
    ]
    wide, narrow = (
        rank(votes, resamples=4000),
        rank(results({("dense", "wanda"): (60, 40, 0)}), resamples=4000),
    )
    width = [one.differences[0].difference.high - one.differences[0].difference.low for one in (wide, narrow)]
    assert width[0] > 2.5 * width[1]


def test_both_unfair_is_no_tie_and_cannot_tell_is_missing():
    votes = results({("dense", "wanda"): (6, 2, 2)})
    more = [one("x", f"u{i}", "both_unfair") for i in range(5)] + [
        one("y", f"c{i}", "cannot_tell") for i in range(3)
    ]
    plain, mixed = rank(votes), rank(votes + more)
    assert mixed.differences[0].difference.value == pytest.approx(plain.differences[0].difference.value)
    assert mixed.nu.value == pytest.approx(plain.nu.value)
    assert (mixed.n_votes, mixed.n_both_unfair, mixed.n_cannot_tell) == (10, 5, 3)


def test_automatic_ties_count_as_ties_and_belong_to_no_judge():
    votes = results({("dense", "wanda"): (6, 4, 2)})
    automatic = [Outcome("", f"same{i}", "fairer", "dense", "wanda", "tie", f"same{i}") for i in range(4)]
    found = rank(votes + automatic)
    assert (found.n_votes, found.n_automatic, found.n_judges) == (16, 4, 12)
    # ν √(π_a π_b) = 6 ties, π_a 6, π_b 4: ν = 6 / √24
    assert found.nu.value == pytest.approx(6 / np.sqrt(24), rel=0.01)
    assert rank(votes).nu.value == pytest.approx(2 / np.sqrt(24), rel=0.01)


def test_systems_that_were_never_compared_are_not_ranked_together():
    votes = results({("a", "b"): (6, 4, 0), ("c", "d"): (9, 1, 0)})
    found = rank(votes)
    assert "never compared with one another (a, b; c, d)" in found.warnings[0]
    assert [(one.better, one.worse) for one in found.differences] == [("a", "b"), ("c", "d")]
    values = {one.system: one.strength for one in rank(votes, reference="a").strengths}
    assert values["c"].value is None and "never compared with a" in values["c"].why
    assert values["b"].value == pytest.approx(np.log(4 / 6), abs=0.01)


def test_a_system_that_won_every_vote_is_warned_of():
    found = rank(results({("a", "b"): (9, 0, 0), ("b", "c"): (5, 5, 0)}))
    assert "decided by the ridge" in found.warnings[0] and "(b, c; a)" in found.warnings[0]
    # one tie is enough: then neither is endlessly stronger
    assert rank(results({("a", "b"): (9, 0, 1), ("b", "c"): (5, 5, 0)})).warnings == ()


def test_one_judge_gives_no_interval():
    found = rank([one("j", f"i{i}", "a" if i < 6 else "b") for i in range(10)])
    value = found.differences[0].difference
    assert value.value is not None and value.low is None and "fewer than two judges" in value.why
    assert found.differences[0].p_value is None


def test_the_seed_makes_the_intervals():
    votes = results({("a", "b"): (6, 4, 3)})
    assert rank(votes, seed=3) == rank(votes, seed=3)
    assert rank(votes, seed=3) != rank(votes, seed=4)
    assert rank(votes, seed=3) == rank(list(reversed(votes)), seed=3)


def test_by_group():
    votes = [one(f"l{i}", f"i{i}", "a", group="left") for i in range(3)]
    votes += [one(f"r{i}", f"i{i}", "b", group="right") for i in range(3)]
    votes += [one("n", "i0", "both_unfair")]
    found = rank_by_group(votes)
    assert set(found) == {"", "left", "right"}
    assert found["left"].strengths[0].system == "dense"
    assert found["right"].strengths[0].system == "wanda"
    assert "nothing to rank" in found[""]


def test_tally():
    votes = [*results({("a", "b"): (3, 2, 1)}), one("x", "u", "both_unfair", "a", "b")]
    (row,) = tally(votes)
    assert (row.system_a, row.system_b, row.a, row.tie, row.b, row.both_unfair, row.cannot_tell) == (
        "a",
        "b",
        3,
        1,
        2,
        1,
        0,
    )


def test_what_cannot_be_ranked_is_refused():
    with pytest.raises(BadInput, match="none of 1 votes"):
        rank([one("j", "i", "cannot_tell")])
    with pytest.raises(BadInput, match="better, fairer were mixed"):
        rank([one("j", "i"), one("j", "i", question="better")])
    with pytest.raises(BadInput, match="did you mean 'dense'"):
        rank([one("j", "i")], reference="dens")
