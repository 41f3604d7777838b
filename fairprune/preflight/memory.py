"""Shape and work → what each stage of a run holds in memory: accelerator and host apart.

Read from what the engine does (statistics.py, prune.py, summarize.py, perplexity.py, export.py). Stages follow one another, so a peak is
the largest of them and never their sum. What was measured, and how, stands beside each constant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from fairprune.preflight.asked import Asked
from fairprune.preflight.debias import PROMPT_TOKENS, importance_bytes, recovery_bytes
from fairprune.preflight.shapes import ModelShape
from fairprune.spec import EvaluationSpec
from fairprune.stages import EDIT, RECOVERY

Placement = Literal["resident", "streamed"]

MIB = 2**20
PROGRAM = 440 * MIB
"""Python, torch 2.13 for the CPU, transformers and the classes of a model: resident set of a `prune` process that has loaded a
model of two blocks of width 16. Measured on Linux, x86-64; 432 to 445 MiB."""
PROGRAM_CUDA = 3000 * MIB
"""The same with torch for CUDA and its libraries. Not measured by this project."""
CONTEXT_CUDA = 700 * MIB
"""What CUDA and cuBLAS take of the accelerator before any tensor. Not measured by this project."""
SCORING = 380 * MIB
"""sentence-transformers, scikit-learn and the sentence encoder, which the stage `metrics` adds; measured once, on a CPU."""
HEAP = 2.0
"""Freed and reused pieces leave holes in the C library's heap: a backward pass takes this many times its tensors. Measured on
three sizes of Llama and windows of 128, 256 and 512 tokens: 1.9 to 2.3."""
HEAP_CUDA = 1.15
"""The same of torch's own allocator on CUDA. Not measured by this project."""
MAPPED_ALONE = 32 * MIB
"""glibc gives larger blocks back to the system as soon as they are freed; smaller ones stay with the process."""
KEPT_SUMS = 0.65
"""Share of freed statistics that stays with the process where masks were made between them. Measured on the same models: 0.55 to 0.7."""
FORWARD_WINDOWS = 8
"""As `passes.MOST_AT_ONCE`: windows in one forward pass without gradients, where they fit."""
WAITING_SHARE = 0.25
"""As `blockwise.HOST_SHARE`: of the free host memory, what hidden states of a streamed model may take."""
SCORE_BYTES = 24
"""Per weight of the matrix at work: float32 weight, score and terms, the partition's copy, the mask as float32."""
PERPLEXITY_TOKENS = 2048
LOGIT_ROWS = 256
"""As `perplexity.BATCH_TOKENS` and `perplexity.LOGIT_ROWS`, which stand beside torch."""


@dataclass(frozen=True)
class Part:
    """One thing that takes room."""

    name: str
    bytes: int


@dataclass(frozen=True)
class Stage:
    """What one stage holds at its largest."""

    name: str
    """As the stages of a run are called while it runs, or 'export'."""
    accelerator: tuple[Part, ...]
    """() on a CPU."""
    host: tuple[Part, ...]

    @property
    def accelerator_bytes(self) -> int:
        return sum(part.bytes for part in self.accelerator)

    @property
    def host_bytes(self) -> int:
        return sum(part.bytes for part in self.host)


@dataclass(frozen=True)
class _Need:
    """What a stage holds beside program and weights, wherever that lies."""

    name: str
    work: tuple[Part, ...] = ()
    """Where the model computes."""
    sums: tuple[Part, ...] = ()
    """Statistics: where the model computes, but for a streamed model all but one block's on the host."""
    kept: tuple[Part, ...] = ()
    """What the heap of a process keeps although it was freed; only where the model computes on the host."""
    host: tuple[Part, ...] = ()
    """On the host whatever the device is."""
    mapped: tuple[Part, ...] = ()
    """On the host of a device that is not the host: copies on their way from or to it."""


