"""The layers of a run, alone or beside another run: tiles, heatmap, table, words. Numbers of a report → texts, and their widgets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from fairprune import mask_files
from fairprune.charts import percent
from fairprune.charts_layers import layer_heatmap
from fairprune.layer_cells import (
    DIFFERENCE,
    MEASURES,
    OVERLAP,
    Cell,
    Measure,
    difference_cells,
    measure_cells,
    measure_value,
    overlap_cells,
)
from fairprune.mask_overlap import Overlap, overlaps, total
from fairprune.store import Run, Store
from fairprune.ui import markup
from fairprune.ui.address import bind, carried, carry, carry_all, keep, one_of
from fairprune.ui.runs import MOST_RUNS, option

NONE = "none"
IMAGES = ("svg", "png")
"""What the camera of a figure saves."""
VIEWS = {"this": "This run", "overlap": "Overlap of masks", "difference": "Difference"}
SCALES = {
    "linear": "",
    "root": ", with small values drawn apart (square root)",
    "log": "; it is logarithmic: each tick is ten times the one below it",
    "signed": "; beyond 0.1 points it is logarithmic",
}
WORDS: tuple[tuple[str, str], ...] = (
    (
        "Rows and columns",
        "A row holds the weights of one output, a column those that read one input: y = W x with W of shape outputs × inputs.",
    ),
    ("Dead columns", "Columns of which no weight is left: the matrix no longer reads these inputs."),
    (
        "Silent inputs",
        "Inputs that were zero in every token of the calibration windows. Methods that weigh by the input's size give their weights "
        "a score of 0 and drop them first, whether or not other texts would use them.",
    ),
    (
        "Score removed",
        "Share of the total score that the dropped weights held. Scores of different methods have different units: compare it "
        "within one method.",
    ),
    (
        "Column spread",
        "Standard deviation of sparsity over the columns. Large where a method takes whole inputs out and leaves others alone.",
    ),
    ("Row range", "Sparsity of the most pruned row minus that of the least pruned one."),
    (
        "Overlap",
        "Jaccard index: weights that both runs keep, as a share of those that at least one keeps; the same of the dropped ones. "
        "By chance: what it would be if the other run had dropped as many weights of each matrix at random.",
    ),
    (
        "Heads",
        "Rows of the query, key and value matrices, or columns of the output matrix, that belong to one attention head. Where "
        "queries share keys and values there are fewer key than query heads.",
    ),
    (
        "Neurons",
        "Of the MLP: a row of the matrices that lead into it, a column of the one that leads out.",
    ),
)


def other_run(store: Store, run: Run) -> Run | None:
    """The box with the run to compare with: any finished one on the same weights; None: no other."""
    identity = run.spec.model.identity
    same = [
        other
        for other in store.runs("done", MOST_RUNS)
        if other.id != run.id and other.spec.model.identity == identity
    ]
    found = {other.id: other for other in same}
    wanted = carried("other")
    names = [NONE, *found]
    if wanted == run.id:
        carry("other", None)  # the run that one came from is compared with itself by nobody's wish
    titles = {NONE: "No other run" if found else "No other run on this model yet"}
    titles |= {key: option(other) for key, other in found.items()}
    chosen = st.selectbox(
        "Compare with",
        names,
        format_func=titles.__getitem__,
        key=bind("other", names, NONE, "it is no finished run on the same model: choose another one below"),
        on_change=keep,
        args=("other",),
        help="Runs on the same model: overlap of the masks, and differences.",
    )
    return found.get(str(chosen))


def choose_view(other: Run | None) -> str:
    """What the heatmap shows: this run; beside another one overlap or difference too."""
    names = list(VIEWS)
    shown = one_of("view", names, "overlap")
    if other is None:
        return "this"
    view = st.segmented_control(
        "Show",
        names,
        format_func=VIEWS.__getitem__,
        required=True,
        key=bind("view", names, "overlap"),
        on_change=keep,
        args=("view",),
    )
    return str(view or shown)


def choose_measure(
    part: str = "measure",
    more: Mapping[str, str] | None = None,
    draw: Callable[..., str | None] = st.segmented_control,
    *,
    first: str = "score_removed",
) -> str:
    """Which number the colours of a heatmap show.

    Args:
        part: of the address, which keeps it.
        more: names beside those of `MEASURES` → titles.
        draw: the widget.
        first: what is shown until somebody chooses.
    """
    titles = {name: measure.title for name, measure in MEASURES.items()} | dict(more or {})
    names = list(titles)
    chosen = draw(
        "Colour shows",
        names,
        format_func=titles.__getitem__,
        required=True,
        key=bind(part, names, first),
        on_change=keep,
        args=(part,),
    )
    return str(chosen or first)


def run_overlaps(run: Run, other: Run) -> dict[str, Overlap]:
    """Module name → overlap of the masks of two runs.

    Raises:
        StoreError: one of them has no masks, or a damaged file.
    """
    return _overlaps(run.id, other.id, _version(run.id), _version(other.id))


def _version(run_id: str) -> float:
    """Of the file with the masks: another one is read again."""
    return mask_files.path_of(run_id).stat().st_mtime if mask_files.kept(run_id) else 0.0


@st.cache_data(max_entries=32, show_spinner="Comparing the masks …")
def _overlaps(run_id: str, other_id: str, version: float, other_version: float) -> dict[str, Overlap]:  # noqa: ARG001 (parts of the key)
    with mask_files.opened(run_id) as a, mask_files.opened(other_id) as b:
        return overlaps(a, b)


def view_cells(
    view: str,
    measure: str,
    matrices: Sequence[Mapping[str, Any]],
    others: Sequence[Mapping[str, Any]],
    found: Mapping[str, Overlap],
) -> tuple[list[Cell], Measure]:
    """The cells of the heatmap and the scale that they are drawn on."""
    if view == "overlap":
        return overlap_cells(matrices, found), OVERLAP
    if view == "difference":
        return difference_cells(matrices, others, measure), DIFFERENCE
    return measure_cells(matrices, measure), MEASURES[measure]


def draw_heatmap(
    run: Run, cells: list[Cell], shown: Measure, what: str, chosen: tuple[int, str] | None
) -> None:
    """The heatmap; a click on a cell puts its block and matrix into the address."""
    st.plotly_chart(
        layer_heatmap(cells, shown, chosen),
        key="layers.heatmap",
        on_select=_opened,
        selection_mode="points",
        config=image_config(f"layers-{run.id}"),
        alt=f"{what}: heatmap of {len({cell.block for cell in cells})} blocks by their projections; "
        "the same numbers stand in the table below.",
    )


def image_config(name: str) -> dict[str, Any]:
    """Of a figure's mode bar: its camera saves the format that the page's switch says."""
    return {
        "displaylogo": False,
        "toImageButtonOptions": {"format": one_of("image", IMAGES, "svg"), "filename": name},
        "modeBarButtonsToRemove": ["select2d", "lasso2d"],
    }


def choose_image() -> None:
    """SVG or PNG, for the camera of all figures of the page."""
    st.segmented_control(
        "Camera of the figures saves",
        IMAGES,
        format_func=str.upper,
        required=True,
        key=bind("image", IMAGES, "svg"),
        on_change=keep,
        args=("image",),
    )


def _opened() -> None:
    state = st.session_state.get("layers.heatmap") or {}
    for point in (state.get("selection") or {}).get("points") or ():
        values: list[Any] = list(point.get("customdata") or ())
        if len(values) == 3:
            carry_all({"block": str(values[1]), "matrix": str(values[2])})


def overlap_tiles(found: Mapping[str, Overlap]) -> list[str]:
    """Overlap of kept and of dropped weights over all matrices, with what chance gives; HTML."""
    whole = total(found.values())
    chance = "by chance, at these sparsities: {}"
    return [
        markup.tile(
            "Overlap of kept weights (Jaccard)",
            percent(whole.kept_jaccard, 2),
            chance.format(percent(whole.kept_by_chance, 2)),
            f"{whole.both:,} kept by both, {whole.either:,} by at least one",
        ),
        markup.tile(
            "Overlap of dropped weights (Jaccard)",
            percent(whole.dropped_jaccard, 2),
            chance.format(percent(whole.dropped_by_chance, 2)),
            f"{whole.weights - whole.either:,} dropped by both, {whole.weights - whole.both:,} by at least one",
        ),
        markup.tile(
            "Masks differ in",
            percent(whole.differing / whole.weights, 2),
            f"{whole.differing:,} of {whole.weights:,} weights are kept by one run alone",
        ),
    ]


def matrices_frame(
    run: Run,
    matrices: Sequence[Mapping[str, Any]],
    other: Run | None = None,
    others: Sequence[Mapping[str, Any]] = (),
    found: Mapping[str, Overlap] | None = None,
) -> pd.DataFrame:
    """One row per matrix, fractions; with another run what differs, and the overlap where masks are there."""
    frame = pd.DataFrame(matrices)
    frame.insert(0, "run", run.id)
    frame["dead_column_share"] = [measure_value("dead_columns", matrix) for matrix in matrices]
    frame["row_range"] = [measure_value("row_range", matrix) for matrix in matrices]
    if other is None:
        return frame
    frame["other_run"] = other.id
    for name in MEASURES:
        cells = difference_cells(matrices, others, name)
        frame[f"{name}_difference"] = [cell.value for cell in cells]
    if found:
        listed = [found.get(str(matrix["name"])) for matrix in matrices]
        for name in ("kept_jaccard", "kept_by_chance", "dropped_jaccard", "dropped_by_chance", "differing"):
            frame[name] = [None if one is None else getattr(one, name) for one in listed]
    return frame


def words() -> None:
    """What the words of the page mean."""
    with st.popover("What do the words mean?", icon=":material/help:", type="tertiary"):
        parts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in WORDS)
        st.html(f'<dl class="fp-terms">{parts}</dl>')


def total_tiles(report: Mapping[str, Any]) -> list[str]:
    """Asked, achieved in the layers, achieved in the model (`SparsityReport.to_json()`); HTML."""
    asked = f"{report['weights']:,} weights can be pruned"
    achieved = f"{report['dropped']:,} weights dropped"
    whole = f"of {report['model_parameters']:,} parameters; embeddings are not pruned"
    return [
        markup.tile("Asked of the layers", percent(report["asked"], 2), asked),
        markup.tile("Achieved in the layers", percent(report["achieved"], 3), achieved),
        markup.tile("Achieved in the whole model", percent(report["achieved_model"], 3), whole),
    ]


def matrix_numbers(one: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Everything that is known of one pruned matrix, as (name, value) in plain text."""
    silent, dampening = one["silent_inputs"], one.get("dampening")
    return [
        ("Name", str(one["name"])),
        ("Shape, outputs × inputs", f"{one['rows']:,} × {one['columns']:,}"),
        ("Sparsity asked → achieved", f"{percent(one['asked'], 3)} → {percent(one['achieved'], 3)}"),
        ("Weights dropped; zeros afterwards", f"{one['dropped']:,}; {one['zeros']:,}"),
        ("Score removed", percent(one["score_removed"], 3)),
        (
            "Rows: least, median, most sparse",
            " · ".join(percent(one[f"row_{end}"], 2) for end in ("min", "median", "max")),
        ),
        (
            "Columns: least, median, most sparse",
            " · ".join(percent(one[f"column_{end}"], 2) for end in ("min", "median", "max")),
        ),
        ("Spread over columns", percent(one["column_spread"], 2)),
        ("Dead columns", f"{one['dead_columns']:,} of {one['columns']:,}"),
        (
            "Inputs that calibration never used",
            "– (no input statistics)" if silent is None else f"{silent:,}",
        ),
        *([] if dampening is None else [("Dampening used", f"{dampening:g} of the mean diagonal of XXᵀ")]),
    ]
