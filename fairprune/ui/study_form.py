"""The plan of a study as a form: widgets → the values of a `Brief`. What is typed stays, whatever is refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import streamlit as st

from fairprune.judgments.brief import FIRST, RATINGS, Brief, Task, quotas_text
from fairprune.judgments.material import Family, system_name
from fairprune.judgments.wording import STANDARDS, Wording, wording
from fairprune.store import Run
from fairprune.text import counted
from fairprune.ui.address import carried
from fairprune.ui.judge_words import answer_name
from fairprune.ui.markup import inert
from fairprune.ui.runs import option
from fairprune.ui.widgets import sentence

STANDARD_NAMES = {"proportional": "Proportional", "equal": "Equal"}
PAIR_NAMES = {"dense": "Each pruned model with its dense one", "all": "Every two systems"}
END_NAMES = {
    "completed": "Completed",
    "screened_out": "Screened out",
    "failed": "Failed attention",
    "no_consent": "No consent",
}


class Fields:
    """Keys and first values of the widgets of one draft; they outlive a visit to another page."""

    def __init__(self, where: str) -> None:
        self.where = where

    def __call__(self, name: str, first: Any) -> dict[str, Any]:
        key = self.key(name)
        if key not in st.session_state:
            st.session_state[key] = first
        return {"key": key, "persist_state": "session"}

    def key(self, name: str) -> str:
        return f"study.{self.where}.{name}"

    def value(self, name: str) -> Any:
        return st.session_state.get(self.key(name))

    def forget(self) -> None:
        """Fills the form from the stored draft again."""
        for key in [str(key) for key in st.session_state if str(key).startswith(f"study.{self.where}.")]:
            del st.session_state[key]


def help_of(name: str) -> str:
    return sentence(Brief, name)


def first_runs(family: Family) -> list[str]:
    """Where nothing is chosen yet: the run that one looked at last, or of each method the one nearest to half that says something."""
    looked_at = carried("run")
    if looked_at in [run.id for run in family.runs]:
        return [str(looked_at)]
    best: dict[str, Run] = {}
    sound = [run for run in family.runs if run.id not in family.degenerate]
    for run in sound or family.runs:
        other = best.get(run.spec.pruning.method)
        if other is None or _from_half(run) < _from_half(other):
            best[run.spec.pruning.method] = run
    return [run.id for run in best.values()][:3]


def _from_half(run: Run) -> float:
    return abs(run.spec.pruning.sparsity - 0.5)


def draw_systems(fields: Fields, found: Sequence[Family], brief: Brief | None, task: Task) -> dict[str, Any]:
    """Which runs; which pairs on how many samples, or how many sentences."""
    st.header("Whose sentences are labelled" if task == "label" else "What is compared", anchor=False)
    by_key = {family.key: family for family in found}
    mine = _family_of(found, brief)
    title = st.text_input(
        "Name of the study",
        help=help_of("title"),
        **fields("title", brief.title if brief else "Fairness of summaries"),
    )
    if fields.value("family") not in by_key:
        st.session_state.pop(fields.key("family"), None)
    key = st.selectbox(
        "Opinions",
        list(by_key),
        format_func={family.key: _family_name(family) for family in found}.__getitem__,
        help="Only runs that summarise the same opinion sets can be compared.",
        **fields("family", mine.key),
    )
    family = by_key[key]
    runs = {run.id: run for run in family.runs}
    chosen = fields.value("runs")
    if chosen is not None and not set(chosen) <= set(runs):
        del st.session_state[fields.key("runs")]
    first = [run_id for run_id in (brief.runs if brief else ()) if run_id in runs] or first_runs(family)
    picked = st.multiselect(
        "Runs",
        list(runs),
        format_func={run_id: option(run) for run_id, run in runs.items()}.__getitem__,
        max_selections=20,
        help=help_of("runs"),
        **fields("runs", first),
    )
    gone = set(brief.runs if brief else ()) - {run.id for one in found for run in one.runs}
    if gone:
        st.warning(
            f"Of this plan {counted(len(gone), 'run')} can no longer be chosen: the draft keeps its items until it is saved anew.",
            icon=":material/delete:",
        )
    flagged = [system_name(runs[run_id]) for run_id in picked if run_id in family.degenerate]
    if flagged:
        st.warning(
            f"Summaries of {inert(', '.join(flagged))} say too little: empty, repeating or off the topic. Judges will see that at once.",
            icon=":material/report:",
        )
    wanted = {"task": task, "title": title, "runs": list(picked)}
    if task == "label":
        return {**wanted, "dense": _draw_dense(fields, brief)}
    return {**wanted, **_draw_pairs(fields, brief, family)}


def _draw_dense(fields: Fields, brief: Brief | None) -> bool:
    return bool(
        st.toggle(
            "With the dense model", help=help_of("dense"), **fields("dense", brief.dense if brief else True)
        )
    )


def _draw_pairs(fields: Fields, brief: Brief | None, family: Family) -> dict[str, Any]:
    left, right = st.columns(2)
    with left:
        dense = _draw_dense(fields, brief)
    with right:
        pairs = st.segmented_control(
            "Pairs",
            list(PAIR_NAMES),
            format_func=PAIR_NAMES.__getitem__,
            required=True,
            wrap=True,
            help=help_of("pairs"),
            **fields("pairs", brief.pairs if brief else "dense"),
        )
    left, middle, right = st.columns(3)
    with left:
        most = family.n_samples
        samples = draw_number(fields, "samples", brief, "Samples", 1, max(1, most), min(12, most))
    with middle:
        items = st.number_input(
            "Items (empty: every pair on every sample)",
            min_value=1,
            max_value=9000,
            value=None,
            help=help_of("items"),
            **fields("items", brief.items if brief else None),
        )
    with right:
        seed = draw_number(fields, "seed", brief, "Seed", 0, 2**31 - 1, 0)
    return {"dense": dense, "pairs": pairs, "samples": samples, "items": items, "seed": seed}


def _family_of(found: Sequence[Family], brief: Brief | None) -> Family:
    wanted = set(brief.runs) if brief else {carried("run")}
    return next((one for one in found if wanted & {run.id for run in one.runs}), found[0])


def _family_name(family: Family) -> str:
    return f"{family.corpus} · {counted(family.n_samples, 'opinion set')} · {counted(len(family.runs), 'run')} · {family.key[-6:]}"


def draw_number(
    fields: Fields, name: str, brief: Brief | None, label: str, least: int, most: int, first: int
) -> int:
    """A whole number of the plan.

    Args:
        first: where nothing is stored.
    """
    value = getattr(brief, name) if brief else first
    key = fields(name, value)
    # A value of another choice of runs may be out of range: it stays as near as can be.
    st.session_state[key["key"]] = max(least, min(most, int(st.session_state[key["key"]] or 0)))
    return int(st.number_input(label, min_value=least, max_value=most, help=help_of(name), **key))


def draw_questions(fields: Fields, brief: Brief | None) -> dict[str, Any]:
    """The standard of fairness with the words that follow from it, and what is asked."""
    st.header("What is asked", anchor=False)
    standard = st.segmented_control(
        "Standard of fairness",
        list(STANDARDS),
        format_func=STANDARD_NAMES.__getitem__,
        required=True,
        help=help_of("standard"),
        **fields("standard", brief.standard if brief else "proportional"),
    )
    words = wording(standard)
    st.caption(f"{inert(words.codebook[0])} Judges are asked: “{inert(words.questions['fairer'])}”")
    draw_codebook(words)
    left, right_column = st.columns(2)
    with left:
        better = st.toggle(
            "Ask too which is better overall",
            help=help_of("better"),
            **fields("better", brief.better if brief else True),
        )
    with right_column:
        ratings = st.multiselect(
            "Ratings in five steps (optional)",
            list(RATINGS),
            format_func={name: text for name, (text, _) in RATINGS.items()}.__getitem__,
            help=help_of("ratings"),
            **fields("ratings", list(brief.ratings) if brief else []),
        )
    return {"standard": standard, "better": better, "ratings": list(ratings)}


def draw_codebook(words: Wording) -> None:
    """The instructions, and the item that tests who understood them, folded away."""
    with st.expander("Codebook, and the item that tests who understood it"):
        st.markdown("\n".join(f"{place}. {inert(text)}" for place, text in enumerate(words.codebook, 1)))
        one = words.comprehension
        shown = " – or – ".join(inert(text) for text in (one.left, one.right) if text)
        right = {"left": one.left, "right": one.right}.get(one.expected)
        st.markdown(f"**{inert(one.text)}** – {shown}")
        st.caption(f"Right: {inert(right or answer_name(one.expected, pair=False))} {inert(one.explanation)}")


def draw_work(fields: Fields, brief: Brief | None, task: Task) -> dict[str, Any]:
    """How much of what a judge does."""
    st.header("What a judge does", anchor=False)
    found: dict[str, Any] = {}
    numbers = (
        ("votes_per_item", "Votes per item", 1, 1000, 5),
        ("items_per_judge", "Items per judge", 1, 1000, 12),
        ("practice", "Practice items", 0, 5, 1),
        ("attention", "Attention items", 0, 10, 2),
        ("repeats", "Repeated items", 0, 100, 1),
    )
    for part in (numbers[:3], numbers[3:]):
        for column, (name, label, least, most, first) in zip(st.columns(3), part, strict=False):
            with column:
                found[name] = draw_number(
                    fields, name, brief, label, least, most, FIRST[task].get(name, first)
                )
    found["comprehension"] = st.toggle(
        "Test who understood the instructions (two tries)"
        if task == "label"
        else "Test who understood the standard (two tries)",
        help=help_of("comprehension"),
        **fields("comprehension", brief.comprehension if brief else True),
    )
    return found


def draw_words(fields: Fields, own: Fields, brief: Brief | None, task: Task) -> dict[str, Any]:
    """What judges read around the items. No field has a limit of its own: a browser drops what is longer without a word, the plan says why.

    Args:
        own: of what each task has its own of.
    """
    st.header("What judges read", anchor=False)
    found: dict[str, Any] = {}
    same = brief if brief and brief.task == task else None
    title = FIRST[task].get("public_title", Brief.model_fields["public_title"].default)
    found["public_title"] = _line(own, "public_title", "Title for judges", same, title)
    for name, label in (("introduction", "Introduction"), ("consent", "Consent text")):
        found[name] = st.text_area(
            label,
            height=110,
            help=help_of(name),
            **fields(name, getattr(brief, name) if brief else ""),
        )
    left, middle, right = st.columns(3)
    with left:
        found["contact"] = _line(fields, "contact", "Contact", brief, "")
    with middle:
        found["pay"] = _line(fields, "pay", "Pay", brief, "")
    with right:
        found["minutes"] = st.number_input(
            "Minutes",
            min_value=1,
            max_value=600,
            value=None,
            help=help_of("minutes"),
            **fields("minutes", brief.minutes if brief else None),
        )
    return found


def _line(fields: Fields, name: str, label: str, brief: Brief | None, first: str) -> str:
    value = getattr(brief, name) if brief else first
    return str(st.text_input(label, help=help_of(name), **fields(name, value)))


def draw_people(fields: Fields, brief: Brief | None) -> dict[str, Any]:
    """Who may take part, when, and what a crowd site is told. Quotas as they are typed."""
    st.header("Who takes part, and when", anchor=False)
    left, middle, right = st.columns(3)
    found: dict[str, Any] = {}
    with left:
        found["max_judges"] = st.number_input(
            "Most judges (empty: any number)",
            min_value=1,
            max_value=100_000,
            value=None,
            help=help_of("max_judges"),
            **fields("max_judges", brief.max_judges if brief else None),
        )
    for column, name, label in (
        (middle, "opens", "Opens (UTC, optional)"),
        (right, "closes", "Closes (UTC, optional)"),
    ):
        with column:
            value = st.datetime_input(
                label, value=None, help=help_of(name), **fields(name, _time(brief, name))
            )
            found[name] = None if value is None else f"{value:%Y-%m-%dT%H:%M:%S}+00:00"
    with st.expander(
        "Groups that judges say of themselves, with quotas", expanded=bool(brief and brief.quotas)
    ):
        found["group_question"] = _line(
            fields, "group_question", "Question", brief, "Which of these describes you best?"
        )
        quotas = st.text_area(
            "Groups, one a line; after a colon the most judges of it",
            height=110,
            placeholder="left-leaning: 20\nright-leaning: 20\nneither",
            **fields("quotas", quotas_text(brief.quotas) if brief else ""),
        )
    with st.expander("Crowd site: completion codes", expanded=bool(brief and (brief.crowd or brief.codes))):
        found["crowd"] = st.toggle(
            "The open link works only with a crowd site's id",
            help="Needs FAIRPRUNE_SECRET, the key under which ids are stored.",
            **fields("crowd", brief.crowd if brief else False),
        )
        codes = {}
        for end, label in END_NAMES.items():
            own = brief.codes.get(end) if brief else None
            code, address = st.columns([1, 2])
            with code:
                text = st.text_input(f"{label}: code", **fields(f"code.{end}", own.code if own else ""))
            with address:
                redirect = st.text_input(
                    f"{label}: address to go back to",
                    placeholder="https://…",
                    **fields(f"redirect.{end}", own.redirect if own else ""),
                )
            if text.strip() or redirect.strip():
                codes[end] = {"code": text.strip(), "redirect": redirect.strip()}
        found["codes"] = codes
    found["quotas"] = quotas
    return found


def _time(brief: Brief | None, name: str) -> datetime | None:
    value = getattr(brief, name) if brief else None
    return None if value is None else datetime.fromisoformat(value).replace(tzinfo=None)
