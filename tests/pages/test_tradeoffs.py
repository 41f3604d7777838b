"""The page Trade-offs in a fresh browser: choices in the address, what is not drawn and why, the front, hostile names."""

from __future__ import annotations

import json
from html import escape
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from fairprune.judgments.wins import win_rates
from fairprune.store import Run, open_store
from fairprune.tradeoffs_axes import COMPARES, NOT_JUDGED
from tests.closed import study_of_pairs
from tests.pages.filled import INFO, MANY, PAGES, app, checked, errors, fill, markup, spec

HOSTILE = "<img src=x onerror=alert(1)> *bold* $x$"
BOTH, PRAISE = (
    "The acting was great and warm, the plot was boring and slow.",
    "The acting was great and warm.",
)
SPACE = "\N{NO-BREAK SPACE}"


def write(
    one_sided: int, sparsity: float, method: str = "magnitude", seed: int = 0, n: int = 12, **parts: Any
) -> Run:
    """A done run of which so many of the n pruned summaries speak for one group alone; the dense ones for both."""
    run_spec = spec(
        pruning={"method": method, "sparsity": sparsity},
        **{"calibration": {"seed": seed}, "evaluation": {"samples": n}, **parts},
    )
    texts = {"dense": [BOTH] * n, "pruned": [PRAISE] * one_sided + [BOTH] * (n - one_sided)}
    with open_store() as store:
        return fill(store, run_spec, sets=MANY[:n], texts=texts)


def figures(page: AppTest) -> list[dict[str, Any]]:
    return [json.loads(element.proto.spec) for element in page.get("plotly_chart")]


def captions(page: AppTest) -> str:
    return "\n".join(element.value for element in page.caption).replace("\\", "")


def box(page: AppTest, label: str) -> Any:
    (found,) = [element for element in page.selectbox if element.label == label]
    return found


def trace(figure: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in figure["data"] if one.get("name") == name and "customdata" in one)


def test_an_empty_store_says_what_to_do() -> None:
    page = app("Trade-offs")
    assert "No run yet" in markup(page) and page.button[0].label == "Prune a model"


def test_runs_without_results_and_runs_on_their_way_are_counted() -> None:
    with open_store() as store:
        store.submit(spec(0.9))
        bare, _ = store.submit(spec(0.4))
        store.claim("cpu", 1)
        store.claim("cpu", 1)
        done = store.finish(bare.id, "done")
    page = app("Trade-offs", runs=done.id)
    assert "without fairness numbers: 1" in captions(page)
    assert any("nothing to draw" in note.value for note in page.info)


def test_one_run_is_one_point_with_its_interval_and_caption() -> None:
    run = write(6, 0.5)
    page = app("Trade-offs")
    assert not errors(page)
    line = trace(figures(page)[0], "magnitude")
    # the test's report achieves 20 of 40 weights, 50 %; 6 of 12 pruned summaries are unfair
    assert (line["x"], line["y"]) == ([50.0], [50.0])
    assert line["customdata"][0][0] == run.id
    assert "One run is one point" in captions(page)
    text = page.code[0].value
    assert text.startswith("BUR (Binary unfair rate") and "n = 12" in text
    assert f'href="Fairness?run={run.id}"' in markup(page)


def test_the_front_knows_that_dense_beats_an_unfair_run() -> None:
    write(12, 0.5)
    page = app("Trade-offs")
    # All 12 pruned summaries are unfair, none of the dense ones; what the pruned ones leave out costs ROUGE-L, too.
    front = figures(page)[1]
    dense, run = trace(front, "dense"), trace(front, "magnitude")
    assert "in 100" in dense["customdata"][0][1] and "in 0" in run["customdata"][0][1]
    assert "n = 12 of 12 samples, those that all 2 score on both axes, on 12 topics" in captions(page)
    page = checked(box(page, "Quality, across").select("rouge_1").run())
    assert page.query_params["quality"] == "rouge_1" or page.query_params["quality"] == ["rouge_1"]
    assert "No front probability: of the quality numbers" in captions(page)


