"""What a paper says of a study, written from its values: the flow of participants, the methods paragraph, exclusions, pay and time.

Text only. Numbers stand here because they were computed, and a number that is missing is said to be missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from fairprune.errors import BadInput
from fairprune.judgments.agreement import Agreement
from fairprune.judgments.bias import Rules, SideBias, exclusions, left_out
from fairprune.judgments.frozen import Design, Frozen, Promise, freeze
from fairprune.judgments.measured import Measured
from fairprune.judgments.ranking import Ranking
from fairprune.judgments.votes import SKIPPED, Given
from fairprune.text import counted

RULE_NAMES = {
    "attention": "failed attention items",
    "too_fast": "answered too fast",
    "straight_lining": "gave one answer throughout",
}


GROUPS_NOTE = "Groups as judges told them of themselves. Exploratory: overlapping intervals show no difference, few judges make wide ones."
NOBODY_LEFT = "nobody of this group is left"
LONGEST_CURRENCY = 8
NOT_KNOWN = "who came, agreed and was screened out is not known"
"""Of votes of elsewhere."""


@dataclass(frozen=True)
class Flow:
    """Where the people went who opened the study's link."""

    arrived: int | None
    """None: votes of elsewhere, of which only those who answered are known; the next three are 0 then, and not shown."""
    no_consent: int
    screened_out: int
    """Not eligible, a full quota, or the comprehension item not understood."""
    no_answer: int
    """Consented, and left before the first answer."""
    failed: int
    """Stopped by the study after attention items."""
    left: int
    """Answered, and did not finish."""
    completed: int
    excluded: tuple[tuple[str, int], ...]
    """Judges with answers whom the registered rules leave out, by the first rule that they fall under."""
    analysed: int
    """Judges with answers who stay in."""
    unknown: int = 0
    """Answered elsewhere; whether they finished is not known."""

    def __post_init__(self) -> None:
        reached = self.no_consent + self.screened_out + self.no_answer + self.judged
        if self.arrived is not None and reached != self.arrived:
            raise BadInput(
                f"{self.arrived} people arrived, but {reached} are accounted for: everybody belongs into one place"
            )
        if self.judged - self.n_excluded != self.analysed:
            raise BadInput(
                f"of {self.judged} judges with answers {self.n_excluded} are excluded, but {self.analysed} are analysed"
            )

    @property
    def judged(self) -> int:
        """Gave at least one answer."""
        return self.failed + self.left + self.completed + self.unknown

    @property
    def ends(self) -> str:
        """How the parts of those who answered have ended."""
        known = f"completed {self.completed}, stopped {self.failed}, left early {self.left}"
        if not self.unknown:
            return known
        rest = "" if self.unknown == self.judged else f"; {known}"
        return f"whether they finished is not known of {self.unknown}{rest}"

    @property
    def n_excluded(self) -> int:
        return sum(n for _, n in self.excluded)


def flow_of(
    votes: Sequence[Given],
    rules: Rules,
    *,
    arrived: int | None,
    no_consent: int,
    screened_out: int,
    completed: Sequence[str],
    failed: Sequence[str] = (),
    unknown: Sequence[str] = (),
) -> Flow:
    """The flow from the votes and what only the study's own records know.

    Args:
        arrived: None where only those who answered are known.
        completed, failed, unknown: judges who reached the end, whom the study stopped, of whom neither is known.

    Raises:
        BadInput: numbers that do not add up.
    """
    judges = {vote.judge for vote in votes if vote.answered}
    first: dict[str, str] = {}
    for one in exclusions(votes, rules):
        if one.judge in judges:
            first.setdefault(one.judge, one.rule)
    by_rule = tuple((rule, n) for rule in RULE_NAMES if (n := sum(of == rule for of in first.values())))
    ended = {*completed, *failed, *unknown}
    strange = sorted(ended - judges)
    if strange:
        raise BadInput(f"judge {strange[0]!r} is said to have ended the study, but has no answer")
    return Flow(
        arrived,
        no_consent,
        screened_out,
        0 if arrived is None else arrived - no_consent - screened_out - len(judges),
        len(set(failed)),
        len(judges - ended),
        len(set(completed) - set(failed)),
        by_rule,
        len(judges) - len(first),
        len(set(unknown)),
    )


