"""Start, Summaries, Layers and Fairness: an empty store, a filled one, addresses that lead nowhere."""

from __future__ import annotations

import re
import tomllib

import pytest
from streamlit.testing.v1 import AppTest

from fairprune.corpora.tables import MAX_BYTES
from fairprune.executors.launch import device_lock
from fairprune.store import open_store
from tests.conftest import ROOT
from tests.pages.filled import SETS, app, checked, drawn, errors, fill, fill_default, markup, spec

SPACE = "\N{NO-BREAK SPACE}"
RESULTS = ("Summaries", "Layers", "Fairness")


def test_start_without_runs_invites_and_names_what_is_missing() -> None:
    page = app()
    assert "No run yet" in markup(page)
    assert page.button[0].label == "Prune your first model"
    assert "make app" in page.warning[0].value and "smollm2-135m" in page.warning[0].value


def test_start_button_leads_to_prune() -> None:
    page = checked(app().button[0].click().run())
    assert page.title[0].value == "Prune"


def test_start_shows_runs_with_numbers() -> None:
    fill_default()
    text = markup(app())
    assert "model · magnitude 50% · balanced on movies" in text
    assert f"50.00{SPACE}%" in text  # asked and achieved
    assert f"20.00{SPACE}% of the whole model" in text  # (8 + 4 + 8) of 100 parameters
    # the third sample has an empty dense summary and no pruned one
    assert "BUR, dense" in text and "UER, dense" in text and "SPD2, dense" not in text
    lines = re.findall(r'<div class="fp-note">((?:dense|pruned), .*?)</div>', text)
    assert [line.split(", ")[0] for line in lines] == ["dense", "pruned"] * 2
    assert all("95 %: " in line and line.endswith(f", n{SPACE}={SPACE}2, 1 unscored") for line in lines), (
        lines
    )


def test_start_shows_why_a_run_failed() -> None:
    with open_store() as store:
        run, _ = store.submit(spec())
        store.claim("cpu", 1)
        store.finish(run.id, "failed", "the weights are gone")
    assert [text.value for text in app().text] == ["The weights are gone"]


@pytest.mark.parametrize("name", RESULTS)
def test_results_without_runs_say_what_to_do(name: str) -> None:
    page = app(name)
    assert "No run yet" in markup(page)
    assert [button.label for button in page.button] == ["Prune a model"]


@pytest.mark.parametrize("name", RESULTS)
def test_unknown_run_is_a_sentence_and_the_list_of_runs(name: str) -> None:
    run = fill_default()
    page = app(name, run="feedfacefeedface")
    assert "feedfacefeedface" in errors(page)
    (box,) = [box for box in page.selectbox if box.label == "Run"]
    assert box.value is None and len(box.options) == 1
    page = checked(box.select(run.id).run())
    assert errors(page).count("feedface") == 0
    assert page.query_params["run"] == run.id


@pytest.mark.parametrize("name", RESULTS)
def test_a_failed_run_says_why_and_leads_to_where_it_starts_again(name: str) -> None:
    with open_store() as store:
        run, _ = store.submit(spec())
        store.claim("cpu", 1)
        store.finish(run.id, "failed", "it *broke*")
    page = app(name, run=run.id)
    assert errors(page) == "It *broke*"
    assert not page.info
    assert main_links(page) == [("Open it to start it again", f"run={run.id}")]


@pytest.mark.parametrize("name", RESULTS)
def test_a_cancelled_run_has_no_results_to_wait_for(name: str) -> None:
    with open_store() as store:
        run, _ = store.submit(spec())
        store.request_cancel(run.id)
        assert store.run(run.id).state == "cancelled"
    page = app(name, run=run.id)
    assert [note.value for note in page.info] == ["This run was cancelled before it had results."]
    assert main_links(page) == [("Open it to start it again", f"run={run.id}")]


def test_a_running_run_can_be_watched() -> None:
    with device_lock("cpu").acquire(timeout=1), open_store() as store:
        run, _ = store.submit(spec())
        store.claim("cpu", 1)
        page = app("Layers", run=run.id)
    assert page.info[0].value == "This run is running: its results appear when it is done."
    assert main_links(page) == [("Watch it", f"run={run.id}")]


