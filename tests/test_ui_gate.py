"""With a login set up every page but those of judges ends before it reads anything."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from fairprune.access import LONGEST_PASSWORD, hash_password
from fairprune.errors import BadInput
from fairprune.store import open_store
from fairprune.ui import gate
from fairprune.ui import page as page_module
from tests.conftest import ROOT
from tests.test_access import OIDC

PASSWORD = "correct horse battery"
FILES = ["app.py", *(f"pages/{path.name}" for path in sorted((ROOT / "pages").glob("*.py")))]
PUBLIC = {"pages/7_Judge.py"}
"""Pages that judges see too."""
ONE_PUBLIC = """
from fairprune.ui import open_page
import streamlit as st
store = open_page("Judge", public=True)
st.text(f"studies: {len(store.studies())}")
"""


@pytest.fixture(scope="module")
def hashed():
    return hash_password(PASSWORD)


@pytest.fixture
def with_password(monkeypatch, hashed):
    monkeypatch.setenv("FAIRPRUNE_LEAD_PASSWORD_HASH", hashed)
    gate._throttle.clear()


@pytest.fixture
def reads(monkeypatch):
    """What the pages open."""
    found = []

    def noted(*arguments):
        found.append(arguments)
        return open_store(*arguments)

    monkeypatch.setattr(page_module, "open_store", noted)
    page_module._store.clear()
    return found


def app(file: str = "app.py", user=None, **query) -> AppTest:
    test = AppTest.from_file(str(ROOT / file), default_timeout=60)
    if user is not None:
        test.user = user
    for name, value in query.items():
        test.query_params[name] = value
    test.run()
    assert not test.exception, test.exception
    return test


def links(test: AppTest) -> int:
    return len(test.sidebar.get("page_link"))


def titles(test: AppTest) -> list[str]:
    return [one.value for one in test.title]


@pytest.mark.parametrize("file", [file for file in FILES if file not in PUBLIC])
def test_every_page_ends_with_the_login_before_it_reads_anything(with_password, reads, file):
    test = app(file, run="abcdef123456", talk="1")
    assert titles(test) == ["Log in"] and reads == [] and links(test) == 0
    assert gate.FOR_LEADS in [one.value for one in test.text]
    assert [one.label for one in test.text_input] == ["Password of the leads"]
    assert not test.get("download_button") and not test.get("file_uploader")


def test_the_password_opens_the_pages_of_this_session_alone(with_password, reads):
    test = app()
    test.text_input[0].input("wrong")
    test.button[0].click().run()
    assert titles(test) == ["Log in"] and [one.value for one in test.error] == ["This is not the password."]
    assert reads == []
    test.text_input[0].input(PASSWORD)
    test.button[0].click().run()
    assert "Who is still heard after pruning?" in titles(test) and reads and links(test) > 0
    assert PASSWORD not in str(dict(test.session_state.items()))
    assert titles(app()) == ["Log in"]  # another session
    out = next(one for one in test.sidebar.button if one.label == "Log out")
    out.click().run()
    assert titles(test) == ["Log in"]


def test_another_password_ends_the_logins_by_the_old_one(with_password, monkeypatch):
    test = app()
    test.text_input[0].input(PASSWORD)
    test.button[0].click().run()
    assert titles(test) != ["Log in"]
    monkeypatch.setenv("FAIRPRUNE_LEAD_PASSWORD_HASH", hash_password("quite another password"))
    test.run()
    assert titles(test) == ["Log in"]


def test_a_password_that_is_too_long_is_told_and_not_cut(with_password):
    test = app()
    assert test.text_input[0].proto.max_chars == 0  # a limit of its own would make the browser cut
    test.text_input[0].input(PASSWORD + "x" * LONGEST_PASSWORD)
    test.button[0].click().run()
    assert f"and no password more than {LONGEST_PASSWORD:,}" in test.error[0].value
    with pytest.raises(BadInput, match=r"has 1,001 characters: take at most 1,000"):
        hash_password("x" * (LONGEST_PASSWORD + 1))


def test_guessing_is_slowed_down(with_password):
    test = app()
    for guess in range(6):
        test.text_input[0].input(f"wrong {guess}")
        test.button[0].click().run()
    assert "Too many wrong passwords" in test.error[0].value
    test.text_input[0].input(PASSWORD)
    test.button[0].click().run()
    assert titles(test) == ["Log in"] and "Too many" in test.error[0].value


def test_a_login_that_is_set_up_wrongly_lets_nobody_in(monkeypatch, reads):
    monkeypatch.setenv("FAIRPRUNE_LEAD_PASSWORD_HASH", PASSWORD)  # the password where its hash should be
    test = app()
    assert titles(test) == ["Log in"] and reads == [] and not test.text_input
    assert "set up wrongly" in test.error[0].value and PASSWORD not in str(test.error[0].value)


def test_openid_connect_lets_leads_in_and_nobody_else(monkeypatch, reads):
    for name, value in OIDC.items():
        monkeypatch.setenv(name, value)
    test = app()  # AppTest's own user has a mail address and has not logged in
    assert titles(test) == ["Log in"] and [one.label for one in test.button] == ["Log in with OpenID Connect"]
    eve = app(user={"is_logged_in": True, "email": "eve@example.org [x](http://evil)"})
    assert titles(eve) == ["Log in"] and reads == []
    assert "who is not among the leads" in eve.warning[0].value and "](http://" not in eve.warning[0].value
    unverified = app(user={"is_logged_in": True, "email": "ann@example.org", "email_verified": False})
    assert titles(unverified) == ["Log in"] and reads == []
    ann = app(user={"is_logged_in": True, "email": "Ann@example.org", "email_verified": True})
    assert titles(ann) != ["Log in"] and reads and links(ann) > 0


def test_a_public_page_is_drawn_for_judges_without_navigation_and_examples(with_password, monkeypatch, reads):
    for name in ("_reconciled", "_examples"):
        monkeypatch.setattr(page_module, name, lambda *_: pytest.fail("not for judges"))
    test = AppTest.from_string(ONE_PUBLIC, default_timeout=60).run()
    assert not test.exception and titles(test) == ["Judge"]
    assert [one.value for one in test.text] == ["studies: 0"] and links(test) == 0 and not test.sidebar.button


def test_without_a_login_it_is_a_single_user_and_says_so():
    test = app()
    assert gate.SINGLE in [one.value for one in test.sidebar.caption] and links(test) > 0
    assert not [one for one in test.sidebar.button if one.label == "Log out"]


def test_requests_from_other_sites_are_refused():
    import tomllib

    server = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["server"]
    assert server["enableXsrfProtection"] is True and server["enableCORS"] is True
    assert server["address"] == "127.0.0.1"
