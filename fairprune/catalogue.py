"""Names of models → where they are, whether they can be had here, and what they look like. Without torch.

A name is one of the catalogue, a hub id (owner/name) or a local folder. Everything ends as a local folder with
config.json and safetensors; nothing else is ever loaded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from safetensors import SafetensorError, safe_open

from fairprune import assets
from fairprune.encoders import refuse_encoder
from fairprune.errors import BadInput, Unavailable, unknown
from fairprune.folder_hash import folder_hash, hashed_files, memo_of, remembered
from fairprune.spec import parse_pattern

WANTED = ["*.json", "*.safetensors", "*.jinja", "*.model", "LICENSE*"]
EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts")
"""What configs call their number of experts."""
CONTEXTS = ("max_position_embeddings", "n_positions", "max_seq_len")
"""What configs call the longest context."""
HUB_TIMEOUT_S = 10
_NUMBERED = re.compile(r"\.\d+\.")  # a tensor of one of many equal blocks
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


@dataclass(frozen=True)
class Entry:
    """A model of the catalogue."""

    name: str
    title: str
    parameters: float
    """Number of parameters."""
    needs: str
    """What one needs to have it, for the form."""
    asset: str | None = None
    hub: str | None = None


CATALOGUE: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry(
            "smollm2-135m",
            "SmolLM2-135M-Instruct (4-bit weights, dequantised)",
            134.5e6,
            "Packaged: no hub, no token. 1 GB of memory. Small: no general claim rests on it alone.",
            asset="smollm2-135m",
        ),
        Entry(
            "tinyllama-1.1b-chat",
            "TinyLlama-1.1B-Chat",
            1.1e9,
            "The hub (open), 2.2 GB of disk, about 8 GB of memory.",
            hub="TinyLlama/TinyLlama-1.1B-Chat-v1.0",
        ),
        Entry(
            "gemma-2b-it",
            "gemma-2b-it",
            2.5e9,
            "The hub with an accepted licence and HF_TOKEN, 5 GB of disk, about 18 GB of memory.",
            hub="google/gemma-2b-it",
        ),
        Entry(
            "llama-3-8b",
            "Meta-Llama-3-8B-Instruct",
            8.0e9,
            "The hub with an accepted licence and HF_TOKEN, 16 GB of disk, a GPU with 48 GB.",
            hub="meta-llama/Meta-Llama-3-8B-Instruct",
        ),
    )
}


@dataclass(frozen=True)
class Source:
    """Where a model comes from."""

    name: str
    kind: Literal["package", "hub", "folder"]
    place: str
    """Asset name, hub id or absolute folder."""
    title: str


def resolve(name: str) -> Source:
    """What a name means; nothing is fetched.

    Raises:
        BadInput: no catalogue name, no folder, no hub id.
    """
    name = name.strip()
    if name in CATALOGUE:
        entry = CATALOGUE[name]
        if entry.asset:
            return Source(name, "package", entry.asset, entry.title)
        assert entry.hub is not None
        return Source(name, "hub", entry.hub, entry.title)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return Source(name, "folder", str(folder.resolve()), folder.resolve().name)
    if name.startswith((".", "/", "~")):
        raise BadInput(f"the folder {name} does not exist: give a folder with config.json and *.safetensors")
    if _HUB_ID.fullmatch(name):
        return Source(name, "hub", name, name)
    raise unknown("model", name, CATALOGUE, "; or a hub id (owner/name), or a local folder")


def check(name: str, *, decoder: bool = True) -> Source:
    """Whether this model can be had here, decided before a run is queued.

    Args:
        decoder: False: an encoder is as good, such as a text classifier.

    Raises:
        BadInput: unknown, an encoder, no weights, weights that are not safetensors.
        Unavailable: gated, or the hub cannot be reached; says what to do.
    """
    source = resolve(name)
    if source.kind == "folder":
        check_folder(Path(source.place), decoder=decoder)
    elif source.kind == "hub":
        folder = cached_folder(source.place)
        if folder is None:
            _check_hub(source, decoder=decoder)
        elif decoder:
            refuse_encoder(_config(folder), source.place)
    return source


def check_folder(folder: Path, *, weights: bool = True, decoder: bool = True) -> dict[str, Any]:
    """The folder's config, after looking at what lies there.

    Args:
        weights: whether there must be any.
        decoder: whether an encoder is refused.

    Raises:
        BadInput: names what is missing or wrong, and what would be right.
    """
    config = _config(folder)
    if config.get("is_encoder_decoder"):
        raise BadInput(f"{folder} holds an encoder-decoder model: only decoder models can be pruned here")
    if decoder:
        refuse_encoder(config, folder)
    nested = config.get("text_config")
    text: dict[str, Any] = nested if isinstance(nested, dict) else config
    if experts := next((key for key in EXPERTS if isinstance(text.get(key), int) and text[key] > 1), None):
        raise BadInput(
            f"{folder} holds a mixture of experts ({experts} = {text[experts]}): only models without experts can be pruned, "
            "since each expert sees a part of the calibration tokens alone"
        )
    if weights and not list(folder.glob("*.safetensors")):
        foreign = sorted(
            path.name
            for pattern in ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.gguf")
            for path in folder.glob(pattern)
        )
        if foreign:
            raise BadInput(
                f"{folder} has its weights as {foreign[0]}, which is not loaded because such files can run code or need a "
                "conversion: save the model with transformers' save_pretrained (safetensors) and give that folder"
            )
        raise BadInput(f"{folder} has no weights: *.safetensors is needed beside config.json")
    if weights:
        tensor_shapes(folder)  # refuses damaged files here, before a run is queued
    return config


def _config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    if not path.is_file():
        raise BadInput(f"{folder} is no model folder: it has no config.json")
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BadInput(f"{path} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadInput(f"{path} holds no JSON object")
    return value


def cached_folder(hub_id: str) -> Path | None:
    """The folder of a hub model that lies complete in the local hub cache, or None."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(hub_id, allow_patterns=WANTED, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None
    return folder if (folder / "config.json").is_file() and list(folder.glob("*.safetensors")) else None


