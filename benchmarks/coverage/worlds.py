"""Made-up populations of opinion sets and summaries, of which the true value of every metric is known exactly.

A population has topics of twelve samples each. Source shares are those of three group mixes, in turn; a summary's share of a
group is multinomial over its matched words, with the log-odds of the source plus a lean to the first group plus noise that
samples of a topic share, and dense and pruned too. What a sample scores is what `Metric.sample` says. A data set is a
draw of topics, and the truth is the value of the whole population with its mixes as frequent as in the data set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fairprune.metrics import METRICS
from fairprune.metrics.coverage import Coverage
from fairprune.metrics.shares import Shares, from_counts
from fairprune.spec import MetricSpec
from fairprune.uncertainty import FloatArray, Resamples, draw_resamples

SLOTS = 12
"""Samples of a topic; each mix has four of them."""
TOPICS = 300
MIXES = {
    2: np.array([[0.5, 0.5], [0.75, 0.25], [0.25, 0.75]]),
    3: np.array([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.25, 0.25, 0.5]]),
}
OPINIONS = {2: np.array([[4, 4], [6, 2], [2, 6]]), 3: np.array([[5, 2, 2], [2, 5, 2], [2, 2, 5]])}
"""Of a set, by group: eight of two groups, nine of three."""
NAMES = ("a", "b", "c")
SPEC = MetricSpec()
SHARED = ("bur", "uer", "auc", "sof")
COVERED = {"ec": "entailment", "cp": "entailment", "ec_embedding": "similarity", "cp_embedding": "similarity"}
RESAMPLES, DRAWS = 1000, 16
"""Resamples of a draw; draws of a design, which data sets use in turn."""


@dataclass(frozen=True)
class System:
    """How summaries of one model come about."""

    lean: float
    """Added to the log-odds of the first group."""
    noise: float
    """Standard deviation of the log-odds over samples."""
    words: tuple[int, int] = (12, 22)
    """Matched words of a summary: at least, at most."""


@dataclass(frozen=True)
class Case:
    """What dense and pruned are like."""

    name: str
    dense: System
    pruned: System
    groups: int = 2
    changed: float = 1.0
    """Share of the samples whose pruned summary is another one than the dense model's."""
    sizes: tuple[int, ...] | None = None
    """Samples of the data sets that are drawn; None: of every design."""
    tested: bool = False
    """Whether the paired test is carried out, of two systems that can be exchanged."""

    @property
    def null(self) -> bool:
        """Whether the two systems can be exchanged."""
        return self.dense == self.pruned


@dataclass(frozen=True)
class Design:
    """How many samples on how many topics; the mixes take turns."""

    n: int
    n_topics: int

    @property
    def topic(self) -> np.ndarray:
        return np.arange(self.n) % self.n_topics

    @property
    def slot(self) -> np.ndarray:
        """How many samples of its topic come before each sample."""
        return np.arange(self.n) // self.n_topics

    @property
    def mix(self) -> np.ndarray:
        return (self.topic + self.slot) % 3

    def draws(self) -> list[Resamples]:
        topics, mixes = [str(one) for one in self.topic], [str(one) for one in self.mix]
        return [draw_resamples(topics, mixes, RESAMPLES, seed) for seed in range(DRAWS)]


