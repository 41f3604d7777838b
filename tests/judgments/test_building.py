"""From a brief to a study: what is drawn, what it comes to, what is promised (facts, registering), and that the store takes it as it is."""

import hashlib

import pytest

from fairprune.errors import BadInput
from fairprune.judgments.brief import brief_of
from fairprune.judgments.building import build, save, simulate_power
from fairprune.judgments.facts import assumptions_of, brief_in, facts_of, power_in
from fairprune.judgments.frozen import promised
from fairprune.judgments.material import material_of
from fairprune.judgments.registering import open_registered, registered
from fairprune.judgments.stored import votes_of
from fairprune.judgments.votes import outcomes
from fairprune.store import open_store
from fairprune.store.judgments_values import Ended, Refused
from tests.judged import entered
from tests.pages.filled import MANY, fill, spec

SETS = MANY[:8]


def texts(word: str):
    return {
        "dense": [f"Dense sees the film number {i}." for i in range(8)],
        "pruned": [f"{word} the film number {i}." for i in range(8)],
    }


@pytest.fixture
def store():
    with open_store("sqlite://") as found:
        yield found


@pytest.fixture
def runs(store):
    first = texts("Loved")
    first["pruned"][0] = "Dense  sees the film\nnumber 0."  # what a reader cannot tell from the dense one
    first["pruned"][1] = "SomeModel, as an AI language model, saw film 1."
    return [
        fill(store, spec(0.3), sets=SETS, texts=first),
        fill(store, spec(0.5), sets=SETS, texts=texts("Hated")),
    ]


def wanted(runs, **more):
    values = {
        "title": "Films",
        "runs": tuple(run.id for run in runs),
        "samples": 8,
        "practice": 0,
        "pairs": "all",
        **more,
    }
    return brief_of(values)


def built(store, brief):
    return build(brief, material_of(store, brief.runs, dense=brief.dense))


def test_items_are_balanced_connected_and_the_same_again(store, runs):
    brief = wanted(runs[:1], pairs="dense")
    one = built(store, brief)
    main = [item for item in one.items if item.kind == "main"]
    assert len(main) == 8 and {(item.a.system, item.b.system) for item in main} == {
        ("dense", "magnitude 30 %")
    }
    assert one.facts.asked == 7 and one.facts.automatic == 1  # looks the same: white space does not count
    assert one.facts.balance.connected and one.facts.balance.per_pair == (7, 7)
    # 7 items with 5 votes, 7 items per judge
    assert (one.facts.votes, one.facts.judges, one.design["items_per_judge"]) == (35, 5, 7)
    assert one.facts.strata == {"balanced": 8}
    assert built(store, brief) == one
    other = built(store, wanted(runs[:1], pairs="dense", samples=4, seed=3))
    assert len({item.set_id for item in other.items if item.kind == "main"}) == 4
    with pytest.raises(BadInput, match="9 samples are asked for, but 8 can be drawn"):
        built(store, wanted(runs, samples=9))
    with pytest.raises(BadInput, match="one system alone"):
        built(store, wanted(runs[:1], dense=False))


def test_texts_are_never_altered_and_telling_ones_are_flagged(store, runs):
    one = built(store, wanted(runs[:1], pairs="dense"))
    found = {item.b.position: item for item in one.items if item.kind == "main"}
    assert found[1].b.text == "SomeModel, as an AI language model, saw film 1."
    assert found[1].flags == tuple(
        f"a text holds {name!r}" for name in ("model", "as an AI", "language model")
    )
    assert found[2].flags == () and one.facts.flagged == 1
    assert found[0].automatic and found[0].b.text != found[0].a.text


def test_dense_summaries_that_differ_are_systems_that_pairs_with_dense_leave_unconnected(store, runs):
    with pytest.raises(BadInput, match="unconnected"):
        built(store, wanted(runs, pairs="dense"))
    # 4 systems, 6 pairs on 8 samples, 20 of 48 items
    found = built(store, wanted(runs, items=20, better=False, attention=0)).facts
    assert found.n_systems == 4 and found.asked + found.automatic == 20


