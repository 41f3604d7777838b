"""The values that all stages speak about: an opinion, and a set of opinions that one summary is written of."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

Noun = Literal["tweet", "review", "statement"]
Split = Literal["calibration", "train", "test"]


@dataclass(frozen=True)
class Opinion:
    """One text of one person, with the group that it speaks for."""

    text: str
    """The words, already cut to at most 40 at a sentence end where the recipe asks for it."""
    group: str
    """The group's name, one of the corpus's `groups`."""
    topic: str
    """What it is about (a film, a product, a debate). Splits are disjoint by topic; intervals resample topics."""
    source: str = ""
    """Where the corpus has it: row number, review_sentence id … Unique within a corpus."""
    speaker: str = ""
    """Who said it, where the corpus knows it ('' otherwise)."""


@dataclass(frozen=True)
class OpinionSet:
    """k opinions of one topic, in the order in which they are shown to the model."""

    id: str
    """Content hash of corpus, topic and the texts in their order: equal sets have equal ids."""
    topic: str
    composition: str
    """'balanced' or 'skewed:GROUP': the recipe. The stratum of the bootstrap."""
    first_group: str
    """The group whose opinion stands first (counterbalanced over the sets of a draw)."""
    opinions: tuple[Opinion, ...]

    def counts(self) -> Counter[str]:
        """Opinions per group."""
        return Counter(opinion.group for opinion in self.opinions)

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "topic": self.topic,
            "composition": self.composition,
            "first_group": self.first_group,
            "opinions": [
                {"text": o.text, "group": o.group, "source": o.source, "speaker": o.speaker}
                for o in self.opinions
            ],
        }

    @staticmethod
    def from_json(value: dict[str, Any]) -> OpinionSet:
        return OpinionSet(
            id=value["id"],
            topic=value["topic"],
            composition=value["composition"],
            first_group=value["first_group"],
            opinions=tuple(Opinion(topic=value["topic"], **row) for row in value["opinions"]),
        )


def opinion_set_id(corpus: str, topic: str, opinions: tuple[Opinion, ...]) -> str:
    """16 hex digits of SHA-256 over what the model will see and how it is scored."""
    text = json.dumps([corpus, topic, [[o.text, o.group] for o in opinions]], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class CorpusInfo:
    """What is known of a corpus without reading it: enough for forms, prompts and error messages."""

    name: str
    title: str
    groups: tuple[str, ...]
    """At least two names. The first is `a` in SPD2."""
    noun: Noun
    """The word of the prompt: 'Each review is separated by ||'."""
    preamble: str
    """First sentence of the prompt, as in the study."""
    source: str
    """Where the texts come from, with licence."""
    note: str = ""
    """What the corpus cannot carry (few topics, party = speaker …); shown beside every number."""


@dataclass(frozen=True)
class Corpus:
    """All opinions of a corpus, split by topic."""

    info: CorpusInfo
    splits: dict[Split, tuple[Opinion, ...]]
    """Opinions per split. Except where `info.note` says so, no topic stands in two splits."""
    general: tuple[str, ...] = ()
    """Texts that hold no opinions (film plots), for calibration without opinions. Never scored."""
    dropped: tuple[tuple[str, int], ...] = ()
    """(reason, how many rows) for all that the corpus file has and this corpus leaves out."""
