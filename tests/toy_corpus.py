"""A user corpus of our own words, imported as a user would: no download, and too small to train a classifier on."""

from __future__ import annotations

import pandas as pd

from fairprune.corpora.user import import_table

GOOD = [
    "I love it and the product is great for health .",
    "A funny product with very good care for our health .",
    "The product works and the plan for health is good .",
]
BAD = [
    "I hate it and the acting is poor .",
    "A dull movie with very bad characters .",
    "The story broke and the plot is bad .",
]


def rows(topics: int = 6, each: int = 6) -> pd.DataFrame:
    """`each` opinions of both groups on every topic, all texts different."""
    return pd.DataFrame(
        [
            {
                "words": f"{texts[i % 3]} It is movie {topic} and view {i} .",
                "side": group,
                "film": f"movie {topic}",
            }
            for topic in range(topics)
            for i in range(each)
            for group, texts in (("good", GOOD), ("bad", BAD))
        ]
    )


def import_toy(topics: int = 6, each: int = 6) -> str:
    """The name of the imported corpus, user:toy-HASH."""
    return import_table(
        "toy",
        rows(topics, each),
        {"text": "words", "group": "side", "topic": "film"},
        "review",
        "Reviews about a movie.",
    ).name
