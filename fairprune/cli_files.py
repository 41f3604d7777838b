"""Files that a command writes: refused before any work is done for them, and written as one."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fairprune.errors import BadInput, Unavailable


def check_writable(path: Path | None, what: str = "file") -> None:
    """Refuses a file that could not be written, before any work is done for it. None: no file was asked for.

    Args:
        what: names it: 'the WHAT path cannot be written there'.

    Raises:
        BadInput: a folder, or in a folder that does not exist or where one may not write.
    """
    if path is None:
        return
    wrong = (
        f"the {what} {path} cannot be written there: name a file in a folder that exists, where you may write"
    )
    if path.is_dir() or not path.parent.is_dir():
        raise BadInput(wrong)
    try:
        if path.exists():
            path.open("r+b").close()
        else:
            with tempfile.TemporaryFile(dir=path.parent):
                pass
    except OSError as error:
        raise BadInput(f"{wrong} ({error.strerror})") from error


def write_json(path: Path, value: Mapping[str, Any], otherwise: str = "") -> None:
    """JSON of one line per value; as `write`."""
    write(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False).encode(), otherwise)


def write(path: Path, data: bytes, otherwise: str = "") -> None:
    """Writes the file.

    Args:
        otherwise: what is not lost where it cannot be written.

    Raises:
        Unavailable: it cannot be written; says why.
    """
    try:
        path.write_bytes(data)
    except OSError as error:
        more = f"; {otherwise}" if otherwise else ""
        raise Unavailable(f"{path} cannot be written ({error.strerror}){more}") from error
