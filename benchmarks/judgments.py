"""Are the intervals of a study's strengths right, and is a side bias found, though some judges do not care? 500 made-up studies.

    python -m benchmarks.judgments [--studies 500] [--write]

A study compares four systems on 24 samples: 72 items of two systems, 10 votes each by 36 judges, three attention items per
judge. Every seventh judge is careless: answers at random with a lean to the left, takes two to twenty seconds where others take
twenty, and passes an attention item by luck. Careful judges have tastes, samples have luck, and left is preferred by a planted bias.
Planned, answered and analysed by the functions that a real study is; the truth of a strength is what endless careful judges would
say (`simulate.marginal`). `--write` puts the table into docs/judgments.md.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fairprune.judgments.bias import Rules, apply, side_bias
from fairprune.judgments.design import AttentionItem, Presentation, all_pairs, allocate, draw_items, session
from fairprune.judgments.ranking import rank
from fairprune.judgments.simulate import Plan, World, answer, marginal
from fairprune.judgments.votes import FAIRER, Answer, Vote, outcomes

SYSTEMS = ("dense", "hgla", "sparsegpt", "wanda")
STRENGTHS = (0.6, 0.2, -0.2, -0.6)
ATTENTION = tuple(AttentionItem(f"attention {i}", "full", "cut") for i in range(3))


@dataclass(frozen=True)
class Size:
    """How large a study is."""

    samples: int
    items: int
    judges: int
    votes: int
    """Per item."""


USUAL, SMALL = Size(24, 72, 36, 10), Size(8, 24, 12, 5)
WORLD = World(strengths=STRENGTHS, nu=0.7, judge_sd=0.3, sample_sd=0.4, careless=1 / 7)
BIAS = 0.5
"""Log-odds of left between equals: 62 % of the votes that prefer one."""
RULES = Rules()
RESAMPLES = 400
DOCS = Path(__file__).parents[1] / "docs" / "judgments.md"


@dataclass(frozen=True)
class Study:
    """What one made-up study said; per system whether the planted strength lies in the interval, and its width."""

    covered: dict[str, list[bool]]
    """Of 'as registered' and of 'all'."""
    width: float
    """Mean of the intervals, as registered."""
    excluded: int
    careless: int
    missed: int
    """Careless judges who stay in."""
    wronged: int
    """Careful judges who are left out."""
    left: float
    p_exact: float
    p_judges: float


def votes_of(seed: int, world: World, size: Size = USUAL) -> tuple[list[Vote], set[str]]:
    """All votes of one study, and who was careless."""
    rng = np.random.default_rng([seed, 1])
    samples = [f"sample {i:02}" for i in range(size.samples)]
    judges = [f"judge {i:02}" for i in range(size.judges)]
    items = {item.id: item for item in draw_items(all_pairs(SYSTEMS), samples, size.items, seed)}
    allocation = allocate(list(items), judges, size.votes, seed)
    shown: list[Presentation] = []
    for number, judge in enumerate(judges):
        own = [items[item] for item in allocation[judge]]
        shown += session(judge, number, own, questions=[FAIRER], seed=seed, attention=ATTENTION)
    asked = [one for one in shown if one.kind == "item"]
    first = [min(one.left, one.right) for one in asked]
    plan = Plan(
        np.array([judges.index(one.judge) for one in asked]),
        np.array([samples.index(items[one.item].sample) for one in asked]),
        np.array([SYSTEMS.index(a) for a in first]),
        np.array([SYSTEMS.index(max(one.left, one.right)) for one in asked]),
        np.array([one.left != a for one, a in zip(asked, first, strict=True)]),
        size.judges,
        size.samples,
    )
    given = answer(plan, world, rng)
    careless = {judge for judge, is_so in zip(judges, given.careless, strict=True) if is_so}
    preferred = dict(zip([(one.judge, one.item) for one in asked], given.result, strict=True))
    pace = {
        judge: rng.uniform(np.log(2), np.log(20)) if judge in careless else np.log(20) for judge in judges
    }
    found = []
    for one in shown:
        is_careless = one.judge in careless
        seconds = float(np.exp(rng.normal(pace[one.judge], 0.5)))
        if one.kind == "attention":
            said: Answer = rng.choice(["left", "tie", "right"]) if is_careless else one.expected[0]
            if not is_careless and rng.random() < 0.03:
                said = "tie"
            found.append(_vote(one, said, seconds, ""))
            continue
        result = preferred[one.judge, one.item]
        turned = one.left > one.right
        said = "tie" if result == 1 else "left" if (result == 0) != turned else "right"
        found.append(_vote(one, said, seconds, items[one.item].sample))
    return found, careless


def _vote(one: Presentation, said: Answer, seconds: float, sample: str) -> Vote:
    return Vote(
        "made up",
        one.judge,
        one.item,
        FAIRER,
        one.left,
        one.right,
        said,
        seconds,
        position=one.position,
        kind=one.kind,
        expected=one.expected,
        sample=sample,
    )


def study(seed: int, world: World, truth: np.ndarray, size: Size = USUAL) -> Study:
    """Makes one study and analyses it as a lead would."""
    votes, careless = votes_of(seed, world, size)
    kept = apply(votes, RULES)
    stay = {vote.judge for vote in kept}
    covered, width = {}, 0.0
    for name, used in (("as registered", kept), ("all", votes)):
        ranking = rank(outcomes(used, FAIRER), resamples=RESAMPLES, seed=seed)
        by_name = {one.system: one.strength for one in ranking.strengths}
        covered[name] = [
            bool(by_name[system].low <= truth[i] <= by_name[system].high) for i, system in enumerate(SYSTEMS)
        ]
        if name == "as registered":
            width = float(np.mean([by_name[system].high - by_name[system].low for system in SYSTEMS]))
    bias = side_bias(kept, FAIRER, resamples=RESAMPLES, seed=seed)
    return Study(
        covered,
        width,
        size.judges - len(stay),
        len(careless),
        len(careless & stay),
        len({vote.judge for vote in votes} - stay - careless),
        bias.share.value or 0.0,
        bias.p_exact if bias.p_exact is not None else 1.0,
        bias.p_judges if bias.p_judges is not None else 1.0,
    )


@dataclass(frozen=True)
class Result:
    """Of all studies with one bias."""

    bias: float
    truth: tuple[float, ...]
    studies: list[Study]

    def coverage(self, name: str, system: int | None = None) -> float:
        table = np.array([one.covered[name] for one in self.studies])
        return float(table.mean() if system is None else table[:, system].mean())

    def found(self, test: str) -> float:
        """Share of studies in which the test says that there is a bias, and to the left."""
        return float(np.mean([getattr(one, test) <= 0.05 and one.left > 0.5 for one in self.studies]))

    def alarms(self, test: str) -> float:
        return float(np.mean([getattr(one, test) <= 0.05 for one in self.studies]))


def simulate(studies: int, bias: float, size: Size = USUAL) -> Result:
    world = WORLD.model_copy(update={"left_bias": bias})
    pairs = np.array([(a, b) for a in range(len(SYSTEMS)) for b in range(a + 1, len(SYSTEMS))])
    truth = marginal(world, pairs)
    return Result(bias, tuple(truth[:-1]), [study(seed, world, truth, size) for seed in range(studies)])


def table_of(biased: Result, fair: Result, small: Result) -> list[str]:
    """Markdown: coverage per system and judges kept, then the tests of side bias."""
    n = len(biased.studies)
    lines = [
        f"| {n} studies | truth | in the 95 % interval, as registered | all judges |",
        "|---|---|---|---|",
    ]
    for i, truth in enumerate(biased.truth):
        cells = [f"{100 * biased.coverage(name, i):.1f} %" for name in ("as registered", "all")]
        lines.append(f"| strength of system {i + 1} | {truth:+.3f} | {' | '.join(cells)} |")
    cells = [f"**{100 * biased.coverage(name):.1f} %**" for name in ("as registered", "all")]
    lines.append(f"| all four | | {' | '.join(cells)} |")
    lines += [
        "",
        "| side bias, at 5 % | found where planted (log-odds .5) | false alarms where there is none |",
        "|---|---|---|",
    ]
    for test, name in (("p_exact", "exact binomial"), ("p_judges", "flipping judges")):
        lines.append(f"| {name} | {100 * biased.found(test):.1f} % | {100 * fair.alarms(test):.1f} % |")
    careless, missed, wronged = (
        sum(getattr(one, name) for one in biased.studies) for name in ("careless", "missed", "wronged")
    )
    width = np.mean([one.width for one in biased.studies])
    lines += [
        "",
        f"{careless / n:.1f} of {USUAL.judges} judges are careless; the rules leave out {100 * (1 - missed / careless):.1f} % of them, and "
        f"{100 * wronged / (n * USUAL.judges - careless):.1f} % of the careful ones. Intervals are {width:.2f} wide on average.",
        "",
        f"Small studies ({SMALL.judges} judges, {SMALL.samples} samples, {SMALL.items} items with {SMALL.votes} votes each): "
        f"{100 * small.coverage('as registered'):.1f} % of the strengths lie in their intervals, and the bias is found in "
        f"{100 * small.found('p_judges'):.1f} %.",
    ]
    return lines


def write(lines: list[str], path: Path = DOCS) -> None:
    """Puts the tables between the two marks of the documentation."""
    text = path.read_text(encoding="utf-8")
    begin, end = "<!-- studies: begin -->", "<!-- studies: end -->"
    if begin not in text or end not in text:
        raise SystemExit(f"{path} has no section between {begin} and {end}: write both first")
    before, after = text.split(begin)[0], text.split(end)[1]
    path.write_text(before + begin + "\n\n" + "\n".join(lines) + "\n\n" + end + after, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=500)
    parser.add_argument("--write", action="store_true", help="write the tables into docs/judgments.md")
    arguments = parser.parse_args()
    start = time.perf_counter()
    biased, fair = (simulate(arguments.studies, bias) for bias in (BIAS, 0.0))
    lines = table_of(biased, fair, simulate(arguments.studies, BIAS, SMALL))
    print("\n".join(lines))
    print(f"{time.perf_counter() - start:.0f} s")
    if arguments.write:
        write(lines)


if __name__ == "__main__":
    main()
