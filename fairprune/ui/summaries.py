"""Summaries beside one another: which runs fit, in which order one leafs, and what the renderer draws. Values; nothing is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from fairprune.charts import MARKS, METHOD_MARKS, percent
from fairprune.headlines import headlines
from fairprune.opinions import OpinionSet
from fairprune.sample_changes import deltas, heard, word_changes
from fairprune.store import Run, Store, SummaryRow
from fairprune.text import sentences, short_name
from fairprune.ui import markup
from fairprune.ui.fairness import fairness_change, sample_facts
from fairprune.voices import group_marks, opinions_json, opinions_of, sample_summary

SYSTEMS = ("dense", "pruned")
KEYS = ("pruned", "pruned2", "pruned3")
"""The runs of the page, in their order, as an address names them: '3.pruned2.1' is the first sentence of sample 3."""
MOST_BESIDE = len(KEYS) - 1
"""Runs that stand beside the chosen one."""
ORDERS = {
    "drawn": "As drawn",
    "change": "Largest change",
    "loss": "Largest loss",
    "lost": "Most opinions lost",
}
ORDER_HELP = (
    "Largest change: of UER, either way. Largest loss: UER that rose most. Most opinions lost: those that the dense summary "
    "rests on and the pruned one does not. Samples without the number stand last."
)
OWN_DENSE = "Its dense model wrote other summaries than those shown here: its changes are against its own."
OWN_METRICS = "Its fairness numbers rest on other metric settings: compare its changes with care."


@dataclass(frozen=True)
class Read:
    """A run and what the page shows of it."""

    run: Run
    generation: Mapping[str, Any]
    evaluation: Mapping[str, Any]
    rows: Mapping[str, Mapping[int, SummaryRow]]
    """System → position of the sample → its summary."""
    achieved: float | None
    """Sparsity, a fraction."""


def read_run(store: Store, run: Run) -> Read | None:
    """What is stored of the run's summaries; None where it has none."""
    generation, evaluation = store.result(run.id, "generation"), store.result(run.id, "evaluation")
    if generation is None or evaluation is None:
        return None
    rows = {
        name: {row.position: row for row in store.summaries(facts["id"])}
        for name, facts in generation["systems"].items()
    }
    sparsity = headlines(store, [run.id])[run.id]["sparsity"]
    return Read(run, generation, evaluation, rows, None if sparsity is None else float(sparsity["achieved"]))


def fitting(store: Store, run: Run, runs: Iterable[Run]) -> tuple[list[Run], dict[str, str]]:
    """The other runs that can stand beside `run`, and of those that cannot, by id, the reason."""
    others = [other for other in runs if other.id != run.id]
    corpus = run.spec.evaluation.corpus
    known = headlines(store, [run.id, *(o.id for o in others if o.spec.evaluation.corpus == corpus)])
    own = known.get(run.id, {}).get("sets")
    found, reasons = [], {}
    for other in others:
        asked = other.spec.evaluation
        if asked.corpus != corpus:
            reasons[other.id] = f"it summarises {asked.corpus}, this run {corpus}"
        elif other.state != "done" or other.id not in known:
            reasons[other.id] = "it has no summaries yet"
        elif known[other.id]["sets"] != own:
            reasons[other.id] = (
                f"it summarises other opinion sets of {corpus}: {known[other.id]['n_samples']} of {asked.set_size} opinions, "
                f"{asked.compositions}, seed {asked.seed}"
            )
        else:
            found.append(other)
    return found, reasons


def order_of(samples: Sequence[Mapping[str, Any]], places: Sequence[int], how: str) -> list[int]:
    """`places` in the order in which one leafs through them; samples without the number stand last.

    Args:
        how: a key of ORDERS.
    """

    def key(place: int) -> float:
        value = _sorted_by(samples[place], how)
        return float("inf") if value is None else -value

    return list(places) if how == "drawn" else sorted(places, key=key)


def _sorted_by(sample: Mapping[str, Any], how: str) -> float | None:
    if how == "lost":
        before, after = heard(sample, "dense"), heard(sample, "pruned")
        return None if before is None or after is None else float(before - after)
    change = fairness_change(sample)
    return change if change is None or how == "loss" else abs(change)


def heard_text(sample: Mapping[str, Any]) -> str:
    """'5 → 2 heard': opinions that the dense and the pruned summary rest on."""
    before, after = ("–" if (n := heard(sample, s)) is None else str(n) for s in ("dense", "pruned"))
    return f"{before} → {after} heard"


