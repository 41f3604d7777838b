import io

import pytest

from fairprune import cli_access
from fairprune.access import is_password
from fairprune.cli import main
from tests.test_access import OIDC


@pytest.fixture(autouse=True)
def _own_secrets(monkeypatch, tmp_path):
    monkeypatch.setattr(cli_access, "SECRETS", tmp_path / "secrets.toml")


def test_a_password_becomes_its_hash(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    assert main(["password"]) == 0
    printed = capsys.readouterr().out.strip()
    assert is_password("correct horse battery", printed)
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert main(["password"]) == 2
    assert "take at least 10" in capsys.readouterr().err


def test_access_says_who_may_do_what_and_writes_the_file(monkeypatch, capsys):
    assert main(["access"]) == 0
    assert "Whoever reaches the server may do everything" in capsys.readouterr().out
    for name, value in OIDC.items():
        monkeypatch.setenv(name, value)
    assert main(["access"]) == 0
    assert "OpenID Connect (ann@example.org, ben@example.org). Everybody else can only judge" in (
        capsys.readouterr().out
    )
    assert cli_access.SECRETS.exists()
    monkeypatch.delenv("FAIRPRUNE_OIDC_CLIENT_ID")
    assert main(["access"]) == 2
    assert "set FAIRPRUNE_OIDC_CLIENT_ID too" in capsys.readouterr().err


def test_the_file_lies_where_streamlit_looks_and_git_does_not():
    from tests.conftest import ROOT

    assert (ROOT / ".gitignore").read_text().splitlines().count(".streamlit/secrets.toml") == 1
    assert "python -m fairprune access" in (ROOT / "Makefile").read_text()
