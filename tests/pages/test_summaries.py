"""Summaries: side by side and along the sparsity; filter, order, addresses that lead nowhere."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from fairprune.store import open_store
from fairprune.ui.summaries import OWN_DENSE
from tests.pages.filled import (
    DENSE,
    HOSTILE,
    PAGES,
    PRUNED,
    SETS,
    app,
    checked,
    drawn,
    errors,
    fill,
    fill_default,
    fill_many,
    make_set,
    markup,
    spec,
)
from tests.test_voices import sweep


def box(page: AppTest, label: str):
    (found,) = [one for one in page.selectbox if one.label == label]
    return found


def sample_names(page: AppTest) -> list[str]:
    return [option.split("/")[0] for option in box(page, "Sample").options]


def test_texts_of_data_reach_the_browser_as_data_alone() -> None:
    run = fill_default()
    page = app("Summaries", run=run.id, sample="2")
    view = drawn(page)["view"]
    assert view["opinions"][1] == {"text": HOSTILE, "group": "rotten"}
    assert view["systems"][1]["summary"]["text"] == PRUNED[1]
    assert "<img" not in markup(page) and "<script" not in markup(page)


def test_groups_have_letters_beside_their_colour() -> None:
    run = fill_default()
    groups = drawn(app("Summaries", run=run.id))["view"]["groups"]
    assert [(group["name"], group["letter"], group["shape"]) for group in groups] == [
        ("fresh", "F", 0),
        ("rotten", "R", 1),
    ]


def test_a_chosen_sentence_stands_in_the_address_and_comes_back() -> None:
    run = fill_default()
    found = drawn(app("Summaries", run=run.id, sample="1", sentence="1.pruned.1"))
    assert found["sentence"] == "1.pruned.1"
    (said,) = found["view"]["systems"][1]["summary"]["sentences"]
    # praise alone: the first opinion says the same
    assert said["id"] == "1.pruned.1" and said["evidence"] == [[0, 1.0]]


def test_missing_and_empty_summaries_are_not_alike() -> None:
    run = fill_default()
    dense, pruned = drawn(app("Summaries", run=run.id, sample="3"))["view"]["systems"]
    assert dense["summary"]["text"] == "" and pruned["summary"]["text"] is None


def test_leafing_goes_round_and_moves_the_address() -> None:
    run = fill_default()
    page = app("Summaries", run=run.id)
    back, on = (next(b for b in page.button if b.label == label) for label in ("Previous", "Next"))
    assert (back.proto.shortcut, on.proto.shortcut) == ("left", "right")
    page = checked(on.click().run())
    assert page.query_params["sample"] == "2"
    page = checked(next(b for b in page.button if b.label == "Previous").click().run())
    page = checked(next(b for b in page.button if b.label == "Previous").click().run())
    assert page.query_params["sample"] == "3"


def test_largest_change_first_puts_what_cannot_be_compared_last() -> None:
    run = fill_default()
    page = app("Summaries", run=run.id, order="change")
    assert sample_names(page)[-1] == "3"
    assert (
        box(page, "Sample").options[-1] == "3/3 · not comparable · meadow"
    )  # what is cut off first stands last


@pytest.mark.parametrize("sample", ["0", "4", "-1", "x", "<b>"])
def test_a_sample_that_is_not_there_shows_the_first(sample: str) -> None:
    run = fill_default()
    assert drawn(app("Summaries", run=run.id, sample=sample))["view"]["topic"] == "harbour"


def test_the_filter_leaves_samples_in_which_a_group_vanished() -> None:
    with open_store() as store:
        run = fill_many(store)
    page = app("Summaries", run=run.id, filter="state=vanished")
    assert len(sample_names(page)) == 30  # in thirty of forty the pruned model only praises
    page = checked(box(page, "Kind of sample").select("").run())
    assert len(sample_names(page)) == 40 and "filter" not in page.query_params
    (search,) = page.text_input
    page = checked(search.input("number 7 was").run())
    assert sample_names(page) == ["8"] and page.query_params["filter"] == "text=number+7+was"


def test_a_filter_that_leaves_nothing_says_so_and_can_be_taken_off() -> None:
    run = fill_default()
    page = app("Summaries", run=run.id, filter="text=nobody+said+this")
    assert [note.value for note in page.info] == ["None of 3 samples fits this filter."]
    assert not page.get("bidi_component")
    page = checked(
        next(b for b in page.button if b.key != "leafing.all" and b.label == "Show all samples").click().run()
    )
    assert len(sample_names(page)) == 3 and "filter" not in page.query_params


def test_up_to_three_runs_stand_beside_the_dense_model() -> None:
    with open_store() as store:
        run, second, third, fourth = (fill(store, spec(s)) for s in (0.5, 0.25, 0.75, 0.1))
    page = app("Summaries", run=run.id, **{"with": f"{second.id},{third.id}"})
    systems = drawn(page)["view"]["systems"]
    assert [system["title"] for system in systems[1:]] == [
        "magnitude 50 %",
        "magnitude 25 %",
        "magnitude 75 %",
    ]
    assert OWN_DENSE in systems[2]["notes"]
    (choice,) = page.multiselect
    page = checked(choice.set_value([third.id]).run())
    assert page.query_params["with"] == third.id
    page = app("Summaries", run=run.id, **{"with": f"{second.id},{third.id},{fourth.id}"})
    assert len(drawn(page)["view"]["systems"]) == 4
    assert "left out: model · magnitude 10%" in page.warning[0].value


def test_a_run_that_does_not_fit_is_named_with_the_reason() -> None:
    with open_store() as store:
        run = fill(store)
        other = fill(store, spec(0.25), sets=SETS[::-1], texts={"dense": DENSE[::-1], "pruned": PRUNED[::-1]})
        waiting, _ = store.submit(spec(0.7))
    page = app("Summaries", run=run.id, **{"with": f"{other.id},{waiting.id},<b>x</b>,{run.id}"})
    first, second, third = (note.value.replace("\\", "") for note in page.warning)
    assert "it summarises other opinion sets of movies" in first
    assert "it is queued, and has no summaries yet" in second
    assert third == "Run <b>x</b> cannot stand beside this run: there is no such run here."
    assert "\\<b\\>" in page.warning[2].value
    assert len(drawn(page)["view"]["systems"]) == 2
    page = checked(next(b for b in page.button if b.label == "Leave out what is not shown").click().run())
    assert "with" not in page.query_params and not page.warning


def test_word_changes_are_switched_on_in_the_address() -> None:
    run = fill_default()
    page = app("Summaries", run=run.id)
    assert "changes" not in drawn(page)["view"]["systems"][1]["summary"]["sentences"][0]
    page = checked(page.toggle[0].set_value(True).run())
    assert page.query_params["diff"] == "1"
    (said,) = drawn(app("Summaries", run=run.id, diff="1"))["view"]["systems"][1]["summary"]["sentences"]
    assert ["-", "great, the story was boring. "] in said["changes"]


def test_the_slider_shows_the_step_of_the_address_else_that_of_the_run() -> None:
    with open_store() as store:
        half, *_ = sweep(store)
    page = app("Summaries", run=half.id, view="drag")
    found = drawn(page)
    assert found["view"]["kind"] == "drag" and found["step"] == "0.5" == page.query_params["step"]
    assert [step["value"] for step in found["view"]["steps"]] == ["0", "0.25", "0.5", "0.75"]
    assert not page.info
    found = drawn(app("Summaries", run=half.id, view="drag", step="0.25"))
    assert found["step"] == "0.25"
    assert drawn(app("Summaries", run=half.id, view="drag", step="0.33"))["step"] == "0.5"


def test_the_beginning_of_an_id_opens_the_same_view() -> None:
    run = fill_default()
    page = app("Summaries", run=run.id[:8], sample="2")
    assert page.query_params["sample"] == "2" and page.query_params["run"] == run.id


def test_who_comes_back_from_another_page_finds_the_step_in_view_and_address() -> None:
    with open_store() as store:
        half, *_ = sweep(store)
    page = app("Summaries", run=half.id, view="drag", step="0.25")
    for name in ("Layers", "Summaries"):  # by the side bar, whose links hold the run alone
        page.switch_page(PAGES[name])
        for key in set(page.query_params) - {"run"}:
            del page.query_params[key]
        page = checked(page.run())
    assert drawn(page)["step"] == "0.25" and page.query_params["step"] == "0.25"
    assert page.query_params["view"] == "drag"


def test_who_comes_back_finds_the_comparison_in_the_address() -> None:
    with open_store() as store:
        run, other = fill(store), fill(store, spec(0.25))
    chosen = {"with": other.id, "diff": "1", "filter": "text=acting", "sentence": "1.pruned.1", "sample": "1"}
    page = app("Summaries", run=run.id, **chosen)
    for name in ("Layers", "Summaries"):
        page.switch_page(PAGES[name])
        for key in set(page.query_params) - {"run"}:
            del page.query_params[key]
        page = checked(page.run())
    assert {name: page.query_params[name] for name in chosen} == chosen
    assert len(drawn(page)["view"]["systems"]) == 3 and drawn(page)["sentence"] == "1.pruned.1"


def test_the_slider_begins_with_the_sample_that_lost_most() -> None:
    run = fill_default()
    page = app("Summaries", run=run.id, view="drag")
    assert box(page, "Sample").options[0] == "1/3 · 2 → 1 heard · harbour"


def test_a_step_leads_to_its_run() -> None:
    with open_store() as store:
        half, quarter, _ = sweep(store)
    page = app("Summaries", run=half.id, view="drag", step="0.25", sample="1")
    links = {link.proto.label: link.proto.query_string for link in page.main.get("page_link")}
    assert links["Layers at 25\N{NO-BREAK SPACE}%"] == f"run={quarter.id}"
    assert f"run={quarter.id}" in links["Side by side at 25\N{NO-BREAK SPACE}%"]


def test_a_run_that_is_part_of_no_sweep_says_how_to_make_one() -> None:
    run = fill_default()
    page = app("Summaries", run=run.id, view="drag")
    assert "A sweep over sparsities adds the others." in page.info[0].value
    assert len(drawn(page)["view"]["steps"]) == 2
    (link,) = [one for one in page.get("page_link") if one.proto.label == "Set up this sweep"]
    asked = dict(parse_qsl(link.proto.query_string))
    assert (asked["mode"], asked["like"]) == ("sweep", run.id)
    # The form understands it: this run's settings, at 10, 20, … 80 %.
    form = app("Prune", **asked)
    (sparsities,) = [box for box in form.multiselect if box.label == "Sparsities"]
    (methods,) = [box for box in form.multiselect if box.label == "Methods"]
    assert sparsities.value == [f"{ten}0%" for ten in range(1, 9)] and methods.value == ["magnitude"]


def test_texts_of_all_scripts_and_lengths() -> None:
    long = "word " * 2000  # 10 000 characters
    texts = ["مرحبا بالعالم، كان الفيلم رائعا.", "这部电影很好。", "👩‍👩‍👧 great!", long]
    one = make_set("scripts", [(text, ("fresh", "rotten")[i % 2]) for i, text in enumerate(texts)])
    with open_store() as store:
        run = fill(store, sets=[one], texts={"dense": [texts[0]], "pruned": [""]})
    for view in ("side", "drag"):
        page = app("Summaries", run=run.id, view=view)
        assert [opinion["text"] for opinion in drawn(page)["view"]["opinions"]] == texts
        assert not errors(page).count("exception")


def test_without_evidence_the_page_says_why() -> None:
    run = fill_default()
    with open_store() as store:
        value = store.result(run.id, "evaluation")
        assert value is not None
        del value["evidence"]
        for sample in value["samples"]:
            for system in ("dense", "pruned"):
                sample[system].update(evidence=None, labels=[], coverage=None)
        store.put_result(run.id, "evaluation", value)
    page = app("Summaries", run=run.id, view="drag")
    assert any(
        "not known: the run was evaluated by an earlier version" in note.value for note in page.caption
    )
    assert [step["heard"] for step in drawn(page)["view"]["steps"]] == [None, None]
