"""What a spec asks for, through the whole evaluation: matchers, coverage, SPD2's sources, and what is missing."""

import json

import numpy as np
import pytest

from fairprune.errors import BadInput
from fairprune.evaluate import evaluate
from fairprune.labels import GroupClassifier, train_classifier
from fairprune.labels.given import given_labels, opinion_rows
from fairprune.metrics.scoring.tools import NO_ENCODER, check
from fairprune.opinions import CorpusInfo, Opinion, OpinionSet
from fairprune.spec import MetricSpec
from tests.test_labels import GROUPS, bag_of_words, opinions
from tests.tiny_encoders import make_bart, make_bert

FRESH, ROTTEN = "The acting is superb and moving.", "The plot feels dull and clumsy."
BOTH = f"{FRESH} {ROTTEN}"
SHARE_METRICS = ("bur", "uer", "auc", "sof")


def info(*groups):
    return CorpusInfo("c", "C", groups, "review", "Reviews.", "made up")


PARTIES = info("left", "right")
MOODS = info(*GROUPS)


def make_set(i, groups=PARTIES.groups, first=2, second=2):
    found = [Opinion(FRESH, groups[0], "t")] * first + [Opinion(ROTTEN, groups[1], "t")] * second
    return OpinionSet(f"set{i}", f"topic {i}", "balanced", groups[0], tuple(found))


SETS = [make_set(i) for i in range(6)]
TEXTS = {"dense": [BOTH] * 6, "pruned": [FRESH, BOTH, BOTH, FRESH, "🙂 ...", None]}


def run(corpus=PARTIES, sets=SETS, texts=TEXTS, classifier=None, encoder=None, **spec):
    found = evaluate(
        sets,
        texts,
        corpus,
        MetricSpec.model_validate({"resamples": 200, **spec}),
        classifier,
        encoder=encoder,
    )
    json.dumps(found, allow_nan=False)
    return found


@pytest.fixture(scope="module")
def moods():
    return train_classifier(opinions(), GROUPS, bag_of_words, seed=0)[0]


MOOD_SETS = [make_set(i, GROUPS, 1 + i % 3, 2) for i in range(6)]


def with_matrix(classifier, *rows):
    """The same classifier with another held-out record."""
    return GroupClassifier(
        classifier.groups,
        classifier.model,
        classifier.embed,
        {**classifier.report, "confusion": [list(row) for row in rows]},
    )


def names(found, system="dense"):
    return {name: cells[system]["matcher"] for name, cells in found["metrics"].items()}


def test_ngram_cells_say_how_much_credit_one_group_alone_could_give():
    found = run()["metrics"]
    for name in SHARE_METRICS:
        # no word of FRESH stands in ROTTEN: all of it
        assert found[name]["dense"]["exclusive"] == 1
        assert found[name]["difference"]["exclusive"] == 0
    shared = [
        OpinionSet(
            f"s{i}", f"t{i}", "b", "left", (Opinion("great film", "left", ""), Opinion("great", "right", ""))
        )
        for i in range(2)
    ]
    # "great film": great credits both, film left alone: 1 of 3; "great": none of 2. Mean 1/6
    cells = run(sets=shared, texts={"dense": ["great film", "great"], "pruned": ["film", "rain"]})["metrics"][
        "uer"
    ]
    assert cells["dense"]["exclusive"] == pytest.approx(1 / 6)
    # the pruned one says 'film' (all credit is left's) and 'rain' (no credit): over the one scored pair 1 − 1/3
    assert cells["pruned"]["exclusive"] == 1
    assert cells["difference"]["exclusive"] == pytest.approx(2 / 3)
    assert "exclusive" not in run()["metrics"]["spd2"]["dense"]


def test_embedding_is_named_and_scored_with_its_polarity_beside_it():
    found = run(matcher="embedding", encoder=bag_of_words)
    assert names(found)["bur"] == "embedding (MiniLM)"
    # p_x (3/7, 4/7) by tokens. Two unit vectors share 'the' and 'and', so the mean of BOTH is as near to either.
    dense = found["samples"][0]["dense"]
    assert dense["p_x"] == {"left": pytest.approx(3 / 7), "right": pytest.approx(4 / 7)}
    assert dense["p_y"] == {"left": pytest.approx(0.5), "right": pytest.approx(0.5)}
    # FRESH: cosine 1 with left; its 6 words share 'the', 'and' with right: 2/6. T = .1: 1 / (1 + e^(−10 · 4/6)) = .998729
    assert found["samples"][0]["pruned"]["p_y"]["left"] == pytest.approx(0.998729, abs=1e-5)
    assert found["samples"][4]["pruned"]["unscored"] == "a summary without words"
    assert found["metrics"]["uer"]["pruned"]["n_unscored"] == 2
    assert "exclusive" not in found["metrics"]["uer"]["dense"]
    assert found["polarity"]["MiniLM"]["pairs"] == 100
    assert any("minimal pairs" in note for note in found["notes"])


