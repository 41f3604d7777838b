"""From an interval and a margin to a word, and what this n could have told apart."""

from __future__ import annotations

import math
from typing import Literal, get_args

from fairprune.errors import BadInput
from fairprune.uncertainty.estimates import Estimate

Verdict = Literal["better", "non-inferior", "worse", "undecided"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
ALPHA = 0.05
POWER = 0.8
FEW_SAMPLES = 30
"""Below this many paired samples there is no verdict, whatever the interval."""
DEMONSTRATION = "demonstration, no inference"


def decide(difference: Estimate, margin: float, p_value: float | None, alpha: float = ALPHA) -> Verdict:
    """What an unfairness (lower is fairer) has done between two systems.

    better: the whole interval lies below 0 and the test says so too. non-inferior: it lies below the margin.
    worse: it lies above 0 and reaches the margin or beyond, and the test says so too. undecided: neither a harm
    beyond the margin nor the absence of one is shown.

    Args:
        difference: after − before, its interval with level 1 − alpha.
        margin: the largest harm that would be accepted, in the metric's unit, above 0.
        p_value: two-sided, adjusted where several tests are primary; None counts as not significant.

    Raises:
        BadInput: a margin that is not above 0.
    """
    check_margin(margin)
    low, high = difference.low, difference.high
    if low is None or high is None:
        return "undecided"
    significant = p_value is not None and p_value <= alpha
    if high < 0 and significant:
        return "better"
    if high < margin:
        return "non-inferior"
    if low > 0 and significant:
        return "worse"
    return "undecided"


def one_sided(difference: Estimate, margin: float, side: Literal["below", "above"]) -> float | None:
    """p of the hypothesis that the true difference is not below (not above) the margin.

    The standard error is the one that the data would have, were the margin the truth. None without a standard error: no
    spread shows how far the difference could vary.

    Source: Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15 (1987).
    """
    se = difference.se_at(margin)
    if difference.value is None or se is None or difference.df is None:
        return None
    from scipy.special import stdtr

    gap = difference.value - margin if side == "below" else margin - difference.value
    return float(stdtr(difference.df, gap / se))


def check_margin(margin: float, name: str = "margin") -> None:
    """Raises BadInput unless 0 < margin < ∞."""
    if not 0 < margin < math.inf:
        raise BadInput(
            f"{name} {margin!r} is no margin: it must be above 0, as a fraction (0.05 for 5 points)"
        )


def smallest_detectable(
    se: float | None, df: int | None, alpha: float = ALPHA, power: float = POWER
) -> float | None:
    """The true difference that this n finds with probability `power`; None without a standard error, or where it is 0.

    (t_{1 − alpha/2} + t_power) · se.

    Source: Bloom, Evaluation Review 19 (1995), minimum detectable effects.
    """
    if se is None or df is None or se <= 0:
        return None
    from scipy.special import stdtrit

    return float((stdtrit(df, 1 - alpha / 2) + stdtrit(df, power)) * se)


def samples_needed(detectable: float | None, n: int, effect: float) -> int | None:
    """How many samples of this kind would find `effect`, when n find `detectable`: the error shrinks with the root of n.

    Raises:
        BadInput: an effect that is not above 0.
    """
    check_margin(effect, "effect")
    return None if detectable is None else math.ceil(n * (detectable / effect) ** 2)
