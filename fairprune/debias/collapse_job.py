"""The Neural Collapse of a model beside another: which words, which windows, one look at each model, then the document.

What a run with `recovery: nc3` stores, and what a report on any stored run is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairprune.debias.collapse import class_totals
from fairprune.debias.collapse_measures import MIN_COUNT, Totals
from fairprune.debias.collapse_report import ALL, Lists, choose_lists, collapse_document
from fairprune.debias.contexts import word_contexts
from fairprune.debias.moving import is_tied
from fairprune.debias.words import WORD_LISTS, load_words, not_words, single_tokens
from fairprune.errors import BadInput
from fairprune.models import LoadedModel
from fairprune.opinions import Corpus

TOKENS = 128
"""Of a window."""


@dataclass
class Collapse:
    """Looks at one or more models over the same windows and words."""

    lists: Lists
    ids: NDArray[np.int32]
    """(windows, tokens): held-out opinions of the test split, which nothing is calibrated or trained on."""
    source: str
    tied: bool
    seen: dict[str, dict[str, Totals]] = field(default_factory=dict)

    @staticmethod
    def of(
        loaded: LoadedModel,
        corpus: Corpus,
        words: str,
        windows: int,
        seed: int = 0,
        *,
        tokens: int = TOKENS,
        min_count: int = MIN_COUNT,
        also: Corpus | None = None,
    ) -> Collapse:
        """The words of a list and the windows that are there of them.

        Args:
            tokens: of a window.
            min_count: contexts from which on a word counts.
            also: the corpus whose calibration split is trained on, where it is another one.

        Raises:
            BadInput: too little text for a window, words that are no single tokens, a model without tokenizer.
        """
        if loaded.tokenizer is None:
            raise BadInput(f"{loaded.folder} has no tokenizer.json, which Neural Collapse of words needs")
        tokenizer = loaded.tokenizer
        chosen = single_tokens(tokenizer, load_words(words))
        found = word_contexts(
            tokenizer, corpus, "test", chosen.all_ids, tokens=tokens, windows=windows, seed=seed, also=also
        )
        others = {
            token
            for name in WORD_LISTS
            if name != words
            for token in single_tokens(tokenizer, load_words(name), at_least=0).all_ids
        }
        lists = choose_lists(
            words,
            chosen,
            found.ids,
            tokenizer.decode,
            excluded={*others, *tokenizer.bos, *not_words(tokenizer, found.ids)},
            min_count=min_count,
            seed=seed,
        )
        source = f"Opinions of the test split of {corpus.info.title}: {found.note}."
        return Collapse(lists, found.ids, source, is_tied(loaded))

    def look(self, name: str, loaded: LoadedModel, report: Callable[[int, int, str], None]) -> None:
        """The class sums of the model as it is now, kept under this name.

        Raises:
            BadInput, Unavailable: as `class_totals`.
        """
        self.seen[name] = class_totals(loaded, self.ids, self.lists.ids, whole=(ALL,), report=report)

    def document(self, before: str = "dense", after: str = "pruned") -> dict[str, Any]:
        """What is stored of two of the models that were looked at."""
        return collapse_document(
            self.seen[before], self.seen[after], self.lists, self.ids, tied=self.tied, notes=(self.source,)
        )