def _check_hub(source: Source, *, decoder: bool = False) -> str:
    """Asks the hub for the model's files and rights; two short requests. Returns the commit."""
    import httpx2
    from huggingface_hub import HfApi
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    where = f"or give a local folder with its config.json and *.safetensors instead of {source.name!r}"
    try:
        api = HfApi()
        info = api.model_info(source.place, timeout=HUB_TIMEOUT_S)
        api.auth_check(source.place)
    except GatedRepoError as error:
        raise Unavailable(
            f"{source.place} is gated: accept its licence on its hub page and set HF_TOKEN, {where}"
        ) from error
    except RepositoryNotFoundError as error:
        raise BadInput(
            f"the hub has no model {source.place!r} (or it is private and HF_TOKEN is not set): check the name, {where}"
        ) from error
    except (httpx2.HTTPError, HfHubHTTPError, OfflineModeIsEnabled, OSError) as error:
        raise Unavailable(
            f"{source.place} is not on this machine and the hub cannot be reached: connect, {where}. "
            "The model smollm2-135m needs no hub."
        ) from error
    files = [sibling.rfilename for sibling in info.siblings or []]
    if not any(file.endswith(".safetensors") for file in files):
        raise BadInput(
            f"{source.place} has no safetensors on the hub, and other weight files are not loaded: choose another model, {where}"
        )
    if decoder:
        refuse_encoder(getattr(info, "config", None) or {}, source.place)
    return info.sha or source.place


def fetch(
    source: Source, report: Callable[[str], None] = lambda _text: None, *, decoder: bool = True
) -> Path:
    """The model's local folder, fetched when it is not here yet.

    Args:
        decoder: as for `check`.

    Raises:
        Unavailable: the package or the hub cannot be reached, or the disk is full.
        BadInput: what was fetched is no decoder model in safetensors.
    """
    if source.kind == "package":
        return assets.ensure(source.place, report)
    if source.kind == "folder":
        folder = Path(source.place)
        check_folder(folder, decoder=decoder)
        return folder
    folder = cached_folder(source.place) or _download(source, report)
    check_folder(folder, decoder=decoder)
    return folder


