"""The two toys of DENP, in which who conflicts with the bias is known: built here for tests and benchmarks alike.

A classifier with a shortcut that is right for 95 % of the training points, and a language model of two grammars of
which one has a tenth of the sequences. Each function says what comes out; nothing is asserted here.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import nn

from fairprune.allocation import Target
from fairprune.debias.denp import Affected, Text, find_affected, text_losses
from fairprune.debias.denp_classifier import (
    ClassSplits,
    Options,
    accumulate,
    predictions,
    split_classes,
    train,
    walk,
    worst_group,
)
from fairprune.debias.split import balanced_weights
from fairprune.labels.heldout import even_weights
from fairprune.methods import get_method
from fairprune.models import LoadedModel, find_blocks
from fairprune.prune import Calibration, LayerPruned, prune

# The classifier ---------------------------------------------------------------------------------------------


DENSE_STEPS = 600


@dataclass(frozen=True)
class Points:
    """(n, 32) features, of which the last two are the shortcut; class and attribute are 0 or 1."""

    features: torch.Tensor
    labels: torch.Tensor
    attributes: torch.Tensor

    @property
    def conflicting(self) -> np.ndarray:
        return (self.labels != self.attributes).numpy()

    @property
    def groups(self) -> list[str]:
        return [
            f"class {y}, attribute {a}"
            for y, a in zip(self.labels.tolist(), self.attributes.tolist(), strict=True)
        ]


@dataclass(frozen=True)
class ClassifierResult:
    auroc_ac: float
    """Of 1 − AC for 'conflicting'."""
    auroc_paths: tuple[float, ...]
    """The same of each path alone."""
    auroc_dense: float
    """Of 1 − dense confidence."""
    splits: ClassSplits
    worst: dict[str, float]
    """Accuracy of the worst of four groups of test points: dense, and pruned with uniform, DENP's and the true weights; with
    'each class alone' a class that would be refused alone is drawn evenly."""
    accuracy: float
    """Of the dense network on the training points."""
    auroc_by_round: tuple[float, ...]
    """Of 1 − confidence after each round of the first path alone, for 'conflicting'."""


def points(n: int, agreement: float, generator: torch.Generator) -> Points:
    labels = torch.randint(0, 2, (n,), generator=generator)
    agree = torch.rand(n, generator=generator) < agreement
    attributes = torch.where(agree, labels, 1 - labels)
    core = torch.randn(n, 30, generator=generator) + 0.30 * (2 * labels[:, None] - 1)
    shortcut = 0.5 * torch.randn(n, 2, generator=generator) + 1.5 * (2 * attributes[:, None] - 1)
    return Points(torch.cat([core, shortcut], dim=1), labels, attributes)


def network(seed: int, width: int = 128) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Linear(32, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2)
        )


def classifier_toy(
    seed: int,
    options: Options | None = None,
    *,
    n: int = 2000,
    dense_steps: int = DENSE_STEPS,
    width: int = 128,
    prune_again: bool = True,
) -> ClassifierResult:
    """2,000 points with the shortcut right for 95 %, 4,000 test points with it right for half."""
    options = options or Options(seed=seed)
    generator = torch.Generator().manual_seed(seed)
    learned, tested = points(n, 0.95, generator), points(2 * n, 0.5, generator)
    model = network(seed, width)
    train(model, learned.features, learned.labels, dense_steps, options)
    predicted = predictions(model, learned.features, n)
    found = accumulate(model, learned.features, learned.labels, options)
    splits = split_classes(found.ac, learned.labels.tolist(), seed)
    worst = {"dense": worst_accuracy(model, tested)}
    systems = {
        "uniform": None,
        "denp": splits.sampling,
        "each class alone": alone(splits, learned.labels.numpy()),
        "true groups": even_weights(learned.groups),
    }
    for name, weights in systems.items() if prune_again else ():
        pruned = deepcopy(model)
        for _ in walk(pruned, learned.features, learned.labels, options.final_rounds, options, weights):
            pass
        worst[name] = worst_accuracy(pruned, tested)
    return ClassifierResult(
        float(roc_auc_score(learned.conflicting, -found.ac)),
        tuple(float(roc_auc_score(learned.conflicting, -one.mean(axis=0))) for one in found.pruned),
        float(roc_auc_score(learned.conflicting, -found.dense)),
        splits,
        worst,
        float((predicted == learned.labels.numpy()).mean()),
        tuple(float(roc_auc_score(learned.conflicting, -one)) for one in found.pruned[0]),
    )


def shortcut_left(seed: int) -> list[int]:
    """Weights of the first layer that read the shortcut, after each round of the toy's first path."""
    options, generator = Options(seed=seed), torch.Generator().manual_seed(seed)
    learned, model = points(2000, 0.95, generator), network(seed)
    train(model, learned.features, learned.labels, DENSE_STEPS, options)
    path = walk(model, learned.features, learned.labels, options.rounds, options)
    return [int((model[0].weight[:, 30:] != 0).sum()) for _ in path]


def alone(splits: ClassSplits, labels: np.ndarray) -> np.ndarray:
    """The sampling weights of the classes that would be accepted alone; the others are drawn evenly."""
    accepted = np.array([splits.by_class[int(label)].accepted for label in labels])
    balanced = np.ones(len(labels))
    for label in splits.by_class:
        rows = labels == label
        balanced[rows] = balanced_weights(splits.conflicting[rows])
    return np.where(accepted, balanced, 1.0)


