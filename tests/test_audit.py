"""What an audit says of pip-audit's answer: silence of a database is not good news."""

from tests.audit import read

CLEAN = {"name": "numpy", "version": "2.0", "vulns": []}
BAD = {"name": "old", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]}
UNKNOWN = {"name": "torch", "skip_reason": "Dependency not found on PyPI"}


def test_what_is_known_is_named_with_the_version_that_mends_it():
    lines, code = read({"dependencies": [CLEAN, BAD, UNKNOWN]})
    assert code == 1 and lines[0] == "old 1.0: PYSEC-1, mended in 1.1"
    assert lines[1:] == ["2 packages looked at, 1 known vulnerabilities", "not known to the database: torch"]


def test_nothing_known_is_not_the_same_as_nothing_looked_at():
    assert read({"dependencies": [CLEAN]})[1] == 0
    lines, code = read({"dependencies": [UNKNOWN]})
    assert code == 2 and "nothing was audited" in lines[0]
