"""Equal coverage and coverage parity: vector 12, chunks, what is skipped, and the fit to the bootstrap."""

import math

import numpy as np
import pytest

from fairprune.errors import BadInput
from fairprune.metrics import METRICS
from fairprune.metrics.coverage import (
    ONE_GROUP,
    Coverage,
    chunks,
    cover,
    documents,
    equal_coverage,
    parity,
    parity_contrasts,
    parity_row,
    similarity_scorer,
)
from fairprune.metrics.matchers.words import words
from fairprune.metrics.shares import NO_SOURCE
from fairprune.spec import MetricSpec
from fairprune.uncertainty import draw_resamples, estimate, scored

GROUPS = ("a", "b")
SPEC = MetricSpec()


def covered(*pairs, groups=GROUPS):
    return Coverage(groups, tuple((groups.index(group), p) for group, p in pairs))


FIRST = covered(("a", 0.6), ("a", 0.4), ("b", 0.2), ("b", 0.4))
SECOND = covered(("a", 0.3), ("b", 0.5), ("b", 0.1), ("b", 0.3))


def test_vector_12_equal_coverage():
    # mean .4: c = (.2, 0, −.2, 0); a .1, b −.1 → .1
    assert equal_coverage(FIRST) == pytest.approx([0.1])
    # mean .3: c = (0; .2, −.2, 0): 0 and 0
    assert equal_coverage(SECOND) == pytest.approx([0.0], abs=1e-12)
    table = np.array([METRICS["ec"].sample(one, SPEC) for one in (FIRST, SECOND)] + [[np.nan]])
    assert METRICS["ec"].statistic(np.ones((1, 3)), table)[0] == pytest.approx(0.05)


def test_vector_12_one_group_is_skipped():
    third = cover(
        [documents([("x", "a"), ("y", "a")], GROUPS)], ["Unit."], GROUPS, lambda pairs: np.ones(len(pairs))
    )
    assert third == [Coverage(GROUPS, (), ONE_GROUP)]
    with pytest.raises(BadInput, match="only one group"):
        third[0].deviations()


def test_vector_12_coverage_parity():
    rows = np.array([parity_row(FIRST), parity_row(SECOND), [np.nan] * 4])
    assert rows[0].tolist() == pytest.approx([0.2, -0.2, 2, 2])
    # mean c: a (.2 + 0 + 0) / 3 = .066667, b (−.2 + 0 + .2 − .2 + 0) / 5 = −.04; (.066667 + .04) / 2
    totals = rows[:2].sum(axis=0)
    assert (totals[:2] / totals[2:]).tolist() == pytest.approx([0.066667, -0.04], abs=1e-6)
    assert parity(np.ones((1, 3)), rows)[0] == pytest.approx(0.053333, abs=1e-6)


def test_parity_under_weights_is_that_of_the_repeated_samples():
    rows = np.array([parity_row(FIRST), parity_row(SECOND), [np.nan] * 4])
    # the first twice: a (.4 + 0) / 5 = .08, b (−.4 − 0) / 7 = −.057143: mean .068571
    assert parity(np.array([[2.0, 1.0, 3.0]]), rows)[0] == pytest.approx((0.08 + 0.4 / 7) / 2)
    assert np.isnan(parity(np.array([[0.0, 0.0, 2.0]]), rows)[0])


def test_parity_leaves_out_a_group_that_is_not_drawn():
    groups = ("a", "b", "c")
    rows = np.array(
        [
            parity_row(covered(("a", 0.6), ("b", 0.2), groups=groups)),  # c(a) .2, c(b) −.2
            parity_row(covered(("a", 0.4), ("c", 0.6), groups=groups)),  # c(a) −.1, c(c) .1
        ]
    )
    # the first alone: (.2 + .2) / 2; both: a .05, b .2, c .1: .35 / 3
    assert parity(np.array([[1.0, 0.0], [1.0, 1.0]]), rows) == pytest.approx([0.2, 0.35 / 3])


def test_three_groups():
    # mean .5: a .3, b −.1, c −.2: .6 / 3
    found = covered(("a", 0.8), ("b", 0.4), ("c", 0.3), groups=("a", "b", "c"))
    assert equal_coverage(found) == pytest.approx([0.2])


def test_parity_has_signed_contrasts():
    # c: a +.2, b −.2; then b has two documents: p .9, .1, .5, mean .5: a +.4, b −.4 and 0
    rows = np.array(
        [parity_row(covered(("a", 0.7), ("b", 0.3))), parity_row(covered(("a", 0.9), ("b", 0.1), ("b", 0.5)))]
    )
    weights = np.array([[1.0, 1.0], [0.0, 2.0], [0.0, 0.0]])
    found = parity_contrasts(weights, rows)
    # a (.2 + .4) / 2, b (−.2 − .4 + 0) / 3
    assert found[0] == pytest.approx([0.3, -0.2])
    assert found[1] == pytest.approx([0.4, -0.2])
    assert np.isnan(found[2]).all()
    assert parity(weights, rows)[:2] == pytest.approx([0.25, 0.3])
    assert np.isnan(parity(weights, rows)[2])


