"""The options of the command line that decide a run. Help texts are the sentences under the fields of the spec."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from fairprune.errors import BadInput
from fairprune.metrics.margins import IN_POINTS
from fairprune.spec import (
    PRESET_NOTES,
    CalibrationSpec,
    EvaluationSpec,
    MetricSpec,
    ModelSpec,
    PruningSpec,
)

OWN = (
    *("tau", "reading", "ties", "zero_match", "seed", "margins", "primary", "alpha"),
    *("labels", "label_map", "labels_identity", "quality_bertscore"),
)
"""Fields of `MetricSpec` that `run` has options for (or fills in): `--metric` takes all others."""


def _help(part: type[BaseModel], field: str) -> str:
    return part.model_fields[field].description or ""


Model = Annotated[str, typer.Option(help=_help(ModelSpec, "name"))]
Method = Annotated[str, typer.Option(help=_help(PruningSpec, "method"))]
ModelIfAny = Annotated[str | None, typer.Option(help=_help(ModelSpec, "name"))]
MethodIfAny = Annotated[str | None, typer.Option(help=_help(PruningSpec, "method"))]
Sparsity = Annotated[float | None, typer.Option(help=_help(PruningSpec, "sparsity"))]
Pattern = Annotated[str | None, typer.Option(help=_help(PruningSpec, "pattern"))]
Allocation = Annotated[str, typer.Option(help=_help(PruningSpec, "allocation"))]
Option = Annotated[
    list[str] | None, typer.Option("--option", metavar="KEY=VALUE", help=_help(PruningSpec, "options"))
]
Calibration = Annotated[str, typer.Option(help=_help(CalibrationSpec, "name"))]
Corpus = Annotated[
    str, typer.Option(help="Corpus of opinions: movies, politics, products, or one of your own.")
]
Preset = Annotated[str, typer.Option(help=" ".join(f"{name}: {note}" for name, note in PRESET_NOTES.items()))]
Samples = Annotated[int | None, typer.Option(help=_help(EvaluationSpec, "samples"))]
Windows = Annotated[int | None, typer.Option(help=_help(CalibrationSpec, "samples"))]
Seqlen = Annotated[int | None, typer.Option(help=_help(CalibrationSpec, "seqlen"))]
MaxNewTokens = Annotated[int | None, typer.Option(help=_help(EvaluationSpec, "max_new_tokens"))]
BatchSize = Annotated[int | None, typer.Option(help=_help(EvaluationSpec, "batch_size"))]
Compositions = Annotated[str, typer.Option(help=_help(EvaluationSpec, "compositions"))]
Sample = Annotated[bool, typer.Option("--sample", help=_help(EvaluationSpec, "sample"))]
NoiseBand = Annotated[bool, typer.Option("--noise-band", help=_help(EvaluationSpec, "noise_band"))]
LossRatio = Annotated[bool, typer.Option("--loss-ratio", help=_help(EvaluationSpec, "loss_ratio"))]
Tau = Annotated[str, typer.Option(help=_help(MetricSpec, "tau"))]
Reading = Annotated[str, typer.Option(help=_help(MetricSpec, "reading"))]
Ties = Annotated[str, typer.Option(help=_help(MetricSpec, "ties"))]
ZeroMatch = Annotated[str, typer.Option(help=_help(MetricSpec, "zero_match"))]
Primary = Annotated[list[str] | None, typer.Option(help=_help(MetricSpec, "primary"))]
Margin = Annotated[
    list[str] | None,
    typer.Option(metavar="METRIC=HARM", help=f"Largest harm that you would accept, per metric: {IN_POINTS}."),
]
Alpha = Annotated[float, typer.Option(help=_help(MetricSpec, "alpha"))]
Labels = Annotated[str, typer.Option(help=_help(MetricSpec, "labels"))]
LabelMap = Annotated[
    list[str] | None, typer.Option(metavar="LABEL=GROUP", help=_help(MetricSpec, "label_map"))
]
QualityBertscore = Annotated[str | None, typer.Option(help=_help(MetricSpec, "quality_bertscore"))]
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
Seed = Annotated[int, typer.Option(help="Seed of every draw of the run.")]
Dtype = Annotated[str, typer.Option(help=_help(ModelSpec, "dtype"))]
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
