"""Shared test data and fixtures."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairprune import access, devices
from fairprune.opinions import Corpus, CorpusInfo, Opinion, Split
from fairprune.paths import home
from tests import postgres

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "tests" / "data"
TINY = DATA / "tiny-a"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked `cuda` need a card; where there is none the summary says that they were left out."""
    if "cuda" not in devices.available():
        without = pytest.mark.skip(reason="there is no CUDA device here")
        for item in items:
            if item.get_closest_marker("cuda"):
                item.add_marker(without)


@pytest.fixture(autouse=True)
def _own_home(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Each test has a home folder of its own, unless it asks for the shared one with the packaged assets.

    The example runs stay out: tests of empty stores need them empty.
    """
    monkeypatch.setenv("FAIRPRUNE_EXAMPLES", "0")
    for name in (access.PASSWORD_HASH, access.LEADS, access.SECRET, *access.OIDC.values()):
        monkeypatch.delenv(name, raising=False)
    if "packaged_home" not in request.fixturenames:
        monkeypatch.setenv("FAIRPRUNE_HOME", str(tmp_path_factory.mktemp("home")))
        monkeypatch.delenv("FAIRPRUNE_DATABASE_URL", raising=False)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """A PostgreSQL of the tests' own. Where none is installed its tests are skipped, unless the environment says that it must be there."""
    if postgres.programs() is None and not os.environ.get(postgres.REQUIRED):
        pytest.skip("PostgreSQL is not installed here")
    with postgres.server() as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a new, empty database: each test that asks for it runs on SQLite (in memory) and on PostgreSQL."""
    if request.param == "sqlite":
        yield "sqlite://"
    else:
        yield request.getfixturevalue("postgres_server").empty_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def shared_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """As `database`, but one that other processes can open: a file of SQLite, and PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'shared.db'}"
    else:
        yield request.getfixturevalue("postgres_server").empty_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """As `shared_database`, without any table yet, and gone afterwards: for tests that change the tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'new.db'}"
    else:
        with request.getfixturevalue("postgres_server").new_database() as address:
            yield address


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real Llama of two blocks, width 16, with a tokenizer and a chat template."""
    from tests.tiny import make_tiny_model

    return make_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def packaged_home() -> Path:
    """The user's own home folder, where the packaged assets are fetched once, not for every test."""
    return home()


@pytest.fixture(scope="session")
def toy_corpus() -> Corpus:
    """Two groups, six topics per split, ten opinions of each group on each: no download."""
    splits: dict[Split, tuple[Opinion, ...]] = {}
    words = {"good": "great funny good movie . loved it", "bad": "poor dull bad movie . hate it"}
    for split in ("calibration", "train", "test"):
        splits[split] = tuple(
            Opinion(
                f"{split} {topic} : the {words[group]} {number}",
                group,
                f"{split}-{topic}",
                f"{split}-{topic}-{group}-{number}",
            )
            for topic in range(6)
            for group in words
            for number in range(10)
        )
    info = CorpusInfo(
        "toy", "Toy films", ("good", "bad"), "review", "Reviews about a movie.", "written for tests"
    )
    return Corpus(info, splits, general=tuple(f"A plot about war and peace number {i} ." for i in range(40)))
