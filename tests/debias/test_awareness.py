"""Awareness sets: halves, files of users, what is refused and how the refusal reads, what is stored."""

from __future__ import annotations

import errno
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

from fairprune import paths
from fairprune.debias.awareness import (
    MAX_ITEMS,
    MAX_TEXT,
    PACKAGED,
    AwarenessItem,
    AwarenessSet,
    check_pair,
    load,
    names,
    parse,
    read_file,
    save_uploaded,
)
from fairprune.errors import BadInput, Unavailable

CSV = b"prompt,response,unsafe_response\nMay I tell?,Ask first.,Tell it.\nMay I look?,Better not.,\n"


def a_set(*prompts: str, name: str = "file:0", response: str = "No.") -> AwarenessSet:
    items = tuple(AwarenessItem(prompt, response) for prompt in prompts)
    return AwarenessSet(name, name, items, "written for tests")


def jsonl(*rows: dict[str, Any]) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


# ---- halves


@pytest.mark.parametrize("name", PACKAGED)
def test_halves_share_no_prompt_and_no_situation(name):
    found = load(name)
    selection, measurement = found.halves(0)
    assert sorted([*selection, *measurement], key=found.items.index) == list(found.items)
    assert 0 <= len(measurement) - len(selection) <= 1
    for part in ("prompt", "pair"):
        shared = {getattr(i, part) for i in selection} & {getattr(i, part) for i in measurement}
        assert shared <= {None}
    assert list(selection) == sorted(selection, key=found.items.index)
    assert found.halves(0) == (selection, measurement)
    assert found.halves(1) != (selection, measurement)


def test_two_sets_of_one_situation_are_cut_alike():
    fairness, privacy = load("fairness"), load("privacy")
    for ours, theirs in zip(fairness.halves(3), privacy.halves(3), strict=True):
        assert [item.pair for item in ours] == [item.pair for item in theirs]


def test_sets_that_share_some_situations_are_cut_alike_when_they_know_of_each_other():
    pairs = [str(i) for i in range(40)]
    first = AwarenessSet("a", "a", tuple(AwarenessItem(f"A {p}", "No.", None, p) for p in pairs[:30]), "")
    second = AwarenessSet("b", "b", tuple(AwarenessItem(f"B {p}", "No.", None, p) for p in pairs[10:]), "")
    ours, theirs = first.halves(0, second), second.halves(0, first)
    chosen = {item.pair for item in ours[0]} | {item.pair for item in theirs[0]}
    measured = {item.pair for item in ours[1]} | {item.pair for item in theirs[1]}
    assert not chosen & measured
    assert [len(half) for half in (*ours, *theirs)] == [15, 15, 15, 15]
    # Alone, each set is cut without regard to the other, and a situation may end on both sides.
    assert any(
        {item.pair for item in first.halves(seed)[0]} & {item.pair for item in second.halves(seed)[1]}
        for seed in range(10)
    )


@pytest.mark.parametrize("shared", range(4))
@pytest.mark.parametrize("rest", range(4))
def test_of_n_situations_the_selection_has_half_whatever_is_shared(shared, rest):
    if shared + rest < 2:
        return
    first, second = (
        a_set(*(f"shared {i}" for i in range(shared)), *(f"{name} {i}" for i in range(rest)))
        for name in ("one", "other")
    )
    for seed in range(4):
        for selection, measurement in (first.halves(seed, second), second.halves(seed, first)):
            assert (
                len(selection) == (shared + rest) // 2 and len(selection) + len(measurement) == shared + rest
            )
        alike = [
            {item.prompt for item in one.halves(seed, other)[0] if item.prompt.startswith("shared")}
            for one, other in ((first, second), (second, first))
        ]
        assert alike[0] == alike[1]


