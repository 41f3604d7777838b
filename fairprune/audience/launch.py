"""Starts the voting server from a page, and ends it. It ends with the app in any case."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from fairprune.audience.network import NO_NETWORK, addresses
from fairprune.audience.process import fit_pair
from fairprune.errors import StoreError, Unavailable
from fairprune.executors.launch import PROJECT
from fairprune.executors.lifeline import VARIABLE
from fairprune.paths import subfolder
from fairprune.store import Audience, Run, Store

START_SECONDS = 30.0
KNOCK_SECONDS = 0.5
_LOG_LINES = 3


@dataclass(frozen=True)
class _Held:
    """A server that this process started, and the pipe's end that keeps it alive."""

    process: subprocess.Popen[bytes]
    lifeline: int


_held: dict[str, _Held] = {}
_lock = threading.Lock()


def start(store: Store, run: Run, position: int, address: str | None = None) -> Audience:
    """Asks the room about a sample; returns once phones can answer. A question that is open already is kept.

    Args:
        address: of this computer; None: the likeliest on the local network.

    Raises:
        Unavailable: no network, or the server did not start: says why.
        BadInput: nobody can be asked about this sample. StoreError: the database lives in this process alone.
    """
    with _lock:
        if (found := current(store, run.id)) is not None and found.position == position:
            return found
        fit_pair(store, run, position)
        if address is None and not addresses():
            raise Unavailable(NO_NETWORK)
        if not store.shared:
            raise StoreError("a database in memory cannot be seen by another process: use a database file")
        close(store, run.id)
        return _start(store, run, position, address)


def _start(store: Store, run: Run, position: int, address: str | None) -> Audience:
    command = [sys.executable, "-m", "fairprune", "audience", run.id, "--sample", str(position + 1)]
    if address is not None:
        command += ["--address", address]
    reading, writing = os.pipe()
    log = subfolder("logs") / "audience.log"
    before = {one.id for one in store.audiences(run.id)}
    try:
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=PROJECT,
                env={**os.environ, VARIABLE: str(reading), "FAIRPRUNE_DATABASE_URL": store.url},
                pass_fds=(reading,),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
    except OSError as error:
        os.close(writing)
        raise Unavailable(f"the voting server cannot be started ({error.strerror})") from error
    finally:
        os.close(reading)
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        for one in store.audiences(run.id, still_open=True):
            if one.id not in before and one.address and listens(one):
                _held[one.id] = _Held(process, writing)
                return one
        time.sleep(0.1)
    os.close(writing)  # a server that is only slow ends now, too
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-_LOG_LINES:]
    raise Unavailable(f"the voting server did not start: {' '.join(said) or 'it says nothing'}")


def current(store: Store, run_id: str) -> Audience | None:
    """The question that is open now about this run; None where there is none. One whose server has died is closed."""
    for one in store.audiences(run_id, still_open=True):
        if one.address and listens(one):
            return one
        if one.address:
            store.close_audience(one.id)
    return None


def close(store: Store, run_id: str) -> None:
    """Closes all open questions about a run: no vote counts any more, and their servers end after a last word to the phones."""
    for one in store.audiences(run_id, still_open=True):
        store.close_audience(one.id)
    for key, held in list(_held.items()):
        if held.process.poll() is not None:
            os.close(held.lifeline)
            del _held[key]


def listens(audience: Audience) -> bool:
    """Whether somebody answers at the audience's address, which is on this computer."""
    place = urlsplit(audience.address)
    if place.hostname is None or place.port is None:
        return False
    try:
        with socket.create_connection((place.hostname, place.port), timeout=KNOCK_SECONDS):
            return True
    except OSError:
        return False
