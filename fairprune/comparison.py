"""Several systems' summaries of the same opinions, each scored against the first one.

A result of `evaluate` knows two systems, 'dense' and 'pruned'. Here 'dense' is the baseline, whatever it is, and
'pruned' one of the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from fairprune import __version__
from fairprune.errors import BadInput
from fairprune.evaluate import evaluate
from fairprune.labels import Embedder, Labeller
from fairprune.literature import Dataset
from fairprune.metrics import METRICS
from fairprune.spec import MetricSpec

KIND = "fairprune evaluation"
BASELINE, CANDIDATE = "dense", "pruned"
CURVES = ("bur", "uer", "sof")
"""Metrics of which `--multiverse` shows the specification curve."""
_CELL = 31  # '+100.0 points [-100.0, 100.0]' and two spaces


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
        )
        for sample, row in zip(samples, result.pop("samples"), strict=True):
            for part, system in parts.items():
                sample["scores"][system] = row[part]
        result["notes"] = [_named(note, parts) for note in result["notes"]]
        comparisons[name] = result
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


def _named(note: str, parts: Mapping[str, str]) -> str:
    """A note of `evaluate` with the systems' own names."""
    for part, system in parts.items():
        note = note.replace(f"the {part} summaries", f"the summaries of {system}")
        note = note.replace(f"the {part} model", system)
    return note.replace("no claim about pruning", "no claim about the others")


def comparison_table(result: Mapping[str, Any]) -> str:
    """Warnings first, then per metric every system with interval, n, what is unscored and the paired difference."""
    data, spec, baseline = result["data"], result["spec"], result["baseline"]
    lines = [
        f"{data['title']}   groups {', '.join(data['groups'])}   {data['n_samples']} samples, {data['n_topics']} topics",
        f"matcher {spec.get('matcher', 'ngram')}   reading {spec['reading']}   ties {spec['ties']}   tau {spec['tau']}   "
        f"95 % intervals over topics; differences to {baseline}, paired",
    ]
    notes = dict.fromkeys(note for one in result["comparisons"].values() for note in one["notes"])
    lines += [
        f"{'WARNING' if 'degenerate' in note else 'note':8} {note}" for note in (*notes, *data["notes"])
    ]
    heads = [_head(result, name) for name in _metrics(result)]
    width = max(12, *(len(name) for name in (*result["systems"], *heads))) + 2
    for name in _metrics(result):
        lines += ["", *_metric_lines(result, name, width)]
    lines += ["", *_quality_lines(result, width)]
    return "\n".join(lines)


def _metrics(result: Mapping[str, Any]) -> list[str]:
    return list(next(iter(result["comparisons"].values()))["metrics"])


def _cells(result: Mapping[str, Any], table: str, name: str) -> dict[str, dict[str, Any]]:
    """System → its cells of a metric: own value, difference, random extract, and whatever else there is."""
    found: dict[str, dict[str, Any]] = {}
    for system, one in result["comparisons"].items():
        cells = one[table][name]
        found.setdefault(result["baseline"], {"own": cells.get("dense"), "random": cells.get("random")})
        if system != result["baseline"]:
            found[system] = {
                "own": cells.get("pruned"),
                "random": cells.get("random_pruned"),
                "difference": cells.get("difference"),
            }
    return found


def _head(result: Mapping[str, Any], name: str) -> str:
    """'bur (ngram)': the matcher is part of the name."""
    own = _cells(result, "metrics", name)[result["baseline"]]["own"] or {}
    matcher = own.get("matcher")
    return f"{name} ({matcher})" if matcher else name


