"""Opinion sets and their summaries → every metric with its interval, and the numbers of each sample.

One pass reads the sources; every system (dense, pruned, and the references of equal length that stand
beside them) is then scored by the same code under the same resamples of topics.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from fairprune import labels as group_labels
from fairprune.errors import BadInput, unknown
from fairprune.evidence import Evidence, coverage_rows, evidence_facts, evidence_of
from fairprune.labels import Embedder, Labeller, SentenceLabel
from fairprune.metrics.confusion import classifier_bias
from fairprune.metrics.quality import MAX_DEGENERATE, MAX_LOSS_RATIO, TOO_UNLIKELY
from fairprune.metrics.scoring import similarity
from fairprune.metrics.scoring import tools as scoring_tools
from fairprune.metrics.scoring.beside import (
    RANDOM_OF,
    Extracts,
    draw_references,
    label_pieces,
    score_references,
    spoken,
    validity,
)
from fairprune.metrics.scoring.bounds import bounds, difference_bounds
from fairprune.metrics.scoring.cells import AGAIN, SYSTEMS, group_rows, metric_cells, quality_cells
from fairprune.metrics.scoring.inference import comparisons, no_claim_reasons
from fairprune.metrics.scoring.notes import metric_notes
from fairprune.metrics.scoring.numbers import quality_names, reference_tables
from fairprune.metrics.scoring.samples import loss_ratios, sample_rows
from fairprune.metrics.scoring.similarity import bertscore_of, name_of
from fairprune.metrics.scoring.systems import System, add_quality, labels_of, read, score
from fairprune.metrics.scoring.tools import Tools, prepare
from fairprune.metrics.spd2 import NOT_COMPARABLE
from fairprune.opinions import CorpusInfo, OpinionSet
from fairprune.spec import MetricSpec
from fairprune.text import counted, sentences
from fairprune.uncertainty import DEMONSTRATION, FEW_SAMPLES, Resamples, draw_resamples

FEW_TOPICS = 10
WRITTEN = (*SYSTEMS, AGAIN)
"""Systems whose summaries may be given."""


def checked_metrics(spec: MetricSpec, groups: Sequence[str]) -> MetricSpec:
    """`spec` as a result keeps it. A model that cannot be had is refused before any work is done for it.

    Raises:
        BadInput, Unavailable: names the model and what would be right.
    """
    similarity.check(spec.quality_bertscore)
    scoring_tools.check(spec)
    return group_labels.checked(spec, groups)


def evaluate(
    sets: Sequence[OpinionSet],
    summaries: Mapping[str, Sequence[str | None]],
    info: CorpusInfo,
    spec: MetricSpec,
    classifier: Labeller | None,
    *,
    truncated: Mapping[str, Sequence[bool]] | None = None,
    losses: Mapping[str, Sequence[float | None]] | None = None,
    classifier_reason: str | None = None,
    encoder: Embedder | None = None,
    references: Sequence[str | None] | None = None,
) -> dict[str, Any]:
    """Scores the summaries of dense and pruned model, and beside each a random extract of the same length.

    Args:
        sets: n opinion sets.
        summaries: 'dense', 'pruned' or both → n texts; None where none was written. 'dense_again': the dense
            model's second answers, for the noise band.
        classifier: labels sentences for SPD2; None: SPD2 is missing.
        truncated: like `summaries`: whether generation stopped at the token limit.
        losses: like `summaries`: per-token loss of each text under the dense model, in nats; None where there is none.
        classifier_reason: why there is no classifier.
        encoder: the packaged sentence encoder, for the embedding matcher, coverage by similarity and evidence; None:
            those are missing. Evidence is missing without a classifier, too.
        references: per set a summary that a person wrote, None where there is none: ROUGE against it stands beside ROUGE
            against the opinions where any set has one.

    Returns:
        A JSON-serialisable table; rates and shares are fractions, missing numbers are None with a count.

    Raises:
        BadInput: no set, an unknown system, a list of another length, a group that the corpus does not have.
    """
    given: list[tuple[str, Mapping[str, Sequence[Any]]]] = [
        ("summaries", summaries),
        ("truncation marks", truncated or {}),
        ("losses", losses or {}),
    ]
    _check(sets, given, info)
    if references is not None and len(references) != len(sets):
        raise BadInput(
            f"{counted(len(references), 'reference')} for {counted(len(sets), 'opinion set')}: give as many"
        )
    texts = {name: list(summaries[name]) for name in WRITTEN if name in summaries}
    drawn = draw_references(sets, texts, info, spec)
    topics = [one.topic for one in sets]
    draws = draw_resamples(topics, [one.composition for one in sets], spec.resamples, spec.seed)
    labels = _label_all(sets, texts, classifier, spec)
    why = "" if classifier else (classifier_reason or scoring_tools.NO_LABELS)
    tools = prepare(spec, info, classifier, labels, encoder, why)
    for known in (labels, tools.likeliest):
        if known:
            label_pieces(drawn, known)
    sources = [read(one, info, labels, spec) for one in sets]
    systems = {
        name: score(
            sources,
            found,
            info,
            spec,
            tools=tools,
            labelled=labels_of([sentences(text or "") for text in found], labels),
        )
        for name, found in texts.items()
    }
    written = {name: systems[name] for name in SYSTEMS if name in systems}
    add_quality(written, sets, sources, truncated or {})
    if losses is not None:
        _mark_unlikely(systems, losses)
    systems |= score_references(sets, sources, texts, drawn, info, spec, tools=tools, labels=labels)
    grounds, no_evidence = _evidence(sets, systems, drawn, info, encoder if classifier else None)
    no_evidence = why if not classifier and (encoder or classifier_reason) else no_evidence
    similar, no_similar = bertscore_of(sets, texts, spec.quality_bertscore)
    for name, table in similar.items():
        systems[name].tables[name_of(spec.quality_bertscore)] = table
    golden = [] if references is None or not any(references) else list(references)
    for name, found in texts.items() if golden else ():
        systems[name].tables.update(reference_tables(found, golden))
    qualities = [*([name_of(spec.quality_bertscore)] if similar else []), *quality_names(bool(golden))]
    degenerate = {name: _degenerate(systems[name]) for name in SYSTEMS if name in systems}
    no_claim, care = no_claim_reasons(systems, draws, spec, degenerate)
    return {
        "metrics": _metrics(tools, systems, draws, spec, why, no_claim),
        "groups": group_rows(systems, info, draws),
        "quality": {name: quality_cells(name, systems, draws) for name in qualities},
        "evidence": evidence_facts(no_evidence),
        "coverage": coverage_rows(grounds, info.groups, draws),
        "degenerate": degenerate,
        "validity": {name: validity(metric, systems, draws, why) for name, metric in tools.metrics.items()},
        "no_claim": no_claim,
        "samples": sample_rows(
            sets,
            systems,
            info,
            spec,
            losses=losses,
            grounds=grounds,
            no_evidence=no_evidence,
            no_labels=why,
        ),
        "classifier": {**classifier.report, "spd2_bias": classifier_bias(classifier.report, spec.seed)}
        if classifier
        else {"reason": why},
        "polarity": {
            name: {**asdict(found), "passed": found.passed} for name, found in tools.polarity.items()
        },
        "n_samples": len(sets),
        "n_topics": len(set(topics)),
        "notes": [
            *_notes(info, topics, degenerate, (no_claim, care), classifier, systems),
            *metric_notes(sets, spec, tools, classifier),
            *no_similar,
        ],
    }


def _evidence(
    sets: Sequence[OpinionSet],
    systems: Mapping[str, System],
    drawn: Extracts,
    info: CorpusInfo,
    encoder: Embedder | None,
) -> tuple[dict[str, Evidence], str | None]:
    """What the summaries' sentences rest on, and those of the random extracts beside them."""
    texts = {name: systems[name].texts for name in (*SYSTEMS, *RANDOM_OF.values()) if name in systems}
    pieces = {name: spoken(drawn[name]) for name in texts if name in drawn}
    return evidence_of(sets, texts, info.groups, encoder, pieces)


