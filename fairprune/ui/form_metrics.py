"""The part of a run's form that decides how fairness is measured. What cannot go together is not offered."""

from __future__ import annotations

from typing import Any, get_args

import streamlit as st

from fairprune import corpora
from fairprune.charts_metrics import metric_label
from fairprune.metric_spec import BARTSCORE_MODEL, BERTSCORE_MODEL, TEMPERATURES, MetricSpec
from fairprune.metrics import METRICS
from fairprune.metrics.margins import MARGINS, most, scale
from fairprune.metrics.polarity import is_sentiment
from fairprune.spec import PRESETS, EvaluationSpec
from fairprune.ui.markup import inert
from fairprune.ui.widgets import keyed, sentence

MATCHERS = {
    "ngram": "Shared words (ngram)",
    "embedding": "Sentence embeddings (embedding)",
    "label": "Labelled sentences (label)",
    "bertscore": "BERTScore",
    "bartscore": "BARTScore",
}
LABELS = {
    "packaged": "Packaged classifier",
    "given": "The opinions' own groups",
    "model": "A text-classification model …",
}
BERTSCORES = {"none": "None", "packaged": "Packaged encoder (MiniLM)", "other": "Another encoder …"}
WITHHELD = (
    "Not offered for groups that are sentiments: sentence embeddings as matcher, EC and CP by similarity. The packaged encoder "
    "does not tell sentiment apart well enough, and they would be withheld."
)
NEEDS_MODEL = {"ec", "cp"}
BY_SIMILARITY = {"ec_embedding", "cp_embedding"}


def draw_metrics(corpus: str, preset: str) -> dict[str, Any]:
    """Draws the widgets. Returns `metrics`, `noise_band` and `loss_ratio` of `fairprune.plan.plan_run`."""
    st.markdown("**How fairness is measured**")
    sentiment = is_sentiment(corpora.info(corpus))
    values: dict[str, Any] = {}
    columns = st.columns(3)
    for place, (field, label) in enumerate(
        (
            ("reading", "Fair share of a group"),
            ("ties", "At exactly τ"),
            ("zero_match", "Summary without a matched word"),
        )
    ):
        options = list(get_args(MetricSpec.model_fields[field].annotation))
        values[field] = columns[place].selectbox(
            label, options, help=sentence(MetricSpec, field), **keyed(field)
        )
    columns = st.columns(3)
    values["tau"] = columns[0].text_input(
        "τ of BUR",
        MetricSpec.model_fields["tau"].default,
        help=sentence(MetricSpec, "tau"),
        **keyed("tau"),
    )
    with columns[1]:
        values |= _matcher(sentiment)
    with columns[2]:
        values |= _labels()
    columns = st.columns(3)
    with columns[0]:
        values |= _extra(sentiment)
    with columns[1]:
        values |= _bertscore(preset)
    with columns[2]:
        noise_band = st.toggle(
            "Noise band", help=sentence(EvaluationSpec, "noise_band"), **keyed("noise_band")
        )
        loss_ratio = st.toggle(
            "Loss ratio", help=sentence(EvaluationSpec, "loss_ratio"), **keyed("loss_ratio")
        )
    if sentiment:
        st.caption(inert(WITHHELD))
    values |= _family(values["extra"])
    return {"metrics": values, "noise_band": noise_band, "loss_ratio": loss_ratio}


def _matcher(sentiment: bool) -> dict[str, Any]:
    names = [name for name in MATCHERS if not (sentiment and name == "embedding")]
    matcher = str(
        st.selectbox(
            "Matcher",
            names,
            format_func=MATCHERS.__getitem__,
            help=sentence(MetricSpec, "matcher"),
            **keyed("matcher", names),
        )
    )
    found: dict[str, Any] = {"matcher": matcher}
    if matcher not in TEMPERATURES:
        return found
    published = {"bartscore": BARTSCORE_MODEL, "bertscore": BERTSCORE_MODEL}.get(matcher)
    found["matcher_model"] = st.text_input(
        "Model of the matcher",
        placeholder=f"MiniLM (packaged); published: {published}"
        if matcher == "bertscore"
        else published or "MiniLM (packaged)",
        help=sentence(MetricSpec, "matcher_model"),
        **keyed("matcher_model"),
    ).strip()
    if matcher == "bertscore":
        kinds = list(get_args(MetricSpec.model_fields["bertscore"].annotation))
        found["bertscore"] = st.selectbox(
            "Similarity", kinds, help=sentence(MetricSpec, "bertscore"), **keyed("bertscore")
        )
    found["temperature"] = st.number_input(
        "Temperature",
        min_value=0.001,
        max_value=1000.0,
        value=None,
        placeholder=f"{TEMPERATURES[matcher]:g}",
        help=sentence(MetricSpec, "temperature"),
        **keyed("temperature"),
    )
    return found


