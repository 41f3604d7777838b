"""The report of a closed study as one file: every number of the flow, escaped texts, hashes that anybody can check."""

import hashlib
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from fairprune.errors import BadInput
from fairprune.judgments.bias import ALL, REGISTERED
from fairprune.judgments.closed import metric_values, read_closed, reported_spd2
from fairprune.judgments.label_results import results_of_labels
from fairprune.judgments.report import GROUPS_NOTE, Flow
from fairprune.judgments.report_file import (
    flow_svg,
    group_rows,
    label_report_html,
    p_text,
    report_html,
    report_rows,
)
from fairprune.judgments.results import flow_in, results_of, trust
from fairprune.store import open_store
from tests.closed import HOSTILE, study_of_labels, study_of_pairs


@pytest.fixture(scope="module")
def filled():
    with open_store("sqlite://") as store:
        closed = read_closed(store, study_of_pairs(store))
        results = results_of(closed, resamples=100)
        values = metric_values(store, closed)
    trusted = {
        name: trust(results.selections[name], "fairer", values, resamples=100) for name in (ALL, REGISTERED)
    }
    return closed, results, trusted


def test_the_flow_counts_everybody_once(filled):
    closed, results, _ = filled
    flow = flow_in(closed, results.rules)
    # 13 came, one refused; one was stopped after attention items, one left in the middle
    assert (flow.arrived, flow.no_consent, flow.failed, flow.left) == (13, 1, 1, 1)
    assert flow.analysed == results.selections[REGISTERED].counts.judges
    assert flow.arrived == flow.no_consent + flow.screened_out + flow.no_answer + flow.judged


def test_the_picture_is_plain_svg_with_every_number():
    flow = Flow(20, 2, 3, 1, 2, 3, 9, (("attention", 2), ("<b>", 1)), 11)
    text = flow_svg(flow, withdrawn=1)
    root = ET.fromstring(text)
    words = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    for expected in (
        "n = 20",
        "No consent: n = 2",
        "Screened out: n = 3",
        "n = 15",
        "Left before the first answer: n = 1",
        "n = 14",
        "completed 9, stopped 2, left early 3",
        "Left out, failed attention items: n = 2",
        "Left out, <b>: n = 1",
        "n = 11",
        "1 judge had their data deleted and are in no number.",
    ):
        assert expected in words, expected
    assert "<b>" not in text and "script" not in text and "href" not in text
    height = float(root.get("height"))
    for box in root.iter("{http://www.w3.org/2000/svg}rect"):
        assert float(box.get("y", 0)) >= 0 and float(box.get("y", 0)) + float(box.get("height")) <= height


def test_the_picture_of_votes_of_elsewhere_begins_with_the_answers():
    flow = Flow(None, 0, 0, 0, 0, 0, 0, (), 3, 3)
    words = [
        element.text for element in ET.fromstring(flow_svg(flow)).iter("{http://www.w3.org/2000/svg}text")
    ]
    assert words[:3] == ["Gave answers", "n = 3", "whether they finished is not known of 3"]
    assert "Who came, agreed and was screened out is not known." in words and "Opened the link" not in words


def test_one_file_holds_all_that_a_paper_says(filled):
    closed, results, trusted = filled
    text = report_html(closed, results, trusted, 3.0, "GBP")
    for part in (
        "Participants",
        "Methods",
        "Exclusions, pay and time",
        "Registered hypotheses, all",
        "Frozen design",
    ):
        assert part in text
    assert "median pay per judge" in text and "3.00 GBP" in text
    assert closed.study.hash in text and closed.promise[1].digest in text
    frozen = re.search(r"<pre>(.*?)</pre>", text, re.DOTALL)[1]
    import html

    assert hashlib.sha256(html.unescape(frozen).encode()).hexdigest() == closed.promise[1].digest
    assert HOSTILE not in text and "<script" not in text and "default-src 'none'" in text
    for name in (ALL, REGISTERED):
        assert f"<b>{name.capitalize()}</b>" in text


def test_groups_of_judges_stand_in_the_report_with_n_and_interval(filled):
    closed, results, trusted = filled
    text = report_html(closed, results, trusted)
    assert text.count("Groups of judges") == len(results.questions) and GROUPS_NOTE in text
    found = {name: results.selections[name].questions["fairer"] for name in (ALL, REGISTERED)}
    rows = group_rows(found)
    assert [(row[0], row[1]) for row in rows] == [
        (group, name) for group in ("left-leaning", "right-leaning") for name in (ALL, REGISTERED)
    ]
    own = {one.group: one for one in found[ALL].groups}
    for group, name, count, same, strengths in rows:
        assert text.count(f"<td>{strengths}</td>") >= 1 and " items" in same and " decided votes" in strengths
        if name == ALL:
            assert count == f"{own[group].votes} votes by {own[group].judges} judges"
            assert same.startswith(f"{own[group].raw.value:.2f} [{own[group].raw.low:.2f}, ")
    # who is left out by a rule is missing in one analysis, and said to be
    gone = replace(found[REGISTERED], groups=found[REGISTERED].groups[:1])
    missing = group_rows({ALL: found[ALL], REGISTERED: gone})[-1]
    assert missing == ["right-leaning", REGISTERED, "0", "–", "nobody of this group is left"]
    assert group_rows({ALL: replace(found[ALL], groups=())}) == []


def test_pay_is_asked_for_in_words(filled):
    closed, results, _ = filled
    flow = flow_in(closed, results.rules)
    assert ("pay", "not recorded") in [(row.what, row.value) for row in report_rows(closed, flow)]
    assert ("pay", "nobody was paid") in [(r.what, r.value) for r in report_rows(closed, flow, 0.0, "GBP")]
    with pytest.raises(BadInput, match="currency"):
        report_rows(closed, flow, 3.0)
    paid = {row.what: row.value for row in report_rows(closed, flow, 3.0, "GBP")}
    assert paid["judges paid"] == str(flow.completed)
    assert paid["pay in total"] == f"{3 * flow.completed:.2f} GBP"


def test_a_study_of_labels_has_a_report():
    with open_store("sqlite://") as store:
        closed = read_closed(store, study_of_labels(store))
        reported = reported_spd2(store, closed)
    results = results_of_labels(closed, resamples=100)
    text = label_report_html(closed, results, reported, 3.0, "GBP")
    assert HOSTILE not in text and closed.study.hash in text and closed.promise[1].digest in text
    assert "<h2>All: 3 judges</h2>" in text and "<h2>As registered: 2 judges</h2>" in text
    # per system and for all of them, under both analyses
    assert text.count("<h3>Confusion matrix: wanda 50 %</h3>") == 2 and text.count("Confusion matrix:") == 6
    assert "What it means for SPD2" in text and "answered too fast" in text and "pay in total" in text
    assert "Judges saw single sentences of summaries" in text


def test_groups_of_judges_of_labels_stand_in_the_report():
    quotas = {"fans": None, "others": None}
    with open_store("sqlite://") as store:
        closed = read_closed(store, study_of_labels(store, judges=4, quotas=quotas))
    results = results_of_labels(closed, resamples=100)
    text = label_report_html(closed, results, {})
    assert (
        text.count("<h2>Groups of judges</h2>") == 1 and "The classifier agrees with their majority" in text
    )
    assert text.count("<td>fans</td>") == text.count("<td>others</td>") == 2  # all, and as registered
    # the third judge is a fan and quick: left out as registered
    assert "by 2 judges</td>" in text and "by 1 judge</td>" in text


def test_p_values_are_words():
    assert (p_text(None), p_text(0.0004), p_text(0.0321)) == ("not tested", "p < .001", "p = 0.032")