def compare_view(
    shown: Sequence[Read], place: int, one: OpinionSet, groups: Sequence[str], changes: bool
) -> dict[str, Any]:
    """What `fairpruneVoices.render` draws of one sample: its opinions, the dense summary, and that of each run.

    Args:
        shown: the chosen run, and at most `MOST_BESIDE` others of the same opinion sets.
        changes: whether the words that differ from the dense summary are marked.
    """
    first = shown[0]
    mark = MARKS["dense"]
    dense = _system(first, "dense", "dense", place, groups)
    dense |= {
        "title": f"dense · {short_name(first.run.spec.model.name)}",
        "notes": [],
        "colour": mark.colour,
        "mark": mark.symbol,
        "changes": None,
    }
    systems = [dense]
    for key, read in zip(KEYS, shown, strict=False):
        method = METHOD_MARKS[read.run.spec.pruning.method]
        system = _system(read, "pruned", key, place, groups)
        notes = _notes(read, first)
        if changes:
            notes += _mark_changes(system["summary"], read, place)
        systems.append(
            system
            | {
                "title": _title(read.run),
                "notes": notes,
                "colour": method.colour,
                "mark": method.symbol,
                "changes": [delta.to_json() for delta in deltas(read.evaluation["samples"][place], groups)],
            }
        )
    return {
        "kind": "compare",
        "topic": one.topic,
        "groups": group_marks(groups),
        "opinions": opinions_json(opinions_of(one)),
        "systems": systems,
    }


def _system(read: Read, name: str, key: str, place: int, groups: Sequence[str]) -> dict[str, Any]:
    row = read.rows.get(name, {}).get(place)
    summary = sample_summary(row, read.evaluation["samples"][place].get(name)).to_json(groups)
    for number, sentence in enumerate(summary["sentences"], 1):
        sentence["id"] = f"{place + 1}.{key}.{number}"
    return {"key": key, "summary": summary}


def _title(run: Run) -> str:
    """A name that fits above a column: the run's own, or method and sparsity."""
    return run.name or _method(run)


def _method(run: Run) -> str:
    return run.spec.system_name()


def _notes(read: Read, first: Read) -> list[str]:
    run = read.run
    calibration = run.spec.calibration
    own = f"{_method(run)}, " if run.name else ""  # its title does not say it
    facts = f"{own}{short_name(run.spec.model.name)}, calibrated on {calibration.name} ({calibration.corpus}), seed {calibration.seed}"
    notes = [f"{facts}; {percent(read.achieved, 2)} of the weights dropped"]
    ids = [one.generation["systems"].get("dense", {}).get("id") for one in (read, first)]
    if ids[0] != ids[1]:
        notes.append(OWN_DENSE)
    if run.spec.metrics != first.run.spec.metrics:
        notes.append(OWN_METRICS)
    return notes


def _mark_changes(summary: dict[str, Any], read: Read, place: int) -> list[str]:
    """Puts the words that differ from the dense summary into `summary`; says why where there are none to mark."""
    dense = read.rows.get("dense", {}).get(place)
    if dense is None or not summary["text"]:
        return ["No words to compare: a summary is missing or empty."]
    found = word_changes(dense.text, [sentence["text"] for sentence in summary["sentences"]])
    if found is None:
        return ["Too long to be compared word by word."]
    for sentence, words in zip(summary["sentences"], found, strict=True):
        sentence["changes"] = words
    return []


def column(system: str, text: str | None, sample: dict[str, Any] | None, groups: tuple[str, ...]) -> str:
    """One system's summary as HTML for a page that has no renderer."""
    head = f'<div class="fp-column"><h3>{markup.system_name(system)}</h3>'
    if text is None:
        return f"{head}<p>There is no {escape(system)} summary of this sample.</p></div>"
    if not text.strip():
        body = "<p><em>The model wrote nothing.</em></p>"
    elif sample and (sample["labels"] or sample.get("evidence")):
        rows = sample["labels"] or [[sentence, None, None] for sentence in sentences(text)]
        body = markup.summary_sentences(rows, groups, sample.get("evidence"))
    else:
        body = f'<div class="fp-opinion fp-plain">{escape(text)}</div>'
    facts = "".join(f'<div class="fp-note">{escape(fact)}</div>' for fact in sample_facts(sample))
    shares = markup.shares(sample, groups) if sample else ""
    return f"{head}{body}{shares}{facts}</div>"