def _download(source: Source, report: Callable[[str], None]) -> Path:
    import httpx2
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    _check_hub(source)
    report(f"fetching {source.place} from the hub")
    try:
        return Path(snapshot_download(source.place, allow_patterns=WANTED))
    except (httpx2.HTTPError, HfHubHTTPError, OSError) as error:
        raise Unavailable(
            f"{source.place} could not be fetched: {error}. Run again to continue where it stopped"
        ) from error


def identity(source: Source) -> str:
    """What the weights are: 'package:…', 'hub:COMMIT' or 'folder:HASH' over every byte of config and weights.

    A folder's hash is kept beside file sizes and times, so that unchanged files are read once only. For a hub
    model that was not fetched yet the hub is asked for its commit.
    """
    if source.kind == "package":
        return assets.identity(source.place)
    if source.kind == "hub":
        folder = cached_folder(source.place)
        return f"hub:{(folder.name if folder else _check_hub(source))[:16]}"
    return f"folder:{folder_hash(Path(source.place))}"


def known_identity(source: Source) -> str | None:
    """`identity` where it is known without reading weights or asking the hub, else None."""
    if source.kind == "folder":
        found = remembered(memo_of(hashed_files(Path(source.place))))
        return None if found is None else f"folder:{found}"
    if source.kind == "hub" and cached_folder(source.place) is None:
        return None
    return identity(source)


def preview_folder(source: Source) -> Path | None:
    """The folder with tokenizer.json when it is already here, else None; nothing is fetched."""
    if source.kind == "package":
        return assets.ensure(source.place) if assets.is_ready(source.place) else None
    return Path(source.place) if source.kind == "folder" else cached_folder(source.place)


def tensor_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """Name → shape of every weight, from the headers of the folder's safetensors; no weight is read.

    Raises:
        BadInput: a file that is no safetensors.
    """
    return {name: shape for name, (_, shape) in tensors(folder).items()}


def tensors(folder: Path) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Name → (number format as safetensors writes it, such as 'BF16'; shape) of every weight, from the headers alone.

    Raises:
        BadInput: a file that is no safetensors.
    """
    found: dict[str, tuple[str, tuple[int, ...]]] = {}
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(path, framework="numpy") as file:
                for name in file.keys():  # noqa: SIM118 - not a dictionary
                    part = file.get_slice(name)
                    found[name] = (str(part.get_dtype()), tuple(part.get_shape()))
        except (SafetensorError, OSError) as error:
            raise BadInput(
                f"{path} cannot be read as safetensors ({error}): copy it again, or save the model with save_pretrained"
            ) from error
    return found


def check_pattern_fits(source: Source, pattern: str) -> None:
    """Refuses an n:m whose m divides neither side of a block's matrix, before a run is queued.

    Which side the input columns are on is known only to the loaded model, which is checked again.
    """
    folder = preview_folder(source)
    if folder is None:
        return
    _, m = parse_pattern(pattern)
    for name, shape in tensor_shapes(folder).items():
        if len(shape) == 2 and _NUMBERED.search(name) and all(side % m for side in shape):
            raise BadInput(
                f"pattern {pattern} does not divide this model: {name} is {shape[0]} × {shape[1]}, and neither is a multiple of {m}"
            )


def check_window(source: Source, tokens: int) -> None:
    """Refuses calibration windows of more tokens than the config's context."""
    folder = preview_folder(source)
    limit = context_of(folder) if folder is not None else None
    if limit is not None and tokens > limit:
        raise BadInput(
            f"calibration windows of {tokens} tokens are longer than the context of {source.name}, which has {limit}: "
            f"ask for at most {limit} tokens per window"
        )


def context_of(folder: Path) -> int | None:
    """How many tokens the model reads, by its config; None where the config does not say."""
    config = _config(folder)
    nested = config.get("text_config")
    limits = [part.get(key) for part in (config, nested) if isinstance(part, dict) for key in CONTEXTS]
    return next((limit for limit in limits if isinstance(limit, int)), None)


def check_context(source: Source, tokens: int) -> None:
    """Refuses texts of more tokens than the config's context, prompt and summary together."""
    folder = preview_folder(source)
    limit = context_of(folder) if folder is not None else None
    if limit is not None and tokens > limit:
        raise BadInput(
            f"prompt and summary need {tokens} tokens, but the context of {source.name} has {limit}: ask for shorter "
            "summaries, or choose another model or corpus"
        )
