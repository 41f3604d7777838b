"""BERTScore of summaries against their source opinions: optional, because reading all opinions once more takes time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from fairprune.errors import FairpruneError
from fairprune.metrics.matchers import bertscore, pretrained
from fairprune.metrics.matchers.words import tokens
from fairprune.metrics.scoring.cells import SYSTEMS
from fairprune.metrics.scoring.numbers import BERTSCORE
from fairprune.opinions import OpinionSet
from fairprune.text import short_name
from fairprune.uncertainty import FloatArray

if TYPE_CHECKING:
    from fairprune.metrics.matchers.bertscore import TokenEncoder

NOT_ASKED, PACKAGED = "none", "packaged"
PACKAGED_NAME = "minilm"


def name_of(model: str) -> str:
    """'packaged' → 'bertscore_minilm', 'microsoft/deberta-xlarge' → 'bertscore_deberta-xlarge': the encoder is part of
    the number's name."""
    return BERTSCORE + (PACKAGED_NAME if model == PACKAGED else short_name(model))


def check(model: str) -> None:
    """Refuses an encoder that cannot be had here, before a run is queued.

    Raises:
        BadInput, Unavailable: names the model and what would be right.
    """
    if model not in (NOT_ASKED, PACKAGED):
        pretrained.check(model)


def load_encoder(model: str) -> TokenEncoder:
    """The packaged encoder, or a published one by hub id or folder.

    Raises:
        BadInput, Unavailable: it cannot be had, or is no encoder.
    """
    if model == PACKAGED:
        from fairprune import assets

        return bertscore.token_encoder(pretrained.load(assets.ensure("minilm"), "AutoModel", PACKAGED_NAME))
    return bertscore.token_encoder(pretrained.load(pretrained.folder(model), "AutoModel", model))


def bertscore_tables(
    sets: Sequence[OpinionSet], texts: Mapping[str, Sequence[str | None]], encode: TokenEncoder
) -> dict[str, FloatArray]:
    """System → (n, 1): F1 of each summary against the joined opinions, in [−1, 1]; NaN for one without a word.

    Both sides are cut to what the encoder reads (MiniLM: 512 tokens).

    Source: Zhang et al., BERTScore, ICLR 2020 (arXiv 1904.09675); greedy matching, no inverse document frequency, no
    rescaling.
    """
    places = [
        (name, i) for name, found in texts.items() for i, text in enumerate(found) if text and tokens(text)
    ]
    joined = [" ".join(opinion.text for opinion in one.opinions) for one in sets]
    pairs = [(joined[i], str(texts[name][i])) for name, i in places]
    tables = {name: np.full((len(sets), 1), np.nan) for name in texts}
    for (name, i), found in zip(places, bertscore.score(pairs, encode), strict=True):
        tables[name][i, 0] = found.f1
    return tables


def bertscore_of(
    sets: Sequence[OpinionSet], texts: Mapping[str, Sequence[str | None]], model: str
) -> tuple[dict[str, FloatArray], list[str]]:
    """The tables of the systems that a model wrote, where `model` asks for them; and a note where it cannot be had."""
    if model == NOT_ASKED:
        return {}, []
    written = {name: found for name, found in texts.items() if name in SYSTEMS}
    try:
        return bertscore_tables(sets, written, load_encoder(model)), []
    except FairpruneError as error:  # at the end of a run: all other numbers stand
        return {}, [f"BERTScore is missing: {error}"]
