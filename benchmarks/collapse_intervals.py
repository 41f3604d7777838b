"""How often the intervals of the collapse report hold the truth, and those of a bootstrap: python -m benchmarks.collapse_intervals

Features are drawn around known class means, contexts of one cluster of windows share a part; the pruned model has other means and more
noise, on the same contexts. Two minutes on one core.
"""

from __future__ import annotations

import argparse
import math
from collections import defaultdict

import numpy as np

from fairprune.debias.collapse_measures import Totals, measures
from fairprune.debias.collapse_report import jackknife_error
from fairprune.uncertainty.intervals import t_quantile

WORDS, WIDTH, CLUSTERS, SHARED = 20, 32, 32, 0.3
SHOWN = ("unc3", "nc3", "nc1", "nc2_norms", "gnc2")
RATIOS = ("unc3", "nc1", "gnc2")


def totals(contexts, means, spread, rows):
    """Class sums of contexts (cluster, word, noise (n, width))."""
    counts = np.zeros((CLUSTERS, WORDS), int)
    sums, squares = np.zeros((CLUSTERS, WORDS, WIDTH)), np.zeros((CLUSTERS, WORDS))
    for cluster, word, noise in contexts:
        features = means[word] + spread * noise
        counts[cluster, word] = len(features)
        sums[cluster, word] = features.sum(axis=0)
        squares[cluster, word] = (features**2).sum()
    none = np.zeros(CLUSTERS, int)
    return Totals(np.arange(WORDS), rows, counts, sums, squares, none, none)


def truth(means, spread, rows):
    """What endless contexts would give."""
    within = spread**2 * WIDTH * (1 + SHARED**2)
    squares = ((means**2).sum(axis=1) + within)[None]
    none = np.zeros(1, int)
    return measures(
        Totals(np.arange(WORDS), rows, np.ones((1, WORDS), int), means[None], squares, none, none)
    )


def both(dense, pruned):
    """The measures of the dense model, and logarithms of ratios."""
    found = {name: dense[name] for name in SHOWN}
    return found | {f"ratio of {name}": math.log(pruned[name] / dense[name]) for name in RATIOS}


def coverage(per_cluster, spread, repetitions, resamples, seed=0):
    """(kind, number) → rows of (whether it holds the truth, whether the report would show it)."""
    rng = np.random.default_rng(seed)
    t = t_quantile(0.95, CLUSTERS - 1)
    found = defaultdict(list)
    for _ in range(repetitions):
        means = rng.normal(size=(WORDS, WIDTH))
        rows = means + rng.normal(size=means.shape)
        other = means * 0.8 + 0.3 * rng.normal(size=means.shape)
        contexts = [
            (cluster, word, rng.normal(size=(n, WIDTH)) + SHARED * rng.normal(size=WIDTH))
            for cluster in range(CLUSTERS)
            for word, n in enumerate(rng.poisson(per_cluster, WORDS))
            if n
        ]
        dense = totals(contexts, means, spread, rows)
        pruned = totals(contexts, other, 1.1 * spread, rows)
        real = both(truth(means, spread, rows), truth(other, 1.1 * spread, rows))

        def at(weights, dense=dense, pruned=pruned):
            return both(measures(dense, weights), measures(pruned, weights))

        value = at(np.ones(CLUSTERS))
        left_out = [at(weights) for weights in 1 - np.eye(CLUSTERS)]
        drawn = [
            at(weights.astype(float))
            for weights in rng.multinomial(CLUSTERS, [1 / CLUSTERS] * CLUSTERS, resamples)
        ]
        for name in value:
            jack = np.array([one[name] for one in left_out])
            boot = np.array([one[name] for one in drawn])
            errors = jackknife_error(jack), boot.std(ddof=1) * math.sqrt(CLUSTERS / (CLUSTERS - 1))
            biases = (CLUSTERS - 1) * (jack.mean() - value[name]), boot.mean() - value[name]
            for kind, error, bias in zip(("jackknife", "bootstrap"), errors, biases, strict=True):
                found[kind, name].append((abs(value[name] - real[name]) <= t * error, abs(bias) <= error))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=150)
    parser.add_argument("--resamples", type=int, default=100)
    given = parser.parse_args()
    for per_cluster in (0.5, 2):
        for spread in (1.0, 2.5):
            found = coverage(per_cluster, spread, given.repetitions, given.resamples)
            print(f"\n{per_cluster * CLUSTERS:.0f} contexts per word, spread {spread}")
            for (kind, name), rows in found.items():
                held, shown = np.array(rows).T
                among = f"{held[shown].mean():.2f}" if shown.any() else "–"
                print(
                    f"  {name:15} {kind:10} covers {held.mean():.2f}; shown in {shown.mean():.2f}, covers {among} there"
                )


if __name__ == "__main__":
    main()
