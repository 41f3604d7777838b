"""The process that takes an audience's votes: it listens, until the question is closed or the talk is over."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn

from fairprune.audience.limits import PHONES_PER_ADDRESS, Roll
from fairprune.audience.network import choose
from fairprune.audience.server import Booth, make_app
from fairprune.errors import BadInput, Unavailable
from fairprune.executors.lifeline import VARIABLE
from fairprune.store import Run, Store
from fairprune.talk.pair import Pair, read
from fairprune.text import counted

FIRST_PORT, PORTS = 8600, 20
"""Ports that are tried, one after the other, where none is asked for."""
LOOK_SECONDS = 1.0
"""How often the process looks whether the question is closed."""
GOODBYE_SECONDS = 20.0
"""After closing, phones still read that voting is over."""
MOST_HOURS = 4.0
"""A question that nobody closes ends by itself."""
MOST_CONNECTIONS = 1_000


class _Server(uvicorn.Server):
    """An interrupt or a request to end ends it in order: uvicorn would raise the signal again, and no question would be closed."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._end) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self.should_exit = True


def fit_pair(store: Store, run: Run, position: int) -> Pair:
    """The pair that an audience is asked about.

    Raises:
        BadInput: no such sample, or one about which nobody can be asked. StoreError: the run has no summaries.
    """
    pair = read(store, run).pair(position)
    if pair.unfit is not None:
        raise BadInput(f"{pair.unfit}: choose another sample")
    return pair


def serve(
    store: Store,
    pair: Pair,
    *,
    address: str | None = None,
    port: int | None = None,
    per_address: int = PHONES_PER_ADDRESS,
    say: Callable[[str], None],
    goodbye: float = GOODBYE_SECONDS,
) -> str:
    """Asks the audience about `pair` until the question is closed; returns its id.

    It also ends when the process that started it does, on an interrupt, and after `MOST_HOURS`.

    Args:
        address: of this computer, to listen on; None: the likeliest on the local network.
        port: None: the first free one from `FIRST_PORT` on.
        per_address: phones that may answer from one address.
        say: called with what the phones open, and at the end where answers were refused.

    Raises:
        Unavailable: no network, or no free port. BadInput: not an address of this computer, or a port that is taken.
    """
    own = choose(address)
    with _listening(own, port) as listener:
        host = f"{own}:{listener.getsockname()[1]}"
        audience = store.open_audience(pair.run_id, pair.position, pair.set_id)
        try:
            booth = Booth(store, audience, pair, host, roll=Roll(per_address))
            server = _Server(
                uvicorn.Config(
                    make_app(booth),
                    access_log=False,  # it would write addresses of phones
                    log_level="warning",
                    server_header=False,
                    proxy_headers=False,  # who is asking is told by the connection, not by a header that anybody writes
                    lifespan="off",
                    ws="none",
                    http="h11",
                    h11_max_incomplete_event_size=16_384,
                    limit_concurrency=MOST_CONNECTIONS,
                    timeout_keep_alive=5,
                    timeout_graceful_shutdown=2,
                )
            )
            over = threading.Event()
            _tie_to_parent(over)
            watch = threading.Thread(
                target=_end_with_question, args=(server, store, audience.id, over, goodbye), daemon=True
            )
            watch.start()
            # Named only now: whoever reads the address of an open question finds somebody there.
            store.locate_audience(audience.id, f"http://{host}/{booth.code}")
            say(f"http://{host}/{booth.code}")
            server.run(sockets=[listener])
            if booth.roll.turned_away:
                say(crowded(booth.roll))
        finally:
            store.close_audience(audience.id)
    return audience.id


def crowded(roll: Roll) -> str:
    """What the speaker should know where an address had its share."""
    return (
        f"{counted(roll.turned_away, 'answer was', 'answers were')} refused: more than {counted(roll.per_address, 'phone')} of one "
        "address. Either the room is behind one address (then raise --per-address), or somebody invents phones"
    )


def _listening(own: str, port: int | None) -> socket.socket:
    """A socket that listens on this address and no other.

    Raises:
        BadInput: the port is taken, or not for us. Unavailable: none of those that are tried is free.
    """
    wanted = range(FIRST_PORT, FIRST_PORT + PORTS) if port is None else (port,)
    reason = ""
    for number in wanted:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((own, number))
            listener.listen(512)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            listener.close()
            continue
        return listener
    if port is not None:
        raise BadInput(f"port {port} of {own} cannot be used ({reason}): choose another, or leave --port out")
    raise Unavailable(
        f"none of the ports {FIRST_PORT} to {FIRST_PORT + PORTS - 1} of {own} is free ({reason}): name one with --port"
    )


def _end_with_question(
    server: uvicorn.Server, store: Store, audience_id: str, over: threading.Event, goodbye: float
) -> None:
    """Ends the server some time after the question is closed, and at once when the talk is over."""
    end = time.monotonic() + 3600 * MOST_HOURS
    while time.monotonic() < end and not over.wait(LOOK_SECONDS):
        if store.audience(audience_id).closed is not None:
            over.wait(goodbye)
            break
    server.should_exit = True


def _tie_to_parent(over: threading.Event) -> None:
    """Sets `over` when the process that started this one ends, where it left a lifeline (`executors.lifeline`)."""
    given = os.environ.pop(VARIABLE, None)
    if given is None:
        return
    descriptor = int(given)
    os.set_inheritable(descriptor, False)

    def wait() -> None:
        while os.read(descriptor, 1):
            pass
        over.set()

    threading.Thread(target=wait, name="lifeline", daemon=True).start()