def main_links(page: AppTest) -> list[tuple[str, str]]:
    """Label and address of the links beside the navigation."""
    return [(link.proto.label, link.proto.query_string) for link in page.main.get("page_link")]


@pytest.mark.parametrize("name", RESULTS)
def test_newest_run_is_shown_and_put_into_the_address(name: str) -> None:
    run = fill_default()
    page = app(name)
    assert page.query_params["run"] == run.id


def test_another_run_forgets_the_sample() -> None:
    with open_store() as store:
        first, second = fill(store), fill(store, spec(0.25))
    page = app("Summaries", run=first.id, sample="3")
    assert page.query_params["sample"] == "3"
    page = checked(page.selectbox[0].select(second.id).run())
    assert page.query_params["run"] == second.id
    assert "sample" not in page.query_params


def test_runs_of_earlier_versions_still_open() -> None:
    run = fill_default()
    with open_store() as store:
        value = store.result(run.id, "evaluation")
        assert value is not None
        for name in ("evidence", "coverage"):
            del value[name]
        for sample in value["samples"]:
            for system in ("dense", "pruned"):
                for name in ("evidence", "coverage"):
                    del sample[system][name]
        for name in ("reliability", "source", "n_units", "n_folds"):
            del value["classifier"][name]
        for name in ("rouge_1", "rouge_2", "copied", "novel"):
            del value["quality"][name]
        store.put_result(run.id, "evaluation", value)
    view = drawn(app("Summaries", run=run.id))["view"]
    assert {one["evidence"] for system in view["systems"] for one in system["summary"]["sentences"]} == {None}
    page = app("Fairness", run=run.id)
    assert "of its opinions covered" not in markup(page) and "ROUGE-L" in markup(page)
    assert len(page.get("plotly_chart")) == 7  # direction, five metrics, confusion


def test_fairness_shows_reliability_coverage_and_what_is_copied() -> None:
    run = fill_default()
    page = app("Fairness", run=run.id)
    text = markup(page)
    assert len(page.get("plotly_chart")) == 8  # direction, five metrics, confusion, reliability
    assert any("Expected calibration error" in note.value for note in page.caption)
    assert any("not of the same view" in note.value for note in page.caption)
    assert "share of its opinions covered" in text and "Copied" in text and "ROUGE-2" in text


def test_layers_draw_and_open_one_matrix() -> None:
    run = fill_default()
    page = app("Layers", run=run.id, measure="row_range", block="1")
    assert len(page.get("plotly_chart")) == 1
    text = markup(page)
    assert "model.layers.1.self_attn.q_proj" in text
    assert f"50.000{SPACE}% → 50.000{SPACE}%" in text
    assert "– (no input statistics)" in text
    block = next(box for box in page.selectbox if box.label == "Block")
    assert block.value == "1"
    page = checked(block.select("0").run())
    assert page.query_params["block"] == "0"
    assert next(box for box in page.selectbox if box.label == "Matrix").options == [
        "self_attn.q_proj",
        "mlp.up_proj",
    ]


def test_a_missing_score_is_a_dash() -> None:
    run = fill_default()
    text = markup(app("Layers", run=run.id, block="0", matrix="mlp.up_proj"))
    assert '<td data-label="Number">Score removed</td><td data-label="Value">–</td>' in text


def test_the_scale_of_the_score_is_explained() -> None:
    run = fill_default()
    (note,) = [
        c.value
        for c in app("Layers", run=run.id, measure="score_removed").caption
        if "The scale is the same" in c.value
    ]
    assert f"ends at 100{SPACE}%; it is logarithmic: each tick is ten times the one below it." in note


def test_choosing_a_measure_moves_the_address() -> None:
    run = fill_default()
    page = app("Layers", run=run.id)
    page = checked(page.segmented_control[0].set_value("dead_columns").run())
    assert page.query_params["measure"] == "dead_columns"


def test_fairness_says_flags_first_then_direction() -> None:
    run = fill_default()
    page = app("Fairness", run=run.id)
    # one of three dense summaries is empty: 33 % > 20 %
    assert "33% of the dense summaries are degenerate" in errors(page)
    kinds = [element.type for element in page.main.children.values()]
    assert kinds.index("error") < kinds.index("plotly_chart")
    assert any("fewer than 30" in note.value for note in page.info)


