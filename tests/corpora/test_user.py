"""A user's own table: what is refused and how the refusal reads, what is stored."""

from __future__ import annotations

import errno
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fairprune import corpora, paths
from fairprune.corpora.sets import opinion_sets
from fairprune.corpora.user import check_rows, import_table, read_table
from fairprune.errors import BadInput, Unavailable

MAPPING = {"text": "said", "group": "who", "topic": "about"}


def rows(topics: int, each: int, groups: str = "ab") -> pd.DataFrame:
    """`each` opinions of each group about each of `topics` topics, as `read_table` gives them."""
    cells = [
        (f"Opinion {i} of {group} on {topic}.", group, f"topic {topic}")
        for topic in range(topics)
        for group in groups
        for i in range(each)
    ]
    index = pd.Index(range(2, len(cells) + 2), name="line")
    return pd.DataFrame(cells, columns=["said", "who", "about"], index=index, dtype=str)


# ---- checking


def test_check_rows_names_each_cell() -> None:
    frame = read_table("x.csv", b"said,who,about\ngood,a,x\n ,a,x\nbad,,x\nwell,b,\n")
    assert [str(error) for error in check_rows(frame, "said", "who", "about")] == [
        "row 3: 'said' is empty",
        "row 4: 'who' is empty",
        "row 5: 'about' is empty",
    ]
    frame.loc[2, "who"] = "g" * 81
    assert str(check_rows(frame, "said", "who", "about")[0]) == "row 2: 'who' has 81 characters, more than 80"


def test_a_column_that_is_not_there() -> None:
    with pytest.raises(BadInput, match="unknown column 'whom': did you mean 'who'"):
        check_rows(rows(1, 1), "said", "whom", "about")


# ---- importing


def test_import_with_many_topics() -> None:
    frame = rows(topics=8, each=10)
    info = import_table("My Opinions (2024).csv", frame, MAPPING, "tweet", "Tweets about  tea.")
    slug, digest = info.name.removeprefix("user:").rsplit("-", 1)
    assert slug == "my-opinions-2024"
    assert len(digest) == 8
    assert info.groups == ("a", "b")
    assert (info.noun, info.preamble) == ("tweet", "Tweets about tea.")
    assert corpora.names()[-1] == info.name
    assert corpora.info(info.name) == info
    assert corpora.is_ready(info.name)
    corpus = corpora.load(info.name)
    assert corpus.info == info
    topics = {split: {o.topic for o in opinions} for split, opinions in corpus.splits.items()}
    # test, calibration, train, test over eight ranked topics: 4, 2, 2.
    assert {split: len(found) for split, found in topics.items()} == {"test": 4, "calibration": 2, "train": 2}
    assert set.union(*topics.values()) == {f"topic {i}" for i in range(8)}
    assert sum(map(len, corpus.splits.values())) == 8 * 2 * 10
    assert len(opinion_sets(corpus, "test", 4)) == 4
    assert info.note.startswith("8 topics, no topic in two splits.")


def test_the_same_table_is_stored_once_and_another_beside_it() -> None:
    first = import_table("x.csv", rows(4, 8), MAPPING, "review")
    assert import_table("x.csv", rows(4, 8), MAPPING, "review") == first
    second = import_table("x.csv", rows(4, 9), MAPPING, "review")
    assert corpora.names()[3:] == tuple(sorted([first.name, second.name]))
    assert corpora.load(first.name).splits != corpora.load(second.name).splits
    assert sorted(path.name for path in (paths.home() / "corpora").iterdir()) == sorted(
        name.removeprefix("user:") for name in (first.name, second.name)
    )


def test_import_with_one_topic_splits_by_row_and_says_so() -> None:
    info = import_table("x", rows(topics=1, each=16), MAPPING, "statement")
    corpus = corpora.load(info.name)
    # 16 of each group by test, calibration, train, test: 8, 4, 4.
    assert {split: Counter(o.group for o in found) for split, found in corpus.splits.items()} == {
        "test": {"a": 8, "b": 8},
        "calibration": {"a": 4, "b": 4},
        "train": {"a": 4, "b": 4},
    }
    assert info.note.startswith("1 topic, too few for splits by topic: the splits are by row")
    assert info.preamble == "Statements of several people."


def test_long_and_double_opinions() -> None:
    frame = rows(topics=1, each=17)
    frame.iloc[0, 0] = "Good. " + "word " * 60
    frame.iloc[1, 0] = frame.iloc[2, 0]
    corpus = corpora.load(import_table("x", frame, MAPPING, "review").name)
    assert "Good." in {o.text for found in corpus.splits.values() for o in found}
    assert dict(corpus.dropped) == {"same text twice in a topic": 1}