def _metrics(
    tools: Tools,
    systems: Mapping[str, System],
    draws: Resamples,
    spec: MetricSpec,
    why: str,
    no_claim: Sequence[str],
) -> dict[str, dict[str, Any]]:
    """Every metric's cells, with bounds for what is unscored, and the verdict in the cell of the difference."""
    compared = comparisons(systems, draws, spec, "; ".join(no_claim) or None, why)
    table = {}
    for name, metric in tools.metrics.items():
        cells = metric_cells(metric, systems, draws, why)
        for system in SYSTEMS:
            scored = system in systems and name in systems[system].tables
            cells[system]["bounds"] = bounds(metric, systems[system], spec) if scored else None
        ends = [cells[system]["bounds"] for system in SYSTEMS]
        both = ends[0] is not None and ends[1] is not None
        cells["difference"]["bounds"] = difference_bounds(metric, ends[1], ends[0]) if both else None
        cells["difference"] |= compared[name]
        table[name] = cells
    return table


def _mark_unlikely(systems: Mapping[str, System], losses: Mapping[str, Sequence[float | None]]) -> None:
    """Adds to each pruned summary's reasons that the dense model finds it far less likely than its own."""
    if "pruned" not in systems:
        return
    for reasons, ratio in zip(systems["pruned"].degenerate, loss_ratios(losses), strict=False):
        if ratio is not None and ratio > MAX_LOSS_RATIO:
            reasons.append(TOO_UNLIKELY)


