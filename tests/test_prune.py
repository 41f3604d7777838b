"""The block loop: events, exact counts, propagation, allocation, reports, refusals."""

from __future__ import annotations

import copy

import pytest
import torch

from fairprune.allocation import Target
from fairprune.errors import BadInput, NumericError
from fairprune.masks import keep_mask
from fairprune.methods import METHODS, get_method
from fairprune.models import load, weight_matrix
from fairprune.passes import WindowSeen, collect
from fairprune.prune import Calibration, LayerPruned, prune
from fairprune.statistics import LayerStatistics, Wanted, empty_statistics

IDS = torch.randint(4, 60, (4, 12), generator=torch.Generator().manual_seed(5))


@pytest.fixture
def loaded(tiny_folder):
    return load(tiny_folder)


def run(loaded, name, target=None, statistics=None, ids=IDS, **options):
    method = get_method(name)
    calibration = Calibration(ids) if ids is not None else None
    return list(
        prune(loaded, method, method.parse_options(options), target or Target(0.5), calibration, statistics)
    )


def masks(events):
    return {event.report.name: event.keep for event in events if isinstance(event, LayerPruned)}


@pytest.mark.parametrize("name", sorted(METHODS))
@pytest.mark.parametrize(
    "target",
    [Target(0.37), Target(0.5, (2, 4)), Target(0.5, (4, 8)), Target(0.37, None, "global"), Target(0.0)],
    ids=str,
)
def test_every_method_and_target_drops_exactly_what_was_asked(loaded, name, target):
    before = {layer: weight_matrix(module).clone() for layer, module in loaded.linears().items()}
    events = [event for event in run(loaded, name, target) if isinstance(event, LayerPruned)]
    assert [event.report.name for event in events] == list(loaded.linears())
    method = get_method(name)
    for event in events:
        weight = weight_matrix(loaded.linears()[event.report.name])
        rows, columns = weight.shape
        if get_method(name).solves:  # what is kept makes up for what is gone
            assert bool((weight[~event.keep] == 0).all()) and bool(torch.isfinite(weight).all())
        else:
            assert torch.equal(weight, before[event.report.name].masked_fill(~event.keep, 0))
        dropped = int((~event.keep).sum())
        assert event.report.dropped == dropped
        if target.pattern:
            assert dropped == rows * columns // 2
        elif target.allocation == "uniform":
            whole = method.compared_within(method.parse_options({})) != "row"
            asked = target.sparsity
            assert dropped == (round(asked * rows * columns) if whole else rows * round(asked * columns))
        else:
            assert event.report.asked == dropped / weight.numel()
    if target.allocation == "owl":  # the total is exact over all matrices
        reports = [event.report for event in events]
        assert sum(report.dropped for report in reports) == round(
            0.37 * sum(r.rows * r.columns for r in reports)
        )
    if target.allocation == "global":
        kinds = {event.report.kind for event in events}
        for kind in kinds:  # one threshold over the two matrices of a kind: the total is exact
            of_kind = [event.report for event in events if event.report.kind == kind]
            assert sum(report.dropped for report in of_kind) == round(
                0.37 * sum(report.rows * report.columns for report in of_kind)
            )
    if target.sparsity == 0:
        assert all(event.keep.all() for event in events)


def test_progress_comes_before_masks(loaded):
    events = run(loaded, "hgla")
    assert [event.done for event in events[:4]] == [1, 2, 3, 4]
    assert all(isinstance(event, WindowSeen) for event in events[:4])
    assert all(isinstance(event, LayerPruned) for event in events[4:])


def test_given_statistics_are_not_collected_again(loaded):
    found = empty_statistics(loaded.linears())
    list(collect(loaded, IDS, found, Wanted(frozenset({("last_token", "l2")}))))
    again = copy.deepcopy(loaded)
    calls = []
    hook = again.model.model.register_forward_hook(lambda *_: calls.append(1))
    first = masks(run(again, "hgla", Target(0.3), found))
    hook.remove()
    assert not calls
    assert all(
        torch.equal(first[name], keep) for name, keep in masks(run(loaded, "hgla", Target(0.3))).items()
    )


