"""A sample's summaries: numbered sentences with what they rest on, the marks of their methods, choices, everything escaped."""

import re

import pytest

from fairprune.charts import METHOD_MARKS
from fairprune.store import open_store
from fairprune.ui import fairness, labelling, markup
from fairprune.ui.summaries import (
    OWN_DENSE,
    OWN_METRICS,
    column,
    compare_view,
    fitting,
    heard_text,
    order_of,
    read_run,
)
from fairprune.voices import renderer
from tests.pages.filled import DENSE, PRUNED, SETS, fill, spec

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
    text = markup.summary_sentences(LABELS, GROUPS, EVIDENCE)
    first, second = text.split('<div class="fp-opinion')[1:]
    assert '<span class="fp-number">1</span>Good &lt;b&gt;plot&lt;/b&gt;.' in first
    assert f"fresh 90{SPACE}%" in first and "rests on opinions 2 (0.71) and 5 (0.55)" in first
    assert f"no group 50{SPACE}%" in second and "rests on no opinion" in second


def test_sentences_without_evidence_or_label_say_nothing_of_it():
    assert "rests on" not in markup.summary_sentences(LABELS, GROUPS)
    text = markup.summary_sentences([["Good.", None, None]], GROUPS, [[]])
    assert "fp-tag" not in text and "rests on no opinion" in text


def sample(before, after, heard=(None, None)):
    """UER of dense and pruned, and how many opinions each rests on."""
    grounds = [None if n is None else [[[i, 0.5]] for i in range(n)] for n in heard]
    return {
        "dense": {"uer": before, "evidence": grounds[0]},
        "pruned": {"uer": after, "evidence": grounds[1]},
    }


def test_orders_of_samples():
    samples = [
        sample(0.1, 0.2, (2, 2)),
        sample(None, 0.5),
        sample(0.5, 0.2, (3, 1)),
        sample(0.2, 0.4, (1, 2)),
    ]
    # changes +0.1, none, −0.3, +0.2; opinions lost 0, unknown, 2, −1
    assert order_of(samples, [0, 1, 2, 3], "drawn") == [0, 1, 2, 3]
    assert order_of(samples, [0, 1, 2, 3], "change") == [2, 3, 0, 1]
    assert order_of(samples, [0, 1, 2, 3], "loss") == [3, 0, 2, 1]
    assert order_of(samples, [0, 1, 2, 3], "lost") == [2, 0, 3, 1]
    assert order_of(samples, [3, 1], "change") == [3, 1]  # what the filter leaves
    assert [heard_text(one) for one in samples[1:3]] == ["– → – heard", "3 → 1 heard"]


def test_runs_of_other_opinion_sets_do_not_fit_and_say_why():
    with open_store() as store:
        run, same = fill(store), fill(store, spec(0.25))
        turned = fill(store, spec(0.1), sets=SETS[::-1], texts={"dense": DENSE[::-1], "pruned": PRUNED[::-1]})
        other = fill(store, spec(0.5, evaluation={"samples": 3, "corpus": "products"}))
        waiting, _ = store.submit(spec(0.7))
        found, reasons = fitting(store, run, store.runs())
    assert [one.id for one in found] == [same.id]
    assert reasons == {
        turned.id: "it summarises other opinion sets of movies: 3 of 8 opinions, mixed, seed 0",
        other.id: "it summarises products, this run movies",
        waiting.id: "it has no summaries yet",
    }


