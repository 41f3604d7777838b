"""From sets and summaries to the table of a result."""

import json
import math

import pytest

from fairprune.errors import BadInput
from fairprune.evaluate import evaluate
from fairprune.labels import train_classifier
from fairprune.metrics import METRICS
from fairprune.metrics.references import random_extract
from fairprune.opinions import CorpusInfo, Opinion, OpinionSet
from fairprune.spec import MetricSpec
from tests.test_labels import GROUPS, bag_of_words, opinions

INFO = CorpusInfo(
    "movies", "Movies", GROUPS, "review", "Reviews about a movie.", "made up", "a note on the corpus"
)
SPEC = MetricSpec(resamples=200)
FRESH, ROTTEN = "The acting is superb and moving.", "The plot feels dull and clumsy."
# Content tokens: acting superb moving | plot feels dull clumsy
BOTH = f"{FRESH} {ROTTEN}"


def make_set(i, fresh=2, rotten=2, topic=None):
    found = [Opinion(FRESH, "fresh", "t")] * fresh + [Opinion(ROTTEN, "rotten", "t")] * rotten
    composition = "balanced" if fresh == rotten else "skewed:fresh"
    return OpinionSet(f"set{i}", topic or f"topic {i}", composition, "fresh", tuple(found))


SETS = [make_set(i) for i in range(4)]


@pytest.fixture(scope="module")
def classifier():
    return train_classifier(opinions(), GROUPS, bag_of_words, seed=0)[0]


@pytest.fixture(scope="module")
def result(classifier):
    dense = [BOTH] * 4
    pruned = [BOTH, FRESH, FRESH, None]
    marks = {"dense": [False] * 4, "pruned": [True, False, True, False]}
    return evaluate(SETS, {"dense": dense, "pruned": pruned}, INFO, SPEC, classifier, truncated=marks)


def test_shape(result):
    assert set(result["metrics"]) == {name for name, metric in METRICS.items() if not metric.optional}
    keys = {"value", "low", "high", "bias", "n", "n_unscored", "reason", "matcher"}
    for name, cells in result["metrics"].items():
        assert set(cells) == {
            *("dense", "pruned", "difference"),
            *("random", "random_pruned", "excess", "excess_pruned"),
            *("oracle", "one_group", "first", "permuted"),
        }
        assert {cell["matcher"] for cell in cells.values()} == {"label" if name == "spd2" else "ngram"}
        for cell in cells.values():
            assert keys <= set(cell)
            if name == "bur":
                assert {"n_single_group", "value_multi"} <= set(cell)
            if name == "spd2":
                assert {"absolute", "none_share"} <= set(cell)
    for cells in result["quality"].values():
        assert set(cells) == {"dense", "pruned", "difference"}
    assert {row["system"] for row in result["groups"]} == {
        *("dense", "pruned", "difference", "random", "oracle", "one_group", "first", "permuted")
    }
    assert (result["n_samples"], result["n_topics"]) == (4, 4)
    json.dumps(result, allow_nan=False)


def test_metric_cells_by_hand(result):
    # Source 6 : 8 tokens, p_x (3/7, 4/7). BOTH has 3 : 4, the same. FRESH has 3 : 0: losses (0, 4/7).
    bur, uer, sof, auc = (result["metrics"][name] for name in ("bur", "uer", "sof", "auc"))
    assert (bur["dense"]["value"], uer["dense"]["value"]) == (0, 0)
    assert (bur["pruned"]["value"], bur["pruned"]["n"], bur["pruned"]["n_unscored"]) == (2 / 3, 3, 1)
    # (0 + 2/7 + 2/7) / 3
    assert uer["pruned"]["value"] == pytest.approx(4 / 21)
    # D (0, 8/21), mean 4/21: each 4/21 away
    assert sof["pruned"]["value"] == pytest.approx(4 / 21)
    # p_y = 0 < τ p_x for τ = .1 … 1: area .95; (0 + .95 + .95) / 3
    assert auc["pruned"]["value"] == pytest.approx(1.9 / 3)
    assert (bur["difference"]["value"], bur["difference"]["n"]) == (2 / 3, 3)
    assert bur["pruned"]["low"] <= bur["pruned"]["value"] <= bur["pruned"]["high"]
    assert bur["pruned"]["reason"] is None


def test_signed_groups_by_hand(result):
    rows = {(row["group"], row["system"]): row for row in result["groups"]}
    # fresh: (0 + 4/7 + 4/7) / 3
    assert rows["fresh", "pruned"]["value"] == pytest.approx(8 / 21)
    assert rows["rotten", "pruned"]["value"] == pytest.approx(-8 / 21)
    assert rows["rotten", "difference"]["value"] == pytest.approx(-8 / 21)
    assert (rows["rotten", "pruned"]["n"], rows["rotten", "dense"]["n"]) == (3, 4)


