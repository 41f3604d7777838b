"""The part of the form that decides how fairness is measured: what is offered, and what a run gets of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from fairprune.executors.launch import device_lock
from fairprune.metric_spec import MetricSpec
from fairprune.metrics import METRICS
from fairprune.plan import plan_run
from fairprune.spec import EvaluationSpec, RunSpec
from fairprune.store import open_store
from tests.pages.filled import app, checked, errors
from tests.pages.test_prune import import_csv, labels, widget, with_model
from tests.tiny import make_tiny_model


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


def form(tiny: Path) -> AppTest:
    """A form with an own file of groups that are no sentiments, which can be started."""
    page = with_model(import_csv(app("Prune")), tiny)
    for label, value in (("Tokens per window", 160), ("Opinion sets", 2), ("New tokens per summary", 8)):
        page = checked(widget(page, "number_input", label).set_value(value).run())
    return page


def started(page: AppTest) -> RunSpec:
    """The spec of the run that the form starts; somebody holds the device, so that it only waits."""
    with device_lock("cpu").acquire(timeout=1):
        page = checked(widget(page, "button", "Start the run").click().run())
        assert not errors(page), errors(page)
        with open_store() as store:
            return store.run(str(page.query_params["run"])).spec


def test_a_form_left_alone_is_the_plan_without_choices(tiny: Path) -> None:
    spec = started(form(tiny))
    same = plan_run(
        model=str(tiny),
        method="wanda",
        sparsity=0.5,
        corpus=spec.evaluation.corpus,
        seqlen=160,
        samples=2,
        max_new_tokens=8,
    )
    assert spec == same and spec.metrics == MetricSpec()


def test_what_is_chosen_is_what_runs(tiny: Path) -> None:
    page = form(tiny)
    page = checked(widget(page, "selectbox", "Matcher").select("bertscore").run())
    page = checked(widget(page, "selectbox", "Similarity").select("f1").run())
    page = checked(widget(page, "number_input", "Temperature").set_value(0.5).run())
    page = checked(widget(page, "selectbox", "Group labels of sentences").select("given").run())
    page = checked(widget(page, "selectbox", "SPD2's source balance").select("gold-source").run())
    page = checked(widget(page, "multiselect", "More metrics").select("ec_embedding").run())
    page = checked(widget(page, "multiselect", "Primary metrics").select("ec_embedding").run())
    page = checked(widget(page, "selectbox", "BERTScore of the summaries").select("packaged").run())
    for label in ("Noise band", "Loss ratio"):
        page = checked(widget(page, "toggle", label).set_value(True).run())
    for label, value in (("BUR, points", 8.0), ("SPD2, own unit", 0.2), ("EC by similarity, own unit", 0.1)):
        page = checked(widget(page, "number_input", label).set_value(value).run())
    found = started(page)
    metrics = found.metrics
    assert (metrics.matcher, metrics.bertscore, metrics.temperature) == ("bertscore", "f1", 0.5)
    assert (metrics.labels, metrics.spd2_source) == ("given", "gold-source")
    assert metrics.extra == ("ec_embedding",) and metrics.primary == ("bur", "ec_embedding")
    assert metrics.quality_bertscore == "packaged"
    assert found.evaluation.noise_band and found.evaluation.loss_ratio
    # 8 points are .08; what was left empty keeps its default
    assert metrics.margins == {**MetricSpec().margins, "bur": 0.08, "spd2": 0.2, "ec_embedding": 0.1}


def test_every_choice_has_the_specs_own_sentence() -> None:
    page = app("Prune")
    helps = {
        one.label: (one.help or "").replace("\\", "")
        for kind in ("selectbox", "multiselect", "toggle", "text_input")
        for one in getattr(page, kind)
    }
    for label, part, field in (
        ("Matcher", MetricSpec, "matcher"),
        ("Group labels of sentences", MetricSpec, "labels"),
        ("SPD2's source balance", MetricSpec, "spd2_source"),
        ("More metrics", MetricSpec, "extra"),
        ("BERTScore of the summaries", MetricSpec, "quality_bertscore"),
        ("Primary metrics", MetricSpec, "primary"),
        ("Noise band", EvaluationSpec, "noise_band"),
        ("Loss ratio", EvaluationSpec, "loss_ratio"),
    ):
        assert helps[label] == part.model_fields[field].description, label


def test_sentiments_are_not_offered_what_would_be_withheld(tiny: Path) -> None:
    page = app("Prune")  # films: fresh and rotten
    assert widget(page, "selectbox", "Matcher").options == [
        "Shared words (ngram)",
        "Labelled sentences (label)",
        "BERTScore",
        "BARTScore",
    ]
    assert widget(page, "multiselect", "More metrics").options == ["CP", "EC"]
    assert any("Not offered for groups that are sentiments" in note.value for note in page.caption)
    page = form(tiny)
    assert "Sentence embeddings (embedding)" in widget(page, "selectbox", "Matcher").options
    assert len(widget(page, "multiselect", "More metrics").options) == 4
    assert not any("Not offered for groups" in note.value for note in page.caption)


def test_what_a_choice_rules_out_disappears_with_its_value(tiny: Path) -> None:
    page = form(tiny)
    assert "Temperature" not in labels(page, "number_input")
    page = checked(widget(page, "selectbox", "SPD2's source balance").select("confusion-corrected").run())
    page = checked(widget(page, "selectbox", "Group labels of sentences").select("given").run())
    source = widget(page, "selectbox", "SPD2's source balance")
    assert source.options == ["classifier", "gold-source"] and source.value == "classifier"
    page = checked(widget(page, "multiselect", "More metrics").select("cp_embedding").run())
    page = checked(widget(page, "multiselect", "Primary metrics").select("cp_embedding").run())
    page = checked(widget(page, "multiselect", "More metrics").unselect("cp_embedding").run())
    assert widget(page, "multiselect", "Primary metrics").value == ["bur"]
    assert "CP by similarity, own unit" not in labels(page, "number_input")


def refused(page: AppTest) -> str:
    return errors(checked(widget(page, "button", "Start the run").click().run()))


def test_a_model_that_is_wanting_is_a_sentence(tiny: Path) -> None:
    page = form(tiny)
    page = checked(widget(page, "selectbox", "Matcher").select("bartscore").run())
    assert "needs a matcher_model" in refused(page)
    page = checked(widget(page, "selectbox", "Matcher").select("ngram").run())
    page = checked(widget(page, "multiselect", "More metrics").select("ec").run())
    assert "need an entailment_model" in refused(page)
    page = checked(widget(page, "multiselect", "More metrics").unselect("ec").run())
    page = checked(widget(page, "selectbox", "Group labels of sentences").select("model").run())
    assert "model:ID_OR_FOLDER" in refused(page)
    page = checked(widget(page, "text_input", "Model of the labels").input("/nowhere/labels").run())
    assert "/nowhere/labels" in refused(page)


def test_no_primary_metric_is_a_sentence_and_no_margin_can_be_zero(tiny: Path) -> None:
    page = form(tiny)
    one = widget(page, "number_input", "BUR, points")
    assert one.min > 0 and one.max == 100  # points
    assert widget(page, "number_input", "SPD2, own unit").max == 2
    page = checked(widget(page, "multiselect", "Primary metrics").unselect("bur").run())
    assert "no metric is primary" in refused(page).lower()


def test_the_presets_own_bertscore_is_the_first_choice() -> None:
    page = app("Prune")
    assert widget(page, "selectbox", "BERTScore of the summaries").options[0] == "None, as in quick"
    page = checked(widget(page, "segmented_control", "Size of the run").set_value("standard").run())
    one: Any = widget(page, "selectbox", "BERTScore of the summaries")
    assert one.options[0] == "Packaged encoder (MiniLM), as in standard" and one.value == "packaged"


def test_choices_survive_another_page(tiny: Path) -> None:
    page = form(tiny)
    page = checked(widget(page, "multiselect", "Primary metrics").select("uer").run())
    page = checked(page.switch_page("pages/4_Layers.py").run())
    page = checked(page.switch_page("pages/1_Prune.py").run())
    assert widget(page, "multiselect", "Primary metrics").value == ["bur", "uer"]
    assert not page.warning or all("default value" not in one.value for one in page.warning)


def test_every_metric_that_can_have_one_has_a_margin(tiny: Path) -> None:
    page = form(tiny)
    page = checked(
        widget(page, "multiselect", "More metrics").set_value(["cp_embedding", "ec_embedding"]).run()
    )
    shown = [label for label in labels(page, "number_input") if label.endswith((", points", ", own unit"))]
    assert len(shown) == len([name for name in METRICS if name not in ("ec", "cp")])
