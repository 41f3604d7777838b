"""Registered hypotheses are decided as they were registered, for all judges and for those who stay."""

import numpy as np
import pytest

from fairprune.judgments.bias import ALL, REGISTERED
from fairprune.judgments.frozen import Analysis, Hypothesis, System
from fairprune.judgments.primary import decide, primary_ranking
from fairprune.judgments.votes import Outcome, Vote
from tests.judgments.test_frozen import design


def votes_of(judge, wins, losses, ties=0, systems=("dense", "wanda"), seconds=20.0, shift=0):
    """Votes for the first of two systems and against it, its side changing from item to item; item 0 stands at `shift`."""
    found = []
    results = ["first"] * wins + ["second"] * losses + ["tie"] * ties
    for n, result in enumerate(results[-shift:] + results[:-shift] if shift else results):
        turned = n % 2 == 1
        left, right = systems[::-1] if turned else systems
        answer = "tie" if result == "tie" else "left" if (result == "first") != turned else "right"
        found.append(Vote("s", judge, f"{'-'.join(systems)} {n}", "fairer", left, right, answer, seconds))
    return found


CROWD = [one for j in range(12) for one in votes_of(f"j{j:02}", 14 + j % 3, 4, 2, shift=5 * j % 20)]


def test_one_and_two_sided():
    expect = [
        Hypothesis(text="dense is fairer", first="dense", second="wanda", sides="one"),
        Hypothesis(text="wanda is fairer", first="wanda", second="dense", sides="one"),
        Hypothesis(text="they differ", first="wanda", second="dense"),
    ]
    found = decide(design(hypotheses=tuple(expect), analysis=Analysis(resamples=200)), CROWD)
    one, other, two = found[ALL]
    assert one.difference.value == pytest.approx(-other.difference.value)
    assert (one.difference.low, one.difference.high) == (-other.difference.high, -other.difference.low)
    assert one.p_value == pytest.approx(two.p_value / 2) and other.p_value == pytest.approx(1 - one.p_value)
    # Holm of three: the smallest times three, the next times two, the last as it is
    assert one.p_holm == pytest.approx(3 * one.p_value)
    assert two.p_holm == pytest.approx(max(3 * one.p_value, 2 * two.p_value))
    assert (one.supported, other.supported, two.supported) == (True, False, True)
    # 180 votes for dense (14, 15, 16 in turn), 48 against
    assert one.difference.value == pytest.approx(np.log(180 / 48), abs=0.01)


def test_both_analyses_always():
    quick = [
        one for j in range(12) for one in votes_of(f"quick {j:02}", 2, 18, seconds=1.0, shift=5 * j % 20)
    ]
    found = decide(design(analysis=Analysis(resamples=100)), [*CROWD, *quick])
    assert list(found) == [ALL, REGISTERED]
    assert found[REGISTERED][0].supported and not found[ALL][0].supported
    nobody = decide(design(analysis=Analysis(resamples=100)), quick)
    assert nobody[ALL][0].p_value > 0.9 and "nothing to rank" in nobody[REGISTERED]


def test_a_hypothesis_that_could_not_be_tested_is_still_one_of_the_family():
    systems = tuple(System(name=name, run="aaaa", summaries="pruned") for name in ("dense", "wanda", "hgla"))
    expect = (
        Hypothesis(text="x", first="dense", second="wanda"),
        Hypothesis(text="y", first="dense", second="hgla"),
    )
    made = design(
        systems=systems,
        pairs=(("dense", "wanda"), ("dense", "hgla")),
        hypotheses=expect,
        analysis=Analysis(resamples=100),
    )
    tested, missing = decide(made, CROWD)[ALL]
    assert missing.p_value is None and missing.p_holm is None and not missing.supported
    assert "never compared" in missing.difference.why
    assert tested.p_holm == pytest.approx(2 * tested.p_value)


def test_automatic_ties_count_for_their_question():
    ties = [
        Outcome("", f"same {i}", question, "dense", "wanda", "tie", f"same {i}")
        for i in range(9)
        for question in ("fairer", "better")
    ]
    found = primary_ranking(design(), CROWD, "fairer", ties)
    assert found.n_automatic == 9 and found.n_votes == 12 * 20 + 36 // 3 + 9
