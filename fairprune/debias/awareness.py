"""Awareness sets: prompts with an aware answer, and perhaps a careless one beside it.

SPIN reads from them which weights a concern rests on. Three sets come with fairprune (`data/CARD.md`); a person's own
file is checked, kept whole under a hash of its content, and called `file:HASH`. Nothing of its text becomes part of a path.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from functools import cached_property, lru_cache
from pathlib import Path, PurePath

import pandas as pd

from fairprune import paths
from fairprune.corpora.build import seeded_key
from fairprune.corpora.tables import read_table
from fairprune.corpora.user import RowError, refuse_cells
from fairprune.debias.words import DATA
from fairprune.errors import BadInput, Unavailable, unknown
from fairprune.text import counted, mended

PACKAGED = ("fairness", "privacy", "general")
PREFIX = "file:"
FOLDER = "awareness"
"""Below `paths.home()`: one JSON file per uploaded set."""
REQUIRED = ("prompt", "response")
OPTIONAL = ("unsafe_response", "pair")
MAX_ITEMS = 10_000
MAX_TEXT = 4_000
"""Longest prompt or answer, in characters: about a thousand tokens."""
MAX_PAIR = 80
MAX_TITLE = 80

_TITLES = {"fairness": "Fairness", "privacy": "Privacy", "general": "General"}
_SOURCE = "written for fairprune, for demonstration (Apache-2.0)"
_HASH = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class AwarenessItem:
    """One prompt and what may be answered."""

    prompt: str
    response: str
    """The aware answer, of which the importance is the gradient's."""
    unsafe_response: str | None = None
    """A careless answer, for the margin; None: there is none."""
    pair: str | None = None
    """Id of the situation. Items of two sets with one id are about the same situation."""