def flow_diagram(flow: Flow) -> str:
    """The flow as a diagram in plain text, after CONSORT."""
    out = [(f"left out: {RULE_NAMES.get(rule, rule)}", n) for rule, n in flow.excluded]
    answered = "gave answers"
    steps: list[tuple[str, int, list[tuple[str, int]]]] = [
        (answered, flow.judged, out),
        ("analysed as registered", flow.analysed, []),
    ]
    if flow.arrived is not None:
        came = [
            (
                "opened the link",
                flow.arrived,
                [("no consent", flow.no_consent), ("screened out", flow.screened_out)],
            ),
            (
                "consented and eligible",
                flow.arrived - flow.no_consent - flow.screened_out,
                [("left before the first answer", flow.no_answer)],
            ),
        ]
        steps = [*came, *steps]
    lines: list[str] = [] if flow.arrived is not None else [NOT_KNOWN]
    for number, (name, n, leaving) in enumerate(steps):
        lines.append(f"[ {name}: n = {n} ]")
        if name == answered:
            lines.append(f"  │   {flow.ends}")
        lines += [f"  ├── {why}: n = {of}" for why, of in leaving]
        if number < len(steps) - 1:
            lines.append("  ▼")
    return "\n".join(lines)


@dataclass(frozen=True)
class Row:
    """One line of the table of exclusions, pay and time."""

    what: str
    value: str


def table(
    flow: Flow, votes: Sequence[Given], pay: Mapping[str, float] | None = None, currency: str = ""
) -> list[Row]:
    """Exclusions, time and pay.

    Args:
        votes: all of them, with their seconds.
        pay: of each paid judge; None: nobody was paid, or it is not known.
        currency: of the pay, such as 'GBP'.

    Raises:
        BadInput: pay without a currency, with a long one, or below 0.
    """
    rows = [Row("judges with answers", str(flow.judged))]
    rows += [Row(f"left out: {RULE_NAMES.get(rule, rule)}", str(n)) for rule, n in flow.excluded]
    rows.append(Row("judges analysed as registered", str(flow.analysed)))
    times = [vote.seconds for vote in votes if vote.seconds is not None and vote.kind != "practice"]
    spent: dict[str, float] = {}
    for vote in votes:
        if vote.seconds is not None:
            spent[vote.judge] = spent.get(vote.judge, 0.0) + vote.seconds
    rows.append(Row("median seconds per answer", f"{median(times):.1f}" if times else "not measured"))
    minutes = f"{median(spent.values()) / 60:.1f}" if spent else "not measured"
    rows.append(Row("median minutes of answering per judge", minutes))
    if pay is None:
        return [*rows, Row("pay", "not recorded")]
    if not currency:
        raise BadInput("pay needs a currency: name it, such as GBP")
    if len(currency) > LONGEST_CURRENCY:
        raise BadInput(
            f"the currency has {len(currency):,} characters: name it in at most {LONGEST_CURRENCY}, such as GBP"
        )
    wrong = next((judge for judge, amount in pay.items() if not amount >= 0), None)
    if wrong is not None:
        raise BadInput(f"the pay of judge {wrong!r} is {pay[wrong]!r}: give an amount of at least 0")
    if not pay:
        return [*rows, Row("pay", "nobody was paid")]
    hourly = [amount / (spent[judge] / 3600) for judge, amount in pay.items() if spent.get(judge)]
    rows.append(Row("judges paid", str(len(pay))))
    rows.append(Row("pay in total", f"{sum(pay.values()):.2f} {currency}"))
    rows.append(Row("median pay per judge", f"{median(pay.values()):.2f} {currency}"))
    rate = f"{median(hourly):.2f} {currency}" if hourly else "not measured"
    return [*rows, Row("median pay per hour of answering", rate)]


def methods(design: Design, frozen: Frozen, flow: Flow, votes: Sequence[Given]) -> str:
    """The methods paragraph: who judged what, by which standard, and how it was decided.

    Args:
        votes: all of them; what became of the attention items is counted in them.

    Raises:
        BadInput: a design that is not the frozen one.
    """
    if freeze(design) != frozen:
        raise BadInput(
            f"the design is not the one with the hash {frozen.digest[:16]}…: report what was frozen"
        )
    each = design.votes_per_item
    parts = [
        f"Judges saw two summaries of the same opinions side by side, blind to the systems, with sides drawn at random. "
        f"The standard of fairness was {_STANDARD[design.standard]}; {_asked(design)}",
        f"{counted(len(design.systems), 'system')} ({', '.join(one.name for one in design.systems)}) were compared in "
        f"{counted(len(design.pairs), 'pair')} on {counted(len(design.samples), 'sample')}: {counted(design.items, 'item')} with "
        f"{counted(each, 'vote')} each"
        + (
            f", and {counted(design.automatic_ties, 'further item')} with identical texts that counted as ties without being asked."
            if design.automatic_ties
            else "."
        ),
        checks_sentence(design, votes),
        rules_sentence(design.rules),
    ]
    if design.assumptions is not None and design.power is not None:
        parts.append(
            f"By simulation, this design finds a preference of {design.assumptions.effect:.0%} with a power of {design.power:.0%}."
        )
    parts += [
        people(flow),
        "Strengths follow Davidson's (1970) extension of the Bradley–Terry model to ties, with a ridge of "
        f"{design.analysis.ridge:g}; 'both unfair' is an outcome of its own and 'cannot tell' is missing. Variances combine bootstraps of "
        f"judges, samples and votes ({design.analysis.resamples:,} resamples each). "
        f"{counted(len(design.hypotheses), 'hypothesis was', 'hypotheses were')} registered, with an error rate of "
        f"{design.analysis.alpha:g} for all together (Holm); all else is exploratory.",
        f"Hypotheses, exclusions and the primary analysis were frozen before the first vote (SHA-256 {frozen.digest}).",
    ]
    return " ".join(parts)


