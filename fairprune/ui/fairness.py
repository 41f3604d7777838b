"""Tables of an evaluation: metrics, groups, quality, one sample. Values → HTML or sentences; nothing is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from statistics import median
from typing import Any

from fairprune.charts import percent, points
from fairprune.charts_metrics import metric_label
from fairprune.metrics import METRICS, Metric, in_order
from fairprune.metrics.quality import MAX_LOSS_RATIO
from fairprune.metrics.scoring.numbers import BERTSCORE
from fairprune.tables import perplexity_value, reason_lines
from fairprune.text import counted
from fairprune.ui import markup

SYSTEMS = ("dense", "pruned", "difference", "random")
QUALITY = {
    "rouge_1": ("ROUGE-1 against the source opinions", "F1 of words, of every script"),
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


def is_signed(metric: Metric) -> bool:
    """Whether it is no rate: shown as a signed decimal instead of percent."""
    return not metric.is_rate


def better(metric: Metric) -> str:
    """Which direction is fairer, with an arrow."""
    return "→ 0 is fairest" if metric.direction == "zero" else "↓ lower is fairer"


def matched_by(matcher: str | None) -> str:
    """How a metric tells which group a summary speaks for; '' where that is not stored."""
    return MATCHERS.get(matcher, f"matched by {matcher}") if matcher else ""


def cell_html(cell: Mapping[str, Any], signed: bool, difference: bool, tight: bool = False) -> str:
    """Value, interval and n; `tight`: interval and n in one line."""
    show = markup.metric_difference if difference else markup.metric_value
    unscored = f", {cell['n_unscored']} unscored" if cell["n_unscored"] else ""
    count = f"n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{cell['n']}" if tight else f"n = {cell['n']}"
    lines = [markup.interval(cell, signed, difference), f"{count}{unscored}"]
    return _bold(show(cell, signed), *([", ".join(lines)] if tight else lines))


def _bold(value: str, *lines: str) -> str:
    return f"<b>{escape(value)}</b>" + "".join(f"<small>{escape(line)}</small>" for line in lines if line)


def _over_chance(cells: Mapping[str, Any], signed: bool) -> str:
    """How far dense and pruned lie above random extracts as long as they are, with interval and n."""
    lines = []
    for system, name in EXCESS.items():
        cell = cells.get(name)
        if cell is not None and cell["value"] is not None:
            ends = markup.interval(cell, signed, True).removeprefix("95 %: ")
            value = markup.metric_difference(cell, signed).removesuffix(" points")
            lines.append(f"{system} over it: {value} ({ends}), n = {cell['n']}")
    return "".join(f'<small class="fp-line">{escape(line)}</small>' for line in lines)


def metric_table(metrics: Mapping[str, Any]) -> str:
    """Metric × dense, pruned, difference, random extract: value, interval, n, unscored; below it what qualifies it; HTML."""
    heads = ["Metric", *(markup.system_name(system) for system in SYSTEMS)]
    rows = []
    for name in in_order(metrics):
        metric, cells = METRICS[name], metrics[name]
        signed = is_signed(metric)
        title = _bold(metric_label(name), metric.title)
        reasons = {cells[system].get("reason") for system in ("dense", "pruned")}
        if len(reasons) == 1 and all(cells[system]["value"] is None for system in ("dense", "pruned")):
            rows.append([title, f"<b>–</b><small>{escape(str(reasons.pop() or 'missing'))}</small>"])
            continue
        row = [title, *(cell_html(cells[system], signed, system == "difference") for system in SYSTEMS)]
        row[-1] += _over_chance(cells, signed)
        rows.append(row)
        rows.append([escape(" · ".join(metric_notes(name, cells)))])
    return markup.table(heads, rows)


def metric_notes(name: str, cells: Mapping[str, Any]) -> list[str]:
    """What qualifies a metric's numbers: which are fairer, where they come from, what they leave out, how far noise goes."""
    metric = METRICS[name]
    signed = is_signed(metric)
    notes = [better(metric), *([matched] if (matched := matched_by(cells["dense"].get("matcher"))) else [])]

    def both(key: str, show: Callable[[Any], str]) -> str:
        """'dense 12 %, pruned 15 %' of what both cells say."""
        known = {system: cells[system].get(key) for system in ("dense", "pruned")}
        return ", ".join(f"{system} {show(value)}" for system, value in known.items() if value is not None)

    def rate(value: float) -> str:
        return percent(value, 0)

    if found := both("none_share", rate):
        notes.append(f"sentences without a group: {found}")
    if found := "; ".join(_with_ends(cells, "absolute", "absolute", True)):
        notes.append(f"mean of absolute values: {found}")
    if any(cells[system].get("n_single_group") for system in ("dense", "pruned")):
        found = "; ".join(_with_ends(cells, "value_multi", "multi", False))
        notes.append(
            f"sets with one group, always fair: {both('n_single_group', str)}; without them: {found or 'none is left'}"
        )
    if any(cells[system].get("n_zero_match") for system in ("dense", "pruned")):
        notes.append(f"no word matched: {both('n_zero_match', str)}")
    if found := both("exclusive", rate):
        notes.append(f"credit that one group alone could give: {found}")
    if metric.contrasts is not None and (found := both("bias", _signed_by(signed))):
        notes.append(f"bootstrap bias of the folded value: {found}")
    for system in ("dense", "pruned"):
        ends = [cells[system].get(key) for key in ("correction_low", "correction_high")]
        if None not in ends:
            notes.append(
                f"the confusion matrix leaves open, {system}: {markup.number(ends[0], True)} to {markup.number(ends[1], True)}"
                f", {cells[system].get('n_outside', 0)} samples beyond [0, 1]"
            )
    noise = cells.get("noise")
    if noise is not None and noise["value"] is not None:
        notes.append(
            f"noise (dense asked twice): {markup.metric_difference(noise, signed)}, {markup.interval(noise, signed, True)}, "
            f"n = {noise['n']}"
        )
    return notes


