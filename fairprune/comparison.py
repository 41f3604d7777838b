"""Several systems' summaries of the same opinions, each scored against the first one.

A result of `evaluate` knows two systems, 'dense' and 'pruned'. Here 'dense' is the baseline, whatever it is, and
'pruned' one of the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fairprune import __version__
from fairprune.errors import BadInput
from fairprune.evaluate import evaluate
from fairprune.labels import Embedder, Labeller
from fairprune.literature import Dataset
from fairprune.metrics.scoring.inference import ONE_SYSTEM
from fairprune.spec import MetricSpec

if TYPE_CHECKING:
    from fairprune.multiverse import Row

KIND = "fairprune evaluation"
BASELINE, CANDIDATE = "dense", "pruned"
CURVES = ("bur", "uer", "sof")
"""Metrics of which `--multiverse` shows the specification curve."""


def compare(
    data: Dataset,
    systems: Mapping[str, Sequence[str | None]],
    spec: MetricSpec,
    classifier: Labeller | None,
    *,
    reason: str | None = None,
    truncated: Mapping[str, Sequence[bool]] | None = None,
    encoder: Embedder | None = None,
) -> dict[str, Any]:
    """Scores all systems; what `evaluate --json` writes and `gate` reads.

    Args:
        systems: name → one summary per sample; the first is the baseline.
        classifier, reason: for SPD2, or why there is none.
        truncated: system → whether each summary stopped at a token limit.
        encoder: the sentence encoder, where the spec's matcher or metrics need one.

    Returns:
        data, spec, baseline, systems; `comparisons`: system → the result of `evaluate` of baseline ('dense') and that
        system ('pruned'), of the baseline alone where it is the only one; `samples`: per sample its id, topic,
        composition, and per system text and scores.

    Raises:
        BadInput: no system, what `evaluate` refuses.
    """
    if not systems:
        raise BadInput("there are no summaries to score: name a field or a file of them")
    names = list(systems)
    baseline = names[0]
    samples: list[dict[str, Any]] = [
        {
            "set_id": one.id,
            "id": name,
            "topic": one.topic,
            "composition": one.composition,
            "texts": {system: systems[system][i] for system in names},
            "scores": {},
        }
        for i, (name, one) in enumerate(zip(data.ids, data.sets, strict=True))
    ]
    comparisons: dict[str, Any] = {}
    for name in names[1:] or [baseline]:
        parts = {BASELINE: baseline} if name == baseline else {BASELINE: baseline, CANDIDATE: name}
        result = evaluate(
            data.sets,
            {part: systems[system] for part, system in parts.items()},
            data.info,
            spec,
            classifier,
            truncated={
                part: truncated[system] for part, system in parts.items() if truncated and system in truncated
            },
            classifier_reason=reason,
            encoder=encoder,
            references=data.references,
        )
        for sample, row in zip(samples, result.pop("samples"), strict=True):
            for part, system in parts.items():
                sample["scores"][system] = row[part]
        comparisons[name] = _with_names(result, parts)
    first = comparisons[names[-1]]
    return {
        "kind": KIND,
        "version": __version__,
        "data": {
            "name": data.info.name,
            "title": data.info.title,
            "groups": list(data.info.groups),
            "n_samples": first["n_samples"],
            "n_topics": first["n_topics"],
            "notes": list(data.notes),
        },
        "spec": spec.model_dump(mode="json"),
        "baseline": baseline,
        "systems": names,
        "comparisons": comparisons,
        "samples": samples,
    }


_TOLD = ("reason", "verdict_reason", "notes", "no_claim")
"""Keys of a result under which sentences stand."""
_CLAIM, _CARE = "the numbers support no claim about pruning", "read what pruning changed with care"


def _with_names(found: Any, parts: Mapping[str, str], key: str = "") -> Any:
    """A result of `evaluate` whose sentences speak of the systems by their own names: nothing need have been pruned."""
    if isinstance(found, dict):
        return {name: _with_names(value, parts, name) for name, value in found.items()}
    if isinstance(found, list):
        return [_with_names(value, parts, key) for value in found]
    return _named(found, parts) if isinstance(found, str) and key in _TOLD else found


def _named(sentence: str, parts: Mapping[str, str]) -> str:
    baseline = parts[BASELINE]
    if CANDIDATE in parts:
        sentence = sentence.replace(_CLAIM, f"differences to {baseline} support no claim")
        sentence = sentence.replace(_CARE, f"read differences to {baseline} with care")
    else:
        sentence = sentence.replace(_CLAIM, f"the numbers of {baseline} support no claim")
        sentence = sentence.replace(_CARE, f"read the numbers of {baseline} with care")
        sentence = sentence.replace("there are no pruned summaries", ONE_SYSTEM)
    for part, system in parts.items():
        sentence = sentence.replace(f"the {part} summaries", f"the summaries of {system}")
        sentence = sentence.replace(f"the {part} model", system)
    return sentence


def curves(
    data: Dataset,
    systems: Mapping[str, Sequence[str | None]],
    spec: MetricSpec,
    classifier: Labeller | None,
    encoder: Embedder | None = None,
) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Every system but the first against the first under all specifications: system → metric → rows.

    In a row `a` is the system and `b` the baseline: a difference below zero says that the system is fairer.

    Raises:
        BadInput: one system only.
    """
    from fairprune.multiverse import specification_curve

    baseline, *others = systems
    if not others:
        raise BadInput("a specification curve compares two systems: give --summaries of another one")
    return {
        name: {
            metric: [
                row.to_json()
                for row in specification_curve(
                    data.sets,
                    systems,
                    data.info,
                    spec,
                    a=name,
                    b=baseline,
                    metric=metric,
                    classifier=classifier,
                    encoder=encoder,
                )
            ]
            for metric in CURVES
        }
        for name in others
    }


def curve_summaries(
    found: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]],
) -> dict[str, dict[str, dict[str, Any]]]:
    """Of the `curves`: system → metric → how many specifications say what, and `reasons` of those without an interval."""
    from fairprune.multiverse import reasons, summary

    return {
        system: {
            metric: {**summary(of), "reasons": reasons(of)}
            for metric, rows in metrics.items()
            for of in [specifications(rows)]
        }
        for system, metrics in found.items()
    }


def specifications(rows: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Rows of a document → the rows of a curve."""
    from fairprune.multiverse import Row

    return [Row(**{key: value for key, value in row.items() if key != "clear"}) for row in rows]