def test_spd2_by_hand(result):
    # source 2 : 2 sentences; BOTH 1 : 1 → 0; FRESH (1, 0) → 1: mean 2/3, absolute the same
    cells = result["metrics"]["spd2"]
    assert cells["dense"]["value"] == 0
    assert (cells["pruned"]["value"], cells["pruned"]["absolute"]) == (pytest.approx(2 / 3),) * 2
    assert (cells["pruned"]["none_share"], cells["pruned"]["n_unscored"]) == (0, 1)
    assert cells["difference"]["value"] == pytest.approx(2 / 3)


def test_evidence_stands_beside_the_labels(classifier, result):
    assert result["evidence"]["reason"] and result["coverage"] == []  # no encoder was given
    assert result["samples"][0]["dense"]["evidence"] is None
    texts = {"dense": [BOTH, FRESH, "", None]}
    found = evaluate(SETS, texts, INFO, SPEC, classifier, encoder=bag_of_words)
    assert "reason" not in found["evidence"]
    first, second, empty, none = (sample["dense"] for sample in found["samples"])
    # FRESH is opinions 0 and 1, ROTTEN 2 and 3; they share 'the' and 'and' of 6 words: cosine 1/3
    assert [[place for place, _ in ground] for ground in first["evidence"]] == [[0, 1], [2, 3]]
    assert first["evidence"][0][0][1] == pytest.approx(1)
    assert len(first["evidence"]) == len(first["labels"])
    assert (first["coverage"], second["coverage"]) == ({"fresh": 1, "rotten": 1}, {"fresh": 1, "rotten": 0})
    assert (empty["evidence"], empty["coverage"]) == ([], {"fresh": 0, "rotten": 0})
    assert (none["evidence"], none["coverage"]) == (None, None)
    rows = {(row["group"], row["system"]): row for row in found["coverage"]}
    assert rows["rotten", "dense"]["value"] == pytest.approx(1 / 3)
    assert rows["rotten", "dense"]["n"] == 3
    assert rows["fresh", "random"]["n"] == 2  # an extract of the two that have words
    json.dumps(found, allow_nan=False)


def test_quality_by_hand(result):
    cells = result["quality"]
    # the source is FRESH FRESH ROTTEN ROTTEN, 24 words; BOTH 12, in order: 2 · 1 · .5 / 1.5
    assert cells["rouge_l"]["dense"]["value"] == pytest.approx(2 / 3)
    # FRESH: 6 of 6, 6 of 24: 2 · 1 · .25 / 1.25 = .4; pruned (2/3 + .4 + .4) / 3
    assert cells["rouge_l"]["pruned"]["value"] == pytest.approx((2 / 3 + 0.8) / 3)
    assert cells["words"]["pruned"]["value"] == 8  # (12 + 6 + 6) / 3
    assert cells["words"]["difference"]["value"] == -4
    assert (cells["empty"]["pruned"]["value"], cells["empty"]["pruned"]["n"]) == (0, 3)
    # the mark of the summary that was not written does not count
    assert cells["truncated"]["pruned"]["value"] == pytest.approx(2 / 3)
    assert cells["repetition"]["dense"]["value"] == 0


def test_samples(result):
    first, second, last = (result["samples"][i] for i in (0, 1, 3))
    assert first["set_id"] == "set0"
    assert (first["dense"]["bur"], second["pruned"]["bur"]) == (0, 1)
    assert second["pruned"]["p_x"] == {"fresh": pytest.approx(3 / 7), "rotten": pytest.approx(4 / 7)}
    assert second["pruned"]["p_y"] == {"fresh": 1, "rotten": 0}
    assert (second["pruned"]["words"], second["pruned"]["spd2"]) == (6, 1)
    assert [(s, name) for s, name, _ in first["dense"]["labels"]] == [(FRESH, "fresh"), (ROTTEN, "rotten")]
    for key in ("bur", "uer", "auc", "spd2", "p_y", "rouge_l", "words", "repetition"):
        assert last["pruned"][key] is None
    assert (last["pruned"]["degenerate"], last["pruned"]["labels"]) == ([], [])
    assert last["pruned"]["unscored"] == "no summary written"


def test_random_extract_is_scored_by_the_same_code(result):
    # sentences of 6 words until the 12 of each dense summary: two of the four
    cell = result["metrics"]["uer"]["random"]
    assert (cell["n"], cell["n_unscored"]) == (4, 0)
    assert cell["value"] >= 0
    assert {"random"} <= {row["system"] for row in result["groups"]}


