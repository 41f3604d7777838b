"""How often labels are right on opinions that their model has not seen, and whether its confidence can be believed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairprune.opinions import Opinion
from fairprune.uncertainty import LEVEL, FloatArray, wilson

KNOWN_SPEAKERS = 0.9
"""Share of opinions whose speaker must be known, and of speakers that must keep to one group, for whole speakers to be
held out."""
FOLDS = 5
LEAVE_ONE_OUT = 10
"""Up to this many topics (speakers) each is left out alone; more are put into `FOLDS` parts."""
BINS = 10  # of width 0.1 over [0, 1]
RESAMPLES = 1000
FEW_UNITS = 10
"""With fewer topics (speakers) the interval of the calibration error resamples opinions: it is conditional on these."""
Fold = tuple[NDArray[np.intp], NDArray[np.intp]]
"""(positions to learn from, positions to test)."""


@dataclass(frozen=True)
class Folds:
    """Every opinion is tested once, by a model that has seen nobody of its unit."""

    by: str
    """'speaker', 'topic' or 'opinion'."""
    units: NDArray[np.intp]
    """(n,): which speaker, topic or opinion."""
    parts: list[Fold]


def folds(drawn: Sequence[Opinion], seed: int, *, least: int = 2) -> Folds:
    """Whole speakers or whole topics are held out: who has only learned a voice or a film must not look good.

    Speakers where they are known and each speaks for one group (a voice then gives the group away; the few unknown
    ones count as one), else topics; where a part would leave some group fewer than `least` opinions to learn from,
    the next finer unit, single opinions at last.

    Args:
        drawn: at least two opinions of each group that occurs.
        least: opinions of each group that every training part has.
    """
    groups = np.array([opinion.group for opinion in drawn])
    for by, names in _units(drawn):
        units = np.unique(np.array(names), return_inverse=True)[1].astype(np.intp)
        for parts in _splits(groups, units, seed):
            if all(_counts(groups[train], groups).min() >= least for train, _ in parts):
                return Folds(by, units, parts)
    units = np.arange(len(drawn), dtype=np.intp)
    return Folds("opinion", units, _by_opinion(groups, seed))


def _units(drawn: Sequence[Opinion]) -> Iterator[tuple[str, list[str]]]:
    """Kinds of units with the name of each opinion's, the one to hold out first in front."""
    topics = [opinion.topic for opinion in drawn]
    speakers = [opinion.speaker for opinion in drawn]
    known = sum(map(bool, speakers)) >= KNOWN_SPEAKERS * len(drawn)
    if known and _give_groups_away(drawn):
        yield "speaker", speakers
    yield "topic", topics
    if known:
        yield "speaker", speakers


def _give_groups_away(drawn: Sequence[Opinion]) -> bool:
    """Whether nearly all speakers of several opinions speak for one group only."""
    groups: dict[str, list[str]] = {}
    for opinion in drawn:
        if opinion.speaker:
            groups.setdefault(opinion.speaker, []).append(opinion.group)
    several = [found for found in groups.values() if len(found) > 1]
    return sum(len(set(found)) == 1 for found in several) >= KNOWN_SPEAKERS * len(several)


def _splits(groups: NDArray[Any], units: NDArray[np.intp], seed: int) -> Iterator[list[Fold]]:
    """Ways to hold out whole units, the one with most parts first."""
    from sklearn.model_selection import LeaveOneGroupOut, StratifiedGroupKFold

    count = len(np.unique(units))
    if 2 <= count <= LEAVE_ONE_OUT:
        yield list(LeaveOneGroupOut().split(groups, groups, units))
    for parts in range(min(FOLDS, count, int(_counts(groups, groups).min())), 1, -1):
        split = StratifiedGroupKFold(parts, shuffle=True, random_state=seed)
        yield list(split.split(groups, groups, units))


def _by_opinion(groups: NDArray[Any], seed: int) -> list[Fold]:
    from sklearn.model_selection import StratifiedKFold

    parts = min(FOLDS, int(_counts(groups, groups).min()))
    return list(StratifiedKFold(parts, shuffle=True, random_state=seed).split(groups, groups))


def _counts(found: NDArray[Any], groups: NDArray[Any]) -> NDArray[np.intp]:
    """How many of `found` are of each group that occurs in `groups`."""
    return np.array([(found == group).sum() for group in np.unique(groups)])


def even_weights(groups: Sequence[str]) -> FloatArray:
    """(n,), mean 1: every group that occurs weighs alike, however many opinions it has."""
    _, where, counts = np.unique(np.array(groups), return_inverse=True, return_counts=True)
    found: FloatArray = len(groups) / (len(counts) * counts[where])
    return found


