"""What a study promises before any vote: hypotheses, exclusions, the primary analysis; and the power that the plan has for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st

from fairprune.charts import percent
from fairprune.judgments.bias import Rules, left_out
from fairprune.judgments.brief import Assumed, Brief
from fairprune.judgments.frozen import AnyDesign, Design, Drawn, Hypothesis, LabelDesign
from fairprune.judgments.label_report import label_name
from fairprune.judgments.labelling import LABEL
from fairprune.judgments.votes import BETTER, FAIRER
from fairprune.text import counted
from fairprune.ui import markup
from fairprune.ui.study_form import Fields, help_of
from fairprune.ui.widgets import sentence

MOST = 8
QUESTION_NAMES = {FAIRER: "fairer to all groups", BETTER: "better overall"}
SIDE_NAMES = {"one": "the first is stronger", "two": "they differ"}
ASSUMED: tuple[tuple[str, str, float, float, float], ...] = (
    ("effect", "Preference for the better one", 0.5, 0.99, 0.01),
    ("ties", "Ties between equals", 0.01, 0.95, 0.05),
    ("careless", "Careless judges", 0.0, 0.9, 0.05),
    ("judge_sd", "Spread of judges", 0.0, 5.0, 0.1),
    ("sample_sd", "Spread of samples", 0.0, 5.0, 0.1),
)
"""Field, label, least, most, step."""


def claim(first: str, second: str, question: str, sides: str) -> str:
    """A hypothesis in words, where nobody writes others.

    >>> claim("dense", "wanda 50 %", "fairer", "one")
    'dense is judged fairer to all groups than wanda 50 %.'
    """
    if sides == "one":
        return f"{first} is judged {QUESTION_NAMES[question]} than {second}."
    return f"{first} and {second} are not judged alike ({QUESTION_NAMES[question]})."


def draw_claims(
    fields: Fields, brief: Brief | None, systems: Sequence[str], questions: Sequence[str]
) -> dict[str, Any]:
    """Hypotheses, exclusions, error rate; as values of a brief."""
    st.header("What is promised", anchor=False)
    st.caption(
        "All of this is frozen and hashed when the study opens. The primary analysis: strengths by Davidson's model, intervals over "
        "judges and samples, all hypotheses together at one error rate (Holm). All else is exploratory."
    )
    first = len(brief.hypotheses) if brief else 0
    count = st.number_input(
        "Hypotheses", min_value=0, max_value=MOST, **fields("hypotheses", min(MOST, first))
    )
    hypotheses = []
    if count and len(systems) < 2:
        st.caption("Choose runs first: a hypothesis speaks of two systems.")
    elif count:
        for place in range(int(count)):
            own = brief.hypotheses[place] if brief and place < len(brief.hypotheses) else None
            hypotheses.append(_hypothesis(fields, place, own, systems, questions))
    rules = draw_rules(fields, brief.rules if brief else Rules())
    alpha = st.number_input(
        "Error rate of all hypotheses",
        min_value=0.001,
        max_value=0.5,
        step=0.01,
        format="%.3f",
        help=help_of("alpha"),
        **fields("alpha", brief.alpha if brief else 0.05),
    )
    return {"hypotheses": hypotheses, "rules": rules, "alpha": alpha}


def _hypothesis(
    fields: Fields, place: int, own: Any, systems: Sequence[str], questions: Sequence[str]
) -> dict[str, Any]:
    def choice(
        name: str, label: str, options: Sequence[str], first: str, names: Mapping[str, str] | None = None
    ) -> str:
        if fields.value(f"h{place}.{name}") not in options:
            st.session_state.pop(fields.key(f"h{place}.{name}"), None)
        known = first if first in options else options[0]
        shown = dict(names or {option: option for option in options})
        found: str = st.selectbox(
            label, list(options), format_func=shown.__getitem__, **fields(f"h{place}.{name}", known)
        )
        return found

    with st.container(border=True):
        columns = st.columns(4)
        with columns[0]:
            one = choice("first", f"H{place + 1}: system", systems, own.first if own else systems[0])
        with columns[1]:
            other = choice("second", "compared with", systems, own.second if own else systems[1])
        with columns[2]:
            question = choice("question", "by", questions, own.question if own else FAIRER, QUESTION_NAMES)
        with columns[3]:
            sides = choice("sides", "expected", ("one", "two"), own.sides if own else "one", SIDE_NAMES)
        plain = claim(one, other, question, sides)
        written = (
            own.text if own and own.text != claim(own.first, own.second, own.question, own.sides) else ""
        )
        text = st.text_input("In words", placeholder=plain, **fields(f"h{place}.text", written))
    return {
        "text": text.strip() or plain,
        "first": one,
        "second": other,
        "question": question,
        "sides": sides,
    }


def draw_rules(fields: Fields, rules: Rules) -> dict[str, Any]:
    """Whom the analysis leaves out; as values of its rules."""
    with st.expander("Whom the analysis leaves out"):
        st.caption(
            "Rules, not deletions: every result is shown for all judges and as registered. An empty field: no such rule."
        )
        return _rules(fields, rules)


def _rules(fields: Fields, rules: Rules) -> dict[str, Any]:
    shown: tuple[tuple[str, str, Any, Any, Any], ...] = (
        ("attention_failures", "Failed attention items", 1, 10, 1),
        ("least_seconds", "Median seconds below", 0.1, 600.0, 0.5),
        ("straight_lining", "Share of one answer from", 0.51, 1.0, 0.01),
        ("least_answers", "Answers from which on that is said", 2, 1000, 1),
    )
    found = {}
    for column, (name, label, least, most, step) in zip(st.columns(4), shown, strict=True):
        with column:
            found[name] = st.number_input(
                label,
                min_value=least,
                max_value=most,
                step=step,
                value=None,
                help=sentence(Rules, name),
                **fields(f"rule.{name}", getattr(rules, name)),
            )
    if found["least_answers"] is None:
        found["least_answers"] = rules.least_answers
    found["attention_skips"] = st.checkbox(
        "A skipped attention item counts as failed",
        help=sentence(Rules, "attention_skips"),
        **fields("rule.attention_skips", rules.attention_skips),
    )
    return found


def draw_assumed(fields: Fields, brief: Brief | None) -> dict[str, float]:
    """What is assumed of the judges."""
    assumed = brief.assumed if brief else Assumed()
    found = {}
    for part in (ASSUMED[:3], ASSUMED[3:]):
        for column, (name, label, least, most, step) in zip(st.columns(3), part, strict=False):
            with column:
                found[name] = float(
                    st.number_input(
                        label,
                        min_value=least,
                        max_value=most,
                        step=step,
                        help=sentence(Assumed, name),
                        **fields(f"assumed.{name}", getattr(assumed, name)),
                    )
                )
    return found


def _interval(found: Mapping[str, Any]) -> str:
    ends = f"{100 * found['low']:.0f} to {percent(found['high'], 0)}"
    return f"95 %: {ends}, n = {found['simulations']} simulated studies"


def power_tile(found: Mapping[str, Any]) -> str:
    """The simulated power with its interval, as HTML."""
    one = found["assumptions"]
    preferred = f"finds a preference of {percent(one['effect'], 0)} for one system over another"
    if one["effect"] == 0.5:
        preferred = "finds a difference where there is none: false alarms"
    size = f"{one['judges']} judges, {one['items']} items, {one['votes_per_item']} votes each"
    width = f"the 95 % interval of the difference is {found['width']:.2f} log-odds wide on average"
    return markup.grid(
        [markup.tile(f"Power: {preferred}", percent(found["power"], 0), _interval(found), size, width)],
        "20rem",
    )


def promise_html(design: AnyDesign, found: Mapping[str, Any] | None) -> str:
    """All that is registered, as a list of terms.

    Args:
        found: the simulation that the registered power comes from, with its interval; None: it is not known any more.
    """
    terms = _labelled(design) if isinstance(design, LabelDesign) else _compared(design, found)
    rows = "".join(
        f"<dt>{escape(name)}</dt>" + "".join(f"<dd>{escape(text)}</dd>" for text in texts)
        for name, texts in terms
    )
    return f'<dl class="fp-terms">{rows}</dl>'


def _labelled(design: LabelDesign) -> list[tuple[str, list[str]]]:
    one = design.analysis
    pairs = ", ".join(f"{pruned} against {dense}" for pruned, dense in design.pairs)
    return [
        ("Left out by the analysis", [_left_out(design.rules)]),
        (
            "Primary analysis",
            [
                "Agreement of the judges (raw, Krippendorff's α nominal); per system the classifier's confusion matrix and accuracy "
                "against what more than half of a sentence's judges said; its errors' part in SPD2. Intervals over samples, "
                f"{one.resamples:,} resamples, seed {one.seed}",
                f"Errors in a difference of SPD2 ({pairs or 'no pruned system beside its dense one'}) are within, or beyond, a margin of "
                f"{one.margin:g} where their whole interval is",
            ],
        ),
        ("Question", [f"“{design.texts[LABEL]}” {', '.join(design.groups)}, several groups, no group"]),
        ("Classifier", [design.classifier]),
        (
            "Sentences",
            [
                f"{name}: "
                + ", ".join(f"{row.sentences} of {row.of} called {label_name(row.predicted)}" for row in rows)
                for name, rows in _by_system(design).items()
            ],
        ),
        (
            "Design",
            [
                f"{counted(len(design.systems), 'system')}, {counted(len(design.samples), 'sample')}, {counted(design.items, 'sentence')} "
                f"with {_work(design)}"
            ],
        ),
    ]


def _by_system(design: LabelDesign) -> dict[str, list[Drawn]]:
    found: dict[str, list[Drawn]] = {}
    for one in design.drawn:
        found.setdefault(one.system, []).append(one)
    return found


def _work(design: AnyDesign) -> str:
    """Votes and checks, in words."""
    ties = f", {counted(design.automatic_ties, 'automatic tie')}" if isinstance(design, Design) else ""
    return (
        f"{counted(design.votes_per_item, 'vote')} each{ties}, {counted(design.attention, 'attention item')} and "
        f"{counted(design.repeats, 'repeated item')} per judge, seed {design.seed}"
    )


def _compared(design: Design, found: Mapping[str, Any] | None) -> list[tuple[str, list[str]]]:
    one = design.analysis
    of_question = QUESTION_NAMES.get(one.question, one.question)
    power = "not simulated"
    if design.power is not None:
        known = "" if found is None else f" ({_interval(found)})"
        power = f"{percent(design.power, 0)} under the registered assumptions{known}"
    return [
        (
            "Hypotheses",
            [_claimed(item) for item in design.hypotheses] or ["none: all results are exploratory"],
        ),
        ("Left out by the analysis", [_left_out(design.rules)]),
        (
            "Primary analysis",
            [
                f"Bradley–Terry–Davidson strengths by the question “{of_question}”, ridge {one.ridge:g}, {one.resamples:,} resamples, "
                f"seed {one.seed}, error rate {one.alpha:g} for all hypotheses together (Holm)"
            ],
        ),
        ("Standard", [f"{design.standard}: “{design.texts[FAIRER]}”"]),
        (
            "Design",
            [
                f"{counted(len(design.systems), 'system')} ({', '.join(system.name for system in design.systems)}), "
                f"{counted(len(design.pairs), 'pair')}, {counted(len(design.samples), 'sample')}, {counted(design.items, 'item')} with "
                f"{_work(design)}"
            ],
        ),
        ("Power", [power]),
    ]


def _claimed(item: Hypothesis) -> str:
    by = QUESTION_NAMES.get(item.question, item.question)
    return f"{item.text} ({item.first} – {item.second}, {by}, {item.sides}-sided)"


def _left_out(rules: Rules) -> str:
    parts = list(left_out(rules).values())
    if not parts:
        return "nobody"
    return f"judges who {'; '.join(parts)} (time and sameness are looked at from {rules.least_answers} answers on)"
