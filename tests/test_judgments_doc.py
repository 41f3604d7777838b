"""docs/judgments.md says of every number what it was checked against: each row names a test that is there."""

import re

from tests.conftest import ROOT

TEXT = (ROOT / "docs" / "judgments.md").read_text(encoding="utf-8")
TABLE = TEXT.partition("### What each number was checked against")[2].partition("\n## ")[0]


def test_every_number_names_a_test_that_exists():
    rows = [
        line for line in TABLE.splitlines() if line.startswith("| ") and not line.startswith("| number |")
    ]
    assert len(rows) > 15
    for row in rows:
        named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", row)
        assert named, row
        for file, test in named:
            path = ROOT / "tests" / file
            assert path.exists() and re.search(
                rf"^def {test}\(", path.read_text(encoding="utf-8"), re.MULTILINE
            ), f"{file}::{test}"


def test_every_number_of_the_analysis_has_its_row():
    analysis = TEXT.partition("## The analysis")[2].partition("\n### ")[0]
    numbers = [line.split("|")[1].strip() for line in analysis.splitlines() if line.startswith("| ")][1:]
    checked = " ".join(line.split("|")[1] for line in TABLE.splitlines() if line.startswith("| "))
    words = {
        "strengths, ν": "strengths, ν",
        "their intervals": "their intervals",
        "hypotheses": "p of hypotheses",
        "baselines": "commonest answer",
    }
    for number in numbers:
        assert words.get(number, number) in checked, number
