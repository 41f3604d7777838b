"""All checks in their order, with the seconds of each: `python -m tests.stages`.

The first failing stage ends it. A browser is needed for the last one; where none is found, it says how to get one.
"""

from __future__ import annotations

import subprocess
import sys
import time

STAGES: tuple[tuple[str, list[str]], ...] = (
    ("environment", [sys.executable, "-m", "pip", "check", "--disable-pip-version-check"]),
    ("lint", [sys.executable, "-m", "ruff", "check", "."]),
    ("format", [sys.executable, "-m", "ruff", "format", "--check", "."]),
    ("types", [sys.executable, "-m", "mypy"]),
    ("assets", [sys.executable, "-m", "fairprune", "assets"]),
    ("tests", [sys.executable, "-m", "pytest", "-m", "not slow"]),
    ("slow tests", [sys.executable, "-m", "pytest", "-m", "slow"]),
)


def main() -> int:
    seconds: list[tuple[str, float]] = []
    for name, command in STAGES:
        print(f"== {name}", flush=True)
        start = time.monotonic()
        code = subprocess.run(command, check=False).returncode
        seconds.append((name, time.monotonic() - start))
        print(f"== {name}: {seconds[-1][1]:.0f} s, exit code {code}", flush=True)
        if code:
            return code
    print("seconds per stage: " + ", ".join(f"{name} {value:.0f}" for name, value in seconds))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
