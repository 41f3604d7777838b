"""What a person asks for → a RunSpec that can run here. One place of checks for the page and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from fairprune import catalogue, corpora, devices
from fairprune.calibration import calibration_set
from fairprune.corpora.sets import opinion_sets
from fairprune.debias_plan import check_debias
from fairprune.errors import BadInput, unknown
from fairprune.evaluate import checked_metrics
from fairprune.methods import get_method
from fairprune.prompts import summary_prompt
from fairprune.spec import PRESETS, EvaluationSpec, RunSpec, build, parse_calibration
from fairprune.tokens import TextTokenizer


def plan_run(
    *,
    model: str,
    method: str,
    sparsity: float | None = None,
    pattern: str | None = None,
    allocation: Literal["uniform", "owl", "global"] = "uniform",
    options: Mapping[str, Any] | None = None,
    calibration: str = "balanced",
    corpus: str = "movies",
    preset: str = "quick",
    device: str = "auto",
    dtype: str = "auto",
    calibration_samples: int | None = None,
    seqlen: int | None = None,
    samples: int | None = None,
    compositions: str = "mixed",
    max_new_tokens: int | None = None,
    batch_size: int | None = None,
    seed: int = 0,
    sample: bool = False,
    noise_band: bool = False,
    loss_ratio: bool = False,
    metrics: Mapping[str, Any] | None = None,
    edit: Mapping[str, Any] | None = None,
    recovery: Mapping[str, Any] | None = None,
    summaries: bool = True,
    windows: bool = True,
    checked: bool = True,
) -> RunSpec:
    """Checks everything that can be checked before a run is queued, and writes it out as a spec.

    Args:
        samples: opinion sets to summarise; None takes the preset's number.
        metrics: of `MetricSpec`: tau, reading, ties, zero_match …
        edit, recovery: of `EditSpec` and `RecoverySpec`; None: neither. Where they name no seed, `seed` is theirs.
        windows: whether a calibration set will be cut; False when token ids are given instead.
        summaries: whether opinion sets will be summarised, so that the corpus must give enough of them.
        checked: False: only the form of the values is checked, and the spec is what was asked for, without the identity of the
            weights; quick enough for every change of a form.
        seed: of calibration windows, opinion sets, sampled generation, bootstrap, edit and recovery alike.

    Raises:
        BadInput, Unavailable: names what was wrong, the value, and what would be right.
    """
    if preset not in PRESETS:
        raise unknown("preset", preset, PRESETS)
    info = corpora.info(corpus)
    parse_calibration(calibration, info.groups)

    def given(**values: Any) -> dict[str, Any]:
        return {key: value for key, value in values.items() if value is not None}

    pruning = given(method=method, sparsity=sparsity, pattern=pattern or None, allocation=allocation)
    spec = build(
        model={"name": model, "dtype": dtype},
        pruning={**pruning, "options": dict(options or {})},
        calibration={
            **PRESETS[preset]["calibration"],
            **given(samples=calibration_samples, seqlen=seqlen),
            "name": calibration,
            "corpus": corpus,
            "seed": seed,
        },
        evaluation={
            **PRESETS[preset]["evaluation"],
            **given(samples=samples, max_new_tokens=max_new_tokens, batch_size=batch_size),
            "corpus": corpus,
            # A set holds at least one opinion of each group.
            "set_size": max(EvaluationSpec.model_fields["set_size"].default, len(info.groups)),
            "compositions": compositions,
            "seed": seed,
            "sample": sample,
            "noise_band": noise_band,
            "loss_ratio": loss_ratio,
        },
        metrics={**PRESETS[preset].get("metrics", {}), **(metrics or {}), "seed": seed},
        device=devices.resolve(device),
        edit=None if edit is None else {"seed": seed, **edit},
        recovery=None if recovery is None else {"seed": seed, **recovery},
    )
    if not checked:
        return spec
    if windows:
        check_weighed(spec)
    source = catalogue.check(model)
    if spec.pruning.pattern:
        catalogue.check_pattern_fits(source, spec.pruning.pattern)
    folder = catalogue.preview_folder(source)
    check_debias(spec, source, folder)
    tokenizer = None
    if folder is not None and (summaries or (windows and _reads_windows(spec))):
        tokenizer = TextTokenizer.from_folder(folder)
    if windows and _reads_windows(spec):
        catalogue.check_window(source, spec.calibration.seqlen)
    if windows and _reads_windows(spec) and tokenizer is not None and _can_cut_now(spec):
        calibration_set(spec.calibration, corpora.load(corpus), tokenizer)  # too little text is refused here
    evaluation, scoring = spec.evaluation, spec.metrics
    if summaries:
        scoring = checked_metrics(scoring, info.groups)
        # A preset asks for at most its number of sets: a small corpus gives what it has. A number of the user's is kept.
        wanted = evaluation.samples if samples is not None else None
        sets = opinion_sets(
            corpora.load(corpus),
            "test",
            wanted,
            evaluation.set_size,
            evaluation.compositions,
            evaluation.seed,
        )[: evaluation.samples]
        evaluation = evaluation.model_copy(update={"samples": len(sets)})
        if tokenizer is not None:
            prompts = (summary_prompt(info, [opinion.text for opinion in one.opinions]) for one in sets)
            longest = max(len(tokenizer.prompt_ids(prompt)) for prompt in prompts)
            catalogue.check_context(source, longest + evaluation.max_new_tokens)
    name = source.name if source.kind != "folder" else source.place
    return spec.model_copy(
        update={
            "model": spec.model.model_copy(update={"name": name, "identity": catalogue.identity(source)}),
            "evaluation": evaluation,
            "metrics": scoring,
        }
    )


def check_weighed(spec: RunSpec) -> None:
    """Raises BadInput where calibration windows would be weighed by DENP that nobody reads."""
    if spec.calibration.name == "denp" and not _reads_windows(spec):
        raise BadInput(
            f"{get_method(spec.pruning.method).title} reads no calibration windows, so that weights change nothing: choose the "
            "recovery, or a run of another method"
        )


def _reads_windows(spec: RunSpec) -> bool:
    return get_method(spec.pruning.method).needs_windows(spec.pruning.allocation)


def _can_cut_now(spec: RunSpec) -> bool:
    """Whether the windows need neither the model's own summaries nor the network."""
    return not spec.calibration.name.startswith("model-output") and spec.calibration.name != "general:c4"