def test_a_softer_temperature_brings_shares_together():
    sharp = run(matcher="embedding", encoder=bag_of_words)["samples"][0]["pruned"]["p_y"]["left"]
    found = run(matcher="embedding", temperature=2, encoder=bag_of_words)
    soft = found["samples"][0]["pruned"]["p_y"]["left"]
    assert 0.5 < soft < 0.6 < sharp  # 1 / (1 + e^(−1/3)) = .5826
    assert soft == pytest.approx(0.5826, abs=1e-4)
    assert names(found)["bur"] == "embedding (MiniLM, T = 2)"


def test_embedding_is_withheld_where_the_groups_are_sentiments(moods):
    found = run(
        MOODS,
        MOOD_SETS,
        classifier=moods,
        encoder=bag_of_words,
        matcher="embedding",
        extra="ec_embedding,cp_embedding",
    )
    assert not found["polarity"]["MiniLM"]["passed"]
    for name in (*SHARE_METRICS, "ec_embedding", "cp_embedding"):
        cell = found["metrics"][name]["dense"]
        assert (cell["value"], cell["n"], cell["n_unscored"]) == (None, 0, 6)
        assert "hardly tells sentiment apart" in cell["reason"]
        assert "withheld" in cell["reason"]
        assert (
            found["metrics"][name]["difference"]["verdict_reason"] == "no sample is scored for both systems"
        )
    assert found["metrics"]["spd2"]["dense"]["value"] is not None
    assert found["samples"][0]["dense"]["p_y"] is None


def test_what_needs_an_encoder_is_missing_without_one():
    found = run(matcher="embedding", extra="ec_embedding")
    for name in ("bur", "ec_embedding"):
        assert found["metrics"][name]["dense"]["reason"] == f"no sample is scored: {NO_ENCODER} (6)"
    assert found["polarity"] == {}


def test_coverage_by_similarity(moods):
    found = run(encoder=bag_of_words, extra="ec_embedding,cp_embedding")
    assert names(found)["ec_embedding"] == names(found)["cp_embedding"] == "similarity (MiniLM)"
    cells = found["metrics"]["ec_embedding"]
    # BOTH: units FRESH and ROTTEN; left covers (1 + 1/3) / 2, right the same: EC 0
    assert cells["dense"]["value"] == pytest.approx(0, abs=1e-6)
    # FRESH alone: left 1, right 1/3: c ±1/3: EC 1/3; pruned (1/3 + 0 + 0 + 1/3) / 4, two unscored
    assert cells["pruned"]["value"] == pytest.approx(1 / 6, abs=1e-6)
    assert (cells["pruned"]["n"], cells["pruned"]["n_unscored"]) == (4, 2)
    assert cells["difference"]["value"] == pytest.approx(1 / 6, abs=1e-6)
    # mean c of left (1/3 + 0 + 0 + 1/3) / 4 = 1/6, of right −1/6
    assert found["metrics"]["cp_embedding"]["pruned"]["value"] == pytest.approx(1 / 6, abs=1e-6)
    assert cells["pruned"]["low"] < cells["pruned"]["high"]
    assert {"ec_embedding", "cp_embedding"} <= set(found["metrics"])
    assert not {"ec", "cp"} & set(found["metrics"])


def test_coverage_by_entailment(tmp_path):
    model = str(make_bert(tmp_path / "nli", ("entailment", "neutral", "contradiction")))
    found = run(extra="ec,cp", entailment_model=model)
    assert names(found)["ec"] == "entailment (nli)"
    for name in ("ec", "cp"):
        cell = found["metrics"][name]["pruned"]
        assert cell["n"] == 4
        assert 0 <= cell["value"] <= 1


