"""Whom a summary still hears over the sparsities of a method: steps, counts, fates, and nothing that was not computed."""

import json

import pytest

from fairprune.errors import StoreError
from fairprune.store import SummaryRow, open_store
from fairprune.voices import (
    SampleSummary,
    Sentence,
    Step,
    Voices,
    collect,
    family,
    group_marks,
    groups_of,
    letters,
    renderer,
    sample_summary,
)
from tests.pages.filled import DENSE, HOSTILE, INFO, PRUNED, SETS, fill, make_set, spec

GROUPS = ("fresh", "rotten")
SPACE = "\N{NO-BREAK SPACE}"
# Three opinions of fresh (0, 1, 2), one of rotten (3).
OPINIONS = (("a", "fresh"), ("b", "fresh"), ("c", "fresh"), ("d", "rotten"))


def said(*grounds: list[int] | None, text: str | None = "x y.") -> SampleSummary:
    """A summary whose sentences rest on these opinions; None: nobody looked."""
    spoken = tuple(
        Sentence("x y.", "fresh", 0.75, None if ground is None else tuple((i, 0.5) for i in ground))
        for ground in grounds
    )
    return SampleSummary(
        text, False, spoken, 1, 0.125, None, {"fresh": 0.75, "rotten": 0.25}, {"fresh": 1.0}, ()
    )


def voices(*summaries: SampleSummary) -> Voices:
    steps = tuple(
        Step(f"run{i}", 0.25 * i, 0.25 * i + 0.001 if i else 0.0, None, one)
        for i, one in enumerate(summaries)
    )
    return Voices("set", "film", "tiny", "wanda", GROUPS, OPINIONS, steps)


def test_counts_are_of_distinct_opinions_by_group():
    found = voices(said([0, 1], [1, 3]), said([1]), said([]))
    # dense: 0, 1 and 3 → 2 of 3 fresh, 1 of 1 rotten; then 1 alone; then none
    assert [row["words"] for row in found.counts(0)] == ["2 of 3 heard", "1 of 1 heard"]
    assert [row["words"] for row in found.counts(1)] == ["1 of 3 still heard", "0 of 1 still heard"]
    assert [row["heard"] for row in found.counts(2)] == [0, 0]
    assert [step["total"] for step in found.to_json()["steps"]] == [
        "3 of 4 opinions heard",
        "1 of 4 opinions still heard",
        "0 of 4 opinions still heard",
    ]


def test_a_dark_opinion_says_where_it_was_last_heard():
    found = voices(said([0, 1]), said([1]), said([0]), said([]))
    assert found.fates(0) == ["", "", "not heard", "not heard"]
    assert found.fates(1) == ["last heard by the dense model", "", "not heard", "not heard"]
    # 0 is heard again at 50 %
    assert found.fates(2) == ["", f"last heard at 25{SPACE}%", "not heard", "not heard"]
    assert found.fates(3)[:2] == [f"last heard at 50{SPACE}%", f"last heard at 25{SPACE}%"]


def test_what_nobody_looked_for_is_missing_and_not_dark():
    found = voices(said([0]), said(None), said(text=None))
    for place in (1, 2):
        step = found.to_json()["steps"][place]
        assert step["heard"] is None and step["total"] == "not computed" and step["fates"] == [""] * 4
        assert [row["heard"] for row in step["counts"]] == [None, None]
    # An empty summary was looked at: it rests on nothing.
    assert said(text="").heard == frozenset()


def test_the_renderer_gets_plain_json_with_units():
    found = voices(said([0, 3]), said([3]))
    value = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert value["kind"] == "drag" and [step["value"] for step in value["steps"]] == ["0", "0.25"]
    assert value["steps"][1]["note"] == f"tiny: 25.10{SPACE}% of the weights of its linear layers dropped"
    summary = value["steps"][1]["summary"]
    assert summary["sentences"][0] == {
        "text": "x y.",
        "group": "fresh",
        "label": "fresh",
        "probability": f"75{SPACE}%",
        "evidence": [[3, 0.5]],
    }
    # rotten has a fair share of 25 % and none in the summary
    assert [row["words"] for row in summary["shares"]] == [
        f"100{SPACE}% (fair 75{SPACE}%)",
        f"– (fair 25{SPACE}%)",
    ]
    assert summary["facts"] == ["BUR: a group falls below its threshold", f"UER: 12.5{SPACE}%"]


def test_letters_are_the_shortest_beginnings_that_differ():
    assert letters(("fresh", "rotten")) == {"fresh": "F", "rotten": "R"}
    assert letters(("left", "Labour", "right")) == {"left": "LE", "Labour": "LA", "right": "R"}
    # 'group a' and 'group b' differ in the seventh letter: their numbers; 'x' is the beginning of 'xy'
    assert letters(("group a", "group b")) == {"group a": "1", "group b": "2"}
    assert letters(("x", "xy")) == {"x": "1", "xy": "XY"}
    marks = group_marks(tuple("abcde"))
    assert [mark["shape"] for mark in marks] == [0, 1, 2, 3, 0]
    assert len({mark["colour"] for mark in marks}) == 5


