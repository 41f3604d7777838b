"""Weights of tokens: the opinions of both sets weigh alike, also where every window holds texts of both."""

from __future__ import annotations

import numpy as np
import pytest

from fairprune.debias.denp import Accumulated, Affected, Text, rac_document
from fairprune.debias.denp_weights import set_weights, spread, token_shares
from fairprune.debias.split import two_means
from fairprune.errors import BadInput

WINDOWS, TOKENS = 32, 20


def affected(lengths=(5, 6, 5), hurt=lambda place: place == 0):
    """32 windows with three texts each, of which the first is affected; a prompt of three tokens before them."""
    places, rac, rng = [], [], np.random.default_rng(0)
    for row in range(WINDOWS):
        start = 3
        for place, length in enumerate(lengths):
            counts = tuple(start <= token < start + length for token in range(TOKENS))
            places.append(Text(f"{row}/{place}", tuple(range(TOKENS)), counts, None, f"topic {row}", row))
            rac.append(20.0 * hurt(place) + rng.normal())
            start += length
    losses = Accumulated((0.5,), np.ones(len(places)), 1 + np.array(rac)[None])
    split = two_means(losses.rac)
    assert split.accepted
    return Affected(tuple(places), losses, split, 0, WINDOWS, tuple(places), tuple(range(len(places))))


def test_both_sets_weigh_alike_where_every_window_holds_both():
    """Means over windows would all be 1 here, and nothing would be weighed."""
    found = affected()
    weights = found.weights()
    assert weights.shape == (WINDOWS, TOKENS) and weights.mean() == pytest.approx(1)
    inside = weights[:, 3:8].sum()
    assert inside == pytest.approx(weights[:, 8:19].sum()) and inside > WINDOWS * 5
    assert (weights[:, :3] == 1).all() and (weights[:, 19:] == 1).all()
    shares = rac_document(found)["shares"]
    assert shares["tokens"] == WINDOWS * 16 and shares["affected"] == WINDOWS * 5
    assert shares["before"] == pytest.approx(5 / 16) and shares["after"] == pytest.approx(0.5)


def test_a_text_weighs_alike_at_all_its_places():
    members, tokens = np.array([True, False, True, False]), np.array([2, 3, 2, 9])
    weights = set_weights(members, tokens)
    assert weights.tolist() == [2.0, 16 / 24, 2.0, 16 / 24]
    places = np.array([[True, True, False], [False, False, True]])
    assert spread([1, 0], places, np.array([3.0, 2.0]), 2).tolist() == [[1, 1, 2], [3, 3, 1]]
    assert token_shares(members, tokens, weights)["after"] == pytest.approx(0.5)


def test_sets_that_weigh_alike_already_are_refused():
    found = affected((5, 3, 2))
    assert rac_document(found)["shares"]["before"] == rac_document(found)["shares"]["after"] == 0.5
    with pytest.raises(BadInput, match="both sets hold 160 tokens already, so that every weight were 1"):
        found.weights()


def test_a_larger_affected_set_weighs_less():
    found = affected(hurt=lambda place: place > 0)
    weights = found.weights()
    assert weights[0, 3] > 1 > weights[0, 8]
    assert found.shares()["before"] > 0.5
