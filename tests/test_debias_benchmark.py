"""The numbers of the debias lab are measured by our own code on any model, kept row by row, and written where they should be."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.debias import Progress, Rows, arguments_of, measure
from benchmarks.debias_cells import MISSING, cell, over_seeds, shared_text
from benchmarks.debias_outcome import pairs, pairs_json
from benchmarks.debias_parts import PARTS
from benchmarks.debias_setup import Setup
from benchmarks.debias_tables import BEGIN, END, all_tables, meets, quantities_table, write
from fairprune import corpora
from fairprune.debias import words
from tests import debias_runs
from tests.toy_corpus import import_toy

MADE = {
    "made": {"date": "2026-01-01", "model": "tiny", "versions": {"torch": "2"}, "threads": 1},
    "seconds": {"wall": 1.0, "processor": 1.0},
}
OPINIONS = {"a": ("great", "funny", "good"), "b": ("poor", "dull", "bad")}


@pytest.fixture
def setup(tiny_folder, toy_corpus, monkeypatch):
    """Everything as small as it can be, with sets and words that the tiny model knows."""
    lists = {name: OPINIONS if name == "gender" else {"c": ("plot",)} for name in words.WORD_LISTS}
    monkeypatch.setattr(words, "_lists", lambda: lists)
    return Setup(
        tiny_folder,
        (toy_corpus,),
        lambda *_: None,
        sets=debias_runs.own_sets(),
        windows=8,
        tokens=120,
        ratio=0.08,
        general_ratio=0.02,
        samples=3,
        prompts=3,
        contexts=12,
        context_tokens=120,
        least=10,
        batch=4,
        strengths=(10.0,),
        rates=(1e-3,),
        moving=("words", "kept"),
        steps=4,
        held_out=4,
        rounds=1,
    )


def found_of(part, setup):
    rows = dict(PARTS[part](setup))
    json.dumps(rows, allow_nan=False)
    return rows


def test_spin_is_measured_beside_both_controls(setup):
    [(name, found)] = found_of("spin", setup).items()
    assert name == "spin/0.08" and found["choice"]["weights"] > 0
    assert found["choice"]["coupled"] <= found["choice"]["both"]
    margin = found["quantities"][0]
    assert set(margin["systems"]) == {"dense", "before", "edited", "random", "first-only"}
    assert all(one["n"] == 3 for one in margin["systems"].values())
    assert "undo" not in found and found["verdict"]["sentence"]


def test_unc3_is_searched_from_the_same_weights_each_time(setup):
    found = found_of("collapse", setup)
    settings = [one["setting"] for one in found.values()]
    assert settings[0] is None
    kinds = [(one["kind"], one.get("strength"), one.get("parameters")) for one in settings[1:]]
    assert kinds == [("nc3", strength, moves) for strength in (0.0, 10.0) for moves in ("words", "kept")]
    group = [one["lists"]["group"]["unc3"] for one in found.values()]
    assert (
        len({one["dense"]["value"] for one in group[1:]}) == 1
    )  # the pruned model, whatever was tried before
    terms = [one.get("term") for one in found.values()]
    assert terms[:3] == [None] * 3 and all(one[-1][0] == 4 and one[-1][1] < 2 for one in terms[3:])
    assert group[1]["dense"]["value"] == group[0]["pruned"]["value"]
    assert all(one["perplexity"]["opinions"]["n"] == 4 for one in found.values())


def test_an_outcome_is_asked_of_whole_runs_beside_their_control(setup):
    corpus = corpora.load(import_toy(6, 30))
    rates = {
        "tokens": 160,
        "windows": 2,
        "context_tokens": 40,
        "contexts": 8,
        "summaries": 3,
        "new_tokens": 10,
    }
    [(name, found)] = found_of("outcome", replace(setup, corpora=(corpus,), **rates)).items()
    assert name == "outcome/gender/strength 10, rate 0.001, 4 steps"
    titles = list(found["pairs"])
    assert titles == ["dense", "pruned", found["titles"]["asked"], "control: uniform"]
    for one in found["pairs"].values():
        assert one["n"] == len(pairs()) == 48
        assert one["share"]["low"] <= one["share"]["value"] <= one["share"]["high"]
        assert one["from_half"] == pytest.approx(abs(one["share"]["value"] - 0.5))
    # The recovered model is another one than the pruned, and the dense one than both.
    assert len({one["nats"]["value"] for one in found["pairs"].values()}) == 4
    assert set(found["pairs_difference"]) == {"pruned", "control: uniform"}
    assert set(found["metrics"]) == {"bur", "uer"}
    for metric in found["metrics"].values():
        assert list(metric["cells"]) == titles
        assert set(metric["differences"]) == {"pruned", "control: uniform"}
    lines = all_tables({name: {"name": name, "found": found, **MADE}})
    assert lines[0] == "### Outcomes beside UNC3"
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == 8 and len({line.count("|") for line in rows}) == 1


def test_a_pair_differs_in_its_pronoun_alone():
    for role, stereotyped, other in pairs():
        one, two = stereotyped.split(), other.split()
        assert role in stereotyped and len(one) == len(two)
        assert {frozenset(both) for both in zip(one, two, strict=True) if both[0] != both[1]} == {
            frozenset(("she", "he"))
        }
    values = np.array([1.0, -1.0, 0.0, 2.0] * 12)
    told = pairs_json(values)
    assert told["share"]["value"] == 0.625 and told["from_half"] == 0.125  # a tie counts half
    assert told["nats"]["value"] == pytest.approx(0.5)


def test_denp_compares_as_many_weighted_as_uniform_steps(setup):
    [(name, found)] = found_of("denp", setup).items()
    assert name == "denp/toy"
    sizes = found["rac"]["split"]["sizes"]
    assert sizes["low"] + sizes["high"] == found["rac"]["n"]
    assert "texts" not in found["rac"]
    pruned, uniform, weighted = (
        {row["group"]: row for row in rows}
        for rows in (found["pruned_to_dense"], found["recovered"]["uniform"], found["weighted_to_uniform"])
    )
    assert set(pruned) == {"good", "bad"}
    for group in pruned:
        assert uniform[group]["before"] == pruned[group]["after"]
        assert weighted[group]["before"] == uniform[group]["after"]


def test_times_are_ratios_of_one_process(setup):
    found = found_of("speed", setup)
    assert found["speed/spin"]["ratio"]["processor"] > 0
    collapse = found["speed/collapse"]
    assert collapse["windows"] <= 12 and collapse["tokens"] == 120
    seconds = {name: one["processor"] for name, one in collapse["seconds"].items()}
    assert collapse["pass / forward"]["processor"] == seconds["pass"] / seconds["forward"]


def test_the_toys_are_those_of_the_tests(setup, monkeypatch):
    from tests import denp_toys

    usual, language = denp_toys.classifier_toy, denp_toys.language_model_toy
    options = denp_toys.Options(steps=2, rounds=3, final_rounds=2)
    monkeypatch.setattr(
        denp_toys, "classifier_toy", lambda seed: usual(seed, options, n=300, dense_steps=40, width=16)
    )
    monkeypatch.setattr(denp_toys, "language_model_toy", lambda seed: language(seed, n=200, steps=60))
    monkeypatch.setattr(denp_toys, "shortcut_left", lambda seed: [6, 1, 1])
    found = found_of("toys", replace(setup, seeds=(0,)))
    assert list(found) == ["toys/classifier/0", "toys/language model/0"]
    one = found["toys/classifier/0"]
    assert set(one["worst"]) == {"dense", "uniform", "denp", "each class alone", "true groups"}
    assert len(one["by round"]) == 3 and set(one["by class"]) == {"0", "1"} and 0.5 < one["accuracy"] <= 1
    assert {"dense", "pruned", "uniform"} <= set(found["toys/language model/0"]["gap"])


def test_a_part_is_repeated_alone_and_its_row_replaced(setup, tmp_path, capsys):
    rows = Rows(tmp_path / "rows.jsonl")
    rows.add({"name": "other", "found": {}})
    measure(["speed"], setup, rows, "tiny")
    first = rows.found["speed/spin"]
    measure(["speed"], replace(setup, samples=2), Rows(rows.path), "tiny")
    again = Rows(rows.path).found
    assert list(again) == ["other", "speed/spin", "speed/collapse"]
    assert first["found"]["samples"] == 3 and again["speed/spin"]["found"]["samples"] == 2
    assert again["speed/spin"]["made"]["versions"]["torch"] and again["speed/spin"]["seconds"]["wall"] > 0
    assert "speed/collapse: " in capsys.readouterr().out


def test_every_part_has_its_table(setup, tmp_path):
    rows = Rows(tmp_path / "rows.jsonl")
    measure(["spin", "collapse", "denp", "speed"], setup, rows, "tiny")
    toy = {
        "seed": 0,
        "auroc": {"accumulated confidence": 0.99, "dense confidence": 0.85},
        "by path": [0.98, 0.97],
        "split": {"accepted": True},
        "worst": {"dense": 0.7, "uniform": 0.5},
        "by class": {
            "0": {"gap": 4.0, "limit": 5.0, "accepted": False},
            "1": {"gap": 6.0, "limit": 5.0, "accepted": True},
        },
    }
    language = {"auroc": {"rac": 1.0, "dense": 0.4}, "split": {"accepted": True}, "gap": {"pruned": 1.5}}
    made = rows.found["speed/spin"]
    for seed in range(2):
        rows.add({**made, "name": f"toys/classifier/{seed}", "found": {**toy, "seed": seed}})
        rows.add({**made, "name": f"toys/language model/{seed}", "found": {**language, "seed": seed}})
    lines = all_tables(rows.found)
    heads = [line for line in lines if line.startswith("### ")]
    assert heads == ["### The toys", "### SPIN", "### Neural Collapse of group words", "### DENP", "### Time"]
    text = "\n".join(lines)
    for part in ("margin, first", "margin, second", "perplexity (ratios)", "`toy`, loss of held-out"):
        assert part in text
    assert (
        "| λ = 10, 4 steps of 0.001, words alone |" in text
        and "| λ = 0, 4 steps of 0.001, kept weights and words |" in text
    )
    assert "alone would be accepted in 2 of 4 cases" in text
    assert "| 1 | 0.850 | 0.990 | 0.980 | 0.700 | 0.500 |" in text
    assert "control: first set alone" in text and " weights, 0 of them the edit's." in text
    assert shared_text(None, {}) == ""  # rows of before
    states = {"value": 0.0012, "low": -0.0003, "high": 0.0027, "n": 30}
    null = {"null_mean": -0.00004, "null_95": 0.00051, "p_value": 0.004}
    quantity = {
        **{"name": "hsic", "concern": None, "unit": "of 1"},
        "systems": dict.fromkeys(("before", "edited"), states | null),
        "differences": {"before": states},
    }
    [_, _, line] = quantities_table([quantity], {})
    assert "| 0.0012 [-0.0003, 0.0027]; mixed pairs -0.0000, 95 % below 0.0005, p = 0.004 |" in line
    assert "| +0.0012 [-0.0003, +0.0027] |" in line
    widths = [line.count("|") for line in lines if line.startswith("|")]
    assert min(widths) >= 4 and all_tables({}) == []
    page = tmp_path / "debias.md"
    page.write_text(f"before\n{BEGIN}\nlast year\n{END}\nafter\n", encoding="utf-8")
    write(lines, page)
    written = page.read_text(encoding="utf-8")
    assert "### DENP" in written and "last year" not in written and written.endswith("after\n")
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(SystemExit, match="has no section"):
        write(lines, page)


def test_numbers_say_what_they_rest_on():
    assert cell({"value": 0.123, "low": 0.05, "high": 0.19}) == "0.12 [0.05, 0.19]"
    assert cell({"value": 0.123, "low": None, "high": None}, sign=True) == "+0.12 [no interval]"
    assert cell({"value": None, "low": None, "high": None}) == MISSING
    assert over_seeds([0.5, None])["low"] is None and over_seeds([None])["value"] is None
    three = over_seeds([0.4, 0.5, 0.6])
    assert over_seeds([0.9, 0.99], 1.0)["high"] == 1.0
    assert three["value"] == pytest.approx(0.5) and three["low"] == pytest.approx(
        0.5 - 4.3027 * 0.1 / 3**0.5, abs=1e-4
    )


@pytest.mark.parametrize(
    ("group", "control", "perplexity", "good"),
    [
        (0.5, 1.1, 1.02, True),
        (0.51, 1.0, 1.0, False),
        (0.4, 1.2, 1.0, False),
        (0.4, 0.8, 1.0, False),
        (0.4, 1.0, 1.03, False),
        (0.4, None, 1.0, False),
    ],
)
def test_what_counts_as_reached(group, control, perplexity, good):
    lists = {
        "group": {"unc3": {"ratio": {"value": group}}},
        "control": {"unc3": {"ratio": {"value": control}}},
    }
    assert meets({"lists": lists, "perplexity": {"general": {"value": perplexity}}}) is good


def test_the_command_line_sets_every_size():
    asked = arguments_of(
        ["--only", "toys", "spin", "--strengths", "5", "50", "--ratio", "1e-3", "--words", "party"]
    )
    assert asked.only == ["toys", "spin"] and asked.strengths == [5.0, 50.0]
    assert (asked.ratio, asked.words, asked.steps) == (1e-3, "party", 30)
    with pytest.raises(SystemExit):
        arguments_of(["--only", "nothing"])


def test_progress_is_a_line_now_and_then(capsys):
    progress = Progress()
    for done in range(3):
        progress(done, 3, "text")
    assert capsys.readouterr().out == "  0/3 text\n"
