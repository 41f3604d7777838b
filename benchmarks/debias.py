"""The debias lab in numbers: the toys, SPIN, Neural Collapse and DENP on the packaged model, and what they cost.

    python -m benchmarks.debias [--only toys spin collapse outcome denp speed] [--write]

One part after the other; every row is kept in a file as soon as it is there, with date, versions and settings, so that
a part can be repeated alone, with other settings beside. `--write` puts the tables of all kept rows into docs/debias.md.
Other people's texts are not kept.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any

import torch
import transformers

import fairprune
from benchmarks import debias_tables
from benchmarks.debias_parts import PARTS
from benchmarks.debias_setup import Setup
from fairprune import assets, catalogue, corpora

MODEL = "smollm2-135m"
ROWS = Path(__file__).parent / "debias_rows.jsonl"
QUIET = 15.0
"""Seconds between two lines of progress."""


class Rows:
    """What was found so far, in a file: one JSON object a line; a row of the same name takes the place of the one before."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.found = self._read()

    def _read(self) -> dict[str, dict[str, Any]]:
        if not self.path.exists():
            return {}
        lines = self.path.read_text(encoding="utf-8").splitlines()
        return {row["name"]: row for row in map(json.loads, lines)}

    def add(self, row: dict[str, Any]) -> None:
        self.found = {**self._read(), row["name"]: row}  # another process may have added to it
        lines = [json.dumps(one, allow_nan=False, ensure_ascii=False) for one in self.found.values()]
        self.path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def environment(model: str) -> dict[str, Any]:
    """With what a row was made."""
    return {
        "date": date.today().isoformat(),
        "model": model,
        "versions": {
            "fairprune": fairprune.__version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        },
        "threads": torch.get_num_threads(),
    }


def measure(parts: list[str], setup: Setup, rows: Rows, model: str) -> None:
    """Runs the parts and keeps their rows."""
    for part in parts:
        start, processor = time.perf_counter(), time.process_time()
        for name, found in PARTS[part](setup):
            took = {"wall": time.perf_counter() - start, "processor": time.process_time() - processor}
            rows.add({"name": name, "found": found, "seconds": took, "made": environment(model)})
            print(f"{name}: {took['wall']:.0f} s", flush=True)
            start, processor = time.perf_counter(), time.process_time()


class Progress:
    """A line now and then."""

    def __init__(self) -> None:
        self.said = 0.0

    def __call__(self, done: int, total: int, line: str) -> None:
        if time.monotonic() - self.said > QUIET:
            self.said = time.monotonic()
            print(f"  {done}/{total} {line}", flush=True)


SIZES = {one.name: one for one in fields(Setup) if one.name not in ("folder", "corpora", "report", "sets")}
"""Fields of `Setup` that the command line sets."""


def arguments_of(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS), metavar="PART")
    parser.add_argument("--corpora", nargs="+", default=["movies", "politics"], metavar="NAME")
    parser.add_argument("--rows", type=Path, default=ROWS, help="the file that keeps what was found")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/debias.md")
    parser.add_argument("--no-run", action="store_true", help="only show, or write, what is kept")
    for name, one in SIZES.items():
        several = isinstance(one.default, tuple)
        kind = type(one.default[0] if several else one.default)  # type: ignore[index]
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=kind, nargs="+" if several else None, default=one.default
        )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    arguments = arguments_of(argv)
    rows = Rows(arguments.rows)
    if not arguments.no_run:
        assets.ensure_all()
        sizes = {name: getattr(arguments, name) for name in SIZES}
        sizes = {name: tuple(one) if isinstance(one, list) else one for name, one in sizes.items()}
        setup = Setup(
            catalogue.fetch(catalogue.resolve(MODEL), print),
            tuple(corpora.load(name) for name in arguments.corpora),
            Progress(),
            **sizes,
        )
        measure(arguments.only, setup, rows, MODEL)
    lines = debias_tables.all_tables(rows.found)
    print("\n".join(lines))
    if arguments.write:
        debias_tables.write(lines)


if __name__ == "__main__":
    main()