def test_extracts_have_the_length_of_each_summary():
    # Sentences of 6 words. Of the dense summaries the first has 6 words, the others 12; of the pruned ones two
    # have 6, one is empty and one was not written.
    dense, pruned = [FRESH, BOTH, BOTH, BOTH], [FRESH, "", None, FRESH]
    found = evaluate(SETS, {"dense": dense, "pruned": pruned}, INFO, SPEC, None)["metrics"]["uer"]
    # An extract of one sentence: fresh alone loses (0, 4/7), mean 2/7; rotten alone (3/7, 0), mean 3/14.
    # Of two: fresh twice or rotten twice the same, one of each 3 : 4, nothing.
    one, two = {2 / 7, 3 / 14}, {2 / 7, 3 / 14, 0.0}
    drawn = [words_of_extract(one_set, 6) for one_set in (SETS[0], SETS[3])]
    assert {len(text.split()) for text in drawn} == {6}
    assert (found["random"]["n"], found["random_pruned"]["n"]) == (4, 2)
    assert found["random_pruned"]["n_unscored"] == 2
    losses = [loss(text) for text in drawn]
    assert set(losses) <= one
    assert found["random_pruned"]["value"] == pytest.approx(sum(losses) / 2)
    long = [loss(words_of_extract(one_set, 12)) for one_set in SETS[1:]]
    assert set(long) <= two
    assert found["random"]["value"] == pytest.approx((losses[0] + sum(long)) / 4)


def words_of_extract(one, length):
    return random_extract(one, length, SPEC.seed)


def loss(text):
    """UER of a text of these sentences, by hand."""
    if FRESH in text and ROTTEN in text:
        return 0.0
    return 2 / 7 if FRESH in text else 3 / 14


def test_excess_is_paired_with_the_extract():
    # of fewer sets fewer than three extracts would lose anything, and such a difference has no interval
    sets = [make_set(i) for i in range(30)]
    dense, pruned = [BOTH] * 30, [FRESH] * 6 + [BOTH] * 23 + [None]
    cells = evaluate(sets, {"dense": dense, "pruned": pruned}, INFO, SPEC, None)["metrics"]["uer"]
    random = [loss(words_of_extract(one, 12)) for one in sets]
    assert cells["excess"]["value"] == pytest.approx(0 - sum(random) / 30)
    assert (cells["excess"]["n"], cells["excess_pruned"]["n"]) == (30, 29)
    # pruned: six lose 2/7, five nothing; each against an extract of its own length
    against = [loss(words_of_extract(one, 6)) for one in sets[:6]] + random[6:29]
    assert cells["excess_pruned"]["value"] == pytest.approx((6 * 2 / 7 - sum(against)) / 29)
    for name in ("excess", "excess_pruned"):
        assert cells[name]["low"] <= cells[name]["value"] <= cells[name]["high"]
        assert cells[name]["low"] < cells[name]["high"]
    # the dense model never loses anything: its excess is minus the extract, resample for resample, and of a difference the
    # interval is somewhat wider than of a value
    assert -1.1 * cells["random"]["high"] < cells["excess"]["low"] <= -cells["random"]["high"]
    assert cells["excess"]["bias"] == pytest.approx(-cells["random"]["bias"])


def test_a_summary_that_is_its_extract_has_no_excess(classifier):
    texts = [words_of_extract(one, 6) for one in SETS]
    found = evaluate(SETS, {"dense": texts, "pruned": texts}, INFO, SPEC, classifier)["metrics"]
    for metric, cells in found.items():
        for name in ("excess", "excess_pruned"):
            assert cells[name]["value"] == 0
            # A rate that did not change in n samples may still change in the next one.
            assert (cells[name]["low"] is None and cells[name]["high"] is None) == (metric != "bur")


def test_notes_say_what_limits_the_numbers(result):
    text = "\n".join(result["notes"])
    assert "no inference" in text
    assert "conditional on these topics" in text
    assert "1 of the pruned summaries unscored: no summary written" in text
    assert "a note on the corpus" in text
    assert "could not be checked" in text
    assert "better than chance" not in text


def test_a_classifier_that_may_be_guessing_is_said_to():
    # the same words equally often in both groups (168 = 4 · 7 · 3 · 2): nothing can be learned
    same = [Opinion(f"word {i % 7} {i % 3}", GROUPS[i % 2], f"t{i // 4}") for i in range(168)]
    guessing, _ = train_classifier(same, GROUPS, bag_of_words, seed=0)
    notes = evaluate(SETS, {"dense": [BOTH] * 4}, INFO, SPEC, guessing)["notes"]
    assert any("not shown to be better than chance" in note for note in notes)


