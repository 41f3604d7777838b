"""The page Talk in a fresh session: its slides, its choices in the address, and what it says where there is nothing."""

from __future__ import annotations

import re

import pytest

from fairprune.audience import network
from fairprune.errors import StoreError
from fairprune.store import open_store
from tests.pages.filled import app, checked, errors, markup
from tests.talks import IMAGE, fill_talk


@pytest.fixture
def runs():
    with open_store() as store:
        return fill_talk(store)


def title(page) -> str:
    return page.title[0].value


def press(page, key):
    return checked(page.button(key=key).click().run())


def test_an_empty_store_says_what_to_do():
    page = app("Talk")
    assert title(page) == "Talk" and "No run yet" in markup(page)
    assert [link.proto.label for link in page.main.get("page_link")] == ["Leave the talk"]


def test_slides_follow_one_another_and_stand_in_the_address(runs):
    page = app("Talk", run=runs[0].id)
    assert title(page) == "Who is still heard after pruning?" and "1 of 7" in markup(page)
    assert page.button(key="talk-back").disabled
    titles = [title(page)]
    for _ in range(6):
        page = press(page, "talk-next")
        titles.append(title(page))
    assert titles[1:] == [
        "One summary that changed",
        "Drag the sparsity",
        "What the numbers say",
        "The trade-off",
        "Where the weights went",
        "You judge",
    ]
    assert page.query_params["slide"] in ("7", ["7"]) and page.button(key="talk-next").disabled
    assert title(press(page, "talk-back")) == "Where the weights went"
    assert title(press(page, "talk-last")) == "You judge" and page.button(key="talk-last").disabled
    assert title(press(page, "talk-first")) == "Who is still heard after pruning?"
    assert title(app("Talk", run=runs[0].id, slide="4")) == "What the numbers say"
    assert title(app("Talk", run=runs[0].id, slide="99")) == "Who is still heard after pruning?"


def test_figures_are_drawn_by_the_page(runs):
    page = app("Talk", run=runs[0].id, slide="5")
    assert len(page.get("plotly_chart")) == 2
    assert len(app("Talk", run=runs[0].id, slide="6").get("plotly_chart")) == 1


def test_only_the_named_runs_are_told(runs):
    page = app("Talk", runs=f"{runs[0].id},{runs[1].id}", slide="3")
    assert title(page) == "Drag the sparsity"
    assert "1 of 7" not in markup(page) and "3 of 7" in markup(page)
    page = app("Talk", runs="ffffffffffff")
    assert "there is no run 'ffffffffffff'" in errors(page).lower()


def test_a_sample_of_the_address_is_told_and_a_wrong_one_named(runs):
    page = app("Talk", run=runs[0].id, sample="2", slide="2")
    assert title(page) == "One summary that changed"
    page = app("Talk", run=runs[0].id, sample="9")
    assert "here is no sample 9 of 4" in errors(page)


def test_talk_1_on_any_page_opens_the_talk(runs):
    for name in ("Start", "Layers"):
        page = app(name, talk="1", run=runs[0].id, slide="4")
        assert title(page) == "What the numbers say", name


def test_the_room_can_be_asked_only_in_a_network(runs, monkeypatch):
    monkeypatch.setattr(network.psutil, "net_if_addrs", dict)
    page = app("Talk", run=runs[0].id, slide="7")
    assert "no address on a local network" in "".join(caption.value for caption in page.caption)
    assert "talk-ask" not in [button.key for button in page.button]


def test_an_open_question_shows_a_code_and_withholds_the_verdict(runs, monkeypatch):
    """The question is written as the voting server writes it; the server itself is tested with phones elsewhere."""
    monkeypatch.setattr("fairprune.audience.launch.listens", lambda _one: True)
    with open_store() as store:
        one = store.open_audience(runs[0].id, 1, "set", "http://192.168.1.20:8600/abcde")
        store.vote(one.id, "a" * 64, "a", True)
        store.vote(one.id, "b" * 64, "b", True)
        page = app("Talk", run=runs[0].id, slide="7")
        drawn = markup(page)
        assert "192.168.1.20:8600/abcde" in drawn and 'src="data:image/png;base64,' in drawn
        assert re.search(r'fp-count">2</span> votes', drawn) and 'class="fp-outcome"' not in drawn
        assert IMAGE not in drawn
        page = press(page, "talk-reveal")
        assert store.audience(one.id).revealed is not None
        drawn = markup(page)
        # one for each: 50 % (1 of 2); Wilson's interval of 1 of 2 is 9.5 to 90.5 %
        assert drawn.count("50.0\u00a0% (1 of 2; 95 %: 9.5 to 90.5\u00a0%)") == 2
        assert "Votes for the side that stood first: 1 of 2." in [one.value for one in page.caption]
        page = press(page, "talk-reveal")
        assert 'class="fp-outcome"' not in markup(page)
        page = press(page, "talk-close")
        assert store.audience(one.id).closed is not None
        page = checked(page.run())
        assert "Voting is closed: 2 phones have voted." in markup(page)
        page = press(page, "talk-back-to-pair")
        assert "Voting is closed" not in markup(page)
        assert 'class="fp-count"' not in markup(
            app("Talk", run=runs[0].id, slide="7")
        )  # a new talk begins with the pair


def test_a_slide_that_fails_keeps_its_one_title(runs, monkeypatch):
    def locked(_store, _run_id):
        raise StoreError("the database is locked by another program")

    monkeypatch.setattr("fairprune.ui.audience.current", locked)
    page = app("Talk", run=runs[0].id, slide="7")
    assert [one.value for one in page.title] == ["You judge"]
    assert "The database is locked" in errors(page) and page.button(key="talk-back")
    page = app("Talk", run="ffffffffffff")
    assert [one.value for one in page.title] == ["Talk"]


def test_a_question_whose_server_is_gone_is_closed(runs):
    with open_store() as store:
        one = store.open_audience(runs[0].id, 1, "set", "http://127.0.0.1:9/abcde")
        app("Talk", run=runs[0].id, slide="7")
        assert store.audience(one.id).closed is not None
