"""The result of an edit or a recovery: its runs on their way, then dense, pruned, edited or recovered and controls side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st

from fairprune.charts import percent
from fairprune.charts_metrics import metric_label
from fairprune.debias_compare import Beside, beside, conclusion
from fairprune.debias_group import UNIFORM, Member
from fairprune.debias_losses import GroupBeside, beside_control
from fairprune.debias_stages import DEBIAS
from fairprune.metrics import METRICS
from fairprune.store import ENDED, RESTARTABLE, Run, Store
from fairprune.tables import perplexity_value
from fairprune.text import counted
from fairprune.ui import fairness, markup
from fairprune.ui.page import reconcile_watched, refusals, refuse
from fairprune.ui.run_live import draw_running
from fairprune.ui.runs import STATES, results_links
from fairprune.ui.tradeoffs_scores import read_scores_of, sample_places
from fairprune.uncertainty import draw_resamples

POLL_SECONDS = 2.0
RESAMPLES = 1000
Stored = Sequence[tuple[Member, Run | None]]


def draw_progress(store: Store, members: Stored) -> None:
    """Runs of the group that are not done: those on their way are drawn anew every two seconds, the others say why."""
    open_ids = tuple(run.id for _, run in members if run is not None and run.state not in ENDED)
    if open_ids:
        states = tuple((run.id, run.state) for _, run in members if run is not None)
        st.fragment(_live, run_every=POLL_SECONDS)(store, states)
    for member, run in members:
        if run is None:
            st.caption(f":material/block: {markup.inert(member.title)}: not started.")
        elif run.state in RESTARTABLE:
            if run.error:
                refuse(f"{member.title}: {run.error}")
            else:
                st.info(f"{markup.inert(member.title)} was {STATES[run.state][0]}.", icon=":material/block:")
            st.page_link(
                "pages/1_Prune.py",
                label="Open it to start it again",
                icon=":material/replay:",
                query_params={"run": run.id},
            )


def _live(store: Store, drawn: tuple[tuple[str, str], ...]) -> None:
    with refusals():
        reconcile_watched(store)
        found = store.runs_of([run_id for run_id, _ in drawn])
        if {(run.id, run.state) for run in found} != set(drawn):
            st.rerun()  # the whole page: a run has begun or ended
        with st.container(border=True):
            for run in found:
                if run.state == "running":
                    draw_running(store, run)
            waiting = [run.label for run in found if run.state == "queued"]
            if waiting:
                st.caption(f":material/schedule: Waiting: {markup.inert('; '.join(waiting))}.")


def losses_beside(store: Store, run: Run, members: Stored) -> list[GroupBeside]:
    """The held-out losses of a recovery per group, beside those of its uniform control; none where it stored none."""
    control = next(((m, other) for m, other in members if m.title == UNIFORM), None)
    stored = store.results(DEBIAS, [run.id, *([] if control is None else [control[0].spec.id])])
    own = stored.get(run.id, {}).get("recovery") or {}
    if not own.get("losses"):
        return []
    if control is None:
        return beside_control(own, None, None, run.spec.metrics.seed)
    member, other = control
    found = stored.get(member.spec.id, {}).get("recovery") if other is not None else None
    missing = "not started" if other is None else STATES[other.state][0]
    return beside_control(own, found, missing, run.spec.metrics.seed)


def draw_beside(store: Store, members: Stored) -> None:
    """Fairness and quality of all runs that are done, with paired differences of the asked one to the others."""
    done = [(member, run) for member, run in members if run is not None and run.state == "done"]
    asked = next((run for member, run in done if member.role == "asked"), None)
    if asked is None:
        return
    ids = [run.id for _, run in done]
    evaluations = store.results("evaluation", ids)
    if asked.id not in evaluations:
        refuse("this run has no fairness numbers: start it again on the page Prune")
        return
    scores = read_scores_of(store, [run for _, run in done])
    topics, compositions = sample_places(store, scores[asked.id].set_ids)
    draws = draw_resamples(topics, compositions, RESAMPLES, asked.spec.metrics.seed)
    shown = [member for member, run in done if run.id in evaluations]
    metrics = [row for row in beside(shown, evaluations, scores, draws) if row.name in METRICS]
    st.header("Fairness, side by side", anchor=False)
    told = conclusion(metrics, shown, evaluations[asked.id]["n_samples"], member_states(members))
    st.markdown(f"**{markup.inert(told)}**")
    st.html(beside_table(shown, metrics, METRICS))
    st.caption(
        "Numbers with 95 % intervals and n. Below each row: paired differences over the same samples, of what was asked for to the "
        "pruned run and to each control. Only what differs from all of them is an effect."
    )
    st.header("Quality, side by side", anchor=False)
    quality = [
        row for row in beside(shown, evaluations, scores, draws, "quality") if row.name in fairness.QUALITY
    ]
    st.html(beside_table(shown, quality, {}))
    if note := unpaired_note([*metrics, *quality]):
        st.caption(markup.inert(note))
    st.html(perplexity_beside(store, done))
    st.caption(fairness.degenerate_note(_degenerate(shown, evaluations)))
    results_links(asked)


def member_states(members: Stored) -> dict[str, str]:
    """Run id → its state in words, of a group's runs that are stored; one that is done and not compared has no numbers."""
    return {
        run.id: "no fairness numbers" if run.state == "done" else STATES[run.state][0]
        for _, run in members
        if run is not None
    }


