"""What depends on the kind of device: memory that is free, copies to and fro, exact products. One place for it.

Everything else in the package is written for any device. What stands here for CUDA has not been run on a card by
us; `benchmarks/gpu.py` and the tests marked `cuda` are how to run it on one.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import torch

HOST = torch.device("cpu")
MEMINFO = Path("/proc/meminfo")
STATUS, CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def host_free_bytes() -> int:
    """Bytes of main memory that a process can still have without swapping."""
    try:
        for line in MEMINFO.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:  # not Linux
        pass
    # Physical memory as a whole is the best that other systems tell without a library; half of it is taken as free.
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def free_bytes(device: torch.device) -> int:
    """Bytes that are free on the device; blocks that torch holds for reuse count as free."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        held = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(free) + held
    return host_free_bytes()


def reset_peak(device: torch.device) -> None:
    """From here on `peak_bytes` counts anew (on a CPU where the system is Linux; elsewhere it cannot forget)."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
    elif STATUS.is_file():
        CLEAR_REFS.write_text("5", encoding="ascii")  # proc(5): resets the peak resident set size


def peak_bytes(device: torch.device) -> int:
    """Most bytes since `reset_peak`: of tensors on a CUDA device; of the whole process on a CPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        return int(torch.cuda.max_memory_allocated(device))
    if STATUS.is_file():
        found = next(
            line for line in STATUS.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM:")
        )
        return int(found.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def wait(device: torch.device) -> None:
    """Returns when everything that was asked of the device is done: before a clock is read."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def release(device: torch.device) -> None:
    """Gives memory that was freed, and is held for reuse, back to the device; on the host, to the system (with glibc)."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    if (trim := getattr(_c_library(), "malloc_trim", None)) is not None:
        trim(0)


@cache
def _c_library() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if sys.platform == "linux" else None


def onto(tensor: torch.Tensor, device: torch.device, *, copy: bool = False) -> torch.Tensor:
    """The tensor on the device. From host to CUDA through pinned memory, so that the copy runs beside the kernels.

    Args:
        copy: a copy even where the tensor lies there already.
    """
    if device.type == "cuda" and tensor.device.type == "cpu":
        # Torch's host allocator does not give the pinned block to anybody else before the copy is done.
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device, copy=copy)


@contextmanager
def exact_products() -> Iterator[None]:
    """Inside, float32 products are computed in float32: TF32 keeps 10 bits, too few for sums over many tokens."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
