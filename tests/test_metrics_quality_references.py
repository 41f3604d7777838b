"""ROUGE against the summaries that people wrote, beside ROUGE against the opinions."""

import json
import math

import pytest

from fairprune.cli import main
from fairprune.errors import BadInput
from fairprune.evaluate import evaluate
from fairprune.metrics.scoring.numbers import REFERENCE_ROUGE, quality_names, reference_tables
from tests.conftest import DATA
from tests.test_evaluate import BOTH, FRESH, INFO, SETS, SPEC

GOLD = ["The acting is superb.", None, "", "The plot feels clumsy."]


def test_by_hand():
    tables = reference_tables(
        ["the good plot", "anything", "anything", None, "电影很好", "电影很好"],
        ["the plot was good", None, " ", "the plot", "👍", "电影很好"],
    )
    one, two, long = (tables[name][:, 0] for name in REFERENCE_ROUGE)
    # unigrams 3 of 3 and 3 of 4 → 6/7; no pair in common; 'the plot' is common: 2 of 3 and 2 of 4 → 4/7
    assert (one[0], two[0], long[0]) == (pytest.approx(6 / 7), 0, pytest.approx(4 / 7))
    # no reference, a blank one, no summary, a reference without a token that ROUGE reads
    assert all(math.isnan(table[i]) for table in (one, two, long) for i in range(1, 5))
    assert (one[5], two[5], long[5]) == (1, 1, 1)


def test_cells_have_the_n_of_samples_with_a_reference_and_an_interval():
    texts = {"dense": [FRESH, FRESH, FRESH, FRESH], "pruned": [FRESH, FRESH, FRESH, None]}
    found = evaluate(SETS, texts, INFO, SPEC, None, references=GOLD)
    json.dumps(found, allow_nan=False)
    assert list(found["quality"])[:6] == ["rouge_1", "rouge_2", "rouge_l", *REFERENCE_ROUGE]
    cells = found["quality"]["rouge_1_ref"]
    # 'the acting is superb and moving' against 'the acting is superb': 4 of 6 and 4 of 4 → .8;
    # against 'the plot feels clumsy': 1 of 6 and 1 of 4 → .2
    assert (cells["dense"]["value"], cells["dense"]["n"], cells["dense"]["n_unscored"]) == (
        pytest.approx(0.5),
        2,
        2,
    )
    assert 0 <= cells["dense"]["low"] < 0.5 < cells["dense"]["high"] <= 1
    assert (cells["pruned"]["value"], cells["pruned"]["n"]) == (pytest.approx(0.8), 1)
    assert cells["difference"]["n"] == 1  # paired on the one that both have
    assert found["quality"]["rouge_1"]["dense"]["n"] == 4


def test_without_references_nothing_stands_there():
    for references in (None, [None] * 4):
        found = evaluate(SETS, {"dense": [BOTH] * 4}, INFO, SPEC, None, references=references)
        assert tuple(found["quality"]) == quality_names(False)
    with pytest.raises(BadInput, match="1 reference for 4 opinion sets: give as many"):
        evaluate(SETS, {"dense": [BOTH] * 4}, INFO, SPEC, None, references=["one"])


def test_gold_summaries_of_a_file_reach_the_table_and_the_json(capsys, tmp_path):
    out = tmp_path / "r.json"
    file = DATA / "literature" / "fairsumm.json"
    systems = ["--summaries", "dense", "--summaries", "gold_summary"]
    assert main(["evaluate", str(file), "--attribute", "sentiment", *systems, "--json", str(out)]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in REFERENCE_ROUGE)
    quality = json.loads(out.read_text(encoding="utf-8"))["comparisons"]["gold_summary"]["quality"]
    assert quality["rouge_l_ref"]["pruned"]["value"] == 1  # the reference against itself
    assert 0 < quality["rouge_l_ref"]["dense"]["value"] < 1
    assert quality["rouge_l_ref"]["dense"]["n"] == 6
