"""Bundles that somebody has changed: for the tests of what is refused."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

from fairprune.bundle.archive import MANIFEST, sha256

Members = dict[str, bytes]


def members_of(data: bytes) -> Members:
    with zipfile.ZipFile(io.BytesIO(data)) as box:
        return {name: box.read(name) for name in box.namelist()}


def zipped(members: Mapping[str, bytes]) -> io.BytesIO:
    """As it stands, with nothing put right."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as box:
        for name, data in members.items():
            box.writestr(name, data)
    file.seek(0)
    return file


def resealed(members: Mapping[str, bytes]) -> io.BytesIO:
    """With the hashes of the manifest put right, as somebody would who knows the format."""
    manifest = json.loads(members[MANIFEST])
    manifest["members"] = {
        name: {"sha256": sha256(data), "bytes": len(data)}
        for name, data in members.items()
        if name != MANIFEST
    }
    return zipped({**members, MANIFEST: json.dumps(manifest).encode()})


def edited(members: Members, name: str, change: Callable[[Any], Any]) -> Members:
    """With one JSON member changed in place, or replaced by what `change` gives back."""
    value = json.loads(members[name])
    new = change(value)
    return {**members, name: json.dumps(value if new is None else new).encode()}


def one_named(members: Members, start: str, end: str = ".json") -> str:
    return next(name for name in members if name.startswith(start) and name.endswith(end))
