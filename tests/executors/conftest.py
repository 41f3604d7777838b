import pytest

from tests.executors.place import opened_place


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A home folder and database of the test's own, and no process left behind in it."""
    with opened_place(tmp_path, monkeypatch) as made:
        yield made