def test_draws_of_one_setting_are_one_point_with_a_two_level_interval() -> None:
    for seed, count in enumerate((3, 6, 9)):
        write(count, 0.5, seed=seed)
    page = app("Trade-offs")
    line = trace(figures(page)[0], "magnitude")
    # (3 + 6 + 9) / 36; three draws: t of two degrees of freedom, so wide, and cut at 0 and 100 %
    assert line["y"] == [pytest.approx(50.0)]
    low = 50.0 - line["error_y"]["arrayminus"][0]
    high = 50.0 + line["error_y"]["array"][0]
    assert 0.0 <= low < 25.0 and 75.0 < high <= 100.0
    assert "means over 3 draws of one setting" in captions(page)
    assert "1 point is a mean over 3 calibration draws" in page.code[0].value
    # The draws' mean difference to the dense model, none of whose summaries is unfair, stands with its own interval.
    (means,) = [text for text in markup(page).split("<table") if "Mean of pruned − dense" in text]
    assert (
        "<b>3</b>" in means and "+50.0" in means and means.count("95 %: ") == 2 and means.count("n = 12") == 2
    )


def test_draws_without_any_spread_have_a_mean_and_no_interval_with_the_reason() -> None:
    for seed in (0, 1):
        write(12, 0.5, seed=seed)
    page = app("Trade-offs")
    line = trace(figures(page)[0], "magnitude")
    assert line["y"] == [100.0] and line["error_y"]["array"] == [0.0]
    (means,) = [text for text in markup(page).split("<table") if "Mean of pruned − dense" in text]
    assert "95 %" not in means and means.count("every resample gives the same value") == 2


def test_everything_chosen_comes_back_from_the_address() -> None:
    first, second = write(6, 0.5), write(3, 0.25, "wanda")
    page = app("Trade-offs")
    page = checked(box(page, "Fairness, upwards").select("uer").run())
    page = checked(box(page, "Across").select("rouge_l").run())
    for label, value in (
        ("A panel for each", "method"),
        ("95 % intervals", "none"),
        ("Camera of the figures saves", "svg"),
    ):
        (control,) = [one for one in page.segmented_control if one.label == label]
        page = checked(control.set_value(value).run())
    (way,) = [one for one in page.segmented_control if one.label == "Choose runs by"]
    page = checked(way.set_value("hand").run())
    (hand,) = page.multiselect
    assert set(hand.value) == {first.id, second.id}
    page = checked(hand.set_value([second.id]).run())
    address = {
        name: value[0] if isinstance(value, list) else value for name, value in page.query_params.items()
    }
    assert address == {
        "y": "uer",
        "x": "rouge_l",
        "facet": "method",
        "intervals": "none",
        "image": "svg",
        "runs": second.id[:8],
    }
    page = checked(page.multiselect[0].set_value([first.id, second.id]).run())
    fresh = app("Trade-offs", **{**address, "runs": f"{first.id[:6]},{second.id}"})
    assert box(fresh, "Fairness, upwards").value == "uer" and box(fresh, "Across").value == "rouge_l"
    assert [one["data"][-1]["name"] for one in figures(fresh)[:2]] == ["dense", "dense"]
    assert len(figures(fresh)) == 3  # a panel per method, and the front
    config = json.loads(fresh.get("plotly_chart")[0].proto.config)
    assert config["toImageButtonOptions"] == {"format": "svg", "scale": 2, "filename": "trade-offs-uer"}


