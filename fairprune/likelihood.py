"""How likely the dense model finds a summary of the same opinions: a broken text is one that it would never write."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from fairprune.errors import BadInput
from fairprune.models import LoadedModel, last_logits
from fairprune.opinions import CorpusInfo, OpinionSet
from fairprune.prompts import summary_prompt


def summary_losses(
    loaded: LoadedModel,
    info: CorpusInfo,
    sets: Sequence[OpinionSet],
    texts: Sequence[str | None],
    report: Callable[[int, int, str], None] = lambda *_: None,
) -> list[float | None]:
    """Mean negative log-likelihood per token of each summary after its prompt, in nats, from float32 logits.

    Args:
        texts: one per set; None, or a text without tokens, has no loss.
        report: called after every text with the texts done, all texts, and a line of text.

    Raises:
        BadInput: a model without tokenizer.
    """
    tokenizer = loaded.tokenizer
    if tokenizer is None:
        raise BadInput(f"{loaded.folder} has no tokenizer.json, which the loss of a summary needs")
    found: list[float | None] = []
    for one, text in zip(sets, texts, strict=True):
        summary = tokenizer.encode(text) if text else []
        prompt = tokenizer.prompt_ids(summary_prompt(info, [opinion.text for opinion in one.opinions]))
        found.append(continuation_loss(loaded, prompt, summary) if summary else None)
        report(len(found), len(texts), f"loss under the dense model: {len(found)} of {len(texts)}")
    return found


def continuation_loss(loaded: LoadedModel, prompt: Sequence[int], continuation: Sequence[int]) -> float:
    """Mean negative log-likelihood of `continuation` after `prompt`, per token, in nats.

    Each text is read alone: a batch would pad, and padding changes rounding.
    """
    with torch.no_grad():
        return float(token_losses(loaded, prompt, continuation).mean())


def token_losses(loaded: LoadedModel, prompt: Sequence[int], continuation: Sequence[int]) -> torch.Tensor:
    """Negative log-likelihood of each token of `continuation` after `prompt`, (tokens,), in nats, from float32 logits.

    With a gradient where torch keeps one. Neither text may be empty.
    """
    ids = torch.tensor([[*prompt, *continuation]], device=loaded.device)
    logits = last_logits(loaded.model, ids, len(continuation) + 1)[0, :-1]
    return torch.nn.functional.cross_entropy(logits.float(), ids[0, len(prompt) :], reduction="none")
