"""SPIN: zero the few weights that two concerns both rest on and general text does not.

A "neuron" is one weight of a linear layer. Its importance for a data set is Σ over samples of |W · ∂L/∂W|, one sample
per backward pass, where L is the mean cross-entropy of the response's tokens. W is the same for all samples, so that
this is |W| · Σ |∂L/∂W|: the sums of absolute gradients that pruning methods collect too. `spin_choice` says which
weights that chooses.

Source: arXiv 2410.16672.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from pydantic import Field
from torch import nn

from fairprune.accelerator import exact_products
from fairprune.debias.awareness import AwarenessItem
from fairprune.debias.spin_choice import Choice, Importance
from fairprune.errors import BadInput, NumericError
from fairprune.likelihood import token_losses
from fairprune.models import LoadedModel, only_gradients_of, weight_matrix
from fairprune.observers import GradientObserver
from fairprune.part import Part
from fairprune.statistics import Wanted, empty_statistics
from fairprune.structure import in_attention
from fairprune.text import counted

WANTED = Wanted(frozenset({("summary_tokens", "l1")}))


@dataclass(frozen=True)
class Sample:
    """A prompt and an answer to it, as token ids; neither is empty."""

    prompt: tuple[int, ...]
    response: tuple[int, ...]


def encode(
    loaded: LoadedModel,
    items: Sequence[AwarenessItem],
    answer: Literal["response", "unsafe_response"] = "response",
    *,
    room: int = 0,
) -> list[Sample | None]:
    """The items as the model reads them: chat template (or BOS and plain text), then the answer. None: the item has none.

    Args:
        room: tokens that the context must have after every prompt, for an answer of the model's own.

    Raises:
        BadInput: a model without tokenizer, an answer without tokens, an item that is longer than the model's context.
    """
    tokenizer = loaded.tokenizer
    if tokenizer is None:
        raise BadInput(f"{loaded.folder} has no tokenizer.json, which awareness sets need")
    limit = getattr(loaded.model.config.get_text_config(), "max_position_embeddings", None)
    found: list[Sample | None] = []
    for item in items:
        text = getattr(item, answer)
        if text is None:
            found.append(None)
            continue
        sample = Sample(tuple(tokenizer.prompt_ids(item.prompt)), tuple(tokenizer.encode(text)))
        length = len(sample.prompt) + max(len(sample.response), room)
        if not sample.prompt or not sample.response:
            raise BadInput(f"the answer {text[:40]!r} to {item.prompt[:40]!r} has no tokens: write words")
        if limit is not None and length > limit:
            raise BadInput(
                f"the prompt {item.prompt[:40]!r} and its answer have {length} tokens, but the model's context has {limit}: shorten them"
            )
        found.append(sample)
    return found


def matrices(loaded: LoadedModel, modules: Literal["mlp", "attention", "all"]) -> dict[str, nn.Module]:
    """The linear layers of the blocks that are edited, by full name; of tied ones the first.

    Raises:
        BadInput: the model has none of this kind, or only zeros in them.
    """
    found = {
        name: layer
        for block in loaded.blocks
        for name, layer in block.linears.items()
        if modules == "all" or in_attention(block.kind(name)) == (modules == "attention")
    }
    if not found:
        kinds = sorted({block.kind(name) for block in loaded.blocks for name in block.linears})
        raise BadInput(
            f"the blocks of {loaded.folder.name} have no layer of kind {modules!r}: they have {', '.join(kinds)}; choose 'all'"
        )
    if not any(bool(weight_matrix(layer).any()) for layer in found.values()):
        raise BadInput(
            f"nothing can be edited: every weight of the {counted(len(found), 'layer')} of kind {modules!r} in {loaded.folder.name} is "
            "zero. Choose other modules, or another model"
        )
    return found


def importance(
    loaded: LoadedModel,
    samples: Sequence[Sample],
    linears: Mapping[str, nn.Module],
    on_sample: Callable[[int, int], None] = lambda *_: None,
) -> Importance:
    """Σ over samples of |W · ∂L/∂W|, L the mean cross-entropy of the response's tokens; summed in float32.

    One backward pass per sample. Each gradient is added as it becomes ready and freed at once, so that beside the sums
    there is never more than one.

    Raises:
        BadInput: no sample, or a model whose blocks rest on the host.
        NumericError: a loss that is not finite, a layer without a gradient.
    """
    if not samples:
        raise BadInput("there is no sample to take an importance from: the set needs prompts with responses")
    if loaded.streamed:
        raise BadInput("SPIN needs the whole model on its device: use the placement 'resident'")
    sums = empty_statistics(linears)
    observer = GradientObserver(linears, sums, WANTED)
    observer.loss = "summary_tokens"
    with observer.watching():
        backward_passes(loaded, samples, linears, on_sample)
    observer.check_all_seen(len(samples))
    return {
        name: sums[name].gradient("summary_tokens", "l1").mul_(weight_matrix(layer).float().abs())
        for name, layer in linears.items()
    }


def backward_passes(
    loaded: LoadedModel,
    samples: Sequence[Sample],
    linears: Mapping[str, nn.Module],
    on_sample: Callable[[int, int], None] = lambda *_: None,
) -> None:
    """One forward and one backward pass per sample, for the gradients of these layers; nothing is kept of them.

    Raises:
        NumericError: a loss that is not finite.
    """
    weights: list[nn.Parameter] = [layer.weight for layer in linears.values()]  # type: ignore[misc]
    with only_gradients_of(loaded.model, weights), exact_products():
        for number, sample in enumerate(samples, start=1):
            loss = token_losses(loaded, sample.prompt, sample.response).mean()
            if not math.isfinite(float(loss.detach())):
                raise NumericError(
                    f"the loss of sample {number} is {float(loss.detach())}: is the model sound in this number format?"
                )
            loss.backward()  # type: ignore[no-untyped-call]
            for weight in weights:
                weight.grad = None
            on_sample(number, len(samples))


class Edited(Part):
    """One weight that was set to zero, with what it was: enough to undo it."""

    module: str
    row: int = Field(ge=0)
    column: int = Field(ge=0)
    old: float


def apply_choice(loaded: LoadedModel, choice: Choice) -> list[Edited]:
    """Sets the chosen weights to zero in place, and tells what they were. Nothing else changes."""
    linears, done = loaded.linears(), []
    for one in choice.matrices:
        weight = weight_matrix(linears[one.name])
        rows, columns = (
            torch.from_numpy(part).to(weight.device) for part in np.divmod(one.places, one.shape[1])
        )
        old = weight[rows, columns].double().tolist()
        weight[rows, columns] = 0
        done += [
            Edited(module=one.name, row=row, column=column, old=value)
            for row, column, value in zip(rows.tolist(), columns.tolist(), old, strict=True)
        ]
    return done


def undo(loaded: LoadedModel, edits: Sequence[Edited]) -> None:
    """Gives every edited weight its old value back, bit for bit.

    Raises:
        BadInput: a layer or place that the model does not have, a weight twice, one that is not zero, or an old value that the
            model's number format does not hold; nothing is changed then.
    """
    linears = loaded.linears()
    by_module: dict[str, list[Edited]] = {}
    for one in edits:
        by_module.setdefault(one.module, []).append(one)
    work = []
    for name, own in by_module.items():
        if name not in linears:
            raise BadInput(
                f"the edit names {name}, which {loaded.folder} does not have: it is another model's"
            )
        weight = weight_matrix(linears[name])
        places = [(one.row, one.column) for one in own]
        # Whole numbers of Python: a file may hold some that no tensor does.
        if any(row >= weight.shape[0] or column >= weight.shape[1] for row, column in places):
            raise BadInput(
                f"the edit names a weight outside {name} of shape {tuple(weight.shape)}: it is another model's"
            )
        if len(set(places)) < len(places):
            row, column = next(place for place, times in Counter(places).items() if times > 1)
            raise BadInput(
                f"the edit names the weight at row {row}, column {column} of {name} more than once: an edit lists each weight "
                "once, with one old value"
            )
        rows, columns = torch.tensor(places, device=weight.device).T
        if bool((weight[rows, columns] != 0).any()):
            raise BadInput(
                f"weights of {name} that the edit set to zero are not zero: it is undone already, or another model's"
            )
        old = torch.tensor([one.old for one in own], dtype=torch.float64, device=weight.device)
        if not torch.equal(old.to(weight.dtype).double(), old):
            raise BadInput(
                f"old values of {name} do not fit its number format, {str(weight.dtype).removeprefix('torch.')}: the list is of "
                "a model in another one"
            )
        work.append((weight, rows, columns, old.to(weight.dtype)))
    for weight, rows, columns, old in work:
        weight[rows, columns] = old
