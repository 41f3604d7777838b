"""The specification curve: which specifications there are, what each says, and their summary."""

import json
from dataclasses import replace

import pytest

from fairprune.errors import BadInput
from fairprune.labels import train_classifier
from fairprune.multiverse import Row, exclusions, reasons, sentence, specification_curve, summary
from fairprune.opinions import CorpusInfo
from fairprune.spec import MetricSpec
from tests.test_evaluate import BOTH, FRESH, INFO, make_set
from tests.test_labels import GROUPS, bag_of_words, opinions

SPEC = MetricSpec(resamples=100)
SETS = [make_set(i) for i in range(6)]
# A holds both groups everywhere, B one of them, nothing, or words of nobody.
SYSTEMS = {"A": [BOTH] * 6, "B": [FRESH] * 4 + [None, "Nothing anybody ever wrote there."]}


def curve(**more):
    return specification_curve(SETS, SYSTEMS, INFO, SPEC, **more)


def row_of(rows, **wanted):
    found = [row for row in rows if all(getattr(row, key) == value for key, value in wanted.items())]
    assert len(found) == 1, wanted
    return found[0]


@pytest.fixture(scope="module")
def rows():
    return curve(taus=("0.5", "0.8"), seeds=(0, 1))


def test_every_specification_stands_once(rows):
    # one matcher, 2 readings, 2 ties, 2 τ, 3 treatments, 2 seeds
    assert len(rows) == len(set(rows)) == 48
    assert {row.unscored for row in rows} == {"left out", "uniform", "unfair"}
    json.dumps([row.to_json() for row in rows], allow_nan=False)


def test_treatments_of_unscored_by_hand(rows):
    # left out: the four that both score: 0 − 1. uniform: the words of nobody have p_y (.5, .5) against p_x (3/7, 4/7),
    # fair at .8: (4 + 0) / 5. unfair: all six: 0 − 1.
    wanted = {"reading": "ratio", "ties": "lt", "tau": "0.8", "seed": 0}
    found = {row.unscored: row for row in rows if all(getattr(row, k) == v for k, v in wanted.items())}
    assert {name: (row.a, row.b, row.n) for name, row in found.items()} == {
        "left out": (0, 1, 4),
        "uniform": (0, 0.8, 5),
        "unfair": (0, 1, 6),
    }
    assert found["left out"].difference == -1
    assert found["uniform"].difference == pytest.approx(-0.8)


def test_choices_that_do_not_matter_are_not_varied():
    # UER: 2 readings, 3 treatments, 3 seeds
    found = curve(metric="uer")
    assert len(found) == 18
    assert {(row.ties, row.tau) for row in found} == {(None, None)}
    assert len(curve(metric="auc", seeds=(0,))) == 12
    # B loses (0, 4/7) in four, mean 2/7
    row = row_of(found, reading="ratio", unscored="left out", seed=0)
    assert (row.a, row.b) == (0, pytest.approx(2 / 7))


def test_labels_are_a_second_matcher():
    classifier = train_classifier(opinions(), GROUPS, bag_of_words, seed=0)[0]
    found = curve(classifier=classifier, taus=("0.8",), seeds=(0,))
    assert len(found) == 24
    # sentences 2 : 2; BOTH 1 : 1, FRESH 1 : 0; the words of nobody have no label: left out
    row = row_of(found, matcher="label", reading="ratio", ties="lt", unscored="left out")
    assert (row.a, row.b, row.n) == (0, 1, 4)


def test_embeddings_are_a_third_matcher_where_they_may_be_trusted():
    parties = CorpusInfo("p", "P", ("left", "right"), "speech", "Speeches.", "made up")
    turned = {"fresh": "left", "rotten": "right"}
    sets = [
        replace(one, opinions=tuple(replace(o, group=turned[o.group]) for o in one.opinions)) for one in SETS
    ]
    systems = {"A": [BOTH] * 6, "B": [FRESH] * 6}
    asked = {"metric": "uer", "seeds": (0,), "encoder": bag_of_words}
    found = specification_curve(sets, systems, parties, SPEC, **asked)
    assert {row.matcher for row in found} == {"ngram", "embedding"}
    # p_x (3/7, 4/7). BOTH is as near to either: loss 4/7 − 1/2 of one of two groups. FRESH lies at 1 from left and, by two of
    # its six words, at 2/6 from right: at T = .1 p_y (.998729, .001271).
    row = row_of(found, matcher="embedding", reading="ratio", unscored="left out")
    assert row.a == pytest.approx((4 / 7 - 1 / 2) / 2, abs=1e-5)
    assert row.b == pytest.approx((4 / 7 - 0.001271) / 2, abs=1e-5)
    # at the spec's own T = 2: 1 / (1 + e^(1/3)) = .417430
    soft = MetricSpec(resamples=100, matcher="embedding", temperature=2)
    row = row_of(
        specification_curve(sets, systems, parties, soft, **asked),
        matcher="embedding",
        reading="ratio",
        unscored="left out",
    )
    assert row.b == pytest.approx((4 / 7 - 0.417430) / 2, abs=1e-5)
    # films: the groups are sentiments, which this encoder does not tell apart
    assert {row.matcher for row in curve(**asked)} == {"ngram"}