def test_what_panels_cannot_be_made_of_is_said_with_what_gives_them() -> None:
    runs = [write(6, 0.5), write(3, 0.25, "wanda")]
    page = app("Trade-offs")
    assert (
        "These runs have one calibration set, one corpus and one model: panels by them appear with"
        in captions(page)
    )
    (facet,) = [one for one in page.segmented_control if one.label == "A panel for each"]
    assert facet.options == ["One panel", "Method"]
    runs += [write(6, 0.5, calibration={"name": "random"})]
    page = app("Trade-offs", runs=",".join(run.id for run in runs))
    assert "These runs have one corpus and one model: panels" in captions(page)
    (facet,) = [one for one in page.segmented_control if one.label == "A panel for each"]
    assert facet.options == ["One panel", "Calibration set", "Method"] and facet.value == "calibration"


def test_sweeps_and_tags_choose_runs() -> None:
    first, second = write(6, 0.5), write(3, 0.25, "wanda")
    with open_store() as store:
        sweep = store.put_sweep("two methods", {}, [first.id])
        store.describe(second.id, tags=["paper"])
    page = app("Trade-offs", of=f"sweep:{sweep.id}")
    assert page.code[0].value.count("pruned by magnitude,") == 1
    (way,) = [one for one in page.segmented_control if one.label == "Choose runs by"]
    page = checked(way.set_value("tag").run())
    assert page.query_params["of"] in ("tag:paper", ["tag:paper"])
    assert "pruned by wanda," in page.code[0].value


def test_who_comes_back_from_another_page_keeps_the_choice() -> None:
    write(6, 0.5)
    tagged = write(3, 0.25, "wanda")
    with open_store() as store:
        store.describe(tagged.id, tags=["paper"])
    page = app("Trade-offs", of="tag:paper", y="uer")
    for name in ("Runs", "Trade-offs"):  # by the side bar, whose links hold no choice of this page
        page.switch_page(PAGES[name])
        for key in list(page.query_params):
            del page.query_params[key]
        page = checked(page.run())
    assert page.query_params["of"] == "tag:paper" and page.query_params["y"] == "uer"
    page = checked(box(page, "Across").select("rouge_l").run())
    assert "pruned by wanda," in page.code[0].value and page.query_params["of"] == "tag:paper"
    del page.query_params["y"]  # the back button
    assert box(checked(page.run()), "Fairness, upwards").value == "bur"


@pytest.mark.parametrize("address", [{"of": "sweep:gone"}, {"of": "moon:x"}, {"of": "tag:<img>"}])
def test_a_choice_that_is_gone_is_said_and_the_newest_runs_stand_in(address: dict[str, str]) -> None:
    write(6, 0.5)
    page = app("Trade-offs", **address)
    assert "(any more)" in errors(page) and len(figures(page)) == 2


def test_stale_and_too_short_ids_are_named_and_the_rest_is_shown() -> None:
    run = write(6, 0.5)
    page = app("Trade-offs", runs=f"zzzzzzzz,{run.id[:3]},{run.id[:8]}", y="<img>", x="nothing", facet="moon")
    assert "there is no run 'zzzzzzzz'" in errors(page).lower() and f"no run '{run.id[:3]}'" in errors(page)
    assert len(figures(page)) == 2
    page = app("Trade-offs", runs="zzzzzzzz")
    assert "zzzzzzzz" in errors(page) and any("nothing to draw" in note.value for note in page.info)


def test_runs_that_do_not_compare_say_why_and_stand_in_panels_of_their_own() -> None:
    runs = [write(6, 0.5), write(3, 0.25, "wanda"), write(6, 0.5, metrics={"tau": "0.7"})]
    page = app("Trade-offs", runs=",".join(run.id for run in runs), facet="none")
    assert "not comparable with the others of their panel (metrics' tau 0.7 instead of 0.8)" in captions(page)
    assert len(figures(page)) == 3  # one panel, and a front for each way of measuring
    assert len(box(app("Trade-offs"), "Model and opinions").options) == 2


