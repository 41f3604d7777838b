"""Seconds that `fairprune evaluate` needs for a data set of the size of the literature's largest.

    python -m benchmarks.evaluate [--samples 1500] [--systems 2] [--multiverse] [--profile]
    python -m benchmarks.evaluate --characters 1000000

1,500 samples of nine reviews of about 55 words, summaries of about 50, n-gram matcher, 2,000 resamples. The data set
is made here: words of a vocabulary of 8,000 with the frequencies of Zipf's law, three sentiments. Budget: 60 s.
With --characters it is one sample instead, whose reviews have so many characters together, and its summary as many: the
same sentences in another order. Budget: 10 s of processor time at a million.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from fairprune.cli import main

BUDGET = 60.0
LONG_BUDGET = 10.0
REVIEWS = 9
GROUPS = ("positive", "neutral", "negative")
SYLLABLES = [
    first + vowel + last
    for first in "bdfgklmnprstv"
    for vowel in "aeiou"
    for last in ("", "n", "r", "s", "t")
]


def dataset(samples: int, systems: int, seed: int = 0) -> list[dict[str, Any]]:
    """Samples in the unified format, with `systems` summaries each: sentences of the reviews, cut and mixed."""
    rng = np.random.default_rng(seed)
    vocabulary = ["".join(rng.choice(SYLLABLES, size=rng.integers(1, 4))) for _ in range(8000)]
    weights = 1 / np.arange(1, len(vocabulary) + 1)
    weights /= weights.sum()

    def sentence() -> str:
        return (
            " ".join(vocabulary[i] for i in rng.choice(len(vocabulary), size=rng.integers(6, 17), p=weights))
            + "."
        )

    made = []
    for number in range(samples):
        units = [
            {
                "text": " ".join(sentence() for _ in range(rng.integers(3, 8))),
                "value": {"sentiment": str(rng.choice(GROUPS, p=(0.5, 0.2, 0.3)))},
            }
            for _ in range(REVIEWS)
        ]
        record: dict[str, Any] = {
            "units": units,
            "value_mapping": {"sentiment": list(GROUPS)},
            "meta": {"id": f"product-{number}", "type": "reviews", "seperator": " || "},
        }
        pool = [part + "." for unit in units for part in str(unit["text"]).split(".") if part.strip()]
        for system in range(systems):
            record[f"system_{system}"] = " ".join(
                str(part).strip() for part in rng.choice(pool, size=5, replace=False)
            )
        made.append(record)
    return made


def long_sample(characters: int, seed: int = 0) -> list[dict[str, Any]]:
    """One sample whose reviews have at least `characters` characters together, and its summary the same sentences."""
    many = dataset(1 + characters // 2000, 0, seed)  # a sample has more than 2,000
    texts = [str(unit["text"]) for record in many for unit in record["units"]]
    pieces = [f"{part.strip()}." for text in texts for part in text.split(".") if part.strip()]
    sizes = np.cumsum([len(piece) + 1 for piece in pieces])
    pieces = pieces[: int(np.searchsorted(sizes, characters + REVIEWS)) + 1]
    each = -(-len(pieces) // REVIEWS)
    mixed = np.random.default_rng(seed).permutation(len(pieces))
    return [
        {
            "units": [
                {"text": " ".join(pieces[i * each : (i + 1) * each]), "value": {"sentiment": GROUPS[i % 3]}}
                for i in range(REVIEWS)
            ],
            "value_mapping": {"sentiment": list(GROUPS)},
            "meta": {"id": "product", "type": "reviews", "seperator": " || "},
            "system_0": " ".join(pieces[i] for i in mixed),
        }
    ]


def measure(made: list[dict[str, Any]], systems: int, multiverse: bool) -> tuple[float, float]:
    """Seconds of the whole command by the clock and of the processor, reading and writing included."""
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder) / "data.json", Path(folder) / "result.json"
        data.write_text(json.dumps(made), encoding="utf-8")
        arguments = ["evaluate", str(data), "--attribute", "sentiment", "--json", str(out)]
        for system in range(systems):
            arguments += ["--summaries", f"system_{system}"]
        if multiverse:
            arguments.append("--multiverse")
        started, worked = time.perf_counter(), time.process_time()
        code = main(arguments)
        seconds, busy = time.perf_counter() - started, time.process_time() - worked
        if code != 0:
            raise SystemExit(code)
        print(f"{out.stat().st_size / 1e6:.1f} MB of results, {busy:.1f} s of processor time")
    return seconds, busy


def run() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1500)
    parser.add_argument("--systems", type=int, default=1)
    parser.add_argument("--characters", type=int, default=0)
    parser.add_argument("--multiverse", action="store_true")
    parser.add_argument("--profile", action="store_true")
    asked = parser.parse_args()
    made = long_sample(asked.characters) if asked.characters else dataset(asked.samples, asked.systems)
    profile = cProfile.Profile()
    if asked.profile:
        profile.enable()
    seconds, busy = measure(made, 1 if asked.characters else asked.systems, asked.multiverse)
    profile.disable()
    if asked.profile:
        pstats.Stats(profile).sort_stats("cumulative").print_stats(40)
    if asked.characters:
        size = sum(len(unit["text"]) for unit in made[0]["units"])
        print(
            f"one sample of {size:,} characters, a summary as long: {busy:.1f} s of processor time "
            f"(budget {LONG_BUDGET:.0f} s)"
        )
        return
    print(
        f"{asked.samples} samples of {REVIEWS} reviews, {asked.systems} systems: {seconds:.1f} s (budget {BUDGET:.0f} s)"
    )


if __name__ == "__main__":
    run()
