"""The form keeps what was typed, the own file becomes a corpus, a run is followed to its end."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from fairprune import corpora
from fairprune.executors.launch import device_lock
from fairprune.jobs import RECONCILE_SECONDS
from fairprune.paths import home
from fairprune.store import open_store
from tests.conftest import ROOT
from tests.pages.filled import app, checked, errors, fill, fill_default, markup, spec
from tests.tiny import make_headers, make_tiny_model

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


def test_a_long_name_is_refused_and_stays_typed() -> None:
    page = app("Prune")
    long = f"{'film ' * 30}.csv"
    page = checked(page.file_uploader[0].upload(long, CSV.encode(), "text/csv").run())
    name = widget(page, "text_input", "Name")
    assert (
        len(name.value) <= 80 and name.proto.max_chars == 0
    )  # a browser would drop what is longer without a word
    name.input("n" * 90)
    page = checked(widget(page, "button", "Use these opinions").click().run())
    assert "The name has 90 characters: at most 80" in errors(page)
    assert widget(page, "text_input", "Name").value == "n" * 90
    assert not [name for name in corpora.names() if name.startswith("user:")]


def test_rows_that_cannot_be_used_are_listed_by_number() -> None:
    broken = CSV.replace("fans,topic 0", ",topic 0", 1)
    page = app("Prune")
    page = checked(page.file_uploader[0].upload("films.csv", broken.encode(), "text/csv").run())
    assert errors(page) == "1 cell cannot be used:"
    (listed,) = [frame.value for frame in page.dataframe if "problem" in frame.value]
    assert listed.to_dict("records") == [{"row": 2, "column": "party", "problem": "is empty"}]
    assert "Use these opinions" not in labels(page, "button")


def test_a_pickled_upload_is_refused() -> None:
    page = app("Prune")
    page = checked(page.file_uploader[0].upload("x.csv", b"\x80\x04\x95text", "text/csv").run())
    assert "x.csv is a pickle" in errors(page) and "pandas.read_pickle" in errors(page).replace("\\", "")


def test_a_second_file_of_the_same_name_is_read_anew() -> None:
    page = app("Prune")
    page = checked(page.file_uploader[0].upload("films.csv", CSV.encode(), "text/csv").run())
    page = checked(
        page.file_uploader[0].set_value(("films.csv", b"text,group,topic\na,b,c\n", "text/csv")).run()
    )
    assert any("1 row, 3 columns" in caption.value for caption in page.caption)


OTHER = "words,side,film\n" + "\n".join(
    f'"The {word} number {i} of it was {word}, said everybody.",{side},film {i % 4}'
    for i in range(48)
    for word, side in (("music", "up"), ("light", "down"))
)
PARTS = ("Text", "Group", "Topic")


def chosen_columns(page: AppTest) -> list[str | None]:
    return [widget(page, "selectbox", f"{part} column").value for part in PARTS]


def test_another_file_keeps_nothing_of_the_one_before() -> None:
    page = app("Prune")
    page = checked(page.file_uploader[0].upload("films.csv", CSV.encode(), "text/csv").run())
    page = checked(widget(page, "text_input", "Name").input("My films").run())
    page = checked(widget(page, "selectbox", "Each text is a").select("tweet").run())
    page = checked(widget(page, "selectbox", "Topic column").select("party").run())
    page = checked(widget(page, "selectbox", "Group column").select("film").run())
    assert chosen_columns(page) == ["review", "film", "party"]
    page = checked(page.file_uploader[0].set_value(("few.csv", OTHER.encode(), "text/csv")).run())
    assert chosen_columns(page) == ["words", "side", "film"]
    assert widget(page, "text_input", "Name").value == "few"
    assert widget(page, "selectbox", "Each text is a").value == "review"
    page = checked(widget(page, "button", "Use these opinions").click().run())
    assert any(name.startswith("user:few-") for name in corpora.names())


def test_a_file_without_a_third_column_says_what_is_missing() -> None:
    two = "\n".join(line.rsplit(",", 1)[0] for line in CSV.splitlines())
    page = app("Prune")
    page = checked(page.file_uploader[0].upload("two.csv", two.encode(), "text/csv").run())
    assert chosen_columns(page) == ["review", "party", None]
    assert errors(page) == ""
    page = checked(widget(page, "button", "Use these opinions").click().run())
    assert "No column was chosen for topic: choose one" in errors(page)
    assert not [name for name in corpora.names() if name.startswith("user:")]


def test_one_column_for_two_parts_is_a_sentence() -> None:
    page = app("Prune")
    page = checked(page.file_uploader[0].upload("films.csv", CSV.encode(), "text/csv").run())
    page = checked(widget(page, "selectbox", "Topic column").select("review").run())
    assert "Column 'review' was chosen for text and topic" in errors(page)
    assert "Use these opinions" not in labels(page, "button")
    page = checked(widget(page, "selectbox", "Topic column").select("film").run())
    assert errors(page) == "" and "Use these opinions" in labels(page, "button")


def test_preview_shows_the_windows_by_group(tiny: Path) -> None:
    page = with_model(import_csv(app("Prune")), tiny)
    page = checked(widget(page, "number_input", "Tokens per window").set_value(160).run())
    page = checked(widget(page, "toggle", "Preview calibration windows").set_value(True).run())
    assert errors(page) == ""
    text = markup(page)
    assert "8 × 160" in text and "0 of 1,280 tokens" in text  # the padding
    # 96 opinions in 4 topics, whose calibration split offers some; each window is the instruction and opinions.
    assert "that are offered are not used" in text and "did not fit their window whole" in text
    assert "are opinions, the rest is the instruction" in text
    assert '<span class="fp-tag" style="--g:#0072b2">&lt;b&gt;critics&lt;/b&gt;</span><mark' in text
    assert "Opinion tokens by group" in text


def test_preview_says_why_it_cannot_be_shown(tiny: Path) -> None:
    page = with_model(import_csv(app("Prune")), tiny)
    page = checked(widget(page, "toggle", "Preview calibration windows").set_value(True).run())
    page = checked(widget(page, "number_input", "Tokens per window").set_value(20).run())
    assert "Windows of 20 tokens are too short" in errors(page)
    page = checked(page.radio[0].set_value("magnitude").run())
    assert "Magnitude reads no calibration data" in page.info[0].value


def test_what_the_run_needs_stands_before_the_start(tiny: Path) -> None:
    page = with_model(import_csv(app("Prune")), tiny)
    page = checked(widget(page, "number_input", "Tokens per window").set_value(160).run())
    text = markup(page)
    assert errors(page) == "" and "Before the start" in [element.value for element in page.header]
    assert "Host memory, peak" in text and "Disk" in text and "no run of a real model is stored yet" in text
    assert "Accelerator memory" not in text
    assert any("Fits this machine" in caption.value for caption in page.caption)
    assert "Use the setting that fits" not in labels(page, "button")


def misfits(page: AppTest) -> list[str]:
    return [warning.value for warning in page.warning if "This does not fit" in warning.value]


def test_a_setting_that_fits_goes_into_the_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fairprune.preflight import Machine

    # 0.5 GB of libraries, 0.9 GB of weights, 1.8 GB of gradient sums, and 1.3 GB for each 512 tokens of a window.
    page = with_model(import_csv(app("Prune")), make_headers(tmp_path / "large"))
    page = checked(page.radio[0].set_value("hgla").run())
    page = checked(widget(page, "number_input", "Tokens per window").set_value(4096).run())
    assert not misfits(page)
    monkeypatch.setattr(
        "fairprune.preflight.flight.this_machine", lambda _device: Machine(6 * 10**9, None, 10**12)
    )
    page = checked(page.run())
    assert "6.00 GB are free" in misfits(page)[0]
    assert any("tokens per window: 4096 → 512" in text.value.replace("\\", "") for text in page.markdown)
    page = checked(widget(page, "button", "Use the setting that fits").click().run())
    assert widget(page, "number_input", "Tokens per window").value == 512
    assert not misfits(page) and any("Fits this machine" in caption.value for caption in page.caption)
    monkeypatch.setattr(
        "fairprune.preflight.flight.this_machine", lambda _device: Machine(10**8, None, 10**12)
    )
    page = checked(page.run())
    assert "Use the setting that fits" not in labels(page, "button")
    assert any("No smaller setting fits either" in text.value for text in page.text)


def test_a_form_that_is_refused_says_nothing_of_memory() -> None:
    page = with_model(app("Prune"), Path("/nowhere/model"))
    assert errors(page) == "" and "Host memory, peak" not in markup(page)


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


def test_a_run_whose_worker_died_while_it_is_watched_is_interrupted() -> None:
    with open_store() as store:
        run, _ = store.submit(spec())
        store.claim("cpu", 1)
        with device_lock("cpu").acquire(timeout=1):
            page = app("Prune", run=run.id)
            assert "Cancel this run" in labels(page, "button")
            assert store.run(run.id).state == "running"
        # The system frees the lock of a worker however it dies. The page looks again after 5 s, not sooner
        # (its frame looked when it opened, and looks again after a minute only).
        page = checked(page.run())
        assert store.run(run.id).state == "running"
        time.sleep(RECONCILE_SECONDS)
        page = checked(page.run())
        assert store.run(run.id).state == "interrupted"
        assert "The worker process ended before this run did" in errors(page)
        assert "Start again" in labels(page, "button")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_killed_worker_shows_on_the_open_page_without_a_reload() -> None:
    """A real browser, and a process that lives as a worker does until it is killed."""
    from tests.browser import chromium, server, settled, watched

    with open_store() as store:
        run, _ = store.submit(spec())
        store.claim("cpu", 1)
    hold = (
        "import time; from fairprune.executors.launch import device_lock; "
        "held = device_lock('cpu').acquire(timeout=1); print('here', flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as worker:
        try:
            assert worker.stdout is not None and worker.stdout.readline() == "here\n"
            with server(home()) as (address, _), chromium() as browser:
                page, wrong = watched(browser, address)
                loads: list[str] = []
                page.on("load", lambda _: loads.append(page.url))
                page.goto(f"{address}/Prune?run={run.id}")
                settled(page)
                page.get_by_role("button", name="Cancel this run").wait_for(timeout=30_000)
                worker.kill()
                page.get_by_text("The worker process ended before this run did").wait_for(timeout=30_000)
                page.get_by_role("button", name="Start again").wait_for(timeout=10_000)
                assert len(loads) == 1
                assert not wrong, wrong
        finally:
            worker.kill()


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
    # The page says so before anything is pressed, and the address of the run holds nothing of the form.
    assert not {"corpus", "model", "seqlen"} & set(page.query_params)
    page = checked(page.run())
    assert any("Stored already" in info.value for info in page.info)
    page = checked(widget(page, "button", "Open the stored run").click().run())
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


def test_a_link_fills_the_form_and_what_is_changed_stands_in_the_address() -> None:
    page = app(
        "Prune", method="hgla", sparsity="0.35", calibration="skewed:rotten", seed="7", preset="standard"
    )
    assert page.radio[0].value == "hgla" and page.slider[0].value == 35
    assert widget(page, "selectbox", "Calibration set").value == "skewed"
    assert widget(page, "selectbox", "Group").value == "rotten"
    assert widget(page, "number_input", "Seed").value == 7
    assert page.segmented_control(key="prune.preset").value == "standard"
    page = checked(page.slider[0].set_value(40).run())
    assert page.query_params["sparsity"] == "0.4" and page.query_params["method"] == "hgla"
    page = checked(page.radio[0].set_value("wanda").run())  # as at first: not in the address
    assert "method" not in page.query_params
    page = checked(page.segmented_control(key="prune.kind").set_value("n:m").run())
    assert page.query_params["pattern"] == "2:4" and page.query_params["sparsity"] == ""


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ({"method": "wnada"}, "did you mean 'wanda'"),
        ({"sparsity": "half"}, "sparsity 'half' is not a number"),
        ({"sparsity": "1.5"}, "outside"),
        ({"pattern": "4:4"}, "pattern '4:4' is not n:m"),
        ({"calibration": "fair"}, "unknown calibration set 'fair'"),
        ({"corpus": "<b>"}, "unknown corpus"),
        ({"preset": "huge"}, "unknown preset"),
        ({"seed": "-1"}, "seed '-1' is not a whole number"),
        ({"like": "feedfacefeedface"}, "There is no run"),
    ],
)
def test_a_broken_link_says_what_is_wrong_and_shows_the_form(address: dict[str, str], says: str) -> None:
    page = app("Prune", **address)
    assert says in errors(page) and "Start the run" in labels(page, "button")


def test_another_run_like_a_stored_one_has_all_its_settings(tiny: Path) -> None:
    from fairprune.plan import plan_run

    page = import_csv(app("Prune"))
    corpus = widget(page, "selectbox", "Corpus").value
    asked = {
        **{"model": str(tiny), "corpus": corpus, "method": "hgla", "sparsity": 0.35, "seed": 3, "samples": 2},
        **{"options": {"loss": "all_tokens", "exponent": 2.0}, "calibration": "random", "seqlen": 200},
        **{"metrics": {"tau": "0.7", "margins": {"bur": 0.1}}, "noise_band": True, "device": "cpu"},
    }
    spec_like = plan_run(**asked)
    with open_store() as store:
        run = fill(store, spec_like)
    page = app("Prune", like=run.id)
    assert errors(page) == "" and "run" not in page.query_params
    assert any("unchanged" in text.value for text in page.markdown)
    assert "Open the stored run" in labels(page, "button")  # the very same configuration
    page = checked(page.slider[0].set_value(40).run())
    shown = "\n".join(text.value.replace("\\", "") for text in page.markdown)
    assert "Other than there: pruning.sparsity 0.35 → 0.4" in shown
    assert page.query_params["like"] == run.id and page.query_params["sparsity"] == "0.4"
    assert "Start the run" in labels(page, "button")
    # The address alone gives the same form in a fresh browser.
    fresh = app("Prune", like=run.id, sparsity="0.4")
    assert fresh.slider[0].value == 40 and widget(fresh, "number_input", "Seed").value == 3
    assert widget(fresh, "selectbox", "Loss").value == "all_tokens"
    fresh = checked(widget(fresh, "button", "Start from scratch").click().run())
    assert fresh.slider[0].value == 50 and "like" not in fresh.query_params


def test_all_methods_can_be_compared() -> None:
    from fairprune.methods import METHODS

    page = app("Prune")
    assert f"Compare all {len(METHODS)} methods" in [expander.label for expander in page.expander]
    formulas = [formula.value for formula in page.latex]
    sources = "\n".join(caption.value.replace("\\", "") for caption in page.caption)
    for method in METHODS.values():
        assert any(method.formula in formula for formula in formulas)
        assert f"Source: {method.source}" in sources
