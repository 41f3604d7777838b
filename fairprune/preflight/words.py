"""An estimate for a person: sizes, time spans, what a peak is made of, what does not fit."""

from __future__ import annotations

from collections.abc import Sequence

from fairprune.preflight.fitting import Setting
from fairprune.preflight.flight import Preflight
from fairprune.preflight.memory import Part

LEAST_SHOWN = 0.01
"""A part below this share of the whole is not named."""
NAMES = {"accelerator": "accelerator memory", "host": "host memory", "disk": "disk"}


def size(value: int) -> str:
    """Bytes for a person, in powers of ten: 'under 1 MB', '412 MB', '1.36 GB', '48.2 GB'."""
    if value < 10**6:
        return "under 1 MB"
    if value < 10**9:
        return f"{round(value / 10**6)} MB"
    return f"{value / 10**9:.2f} GB" if value < 10**10 else f"{value / 10**9:.1f} GB"


def span(low: float, high: float) -> str:
    """A range of seconds for a person: '20 to 55 s', '1.5 to 4 min', '2 to 6.5 h'."""
    for unit, seconds, limit in (("s", 1, 100), ("min", 60, 100 * 60), ("h", 3600, float("inf"))):
        if high < limit:
            first, last = (_rounded(value / seconds) for value in (low, high))
            return f"{first} to {last} {unit}" if first != last else f"about {last} {unit}"
    raise AssertionError("every number is below infinity")


def _rounded(value: float) -> str:
    """Two digits that mean something; halves below 10."""
    if value < 10:
        return f"{max(0.5, round(value * 2) / 2):g}"
    return f"{round(value):g}" if value < 100 else f"{round(value, -1):g}"


def made_of(parts: Sequence[Part]) -> str:
    """The parts of a sum, largest first: 'gradient sums 425 MB, weights 269 MB, …'."""
    whole = sum(part.bytes for part in parts)
    named = sorted(
        (part for part in parts if part.bytes >= LEAST_SHOWN * whole), key=lambda part: -part.bytes
    )
    return ", ".join(f"{part.name} {size(part.bytes)}" for part in named)


def free(found: Preflight, kind: str) -> str:
    """'23.4 GB are free', or that it cannot be told."""
    value = getattr(found.machine, kind)
    return "what is free cannot be told" if value is None else f"{size(value)} are free"


def needs(found: Preflight, kind: str) -> int:
    """Bytes that the run needs of 'accelerator', 'host' or 'disk'."""
    if kind == "disk":
        return found.disk_bytes
    stage = found.accelerator_peak if kind == "accelerator" else found.host_peak
    return 0 if stage is None else getattr(stage, f"{kind}_bytes")


def basis(found: Preflight) -> str:
    """What the estimate rests on."""
    where = {"resident": "", "streamed": ", weights on it block by block"}[found.placement]
    return f"{found.dtype} on {found.spec.device}{where}; shapes from {found.origin}"


def stored(found: Preflight) -> str:
    """What is computed already and is not computed again; '' where nothing is."""
    parts = []
    if found.sets and found.summaries_stored >= found.sets:
        parts.append("the dense model's summaries")
    elif found.summaries_stored:
        parts.append(f"{found.summaries_stored} of {found.sets} of the dense model's summaries")
    if found.statistics_stored:
        parts.append("the statistics of these windows")
    return f"Stored already, and not computed again: {' and '.join(parts)}." if parts else ""


def misfit(found: Preflight) -> str:
    """What the machine has too little of; '' where it fits."""
    short = [f"{size(needs(found, kind))} of {NAMES[kind]} ({free(found, kind)})" for kind in found.lacking]
    return f"This does not fit: it needs {' and '.join(short)}, and a tenth to spare." if short else ""


def lines(found: Preflight, setting: Setting | None) -> list[str]:
    """The whole estimate, for a terminal."""
    device, host = found.accelerator_peak, found.host_peak
    told = [f"{found.spec.title()} ({basis(found)})"]
    if device is not None:
        told.append(
            f"accelerator  {size(device.accelerator_bytes)} at the peak, in {device.name}: {made_of(device.accelerator)}; "
            f"{free(found, 'accelerator')}"
        )
    told.append(
        f"host memory  {size(host.host_bytes)} at the peak, in {host.name}: {made_of(host.host)}; {free(found, 'host')}"
    )
    parts = f": {made_of(found.disk)}" if found.disk else ""
    told.append(f"disk         {size(found.disk_bytes)}{parts}; {free(found, 'disk')}")
    told.append(f"time         {when(found)}")
    if text := stored(found):
        told.append(text)
    if found.fits:
        return [*told, "It fits."]
    told.append(misfit(found))
    if setting is None:
        return [*told, "No smaller setting fits either: choose a smaller model, or another machine."]
    told.append(f"A setting that fits: {'; '.join(setting.changes)} ({options(setting)}).")
    return [*told, outcome(setting)]


def outcome(setting: Setting) -> str:
    """What the setting that fits needs."""
    found = setting.preflight
    peaks = [f"{size(needs(found, kind))} of {name}" for kind, name in NAMES.items() if needs(found, kind)]
    return f"It needs {', '.join(peaks)}; time: {when(found)}."


def when(found: Preflight) -> str:
    """The time range and what it rests on."""
    if found.time is None:
        return f"cannot be told before the first finished run on {found.spec.device}"
    return f"{span(found.time.low, found.time.high)} ({found.time.rests_on})"


def options(setting: Setting) -> str:
    """The setting as options of the command line."""
    names = {"calibration_samples": "calibration-samples", "batch_size": "batch-size"}
    return " ".join(f"--{names.get(name, name)} {value}" for name, value in setting.values.items())
