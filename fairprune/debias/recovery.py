"""Masked recovery: some steps of AdamW on the weights that pruning kept. Zeros stay zero, and that is checked after every step.

Every zero of a pruned matrix stays, whoever made it: our mask, an edit, or somebody who pruned the model before. Windows are
drawn with replacement, evenly or with weights, and the same seed gives the same draws, so that a uniform recovery of as many steps
is the control of any other. Weights of tokens (those of DENP) change the loss and not the draws: the steps read what those of the
control read. Their losses are summed with the weights and divided by the number of the step's tokens, not by the sum of the
weights, so that a step with heavy tokens counts more than one without.

Memory beside the model and its activations, in bytes per weight that may move: 8 for the two moments of AdamW, the size of the
number format for its gradient and again for the copy that is put back on failure (on the host), 1 for the mask; formats of less
than 32 bits need 4 more, for a float32 master copy, without which steps smaller than their rounding would be lost.

Source: Loshchilov & Hutter, ICLR 2019 (arXiv 1711.05101), AdamW.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from fairprune.debias.draws import draw_windows
from fairprune.debias.moving import Moving, check_step, is_tied, moving_weights, output_matrix
from fairprune.errors import BadInput, NumericError, Unavailable
from fairprune.models import LoadedModel, only_gradients_of
from fairprune.prune import Calibration
from fairprune.text import counted
from fairprune.uncertainty import FloatArray

WEIGHT_DECAY = 0.01
"""AdamW's usual one: in 30 steps of 1e-4 it shrinks a weight by 0.003 %."""
BETAS = (0.9, 0.999)
CURVE = 200
"""Points of the loss curve that are kept, at most."""


class RecoveryOptions(Protocol):
    """What `recover` reads of a `RecoverySpec`."""

    @property
    def steps(self) -> int: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def batch_size(self) -> int: ...
    @property
    def seed(self) -> int: ...
    @property
    def parameters(self) -> str:
        """'kept' or 'words': whether the kept weights of the pruned matrices move, beside the rows of `ExtraLoss`."""


class ExtraLoss(Protocol):
    """A term that is added to the loss of the texts, such as `fairprune.debias.nc3.Nc3Loss`."""

    @property
    def name(self) -> str: ...
    @property
    def rows(self) -> Sequence[int]:
        """Rows of the output matrix that move, too."""

    @property
    def note(self) -> str:
        """What the report says of it, in a sentence."""

    def __call__(
        self, features: torch.Tensor, labels: torch.Tensor, output: torch.Tensor
    ) -> torch.Tensor | None:
        """The term, a scalar; None where it is not defined (yet).

        Args:
            features: (tokens, width), what the output matrix reads, detached.
            labels: (tokens,), the next tokens.
            output: (vocabulary, width), the output matrix, as a parameter.
        """


@dataclass(frozen=True)
class RecoveryStep:
    """One step is done."""

    step: int
    """1 … steps."""
    steps: int
    loss: float
    """Mean loss of the step's own windows before the step, nats per counted token."""
    extra: float | None
    """The added term, before the step."""
    tokens: int
    """Tokens whose loss counted, in this and all earlier steps."""

    def __str__(self) -> str:
        extra = "" if self.extra is None else f", added term {self.extra:.4f}"
        return f"step {self.step} of {self.steps}, loss {self.loss:.3f}{extra}"