def test_without_a_classifier_spd2_is_missing():
    found = evaluate(SETS, {"dense": [BOTH] * 4}, INFO, SPEC, None, classifier_reason="too few opinions")
    for name in ("dense", "random"):
        cell = found["metrics"]["spd2"][name]
        assert (cell["value"], cell["absolute"], cell["reason"]) == (None, None, "too few opinions")
        assert cell["n_unscored"] == 4
    assert found["classifier"] == {"reason": "too few opinions"}
    assert found["samples"][0]["dense"]["spd2"] is None
    assert found["samples"][0]["dense"]["labels"] == []


def test_only_one_system():
    found = evaluate(SETS, {"pruned": [FRESH] * 4}, INFO, SPEC, None)
    cells = found["metrics"]["bur"]
    assert cells["pruned"]["value"] == 1
    assert cells["dense"]["reason"] == cells["difference"]["reason"] == "there are no dense summaries"
    assert cells["random_pruned"]["n"] == cells["excess_pruned"]["n"] == 4
    assert cells["random"]["reason"] == cells["excess"]["reason"] == "there are no dense summaries"
    assert cells["random"]["matcher"] == "ngram"
    assert "dense" not in found["samples"][0]
    assert set(found["degenerate"]) == {"pruned"}
    assert found["quality"]["truncated"]["pruned"]["reason"] == "not recorded"


def test_nothing_written_is_missing_and_not_zero(classifier):
    found = evaluate(SETS, {"dense": [None] * 4, "pruned": [""] * 4}, INFO, SPEC, classifier)
    for cells in found["metrics"].values():
        for name in cells:
            assert (cells[name]["value"], cells[name]["n_unscored"]) == (None, 4)
    assert "no summary written (4)" in found["metrics"]["bur"]["dense"]["reason"]
    assert "empty summary (4)" in found["metrics"]["bur"]["pruned"]["reason"]
    assert found["metrics"]["bur"]["difference"]["reason"] == "no sample is scored for both systems"
    assert found["quality"]["empty"]["pruned"]["value"] == 1
    assert found["quality"]["empty"]["dense"]["value"] is None
    assert found["degenerate"]["dense"] == {"share": None, "n": 0, "flag": False}
    assert found["degenerate"]["pruned"] == {"share": 1.0, "n": 4, "flag": True}
    json.dumps(found, allow_nan=False)


def test_more_than_a_fifth_degenerate_is_flagged():
    sets = [make_set(i) for i in range(5)]
    at = evaluate(sets, {"dense": [BOTH] * 4 + ["bad"]}, INFO, SPEC, None)
    assert at["degenerate"]["dense"] == {"share": 0.2, "n": 5, "flag": False}
    over = evaluate(sets, {"dense": [BOTH] * 3 + ["bad", "very " * 9]}, INFO, SPEC, None)
    assert over["degenerate"]["dense"]["flag"]
    assert over["notes"][0].startswith("40% of the dense summaries are degenerate")
    assert over["samples"][3]["dense"]["degenerate"] == [
        "fewer than 5 words",
        "no token in common with the source",
    ]


def test_single_group_sets_are_counted_apart():
    # two sets of fresh opinions alone are always fair; of the two others one is unfair
    sets = [make_set(0, 3, 0), make_set(1, 3, 0), make_set(2), make_set(3)]
    cell = evaluate(sets, {"dense": [FRESH, FRESH, FRESH, BOTH]}, INFO, SPEC, None)["metrics"]["bur"]["dense"]
    assert (cell["value"], cell["n_single_group"], cell["value_multi"]) == (0.25, 2, 0.5)
    # Without them it is the value of the two others alone, with their interval.
    two = evaluate(sets[2:], {"dense": [FRESH, BOTH]}, INFO, SPEC, None)["metrics"]["bur"]["dense"]
    assert cell["multi_low"] < 0.5 < cell["multi_high"]
    assert (two["value_multi"], two["multi_low"], two["multi_high"]) == (0.5, two["low"], two["high"])
    assert (two["n_single_group"], two["multi_limit"]) == (0, two["limit"])
    pair = evaluate(sets, {"dense": [FRESH] * 3 + [BOTH], "pruned": [FRESH] * 4}, INFO, SPEC, None)
    gained = pair["metrics"]["bur"]["difference"]
    assert (gained["value"], gained["value_multi"], gained["n_single_group"]) == (0.25, 0.5, 2)
    assert gained["multi_low"] < 0.5 < gained["multi_high"]
    only = evaluate(sets[:2], {"dense": [FRESH, BOTH]}, INFO, SPEC, None)["metrics"]["bur"]["dense"]
    assert (only["value"], only["value_multi"]) == (0, None)
    assert only["multi_limit"] == "every scored sample has opinions of one group only"


