"""The options of the command line that decide a run. Help texts are the sentences under the fields of the spec."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import BaseModel

from fairprune.debias import awareness
from fairprune.debias_spec import ROLES, EditSpec, RecoverySpec
from fairprune.errors import BadInput, unknown
from fairprune.metric_spec import parse_choices
from fairprune.metrics.margins import IN_POINTS, parse_margins
from fairprune.spec import (
    PRESET_NOTES,
    CalibrationSpec,
    EvaluationSpec,
    MetricSpec,
    ModelSpec,
    PruningSpec,
)

Result = TypeVar("Result")
OWN = (
    *("tau", "reading", "ties", "zero_match", "seed", "margins", "primary", "alpha"),
    *("labels", "label_map", "labels_identity", "quality_bertscore"),
)
"""Fields of `MetricSpec` that `run` has options for (or fills in): `--metric` takes all others."""


def help_of(part: type[BaseModel], field: str) -> str:
    """The sentence under a field of the spec."""
    return part.model_fields[field].description or ""


Model = Annotated[str, typer.Option(help=help_of(ModelSpec, "name"))]
Method = Annotated[str, typer.Option(help=help_of(PruningSpec, "method"))]
ModelIfAny = Annotated[str | None, typer.Option(help=help_of(ModelSpec, "name"))]
MethodIfAny = Annotated[str | None, typer.Option(help=help_of(PruningSpec, "method"))]
Sparsity = Annotated[float | None, typer.Option(help=help_of(PruningSpec, "sparsity"))]
Pattern = Annotated[str | None, typer.Option(help=help_of(PruningSpec, "pattern"))]
Allocation = Annotated[str, typer.Option(help=help_of(PruningSpec, "allocation"))]
Option = Annotated[
    list[str] | None, typer.Option("--option", metavar="KEY=VALUE", help=help_of(PruningSpec, "options"))
]
Calibration = Annotated[str, typer.Option(help=help_of(CalibrationSpec, "name"))]
Corpus = Annotated[
    str, typer.Option(help="Corpus of opinions: movies, politics, products, or one of your own.")
]
Preset = Annotated[str, typer.Option(help=" ".join(f"{name}: {note}" for name, note in PRESET_NOTES.items()))]
Samples = Annotated[int | None, typer.Option(help=help_of(EvaluationSpec, "samples"))]
Windows = Annotated[int | None, typer.Option(help=help_of(CalibrationSpec, "samples"))]
Seqlen = Annotated[int | None, typer.Option(help=help_of(CalibrationSpec, "seqlen"))]
MaxNewTokens = Annotated[int | None, typer.Option(help=help_of(EvaluationSpec, "max_new_tokens"))]
BatchSize = Annotated[int | None, typer.Option(help=help_of(EvaluationSpec, "batch_size"))]
Compositions = Annotated[str, typer.Option(help=help_of(EvaluationSpec, "compositions"))]
Sample = Annotated[bool, typer.Option("--sample", help=help_of(EvaluationSpec, "sample"))]
NoiseBand = Annotated[bool, typer.Option("--noise-band", help=help_of(EvaluationSpec, "noise_band"))]
LossRatio = Annotated[bool, typer.Option("--loss-ratio", help=help_of(EvaluationSpec, "loss_ratio"))]
Tau = Annotated[str, typer.Option(help=help_of(MetricSpec, "tau"))]
Reading = Annotated[str, typer.Option(help=help_of(MetricSpec, "reading"))]
Ties = Annotated[str, typer.Option(help=help_of(MetricSpec, "ties"))]
ZeroMatch = Annotated[str, typer.Option(help=help_of(MetricSpec, "zero_match"))]
Primary = Annotated[list[str] | None, typer.Option(help=help_of(MetricSpec, "primary"))]
Margin = Annotated[
    list[str] | None,
    typer.Option(metavar="METRIC=HARM", help=f"Largest harm that you would accept, per metric: {IN_POINTS}."),
]
Alpha = Annotated[float, typer.Option(help=help_of(MetricSpec, "alpha"))]
Labels = Annotated[str, typer.Option(help=help_of(MetricSpec, "labels"))]
LabelMap = Annotated[
    list[str] | None, typer.Option(metavar="LABEL=GROUP", help=help_of(MetricSpec, "label_map"))
]
QualityBertscore = Annotated[str | None, typer.Option(help=help_of(MetricSpec, "quality_bertscore"))]
Metric = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        metavar="KEY=VALUE",
        help="Another choice of the metrics: "
        + " ".join(
            f"{name}: {field.description}"
            for name, field in MetricSpec.model_fields.items()
            if name not in OWN
        ),
    ),
]


def _fields(part: type[BaseModel], kinds: str) -> str:
    told = " ".join(f"{name}: {field.description}" for name, field in part.model_fields.items())
    return f"{kinds}, and choices of it as KEY=VALUE, each with the option again. {told}"


Edit = Annotated[
    list[str] | None,
    typer.Option(
        metavar="spin|KEY=VALUE",
        help=_fields(EditSpec, "Zero a few weights beside pruning: spin")
        + " A set may be a CSV or JSON Lines file, too.",
    ),
]
Recovery = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KIND|KEY=VALUE",
        help=_fields(
            RecoverySpec, "Train the kept weights for some steps after pruning: uniform, denp or nc3"
        ),
    ),
]
Seed = Annotated[int, typer.Option(help="Seed of every draw of the run.")]
Dtype = Annotated[str, typer.Option(help=help_of(ModelSpec, "dtype"))]
Device = Annotated[str, typer.Option(help="cpu, cuda, or auto: a GPU where there is one.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Also write everything to this JSON file.")]


def parse_options(pairs: Sequence[str] | None) -> dict[str, Any]:
    """['loss=all_tokens'] → {'loss': 'all_tokens'}.

    Raises:
        BadInput: a pair without '=', or a key given twice.
    """
    found: dict[str, Any] = {}
    for pair in pairs or []:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise BadInput(f"option {pair!r} is not KEY=VALUE, such as loss=all_tokens")
        if key in found:
            raise BadInput(f"option {key!r} was given twice")
        found[key] = value
    return found


def parse_addition(pairs: Sequence[str] | None, name: str, part: type[BaseModel]) -> dict[str, Any] | None:
    """['denp', 'steps=60'] → {'kind': 'denp', 'steps': '60'}; None where nothing was given.

    Args:
        name: of the option.
        part: the part of the spec that it fills.

    Raises:
        BadInput: a choice that the part does not have, or that stands twice.
    """
    if not pairs:
        return None
    found = parse_options([pair if "=" in pair else f"kind={pair}" for pair in pairs])
    for key in found:
        if key not in part.model_fields:
            raise unknown(f"KEY of --{name}", key, part.model_fields)
    return found


def kept_set(text: str) -> str:
    """The name of an awareness set: a known one as it stands, a file's after it was read and kept.

    Raises:
        BadInput: a file that cannot be used, or neither.
    """
    path = set_file(text)
    if path is None:
        return text
    awareness.read_file(path)  # names the path where it cannot be read
    return awareness.PREFIX + awareness.save_uploaded(path.read_bytes(), path.name)


def set_file(text: str) -> Path | None:
    """The file that is meant by an option for an awareness set; None: a known set is.

    Raises:
        BadInput: neither a known set nor a file.
    """
    if text in awareness.names():
        return None
    path = Path(text)
    if path.suffix.lower() in (".csv", ".jsonl") or path.exists():
        return path
    raise unknown("awareness set", text, awareness.names(), ". A CSV or JSON Lines file will do, too")


def with_options(
    shared: Callable[..., Any], name: str
) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """A command with the options of `shared` in the place of its argument `name`, which receives what `shared` makes of them."""
    inner = inspect.signature(shared, eval_str=True).parameters

    def around(command: Callable[..., Result]) -> Callable[..., Result]:
        own = inspect.signature(command, eval_str=True).parameters
        found: dict[str, inspect.Parameter] = {}
        for key, parameter in own.items():
            found |= inner if key == name else {key: parameter}

        @functools.wraps(command)
        def called(**given: Any) -> Result:
            made = shared(**{key: given.pop(key) for key in inner if key in given})
            return command(**given, **{name: made})

        # By keyword alone, as a command line gives them: then what must be given may follow what need not.
        merged = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in found.values()]
        called.__signature__ = inspect.Signature(merged)  # type: ignore[attr-defined]
        called.__annotations__ = {one.name: one.annotation for one in merged}
        return called

    return around


def counting(
    reading: Reading = "ratio", ties: Ties = "lt", tau: Tau = "0.8", zero_match: ZeroMatch = "unscored"
) -> dict[str, Any]:
    """How voices are counted → fields of `MetricSpec`."""
    return {"reading": reading, "ties": ties, "tau": tau, "zero_match": zero_match}


def additions(edit: Edit = None, recovery: Recovery = None) -> dict[str, Any]:
    """What a run does beside pruning → the arguments `edit` and `recovery` of `plan_run`.

    Raises:
        BadInput: a choice that is not KEY=VALUE, stands twice or is not known; a set that is neither known nor a file.
    """
    edited = parse_addition(edit, "edit", EditSpec)
    if edited is not None:
        edited |= {role: kept_set(edited[role]) for role in ROLES if role in edited}
    return {"edit": edited, "recovery": parse_addition(recovery, "recovery", RecoverySpec)}


@with_options(additions, "added")
@with_options(counting, "counted")
def settings(
    *,
    allocation: Allocation = "uniform",
    corpus: Corpus = "movies",
    preset: Preset = "quick",
    samples: Samples = None,
    calibration_samples: Windows = None,
    seqlen: Seqlen = None,
    max_new_tokens: MaxNewTokens = None,
    batch_size: BatchSize = None,
    compositions: Compositions = "mixed",
    sample: Sample = False,
    counted: dict[str, Any],
    primary: Primary = None,
    margin: Margin = None,
    alpha: Alpha = 0.05,
    labels: Labels = "packaged",
    label_map: LabelMap = None,
    quality_bertscore: QualityBertscore = None,
    metric: Metric = None,
    noise_band: NoiseBand = False,
    loss_ratio: LossRatio = False,
    added: dict[str, Any],
    device: Device = "auto",
    dtype: Dtype = "auto",
) -> dict[str, Any]:
    """The options that are the same for all runs of a sweep → arguments of `plan_run`.

    Raises:
        BadInput: a choice that is not KEY=VALUE or stands twice, a margin that cannot be read.
    """
    metrics = {
        **parse_choices(metric or [], OWN),
        **counted,
        "margins": parse_margins(margin or []),
        "alpha": alpha,
        **({"primary": primary} if primary else {}),
        "labels": labels,
        "label_map": parse_options(label_map),
        **({} if quality_bertscore is None else {"quality_bertscore": quality_bertscore}),
    }
    return {
        "allocation": allocation,
        "corpus": corpus,
        "preset": preset,
        "samples": samples,
        "calibration_samples": calibration_samples,
        "seqlen": seqlen,
        "max_new_tokens": max_new_tokens,
        "batch_size": batch_size,
        "compositions": compositions,
        "sample": sample,
        "noise_band": noise_band,
        "loss_ratio": loss_ratio,
        "metrics": metrics,
        **added,
        "device": device,
        "dtype": dtype,
    }


@with_options(settings, "rest")
def asked_run(
    *,
    model: Model,
    method: Method,
    sparsity: Sparsity = None,
    pattern: Pattern = None,
    calibration: Calibration = "balanced",
    option: Option = None,
    seed: Seed = 0,
    rest: dict[str, Any],
) -> dict[str, Any]:
    """The options that decide a run → the arguments of `plan_run`.

    Raises:
        BadInput: an option that is not KEY=VALUE or stands twice, a margin that cannot be read.
    """
    return {
        "model": model,
        "method": method,
        "sparsity": sparsity,
        "pattern": pattern,
        "calibration": calibration,
        "options": parse_options(option),
        "seed": seed,
        **rest,
    }
