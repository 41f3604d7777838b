"""Who may do what, by the environment."""

from __future__ import annotations

import stat
import threading
import time
import tomllib

import pytest

from fairprune import access as module
from fairprune.access import (
    Access,
    Throttle,
    access,
    hash_password,
    is_lead,
    is_password,
    role,
    secret,
    write_secrets,
)
from fairprune.errors import BadInput, Unavailable

PASSWORD = "correct horse battery"
OIDC = {
    "FAIRPRUNE_OIDC_METADATA_URL": "https://id.example/.well-known/openid-configuration",
    "FAIRPRUNE_OIDC_CLIENT_ID": "fairprune",
    "FAIRPRUNE_OIDC_CLIENT_SECRET": 'a "secret" \\ – with signs',
    "FAIRPRUNE_OIDC_REDIRECT_URI": "https://study.example/oauth2callback",
    "FAIRPRUNE_LEADS": "Ann@example.org, ben@example.org",
    "FAIRPRUNE_SECRET": "sixteen letters or more",
}


def test_nothing_set_is_a_single_user():
    found = access({})
    assert found == Access() and found.single
    assert role(found) == role(found, claims={"is_logged_in": True, "email": "x@y.z"}) == "single"


def test_a_password_is_known_by_its_hash_alone():
    hashed = hash_password(PASSWORD)
    assert PASSWORD not in hashed and "$" not in hashed and hash_password(PASSWORD) != hashed
    assert is_password(PASSWORD, hashed)
    for wrong in ("", "correct horse batterY", PASSWORD + " ", hashed, "\ud800", "\x00" * 20):
        assert not is_password(wrong, hashed)
    found = access({"FAIRPRUNE_LEAD_PASSWORD_HASH": f" {hashed}\n"})
    assert not found.single and role(found) == "judge" and role(found, password=True) == "lead"
    # Who logs in elsewhere is nobody here.
    assert role(found, claims={"is_logged_in": True, "email": "ann@example.org"}) == "judge"


def test_a_short_password_is_refused():
    with pytest.raises(BadInput, match="has 9 characters: take at least 10"):
        hash_password("x" * 9)


@pytest.mark.parametrize(
    "wrong",
    [
        PASSWORD,
        "scrypt:1:1:1::",
        "scrypt:16384:8:1:c2FsdHNhbHQ:c2hvcnQ",
        "scrypt:16385:8:1:c2FsdHNhbHQ:" + "A" * 43,
        "scrypt:1073741824:8:1:c2FsdHNhbHQ:" + "A" * 43,
        "scrypt:32768:8:1:!!:" + "A" * 43,
        "argon:32768:8:1:c2FsdHNhbHQ:" + "A" * 43,
    ],
)
def test_what_is_no_hash_is_refused_without_showing_it(wrong):
    with pytest.raises(BadInput, match="no hash of a password") as caught:
        access({"FAIRPRUNE_LEAD_PASSWORD_HASH": wrong})
    assert wrong not in str(caught.value)
    with pytest.raises(BadInput):
        is_password(PASSWORD, wrong)


def test_leads_by_openid_connect_are_named():
    found = access(OIDC)
    assert not found.single and found.leads == {"ann@example.org", "ben@example.org"}
    one = {"is_logged_in": True, "email": "ANN@example.org"}
    assert role(found, claims=one) == "lead"
    for wrong in (
        {},
        {**one, "is_logged_in": False},
        {"email": "ann@example.org"},
        {**one, "email": "eve@example.org"},
        {**one, "email": None},
        {**one, "email_verified": False},
        {**one, "email_verified": "false"},
    ):
        assert role(found, claims=wrong) == "judge" and not is_lead(found, wrong)
    assert role(found, claims={**one, "email_verified": True}) == "lead"
    assert role(found, password=True) == "judge"  # no password is set up


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"FAIRPRUNE_OIDC_CLIENT_SECRET": ""}, "in part: set FAIRPRUNE_OIDC_CLIENT_SECRET too"),
        ({"FAIRPRUNE_LEADS": " , "}, "in part: set FAIRPRUNE_LEADS too"),
        ({"FAIRPRUNE_OIDC_METADATA_URL": "http://id.example/x"}, "begins with https://"),
        ({"FAIRPRUNE_OIDC_REDIRECT_URI": "https://study.example/"}, "must end with /oauth2callback"),
        ({"FAIRPRUNE_OIDC_REDIRECT_URI": "javascript:x/oauth2callback"}, "begins with https://"),
        ({"FAIRPRUNE_OIDC_CLIENT_ID": "a\nb"}, "cannot be printed"),
        ({"FAIRPRUNE_SECRET": ""}, "FAIRPRUNE_SECRET is not set"),
        ({"FAIRPRUNE_SECRET": "short"}, "FAIRPRUNE_SECRET is too short"),
    ],
)
def test_half_a_setting_is_refused(more, sentence):
    with pytest.raises(BadInput, match=sentence):
        access({**OIDC, **more})


