"""Opinion sets survive a round trip, and their id is their content."""

from __future__ import annotations

from fairprune.opinions import Opinion, OpinionSet, opinion_set_id


def make(*texts: str) -> OpinionSet:
    opinions = tuple(
        Opinion(text, group, "film", str(i), "speaker")
        for i, (text, group) in enumerate(zip(texts, "aab", strict=False))
    )
    return OpinionSet(opinion_set_id("c", "film", opinions), "film", "skewed:a", "a", opinions)


def test_round_trip_and_counts():
    one = make("x", "ÿ 🙂", "<b>")
    assert OpinionSet.from_json(one.to_json()) == one
    assert one.counts() == {"a": 2, "b": 1}


def test_the_id_depends_on_texts_groups_order_topic_and_corpus():
    ids = {make("x", "y", "z").id, make("y", "x", "z").id, make("x", "y", "w").id}
    opinions = make("x", "y", "z").opinions
    ids |= {
        opinion_set_id("d", "film", opinions),
        opinion_set_id("c", "other", opinions),
        opinion_set_id("c", "film", opinions[:2]),
    }
    assert len(ids) == 6
    assert make("x", "y", "z").id == make("x", "y", "z").id
