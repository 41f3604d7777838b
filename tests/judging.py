"""Several judges at once, in a process of their own: `judging ADDRESS LINK JUDGES LEAVERS`.

Every answer is sent by two threads that differ in what they answer, and a third time afterwards. The first LEAVERS judges stop in the
middle of an item. Prints, as JSON, what was confirmed: [[judge, task, question, answer], …], one line per judge with their end.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fairprune.store import Store, open_store
from fairprune.store.judgments_values import Ended, Refused, Wait


def judge(store: Store, link: str, leaves: bool) -> dict[str, Any]:
    entered = store.enter(link)
    token = entered.token
    store.consent(token, True)
    confirmed: list[tuple[str, str, str]] = []
    waited = 0
    with ThreadPoolExecutor(2) as clicks:
        while True:
            step = store.next_item(token)
            if isinstance(step, Ended):
                return {
                    "judge": entered.judge.pseudonym,
                    "end": step.kind,
                    "confirmed": confirmed,
                    "waited": waited,
                }
            if isinstance(step, Wait):
                return {"judge": entered.judge.pseudonym, "end": "waits", "confirmed": confirmed, "waited": 1}
            for question in step.open_questions:
                found = list(
                    clicks.map(
                        lambda answer, key=step.key, question=question: store.record(
                            token, key, question, answer
                        ),
                        ("left", "right"),
                    )
                )
                again = store.record(token, step.key, question, "tie")
                assert sorted(one.new for one in found) == [False, True] and not again.new, found
                assert len({one.answer for one in (*found, again)}) == 1, found
                confirmed.append((step.key, question, again.answer))
                if leaves and len(confirmed) >= 5:
                    return {
                        "judge": entered.judge.pseudonym,
                        "end": "left",
                        "confirmed": confirmed,
                        "waited": waited,
                    }


def main(address: str, link: str, judges: int, leavers: int) -> None:
    with open_store(address) as store, ThreadPoolExecutor(judges) as pool:
        for found in pool.map(lambda number: judge(store, link, number < leavers), range(judges)):
            print(json.dumps(found), flush=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    except Refused as error:
        raise SystemExit(f"{error.reason}: {error}") from error
