"""The block loop: calibrated model → pruned model, one event per weight matrix."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from fairprune.accelerator import HOST, exact_products, onto
from fairprune.allocation import Target, allocate
from fairprune.block_calls import BlockCall, block_calls
from fairprune.calibration import CalibrationSet
from fairprune.errors import BadInput
from fairprune.mask_details import Describe, PrunedMatrix
from fairprune.masks import Quota, apply_mask, as_float, check_pattern, count_zeros, keep_mask
from fairprune.methods import Loss, Method, Options
from fairprune.models import Block, LoadedModel, weight_matrix
from fairprune.observers import observe_inputs
from fairprune.onload import onloaded
from fairprune.passes import BlockWalked, WindowSeen, collect, window_weights, windows_at_once
from fairprune.report import MatrixReport
from fairprune.statistics import (
    Aggregate,
    LayerStatistics,
    ModelStatistics,
    Wanted,
    check_finite,
    empty_statistics,
    matches,
)


@dataclass(frozen=True)
class Calibration:
    """Token windows for the statistics."""

    ids: torch.Tensor
    """int (windows, tokens), no padding."""
    loss_mask: torch.Tensor | None = None
    """bool (windows, tokens): tokens of the summary, for the loss 'summary_tokens'."""
    weights: torch.Tensor | None = None
    """(windows,) or (windows, tokens), positive: how much each counts in all statistics. None: each once."""

    @staticmethod
    def of(windows: CalibrationSet) -> Calibration:
        """The windows of a calibration set."""
        rest = (windows.loss_mask, windows.weights)
        return Calibration(
            torch.from_numpy(windows.ids), *(None if one is None else torch.from_numpy(one) for one in rest)
        )


@dataclass(frozen=True)
class LayerPruned:
    """One matrix is pruned."""

    block: int
    blocks: int
    report: MatrixReport
    keep: torch.Tensor
    """bool (out, in), true = kept, on the host."""
    details: dict[str, Any] | None = None
    """What `describe` said of it."""


Event = WindowSeen | BlockWalked | LayerPruned
PruneLayer = Callable[[Block, ModelStatistics, str], LayerPruned]
"""(block, its statistics among others, name of the matrix) → what was done."""


def check_target(loaded: LoadedModel, target: Target) -> None:
    """Raises BadInput when the n:m of the target does not divide a matrix of this model."""
    if target.pattern:
        for name, layer in loaded.linears().items():
            check_pattern(target.pattern, weight_matrix(layer).shape[1], name)


def needs_calibration(method: Method, target: Target) -> bool:
    """Whether calibration windows are needed: by the method, or by the allocation owl, which reads input norms."""
    return method.needs_windows(target.allocation)


def wanted_dense(method: Method, options: Options, target: Target) -> Wanted | None:
    """What the method needs of the dense model over the windows, or None when it needs no such pass.

    Gradients are of the dense model always; input norms and covariances only where the method calibrates on it, or
    where an allocation over the layers reads them first.
    """
    if not needs_calibration(method, target):
        return None
    gradients: frozenset[tuple[Loss, Aggregate]] = frozenset()
    if "gradient" in method.needs:
        gradients = frozenset({(getattr(options, "loss", "all_tokens"), getattr(options, "aggregate", "l2"))})
    dense = method.propagation(options) == "dense" and bool(method.needs)
    if not dense and not gradients and target.allocation == "uniform":
        return None
    return Wanted(gradients, "hessian" in method.needs and dense)


def prune(
    loaded: LoadedModel,
    method: Method,
    options: Options,
    target: Target,
    calibration: Calibration | None = None,
    statistics: ModelStatistics | None = None,
    describe: Describe | None = None,
) -> Iterator[Event]:
    """Prunes the model in place, block after block.

    Args:
        calibration: needed by methods with statistics, unless the given ones are all that they read.
        statistics: of the dense model, from `collect` over the same windows, as `wanted_dense` says; collected here when missing.
        describe: looks at each matrix while its scores are at hand; what it returns comes with the event.

    Yields:
        `WindowSeen` while statistics are collected, then `LayerPruned` per matrix.

    Raises:
        BadInput: n:m that does not divide a matrix (before anything is changed), calibration missing.
        NumericError: statistics or scores that cannot be trusted.
    """
    linears = loaded.linears()
    check_target(loaded, target)
    walks = bool(method.needs) and method.propagation(options) == "pruned"
    if calibration is None and needs_calibration(method, target) and (statistics is None or walks):
        what = f"method {method.name!r}" if method.needs else "allocation 'owl'"
        raise BadInput(f"{what} needs calibration data: give a calibration set or token ids")
    if statistics is not None and not matches(statistics, linears):
        raise BadInput("the given statistics are of another model: layer names or shapes differ")

    dense: ModelStatistics = statistics if statistics is not None else empty_statistics(linears)
    wanted = wanted_dense(method, options, target)
    if statistics is None and wanted is not None:
        assert calibration is not None
        yield from collect(
            loaded,
            calibration.ids,
            dense,
            wanted,
            loss_mask=calibration.loss_mask,
            weights=calibration.weights,
        )

    counts = {} if target.allocation == "uniform" else allocate(loaded, method, options, target, dense)
    compared = method.compared_within(options)
    within: Literal["row", "matrix"] = "matrix" if compared == "matrix" else "row"

    def prune_layer(block: Block, statistics: ModelStatistics, name: str) -> LayerPruned:
        start = time.perf_counter()
        weight = weight_matrix(linears[name])
        entry = statistics[name].on(weight.device)
        if method.solves:
            quota = Quota(target.sparsity, target.pattern, counts.get(name))
            solution = method.solve(weight.float(), entry, options, quota)
            keep, removed, dampening = solution.keep, solution.score_removed, solution.dampening
            kept, score = as_float(keep), solution.score
            weight.copy_(solution.weight)
        else:
            score = method.score(weight.float(), entry, options)
            keep = keep_mask(
                score,
                target.sparsity,
                within=within,
                pattern=target.pattern,
                count=counts.get(name),
                name=name,
            )
            kept, dampening = as_float(keep), None
            removed = score_removed(score, kept)
        apply_mask(weight, keep)
        asked = counts[name] / weight.numel() if name in counts else target.sparsity
        sums = kept_sums(kept)
        details = (
            None if describe is None else describe(PrunedMatrix(name, block.kind(name), score, kept, *sums))
        )
        report = matrix_report(name, block, asked, weight, sums, removed, entry, start, dampening)
        return LayerPruned(block.index, len(loaded.blocks), report, keep.to(HOST), details)

    if walks:
        assert calibration is not None
        yield from _walk_pruned(loaded, calibration, dense, prune_layer, "hessian" in method.needs)
    else:
        with _workers(loaded) as each:
            for block in loaded.blocks:
                with onloaded(loaded, block, write_back=True):
                    yield from each(partial(prune_layer, block, dense), block.linears)
                for name in block.linears:
                    dense[name].worked.clear()  # as large as the covariances, and a moment's work


Each = Callable[[Callable[[str], LayerPruned], Iterable[str]], Iterator[LayerPruned]]


@contextmanager
def _workers(loaded: LoadedModel) -> Iterator[Each]:
    """A `map` over the matrices of a block: on a CPU one matrix per core, results in the given order.

    Scores and masks are many short operations on one matrix: two cores that share each of them wait for each
    other at every step, two that have a matrix each do not.
    """
    threads = torch.get_num_threads()
    if loaded.device.type != "cpu" or threads < 2:
        yield map
        return
    with ThreadPoolExecutor(threads, "matrices", initializer=lambda: torch.set_num_threads(1)) as pool:
        try:
            yield pool.map
        finally:
            torch.set_num_threads(
                threads
            )  # the number of threads that a new thread begins with is everybody's


def _walk_pruned(
    loaded: LoadedModel,
    calibration: Calibration,
    dense: ModelStatistics,
    prune_layer: PruneLayer,
    hessian: bool = False,
    batch_size: int | None = None,
) -> Iterator[LayerPruned]:
    """Each block calibrates on the outputs of the pruned blocks before it: two forwards per block, but one in the last."""
    ids = calibration.ids.to(loaded.device, torch.long)
    windows, tokens = ids.shape
    weights = window_weights(calibration.weights, (windows, tokens), loaded.device)
    batch_size = batch_size or windows_at_once(loaded, tokens)
    batches = [ids[start : start + batch_size] for start in range(0, windows, batch_size)]
    counts: Sequence[torch.Tensor | None] = (
        [None] * len(batches) if weights is None else torch.split(weights, batch_size)
    )
    calls: list[list[BlockCall]] = [block_calls(loaded, batch) for batch in batches]
    rest = HOST if loaded.streamed else loaded.device
    hidden = [per_block[0].hidden.to(rest) for per_block in calls]
    with _workers(loaded) as each:
        for block in loaded.blocks:
            entries = {name: LayerStatistics(name, windows, windows * tokens) for name in block.linears}
            with onloaded(loaded, block, write_back=True):
                with (
                    torch.no_grad(),
                    exact_products(),
                    observe_inputs(block.linears, entries, hessian=hessian) as inputs,
                ):
                    for states, per_block, inputs.weights in zip(hidden, calls, counts, strict=True):
                        per_block[block.index].run(block.module, onto(states, loaded.device))
                check_finite(entries)
                for name, entry in entries.items():
                    entry.gradient_sum = dense[name].gradient_sum
                yield from each(partial(prune_layer, block, entries), entries)
                if block.index + 1 < len(loaded.blocks):
                    with torch.no_grad(), exact_products():
                        hidden = [
                            per_block[block.index].run(block.module, onto(states, loaded.device)).to(rest)
                            for states, per_block in zip(hidden, calls, strict=True)
                        ]


def score_removed(score: torch.Tensor, kept: torch.Tensor) -> float | None:
    """Share of the total |score| that the mask drops, [0, 1]; None when the total is 0. `kept` is the mask as float32."""
    magnitude = score if float(score.amin()) >= 0 else score.abs()
    total = float(magnitude.sum())
    left = float(torch.dot(magnitude.reshape(-1), kept.reshape(-1)))
    return min(1.0, max(0.0, 1 - left / total)) if total > 0 else None


Sums = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Weights kept per row and per column."""