def worst_accuracy(model: nn.Module, tested: Points) -> float:
    predicted = predictions(model, tested.features, len(tested.labels))
    found = worst_group(predicted, tested.labels.tolist(), tested.groups)
    return float(found["groups"][found["worst"]]["accuracy"])


# The language model -----------------------------------------------------------------------------------------

VOCABULARY, TOKENS, FIRST_COUNTED = 48, 33, 8
MINORITY = "second"
TOY_PATH = (0.5, 0.6, 0.7, 0.8)
RECOVERED_AT = 0.7


@dataclass(frozen=True)
class Grammars:
    """Sequences of two grammars: the next token is this one's image under a permutation, or noise."""

    ids: torch.Tensor
    """int (n, 33)."""
    groups: list[str]
    """'first' or 'second' grammar of each."""

    def texts(self) -> list[Text]:
        counts = tuple(place >= FIRST_COUNTED for place in range(self.ids.shape[1]))
        return [
            Text(" ".join(map(str, row)), tuple(row), counts, group)
            for row, group in zip(self.ids.tolist(), self.groups, strict=True)
        ]


@dataclass(frozen=True)
class LanguageModelToy:
    loaded: LoadedModel
    """Trained on `learned`."""
    learned: Grammars
    tested: Grammars
    """Half of each grammar."""

    @property
    def calibration(self) -> Calibration:
        return Calibration(self.learned.ids[:256])


def sequences(counts: dict[str, int], maps: dict[str, torch.Tensor], generator: torch.Generator) -> Grammars:
    """Shuffled sequences, so many of each grammar."""
    groups = [name for name, count in counts.items() for _ in range(count)]
    groups = [groups[i] for i in torch.randperm(len(groups), generator=generator).tolist()]
    table = torch.stack([maps[group] for group in groups])  # (n, vocabulary)
    ids = [torch.randint(0, VOCABULARY, (len(groups),), generator=generator)]
    for _ in range(TOKENS - 1):
        following = table.gather(1, ids[-1][:, None])[:, 0]
        noise = torch.randint(0, VOCABULARY, (len(groups),), generator=generator)
        replaced = torch.rand(len(groups), generator=generator) < 0.25
        ids.append(torch.where(replaced, noise, following))
    return Grammars(torch.stack(ids, dim=1), groups)


def language_model_toy(seed: int, *, n: int = 1500, steps: int = 900) -> LanguageModelToy:
    """A Llama of two blocks, width 48, trained on sequences of which a tenth are of the second grammar."""
    from transformers import LlamaConfig, LlamaForCausalLM

    generator = torch.Generator().manual_seed(seed)
    maps = {name: torch.randperm(VOCABULARY, generator=generator) for name in ("first", MINORITY)}
    learned = sequences({"first": n - n // 10, MINORITY: n // 10}, maps, generator)
    tested = sequences({"first": 300, MINORITY: 300}, maps, generator)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=48,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=None,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(steps):
        batch = learned.ids[torch.randint(0, n, (32,), generator=generator)]
        loss = nn.functional.cross_entropy(
            model(input_ids=batch, use_cache=False).logits[:, :-1].flatten(0, 1), batch[:, 1:].flatten()
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    return LanguageModelToy(LoadedModel(model, find_blocks(model), Path("toy"), None), learned, tested)


def affected(toy: LanguageModelToy, path: tuple[float, ...] = TOY_PATH, seed: int = 0) -> Affected:
    """RAC of the training sequences, and their split."""
    return find_affected(toy.loaded, toy.learned.texts(), toy.calibration, path, seed=seed)


def aurocs(found: Affected) -> dict[str, float]:
    """Of RAC and of the dense loss for 'second grammar'."""
    second = [text.group == MINORITY for text in found.texts]
    return {
        "rac": float(roc_auc_score(second, found.accumulated.rac)),
        "dense": float(roc_auc_score(second, found.accumulated.dense)),
    }


def pruned_copy(toy: LanguageModelToy) -> tuple[LoadedModel, dict[str, torch.Tensor]]:
    """The toy's model at 70 % by Wanda, another one than the dense, and its keep-masks."""
    model = deepcopy(toy.loaded.model)
    loaded = replace(toy.loaded, model=model, blocks=find_blocks(model))
    wanda = get_method("wanda")
    options = wanda.parse_options({"propagate": "dense"})
    events = prune(loaded, wanda, options, Target(RECOVERED_AT), toy.calibration)
    return loaded, {event.report.name: event.keep for event in events if isinstance(event, LayerPruned)}


def gap(loaded: LoadedModel, tested: Grammars) -> float:
    """How much higher the minority's loss on test sequences is than the majority's, in nats per token."""
    losses, second = text_losses(loaded, tested.texts()), np.array(tested.groups) == MINORITY
    return float(losses[second].mean() - losses[~second].mean())


@dataclass(frozen=True)
class ToyRecovery:
    """As a `RecoverySpec`, of which the toy needs other numbers."""

    steps: int = 30
    learning_rate: float = 1e-3
    batch_size: int = 32
    seed: int = 0
    parameters: str = "kept"


def recovered_gap(
    toy: LanguageModelToy, weights: np.ndarray | None, options: ToyRecovery | None = None
) -> float:
    """`gap` after masked recovery of the pruned model on the training sequences, drawn evenly or with weights."""
    from fairprune.debias.recovery import recover

    loaded, masks = pruned_copy(toy)
    for _ in recover(loaded, masks, Calibration(toy.learned.ids), weights, options or ToyRecovery()):
        pass
    return gap(loaded, toy.tested)
