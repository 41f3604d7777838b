"""Every value that a page takes from its address: one that cannot be used is said once, in words, and taken out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fairprune.executors.launch import device_lock
from fairprune.store import Store, open_store
from tests.explored import explored
from tests.pages.filled import PAGES, app, checked, errors, fill, spec
from tests.talks import fill_talk


@pytest.fixture
def store() -> Iterator[Store]:
    """Two finished runs of the same opinion sets; nothing that waits is started."""
    with device_lock("cpu").acquire(timeout=1), open_store() as opened:
        fill(opened)
        fill(opened, spec(0.25))
        yield opened


def refused(page: str, name: str, value: str, right: str, others: dict[str, str]) -> None:
    """Opens the page with this value, and then once more without one."""
    found = app(page, **{**others, name: value})
    said = [line for line in errors(found).splitlines() if f"{name}=" in line]
    assert len(said) == 1, errors(found)
    assert f"{name}={value} in the address cannot be used: " in said[0] and right in said[0]
    left = found.query_params.get(name)
    assert value not in (left if isinstance(left, list) else [left])
    for key, kept in others.items():
        assert found.query_params[key] in (kept, [kept]), key
    assert "in the address" not in errors(checked(found.run()))
    # The back button comes through the old address: it is not said again, and the page stands.
    found.query_params[name] = value
    assert "in the address" not in errors(checked(found.run()))


@pytest.mark.parametrize("page", [name for name in PAGES if name != "Talk"])
def test_talk(store: Store, page: str) -> None:
    refused(page, "talk", "yes", "talk=1 opens the talk", {})


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        ("mode", "swep", "did you mean 'sweep'? Known: run, sweep, explore"),
        ("preset", "huge", "unknown preset 'huge': Known: quick, standard, paper"),
        ("corpus", "film", "unknown corpus 'film'"),
        ("calibration", "fair", "unknown calibration set 'fair'"),
        ("method", "wnada", "did you mean 'wanda'"),
        ("sparsity", "half", "is not a number in [0, 1), such as 0.5"),
        ("sparsity", "1.5", "is outside [0, 1)"),
        ("pattern", "4:4", "pattern '4:4' is not n:m"),
        ("seed", "-1", "is not a whole number from 0 on"),
    ],
)
@pytest.mark.parametrize("mode", ["run", "sweep"])
def test_prune(store: Store, mode: str, name: str, value: str, right: str) -> None:
    refused("Prune", name, value, right, {} if name == "mode" else {"mode": mode})


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        ("from", "run2", "did you mean 'run'? Known: run, model"),
        ("lab", "spn", "did you mean 'spin'? Known: spin, collapse, denp, recovery"),
        ("set", "ratio=1", "write options as name:value, such as ratio:1e-05"),
        ("set", "ratio:much", "ratio is a number, such as ratio:0.0001"),
        ("set", "shape:round", "write options as name:value"),
        ("set", "modules:head", "Known: mlp, attention, all"),
        ("set", "steps:0", "steps is at least 1 and at most 100000"),
        ("set", "learning_rate:2", "learning_rate is above 0 and at most 1"),
    ],
)
def test_debias(store: Store, name: str, value: str, right: str) -> None:
    refused("Debias", name, value, right, {})


@pytest.mark.parametrize(
    ("value", "right"),
    [
        ("corpus:film", "Known: movies, politics, products"),
        ("sparsity:0.33", "sparsity is a multiple of 0.05 from 0 to 0.95"),
        ("size:large", "name:value, such as corpus:products"),
    ],
)
def test_debias_start(store: Store, value: str, right: str) -> None:
    refused("Debias", "start", value, right, {"from": "model"})


def test_debias_words(store: Store) -> None:
    refused("Debias", "words", "gendr", "did you mean 'gender'", {"lab": "collapse"})


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        ("on", "feedfacefeedface", "no statistics that are still stored"),
        ("setting", "wnada@0.5", "did you mean 'wanda'"),
        ("beside", "wanda@x", "is not of the form method@sparsity"),
        ("beside", "run:feedfacefeedface", "no finished run on this model with stored masks"),
        ("colour", "red", "Known: score_removed"),
    ],
)
def test_explore(store: Store, tiny_folder: Path, name: str, value: str, right: str) -> None:
    explored(store, tiny_folder)
    refused("Prune", name, value, right, {"mode": "explore"})


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        ("of", "sweep:gone", "there is no such sweep (any more)"),
        ("of", "moon:x", "there is no such choice (any more)"),
        ("y", "burr", "did you mean 'bur'"),
        ("x", "speed", "Known: sparsity"),
        ("facet", "moon", "Known: none"),
        ("intervals", "boxes", "Known: bands"),
        ("quality", "beauty", "Known: "),
        ("broken", "maybe", "Known: no, yes"),
        ("image", "gif", "Known: png, svg"),
    ],
)
def test_trade_offs(store: Store, name: str, value: str, right: str) -> None:
    refused("Trade-offs", name, value, right, {})


@pytest.mark.parametrize(
    ("name", "value", "right", "others"),
    [
        ("view", "drug", "did you mean 'drag'? Known: side, drag", {}),
        ("order", "best", "Known: drawn", {}),
        (
            "filter",
            "topic=moon",
            "unknown topic 'moon': did you mean 'meadow'? Known: harbour, meadow, tunnel",
            {},
        ),
        ("filter", "colour=red", "unknown filter 'colour'", {}),
        ("sample", "9", "give a whole number from 1 to 3", {}),
        ("sample", "two", "give a whole number from 1 to 3", {}),
        ("sample", "2", "one of the 1 that the filter leaves", {"filter": "topic=harbour"}),
        ("diff", "yes", "diff=1 marks the words", {}),
        ("sentence", "1.dense.99", "no such sentence", {}),
        ("step", "0.9", "the slider stands at 0, 0.25, 0.5", {"view": "drag"}),
    ],
)
def test_summaries(store: Store, name: str, value: str, right: str, others: dict[str, str]) -> None:
    refused("Summaries", name, value, right, others)


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        ("other", "feedfacefeedface", "no finished run on the same model"),
        ("view", "over", "did you mean 'overlap'"),
        ("measure", "weight", "Known: score_removed"),
        ("block", "99", "Known: 0, 1"),
        ("matrix", "attn", "Known: self_attn.q_proj, mlp.up_proj"),
        ("image", "gif", "Known: svg, png"),
    ],
)
def test_layers(store: Store, name: str, value: str, right: str) -> None:
    refused("Layers", name, value, right, {})


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        ("filter", "under=pruned+nobody", "unknown under 'pruned nobody': did you mean"),
        ("filter", "sort=1", "unknown sort '1'"),
        ("curve", "moon", "Known: bur, uer"),
    ],
)
def test_fairness(store: Store, name: str, value: str, right: str) -> None:
    refused("Fairness", name, value, right, {})


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        ("state", "ended", "Known: queued, running"),
        ("origin", "moon", "Known: here"),
        ("sort", "newst", "did you mean 'newest'"),
        ("page", "99", "give a whole number from 1 to 1. Page 1 is shown"),
        ("page", "x", "give a whole number from 1 to 1. Page 1 is shown"),
        ("sweep", "gone", "there is no such sweep"),
        ("open", "feedfacefeedface", "there is no such run"),
    ],
)
def test_runs(store: Store, name: str, value: str, right: str) -> None:
    refused("Runs", name, value, right, {})


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        ("sample", "9", "there is no sample 9 of 4"),
        ("sample", "two", "by a whole number, from 1 on"),
        ("judged", "99", "there is no sample 99 of 4"),
        ("slide", "99", "give a whole number from 1 to 7"),
        ("asked", "gone", "the room was never asked"),
    ],
)
def test_talk_page(name: str, value: str, right: str) -> None:
    with open_store() as opened:
        run = fill_talk(opened)[0]
    others = {"run": run.id, **({"slide": "7"} if name == "asked" else {})}
    refused("Talk", name, value, right, others)


def test_what_is_said_is_no_markup_and_has_an_end(store: Store) -> None:
    page = app("Runs", sort="<img src=x onerror=alert(1)>" + "é" * 500)
    (said,) = [error.value for error in page.error]
    assert "\\<img" in said and len(said) < 400


def test_what_was_chosen_here_and_means_nothing_at_the_moment_stays_without_a_word(store: Store) -> None:
    page = app("Summaries", sample="3")
    assert page.query_params["sample"] in ("3", ["3"])
    page.query_params["filter"] = "topic=harbour"
    page = checked(page.run())
    assert "in the address" not in errors(page) and page.query_params["sample"] in ("3", ["3"])
