"""Calibration set `model-output`: the dense model's own summaries of calibration opinions, chosen by BUR."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fairprune.evaluate import evaluate
from fairprune.metric_spec import MetricSpec
from fairprune.opinions import Corpus, OpinionSet

MOST_SUMMARIES = 512
"""Dense summaries that a calibration set may cost."""


def choose_summaries(
    corpus: Corpus,
    available: Sequence[OpinionSet],
    write: Callable[[list[OpinionSet]], list[str]],
    count: Callable[[str], int],
    metrics: MetricSpec,
    *,
    fair: bool,
    tokens: int,
    portion: int,
) -> tuple[list[str], str]:
    """Summaries that BUR calls fair (or unfair), as many as the windows need, and a sentence about them.

    Written in portions, so that no more are written than needed; whoever writes them may store and reuse each portion.

    Args:
        write: opinion sets → the dense model's summaries of them.
        count: text → tokens.
        tokens: that the windows hold together; [] and fewer where the opinion sets do not give them.
        portion: opinion sets written at once.
    """
    chosen: list[str] = []
    written = found = 0
    wanted = 0 if fair else 1
    available = available[:MOST_SUMMARIES]
    for start in range(0, len(available), portion):
        sets = list(available[start : start + portion])
        texts = write(sets)
        scored = evaluate(sets, {"dense": texts}, corpus.info, metrics.by_words(), None)["samples"]
        new = [text for text, row in zip(texts, scored, strict=True) if row["dense"]["bur"] == wanted]
        chosen += new
        written += len(texts)
        found += sum(count(text) for text in new)
        if found >= tokens:
            break
    word = "fair" if fair else "unfair"
    return (
        chosen,
        f"{len(chosen)} of {written} dense summaries of calibration opinions are {word}: {found} tokens",
    )