def test_one_topic_has_no_front() -> None:
    sets = tuple(
        one.__class__(one.id, "the same film", one.composition, "fresh", one.opinions) for one in MANY[:6]
    )
    with open_store() as store:
        fill(
            store,
            spec(0.5, evaluation={"samples": 6}),
            sets=sets,
            texts={"dense": [BOTH] * 6, "pruned": [PRAISE] * 6},
        )
    page = app("Trade-offs")
    assert (
        "are of 1 topic: resampling needs at least 5 topics. To have one, prune on more opinion sets"
        in captions(page)
    )
    assert any("6 samples, fewer than 30" in note.value for note in page.info)


def test_degenerate_runs_are_flagged_first_and_take_no_part_until_asked() -> None:
    texts = {"dense": [BOTH] * 12, "pruned": ["Good."] * 12}
    with open_store() as store:
        fill(store, spec(0.75, evaluation={"samples": 12}), sets=MANY[:12], texts=texts)
    write(6, 0.5)
    page = app("Trade-offs")
    assert any("1 run has over 20 % degenerate summaries, of 2" in note.value for note in page.warning)
    assert "1 degenerate run takes no part" in captions(page)
    page = app("Trade-offs", broken="yes")
    assert "take no part" not in captions(page) and "takes no part" not in captions(page)


def test_hostile_names_show_as_text() -> None:
    run = write(6, 0.5)
    with open_store() as store:
        store.describe(run.id, name=HOSTILE, tags=["<b>tag</b>"])
    page = app("Trade-offs")
    assert "<img" not in markup(page) and "&lt;img" in markup(page)
    assert "<img" not in json.dumps(figures(page))
    page = app("Trade-offs", of="tag:<b>tag</b>")
    assert not errors(page) and INFO.name in page.code[0].value


def test_a_run_of_an_earlier_version_has_no_samples_to_resample() -> None:
    run = write(6, 0.5)
    with open_store() as store:
        found = store.result(run.id, "evaluation")
        assert found is not None
        for sample in found["samples"]:
            del sample["pruned"]
        store.put_result(run.id, "evaluation", found)
    page = app("Trade-offs")
    assert "No front probability" in captions(page) and len(figures(page)) == 2


def test_votes_of_a_closed_study_are_an_axis() -> None:
    with open_store() as store:
        study = study_of_pairs(store)
        judged = next(run for run in store.runs() if run.spec.pruning.method == "wanda")
    page = app("Trade-offs", x="judges_preferred")
    assert not errors(page) and "Judges ↑" in box(page, "Across").options
    assert figures(page)[0]["layout"]["xaxis"]["title"]["text"] == "Judges, % (↑ higher is better)"
    drawn = [mark for mark in figures(page)[0]["data"] if judged.id in json.dumps(mark.get("customdata"))]
    assert drawn and study.state == "closed"
    with open_store() as store:
        (cell,) = win_rates(store, [study])[0].values()
    page = app("Trade-offs", y="judges_preferred")
    assert not errors(page) and box(page, "Fairness, upwards").value == "judges_preferred"
    (line,) = [mark for mark in figures(page)[0]["data"] if judged.id in json.dumps(mark.get("customdata"))]
    assert line["y"] == [pytest.approx(100 * cell["value"])]
    assert line["error_y"]["array"] == [pytest.approx(100 * (cell["high"] - cell["value"]))]
    assert f"n = {cell['n']}" in json.dumps(line["customdata"])
    # the other run has no judged study, and that is said in figure, caption and table
    assert f"Not drawn: 1 run, no Judges: {NOT_JUDGED}" in captions(page)
    assert "1 run was not judged and is not drawn" in page.code[0].value
    assert (
        "over the samples of each run's study" in page.code[0].value and "matcher" not in page.code[0].value
    )
    assert escape(NOT_JUDGED) in markup(page) and escape(COMPARES) in markup(page)
    assert "No front probability: people judged other samples" in captions(page)
    with open_store() as store:
        store.delete_study(study.id)
    assert "Judges ↑" not in box(app("Trade-offs"), "Across").options
