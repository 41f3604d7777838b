"""The options of the command line that commands share. Their help texts are the sentences under the fields of the spec."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from fairprune.errors import BadInput
from fairprune.spec import (
    PRESET_NOTES,
    CalibrationSpec,
    EvaluationSpec,
    MetricSpec,
    ModelSpec,
    PruningSpec,
)


def described(part: type[BaseModel], field: str) -> str:
    return part.model_fields[field].description or ""


Model = Annotated[str, typer.Option(help=described(ModelSpec, "name"))]
Method = Annotated[str, typer.Option(help=described(PruningSpec, "method"))]
Sparsity = Annotated[float | None, typer.Option(help=described(PruningSpec, "sparsity"))]
Pattern = Annotated[str | None, typer.Option(help=described(PruningSpec, "pattern"))]
Allocation = Annotated[str, typer.Option(help=described(PruningSpec, "allocation"))]
Option = Annotated[
    list[str] | None, typer.Option("--option", metavar="KEY=VALUE", help=described(PruningSpec, "options"))
]
Calibration = Annotated[str, typer.Option(help=described(CalibrationSpec, "name"))]
Corpus = Annotated[
    str, typer.Option(help="Corpus of opinions: movies, politics, products, or one of your own.")
]
Seqlen = Annotated[int | None, typer.Option(help=described(CalibrationSpec, "seqlen"))]
Seed = Annotated[int, typer.Option(help="Seed of every draw of the run.")]
Preset = Annotated[str, typer.Option(help=" ".join(f"{name}: {note}" for name, note in PRESET_NOTES.items()))]
Samples = Annotated[int | None, typer.Option(help=described(EvaluationSpec, "samples"))]
CalibrationSamples = Annotated[int | None, typer.Option(help=described(CalibrationSpec, "samples"))]
MaxNewTokens = Annotated[int | None, typer.Option(help=described(EvaluationSpec, "max_new_tokens"))]
BatchSize = Annotated[int | None, typer.Option(help=described(EvaluationSpec, "batch_size"))]
Compositions = Annotated[str, typer.Option(help=described(EvaluationSpec, "compositions"))]
Sample = Annotated[bool, typer.Option("--sample", help=described(EvaluationSpec, "sample"))]
Tau = Annotated[str, typer.Option(help=described(MetricSpec, "tau"))]
Reading = Annotated[str, typer.Option(help=described(MetricSpec, "reading"))]
Ties = Annotated[str, typer.Option(help=described(MetricSpec, "ties"))]
ZeroMatch = Annotated[str, typer.Option(help=described(MetricSpec, "zero_match"))]
Dtype = Annotated[str, typer.Option(help=described(ModelSpec, "dtype"))]
Device = Annotated[str, typer.Option(help="cpu, cuda, or auto: a GPU where there is one.")]
Primary = Annotated[list[str] | None, typer.Option(help=described(MetricSpec, "primary"))]
Margin = Annotated[list[str] | None, typer.Option(help=f"METRIC=VALUE. {described(MetricSpec, 'margins')}")]
Alpha = Annotated[float, typer.Option(help=described(MetricSpec, "alpha"))]
NoiseBand = Annotated[bool, typer.Option("--noise-band", help=described(EvaluationSpec, "noise_band"))]
LossRatio = Annotated[bool, typer.Option("--loss-ratio", help=described(EvaluationSpec, "loss_ratio"))]


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
