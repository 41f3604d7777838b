"""The calibration windows of the form, exactly as a run would cut them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from fairprune import corpora
from fairprune.calibration import calibration_set
from fairprune.catalogue import preview_folder, resolve
from fairprune.charts import percent
from fairprune.errors import Unavailable
from fairprune.methods import get_method
from fairprune.spec import PRESETS, CalibrationSpec, parse_part
from fairprune.tokens import TextTokenizer
from fairprune.ui import markup
from fairprune.ui.form import require_model


def calibration_of(values: dict[str, Any]) -> CalibrationSpec:
    """The calibration part of the spec that `plan_run` makes of the same values."""
    chosen = {"samples": values["calibration_samples"], "seqlen": values["seqlen"]}
    return parse_part(
        CalibrationSpec,
        {
            **PRESETS[values["preset"]]["calibration"],
            **{name: value for name, value in chosen.items() if value is not None},
            "name": values["calibration"],
            "corpus": values["corpus"],
            "seed": values["seed"],
        },
    )


def draw_preview(values: dict[str, Any]) -> None:
    """Windows, balance by group, and what was cut, reused or padded.

    Raises:
        BadInput, Unavailable: why the windows cannot be shown yet, or cannot be cut at all.
    """
    method = get_method(values["method"])
    if not method.needs_windows(values["allocation"]):
        st.info(f"{method.title} reads no calibration data.", icon=":material/info:")
        return
    spec = calibration_of(values)
    if spec.name == "general:c4":
        raise Unavailable("C4 is read from the hub when the run starts: its windows cannot be shown before")
    if not corpora.is_ready(spec.corpus):
        raise Unavailable("the corpus is not here yet: run make app or python -m fairprune assets first")
    folder = preview_folder(resolve(require_model(values)))
    if folder is None:
        raise Unavailable(
            f"the tokenizer of {values['model']} is not here yet: "
            "its windows can be shown once the model was fetched"
        )
    modified = (folder / "tokenizer.json").stat().st_mtime_ns if (folder / "tokenizer.json").is_file() else 0
    draw_windows(
        _windows(spec.model_dump_json(), str(folder), modified), corpora.info(spec.corpus).groups, "preview"
    )


@st.cache_data(max_entries=8, show_spinner="Cutting the windows …")
def _windows(spec: str, folder: str, modified: int) -> dict[str, Any]:  # noqa: ARG001 (part of the key)
    calibration = CalibrationSpec.model_validate_json(spec)
    return calibration_set(
        calibration, corpora.load(calibration.corpus), TextTokenizer.from_folder(Path(folder))
    ).to_json()


def draw_windows(found: dict[str, Any], groups: tuple[str, ...], key: str) -> None:
    """A calibration set (`CalibrationSet.to_json()`)."""
    total = found["samples"] * found["seqlen"]
    opinions = sum(found["tokens_by_group"].values())
    share = f"; {percent(opinions / total, 0)} are opinions, the rest is the instruction" if opinions else ""
    offered, cut = (
        found.get("texts_offered"),
        found.get("texts_cut"),
    )  # runs of earlier versions did not count them
    different = found["texts_used"] - found["reused"]
    left = (
        "" if offered is None else f"{offered - different:,} of the {offered:,} that are offered are not used"
    )
    st.html(
        markup.grid(
            [
                markup.tile("Windows", f"{found['samples']} × {found['seqlen']}", f"{total:,} tokens{share}"),
                markup.tile(
                    "Padding", percent(found["padding"] / total), f"{found['padding']:,} of {total:,} tokens"
                ),
                markup.tile(
                    "Texts",
                    f"{found['texts_used']:,}",
                    f"{found['reused']:,} of them used a second time",
                    left,
                ),
                markup.tile(
                    "Tokens dropped",
                    f"{found['tokens_cut']:,}",
                    "" if cut is None else f"{cut:,} of the texts did not fit their window whole",
                ),
            ],
            "12rem",
        )
    )
    if found["tokens_by_group"]:
        st.html(
            f'<p class="fp-name">Opinion tokens by group</p>{markup.balance(found["tokens_by_group"], groups)}'
        )
    for note in found["notes"]:
        st.caption(markup.inert(note))
    number = 1
    if len(found["windows"]) > 1:
        number = int(
            st.number_input(
                f"Window, 1 to {len(found['windows'])}", 1, len(found["windows"]), 1, key=f"{key}.window"
            )
        )
    st.html(markup.window(found["windows"][number - 1], groups))
    st.caption(
        f"Window {number} of {len(found['windows'])}; hash of all tokens {found['hash']}. "
        "Chat markers around the text are not shown."
    )
