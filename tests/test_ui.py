"""Markup, tables and small sums of the pages, without a page."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fairprune.errors import BadInput
from fairprune.plan import plan_run
from fairprune.stages import STAGES
from fairprune.store import Run, open_store
from fairprune.ui import fairness, labelling, markup, upload
from fairprune.ui.form import KINDS
from fairprune.ui.page import PAGES, capitalised
from fairprune.ui.preview import calibration_of
from fairprune.ui.progress import speed_tile, timing
from fairprune.ui.runs import STATES, headline_tiles, merged, option
from tests.conftest import ROOT
from tests.pages.filled import spec

HOSTILE = "<img src=x onerror=alert(1)>"
ESCAPED = "&lt;img src=x onerror=alert(1)&gt;"
GROUPS = ("fresh", "rotten")
SPACE = "\N{NO-BREAK SPACE}"


def cell(value: float | None, **more: Any) -> dict[str, Any]:
    return {"value": value, "low": None, "high": None, "n": 3, "n_unscored": 1, "reason": None, **more}


def test_every_piece_of_markup_escapes() -> None:
    sample = {"p_x": {"fresh": 0.5, "rotten": 0.5}, "p_y": {"fresh": 1.0, "rotten": 0.0}}
    pieces = [
        markup.tag(HOSTILE),
        markup.tile(HOSTILE, HOSTILE, HOSTILE),
        markup.summary_sentences([[HOSTILE, "rotten", 0.9], [HOSTILE, "none", 0.5]], GROUPS),
        markup.shares({**sample, "p_x": {HOSTILE: 0.5}, "p_y": None}, (HOSTILE,)),
        markup.window(
            [{"text": HOSTILE, "kind": kind, "group": None, "tokens": 1} for kind in ("prompt", "general")],
            GROUPS,
        ),
        markup.window([{"text": HOSTILE, "kind": "opinion", "group": "fresh", "tokens": 1}], GROUPS),
        markup.balance({HOSTILE: 3}, (HOSTILE,)),
        speed_tile({"dense": {"tokens_per_second": 1.0, "device": HOSTILE, "dtype": "", "batch_size": 1}}),
    ]
    for piece in pieces:
        assert ESCAPED in piece
        assert "<img" not in piece


def test_inert_text_has_no_effect_in_markdown() -> None:
    assert (
        markup.inert("![x](http://a) $b$ :red[c] <d> `e`")
        == r"\!\[x\](http\://a) \$b\$ \:red\[c\] \<d\> \`e\`"
    )
    assert markup.inert("plain text, 5 %.") == "plain text, 5 %."


def test_durations() -> None:
    assert markup.duration(7.6) == "8 s"
    assert markup.duration(185) == "3 min 5 s"
    assert markup.duration(7440) == "2 h 4 min"
    assert markup.duration(-1) == "0 s"


def test_numbers_and_intervals() -> None:
    assert markup.number(None) == "–"
    assert markup.number(-0.126, signed=True) == "−0.13"
    assert markup.interval(cell(0.5, low=0.25, high=0.75), False) == f"95 %: 25.0 to 75.0{SPACE}%"
    assert markup.interval(cell(0.5, low=-0.25, high=0.75), False, True) == "95 %: −25.0 to +75.0"
    assert markup.interval(cell(0.5, low=-0.25, high=0.75), True) == "95 %: −0.25 to +0.75"
    assert markup.interval(cell(0.5), False) == "no interval"
    assert markup.interval(cell(None, reason="no label"), False) == "no label"


def test_shares_show_fair_share_and_missing_ones() -> None:
    text = markup.shares({"p_x": {"fresh": 0.75, "rotten": 0.25}, "p_y": None}, GROUPS)
    assert f"– (fair 75{SPACE}%)" in text and "left:25.0%" in text
    text = markup.shares({"p_x": {"fresh": 1.0}, "p_y": {"fresh": 1.0}}, GROUPS)
    assert "rotten" not in text  # a group without a share of the source is not judged


def test_balance_adds_up() -> None:
    text = markup.balance({"fresh": 30, "rotten": 10}, GROUPS)
    assert "width:75.00%" in text and "width:25.00%" in text
    assert f"fresh: 30 tokens, 75.0{SPACE}%" in text
    assert "fresh: 0 tokens, –" in markup.balance({}, GROUPS)


def test_metric_table_shows_a_missing_value_with_its_reason() -> None:
    cells = {name: cell(0.5) for name in ("dense", "pruned", "difference", "random")}
    text = fairness.metric_table(
        {"bur": {**cells, "pruned": cell(None, reason="no sample <is> scored", n=0)}}
    )
    assert "<b>–</b><small>no sample &lt;is&gt; scored</small><small>n = 0, 1 unscored</small>" in text
    assert "<b>+50.0 points</b>" in text  # the difference
    assert f"<b>50.0{SPACE}%</b>" in text


def test_signed_metrics_are_decimals() -> None:
    cells = {name: cell(-0.25, none_share=0.5) for name in ("dense", "pruned", "difference", "random")}
    text = fairness.metric_table({"spd2": cells})
    assert "<b>−0.25</b>" in text and "%</b>" not in text
    assert f"sentences without a group: dense 50{SPACE}%, pruned 50{SPACE}%" in text


def test_a_metric_without_any_value_says_why_once() -> None:
    cells = {
        name: cell(None, n=0, reason="no <b>labels</b>")
        for name in ("dense", "pruned", "difference", "random")
    }
    text = fairness.metric_table({"spd2": cells})
    assert text.count("no &lt;b&gt;labels&lt;/b&gt;") == 1 and 'colspan="4"' in text


def test_notes_of_a_metric() -> None:
    own = {"n_zero_match": 1, "exclusive": 0.5, "n_single_group": 2, "value_multi": 0.25, "bias": 0.01}
    own |= {"multi_low": 0.125, "multi_high": 0.5}
    noise = cell(0.02, low=-0.01, high=0.05)
    cells = {**{name: cell(0.5, **own) for name in ("dense", "pruned", "difference")}, "noise": noise}
    assert fairness.metric_notes("bur", cells) == [
        "↓ lower is fairer",
        "sets with one group, always fair: dense 2, pruned 2; without them: "
        f"dense 25.0{SPACE}%, 95 %: 12.5 to 50.0{SPACE}%, n = 1; pruned 25.0{SPACE}%, 95 %: 12.5 to 50.0{SPACE}%, n = 1",
        "no word matched: dense 1, pruned 1",
        f"credit that one group alone could give: dense 50{SPACE}%, pruned 50{SPACE}%",
        "noise (dense asked twice): +2.0 points, 95 %: −1.0 to +5.0, n = 3",
    ]
    # of runs of earlier versions the interval is not known; of others why there is none
    plain = {name: {**cells[name], "multi_low": None, "multi_high": None} for name in ("dense", "pruned")}
    plain["pruned"]["multi_limit"] = "one topic only"
    (note,) = [text for text in fairness.metric_notes("bur", {**cells, **plain}) if "without them" in text]
    assert (
        f"dense 25.0{SPACE}%, no interval, n = 1; pruned 25.0{SPACE}%, no interval (one topic only), n = 1"
        in note
    )
    # SPD2's mean of absolute values, which has no sign
    signed = {name: cell(-0.25, absolute=0.5, absolute_low=0.25, absolute_high=0.75) for name in cells}
    (note,) = [text for text in fairness.metric_notes("spd2", signed) if "absolute" in text]
    assert (
        note
        == "mean of absolute values: dense 0.50, 95 %: 0.25 to 0.75, n = 3; pruned 0.50, 95 %: 0.25 to 0.75, n = 3"
    )
    # a folded metric says its bias
    assert (
        "bootstrap bias of the folded value: dense +1.0 points, pruned +1.0 points"
        in fairness.metric_notes("sof", cells)
    )
    corrected = {**cells["dense"], "correction_low": -0.1, "correction_high": 0.2, "n_outside": 3}
    assert (
        "the confusion matrix leaves open, dense: −0.10 to +0.20, 3 samples beyond [0, 1]"
        in fairness.metric_notes("spd2", {**cells, "dense": corrected})
    )


def test_what_lies_over_a_random_extract_of_the_same_length() -> None:
    names = ("dense", "pruned", "difference", "random")
    cells = {**{name: cell(0.5) for name in names}, "excess": cell(-0.1, low=-0.2, high=0.0)}
    text = fairness.metric_table({"bur": {**cells, "excess_pruned": cell(None)}})
    assert "dense over it: −10.0 (−20.0 to +0.0), n = 3" in text and "pruned over it" not in text


def test_what_rounds_to_zero_has_no_minus() -> None:
    from fairprune.charts import points

    assert points(-0.0004) == "+0.0 points"
    assert markup.number(-0.004, signed=True) == "+0.00" and markup.number(-0.004) == "0.00"


def test_a_row_becomes_a_card_with_the_names_of_its_cells() -> None:
    text = markup.table(["Metric", markup.system_name("random")], [["a", "b"], ["only"], ["x"]])
    assert '<td data-label="Metric">a</td><td data-label="random extract">b</td>' in text
    assert '<tr class="fp-sub"><td colspan="2">only</td></tr>' in text
    text = markup.table(["Metric", "A", "B"], [["a", "rest"]])
    assert '<td colspan="2" data-label="">rest</td>' in text


def test_per_group_numbers_escape_and_show_n() -> None:
    rows = [
        {"group": "<b>", "system": system, "value": value, "low": None, "high": None, "n": 3}
        for system, value in (("dense", 0.25), ("pruned", None), ("random_pruned", 0.5))
    ]
    text = fairness.group_table({"groups": rows, "coverage": rows[:1]})
    assert "&lt;b&gt;" in text and "<b><b>" not in text
    assert "<b>+25.0 points</b>" in text and f"<b>25.0{SPACE}%</b>" in text  # the lean, the coverage
    assert text.count("n = 3") == 3  # random_pruned has no column
    assert "share of its opinions covered" in text and "<b>–</b>" in text
    assert fairness.group_table({"groups": []}) == ""
    # Below the table: why a value or an interval is missing, of both kinds of rows.
    assert "No value of &lt;b&gt;, pruned (share in the summary − fair share): not computed." in text
    assert "No interval of &lt;b&gt;, dense (share in the summary − fair share)" in text
    rows[1]["reason"] = "no <i>opinions</i>"
    told = fairness.lean_reasons({"groups": rows})
    assert told.startswith("No value of <b>, pruned: no <i>opinions</i>. ")
    assert "No interval of <b>, dense: there are too few topics" in told
    known = {**rows[0], "low": 0.1, "high": 0.3}
    assert fairness.lean_reasons({"groups": [known]}) == ""


def test_coverage_that_is_not_known_says_why() -> None:
    facts = {"least_score": 0.5, "most": 3}
    assert "cosine of sentence embeddings from 0.5 on" in fairness.coverage_note(facts)
    assert fairness.coverage_note({**facts, "reason": "no embeddings"}) == (
        "Whose opinions are covered is not known: no embeddings."
    )


def test_losses_under_the_dense_model() -> None:
    assert fairness.loss_note([{}, {"loss_ratio": None}]) == ""
    note = fairness.loss_note(
        [{"loss_ratio": 1.0}, {"loss_ratio": 4.0}, {"loss_ratio": 2.0}, {"loss_ratio": None}]
    )
    assert note.endswith("median 2.00, highest 4.00, above 3 (degenerate) in 1 of n = 3.")


def test_what_is_known_of_the_classifier() -> None:
    bias = {"value": -0.1, "low": -0.2, "high": 0.0, "n": 40}
    test = {"auc": 0.61, "low": 0.59, "high": 0.63, "pairs": 100, "passed": False}
    (first, second) = labelling.classifier_tiles({"reason": "why", "spd2_bias": bias}, {HOSTILE: test})
    assert "−0.10" in first and "95 %: −0.20 to +0.00, n = 40" in first
    assert ESCAPED in second and "0.61" in second and "not passed" in second
    (point,) = labelling.classifier_tiles(
        {"spd2_bias": {"value": -2.0, "low": None, "high": None, "n": 9, "limit": "nothing <b>varies"}}, {}
    )
    assert "no interval, n = 9" in point and "nothing &lt;b&gt;varies" in point
    (missing,) = labelling.classifier_tiles({"spd2_bias": {"value": None, "reason": "<b>"}}, {})
    assert "–" in missing and "&lt;b&gt;" in missing
    assert labelling.classifier_tiles({"reason": "why"}, {}) == []


def sample(bur: int | None, uer: float | None, **more: Any) -> dict[str, Any]:
    return {
        "bur": bur,
        "uer": uer,
        "spd2": None,
        "unscored": None if uer is not None else "no match",
        "words": 4,
        "rouge_l": 0.5,
        "degenerate": [],
        **more,
    }


def test_the_change_of_a_sample() -> None:
    assert fairness.change_text({"dense": sample(0, 0.1), "pruned": sample(None, None)}) == "not comparable"
    assert fairness.change_text({"dense": sample(0, 0.0), "pruned": sample(1, 0.2)}) == "UER +20.0 points"


def test_facts_of_a_sample() -> None:
    assert fairness.sample_facts(None) == []
    facts = fairness.sample_facts(sample(1, 0.25, degenerate=["fewer than 5 words"]))
    assert facts == [
        f"BUR: a group falls below its threshold. UER: 25.0{SPACE}%.",
        f"4 words, ROUGE-L 50.0{SPACE}%.",
        "Degenerate: fewer than 5 words.",
    ]
    assert fairness.sample_facts(sample(None, None))[0] == "Not scored: no match."


def run_at(stage: str | None, done: int = 0, total: int = 0, **seconds: float) -> Run:
    start = datetime(2025, 1, 1, tzinfo=UTC)
    return Run(
        id="0" * 16,
        spec=spec(),
        title="t",
        state="running",
        device="cpu",
        created=start,
        started=start,
        finished=None,
        stage=stage,
        done=done,
        total=total,
        message="",
        error=None,
        error_detail=None,
        cancel_requested=False,
        attempt=1,
        queue_position=None,
        worker_pid=1,
        seconds={name.replace("_", " "): value for name, value in seconds.items()},
    )


def test_the_time_of_a_run_says_what_it_rests_on() -> None:
    run = run_at("opinions", 2, 8, model=10.0)
    now = run.created + timedelta(seconds=30)
    # No earlier run: stage 2 of 8, a quarter of it, is 1.25 / 8 of the way; 30 · 6.75 / 1.25 = 162 s
    assert timing(run, now, {}) == "30 s elapsed, about 2 min 42 s left (by how far it is)"
    # 20 s for 2 of 8 steps, so 60 s for the other 6, and 5 s for each of the 6 later stages
    usual = dict.fromkeys(STAGES, 5.0)
    assert timing(run, now, usual) == "30 s elapsed, about 1 min 30 s left (by earlier runs like it)"
    assert timing(run_at("model"), run.created, {}) == "0 s elapsed"


def test_columns_are_guessed_by_name() -> None:
    columns = ["id", "Party", "Tweet text", "Debate"]
    assert upload.guess(columns) == {"text": 2, "group": 1, "topic": 3}
    assert upload.guess(["a", "b"]) == {"text": 0, "group": 1, "topic": None}  # none is left
    assert upload.guess([]) == {"text": None, "group": None, "topic": None}
    assert upload.guess(["review", "label", "reviewed film"]) == {"text": 0, "group": 1, "topic": 2}
    # what a name tells comes before what is left over
    assert upload.guess(["film", "words", "side"]) == {"text": 1, "group": 2, "topic": 0}


def test_a_mapping_has_one_column_for_each_part() -> None:
    good: dict[str, str | None] = {"text": "words", "group": "side", "topic": "film"}
    assert upload.same_column(good) is None
    assert upload.complete(good) == good
    assert upload.same_column({"text": "words", "group": None, "topic": None}) is None
    assert upload.same_column({**good, "topic": "words"}) == (
        "column 'words' was chosen for text and topic: choose another one for one of them"
    )
    with pytest.raises(BadInput, match="no column was chosen for group and topic: choose one"):
        upload.complete({"text": "words", "group": None, "topic": None})


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("the folder x does not exist", "The folder x does not exist"),
        ("sparsity 2 is outside [0, 1)", "Sparsity 2 is outside [0, 1)"),
        ("missing", "Missing"),
        ("", ""),
        # names begin these: they stay as they are
        ("foo/bar is not known", "foo/bar is not known"),
        ("pick.csv is empty", "pick.csv is empty"),
        ("gpt2 has no tokenizer", "gpt2 has no tokenizer"),
        ("some-model has no tokenizer", "some-model has no tokenizer"),
        ("q_proj is missing", "q_proj is missing"),
        ("calibration.samples cannot be 0", "calibration.samples cannot be 0"),
        ("model:fair is not known", "model:fair is not known"),
        ("mT5 is not supported", "mT5 is not supported"),
        ("'x' is empty", "'x' is empty"),
    ],
)
def test_a_sentence_begins_with_a_capital_and_a_name_as_it_is(sentence: str, shown: str) -> None:
    assert capitalised(sentence) == shown


def test_headline_tiles_of_a_run_without_results() -> None:
    assert headline_tiles(None, None) == []


def test_every_number_of_a_tile_has_its_own_interval_and_n() -> None:
    cells = {
        "dense": cell(0.5, low=0.25, high=0.75, n=8, n_unscored=0),
        "pruned": cell(None, n=0, n_unscored=8, reason="no n-gram <matches>"),
        "difference": cell(None, n=0, reason="nothing to compare"),
    }
    degenerate = {"dense": {"share": 0.125, "n": 8}, "pruned": {"share": 1.0, "n": 7}}
    evaluation = {"metrics": {"bur": cells}, "degenerate": degenerate}
    own = [
        f"dense, 95 %: 25.0 to 75.0{SPACE}%, n = 8",
        "pruned, no n-gram &lt;matches&gt;, n = 0, 8 unscored",
    ]
    assert notes(headline_tiles(None, evaluation, brief=True)) == [own]
    assert notes(headline_tiles(None, evaluation)) == [
        ["no change: nothing to compare", *own],
        [
            "n = 8 dense, n = 7 pruned",
            "empty, under 5 words, repeating, or off the topic: they look fair because they say nothing",
        ],
    ]


def test_the_change_of_a_tile_counts_what_was_scored_for_both() -> None:
    cells = {
        "dense": cell(0.5, n=3, n_unscored=0),
        "pruned": cell(0.75, n=4, n_unscored=0),
        "difference": cell(0.25, low=-0.25, high=0.5, n=2),
    }
    (tile, _) = notes(headline_tiles(None, {"metrics": {"uer": cells}, "degenerate": {}}))
    assert tile == [
        "change +25.0 points, 95 %: −25.0 to +50.0, n = 2 scored for both",
        "dense, no interval, n = 3",
        "pruned, no interval, n = 4",
    ]


def notes(tiles: list[str]) -> list[list[str]]:
    """The small lines of every tile."""
    found = [re.findall(r'<div class="fp-note">(.*?)</div>', tile) for tile in tiles]
    return [[re.sub(f"n{SPACE}={SPACE}", "n = ", line) for line in lines] for lines in found]


def test_notes_of_one_beginning_or_one_end_are_one() -> None:
    assert merged(["33% are degenerate: no number", "33% are degenerate: no claim", "one topic only"]) == [
        "33% are degenerate: no number; no claim",
        "one topic only",
    ]
    assert merged(["BUR is not: care", "UER is not: care", "x: y: z"]) == [
        "BUR is not; UER is not: care",
        "x: y: z",
    ]
    assert merged([]) == []


def test_option_names_what_tells_runs_apart() -> None:
    with open_store("sqlite://") as store:
        run, _ = store.submit(spec())
    assert re.fullmatch(
        r"model · magnitude 50% · balanced on movies · waiting · seed 0 · [0-9a-f]{6}", option(run)
    )


def test_every_state_and_calibration_set_has_its_words() -> None:
    from fairprune.spec import CALIBRATION_KINDS
    from fairprune.store import STATES as KNOWN

    assert tuple(STATES) == KNOWN
    assert tuple(KINDS) == tuple(CALIBRATION_KINDS)


def test_pages_of_the_navigation() -> None:
    found = {str(path.relative_to(ROOT)) for path in [ROOT / "app.py", *(ROOT / "pages").glob("*.py")]}
    assert found <= {file for file, _, _ in PAGES}


def test_preview_cuts_what_the_run_will_cut(tiny_folder: Path) -> None:
    values: dict[str, Any] = {
        "model": str(tiny_folder),
        "method": "wanda",
        "sparsity": 0.5,
        "corpus": "movies",
        "calibration": "skewed:fresh",
        "preset": "standard",
        "calibration_samples": None,
        "seqlen": 256,
        "seed": 3,
    }
    planned = plan_run(**values)
    assert calibration_of(values) == planned.calibration
    assert (planned.calibration.samples, planned.calibration.seqlen, planned.calibration.seed) == (64, 256, 3)


def test_numbers_of_a_matrix() -> None:
    from fairprune.ui.layers import matrix_numbers, total_tiles
    from tests.pages.filled import report

    value = report().to_json()
    numbers = dict(matrix_numbers(value["matrices"][1]))
    assert numbers["Shape, outputs × inputs"] == "4 × 2"
    assert numbers["Weights dropped; zeros afterwards"] == "4; 4"
    assert numbers["Score removed"] == "–"
    assert numbers["Dead columns"] == "1 of 2"
    assert numbers["Inputs that calibration never used"] == "– (no input statistics)"
    # 8 + 4 + 8 of 16 + 8 + 16 weights, of 100 parameters
    assert [
        f"{share}{SPACE}%" in tile
        for share, tile in zip(("50.00", "50.000", "20.000"), total_tiles(value), strict=True)
    ] == [True] * 3


def test_lines_of_a_message_stay_lines_in_markdown() -> None:
    assert markup.inert("run this\nimport *") == "run this  \nimport \\*"


def test_html_in_markdown_is_our_own_style_sheet_alone() -> None:
    found = [
        (path.name, line.strip())
        for path in [ROOT / "app.py", *(ROOT / "pages").glob("*.py"), *(ROOT / "fairprune").rglob("*.py")]
        for line in path.read_text(encoding="utf-8").splitlines()
        if "unsafe_allow_html" in line
    ]
    assert found == [
        ("page.py", """st.markdown(f"<style>{_sheet('frame.css')}</style>", unsafe_allow_html=True)""")
    ]


def test_what_is_sent_twice_is_about_the_frame_alone() -> None:
    """The sheet for our own HTML goes with HTML only; the one for Streamlit's elements, a third of both, with Markdown, too."""
    frame, own = ((ROOT / "fairprune" / "ui" / name).read_text() for name in ("frame.css", "style.css"))
    assert ".fp-" not in frame and "[data-testid" not in own and 3 * len(frame) < len(own) + len(frame)
    for sheet in (frame, own):
        assert sheet.count("{") == sheet.count("}") and "<" not in sheet
