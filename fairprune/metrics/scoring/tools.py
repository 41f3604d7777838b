"""What scoring needs besides the texts: the matcher, coverage scorers and the correction that a spec asks for.

A model that cannot be had, an encoder that fails the polarity test or a matrix that cannot be inverted leaves its
own metrics unscored, with the reason, and all others stand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fairprune.errors import BadInput, FairpruneError, Unavailable
from fairprune.labels import Embedder, Labeller, Probabilistic, SentenceLabel
from fairprune.metric_spec import MetricSpec
from fairprune.metrics import PACKAGED_ENCODER, Metric, chosen
from fairprune.metrics.confusion import Correction, correction
from fairprune.metrics.coverage import Scorer, entailment_scorer, similarity_scorer
from fairprune.metrics.matchers import bartscore, bertscore, embedding, ngram, pretrained
from fairprune.metrics.matchers.base import Matcher, Source
from fairprune.metrics.polarity import Polarity, is_sentiment, polarity
from fairprune.metrics.shares import Shares, from_counts
from fairprune.opinions import CorpusInfo

NO_ENCODER = "no sentence encoder was given"
NO_LABELS = "no group classifier was given"
NO_PROBABILITIES = "the labels are given without probabilities: SPD2 is not corrected"


@dataclass(frozen=True)
class Tools:
    """Everything that is loaded once and serves all systems."""

    metrics: dict[str, Metric]
    """The metrics that the spec asks for."""
    matcher: Matcher | None
    """Of BUR, UER, AUC and SOF; None: the labels of a summary's sentences, which `score` has."""
    coverage: dict[str, Scorer | str]
    """'entailment', 'similarity' → scorer, or why there is none; only what the spec asks for."""
    correction: Correction | str | None
    """Of SPD2; why there is none; None where none is asked for."""
    likeliest: dict[str, SentenceLabel]
    """Sentence → its likeliest group, where SPD2 is corrected; else {}."""
    polarity: dict[str, Polarity]
    """Encoder → its polarity test, of those encoders that a metric rests on."""


def prepare(
    spec: MetricSpec,
    info: CorpusInfo,
    classifier: Labeller | None,
    labels: Mapping[str, SentenceLabel] | None,
    encoder: Embedder | None,
    no_labels: str = NO_LABELS,
) -> Tools:
    """Loads what the spec asks for; whatever cannot be had stands as its reason.

    Args:
        no_labels: why there are no labels, where there are none.
    """
    metrics = chosen(spec)
    tests: dict[str, Polarity] = {}
    matcher: Matcher | None
    try:
        if spec.matcher == "label" and labels is None:
            raise Unavailable(no_labels)
        matcher = _matcher(spec, info, encoder, tests)
    except FairpruneError as error:
        matcher = _unscored(str(error))
    coverage: dict[str, Scorer | str] = {}
    if {"ec", "cp"} & set(metrics):
        try:
            coverage["entailment"] = entailment_scorer(
                _load(spec.entailment_model, "AutoModelForSequenceClassification")
            )
        except FairpruneError as error:
            coverage["entailment"] = str(error)
    if {"ec_embedding", "cp_embedding"} & set(metrics):
        try:
            coverage["similarity"] = similarity_scorer(_tested(encoder, PACKAGED_ENCODER, info, tests))
        except FairpruneError as error:
            coverage["similarity"] = str(error)
    corrected: Correction | str | None = None
    unsure: dict[str, SentenceLabel] = {}
    if spec.spd2_source == "confusion-corrected" and classifier is not None:
        if isinstance(classifier, Probabilistic):
            try:
                corrected = correction(classifier.report)
                unsure = _likeliest(classifier, list(labels or {}))
            except BadInput as error:
                corrected = str(error)
        else:
            corrected = NO_PROBABILITIES
    return Tools(metrics, matcher, coverage, corrected, unsure, tests)


def check(spec: MetricSpec) -> None:
    """Refuses models that cannot be had here, before a run is queued.

    Raises:
        BadInput, Unavailable: names the model and what would be right.
    """
    for name in (spec.matcher_model, spec.entailment_model):
        if name:
            pretrained.check(name)


def _matcher(
    spec: MetricSpec,
    info: CorpusInfo,
    encoder: Embedder | None,
    tests: dict[str, Polarity],
) -> Matcher | None:
    if spec.matcher == "ngram":
        return ngram.matcher(spec.zero_match, spec.extra_stop_words)
    if spec.matcher == "label":
        return None
    temperature = spec.softmax_temperature
    if spec.matcher == "embedding":
        model = spec.matcher_model
        embed = pretrained.sentence_encoder(pretrained.folder(model)) if model else encoder
        return embedding.matcher(_tested(embed, model or PACKAGED_ENCODER, info, tests), temperature)
    if spec.matcher == "bertscore":
        return bertscore.matcher(
            bertscore.token_encoder(_load(spec.matcher_model, "AutoModel")), spec.bertscore, temperature
        )
    return bartscore.matcher(_load(spec.matcher_model, "AutoModelForSeq2SeqLM"), temperature)


def _load(model: str, kind: pretrained.Kind) -> pretrained.Pretrained:
    """The model of this name; the packaged encoder where none is named."""
    if model:
        return pretrained.load(pretrained.folder(model), kind, model)
    from fairprune import assets

    return pretrained.load(assets.ensure("minilm"), kind, PACKAGED_ENCODER)


def tells_apart(embed: Embedder, info: CorpusInfo) -> bool:
    """Whether nearness of the packaged encoder's embeddings may say something of these groups."""
    return not is_sentiment(info) or polarity(embed).passed


def _tested(embed: Embedder | None, name: str, info: CorpusInfo, tests: dict[str, Polarity]) -> Embedder:
    """The encoder, after its polarity test.

    Raises:
        Unavailable: there is none, or the groups are sentiments, which it does not tell apart.
    """
    if embed is None:
        raise Unavailable(NO_ENCODER)
    if name not in tests:
        tests[name] = polarity(embed)
    if is_sentiment(info) and not tests[name].passed:
        raise Unavailable(tests[name].sentence(name))
    return embed


def _unscored(reason: str) -> Matcher:
    """A matcher that scores nothing and says why."""

    def shares(sources: Sequence[Source], _summaries: Sequence[str | None]) -> list[Shares]:
        return [from_counts(one.groups, one.counts, {}).unwritten(reason) for one in sources]

    return shares


def _likeliest(classifier: Probabilistic, sentences: Sequence[str]) -> dict[str, SentenceLabel]:
    """Every sentence with its likeliest group, however unsure: what the confusion matrix was counted with.

    With a threshold the labelled sentences are surer than the matrix knows, and its inverse corrects too much.
    """
    rows = classifier.probabilities(sentences)
    best = [classifier.groups[i] for i in rows.argmax(axis=1)] if sentences else []
    return {
        sentence: SentenceLabel(sentence, group, float(row.max()), (group,))
        for sentence, group, row in zip(sentences, best, rows, strict=True)
    }