@dataclass(frozen=True)
class RecoveryReport:
    """What a recovery did: the last event."""

    steps: int
    learning_rate: float
    batch_size: int
    weighted: bool
    """Whether windows were drawn with weights, or their tokens weighed in the loss."""
    windows: int
    """Training windows to draw from."""
    windows_drawn: int
    """Of these, how many were drawn at least once."""
    tokens: int
    """Tokens whose loss counted, over all steps; a window that was drawn twice counts twice."""
    moved: int
    """Weights that could move: kept ones, and rows of the output matrix."""
    zeros: int
    """Weights of the same matrices that were zero before, and still are."""
    rows: int
    """Rows of the output matrix that could move."""
    tied: bool | None
    """Whether these rows are those of the input embedding, too, which then moved with them; None where no row moved."""
    master_copies: bool
    """Whether a float32 copy of what moves was needed."""
    memory_bytes: int
    """Of gradients, moments, copies and masks, beside the model and its activations."""
    loss: tuple[tuple[int, float], ...]
    """(step, loss), at most `CURVE` of them and always the first and the last."""
    extra_name: str | None
    extra: tuple[tuple[int, float], ...]
    """(step, added term), of the steps in which it was defined; empty without one."""
    notes: tuple[str, ...]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def recover(
    loaded: LoadedModel,
    masks: Mapping[str, torch.Tensor] | None,
    windows: Calibration,
    weights: Sequence[float] | FloatArray | None,
    options: RecoveryOptions,
    extra_loss: ExtraLoss | None = None,
) -> Iterator[RecoveryStep | RecoveryReport]:
    """Trains the kept weights in place. When it fails, or is given up before its end, the weights from before are back.

    The loss is the mean next-token cross-entropy over the counted tokens of the step's windows, from float32 logits; no dropout.

    Args:
        masks: matrix → keep-mask, bool (out, in), true = kept; None where the zeros alone say what was pruned.
        windows: int (windows, tokens), no padding; where there is a loss mask, the tokens that count.
        weights: (windows,), ≥ 0, in any unit: how much more often a window is drawn; or (windows, tokens), > 0: how much a token
            counts in the loss of windows that are drawn evenly; None: neither.

    Yields:
        `RecoveryStep` after every step, then one `RecoveryReport`.

    Raises:
        BadInput: windows without counted tokens, weights that do not fit, a mask that does not fit the weights, 'words' without a
            term that names rows.
        NumericError: a loss or a weight that is not finite, a zero that did not stay; the step is named, the weights are put back.
        Unavailable: the model's blocks rest on the host, or the device has too little memory.
    """
    if loaded.streamed:
        raise Unavailable("a recovery needs the whole model on the device: use the placement 'resident'")
    ids = windows.ids.to(loaded.device, torch.long)
    counts = _counted(windows).to(loaded.device)
    given = None if weights is None else np.asarray(weights, dtype=np.float64)
    by_token = None if given is None or given.ndim < 2 else _token_weights(given, counts)
    own = given if given is not None and given.ndim < 2 else None
    draws = draw_windows(len(ids), own, options.steps, options.batch_size, options.seed)
    start, complete = time.perf_counter(), False
    moving = moving_weights(
        loaded,
        masks,
        () if extra_loss is None else extra_loss.rows,
        matrices=options.parameters != "words",
    )
    try:
        # One optimiser each, so that the gradients of all masters are never there at once.
        optimizers = [
            torch.optim.AdamW(
                [one.master],
                lr=options.learning_rate,
                betas=BETAS,
                weight_decay=WEIGHT_DECAY,
                fused=True,  # no temporaries as large as the weights
            )
            for one in moving
        ]
        loss_curve, extra_curve, tokens = [], [], 0
        for step, drawn in enumerate(draws.tolist(), start=1):
            weighed = None if by_token is None else by_token[drawn]
            loss, extra = _step(
                loaded, moving, optimizers, ids[drawn], counts[drawn], weighed, extra_loss, step, options
            )
            tokens += int(counts[drawn].sum())
            loss_curve.append((step, loss))
            if extra is not None:
                extra_curve.append((step, extra))
            yield RecoveryStep(step, options.steps, loss, extra, tokens)
        if extra_loss is not None and not extra_curve:
            raise BadInput(
                f"the added term ({extra_loss.name}) was not defined in any of {counted(options.steps, 'step')}, so the "
                f"weights from before are put back: {extra_loss.note}"
            )
        complete = True
    except torch.OutOfMemoryError as error:
        raise Unavailable(
            f"recovery with {counted(options.batch_size, 'window')} of {ids.shape[1]} tokens per step does not fit on "
            f"{loaded.device}: use fewer per step, or shorter ones"
        ) from error
    finally:
        if not complete:
            for one in moving:
                one.restore()
    rows = [one for one in moving if one.rows is not None]
    yield RecoveryReport(
        steps=options.steps,
        learning_rate=options.learning_rate,
        batch_size=options.batch_size,
        weighted=weights is not None,
        windows=len(ids),
        windows_drawn=len(np.unique(draws)),
        tokens=tokens,
        moved=sum(int((~one.drop).sum()) for one in moving),
        zeros=sum(int(one.drop.sum()) for one in moving),
        rows=sum(len(one.master) for one in rows),
        tied=is_tied(loaded) if rows else None,
        master_copies=any(one.copied for one in moving),
        memory_bytes=sum(one.memory for one in moving),
        loss=_thinned(loss_curve),
        extra_name=None if extra_loss is None else extra_loss.name,
        extra=_thinned(extra_curve),
        notes=_notes(loaded, rows, extra_loss),
        seconds=time.perf_counter() - start,
    )


