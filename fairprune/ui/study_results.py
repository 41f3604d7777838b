"""The results of a closed study: what the judges preferred, how far one may trust them, and which metric sees what they see."""

from __future__ import annotations

import streamlit as st

from fairprune.charts_judgments import strengths_chart, trust_chart
from fairprune.judgments.bias import ALL, REGISTERED, Rule
from fairprune.judgments.closed import Closed, methods_of, metric_values, read_closed
from fairprune.judgments.metric_agreement import Comparison
from fairprune.judgments.ranking import Ranking
from fairprune.judgments.report import GROUPS_NOTE
from fairprune.judgments.results import QuestionResult, Results, results_of, trust_all, verdict
from fairprune.store import Store
from fairprune.store.judgments_values import Study
from fairprune.text import counted
from fairprune.ui import study_numbers as numbers
from fairprune.ui.caption import draw_caption
from fairprune.ui.markup import inert
from fairprune.ui.page import capitalised
from fairprune.ui.study_counted import QUIET, analysed, draw_counted, draw_exclusions, version
from fairprune.ui.study_files import QUESTION, draw_elsewhere, draw_files, draw_flow
from fairprune.ui.study_labels import draw_labels


def show(store: Store, study: Study) -> None:
    """Everything that a closed study has come to.

    Raises:
        Refused: it is not closed (`sealed`). BadInput: its promise is not what its hash says.
    """
    closed = read_closed(store, study)
    methods = methods_of(store, closed)
    if closed.label:
        draw_labels(store, closed)
        return
    results = analysed(store, closed, results_of)
    if results is None:
        if not closed.imported:
            draw_elsewhere(store, closed, next(iter(closed.questions)))
        return
    draw_counted(closed, results)
    question = _question(results, study.id)
    found = {name: one.questions[question] for name, one in results.selections.items()}
    _preferences(found, methods, question, results)
    if results.decisions:
        _hypotheses(results)
    _agreement(found, drawn_sides=not closed.imported)
    draw_exclusions(results, study.id)
    _groups(found, methods)
    if closed.ratings:
        st.header("What else was asked", anchor=False)
        st.html(numbers.rating_table(closed, results))
        st.caption(
            "Of main items, every judge counted as often as they answered. No strength rests on these answers; exploratory."
        )
    trusted = _trusted(
        store.url, study.id, version(closed), (results.without, question), store, closed, results
    )
    _metrics(trusted)
    main = (
        trusted
        if question == results.primary
        else _trusted(
            store.url, study.id, version(closed), (results.without, results.primary), store, closed, results
        )
    )
    draw_flow(closed)
    draw_files(store, closed, results, {name: main[name] for name in (ALL, REGISTERED)}, question)


# What is computed, once


@st.cache_resource(max_entries=24, show_spinner="Comparing metrics with judges …")
def _trusted(
    address: str,  # noqa: ARG001
    study_id: str,  # noqa: ARG001
    version: tuple[int, int, int],  # noqa: ARG001
    chosen: tuple[tuple[Rule, ...], str],
    _store: Store,
    _closed: Closed,
    _results: Results,
) -> dict[str, Comparison | str]:
    return trust_all(_results, chosen[1], metric_values(_store, _closed))


# What is drawn


def _question(results: Results, study_id: str) -> str:
    """The question that the numbers below speak of."""
    names = list(results.questions)
    if len(names) == 1:
        st.markdown(f"**{inert(results.questions[names[0]])}**")
        return names[0]
    words = {
        name: inert(text + (" (primary)" if name == results.primary else ""))
        for name, text in results.questions.items()
    }
    return st.radio(
        "Question",
        names,
        index=names.index(results.primary),
        format_func=words.__getitem__,
        key=f"{QUESTION}-{study_id}",
    )


