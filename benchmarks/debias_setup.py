"""On what the debias lab is measured, and how much of it. Without torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fairprune.opinions import Corpus

Report = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Setup:
    """On what everything is measured, and how much of it."""

    folder: Path
    corpora: tuple[Corpus, ...]
    """The first one calibrates SPIN's model, and holds the words of Neural Collapse."""
    report: Report
    sets: Mapping[str, str] = field(default_factory=dict)
    """Role → name of an awareness set; the packaged one where a role is missing."""
    sparsity: float = 0.5
    windows: int = 32
    tokens: int = 128
    seeds: tuple[int, ...] = tuple(range(10))
    """Of each toy."""
    ratio: float = 1e-4
    general_ratio: float = 1e-3
    samples: int = 32
    """Prompts of each awareness set that weights are chosen from, at most."""
    prompts: int = 32
    """Prompts of each awareness set that are measured on, at most."""
    dense: int = 1
    """0: SPIN's numbers of the dense model are left out, and the pruned one decides HSIC's widths."""
    words: str = "gender"
    contexts: int = 384
    """Windows that Neural Collapse is measured on, and as many other ones to train on."""
    context_tokens: int = 32
    """Of each: short windows hold more of the words among as many tokens."""
    least: int = 20
    """Contexts from which on a word counts: of fewer, chance alone makes most of UNC3."""
    strengths: tuple[float, ...] = (100.0,)
    rates: tuple[float, ...] = (3e-3, 1e-2, 3e-2)
    moving: tuple[str, ...] = ("words",)
    """What moves beside the words' rows: 'kept' or 'words'."""
    steps: int = 30
    batch: int = 16
    """Windows of a step of UNC3's recovery."""
    rate: float = 1e-4
    """Learning rate of DENP's recovery and of the uniform one."""
    held_out: int = 32
    """Windows of 64 tokens of each text that perplexity is measured on."""
    summaries: int = 40
    """Opinion sets that are summarised for the fairness numbers of an outcome."""
    new_tokens: int = 64
    """Of a summary, at most."""
    rounds: int = 3
    """Of each time, whose middle counts."""
