"""The one pass: every sum and every measure against a slow reference that stores all features."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from fairprune.debias import collapse
from fairprune.debias.collapse import class_totals
from fairprune.debias.collapse_measures import FROM_SUMS, measures
from fairprune.errors import BadInput, Unavailable
from fairprune.models import load

GROUP, CONTROL = [211, 215, 219], [212, 218, 222]
LISTS = {"group": GROUP, "control": CONTROL, "all": list(range(210, 226))}


@pytest.fixture
def tiny(tiny_folder):
    return load(tiny_folder)


def some_windows(count=9, tokens=20, low=210, high=226, seed=0):
    return np.random.default_rng(seed).integers(low, high, (count, tokens)).astype(np.int32)


def all_features(loaded, ids):
    """(windows, tokens − 1, width) float64: what the output matrix reads, seen at its door, window by window."""
    seen = []
    handle = loaded.model.get_output_embeddings().register_forward_pre_hook(
        lambda _m, args: seen.append(args[0][0])
    )
    with torch.no_grad():
        for window in ids:
            loaded.model(input_ids=torch.from_numpy(window[None]).long())
    handle.remove()
    return torch.stack(seen)[:, :-1].double().numpy()


def slow(features, ids, words, rows):
    """Every measure with loops over words and pairs, from stored features."""
    labels = ids[:, 1:]
    found = {word: features[labels == word] for word in words}
    means = {word: found[word].mean(axis=0) for word in words}
    spread = {word: np.mean([((h - means[word]) ** 2).sum() for h in found[word]]) for word in words}
    centre = np.mean([means[word] for word in words], axis=0)
    lengths = [np.linalg.norm(means[word] - centre) for word in words]
    cosines = [
        (rows[word] @ (means[word] - centre))
        / np.linalg.norm(rows[word])
        / np.linalg.norm(means[word] - centre)
        for word in words
    ]
    nc1, angles, logs = [], [], []
    for i, one in enumerate(words):
        for other in words[i + 1 :]:
            nc1.append((spread[one] + spread[other]) / (2 * ((means[one] - means[other]) ** 2).sum()))
            a = (means[one] - centre) / np.linalg.norm(means[one] - centre)
            b = (means[other] - centre) / np.linalg.norm(means[other] - centre)
            angles.append(a @ b)
            logs.append(np.log(1 / np.linalg.norm(a - b)))
    return {
        "nc1": np.mean(nc1),
        "nc2_norms": np.std(lengths) / np.mean(lengths),
        "nc2_angles": np.std(angles),
        "gnc2": np.std(logs),
        "nc3": np.mean(cosines),
        "unc3": np.std(cosines),
    }


def slow_nc4(features, ids, words, rows):
    """(agreed, judged): means of the windows 0, 2, 4 …, judged at 1, 3, 5 …"""
    labels = ids[:, 1:]
    means = {
        word: features[::2][labels[::2] == word].mean(axis=0) for word in words if (labels[::2] == word).any()
    }
    agreed = judged = 0
    for window, label in zip(features[1::2], labels[1::2], strict=True):
        for h, word in zip(window, label, strict=True):
            if word in words:
                chosen = max(means, key=lambda c: rows[c] @ h)
                nearest = min(means, key=lambda c: ((h - means[c]) ** 2).sum())
                judged += 1
                agreed += chosen == nearest
    return agreed, judged


def rows_of(loaded):
    return loaded.model.get_output_embeddings().weight.detach().double().numpy()


@pytest.mark.parametrize("batch", [20, 2048])
def test_every_number_equals_the_slow_reference(tiny, monkeypatch, batch):
    monkeypatch.setattr(collapse, "BATCH_TOKENS", batch)
    ids = some_windows()
    found = class_totals(tiny, ids, LISTS, whole=("all",))
    features, rows = all_features(tiny, ids), rows_of(tiny)
    for name, words in LISTS.items():
        one = found[name]
        assert one.clusters == (1 if name == "all" else 9)
        assert one.ids.tolist() == words
        expected = slow(features, ids, words, rows)
        assert set(expected) == set(FROM_SUMS)
        for measure, value in measures(one).items():
            assert value == pytest.approx(expected[measure], rel=1e-4), (name, measure)
        assert (one.agreed.sum(), one.judged.sum()) == slow_nc4(features, ids, words, rows)
        assert one.judged.sum() > 0
        for i, word in enumerate(words):
            held = features[ids[:, 1:] == word]
            assert one.counts[:, i].sum() == len(held)
            assert one.sums[:, i].sum(axis=0) == pytest.approx(held.sum(axis=0), rel=1e-4, abs=1e-4)
            assert one.squares[:, i].sum() == pytest.approx((held**2).sum(), rel=1e-5)


def test_clusters_are_windows_that_follow_one_another(tiny, monkeypatch):
    monkeypatch.setattr(collapse, "CLUSTERS", 3)
    ids = some_windows(count=7)
    one = class_totals(tiny, ids, {"group": GROUP})["group"]
    labels = ids[:, 1:]
    # Windows 0 to 2, 3 and 4, 5 and 6.
    for cluster, part in enumerate((slice(0, 3), slice(3, 5), slice(5, 7))):
        assert one.counts[cluster].tolist() == [(labels[part] == word).sum() for word in GROUP]
    judged = np.isin(labels, GROUP).sum(axis=1)
    assert one.judged.tolist() == [judged[1], judged[3], judged[5]]


def test_a_bias_of_the_output_matrix_has_its_say(tiny):
    ids = some_windows()
    layer = tiny.model.get_output_embeddings()
    layer.bias = torch.nn.Parameter(torch.zeros(tiny.model.config.vocab_size))
    layer.bias.data[GROUP[1]] = 1e6  # it always wins
    one = class_totals(tiny, ids, {"group": GROUP})["group"]
    features = all_features(tiny, ids)
    means = {word: features[::2][ids[::2, 1:] == word].mean(axis=0) for word in GROUP}
    asked = [
        h
        for window, labels in zip(features[1::2], ids[1::2, 1:], strict=True)
        for h in window[np.isin(labels, GROUP)]
    ]
    nearest = [min(means, key=lambda c: ((h - means[c]) ** 2).sum()) for h in asked]
    assert one.judged.sum() == len(asked)
    assert one.agreed.sum() == nearest.count(GROUP[1])


def test_words_that_are_no_next_token_have_no_features(tiny):
    ids = some_windows()
    found = class_totals(tiny, ids, {"group": [211, 240], "control": []})
    assert found["group"].counts.sum(axis=0)[1] == 0 and found["group"].counts.sum(axis=0)[0] > 0
    assert len(found["control"].ids) == 0 and found["control"].features == 0
    assert found["control"].judged.sum() == 0


def test_one_window_judges_nothing(tiny):
    found = class_totals(tiny, some_windows(count=1), LISTS)
    assert found["all"].features == 19 and found["all"].judged.sum() == 0


def test_progress_counts_windows(tiny, monkeypatch):
    monkeypatch.setattr(collapse, "BATCH_TOKENS", 40)
    said = []
    class_totals(tiny, some_windows(count=5), LISTS, report=lambda *row: said.append(row))
    # Windows 0, 2 and 4 come first, two at a time; no batch holds windows of both halves.
    assert [done for done, _, _ in said] == [2, 3, 5]
    assert said[-1] == (5, 5, "Neural Collapse: window 5 of 5")


def test_the_output_matrix_over_the_vocabulary_is_asked_once_only(tiny):
    """For two tokens, to see that it reads the decoder's output; a pass that made logits would cost a fifth more."""
    asked = []
    tiny.model.get_output_embeddings().register_forward_pre_hook(
        lambda _m, args: asked.append(tuple(args[0].shape[:2]))
    )
    class_totals(tiny, some_windows(), LISTS)
    assert asked == [(1, 2)]