def kept_sums(kept: torch.Tensor) -> Sums:
    """Weights kept per row (out,) and per column (in,).

    Args:
        kept: (out, in), the keep-mask as float32: its sums are matrix-vector products, ten times faster than those of a
            boolean matrix.
    """
    rows, columns = kept.shape
    # Two vectors leave the device; what is left to do on them is quicker in numpy, by its lower cost per call.
    per_row = (kept @ torch.ones(columns, device=kept.device)).cpu().numpy()
    per_column = (torch.ones(rows, device=kept.device) @ kept).cpu().numpy()
    return per_row, per_column


def matrix_report(
    name: str,
    block: Block,
    asked: float,
    weight: torch.Tensor,
    sums: Sums,
    removed: float | None,
    entry: LayerStatistics,
    start: float,
    dampening: float | None = None,
) -> MatrixReport:
    """The report of one matrix.

    Args:
        sums: of `kept_sums`.
        start: the `time.perf_counter()` at which work on it began.
    """
    kept_per_row, kept_per_column = sums
    rows, columns = len(kept_per_row), len(kept_per_column)
    per_row, per_column = 1 - kept_per_row / columns, 1 - kept_per_column / rows
    return MatrixReport(
        name=name,
        block=block.index,
        kind=block.kind(name),
        rows=rows,
        columns=columns,
        asked=asked,
        dropped=rows * columns - int(kept_per_row.sum(dtype=np.float64)),
        zeros=count_zeros(weight),
        row_min=float(per_row.min()),
        row_median=float(np.median(per_row)),
        row_max=float(per_row.max()),
        column_min=float(per_column.min()),
        column_median=float(np.median(per_column)),
        column_max=float(per_column.max()),
        column_spread=float(per_column.std()),
        dead_columns=int((kept_per_column == 0).sum()),
        silent_inputs=None if entry.input_sum is None else int((entry.input_sum == 0).sum()),
        score_removed=removed,
        dampening=dampening,
        seconds=time.perf_counter() - start,
    )