def _with_ends(cells: Mapping[str, Any], name: str, prefix: str, signed: bool) -> list[str]:
    """'dense 0.33 (95 %: 0.20 to 0.46, n = 40)' per system, of a number beside a cell's value; without an interval why."""
    found = []
    for system in ("dense", "pruned"):
        cell = cells[system]
        if cell.get(name) is None:
            continue
        own = {"value": cell[name], "low": cell.get(f"{prefix}_low"), "high": cell.get(f"{prefix}_high")}
        shown = markup.number(own["value"]) if signed else percent(own["value"])
        ends = markup.interval(own, signed).replace("+", "")  # none is below 0
        limit = cell.get(f"{prefix}_limit")
        why = f" ({limit})" if own["low"] is None and limit else ""
        n = cell["n"] - (cell.get("n_single_group") or 0 if prefix == "multi" else 0)
        found.append(f"{system} {shown}, {ends}{why}, n = {n}")
    return found


def reasons(cells: Iterable[tuple[str, Mapping[str, Any] | None]]) -> str:
    """Why values or intervals of these cells are missing: a line of HTML below a table; '' where nothing is."""
    lines = [f"{line[:1].upper()}{line[1:]}." for line in reason_lines(cells)]
    return f'<p class="fp-note">{escape(" ".join(lines))}</p>' if lines else ""


def lean_reasons(evaluation: Mapping[str, Any]) -> str:
    """The same of whom the summaries lean to, dense and pruned, in plain text."""
    shown = [row for row in evaluation["groups"] if row["system"] in SYSTEMS[:2]]
    lines = reason_lines((f"{row['group']}, {row['system']}", row) for row in shown)
    return " ".join(f"{line[:1].upper()}{line[1:]}." for line in lines)


def _signed_by(signed: bool) -> Callable[[float], str]:
    return (lambda value: markup.number(value, True)) if signed else points


def group_table(evaluation: Mapping[str, Any]) -> str:
    """Group × dense, pruned, difference, random extract: lean of the summaries, and opinions covered; HTML."""
    rows = []
    parts = (
        ("share in the summary − fair share", evaluation["groups"], True),
        ("share of its opinions covered", evaluation.get("coverage") or (), False),
    )
    systems = [name for name in SYSTEMS if any(row["system"] == name for row in evaluation["groups"])]
    told: list[tuple[str, Mapping[str, Any] | None]] = []
    for what, found, is_lean in parts:
        cells = {(row["group"], row["system"]): {"n_unscored": 0, **row} for row in found}
        for group in dict.fromkeys(group for group, _ in cells):
            row = [_bold(str(group), what)]
            for system in systems:
                cell = cells.get((group, system))
                difference = is_lean or system == "difference"
                row.append(
                    "<b>–</b><small>not computed</small>"
                    if cell is None
                    else cell_html(cell, False, difference)
                )
            rows.append(row)
        told += [
            (f"{group}, {system} ({what})", cells[group, system])
            for group, system in cells
            if system in systems
        ]
    heads = ["Group", *(markup.system_name(system) for system in systems)]
    return markup.table(heads, rows) + reasons(told) if rows else ""


