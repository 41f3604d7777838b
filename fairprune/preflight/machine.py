"""What this machine has free, without torch: memory of the accelerator and of the host, room on the disk."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from fairprune.paths import home

MEMINFO = Path("/proc/meminfo")
NVIDIA_SMI_SECONDS = 3.0
_FRESH_SECONDS = 10.0
"""How long an answer of nvidia-smi is believed: a form is drawn at every click."""


@dataclass(frozen=True)
class Machine:
    """Free bytes; None where it cannot be told."""

    host: int | None
    """Memory that new programs can have."""
    accelerator: int | None
    """Free memory of the device; None on a CPU, too."""
    disk: int
    """Free room where fairprune keeps what it makes."""


def this_machine(device: str) -> Machine:
    """What is free here for a run on 'cpu' or 'cuda'."""
    free = accelerator_free(int(time.monotonic() / _FRESH_SECONDS)) if device == "cuda" else None
    return Machine(host_available(), free, shutil.disk_usage(home()).free)


def host_available(meminfo: Path = MEMINFO) -> int | None:
    """Bytes that the system can give without swapping, MemAvailable; None on a system that does not say so."""
    if not meminfo.is_file():
        return None
    for line in meminfo.read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return int(value.split()[0]) * 1024  # written in kB
    return None


@lru_cache(maxsize=1)
def accelerator_free(_moment: int = 0) -> int | None:
    """Free bytes of the device that torch calls cuda:0, from nvidia-smi; None where it does not answer.

    Args:
        _moment: changes when an earlier answer is too old.
    """
    command = ["nvidia-smi", "--query-gpu=memory.free", "--format=csv,noheader,nounits"]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0].strip()
    if visible:
        command.append(f"--id={visible}")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=NVIDIA_SMI_SECONDS, check=True)
        return int(done.stdout.split()[0]) * 2**20  # MiB
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None
