"""The form keeps what was typed, the own file becomes a corpus, a run is followed to its end."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from fairprune import corpora
from fairprune.executors.launch import device_lock
from fairprune.store import open_store
from tests.conftest import ROOT
from tests.pages.filled import app, checked, errors, fill, fill_default, markup, spec
from tests.tiny import make_tiny_model

CSV = "review,party,film\n" + "\n".join(
    f'"The {word} film number {i} was {word} in every scene of topic {topic}.",{group},topic {topic}'
    for topic in range(4)
    for i in range(12)
    for word, group in (("great", "fans"), ("boring", "<b>critics</b>"))
)


@pytest.fixture
def lived_in() -> Iterator[None]:
    """Somebody holds the device, so that waiting and running rows stay as a test puts them."""
    with device_lock("cpu").acquire(timeout=1):
        yield


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


def widget(page: AppTest, kind: str, label: str) -> Any:
    """The one widget of this kind with this label."""
    (found,) = [element for element in getattr(page, kind) if element.label == label]
    return found


def labels(page: AppTest, kind: str) -> list[str]:
    return [element.label for element in getattr(page, kind)]


def import_csv(page: AppTest, text: str = CSV) -> AppTest:
    page = checked(page.file_uploader[0].upload("films.csv", text.encode(), "text/csv").run())
    return checked(widget(page, "button", "Use these opinions").click().run())


def with_model(page: AppTest, folder: Path) -> AppTest:
    page = checked(widget(page, "selectbox", "Model").select("other").run())
    return checked(widget(page, "text_input", "Hub id or folder").input(str(folder)).run())


def test_first_visit_shows_the_form_alone() -> None:
    page = app("Prune")
    assert labels(page, "button") == ["Start the run"]
    assert page.radio[0].value == "wanda"
    assert any("|W_{ij}|" in formula.value for formula in page.latex)
    assert "fresh, rotten" in "\n".join(caption.value for caption in page.caption)


def test_a_refusal_is_a_sentence_and_keeps_everything_typed() -> None:
    page = app("Prune")
    page = with_model(page, Path("/nowhere/model"))
    page = checked(page.slider[0].set_value(35).run())
    page = checked(widget(page, "number_input", "Seed").set_value(7).run())
    page = checked(widget(page, "number_input", "Opinion sets").set_value(4).run())
    page = checked(widget(page, "button", "Start the run").click().run())
    assert "The folder /nowhere/model does not exist" in errors(page)
    assert widget(page, "text_input", "Hub id or folder").value == "/nowhere/model"
    assert page.slider[0].value == 35
    assert widget(page, "number_input", "Seed").value == 7
    assert widget(page, "number_input", "Opinion sets").value == 4
    with open_store() as store:
        assert store.runs() == []


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "No model was given"),
        ("smolm2-135m", "did you mean 'smollm2-135m'"),
        ("a b", "unknown model 'a b'"),
    ],
)
def test_model_names_that_mean_nothing(typed: str, sentence: str) -> None:
    page = with_model(app("Prune"), Path(typed) if typed else Path())
    page = checked(widget(page, "text_input", "Hub id or folder").input(typed).run())
    page = checked(widget(page, "button", "Start the run").click().run())
    assert sentence in errors(page).replace("Unknown", "unknown")


def test_values_survive_another_page() -> None:
    page = app("Prune")
    page = checked(page.slider[0].set_value(35).run())
    page = checked(page.switch_page("pages/4_Layers.py").run())
    page = checked(page.switch_page("pages/1_Prune.py").run())
    assert page.slider[0].value == 35


def test_a_pattern_leaves_no_allocation_to_choose() -> None:
    page = app("Prune")
    assert labels(page, "radio") == ["Method", "Allocation"]
    page = checked(widget(page, "segmented_control", "Kind of sparsity").set_value("n:m").run())
    assert labels(page, "radio") == ["Method"] and not page.slider
    page = checked(widget(page, "segmented_control", "Pattern").set_value("own").run())
    page = checked(widget(page, "text_input", "n:m").input("4:4").run())
    page = checked(widget(page, "button", "Start the run").click().run())
    assert "pattern '4:4' is not n:m with 0 < n < m" in errors(page).replace("Pattern", "pattern")


def test_summary_loss_is_offered_only_with_summaries() -> None:
    page = app("Prune")
    page = checked(page.radio[0].set_value("hgla").run())
    assert widget(page, "selectbox", "Loss").options == ["last token", "all tokens"]
    page = checked(widget(page, "selectbox", "Calibration set").select("model-output").run())
    page = checked(widget(page, "selectbox", "Loss").select("summary_tokens").run())
    page = checked(widget(page, "selectbox", "Calibration set").select("random").run())
    assert widget(page, "selectbox", "Loss").value == "last_token"


def test_every_option_of_every_method_has_a_widget_with_its_sentence() -> None:
    from fairprune.methods import METHODS

    page = app("Prune")
    for name, method in METHODS.items():
        page = checked(page.radio[0].set_value(name).run())
        helps = {
            w.label: w.help
            for kind in ("selectbox", "number_input", "toggle", "text_input")
            for w in getattr(page, kind)
        }
        for field, info in method.options.model_fields.items():
            shown = helps[field.replace("_", " ").capitalize()]
            if field != "seed":  # a method's own seed and the run's have the same label
                assert shown.replace("\\", "") == info.description


def test_groups_of_the_corpus_are_offered_for_a_skew() -> None:
    page = app("Prune")
    page = checked(widget(page, "selectbox", "Calibration set").select("one-group").run())
    assert widget(page, "selectbox", "Group").options == ["fresh", "rotten"]


def test_own_file_is_mapped_checked_and_chosen() -> None:
    page = app("Prune")
    page = checked(page.file_uploader[0].upload("films.csv", CSV.encode(), "text/csv").run())
    assert [widget(page, "selectbox", f"{part} column").value for part in ("Text", "Group", "Topic")] == [
        "review",
        "party",
        "film",
    ]
    assert any("96 rows, 3 columns" in caption.value for caption in page.caption)
    page = checked(widget(page, "button", "Use these opinions").click().run())
    (name,) = [name for name in corpora.names() if name.startswith("user:films-")]
    assert widget(page, "selectbox", "Corpus").value == name
    assert "\\<b\\>critics\\</b\\>, fans" in "\n".join(caption.value for caption in page.caption)


def test_rows_that_cannot_be_used_are_listed_by_number() -> None:
    broken = CSV.replace("fans,topic 0", ",topic 0", 1)
    page = app("Prune")
    page = checked(page.file_uploader[0].upload("films.csv", broken.encode(), "text/csv").run())
    assert errors(page) == "1 cells cannot be used:"
    (listed,) = [frame.value for frame in page.dataframe if "problem" in frame.value]
    assert listed.to_dict("records") == [{"row": 2, "column": "party", "problem": "is empty"}]
    assert "Use these opinions" not in labels(page, "button")


def test_a_pickled_upload_is_refused() -> None:
    page = app("Prune")
    page = checked(page.file_uploader[0].upload("x.csv", b"\x80\x04\x95text", "text/csv").run())
    assert "pickled" in errors(page)


def test_a_second_file_of_the_same_name_is_read_anew() -> None:
    page = app("Prune")
    page = checked(page.file_uploader[0].upload("films.csv", CSV.encode(), "text/csv").run())
    page = checked(
        page.file_uploader[0].set_value(("films.csv", b"text,group,topic\na,b,c\n", "text/csv")).run()
    )
    assert any("1 rows, 3 columns" in caption.value for caption in page.caption)


def test_preview_shows_the_windows_by_group(tiny: Path) -> None:
    page = with_model(import_csv(app("Prune")), tiny)
    page = checked(widget(page, "number_input", "Tokens per window").set_value(160).run())
    page = checked(widget(page, "toggle", "Preview calibration windows").set_value(True).run())
    assert errors(page) == ""
    text = markup(page)
    assert "8 × 160" in text and "1,280 tokens, 0 of them padding" in text
    assert '<span class="fp-tag" style="--g:#0072b2">&lt;b&gt;critics&lt;/b&gt;</span><mark' in text
    assert "Opinion tokens by group" in text


def test_preview_says_why_it_cannot_be_shown(tiny: Path) -> None:
    page = with_model(import_csv(app("Prune")), tiny)
    page = checked(widget(page, "toggle", "Preview calibration windows").set_value(True).run())
    page = checked(widget(page, "number_input", "Tokens per window").set_value(20).run())
    assert "Windows of 20 tokens are too short" in errors(page)
    page = checked(page.radio[0].set_value("magnitude").run())
    assert "Magnitude reads no calibration data" in page.info[0].value


def test_unknown_run_is_a_sentence_the_list_and_the_form() -> None:
    run = fill_default()
    page = app("Prune", run="feedfacefeedface")
    assert "feedfacefeedface" in errors(page)
    assert "Start the run" in labels(page, "button")
    page = checked(widget(page, "selectbox", "Stored runs").select(run.id).run())
    assert page.query_params["run"] == run.id


def test_result_card_has_flags_first_and_what_it_must_say() -> None:
    run = fill_default()
    page = app("Prune", run=run.id)
    text = markup(page)
    space = "\N{NO-BREAK SPACE}"
    assert "33% of the dense summaries are degenerate" in errors(page)
    assert f"50.00{space}%" in text and f"20.00{space}% of the whole model" in text
    assert "cpu, float32, batch of 8" in text and "Tokens a second" in text
    assert "BUR, dense" in text and "UER, dense" in text and "SPD2, dense" in text
    assert any("change neither file size nor speed" in caption.value for caption in page.caption)


@pytest.mark.usefixtures("lived_in")
def test_a_waiting_run_says_its_place() -> None:
    with open_store() as store:
        store.submit(spec(0.1))
        run, _ = store.submit(spec(0.2))
    page = app("Prune", run=run.id)
    assert page.get("progress")[0].proto.text == "Waiting: 1 run before it on cpu"
    assert "Cancel this run" in labels(page, "button")


@pytest.mark.usefixtures("lived_in")
def test_a_running_run_shows_stage_and_log_and_can_be_cancelled() -> None:
    with open_store() as store:
        run, _ = store.submit(spec())
        store.claim("cpu", 1)
        store.progress(run.id, "pruning", 3, 6, "block 3 of 6")
        store.log(run.id, "<b>hello</b>")
        page = app("Prune", run=run.id)
        bar = page.get("progress")[0].proto
        assert (bar.text, bar.value) == (
            "Stage 6 of 8: pruning",
            round(100 * (5 + 0.5) / 8 - 0.25),
        )  # 68.75 %
        assert any("block 3 of 6" in text.value for text in page.text)
        assert any("<b>hello</b>" in code.value for code in page.code)
        page = checked(widget(page, "button", "Cancel this run").click().run())
        assert store.run(run.id).cancel_requested
        assert any("Cancelling" in text.value for text in page.text)


@pytest.mark.usefixtures("lived_in")
def test_a_failed_run_says_why_and_starts_again() -> None:
    with open_store() as store:
        run, _ = store.submit(spec())
        store.claim("cpu", 1)
        store.finish(run.id, "failed", "The `weights` are gone", "Traceback: line 1")
        page = app("Prune", run=run.id)
        assert errors(page) == "The `weights` are gone"
        assert "Details for a report" in [expander.label for expander in page.expander]
        assert any("Traceback: line 1" in code.value for code in page.code)
        page = checked(widget(page, "button", "Start again").click().run())
        assert store.run(run.id).state == "queued"


@pytest.mark.usefixtures("lived_in")
def test_the_same_configuration_opens_the_stored_run(tiny: Path) -> None:
    page = with_model(import_csv(app("Prune")), tiny)
    page = checked(widget(page, "number_input", "Opinion sets").set_value(2).run())
    page = checked(widget(page, "button", "Start the run").click().run())
    with open_store() as store:
        (run,) = store.runs()
        assert page.query_params["run"] == run.id and not page.success
        fill(store, run.spec)
    page = checked(widget(page, "button", "Start the run").click().run())
    assert page.success[0].value == "This configuration was computed before: here is the stored run."
    with open_store() as store:
        assert len(store.runs()) == 1


def test_no_page_ever_imports_torch_and_a_run_goes_through(tiny: Path, tmp_path: Path) -> None:
    """A fresh process: import a file, preview, start a real run, wait for its end, read every page of it."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.pages.journey", str(tiny)],
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "FAIRPRUNE_HOME": str(tmp_path),
            "FAIRPRUNE_WORKER_IDLE": "0.5",
            "HF_HUB_OFFLINE": "1",
        },
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == "no torch"
