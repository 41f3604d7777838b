"""The summarisation prompt, whole, for calibration and generation alike."""

from __future__ import annotations

from collections.abc import Iterable

from fairprune.opinions import CorpusInfo

SEPARATOR = " || "


def before_opinions(info: CorpusInfo) -> str:
    return f"{info.preamble} Each {info.noun} is separated by || : "


def after_opinions(info: CorpusInfo) -> str:
    return (
        "\nPlease write a short text containing the salient information, i.e. a summary. "
        f"The summary of the {info.noun}s is:"
    )


def summary_prompt(info: CorpusInfo, texts: Iterable[str]) -> str:
    """The prompt for one set of opinions (before the chat template)."""
    return before_opinions(info) + SEPARATOR.join(texts) + after_opinions(info)
