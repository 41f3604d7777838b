"""The tab Explore live: what it asks, what it shows of the answer, and the ways on. The explorer itself answers, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from fairprune.executors.launch import device_lock
from fairprune.exploration import Ground
from fairprune.explorer import Explorer
from fairprune.paths import subfolder
from fairprune.store import Store, open_store
from fairprune.ui import explore_start
from fairprune.worker import main
from tests.explored import explored
from tests.pages.filled import app, checked, errors, markup
from tests.toy_corpus import import_toy


@pytest.fixture(autouse=True)
def lived_in() -> Iterator[None]:
    """Somebody holds the device: no worker is started, and a test answers when it wants to."""
    with device_lock("cpu").acquire(timeout=1):
        yield


@pytest.fixture
def store() -> Iterator[Store]:
    with open_store() as opened:
        yield opened


@pytest.fixture
def ground(store: Store, tiny_folder: Path) -> Ground:
    return explored(store, tiny_folder)


def opened(**address: str) -> AppTest:
    return app("Prune", mode="explore", **address)


def widget(page: AppTest, kind: str, label: str) -> Any:
    (found,) = [element for element in getattr(page, kind) if element.label == label]
    return found


def answered(store: Store, page: AppTest) -> AppTest:
    """The explorer answers all that waits; then the page is drawn again."""
    Explorer(store, "cpu").serve(idle=0.1)
    page = checked(page.run())
    return checked(page.run())  # an answer that has just ended draws the page once more, without its clock


def number(page: AppTest) -> int:
    return int(page.session_state["explore.asked"]["number"])


def captions(page: AppTest) -> str:
    return "\n".join(element.value for element in page.caption).replace("\\", "")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tiny_folder: Path) -> dict[str, Any]:
    """The run that the button starts, of a tiny model."""
    asked = {
        **explore_start.ASKED,
        "model": str(tiny_folder),
        "corpus": import_toy(),
        **{"samples": 2, "seqlen": 64, "calibration_samples": 2, "max_new_tokens": 8, "device": "cpu"},
    }
    monkeypatch.setattr(explore_start, "ASKED", asked)
    return asked


def test_without_statistics_one_button_makes_them_and_says_what_they_cost(small: dict[str, Any]) -> None:
    page = opened()
    assert errors(page) == "" and not page.slider
    assert "No statistics are stored yet" in page.info[0].value
    told = captions(page)
    # Nothing has run here: the time rests on the usual speed, memory and disk on the shapes of the model
    assert (
        "Time: " in told and "host memory: " in told and "disk: " in told and "It fits this machine" in told
    )
    (link,) = [link for link in page.get("page_link") if "another model" in link.proto.label]
    assert "method=hgla" in link.proto.query_string


def test_the_button_leads_to_the_explorer(store: Store, small: dict[str, Any]) -> None:
    page = checked(opened().button(key="explore.first").click().run())
    (run,) = store.runs()
    assert (run.state, run.spec.pruning.options["propagate"]) == ("queued", "dense")
    assert page.query_params["making"] == run.id and "mode" in page.query_params
    assert "the explorer opens here by itself" in page.info[0].value
    assert not [
        button for button in page.button if button.key == "explore.first"
    ]  # no second one while it is under way
    # Another browser with this address sees the same.
    assert "the explorer opens here by itself" in opened(making=run.id).info[0].value
    store.claim("cpu", 1)
    assert main([run.id]) == 0, store.run(run.id).error_detail
    page = checked(checked(page.run()).run())
    assert errors(page) == "" and page.slider(key="explore.sparsity").value == 50
    assert "making" not in page.query_params
    assert "2 × 64 tokens" in widget(page, "selectbox", "Model and calibration set").options[0]
    assert f"50.000{chr(0xA0)}%" in markup(answered(store, page))


def test_statistics_that_have_gone_are_made_with_another_seed(store: Store, small: dict[str, Any]) -> None:
    page = checked(opened().button(key="explore.first").click().run())
    (run,) = store.runs()
    store.claim("cpu", 1)
    assert main([run.id]) == 0
    for file in subfolder("statistics").rglob("*.safetensors"):
        file.unlink()
    page = checked(checked(page.run()).run())
    assert "its statistics are not on disk any more" in page.warning[-1].value
    checked(page.button(key="explore.first").click().run())
    assert sorted(one.spec.evaluation.seed for one in store.runs()) == [0, 1]


def test_a_run_that_failed_says_why_and_the_offer_stands(store: Store, small: dict[str, Any]) -> None:
    page = checked(opened().button(key="explore.first").click().run())
    (run,) = store.runs()
    store.claim("cpu", 1)
    store.finish(run.id, "failed", error="no memory <b>left</b>")
    page = checked(checked(page.run()).run())
    assert "No memory <b>left</b>" in errors(page).replace("\\", "") and page.button(key="explore.first")
    store.delete(run.id)
    page = checked(page.run())
    assert errors(page) == "" and "making" not in page.query_params and page.button(key="explore.first")


def test_a_setting_is_answered_and_stands_in_the_address(store: Store, ground: Ground) -> None:
    page = opened()
    assert errors(page) == ""
    assert "waiting for the explorer" in markup(page)
    assert page.query_params["setting"] == "wanda@0.5" and "beside" not in page.query_params
    first = number(page)
    page = answered(store, page)
    text, space = markup(page), "\N{NO-BREAK SPACE}"
    assert number(page) == first  # drawn again, not asked again
    assert f"50.000{space}%" in text and "127 tokens predicted" in text and "nothing to compare with" in text
    assert "Masks after" in captions(page) and "a rough sign, no measurement" in captions(page)
    assert "It has no interval" in captions(page)
    assert len(page.get("plotly_chart")) == 1
    # No run was queued: the one of the statistics is alone.
    assert [run.id for run in store.runs()] == [ground.run.id]


def test_the_setting_before_is_compared_with_and_the_latest_wins(store: Store, ground: Ground) -> None:
    page = answered(store, opened())
    page = checked(page.slider(key="explore.sparsity").set_value(60).run())
    outdated = number(page)
    page = checked(page.slider(key="explore.sparsity").set_value(75).run())
    assert store.exploration(outdated).state == "superseded"
    # The one in the middle was never shown: it is not what the masks are compared with.
    assert (page.query_params["setting"], page.query_params["beside"]) == ("wanda@0.75", "wanda@0.5")
    assert f"50.000{chr(0xA0)}%" not in markup(page)  # an outdated answer is not shown
    page = answered(store, page)
    # Wanda at 75 % keeps half of what it keeps at 50 %; by chance 1/8 of 5/8.
    text, space = markup(page), "\N{NO-BREAK SPACE}"
    assert f"50.0{space}%" in text and f"by chance 20.0{space}%" in text and f"Wanda 50{space}%" in text
    assert "one mask is a part of the other" in captions(page)


def test_another_method_at_the_same_sparsity(store: Store, ground: Ground) -> None:
    page = opened(setting="hgla@0.3", beside="magnitude@0.4")
    assert widget(page, "selectbox", "Method").value == "hgla"
    assert page.slider(key="explore.sparsity").value == 30
    assert widget(page, "selectbox", "Compare masks with").value == "setting"
    assert widget(page, "selectbox", "Its method").value == "magnitude"
    page = answered(store, page)
    assert f"Magnitude 40{chr(0xA0)}%" in markup(page) and "part of the other" not in captions(page)
    page = checked(widget(page, "selectbox", "Compare masks with").select("nothing").run())
    assert "beside" not in page.query_params


def test_the_masks_of_a_stored_run(store: Store, ground: Ground) -> None:
    page = opened(setting="hgla@0.5", beside=f"run:{ground.run.id}")
    page = answered(store, page)
    assert f"100.0{chr(0xA0)}%" in markup(page)  # the same setting as that run's
    assert page.query_params["beside"] == f"run:{ground.run.id}"


def test_a_pattern_has_no_slider_and_keeps_its_view(store: Store, ground: Ground) -> None:
    page = opened(setting="ria@2:4")
    assert not page.slider and widget(page, "segmented_control", "Kind of sparsity").value == "2:4"
    page = answered(store, page)
    assert page.query_params["setting"] == "ria@2:4" and f"50.000{chr(0xA0)}%" in markup(page)


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ({"setting": "wnada@0.5"}, "did you mean 'wanda'"),
        ({"setting": "gradient@0.5"}, "Gradient reads gradients of all tokens"),
        ({"setting": "<img src=x>"}, "is not of the form|unknown method"),
        ({"beside": "wanda@x"}, "is not of the form method@sparsity"),
    ],
)
def test_a_stale_address_is_a_sentence_and_the_tab_goes_on(
    ground: Ground, address: dict[str, str], sentence: str
) -> None:
    import re

    page = opened(**address)
    assert "in the address cannot be used" in errors(page) and re.search(sentence, errors(page))
    assert page.query_params["setting"] == "wanda@0.5"
    assert errors(checked(page.run())) == ""
    assert opened(on="feedfacefeedface").query_params["setting"] == "wanda@0.5"
    assert widget(opened(beside="run:feedfacefeedface"), "selectbox", "Run").value == ground.run.id


def test_methods_that_are_not_offered_have_their_reasons(ground: Ground) -> None:
    page = opened()
    assert widget(page, "selectbox", "Method").options == [
        "HGLA",
        "HGLA, additive",
        "Magnitude",
        "Random",
        "Wanda",
        "RIA",
    ]
    reasons = "\n".join(element.value for element in page.markdown)
    assert "SparseGPT also updates the weights that it keeps" in reasons
    assert "GBLM reads gradients of all tokens" in reasons


def test_a_failed_answer_says_why_and_can_be_asked_again(store: Store, ground: Ground) -> None:
    page = opened()
    store.refuse_explorations(
        "cpu", "A run is using the device cpu: <b>tiny</b>. Ask again when it has ended."
    )
    page = checked(checked(page.run()).run())
    assert "A run is using the device cpu: <b>tiny</b>" in errors(page)
    before = number(page)
    page = checked(page.button(key="explore.again").click().run())
    assert number(page) > before and errors(page) == ""
    page = answered(store, page)
    assert "127 tokens predicted" in markup(page)


def test_two_sessions_do_not_disturb_each_other(store: Store, ground: Ground) -> None:
    one, two = opened(setting="wanda@0.3"), opened(setting="hgla@0.6")
    assert number(one) != number(two)
    assert [store.exploration(number(page)).state for page in (one, two)] == ["waiting", "waiting"]
    one = answered(store, one)
    two = checked(checked(two.run()).run())
    assert f"asked 30.00{chr(0xA0)}%" in markup(one) and f"asked 60.00{chr(0xA0)}%" in markup(two)


def test_one_button_makes_a_run_of_it_once(store: Store, ground: Ground) -> None:
    page = checked(opened(setting="magnitude@0.35").button(key="explore.run").click().run())
    run = store.run(page.query_params["run"])
    assert (run.state, run.spec.pruning.method, run.spec.pruning.sparsity) == ("queued", "magnitude", 0.35)
    assert run.spec.evaluation == ground.run.spec.evaluation
    assert page.query_params["mode"] == "run"
    # The run of the statistics itself is not computed twice.
    page = checked(opened(setting="hgla@0.5").button(key="explore.run").click().run())
    assert page.query_params["run"] == ground.run.id
    assert "computed before" in page.success[0].value


def test_the_sweep_gets_the_setting(ground: Ground) -> None:
    page = opened(setting="wanda@0.35")
    (link,) = [link for link in page.get("page_link") if link.proto.label == "Make this a sweep"]
    address = link.proto.query_string
    assert "mode=sweep" in address and "method=wanda" in address and f"like={ground.run.id}" in address
    assert "sparsity=0.2%2C0.3%2C0.35%2C0.4%2C0.5%2C0.6%2C0.7" in address
