"""Random tokens of links, and the keyed hash of a crowd id: what the database holds leads back to nobody."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

from fairprune.access import secret
from fairprune.store.judgments_values import Refused

_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")
_HEX = set("0123456789abcdef")
_CROWD = re.compile(r"[A-Za-z0-9_.@-]{1,64}")


def new_id() -> str:
    """16 hex digits; says nothing of how many there are."""
    return secrets.token_hex(8)


def new_key() -> str:
    """32 hex digits."""
    return secrets.token_hex(16)


def is_hex(value: object, digits: int) -> bool:
    """Whether this can be an id of ours at all: what cannot is never handed to the database."""
    return isinstance(value, str) and len(value) == digits and not set(value) - _HEX


def new_token() -> str:
    """32 letters and digits, 192 random bits, fit for an address."""
    return secrets.token_urlsafe(24)


def token_hash(token: str) -> str:
    """SHA-256, which is enough: a token of 192 random bits cannot be guessed from it.

    Raises:
        Refused: no token at all (`unknown`).
    """
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise Refused("unknown", "this link leads nowhere: copy it whole from the message that it came with")
    return hashlib.sha256(token.encode()).hexdigest()


def crowd_text(value: str) -> str:
    """An id as a crowd site hands it over.

    Raises:
        Refused: not 1 to 64 letters, digits, and `_ . @ -` (`crowd`).
    """
    if not isinstance(value, str) or not _CROWD.fullmatch(value):
        raise Refused(
            "crowd", "the id from the crowd site is no such id: open the study from the crowd site again"
        )
    return value


def crowd_key(study_id: str, crowd_id: str) -> str:
    """HMAC-SHA256 of a crowd id under `secret`; another one in every study, so that studies cannot be joined by it."""
    return hmac.new(secret(), f"{study_id}\n{crowd_text(crowd_id)}".encode(), hashlib.sha256).hexdigest()
