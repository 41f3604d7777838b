"""Plans are balanced, connected and exact by construction, and the seed makes them."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairprune.errors import BadInput
from fairprune.judgments.design import (
    AttentionItem,
    Candidate,
    Item,
    all_pairs,
    allocate,
    balance,
    draw_items,
    draw_samples,
    draw_sentences,
    question_order,
    session,
    swapped,
)

SYSTEMS = ["dense", "wanda", "sparsegpt", "hgla"]


def candidates(**sizes):
    return [Candidate(f"{name}{i}", name) for name, n in sizes.items() for i in range(n)]


def test_a_draw_keeps_the_proportions():
    # 10 of 50 + 30 + 20: 5, 3, 2
    drawn = draw_samples(candidates(balanced=50, fresh=30, rotten=20), 10, 0)
    assert Counter(one.stratum for one in drawn) == {"balanced": 5, "fresh": 3, "rotten": 2}
    # 5 of 3 + 3 + 4: shares 1.5, 1.5, 2.0: one of the first two gets the rest
    counts = [
        Counter(one.stratum for one in draw_samples(candidates(a=3, b=3, c=4), 5, seed)) for seed in range(30)
    ]
    assert all(one["c"] == 2 and {one["a"], one["b"]} == {1, 2} for one in counts)
    assert {one["a"] for one in counts} == {1, 2}  # chance decides, not the alphabet


def test_a_draw_is_the_seeds():
    listed = candidates(a=20, b=20)
    assert draw_samples(listed, 8, 1) == draw_samples(list(reversed(listed)), 8, 1)
    assert draw_samples(listed, 8, 1) != draw_samples(listed, 8, 2)
    assert draw_samples(listed, 40, 1) == sorted(listed, key=lambda one: one.id)


def test_draws_that_cannot_be():
    with pytest.raises(BadInput, match="ask for 1 to 3"):
        draw_samples(candidates(a=3), 4, 0)
    with pytest.raises(BadInput, match="sample 'a0' is given 2 times"):
        draw_samples(candidates(a=1) * 2, 1, 0)


def test_as_many_sentences_of_every_system_in_proportion_to_their_labels():
    found = draw_sentences({"dense": candidates(left=30, none=10), "wanda": candidates(none=12)}, 8, 0)
    assert {name: Counter(one.stratum for one in own) for name, own in found.items()} == {
        "dense": {"left": 6, "none": 2},
        "wanda": {"none": 8},
    }
    with pytest.raises(BadInput, match="13 sentences of each system are asked for, but wanda wrote 12"):
        draw_sentences({"dense": candidates(left=30), "wanda": candidates(none=12)}, 13, 0)
    with pytest.raises(BadInput, match="wanda wrote no sentence"):
        draw_sentences({"dense": candidates(left=30), "wanda": []}, 1, 0)


@settings(max_examples=80, deadline=None)
@given(st.integers(2, 6), st.integers(1, 12), st.integers(0, 5), st.data())
def test_designs_are_balanced_and_connected(systems, samples, seed, data):
    pairs = all_pairs([f"s{i}" for i in range(systems)])
    names = [f"x{i}" for i in range(samples)]
    if len(pairs) * samples < systems - 1:
        return
    n = data.draw(st.integers(systems - 1, len(pairs) * samples))
    items = draw_items(pairs, names, n, seed)
    assert len({(one.sample, one.system_a, one.system_b) for one in items}) == n
    of_pairs = Counter((one.system_a, one.system_b) for one in items)
    of_samples = Counter(one.sample for one in items)
    assert max(of_pairs.values()) - min(of_pairs[pair] for pair in pairs) <= 1
    assert max(of_samples.values()) - min(of_samples[name] for name in names) <= 1
    assert balance(items).connected
    assert len({one.id for one in items}) == n


def test_all_pairs_on_all_samples():
    items = draw_items(all_pairs(SYSTEMS), ["x", "y"], None, 0)
    assert len(items) == 12  # 4 · 3 / 2 pairs on 2 samples
    found = balance(items)
    assert (found.n_items, found.per_pair, found.per_sample, found.per_system) == (12, (2, 2), (6, 6), (6, 6))


def test_items_are_the_seeds_and_their_names_say_nothing():
    pairs = [("wanda", "dense"), ("dense", "hgla")]
    items = draw_items(pairs, ["x", "y", "z"], 4, 1)
    assert items == draw_items(pairs, ["x", "y", "z"], 4, 1) != draw_items(pairs, ["x", "y", "z"], 4, 2)
    assert {(one.system_a, one.system_b) for one in items} == {("dense", "wanda"), ("dense", "hgla")}
    assert all(len(one.id) == 16 and "dense" not in one.id for one in items)


@pytest.mark.parametrize(
    ("pairs", "n", "says"),
    [
        ([("a", "b"), ("c", "d")], 4, "unconnected (a, b; c, d)"),
        ([("a", "b"), ("b", "c")], 1, "ask for 2"),
        ([("a", "b")], 3, "to 2"),
        ([("a", "a")], 1, "compared with itself"),
        ([("a", "b"), ("b", "a")], 2, "pair 'a / b' is given 2 times"),
        ([], 1, "no pair is given"),
    ],
)
def test_designs_that_cannot_be(pairs, n, says):
    with pytest.raises(BadInput) as error:
        draw_items(pairs, ["x", "y"], n, 0)
    assert says in str(error.value)


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 25), st.integers(1, 12), st.integers(0, 5), st.data())
def test_every_item_has_exactly_its_votes(n, judges, seed, data):
    votes = data.draw(st.integers(1, judges))
    items, names = [f"i{i}" for i in range(n)], [f"j{j}" for j in range(judges)]
    plan = allocate(items, names, votes, seed)
    counts = Counter(item for own in plan.values() for item in own)
    assert counts == dict.fromkeys(items, votes)
    assert all(len(set(own)) == len(own) for own in plan.values())
    loads = [len(own) for own in plan.values()]
    assert max(loads) - min(loads) <= 1
    assert plan == allocate(items, names, votes, seed)


def test_more_votes_than_judges():
    with pytest.raises(BadInput, match="3 votes per item cannot come from 2 judges"):
        allocate(["i"], ["a", "b"], 3, 0)
    with pytest.raises(BadInput, match="judge 'a' is given 2 times"):
        allocate(["i"], ["a", "a"], 1, 0)


def test_one_of_every_two_is_swapped_and_judges_differ():
    for judge in ("a", "b", "c"):
        assert all(swapped(0, judge, 2 * i) != swapped(0, judge, 2 * i + 1) for i in range(20))
    seen = {tuple(swapped(0, f"j{j}", p) for p in range(8)) for j in range(200)}
    assert len(seen) == 16  # four coins
    assert swapped(1, "a", 3) == swapped(1, "a", 3)
    share = sum(swapped(7, f"j{j}", 0) for j in range(1000)) / 1000
    assert 0.45 < share < 0.55


def test_questions_are_counterbalanced():
    orders = [question_order(["fairer", "better", "shorter"], index) for index in range(6)]
    for place in range(3):
        assert Counter(order[place] for order in orders) == {"fairer": 2, "better": 2, "shorter": 2}


def test_a_session():
    items = [Item(f"i{i}", f"s{i}", "dense", "wanda") for i in range(8)]
    practice = [Item("p", "sp", "dense", "wanda")]
    attention = [AttentionItem("at1", "full", "cut"), AttentionItem("at2", "full", "cut")]
    plan = session(
        "j",
        1,
        items,
        questions=["fairer", "better"],
        seed=3,
        practice=practice,
        attention=attention,
        repeats=2,
    )
    assert [one.position for one in plan] == list(range(13))
    kinds = [one.kind for one in plan]
    assert kinds[0] == "practice" and kinds.count("attention") == 2 and kinds[-1] == "repeat"
    # of 10 items and repeats a third each: after the third and the seventh
    assert [i for i, kind in enumerate(kinds) if kind == "attention"] == [4, 9]
    assert [one.item for one in plan if one.kind == "item"] == [f"i{i}" for i in range(8)]
    assert all(one.questions == ("better", "fairer") for one in plan)
    first = {one.item: one for one in plan}
    for one in plan:
        if one.kind == "repeat":
            before = first[one.repeat_of]
            assert (one.left, one.right) == (before.right, before.left)
            assert one.position - before.position >= 8
        if one.kind == "attention":
            assert {"left": one.left, "right": one.right}[one.expected[0]] == "full" and len(
                one.expected
            ) == 1
    assert plan == session(
        "j",
        1,
        items,
        questions=["fairer", "better"],
        seed=3,
        practice=practice,
        attention=attention,
        repeats=2,
    )


def test_too_many_repeats():
    with pytest.raises(BadInput, match="2 of 1 items cannot be repeated"):
        session("j", 0, [Item("i", "s", "a", "b")], questions=["fairer"], seed=0, repeats=2)


def test_nothing_left_to_ask():
    with pytest.raises(BadInput, match="there is no item to ask"):
        balance([])
