"""What a lead asks for: impossible wishes are named, with what would be right."""

import pytest

from fairprune.errors import BadInput
from fairprune.judgments.brief import RATINGS, brief_of, quotas_of, quotas_text
from fairprune.judgments.votes import BETTER, FAIRER

PLAIN = {"title": "Who is heard?", "runs": ("a" * 16,)}


def test_what_is_not_said_has_a_default_and_the_question_of_fairness_is_always_asked():
    one = brief_of(PLAIN)
    assert one.questions == (FAIRER, BETTER) and one.comprehension and one.attention == 2
    assert brief_of({**PLAIN, "better": False}).questions == (FAIRER,)
    assert brief_of(one.model_dump(mode="json")) == one


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"title": ""}, "title cannot be ''"),
        ({"runs": ()}, "runs cannot be"),
        ({"standard": "fair"}, "standard cannot be 'fair'"),
        ({"dense": False}, "compare every two systems"),
        ({"repeats": 13, "items_per_judge": 12}, "13 of 12 items cannot be repeated"),
        ({"attention": 1}, "with 1 attention item nobody can fail 2: ask for at least 2, or for none"),
        ({"quotas": {"left": 0}}, "the quota of group 'left' is 0"),
        ({"ratings": ("loud",)}, "ratings.0 cannot be 'loud'"),
    ],
)
def test_wishes_that_cannot_be(more, told):
    with pytest.raises(BadInput, match=told):
        brief_of({**PLAIN, **more})


def test_labels_begin_with_values_of_their_own_and_prefer_no_system():
    one = brief_of({**PLAIN, "task": "label"})
    assert (one.items_per_judge, one.practice, one.rules.straight_lining) == (30, 3, None)
    assert brief_of({**PLAIN, "task": "label", "practice": 0}).practice == 0
    assert brief_of(one.model_dump(mode="json")) == one
    # nothing is compared, so that the dense model may be left out
    assert not brief_of({**PLAIN, "task": "label", "dense": False}).dense
    claim = {"text": "x", "first": "a", "second": "b"}
    for more in ({"hypotheses": (claim,)}, {"ratings": ("sure",)}):
        with pytest.raises(BadInput, match="labels of sentences prefer no system"):
            brief_of({**PLAIN, "task": "label", **more})


def test_one_attention_item_will_do_where_one_failure_counts():
    assert brief_of({**PLAIN, "attention": 1, "rules": {"attention_failures": 1}}).attention == 1


def test_quotas_as_they_are_typed():
    found = quotas_of(" left-leaning : 20\n\nborn: abroad:3\nother")
    assert found == {"left-leaning": 20, "born: abroad": 3, "other": None}
    assert quotas_of(quotas_text(found)) == found
    with pytest.raises(BadInput, match="named twice"):
        quotas_of("a: 1\na")
    with pytest.raises(BadInput, match="is '-3': write a number"):
        quotas_of("a: -3")


def test_steps_of_ratings_speak_of_no_side():
    for text, steps in RATINGS.values():
        assert len(set(steps)) == 5
        assert not {"A", "B", "left", "right"} & set(text.replace("?", "").split())
