"""Judges with two tabs each, who answer, skip, take back, run out of time and are forgotten, all at once: what holds in the end."""

from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import sqlalchemy as sa

from fairprune.store import open_store
from fairprune.store.database import now
from fairprune.store.judgments_tables import judges, slots, tasks
from fairprune.store.judgments_values import Refused, Task
from tests.judged import design, main, special

JUDGES, ACTIONS, MOST, QUOTA, SKIPS, EACH = 12, 90, 8, 4, 3, 2


def storm(store, study, token, number):
    """One tab: actions by chance, whatever is refused of them. The other tab of the judge does the same."""
    rng, last = random.Random(number), None
    for _ in range(ACTIONS):
        try:
            what = rng.random()
            if what < 0.1:
                store.consent(token, rng.random() < 0.98)
                store.choose_group(token, rng.choice("xy"))
            elif what < 0.8:
                found = store.next_item(token)
                last = found if isinstance(found, Task) else last
                if last is not None:
                    for question in last.questions:
                        store.record(token, last.key, question, rng.choice(["left", "right", "tie"]))
            elif what < 0.87 and last is not None:
                store.skip(token, last.key)
            elif what < 0.96:
                found = store.undo(token)
                last = found if isinstance(found, Task) else last
            elif what < 0.98:
                store.finish_waiting(token)
            elif what < 0.995:
                over = sa.update(slots).where(slots.c.study_id == study.id, slots.c.done.is_(False))
                with store._writer.begin() as connection:
                    connection.execute(over.values(expires=now() - timedelta(seconds=1)))
            elif number == 0:
                store.forget(token)
        except Refused:
            pass


def test_every_item_has_its_votes_and_nobody_more_than_their_due(shared_database):
    groups = {"question": "You are", "quotas": {"x": QUOTA, "y": None}}
    rules = {"votes_per_item": EACH, "items_per_judge": 8, "skips_per_judge": SKIPS, "repeats_per_judge": 1}
    with open_store(shared_database) as store:
        study = store.create_study("storm", design(max_judges=MOST, groups=groups, **rules))
        checks = [special("attention", f"at {n}", expected={"fairer": ("a",)}, after=n) for n in (1, 3)]
        store.set_items(study.id, [*checks, *(main(number) for number in range(12))])
        study = store.open_study(study.id)
        link = store.open_link(study.id)
        tokens = [store.enter(link).token for _ in range(JUDGES)]
        with ThreadPoolExecutor(2 * JUDGES) as pool:
            list(pool.map(lambda n: storm(store, study, tokens[n // 2], n), range(2 * JUDGES)))
        places = [row for row in store.judge_rows(study.id) if row.state in ("active", "completed")]
        assert 0 < len(places) <= MOST and sum(row.group == "x" for row in places) <= QUOTA
        store.close_study(study.id)
        whole = Counter(
            (row.item, row.judge)
            for row in store.vote_rows(study.id)
            if (row.kind, row.occasion, row.complete) == ("main", 0, True) and row.judge_state != "failed"
        )
        assert whole and set(whole.values()) == {2}  # both questions, each once
        assert max(Counter(item for item, _ in whole).values()) <= EACH
        with store._engine.begin() as connection:
            filled = sa.select(slots.c.item_id, judges.c.number).join(judges, judges.c.id == slots.c.judge_id)
            found = connection.execute(filled.where(slots.c.study_id == study.id, slots.c.done)).all()
            posed = connection.execute(sa.select(tasks).where(tasks.c.study_id == study.id)).all()
        # what counts as done is what can be read, no more and no less
        assert {(row.item_id, f"J{row.number:03d}") for row in found} == set(whole)
        assert (
            max(Counter(row.judge_id for row in posed if row.state == "skipped").values(), default=0) <= SKIPS
        )
        assert set(Counter((row.judge_id, row.number) for row in posed).values()) == {1}
