"""The manifest of a bundle: what it is, where it comes from, whose the texts are, and a hash of every member."""

from __future__ import annotations

import platform
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

from pydantic import Field

from fairprune import __version__
from fairprune.bundle.parsing import one_line
from fairprune.bundle.shapes import Corpus, Count, Name, Time
from fairprune.bundle.terms import Redistribution
from fairprune.errors import BadInput
from fairprune.opinions import Noun
from fairprune.part import Part
from fairprune.spec import parse_part

FORMAT = "fairprune bundle"
VERSION = 1
"""Raise when an older fairprune would misread the file."""
PACKAGES = (
    *("torch", "transformers", "tokenizers", "safetensors", "sentence-transformers"),
    *("scikit-learn", "numpy", "scipy", "statsmodels", "nltk", "rouge-score", "pandas"),
)
"""What decides the numbers of a run, besides fairprune itself."""
HASH = r"^[0-9a-f]{64}$"
ID = r"^[0-9a-f]{16}$"


class Member(Part):
    sha256: str = Field(pattern=HASH, description="Of the member, unpacked.")
    bytes: Count = Field(description="Size, unpacked.")


class WrittenWith(Part):
    fairprune: str = Field(
        max_length=40, description="Version of fairprune where the run was first exported."
    )
    python: str = Field(max_length=40, description="Version of Python there.")
    platform: str = Field(max_length=120, description="System and processor there.")
    packages: dict[str, str] = Field(max_length=100, description="Package → version installed there.")
    date: Time = Field(description="When the run was first exported.")


class RunEntry(Part):
    id: str = Field(pattern=ID, description="Run id: the hash of its spec.")
    title: str = Field(max_length=1000, description="Model, method, sparsity, calibration set, for people.")
    model: str = Field(max_length=1000, description="Name of the model.")
    identity: str = Field(
        max_length=200, description="What its weights are: hash of archive or folder, or commit."
    )
    method: str = Field(max_length=80, description="Pruning method.")
    sparsity: float = Field(ge=0, lt=1, description="Share of weights asked to drop.")
    seeds: dict[str, int] = Field(max_length=10, description="Seeds of calibration, evaluation and metrics.")
    spec: dict[str, Any] = Field(description="Everything that decides the result.")
    corpora: list[str] = Field(max_length=10, description="Corpora whose texts the bundle holds for it.")
    written_with: WrittenWith


class CorpusEntry(Part):
    title: str = Field(max_length=200)
    groups: list[Name] = Field(
        max_length=100, description="Group names in their order; none for texts without groups."
    )
    noun: Noun
    preamble: str = Field(max_length=400, description="First sentence of the prompt.")
    source: str = Field(max_length=2000, description="Where the texts come from.")
    note: str = Field("", max_length=4000, description="What the corpus cannot carry.")
    licence: str = Field(max_length=400)
    attribution: str = Field(max_length=2000, description="To be named wherever the texts are shown.")
    redistribution: Redistribution = Field(description="Whether a file with these texts may be passed on.")
    reason: str = Field(max_length=400, description="Why.")


class Manifest(Part):
    format: Literal["fairprune bundle"]
    version: Literal[1]
    fairprune: str = Field(max_length=40, description="Version that wrote this file.")
    created: Time = Field(description="When this file was written.")
    runs: list[RunEntry] = Field(min_length=1, max_length=10_000)
    corpora: dict[Corpus, CorpusEntry] = Field(max_length=100)
    members: dict[str, Member] = Field(description="Every other member of the zip.")


def written_with(date: datetime) -> WrittenWith:
    """The versions of this install."""
    packages: dict[str, str] = {}
    for name in PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            packages[name] = "not installed"
    return WrittenWith(
        fairprune=__version__,
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        packages=packages,
        date=date,
    )


def read_manifest(value: Any) -> Manifest:
    """The manifest of a bundle that this version can read.

    Raises:
        BadInput: another kind of file, a newer bundle, or a field that is wrong.
    """
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise BadInput("this is no bundle of fairprune: its manifest is that of something else")
    found = value.get("version")
    if isinstance(found, int) and found > VERSION:
        raise BadInput(
            f"the bundle has format version {found}, written by fairprune {str(value.get('fairprune'))[:40]}: this is "
            f"fairprune {__version__}, which reads up to version {VERSION}. Install a newer one"
        )
    try:
        return parse_part(Manifest, value)
    except BadInput as error:
        raise BadInput(f"the bundle's manifest is damaged: {one_line(str(error), 300)}") from error