def test_a_draft_keeps_what_was_left_out_by_hand(store, runs):
    study = save(store, None, wanted(runs[:1], pairs="dense"))
    assert brief_in(study.design) == wanted(runs[:1], pairs="dense")
    item = next(item for item in store.items(study.id) if item.flags)
    store.exclude_item(study.id, item.id, True)
    again = save(store, study.id, wanted(runs[:1], pairs="dense", title="Other", votes_per_item=2))
    assert again.title == "Other" and again.id == study.id
    (out,) = [one for one in store.items(study.id) if one.excluded]
    assert (out.set_id, out.a.text) == (item.set_id, item.a.text)
    assert facts_of(brief_in(again.design), store.items(study.id)).excluded == 1


def test_power_belongs_to_the_plan_that_it_was_simulated_for(store, runs):
    brief = wanted(runs[:1], pairs="dense", votes_per_item=4)
    study = save(store, None, brief)
    assert power_in(study.design, store.items(study.id)) is None
    assumed = assumptions_of(brief, facts_of(brief, store.items(study.id)))
    assert (assumed.judges, assumed.items, assumed.samples, assumed.systems) == (4, 7, 7, 2)
    study = simulate_power(store, study, simulations=20)
    found = power_in(study.design, store.items(study.id))
    assert found["simulations"] == 20 and found["low"] <= found["power"] <= found["high"]
    assert registered(study, store.items(study.id)).power == found["power"]
    kept = save(store, study.id, wanted(runs[:1], pairs="dense", votes_per_item=4, consent="Yes."))
    assert power_in(kept.design, store.items(study.id)) == found
    changed = save(store, study.id, wanted(runs[:1], pairs="dense", votes_per_item=5))
    assert power_in(changed.design, store.items(study.id)) is None
    assert registered(changed, store.items(study.id)).power is None


def test_opening_freezes_the_promise_and_the_study_with_it(store, runs):
    hypothesis = {"text": "Dense is fairer.", "first": "dense", "second": "magnitude 30 %", "sides": "one"}
    study = save(store, None, wanted(runs[:1], pairs="dense", hypotheses=(hypothesis,)))
    assert promised(study.design) is None
    planned = registered(study, store.items(study.id))
    opened = open_registered(store, study.id)
    design, frozen = promised(opened.design)
    assert design == planned and design.hypotheses[0].text == "Dense is fairer."
    assert (design.items, design.automatic_ties, design.votes_per_item) == (7, 1, 5)
    assert hashlib.sha256(frozen.text.encode()).hexdigest() == frozen.digest
    assert frozen.digest in store.frozen_study(study.id)
    assert hashlib.sha256(store.frozen_study(study.id).encode()).hexdigest() == opened.hash
    with pytest.raises(Refused, match="stays as it is"):
        open_registered(store, study.id)


def test_what_another_lead_changed_meanwhile_is_not_opened_unseen(store, runs):
    seen = save(store, None, wanted(runs[:1], pairs="dense"))
    save(store, seen.id, wanted(runs[:1], pairs="dense", votes_per_item=2))
    with pytest.raises(Refused, match="was changed meanwhile") as refused:
        open_registered(store, seen.id, edited=seen.edited)
    assert refused.value.reason == "late"
    assert store.study(seen.id).state == "draft"
    assert open_registered(store, seen.id, edited=store.study(seen.id).edited).state == "open"


def test_half_a_draft_is_none(store, runs, monkeypatch):
    def refused(*_):
        raise BadInput("no")

    monkeypatch.setattr(type(store), "set_items", refused)
    with pytest.raises(BadInput, match="no"):
        save(store, None, wanted(runs[:1], pairs="dense"))
    assert store.studies() == []


def test_a_hypothesis_about_a_system_that_is_not_compared(store, runs):
    hypothesis = {"text": "x", "first": "dense", "second": "wanda 10 %"}
    with pytest.raises(BadInput, match="'wanda 10 %' is analysed but not compared"):
        save(store, None, wanted(runs[:1], pairs="dense", hypotheses=(hypothesis,)))
    assert store.studies() == []


