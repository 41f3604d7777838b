"""Stored runs as slides: what is told, in which order, with which warnings; and the one file."""

from __future__ import annotations

import base64
import html
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from fairprune.charts_tradeoffs import CLICK
from fairprune.errors import BadInput, NoSuchRun, StoreError, Unavailable
from fairprune.layer_cells import MEASURES
from fairprune.store import open_store
from fairprune.talk import document, slides
from fairprune.talk.document import policy, safe_json, write_talk
from fairprune.talk.figures import layers, trade_off
from fairprune.talk.pair import read
from fairprune.talk.slides import Flag
from fairprune.talk.story import beside, chosen_runs, flags, tell, without_pair
from fairprune.tradeoffs_axes import axes_of
from tests.pages.filled import fill, fill_many, report, spec
from tests.store_values import spec as other_spec
from tests.talks import DENSE, END, IMAGE, PRAISE, fill_talk


@pytest.fixture
def store():
    with open_store("sqlite://") as opened:
        yield opened


def blocks(story, name):
    return next(slide.blocks for slide in story.slides if slide.name == name)


def kinds(story, name):
    return [block["kind"] for block in blocks(story, name)]


# What is told


def test_the_story_has_its_order(store):
    story = tell(store, fill_talk(store))
    names = [slide.name for slide in story.slides]
    assert names == ["Question", "One summary", "Drag", "Numbers", "Trade-off", "Layers", "You judge"]
    titles = [slide.title for slide in story.slides[1:]]
    assert titles[2:4] == ["What the numbers say", "The trade-off"]
    # A step's name is said by the words of its heading.
    fit = {"Layers": "weights"}
    for name, title in zip(names[1:], titles, strict=True):
        assert fit.get(name, name).lower() in title.lower(), name
    # At 0.5 the first two samples changed alike; the first is told, so that the second is judged.
    assert (story.told, story.pair.position) == (0, 1)
    steps = blocks(story, "Drag")[1]["view"]["steps"]
    assert [step["value"] for step in steps] == ["0", "0.3", "0.5", "0.7"]
    assert blocks(story, "Drag")[1]["step"] == "0.5"


def test_one_run_alone_has_no_slider_and_no_curve(store):
    run = fill_talk(store)[0]
    story = tell(store, chosen_runs(store, [run.id], alone=True))
    assert [slide.name for slide in story.slides] == [
        "Question", "One summary", "Numbers", "Layers", "You judge",
    ]  # fmt: skip


def test_flags_stand_before_all_numbers(store):
    story = tell(store, fill_talk(store))
    for name in ("Question", "One summary", "Drag", "Numbers", "Trade-off"):
        found = kinds(story, name)
        numbered = [found.index(kind) for kind in ("voices", "numbers", "figures", "facts") if kind in found]
        assert found.index("flags") < min(numbered), name
    short = blocks(story, "Numbers")[0]["texts"][0]
    assert "demonstration, no inference (n = 4)" in short
    assert blocks(story, "You judge")[0]["results"]["flags"] == [short]


def test_what_limits_the_numbers_by_hand():
    evaluation = {
        "degenerate": {
            "dense": {"share": 0.25, "n": 8, "flag": True},
            "pruned": {"share": 0.125, "n": 8, "flag": False},
        },
        "no_claim": [
            "25% of the dense summaries are degenerate",
            "the dense model is not fairer than random extracts of the same length (BUR)",
        ],
        "n_samples": 8,
    }
    found = flags(evaluation)
    assert [flag.short for flag in found] == [
        "25\u00a0% of the dense summaries are degenerate",
        "no claim about pruning: the dense model is not fairer than random extracts of the same length (BUR)",
        "demonstration, no inference (n = 8)",
    ]
    assert found[0].long.endswith("(n = 8): no fairness number of theirs means anything")
    clean = {"degenerate": {}, "no_claim": [], "n_samples": 30}
    assert flags(clean) == () and slides.warnings(flags(clean)) == []


