"""Studies and their judges in the database: on SQLite and on PostgreSQL."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from datetime import timedelta

import pytest
import sqlalchemy as sa

from fairprune.errors import BadInput, StoreError, Unavailable
from fairprune.store import open_store
from fairprune.store.database import now
from fairprune.store.judgments_tables import judges, slots, studies, tasks
from fairprune.store.judgments_values import Crowd, Ended, NewItem, Refused, Side, Task, Wait
from tests.judged import answer, design, entered, judge_all, main, opened, side_with, special
from tests.store_values import film_set

SECRET = "a secret of the tests, long enough"


@pytest.fixture
def store(database):
    with open_store(database) as opened_store:
        yield opened_store


def refused(reason: str):
    class Caught:
        def __enter__(self):
            return self

        def __exit__(self, kind, error, _):
            assert kind is not None and issubclass(kind, Refused), f"not refused but {error!r}"
            assert error.reason == reason, f"{error.reason}: {error}"
            return True

    return Caught()


def change(store, table, condition, **values):
    with store._writer.begin() as connection:
        assert connection.execute(sa.update(table).where(condition).values(**values)).rowcount


# Planning


def test_a_draft_can_be_changed_and_an_opened_study_cannot(store):
    study = store.create_study(" Films ", design())
    assert (study.state, study.title, study.hash, study.opened) == ("draft", "Films", None, None)
    study = store.edit_study(study.id, title="Reviews", design=design(votes_per_item=1))
    assert (study.title, study.design["votes_per_item"]) == ("Reviews", 1)
    listed = store.set_items(study.id, [main(0), main(1)])
    assert [item.number for item in listed] == [0, 1] and listed[0].a.system == "dense"
    store.exclude_item(study.id, listed[1].id, True)
    study = store.open_study(study.id)
    assert study.state == "open" and study.opened is not None
    assert hashlib.sha256(store.frozen_study(study.id).encode()).hexdigest() == study.hash
    again = store.open_study(study.id)
    assert (again.hash, again.opened) == (study.hash, study.opened)
    for attempt in (
        lambda: store.edit_study(study.id, title="x"),
        lambda: store.set_items(study.id, []),
        lambda: store.exclude_item(study.id, listed[1].id, False),
        lambda: store.delete_study(study.id),
    ):
        with refused("frozen"):
            attempt()
    copy = store.copy_study(study.id, "Once more")
    assert (copy.state, copy.copied_from, copy.hash) == ("draft", study.id, None)
    assert [(i.a, i.b, i.excluded) for i in store.items(copy.id)] == [
        (i.a, i.b, i.excluded) for i in store.items(study.id)
    ]
    assert store.edit_study(copy.id, title="Changed").title == "Changed"
    assert [one.id for one in store.studies()] == [copy.id, study.id]
    store.delete_study(copy.id)
    with refused("unknown"):
        store.study(copy.id)


def test_the_hash_is_of_design_and_items_and_shows_every_change(store):
    hashes = set()
    for more, items in (
        ({}, [main(0), main(1)]),
        ({"hypotheses": ["the opposite"]}, [main(0), main(1)]),
        ({}, [main(0), main(2)]),
        ({}, [main(0), main(1, excluded=True)]),
    ):
        study = store.create_study("t", design(**more))
        store.set_items(study.id, items)
        hashes.add(store.open_study(study.id).hash)
    assert len(hashes) == 4
    again = store.create_study("another title", design())
    store.set_items(again.id, [main(0), main(1)])
    assert store.open_study(again.id).hash in hashes
    document = json.loads(store.frozen_study(again.id))
    assert "dense says 0" not in json.dumps(document) and len(document["items"][0]["a"]["text_sha256"]) == 64


@pytest.mark.parametrize(
    ("more", "items", "sentence"),
    [
        ({}, [], "no item to ask"),
        ({}, [main(0, excluded=True)], "no item to ask"),
        ({}, [NewItem("main", Side("a", "same"), Side("b", "same"))], "no item to ask"),
        ({}, [main(0), NewItem("main", Side("a", "alone"))], r"item 1 \(main\) has one text"),
        ({}, [main(0), special("comprehension", "c")], r"item 1 \(comprehension\) has no right answer"),
        (
            {},
            [main(0), special("attention", "x", expected={"fairer": ("a",)})],
            "1 attention item cannot fail anybody",
        ),
        (
            {},
            [main(0)] + [special("attention", "x", expected={"fairer": ("a",)}, after=3)] * 2,
            "comes after 3 items, but a judge gets 3",
        ),
        (
            {},
            [main(0), special("practice", "x", expected={"fairest": ("a",)})],
            "there is no question for item 1",
        ),
        (
            {},
            [main(0), special("practice", "x", expected={"fairer": ("left",)})],
            "no right answer of item 1",
        ),
        ({"closes": "2020-01-01T00:00:00+00:00"}, [main(0)], "which is over"),
    ],
)
def test_a_study_opens_only_if_it_can_be_judged(store, more, items, sentence):
    study = store.create_study("t", design(**more))
    store.set_items(study.id, items)
    with pytest.raises(BadInput, match=sentence):
        store.open_study(study.id)
    assert store.study(study.id).state == "draft"


def test_items_of_opinions_that_are_not_stored_are_refused(store):
    study = store.create_study("t", design())
    with pytest.raises(BadInput, match="opinion set 'nowhere' is not stored"):
        store.set_items(study.id, [main(0, "nowhere")])


def test_a_preview_shows_what_a_judge_will_see_and_stores_nothing(store):
    one = film_set()
    store.put_sets([one], "movies")
    study = store.create_study("t", design())
    store.set_items(study.id, [main(0, one.id), special("practice", "p", prompt="Try it")])
    (item, task), (_, practice) = store.preview(study.id)
    assert (task.left, task.right, task.key) == ("dense says 0", "wanda says 0", "")
    assert task.opinions == one and item.flags == () and practice.practice and practice.prompt == "Try it"
    assert store.study_progress(study.id).wanted == 0


# Coming in


def test_an_invitation_leads_to_one_judge_from_any_browser(store):
    study = opened(store)
    first, second = store.invite(study.id, ["Ann", "Ben"])
    one = store.enter(first)
    assert one.new and one.token == first and one.judge.state == "entered" and one.judge.pseudonym == "J001"
    again = store.enter(first)
    assert not again.new and again.judge.id == one.judge.id
    assert store.enter(second).judge.number == 2
    assert [(one.label, one.used, one.revoked) for one in store.invites(study.id)] == [
        ("Ann", True, False),
        ("Ben", True, False),
    ]
    [third] = store.invite(study.id, ["Cleo"])
    unused = next(one for one in store.invites(study.id) if one.label == "Cleo")
    store.revoke_invite(study.id, unused.id)
    with refused("unknown"):
        store.enter(third)
    with refused("unknown"):
        store.revoke_invite(study.id, store.invites(study.id)[0].id)  # its judge is in


def test_the_open_link_makes_a_new_judge_each_time_and_can_be_replaced(store):
    study = opened(store)
    link = store.open_link(study.id)
    tokens = [store.enter(link).token for _ in range(3)]
    assert len({store.judge(token).id for token in tokens}) == 3
    newer = store.open_link(study.id)
    with refused("unknown"):
        store.enter(link)
    assert store.enter(newer).judge.number == 4
    store.close_open_link(study.id)
    with refused("unknown"):
        store.enter(newer)
    assert store.enter(tokens[0]).judge.number == 1  # who is in goes on


def test_no_token_and_no_crowd_id_stands_in_the_database(store, monkeypatch):
    monkeypatch.setenv("FAIRPRUNE_SECRET", SECRET)
    study = opened(store, crowd=True)
    link = store.open_link(study.id)
    [invited] = store.invite(study.id, ["Ann"])
    token = store.enter(link, Crowd("5f1e00aa", "study1", "session1")).token
    with store._engine.begin() as connection:
        tables = sa.inspect(connection).get_table_names()
        texts = {
            table: str(connection.execute(sa.text(f'SELECT * FROM "{table}"')).all())
            for table in sorted(tables)
        }
    for secret in (link, invited, token):
        assert not [table for table, text in texts.items() if secret in text]
    assert [table for table, text in texts.items() if "5f1e00aa" in text] == ["payments"]
    assert store.delete_payments(study.id) == 1
    assert store.payments(study.id) == []
    # Whoever was here before is known again all the same, and by a new token too.
    again = store.enter(link, Crowd("5f1e00aa"))
    assert not again.new and again.token != token and again.judge.id == store.judge(token).id


def test_the_hash_of_a_crowd_id_needs_the_secret_and_differs_between_studies(store, monkeypatch):
    from fairprune.store.judgments_tokens import crowd_key

    monkeypatch.setenv("FAIRPRUNE_SECRET", SECRET)
    one, other = crowd_key("a" * 16, "p1"), crowd_key("b" * 16, "p1")
    monkeypatch.setenv("FAIRPRUNE_SECRET", SECRET + "x")
    assert len({one, other, crowd_key("a" * 16, "p1"), hashlib.sha256(b"p1").hexdigest()}) == 4
    study = store.create_study("t", design(crowd=True))
    store.set_items(study.id, [main(0)])
    for value in (None, "short"):
        monkeypatch.setenv("FAIRPRUNE_SECRET", value) if value else monkeypatch.delenv("FAIRPRUNE_SECRET")
        with pytest.raises(Unavailable, match="FAIRPRUNE_SECRET is "):
            store.open_study(study.id)


def test_who_does_not_come_from_the_crowd_site_is_told_to(store, monkeypatch):
    monkeypatch.setenv("FAIRPRUNE_SECRET", SECRET)
    study = opened(store, crowd=True)
    link = store.open_link(study.id)
    with refused("crowd"):
        store.enter(link)
    for wrong in ("", "a b", "x" * 65, "<script>", "' OR 1=1 --"):
        with refused("crowd"):
            store.enter(link, Crowd(wrong))
    assert store.judge_rows(study.id) == []


def test_a_study_that_is_not_open_lets_nobody_in(store):
    study = store.create_study("t", design())
    store.set_items(study.id, [main(0)])
    link = store.open_link(study.id)
    with refused("not_open"):
        store.enter(link)
    later = (now() + timedelta(hours=1)).isoformat()
    store.edit_study(study.id, design=design(opens=later))
    store.open_study(study.id)
    with refused("not_open"):
        store.enter(link)
    change(store, studies, studies.c.id == study.id, opens=None)
    token = store.enter(link).token
    store.close_study(study.id)
    with refused("closed"):
        store.enter(link)
    assert store.enter(token).judge.study_state == "closed"


def test_consent_comes_first_and_its_refusal_ends_it(store):
    study = opened(store)
    link = store.open_link(study.id)
    token = store.enter(link).token
    with refused("consent"):
        store.next_item(token)
    assert store.consent(token, False).state == "no_consent"
    assert store.consent(token, True).state == "no_consent"
    assert store.next_item(token) == Ended("no_consent")
    assert (store.completion(token).kind, store.completion(token).code) == ("no_consent", "NO")


def test_groups_have_quotas_and_who_has_gone_quiet_gives_the_place_back(store):
    study = opened(store, groups={"question": "You are", "quotas": {"left": 1, "right": 2, "other": None}})
    link = store.open_link(study.id)
    tokens = [entered(store, study, link) for _ in range(3)]
    with refused("group"):
        store.next_item(tokens[0])
    with pytest.raises(BadInput, match="there is no group 'centre': it is one of left, right, other"):
        store.choose_group(tokens[0], "centre")
    assert store.choose_group(tokens[0], "left").state == "active"
    assert store.choose_group(tokens[0], "right").group == "left"  # said once
    assert store.choose_group(tokens[1], "left").state == "screened_out"
    assert store.completion(tokens[1]).code == "OUT"
    assert store.study_progress(study.id).groups == {"left": 1, "right": 0, "other": 0}
    me = store.judge(tokens[0])
    change(store, judges, judges.c.id == me.id, seen=now() - timedelta(hours=3))
    assert store.choose_group(tokens[2], "left").state == "active"
    assert isinstance(store.next_item(tokens[0]), Task)  # who comes back goes on


def test_no_more_judges_than_the_study_wants(store):
    study = opened(store, max_judges=1)
    link = store.open_link(study.id)
    tokens = [store.enter(link).token for _ in range(2)]
    assert [store.consent(token, True).state for token in tokens] == ["active", "screened_out"]


def test_a_judge_reads_nothing_of_codes_quotas_and_hypotheses(store):
    study = opened(store, groups={"question": "You are", "quotas": {"left": 7, "other": None}})
    token = entered(store, study)
    public = store.judge(token).public
    assert public["groups"] == {"question": "You are", "names": ["left", "other"]}
    text = json.dumps(public)
    assert not [word for word in ("DONE", "hypotheses", "wanda", "votes_per_item", "7") if word in text]


# Judging


def test_a_judge_answers_until_the_end_and_gets_a_code(store):
    study = opened(store)
    token = entered(store, study)
    task = store.next_item(token)
    assert task.questions == ("fairer", "better") and task.opinions == film_set()
    assert not [word for word in ("system", "run_id", "generation") if word in repr(task)]
    assert store.next_item(token).key == task.key  # asking again is no second item
    with refused("ended"):
        store.completion(token)
    first = store.record(token, task.key, "fairer", "right", seconds=3.5, comment="because")
    assert (first.new, first.finished) == (True, False)
    assert store.next_item(token).answered == {"fairer": "right"}  # as after a lost connection
    assert store.record(token, task.key, "better", "tie").finished
    assert store.judge(token).answered == 1
    assert judge_all(store, token) == Ended("completed")
    assert store.judge(token).answered == 3
    done = store.completion(token)
    assert (done.kind, done.code, done.redirect) == ("completed", "DONE", "https://crowd.example/done")
    assert store.next_item(token) == Ended("completed")
    store.close_study(study.id)
    rows = store.vote_rows(study.id)
    assert len(rows) == 6 and all(row.complete and row.kind == "main" for row in rows)
    one = rows[0]
    assert (one.judge, one.question, one.answer, one.seconds, one.comment) == (
        "J001",
        "fairer",
        "right",
        3.5,
        "because",
    )
    assert one.system_right == ("wanda 50 %" if not one.swapped else "dense")
    assert one.run_right == ("b" * 16 if not one.swapped else "a" * 16)
    assert one.preferred == ("b" if not one.swapped else "a") and rows[1].preferred == "tie"


def test_every_judge_begins_with_another_question_and_sides_are_balanced(store):
    study = opened(store, n=8, items_per_judge=8)
    link = store.open_link(study.id)
    orders = []
    for _ in range(2):
        token = entered(store, study, link)
        orders.append(store.next_item(token).questions)
        judge_all(store, token)
    assert orders == [("fairer", "better"), ("better", "fairer")]
    store.close_study(study.id)
    rows = [row for row in store.vote_rows(study.id) if row.question == "fairer"]
    for judge in ("J001", "J002"):
        assert sum(row.swapped for row in rows if row.judge == judge) == 4
    assert {(row.judge, row.place) for row in rows} == {("J001", 0), ("J002", 1)}


def test_a_double_click_a_replay_and_another_answer_store_one_vote(store):
    study = opened(store)
    token = entered(store, study)
    task = store.next_item(token)
    assert store.record(token, task.key, "fairer", "left").new
    again = store.record(token, task.key, "fairer", "left")
    other = store.record(token, task.key, "fairer", "right")  # another tab, a moment later
    assert (again.new, again.answer, other.new, other.answer) == (False, "left", False, "left")
    assert store.record(token, task.key, "better", "tie").finished
    assert not store.record(token, task.key, "better", "tie").new
    judge_all(store, token)
    assert not store.record(token, task.key, "better", "left").new  # long after the end
    store.close_study(study.id)
    assert not store.record(token, task.key, "better", "left").new
    votes = Counter((row.item, row.question) for row in store.vote_rows(study.id))
    assert set(votes.values()) == {1} and len(votes) == 6


def test_every_item_ends_with_exactly_the_votes_wanted(store):
    study = opened(store, n=5, votes_per_item=2, items_per_judge=3)
    link = store.open_link(study.id)
    ends = [judge_all(store, entered(store, study, link)).kind for _ in range(5)]
    assert ends == ["completed"] * 4 + ["screened_out"]  # 3 + 3 + 3 + 1 votes; nothing was left for the fifth
    progress = store.study_progress(study.id)
    assert (progress.wanted, progress.done, progress.leased, progress.complete) == (10, 10, 0, 5)
    store.close_study(study.id)
    rows = [row for row in store.vote_rows(study.id) if row.question == "fairer"]
    assert set(Counter(row.item for row in rows).values()) == {2}
    assert len({(row.item, row.judge) for row in rows}) == 10


def test_items_with_the_fewest_votes_come_first(store):
    study = opened(store, n=6, votes_per_item=3, items_per_judge=2)
    link = store.open_link(study.id)
    for _ in range(3):
        judge_all(store, entered(store, study, link))
    store.close_study(study.id)
    rows = [row for row in store.vote_rows(study.id) if row.question == "fairer"]
    assert sorted(Counter(row.item for row in rows).values()) == [1] * 6


def test_a_draft_that_was_changed_since_it_was_seen_is_not_opened(store):
    seen = store.create_study("Study", design())
    store.set_items(seen.id, [main(0)])
    with pytest.raises(Refused, match="was changed meanwhile") as refused:
        store.open_study(seen.id, edited=seen.edited)
    assert refused.value.reason == "late" and store.study(seen.id).state == "draft"
    given = {**seen.design, "registered": "x"}
    opened_study = store.open_study(seen.id, design=given, edited=store.study(seen.id).edited)
    assert opened_study.design == given
    assert hashlib.sha256(store.frozen_study(seen.id).encode()).hexdigest() == opened_study.hash


def test_equal_texts_are_ties_that_nobody_is_asked(store):
    same = NewItem(
        "main", Side("dense", "the same"), Side("wanda", " the\nsame ")
    )  # no reader sees a difference
    study = opened(store, same, n=1, votes_per_item=1)
    progress = store.study_progress(study.id)
    assert (progress.items, progress.automatic, progress.wanted) == (1, 1, 1)
    token = entered(store, study)
    assert judge_all(store, token) == Ended("completed")
    assert [item.a.text for item in store.automatic_items(study.id)] == ["the same"]
    store.close_study(study.id)
    assert {row.item_number for row in store.vote_rows(study.id)} == {1}


def test_a_lease_that_has_run_out_goes_to_another_and_comes_back_to_nobody(store):
    study = opened(store, n=1, votes_per_item=1)
    link = store.open_link(study.id)
    slow, quick = entered(store, study, link), entered(store, study, link)
    task = store.next_item(slow)
    store.record(slow, task.key, "fairer", "left")
    waits = store.next_item(quick)
    assert isinstance(waits, Wait) and 0 < waits.seconds <= 60
    assert isinstance(store.finish_waiting(quick), Wait)  # who has answered nothing has completed nothing
    change(store, slots, slots.c.study_id == study.id, expires=now() - timedelta(seconds=1))
    assert store.record(slow, task.key, "better", "left").finished is True  # late, but nobody has it
    assert store.study_progress(study.id).done == 1
    assert store.next_item(quick) == Ended("screened_out")


def test_a_judge_whose_item_was_given_away_gets_another_one(store):
    study = opened(store, n=1, votes_per_item=1)
    link = store.open_link(study.id)
    slow, quick = entered(store, study, link), entered(store, study, link)
    task = store.next_item(slow)
    store.record(slow, task.key, "fairer", "left")
    change(store, slots, slots.c.study_id == study.id, expires=now() - timedelta(seconds=1))
    mine = store.next_item(quick)
    assert mine.left in (task.left, task.right)
    with refused("late"):
        store.record(slow, task.key, "better", "left")
    answer(store, quick, mine, "tie")
    assert store.next_item(slow) == Ended("screened_out")  # the only item is judged
    store.close_study(study.id)
    rows = store.vote_rows(study.id)
    assert [(row.judge, row.question, row.complete) for row in rows] == [
        ("J001", "fairer", False),
        ("J002", "better", True),
        ("J002", "fairer", True),
    ]


def test_who_waits_may_finish_with_what_is_answered(store):
    study = opened(store, n=2, votes_per_item=1, items_per_judge=2)
    link = store.open_link(study.id)
    one, other = entered(store, study, link), entered(store, study, link)
    answer(store, one, store.next_item(one))
    store.next_item(other)
    assert isinstance(store.next_item(one), Wait)
    assert store.finish_waiting(one) == Ended("completed")
    assert store.completion(one).code == "DONE"


# Practice, comprehension, attention, repeats


def test_practice_and_comprehension_come_first_and_explain(store):
    right = {"fairer": ("a",)}
    study = opened(
        store,
        special("comprehension", "c", expected=right, explanation="The first hears both."),
        special("practice", "p", expected=right, explanation="So it is."),
        n=2,
    )
    link = store.open_link(study.id)
    token = entered(store, study, link)
    task = store.next_item(token)
    assert task.practice and not task.comprehension
    found = answer(store, token, task, side_with(task, "bad"))
    assert (found.finished, found.right, found.explanation, found.ended) == (True, False, "So it is.", None)
    task = store.next_item(token)
    assert task.comprehension
    found = answer(store, token, task, side_with(task, "bad"))
    assert (found.right, found.ended) == (False, None)
    task = store.next_item(token)
    assert task.comprehension  # a second try
    assert answer(store, token, task, side_with(task, "good")).right
    assert judge_all(store, token) == Ended("completed")
    other = entered(store, study, link)
    answer(store, other, store.next_item(other))
    for _ in range(2):
        task = store.next_item(other)
        found = answer(store, other, task, side_with(task, "bad"))
    assert found.ended == "screened_out" and store.next_item(other) == Ended("screened_out")
    assert store.study_progress(study.id).done == 2


def test_a_second_attention_item_answered_wrong_ends_it_and_others_judge_again(store):
    checks = [special("attention", f"check {n}", expected={"fairer": ("a",)}, after=n) for n in (1, 2)]
    study = opened(store, *checks, n=3, votes_per_item=1)
    link = store.open_link(study.id)
    token = entered(store, study, link)
    results = []
    for _ in range(4):
        task = store.next_item(token)
        assert not task.practice and not task.comprehension
        results.append(answer(store, token, task, side_with(task, "bad") if "check" in task.left else "tie"))
    assert [(one.warned, one.ended) for one in results] == [
        (False, None),
        (True, None),
        (False, None),
        (False, "failed"),
    ]
    assert store.completion(token).code == "FAILED"
    assert store.judge(token).failures == 2
    assert store.study_progress(study.id).done == 0  # what they said does not fill an item
    assert judge_all(
        store, entered(store, study, link), lambda t: side_with(t, "good") if "check" in t.left else "tie"
    )
    progress = store.study_progress(study.id)
    assert (progress.done, progress.complete, progress.judges["failed"]) == (3, 3, 1)
    store.close_study(study.id)
    counted = Counter(
        row.judge_state
        for row in store.vote_rows(study.id)
        if row.kind == "main" and row.question == "fairer"
    )
    assert counted == {"failed": 2, "completed": 3}


def test_one_wrong_attention_item_is_no_end(store):
    checks = [special("attention", f"check {n}", expected={"better": ("a", "tie")}, after=0) for n in (1, 2)]
    study = opened(store, *checks, n=3)
    token = entered(store, study)
    wrong = store.next_item(token)
    assert answer(store, token, wrong, side_with(wrong, "bad")).warned
    assert answer(store, token, store.next_item(token), "tie").ended is None
    assert judge_all(store, token) == Ended("completed")


def test_items_are_repeated_later_with_sides_the_other_way_round(store):
    study = opened(store, n=6, items_per_judge=4, repeats_per_judge=2)
    token = entered(store, study)
    judge_all(store, token)
    store.close_study(study.id)
    rows = [row for row in store.vote_rows(study.id) if row.question == "fairer"]
    firsts = {row.item: row for row in rows if row.occasion == 0}
    repeats = [row for row in rows if row.occasion == 1]
    assert len(firsts) == 4 and len({row.item for row in repeats}) == 2
    assert [row.position for row in rows] == list(range(6))
    for row in repeats:
        assert row.swapped is not firsts[row.item].swapped
        assert row.position > firsts[row.item].position + 1
    assert store.study_progress(study.id).done == 4


# Taking back


def test_undo_takes_the_last_answer_back_and_its_old_click_is_refused(store):
    study = opened(store)
    token = entered(store, study)
    with refused("nothing"):
        store.undo(token)
    first = store.next_item(token)
    answer(store, token, first, "left")
    second = store.next_item(token)
    back = store.undo(token)
    assert back.left == first.left and back.key != first.key and back.answered == {"fairer": "left"}
    with refused("unknown"):
        store.record(token, first.key, "better", "left")  # a click that was still on its way
    back = store.undo(token)
    assert back.answered == {}
    assert store.judge(token).answered == 0
    answer(store, token, back, "tie")
    assert store.next_item(token).key == second.key
    judge_all(store, token)
    store.close_study(study.id)
    rows = store.vote_rows(study.id)
    assert len(rows) == 6 and {row.answer for row in rows if row.position == 0} == {"tie"}
    assert [(row.action, row.question, row.answer) for row in store.history_rows(study.id)] == [
        ("undone", "better", "left"),
        ("undone", "fairer", "left"),
    ]
    assert store.study_progress(study.id).done == 3


def test_a_skipped_item_goes_to_others_and_can_come_back(store):
    study = opened(store, n=2, votes_per_item=1, skips_per_judge=1)
    link = store.open_link(study.id)
    token = entered(store, study, link)
    task = store.next_item(token)
    store.record(token, task.key, "fairer", "left")
    store.skip(token, task.key)
    store.skip(token, task.key)
    assert store.judge(token).skips_left == 0
    other = store.next_item(token)
    assert other.left not in (task.left, task.right)
    with refused("limit"):
        store.skip(token, other.key)
    back = store.undo(token)
    assert {back.left, back.right} == {task.left, task.right} and back.answered == {}
    store.skip(token, back.key)
    answer(store, token, store.next_item(token))
    assert store.next_item(token) == Ended("completed")
    assert judge_all(store, entered(store, study, link)) == Ended("completed")
    store.close_study(study.id)
    assert [row.action for row in store.history_rows(study.id)] == [
        "undone",
        "skipped",
        "unskipped",
        "skipped",
    ]
    assert Counter(row.judge for row in store.vote_rows(study.id)) == {"J001": 2, "J002": 2}


def test_a_skipped_item_that_others_have_judged_does_not_come_back(store):
    study = opened(store, n=1, votes_per_item=1)
    link = store.open_link(study.id)
    token = entered(store, study, link)
    store.skip(token, store.next_item(token).key)
    judge_all(store, entered(store, study, link))
    with refused("late"):
        store.undo(token)


def test_an_attention_item_is_skipped_like_any_other(store):
    checks = [special("attention", f"check {n}", expected={"fairer": ("a",)}) for n in (1, 2)]
    study = opened(store, *checks, skips_per_judge=2)
    token = entered(store, study)
    first = store.next_item(token)
    store.record(token, first.key, "fairer", side_with(first, "bad"))
    store.skip(token, first.key)
    assert store.judge(token).skips_left == 1
    second = store.next_item(token)
    assert second.left not in (first.left, first.right) and "check" in second.left
    back = store.undo(token)
    assert (back.left, back.right, back.answered) == (first.left, first.right, {})
    assert store.judge(token).skips_left == 2
    store.skip(token, back.key)
    assert store.next_item(token) == second
    store.skip(token, second.key)
    task = store.next_item(token)
    assert "check" not in task.left
    with refused("limit"):
        store.skip(token, task.key)
    assert judge_all(store, token) == Ended("completed")
    store.close_study(study.id)
    assert (store.judge_rows(study.id)[0].failures, store.judge_rows(study.id)[0].state) == (0, "completed")
    # The rows say that both were skipped: who counts votes alone would not see it.
    skipped = [row for row in store.vote_rows(study.id) if row.kind != "main"]
    assert [(row.kind, row.answer, row.question, row.seconds, row.complete) for row in skipped] == [
        ("attention", "skipped", "fairer", None, False)
    ] * 2
    assert all(row.expected in (("left",), ("right",)) for row in skipped)


@pytest.mark.parametrize("kind", ["practice", "comprehension"])
def test_what_is_practised_cannot_be_skipped(store, kind):
    study = opened(store, special(kind, "check", expected={"fairer": ("a",)}))
    token = entered(store, study)
    with refused("answer"):
        store.skip(token, store.next_item(token).key)


@pytest.mark.parametrize("kind", ["main", "practice", "attention"])
@pytest.mark.parametrize("answers", [1, 2])
def test_undo_does_the_same_with_items_of_all_kinds(store, kind, answers):
    checks = (
        [special(kind, f"check {n}", expected={"fairer": ("a",)}) for n in (1, 2)] if kind != "main" else []
    )
    study = opened(store, *checks, n=3)
    token = entered(store, study)
    task = store.next_item(token)
    for question in task.questions[:answers]:
        store.record(token, task.key, question, side_with(task, "wanda" if kind == "main" else "bad"))
    back = store.undo(token)
    assert (back.left, back.right, back.number) == (
        task.left,
        task.right,
        task.number,
    ) and back.key != task.key
    assert set(back.answered) == set(task.questions[: answers - 1])
    for question in back.open_questions:
        store.record(token, back.key, question, "tie")
    assert store.next_item(token).key not in (task.key, back.key)


def whole_back(store, token):
    """Takes both answers of the last item back."""
    store.undo(token)
    back = store.undo(token)
    assert back.answered == {}
    return back


def test_what_was_answered_first_counts_of_an_attention_item(store):
    checks = [special("attention", f"check {n}", expected={"fairer": ("a",)}) for n in (1, 2)]
    study = opened(store, *checks)
    token = entered(store, study)
    task = store.next_item(token)
    answer(store, token, task, side_with(task, "bad"))
    assert store.judge(token).failures == 1
    # Any number of further tries changes nothing, for better or worse.
    for choice in ("good", "bad", "good"):
        back = whole_back(store, token)
        found = answer(store, token, back, side_with(back, choice))
        assert (
            found.finished and not found.warned and found.right is None and store.judge(token).failures == 1
        )
    second = store.next_item(token)
    answer(store, token, second, side_with(second, "good"))
    back = whole_back(store, token)
    answer(store, token, back, side_with(back, "bad"))
    assert store.judge(token).failures == 1
    # Skipped, or left open, after it was taken back: what was answered first still counts.
    back = store.undo(token)
    store.skip(token, back.key)
    assert judge_all(store, token) == Ended("completed")
    store.close_study(study.id)
    rows = [row for row in store.vote_rows(study.id) if row.kind == "attention" and row.question == "fairer"]
    assert [(row.answer in row.expected, row.complete) for row in rows] == [(False, True), (True, True)]
    assert {row.action for row in store.history_rows(study.id)} == {"undone", "stands", "skipped"}


def test_a_comprehension_item_has_two_tries_however_often_it_is_taken_back(store):
    study = opened(store, special("comprehension", "c", expected={"fairer": ("a",)}, explanation="because"))
    token = entered(store, study)
    first = store.next_item(token)
    assert answer(store, token, first, side_with(first, "bad")).right is False
    back = whole_back(store, token)
    found = answer(store, token, back, side_with(back, "good"))  # the explanation was read by now
    assert found.right is True and found.explanation == "because"
    second = store.next_item(token)
    assert second.comprehension
    answer(store, token, second, side_with(second, "good"))
    back = whole_back(store, token)
    answer(store, token, back, side_with(back, "bad"))
    assert not store.next_item(token).comprehension  # understood at the second try, and that stands
    link = store.open_link(study.id)
    other = entered(store, study, link)
    for _ in range(2):
        task = store.next_item(other)
        found = answer(store, other, task, side_with(task, "bad"))
    assert found.ended == "screened_out"
    with refused("ended"):
        store.undo(other)


# The end


def test_outcomes_are_sealed_until_the_study_is_closed(store):
    study = opened(store)
    with refused("not_open"):
        store.close_study(store.create_study("draft", design()).id)
    token = entered(store, study)
    task = store.next_item(token)
    store.record(token, task.key, "fairer", "left")
    for look in (store.vote_rows, store.history_rows):
        with refused("sealed"):
            look(study.id)
    shown = f"{store.study_progress(study.id)} {store.judge_rows(study.id)} {store.study(study.id)}"
    assert "left" not in shown
    closed = store.close_study(study.id)
    assert closed.state == "closed" and store.close_study(study.id).closed == closed.closed
    with refused("closed"):
        store.record(token, task.key, "better", "left")
    with refused("closed"):
        store.open_study(study.id)
    assert len(store.vote_rows(study.id)) == 1
    assert store.next_item(token) == Ended("screened_out")  # no item was finished
    store.delete_study(study.id)
    assert store.studies()[0].title == "draft"


def test_the_closing_time_of_the_design_closes_it(store):
    study = opened(store, closes=(now() + timedelta(hours=1)).isoformat())
    token = entered(store, study)
    task = store.next_item(token)
    answer(store, token, task)
    task = store.next_item(token)
    past = now() - timedelta(seconds=1)
    change(store, studies, studies.c.id == study.id, closes=past)
    assert store.study(study.id).state == "closed"
    with refused("closed"):
        store.record(token, task.key, "fairer", "left")
    assert store.next_item(token) == Ended("completed") and store.completion(token).code == "DONE"
    assert len(store.vote_rows(study.id)) == 2
    assert store.close_study(study.id).closed == past


def test_a_judge_takes_all_of_it_away(store, monkeypatch):
    monkeypatch.setenv("FAIRPRUNE_SECRET", SECRET)
    study = opened(store, n=1, votes_per_item=1)
    link = store.open_link(study.id)
    token = store.enter(link, Crowd("person")).token
    store.consent(token, True)
    task = store.next_item(token)
    answer(store, token, task)
    store.undo(token)
    store.record(token, store.next_item(token).key, "better", "tie")
    assert store.next_item(token) == Ended("completed")
    me = store.judge(token).id
    store.forget(token)
    with store._engine.begin() as connection:
        for table in sa.inspect(connection).get_table_names():
            assert me not in str(connection.execute(sa.text(f'SELECT * FROM "{table}"')).all()), table
    for attempt in (lambda: store.judge(token), lambda: store.enter(token), lambda: store.forget(token)):
        with refused("unknown"):
            attempt()
    progress = store.study_progress(study.id)
    assert (progress.withdrawn, progress.done, sum(progress.judges.values())) == (1, 0, 0)
    [invited] = store.invite(study.id, ["Ann"])
    other = entered(store, study, invited)
    assert judge_all(store, other) == Ended("completed") and store.judge(other).number == 2
    store.forget_judge(study.id, "J002")
    with refused("unknown"):
        store.enter(invited)  # the invitation is used up
    with refused("unknown"):
        store.forget_judge(study.id, "J002")
    assert store.study_progress(study.id).withdrawn == 2


def test_whom_to_pay_leads_to_no_vote(store, monkeypatch):
    monkeypatch.setenv("FAIRPRUNE_SECRET", SECRET)
    study = opened(store, crowd=True)
    link = store.open_link(study.id)
    done = store.enter(link, Crowd("zoe", "s", "x")).token
    store.consent(done, True)
    judge_all(store, done)
    store.consent(store.enter(link, Crowd("ann")).token, False)
    found = store.payments(study.id)
    assert [(one.crowd_id, one.state) for one in found] == [("ann", "no_consent"), ("zoe", "completed")]
    assert not [name for name in vars(found[0]) if "judge" in name]
    assert [row.from_crowd for row in store.judge_rows(study.id)] == [True, True]


def test_one_text_is_labelled(store):
    question = {"id": "group", "text": "Who says it?", "answers": ["fresh", "rotten", "mixed", "none"]}
    study = store.create_study("labels", design(task="label", questions=[question], votes_per_item=1))
    store.set_items(study.id, [NewItem("main", Side("wanda", "It was dull."), stratum="wanda")])
    study = store.open_study(study.id)
    token = entered(store, study)
    task = store.next_item(token)
    assert (task.left, task.right) == ("It was dull.", None)
    with pytest.raises(BadInput, match="no answer 'left'"):
        store.record(token, task.key, "group", "left")
    assert store.record(token, task.key, "group", "rotten").finished
    store.close_study(study.id)
    [row] = store.vote_rows(study.id)
    assert (row.answer, row.preferred, row.system_left, row.stratum) == ("rotten", "rotten", "wanda", "wanda")


GROUPS = ["left", "right", "a", "b", "mixed", "none"]
"""Groups may be called as sides are."""


def labelled(store, *items, **more):
    question = {"id": "group", "text": "Who says it?", "answers": GROUPS}
    study = store.create_study("labels", design(task="label", questions=[question], **more))
    store.set_items(study.id, items)
    return store.open_study(study.id)


def test_groups_that_are_called_as_sides_are_labels_like_all_others(store):
    practice = [
        NewItem("practice", Side("p", f"It is {group}."), expected={"group": (group,)}, explanation=group)
        for group in ("a", "left")
    ]
    main = [NewItem("main", Side("wanda", f"Text {number}.")) for number in range(4)]
    study = labelled(store, *practice, *main, votes_per_item=1, items_per_judge=4, repeats_per_judge=2)
    token = entered(store, study)
    for group in ("a", "left"):
        assert store.record(token, store.next_item(token).key, "group", group).right is True
    while isinstance(task := store.next_item(token), Task):
        store.record(token, task.key, "group", "left" if task.left in ("Text 0.", "Text 1.") else "b")
    store.close_study(study.id)
    rows = store.vote_rows(study.id)
    assert all(row.answer == row.preferred for row in rows)
    assert {row.expected for row in rows if row.kind == "practice"} == {("a",), ("left",)}
    assert Counter(row.answer for row in rows if row.kind == "main" and not row.occasion) == {
        "left": 2,
        "b": 2,
    }


def test_a_sentence_of_two_systems_is_asked_once_and_nothing_of_it_is_told(store):
    first = Side("dense", "Dull.", "a" * 16, "g1", 0, "left", 0.75)
    other = Side("wanda 50 %", "Dull.", "b" * 16, "g2", 0, "none", 0.5)
    study = labelled(store, NewItem("main", first, also=(other,)), votes_per_item=1)
    (item,) = store.items(study.id)
    assert item.sides == (first, other) and not item.automatic
    assert store.study_progress(study.id).wanted == 1
    document = json.loads(store.frozen_study(study.id))["items"][0]
    assert document["a"]["predicted"] == "left" and document["also"][0]["confidence"] == 0.5
    assert "Dull." not in json.dumps(document)
    task = store.next_item(entered(store, study))
    told = str(task)
    assert "Dull." in told and not any(
        word in told for word in ("left=None", "wanda", "dense", "0.75", "predicted", "also")
    )
    assert hashlib.sha256(store.frozen_study(study.id).encode()).hexdigest() == study.hash


def test_pairs_have_no_third_text_and_their_document_has_no_word_of_labels(store):
    study = opened(store, n=2)
    assert "predicted" not in store.frozen_study(study.id) and "also" not in store.frozen_study(study.id)
    study = store.create_study("three", design())
    store.set_items(study.id, [NewItem("main", Side("a", "1"), Side("b", "2"), also=(Side("c", "3"),))])
    with pytest.raises(BadInput, match="a third text: a pair is two summaries"):
        store.open_study(study.id)


def test_who_labels_is_told_of_labels_when_no_more_can_be_skipped(store):
    study = labelled(store, *(NewItem("main", Side("w", f"Text {n}.")) for n in range(3)), skips_per_judge=1)
    token = entered(store, study)
    store.skip(token, store.next_item(token).key)
    with pytest.raises(Refused, match="choose the label that fits best"):
        store.skip(token, store.next_item(token).key)


def test_seconds_begin_when_the_task_is_shown(store):
    study = opened(store)
    token = entered(store, study)
    task = store.next_item(token)
    change(store, tasks, tasks.c.key == task.key, shown=now() - timedelta(minutes=5))
    store.record(token, task.key, "fairer", "left")
    store.shown(token, task.key)
    store.shown(token, "0" * 32)
    store.record(token, task.key, "better", "left")
    for wrong in (-1.0, float("nan"), float("inf")):
        with pytest.raises(BadInput, match="seconds are no time"):
            store.record(token, task.key, "better", "left", seconds=wrong)
    store.close_study(study.id)
    seconds = {row.question: row.seconds for row in store.vote_rows(study.id)}
    assert 300 <= seconds["fairer"] < 400 and 0 <= seconds["better"] < 60


def test_a_migration_back_takes_only_the_studies_away(new_database):
    from alembic import command
    from alembic.config import Config

    from fairprune.store import MIGRATIONS

    with open_store(new_database) as store:
        opened(store)
        configuration = Config()
        configuration.set_main_option("script_location", str(MIGRATIONS))
        with store._writer.begin() as connection:
            configuration.attributes["connection"] = connection
            command.downgrade(configuration, "0005")
            names = sa.inspect(connection).get_table_names()
        assert "runs" in names and "studies" not in names
        with pytest.raises(StoreError, match="lacks a table or column"):
            store.studies()
    with open_store(new_database) as store:
        assert store.studies() == [] and store.sets([film_set().id])