def test_wanda_calibrates_on_the_pruned_blocks_before(loaded):
    dense_first = masks(run(copy.deepcopy(loaded), "wanda", propagate="dense"))
    pruned = masks(run(loaded, "wanda"))
    same = {name: torch.equal(dense_first[name], keep) for name, keep in pruned.items()}
    assert all(same[name] for name in same if name.startswith("model.layers.0"))
    assert not all(same[name] for name in same if name.startswith("model.layers.1"))
    # The second block's masks are those of its inputs in the model whose first block is pruned: plain Wanda by hand.
    layer = "model.layers.1.self_attn.q_proj"
    module = loaded.linears()[layer]
    seen = []
    hook = module.register_forward_pre_hook(lambda _m, inputs: seen.append(inputs[0].detach()))
    with torch.no_grad():
        loaded.model.base_model(input_ids=IDS, use_cache=False)
    hook.remove()
    norm = seen[0].reshape(-1, 16).square().sum(dim=0).div(4).sqrt()
    original = load(loaded.folder).linears()[layer]
    assert torch.equal(pruned[layer], keep_mask(weight_matrix(original).abs() * norm, 0.5))


def test_permuting_windows_changes_nothing(loaded):
    one = masks(run(copy.deepcopy(loaded), "wanda"))
    other = masks(run(loaded, "wanda", ids=IDS.flip(0)))
    differing = sum(int((one[name] != other[name]).sum()) for name in one)
    assert differing <= 0.001 * sum(mask.numel() for mask in one.values())  # float order alone


def test_doubled_calibration_data_do_not_change_a_mask(loaded):
    for name in ("wanda", "hgla", "hgla-additive", "ria", "gradient", "sparsegpt"):
        one = masks(run(copy.deepcopy(loaded), name))
        two = masks(run(copy.deepcopy(loaded), name, ids=torch.cat([IDS, IDS])))
        assert all(torch.equal(one[layer], two[layer]) for layer in one)


def test_the_report_of_a_matrix_by_hand(loaded):
    from fairprune.prune import kept_sums, matrix_report, score_removed

    score = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 4.0]])
    keep = torch.tensor([[False, False, True], [False, True, True]])
    weight = torch.tensor([[0.0, 0.0, 5.0], [0.0, 0.0, 6.0]])
    entry = LayerStatistics("x", 1, 1, torch.tensor([0.0, 1.0, 1.0]))
    report = matrix_report(
        "model.layers.0.mlp.up_proj",
        loaded.blocks[0],
        0.5,
        weight,
        kept_sums(keep.float()),
        score_removed(score, keep.float()),
        entry,
        0.0,
    )
    assert (report.kind, report.dropped, report.zeros, report.achieved) == ("mlp.up_proj", 3, 4, 0.5)
    assert (report.row_min, report.row_median, report.row_max) == pytest.approx(
        (1 / 3, 0.5, 2 / 3)
    )  # rows 2/3, 1/3
    assert (report.column_min, report.column_median, report.column_max) == (0, 0.5, 1)  # columns 1, 1/2, 0
    assert report.column_spread == pytest.approx((1 / 6) ** 0.5)  # mean .5, deviations .5, 0, .5: sqrt(.5/3)
    assert (report.dead_columns, report.silent_inputs) == (1, 1)
    assert report.score_removed == pytest.approx(3 / 10)  # 1 + 2 + 0 of 10


def test_patterns_are_refused_before_anything_changes(loaded):
    before = {name: weight_matrix(layer).clone() for name, layer in loaded.linears().items()}
    with pytest.raises(BadInput, match="2:3 does not divide"):
        run(loaded, "magnitude", Target(2 / 3, (2, 3)))
    assert all(torch.equal(before[name], weight_matrix(layer)) for name, layer in loaded.linears().items())


