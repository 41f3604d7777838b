"""`python -m fairprune password` and `access`: how leads log in."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

import typer

from fairprune.access import access, hash_password, write_secrets
from fairprune.errors import BadInput
from fairprune.text import say

SECRETS = Path(__file__).resolve().parents[1] / ".streamlit" / "secrets.toml"
"""Where Streamlit looks: beside app.py."""


def register(app: typer.Typer) -> None:
    """Adds the two commands."""
    app.command()(password)
    app.command(name="access")(show_access)


def password() -> None:
    """Asks for the leads' password, and prints its hash for FAIRPRUNE_LEAD_PASSWORD_HASH. From a pipe: its first line."""
    if sys.stdin.isatty():
        given = getpass.getpass("Password of the leads: ")
        if getpass.getpass("Once more: ") != given:
            raise BadInput("the two passwords differ: try again")
    else:
        given = sys.stdin.readline().rstrip("\n")
    say(hash_password(given))


def show_access() -> None:
    """Says who may do what, and writes the file that a login by OpenID Connect needs. `make app` calls it."""
    found = access()
    write_secrets(SECRETS)
    if found.single:
        say("Single user: no login is set up. Whoever reaches the server may do everything.")
        return
    ways = [
        *(["a password"] if found.password_hash is not None else []),
        *([f"OpenID Connect ({', '.join(sorted(found.leads))})"] if found.oidc is not None else []),
    ]
    say(f"Leads log in by {' or '.join(ways)}. Everybody else can only judge.")
