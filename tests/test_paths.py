"""One folder for everything that is made."""

from __future__ import annotations

import pytest

from fairprune.errors import Unavailable
from fairprune.paths import home, subfolder


def test_the_environment_decides(monkeypatch, tmp_path):
    monkeypatch.setenv("FAIRPRUNE_HOME", str(tmp_path / "deep" / "home"))
    assert home() == (tmp_path / "deep" / "home").resolve()
    assert subfolder("a", "b").is_dir()
    monkeypatch.setenv("FAIRPRUNE_HOME", "  ")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert home() == (tmp_path / "cache" / "fairprune").resolve()


def test_a_home_that_cannot_be_made_says_what_to_set(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FAIRPRUNE_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(Unavailable, match="set FAIRPRUNE_HOME to a folder you may write"):
        home()
