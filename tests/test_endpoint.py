"""Summaries from an OpenAI-compatible endpoint: a small server of the tests' own answers, refuses, stalls and lies."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from fairprune.endpoint import Answer, Endpoint, read_answers, request_summaries
from fairprune.errors import BadInput, Unavailable
from fairprune.opinions import CorpusInfo, Opinion, OpinionSet

INFO = CorpusInfo("t", "T", ("a", "b"), "review", "Reviews of several people.", "tests")
KEY = "sk-secret-0123456789"


def opinion_set(number):
    return OpinionSet(
        f"set{number}",
        f"topic {number}",
        "as given",
        "a",
        (Opinion(f"text number {number}", "a", f"topic {number}"),),
    )


SETS = [opinion_set(i) for i in range(6)]


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, script):
        self.script, self.seen, self.headers_seen = script, [], []
        self.now = self.most = 0
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    """Answers as the script says: a function of (number of the opinion set, how often it was asked for before)."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        number = int(body["messages"][0]["content"].split("text number ")[1].split()[0])
        server = self.server
        with server.lock:
            asked = Counter(server.seen)[number]
            server.seen.append(number)
            server.headers_seen.append((self.path, self.headers.get("authorization"), body))
            server.now += 1
            server.most = max(server.most, server.now)
        try:
            status, payload, headers = server.script(number, asked)
            raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(raw))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)
        except (
            BrokenPipeError,
            ConnectionResetError,
        ):  # the client has given up waiting: that is what is tested
            self.close_connection = True
        finally:
            with server.lock:
                server.now -= 1

    def log_message(self, *_):
        pass


@contextmanager
def serving(script):
    server = Server(script)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def good(number, _asked=0, reason="stop"):
    return 200, {"choices": [{"message": {"content": f" summary {number} "}, "finish_reason": reason}]}, {}


def ask(server, tmp_path, sets=SETS, **more):
    lines = []
    url = server if isinstance(server, str) else server.url
    endpoint = Endpoint(url, "tiny", **{"pause": 0.01, "tries": 3, "timeout": 5, **more})
    return request_summaries(sets, INFO, endpoint, tmp_path / "answers.jsonl", lines.append), lines


def test_every_set_is_asked_for_once_and_answers_keep_their_order(tmp_path):
    with serving(lambda number, _: good(number, reason="length" if number == 2 else "stop")) as server:
        found, _ = ask(server, tmp_path)
    assert [one.text for one in found] == [f"summary {i}" for i in range(6)]
    assert [one.truncated for one in found] == [False, False, True, False, False, False]
    assert sorted(server.seen) == list(range(6))
    path, key, body = server.headers_seen[0]
    assert path == "/v1/chat/completions" and key is None
    assert body["model"] == "tiny" and body["temperature"] == 0 and body["max_tokens"] == 128
    assert body["messages"][0]["content"].startswith(
        "Reviews of several people. Each review is separated by || : text"
    )


def test_it_goes_on_where_it_was(tmp_path):
    with serving(good) as server:
        ask(server, tmp_path, SETS[:4])
        file = tmp_path / "answers.jsonl"
        with file.open("a") as out:
            out.write('{"request": "half a li')  # killed while it wrote
        found, lines = ask(server, tmp_path)
        assert sorted(server.seen[4:]) == [4, 5]
        assert lines[0].startswith("4 of 6 summaries there; asking http://127.0.0.1:")
        assert [one.text for one in found] == [f"summary {i}" for i in range(6)]
        assert len(read_answers(file)) == 6
        ask(server, tmp_path, max_tokens=64)  # another question: nothing is reused
        assert len(server.seen) == 12


def test_an_answer_is_on_disk_as_soon_as_it_is_there(tmp_path):
    kept = []

    def script(number, _):
        kept.append(len(read_answers(tmp_path / "answers.jsonl")))
        return good(number)

    with serving(script) as server:
        ask(server, tmp_path, concurrency=1)
    assert kept == [0, 1, 2, 3, 4, 5]


def test_too_many_requests_and_server_errors_are_tried_again(tmp_path):
    def script(number, asked):
        if asked == 0 and number in (1, 2):
            return (429, b"slow down", {"retry-after": "0"}) if number == 1 else (500, b"oops", {})
        return good(number)

    with serving(script) as server:
        found, _ = ask(server, tmp_path)
    assert all(one is not None for one in found)
    assert Counter(server.seen)[1] == Counter(server.seen)[2] == 2


def test_retry_after_is_waited_for(tmp_path):
    times = []

    def script(number, asked):
        times.append(time.monotonic())
        return (429, b"", {"retry-after": "1"}) if asked == 0 else good(number)

    with serving(script) as server:
        ask(server, tmp_path, SETS[:1])
    assert times[1] - times[0] >= 1.0


@pytest.mark.parametrize(
    "payload",
    [
        b"<html>",
        {"choices": []},
        {"choices": [{"message": {"content": None}}]},
        {"error": "x"},
        b"[1]",
        b"\xff",
    ],
)
def test_an_answer_that_is_none_stays_missing(tmp_path, payload):
    with serving(lambda number, _: (200, payload, {}) if number == 3 else good(number)) as server:
        found, lines = ask(server, tmp_path)
    assert [one is None for one in found] == [False, False, False, True, False, False]
    assert (
        "1 summary could not be had: its answer is not a chat completion with choices[0].message.content (3 tries)"
        in lines
    )
    assert Counter(server.seen)[3] == 3


