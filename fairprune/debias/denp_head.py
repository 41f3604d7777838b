"""DENP on a corpus: a small head on the packaged sentence encoder learns its groups, and is pruned with and without DENP.

The head's label is the opinion's group; which opinions conflict with what most of their group say, the accumulated
confidence shows. No bias is labelled in the bundled corpora, so there is nothing to compare the conflicting set with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import nn

from fairprune.debias.denp import MOST_AFFECTED, NAME, NOISE
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
from fairprune.errors import BadInput
from fairprune.labels.classifier import MIN_PER_GROUP, training_draw
from fairprune.labels.embeddings import Embedder, embedded
from fairprune.opinions import Corpus, Opinion
from fairprune.uncertainty import FloatArray

WIDTH = 64  # of the head's hidden layer
DENSE_STEPS = 300
LIMIT = 400
"""Opinions of each split: embedding is slow on a CPU."""
UNLABELLED = (
    "the corpus labels no bias beside the groups, so nothing was held back that AC could be compared with"
)


def head_document(
    corpus: Corpus,
    embed: Embedder,
    options: Options | None = None,
    *,
    limit: int = LIMIT,
    report: Callable[[int, int, str], None] = lambda *_: None,
) -> dict[str, Any]:
    """Dense, pruned evenly and pruned with DENP's weights on the opinions of the test split, JSON-serialisable.

    Args:
        embed: texts → vectors, such as `labels.embeddings.sentence_embedder()`.
        options: None: those of `Options`.
        limit: opinions drawn of each split, as many of each group as there are.
        report: called with the rounds done, all rounds, and a line of text.

    Raises:
        BadInput: a group with too few opinions in a split.
        NumericError: embeddings or losses that are not finite.
    """
    options = options or Options()
    groups = corpus.info.groups
    learned, tested = (_drawn(corpus, split, groups, options.seed, limit) for split in ("train", "test"))
    inputs, held_out = (
        torch.from_numpy(embedded(embed, [one.text for one in part])) for part in (learned, tested)
    )
    labels = torch.tensor([groups.index(one.group) for one in learned])
    model = _head(inputs.shape[1], len(groups), options.seed)
    train(model, inputs, labels, DENSE_STEPS, options)
    found = accumulate(model, inputs, labels, options)
    splits = split_classes(found.ac, labels.tolist(), options.seed)
    systems: dict[str, FloatArray | None] = {"uniform": None}
    if splits.split.accepted:
        systems["denp"] = splits.weights()

    def accuracy(of: nn.Module) -> dict[str, Any]:
        names = [one.group for one in tested]
        return worst_group(
            predictions(of, held_out, len(tested)), [groups.index(name) for name in names], names
        )

    results: dict[str, Any] = {"dense": accuracy(model), "uniform": None, "denp": None}
    for place, (name, weights) in enumerate(systems.items()):
        pruned = deepcopy(model)
        for done, sparsity in enumerate(
            walk(pruned, inputs, labels, options.final_rounds, options, weights), 1
        ):
            report(
                place * options.final_rounds + done,
                len(systems) * options.final_rounds,
                f"{name}: {sparsity:.1%} pruned",
            )
        results[name] = accuracy(pruned)
    return {
        "name": NAME,
        "n": {"train": len(learned), "test": len(tested)},
        "path": list(found.sparsities),
        "sparsity": options.sparsity(options.final_rounds),
        "split": splits.split.to_json(),
        "split_by_group": {groups[label]: one.to_json() for label, one in splits.by_class.items()},
        "weighed_groups": [groups[label] for label, kept in splits.kept.items() if kept],
        "sizes": {
            groups[label]: dict(zip(("rest", "conflicting"), sizes, strict=True))
            for label, sizes in splits.sizes.items()
        },
        "accuracy": results,
        "texts": _least_confident(learned, found.ac, splits),
        "note": NOISE,
        "no_auroc": UNLABELLED,
    }


def _drawn(corpus: Corpus, split: Any, groups: Sequence[str], seed: int, limit: int) -> list[Opinion]:
    drawn = training_draw(corpus.splits[split], groups, seed, limit)
    for group in groups:
        if (count := sum(opinion.group == group for opinion in drawn)) < MIN_PER_GROUP:
            raise BadInput(
                f"the {split} split of {corpus.info.name!r} gives {count} opinions of group {group!r}: a head needs at least "
                f"{MIN_PER_GROUP} of each"
            )
    return drawn


def _head(width: int, classes: int, seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(width, WIDTH), nn.ReLU(), nn.Linear(WIDTH, classes))


def _least_confident(
    opinions: Sequence[Opinion], ac: FloatArray, splits: ClassSplits
) -> list[dict[str, Any]]:
    return [
        {
            "text": opinions[i].text,
            "group": opinions[i].group,
            "ac": float(ac[i]),
            "conflicting": bool(splits.conflicting[i]) if splits.split.accepted else None,
        }
        for i in np.argsort(ac, kind="stable")[:MOST_AFFECTED].tolist()
    ]
