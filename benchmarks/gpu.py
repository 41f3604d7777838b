"""Wall time and peak memory of every pruning method on a card, next to the bare passes of the same model.

    python -m benchmarks.gpu --model MODEL [--device cuda] [--methods wanda,hgla,…] [--windows 8] [--tokens 512]
                             [--placement resident|streamed|both]

MODEL is a catalogue name, hub id or folder. Memory is what tensors had on the device at most; on a CPU it is that of the whole
process. The bare passes need the whole model and its gradients there.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch.nn.functional import cross_entropy

from fairprune import catalogue
from fairprune.accelerator import free_bytes, peak_bytes, release, reset_peak, wait
from fairprune.allocation import Target
from fairprune.errors import Unavailable
from fairprune.methods import METHODS, get_method
from fairprune.models import LoadedModel, Placement, load
from fairprune.prune import Calibration, prune

GIB = 2**30


def bare_forward(loaded: LoadedModel, ids: torch.Tensor) -> None:
    with torch.no_grad():
        for window in ids:
            loaded.model(input_ids=window[None].to(loaded.device), use_cache=False)


def bare_forward_backward(loaded: LoadedModel, ids: torch.Tensor) -> None:
    for window in ids.to(loaded.device):
        logits = loaded.model(input_ids=window[None], use_cache=False).logits[0, -2].float()
        cross_entropy(logits[None], window[-1:]).backward()
        loaded.model.zero_grad(set_to_none=True)


def pruned(loaded: LoadedModel, name: str, ids: torch.Tensor) -> None:
    method = get_method(name)
    for _ in prune(loaded, method, method.parse_options({}), Target(0.5), Calibration(ids)):
        pass


def measured(device: torch.device, work: Callable[[], None]) -> str:
    """'seconds s, GiB'; or that the device has too little memory."""
    release(device)
    reset_peak(device)
    start = time.perf_counter()
    try:
        work()
        wait(device)
    except torch.OutOfMemoryError:
        release(device)
        return "out of memory"
    return f"{time.perf_counter() - start:8.2f} s {peak_bytes(device) / GIB:8.2f} GiB"


def rows(
    arguments: argparse.Namespace, placements: list[Placement], methods: list[str]
) -> Iterator[tuple[str, str]]:
    device = torch.device(arguments.device)
    folder = catalogue.fetch(catalogue.resolve(arguments.model))
    for placement in placements:
        try:
            loaded = load(folder, dtype=arguments.dtype, device=arguments.device, placement=placement)
        except Unavailable as error:
            yield f"{placement}", str(error)
            continue
        vocabulary = loaded.model.config.get_text_config().vocab_size
        ids = torch.randint(
            5, vocabulary, (arguments.windows, arguments.tokens), generator=torch.Generator().manual_seed(0)
        )
        if placement == "resident":
            pass_of = {"bare forward": bare_forward, "bare forward + backward": bare_forward_backward}
            for name, work in pass_of.items():
                yield f"{placement:9} {name}", measured(device, partial(work, loaded, ids))
        for name in methods:
            # Each prunes a dense model: masks of the one before would leave it half the work.
            loaded = load(folder, dtype=arguments.dtype, device=arguments.device, placement=placement)
            yield (
                f"{placement:9} {name}",
                measured(device, partial(pruned, loaded, name, ids)),
            )
        del loaded
        release(device)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--windows", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--placement", choices=("resident", "streamed", "both"), default="both")
    arguments = parser.parse_args()
    placements: list[Placement] = (
        ["resident", "streamed"] if arguments.placement == "both" else [arguments.placement]
    )
    device = torch.device(arguments.device)
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    print(f"{arguments.model}, {card}, {free_bytes(device) / GIB:.1f} GiB free, torch {torch.__version__}")
    print(f"{arguments.windows} windows of {arguments.tokens} tokens, sparsity 0.5")
    for name, text in rows(arguments, placements, arguments.methods.split(",")):
        print(f"{name:36} {text}", flush=True)


if __name__ == "__main__":
    main()
