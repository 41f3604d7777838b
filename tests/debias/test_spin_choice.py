"""(A ∩ B) − G, computed again with Python sets, with its controls and its refusal."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from fairprune.debias.spin import matrices
from fairprune.debias.spin_choice import choose, control_facts, control_first, control_random
from fairprune.errors import BadInput, NumericError
from fairprune.models import load, weight_matrix
from tests.debias.spinning import OPTIONS

SHAPES = {"one": (12, 20), "two": (30, 10), "three": (7, 9)}


def scores(seed: int, *, ties: bool = False, shapes=SHAPES) -> dict[str, torch.Tensor]:
    """Heavy-tailed, with a tenth of zeros; with ties: thirteen values only."""
    rng = np.random.default_rng(seed)
    found = {}
    for name, shape in shapes.items():
        values = (
            rng.integers(1, 14, shape).astype(np.float32)
            if ties
            else rng.exponential(1, shape).astype(np.float32) ** 3
        )
        values[rng.random(shape) < 0.1] = 0
        found[name] = torch.from_numpy(values)
    return found


def top(values: dict[str, torch.Tensor], k: int) -> set[tuple[str, int]]:
    """The k highest of a pool as (matrix, row · columns + column): at a tie the later matrix, then the later place."""
    order = list(values)
    flat = [
        (float(v), order.index(name), i)
        for name, one in values.items()
        for i, v in enumerate(one.reshape(-1))
    ]
    ranked = sorted(flat, reverse=True)[:k]
    return {(order[matrix], place) for value, matrix, place in ranked if value > 0}


def expected(a, b, g, options):
    """What is zeroed, as a Python set of (matrix, place)."""
    pools = [list(SHAPES)] if options.scope == "global" else [[name] for name in SHAPES]
    found = set()
    for names in pools:
        size = sum(a[name].numel() for name in names)
        k = max(options.minimum, int(options.ratio * size))
        tops = []
        for values, count in ((a, k), (b, k), (g, int(options.general_ratio * size))):
            own = {name: values[name] for name in names}
            if options.scope == "global":
                own = {name: one / one.mean() for name, one in own.items()}
            tops.append(top(own, count))
        first, second, spared = tops
        if options.selection == "intersection":
            found |= (first & second) - spared
            continue
        place = {name: i for i, name in enumerate(names)}
        lists = [sorted(one, key=lambda entry: (place[entry[0]], entry[1])) for one in (first, second)]
        for one, other in zip(*lists, strict=False):
            if one not in spared and other not in spared:
                found.add(one)
    return found


def zeroed(choice):
    return {(one.name, int(place)) for one in choice.matrices for place in one.places}


@pytest.mark.parametrize("scope", ["matrix", "global"])
@pytest.mark.parametrize("selection", ["intersection", "released"])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_choice_is_that_of_python_sets(scope, selection, ties, seed):
    options = OPTIONS.model_copy(
        update={"ratio": 0.1, "general_ratio": 0.05, "scope": scope, "selection": selection}
    )
    sets = [scores(10 * seed + i, ties=ties) for i in range(3)]
    wanted = expected(*sets, options)
    assert wanted
    choice = choose(*({name: one.clone() for name, one in own.items()} for own in sets), options)
    assert zeroed(choice) == wanted and choice.count == len(wanted)
    if selection == "intersection":
        assert choice.count == choice.to_json()["coupled"]


def test_counts_overlap_and_chance():
    # 240, 300 and 63 weights; k is 24, 30 and 6
    a, g = scores(1), scores(2)
    options = OPTIONS.model_copy(update={"ratio": 0.1, "general_ratio": 0.0})
    choice = choose(a, {name: one.clone() for name, one in a.items()}, g, options)
    for one, k in zip(choice.matrices, (24, 30, 6), strict=True):
        assert (one.first, one.second, one.general, one.both, one.coupled) == (k, k, 0, k, k)
        assert one.chance == pytest.approx(k * k / int((a[one.name] > 0).sum()))
    written = choice.to_json()
    assert written["weights"] == 60 and written["of"] == 603 and len(written["matrices"]) == 3


def test_the_general_top_is_spared():
    a = scores(1)
    options = OPTIONS.model_copy(update={"ratio": 0.1, "general_ratio": 0.05})
    choice = choose(a, {n: v.clone() for n, v in a.items()}, {n: v.clone() for n, v in a.items()}, options)
    for one in choice.matrices:  # G is the top half of A = B: 12, 15 and 3 of 24, 30 and 6
        assert one.both == 2 * one.general and one.coupled == one.both - one.general == len(one.places)


def test_a_minimum_counts_where_the_ratio_gives_less():
    options = OPTIONS.model_copy(update={"ratio": 1e-6, "general_ratio": 0.0, "minimum": 3})
    a = scores(1)
    choice = choose(a, {name: one.clone() for name, one in a.items()}, scores(2), options)
    assert [len(one.places) for one in choice.matrices] == [3, 3, 3]


@pytest.mark.parametrize("selection", ["intersection", "released"])
@pytest.mark.parametrize("scope", ["matrix", "global"])
def test_an_empty_choice_names_the_smallest_ratio_that_works(scope, selection):
    shapes = {"one": (120, 200), "two": (300, 100)}
    options = OPTIONS.model_copy(
        update={"ratio": 1e-6, "general_ratio": 1e-3, "scope": scope, "selection": selection}
    )

    def tried(ratio: float):
        return choose(
            *(scores(i, shapes=shapes) for i in range(3)), options.model_copy(update={"ratio": ratio})
        )

    with pytest.raises(BadInput, match="less than one weight of every matrix") as caught:
        tried(1e-6)
    least = float(re.search(r"smallest ratio that chooses any is (\S+)", str(caught.value))[1])
    assert tried(least).count > 0
    sizes = [54000] if scope == "global" else [24000, 30000]
    tops = [int(least * size) for size in sizes]
    smaller = sorted({k / size for size, top in zip(sizes, tops, strict=True) for k in range(1, top)})
    smaller = [r for r in smaller if all(int(r * n) < top for n, top in zip(sizes, tops, strict=True))]
    for ratio in smaller[-30:]:
        with pytest.raises(BadInput, match="nothing would be edited"):
            tried(ratio)


def test_a_choice_that_general_text_leaves_empty():
    a = scores(1)
    same = [{name: one.clone() for name, one in a.items()} for _ in range(3)]
    with pytest.raises(BadInput, match=r"no ratio up to 0.1 changes that.*lower general_ratio"):
        choose(*same, OPTIONS.model_copy(update={"ratio": 0.1, "general_ratio": 0.5}))


def test_sets_whose_tops_do_not_meet():
    values = torch.arange(1, 3001, dtype=torch.float32).reshape(30, 100)
    options = OPTIONS.model_copy(update={"ratio": 0.001, "general_ratio": 0.0})
    one, other = (
        {"m": values.clone()},
        {"m": values.flip(0, 1).clone()},
    )  # the order of one is the other's reversed
    with pytest.raises(BadInput, match="no weight is in both tops"):
        choose(one, other, {"m": values.clone()}, options)


def test_scores_that_are_no_numbers():
    broken = scores(1)
    broken["two"][3, 3] = float("nan")
    with pytest.raises(NumericError, match="two: 1 of 300 scores"):
        choose(broken, scores(2), scores(3), OPTIONS)


@pytest.mark.parametrize("scope", ["matrix", "global"])
def test_the_control_of_the_first_set_shares_no_weight_with_the_edit(scope):
    options = OPTIONS.model_copy(update={"ratio": 0.1, "general_ratio": 0.05, "scope": scope})
    a, b, g = (scores(i) for i in range(3))
    choice = choose(*({n: v.clone() for n, v in own.items()} for own in (a, b, g)), options)
    control = control_first(choice)
    assert not zeroed(choice) & zeroed(control)
    assert control_facts(choice, control) == {"weights": choice.count, "fewer": 0, "shared": 0}
    assert [len(one.places) for one in control.matrices] == [len(one.places) for one in choice.matrices]
    if scope == "global":
        return
    for one in control.matrices:
        spared = top({one.name: g[one.name]}, int(0.05 * g[one.name].numel()))
        rest = {one.name: a[one.name].clone()}
        for name, place in spared | zeroed(choice):
            if name == one.name:
                rest[one.name].reshape(-1)[place] = 0
        assert {(one.name, int(place)) for place in one.places} == top(rest, len(one.places))


def test_where_all_of_the_first_top_is_edited_the_control_goes_beyond_it():
    options = OPTIONS.model_copy(update={"ratio": 0.1, "general_ratio": 0.05})
    a = scores(1)
    choice = choose(a, {n: v.clone() for n, v in a.items()}, scores(2), options)
    control = control_first(choice)
    assert control_facts(choice, control) == {"weights": choice.count, "fewer": 0, "shared": 0}
    assert control_facts(choice, choice) == {"weights": choice.count, "fewer": 0, "shared": choice.count}


def test_a_control_with_too_few_weights_left_is_smaller_and_says_so(tiny_folder):
    options = OPTIONS.model_copy(update={"ratio": 0.1, "general_ratio": 0.0})
    loaded = load(tiny_folder)
    linears = matrices(loaded, "mlp")
    a = scores(1, shapes={name: tuple(weight_matrix(layer).shape) for name, layer in linears.items()})
    for name, layer in linears.items():  # 60 weights are left in each, 51 of which are edited
        order = a[name].reshape(-1).argsort(descending=True)
        a[name].reshape(-1)[order[60:]] = 0
        weight_matrix(layer)[a[name] == 0] = 0
    choice = choose(*({n: v.clone() for n, v in a.items()} for _ in range(3)), options)
    assert [len(one.places) for one in choice.matrices] == [51] * len(linears)
    for control in (control_first(choice), control_random(choice, loaded, 0)):
        facts = control_facts(choice, control)
        assert facts == {"weights": 9 * len(linears), "fewer": 42 * len(linears), "shared": 0}


def test_the_random_control(tiny_folder):
    loaded = load(tiny_folder)
    linears = matrices(loaded, "mlp")
    for layer in linears.values():
        weight_matrix(layer)[:, ::2] = 0
    shapes = {name: tuple(weight_matrix(layer).shape) for name, layer in linears.items()}
    a = scores(1, shapes=shapes)
    choice = choose(a, {n: v.clone() for n, v in a.items()}, scores(2, shapes=shapes), OPTIONS)
    one, again, other = (control_random(choice, loaded, seed) for seed in (0, 0, 1))
    assert zeroed(one) == zeroed(again) != zeroed(other)
    assert not zeroed(choice) & (zeroed(one) | zeroed(other))
    for mine, theirs in zip(one.matrices, choice.matrices, strict=True):
        assert len(mine.places) == len(set(mine.places.tolist())) == len(theirs.places)
        assert (mine.places % mine.shape[1] % 2 == 1).all()  # no weight that is zero already
