"""All checks in their order, with the seconds of each: `python -m tests.stages`.

The first failing stage ends it. A browser is needed for the last one; where none is found, it says how to get one.

Some tests wait for real processes, databases and browsers, which a busy machine can keep longer than any sensible wait.
Up to `FEW` that fail are therefore run once more, alone; what passes only then is named at the end. More than that is no
accident, and what fails twice has failed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

STAGES: tuple[tuple[str, list[str]], ...] = (
    ("environment", [sys.executable, "-m", "pip", "check", "--disable-pip-version-check"]),
    ("lint", [sys.executable, "-m", "ruff", "check", "."]),
    ("format", [sys.executable, "-m", "ruff", "format", "--check", "."]),
    ("types", [sys.executable, "-m", "mypy"]),
    ("assets", [sys.executable, "-m", "fairprune", "assets"]),
    ("tests", [sys.executable, "-m", "pytest", "-m", "not slow"]),
    ("slow tests", [sys.executable, "-m", "pytest", "-m", "slow"]),
)

FEW = 3
LAST_FAILED = Path(".pytest_cache/v/cache/lastfailed")


def run(command: list[str]) -> int:
    return subprocess.run(command, check=False).returncode


def failed() -> list[str]:
    """The tests that failed last, by pytest's own note."""
    return sorted(json.loads(LAST_FAILED.read_text(encoding="utf-8"))) if LAST_FAILED.exists() else []


def run_tests(command: list[str], start: Callable[[list[str]], int] = run) -> tuple[int, list[str]]:
    """The exit code of pytest, and the tests that passed only when they were run once more."""
    LAST_FAILED.unlink(missing_ok=True)
    code = start(command)
    again = failed()
    if code != 1 or not 0 < len(again) <= FEW:
        return code, []
    print(f"== once more, alone: {', '.join(again)}", flush=True)
    code = start([*command, "--last-failed", "--last-failed-no-failures", "none"])
    return code, [] if code else again


def main() -> int:
    seconds: list[tuple[str, float]] = []
    second_try: list[str] = []
    for name, command in STAGES:
        print(f"== {name}", flush=True)
        start = time.monotonic()
        if "pytest" in command:
            code, again = run_tests(command)
            second_try += again
        else:
            code = run(command)
        seconds.append((name, time.monotonic() - start))
        print(f"== {name}: {seconds[-1][1]:.0f} s, exit code {code}", flush=True)
        if code:
            return code
    if second_try:
        print("passed only when run once more: " + ", ".join(second_try))
    print("seconds per stage: " + ", ".join(f"{name} {value:.0f}" for name, value in seconds))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