def quality_table(quality: Mapping[str, Any]) -> str:
    """Quality number × dense, pruned, difference; HTML."""
    systems = SYSTEMS[:3]
    rows = []
    told: list[tuple[str, Mapping[str, Any] | None]] = []
    scores = {name: bertscore_title(name) for name in quality if name.startswith(BERTSCORE)}
    for name, (title, what) in {**scores, **QUALITY}.items():
        if name not in quality:
            continue
        row = [f"<b>{escape(title)}</b><small>{escape(what)}</small>"]
        for system in systems:
            row.append(quality_cell(quality[name][system], name == "words", system == "difference"))
        told += [(f"{title}, {system}", quality[name][system]) for system in systems]
        rows.append(row)
    return markup.table(["Quality", *(markup.system_name(system) for system in systems)], rows) + reasons(
        told
    )


def bertscore_title(name: str) -> tuple[str, str]:
    """'bertscore_minilm' → its title, with the encoder, and what it is."""
    encoder = name.removeprefix(BERTSCORE)
    return f"BERTScore ({encoder})", "F1 of similar tokens, source opinions against summary"


def coverage_note(facts: Mapping[str, Any]) -> str:
    """When an opinion counts as covered, and what that does not mean; or why nothing is known of it."""
    if facts.get("reason"):
        return f"Whose opinions are covered is not known: {facts['reason']}."
    return (
        "An opinion is covered when a sentence of the summary is similar to it (cosine of sentence embeddings from "
        f"{facts['least_score']:g} on, at most {facts['most']} opinions per sentence). Similar in content is not of the same "
        "view."
    )


def loss_note(samples: Sequence[Mapping[str, Any]]) -> str:
    """How likely the dense model finds the pruned summaries beside its own; '' where it was not asked."""
    found = sorted(one["loss_ratio"] for one in samples if one.get("loss_ratio") is not None)
    if not found:
        return ""
    above = sum(ratio > MAX_LOSS_RATIO for ratio in found)
    return (
        f"Loss per token under the dense model, pruned summary / its own: median {median(found):.2f}, highest {found[-1]:.2f}, "
        f"above {MAX_LOSS_RATIO:g} (degenerate) in {above} of n = {len(found)}."
    )


def quality_cell(cell: Mapping[str, Any], is_count: bool, difference: bool) -> str:
    """A quality number with interval and n: a share, or (`is_count`) a mean of words; HTML."""
    if not is_count:
        return cell_html(cell, False, difference, tight=True)
    if cell["value"] is None:
        return f"<b>–</b><small>{escape(str(cell.get('reason') or 'missing'))}</small>"
    sign = "+" if difference else ""
    ends = "no interval"
    if cell["low"] is not None and cell["high"] is not None:
        ends = f"95 %: {cell['low']:{sign}.1f} to {cell['high']:{sign}.1f}"
    text = f"<b>{cell['value']:{sign}.1f}</b><small>{ends}, n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{cell['n']}</small>"
    return text.replace("-", "−")


def perplexity_table(texts: Mapping[str, Any]) -> str:
    """Text × perplexity of dense, of pruned, and their ratio, with the tokens they rest on; HTML."""
    rows = []
    for name, cells in texts.items():
        title, what = TEXTS[name]
        row = [f"<b>{escape(title)}</b><small>{escape(what)}</small>"]
        for system in ("dense", "pruned"):
            cell = cells[system]
            count = f"n = {cell['tokens']:,} tokens in {counted(cell['windows'], 'window')} of {cell['window_tokens']}"
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
        "above 1 is what pruning cost. Values of models with different tokenizers cannot be compared. There is no interval: the "
        "loss is summed over all windows, none is kept alone."
    )


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
