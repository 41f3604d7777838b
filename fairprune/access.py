"""Who may do what: read from the environment, decided here; pages and the command line ask.

Nothing set: one person on one computer, who may do everything. `FAIRPRUNE_LEAD_PASSWORD_HASH` or OpenID Connect
(`FAIRPRUNE_OIDC_…`) set: leads log in, and everybody else can only judge. A setting that is incomplete lets nobody in.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from fairprune.errors import BadInput, Unavailable

Role = Literal["single", "lead", "judge"]
"""'single': no login is set up, who reaches the server may do everything. 'judge': may judge and nothing else."""
PASSWORD_HASH = "FAIRPRUNE_LEAD_PASSWORD_HASH"  # noqa: S105 (the name of a variable)
SECRET = "FAIRPRUNE_SECRET"  # noqa: S105
OIDC = {
    "server_metadata_url": "FAIRPRUNE_OIDC_METADATA_URL",
    "client_id": "FAIRPRUNE_OIDC_CLIENT_ID",
    "client_secret": "FAIRPRUNE_OIDC_CLIENT_SECRET",
    "redirect_uri": "FAIRPRUNE_OIDC_REDIRECT_URI",
}
"""Streamlit's name → ours."""
LEADS = "FAIRPRUNE_LEADS"
SHORTEST_SECRET = 16
SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 1000
_N, _R, _P = 2**15, 8, 1
"""scrypt's costs: 32 MiB and some 0.1 s for each guess."""
_MOST_N, _MOST_R, _MOST_P = 2**20, 32, 16
_MARK = "# Written by fairprune from the environment at every start: change the environment, not this file.\n"


@dataclass(frozen=True)
class Access:
    """How leads log in; neither way set: single user."""

    password_hash: str | None = None
    oidc: Mapping[str, str] | None = None
    """Streamlit's names → values, all of them."""
    leads: frozenset[str] = frozenset()
    """Mail addresses, in small letters, of who is a lead after a login by OpenID Connect."""

    @property
    def single(self) -> bool:
        """Whether nobody has to log in."""
        return self.password_hash is None and self.oidc is None


def access(environment: Mapping[str, str] | None = None) -> Access:
    """What the environment says.

    Raises:
        BadInput: a part is missing or malformed; says which. Whoever asks must then let nobody in.
    """
    given = os.environ if environment is None else environment

    def value(name: str) -> str:
        return given.get(name, "").strip()

    hashed = value(PASSWORD_HASH) or None
    if hashed is not None:
        _parsed(hashed)
    oidc = {ours: value(name) for ours, name in OIDC.items()}
    leads = frozenset(part.strip().lower() for part in value(LEADS).split(",") if part.strip())
    if not any(oidc.values()) and not leads:
        return Access(hashed)
    missing = [OIDC[name] for name, found in oidc.items() if not found] + ([] if leads else [LEADS])
    if missing:
        raise BadInput(f"OpenID Connect is set up in part: set {', '.join(missing)} too, or none of it")
    for name in ("server_metadata_url", "redirect_uri"):
        _web_address(OIDC[name], oidc[name])
    if not urlsplit(oidc["redirect_uri"]).path.endswith("/oauth2callback"):
        raise BadInput(
            f"{OIDC['redirect_uri']} is {oidc['redirect_uri']!r}: its path must end with /oauth2callback"
        )
    for name, found in oidc.items():
        if not found.isprintable():
            raise BadInput(f"{OIDC[name]} holds a character that cannot be printed: remove it")
    if len(value(SECRET)) < SHORTEST_SECRET:
        raise _no_secret(value(SECRET))
    return Access(hashed, oidc, leads)


def _web_address(name: str, value: str) -> None:
    parts = urlsplit(value)
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not parts.hostname or parts.scheme not in ("http", "https") or (parts.scheme == "http" and not local):
        raise BadInput(
            f"{name} is {value!r}: an address that begins with https:// is meant (http:// on this computer)"
        )


def _no_secret(found: str) -> BadInput:
    return BadInput(
        f"{SECRET} is {'too short' if found else 'not set'}: set it to a random text of at least {SHORTEST_SECRET} characters "
        "(python -c 'import secrets; print(secrets.token_urlsafe())') and keep it"
    )


def secret() -> bytes:
    """The key of this install, for crowd ids and cookies.

    Raises:
        Unavailable: `FAIRPRUNE_SECRET` is not set, or too short.
    """
    found = os.environ.get(SECRET, "").strip()
    if len(found) < SHORTEST_SECRET:
        raise Unavailable(str(_no_secret(found)))
    return found.encode()


# Passwords


