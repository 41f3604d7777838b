"""A child process ends when its worker does, however the worker ends.

The worker holds the write end of a pipe and never writes. The child reads: the end of the file says that the
worker is gone, even by SIGKILL, which no handler can see.
"""

from __future__ import annotations

import os
import signal
import threading

from fairprune.errors import BadInput

VARIABLE = "FAIRPRUNE_LIFELINE"
"""The environment variable with the number of the pipe's read end."""


def watch() -> bool:
    """Ties this process and its group to the worker's life; call it first. False when no worker started it.

    Raises:
        BadInput: `FAIRPRUNE_LIFELINE` is not an open file descriptor.
    """
    # Removed, so that a grandchild does not take an unrelated file for it.
    given = os.environ.pop(VARIABLE, None)
    if given is None:
        return False
    try:
        descriptor = int(given)
        os.set_inheritable(descriptor, False)
    except (ValueError, OSError) as error:
        raise BadInput(
            f"{VARIABLE}={given!r} is not an open file descriptor: only a worker process sets this variable"
        ) from error
    threading.Thread(target=_wait_for_end, args=(descriptor,), name="lifeline", daemon=True).start()
    return True


def _wait_for_end(descriptor: int) -> None:
    while os.read(descriptor, 1):
        pass
    os.killpg(os.getpgid(0), signal.SIGKILL)
