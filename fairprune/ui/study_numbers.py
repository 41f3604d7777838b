"""The numbers of a study as HTML tables: each with n and its interval, or with the reason why it has none; 'all' beside 'as registered'."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape

from fairprune.charts import percent, points
from fairprune.charts_judgments import mark_of
from fairprune.judgments.bias import ALL, REGISTERED, SlowOrFast
from fairprune.judgments.closed import Closed
from fairprune.judgments.measured import Measured
from fairprune.judgments.metric_agreement import Comparison
from fairprune.judgments.primary import Decision
from fairprune.judgments.ranking import Ranking
from fairprune.judgments.report import NOBODY_LEFT, RULE_NAMES, told_group
from fairprune.judgments.report_file import p_text
from fairprune.judgments.results import OWN, Analysed, Counts, Found, QuestionResult, Results
from fairprune.judgments.votes import AnyVote
from fairprune.text import counted
from fairprune.ui import markup

MOST_OUTLIERS = 12


def cell(value: Measured, what: str, *, share: bool = False, signed: bool = False) -> str:
    """A value with its interval and what was counted; HTML.

    Args:
        what: one thing that n counts, such as 'item'.
        share: a fraction that is read in percent; a signed one, which is a difference of two, in points.
    """

    def shown(one: float) -> str:
        if share:
            return points(one) if signed else percent(one)
        return markup.number(one, signed)

    count = f"n = {counted(value.n, what)}"
    if value.value is None:
        return f"<b>–</b><small>not defined: {escape(str(value.why))}</small>"
    if value.low is None or value.high is None:
        return f"<b>{shown(value.value)}</b><small>no interval: {escape(str(value.why))}</small><small>{count}</small>"
    note = f"<small>{escape(value.why)}</small>" if value.why else ""
    return f"<b>{shown(value.value)}</b><small>95 %: {shown(value.low)} to {shown(value.high)}</small><small>{count}</small>{note}"


def markup_title(name: str) -> str:
    return escape(name[:1].upper() + name[1:])


def tiles(results: Analysed[AnyVote, Found]) -> str:
    """Who is counted in which analysis; HTML."""
    found = []
    for name, selection in results.selections.items():
        counts = selection.counts
        found.append(
            markup.tile(
                name[:1].upper() + name[1:],
                f"{counts.votes:,} votes",
                f"by {counted(counts.judges, 'judge')} on {counted(counts.items, 'item')}; {counted(counts.repeats, 'repeat')} beside them",
                *counted_who(counts),
            )
        )
    return markup.grid(found, "18rem")


def counted_who(counts: Counts) -> list[str]:
    """Whose votes are in it that one might not expect; sentences."""
    notes = []
    if counts.stopped:
        notes.append(
            f"with {counted(counts.stopped_votes, 'vote')} by {counted(counts.stopped, 'judge')} whom the study stopped: others judged "
            "the same items once more"
        )
    if counts.left:
        notes.append(
            f"with {counted(counts.left_votes, 'vote')} by {counted(counts.left, 'judge')} who left early"
        )
    return notes


def strength_table(found: Mapping[str, QuestionResult], methods: Mapping[str, str]) -> str:
    """A row per system: strength under each analysis; HTML."""
    order: list[str] = []
    for one in reversed(list(found.values())):
        if isinstance(one.ranking, Ranking):
            order += [s.system for s in one.ranking.strengths if s.system not in order]
    rows = []
    for system in order:
        cells = []
        for one in found.values():
            own = (
                {} if isinstance(one.ranking, str) else {s.system: s.strength for s in one.ranking.strengths}
            )
            cells.append(cell(own[system], "decided vote", signed=True) if system in own else "<b>–</b>")
        rows.append([markup.tag(system, mark_of(system, methods).colour), *cells])
    nu = [
        "<b>–</b>" if isinstance(one.ranking, str) else cell(one.ranking.nu, "decided vote")
        for one in found.values()
    ]
    rows.append(["ties (ν)", *nu])
    return markup.table(["System", *(markup_title(name) for name in found)], rows)


def difference_table(ranking: Ranking, methods: Mapping[str, str]) -> str:
    """Every two systems that are connected: how much the first is preferred; HTML."""
    rows = [
        [
            f"{markup.tag(one.better, mark_of(one.better, methods).colour)} over "
            f"{markup.tag(one.worse, mark_of(one.worse, methods).colour)}",
            cell(one.difference, "direct vote", signed=True),
            escape(p_text(one.p_value)),
        ]
        for one in ranking.differences
    ]
    return markup.table(["Pair", "Difference in log-odds", "p, not adjusted"], rows)


def tally_table(found: QuestionResult) -> str:
    """What the votes about each pair were; HTML."""
    rows = [
        [
            escape(f"{one.system_a} – {one.system_b}"),
            *(f"<b>{n}</b>" for n in (one.a, one.tie, one.b, one.both_unfair, one.cannot_tell)),
        ]
        for one in found.tally
    ]
    return markup.table(["Pair", "First", "Tie", "Second", "Both unfair", "Cannot tell"], rows)


def agreement_table(found: Mapping[str, QuestionResult]) -> str:
    """Agreement, α, consistency and the left side's share, under each analysis; HTML."""
    rows = [
        [
            "Same answer, of two judges of an item",
            *(cell(q.agreement.raw, "item", share=True) for q in found.values()),
        ],
        ["α, ordinal (first, tie, second)", *(cell(q.agreement.ordinal, "item") for q in found.values())],
        ["α, nominal (with both unfair)", *(cell(q.agreement.nominal, "item") for q in found.values())],
        [
            "Same answer when asked again, sides swapped",
            *(cell(q.consistency.same, "repeat", share=True) for q in found.values()),
        ],
        ["Left, of the votes for a side", *(cell(q.sides.share, "vote", share=True) for q in found.values())],
        [
            "Is left preferred for being left?",
            *(
                f"<b>{escape(p_text(q.sides.p_judges))}</b><small>flipping whole judges; {escape(p_text(q.sides.p_exact))} binomial</small>"
                f"<small>{q.sides.left} left, {q.sides.right} right</small>"
                for q in found.values()
            ),
        ],
    ]
    return markup.table(["Measure", *(markup_title(name) for name in found)], rows)


