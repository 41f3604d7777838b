"""Pictures of every page from a stored run: `python docs/screenshots.py [RUN] [--out docs/screenshots]` (or `make screenshots`).

Without RUN the newest finished run of this FAIRPRUNE_HOME is shown; where there is none, one is made first:
Wanda at 40 % on the packaged model and `products`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from fairprune.paths import home  # noqa: E402
from fairprune.store import open_store  # noqa: E402
from tests.browser import chromium, server, settled, watched  # noqa: E402

PAGES = (
    ("start", ""),
    ("prune", "Prune"),
    ("summaries", "Summaries"),
    ("layers", "Layers"),
    ("fairness", "Fairness"),
)
FIRST_RUN = [
    "--model",
    "smollm2-135m",
    "--method",
    "wanda",
    "--sparsity",
    "0.4",
    "--corpus",
    "products",
    "--samples",
    "12",
]


def newest() -> str | None:
    with open_store() as store:
        done = store.runs("done", limit=1)
    return done[0].id if done else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", nargs="?")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "screenshots")
    parser.add_argument("--width", type=int, default=1400)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--whole", action="store_true", help="the whole page, not one window of it")
    arguments = parser.parse_args()
    run = arguments.run or newest()
    if run is None:
        subprocess.run([sys.executable, "-m", "fairprune", "run", *FIRST_RUN], check=True, cwd=ROOT)
        run = newest()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with server(home()) as (address, _), chromium() as browser:
        for name, path in PAGES:
            height = 2600 if arguments.whole else 950
            page, wrong = watched(browser, address, width=arguments.width, height=height, dark=arguments.dark)
            page.goto(f"{address}/{path}?run={run}" if path else address)
            settled(page)
            page.wait_for_timeout(1500)  # figures draw after the page
            page.screenshot(path=str(arguments.out / f"{name}.png"))
            page.context.close()
            for line in wrong:
                print(f"{name}: {line}", file=sys.stderr)


if __name__ == "__main__":
    main()
