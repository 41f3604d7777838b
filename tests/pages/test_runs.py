"""The page Runs: an empty list, filters in the address, names and tags, deletion, retry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from fairprune.executors.launch import device_lock
from fairprune.store import Store, open_store
from tests.pages.filled import app, checked, drawn, errors, fill, markup, spec


@pytest.fixture(autouse=True)
def lived_in() -> Iterator[None]:
    """Somebody holds the device, so that waiting and running rows stay as a test puts them."""
    with device_lock("cpu").acquire(timeout=1):
        yield


@pytest.fixture
def store() -> Iterator[Store]:
    with open_store() as opened:
        yield opened


def widget(page: AppTest, kind: str, label: str) -> Any:
    """The one widget of this kind with this label."""
    (found,) = [element for element in getattr(page, kind) if element.label == label]
    return found


def titles(page: AppTest) -> list[str]:
    """Ids of the listed runs, by their boxes, in order."""
    return [box.key.removeprefix("runs.pick.") for box in page.checkbox if box.key.startswith("runs.pick.")]


def press(page: AppTest, key: str) -> AppTest:
    return checked(page.button(key=key).click().run())


def choose(page: AppTest, *run_ids: str) -> AppTest:
    for run_id in run_ids:
        page = checked(page.checkbox(key=f"runs.pick.{run_id}").check().run())
    return page


def test_an_empty_list_says_what_to_do() -> None:
    page = app("Runs")
    assert "No run yet" in markup(page) and not page.checkbox
    assert "Prune your first model" in [button.label for button in page.button]


def test_rows_hold_headline_numbers_with_n_and_intervals(store: Store) -> None:
    run = fill(store)
    page = app("Runs")
    text = markup(page)
    space = "\N{NO-BREAK SPACE}"
    assert titles(page) == [run.id]
    assert "Achieved sparsity" in text and f"50.00{space}%" in text and "asked 50" in text
    assert "BUR, dense" in text and "UER, dense" in text and f"n{space}={space}" in text
    assert "seed 0" in text
    assert any("summaries degenerate" in badge.value for badge in page.markdown)
    # A damaged name or tag is text, never markup.
    store.describe(run.id, name="<img src=x>", notes="<script>", tags=["<b>"])
    text = markup(app("Runs"))
    assert "&lt;b&gt;" in text and "&lt;script&gt;" in text and "<img" not in text and "<script" not in text


def test_filters_stand_in_the_address_and_an_address_is_the_view(store: Store) -> None:
    done = fill(store)
    waiting = store.submit(spec(0.2))[0]
    store.describe(waiting.id, tags=["talk", "x"], name="For Oslo")
    page = app("Runs")
    assert titles(page) == [waiting.id, done.id]
    page = checked(widget(page, "button_group", "State").set_value(["done"]).run())
    assert page.query_params["state"] == "done" and titles(page) == [done.id]
    page = checked(widget(page, "text_input", "Find").input("oslo").run())
    assert page.query_params["text"] == "oslo" and titles(page) == []
    assert "No run meets all of these filters" in page.info[0].value
    page = press(page, "runs.clear")
    assert "state" not in page.query_params and titles(page) == [waiting.id, done.id]
    page = checked(widget(page, "multiselect", "Tags").select("talk").run())
    assert page.query_params["tag"] == "talk" and titles(page) == [waiting.id]
    page = checked(widget(page, "selectbox", "Order").select("oldest").run())
    assert page.query_params["sort"] == "oldest"
    # A pasted link in a fresh browser, and one with a sweep alone.
    assert titles(app("Runs", state="queued", tag="talk,x")) == [waiting.id]
    assert titles(app("Runs", by_method="magnitude", by_model="some/model")) == [waiting.id, done.id]
    assert titles(app("Runs", by_method="wanda")) == []
    sweep = store.put_sweep("two", {"seed": [0, 1], "sparsity": [0.2, 0.5]}, [done.id, waiting.id])
    page = app("Runs", sweep=sweep.id)
    assert "1 of 2 runs done" in page.get("progress")[-1].proto.text
    assert any("sparsity: 20" in caption.value for caption in page.caption)


def test_a_link_to_a_sweep_is_not_narrowed_by_what_was_filtered_before(store: Store) -> None:
    run = store.submit(spec())[0]
    sweep = store.put_sweep("one", {}, [run.id])
    page = app("Runs", state="done")
    assert titles(page) == []
    page.query_params.clear()
    page.query_params["sweep"] = sweep.id
    page = checked(page.run())
    assert titles(page) == [run.id] and "state" not in page.query_params


def test_stale_addresses_show_the_list(store: Store) -> None:
    run = store.submit(spec())[0]
    for name, value in (
        ("state", "ended"),
        ("sweep", "gone"),
        ("sort", "best"),
        ("page", "99"),
        ("page", "x"),
    ):
        page = app("Runs", **{name: value})
        assert titles(page) == [run.id] and f"{name}={value} in the address" in errors(page)
    page = app("Runs", state="ended,queued")
    assert page.query_params["state"] in ("queued", ["queued"]) and titles(page) == [run.id]
    assert titles(app("Runs", tag="gone", by_model="nobody")) == []


def test_one_comes_back_to_the_same_list(store: Store) -> None:
    """The whole view stands in the address again: else the next click would keep its order and lose its filters."""
    done, _ = fill(store), store.submit(spec(0.2))
    page = app("Runs", state="done", sort="oldest")
    page.switch_page("app.py")
    page.query_params.clear()
    page = checked(page.run())
    page.switch_page("pages/9_Runs.py")
    page = checked(page.run())
    assert titles(page) == [done.id]
    assert [page.query_params[name] for name in ("state", "sort")] in (
        ["done", "oldest"],
        [["done"], ["oldest"]],
    )
    assert titles(checked(page.run())) == [done.id]


def test_a_run_is_named_tagged_and_noted(store: Store) -> None:
    run = store.submit(spec())[0]
    page = press(app("Runs"), f"runs.open.{run.id}")
    assert page.query_params["open"] == run.id
    page.text_input(key=f"edit.{run.id}.name").input("For Oslo")
    page.text_area(key=f"edit.{run.id}.notes").input("slide 4")
    page = checked(widget(page, "button", "Save").click().run())
    named = store.run(run.id)
    assert (named.name, named.notes) == ("For Oslo", "slide 4")
    assert "slide 4" in markup(page)
    page = choose(page, run.id)
    page = checked(page.text_input(key="runs.tags").input("talk, paper").run())
    page = press(page, "runs.tag")
    assert store.run(run.id).tags == ("paper", "talk")
    assert "1 run has talk, paper now" in page.success[0].value
    page = checked(page.text_input(key="runs.tags").input("t" * 40).run())
    page = press(page, "runs.tag")
    assert "has 40 characters: at most 32" in errors(page)


def test_deletion_asks_first_and_refuses_what_runs(store: Store) -> None:
    done, running, waiting = fill(store), store.submit(spec(0.2))[0], None
    store.claim("cpu", 1)
    waiting = store.submit(spec(0.3))[0]
    page = choose(app("Runs"), done.id, running.id, waiting.id)
    assert any("3 chosen" in text.value for text in page.markdown)
    page = press(page, "runs.delete")
    assert len(store.run_ids()) == 3
    assert page.session_state["runs.more"] is False  # the menu would stand over the question
    assert "is running: cancel first, then delete" in errors(page)
    page = press(page, "runs.delete.no")
    assert len(store.run_ids()) == 3 and "runs.delete.yes" not in [button.key for button in page.button]
    page = press(press(page, "runs.delete"), "runs.delete.yes")
    assert store.run_ids() == [running.id]
    assert "2 runs are deleted" in page.success[0].value
    # Only the running one is still chosen: it is named, and there is nothing to delete.
    page = press(page, "runs.delete")
    assert "runs.delete.yes" not in [button.key for button in page.button]


def test_failed_runs_start_again_and_waiting_ones_are_cancelled(store: Store) -> None:
    failed = store.submit(spec())[0]
    store.claim("cpu", 1)
    store.finish(failed.id, "failed", "the <b>weights</b> are gone")
    page = app("Runs")
    assert "The &lt;b&gt;weights&lt;/b&gt; are gone" in markup(page)
    page = press(page, f"runs.again.{failed.id}")
    assert store.run(failed.id).state == "queued" and "1 run waits again" in page.success[0].value
    page = press(choose(page, failed.id), "runs.again")
    assert "None of the chosen runs failed" in page.success[0].value
    page = press(page, "runs.cancel")
    assert store.run(failed.id).state == "cancelled" and "1 run is cancelled" in page.success[0].value
    page = press(page, "runs.again")
    assert store.run(failed.id).state == "queued"


def test_what_runs_now_shows_its_stage_and_what_waits_behind_it(store: Store) -> None:
    run = store.submit(spec())[0]
    store.claim("cpu", 1)
    store.progress(run.id, "pruning", 3, 6, "block 3 of 6")
    for seed in range(5):
        store.submit(spec(0.2, evaluation={"samples": 3, "seed": seed}))
    page = app("Runs")
    assert "block 3 of 6" in page.get("progress")[0].proto.text
    assert any("Waiting (5)" in caption.value and "and 2 more" in caption.value for caption in page.caption)
    page = press(page, f"live.cancel.{run.id}")
    assert store.run(run.id).cancel_requested


def test_pages_of_a_long_list(store: Store) -> None:
    made = [store.submit(spec(evaluation={"samples": 3, "seed": seed}))[0].id for seed in range(45)][::-1]
    page = app("Runs")
    assert titles(page) == made[:20]
    page = press(page, "runs.page.Next page")
    assert page.query_params["page"] == "2" and titles(page) == made[20:40]
    assert any("21 to 40 of 45" in caption.value for caption in page.caption)
    assert titles(app("Runs", page="3")) == made[40:]
    page = press(choose(page, made[20]), "runs.everything")
    assert any("45 chosen" in text.value for text in page.markdown)
    page = press(press(page, "runs.delete"), "runs.delete.yes")
    assert store.run_ids() == [] and "45 runs are deleted" in page.success[0].value


def test_the_first_page_leads_here(store: Store) -> None:
    fill(store)
    assert "All runs" in [link.proto.label for link in app("Start").get("page_link")]


def test_chosen_runs_are_saved_as_one_bundle_and_a_bundle_is_opened_here() -> None:
    with open_store() as store:
        runs = [fill(store, spec(sparsity)) for sparsity in (0.25, 0.5)]
        store.submit(spec(0.75))
    page = app("Runs")
    assert "Open a bundle of runs" in [expander.label for expander in page.expander]
    page = checked(page.button(key="runs.all").click().run())
    labels = [button.proto.label for button in page.get("download_button")]
    assert labels == [f"Save {len(runs)} runs as a bundle"]  # the third is not done
    assert "Open a bundle of runs" in [expander.label for expander in app("Runs").expander]


def test_chosen_runs_are_compared_on_the_pages_that_do_so(store: Store) -> None:
    runs = [fill(store, spec(share)).id for share in (0.25, 0.5, 0.6, 0.7)]
    page = choose(app("Runs"), runs[0])
    assert page.button(key="runs.tradeoffs").disabled and page.button(key="runs.beside").disabled
    page = press(choose(page, runs[1]), "runs.tradeoffs")
    assert page.title[0].value == "Trade-offs"
    assert page.query_params["runs"] in (",".join(runs[:2]), [",".join(runs[:2])])
    assert widget(page, "multiselect", "Runs").value == runs[:2]
    page = press(choose(app("Runs"), *runs[:3]), "runs.beside")
    assert page.title[0].value == "Summaries" and errors(page).count("cannot") == 0
    assert widget(page, "selectbox", "Run").value == runs[0]
    assert widget(page, "multiselect", "Runs beside it").value == runs[1:3]
    assert len(drawn(page)["view"]["systems"]) == 4  # dense, and the three
    page = choose(app("Runs"), *runs)
    assert page.button(key="runs.beside").disabled and not page.button(key="runs.tradeoffs").disabled


def test_what_is_too_long_is_refused_and_stays_typed(store: Store) -> None:
    run = store.submit(spec())[0]
    page = press(app("Runs"), f"runs.open.{run.id}")
    where = f"edit.{run.id}"
    for field in ("name", "tags"):
        assert (
            page.text_input(key=f"{where}.{field}").proto.max_chars == 0
        )  # a browser would drop it without a word
    page.text_input(key=f"{where}.name").input("n" * 130)
    page.text_input(key=f"{where}.tags").input("talk, oslo, ,talk")
    page = checked(widget(page, "button", "Save").click().run())
    assert "the name has 130 characters: at most 120" in errors(page).lower() and not page.toast
    assert page.text_input(key=f"{where}.name").value == "n" * 130
    assert (store.run(run.id).name, store.run(run.id).tags) == (None, ())
    page.text_input(key=f"{where}.name").input("For Oslo")
    page = checked(widget(page, "button", "Save").click().run())
    assert (store.run(run.id).name, store.run(run.id).tags) == ("For Oslo", ("oslo", "talk"))
    # A tag stays, one is taken out, and those of other runs are named.
    other = store.submit(spec(0.2))[0]
    store.describe(other.id, tags=["paper", "talk"])
    page = app("Runs", open=run.id)
    assert page.text_input(key=f"{where}.tags").value == "oslo, talk"
    assert "Tags of other runs: paper" in [caption.value.replace("\\", "") for caption in page.caption]
    page.text_input(key=f"{where}.tags").input("talk")
    checked(widget(page, "button", "Save").click().run())
    assert store.run(run.id).tags == ("talk",)
    page = app("Runs", open=run.id)
    page.text_area(key=f"{where}.notes").input("x" * 10_001)
    page = checked(widget(page, "button", "Save").click().run())
    assert "the notes have 10001 characters" in errors(page).lower()