def test_fairness_table_names_reason_and_n() -> None:
    run = fill_default()
    text = markup(app("Fairness", run=run.id))
    assert "n = 2, 1 unscored" in text
    for metric in ("BUR", "UER", "AUC", "SOF", "SPD2"):
        assert f"<b>{metric}</b>" in text
    assert "lower is fairer" in text and "0 is fairest" in text


def test_fairness_shows_perplexity_of_both_texts() -> None:
    run = fill_default()
    text = markup(app("Fairness", run=run.id))
    rows = [row for row in text.split("<tr>") if "Held-out opinions" in row or "General text" in row]
    opinions, general = (re.findall(r"<td[^>]*>(.*?)</td>", row) for row in rows)
    count = "<small>n = 254 tokens in 2 windows of 128</small>"
    assert opinions[1:] == [
        f"<b>20.00</b>{count}",
        f"<b>50.00</b>{count}",
        "<b>2.50</b><small>pruned / dense</small>",
    ]
    missing = "<b>–</b><small>no &lt;b&gt;text&lt;/b&gt;</small>"
    assert general[1:] == [missing, missing, "<b>–</b><small>pruned / dense</small>"]


def test_fairness_of_a_run_without_perplexity_says_so() -> None:
    with open_store() as store:
        run, _ = store.submit(spec())
        store.claim("cpu", 1)
        other = fill(store, spec(0.25))
        found = store.result(other.id, "evaluation")
        assert found is not None
        store.put_sets(SETS, "movies")
        store.put_result(run.id, "evaluation", found)
        store.finish(run.id, "done")
    page = app("Fairness", run=run.id)
    assert any("Perplexity was not measured" in note.value for note in page.caption)
    assert "Held-out opinions" not in markup(page)


def test_fairness_without_classifier_says_why() -> None:
    run = fill_default()
    with open_store() as store:
        value = store.result(run.id, "evaluation")
        assert value is not None
        value["classifier"] = {"reason": "too few <b>opinions</b>"}
        store.put_result(run.id, "evaluation", value)
    page = app("Fairness", run=run.id)
    assert any("SPD2 is missing" in note.value and "\\<b\\>" in note.value for note in page.info)


def test_fairness_explains_every_metric() -> None:
    run = fill_default()
    page = app("Fairness", run=run.id)
    labels = [popover.proto.popover.label for popover in page.get("popover")]
    assert labels.count("Caption") == 3
    assert [label for label in labels if label != "Caption"] == [
        f"What does {name} mean?" for name in ("BUR", "AUC", "UER", "SOF", "SPD2")
    ]
    assert len(page.latex) == 5
    assert "What do these words mean?" in [expander.label for expander in page.expander]
    assert "<dt>Non-inferior</dt>" in markup(page)


def test_start_flags_degenerate_runs_before_their_numbers() -> None:
    fill_default()
    assert any("dense and pruned summaries degenerate" in element.value for element in app().markdown)


@pytest.mark.parametrize("name", ["Start", "Prune", *RESULTS])
def test_a_database_that_cannot_be_opened_is_a_sentence(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRPRUNE_DATABASE_URL", "not an address")
    page = app(name)
    assert "The database address 'not an address' cannot be read" in errors(page)
    assert len(page.button) == 0


def test_a_run_whose_worker_died_is_interrupted_when_somebody_looks() -> None:
    with open_store() as store:
        run, _ = store.submit(spec())
        store.claim("cpu", 1)
    assert "The worker process ended before this run did" in errors(app("Prune", run=run.id))


def test_links_carry_the_run() -> None:
    run = fill_default()
    page = app("Layers", run=run.id)
    links = page.sidebar.get("page_link")
    assert len(links) >= 5
    assert {link.proto.query_string for link in links} == {f"run={run.id}"}


def test_settings_of_the_server() -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert settings["runner"]["enforceSerializableSessionState"] is True
    assert settings["runner"]["postScriptGC"] is False  # it takes longer than most pages
    assert settings["server"]["enableXsrfProtection"] is True
    assert settings["browser"]["gatherUsageStats"] is False
    assert settings["client"]["showSidebarNavigation"] is False
    assert settings["server"]["maxUploadSize"] * 1_000_000 == MAX_BYTES
    assert "http" not in str(settings)  # nothing is fetched from elsewhere
