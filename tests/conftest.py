"""Shared test data and fixtures."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "tests" / "data"
TINY = DATA / "tiny-a"


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Each test has a home folder of its own, unless it asks for the shared one with the packaged assets."""
    if "packaged_home" not in request.fixturenames:
        monkeypatch.setenv("FAIRPRUNE_HOME", str(tmp_path_factory.mktemp("home")))
        monkeypatch.delenv("FAIRPRUNE_DATABASE_URL", raising=False)
