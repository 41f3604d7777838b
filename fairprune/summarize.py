"""Opinion sets → summaries: batched generation with left padding, yielded batch by batch as they are written."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from transformers import GenerationConfig, StoppingCriteria, StoppingCriteriaList

from fairprune.accelerator import release
from fairprune.errors import BadInput, Unavailable
from fairprune.models import LoadedModel
from fairprune.spec import EvaluationSpec
from fairprune.text import ends_sentence, sentences

EARLIEST_END = 0.75  # of max_new_tokens: from here on a summary stops at the next sentence end


@dataclass(frozen=True)
class Summary:
    """One written summary."""

    position: int
    """Index of its prompt."""
    text: str
    tokens: int
    """Generated tokens, before the text was cut back to a sentence end."""
    seconds: float
    """Share of its batch's time."""
    truncated: bool
    """The limit came before any sentence end."""
    batch_size: int
    """Prompts that were really in its batch's generation."""
    halved: bool = False
    """The batch had to be halved because the device has too little memory."""


def batches(lengths: Sequence[int], batch_size: int) -> list[list[int]]:
    """Positions sorted by prompt length, longest first, cut into batches: decided by lengths and batch size alone."""
    order = sorted(range(len(lengths)), key=lambda position: (-lengths[position], position))
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def summarize(
    loaded: LoadedModel,
    prompts: Sequence[list[int]],
    spec: EvaluationSpec,
    *,
    done: frozenset[int] = frozenset(),
    on_token: Callable[[int], None] = lambda _tokens: None,
) -> Iterator[Summary]:
    """Writes a summary of each prompt.

    Args:
        prompts: token ids of whole prompts.
        done: positions that are written already; a batch is left out when it is done whole.
        on_token: called after every generated token with the number of tokens of this batch so far.

    Raises:
        BadInput: a prompt that is longer than the model's context.
        Unavailable: not even one prompt fits the device's memory.
    """
    if loaded.tokenizer is None:
        raise BadInput(f"{loaded.folder} has no tokenizer.json: summaries need one")
    limit = getattr(loaded.model.config, "max_position_embeddings", None)
    longest = max((len(prompt) for prompt in prompts), default=0)
    if limit is not None and longest + spec.max_new_tokens > limit:
        raise BadInput(
            f"a prompt of {longest} tokens and {spec.max_new_tokens} new ones exceed the model's context of {limit}: "
            "ask for fewer opinions per set or shorter summaries"
        )
    for number, batch in enumerate(batches([len(prompt) for prompt in prompts], spec.batch_size)):
        if not done.issuperset(batch):
            yield from _halving(loaded, prompts, batch, spec, spec.seed + number, on_token)


def _halving(
    loaded: LoadedModel,
    prompts: Sequence[list[int]],
    batch: list[int],
    spec: EvaluationSpec,
    seed: int,
    on_token: Callable[[int], None],
) -> Iterator[Summary]:
    """The batch's summaries; where the device has too little memory, of its two halves."""
    try:
        written = _generate(loaded, prompts, batch, spec, seed, on_token)
    except torch.OutOfMemoryError as error:
        if len(batch) == 1:
            raise Unavailable(
                "not even one prompt fits the device's memory: choose a smaller model, or shorter sets"
            ) from error
        written = None
    if written is not None:
        yield from written
        return
    release(loaded.device)
    half = (len(batch) + 1) // 2
    for part in (batch[:half], batch[half:]):
        for summary in _halving(loaded, prompts, part, spec, seed, on_token):
            yield replace(summary, halved=True)


class _SentenceEnd(StoppingCriteria):  # type: ignore[misc]
    """Ends a summary at a sentence end once it has most of its tokens."""

    def __init__(
        self, decode: Callable[[list[int]], str], start: int, earliest: int, on_token: Callable[[int], None]
    ) -> None:
        self.decode, self.start, self.earliest, self.on_token = decode, start, earliest, on_token

    def __call__(self, input_ids: torch.Tensor, scores: Any, **kwargs: Any) -> torch.Tensor:
        new = input_ids[:, self.start :]
        self.on_token(new.numel())
        if new.shape[1] < self.earliest:
            return torch.zeros(len(new), dtype=torch.bool, device=new.device)
        ended = [ends_sentence(self.decode(row)) for row in new.tolist()]
        return torch.tensor(ended, dtype=torch.bool, device=new.device)


@contextmanager
def _generation_config(model: Any, config: GenerationConfig) -> Iterator[None]:
    """Inside, the model generates by this config alone; its own defaults (sampling, penalties) are put back after."""
    before = model.generation_config
    model.generation_config = config
    try:
        yield
    finally:
        model.generation_config = before


def _generate(
    loaded: LoadedModel,
    prompts: Sequence[list[int]],
    batch: list[int],
    spec: EvaluationSpec,
    seed: int,
    on_token: Callable[[int], None],
) -> list[Summary]:
    tokenizer = loaded.tokenizer
    assert tokenizer is not None
    start_time = time.perf_counter()
    width = max(len(prompts[position]) for position in batch)
    ends = list(tokenizer.eos_ids)
    pad = ends[0] if ends else 0
    ids = torch.full((len(batch), width), pad, dtype=torch.long)
    attention = torch.zeros_like(ids)
    for row, position in enumerate(batch):
        prompt = prompts[position]
        ids[row, width - len(prompt) :] = torch.tensor(prompt)
        attention[row, width - len(prompt) :] = 1
    sampling = {"temperature": spec.temperature, "top_p": spec.top_p} if spec.sample else {}
    config = GenerationConfig(
        max_new_tokens=spec.max_new_tokens,
        do_sample=spec.sample,
        pad_token_id=pad,
        eos_token_id=ends or None,
        **sampling,
    )
    criteria = _SentenceEnd(tokenizer.decode, width, int(EARLIEST_END * spec.max_new_tokens), on_token)
    devices = [loaded.device] if loaded.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), _generation_config(loaded.model, config), torch.no_grad():
        torch.manual_seed(seed)
        output = loaded.model.generate(
            ids.to(loaded.device),
            attention_mask=attention.to(loaded.device),
            stopping_criteria=StoppingCriteriaList([criteria]),
        )
    seconds = (time.perf_counter() - start_time) / len(batch)
    written = []
    for row, position in enumerate(batch):
        new = output[row, width:].tolist()
        end = next((place for place, token in enumerate(new) if token in ends), None)
        text, truncated = finish(tokenizer.decode(new[:end]), ended=end is not None)
        count = len(new) if end is None else end + 1
        written.append(Summary(position, text, count, seconds, truncated, len(batch)))
    return written


def finish(text: str, *, ended: bool) -> tuple[str, bool]:
    """The text with white space folded, cut back to its last sentence end, and whether it was truncated.

    A text that the model ended itself stays as it is. One that met the limit loses its unfinished last sentence,
    or, where it has no finished one, is kept and called truncated.
    """
    text = " ".join(text.split())
    if ended or not text or ends_sentence(text):
        return text, False
    whole = sentences(text)[:-1]
    return (" ".join(whole), False) if whole else (text, True)
