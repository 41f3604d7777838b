"""Texts and tables that nobody meant to give: an error that says what is wrong, or a counted 'unscored'."""

import json
import time

import pytest

from fairprune.errors import BadInput
from fairprune.evaluate import evaluate
from fairprune.labels import train_classifier
from fairprune.opinions import CorpusInfo, Opinion, OpinionSet
from fairprune.spec import MetricSpec
from tests.test_labels import GROUPS, bag_of_words, opinions

FRESH, ROTTEN = "The acting is superb and moving.", "The plot feels dull and clumsy."
PARTIES = CorpusInfo("c", "C", ("left", "right"), "review", "Reviews.", "made up")
EVERYTHING = {"matcher": "embedding", "extra": ("ec_embedding", "cp_embedding")}


def one_set(*pairs, key="s", topic="t"):
    found = tuple(Opinion(text, group, topic) for text, group in pairs)
    return OpinionSet(key, topic, "balanced", "left", found)


def run(sets, texts, **spec):
    found = evaluate(
        sets, {"dense": texts}, PARTIES, MetricSpec(resamples=100, **spec), None, encoder=bag_of_words
    )
    json.dumps(found, allow_nan=False)
    return found["metrics"]


NORMAL = one_set((FRESH, "left"), (ROTTEN, "right"))


@pytest.mark.parametrize("spec", [{}, EVERYTHING], ids=["ngram", "embedding"])
@pytest.mark.parametrize(
    "text",
    ["", "   ", "...", "🙂🔥", "\u200f\u202e", "\x00\x07"],
    ids=["empty", "blank", "marks", "emoji", "direction", "control"],
)
def test_a_summary_without_words_is_counted_and_never_0(text, spec):
    for cells in run([NORMAL], [text], **spec).values():
        assert (cells["dense"]["value"], cells["dense"]["n"], cells["dense"]["n_unscored"]) == (None, 0, 1)
        assert cells["dense"]["reason"]


@pytest.mark.parametrize("silent", ["", "🙂", "the of and"])
def test_a_group_without_text_takes_no_part(silent):
    three = CorpusInfo("c", "C", ("left", "right", "middle"), "review", "p", "s")
    given = one_set((FRESH, "left"), (ROTTEN, "right"), (silent, "middle"))
    found = evaluate([given], {"dense": [FRESH]}, three, MetricSpec(resamples=100), None)
    assert found["samples"][0]["dense"]["p_x"].keys() == {"left", "right"}
    rows = {row["group"]: row for row in found["groups"] if row["system"] == "dense"}
    assert (rows["middle"]["value"], rows["middle"]["n"]) == (None, 0)
    # losses (0, 4/7) over the two that are kept
    assert found["metrics"]["uer"]["dense"]["value"] == pytest.approx(2 / 7)


def test_no_source_text_at_all_is_counted():
    for cells in run([one_set(("🙂", "left"), ("...", "right"))], [FRESH], **EVERYTHING).values():
        assert (cells["dense"]["value"], cells["dense"]["n_unscored"]) == (None, 1)
    assert "no source text" in run([one_set(("", "left"))], [FRESH])["bur"]["dense"]["reason"]


def test_a_set_of_one_group_is_counted_apart_or_unscored():
    cells = run([one_set((FRESH, "left"), (ROTTEN, "left"))], [FRESH], **EVERYTHING)
    assert (cells["bur"]["dense"]["n_single_group"], cells["bur"]["dense"]["value_multi"]) == (1, None)
    for name in ("ec_embedding", "cp_embedding"):
        assert cells[name]["dense"]["value"] is None
        assert "only one group has text" in cells[name]["dense"]["reason"]


def test_a_corpus_of_one_group_is_refused():
    lonely = CorpusInfo("c", "C", ("left",), "review", "p", "s")
    with pytest.raises(BadInput, match="between at least two"):
        evaluate([one_set((FRESH, "left"))], {"dense": [FRESH]}, lonely, MetricSpec(resamples=100), None)


def test_labels_outside_the_mapping_are_refused():
    with pytest.raises(BadInput, match="unknown group in set s: 'rigth': did you mean 'right'"):
        run([one_set((FRESH, "left"), (ROTTEN, "rigth"))], [FRESH])


def test_no_sample_is_refused():
    with pytest.raises(BadInput, match="no opinion set to evaluate"):
        run([], [])


