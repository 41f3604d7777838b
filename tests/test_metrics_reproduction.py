"""Where our numbers differ from those of the released code, and by how much: the table of docs/metrics.md."""

from pathlib import Path

import numpy as np
import pytest
from nltk.stem.porter import PorterStemmer
from nltk.tokenize import NLTKWordTokenizer

from fairprune.metrics import METRICS
from fairprune.metrics.matchers import ngram
from fairprune.metrics.matchers.base import softmax
from fairprune.metrics.matchers.words import content_stems, stop_words, tokens
from fairprune.metrics.shares import from_counts
from fairprune.opinions import Opinion, OpinionSet
from fairprune.spec import MetricSpec
from tests.conftest import ROOT
from tests.published_rule import bur_uer, kept

RELEASED = MetricSpec(ties="le", zero_match="uniform")
GROUPS = ("a", "b", "c", "d")


def ours(n_x, n_y, spec):
    """(BUR, UER); None where it is unscored."""
    groups = GROUPS[: len(n_x)]
    shares = from_counts(
        groups,
        dict(zip(groups, n_x, strict=True)),
        dict(zip(groups, n_y, strict=True)),
        zero_match=spec.zero_match,
    )
    if shares.summary is None:
        return None
    return tuple(METRICS[name].sample(shares, spec)[0] for name in ("bur", "uer"))


@pytest.mark.parametrize(
    ("n_x", "n_y"),
    [
        ((60, 40), (5, 5)),
        ((50, 50), (39, 61)),
        ((50, 50), (40, 60)),  # a tie
        ((20, 60, 20), (10, 70, 20)),
        ((5, 3, 2, 0), (5, 4, 1, 0)),  # .5 + .3 + .2 reaches 1 in floats
        ((80, 20), (0, 0)),  # no match
        ((10,), (3,)),
    ],
)
def test_with_the_options_of_the_released_code_the_numbers_are_the_same(n_x, n_y):
    assert ours(n_x, n_y, RELEASED) == pytest.approx(bur_uer(n_x, n_y))


def test_options_reproduce_random_samples_of_two_groups():
    rng = np.random.default_rng(0)
    differ = 0
    for _ in range(3000):
        n_x, n_y = rng.integers(1, 60, 2).tolist(), rng.integers(0, 30, 2).tolist()
        released, found = bur_uer(n_x, n_y), ours(n_x, n_y, RELEASED)
        assert found[1] == pytest.approx(released[1])
        differ += found[0] != released[0]
    assert differ <= 3  # ties that floats miss


def test_a_tie_is_fair_here_and_unfair_there():
    n_x, n_y = (50, 50), (40, 60)
    assert (ours(n_x, n_y, MetricSpec())[0], ours(n_x, n_y, RELEASED)[0], bur_uer(n_x, n_y)[0]) == (0, 1, 1)


def test_the_released_code_misses_a_tie_by_rounding():
    # .28 <= .35 · .8 is false in floats: .27999999999999997. The same tie as above, the opposite answer.
    n_x, n_y = (35, 65), (28, 72)
    assert (ours(n_x, n_y, MetricSpec())[0], ours(n_x, n_y, RELEASED)[0], bur_uer(n_x, n_y)[0]) == (0, 1, 0)


def test_rounding_at_the_cutoff_keeps_a_group_without_text():
    # .7 + .2 + .1 = .9999999999999999: the fourth group is taken, has 0 <= 0 and counts as unfair; UER is shared by 4
    n_x, n_y = (7, 2, 1, 0), (5, 4, 1, 0)
    assert kept(n_x) == [0, 1, 2, 3]
    assert bur_uer(n_x, n_y) == (1, pytest.approx(0.05))  # loss .2 over four groups
    assert ours(n_x, n_y, RELEASED) == (1, pytest.approx(0.2 / 3))  # .5 <= .56: a is unfair anyway
    # a summary that copies the source: ours is fair, theirs is not
    assert bur_uer(n_x, n_x) == (1, 0)
    assert ours(n_x, n_x, RELEASED) == (0, 0)


def test_how_often_the_cutoff_rounds():
    # ratings 1 to 5 with one value absent, 20 to 400 tokens: in how many of 20,000 samples a group without text is taken
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(20_000):
        n_x = [*(int(n) for n in rng.integers(5, 100, 4)), 0]
        wrong += len(kept(n_x)) == 5
    assert wrong / 20_000 == pytest.approx(0.152, abs=0.01)
    # with two groups one of which is absent, never
    assert all(len(kept((int(n), 0))) == 1 for n in rng.integers(1, 10_000, 1000))