def test_features_of_gpt2_are_those_at_the_door_of_its_output_matrix(tmp_path):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = GPT2Config(vocab_size=64, n_embd=16, n_layer=2, n_head=4, n_positions=64)
        GPT2LMHeadModel(config).save_pretrained(tmp_path)
    loaded = load(tmp_path)
    ids = some_windows(low=5, high=12)
    one = class_totals(loaded, ids, {"group": [6, 8, 9]})["group"]
    expected = slow(all_features(loaded, ids), ids, [6, 8, 9], rows_of(loaded))
    assert measures(one) == pytest.approx(expected, rel=1e-4)


def test_an_output_matrix_that_reads_something_else_is_refused(tiny):
    layer = tiny.model.get_output_embeddings()
    layer.register_forward_pre_hook(lambda _m, args: (args[0] * 2,))
    with pytest.raises(BadInput, match="reads something else than the decoder's last hidden state"):
        class_totals(tiny, some_windows(), LISTS)


def test_features_that_are_not_finite_come_through_as_such(tiny):
    tiny.model.model.norm.weight.data.fill_(np.nan)
    one = class_totals(tiny, some_windows(), LISTS)["group"]
    assert all(np.isnan(value) for value in measures(one).values())


@pytest.mark.parametrize("shape", [(0, 8), (3, 1)])
def test_windows_without_labels_are_refused(tiny, shape):
    with pytest.raises(BadInput, match="give one at least, of 2 tokens or more"):
        class_totals(tiny, np.ones(shape, np.int32), LISTS)


def test_a_streamed_model_and_a_full_device_are_refused(tiny, monkeypatch):
    with pytest.raises(Unavailable, match="resident"):
        class_totals(replace(tiny, streamed=True), some_windows(), LISTS)

    def full(*_args):
        raise torch.OutOfMemoryError("full")

    monkeypatch.setattr(collapse._Sums, "add", full)
    with pytest.raises(Unavailable, match="windows of 20 tokens do not fit the memory of cpu"):
        class_totals(tiny, some_windows(), LISTS)
