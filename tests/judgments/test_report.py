"""What a paper says, from values: it adds up, and a missing number is said to be missing."""

import pytest

from fairprune.errors import BadInput
from fairprune.judgments.agreement import agreement
from fairprune.judgments.bias import Rules, side_bias
from fairprune.judgments.frozen import freeze
from fairprune.judgments.measured import Measured
from fairprune.judgments.power import Assumptions
from fairprune.judgments.ranking import rank
from fairprune.judgments.report import Flow, findings, flow_diagram, flow_of, methods, number, table
from fairprune.judgments.votes import Vote, outcomes
from tests.judgments.test_frozen import design


def votes_of(judge, answers, seconds=20.0, **more):
    sides = [("dense", "wanda"), ("wanda", "dense")]
    return [
        Vote("s", judge, f"i{n}", "fairer", *sides[n % 2], answer, seconds, **more)
        for n, answer in enumerate(answers)
    ]


MIXED = ["left", "right", "tie", "left", "left", "right"] * 2
VOTES = [
    *votes_of("good", MIXED),
    *votes_of("other", MIXED[::-1], 30.0),
    *votes_of("quick", MIXED, 2.0),
    *votes_of("gone", ["left"]),
]
CHECKS = [
    Vote("s", judge, f"at{n}", "fairer", "plain", "asks", answer, kind="attention", expected=("tie",))
    for judge, n, answer in (
        ("good", 1, "tie"),
        ("other", 1, "left"),
        ("gone", 1, "skipped"),
        ("gone", 2, "skipped"),
    )
]


def flow():
    return flow_of(
        VOTES, Rules(), arrived=10, no_consent=2, screened_out=1, completed=["good", "other", "quick"]
    )


def test_the_flow_adds_up():
    # 10 arrive, 2 refuse, 1 is screened out; 4 of the other 7 answer, so 3 do not
    found = flow()
    assert found.no_answer == 3 and found.judged == 4
    assert (found.completed, found.left, found.failed) == (3, 1, 0)
    assert found.excluded == (("too_fast", 1),) and found.analysed == 3


def test_a_judge_is_left_out_once_whatever_the_rules():
    votes = votes_of("bad", ["left"] * 12, 1.0)
    found = flow_of(votes, Rules(), arrived=1, no_consent=0, screened_out=0, completed=[], failed=["bad"])
    assert found.excluded == (("too_fast", 1),) and found.failed == 1 and found.analysed == 0


def test_a_flow_that_does_not_add_up_is_refused():
    with pytest.raises(BadInput, match="10 people arrived, but 9 are accounted for"):
        Flow(10, 2, 1, 2, 0, 1, 3, (), 4)
    with pytest.raises(BadInput, match="of 4 judges with answers 1 are excluded, but 4 are analysed"):
        Flow(10, 2, 1, 3, 0, 1, 3, (("attention", 1),), 4)
    with pytest.raises(BadInput, match="'nobody' is said to have ended"):
        flow_of(VOTES, Rules(), arrived=9, no_consent=0, screened_out=0, completed=["nobody"])
    with pytest.raises(BadInput, match="3 people arrived"):
        # four judges have answers, so four must have come
        Flow(3, 0, 0, 0, 0, 1, 3, (), 4)


def test_the_diagram_names_every_number():
    text = flow_diagram(flow())
    for line in (
        "opened the link: n = 10",
        "no consent: n = 2",
        "screened out: n = 1",
        "consented and eligible: n = 7",
        "left before the first answer: n = 3",
        "gave answers: n = 4",
        "completed 3, stopped 0, left early 1",
        "left out: answered too fast: n = 1",
        "analysed as registered: n = 3",
    ):
        assert line in text


def test_time_and_pay_by_hand():
    # good: 12 · 20 s = 240 s, other: 360 s, quick: 24 s, gone: 20 s. Median of (20, 24, 240, 360) = 132 s = 2.2 minutes
    # answers: 12 of 2 s, 13 of 20 s, 12 of 30 s: the median is 20 s. Hourly: 1 / (240/3600) = 15, 1.5 / (360/3600) = 15
    rows = {row.what: row.value for row in table(flow(), VOTES, {"good": 1.0, "other": 1.5}, "GBP")}
    assert rows["median seconds per answer"] == "20.0"
    assert rows["median minutes of answering per judge"] == "2.2"
    assert rows["judges paid"] == "2" and rows["pay in total"] == "2.50 GBP"
    assert rows["median pay per judge"] == "1.25 GBP"
    assert rows["median pay per hour of answering"] == "15.00 GBP"
    assert rows["left out: answered too fast"] == "1" and rows["judges analysed as registered"] == "3"


