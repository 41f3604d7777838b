"""A report on a run, asked for and made in this process."""

from __future__ import annotations

from fairprune.executors.child import REPORT
from fairprune.store import Store
from fairprune.worker import main


def ask_and_make(store: Store, run_id: str, words: str = "sentiment", windows: int = 16) -> int:
    """The exit code of the worker's child."""
    store.ask_report(run_id, "collapse", {"words": words, "windows": windows})
    store.claim_report("cpu")
    return main([f"{REPORT}collapse-{run_id}"])
