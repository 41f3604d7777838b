"""The command line of the study: cases at 100 samples first, since those are what the documentation promises."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from benchmarks.coverage import calibration, tables
from benchmarks.coverage.calibration import Covered
from benchmarks.coverage.study import CASES, Row, designs, study
from benchmarks.coverage.worlds import World, world

CASE = {case.name: case for case in CASES}


@dataclass
class Found:
    """What a study has found so far, and the file that keeps it: one JSON object a line."""

    sets: int
    path: Path | None = None
    rows: list[Row] = field(default_factory=list)
    covered: list[Covered] = field(default_factory=list)

    def read(self) -> None:
        """Takes what an earlier study of as many data sets has found."""
        if self.path is None or not self.path.exists():
            return
        for line in self.path.read_text(encoding="utf-8").splitlines():
            one = json.loads(line)
            if one.pop("sets") == self.sets:
                self._take([Covered(**one) if "between" in one else Row(**one)])

    def add(self, more: list[Row] | list[Covered]) -> None:
        self._take(more)
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps({"sets": self.sets, **asdict(one)}) + "\n" for one in more)

    def _take(self, more: list[Any]) -> None:
        self.rows += [one for one in more if isinstance(one, Row)]
        self.covered += [one for one in more if isinstance(one, Covered)]

    def in_order(self) -> tuple[list[Row], list[Covered]]:
        places = {name: place for place, name in enumerate(CASE)}
        return (
            sorted(self.rows, key=lambda row: (places[row.case], row.n)),
            sorted(self.covered, key=lambda one: one.between),
        )


@lru_cache(maxsize=1)
def _world(case: str) -> World:
    return world(CASE[case])


def of_case(case: str, n: int, sets: int) -> list[Row]:
    """All numbers of one case at one size."""
    start = time.perf_counter()
    [design] = [one for one in designs(CASE[case]) if one.n == n]
    found = study(CASE[case], design, _world(case), sets)
    print(f"{case}, n = {n}: {time.perf_counter() - start:.0f} s", flush=True)
    return found


def open_tasks(found: Found) -> Iterator[tuple[str, int]]:
    """(case, n) of what is not found yet."""
    done = {(row.case, row.n) for row in found.rows}
    every = [(case.name, design.n) for case in CASES for design in designs(case)]
    yield from (task for task in sorted(every, key=lambda task: task[1] != tables.SIZE) if task not in done)


def main() -> None:
    parser = argparse.ArgumentParser(description="Coverage of the intervals, errors of the tests.")
    parser.add_argument("--sets", type=int, default=1000, help="data sets per case and size")
    parser.add_argument("--jobs", type=int, default=1, help="processes at once")
    parser.add_argument(
        "--rows", type=Path, help="keep every number in this file; what it has already is not computed again"
    )
    parser.add_argument("--write", action="store_true", help="write the tables into docs/metrics.md")
    arguments = parser.parse_args()
    found = Found(arguments.sets, arguments.rows)
    found.read()
    between = [one for one in calibration.BETWEEN if one not in {row.between for row in found.covered}]
    with ProcessPoolExecutor(arguments.jobs) as pool:
        cases = [pool.submit(of_case, case, n, arguments.sets) for case, n in open_tasks(found)]
        over = [pool.submit(calibration.calibration_study, arguments.sets, one) for one in between]
        for task in as_completed([*cases, *over]):
            found.add(task.result())
    lines = tables.all_tables(*found.in_order(), arguments.sets)
    print("\n".join([*lines, "", "outside the bounds:", *tables.weak(found.rows)]))
    if arguments.write:
        tables.write(lines)


if __name__ == "__main__":
    main()
