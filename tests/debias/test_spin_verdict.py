"""The verdict in words, from numbers whose answer is known."""

from __future__ import annotations

import pytest

from fairprune.debias.spin_verdict import judge, of_unpruned

TITLES = {"first": "Fairness", "second": "Privacy", "general": "General"}
UP, NONE, DOWN = (0.1, 0.3), (-0.1, 0.1), (-0.3, -0.1)


def quantity(name, concern, better, before, random, first, n=80):
    def cell(ends):
        low, high = ends or (None, None)
        return {"value": None if ends is None else (low + high) / 2, "low": low, "high": high, "n": n}

    differences = {"before": cell(before), "random": cell(random), "first-only": cell(first)}
    return {"name": name, "concern": concern, "better": better, "differences": differences}


def given(
    a=(NONE,) * 3, b=(NONE,) * 3, rate=(NONE,) * 3, hsic=None, ratio=(1.0, 1.01), n=80, free=(DOWN,) * 3
):
    found = [
        quantity("margin", "first", "higher", *a, n=n),
        quantity("cautionary phrases", "first", "higher", *rate, n=n),
        quantity("margin", "second", "higher", *b, n=n),
        quantity("cautionary phrases", "second", "higher", *rate, n=n),
    ]
    if hsic is not None:
        found.append(quantity("hsic", None, "lower", *hsic, n=n))
        if free is not None:
            found.append(quantity("hsic without scale", None, "lower", *free, n=n))
    return [*found, quantity("perplexity", None, "lower", ratio, ratio, ratio, n=n)]


def test_no_effect_beyond_the_controls():
    found = judge(given(a=(UP, UP, NONE), b=(UP, NONE, UP)), TITLES)
    assert found["outcome"] == "none"
    assert found["sentence"].startswith(
        "No effect beyond the controls: none of margin (Fairness), cautionary phrases (Fairness)"
    )
    assert found["sentence"].endswith("1.005 [1.000, 1.010] times that before; at most 1.02 is sought.")
    assert [row["met"] for row in found["criteria"]] == [False, False, False, False, True]


def test_everything_that_is_sought():
    found = judge(given((UP,) * 3, (UP,) * 3, (UP,) * 3, (DOWN,) * 3), TITLES)
    assert found["outcome"] == "works" and "and HSIC. Perplexity" in found["sentence"]


@pytest.mark.parametrize(
    ("change", "met"),
    [
        ({"a": (UP, UP, NONE)}, False),
        ({"a": (NONE, UP, UP)}, False),
        ({"a": (UP, None, UP)}, None),
        ({"a": (DOWN,) * 3}, False),
        ({"hsic": (UP,) * 3}, False),
        ({"free": (DOWN, DOWN, NONE)}, False),
        ({"free": (DOWN, UP, DOWN)}, False),
        ({"free": (DOWN, DOWN, None)}, None),
        ({"free": None}, None),
        ({"ratio": (1.03, 1.05)}, False),
        ({"ratio": (1.0, 1.03)}, None),
        ({"ratio": None}, None),
    ],
)
def test_all_but_one(change, met):
    whole = {"a": (UP,) * 3, "b": (UP,) * 3, "rate": (UP,) * 3, "hsic": (DOWN,) * 3}
    found = judge(given(**{**whole, **change}), TITLES)
    assert found["outcome"] == "partly"
    assert [row["met"] for row in found["criteria"]].count(met) == 1
    if "a" in change:
        assert "but not in margin (Fairness)." in found["sentence"]
    assert ("as where states only shrink" in found["sentence"]) == (met is False and "free" in change)
    if change.get("ratio", 1) is None:
        assert "could not be measured" in found["sentence"]


def test_what_was_measured_before_pruning_says_so_first():
    found = judge(given((UP,) * 3, (UP,) * 3, (UP,) * 3), TITLES, "unpruned")
    assert found["sentence"].startswith(
        "Measured on the model before pruning: an effect beyond both controls in margin (Fairness)"
    )
    assert of_unpruned(found["sentence"]) == found["sentence"]
    plain = judge(given((UP,) * 3, (UP,) * 3, (UP,) * 3), TITLES)["sentence"]
    assert plain.startswith("An effect") and of_unpruned(plain) == found["sentence"]


def test_few_prompts_are_a_demonstration():
    found = judge(given((UP,) * 3, (UP,) * 3, (UP,) * 3, n=29), TITLES)
    assert found["outcome"] == "demonstration"
    assert found["sentence"].startswith(
        "Demonstration, no inference: 29 prompts measured in a set, at least 30 are needed."
    )


def test_what_is_measured_on_few_prompts_is_not_judged():
    quantities = given((UP,) * 3, (UP,) * 3, (UP,) * 3)
    quantities[0] = quantity("margin", "first", "higher", UP, UP, UP, n=12)
    quantities[2] = quantity("margin", "second", "higher", None, None, None, n=0)
    found = judge(quantities, TITLES)
    assert found["outcome"] == "partly" and [row["met"] for row in found["criteria"]] == [
        None,
        True,
        None,
        True,
        True,
    ]
    assert found["sentence"].startswith(
        "An effect beyond both controls in cautionary phrases (Fairness) and cautionary phrases (Privacy). Perplexity"
    )
    assert found["sentence"].endswith(
        "Measured on fewer than 30 prompts, and not judged: margin (Fairness) and margin (Privacy)."
    )
