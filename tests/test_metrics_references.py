"""Reference extracts: what they are made of, how long they are, that nothing but seed and set decides."""

import pytest

from fairprune.errors import BadInput
from fairprune.metrics.references import (
    extracts,
    first_opinions,
    one_group_extract,
    oracle_extract,
    permuted_groups,
    random_pieces,
    text_of,
)
from fairprune.opinions import Opinion, OpinionSet

GROUPS = ("a", "b")


def opinion_set(*rows, name="s"):
    return OpinionSet(
        name, "t", "balanced", rows[0][1], tuple(Opinion(text, group, "t") for text, group in rows)
    )


# a: 18 words, b: 6 words
SET = opinion_set(
    ("One two three. Four five six.", "a"),
    ("Seven eight nine. Ten eleven twelve.", "a"),
    ("Ex why zed. Ex why zed.", "b"),
    ("Thirteen fourteen fifteen. Sixteen seventeen eighteen.", "a"),
)


def n_words(extract):
    return len((text_of(extract) or "").split())


def test_the_oracle_gives_each_group_its_share():
    # 12 words: 12 · 18/24 = 9 of a, 3 of b
    found = oracle_extract(SET, 12, 0)
    of_b = [piece for piece in found if piece.sentence.startswith("Ex")]
    assert (n_words(found), n_words(tuple(of_b))) == (12, 3)
    # 6 words: 4.5 and 1.5: the half word goes to the first of equal remainders; the last sentence is cut
    found = oracle_extract(SET, 6, 0)
    of_b = [piece for piece in found if piece.sentence.startswith("Ex")]
    assert (n_words(found), n_words(tuple(of_b))) == (6, 1)
    assert of_b[0].text == "Ex"


def test_one_group_is_always_the_first_that_there_is():
    found = one_group_extract(SET, 9, 0, GROUPS)
    assert n_words(found) == 9
    assert not any("Ex" in piece.text for piece in found)
    only_b = opinion_set(("Ex why zed.", "b"))
    assert text_of(one_group_extract(only_b, 9, 0, GROUPS)) == "Ex why zed."
    # no more than the group has said
    assert n_words(one_group_extract(SET, 100, 0, ("b", "a"))) == 6


def test_the_first_opinions_stand_in_their_order():
    assert text_of(first_opinions(SET, 6, 0)) == "One two three. Four five six."
    assert text_of(first_opinions(SET, 2, 0)) == "One two"


def test_pieces_know_their_sentence():
    (piece,) = first_opinions(SET, 2, 0)
    assert (piece.text, piece.sentence) == ("One two", "One two three.")


def test_permuted_groups_keep_their_number():
    found = [permuted_groups(SET, seed) for seed in range(8)]
    assert all(one.counts() == SET.counts() for one in found)
    assert all([o.text for o in one.opinions] == [o.text for o in SET.opinions] for one in found)
    assert len({tuple(o.group for o in one.opinions) for one in found}) > 1
    assert permuted_groups(SET, 3) == permuted_groups(SET, 3)


@pytest.mark.parametrize("name", ["random", "oracle", "one_group", "first"])
def test_seed_set_and_length_decide(name):
    twin = OpinionSet(
        "other", *(getattr(SET, key) for key in ("topic", "composition", "first_group", "opinions"))
    )
    once = extracts(name, [SET, twin], ["x y z"] * 2, 0, GROUPS)
    again = extracts(name, [twin, SET], ["u v w"] * 2, 0, GROUPS)
    assert once == again[::-1]
    assert all(n_words(extract) == 3 for extract in once)


def test_where_there_is_no_text_there_is_no_extract():
    assert extracts("random", [SET] * 3, [None, "", "  "], 0, GROUPS) == [None] * 3
    silent = opinion_set(("", "a"))
    for name in ("random", "oracle", "one_group", "first"):
        assert extracts(name, [silent], ["x"], 0, GROUPS) == [()]
    assert text_of(()) is None


@pytest.mark.parametrize("draw", [random_pieces, oracle_extract, first_opinions])
def test_without_a_length(draw):
    with pytest.raises(BadInput, match="0 words"):
        draw(SET, 0, 0)