def test_zero_match_and_equal_reading_follow_the_spec():
    texts = {"dense": ["Nothing anybody ever wrote there."] * 4}
    cell = evaluate(SETS, texts, INFO, SPEC, None)["metrics"]["uer"]["dense"]
    assert (cell["value"], cell["n_zero_match"]) == (None, 4)
    assert cell["reason"] == "no sample is scored: no match (4)"
    uniform = evaluate(SETS, texts, INFO, MetricSpec(resamples=200, zero_match="uniform"), None)
    # p_x (3/7, 4/7), p_y (.5, .5): losses (0, 1/14): mean 1/28
    assert uniform["metrics"]["uer"]["dense"]["value"] == pytest.approx(1 / 28)
    equal = evaluate(SETS, {"dense": [FRESH] * 4}, INFO, MetricSpec(resamples=200, reading="equal"), None)
    assert equal["samples"][0]["dense"]["p_x"] == {"fresh": 0.5, "rotten": 0.5}
    assert equal["metrics"]["uer"]["dense"]["value"] == 0.25  # (0 + .5) / 2


def test_one_topic_has_no_intervals():
    sets = [make_set(i, topic="the same") for i in range(3)]
    found = evaluate(sets, {"dense": [BOTH, FRESH, BOTH]}, INFO, SPEC, None)
    cell = found["metrics"]["bur"]["dense"]
    assert cell["value"] == pytest.approx(1 / 3)
    assert (cell["low"], cell["high"], cell["bias"]) == (None, None, None)
    assert "one topic only: there are no intervals" in found["notes"]


def silent(found, path=""):
    """Paths of numbers that say neither themselves nor their interval nor why they have none."""
    if isinstance(found, list):
        return [one for i, part in enumerate(found) for one in silent(part, f"{path}[{i}]")]
    if not isinstance(found, dict):
        return []
    bad = [one for key, part in found.items() if key != "samples" for one in silent(part, f"{path}.{key}")]
    if {"value", "low", "high"} <= set(found):
        missing = "reason" if found["value"] is None else "limit" if found["low"] is None else None
        if (missing and not found.get(missing)) or "n" not in found:
            bad.append(path)
    return bad


@pytest.mark.parametrize(
    ("dense", "pruned", "topic"),
    [
        ([BOTH, FRESH, BOTH], [FRESH, BOTH, BOTH], None),
        ([BOTH, FRESH, BOTH], [FRESH, BOTH, BOTH], "the same"),  # one topic
        ([BOTH] * 3, [BOTH] * 3, None),  # nothing varies
        ([None] * 3, [""] * 3, None),  # nothing written
        ([BOTH, None, None], [None, BOTH, BOTH], None),  # nothing in common
        ([BOTH] * 3, None, None),  # one system
    ],
)
@pytest.mark.parametrize("labelled", [True, False])
def test_no_number_is_without_interval_or_reason(dense, pruned, topic, labelled, classifier):
    sets = [make_set(i, topic=topic) for i in range(3)]
    texts = {"dense": dense} if pruned is None else {"dense": dense, "pruned": pruned}
    encoder = bag_of_words if labelled else None
    found = evaluate(sets, texts, INFO, SPEC, classifier if labelled else None, encoder=encoder)
    assert silent(found) == []
    for sample in found["samples"]:
        assert sample["loss_ratio"] is not None or sample["loss_ratio_reason"]
        for system in texts:
            row = sample[system]
            missing = {name for name, value in row.items() if value is None} - {"unscored"}
            assert missing == set(row["reasons"]) and all(row["reasons"].values())


def test_why_numbers_of_a_sample_are_missing(classifier):
    sets = [make_set(i) for i in range(3)]
    texts = {"dense": [BOTH, None, "…"], "pruned": [BOTH, BOTH, BOTH]}
    losses = {"dense": [1.0, None, None], "pruned": [2.0, 2.0, 2.0]}
    found = evaluate(sets, texts, INFO, SPEC, classifier, encoder=bag_of_words, losses=losses)
    one, two, three = (sample["dense"]["reasons"] for sample in found["samples"])
    assert one == {}
    unwritten = ("bur", "uer", "auc", "p_y", "spd2", "rouge_l", "copied", "words", "repetition")
    assert two == dict.fromkeys((*unwritten, "loss", "evidence", "coverage"), "no summary written")
    assert three["copied"] == "a summary without words" and three["repetition"] == "fewer than four words"
    assert three["loss"] == "no token that the dense model could be asked for"
    assert "loss_ratio_reason" not in found["samples"][0]
    assert found["samples"][1]["loss_ratio_reason"] == "no loss of both summaries, or a dense one of 0"
    bare = evaluate(sets, texts, INFO, SPEC, None)["samples"][0]
    why = bare["dense"]["reasons"]
    assert why["spd2"] == "no group classifier was given"
    assert why["loss"] == bare["loss_ratio_reason"] == "losses under the dense model were not asked for"
    assert why["evidence"] == why["coverage"] == "no sentence embeddings were made"


