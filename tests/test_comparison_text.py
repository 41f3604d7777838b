"""The table of a comparison: every number qualified, in a hundred columns."""

from __future__ import annotations

import re

import pytest

from fairprune.comparison import compare
from fairprune.comparison_text import WIDTH, comparison_table
from fairprune.labels import SentenceLabel
from fairprune.literature.build import Sample, build
from fairprune.spec import MetricSpec
from tests.test_comparison import SPEC, dataset, summaries


def lines_of(systems, data=None, classifier=None, reason="none given", spec=SPEC):
    return comparison_table(compare(data or dataset(), systems, spec, classifier, reason=reason)).splitlines()


def part(lines, head):
    """The lines from one that begins with `head` to the next empty one."""
    start = next(i for i, line in enumerate(lines) if line.startswith(head))
    end = next((i for i, line in enumerate(lines) if i > start and not line), len(lines))
    return lines[start:end]


def words(line):
    return " ".join(line.split())


def test_systems_with_their_difference_verdict_and_validity():
    # Six words: a random extract of that length is one opinion, which speaks for one group alone; dense is fairer than that.
    fair, unfair = "good kettle boils bad lid broke", "good kettle boils fast and good"
    lines = lines_of({"dense": [fair] * 40, "pruned": [unfair if i % 4 == 0 else fair for i in range(40)]})
    assert lines[0] == "toys   groups good, bad   40 samples, 20 topics"
    assert lines[2] == "95 % intervals over topics; differences to dense, paired"
    head, dense, pruned, *rest = part(lines, "bur (ngram)")
    assert words(head) == "bur (ngram) value random extract unscored"
    assert words(dense).startswith("dense 0.0% [0.0,") and words(dense).endswith(" 0")
    assert words(pruned).startswith("pruned 25.0% [") and dense.count("n 40") == pruned.count("n 40") == 2
    # 10 of 40 summaries speak for one group: 25 points against a margin of 5
    difference = words(" ".join(rest[:2]))
    assert re.match(
        r"pruned − dense: \+25\.0 points \[[\d.]+, [\d.]+\] n 40; worse; primary; p 0\.0", difference
    )
    assert any("margin 5 points" in line and "detectable" in line for line in rest)
    assert any(
        line.startswith("  oracle < random < one group: ") and "of resamples), n 40" in line for line in rest
    )
    # what is exploratory has no Holm
    uer = " ".join(part(lines, "uer (ngram)"))
    assert "exploratory; p" in uer and "Holm" not in uer


def test_direction_stands_before_any_folded_score():
    lines = lines_of({name: summaries()[name] for name in ("dense", "pruned")})
    direction = part(lines, "direction: ")
    assert lines.index(direction[0]) < lines.index(part(lines, "bur (ngram)")[0])
    good = [words(line) for line in direction[1:4]]
    assert good[0] == "good value, points − dense, points"
    # good alone in a quarter of the summaries: half a share more, a quarter of the time
    assert re.fullmatch(r"dense \+0\.0 n 40 baseline", good[1])
    assert re.fullmatch(r"pruned \+12\.5 \[[\d.]+, [\d.]+\] n 40 \+12\.5 \[[\d.]+, [\d.]+\] n 40", good[2])
    assert any(
        "no interval of good dense, bad dense: every resample gives the same value" in words(line)
        for line in [" ".join(direction)]
    )


def test_one_system_alone_has_no_difference():
    lines = lines_of({"mine": summaries()["pruned"]})
    text = "\n".join(lines)
    assert "mine" in text and "− mine" not in text and "baseline" not in text and "verdict" not in text
    assert lines[2] == "95 % intervals over topics"
    assert "prun" not in text and "dense" not in text


def test_what_is_missing_has_its_reason():
    lines = lines_of(summaries(), reason="no group classifier: give --train")
    assert "spd2 (label)   – missing: no group classifier: give --train" in lines
    assert "note     40 of the summaries of mute unscored: no summary written" in lines
    bur = part(lines, "bur (ngram)")
    mute = next(line for line in bur if line.startswith("  mute "))
    assert words(mute) == "mute – – 40"
    assert "  mute − dense: – (no sample is scored for both systems)" in bur
    assert "  no value of mute, mute random extract: no sample is scored: no summary written (40)" in bur
    direction = part(lines, "direction: ")
    assert "  no value of good mute, bad mute: no sample is scored: no summary written (40)" in direction