@dataclass(frozen=True)
class AwarenessSet:
    """Items that share a concern."""

    name: str
    """One of `PACKAGED`, or 'file:HASH'."""
    title: str
    items: tuple[AwarenessItem, ...]
    source: str
    """Where the texts come from, with licence where it is known."""

    @cached_property
    def hash(self) -> str:
        """16 hex digits of SHA-256 over the items in their order."""
        text = json.dumps([[i.prompt, i.response, i.unsafe_response, i.pair] for i in self.items])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def halves(
        self, seed: int, other: AwarenessSet | None = None
    ) -> tuple[tuple[AwarenessItem, ...], tuple[AwarenessItem, ...]]:
        """(selection, measurement): two halves that share no prompt and no situation, each in the set's order.

        Situations are shuffled by the seed and their hash, not by their place: two sets of the same situations are cut alike.
        An odd situation is for the measurement: of n the selection has n // 2.

        Args:
            other: cuts both sets alike where they share some situations only: give each set the other one. Half of what
                is shared and half of the rest is then for the selection; where both are odd, it has the rest's odd one.

        Raises:
            BadInput: fewer than two situations.
        """
        own = {_situation(item) for item in self.items}
        if len(own) < 2:
            raise BadInput(
                f"the set {self.title!r} has {counted(len(own), 'situation')}: selection and measurement use different "
                "prompts, so at least 2 are needed"
            )
        shared = own & {_situation(item) for item in other.items} if other is not None else set()
        chosen: set[str] = set()
        odd = 0  # one of the part before that stays out of the selection
        for part in (shared, own - shared):
            ranked = sorted(part, key=lambda situation: seeded_key("halves", seed, situation))
            chosen.update(ranked[: (len(ranked) + odd) // 2])
            odd = len(ranked) % 2
        first = tuple(item for item in self.items if _situation(item) in chosen)
        return first, tuple(item for item in self.items if _situation(item) not in chosen)


def names() -> tuple[str, ...]:
    """The packaged sets, then the uploaded ones, sorted."""
    folder = paths.home() / FOLDER
    found = folder.iterdir() if folder.is_dir() else ()
    kept = (path.stem for path in found if path.suffix == ".json" and _HASH.fullmatch(path.stem))
    return (*PACKAGED, *(PREFIX + name for name in sorted(kept)))


def load(name: str) -> AwarenessSet:
    """A set by its name: one of `PACKAGED`, or 'file:HASH' of an uploaded one.

    Raises:
        BadInput: no set has this name; suggests the nearest.
        Unavailable: a stored set cannot be read.
    """
    if name in PACKAGED:
        return _packaged(name)
    if name not in names():
        raise unknown("awareness set", name, names())
    return _stored(str(paths.home() / FOLDER / f"{name.removeprefix(PREFIX)}.json"))


def read_file(path: Path) -> AwarenessSet:
    """A set from a person's file, without storing it.

    Raises:
        BadInput: the file cannot be read, or what `parse` refuses.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(
            f"{path} cannot be read ({error.strerror}): name a CSV or JSON Lines file with the columns {', '.join(REQUIRED)}"
        ) from error
    return parse(data, path.name)


def parse(data: bytes, filename: str) -> AwarenessSet:
    """A set from the bytes of a table (CSV, JSON Lines, Parquet): prompt, response, and perhaps unsafe_response, pair.

    Other columns are left out. White space around a text is dropped. The set's name is 'file:HASH', its title the file's name.

    Raises:
        BadInput: what `read_table` refuses (format, encoding, broken rows); a column that is missing or nearly one of ours; rows
            that cannot be used (the first 20 are named): an empty prompt or response, a text that is too long or shows nothing,
            an unsafe response that reads as the response, a prompt twice; too many rows.
    """
    title = " ".join(PurePath(mended(filename)).name.split())[:MAX_TITLE] or "awareness set"
    frame = read_table(filename, data, rows="prompts with their responses")
    _check_columns(frame, title)
    if len(frame) > MAX_ITEMS:
        raise BadInput(
            f"{title} has {len(frame):,} rows, at most {MAX_ITEMS:,} are read: take a sample of it"
        )
    texts = {
        column: [value.strip() for value in frame[column]]
        for column in (*REQUIRED, *OPTIONAL)
        if column in frame.columns
    }
    refuse_cells(_check_rows([int(row) for row in frame.index], texts), title)
    none = [""] * len(frame)
    items = tuple(
        AwarenessItem(prompt, response, unsafe or None, pair or None)
        for prompt, response, unsafe, pair in zip(
            texts["prompt"],
            texts["response"],
            texts.get("unsafe_response", none),
            texts.get("pair", none),
            strict=True,
        )
    )
    found = AwarenessSet("", title, items, f"imported from {title}")
    return AwarenessSet(PREFIX + found.hash, found.title, found.items, found.source)


def save_uploaded(data: bytes, filename: str) -> str:
    """Checks a person's file, stores it, and gives its hash: `load('file:' + hash)` has it from then on.

    The same content is stored once, under the file's name that was given first.

    Raises:
        BadInput: what `parse` refuses.
        Unavailable: the folder cannot be written.
    """
    found = parse(data, filename)
    try:
        root = paths.subfolder(FOLDER)
        final = root / f"{found.hash}.json"
        if not final.is_file():
            _write(final, found)
    except OSError as error:
        raise Unavailable(
            f"the awareness set cannot be stored in {paths.home()} ({error.strerror or error}): "
            "free some space, or set FAIRPRUNE_HOME to a folder you may write"
        ) from error
    return found.hash


def check_pair(first: AwarenessSet, second: AwarenessSet) -> None:
    """Refuses two sets that say nothing together.

    Raises:
        BadInput: an empty set; a set with an empty response; one set twice, by name, by content, or with every prompt of one in the other.
    """
    for one in (first, second):
        if not one.items:
            raise BadInput(f"the awareness set {one.title!r} is empty: it needs prompts with responses")
        without = sum(not _seen(item.response) for item in one.items)
        if without:
            raise BadInput(
                f"{counted(without, 'item')} of {len(one.items):,} in the awareness set {one.title!r} "
                f"{'has' if without == 1 else 'have'} no response: importance is that of the response's tokens, so every prompt needs one"
            )
    prompts = [{_seen(item.prompt) for item in one.items} for one in (first, second)]
    if first.hash == second.hash or prompts[0] <= prompts[1] or prompts[1] <= prompts[0]:
        raise BadInput(
            f"{first.title!r} and {second.title!r} are one set given twice: every prompt of one stands in the other, so all that "
            "one rests on would be coupled. Choose two sets about different concerns"
        )


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _seen(text: str) -> str:
    """What a reader sees of a text, folded: without characters that show nothing (Unicode's format characters, such as the
    zero-width space and the byte order mark). '' where there is nothing to see. Situations are not folded so: stored runs were cut
    by `_folded`."""
    return _folded("".join(letter for letter in text if unicodedata.category(letter) != "Cf"))


def _situation(item: AwarenessItem) -> str:
    return f"pair:{item.pair}" if item.pair is not None else f"prompt:{_folded(item.prompt)}"


def _check_columns(frame: pd.DataFrame, title: str) -> None:
    columns = [str(column) for column in frame.columns]
    for column in REQUIRED:
        if column not in columns:
            near = get_close_matches(column, columns, n=1, cutoff=0.4)
            hint = f" (is it {near[0]!r}?)" if near else ""
            raise BadInput(
                f"{title} has no column {column!r}{hint}: it needs {' and '.join(REQUIRED)}, and may have "
                f"{' and '.join(OPTIONAL)}. It has {', '.join(columns)}"
            )
    absent = [column for column in OPTIONAL if column not in columns]
    for column in columns:
        near = [] if column in (*REQUIRED, *OPTIONAL) else get_close_matches(column, absent, n=1, cutoff=0.8)
        if near:
            raise unknown("column", column, (*REQUIRED, *OPTIONAL), f". Rename it in {title}, or take it out")


def _check_rows(rows: Sequence[int], texts: dict[str, list[str]]) -> list[RowError]:
    """Every cell that cannot be used, by row."""
    found: list[RowError] = []
    seen: dict[str, int] = {}
    for place, row in enumerate(rows):
        for column, values in texts.items():
            text, limit = values[place], MAX_PAIR if column == "pair" else MAX_TEXT
            if not text and column in REQUIRED:
                found.append(RowError(row, column, "is empty"))
            elif len(text) > limit:
                found.append(RowError(row, column, f"has {len(text):,} characters, more than {limit:,}"))
            elif text and not _seen(text):
                found.append(RowError(row, column, "has only characters that show nothing"))
        response = _seen(texts["response"][place])
        if response and "unsafe_response" in texts and response == _seen(texts["unsafe_response"][place]):
            found.append(RowError(row, "unsafe_response", "is the response itself"))
        prompt = _seen(texts["prompt"][place])
        if prompt and (first := seen.setdefault(prompt, row)) != row:
            found.append(RowError(row, "prompt", f"is that of row {first}"))
    return found


def _write(final: Path, found: AwarenessSet) -> None:
    """Whole or not at all."""
    handle, partial = tempfile.mkstemp(prefix=".", suffix=".partial", dir=final.parent)
    try:
        value = {
            "title": found.title,
            "source": found.source,
            "items": [asdict(item) for item in found.items],
        }
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(value, file, ensure_ascii=False, indent=1)
        Path(partial).replace(final)
    finally:
        Path(partial).unlink(missing_ok=True)


@lru_cache(maxsize=len(PACKAGED))
def _packaged(name: str) -> AwarenessSet:
    file = DATA / f"{name}.jsonl"
    return AwarenessSet(name, _TITLES[name], parse(file.read_bytes(), file.name).items, _SOURCE)


@lru_cache(maxsize=8)
def _stored(place: str) -> AwarenessSet:
    path = Path(place)
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        items = tuple(AwarenessItem(**item) for item in value["items"])
        found = AwarenessSet(PREFIX + path.stem, str(value["title"]), items, str(value["source"]))
        whole = found.hash == path.stem
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _broken(path, error) from error
    if not whole:
        raise _broken(path, "its content is not what its name says")
    return found


def _broken(path: Path, said: object) -> Unavailable:
    return Unavailable(
        f"the stored awareness set {path} cannot be read ({said}): delete that file and upload the set again"
    )
