"""The page Trade-offs: pickers bound to the address, what is read of each run, tables and sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import streamlit as st

from fairprune.charts_tradeoffs import BANDS, short
from fairprune.headlines import headlines
from fairprune.judgments.wins import win_rates
from fairprune.metrics import METRICS
from fairprune.pareto import DENSE, FEW_TOPICS, Front, Scores, front
from fairprune.store import Run, Store
from fairprune.text import counted, short_name
from fairprune.tradeoffs import FACETS, Entry, Panel, comparable, default_facet, facet_of
from fairprune.tradeoffs_axes import SPARSITY, Axis, axes_of
from fairprune.tradeoffs_table import spanned
from fairprune.ui import markup
from fairprune.ui.address import bind, keep
from fairprune.ui.page import capitalised
from fairprune.ui.runs import results_links
from fairprune.ui.tradeoffs_scores import sample_places
from fairprune.uncertainty import DEMONSTRATION, FEW_SAMPLES

IMAGES = {"png": "PNG", "svg": "SVG"}


@dataclass(frozen=True)
class Picks:
    """What the figures show."""

    axes: dict[str, Axis]
    y: Axis
    x: Axis
    quality: Axis
    facet: str
    intervals: str
    broken: bool
    """Whether degenerate runs take part in the front."""
    image: str

    @property
    def perplexity(self) -> bool:
        return "perplexity" in (self.x.kind, self.quality.kind)

    def config(self, name: str) -> dict[str, Any]:
        """Of a Plotly chart: its mode bar makes the chosen kind of picture, twice as large as on the screen."""
        picture = {"format": self.image, "scale": 2, "filename": f"{name}-{self.y.name}"}
        return {
            "displaylogo": False,
            "toImageButtonOptions": picture,
            "modeBarButtonsToRemove": ["lasso2d", "select2d"],
        }


def read_entries(store: Store, runs: Sequence[Run]) -> list[Entry]:
    """The runs that have numbers, by method, calibration set, sparsity and seed; the others are named."""
    found = headlines(store, (run.id for run in runs))
    judged = _judged(store)
    found = {key: {**one, "judges": judged[key]} if key in judged else one for key, one in found.items()}
    without = [run for run in runs if run.id not in found]
    if without:
        names = "; ".join(run.label for run in without[:3]) + (" …" if len(without) > 3 else "")
        st.caption(markup.inert(f"Not drawn, since without fairness numbers: {len(without)} ({names})."))
    return sorted((Entry(run, found[run.id]) for run in runs if run.id in found), key=_in_order)


def _judged(store: Store) -> Mapping[str, dict[str, Any]]:
    """Run id → how often judges preferred it to its dense model, of closed studies."""
    studies = [one for one in store.studies() if one.state == "closed"]
    found, left_out = _wins(tuple((one.id, one.withdrawn) for one in studies), store.url, store)
    for sentence in left_out:
        st.caption(markup.inert(f"Judges' votes left out. {sentence}"))
    return found


@st.cache_resource(max_entries=8, show_spinner="Reading judgments …")
def _wins(
    closed: tuple[tuple[str, int], ...],  # noqa: ARG001 (its key, as the next one)
    address: str,  # noqa: ARG001
    _store: Store,
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    return win_rates(_store, _store.studies())


def _in_order(entry: Entry) -> tuple[Any, ...]:
    spec = entry.spec
    calibration = spec.calibration
    return (
        *(short_name(spec.model.name), spec.evaluation.corpus, spec.pruning.method),
        *(calibration.name, calibration.corpus, entry.asked, calibration.seed, entry.run.id),
    )


def pick(entries: Sequence[Entry]) -> Picks | None:
    """The pickers above the first figure; None where no run has a fairness number."""
    axes = axes_of(entry.headline for entry in entries)
    fair = [name for name, axis in axes.items() if axis.kind == "fairness"]
    if not fair:
        st.info("None of these runs has a fairness number.", icon=":material/info:")
        return None
    # Where no run has a sparsity report, all are missing on the first axis, and the caption says why.
    beside = [name for name, axis in axes.items() if axis.kind in ("quality", "perplexity")]
    judged = [name for name, axis in axes.items() if axis.kind == "judges"]
    across = ["sparsity", *beside, *judged]
    axes = {"sparsity": SPARSITY, **axes}
    with st.container(horizontal=True, vertical_alignment="top", gap="medium"):
        y = _axis("y", "Fairness, upwards", [*fair, *judged], axes)
        x = _axis("x", "Across", across, axes)
        facet, intervals = _display(entries)
    quality = axes[_held("quality", beside)] if beside else SPARSITY
    broken = _held("broken", ["no", "yes"]) == "yes"
    image = _held("image", list(IMAGES))
    return Picks(axes, axes[y], axes[x], quality, facet, intervals, broken, image)


def _display(entries: Sequence[Entry]) -> tuple[str, str]:
    """Panels and intervals, one press away: the figure is to be seen in the first window. Panels only where runs differ."""
    titles = {name: title for name, title in FACETS.items() if name == "none" or _varies(entries, name)}
    several = len(titles) > 1
    # Folded, and no popover: Streamlit puts what is in one behind the whole page, where the next Tab does not go.
    with (
        st.container(key="tradeoffs-display", width="stretch"),
        st.expander("Panels, intervals" if several else "Intervals", icon=":material/tune:"),
    ):
        default = default_facet(entries)
        facet = (
            _choice("facet", "A panel for each", titles, default) if several else _held("facet", list(titles))
        )
        intervals = _choice("intervals", "95 % intervals", BANDS, "bands" if _few_lines(entries) else "bars")
    return facet, intervals


def _varies(entries: Sequence[Entry], facet: str) -> bool:
    return len({facet_of(entry.spec, facet) for entry in entries}) > 1


def panels_note(entries: Sequence[Entry]) -> str:
    """What the runs have one of, so that no panels can be made of it, and what gives them; '' where they differ in all."""
    alike = [
        f"one {FACETS[name].lower()}" for name in FACETS if name != "none" and not _varies(entries, name)
    ]
    if not alike:
        return ""
    listed = " and ".join([", ".join(alike[:-1]), alike[-1]]) if len(alike) > 1 else alike[0]
    return (
        f"These runs have {listed}: panels by {'it' if len(alike) == 1 else 'them'} appear with runs that differ there, "
        "from a sweep on the page Prune or chosen by hand."
    )


def _few_lines(entries: Sequence[Entry]) -> bool:
    return len({entry.spec.pruning.method for entry in entries}) <= 3


def _held(name: str, options: list[str]) -> str:
    """The value of a picker that is drawn further down."""
    return str(st.session_state[bind(name, options, options[0])])


def _axis(name: str, label: str, names: list[str], axes: Mapping[str, Axis]) -> str:
    found = st.selectbox(
        label,
        names,
        format_func={key: axes[key].label for key in names}.__getitem__,  # kept by the session: no lambda
        key=bind(name, names, names[0]),
        on_change=keep,
        args=(name,),
        width=230,
    )
    return str(found)


def _choice(name: str, label: str, titles: Mapping[str, str], default: str) -> str:
    names = list(titles)
    found = st.segmented_control(
        label,
        names,
        format_func=titles.__getitem__,
        required=True,
        key=bind(name, names, default),
        on_change=keep,
        args=(name,),
    )
    return str(found or default)


def pick_front(picks: Picks, entries: Sequence[Entry]) -> None:
    """The pickers above the second figure."""
    names = [name for name, axis in picks.axes.items() if axis.kind in ("quality", "perplexity")]
    with st.container(horizontal=True, vertical_alignment="top", gap="medium"):
        _axis("quality", "Quality, across", names, picks.axes)
        if any(entry.degenerate for entry in entries):
            _choice("broken", "Degenerate runs on the front", {"no": "Left out", "yes": "Take part"}, "no")


def pick_image() -> None:
    """What the camera of the figures saves, beside the other files of the page."""
    _choice("image", "Camera of the figures saves", IMAGES, "png")


def read_fronts(
    store: Store, scores: Mapping[str, Scores], entries: Sequence[Entry], picks: Picks
) -> list[tuple[list[Entry], Front]]:
    """Runs that compare, the most first, and the front of each such list."""
    made = []
    for members in comparable(entries, picks.perplexity):
        within = [entry for entry in members if picks.broken or not entry.degenerate]
        made.append((members, _front(store, scores, within, picks)))
    return made


def _front(store: Store, scores: Mapping[str, Scores], entries: Sequence[Entry], picks: Picks) -> Front:
    tables = {
        entry.run.id: scores[entry.run.id].tables["pruned"]
        for entry in entries
        if entry.run.id in scores and "pruned" in scores[entry.run.id].tables
    }
    if not tables:
        return Front(
            {},
            reason="no run that is not degenerate has scores per sample",
            remedy="choose other runs, or let degenerate ones take part",
        )
    first = scores[next(iter(tables))]
    members = ({DENSE: first.tables[DENSE]} if DENSE in first.tables else {}) | tables
    topics, compositions = sample_places(store, first.set_ids)
    key = (tuple(tables), tuple(str(entry.run.finished) for entry in entries), store.url)
    return _computed(
        key, picks.y.name, picks.quality.name, entries[0].spec.metrics.seed, members, topics, compositions
    )


@st.cache_data(max_entries=64, show_spinner="Resampling …")
def _computed(
    key: tuple[Any, ...],  # noqa: ARG001 (which runs)
    fairness: str,
    quality: str,
    seed: int,
    _members: dict[str, dict[str, Any]],
    _topics: list[str],
    _compositions: list[str],
) -> Front:
    return front(_members, fairness, quality, _topics, _compositions, seed)


def open_chosen(event: Any, figure: Any, entries: Sequence[Entry]) -> None:
    """The run whose mark was clicked, with the links to its pages; marks of no single run lead nowhere.

    Links, because a page that switches by itself leaves a second entry behind that the back button stops at.
    """
    chosen = set()
    for point in event.selection.points:
        rows = figure.data[point["curve_number"]].customdata
        if rows is not None:
            chosen.add(str(rows[point["point_index"]][0]))
    for entry in entries:
        if entry.run.id in chosen:
            with st.container(border=True):
                st.html(f'<div class="fp-title">{escape(entry.run.label)}</div>')
                results_links(entry.run)


def flags(entries: Sequence[Entry]) -> None:
    """What must be known before any fairness number, the gravest first, in one box: the figure is to be seen without scrolling far."""
    broken = sum(entry.degenerate for entry in entries)
    lines = []
    if broken:
        lines.append(
            f"{counted(broken, 'run has', 'runs have')} over 20 % degenerate summaries, of {len(entries)}: "
            "their fairness means nothing. They are drawn hollow"
        )
    reasons = dict.fromkeys(reason for entry in entries for reason in entry.headline["no_claim"])
    if reasons:
        lines.append(f"{capitalised('; '.join(reasons))}: the numbers support no claim about pruning")
    n = min(entry.headline["n_samples"] for entry in entries)
    topics = min(entry.headline["n_topics"] for entry in entries)
    few = [f"{n} samples, fewer than {FEW_SAMPLES}: a {DEMONSTRATION}"] if n < FEW_SAMPLES else []
    if topics < FEW_TOPICS:
        few.append(
            f"{counted(topics, 'topic')}, fewer than {FEW_TOPICS}: intervals are conditional on these topics"
        )
    if few:
        lines.append("; ".join(few))
    if not lines:
        return
    text = "\n".join(f"- {markup.inert(line)}." for line in lines)
    with st.container(key="tradeoffs-flags"):
        if broken or reasons:
            st.warning(text, icon=":material/report:")
        else:
            st.info(text, icon=":material/info:")


def axis_words(picks: Picks) -> str:
    """What the vertical axis is, in one line."""
    if picks.y.kind == "judges":
        words = (
            f"{picks.y.title}, {picks.y.what}: of closed studies, as registered. Above 50 % people prefer the pruned model's summaries. "
            f"{picks.y.direction}."
        )
    else:
        words = (
            f"{picks.y.title}, {picks.y.what.lower()}: {METRICS[picks.y.name].meaning} {picks.y.direction}."
        )
    return f"{words} A click on a mark shows the links to its run, below the figure."


def left_out(made: Sequence[Panel], missing: Sequence[Sequence[tuple[Entry, str]]], most: int) -> list[str]:
    """What the first figure does not show, counted by reason, a sentence each."""
    found: dict[str, list[str]] = {}
    for panel in made:
        for entry, why in panel.apart:
            found.setdefault(f"not comparable with the others of their panel ({why})", []).append(
                entry.run.label
            )
    for entry, why in (pair for part in missing for pair in part):
        found.setdefault(why, []).append(entry.run.label)
    sentences = [
        f"Not drawn: {counted(len(names), 'run')}, {why}: {short('; '.join(names), 160)}."
        for why, names in found.items()
    ]
    if any(panel.apart for panel in made):
        sentences.append("Panels by corpus or by model keep runs apart that do not compare.")
    if len(made) > most:
        sentences.append(f"The first {most} of {len(made)} panels are drawn: choose fewer runs.")
    return sentences


def means_note(counts: Sequence[int], y: Axis) -> str:
    """What a mean over so many draws and its band say."""
    means = f"Large marks are means over {spanned(counts)} draws of one setting (another seed, the rest alike), small ones the draws."
    if y.kind == "judges":
        return f"{means} The means have no interval: every study judged samples of its own."
    return (
        f"{means} Their intervals resample draws and topics, so that they speak of another calibration set, too: with two or three draws "
        "they are wide."
    )


def named_class(entry: Entry) -> str:
    """Model and corpus of runs that compare."""
    return f"{short_name(entry.spec.model.name)} · {entry.spec.evaluation.corpus}"


def front_words(found: Front, left_out: int) -> str:
    """What the probabilities are, or why there are none; how many runs take no part."""
    if found.reason is not None:
        words = f"No front probability: {found.reason}. To have one, {found.remedy}."
    else:
        few = f", fewer than {FEW_TOPICS}: conditional on these topics" if found.n_topics < FEW_TOPICS else ""
        words = (
            "Opacity (and the number in hover and table) is the probability of being on the Pareto front: the share of "
            f"{found.resamples:,} resamples of topics in which no other run, the dense model included, is at least as good on "
            f"both axes and better on one. n = {found.n} of {found.n_samples} samples, those that all "
            f"{len(found.probability)} score on both axes, on {found.n_topics} topics{few}."
        )
    if left_out:
        words += f" {counted(left_out, 'degenerate run takes', 'degenerate runs take')} no part: a broken model looks fair."
    return words
