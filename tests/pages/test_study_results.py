"""The results of a closed study on a page: both analyses everywhere, rules that can be switched off, files, hostile texts."""

from __future__ import annotations

import json
import re

import pytest
from streamlit.testing.v1 import AppTest

from fairprune.judgments.closed import read_closed
from fairprune.judgments.closed_files import raw_file
from fairprune.store import open_store
from tests.closed import HOSTILE, study_of_labels, study_of_pairs
from tests.conftest import ROOT
from tests.judged import design, main
from tests.pages.filled import checked, errors, markup


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A home with one closed study, made once."""
    folder = tmp_path_factory.mktemp("home")
    with open_store(f"sqlite:///{folder / 'fairprune.db'}") as store:
        study = study_of_pairs(store)
    return folder, study


@pytest.fixture
def page(filled, monkeypatch):
    folder, _ = filled
    monkeypatch.setenv("FAIRPRUNE_HOME", str(folder))
    monkeypatch.setenv("FAIRPRUNE_DATABASE_URL", f"sqlite:///{folder / 'fairprune.db'}")
    return opened()


def opened() -> AppTest:
    found = AppTest.from_file(str(ROOT / "tests/pages/results_page.py"), default_timeout=120)
    return checked(found.run())


def headers(page: AppTest) -> list[str]:
    return [element.value for element in page.header]


def test_every_part_stands_there_under_both_analyses(page):
    assert not errors(page)
    assert headers(page) == [
        "Which system do judges prefer?",
        "What was registered, and what became of it",
        "How far do judges agree?",
        "Who is left out, and what if not?",
        "Do groups of judges differ?",
        "What else was asked",
        "Which metric should one trust?",
        "Who took part?",
        "Report",
        "Take the votes with you",
        "Votes that were collected elsewhere",
    ]
    text = markup(page)
    for table in re.findall(r"<table.*?</table>", text, re.DOTALL):
        if "95 %" in table:
            assert (">All" in table and ">As registered" in table) or "p, not adjusted" in table, table[:300]
    assert "whom the study stopped: others judged the same items once more" in text
    assert "who left early" in text
    assert "the reference: 0 by definition" in text


def test_no_number_is_without_n_or_a_reason(page):
    cells = re.findall(r"<td[^>]*>(.*?)</td>", markup(page), re.DOTALL)
    with_ends = [cell for cell in cells if "95 %:" in cell]
    assert len(with_ends) > 30
    assert all("n = " in cell for cell in with_ends)
    bare = [cell for cell in cells if "<b>–</b>" in cell]
    assert all("not defined" in cell or "nobody" in cell for cell in bare), bare


def test_a_rule_that_is_switched_off_adds_a_third_analysis(page, filled):
    _, study = filled
    before = markup(page)
    assert "With the rules you switched off" not in before
    page = checked(page.toggle(key=f"study-without-{study.id}-attention").set_value(False).run())
    after = markup(page)
    assert "With the rules you switched off" in after and ">As registered" in after and ">All" in after
    assert any("exploratory" in element.value for element in page.warning)
    page = checked(page.toggle(key=f"study-without-{study.id}-attention").set_value(True).run())
    assert "With the rules you switched off" not in markup(page)


def test_the_other_question_has_its_own_numbers(page, filled):
    _, study = filled
    first = markup(page)
    page = checked(page.radio(key=f"study-question-{study.id}").set_value("better").run())
    assert not errors(page) and markup(page) != first
    assert any("better overall" in element.value for element in page.caption)


def test_the_charts_draw_every_system_in_its_own_mark(page):
    strengths, trust = (json.loads(element.proto.spec) for element in page.get("plotly_chart"))
    symbols = [trace["marker"]["symbol"] for trace in strengths["data"] if trace.get("customdata")]
    # dense, wanda and magnitude: circle, circle, square; open for 'all', filled for 'as registered'
    assert sorted(symbols) == sorted(
        ["circle-open", "circle-open", "square-open", "circle", "circle", "square"]
    )
    assert {"BUR", "UER", "length"} <= set(trust["layout"]["yaxis"]["ticktext"])


def test_pay_needs_a_currency(page):
    page = checked(page.number_input(key="study-pay").set_value(3.0).run())
    assert "Pay needs a currency" in errors(page)
    page = checked(page.text_input(key="study-currency").set_value("GBP and more").run())
    assert "The currency has 12 characters: name it in at most 8, such as GBP" in errors(page)
    page = checked(page.text_input(key="study-currency").set_value("GBP").run())
    assert not errors(page)


def test_votes_from_elsewhere_are_analysed_and_never_among_the_studys_own(page, filled):
    folder, study = filled
    with open_store(f"sqlite:///{folder / 'fairprune.db'}") as store:
        closed = read_closed(store, study)
        data = raw_file(closed, "csv")
        before = len(store.vote_rows(study.id))
    page = checked(page.file_uploader(key="study-upload").upload("bad.csv", b"a,b\n1,2\n", "text/csv").run())
    assert "lacks the columns" in errors(page)
    upload = page.file_uploader(key="study-upload")
    page = checked(upload.upload("votes.csv", data, "text/csv").run())
    assert not errors(page)
    assert any(re.search(r"votes by 10 judges in votes\\?\.csv", element.value) for element in page.markdown)
    page = checked(page.toggle(key="study-together").set_value(True).run())
    assert not errors(page)
    page = checked(page.button(key="study-import-store").click().run())
    assert not errors(page)
    with open_store(f"sqlite:///{folder / 'fairprune.db'}") as store:
        (made,) = (one for one in store.studies() if one.origin == "imported")
        assert made.copied_from == study.id and len(store.vote_rows(made.id)) > 100
        assert len(store.vote_rows(study.id)) == before
        store.delete_study(made.id)


def test_hostile_texts_are_shown_as_text(page):
    assert HOSTILE not in markup(page)
    assert not any(HOSTILE in element.value for element in (*page.markdown, *page.caption, *page.warning))


def test_a_study_that_nobody_judged_says_so():
    with open_store() as store:
        study = store.create_study("Nobody", design())
        store.set_items(study.id, [main(0), main(1)])
        store.open_study(study.id)
        study = store.close_study(study.id)
        first, second = (item.id for item in store.items(study.id))
    page = opened()
    assert any("nobody has finished an item" in element.value.lower() for element in page.info)
    told = "\n".join(element.value for element in page.markdown).replace("\\", "")
    assert "4 votes were wanted: 2 on each of 2 items, by at least 2 judges. None was given." in told
    assert "A strength needs one vote" in told and "two votes on one item" in told and "open a copy" in told
    assert headers(page) == ["Who took part?", "Votes that were collected elsewhere"]
    # its items may have been judged elsewhere, such as in Potato
    pair = [[{"schema": "fairer", "name": "selection"}, "A"]]
    state = {"user_id": "ann", "instance_id_to_label_to_value": {first: pair, second: pair}}
    upload = page.file_uploader(key="study-upload")
    page = checked(upload.upload("user_state.json", json.dumps(state).encode(), "application/json").run())
    assert not errors(page)
    assert any("2 votes by 1 judge" in element.value for element in page.markdown)


def test_an_open_study_stays_sealed():
    with open_store() as store:
        study = store.create_study("Sealed", design())
        store.set_items(study.id, [main(0), main(1)])
        store.open_study(study.id)
    page = opened()
    assert "sealed until it is closed" in errors(page) and not page.header


def test_labels_have_a_confusion_matrix_per_system():
    with open_store() as store:
        study_of_labels(store)
    page = opened()
    assert not errors(page)
    assert headers(page) == [
        "Does the classifier say what people say?",
        "What does it mean for SPD2?",
        "How far do judges agree?",
        "Who is left out, and what if not?",
        "Who took part?",
        "Report",
        "Take the labels with you",
    ]
    text = markup(page)
    assert "dense" in text and "wanda 50 %" in text and "all systems" in text
    for table in re.findall(r"<table.*?</table>", text, re.DOTALL):
        if "95 %" in table and "The classifier too" not in table:
            assert re.search(r"\ball\b", table, re.IGNORECASE) and "registered" in table, table[:300]
    cells = re.findall(r"<td[^>]*>(.*?)</td>", text, re.DOTALL)
    assert all("n = " in cell for cell in cells if "95 %:" in cell)
    assert "demonstration, no inference" in text and "within the margin" not in text
    figure = json.loads(page.get("plotly_chart")[0].proto.spec)
    assert figure["data"][0]["x"] == ["fresh", "rotten", "several groups", "no group"]
    page = checked(page.selectbox(key="study-labels-system").select("wanda 50 %").run())
    figure = json.loads(page.get("plotly_chart")[0].proto.spec)
    assert not errors(page) and figure["data"][0]["text"][0][0].startswith(("8<br>", "0<br>"))
    names = [element.proto.label for element in page.get("download_button")]
    assert [name for name in names if "Potato" in name] == ["Potato items", "Potato settings", "Potato key"]
    # a rule that is switched off adds a third analysis, as of pairs
    (toggle,) = [one for one in page.toggle if one.key.endswith("-too_fast")]
    page = checked(toggle.set_value(False).run())
    assert "With the rules you switched off" in markup(page)
    assert HOSTILE not in markup(page)


def test_labels_that_nobody_gave_say_so():
    with open_store() as store:
        study_of_labels(store, judges=0)
    page = opened()
    assert any("nobody has finished an item" in element.value.lower() for element in page.info)
    assert any("A confusion matrix needs one sentence" in element.value for element in page.markdown)
    assert headers(page) == ["Who took part?"]


def test_groups_of_judges_stand_under_both_analyses():
    with open_store() as store:
        study_of_labels(store, quotas={"fans": None, "others": None})
    page = opened()
    assert not errors(page) and "Do groups of judges differ?" in headers(page)
    text = markup(page)
    assert text.count("<b>fans</b>") == text.count("<b>others</b>") == 2
