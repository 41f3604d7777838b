"""The specification curve of a run, computed when somebody asks for it."""

from __future__ import annotations

import streamlit as st

from fairprune.charts_curve import curve_chart
from fairprune.charts_metrics import metric_label
from fairprune.multiverse import sentence
from fairprune.specifications import CURVES, Curve, stored_curve
from fairprune.store import Run, Store
from fairprune.ui import markup
from fairprune.ui.address import bind, carry, keep, one_of

NOTE = (
    "The same comparison under every defensible way to measure it: matcher, reading of the fair share, ties, τ, unscored "
    "summaries, seed of the bootstrap. A finding that only some of them show rests on that choice. Where nothing varies, or "
    "there is one topic only, a specification has no interval: whether it would exclude zero is not known."
)


def draw_curve(store: Store, run: Run) -> None:
    """A button; after it the curve of the chosen metric, which stands in the address."""
    if one_of("curve", list(CURVES), "") == "":
        st.caption(NOTE)
        st.button(
            "Compute the specification curve",
            icon=":material/stacked_line_chart:",
            key="curve.compute",
            on_click=carry,
            args=("curve", CURVES[0]),
        )
        return
    metric = st.segmented_control(
        "Metric of the curve",
        list(CURVES),
        format_func=metric_label,
        required=True,
        key=bind("curve", list(CURVES), CURVES[0]),
        on_change=keep,
        args=("curve",),
    )
    found = _curve(run.id, str(run.finished), str(metric or CURVES[0]), store)
    st.markdown(f"**{markup.inert(sentence(found.rows, 'Pruned', 'dense'))}.**")
    st.plotly_chart(
        curve_chart(found.rows, "pruned", "dense"),
        key="fairness.curve",
        config={"displaylogo": False},
        alt="Specification curve: the difference under every specification, smallest first, and which choices each one made.",
    )
    left_out = f" Left out: {'; '.join(found.left_out)}." if found.left_out else ""
    st.caption(markup.inert(NOTE + left_out))


@st.cache_data(max_entries=16, show_spinner="Measuring in every way …")
def _curve(run_id: str, finished: str, metric: str, _store: Store) -> Curve:  # noqa: ARG001 (parts of the key)
    return stored_curve(_store, _store.run(run_id), metric)
