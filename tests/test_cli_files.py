"""Files of commands: refused before the work, written whole, and the reason why not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fairprune.cli_files import check_writable, write, write_json
from fairprune.errors import BadInput, Unavailable


def test_what_can_be_written_is_left_as_it_is(tmp_path):
    check_writable(None)
    check_writable(tmp_path / "new.json")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "old.json").write_text("kept")
    check_writable(tmp_path / "old.json")
    assert (tmp_path / "old.json").read_text() == "kept"


def test_what_cannot_is_refused_with_its_name(tmp_path):
    for path in (tmp_path, tmp_path / "no" / "x.json", tmp_path / "file" / "x.json"):
        (tmp_path / "file").write_text("")
        with pytest.raises(
            BadInput, match=r"the talk .* cannot be written there: name a file in a folder that exists"
        ):
            check_writable(path, "talk")
    with pytest.raises(BadInput, match=r"cannot be written there.*\("):
        check_writable(Path("/proc/x.json"))


def test_json_keeps_every_letter_and_refuses_what_is_no_number(tmp_path):
    write_json(tmp_path / "x.json", {"a": "\N{SNOWMAN}", "b": None})
    assert "\N{SNOWMAN}" in (tmp_path / "x.json").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8")) == {"a": "\N{SNOWMAN}", "b": None}
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "y.json", {"a": float("nan")})
    assert not (tmp_path / "y.json").exists()


def test_a_file_that_fails_says_what_is_not_lost(tmp_path):
    with pytest.raises(Unavailable, match=r"cannot be written \(Is a directory\); the run abc is stored"):
        write(tmp_path, b"x", "the run abc is stored")
