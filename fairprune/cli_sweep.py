"""`python -m fairprune sweep`: a grid of runs, through the same queue and store as the pages."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from fairprune import catalogue, devices, jobs
from fairprune import cli_options as options
from fairprune.charts import percent
from fairprune.cli_options import help_of, parse_options
from fairprune.headlines import headlines
from fairprune.preflight import words
from fairprune.preflight.several import SweepEstimate, estimate_sweep
from fairprune.spec import CalibrationSpec, ModelSpec, PruningSpec
from fairprune.store import Run, Store, open_store
from fairprune.sweep import Axes, Plan, numbers, options_of, parts_of, plan_sweep, with_groups
from fairprune.text import counted, say

SEVERAL = "Several: repeat the option, or separate them by commas."

Models = Annotated[
    list[str],
    typer.Option("--model", help=f"{help_of(ModelSpec, 'name')} Repeat it for several."),
]
Methods = Annotated[list[str], typer.Option("--method", help=f"{help_of(PruningSpec, 'method')} {SEVERAL}")]
Sparsities = Annotated[
    list[str] | None, typer.Option("--sparsity", help=f"{help_of(PruningSpec, 'sparsity')} {SEVERAL}")
]
Patterns = Annotated[
    list[str] | None, typer.Option("--pattern", help=f"{help_of(PruningSpec, 'pattern')} {SEVERAL}")
]
Calibrations = Annotated[
    list[str] | None,
    typer.Option("--calibration", help=f"{help_of(CalibrationSpec, 'name')} {SEVERAL}"),
]
Seeds = Annotated[list[str] | None, typer.Option("--seed", help=f"Seed of every draw of a run. {SEVERAL}")]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(sweep)


@options.with_options(options.settings, "base")
def sweep(
    *,
    model: Models,
    method: Methods,
    sparsity: Sparsities = None,
    pattern: Patterns = None,
    calibration: Calibrations = None,
    option: options.Option = None,
    seed: Seeds = None,
    base: dict[str, Any],
    controls: Annotated[
        bool,
        typer.Option(
            "--controls",
            help="Also run what an edit or a recovery is compared with: the same without it, and its controls.",
        ),
    ] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Say what would be run, and run nothing.")] = False,
) -> int:
    """Runs a grid of models, methods, calibration sets, sparsities and seeds. A stored run is not computed again."""
    methods = tuple(parts_of(method))
    given = options_of(methods, parse_options(option))
    for name in model:
        catalogue.resolve(name)
    amounts = numbers(sparsity or [], float, "sparsity")
    patterns = tuple(parts_of(pattern or []))
    axes = Axes(
        models=tuple(model),
        methods=methods,
        calibrations=tuple(parts_of(calibration or ["balanced"])),
        sparsities=amounts if amounts or patterns else (0.5,),
        patterns=patterns,
        seeds=numbers(seed or ["0"], int, "seed"),
    )
    if not plan:
        jobs.ensure_worker(devices.resolve(base["device"]))  # it imports torch while the rest is checked
    found = plan_sweep(axes, base, given)
    if controls:
        found = with_groups(found)
    with open_store() as store:
        _tell(found, store)
        return 0 if plan else follow(found, axes, base["corpus"], store)


def _tell(found: Plan, store: Store) -> None:
    """What will be run, what is stored, what is left out, and how long it takes; to standard error."""
    states = store.states([spec.id for spec in found.specs])
    left = [spec for spec in found.specs if states.get(spec.id) != "done"]
    say(
        f"{counted(len(found.specs), 'run')}, {len(found.specs) - len(left)} of them stored already",
        file=sys.stderr,
    )
    for one in found.left_out:
        say(f"left out ({len(one.mixes)}): {', '.join(one.mixes)}: {one.reason}", file=sys.stderr)
    told = estimate_sweep(left, store)
    if told is not None:
        say(
            f"time: {span(told)}; host memory: {words.size(told.host.host_peak.host_bytes)} at the peak",
            file=sys.stderr,
        )
        for misfit in told.misfits:
            say(f"{misfit.spec.title()}: {words.misfit(misfit)}", file=sys.stderr)


def span(told: SweepEstimate) -> str:
    """The time range and what it rests on."""
    if told.low is None or told.high is None:
        return f"cannot be told before the first finished run on {told.host.spec.device}"
    return f"{words.span(told.low, told.high)} ({told.rests_on})"


def follow(found: Plan, axes: Axes, corpus: str, store: Store) -> int:
    """Queues the runs and prints each when it has ended. Exit code 1 where one has not been done."""
    queued = [run.id for run, _ in jobs.submit_all(found.specs, store)]
    stored = store.put_sweep(axes.title(corpus), axes.to_json(), queued)
    say(f"sweep {stored.id}: {stored.title}", file=sys.stderr)
    bad = 0
    try:
        for run in jobs.follow_all(queued, store=store):
            bad += run.state != "done"
            say(line(run, headlines(store, [run.id]).get(run.id)), flush=True)
    except KeyboardInterrupt:
        say("no longer following; the runs go on (python -m fairprune cancel RUN ends one)", file=sys.stderr)
        raise
    if bad:
        what = f"{bad} of {counted(len(queued), 'run')} {'was' if bad == 1 else 'were'} not done"
        say(f"{what}: python -m fairprune runs lists them", file=sys.stderr)
    return 1 if bad else 0


def line(run: Run, headline: Mapping[str, Any] | None) -> str:
    """A run that has ended, in one line: id, state, title, achieved sparsity and the fairness before and after."""
    parts = [run.id, f"{run.state:11}", run.title, f"seed {run.spec.calibration.seed}"]
    if headline is None:
        return "  ".join([*parts, run.error or ""]).rstrip()
    if headline["sparsity"] is not None:
        parts.append(f"achieved {headline['sparsity']['achieved']:.4f}")
    for name in ("bur", "uer"):
        cells = headline["metrics"].get(name)
        if cells:
            shown = [percent(cells[system]["value"]) for system in ("dense", "pruned")]
            parts.append(f"{name.upper()} {shown[0]} → {shown[1]} (n = {cells['pruned']['n']})")
    return "  ".join(parts)