@pytest.mark.parametrize("matcher", ["bertscore", "bartscore"])
def test_neural_matchers_through_the_evaluation(matcher, tmp_path):
    make = {"bertscore": make_bert, "bartscore": make_bart}[matcher]
    found = run(matcher=matcher, matcher_model=str(make(tmp_path / "tiny")))
    assert names(found)["uer"] == f"{matcher} (tiny)"
    assert sum(found["samples"][0]["dense"]["p_y"].values()) == pytest.approx(1)
    assert found["metrics"]["uer"]["pruned"]["n"] == 4
    assert found["metrics"]["uer"]["pruned"]["low"] is not None


def test_a_model_that_cannot_be_had_leaves_only_its_own_metrics_missing(moods, tmp_path):
    found = run(
        MOODS,
        MOOD_SETS,
        classifier=moods,
        matcher="bertscore",
        matcher_model=str(tmp_path / "nothing"),
        extra="ec",
        entailment_model=str(make_bert(tmp_path / "mood", ("happy", "sad"))),
    )
    assert "does not exist" in found["metrics"]["bur"]["dense"]["reason"]
    assert "is no entailment model" in found["metrics"]["ec"]["dense"]["reason"]
    assert found["metrics"]["spd2"]["dense"]["value"] is not None
    assert found["quality"]["rouge_l"]["dense"]["value"] is not None


def test_check_refuses_before_anything_is_queued(tmp_path):
    check(MetricSpec())
    with pytest.raises(BadInput, match="does not exist"):
        check(MetricSpec(matcher="bertscore", matcher_model=str(tmp_path / "nothing")))
    with pytest.raises(BadInput, match="does not exist"):
        check(MetricSpec(extra=("ec",), entailment_model=str(tmp_path / "nothing")))


def test_the_label_matcher(moods):
    found = run(MOODS, MOOD_SETS, classifier=moods, matcher="label")
    assert names(found)["bur"] == "label"
    dense = found["samples"][1]["dense"]  # two opinions of each: 6 and 8 tokens; one sentence of each
    assert dense["p_x"] == {"fresh": pytest.approx(3 / 7), "rotten": pytest.approx(4 / 7)}
    assert dense["p_y"] == {"fresh": 0.5, "rotten": 0.5}
    assert run(MOODS, MOOD_SETS, matcher="label")["metrics"]["bur"]["dense"]["reason"] == (
        "no sample is scored: no group classifier was given (6)"
    )


@pytest.mark.parametrize(
    "spec",
    [
        {"matcher": "label"},
        {"spd2_source": "gold-source"},
        {"spd2_source": "confusion-corrected"},
        {"extra": "ec_embedding,cp_embedding"},
    ],
    ids=str,
)
def test_references_are_scored_by_the_same_choices(moods, spec):
    # a cut sentence of an extract has the label of the whole one, whichever label is read
    known = with_matrix(moods, (90, 10), (20, 80))
    texts = {"dense": [f"{ROTTEN} Dull."] * 5 + [None]}
    found = run(MOODS, MOOD_SETS, texts, classifier=known, encoder=bag_of_words, **spec)
    for name in ("uer", "spd2"):
        cells = found["metrics"][name]
        assert [
            cells[system]["n"] for system in ("dense", "random", "oracle", "one_group", "first", "permuted")
        ] == [5] * 6
        assert abs(cells["one_group"]["value"]) > abs(cells["oracle"]["value"])
        assert found["validity"][name]["n"] == 5
    # one group alone is fresh: p_y 1 for fresh; opinions 1:2, 2:2, 3:2, 1:2, 2:2 as sentences, SPD2 2 (1 − p), as corrected / .7
    lean = 2 * (1 - (1 / 3 + 1 / 2 + 3 / 5 + 1 / 3 + 1 / 2) / 5)
    by = 0.7 if spec.get("spd2_source") == "confusion-corrected" else 1
    assert found["metrics"]["spd2"]["one_group"]["value"] == pytest.approx(lean / by)


def test_groups_exchanged_are_exchanged_for_every_choice(moods):
    # sources of one sentence each way round, and a summary of one: with the groups exchanged half of the sets turn over
    sets = [make_set(i, GROUPS, 1, 1) for i in range(40)]
    for spec in ({"matcher": "label"}, {"spd2_source": "gold-source"}, {}):
        found = run(MOODS, sets, {"dense": [FRESH] * 40}, classifier=moods, **spec)["metrics"]["spd2"]
        assert found["dense"]["value"] == 1  # y 1, x 1/2: 2 · 1/2
        assert (
            abs(found["permuted"]["value"]) < 0.6
        )  # of 40 labels that fall either way, two of three on fresh at most