def hash_password(password: str) -> str:
    """What `FAIRPRUNE_LEAD_PASSWORD_HASH` is set to: 'scrypt:N:r:p:salt:hash', without a sign that a shell would read.

    Raises:
        BadInput: fewer than 10 characters, or more than 1,000.
    """
    if len(password) < SHORTEST_PASSWORD:
        raise BadInput(f"the password has {len(password)} characters: take at least {SHORTEST_PASSWORD}")
    if len(password) > LONGEST_PASSWORD:
        raise BadInput(f"the password has {len(password):,} characters: take at most {LONGEST_PASSWORD:,}")
    salt = secrets.token_bytes(16)
    return ":".join(
        ("scrypt", str(_N), str(_R), str(_P), _text(salt), _text(_scrypt(password, salt, _N, _R, _P)))
    )


def is_password(password: str, hashed: str) -> bool:
    """Whether this is the password of the hash. Takes some 0.1 s, whatever the answer.

    Raises:
        BadInput: the hash is none.
    """
    n, r, p, salt, wanted = _parsed(hashed)
    return hmac.compare_digest(_scrypt(password, salt, n, r, p), wanted)


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    # Lone surrogates, which no keyboard gives, must not end in an error.
    given = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(given, salt=salt, n=n, r=r, p=p, dklen=32, maxmem=256 * n * r)


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _parsed(hashed: str) -> tuple[int, int, int, bytes, bytes]:
    try:
        kind, *numbers, salt, wanted = hashed.split(":")
        n, r, p = (int(number) for number in numbers)
        found = n, r, p, _bytes(salt), _bytes(wanted)
    except (ValueError, binascii.Error):
        kind, found = "", (0, 0, 0, b"", b"")
    n, r, p, salted, digest = found
    costs = 2**14 <= n <= _MOST_N and n & (n - 1) == 0 and 1 <= r <= _MOST_R and 1 <= p <= _MOST_P
    if kind != "scrypt" or not costs or len(salted) < 8 or len(digest) != 32:
        # Not shown: it may be a password that stands where its hash should.
        raise BadInput(
            f"{PASSWORD_HASH} is no hash of a password: let `python -m fairprune password` print one"
        )
    return found


class Throttle:
    """Wrong passwords are counted for the whole server: five a minute, then none is looked at for a minute."""

    def __init__(
        self, most: int = 5, seconds: float = 60.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most, self._seconds, self._clock = most, seconds, clock
        self._failures: list[float] = []
        self._lock = threading.Lock()

    def wait(self) -> float:
        """Seconds until a password may be tried; 0: now."""
        with self._lock:
            return self._wait(self._clock())

    def _wait(self, moment: float) -> float:
        self._failures = [one for one in self._failures if one > moment - self._seconds]
        if len(self._failures) < self._most:
            return 0.0
        return self._failures[-self._most] + self._seconds - moment

    def attempt(self, check: Callable[[], bool]) -> bool | None:
        """What `check` says; None: it was not asked, for too many were wrong. One at a time: a crowd of guesses waits in line."""
        with self._lock:
            if self._wait(self._clock()) > 0:
                return None
            right = check()
            if not right:
                self._failures.append(self._clock())
            return right


# OpenID Connect


def is_lead(found: Access, claims: Mapping[str, Any]) -> bool:
    """Whether who logged in by OpenID Connect is a lead: by a mail address that the provider has not called unverified."""
    address = claims.get("email")
    if found.oidc is None or not claims.get("is_logged_in") or not isinstance(address, str):
        return False
    return address.strip().lower() in found.leads and claims.get("email_verified", True) in (True, "true")


def role(found: Access, *, password: bool = False, claims: Mapping[str, Any] | None = None) -> Role:
    """The role of a session.

    Args:
        password: the lead's password was given in it.
        claims: what the provider says of who logged in.
    """
    if found.single:
        return "single"
    if (password and found.password_hash is not None) or is_lead(found, claims or {}):
        return "lead"
    return "judge"


def write_secrets(file: Path, environment: Mapping[str, str] | None = None) -> bool:
    """Writes what `st.login` reads, readable for its owner alone; whether OpenID Connect is set up.

    Where it is not, a file that was written here before is removed. A file that a person wrote is left alone.

    Raises:
        BadInput: the environment cannot be (`access`), or a person's own file stands where ours must.
        Unavailable: the file cannot be written.
    """
    found = access(environment)
    given = os.environ if environment is None else environment
    try:
        own = file.exists() and not file.read_text(encoding="utf-8", errors="replace").startswith(_MARK)
        if found.oidc is None:
            if not own:
                file.unlink(missing_ok=True)
            return False
        if own:
            raise BadInput(
                f"{file} was not written by fairprune: move it away, for OpenID Connect is set in the environment"
            )
        key = hmac.new(given[SECRET].strip().encode(), b"cookie", hashlib.sha256).hexdigest()
        # A string of JSON is one of TOML.
        lines = [
            f"{name} = {json.dumps(value, ensure_ascii=False)}"
            for name, value in {**found.oidc, "cookie_secret": key}.items()
        ]
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
        with os.fdopen(
            os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as output:
            output.write(_MARK + "[auth]\n" + "\n".join(lines) + "\n")
        draft.replace(file)
    except OSError as error:
        raise Unavailable(
            f"{file} cannot be written ({error.strerror}): give write permission to its folder"
        ) from error
    return True