def hypothesis_table(decisions: Mapping[str, Sequence[Decision] | str]) -> str:
    """The registered hypotheses, under both analyses; HTML."""
    listed = next((one for one in decisions.values() if not isinstance(one, str)), ())
    rows = []
    for place, first in enumerate(listed):
        side = "one-sided" if first.hypothesis.sides == "one" else "two-sided"
        head = f"{escape(first.hypothesis.text)}<small>{escape(f'{first.hypothesis.first} – {first.hypothesis.second}')}, {side}</small>"
        cells = [
            escape(found) if isinstance(found, str) else _decision(found[place])
            for found in decisions.values()
        ]
        rows.append([head, *cells])
    return markup.table(["Hypothesis", *(markup_title(name) for name in decisions)], rows)


def _decision(one: Decision) -> str:
    word = ("supported", "#009e73", "▲") if one.supported else ("not supported", markup.NEUTRAL, "–")
    p = f"<small>{escape(p_text(one.p_value))}, Holm {escape(p_text(one.p_holm))}</small>"
    return f"<div>{markup.chip(*word)}</div>{cell(one.difference, 'direct vote', signed=True)}{p}"


def no_decision(decisions: Mapping[str, Sequence[Decision] | str]) -> list[str]:
    """Why the hypotheses could not be decided under an analysis; sentences."""
    return [f"{name}: {found}" for name, found in decisions.items() if isinstance(found, str)]


def exclusion_table(results: Analysed[AnyVote, Found]) -> str:
    """Which judge falls under which rule; HTML."""
    rows = [
        [escape(one.judge), escape(RULE_NAMES[one.rule]), escape(one.detail)] for one in results.exclusions
    ]
    return markup.table(["Judge", "Rule", "What was seen"], rows)


def outlier_table(results: Analysed[AnyVote, Found]) -> str:
    """Judges with votes whose time is far out of line, most of them first; HTML."""
    by_judge: dict[str, list[SlowOrFast]] = {}
    for one in results.outliers:
        by_judge.setdefault(one.vote.judge, []).append(one)
    rows = []
    for judge, own in sorted(by_judge.items(), key=lambda pair: (-len(pair[1]), pair[0]))[:MOST_OUTLIERS]:
        seconds = sorted(one.vote.seconds or 0.0 for one in own)
        far = max(own, key=lambda one: abs(one.score))
        faster = sum(one.score < 0 for one in own)
        words = [f"{n} {word}" for n, word in ((faster, "faster"), (len(own) - faster, "slower")) if n]
        given = sum(vote.judge == judge for vote in results.selections[ALL].votes if vote.answered)
        rows.append(
            [
                escape(judge),
                f"<b>{len(own)}</b> of {given}<small>{', '.join(words)}</small>",
                f"{seconds[0]:.1f} to {seconds[-1]:.1f} s",
                f"{abs(far.score):.1f} robust standard deviations",
            ]
        )
    return markup.table(["Judge", "Answers out of line", "Times", "At most"], rows)


