"""The page Fairness in a fresh browser: verdicts, filters in the address, hostile and missing texts, old documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from fairprune.metric_spec import MetricSpec
from fairprune.paths import home
from fairprune.store import Run, open_store
from fairprune.ui.downloads import FORMATS, file_of, numbers_frame, samples_frame
from tests.pages.filled import (
    INFO,
    app,
    checked,
    errors,
    fill,
    fill_default,
    fill_many,
    make_set,
    markup,
)

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def many() -> Run:
    with open_store() as store:
        return fill_many(store)


def table(page: AppTest) -> Any:
    """The per-sample table."""
    (frame,) = [element.value for element in page.dataframe if "UER change" in element.value]
    return frame


def box(page: AppTest, label: str) -> Any:
    (found,) = [element for element in page.selectbox if element.label == label]
    return found


def test_verdicts_stand_in_panel_and_table(many: Run) -> None:
    page = app("Fairness", run=many.id)
    text = markup(page)
    # 30 of 40 pruned summaries speak for one group: BUR rises by 75 points, margin 5
    assert text.count("<i>▼</i>worse</span>") >= 2
    assert "+75.0 points" in text and "Holm" in text and "oracle &lt; random" in text
    assert "noise (dense asked twice)" in text and "noise of asking twice" in text
    assert "dense over it" in text
    assert not errors(page)


def test_a_demonstration_says_why_there_is_no_verdict() -> None:
    run = fill_default()
    page = app("Fairness", run=run.id)
    assert any("**No verdict.** BUR" in element.value for element in page.markdown)
    assert "<i>▼</i>" not in markup(page)


def test_worst_samples_come_first_and_lead_to_their_summaries(many: Run) -> None:
    frame = table(app("Fairness", run=many.id))
    assert len(frame) == 40
    # every change is +25 points of UER or 0: p_y of rotten 0 instead of one half, mean over two groups
    assert list(frame["UER change"][:30]) == pytest.approx([25.0] * 30)
    assert frame["read"][0] == f"Summaries?run={many.id}&sample={frame['sample'][0]}"


def test_filters_go_into_the_address_and_come_back(many: Run) -> None:
    page = app("Fairness", run=many.id)
    assert "filter" not in page.query_params
    page = checked(box(page, "Under-represented by BUR").select("pruned rotten").run())
    assert len(table(page)) == 30
    page = checked(box(page, "Topic").select("film 3").run())
    assert list(table(page)["topic"]) == ["film 3"]
    page = checked(page.text_input(key="samples.text").input("number 3 was").run())
    (address,) = [page.query_params["filter"]]
    fresh = app("Fairness", run=many.id, filter=str(address))
    assert list(table(fresh)["topic"]) == ["film 3"]
    assert (
        box(fresh, "Topic").value == "film 3" and fresh.text_input(key="samples.text").value == "number 3 was"
    )
    page = checked(fresh.text_input(key="samples.text").input("nowhere").run())
    assert any("0 of 40 samples: nothing fits" in note.value for note in page.info)
    for part in ("Topic", "Under-represented by BUR"):
        page = checked(box(page, part).select("").run())
    page = checked(page.text_input(key="samples.text").input("").run())
    assert "filter" not in page.query_params and len(table(page)) == 40


def test_a_long_text_is_searched_for_or_the_page_says_how_much_of_it(many: Run) -> None:
    for name, key in (("Fairness", "samples.text"), ("Summaries", "leafing.text")):
        page = app(name, run=many.id)
        assert page.text_input(key=key).proto.max_chars == 0  # a browser would drop it without a word
        page = checked(page.text_input(key=key).input("number 3 was " + "x" * 2000).run())
        assert any("The first 1,000 characters" in note.value for note in page.caption), name
        assert len(page.text_input(key=key).value) == 1000


@pytest.mark.parametrize(
    "address", ["x", "topic=<img>&sort=1", "under=pruned+nobody", "%00%ff=&&", "state=bur&state=x"]
)
def test_a_filter_that_means_nothing_shows_all(many: Run, address: str) -> None:
    page = app("Fairness", run=many.id, filter=address)
    assert len(table(page)) == 40


def test_another_run_forgets_filter_and_curve() -> None:
    with open_store() as store:
        first, second = fill(store), fill_many(store)
    page = app("Fairness", run=second.id, filter="topic=film+3", curve="uer")
    assert page.query_params["filter"] == "topic=film+3"
    page = checked(box(page, "Run").select(first.id).run())
    assert "filter" not in page.query_params and "curve" not in page.query_params


def test_the_curve_is_computed_when_asked_for(many: Run) -> None:
    page = app("Fairness", run=many.id)
    assert not any("specifications" in element.value for element in page.markdown)
    page = checked(next(b for b in page.button if "specification curve" in b.label).click().run())
    assert page.query_params["curve"] == "bur"
    (sentence,) = [element.value for element in page.markdown if "specifications" in element.value]
    # words alone: 2 readings · 2 ties · 5 τ · 3 treatments · 3 seeds
    assert "of 180 specifications" in sentence
    assert any("no stored embedding" in note.value for note in page.caption)
    page = checked(page.segmented_control[0].set_value("uer").run())
    assert page.query_params["curve"] == "uer"


def test_a_curve_that_cannot_be_computed_leaves_the_page_standing(many: Run) -> None:
    with open_store() as store:
        found = store.result(many.id, "generation")
        assert found is not None
        del found["systems"]["pruned"]
        store.put_result(many.id, "generation", found)
    page = app("Fairness", run=many.id, curve="bur")
    assert "has no summaries of both models" in errors(page)
    assert "Quality beside it" in [heading.value for heading in page.header]


def test_every_file_has_its_button(many: Run) -> None:
    page = app("Fairness", run=many.id)
    labels = [button.proto.label for button in page.get("download_button")]
    assert labels == ["CSV", "Parquet", "LaTeX"] * 2


def test_hostile_texts_show_as_text() -> None:
    sets = (
        make_set(
            f"{HOSTILE} *bold* $x$", [("The acting was great.", HOSTILE), ("The story was boring.", "rotten")]
        ),
        make_set("=cmd()", [("A lovely comedy.", HOSTILE), (f"{HOSTILE} dull", "rotten")]),
        make_set("ר שלום 🎬 映画" * 50, [("Great.", HOSTILE), ("Boring.", "rotten")]),
    )
    info = INFO.__class__(**{**INFO.__dict__, "groups": (HOSTILE, "rotten"), "note": HOSTILE})
    texts = {
        "dense": ["The acting was great.", HOSTILE, "a" * 100_000],
        "pruned": ["great " * 20_000, "", None],
    }
    with open_store() as store:
        run = fill(store, sets=sets, texts=texts, info=info)
    page = app("Fairness", run=run.id, filter="sort=uer")
    text = markup(page)
    assert "&lt;img src=x" in text and "<img" not in text
    assert all("<img" not in element.value.replace("\\<", "") for element in page.markdown)
    assert f"{HOSTILE}, pruned" in box(page, "Under-represented by BUR").options
    assert len(table(page)) == 3


def test_numbers_that_are_missing_everywhere_are_dashes() -> None:
    nothing: list[str | None] = [None] * 3
    with open_store() as store:
        run = fill(store, texts={"dense": nothing, "pruned": nothing})
    page = app("Fairness", run=run.id)
    text = markup(page)
    assert "<b>–</b>" in text and "nan" not in text.lower().replace("finance", "")
    assert any(note.value.startswith("– BUR") for note in page.caption)  # no panel, but why
    assert list(table(page)["BUR pruned"]) == ["–"] * 3


EARLY = ("value", "low", "high", "n", "n_unscored", "reason")
EARLY_SAMPLE = (
    "bur",
    "uer",
    "spd2",
    "p_x",
    "p_y",
    "unscored",
    "rouge_l",
    "words",
    "repetition",
    "degenerate",
    "labels",
)


def early(value: dict[str, Any]) -> dict[str, Any]:
    """An evaluation as the first version stored it."""
    systems = ("dense", "pruned", "difference", "random")
    return {
        "metrics": {
            name: {system: {key: cells[system][key] for key in EARLY} for system in systems}
            for name, cells in value["metrics"].items()
        },
        "groups": [row for row in value["groups"] if row["system"] in systems],
        "quality": {
            name: {system: {key: cell[key] for key in EARLY} for system, cell in cells.items()}
            for name, cells in value["quality"].items()
            if name in ("rouge_l", "words", "empty", "repetition", "truncated")
        },
        "degenerate": value["degenerate"],
        "samples": [
            {
                "set_id": sample["set_id"],
                **{
                    system: {key: sample[system][key] for key in EARLY_SAMPLE}
                    for system in ("dense", "pruned")
                },
            }
            for sample in value["samples"]
        ],
        "classifier": {
            key: value["classifier"][key]
            for key in (
                *("n_train", "n_heldout", "held_out_by", "accuracy", "low", "high"),
                *("groups", "confusion", "none_share"),
            )
        },
        "n_samples": value["n_samples"],
        "n_topics": value["n_topics"],
        "notes": value["notes"],
    }


@pytest.mark.parametrize("filled", [fill, fill_many])
def test_documents_of_the_first_version_still_draw(filled: Any) -> None:
    with open_store() as store:
        run = filled(store)
        found = store.result(run.id, "evaluation")
        assert found is not None
        store.put_result(run.id, "evaluation", early(found))
    page = app("Fairness", run=run.id, curve="sof", filter="sort=bur&state=bur")
    assert not [text for text in errors(page).splitlines() if "degenerate" not in text and text]
    headings = [heading.value for heading in page.header]
    assert "Metrics" in headings and "What may be concluded?" not in headings
    assert len(page.get("plotly_chart")) == 8  # direction, five metrics, curve, confusion
    old = early(found)
    frames = (
        numbers_frame(run.id, old),
        samples_frame(run.id, old["samples"], sets_of(run, old), INFO.groups),
    )
    for frame in frames:
        assert all(file_of(frame, ending, tex=("run",), caption="x") for ending in FORMATS)


def sets_of(run: Run, value: dict[str, Any]) -> list[Any]:
    with open_store() as store:
        return list(store.sets(sample["set_id"] for sample in value["samples"]).values())


def test_a_metric_of_another_version_is_left_out(many: Run) -> None:
    with open_store() as store:
        found = store.result(many.id, "evaluation")
        assert found is not None
        found["metrics"]["fairest"] = found["metrics"]["bur"]
        store.put_result(many.id, "evaluation", found)
    assert "FAIREST" not in markup(app("Fairness", run=many.id))


def test_further_metrics_have_their_panels_or_their_reason() -> None:
    """Groups that are sentiments: the encoder of these tests does not tell the minimal pairs apart."""
    spec = MetricSpec(resamples=200, extra=("ec_embedding", "cp_embedding"))
    with open_store() as store:
        run = fill_many(store, metrics=spec)
    page = app("Fairness", run=run.id)
    (why,) = [note.value for note in page.caption if note.value.startswith("– ")]
    assert "EC by similarity" in why and "CP by similarity" in why and "withheld" in why
    labels = [popover.proto.popover.label for popover in page.get("popover")]
    assert "What does EC by similarity mean?" in labels


OVERFLOW = """() => [...document.querySelectorAll('[data-testid="stMain"] *')]
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
    .filter(e => !e.closest('.fp-scroll') && !e.closest('[data-testid="stDataFrame"]'))
    .map(e => e.tagName)"""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_in_a_browser_nothing_overflows_and_files_come(many: Run, tmp_path: Path) -> None:
    from tests.browser import chromium, server, settled, watched

    with server(home()) as (address, _), chromium() as browser:
        for width, dark in ((1400, False), (360, True)):
            page, wrong = watched(browser, address, width=width, dark=dark)
            page.goto(f"{address}/Fairness?run={many.id}&curve=bur&filter=topic%3Dfilm%2B3")
            settled(page)
            page.locator(".js-plotly-plot").nth(7).wait_for(timeout=30_000)
            assert page.evaluate(OVERFLOW) == []
            page.get_by_text("1 of 40 samples").wait_for()
            if width == 1400:
                # the table's own file would not be neutral
                assert not page.locator('button[aria-label^="Download as CSV"]').first.is_visible()
                for label, ending in (("CSV", ".csv"), ("Parquet", ".parquet"), ("LaTeX", ".tex")):
                    with page.expect_download() as found:
                        page.get_by_test_id("stDownloadButton").filter(has_text=label).first.click()
                    assert found.value.suggested_filename == f"fairness-{many.id}{ending}"
                    found.value.save_as(tmp_path / ending)
                    assert (tmp_path / ending).stat().st_size > 1000
                page.get_by_role("button", name="What does BUR mean?").click()
                page.get_by_text("How often a summary clearly").first.wait_for()
            assert not wrong, wrong
            page.context.close()
