"""docs/security.md promises nothing without a test that is there."""

import re

from tests.conftest import ROOT

TEXT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def test_every_promise_names_a_test_that_exists():
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", TEXT)
    assert len(named) > 40
    for file, test in named:
        path = ROOT / file
        assert path.exists() and re.search(
            rf"^def {test}\(", path.read_text(encoding="utf-8"), re.MULTILINE
        ), f"{file}::{test}"


def test_every_row_of_a_promise_has_one():
    rows = [line for line in TEXT.splitlines() if line.startswith("| ") and line != "| promise | test |"]
    assert len(rows) > 25 and all("::test_" in row for row in rows)
