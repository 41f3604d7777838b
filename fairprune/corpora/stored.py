"""Imported corpora on disk: one folder each, whole or absent.

`corpora/<slug>-<hash>/` below `paths.home()` holds info.json and opinions.parquet (text, group, topic,
source, split). A name is checked against the folders that are there before it becomes part of a path.
"""

from __future__ import annotations

import errno
import json
import re
import shutil
import tempfile
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from fairprune import paths
from fairprune.corpora.build import assemble
from fairprune.errors import Unavailable, unknown
from fairprune.opinions import Corpus, CorpusInfo, Opinion, Split

PREFIX = "user:"
_FOLDER = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*-[0-9a-f]{8}")


def names() -> tuple[str, ...]:
    """The imported corpora, sorted."""
    folder = paths.home() / "corpora"
    if not folder.is_dir():
        return ()
    found = [
        path.name
        for path in folder.iterdir()
        if _FOLDER.fullmatch(path.name) and (path / "info.json").is_file()
    ]
    return tuple(PREFIX + name for name in sorted(found))


def info(name: str) -> CorpusInfo:
    """The description of an imported corpus.

    Raises:
        Unavailable: its file is broken.
    """
    return _description(_read_info(_folder(name)), name)


def load(name: str) -> Corpus:
    """An imported corpus.

    Raises:
        Unavailable: its files are broken.
    """
    return _load(str(_folder(name)))


def store(corpus: Corpus) -> None:
    """Writes the folder of an imported corpus under another name, then renames it.

    Raises:
        Unavailable: the folder cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [
        {"text": o.text, "group": o.group, "topic": o.topic, "source": o.source, "split": split}
        for split, opinions in corpus.splits.items()
        for o in opinions
    ]
    work: Path | None = None
    try:
        root = paths.subfolder("corpora")
        final = root / corpus.info.name.removeprefix(PREFIX)
        if final.is_dir():  # the name has a hash of the content
            return
        work = Path(tempfile.mkdtemp(prefix=".part-", dir=root))
        pq.write_table(pa.Table.from_pylist(rows), work / "opinions.parquet")
        text = json.dumps({**asdict(corpus.info), "dropped": corpus.dropped}, ensure_ascii=False, indent=1)
        (work / "info.json").write_text(text, encoding="utf-8")
        work.replace(final)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):  # another process has just stored the same
            return
        raise Unavailable(
            f"the corpus cannot be stored in {paths.home()} ({error.strerror or error}): "
            "free some space, or set FAIRPRUNE_HOME to a folder you may write"
        ) from error
    finally:
        if work is not None:
            shutil.rmtree(work, ignore_errors=True)


def _folder(name: str) -> Path:
    """The folder of an imported corpus.

    Raises:
        BadInput: not the name of one.
    """
    if name not in names():
        raise unknown("corpus", name, names() or ["none imported yet"])
    return paths.home() / "corpora" / name.removeprefix(PREFIX)


def _broken(folder: Path, said: object) -> Unavailable:
    return Unavailable(
        f"the stored corpus in {folder} cannot be read ({said}): delete that folder and import it again"
    )


def _read_info(folder: Path) -> dict[str, Any]:
    try:
        value = json.loads((folder / "info.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _broken(folder, error) from error
    if not isinstance(value, dict):
        raise _broken(folder, "info.json is no object")
    return value


def _description(value: dict[str, Any], name: str) -> CorpusInfo:
    fields = ("title", "noun", "preamble", "source", "note")
    try:
        return CorpusInfo(
            name=name, groups=tuple(value["groups"]), **{field: value[field] for field in fields}
        )
    except (KeyError, TypeError) as error:
        raise _broken(
            paths.home() / "corpora" / name.removeprefix(PREFIX), f"info.json lacks {error}"
        ) from error


@lru_cache(maxsize=8)
def _load(place: str) -> Corpus:
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = Path(place)
    value = _read_info(folder)
    description = _description(value, PREFIX + folder.name)
    try:
        rows = pq.read_table(folder / "opinions.parquet").to_pylist()
        splits: dict[str, Split] = {row["source"]: row["split"] for row in rows}
        opinions = [Opinion(row["text"], row["group"], row["topic"], row["source"]) for row in rows]
        dropped = {str(reason): int(count) for reason, count in value["dropped"]}
        return assemble(description, opinions, lambda opinion: splits[opinion.source], dropped)
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        raise _broken(folder, error) from error
