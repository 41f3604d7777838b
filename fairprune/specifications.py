"""The specification curve of a stored run, computed from what is stored: no model is loaded, and torch never imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fairprune import corpora
from fairprune.errors import StoreError, Unavailable
from fairprune.labels import Embedder, Labeller, make_labeller
from fairprune.labels.embeddings import stored_embedder
from fairprune.labels.labeller import MODEL
from fairprune.metrics.scoring.tools import tells_apart
from fairprune.multiverse import Row, specification_curve
from fairprune.opinions import CorpusInfo, OpinionSet
from fairprune.store import Run, Store
from fairprune.text import sentences

CURVES = ("bur", "uer", "sof", "auc")
"""Metrics that have a curve."""
SYSTEMS = ("pruned", "dense")


@dataclass(frozen=True)
class Curve:
    """The curve, and which matchers it leaves out."""

    rows: list[Row]
    """a is the pruned model, b the dense one."""
    left_out: list[str]
    """'label: why' of matchers that cannot be computed from what is stored."""


def stored_curve(store: Store, run: Run, metric: str) -> Curve:
    """pruned − dense of a finished run under every specification that needs no model.

    Words are always matched. Labels and embeddings are added where the embeddings of all sentences still lie on disk, as a
    run leaves them.

    Raises:
        BadInput: a metric without a curve, a corpus that is gone.
        StoreError: the run has no summaries of both models.
    """
    generation = store.result(run.id, "generation")
    if generation is None or any(name not in generation["systems"] for name in SYSTEMS):
        raise StoreError(f"run {run.id} has no summaries of both models: run it again")
    found = store.sets(generation["sets"])
    sets = [found[key] for key in generation["sets"]]
    texts: dict[str, list[str | None]] = {}
    for name in SYSTEMS:
        rows = {row.position: row.text for row in store.summaries(generation["systems"][name]["id"])}
        texts[name] = [rows.get(place) for place in range(len(sets))]
    info = corpora.info(run.spec.evaluation.corpus)
    classifier, encoder, left_out = _without_models(run, info, sets, texts)
    rows_ = specification_curve(
        sets,
        texts,
        info,
        run.spec.metrics,
        a="pruned",
        b="dense",
        metric=metric,
        classifier=classifier,
        encoder=encoder,
    )
    return Curve(rows_, left_out)


def _without_models(
    run: Run, info: CorpusInfo, sets: Sequence[OpinionSet], texts: Mapping[str, Sequence[str | None]]
) -> tuple[Labeller | None, Embedder | None, list[str]]:
    """Classifier and encoder made of stored embeddings alone, and the matchers that they do not give."""
    embed = stored_embedder()
    said = [opinion.text for one in sets for opinion in one.opinions]
    said += [text for found in texts.values() for text in found if text]
    classifier, encoder, left_out = None, None, []
    try:
        embed([sentence for text in said for sentence in sentences(text)])
    except Unavailable as error:
        return None, None, [f"label and embedding: {error}"]
    if run.spec.metrics.labels.startswith(MODEL):
        left_out.append("label: the labels come from a model")
    else:
        try:
            corpus = corpora.load(run.spec.evaluation.corpus)
            classifier, reason = make_labeller(
                run.spec.metrics, corpus.splits["train"], info.groups, embed, sets
            )
            left_out += [] if classifier is not None else [f"label: {reason}"]
        except Unavailable as error:
            left_out.append(f"label: {error}")
    try:
        encoder = embed if tells_apart(embed, info) else None
        left_out += [] if encoder is not None else ["embedding: the encoder does not tell these groups apart"]
    except Unavailable:  # its polarity test was not part of the run
        left_out.append("embedding: whether the encoder tells these groups apart was not tested")
    return classifier, encoder, left_out
