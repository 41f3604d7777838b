"""Generation: batches by length, left padding, sentence ends, seeds, halving on out-of-memory."""

from __future__ import annotations

import pytest
import torch

from fairprune.errors import BadInput, Unavailable
from fairprune.models import load
from fairprune.spec import EvaluationSpec
from fairprune.summarize import batches, finish, summarize

TEXTS = [
    "great movie",
    "The plot was dull and very poor but not bad at all",
    "bad",
    "The story was funny and good . I love it",
]


@pytest.fixture
def loaded(tiny_folder):
    return load(tiny_folder)


@pytest.fixture
def prompts(loaded):
    return [loaded.tokenizer.prompt_ids(text) for text in TEXTS]


def spec(**values) -> EvaluationSpec:
    return EvaluationSpec(**{"max_new_tokens": 12, "batch_size": 2, **values})


def test_batches_are_sorted_by_length_and_fixed_by_it():
    assert batches([5, 9, 5, 7, 1], 2) == [[1, 3], [0, 2], [4]]
    assert batches([], 2) == []


def test_greedy_text_is_that_of_transformers_alone_and_in_a_batch(loaded, prompts):
    """Left padding changes nothing: a random float32 model has no near ties."""
    found = {one.position: one for one in summarize(loaded, prompts, spec(batch_size=4))}
    assert sorted(found) == [0, 1, 2, 3]
    for position, prompt in enumerate(prompts):
        ids = torch.tensor([prompt])
        for _ in range(12):  # the plainest greedy decoding there is
            with torch.no_grad():
                token = int(loaded.model(ids).logits[0, -1].argmax())
            if token == 1:
                break
            ids = torch.cat([ids, torch.tensor([[token]])], dim=1)
        plain = " ".join(loaded.tokenizer.decode(ids[0, len(prompt) :].tolist()).split())
        assert plain.startswith(found[position].text)
        assert found[position].text or not plain


def test_summaries_come_batch_by_batch_and_batches_done_are_left_out(loaded, prompts):
    tokens = []
    stream = summarize(loaded, prompts, spec(), on_token=tokens.append)
    first = [next(stream), next(stream)]
    lengths = [len(prompt) for prompt in prompts]
    assert [one.position for one in first] == batches(lengths, 2)[0]
    assert tokens and max(tokens) <= 2 * 12
    rest = list(stream)
    again = list(summarize(loaded, prompts, spec(), done=frozenset(one.position for one in first)))
    assert [(one.position, one.text) for one in again] == [(one.position, one.text) for one in rest]


def test_sampling_depends_on_the_seed_alone_and_leaves_the_random_state(loaded, prompts):
    def texts(seed):
        return [one.text for one in summarize(loaded, prompts, spec(sample=True, temperature=3.0, seed=seed))]

    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first = texts(0)
    assert torch.equal(before, torch.random.get_rng_state())
    assert first == texts(0) != texts(1)


def test_the_models_own_generation_settings_are_not_used_and_come_back(loaded, prompts):
    loaded.model.generation_config.do_sample = True
    loaded.model.generation_config.temperature = 2.0
    config = loaded.model.generation_config
    one = [s.text for s in summarize(loaded, prompts, spec())]
    assert one == [s.text for s in summarize(loaded, prompts, spec())]
    assert loaded.model.generation_config is config


@pytest.mark.parametrize(
    ("text", "ended", "expected"),
    [
        ("The film is good.  It is", False, ("The film is good.", False)),
        ("The film is good", False, ("The film is good", True)),
        ("The film is good", True, ("The film is good", False)),
        ("Good.\n Bad.", False, ("Good. Bad.", False)),
        ("", False, ("", False)),
    ],
)
def test_a_summary_ends_at_a_sentence_where_it_can(text, ended, expected):
    assert finish(text, ended=ended) == expected


def test_out_of_memory_halves_the_batch(loaded, prompts, monkeypatch):
    generate, widths = loaded.model.generate, []

    def small_memory(ids, **kwargs):
        widths.append(len(ids))
        if len(ids) > 1:
            raise torch.OutOfMemoryError("no room")
        return generate(ids, **kwargs)

    monkeypatch.setattr(loaded.model, "generate", small_memory)
    found = list(summarize(loaded, prompts, spec(batch_size=4)))
    assert widths == [4, 2, 1, 1, 2, 1, 1]
    assert sorted(one.position for one in found) == [0, 1, 2, 3]
    assert {(one.batch_size, one.halved) for one in found} == {(1, True)}
    monkeypatch.setattr(
        loaded.model,
        "generate",
        lambda ids, **kwargs: (_ for _ in ()).throw(torch.OutOfMemoryError("no room")),
    )
    with pytest.raises(Unavailable, match="not even one prompt"):
        list(summarize(loaded, prompts, spec()))


def test_prompts_beyond_the_context_are_refused(loaded):
    with pytest.raises(BadInput, match="4090 tokens and 12 new ones exceed the model's context of 4096"):
        list(summarize(loaded, [[5] * 4090], spec()))
