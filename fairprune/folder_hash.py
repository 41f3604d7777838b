"""The content of a model folder as one hash, kept beside file sizes and times so that unchanged files are read once only."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from pathlib import Path

from fairprune.paths import subfolder

_HASH = re.compile(r"[0-9a-f]{16}")


def folder_hash(folder: Path) -> str:
    """16 hex digits of SHA-256 over names and bytes of the files that decide what a model does."""
    files = hashed_files(folder)
    memo = memo_of(files)
    if (found := remembered(memo)) is not None:
        return found
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.name.encode() + b"\0")
        with path.open("rb") as stream:
            while chunk := stream.read(1 << 22):
                digest.update(chunk)
    value = digest.hexdigest()[:16]
    # Whole or not at all: an empty memo would make different models look the same. Without room it is only not kept.
    partial = memo.with_suffix(f".{os.getpid()}")
    with contextlib.suppress(OSError):
        partial.write_text(value, encoding="utf-8")
        partial.replace(memo)
    partial.unlink(missing_ok=True)
    return value


def hashed_files(folder: Path) -> list[Path]:
    """The files that decide what a model does."""
    return sorted([*folder.glob("*.safetensors"), *folder.glob("*.json"), *folder.glob("*.jinja")])


def memo_of(files: list[Path]) -> Path:
    """Where the hash of these files, with these sizes and times, is kept."""
    state = [[str(path), path.stat().st_size, path.stat().st_mtime_ns] for path in files]
    return subfolder("cache", "folder-hashes") / hashlib.sha256(json.dumps(state).encode()).hexdigest()


def remembered(memo: Path) -> str | None:
    if memo.is_file() and _HASH.fullmatch(found := memo.read_text(encoding="utf-8", errors="replace")):
        return found
    return None