def checks_sentence(design: Promise, votes: Sequence[Given]) -> str:
    """How many attention and repeated items were planned, and what became of the attention items that judges came to."""
    told = (
        f"{counted(design.attention, 'attention item')} and {counted(design.repeats, 'repeated item')} were planned among the items of "
        "every judge."
    )
    by_item: dict[tuple[str, str], list[Given]] = {}
    for vote in votes:
        if vote.kind == "attention" and vote.expected:
            by_item.setdefault((vote.judge, vote.item), []).append(vote)
    if not by_item:
        return told
    skipped = [judge for (judge, _), own in by_item.items() if own[0].answer == SKIPPED]
    right = sum(all(vote.answer in vote.expected for vote in own) for own in by_item.values())
    told += f" Judges came to {counted(len(by_item), 'attention item')}: {right} were answered as asked, "
    told += f"{len(by_item) - right - len(skipped)} were not"
    if skipped:
        told += f", and {len(skipped)} were skipped, by {counted(len(set(skipped)), 'judge')}"
    return f"{told}."


def people(flow: Flow) -> str:
    """How many came, and how many of them count, in a sentence."""
    return (
        f"Of {counted(flow.arrived or flow.judged, 'person', 'people')} who opened the link, {flow.judged} gave answers; the registered "
        f"rules left out {flow.n_excluded} of them, and {flow.analysed} were analysed."
    )


def findings(ranking: Ranking, agreed: Agreement, sides: SideBias) -> str:
    """Strengths, agreement and side bias in sentences; what is missing with its reason."""
    strengths = "; ".join(f"{one.system} {number(one.strength)}" for one in ranking.strengths)
    lines = [
        f"Strengths in log-odds{f' relative to {ranking.reference}' if ranking.reference else ''}: {strengths} "
        f"({counted(ranking.n_votes, 'vote')} by {counted(ranking.n_judges, 'judge')}; {counted(ranking.n_both_unfair, 'vote')} "
        f"'both unfair', {counted(ranking.n_cannot_tell, 'vote')} 'cannot tell').",
        f"Raw agreement {number(agreed.raw)}; Krippendorff's α ordinal {number(agreed.ordinal)}, nominal {number(agreed.nominal)}.",
    ]
    share = number(sides.share)
    tested = "" if sides.p_judges is None else f", {_p(sides.p_judges)} by flipping the sides of whole judges"
    lines.append(f"Share of the left side among votes that prefer one: {share}{tested}.")
    return " ".join([*lines, *(f"Warning: {warning}." for warning in ranking.warnings)])


def number(value: Measured, digits: int = 2) -> str:
    """'0.53 [0.31, 0.75]', or why there is none."""
    if value.value is None:
        return f"not defined ({value.why})"
    if value.low is None or value.high is None:
        return f"{value.value:.{digits}f} (no interval: {value.why})"
    return f"{value.value:.{digits}f} [{value.low:.{digits}f}, {value.high:.{digits}f}]"


def number_of(value: Measured, what: str) -> str:
    """`number` with what was counted: '0.53 [0.31, 0.75], n = 12 items'."""
    return number(value) if value.value is None else f"{number(value)}, n = {counted(value.n, what)}"


def told_group(name: str) -> str:
    """What judges said of themselves, or that they said nothing."""
    return name or "no group told"


def _p(value: float) -> str:
    return "p < .001" if value < 0.001 else f"p = {value:.3f}"


_STANDARD = {
    "proportional": "proportional (each group gets as much room as among the opinions)",
    "equal": "equal (every group gets the same room)",
}


def _asked(design: Design) -> str:
    listed = " and ".join(f"“{design.texts[question]}”" for question in design.questions)
    order = ", in counterbalanced order" if len(design.questions) > 1 else ""
    return f"judges answered {listed}{order} with left, right, tie, both unfair or cannot tell."


def rules_sentence(rules: Rules) -> str:
    """Whom the analysis leaves out, in a sentence."""
    told = list(left_out(rules).values())
    if not told:
        return "Nobody was to be left out."
    listed = told[0] if len(told) == 1 else f"{', '.join(told[:-1])}, or {told[-1]}"
    return f"Judges were to be left out who {listed}."
