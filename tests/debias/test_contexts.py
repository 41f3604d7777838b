"""Contexts of words: which windows are taken, and that what is trained on is never measured."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing

from fairprune.debias.contexts import RUN, check_apart, choose_windows, word_contexts
from fairprune.errors import BadInput
from fairprune.opinions import Corpus, CorpusInfo, Opinion
from fairprune.tokens import TextTokenizer


@pytest.fixture
def tokenizer(tiny_folder):
    return TextTokenizer.from_folder(tiny_folder)


def corpus_of(**texts):
    info = CorpusInfo("own", "Own", ("good", "bad"), "review", "Reviews about a movie.", "written for tests")
    splits = {
        split: tuple(
            Opinion(text, "good", split, f"{split}-{i}") for i, text in enumerate(texts.get(split, ()))
        )
        for split in ("calibration", "train", "test")
    }
    return Corpus(info, splits)


def test_windows_hold_the_words_and_nothing_is_padded(tokenizer, toy_corpus):
    good, funny = (tokenizer.encode(word)[0] for word in ("great", "funny"))
    found = word_contexts(tokenizer, toy_corpus, "test", [good, funny], tokens=16, windows=5)
    stream = sum(len(tokenizer.encode(opinion.text)) for opinion in toy_corpus.splits["test"])
    assert found.offered == stream // 16
    assert found.ids.shape == (5, 16) and found.ids.dtype == np.int32
    assert found.found == np.isin(found.ids[:, 1:], [good, funny]).sum() > 5
    assert found.note.startswith(f"5 windows of 16 tokens, chosen from {found.offered} because")
    again = word_contexts(tokenizer, toy_corpus, "test", [good, funny], tokens=16, windows=5)
    assert (again.ids == found.ids).all()
    other = word_contexts(tokenizer, toy_corpus, "test", [good, funny], tokens=16, windows=5, seed=1)
    assert (other.ids != found.ids).any()


def test_a_text_of_the_calibration_split_is_in_no_other(tokenizer):
    shared = "the plot was very bad and the acting was dull ."
    corpus = corpus_of(test=[shared] * 4 + ["great movie ."] * 30, calibration=[shared] * 9)
    dull = tokenizer.encode("dull")[0]
    test = word_contexts(tokenizer, corpus, "test", [dull], tokens=8, windows=99)
    assert not (test.ids == dull).any() and len(test.ids) == 30 * 3 // 8
    calibration = word_contexts(tokenizer, corpus, "calibration", [dull], tokens=8, windows=99)
    assert (calibration.ids == dull).sum() >= 8
    check_apart(calibration.ids, test.ids)


def test_every_window_begins_with_bos_where_there_is_one(tiny_folder, tmp_path, toy_corpus):
    folder = shutil.copytree(tiny_folder, tmp_path / "with-bos")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    bos = tokenizer.token_to_id("<|user|>")
    tokenizer.post_processor = TemplateProcessing(single="<|user|> $A", special_tokens=[("<|user|>", bos)])
    tokenizer.save(str(folder / "tokenizer.json"))
    found = word_contexts(TextTokenizer.from_folder(folder), toy_corpus, "test", [210], tokens=9, windows=4)
    assert (found.ids[:, 0] == bos).all() and not (found.ids[:, 1:] == bos).any()


def window(*words, length=60):
    """A window in which these words stand, after a first token that is nobody's label."""
    return [1, *words, *[0] * (length - 1 - len(words))]


def test_windows_are_taken_until_words_have_enough():
    ids = np.array(
        [window(*[1] * 25), window(*[1] * 25), window(*[2] * 6), window(*[2] * 7, 3), window(3, 3, 3)],
        np.int32,
    )
    # The first window adds 25 of word 1, of which the second can add 5 more still: 7 and then 6 of word 2 are worth more.
    # Word 3 stands in four places and cannot reach ten.
    assert choose_windows(ids, [1, 2, 3], 1).tolist() == [0]  # the earliest at a tie
    assert choose_windows(ids, [1, 2, 3], 2).tolist() == [0, 3]
    assert choose_windows(ids, [1, 2, 3], 3).tolist() == [0, 2, 3]
    assert choose_windows(ids, [1, 2, 3], 4).tolist() == [0, 1, 2, 3]
    assert choose_windows(ids, [1, 2, 3], 99).tolist() == [0, 1, 2, 3, 4]
    # Where no word can have enough, most of any; where none is asked for, the first windows.
    assert choose_windows(ids, [3], 1).tolist() == [4]
    assert choose_windows(ids, [], 2).tolist() == [0, 1]


def test_too_little_text_is_refused(tokenizer):
    with pytest.raises(BadInput, match="the test split of 'own' has 3 tokens, too few for one window of 8"):
        word_contexts(tokenizer, corpus_of(test=["great movie ."]), "test", [1], tokens=8, windows=2)
    with pytest.raises(BadInput, match="the test split of 'own' has 0 tokens"):
        word_contexts(
            tokenizer, corpus_of(test=["a ."], calibration=["a ."]), "test", [1], tokens=8, windows=2
        )


def test_what_another_corpus_trains_on_is_not_measured(tokenizer):
    shared, own = "great movie with great acting .", "dull movie with bad acting ."
    corpus = corpus_of(test=[shared, own], calibration=["nothing ."])
    trained = corpus_of(test=["nothing ."], calibration=[shared])
    asked = {"tokens": 6, "windows": 4}
    alone = word_contexts(tokenizer, corpus, "test", [1], **asked)
    apart = word_contexts(tokenizer, corpus, "test", [1], **asked, also=trained)
    great = tokenizer.encode("so great")[-1]
    assert great in alone.ids and great not in apart.ids


def test_windows_that_share_a_run_of_tokens_are_not_apart():
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 1000, (4, 64)), rng.integers(0, 1000, (3, 48))
    check_apart(one, other)
    other[1, 5 : 5 + RUN - 1] = one[2, 20 : 20 + RUN - 1]
    check_apart(one, other)  # one token fewer than a run
    other[1, 5 : 5 + RUN] = one[2, 20 : 20 + RUN]
    with pytest.raises(BadInput, match=f"1 run of {RUN} tokens stand in the training windows"):
        check_apart(one, other)
    with pytest.raises(BadInput, match="1 run of 8 tokens"):
        check_apart(np.arange(8)[None], np.arange(8)[None])