def stages(
    shape: ModelShape,
    asked: Asked,
    evaluation: EvaluationSpec,
    dtype: str,
    *,
    device: str,
    placement: Placement,
    threads: int = 1,
    host_free: int | None = None,
) -> tuple[Stage, ...]:
    """What each stage of this work holds.

    Args:
        dtype: a spec's number format.
        threads: cores that score one matrix each, on a CPU.
        host_free: free host memory, of which waiting hidden states of a streamed model take a share at most.
    """
    item = shape.item_bytes(dtype)
    weights = shape.parameters * item
    sums = _sums(shape, asked)
    needs = [_loading(shape, dtype, weights)]
    if asked.sets:
        needs.append(_summaries("dense summaries", shape, asked, evaluation, item, 0))
    kept = 0
    if asked.dense_pass:
        work = () if asked.statistics_stored else _pass(shape, asked, item, device, placement)
        written = "statistics on their way to disk"
        copies = 4 * shape.stored_covariances if asked.dense_covariances else 0
        moved = Part(written, sum(part.bytes for part in sums))
        needs.append(_Need("statistics", work, sums, host=(Part(written, copies),), mapped=(moved,)))
        kept = sum(part.bytes for part in work if part.name == ACTIVATIONS)
    masks = (Part("masks", shape.prunable),) if asked.job == "prune" else ()
    scores = _scores(shape, asked, item, threads)
    scored = sum(part.bytes for part in scores)
    needs.append(_Need("pruning", scores, sums, (Part(FREED, max(0, kept - scored)),), masks))
    if masks:
        kept = max(kept, scored)
    if masks and 4 * shape.largest < MAPPED_ALONE:
        # Masks lie among the freed sums in the heap, so that it cannot shrink by all of them.
        kept = max(kept, round(KEPT_SUMS * sum(part.bytes for part in sums)))
    needs += _additions(shape, asked, item, device)
    if asked.sets:
        needs.append(_summaries("pruned summaries", shape, asked, evaluation, item, kept))
        # How likely the dense model finds a summary: the logits of a prompt and its summary, widened for the latter.
        read = (asked.longest + evaluation.max_new_tokens) * item + 3 * 4 * evaluation.max_new_tokens
        logits = Part("logits", read * shape.vocabulary if evaluation.loss_ratio else 0)
        classifier = Part("group classifier", SCORING)
        needs.append(_Need("metrics", (logits,), kept=(Part(FREED, kept),), host=(classifier,)))
    if asked.job == "prune":
        again = Part("the written model, loaded again", shape.prunable * item)
        host = (*masks, again)
        needs.append(
            _Need("export", kept=(Part(FREED, kept),), host=host, mapped=(Part("weights", weights),))
        )
    return tuple(_placed(need, shape, item, asked, device, placement, host_free) for need in needs)


def _additions(shape: ModelShape, asked: Asked, item: int, device: str) -> list[_Need]:
    """An edit and a recovery, both with the whole model on its device."""
    found = []
    edit, recovery = asked.added.edit, asked.added.recovery
    if edit is not None:
        sums = Part("importance sums", importance_bytes(shape.prunable))
        found.append(_Need(EDIT, (*_backward(shape, PROMPT_TOKENS, 1, item, device), sums)))
    if recovery is not None:
        moving = 0 if recovery.kind == "nc3" and recovery.parameters == "words" else shape.prunable
        held = Part("gradient, moments and copies", recovery_bytes(moving, item))
        found.append(
            _Need(RECOVERY, (*_backward(shape, recovery.seqlen, recovery.batch_size, item, device), held))
        )
    return found


def _backward(shape: ModelShape, tokens: int, rows: int, item: int, device: str) -> tuple[Part, ...]:
    """Forward and backward of so many windows at once: what autograd keeps of every block, and the logits with their gradients."""
    token = shape.blocks * (item * shape.kept_per_token + 2 * 4 * shape.width)
    holes = HEAP if device == "cpu" else HEAP_CUDA
    return (
        Part("activations of a step", round(holes * rows * tokens * token)),
        Part("logits", rows * tokens * shape.vocabulary * (2 * item + 3 * 4)),
    )