def test_after_exclusions_nobody_is_promised_more_items_than_there_are(store, runs):
    study = save(store, None, wanted(runs[:1], pairs="dense"))
    main = [item for item in store.items(study.id) if item.kind == "main" and not item.automatic]
    for item in main[:5]:
        store.exclude_item(study.id, item.id, True)
    attention = [item for item in store.items(study.id) if item.kind == "attention"]
    assert registered(study, store.items(study.id)).attention == len(attention) == 2
    store.exclude_item(study.id, attention[0].id, True)
    with pytest.raises(BadInput, match="1 attention item cannot fail anybody"):
        open_registered(store, study.id)
    for item in store.items(study.id):
        store.exclude_item(study.id, item.id, item.excluded or item.kind == "attention")
    opened = open_registered(store, study.id)
    assert promised(opened.design)[0].attention == 0
    # judges are told of no attention items where there are none
    assert any("check that the texts are read" in text for text in study.design["codebook"])
    assert not any("check that the texts are read" in text for text in opened.design["codebook"])
    assert opened.design["items_per_judge"] == 2
    assert all(item.after < 2 for item in store.items(study.id) if item.kind == "attention")
    assert store.study_progress(study.id).items == 2


def test_a_whole_study_from_plan_to_outcomes(store, runs):
    brief = wanted(
        runs[:1],
        pairs="dense",
        votes_per_item=2,
        ratings=("sure",),
        quotas={"fans": 5},
        practice=1,
        repeats=1,
    )
    study = open_registered(store, save(store, None, brief).id)
    link = store.open_link(study.id)
    for _ in range(2):
        token = entered(store, study, link)
        store.choose_group(token, "fans")
        while not isinstance(step := store.next_item(token), Ended):
            texts = step.left + str(step.right)
            asked = next(
                (w for k, w in (("“Tie”", "tie"), ("“Cannot tell”", "cannot_tell")) if k in texts), None
            )
            fair = "left" if "four" in step.left.lower().split() else "right"
            choice = asked or (fair if step.comprehension else "right" if "Loved" in step.left else "left")
            for question in step.open_questions:
                store.record(token, step.key, question, "very" if question == "sure" else choice)
        assert step == Ended("completed")
    store.close_study(study.id)
    rows = store.vote_rows(study.id)
    with pytest.raises(BadInput, match="unknown answer 'very'"):
        votes_of(rows)
    found = outcomes(votes_of(rows, brief.questions), "fairer")
    # 7 items by 2 judges; dense, first by the alphabet, was always preferred, but for the model's own confession
    assert len(found) == 14 and {one.system_a for one in found} == {"dense"}
    assert sum(one.result == "a" for one in found) >= 12
    assert {row.answer for row in rows if row.question == "sure"} == {"very"}


# Labels of sentences


def label_brief(runs, **more):
    values = {"task": "label", "title": "Labels", "runs": tuple(run.id for run in runs), "sentences": 6}
    return brief_of({**values, **more})


def label_texts(runs_word: str):
    """Two sentences of each summary: praise, and blame in every second one; the first is the same of every system."""
    ends = [("The plot was boring." if i % 2 else "The music was lovely.") for i in range(8)]
    return {
        "dense": [f"The acting in {i} was great. {end}" for i, end in enumerate(ends)],
        "pruned": [f"The acting in {i} was great. {runs_word} {end}" for i, end in enumerate(ends)],
    }


@pytest.fixture
def labelled(store):
    return [fill(store, spec(0.3), sets=SETS, texts=label_texts("Well,"))]


def label_built(store, brief):
    return build(brief, material_of(store, brief.runs, dense=brief.dense, labelled=True))


def test_sentences_are_drawn_in_proportion_to_what_the_classifier_said(store, labelled):
    brief = label_brief(labelled, sentences=8)
    found = label_built(store, brief)
    assert label_built(store, brief) == found
    per_system = {"dense": 0, "magnitude 30 %": 0}
    for (system, _), n in found.facts.drawn.items():
        per_system[system] += n
    assert per_system == {"dense": 8, "magnitude 30 %": 8}
    there = {(one["system"], one["predicted"]): one["of"] for one in found.design["drawn"]}
    assert sum(n for (system, _), n in there.items() if system == "dense") == 16
    for key, n in found.facts.drawn.items():
        assert abs(n - there[key] / 2) <= 0.5  # half of all sentences, and half of those of each label
    with pytest.raises(BadInput, match="17 sentences of each system are asked for, but dense wrote 16"):
        label_built(store, label_brief(labelled, sentences=17))