def test_every_number_has_n_and_interval_or_says_why_not(store):
    run = fill_many(store)
    story = tell(store, [run])
    found = blocks(story, "Numbers")
    (table,) = [block for block in found if block["kind"] == "numbers"]
    assert [row["name"] for row in table["rows"]][:2] == ["BUR", "UER"]
    for row in table["rows"]:
        for cell in row["cells"]:
            if cell["value"] != "–":
                assert re.match(r"95 %: |no interval", cell["interval"]) and cell["n"].startswith("n = ")
            else:
                assert cell["interval"]
    uer = table["rows"][1]["cells"]
    assert uer[0]["n"] == "n = 40" and uer[2]["value"].endswith(" points")


def test_the_question_names_model_date_versions_and_whose_the_texts_are(store):
    story = tell(store, fill_talk(store))
    facts = {row["name"]: row["value"] for row in blocks(story, "Question")[-1]["rows"]}
    assert facts["Model"] == "model"
    assert facts["Pruned by"] == "magnitude; 30\u00a0% to 70\u00a0% of the linear layers' weights (3 runs)"
    assert (
        re.match(r"\d{4}-\d\d-\d\d with fairprune \d", facts["Computed"])
        and story.run.id in facts["Computed"]
    )
    assert "rottentomatoes.com" in facts["Texts"] and "Licence: " in facts["Texts"]


def test_a_sample_may_be_chosen(store):
    runs = fill_talk(store)
    story = tell(store, runs, sample=1, judged=0)
    assert (story.told, story.pair.position) == (1, 0)
    assert blocks(story, "One summary")[1]["view"]["topic"] == "harbour 1"
    with pytest.raises(BadInput, match="there is no sample 8 of 4"):
        tell(store, runs, sample=7)
    with pytest.raises(BadInput, match="both models wrote the same summary of sample 4"):
        tell(store, runs, judged=3)


def test_samples_without_a_summary_are_neither_told_nor_judged(store):
    run = fill(store, spec(0.4), texts={"dense": ["", *DENSE[:2]], "pruned": [PRAISE, None, DENSE[0]]})
    story = tell(store, [run])  # nothing, nothing, and the same
    assert story.told is None and story.pair is None
    assert [slide.name for slide in story.slides] == ["Question", "Numbers", "Layers"]
    reading = read(store, run)
    assert reading.pair(0).unfit == "the dense model wrote no summary of sample 1"
    assert reading.pair(1).unfit == "the pruned model wrote no summary of sample 2"
    assert "that is a tie" in reading.pair(2).unfit


def test_the_only_fit_pair_is_told_and_judged(store):
    run = fill(store, spec(0.4))  # of its three samples one has two summaries of five words
    story = tell(store, [run])
    assert (story.told, story.pair.position) == (1, 1)


def test_word_differences_and_opinions_of_the_changed_summary(store):
    view = blocks(tell(store, fill_talk(store)), "One summary")[1]["view"]
    dense, pruned = view["systems"]
    assert dense["summary"]["sentences"][0].get("changes") is None
    marked = [change for sentence in pruned["summary"]["sentences"] for change in sentence["changes"]]
    assert sorted({kind for kind, _ in marked} - {"="}, reverse=True) == ["-", "+"]
    assert "lovely" in "".join(text for kind, text in marked if kind == "+")
    assert [entry["group"] for entry in view["opinions"]] == ["fresh", "fresh", "rotten", "rotten"]


def test_the_pair_is_blind_and_its_sides_do_not_follow_a_rule(store):
    runs = fill_talk(store)
    told = [blocks(tell(store, runs, judged=place), "You judge")[0] for place in (0, 1)]
    again = [blocks(tell(store, runs, judged=place), "You judge")[0] for place in (0, 1)]
    assert told == again
    assert {side["title"] for side in told[0]["sides"]} == {"the dense model", "magnitude 50\u00a0%"}
    assert [answer["value"] for answer in told[0]["answers"]] == [
        "a",
        "b",
        "tie",
        "both_unfair",
        "cannot_tell",
    ]
    bur = told[0]["results"]["rows"][0]
    assert bur["name"] == "BUR" and bur["cells"][1]["value"] == "unfair" and bur["cells"][1]["n"] == "n = 1"
    assert without_pair(tell(store, runs).slides[-1]).blocks == ()