def test_what_is_not_known_is_said():
    votes = votes_of("good", MIXED, None)
    own = flow_of(votes, Rules(), arrived=1, no_consent=0, screened_out=0, completed=["good"])
    rows = {row.what: row.value for row in table(own, votes)}
    assert rows["median seconds per answer"] == "not measured" and rows["pay"] == "not recorded"
    assert {row.what: row.value for row in table(own, votes, {}, "GBP")}["pay"] == "nobody was paid"
    with pytest.raises(BadInput, match="needs a currency"):
        table(own, votes, {"good": 1.0})
    with pytest.raises(BadInput, match="the currency has 9 characters: name it in at most 8"):
        table(own, votes, {"good": 1.0}, "GBP a day")
    with pytest.raises(BadInput, match=r"'good' is -1\.0"):
        table(own, votes, {"good": -1.0}, "GBP")


def test_the_methods_paragraph():
    assumed = Assumptions(judges=30, samples=2, votes_per_item=3, effect=0.6)
    made = design(attention=1, repeats=2, automatic_ties=1, assumptions=assumed, power=0.82)
    frozen = freeze(made)
    text = methods(made, frozen, flow(), [*VOTES, *CHECKS])
    for part in (
        "standard of fairness was proportional",
        "“Which summary is better overall?”, in counterbalanced order",
        "2 systems (dense, wanda) were compared in 1 pair on 2 samples: 2 items with 3 votes each",
        "1 further item with identical texts",
        "1 attention item and 2 repeated items were planned among the items of every judge",
        "Judges came to 4 attention items: 1 were answered as asked, 1 were not, and 2 were skipped, by 1 judge.",
        "left out who failed or skipped 2 attention items or more, took less than 5 s per answer in the median, or gave the same answer "
        "in at least 95% of the cases",
        "a preference of 60% with a power of 82%",
        "Of 10 people who opened the link, 4 gave answers; the registered rules left out 1 of them, and 3 were analysed",
        "1 hypothesis was registered, with an error rate of 0.05 for all together (Holm)",
        f"SHA-256 {frozen.digest}",
    ):
        assert part in text, part
    plain = design(rules=Rules(attention_failures=None, least_seconds=None, straight_lining=None))
    assert "Nobody was to be left out" in methods(plain, freeze(plain), flow(), VOTES)


def test_another_design_than_the_frozen_one_is_not_reported():
    with pytest.raises(BadInput, match="not the one with the hash"):
        methods(design(votes_per_item=4), freeze(design()), flow(), VOTES)


def test_findings():
    results = outcomes(VOTES, "fairer")
    text = findings(rank(results, reference="dense"), agreement(results), side_bias(VOTES))
    assert "relative to dense" in text and "dense 0.00 (no interval: the reference: 0 by definition)" in text
    assert "Krippendorff's α ordinal" in text and "p = " in text and "Warning" not in text
    alone = outcomes(votes_of("good", ["left"]), "fairer")
    text = findings(rank(alone), agreement(alone), side_bias(votes_of("good", ["left"])))
    assert "not defined (no item was judged by two judges" in text
    assert "Warning: some systems won, or lost, every vote" in text and "p = " not in text


def test_numbers():
    assert number(Measured(0.5, 0.25, 0.75, 9, 9)) == "0.50 [0.25, 0.75]"
    assert number(Measured(0.5, None, None, 9, 1, "one judge")) == "0.50 (no interval: one judge)"
    assert number(Measured(None, None, None, 0, 0, "nobody voted")) == "not defined (nobody voted)"


def test_who_only_skipped_has_given_no_answer():
    only = [vote for vote in CHECKS if vote.judge == "gone"]
    found = flow_of(only, Rules(), arrived=1, no_consent=0, screened_out=0, completed=[])
    assert (found.no_answer, found.judged, found.analysed) == (1, 0, 0)


def test_votes_of_elsewhere_have_a_flow_without_a_beginning():
    found = flow_of(
        VOTES,
        Rules(),
        arrived=None,
        no_consent=0,
        screened_out=0,
        completed=["good"],
        unknown=["gone", "other"],
    )
    assert (found.judged, found.unknown, found.left, found.completed) == (4, 2, 1, 1)
    text = flow_diagram(found)
    assert (
        text.startswith("who came, agreed and was screened out is not known")
        and "opened the link" not in text
    )
    assert "whether they finished is not known of 2; completed 1, stopped 0, left early 1" in text
