"""What SPIN changes: margin, cautionary phrases, HSIC and perplexity of a model, each with n and interval.

One model is measured after the other (`measure`), on prompts that the selection never read; `compare` lays the edited
one beside what it was and beside both controls, under the same resamples of prompts.

Source: arXiv 2410.16672 (HSIC of the two concerns' states; `hsic.py` names those of its estimate).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from fairprune.debias.hsic import (
    LEAST_PAIRS,
    hsic,
    hsic_null,
    jackknife,
    kernels,
    median_distances,
    scale_free,
)
from fairprune.debias.phrases import is_cautious
from fairprune.debias.spin import Sample
from fairprune.debias.spin_verdict import SCALE_FREE
from fairprune.errors import NumericError
from fairprune.likelihood import continuation_loss
from fairprune.models import LoadedModel
from fairprune.spec import EvaluationSpec
from fairprune.summarize import summarize
from fairprune.uncertainty import (
    Estimate,
    FloatArray,
    Resamples,
    Statistic,
    draw_resamples,
    estimate,
    estimate_difference,
    weighted_mean,
)

Report = Callable[[int, int, str], None]
ANSWER_TOKENS = 32
"""Of a written answer, at most."""
BATCH_SIZE = 8
RESAMPLES = 2000
CONCERNS = ("first", "second")
FINAL = "final"
"""The model that was edited and then pruned. No difference is taken to it: the others are not pruned."""


@dataclass(frozen=True)
class Questions:
    """The measurement half of one awareness set, as a model reads it."""

    title: str
    topics: tuple[str, ...]
    """What the bootstrap draws, one per item: its situation, or its own number."""
    safe: tuple[Sample, ...]
    unsafe: tuple[Sample | None, ...]


@dataclass(frozen=True)
class Material:
    """What every model is measured on."""

    first: Questions
    second: Questions
    general: Questions
    pairs: tuple[tuple[int, int], ...]
    """Positions in the first and the second of prompts about the same situation; empty for unpaired sets."""

    def concerns(self) -> dict[str, Questions]:
        return {"first": self.first, "second": self.second}


@dataclass(frozen=True)
class Measured:
    """The numbers of one model, one row per prompt."""

    margin: Mapping[str, FloatArray]
    """Concern → (n, 1): mean log p per token of the safe answer minus that of the unsafe one, in nats; NaN without an unsafe one."""
    cautious: Mapping[str, FloatArray]
    """Concern → (n, 1): 1 where the written answer holds a cautionary phrase, else 0."""
    general: FloatArray
    """(n, 2): summed loss of the response in nats, and its tokens."""
    states: tuple[FloatArray, FloatArray] | None
    """(pairs, width) of the first and the second: last hidden states, mean over the prompt's tokens. None: too few pairs."""


def measure(loaded: LoadedModel, material: Material, report: Report = lambda *_: None) -> Measured:
    """The numbers of the model as it is now.

    Args:
        report: called with what is done, all there is to do, and a line of text.

    Raises:
        NumericError: a loss that is not finite.
    """
    concerns = material.concerns()
    pairs = material.pairs if len(material.pairs) >= LEAST_PAIRS else ()
    total = sum(2 * len(one.safe) for one in concerns.values()) + len(material.general.safe) + 2 * len(pairs)
    done = 0

    def step(what: str) -> None:
        nonlocal done
        done += 1
        report(done, total, what)

    margin, cautious = {}, {}
    for name, one in concerns.items():
        margin[name] = np.full((len(one.safe), 1), np.nan)
        for row, (safe, unsafe) in enumerate(zip(one.safe, one.unsafe, strict=True)):
            if unsafe is not None:
                margin[name][row] = _loss(loaded, unsafe) - _loss(loaded, safe)
            step(f"margins of {one.title}")
        cautious[name] = np.full((len(one.safe), 1), np.nan)
        settings = EvaluationSpec(max_new_tokens=ANSWER_TOKENS, batch_size=BATCH_SIZE)
        for answer in summarize(loaded, [list(safe.prompt) for safe in one.safe], settings):
            cautious[name][answer.position] = is_cautious(answer.text)
            step(f"answers to {one.title}")
    general = np.empty((len(material.general.safe), 2))
    for row, sample in enumerate(material.general.safe):
        tokens = len(sample.response)
        general[row] = _loss(loaded, sample) * tokens, tokens
        step("perplexity of general text")
    states = None
    if pairs:
        rows: tuple[list[FloatArray], list[FloatArray]] = ([], [])
        for pair in pairs:
            for kept, one, place in zip(rows, concerns.values(), pair, strict=True):
                kept.append(_state(loaded, one.safe[place].prompt))
                step("states of paired prompts")
        states = np.stack(rows[0]), np.stack(rows[1])
    return Measured(margin, cautious, general, states)


def _loss(loaded: LoadedModel, sample: Sample) -> float:
    """Mean loss per token of the answer, in nats."""
    found = continuation_loss(loaded, sample.prompt, sample.response)
    if not math.isfinite(found):
        raise NumericError(f"the loss of an answer is {found}: is the model sound in this number format?")
    return found


def _state(loaded: LoadedModel, prompt: Sequence[int]) -> FloatArray:
    """Mean over the prompt's tokens of the last hidden state, (width,)."""
    ids = torch.tensor([prompt], device=loaded.device)
    with torch.no_grad():
        hidden = loaded.model.base_model(input_ids=ids, use_cache=False)[0]
    return hidden[0].float().mean(dim=0).double().cpu().numpy()  # type: ignore[no-any-return]


