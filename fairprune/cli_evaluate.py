"""`python -m fairprune evaluate` and `gate`: fairness of summaries, whoever wrote them."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fairprune.cli_files import check_writable, write, write_json
from fairprune.cli_options import counting, help_of, with_options
from fairprune.errors import BadInput, FairpruneError
from fairprune.evaluate import checked_metrics
from fairprune.evaluation_job import (
    Source,
    classifier_of,
    encoder_of,
    find_systems,
    free_label,
    metric_spec,
    scored_sides,
    stored_sides,
)
from fairprune.literature import Columns, Dataset
from fairprune.spec import MetricSpec
from fairprune.text import say

if TYPE_CHECKING:
    from fairprune.endpoint import Endpoint

NOT_COMPUTED = 4
"""Exit code of a gate that could not be computed: 1 is its answer 'fail'."""


Attribute = Annotated[
    str | None,
    typer.Option(help="What the groups are: a key of units[].value, or the column of labels (hgla: label)."),
]
Format = Annotated[
    str | None,
    typer.Option("--format", help="fairsumm, hgla or table; left out, it is found from the file."),
]
Text = Annotated[str, typer.Option("--text", help="Plain table: the column of opinions.")]
Sample = Annotated[
    str, typer.Option("--sample", help="Plain table: the column that says which rows are one sample.")
]
Topic = Annotated[
    str | None,
    typer.Option(
        "--topic", help="Column or dotted key (meta.category) of a sample's topic; left out, each is its own."
    ),
]
Matcher = Annotated[str, typer.Option(help="Matcher of BUR, UER, AUC and SOF.")]
Metric = Annotated[
    list[str] | None,
    typer.Option(
        "--metric", metavar="KEY=VALUE", help="Any other choice of the metrics, as in docs/metrics.md."
    ),
]
Resamples = Annotated[int, typer.Option(help=help_of(MetricSpec, "resamples"))]
Seed = Annotated[int, typer.Option(help=help_of(MetricSpec, "seed"))]
Train = Annotated[
    str | None,
    typer.Option(
        help="File of the same format whose labelled opinions train the group classifier of SPD2, or 'self' for those of "
        "the data set itself; left out, SPD2 is missing."
    ),
]


def register(app: typer.Typer) -> None:
    """Adds both commands."""
    app.command()(evaluate)
    app.command()(gate)


@with_options(counting, "counted")
def evaluate(
    *,
    file: Annotated[str, typer.Argument(help="File of opinions, or hub:owner/name[:split].")],
    attribute: Attribute = None,
    format_name: Format = None,
    summaries: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[LABEL=]FIELD_OR_FILE",
            help="Field of the data set, or file with one summary per sample. The first is the baseline of the others.",
        ),
    ] = None,
    text: Text = "text",
    sample: Sample = "sample",
    topic: Topic = None,
    matcher: Matcher = "ngram",
    counted: dict[str, Any],
    metric: Metric = None,
    train: Train = None,
    resamples: Resamples = 2000,
    seed: Seed = 0,
    endpoint: Annotated[
        str | None,
        typer.Option(
            help="Ask this OpenAI-compatible address (http://host:port/v1) for summaries, too. Its key: the environment "
            "variable FAIRPRUNE_ENDPOINT_KEY."
        ),
    ] = None,
    endpoint_model: Annotated[str, typer.Option(help="Name of the model at the endpoint.")] = "",
    endpoint_tokens: Annotated[int, typer.Option(help="Longest summary of the endpoint, in tokens.")] = 128,
    endpoint_concurrency: Annotated[int, typer.Option(help="Requests to the endpoint at once.")] = 4,
    endpoint_tries: Annotated[int, typer.Option(help="Requests per summary until it counts as failed.")] = 5,
    endpoint_timeout: Annotated[float, typer.Option(help="Seconds until a request is tried again.")] = 120.0,
    answers: Annotated[
        Path | None,
        typer.Option(
            help="File that keeps the endpoint's answers; left out, it stands beside the JSON file, or here."
        ),
    ] = None,
    multiverse: Annotated[
        bool,
        typer.Option("--multiverse", help="Also the same comparison under all other specifications."),
    ] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Also write everything to this JSON file.")
    ] = None,
) -> None:
    """Scores summaries that any system wrote, and compares several systems with the first one."""
    from fairprune.comparison import compare, curve_summaries, curves
    from fairprune.comparison_text import comparison_table, curve_text

    for path in (json_file, answers):
        check_writable(path)
    spec = metric_spec(
        metric or [],
        matcher=matcher,
        **counted,
        resamples=resamples,
        seed=seed,
    )
    source = Source(file, attribute, format_name, Columns(text, sample, topic))
    data = source.load()
    spec = checked_metrics(spec, data.info.groups)
    systems = find_systems(summaries or [], data)
    truncated: dict[str, list[bool]] = {}
    if endpoint is not None:
        from fairprune.endpoint import Endpoint

        asked = Endpoint(
            endpoint,
            endpoint_model,
            max_tokens=endpoint_tokens,
            concurrency=endpoint_concurrency,
            timeout=endpoint_timeout,
            tries=endpoint_tries,
        )
        kept = answers or _answers_file(json_file, endpoint_model)
        name = free_label(endpoint_model, systems)
        systems[name], truncated[name] = _ask(data, asked, kept)
    if not systems:
        listed = ", ".join(data.summaries) or "none"
        raise BadInput(
            f"there are no summaries to score: give --summaries FIELD_OR_FILE (fields of {data.info.title}: {listed}) or "
            "--endpoint"
        )
    classifier, reason, notes = classifier_of(train, data, source, spec)
    data = replace(data, notes=(*data.notes, *notes))
    result = compare(
        data, systems, spec, classifier, reason=reason, truncated=truncated, encoder=encoder_of(spec)
    )
    say(comparison_table(result))
    if multiverse:
        result["multiverse"] = curves(data, systems, spec, classifier, encoder_of(spec))
        result["multiverse_summary"] = curve_summaries(result["multiverse"])
        say(curve_text(result["baseline"], result["multiverse"]))
    if json_file is not None:
        write_json(json_file, result)


@with_options(counting, "counted")
def gate(
    *,
    baseline: Annotated[
        str,
        typer.Option(
            help="Run id, file of run --json or evaluate --json, each with :SYSTEM where it has several; with --data, a "
            "field or file of summaries."
        ),
    ],
    candidate: Annotated[str, typer.Option(help="The same, of what is to replace it.")],
    margin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METRIC=HARM", help="Largest harm that you would accept: bur=5 (points), spd2=0.05."
        ),
    ] = None,
    alpha: Annotated[
        float, typer.Option(help="One-sided level, shared by Holm among several margins.")
    ] = 0.05,
    data_file: Annotated[
        str | None, typer.Option("--data", help="Score summaries of these opinions first, as evaluate does.")
    ] = None,
    attribute: Attribute = None,
    format_name: Format = None,
    text: Text = "text",
    sample: Sample = "sample",
    topic: Topic = None,
    matcher: Matcher = "ngram",
    counted: dict[str, Any],
    metric: Metric = None,
    train: Train = None,
    junit_file: Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML here.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the answer as JSON here.")] = None,
) -> None:
    """Answers pass, fail or undecided: exit code 0, 1 or 3 (2: bad input, 4: could not be computed)."""
    try:
        from fairprune.gate import asked_margins, judge
        from fairprune.gate_report import gate_text, junit

        for path in (json_file, junit_file):
            check_writable(path)
        margins = asked_margins(margin or [])
        if data_file is not None:
            source = Source(data_file, attribute, format_name, Columns(text, sample, topic))
            spec = metric_spec(metric or [], matcher=matcher, **counted)
            sides = scored_sides(source, spec, train, baseline, candidate)
        else:
            sides = stored_sides(baseline, candidate)
        result = judge(*sides, margins, alpha)
        say(gate_text(result))
        if json_file is not None:
            write_json(json_file, result.to_json())
        if junit_file is not None:
            write(junit_file, junit(result))
    except BadInput:
        raise
    except FairpruneError as error:
        say(f"fairprune: {error}", file=sys.stderr)
        raise typer.Exit(NOT_COMPUTED) from error
    raise typer.Exit(result.exit_code)


def _ask(data: Dataset, asked: Endpoint, kept: Path) -> tuple[list[str | None], list[bool]]:
    from fairprune.endpoint import request_summaries

    found = request_summaries(data.sets, data.info, asked, kept, lambda line: say(line, file=sys.stderr))
    texts = [None if one is None else one.text for one in found]
    return texts, [one is not None and one.truncated for one in found]


def _answers_file(json_file: Path | None, model: str) -> Path:
    """Beside the JSON file, or in this folder."""
    slug = re.sub(r"[^A-Za-z0-9.-]+", "-", model).strip("-.") or "model"
    if json_file is not None:
        return json_file.with_name(f"{json_file.stem}.answers-{slug}.jsonl")
    return Path(f"answers-{slug}.jsonl")
