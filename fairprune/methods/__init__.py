"""The table of pruning methods: one small file, one decorated function each.

A method is a plain function `(weight, statistics, options) -> score`: `weight` (out, in) float32, score
(out, in) float32, **higher is kept**. It names what it needs, what its weights are compared with, and its
source. It holds no model, hook, device or progress bar; thresholds are `fairprune.masks`' alone.

Nothing here imports torch: listing the methods must not cost the ten seconds of that import.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from fairprune.errors import BadInput, unknown

if TYPE_CHECKING:
    import torch

    from fairprune.masks import Quota
    from fairprune.statistics import LayerStatistics

Need = Literal["input_sq", "gradient", "hessian"]
Compares = Literal["row", "matrix", "block"]
Loss = Literal["last_token", "all_tokens", "summary_tokens"]
Score = Callable[["torch.Tensor", "LayerStatistics", Any], "torch.Tensor"]
F = TypeVar("F", bound=Callable[..., Any])
Solve = Callable[["torch.Tensor", "LayerStatistics", Any, "Quota"], "Solution"]


class Options(BaseModel):
    """Options of a method: frozen, unknown keys refused, a sentence under every field."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True)
class Solution:
    """What a method returns that also changes the weights it keeps."""

    weight: torch.Tensor
    """(out, in), float32: pruned and updated."""
    keep: torch.Tensor
    """bool (out, in), true = kept."""
    score_removed: float | None
    """Share of the total score that was dropped, [0, 1]."""
    dampening: float
    """What was added to the diagonal of XXᵀ in the end, as a share of its mean."""
    score: torch.Tensor | None = None
    """(out, in), float32: what each weight scored when its mask was chosen."""


@dataclass(frozen=True)
class Method:
    """One row of the table."""

    name: str
    title: str
    function: Score | Solve
    """A score (weight, statistics, options) → (out, in); of the method 'sparsegpt' and its like a `Solve`, which
    takes the quota of weights to drop as well and returns a `Solution`."""
    needs: tuple[Need, ...]
    """Which statistics of a layer it reads; () for methods without calibration."""
    compares: Compares
    """Within what the scores compete: each output row, the whole matrix, or a block of columns (then it is a `Solve`)."""
    formula: str
    """LaTeX, for the card."""
    summary: str
    """One sentence for the card."""
    source: str
    options: type[Options]

    @property
    def solves(self) -> bool:
        """Whether it chooses the mask itself, block by block, and updates what it keeps."""
        return self.compares == "block"

    def score(self, weight: torch.Tensor, statistics: LayerStatistics, options: Options) -> torch.Tensor:
        """The score (out, in) of a method that does not solve; higher is kept."""
        assert not self.solves
        return cast(Score, self.function)(weight, statistics, options)

    def solve(
        self, weight: torch.Tensor, statistics: LayerStatistics, options: Options, quota: Quota
    ) -> Solution:
        """The pruned and updated weight of a method that solves."""
        assert self.solves
        return cast(Solve, self.function)(weight, statistics, options, quota)

    def parse_options(self, values: dict[str, Any]) -> Options:
        """`values` (names → values or their text) as this method's typed options.

        Raises:
            BadInput: an unknown option or a value out of range; names what would be right.
        """
        fields = self.options.model_fields
        for key in values:
            if key not in fields:
                if not fields:
                    raise BadInput(f"method {self.name!r} has no options, but {key!r} was given")
                raise unknown(f"option of method {self.name!r}:", key, fields)
        try:
            return self.options.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            sentence = (fields[key].description or "") if key in fields else ""
            raise BadInput(
                f"option {key!r} of method {self.name!r} cannot be {first['input']!r}: {first['msg']}. {sentence}".strip()
            ) from error

    def compared_within(self, options: Options) -> Compares:
        """The comparison group under these options."""
        return getattr(options, "compare", self.compares)

    def needs_windows(self, allocation: str) -> bool:
        """Whether calibration windows are read: by the method, or by the allocation owl, which reads input norms."""
        return bool(self.needs) or allocation == "owl"

    def propagation(self, options: Options) -> Literal["dense", "pruned"]:
        """Whether a block is calibrated on the dense model or on the pruned blocks before it."""
        return getattr(options, "propagate", "dense")


METHODS: dict[str, Method] = {}


def pruning_method(
    *,
    name: str,
    title: str,
    needs: tuple[Need, ...],
    compares: Compares,
    formula: str,
    summary: str,
    source: str,
    options: type[Options] = Options,
) -> Callable[[F], F]:
    """Puts a score function into the table. A second use of a name is an error."""

    def register(function: F) -> F:
        if name in METHODS:
            raise ValueError(f"two pruning methods are called {name!r}")
        METHODS[name] = Method(name, title, function, needs, compares, formula, summary, source, options)
        return function

    return register


def get_method(name: str) -> Method:
    """The method of this name.

    Raises:
        BadInput: no method has this name; suggests the nearest.
    """
    if name not in METHODS:
        raise unknown("method", name, METHODS)
    return METHODS[name]


# Every file beside this one is a method: adding one touches only its own file.
for _module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
    importlib.import_module(f"{__name__}.{_module}")
