"""Page Debias: which result it shows of a run, and which results it finds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fairprune.debias_group import group_of
from fairprune.executors.launch import device_lock
from fairprune.spec import RunSpec
from fairprune.store import Run, Store, open_store
from fairprune.ui import debias
from fairprune.ui.debias import results, same_base
from fairprune.ui.debias_like import address_like
from tests.debias_runs import plan
from tests.pages.filled import app, checked, errors, fill, spec
from tests.toy_corpus import import_toy


@pytest.fixture
def store() -> Iterator[Store]:
    """Nothing that waits is started."""
    with device_lock("cpu").acquire(timeout=1), open_store() as opened:
        yield opened


def ended(store: Store, asked: RunSpec, state: Any = "cancelled", error: str | None = None) -> Run:
    run, _ = store.submit(asked)
    store.claim("cpu", 1)
    return store.finish(run.id, state, error)


def shown(page: Any) -> tuple[str, ...]:
    """The result in the address, and in its box."""
    found = page.query_params["result"]
    boxes = [box.value for box in page.selectbox if box.label == "Result"]
    return (found if isinstance(found, str) else found[0], *boxes)


def edited(seed: int, control: str = "none") -> RunSpec:
    return spec(edit={"seed": seed, "control": control})


def test_a_run_shows_its_own_result_and_not_the_newest(store: Store) -> None:
    base = fill(store)
    older = ended(store, edited(1), "failed", "no weight of the older edit was chosen")
    control = ended(store, edited(1, "random"))
    newer = ended(store, edited(2), "failed", "no weight of the newer edit was chosen")
    for run, result in ((older, older), (control, older), (newer, newer), (base, newer)):
        page = app("Debias", run=run.id)
        assert shown(page) == (result.id, result.id), run.label
        assert result.error in errors(page)
        assert (older if result is newer else newer).error not in errors(page)
    # What the address names is shown, whatever run it names.
    assert shown(app("Debias", run=older.id, result=newer.id)) == (newer.id, newer.id)
    assert shown(app("Debias", run=base.id, result=older.id)) == (older.id, older.id)
    for run in (older, control):
        page = app("Debias", **address_like(run))
        assert shown(page) == (older.id, older.id)


def test_another_run_is_followed_by_its_result_and_its_method(store: Store) -> None:
    fill(store)
    one, two = (ended(store, edited(seed)) for seed in (1, 2))
    recovered = ended(store, spec(recovery={"kind": "denp"}))
    page = app("Debias", run=one.id)
    page = checked(page.selectbox(key="choice.result").select(two.id).run())
    assert shown(page) == (two.id, two.id)
    assert shown(checked(page.run())) == (two.id, two.id)
    page = checked(page.selectbox(key="choice.run").select(recovered.id).run())
    assert shown(page)[0] == recovered.id
    page = checked(page.selectbox(key="choice.run").select(one.id).run())
    assert shown(page) == (one.id, one.id)
    # A link to a run, while another result is remembered.
    page = checked(page.selectbox(key="choice.result").select(two.id).run())
    page.switch_page("pages/1_Prune.py")
    page.query_params.clear()
    page = checked(page.run())
    page.switch_page("pages/6_Debias.py")
    page.query_params["run"] = one.id
    assert shown(checked(page.run())) == (one.id, one.id)


def test_a_control_whose_edit_is_not_stored_stands_for_itself(store: Store) -> None:
    fill(store)
    control = ended(store, edited(1, "random"), "failed", "out of memory in the control")
    ended(store, edited(2))
    page = app("Debias", run=control.id)
    assert shown(page) == (control.id, control.id)
    assert "out of memory in the control" in errors(page)
    assert any("SPIN: not started" in one.value for one in page.caption)


def test_a_missing_control_leaves_no_verdict(store: Store) -> None:
    base, asked = fill(store), fill(store, edited(1))
    ended(store, edited(1, "random"))
    page = app("Debias", run=asked.id)
    said = [one.value.replace("\\", "") for one in page.markdown if "No conclusion" in one.value]
    assert said and "control: random (cancelled) and control: first-only (not started) are missing" in said[0]
    assert base.id != asked.id


def test_no_number_of_newer_runs_hides_a_result(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debias, "PORTION", 2)
    base, wanted = spec(), [spec(recovery={"kind": "denp", "seed": seed}) for seed in range(5)]
    for one in (base, *wanted):
        store.submit(one)
    for seed in range(520):
        store.submit(spec(evaluation={"samples": 3, "seed": seed + 1}))
    found = results(store, base, "denp")
    assert {run.id for run in found} == {one.id for one in wanted} and len(found) == 5


def test_results_of_another_draw_of_windows_have_another_base(store: Store) -> None:
    base = spec()
    mine = base.calibration.model_dump()
    assert same_base(spec(calibration={**mine, "name": "denp"}), base)
    for other in ({"samples": 99}, {"seed": 7}, {"seqlen": 64}, {"corpus": "politics"}):
        asked = spec(calibration={**mine, **other, "name": "denp"})
        assert not same_base(asked, base), other
        store.submit(asked)
    assert results(store, base, "denp") == []
    # Windows of another kind, which balanced and weighed ones replaced.
    drawn = spec(calibration={**mine, "name": "random"})
    assert same_base(spec(calibration={**mine, "name": "denp"}), drawn)
    assert not same_base(spec(calibration={**mine, "name": "denp", "seed": 7}), drawn)


def test_a_form_finds_the_results_of_its_model_alone(store: Store, tiny_folder: Path) -> None:
    corpus = import_toy()
    form = plan(tiny_folder, corpus, checked=False)
    asked = plan(tiny_folder, corpus, calibration="denp", calibration_samples=21)
    assert not same_base(asked, form)
    asked = plan(tiny_folder, corpus, recovery={"kind": "denp"})
    other = asked.model_copy(update={"model": asked.model.model_copy(update={"name": "some/model"})})
    for one in (asked, other):
        store.submit(one)
    assert [run.id for run in results(store, form, "denp")] == [asked.id]
    assert group_of(asked)[0].spec.model.identity


@pytest.mark.parametrize(("role", "name"), [("first", "file:zzz"), ("second", "privcy"), ("general", "none")])
def test_an_unknown_set_of_the_address_is_said(store: Store, role: str, name: str) -> None:
    run = fill(store)
    page = app("Debias", run=run.id, lab="spin", set=f"ratio:1e-05,{role}:{name}")
    assert "in the address cannot be used" in errors(page) and "Known: fairness, privacy, general" in errors(
        page
    )
    assert not page.query_params.get("set")


def test_a_form_filled_as_a_run_was_asks_for_the_very_same_run(store: Store) -> None:
    fill(store)
    recovery = {"kind": "uniform", "learning_rate": 0.00012345678}
    run, _ = store.submit(spec(recovery=recovery))
    assert address_like(run)["set"] == "learning_rate:0.00012345678"
    page = app("Debias", **address_like(run))
    assert not errors(page), errors(page)
    assert page.button(key="debias.start").label == "Open the stored result"
    assert page.query_params["set"] in ("learning_rate:0.00012345678", ["learning_rate:0.00012345678"])
    edit, _ = store.submit(spec(edit={"ratio": 1e-05, "general_ratio": 1 / 3}))
    assert address_like(edit)["set"] == f"ratio:1e-05,general_ratio:{1 / 3!r}"
