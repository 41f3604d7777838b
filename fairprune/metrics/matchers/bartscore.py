"""BARTScore: how likely a summary is, given a group's text, under an encoder-decoder model."""

from __future__ import annotations

from collections.abc import Sequence

from fairprune.metrics.matchers.base import Matcher, Source, by_similarity
from fairprune.metrics.matchers.pretrained import Pretrained
from fairprune.metrics.shares import Shares

BATCH = 8


def log_likelihoods(pairs: Sequence[tuple[str, str]], pretrained: Pretrained) -> list[float]:
    """(source, target) texts → mean log-likelihood of the target's tokens given the source, ≤ 0, in nats.

    Special tokens of the target count, as in the published code.

    Source: Yuan et al., BARTScore, NeurIPS 2021 (arXiv 2106.11520), equation 2 with equal weights.
    """
    import torch

    found = [0.0] * len(pairs)
    order = sorted(range(len(pairs)), key=lambda i: len(pairs[i][0]) + len(pairs[i][1]))
    for start in range(0, len(order), BATCH):
        batch = order[start : start + BATCH]
        sources = pretrained.encode([pairs[i][0] for i in batch])
        targets = pretrained.encode([pairs[i][1] for i in batch])
        labels, mask = targets["input_ids"], targets["attention_mask"]
        with torch.inference_mode():
            logits = pretrained.model(
                input_ids=sources["input_ids"],
                attention_mask=sources["attention_mask"],
                labels=labels.masked_fill(mask == 0, -100),
            ).logits
        each = torch.log_softmax(logits.float(), dim=-1).gather(-1, labels[..., None])[..., 0] * mask
        for i, value in zip(batch, (each.sum(dim=1) / mask.sum(dim=1)).tolist(), strict=True):
            found[i] = value
    return found


def matcher(pretrained: Pretrained, temperature: float) -> Matcher:
    """softmax(BARTScore from the group's joined text to the summary / T).

    Source: Zhang et al., NAACL 2024 (arXiv 2311.07884); the released code takes facebook/bart-large-cnn and T = 2.
    """

    def numbers(pairs: Sequence[tuple[str, str]]) -> list[float]:
        return log_likelihoods(pairs, pretrained)

    def shares(sources: Sequence[Source], summaries: Sequence[str | None]) -> list[Shares]:
        return by_similarity(sources, summaries, numbers, temperature)

    return shares
