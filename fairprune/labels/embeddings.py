"""Sentence embeddings: the packaged encoder, and what is kept of its work."""

from __future__ import annotations

import hashlib
import logging
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairprune import paths
from fairprune.errors import NumericError, Unavailable
from fairprune.text import clipped, counted

Embedder = Callable[[Sequence[str]], NDArray[np.float32]]
"""Texts → (n, width) float32, rows of length 1."""

MAX_TOKENS = 64
"""The encoder reads no further; opinions have at most 40 words."""
MAX_CHARACTERS = 2000  # far beyond 64 tokens: keeps the tokenizer quick on hostile texts
MAX_STORED = 50_000  # embeddings on disk, 77 MB

_log = logging.getLogger(__name__)


def sentence_embedder() -> Embedder:
    """`encoder`, with embeddings kept on disk, so that a text is embedded once.

    Raises:
        Unavailable: (at the first text that is not on disk) the encoder can neither be found nor fetched.
    """
    from fairprune import assets

    return cached(encoder(), assets.get_asset("minilm").folder)


def stored_embedder() -> Embedder:
    """What is on disk of `sentence_embedder`'s work, and nothing else: torch is never imported.

    Raises:
        Unavailable: (at the first text that is not on disk)
    """
    from fairprune import assets

    def refuse(texts: Sequence[str]) -> NDArray[np.float32]:
        raise Unavailable(
            f"{counted(len(texts), 'sentence has', 'sentences have')} no stored embedding any more: run it again to make them"
        )

    return cached(refuse, assets.get_asset("minilm").folder)


def encoder() -> Embedder:
    """The packaged all-MiniLM-L6-v2 on the CPU, loaded at the first text (importing torch takes ten seconds)."""
    from fairprune import assets

    loaded: list[Any] = []

    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        if not loaded:
            from sentence_transformers import SentenceTransformer
            from transformers.utils import logging as transformers_logging

            transformers_logging.disable_progress_bar()
            model = SentenceTransformer(str(assets.ensure("minilm")), device="cpu", local_files_only=True)
            model.max_seq_length = MAX_TOKENS
            loaded.append(model)
        found = loaded[0].encode(
            [clipped(text, MAX_CHARACTERS) for text in texts],
            batch_size=64,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return np.asarray(found, dtype=np.float32)

    return encode


def cached(encode: Embedder, name: str) -> Embedder:
    """`encode` with its results kept in the folder of embeddings, under a hash of encoder and text.

    What lies prepared beside the encoder (`prepared_file`) is read before anything is embedded. A broken file is
    removed and said so in the log; two processes that write at once cost one of them its entries, never a wrong
    one.
    """
    memory: dict[str, NDArray[np.float32]] = {}

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        file = paths.subfolder("embeddings") / f"{name}-{MAX_TOKENS}.npz"
        read = [clipped(text, MAX_CHARACTERS) for text in texts]
        keys = [embedding_key(name, text) for text in read]
        if not memory:
            memory.update(read_embeddings(prepared_file(name)))
            memory.update(read_embeddings(file))
        missing = {key: text for key, text in zip(keys, read, strict=True) if key not in memory}
        if missing:
            new = dict(zip(missing, encode(list(missing.values())), strict=True))
            memory.update(new)
            write_embeddings(file, {**read_embeddings(file), **new})
        found = np.stack([memory[key] for key in keys]) if keys else np.zeros((0, 0), dtype=np.float32)
        for key in list(memory)[:-MAX_STORED]:
            del memory[key]
        return found

    return embed


def embedding_key(name: str, text: str) -> str:
    """64 hex digits over the encoder's name, its token limit and a text clipped to `MAX_CHARACTERS`."""
    return hashlib.sha256(f"{name} {MAX_TOKENS} {text}".encode()).hexdigest()


def prepared_file(name: str) -> Path:
    """Where the embeddings lie that were computed when the assets were fetched; it need not exist."""
    return paths.home() / "assets" / name / f"training-{MAX_TOKENS}.npz"


def read_embeddings(file: Path) -> dict[str, NDArray[np.float32]]:
    """Key → vector; {} where there is no file. A broken one is removed, and the log says so."""
    if not file.exists():
        return {}
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
            return dict(zip(stored["keys"].tolist(), stored["vectors"], strict=True))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        _log.warning("the stored embeddings in %s cannot be read (%s): they are computed anew", file, error)
        file.unlink(missing_ok=True)
        return {}


def write_embeddings(file: Path, known: dict[str, NDArray[np.float32]]) -> None:
    """Writes the latest `MAX_STORED` under another name, then renames it.

    Raises:
        Unavailable: the folder cannot be written.
    """
    latest = list(known.items())[-MAX_STORED:]
    keys, vectors = np.array([key for key, _ in latest]), np.stack([row for _, row in latest])
    try:
        with tempfile.NamedTemporaryFile(dir=file.parent, suffix=".part", delete=False) as part:
            try:
                np.savez(part, keys=keys, vectors=vectors)
                part.flush()
                Path(part.name).replace(file)
            finally:
                Path(part.name).unlink(missing_ok=True)
    except OSError as error:
        raise Unavailable(
            f"the embeddings cannot be stored in {file.parent} ({error.strerror}): make room, or set "
            "FAIRPRUNE_HOME to another folder"
        ) from error


def embedded(embed: Embedder, texts: Sequence[str]) -> NDArray[np.float32]:
    """`embed(texts)`, checked.

    Raises:
        NumericError: another shape than (texts, width), or numbers that are not finite.
    """
    found = embed(texts)
    if found.ndim != 2 or len(found) != len(texts) or not np.isfinite(found).all():
        raise NumericError(
            f"the sentence encoder gave an array of shape {found.shape} for {len(texts)} texts, or "
            "numbers that are not finite: it must be (texts, width) and finite"
        )
    return found