def test_a_request_that_the_server_cannot_take_is_not_repeated(tmp_path):
    with serving(lambda number, _: (400, b"too long", {}) if number == 0 else good(number)) as server:
        found, lines = ask(server, tmp_path)
    assert found[0] is None and found[1] == Answer("summary 1", False)
    assert Counter(server.seen)[0] == 1
    assert "1 summary could not be had: HTTP 400: too long" in lines


def test_a_timeout_is_tried_again(tmp_path):
    def script(number, asked):
        if number == 0 and asked == 0:
            time.sleep(0.8)
        return good(number)

    with serving(script) as server:
        found, _ = ask(server, tmp_path, SETS[:2], timeout=0.3)
    assert [one.text for one in found] == ["summary 0", "summary 1"]
    assert Counter(server.seen)[0] == 2


def test_a_server_that_never_answers_in_time(tmp_path):
    def script(number, _):
        time.sleep(0.5)
        return good(number)

    with serving(script) as server, pytest.raises(Unavailable, match=r"no answer within 0\.1 s \(2 tries\)"):
        ask(server, tmp_path, SETS[:1], timeout=0.1, tries=2)


def test_nobody_listens(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Unavailable, match=r"gives no summaries: it cannot be reached \(ConnectError"):
        ask(f"http://127.0.0.1:{port}/v1", tmp_path)
    assert read_answers(tmp_path / "answers.jsonl") == {}


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_ends_the_job_at_once(tmp_path, status):
    with (
        serving(lambda *_: (status, b"no", {})) as server,
        pytest.raises(Unavailable, match=f"HTTP {status}: no"),
    ):
        ask(server, tmp_path, concurrency=1)
    assert len(server.seen) == 1


def test_what_was_answered_before_an_end_is_kept(tmp_path):
    sets = [opinion_set(i) for i in range(10)]
    with serving(lambda number, _: good(number) if number < 3 else (503, b"down", {})) as server:
        with pytest.raises(Unavailable, match=r"HTTP 503: down .*; 3 answers are kept in .*answers\.jsonl"):
            ask(server, tmp_path, sets, concurrency=1, tries=1)
        assert server.seen == list(range(8))  # five failures in a row, then no more
    with serving(good) as server:
        # The address is part of the question: another port is another endpoint.
        assert len(ask(server, tmp_path, sets)[0]) == 10


def test_requests_at_once_are_bounded(tmp_path):
    def script(number, _):
        time.sleep(0.05)
        return good(number)

    with serving(script) as server:
        ask(server, tmp_path, [opinion_set(i) for i in range(12)], concurrency=3)
    assert server.most == 3


def test_the_key_stands_in_the_header_and_nowhere_else(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("FAIRPRUNE_ENDPOINT_KEY", KEY + "\n")
    caplog.set_level(logging.DEBUG)
    with serving(
        lambda number, _: (400, f"wrong key {KEY}".encode(), {}) if number else good(number)
    ) as server:
        _, lines = ask(server, tmp_path, SETS[:2])
        assert {key for _, key, _ in server.headers_seen} == {f"Bearer {KEY}"}
    with (
        serving(lambda *_: (401, f"wrong key {KEY}".encode(), {})) as server,
        pytest.raises(Unavailable) as refused,
    ):
        ask(server, tmp_path)
    shown = [*lines, str(refused.value), caplog.text, (tmp_path / "answers.jsonl").read_text()]
    assert "wrong key [key]" in str(refused.value) and any("wrong key [key]" in line for line in lines)
    assert not any(KEY in text for text in shown)


def test_a_key_that_cannot_be_sent(tmp_path, monkeypatch):
    monkeypatch.setenv("FAIRPRUNE_ENDPOINT_KEY", "schlüssel")
    with pytest.raises(BadInput, match="FAIRPRUNE_ENDPOINT_KEY cannot be sent") as refused:
        ask("http://127.0.0.1:1/v1", tmp_path)
    assert "schlüssel" not in str(refused.value)


def test_a_set_without_opinions_is_not_asked_for(tmp_path):
    empty = OpinionSet("e", "t", "as given", "a", ())
    with serving(good) as server:
        found, _ = ask(server, tmp_path, [empty, SETS[0]])
    assert found[0] is None and found[1] is not None and server.seen == [0]


@pytest.mark.parametrize(
    ("url", "more", "said"),
    [
        ("localhost:8000", {}, "is no address: write http://host:port/v1"),
        ("ftp://x/y", {}, "is no address"),
        ("http://user:word@host/v1", {}, "holds a user or password: set FAIRPRUNE_ENDPOINT_KEY"),
        ("http://host/v1", {"model": " "}, "give --endpoint-model"),
        ("http://host/v1", {"concurrency": 0}, "concurrency is 0"),
    ],
)
def test_endpoints_that_are_none(url, more, said):
    with pytest.raises(BadInput, match=said) as refused:
        Endpoint(url, **{"model": "m", **more})
    assert "word" not in str(refused.value).replace("password", "")


def test_a_file_of_answers_that_is_none(tmp_path):
    file = tmp_path / "answers.jsonl"
    file.write_text('{"text": "x"}\n{"more": 1}\n')
    with pytest.raises(BadInput, match=r"line 1 of .* is not an answer of an endpoint"):
        read_answers(file)
