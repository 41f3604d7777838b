"""What a recovery does to the texts of each group: the loss of held-out opinions before and after it, and the worst group's.

A recovery that helps the mean and not the worst group has done what a uniform one does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fairprune.corpora.build import seeded_key
from fairprune.debias.auroc import estimate_json
from fairprune.debias.denp import Text, opinion_texts, text_losses
from fairprune.models import LoadedModel
from fairprune.opinions import Corpus
from fairprune.spec import content_hash
from fairprune.tokens import TextTokenizer
from fairprune.uncertainty import FloatArray, draw_resamples, estimate, estimate_difference, weighted_mean

PER_GROUP = 48
"""Opinions of each group that are read, at most."""
RESAMPLES = 1000


def held_back(
    tokenizer: TextTokenizer, corpus: Corpus, seed: int, *, also: Corpus | None = None
) -> list[Text]:
    """Opinions of the test split, as many of each group as there are up to `PER_GROUP`, in a seeded draw; none that stands in the
    calibration split too, which recoveries train on.

    Args:
        also: the corpus that the recovery trains on, where it is another one.
    """
    trained = {opinion.text for one in (corpus, also or corpus) for opinion in one.splits["calibration"]}
    by_group = defaultdict(list)
    for opinion in corpus.splits["test"]:
        if opinion.text not in trained:
            by_group[opinion.group].append(opinion)
    chosen = []
    for group in corpus.info.groups:
        ranked = sorted(by_group[group], key=lambda one: seeded_key(seed, "recovery", one.source, one.text))
        chosen += ranked[:PER_GROUP]
    return opinion_texts(tokenizer, chosen)


def losses_of(loaded: LoadedModel, texts: Sequence[Text], report: Callable[[int, int], None]) -> FloatArray:
    """The loss of each text in the model as it is now, nats per token, (n,).

    Raises:
        NumericError: a loss that is not finite.
    """
    return text_losses(loaded, texts, report) if texts else np.empty(0)


def loss_document(
    texts: Sequence[Text], before: FloatArray, after: FloatArray, seed: int
) -> list[dict[str, Any]]:
    """Per group, the worst one after the recovery first: n, 'before', 'after' and 'difference' (after − before, paired), nats per token,
    each with its interval over topics.
    """
    found = []
    for group in dict.fromkeys(text.group for text in texts):
        rows = [place for place, text in enumerate(texts) if text.group == group]
        draws = draw_resamples([texts[row].topic for row in rows], [""] * len(rows), RESAMPLES, seed)
        one, other = before[rows][:, None], after[rows][:, None]
        found.append(
            {
                "group": group,
                "before": estimate_json(estimate(weighted_mean, one, draws, limits=(0.0, np.inf))),
                "after": estimate_json(estimate(weighted_mean, other, draws, limits=(0.0, np.inf))),
                "difference": estimate_json(estimate_difference(weighted_mean, other, one, draws)),
            }
        )
    return sorted(found, key=lambda row: -(row["after"]["value"] or 0.0))


def text_document(texts: Sequence[Text], before: FloatArray, after: FloatArray) -> list[dict[str, Any]]:
    """Per text its hash ('text', 16 hex digits of SHA-256), group, topic and both losses, nats per token: by these two runs that read
    the same texts are paired.
    """
    return [
        {
            "text": content_hash(text.text),
            "group": text.group,
            "topic": text.topic,
            "before": float(one),
            "after": float(two),
        }
        for text, one, two in zip(texts, before, after, strict=True)
    ]
