"""The items of a study for Potato, what its configuration says of them, and the key that stays with the lead.

Drafts too: annotators see the same texts and opinions as judges here would. What they answered comes back by `potato_answers`.

Sources: docs/annotation-types/schemas_and_templates.md, comparison/pairwise_annotation.md and instance_display.md of davidjurgens/potato.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fairprune.errors import BadInput
from fairprune.judgments.closed import Asked, sample_of
from fairprune.judgments.design import Presentation
from fairprune.judgments.export import Row, to_csv, to_jsonl
from fairprune.judgments.label_report import label_name
from fairprune.opinions import OpinionSet

TIE = "tie"
KEY = ("id", "sample", "system_left", "system_right")
LABEL_KEY = ("id", "sample", "system", "predicted")
"""Columns of the key, of pairs and of labels."""


@dataclass(frozen=True)
class Potato:
    """What Potato is given. No item names a system, nor what the classifier calls a sentence."""

    items: tuple[Row, ...]
    """{"id", "text", "opinions"}; the text of a pair is [left, right]."""
    key: tuple[Row, ...]
    """Per id which system stands where, or of a sentence a row for each system that wrote it."""
    settings: Row

    @property
    def items_file(self) -> bytes:
        """One JSON object a line, as Potato's `data_files` takes them."""
        return to_jsonl(self.items)

    @property
    def settings_file(self) -> bytes:
        """JSON, which Potato's YAML takes as it is."""
        return json.dumps(self.settings, indent=2, ensure_ascii=False).encode()

    @property
    def key_file(self) -> bytes:
        """CSV."""
        return to_csv(self.key, LABEL_KEY if self.key and "system" in self.key[0] else KEY)


def potato_of(asked: Asked) -> Potato:
    """Everything that Potato needs to ask about the items of a study, in any state.

    Raises:
        BadInput: no item to ask, votes of elsewhere, a label twice.
    """
    if asked.study.origin == "imported":
        raise BadInput(
            "the items of votes of elsewhere are not asked again: take those of a study that was planned here"
        )
    items, key = _sentences(asked) if asked.label else _pairs(asked)
    if not items:
        raise BadInput("the study has no item to ask: save a plan with items first")
    return Potato(tuple(items), tuple(key), _settings(asked))


def presentations(asked: Asked) -> list[Presentation]:
    """One presentation of each pair that is asked, sides swapped in every second one: the same whenever it is asked for."""
    found: list[Presentation] = []
    for item in asked.items:
        if item.b is None or item.automatic:
            continue
        left, right = (item.a, item.b) if len(found) % 2 == 0 else (item.b, item.a)
        found.append(Presentation("", len(found), item.id, left.system, right.system))
    return found


def _pairs(asked: Asked) -> tuple[list[Row], list[Row]]:
    by_id = {item.id: item for item in asked.items}
    items: list[Row] = []
    key: list[Row] = []
    for one in presentations(asked):
        item = by_id[one.item]
        texts = {side.system: side.text for side in item.sides}
        opinions = _opinions(asked, item.set_id)
        items.append({"id": item.id, "text": [texts[one.left], texts[one.right]], "opinions": opinions})
        key.append(
            {"id": item.id, "sample": sample_of(item), "system_left": one.left, "system_right": one.right}
        )
    return items, key


def _sentences(asked: Asked) -> tuple[list[Row], list[Row]]:
    items = [
        {"id": item.id, "text": item.a.text, "opinions": _opinions(asked, item.set_id)}
        for item in asked.items
    ]
    key = [
        {"id": item.id, "sample": sample_of(item), "system": side.system, "predicted": side.predicted}
        for item in asked.items
        for side in item.sides
    ]
    return items, key


def _opinions(asked: Asked, set_id: str | None) -> str:
    found = asked.sets.get(set_id or "")
    return "" if found is None else opinions_text(found)


def opinions_text(one: OpinionSet) -> str:
    """The opinions by group, as plain text."""
    counts = one.counts()
    parts = [
        "\n".join(
            [f"{group} ({counts[group]} of {len(one.opinions)})"]
            + [f"- {' '.join(opinion.text.split())}" for opinion in one.opinions if opinion.group == group]
        )
        for group in sorted(counts)
    ]
    return "\n\n".join(parts)


def _settings(asked: Asked) -> Row:
    """What Potato's configuration says of these items: where their fields are, what is shown, what is asked."""
    shown: dict[str, Any] = {"key": "text", "type": "text", "label": "Sentence"}
    more: Row = {}
    if not asked.label:
        shown = {
            "key": "text",
            "type": "pairwise",
            "label": "Summaries",
            "display_options": {"labels": ["A", "B"]},
        }
        more = {"list_as_text": {"text_list_prefix_type": "alphabet"}}
    opinions = {
        "key": "opinions",
        "type": "text",
        "label": "Opinions",
        "display_options": {"preserve_whitespace": True},
    }
    schemes = [
        _radio(question, text, asked.labels) if asked.label else _pairwise(question, text)
        for question, text in asked.questions.items()
    ]
    return {
        "item_properties": {"id_key": "id", "text_key": "text"},
        **more,
        "instance_display": {"fields": [opinions, shown]},
        "annotation_schemes": schemes,
    }


def _pairwise(question: str, wording: str) -> Row:
    """The annotation scheme of one question about a pair."""
    return {
        "annotation_type": "pairwise",
        "name": question,
        "description": wording,
        "mode": "binary",
        "items_key": "text",
        "labels": ["A", "B"],
        "allow_tie": True,
        "tie_label": TIE,
        "sequential_key_binding": True,
        "label_requirement": {"required": True},
    }


def _radio(question: str, wording: str, labels: Sequence[str]) -> Row:
    """The annotation scheme of the question about a sentence: one of its groups, several, or none."""
    named = [label_name(one) for one in labels]
    if len(set(named)) < len(named):
        raise BadInput(
            f"two labels are called the same among {', '.join(named)}: Potato could not tell them apart"
        )
    return {
        "annotation_type": "radio",
        "name": question,
        "description": wording,
        "labels": named,
        "sequential_key_binding": True,
        "label_requirement": {"required": True},
    }
