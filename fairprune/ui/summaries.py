"""One sample's summaries as HTML, sentence by sentence, and the sentences that can be chosen. Nothing is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from fairprune.text import sentences
from fairprune.ui import markup
from fairprune.ui.fairness import sample_facts

SYSTEMS = ("dense", "pruned")
MOST_SENTENCES = 12
"""Of one summary that can be chosen: more buttons than that are no choice."""


def sentence_choices(sample: Mapping[str, Any], place: int) -> dict[str, tuple[str, int]]:
    """What stands in the address → (system, position of the sentence), where evidence was looked for.

    The sample's number is part of it: at another sample the choice means nothing and is dropped.
    """
    return {
        f"{place + 1}.{system}.{i + 1}": (system, i)
        for system in SYSTEMS
        for i in range(min(MOST_SENTENCES, len((sample.get(system) or {}).get("evidence") or [])))
    }


def column(
    system: str,
    text: str | None,
    sample: dict[str, Any] | None,
    groups: tuple[str, ...],
    chosen: int | None,
) -> str:
    """One system's summary of the sample, with the position of its chosen sentence; HTML."""
    head = f'<div class="fp-column"><h4>{markup.system_name(system)}</h4>'
    if text is None:
        return f"{head}<p>There is no {escape(system)} summary of this sample.</p></div>"
    if not text.strip():
        body = "<p><em>The model wrote nothing.</em></p>"
    elif sample and (sample["labels"] or sample.get("evidence")):
        rows = sample["labels"] or [[sentence, None, None] for sentence in sentences(text)]
        body = markup.summary_sentences(rows, groups, sample.get("evidence"), chosen)
    else:
        body = f'<div class="fp-opinion fp-plain">{escape(text)}</div>'
    facts = "".join(f'<div class="fp-note">{escape(fact)}</div>' for fact in sample_facts(sample))
    shares = markup.shares(sample, groups) if sample else ""
    return f"{head}{body}{shares}{facts}</div>"