def rating_table(closed: Closed, results: Results) -> str:
    """How often each step of the questions that compare nothing was chosen, under each analysis; HTML."""
    rows = []
    words = {one["id"]: str(one.get("text") or one["id"]) for one in closed.study.design["questions"]}
    for question, answers in closed.ratings.items():
        for name, selection in results.selections.items():
            judges = {vote.judge for vote in selection.votes}
            given = Counter(
                row.answer for row in closed.rated if row.question == question and row.judge in judges
            )
            total = sum(given.values())
            steps = "".join(
                f"<div>{escape(step)} <b>{percent(given[step] / total if total else None, 0)}</b></div>"
                for step in answers
            )
            rows.append(
                [f"{escape(words[question])}<small>{markup_title(name)}</small>", steps, f"{total:,}"]
            )
    return markup.table(["Question", "Answers", "n"], rows)


def group_table(found: Mapping[str, QuestionResult], methods: Mapping[str, str]) -> str:
    """Per self-reported group: who they are, how they agree, what they prefer, under each analysis; HTML."""
    rows: list[list[str]] = []
    names = sorted({one.group for question in found.values() for one in question.groups})
    for name in names:
        for title, question in found.items():
            who = f"<b>{escape(told_group(name))}</b><small>{markup_title(title)}</small>"
            own = next((one for one in question.groups if one.group == name), None)
            if own is None:
                rows.append([who, "<b>0</b>", "<b>–</b>", f"<small>{NOBODY_LEFT}</small>"])
                continue
            count = f"<b>{own.votes:,}</b><small>by {counted(own.judges, 'judge')}</small>"
            rows.append([who, count, cell(own.raw, "item", share=True), _preferred(own.ranking, methods)])
    return markup.table(["Judges", "Votes", "Same answer", "Strengths, log-odds"], rows)


def _preferred(ranking: Ranking | str, methods: Mapping[str, str]) -> str:
    if isinstance(ranking, str):
        return f"<small>{escape(ranking)}</small>"
    parts = []
    for one in ranking.strengths:
        value = one.strength
        ends = (
            escape(str(value.why))
            if value.low is None
            else f"{markup.number(value.low, True)} to {markup.number(value.high, True)}"
        )
        name = markup.tag(one.system, mark_of(one.system, methods).colour)
        parts.append(
            f"<div>{name} {markup.number(value.value, True)}<small>{ends}, n = {value.n}</small></div>"
        )
    warnings = "".join(f"<small>{escape(one)}</small>" for one in ranking.warnings)
    return "".join(parts) + warnings


def trust_table(found: Mapping[str, Comparison]) -> str:
    """Metrics, baselines and people: how well they foretell votes, a row per analysis; best first; HTML."""
    first = found.get(REGISTERED) or next(iter(found.values()))
    rows = []
    for name in [one.name for one in (*first.metrics, first.constant, first.ceiling)]:
        for title, compared in found.items():
            one = next(m for m in (*compared.metrics, compared.constant, compared.ceiling) if m.name == name)
            what = " (baseline)" if one.baseline else ""
            unscored = (
                f"<small>{counted(one.n_unscored, 'item')} not scored</small>" if one.n_unscored else ""
            )
            rows.append(
                [
                    f"<b>{escape(name)}</b>{what}<small>{markup_title(title)}</small>{unscored}",
                    cell(one.accuracy, "item", share=True),
                    cell(one.preference, "item", share=True),
                    cell(one.tau, "item", signed=True),
                    cell(one.gain, "item", share=True),
                ]
            )
    heads = [
        "What foretells",
        "Votes foretold",
        "Among preferences",
        "Kendall's τ",
        "Gain on the best baseline",
    ]
    return markup.table(heads, rows)


def own_note(results: Analysed[AnyVote, Found]) -> str:
    """What a third analysis is; '' where there is none."""
    if OWN not in results.selections:
        return ""
    return "An analysis with other rules than the registered ones is exploratory: report it beside the registered one, never instead."
