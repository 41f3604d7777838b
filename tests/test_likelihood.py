"""How likely a model finds a text."""

import dataclasses
import math

import pytest
import torch

from fairprune.corpora.sets import opinion_sets
from fairprune.errors import BadInput
from fairprune.likelihood import continuation_loss, summary_losses, token_losses
from fairprune.models import load, weight_matrix
from fairprune.prompts import summary_prompt


@pytest.fixture(scope="module")
def loaded(tiny_folder):
    return load(tiny_folder, device="cpu")


def test_a_model_that_knows_nothing_is_as_surprised_as_its_vocabulary_is_large(tiny_folder):
    uniform = load(tiny_folder, device="cpu")
    weight_matrix(uniform.model.get_output_embeddings()).zero_()
    vocabulary = uniform.model.config.vocab_size
    assert continuation_loss(uniform, [5, 6], [7, 8, 9]) == pytest.approx(math.log(vocabulary))


def test_the_loss_is_of_the_continuation_alone(loaded):
    # by the definition: −log p of token 7 after (5, 6) and of 8 after (5, 6, 7), averaged
    with torch.no_grad():
        logs = torch.log_softmax(loaded.model(torch.tensor([[5, 6, 7, 8]])).logits[0].float(), dim=-1)
    expected = -(logs[1, 7] + logs[2, 8]) / 2
    assert continuation_loss(loaded, [5, 6], [7, 8]) == pytest.approx(float(expected), rel=1e-5)


def test_losses_of_single_tokens_have_a_gradient_where_one_is_kept(loaded):
    with torch.no_grad():
        logs = torch.log_softmax(loaded.model(torch.tensor([[5, 6, 7, 8]])).logits[0].float(), dim=-1)
    found = token_losses(loaded, [5, 6], [7, 8])
    assert found.tolist() == pytest.approx([-float(logs[1, 7]), -float(logs[2, 8])], rel=1e-5)
    assert found.dtype == torch.float32 and found.requires_grad
    with torch.no_grad():
        assert not token_losses(loaded, [5, 6], [7, 8]).requires_grad


def test_summaries_after_their_prompt(loaded, toy_corpus):
    sets = opinion_sets(toy_corpus, "test", 3)
    seen = []
    found = summary_losses(
        loaded,
        toy_corpus.info,
        sets,
        ["the movie was great", None, ""],
        lambda *step: seen.append(step[:2]),
    )
    prompt = loaded.tokenizer.prompt_ids(summary_prompt(toy_corpus.info, [o.text for o in sets[0].opinions]))
    expected = continuation_loss(loaded, prompt, loaded.tokenizer.encode("the movie was great"))
    assert found == [pytest.approx(expected), None, None]
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_without_a_tokenizer(loaded, toy_corpus):
    with pytest.raises(BadInput, match=r"no tokenizer\.json"):
        summary_losses(dataclasses.replace(loaded, tokenizer=None), toy_corpus.info, [], [])
