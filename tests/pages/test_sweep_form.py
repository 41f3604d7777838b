"""The sweep of the page Prune: axes, what they come to, what is left out, and the sweep on the page Runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from fairprune.errors import BadInput
from fairprune.executors.launch import device_lock
from fairprune.store import open_store
from fairprune.ui.sweep_form import calibration_sets, share, whole
from tests.pages.filled import app, checked, errors, fill, markup
from tests.pages.test_runs import widget
from tests.tiny import make_tiny_model
from tests.toy_corpus import import_toy


@pytest.fixture(autouse=True)
def lived_in() -> Iterator[None]:
    with device_lock("cpu").acquire(timeout=1):
        yield


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


def sweep_page(tiny: Path, **address: str) -> AppTest:
    given = {"model": str(tiny), "corpus": import_toy(), "method": "wanda,magnitude", "sparsity": "0.25,0.5"}
    page = app("Prune", **{"mode": "sweep", **given, **address})
    for name, value in (("seqlen", 200), ("calibration_samples", 2), ("samples", 2), ("max_new_tokens", 8)):
        page = checked(page.number_input(key=f"prune.{name}").set_value(value).run())
    return page


def captions(page: AppTest) -> str:
    return "\n".join(caption.value.replace("\\", "") for caption in page.caption)


def test_a_link_fills_the_axes_and_the_page_says_what_they_come_to(tiny: Path) -> None:
    page = sweep_page(tiny, calibration="balanced,random", seed="0,1", pattern="2:4")
    assert errors(page) == ""
    assert widget(page, "multiselect", "Methods").value == ["wanda", "magnitude"]
    assert widget(page, "multiselect", "Sparsities").value == ["25%", "50%"]
    # wanda: 3 amounts × 2 sets × 2 seeds; magnitude, which reads no set: 3 × 2
    assert '<div class="fp-big">18</div>' in markup(page)
    assert "0 of them stored already" in markup(page) and "Time of 18 runs" in markup(page)
    assert "Left out, magnitude · random: reads no calibration data" in captions(page)
    assert "Place in the queue" in markup(page)
    page = checked(widget(page, "multiselect", "Seeds").set_value(["0"]).run())
    assert '<div class="fp-big">9</div>' in markup(page) and "seed" not in page.query_params
    page = checked(widget(page, "multiselect", "Patterns n:m").set_value(["2:4", "2:5"]).run())
    assert "2:5" in captions(page) and "neither is a multiple of 5" in captions(page)


def test_the_sweep_is_queued_kept_and_opened(tiny: Path) -> None:
    page = sweep_page(tiny)
    page = checked(page.button(key="sweep.start").click().run())
    with open_store() as store:
        (sweep,) = store.sweeps()
        runs = store.runs_of(sweep.run_ids)
        assert {(run.spec.pruning.method, run.spec.pruning.sparsity, run.state) for run in runs} == {
            (method, amount, "queued") for method in ("wanda", "magnitude") for amount in (0.25, 0.5)
        }
        assert sweep.axes["method"] == ["wanda", "magnitude"]
        assert page.query_params["sweep"] == sweep.id
        assert "0 of 4 runs done" in page.get("progress")[-1].proto.text
        # What is stored is not run again: the page counts it, and then opens the sweep.
        fill(store, runs[0].spec)
        page = sweep_page(tiny)
        assert "1 of them stored already, 3 under way" in markup(page)
        assert page.button(key="sweep.start").label == "Open the stored sweep"
        page = checked(page.button(key="sweep.start").click().run())
        assert page.query_params["sweep"] == sweep.id and len(store.sweeps()) == 1


def test_what_cannot_be_is_a_sentence_and_keeps_the_form(tiny: Path) -> None:
    page = sweep_page(tiny)
    page = checked(widget(page, "multiselect", "Sparsities").set_value([]).run())
    assert "The sweep has no sparsity or pattern: choose at least one" in errors(page)
    page = checked(widget(page, "multiselect", "Sparsities").set_value(["half"]).run())
    assert "Sparsity 'half' is not a percentage" in errors(page)
    page = checked(widget(page, "multiselect", "Sparsities").set_value(["35"]).run())
    assert errors(page) == "" and page.query_params["sparsity"] == "0.35"


def test_percentages_and_seeds() -> None:
    assert (share("35%"), share(" 2.5 % "), share("0")) == (0.35, 0.025, 0.0)
    assert whole(" 3 ") == 3
    for wrong in ("x", "100", "-1"):
        with pytest.raises(BadInput):
            share(wrong)
    with pytest.raises(BadInput):
        whole("-1")


def test_every_calibration_set_of_a_corpus_is_offered() -> None:
    found = calibration_sets(import_toy())
    assert "skewed:good" in found and "one-group:bad" in found and "general:c4" in found
