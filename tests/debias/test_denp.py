"""RAC, its split and its document, on real models; and the toy of two grammars, in which the minority is known."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from fairprune.allocation import Target
from fairprune.calibration import calibration_set
from fairprune.debias.denp import (
    LEAST_TOKENS,
    NAME,
    PATH,
    Accumulated,
    Affected,
    Text,
    accumulate,
    affected_windows,
    find_affected,
    opinion_texts,
    pooled,
    rac_document,
    text_losses,
    window_texts,
)
from fairprune.debias.split import two_means
from fairprune.errors import BadInput, NumericError, Unavailable
from fairprune.methods import get_method
from fairprune.models import load, weight_matrix
from fairprune.prune import Calibration, prune
from fairprune.spec import CalibrationSpec
from fairprune.tokens import TextTokenizer
from tests import denp_toys

IDS = torch.randint(4, 60, (4, 12), generator=torch.Generator().manual_seed(5))


@pytest.fixture
def loaded(tiny_folder):
    return load(tiny_folder)


def some_texts(n=12, seed=0):
    """Of three lengths, in no order; in each the first half of the tokens does not count."""
    generator = torch.Generator().manual_seed(seed)
    found = []
    for index in range(n):
        length = (9, 6, 12)[index % 3]
        ids = tuple(torch.randint(4, 60, (length,), generator=generator).tolist())
        found.append(Text(f"text {index}", ids, tuple(place >= length // 2 for place in range(length))))
    return found


def test_losses_are_those_of_the_counted_tokens_in_the_order_of_the_texts(loaded):
    texts = some_texts()
    seen = []
    found = text_losses(loaded, texts, lambda done, total: seen.append((done, total)))
    for text, value in zip(texts, found, strict=True):
        ids = torch.tensor([text.ids])
        half = len(text.ids) // 2
        expected = cross_entropy(loaded.model(ids).logits[0, half - 1 : -1], ids[0, half:])
        assert value == pytest.approx(expected.item(), rel=1e-5)
    assert seen[-1] == (12, 12)


def test_texts_that_cannot_be_measured(loaded):
    blind = Text("nothing counts", (5, 6, 7), (False, False, False))
    with pytest.raises(BadInput, match="no token of the text 'nothing counts'"):
        text_losses(loaded, [*some_texts(2), blind])
    weight_matrix(loaded.linears()["model.layers.0.mlp.up_proj"])[0, 0] = float("nan")
    with pytest.raises(NumericError, match=r"the loss of 3 of 3 texts is not finite \(first: 'text 0'"):
        text_losses(loaded, some_texts(3))


def test_streamed_models_are_refused(tiny_folder):
    with pytest.raises(Unavailable, match="placement 'resident'"):
        text_losses(load(tiny_folder, placement="streamed"), some_texts(3))


def test_the_path_is_wanda_from_one_dense_pass_and_leaves_the_model_dense(tiny_folder, loaded):
    texts, before = some_texts(), {name: weight_matrix(one).clone() for name, one in loaded.linears().items()}
    forwards = []
    hook = loaded.model.model.register_forward_hook(lambda *_: forwards.append(1))
    found = accumulate(loaded, texts, Calibration(IDS), (0.3, 0.6))
    hook.remove()
    assert len(forwards) == 1 + 3 * 3  # one batch of windows, then three lengths of texts: dense, 30 %, 60 %
    assert all(torch.equal(before[name], weight_matrix(one)) for name, one in loaded.linears().items())
    wanda = get_method("wanda")
    options = wanda.parse_options({"propagate": "dense"})
    for row, sparsity in zip(found.pruned, (0.3, 0.6), strict=True):
        alone = load(tiny_folder)
        list(prune(alone, wanda, options, Target(sparsity), Calibration(IDS)))
        np.testing.assert_allclose(row, text_losses(alone, texts), rtol=1e-5)
    np.testing.assert_allclose(found.dense, text_losses(loaded, texts))
    np.testing.assert_allclose(found.rac, (found.pruned[0] + found.pruned[1]) / 2 - found.dense)


@pytest.mark.parametrize("path", [(), (0.0, 0.5), (0.5, 0.5), (0.6, 0.3), (0.5, 1.0)])
def test_paths_that_do_not_ascend_within_the_range(loaded, path):
    with pytest.raises(BadInput, match=r"the path .* must hold ascending sparsities within \(0, 1\)"):
        accumulate(loaded, some_texts(3), Calibration(IDS), path)


def test_no_text(loaded):
    with pytest.raises(BadInput, match="there is no text"):
        accumulate(loaded, [], Calibration(IDS))


def windows(toy_corpus, tiny_folder, name="denp", samples=8, **more):
    tokenizer = TextTokenizer.from_folder(tiny_folder)
    spec = CalibrationSpec(name=name, corpus="toy", samples=samples, seqlen=120)
    return calibration_set(spec, toy_corpus, tokenizer, **more), tokenizer


def test_of_windows_each_opinion_is_a_text_where_it_stands(toy_corpus, tiny_folder):
    found, tokenizer = windows(toy_corpus, tiny_folder)
    texts = window_texts(found)
    segments = [
        (row, segment)
        for row, window in enumerate(found.windows)
        for segment in window
        if segment.kind == "opinion" and segment.tokens >= LEAST_TOKENS
    ]
    assert len(texts) == len(segments) > 16
    for text, (row, segment) in zip(texts, segments, strict=True):
        assert (text.text, text.group, text.window) == (segment.text, segment.group, row)
        assert text.topic == segment.topic and text.opinion.startswith(segment.text[:5])
        assert text.ids == tuple(found.ids[row].tolist())
        counted = [i for i, counts in zip(text.ids, text.counts, strict=True) if counts]
        assert counted == tokenizer.encode(segment.text)


def test_other_windows_are_texts_themselves(toy_corpus, tiny_folder):
    general = window_texts(windows(toy_corpus, tiny_folder, "general", samples=4)[0])
    assert [text.window for text in general] == list(range(4))
    assert all(text.counts == (False, *[True] * 119) for text in general)
    summaries = [f"The movie was good and the plot was bad {i} ." for i in range(120)]
    own = windows(toy_corpus, tiny_folder, "model-output:fair", summaries=lambda: summaries)[0]
    for row, text in enumerate(window_texts(own)):
        assert text.counts == (False, *own.loss_mask[row, 1:].tolist())


def repeated(rac, counts):
    """Each text in so many places, one of them cut; its rise differs a little from place to place."""
    rng, places = np.random.default_rng(0), []
    for index, count in enumerate(counts):
        whole = Text(f"text {index}", (1, 2, 3), (False, True, True), "ab"[index % 2], f"topic {index // 2}")
        whole = replace(whole, opinion=whole.text)
        places += [replace(whole, window=row) for row in range(count - 1)]
        places.append(replace(whole, text="text", counts=(False, True, False), window=count - 1))
    values = np.repeat(rac, counts) + 0.05 * rng.normal(size=len(places))
    return places, Accumulated((0.5,), np.ones(len(places)), 1 + values[None])


def test_noise_on_repeated_texts_is_no_two_sets():
    """Each repetition as a value of its own: 2-means sees the same few numbers again and again, and takes them for sets."""
    told, naive = 0, 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        places, losses = repeated(rng.exponential(size=40), rng.integers(2, 24, size=40))
        texts, of, found = pooled(places, losses)
        assert len(texts) == 40 and [texts[i].opinion for i in of] == [place.opinion for place in places]
        told += two_means(found.rac).accepted
        naive += two_means(losses.rac).accepted
    assert told <= 1 and naive >= 4


def test_two_sets_of_repeated_texts_are_found_and_known_at_every_place():
    planted = np.arange(60) % 6 == 0
    places, losses = repeated(np.random.default_rng(1).normal(size=60) + 12 * planted, [5] * 60)
    texts, of, losses = pooled(places, losses)
    found = Affected(texts, losses, two_means(losses.rac), 0, 5, tuple(places), of)
    assert found.split.accepted and found.split.members.tolist() == planted.tolist()
    document = rac_document(found)
    assert (document["n"], document["places"], document["counted_tokens"]) == (60, 300, 540)
    assert document["split"]["n"] == document["auroc"][0]["n"] == 60
    assert document["curve"]["affected"][0]["n"] == 10
    assert {row["text"] for row in document["texts"]} == {f"text {i}" for i in np.flatnonzero(planted)}


def test_a_text_has_the_mean_loss_of_all_its_counted_tokens_and_one_group_or_none():
    long = Text("a b c d", (1, 2, 3, 4), (False, True, True, True), "x", "one", 0, "a b c d")
    cut = replace(long, text="a b", counts=(False, True, False, False), window=1)
    other = Text("e", (5, 6), (False, True), "x", "two", 1)
    losses = Accumulated((0.5,), np.array([1.0, 5.0, 3.0]), np.array([[2.0, 6.0, 3.5]]))
    texts, of, found = pooled([cut, long, other], losses)
    assert texts == (long, other) and of == (0, 0, 1)
    assert found.dense.tolist() == [1 / 4 + 5 * 3 / 4, 3.0] and found.pruned.tolist() == [
        [2 / 4 + 6 * 3 / 4, 3.5]
    ]
    disputed, _, _ = pooled([cut, replace(long, group="y"), other], losses)
    assert [text.group for text in disputed] == [None, "x"]


def test_opinions_stand_alone_with_their_label_held_back(toy_corpus, tiny_folder):
    tokenizer = TextTokenizer.from_folder(tiny_folder)
    opinions = toy_corpus.splits["test"][:6]
    texts = opinion_texts(tokenizer, [*opinions, replace(opinions[0], text="good")])
    assert [text.group for text in texts] == [
        opinion.group for opinion in opinions
    ]  # one token alone is left out
    assert texts[0].ids == tuple(tokenizer.encode(opinions[0].text))
    assert texts[0].counts == (False, *[True] * (len(texts[0].ids) - 1))


def test_a_refused_split_is_a_result_and_its_weights_an_error(loaded, toy_corpus, tiny_folder):
    found = affected_windows(loaded, windows(toy_corpus, tiny_folder)[0])
    assert not found.split.accepted  # a random model reads all of them alike
    document = rac_document(found)
    assert document["name"] == NAME == "DENP (after the abstract; reconstruction)"
    assert document["path"] == list(PATH)
    assert document["curve"]["affected"] is document["curve"]["rest"] is None
    assert len(document["curve"]["all"]) == 1 + len(PATH)
    assert {row["affected"] for row in document["texts"]} == {None}
    assert [row["group"] for row in document["auroc"]] == ["bad", "good"] or len(document["auroc"]) == 2
    assert document["no_auroc"] is None
    assert document["windows"] == 8
    assert (
        document["n"]
        == len({text.opinion for text in found.places})
        <= document["places"]
        == len(found.places)
    )
    assert len({row["text"] for row in document["texts"]}) == 10
    json.dumps(document, allow_nan=False)
    with pytest.raises(
        BadInput, match=r"rises of the texts' losses .* do not fall into two sets: the two means lie"
    ):
        found.weights()


def test_windows_that_weigh_alike_are_measured_whatever_they_weighed_before(loaded, toy_corpus, tiny_folder):
    plain = windows(toy_corpus, tiny_folder)[0]
    weighed = replace(plain, weights=np.linspace(0.5, 1.5, 8))
    np.testing.assert_array_equal(
        affected_windows(loaded, plain).accumulated.pruned,
        affected_windows(loaded, weighed).accumulated.pruned,
    )


# The toy of two grammars ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small_toy():
    """A third of the steps: half a minute less than the toy itself, and the minority is found all the same."""
    return denp_toys.language_model_toy(0, steps=500)


def test_rac_finds_the_second_grammar_where_the_dense_loss_does_not(small_toy):
    found = denp_toys.affected(small_toy)
    assert found.split.accepted, found.split.reason
    areas = denp_toys.aurocs(found)
    assert areas["rac"] > 0.95
    assert areas["dense"] < 0.75
    weights = found.weights()
    assert weights.mean() == pytest.approx(1)
    assert weights[found.split.members].sum() == pytest.approx(weights[~found.split.members].sum())
    document = rac_document(found)
    compared = document["auroc"][0]
    assert compared["group"] == "second"
    assert compared["members"] == 150
    assert compared["rac"]["value"] == pytest.approx(areas["rac"])
    assert compared["difference"]["low"] > 0.2
    affected, rest = (document["curve"][name][-1] for name in ("affected", "rest"))
    assert affected["low"] > rest["high"]
    assert affected["n"] + rest["n"] == 1500
    assert [row["group"] for row in document["texts"]] == ["second"] * 10
    json.dumps(document, allow_nan=False)


def test_labels_play_no_part_in_the_split(small_toy):
    texts = small_toy.learned.texts()[:200]
    found = find_affected(small_toy.loaded, texts, small_toy.calibration, denp_toys.TOY_PATH)
    blind = find_affected(
        small_toy.loaded,
        [replace(text, group=None) for text in texts],
        small_toy.calibration,
        denp_toys.TOY_PATH,
    )
    assert found.split.to_json() == blind.split.to_json()
    assert rac_document(blind)["auroc"] == []


def test_balanced_recovery_closes_the_gap_more_than_as_many_even_steps(small_toy):
    weights = denp_toys.affected(small_toy).weights()
    even, balanced = (denp_toys.recovered_gap(small_toy, one) for one in (None, weights))
    assert balanced < 0.75 * even
    assert denp_toys.recovered_gap(small_toy, np.ones(len(weights))) == even  # bit for bit


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_toy_of_two_grammars(seed):
    toy = denp_toys.language_model_toy(seed)
    found = denp_toys.affected(toy, seed=seed)
    assert found.split.accepted, found.split.reason
    areas = denp_toys.aurocs(found)
    assert areas["rac"] >= 0.995
    assert areas["dense"] <= 0.5
    weights = found.weights()
    by_token = np.repeat(weights[:, None], toy.learned.ids.shape[1], axis=1)  # as a run has them
    even, balanced, weighed = (denp_toys.recovered_gap(toy, one) for one in (None, weights, by_token))
    assert balanced <= 0.3 and weighed <= 0.43
    assert even >= 0.5 and weighed < even - 0.2
