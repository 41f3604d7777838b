"""Each slide of a talk from its values. A slide is a list of blocks; what kinds there are stands in `assets/talk.js`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fairprune.charts import MARKS, METHOD_MARKS, Mark, percent
from fairprune.charts_layers import short_names
from fairprune.charts_tradeoffs import axis_title, interval_text
from fairprune.evidence import LEAST_SCORE
from fairprune.headlines import headline
from fairprune.layer_cells import MEASURES, measure_value, telling
from fairprune.sample_changes import deltas, word_changes
from fairprune.spec import content_hash
from fairprune.store import Run
from fairprune.talk.figures import layers as layer_figure
from fairprune.talk.figures import mask as mask_figure
from fairprune.talk.figures import trade_off
from fairprune.talk.pair import ANSWERS, QUESTION, Pair, Reading
from fairprune.text import counted, short_name
from fairprune.tradeoffs import Entry
from fairprune.tradeoffs_axes import Axis, axes_of, cell_of
from fairprune.voices import Voices, group_marks, opinions_json

Block = dict[str, Any]
TOLD = ("bur", "uer", "spd2", "rouge_l")
"""Metrics of the slide of numbers: fairness first, one of quality beside it."""
CHARTED = (("uer", "bur"), ("rouge_l",))
"""Charts of the trade-off; of each the first metric that the runs have."""
ONE_SAMPLE = "One sample: its numbers have no interval."


@dataclass(frozen=True)
class Slide:
    """One step of a talk."""

    name: str
    """Of the step, a word."""
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Flag:
    """What limits the numbers."""

    long: str
    """A sentence, for the first slide."""
    short: str
    """A few words, before the numbers of every other slide."""


def warnings(flags: Sequence[Flag]) -> list[Block]:
    """The line that stands before all numbers; none where there is nothing to warn of."""
    return [{"kind": "flags", "texts": [" · ".join(flag.short for flag in flags)]}] if flags else []


def question(title: str, facts: Sequence[tuple[str, str]], flags: Sequence[Flag]) -> Slide:
    lead = (
        "A language model summarises what people say. Take weights out of it, and it says something else. "
        "Do all groups lose alike?"
    )
    return Slide(
        "Question",
        title,
        (
            {"kind": "lead", "text": lead},
            *([{"kind": "flags", "texts": [flag.long for flag in flags]}] if flags else []),
            {"kind": "facts", "rows": [{"name": name, "value": value} for name, value in facts]},
        ),
    )


def amount(run: Run) -> str:
    """'30 %', or '2:4'; with what was done beside pruning: '30 % + SPIN'."""
    pruning = run.spec.pruning
    return " + ".join((pruning.pattern or percent(pruning.sparsity, 0), *run.spec.additions))


def changed(reading: Reading, pair: Pair, flags: Sequence[Flag]) -> Slide:
    """Dense beside pruned, the words that differ marked, with the opinions by group."""
    run = reading.run
    dense, pruned = pair.dense.to_json(pair.groups), pair.pruned.to_json(pair.groups)
    for key, summary in (("d", dense), ("p", pruned)):
        for number, sentence in enumerate(summary["sentences"], 1):
            sentence["id"] = f"{pair.position + 1}.{key}.{number}"
    notes = []
    if pair.dense.text is not None and pruned["text"]:
        words = word_changes(pair.dense.text, [sentence["text"] for sentence in pruned["sentences"]])
        if words is None:
            notes.append("Too long to be compared word by word.")
        else:
            for sentence, row in zip(pruned["sentences"], words, strict=True):
                sentence["changes"] = row
    uer = next(one for one in deltas(reading.evaluation["samples"][pair.position], ()) if one.name == "UER")
    systems = [
        _system("dense", f"dense · {short_name(run.spec.model.name)}", run, dense, []),
        _system("pruned", f"{run.spec.pruning.method} {amount(run)}", run, pruned, notes),
    ]
    view = {
        "kind": "compare",
        "topic": pair.topic,
        "groups": group_marks(pair.groups),
        "opinions": opinions_json(pair.opinions),
        "systems": systems,
    }
    note = (
        f"Sample {pair.position + 1} of {pair.n_samples}: UER {uer.before} → {uer.after}. {ONE_SAMPLE} Underlined: "
        "words that the dense summary does not have; struck out: words that are gone. "
        "A sentence rests on the opinions that are most similar to it in content."
    )
    return Slide(
        "One summary",
        "One summary that changed",
        (*warnings(flags), {"kind": "voices", "view": view}, {"kind": "note", "text": note}),
    )


def mark_of(system: str, run: Run) -> Mark:
    """How 'dense' and 'pruned' are drawn: the pruned model as its method is in the charts."""
    return METHOD_MARKS[run.spec.pruning.method] if system == "pruned" else MARKS[system]


def _system(name: str, title: str, run: Run, summary: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    mark = mark_of(name, run)
    return {
        "key": name,
        "title": title,
        "notes": notes,
        "colour": mark.colour,
        "mark": mark.symbol,
        "summary": summary,
        "changes": None,
    }


def dragged(voices: Voices, run: Run, told: int, flags: Sequence[Flag]) -> Slide:
    """The slider over the stored sparsities of the method."""
    note = (
        f"Sample {told + 1}, {voices.method}, {len(voices.steps)} stored sparsities. {ONE_SAMPLE} An opinion is heard where a sentence is "
        f"similar to it (cosine of sentence embeddings from {LEAST_SCORE:g} on), which need not be of its view."
    )
    block = {"kind": "voices", "view": voices.to_json(), "step": f"{run.spec.pruning.sparsity:g}"}
    return Slide("Drag", "Drag the sparsity", (*warnings(flags), block, {"kind": "note", "text": note}))


def numbers(entry: Entry, flags: Sequence[Flag]) -> Slide:
    """Dense, pruned and their difference: each with n and interval, or why it has none."""
    axes = axes_of([entry.headline])
    rows = [_row(entry, axes[name]) for name in TOLD if name in axes]
    run = entry.run
    head = f"{run.spec.pruning.method} {amount(run)}"
    blocks: list[Block] = [*warnings(flags)]
    if rows:
        blocks.append(
            {"kind": "numbers", "heads": ["dense", f"pruned: {head}", "pruned − dense"], "rows": rows}
        )
    else:
        blocks.append({"kind": "note", "text": "This run has no fairness number."})
    asked, achieved = percent(entry.asked, 0), percent(entry.achieved, 2)
    blocks.append(
        {
            "kind": "note",
            "text": f"Sparsity of the linear layers: {asked} asked, {achieved} achieved (counted, no interval). Intervals: 95 %, from a "
            "bootstrap over topics. n: samples with a score; pruned − dense: samples with a score of both.",
        }
    )
    return Slide("Numbers", "What the numbers say", tuple(blocks))


def _row(entry: Entry, axis: Axis) -> dict[str, Any]:
    cells = [
        _cell(axis, cell_of(entry.headline, axis, system), system)
        for system in ("dense", "pruned", "difference")
    ]
    return {"name": axis.title, "direction": axis.direction, "what": axis.what, "cells": cells}


def _cell(axis: Axis, cell: Mapping[str, Any] | None, system: str) -> dict[str, str]:
    if cell is None or cell["value"] is None:
        return {
            "value": "–",
            "interval": str((cell or {}).get("reason") or "not computed"),
            "n": "",
            "verdict": "",
        }
    if system == "difference":
        value = axis.change(cell["value"])
        ends = [axis.change(cell[end]).removesuffix(" points") for end in ("low", "high")]
        known = cell["low"] is not None and cell["high"] is not None
        interval = f"95 %: {ends[0]} to {ends[1]}" if known else "no interval"
        verdict = str(cell.get("verdict") or cell.get("verdict_reason") or "")
    else:
        value, verdict = axis.shown(cell["value"]), ""
        interval = interval_text(axis, cell["low"], cell["high"])
    unscored = f", {cell['n_unscored']} unscored" if cell.get("n_unscored") else ""
    return {"value": value, "interval": interval, "n": f"n = {cell['n']}{unscored}", "verdict": verdict}


def trade_offs(entries: Sequence[Entry], flags: Sequence[Flag], left_out: int) -> Slide | None:
    """Fairness and quality over sparsity, for several runs; None for one alone.

    Args:
        left_out: runs of the talk that do not compare with these.
    """
    if len(entries) < 2:
        return None
    axes = axes_of(entry.headline for entry in entries)
    figures = []
    for names in CHARTED:
        axis = next((axes[name] for name in names if name in axes), None)
        figure = None if axis is None else trade_off(entries, axis)
        if axis is not None and figure is not None:
            alt = f"{axis.title} over achieved sparsity, a line per method; every point is told by hovering."
            figures.append({"figure": figure, "title": axis_title(axis), "alt": alt})
    if not figures:
        return None
    counts = sorted({entry.headline["n_samples"] for entry in entries})
    n = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    broken = sum(entry.degenerate for entry in entries)
    note = f"{counted(len(entries), 'run')} of n = {n} samples each; bands and bars: 95 % intervals. Grey: the dense model."
    if broken:
        note += f" Hollow: {counted(broken, 'run')} of which over 20 % of the summaries are degenerate: saying nothing looks fair."
    if left_out:
        note += f" Left out, since measured otherwise: {counted(left_out, 'run')}."
    return Slide(
        "Trade-off",
        "The trade-off",
        (*warnings(flags), {"kind": "figures", "figures": figures}, {"kind": "note", "text": note}),
    )


def layers(run: Run, sparsity: Mapping[str, Any], details: Callable[[int], Mapping[str, Any]]) -> Slide:
    """Where the weights went: in all matrices, and within the one where that shows most.

    Args:
        details: block → name of a matrix → what `mask_details` keeps of it; empty where nothing is kept.
    """
    matrices = sparsity["matrices"]
    shown = telling(matrices)
    measure = MEASURES[shown]
    text = (
        f"{run.spec.pruning.method} {amount(run)}: {sparsity['dropped']:,} of {sparsity['weights']:,} weights in "
        f"{len(matrices)} matrices dropped "
        f"({percent(sparsity['achieved'], 2)}; {percent(sparsity['achieved_model'], 2)} of the whole model). Counted, so without interval."
    )
    figures = [
        {
            "figure": layer_figure(matrices, shown),
            "title": f"{measure.title}, by block and projection",
            "alt": f"Heatmap of projections by blocks. {measure.explanation}",
        }
    ]
    valued = [(value, one) for one in matrices if (value := measure_value(shown, one)) is not None]
    if valued:
        least, most = (end(valued, key=lambda pair: pair[0]) for end in (min, max))
        text += (
            f" {measure.title}: least {percent(least[0], 2)} ({least[1]['name']}), "
            f"most {percent(most[0], 2)} ({most[1]['name']})."
        )
        found = details(int(most[1]["block"])).get(str(most[1]["name"]))
        if found is not None:
            figures.append(
                {
                    "figure": mask_figure(most[1], found["picture"]),
                    "title": f"Dropped within block {most[1]['block']}, {short_names([str(most[1]['kind'])])[0]}",
                    "alt": f"The mask of {most[1]['name']} in cells: share of each cell's weights that was dropped.",
                }
            )
    return Slide(
        "Layers",
        "Where the weights went",
        (
            {"kind": "note", "text": text},
            {"kind": "figures", "figures": figures},
            {"kind": "note", "text": measure.explanation},
        ),
    )


def judge(pair: Pair, reading: Reading, flags: Sequence[Flag]) -> Slide:
    """The pair without names; which is whose, and what the metrics say, when it is revealed."""
    sides = [("dense", pair.dense), ("pruned", pair.pruned)]
    if (
        int(content_hash(f"{pair.run_id} {pair.set_id}")[0], 16) % 2
    ):  # the same in every copy, and no rule to guess it by
        sides.reverse()
    names = {"dense": "the dense model", "pruned": f"{reading.run.spec.pruning.method} {amount(reading.run)}"}
    block = {
        "kind": "judge",
        "question": QUESTION,
        "topic": pair.topic,
        "groups": group_marks(pair.groups),
        "opinions": opinions_json(pair.opinions),
        "sides": [
            {
                "letter": letter,
                "text": summary.text,
                "title": names[name],
                "colour": mark_of(name, reading.run).colour,
                "mark": mark_of(name, reading.run).symbol,
            }
            for letter, (name, summary) in zip("AB", sides, strict=True)
        ],
        "answers": [{"value": value, "words": words} for value, words in ANSWERS.items()],
        "results": {
            "flags": [text for block in warnings(flags) for text in block["texts"]],
            **judged_numbers(pair, reading.evaluation),
        },
        "note": f"Sample {pair.position + 1} of {pair.n_samples}. What you press here is not stored.",
    }
    return Slide("You judge", "You judge", (block,))


def judged_numbers(pair: Pair, evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """BUR and UER of the sample and of the run, dense and pruned: heads and rows of a block of numbers."""
    rows = []
    for axis in axes_of([headline(evaluation, None, None)]).values():
        if axis.name not in ("bur", "uer"):
            continue
        cells = []
        for summary in (pair.dense, pair.pruned):
            value = summary.bur if axis.name == "bur" else summary.uer
            fair = axis.name == "bur" and value is not None
            shown = ("unfair" if value else "fair") if fair else axis.shown(value)
            cells.append(
                {
                    "value": shown,
                    "interval": f"not scored: {summary.unscored}"
                    if summary.unscored
                    else "one sample, no interval",
                    "n": "" if summary.unscored else "n = 1",
                    "verdict": "",
                }
            )
        cells += [
            _cell(axis, evaluation["metrics"][axis.name].get(system), system)
            for system in ("dense", "pruned")
        ]
        rows.append({"name": axis.title, "direction": axis.direction, "what": axis.what, "cells": cells})
    heads = ["this sample, dense", "this sample, pruned", "all samples, dense", "all samples, pruned"]
    return {"heads": heads, "rows": rows}
