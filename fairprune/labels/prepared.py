"""Embeddings of the bundled corpora's training opinions, computed when the packaged assets are fetched.

Without them a first run embeds 400 opinions before it can label a sentence; with them it embeds its own sentences
alone. Nothing depends on the file: what is not in it is embedded when it is needed. `python -m
fairprune.labels.prepared FILE` is the child process that computes it, so that the caller never imports torch.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from filelock import FileLock

from fairprune import assets, corpora
from fairprune.corpora.stored import PREFIX
from fairprune.labels.classifier import training_draw
from fairprune.labels.embeddings import (
    MAX_CHARACTERS,
    embedding_key,
    encoder,
    prepared_file,
    read_embeddings,
    write_embeddings,
)
from fairprune.text import clipped

SEED = 0
"""The seed of a run that names none: the draws of other seeds are embedded when they are needed."""
ENCODER = "minilm"
PART = ".part-training-"


def ensure(report: Callable[[str], None] = lambda _: None) -> Path | None:
    """The prepared file, computed where it is missing or broken; None, with the reason reported, where it cannot be.

    Two processes may ask at once: the second waits for the first.

    Raises:
        Unavailable: the encoder or a corpus cannot be had.
    """
    assets.ensure(ENCODER, report)
    file = prepared_file(assets.get_asset(ENCODER).folder)
    with FileLock(file.parent.parent / f".{file.parent.name}-{file.stem}.lock"):
        if read_embeddings(file):
            return file
        report("embedding the opinions that group classifiers learn from, half a minute")
        for stale in file.parent.parent.glob(
            f"{PART}*"
        ):  # of a process that was killed; the lock says that it is gone
            shutil.rmtree(stale)
        with tempfile.TemporaryDirectory(dir=file.parent.parent, prefix=PART) as work:
            made = Path(work) / file.name
            said = _child(made)
            if said is not None:
                report(f"they could not be embedded ({said}): each run does it itself")
                return None
            made.chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
            made.replace(file)
    return file


def _child(out: Path) -> str | None:
    """Computes the file in a process of its own; None, or what it said when it failed."""
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH", "")) if part)
    done = subprocess.run(
        [sys.executable, "-m", "fairprune.labels.prepared", str(out)],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        env={**os.environ, "PYTHONPATH": path, "TOKENIZERS_PARALLELISM": "false"},
    )
    if done.returncode == 0 and out.is_file():
        return None
    return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]


def training_texts(seed: int = SEED) -> list[str]:
    """Every text that the classifiers of the bundled corpora learn from with this seed, once each."""
    texts: dict[str, None] = {}
    for name in corpora.names():
        if not name.startswith(PREFIX):
            corpus = corpora.load(name)
            drawn = training_draw(corpus.splits["train"], corpus.info.groups, seed)
            texts.update(dict.fromkeys(opinion.text for opinion in drawn))
    return list(texts)


def main(arguments: Sequence[str]) -> int:
    """Writes the embeddings of `training_texts` to the file that is named."""
    if len(arguments) != 1:
        print("usage: python -m fairprune.labels.prepared FILE", file=sys.stderr)  # noqa: T201
        return 2
    texts = training_texts()
    name = assets.get_asset(ENCODER).folder
    vectors = encoder()(texts)
    write_embeddings(
        Path(arguments[0]),
        {
            embedding_key(name, clipped(text, MAX_CHARACTERS)): row
            for text, row in zip(texts, vectors, strict=True)
        },
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
