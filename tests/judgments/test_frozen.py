"""One text, one hash: a changed promise shows."""

import hashlib
import json

import pytest

from fairprune.errors import BadInput
from fairprune.judgments.bias import Rules
from fairprune.judgments.frozen import (
    DIGEST,
    REGISTERED,
    Analysis,
    Design,
    Drawn,
    Hypothesis,
    LabelDesign,
    System,
    digest_of,
    freeze,
    promised,
    thaw,
)
from fairprune.judgments.wording import wording


def design(**more):
    values = {
        "title": "Who is heard?",
        "standard": "proportional",
        "texts": wording("proportional").questions,
        "systems": (
            System(name="dense", run="aaaa", summaries="dense"),
            System(name="wanda", run="aaaa", summaries="pruned"),
        ),
        "pairs": (("dense", "wanda"),),
        "samples": ("s1", "s2"),
        "items": 2,
        "votes_per_item": 3,
        "hypotheses": (Hypothesis(text="Dense is fairer.", first="dense", second="wanda", sides="one"),),
        "analysis": Analysis(reference="dense"),
        **more,
    }
    return Design(**values)


def test_the_hash_is_that_of_any_program():
    frozen = freeze(design())
    assert frozen.digest == hashlib.sha256(frozen.text.encode("utf-8")).hexdigest()
    value = json.loads(frozen.text)
    assert frozen.text == json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert list(value) == sorted(value)


def test_equal_designs_have_equal_hashes_and_any_change_another():
    first = freeze(design())
    assert freeze(design()) == first
    changes = [
        {"standard": "equal", "texts": wording("equal").questions},
        {"votes_per_item": 4},
        {"rules": Rules(attention_failures=1)},
        {"analysis": Analysis(reference="wanda")},
        {"hypotheses": ()},
        {"samples": ("s2", "s1")},
        {"title": "Who is heard"},
    ]
    digests = {freeze(design(**change)).digest for change in changes}
    assert len(digests) == len(changes) and first.digest not in digests


def test_a_whole_number_and_its_float_are_the_same_promise():
    assert freeze(design(rules=Rules(least_seconds=5))) == freeze(design(rules=Rules(least_seconds=5.0)))


def test_what_is_frozen_thaws():
    frozen = freeze(design())
    assert thaw(frozen.text, frozen.digest) == design()


def test_a_changed_text_is_refused():
    frozen = freeze(design())
    changed = frozen.text.replace('"votes_per_item":3', '"votes_per_item":9')
    with pytest.raises(BadInput, match="changed after it was frozen"):
        thaw(changed, frozen.digest)
    spaced = frozen.text.replace(":", ": ", 1)
    with pytest.raises(BadInput, match="not in canonical form"):
        thaw(spaced, digest_of(spaced))
    with pytest.raises(BadInput, match="no design of a study"):
        thaw("{}", digest_of("{}"))
    extra = frozen.text[:-1] + ',"zz":1}'
    with pytest.raises(BadInput, match="zz: Extra inputs"):
        thaw(extra, digest_of(extra))


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"texts": {"fairer": "?"}}, "wordings of fairer, but the questions are fairer, better"),
        ({"analysis": Analysis(question="nicer")}, "'nicer' is analysed but not asked"),
        ({"analysis": Analysis(reference="hgla")}, "'hgla' is analysed but not compared"),
        ({"hypotheses": (Hypothesis(text="x", first="dense", second="hgla"),)}, "'hgla' is analysed"),
        ({"systems": (System(name="dense", run="a", summaries="dense"),) * 2}, "named twice"),
        (
            {
                "systems": (
                    System(name="dense", run="a", summaries="dense"),
                    System(name="wanda", run="a", summaries="pruned"),
                    System(name="alone", run="b", summaries="pruned"),
                )
            },
            "unconnected (dense, wanda; alone)",
        ),
    ],
)
def test_designs_that_contradict_themselves(more, says):
    with pytest.raises(BadInput) as error:
        design(**more)
    assert says in str(error.value)


def test_what_a_stored_study_promised_is_checked():
    frozen = freeze(design())
    stored = {REGISTERED: frozen.text, DIGEST: frozen.digest, "questions": []}
    assert promised(stored) == (design(), frozen)
    assert promised({"questions": []}) is None and promised({REGISTERED: frozen.text}) is None
    with pytest.raises(BadInput, match="changed after it was frozen"):
        promised({**stored, REGISTERED: frozen.text.replace('"seed":0', '"seed":1')})


def test_a_promise_of_before_says_nothing_of_skips_and_still_holds():
    value = json.loads(freeze(design()).text)
    assert value["version"] == 2 and value["rules"].pop("attention_skips") is True
    text = json.dumps(value | {"version": 1}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    old = thaw(text, digest_of(text))
    assert old.version == 1 and old.rules.attention_skips is False and old.canonical() == text
    value["rules"]["attention_skips"] = True
    mixed = json.dumps(value | {"version": 1}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    with pytest.raises(BadInput, match="not in canonical form"):
        thaw(mixed, digest_of(mixed))


def label_design(**more):
    values = {
        "title": "Whom does it speak for?",
        "texts": {"group": "Which group?"},
        "groups": ("left", "right"),
        "classifier": "embeddings",
        "systems": (
            System(name="dense", run="aaaa", summaries="dense"),
            System(name="wanda", run="aaaa", summaries="pruned"),
        ),
        "pairs": (("wanda", "dense"),),
        "drawn": (Drawn(system="dense", predicted="left", sentences=2, of=5),),
        "samples": ("s1",),
        "items": 2,
        "votes_per_item": 3,
        **more,
    }
    return LabelDesign(**values)


def test_labels_have_a_promise_of_their_own_with_a_hash():
    frozen = freeze(label_design())
    thawed = thaw(frozen.text, frozen.digest)
    assert thawed == label_design() and thawed.analysis.margin == 0.05
    assert promised({REGISTERED: frozen.text, DIGEST: frozen.digest}) == (thawed, frozen)
    assert freeze(label_design(groups=("right", "left"))).digest != frozen.digest
    # what pairs promised before there was another task reads, and hashes, as it did
    assert "task" not in json.loads(freeze(design()).text)
    with pytest.raises(BadInput, match="'magnitude' is analysed but not labelled"):
        label_design(pairs=(("magnitude", "dense"),))
    with pytest.raises(BadInput, match="named twice"):
        label_design(systems=(System(name="dense", run="aaaa", summaries="dense"),) * 2)
    changed = frozen.text.replace('"task":"label"', '"task":"pair"')
    with pytest.raises(BadInput, match="no design of a study: task"):
        thaw(changed, digest_of(changed))
