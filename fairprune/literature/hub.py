"""Data sets of a hub through `datasets`: rows only, no code of theirs."""

from __future__ import annotations

import io
import re
from typing import Any

import pandas as pd

from fairprune import paths
from fairprune.corpora.tables import read_table
from fairprune.errors import BadInput, Unavailable

PREFIX = "hub:"
_NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*")


def parse(name: str) -> tuple[str, str]:
    """'hub:owner/name:test' → ('owner/name', 'test'); the split is 'test' where none is named.

    Raises:
        BadInput: another form.
    """
    repository, _, split = name.removeprefix(PREFIX).partition(":")
    if not name.startswith(PREFIX) or not _NAME.fullmatch(repository):
        raise BadInput(
            f"{name!r} is not hub:owner/name or hub:owner/name:split, such as hub:owner/reviews:test"
        )
    return repository, split or "test"


def rows(name: str) -> Any:
    """The rows as a `datasets.Dataset`, fetched or from the cache.

    Raises:
        BadInput: a name of another form; a data set or split that does not exist, or that needs code to be read.
        Unavailable: the hub cannot be reached, or asks for a login.
    """
    repository, split = parse(name)
    import datasets

    datasets.disable_progress_bars()
    try:
        return datasets.load_dataset(repository, split=split, cache_dir=str(paths.subfolder("datasets")))
    except datasets.exceptions.DatasetNotFoundError as error:
        raise BadInput(
            f"the hub has no data set {repository!r} that can be read without a login: {error}"
        ) from error
    except ConnectionError as error:
        raise Unavailable(
            f"data set {repository!r} cannot be fetched, the hub is out of reach: {error}. Download it where there is "
            "a network, and name the file"
        ) from error
    except (ValueError, RuntimeError, NotImplementedError, datasets.exceptions.DatasetsError) as error:
        raise BadInput(f"data set {repository!r}, split {split!r}, cannot be read: {error}") from error
    except OSError as error:
        raise Unavailable(f"data set {repository!r} cannot be fetched: {error}") from error


def frame(found: Any, shown: str) -> pd.DataFrame:
    """Rows as a table of text, with class numbers as their names; the index is the row, from 1.

    Raises:
        BadInput: what `read_table` refuses.
    """
    import datasets

    out = io.BytesIO()
    found.to_parquet(out)
    table = read_table(f"{shown}.parquet", out.getvalue(), nested=True)
    for name, feature in found.features.items():
        if isinstance(feature, datasets.ClassLabel):
            table[name] = [
                feature.int2str(int(cell)) if cell not in ("", "-1") else "" for cell in table[name]
            ]
    return table
