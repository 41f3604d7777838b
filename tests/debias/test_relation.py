"""Does collapse predict fairness? Relations that were planted, damage alone, and what is not defined."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from fairprune.debias.relation import Named, RelationRow, relation
from fairprune.errors import BadInput

NAMED = Named("UNC3", "BUR", "lower")
METHODS = ("magnitude", "wanda", "ria", "sparsegpt", "gblm", "gradient", "hgla", "random")
SPARSITIES = (0.3, 0.5, 0.6)
CORPORA = ("movies", "politics")


def rows(slope, damage=1.0, noise=0.02, methods=METHODS, seeds=1, seed=0):
    """Runs whose collapse and fairness both follow damage; beyond it fairness follows collapse by `slope`."""
    rng = np.random.default_rng(seed)
    found = []
    for sparsity in SPARSITIES:
        for corpus in CORPORA:
            base = rng.normal()
            for method in methods:
                own = rng.normal() * 0.3  # collapse that perplexity does not see
                for _ in range(seeds):
                    log_ratio = 3 * sparsity + abs(rng.normal()) * 0.3
                    collapse = 1 + damage * log_ratio + own + noise * rng.normal()
                    fairness = base + damage * log_ratio + slope * own + noise * rng.normal()
                    found.append(
                        RelationRow(method, sparsity, corpus, math.exp(log_ratio), collapse, fairness)
                    )
    return found


@pytest.mark.parametrize("sign", [1, -1])
def test_a_planted_relation_is_found(sign):
    found = relation(rows(sign * 0.5))
    assert sign * found.partial.value > 0.9
    low, high = sorted((sign * found.partial.low, sign * found.partial.high))
    assert 0.5 < low < high <= 1
    assert (found.partial.n, found.partial.n_methods, found.partial.n_strata) == (48, 8, 6)
    assert found.gain.value > 0.8 and found.gain.low > 0
    assert [one.method for one in found.left_out] == sorted(METHODS)
    for one in found.left_out:
        assert one.n == 6 and one.slope == pytest.approx(sign * 0.5, abs=0.1)
        assert one.error_with < one.error_without
    way = "have a higher BUR, which is less fair" if sign > 0 else "have a lower BUR, which is fairer"
    said = found.sentence(NAMED)
    assert f"runs with a higher UNC3 {way} (partial" in said and "it foretells the BUR" in said
    other = found.sentence(Named("UNC3", "share of both sides", "higher"))
    assert ("which is fairer" if sign > 0 else "which is less fair") in other


def test_damage_alone_makes_a_raw_correlation_and_no_partial_one():
    found = relation(rows(0.0, damage=3.0, noise=0.1))
    assert found.raw.value > 0.7 and found.raw.low > 0.5
    assert abs(found.partial.value) < 0.5
    assert found.partial.low <= 0 <= found.partial.high
    assert found.gain.value < 0.2
    assert "do not show that UNC3 and BUR go together" in found.sentence(NAMED)


def test_a_partial_correlation_equals_that_of_residuals():
    data = rows(0.3, noise=0.3)
    names = sorted({row.stratum for row in data})
    known = np.array(
        [[*(row.stratum == one for one in names), math.log(row.perplexity_ratio)] for row in data], float
    )
    import statsmodels.api as sm

    rest = [
        sm.OLS(np.array([getattr(row, name) for row in data]), known).fit().resid
        for name in ("collapse", "fairness")
    ]
    assert relation(data).partial.value == pytest.approx(np.corrcoef(*rest)[0, 1])


def test_within_each_stratum():
    found = relation(rows(0.5))
    assert [stratum[:-1] for stratum in found.strata] == [(s, c, "") for s in SPARSITIES for c in CORPORA]
    for *_, one in found.strata:
        assert one.n == 8 and one.n_strata == 1 and one.value > 0.8
        assert one.low < one.value < one.high


def test_intervals_cover_when_there_is_nothing_to_find():
    """The interval over methods holds 0 in about 95 % of draws of methods and runs, also where runs of one method are alike."""
    hits = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        data = []
        for method in METHODS:
            x, y = rng.normal(), rng.normal()  # of the method: unrelated
            for sparsity in SPARSITIES:
                for corpus in CORPORA:
                    ratio = math.exp(abs(rng.normal()))
                    data.append(
                        RelationRow(
                            method, sparsity, corpus, ratio, x + 0.3 * rng.normal(), y + 0.3 * rng.normal()
                        )
                    )
        one = relation(data).partial
        hits += one.low <= 0 <= one.high
    assert hits >= 88


def test_one_method_that_carries_it_all_does_not_foretell_the_others():
    data = rows(0.0, noise=0.1)
    far = [
        RelationRow(
            row.method, row.sparsity, row.corpus, row.perplexity_ratio, row.collapse + 5, row.fairness + 5
        )
        if row.method == "random"
        else row
        for row in data
    ]
    found = relation(far)
    assert found.partial.value > 0.8  # one method far out
    assert found.partial.low < 0.3  # without it nothing is left
    assert abs(next(one for one in found.left_out if one.method == "random").slope) < 0.5


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ([], "0 runs in 0 groups that compare"),
        (rows(0.5, methods=METHODS[:2])[:2], "2 runs in 1 group that compare"),
    ],
)
def test_too_few_runs_are_not_defined(data, reason):
    found = relation(data)
    assert found.partial.value is None and found.partial.shown == "not defined"
    assert reason in found.partial.reason
    assert found.gain.value is None and "at least 4 are needed" in found.gain.reason
    assert "is not defined here" in found.sentence(NAMED)
    json.dumps(found.to_json(), allow_nan=False)


def test_too_few_methods_have_no_interval():
    found = relation(rows(0.5, methods=METHODS[:3]))
    assert found.partial.value is not None and found.partial.low is None
    assert found.partial.reason == "3 methods: an interval over methods needs 4"
    assert "cannot be told" in found.sentence(NAMED) and "no interval" in found.partial.shown


def test_numbers_that_do_not_vary_are_not_defined():
    data = [
        RelationRow(row.method, row.sparsity, row.corpus, row.perplexity_ratio, 1.0, row.fairness)
        for row in rows(0.5)
    ]
    found = relation(data)
    assert found.partial.value is None and "does not vary beyond" in found.partial.reason
    # Collapse that perplexity foretells exactly is not seen beside it.
    data = [
        RelationRow(
            row.method,
            row.sparsity,
            row.corpus,
            row.perplexity_ratio,
            math.log(row.perplexity_ratio),
            row.fairness,
        )
        for row in rows(0.5)
    ]
    assert relation(data).partial.value is None


def test_missing_numbers_and_runs_alone_are_counted_and_left_out():
    data = rows(0.5)
    spoilt = [
        RelationRow("wanda", 0.5, "movies", None, 1.0, 1.0),
        RelationRow("wanda", 0.5, "movies", 1.0, None, 1.0),
        RelationRow("wanda", 0.5, "movies", 1.0, 1.0, math.nan),
        RelationRow("wanda", 0.5, "movies", 0.0, 1.0, 1.0),
        RelationRow("wanda", 0.7, "movies", 2.0, 1.0, 1.0),
    ]
    found = relation([*data, *spoilt])
    assert (found.n_unusable, found.n_alone) == (4, 1)
    assert found.partial == relation(data).partial


def test_runs_of_two_models_are_not_compared_with_each_other():
    """Two models that differ in both numbers, and nothing within either: no relation is found."""
    rng = np.random.default_rng(0)
    data = [
        RelationRow(
            method,
            0.5,
            "movies",
            math.exp(abs(rng.normal())),
            far + rng.normal(),
            far + rng.normal(),
            setting,
        )
        for setting, far in (("one", 0.0), ("other", 50.0))
        for method in METHODS
    ]
    found = relation(data)
    assert found.raw.value > 0.99
    assert found.partial.low <= 0 <= found.partial.high and found.partial.n_strata == 2
    mixed = relation([replace(row, setting="") for row in data])
    assert mixed.partial.value > 0.99 and mixed.partial.low > 0


def test_the_order_of_runs_says_nothing():
    data = rows(0.5)
    one, other = relation(data), relation(data[::-1])
    assert one.partial.value == pytest.approx(other.partial.value)
    assert one.partial.low == pytest.approx(other.partial.low)
    assert one.gain.value == pytest.approx(other.gain.value)


def test_the_table_has_a_row_per_number():
    frame = relation(rows(0.5)).frame()
    assert list(frame.columns) == [
        *(
            "what",
            "sparsity",
            "corpus",
            "setting",
            "value",
            "low",
            "high",
            "n",
            "n_methods",
            "n_strata",
            "reason",
        )
    ]
    assert len(frame) == 1 + 6 + 2
    assert frame["n"].tolist() == [48, *[8] * 6, 48, 48]


def test_a_sparsity_is_a_fraction():
    with pytest.raises(BadInput, match=r"sparsity 50 of method 'wanda' is outside \[0, 1\)"):
        relation([RelationRow("wanda", 50, "movies", 1.0, 1.0, 1.0)])
