"""Power against the textbook where the textbook applies, and what makes it larger or smaller."""

import pytest
from statsmodels.stats.power import NormalIndPower

from fairprune.errors import BadInput
from fairprune.judgments.power import Assumptions, curve, power

PLAIN = {"judge_sd": 0.0, "sample_sd": 0.0}


def test_no_effect_is_found_as_often_as_alpha_says():
    found = power(Assumptions(judges=30, samples=60, votes_per_item=5, effect=0.5), simulations=400)
    assert found.power < 0.09
    assert found.low <= found.power <= found.high


def test_independent_votes_have_the_power_of_the_textbook():
    # 200 votes of which hardly any is a tie, share .6 against ½: h = 2 asin √.6 − 2 asin √.5 = .2014, power of one sample with n = 200
    assumed = Assumptions(judges=50, samples=100, votes_per_item=2, effect=0.6, ties=0.01, **PLAIN)
    expected = NormalIndPower(ddof=0).power(0.2014, 200, 0.05, ratio=0)
    found = power(assumed, simulations=300)
    assert found.n_votes == 200 and found.items_per_judge == 4
    # .81; that judges and samples might differ has to be learned from the same votes, and costs some of it
    assert expected == pytest.approx(0.813, abs=0.001)
    assert expected - 0.15 < found.power < expected + 0.03


def test_more_judges_help_and_careless_ones_do_not():
    small = Assumptions(judges=12, samples=20, votes_per_item=3, effect=0.65)
    few, many = curve(small, [12, 36], simulations=150)
    assert few.power < many.power and few.width > many.width
    assert many.assumptions.votes_per_item == 9 and many.items_per_judge == few.items_per_judge
    careless = power(small.model_copy(update={"careless": 0.4}), simulations=150)
    assert careless.power < few.power


def test_a_star_compares_with_the_first_alone():
    assumed = Assumptions(judges=6, samples=10, votes_per_item=2, systems=4, star=True)
    assert power(assumed, simulations=5).n_items == 3 * 10
    assert power(assumed.model_copy(update={"star": False}), simulations=5).n_items == 6 * 10


def test_more_votes_on_the_same_samples_do_not_replace_samples():
    # samples that differ much: votes beyond the first few tell nothing new
    few = power(
        Assumptions(judges=40, samples=8, votes_per_item=40, effect=0.6, sample_sd=1.0), simulations=120
    )
    many = power(
        Assumptions(judges=40, samples=80, votes_per_item=4, effect=0.6, sample_sd=1.0), simulations=120
    )
    assert few.n_votes == many.n_votes and few.power < many.power


def test_several_systems_and_the_seed():
    assumed = Assumptions(judges=12, samples=10, votes_per_item=3, systems=4, items=24)
    found = power(assumed, simulations=20, seed=1)
    assert found.n_items == 24 and found.n_votes == 72
    assert found == power(assumed, simulations=20, seed=1)


def test_plans_that_cannot_be():
    with pytest.raises(BadInput, match="5 votes per item cannot come from 4 judges"):
        power(Assumptions(judges=4, samples=4, votes_per_item=5), simulations=2)
    with pytest.raises(BadInput, match="0 studies"):
        power(Assumptions(judges=4, samples=4, votes_per_item=2), simulations=0)
    with pytest.raises(BadInput, match="1,000,000 votes are too many"):
        power(Assumptions(judges=1000, samples=1000, votes_per_item=1000))
    with pytest.raises(BadInput, match="leave no vote"):
        curve(Assumptions(judges=40, samples=4, votes_per_item=1), [4], simulations=2)
