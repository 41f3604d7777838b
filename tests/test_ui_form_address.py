"""When the address of a form says something new."""

from __future__ import annotations

import pytest
import streamlit as st

from fairprune.ui import form_address


@pytest.fixture(autouse=True)
def session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "session_state", {})


def test_a_link_fills_the_form_and_what_the_form_wrote_does_not() -> None:
    form_address.arrive("Prune")
    assert form_address.says_new("form", "steps:4") and not form_address.says_new("form", "")
    form_address.wrote("form", "steps:4")
    assert not form_address.says_new("form", "steps:4")
    form_address.forget("form")
    assert form_address.says_new("form", "steps:4")


def test_the_back_button_empties_the_form_on_its_own_page() -> None:
    form_address.arrive("Prune")
    form_address.wrote("form", {"steps": "4"})
    form_address.arrive("Prune")
    assert form_address.says_new("form", {})
    form_address.wrote("form", {})
    assert not form_address.says_new("form", {})


def test_who_comes_from_another_page_finds_the_form_as_it_was_left() -> None:
    form_address.arrive("Prune")
    form_address.wrote("form", "steps:4")
    form_address.arrive("Runs")
    form_address.arrive("Prune")
    assert not form_address.says_new("form", "")
    assert form_address.says_new("form", "steps:9")
