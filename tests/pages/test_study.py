"""The page Study in a fresh session, on the example runs: plan, preview, open, links, progress, judges, payments, closing."""

from __future__ import annotations

import re
import shutil

import pytest

from fairprune import examples
from fairprune.judgments.frozen import promised
from fairprune.judgments.registering import open_registered
from fairprune.paths import home
from fairprune.store import open_store
from fairprune.store.judgments_values import Crowd
from fairprune.ui.judge_words import opinions_html, question_html, texts_html
from fairprune.ui.markup import tag
from tests.judged import judge_all
from tests.pages.filled import app, checked, errors, fill, markup


@pytest.fixture(scope="module")
def seeded(tmp_path_factory):
    """A database with the example runs, made once."""
    folder = tmp_path_factory.mktemp("seeded")
    with pytest.MonkeyPatch.context() as patch, open_store(f"sqlite:///{folder / 'examples.db'}") as made:
        patch.setenv(examples.SWITCH, "1")
        examples.ensure(made)
    return folder / "examples.db"


@pytest.fixture
def store(request):
    """The store that the app opens; with the examples where the test asks for `runs`."""
    if "runs" in request.fixturenames:
        shutil.copyfile(request.getfixturevalue("seeded"), home() / "fairprune.db")
    with open_store() as found:
        yield found


@pytest.fixture
def runs(store):
    return [run for run in store.runs("done") if run.spec.evaluation.corpus == "products"]


def press(page, key):
    return checked(page.button(key=key).click().run())


def words(page) -> str:
    parts = [
        *(
            element.value
            for kind in ("caption", "warning", "info", "success", "markdown")
            for element in page.get(kind)
        ),
        markup(page),
    ]
    return "\n".join(str(part) for part in parts).replace("\\", "")


def drafted(store):
    """A draft as the form makes it at once."""
    page = app("Study", study="new")
    assert not errors(page), errors(page)
    page = press(page, "study-save")
    (study,) = store.studies()
    assert page.query_params["study"] in (study.id, [study.id])
    return page, study


def test_an_empty_store_says_what_to_do(store):
    page = app("Study")
    assert "No study yet" in markup(page)
    page = press(page, "study-new")
    assert "No run yet" in markup(page)
    assert store.studies() == []


def test_a_plan_says_its_numbers_and_is_stored(store, runs):
    page, study = drafted(store)
    assert study.state == "draft" and "The draft is saved" in words(page)
    main = [item for item in store.items(study.id) if item.kind == "main"]
    # of wanda and of magnitude the sound run that is nearest to half, each against dense, on 12 samples
    assert len(main) == 24 and {item.a.system for item in main} == {"dense"}
    assert {item.kind for item in store.items(study.id)} == {"main", "practice", "comprehension", "attention"}
    assert "each pair on 12 samples, each sample in 2 items, each system in 12 to 24 items" in words(page)
    assert "All 3 systems are connected" in words(page)
    assert page.button(key="study-save").disabled
    listed = app("Study")
    assert "24 items planned" in words(listed)
    again = app("Study", study=study.id)
    assert again.text_input(key=f"study.{study.id}.title").value == study.title
    assert again.button(key="study-save").disabled


def test_what_was_typed_stays_when_it_is_refused(store, runs):
    page = app("Study", study="new")
    page = checked(page.text_area(key="study.new.quotas").input("left: many").run())
    page = checked(page.text_input(key="study.new.title").input("My study").run())
    assert "the quota of group 'left' is 'many'" in errors(page).lower()
    assert page.button(key="study-save").disabled
    assert page.text_area(key="study.new.quotas").value == "left: many"
    page = checked(page.text_area(key="study.new.quotas").input("left: 3").run())
    page = checked(page.text_input(key="study.new.redirect.completed").input("http://x.example").run())
    page = press(page, "study-save")  # the store refuses it
    assert "https://" in errors(page) and not store.studies()
    assert page.text_input(key="study.new.title").value == "My study"
    page = checked(page.text_input(key="study.new.redirect.completed").input("https://x.example").run())
    page = press(page, "study-save")
    (study,) = store.studies()
    assert study.title == "My study" and study.design["groups"]["quotas"] == {"left": 3}
    assert study.design["codes"]["completed"]["redirect"] == "https://x.example"


