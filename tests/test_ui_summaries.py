"""A sample's summaries: numbered sentences with what they rest on, marked opinions, choices, everything escaped."""

import pytest

from fairprune.ui import fairness, markup
from fairprune.ui.summaries import MOST_SENTENCES, column, sentence_choices
from tests.pages.filled import HOSTILE

SPACE = "\N{NO-BREAK SPACE}"
GROUPS = ("fresh", "rotten")
LABELS = [["Good <b>plot</b>.", "fresh", 0.9], ["Bad sound.", "none", 0.5]]
EVIDENCE = [[[1, 0.71], [4, 0.55]], []]


@pytest.mark.parametrize(
    ("ground", "words"),
    [
        ([], "rests on no opinion"),
        ([[1, 0.714]], "rests on opinion 2 (0.71)"),
        ([[1, 0.7], [4, 0.5]], "rests on opinions 2 (0.70) and 5 (0.50)"),
        ([[1, 0.7], [4, 0.6], [0, 0.5]], "rests on opinions 2 (0.70), 5 (0.60) and 1 (0.50)"),
    ],
)
def test_what_a_sentence_rests_on_in_words(ground, words):
    assert markup.rests_on(ground) == words


def test_sentences_are_numbered_and_escaped_and_say_what_they_rest_on():
    text = markup.summary_sentences(LABELS, GROUPS, EVIDENCE, chosen=1)
    first, second = text.split('<div class="fp-opinion')[1:]
    assert '<span class="fp-number">1</span>Good &lt;b&gt;plot&lt;/b&gt;.' in first
    assert f"fresh 90{SPACE}%" in first and "rests on opinions 2 (0.71) and 5 (0.55)" in first
    assert f"no group 50{SPACE}%" in second and "rests on no opinion" in second
    assert second.startswith(" fp-marked") and not first.startswith(" fp-marked")


def test_sentences_without_evidence_or_label_say_nothing_of_it():
    assert "rests on" not in markup.summary_sentences(LABELS, GROUPS)
    text = markup.summary_sentences([["Good.", None, None]], GROUPS, [[]])
    assert "fp-tag" not in text and "rests on no opinion" in text


def test_opinions_of_a_chosen_sentence_are_marked_with_their_score():
    rows = [("Fine.", "fresh"), (HOSTILE, "rotten"), ("Dull.", "rotten")]
    text = markup.opinions(rows, GROUPS, [[1, 0.626]])
    assert "fp-chosen" in text and "<img" not in text
    parts = text.split('<div class="fp-opinion')[2:]  # the first is the frame around all
    assert [part.startswith(" fp-marked") for part in parts] == [False, True, False]
    assert "similarity 0.63" in parts[1] and "&lt;img" in parts[1]
    assert [f'<span class="fp-number">{i}</span>' in part for i, part in enumerate(parts, 1)] == [True] * 3
    # a sentence that rests on none: all stand back; no sentence chosen: none does
    assert "fp-chosen" in markup.opinions(rows, GROUPS, [])
    plain = markup.opinions(rows, GROUPS)
    assert "fp-chosen" not in plain and "fp-marked" not in plain


def test_choices_belong_to_their_sample():
    sample = {"dense": {"evidence": EVIDENCE}, "pruned": {"evidence": [[]]}}
    assert sentence_choices(sample, 2) == {
        "3.dense.1": ("dense", 0),
        "3.dense.2": ("dense", 1),
        "3.pruned.1": ("pruned", 0),
    }
    assert sentence_choices({"dense": {"evidence": None}, "pruned": None}, 0) == {}
    assert sentence_choices({"dense": {}}, 0) == {}  # a run of an earlier version
    many = sentence_choices({"dense": {"evidence": [[]] * 1000}}, 0)
    assert len(many) == MOST_SENTENCES


SAMPLE = {
    "labels": [],
    "evidence": [[[0, 0.8]]],
    "unscored": "no match",
    "spd2": None,
    "words": 2,
    "rouge_l": 0.5,
    "degenerate": [],
    "p_x": {"fresh": 1.0},
    "p_y": None,
}


def test_evidence_is_shown_without_a_classifier():
    text = column("dense", "Good <i>plot</i>.", SAMPLE, GROUPS, None)
    assert "Good &lt;i&gt;plot&lt;/i&gt;." in text and "rests on opinion 1 (0.80)" in text
    old = {key: value for key, value in SAMPLE.items() if key != "evidence"}
    assert "rests on" not in column("dense", "Good plot.", old, GROUPS, None)


REPORT = {
    "source": "all-MiniLM",
    "n_train": 400,
    "n_folds": 2,
    "n_units": 2,
    "held_out_by": "topic",
    "none_share": 0.25,
}


def test_how_the_classifier_was_tested():
    assert fairness.label_facts(REPORT) == [
        "all-MiniLM",
        "trained on 400 opinions; each tested once, by a model that has not seen its topic (2 topics in 2 parts)",
        f"25.0{SPACE}% are left without a group because no group is likely enough",
    ]
    assert "not trained here" in fairness.label_facts({**REPORT, "n_train": 0})[1]
    old = {"n_train": 300, "held_out_by": "speaker", "none_share": 0.25}  # a run of an earlier version
    assert len(fairness.label_facts(old)) == 2
    assert fairness.untested({"reason": "too few"}) == "SPD2 is missing: too few."
    assert fairness.untested({"source": "own groups", "reason": "x"}) == "own groups: not tested: x."


def test_the_calibration_error_stands_beside_what_chance_gives():
    found = {
        "ece": 0.05,
        "low": 0.02,
        "high": 0.09,
        "by": "topic",
        "calibrated": 0.035,
        "calibrated_high": 0.06,
    }
    note = fairness.reliability_note(found)
    assert f"error 5.0{SPACE}% (95 %: 2.0{SPACE}% to 9.0{SPACE}%, bootstrap over topics)" in note
    assert f"would show 3.5{SPACE}%" in note and f"at most 6.0{SPACE}%" in note


def test_quality_names_the_encoder():
    assert fairness.bertscore_title("bertscore_minilm")[0] == "BERTScore (minilm)"
    cells = {
        s: {"value": 0.5, "low": None, "high": None, "n": 1, "n_unscored": 0} for s in ("dense", "pruned")
    }
    cells["difference"] = {**cells["dense"], "value": 0.0}
    text = fairness.quality_table({"bertscore_<x>": cells, "copied": cells})
    assert "BERTScore (&lt;x&gt;)" in text and "Copied" in text
