"""How long Explore live takes: from the question to masks and overlap, and to perplexity, on the packaged model.

    python -m benchmarks.explore [--rounds 3] [--keep FOLDER]

In a fresh home two short runs leave statistics of the last token's and of all tokens' loss; then the explorer is asked as a page
asks, through the store. Cold: no worker lives. Warm: model and statistics are in memory. Limits: 5 s and 15 s.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import psutil

from fairprune import assets, jobs
from fairprune.exploration import ExploreSpec, Ground, grounds, live_pruning, offered
from fairprune.paths import home
from fairprune.plan import plan_run
from fairprune.store import Exploration, Store, open_store

ASKER = "benchmark"


def leave_statistics(store: Store) -> Ground:
    """Two runs on the same windows; both keep what they collected."""
    for method, options in (("hgla", {}), ("gblm", {"propagate": "dense"})):
        spec = plan_run(
            model="smollm2-135m", method=method, options=options, samples=2, max_new_tokens=8, batch_size=2
        )
        run, _ = jobs.submit(spec, store)
        for seen in jobs.follow(run.id, poll=1.0, store=store):
            last = seen
        if last.state != "done":
            raise SystemExit(f"the run of {method} ended as {last.state}: {last.error}")
    return grounds(store)[0]


def ask(store: Store, spec: ExploreSpec) -> tuple[Exploration, float, float]:
    """The answer, and the seconds until masks and until perplexity could be read from the store."""
    start = time.perf_counter()
    number = jobs.explore(spec, ASKER, store)
    masks = None
    while True:
        found = store.exploration(number)
        assert found is not None
        if masks is None and found.masks is not None:
            masks = time.perf_counter() - start
        if found.ended:
            if found.state != "done" or masks is None:
                raise SystemExit(f"{found.state}: {found.error}")
            return found, masks, time.perf_counter() - start
        time.sleep(0.05)


def explorer() -> psutil.Process:
    """The process that answers."""
    for one in psutil.process_iter():
        try:
            mine = one.environ().get("FAIRPRUNE_HOME") == os.environ["FAIRPRUNE_HOME"]
            if mine and "fairprune.worker" in one.cmdline():
                return one
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    raise SystemExit("the explorer has ended")


def processor_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def measure(store: Store, rounds: int) -> None:
    ground = leave_statistics(store)
    worker = store.worker("cpu")
    if worker is not None and psutil.pid_exists(worker.pid):
        process = psutil.Process(worker.pid)
        process.terminate()  # cold: nobody lives
        psutil.wait_procs([process], 10)

    def spec(method: str, **more: object) -> ExploreSpec:
        amount = more or {"sparsity": 0.5}
        pruning = live_pruning(method, ground.kinds, **amount)
        before = live_pruning(method, ground.kinds, sparsity=0.45)
        return ExploreSpec(run=ground.run.spec, place=ground.place, pruning=pruning, other=before)

    methods = list(offered(ground.kinds)[0])
    _, masks, whole = ask(store, spec(methods[0]).model_copy(update={"other": None}))
    print(f"cold start: masks {masks:.1f} s, perplexity {whole:.1f} s")
    print(f"{'warm (median, worst)':24} masks, overlap   perplexity   processors   ratio", flush=True)
    process = explorer()
    cells = [(name, {"sparsity": 0.5}) for name in methods]
    cells += [("wanda", {"pattern": "2:4"}), ("wanda", {"sparsity": 0.5, "allocation": "owl"})]
    for name, amount in cells:
        ask(store, spec(name, sparsity=0.45))  # the setting before: its masks are remembered
        before = processor_seconds(process)
        taken = [ask(store, spec(name, **amount)) for _ in range(rounds)]
        processors = (processor_seconds(process) - before) / rounds
        title = f"{name} {amount.get('pattern') or ''} {amount.get('allocation') or ''}".strip()
        middle = [statistics.median(row[place] for row in taken) for place in (1, 2)]
        worst = [max(row[place] for row in taken) for place in (1, 2)]
        ratio = taken[0][0].perplexity["ratio"]
        print(
            f"{title:24} {middle[0]:5.2f} ({worst[0]:5.2f})   {middle[1]:5.2f} ({worst[1]:5.2f})   {processors:5.2f}   {ratio:10.4g}",
            flush=True,
        )
    print(
        f"memory of the explorer: {process.memory_full_info().pss / 1e9:.2f} GB, of which "
        f"{process.memory_info().shared / 1e9:.2f} GB are pages of files (weights, statistics, libraries)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="a folder for the home, which is kept")
    arguments = parser.parse_args()
    assets.ensure_all()
    packaged = home() / "assets"
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "assets").exists():
            (folder / "assets").symlink_to(packaged)
        os.environ["FAIRPRUNE_HOME"] = str(folder.resolve())
        os.environ["FAIRPRUNE_WORKER_IDLE"] = os.environ["FAIRPRUNE_EXPLORER_IDLE"] = "10"
        with open_store() as store:
            measure(store, arguments.rounds)
            deadline = time.monotonic() + 60
            while store.worker("cpu") is not None and time.monotonic() < deadline:
                time.sleep(0.5)


if __name__ == "__main__":
    main()