@pytest.mark.parametrize(
    ("kind", "field", "most"),
    [
        ("text_input", "title", 300),
        ("text_input", "contact", 300),
        ("text_area", "introduction", 20_000),
        ("text_area", "consent", 20_000),
        ("text_input", "code.completed", 64),
        ("text_input", "redirect.completed", 2000),
        ("text_input", "h0.text", 2000),
    ],
)
def test_a_long_paste_is_told_and_stays(store, runs, kind, field, most):
    page = app("Study", study="new")
    if field == "h0.text":
        page = checked(page.number_input(key="study.new.hypotheses").set_value(1).run())
    box = getattr(page, kind)
    assert box(key=f"study.new.{field}").proto.max_chars == 0  # a limit of its own would make the browser cut
    typed = "x" * (most + 1)
    page = checked(box(key=f"study.new.{field}").input(typed).run())
    assert str(most) in errors(page).replace(",", ""), errors(page)
    assert page.button(key="study-save").disabled and not store.studies()
    assert getattr(page, kind)(key=f"study.new.{field}").value == typed


def test_samples_and_pairs_change_the_plan(store, runs):
    page, study = drafted(store)
    where = f"study.{study.id}"
    page = checked(page.number_input(key=f"{where}.samples").set_value(6).run())
    assert "Not saved yet" in words(page) and page.button(key="study-power").disabled
    page = checked(page.segmented_control(key=f"{where}.pairs").select("all").run())
    page = press(page, "study-save")
    main = [item for item in store.items(study.id) if item.kind == "main"]
    assert len(main) == 18 and len({item.set_id for item in main}) == 6
    page = checked(page.number_input(key=f"{where}.samples").set_value(7).run())
    page = press(page, "study-undo")
    assert page.number_input(key=f"{where}.samples").value == 6


def test_power_is_simulated_on_demand_and_belongs_to_its_plan(store, runs):
    page, study = drafted(store)
    where = f"study.{study.id}"
    page = checked(page.number_input(key=f"{where}.samples").set_value(4).run())
    page = press(page, "study-save")
    page = checked(page.selectbox(key="study-simulations").select(100).run())
    page = press(page, "study-power")
    assert not errors(page), errors(page)
    assert re.search(r"95 %: \d+ to \d+\s%, n = 100 simulated studies", words(page))
    found = store.study(study.id).design["power"]
    assert found["assumptions"]["items"] == 8 and 0 <= found["low"] <= found["power"] <= found["high"] <= 1
    page = checked(page.number_input(key=f"{where}.votes_per_item").set_value(4).run())
    page = press(page, "study-save")
    assert "simulated studies" not in words(page) and "Not simulated yet" in words(page)


def test_the_preview_shows_what_judges_see_and_leaves_items_out(store, runs):
    _, study = drafted(store)
    page = app("Study", study=study.id, part="preview", item="5")
    item, task = store.preview(study.id)[4]
    assert "Only you see this" in words(page) and item.kind == "main"
    shown = markup(page)
    assert opinions_html(task.opinions, ("positive", "negative")) in shown and texts_html(task) in shown
    texts = {one["id"]: one["text"] for one in study.design["questions"]}
    for place, name in enumerate(task.questions):
        assert question_html(texts[name], place, len(task.questions), None, place == 0) in shown
    assert tag("Both unfair") in shown and item.a.system not in shown
    names = [element.proto.label for element in page.get("download_button")]
    assert names == ["Potato items", "Potato settings", "Potato key"]
    page = checked(page.toggle(key=f"study-out-{item.id}").set_value(True).run())
    assert store.items(study.id)[4].excluded
    page = checked(page.segmented_control(key="study-filter").select("other").run())
    assert "of 4" in words(page)  # practice, comprehension, two attention items
    page = press(page, "study-next")
    # Saving the plan again leaves what was left out by hand where it is.
    page = app("Study", study=study.id)
    page = checked(page.text_input(key=f"study.{study.id}.title").input("Another name").run())
    press(page, "study-save")
    assert [one.excluded for one in store.items(study.id)].count(True) == 1
    assert store.study(study.id).title == "Another name"