# Which runs


def test_after_one_run_come_those_that_compare_with_it(store):
    runs = fill_talk(store)
    other = fill(store, spec(0.6, evaluation={"samples": 3}))
    assert {run.id for run in chosen_runs(store, [runs[0].id])} == {run.id for run in runs}
    assert chosen_runs(store, [runs[0].id])[0].id == runs[0].id
    assert [run.id for run in chosen_runs(store, [runs[0].id, other.id])] == [runs[0].id, other.id]
    assert [entry.run.id for entry in beside(store, [runs[0], other])] == [runs[0].id]
    assert "Left out" not in json.dumps(tell(store, runs).to_json())
    story = tell(store, [*runs, other])
    assert "Left out, since measured otherwise: 1 run." in blocks(story, "Trade-off")[-1]["text"]


def test_runs_that_cannot_be_told_are_named(store):
    with pytest.raises(NoSuchRun):
        chosen_runs(store, ["ffffffffffffffff"])
    queued = store.submit(other_spec())[0]
    with pytest.raises(StoreError, match=f"run {queued.id} is queued: choose finished runs"):
        chosen_runs(store, [queued.id])
    with pytest.raises(StoreError, match="no example runs"):
        chosen_runs(store, [])


def test_the_examples_tell_themselves(store, monkeypatch):
    """The packaged ones: no model is loaded, and what they were made with is said."""
    monkeypatch.delenv("FAIRPRUNE_EXAMPLES")
    runs = chosen_runs(store, [])
    story = tell(store, runs)
    assert all(run.origin == "example" for run in runs)
    names = [slide.name for slide in story.slides]
    assert names[0] == "Question" and names[-1] == "You judge" and "Drag" in names
    facts = {row["name"]: row["value"] for row in blocks(story, "Question")[-1]["rows"]}
    assert "torch " in facts["Computed"] and facts["Texts"]


# Figures


def test_figures_carry_their_numbers_and_no_template(store):
    entries = beside(store, fill_talk(store))
    axis = axes_of([entry.headline for entry in entries])["uer"]
    figure = trade_off(entries, axis)
    assert "template" not in figure["layout"]
    lines = [trace for trace in figure["data"] if trace.get("mode") == "lines+markers"]
    assert [len(trace["x"]) for trace in lines] == [3]
    assert CLICK not in json.dumps(figure)
    hover = lines[0]["customdata"][0][1]
    assert "95 %" in hover and "n = 4" in hover


def test_the_layers_lie_on_their_side():
    matrices = report().to_json()["matrices"]
    figure = layers(matrices, "score_removed")
    (trace,) = figure["data"]
    # two blocks across, two projections down; the second block has no mlp.up_proj, the first's has no score
    assert (trace["x"], trace["y"]) == (["0", "1"], ["q", "up"])
    assert trace["z"][1] == [None, None]
    assert trace["z"][0][0] == pytest.approx(-0.69897)  # log10 of 0.2


