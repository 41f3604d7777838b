import pytest

from fairprune.errors import BadInput
from fairprune.tradeoffs import (
    comparable,
    comparison_key,
    default_facet,
    facet_of,
    lines,
    panels,
    why_apart,
)
from fairprune.tradeoffs_axes import SPARSITY, axes_of
from fairprune.uncertainty import Estimate
from tests.many_runs import entry, nobody

AXES = axes_of([entry().headline])
BUR, ROUGE = AXES["bur"], AXES["rouge_l"]


def test_what_moves_no_value_keeps_runs_comparable():
    one = entry()
    for other in (
        entry("magnitude", 0.3, seed=5),
        entry(calibration={"name": "random"}),
        entry(evaluation={"noise_band": True, "loss_ratio": True, "perplexity_windows": 5}),
        entry(metrics={"resamples": 500, "primary": ["uer"], "alpha": 0.1}),
    ):
        assert comparison_key(one.spec) == comparison_key(other.spec)
        assert why_apart(one, other) == ""
    assert comparison_key(one.spec, True) != comparison_key(
        entry(evaluation={"perplexity_windows": 5}).spec, True
    )


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (entry(evaluation={"corpus": "products"}), "corpus products instead of movies"),
        (entry(evaluation={"samples": None}), "samples all instead of 40"),
        (entry(metrics={"tau": "0.7"}), "metrics' tau 0.7 instead of 0.8"),
        (
            entry(model={"name": "other/model", "identity": "abc"}),
            "model other/model instead of some/model",
        ),
        (entry(device="cuda"), "device cuda instead of cpu"),
        (
            entry(sets="others"),
            "other opinion sets under the same settings: the corpus has changed in between",
        ),
    ],
)
def test_what_does_not_compare_says_why(other, why):
    one = entry()
    assert why_apart(one, other) == why
    assert [len(members) for members in comparable([other, one, entry("magnitude")])] == [2, 1]


def test_the_fullest_panel_comes_first_and_names_what_it_leaves_out():
    runs = [entry(evaluation={"corpus": "products"}), entry(), entry("magnitude")]
    (panel,) = panels(runs, "none")
    assert panel.title == "" and [one.spec.pruning.method for one in panel.entries] == ["wanda", "magnitude"]
    assert [(one.spec.evaluation.corpus, why) for one, why in panel.apart] == [
        ("products", "corpus products instead of movies")
    ]
    two = panels(runs, "corpus")
    assert [(panel.title, len(panel.entries), panel.apart) for panel in two] == [
        ("movies", 2, ()),
        ("products", 1, ()),
    ]


def test_facets():
    one = entry(calibration={"name": "random"})
    assert [facet_of(one.spec, name) for name in ("calibration", "corpus", "model", "method")] == [
        "random on movies",
        "movies",
        "model",
        "wanda",
    ]
    with pytest.raises(BadInput, match="facet"):
        facet_of(one.spec, "moon")
    assert default_facet([entry(), entry(seed=2)]) == "none"
    assert default_facet([entry(), one]) == "calibration"
    assert default_facet([entry(), one, entry(evaluation={"corpus": "products"})]) == "corpus"


def test_a_line_holds_all_but_sparsity_and_seed():
    runs = [
        entry(sparsity=0.5),
        entry(sparsity=0.3),
        entry(sparsity=0.3, calibration={"name": "random"}),
        entry("magnitude", 0.3),
    ]
    found, missing = lines(runs, SPARSITY, BUR, nobody)
    assert missing == []
    assert [(line.method, line.label, line.variant, len(line.spots)) for line in found] == [
        ("magnitude", "magnitude", 0, 1),
        ("wanda", "wanda · balanced", 0, 2),
        ("wanda", "wanda · random", 1, 1),
    ]
    wanda = found[1].spots
    assert [spot.x for spot in wanda] == [0.31, 0.51]  # achieved, in their order
    assert (wanda[0].y, wanda[0].low, wanda[0].high) == (0.5, 0.4, 0.6)


def test_several_draws_are_one_point_at_their_mean():
    runs = [entry(bur=0.2, seed=0), entry(bur=0.4, seed=1), entry(bur=0.9, seed=2, degenerate=True)]
    found, _ = lines(runs, SPARSITY, BUR, nobody)
    ((spot,),) = [line.spots for line in found]
    # (.2 + .4 + .9) / 3 = .5; without samples no interval
    assert spot.y == pytest.approx(0.5) and (spot.low, spot.high) == (None, None)
    assert len(spot.entries) == 3 and spot.degenerate

    def mean(entries, axis):
        assert len(entries) == 3 and axis == BUR
        return Estimate(0.45, 0.1, 0.8, None, 40, 12, 0)

    ((spot,),) = [line.spots for line in lines(runs, SPARSITY, BUR, mean)[0]]
    assert (spot.y, spot.low, spot.high) == (0.45, 0.1, 0.8)


def test_seeds_of_a_random_method_are_draws_too():
    runs = [
        entry("random", pruning={"method": "random", "sparsity": 0.5, "options": {"seed": seed}})
        for seed in (0, 1)
    ]
    assert runs[0].run.id != runs[1].run.id
    ((spot,),) = [line.spots for line in lines(runs, SPARSITY, BUR, nobody)[0]]
    assert len(spot.entries) == 2


def test_what_has_no_value_is_named_not_drawn():
    without = entry("magnitude", bur=None)
    without.headline["quality"]["rouge_l"]["pruned"]["value"] = None
    found, missing = lines([entry(), without], ROUGE, BUR, nobody)
    assert [line.method for line in found] == ["wanda"]
    assert missing == [(without, "no BUR: no match; no ROUGE-L: not computed")]
