"""A provider of OpenID Connect of the tests' own, on the loopback address: discovery, authorization, tokens, keys.

It asks nobody for a password: who is logged in is said by `Provider.person`. All else is as a real one does it: the code is
used once, the client must know its secret, the redirect must be the registered one, the token is signed with RS256.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, CLIENT_SECRET = "fairprune-tests", "the client's secret"


class Provider:
    """A running provider."""

    def __init__(self, redirect: str) -> None:
        self.redirect = redirect
        self.person: dict[str, Any] = {}
        """Claims of who logs in next."""
        self.codes: dict[str, dict[str, Any]] = {}
        self.key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256", "kid": "one"})
        self.asked: list[str] = []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked.append(self.path)
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                if parts.path == "/.well-known/openid-configuration":
                    self.answer(provider.configuration())
                elif parts.path == "/keys":
                    self.answer({"keys": [provider.key.as_dict(private=False)]})
                elif parts.path == "/authorize":
                    self.authorize(query)
                else:
                    self.answer({"error": "not found"}, 404)

            def authorize(self, query: dict[str, str]) -> None:
                if query.get("client_id") != CLIENT or query.get("redirect_uri") != provider.redirect:
                    return self.answer({"error": "invalid_request"}, 400)
                code = secrets.token_urlsafe()
                provider.codes[code] = {**provider.person, "nonce": query.get("nonce")}
                self.send_response(302)
                self.send_header(
                    "Location", f"{provider.redirect}?{urlencode({'code': code, 'state': query['state']})}"
                )
                self.end_headers()
                return None

            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                wanted = "Basic " + base64.b64encode(f"{CLIENT}:{CLIENT_SECRET}".encode()).decode()
                claims = provider.codes.pop(form.get("code", [""])[0], None)
                if self.headers.get("Authorization") != wanted or claims is None:
                    return self.answer({"error": "invalid_grant"}, 400)
                moment = int(time.time())
                body = {"iss": provider.issuer, "aud": CLIENT, "iat": moment, "exp": moment + 300, **claims}
                token = jwt.encode({"alg": "RS256", "kid": "one"}, body, provider.key)
                return self.answer({"access_token": "unused", "token_type": "Bearer", "id_token": token})

            def answer(self, value: object, status: int = 200) -> None:
                data = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.http.server_address[1]}"

    def configuration(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }


@contextmanager
def provider(redirect: str) -> Iterator[Provider]:
    made = Provider(redirect)
    thread = threading.Thread(target=made.http.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.http.shutdown()
        made.http.server_close()
        thread.join(5)
