"""All numbers of a study from hand-made and made-up votes: what 'all' counts, what is registered, what is missing."""

from dataclasses import replace

import numpy as np
import pytest

from fairprune.errors import BadInput
from fairprune.judgments.bias import ALL, REGISTERED, Rules
from fairprune.judgments.design import allocate, draw_items
from fairprune.judgments.frozen import Analysis
from fairprune.judgments.metric_agreement import MetricValues
from fairprune.judgments.ranking import Ranking
from fairprune.judgments.results import OWN, analyse, counts_of, trust, trust_all, verdict
from fairprune.judgments.simulate import TIE, A, Plan, World, answer
from fairprune.judgments.votes import Vote
from tests.judgments.test_frozen import design
from tests.judgments.test_primary import CROWD, votes_of

WORDS = {"fairer": "Which is fairer?"}
QUICK = [one for j in range(6) for one in votes_of(f"quick {j}", 2, 18, seconds=1.0, shift=5 * j % 20)]
SLOW_RULES = Rules(least_seconds=5.0)


def small(**more):
    return analyse(CROWD, WORDS, resamples=100, **more)


def test_both_analyses_always_and_a_third_only_when_asked_for():
    made = design(rules=SLOW_RULES, analysis=Analysis(resamples=100))
    found = analyse([*CROWD, *QUICK], WORDS, design=made)
    assert list(found.selections) == [ALL, REGISTERED]
    assert found.selections[ALL].counts.judges == 18 and found.selections[REGISTERED].counts.judges == 12
    assert {one.rule for one in found.exclusions} == {"too_fast"} and len(found.exclusions) == 6
    more = analyse([*CROWD, *QUICK], WORDS, design=made, without=["too_fast"])
    assert list(more.selections) == [ALL, REGISTERED, OWN]
    assert more.selections[OWN].counts.judges == 18
    # what was registered is not moved by what is switched off
    assert more.selections[REGISTERED] == found.selections[REGISTERED] and more.decisions == found.decisions
    with pytest.raises(BadInput, match="rule"):
        analyse(CROWD, WORDS, design=made, without=["mood"])


def test_all_counts_judges_who_were_stopped_and_says_so():
    votes = [*votes_of("done", 3, 1), *votes_of("failed", 2, 0), *votes_of("gone", 1, 0)]
    votes.append(replace(votes[0], kind="repeat", repeat_of=votes[0].item, item="again"))
    found = counts_of(votes, {"done": "completed", "failed": "failed", "gone": "active"})
    assert (found.votes, found.judges, found.items, found.repeats) == (7, 3, 4, 1)
    assert (found.stopped, found.stopped_votes, found.left, found.left_votes) == (1, 2, 1, 1)


def test_without_a_promise_nothing_is_registered():
    found = small()
    assert not found.registered and found.decisions == {} and found.rules == Rules()
    assert list(found.selections) == [ALL, REGISTERED]


def test_what_cannot_be_said_is_a_sentence():
    with pytest.raises(BadInput, match="nobody has finished an item"):
        analyse([], WORDS)
    found = analyse(QUICK, WORDS, resamples=100)
    own = found.selections[REGISTERED].questions["fairer"]
    assert "nothing to rank" in own.ranking and own.agreement.raw.value is None and own.agreement.raw.why
    unfair = [replace(one, answer="both_unfair") for one in votes_of("a", 3, 0) + votes_of("b", 3, 0)]
    own = analyse(unfair, WORDS, resamples=100).selections[ALL].questions["fairer"]
    assert "none of 6 votes prefers" in own.ranking and "not defined" in own.agreement.nominal.why


def test_a_primary_question_that_was_not_asked_is_said():
    with pytest.raises(BadInput, match="reads question 'fairer', but the questions that compare are better"):
        analyse(CROWD, {"better": "?"}, design=design())