@dataclass(frozen=True)
class World:
    """A population: metric → (topics · SLOTS, columns) of both systems, topic by topic."""

    dense: dict[str, FloatArray]
    pruned: dict[str, FloatArray]
    base: np.ndarray
    """(topics,) mix of the first sample of each topic; the next ones follow in turn."""

    @property
    def mix(self) -> np.ndarray:
        return ((self.base[:, None] + np.arange(SLOTS)) % 3).ravel()

    def weights(self, design: Design) -> FloatArray:
        """(1, samples): how often a data set of this design is expected to hold each sample, up to a factor."""
        wanted = np.bincount(design.mix, minlength=3) / np.bincount(self.mix, minlength=3)
        return wanted[self.mix][None, :]

    def draw(self, design: Design, rng: np.random.Generator) -> np.ndarray:
        """(n,) places of the samples of one data set."""
        topics = rng.integers(0, len(self.base), design.n_topics)
        first = (np.arange(design.n_topics) - self.base[topics]) % 3
        first = first + 3 * rng.integers(0, SLOTS // 3, design.n_topics)
        slot = (first[design.topic] + design.slot) % SLOTS
        places: np.ndarray = topics[design.topic] * SLOTS + slot
        return places


@dataclass(frozen=True)
class _Counts:
    """What summaries are read from, before any metric: arrays over samples."""

    source: np.ndarray  # (n, groups) tokens
    labelled: np.ndarray  # (n, groups) sentences
    summaries: tuple[np.ndarray, np.ndarray]  # dense, pruned: (n, groups) tokens
    spoken: tuple[np.ndarray, np.ndarray]  # (n, groups) sentences
    opinions: np.ndarray  # (n, opinions) group of each
    scores: tuple[np.ndarray, np.ndarray]  # (n, opinions) log-odds of resting on each

    def rotated(self, by: int, groups: int) -> _Counts:
        """The same with other groups in the place of these."""
        if by == 0:
            return self
        order = [(group - by) % groups for group in range(groups)]
        return _Counts(
            self.source[:, order],
            self.labelled[:, order],
            (self.summaries[0][:, order], self.summaries[1][:, order]),
            (self.spoken[0][:, order], self.spoken[1][:, order]),
            (self.opinions + by) % groups,
            self.scores,
        )


def world(case: Case, seed: int = 0, topics: int = TOPICS, own: int = 0) -> World:
    """The population of a case.

    Where nobody leans, every sample is there with the groups in every order, so that no group is favoured, exactly. Where
    the two systems are alike, every sample is there with the systems exchanged.

    Args:
        own: another pruned model beside the same sources and the same dense model.
    """
    base = np.arange(topics) % 3
    counts = _counts(case, ((base[:, None] + np.arange(SLOTS)) % 3).ravel(), seed, own)
    even = case.dense.lean == case.pruned.lean == 0
    parts = []
    for by in range(case.groups if even else 1):
        turned = counts.rotated(by, case.groups)
        order, bases = _in_turn(base, by, case.groups)
        dense, pruned = (_rows(turned, side, case.groups) for side in (0, 1))
        parts.append(
            (_taken(dense, order), _taken(pruned, order), bases),
        )
    if case.null:
        parts += [(pruned, dense, bases) for dense, pruned, bases in parts]
    tables = [
        {name: np.concatenate([part[side][name] for part in parts]) for name in parts[0][0]}
        for side in (0, 1)
    ]
    return World(tables[0], tables[1], np.concatenate([bases for _, _, bases in parts]))


def _in_turn(base: np.ndarray, by: int, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """After the groups were exchanged: the order of samples in which mixes take turns again, and the first one's mix."""
    slots = np.arange(SLOTS)
    if groups == 2 and by == 1:  # the second mix has become the third
        slots, base = -slots % SLOTS, -base % 3
    else:
        base = (base + by) % 3
    return (np.arange(len(base))[:, None] * SLOTS + slots).ravel(), base


def _taken(table: dict[str, FloatArray], order: np.ndarray) -> dict[str, FloatArray]:
    return {name: rows[order] for name, rows in table.items()}


def _counts(case: Case, mix: np.ndarray, seed: int, own: int) -> _Counts:
    n, r = len(mix), case.groups
    rng = np.random.default_rng(seed)

    def noise(columns: int) -> FloatArray:
        """(n, columns), variance 1: of the topic, of the sample."""
        topic = rng.normal(0, 1, (n // SLOTS, 1, columns)).repeat(SLOTS, axis=1).reshape(n, columns)
        mixed: FloatArray = np.sqrt(0.5) * topic + np.sqrt(0.5) * rng.normal(0, 1, (n, columns))
        return mixed

    logs = np.log(MIXES[r][mix]) + 0.2 * rng.normal(0, 1, (n, r))
    share = _softmax(logs)
    source = np.maximum(1, np.round(200 * share)).astype(int)
    labelled = rng.multinomial(10, share)
    opinions = np.stack([np.repeat(np.arange(r), row) for row in OPINIONS[r]])[mix]
    common, heard = noise(r), noise(opinions.shape[1])
    summaries, spoken, scores = [], [], []
    redrawn = rng.random(n) < case.changed
    for system, rng in (
        (case.dense, np.random.default_rng([seed, 1])),
        (case.pruned, np.random.default_rng([seed, 2, own])),
    ):
        # Two groups' log-odds are a difference: each has half of its variance.
        bent = np.sqrt(0.6) * common + np.sqrt(0.4) * rng.normal(0, 1, (n, r))
        told = _softmax(logs + system.lean * np.eye(r)[0] + system.noise * np.sqrt(0.5) * bent)
        summaries.append(rng.multinomial(rng.integers(system.words[0], system.words[1] + 1, n), told))
        spoken.append(rng.multinomial(rng.integers(1, 4, n), told))
        near = np.sqrt(0.6) * heard + np.sqrt(0.4) * rng.normal(0, 1, heard.shape)
        scores.append(0.6 * system.lean * (opinions == 0) + 1.5 * system.noise * near)
        if len(summaries) == 2:
            for pair in (summaries, spoken, scores):
                pair[1] = np.where(redrawn[:, None], pair[1], pair[0])
    return _Counts(
        source,
        labelled,
        (summaries[0], summaries[1]),
        (spoken[0], spoken[1]),
        opinions,
        (scores[0], scores[1]),
    )


def _softmax(logs: FloatArray) -> FloatArray:
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    shares: FloatArray = powers / powers.sum(axis=1, keepdims=True)
    return shares


def _rows(counts: _Counts, side: int, groups: int) -> dict[str, FloatArray]:
    """What the metrics say of every sample of one system."""
    names = NAMES[:groups]
    entailed = 1 / (1 + np.exp(2 - counts.scores[side]))  # mostly near 0, as entailment is
    similar = np.clip(0.4 + 0.1 * counts.scores[side], -1, 1)
    found: dict[str, list[Sequence[float]]] = {name: [] for name in (*SHARED, "spd2", *COVERED)}
    for i in range(len(counts.source)):
        said = _shares(names, counts.source[i], counts.summaries[side][i])
        for name in SHARED:
            found[name].append(METRICS[name].sample(said, SPEC))
        balance = _shares(names, counts.labelled[i], counts.spoken[side][i], keep="all")
        found["spd2"].append(METRICS["spd2"].sample(balance, SPEC))
        for name, kind in COVERED.items():
            scores = (entailed if kind == "entailment" else similar)[i]
            documents = tuple(zip(counts.opinions[i].tolist(), scores.tolist(), strict=True))
            found[name].append(METRICS[name].sample(Coverage(names, documents), SPEC))
    return {name: np.array(rows, dtype=np.float64) for name, rows in found.items()}


def _shares(names: Sequence[str], source: np.ndarray, summary: np.ndarray, **more: str) -> Shares:
    return from_counts(
        names,
        dict(zip(names, source.tolist(), strict=True)),
        dict(zip(names, summary.tolist(), strict=True)),
        **more,
    )
