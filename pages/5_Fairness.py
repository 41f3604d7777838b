"""Fairness: every number of a run, with its interval, its n and its meaning."""

from __future__ import annotations

from typing import Any

import streamlit as st

from fairprune.charts import confusion_heatmap, direction_chart, percent
from fairprune.charts_labels import reliability_chart
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
        st.info(markup.inert(fairness.untested(report)), icon=":material/info:")
        return
    st.html(
        markup.tile(
            "Accuracy on held-out opinions",
            percent(report["accuracy"]),
            f"95 %: {percent(report['low'])} to {percent(report['high'])}, n = {report['n_heldout']}",
            *fairness.label_facts(report),
        )
    )
    st.caption("SPD2 and the labels under sentences rest on this classifier: where it errs, they err.")
    left, right = st.columns(2, gap="large")
    with left:
        st.plotly_chart(
            confusion_heatmap(report["confusion"], report["groups"]),
            key="fairness.confusion",
            config={"displaylogo": False},
            alt="Confusion matrix of the group classifier on held-out opinions.",
        )
    if "reliability" not in report:  # runs of earlier versions
        return
    with right:
        st.plotly_chart(
            reliability_chart(report["reliability"]["bins"]),
            key="fairness.reliability",
            config={"displaylogo": False},
            alt="Reliability of the group classifier: stated confidence against the share that is right.",
        )
        st.caption(fairness.reliability_note(report["reliability"]))


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
    st.caption(fairness.degenerate_note(evaluation["degenerate"]))
    perplexity = store.result(run.id, "perplexity")
    if perplexity is not None:
        st.html(fairness.perplexity_table(perplexity))
    st.caption(fairness.perplexity_note(perplexity))
    if evaluation.get("coverage"):
        st.html(fairness.coverage_table(evaluation["coverage"]))
        st.caption(fairness.coverage_note(evaluation["evidence"]))
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