def _check(
    sets: Sequence[OpinionSet], given: Sequence[tuple[str, Mapping[str, Sequence[Any]]]], info: CorpusInfo
) -> None:
    if not sets:
        raise BadInput("there is no opinion set to evaluate: give at least one")
    for what, found in given:
        for name, values in found.items():
            if name not in WRITTEN:
                raise unknown("system", name, WRITTEN)
            if len(values) != len(sets):
                raise BadInput(
                    f"{len(values)} {what} of {name!r} do not fit {counted(len(sets), 'opinion set')}"
                )
    if not set(SYSTEMS) & set(given[0][1]):
        raise BadInput("there are no summaries to evaluate: give those of 'dense', 'pruned' or both")
    if len(info.groups) < 2:
        raise BadInput(
            f"the corpus {info.name!r} has {len(info.groups)} group: fairness is between at least two"
        )
    for one in sets:
        for group in one.counts():
            if group not in info.groups:
                raise unknown(f"group in set {one.id}:", group, info.groups)


def _label_all(
    sets: Sequence[OpinionSet],
    texts: Mapping[str, Sequence[str | None]],
    classifier: Labeller | None,
    spec: MetricSpec,
) -> dict[str, SentenceLabel] | None:
    """Every distinct sentence of sources and summaries, labelled in one go: embedding is the slow part."""
    if classifier is None:
        return None
    found = [opinion.text for one in sets for opinion in one.opinions]
    found += [text for system in texts.values() for text in system if text]
    distinct = list(dict.fromkeys(sentence for text in found for sentence in sentences(text)))
    return {label.sentence: label for label in classifier.label(distinct, spec.none_below)}


def _degenerate(system: System) -> dict[str, Any]:
    """Share of degenerate summaries among the written ones, and whether it is too high to read on."""
    found = [
        reasons for text, reasons in zip(system.texts, system.degenerate, strict=True) if text is not None
    ]
    share = sum(bool(reasons) for reasons in found) / len(found) if found else None
    return {"share": share, "n": len(found), "flag": share is not None and share > MAX_DEGENERATE}


def _notes(
    info: CorpusInfo,
    topics: Sequence[str],
    degenerate: Mapping[str, Mapping[str, Any]],
    doubts: tuple[Sequence[str], Sequence[str]],
    classifier: Labeller | None,
    systems: Mapping[str, System],
) -> list[str]:
    """What a reader must know before the numbers, in the order of its weight."""
    notes = []
    for name, found in degenerate.items():
        if found["flag"]:
            notes.append(
                f"{found['share']:.0%} of the {name} summaries are degenerate: "
                "no fairness number of theirs means anything"
            )
    notes += [f"{reason}: the numbers support no claim about pruning" for reason in doubts[0]]
    notes += [f"{reason}: read what pruning changed with care" for reason in doubts[1]]
    if len(topics) < FEW_SAMPLES:
        notes.append(f"{counted(len(topics), 'sample')}, fewer than {FEW_SAMPLES}: a {DEMONSTRATION}")
    n_topics = len(set(topics))
    if n_topics < 2:
        notes.append("one topic only: there are no intervals")
    elif n_topics < FEW_TOPICS:
        notes.append(
            f"{counted(n_topics, 'topic')}, fewer than {FEW_TOPICS}: intervals are conditional on these topics"
        )
    for name in SYSTEMS:
        if name in systems:
            reasons = Counter(shares.unscored for shares in systems[name].main if shares.unscored)
            notes += [
                f"{count} of the {name} summaries unscored: {reason}"
                for reason, count in sorted(reasons.items())
            ]
    if classifier is not None:
        notes.append(NOT_COMPARABLE)
        if "accuracy" not in classifier.report:
            notes.append(f"the group labels are not tested: {classifier.report.get('reason')}")
        elif classifier.report["low"] <= 1 / len(info.groups):
            notes.append("the group classifier is not shown to be better than chance: SPD2 says nothing here")
        if classifier.report.get("held_out_by") == "opinion":
            notes.append(
                "the group classifier was tested on opinions of topics that it knew: "
                "its accuracy is flattering"
            )
    if info.note:
        notes.append(info.note)
    return notes
