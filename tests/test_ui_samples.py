"""Which samples the table shows and in which order, worked by hand."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from fairprune.ui.samples import (
    MOST_TEXT,
    SORTS,
    SampleFilter,
    chosen,
    read_filter,
    sample_rows,
    under_choices,
    under_represented,
)
from tests.pages.filled import make_set

GROUPS = ("fresh", "rotten")
SETS = [
    make_set("harbour", [("The acting was great.", "fresh"), ("The story was boring.", "rotten")]),
    make_set("tunnel & <b>", [("A lovely comedy.", "fresh"), ("No.", "rotten")]),
    make_set("meadow", [("Great music.", "fresh"), ("Endless.", "rotten")]),
    make_set("harbour", [("Warm.", "fresh"), ("Cold.", "rotten")]),
]


def own(bur: int | None, uer: float | None, fresh: float | None = 0.5, **more: Any) -> dict[str, Any]:
    p_y = None if fresh is None else {"fresh": fresh, "rotten": 1 - fresh}
    unscored = None if uer is not None else "no match"
    return {
        "bur": bur,
        "uer": uer,
        "p_x": {"fresh": 0.5, "rotten": 0.5},
        "p_y": p_y,
        "unscored": unscored,
        **more,
    }


SAMPLES = [
    {"dense": own(0, 0.05), "pruned": own(1, 0.25, fresh=1.0)},  # +20 points; rotten is under-represented
    {"dense": own(1, 0.25, fresh=0.0), "pruned": own(0, 0.0)},  # −25 points; fresh was
    {"dense": own(0, 0.0), "pruned": own(None, None, None, degenerate=["empty"])},  # not comparable
    {"dense": own(1, 0.25, fresh=0.0), "pruned": own(1, 0.3, fresh=0.0)},  # +5 points
]
TEXTS = {"dense": {0: "Nice.", 1: "A dull plot."}, "pruned": {1: None, 3: "Sunshine"}}


def shown(**parts: str) -> list[int]:
    return chosen(SampleFilter(**parts), SAMPLES, SETS, TEXTS, tau="0.8", ties="lt")


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("change", [0, 3, 1, 2]),  # +20, +5, −25, none
        ("uer", [3, 0, 1, 2]),  # 30, 25, 0, none
        ("either", [1, 0, 3, 2]),  # 25, 20, 5, none
        ("bur", [0, 1, 3, 2]),  # became unfair, became fair, as before, none
        ("drawn", [0, 1, 2, 3]),
    ],
)
def test_worst_first_and_missing_last(sort: str, order: list[int]) -> None:
    assert shown(sort=sort) == order


def test_every_order_is_tested() -> None:
    assert list(SORTS) == ["change", "uer", "either", "bur", "drawn"]


@pytest.mark.parametrize(
    ("parts", "places"),
    [
        ({"under": "pruned rotten"}, [0]),
        ({"under": "pruned fresh"}, [3]),
        ({"under": "dense fresh"}, [3, 1]),
        ({"under": "dense rotten"}, []),
        ({"state": "degenerate"}, [2]),
        ({"state": "unscored"}, [2]),
        ({"state": "bur"}, [0, 1]),
        ({"topic": "harbour"}, [0, 3]),
        ({"mix": "balanced"}, [0, 3, 1, 2]),
        ({"text": "DULL"}, [1]),  # in a summary
        ({"text": "endless"}, [2]),  # in an opinion
        ({"text": "<B>"}, [1]),  # in a topic
        ({"text": " \n harbour\t"}, [0, 3]),  # as it comes out of a document
        ({"text": "harbour", "under": "dense fresh"}, [3]),
        ({"text": "nowhere"}, []),
    ],
)
def test_filters(parts: dict[str, str], places: list[int]) -> None:
    assert shown(**parts) == places


def test_under_represented_at_exactly_tau_follows_the_ties() -> None:
    tie = own(1, 0.1, fresh=0.4)  # .4 = .8 · .5
    assert under_represented(tie, "fresh", "0.8", "le")
    assert not under_represented(tie, "fresh", "0.8", "lt")
    assert not under_represented(
        {**tie, "bur": 0}, "fresh", "0.8", "le"
    )  # the sample's own BUR has the last word
    assert not under_represented(None, "fresh", "0.8", "lt")
    assert not under_represented(tie, "nobody", "0.8", "le")


def test_the_filter_stands_in_the_address_and_comes_back() -> None:
    assert SampleFilter().address() is None
    one = SampleFilter(under="pruned fresh", topic="tunnel & <b>", text="a=b&c ü", sort="uer")
    address = one.address()
    assert address is not None and "&" in address and "<" not in address
    assert read_filter(address, SETS, GROUPS) == one
    assert read_filter(None, SETS, GROUPS) == SampleFilter()


def test_what_an_address_says_that_means_nothing_is_left_out() -> None:
    found = read_filter("under=pruned+cats&state=x&topic=nowhere&sort=&mix=y&other=1&text=kept", SETS, GROUPS)
    assert found == SampleFilter(text="kept")
    assert read_filter("%%%&&==", SETS, GROUPS) == SampleFilter()
    long = SampleFilter(text="a" * 10_000).address()
    assert len(read_filter("text=" + "a" * 10_000, SETS, GROUPS).text) == MOST_TEXT
    assert long == f"text={'a' * MOST_TEXT}"  # an address has an end


def test_choices_name_system_and_group() -> None:
    assert under_choices(GROUPS) == ["pruned fresh", "pruned rotten", "dense fresh", "dense rotten"]


def test_rows_of_the_table() -> None:
    frame = sample_rows([2, 0], SAMPLES, SETS, "S?sample=")
    assert list(frame["sample"]) == [3, 1] and list(frame["read"]) == ["S?sample=3", "S?sample=1"]
    assert pd.isna(frame["UER change"][0]) and frame["UER change"][1] == pytest.approx(20)
    assert list(frame["BUR pruned"]) == ["–", "unfair"]
    assert frame["notes"][0] == "pruned: empty; pruned: unscored: no match"
    assert list(sample_rows([], SAMPLES, SETS, "").columns) == list(frame.columns)


def test_a_sample_without_one_system() -> None:
    frame = sample_rows([0], [{"dense": own(0, 0.1)}], SETS[:1], "")
    assert frame["BUR pruned"][0] == "–" and pd.isna(frame["UER pruned %"][0])
    assert chosen(
        SampleFilter(state="unscored"), [{"dense": own(0, 0.1)}], SETS[:1], {}, tau="0.8", ties="lt"
    ) == [0]