def test_what_is_drawn_of_three_runs():
    with open_store() as store:
        run = fill(store)
        more = [fill(store, spec(0.25)), fill(store, spec(0.75, metrics={"tau": "0.6"}))]
        shown = [read_run(store, one) for one in (run, *more)]
    view = compare_view(shown, 0, SETS[0], GROUPS, changes=True)
    assert [system["key"] for system in view["systems"]] == ["dense", "pruned", "pruned2", "pruned3"]
    # as in the charts: the same method has the same mark, and the title tells the runs apart
    assert [system["mark"] for system in view["systems"]] == ["circle", "square", "square", "square"]
    assert [system["colour"] for system in view["systems"]][:2] == [
        "#738091",
        METHOD_MARKS["magnitude"].colour,
    ]
    assert [system["title"] for system in view["systems"]][1:] == [
        "magnitude 50 %",
        "magnitude 25 %",
        "magnitude 75 %",
    ]
    first, second, third = view["systems"][1:]
    # each run of this store has a dense generation of its own
    assert (
        OWN_DENSE not in first["notes"]
        and OWN_DENSE in second["notes"]
        and OWN_METRICS not in second["notes"]
    )
    assert OWN_METRICS in third["notes"]
    assert first["notes"][0].endswith(f"seed 0; 50.00{SPACE}% of the weights dropped")
    assert [sentence["id"] for sentence in view["systems"][0]["summary"]["sentences"]] == ["1.dense.1"]
    # 'great, the story was boring.' became 'great.'
    assert first["summary"]["sentences"][0]["changes"] == [
        ("=", "The acting was "),
        ("-", "great, the story was boring. "),
        ("+", "great. "),
    ]
    assert view["systems"][0]["changes"] is None and first["changes"][0]["name"] == "BUR"
    plain = compare_view(shown, 0, SETS[0], GROUPS, changes=False)
    assert "changes" not in plain["systems"][1]["summary"]["sentences"][0]
    # the third sample: an empty dense summary, no pruned one
    last = compare_view(shown[:1], 2, SETS[2], GROUPS, changes=True)["systems"]
    assert last[0]["summary"]["text"] == "" and last[1]["summary"]["text"] is None
    assert "No words to compare: a summary is missing or empty." in last[1]["notes"]


def test_a_run_with_a_name_of_its_own_still_says_its_method():
    with open_store() as store:
        run = fill(store)
        store.describe(run.id, name="For the talk")
        shown = read_run(store, store.run(run.id))
    pruned = compare_view([shown], 0, SETS[0], GROUPS, changes=False)["systems"][1]
    assert pruned["title"] == "For the talk" and pruned["notes"][0].startswith("magnitude 50 %, model, ")


def test_the_style_sheet_knows_the_mark_of_every_method():
    _, style = renderer()
    for mark in METHOD_MARKS.values():
        drawn = re.search(rf"\.fv-mark-{mark.symbol} \{{\s*(--fv-mark: polygon|border-radius)", style)
        assert drawn or mark.symbol == "circle", mark.symbol


def test_a_run_without_summaries_is_not_read():
    with open_store() as store:
        run, _ = store.submit(spec())
        assert read_run(store, run) is None


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
    text = column("dense", "Good <i>plot</i>.", SAMPLE, GROUPS)
    assert "Good &lt;i&gt;plot&lt;/i&gt;." in text and "rests on opinion 1 (0.80)" in text
    old = {key: value for key, value in SAMPLE.items() if key != "evidence"}
    assert "rests on" not in column("dense", "Good plot.", old, GROUPS)


REPORT = {
    "source": "all-MiniLM",
    "n_train": 400,
    "n_folds": 2,
    "n_units": 2,
    "held_out_by": "topic",
    "none_share": 0.25,
}


def test_how_the_classifier_was_tested():
    assert labelling.label_facts(REPORT) == [
        "all-MiniLM",
        "trained on 400 opinions; each tested once, by a model that has not seen its topic (2 topics in 2 parts)",
        f"25.0{SPACE}% are left without a group because no group is likely enough",
    ]
    assert "not trained here" in labelling.label_facts({**REPORT, "n_train": 0})[1]
    old = {"n_train": 300, "held_out_by": "speaker", "none_share": 0.25}  # a run of an earlier version
    assert len(labelling.label_facts(old)) == 2
    assert labelling.untested({"reason": "too few"}) == "SPD2 is missing: too few."
    assert labelling.untested({"source": "own groups", "reason": "x"}) == "own groups: not tested: x."


def test_the_calibration_error_stands_beside_what_chance_gives():
    found = {
        "ece": 0.05,
        "low": 0.02,
        "high": 0.09,
        "by": "topic",
        "calibrated": 0.035,
        "calibrated_high": 0.06,
    }
    note = labelling.reliability_note(found)
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