def bandwidths(measured: Measured) -> tuple[float, float] | None:
    """The widths of the kernels (`median_distances`). None without pairs, or where more than half of the states are one.

    Taken once, of the dense model. A model whose states shrink has kernels nearer to 1 then, and *looks less dependent*: beside
    HSIC stands a form without scale, and a verdict asks that it falls, too.
    """
    return None if measured.states is None else median_distances(measured.states)


# One model beside the others --------------------------------------------------------------------------------


def token_mean(weights: FloatArray, table: FloatArray) -> FloatArray:
    """Mean loss per token: (R, n), (n, 2) summed losses and tokens → (R,)."""
    loss, tokens = (weights @ table).T
    means: FloatArray = np.divide(loss, tokens, out=np.full(len(weights), np.nan), where=tokens > 0)
    return means


@dataclass(frozen=True)
class Quantity:
    """One number of a model, and how it is compared."""

    name: str
    concern: str | None
    """Whose prompts it is measured on: 'first', 'second', or None for both or neither."""
    unit: str
    better: str
    """'higher' or 'lower'."""
    statistic: Statistic
    topics: Sequence[str]
    tables: Mapping[str, FloatArray]
    """Model → (n, columns)."""
    binary: bool = False
    limits: tuple[float, float] = (-math.inf, math.inf)
    of_pairs: bool = False
    """Whether pairs of rows count, so that resamples with a row twice would say too much: the jackknife is taken."""

    def of(self, system: str, draws: Resamples) -> Estimate:
        """Of a model."""
        table = self.tables[system]
        if self.of_pairs:
            return jackknife(self.statistic, table, self.topics)
        return estimate(self.statistic, table, draws, binary=self.binary, limits=self.limits)

    def edited_minus(self, system: str, draws: Resamples) -> Estimate:
        """Of the edited model minus that of another, paired."""
        edited, table = self.tables["edited"], self.tables[system]
        if self.of_pairs:
            return jackknife(self.statistic, edited, self.topics, table)
        return estimate_difference(
            self.statistic, edited, table, draws, binary=self.binary, limits=self.limits
        )


def compare(
    material: Material, systems: Mapping[str, Measured], widths: tuple[float, float] | None, seed: int
) -> list[dict[str, Any]]:
    """Every quantity of every model with n and interval, and the paired differences of the edited one to the others.

    Args:
        systems: 'before', 'edited', and perhaps 'dense', 'random', 'first-only', 'final' → its numbers.
        widths: of `bandwidths`; None: HSIC is left out.

    Returns:
        Per quantity: name, concern, unit, better, 'systems' (model → value, low, high, n …), 'differences' ('edited' minus each
        other model but 'final' → the same), and where HSIC stands its nulls. Of perplexity the 'differences' are ratios.
    """
    found = []
    for one in _quantities(material, systems, widths):
        draws = draw_resamples(one.topics, [""] * len(one.topics), RESAMPLES, seed)
        cells = {name: one.of(name, draws) for name in one.tables}
        differences = {
            name: one.edited_minus(name, draws) for name in one.tables if name not in ("edited", FINAL)
        }
        if one.name == "perplexity":
            cells = {name: _exponential(cell) for name, cell in cells.items()}
            differences = {name: _exponential(cell) for name, cell in differences.items()}
        shown = {name: cell_of(cell) for name, cell in cells.items()}
        if one.name == "hsic":
            shown = {name: cell | hsic_null(one.tables[name], seed) for name, cell in shown.items()}
        found.append(
            {
                "name": one.name,
                "concern": one.concern,
                "unit": one.unit,
                "better": one.better,
                "systems": shown,
                "differences": {name: cell_of(cell) for name, cell in differences.items()},
            }
        )
    return found


def _quantities(
    material: Material, systems: Mapping[str, Measured], widths: tuple[float, float] | None
) -> list[Quantity]:
    found = []
    for name, one in material.concerns().items():
        margins = {system: measured.margin[name] for system, measured in systems.items()}
        rates = {system: measured.cautious[name] for system, measured in systems.items()}
        found.append(Quantity("margin", name, "nats per token", "higher", weighted_mean, one.topics, margins))
        found.append(
            Quantity(
                "cautionary phrases",
                name,
                "share of answers",
                "higher",
                weighted_mean,
                one.topics,
                rates,
                True,
                (0, 1),
            )
        )
    if widths is not None and all(measured.states is not None for measured in systems.values()):
        tables = {system: kernels(m.states, widths) for system, m in systems.items() if m.states is not None}
        topics = [material.first.topics[place] for place, _ in material.pairs]
        found.append(Quantity("hsic", None, "of 1", "lower", hsic, topics, tables, of_pairs=True))
        own = {system: median_distances(m.states) for system, m in systems.items() if m.states is not None}
        free = {
            system: kernels(m.states, width)
            for system, m in systems.items()
            if m.states is not None and (width := own[system]) is not None
        }
        if len(free) == len(systems):
            found.append(Quantity(SCALE_FREE, None, "of 1", "lower", scale_free, topics, free, of_pairs=True))
    general = {system: measured.general for system, measured in systems.items()}
    found.append(
        Quantity("perplexity", None, "per token", "lower", token_mean, material.general.topics, general)
    )
    return found


def _exponential(found: Estimate) -> Estimate:
    """exp of the value and of both ends; one that is too large for a number is missing."""

    def raised(end: float | None) -> float | None:
        return None if end is None or end > math.log(sys.float_info.max) else math.exp(end)

    low, high = raised(found.low), raised(found.high)
    return replace(found, value=raised(found.value), low=low, high=high, bias=None, se=None)


def cell_of(found: Estimate) -> dict[str, Any]:
    """An estimate as it is stored."""
    names = ("value", "low", "high", "n", "n_topics", "limit")
    return {name: getattr(found, name) for name in names}
