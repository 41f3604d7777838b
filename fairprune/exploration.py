"""What "Explore live" can be asked: which stored statistics there are, which methods they answer, and the question itself.

Without torch: pages list and ask, `fairprune.explorer` answers in a process of the device's worker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Self, get_args

from pydantic import Field, model_validator

from fairprune.errors import BadInput
from fairprune.identity import COVARIANCES, INPUTS, Place
from fairprune.methods import METHODS, Method, get_method
from fairprune.part import Part
from fairprune.spec import PruningSpec, RunSpec, parse_part
from fairprune.store import Run, Store

TOKENS = 128
"""Held-out tokens that perplexity is measured on; the first of them is not predicted."""
MOST_RUNS = 500
"""Runs, newest first, among which stored statistics are looked for."""
SLOW = "takes longer than a live answer may: start it as a run"


class ExploreSpec(Part):
    """One question: these masks, beside those, on these statistics."""

    run: RunSpec = Field(description="The run that left the statistics; its pruning part is not read.")
    place: Place = Field(description="What the statistics are of.")
    pruning: PruningSpec = Field(description="The setting whose masks are shown.")
    other: PruningSpec | None = Field(None, description="The setting whose masks are compared with these.")
    other_run: str | None = Field(
        None, pattern="^[0-9a-f]{16}$", description="The stored run whose masks are compared instead."
    )

    @model_validator(mode="after")
    def _of_one_device(self) -> Self:
        if self.run.device != self.place.device:
            raise BadInput(
                f"statistics of device {self.place.device!r} are no use to a run on {self.run.device!r}"
            )
        return self

    @property
    def device(self) -> str:
        return self.run.device

    def as_run(self) -> RunSpec:
        """The run that prunes just so and measures it in full; all the rest is as in the run of the statistics."""
        parts = self.run.model_dump(mode="json")
        return parse_part(RunSpec, {**parts, "pruning": self.pruning.model_dump(mode="json")})


@dataclass(frozen=True)
class Ground:
    """A model and a calibration set whose statistics lie on disk."""

    run: Run
    """The newest run that read or left them."""
    place: Place
    kinds: frozenset[str]
    """What is there: 'inputs', 'covariances', gradients such as 'last_token/l2'."""


def grounds(store: Store) -> list[Ground]:
    """All statistics on disk that a run of this install names, newest run first; each once.

    Runs of others say nothing of this disk; and what a bundle names, a model to be loaded among it, nobody here has asked for.
    """
    runs = [run for run in store.runs(limit=MOST_RUNS) if run.origin == "here"]
    places = store.results("statistics", [run.id for run in runs])
    found: dict[str, Ground] = {}
    for run in runs:
        named = places.get(run.id, {}).get("place")
        if named is None:
            continue
        place = Place(**named)
        kinds = place.kinds()
        if INPUTS in kinds:
            found.setdefault(place.key, Ground(run, place, kinds))
    return list(found.values())


def live_options(method: Method, kinds: frozenset[str]) -> dict[str, Any]:
    """The method's default options, but for what the statistics decide.

    A method that can calibrate on the dense model does so: stored statistics are of that one. Of gradients the
    method's default is taken, or else the first that is stored.
    """
    options = method.parse_options({}).model_dump(mode="json")
    if "propagate" in options:
        options["propagate"] = "dense"
    if "gradient" in method.needs:
        stored = [pair for pair in _gradients(method, options) if "/".join(pair) in kinds]
        for name, value in zip(("loss", "aggregate"), stored[0] if stored else (), strict=False):
            if name in options:
                options[name] = value
    return options


def _gradients(method: Method, options: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(loss, aggregate) pairs that the method can read, its default first."""
    fields = method.options.model_fields
    losses = get_args(fields["loss"].annotation) if "loss" in fields else ("all_tokens",)
    default = (options.get("loss", "all_tokens"), options["aggregate"])
    return sorted(product(losses, get_args(fields["aggregate"].annotation)), key=lambda pair: pair != default)


