"""Stored runs as systems: who shares a dense model, what is left out, what would give a system away."""

import pytest

from fairprune.errors import BadInput, StoreError
from fairprune.judgments.material import families, material_of, system_name
from fairprune.store import open_store
from tests.pages.filled import MANY, SETS, fill, fill_many, spec


@pytest.fixture
def store():
    with open_store("sqlite://") as found:
        yield found


def texts(word: str, n: int = 3):
    return {
        "dense": [f"dense {i}" for i in range(n)],
        "pruned": [f"{word} {i}" if i != 1 else " " for i in range(n)],
    }


def test_runs_of_the_same_opinions_are_a_family(store):
    one, two = fill(store, spec(0.3), texts=texts("a")), fill(store, spec(0.5), texts=texts("b"))
    other = fill(store, spec(0.7), sets=MANY[:3], texts=texts("c"))
    found = {family.key: {run.id for run in family.runs} for family in families(store)}
    assert sorted(map(sorted, found.values())) == sorted([sorted([one.id, two.id]), [other.id]])
    assert families(store)[0].n_samples == 3
    # one of three of their summaries is empty, and the others are two words long
    assert {run for family in families(store) for run in family.degenerate} == {one.id, two.id, other.id}
    sound = fill_many(store)
    assert sound.id not in next(family for family in families(store) if family.n_samples == 40).degenerate


def test_systems_and_their_texts(store):
    one, two = fill(store, spec(0.3), texts=texts("a")), fill(store, spec(0.5), texts=texts("b"))
    found = material_of(store, [one.id, two.id], dense=True)
    # each run of the test has dense summaries of its own: two dense systems, with names of their own
    assert [source.system.name for source in found.sources] == [
        "dense",
        "magnitude 30 %",
        "dense model",
        "magnitude 50 %",
    ]
    assert found.own == {"magnitude 30 %": "dense", "magnitude 50 %": "dense model"}
    pruned = found.sources[1]
    assert pruned.texts == {SETS[0].id: (0, "a 0"), SETS[2].id: (2, "a 2")}
    assert (pruned.system.run, pruned.system.summaries, pruned.generation_id) == (
        one.id,
        "pruned",
        f"{one.id}-pruned",
    )
    assert [one.id for one in found.candidates] == [SETS[0].id, SETS[2].id] and found.incomplete == 1
    assert {"some/model", "model", "magnitude"} <= set(found.names)
    alone = material_of(store, [one.id], dense=False)
    assert [source.system.name for source in alone.sources] == ["magnitude 30 %"] and alone.own == {}


def test_names_are_unique(store):
    one = fill(store, spec(0.5), texts=texts("a"))
    two = fill(store, spec(0.5, calibration={"seed": 1}), texts=texts("b"))
    names = [source.system.name for source in material_of(store, [one.id, two.id], dense=False).sources]
    assert names == [f"magnitude 50 % ({one.id[:6]})", f"magnitude 50 % ({two.id[:6]})"]
    store.describe(one.id, name="dense")
    assert system_name(store.run(one.id)) == "dense"
    names = [source.system.name for source in material_of(store, [one.id], dense=True).sources]
    assert names == ["dense", f"dense ({one.id[:6]})"]


def test_what_cannot_stand_together(store):
    one, other = (
        fill(store, spec(0.3), texts=texts("a")),
        fill(store, spec(0.5), sets=MANY[:3], texts=texts("b")),
    )
    with pytest.raises(BadInput, match="summarises other opinions"):
        material_of(store, [one.id, other.id], dense=True)
    with pytest.raises(BadInput, match="no run is chosen"):
        material_of(store, [], dense=True)
    with pytest.raises(StoreError, match="no run"):
        material_of(store, ["f" * 16], dense=True)
    waiting, _ = store.submit(spec(0.9))
    with pytest.raises(BadInput, match="has no summaries"):
        material_of(store, [waiting.id], dense=True)


def test_labels_are_those_of_the_runs_own_classifier(store):
    twice = "The acting was great. The story was boring. The acting was great."
    run = fill(store, texts={"dense": [twice, "Lovely.", "Dull."], "pruned": ["Great.", "", "Boring."]})
    plain = material_of(store, [run.id], dense=True)
    assert plain.groups == () and all(source.labels == {} for source in plain.sources)
    found = material_of(store, [run.id], dense=True, labelled=True)
    assert found.groups == ("fresh", "rotten") and "logistic regression" in found.classifier
    dense, pruned = found.sources
    evaluation = store.result(run.id, "evaluation")
    stored = {text: label for text, label, _ in evaluation["samples"][0]["dense"]["labels"]}
    # a sentence that stands there twice is one to ask about
    assert [(text, label) for text, label, _ in dense.labels[SETS[0].id]] == list(stored.items())
    assert len(dense.labels[SETS[0].id]) == 2 and all(0 <= p <= 1 for _, _, p in dense.labels[SETS[0].id])
    assert set(pruned.labels) == {SETS[0].id, SETS[2].id}
    # the second sample cannot be drawn: pruned wrote nothing there
    assert found.fewest_sentences == 2


def test_sentences_of_one_classifier_alone_are_labelled_together(store):
    one = fill(store, spec(0.3), texts=texts("a"))
    other = fill(store, spec(0.5, metrics={"none_below": 0.9}), texts=texts("b"))
    with pytest.raises(BadInput, match=r"none_below 0\.6, .* with 0\.9: choose runs of one classifier"):
        material_of(store, [one.id, other.id], dense=True, labelled=True)
    evaluation = store.result(one.id, "evaluation")
    store.put_result(one.id, "evaluation", {**evaluation, "classifier": {"reason": "too few opinions"}})
    with pytest.raises(BadInput, match=r"have no labels: too few opinions\. Choose other runs"):
        material_of(store, [one.id], dense=True, labelled=True)
