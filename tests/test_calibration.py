"""Calibration windows: exact length, whole instruction, groups as asked, no endless loop, the same by seed."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from fairprune.bundle.documents import Calibration
from fairprune.calibration import LEAST_OPINION_TOKENS, calibration_set, ids_hash
from fairprune.errors import BadInput
from fairprune.prompts import after_opinions, before_opinions
from fairprune.spec import CalibrationSpec
from fairprune.tokens import TextTokenizer


@pytest.fixture(scope="module")
def tokenizer(tiny_folder) -> TextTokenizer:
    return TextTokenizer.from_folder(tiny_folder)


def windows(corpus, tokenizer, name="balanced", samples=4, seqlen=120, seed=0, **more):
    return calibration_set(
        CalibrationSpec(name=name, corpus="toy", samples=samples, seqlen=seqlen, seed=seed),
        corpus,
        tokenizer,
        **more,
    )


@pytest.mark.parametrize(
    "name", ["balanced", "random", "skewed:good", "skewed:bad", "one-group:bad", "general"]
)
def test_windows_have_the_exact_length_and_depend_on_the_seed(toy_corpus, tokenizer, name):
    found = windows(toy_corpus, tokenizer, name)
    assert found.ids.shape == (4, 120)
    assert found.ids.dtype == np.int32
    assert (
        found.hash
        == windows(toy_corpus, tokenizer, name).hash
        != windows(toy_corpus, tokenizer, name, seed=1).hash
    )
    assert all(sum(segment.tokens for segment in window) == 120 for window in found.windows)


@pytest.mark.parametrize("name", ["balanced", "random", "skewed:good", "one-group:bad"])
def test_the_instruction_survives_in_every_window(toy_corpus, tokenizer, name):
    head, tail = tokenizer.around(before_opinions(toy_corpus.info), after_opinions(toy_corpus.info))
    for row in windows(toy_corpus, tokenizer, name).ids.tolist():
        assert row[: len(head)] == head
        assert row[-len(tail) :] == tail


def test_groups_are_as_asked(toy_corpus, tokenizer):
    assert windows(toy_corpus, tokenizer, "one-group:bad").tokens_by_group["good"] == 0
    one = windows(toy_corpus, tokenizer, "one-group:good").tokens_by_group
    assert one["bad"] == 0 < one["good"]

    def opinions(name):
        found = windows(toy_corpus, tokenizer, name, samples=8, seqlen=200)
        return [[s.group for s in window if s.kind == "opinion"] for window in found.windows]

    balanced = opinions("balanced")
    assert [row[0] for row in balanced[:4]] == [
        "good",
        "bad",
        "good",
        "bad",
    ]  # which group stands first is counterbalanced
    assert all(a != b for row in balanced for a, b in pairwise(row))
    skewed = [group for row in opinions("skewed:bad") for group in row]
    assert 0.65 < skewed.count("bad") / len(skewed) < 0.85


def test_a_window_is_of_one_topic_while_it_lasts_and_no_opinion_stands_twice_in_it(toy_corpus, tokenizer):
    found = windows(toy_corpus, tokenizer, samples=3, seqlen=400)
    for window in found.windows:
        texts = [segment.text for segment in window if segment.kind == "opinion"]
        assert len(texts) == len(set(texts))
        topics = [text.split(" : ")[0] for text in texts[:-1]]
        assert topics == sorted(topics, key=topics.index)  # a topic is not left and entered again
    assert found.texts_used == sum(
        segment.kind == "opinion" for window in found.windows for segment in window
    )


def test_texts_are_reused_only_when_the_split_has_no_more_and_that_is_counted(toy_corpus, tokenizer):
    assert windows(toy_corpus, tokenizer, samples=2).reused == 0
    many = windows(toy_corpus, tokenizer, samples=60, seqlen=150)
    assert many.reused == many.texts_used - 120  # all 120 opinions of the split were used once before


def test_what_was_cut_is_counted(toy_corpus, tokenizer):
    found = windows(toy_corpus, tokenizer, samples=1)
    opinions = [s for s in found.windows[0] if s.kind == "opinion"]
    last = opinions[-1]
    whole = next(
        o.text
        for o in toy_corpus.splits["calibration"]
        if o.text.startswith(last.text.split(" : ")[0]) and o.group == last.group
    )
    assert 0 <= found.tokens_cut <= len(tokenizer.encode(whole)) + 2


def test_short_texts_end_in_an_error_not_in_a_loop(toy_corpus, tokenizer):
    few = replace(
        toy_corpus, splits={**toy_corpus.splits, "calibration": toy_corpus.splits["calibration"][:12]}
    )
    with pytest.raises(BadInput, match=r"one window cannot be filled: all \d+ opinions"):
        windows(few, tokenizer, seqlen=4000)
    with pytest.raises(
        BadInput,
        match=r"general.* needs 100 windows of 500 tokens, but its 40 texts give \d+ tokens: ask for at most",
    ):
        windows(toy_corpus, tokenizer, "general", samples=100, seqlen=500)


def test_windows_too_short_for_the_instruction_are_refused(toy_corpus, tokenizer):
    head, tail = tokenizer.around(before_opinions(toy_corpus.info), after_opinions(toy_corpus.info))
    least = len(head) + len(tail) + LEAST_OPINION_TOKENS
    with pytest.raises(BadInput, match=f"so at least {least} are needed"):
        windows(toy_corpus, tokenizer, seqlen=least - 1)
    assert windows(toy_corpus, tokenizer, seqlen=least).ids.shape == (4, least)


def test_unknown_and_absent_groups(toy_corpus, tokenizer):
    with pytest.raises(BadInput, match="did you mean 'good'"):
        windows(toy_corpus, tokenizer, "skewed:god")
    alone = replace(
        toy_corpus,
        splits={
            **toy_corpus.splits,
            "calibration": tuple(o for o in toy_corpus.splits["calibration"] if o.group == "good"),
        },
    )
    with pytest.raises(BadInput, match="no opinion of group 'bad'"):
        windows(alone, tokenizer, "balanced")


def test_model_output_windows_are_the_summaries_without_a_prompt(toy_corpus, tokenizer):
    texts = [f"The movie was good and the plot was bad {i} ." for i in range(60)]
    found = windows(toy_corpus, tokenizer, "model-output:fair", summaries=lambda: texts)
    assert found.loss_mask is not None
    assert found.loss_mask.shape == (4, 120)
    assert found.loss_mask.mean() > 0.8  # all but what stands between two summaries
    assert after_opinions(toy_corpus.info)[5:20] not in tokenizer.decode(found.ids[0].tolist())
    with pytest.raises(BadInput, match="written when the run starts"):
        windows(toy_corpus, tokenizer, "model-output:fair")


def test_the_hash_is_of_ids_shape_and_mask():
    ids = np.arange(12, dtype=np.int32).reshape(3, 4)
    assert ids_hash(ids) == ids_hash(ids.copy()) != ids_hash(ids.reshape(4, 3))
    assert ids_hash(ids, np.ones((3, 4), bool)) != ids_hash(ids)


def test_the_windows_of_denp_are_the_balanced_ones_and_weights_are_part_of_their_name(toy_corpus, tokenizer):
    balanced = windows(toy_corpus, tokenizer, samples=20)
    denp = windows(toy_corpus, tokenizer, "denp", samples=20)
    assert np.array_equal(balanced.ids, denp.ids)
    assert balanced.hash == denp.hash  # as long as nothing is weighed
    assert "weights" not in denp.to_json()
    weights = np.linspace(0.5, 1.5, 20)
    weighed = replace(denp, weights=weights)
    assert len({denp.hash, weighed.hash, replace(denp, weights=weights[::-1]).hash}) == 3
    assert weighed.to_json()["weights"] == weights.tolist()
    by_token = replace(denp, weights=np.ones(denp.ids.shape))
    by_token.weights[0, 40:] = 2.0
    assert by_token.hash not in (denp.hash, weighed.hash)
    told = by_token.to_json()
    assert told["weights"][1:] == [1.0] * 19 and told["weights"][0] > 1
    assert [len(row) for row in told["segment_weights"]] == [len(row) for row in told["windows"]]
    assert told["segment_weights"][0][0] == 1.0 and told["segment_weights"][0][-1] == 2.0
    for found in (denp, weighed):  # what a bundle takes of it
        read = Calibration.model_validate(json.loads(json.dumps(found.to_json())))
        assert read.weights == (None if found is denp else weights.tolist())


@pytest.mark.parametrize("name", ["balanced", "general"])
def test_segments_have_their_places(toy_corpus, tokenizer, name):
    found = windows(toy_corpus, tokenizer, name)
    for row, ids in enumerate(found.ids):
        places = list(found.places(row))
        assert [segment for segment, _ in places] == list(found.windows[row])
        assert places[-1][1].stop == 120
        for segment, place in places:
            if segment.kind in ("opinion", "separator"):
                assert ids[place].tolist() == tokenizer.encode(segment.text)
