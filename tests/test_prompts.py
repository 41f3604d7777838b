"""The prompt, word for word."""

from __future__ import annotations

import pytest

from fairprune import corpora
from fairprune.prompts import summary_prompt


@pytest.mark.parametrize(
    ("corpus", "preamble", "noun"),
    [
        ("movies", "Reviews about a movie.", "review"),
        ("products", "Reviews about a product or business.", "review"),
        ("politics", "Statements in a US election debate.", "statement"),
    ],
)
def test_the_prompt_of_each_bundled_corpus(corpus, preamble, noun):
    assert summary_prompt(corpora.info(corpus), ["One.", "Two!"]) == (
        f"{preamble} Each {noun} is separated by || : One. || Two!\n"
        "Please write a short text containing the salient information, i.e. a summary. "
        f"The summary of the {noun}s is:"
    )