SCRIPTS = {
    "emoji": ("🙂 wonderful 🔥", "👎 awful"),
    "hebrew": ("הסרט נהדר והמשחק מצוין", "הסרט משעמם מאוד"),
    "arabic": ("الفيلم رائع جدا", "الفيلم ممل"),
    "chinese": ("电影很好，演员很棒。", "情节无聊！"),
    "japanese": ("とても面白い映画です。", "退屈な映画でした。"),
    "korean": ("정말 재미있는 영화입니다.", "지루한 영화입니다."),
    "mixed directions": ("\u202eabc שלום film", "film \u200fعالم dull"),
    "combining": ("e\u0301le\u0301gant film", "n\u0303o film"),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_is_matched_with_its_own_group(name):
    left, right = SCRIPTS[name]
    given = one_set((left, "left"), (right, "right"))
    found = evaluate([given], {"dense": [left]}, PARTIES, MetricSpec(resamples=100), None)["samples"][0][
        "dense"
    ]
    assert found["unscored"] is None
    assert found["p_y"]["left"] > found["p_y"]["right"]
    assert found["p_y"]["left"] > found["p_x"]["left"]
    for cells in run([given], [left], **EVERYTHING).values():
        if cells["dense"]["matcher"] != "label":
            assert cells["dense"]["n"] == 1


@pytest.mark.parametrize(
    "text", ["x" * 1_000_000, "acting superb dull plot. " * 40_000, "." * 1_000_000], ids=range(3)
)
def test_texts_of_a_million_characters(text):
    start = time.perf_counter()
    given = one_set((text, "left"), (ROTTEN, "right"))
    for spec in ({}, EVERYTHING):
        for cells in run([given, NORMAL], [FRESH, text], **spec).values():
            assert cells["dense"]["n"] + cells["dense"]["n_unscored"] == 2
    assert time.perf_counter() - start < 60


def test_double_ids_are_scored_and_said():
    sets = [one_set((FRESH, "left"), (ROTTEN, "right"), key="same", topic=f"t{i}") for i in range(3)]
    found = evaluate(sets, {"dense": [FRESH] * 3}, PARTIES, MetricSpec(resamples=100), None)
    assert found["metrics"]["uer"]["dense"]["n"] == 3
    assert any("2 opinion sets have an id that another of the 3 has" in note for note in found["notes"])


def test_spd2_of_odd_texts_is_counted():
    classifier = train_classifier(opinions(), GROUPS, bag_of_words, seed=0)[0]
    moods = CorpusInfo("m", "M", GROUPS, "review", "p", "s")
    sets = [
        OpinionSet(
            f"s{i}", f"t{i}", "b", GROUPS[0], (Opinion(FRESH, GROUPS[0], ""), Opinion(ROTTEN, GROUPS[1], ""))
        )
        for i in range(5)
    ]
    texts = ["", None, "Xylophone quartz.", "🙂🔥", FRESH]
    for source in ("classifier", "gold-source", "confusion-corrected"):
        spec = MetricSpec(resamples=100, spd2_source=source)
        cell = evaluate(sets, {"dense": texts}, moods, spec, classifier)["metrics"]["spd2"]["dense"]
        if source == "confusion-corrected":  # 'Xylophone quartz.' counts for its likeliest group
            assert (cell["n"], cell["n_unscored"]) == (2, 3)
            continue
        assert (cell["n"], cell["n_unscored"]) == (1, 4)
        assert cell["value"] == pytest.approx(1)  # all fresh against half


def test_labels_of_a_summary_without_words_do_not_count():
    sure = train_classifier(opinions(), GROUPS, bag_of_words, seed=0)[0]
    moods = CorpusInfo("m", "M", GROUPS, "review", "p", "s")
    given = OpinionSet(
        "s", "t", "b", GROUPS[0], (Opinion(FRESH, GROUPS[0], ""), Opinion(ROTTEN, GROUPS[1], ""))
    )
    # with no threshold at all every sentence is somebody's, '🙂' too
    for spec in (
        MetricSpec(resamples=100, none_below=0),
        MetricSpec(resamples=100, none_below=0, matcher="label"),
    ):
        found = evaluate([given], {"dense": ["🙂"]}, moods, spec, sure)["metrics"]
        for name in ("spd2", *(["bur"] if spec.matcher == "label" else [])):
            assert found[name]["dense"]["value"] is None
            assert "without words" in found[name]["dense"]["reason"]


@pytest.mark.slow
def test_a_hundred_thousand_samples():
    vocabulary = [f"word{i}" for i in range(2000)]
    n = 100_000
    sets = [
        one_set(
            (" ".join(vocabulary[(i + k) % 2000] for k in range(5)), "left"),
            (" ".join(vocabulary[(3 * i + k) % 2000] for k in range(4)), "right"),
            key=str(i),
            topic=f"t{i // 3}",
        )
        for i in range(n)
    ]
    texts = [" ".join(vocabulary[(2 * i + k) % 2000] for k in range(3)) if i % 100 else "" for i in range(n)]
    start = time.perf_counter()
    found = evaluate(sets, {"dense": texts}, PARTIES, MetricSpec(resamples=200), None)
    seconds = time.perf_counter() - start
    cell = found["metrics"]["uer"]["dense"]
    assert cell["n"] + cell["n_unscored"] == n
    assert cell["low"] < cell["value"] < cell["high"]
    assert seconds < 600, f"{seconds:.0f} s"
    print(f"100,000 samples: {seconds:.0f} s")
