"""A study's report as one file: the flow of participants as a picture, methods, findings, exclusions, pay and time, the frozen hash.

Plain HTML and SVG, which need nothing from elsewhere and run nothing; every text is escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from fairprune.judgments.bias import ALL, REGISTERED
from fairprune.judgments.closed import Closed
from fairprune.judgments.elsewhere import IMPORTED
from fairprune.judgments.frozen import LabelDesign
from fairprune.judgments.label_report import (
    ACCURACY_HEADS,
    AGAINST_HEADS,
    LABEL_GROUP_HEADS,
    SPD2_HEADS,
    WHAT_IT_MEANS,
    accuracy_rows,
    against_rows,
    label_findings,
    label_group_rows,
    label_methods,
    matrix_table,
    spd2_rows,
)
from fairprune.judgments.label_results import LabelResults
from fairprune.judgments.metric_agreement import Comparison
from fairprune.judgments.ranking import Ranking
from fairprune.judgments.report import (
    GROUPS_NOTE,
    NOBODY_LEFT,
    NOT_KNOWN,
    RULE_NAMES,
    Flow,
    Row,
    findings,
    methods,
    number,
    number_of,
    table,
    told_group,
)
from fairprune.judgments.results import NOT_REGISTERED, Analysed, Found, QuestionResult, Results, flow_in
from fairprune.judgments.votes import AnyVote
from fairprune.text import counted

BOX, SIDE, GAP, LINE = 300, 300, 46, 20
"""Widths of the boxes in the middle and at the side, between two boxes, and of a line of text, in pixels."""
PAIR = ("What", "Value")
GROUP_HEADS = ("Judges", "Counted", "Votes", "Same answer, of two judges of an item", "Strengths, log-odds")


def flow_svg(flow: Flow, withdrawn: int = 0) -> str:
    """The flow of participants, after CONSORT, as a plain SVG of black on white."""
    steps: list[tuple[list[str], list[str]]] = []
    if flow.arrived is not None:
        steps = [
            (
                ["Opened the link", f"n = {flow.arrived}"],
                [f"No consent: n = {flow.no_consent}", f"Screened out: n = {flow.screened_out}"],
            ),
            (
                ["Consented and eligible", f"n = {flow.arrived - flow.no_consent - flow.screened_out}"],
                [f"Left before the first answer: n = {flow.no_answer}"],
            ),
        ]
    steps += [
        (
            ["Gave answers", f"n = {flow.judged}", flow.ends],
            [f"Left out, {RULE_NAMES.get(rule, rule)}: n = {n}" for rule, n in flow.excluded]
            or ["Left out by the rules: n = 0"],
        ),
        (["Analysed as registered", f"n = {flow.analysed}"], []),
    ]
    notes = (
        [f"{counted(withdrawn, 'judge')} had their data deleted and are in no number."] if withdrawn else []
    )
    if flow.arrived is None:
        notes.append(f"{NOT_KNOWN[:1].upper()}{NOT_KNOWN[1:]}.")
    parts: list[str] = []
    y = 10
    for place, (lines, leaving) in enumerate(steps):
        height = 16 + LINE * len(lines)
        parts.append(_box(10, y, BOX, height, lines, bold=True))
        below = y + height + GAP
        if leaving:
            tall = 12 + LINE * len(leaving)
            middle = y + height + GAP / 2
            top = middle - tall / 2
            parts.append(_box(BOX + 50, top, SIDE, tall, leaving))
            parts.append(_line(10 + BOX / 2, middle, BOX + 50, middle))
            below = max(below, int(top + tall + 8))
        if place < len(steps) - 1:
            parts.append(_line(10 + BOX / 2, y + height, 10 + BOX / 2, below))
        y = below
    for note in notes:
        parts.append(f'<text x="10" y="{y}" font-size="13">{escape(note)}</text>')
        y += LINE
    width = BOX + SIDE + 60
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" width="{width}" height="{y}" role="img" '
        'font-family="sans-serif" font-size="14" fill="#18212c"><title>Flow of participants</title>'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0 8 4 0 8z"/></marker></defs>'
        f'<rect width="{width}" height="{y}" fill="#ffffff"/>{"".join(parts)}</svg>'
    )


def _box(x: float, y: float, width: float, height: float, lines: Sequence[str], *, bold: bool = False) -> str:
    texts = ""
    for i, line in enumerate(lines):
        weight = ' font-weight="bold"' if bold and not i else ""
        size = ' font-size="12"' if i > 1 else ""
        place = f'x="{x + 12:g}" y="{y + 6 + LINE * (i + 0.75):g}"'
        texts += f"<text {place}{weight}{size}>{escape(line)}</text>"
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6" fill="#f3f5f8" stroke="#5a6675"/>{texts}'


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="#18212c" stroke-width="1.5" marker-end="url(#tip)"/>'


def methods_text(closed: Closed, flow: Flow) -> str:
    """The methods paragraph of what was registered; of a study that registered nothing, that sentence."""
    if closed.imported:
        return _of_elsewhere(closed, flow)
    if closed.promise is None:
        asked = f"{counted(len(closed.items), 'item')} with {closed.study.design.get('votes_per_item', 3)} votes each"
        return (
            f"{counted(flow.judged, 'judge')} answered {counted(len(closed.questions), 'question')} about {asked}. No analysis was "
            f"registered. Design and items were frozen when the study opened (SHA-256 {closed.study.hash})."
        )
    design, frozen = closed.promise
    return (
        label_methods(design, frozen, flow, closed.given)
        if isinstance(design, LabelDesign)
        else methods(design, frozen, flow, closed.given)
    )


def _of_elsewhere(closed: Closed, flow: Flow) -> str:
    """What can be said of votes that were collected elsewhere, and what cannot."""
    file = closed.study.design[IMPORTED]
    day = closed.study.created
    return (
        f"{counted(len(closed.votes), 'vote')} by {counted(flow.judged, 'judge')} on {counted(len(closed.items), 'item')} were collected "
        f"elsewhere, and read from {file['file']} (SHA-256 {file['sha256']}) on {day:%Y-%m-%d}. Nothing was registered here, and every "
        f"number is exploratory. Not known: {'; '.join(closed.missing)}."
    )


def pay_of(closed: Closed, each: float | None) -> dict[str, float] | None:
    """What every judge who completed was paid; None: it is not known."""
    if each is None:
        return None
    if each == 0:
        return {}
    known = {one.judge for one in closed.given}
    return {one.judge: each for one in closed.judges if one.state == "completed" and one.judge in known}


def report_rows(closed: Closed, flow: Flow, each: float | None = None, currency: str = "") -> list[Row]:
    """Exclusions, time and pay.

    Raises:
        BadInput: pay without a currency, or below 0.
    """
    rows = table(flow, closed.given, pay_of(closed, each), currency)
    return [*rows, Row("judges who had their data deleted", str(closed.study.withdrawn))]


def report_html(
    closed: Closed,
    results: Results,
    trusted: Mapping[str, Comparison | str],
    each: float | None = None,
    currency: str = "",
) -> str:
    """The report of a study of pairs as one HTML document.

    Args:
        trusted: 'all' and 'as registered' → how the metrics agree with the judges on the primary question.
        each: what every judge who completed was paid; None: not recorded.

    Raises:
        BadInput: as `report_rows`, a flow that does not add up.
    """
    parts = []
    for question, text in results.questions.items():
        parts.append(f"<h2>{escape(text)}</h2>")
        for name in (ALL, REGISTERED):
            own = results.selections[name].questions[question]
            counts = results.selections[name].counts
            found = (
                escape(own.ranking)
                if isinstance(own.ranking, str)
                else escape(findings(own.ranking, own.agreement, own.sides))
            )
            parts.append(
                f"<p><b>{escape(name.capitalize())}</b> ({counted(counts.judges, 'judge')}): {found}</p>"
            )
        by_group = group_rows(
            {name: results.selections[name].questions[question] for name in (ALL, REGISTERED)}
        )
        if by_group:
            parts.append(
                f"<h3>Groups of judges</h3>{_table(GROUP_HEADS, by_group)}<p>{escape(GROUPS_NOTE)}</p>"
            )
    for name, decided in results.decisions.items():
        parts.append(f"<h2>Registered hypotheses, {escape(name)}</h2>")
        if isinstance(decided, str):
            parts.append(f"<p>{escape(decided)}</p>")
            continue
        parts.append(
            _table(
                ["Hypothesis", "Log-odds", "Direct votes", "p", "p (Holm)", "Supported"],
                [
                    [
                        one.hypothesis.text,
                        number(one.difference),
                        str(one.difference.n),
                        p_text(one.p_value),
                        p_text(one.p_holm),
                        "yes" if one.supported else "no",
                    ]
                    for one in decided
                ],
            )
        )
    for name, compared in trusted.items():
        parts.append(f"<h2>Which metric sees what the judges see? {escape(name.capitalize())}</h2>")
        parts.append(f"<p>{escape(compared)}</p>" if isinstance(compared, str) else _trust(compared))
    return _whole(closed, results, parts, each, currency)


def group_rows(found: Mapping[str, QuestionResult]) -> list[list[str]]:
    """By GROUP_HEADS, per group and analysis; [] where no judge told a group.

    Args:
        found: name of an analysis → what its judges say to a question.
    """
    rows = []
    for name in sorted({one.group for question in found.values() for one in question.groups}):
        for title, question in found.items():
            own = next((one for one in question.groups if one.group == name), None)
            cells = ["0", "–", NOBODY_LEFT]
            if own is not None:
                count = f"{counted(own.votes, 'vote')} by {counted(own.judges, 'judge')}"
                cells = [count, number_of(own.raw, "item"), _strengths(own.ranking)]
            rows.append([told_group(name), title, *cells])
    return rows


def _strengths(ranking: Ranking | str) -> str:
    if isinstance(ranking, str):
        return ranking
    told = [f"{one.system} {number_of(one.strength, 'decided vote')}" for one in ranking.strengths]
    return "; ".join([*told, *(f"warning: {warning}" for warning in ranking.warnings)])


def label_report_html(
    closed: Closed,
    results: LabelResults,
    reported: Mapping[str, Mapping[str, Any]],
    each: float | None = None,
    currency: str = "",
) -> str:
    """The report of a study of labels.

    Args:
        reported: system → the cell of SPD2 of its run.
        each: as `report_html`.

    Raises:
        BadInput: as `report_html`.
    """
    parts = []
    for name in (ALL, REGISTERED):
        selection = results.selections[name]
        own = selection.questions[results.question]
        parts.append(
            f"<h2>{escape(name.capitalize())}: {escape(counted(selection.counts.judges, 'judge'))}</h2>"
        )
        parts += [f"<p>{escape(one)}</p>" for one in label_findings(own, results.margin)]
        parts.append(_table(ACCURACY_HEADS, accuracy_rows(own)))
        for system, matrix in own.confusion.items():
            parts.append(f"<h3>Confusion matrix: {escape(system)}</h3>{_table(*matrix_table(matrix))}")
        parts.append(f"<h3>What it means for SPD2</h3><p>{escape(WHAT_IT_MEANS)}</p>")
        parts.append(_table(SPD2_HEADS, spd2_rows(own, reported)))
        if own.against:
            parts.append(_table(AGAINST_HEADS, against_rows(own.against, results.margin)))
    by_group = label_group_rows(
        {name: results.selections[name].questions[results.question] for name in (ALL, REGISTERED)}
    )
    if by_group:
        parts.append(
            f"<h2>Groups of judges</h2>{_table(LABEL_GROUP_HEADS, by_group)}<p>{escape(GROUPS_NOTE)}</p>"
        )
    return _whole(closed, results, parts, each, currency)


def _whole(
    closed: Closed,
    results: Analysed[AnyVote, Found],
    found: Sequence[str],
    each: float | None,
    currency: str,
) -> str:
    """What the reports of both tasks have, around what was found."""
    flow = flow_in(closed, results.rules)
    rows = [[row.what, row.value] for row in report_rows(closed, flow, each, currency)]
    parts = [
        f"<h1>{escape(closed.study.title)}</h1>",
        f"<h2>Participants</h2>{flow_svg(flow, closed.study.withdrawn)}",
        f"<h2>Methods</h2><p>{escape(methods_text(closed, flow))}</p>",
        f"<h2>Exclusions, pay and time</h2>{_table(list(PAIR), rows)}",
    ]
    if results.exclusions:
        left_out = [[one.judge, RULE_NAMES[one.rule], one.detail] for one in results.exclusions]
        parts.append(_table(["Judge", "Rule", "What was seen"], left_out))
    if not results.registered:
        parts.append(f"<p><b>{escape(NOT_REGISTERED.capitalize())}.</b></p>")
    return _document(
        closed.study.title, "".join([*parts, *found, f"<h2>Frozen design</h2>{_hashes(closed)}"])
    )


def p_text(value: float | None) -> str:
    """'p < .001', 'p = 0.032', or that it could not be tested."""
    if value is None:
        return "not tested"
    return "p < .001" if value < 0.001 else f"p = {value:.3f}"


def _trust(found: Comparison) -> str:
    rows = [
        [
            one.name,
            "baseline" if one.baseline else "",
            *(number(value) for value in (one.accuracy, one.preference, one.tau, one.gain)),
            str(one.accuracy.n),
        ]
        for one in (*found.metrics, found.constant, found.ceiling)
    ]
    heads = ["What", "", "Accuracy", "Among preferences", "τ", "Gain on the best baseline", "Items"]
    return _table(heads, rows)


def _hashes(closed: Closed) -> str:
    whole = "Questions and items as they were read" if closed.imported else "Design and items as opened"
    rows = [[whole, str(closed.study.hash)]]
    if closed.imported:
        rows.append(["The file", str(closed.study.design[IMPORTED]["sha256"])])
    if closed.promise is not None:
        rows.append(["Hypotheses, exclusions and primary analysis", closed.promise[1].digest])
    text = "" if closed.promise is None else f"<pre>{escape(closed.promise[1].text)}</pre>"
    return _table(["What", "SHA-256"], rows) + text


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _document(title: str, body: str) -> str:
    # Nothing is fetched and nothing runs, whatever a title or a comment holds.
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    style = (
        "body{font:16px/1.5 sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#18212c;background:#fff}"
        "table{border-collapse:collapse}td,th{border:1px solid #d5dbe3;padding:.3rem .6rem;text-align:left;vertical-align:top}"
        ".wide{overflow-x:auto}pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:12px}svg{max-width:100%;height:auto}"
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style}</style></head><body>{body}</body></html>"
    )
