"""Where phones in the room reach this computer. Nothing is sent to find out: the system is asked for its own addresses."""

from __future__ import annotations

import ipaddress
import socket

import psutil

from fairprune.errors import BadInput, Unavailable

LOOPBACK = "127.0.0.1"
_ELSEWHERE = ("198.51.100.1", 9)
"""An address that nobody has (RFC 5737). Naming it as the peer of a datagram socket makes the system choose the way there and
its own address on it; a datagram is never sent."""
NO_NETWORK = (
    "this computer has no address on a local network: join the Wi-Fi of the room, or open a hotspot on this computer or on a phone, "
    "and try again"
)


def addresses() -> list[str]:
    """IPv4 addresses of this computer that phones on the same network may reach, the likeliest one first; [] without a network.

    Only addresses of private networks: one that the whole internet reaches must be named on purpose.
    """
    states = psutil.net_if_stats()
    found = [
        entry.address
        for name, entries in psutil.net_if_addrs().items()
        if name in states and states[name].isup
        for entry in entries
        if entry.family == socket.AF_INET and _local(entry.address)
    ]
    first = _on_the_way_out()
    return sorted(dict.fromkeys(found), key=lambda address: address != first)


def _local(address: str) -> bool:
    found = ipaddress.ip_address(address)
    return found.is_private and not found.is_loopback and not found.is_unspecified


def _on_the_way_out() -> str | None:
    """This computer's address on the way to other networks; None where there is no such way."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect(_ELSEWHERE)
        except OSError:  # no way out: a network without a gateway, or none at all
            return None
        return str(asked.getsockname()[0])


def choose(address: str | None) -> str:
    """`address` where it is one of this computer's own, else the likeliest.

    Raises:
        BadInput: not an address of this computer. Unavailable: None was given, and there is no network.
    """
    if address is None:
        found = addresses()
        if not found:
            raise Unavailable(NO_NETWORK)
        return found[0]
    own = {
        entry.address
        for entries in psutil.net_if_addrs().values()
        for entry in entries
        if entry.family == socket.AF_INET
    }
    if address not in own:
        raise BadInput(
            f"{address!r} is no IPv4 address of this computer: it has {', '.join(sorted(own)) or 'none'}"
        )
    return address
