"""A user's own opinions: file → preview → columns → corpus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, get_args

import pandas as pd
import streamlit as st

from fairprune.corpora.tables import FORMATS, MAX_BYTES, MAX_ROWS, read_table
from fairprune.corpora.user import MAX_NAME, RowError, check_rows, import_table
from fairprune.errors import BadInput
from fairprune.opinions import Noun
from fairprune.text import counted
from fairprune.ui.markup import inert
from fairprune.ui.page import refusals, refuse

SHOWN_ERRORS = 20
GUESSES = {
    "text": ("text", "review", "tweet", "comment", "opinion", "statement", "sentence", "content"),
    "group": ("group", "label", "party", "gender", "stance", "sentiment", "category", "class"),
    "topic": ("topic", "subject", "product", "movie", "film", "title", "entity", "item", "debate"),
}


def import_form() -> None:
    """The expander with the whole flow; an imported corpus becomes the chosen one."""
    with st.expander("Use your own opinions (CSV, JSON Lines or Parquet)", icon=":material/upload_file:"):
        st.caption(
            "One opinion a row, with columns for its text, its group and its topic; UTF-8, "
            f"at most {MAX_BYTES // 1_000_000} MB and {MAX_ROWS:,} rows. The file stays on this "
            "server. Pickled files are never read."
        )
        uploaded = st.file_uploader(
            "File", type=list(FORMATS), key="upload.file", label_visibility="collapsed"
        )
        if uploaded is None:
            return
        with refusals():
            frame = _table(uploaded.name, uploaded.file_id, uploaded)
            _map(uploaded.name, uploaded.file_id, frame)


@st.cache_data(max_entries=2, show_spinner="Reading the file …")
def _table(name: str, file_id: str, _uploaded: Any) -> pd.DataFrame:  # noqa: ARG001 (part of the key)
    return read_table(name, _uploaded.getvalue())


@st.cache_data(max_entries=4, show_spinner="Checking the rows …")
def _errors(  # file_id is part of the key, the frame is not
    file_id: str,  # noqa: ARG001
    columns: tuple[str, str, str],
    _frame: pd.DataFrame,
) -> list[RowError]:
    return check_rows(_frame, *columns)


def guess(columns: list[str]) -> dict[str, int | None]:
    """'text', 'group' and 'topic' → the place of the column that is probably meant; no column twice.

    The first column that is left, where no name tells; None, where none is left.
    """
    found: dict[str, int | None] = dict.fromkeys(GUESSES)
    free = list(range(len(columns)))
    for part, words in GUESSES.items():
        named = [place for word in words for place in free if word in columns[place].lower()]
        if named:
            found[part] = named[0]
            free.remove(named[0])
    for part in GUESSES:
        if found[part] is None and free:
            found[part] = free.pop(0)
    return found


def same_column(mapping: Mapping[str, str | None]) -> str | None:
    """The sentence about a column that was chosen for two parts; None where there is none."""
    parts: dict[str, list[str]] = {}
    for part, column in mapping.items():
        if column is not None:
            parts.setdefault(column, []).append(part)
    for column, found in parts.items():
        if len(found) > 1:
            return (
                f"column {column!r} was chosen for {' and '.join(found)}: choose another one for one of them"
            )
    return None


def complete(mapping: Mapping[str, str | None]) -> dict[str, str]:
    """`mapping` with a column for each part.

    Raises:
        BadInput: names the parts without one.
    """
    missing = [part for part, column in mapping.items() if column is None]
    if missing:
        raise BadInput(
            f"no column was chosen for {' and '.join(missing)}: choose one; where the file has none left, "
            "add it there (a file about one thing has the same topic in every row)"
        )
    return {part: column for part, column in mapping.items() if column is not None}


def _map(name: str, file_id: str, frame: pd.DataFrame) -> None:
    columns = [str(column) for column in frame.columns]
    st.caption(f"{counted(len(frame), 'row')}, {counted(len(columns), 'column')}. The first five:")
    st.dataframe(frame.head(5), width="stretch")
    places = st.columns(4)
    mapping: dict[str, str | None] = {}
    guessed = guess(columns)
    for place, (part, label) in zip(
        places, {"text": "Text", "group": "Group", "topic": "Topic"}.items(), strict=False
    ):
        with place:
            # The file is part of every key: what was chosen for one file means nothing for the next.
            mapping[part] = st.selectbox(
                f"{label} column",
                columns,
                index=guessed[part],
                placeholder="choose …",
                key=f"upload.{part}.{file_id}",
            )
    with places[3]:
        noun = st.selectbox(
            "Each text is a",
            list(get_args(Noun)),
            index=1,
            key=f"upload.noun.{file_id}",
            help="The word of the prompt.",
        )
    # No limit of its own: a browser drops what is longer without a word, `import_table` says why.
    title = st.text_input("Name", value=name.rsplit(".", 1)[0][:MAX_NAME], key=f"upload.name.{file_id}")
    twice = same_column(mapping)
    if twice:
        refuse(twice)
        return
    if None not in mapping.values() and _rows_wrong(file_id, complete(mapping), frame):
        return
    _use(title, frame, mapping, str(noun))


def _rows_wrong(file_id: str, mapping: Mapping[str, str], frame: pd.DataFrame) -> bool:
    """Lists the cells that cannot be used, else says which groups and topics there are. True: some cannot."""
    errors = _errors(file_id, (mapping["text"], mapping["group"], mapping["topic"]), frame)
    if errors:
        more = f", the first {SHOWN_ERRORS} are" if len(errors) > SHOWN_ERRORS else ""
        st.error(f"{counted(len(errors), 'cell')} cannot be used{more}:", icon=":material/error:")
        st.dataframe(
            pd.DataFrame(
                [{"row": e.row, "column": e.column, "problem": e.problem} for e in errors[:SHOWN_ERRORS]]
            ),
            hide_index=True,
        )
        return True
    counts = Counter(frame[mapping["group"]])
    listed = ", ".join(f"{group} {count:,}" for group, count in counts.most_common(12))
    st.caption(inert(f"Groups: {listed}. Topics: {frame[mapping['topic']].nunique():,}."))
    return False


def _use(title: str, frame: pd.DataFrame, mapping: Mapping[str, str | None], noun: str) -> None:
    """The button; a part without a column is named when it is pressed."""
    if st.button("Use these opinions", key="upload.import", icon=":material/check:", type="primary"):
        info = import_table(title, frame, complete(mapping), noun)
        st.session_state["imported"] = info.name
        st.rerun()