def test_items_of_one_situation_stay_together():
    items = tuple(AwarenessItem(f"{p} {i}", "No.", None, p) for p in "abcd" for i in range(3))
    selection, measurement = AwarenessSet("x", "x", items, "").halves(0)
    assert (len(selection), len(measurement)) == (6, 6)
    assert not {item.pair for item in selection} & {item.pair for item in measurement}


@pytest.mark.parametrize("prompts", [(), ("One?",)])
def test_one_situation_has_no_halves(prompts):
    with pytest.raises(BadInput, match=rf"has {len(prompts)} situations?: .*at least 2 are needed"):
        a_set(*prompts).halves(0)


# ---- names and hashes


def test_packaged_sets_by_name():
    assert names() == PACKAGED == ("fairness", "privacy", "general")
    for name in PACKAGED:
        found = load(name)
        assert found.name == name
        assert load(name) is found  # read once
    assert len({load(name).hash for name in PACKAGED}) == 3


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("fairnes", "unknown awareness set 'fairnes': did you mean 'fairness'"),
        ("file:0123456789abcdef", "unknown awareness set 'file:0123456789abcdef'"),
        ("file:../../etc/passwd", r"unknown awareness set 'file:\.\./\.\./etc/passwd'"),
        ("file:", "unknown awareness set 'file:'"),
        ("", "unknown awareness set ''"),
    ],
)
def test_names_that_are_no_set(name, said):
    with pytest.raises(BadInput, match=said):
        load(name)


def test_the_hash_is_of_the_content_alone():
    one = a_set("A?", "B?")
    assert one.hash == a_set("A?", "B?", name="other").hash
    others = [a_set("B?", "A?"), a_set("A?"), a_set("A?", "B?", response="Yes.")]
    others += [
        AwarenessSet("x", "x", tuple(AwarenessItem(i.prompt, i.response, "Yes.") for i in one.items), "")
    ]
    assert len({one.hash, *(other.hash for other in others)}) == 5


# ---- files


def test_a_csv_with_some_careless_answers():
    found = parse(CSV, "My set.csv")
    assert found.items == (
        AwarenessItem("May I tell?", "Ask first.", "Tell it."),
        AwarenessItem("May I look?", "Better not."),
    )
    assert (found.name, found.title) == (f"file:{found.hash}", "My set.csv")
    assert found.source == "imported from My set.csv"


def test_the_same_rows_as_json_lines_have_the_same_hash(tmp_path):
    rows = jsonl(
        {"prompt": " May I tell?\n", "response": "Ask first.", "unsafe_response": "Tell it.", "note": "x"},
        {"prompt": "May I look?", "response": "Better not.", "unsafe_response": None, "note": None},
    )
    file = tmp_path / "x.jsonl"
    file.write_bytes(rows)
    assert read_file(file).hash == parse(CSV, "x.csv").hash


def test_pairs_of_a_file():
    found = parse(jsonl({"prompt": "A", "response": "No.", "pair": "p1"}), "x.jsonl")
    assert found.items == (AwarenessItem("A", "No.", None, "p1"),)


