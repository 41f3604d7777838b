"""A user's own opinions: file → preview → columns → corpus."""

from __future__ import annotations

from collections import Counter
from typing import Any, get_args

import pandas as pd
import streamlit as st

from fairprune.corpora.tables import FORMATS, MAX_BYTES, MAX_ROWS, read_table
from fairprune.corpora.user import RowError, check_rows, import_table
from fairprune.opinions import Noun
from fairprune.ui.markup import inert
from fairprune.ui.page import refusals

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


def guess(columns: list[str]) -> dict[str, int]:
    """'text', 'group' and 'topic' → the place of the column that is probably meant; no column twice.

    The first column that is left, where no name tells.
    """
    found: dict[str, int] = {}
    for part, words in GUESSES.items():
        free = [place for place in range(len(columns)) if place not in found.values()]
        named = [place for word in words for place in free if word in columns[place].lower()]
        found[part] = next(iter([*named, *free]), 0)
    return found


def _map(name: str, file_id: str, frame: pd.DataFrame) -> None:
    columns = [str(column) for column in frame.columns]
    st.caption(f"{len(frame):,} rows, {len(columns)} columns. The first five:")
    st.dataframe(frame.head(5), width="stretch")
    places = st.columns(4)
    mapping: dict[str, str] = {}
    guessed = guess(columns)
    for place, (part, label) in zip(
        places, {"text": "Text", "group": "Group", "topic": "Topic"}.items(), strict=False
    ):
        with place:
            mapping[part] = str(
                st.selectbox(f"{label} column", columns, index=guessed[part], key=f"upload.{part}")
            )
    with places[3]:
        noun = st.selectbox(
            "Each text is a", list(get_args(Noun)), index=1, key="upload.noun", help="The word of the prompt."
        )
    title = st.text_input("Name", value=name.rsplit(".", 1)[0], max_chars=80, key="upload.name")
    errors = _errors(file_id, (mapping["text"], mapping["group"], mapping["topic"]), frame)
    if errors:
        more = f", the first {SHOWN_ERRORS} are" if len(errors) > SHOWN_ERRORS else ""
        st.error(f"{len(errors)} cells cannot be used{more}:", icon=":material/error:")
        st.dataframe(
            pd.DataFrame(
                [{"row": e.row, "column": e.column, "problem": e.problem} for e in errors[:SHOWN_ERRORS]]
            ),
            hide_index=True,
        )
        return
    counts = Counter(frame[mapping["group"]])
    listed = ", ".join(f"{group} {count:,}" for group, count in counts.most_common(12))
    st.caption(inert(f"Groups: {listed}. Topics: {frame[mapping['topic']].nunique():,}."))
    if st.button("Use these opinions", key="upload.import", icon=":material/check:", type="primary"):
        info = import_table(title, frame, mapping, str(noun))
        st.session_state["imported"] = info.name
        st.rerun()