def test_groups_are_those_that_judges_told():
    votes = [replace(one, group="left" if one.judge < "j06" else "right") for one in CROWD]
    own = analyse(votes, WORDS, resamples=100).selections[ALL].questions["fairer"]
    assert [(one.group, one.judges, one.votes) for one in own.groups] == [
        ("left", 6, sum(one.judge < "j06" for one in CROWD)),
        ("right", 6, sum(one.judge >= "j06" for one in CROWD)),
    ]
    assert all(isinstance(one.ranking, Ranking) for one in own.groups)
    assert small().selections[ALL].questions["fairer"].groups == ()


def made_up(seed=3):
    """A made-up study of three systems with planted strengths; the first is the strongest."""
    systems = ["a", "b", "c"]
    samples = [f"s{i:02}" for i in range(20)]
    items = draw_items([("a", "b"), ("a", "c"), ("b", "c")], samples, 60, seed)
    judges = [f"j{i:02}" for i in range(15)]
    given = allocate([one.id for one in items], judges, 5, seed)
    plan = Plan.of(items, systems, given, seed)
    world = World(strengths=(1.0, 0.0, -1.0), nu=0.5, left_bias=0.0)
    said = answer(plan, world, np.random.default_rng(seed))
    key = {(one.sample, one.system_a, one.system_b): one.id for one in items}
    votes = []
    for i, result in enumerate(said.result):
        a, b, sample = systems[plan.a[i]], systems[plan.b[i]], samples[plan.sample[i]]
        left, right = (b, a) if plan.swapped[i] else (a, b)
        wins = a if result == A else b
        chosen = "tie" if result == TIE else "left" if left == wins else "right"
        votes.append(
            Vote(
                "s",
                judges[plan.judge[i]],
                key[sample, a, b],
                "fairer",
                left,
                right,
                chosen,
                20.0,
                sample=sample,
            )
        )
    return votes


def test_planted_strengths_and_the_metric_that_knows_them_are_found():
    votes = made_up()
    found = analyse(votes, WORDS, resamples=200)
    ranking = found.selections[ALL].questions["fairer"].ranking
    assert [one.system for one in ranking.strengths] == ["a", "b", "c"]
    assert ranking.strengths[0].strength.low > 0 > ranking.strengths[2].strength.high
    samples = {vote.sample for vote in votes}
    knows = {"a": 0.0, "b": 0.5, "c": 1.0}
    rng = np.random.default_rng(0)
    metrics = [
        MetricValues("knows", {(s, name): value for s in samples for name, value in knows.items()}, False),
        MetricValues("noise", {(s, name): rng.random() for s in samples for name in knows}, False),
        MetricValues("length", {(s, name): rng.random() for s in samples for name in knows}, True, True),
    ]
    compared = trust(found.selections[ALL], "fairer", metrics, resamples=200)
    assert compared.metrics[0].name == "knows" and compared.metrics[0].gain.low > 0
    assert verdict(compared).startswith("knows foretells")
    # without the one that knows, nothing is claimed
    less = trust(found.selections[ALL], "fairer", metrics[1:], resamples=200)
    assert verdict(less).startswith("No metric is shown to be better")
    assert verdict(trust(found.selections[ALL], "fairer", metrics[2:], resamples=200)).startswith(
        "No automatic"
    )


def test_a_comparison_that_cannot_be_made_is_a_sentence():
    nothing = analyse(
        [replace(one, answer="cannot_tell") for one in votes_of("a", 2, 1)], WORDS, resamples=100
    )
    one = MetricValues("m", {}, True)
    assert "nothing to agree with" in trust(nothing.selections[ALL], "fairer", [one])
    assert "is not known here" in trust(nothing.selections[ALL], "fairer", [])


def test_the_same_votes_are_analysed_once_and_bear_both_names():
    found = small()
    every, kept = found.selections[ALL], found.selections[REGISTERED]
    assert every.questions is kept.questions and (every.name, kept.name) == (ALL, REGISTERED)
    compared = trust_all(found, "fairer", [])
    assert list(compared) == [ALL, REGISTERED] and compared[ALL] is compared[REGISTERED]
    more = analyse([*CROWD, *QUICK], WORDS, resamples=100)
    assert more.selections[ALL].questions is not more.selections[REGISTERED].questions