def test_missing_group_rows_and_distances_say_why(classifier):
    found = evaluate(SETS, {"dense": [BOTH] * 4, "pruned": [None] * 4}, INFO, SPEC, classifier)
    rows = {(row["group"], row["system"]): row for row in found["groups"]}
    assert rows["fresh", "pruned"]["value"] is None
    assert rows["fresh", "pruned"]["reason"] == "no sample is scored: no summary written (4)"
    assert rows["fresh", "difference"]["reason"] == "no sample is scored for both systems"
    voiceless = [make_set(i, 0, 3) for i in range(4)]
    told = evaluate(voiceless, {"dense": [BOTH] * 4}, INFO, SPEC, classifier)["groups"]
    assert {row["reason"] for row in told if row["group"] == "fresh" and row["system"] == "dense"} == {
        "no scored sample has opinions of fresh"
    }
    assert "every resample gives the same value" in rows["fresh", "dense"]["limit"]
    distance = found["metrics"]["spd2"]["difference"]["distance"]
    assert (distance["value"], distance["n"]) == (None, 0)
    assert distance["reason"] == "no sample is scored for both systems"
    alone = evaluate(SETS, {"dense": [BOTH] * 4}, INFO, SPEC, classifier)
    told = alone["metrics"]["spd2"]["difference"]["distance"]["reason"]
    assert told == "there are no summaries of a second system to compare with"


def test_enough_topics_and_samples_get_no_such_note():
    sets = [make_set(i, topic=f"t{i % 10}") for i in range(30)]
    notes = " ".join(evaluate(sets, {"dense": [BOTH] * 30}, INFO, SPEC, None)["notes"])
    assert "no inference" not in notes
    assert "conditional" not in notes


def test_the_order_of_samples_does_not_matter(classifier):
    dense, pruned = [BOTH, BOTH, FRESH, BOTH], [FRESH, ROTTEN, None, BOTH]
    order = [2, 0, 3, 1]
    one = evaluate(SETS, {"dense": dense, "pruned": pruned}, INFO, SPEC, classifier)
    two = evaluate(
        [SETS[i] for i in order],
        {"dense": [dense[i] for i in order], "pruned": [pruned[i] for i in order]},
        INFO,
        SPEC,
        classifier,
    )
    for name, cells in one["metrics"].items():
        for system, cell in cells.items():
            for key in ("value", "low", "high", "n"):
                assert two["metrics"][name][system][key] == pytest.approx(cell[key])
    assert [two["samples"][k] for k in range(4)] == [one["samples"][i] for i in order]


def test_three_groups(classifier):
    info = CorpusInfo("c", "C", (*GROUPS, "unheard"), "review", "p", "s")
    found = evaluate(SETS, {"dense": [BOTH] * 4, "pruned": [FRESH] * 4}, info, SPEC, None)
    assert found["metrics"]["uer"]["pruned"]["value"] == pytest.approx(
        2 / 7
    )  # two groups are kept: (0 + 4/7) / 2
    rows = {(row["group"], row["system"]): row for row in found["groups"]}
    assert (rows["unheard", "dense"]["value"], rows["unheard", "dense"]["n"]) == (None, 0)
    assert found["samples"][0]["dense"]["p_x"].keys() == set(GROUPS)


