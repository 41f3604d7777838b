"""Sentences of Amazon reviews of five products, with a human sentiment score each: positive or negative."""

from __future__ import annotations

import html
from collections import Counter
from pathlib import Path

from fairprune.corpora.build import assemble, clean
from fairprune.errors import Unavailable
from fairprune.opinions import Corpus, CorpusInfo, Opinion, Split

ASSET = "vader"
FILE = "amazonReviewSnippets_GroundTruth.txt"
INFO = CorpusInfo(
    name="products",
    title="Product reviews (Amazon)",
    groups=("positive", "negative"),
    noun="review",
    preamble="Reviews about a product or business.",
    source="Amazon review sentences of Hu and Liu (2004) with sentiment scores of Hutto and Gilbert (2014), "
    "in the package vaderSentiment 2.5 (MIT)",
    note="Five products, two of them in the test split: results hold for these products, and intervals over "
    "topics mean little. An opinion is a sentence, and sentences of one review may stand in one set.",
)
# The file has no product column. Its 300 reviews (numbers 1 to 309 with nine gaps) stand in product order;
# each first and last review below, and each that names no product, was read to draw these limits.
PRODUCTS: tuple[tuple[int, int, str, Split], ...] = (
    (1, 98, "DVD player", "test"),  # Apex AD-2600
    (99, 144, "compact camera", "calibration"),  # Canon PowerShot G3
    (145, 175, "small camera", "train"),  # Nikon Coolpix 4300
    (176, 215, "mobile phone", "train"),  # Nokia 6610
    (216, 309, "music player", "test"),  # Creative Nomad Jukebox Zen Xtra
)
"""First review, last review, topic, split. Train holds two products, so that a classifier can be tried on
another product than it learned from; test holds the two with the most opinions of the rarer group."""
LIMIT = 0.5
"""Scores run from −4 to 4: positive from this, negative up to its opposite; between them is no opinion."""


def product_of(review: int) -> tuple[str, Split]:
    """Topic and split of a review.

    Raises:
        Unavailable: a number that the table does not hold: this is not the file that was read for it.
    """
    for first, last, topic, split in PRODUCTS:
        if first <= review <= last:
            return topic, split
    raise Unavailable(
        f"{FILE} has a review {review}, but its reviews are numbered 1 to 309: delete the asset 'vader'"
    )


def read(folder: Path) -> list[tuple[int, str, float, str]]:
    """(review number, 'review_sentence' id, score, sentence) for the file's 3,708 sentences."""
    rows = []
    for line in (folder / FILE).read_text(encoding="utf-8").splitlines():
        key, score, text = line.split("\t")
        # '&amp;#38;' is '&' escaped twice.
        rows.append((int(key.split("_")[0]), key, float(score), html.unescape(html.unescape(text))))
    return rows


def build(folder: Path) -> Corpus:
    """The corpus from the asset's folder."""
    dropped: Counter[str] = Counter()
    opinions: list[Opinion] = []
    splits: dict[str, Split] = {}
    for review, key, score, text in read(folder):
        if abs(score) < LIMIT:
            dropped[f"sentiment score between −{LIMIT} and {LIMIT}"] += 1
            continue
        group = "positive" if score > 0 else "negative"
        topic, splits[topic] = product_of(review)
        opinions.append(Opinion(text, group, topic, source=key, speaker=f"review {review}"))
    return assemble(INFO, clean(opinions, dropped), lambda opinion: splits[opinion.topic], dropped)