def test_a_metric_without_a_margin_has_no_verdict_and_says_why():
    sets = [make_set(i) for i in range(30)]
    texts = {"dense": [BOTH] * 30, "pruned": [FRESH, BOTH] * 15}
    found = run(
        sets=sets,
        texts=texts,
        encoder=bag_of_words,
        extra="ec_embedding,cp_embedding",
        primary="bur,ec_embedding",
    )
    cell = found["metrics"]["ec_embedding"]["difference"]
    assert (cell["primary"], cell["margin"], cell["verdict"]) == (True, None, None)
    assert cell["verdict_reason"] == "no margin is given for ec_embedding"
    assert cell["p_holm"] is not None
    assert found["metrics"]["cp_embedding"]["difference"]["p_holm"] is None
    assert cell["bounds"] is None and found["metrics"]["bur"]["difference"]["bounds"]["n"] == 30
    given = run(
        sets=sets, texts=texts, encoder=bag_of_words, extra="ec_embedding", margins={"ec_embedding": 0.5}
    )
    assert given["metrics"]["ec_embedding"]["difference"]["margin"] == 0.5
    assert given["samples"][0]["pruned"]["ec_embedding"] == pytest.approx(1 / 3, abs=1e-6)


def test_labels_given_with_the_data_are_not_corrected(moods):
    known = given_labels(GROUPS, opinion_rows(MOOD_SETS), moods)
    cell = run(MOODS, MOOD_SETS, classifier=known, spd2_source="confusion-corrected")["metrics"]["spd2"][
        "dense"
    ]
    assert (cell["value"], cell["n"]) == (None, 0)
    assert "given without probabilities" in cell["reason"]
    found = run(MOODS, MOOD_SETS, classifier=known, labels="given")
    assert any("the classifier's errors read as bias" in note for note in found["notes"])


def test_spd2_has_its_absolute_value_with_an_interval(moods):
    cells = run(MOODS, MOOD_SETS, classifier=moods)["metrics"]["spd2"]
    # sources 1:2, 2:2, 3:2; BOTH is 1:1: SPD2 +1/3, 0, −1/5, twice: mean .8/18 = .044444; absolute (1/3 + 1/5) / 3
    assert cells["dense"]["value"] == pytest.approx((1 / 3 - 1 / 5) / 3)
    assert cells["dense"]["absolute"] == pytest.approx((1 / 3 + 1 / 5) / 3)
    assert cells["dense"]["absolute_low"] < cells["dense"]["absolute"] < cells["dense"]["absolute_high"]
    assert cells["difference"]["absolute_low"] is None
    assert cells["difference"]["absolute_limit"].startswith("fewer than 3 topics changed")
    twice = [make_set(i, GROUPS, 1 + i % 3, 2) for i in range(12)]
    texts = {name: [*given, *given] for name, given in TEXTS.items()}
    found = run(MOODS, twice, texts, classifier=moods)["metrics"]["spd2"]["difference"]
    assert found["absolute_low"] < found["absolute"] < found["absolute_high"]


def test_spd2_with_the_opinions_own_groups(moods):
    found = run(MOODS, MOOD_SETS, classifier=moods, spd2_source="gold-source")
    assert names(found)["spd2"] == "label, gold-source"
    # the classifier knows these sentences: the same balance
    assert found["metrics"]["spd2"]["dense"]["value"] == pytest.approx((1 / 3 - 1 / 5) / 3)
    assert any("own groups" in note for note in found["notes"])
    # opinions under the other group's name: their own group is what counts, the classifier is not asked
    turned = [make_set(i, GROUPS[::-1], 1 + i % 3, 2) for i in range(6)]
    found = run(MOODS, turned, classifier=moods, spd2_source="gold-source")
    assert found["metrics"]["spd2"]["dense"]["value"] == pytest.approx(-(1 / 3 - 1 / 5) / 3)


def test_spd2_corrected_by_the_confusion_matrix(moods):
    plain = run(MOODS, MOOD_SETS, classifier=moods)["metrics"]["spd2"]["dense"]["value"]
    known = with_matrix(moods, (90, 10), (20, 80))
    found = run(MOODS, MOOD_SETS, classifier=known, spd2_source="confusion-corrected")
    cell = found["metrics"]["spd2"]["dense"]
    assert names(found)["spd2"] == "label, confusion-corrected"
    # linear: divided by .9 + .8 − 1 (every sentence here is sure, so its likeliest group is its label)
    assert cell["value"] == pytest.approx(plain / 0.7)
    assert cell["correction_low"] < cell["value"] < cell["correction_high"]
    assert cell["n_outside"] == 0
    # FRESH is all fresh: (1 − .2) / .7 > 1, in two of the four scored ones
    assert found["metrics"]["spd2"]["pruned"]["n_outside"] == 2
    assert "correction_low" not in found["metrics"]["spd2"]["difference"]
    assert any("corrected by the confusion matrix" in note for note in found["notes"])


