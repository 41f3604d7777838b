"""Fairness: every number of a run, with its interval, its n and its meaning."""

from __future__ import annotations

from typing import Any

import streamlit as st

from fairprune.charts import confusion_heatmap, direction_chart, percent
from fairprune.metrics import METRICS
from fairprune.store import Run, Store
from fairprune.ui import fairness, inference, markup, open_page, refusals, refuse
from fairprune.ui.runs import flags, pick_run


def direction(evaluation: dict[str, Any]) -> None:
    st.subheader("Whom do the summaries lean to?", anchor=False)
    groups = list(dict.fromkeys(row["group"] for row in evaluation["groups"]))
    st.plotly_chart(
        direction_chart(evaluation["groups"], groups),
        key="fairness.direction",
        config={"displaylogo": False},
        alt="Per group: mean share in the summary minus fair share, with 95 % intervals.",
    )
    st.caption(
        "Right of the line a group has more room in the summaries than its fair share, left of it less. "
        "Lines are 95 % intervals (bootstrap over topics). The random extract shows what summaries of this "
        "length score by chance."
    )
    missing = [f"{row['group']}, {row['system']}" for row in evaluation["groups"] if row["value"] is None]
    if missing:
        st.caption(markup.inert(f"– Not scored: {'; '.join(missing)}."))


def metrics(evaluation: dict[str, Any]) -> None:
    st.subheader("Metrics", anchor=False)
    st.html(fairness.metric_table(evaluation["metrics"]))
    st.caption(
        "Even a fair short summary rarely scores exactly 0: compare with the random extract. "
        "The difference pairs the samples that both systems score."
    )
    for title, table, note in inference.sections(evaluation):
        st.subheader(title, anchor=False)
        st.html(table)
        st.caption(markup.inert(note))
    for name in fairness.ordered(evaluation["metrics"]):
        metric = METRICS[name]
        with st.expander(f"What does {name.upper()} mean?"):
            st.markdown(
                f"**{markup.inert(metric.meaning)}** {markup.inert(metric.definition)} {fairness.better(metric)}."
            )
            st.latex(metric.formula)
            st.caption(markup.inert(f"Best value {metric.best:g}. Source: {metric.source}"))


def samples(store: Store, run: Run, evaluation: dict[str, Any]) -> None:
    st.subheader("Samples, worst change first", anchor=False)
    ids = [sample["set_id"] for sample in evaluation["samples"]]
    found = store.sets(ids)
    frame = fairness.sample_rows(
        evaluation["samples"], [found[key].topic for key in ids], f"Summaries?run={run.id}&sample="
    )
    st.dataframe(
        frame,
        hide_index=True,
        placeholder="–",
        column_config={
            "read": st.column_config.LinkColumn("read", display_text="summaries", width="small"),
            "topic": st.column_config.TextColumn(width="medium"),
            "notes": st.column_config.TextColumn(width="large"),
            "UER dense %": st.column_config.NumberColumn(format="%.1f"),
            "UER pruned %": st.column_config.NumberColumn(format="%.1f"),
            "UER change": st.column_config.NumberColumn("UER change, points", format="%+.1f"),
        },
    )


def classifier(report: dict[str, Any]) -> None:
    st.subheader("How good is the group classifier?", anchor=False)
    if "accuracy" not in report:
        st.info(
            markup.inert(f"SPD2 is missing: {report.get('reason', 'no group classifier')}."),
            icon=":material/info:",
        )
        return
    left, right = st.columns(2, gap="large")
    with left:
        st.html(
            markup.tile(
                "Accuracy on held-out opinions",
                percent(report["accuracy"]),
                f"95 %: {percent(report['low'])} to {percent(report['high'])}, n = {report['n_heldout']}",
                f"trained on {report['n_train']:,} opinions; held out by {report['held_out_by']}",
                f"{percent(report['none_share'])} are left without a group because no group is likely enough",
            )
        )
        st.caption("SPD2 and the labels under sentences rest on this classifier: where it errs, they err.")
    with right:
        st.plotly_chart(
            confusion_heatmap(report["confusion"], report["groups"]),
            key="fairness.confusion",
            config={"displaylogo": False},
            alt="Confusion matrix of the group classifier on held-out opinions.",
        )


def draw(store: Store, run: Run) -> None:
    evaluation = store.result(run.id, "evaluation")
    if evaluation is None:
        refuse("this run has no fairness numbers: start it again on the page Prune")
        return
    flags(evaluation)
    direction(evaluation)
    metrics(evaluation)
    st.subheader("Quality beside it", anchor=False)
    st.html(fairness.quality_table(evaluation["quality"]))
    degenerate = [
        f"{name} {percent(found['share'])} of {found['n']}"
        for name, found in evaluation["degenerate"].items()
    ]
    st.caption(
        "Degenerate summaries (empty, shorter than 5 words, repeating, or off the topic): "
        f"{', '.join(degenerate)}."
    )
    perplexity = store.result(run.id, "perplexity")
    if perplexity is not None:
        st.html(fairness.perplexity_table(perplexity))
    st.caption(fairness.perplexity_note(perplexity))
    samples(store, run, evaluation)
    classifier(evaluation["classifier"])
    st.download_button(
        "All numbers as CSV",
        fairness.metric_rows(evaluation, perplexity).to_csv(index=False),
        f"fairness-{run.id}.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


page_store = open_page("Fairness")
with refusals():
    page_run = pick_run(page_store)
    if page_run is not None:
        draw(page_store, page_run)
