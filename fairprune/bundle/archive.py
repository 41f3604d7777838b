"""The zip file itself: written the same way every time, and read as if its writer meant harm."""

from __future__ import annotations

import hashlib
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from fairprune.errors import BadInput

MANIFEST = "manifest.json"
MEMBER = re.compile(
    r"manifest\.json|README\.txt|sweeps\.json|runs/[0-9a-f]{16}\.json|results/[0-9a-f]{16}/[a-z][a-z0-9_-]{0,40}\.json"
    r"|opinion_sets/[0-9]{4}\.json|summaries/[0-9a-f]{16}\.json|tables/[a-z]{1,20}\.parquet|pictures/[0-9a-f]{16}-[a-z]{1,20}\.png"
)
"""Every name that a member may have: no folder above, no absolute path, no backslash, no drive can be written so."""
MAX_MEMBERS = 50_000
MAX_MEMBER_BYTES = 32 * 2**20
MAX_BYTES = 256 * 2**20
"""Of all members together, unpacked."""
MAX_FILE_BYTES = 200_000_000
"""Of the zip file: as much as a page takes."""
_TIME = (1980, 1, 1, 0, 0, 0)
_PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def write_archive(target: IO[bytes], members: Mapping[str, bytes]) -> None:
    """Writes the members; equal members give equal files.

    Raises:
        BadInput: more than a reader would take.
    """
    _check_size({name: len(data) for name, data in members.items()}, "the bundle would hold")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as box:
        for name, data in members.items():
            assert MEMBER.fullmatch(name), name
            entry = zipfile.ZipInfo(name, _TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            box.writestr(entry, data)


def _check_size(sizes: Mapping[str, int], lead: str) -> None:
    if len(sizes) > MAX_MEMBERS:
        raise BadInput(f"{lead} {len(sizes):,} files: at most {MAX_MEMBERS:,}, so take fewer runs at once")
    for name, size in sizes.items():
        if size > MAX_MEMBER_BYTES:
            raise BadInput(f"{lead} {name} of {size:,} bytes: at most {MAX_MEMBER_BYTES:,}")
    if sum(sizes.values()) > MAX_BYTES:
        raise BadInput(
            f"{lead} {sum(sizes.values()):,} bytes unpacked: at most {MAX_BYTES:,}, so take fewer runs at once"
        )


class Archive:
    """An opened bundle whose list of members has been checked; use it in a `with`."""

    def __init__(self, file: Path | IO[bytes]) -> None:
        """Looks at the list of members; nothing is unpacked yet.

        Raises:
            BadInput: no zip file, or a list of members that no bundle has.
        """
        try:
            size = file.stat().st_size if isinstance(file, Path) else _size(file)
            if size > MAX_FILE_BYTES:
                raise BadInput(f"the file has {size:,} bytes: a bundle has at most {MAX_FILE_BYTES:,}")
            self._box = zipfile.ZipFile(file)
        except OSError as error:
            raise BadInput(
                f"{file} cannot be read ({error.strerror or error}): name a bundle file"
            ) from error
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise BadInput(f"this is no bundle of fairprune: it is no readable zip file ({error})") from error
        try:
            self._entries = _checked(self._box.infolist())
        except BadInput:
            self._box.close()
            raise

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._box.close()

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def read(self, name: str) -> bytes:
        """One member, unpacked, never more of it than the list of members said.

        Raises:
            BadInput: not there, damaged, or of another size than it says.
        """
        entry = self._entries.get(name)
        if entry is None:
            raise BadInput(f"the bundle lacks {name}: export the runs again")
        try:
            with self._box.open(entry) as source:
                data = source.read(entry.file_size + 1)
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            OSError,
            RuntimeError,
            ValueError,  # a name in front of the member that is no UTF-8
            NotImplementedError,
        ) as error:
            raise BadInput(
                f"the bundle is damaged: {name} cannot be unpacked ({error}). Copy or export it again"
            ) from error
        if len(data) != entry.file_size:
            raise BadInput(f"the bundle is damaged: {name} has another size than its list says")
        return data


def _size(file: IO[bytes]) -> int:
    size = file.seek(0, 2)
    file.seek(0)
    return size


def _checked(entries: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Name → entry.

    Raises:
        BadInput: a name that no bundle has, one twice, a link or folder, encryption, a rare compression, too much.
    """
    found: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        # As it stands in the file: zipfile cuts names at NUL and turns separators around.
        name = entry.orig_filename
        if not MEMBER.fullmatch(name) or name != entry.filename:
            raise BadInput(
                f"this is no bundle of fairprune, or a newer one: it holds {name[:80]!r}, which no bundle has"
            )
        if name in found:
            raise BadInput(f"the bundle holds {name} twice: which one is meant cannot be told")
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise BadInput(f"the bundle holds {name} as a link or folder: only plain files are read")
        if entry.flag_bits & 0x1 or entry.compress_type not in _PLAIN:
            raise BadInput(f"the bundle holds {name} encrypted or packed in a way that is not read here")
        found[name] = entry
    _check_size({name: entry.file_size for name, entry in found.items()}, "the bundle holds")
    if MANIFEST not in found:
        raise BadInput(f"this is no bundle of fairprune: it has no {MANIFEST}")
    return found