def report(
    drawn: Sequence[Opinion],
    groups: Sequence[str],
    rows: FloatArray,
    by: str,
    units: NDArray[np.intp],
    none_below: float,
    seed: int,
) -> dict[str, Any]:
    """What is known of a model from opinions that it has not seen; JSON-serialisable.

    Args:
        drawn: n opinions.
        groups: of the corpus.
        rows: (n, groups), the probabilities that a model gave which has not seen the opinion.
        by, units: of `Folds`: what was held out, and what the interval of the calibration error resamples.
        none_below: which share of the opinions would be 'none'.

    Returns:
        n_heldout, n_units, held_out_by, accuracy with its 95 % interval (Wilson), balanced_accuracy, groups, confusion (rows: the opinion's
        group; columns: the predicted one; counts), none_share and reliability.
    """
    own = np.array([list(groups).index(opinion.group) for opinion in drawn])
    predicted, confidence = rows.argmax(axis=1), rows.max(axis=1)
    confusion = np.zeros((len(groups), len(groups)), dtype=int)
    np.add.at(confusion, (own, predicted), 1)
    right = int(np.trace(confusion))
    low, high = wilson(right, len(drawn))
    return {
        "n_heldout": len(drawn),
        "n_units": len(np.unique(units)),
        "held_out_by": by,
        "accuracy": right / len(drawn),
        "low": low,
        "high": high,
        "balanced_accuracy": _mean_recall(confusion),
        "groups": list(groups),
        "confusion": confusion.tolist(),
        "none_share": float((confidence < none_below).mean()),
        "reliability": reliability(
            confidence, predicted == own, even_weights([o.group for o in drawn]), by, units, seed
        ),
    }


def _mean_recall(confusion: NDArray[Any]) -> float:
    """Mean over the occurring groups of the share of their opinions recognised; by chance 1 / groups."""
    counts = confusion.sum(axis=1)
    occurs = counts > 0
    return float((np.diag(confusion)[occurs] / counts[occurs]).mean())


def reliability(
    confidence: FloatArray,
    right: NDArray[np.bool_],
    weights: FloatArray,
    by: str,
    units: NDArray[np.intp],
    seed: int,
) -> dict[str, Any]:
    """Stated confidence against accuracy, in bins of width 0.1.

    Args:
        confidence: (n,), of the predicted group, in [0, 1].
        right: (n,), whether the prediction is right.
        weights: (n,), > 0: so that groups weigh alike, as they do when the model learns.
        by, units: (n,), what the interval resamples; single opinions where there are fewer than `FEW_UNITS`.

    Returns:
        bins: from, to, n, confidence and accuracy (weighted means), low, high (Wilson, at the bin's effective n);
        empty bins are left out. ece: the expected calibration error, Σ share of the bin · |accuracy − confidence|,
        in [0, 1], with low and high (95 %, bootstrap). by: what the bootstrap resamples. calibrated and
        calibrated_high: mean and 95 % quantile of the error that a perfectly calibrated model of the same
        confidences would show with this n: it is never 0, because a bin's accuracy is a sample.

    Source: Guo et al., ICML 2017 (arXiv 1706.04599).
    """
    where = np.minimum((confidence * BINS).astype(int), BINS - 1)
    one_hot = np.eye(BINS)[where] * weights[:, None]  # (n, bins)
    gaps = right - confidence
    few = len(np.unique(units)) < FEW_UNITS
    names = np.unique(np.arange(len(right)) if few else units, return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    by_unit = np.zeros((names.max() + 1, BINS))
    np.add.at(by_unit, names, one_hot * gaps[:, None])
    size = np.bincount(names, weights)  # weight of each unit
    drawn = rng.multinomial(len(size), np.full(len(size), 1 / len(size)), size=RESAMPLES)  # (R, units)
    resampled = np.abs(drawn @ by_unit).sum(axis=1) / (drawn @ size)
    ideal = (rng.random((RESAMPLES, len(right))) < confidence) - confidence
    perfect = np.abs(ideal @ one_hot).sum(axis=1) / weights.sum()
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return {
        "bins": [
            _bin(i, confidence[where == i], right[where == i], weights[where == i])
            for i in np.unique(where).tolist()
        ],
        "ece": float(np.abs(gaps @ one_hot).sum() / weights.sum()),
        "low": float(low),
        "high": float(high),
        "by": "opinion" if few else by,
        "calibrated": float(perfect.mean()),
        "calibrated_high": float(np.quantile(perfect, LEVEL)),
    }


def _bin(i: int, confidence: FloatArray, right: NDArray[np.bool_], weights: FloatArray) -> dict[str, Any]:
    accuracy = float(np.average(right, weights=weights))
    effective = round(float(weights.sum() ** 2 / (weights**2).sum()))  # n where groups have as many opinions
    low, high = wilson(round(accuracy * effective), effective)
    return {
        "from": i / BINS,
        "to": (i + 1) / BINS,
        "n": len(right),
        "confidence": float(np.average(confidence, weights=weights)),
        "accuracy": accuracy,
        "low": low,
        "high": high,
    }
