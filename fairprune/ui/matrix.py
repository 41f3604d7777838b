"""One pruned matrix, alone or beside the same matrix of another run: numbers, distributions, scores, mask, heads, neurons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from fairprune import mask_files
from fairprune.charts import percent, points
from fairprune.charts_matrix import cut_words, head_bars, mask_picture, score_bars, sparsity_bars
from fairprune.mask_details import BINS, picture_shares, result_kind
from fairprune.mask_overlap import Overlap, differing_shares
from fairprune.store import Run, Store
from fairprune.text import counted
from fairprune.ui import markup
from fairprune.ui.address import bind, keep
from fairprune.ui.downloads import file_of
from fairprune.ui.layers import image_config, matrix_numbers

if TYPE_CHECKING:
    import plotly.graph_objects as go

WITHOUT = (
    "Distributions, scores and a picture of the mask are not here: this run was made by a version of fairprune that did not keep "
    "them, or was imported without them. Delete the run and start it again to have them."
)


def choose_matrix(matrices: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The boxes for block and matrix, which stand in the address; a click on the heatmap sets both."""
    left, right = st.columns(2)
    blocks = [str(block) for block in sorted({int(matrix["block"]) for matrix in matrices})]
    with left:
        block = st.selectbox(
            "Block", blocks, key=bind("block", blocks, blocks[0]), on_change=keep, args=("block",)
        )
    here = {str(matrix["kind"]): matrix for matrix in matrices if str(matrix["block"]) == block}
    kinds = list(here)
    with right:
        kind = st.selectbox(
            "Matrix", kinds, key=bind("matrix", kinds, kinds[0]), on_change=keep, args=("matrix",)
        )
    return here[str(kind)]


def chosen_place(
    matrices: Sequence[Mapping[str, Any]], block: str | None, kind: str | None
) -> tuple[int, str]:
    """The matrix that the address names, as (block, kind); the first one where it names none."""
    places = [(int(matrix["block"]), str(matrix["kind"])) for matrix in matrices]
    inside = [place for place in places if str(place[0]) == block] or places
    return next((place for place in inside if place[1] == kind), inside[0])


def draw_matrix(
    store: Store,
    run: Run,
    one: Mapping[str, Any],
    other: Run | None,
    theirs: Mapping[str, Any] | None,
    overlap: Overlap | None,
) -> None:
    """Everything that is known of a matrix.

    Args:
        one: its row of the sparsity report; `theirs`: that of the other run.
        overlap: of the two masks; None where masks are not there.
    """
    rows = numbers_beside(one, theirs)
    if overlap is not None:
        rows += overlap_numbers(overlap)
    heads = ["Number", "Value"] if theirs is None else ["Number", "This run", "Other run"]
    st.html(markup.table(heads, [[escape(cell) for cell in row] for row in rows]))
    details = _details(store, run, one)
    beside = _details(store, other, one) if other is not None else None
    if details is None:
        st.info(WITHOUT, icon=":material/info:")
        return
    told = which_mask(run, one, details)
    if told:
        st.caption(markup.inert(told))
    _distributions(run, one, details, beside)
    left, right = st.columns(2, gap="large")
    with left:
        _scores(run, one, details)
    with right:
        _picture(run, one, details)
    _parts(run, one, details, beside)
    if other is not None and overlap is not None:
        _differences(run, other, one, details)
    st.download_button(
        "This matrix as CSV",
        lambda: file_of(details_frame(run, one, details), "csv", tex=(), caption=""),
        f"matrix-{run.id}-{one['block']}-{one['kind']}.csv",
        "text/csv",
        key="layers.matrix.csv",
        icon=":material/download:",
        on_click="ignore",
    )


def numbers_beside(one: Mapping[str, Any], theirs: Mapping[str, Any] | None) -> list[list[str]]:
    """Rows of the table: name, value, and the other run's value where there is one."""
    mine = matrix_numbers(one)
    if theirs is None:
        return [list(row) for row in mine]
    values = dict(matrix_numbers(theirs))
    return [[name, value, values.get(name, "–")] for name, value in mine]


def overlap_numbers(found: Overlap) -> list[list[str]]:
    """Overlap and counts of the two masks, in words; the last cell spans the columns of both runs."""
    kept, dropped = percent(found.kept_jaccard, 2), percent(found.dropped_jaccard, 2)
    return [
        ["Overlap of kept weights", f"{kept} (by chance {percent(found.kept_by_chance, 2)})"],
        ["Overlap of dropped weights", f"{dropped} (by chance {percent(found.dropped_by_chance, 2)})"],
        [
            "Kept by both · this run alone · the other alone · neither",
            f"{found.both:,} · {found.kept_a - found.both:,} · {found.kept_b - found.both:,} · {found.weights - found.either:,}",
        ],
    ]