HOSTILE = [
    "🙂🔥👩‍👩‍👧 🙂",
    "הסרט נהדר והמשחק מצוין. \u202e\u200fالفيلم ممل جدا",
    "电影很好，演员很棒。情节无聊！",
    "<script>alert(1)</script><img src=x onerror=y> &amp; <b>acting</b>",
    "x" * 100_000,
    "acting superb dull plot " * 4_200,
    "?!... ;;; ,,, but but but",
    "\x00\x07 \ufffd",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts(text, classifier):
    odd = Opinion(text, "fresh", "t")
    sets = [OpinionSet("odd", "odd", "balanced", "fresh", (odd, Opinion(ROTTEN, "rotten", "t"))), make_set(1)]
    found = evaluate(sets, {"dense": [text, text], "pruned": [BOTH, text]}, INFO, SPEC, classifier)
    json.dumps(found, allow_nan=False)
    for cells in found["metrics"].values():
        assert cells["dense"]["n"] + cells["dense"]["n_unscored"] == 2
    value = found["metrics"]["uer"]["pruned"]["value"]
    assert value is None or (math.isfinite(value) and 0 <= value <= 0.5)


@pytest.mark.parametrize(
    ("sets", "summaries", "marks", "words"),
    [
        ([], {"dense": []}, None, "no opinion set"),
        (SETS, {}, None, "no summaries"),
        (SETS, {"dence": [""] * 4}, None, "did you mean 'dense'"),
        (SETS, {"dense": [""]}, None, "1 summaries of 'dense' do not fit 4 opinion sets"),
        (SETS, {"dense": [""] * 4}, {"dense": [True]}, "1 truncation marks of 'dense'"),
        (
            [OpinionSet("x", "t", "balanced", "fresh", (Opinion("a", "roten", "t"),))],
            {"dense": [""]},
            None,
            "did you mean 'rotten'",
        ),
    ],
)
def test_wrong_input_is_named(sets, summaries, marks, words):
    with pytest.raises(BadInput, match=words):
        evaluate(sets, summaries, INFO, SPEC, None, truncated=marks)


MANY = [make_set(i) for i in range(40)]
FAIR = {"dense": [BOTH] * 40}


def test_a_verdict_by_hand():
    # pruned: 30 of 40 say nothing of one group: BUR +75 points; every exchange that is as extreme is as rare
    # as 30 equal coins: p at its least, 2 / 2001 random exchanges or so
    found = evaluate(MANY, {**FAIR, "pruned": [FRESH] * 30 + [BOTH] * 10}, INFO, MetricSpec(), None)
    cell = found["metrics"]["bur"]["difference"]
    assert (cell["value"], cell["verdict"], cell["primary"], cell["margin"]) == (0.75, "worse", True, 0.05)
    assert cell["p_value"] == cell["p_holm"] < 0.002
    assert cell["verdict_reason"] is None
    # √(.75 · .25 / 40) = .0685, with half a sample in each cell .0706; (2.0227 + .8512) · that ≈ .20
    assert cell["smallest_detectable"] == pytest.approx(0.20, abs=0.02)
    uer = found["metrics"]["uer"]["difference"]
    assert (uer["primary"], uer["p_holm"], uer["verdict"]) == (False, None, "worse")
    assert found["no_claim"] == []


def test_no_change_is_non_inferior_where_n_allows_it():
    # BUR 0 twice in 40 samples: the interval of a change of 0 in 40 ends at t² / (40 + t²), t = 2.0227: 9.3 points
    systems = {**FAIR, "pruned": [BOTH] * 40}
    for margin, verdict in ((0.05, "undecided"), (0.09, "undecided"), (0.1, "non-inferior")):
        spec = MetricSpec(margins={"bur": margin})
        cell = evaluate(MANY, systems, INFO, spec, None)["metrics"]["bur"]["difference"]
        assert (cell["verdict"], cell["margin"], cell["p_value"]) == (verdict, margin, 1)
        assert cell["high"] == pytest.approx(0.0928, abs=2e-4)


def test_holm_over_the_primary_family():
    spec = MetricSpec(primary=("bur", "uer", "spd2"))
    found = evaluate(MANY, {**FAIR, "pruned": [FRESH] * 4 + [BOTH] * 36}, INFO, spec, None)["metrics"]
    p_values = [found[name]["difference"]["p_value"] for name in ("bur", "uer")]
    # four of one sign: about 2 / 2⁴; SPD2 cannot be tested, but was promised: three tests, 3 · the smallest
    assert p_values == pytest.approx([0.125, 0.125], abs=0.03)
    assert found["bur"]["difference"]["p_holm"] == pytest.approx(3 * min(p_values))
    assert found["spd2"]["difference"]["p_holm"] is None
    assert found["auc"]["difference"]["primary"] is False


def test_below_thirty_samples_there_are_no_verdict_words(result):
    for cells in result["metrics"].values():
        cell = cells["difference"]
        assert (cell["verdict"], cell["p_value"], cell["p_holm"]) == (None, None, None)
        assert cell["verdict_reason"] == "demonstration, no inference"


def test_verdicts_on_a_signed_metric_are_about_its_distance_from_zero(classifier):
    # dense leans to fresh in all sets (SPD2 1), pruned to rotten in all (−1): as far from 0
    pruned = {"dense": [FRESH] * 40, "pruned": [ROTTEN] * 40}
    cell = evaluate(MANY, pruned, INFO, MetricSpec(), classifier)["metrics"]["spd2"]["difference"]
    assert (cell["value"], cell["distance"]["value"]) == (-2, 0)
    assert cell["p_value"] == 1


def test_a_dense_model_that_is_no_better_than_chance_supports_no_claim():
    found = evaluate(MANY, {"dense": [FRESH] * 40, "pruned": [BOTH] * 40}, INFO, MetricSpec(), None)
    reason = "the dense model is not fairer than random extracts of the same length (BUR)"
    assert found["no_claim"] == [reason]
    cell = found["metrics"]["bur"]["difference"]
    assert (cell["verdict"], cell["verdict_reason"]) == (None, reason)
    assert any(
        note.startswith(reason) and "support no claim about pruning" in note for note in found["notes"]
    )


def test_a_degenerate_dense_model_supports_no_claim():
    found = evaluate(
        MANY, {"dense": [BOTH] * 30 + ["bad"] * 10, "pruned": [BOTH] * 40}, INFO, MetricSpec(), None
    )
    assert found["no_claim"][0] == "25% of the dense summaries are degenerate"
    assert found["metrics"]["bur"]["difference"]["verdict"] is None


def test_bounds_by_hand(result):
    # pruned: 0, 1, 1 and one not written: fair 2/4, unfair 3/4; dense all written: 0
    cells = result["metrics"]["bur"]
    assert cells["pruned"]["bounds"] == {"low_fair": 0.5, "high_unfair": 0.75, "n": 4}
    assert cells["dense"]["bounds"] == {"low_fair": 0, "high_unfair": 0, "n": 4}
    assert cells["difference"]["bounds"] == {"low_fair": 0.5, "high_unfair": 0.75, "n": 4}


def test_validity_is_stored_and_sensible(result):
    for name, found in result["validity"].items():
        assert set(found) == {
            "share",
            "oracle_below_random",
            "random_below_one_group",
            "valid",
            "n",
            "reason",
        }
        assert found["n"] == 4, name
        assert found["valid"] == (found["share"] >= 0.95)
        assert found["share"] <= min(found["oracle_below_random"], found["random_below_one_group"])


def test_the_second_answers_of_the_dense_model_make_a_band():
    again = {"dense": [BOTH] * 4, "pruned": [FRESH] * 4, "dense_again": [BOTH, FRESH, BOTH, BOTH]}
    cells = evaluate(SETS, again, INFO, SPEC, None)["metrics"]["bur"]
    assert cells["dense_again"]["value"] == cells["noise"]["value"] == 0.25
    assert cells["noise"]["low"] <= 0.25 <= cells["noise"]["high"]
    with pytest.raises(BadInput, match="no summaries to evaluate"):
        evaluate(SETS, {"dense_again": [BOTH] * 4}, INFO, SPEC, None)


def test_a_summary_that_the_dense_model_would_never_write_is_degenerate():
    # losses 1.2 against .4: exactly 3 times is not more; 1.3 is; a loss of 0 has no ratio
    losses = {"dense": [0.4, 0.4, 0.0, 0.4], "pruned": [1.2, 1.3, 5.0, None]}
    texts = {"dense": [BOTH] * 4, "pruned": [BOTH] * 3 + [""]}
    found = evaluate(SETS, texts, INFO, SPEC, None, losses=losses)
    ratios = [sample["loss_ratio"] for sample in found["samples"]]
    assert ratios[:2] == pytest.approx([3.0, 3.25])
    assert ratios[2:] == [None, None]
    reasons = [sample["pruned"]["degenerate"] for sample in found["samples"]]
    assert reasons == [
        [],
        ["loss under the dense model more than 3 times that of its own summary"],
        [],
        ["empty"],
    ]
    assert found["degenerate"]["pruned"]["share"] == 0.5
    assert found["samples"][1]["pruned"]["loss"] == 1.3
    with pytest.raises(BadInput, match="1 losses of 'dense'"):
        evaluate(SETS, texts, INFO, SPEC, None, losses={"dense": [0.1]})


def test_references_cost_no_embedding(classifier):
    seen = []

    def counting(texts):
        seen.extend(texts)
        return bag_of_words(texts)

    spied = type(classifier)(classifier.groups, classifier.model, counting, classifier.report)
    evaluate(SETS, {"dense": ["Superb acting."] * 4, "pruned": [BOTH] * 4}, INFO, SPEC, spied)
    assert set(seen) == {
        FRESH,
        ROTTEN,
        "Superb acting.",
    }  # extracts of two words are cut: no text of their own