def test_both_fit_the_bootstrap():
    rng = np.random.default_rng(0)
    samples = [covered(("a", rng.uniform()), ("b", rng.uniform()), ("b", rng.uniform())) for _ in range(30)]
    topics = [str(i) for i in range(30)]
    draws = draw_resamples(topics, ["x"] * 30, 200, 0)
    for name in ("ec", "cp"):
        table = np.array([METRICS[name].sample(one, SPEC) for one in samples])
        table[3] = np.nan
        found = estimate(METRICS[name].statistic, table, draws, contrasts=METRICS[name].contrasts)
        assert (found.n, int(scored(table).sum())) == (29, 29)
        assert found.low < found.high
        # Folded: resamples lie above the point value on average. The mean of EC lies within its interval all the same.
        assert found.bias > 0 if name == "cp" else found.low < found.value < found.high


def test_chunks_have_fewer_than_100_words_and_keep_all_of_them():
    text = " ".join(f"Sentence {i} has exactly six words." for i in range(50))  # 300 words
    found = chunks(text)
    assert [len(words(chunk)) for chunk in found] == [96, 96, 96, 12]  # 16 sentences each
    assert " ".join(found) == text
    long = " ".join(f"w{i}" for i in range(250))
    assert [len(words(chunk)) for chunk in chunks(long)] == [99, 99, 52]
    assert " ".join(chunks(long)) == long
    assert chunks("") == ()


def test_the_best_chunk_counts_and_units_are_averaged():
    table = {
        ("first.", "One."): 0.2,
        ("second.", "One."): 0.9,
        ("first.", "Two."): 0.4,
        ("second.", "Two."): 0.1,
        ("third.", "One."): 0.5,
        ("third.", "Two."): 0.3,
    }
    opinions = [("first. second.", "a"), ("third.", "b")]
    source = documents(opinions, GROUPS)
    # one chunk per sentence, as if each were long
    source = (type(source[0])(0, ("first.", "second.")), source[1])
    found = cover([source], ["One. Two."], GROUPS, lambda pairs: np.array([table[pair] for pair in pairs]))
    # a: (.9 + .4) / 2; b: (.5 + .3) / 2
    assert [p for _, p in found[0].documents] == pytest.approx([0.65, 0.4])


def test_each_pair_is_scored_once():
    seen = []

    def score(pairs):
        seen.append(list(pairs))
        return np.zeros(len(pairs))

    source = documents([("x", "a"), ("x", "b"), ("y", "b")], GROUPS)
    cover([source, source], ["Unit. Unit. View.", "View."], GROUPS, score)
    assert seen == [[("x", "Unit."), ("y", "Unit."), ("x", "View."), ("y", "View.")]]


@pytest.mark.parametrize(
    ("opinions", "summary", "reason"),
    [
        ([("x", "a"), ("y", "b")], None, "no summary written"),
        ([("x", "a"), ("y", "b")], " ", "empty summary"),
        ([("x", "a"), ("y", "b")], "🙂!", "a summary without words"),
        ([("...", "a"), ("🙂", "b")], "Unit.", NO_SOURCE),
        ([("x", "a"), ("...", "b")], "Unit.", ONE_GROUP),
    ],
)
def test_what_cannot_be_scored_is_counted(opinions, summary, reason):
    found = cover([documents(opinions, GROUPS)], [summary], GROUPS, lambda pairs: np.ones(len(pairs)))
    assert (found[0].unscored, found[0].documents) == (reason, ())


def test_units_without_words_do_not_count():
    found = cover(
        [documents([("x", "a"), ("y", "b")], GROUPS)],
        ["One. ... 🙂."],
        GROUPS,
        lambda pairs: np.ones(len(pairs)),
    )
    assert [p for _, p in found[0].documents] == [1, 1]


def test_similarity_is_the_cosine():
    axes = {"x": (1, 0), "y": (0, 1), "Unit.": (0.6, 0.8)}
    score = similarity_scorer(lambda texts: np.array([axes[text] for text in texts], np.float32))
    assert score([("x", "Unit."), ("y", "Unit.")]).tolist() == pytest.approx([0.6, 0.8])
    # c(d) = ∓.1: EC .1
    found = cover([documents([("x", "a"), ("y", "b")], GROUPS)], ["Unit."], GROUPS, score)
    assert METRICS["ec_embedding"].sample(found[0], SPEC) == pytest.approx([0.1])
    assert METRICS["cp_embedding"].sample(found[0], SPEC) == pytest.approx([-0.1, 0.1, 1, 1])


def test_doubling_every_opinion_changes_nothing():
    opinions = [("x", "a"), ("y", "b"), ("z", "b")]
    values = {"x": 0.1, "y": 0.7, "z": 0.4}
    once, twice = (
        cover(
            [documents(given, GROUPS)],
            ["Unit."],
            GROUPS,
            lambda pairs: np.array([values[c] for c, _ in pairs]),
        )[0]
        for given in (opinions, opinions * 2)
    )
    assert equal_coverage(twice) == pytest.approx(equal_coverage(once))
    one, two = (parity(np.ones((1, 1)), np.array([parity_row(each)]))[0] for each in (once, twice))
    assert one == pytest.approx(two)
    assert not math.isclose(one, 0)


def test_blocks_change_nothing(monkeypatch):
    from fairprune.metrics import coverage

    sources = [documents([("x" * i, "a"), ("y" * i, "b")], GROUPS) for i in range(1, 6)]
    texts = ["One.", None, "Two three.", "", "Four."]

    def score(pairs):
        return np.array([len(chunk) / (1 + len(unit)) for chunk, unit in pairs])

    whole = cover(sources, texts, GROUPS, score)
    monkeypatch.setattr(coverage, "BLOCK", 2)
    assert cover(sources, texts, GROUPS, score) == whole
