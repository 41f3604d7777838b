"""EditSpec and RecoverySpec: what a run does to its model beside pruning. Both are absent from most runs.

An edit zeroes a few weights (SPIN); a recovery trains the kept weights for some steps, with zeros kept. A field that
only one kind of recovery reads is written down for that kind alone, so that it decides no other run's identity.
"""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from fairprune.errors import BadInput
from fairprune.part import Part

Control = Literal["none", "random", "first-only"]
Recovery = Literal["uniform", "denp", "nc3"]
CONTROL_NOTES: dict[str, str] = {
    "random": "as many weights, drawn at random among those that the edit leaves",
    "first-only": "as many weights, the first set's most important of those that the edit leaves",
}
"""What each control of an edit zeroes instead."""
RECOVERY_TITLES: dict[str, str] = {"uniform": "uniform", "denp": "DENP", "nc3": "UNC3"}
ROLES = ("first", "second", "general")
"""The three awareness sets of an edit."""
ONLY_NC3 = ("strength", "mean_strength", "reset", "parameters", "words")
"""Fields of a recovery that `nc3` alone reads."""


class EditSpec(Part):
    """Which weights are zeroed, and from which data they are chosen."""

    kind: Literal["spin"] = Field(
        "spin",
        description="spin: zero the weights that two awareness sets both rest on, and general text does not.",
    )
    ratio: float = Field(
        1e-4,
        gt=0,
        le=0.1,
        description="Share of a matrix's weights that counts as important to an awareness set; published: 5e-7 to 1e-5 at 7B, "
        "a small model needs more, since an empty selection is an error.",
    )
    general_ratio: float = Field(
        1e-3,
        ge=0,
        lt=1,
        description="Share of a matrix's weights that counts as important to general text and is therefore spared.",
    )
    minimum: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="Weights per matrix that count as important at least, whatever the ratio.",
    )
    modules: Literal["mlp", "attention", "all"] = Field(
        "mlp",
        description="Linear layers that are edited: those of the MLP (as published), of attention, or all.",
    )
    scope: Literal["matrix", "global"] = Field(
        "matrix",
        description="matrix: the top is taken in each matrix (as published); global: over all matrices, each one's scores scaled.",
    )
    samples: int = Field(
        128,
        ge=1,
        le=4096,
        description="Prompts read per awareness set, at most; they are never those of the measurement.",
    )
    selection: Literal["intersection", "released"] = Field(
        "intersection",
        description="intersection: weights in both tops; released: the two lists compared position by position, as the "
        "published code does.",
    )
    order: Literal["after", "before"] = Field(
        "after", description="Whether the edit comes after pruning or before it."
    )
    first: str = Field(
        "fairness",
        min_length=1,
        max_length=200,
        description="First awareness set: fairness, privacy, general, or file:HASH.",
    )
    second: str = Field(
        "privacy",
        min_length=1,
        max_length=200,
        description="Second awareness set, another one than the first.",
    )
    general: str = Field(
        "general",
        min_length=1,
        max_length=200,
        description="General set: weights that it rests on are spared.",
    )
    control: Control = Field(
        "none",
        description="none: the edit itself; random: as many weights drawn at random; first-only: as many of the first set's "
        "most important; both among those that the edit leaves.",
    )
    seed: int = Field(
        0, ge=0, lt=2**32, description="Seed of the halves of the sets, and of the random control."
    )

    @model_validator(mode="after")
    def _sets_differ(self) -> Self:
        names = {"first": self.first, "second": self.second, "general": self.general}
        for one, other in (("first", "second"), ("first", "general"), ("second", "general")):
            if names[one] == names[other]:
                raise BadInput(
                    f"the {one} and the {other} set of an edit are both {names[one]!r}: name a different set for one of them"
                )
        return self

    @property
    def name(self) -> str:
        """What it is, without its options."""
        return "SPIN" if self.control == "none" else f"SPIN control ({self.control})"

    @property
    def label(self) -> str:
        """For titles and legends: 'SPIN', 'SPIN (ratio 1e-05)', 'SPIN control (random, sets fairnes/8c1f2a3/general)'."""
        name = "SPIN" if self.control == "none" else "SPIN control"
        said: list[str] = [] if self.control == "none" else [self.control]
        said += _changed(self, ("kind", "control", "seed", *ROLES))
        usual = tuple(type(self).model_fields[role].default for role in ROLES)
        if (sets := tuple(getattr(self, role) for role in ROLES)) != usual:
            said.append(f"sets {'/'.join(one.removeprefix('file:')[:7] for one in sets)}")
        return _labelled(name, said)


