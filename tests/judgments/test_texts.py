"""Identical texts are never asked; texts that name a system are flagged and never altered."""

import pytest

from fairprune.errors import BadInput
from fairprune.judgments.design import Item
from fairprune.judgments.texts import (
    ASSISTANTS,
    automatic_ties,
    identical,
    named,
    names_of,
    split_identical,
)


def test_identical_is_what_a_reader_cannot_tell_apart():
    assert identical("A film.\nGood.", " A film.  Good. ")
    assert identical("caf\u00e9", "cafe\u0301")  # one letter, or a letter and its accent
    assert not identical("A film.", "a film.")


def test_identical_texts_become_automatic_ties():
    items = [Item("i1", "s", "dense", "wanda"), Item("i2", "s", "dense", "hgla")]
    texts = {("s", "dense"): "Good film.", ("s", "wanda"): "Good  film. ", ("s", "hgla"): "Bad film."}
    asked, same = split_identical(items, texts)
    assert [one.id for one in asked] == ["i2"] and [one.id for one in same] == ["i1"]
    ties = automatic_ties(same, "fairer", 3)
    assert len(ties) == 3
    assert {(one.judge, one.result, one.cluster, one.rank) for one in ties} == {("", "tie", "s", 0)}


def test_an_empty_summary_is_no_tie():
    items = [Item("i1", "s", "dense", "wanda")]
    with pytest.raises(BadInput, match="no summary by wanda of sample s"):
        split_identical(items, {("s", "dense"): "", ("s", "wanda"): " "} | {("s", "dense"): "x"})


def test_names_are_found_as_words():
    names = [*names_of("HuggingFaceTB/SmolLM2-135M-Instruct"), "wanda", *ASSISTANTS]
    assert named("The SMOLLM2 model said", names) == ["SmolLM2"]
    assert named("a wandering film", names) == []
    assert named("Wanda, a fish.", names) == ["wanda"]  # a name in a film too: the lead decides
    assert named("As an AI\nlanguage  model, I", names) == ["as an AI", "language model"]
    assert named("by SmolLM2-135M-Instruct.", names) == ["SmolLM2-135M-Instruct", "SmolLM2"]
    assert named("C++ (a.b)", ["a.b", "axb", "C++"]) == ["a.b", "C++"]  # no pattern is read in a name


def test_short_pieces_are_no_names():
    assert names_of("/data/my-model") == ["/data/my-model", "my-model", "data"]
    assert names_of("t5") == []
