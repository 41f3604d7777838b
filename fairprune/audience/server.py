"""The small server that an audience's phones reach: one page, one kind of answer, nothing else of fairprune.

It listens on one address of the local network while the talk lasts. What it sends holds no name of a model or a method; which
side is whose is drawn per phone from its token. Addresses of phones are counted in memory against floods, and never written.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from fairprune.audience.limits import Bucket, Entry, Roll
from fairprune.audience.page import policy, problem_page, style_of, vote_page
from fairprune.store import Audience, Store
from fairprune.store.audience import ANSWERS, Answer
from fairprune.talk.pair import Pair

COOKIE = "fairprune_phone"
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Of codes: what is not mistaken for another letter when somebody reads it out."""
CODE_LENGTH = 5
MOST_BODY = 256
"""Bytes of an answer."""
BODY_SECONDS = 5.0
_TOKEN_SIGNS = 200
_NOT_IN: dict[Entry, tuple[int, str, str]] = {
    "wait": (
        429,
        "Many phones answer at once from your network",
        "Your answer is not counted yet: go back in a few seconds and answer again.",
    ),
    "crowded": (
        503,
        "No more phones can answer from your network",
        "All phones of this network look like one address. Answer through another network, or by a show of hands.",
    ),
    "full": (503, "Too many phones", "No more phones can take part in this question."),
}
"""Status, what is wrong, what to do."""


def new_code() -> str:
    """A random code for the address: 31⁵ are possible, 29 million."""
    return "".join(secrets.choice(LETTERS) for _ in range(CODE_LENGTH))


@dataclass
class Booth:
    """One audience's pair, and what is needed to take its votes."""

    store: Store
    audience: Audience
    pair: Pair
    host: str
    """'192.168.1.20:8600': requests for another name are refused, so that no page elsewhere can speak in its own name to here."""
    code: str = field(default_factory=new_code)
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    """Signs the tokens; never stored. A new process knows no old phone, and asks a question of its own."""
    # A room behind one address: 100 phones that open the page and answer at once are 200 requests.
    requests: Bucket = field(default_factory=lambda: Bucket(600, 20))
    guesses: Bucket = field(default_factory=lambda: Bucket(20, 0.2))
    answers: Bucket = field(default_factory=lambda: Bucket(10, 1))
    roll: Roll = field(default_factory=Roll)
    """Who has answered. Who only looks takes nobody's place."""
    _writes: threading.Lock = field(default_factory=threading.Lock)

    def token(self) -> str:
        """A new phone's token, signed; nothing is kept of it until it answers."""
        number = secrets.token_hex(16)
        return f"{number}.{self._sign('phone', number)}"

    def number(self, token: str | None) -> str | None:
        """The number in a token of ours; None for any other text."""
        if not token or len(token) > _TOKEN_SIGNS:
            return None
        number, _, signature = token.partition(".")
        return number if hmac.compare_digest(signature, self._sign("phone", number)) else None

    def swapped(self, number: str) -> bool:
        """Whether side A is the pruned model's for this phone."""
        return int(self._sign("side", number)[0], 16) % 2 == 1

    def order(self, number: str) -> str:
        """What the form of this phone sends back: an answer from a page with another phone's sides does not count."""
        return self._sign("order", number)[:16]

    def _sign(self, purpose: str, number: str) -> str:
        return hmac.new(self.secret, f"{purpose}:{number}".encode(), hashlib.sha256).hexdigest()

    def phone(self, number: str) -> str:
        """What is stored of a phone."""
        return hashlib.sha256(f"{self.audience.id}:{number}".encode()).hexdigest()

    def vote(self, number: str, answer: Answer) -> bool:
        """Stores an answer; False: voting is over."""
        with (
            self._writes
        ):  # the database takes one writer at a time: waiting here is shorter than asking it again and again
            return self.store.vote(self.audience.id, self.phone(number), answer, self.swapped(number))