def _metric_lines(result: Mapping[str, Any], name: str, width: int) -> list[str]:
    cells = _cells(result, "metrics", name)
    scale, unit = (100.0, "%") if METRICS[name].is_rate else (1.0, "")
    own = cells[result["baseline"]]["own"] or {}
    head = _head(result, name)
    if all((one["own"] or {}).get("value") is None for one in cells.values()):
        return [f"{head:{width}}– missing: {own.get('reason')}"]
    differences = [one.get("difference") or {} for one in cells.values()]
    judged = any("verdict" in difference for difference in differences)
    columns = ("value", f"− {result['baseline']}", "random extract")
    lines = [
        f"{head:{width}}"
        + "".join(f"{column:>{_CELL}}" for column in columns)
        + f"{'n':>8}{'unscored':>10}"
        + ("   verdict" if judged else "")
    ]
    for (system, one), difference in zip(cells.items(), differences, strict=True):
        own = one["own"] or {}
        row = (
            cell_text(own, scale, unit),
            cell_text(difference, scale, " points" if unit else "", signed=True),
            cell_text(one["random"], scale, unit),
        )
        lines.append(
            f"  {system:{width - 2}}"
            + "".join(f"{text:>{_CELL}}" for text in row)
            + f"{own.get('n', '–'):>8}{own.get('n_unscored', '–'):>10}"
            + (f"   {difference.get('verdict') or '–'}" if judged else "")
        )
    why = dict.fromkeys(reason for one in differences if (reason := one.get("verdict_reason")))
    return [*lines, *(f"  no verdict: {_named(reason, {BASELINE: result['baseline']})}" for reason in why)]


def _quality_lines(result: Mapping[str, Any], width: int) -> list[str]:
    names = list(next(iter(result["comparisons"].values()))["quality"])
    lines = [f"{'quality':{width}}" + "".join(f"{name:>14}" for name in names)]
    tables = {name: _cells(result, "quality", name) for name in names}
    for system in result["systems"]:
        row = []
        for name in names:
            value = (tables[name].get(system, {}).get("own") or {}).get("value")
            rate = "–" if value is None else f"{value:.1f}" if name == "words" else f"{value:.1%}"
            row.append(f"{rate:>14}")
        lines.append(f"  {system:{width - 2}}" + "".join(row))
    return lines


def cell_text(cell: Mapping[str, Any] | None, scale: float, unit: str, *, signed: bool = False) -> str:
    """'12.5% [0.0, 37.5]', or '–' for what was not computed."""
    if cell is None or cell.get("value") is None:
        return "–"
    digits, sign = (1 if scale != 1 else 3), "+" if signed else ""
    value = f"{cell['value'] * scale:{sign}.{digits}f}{unit}"
    if cell.get("low") is None or cell.get("high") is None:
        return value
    return f"{value} [{cell['low'] * scale:.{digits}f}, {cell['high'] * scale:.{digits}f}]"


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


def curve_text(baseline: str, found: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]) -> str:
    """Per system and metric: in how many specifications it is fairer, and how far each choice moves the difference."""
    lines = []
    for system, metrics in found.items():
        for metric, rows in metrics.items():
            lines += ["", f"{metric}: {_fairer(rows, system, baseline)}"]
            for choice in ("matcher", "reading", "ties", "tau", "unscored", "seed"):
                values = dict.fromkeys(row[choice] for row in rows)
                if len(values) < 2:
                    continue
                for value in values:
                    some = [row for row in rows if row[choice] == value]
                    lines.append(
                        f"  {f'{choice} {value}':22}{_fairer(some, system, baseline)}; {_middle(some)}"
                    )
    return "\n".join(lines)


def _fairer(rows: Sequence[Mapping[str, Any]], system: str, baseline: str) -> str:
    known = [row for row in rows if row["difference"] is not None]
    less = sum(row["difference"] < 0 for row in known)
    more = sum(row["difference"] > 0 for row in known)
    clear = sum(bool(row["clear"]) for row in known)
    missing = f", {len(rows) - len(known)} missing" if len(known) < len(rows) else ""
    return (
        f"{system} fairer in {less}, {baseline} in {more} of {len(rows)} specifications, the interval excludes 0 in "
        f"{clear}{missing}"
    )


def _middle(rows: Sequence[Mapping[str, Any]]) -> str:
    known = [row["difference"] for row in rows if row["difference"] is not None]
    return f"median difference {100 * median(known):+.1f} points" if known else "no difference"