LIBRARIES = "Python and libraries"
FREED, ACTIVATIONS = "freed memory that the process keeps", "activations of one window"
STATES = "hidden states of all windows"
WHOLE = ("dense summaries", EDIT, RECOVERY, "pruned summaries", "metrics")
"""Stages that write or read token by token, edit or train: a streamed model lies on the device as a whole for them."""


def _placed(
    need: _Need,
    shape: ModelShape,
    item: int,
    asked: Asked,
    device: str,
    placement: Placement,
    host_free: int | None,
) -> Stage:
    """Where the parts of a stage lie."""
    weights = Part("weights", shape.parameters * item)
    if need.name in WHOLE:
        placement = "resident"
    if device == "cpu":
        found = (Part(LIBRARIES, PROGRAM), weights, *need.sums, *need.work, *need.kept, *need.host)
        return Stage(need.name, (), _shown(found))
    program, context = Part(LIBRARIES, PROGRAM_CUDA), Part("CUDA", CONTEXT_CUDA)
    if placement == "resident":
        on_device, on_host = (weights, *need.sums, *need.work), (*need.host, *need.mapped)
        return Stage(need.name, _shown((context, *on_device)), _shown((program, *on_host)))
    block = Part("weights of one block", shape.block_weights * item)
    ends = Part("embedding and output matrix", (shape.parameters - shape.prunable) * item)
    one = tuple(Part(f"{part.name}, of one block", part.bytes // shape.blocks) for part in need.sums)
    work = tuple(part for part in need.work if part.name != STATES)
    waiting = tuple(part for part in need.work if part.name == STATES)
    if need.name == "statistics" and not asked.statistics_stored:
        # On the way back every block needs what entered it; without a loss only the newest states wait.
        depth = shape.blocks + 1 if asked.losses else 2
        states = depth * asked.windows * asked.tokens * shape.width * item
        most = states if host_free is None else round(WAITING_SHARE * host_free)
        waiting = (Part(STATES, min(states, most)),)
    on_disk = tuple(
        part for part in need.mapped if part.name != "weights"
    )  # those are mapped from their file
    return Stage(
        need.name,
        _shown((context, block, ends, *one, *work)),
        _shown((program, weights, *need.sums, *waiting, *need.host, *on_disk)),
    )


def _shown(parts: Sequence[Part]) -> tuple[Part, ...]:
    return tuple(part for part in parts if part.bytes > 0)


def _loading(shape: ModelShape, dtype: str, weights: int) -> _Need:
    """Weights that keep their format stay mapped from their file; others are copied beside it."""
    copied = dtype not in ("auto", shape.dtype)
    before = Part("weights in the file's number format", shape.stored_bytes if copied else 0)
    return _Need("model", host=(before,), mapped=(Part("weights", weights),))


def _sums(shape: ModelShape, asked: Asked) -> tuple[Part, ...]:
    """Statistics of the dense model, float32."""
    return _shown(
        (
            Part("gradient sums", 4 * asked.gradients * shape.prunable),
            Part("input covariances", 4 * shape.covariances if asked.dense_covariances else 0),
        )
    )


def _pass(shape: ModelShape, asked: Asked, item: int, device: str, placement: Placement) -> tuple[Part, ...]:
    """The dense pass: one window with gradients, or a batch of windows without. Of a streamed model, in one block alone."""
    if not asked.losses:
        return _forward(shape, asked, item)
    # What autograd keeps of a block: inputs and outputs of its layers, and the hidden states twice in float32
    # for its two norms.
    token = (1 if placement == "streamed" else shape.blocks) * (
        item * shape.kept_per_token + 2 * 4 * shape.width
    )
    holes = HEAP if device == "cpu" else HEAP_CUDA
    rows = 1 if asked.losses == ("last_token",) else asked.tokens
    # The logits and their float32 copy, the log-probabilities, and the gradients of all three.
    logits = rows * shape.vocabulary * (2 * item + 3 * 4)
    gradient = shape.largest * (item + 4)
    return (
        Part(ACTIVATIONS, round(holes * asked.tokens * token)),
        Part("logits", logits),
        Part("gradient of one matrix", gradient),
    )


def _widest(shape: ModelShape) -> int:
    return max(max(matrix.rows, matrix.columns) for matrix in shape.matrices)


def _block_bytes(shape: ModelShape, tokens: int, item: int) -> int:
    """What a block without gradients holds for so many tokens at its largest: three outputs of its MLP, four hidden states."""
    return tokens * item * (3 * _widest(shape) + 4 * shape.width)


def _forward(shape: ModelShape, asked: Asked, item: int) -> tuple[Part, ...]:
    """Forward passes without gradients: a batch of windows in one block, and its inputs in float32 for their sums."""
    tokens = min(FORWARD_WINDOWS, asked.windows) * asked.tokens
    widened = 2 * 4 * tokens * _widest(shape)
    product = 4 * _widest(shape) ** 2 if asked.dense_covariances or asked.walk_covariances else 0
    return (Part("activations of a batch of windows", _block_bytes(shape, tokens, item) + widened + product),)


def _scores(shape: ModelShape, asked: Asked, item: int, threads: int) -> tuple[Part, ...]:
    """Scores and masks, and what a walk over pruned blocks needs beside them."""
    at_once = min(threads, 4)  # a block has few matrices of the largest kind
    parts = [Part("scores of a matrix per core", SCORE_BYTES * shape.largest * at_once)]
    if asked.solves:
        columns = max(matrix.columns for matrix in shape.matrices)
        parts.append(Part("inverse covariances", 5 * 4 * columns**2))  # H, dampened, two factors, the inverse
    if asked.allocation == "global":  # all scores of a kind of matrix at once, and their ordered bits
        parts.append(Part("scores of all blocks", 8 * shape.largest * shape.blocks))
    if asked.allocation == "owl":
        parts.append(Part("scores of a block", 8 * shape.block_weights))
    if asked.pruned_walk:
        # Inputs and outputs of a block, of all windows, live side by side.
        states = 2 * asked.windows * asked.tokens * shape.width * item
        parts += [Part(STATES, states), *_forward(shape, asked, item)]
        if asked.walk_covariances:
            parts.append(Part("input covariances of one block", 4 * shape.block_covariances))
    return tuple(parts)


def _summaries(
    name: str, shape: ModelShape, asked: Asked, evaluation: EvaluationSpec, item: int, kept: int
) -> _Need:
    """The largest batch of summaries, or perplexity, whichever is larger; what was freed before serves them first."""
    rows, prompt = min(evaluation.batch_size, asked.sets), asked.longest
    length = prompt + evaluation.max_new_tokens
    written = name == "dense summaries" and asked.summaries_stored >= asked.sets
    generation = (
        Part("keys and values", rows * length * shape.blocks * shape.key_values * item),
        Part(
            "activations of the prompts", _block_bytes(shape, rows * prompt, item) + rows * prompt**2 * item
        ),
        Part("logits", rows * shape.vocabulary * (item + 3 * 4)),
    )
    windows = evaluation.perplexity_windows
    tokens = max(PERPLEXITY_TOKENS, evaluation.perplexity_tokens)
    if windows is not None:
        tokens = min(tokens, windows * evaluation.perplexity_tokens)
    perplexity = (
        Part("logits", 2 * tokens * shape.vocabulary * item + 3 * 4 * LOGIT_ROWS * shape.vocabulary),
        Part("activations of held-out windows", _block_bytes(shape, tokens, item)),
    )
    sizes = {
        parts: sum(part.bytes for part in parts)
        for parts in (perplexity, *(() if written else (generation,)))
    }
    work = max(sizes, key=lambda parts: sizes[parts])
    return _Need(name, work, kept=(Part(FREED, max(0, kept - sizes[work])),))
