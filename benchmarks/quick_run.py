"""The whole job as a new user runs it: `run --preset quick`, hgla on movies, assets present, nothing else cached.

    python -m benchmarks.quick_run [--method hgla] [--corpus movies]

Prints wall time, the peak of the memory of all processes together, and the share of the run's time that is neither
statistics nor prefill nor decoding, each beside its limit.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from fairprune import assets
from fairprune.paths import home

CORE = ("dense summaries", "statistics", "pruned summaries")


def tree_bytes(process: psutil.Process) -> int:
    """Memory of a process, its descendants, and the detached worker that it started, without pages counted twice."""
    total = 0
    mine = os.environ["FAIRPRUNE_HOME"]
    for one in psutil.process_iter():
        try:
            if one.pid == process.pid or one.environ().get("FAIRPRUNE_HOME") == mine:
                total += one.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", default="hgla")
    parser.add_argument("--corpus", default="movies")
    parser.add_argument("--dtype", default="auto")
    arguments = parser.parse_args()
    assets.ensure_all()
    packaged = home() / "assets"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "assets").symlink_to(packaged)
        os.environ["FAIRPRUNE_HOME"] = folder
        os.environ["FAIRPRUNE_WORKER_IDLE"] = "5"
        out = Path(folder) / "result.json"
        command = [sys.executable, "-m", "fairprune", "run", "--model", "smollm2-135m", "--preset", "quick"]
        command += ["--method", arguments.method, "--corpus", arguments.corpus, "--sparsity", "0.5"]
        command += ["--dtype", arguments.dtype, "--json", str(out)]
        start = time.perf_counter()
        run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        watched, peak = psutil.Process(run.pid), 0
        while run.poll() is None:
            peak = max(peak, tree_bytes(watched))
            time.sleep(1)  # reading every process's pages costs time itself
        wall = time.perf_counter() - start
        if run.returncode:
            raise SystemExit(f"the run ended with exit code {run.returncode}")
        seconds = json.loads(out.read_text())["seconds"]
    core = sum(seconds[stage] for stage in CORE)
    if arguments.method == "wanda":
        core += seconds["pruning"]  # its statistics are collected block by block while it prunes
    for stage, value in seconds.items():
        print(f"  {stage:18} {value:7.1f} s")
    print(f"wall time          {wall:7.1f} s   (under 600)")
    print(f"peak memory        {peak / 1e9:7.2f} GB  (under 4)")
    print(
        f"neither statistics, prefill nor decoding {wall - core:.1f} s, {(wall - core) / wall:.1%}   (at most 10 %)"
    )


if __name__ == "__main__":
    main()
