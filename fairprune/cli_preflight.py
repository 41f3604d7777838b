"""`python -m fairprune preflight`: what a run would need, before it starts."""

from __future__ import annotations

from typing import Annotated

import typer

from fairprune import catalogue
from fairprune.cli_options import (
    Allocation,
    Alpha,
    BatchSize,
    Calibration,
    CalibrationSamples,
    Compositions,
    Corpus,
    Device,
    Dtype,
    LossRatio,
    Margin,
    MaxNewTokens,
    Method,
    Model,
    NoiseBand,
    Option,
    Pattern,
    Preset,
    Primary,
    Reading,
    Sample,
    Samples,
    Seed,
    Seqlen,
    Sparsity,
    Tau,
    Ties,
    ZeroMatch,
    parse_options,
)
from fairprune.errors import unknown
from fairprune.plan import plan_run
from fairprune.preflight import estimate, setting_that_fits, words
from fairprune.store import open_store


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(preflight)


def preflight(
    model: Model,
    method: Method,
    sparsity: Sparsity = None,
    pattern: Pattern = None,
    allocation: Allocation = "uniform",
    calibration: Calibration = "balanced",
    corpus: Corpus = "movies",
    preset: Preset = "quick",
    option: Option = None,
    samples: Samples = None,
    calibration_samples: CalibrationSamples = None,
    seqlen: Seqlen = None,
    max_new_tokens: MaxNewTokens = None,
    batch_size: BatchSize = None,
    compositions: Compositions = "mixed",
    sample: Sample = False,
    tau: Tau = "0.8",
    reading: Reading = "ratio",
    ties: Ties = "lt",
    zero_match: ZeroMatch = "unscored",
    primary: Primary = None,
    margin: Margin = None,
    alpha: Alpha = 0.05,
    noise_band: NoiseBand = False,
    loss_ratio: LossRatio = False,
    seed: Seed = 0,
    device: Device = "auto",
    dtype: Dtype = "auto",
    job: Annotated[
        str, typer.Option(help="run: as `run` does; prune: as `prune` does, a folder and no summaries.")
    ] = "run",
) -> int:
    """Says what a run would need: memory, disk, time; and a setting that fits, where this one does not. Runs nothing."""
    if job not in ("run", "prune"):
        raise unknown("job", job, ["run", "prune"])
    spec = plan_run(
        model=model,
        method=method,
        sparsity=sparsity,
        pattern=pattern,
        allocation=allocation,  # type: ignore[arg-type]
        options=parse_options(option),
        calibration=calibration,
        corpus=corpus,
        preset=preset,
        samples=samples,
        calibration_samples=calibration_samples,
        seqlen=seqlen,
        max_new_tokens=max_new_tokens,
        batch_size=batch_size,
        compositions=compositions,
        sample=sample,
        noise_band=noise_band,
        loss_ratio=loss_ratio,
        metrics={
            "tau": tau,
            "reading": reading,
            "ties": ties,
            "zero_match": zero_match,
            "margins": parse_options(margin),
            "alpha": alpha,
            **({"primary": primary} if primary else {}),
        },
        seed=seed,
        device=device,
        dtype=dtype,
        summaries=job == "run",
        # A model that is not here yet is told from the hub's headers, or the catalogue's numbers.
        checked=catalogue.preview_folder(catalogue.resolve(model)) is not None,
    )
    with open_store() as store:
        found = estimate(spec, job=job, store=store)  # type: ignore[arg-type]
        setting = None if found.fits else setting_that_fits(found, job=job, store=store)  # type: ignore[arg-type]
    print("\n".join(words.lines(found, setting)))
    return 0 if found.fits else 1
