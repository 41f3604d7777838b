"""The answer of a gate as text for a terminal and as JUnit XML for a build server."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

from fairprune.gate import GateResult, MetricVerdict, Verdict
from fairprune.metrics import METRICS
from fairprune.text import counted

# What XML 1.0 cannot hold, even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def gate_text(result: GateResult) -> str:
    """One line per margin, which interval stands in them, then what a reader must know."""
    lines = [
        f"{result.verdict.upper()}   {result.candidate} against {result.baseline}, one-sided alpha {result.alpha:g}"
        + (f", Holm over {len(result.metrics)} margins" if len(result.metrics) > 1 else "")
    ]
    lines += [f"  {sentence(one, result)}" for one in result.metrics]
    lines.append(f"  intervals: {result.intervals}")
    lines.append(
        "  p: of a harm that reaches the margin; where the answer is fail, of one that does not exceed it"
    )
    lines += [f"  note: {note}" for note in result.notes]
    return "\n".join(lines)


def sentence(one: MetricVerdict, result: GateResult) -> str:
    """'bur pass: harm +1.2 points [-0.4, 2.8; 90 %, not adjusted], margin 5 points, Holm p 0.0012; n 1500 in 1500 topics; …'.

    The p-value is of the answer: against a harm that reaches the margin, of a fail against one that does not exceed it.
    """
    scale, unit = _unit(one.metric)
    margin = f"margin {one.margin * scale:g}{unit}"
    missing = f"; {one.n_missing:,} without a score of the candidate" if one.n_missing else ""
    limit = f"; {one.limit}" if one.limit else ""
    if one.difference is None:
        return f"{one.metric} {one.verdict}: {margin}{missing}; {one.reason}"
    digits = 1 if scale != 1 else 3
    several = len(result.metrics) > 1
    bounds = ", no interval"
    if one.lower is not None and one.upper is not None:
        kind = f"{result.level}{', not adjusted' if several else ''}"
        bounds = f" [{one.lower * scale:.{digits}f}, {one.upper * scale:.{digits}f}; {kind}]"
    p_value = one.p_fail if one.verdict == "fail" else one.p_pass
    tested = "" if p_value is None else f", {'Holm p' if several else 'p'} {p_value:.2g}"
    needed = f"; about {counted(one.n_needed, 'sample')} would decide" if one.n_needed else ""
    return (
        f"{one.metric} {one.verdict}: harm {one.difference * scale:+.{digits}f}{unit}{bounds}, {margin}{tested}; n {one.n} "
        f"in {counted(one.n_topics, 'topic')}{missing}; {one.reason}{needed}{limit}"
    )


def junit(result: GateResult) -> bytes:
    """One test case per margin and one for degenerate summaries: a failure fails, undecided is skipped.

    A build server takes a skipped case as no failure; the exit code 3 is what stops the job.
    """
    cases = [
        (f"{one.metric} margin {_margin(one)}", one.verdict, sentence(one, result), _facts(one))
        for one in result.metrics
    ]
    broken = [note for note in result.notes if "degenerate" in note]
    # The margins say pass, fail or undecided for themselves: what is left is what degenerate summaries did.
    rank: Verdict = "fail" if broken and result.verdict == "fail" else "undecided" if broken else "pass"
    cases.append(("summaries are not degenerate", rank, "; ".join(broken), {}))
    verdicts = [verdict for _, verdict, _, _ in cases]
    counts = {
        "tests": str(len(cases)),
        "failures": str(verdicts.count("fail")),
        "errors": "0",
        "skipped": str(verdicts.count("undecided")),
    }
    root = ET.Element("testsuites", counts)
    suite = ET.SubElement(root, "testsuite", {"name": "fairprune gate", **counts})
    told = ET.SubElement(suite, "properties")
    for name, value in (
        ("verdict", result.verdict),
        ("baseline", result.baseline),
        ("candidate", result.candidate),
        ("alpha", f"{result.alpha:g}"),
        ("interval_level", f"{1 - 2 * result.alpha:g}"),
        ("intervals", result.intervals),
    ):
        ET.SubElement(told, "property", {"name": name, "value": _plain(value)})
    for name, verdict, text, facts in cases:
        case = ET.SubElement(suite, "testcase", {"classname": "fairprune.gate", "name": _plain(name)})
        if facts:
            own = ET.SubElement(case, "properties")
            for key, value in facts.items():
                ET.SubElement(own, "property", {"name": key, "value": _plain(str(value))})
        if verdict != "pass":
            told_as = "failure" if verdict == "fail" else "skipped"
            ET.SubElement(case, told_as, {"message": _plain(text)})
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _unit(metric: str) -> tuple[float, str]:
    """Scale and unit in which people read the metric."""
    return (100.0, " points") if METRICS[metric].is_rate else (1.0, "")


def _margin(one: MetricVerdict) -> str:
    scale, unit = _unit(one.metric)
    return f"{one.margin * scale:g}{unit}"


def _facts(one: MetricVerdict) -> dict[str, Any]:
    names = (
        "difference",
        "lower",
        "upper",
        "p_pass",
        "p_fail",
        "n",
        "n_topics",
        "n_missing",
        "n_needed",
        "limit",
    )
    return {name: value for name in names if (value := getattr(one, name)) is not None}


def _plain(text: str) -> str:
    return _FORBIDDEN.sub("�", text)