def test_a_text_that_names_a_method_is_flagged_and_can_be_left_out(store):
    """Identical texts are ties; a sample that one system left empty cannot be drawn; texts stay as they are."""
    named = "Of Magnitude: the music was great."
    texts = {
        "dense": ["The acting was great.", "A comedy.", "Great  music."],
        "pruned": ["Boring.", "", named],
    }
    run = fill(store, texts=texts)
    page = app("Study", study="new")
    assert "3 samples are asked for, but 2 can be drawn, for 1 lack a summary" in errors(page)
    for name, value in (("samples", 2), ("attention", 0), ("practice", 0)):
        page = checked(page.number_input(key=f"study.new.{name}").set_value(value).run())
    assert not errors(page), errors(page)
    page = press(page, "study-save")
    (study,) = store.studies()
    main = [item for item in store.items(study.id) if item.kind == "main"]
    assert {item.b.run_id for item in main} == {run.id}
    flags = {item.b.text: item.flags for item in main}
    assert flags == {"Boring.": (), named: ("a text holds 'magnitude'",)}
    page = app("Study", study=study.id, part="preview")
    assert "1 item may name a model or a method" in words(page)
    page = press(page, "study-flagged")
    assert {item.b.text for item in store.items(study.id) if item.excluded} == {named}
    assert "1 item left out by hand" in words(page)


def opened(store):
    page, study = drafted(store)
    page = app("Study", study=study.id, part="open")
    assert page.button(key="study-open").disabled and "power was not simulated" in words(page)
    page = checked(page.checkbox(key=f"study-agreed-{study.id}").check().run())
    page = press(page, "study-open")
    assert not errors(page), errors(page)
    return page, store.study(study.id)


def test_opening_freezes_hashes_and_leads_to_the_links(store, runs):
    page, study = opened(store)
    assert study.state == "open"
    design, frozen = promised(study.design)
    assert design.items == 24 and design.votes_per_item == 5 and len(frozen.digest) == 64
    assert "Open link" in [head.value for head in page.header]
    page = press(page, "study-link")
    link = page.code[0].value
    token = re.search(r"/Judge\?judge=([\w-]+)$", link).group(1)
    assert store.enter(token).judge.study_id == study.id
    page = press(page, "study-copied")
    assert token not in str([code.value for code in page.code])
    page = checked(page.text_area(key="study-names").input("=Ann\nBen").run())
    page = press(page, "study-invite")
    assert len(page.code) == 2 and [one.label for one in store.invites(study.id)] == ["=Ann", "Ben"]
    page = checked(page.selectbox(key="study-revoked").select_index(0).run())
    page = press(page, "study-revoke")
    assert [one.revoked for one in store.invites(study.id)].count(True) == 1
    page = app("Study", study=study.id, part="promise")
    assert study.hash in [code.value for code in page.code] and "none: all results are exploratory" in markup(
        page
    )


def test_an_open_study_is_sealed_and_closes_for_good(store, runs):
    _, study = opened(store)
    token = store.enter(store.open_link(study.id)).token
    store.consent(token, True)
    page = app("Study", study=study.id)
    assert "sealed until the study is closed" in words(page) and "1 at it" in markup(page)
    page = press(page, "study-close")
    assert store.study(study.id).state == "open"  # it asks first
    page = press(page, "study-close-yes")
    assert store.study(study.id).state == "closed" and not errors(page)
    assert page.segmented_control(key="choice.part").value == "results"
    # A copy can be changed.
    page = press(page, f"study-copy-{study.id}")
    (copy,) = (one for one in store.studies() if one.state == "draft")
    assert copy.copied_from == study.id and page.query_params["study"] in (copy.id, [copy.id])
    page = checked(page.number_input(key=f"study.{copy.id}.samples").set_value(5).run())
    page = press(page, "study-save")
    assert len({item.set_id for item in store.items(copy.id) if item.kind == "main"}) == 5


