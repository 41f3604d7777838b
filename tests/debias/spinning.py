"""What the tests of SPIN share: sets of prompts in the words of the tiny model, and its weights as bits."""

from __future__ import annotations

import random

import torch

from fairprune.debias.awareness import AwarenessItem, AwarenessSet
from fairprune.debias_spec import EditSpec
from fairprune.models import LoadedModel
from tests.tiny import WORDS

OPTIONS = EditSpec(ratio=0.08, general_ratio=0.02, first="file:a", second="file:b", general="file:g")


def items(seed: int, n: int = 8, *, unsafe: bool = True, paired: bool = True) -> tuple[AwarenessItem, ...]:
    """Prompts and answers of random words; the same number has the same pair in every set."""
    rng = random.Random(seed)

    def text(length: int) -> str:
        return " ".join(rng.choices(WORDS, k=length))

    return tuple(
        AwarenessItem(
            text(6),
            text(rng.randint(2, 6)),
            text(4) if unsafe else None,
            f"situation {number}" if paired else None,
        )
        for number in range(n)
    )


def three_sets(n: int = 8, *, unsafe: bool = True, paired: bool = True) -> dict[str, AwarenessSet]:
    names = {
        "first": ("file:a", "Concern A"),
        "second": ("file:b", "Concern B"),
        "general": ("file:g", "General"),
    }
    return {
        role: AwarenessSet(
            name,
            title,
            items(seed, n, unsafe=unsafe, paired=paired and role != "general"),
            "written for tests",
        )
        for seed, (role, (name, title)) in enumerate(names.items())
    }


def bits(loaded: LoadedModel) -> dict[str, torch.Tensor]:
    """Every parameter and buffer of the model as whole numbers, copied."""
    kinds = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
    return {
        name: value.detach().clone().contiguous().view(kinds[value.element_size()])
        for name, value in loaded.model.state_dict().items()
    }


def changed(before: dict[str, torch.Tensor], loaded: LoadedModel) -> dict[str, int]:
    """Name of a tensor → how many of its numbers are not the same bits, of those that changed at all."""
    after = bits(loaded)
    assert before.keys() == after.keys()
    counts = {name: int((after[name] != old).sum()) for name, old in before.items()}
    return {name: count for name, count in counts.items() if count}
