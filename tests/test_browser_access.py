"""Logging in, in real headless Chromium: by password, and by OpenID Connect at a provider of the test's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from fairprune.access import hash_password, write_secrets
from fairprune.paths import home
from tests.browser import chromium, free_port, server, settled, watched
from tests.identity import CLIENT, CLIENT_SECRET, Provider, provider

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]
NAVIGATION = '[data-testid="stSidebar"] [data-testid="stPageLink"]'


@pytest.fixture
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def title(page: Page) -> str:
    settled(page)
    return page.locator('[data-testid="stMain"] h1').first.inner_text()


def test_a_password_opens_the_pages_until_one_logs_out(browser: Browser) -> None:
    with server(home(), FAIRPRUNE_LEAD_PASSWORD_HASH=hash_password("correct horse battery")) as (address, _):
        page, wrong = watched(browser, address)
        page.goto(f"{address}/Runs?talk=1")
        assert title(page) == "Log in" and page.locator(NAVIGATION).count() == 0
        page.get_by_label("Password of the leads").fill("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_text("This is not the password.")).to_be_visible()
        page.get_by_label("Password of the leads").fill("correct horse battery")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Log in", exact=True)).to_have_count(0)
        page.goto(f"{address}/Runs")
        assert title(page) == "Log in"  # a page that is loaded anew is a new session
        page.get_by_label("Password of the leads").fill("correct horse battery")
        page.keyboard.press("Enter")
        expect(page.locator(NAVIGATION).first).to_be_visible()
        assert title(page) == "Runs"
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_role("heading", name="Log in")).to_be_visible()
        assert page.locator(NAVIGATION).count() == 0 and not wrong, wrong


@pytest.fixture
def connected(tmp_path: Path) -> Iterator[tuple[str, Provider]]:
    """A server whose leads log in at a provider, and the provider."""
    port = free_port()
    redirect = f"http://127.0.0.1:{port}/oauth2callback"
    with provider(redirect) as identity:
        environment = {
            "FAIRPRUNE_OIDC_METADATA_URL": f"{identity.issuer}/.well-known/openid-configuration",
            "FAIRPRUNE_OIDC_CLIENT_ID": CLIENT,
            "FAIRPRUNE_OIDC_CLIENT_SECRET": CLIENT_SECRET,
            "FAIRPRUNE_OIDC_REDIRECT_URI": redirect,
            "FAIRPRUNE_LEADS": "ann@example.org",
            "FAIRPRUNE_SECRET": "a secret of the tests, long enough",
        }
        # Streamlit looks in the user's folder too: the project's own stays as it is.
        write_secrets(tmp_path / ".streamlit" / "secrets.toml", environment)
        with server(home(), port=port, HOME=str(tmp_path), **environment) as (address, _):
            yield address, identity


def log_in(page: Page, address: str) -> None:
    page.goto(f"{address}/Runs")
    assert title(page) == "Log in"
    page.get_by_role("button", name="Log in with OpenID Connect").click()
    page.wait_for_url(f"{address}/**")


def test_a_lead_logs_in_at_the_provider_and_stays_logged_in(
    browser: Browser, connected: tuple[str, Provider]
) -> None:
    address, identity = connected
    identity.person = {"sub": "1", "email": "Ann@example.org", "email_verified": True, "name": "Ann"}
    page = browser.new_context().new_page()
    log_in(page, address)
    expect(page.locator(NAVIGATION).first).to_be_visible(timeout=30_000)
    page.goto(f"{address}/Runs")  # a cookie, not the session
    assert title(page) == "Runs"
    cookies = {cookie["name"]: cookie for cookie in page.context.cookies()}
    assert any(cookie["httpOnly"] for cookie in cookies.values()), sorted(cookies)
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible(timeout=30_000)
    assert [path for path in identity.asked if path.startswith("/authorize")]


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "2", "email": "eve@example.org", "email_verified": True},
        {"sub": "3", "email": "ann@example.org", "email_verified": False},
    ],
)
def test_who_is_no_lead_sees_nothing_but_the_way_out(
    browser: Browser, connected: tuple[str, Provider], claims: dict[str, object]
) -> None:
    address, identity = connected
    identity.person = claims
    page = browser.new_context().new_page()
    log_in(page, address)
    expect(page.get_by_text("who is not among the leads")).to_be_visible(timeout=30_000)
    assert page.locator(NAVIGATION).count() == 0 and title(page) == "Log in"


def test_a_cookie_that_somebody_made_is_no_login(browser: Browser, connected: tuple[str, Provider]) -> None:
    address, identity = connected
    identity.person = {"sub": "1", "email": "ann@example.org", "email_verified": True}
    page = browser.new_context().new_page()
    log_in(page, address)
    expect(page.locator(NAVIGATION).first).to_be_visible(timeout=30_000)
    stolen = [cookie for cookie in page.context.cookies() if "user" in cookie["name"]]
    assert stolen, page.context.cookies()
    for cookie in stolen:  # one letter of what is signed
        value = cookie["value"]
        middle = len(value) // 4
        cookie["value"] = value[:middle] + ("A" if value[middle] != "A" else "B") + value[middle + 1 :]
    other = browser.new_context()
    other.add_cookies(stolen)  # type: ignore[arg-type]
    page = other.new_page()
    page.goto(f"{address}/Runs")
    assert title(page) == "Log in"


def test_the_environment_of_the_tests_has_no_login() -> None:
    assert not [name for name in os.environ if name.startswith(("FAIRPRUNE_OIDC", "FAIRPRUNE_LEAD"))]
