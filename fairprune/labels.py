"""Which group a sentence speaks for, how sure that is, and how often it is wrong."""

from __future__ import annotations

import hashlib
import logging
import re
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairprune import paths
from fairprune.errors import NumericError, Unavailable
from fairprune.opinions import Opinion
from fairprune.uncertainty import FloatArray, wilson

Embedder = Callable[[Sequence[str]], NDArray[np.float32]]
"""Texts → (n, width) float32, rows of length 1."""

TRAIN_OPINIONS = 400
"""Opinions the classifier is made from, a quarter of them held out: embedding is slow on a CPU, and 100 held-out ones
know the accuracy to about ±0.09."""
MIN_TRAIN = 20
MIN_PER_GROUP = 5
HELD_OUT = 0.25
KNOWN_SPEAKERS = 0.9
"""Share of opinions whose speaker must be known for whole speakers to be held out."""
MIXED, NONE = "mixed", "none"
MAX_TOKENS = 64
"""The encoder reads no further; opinions have at most 40 words."""
MAX_CHARACTERS = 2000  # far beyond 64 tokens: keeps the tokenizer quick on hostile texts
MAX_STORED = 50_000  # embeddings on disk, 77 MB

_log = logging.getLogger(__name__)

# Words after which a sentence may turn to the other side.
_CONTRAST = re.compile(
    r"[,;]?\s+\b(?:but|while|whereas|although|though|however|yet)\b,?\s*|\s*;\s*", re.IGNORECASE
)
_LEADING_CONTRAST = re.compile(r"^(?:while|whereas|although|though)\b([^,]+),\s*(.+)$", re.IGNORECASE)
_MIN_CLAUSE = 3  # words; below that a clause carries no opinion of its own
_DIVIDED = re.compile(
    r"\b(?:opinions?|views?|critics|reviewers|reviews|audiences?|viewers|customers|users|voters|speakers|people)"
    r"\s+(?:\w+\s+){0,3}(?:divided|split|mixed|polari[sz]ed)\b"
    r"|\bmixed (?:reviews|reactions|opinions|feelings)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class SentenceLabel:
    """The label of one sentence."""

    sentence: str
    label: str
    """A group, 'mixed' or 'none'."""
    probability: float
    """Of the group; of the least sure clause for 'mixed'; of the likeliest group for 'none'. In [0, 1]."""
    groups: tuple[str, ...]
    """Whom it counts for, 1/r each: one group, the r groups of a mixed sentence, nobody for 'none'."""


def sentence_embedder() -> Embedder:
    """The packaged all-MiniLM-L6-v2 on the CPU; embeddings are kept on disk, so a text is embedded once.

    The model is loaded at the first text that is not on disk (importing torch takes ten seconds).

    Raises:
        Unavailable: (at the first text) the encoder can neither be found nor fetched.
    """
    from fairprune import assets

    loaded: list[Any] = []

    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        if not loaded:
            from sentence_transformers import SentenceTransformer

            model = SentenceTransformer(str(assets.ensure("minilm")), device="cpu", local_files_only=True)
            model.max_seq_length = MAX_TOKENS
            loaded.append(model)
        found = loaded[0].encode(
            list(texts),
            batch_size=64,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return np.asarray(found, dtype=np.float32)

    return cached(encode, assets.get_asset("minilm").folder)


def cached(encode: Embedder, name: str) -> Embedder:
    """`encode` with its results kept in the folder of embeddings, under a hash of encoder and text.

    A broken file is removed and said so in the log; two processes that write at once cost one of them its
    entries, never a wrong one.
    """

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        file = paths.subfolder("embeddings") / f"{name}-{MAX_TOKENS}.npz"
        clipped = [text[:MAX_CHARACTERS] for text in texts]
        keys = [
            hashlib.sha256(f"{name} {MAX_TOKENS} {text}".encode(errors="replace")).hexdigest()
            for text in clipped
        ]
        known = _read_embeddings(file)
        missing = {key: text for key, text in zip(keys, clipped, strict=True) if key not in known}
        if missing:
            known.update(zip(missing, encode(list(missing.values())), strict=True))
            _write_embeddings(file, known)
        return np.stack([known[key] for key in keys]) if keys else np.zeros((0, 0), dtype=np.float32)

    return embed


def _read_embeddings(file: Path) -> dict[str, NDArray[np.float32]]:
    if not file.exists():
        return {}
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
            return dict(zip(stored["keys"].tolist(), stored["vectors"], strict=True))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        _log.warning("the stored embeddings in %s cannot be read (%s): they are computed anew", file, error)
        file.unlink(missing_ok=True)
        return {}


def _write_embeddings(file: Path, known: dict[str, NDArray[np.float32]]) -> None:
    latest = list(known.items())[-MAX_STORED:]
    keys, vectors = np.array([key for key, _ in latest]), np.stack([row for _, row in latest])
    try:
        with tempfile.NamedTemporaryFile(dir=file.parent, suffix=".part", delete=False) as part:
            try:
                np.savez(part, keys=keys, vectors=vectors)
                part.flush()
                Path(part.name).replace(file)
            finally:
                Path(part.name).unlink(missing_ok=True)
    except OSError as error:
        raise Unavailable(
            f"the embeddings cannot be stored in {file.parent} ({error.strerror}): make room, or set "
            "FAIRPRUNE_HOME to another folder"
        ) from error


def clauses(sentence: str) -> list[str]:
    """The parts of a sentence between contrastive words, of at least three words; [] where there are not two.

    >>> clauses("The acting is superb, but the plot makes no sense.")
    ['The acting is superb', 'the plot makes no sense.']
    """
    leading = _LEADING_CONTRAST.match(sentence)
    parts = [leading[1], leading[2]] if leading else _CONTRAST.split(sentence)
    kept = [part.strip() for part in parts if len(part.split()) >= _MIN_CLAUSE]
    return kept if len(kept) > 1 else []


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
            found[:, self.model.classes_] = self.model.predict_proba(_embedded(self.embed, texts))
        return found

    def label(self, sentences: Sequence[str], none_below: float) -> list[SentenceLabel]:
        """A label per sentence, in order; each distinct text is embedded once.

        A sentence whose clauses are surely of different groups, or that says that opinions are divided, is
        'mixed'; one whose likeliest group has a probability below `none_below` is 'none'.
        """
        parts = {sentence: clauses(sentence) for sentence in sentences}
        texts = list(dict.fromkeys([*parts, *(clause for found in parts.values() for clause in found)]))
        rows = dict(zip(texts, self.probabilities(texts), strict=True))
        labels = {s: self._label(s, rows[s], [rows[c] for c in parts[s]], none_below) for s in parts}
        return [labels[sentence] for sentence in sentences]

    def _label(
        self, sentence: str, row: FloatArray, clause_rows: Sequence[FloatArray], none_below: float
    ) -> SentenceLabel:
        best, probability = int(row.argmax()), float(row.max())
        if _DIVIDED.search(sentence):
            return SentenceLabel(sentence, MIXED, probability, self.groups)
        sure = [(int(part.argmax()), float(part.max())) for part in clause_rows if part.max() >= none_below]
        sides = sorted({group for group, _ in sure})
        if len(sides) > 1:
            least = min(p for _, p in sure)
            return SentenceLabel(sentence, MIXED, least, tuple(self.groups[i] for i in sides))
        if probability < none_below:
            return SentenceLabel(sentence, NONE, probability, ())
        return SentenceLabel(sentence, self.groups[best], probability, (self.groups[best],))


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
    rng = np.random.default_rng(seed)
    drawn = [opinions[i] for i in sorted(rng.permutation(len(opinions))[:limit])]
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
    held, by = _hold_out(drawn, rng)
    model = _fit(drawn, held, tuple(groups), embed)
    classifier = GroupClassifier(tuple(groups), model, embed, {})
    report = _report(classifier, drawn, held, by, none_below)
    return GroupClassifier(tuple(groups), model, embed, report), None


def _fit(drawn: Sequence[Opinion], held: NDArray[np.bool_], groups: tuple[str, ...], embed: Embedder) -> Any:
    from sklearn.linear_model import LogisticRegression

    kept = [opinion for opinion, out in zip(drawn, held, strict=True) if not out]
    # Of C = 1, 3, 10 and 30, 3 had the lowest held-out log loss on films and products: 1 leaves far more
    # sentences below a threshold of .6, 10 and 30 are surer than they are right.
    model = LogisticRegression(C=3.0, class_weight="balanced", max_iter=2000)
    model.fit(_embedded(embed, [o.text for o in kept]), [groups.index(o.group) for o in kept])
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


def _embedded(embed: Embedder, texts: Sequence[str]) -> NDArray[np.float32]:
    found = embed(texts)
    if found.ndim != 2 or len(found) != len(texts) or not np.isfinite(found).all():
        raise NumericError(
            f"the sentence encoder gave an array of shape {found.shape} for {len(texts)} texts, or "
            "numbers that are not finite: it must be (texts, width) and finite"
        )
    return found