def test_openid_connect_on_this_computer_needs_no_https():
    local = {
        "FAIRPRUNE_OIDC_METADATA_URL": "http://127.0.0.1:5/x",
        "FAIRPRUNE_OIDC_REDIRECT_URI": "http://localhost:8501/oauth2callback",
    }
    assert access({**OIDC, **local}).oidc is not None


def test_the_file_of_secrets_is_its_owners_alone_and_goes_when_it_is_not_needed(tmp_path):
    file = tmp_path / ".streamlit" / "secrets.toml"
    assert not write_secrets(file, {}) and not file.exists()
    assert write_secrets(file, OIDC)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    found = tomllib.loads(file.read_text())["auth"]
    assert found["client_secret"] == OIDC["FAIRPRUNE_OIDC_CLIENT_SECRET"]
    assert found["server_metadata_url"] == OIDC["FAIRPRUNE_OIDC_METADATA_URL"]
    assert len(found["cookie_secret"]) == 64 and OIDC["FAIRPRUNE_SECRET"] not in file.read_text()
    write_secrets(file, {**OIDC, "FAIRPRUNE_SECRET": "another one, as long as that"})
    assert tomllib.loads(file.read_text())["auth"]["cookie_secret"] != found["cookie_secret"]
    assert [path.name for path in file.parent.iterdir()] == ["secrets.toml"]
    assert not write_secrets(file, {}) and not file.exists()


def test_a_file_that_a_person_wrote_is_left_alone(tmp_path):
    file = tmp_path / "secrets.toml"
    file.write_text("[own]\nx = 1\n")
    assert not write_secrets(file, {})
    with pytest.raises(BadInput, match="was not written by fairprune"):
        write_secrets(file, OIDC)
    assert file.read_text() == "[own]\nx = 1\n"
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot be written"):
        write_secrets(tmp_path / "file" / "secrets.toml", OIDC)


def test_the_secret_is_needed_only_where_it_is_used(monkeypatch):
    monkeypatch.delenv("FAIRPRUNE_SECRET", raising=False)
    with pytest.raises(Unavailable, match="FAIRPRUNE_SECRET is not set: set it to a random text"):
        secret()
    monkeypatch.setenv("FAIRPRUNE_SECRET", "  sixteen letters or more ")
    assert secret() == b"sixteen letters or more"


def test_five_wrong_passwords_make_all_wait_a_minute():
    moment = [0.0]
    throttle = Throttle(clock=lambda: moment[0])
    for _ in range(5):
        assert throttle.attempt(lambda: False) is False
        moment[0] += 1
    asked = []
    assert throttle.attempt(lambda: not asked.append(1)) is None and not asked  # the right one waits too
    assert throttle.wait() == pytest.approx(55)
    moment[0] = 60.5
    assert throttle.wait() == 0 and throttle.attempt(lambda: True) is True
    assert throttle.attempt(lambda: True) is True  # right ones are not counted


def test_guesses_at_once_are_looked_at_one_by_one():
    throttle, running, most = Throttle(most=100), [0], [0]
    lock = threading.Lock()

    def check() -> bool:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.005)
        with lock:
            running[0] -= 1
        return False

    threads = [threading.Thread(target=throttle.attempt, args=(check,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


def test_it_is_no_part_of_streamlit():
    import subprocess
    import sys

    code = f"import sys, {module.__name__}; assert 'streamlit' not in sys.modules and 'sqlalchemy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
