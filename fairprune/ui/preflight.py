"""What the run of the form will need, and the setting that fits where it does not: drawn before the start button."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import streamlit as st

from fairprune.errors import BadInput, Unavailable
from fairprune.plan import plan_run
from fairprune.preflight import Preflight, Setting, estimate, setting_that_fits, words
from fairprune.preflight.memory import Part
from fairprune.store import Store
from fairprune.ui import markup

SHOWN_PARTS = 3
"""Parts of a peak that a tile names; the whole list stands below."""


def draw_preflight(values: dict[str, Any], store: Store) -> None:
    """Memory, disk and time of the form's run. Draws nothing for a form that is refused: its start says why."""
    try:
        found = estimate(plan_run(**values, checked=False), store=store)
    except (BadInput, Unavailable):
        return
    with st.container(border=True):
        st.header("Before the start", anchor=False)
        st.html(markup.grid(_tiles(found), "15rem"))
        if text := words.stored(found):
            st.caption(text)
        if found.fits:
            st.caption(f":material/check_circle: Fits this machine. {markup.inert(words.basis(found))}.")
        else:
            st.warning(markup.inert(words.misfit(found)), icon=":material/memory:")
            _draw_setting(setting_that_fits(found, store=store))
        _draw_stages(found)


def _tiles(found: Preflight) -> list[str]:
    device, host, time = found.accelerator_peak, found.host_peak, found.time
    tiles = []
    if device is not None:
        tiles.append(
            markup.tile(
                "Accelerator memory, peak",
                words.size(device.accelerator_bytes),
                f"{words.free(found, 'accelerator')}; the peak is in the stage “{device.name}”",
                _largest(device.accelerator),
            )
        )
    tiles.append(
        markup.tile(
            "Host memory, peak",
            words.size(host.host_bytes),
            f"{words.free(found, 'host')}; the peak is in the stage “{host.name}”",
            _largest(host.host),
        )
    )
    tiles.append(
        markup.tile("Disk", words.size(found.disk_bytes), words.free(found, "disk"), _largest(found.disk))
    )
    shown = "–" if time is None else words.span(time.low, time.high)
    rests_on = words.when(found) if time is None else time.rests_on
    tiles.append(markup.tile("Time", shown, rests_on))
    return tiles


def _largest(parts: tuple[Part, ...]) -> str:
    return words.made_of(sorted(parts, key=lambda part: -part.bytes)[:SHOWN_PARTS])


def _draw_setting(setting: Setting | None) -> None:
    """The setting that fits, and the button that puts it into the form."""
    if setting is None:
        st.text("No smaller setting fits either: choose a smaller model, or another machine.")
        return
    changes = "; ".join(setting.changes)
    st.markdown(f"**This fits:** {markup.inert(f'{changes}. {words.outcome(setting)}')}")
    st.button(
        "Use the setting that fits",
        icon=":material/tune:",
        key="preflight.use",
        on_click=_use,
        args=(setting.values,),
    )


def _use(values: Mapping[str, Any]) -> None:
    """Puts the values into the form's widgets, which have the names of the arguments of `plan_run`."""
    for name, value in values.items():
        st.session_state[f"prune.{name}"] = value


def _draw_stages(found: Preflight) -> None:
    """Every stage with all that it holds."""
    with st.expander("What each stage needs"):
        heads = ["Stage", "Host memory", "made of"]
        if found.accelerator_peak is not None:
            heads[1:1] = ["Accelerator memory", "made of"]
        if found.time is not None:
            heads.append("Time")
        rows = []
        for stage in found.stages:
            row = [stage.name, words.size(stage.host_bytes), words.made_of(stage.host)]
            if found.accelerator_peak is not None:
                row[1:1] = [words.size(stage.accelerator_bytes), words.made_of(stage.accelerator)]
            if found.time is not None:
                seconds = found.time.stages.get(stage.name, 0.0)
                row.append(words.span(seconds, seconds) if seconds else "–")
            rows.append([escape(cell) for cell in row])
        st.html(markup.table(heads, rows))
        st.caption(
            "Stages follow one another: a peak is the largest of them, not their sum. "
            f"Estimated for {markup.inert(words.basis(found))}."
        )