def _details(store: Store, run: Run, one: Mapping[str, Any]) -> dict[str, Any] | None:
    found = store.result(run.id, result_kind(int(one["block"]))) or {}
    return found.get(str(one["name"]))


def _figure(run: Run, figure: go.Figure, name: str, alt: str, caption: str = "") -> None:
    st.plotly_chart(
        figure, key=f"layers.{name}", config=image_config(f"{name}-{run.id}"), alt=alt, height="content"
    )
    if caption:
        st.caption(markup.inert(caption))


def _distributions(
    run: Run, one: Mapping[str, Any], details: Mapping[str, Any], beside: Mapping[str, Any] | None
) -> None:
    for column, axis, count, what in zip(
        st.columns(2, gap="large"),
        ("rows", "columns"),
        (one["rows"], one["columns"]),
        ("outputs", "inputs"),
        strict=True,
    ):
        with column:
            st.markdown(f"**Sparsity of the {count:,} {axis}** ({what})")
            _figure(
                run,
                sparsity_bars(details[axis]["counts"], axis, beside[axis]["counts"] if beside else None),
                f"sparsity-of-{axis}",
                f"Histogram: how many {axis} have which sparsity, in {BINS} bins from 0 to 100 %.",
                extremes(details[axis], axis),
            )


def which_mask(run: Run, one: Mapping[str, Any], details: Mapping[str, Any]) -> str:
    """Of an edited or a recovered run: which mask the figures show; '' for other runs."""
    said = []
    count, shown = int(one.get("edited") or 0), int(details.get("edited") or 0)
    if count and shown:
        said.append(
            f"Shown is the mask after the edit, which set {counted(shown, 'more weight')} of this matrix to zero; the scores are "
            "those that pruning cut by."
        )
    elif count:
        said.append(
            f"Shown is the mask as pruning made it, before the edit set {counted(count, 'more weight')} of this matrix to zero."
        )
    elif run.spec.edit is not None:
        said.append("The edit set no weight of this matrix to zero.")
    if run.spec.recovery is not None:
        said.append("The recovery moved kept weights and no zero: its mask is the same.")
    return " ".join(said)


def extremes(found: Mapping[str, Any], what: str) -> str:
    """The most and the least pruned rows (columns, neurons), by number from 0; or that all are alike."""
    most, least = found["most"], found["least"]
    if most[0][1] == least[0][1]:
        return f"All {what} have lost the same share: {percent(most[0][1], 2)}."
    return f"Most pruned, by number from 0: {_named(most)}. Least: {_named(least)}."


def _named(listed: Sequence[Sequence[float]]) -> str:
    return ", ".join(f"{int(number)} ({percent(share)})" for number, share in listed[:3])


def _scores(run: Run, one: Mapping[str, Any], details: Mapping[str, Any]) -> None:
    st.markdown("**Scores, and where the cut lies**")
    found = details["score"]
    if found is None:
        st.caption("This method has no score to show.")
        return
    weights = int(one["rows"]) * int(one["columns"])
    read = (
        "all weights"
        if found["n"] == weights
        else f"{found['n']:,} of {weights:,} weights, whole rows evenly spaced"
    )
    first = " The first bar holds all smaller ones too." if found["scale"] == "log" else ""
    _figure(
        run,
        score_bars(found),
        "scores",
        "Histogram of the scores of kept and of dropped weights, with the band in which the cuts lie.",
        f"{cut_words(found)}{first} n = {read}.",
    )


def _picture(run: Run, one: Mapping[str, Any], details: Mapping[str, Any]) -> None:
    st.markdown("**The mask in cells**")
    found, rows, columns = details["picture"], int(one["rows"]), int(one["columns"])
    height, width = int(found["height"]), int(found["width"])
    _figure(
        run,
        mask_picture(picture_shares(found, rows, columns), height, width, rows, columns),
        "mask",
        "Picture of the mask: share of dropped weights in cells of output rows by input columns.",
        f"Share of dropped weights in cells of {height} × {width} weights; the scale is the same for every matrix.",
    )


