"""Imported runs on the pages: badge, where they come from, no second start; the button and the upload."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace

import pytest

from fairprune.bundle import read_bundle, write_bundle
from fairprune.opinions import opinion_set_id
from fairprune.pictures import VARIABLE
from fairprune.store import open_store
from fairprune.ui.bundle import _made, provenance
from fairprune.ui.runs import option
from tests.bundles import zipped
from tests.pages.filled import INFO, SETS, app, checked, drawn, errors, fill, fill_default, markup, spec


def bundle(**more) -> io.BytesIO:
    with open_store("sqlite://") as store:
        run = fill(store, spec(**more))
        file = io.BytesIO()
        write_bundle(store, [run.id], file)
    file.seek(0)
    return file


def imported(origin="imported"):
    with open_store() as store:
        return store.run(read_bundle(store, bundle(), origin).new[0])


def badges(page) -> list[str]:
    return [element.value for element in page.markdown if "badge" in element.value]


def test_every_page_shows_an_imported_run() -> None:
    run = imported()
    assert option(run).startswith(f"{run.title} · imported · seed 0")
    for name in ("Prune", "Summaries", "Layers", "Fairness"):
        page = app(name, run=run.id)
        assert "start it again" not in errors(page), (name, errors(page))
    page = app("Prune", run=run.id)
    assert any("imported" in text for text in badges(page))
    assert not any(button.label in ("Start again", "Cancel this run") for button in page.button)
    said = " ".join(element.value.replace("\\", "") for element in page.caption)
    assert "Exported on 2" in said and "to be passed on: not allowed" in said
    assert any("imported" in text for text in badges(app()))


def test_the_download_warns_where_texts_may_not_be_passed_on() -> None:
    run = fill_default()
    page = app("Prune", run=run.id)
    labels = [button.proto.label for button in page.get("download_button")]
    assert "Save as a bundle" in labels
    assert any("movies (the package's licence" in element.value.replace("\\", "") for element in page.caption)


def test_pictures_are_offered_where_something_draws_them(monkeypatch, tmp_path) -> None:
    run = fill_default()
    monkeypatch.setenv(VARIABLE, "no-such-browser")
    assert "With pictures" not in [box.label for box in app("Prune", run=run.id).checkbox]
    drawer = tmp_path / "chrome"
    drawer.write_text("#!/bin/sh\nexit 1\n")
    drawer.chmod(0o755)
    monkeypatch.setenv(VARIABLE, str(drawer))
    page = app("Prune", run=run.id)
    (offered,) = [box for box in page.checkbox if box.label == "With pictures"]
    assert not offered.value
    page = checked(offered.check().run())
    assert next(box for box in page.checkbox if box.label == "With pictures").value


@pytest.mark.slow
def test_a_bundle_from_the_page_holds_its_pictures_and_comes_back() -> None:
    run = fill_default()
    with open_store() as store:
        made = _made(store, [run.id], True)
        plain = _made(store, [run.id], False)
    names = [name for name in zipfile.ZipFile(io.BytesIO(made)).namelist() if name.startswith("pictures/")]
    assert sorted(names) == [f"pictures/{run.id}-{figure}.png" for figure in ("direction", "layers")]
    assert not any(name.startswith("pictures/") for name in zipfile.ZipFile(io.BytesIO(plain)).namelist())
    with open_store("sqlite://") as other:
        assert read_bundle(other, io.BytesIO(made)).new == (run.id,)


def test_the_upload_takes_a_bundle_and_refuses_another_file() -> None:
    page = app()
    page = checked(page.file_uploader[0].upload("runs.zip", bundle().getvalue(), "application/zip").run())
    assert page.success[0].value == "1 run imported."
    with open_store() as store:
        assert [run.origin for run in store.runs()] == ["imported"]
    page = checked(page.run())  # drawn again: read once
    assert page.success[0].value == "1 run imported."
    bad = zipped({"<img src=x>": b""}).getvalue()
    page = checked(page.file_uploader[0].upload("bad.zip", bad, "application/zip").run())
    assert "which no bundle has" in errors(page) and not page.success


def test_provenance_of_runs_that_have_none() -> None:
    assert provenance(None) == []
    run = imported("example")
    with open_store() as store:
        lines = provenance(store.result(run.id, "bundle"))
    assert "fairprune 0.1.0 (torch 2." in lines[0] and lines[1].startswith(
        "Texts: Excerpts of critics' reviews"
    )
    assert "<img" not in markup(app("Prune", run=run.id))


def test_a_run_on_somebody_elses_own_opinions_is_shown_without_their_corpus() -> None:
    name = "user:mine-12345678"
    info = replace(INFO, name=name, groups=("fans", "critics"))
    groups = {"fresh": "fans", "rotten": "critics"}
    sets = []
    for one in SETS:
        opinions = tuple(replace(opinion, group=groups[opinion.group]) for opinion in one.opinions)
        key = opinion_set_id(name, one.topic, opinions)
        sets.append(replace(one, id=key, first_group="fans", opinions=opinions))
    evaluation = {"samples": 3, "corpus": name}
    file = io.BytesIO()
    with open_store("sqlite://") as store:
        run = fill(store, spec(evaluation=evaluation, calibration={"corpus": name}), sets=sets, info=info)
        manifest = write_bundle(store, [run.id], file)
    assert manifest.corpora[name].groups == ["critics", "fans"]
    assert manifest.corpora[name].redistribution == "not known"
    with open_store() as store:
        read_bundle(store, file)
    view = drawn(app("Summaries", run=run.id))["view"]
    assert {group["name"] for group in view["groups"]} == {"fans", "critics"}
    assert "The acting was great" in json.dumps(view)
    page = app("Fairness", run=run.id, curve="bur")  # the curve needs the corpus, and says so
    assert "mine-12345678" in errors(page) and len(page.get("plotly_chart")) > 3
    said = " ".join(element.value.replace("\\", "") for element in app("Prune", run=run.id).caption)
    assert "to be passed on: not known" in said
