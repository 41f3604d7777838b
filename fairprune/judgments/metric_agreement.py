"""Which automatic metric sees what the judges see?

A metric says of an item how much better one summary is than the other. That is compared with the item's votes in three ways, each
beside what judges reach with one another (split halves) and what length, ROUGE and repetition reach without knowing of fairness.
'Both unfair' and 'cannot tell' prefer nothing and are left out; so are automatic ties, on which every metric is right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairprune.errors import BadInput
from fairprune.judgments.measured import RESAMPLES, Measured, cluster_weights, measured, undefined
from fairprune.judgments.votes import AUTOMATIC, Outcome
from fairprune.uncertainty import FloatArray

FOLDS = 5
SPLITS = 50
TAU_SPLITS = 10
THRESHOLDS = 100
CEILING = "judges (split halves)"
CONSTANT = "always the commonest answer"
DIGITS = 12
"""To which differences are rounded: 0.7 − 0.5 and 0.5 − 0.3 are equal, which floats do not know."""
A, TIE, B = 0, 1, 2


@dataclass(frozen=True)
class MetricValues:
    """One metric's values of the summaries of a study."""

    name: str
    values: Mapping[tuple[str, str], float | None]
    """Of (sample, system); a missing or unscored summary is None or left out."""
    higher_is_better: bool
    baseline: bool = False
    """Whether it is no fairness metric, but what such a metric has to beat."""


@dataclass(frozen=True)
class MetricAgreement:
    """How one metric, or something else, agrees with the judges. n counts items, what is resampled are samples."""

    name: str
    baseline: bool
    accuracy: Measured
    """Mean over items of the share of votes (a, tie, b) that it foretells; in [0, 1]. From which difference on it speaks of a
    preference is chosen on other samples."""
    preference: Measured
    """Among votes that prefer a system, the share in which it prefers the same one; ½ where it sees no difference. In [0, 1]."""
    tau: Measured
    """Kendall's τ-b of its differences with the mean votes of items (a 1, tie 0, b −1); in [−1, 1]. Every item enters in both orders
    of its systems, so that the alphabet decides nothing."""
    gain: Measured
    """Accuracy minus that of the best baseline, on the items that both score."""
    n_unscored: int
    """Items of which it scores not both summaries."""


@dataclass(frozen=True)
class Comparison:
    """All metrics, best accuracy first."""

    metrics: tuple[MetricAgreement, ...]
    ceiling: MetricAgreement
    """What one half of an item's judges foretells of the other. A metric may exceed it: it is no bound, but what people reach."""
    constant: MetricAgreement
    n_items: int
    n_votes: int


