"""Which runs stand in the figures of Trade-offs: those measured alike, a sweep, a tag, or chosen by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from fairprune.errors import StoreError
from fairprune.store import Run, Store, Sweep
from fairprune.text import counted, short_name
from fairprune.tradeoffs import comparison_key
from fairprune.ui import markup
from fairprune.ui.address import amend, carried, carry, carry_all, held, is_pick, show
from fairprune.ui.page import refuse
from fairprune.ui.runs import STATES, option

MOST_READ = 2000
"""Runs of which the choice is made: the newest."""
MOST_DRAWN = 60
"""More runs in one figure cannot be told apart."""
LEAST_DIGITS, DIGITS = 6, 8
"""Of a run's id: the fewest that name it, and those written into the address."""
WAYS = {"like": "Measured alike", "sweep": "Sweep", "tag": "Tag", "hand": "By hand"}
"""How runs are chosen → its name. In the address: `of=sweep:ID`, or `runs=a,b,c` for those chosen by hand."""


@dataclass(frozen=True)
class Named:
    """Runs that can be chosen with one click."""

    key: str
    title: str
    runs: tuple[Run, ...]


def choose(store: Store) -> list[Run] | None:
    """Draws the choice and says what of it is not there; the finished runs, newest first. None: no run at all."""
    known = store.runs(limit=MOST_READ)
    if not known and not carried("runs"):
        return None
    offers = _offers(known, store.sweeps())
    way, key = _asked(offers)
    held("runs")
    held("of")
    found = _by_address(store, known) if way == "hand" else list(_named(offers[way], key).runs)
    # Their labels are for who cannot see that they are one choice: the figure is to be seen in the first window.
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        _ways(offers, way, found)
        if way == "hand":
            _by_hand(known, found)
        else:
            _one_of(way, offers[way], _named(offers[way], key))
    return _ready(found)


def _offers(known: Sequence[Run], sweeps: Sequence[Sweep]) -> dict[str, list[Named]]:
    """Way → what it offers; ways without an offer are left out. By hand is always there."""
    done = [run for run in known if run.state == "done"]
    offers = {
        "like": alike(done or known),
        "sweep": _of_sweeps(known, sweeps),
        "tag": [
            Named(tag, tag, tuple(run for run in known if tag in run.tags))
            for tag in sorted({tag for run in known for tag in run.tags})
        ],
        "hand": [],
    }
    return {way: found for way, found in offers.items() if found or way == "hand"}


def alike(runs: Sequence[Run]) -> list[Named]:
    """Runs by how they were measured, the newest first; one title for one way of measuring."""
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(comparison_key(run.spec), []).append(run)
    titles: dict[str, int] = {}
    named = []
    for key, members in found.items():
        spec = members[0].spec
        sets = "all" if spec.evaluation.samples is None else spec.evaluation.samples
        title = f"{short_name(spec.model.name)} · {sets} sets of {spec.evaluation.corpus}"
        titles[title] = titles.get(title, 0) + 1
        again = f", measured in another way ({titles[title]})" if titles[title] > 1 else ""
        named.append(Named(key, f"{title}{again} · {counted(len(members), 'run')}", tuple(members)))
    return named


def _of_sweeps(known: Sequence[Run], sweeps: Sequence[Sweep]) -> list[Named]:
    by_id = {run.id: run for run in known}
    named = []
    for sweep in sweeps:
        members = [by_id[run_id] for run_id in sweep.run_ids if run_id in by_id]
        if members:
            title = f"{sweep.title} · {sweep.created:%Y-%m-%d %H:%M} · {counted(len(members), 'run')}"
            named.append(Named(sweep.id, title, tuple(members)))
    return named


def _asked(offers: Mapping[str, list[Named]]) -> tuple[str, str]:
    """Way and key of the address; what it names but is gone is said, and the newest runs stand in for it."""
    if carried("runs"):
        return "hand", ""
    way, _, key = (carried("of") or "").partition(":")
    if way == "hand":
        return way, ""
    if way in offers and any(named.key == key for named in offers[way]):
        return way, key
    first = "like" if "like" in offers else "hand"
    if way:
        kind = WAYS[way].lower() if way in WAYS else "choice"
        amend(
            "of",
            None,
            f"there is no such {kind} (any more), and the newest runs are shown instead: choose others below",
        )
    return first, offers[first][0].key if offers[first] else ""