def test_crowd_ids_are_listed_for_payment_and_deleted(store, runs, monkeypatch):
    monkeypatch.setenv("FAIRPRUNE_SECRET", "a long enough secret text")
    _, study = opened(store)
    link = store.open_link(study.id)
    token = store.enter(link, Crowd("p4yme", "s", "t")).token
    store.consent(token, True)
    judge_all(store, token, lambda task: "tie")
    page = app("Study", study=study.id, part="judges")
    assert "p4yme" in markup(page) and "J001" in markup(page)
    page = press(page, "study-payments")
    page = press(page, "study-payments-yes")
    assert store.payments(study.id) == [] and "p4yme" not in markup(page)
    page = checked(page.selectbox(key="study-forgotten").select("J001").run())
    page = press(page, "study-forget-J001")
    page = press(page, "study-forget-J001-yes")
    assert store.judge_rows(study.id) == [] and store.study(study.id).withdrawn == 1


def test_drafts_are_deleted_after_a_question_and_a_wrong_address_is_named(store, runs):
    _, study = drafted(store)
    page = press(app("Study", study=""), f"study-delete-{study.id}")
    assert store.studies()
    page = press(page, f"study-delete-{study.id}-yes")
    assert store.studies() == []
    page = app("Study", study="0123456789abcdef")
    assert "there is no study '0123456789abcdef'" in errors(page).lower()


def test_a_closed_study_is_deleted_by_its_title_alone(store, runs, monkeypatch):
    monkeypatch.setenv("FAIRPRUNE_SECRET", "a long enough secret text")
    _, study = opened(store)
    token = store.enter(store.open_link(study.id), Crowd("p4yme")).token
    store.consent(token, True)
    judge_all(store, token, lambda task: "tie")
    page = app("Study", study="")
    assert f"study-delete-{study.id}" not in [
        button.key for button in page.button
    ]  # open: it is closed first
    store.close_study(study.id)
    page = press(app("Study", study=""), f"study-delete-{study.id}")
    done = store.study_progress(study.id).done
    assert f"For good go: {done} votes" in words(
        page
    ) and "1 id of the crowd site goes too: pay first" in words(page)
    assert "Runs, opinions, copies of this study" in words(page)
    page = press(page, f"study-delete-{study.id}-yes")  # nothing typed
    assert store.studies() != []
    page = checked(page.text_input(key=f"study-delete-{study.id}-title").set_value("another title").run())
    page = press(page, f"study-delete-{study.id}-yes")
    assert "nothing is deleted: type the title" in errors(page).lower() and store.studies() != []
    page = press(page, f"study-delete-{study.id}-no")
    assert not page.text_input and store.studies() != []
    page = press(page, f"study-delete-{study.id}")
    page = checked(page.text_input(key=f"study-delete-{study.id}-title").set_value(study.title).run())
    page = press(page, f"study-delete-{study.id}-yes")
    assert store.studies() == [] and not errors(page) and f"Deleted: {study.title}" in words(page)
    assert len(store.runs()) >= len(runs)


def test_votes_of_elsewhere_become_a_study_of_their_own(store):
    page = press(app("Study"), "study-import")
    assert page.query_params["study"] in ("import", ["import"])
    battles = (
        b"model_a,model_b,winner,judge\n"
        + b"<img src=x onerror=alert(1)>,wanda,model_a,anna@example.org\n" * 1
        + b"wanda,<img src=x onerror=alert(1)>,tie,ben@example.org\n"
    )
    upload = page.file_uploader(key="study-import-file")
    page = checked(upload.upload("battles.csv", battles, "text/csv").run())
    assert not errors(page), errors(page)
    assert "2 votes by 2 judges on 2 items" in words(page)
    assert "which system stood left, of 2 votes of 2" in words(page)
    page = checked(page.text_input(key="study-import-title-battles.csv").set_value("Arena").run())
    page = press(page, "study-import-store")
    (study,) = store.studies()
    assert (study.title, study.origin) == ("Arena", "imported") and not errors(page)
    assert page.query_params["study"] in (study.id, [study.id])
    assert "collected elsewhere" in words(page) and "Not known: how many people came" in words(page)
    assert "<img" not in markup(page) and "example.org" not in markup(page)
    keys = [button.key for button in page.button]
    assert f"study-copy-{study.id}" not in keys
    page = checked(page.segmented_control(key="choice.part").set_value("judges").run())
    assert "Not known" in markup(page) and "J002" in markup(page)
    page = app("Study", study="")
    assert "2 votes on 2 items by 2 judges, collected elsewhere" in words(page)
    page = press(page, f"study-delete-{study.id}")
    page = checked(page.text_input(key=f"study-delete-{study.id}-title").set_value("Arena").run())
    press(page, f"study-delete-{study.id}-yes")
    assert store.studies() == []
    page = press(app("Study"), "study-import")
    page = checked(
        page.file_uploader(key="study-import-file").upload("bad.csv", b"a,b\n1,2\n", "text/csv").run()
    )
    assert "lacks the columns" in errors(page) and store.studies() == []


