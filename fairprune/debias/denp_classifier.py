"""DENP for a classifier: who is recognised late along iterative pruning, without group labels; pruning again for them.

Read (abstract, the authors' figure): the confidence of each sample along pruning, accumulated (AC), tells samples that
conflict with a bias from those that follow it; iterative pruning of 20 % of the remaining weights per round; a sparse and
debiased network comes from it. Reconstructed: short fine-tuning in each round, AC_i = mean_k p(y_i | x_i; W_k·m_k);
within each class 2-means on AC, refused for all classes or for one (`fairprune.debias.split`); pruning again from the
dense weights, with batches in which both sets of a class weigh alike. The path must reach the sparsity at which the
network breaks: where it stops before, AC says little more than the dense confidence.

Any module serves whose output is logits (n, classes), or has them as `logits`, as sequence-classification models do: its
linear layers are pruned. Source: IEEE TIP 2026, doi 10.1109/TIP.2026.3687070.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import cross_entropy
from transformers.pytorch_utils import Conv1D

from fairprune.debias.split import Split, balanced_weights, split_parts
from fairprune.errors import BadInput, NumericError
from fairprune.masks import apply_mask, global_counts, keep_mask
from fairprune.models import weight_matrix
from fairprune.uncertainty import FloatArray

Inputs = torch.Tensor | Mapping[str, torch.Tensor]
"""(n, …), or named tensors (n, …) as a tokenizer gives them."""
Masks = dict[str, torch.Tensor]
"""Module name → bool (out, in), true = kept."""
BATCH = 512  # of forward passes without gradients
PATH_SEEDS = 1000  # between the seeds of two paths: neighbouring seeds are those of other runs


@dataclass(frozen=True)
class Options:
    """How the path is walked; the defaults are those of the published rounds and of our toy."""

    share: float = 0.2
    """Of the remaining weights, dropped in each round, (0, 1)."""
    rounds: int = 28
    """Of a path that AC accumulates over: 0.998 of the weights are gone in the end."""
    paths: int = 3
    """From the same network, with batches of their own: on one path the last weights that read a bias can go early by chance."""
    final_rounds: int = 20
    """Of the second pruning, which the network is kept from: 0.9885."""
    steps: int = 60
    """Of fine-tuning in each round."""
    batch_size: int = 128
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise BadInput(
                f"a share of {self.share} of the remaining weights cannot be dropped: it must be in (0, 1)"
            )
        for name in ("rounds", "paths", "final_rounds", "steps", "batch_size"):
            if getattr(self, name) < 1:
                raise BadInput(f"{name} is {getattr(self, name)}, but must be at least 1")

    def sparsity(self, done: int) -> float:
        """After so many rounds: 1 − (1 − share)^rounds.

        >>> round(Options().sparsity(20), 4)
        0.9885
        """
        return 1 - (1 - self.share) ** done


@dataclass(frozen=True)
class Accumulated:
    """The confidence in each of n labels along the paths."""

    sparsities: tuple[float, ...]
    dense: FloatArray
    """(n,): p(y | x) of the dense network, in [0, 1]."""
    pruned: FloatArray
    """(paths, rounds, n)."""

    @property
    def ac(self) -> FloatArray:
        """(n,): mean confidence over the rounds of all paths, in [0, 1]; low = conflicting."""
        mean: FloatArray = self.pruned.mean(axis=(0, 1))
        return mean


@dataclass(frozen=True)
class ClassSplits:
    """2-means on AC within each class, and whether that is more than noise."""

    split: Split
    """Of −AC, all classes judged together: accepted or refused (`fairprune.debias.split.Parts`)."""
    by_class: dict[int, Split]
    """Class → its own 2-means, and whether this class alone would be accepted."""
    kept: dict[int, bool]
    """Class → whether its samples are weighed; those of a class that is refused are drawn evenly."""
    conflicting: NDArray[np.bool_]
    """(n,): the lower set of each class. Found also where the split is refused."""
    sampling: FloatArray
    """(n,), mean 1 within each class: both sets of a class that is kept weigh alike; of all classes where the split is refused."""

    @property
    def sizes(self) -> dict[int, tuple[int, int]]:
        """Class → samples that are not conflicting, and that are."""
        return {label: split.sizes for label, split in self.by_class.items()}

    def weights(self) -> FloatArray:
        """The sampling weights.

        Raises:
            BadInput: the split is refused; names both numbers.
        """
        self.split.check("samples' accumulated confidences (AC)")
        return self.sampling


def confidences(model: nn.Module, inputs: Inputs, labels: torch.Tensor) -> FloatArray:
    """p(label | input) of each sample, (n,), in [0, 1].

    Raises:
        NumericError: a probability that is not finite.
    """
    found = []
    with _mode(model, training=False), torch.no_grad():
        for rows in torch.split(torch.arange(len(labels)), BATCH):
            shares = torch.softmax(_logits(model, inputs, rows).double(), dim=-1)
            found.append(shares.gather(1, labels[rows].to(shares.device)[:, None])[:, 0].cpu())
    values: FloatArray = torch.cat(found).numpy()
    if bad := int((~np.isfinite(values)).sum()):
        raise NumericError(
            f"the confidence of {bad} of {len(values)} samples is not finite: has training diverged?"
        )
    return values


def predictions(model: nn.Module, inputs: Inputs, n: int) -> NDArray[np.int64]:
    """The likeliest class of each of the n samples, (n,)."""
    with _mode(model, training=False), torch.no_grad():
        parts = [
            _logits(model, inputs, rows).argmax(dim=-1).cpu() for rows in torch.split(torch.arange(n), BATCH)
        ]
    found: NDArray[np.int64] = torch.cat(parts).numpy()
    return found


def train(
    model: nn.Module,
    inputs: Inputs,
    labels: torch.Tensor,
    steps: int,
    options: Options,
    *,
    weights: FloatArray | None = None,
    keep: Masks | None = None,
    generator: torch.Generator | None = None,
) -> None:
    """Adam on seeded batches, in place; dropped weights are zero after every step.

    Args:
        weights: (n,), how likely a sample is drawn, relative to the others; None: all alike.
        keep: the masks of the pruned layers.
        generator: of the batches, on the CPU; None: a new one with the seed of the options.

    Raises:
        NumericError: a loss that is not finite; names the step.
    """
    generator = generator or torch.Generator().manual_seed(options.seed)
    chances = torch.ones(len(labels)) if weights is None else torch.from_numpy(weights)
    optimizer = torch.optim.Adam(
        model.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
    )
    layers = linears(model)
    with _mode(model, training=True), torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(int(torch.randint(2**31, (1,), generator=generator)))  # of dropout
        for step in range(steps):
            rows = torch.multinomial(chances, options.batch_size, replacement=True, generator=generator)
            loss = cross_entropy(*_on_one_device(_logits(model, inputs, rows), labels[rows]))
            if not bool(torch.isfinite(loss)):
                raise NumericError(
                    f"the loss of training step {step + 1} of {steps} is not finite: use a smaller learning rate than "
                    f"{options.learning_rate:g}"
                )
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            for name, mask in (keep or {}).items():
                apply_mask(weight_matrix(layers[name]), mask)


def linears(model: nn.Module) -> dict[str, nn.Module]:
    """The layers that are pruned, by name: all linear ones, a classification head among them.

    Raises:
        BadInput: there are none.
    """
    found = {name: module for name, module in model.named_modules() if isinstance(module, nn.Linear | Conv1D)}
    if not found:
        raise BadInput(f"{type(model).__name__} has no linear layer that could be pruned")
    return found


def drop_smallest(model: nn.Module, keep: Masks, sparsity: float) -> Masks:
    """Prunes in place by magnitude, one threshold over all layers: exactly round(sparsity · weights) are gone afterwards.

    Args:
        keep: what is left of earlier rounds, {} before the first; what is gone stays gone.
    """
    layers = linears(model)
    scores = {}
    for name, layer in layers.items():
        scores[name] = weight_matrix(layer).float().abs()
        if name in keep:
            scores[name][~keep[name]] = -1.0  # before a kept weight that is 0 by chance
    counts = global_counts(list(scores.values()), sparsity)
    masks = {}
    for (name, score), count in zip(scores.items(), counts, strict=True):
        masks[name] = keep_mask(score, 0.0, within="matrix", count=count, name=name)
        apply_mask(weight_matrix(layers[name]), masks[name])
    return masks


def walk(
    model: nn.Module,
    inputs: Inputs,
    labels: torch.Tensor,
    rounds: int,
    options: Options,
    weights: FloatArray | None = None,
) -> Iterator[float]:
    """Prunes in place round by round, with fine-tuning in each; yields the sparsity after each round.

    Args:
        weights: (n,), sampling weights of the fine-tuning; None: uniform.
    """
    keep: Masks = {}
    generator = torch.Generator().manual_seed(options.seed)
    for done in range(1, rounds + 1):
        keep = drop_smallest(model, keep, options.sparsity(done))
        train(model, inputs, labels, options.steps, options, weights=weights, keep=keep, generator=generator)
        yield options.sparsity(done)


def accumulate(model: nn.Module, inputs: Inputs, labels: torch.Tensor, options: Options) -> Accumulated:
    """The confidences along the paths, each from the trained network, which is as it was afterwards."""
    dense = confidences(model, inputs, labels)
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    sparsities = tuple(options.sparsity(done) for done in range(1, options.rounds + 1))
    pruned: list[FloatArray] = []
    try:
        for path in range(options.paths):
            own = replace(options, seed=options.seed + PATH_SEEDS * path)
            for _ in walk(model, inputs, labels, options.rounds, own):
                pruned.append(confidences(model, inputs, labels))
            model.load_state_dict(state)
    finally:
        model.load_state_dict(state)
    return Accumulated(sparsities, dense, np.stack(pruned).reshape(options.paths, options.rounds, -1))


def split_classes(ac: FloatArray, labels: Sequence[int], seed: int = 0) -> ClassSplits:
    """2-means within each class that occurs, accepted or refused together first, then class by class.

    Args:
        seed: of the simulated samples.
    """
    classes = np.asarray(labels)
    found = split_parts(-ac, classes, seed)
    conflicting, sampling = found.together.members, np.ones(len(ac))
    for label, kept in found.kept.items():
        rows = np.flatnonzero(classes == label)
        if kept or not found.together.accepted:
            sampling[rows] = balanced_weights(conflicting[rows])
    return ClassSplits(found.together, found.each, found.kept, conflicting, sampling)


def worst_group(predicted: NDArray[np.int64], labels: Sequence[int], groups: Sequence[Any]) -> dict[str, Any]:
    """Accuracy of each group with its 95 % interval, and which is worst, JSON-serialisable."""
    from fairprune.uncertainty import wilson

    right, named = predicted == np.asarray(labels), np.asarray([str(group) for group in groups])
    found = {}
    for group in np.unique(named).tolist():
        hits, n = int(right[named == group].sum()), int((named == group).sum())
        low, high = wilson(hits, n)
        found[group] = {"accuracy": hits / n, "low": low, "high": high, "n": n}
    worst = min(found, key=lambda group: float(found[group]["accuracy"]))
    return {"groups": found, "worst": worst, "accuracy": float(right.mean()), "n": len(right)}


def _logits(model: nn.Module, inputs: Inputs, rows: torch.Tensor) -> torch.Tensor:
    """(rows, classes)."""
    device = next(model.parameters()).device
    if isinstance(inputs, torch.Tensor):
        output = model(inputs[rows].to(device))
    else:
        output = model(**{name: values[rows].to(device) for name, values in inputs.items()})
    found = getattr(output, "logits", output)
    if not isinstance(found, torch.Tensor) or found.ndim != 2:
        raise BadInput(
            f"{type(model).__name__} does not give logits (n, classes): a classifier is needed, such as a sequence-classification model"
        )
    return found


def _on_one_device(logits: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return logits.float(), labels.to(logits.device)


@contextmanager
def _mode(model: nn.Module, *, training: bool) -> Iterator[None]:
    """Inside, the model trains or evaluates; afterwards it does what it did."""
    before = model.training
    model.train(training)
    try:
        yield
    finally:
        model.train(before)
