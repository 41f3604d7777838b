"""A study at work: how far it is, its judges, whom to pay, its end. Outcomes stay sealed until it is closed."""

from __future__ import annotations

from html import escape

import streamlit as st

from fairprune.errors import FairpruneError
from fairprune.store import Store
from fairprune.store.judgments_values import ENDS, Study
from fairprune.text import counted
from fairprune.ui import markup
from fairprune.ui.page import refuse
from fairprune.ui.study import act, moment, sure
from fairprune.ui.study_form import END_NAMES
from fairprune.ui.study_links import MOST_SHOWN, csv_of

SECONDS = 10.0
"""Between two looks at the progress of an open study."""
JUDGE_STATES = {"entered": "Came in", "active": "At it", "unknown": "Not known", **END_NAMES}


def draw_progress(store: Store, study: Study) -> None:
    """How far it is, looked at again every few seconds while it is open; and its end."""
    if study.state == "open":
        st.info(
            "What was answered is sealed until the study is closed: nobody can stop it because of how it looks.",
            icon=":material/lock:",
        )
    look = st.fragment(_look, run_every=SECONDS if study.state == "open" else None)
    look(store, study)
    if study.state == "open":
        sure(
            "close",
            "Close the study",
            "Close it for good? Nobody can answer any more, and what was answered is shown.",
            "Close it",
            lambda: act(lambda: store.close_study(study.id), "The study is closed.", to=(study.id, None)),
        )


def _look(store: Store, study: Study) -> None:
    try:
        found = store.study_progress(study.id)
    except FairpruneError as error:
        refuse(str(error))
        return
    st.progress(
        found.done / found.wanted if found.wanted else 0.0, text=f"**{found.done}** of {found.wanted} votes"
    )
    states = found.judges
    tiles = [
        markup.tile("Votes", f"{found.done} of {found.wanted}", f"{found.leased} are before a judge now"),
        markup.tile(
            "Items with all votes",
            f"{found.complete} of {found.items}",
            _left(found.automatic, found.excluded),
        ),
        markup.tile(
            "Judges",
            f"{states['completed']} completed",
            f"{states['active']} at it, {states['entered']} have not agreed yet",
            ", ".join(f"{states[end]} {END_NAMES[end].lower()}" for end in ENDS if end != "completed"),
            f"{found.withdrawn} had their data deleted" if found.withdrawn else "",
        ),
    ]
    st.html(markup.grid(tiles, "14rem"))
    if found.groups:
        quotas = (study.design.get("groups") or {}).get("quotas", {})
        rows = [
            [escape(group), str(n), "no limit" if quotas.get(group) is None else str(quotas[group])]
            for group, n in found.groups.items()
        ]
        st.html(markup.table(("Group", "Places taken", "Places"), rows))
    if study.closes is not None:
        st.caption(f"It closes by itself at {moment(study.closes)}.")


def _left(automatic: int, excluded: int) -> str:
    parts = [f"{automatic} automatic ties" if automatic else "", f"{excluded} left out" if excluded else ""]
    return ", ".join(part for part in parts if part)


# Judges


def draw_judges(store: Store, study: Study) -> None:
    """Who took part, by pseudonym; whom to pay, by crowd id; deletion of either."""
    rows = store.judge_rows(study.id)
    if not rows:
        st.info("Nobody has come in yet.", icon=":material/group:")
        return
    st.html(
        markup.table(
            ("Judge", "State", "Group", "Came in", "Agreed", "Finished", "From a crowd site"),
            [
                [
                    row.judge,
                    JUDGE_STATES[row.state],
                    escape(row.group or "–"),
                    moment(row.entered),
                    moment(row.consented),
                    moment(row.finished),
                    "–" if row.entered is None else "yes" if row.from_crowd else "no",
                ]
                for row in rows[:MOST_SHOWN]
            ],
        )
    )
    if len(rows) > MOST_SHOWN:
        st.caption(f"The first {MOST_SHOWN} of {len(rows)} judges.")
    _payments(store, study)
    st.header("Delete what a judge said", anchor=False)
    st.caption(
        "For a judge who asks for it. All votes and comments of theirs go, others get the items; the study counts one withdrawal."
    )
    name = st.selectbox(
        "Judge", [row.judge for row in rows], index=None, key="study-forgotten", placeholder="Choose a judge"
    )
    if name is not None:
        sure(
            f"forget-{name}",
            f"Delete all of {name}",
            f"Delete all that {name} said? It cannot be brought back.",
            "Delete it",
            lambda: act(lambda: store.forget_judge(study.id, name), f"All of {name} is deleted."),
        )


def _payments(store: Store, study: Study) -> None:
    found = store.payments(study.id)
    if not found:
        return
    st.header("Payments", anchor=False)
    st.caption(
        "The only place where ids of the crowd site stand in clear. No pseudonym stands beside them: the list leads to no vote. "
        "Delete it once all are paid."
    )
    heads = ("Id at the crowd site", "Study", "Session", "State", "Came in", "Finished")
    rows = [
        [
            one.crowd_id,
            one.crowd_study,
            one.crowd_session,
            JUDGE_STATES.get(one.state, one.state),
            moment(one.entered),
            moment(one.finished),
        ]
        for one in found
    ]
    st.html(markup.table(heads, [[escape(cell) for cell in row] for row in rows[:MOST_SHOWN]]))
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            f"All {len(rows)} as CSV",
            csv_of(heads, rows),
            f"payments-{study.id}.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        sure(
            "payments",
            "Delete all ids",
            f"Delete {counted(len(rows), 'id')} of the crowd site? Votes stay; nobody can be paid by this list afterwards.",
            "Delete them",
            lambda: act(lambda: store.delete_payments(study.id), "All ids of the crowd site are deleted."),
        )
