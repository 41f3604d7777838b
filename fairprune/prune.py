"""The block loop: calibrated model → pruned model, one event per weight matrix."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch

from fairprune.errors import BadInput
from fairprune.masks import apply_mask, check_pattern, count_zeros, global_counts, keep_mask
from fairprune.methods import Loss, Method, Options
from fairprune.models import Block, BlockCall, LoadedModel, block_calls, weight_matrix
from fairprune.report import MatrixReport
from fairprune.statistics import (
    LayerStatistics,
    ModelStatistics,
    WindowSeen,
    check_finite,
    collect,
    empty_statistics,
    matches,
    observe_inputs,
)


@dataclass(frozen=True)
class Target:
    """How much to drop, and how it is shared out."""

    sparsity: float
    pattern: tuple[int, int] | None = None
    allocation: Literal["uniform", "global"] = "uniform"


@dataclass(frozen=True)
class Calibration:
    """Token windows for the statistics."""

    ids: torch.Tensor
    """int (windows, tokens), no padding."""
    loss_mask: torch.Tensor | None = None
    """bool (windows, tokens): tokens of the summary, for the loss 'summary_tokens'."""


@dataclass(frozen=True)
class LayerPruned:
    """One matrix is pruned."""

    block: int
    blocks: int
    report: MatrixReport
    keep: torch.Tensor
    """bool (out, in), true = kept, on the model's device."""


Event = WindowSeen | LayerPruned
PruneLayer = Callable[[str, LayerStatistics, Block], LayerPruned]


def gradient_need(method: Method, options: Options) -> tuple[Loss, Literal["l1", "l2"]] | None:
    """The loss and the aggregation whose gradients the method reads, or None."""
    if "gradient" not in method.needs:
        return None
    return getattr(options, "loss", "all_tokens"), getattr(options, "aggregate", "l2")


def needs_dense_pass(method: Method, options: Options, target: Target) -> bool:
    """Whether one pass of the dense model over the windows is needed."""
    if not method.needs:
        return False
    return (
        method.propagation(options) == "dense" or "gradient" in method.needs or target.allocation == "global"
    )


def collect_dense(
    loaded: LoadedModel, method: Method, options: Options, calibration: Calibration, into: ModelStatistics
) -> Iterator[WindowSeen]:
    """The dense pass that this method needs, into `into`."""
    need = gradient_need(method, options)
    yield from collect(
        loaded,
        calibration.ids,
        into,
        loss=need[0] if need else None,
        aggregate=need[1] if need else "l2",
        loss_mask=calibration.loss_mask,
    )


def prune(
    loaded: LoadedModel,
    method: Method,
    options: Options,
    target: Target,
    calibration: Calibration | None = None,
    statistics: ModelStatistics | None = None,
) -> Iterator[Event]:
    """Prunes the model in place, block after block.

    Args:
        calibration: needed by methods with statistics.
        statistics: of the dense model, from `collect_dense` over the same windows; collected here when missing.

    Yields:
        `WindowSeen` while statistics are collected, then `LayerPruned` per matrix.

    Raises:
        BadInput: n:m that does not divide a matrix (before anything is changed), calibration missing.
        NumericError: statistics or scores that cannot be trusted.
    """
    linears = loaded.linears()
    if target.pattern:
        for name, layer in linears.items():
            check_pattern(target.pattern, weight_matrix(layer).shape[1], name)
    if method.needs and calibration is None:
        raise BadInput(f"method {method.name!r} needs calibration data: give a calibration set or token ids")
    if statistics is not None and not matches(statistics, linears):
        raise BadInput("the given statistics are of another model: layer names or shapes differ")

    dense: ModelStatistics = statistics if statistics is not None else empty_statistics(linears)
    if statistics is None and needs_dense_pass(method, options, target):
        assert calibration is not None
        yield from collect_dense(loaded, method, options, calibration, dense)

    counts = allocate(loaded, method, options, target, dense) if target.allocation == "global" else {}
    within = method.compared_within(options)

    def prune_layer(name: str, entry: LayerStatistics, block: Block) -> LayerPruned:
        start = time.perf_counter()
        weight = weight_matrix(linears[name])
        score = method.score(weight.float(), entry, options)
        keep = keep_mask(
            score, target.sparsity, within=within, pattern=target.pattern, count=counts.get(name), name=name
        )
        apply_mask(weight, keep)
        asked = counts[name] / weight.numel() if name in counts else target.sparsity
        report = matrix_report(name, block, asked, weight, keep, score, entry, start)
        return LayerPruned(block.index, len(loaded.blocks), report, keep)

    if method.needs and method.propagation(options) == "pruned":
        assert calibration is not None
        yield from _walk_pruned(loaded, calibration, dense, prune_layer)
    else:
        for block in loaded.blocks:
            for name in block.linears:
                yield prune_layer(name, dense[name], block)


