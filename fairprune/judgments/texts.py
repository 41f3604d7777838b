"""What must be known of the texts before a study opens: identical ones are never asked, and none may name a system."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from fairprune.errors import BadInput
from fairprune.judgments.design import Item
from fairprune.judgments.votes import AUTOMATIC, Outcome

ASSISTANTS = ("ChatGPT", "GPT-4", "OpenAI", "Anthropic", "as an AI", "language model")
"""Words that give a model away whatever the study compares."""
SHORTEST_NAME = 3


def identical(text: str, other: str) -> bool:
    """Whether a reader sees the same: white space and ways to write one letter do not count."""
    return seen(text) == seen(other)


def split_identical(
    items: Sequence[Item], summaries: Mapping[tuple[str, str], str]
) -> tuple[list[Item], list[Item]]:
    """(to be asked, automatic ties): items whose two texts are identical are never asked.

    Args:
        summaries: of (sample, system).

    Raises:
        BadInput: a summary that is missing or empty.
    """
    asked: list[Item] = []
    same: list[Item] = []
    for item in items:
        texts = []
        for system in (item.system_a, item.system_b):
            text = summaries.get((item.sample, system), "")
            if not text.strip():
                raise BadInput(
                    f"there is no summary by {system} of sample {item.sample}: leave the sample out"
                )
            texts.append(text)
        (same if identical(*texts) else asked).append(item)
    return asked, same


def automatic_ties(items: Sequence[Item], question: str, votes_per_item: int) -> list[Outcome]:
    """What items with identical texts count as: as many ties as votes would have been asked for."""
    return [
        Outcome(AUTOMATIC, item.id, question, item.system_a, item.system_b, "tie", item.sample)
        for item in items
        for _ in range(votes_per_item)
    ]


def names_of(name: str) -> list[str]:
    """What could give a model or method away: its name, without its owner, and its family.

    >>> names_of("HuggingFaceTB/SmolLM2-135M-Instruct")
    ['HuggingFaceTB/SmolLM2-135M-Instruct', 'SmolLM2-135M-Instruct', 'SmolLM2', 'HuggingFaceTB']
    """
    owner, _, bare = name.rpartition("/")
    found = [name, bare, re.split(r"[-_\s]", bare)[0], owner.rpartition("/")[2]]
    return list(dict.fromkeys(one for one in found if len(one) >= SHORTEST_NAME))


def named(text: str, names: Iterable[str]) -> list[str]:
    """Which of the names the text holds, as words of their own, whatever their case. The text itself is never altered.

    A lead decides at preview whether such an item is left out: 'magnitude' is a method's name and a word of the language.

    >>> named("Written by smollm2, of great magnitude.", ["SmolLM2", "wanda", "magnitude"])
    ['SmolLM2', 'magnitude']
    """
    plain = seen(text)
    return [
        name
        for name in dict.fromkeys(names)
        if re.search(rf"(?<!\w){re.escape(seen(name))}(?!\w)", plain, re.IGNORECASE)
    ]


def seen(text: str) -> str:
    """What a reader sees of a text: equal for texts that look the same."""
    return " ".join(unicodedata.normalize("NFC", text).split())