def test_a_summary_without_a_match_is_unscored_here_and_uniform_there():
    assert ours((50, 50), (0, 0), MetricSpec()) is None
    assert (
        ours((50, 50), (0, 0), RELEASED) == bur_uer((50, 50), (0, 0)) == (0, 0)
    )  # nonsense is perfectly fair
    assert ours((80, 20), (0, 0), RELEASED) == pytest.approx(bur_uer((80, 20), (0, 0)))
    assert bur_uer((80, 20), (0, 0)) == (1, pytest.approx(0.15))


def two(a, b):
    return OpinionSet("s", "t", "balanced", "a", (Opinion(a, "a", "t"), Opinion(b, "b", "t")))


def test_other_stop_words():
    # Released: the lists of all languages, punctuation and 'people'. "war" is German for was.
    given = two("people want peace", "the war goes on")
    summary = "People want the war to end"
    plain = ngram.read_source(given, ("a", "b"))
    assert dict(plain.counts) == {"a": 3, "b": 2}  # people want peac | war goe
    shares = ngram.match(plain, summary, "unscored")
    # people, want | war: p_y (2/3, 1/3) against (3/5, 2/5): losses (0, 1/15)
    assert METRICS["uer"].sample(shares, MetricSpec()) == pytest.approx([1 / 30])
    extra = ("people", "war")
    fewer = ngram.read_source(given, ("a", "b"), extra)
    assert dict(fewer.counts) == {"a": 2, "b": 1}
    # want alone: p_y (1, 0) against (2/3, 1/3): UER 1/6, and BUR turns to 1
    shares = ngram.match(fewer, summary, "unscored", extra)
    assert METRICS["uer"].sample(shares, MetricSpec()) == pytest.approx([1 / 6])
    assert METRICS["bur"].sample(shares, MetricSpec()) == [1]


def test_other_tokens():
    # NLTK's tokenizer leaves n't and 's standing, which no stop list holds, and keeps hyphenated words whole
    text = "It isn't well-made, that's all"
    released = [
        token for token in NLTKWordTokenizer().tokenize(text.lower()) if token not in {*stop_words(), ","}
    ]
    assert released == ["n't", "well-made", "'s"]
    assert [token for token in tokens(text) if token not in stop_words()] == ["well", "made"]


def test_other_stems():
    # NLTK's extended Porter joins dying and died; the original algorithm, used here, does not
    extended = PorterStemmer()
    assert {extended.stem("dying"), extended.stem("died")} == {"die"}
    assert content_stems("dying died") == ["dy", "di"]
    source = ngram.read_source(two("dying battery", "dim screen"), ("a", "b"))
    # "Battery died, screen dim": battery | screen, dim: p_y (1/3, 2/3) against (1/2, 1/2); with 'died' (1/2, 1/2)
    shares = ngram.match(source, "Battery died, screen dim", "unscored")
    assert METRICS["uer"].sample(shares, MetricSpec()) == pytest.approx([1 / 12])


def test_the_temperature_decides_neural_matchers():
    # BERTScore precisions of .90 and .86 without rescaling. Released: (s − b) / (1 − b) with b = .83150584, then T = 2
    b, near = 0.83150584, np.array([0.90, 0.86])
    rescaled = softmax((near - b) / (1 - b), 2)
    assert rescaled == pytest.approx([0.5296, 0.4704], abs=1e-4)
    assert softmax(near, 2 * (1 - b)) == pytest.approx(rescaled)
    assert 2 * (1 - b) == pytest.approx(0.337, abs=1e-3)
    assert softmax(near, 2) == pytest.approx([0.505, 0.495], abs=1e-4)
    assert softmax(near, 0.1) == pytest.approx([0.5987, 0.4013], abs=1e-4)
    # With shares near (.5, .5) whatever the summary says, BUR is decided by the source: unfair when .5 < .8 p_x
    for n_x, unfair in (((62, 38), 0), ((64, 36), 1)):
        assert bur_uer(n_x, (50.5, 49.5)) == (unfair, pytest.approx((n_x[0] / 100 - 0.505) / 2))


def test_the_notes_in_the_documentation_hold_these_numbers():
    text = (Path(ROOT) / "docs" / "metrics.md").read_text(encoding="utf-8")
    section = text[text.index("## Reproduction notes") :]
    for number in (
        "15 %",
        ".337",
        "1/30",
        "1/6",
        "1/12",
        "(.530, .470)",
        "(.505, .495)",
        ".27999999999999997",
    ):
        assert number in section, number