def _degenerate(members: Sequence[Member], evaluations: Mapping[str, Any]) -> dict[str, Any]:
    found = {"dense": evaluations[members[0].spec.id]["degenerate"]["dense"]}
    for member in members:
        found[member.title] = evaluations[member.spec.id]["degenerate"]["pruned"]
    return found


def heads_of(members: Sequence[Member]) -> list[str]:
    """'dense', then each run with its mark: a diamond is pruned, a square is what was asked for, a ring is a control."""
    found = [markup.system_name("dense")]
    for member in members:
        system = {"base": "pruned", "asked": "difference"}.get(member.role, "dense")
        found.append(markup.named_mark(system, member.title))
    return found


def beside_table(members: Sequence[Member], rows: Sequence[Beside], metrics: Mapping[str, Any]) -> str:
    """Number × dense, pruned, asked, controls; below it its paired differences; HTML."""
    made: list[list[str]] = []
    for row in rows:
        metric = metrics.get(row.name)
        signed = metric is not None and fairness.is_signed(metric)
        if metric is not None:
            title = f"<b>{escape(metric_label(row.name))}</b><small>{escape(metric.title)}; {escape(fairness.better(metric))}</small>"
        else:
            name, what = fairness.QUALITY[row.name]
            title = f"<b>{escape(name)}</b><small>{escape(what)}</small>"
        cells = [title]
        for key in ("dense", *(member.title for member in members)):
            cell = row.cells.get(key)
            cells.append(
                "<b>–</b><small>not computed</small>" if cell is None else _cell(row.name, cell, signed)
            )
        made.append(cells)
        if lines := differences_lines(row, signed):
            made.append(["<br>".join(escape(line) for line in lines)])
    return markup.table(["Number", *heads_of(members)], made)


def unpaired_note(rows: Sequence[Beside]) -> str:
    """Which numbers have no paired difference at all, and why; '' where all have."""
    found: dict[str, list[str]] = {}
    for row in rows:
        reasons = {cell["reason"] for cell in row.differences.values()}
        if row.differences and all(cell["value"] is None for cell in row.differences.values()):
            found.setdefault("; ".join(sorted(map(str, reasons))), []).append(_title(row.name))
    return " ".join(f"No paired difference of {', '.join(names)}: {why}." for why, names in found.items())


def _title(name: str) -> str:
    """Of a number, as its row has it."""
    return fairness.QUALITY[name][0] if name in fairness.QUALITY else metric_label(name)


def _cell(name: str, cell: Mapping[str, Any], signed: bool) -> str:
    if name == "words":
        return fairness.quality_cell(cell, True, False)
    return fairness.cell_html({"n_unscored": 0, **cell}, signed, False)


def differences_lines(row: Beside, signed: bool) -> list[str]:
    """'minus pruned: −2.1 points (95 %: −4.0 to −0.2), n = 60', a line per run; none where no difference can be told."""
    if all(cell["value"] is None for cell in row.differences.values()):
        return []
    lines = []
    for title, cell in row.differences.items():
        if cell["value"] is None:
            lines.append(f"minus {title}: – ({cell['reason']})")
            continue
        limit = f"; {cell['reason']}" if cell["reason"] else ""
        value, ends = markup.metric_difference(cell, signed), markup.interval(cell, signed, True)
        lines.append(f"minus {title}: {value} ({ends}{limit}), n = {cell['n']}")
    return lines


def perplexity_beside(store: Store, done: Sequence[tuple[Member, Run]]) -> str:
    """Text × perplexity of dense and of each run, with its ratio to the dense model; HTML."""
    found = store.results("perplexity", [run.id for _, run in done])
    members = [member for member, run in done if run.id in found]
    if not members:
        return ""
    rows = []
    for name, (title, what) in fairness.TEXTS.items():
        own = [found[member.spec.id].get(name) for member in members]
        first = next((cells for cells in own if cells is not None), None)
        if first is None:
            continue
        row = [f"<b>{escape(title)}</b><small>{escape(what)}</small>", _perplexity(first["dense"], None)]
        row += [
            "<b>–</b>" if cells is None else _perplexity(cells["pruned"], cells["ratio"]) for cells in own
        ]
        rows.append(row)
    return markup.table(["Perplexity", *heads_of(members)], rows)


def _perplexity(cell: Mapping[str, Any], ratio: float | None) -> str:
    count = f"n = {cell['tokens']:,} tokens in {counted(cell['windows'], 'window')}"
    beside_dense = "" if ratio is None else f"{ratio:.3f} × dense, "
    return f"<b>{perplexity_value(cell['value'])}</b><small>{escape(beside_dense + (cell['reason'] or count))}</small>"


def sparsity_tiles(store: Store, members: Stored) -> list[str]:
    """Asked and achieved sparsity of each run that is done, with the weights that an edit added; HTML."""
    found = store.results("sparsity", [run.id for _, run in members if run is not None])
    tiles = []
    for member, run in members:
        report = None if run is None else found.get(run.id)
        if report is None:
            continue
        edited = sum(matrix.get("edited", 0) for matrix in report["matrices"])
        note = f"{edited:,} of the zeros by the edit" if edited else f"{report['dropped']:,} weights"
        change = markup.change(percent(report["asked"], 2), percent(report["achieved"], 4 if edited else 2))
        tiles.append(markup.tile(f"Sparsity, asked → achieved: {member.title}", change, note))
    return tiles
