"""Where fairprune keeps what it makes: one folder, `FAIRPRUNE_HOME` or the user's cache folder."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from fairprune.errors import Unavailable


def home() -> Path:
    """The folder of assets, stored runs and the default database; made when it is missing.

    Raises:
        Unavailable: the folder cannot be made or written.
    """
    given = os.environ.get("FAIRPRUNE_HOME", "").strip()
    folder = Path(given).expanduser() if given else Path(platformdirs.user_cache_dir("fairprune"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(
            f"the folder {folder} cannot be made ({error.strerror}): set FAIRPRUNE_HOME to a folder you may write"
        ) from error
    return folder.resolve()


def subfolder(*parts: str) -> Path:
    """A folder below `home()`, made when it is missing. `parts` are names of ours, never a user's text."""
    folder = home().joinpath(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