def test_hypotheses_are_registered_in_words(store, runs):
    page = app("Study", study="new")
    page = checked(page.number_input(key="study.new.hypotheses").set_value(1).run())
    page = press(page, "study-save")
    (study,) = store.studies()
    page = app("Study", study=study.id, part="open")
    assert "dense is judged fairer to all groups than" in markup(page)
    found = promised(open_registered(store, study.id).design)
    assert found[0].hypotheses[0].sides == "one" and found[0].hypotheses[0].first == "dense"


# Labels of sentences


def planned_labels(store):
    """A draft of labels as the form makes it: of one run, few sentences."""
    page = app("Study", study="new")
    page = checked(page.segmented_control(key="study.new.task").select("label").run())
    assert not errors(page), errors(page)
    page = checked(page.number_input(key="study.new.sentences").set_value(6).run())
    page = press(page, "study-save")
    (study,) = store.studies()
    return page, study


def test_a_study_of_labels_is_planned_looked_at_and_promised(store, runs):
    page, study = planned_labels(store)
    assert study.design["task"] == "label" and "The draft is saved" in words(page)
    assert "Power by simulation" not in [head.value for head in page.header]
    main = [item for item in store.items(study.id) if item.kind == "main"]
    assert sum(len(item.sides) for item in main) == 18  # of three systems six each
    (question,) = study.design["questions"]
    assert question["answers"] == ["positive", "negative", "mixed", "none"]
    assert "classifier: no group" in words(page) and "at best" in words(page)
    assert page.text_input(key=f"study.{study.id}.label.public_title").value == study.design["public_title"]
    assert page.button(key="study-save").disabled  # nothing has changed
    page = app("Study", study=study.id, part="preview", item="7")
    item, task = store.preview(study.id)[6]
    assert item.kind == "main" and "the classifier calls it" in words(page)
    shown = markup(page)
    assert texts_html(task) in shown and tag("Several groups") in shown and tag("No group") in shown
    assert item.a.system not in texts_html(task)  # what a judge will see names nobody
    page = app("Study", study=study.id, part="open")
    assert "Krippendorff" in words(page) and "called no group" in words(page)
    assert "power was not simulated" not in words(page)
    page = checked(page.checkbox(key=f"study-agreed-{study.id}").check().run())
    page = press(page, "study-open")
    design, frozen = promised(store.study(study.id).design)
    assert design.task == "label" and design.items == len(main) and len(frozen.digest) == 64
    page = app("Study", study=study.id, part="promise")
    assert store.study(study.id).hash in [code.value for code in page.code] and not errors(page)


def test_what_was_typed_for_one_task_is_there_when_one_comes_back(store, runs):
    page = app("Study", study="new")
    page = checked(page.number_input(key="study.new.votes_per_item").set_value(7).run())
    page = checked(page.segmented_control(key="study.new.task").select("label").run())
    assert page.number_input(key="study.new.label.votes_per_item").value == 5
    assert page.number_input(key="study.new.label.items_per_judge").value == 30
    page = checked(page.number_input(key="study.new.sentences").set_value(4000).run())
    assert re.search(r"4000 sentences of each system are asked for, but .* wrote \d+", errors(page))
    assert page.button(key="study-save").disabled
    page = checked(page.segmented_control(key="study.new.task").select("pair").run())
    assert page.number_input(key="study.new.votes_per_item").value == 7 and not errors(page)
    page = press(page, "study-save")
    (study,) = store.studies()
    assert study.design["task"] == "pair" and study.design["votes_per_item"] == 7
