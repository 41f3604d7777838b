from fairprune.tradeoffs_axes import COMPARES, NOT_JUDGED, SPARSITY, axes_of, cell_of
from tests.many_runs import entry

SPACE = "\N{NO-BREAK SPACE}"


def test_axes_are_what_any_run_has_fairness_first():
    one, other = entry().headline, entry().headline
    del one["metrics"]["spd2"]
    axes = axes_of([one, other])
    assert list(axes) == ["bur", "spd2", "rouge_l", "bertscore_minilm", "perplexity_opinions", "sparsity"]
    assert [axis.label for axis in axes.values()] == [
        "BUR ↓",
        "SPD2 → 0",
        "ROUGE-L ↑",
        "BERTScore (minilm) ↑",
        "Perplexity, opinions ↓",
        "Sparsity",
    ]
    assert axes["bur"].direction == "↓ lower is fairer"
    assert axes["spd2"].direction == "→ 0 is fairest"
    assert axes["rouge_l"].direction == "↑ higher is better"
    assert axes["perplexity_opinions"].log


def test_a_number_that_no_run_has_is_no_axis():
    headline = entry().headline
    for system in ("dense", "pruned"):
        headline["metrics"]["spd2"][system]["value"] = None
    headline["perplexity"] = None
    assert list(axes_of([headline])) == ["bur", "rouge_l", "bertscore_minilm", "sparsity"]
    assert axes_of([]) == {}


def test_values_as_their_axis_reads_them():
    axes = axes_of([entry().headline])
    assert axes["bur"].shown(0.125) == f"12.5{SPACE}%"
    assert axes["bur"].change(-0.125) == "−12.5 points"
    assert axes["spd2"].shown(-0.125) == "−0.125"
    assert axes["perplexity_opinions"].shown(1234.5) == "1234.5"
    assert axes["perplexity_opinions"].shown(2.5) == "2.500"
    assert axes["bur"].shown(None) == axes["bur"].change(None) == "–"


def test_cells_of_every_kind_of_axis():
    headline = entry(sparsity=0.5).headline
    axes = axes_of([headline])
    assert cell_of(headline, axes["bur"], "pruned")["value"] == 0.5
    assert cell_of(headline, SPARSITY, "pruned")["value"] == 0.51  # achieved, not asked
    assert cell_of(headline, SPARSITY, "dense")["value"] == 0.0
    found = cell_of(headline, axes["perplexity_opinions"], "pruned")
    assert (found["value"], found["n"], found["low"]) == (1234.5, 254, None)
    assert cell_of(headline, axes["perplexity_opinions"], "difference") is None
    headline["sparsity"] = None
    assert cell_of(headline, SPARSITY, "pruned") == {
        **cell_of(headline, SPARSITY, "dense"),
        "value": None,
        "reason": "no sparsity report is stored",
    }


def test_votes_of_judges_are_an_axis_where_a_study_has_them():
    cell = {"value": 0.25, "low": 0.1, "high": 0.4, "n": 40, "n_unscored": 0, "reason": None}
    plain = {"metrics": {}, "quality": {}, "perplexity": None, "sparsity": None}
    assert "judges_preferred" not in axes_of([plain])
    axis = axes_of([plain, {**plain, "judges": cell}])["judges_preferred"]
    assert (
        axis.kind == "judges" and axis.shown(0.25) == "25.0\N{NO-BREAK SPACE}%" and axis.label == "Judges ↑"
    )
    assert cell_of({**plain, "judges": cell}, axis, "pruned") == cell
    # they speak of the pruned model against the dense one: there is none of the dense model alone
    for system in ("dense", "difference"):
        none = cell_of({**plain, "judges": cell}, axis, system)
        assert none["value"] is None and none["reason"] == COMPARES
    missing = cell_of(plain, axis, "pruned")
    assert missing["value"] is None and missing["reason"] == NOT_JUDGED
