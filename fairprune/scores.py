"""Scores what a run has written: summaries out of the store, their labels, the evaluation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fairprune.evaluate import evaluate
from fairprune.labels import make_labeller, sentence_embedder
from fairprune.metric_spec import MetricSpec
from fairprune.opinions import Corpus, OpinionSet
from fairprune.store import Store

Texts = dict[str, list[str | None]]


def score_summaries(
    store: Store,
    spec: MetricSpec,
    corpus: Corpus,
    sets: Sequence[OpinionSet],
    generations: Mapping[str, str],
    *,
    losses: Callable[[Texts], Mapping[str, Sequence[float | None]]] | None,
    progress: Callable[[int, int, str], None],
    say: Callable[[str], None],
) -> dict[str, Any]:
    """The evaluation of the stored summaries of these sets.

    Args:
        generations: system → id of its stored summaries; a position without one is a summary that was not written.
        losses: texts → loss of each under the dense model; None: not asked for.
        progress: called with steps done, steps in all, and what is being done.
        say: called with lines for the log.
    """
    rows = {name: {row.position: row for row in store.summaries(key)} for name, key in generations.items()}
    places = range(len(sets))
    progress(0, 2, "training the group classifier")
    encoder = sentence_embedder()
    classifier, reason = make_labeller(spec, corpus.splits["train"], corpus.info.groups, encoder, sets, say)
    progress(1, 2, "scoring")
    texts: Texts = {
        name: [found[i].text if i in found else None for i in places] for name, found in rows.items()
    }
    return evaluate(
        sets,
        texts,
        corpus.info,
        spec,
        classifier,
        truncated={name: [i in found and found[i].truncated for i in places] for name, found in rows.items()},
        losses=losses(texts) if losses is not None else None,
        classifier_reason=reason,
        encoder=encoder,
    )
