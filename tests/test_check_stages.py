"""`make test`: what fails is run once more where it is little, and passes only if it then does."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests import stages

COMMAND = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly"]


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, in which pytest keeps its note of what failed."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_test_that_passes_the_second_time_is_named(suite: Path) -> None:
    (suite / "test_it.py").write_text(
        "from pathlib import Path\n"
        "def test_late():\n"
        "    seen = Path('seen').exists()\n"
        "    Path('seen').touch()\n"
        "    assert seen\n"
        "def test_other():\n"
        "    with Path('others').open('a') as file:\n"
        "        file.write('x')\n"
    )
    assert stages.run_tests(COMMAND) == (0, ["test_it.py::test_late"])
    assert (suite / "others").read_text() == "x"  # what passed is not run again


def test_what_fails_twice_has_failed(suite: Path) -> None:
    (suite / "test_it.py").write_text("def test_never():\n    assert False\n")
    assert stages.run_tests(COMMAND) == (1, [])


def test_more_than_a_few_failures_and_broken_files_are_not_tried_again(suite: Path) -> None:
    tests = "".join(f"def test_{place}():\n    assert False\n" for place in range(stages.FEW + 1))
    (suite / "test_it.py").write_text(tests)
    calls: list[list[str]] = []

    def start(command: list[str]) -> int:
        calls.append(command)
        return stages.run(command)

    assert stages.run_tests(COMMAND, start) == (1, [])
    (suite / "test_it.py").write_text("import nothing_of_that_name\n")
    assert stages.run_tests(COMMAND, start) == (2, [])
    assert len(calls) == 2