def test_a_sentence_of_several_systems_is_asked_once_and_counts_for_each(store, labelled):
    found = label_built(store, label_brief(labelled, sentences=16))
    main = [item for item in found.items if item.kind == "main"]
    shared = [item for item in main if item.also]
    # all 16 of each are drawn; the eight of the acting are the same
    assert len(main) == 24 == found.facts.asked and len(shared) == 8
    assert all("acting" in item.a.text and len(item.sides) == 2 for item in shared)
    assert len({(item.set_id, item.a.text) for item in main}) == 24
    assert all(side.predicted and side.confidence is not None for item in main for side in item.sides)
    # 24 items with 5 votes, 24 items per judge
    assert (found.facts.votes, found.facts.judges, found.design["items_per_judge"]) == (120, 5, 24)


def test_a_study_of_labels_asks_for_groups_several_and_none(store, labelled):
    found = label_built(store, label_brief(labelled))
    (question,) = found.design["questions"]
    assert question["answers"] == ["fresh", "rotten", "mixed", "none"] and found.design["task"] == "label"
    assert "standard" not in found.design
    assert all(item.b is None for item in found.items)
    kinds = [item.kind for item in found.items if item.kind != "main"]
    assert kinds == ["practice"] * 3 + ["comprehension"] + ["attention"] * 2


def test_telling_sentences_are_flagged(store):
    words = label_texts("Says magnitude:")
    run = fill(store, spec(0.3), sets=SETS, texts=words)
    found = label_built(store, label_brief([run], sentences=16))
    flagged = [item for item in found.items if item.flags]
    assert len(flagged) == 8 == found.facts.flagged
    assert flagged[0].flags == ("a text holds 'magnitude'",) and flagged[0].a.system == "magnitude 30 %"


def test_a_draft_of_labels_keeps_what_was_left_out_and_freezes_its_promise(store, labelled):
    study = save(store, None, label_brief(labelled, sentences=16, margin=0.2))
    items = store.items(study.id)
    out = next(item for item in items if item.also)
    store.exclude_item(study.id, out.id, True)
    study = save(store, study.id, label_brief(labelled, sentences=16, margin=0.2, title="Other"))
    (excluded,) = [item for item in store.items(study.id) if item.excluded]
    assert excluded.a.text == out.a.text and excluded.also
    planned = registered(study, store.items(study.id))
    opened = open_registered(store, study.id)
    design, frozen = promised(opened.design)
    assert design == planned and design.items == 23 and design.analysis.margin == 0.2
    assert design.pairs == (("magnitude 30 %", "dense"),) and design.groups == ("fresh", "rotten")
    assert sum(one.sentences for one in design.drawn) == 30 and sum(one.of for one in design.drawn) == 32
    assert hashlib.sha256(store.frozen_study(study.id).encode()).hexdigest() == opened.hash
    # what the classifier said is part of what was frozen
    assert '"predicted":' in store.frozen_study(study.id) and frozen.digest in store.frozen_study(study.id)
    assert store.study_progress(study.id).wanted == 23 * 5
    copy = store.copy_study(study.id, "Copy")
    assert registered(copy, store.items(copy.id)).items == 23


def test_a_draft_may_change_its_task(store, labelled):
    pairs = wanted(labelled, pairs="dense", samples=4)
    study = simulate_power(store, save(store, None, pairs), simulations=5)
    assert power_in(study.design, store.items(study.id)) is not None
    study = save(store, study.id, label_brief(labelled))
    assert study.design["task"] == "label" and power_in(study.design, store.items(study.id)) is None
    with pytest.raises(BadInput, match="power of labels is not simulated"):
        simulate_power(store, study)
    study = save(store, study.id, pairs)
    assert study.design["task"] == "pair" and registered(study, store.items(study.id)).items == 4


def test_labels_need_no_dense_model(store, labelled):
    study = save(store, None, label_brief(labelled, dense=False))
    assert registered(study, store.items(study.id)).pairs == ()
    assert {side.system for item in store.items(study.id) if item.kind == "main" for side in item.sides} == {
        "magnitude 30 %"
    }
