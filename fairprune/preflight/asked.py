"""What a run will really do, read from its spec, the opinions and what is stored: without torch, and without a long wait."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from statistics import fmean
from typing import Literal

from fairprune import catalogue, corpora
from fairprune.calibration import calibration_set
from fairprune.corpora.sets import opinion_sets
from fairprune.identity import COVARIANCES, INPUTS, Place, dense_id, statistics_weights
from fairprune.methods import get_method
from fairprune.opinions import OpinionSet
from fairprune.preflight.debias import NOTHING_ADDED, Added, added
from fairprune.prompts import summary_prompt
from fairprune.spec import CalibrationSpec, EvaluationSpec, RunSpec
from fairprune.store import Store
from fairprune.tokens import TextTokenizer

Job = Literal["run", "prune"]
"""`run` summarises and scores too; `prune` writes a folder."""
PROMPTS_READ, LONGEST_READ = 48, 8
"""Prompts whose tokens are counted; of more sets, the 8 longest texts and an even sample."""
CHARACTERS_PER_TOKEN = 4.0  # of English text, where the tokenizer is not here
UNKNOWN_PROMPT = 400
"""Tokens of a prompt where the corpus is not here yet."""
UNKNOWN_SETS = 100
"""Of 'all that the test split gives' where the corpus is not here yet."""


@dataclass(frozen=True)
class Asked:
    """The work of a run."""

    job: Job
    gradients: int
    """Sums of gradients that are kept: pairs of loss and aggregation."""
    losses: tuple[str, ...]
    """Each costs a backward pass per window."""
    dense_covariances: bool
    """XXᵀ of all blocks at once."""
    dense_pass: bool
    """Whether the dense model is walked over the windows."""
    pruned_walk: bool
    """Whether it calibrates block after block on pruned outputs."""
    walk_covariances: bool
    solves: bool
    allocation: str
    windows: int
    tokens: int
    """Per window."""
    sets: int
    """Opinion sets that are summarised; 0 for a job that only prunes."""
    longest: int
    """Tokens of the longest prompt."""
    mean: float
    """Tokens of the average prompt."""
    statistics_stored: bool
    """The dense pass is on disk already."""
    summaries_stored: int
    """Dense summaries that are stored already, and are not written again."""
    added: Added = NOTHING_ADDED
    """Edit, recovery, and what DENP reads."""


def asked(spec: RunSpec, dtype: str, job: Job, store: Store | None) -> Asked:
    """The work of this spec.

    Args:
        dtype: the number format that the spec's means for this model.
        store: where stored summaries are looked for; None: nowhere.

    Raises:
        BadInput: opinions that do not suffice for the sets or windows asked for.
    """
    method = get_method(spec.pruning.method)
    options = method.parse_options(spec.pruning.options)
    kinds = statistics_kinds(spec)
    pruned = bool(method.needs) and method.propagation(options) == "pruned"
    gradients = [kind for kind in kinds or () if "/" in kind]
    sets = evaluated_sets(spec.evaluation) if job == "run" else ()
    prompts = _prompt_tokens(spec.evaluation, _folder(spec)) if job == "run" else (UNKNOWN_PROMPT,)
    return Asked(
        job=job,
        gradients=len(gradients),
        losses=tuple(sorted({kind.split("/")[0] for kind in gradients})),
        dense_covariances=COVARIANCES in (kinds or ()),
        dense_pass=kinds is not None,
        pruned_walk=pruned,
        walk_covariances=pruned and "hessian" in method.needs,
        solves=method.solves,
        allocation=spec.pruning.allocation,
        windows=spec.calibration.samples,
        tokens=spec.calibration.seqlen,
        sets=0 if job == "prune" else len(sets) or spec.evaluation.samples or UNKNOWN_SETS,
        longest=max(prompts),
        mean=fmean(prompts),
        statistics_stored=kinds is not None and _statistics_stored(spec, dtype, kinds),
        summaries_stored=_summaries_stored(spec, dtype, sets, store),
        added=added(spec, method.needs_windows(spec.pruning.allocation)),
    )


def statistics_kinds(spec: RunSpec) -> tuple[str, ...] | None:
    """The kinds of statistics of one pass of the dense model, by the names of their files; None where there is no such pass.

    The same choice as `fairprune.prune.wanted_dense`, which speaks in tensors.
    """
    method = get_method(spec.pruning.method)
    options = method.parse_options(spec.pruning.options)
    allocation = spec.pruning.allocation
    if not method.needs and allocation != "owl":
        return None
    kinds = [INPUTS]
    if "gradient" in method.needs:
        loss, aggregate = getattr(options, "loss", "all_tokens"), getattr(options, "aggregate", "l2")
        kinds.append(f"{loss}/{aggregate}")
    dense = method.propagation(options) == "dense" and bool(method.needs)
    if not dense and len(kinds) == 1 and allocation == "uniform":
        return None
    if "hessian" in method.needs and dense:
        kinds.append(COVARIANCES)
    return tuple(kinds)


def _folder(spec: RunSpec) -> Path | None:
    return catalogue.preview_folder(catalogue.resolve(spec.model.name))


def _statistics_stored(spec: RunSpec, dtype: str, kinds: tuple[str, ...]) -> bool:
    identity, folder = _identity(spec), _folder(spec)
    # The weights of `denp` are part of its windows' name, and the model alone knows them.
    name = spec.calibration.name
    cut_now = not name.startswith("model-output") and name not in ("general:c4", "denp")
    if identity is None or folder is None or not cut_now or not corpora.is_ready(spec.calibration.corpus):
        return False
    weights = statistics_weights(
        spec.model_copy(update={"model": spec.model.model_copy(update={"identity": identity})})
    )
    place = Place(weights, dtype, spec.device, _windows_hash(spec.calibration, folder))
    return all(place.path(kind).is_file() for kind in kinds)


def _summaries_stored(spec: RunSpec, dtype: str, sets: tuple[OpinionSet, ...], store: Store | None) -> int:
    identity = _identity(spec)
    if identity is None or store is None or not sets:
        return 0
    known = spec.model_copy(update={"model": spec.model.model_copy(update={"identity": identity})})
    return len(store.summaries(dense_id(known, dtype, sets)))


def _identity(spec: RunSpec) -> str | None:
    return spec.model.identity or catalogue.known_identity(catalogue.resolve(spec.model.name))


@lru_cache(maxsize=256)  # a sweep asks for the windows of every calibration set and seed
def _windows_hash(calibration: CalibrationSpec, folder: Path) -> str:
    corpus = corpora.load(calibration.corpus)
    return calibration_set(calibration, corpus, TextTokenizer.from_folder(folder)).hash


def evaluated_sets(evaluation: EvaluationSpec) -> tuple[OpinionSet, ...]:
    """The sets that are summarised; () where the corpus is not here yet. Kept: quick when it is asked again."""
    if not corpora.is_ready(evaluation.corpus):
        return ()
    every = _all_sets(evaluation.corpus, evaluation.set_size, evaluation.compositions, evaluation.seed)
    return every[: evaluation.samples]


@lru_cache(maxsize=8)
def _all_sets(
    corpus: str, size: int, compositions: Literal["mixed", "balanced", "skewed"], seed: int
) -> tuple[OpinionSet, ...]:
    return tuple(opinion_sets(corpora.load(corpus), "test", None, size, compositions, seed))


def _prompt_tokens(evaluation: EvaluationSpec, folder: Path | None) -> tuple[int, ...]:
    """Tokens of the prompts, or of those that stand for them."""
    sets = evaluated_sets(evaluation)
    if not sets:
        return (UNKNOWN_PROMPT,)
    file = None if folder is None else folder / "tokenizer.json"
    modified = file.stat().st_mtime_ns if file is not None and file.is_file() else None
    # Only what decides the prompts is in the key: another length of the summaries does not count them again.
    one = evaluation
    return _count_tokens(
        one.corpus,
        one.set_size,
        one.compositions,
        one.seed,
        len(sets),
        folder if modified else None,
        modified,
    )


@lru_cache(maxsize=16)
def _count_tokens(
    corpus: str,
    size: int,
    compositions: Literal["mixed", "balanced", "skewed"],
    seed: int,
    count: int,
    folder: Path | None,
    _modified: int | None,
) -> tuple[int, ...]:
    info = corpora.info(corpus)
    sets = _all_sets(corpus, size, compositions, seed)[:count]
    texts = [summary_prompt(info, [opinion.text for opinion in one.opinions]) for one in sets]
    if len(texts) > PROMPTS_READ:
        step = len(texts) // (PROMPTS_READ - LONGEST_READ)
        texts = [*sorted(texts, key=len)[-LONGEST_READ:], *texts[:: step + 1]]
    if folder is None:
        return tuple(round(len(text) / CHARACTERS_PER_TOKEN) for text in texts)
    tokenizer = TextTokenizer.from_folder(folder)
    return tuple(len(tokenizer.prompt_ids(text)) for text in texts)