def allocate(
    loaded: LoadedModel, method: Method, options: Options, target: Target, dense: ModelStatistics
) -> dict[str, int]:
    """Allocation 'global': how many weights each matrix loses under one threshold over all matrices of a kind."""
    kinds: dict[str, list[str]] = defaultdict(list)
    for block in loaded.blocks:
        for name in block.linears:
            kinds[_kind(name, block)].append(name)
    linears = loaded.linears()
    counts: dict[str, int] = {}
    for names in kinds.values():
        scores = [method.score(weight_matrix(linears[name]).float(), dense[name], options) for name in names]
        counts.update(zip(names, global_counts(scores, target.sparsity), strict=True))
    return counts


def _walk_pruned(
    loaded: LoadedModel,
    calibration: Calibration,
    dense: ModelStatistics,
    prune_layer: PruneLayer,
    batch_size: int = 8,
) -> Iterator[LayerPruned]:
    """Each block calibrates on the outputs of the pruned blocks before it: two forwards per block, but one in the last."""
    ids = calibration.ids.to(loaded.device, torch.long)
    windows, tokens = ids.shape
    batches = [ids[start : start + batch_size] for start in range(0, windows, batch_size)]
    calls: list[list[BlockCall]] = [block_calls(loaded, batch) for batch in batches]
    hidden = [per_block[0].hidden for per_block in calls]
    for block in loaded.blocks:
        entries = {name: LayerStatistics(name, windows, windows * tokens) for name in block.linears}
        with torch.no_grad(), observe_inputs(block.linears, entries):
            for states, per_block in zip(hidden, calls, strict=True):
                per_block[block.index].run(block.module, states)
        check_finite(entries)
        for name, entry in entries.items():
            entry.gradient_sum = dense[name].gradient_sum
            yield prune_layer(name, entry, block)
        if block.index + 1 < len(loaded.blocks):
            with torch.no_grad():
                hidden = [
                    per_block[block.index].run(block.module, states)
                    for states, per_block in zip(hidden, calls, strict=True)
                ]


def _kind(name: str, block: Block) -> str:
    return name.removeprefix(block.name + ".")


def matrix_report(
    name: str,
    block: Block,
    asked: float,
    weight: torch.Tensor,
    keep: torch.Tensor,
    score: torch.Tensor,
    entry: LayerStatistics,
    start: float,
) -> MatrixReport:
    """The report of one matrix; `start` is the `time.perf_counter()` at which work on it began."""
    rows, columns = keep.shape
    kept = keep.float()
    # Matrix-vector products: sums of a boolean matrix by row and by column are ten times slower.
    kept_per_row = kept @ torch.ones(columns, device=keep.device)
    kept_per_column = torch.ones(rows, device=keep.device) @ kept
    per_row, per_column = 1 - kept_per_row / columns, 1 - kept_per_column / rows
    magnitude = score.abs()
    total, left = float(magnitude.sum()), float(torch.dot(magnitude.reshape(-1), kept.reshape(-1)))
    return MatrixReport(
        name=name,
        block=block.index,
        kind=_kind(name, block),
        rows=rows,
        columns=columns,
        asked=asked,
        dropped=keep.numel() - int(kept_per_row.sum(dtype=torch.float64)),
        zeros=count_zeros(weight),
        row_min=float(per_row.min()),
        row_median=float(per_row.quantile(0.5)),
        row_max=float(per_row.max()),
        column_min=float(per_column.min()),
        column_median=float(per_column.quantile(0.5)),
        column_max=float(per_column.max()),
        column_spread=float(per_column.std(correction=0)),
        dead_columns=int((kept_per_column == 0).sum()),
        silent_inputs=None if entry.input_sum is None else int((entry.input_sum == 0).sum()),
        score_removed=min(1.0, max(0.0, 1 - left / total)) if total > 0 else None,
        seconds=time.perf_counter() - start,
    )