def test_texts_and_names_that_are_hard_to_write():
    digest = save_uploaded(rb'{"prompt": "a\ud800b \u00e9", "response": "\u00dc"}', "\ud800é.jsonl")
    found = load(f"file:{digest}")
    assert found.items == (AwarenessItem("a?b é", "Ü"),)
    assert found.title == "?é.jsonl"


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("x.xlsx", b"PK\x03\x04", r"x\.xlsx ends in 'xlsx': save the table as \.csv, \.jsonl"),
        ("x.csv", b"", r"x\.csv is empty"),
        (
            "x.csv",
            b"prompt,response\n",
            r"x\.csv has no rows below its header: add the prompts with their responses, one a row",
        ),
        (
            "x.jsonl",
            b"{}\n{}\n",
            r"x\.jsonl has only empty objects, \{\}: add the prompts with their responses, one object a line",
        ),
        (
            "x.csv",
            "prompt,response\nschön,a\n".encode("latin-1"),
            r"not UTF-8 text: byte 19 is 0xf6\. Save as UTF-8",
        ),
        ("x.csv", "prompt,response\na,b\n".encode("utf-16"), r"is UTF-16 text, not CSV"),
        (
            "x.csv",
            b"prompt,answer\na,b\n",
            r"x\.csv has no column 'response'.*needs prompt and response.*has prompt, answer",
        ),
        ("x.csv", b"Prompt,response\na,b\n", r"has no column 'prompt' \(is it 'Prompt'\?\)"),
        ("x.jsonl", b'{"prompt": "a"}', r"has no column 'response'"),
        (
            "x.csv",
            b"prompt,response,unsafe_respons\na,b,c\n",
            r"unknown column 'unsafe_respons': did you mean 'unsafe_response'\?.*Rename it in x\.csv",
        ),
        (
            "x.csv",
            b"prompt,response\na,b\n ,b\n",
            r"^1 cell of x\.csv cannot be used: row 3: 'prompt' is empty\. Fill",
        ),
        (
            "x.csv",
            b"prompt,response\na,\nb, \nc,d\n",
            r"2 cells of x\.csv cannot be used: row 2: 'response' is empty; row 3: 'response' is empty\.",
        ),
        (
            "x.csv",
            b"prompt,response\nMay I?,No.\nB,No.\nmay  i?,No.\n",
            r"row 4: 'prompt' is that of row 2",
        ),
        (
            "x.csv",
            b"prompt,response,unsafe_response\nMay I?,No.,No.\n",
            r"row 2: 'unsafe_response' is the response itself",
        ),
        (
            "x.csv",
            b"prompt,response,unsafe_response\nMay I?,No. Never,\xef\xbb\xbfno.  NE\xe2\x80\x8bVER\n",
            r"row 2: 'unsafe_response' is the response itself",
        ),
        (
            "x.jsonl",
            jsonl(
                {"prompt": "a", "response": "\u200b"},
                {"prompt": "\u200b \ufeff", "response": "No."},
                {"prompt": "b\u200b", "response": "No."},
                {"prompt": "B", "response": "No."},
            ),
            r"row 1: 'response' has only characters that show nothing; row 2: 'prompt' has only .*; row 4: 'prompt' is that of row 3",
        ),
        (
            "x.jsonl",
            jsonl({"prompt": "x" * (MAX_TEXT + 1), "response": "No."}),
            r"row 1: 'prompt' has 4,001 characters, more than 4,000",
        ),
        (
            "x.jsonl",
            jsonl({"prompt": "x", "response": "No.", "pair": "p" * 81}),
            r"row 1: 'pair' has 81 characters, more than 80",
        ),
        ("x.jsonl", b'{"prompt": "a", "response": "b"}\nno\n', r"line 2 of x\.jsonl is not JSON"),
        ("x.jsonl", b'{"prompt": ["a"], "response": "b"}\n', r"line 1 of x\.jsonl has a list under 'prompt'"),
    ],
)
def test_files_that_are_refused(name, data, said):
    with pytest.raises(BadInput, match=said):
        parse(data, name)
    with pytest.raises(BadInput, match=said):
        save_uploaded(data, name)
    assert names() == PACKAGED


def test_unusable_rows_are_named_twenty_and_counted():
    data = b"prompt,response\n" + b"".join(b"p%d,\n" % i for i in range(25))
    with pytest.raises(BadInput) as error:
        parse(data, "x.csv")
    assert str(error.value).startswith("25 cells of x.csv cannot be used: row 2: 'response' is empty; row 3")
    assert str(error.value).endswith(
        "row 21: 'response' is empty … and 5 more. Fill them in, or take these rows out"
    )