def offered(kinds: frozenset[str]) -> tuple[dict[str, Method], dict[str, str]]:
    """(methods that these statistics answer, why the others are not offered), by name in the order of the table."""
    methods: dict[str, Method] = {}
    reasons: dict[str, str] = {}
    for name, method in METHODS.items():
        try:
            check_live(live_pruning(name, kinds), kinds)
        except BadInput as error:
            reasons[name] = str(error)
        else:
            methods[name] = method
    return methods, reasons


def live_pruning(method: str, kinds: frozenset[str], **amount: Any) -> PruningSpec:
    """A setting with the options that the statistics allow.

    Args:
        amount: sparsity, or pattern; allocation.

    Raises:
        BadInput: an unknown method, or an amount that is none.
    """
    options = live_options(get_method(method), kinds)
    return parse_part(PruningSpec, {"method": method, "options": options, **amount})


def check_live(pruning: PruningSpec, kinds: frozenset[str]) -> None:
    """Refuses what these statistics do not answer in seconds, whoever asks for it.

    Raises:
        BadInput: names the method or the allocation, and why.
    """
    method = get_method(pruning.method)
    options = method.parse_options(pruning.options)
    if method.solves:
        raise BadInput(
            f"{method.title} also updates the weights that it keeps, column by column, which {SLOW}"
        )
    if pruning.allocation == "global":
        raise BadInput(
            f"allocation 'global' looks for one threshold over all blocks in many passes, which {SLOW}"
        )
    if method.needs and method.propagation(options) == "pruned":
        raise BadInput(
            f"{method.title} with propagate=pruned reads the windows anew in every block: choose propagate=dense"
        )
    wanted = {INPUTS} if method.needs or pruning.allocation == "owl" else set()
    if "gradient" in method.needs:
        wanted.add(f"{getattr(options, 'loss', 'all_tokens')}/{getattr(options, 'aggregate', 'l2')}")
    if missing := wanted - kinds:
        raise BadInput(
            f"{method.title} reads {kinds_in_words(frozenset(missing))}, which are not stored for these windows: "
            "run it once on them, and they will be"
        )


LOSSES = {
    "last_token": "the last token",
    "all_tokens": "all tokens",
    "summary_tokens": "the summary's tokens",
}


def kinds_in_words(kinds: frozenset[str]) -> str:
    """'input norms, gradients of the last token (l2)'."""
    words = ["input norms"] if INPUTS in kinds else []
    for kind in sorted(kinds - {INPUTS, COVARIANCES}):
        loss, _, aggregate = kind.partition("/")
        words.append(f"gradients of {LOSSES[loss]} ({aggregate})")
    if COVARIANCES in kinds:
        words.append("input covariances")
    return ", ".join(words)


def setting_text(pruning: PruningSpec) -> str:
    """A setting for an address: 'wanda@0.5', 'wanda@2:4', 'wanda@0.5@owl'. Its options follow from the statistics."""
    amount = pruning.pattern or f"{pruning.sparsity:g}"
    return "@".join(
        [pruning.method, amount, *([] if pruning.allocation == "uniform" else [pruning.allocation])]
    )


def read_setting(text: str, kinds: frozenset[str]) -> PruningSpec:
    """What `setting_text` wrote.

    Raises:
        BadInput: another form, an unknown method, or what these statistics do not answer.
    """
    method, _, rest = text.partition("@")
    amount, _, allocation = rest.partition("@")
    values: dict[str, Any] = {"allocation": allocation or "uniform"}
    if ":" in amount:
        values["pattern"] = amount
    else:
        try:
            values["sparsity"] = float(amount)
        except ValueError as error:
            raise BadInput(
                f"the setting {text!r} is not of the form method@sparsity, such as wanda@0.5"
            ) from error
    pruning = live_pruning(method, kinds, **values)
    check_live(pruning, kinds)
    return pruning
