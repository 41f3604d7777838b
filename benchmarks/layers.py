"""The page Layers at the size of large models: what a figure costs, what a browser takes to draw it, what masks cost.

    python -m benchmarks.layers [--method wanda] [--repeat 3]

Prints, for 32 and 80 blocks of seven projections: seconds until the figure is made on the server and as JSON, and until
headless Chromium has drawn it. Then, on the packaged model: pruning with and without the details of every matrix, their size,
and the overlap of two runs' masks. Each number stands beside its limit.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import plotly.offline
import torch

from fairprune import assets, catalogue, mask_files
from fairprune.allocation import Target
from fairprune.charts_layers import layer_heatmap
from fairprune.layer_cells import MEASURES, measure_cells
from fairprune.mask_details import describer
from fairprune.mask_overlap import overlaps, total
from fairprune.mask_record import competition
from fairprune.methods import get_method
from fairprune.models import load
from fairprune.prune import Calibration, LayerPruned, prune
from fairprune.structure import attention_of
from tests.browser import chromium

KINDS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
FIGURE_SECONDS, SHARE, OVERLAP_SECONDS = 1.0, 0.05, 1.0


def matrices(blocks: int) -> list[dict[str, Any]]:
    """A made-up sparsity report."""
    draw = random.Random(0)
    return [
        {
            "name": f"model.layers.{block}.{kind}",
            "block": block,
            "kind": kind,
            "rows": 4096,
            "columns": 4096,
            "asked": 0.5,
            "achieved": draw.random(),
            "row_min": 0.25,
            "row_max": 0.75,
            "column_spread": 0.1,
            "dead_columns": 2,
            "score_removed": draw.random(),
        }
        for block in range(blocks)
        for kind in KINDS
    ]


def seconds(work: Callable[[], object], repeat: int) -> float:
    """The median of several times."""
    found = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def figures(repeat: int) -> None:
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        script = Path(folder) / "page.html"
        script.write_text(
            f"<html><head><script>{plotly.offline.get_plotlyjs()}</script></head>"
            "<body><div id='plot' style='width:1200px'></div></body></html>",
            encoding="utf-8",
        )
        page = browser.new_page()
        page.goto(script.as_uri())
        for blocks in (32, 80):
            report = matrices(blocks)

            def make(report: list[dict[str, Any]] = report) -> str:
                cells = measure_cells(report, "score_removed")
                return str(layer_heatmap(cells, MEASURES["score_removed"], (3, "q_proj")).to_json())

            make()  # imports plotly
            made = seconds(make, repeat)
            drawn = statistics.median(
                page.evaluate(
                    """async figure => {
                        const start = performance.now();
                        await Plotly.newPlot('plot', figure.data, figure.layout);
                        await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
                        return (performance.now() - start) / 1000;
                    }""",
                    json.loads(make()),
                )
                for _ in range(repeat)
            )
            print(
                f"{blocks} × {len(KINDS)} cells: made in {made:.3f} s (limit {FIGURE_SECONDS:g}), "
                f"drawn in {drawn:.3f} s, {len(make()) / 1e3:.0f} kB"
            )


def masks(name: str, repeat: int) -> None:
    method = get_method(name)
    options = method.parse_options({})
    folder = catalogue.fetch(catalogue.resolve("smollm2-135m"), print)
    ids = torch.randint(4, 40_000, (16, 128), generator=torch.Generator().manual_seed(0))
    times: dict[bool, list[float]] = {False: [], True: []}
    size, spent = 0, 0.0
    kept: dict[str, Any] = {}
    columns: dict[str, int] = {}
    for _ in range(repeat):
        for described in (False, True):
            loaded = load(folder)
            inner = describer(attention_of(loaded.model.config), competition(method, options, None))
            looks: list[float] = []

            def describe(one: Any, inner: Any = inner, looks: list[float] = looks) -> dict[str, Any]:
                start = time.thread_time()
                found: dict[str, Any] = inner(one)
                looks.append(time.thread_time() - start)
                return found

            size = 0
            start = time.perf_counter()
            events = prune(
                loaded, method, options, Target(0.5), Calibration(ids), None, describe if described else None
            )
            for event in events:
                if isinstance(event, LayerPruned) and described:
                    kept[event.report.name] = mask_files.pack(event.keep.numpy())
                    columns[event.report.name] = event.report.columns
                    size += len(json.dumps(event.details))
            times[described].append(time.perf_counter() - start)
            spent = sum(looks)
    without, with_ = (statistics.median(times[described]) for described in (False, True))
    print(
        f"{name} on 106 M weights, 16 windows of 128 tokens: {without:.2f} s without, {with_:.2f} s with details; "
        f"the details take {spent:.2f} s of processor time, {spent / torch.get_num_threads() / without:.1%} of it on "
        f"{torch.get_num_threads()} threads (limit {SHARE:.0%}); {size / 1e3:.0f} kB of JSON for {len(kept)} matrices"
    )
    write = seconds(lambda: mask_files.write("0" * 16, kept, columns), repeat)
    mask_files.write("1" * 16, kept, columns)

    def compare() -> None:
        with mask_files.opened("0" * 16) as a, mask_files.opened("1" * 16) as b:
            assert total(overlaps(a, b).values()).kept_jaccard == 1

    print(
        f"masks: {mask_files.path_of('0' * 16).stat().st_size / 1e6:.1f} MB written in {write:.3f} s; overlap of two runs "
        f"in {seconds(compare, repeat):.3f} s (limit {OVERLAP_SECONDS:g})"
    )
    mask_files.remove("0" * 16)
    mask_files.remove("1" * 16)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", default="wanda")
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    assets.ensure_all()
    figures(arguments.repeat)
    masks(arguments.method, arguments.repeat)


if __name__ == "__main__":
    main()
