"""Tables of an evaluation: metrics, quality, samples. Values → HTML or data frames; nothing is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from fairprune.charts import percent, points
from fairprune.metrics import METRICS, Metric
from fairprune.metrics.scoring.numbers import BERTSCORE
from fairprune.tables import perplexity_value
from fairprune.ui import markup

SYSTEMS = ("dense", "pruned", "difference", "random")
ORDER = ("bur", "uer", "spd2", "sof", "auc")
QUALITY = {
    "rouge_1": ("ROUGE-1 against the source opinions", "F1 of words"),
    "rouge_2": ("ROUGE-2", "F1 of pairs of neighbouring words"),
    "rouge_l": ("ROUGE-L", "F1 of the longest common subsequence"),
    "words": ("Words", "mean length of a summary"),
    "empty": ("Empty", "share of the summaries"),
    "repetition": ("Repetition", "share of 4-grams that have stood before"),
    "copied": ("Copied", "longest run of words that stands in one opinion too, share of the summary"),
    "novel": ("New word pairs", "share of pairs of neighbouring words that no opinion has"),
    "truncated": ("Cut at the token limit", "share of the summaries"),
}
"""Name in the evaluation → title and what it is."""
TEXTS = {
    "opinions": ("Held-out opinions", "of the test split, which no calibration window has"),
    "general": ("General text", "Hamlet, which holds no opinions of these groups"),
}
"""Name in the perplexity → title and what it is."""


MATCHERS = {"ngram": "matched by words", "label": "matched by labelled sentences"}
"""How a metric tells which group a summary speaks for: part of its name."""


EXCESS = {"dense": "excess", "pruned": "excess_pruned"}


def ordered(metrics: Iterable[str]) -> list[str]:
    """Names of metrics, those that people ask for first in front."""
    return sorted(metrics, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))


def is_signed(metric: Metric) -> bool:
    """Whether it is no rate: shown as a signed decimal instead of percent."""
    return not metric.is_rate


def better(metric: Metric) -> str:
    """Which direction is fairer, with an arrow."""
    return "→ 0 is fairest" if metric.direction == "zero" else "↓ lower is fairer"


def _cell(cell: Mapping[str, Any], signed: bool, difference: bool) -> str:
    show = markup.metric_difference if difference else markup.metric_value
    unscored = f", {cell['n_unscored']} unscored" if cell["n_unscored"] else ""
    lines = [escape(markup.interval(cell, signed, difference)), f"n = {cell['n']}{unscored}"]
    if cell.get("none_share") is not None and not difference:
        lines.append(f"{percent(cell['none_share'], 0)} of its sentences speak for no group")
    if cell.get("absolute") is not None and not difference:
        lines.append(f"mean of absolute values {cell['absolute']:.2f}")
    if cell.get("n_single_group"):
        others = percent(cell.get("value_multi"), 1)
        lines.append(f"{cell['n_single_group']} sets have one group, always fair; without them {others}")
    if cell.get("n_zero_match"):
        lines.append(f"{cell['n_zero_match']} match no word of the source")
    return f"<b>{escape(show(cell, signed))}</b>" + "".join(f"<small>{line}</small>" for line in lines)


def _over_chance(cell: Mapping[str, Any] | None, signed: bool) -> str:
    """The excess over a random extract of the same length, with its interval; '' where there is none."""
    if cell is None or cell["value"] is None:
        return ""
    value = f"{markup.metric_difference(cell, signed)} over a random extract, {markup.interval(cell, signed, True)}, n = {cell['n']}"
    return f"<small>{escape(value)}</small>"


def metric_table(metrics: Mapping[str, Any]) -> str:
    """Metric × dense, pruned, difference, random extract: value, interval, n, unscored; HTML."""
    heads = ["Metric", *(markup.system_name(system) for system in SYSTEMS)]
    rows = []
    for name in ordered(metrics):
        metric, cells = METRICS[name], metrics[name]
        matcher = cells["dense"].get("matcher")
        words = [metric.title, better(metric), *([MATCHERS.get(matcher, f"by {matcher}")] if matcher else [])]
        notes = "".join(f"<small>{escape(note)}</small>" for note in words)
        title = f"<b>{escape(name.upper())}</b>{notes}"
        rows.append(
            [
                title,
                *(
                    _cell(cells[system], is_signed(metric), system == "difference")
                    + _over_chance(cells.get(EXCESS.get(system, "")), is_signed(metric))
                    for system in SYSTEMS
                ),
            ]
        )
    return markup.table(heads, rows)


def quality_table(quality: Mapping[str, Any]) -> str:
    """Quality number × dense, pruned, difference; HTML."""
    systems = SYSTEMS[:3]
    rows = []
    scores = {name: bertscore_title(name) for name in quality if name.startswith(BERTSCORE)}
    for name, (title, what) in {**scores, **QUALITY}.items():
        if name not in quality:
            continue
        row = [f"<b>{escape(title)}</b><small>{escape(what)}</small>"]
        for system in systems:
            row.append(_quality_cell(quality[name][system], name == "words", system == "difference"))
        rows.append(row)
    return markup.table(["Quality", *(markup.system_name(system) for system in systems)], rows)


def bertscore_title(name: str) -> tuple[str, str]:
    """'bertscore_minilm' → its title, with the encoder, and what it is."""
    encoder = name.removeprefix(BERTSCORE)
    return f"BERTScore ({encoder})", "F1 of similar tokens, source opinions against summary"


def coverage_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Group × dense, pruned, difference, random extract: share of its opinions on which a sentence rests; HTML."""
    cells = {(row["group"], row["system"]): {**row, "n_unscored": 0} for row in rows}
    systems = [system for system in SYSTEMS if any(name == system for _, name in cells)]
    heads = ["Coverage", *(markup.system_name(system) for system in systems)]
    return markup.table(
        heads,
        [
            [
                f"<b>{escape(group)}</b><small>share of its opinions</small>",
                *(_cell(cells[group, system], False, system == "difference") for system in systems),
            ]
            for group in dict.fromkeys(group for group, _ in cells)
        ],
    )


