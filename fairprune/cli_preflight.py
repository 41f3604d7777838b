"""`python -m fairprune preflight`: what a run would need, before it starts."""

from __future__ import annotations

from typing import Annotated

import typer

from fairprune import catalogue
from fairprune import cli_options as options
from fairprune.cli_options import OWN, parse_options
from fairprune.errors import unknown
from fairprune.metric_spec import parse_choices
from fairprune.metrics.margins import parse_margins
from fairprune.plan import plan_run
from fairprune.preflight import estimate, setting_that_fits, words
from fairprune.store import open_store


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(preflight)


def preflight(
    model: options.Model,
    method: options.Method,
    sparsity: options.Sparsity = None,
    pattern: options.Pattern = None,
    allocation: options.Allocation = "uniform",
    calibration: options.Calibration = "balanced",
    corpus: options.Corpus = "movies",
    preset: options.Preset = "quick",
    option: options.Option = None,
    samples: options.Samples = None,
    calibration_samples: options.Windows = None,
    seqlen: options.Seqlen = None,
    max_new_tokens: options.MaxNewTokens = None,
    batch_size: options.BatchSize = None,
    compositions: options.Compositions = "mixed",
    sample: options.Sample = False,
    tau: options.Tau = "0.8",
    reading: options.Reading = "ratio",
    ties: options.Ties = "lt",
    zero_match: options.ZeroMatch = "unscored",
    primary: options.Primary = None,
    margin: options.Margin = None,
    alpha: options.Alpha = 0.05,
    labels: options.Labels = "packaged",
    label_map: options.LabelMap = None,
    quality_bertscore: options.QualityBertscore = None,
    metric: options.Metric = None,
    noise_band: options.NoiseBand = False,
    loss_ratio: options.LossRatio = False,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    dtype: options.Dtype = "auto",
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
            **parse_choices(metric or [], OWN),
            "tau": tau,
            "reading": reading,
            "ties": ties,
            "zero_match": zero_match,
            "margins": parse_margins(margin or []),
            "alpha": alpha,
            **({"primary": primary} if primary else {}),
            "labels": labels,
            "label_map": parse_options(label_map),
            **({} if quality_bertscore is None else {"quality_bertscore": quality_bertscore}),
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
