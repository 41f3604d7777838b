"""Page Debias: empty and filled, its three methods with real results of the tiny model, addresses, what is refused at the form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from fairprune.debias_group import base_of, group_of
from fairprune.debias_stages import COLLAPSE_WINDOWS
from fairprune.executors.launch import device_lock
from fairprune.mask_details import result_kind
from fairprune.spec import RunSpec, parse_part
from fairprune.store import Run, Store, open_store
from fairprune.ui.debias_evidence import larger_set
from fairprune.ui.debias_like import address_like, left_out
from tests.debias_runs import edit, execute, own_sets, plan, sides_accepted
from tests.pages.filled import app, checked, errors, markup
from tests.report_asked import ask_and_make
from tests.toy_corpus import import_toy


@pytest.fixture
def store() -> Iterator[Store]:
    """Nothing that waits is started."""
    with device_lock("cpu").acquire(timeout=1), open_store() as opened:
        yield opened


def done(store: Store, spec: RunSpec) -> Run:
    run, code = execute(store, spec)
    assert code == 0, run.error_detail
    return run


def group(store: Store, spec: RunSpec) -> Run:
    """All runs of a group; the asked one."""
    for member in group_of(spec):
        done(store, member.spec)
    return store.run(spec.id)


def texts(page) -> str:
    """All that is read on the page, without the signs that keep Markdown from having an effect."""
    parts = (*page.header, *page.markdown, *page.caption, *page.info)
    return "\n".join([markup(page), *(one.value for one in parts)]).replace("\\", "")


def test_without_runs_it_says_what_to_do(store: Store) -> None:
    page = app("Debias")
    assert "No run yet" in markup(page)
    assert "start from a model" in page.info[-1].value


def test_a_pruned_run_offers_an_edit_with_its_controls_and_cost(store: Store, tiny_folder: Path) -> None:
    run = done(store, plan(tiny_folder, import_toy()))
    page = app("Debias", run=run.id)
    assert not errors(page), errors(page)
    shown = texts(page)
    assert "control: random" in shown and "control: first-only" in shown
    assert "Read in the paper and its code" in shown
    assert page.button(key="debias.start").label == "Start 3 runs"  # the base is stored
    for lab, count in (("denp", 2), ("collapse", 2), ("recovery", 1)):
        page = app("Debias", run=run.id, lab=lab)
        assert not errors(page), errors(page)
        word = "run" if count == 1 else "runs"
        assert page.button(key="debias.start").label == f"Start {count} {word}"
    assert "reconstruction" in texts(app("Debias", run=run.id, lab="denp"))


def test_starting_queues_the_group_as_one_sweep_and_shows_it(store: Store, tiny_folder: Path) -> None:
    run = done(store, plan(tiny_folder, import_toy()))
    page = app("Debias", run=run.id, lab="recovery", set="steps:3,samples:4,seqlen:160,batch_size:2")
    assert not errors(page), errors(page)
    assert page.number_input(key="debias.steps").value == 3
    page = checked(page.button(key="debias.start").click().run())
    assert not errors(page), errors(page)
    [sweep] = store.sweeps()
    assert sweep.title.startswith("recovery (uniform, steps 3")
    asked = store.run(sweep.run_ids[1])
    assert (sweep.run_ids[0], asked.state) == (run.id, "queued")
    assert asked.spec.recovery is not None and asked.spec.recovery.steps == 3
    assert base_of(asked.spec) == run.spec
    assert page.query_params["result"] in (asked.id, [asked.id])
    assert "Waiting" in texts(page)


def test_an_edit_before_pruning_says_what_it_was_measured_on(store: Store, tiny_folder: Path) -> None:
    run = done(store, plan(tiny_folder, import_toy(), edit=edit(order="before")))
    page = app("Debias", run=run.id)
    assert not errors(page), errors(page)
    shown = texts(page)
    assert "**Measured on the model before pruning: " in shown and "edited, then pruned" in shown
    assert "both controls here are not pruned" in shown
    # As a run of before, whose verdict does not say it and which has no pruned model beside.
    found = store.result(run.id, "debias")
    sentence = found["edit"]["verdict"]["sentence"].removeprefix("Measured on the model before pruning: ")
    found["edit"]["verdict"]["sentence"] = sentence
    del found["edit"]["measured_on"]
    for one in found["edit"]["quantities"]:
        del one["systems"]["final"]
    store.put_result(run.id, "debias", found)
    page = app("Debias", run=run.id)
    assert not errors(page), errors(page)
    shown = texts(page)
    assert "**Measured on the model before pruning: " in shown and "edited, then pruned" not in shown


def test_an_edit_beside_its_controls(store: Store, tiny_folder: Path) -> None:
    run = group(store, plan(tiny_folder, import_toy(), edit=edit(**own_sets(12))))
    for address in (base_of(run.spec).id, run.id, group_of(run.spec)[2].spec.id):
        page = app("Debias", run=address)
        assert not errors(page), errors(page)
        shown = texts(page)
        for part in (
            "Weights set to zero",
            "by chance",
            "Margin",
            "Fairness, side by side",
            "Quality, side by side",
        ):
            assert part in shown, part
        assert "minus control: random" in shown and "minus pruned" in shown
        assert "fewer than" in shown  # 3 samples support no conclusion
        assert page.query_params["result"] in (run.id, [run.id])
    assert shown.count(", 0 shared with the edit") == 2
    assert "HSIC without scale" in shown and "biased estimate of an earlier version" not in shown
    # As a run of before, with the biased HSIC alone.
    found = store.result(run.id, "debias")
    del found["edit"]["hsic"]["estimate"]
    del found["edit"]["controls"]
    found["edit"]["quantities"] = [
        one for one in found["edit"]["quantities"] if one["name"] != "hsic without scale"
    ]
    store.put_result(run.id, "debias", found)
    page = app("Debias", run=run.id)
    assert not errors(page), errors(page)
    assert "biased estimate of an earlier version" in texts(page)
    # The same numbers as on the page Fairness.
    uer = store.result(run.id, "evaluation")["metrics"]["uer"]["pruned"]["value"]
    assert f"{100 * uer:.1f}" in markup(page)


def test_layers_says_which_mask_it_shows(store: Store, tiny_folder: Path) -> None:
    corpus = import_toy()
    run = done(store, plan(tiny_folder, corpus, edit=edit()))
    matrices = store.result(run.id, "sparsity")["matrices"]
    changed = next(one for one in matrices if one["edited"])
    same = next(one for one in matrices if not one["edited"])
    for one, says in (
        (changed, f"Shown is the mask after the edit, which set {changed['edited']} more weight"),
        (same, "The edit set no weight of this matrix to zero."),
    ):
        page = app("Layers", run=run.id, block=str(one["block"]), matrix=one["kind"])
        assert not errors(page), errors(page)
        assert says in texts(page)
    # As a run of before, whose details are those of pruning.
    kind = result_kind(changed["block"])
    details = store.result(run.id, kind)
    details[changed["name"]].pop("edited")
    store.put_result(run.id, kind, details)
    page = app("Layers", run=run.id, block=str(changed["block"]), matrix=changed["kind"])
    assert "Shown is the mask as pruning made it, before the edit" in texts(page)
    recovery = {"steps": 1, "samples": 2, "seqlen": 160, "batch_size": 1}
    run = done(store, plan(tiny_folder, corpus, recovery=recovery))
    assert "moved kept weights and no zero" in texts(app("Layers", run=run.id))


def test_a_recovery_beside_uniform_steps(
    store: Store, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides_accepted(monkeypatch)
    recovery = {"kind": "denp", "steps": 2, "samples": 20, "seqlen": 160, "batch_size": 2}
    run = group(store, plan(tiny_folder, import_toy(), recovery=recovery))
    page = app("Debias", run=run.id)
    assert not errors(page), errors(page)
    shown = texts(page)
    for part in (
        "Gap of the two means",
        "Limit",
        "Two sets",
        "After − before, paired",
        "Recovered − control, paired",
        "control: uniform",
        "zeros stayed zero",
    ):
        assert part in shown, part
    assert "no losses of single" not in shown and "did not read the same" not in shown
    # As a control of before, whose losses are those of groups alone.
    control = group_of(run.spec)[2].spec.id
    old = store.result(control, "debias")
    old["recovery"].pop("texts")
    store.put_result(control, "debias", old)
    page = app("Debias", run=run.id)
    assert not errors(page), errors(page)
    assert "no losses of single texts are stored with the control" in texts(page)
    # Texts that could offend are folded.
    assert any("most affected texts" in one.label for one in page.expander)


def test_a_refused_split_shows_both_numbers_and_what_it_rests_on(store: Store, tiny_folder: Path) -> None:
    recovery = {"kind": "denp", "steps": 2, "samples": 20, "seqlen": 160, "seed": 1}
    run, _ = execute(store, plan(tiny_folder, import_toy(), recovery=recovery))
    page = app("Debias", run=run.id)
    assert "do not fall into two sets" in errors(page)
    assert "Refused: no two sets" in texts(page)
    assert "Gap of the two means" in texts(page)
    assert "Stored before repeated opinions" not in texts(page)
    found = store.result(run.id, "debias")
    for name in ("places", "shares"):
        del found["recovery"]["rac"][name]
    store.put_result(run.id, "debias", found)
    assert "Stored before repeated opinions were counted once" in texts(app("Debias", run=run.id))


def test_a_larger_set_that_is_affected_is_told() -> None:
    def rac(high: int, accepted: bool = True, **shares: float) -> dict[str, Any]:
        split = {"n": 120, "sizes": {"high": high, "low": 120 - high}, "accepted": accepted}
        return {"split": split, **({"shares": shares} if shares else {})}

    told = "The affected texts are the larger set (110 of 120 texts, 92% of what is weighed)"
    assert told in larger_set(rac(110))  # of an earlier version, which counted no tokens
    assert "whose loss pruning raises least" in larger_set(rac(50, before=0.6))
    assert (
        larger_set(rac(110, accepted=False)) == larger_set(rac(10)) == larger_set(rac(110, before=0.4)) == ""
    )


def test_a_collapse_report_is_asked_for_and_shown(store: Store, tiny_folder: Path) -> None:
    run = done(store, plan(tiny_folder, import_toy()))
    page = app("Debias", run=run.id, lab="collapse", words="sentiment")
    page = checked(page.button(key="collapse.ask").click().run())
    assert not errors(page), errors(page)
    report = store.report(run.id, "collapse")
    assert (report.state, report.options["words"]) == ("queued", "sentiment")
    assert page.button(key="collapse.cancel").label == "Cancel the report"
    ask_and_make(store, run.id, "sentiment", COLLAPSE_WINDOWS)
    page = app("Debias", run=run.id, lab="collapse", words="sentiment")
    assert not errors(page), errors(page)
    assert "UNC3" in markup(page) and "Beside the control" in markup(page)


def link_of(page, label: str) -> dict[str, str]:
    """The parameters of a link on the page."""
    [link] = [one.proto for one in page.get("page_link") if one.proto.label == label]
    assert link.page.endswith("Debias")
    return dict(parse_qsl(link.query_string))


LIKE = "Set up another edit or recovery like this"


def test_another_one_like_an_edited_run_is_set_up_here(store: Store, tiny_folder: Path) -> None:
    corpus = import_toy()
    edited = group(store, plan(tiny_folder, corpus, edit=edit(modules="all", seed=2)))
    random = group_of(edited.spec)[2].spec.id
    for run in (edited, store.run(random)):
        address = link_of(app("Prune", run=run.id), LIKE)
        assert address == address_like(run) and address["run"] == run.id
        page = app("Debias", **address)
        assert not errors(page), errors(page)
        # The very same options: everything that the form asks for is stored.
        assert page.button(key="debias.start").label == "Open the stored result"
        assert page.selectbox(key="debias.modules").value == "all"
    like = app("Prune", like=edited.id)
    assert link_of(like, LIKE) == address_like(edited)
    assert "sets up pruning alone" in texts(like)
    plain = store.run(base_of(edited.spec).id)
    assert address_like(plain) is None
    assert not [one for one in app("Prune", run=plain.id).get("page_link") if one.proto.label == LIKE]


@pytest.mark.parametrize(
    ("recovery", "lab"),
    [
        ({"steps": 2, "samples": 4, "seqlen": 160, "batch_size": 2}, "recovery"),
        ({"kind": "denp"}, "denp"),
        ({"kind": "nc3", "words": "sentiment", "strength": 50}, "collapse"),
    ],
)
def test_another_recovery_like_a_stored_one(
    store: Store, tiny_folder: Path, recovery: dict, lab: str
) -> None:
    spec = plan(tiny_folder, import_toy(), recovery={}, checked=False).model_dump(mode="json")
    run, _ = store.submit(parse_part(RunSpec, {**spec, "recovery": {"seed": 0, **recovery}}))
    address = address_like(run)
    assert address is not None and address["lab"] == lab
    page = app("Debias", **address, **{"from": "run"})
    assert not errors(page), errors(page)
    for name, value in recovery.items():
        if name != "kind":
            widgets = page.selectbox if name == "words" else page.number_input
            assert widgets(key=f"debias.{name}").value == value


def test_of_an_edit_with_a_recovery_the_form_says_what_it_leaves_out(tiny_folder: Path) -> None:
    both = plan(tiny_folder, import_toy(), edit=edit(), recovery={}, calibration="denp", checked=False)
    assert left_out(both) == "recovery (uniform), calibration by DENP"
    assert left_out(plan(tiny_folder, import_toy(), edit=edit(), checked=False)) == ""


def test_options_of_the_address_are_all_there_is(store: Store, tiny_folder: Path) -> None:
    run = done(store, plan(tiny_folder, import_toy()))
    page = app("Debias", run=run.id, lab="recovery", set="steps:3,batch_size:2")
    page.query_params["set"] = "steps:5"
    page = checked(page.run())
    assert (
        page.number_input(key="debias.steps").value,
        page.number_input(key="debias.batch_size").value,
    ) == (
        5,
        4,
    )


def test_a_failed_report_says_why(store: Store, tiny_folder: Path) -> None:
    run = done(store, plan(tiny_folder, import_toy()))
    ask_and_make(store, run.id, "party")
    page = app("Debias", run=run.id, lab="collapse")
    assert "oo few words are one token" in errors(page)
    assert page.button(key="collapse.ask").label == "Make the report"


def test_a_model_is_pruned_first(store: Store, tiny_folder: Path) -> None:
    corpus = import_toy()
    page = app("Debias", **{"from": "model"})
    page = checked(page.text_input(key="debias.model").input(str(tiny_folder)).run())
    page = checked(page.selectbox(key="debias.corpus").select(corpus).run())
    assert not errors(page), errors(page)
    assert page.button(key="debias.start").label == "Start 4 runs"
    page = checked(page.text_input(key="debias.model").input("").run())
    assert "no model was given" in errors(page).lower()


def test_options_that_cannot_be_are_refused_at_the_form(store: Store, tiny_folder: Path) -> None:
    run = done(store, plan(tiny_folder, import_toy()))
    page = app("Debias", run=run.id, set="second:fairness")
    assert "the first and the second set of an edit are both 'fairness'" in errors(page).lower()
    page = app("Debias", run=run.id, lab="recovery", set="samples:4,seqlen:16")
    page = checked(page.button(key="debias.start").click().run())
    assert "cannot be cut" in errors(page)
    assert not store.sweeps()
