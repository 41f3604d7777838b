"""How time and memory of the statistics and masks grow with the number of windows and with the width: log-log fits.

    python -m benchmarks.scaling [--rounds 3]

Every point is a process of its own that prunes a random Llama by HGLA, so that its peak memory is its own; time is that
of the statistics and masks alone. A slope of 1 is linear, of 2 quadratic. Memory is the peak above what the process
holds once it has loaded the model.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
import transformers
from scipy.stats import linregress
from transformers import LlamaConfig, LlamaForCausalLM

from fairprune.accelerator import HOST, peak_bytes, reset_peak
from fairprune.allocation import Target
from fairprune.methods import get_method
from fairprune.models import load
from fairprune.prune import Calibration, prune

WINDOWS = (4, 8, 16, 32, 64)
WIDTHS = (256, 384, 512, 768, 1024)
TOKENS, BLOCKS, VOCABULARY = 128, 4, 2000


def make(folder: Path, width: int) -> None:
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=width,
        intermediate_size=3 * width,
        num_hidden_layers=BLOCKS,
        num_attention_heads=width // 64,
        num_key_value_heads=width // 64,
        max_position_embeddings=TOKENS,
    )
    transformers.logging.disable_progress_bar()
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(folder)


def point(folder: Path, windows: int) -> dict[str, float]:
    """Seconds, and bytes above those of the loaded model."""
    loaded = load(folder)
    ids = torch.randint(3, VOCABULARY, (windows, TOKENS), generator=torch.Generator().manual_seed(0))
    loaded.model(input_ids=ids[:1, :8])  # first-call costs belong to nobody; weights are in memory now
    for parameter in loaded.model.parameters():
        parameter.sum()
    reset_peak(HOST)
    before = peak_bytes(HOST)
    method = get_method("hgla")
    start = time.perf_counter()
    for _ in prune(loaded, method, method.parse_options({}), Target(0.5), Calibration(ids)):
        pass
    return {"seconds": time.perf_counter() - start, "bytes": peak_bytes(HOST) - before}


def measured(folder: Path, windows: int, rounds: int) -> dict[str, float]:
    """The median of several processes."""
    command = [sys.executable, "-m", "benchmarks.scaling", "--point", str(folder), str(windows)]
    found = [
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for _ in range(rounds)
    ]
    return {key: statistics.median(one[key] for one in found) for key in ("seconds", "bytes")}


def fit(name: str, sizes: tuple[int, ...], rows: list[dict[str, float]]) -> None:
    for size, row in zip(sizes, rows, strict=True):
        print(f"  {name} {size:5}: {row['seconds']:7.2f} s, {row['bytes'] / 1e6:7.1f} MB")
    for key in ("seconds", "bytes"):
        logs = [[math.log(size) for size in sizes], [math.log(row[key]) for row in rows]]
        line = linregress(*logs)
        print(
            f"{key} grow with {name}^{line.slope:.2f} (± {1.96 * line.stderr:.2f}), r² {line.rvalue**2:.3f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--point", nargs=2)
    arguments = parser.parse_args()
    if arguments.point:
        folder, windows = arguments.point
        print(json.dumps(point(Path(folder), int(windows))))
        return
    with tempfile.TemporaryDirectory() as home:
        folders = {width: Path(home) / str(width) for width in WIDTHS}
        for width, folder in folders.items():
            make(folder, width)
        print(f"{BLOCKS} blocks, windows of {TOKENS} tokens, float32, {torch.get_num_threads()} threads")
        fit(
            "windows",
            WINDOWS,
            [measured(folders[512], count, arguments.rounds) for count in WINDOWS],
        )
        fit("width", WIDTHS, [measured(folders[width], 8, arguments.rounds) for width in WIDTHS])


if __name__ == "__main__":
    main()
