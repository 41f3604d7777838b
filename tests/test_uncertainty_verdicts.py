"""From an interval and a margin to a word."""

import math

import pytest

from fairprune.errors import BadInput
from fairprune.uncertainty import Estimate, check_margin, decide, samples_needed, smallest_detectable


def between(low, high):
    middle = None if low is None else (low + high) / 2
    return Estimate(middle, low, high, 0.0, 60, 60, 0, 0.01, 59)


@pytest.mark.parametrize(
    ("low", "high", "p", "word"),
    [
        (-0.08, -0.01, 0.01, "better"),
        (-0.08, -0.01, 0.20, "non-inferior"),  # the interval says so, the test does not
        (-0.03, 0.04, 0.70, "non-inferior"),
        (0.01, 0.04, 0.01, "non-inferior"),  # worse, but by less than what would be accepted
        (0.01, 0.09, 0.01, "worse"),
        (0.01, 0.09, 0.06, "undecided"),
        (0.06, 0.09, None, "undecided"),  # no test
        (-0.02, 0.09, 0.30, "undecided"),
        (-0.02, 0.05, 0.30, "undecided"),  # the margin itself is not excluded
        (None, None, 0.01, "undecided"),
    ],
)
def test_words(low, high, p, word):
    assert decide(between(low, high), 0.05, p) == word


def test_alpha_decides():
    assert decide(between(0.01, 0.09), 0.05, 0.08, alpha=0.1) == "worse"


@pytest.mark.parametrize("margin", [0, -0.05, math.nan, math.inf])
def test_what_is_no_margin(margin):
    with pytest.raises(BadInput, match="must be above 0"):
        decide(between(0, 1), margin, 0.5)
    with pytest.raises(BadInput, match=r"bur .* is no margin"):
        check_margin(margin, "bur")


def test_smallest_detectable_by_hand():
    # normal: (1.95996 + .84162) · .02 = .0560; with 10 degrees of freedom (2.2281 + .8791) · .02
    assert smallest_detectable(0.02, 10**9) == pytest.approx(0.05603, abs=1e-4)
    assert smallest_detectable(0.02, 10) == pytest.approx(0.06214, abs=1e-4)
    assert smallest_detectable(0.0, 10) is None
    assert smallest_detectable(None, None) is None


def test_samples_that_would_be_needed():
    # half of what 60 samples find: four times as many
    assert samples_needed(0.10, 60, 0.05) == 240
    assert samples_needed(None, 60, 0.05) is None
    with pytest.raises(BadInput, match="effect"):
        samples_needed(0.1, 60, 0)