def test_a_long_text_of_several_topics_stays_in_the_test() -> None:
    frame = rows(topics=8, each=10)
    copies = range(0, 8 * 20, 20)  # the first opinion of each topic
    frame.iloc[list(copies), 0] = "The very same words everywhere."
    corpus = corpora.load(import_table("x", frame, MAPPING, "review").name)
    # four topics are for the test and keep theirs; the copies of the four others go
    assert dict(corpus.dropped) == {"same text of at least 5 words in two splits": 4}
    found = Counter(
        split for split, opinions in corpus.splits.items() for o in opinions if o.text.startswith("The very")
    )
    assert found == {"test": 4}


def test_many_groups() -> None:
    info = import_table("x", rows(topics=3, each=2, groups="abcdefghijkl"), MAPPING, "review")
    assert len(info.groups) == 12
    # A balanced set of 12 has one of each; eight opinions could not hold twelve groups.
    assert len(opinion_sets(corpora.load(info.name), "test", 1, 12, "balanced")) == 1


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/abs/olute", "..", "", "a\0b", "日本", "x" * 80, "user:x"]
)
def test_no_name_leaves_the_folder(name: str) -> None:
    info = import_table(name, rows(4, 8), MAPPING, "review")
    (folder,) = (paths.home() / "corpora").iterdir()
    assert folder.name == info.name.removeprefix("user:")
    assert corpora.load(info.name).info == info


@pytest.mark.parametrize("name", ["user:../../etc", "user:", "user:x-00000000", "user:/etc"])
def test_names_that_are_no_corpus(name: str) -> None:
    with pytest.raises(BadInput, match="unknown corpus"):
        corpora.load(name)


def test_a_name_that_is_too_long_is_refused() -> None:
    refuse(rows(4, 8), "the name has 81 characters: at most 80", name="x" * 81)
    assert import_table("x" * 40 + "  " * 20 + "y", rows(4, 8), MAPPING, "review").title == "x" * 40 + " y"


def refuse(frame: pd.DataFrame, said: str, **changes: Any) -> None:
    with pytest.raises(BadInput, match=said):
        import_table(**{"name": "x", "frame": frame, "mapping": MAPPING, "noun": "review", **changes})
    assert corpora.names() == ("movies", "politics", "products")


def test_tables_that_are_refused() -> None:
    good = rows(4, 8)
    refuse(good, "unknown column 'abot': did you mean 'about'", mapping={**MAPPING, "topic": "abot"})
    refuse(
        good,
        "no column was chosen for 'topic': choose one of said, who, about",
        mapping={"text": "said", "group": "who"},
    )
    refuse(good, "unknown noun 'tweets': did you mean 'tweet'", noun="tweets")
    refuse(good, r"first sentence cannot be 'a \|\| b'", preamble="a || b")
    refuse(rows(4, 8, "a"), "column 'who' has one group only, 'a': .*at least 2 are needed")
    refuse(rows(4, 8, "abcdefghijklm"), r"has 13 different groups \('a', 'b', .*at most 12 can be compared")
    refuse(
        rows(1, 14),
        "too few opinions for a single set: .*Needed: about 16 opinions of each group about one topic",
    )
    refuse(rows(8, 3), "too few opinions for a single set")


def test_unusable_rows_are_named_twenty_and_counted() -> None:
    frame = rows(4, 8)
    frame.iloc[:25, 0] = ""
    with pytest.raises(BadInput) as error:
        import_table("x", frame, MAPPING, "review")
    text = str(error.value)
    assert text.startswith("25 cells cannot be used: row 2: 'said' is empty; row 3: 'said' is empty")
    assert "row 21: 'said'" in text
    assert "row 22: 'said'" not in text
    assert text.endswith("… and 5 more. Fill them in, or take these rows out")


def test_a_full_disk_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)  # the Parquet file is already there
        with pytest.raises(
            Unavailable, match=r"cannot be stored in .*No space left on device.*free some space"
        ):
            import_table("x", rows(4, 8), MAPPING, "review")
    assert not list((paths.home() / "corpora").iterdir())


def test_a_broken_stored_corpus_says_which_folder() -> None:
    info = import_table("x", rows(4, 8), MAPPING, "review")
    folder = paths.home() / "corpora" / info.name.removeprefix("user:")
    (folder / "opinions.parquet").write_bytes(b"PAR1 broken")
    with pytest.raises(Unavailable, match=r"cannot be read .*: delete that folder and import it again"):
        corpora.load(info.name)
    (folder / "info.json").write_text(json.dumps({"title": "x"}))
    with pytest.raises(Unavailable, match=r"info\.json lacks"):
        corpora.info(info.name)
    (folder / "info.json").write_text("{")
    with pytest.raises(Unavailable, match="cannot be read"):
        corpora.info(info.name)
    shutil.rmtree(folder)
    assert corpora.names() == ("movies", "politics", "products")
