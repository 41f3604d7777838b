"""How long every page takes on a store of many runs: `python -m benchmarks.pages [--runs 1000] [--samples 200] [--times 3]`.

Makes the store (`benchmarks.big_store`; `--home` takes one that is there), starts the real server, opens every page in headless
Chromium and prints: seconds until the last element has come (nothing skeletal, nothing stale, the script at rest), in a fresh
profile (cold) and again in the same browser (warm, the middle of `--times`); the processor time of the server and of the browser
for a warm page, which say more than the clock where other work shares the machine; the SQL statements of a warm page, and the one
that it sends most often. Then ten sessions at once, each on a page of its own: clients that speak the browser's protocol and draw
nothing, since ten browsers on one machine would measure themselves. Every number stands beside its limit.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil
from playwright.sync_api import Browser

from benchmarks.big_store import fill
from benchmarks.client import Client
from benchmarks.counted import FILE
from fairprune.store import open_store
from tests.browser import chromium, server, settled, watched

COLD_FIRST, WARM_FIRST, ANY, TOGETHER = 3.0, 1.0, 2.0, 4.0
"""Limits in seconds: the first page on a new server and again; any page of the store; any page among ten sessions at once."""
SESSIONS = 10


@dataclass(frozen=True)
class Cost:
    """What one opening of a page took."""

    seconds: float
    server: float
    """Processor seconds of the server."""
    browser: float
    """Processor seconds of all processes of the browser."""
    statements: Counter[str]


@dataclass
class Server:
    address: str
    process: psutil.Process
    log: Path

    def processor(self) -> float:
        return used(self.process)


def used(process: psutil.Process) -> float:
    """Processor seconds of a process so far; 0 of one that has ended."""
    try:
        found = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(found.user + found.system)


def browsers() -> dict[int, float]:
    """Id of every process of Chromium that this one started → its processor seconds so far."""
    found = psutil.Process().children(recursive=True)
    return {one.pid: used(one) for one in found if "chrom" in one.name()}


def pages(run: str, other: str, sweep: str) -> dict[str, str]:
    """Name → path of every page, as somebody has it open."""
    return {
        "Start": "",
        "Prune, one run": "Prune?mode=run",
        "Prune, a run": f"Prune?run={run}",
        "Prune, sweep": "Prune?mode=sweep",
        "Trade-offs": "Trade-offs",
        "Trade-offs, a sweep": f"Trade-offs?of=sweep:{sweep}",
        "Summaries": f"Summaries?run={run}",
        "Summaries, two runs": f"Summaries?run={run}&with={other}",
        "Summaries, drag": f"Summaries?run={run}&view=drag",
        "Layers": f"Layers?run={run}",
        "Layers, two runs": f"Layers?run={run}&other={other}&view=difference",
        "Fairness": f"Fairness?run={run}",
        "Runs": "Runs",
        "Runs, found": "Runs?text=wanda&sort=uer",
    }


def stored(home: Path) -> tuple[str, str, str]:
    """A run of the store, another one of the same opinion sets, and a sweep."""
    with open_store(f"sqlite:///{home / 'fairprune.db'}") as store:
        run, other = (one.id for one in store.runs("done", limit=2))
        return run, other, store.sweeps()[0].id


@contextmanager
def counted(home: Path) -> Iterator[Server]:
    """A new server on this home folder whose statements are written down."""
    log = home / "statements.txt"
    log.write_text("")
    with server(home, module="benchmarks.counted", **{FILE: str(log), "FAIRPRUNE_EXAMPLES": "0"}) as (
        address,
        _,
    ):
        (process,) = [
            child for child in psutil.Process().children() if "benchmarks.counted" in child.cmdline()
        ]
        yield Server(address, process, log)


def opened(browser: Browser, served: Server, path: str, times: int) -> list[Cost]:
    """A page in a fresh profile, and then again in the same browser: the first is cold, the others are warm."""
    page, wrong = watched(browser, served.address)
    found = []
    for _ in range(1 + times):
        before, worked, size = served.processor(), browsers(), served.log.stat().st_size
        start = time.monotonic()
        page.goto(f"{served.address}/{path}")
        settled(page)
        taken = time.monotonic() - start
        work = sum(now - worked.get(pid, 0.0) for pid, now in browsers().items())
        found.append(Cost(taken, served.processor() - before, work, statements(served.log, size)))
    assert not wrong, (path, wrong)
    page.context.close()
    return found


def statements(log: Path, since: int) -> Counter[str]:
    """SQL statements from this place of the file on, and how often each was sent."""
    with log.open(encoding="utf-8") as lines:
        lines.seek(since)
        return Counter(line.strip() for line in lines if not line.startswith(("BEGIN", "PRAGMA")))


def session(address: str, path: str) -> float:
    """Seconds until the server has sent a whole page to a browser that only listens."""
    client = Client(address, path)
    try:
        return client.open()
    finally:
        client.close()


def line(name: str, found: list[Cost], limit: float) -> str:
    cold, warm = found[0], found[1:]
    seconds = median(one.seconds for one in warm)
    sent = warm[-1].statements
    text, most = sent.most_common(1)[0] if sent else ("", 0)
    again = f"{most} × {text[:60]}" if most > 3 else ""
    return (
        f"{name:20} {cold.seconds:6.2f} {seconds:6.2f}{' over' if seconds > limit else '':5} "
        f"{median(one.server for one in warm):6.2f} {median(one.browser for one in warm):7.2f} {sum(sent.values()):5}  {again}"
    )


def measure(home: Path, times: int) -> None:
    paths = pages(*stored(home))
    with chromium() as browser, counted(home) as served:
        first, *again = opened(browser, served, "", times)
        warm = median(one.seconds for one in again)
        print(
            f"first page of a new server {first.seconds:.2f} s (limit {COLD_FIRST:.0f} s), of it the server {first.server:.2f} s"
        )
        print(
            f"first page again           {warm:.2f} s (limit {WARM_FIRST:.0f} s), of it the server {again[-1].server:.2f} s"
        )
        print(f"{'seconds':20} {'cold':>6} {'warm':>6} (≤{ANY:.0f}) {'server':>6} {'browser':>7} {'SQL':>5}")
        for name, path in paths.items():
            print(line(name, opened(browser, served, path, times), ANY), flush=True)


def together(home: Path) -> None:
    """Ten sessions ask the server for a page each at the same time: first on a new server, then again."""
    paths = list(pages(*stored(home)).values())[-SESSIONS:]
    with counted(home) as served, ThreadPoolExecutor(SESSIONS) as pool:
        for turn in ("new server", "again", "again"):
            before = served.processor()
            taken = list(pool.map(lambda path: session(served.address, path), paths))
            work = served.processor() - before
            print(
                f"{SESSIONS} sessions at once, {turn}: slowest {max(taken):.2f} s, middle {median(taken):.2f} s "
                f"(limit {TOGETHER:.0f} s), {work:.1f} s of the server's processor"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--home", type=Path, help="a folder with such a store")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = arguments.home or Path(folder)
        if not (home / "fairprune.db").exists():
            start = time.monotonic()
            with open_store(f"sqlite:///{home / 'fairprune.db'}") as store:
                fill(store, arguments.runs, arguments.samples)
            print(
                f"{arguments.runs:,} runs × {arguments.samples} samples written in {time.monotonic() - start:.0f} s"
            )
        measure(home, arguments.times)
        together(home)
    print(f"load of the machine    {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
