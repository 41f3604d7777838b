"""Summaries from any OpenAI-compatible endpoint: POST {url}/chat/completions, one request per opinion set.

Every answer is written down as it comes, so that nothing is asked for twice: a job that broke off goes on where it
was. The key is read from the environment and stands in one header; it is taken out of every text that is shown.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairprune.errors import BadInput, Unavailable
from fairprune.opinions import CorpusInfo, OpinionSet
from fairprune.prompts import summary_prompt
from fairprune.text import counted

KEY = "FAIRPRUNE_ENDPOINT_KEY"
PATH = "/chat/completions"
MAX_WAIT = 60.0
"""Longest pause before a request is tried again, in seconds, whatever the server asks for."""
GIVE_UP = 5
"""Failures in a row, without an answer between them, that end the job."""


@dataclass(frozen=True)
class Endpoint:
    """Where to ask, and how."""

    url: str
    """Base address, such as http://localhost:8000/v1."""
    model: str
    max_tokens: int = 128
    temperature: float = 0.0
    timeout: float = 120.0
    """Seconds until a request counts as failed."""
    tries: int = 5
    """Per request, the first one included."""
    concurrency: int = 4
    """Requests at once."""
    pause: float = 1.0
    """Seconds before the second try; doubled each time."""

    def __post_init__(self) -> None:
        import httpx2

        try:
            parsed = httpx2.URL(self.url)
        except httpx2.InvalidURL as error:
            raise BadInput(
                f"the endpoint's address cannot be read ({error}): write http://host:port/v1"
            ) from error
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise BadInput(f"the endpoint {self.shown!r} is no address: write http://host:port/v1")
        if parsed.userinfo:
            raise BadInput(f"the endpoint's address holds a user or password: set {KEY} instead")
        if not self.model.strip():
            raise BadInput("the endpoint needs a model's name: give --endpoint-model")
        for name, value, least in (
            ("max_tokens", self.max_tokens, 1),
            ("tries", self.tries, 1),
            ("concurrency", self.concurrency, 1),
        ):
            if value < least:
                raise BadInput(f"the endpoint's {name} is {value}: it must be at least {least}")

    @property
    def address(self) -> str:
        base = self.url.rstrip("/")
        return base if base.endswith(PATH) else base + PATH

    @property
    def shown(self) -> str:
        """The address without query, for messages."""
        return self.url.partition("?")[0]

    def body(self, prompt: str) -> dict[str, Any]:
        return {
            "model": self.model,
            "messages": [{"role": "user", "content": prompt}],
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
        }

    def request_id(self, prompt: str) -> str:
        """Hash of everything that decides the answer, the address too."""
        text = json.dumps([self.address, self.body(prompt)], ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Answer:
    """What came back for one opinion set."""

    text: str
    truncated: bool
    """Whether it stopped at `max_tokens`."""


class _Failed(Exception):
    """One request has no answer after all tries. Its text says why."""


class _Refused(_Failed):
    """The server will not answer any request of this kind: another try is no use."""


def request_summaries(
    sets: Sequence[OpinionSet],
    info: CorpusInfo,
    endpoint: Endpoint,
    answers: Path,
    say: Callable[[str], None],
) -> list[Answer | None]:
    """One summary per set; None where the endpoint gave none after all tries, or the set has no opinion.

    Args:
        answers: JSON Lines file that every answer is appended to at once; those in it are not asked for again.
        say: takes one line of progress.

    Raises:
        BadInput: `answers` cannot be read or written.
        Unavailable: the endpoint refuses the key, the model or the request, cannot be reached, or fails
            `GIVE_UP` times in a row. What was answered until then is kept.
    """
    prompts = [
        summary_prompt(info, [opinion.text for opinion in one.opinions]) if one.opinions else None
        for one in sets
    ]
    ids = [None if prompt is None else endpoint.request_id(prompt) for prompt in prompts]
    known = read_answers(answers)
    missing = {
        name: prompt
        for name, prompt in zip(ids, prompts, strict=True)
        if name and prompt and name not in known
    }
    if missing:
        say(
            f"{len(ids) - len(missing)} of {counted(len(ids), 'summary', 'summaries')} there; asking {endpoint.shown} for {len(missing)}"
        )
        failed = _ask_all(missing, endpoint, known, answers, say)
        for reason, count in failed.items():
            say(f"{counted(count, 'summary', 'summaries')} could not be had: {reason}")
    return [None if name is None else known.get(name) for name in ids]


def read_answers(file: Path) -> dict[str, Answer]:
    """Request id → answer. A last line that was cut off (the job was killed while it wrote) does not count.

    Raises:
        BadInput: any other line that is not an answer.
    """
    if not file.exists():
        return {}
    try:
        lines = file.read_bytes().split(b"\n")
    except OSError as error:
        raise BadInput(f"the answers in {file} cannot be read ({error.strerror})") from error
    found: dict[str, Answer] = {}
    for number, line in enumerate(lines[:-1], start=1):
        try:
            value = json.loads(line)
            found[value["request"]] = Answer(str(value["text"]), bool(value["truncated"]))
        except (ValueError, KeyError, TypeError) as error:
            raise BadInput(
                f"line {number} of {file} is not an answer of an endpoint: name another file, or take the line out"
            ) from error
    return found


def _ask_all(
    missing: Mapping[str, str],
    endpoint: Endpoint,
    known: dict[str, Answer],
    file: Path,
    say: Callable[[str], None],
) -> dict[str, int]:
    """Asks for all, at most `concurrency` at once; fills `known`. Returns why how many failed."""
    import httpx2

    failed: dict[str, int] = {}
    in_a_row = 0
    key = _key()
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    queue = iter(missing.items())
    stop = threading.Event()
    try:
        out = _open(file)
    except OSError as error:
        raise BadInput(f"the answers cannot be written to {file} ({error.strerror})") from error
    limits = httpx2.Limits(max_connections=endpoint.concurrency)
    with (
        out,
        httpx2.Client(headers=headers, timeout=endpoint.timeout, limits=limits) as client,
        ThreadPoolExecutor(endpoint.concurrency) as pool,
    ):
        running: dict[Future[Answer], str] = {}

        def start() -> None:
            for name, prompt in queue:
                running[pool.submit(_ask, client, endpoint, prompt, key, stop)] = name
                return

        for _ in range(endpoint.concurrency):
            start()
        try:
            while running:
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    name = running.pop(future)
                    try:
                        answer = future.result()
                    except _Failed as error:
                        in_a_row += 1
                        failed[str(error)] = failed.get(str(error), 0) + 1
                        if isinstance(error, _Refused) or in_a_row >= GIVE_UP:
                            raise Unavailable(_gave_up(endpoint, str(error), len(known), file)) from error
                    else:
                        in_a_row = 0
                        known[name] = answer
                        _write(out, name, answer)
                        if len(known) % 50 == 0:
                            say(f"{len(known)} summaries")
                    start()
        finally:
            stop.set()  # the threads that still try again must not keep the person waiting
            for future in running:
                future.cancel()
    if not known and failed:
        raise Unavailable(_gave_up(endpoint, next(iter(failed)), 0, file))
    return failed


def _gave_up(endpoint: Endpoint, reason: str, kept: int, file: Path) -> str:
    again = (
        f"; {counted(kept, 'answer is', 'answers are')} kept in {file}, the same command goes on from there"
        if kept
        else ""
    )
    return f"the endpoint {endpoint.shown} gives no summaries: {reason}{again}"


def _open(file: Path) -> Any:
    """Opened to append, after whatever whole lines are there."""
    if file.exists():
        held = file.read_bytes()
        whole = held.rfind(b"\n") + 1
        if whole < len(held):
            with file.open("r+b") as cut:
                cut.truncate(whole)
    return file.open("a", encoding="utf-8")


def _write(out: Any, name: str, answer: Answer) -> None:
    row = {"request": name, "text": answer.text, "truncated": answer.truncated}
    out.write(json.dumps(row, ensure_ascii=False) + "\n")
    out.flush()


def _ask(client: Any, endpoint: Endpoint, prompt: str, key: str, stop: threading.Event) -> Answer:
    """One answer, after up to `tries` requests.

    Raises:
        _Failed: none after all tries, or the server cannot take this one request.
        _Refused: the server takes no request of this kind.
    """
    import httpx2

    reason, pause = "", 0.0
    for tried in range(endpoint.tries):
        if stop.wait(pause):
            raise _Failed("the job was ended")
        pause = min(MAX_WAIT, endpoint.pause * 2**tried)
        try:
            response = client.post(endpoint.address, json=endpoint.body(prompt))
        except httpx2.TimeoutException:
            reason = f"no answer within {endpoint.timeout:g} s"
            continue
        except httpx2.HTTPError as error:
            reason = _without(key, f"it cannot be reached ({type(error).__name__}: {error})")
            continue
        if response.status_code == 429 or response.status_code >= 500:
            reason, pause = _status(response, key), _retry_after(response, pause)
            continue
        if response.status_code != 200:
            kind = _Failed if response.status_code in (400, 413, 422) else _Refused
            raise kind(_status(response, key))
        try:
            return _answer(response.content)
        except (ValueError, LookupError, TypeError):
            reason = "its answer is not a chat completion with choices[0].message.content"
    raise _Failed(f"{reason} ({endpoint.tries} tries)")


def _answer(content: bytes) -> Answer:
    choice = json.loads(content)["choices"][0]
    text = choice["message"]["content"]
    if not isinstance(text, str):
        raise TypeError(f"content is {type(text).__name__}")
    return Answer(text.strip(), choice.get("finish_reason") == "length")


def _status(response: Any, key: str) -> str:
    """'HTTP 429: what the server says', in one short line."""
    said = " ".join(response.content[:2000].decode("utf-8", "replace").split())[:200]
    return _without(key, f"HTTP {response.status_code}" + (f": {said}" if said else ""))


def _retry_after(response: Any, otherwise: float) -> float:
    """Seconds that the server asks to wait, at most `MAX_WAIT`."""
    asked = response.headers.get("retry-after", "")
    return min(MAX_WAIT, float(asked)) if asked.isdecimal() else otherwise


def _without(key: str, text: str) -> str:
    return text.replace(key, "[key]") if key else text


def _key() -> str:
    """The key of the environment, '' without one.

    Raises:
        BadInput: it cannot stand in a header.
    """
    key = os.environ.get(KEY, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise BadInput(f"the value of {KEY} cannot be sent: it holds characters other than printable ASCII")
    return key
