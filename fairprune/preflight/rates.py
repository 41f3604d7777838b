"""How fast this machine works: measured on earlier runs of the same device, or, before the first one, on one small product.

Rates come from what every run stores: the seconds of its stages, and the facts of its generation. A stage whose result was read from disk
is not counted as work.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from fairprune.methods import get_method
from fairprune.preflight.asked import statistics_kinds
from fairprune.preflight.shapes import ITEM_BYTES
from fairprune.store import Chosen, Run, Store
from fairprune.text import counted

MOST_RUNS = 20
"""The latest runs of this machine that are looked at."""
LEAST_WEIGHTS = 10**7
"""Prunable weights of a model whose runs say how fast the machine is: of smaller ones the calls themselves take most of the time."""
OWN_SPREAD = (0.5, 2.0)
"""Least and most that is told around the middle of own runs: the same step differs that much between two runs."""
OTHER_FORMAT = (0.3, 3.0)
"""The same where the runs were of another number format."""
BARE = (0.3, 3.0)
"""The same where nothing but a product of two matrices was measured."""
PROBE_SIDE, PROBE_SECONDS = 512, 0.1
SHARES = {"float32": (0.5, 0.35), "bfloat16": (2.0, 1.0), "other": (0.1, 0.07)}
"""Passes without and with gradients of the packaged model, as shares of the product's speed; 'bfloat16' with instructions for it (measured
with AVX512-BF16, one thread: 2.4 and 1.0)."""
CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Rates:
    """Speed of one device with one number format."""

    forward: float
    """FLOP a second of passes without gradients."""
    gradient: float
    """FLOP a second of forward and backward passes."""
    decode: float
    """Bytes of weights a second that decoding reads: a step reads all of them once for the whole batch."""
    mask: float
    """Weights a second that are scored and masked."""
    solve: float
    """FLOP a second of methods that update what they keep."""
    start: float
    """Seconds before the first pass: processes, imports, weights, opinions, windows."""
    scoring: float
    """Seconds of the stage `metrics`."""
    low: float
    high: float
    """What the middle is multiplied with for the ends of the range."""
    rests_on: str
    """For a person."""


def rates(store: Store | None, device: str, dtype: str) -> Rates | None:
    """The rates of this device; None for an accelerator that nothing has run on."""
    here = Chosen(states=("done",), origin="here")  # other runs show how fast another machine is
    latest = store.find_runs(here, limit=MOST_RUNS).runs if store is not None else ()
    runs = [run for run in latest if run.spec.device == device]
    samples = _samples(store, runs) if store is not None else []
    same = [values for format_, values in samples if format_ == dtype]
    chosen, spread = (same, OWN_SPREAD) if same else ([values for _, values in samples], OTHER_FORMAT)
    if not chosen and device != "cpu":
        return None
    base = bare_rates(dtype) if device == "cpu" else None
    if not chosen:
        return base
    found = {name: [values[name] for values in chosen if name in values] for name in FIELDS}
    middle = {name: median(values) for name, values in found.items() if values}
    if base is not None:
        scale = middle["forward"] / base.forward if "forward" in middle else 1.0
        middle = {
            **{name: getattr(base, name) * (scale if name in SPEEDS else 1) for name in FIELDS},
            **middle,
        }
    elif (filled := _filled(middle)) is not None:
        middle = filled
    else:
        return None
    ratios = [middle["forward"] / value for value in found["forward"]]
    ratios += [middle["gradient"] / value for value in found["gradient"]]
    low, high = min([spread[0], *ratios]), max([spread[1], *ratios])
    count = f"{counted(len(chosen), 'finished run')} on {device}"
    known = f" in {dtype}" if same else ", of another number format"
    return Rates(**middle, low=low, high=high, rests_on=f"measured on {count}{known}")


FIELDS = ("forward", "gradient", "decode", "mask", "solve", "start", "scoring")
SPEEDS = ("forward", "gradient", "decode", "mask", "solve")


def _filled(known: Mapping[str, float]) -> dict[str, float] | None:
    """Rates of an accelerator where not all were seen: those of related work; None where no pass was seen at all."""
    passes = known.get("forward", known.get("gradient"))
    if passes is None:
        return None
    return {
        "forward": passes,
        "gradient": passes,
        "decode": passes / 100,  # decoding reads a byte where a pass does about a hundred operations on it
        "mask": passes / 1000,
        "solve": passes / 20,
        "start": 20.0,
        "scoring": 10.0,
        **known,
    }


def _samples(store: Store, runs: list[Run]) -> list[tuple[str, dict[str, float]]]:
    """(number format, rates) of each run that says something."""
    ids = [run.id for run in runs]
    kinds = {
        kind: store.results(kind, ids) for kind in ("sparsity", "generation", "perplexity", "statistics")
    }
    found = []
    for run in runs:
        parts = {kind: values[run.id] for kind, values in kinds.items() if run.id in values}
        systems = parts.get("generation", {}).get("systems", {})
        if "sparsity" in parts and "pruned" in systems and parts["sparsity"]["weights"] >= LEAST_WEIGHTS:
            values = dict(_rates_of(run, parts, systems))
            found.append((str(systems["pruned"]["dtype"]), values))
    return found


def _rates_of(
    run: Run, parts: Mapping[str, dict[str, Any]], systems: Mapping[str, dict[str, Any]]
) -> Iterator[tuple[str, float]]:
    """The rates that one run shows."""
    seconds, weights = run.seconds, int(parts["sparsity"]["weights"])
    outside = int(parts["sparsity"]["model_parameters"]) - weights
    pruned = systems["pruned"]
    pass_flops = 2.0 * weights
    forward = None
    texts = parts.get("perplexity", {}).values()
    tokens = sum(text["pruned"]["windows"] * text["pruned"]["window_tokens"] for text in texts)
    rest = seconds.get("pruned summaries", 0.0) - pruned["seconds"]
    if tokens and rest > 0.05:
        forward = tokens * 2.0 * (weights + outside) / rest
        yield "forward", forward
    calibration = run.spec.calibration
    seen = calibration.samples * calibration.seqlen
    kinds = statistics_kinds(run.spec) or ()
    if parts.get("statistics", {}).get("reused") is False and seconds.get("statistics", 0.0) > 0.05:
        losses = len([kind for kind in kinds if "/" in kind])
        yield (
            ("gradient" if losses else "forward"),
            seen * pass_flops * (1 + 2 * losses) / seconds["statistics"],
        )
    if pruned["tokens"] >= 8 * max(1, run.spec.evaluation.samples or 1) and forward is not None:
        rows = -(-(run.spec.evaluation.samples or pruned["batch_size"]) // pruned["batch_size"])
        steps = pruned["tokens"] / max(1, run.spec.evaluation.samples or 1) * rows
        left = pruned["seconds"] - pruned["prompt_tokens"] * pass_flops / forward
        size = (weights + outside) * ITEM_BYTES.get(pruned["dtype"], 4)
        yield "decode", steps * size / max(left, 0.2 * pruned["seconds"])
    method = get_method(run.spec.pruning.method)
    if "pruning" in seconds:
        walk = 0.0
        if method.propagation(method.parse_options(run.spec.pruning.options)) == "pruned" and method.needs:
            walk = 0.0 if forward is None else 2 * seen * pass_flops / forward
        left = seconds["pruning"] - walk
        if method.solves:
            flops = solve_flops([(m["rows"], m["columns"]) for m in parts["sparsity"]["matrices"]])
            yield "solve", flops / max(left, 0.3 * seconds["pruning"])
        elif left > 0.3 * seconds["pruning"]:
            yield "mask", weights / left
    early = sum(seconds.get(stage, 0.0) for stage in ("model", "opinions", "calibration"))
    if run.started is not None and run.finished is not None:
        early += max(0.0, (run.finished - run.started).total_seconds() - sum(seconds.values()))
    yield "start", early
    if "metrics" in seconds:
        yield "scoring", seconds["metrics"]


def solve_flops(matrices: list[tuple[int, int]]) -> float:
    """Work of SparseGPT on matrices (out, in): the update of all columns to the right, and three factorisations."""
    return float(sum(rows * columns**2 + columns**3 for rows, columns in matrices))


def bare_rates(dtype: str) -> Rates:
    """Rates of a CPU that has run nothing yet, from the speed of one float32 product.

    Shares of that speed are those of the packaged model on one machine; the range is wide for that.
    """
    product = product_rate()
    forward, gradient = SHARES["float32" if dtype == "float32" else "other"]
    if dtype == "bfloat16" and _multiplies_bfloat16():
        forward, gradient = SHARES["bfloat16"]
    return Rates(
        forward=forward * product,
        gradient=gradient * product,
        decode=2.5e9,
        mask=4e7,
        solve=product / 20,
        start=8.0,
        scoring=5.0,
        low=BARE[0],
        high=BARE[1],
        rests_on="no run of a real model is stored yet: from one product of two matrices on this CPU, so the range is wide",
    )


@functools.cache
def product_rate() -> float:
    """FLOP a second of float32 products on all threads that torch will have; measured once per process, for about 0.1 s.

    One thread is measured and counted as often as there are threads: where other programs hold the cores, several threads wait
    for one another in every product of numpy (of 120 GFLOP a second 5 were left at a load of 10 on two cores).
    """
    from threadpoolctl import threadpool_limits

    one = np.random.default_rng(0).random((PROBE_SIDE, PROBE_SIDE), dtype=np.float32)
    with threadpool_limits(1):
        one @ one  # the first call loads the library
        best, end = 0.0, time.perf_counter() + PROBE_SECONDS
        while time.perf_counter() < end or best == 0.0:
            start = time.perf_counter()
            one @ one
            best = max(best, 2.0 * PROBE_SIDE**3 / (time.perf_counter() - start))
    return best * threads()


def threads() -> int:
    """Threads of a worker: those of OMP_NUM_THREADS, else the cores that this process may use."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isascii() and asked.isdecimal() and int(asked):
        return int(asked)
    cores = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))(0)
    return max(1, len(cores))


@functools.cache
def _multiplies_bfloat16() -> bool:
    """Whether the CPU has instructions for bfloat16; without them it multiplies five times slower than float32."""
    if not CPUINFO.is_file():
        return False
    text = CPUINFO.read_text(encoding="utf-8", errors="replace")
    return any(flag in text for flag in ("avx512_bf16", "amx_bf16", " bf16"))
