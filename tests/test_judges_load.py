"""The benchmark of many judges, small: eight of them, in a hurry, over a break in the middle."""

from __future__ import annotations

import pytest

from benchmarks.judges import (
    LEFT_AFTER,
    VOTES_PER_ITEM,
    Part,
    Result,
    Vote,
    counted,
    measure,
    percentile,
    said,
)
from fairprune.store import open_store
from tests import postgres
from tests.judged import answer, entered, opened


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_no_vote_is_lost_over_a_break(kind):
    if kind == "postgresql" and postgres.programs() is None:
        pytest.skip("PostgreSQL is not installed here")
    found, _ = measure(
        8, kind, kill=kind == "sqlite", restart=kind == "postgresql", arrive=2.0, think=(0.6, 1.2)
    )
    assert found.judges == {"ended": 7, "left": 1}, said(found, [])
    assert (found.lost, found.doubled, found.named) == (0, 0, 0), said(found, [])
    assert found.exact == 1.0, said(found, [])
    assert found.confirmed > LEFT_AFTER + 6 * VOTES_PER_ITEM
    if kind == "sqlite":
        assert found.reconnected >= 1


def test_what_is_lost_doubled_or_named_would_be_counted():
    with open_store("sqlite://") as store:
        study = opened(store, n=2, votes_per_item=1, items_per_judge=2)
        token = entered(store, study)
        task = store.next_item(token)
        answer(store, token, task, "left")
        mine = [Vote(task.key, 0, 0, True, 0.5), Vote(task.key, 1, 0, True, 1.5)]
        wrong = [
            Vote(task.key, 1, 3, True, 2.5),
            Vote("f" * 32, 0, 0, True, 3.5),
            Vote("e" * 32, 0, 0, False, 9.0),
        ]
        found = counted(store, study.id, 2, [Part("ended", mine), Part("left", wrong, named=2)])
        assert (found.confirmed, found.unconfirmed, found.lost, found.named) == (4, 1, 2, 2)
        assert found.doubled == 0 and found.exact == 0.0  # of five votes wanted there is one
        assert (
            counted(store, study.id, 2, [Part("ended", mine[:1])]).doubled == 1
        )  # nobody says that they sent the other
    assert percentile([1.0, 3.0, 2.0], 0.5) == 2.0 and percentile([1.0, 3.0], 1.0) == 3.0
    assert isinstance(found, Result) and "no answer" in "\n".join(said(counted_nothing(found), []))


def counted_nothing(found: Result) -> Result:
    found.seconds = []
    return found