def test_too_many_rows():
    data = b"prompt,response\n" + b"".join(b"p%d,No.\n" % i for i in range(MAX_ITEMS + 1))
    with pytest.raises(BadInput, match=r"x\.csv has 10,001 rows, at most 10,000 are read: take a sample"):
        parse(data, "x.csv")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(BadInput, match=r"none\.csv cannot be read \(No such file.*columns prompt, response"):
        read_file(tmp_path / "none.csv")
    with pytest.raises(BadInput, match="cannot be read"):
        read_file(tmp_path)


# ---- what is kept


def test_an_uploaded_set_is_kept_once_and_found_by_its_hash():
    digest = save_uploaded(CSV, "first name.csv")
    assert save_uploaded(CSV, "second.csv") == digest
    assert names() == (*PACKAGED, f"file:{digest}")
    found = load(f"file:{digest}")
    assert (found.title, found.hash) == ("first name.csv", digest)
    assert found.items == parse(CSV, "x.csv").items
    (stored,) = (paths.home() / "awareness").iterdir()
    assert stored.name == f"{digest}.json"


@pytest.mark.parametrize(
    "name", ["../../etc/x.csv", "/abs/x.csv", "日本.csv", "x" * 300 + ".csv", "file:x.csv"]
)
def test_no_name_leaves_the_folder(name):
    digest = save_uploaded(CSV, name)
    assert [path.name for path in (paths.home() / "awareness").iterdir()] == [f"{digest}.json"]
    assert "/" not in load(f"file:{digest}").title


def test_a_full_disk_leaves_nothing(monkeypatch):
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(
            Unavailable, match=r"cannot be stored in .*No space left on device.*free some space"
        ):
            save_uploaded(CSV, "x.csv")
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "mkstemp", full)
        with pytest.raises(Unavailable, match="No space left on device"):
            save_uploaded(CSV, "x.csv")
    assert not list((paths.home() / "awareness").iterdir())
    assert names() == PACKAGED


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"title": "x", "source": "y", "items": [{"prompt": "a"}]}',
        '{"title": "x", "source": "y", "items": [{"prompt": "a", "response": "b", "more": "c"}]}',
        '{"title": "x", "source": "y", "items": [{"prompt": "a", "response": "b"}]}',
    ],
)
def test_a_broken_stored_set_says_which_file(text):
    digest = save_uploaded(CSV, "x.csv")
    (paths.home() / "awareness" / f"{digest}.json").write_text(text)
    with pytest.raises(
        Unavailable, match=rf"{digest}\.json cannot be read .*delete that file and upload the set again"
    ):
        load(f"file:{digest}")


# ---- two sets together


def test_one_set_twice_is_refused():
    fairness, privacy = load("fairness"), load("privacy")
    check_pair(fairness, privacy)
    said = "are one set given twice: every prompt of one stands in the other"
    with pytest.raises(BadInput, match=said):
        check_pair(fairness, fairness)
    # The same content under another name; the same prompts in another order; a part of them.
    copy = AwarenessSet("file:x", "copy", fairness.items, "")
    turned = AwarenessSet("file:y", "turned", fairness.items[::-1], "")
    part = AwarenessSet("file:z", "part", fairness.items[:20], "")
    for other in (copy, turned, part):
        for pair in ((fairness, other), (other, fairness)):
            with pytest.raises(BadInput, match=said):
                check_pair(*pair)


def test_stored_responses_that_show_nothing_are_none():
    with pytest.raises(BadInput, match="1 item of 1 in the awareness set 'file:0' has no response"):
        check_pair(a_set("one", response="\u200b\ufeff"), a_set("two"))


def test_sets_without_prompts_or_responses_are_refused():
    good = a_set("A?", "B?")
    with pytest.raises(BadInput, match="awareness set 'none' is empty"):
        check_pair(good, AwarenessSet("none", "none", (), ""))
    bare = AwarenessSet("bare", "bare", (AwarenessItem("C?", " "), AwarenessItem("D?", "No.")), "")
    with pytest.raises(
        BadInput, match="1 item of 2 in the awareness set 'bare' has no response: importance is"
    ):
        check_pair(bare, good)