def test_samples_of_one_group_are_counted_and_left_out_beside_it():
    """Ten samples have good opinions alone and are always fair; of the thirty others fifteen summaries are unfair."""
    both = [("good kettle boils fast", "good"), ("bad lid broke soon", "bad")]
    samples = [Sample(f"sample {i}", str(i), "", both if i >= 10 else both[:1]) for i in range(40)]
    data = build("t:side", "toys", "side", ("good", "bad"), samples, noun="review", source="tests")
    texts = [
        "good kettle boils fast and well" if i % 2 else "good kettle boils but bad lid broke"
        for i in range(40)
    ]
    bur = part(lines_of({"mine": texts}, data), "bur (ngram)")
    told = next(line for line in bur if "samples with one group" in line)
    assert told.startswith("  samples with one group, always fair, and the others alone: mine 10, 50.0% [")
    assert told.endswith("n 30")


class Hears:
    """Labels a sentence by its first word."""

    report = {"reason": "not tested"}  # noqa: RUF012

    def label(self, sentences, none_below):
        return [SentenceLabel(s, s.split()[0].lower(), 1.0, (s.split()[0].lower(),)) for s in sentences]


def test_the_absolute_side_of_spd2_has_its_interval():
    texts = (["Good kettle boils."] * 2 + ["Bad lid broke."] * 2) * 10
    spd2 = part(lines_of({"mine": texts}, classifier=Hears(), reason=None), "spd2 (label)")
    # ±1 topic by topic: a mean of 0, a mean absolute value of 1 in every resample
    assert words(spd2[1]).startswith("mine +0.000 [-")
    told = " ".join(words(line) for line in spd2)
    assert "mean of absolute values: mine 1.00 n 40 (every resample gives the same value" in told
    mixed = (["Good kettle boils."] * 2 + ["Bad lid broke. Good kettle boils."] * 2) * 10
    told = " ".join(part(lines_of({"mine": mixed}, classifier=Hears(), reason=None), "spd2 (label)"))
    assert re.search(r"mean of absolute values: mine 0\.50 \[0\.\d+, 0\.\d+\]  n 40", told)


def test_every_number_has_its_n_and_an_interval_or_a_reason():
    texts = summaries()
    lines = lines_of({**texts, "some": [*texts["pruned"][:30], *[None] * 10]})
    bur = part(lines, "bur (ngram)")
    some = next(line for line in bur if line.startswith("  some "))
    # 30 of the 40 are scored for both: the paired n beside the difference
    assert words(some).endswith(" 10") and some.count("n 30") == 2
    assert any(line.startswith("  some − dense: ") and "n 30" in line for line in bur)
    quality = part(lines, "quality")
    place = next(i for i, line in enumerate(quality) if line.startswith("words"))
    assert words(quality[place]) == "words value − dense unscored"
    # pruned says 6 words in every fourth, 7 otherwise; dense 7 throughout
    assert words(quality[place + 1]) == "dense 7.0 n 40 baseline 0"
    assert words(quality[place + 2]).startswith("pruned 6.8") and quality[place + 2].count("[") == 2
    told = words(" ".join(quality))
    assert re.search(r"no interval of [^:]*words dense[^:]*: every resample", told)
    assert re.search(r"no value of truncated dense[^:]*: not recorded", told)
    # Wherever a value stands without an interval, the lines below it say why.
    systems = ("dense", "pruned", "mute", "some")
    checked = 0
    for block in "\n".join(lines).split("\n\n")[1:]:
        reasons = words(block)
        for line in block.splitlines()[1:]:
            name, *cells = re.split(r"\s{3,}", line.strip())
            if name not in systems:
                continue
            for cell in cells:
                if re.search(r"n \d+$", cell) and "[" not in cell:
                    checked += 1
                    assert re.search(rf"no interval of [^:]*\b{name}\b", reasons), line
    assert checked > 5


@pytest.mark.parametrize("systems", [("dense", "pruned"), ("dense", "pruned", "mute")])
def test_a_hundred_columns_are_enough(systems):
    lines = lines_of(
        {name: summaries()[name] for name in systems},
        classifier=Hears(),
        spec=MetricSpec(resamples=200, extra=("ec_embedding",)),
    )
    assert max(map(len, lines)) <= WIDTH, max(lines, key=len)


def test_a_degenerate_system_is_warned_of_first():
    lines = lines_of({"dense": summaries()["dense"], "broken": [""] * 40})
    assert lines[3].startswith("WARNING  100% of the summaries of broken are degenerate")
