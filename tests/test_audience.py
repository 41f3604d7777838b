"""Votes of a room: the tally by hand, the server with hostile guests, and a hundred phones at once."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import httpx2 as httpx
import pytest
from starlette.testclient import TestClient

from fairprune.audience import launch, limits, network
from fairprune.audience.limits import Bucket, Roll
from fairprune.audience.network import LOOPBACK, addresses, choose
from fairprune.audience.page import policy, style_of
from fairprune.audience.process import fit_pair, serve
from fairprune.audience.server import COOKIE, LETTERS, Booth, make_app, new_code
from fairprune.audience.tally import tally
from fairprune.errors import BadInput, Unavailable
from fairprune.store import open_store
from fairprune.talk.pair import read
from tests.conftest import ROOT
from tests.talks import IMAGE, PRAISE, fill_talk

HOST = "192.168.1.20:8600"


@pytest.fixture
def store():
    with open_store("sqlite://") as opened:
        yield opened


@pytest.fixture
def booth(store):
    run = fill_talk(store)[0]
    audience = store.open_audience(run.id, 0, "set")
    return Booth(store, audience, read(store, run).pair(0), HOST, code="abcde")


def phone(booth: Booth) -> TestClient:
    """A fresh phone."""
    return TestClient(make_app(booth), base_url=f"http://{HOST}", follow_redirects=False)


def order_of(page: str) -> str:
    return re.search(r'name="order" value="([0-9a-f]{16})"', page)[1]


def summaries(page: str) -> list[str]:
    return re.findall(r'<div class="summary" dir="auto">(.*?)</div>', page, re.S)


# The tally


def test_sides_are_traced_back_to_systems():
    # A is the dense model's where sides are not swapped. Dense: 3 (a, not swapped) + 2 (b, swapped) = 5. Pruned: 1 + 4 = 5.
    found = tally(
        {
            ("a", False): 3,
            ("b", True): 2,
            ("b", False): 1,
            ("a", True): 4,
            ("tie", True): 6,
            ("cannot_tell", False): 4,
        }
    )
    assert found.n == 20
    counts = {one.name: one.count for one in found.outcomes}
    assert counts == {"dense": 5, "pruned": 5, "tie": 6, "both_unfair": 0, "cannot_tell": 4}
    assert (found.left, found.sides) == (7, 10)  # a: 3 + 4; a or b: 10
    dense = found.outcomes[0]
    assert dense.share == 0.25
    # Wilson, 5 of 20, z = 1.96: centre (.25 + 3.8416/40)/(1 + 3.8416/20) = .34604/1.19208 = .29028;
    # half 1.96·√(.25·.75/20 + 3.8416/1600)/1.19208 = 1.96·√.011776/1.19208 = .17842 → .11186 to .46870
    assert dense.low == pytest.approx(0.11186, abs=1e-4) and dense.high == pytest.approx(0.46870, abs=1e-4)
    assert dense.words == "25.0\u00a0% (5 of 20; 95 %: 11.2 to 46.9\u00a0%)"


def test_no_votes_are_no_shares():
    found = tally({})
    assert found.n == 0 and all(one.share is None and one.words == "no votes" for one in found.outcomes)


# The page


def test_a_phone_sees_two_summaries_without_names_and_only_text(booth):
    page = phone(booth).get("/abcde").text
    assert {PRAISE.replace("<", "&lt;").replace(">", "&gt;")} & set(summaries(page))
    assert IMAGE not in page and "<script" not in page and "onerror=&#39;" in page
    told = re.sub(r"<style>.*?</style>", "", page, flags=re.S).replace("order", "")
    told = re.sub(r'value="[0-9a-f]{16}"', "", told)  # the phone's random token may hold any digits
    for name in ("magnitude", "some/model", "pruned", "dense", "50"):
        assert name not in told, name
    assert (
        "http://" not in page and "https://" not in page and "src=" not in page.replace("&lt;img src=x", "")
    )


def test_nothing_but_its_own_style_is_allowed(booth):
    answer = phone(booth).get("/abcde")
    style = style_of(booth.pair.groups)
    assert answer.headers["content-security-policy"] == policy(style)
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert f"<style>{style}</style>" in answer.text  # the hash is of what stands there
    assert answer.headers["cache-control"] == "no-store"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/abcde" in cookie


def test_sides_differ_between_phones_and_stay_for_one(booth):
    firsts = []
    for _ in range(60):
        one = phone(booth)
        pages = [one.get("/abcde").text for _ in range(2)]
        assert summaries(pages[0]) == summaries(pages[1])
        firsts.append(summaries(pages[0])[0])
    share = sum("lovely" in text for text in firsts) / 60
    assert 0.2 < share < 0.8  # 60 fair coins: outside with a probability below one in a hundred thousand


# Votes


def test_a_vote_is_kept_once_with_its_sides(booth):
    one = phone(booth)
    page = one.get("/abcde").text
    pruned_first = "lovely" in summaries(page)[0]
    for _ in range(2):  # a double click
        answer = one.post("/abcde", data={"answer": "a", "order": order_of(page)})
        assert (answer.status_code, answer.headers["location"]) == (303, "/abcde#answer")
    assert booth.store.vote_counts(booth.audience.id) == {("a", pruned_first): 1}
    again = one.get("/abcde").text
    assert "Your answer: Summary A" in again and 'value="a" aria-pressed="true"' in again
    one.post("/abcde", data={"answer": "tie", "order": order_of(page)})
    assert booth.store.vote_counts(booth.audience.id) == {("tie", pruned_first): 1}


def test_a_second_tab_that_showed_other_sides_does_not_count(booth):
    one = phone(booth)
    page = one.get("/abcde").text
    one.cookies.clear()
    one.get("/abcde")  # the other tab's token is the one that was kept
    answer = one.post("/abcde", data={"answer": "a", "order": order_of(page)})
    assert answer.status_code == 303 and booth.store.vote_counts(booth.audience.id) == {}


def test_made_up_tokens_are_no_phones(booth):
    page = phone(booth).get("/abcde").text
    for token in (None, "x", "0" * 32 + "." + "0" * 64, "a." * 300):
        one = phone(booth)
        if token:
            one.cookies.set(COOKIE, token)
        assert one.post("/abcde", data={"answer": "a", "order": order_of(page)}).status_code == 403
    assert booth.store.vote_counts(booth.audience.id) == {}


def test_what_is_no_answer_is_refused(booth):
    one = phone(booth)
    order = order_of(one.get("/abcde").text)
    big = one.post("/abcde", data={"answer": "a" * 300, "order": order})
    assert big.status_code == 413
    streamed = one.post("/abcde", content=iter([b"answer=a&order=" + order.encode(), b"&x=" + b"1" * 300]))
    assert streamed.status_code == 400
    for body in ({"answer": "c"}, {"answer": ["a", "b"]}, {"order": order}, {}):
        assert one.post("/abcde", data=body).status_code == 400
    assert one.post("/abcde", content=b"\xff\xfe").status_code == 400
    assert booth.store.vote_counts(booth.audience.id) == {}


def test_wrong_codes_find_nothing_and_soon_have_to_wait(booth):
    one = phone(booth)
    for path in ("/", "/abcdf", "/abcde/x", "/../etc/passwd"):
        assert one.get(path).status_code == 404
    codes = [one.get("/zzzzz").status_code for _ in range(25)]
    assert codes[0] == 404 and codes[-1] == 429
    assert one.get("/abcde").status_code == 200  # who knows the code is not kept out


def test_other_hosts_and_other_pages_are_refused(booth):
    one = phone(booth)
    order = order_of(one.get("/abcde").text)
    assert one.get("/abcde", headers={"host": "evil.example"}).status_code == 421
    answer = one.post(
        "/abcde", data={"answer": "a", "order": order}, headers={"origin": "http://evil.example"}
    )
    assert answer.status_code == 403
    assert one.put("/abcde").status_code == 405
    assert booth.store.vote_counts(booth.audience.id) == {}


def test_floods_are_slowed(booth):
    one = phone(booth)
    page = one.get("/abcde").text
    codes = [one.post("/abcde", data={"answer": "a", "order": order_of(page)}).status_code for _ in range(12)]
    assert codes[:10] == [303] * 10 and 429 in codes[10:]
    assert sum(booth.store.vote_counts(booth.audience.id).values()) == 1


def test_who_only_looks_takes_no_place_of_a_phone_that_answers(booth, monkeypatch):
    monkeypatch.setattr(limits, "MOST_PHONES", 2)
    for _ in range(5):  # without a cookie: each a new token
        assert phone(booth).get("/abcde").status_code == 200
    first, second, third = (phone(booth) for _ in range(3))
    orders = [order_of(one.get("/abcde").text) for one in (first, second, third)]
    codes = [
        one.post("/abcde", data={"answer": "a", "order": order}).status_code
        for one, order in zip((first, second, third), orders, strict=True)
    ]
    assert codes == [303, 303, 503]
    # Who has answered may think again; what is no answer takes no place.
    assert first.post("/abcde", data={"answer": "b", "order": orders[0]}).status_code == 303
    assert third.post("/abcde", data={"answer": "c", "order": orders[2]}).status_code == 400
    assert sum(booth.store.vote_counts(booth.audience.id).values()) == 2 == len(booth.roll)


def answered(booth: Booth, client: TestClient) -> int:
    return client.post(
        "/abcde", data={"answer": "b", "order": order_of(client.get("/abcde").text)}
    ).status_code


def test_a_program_that_invents_phones_is_stopped(booth):
    """One address, a fresh phone for each ballot: 200 of a stream of 1,000 count, and not faster than one per second after 100."""
    now = [0.0]
    booth.roll.pace.clock = booth.requests.clock = lambda: now[0]
    codes = []
    for _ in range(130):
        codes.append(answered(booth, phone(booth)))
        now[0] += 0.1  # 13 s in all: 12 or 13 more than the first hundred
    assert codes[:100] == [303] * 100 and 110 <= codes.count(303) <= 114
    assert set(codes) == {303, 429}
    now[0] += 1000
    codes += [answered(booth, phone(booth)) for _ in range(100)]
    assert codes.count(303) == 200 == sum(booth.store.vote_counts(booth.audience.id).values())
    assert codes[-1] == 503 and booth.roll.turned_away > 0
    late = phone(booth)
    answer = late.post("/abcde", data={"answer": "a", "order": order_of(late.get("/abcde").text)})
    assert "No more phones can answer from your network" in answer.text


def test_who_is_in_may_change_the_answer_though_the_address_is_full(booth):
    booth.roll = Roll(per_address=1)
    first, second = phone(booth), phone(booth)
    assert (answered(booth, first), answered(booth, second), answered(booth, first)) == (303, 503, 303)
    elsewhere = TestClient(
        make_app(booth), base_url=f"http://{HOST}", follow_redirects=False, client=("192.168.1.77", 5000)
    )
    assert answered(booth, elsewhere) == 303  # another address has places of its own
    assert sum(booth.store.vote_counts(booth.audience.id).values()) == 2


def test_a_roll_by_hand():
    # Two places per address, at most two at once, then one per 10 s.
    now = [0.0]
    roll = Roll(2, pace=Bucket(2, 0.1, clock=lambda: now[0]))
    assert [roll.enter(name, "x") for name in ("a", "a", "b", "c", "a")] == [
        "in",
        "in",
        "in",
        "crowded",
        "in",
    ]
    assert roll.turned_away == 1 and len(roll) == 2
    assert [roll.enter(name, "y") for name in "de"] == ["in", "in"]
    slow = Roll(9, pace=Bucket(1, 0.1, clock=lambda: now[0]))
    assert [slow.enter(name, "x") for name in "ab"] == ["in", "wait"]
    now[0] = 10.0
    assert slow.enter("b", "x") == "in"


def test_after_closing_phones_read_that_it_is_over(booth):
    one = phone(booth)
    page = one.get("/abcde").text
    one.post("/abcde", data={"answer": "b", "order": order_of(page)})
    booth.store.close_audience(booth.audience.id)
    one.post("/abcde", data={"answer": "a", "order": order_of(page)})
    again = one.get("/abcde").text
    assert "Voting is closed. Your answer: Summary B." in again and "<form" not in again
    assert {answer for answer, _ in booth.store.vote_counts(booth.audience.id)} == {"b"}


def test_a_bucket_by_hand():
    # 2 at once, then one every 2 s.
    now = [0.0]
    bucket = Bucket(2, 0.5, clock=lambda: now[0])
    assert [bucket.take("x") for _ in range(3)] == [True, True, False]
    assert bucket.take("y")
    now[0] = 1.9
    assert not bucket.take("x")
    now[0] = 2.0
    assert bucket.take("x") and not bucket.take("x")


def test_codes_are_short_and_easy_to_read_out():
    codes = {new_code() for _ in range(50)}
    assert len(codes) > 45 and all(re.fullmatch(f"[{LETTERS}]{{5}}", code) for code in codes)
    assert not set("01ilo") & set(LETTERS)


# The network


def test_only_addresses_of_private_networks_are_offered(monkeypatch):
    def entry(address):
        return SimpleNamespace(family=network.socket.AF_INET, address=address)

    def up(is_up):
        return SimpleNamespace(isup=is_up)

    monkeypatch.setattr(
        network.psutil,
        "net_if_addrs",
        lambda: {
            "lo": [entry("127.0.0.1")],
            "wifi": [entry("192.168.1.20")],
            "cable": [entry("10.0.0.7"), entry("8.8.8.8")],
            "off": [entry("192.168.9.9")],
        },
    )
    states = {"lo": up(True), "wifi": up(True), "cable": up(True), "off": up(False)}
    monkeypatch.setattr(network.psutil, "net_if_stats", lambda: states)
    monkeypatch.setattr(network, "_on_the_way_out", lambda: "10.0.0.7")
    assert addresses() == ["10.0.0.7", "192.168.1.20"]
    assert choose(None) == "10.0.0.7" and choose("8.8.8.8") == "8.8.8.8"  # a public one only when it is named
    with pytest.raises(BadInput, match="no IPv4 address of this computer"):
        choose("1.2.3.4")


def test_without_a_network_it_says_so(monkeypatch, store):
    monkeypatch.setattr(network.psutil, "net_if_addrs", dict)
    with pytest.raises(Unavailable, match="no address on a local network"):
        choose(None)
    run = fill_talk(store)[0]
    with pytest.raises(Unavailable, match="no address on a local network"):
        launch.start(store, run, 0)
    assert store.audiences(run.id) == []


def test_what_cannot_be_judged_is_refused(store):
    run = fill_talk(store)[0]
    with pytest.raises(BadInput, match="both models wrote the same summary of sample 3"):
        fit_pair(store, run, 2)
    with pytest.raises(BadInput, match="no sample 9 of 4"):
        fit_pair(store, run, 8)


def test_a_taken_port_is_said(store):
    run = fill_talk(store)[0]
    with network.socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(BadInput, match=f"port {port} of 127.0.0.1 cannot be used"):
            serve(store, fit_pair(store, run, 0), address=LOOPBACK, port=port, say=print)


# The process


def test_a_hundred_phones_at_once(tmp_path):
    """Against the real process: every vote arrives, none twice, within seconds."""
    address = f"sqlite:///{tmp_path / 'talk.db'}"
    environment = {**os.environ, "FAIRPRUNE_DATABASE_URL": address, "FAIRPRUNE_HOME": str(tmp_path)}
    with open_store(address) as store:
        run = fill_talk(store)[0]
        command = [
            sys.executable,
            "-m",
            "fairprune",
            "audience",
            run.id,
            "--sample",
            "1",
            "--address",
            LOOPBACK,
        ]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            url = process.stdout.readline().strip()
            assert re.fullmatch(rf"http://127\.0\.0\.1:\d+/[{LETTERS}]{{5}}", url)
            start = time.monotonic()
            seen = asyncio.run(_room(url, 100))
            seconds = time.monotonic() - start
            print(f"100 phones voted in {seconds:.1f} s")
            assert seconds < 30  # 2 to 4 s on a free machine
            (audience,) = store.audiences(run.id)
            counts = store.vote_counts(audience.id)
            assert sum(counts.values()) == 100
            # Each phone's answer, with the sides that it saw: nothing lost, doubled or swapped.
            assert counts == {key: seen.count(key) for key in set(seen)}
            store.close_audience(audience.id)
            assert "Voting is closed" in httpx.get(url).text
        finally:
            process.terminate()
            output = process.communicate(timeout=30)[0]
    assert "of 100" in output  # the tally, when it ends
    assert b"127.0.0.1" not in _votes_of(tmp_path)


def test_a_header_makes_no_address_and_the_speaker_reads_what_was_refused(tmp_path):
    """Five phones of one computer that claim to be five others, where an address has three places."""
    address = f"sqlite:///{tmp_path / 'talk.db'}"
    environment = {**os.environ, "FAIRPRUNE_DATABASE_URL": address, "FAIRPRUNE_HOME": str(tmp_path)}
    with open_store(address) as store:
        run = fill_talk(store)[0]
        command = [sys.executable, "-m", "fairprune", "audience", run.id, "--sample", "1"]
        command += ["--address", LOOPBACK, "--per-address", "3"]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            url = process.stdout.readline().strip()
            codes = []
            for number in range(5):
                named = {"x-forwarded-for": f"10.0.0.{number}", "forwarded": f"for=10.0.0.{number}"}
                with httpx.Client(trust_env=False, headers=named) as client:
                    order = order_of(client.get(url).text)
                    codes.append(client.post(url, data={"answer": "a", "order": order}).status_code)
            assert codes == [303] * 3 + [503] * 2
        finally:
            process.terminate()
            output = process.communicate(timeout=30)[0]
    assert "2 answers were refused: more than 3 phones of one address" in output and " of 3; 95 %" in output


async def _room(url: str, n: int) -> list[tuple[str, bool]]:
    async def one(place: int) -> tuple[str, bool]:
        async with httpx.AsyncClient(timeout=30, verify=False, trust_env=False) as client:
            page = (await client.get(url)).text
            answer = ("a", "b", "tie", "both_unfair", "cannot_tell")[place % 5]
            body = {"answer": answer, "order": order_of(page)}
            # A double click, and later the same again.
            codes = [
                r.status_code for r in await asyncio.gather(*(client.post(url, data=body) for _ in range(2)))
            ]
            codes.append((await client.post(url, data=body)).status_code)
            assert codes == [303] * 3
            return answer, "lovely" in summaries(page)[0]

    return list(await asyncio.gather(*(one(place) for place in range(n))))


def _votes_of(folder: Path) -> bytes:
    """The table of votes as it lies in the database."""
    import sqlite3

    with sqlite3.connect(folder / "talk.db") as connection:
        rows = connection.execute("select * from audience_votes").fetchall()
    connection.close()
    return repr(rows).encode()


def test_a_page_starts_and_closes_it_and_it_ends_with_the_page(tmp_path, monkeypatch):
    address = f"sqlite:///{tmp_path / 'talk.db'}"
    with open_store(address) as store:
        run = fill_talk(store)[0]
        found = launch.start(store, run, 0, LOOPBACK)
        assert launch.listens(found) and launch.current(store, run.id) == found
        assert launch.start(store, run, 0, LOOPBACK).id == found.id  # it is open already
        launch.close(store, run.id)
        assert launch.current(store, run.id) is None
        assert store.audience(found.id).closed is not None
        second = launch.start(store, run, 1, LOOPBACK)
        held = launch._held.pop(second.id)
        os.close(held.lifeline)  # what the system does when the app ends
        held.process.wait(30)
        assert store.audience(second.id).closed is not None
        for one in launch._held.values():
            os.close(one.lifeline)
            one.process.wait(30)
        launch._held.clear()


def test_a_server_that_does_not_start_says_why(tmp_path):
    address = f"sqlite:///{tmp_path / 'talk.db'}"
    with open_store(address) as store:
        run = fill_talk(store)[0]
        with pytest.raises(Unavailable, match=r"did not start: .*'10\.255\.255\.254' is no IPv4 address"):
            launch.start(store, run, 0, "10.255.255.254")
