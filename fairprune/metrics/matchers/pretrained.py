"""Encoders, encoder-decoders and entailment models by hub id or local folder, for matchers and coverage.

Only safetensors and the tokenizer's JSON are read, no code from a folder is run, and weights are float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from fairprune.errors import BadInput, Unavailable
from fairprune.text import clipped, short_name

if TYPE_CHECKING:
    from fairprune.labels import Embedder

Kind = Literal["AutoModel", "AutoModelForSeq2SeqLM", "AutoModelForSequenceClassification"]
MAX_CHARACTERS = 20_000
"""Far beyond what these models read: keeps tokenizers quick on texts of a million characters."""


@dataclass(frozen=True)
class Pretrained:
    """A model in eval mode, with its tokenizer."""

    name: str
    """Short, for people: the last part of hub id or folder."""
    model: Any
    tokenizer: Any
    max_tokens: int
    """Longer texts are cut to their first tokens, as the published scorers do."""

    @property
    def device(self) -> Any:
        return next(self.model.parameters()).device

    def encode(self, texts: Sequence[str], pairs: Sequence[str] | None = None, **options: Any) -> Any:
        """Texts, or pairs of texts, → tensors of token ids on the model's device, padded and cut."""
        read = [
            [clipped(text, MAX_CHARACTERS) for text in part] for part in (texts, pairs) if part is not None
        ]
        found = self.tokenizer(
            *read,
            padding=True,
            truncation=True,
            max_length=self.max_tokens,
            return_tensors="pt",
            **options,
        )
        return found.to(self.device)


def check(name: str) -> None:
    """Whether this model can be had here, before anything is queued; nothing large is fetched.

    Raises:
        BadInput: no such folder or name, no safetensors.
        Unavailable: gated, or the hub cannot be reached.
    """
    from fairprune import catalogue

    source = catalogue.resolve(name)
    if source.kind == "folder":
        _check_folder(Path(source.place))
    elif source.kind == "package":
        raise BadInput(f"{name!r} is a decoder model: give an encoder by hub id (owner/name) or folder")
    else:
        catalogue.check(name, decoder=False)


def folder(name: str) -> Path:
    """The local folder of a model, fetched from the hub when it is not here yet.

    Raises:
        BadInput, Unavailable: as `check`, or the fetching breaks off.
    """
    from fairprune import catalogue

    check(name)
    source = catalogue.resolve(name)
    if source.kind == "folder":
        return Path(source.place)
    found = catalogue.cached_folder(source.place)
    if found is not None:
        return found
    import httpx2
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return Path(snapshot_download(source.place, allow_patterns=catalogue.WANTED))
    except (httpx2.HTTPError, HfHubHTTPError, OSError) as error:
        raise Unavailable(
            f"{name} could not be fetched: {error}. Try again, or give a local folder"
        ) from error


def load(path: Path, kind: Kind, name: str) -> Pretrained:
    """The model in a folder, on the GPU where there is one.

    Args:
        name: what people call it; the last part is kept.

    Raises:
        BadInput: no model of this kind, no tokenizer, or weights that its config asks for are missing.
    """
    import torch
    import transformers
    from safetensors import SafetensorError
    from transformers.utils import logging

    logging.disable_progress_bar()
    _check_folder(path)
    try:
        model, loading = getattr(transformers, kind).from_pretrained(
            path,
            dtype=torch.float32,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            path, local_files_only=True, trust_remote_code=False
        )
    except (ValueError, KeyError, OSError, RuntimeError, SafetensorError) as error:
        raise BadInput(f"transformers cannot load {path} as {kind}: {error}") from error
    # A pooler is often not saved; only classification reads it.
    unread = "pooler" if kind == "AutoModel" else None
    absent = sorted(str(key) for key in loading["missing_keys"] if unread is None or unread not in str(key))
    if absent:
        raise BadInput(
            f"{path} lacks {len(absent)} weights of {kind} (first: {absent[0]}), which would be random numbers: give a "
            "model that was trained for this"
        )
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    if model.config.pad_token_id is None:
        model.config.pad_token_id = tokenizer.pad_token_id
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return Pretrained(
        short_name(name), model.to(device).eval(), tokenizer, _max_tokens(model.config, tokenizer)
    )


def sentence_encoder(path: Path) -> Embedder:
    """A sentence-transformers folder → texts to rows of length 1.

    Raises:
        BadInput: no sentence-transformers model.
    """
    from sentence_transformers import SentenceTransformer

    _check_folder(path)
    if not (path / "modules.json").is_file():
        raise BadInput(
            f"{path} is no sentence encoder: it has no modules.json, as sentence-transformers saves it"
        )
    try:
        model = SentenceTransformer(str(path), local_files_only=True, model_kwargs={"use_safetensors": True})
    except (ValueError, KeyError, OSError, RuntimeError) as error:
        raise BadInput(f"sentence-transformers cannot load {path}: {error}") from error

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        rows = model.encode(
            [clipped(text, MAX_CHARACTERS) for text in texts],
            batch_size=64,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return np.asarray(rows, dtype=np.float32)

    return embed


def _check_folder(path: Path) -> None:
    for what, pattern in (("config.json", "config.json"), ("weights", "*.safetensors")):
        if not list(path.glob(pattern)):
            raise BadInput(
                f"{path} has no {what}: save the model with transformers' save_pretrained (safetensors) and give that folder"
            )


def _max_tokens(config: Any, tokenizer: Any) -> int:
    positions = getattr(config, "max_position_embeddings", None) or 512
    if "roberta" in str(config.model_type):
        positions -= 2  # its first two positions stand for padding
    return int(min(positions, tokenizer.model_max_length))