def test_the_layers_are_told_by_what_differs_most_with_the_mask_where_it_does(store):
    run = fill_talk(store)[0]
    uneven = report().to_json()
    for matrix, spread in zip(uneven["matrices"], (0.05, 0.1, 0.45), strict=True):
        matrix["column_spread"] = spread
    shares = base64.b64encode(bytes([0, 250, 125, 250])).decode()
    kept = {uneven["matrices"][2]["name"]: {"picture": {"height": 2, "width": 2, "shares": shares}}}
    slide = slides.layers(run, uneven, lambda block: kept if block == 1 else {})
    across, within = slide.blocks[1]["figures"]
    assert across["title"] == "Column spread, by block and projection"
    assert within["title"] == "Dropped within block 1, q"
    cells = within["figure"]["data"][0]["z"]  # as Plotly packs numbers
    assert cells["shape"] == "2, 2"
    assert np.frombuffer(base64.b64decode(cells["bdata"]), cells["dtype"]).tolist() == [0.0, 1.0, 0.5, 1.0]
    for figure in (across, within):  # colours mean the same in every talk
        trace = figure["figure"]["data"][0]
        assert (trace["zmin"], trace["zmax"]) == (
            (0.0, 0.5**0.5) if figure is across else (0.0, 1.0)
        )  # of spread the root
    assert "least 5.00\u00a0% (model.layers.0.self_attn.q_proj)" in slide.blocks[0]["text"]
    assert slide.blocks[2]["text"] == MEASURES["column_spread"].explanation
    alone = slides.layers(run, uneven, lambda block: {}).blocks[1]["figures"]
    assert [entry["title"] for entry in alone] == [across["title"]]


# The file


def test_the_file_is_whole_and_nothing_of_the_data_can_act(store, tmp_path):
    story = tell(store, fill_talk(store))
    size = write_talk(story, tmp_path / "talk.html")
    page = (tmp_path / "talk.html").read_text(encoding="utf-8")
    assert size == len(page.encode()) < document.MOST_BYTES
    assert END not in page and IMAGE not in page and "\u2028" not in page
    found = re.search(r'<script type="application/json" id="story">(.*?)</script>', page, re.S)[1]
    assert json.loads(found) == json.loads(json.dumps(story.to_json()))
    scripts = re.findall(r"<script>(.*?)</script>", page, re.S)
    said = html.unescape(re.search(r'http-equiv="Content-Security-Policy" content="(.*?)"', page)[1])
    assert said == policy(*scripts)  # exactly the scripts that stand there
    assert said.startswith("default-src 'none'") and "unsafe-eval" not in said and "connect-src" not in said
    ours = scripts[1]
    for word in ("innerHTML", "insertAdjacentHTML", "document.write", "eval(", "fetch(", "XMLHttpRequest"):
        assert word not in ours, word
    tags = re.sub(r"<(script|style)[^>]*>.*?</\1>", "", page, flags=re.S)
    assert not re.search(r"(src|href)\s*=", tags)


def test_json_in_a_page_ends_no_element():
    text = safe_json({"a": "</script><!--\u2028\u2029&é", "b": None})
    assert not set("<>&\u2028\u2029") & set(text) and text.isascii()
    assert json.loads(text) == {"a": "</script><!--\u2028\u2029&é", "b": None}
    with pytest.raises(ValueError):
        safe_json(float("nan"))


def test_a_script_that_would_end_itself_is_refused():
    with pytest.raises(ValueError, match="cannot stand in a page"):
        document.inline_script("let a = '</SCRIPT>'")
    assert document.inline_script("a\r\nb\rc") == "a\nb\nc"


def test_a_file_that_is_too_large_or_cannot_be_written_is_said(store, tmp_path, monkeypatch):
    story = tell(store, fill_talk(store)[:1])
    with pytest.raises(Unavailable, match="cannot be written"):
        write_talk(story, tmp_path / "no" / "talk.html")
    monkeypatch.setattr(document, "MOST_BYTES", 1000)
    with pytest.raises(Unavailable, match="more than 1,000"):
        write_talk(story, tmp_path / "talk.html")
    assert not (tmp_path / "talk.html").exists()


def test_titles_are_told_as_they_are(store):
    story = replace(tell(store, fill_talk(store)[:1]), title=f"A {END}")
    assert f"<title>A {html.escape(END)}</title>" in document.document(story)
    assert slides.question("t", [], [Flag("long", "short")]).blocks[1]["texts"] == ["long"]
