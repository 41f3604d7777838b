"""What can be checked of an edit and of a recovery before a run is queued: sets, words, and text to train on. Without torch."""

from __future__ import annotations

from pathlib import Path

from fairprune import catalogue, corpora
from fairprune.catalogue import Source
from fairprune.debias import awareness
from fairprune.debias.draws import check_term
from fairprune.debias.words import load_words, single_tokens
from fairprune.debias_spec import ROLES
from fairprune.debias_stages import training_windows
from fairprune.errors import BadInput
from fairprune.spec import RunSpec
from fairprune.tokens import TextTokenizer


def check_debias(spec: RunSpec, source: Source, folder: Path | None) -> None:
    """Refuses what an edit or a recovery cannot be made of.

    Args:
        source: the model.
        folder: where its tokenizer is; None: the model is not here yet, and what needs it is checked when the run starts.

    Raises:
        BadInput: a set that is not known, one set twice, sets without responses; too little text for the training windows; words
            that are no single tokens, or too rare in what the steps read.
        Unavailable: a stored set that cannot be read.
    """
    if spec.edit is not None:
        first, second, general = (awareness.load(getattr(spec.edit, role)) for role in ROLES)
        for one, other in ((first, second), (first, general), (second, general)):
            awareness.check_pair(one, other)
    if spec.recovery is None:
        return
    catalogue.check_window(source, spec.recovery.seqlen)
    if folder is None:
        return
    tokenizer = TextTokenizer.from_folder(folder)
    try:
        windows = training_windows(spec, corpora.load(spec.calibration.corpus), tokenizer)
    except BadInput as error:
        raise BadInput(f"the training windows of the recovery cannot be cut: {error}") from error
    if spec.recovery.kind == "nc3":
        words = single_tokens(tokenizer, load_words(spec.recovery.words))
        check_term(spec.recovery, windows.ids, words.all_ids)
