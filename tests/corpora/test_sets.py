"""The recipe of opinion sets, on small corpora worked by hand and on the real films."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from fairprune import corpora
from fairprune.corpora.sets import group_sizes, opinion_sets
from fairprune.errors import BadInput
from fairprune.opinions import Corpus, CorpusInfo, Opinion


def make(counts: dict[str, dict[str, int]], groups: tuple[str, ...] = ("a", "b")) -> Corpus:
    """A corpus whose test split has `counts[topic][group]` opinions."""
    info = CorpusInfo("small", "Small", groups, "review", "Reviews.", "made up")
    rows = [
        Opinion(f"{topic} {group} {i}", group, topic, source=f"{topic}.{group}.{i}")
        for topic, of_group in counts.items()
        for group, count in of_group.items()
        for i in range(count)
    ]
    return Corpus(info, {"calibration": (), "train": (), "test": tuple(rows)})


PLENTY = {f"t{i}": {"a": 40, "b": 40} for i in range(5)}


@pytest.mark.parametrize(
    ("size", "groups", "skew", "expected"),
    [
        (8, "ab", "", [4, 4]),
        (8, "ab", "a", [6, 2]),
        (8, "ab", "b", [2, 6]),
        (7, "ab", "", [4, 3]),
        (7, "ab", "a", [5, 2]),  # 0.75 × 7 = 5.25
        (10, "ab", "a", [8, 2]),  # 7.5 rounds up
        (3, "ab", "b", [1, 2]),
        (8, "abc", "", [3, 3, 2]),
        (8, "abc", "b", [1, 6, 1]),
        (8, "abcd", "a", [5, 1, 1, 1]),  # 6 would leave a group out
    ],
)
def test_group_sizes(size: int, groups: str, skew: str, expected: list[int]) -> None:
    assert list(group_sizes(tuple(groups), size, skew, 0).values()) == expected


def test_what_does_not_divide_goes_round() -> None:
    # 8 among three: two groups get a third one, in turn: ab, ca, bc → each twice in three sets.
    total = sum((Counter(group_sizes(("a", "b", "c"), 8, "", turn)) for turn in range(3)), Counter())
    assert total == {"a": 8, "b": 8, "c": 8}


@pytest.mark.parametrize(
    ("groups", "size", "compositions", "said"),
    [
        ("abc", 2, "balanced", "cannot hold 3 groups: choose a corpus of at most 2 groups"),
        ("ab", 2, "skewed", "cannot be skewed among 2 groups: choose compositions 'balanced'"),
        ("abc", 3, "mixed", "cannot be skewed among 3 groups: choose compositions 'balanced'"),
        ("ab", 8, "balancd", "unknown composition of sets 'balancd': did you mean 'balanced'"),
    ],
)
def test_sizes_that_cannot_be(groups: str, size: int, compositions: str, said: str) -> None:
    corpus = make({"t": dict.fromkeys(groups, 40)}, tuple(groups))
    with pytest.raises(BadInput, match=said):
        opinion_sets(corpus, "test", 1, size, compositions)  # type: ignore[arg-type]


def test_the_smallest_skewed_set_of_three_groups() -> None:
    sets = opinion_sets(make({"t": dict.fromkeys("abc", 40)}, ("a", "b", "c")), "test", 3, 4, "skewed")
    assert [sorted(s.counts().values()) for s in sets] == [[1, 1, 2]] * 3


def test_mixed_sets() -> None:
    sets = opinion_sets(make(PLENTY), "test", 12)
    assert [s.composition for s in sets] == ["balanced", "skewed:a", "skewed:b"] * 4
    for s in sets:
        share = {"balanced": {"a": 4, "b": 4}, "skewed:a": {"a": 6, "b": 2}, "skewed:b": {"a": 2, "b": 6}}
        assert s.counts() == share[s.composition]
        assert s.opinions[0].group == s.first_group
        assert {opinion.topic for opinion in s.opinions} == {s.topic}
    # Counterbalanced over all sets, and within each composition.
    assert Counter((s.composition, s.first_group) for s in sets) == {
        (composition, group): 2 for composition in ("balanced", "skewed:a", "skewed:b") for group in "ab"
    }


@pytest.mark.parametrize(
    ("compositions", "groups"), [("balanced", "ab"), ("skewed", "ab"), ("skewed", "abc"), ("mixed", "abc")]
)
def test_first_groups_are_counterbalanced_in_each_composition(compositions: str, groups: str) -> None:
    corpus = make({"t": dict.fromkeys(groups, 400)}, tuple(groups))
    cycle = {"balanced": 1, "skewed": len(groups), "mixed": len(groups) + 1}[compositions]
    sets = opinion_sets(corpus, "test", cycle * len(groups), 8, compositions)  # type: ignore[arg-type]
    assert set(Counter((s.composition, s.first_group) for s in sets).values()) == {1}


def test_no_opinion_stands_in_two_sets() -> None:
    sets = opinion_sets(make(PLENTY), "test", None)
    used = [opinion.source for s in sets for opinion in s.opinions]
    assert len(used) == len(set(used))
    assert len({s.id for s in sets}) == len(sets)


def test_topics_take_turns() -> None:
    sets = opinion_sets(make(PLENTY), "test", 15)
    for start in (0, 5, 10):  # each round of five sets has each of the five topics once
        assert {s.topic for s in sets[start : start + 5]} == set(PLENTY)


def test_a_poor_topic_is_passed_over_and_used_where_it_can_be() -> None:
    # 'poor' has 2 of a and 6 of b: only the third composition, skewed:b, fits.
    sets = opinion_sets(make({"poor": {"a": 2, "b": 6}, "rich": {"a": 40, "b": 40}}), "test", 4)
    assert [s.topic for s in sets] == ["rich", "rich", "poor", "rich"]


def test_the_first_sets_do_not_depend_on_how_many_follow() -> None:
    corpus = make(PLENTY)
    everything = opinion_sets(corpus, "test", None, seed=3)
    for n in (1, 7, len(everything)):
        assert opinion_sets(corpus, "test", n, seed=3) == everything[:n]


def test_the_seed_decides() -> None:
    corpus = make(PLENTY)
    assert opinion_sets(corpus, "test", 5, seed=1) == opinion_sets(corpus, "test", 5, seed=1)
    assert opinion_sets(corpus, "test", 5, seed=1) != opinion_sets(corpus, "test", 5, seed=2)


def test_all_that_the_split_gives() -> None:
    # 10 of a and 14 of b in one topic, mixed: 4+4, 6+2 use 10 a; the next needs 2 a, and none is left.
    sets = opinion_sets(make({"t": {"a": 10, "b": 14}}), "test", None)
    assert [s.composition for s in sets] == ["balanced", "skewed:a"]


def test_too_few_opinions_say_who_lacks_and_what_would_be_right() -> None:
    corpus = make({"t": {"a": 10, "b": 14}, "u": {"a": 0, "b": 1}})
    with pytest.raises(BadInput) as error:
        opinion_sets(corpus, "test", 5)
    assert str(error.value) == (
        "the test split of 'small' gives 2 sets of 8 opinions (mixed), but 5 were asked for: "
        "the next one, skewed to b, needs 2 a + 6 b, and no topic has that left "
        "(closest is 't', short of 2 a): ask for fewer sets (at most 2), or another corpus"
    )


def test_none_at_all() -> None:
    with pytest.raises(BadInput, match=r"gives 0 sets of 8 .*short of 4 a and 1 b\): choose another corpus$"):
        opinion_sets(make({"t": {"a": 0, "b": 3}}), "test", None)
    with pytest.raises(BadInput, match="the split is empty: choose another corpus"):
        opinion_sets(make(PLENTY), "train", None)


@pytest.mark.parametrize("n", [0, -1])
def test_fewer_than_one(n: int) -> None:
    with pytest.raises(BadInput, match="ask for at least 1"):
        opinion_sets(make(PLENTY), "test", n)


def test_unknown_split() -> None:
    with pytest.raises(BadInput, match="unknown split 'tests': did you mean 'test'"):
        opinion_sets(make(PLENTY), "tests", 1)  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "at_least"), [("movies", 400), ("products", 150), ("politics", 10)])
def test_real_test_splits_give_enough(name: str, at_least: int, packaged_home: Path) -> None:
    sets = opinion_sets(corpora.load(name), "test", None)
    assert len(sets) >= at_least
    compositions = Counter(s.composition for s in sets)
    assert max(compositions.values()) - min(compositions.values()) <= 1
    used = [opinion.source for s in sets for opinion in s.opinions]
    assert len(used) == len(set(used))
    if name == "movies":  # 60 sets, 60 films
        assert len({s.topic for s in sets[:60]}) == 60