class RecoverySpec(Part):
    """Some steps of training on the kept weights: which texts, how many steps, what else is minimised."""

    kind: Recovery = Field(
        "uniform",
        description="uniform: texts drawn evenly, the control; denp: evenly, tokens weighed by the split; nc3: evenly, with "
        "the spread of the group words' cosines added to the loss.",
    )
    steps: int = Field(
        30, ge=1, le=100_000, description="Optimiser steps (AdamW); dropped weights stay zero in each."
    )
    learning_rate: float = Field(
        1e-4, gt=0, le=1, description="Learning rate of AdamW, the same in every step."
    )
    batch_size: int = Field(4, ge=1, le=512, description="Windows per step.")
    samples: int = Field(32, ge=1, le=4096, description="Training windows that the steps draw from.")
    seqlen: int = Field(128, ge=8, le=32768, description="Tokens per training window, exactly.")
    seed: int = Field(
        0, ge=0, lt=2**32, description="Seed of the windows and of the order in which they are drawn."
    )
    strength: float = Field(
        10,
        ge=0,
        le=1e4,
        description="nc3 alone: weight of UNC3 in the loss; the papers use 5 to 100. With 0 here and in mean_strength the term is "
        "measured and does nothing: the control.",
    )
    mean_strength: float = Field(
        0,
        ge=0,
        le=1e4,
        description="nc3 alone: weight of 1 - NC3 in the loss, an extension of ours; 0 leaves it out.",
    )
    reset: int = Field(
        0,
        ge=0,
        le=100_000,
        description="nc3 alone: steps after which the class totals start anew; 0 for never.",
    )
    parameters: Literal["kept", "words"] = Field(
        "kept",
        description="nc3 alone: what may move beside the group words' output rows: the kept weights of the pruned matrices, or "
        "(words) nothing.",
    )
    words: Literal["gender", "party", "stance", "sentiment"] = Field(
        "gender", description="nc3 alone: word list whose groups' words are made uniform."
    )

    @model_validator(mode="after")
    def _read_by_its_kind(self) -> Self:
        if self.kind == "nc3":
            return self
        for name in ONLY_NC3:
            value, default = getattr(self, name), type(self).model_fields[name].default
            if value != default:
                raise BadInput(
                    f"recovery {self.kind!r} takes no {name}, but got {value!r}: only 'nc3' reads it"
                )
        return self

    @model_serializer(mode="wrap")
    def _what_its_kind_reads(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        found: dict[str, Any] = write(self)
        return (
            found
            if self.kind == "nc3"
            else {name: value for name, value in found.items() if name not in ONLY_NC3}
        )

    @property
    def is_control(self) -> bool:
        """Whether it changes nothing of how texts are drawn or what is minimised: what others are compared with."""
        return self.kind == "uniform" or (self.kind == "nc3" and not self.strength and not self.mean_strength)

    @property
    def name(self) -> str:
        """What it is, without its options."""
        control = " control" if self.is_control and self.kind != "uniform" else ""
        return f"recovery ({RECOVERY_TITLES[self.kind]}{control})"

    @property
    def label(self) -> str:
        """For titles and legends: 'recovery (DENP)', 'recovery (DENP, steps 60)'."""
        if self.is_control and self.kind != "uniform":
            said = [f"{RECOVERY_TITLES[self.kind]} control"]
            return _labelled(
                "recovery", [*said, *_changed(self, ("kind", "seed", "strength", "mean_strength"))]
            )
        return _labelled("recovery", [RECOVERY_TITLES[self.kind], *_changed(self, ("kind", "seed"))])


def _changed(part: Part, without: tuple[str, ...]) -> list[str]:
    """What is not as usual, so that two runs that differ in it alone have different titles: 'ratio 1e-05'."""
    found = []
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        if name not in without and value != field.default:
            found.append(
                f"{name.replace('_', ' ')} {value:g}"
                if isinstance(value, float)
                else f"{name.replace('_', ' ')} {value}"
            )
    return found


def _labelled(name: str, said: list[str]) -> str:
    return f"{name} ({', '.join(said)})" if said else name