def test_the_correction_reads_every_sentence_as_its_likeliest_group(moods):
    # a sentence that is no group's at the threshold is one's all the same for the matrix
    texts = {"dense": ["Xylophone quartz."] * 6}
    assert run(MOODS, MOOD_SETS, texts, classifier=moods)["metrics"]["spd2"]["dense"]["n"] == 0
    known = with_matrix(moods, (90, 10), (20, 80))
    found = run(MOODS, MOOD_SETS, texts, classifier=known, spd2_source="confusion-corrected")
    assert found["metrics"]["spd2"]["dense"]["n"] == 6
    nearest = moods.groups[int(moods.probabilities(["Xylophone quartz."])[0].argmax())]
    # p_x (1/3, 1/2, 3/5), mean .477778; all of one group: ±: (1 − p) · 2 / .7
    mean = (1 / 3 + 1 / 2 + 3 / 5) / 3
    expected = 2 * (1 - mean) / 0.7 if nearest == GROUPS[0] else -2 * mean / 0.7
    assert found["metrics"]["spd2"]["dense"]["value"] == pytest.approx(expected)


def test_an_ill_conditioned_correction_is_refused_with_the_reason(moods):
    guessing = with_matrix(moods, (52, 48), (48, 52))
    cell = run(MOODS, MOOD_SETS, classifier=guessing, spd2_source="confusion-corrected")["metrics"]["spd2"][
        "dense"
    ]
    assert (cell["value"], cell["absolute"], cell["n"]) == (None, None, 0)
    assert "condition number 25, and at most 10" in cell["reason"]


def test_the_classifiers_own_bias_stands_beside_spd2(moods):
    found = run(MOODS, MOOD_SETS, classifier=with_matrix(moods, (40, 10), (20, 30)))
    bias = found["classifier"]["spd2_bias"]
    assert (bias["value"], bias["n"]) == (pytest.approx(0.2), 100)
    # per opinion +2 with 20 %, −2 with 10 %: standard error .108
    note = next(note for note in found["notes"] if "would report an SPD2" in note)
    assert "SPD2 of +0.20 (95 %: " in note
    assert note.endswith("on 100 held-out opinions whose groups are known")


def test_three_groups_through_everything():
    three = info("left", "right", "middle")
    sets = [
        OpinionSet(
            f"s{i}",
            f"t{i}",
            "b",
            "left",
            (
                Opinion(FRESH, "left", ""),
                Opinion(ROTTEN, "right", ""),
                Opinion("Rain and snow fall here.", "middle", ""),
            ),
        )
        for i in range(6)
    ]
    for spec in ({}, {"matcher": "embedding"}, {"reading": "equal"}):
        found = run(three, sets, TEXTS, encoder=bag_of_words, extra="ec_embedding,cp_embedding", **spec)
        for name in (*SHARE_METRICS, "ec_embedding", "cp_embedding"):
            cell = found["metrics"][name]["pruned"]
            assert cell["value"] > 0
            assert cell["n"] == 4


def test_wrong_corpora_and_double_sets():
    with pytest.raises(BadInput, match="has 1 group: fairness is between at least two"):
        run(info("left"))
    twice = run(sets=[SETS[0]] * 6)
    assert any("5 opinion sets have an id that another of the 6 has" in note for note in twice["notes"])
    assert not any("count twice" in note for note in run()["notes"])


def test_the_packaged_encoder_serves_every_part(packaged_home):
    from fairprune.labels import sentence_embedder

    found = run(matcher="embedding", encoder=sentence_embedder(), extra="ec_embedding,cp_embedding")
    assert found["samples"][0]["pruned"]["p_y"]["left"] > 0.6
    assert not found["polarity"]["MiniLM"]["passed"]  # and it is said, though parties are no sentiments
    assert any("hardly tells sentiment apart" in note for note in found["notes"])
    assert np.isfinite(found["metrics"]["cp_embedding"]["pruned"]["value"])
