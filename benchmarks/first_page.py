"""How long the first page takes: `python -m benchmarks.first_page [--times 3]`.

Cold: a new server on an empty store, from the first request to a page that can be used; the example runs are taken in on the
way. Warm: the same page in a fresh browser on the same server. Both are medians; the limits are 3 s and 1 s.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser

from tests.browser import chromium, server, settled, watched

COLD, WARM = 3.0, 1.0


def seconds(browser: Browser, address: str) -> float:
    """From the request to a page that is drawn."""
    page, wrong = watched(browser, address)
    start = time.monotonic()
    page.goto(address)
    settled(page)
    taken = time.monotonic() - start
    assert not wrong, wrong
    page.context.close()
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3)
    times = parser.parse_args().times
    up, cold, warm = [], [], []
    with chromium() as browser:
        for _ in range(times):
            with (
                tempfile.TemporaryDirectory() as folder,
                server(Path(folder), FAIRPRUNE_EXAMPLES="1") as (address, started),
            ):
                up.append(started)
                cold.append(seconds(browser, address))
                warm += [seconds(browser, address) for _ in range(times)]
    load = os.getloadavg()[0]
    print(f"server up after       {median(up):.2f} s")
    print(
        f"first page, cold      {median(cold):.2f} s (limit {COLD:.0f} s), {min(cold):.2f} to {max(cold):.2f}"
    )
    print(
        f"first page, warm      {median(warm):.2f} s (limit {WARM:.0f} s), {min(warm):.2f} to {max(warm):.2f}"
    )
    print(
        f"load of the machine   {load:.1f} on {os.cpu_count()} cores; {times} servers, {len(warm)} warm pages"
    )


if __name__ == "__main__":
    main()
