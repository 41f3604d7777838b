import dataclasses
import math

import pytest

from fairprune.errors import StoreError
from fairprune.store import SummaryRow, open_store
from tests.store_values import film_set, spec


@pytest.fixture
def store(database):
    with open_store(database) as opened:
        yield opened


def test_opinion_sets_come_back_equal_and_in_order(store):
    a, b = film_set(), film_set("Another text.")
    store.put_sets([a, b, a], "movies")
    store.put_sets([b], "movies")
    assert list(store.sets([b.id, a.id, b.id]).items()) == [(b.id, b), (a.id, a)]
    assert store.sets([]) == {}
    with pytest.raises(StoreError, match="opinion set 'none' is not stored"):
        store.sets([a.id, "none"])


def test_many_opinion_sets_exceed_no_limit_of_a_query(store):
    # 1203 = two portions of 500 and one of 203.
    many = [dataclasses.replace(film_set(), id=f"{number:016x}") for number in range(1203)]
    store.put_sets(many, "movies")
    assert list(store.sets([item.id for item in many])) == [item.id for item in many]


def test_summaries_keep_the_first_text_of_a_position(store):
    one = film_set()
    store.put_sets([one], "movies")
    rows = [
        SummaryRow(one.id, 1, "Nul \x00, half a character \ud83d, “quotes” 🙂\n", 7, 0.1 + 0.2, True),
        SummaryRow(one.id, 0, "", 0, 0.25, False),
    ]
    store.put_summaries("g", rows)
    store.put_summaries(
        "g", [dataclasses.replace(rows[0], text="changed"), SummaryRow(one.id, 2, "c", 1, 0.0, False)]
    )
    assert store.summaries("g") == [rows[1], rows[0], SummaryRow(one.id, 2, "c", 1, 0.0, False)]
    assert store.summaries("other") == []


def test_a_generation_is_known_when_it_is_finished(store):
    store.put_sets([film_set()], "movies")
    with pytest.raises(StoreError, match="generation 'g' is not stored"):
        store.finish_generation("g", {})
    store.put_summaries("g", [SummaryRow(film_set().id, 0, "a", 1, 0.1, False)])
    assert store.generation("g") is None
    store.finish_generation("g", {"model": "tiny-a", "rate": 1 / 3})
    assert store.generation("g") == {"model": "tiny-a", "rate": 1 / 3}


def test_summaries_of_wrong_sets_are_refused_whole(store):
    a, b = film_set(), film_set("Another text.")
    store.put_sets([a, b], "movies")
    store.put_summaries("g", [SummaryRow(a.id, 0, "a", 1, 0.1, False)])
    with pytest.raises(
        StoreError, match=f"summary 0 of generation g is of opinion set {a.id}, not of {b.id}"
    ):
        store.put_summaries(
            "g", [SummaryRow(b.id, 1, "b", 1, 0.1, False), SummaryRow(b.id, 0, "b", 1, 0.1, False)]
        )
    with pytest.raises(StoreError, match="'missing' is not stored: store the sets before"):
        store.put_summaries("g", [SummaryRow("missing", 1, "b", 1, 0.1, False)])
    with pytest.raises(StoreError, match=r"seconds of summary 1 .* is nan"):
        store.put_summaries("g", [SummaryRow(a.id, 1, "b", 1, math.nan, False)])
    assert len(store.summaries("g")) == 1


def test_results_round_trip_exactly(store):
    run_id = store.submit(spec())[0].id
    value = {
        "floats": [0.1 + 0.2, 1e-300, 1.7976931348623157e308, -0.0, 2**53 + 1],
        "text": "\x00 \ud800 ü 🙂",
        "no": None,
    }
    store.put_result(run_id, "evaluation", {"old": 1})
    store.put_result(run_id, "evaluation", value)
    found = store.result(run_id, "evaluation")
    assert found == value
    assert math.copysign(1, found["floats"][3]) == -1
    other = store.submit(spec(1))[0].id
    assert store.result(other, "evaluation") is None
    assert store.results("evaluation", [other, run_id]) == {run_id: value}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [{"b": math.nan}]}, r"result 'timing' of run \w+\.a\[0\]\.b is nan"),
        ({"a": math.inf}, r"\.a is inf"),
        ({"a": {1: 2}}, r"\.a has the key 1"),
        ({"a": b"x"}, r"\.a is a bytes"),
    ],
)
def test_what_would_come_back_changed_is_refused_by_its_place(store, value, message):
    run_id = store.submit(spec())[0].id
    with pytest.raises(StoreError, match=message):
        store.put_result(run_id, "timing", value)
    assert store.result(run_id, "timing") is None