def coverage_note(facts: Mapping[str, Any]) -> str:
    """When an opinion counts as covered, and what that does not mean."""
    return (
        "An opinion is covered when a sentence of the summary is similar to it (cosine of sentence embeddings from "
        f"{facts['least_score']:g} on, at most {facts['most']} opinions per sentence). Similar in content is not of the same "
        "view."
    )


def untested(report: Mapping[str, Any]) -> str:
    """Why the labels have no accuracy; or why there are no labels."""
    lead = f"{report['source']}: not tested" if "source" in report else "SPD2 is missing"
    return f"{lead}: {report.get('reason', 'no group classifier')}."


def label_facts(report: Mapping[str, Any]) -> list[str]:
    """How the classifier was tested, line by line."""
    kind = {"topic": "topics", "speaker": "speakers", "opinion": "opinions"}.get(str(report["held_out_by"]))
    if report["n_train"]:
        tested = f"each tested once, by a model that has not seen its {report['held_out_by']}"
        units = f" ({report['n_units']} {kind} in {report['n_folds']} parts)" if "n_units" in report else ""
        lines = [f"trained on {report['n_train']:,} opinions; {tested}{units}"]
    else:
        lines = ["not trained here; whether its makers had these opinions is not known"]
    lines.append(
        f"{percent(report['none_share'])} are left without a group because no group is likely enough"
    )
    return [*([str(report["source"])] if "source" in report else []), *lines]


def reliability_note(found: Mapping[str, Any]) -> str:
    """The calibration error, what it would be by chance alone, and what the interval rests on."""
    ends = f"95 %: {percent(found['low'])} to {percent(found['high'])}, bootstrap over {found['by']}s"
    return (
        f"Expected calibration error {percent(found['ece'])} ({ends}): how far stated confidence and accuracy lie apart. "
        f"A perfectly calibrated classifier would show {percent(found['calibrated'])} on so few opinions, and at most "
        f"{percent(found['calibrated_high'])} in 95 of 100 cases."
    )


def _quality_cell(cell: Mapping[str, Any], is_count: bool, difference: bool) -> str:
    if not is_count:
        return _cell(cell, False, difference)
    if cell["value"] is None:
        return f"<b>–</b><small>{escape(str(cell.get('reason') or 'missing'))}</small>"
    sign = "+" if difference else ""
    ends = "no interval"
    if cell["low"] is not None and cell["high"] is not None:
        ends = f"95 %: {cell['low']:{sign}.1f} to {cell['high']:{sign}.1f}"
    text = f"<b>{cell['value']:{sign}.1f}</b><small>{ends}</small><small>n = {cell['n']}</small>"
    return text.replace("-", "−")


def perplexity_table(texts: Mapping[str, Any]) -> str:
    """Text × perplexity of dense, of pruned, and their ratio, with the tokens they rest on; HTML."""
    rows = []
    for name, cells in texts.items():
        title, what = TEXTS[name]
        row = [f"<b>{escape(title)}</b><small>{escape(what)}</small>"]
        for system in ("dense", "pruned"):
            cell = cells[system]
            count = f"n = {cell['tokens']:,} tokens in {cell['windows']} windows of {cell['window_tokens']}"
            note = cell["reason"] or count
            row.append(f"<b>{perplexity_value(cell['value'])}</b><small>{escape(note)}</small>")
        row.append(f"<b>{perplexity_value(cells['ratio'])}</b><small>pruned / dense</small>")
        rows.append(row)
    heads = ["Perplexity", markup.system_name("dense"), markup.system_name("pruned"), "Ratio"]
    return markup.table(heads, rows)


def degenerate_note(found: Mapping[str, Any]) -> str:
    """The share of degenerate summaries per system, and what makes one."""
    shares = ", ".join(f"{name} {percent(one['share'])} of {one['n']}" for name, one in found.items())
    return f"Degenerate summaries (empty, shorter than 5 words, repeating, or off the topic): {shares}."