def _counted(windows: Calibration) -> torch.Tensor:
    """bool (windows, tokens): whose loss counts. The first token of a window is never predicted."""
    if windows.ids.ndim != 2 or windows.ids.shape[1] < 2:
        raise BadInput(
            f"training windows have shape {tuple(windows.ids.shape)}: at least 2 tokens are needed"
        )
    counts = (
        torch.ones(windows.ids.shape, dtype=torch.bool)
        if windows.loss_mask is None
        else windows.loss_mask.clone()
    )
    if counts.shape != windows.ids.shape:
        raise BadInput(
            f"a loss mask of {tuple(counts.shape)} does not fit windows of {tuple(windows.ids.shape)}"
        )
    counts[:, 0] = False
    if empty := int((~counts.any(dim=1)).sum()):
        raise BadInput(
            f"{counted(empty, 'training window')} of {len(counts)} have no token whose loss counts"
        )
    return counts


def _token_weights(weights: FloatArray, counts: torch.Tensor) -> torch.Tensor | None:
    """(windows, tokens), float32, mean 1 over the tokens whose loss counts; None where all of these weigh alike."""
    if weights.shape != tuple(counts.shape):
        raise BadInput(
            f"weights {weights.shape} do not fit windows of {tuple(counts.shape)}: give one per window or one per token"
        )
    if not np.isfinite(weights).all() or weights.min() <= 0:
        raise BadInput("weights of tokens must be finite and above 0")
    own = weights[counts.cpu().numpy()]
    if own.min() == own.max():
        return None  # not a bit may differ from the plain loss
    return torch.from_numpy(weights / own.mean()).to(counts.device, torch.float32)


def _step(
    loaded: LoadedModel,
    moving: Sequence[Moving],
    optimizers: Sequence[torch.optim.Optimizer],
    ids: torch.Tensor,
    counts: torch.Tensor,
    weights: torch.Tensor | None,
    extra_loss: ExtraLoss | None,
    step: int,
    options: RecoveryOptions,
) -> tuple[float, float | None]:
    """One step; loss, without weights, and added term before it."""
    output = None if extra_loss is None else output_matrix(loaded)
    with only_gradients_of(loaded.model, [one.parameter for one in moving]), _inputs_of(output) as features:
        logits = loaded.model(input_ids=ids, use_cache=False).logits[:, :-1]
        counted_here = counts[:, 1:]
        loss = cross_entropy(logits[counted_here].float(), ids[:, 1:][counted_here])
        whole, extra = loss, None
        if weights is not None:
            each = cross_entropy(logits[counted_here].float(), ids[:, 1:][counted_here], reduction="none")
            whole = (each * weights[:, 1:][counted_here]).mean()
        if extra_loss is not None and output is not None:
            read = features[0][:, :-1].detach().flatten(0, 1)
            extra = extra_loss(read, ids[:, 1:].flatten(), output.weight)  # type: ignore[arg-type]
            whole = whole if extra is None else whole + extra
        values = float(loss.detach()), None if extra is None else float(extra.detach())
        together = float(whole.detach())
        if not math.isfinite(together):
            what = "loss" if not math.isfinite(values[0]) else f"added term ({extra_loss.name})"  # type: ignore[union-attr]
            raise NumericError(
                f"the {what} is {together} at step {step} of {options.steps}: recovery stopped, the weights from before "
                f"are put back; use a smaller learning rate than {options.learning_rate:g}, or look at the pruned model's perplexity"
            )
        whole.backward()  # type: ignore[no-untyped-call]
        for one, optimizer in zip(moving, optimizers, strict=True):
            one.take_gradient(step)
            optimizer.step()
            one.write()
            check_step(one.name, one.values, one.drop, step)
    return values


def _notes(loaded: LoadedModel, rows: Sequence[Moving], extra_loss: ExtraLoss | None) -> tuple[str, ...]:
    found = [] if extra_loss is None else [extra_loss.note]
    if rows and is_tied(loaded):
        found.append(
            "The output matrix of this model is its input embedding: the rows that moved are the words' input vectors, too."
        )
    return tuple(found)


@contextmanager
def _inputs_of(layer: nn.Module | None) -> Iterator[list[torch.Tensor]]:
    """A list that gets what the layer reads; empty for no layer."""
    seen: list[torch.Tensor] = []
    if layer is None:
        yield seen
        return
    handle = layer.register_forward_pre_hook(lambda _layer, args: seen.append(args[0]))
    try:
        yield seen
    finally:
        handle.remove()


def _thinned(curve: list[tuple[int, float]]) -> tuple[tuple[int, float], ...]:
    """At most `CURVE` points, evenly spaced, with both ends."""
    if len(curve) <= CURVE:
        return tuple(curve)
    places = np.linspace(0, len(curve) - 1, CURVE).round().astype(int)
    return tuple(curve[place] for place in places)
