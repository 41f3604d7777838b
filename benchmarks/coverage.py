"""Do the 95 % intervals cover, and does the paired test err as rarely as it says? 1,000 made-up data sets per case.

    python -m benchmarks.coverage [--sets 1000] [--write]

Data sets have the sizes and topics of opinion sets of `movies` (every set a topic of its own up to 148 sets; the full test
split has 451 sets on 148 topics). The source shares are those of the three group mixes; the summary's share of
the first group is binomial over its matched words, with a log-odds of the source's plus a lean plus noise that is
shared by the samples of a topic, and by dense and pruned. Truth is the value over 400,000 samples. `--write` puts
the table into docs/metrics.md under its heading "Coverage".
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fairprune.metrics import METRICS
from fairprune.uncertainty import (
    Estimate,
    FloatArray,
    Resamples,
    Statistic,
    draw_resamples,
    estimate,
    estimate_difference,
    paired_test,
)

COMPOSITIONS = ("balanced", "skewed:fresh", "skewed:rotten")
MIXES = np.array([0.5, 0.75, 0.25])
DOCS = Path(__file__).parents[1] / "docs" / "metrics.md"
HEADING = "## Coverage"
RESAMPLES, PERMUTATIONS = 1000, 499
TRUTH_SAMPLES = 400_000
TAU = 0.8
AUC_WEIGHTS = np.array([0.05, *[0.1] * 9, 0.05])


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

    @property
    def null(self) -> bool:
        return self.dense == self.pruned


CASES = (
    Case("alike", System(0.3, 0.8), System(0.3, 0.8)),
    Case("pruned worse", System(0.3, 0.8), System(0.7, 1.1)),
    Case("no lean at all", System(0.0, 0.8), System(0.0, 0.8)),
    Case("BUR near 0", System(0.0, 0.02, (250, 350)), System(0.0, 0.02, (250, 350))),
    Case("BUR near 1", System(2.0, 1.0), System(2.0, 1.0)),
)
DESIGNS = {8: 8, 60: 60, 100: 100, 451: 148}
"""Samples → topics, as in `movies`."""


@dataclass(frozen=True)
class Data:
    """Tables of both systems: metric → (n, columns)."""

    topics: list[str]
    compositions: list[str]
    dense: dict[str, FloatArray]
    pruned: dict[str, FloatArray]


def simulate(case: Case, n: int, n_topics: int, rng: np.random.Generator) -> Data:
    """One data set of n samples on n_topics topics."""
    mix, topic = np.arange(n) % 3, np.arange(n) % n_topics
    source = np.clip(MIXES[mix] + rng.normal(0, 0.06, n), 0.08, 0.92)
    labelled = rng.binomial(10, source) / 10  # of about ten labelled sentences of the source
    common = np.sqrt(0.3) * rng.normal(0, 1, n_topics)[topic] + np.sqrt(0.3) * rng.normal(0, 1, n)
    tables = []
    for system in (case.dense, case.pruned):
        noise = common + np.sqrt(0.4) * rng.normal(0, 1, n)
        odds = np.log(source / (1 - source)) + system.lean + system.noise * noise
        share = 1 / (1 + np.exp(-odds))
        words = rng.integers(system.words[0], system.words[1] + 1, n)
        sentences = rng.integers(1, 4, n)
        summary = rng.binomial(words, share) / words
        tables.append(rows(source, summary, labelled, rng.binomial(sentences, share) / sentences))
    return Data([str(t) for t in topic], [COMPOSITIONS[m] for m in mix], tables[0], tables[1])


def rows(
    source: FloatArray, summary: FloatArray, labelled: FloatArray, spoken: FloatArray
) -> dict[str, FloatArray]:
    """The rows of every metric for two groups: what `Metric.sample` gives, for n samples at once.

    Args:
        source, summary: share of the first group in tokens, p_x and p_y.
        labelled, spoken: the same in labelled sentences, for SPD2.
    """
    p_x, p_y = np.stack([source, 1 - source], axis=1), np.stack([summary, 1 - summary], axis=1)
    losses = np.maximum(0.0, p_x - p_y)
    least = (p_y / p_x).min(axis=1)
    unfair = least[:, None] < np.arange(11) / 10  # (n, 11)
    return {
        "bur": (least < TAU).astype(float)[:, None],
        "uer": losses.mean(axis=1, keepdims=True),
        "auc": (unfair @ AUC_WEIGHTS)[:, None],
        "sof": losses,
        "spd2": 2 * (spoken - labelled)[:, None],
    }


def distance(statistic: Statistic) -> Statistic:
    """How far from 0: what a verdict on a signed metric compares."""
    return lambda weights, table: np.abs(statistic(weights, table))


Quantity = Callable[[Data, Resamples], Estimate]


def quantities() -> Iterator[tuple[str, str, Quantity, Statistic, bool]]:
    """(metric, what, estimate, statistic, whether a difference) of every number that has an interval."""
    for name in ("bur", "uer", "auc", "sof", "spd2"):
        metric = METRICS[name]

        def value(data: Data, draws: Resamples, name: str = name) -> Estimate:
            metric = METRICS[name]
            return estimate(
                metric.statistic,
                data.pruned[name],
                draws,
                binary=metric.binary,
                contrasts=metric.contrasts,
            )

        def difference(data: Data, draws: Resamples, name: str = name) -> Estimate:
            metric = METRICS[name]
            return estimate_difference(
                metric.statistic, data.pruned[name], data.dense[name], draws, binary=metric.binary
            )

        yield name, "value", value, metric.statistic, False
        yield name, "difference", difference, metric.statistic, True
    away = distance(METRICS["spd2"].statistic)

    def distance_difference(data: Data, draws: Resamples) -> Estimate:
        return estimate_difference(away, data.pruned["spd2"], data.dense["spd2"], draws)

    yield "spd2", "distance", distance_difference, away, True


@dataclass
class Row:
    """Result of one case, size and number: shares in [0, 1]."""

    case: str
    n: int
    metric: str
    what: str
    truth: float
    coverage: float
    width: float
    """Mean width of the interval."""
    errors: float | None
    """Share of data sets in which the paired test rejects a null hypothesis that holds, at 5 %."""


def study(case: Case, n: int, n_topics: int, sets: int) -> list[Row]:
    """All numbers of one case at one size."""
    whole = simulate(case, TRUTH_SAMPLES, TRUTH_SAMPLES, np.random.default_rng(0))
    one = np.ones((1, TRUTH_SAMPLES))
    found: dict[tuple[str, str], list[tuple[bool, float, float | None]]] = {}
    truths: dict[tuple[str, str], float] = {}
    listed = list(quantities())
    for name, what, _, statistic, is_difference in listed:
        truth = float(statistic(one, whole.pruned[name])[0])
        if is_difference:
            truth = 0.0 if case.null else truth - float(statistic(one, whole.dense[name])[0])
        # Without any lean the groups lose alike, whatever the rounding of 400,000 samples says.
        truths[name, what] = 0.0 if case.pruned.lean == 0 and name in ("sof", "spd2") else truth
    for number in range(sets):
        data = simulate(case, n, n_topics, np.random.default_rng([n, number, 1]))
        draws = draw_resamples(data.topics, data.compositions, RESAMPLES, number)
        for name, what, of, statistic, is_difference in listed:
            interval = of(data, draws)
            assert interval.low is not None and interval.high is not None
            truth, p_value = truths[name, what], None
            if is_difference and case.null and case is CASES[0]:
                p_value = paired_test(
                    statistic,
                    data.pruned[name],
                    data.dense[name],
                    data.topics,
                    permutations=PERMUTATIONS,
                    seed=number,
                ).p_value
            covered = interval.low - 1e-12 <= truth <= interval.high + 1e-12
            found.setdefault((name, what), []).append((covered, interval.high - interval.low, p_value))
    table = []
    for (name, what), results in found.items():
        tests = [p for _, _, p in results if p is not None]
        table.append(
            Row(
                case.name,
                n,
                name,
                what,
                truths[name, what],
                float(np.mean([covered for covered, _, _ in results])),
                float(np.mean([width for _, width, _ in results])),
                float(np.mean([p <= 0.05 for p in tests])) if tests else None,
            )
        )
    return table


def table_of(found: list[Row]) -> list[str]:
    """Markdown: one line per case, metric and number, coverage per n in percent."""
    sizes = sorted({row.n for row in found})
    heads = ["case", "number", "truth", *(f"n = {n}" for n in sizes)]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    by: dict[tuple[str, str, str], dict[int, Row]] = {}
    for row in found:
        by.setdefault((row.case, row.metric, row.what), {})[row.n] = row
    for (case, metric, what), rows_of in by.items():
        truth = next(iter(rows_of.values())).truth
        cells = [f"{100 * rows_of[n].coverage:.1f}" if n in rows_of else "–" for n in sizes]
        lines.append("| " + " | ".join([case, f"{metric.upper()} {what}", f"{truth:.3f}", *cells]) + " |")
    return lines


def errors_of(found: list[Row]) -> list[str]:
    """Markdown: how often the paired test rejects what is true, per n in percent."""
    tested = [row for row in found if row.errors is not None]
    sizes = sorted({row.n for row in tested})
    lines = [
        "| paired test at 5 %, systems alike | " + " | ".join(f"n = {n}" for n in sizes) + " |",
        "|" + "---|" * (len(sizes) + 1),
    ]
    for metric, what in dict.fromkeys((row.metric, row.what) for row in tested):
        cells = [
            f"{100 * row.errors:.1f}"
            for n in sizes
            for row in tested
            if (row.metric, row.what, row.n) == (metric, what, n) and row.errors is not None
        ]
        lines.append("| " + " | ".join([f"{metric.upper()} {what}", *cells]) + " |")
    return lines


def write(lines: list[str], path: Path = DOCS) -> None:
    """Puts the tables between the two marks of the section "Coverage" of the documentation."""
    text = path.read_text(encoding="utf-8")
    begin, end = "<!-- coverage: begin -->", "<!-- coverage: end -->"
    if begin not in text or end not in text:
        raise SystemExit(f"{path} has no section between {begin} and {end}: write {HEADING} with both first")
    before, after = text.split(begin)[0], text.split(end)[1]
    path.write_text(before + begin + "\n\n" + "\n".join(lines) + "\n\n" + end + after, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=1000, help="data sets per case and size")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/metrics.md")
    arguments = parser.parse_args()
    start, found = time.perf_counter(), []
    for case in CASES:
        for n, n_topics in DESIGNS.items():
            found += study(case, n, n_topics, arguments.sets)
            print(f"{case.name}, n = {n}: {time.perf_counter() - start:.0f} s", flush=True)
    lines = [*table_of(found), "", *errors_of(found)]
    print("\n".join(lines))
    if arguments.write:
        write(lines)


if __name__ == "__main__":
    main()
