"""How much pruning costs beside the bare passes it is made of, on the packaged model: ratios measured in one run.

    python -m benchmarks.pruning [--windows 8] [--tokens 128] [--rounds 2]

Prints each time and each ratio with its limit, of wall time and of processor time. The bare passes are plain
transformers: a forward pass of all windows (batched), and a forward and backward pass window by window with the last
token's loss and all gradients. "As needed" is the same without what pruning does not read (logits of other tokens,
gradients of the embedding): the like-for-like ratio.
"""

from __future__ import annotations

import argparse
import copy
import math
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch.nn.functional import cross_entropy

from fairprune import catalogue, corpora, statistics_cache
from fairprune.allocation import Target
from fairprune.calibration import calibration_set
from fairprune.corpora.sets import opinion_sets
from fairprune.methods import Loss, get_method
from fairprune.models import LoadedModel, load, weight_matrix
from fairprune.passes import collect
from fairprune.prompts import summary_prompt
from fairprune.prune import Calibration, prune
from fairprune.spec import CalibrationSpec, EvaluationSpec
from fairprune.statistics import ModelStatistics, Wanted, empty_statistics
from fairprune.summarize import summarize


class Took(NamedTuple):
    """What a piece of work took."""

    wall: float
    processor: float
    """Seconds of all cores together: the work itself, whatever else the machine is doing."""


def timed(work: Callable[[], Any]) -> Took:
    start, processor = time.perf_counter(), time.process_time()
    work()
    return Took(time.perf_counter() - start, time.process_time() - processor)


def middle_of(values: list[Took]) -> Took:
    return Took(*(statistics.median(kind) for kind in zip(*values, strict=True)))


def ratio(one: Took, other: Took) -> Took:
    return Took(one.wall / other.wall, one.processor / other.processor)


def bare_forward(model: Any, ids: torch.Tensor) -> None:
    with torch.no_grad():
        model(input_ids=ids, use_cache=False)


def bare_forward_backward(model: Any, ids: torch.Tensor) -> None:
    """Window by window, gradients of all parameters kept as autograd leaves them."""
    for window in ids:
        logits = model(input_ids=window[None], use_cache=False).logits[0, -2].float()
        cross_entropy(logits[None], window[-1:]).backward()
        model.zero_grad(set_to_none=True)


def bare_as_needed(loaded: LoadedModel, ids: torch.Tensor) -> None:
    """Window by window, with the gradients of the blocks' linear layers and the logits of two tokens alone."""
    wanted = {id(layer.weight) for layer in loaded.linears().values()}
    for parameter in loaded.model.parameters():
        parameter.requires_grad_(id(parameter) in wanted)
    for window in ids:
        logits = loaded.model(input_ids=window[None], use_cache=False, logits_to_keep=2).logits[0, -2].float()
        cross_entropy(logits[None], window[-1:]).backward()
        loaded.model.zero_grad(set_to_none=True)
    loaded.model.requires_grad_(True)


def bare_two_losses(loaded: LoadedModel, ids: torch.Tensor) -> None:
    """Window by window, one forward pass and one backward pass for each of the two losses, nothing else."""
    wanted = {id(layer.weight) for layer in loaded.linears().values()}
    for parameter in loaded.model.parameters():
        parameter.requires_grad_(id(parameter) in wanted)
    for window in ids:
        logits = loaded.model(input_ids=window[None], use_cache=False).logits[0, :-1].float()
        cross_entropy(logits[-1:], window[-1:]).backward(retain_graph=True)
        loaded.model.zero_grad(set_to_none=True)
        cross_entropy(logits, window[1:]).backward()
        loaded.model.zero_grad(set_to_none=True)
    loaded.model.requires_grad_(True)


def dense_statistics(loaded: LoadedModel, ids: torch.Tensor, losses: tuple[Loss, ...]) -> ModelStatistics:
    found = empty_statistics(loaded.linears())
    for _ in collect(loaded, ids, found, Wanted(frozenset((loss, "l2") for loss in losses))):
        pass
    return found


