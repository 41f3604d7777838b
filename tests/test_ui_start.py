"""The first page's story: of which run, which steps, and what becomes of the examples."""

from __future__ import annotations

from fairprune import examples
from fairprune.bundle import write_bundle
from fairprune.store import open_store
from fairprune.ui.start import MEASURES_TOLD, ROOT, STORY, story_run
from tests.pages.filled import DENSE, app, checked, fill, fill_many, markup, spec


def links(page) -> list[str]:
    return [link.proto.label for link in page.get("page_link")]


def test_the_story_is_of_ones_own_newest_run_or_else_of_an_example() -> None:
    with open_store() as store:
        runs = [fill(store, spec(sparsity)) for sparsity in (0.25, 0.5)]
        waiting, _ = store.submit(spec(0.75))
        newest_first = [waiting, runs[1], runs[0]]
        told = story_run(store, newest_first)
        assert told is not None and told.id == runs[1].id
        assert story_run(store, [waiting]) is None and story_run(store, []) is None


def test_a_run_whose_summaries_say_nothing_is_told_of_only_where_there_is_no_other() -> None:
    with open_store() as store:
        speaks = fill_many(store)
        silent = fill(store, texts={"dense": DENSE, "pruned": ["", "", ""]})
        for runs, expected in (([silent, speaks], speaks), ([silent], silent)):
            told = story_run(store, runs)
            assert told is not None and told.id == expected.id


def test_every_step_of_the_story_that_is_built_is_there() -> None:
    missing = [file for file, _ in STORY if not (ROOT / file).is_file()]
    assert missing in ([], ["pages/7_Judge.py"])


def test_a_run_is_told_with_links_to_the_pages_that_are_there() -> None:
    with open_store() as store:
        fill_many(store)
    page = app()
    text = markup(page)
    # 30 of 40 pruned summaries lost a group, all alike: the first of them.
    assert "One summary that changed: film 0" in text and "one of 40 samples: no average" in text
    assert "2 opinions, 1 fresh and 1 rotten" in text
    assert [element.value for element in page.caption].count(
        MEASURES_TOLD
    ) == 1  # chips and bars stand side by side
    shown = [label for file, label in STORY if (ROOT / file).is_file()]
    assert [label for label in links(page) if label in shown] == shown
    assert "Prune</strong>" not in text  # the steps are for who has nothing to look at yet


def test_a_run_without_such_a_sample_is_named_alone() -> None:
    with open_store() as store:
        run = fill(store, texts={"dense": DENSE, "pruned": [None, None, None]})
    text = markup(app())
    assert "One summary that changed" not in text and text.count(run.title) == 2


def test_the_examples_are_offered_said_to_be_such_and_removed(tmp_path, monkeypatch) -> None:
    with open_store("sqlite://") as source:
        write_bundle(source, [fill(source).id], tmp_path / "a.zip")
    monkeypatch.setattr(examples, "FOLDER", tmp_path)
    monkeypatch.delenv("FAIRPRUNE_EXAMPLES")
    page = app()
    assert [element.value for element in page.header] == ["Example runs"]
    assert "About the example runs (1)" in [expander.label for expander in page.expander]
    assert any("carry no claim" in element.value for element in page.markdown)
    page = checked(page.button(key="examples.hide").click().run())
    assert "No run yet" in markup(page)
    assert "No run yet" in markup(app())
