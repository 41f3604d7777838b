"""Fairness: every number of a run, with its interval, its n and its meaning."""

from __future__ import annotations

from typing import Any

import streamlit as st

from fairprune.captions import caption
from fairprune.charts import confusion_heatmap, direction_chart
from fairprune.charts_labels import reliability_chart
from fairprune.metrics import METRICS
from fairprune.store import Run, Store
from fairprune.ui import downloads, fairness, inference, labelling, markup, open_page, refusals, refuse
from fairprune.ui.caption import draw_caption
from fairprune.ui.curve import draw_curve
from fairprune.ui.panels import draw_panels
from fairprune.ui.runs import flags, pick_run
from fairprune.ui.sample_table import draw_samples

QUIET = {"displaylogo": False}


def direction(evaluation: dict[str, Any], groups: list[str]) -> None:
    st.header("Whom do the summaries lean to?", anchor=False)
    st.plotly_chart(
        direction_chart(evaluation["groups"], groups),
        key="fairness.direction",
        config=QUIET,
        alt="Per group: mean share in the summary minus fair share, with 95 % intervals.",
    )
    st.caption(
        "Right of the line a group has more room in the summaries than its fair share, left of it less. "
        "Lines are 95 % intervals (bootstrap over topics)."
    )
    if missing := fairness.lean_reasons(evaluation):
        st.caption(markup.inert(missing))
    with st.expander("The same per group in numbers, and whose opinions are covered"):
        st.html(fairness.group_table(evaluation))
        if evaluation.get("evidence"):
            st.caption(markup.inert(fairness.coverage_note(evaluation["evidence"])))


def metrics(evaluation: dict[str, Any], known: dict[str, Any]) -> None:
    validity = evaluation.get("validity") or {}
    st.header("Metrics", anchor=False)
    draw_panels(known, validity)
    verdicts = inference.verdict_table(known, validity)
    if verdicts:
        st.header("What may be concluded?", anchor=False)
        for reason in inference.no_verdicts(known):
            st.markdown(f"**No verdict.** {markup.inert(reason)}.")
        st.html(verdicts)
        with st.expander("What do these words mean?", icon=":material/help:"):
            st.html(inference.words_list())
    st.header("All numbers", anchor=False)
    st.html(fairness.metric_table(known))
    st.caption(
        markup.inert(
            "Even a fair short summary rarely scores exactly 0: compare with the random extract. The difference pairs the "
            "samples that both systems score. " + " ".join(f"{limit}." for limit in inference.limits(known))
        )
    )
    references = inference.reference_table(known)
    if references:
        with st.expander("Reference systems: fair and unfair by construction"):
            st.html(references)
            st.caption(inference.REFERENCES_NOTE)


def quality(store: Store, run: Run, evaluation: dict[str, Any]) -> None:
    st.header("Quality beside it", anchor=False)
    st.html(fairness.quality_table(evaluation["quality"]))
    st.caption(
        f"{fairness.degenerate_note(evaluation['degenerate'])} {fairness.loss_note(evaluation['samples'])}"
    )
    perplexity = store.result(run.id, "perplexity")
    if perplexity is not None:
        st.html(fairness.perplexity_table(perplexity))
    st.caption(fairness.perplexity_note(perplexity))


def classifier(evaluation: dict[str, Any]) -> None:
    report = evaluation["classifier"]
    st.header("How good is the group classifier?", anchor=False)
    tiles = labelling.classifier_tiles(report, evaluation.get("polarity") or {})
    if tiles:
        st.html(markup.grid(tiles, "17rem"))
    if "accuracy" not in report:
        st.info(markup.inert(labelling.untested(report)), icon=":material/info:")
        return
    st.caption("SPD2 and the labels under sentences rest on this classifier: where it errs, they err.")
    left, right = st.columns(2, gap="large")
    with left:
        st.plotly_chart(
            confusion_heatmap(report["confusion"], report["groups"]),
            key="fairness.confusion",
            config=QUIET,
            alt="Confusion matrix of the group classifier on held-out opinions.",
        )
    if "reliability" not in report:  # runs of earlier versions
        return
    with right:
        st.plotly_chart(
            reliability_chart(report["reliability"]["bins"]),
            key="fairness.reliability",
            config=QUIET,
            alt="Reliability of the group classifier: stated confidence against the share that is right.",
        )
        st.caption(labelling.reliability_note(report["reliability"]))


def draw(store: Store, run: Run) -> None:
    evaluation = store.result(run.id, "evaluation")
    if evaluation is None:
        refuse("this run has no fairness numbers: start it again on the page Prune")
        return
    known = {name: cells for name, cells in evaluation["metrics"].items() if name in METRICS}
    groups = list(dict.fromkeys(row["group"] for row in evaluation["groups"]))
    found = store.sets(sample["set_id"] for sample in evaluation["samples"])
    sets = [found[sample["set_id"]] for sample in evaluation["samples"]]
    flags(evaluation)
    direction(evaluation, groups)
    draw_caption(caption(run, "direction", evaluation=evaluation), "direction")
    metrics(evaluation, known)
    draw_caption(caption(run, "metrics", evaluation=evaluation), "metrics")
    st.header("Does it depend on how one measures?", anchor=False)
    with refusals():
        draw_curve(store, run)
    quality(store, run, evaluation)
    st.header("Samples", anchor=False)
    draw_samples(store, run, store.result(run.id, "generation"), evaluation["samples"], sets, groups)
    classifier(evaluation)
    draw_caption(caption(run, "classifier", evaluation=evaluation), "classifier")
    st.header("Take the numbers with you", anchor=False)
    perplexity = store.result(run.id, "perplexity")
    downloads.draw_downloads(
        run.id,
        lambda: downloads.numbers_frame(run.id, evaluation, perplexity),
        lambda: downloads.samples_frame(run.id, evaluation["samples"], sets, groups),
    )


page_store = open_page("Fairness")
with refusals():
    page_run = pick_run(page_store)
    if page_run is not None:
        draw(page_store, page_run)