def sparsegpt_parts(loaded: LoadedModel, ids: torch.Tensor) -> dict[str, Took]:
    """Seconds of what SparseGPT cannot do without, each measured bare on the dense model.

    Two walks through the blocks; XXᵀ and its factor once per distinct input; the published update of each column of
    each matrix (drop half of it, move its error to the columns on its right), without choosing a mask.
    """
    parts = {"two walks": timed(lambda: [bare_walk(loaded, ids) for _ in range(2)])}
    inputs: list[tuple[torch.Tensor, list[torch.Tensor]]] = []

    def note(layer: torch.nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        if not inputs or inputs[-1][0] is not given[0]:
            inputs.append((given[0], []))
        inputs[-1][1].append(weight_matrix(layer))

    hooks = [layer.register_forward_pre_hook(note) for layer in loaded.linears().values()]
    bare_walk(loaded, ids)
    for hook in hooks:
        hook.remove()
    rows = [(x.reshape(-1, x.shape[-1]), weights) for x, weights in inputs]
    products: list[torch.Tensor] = []
    parts["XXᵀ"] = timed(lambda: [products.append((x := part.float()).T @ x) for part, _ in rows])
    factors: list[torch.Tensor] = []

    def factor() -> None:
        for product in products:
            identity = torch.eye(len(product))
            damped = product + 0.01 * product.diagonal().mean() * identity
            lower = torch.linalg.cholesky(damped.flip((0, 1))).flip((0, 1))
            factors.append(torch.linalg.solve_triangular(lower, identity, upper=True))

    parts["factors"] = timed(factor)

    def update() -> None:
        for (_, weights), upper in zip(rows, factors, strict=True):
            for weight in weights:
                rest = weight.float().T.contiguous()
                for start in range(0, len(rest), 128):
                    end = min(start + 128, len(rest))
                    block, inverse = rest[start:end], upper[start:end, start:end]
                    steps, lost = inverse / inverse.diagonal()[:, None], torch.empty_like(block)
                    half = (torch.arange(block.shape[1]) % 2).float()
                    for column in range(end - start):
                        torch.mul(block[column], half, out=lost[column])
                        block[column + 1 :].addr_(steps[column, column + 1 :], lost[column], alpha=-1)
                    rest[end:].addmm_(upper[start:end, end:].T, lost / inverse.diagonal()[:, None], alpha=-1)

    parts["column updates"] = timed(update)
    return parts


def bare_walk(loaded: LoadedModel, ids: torch.Tensor) -> None:
    with torch.no_grad():
        loaded.model.base_model(input_ids=ids, use_cache=False)


def decoding_speed(loaded: LoadedModel, prompts: list[list[int]], size: int) -> tuple[float, float]:
    """(tokens/s of whole summaries, tokens/s after the first token): the second leaves the prompts' pass out."""
    first: list[float] = []
    seen: dict[str, float] = {"tokens": 0}

    def on_token(tokens: int) -> None:
        if tokens <= size:  # the first token of a batch: its prompts have just been read
            first.append(time.perf_counter() - began[0])
            seen["tokens"] += tokens

    began = [time.perf_counter()]
    start = began[0]
    tokens, decode = 0, 0.0
    for done, summary in enumerate(
        summarize(loaded, prompts, EvaluationSpec(batch_size=size), on_token=on_token), 1
    ):
        tokens += summary.tokens
        if done % size == 0:  # a batch has ended
            decode += time.perf_counter() - began[0] - first[-1]
            began[0] = time.perf_counter()
    return tokens / (time.perf_counter() - start), (tokens - seen["tokens"]) / decode


def whole(
    loaded: LoadedModel,
    name: str,
    windows: Calibration,
    statistics_: ModelStatistics | None = None,
    sparsity: float = 0.5,
) -> None:
    method = get_method(name)
    for _ in prune(loaded, method, method.parse_options({}), Target(sparsity), windows, statistics_):
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--skip-generation", action="store_true")
    parser.add_argument("--dtype", default="auto")
    arguments = parser.parse_args()

    loaded = load(catalogue.fetch(catalogue.resolve("smollm2-135m")), dtype=arguments.dtype)
    assert loaded.tokenizer is not None
    corpus = corpora.load("movies")
    found = calibration_set(
        CalibrationSpec(samples=arguments.windows, seqlen=arguments.tokens), corpus, loaded.tokenizer
    )
    ids = torch.from_numpy(found.ids).long()
    windows = Calibration(ids)
    print(
        f"smollm2-135m, {loaded.dtype}, {loaded.device}, {torch.get_num_threads()} threads, {tuple(ids.shape)} tokens; "
        f"this machine multiplies {gflops(torch.float32):.0f} GFLOP/s in float32, {gflops(torch.bfloat16):.0f} in bfloat16"
    )
    times: dict[str, list[Took]] = {}
    state = copy.deepcopy(loaded.model.state_dict())
    kept: list[ModelStatistics] = []
    bare_forward(loaded.model, ids[:, :16])  # first-call costs belong to nobody

    def measure(name: str, work: Callable[[], Any]) -> None:
        times.setdefault(name, []).append(timed(work))
        print(
            f"  {name}: {times[name][-1].wall:.2f} s, of processors {times[name][-1].processor:.2f} s",
            flush=True,
        )

    def measure_pruning(
        name: str, method: str, statistics_: ModelStatistics | None = None, **how: Any
    ) -> None:
        measure(name, lambda: whole(loaded, method, windows, statistics_, **how))
        loaded.model.load_state_dict(state)

    for _ in range(arguments.rounds):
        measure("bare forward", lambda: bare_forward(loaded.model, ids))
        measure_pruning("wanda", "wanda")
        measure("bare forward + backward", lambda: bare_forward_backward(loaded.model, ids))
        measure("bare as needed", lambda: bare_as_needed(loaded, ids))
        measure("bare, two losses", lambda: bare_two_losses(loaded, ids))
        measure(
            "statistics of one loss",
            lambda: kept.__setitem__(slice(None), [dense_statistics(loaded, ids, ("last_token",))]),
        )
        measure(
            "statistics of both losses", lambda: dense_statistics(loaded, ids, ("last_token", "all_tokens"))
        )
        measure_pruning("hgla", "hgla")
        measure_pruning("second sparsity", "hgla", kept[0], sparsity=0.3)
        measure_pruning("second method", "hgla-additive", kept[0])
        for name, value in sparsegpt_parts(loaded, ids).items():
            times.setdefault(f"sparsegpt: {name}", []).append(value)
        measure_pruning("sparsegpt", "sparsegpt")
    with tempfile.TemporaryDirectory() as home:
        os.environ["FAIRPRUNE_HOME"] = home
        place = statistics_cache.Place("weights", loaded.dtype, "cpu", found.hash)
        statistics_cache.write(place, kept[0])
        wanted = Wanted(frozenset({("last_token", "l2")}))

        def read() -> None:
            """Stored statistics are memory-mapped: looking at each number is what brings them in."""
            for entry in (statistics_cache.read(place, wanted) or {}).values():
                entry.gradient("last_token", "l2").sum()

        measure("loading statistics from disk", read)

    middle = {name: middle_of(values) for name, values in times.items()}
    parts = {name: value for name, value in middle.items() if name.startswith("sparsegpt: ")}
    together = Took(*(sum(kind) for kind in zip(*parts.values(), strict=True)))
    print("  " + ", ".join(f"{name} {value.wall:.2f} s" for name, value in parts.items()))
    bare, forward = middle["bare forward + backward"], middle["bare forward"]
    rows: list[tuple[str, Took, str]] = [
        ("hgla / bare forward + backward", ratio(middle["hgla"], bare), "at most 1.4"),
        ("hgla / the same as needed", ratio(middle["hgla"], middle["bare as needed"]), "like for like"),
        ("wanda / bare forward", ratio(middle["wanda"], forward), "at most 2.2"),
        ("second sparsity / first", ratio(middle["second sparsity"], middle["hgla"]), "at most 0.10"),
        ("second method / first", ratio(middle["second method"], middle["hgla"]), "at most 0.10"),
        ("statistics of one loss / bare", ratio(middle["statistics of one loss"], bare), "at most 1.3"),
        ("statistics of both losses / bare", ratio(middle["statistics of both losses"], bare), "at most 2.1"),
        (
            "the same / bare with two losses",
            ratio(middle["statistics of both losses"], middle["bare, two losses"]),
            "like for like",
        ),
        ("sparsegpt / the sum of its parts", ratio(middle["sparsegpt"], together), "at most 1.3"),
        ("sparsegpt / bare forward", ratio(middle["sparsegpt"], forward), "reference 10.6"),
        ("re-masking, seconds", middle["second sparsity"], "at most 5 s"),
        ("loading statistics, seconds", middle["loading statistics from disk"], "apart"),
    ]
    if not arguments.skip_generation:
        sets = opinion_sets(corpus, "test", 8)
        prompts = [
            loaded.tokenizer.prompt_ids(summary_prompt(corpus.info, [o.text for o in one.opinions]))
            for one in sets
        ]
        speed = {size: decoding_speed(loaded, prompts, size) for size in (1, 8)}
        for size, (end_to_end, decoding) in speed.items():
            print(
                f"  generation, {size} at a time: {end_to_end:.2f} tokens/s, decoding {decoding:.2f} tokens/s",
                flush=True,
            )
        at_once = [speed[8][kind] / speed[1][kind] for kind in (0, 1)]
        rows.append(("tokens/s of 8 at once / one", Took(at_once[0], math.nan), "at least 2.5"))
        rows.append(("the same after the first token", Took(at_once[1], math.nan), "at least 2.5"))
    print(f"\n{'':36} wall   processors")
    for name, value, limit in rows:
        processor = "" if math.isnan(value.processor) else f"{value.processor:.2f}"
        print(f"{name:34} {value.wall:6.2f}   {processor:>6}      ({limit})")


def gflops(dtype: torch.dtype) -> float:
    """10⁹ multiplications and additions per second on matrices of this model's size."""
    a, b = torch.ones(1024, 576, dtype=dtype), torch.ones(1536, 576, dtype=dtype)
    linear = torch.nn.functional.linear
    linear(a, b)
    seconds = min(timed(lambda: linear(a, b)).wall for _ in range(5))
    return 2 * 1024 * 576 * 1536 / seconds / 1e9


if __name__ == "__main__":
    main()