def make_app(booth: Booth) -> Starlette:
    """The server's application."""
    style = style_of(booth.pair.groups)
    headers = {
        "Content-Security-Policy": policy(style),
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }

    def problem(status: int, what: str, remedy: str) -> Response:
        return HTMLResponse(problem_page(style, what, remedy), status, headers)

    def refused(request: Request) -> Response | None:
        """The answer to a request that gets no further; None: it may go on."""
        peer = _peer(request)
        if not booth.requests.take(peer):
            return problem(429, "Too many requests", "Wait a moment, then load the page again.")
        if request.headers.get("host") != booth.host:
            return problem(421, "Wrong address", "Open the address that the speaker shows.")
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MOST_BODY:
            return problem(413, "This is no answer", "Load the page again and answer there.")
        if not hmac.compare_digest(request.path_params["code"].encode(), booth.code.encode()):
            if not booth.guesses.take(peer):
                return problem(429, "Too many wrong codes", "Wait a minute, then open the address again.")
            return missing()
        return None

    def missing() -> Response:
        return problem(404, "There is nothing here", "Compare the code with the one that the speaker shows.")

    async def show(request: Request) -> Response:
        if (answer := refused(request)) is not None:
            return answer
        number = booth.number(request.cookies.get(COOKIE))
        token = None
        if number is None:
            token = booth.token()
            number = token.partition(".")[0]
        closed, given = await run_in_threadpool(_state, booth, number)
        page = vote_page(
            booth.pair,
            style,
            booth.code,
            swapped=booth.swapped(number),
            order=booth.order(number),
            given=given,
            closed=closed,
        )
        response = HTMLResponse(page, headers=headers)
        if token is not None:
            # Lax: who comes by a link from another site keeps the token, and no other site can send an answer with it.
            response.set_cookie(COOKIE, token, path=f"/{booth.code}", httponly=True, samesite="lax")
        return response

    async def take(request: Request) -> Response:
        if (answer := refused(request)) is not None:
            return answer
        if request.headers.get("origin") not in (None, f"http://{booth.host}"):
            return problem(
                403, "This answer comes from another page", "Open the address that the speaker shows."
            )
        number = booth.number(request.cookies.get(COOKIE))
        if number is None:
            return problem(
                403, "This phone is not known", "Load the page again, with cookies allowed, and answer there."
            )
        if not booth.answers.take(booth.phone(number)):
            return problem(429, "Too many answers", "Wait a moment, then answer again.")
        given = _fields(await _body(request))
        choice = given.get("answer")
        if choice not in ANSWERS:
            return problem(400, "This is no answer", "Load the page again and answer there.")
        response: Response = RedirectResponse(f"/{booth.code}#answer", 303, headers)
        # Two tabs opened at once may have shown other sides than those of the token that was kept: then one answers anew.
        if hmac.compare_digest(given.get("order", "").encode(), booth.order(number).encode()):
            entry = booth.roll.enter(number, _peer(request))
            if entry == "in":
                await run_in_threadpool(booth.vote, number, choice)
            else:
                response = problem(*_NOT_IN[entry])
        return response

    async def nothing(request: Request) -> Response:
        return refused(request) or missing()

    return Starlette(
        routes=[
            Route("/{code:str}", show, methods=["GET"]),
            Route("/{code:str}", take, methods=["POST"]),
            Route("/{code:path}", nothing, methods=["GET", "POST"]),
        ]
    )


def _peer(request: Request) -> str:
    """The address that a request comes from. No header counts here: there is no proxy in front, and whoever sends writes it."""
    return request.client.host if request.client else ""


def _state(booth: Booth, number: str) -> tuple[bool, Answer | None]:
    """Whether voting is over, and what this phone has answered."""
    now = booth.store.audience(booth.audience.id)
    return now.closed is not None, booth.store.vote_of(booth.audience.id, booth.phone(number))


async def _body(request: Request) -> bytes:
    """What was sent; nothing for more than an answer, for one that is never finished, or where the sender hangs up."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > MOST_BODY:
                    return b""
    except (TimeoutError, ClientDisconnect):
        return b""
    return bytes(body)


def _fields(body: bytes) -> Mapping[str, Any]:
    """Fields of a form, each once; {} for what is no form."""
    try:
        found = parse_qs(body.decode("ascii"), max_num_fields=4)
    except ValueError:
        return {}
    return {name: values[0] for name, values in found.items() if len(values) == 1}