def test_any_two_of_several_systems():
    more = {**SYSTEMS, "C": [BOTH] * 6}
    found = specification_curve(SETS, more, INFO, SPEC, a="C", b="A", taus=("0.8",), seeds=(0,))
    assert {row.difference for row in found} == {0}
    assert specification_curve(SETS, more, INFO, SPEC, b="A", metric="uer", seeds=(0,))[0].b == 0


def test_summary_by_hand():
    def row(difference, low, high, reason=None):
        return Row(
            "bur", "ngram", "ratio", "lt", "0.8", "left out", 0, 0.0, 0.0, difference, low, high, 9, reason
        )

    found = [
        row(-0.2, -0.3, -0.1),
        row(-0.1, -0.3, 0.1),
        row(0.1, 0.05, 0.2),
        row(0, None, None, "nothing varies"),
        row(-0.3, None, None, "nothing varies"),
        row(None, None, None, "none is scored"),
    ]
    assert [one.clear for one in found] == [True, False, True, None, None, None]
    assert summary(found) == {
        "specifications": 6,
        "a_fairer": 3,
        "b_fairer": 1,
        "equal": 1,
        "intervals": 3,
        "a_clearly": 1,
        "b_clearly": 1,
        "no_interval": 2,
        "missing": 1,
    }
    assert reasons(found) == {"nothing varies": 2, "none is scored": 1}
    assert sentence(found, "A", "B") == (
        "A is fairer than B in 3 of 6 specifications and less fair in 1; the interval excludes zero in 2 of 3 that have one "
        "(1 and 1), 2 without an interval, 1 could not be computed; 2 × nothing varies; 1 × none is scored"
    )
    assert exclusions(found[:3]) == "the interval excludes zero in 2 of 3 that have one (1 and 1)"


def test_nothing_in_common_is_missing():
    found = specification_curve(
        SETS[:2], {"A": [BOTH, None], "B": [None, BOTH]}, INFO, SPEC, taus=("0.8",), seeds=(0,)
    )
    left_out = [row for row in found if row.unscored == "left out"]
    assert {(row.a, row.difference, row.low, row.n) for row in left_out} == {(None, None, None, 0)}
    assert {row.reason for row in left_out} == {"no sample is scored for both systems"}
    assert summary(found)["missing"] == 8  # uniform changes nothing: nothing was written


def test_one_topic_has_values_and_no_intervals():
    sets = [make_set(i, topic="the same") for i in range(3)]
    found = specification_curve(
        sets, {"A": [BOTH] * 3, "B": [FRESH] * 3}, INFO, SPEC, taus=("0.8",), seeds=(0,)
    )
    assert {(row.difference, row.low, row.clear) for row in found} == {(-1, None, None)}
    assert {row.to_json()["reason"] for row in found} == {"one topic only: there is no interval"}
    assert (summary(found)["intervals"], summary(found)["no_interval"]) == (0, len(found))


def test_specifications_in_which_nothing_varies_are_counted_apart():
    # A and B say the same: UER 0 − 0 in every resample. Of BUR, a proportion, there is an interval even then.
    same = {"A": [BOTH] * 6, "B": [BOTH] * 6}
    found = specification_curve(SETS, same, INFO, SPEC, metric="uer", seeds=(0,))
    assert {(row.difference, row.low, row.clear) for row in found} == {(0, None, None)}
    assert list(reasons(found).values()) == [len(found)] and "every resample" in next(iter(reasons(found)))
    rates = specification_curve(SETS, same, INFO, SPEC, taus=("0.8",), seeds=(0,))
    assert {(row.clear, row.reason) for row in rates} == {(False, None)}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: specification_curve([], {"A": [], "B": []}, INFO, SPEC), "no opinion set"),
        (lambda: specification_curve(SETS, {"A": [BOTH] * 6}, INFO, SPEC), "1 systems cannot be compared"),
        (lambda: curve(a="D"), "unknown system 'D'"),
        (lambda: curve(a="A", b="A"), "compared with itself"),
        (lambda: curve(metric="spd2"), "unknown metric of a specification curve"),
        (lambda: curve(taus=()), "at least one tau"),
        (
            lambda: specification_curve(SETS, {"A": [BOTH], "B": [BOTH] * 6}, INFO, SPEC),
            "1 summaries of 'A' do not fit 6",
        ),
    ],
)
def test_wrong_input_is_named(call, words):
    with pytest.raises(BadInput, match=words):
        call()
