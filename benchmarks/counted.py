"""The server of the app that writes every SQL statement down: `python -m benchmarks.counted run app.py …`.

One line per statement goes to the file that the environment variable FAIRPRUNE_STATEMENTS names.
"""

from __future__ import annotations

import os
import threading
from typing import Any

from sqlalchemy import Engine, event
from streamlit.web.cli import main

from fairprune.ui.loading import load

FILE = "FAIRPRUNE_STATEMENTS"


def install(path: str) -> None:
    out, lock = open(path, "a", buffering=1, encoding="utf-8"), threading.Lock()  # noqa: SIM115, PTH123 (as long as the server)

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        with lock:
            out.write(" ".join(statement.split()) + "\n")

    event.listen(Engine, "before_cursor_execute", note)


if __name__ == "__main__":
    install(os.environ[FILE])
    load()
    main()
