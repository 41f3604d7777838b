"""Many judges at once: `python -m benchmarks.judges [--judges 50] [--database sqlite|postgresql] [--kill] [--browsers 2]`.

Starts the real server on an empty database and lets judges come by the open link within `--arrive` seconds: clients that speak the
browser's protocol (`benchmarks.client`), each of whom thinks 3 to 8 seconds before every answer and gives 20 votes (10 items, two
questions); every fifth leaves in the middle of an item. `--kill`: the server is killed in the middle and started again.
`--restart`: the database is (PostgreSQL alone). `--browsers`: so many judge in real Chromium beside them, in a study of their own.
Prints votes lost or doubled, the share of items that end with exactly the votes wanted, how long it took until an answer was
confirmed, and how many messages to a browser held the name of a system.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psutil
import sqlalchemy as sa
from playwright.sync_api import TimeoutError as LateBrowser
from websockets.exceptions import WebSocketException

from benchmarks.client import Button, Client
from fairprune.access import PASSWORD_HASH, hash_password
from fairprune.store import Store, open_store
from fairprune.store.judgments_tables import votes as stored_votes
from fairprune.store.judgments_values import NewItem, Side
from tests import postgres
from tests.browser import chromium, free_port, server, settled, watched
from tests.judged import design
from tests.store_values import film_set

ITEMS, QUESTIONS, VOTES_PER_ITEM = 10, 2, 5
"""Items of a judge, questions of an item, votes that an item wants."""
LEFT_AFTER = 11
"""Votes after which every fifth judge leaves: in the middle of an item."""
SHARE = 0.85
"""Votes wanted, of all that the judges can give: the others find nothing left, or wait for those who left."""
SYSTEMS = ("Zebrafinch-7B", "Quokkasparse-50")
PATIENCE = 300.0
"""Seconds for which a judge tries to reach a server, or looks for a free item."""
LIMIT, ENOUGH = 2.0, 0.99
"""Seconds within which 95 % of answers are confirmed; share of items with exactly the votes wanted."""


@dataclass(frozen=True)
class Vote:
    """One answer, as its judge knows of it."""

    key: str
    """Of the task."""
    place: int
    """Of the question, as this judge sees them."""
    number: int
    """Of the answer."""
    confirmed: bool
    seconds: float


@dataclass
class Part:
    """What a judge did."""

    end: str = "waits"
    votes: list[Vote] = field(default_factory=list)
    named: int = 0
    reconnected: int = 0


@dataclass
class Result:
    judges: Counter[str]
    confirmed: int
    unconfirmed: int
    lost: int
    doubled: int
    exact: float
    """Share of items and questions with exactly the votes wanted."""
    seconds: list[float]
    """Until an answer was confirmed."""
    named: int
    reconnected: int


def made(store: Store, judges: int) -> tuple[str, str, int]:
    """(study, its open link, its items) for so many judges."""
    leavers = judges // 5
    can = (judges - leavers) * ITEMS + leavers * (LEFT_AFTER // QUESTIONS)
    items = max(ITEMS, int(SHARE * can / VOTES_PER_ITEM))
    one = film_set()
    store.put_sets([one], "movies")
    study = store.create_study(
        f"{SYSTEMS[0]} against {SYSTEMS[1]}",
        design(votes_per_item=VOTES_PER_ITEM, items_per_judge=ITEMS, lease_minutes=1),
    )
    sides = [
        [
            Side(system, f"{said} the film number {number}.", f"{number:016x}")
            for system, said in zip(SYSTEMS, ("Some like", "All like"), strict=True)
        ]
        for number in range(items)
    ]
    store.set_items(study.id, [NewItem("main", a, b, one.id) for a, b in sides])
    store.open_study(study.id)
    return study.id, store.open_link(study.id), items


def judge(number: int, address: str, link: str, arrive: float, think: tuple[float, float]) -> Part:
    """One judge from the link to the end."""
    chance = random.Random(number)
    part = Part()
    client = Client(address, f"Judge?judge={link}", SYSTEMS)
    time.sleep(chance.uniform(0, arrive))
    _reach(client, part, client.open)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if number % 5 == 4 and len(part.votes) >= LEFT_AFTER:
            part.end = "left"
            break
        step = _step(client)
        if step is None:
            part.end = (
                "ended" if "Thank you" in client.text or "Your part ends" in client.text else "lost its way"
            )
            break
        if not step[0].shortcut.isdigit():
            if step[0].label == "Look again":
                time.sleep(2)
            else:
                until = time.monotonic() + PATIENCE
            button = step[0]
            _reach(client, part, lambda button=button: client.press(button))
            continue
        until = time.monotonic() + PATIENCE
        time.sleep(chance.uniform(*think))
        button = chance.choice(step)
        key, place, answer = button.id.rsplit("judge-", 1)[1].split("-")
        seconds = _reach(client, part, lambda button=button: client.press(button))
        confirmed = seconds is not None and "Saved: " in client.text
        part.votes.append(Vote(key, int(place), int(answer), confirmed, seconds or 0.0))
    part.named = client.named
    client.close()
    return part


def _step(client: Client) -> list[Button] | None:
    """What can be pressed next: one button of the way, or the answers of the question that is marked; None: nothing."""
    for label in ("I agree and take part", "Start", "Continue", "Look again"):
        found = [button for button in client.buttons if button.label == label]
        if found:
            return found
    return [button for button in client.buttons if button.shortcut.isdigit()] or None


def _reach(client: Client, part: Part, act: Any) -> float | None:
    """Seconds that `act` took; None: the server was gone, and the page was opened anew when it was back."""
    try:
        seconds: float = act()
        return seconds
    except (WebSocketException, OSError):
        pass
    end = time.monotonic() + PATIENCE
    while True:
        try:
            client.open()
            part.reconnected += 1
            return None
        except (WebSocketException, OSError):
            assert time.monotonic() < end, "the server does not come back"
            time.sleep(0.5)


_SHOWN = (
    """() => document.querySelector('.fp-pair')?.innerText + document.querySelectorAll('.fp-stored').length"""
)
"""In a browser: the item, and how many of its answers are said to be stored."""


def browser_judge(address: str, link: str, think: tuple[float, float], stop: Event) -> list[float]:
    """A judge in real Chromium, by keys; seconds from a key until its answer is said to be stored."""
    found = []
    chance = random.Random(link)
    with chromium() as browser:
        page, _ = watched(browser, address)
        page.goto(f"{address}/Judge?judge={link}")
        settled(page)
        page.get_by_role("button", name="I agree and take part").click()
        start = page.get_by_role("button", name="Start")
        start.wait_for()
        while not stop.is_set() and not page.get_by_text("Thank you").is_visible():
            if start.is_visible():
                start.click()
                page.wait_for_selector(".fp-question", timeout=1000 * PATIENCE)
            page.wait_for_timeout(1000 * chance.uniform(*think))
            before = page.evaluate(_SHOWN)
            pressed = time.monotonic()
            page.keyboard.press(chance.choice("12345"))
            try:
                page.wait_for_function(f"before => ({_SHOWN})() !== before", arg=before, timeout=20_000)
            except LateBrowser:
                continue  # the server is away: the browser finds the next one, which learns of it by the next press
            if not start.is_visible():
                found.append(time.monotonic() - pressed)
            page.wait_for_timeout(500)
    return found


class Served:
    """The server, which can be killed and started again at the same port."""

    def __init__(self, home: Path, database: str) -> None:
        self._home, self._port = home, free_port()
        self._environment = {
            "FAIRPRUNE_EXAMPLES": "0",
            "FAIRPRUNE_DATABASE_URL": database,
            PASSWORD_HASH: hash_password("nobody logs in here"),
        }
        self._stack = ExitStack()
        self.address = self._start()

    def _start(self) -> str:
        address, _ = self._stack.enter_context(server(self._home, port=self._port, **self._environment))
        return address

    def kill(self) -> None:
        """As a power cut would end it; then it is started again."""
        mine = [one for one in psutil.Process().children() if str(self._port) in one.cmdline()]
        for process in mine:
            process.kill()
        self.end()
        self._stack = ExitStack()
        self._start()

    def end(self) -> None:
        self._stack.close()


@contextmanager
def database(kind: str, home: Path) -> Iterator[tuple[str, postgres.Server | None]]:
    if kind == "sqlite":
        yield f"sqlite:///{home / 'fairprune.db'}", None
        return
    with postgres.server(durable=True) as made_here, made_here.new_database() as address:
        yield address, made_here


def counted(store: Store, study_id: str, items: int, parts: list[Part]) -> Result:
    """What the database has of what the judges know of."""
    chosen = sa.select(stored_votes).where(stored_votes.c.study_id == study_id)
    with store._writer.begin() as connection:
        rows = connection.execute(chosen).all()
    answers = design()["questions"][0].get("answers") or [
        "left",
        "right",
        "tie",
        "both_unfair",
        "cannot_tell",
    ]
    known = {(row.key, row.place): row.answer for row in rows}
    sent = [vote for part in parts for vote in part.votes]
    confirmed = [vote for vote in sent if vote.confirmed]
    lost = sum(known.get((vote.key, vote.place)) != answers[vote.number] for vote in confirmed)
    store.close_study(study_id)
    whole = Counter(
        (row.item, row.question) for row in store.vote_rows(study_id) if row.complete and row.kind == "main"
    )
    once = Counter((row.judge_id, row.item_id, row.occasion, row.question) for row in rows)
    doubled = sum(n - 1 for n in once.values()) + sum(max(0, n - VOTES_PER_ITEM) for n in whole.values())
    # A vote that nobody sent would be one too many as well.
    doubled += sum((row.key, row.place) not in {(vote.key, vote.place) for vote in sent} for row in rows)
    exact = sum(n == VOTES_PER_ITEM for n in whole.values()) / (items * QUESTIONS)
    return Result(
        judges=Counter(part.end for part in parts),
        confirmed=len(confirmed),
        unconfirmed=len(sent) - len(confirmed),
        lost=lost,
        doubled=doubled,
        exact=exact,
        seconds=[vote.seconds for vote in confirmed],
        named=sum(part.named for part in parts),
        reconnected=sum(part.reconnected for part in parts),
    )


def measure(
    judges: int,
    kind: str = "sqlite",
    *,
    kill: bool = False,
    restart: bool = False,
    browsers: int = 0,
    arrive: float = 30.0,
    think: tuple[float, float] = (3.0, 8.0),
) -> tuple[Result, list[float]]:
    """The study, and the seconds of the judges in real browsers, who come beside the others and judge a study of their own.

    Args:
        arrive: seconds within which all have come.
        think: least and most seconds before an answer.
    """
    middle = arrive / 2 + QUESTIONS * ITEMS * sum(think) / 4
    with tempfile.TemporaryDirectory() as folder, database(kind, Path(folder)) as (address, database_server):
        home = Path(folder)
        with open_store(address) as store:
            study, link, items = made(store, judges)
            _, other_link, _ = made(store, max(5, browsers))
            served = Served(home, address)
            stop = Event()
            try:
                with ThreadPoolExecutor(judges + browsers) as pool:
                    drawn = [
                        pool.submit(browser_judge, served.address, other_link, think, stop)
                        for _ in range(browsers)
                    ]
                    running = [
                        pool.submit(judge, n, served.address, link, arrive, think) for n in range(judges)
                    ]
                    breaks = Thread(
                        target=_break,
                        args=(middle, served if kill else None, database_server if restart else None),
                    )
                    breaks.start()
                    parts = [one.result() for one in running]
                    stop.set()
                    seconds = [second for one in drawn for second in one.result()]
                    breaks.join()
            finally:
                served.end()
            return counted(store, study, items, parts), seconds


def _break(after: float, served: Served | None, database_server: postgres.Server | None) -> None:
    if served is None and database_server is None:
        return
    time.sleep(after)
    if database_server is not None:
        database_server.stop("immediate")
        time.sleep(2)
        database_server.start()
    if served is not None:
        served.kill()


def percentile(seconds: list[float], share: float) -> float:
    """The value that so large a share of them does not exceed."""
    order = sorted(seconds)
    return order[min(len(order) - 1, int(share * len(order)))]


def percentiles(seconds: list[float]) -> str:
    if not seconds:
        return "no answer"
    half, most, last = (percentile(seconds, share) for share in (0.5, 0.95, 1.0))
    return f"{half:.2f} s (half), {most:.2f} s (95 %), {last:.2f} s (all {len(seconds)})"


def said(found: Result, browser_seconds: list[float]) -> list[str]:
    """The result in lines."""
    ends = ", ".join(f"{n} {end}" for end, n in found.judges.most_common())
    lines = [
        f"judges               {ends}; {found.reconnected} times the page was opened anew after a break",
        f"votes                {found.confirmed} confirmed, {found.unconfirmed} not confirmed",
        f"                     {found.lost} lost, {found.doubled} doubled",
        f"items                {100 * found.exact:.1f} % with exactly the votes wanted (limit {100 * ENOUGH:.0f} %)",
        f"confirmed within     {percentiles(found.seconds)} (limit {LIMIT:.0f} s for 95 %)",
        f"names of systems     in {found.named} messages to browsers",
    ]
    if browser_seconds:
        lines.append(f"in real browsers     {percentiles(browser_seconds)}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--judges", type=int, default=50)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument(
        "--kill", action="store_true", help="kill the server in the middle, and start it again"
    )
    parser.add_argument(
        "--restart", action="store_true", help="restart the database in the middle (postgresql)"
    )
    parser.add_argument("--browsers", type=int, default=0, help="judges in real Chromium beside the others")
    parser.add_argument("--arrive", type=float, default=30.0, help="seconds within which all come")
    asked = parser.parse_args()
    if asked.restart and asked.database == "sqlite":
        parser.error("SQLite has no server that could be started again: use --database postgresql, or --kill")
    start = time.monotonic()
    found, seconds = measure(
        asked.judges,
        asked.database,
        kill=asked.kill,
        restart=asked.restart,
        browsers=asked.browsers,
        arrive=asked.arrive,
    )
    broken = [name for name in ("kill", "restart") if getattr(asked, name)]
    print(
        f"{asked.judges} judges on {asked.database}{', ' + ' and '.join(broken) if broken else ''}, {time.monotonic() - start:.0f} s"
    )
    print("\n".join(said(found, seconds)))
    print(f"load of the machine  {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