def test_missing_calibration_and_foreign_statistics_are_refused(loaded):
    with pytest.raises(BadInput, match="'wanda' needs calibration data"):
        run(loaded, "wanda", ids=None)
    assert len(masks(run(copy.deepcopy(loaded), "magnitude", ids=None))) == 14
    with pytest.raises(BadInput, match="another model"):
        run(loaded, "hgla", statistics={"other": LayerStatistics("other")})


def test_one_infinite_score_stops_the_run(loaded):
    weight_matrix(loaded.linears()["model.layers.0.mlp.up_proj"])[0, 0] = float("inf")
    with pytest.raises(NumericError, match=r"layers\.0\.mlp\.up_proj: 1 of 512 scores"):
        run(loaded, "magnitude", ids=None)


def test_doubled_calibration_data_change_gblm_as_published(loaded):
    """Its gradient term is a sum over sequences beside a mean: twice the data weighs it √2 times."""
    one = masks(run(copy.deepcopy(loaded), "gblm"))
    two = masks(run(copy.deepcopy(loaded), "gblm", ids=torch.cat([IDS, IDS])))
    assert any(not torch.equal(one[layer], two[layer]) for layer in one)


def test_owl_needs_windows_even_where_the_method_does_not(loaded):
    with pytest.raises(BadInput, match="allocation 'owl' needs calibration data"):
        run(loaded, "magnitude", Target(0.5, None, "owl"), ids=None)


def test_stored_statistics_need_no_windows_unless_blocks_are_walked_again(loaded):
    statistics = empty_statistics(loaded.linears())
    for _ in collect(loaded, IDS, statistics, Wanted()):
        pass
    dense = copy.deepcopy(loaded.model.state_dict())
    with_windows = masks(run(loaded, "wanda", statistics=statistics, propagate="dense"))
    loaded.model.load_state_dict(dense)
    without = masks(run(loaded, "wanda", statistics=statistics, ids=None, propagate="dense"))
    assert all(torch.equal(keep, without[name]) for name, keep in with_windows.items())
    with pytest.raises(BadInput, match="needs calibration data"):
        run(loaded, "wanda", statistics=statistics, ids=None, propagate="pruned")


@pytest.mark.parametrize("name", sorted(METHODS))
def test_windows_that_weigh_alike_prune_as_without_weights(tiny_folder, name):
    def pruned(weights):
        one, method = load(tiny_folder), get_method(name)
        events = list(
            prune(one, method, method.parse_options({}), Target(0.5), Calibration(IDS, weights=weights))
        )
        return masks(events), [weight_matrix(layer) for layer in one.linears().values()]

    plain, dense = pruned(None)
    first = torch.tensor([50.0, 1.0, 1.0, 1.0])
    odd = torch.ones(IDS.shape)
    odd[:, ::2] = 50.0
    for even, heavy in ((torch.full((4,), 0.7), first), (torch.full(IDS.shape, 0.7), odd)):
        weighed, equal = pruned(even)
        assert all(torch.equal(plain[key], weighed[key]) for key in plain)
        assert all(torch.equal(a, b) for a, b in zip(dense, equal, strict=True))
        other, _ = pruned(heavy)
        same = all(torch.equal(plain[key], other[key]) for key in plain)
        alone = getattr(get_method(name).parse_options({}), "loss", None) == "last_token" and heavy is odd
        # Whoever reads statistics reads the weights; the loss of one token alone has no mean to weigh.
        assert same == (not get_method(name).needs) or alone


@pytest.mark.parametrize("propagate", ["dense", "pruned"])
def test_wanda_with_weights_is_wanda_with_repeated_windows(tiny_folder, propagate):
    repeated = run(load(tiny_folder), "wanda", ids=IDS[[0, 0, 0, 1, 2, 3]], propagate=propagate)
    one, method = load(tiny_folder), get_method("wanda")
    options = method.parse_options({"propagate": propagate})
    calibration = Calibration(IDS, weights=torch.tensor([3.0, 1.0, 1.0, 1.0]))
    events = masks(list(prune(one, method, options, Target(0.5), calibration)))
    assert all(torch.equal(keep, events[key]) for key, keep in masks(repeated).items())