def _parts(
    run: Run, one: Mapping[str, Any], details: Mapping[str, Any], beside: Mapping[str, Any] | None
) -> None:
    pattern, parts = details["pattern"], details["parts"]
    if pattern is not None:
        share = pattern["exact"] / pattern["groups"]
        st.markdown(
            f"**Pattern {pattern['n']}:{pattern['m']}**: {percent(share, 2)} of {pattern['groups']:,} groups of {pattern['m']} "
            f"consecutive columns have lost exactly {pattern['n']} weights."
        )
    if parts is None:
        return
    theirs = beside["parts"] if beside else None
    if parts["what"] == "heads":
        st.markdown(f"**Sparsity of the {parts['n']:,} attention heads**")
        low, high = min(parts["shares"]), max(parts["shares"])
        _figure(
            run,
            head_bars(parts["labels"], parts["shares"], theirs["shares"] if theirs else None),
            "heads",
            "Bars: sparsity of every attention head, from 0 to 100 %.",
            f"A head is a group of {parts['axis']} of this matrix. From {percent(low, 2)} to {percent(high, 2)}.",
        )
        return
    st.markdown(f"**Sparsity of the {parts['n']:,} neurons**")
    st.caption(
        f"A neuron is one of the {parts['axis']} of this matrix{'' if parts['n'] == one[parts['axis']] else ', two of them'}. "
        f"{parts['gone']:,} have no weight left here. {extremes(parts, 'neurons')}"
    )
    if parts["n"] != one[parts["axis"]]:  # otherwise the figure above shows them
        _figure(
            run,
            sparsity_bars(parts["counts"], "neurons", theirs["counts"] if theirs else None),
            "neurons",
            "Histogram: how many neurons have which sparsity.",
        )


def _differences(run: Run, other: Run, one: Mapping[str, Any], details: Mapping[str, Any]) -> None:
    st.markdown("**Where the two masks differ**")
    name, found = str(one["name"]), details["picture"]
    height, width = int(found["height"]), int(found["width"])
    with mask_files.opened(run.id) as a, mask_files.opened(other.id) as b:
        shares = differing_shares(a.keep(name), b.keep(name), height, width)
    _figure(
        run,
        mask_picture(shares, height, width, int(one["rows"]), int(one["columns"]), "kept by one run alone"),
        "differing",
        "Picture: share of the weights that one of the two runs keeps alone, in cells.",
        "Share of the weights that only one of the two runs keeps. Two masks drawn at random at 50 % would differ in 50 % everywhere.",
    )


def details_frame(run: Run, one: Mapping[str, Any], details: Mapping[str, Any]) -> pd.DataFrame:
    """What the figures of a matrix show, a row per bar or head: part, from, to (fractions, or scores), label, value."""
    rows: list[dict[str, Any]] = []
    sides = {"rows": details["rows"], "columns": details["columns"]}
    parts = details["parts"]
    if parts is not None and parts["what"] == "neurons":
        sides["neurons"] = parts
    for axis, found in sides.items():
        for place, count in enumerate(found["counts"]):
            rows.append({"part": axis, "from": place / BINS, "to": (place + 1) / BINS, "value": count})
    if parts is not None and parts["what"] == "heads":
        for label, share in zip(parts["labels"], parts["shares"], strict=True):
            rows.append({"part": "heads", "label": label, "value": share})
    score = details["score"]
    if score is not None:
        rows += _score_rows(score)
    frame = pd.DataFrame(rows, columns=["part", "from", "to", "label", "value"])
    frame.insert(0, "run", run.id)
    frame.insert(1, "matrix", str(one["name"]))
    return frame


def _score_rows(score: Mapping[str, Any]) -> list[dict[str, Any]]:
    low, high, bins = score["low"], score["high"], len(score["kept"])

    def edge(i: int) -> float:
        if score["scale"] == "log":
            return float(low * (high / low) ** (i / bins))
        return float(low + (high - low) * i / bins)

    return [
        {"part": f"scores {name}", "from": edge(i), "to": edge(i + 1), "value": score[name][i]}
        for name in ("dropped", "kept")
        for i in range(bins)
    ]


def matrix_title(one: Mapping[str, Any], theirs: Mapping[str, Any] | None) -> str:
    """'Block 3 · mlp.down_proj: 50.0 %', with the difference to the other run; Markdown."""
    title = f"Block {one['block']} · {one['kind']}: {percent(one['achieved'], 2)} dropped"
    if theirs is not None:
        title += f", {points(one['achieved'] - theirs['achieved'], 2)} against the other run"
    return markup.inert(title)
