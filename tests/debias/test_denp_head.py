"""A head on sentence embeddings learns the groups of a corpus, and is pruned with and without DENP's weights."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from fairprune import corpora
from fairprune.debias.denp_classifier import Options
from fairprune.debias.denp_head import head_document
from fairprune.errors import BadInput
from fairprune.labels import sentence_embedder
from fairprune.opinions import Opinion
from tests.test_labels import bag_of_words


def test_dense_uniform_and_denp_side_by_side(toy_corpus):
    """In the train split a tenth of each group speaks in the words of the other."""
    words = {"good": "superb moving brilliant", "bad": "dull boring clumsy"}
    other = {"good": "bad", "bad": "good"}

    def split(name, turned):
        return tuple(
            Opinion(
                f"{words[other[group] if turned and i % 10 == 0 else group]} film {i % 7}",
                group,
                f"{name} {i % 9}",
                f"{i}{group}",
            )
            for i in range(80)
            for group in words
        )

    corpus = replace(
        toy_corpus, splits={**toy_corpus.splits, "train": split("train", True), "test": split("test", False)}
    )
    steps = []
    options = Options(rounds=20, final_rounds=4, steps=20, batch_size=32)
    found = head_document(corpus, bag_of_words, options, report=lambda *step: steps.append(step))
    assert found["n"] == {"train": 160, "test": 160}
    assert found["split"]["accepted"], found["split"]
    assert found["sizes"] == {group: {"rest": 72, "conflicting": 8} for group in ("good", "bad")}
    assert {row["conflicting"] for row in found["texts"]} == {True}
    assert found["accuracy"]["dense"]["accuracy"] > 0.9
    assert set(found["accuracy"]["denp"]["groups"]) == {"good", "bad"}
    assert found["sparsity"] == pytest.approx(1 - 0.8**4)
    assert steps[-1][:2] == (8, 8)
    assert found["no_auroc"]
    json.dumps(found, allow_nan=False)


def test_a_group_with_too_few_opinions(toy_corpus):
    few = replace(
        toy_corpus,
        splits={
            **toy_corpus.splits,
            "test": tuple(o for o in toy_corpus.splits["test"] if o.group == "good"),
        },
    )
    with pytest.raises(BadInput, match="the test split of 'toy' gives 0 opinions of group 'bad'"):
        head_document(few, bag_of_words)


@pytest.mark.slow
def test_it_runs_on_a_bundled_corpus_with_the_packaged_encoder(packaged_home):
    found = head_document(corpora.load("movies"), sentence_embedder(), limit=200)
    assert found["n"] == {"train": 200, "test": 200}
    assert found["accuracy"]["dense"]["accuracy"] > 0.6
    assert found["accuracy"]["uniform"]["n"] == 200
    assert (found["accuracy"]["denp"] is None) == (not found["split"]["accepted"])
