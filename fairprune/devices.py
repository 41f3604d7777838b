"""Which devices there are, without importing torch."""

from __future__ import annotations

import ctypes
import functools
import sys
from importlib import metadata

from fairprune.errors import BadInput, unknown

KNOWN: tuple[str, ...] = ("cuda", "cpu")
"""Every device a run may name, the best first."""


@functools.cache
def available() -> tuple[str, ...]:
    """The devices that a run can use here, the best first: ('cuda', 'cpu') or ('cpu',)."""
    return KNOWN if torch_has_cuda() and cuda_devices() > 0 else ("cpu",)


def resolve(name: str) -> str:
    """'auto' → the best device there is; 'cpu' and 'cuda' → themselves, if they are there.

    Raises:
        BadInput: an unknown name, or 'cuda' where it cannot be used; says why.
    """
    if name == "auto":
        return available()[0]
    if name not in KNOWN:
        raise unknown("device", name, ["auto", *KNOWN])
    if name not in available():
        why = (
            "there is no CUDA device here, or its driver does not answer"
            if torch_has_cuda()
            else f"the installed torch ({_torch_version()}) is built for the CPU alone"
        )
        raise BadInput(f"device {name!r} cannot be used: {why}. Available: {', '.join(available())}")
    return name


def cuda_devices(library: str = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1") -> int:
    """How many CUDA devices the driver shows (it minds CUDA_VISIBLE_DEVICES); 0 without a driver."""
    try:
        driver = ctypes.CDLL(library)
        count = ctypes.c_int(0)
        # Both return 0 for success, else the driver's error code (100: no device).
        if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
            return 0
    except (OSError, AttributeError):
        return 0
    return count.value


def torch_has_cuda() -> bool:
    """Whether the installed torch may use CUDA: builds for the CPU alone say so in their version."""
    version = _torch_version()
    return version is not None and not version.endswith("+cpu")


def _torch_version() -> str | None:
    try:
        return metadata.version("torch")
    except metadata.PackageNotFoundError:
        return None