def compare(
    results: Sequence[Outcome],
    metrics: Sequence[MetricValues],
    *,
    folds: int = FOLDS,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Every metric against one question's outcomes, with 95 % intervals over samples.

    Raises:
        BadInput: no vote that prefers or calls a tie, a metric's name twice, fewer than two folds.

    Sources: accuracy with a threshold for ties, Deutsch, Foster and Freitag, EMNLP 2023; Kendall, Biometrika 33 (1945) for τ-b.
    """
    names = [one.name for one in metrics]
    if len(set(names)) < len(names):
        raise BadInput(f"a metric is given twice among {', '.join(names)}: name each once")
    if folds < 2:
        raise BadInput(f"{folds} folds leave no sample to choose a threshold on: ask for at least 2")
    items = _Items.of(results)
    fold = items.folds(folds, seed)
    draws = cluster_weights(items.n_clusters, resamples, seed)
    scored: list[tuple[MetricValues, FloatArray, FloatArray]] = []
    for one in metrics:
        difference = items.differences(one)
        scored.append((one, difference, _foretold(difference, items.shares, fold)))
    constant = _constant(items.shares, fold)
    baselines = [hits for one, _, hits in scored if one.baseline and not np.isnan(hits).all()]
    best = max(baselines, key=lambda hits: float(np.nanmean(hits)), default=None)
    found = [
        MetricAgreement(
            one.name,
            one.baseline,
            items.mean(hits, draws),
            _preference(items, difference, draws),
            _tau(items, difference, items.means, draws),
            undefined("no baseline was given") if best is None else items.mean(hits - best, draws, -1.0),
            int(np.isnan(difference).sum()),
        )
        for one, difference, hits in scored
    ]
    found.sort(key=lambda one: (-(one.accuracy.value if one.accuracy.value is not None else -1.0), one.name))
    fixed = MetricAgreement(
        CONSTANT,
        True,
        items.mean(constant, draws),
        undefined("it prefers nothing"),
        undefined("it sees no differences"),
        undefined("no baseline was given") if best is None else items.mean(constant - best, draws, -1.0),
        0,
    )
    return Comparison(
        tuple(found),
        _ceiling(items, best, draws, seed),
        fixed,
        len(items.shares),
        int(items.counts.sum()),
    )


def text_baselines(
    summaries: Mapping[tuple[str, str], str], sources: Mapping[str, str]
) -> list[MetricValues]:
    """What needs no notion of fairness: longer, nearer to the source (ROUGE-L), less repetitive.

    Args:
        summaries: of (sample, system).
        sources: of sample, its opinions joined.
    """
    from fairprune.metrics.quality import repetition, rouge_l, rouge_tokens

    tokens = {sample: rouge_tokens(text) for sample, text in sources.items()}
    return [
        MetricValues(
            "length", {key: float(len(text.split())) for key, text in summaries.items()}, True, True
        ),
        MetricValues(
            "ROUGE-L with the source",
            {key: rouge_l(text, tokens.get(key[0], [])) for key, text in summaries.items()},
            True,
            True,
        ),
        MetricValues("repetition", {key: repetition(text) for key, text in summaries.items()}, False, True),
    ]


@dataclass(frozen=True)
class _Items:
    keys: list[tuple[str, str, str]]
    """(sample, system a, system b)."""
    counts: FloatArray
    """(I, 3): votes for a, tie, b."""
    cluster: NDArray[np.intp]
    n_clusters: int

    @staticmethod
    def of(results: Sequence[Outcome]) -> _Items:
        rows: dict[str, tuple[tuple[str, str, str], FloatArray]] = {}
        for one in results:
            if one.judge != AUTOMATIC and one.rank is not None:
                _, row = rows.setdefault(one.item, ((one.cluster, *one.pair), np.zeros(3)))
                row[1 - one.rank] += 1
        if not rows:
            raise BadInput(
                f"none of {len(results)} votes prefers a system or calls it a tie: there is nothing to agree with"
            )
        items = sorted(rows)
        keys = [rows[item][0] for item in items]
        names, cluster = np.unique([sample for sample, _, _ in keys], return_inverse=True)
        return _Items(keys, np.array([rows[item][1] for item in items]), cluster, len(names))

    @property
    def shares(self) -> FloatArray:
        """(I, 3)."""
        found: FloatArray = self.counts / self.counts.sum(axis=1, keepdims=True)
        return found

    @property
    def means(self) -> FloatArray:
        """(I,): a counts 1, b −1."""
        found: FloatArray = self.shares[:, A] - self.shares[:, B]
        return found

    def folds(self, folds: int, seed: int) -> NDArray[np.intp]:
        """(I,): items of one sample are in one fold."""
        order = np.random.default_rng(seed).permutation(self.n_clusters) % min(folds, max(2, self.n_clusters))
        found: NDArray[np.intp] = order[self.cluster]
        return found

    def differences(self, metric: MetricValues) -> FloatArray:
        """(I,): how much better a is than b; NaN where not both are scored."""
        sign = 1.0 if metric.higher_is_better else -1.0
        found = np.full(len(self.keys), np.nan)
        for i, (sample, a, b) in enumerate(self.keys):
            first, second = metric.values.get((sample, a)), metric.values.get((sample, b))
            if first is not None and second is not None:
                found[i] = sign * round(first - second, DIGITS)
        return found

    def ratio(self, top: FloatArray, bottom: FloatArray, draws: FloatArray, least: float, n: int) -> Measured:
        """Σ top / Σ bottom over items, with its interval over samples."""
        table = np.zeros((self.n_clusters, 2))
        np.add.at(table, self.cluster, np.stack([top, bottom], axis=1))
        if not table[:, 1].sum():
            return undefined("no item is scored")
        drawn = draws @ table
        with np.errstate(invalid="ignore", divide="ignore"):
            values = np.where(drawn[:, 1] > 0, drawn[:, 0] / drawn[:, 1], np.nan)
        total = table.sum(axis=0)
        used = int((table[:, 1] > 0).sum())
        return measured(float(total[0] / total[1]), values, n, used, (least, 1.0), "sample")

    def mean(self, values: FloatArray, draws: FloatArray, least: float = 0.0) -> Measured:
        """Over the items that are not NaN."""
        known = ~np.isnan(values)
        return self.ratio(np.where(known, values, 0.0), known.astype(float), draws, least, int(known.sum()))


def _foretold(difference: FloatArray, shares: FloatArray, fold: NDArray[np.intp]) -> FloatArray:
    """(I,): share of the item's votes that the metric foretells, with a threshold from the other folds; NaN where unscored."""
    found = np.full(len(difference), np.nan)
    known = ~np.isnan(difference)
    for number in np.unique(fold):
        inside, outside = known & (fold == number), known & (fold != number)
        limit = _threshold(difference[outside], shares[outside])
        label = _label(difference[inside], limit)
        found[inside] = shares[inside, label]
    return found


def _threshold(difference: FloatArray, shares: FloatArray) -> float:
    """The smallest of the best: up to it a difference is a tie."""
    sizes = np.unique(np.concatenate([[0.0], np.abs(difference)]))
    if len(sizes) > THRESHOLDS:
        sizes = np.quantile(sizes, np.linspace(0, 1, THRESHOLDS), method="nearest")
    rows = np.arange(len(difference))
    reached = [float(shares[rows, _label(difference, limit)].sum()) for limit in sizes]
    return float(sizes[int(np.argmax(reached))])


def _label(difference: FloatArray, limit: float) -> NDArray[np.intp]:
    return np.where(difference > limit, A, np.where(difference < -limit, B, TIE))


def _constant(shares: FloatArray, fold: NDArray[np.intp]) -> FloatArray:
    found = np.zeros(len(shares))
    for number in np.unique(fold):
        found[fold == number] = shares[fold == number, int(np.argmax(shares[fold != number].sum(axis=0)))]
    return found


def _preference(items: _Items, difference: FloatArray, draws: FloatArray) -> Measured:
    counts = items.counts
    known = ~np.isnan(difference)
    says_a = np.where(difference > 0, 1.0, np.where(difference < 0, 0.0, 0.5))
    right = np.where(known, says_a * counts[:, A] + (1 - says_a) * counts[:, B], 0.0)
    asked = np.where(known, counts[:, A] + counts[:, B], 0.0)
    return items.ratio(right, asked, draws, 0.0, int((asked > 0).sum()))


def _tau(items: _Items, difference: FloatArray, means: FloatArray, draws: FloatArray) -> Measured:
    known = ~np.isnan(difference) & ~np.isnan(means)
    n = int(known.sum())
    if n < 2:
        return undefined(f"{n} items are scored: a rank correlation needs two", n)
    x, y, cluster = difference[known], means[known], items.cluster[known]
    value = float(_taus(np.ones((1, n)), x, y)[0])
    clusters = len(np.unique(cluster))
    if np.isnan(value):
        return undefined("all differences, or all mean votes, are 0: nothing can be ranked", n, clusters)
    return measured(value, _taus(draws[:, cluster], x, y), n, clusters, (-1.0, 1.0), "sample")


def _taus(weights: FloatArray, x: FloatArray, y: FloatArray) -> FloatArray:
    """(R, I) weights → (R,): τ-b of the points (x, y) and (−x, −y); two copies of an item make no pair."""
    totals = _pairs(weights, x, y, mirrored=False) + _pairs(weights, x, y, mirrored=True)
    scale = np.sqrt(totals[1] * totals[2])
    return np.where(scale > 0, totals[0] / np.where(scale > 0, scale, 1.0), np.nan)


def _pairs(weights: FloatArray, x: FloatArray, y: FloatArray, *, mirrored: bool) -> FloatArray:
    """(R, I) weights → (3, R): concordant minus discordant pairs, pairs not tied in x, pairs not tied in y.

    Every item with every other, and back, so that each pair of items counts twice; with `mirrored` every item with the mirrors of all,
    its own among them once.
    """
    sign = 1.0 if mirrored else -1.0
    dx = np.sign(x[:, None] + sign * x[None, :])
    dy = np.sign(y[:, None] + sign * y[None, :])
    found = np.zeros((3, len(weights)))
    for row, product in enumerate((dx * dy, dx * dx, dy * dy)):
        own = np.diag(product).copy()
        np.fill_diagonal(product, 0.0)
        found[row] = ((weights @ product) * weights).sum(axis=1) + weights @ own
    return found


def _ceiling(items: _Items, best: FloatArray | None, draws: FloatArray, seed: int) -> MetricAgreement:
    """One random half of every item's votes foretells the other; means over splits."""
    rng = np.random.default_rng(seed)
    several = items.counts.sum(axis=1) >= 2
    hits, right, asked, taus, tau_draws = [], [], [], [], []
    for split in range(SPLITS):
        first = _half(items.counts, rng)
        second = items.counts - first
        others = second / np.maximum(second.sum(axis=1, keepdims=True), 1.0)
        modal = first == first.max(axis=1, keepdims=True)
        hits.append((others * modal).sum(axis=1) / modal.sum(axis=1))
        lean = np.sign(first[:, A] - first[:, B])
        right.append((1 + lean) / 2 * second[:, A] + (1 - lean) / 2 * second[:, B])
        asked.append(second[:, A] + second[:, B])
        if split < TAU_SPLITS and several.sum() >= 2:
            size = np.maximum(first.sum(axis=1), 1.0)
            x = ((first[:, A] - first[:, B]) / size)[several]
            y = (others[:, A] - others[:, B])[several]
            taus.append(_taus(np.ones((1, len(x))), x, y)[0])
            tau_draws.append(_taus(draws[:, items.cluster[several]], x, y))
    if not several.any():
        why = "no item was judged by two judges: nothing says how far people agree"
        none = undefined(why)
        return MetricAgreement(CEILING, False, none, none, none, none, len(several))
    mean = np.where(several, np.mean(hits, axis=0), np.nan)
    keep = several.astype(float)
    preference = items.ratio(
        np.mean(right, axis=0) * keep, np.mean(asked, axis=0) * keep, draws, 0.0, int(several.sum())
    )
    clusters = len(np.unique(items.cluster[several]))
    tau = undefined("all mean votes of one half are 0: nothing can be ranked", int(several.sum()), clusters)
    if taus and not np.isnan(taus).all():
        value = float(np.nanmean(taus))
        table = np.array(tau_draws)
        defined = ~np.isnan(table).all(axis=0)
        means = np.full(table.shape[1], np.nan)
        means[defined] = np.nanmean(table[:, defined], axis=0)
        tau = measured(value, means, int(several.sum()), clusters, (-1.0, 1.0), "sample")
    gain = undefined("no baseline was given") if best is None else items.mean(mean - best, draws, -1.0)
    return MetricAgreement(
        CEILING, False, items.mean(mean, draws), preference, tau, gain, int((~several).sum())
    )


def _half(counts: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A random half of every item's votes, rounded down or up by chance: (I, 3)."""
    whole = counts.astype(np.int64)
    sizes = whole.sum(axis=1)
    halves = (sizes + rng.integers(0, 2, len(sizes))) // 2
    return np.array(
        [rng.multivariate_hypergeometric(row, int(half)) for row, half in zip(whole, halves, strict=True)],
        dtype=np.float64,
    )