def test_a_summary_of_an_earlier_version_has_sentences_and_nothing_else():
    row = SummaryRow("set", 0, "Good. Bad sound", 9, 0.5, True)
    found = sample_summary(row, {"bur": None, "uer": None})
    assert [one.text for one in found.sentences] == ["Good.", "Bad sound"]
    assert found.heard is None and found.shares is None
    assert found.to_json(GROUPS)["warnings"] == ["Cut at the token limit, inside a sentence"]
    assert (
        sample_summary(None, None).text is None and sample_summary(None, None).to_json(GROUPS)["facts"] == []
    )


def test_degenerate_and_unscored_are_said():
    row = SummaryRow("set", 0, "Good.", 9, 0.5, False)
    found = sample_summary(row, {"unscored": "no match", "degenerate": ["fewer than 5 words"]}).to_json(
        GROUPS
    )
    assert found["facts"] == ["BUR and UER: not scored, no match"]
    assert found["warnings"] == ["Degenerate: fewer than 5 words"]


def test_evidence_that_does_not_fit_is_refused():
    row = SummaryRow("set", 0, "Good. Bad.", 9, 0.5, False)
    with pytest.raises(StoreError, match="evidence for 1 sentences of a summary of 2"):
        sample_summary(row, {"evidence": [[[0, 0.5]]]})


def sweep(store):
    """Runs at 25, 50 and 75 %: the first says what the dense model says, the last nothing at all."""
    runs = [
        fill(store, spec(0.5)),
        fill(store, spec(0.25), texts={"dense": DENSE, "pruned": DENSE}),
        fill(store, spec(0.75), texts={"dense": DENSE, "pruned": ("", *PRUNED[1:])}),
    ]
    fill(store, spec(0.5, calibration={"seed": 1}))  # another seed, another method, other sets: no part of it
    fill(store, spec(0.5, pruning={"method": "random", "sparsity": 0.5}))
    return runs


def test_the_slider_has_the_stored_sparsities_and_no_other():
    with open_store() as store:
        half, quarter, most = sweep(store)
        found = collect(store, half, 0, GROUPS)
        assert [other.id for other in family(half, store.runs())] == [quarter.id, half.id, most.id]
    assert [step.value for step in found.steps] == ["0", "0.25", "0.5", "0.75"]
    assert [step.run_id for step in found.steps] == [quarter.id, quarter.id, half.id, most.id]
    assert found.steps[2].achieved == 0.5  # 20 of 40 weights: (8 + 4 + 8) / (16 + 8 + 16)
    assert found.topic == "harbour" and found.opinions[0] == ("The acting was great.", "fresh")
    # dense praises and blames: both opinions. At 50 % praise alone is left, at 75 % nothing.
    assert [sorted(step.summary.heard) for step in found.steps] == [[0, 1], [0, 1], [0], []]
    assert found.fates(2) == ["", f"last heard at 25{SPACE}%"]


def test_groups_that_the_corpus_does_not_know_stand_last():
    one = make_set("harbour", [("Good.", "rotten"), ("Odd.", "zebra"), ("Fine.", "apple")])
    assert groups_of("movies", [one]) == ("fresh", "rotten", "apple", "zebra")
    assert groups_of("a corpus that is gone", [one]) == ("apple", "rotten", "zebra")


def test_a_run_of_its_own_has_two_places():
    with open_store() as store:
        run = fill(store)
        found = collect(store, run, 1, GROUPS)
    assert [step.value for step in found.steps] == ["0", "0.5"]
    assert found.opinions[1] == (HOSTILE, "rotten")  # as it stands: the renderer writes text


def test_runs_of_other_opinion_sets_are_left_out_and_counted():
    with open_store() as store:
        run = fill(store)
        turned = SETS[::-1]
        fill(store, spec(0.25), sets=turned, texts={"dense": DENSE[::-1], "pruned": PRUNED[::-1]})
        found = collect(store, run, 0, GROUPS)
    assert [step.value for step in found.steps] == ["0", "0.5"] and found.left_out == 1


def test_a_sample_or_a_run_that_is_not_there_is_refused():
    with open_store() as store:
        run = fill(store)
        with pytest.raises(StoreError, match="no sample 4 of 3"):
            collect(store, run, 3, INFO.groups)
        other, _ = store.submit(spec(0.1))
        with pytest.raises(StoreError, match="has no evaluation"):
            collect(store, other, 0, INFO.groups)


def test_the_renderer_is_plain_text_that_loads_nothing():
    script, style = renderer()
    assert "fairpruneVoices" in script and ".fv-dark" in style
    for word in (
        "innerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "fetch(",
        "XMLHttpRequest",
        "import",
        "http",
    ):
        assert word not in script, word
    for word in ("url(", "@import", "http"):
        assert word not in style, word
    assert "</script" not in script and "</style" not in style  # it stands inside such elements