def _named(offers: Sequence[Named], key: str) -> Named:
    return next(named for named in offers if named.key == key)


def _by_address(store: Store, known: Sequence[Run]) -> list[Run]:
    """The runs of `?runs=`, ids or their beginnings; what is not there is said."""
    found: dict[str, Run] = {}
    wrong = []
    for wanted in [part.strip() for part in (carried("runs") or "").split(",") if part.strip()]:
        fitting = [run for run in known if len(wanted) >= LEAST_DIGITS and run.id.startswith(wanted)]
        if len(fitting) != 1 and len(known) == MOST_READ:
            try:  # an older run than those read
                fitting = [store.run(wanted)]
            except StoreError as error:
                wrong.append(str(error))
                continue
        if len(fitting) == 1:
            found[fitting[0].id] = fitting[0]
        elif fitting:
            wrong.append(f"{wanted!r} is the beginning of {len(fitting)} runs: write more of it")
        else:
            wrong.append(f"there is no run {wanted!r}")
    if wrong:
        refuse(f"{'; '.join(wrong)}. The rest of the address is shown")
    return list(found.values())


def _ways(offers: Mapping[str, list[Named]], way: str, found: Sequence[Run]) -> None:
    show("tradeoffs.way", way)
    st.segmented_control(
        "Choose runs by",
        list(offers),
        format_func=WAYS.__getitem__,
        required=True,
        key="tradeoffs.way",
        label_visibility="collapsed",
        on_change=_other_way,
        args=({name: named[0].key for name, named in offers.items() if named}, written(found)),
    )


def _other_way(first: Mapping[str, str], shown: str) -> None:
    """Another way begins with its newest offer; by hand with what is drawn now."""
    if not is_pick("tradeoffs.way"):
        return
    way = str(st.session_state.get("tradeoffs.way") or "like")
    runs = shown or None if way == "hand" else None
    carry_all({"runs": runs, "of": None if runs else f"{way}:{first.get(way, '')}"})


def _one_of(way: str, offers: Sequence[Named], chosen: Named) -> None:
    key = f"tradeoffs.{way}"
    titles = {named.key: named.title for named in offers}
    show(key, chosen.key)
    st.selectbox(
        {"like": "Model and opinions", "sweep": "Sweep", "tag": "Tag"}[way],
        list(titles),
        format_func=titles.__getitem__,
        key=key,
        label_visibility="collapsed",
        on_change=_other_offer,
        args=(way,),
    )


def _other_offer(way: str) -> None:
    if is_pick(f"tradeoffs.{way}"):
        carry("of", f"{way}:{st.session_state.get(f'tradeoffs.{way}')}")


def _by_hand(known: Sequence[Run], found: Sequence[Run]) -> None:
    titles = {run.id: option(run) for run in (*known, *found)}
    show("tradeoffs.hand", [run.id for run in found])
    st.multiselect(
        "Runs",
        list(titles),
        format_func=titles.__getitem__,
        key="tradeoffs.hand",
        label_visibility="collapsed",
        max_selections=MOST_DRAWN,
        select_all=False,
        placeholder="Choose runs",
        on_change=_other_runs,
    )


def _other_runs() -> None:
    if not is_pick("tradeoffs.hand"):
        return
    chosen = st.session_state.get("tradeoffs.hand") or []
    runs = ",".join(str(run_id)[:DIGITS] for run_id in chosen) or None
    carry_all({"runs": runs, "of": None if runs else "hand:"})


def written(runs: Sequence[Run]) -> str:
    """Runs as the address has them."""
    return ",".join(run.id[:DIGITS] for run in runs[:MOST_DRAWN])


def _ready(found: Sequence[Run]) -> list[Run]:
    """Those that have ended well, at most MOST_DRAWN; the others are counted by their state."""
    done = [run for run in found if run.state == "done"]
    states = [STATES[run.state][0] for run in found if run.state != "done"]
    if states:
        words = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
        st.caption(f"Not drawn, since not done: {words}.")
    if len(done) > MOST_DRAWN:
        st.caption(
            markup.inert(
                f"The newest {MOST_DRAWN} of {len(done)} runs are drawn: choose a sweep, a tag or runs by hand."
            )
        )
    return done[:MOST_DRAWN]