def _preferences(
    found: dict[str, QuestionResult], methods: dict[str, str], question: str, results: Results
) -> None:
    st.header("Which system do judges prefer?", anchor=False)
    rankings = {name: one.ranking for name, one in found.items() if isinstance(one.ranking, Ranking)}
    for name, one in found.items():
        if isinstance(one.ranking, str):
            st.info(inert(f"{capitalised(name)}: {one.ranking}."), icon=":material/info:")
        else:
            for warning in one.ranking.warnings:
                st.warning(inert(f"{capitalised(name)}: {warning}."), icon=":material/warning:")
    if not rankings:
        return
    title = REGISTERED if REGISTERED in rankings else next(iter(rankings))
    st.plotly_chart(
        strengths_chart(rankings, methods),
        key="study.strengths",
        config=QUIET,
        alt="Strength of every system in log-odds, with 95 % intervals, under each analysis.",
    )
    text = _strength_caption(rankings[title], results.questions[question], title)
    st.caption(inert(text))
    draw_caption(text, "study.strengths")
    st.html(numbers.strength_table(found, methods))
    with st.expander("Every two systems, and what was answered"):
        for name, ranking in rankings.items():
            st.markdown(f"**{inert(capitalised(name))}**")
            st.html(numbers.difference_table(ranking, methods))
            st.html(numbers.tally_table(found[name]))
        st.caption("Strengths do not rest on *both unfair*, which is no tie, nor on *cannot tell*.")


def _strength_caption(ranking: Ranking, question: str, title: str) -> str:
    to = f"relative to {ranking.reference}" if ranking.reference else "relative to the mean of the systems"
    return (
        f"“{question}” Strengths by Bradley–Terry–Davidson, in log-odds {to}; 0.7 means preferred twice as often. Lines are 95 % "
        f"intervals over judges and samples. {capitalised(title)}: {counted(ranking.n_votes, 'decided vote')} by "
        f"{counted(ranking.n_judges, 'judge')} on "
        f"{counted(ranking.n_clusters, 'sample')}, {ranking.n_automatic} of them automatic ties; "
        f"{counted(ranking.n_both_unfair, 'vote')} 'both unfair' and {ranking.n_cannot_tell} 'cannot tell' beside them."
    )


def _hypotheses(results: Results) -> None:
    st.header("What was registered, and what became of it", anchor=False)
    for sentence in numbers.no_decision(results.decisions):
        st.info(inert(f"{capitalised(sentence)}."), icon=":material/info:")
    st.html(numbers.hypothesis_table(results.decisions))
    st.caption(
        "Adjusted by Holm for all that were registered. *As registered* decides; a hypothesis that is not supported is not refuted."
    )


def _agreement(found: dict[str, QuestionResult], *, drawn_sides: bool) -> None:
    st.header("How far do judges agree?", anchor=False)
    st.html(numbers.agreement_table(found))
    st.caption(
        "α is 0 where judges agree as often as chance would, and 1 where they always do; where one system wins nearly always, "
        "agreement is high and α low. "
        + (
            "Sides were drawn at random: without a bias left is chosen in half of the votes for a side."
            if drawn_sides
            else "Whether sides were drawn at random is not known: only then is left chosen in half of the votes without a bias."
        )
    )


def _groups(found: dict[str, QuestionResult], methods: dict[str, str]) -> None:
    if not any(one.groups for one in found.values()):
        return
    st.header("Do groups of judges differ?", anchor=False)
    st.html(numbers.group_table(found, methods))
    st.caption(GROUPS_NOTE)


def _metrics(trusted: dict[str, Comparison | str]) -> None:
    st.header("Which metric should one trust?", anchor=False)
    known: dict[str, Comparison] = {}
    for name, found in trusted.items():
        if isinstance(found, str):
            st.info(inert(f"{capitalised(name)}: {found}."), icon=":material/info:")
        else:
            known[name] = found
            st.markdown(f"**{inert(capitalised(name))}.** {inert(verdict(found))}")
    if not known:
        return
    name = REGISTERED if REGISTERED in known else next(iter(known))
    found = known[name]
    st.plotly_chart(
        trust_chart(found),
        key="study.trust",
        config=QUIET,
        alt="Share of the judges' votes that each metric, each baseline and other judges foretell, with 95 % intervals.",
    )
    text = (
        f"{capitalised(name)}: share of votes foretold, over {counted(found.n_items, 'item')} and {counted(found.n_votes, 'vote')}. "
        "The difference from which on a metric speaks of a preference is chosen on other samples. Judges among themselves: one half "
        "of an item's judges foretells the other; what people reach, not a bound. Lines are 95 % intervals over samples. Exploratory."
    )
    st.caption(inert(text))
    draw_caption(text, "study.trust")
    with st.expander("All numbers, with rank correlation and gain on the baselines"):
        st.html(numbers.trust_table(known))