def perplexity_note(texts: Mapping[str, Any] | None) -> str:
    """What the table means; or that there is none (runs of earlier versions)."""
    if texts is None:
        return "Perplexity was not measured when this run was executed."
    return (
        "Perplexity: how surprised the model is by text it was not calibrated on; lower is better, and a ratio "
        "above 1 is what pruning cost. Values of models with different tokenizers cannot be compared."
    )


def metric_rows(evaluation: Mapping[str, Any], perplexity: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """All cells of metrics, groups, coverage, quality and perplexity as rows for a file: fractions, empty where missing.

    n of a perplexity counts predicted tokens.
    """
    rows: list[dict[str, Any]] = []
    for part in ("metrics", "quality"):
        for name, cells in evaluation[part].items():
            rows += [_row(part, name, system, cell) for system, cell in cells.items()]
    rows += [_row("group difference", row["group"], row["system"], row) for row in evaluation["groups"]]
    rows += [_row("coverage", row["group"], row["system"], row) for row in evaluation.get("coverage", ())]
    for name, texts in (perplexity or {}).items():
        for system in ("dense", "pruned"):
            cell = texts[system]
            rows.append(_row("perplexity", name, system, {**cell, "n": cell["tokens"] or None}))
        rows.append(_row("perplexity", name, "ratio", {"value": texts["ratio"]}))
    # Whole numbers stay whole beside missing ones.
    return pd.DataFrame(rows).astype({"n": "Int64", "n_unscored": "Int64", "n_zero_match": "Int64"})


def _row(part: str, name: str, system: str, cell: Mapping[str, Any]) -> dict[str, Any]:
    keys = (
        "value",
        "low",
        "high",
        "bias",
        "absolute",
        "matcher",
        "n",
        "n_unscored",
        "n_zero_match",
        "reason",
    )
    return {"part": part, "name": name, "system": system, **{key: cell.get(key) for key in keys}}


def sample_rows(samples: Sequence[Mapping[str, Any]], topics: Sequence[str], url: str) -> pd.DataFrame:
    """One row per sample, the largest loss of fairness first.

    Args:
        topics: of the samples.
        url: address of a sample's page, to which its number is added.

    Returns:
        Columns sample (from 1), topic, BUR and UER of both systems, change of UER in percentage points
        (missing where one is unscored; such rows stand last), notes, and the link.
    """
    rows = []
    for place, (sample, topic) in enumerate(zip(samples, topics, strict=True), start=1):
        dense, pruned = sample.get("dense") or {}, sample.get("pruned") or {}
        before, after = dense.get("uer"), pruned.get("uer")
        rows.append(
            {
                "sample": place,
                "read": f"{url}{place}",
                "topic": topic,
                "UER change": None if before is None or after is None else 100 * (after - before),
                "UER dense %": None if before is None else 100 * before,
                "UER pruned %": None if after is None else 100 * after,
                "BUR dense": _unfair(dense.get("bur")),
                "BUR pruned": _unfair(pruned.get("bur")),
                "notes": "; ".join(_notes("dense", dense) + _notes("pruned", pruned)),
            }
        )
    frame = pd.DataFrame(rows)
    numbers = ["UER dense %", "UER pruned %", "UER change"]
    frame[numbers] = frame[numbers].astype("float64")
    return frame.sort_values(
        "UER change", ascending=False, na_position="last", kind="stable", ignore_index=True
    )


def _unfair(value: int | None) -> str:
    return "–" if value is None else "unfair" if value else "fair"


def _notes(system: str, sample: Mapping[str, Any]) -> list[str]:
    found = [str(reason) for reason in sample.get("degenerate") or []]
    if sample.get("unscored"):
        found.append(f"unscored: {sample['unscored']}")
    return [f"{system}: {note}" for note in found]


def sample_facts(sample: Mapping[str, Any] | None) -> list[str]:
    """What is said of one summary, line by line: BUR, UER, words, why it is degenerate or unscored."""
    if sample is None:
        return []
    facts = []
    if sample["unscored"]:
        facts.append(f"Not scored: {sample['unscored']}.")
    else:
        verdict = (
            "a group falls below its threshold" if sample["bur"] else "no group falls below its threshold"
        )
        facts.append(f"BUR: {verdict}. UER: {percent(sample['uer'])}.")
    if sample["spd2"] is not None:
        facts.append(f"SPD2: {markup.number(sample['spd2'], signed=True)}.")
    if sample["words"] is not None:
        facts.append(f"{sample['words']} words, ROUGE-L {percent(sample['rouge_l'])}.")
    if sample["degenerate"]:
        facts.append(f"Degenerate: {', '.join(sample['degenerate'])}.")
    return facts


def fairness_change(sample: Mapping[str, Any]) -> float | None:
    """UER of pruned minus dense; None where one is unscored."""
    before, after = (sample.get(system) or {} for system in ("dense", "pruned"))
    if before.get("uer") is None or after.get("uer") is None:
        return None
    return float(after["uer"]) - float(before["uer"])


def change_text(sample: Mapping[str, Any]) -> str:
    """'UER +12.5 points', or that it cannot be compared."""
    found = fairness_change(sample)
    return "not comparable" if found is None else f"UER {points(found)}"
