"""The UNC3 term: cosines, who gets its gradient, running totals, resets."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from fairprune.debias.collapse_measures import measures
from fairprune.debias.nc3 import Nc3Loss
from fairprune.errors import BadInput
from tests.debias.test_collapse_measures import BY_HAND, FEATURES, ROWS, totals_of

WORDS = (4, 2, 7)


def tokens(features=FEATURES, words=WORDS):
    """(features, labels) of the hand-made example, with a token of another word between them."""
    rows = [(word, f) for word, found in zip(words, features, strict=True) for f in found]
    rows.insert(2, (5, (100.0, 100.0)))
    labels = torch.tensor([word for word, _ in rows])
    return torch.tensor([f for _, f in rows], dtype=torch.float32), labels


def output(rows=ROWS, words=WORDS, size=9):
    weight = torch.ones(size, 2)
    weight[list(words)] = torch.tensor(rows, dtype=torch.float32)
    return torch.nn.Parameter(weight)


def test_the_term_is_the_reports_unc3():
    term = Nc3Loss(WORDS, 5, min_count=2)
    assert term.name == "5 · UNC3"
    found = term(*tokens(), output())
    assert float(found.detach()) == pytest.approx(5 * BY_HAND["unc3"], rel=1e-6)
    assert float(found.detach()) == pytest.approx(5 * measures(totals_of(FEATURES, ROWS))["unc3"], rel=1e-6)
    assert term.cosines(output()).tolist() == pytest.approx([1, 0.6, 0], abs=1e-6)


def test_the_extension_adds_the_mean_and_is_called_ours():
    term = Nc3Loss(WORDS, 5, 2, min_count=2)
    expected = 5 * BY_HAND["unc3"] + 2 * (1 - BY_HAND["nc3"])
    assert float(term(*tokens(), output()).detach()) == pytest.approx(expected, rel=1e-6)
    assert "extension of ours" in term.name


def test_the_gradient_reaches_the_rows_of_the_words_alone():
    features, labels = tokens()
    features.requires_grad_(True)
    weight = output()
    Nc3Loss(WORDS, 1, min_count=2)(features, labels, weight).backward()
    assert features.grad is None
    size = weight.grad.abs().sum(dim=1)
    assert size.nonzero().flatten().tolist() in ([2, 7], [2, 4, 7])
    assert size[4] < 1e-6 < size[2]  # of the three words this one has a cosine of 1, which does not move
    # The derivative, by differences.
    for row in (2, 7):
        for column in range(2):
            ends = []
            for change in (-1e-3, 1e-3):
                moved = weight.detach().clone()
                moved[row, column] += change
                ends.append(float(Nc3Loss(WORDS, 1, min_count=2)(*tokens(), moved).detach()))
            assert float(weight.grad[row, column]) == pytest.approx((ends[1] - ends[0]) / 2e-3, abs=2e-3)


def test_totals_run_over_the_steps_until_they_are_reset():
    running, resetting = Nc3Loss(WORDS, 1, min_count=2), Nc3Loss(WORDS, 1, min_count=2, reset=2)
    twice = [[*f, *f] for f in FEATURES]
    moved = [[(x + 1, y * 2) for x, y in f] for f in FEATURES]
    for term in (running, resetting):
        term(*tokens(), output())
        term(*tokens(), output())
        assert term.counts.tolist() == [4, 4, 4]
        assert float(term.sums[0, 0]) == sum(x for x, _ in twice[0])
    both = [[*a, *b] for a, b in zip(twice, moved, strict=True)]
    assert float(running(*tokens(moved), output()).detach()) == pytest.approx(
        measures(totals_of(both, ROWS))["unc3"], rel=1e-5
    )
    assert float(resetting(*tokens(moved), output()).detach()) == pytest.approx(
        measures(totals_of(moved, ROWS))["unc3"], rel=1e-5
    )
    assert resetting.counts.tolist() == [2, 2, 2]


def test_words_count_from_the_least_number_of_features_on():
    term = Nc3Loss(WORDS, 1, min_count=3)
    assert term(*tokens(), output()) is None and term.words_in_use == 0
    more = [FEATURES[0], FEATURES[1], []]
    found = term(*tokens(more), output())
    assert term.words_in_use == 2  # four features each; the third word has two still
    seen = [[*FEATURES[i], *FEATURES[i]] for i in range(2)]
    assert float(found.detach()) == pytest.approx(measures(totals_of(seen, ROWS[:2]))["unc3"], rel=1e-5)
    assert term.note.startswith("2 of 3 words had at least 3 features")


def test_equal_cosines_have_a_gradient_that_is_a_number():
    rows = [(2, -1), (-1, 2), (-1, -1)]  # the centred means themselves: all cosines are 1
    weight = output(rows)
    found = Nc3Loss(WORDS, 10, min_count=2)(*tokens(), weight)
    found.backward()
    assert float(found.detach()) == pytest.approx(0, abs=1e-4)
    assert bool(torch.isfinite(weight.grad).all())


def test_half_precision_is_summed_in_double():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(4000, 2, generator=generator).bfloat16()
    labels = torch.tensor(WORDS).repeat(2000)[:4000]
    term = Nc3Loss(WORDS, 1)
    term(features, labels, output().to(torch.bfloat16))
    exact = np.stack([features[labels == word].double().numpy().sum(axis=0) for word in WORDS])
    assert np.allclose(term.sums.numpy(), exact, rtol=1e-12)


@pytest.mark.parametrize(
    ("rows", "strengths", "message"),
    [
        ([3], (1, 0), "needs two words"),
        ([3, 3], (1, 0), "each once"),
        ([3, 4], (-1, 2), "at least 0"),
    ],
)
def test_what_is_no_term_is_refused(rows, strengths, message):
    with pytest.raises(BadInput, match=message):
        Nc3Loss(rows, *strengths)


def test_without_strength_the_term_is_nothing_and_pulls_nowhere():
    term = Nc3Loss(WORDS, 0, min_count=2)
    weight = output().requires_grad_()
    generator = torch.Generator().manual_seed(3)
    value = term(torch.randn(60, 2, generator=generator), torch.tensor(WORDS).repeat(60)[:60], weight)
    assert value is not None and float(value.detach()) == 0
    value.backward()
    assert weight.grad is not None and not weight.grad.any()


def test_a_feature_that_is_not_finite_shows_in_the_term():
    features, labels = tokens()
    features[0, 0] = math.nan
    assert not math.isfinite(float(Nc3Loss(WORDS, 1, min_count=2)(features, labels, output()).detach()))
