"""Logistic regression on sentence embeddings, with its record on opinions that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairprune.labels.embeddings import Embedder, embedded
from fairprune.labels.sentences import SentenceLabel, label_sentences
from fairprune.opinions import Opinion
from fairprune.uncertainty import FloatArray, wilson

TRAIN_OPINIONS = 400
"""Opinions the classifier is made from, a quarter of them held out: embedding is slow on a CPU, and 100 held-out ones
know the accuracy to about ±0.09."""
MIN_TRAIN = 20
MIN_PER_GROUP = 5
HELD_OUT = 0.25
KNOWN_SPEAKERS = 0.9
"""Share of opinions whose speaker must be known for whole speakers to be held out."""


@dataclass(frozen=True)
class GroupClassifier:
    """Logistic regression on sentence embeddings, with its record on opinions that it has not seen."""

    groups: tuple[str, ...]
    """All groups of the corpus."""
    model: Any
    """sklearn LogisticRegression; its classes are positions in `groups`."""
    embed: Embedder
    report: dict[str, Any]
    """Held-out report, JSON-serialisable."""

    def probabilities(self, texts: Sequence[str]) -> FloatArray:
        """(n, groups), rows sum to 1; a group without training opinions has 0."""
        found = np.zeros((len(texts), len(self.groups)))
        if texts:
            found[:, self.model.classes_] = self.model.predict_proba(embedded(self.embed, texts))
        return found

    def label(self, sentences: Sequence[str], none_below: float) -> list[SentenceLabel]:
        """A label per sentence, in order; each distinct text is embedded once.

        A sentence whose clauses are surely of different groups, or that says that opinions are divided, is
        'mixed'; one whose likeliest group has a probability below `none_below` is 'none'.
        """
        return label_sentences(sentences, self.groups, self.probabilities, none_below)


def train_classifier(
    opinions: Sequence[Opinion],
    groups: Sequence[str],
    embed: Embedder,
    *,
    seed: int,
    none_below: float = 0.6,
    limit: int = TRAIN_OPINIONS,
) -> tuple[GroupClassifier | None, str | None]:
    """A classifier from the corpus's `train` split, or None and the reason.

    Args:
        opinions: of the train split; at most `limit` of them are drawn (seeded).
        none_below: only for the report: which share of held-out opinions would be 'none'.

    Returns:
        The classifier and None, or None and why there is none.
    """
    drawn = training_draw(opinions, groups, seed, limit)
    if len(drawn) < MIN_TRAIN:
        return (
            None,
            f"{len(drawn)} training opinions are too few for a group classifier: it needs {MIN_TRAIN}",
        )
    counts = {group: sum(opinion.group == group for opinion in drawn) for group in groups}
    enough = [group for group, count in counts.items() if count >= MIN_PER_GROUP]
    if len(enough) < 2:
        listed = ", ".join(f"{group} {count}" for group, count in counts.items())
        return None, f"a group classifier needs two groups of {MIN_PER_GROUP} training opinions, not {listed}"
    drawn = [opinion for opinion in drawn if opinion.group in enough]
    held, by = _hold_out(drawn, np.random.default_rng(seed))
    model = _fit(drawn, held, tuple(groups), embed)
    classifier = GroupClassifier(tuple(groups), model, embed, {})
    report = _report(classifier, drawn, held, by, none_below)
    return GroupClassifier(tuple(groups), model, embed, report), None


def training_draw(
    opinions: Sequence[Opinion], groups: Sequence[str], seed: int, limit: int = TRAIN_OPINIONS
) -> list[Opinion]:
    """At most `limit` opinions, seeded, as many of each group as there are: what a short group lacks, others give.

    Groups weigh alike in the classifier because they weigh alike among the opinion sets: half of a balanced set
    and of all skewed ones together.
    """
    order = np.random.default_rng(seed).permutation(len(opinions))
    pools = {group: [int(i) for i in order if opinions[i].group == group] for group in groups}
    taken: list[int] = []
    for place, group in enumerate(sorted(groups, key=lambda group: len(pools[group]))):
        taken += pools[group][: (limit - len(taken)) // (len(groups) - place)]
    return [opinions[i] for i in sorted(taken)]


def _fit(drawn: Sequence[Opinion], held: NDArray[np.bool_], groups: tuple[str, ...], embed: Embedder) -> Any:
    from sklearn.linear_model import LogisticRegression

    kept = [opinion for opinion, out in zip(drawn, held, strict=True) if not out]
    # Of C = 1, 3, 10 and 30, 3 had the lowest held-out log loss on films and products: 1 leaves far more
    # sentences below a threshold of .6, 10 and 30 are surer than they are right.
    model = LogisticRegression(C=3.0, class_weight="balanced", max_iter=2000)
    model.fit(embedded(embed, [o.text for o in kept]), [groups.index(o.group) for o in kept])
    return model


def _hold_out(drawn: Sequence[Opinion], rng: np.random.Generator) -> tuple[NDArray[np.bool_], str]:
    """Which opinions are held out, about a quarter, and in what units ('speaker', 'topic' or 'opinion').

    Whole speakers where they are known (the few unknown ones count as one), else whole topics: a classifier
    that has only learned a voice or a film must not look good. Single opinions, and said so, where neither
    leaves every group something to learn from.
    """
    units: dict[str, list[str]] = {}
    if sum(bool(opinion.speaker) for opinion in drawn) >= KNOWN_SPEAKERS * len(drawn):
        units["speaker"] = [opinion.speaker for opinion in drawn]
    units["topic"] = [opinion.topic for opinion in drawn]
    units["opinion"] = [str(i) for i in range(len(drawn))]
    of_group = np.array([opinion.group for opinion in drawn])
    for by, keys in units.items():
        names, where = np.unique(np.array(keys), return_inverse=True)
        sizes = np.bincount(where)
        for _ in range(20):  # a draw may take all opinions of a group; another one may not
            held = _draw_units(where, sizes, rng.permutation(len(names)))
            both = [set(of_group[held]), set(of_group[~held])]
            if both[1] == set(of_group) and len(both[0]) > 1:
                return held, by
    return np.arange(len(drawn)) % 4 == 0, "opinion"


def _draw_units(where: NDArray[Any], sizes: NDArray[Any], order: NDArray[Any]) -> NDArray[np.bool_]:
    """Units in `order` until a quarter of the opinions is out, skipping units that would pass 40 %."""
    out: list[int] = []
    total = 0
    for unit in order:
        if total + sizes[unit] <= 0.4 * len(where):
            out.append(int(unit))
            total += int(sizes[unit])
        if total >= HELD_OUT * len(where):
            break
    return np.isin(where, out)


def _report(
    classifier: GroupClassifier,
    drawn: Sequence[Opinion],
    held: NDArray[np.bool_],
    by: str,
    none_below: float,
) -> dict[str, Any]:
    tested = [opinion for opinion, out in zip(drawn, held, strict=True) if out]
    rows = classifier.probabilities([opinion.text for opinion in tested])
    predicted = rows.argmax(axis=1)
    confusion = np.zeros((len(classifier.groups), len(classifier.groups)), dtype=int)
    for opinion, guess in zip(tested, predicted, strict=True):
        confusion[classifier.groups.index(opinion.group), guess] += 1
    right = int(np.trace(confusion))
    low, high = wilson(right, len(tested))
    return {
        "n_train": len(drawn) - len(tested),
        "n_heldout": len(tested),
        "held_out_by": by,
        "accuracy": right / len(tested),
        "low": low,
        "high": high,
        "balanced_accuracy": _mean_recall(confusion),
        "groups": list(classifier.groups),
        "confusion": confusion.tolist(),  # rows: the opinion's group; columns: the predicted one; counts
        "none_share": float((rows.max(axis=1) < none_below).mean()),
    }


def _mean_recall(confusion: NDArray[Any]) -> float:
    """Mean over the occurring groups of the share of their opinions recognised; by chance 1 / groups."""
    counts = confusion.sum(axis=1)
    occurs = counts > 0
    return float((np.diag(confusion)[occurs] / counts[occurs]).mean())
