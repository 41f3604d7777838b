"""Page Judge in all its states: what is asked, what is stored, what is said, and what never reaches the browser."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import pytest
import sqlalchemy as sa

from fairprune.access import hash_password
from fairprune.opinions import Opinion, OpinionSet, opinion_set_id
from fairprune.store import open_store
from fairprune.store.database import now
from fairprune.store.judgments_answers import LONGEST_COMMENT
from fairprune.store.judgments_tables import judges, payments, slots, studies
from fairprune.store.judgments_values import NewItem, Refused, Side
from fairprune.ui import judge as session
from fairprune.ui.judge_item import study_groups
from fairprune.ui.judge_words import ENDS, TROUBLE, WARNED
from tests.judged import answer, design, entered, judge_all, main, opened, special
from tests.pages.filled import HOSTILE, app, checked, markup
from tests.store_values import film_set

A, B = "Zebrafinch-7B dense", "wanda⟂hgla 50 %"
"""Names of systems that stand nowhere else."""


@pytest.fixture(autouse=True)
def _no_hurry(monkeypatch):
    monkeypatch.setattr(session, "QUICKEST", 0.0)


@pytest.fixture
def store():
    with open_store() as found:
        yield found


def pair(number, set_id=None, kind="main", **more):
    texts = f"Alpha speaks {number}.", f"Beta speaks {number}."
    return NewItem(
        kind,
        Side(A, texts[0], "a" * 16, "g1", number),
        Side(B, texts[1], "b" * 16, "g2", number),
        set_id,
        **more,
    )


def study_of(store, *items, n=3, **more):
    one = film_set()
    store.put_sets([one], "movies")
    study = store.create_study("Zebrafinch against wanda", design(**more))
    store.set_items(study.id, [*items, *(pair(number, one.id) for number in range(n))])
    return store.open_study(study.id)


def labels(page):
    return [button.label for button in page.button if not button.disabled]


def press(page, label, place=0):
    """Presses the button with this label that can be pressed, the first one or another."""
    found = [button for button in page.button if button.label.startswith(label) and not button.disabled]
    assert found, labels(page)
    return checked(found[place].click().run())


def begun(store, study, **address):
    """A judge before the first item, and the page."""
    page = app("Judge", judge=store.open_link(study.id), **address)
    page = press(page, "I agree")
    return press(page, "Start"), token_of(page)


def token_of(page):
    found = page.query_params["judge"]
    return found if isinstance(found, str) else found[-1]


def titles(page):
    return [one.value.replace("\\", "") for one in page.title]


def said(page):
    text = markup(page) + "".join(
        one.value for kind in (page.warning, page.info, page.success, page.text) for one in kind
    )
    return text.replace("\\", "")


def sent(page):
    """Everything that the browser was given, as text: every element and every block."""
    parts, waiting = [str(dict(page.query_params))], [page._tree]
    while waiting:
        node = waiting.pop()
        parts.append(str(getattr(node, "proto", "")))
        waiting += list(getattr(node, "children", {}).values())
    return "\n".join(parts)


def test_without_a_link_the_page_says_how_one_comes_in(monkeypatch):
    page = app("Judge")
    assert titles(page) == ["Judge"] and "open the link that you were given" in said(page) and not page.error
    assert len(page.sidebar.get("page_link")) > 5  # a single user goes on from here
    monkeypatch.setenv("FAIRPRUNE_LEAD_PASSWORD_HASH", hash_password("a password of the tests"))
    page = app("Judge")
    assert titles(page) == ["Judge"] and not page.get("page_link") and not page.button


@pytest.mark.parametrize("link", ["x", "' OR 1=1 --", "A" * 32, "<b>x</b>", "../../etc"])
def test_a_link_that_leads_nowhere(store, link):
    study_of(store)
    page = app("Judge", judge=link)
    assert titles(page) == ["This link leads nowhere"] and not page.button
    assert not page.sidebar.get("page_link")  # whoever has a link, even a wrong one, sees no navigation


def test_from_the_link_to_the_code(store):
    practice = pair(90, kind="practice", expected={"fairer": ("a",)}, explanation="Alpha hears both.")
    study = study_of(store, practice, codebook=["Read all.", HOSTILE], introduction="Two\n\nparagraphs")
    page = app("Judge", judge=store.open_link(study.id))
    token = token_of(page)
    assert titles(page) == ["Summaries of films"] and "You may stop at any time." in said(page)
    assert store.judge(token).state == "entered"
    page = press(page, "I agree")
    assert "Read all." in said(page) and store.judge(token).state == "active"
    page = press(page, "Start")
    assert "Practice" in said(page) and "Alpha speaks 90." in markup(page)
    page = press(page, "A")
    assert "Saved: A" in said(page) and not page.success
    page = press(page, "Tie")
    assert "Alpha hears both." in said(page) and labels(page) == ["Continue", "Delete my data"]
    assert store.judge(token).answered == 0
    page = press(page, "Continue")
    for number in range(3):
        assert f"{number} of 3" in str(page.get("progress")[0].proto)
        assert (
            sorted(labels(page).count(name) for name in ("A", "B", "Tie", "Both unfair", "Cannot tell"))
            == [2] * 5
        )
        page = press(page, "Both unfair")
        assert labels(page).count("A") == 1  # the question that is answered stays, and cannot be pressed
        page = press(page, "Cannot tell")
    assert [one.value for one in page.header] == ["Thank you"] and page.code[0].value == "DONE"
    [way] = page.get("link_button")
    assert way.proto.url == "https://crowd.example/done"
    store.close_study(study.id)
    rows = [row for row in store.vote_rows(study.id) if row.kind == "main"]
    assert len(rows) == 6 and {(row.place, row.answer) for row in rows} == {
        (0, "both_unfair"),
        (1, "cannot_tell"),
    }


def test_names_of_models_and_methods_never_reach_the_browser(store):
    attention = pair(91, kind="attention", expected={"fairer": ("a",)}, after=1)
    again = pair(92, kind="attention", expected={"fairer": ("b",)}, after=2)
    practice = pair(90, kind="practice", expected={"fairer": ("a",)}, explanation="Because.")
    study = study_of(store, practice, attention, again, hypotheses=["wanda is worse"])
    page = app("Judge", judge=store.open_link(study.id))
    seen = [sent(page)]
    for _ in range(30):
        names = labels(page)
        step = next(
            name
            for name in ("I agree", "Start", "Continue", "A", "Delete my data")
            if any(one.startswith(name) for one in names)
        )
        if step == "Delete my data":
            break
        page = press(page, step)
        seen.append(sent(page))
    assert page.header[0].value in {heading for heading, _ in ENDS.values()}
    whole = "\n".join(seen)
    assert whole.count("Alpha speaks") > 5 and "Which is fairer" in whole
    for word in (
        "Zebrafinch",
        "wanda",
        "hgla",
        "dense",
        "a" * 16,
        "b" * 16,
        "secret",
        study.id,
        *ENDS,
    ):
        if word == "dense":  # the style sheet may speak of dense grids
            continue
        assert word not in whole, word
    # Sides are drawn: who meets them so that both are answered wrong is told why it ended, and nobody before.
    assert "attention" not in "\n".join(seen[:-1])


def test_no_consent_ends_it(store):
    page = app("Judge", judge=store.open_link(study_of(store).id))
    page = press(page, "I do not")
    assert [one.value for one in page.header] == ["You do not take part"] and page.code[0].value == "NO"
    assert store.judge(token_of(page)).state == "no_consent" and not page.get("link_button")


def test_the_group_is_asked_once_and_a_full_one_screens_out(store):
    study = study_of(store, groups={"question": "You are", "quotas": {"left": None, "full [x](http://y)": 0}})
    page = press(app("Judge", judge=store.open_link(study.id)), "I agree")
    assert page.radio[0].options == ["left", "full \\[x\\](http\\://y)"] and "Continue" not in labels(page)
    page = press(checked(page.radio[0].set_value("left").run()), "Continue")
    assert store.judge(token_of(page)).group == "left" and "Start" in labels(page)
    page = press(app("Judge", judge=store.open_link(study.id)), "I agree")
    page = press(checked(page.radio[0].set_value("full [x](http://y)").run()), "Continue")
    assert [one.value for one in page.header] == ["Your part ends here"] and page.code[0].value == "OUT"


def test_comprehension_has_two_tries(store):
    item = special("comprehension", "c", expected={"fairer": ("a",)}, explanation="The good one.")
    study = study_of(store, item)
    page, token = begun(store, study)
    for left in (1, 0):
        assert "two tries" in said(page) and not [name for name in labels(page) if name.startswith("Skip")]
        wrong = "A" if '<h2>A</h2><div class="fp-text" dir="auto">c bad' in markup(page) else "B"
        page = press(press(page, wrong), "Tie")
        if left:
            assert "The good one." in said(page)
            page = press(page, "Continue")
    assert store.judge(token).state == "screened_out"
    assert [one.value for one in page.header] == ["Your part ends here"] and page.code[0].value == "OUT"


def test_inattention_is_warned_of_once_and_then_ends_it(store):
    items = [special("attention", f"t{n}", expected={"fairer": ("a",)}, after=n) for n in (0, 1)]
    page, token = begun(store, study_of(store, *items))
    for _ in range(3):
        page = press(press(page, "Both unfair"), "Both unfair")
        if (
            store.judge(token).state == "active"
            and store.judge(token).failures == 1
            and store.judge(token).answered == 0
        ):
            assert WARNED in said(page)
    assert store.judge(token).state == "failed"
    assert [one.value for one in page.header] == ["Your part ends here"] and page.code[0].value == "FAILED"


def test_a_comment_goes_with_the_next_answer_and_only_with_it(store):
    study = study_of(store)
    page, _ = begun(store, study)
    page.text_area[0].input("=1+1 <b>hm</b>")
    page = press(press(page, "A"), "B")
    assert page.text_area[0].value == ""
    page = press(press(page, "A"), "B")
    store.close_study(study.id)
    assert [row.comment for row in store.vote_rows(study.id)].count("=1+1 <b>hm</b>") == 1
    assert sum(bool(row.comment) for row in store.vote_rows(study.id)) == 1


def test_a_long_comment_is_told_and_nothing_of_it_is_cut(store):
    study = study_of(store)
    page, token = begun(store, study)
    long = "x" * (LONGEST_COMMENT + 1)
    assert page.text_area[0].proto.max_chars == 0  # a limit of its own would make the browser cut
    page.text_area[0].input(long).run()
    assert "Your comment has 2,001 characters, and 2,000 are kept at most" in page.warning[0].value
    page = press(page, "A")
    assert "the comment has 2001 characters" in said(page)
    assert store.judge(token).answered == 0 and page.text_area[0].value == long
    page.text_area[0].input(long[1:])
    page = press(press(page, "A"), "B")
    store.close_study(study.id)
    assert long[1:] in [row.comment for row in store.vote_rows(study.id)]


def test_undo_takes_one_answer_back_with_its_comment_and_skip_goes_on(store):
    study = study_of(store, skips_per_judge=1)
    page, token = begun(store, study)
    page = press(page, "Undo")
    assert "there is no answer that can be taken back" in said(page)
    first = texts(page)
    page.text_area[0].input("my thought")
    page = press(press(page, "A"), "B")
    assert texts(page) != first and store.judge(token).answered == 1
    page = press(page, "Undo")
    assert texts(page) == first and store.judge(token).answered == 0
    assert page.text_area[0].value == "my thought" and labels(page).count("A") == 1
    page.text_area[0].input("another thought")
    page = press(page, "Skip (1 left)")
    assert texts(page) != first and "Skipped" in said(page) and "Your comment was not stored" in said(page)
    assert page.text_area[0].value == ""
    assert next(button for button in page.button if button.label == "Skip (0 left)").disabled
    page = press(page, "Undo")
    assert texts(page) == first and page.text_area[0].value == "another thought"
    store.close_study(study.id)
    actions = [row.action for row in store.history_rows(study.id)]
    assert actions.count("skipped") == 1 and actions.count("unskipped") == 1


def texts(page):
    return next(part for part in markup(page).split("\n") if "fp-pair" in part and "<style>" not in part)


def test_a_double_click_a_replay_and_a_second_tab_store_one_vote(store):
    study = study_of(store)
    page, token = begun(store, study)
    other = app("Judge", judge=token)  # the same judge in another tab
    other = press(other, "Start")
    assert texts(other) == texts(page)
    page = press(page, "A")
    other = press(other, "B")  # its buttons were drawn before
    assert "stored before, and it stands" in said(other) and "✓ A" in markup(other)
    store.close_study(study.id)
    assert [row.answer for row in store.vote_rows(study.id)] == ["left"]


def test_a_finger_that_is_still_at_the_last_button_answers_nothing(store, monkeypatch):
    monkeypatch.setattr(session, "QUICKEST", 30.0)
    study = study_of(store)
    page, token = begun(store, study)
    page = press(press(page, "A"), "A")  # the second press meets the next question
    assert "so soon" in said(page) and len(labels(page)) and labels(page).count("A") == 1
    monkeypatch.setattr(session, "QUICKEST", 0.05)
    time.sleep(0.1)
    page = press(page, "A")
    assert store.judge(token).answered == 1


def test_who_comes_back_reads_what_is_stored_and_goes_on(store):
    study = study_of(store)
    page, token = begun(store, study)
    page = press(press(page, "A"), "B")
    page = press(page, "Tie")
    here = texts(page)
    again = app("Judge", judge=token)
    assert "1 of 3 items are stored, and 1 of 2 answers to this one" in said(again)
    assert (
        texts(again) == here
        and "✓ Tie" in markup(again)
        and set(again.query_params) == {"judge"}
        and token_of(again) == token
    )
    press(again, "Tie")
    assert store.judge(token).answered == 2


def test_the_crowd_id_leaves_the_address_and_comes_back_as_the_same_judge(store, monkeypatch):
    monkeypatch.setenv("FAIRPRUNE_SECRET", "a secret of the tests, long enough")
    study = study_of(store, crowd=True)
    link = store.open_link(study.id)
    crowd = {"PROLIFIC_PID": "5f1e2d", "STUDY_ID": "s1", "SESSION_ID": "t1"}
    page = app("Judge", judge=link, **crowd)
    assert set(page.query_params) == {"judge"} and token_of(page) != link and "5f1e2d" not in sent(page)
    assert "5f1e2d" not in str(dict(page.session_state.items()))
    number = store.judge(token_of(page)).number
    again = app("Judge", judge=link, **crowd)
    assert store.judge(token_of(again)).number == number
    with store._writer.connect() as connection:
        [row] = connection.execute(sa.select(payments)).all()
    assert (row.crowd_id, row.crowd_study, row.crowd_session) == ("5f1e2d", "s1", "t1")
    without = app("Judge", judge=link)
    assert "works only from the crowd site" in said(without)
    wrong = app("Judge", judge=link, PROLIFIC_PID="<script>")
    assert "no such id" in said(wrong) and set(wrong.query_params) == {"judge"}


def test_a_crowd_study_without_a_secret_says_nothing_of_the_server(store, monkeypatch):
    study = study_of(store)
    page = app("Judge", judge=store.open_link(study.id), PROLIFIC_PID="p1")
    assert [one.value.replace("\\", "") for one in page.error] == [
        TROUBLE
    ] and "FAIRPRUNE_SECRET" not in sent(page)
    assert set(page.query_params) == {"judge"}
    assert labels(page) == ["Look again"]
    monkeypatch.setenv("FAIRPRUNE_SECRET", "a secret of the tests, long enough")
    page = press(page, "Look again")  # who it is was not forgotten meanwhile
    assert titles(page) == ["Summaries of films"] and "p1" not in str(dict(page.session_state.items()))
    assert [row.crowd_id for row in store.payments(study.id)] == ["p1"]


def test_back_at_the_open_link_one_is_still_the_same_judge(store):
    study = study_of(store)
    link = store.open_link(study.id)
    page = app("Judge", judge=link)
    token = token_of(page)
    page.query_params["judge"] = link  # the browser's way back
    page = checked(page.run())
    assert token_of(page) == token and len(store.judge_rows(study.id)) == 1


def test_an_invitation_is_its_judges_own_link(store):
    study = study_of(store)
    [link] = store.invite(study.id, ["Ann"])
    page = app("Judge", judge=link)
    assert token_of(page) == link and "Ann" not in sent(page) and "I agree" in labels(page)[0]


@pytest.mark.parametrize("patient", [True, False])
def test_when_all_items_are_with_others_one_waits_or_finishes(store, patient):
    study = study_of(store, n=3, votes_per_item=1, items_per_judge=3)
    for _ in range(2):
        store.next_item(entered(store, study))
    page, _ = begun(store, study)
    assert "Finish here" not in labels(page)
    page = press(press(page, "A"), "B")  # the third item; the two others are with somebody
    assert "with others" in page.header[0].value and "Saved: B" in said(page)
    if not patient:
        page = press(page, "Finish here")
        assert page.header[0].value == "Thank you" and page.code[0].value == "DONE"
        return
    with store._writer.begin() as connection:  # the two are gone
        past = now() - timedelta(seconds=1)
        connection.execute(sa.update(slots).where(slots.c.done.is_(False)).values(expires=past))
    page = press(page, "Look again")
    assert "speaks" in texts(page)


def test_an_item_that_somebody_else_has_by_now_is_said_to_be(store):
    study = study_of(store, n=1, votes_per_item=1)
    page, _ = begun(store, study)
    with store._writer.begin() as connection:
        past = now() - timedelta(seconds=1)
        connection.execute(sa.update(slots).values(expires=past))
    answer(store, (other := entered(store, study)), store.next_item(other))
    page = press(page, "A")
    assert "another judge has it" in said(page) and page.header[0].value == "Your part ends here"
    store.close_study(study.id)
    assert len(store.vote_rows(study.id)) == 2


def test_before_the_opening_and_after_the_closing(store):
    study = study_of(store)
    page, token = begun(store, study)
    page = press(press(page, "A"), "B")
    later = now() + timedelta(days=1)
    with store._writer.begin() as connection:
        connection.execute(sa.update(studies).values(opens=later))
    page = checked(page.run())
    assert "the study is not open before" in said(page).lower() and "Look again" in labels(page)
    with store._writer.begin() as connection:
        connection.execute(sa.update(studies).values(opens=None))
    store.close_study(study.id)
    page = checked(page.run())
    assert page.header[0].value == "Thank you" and "closed" in said(page) and page.code[0].value == "DONE"
    page = app("Judge", judge=token)
    assert page.header[0].value == "Thank you"


def test_a_closed_study_lets_nobody_new_in(store):
    study = study_of(store)
    link = store.open_link(study.id)
    store.close_study(study.id)
    page = app("Judge", judge=link)
    assert titles(page) == ["The study is closed"] and not page.button


def test_what_is_closed_while_somebody_answers_is_said(store):
    study = study_of(store)
    page, _ = begun(store, study)
    store.close_study(study.id)
    page = press(page, "A")
    assert "the study is closed: nothing more can be answered" in said(page)
    assert page.header[0].value == "Your part ends here" and store.vote_rows(study.id) == []


def test_delete_my_data_asks_once_more_and_then_nothing_is_left(store):
    study = study_of(store)
    page, token = begun(store, study)
    page = press(page, "A")
    page = press(page, "Delete my data")
    assert store.judge(token)
    page = press(page, "Keep them")
    assert "Yes, delete everything" not in labels(page)
    page = press(press(page, "Delete my data"), "Yes, delete everything")
    assert titles(page) == ["Deleted"] and not dict(page.query_params)
    with pytest.raises(Refused):
        store.judge(token)
    with store._writer.connect() as connection:
        assert not connection.execute(sa.select(judges)).all()
    assert titles(app("Judge", judge=token)) == ["This link leads nowhere"]
    page.query_params["judge"] = store.open_link(study.id)  # another link in the same session
    assert titles(checked(page.run())) == ["Summaries of films"]


def test_texts_are_texts(store):
    bad = f"**bold** $x$ :red[y] {HOSTILE} " + "verylongword" * 500
    one = film_set()
    store.put_sets([one], "movies")
    study = store.create_study(
        "s",
        design(
            public_title=bad[:200],
            consent=bad,
            introduction=bad,
            codebook=[bad],
            contact=bad,
            pay=bad,
            questions=[{"id": "fairer", "text": bad, "answers": ["left", ":red[x] <b>y</b> [z](http://e)"]}],
        ),
    )
    store.set_items(
        study.id,
        [NewItem("main", Side(A, bad + "1"), Side(B, bad + "2"), one.id, prompt=bad) for _ in range(3)],
    )
    store.open_study(study.id)
    page = app("Judge", judge=store.open_link(study.id))
    seen = [page.title[0].value, markup(page)]
    page = press(press(page, "I agree"), "Start")
    seen += [markup(page), *(button.label for button in page.button)]
    for part in seen:
        assert not re.search(r"(?<!\\)<(img|b>y)", part), part[:300]
    assert "\\:red\\[x\\] \\<b\\>y\\</b\\> \\[z\\](http\\://e)" in [button.label for button in page.button]


def test_texts_of_any_direction_and_none_at_all(store):
    one = film_set()
    store.put_sets([one], "movies")
    study = store.create_study("s", design())
    hebrew = "אין הסכמה בין הצדדים"
    store.set_items(study.id, [NewItem("main", Side(A, hebrew), Side(B, " "), one.id)])
    store.open_study(study.id)
    page, _ = begun(store, study)
    assert f'dir="auto">{hebrew}' in markup(page) and "(empty)" in markup(page)


def test_labelling_one_text(store):
    one = film_set()
    store.put_sets([one], "movies")
    groups = ["fresh", "rotten", "mixed", "none"]
    questions = [{"id": "label", "text": "Whose view is it?", "answers": groups}]
    study = store.create_study("s", design(task="label", questions=questions))
    store.set_items(study.id, [NewItem("main", Side(A, f"The plot was dull {n}.")) for n in range(3)])
    store.open_study(study.id)
    page, token = begun(store, study)
    assert labels(page)[:4] == ["fresh", "rotten", "Several groups", "No group"]
    assert (
        "The plot was dull" in texts(page)
        and "<h2>A</h2>" not in markup(page)
        and "<h2>Opinions" not in markup(page)
    )
    page = press(page, "Several groups")
    assert "Saved: Several groups" in said(page) and store.judge(token).answered == 1
    store.close_study(study.id)
    assert [row.answer for row in store.vote_rows(study.id)] == ["mixed"]


def test_opinions_stand_under_their_groups_in_the_colours_of_the_study(store):
    study = study_of(store)
    page, _ = begun(store, study)
    one = film_set()
    for opinion in one.opinions:
        assert opinion.text in markup(page)
    for group, count in one.counts().items():
        assert f'{group}</span><span class="fp-quiet">{count} of {len(one.opinions)}' in markup(page)


def test_groups_of_a_known_corpus_have_the_colours_of_all_pages(store):
    # By the alphabet negative would come first, and have the colour that positive has elsewhere.
    opinions = (Opinion("It broke.", "negative", "1"), Opinion("It works.", "positive", "2"))
    one = OpinionSet(opinion_set_id("products", "phone", opinions), "phone", "balanced", "negative", opinions)
    store.put_sets([one], "products")
    study = store.create_study("Colours", design())
    store.set_items(study.id, [pair(number, one.id) for number in range(3)])
    assert study_groups(f"colours of {study.id}", study.id, store) == ("positive", "negative")


def test_keys_belong_to_the_question_that_is_open(store):
    page, _ = begun(store, study_of(store))
    keys = [button.proto.shortcut for button in page.button]
    assert [key for key in keys if key] == ["1", "2", "3", "4", "5", "u", "s"]
    assert keys[:5] == ["1", "2", "3", "4", "5"]
    page = press(page, "A")
    keys = [button.proto.shortcut for button in page.button]
    assert keys[:5] == [""] * 5 and keys[5:10] == ["1", "2", "3", "4", "5"]


def test_with_a_login_judges_come_in_without_it(store, monkeypatch):
    monkeypatch.setenv("FAIRPRUNE_LEAD_PASSWORD_HASH", hash_password("a password of the tests"))
    study = opened(store, n=3)
    page, token = begun(store, study)
    page = press(press(page, "A"), "A")
    assert store.judge(token).answered == 1 and not page.get("page_link")


def test_another_judges_click_and_made_up_ids_store_nothing(store):
    """What a browser sends is a name of a button that this session was given: another judge's task has none here."""
    study = study_of(store, n=4)
    mine, theirs = entered(store, study), entered(store, study)
    task = store.next_item(theirs)
    page = press(app("Judge", judge=mine), "Start")
    assert task.key not in sent(page)
    answer(store, theirs, task)
    judge_all(store, theirs)
    with pytest.raises(Refused):
        store.record(mine, task.key, "fairer", "left")
    assert store.judge(mine).answered == 0 and main(1).kind == "main"
