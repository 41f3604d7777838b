"""Group words: which are one token, which are dropped and why, and the control list beside them."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

from fairprune.debias.words import (
    IN_SEVERAL_LISTS,
    NEAREST,
    NO_SINGLE_TOKEN,
    WORD_LISTS,
    control_words,
    load_words,
    not_words,
    single_tokens,
)
from fairprune.errors import BadInput
from fairprune.tokens import TextTokenizer


@pytest.fixture
def tiny(tiny_folder):
    return TextTokenizer.from_folder(tiny_folder)


def test_lists_by_name():
    for name in WORD_LISTS:
        assert all(words for words in load_words(name).values())
    assert list(load_words("gender")) == ["women", "men"]
    with pytest.raises(BadInput, match="unknown word list 'genders': did you mean 'gender'"):
        load_words("genders")


def test_words_are_counted_per_tokenizer(tiny):
    words = single_tokens(
        tiny, {"for": ["good", "great", "good", "acting"], "against": ["bad", "poor", "appalling"]}
    )
    vocabulary = tiny.tokenizer.get_vocab()
    assert words.ids == {
        "for": tuple(vocabulary[word] for word in ("good", "great", "acting")),
        "against": tuple(vocabulary[word] for word in ("bad", "poor")),
    }
    assert words.texts == {vocabulary[word]: word for word in ("good", "great", "acting", "bad", "poor")}
    assert words.dropped == {NO_SINGLE_TOKEN: ("appalling",), IN_SEVERAL_LISTS: ()}
    assert words.all_ids == (*words.ids["for"], *words.ids["against"])
    assert words.sentence() == "5 words (for 3, against 2); dropped: 1 no single token"


def test_a_word_in_two_groups_counts_in_none(tiny):
    words = single_tokens(tiny, {"a": ["good", "great", "movie"], "b": ["movie", "bad", "poor"]})
    assert "movie" not in words.texts.values()
    assert words.dropped == {NO_SINGLE_TOKEN: (), IN_SEVERAL_LISTS: ("movie",)}
    assert [len(ids) for ids in words.ids.values()] == [2, 2]


def test_our_lists_with_a_tokenizer_of_few_words(tiny):
    words = single_tokens(tiny, load_words("sentiment"))
    assert {"good", "great", "love"} <= set(words.texts.values())
    assert {"bad", "poor", "hate"} <= set(words.texts.values())
    assert len(words.dropped[NO_SINGLE_TOKEN]) == 60 - len(words.texts)
    for name in ("gender", "stance"):
        with pytest.raises(
            BadInput,
            match=r"too few words are one token .*'\w+' has \d, at least 2 .*are several tokens \(\w+, .* …\)",
        ):
            single_tokens(tiny, load_words(name))


def test_too_few_words_are_refused_with_what_became_of_them(tiny):
    with pytest.raises(BadInput) as error:
        single_tokens(tiny, {"a": ["good", "great"], "b": ["good", "bad", "appalling"]})
    assert str(error.value) == (
        "too few words are one token of this tokenizer and in one group only: 'a' has 1, 'b' has 1, at least 2 are "
        "needed. 1 are several tokens (appalling), 1 stand in several groups (good): use short, common words"
    )
    assert single_tokens(tiny, {"a": ["good"], "b": ["bad"]}, at_least=1).all_ids
    with pytest.raises(BadInput, match="there is no group, at least 2 are needed"):
        single_tokens(tiny, {})
    with pytest.raises(BadInput, match="'a' has 0"):
        single_tokens(tiny, {"a": ["", "two words"]})


def test_the_token_of_unknown_words_is_no_word():
    """A tokenizer of whole words gives one token for any word that it does not know."""
    tokenizer = Tokenizer(models.WordLevel({"<unk>": 0, "a": 1, "good": 2, "bad": 3}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    words = single_tokens(
        TextTokenizer(tokenizer, None, {"unk_token": "<unk>"}, ()),
        {"for": ["good", "splendid"], "against": ["bad", "dire"]},
        at_least=1,
    )
    assert words.ids == {"for": (2,), "against": (3,)}
    assert words.dropped[NO_SINGLE_TOKEN] == ("splendid", "dire")


def test_the_space_before_a_word_is_the_tokenizers_own():
    """Tokenizers of the SentencePiece kind mark the space themselves; ' good' alone would be two tokens of theirs."""
    vocabulary = {"<unk>": 0, "▁": 1, "▁a": 2, "▁good": 3, "▁bad": 4, "good": 5}
    tokenizer = Tokenizer(models.Unigram([(token, -float(i)) for token, i in vocabulary.items()], unk_id=0))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    words = single_tokens(
        TextTokenizer(tokenizer, None, {}, ()), {"for": ["good"], "against": ["bad"]}, at_least=1
    )
    assert words.ids == {"for": (3,), "against": (4,)}


def test_spellings_that_a_tokenizer_folds_are_one_word():
    tokenizer = Tokenizer(models.WordLevel({"<unk>": 0, "a": 1, "rose": 2, "mark": 3}, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    folding = TextTokenizer(tokenizer, None, {}, ())
    words = single_tokens(folding, {"a": ["Rose", "rose"], "b": ["Mark"]}, at_least=1)
    assert words.ids == {"a": (2,), "b": (3,)}
    with pytest.raises(BadInput, match=r"2 stand in several groups \(Rose, rose\)"):
        single_tokens(folding, {"a": ["Rose"], "b": ["rose"]}, at_least=1)


# ---- control list


FREQUENCIES = Counter({token: 1 + 5000 // (1 + token) for token in range(1000)})


def test_a_control_list_is_as_long_as_frequent_and_of_other_words():
    ids = [3, 17, 40, 90, 200, 333, 500]
    excluded = {4, 5, 41}
    found = control_words(ids, FREQUENCIES, excluded, seed=0)
    assert len(found) == len(set(found)) == len(ids)
    assert not set(found) & ({*ids} | excluded)
    for token, other in zip(ids, found, strict=True):
        # At most as far away in rank as there are candidates, the words taken in between and those excluded.
        assert (
            abs(token - other) <= NEAREST + len(ids) + len(excluded)
            or FREQUENCIES[token] == FREQUENCIES[other]
        )
    logs = [math.log(FREQUENCIES[i]) for i in ids], [math.log(FREQUENCIES[i]) for i in found]
    assert sum(logs[0]) / 7 == pytest.approx(sum(logs[1]) / 7, abs=0.25)


def test_a_control_list_is_drawn_by_its_seed():
    ids = [100, 200, 300, 400]
    assert control_words(ids, FREQUENCIES, (), 1) == control_words(ids, FREQUENCIES, (), 1)
    assert len({control_words(ids, FREQUENCIES, (), seed) for seed in range(20)}) > 15
    # In the order of the words, whatever their order is.
    forwards = dict(zip(ids, control_words(ids, FREQUENCIES, (), 1), strict=True))
    backwards = dict(zip(ids[::-1], control_words(ids[::-1], FREQUENCIES, (), 1), strict=True))
    assert forwards == backwards


def test_tokens_that_do_not_occur_are_no_control():
    frequencies = {1: 10, 2: 10, 3: 0, 4: 9}
    assert control_words([1], frequencies, (), 0)[0] in (2, 4)
    assert set(control_words([1, 3], frequencies, (), 0)) == {2, 4}
    with pytest.raises(BadInput, match="the texts hold 1 other word, too few for a control list of 2"):
        control_words([1, 3], frequencies, {2}, 0)


def test_a_control_word_is_a_word(tiny):
    ids = np.array([tiny.encode("a good movie , appalling and bad 17 %")])
    texts = {token: tiny.decode([token]).strip() for token in ids[0].tolist()}
    found = not_words(tiny, ids)
    for token, text in texts.items():
        assert (token in found) == (text not in ("good", "movie", "and", "bad")), (text, found)


def test_a_piece_of_words_is_told_by_what_follows_it():
    """' un' is letters after a space, and in most places the beginning of a longer word."""
    vocabulary = {"[UNK]": 0, "▁a": 1, "▁un": 2, "fair": 3, "▁fair": 4, "▁it": 5, "'s": 6, "▁is": 7}
    model = models.Unigram([(piece, -1.0) for piece in vocabulary], unk_id=0)
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    own = TextTokenizer(tokenizer, None, {}, ())
    assert not_words(own, np.array([[2, 3, 2, 3, 4, 5, 6, 5, 7]])) >= {2, 3, 6}
    assert not not_words(own, np.array([[2, 4, 2, 4, 5, 6, 5, 7, 4]])) & {2, 4, 5, 7}


def test_control_words_are_as_frequent_as_can_be():
    frequencies = {1: 200, 2: 190, 3: 230, 4: 100, 5: 90, 6: 30, 7: 29}
    for seed in range(10):
        # 200 has two within a fifth; of 30 the nearest is 29, and nothing else is.
        assert control_words([1, 6], frequencies, (), seed)[0] in (2, 3)
        assert control_words([1, 6], frequencies, (), seed)[1] == 7
        assert control_words([4], {4: 100, 1: 200, 6: 30}, (), seed) == (1,)  # twice is nearer than a third
