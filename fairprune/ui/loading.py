"""What pages import when they are opened first, imported before anybody waits for it: by the server of the app before it listens.

Under any other start the server does so in a thread of its own, once its first page stands.
"""

from __future__ import annotations

import threading
from functools import cache
from importlib import import_module

MODULES = (
    *("pandas", "pyarrow.parquet", "scipy.special", "scipy.optimize", "tokenizers", "segno"),
    *("fairprune.sweep", "fairprune.preflight.several", "fairprune.exploration", "fairprune.pareto"),
    *(
        "fairprune.corpora.user",
        "fairprune.specifications",
        "fairprune.mask_overlap",
        "fairprune.talk.document",
    ),
)
"""Libraries, and those of our own modules that bring others with them: what pages import when they are opened first."""


def load() -> None:
    """Imports all of it, and draws a figure that nobody sees: Plotly loads its parts when they are needed."""
    for name in MODULES:
        import_module(name)
    import plotly.graph_objects as go

    go.Figure(go.Scatter(x=[0, 1], y=[0, 1])).to_json()


@cache
def load_soon() -> None:
    """Does so in the background, once per server, after the page that asks has been drawn."""
    threading.Thread(target=_after, args=(threading.current_thread(),), name="load", daemon=True).start()


def _after(page: threading.Thread) -> None:
    page.join()
    load()
