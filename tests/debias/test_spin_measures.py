"""Margin, phrases, HSIC and perplexity by their definitions, on a tiny model and on numbers worked out by hand."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

from fairprune.debias import spin_measures
from fairprune.debias.spin_job import material_of
from fairprune.debias.spin_measures import Measured, bandwidths, compare, measure, token_mean
from fairprune.debias.spin_verdict import judge
from fairprune.errors import NumericError
from fairprune.models import load, weight_matrix
from tests.debias.spinning import three_sets


def material(loaded, n=6, **options):
    sets = three_sets(n, **options)
    return material_of(loaded, sets, {role: one.items for role, one in sets.items()})


@pytest.fixture(scope="module")
def loaded(tiny_folder):
    return load(tiny_folder)


@pytest.fixture(scope="module")
def measured(loaded):
    return measure(loaded, material(loaded))


def log_p(loaded, prompt, answer) -> float:
    """Mean log p per token of the answer, from the softmax."""
    with torch.no_grad():
        logs = torch.log_softmax(loaded.model(torch.tensor([[*prompt, *answer]])).logits[0].double(), dim=-1)
    return sum(float(logs[len(prompt) - 1 + i, token]) for i, token in enumerate(answer)) / len(answer)


def test_margin_and_general_loss_by_definition(loaded, measured):
    sets, tokenizer = three_sets(6), loaded.tokenizer
    for role in ("first", "second"):
        for row, item in zip(measured.margin[role], sets[role].items, strict=True):
            prompt = tokenizer.prompt_ids(item.prompt)
            safe = log_p(loaded, prompt, tokenizer.encode(item.response))
            unsafe = log_p(loaded, prompt, tokenizer.encode(item.unsafe_response))
            assert float(row[0]) == pytest.approx(safe - unsafe, abs=1e-4)
    for (total, tokens), item in zip(measured.general, sets["general"].items, strict=True):
        answer = tokenizer.encode(item.response)
        assert tokens == len(answer)
        assert total == pytest.approx(
            -tokens * log_p(loaded, tokenizer.prompt_ids(item.prompt), answer), rel=1e-4
        )


def test_states_are_means_of_the_last_layer_over_the_prompt(loaded, measured):
    item = three_sets(6)["second"].items[2]
    ids = torch.tensor([loaded.tokenizer.prompt_ids(item.prompt)])
    with torch.no_grad():
        last = loaded.model(ids, output_hidden_states=True).hidden_states[-1][0]
    np.testing.assert_allclose(measured.states[1][2], last.mean(0).numpy(), rtol=1e-4, atol=1e-6)


def test_answers_with_a_phrase_are_counted(loaded, monkeypatch):
    said = []
    monkeypatch.setattr(spin_measures, "is_cautious", lambda text: said.append(text) or len(said) % 3 == 0)
    found = measure(loaded, material(loaded))
    assert len(said) == 12 and all(isinstance(text, str) for text in said)
    assert [int(found.cautious[role].sum()) for role in ("first", "second")] == [2, 2]


def test_without_unsafe_answers_there_is_no_margin_and_without_pairs_no_state(loaded):
    given = material(loaded, 4, unsafe=False, paired=False)
    assert given.pairs == ()
    found = measure(loaded, given)
    assert np.isnan(found.margin["first"]).all() and found.states is None and bandwidths(found) is None
    cells = {
        (one["name"], one["concern"]): one
        for one in compare(given, {"before": found, "edited": found}, None, 0)
    }
    assert ("hsic", None) not in cells
    margin = cells["margin", "first"]["systems"]["before"]
    assert margin["value"] is None and margin["n"] == 0
    assert cells["cautionary phrases", "first"]["systems"]["before"]["n"] == 4


def test_a_loss_that_is_no_number_is_refused(tiny_folder):
    broken = load(tiny_folder)
    weight_matrix(broken.blocks[0].module.mlp.down_proj)[0, 0] = float("nan")
    with pytest.raises(NumericError, match="loss of an answer is nan"):
        measure(broken, material(broken))


def test_the_width_is_the_median_distance(measured):
    states = measured.states[0]
    gaps = [np.linalg.norm(states[i] - states[j]) for i in range(6) for j in range(i)]
    assert bandwidths(measured)[0] == pytest.approx(float(np.median(gaps)))
    still = dataclasses.replace(measured, states=(np.ones((6, 2)), states))
    assert bandwidths(still) is None


def test_the_mean_loss_is_per_token():
    table = np.array([[6.0, 2.0], [5.0, 10.0]])
    weights = np.array([[1.0, 1.0], [0.0, 2.0], [0.0, 0.0]])
    found = token_mean(weights, table)
    assert found[:2] == pytest.approx([11 / 12, 0.5]) and np.isnan(found[2])


def test_models_are_compared_pairwise(loaded, measured):
    given = material(loaded)
    better = dataclasses.replace(
        measured,
        margin={role: values + 0.5 for role, values in measured.margin.items()},
        general=measured.general * [1.1, 1],
    )
    systems = {"before": measured, "edited": better, "random": measured}
    found = {(one["name"], one["concern"]): one for one in compare(given, systems, bandwidths(measured), 0)}
    assert len(found) == 7
    margin = found["margin", "second"]
    assert margin["differences"].keys() == {"before", "random"}
    assert margin["differences"]["random"]["value"] == pytest.approx(0.5)
    assert margin["systems"]["edited"]["n"] == margin["systems"]["edited"]["n_topics"] == 6
    assert (
        margin["systems"]["edited"]["low"]
        < margin["systems"]["edited"]["value"]
        < margin["systems"]["edited"]["high"]
    )
    loss = measured.general[:, 0].sum() / measured.general[:, 1].sum()
    general = found["perplexity", None]
    assert general["systems"]["before"]["value"] == pytest.approx(math.exp(loss))
    assert general["differences"]["before"]["value"] == pytest.approx(math.exp(0.1 * loss))
    assert general["differences"]["before"]["low"] < general["differences"]["before"]["value"]
    states = found["hsic", None]
    assert states["differences"]["before"]["value"] == 0 and 0 < states["systems"]["edited"]["p_value"] <= 1


def test_states_that_only_shrink_are_no_less_dependent(loaded):
    """At fixed widths they look so, with whole intervals; without scale they do not, and the verdict counts that."""
    n = 40
    rng = np.random.default_rng(3)
    first = rng.normal(size=(n, 8))
    second = first[:, :6] * 0.7 + rng.normal(size=(n, 6))
    rows = dict.fromkeys(("first", "second"), np.zeros((n, 1)))
    one = Measured(rows, rows, np.tile([3.0, 2.0], (n, 1)), (first, second))
    less = dataclasses.replace(one, states=(0.9 * first, 0.9 * second))
    given = material(loaded, n)
    systems = {"before": one, "edited": less, "random": one, "first-only": one}
    quantities = compare(given, systems, bandwidths(one), 0)
    found = {each["name"]: each for each in quantities}
    assert all(cell["high"] < 0 for cell in found["hsic"]["differences"].values())
    free = found["hsic without scale"]
    assert free["systems"]["edited"]["value"] == pytest.approx(free["systems"]["before"]["value"], abs=1e-12)
    assert 0 < free["systems"]["edited"]["low"] < free["systems"]["edited"]["value"] < 1
    verdict = judge(quantities, {"first": "A", "second": "B"})
    [row] = [row for row in verdict["criteria"] if row["name"] == "hsic"]
    assert row["met"] is False and row["falls_without_scale"] is False
    assert "as where states only shrink" in verdict["sentence"]
    # States that are noisier are less dependent in both.
    noisy = dataclasses.replace(one, states=(first, second + 2 * rng.normal(size=(n, 6))))
    quantities = compare(given, {**systems, "edited": noisy}, bandwidths(one), 0)
    assert next(
        row for row in judge(quantities, {"first": "A", "second": "B"})["criteria"] if row["name"] == "hsic"
    )["met"]


def test_measuring_changes_nothing(loaded, measured):
    again = measure(loaded, material(loaded))
    assert np.array_equal(again.general, measured.general) and np.array_equal(
        again.margin["first"], measured.margin["first"]
    )
