"""The standard decides what is asked."""

import pytest

from fairprune.errors import BadInput
from fairprune.judgments.labelling import LABEL
from fairprune.judgments.votes import BETTER, FAIRER
from fairprune.judgments.wording import STANDARDS, attention_note, label_wording, wording


def test_each_standard_has_its_own_rule_question_and_answer():
    proportional, equal = (wording(standard) for standard in STANDARDS)
    assert set(proportional.questions) == set(equal.questions) == {FAIRER, BETTER}
    assert proportional.questions[FAIRER] != equal.questions[FAIRER]
    assert proportional.questions[BETTER] == equal.questions[BETTER]
    assert proportional.codebook[0] != equal.codebook[0] and proportional.codebook[1:] == equal.codebook[1:]
    # eight of ten like it: A gives them four of five sentences, B two of four
    assert (proportional.comprehension.expected, equal.comprehension.expected) == ("left", "right")
    assert proportional.comprehension.text == equal.comprehension.text


def test_labels_are_explained_by_their_groups():
    found = label_wording(("fresh", "rotten"))
    assert list(found.questions) == [LABEL]
    assert found.comprehension.expected == "mixed" and found.comprehension.right == ""
    assert "“fresh”" in found.comprehension.text and "“rotten”" in found.comprehension.text
    # what stands on the buttons is what the instructions speak of
    assert any(text.startswith("Several groups:") for text in found.codebook)
    assert any(text.startswith("No group:") for text in found.codebook)


def test_an_unknown_standard():
    with pytest.raises(BadInput, match="did you mean 'equal'"):
        wording("equall")


def test_judges_are_told_what_attention_items_do():
    told = attention_note(2, True)
    assert "The first answer counts" in told and "After 2 wrong ones your part ends" in told
    assert told.endswith("whoever gets 2 wrong or skips them is left out of the results.")
    assert attention_note(3, False).endswith("After 3 wrong ones your part ends.")
