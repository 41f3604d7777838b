"""Who looks at a page, and the login of leads. `open_page` asks before it reads anything."""

from __future__ import annotations

import hashlib
from typing import Any

import streamlit as st

from fairprune.access import LONGEST_PASSWORD, Access, Role, Throttle, access, is_password, role
from fairprune.errors import BadInput
from fairprune.ui.markup import inert

_PASSWORD = "gate.password"  # noqa: S105 (a key of the session)
SINGLE = "Single user: no login is set up. Whoever reaches this address may do everything."
FOR_LEADS = "This page is for leads. If you were invited to judge, open the link that you were given."


def current_role() -> Role:
    """The role of this session. A login that is set up wrongly lets nobody in.

    Raises:
        BadInput: it is; says how. For the server's log and the lead, not for everybody.
    """
    found = access()
    claims: dict[str, Any] = dict(st.user.to_dict()) if found.oidc is not None else {}
    return role(found, password=_knows_password(found), claims=claims)


def _fingerprint(hashed: str) -> str:
    """Another password ends the logins by the one before."""
    return hashlib.sha256(hashed.encode()).hexdigest()


def _knows_password(found: Access) -> bool:
    hashed = found.password_hash
    return hashed is not None and st.session_state.get(_PASSWORD) == _fingerprint(hashed)


@st.cache_resource(show_spinner=False)
def _throttle() -> Throttle:
    return Throttle()


def draw_login() -> None:
    """What everybody else sees in place of a page. Never reads the store."""
    st.title("Log in", anchor=False)
    st.text(FOR_LEADS)
    try:
        found = access()
    except BadInput:
        # What exactly is wrong stands in the terminal: `python -m fairprune access` says it, and so does the start.
        st.error(
            "The login is set up wrongly, so nobody is let in: `python -m fairprune access` says what is missing."
        )
        return
    if found.password_hash is not None:
        _password_form(found.password_hash)
    if found.oidc is not None:
        if st.user.get("is_logged_in"):
            name = inert(str(st.user.get("email") or "somebody without a mail address"))
            st.warning(f"You are logged in as {name}, who is not among the leads.")
            st.button("Log out", on_click=st.logout, key="gate.other")
        else:
            st.button("Log in with OpenID Connect", on_click=st.login, type="primary", key="gate.oidc")


def _password_form(hashed: str) -> None:
    with st.form("gate.form", clear_on_submit=True, border=False, width=420):
        # No limit of its own: a browser drops what is longer without a word, and the password would be wrong.
        given = st.text_input("Password of the leads", type="password", key="gate.given")
        sent = st.form_submit_button("Log in", type="primary")
    if not sent:
        return
    if len(given) > LONGEST_PASSWORD:
        st.error(
            f"This has {len(given):,} characters, and no password more than {LONGEST_PASSWORD:,}.",
            icon=":material/error:",
        )
        return
    right = _throttle().attempt(lambda: is_password(given, hashed))
    if right:
        st.session_state[_PASSWORD] = _fingerprint(hashed)
        st.rerun()
    elif right is None:
        st.error("Too many wrong passwords: wait a minute, then try again.", icon=":material/error:")
    else:
        st.error("This is not the password.", icon=":material/error:")


def draw_role(seen: Role) -> None:
    """At the end of the side bar: that there is no login, or the way out."""
    if seen == "single":
        st.caption(SINGLE)
    elif seen == "lead":
        st.button("Log out", icon=":material/logout:", on_click=_log_out, key="gate.out", width="stretch")


def _log_out() -> None:
    claims = st.user.to_dict()
    st.session_state.clear()
    if claims.get("is_logged_in"):
        st.logout()
