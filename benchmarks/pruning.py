"""How much pruning costs beside the bare passes it is made of, on the packaged model: ratios measured in one run.

    python -m benchmarks.pruning [--windows 8] [--tokens 128] [--rounds 2]

Prints each time and each ratio with its limit. The bare passes are plain transformers: a forward pass of all windows
(batched), and a forward and backward pass window by window with the last token's loss and all gradients. "As needed" is
the same without what pruning does not read (logits of other tokens, gradients of the embedding): the like-for-like ratio.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch.nn.functional import cross_entropy

from fairprune import catalogue, corpora
from fairprune.allocation import Target
from fairprune.calibration import calibration_set
from fairprune.corpora.sets import opinion_sets
from fairprune.methods import get_method
from fairprune.models import LoadedModel, load
from fairprune.passes import collect
from fairprune.prompts import summary_prompt
from fairprune.prune import Calibration, prune, wanted_dense
from fairprune.spec import CalibrationSpec, EvaluationSpec
from fairprune.statistics import ModelStatistics, empty_statistics
from fairprune.summarize import summarize


def timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


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
    parser.add_argument("--rounds", type=int, default=2)
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
        f"smollm2-135m, {loaded.dtype}, {loaded.device}, {torch.get_num_threads()} threads, {tuple(ids.shape)} tokens"
    )

    hgla = get_method("hgla")
    options = hgla.parse_options({})
    times: dict[str, list[float]] = {}
    state = copy.deepcopy(loaded.model.state_dict())
    kept: ModelStatistics = {}
    bare_forward(loaded.model, ids[:, :16])  # first-call costs belong to nobody

    def measure(name: str, work: Callable[[], Any]) -> None:
        times.setdefault(name, []).append(timed(work))
        print(f"  {name}: {times[name][-1]:.2f} s", flush=True)

    for _ in range(arguments.rounds):
        measure("bare forward", lambda: bare_forward(loaded.model, ids))
        measure("wanda", lambda: whole(loaded, "wanda", windows))
        loaded.model.load_state_dict(state)
        measure("bare forward + backward", lambda: bare_forward_backward(loaded.model, ids))
        measure("bare as needed", lambda: bare_as_needed(loaded, ids))
        measure("hgla", lambda: whole(loaded, "hgla", windows))
        loaded.model.load_state_dict(state)
    kept = empty_statistics(loaded.linears())
    for _ in collect(loaded, ids, kept, wanted_dense(hgla, options, Target(0.5))):
        pass
    for name, method, sparsity in (("second sparsity", "hgla", 0.3), ("second method", "hgla-additive", 0.5)):
        measure(name, lambda method=method, sparsity=sparsity: whole(loaded, method, windows, kept, sparsity))
        loaded.model.load_state_dict(state)

    middle = {name: statistics.median(values) for name, values in times.items()}
    rows = [
        ("hgla / bare forward + backward", middle["hgla"] / middle["bare forward + backward"], "at most 1.4"),
        ("hgla / the same as needed", middle["hgla"] / middle["bare as needed"], "like for like"),
        ("wanda / bare forward", middle["wanda"] / middle["bare forward"], "at most 2.4"),
        ("second sparsity / first", middle["second sparsity"] / middle["hgla"], "at most 0.10"),
        ("second method / first", middle["second method"] / middle["hgla"], "at most 0.10"),
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
        rows.append(("tokens/s of 8 at once / one, decoding", speed[8][1] / speed[1][1], "at least 2.5"))
        rows.append(("the same with the prompts' pass", speed[8][0] / speed[1][0], "at least 2.5"))
    print()
    for name, value, limit in rows:
        print(f"{name:42} {value:6.2f}   ({limit})")


if __name__ == "__main__":
    main()