def _labels() -> dict[str, Any]:
    kind = st.selectbox(
        "Group labels of sentences",
        list(LABELS),
        format_func=LABELS.__getitem__,
        help=sentence(MetricSpec, "labels"),
        **keyed("labels"),
    )
    found: dict[str, Any] = {"labels": str(kind)}
    if kind == "model":
        name = st.text_input(
            "Model of the labels", placeholder="owner/name, or a folder", **keyed("labels_model")
        )
        found["labels"] = f"model:{str(name).strip()}"
        pairs = st.text_input(
            "Its labels",
            placeholder="POSITIVE=fresh, NEGATIVE=rotten",
            help=sentence(MetricSpec, "label_map"),
            **keyed("label_map"),
        )
        if str(pairs).strip():
            found["label_map"] = str(pairs).strip()
    sources = [
        one
        for one in get_args(MetricSpec.model_fields["spd2_source"].annotation)
        if not (kind == "given" and one == "confusion-corrected")
    ]
    found["spd2_source"] = st.selectbox(
        "SPD2's source balance",
        sources,
        help=sentence(MetricSpec, "spd2_source"),
        **keyed("spd2_source", sources),
    )
    return found


def _extra(sentiment: bool) -> dict[str, Any]:
    names = [
        name
        for name, metric in METRICS.items()
        if metric.optional and not (sentiment and name in BY_SIMILARITY)
    ]
    chosen = _several("More metrics", names, [], "extra", help_text=sentence(MetricSpec, "extra"))
    found: dict[str, Any] = {"extra": tuple(chosen)}
    if NEEDS_MODEL & set(chosen):
        found["entailment_model"] = st.text_input(
            "Entailment model",
            placeholder="owner/name, or a folder",
            help=sentence(MetricSpec, "entailment_model"),
            **keyed("entailment_model"),
        ).strip()
    return found


def _bertscore(preset: str) -> dict[str, Any]:
    usual = PRESETS[preset].get("metrics", {}).get("quality_bertscore", "none")
    names = [usual, *(name for name in BERTSCORES if name != usual)]
    titles = {name: BERTSCORES[name] + (f", as in {preset}" if name == usual else "") for name in names}
    kind = st.selectbox(
        "BERTScore of the summaries",
        names,
        format_func=titles.__getitem__,
        help=sentence(MetricSpec, "quality_bertscore"),
        **keyed(f"quality_bertscore.{preset}"),
    )
    if kind != "other":
        return {"quality_bertscore": str(kind)}
    name = st.text_input(
        "Encoder of BERTScore", placeholder=BERTSCORE_MODEL, **keyed("quality_bertscore_model")
    )
    return {"quality_bertscore": str(name).strip() or BERTSCORE_MODEL}


def _family(extra: tuple[str, ...]) -> dict[str, Any]:
    """Primary metrics, and the margin of every metric that may have one; what is left empty keeps the default."""
    names = [name for name, metric in METRICS.items() if not metric.optional or name in extra]
    primary = _several(
        "Primary metrics", names, ["bur"], "primary", help_text=sentence(MetricSpec, "primary")
    )
    st.caption(
        "Margins: the largest harm that you would accept, in points (SPD2, probabilities and cosines in their own unit). Choose "
        "them before looking."
    )
    margins = {}
    columns = st.columns(min(5, len(names)))
    for place, name in enumerate(names):
        unit = "points" if METRICS[name].is_rate else "own unit"
        usual = f"{MARGINS[name] * scale(name):g}" if name in MARGINS else "none"
        typed = columns[place % len(columns)].number_input(
            f"{metric_label(name)}, {unit}",
            min_value=0.01 if METRICS[name].is_rate else 0.001,  # a margin is above 0
            max_value=most(name) * scale(name),
            value=None,
            placeholder=usual,
            **keyed(f"margin.{name}"),
        )
        if typed is not None:
            margins[name] = float(typed) / scale(name)
    return {"primary": tuple(primary), "margins": margins}


def _several(label: str, names: list[str], default: list[str], field: str, *, help_text: str) -> list[str]:
    """A choice of several metrics that keeps its value over pages, without what is not offered any more."""
    key = keyed(field)
    held = st.session_state.get(key["key"])
    if held is not None and any(name not in names for name in held):
        st.session_state[key["key"]] = [name for name in held if name in names]
    return list(
        st.multiselect(label, names, default=default, format_func=metric_label, help=help_text, **key)
    )
