"""A text-classification model as the group classifier: its labels, mapped to the corpus's groups.

Safetensors only, and no code of the folder is run. Torch is imported when the first text is classified.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairprune import catalogue
from fairprune.errors import BadInput, NumericError, unknown
from fairprune.labels import heldout
from fairprune.labels.classifier import MIN_TRAIN, training_draw
from fairprune.labels.embeddings import MAX_CHARACTERS, Embedder, cached
from fairprune.labels.sentences import SentenceLabel, label_sentences
from fairprune.metrics.matchers import pretrained
from fairprune.metrics.matchers.pretrained import Pretrained
from fairprune.opinions import Opinion
from fairprune.text import clipped
from fairprune.uncertainty import FloatArray

MAX_TOKENS = 128
"""What is read of a text; opinions have at most 40 words."""
BATCH = 32
UNTESTED = f"there are not {MIN_TRAIN} labelled opinions to test it on"


@dataclass(frozen=True)
class ModelLabels:
    """A text-classification model with the groups that its labels stand for, and its record."""

    groups: tuple[str, ...]
    """All groups of the corpus."""
    columns: tuple[int | None, ...]
    """Per label of the model the position of its group; None: it stands for no group ('neutral')."""
    classify: Embedder
    """Texts → (n, labels), rows sum to 1."""
    report: dict[str, Any]
    """Of `test`, JSON-serialisable; without an accuracy, and with a reason, where it was not tested."""

    def probabilities(self, texts: Sequence[str]) -> FloatArray:
        """(n, groups): labels of one group added up. A row sums to less than 1 where labels stand for no group."""
        found = np.zeros((len(texts), len(self.groups)))
        if not texts:
            return found
        rows = self.classify(texts)
        if rows.shape != (len(texts), len(self.columns)) or not np.isfinite(rows).all():
            raise NumericError(
                f"the classification model gave an array of shape {rows.shape} for {len(texts)} texts and "
                f"{len(self.columns)} labels, or numbers that are not finite"
            )
        for column, group in enumerate(self.columns):
            if group is not None:
                found[:, group] += rows[:, column]
        return found

    def label(self, sentences: Sequence[str], none_below: float) -> list[SentenceLabel]:
        """A label per sentence, as `label_sentences` decides."""
        return label_sentences(sentences, self.groups, self.probabilities, none_below)


def check(name: str, groups: Sequence[str], label_map: Mapping[str, str]) -> catalogue.Source:
    """Whether this model can label a corpus, decided before a run is queued; nothing is fetched.

    The labels of a hub model that is not here yet are looked at when it is.

    Raises:
        BadInput: no such model, no text-classification model, weights that are not safetensors, labels that fit no group.
        Unavailable: gated, or the hub cannot be reached.
    """
    source = catalogue.check(name, decoder=False)
    folder = catalogue.preview_folder(source)
    if folder is not None:
        map_labels(_labels_of(folder), groups, label_map)
    return source


def load_labels(
    name: str,
    opinions: Sequence[Opinion],
    groups: Sequence[str],
    *,
    label_map: Mapping[str, str],
    identity: str,
    none_below: float,
    seed: int,
    report: Callable[[str], None] = lambda _: None,
) -> ModelLabels:
    """The model of this hub id or folder, tested on the opinions that the packaged classifier would learn from.

    Args:
        opinions: of the corpus's train split.
        identity: of the weights when the run was submitted; '' where nobody wrote it down.
        report: called with a line of text where something is fetched.

    Raises:
        BadInput, Unavailable: as `check`; weights that are missing, or have changed.
    """
    source = check(name, groups, label_map)
    folder = catalogue.fetch(source, report, decoder=False)
    columns = map_labels(_labels_of(folder), groups, label_map)
    weights = catalogue.identity(source)
    if identity and weights != identity:
        raise BadInput(
            f"the weights of the label model {source.name} have changed since this run was submitted: submit it again"
        )
    # Probabilities are kept like embeddings: a text is classified once.
    classify = cached(_classifier(folder), "labels-" + re.sub(r"[^A-Za-z0-9]+", "-", weights))
    found = ModelLabels(tuple(groups), columns, classify, {})
    return ModelLabels(found.groups, columns, classify, test(found, source.title, opinions, none_below, seed))


def test(
    model: ModelLabels, title: str, opinions: Sequence[Opinion], none_below: float, seed: int
) -> dict[str, Any]:
    """Its record on opinions that nothing here has shown it. Whether its makers had them is not known."""
    drawn = training_draw(opinions, model.groups, seed)
    about = {"source": title, "n_train": 0, "n_folds": 1}
    if len(drawn) < MIN_TRAIN:
        return about | {"reason": UNTESTED}
    rows = model.probabilities([opinion.text for opinion in drawn])
    units = np.unique([opinion.topic for opinion in drawn], return_inverse=True)[1].astype(np.intp)
    return about | heldout.report(drawn, model.groups, rows, "topic", units, none_below, seed)


def map_labels(
    labels: Sequence[str], groups: Sequence[str], label_map: Mapping[str, str]
) -> tuple[int | None, ...]:
    """Per label of a model the position of its group; None for a label that stands for no group.

    By name, without regard to case and punctuation; `label_map` (label → group) goes before names, and where it
    is given nothing else is mapped.

    Raises:
        BadInput: fewer than two labels, a name in `label_map` that is unknown, a group that no label stands for.
    """
    places = {group: place for place, group in enumerate(groups)}
    shown = ", ".join(labels)
    if len(labels) < 2:
        raise BadInput(f"the model has one label only ({shown}): a group classifier needs at least two")
    for label, group in label_map.items():
        if label not in labels:
            raise unknown("label of the model in label_map:", label, labels)
        if group not in groups:
            raise unknown(f"group of the label {label!r} in label_map:", group, groups)
    if label_map:
        found = tuple(places[label_map[label]] if label in label_map else None for label in labels)
    else:
        plain = {_plain(group): place for group, place in places.items()}
        found = tuple(plain.get(_plain(label)) for label in labels)
    silent = [group for group, place in places.items() if place not in found]
    if silent:
        raise BadInput(
            f"no label of the model ({shown}) stands for {' or '.join(map(repr, silent))}: say which does with label_map, "
            f"as in {labels[0]}={silent[0]}"
        )
    return found


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def _labels_of(folder: Path) -> list[str]:
    """The labels in a model folder's config.json, in the order of the model's output.

    Raises:
        BadInput: no text-classification model, no tokenizer.json.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    kinds = [str(kind) for kind in config.get("architectures") or []]
    if not any(kind.endswith("ForSequenceClassification") for kind in kinds):
        raise BadInput(
            f"{folder} holds {', '.join(kinds) or 'a model of no named kind'}, no text-classification model: give one "
            "whose config.json names an architecture …ForSequenceClassification"
        )
    if not (folder / "tokenizer.json").is_file():
        raise BadInput(f"{folder} has no tokenizer.json: save the model's fast tokenizer there")
    names = config.get("id2label") or {str(i): f"LABEL_{i}" for i in range(config.get("num_labels", 2))}
    try:
        return [str(names[key]) for key in sorted(names, key=int)]
    except (ValueError, TypeError, AttributeError) as error:
        raise BadInput(
            f"{folder}/config.json has an id2label that cannot be read ({error}): it must be number → label"
        ) from error


def _classifier(folder: Path) -> Embedder:
    """Texts → (n, labels): the model's softmax. It is loaded at the first text that is asked for."""
    loaded: list[Pretrained] = []

    def classify(texts: Sequence[str]) -> NDArray[np.float32]:
        import torch

        if not loaded:
            loaded.append(_load(folder))
        model = loaded[0]
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        found = np.zeros((len(texts), model.model.config.num_labels), dtype=np.float32)
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            inputs = model.encode([clipped(texts[i], MAX_CHARACTERS) for i in batch])
            with torch.inference_mode():
                logits = model.model(**inputs).logits
            found[batch] = torch.softmax(logits.float(), dim=-1).cpu().numpy()
        return found

    return classify


def _load(folder: Path) -> Pretrained:
    """The model, which reads at most `MAX_TOKENS`.

    Raises:
        BadInput: transformers cannot load it, or weights that its config asks for are not there.
    """
    found = pretrained.load(folder, "AutoModelForSequenceClassification", folder.name)
    return replace(found, max_tokens=min(MAX_TOKENS, found.max_tokens))
