"""The choices behind a fairness number: refusals, identity, and specs that were stored before a field existed."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from fairprune.errors import BadInput
from fairprune.metric_spec import Extra, MetricSpec, parse_choices
from fairprune.metrics import METRICS
from fairprune.spec import RunSpec, build, parse_part


def test_a_stored_spec_without_the_later_fields_still_reads():
    spec = build(model={"name": "m"}, pruning={"method": "wanda"}, calibration={}, evaluation={})
    stored = json.loads(spec.canonical())
    early = ("tau", "reading", "ties", "zero_match", "none_below", "resamples", "seed")
    stored["metrics"] = {name: stored["metrics"][name] for name in early}
    read = RunSpec.model_validate(stored)
    assert read == spec
    assert read.version == 1
    assert (read.metrics.matcher, read.metrics.spd2_source, read.metrics.extra) == ("ngram", "classifier", ())


def test_a_spec_reads_back_from_its_own_json():
    spec = MetricSpec(
        matcher="bertscore", temperature=0.5, extra=("ec_embedding",), extra_stop_words=("film",)
    )
    assert MetricSpec.model_validate_json(spec.model_dump_json()) == spec


def test_names_of_one_choice_are_one_choice():
    one = MetricSpec(extra=["ec_embedding", "cp_embedding", "ec_embedding"])
    assert one == MetricSpec.model_validate({"extra": " cp_embedding, ec_embedding,"})
    assert one.extra == ("cp_embedding", "ec_embedding")
    assert MetricSpec.model_validate({"extra_stop_words": "People,film"}).extra_stop_words == (
        "film",
        "people",
    )


def test_choices_from_a_command_line():
    found = parse_choices(["matcher=label", "extra=cp_embedding,ec_embedding"], ("tau",))
    assert found == {"matcher": "label", "extra": "cp_embedding,ec_embedding"}
    for pairs, says in (
        (["tau=0.7"], "unknown KEY of --metric 'tau'"),
        (["matcher"], "is not KEY=VALUE"),
        (["mater=label"], "did you mean 'matcher'"),
        (["matcher=label", "matcher=ngram"], "given twice"),
    ):
        with pytest.raises(BadInput, match=says):
            parse_choices(pairs, ("tau",))


def test_labels_and_what_they_go_with():
    model = {"labels": "model:x/y", "label_map": "LABEL_0=fresh, LABEL_1=rotten"}
    assert MetricSpec.model_validate(model).label_map == {"LABEL_0": "fresh", "LABEL_1": "rotten"}
    with pytest.raises(BadInput, match="label_map renames the labels of a model"):
        MetricSpec(label_map={"a": "b"})
    with pytest.raises(BadInput, match="with labels 'given' the source has none"):
        MetricSpec(labels="given", spd2_source="confusion-corrected")
    with pytest.raises(BadInput, match="label_map cannot be 'fresh'"):
        parse_part(MetricSpec, {**model, "label_map": "fresh"})


def test_the_extra_metrics_are_those_of_the_table():
    assert set(get_args(Extra)) == {name for name, metric in METRICS.items() if metric.optional}


def test_the_temperature_is_the_matchers_own_unless_asked_for():
    assert MetricSpec(matcher="embedding").softmax_temperature == 0.1
    assert MetricSpec(matcher="bertscore").softmax_temperature == 2
    assert MetricSpec(matcher="bertscore", temperature=0.3).softmax_temperature == 0.3


def test_by_words_keeps_what_needs_no_model():
    spec = MetricSpec(
        matcher="bertscore",
        temperature=1,
        tau="0.7",
        extra=("ec",),
        entailment_model="x/y",
        quality_bertscore="packaged",
    )
    plain = spec.by_words()
    assert plain == MetricSpec(tau="0.7")
    assert MetricSpec.model_validate(plain.model_dump()) == plain


def test_the_dense_summaries_do_not_depend_on_the_metrics():
    from fairprune.generations import dense_id

    parts = {"model": {"name": "m"}, "pruning": {"method": "wanda"}, "calibration": {}, "evaluation": {}}
    one, two = build(**parts), build(**parts, metrics={"matcher": "label", "extra": "ec_embedding"})
    assert one.id != two.id
    assert dense_id(one, "float32", []) == dense_id(two, "float32", [])


def test_every_field_has_its_sentence():
    for name, field in MetricSpec.model_fields.items():
        assert (field.description or "").endswith("."), name


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"tau": "1.5"}, r"tau '1.5' is outside \[0, 1\]"),
        ({"tau": "a half"}, "such as 0.8 or 4/5"),
        ({"matcher": "words"}, "matcher cannot be 'words': .*'ngram'.*shared words"),
        ({"matcher": "bartscore"}, "none is packaged.*facebook/bart-large-cnn"),
        ({"matcher": "ngram", "matcher_model": "x/y"}, "'ngram' takes no matcher_model, but got 'x/y'"),
        ({"matcher": "label", "temperature": 2}, "'label' takes no temperature, but got 2.0"),
        ({"matcher": "embedding", "temperature": 0}, "temperature cannot be 0"),
        ({"matcher": "embedding", "temperature": float("inf")}, "temperature cannot be inf"),
        ({"extra": ["ec", "cp"]}, "cp and ec need an entailment_model.*ec_embedding"),
        ({"extra": ["coverage"]}, "'coverage'.*'ec_embedding'"),
        ({"spd2_source": "gold"}, "'gold-source'"),
    ],
)
def test_wrong_choices_are_named(values, says):
    with pytest.raises(BadInput, match=says):
        parse_part(MetricSpec, values)
