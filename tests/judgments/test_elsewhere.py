"""Votes of a file become a study, and what the file does not say is listed."""

import json
from dataclasses import replace

import pytest

from fairprune.errors import BadInput
from fairprune.judgments.bias import exclusions
from fairprune.judgments.closed import metric_values, read_closed
from fairprune.judgments.closed_files import raw_file, raw_rows, read_elsewhere
from fairprune.judgments.elsewhere import IMPORTED, brought
from fairprune.judgments.importing import Read, read_file
from fairprune.judgments.potato import potato_of
from fairprune.judgments.report_file import methods_text, report_html
from fairprune.judgments.results import flow_in, results_of, trust_all
from fairprune.judgments.votes import Vote
from fairprune.judgments.wins import win_rates
from fairprune.store import open_store
from tests.closed import study_of_pairs

BATTLES = (
    b"model_a,model_b,winner,judge\ndense,wanda,model_a,ann\nwanda,dense,model_b,ann\ndense,wanda,tie,ben\n"
)


@pytest.fixture(scope="module")
def filled():
    with open_store("sqlite://") as store:
        yield store, study_of_pairs(store)


def keep(store, read, name, data, title="Of elsewhere", **more):
    stored = store.judged_sets(vote.sample for vote in read.votes if vote.sample)
    found = brought(read, name, data, stored=stored, **more)
    return store.study(store.import_study(title, found.design, found.items, found.judges, found.votes)), found


def test_our_own_rows_are_analysed_the_same_once_they_are_stored(filled):
    store, study = filled
    closed = read_closed(store, study)
    data = raw_file(closed, "jsonl")
    made, found = keep(store, read_elsewhere("votes.jsonl", data, "fairer"), "votes.jsonl", data)
    back = read_closed(store, made)
    assert back.imported and back.promise is None and len(back.votes) == len(closed.votes)
    assert back.ties() == [] and {one.state for one in back.judges} == {"completed", "failed", "active"}
    # the same judges fall under the same rules, and the same strengths come out of the same votes
    names = {}

    def in_order(votes):
        return sorted(votes, key=lambda one: (one.judge, one.position, one.question))

    for old, new in zip(in_order(closed.votes), in_order(back.votes), strict=True):
        names[old.judge] = new.judge
        assert (old.answer, old.kind, old.question, old.seconds, old.sample) == (
            new.answer,
            new.kind,
            new.question,
            new.seconds,
            new.sample,
        )
    rules = closed.promise[0].rules
    assert [(names[one.judge], one.rule, one.detail) for one in exclusions(closed.votes, rules)] == [
        (one.judge, one.rule, one.detail) for one in exclusions(back.votes, rules)
    ]
    old, new = (
        results_of(replace(one, promise=None, items=()), resamples=50).selections["all"].questions["fairer"]
        for one in (closed, back)
    )
    assert [(one.system, one.strength.value) for one in old.ranking.strengths] == [
        (one.system, pytest.approx(one.strength.value)) for one in new.ranking.strengths
    ]
    assert old.sides.left == new.sides.left and old.consistency.same.value == new.consistency.same.value
    assert "how long" not in " ".join(found.missing) and "stood left" not in " ".join(found.missing)
    # it leaves again as it came
    again = read_file("v.jsonl", raw_file(back, "jsonl"), made.id)
    assert len(again.votes) == len(back.votes) and again.runs == closed.runs
    assert again.states == {
        one.judge: one.state for one in back.judges if any(v.judge == one.judge for v in back.votes)
    }


def test_battles_know_neither_times_nor_sides(filled):
    store, _ = filled
    made, found = keep(store, read_elsewhere("battles.csv", BATTLES, "better"), "battles.csv", BATTLES)
    told = " | ".join(found.missing)
    for part in (
        "how many people came",
        "how long 3 votes of 3 took",
        "which system stood left, of 3 votes of 3",
        "how the judges' parts ended",
        "which opinions 3 items of 3 are of: each counts as a sample of its own",
        "what the summaries say",
        "which run wrote the summaries of dense, wanda",
    ):
        assert part in told
    closed = read_closed(store, made)
    assert made.design[IMPORTED]["file"] == "battles.csv" and closed.questions == {"better": "better"}
    assert [(vote.judge, vote.sided, vote.seconds) for vote in closed.votes] == [
        ("J001", False, None),
        ("J001", False, None),
        ("J002", False, None),
    ]
    results = results_of(closed, resamples=50)
    both = results.selections["all"].questions["better"]
    assert both.sides.p_exact is None and "not known" in both.sides.share.why and results.n_timed == 0
    # dense won both of its battles, on whichever side it stood
    assert [(one.system_a, one.a, one.tie, one.b) for one in both.tally] == [("dense", 2, 1, 0)]
    flow = flow_in(closed, results.rules)
    assert (flow.arrived, flow.unknown, flow.judged) == (None, 2, 2)
    text = methods_text(closed, flow)
    assert "collected elsewhere" in text and "Not known: how many people came" in text
    assert made.design[IMPORTED]["sha256"] in text
    metrics = metric_values(store, closed)
    assert metrics == [] and "not known here" in trust_all(results, "better", metrics)["all"]
    page = report_html(closed, results, trust_all(results, "better", metrics))
    assert "The file" in page and made.hash in page and "Opened the link" not in page
    assert {row["judge_state"] for row in raw_rows(closed)[0]} == {"unknown"}
    assert {row["sides"] for row in raw_rows(closed)[0]} == {"not known"}


def test_items_of_a_study_that_were_judged_elsewhere_keep_their_texts_and_runs(filled):
    store, study = filled
    closed = read_closed(store, study)
    data = "\n".join(
        json.dumps(
            {
                "instance_id": json.loads(line)["id"],
                "user_id": f"u{user}",
                "labels": {"fairer": {"selection": "A"}},
            }
        )
        for user in range(3)
        for line in potato_of(closed).items_file.decode().splitlines()
    ).encode()
    read = read_elsewhere("annotations.jsonl", data, "fairer", closed)
    before = win_rates(store, store.studies())
    made, found = keep(store, read, "annotations.jsonl", data, questions=closed.questions, items=closed.items)
    back = read_closed(store, made)
    assert back.summaries.items() <= closed.summaries.items() and len(back.items) == 20
    assert back.questions == {"fairer": closed.questions["fairer"]} and back.runs == closed.runs
    assert not any("summaries" in one for one in found.missing)
    names = {one.name for one in metric_values(store, back) if not one.baseline}
    assert names == {one.name for one in metric_values(store, closed) if not one.baseline}
    # and yet they are no votes of ours: no number of a run counts them
    assert win_rates(store, store.studies()) == before


def vote(judge="j", item="i", answer="left", **more):
    values = {"system_left": "dense", "system_right": "wanda", **more}
    return Vote(
        "s",
        judge,
        item,
        more.pop("question", "fairer"),
        answer=answer,
        **{k: v for k, v in values.items() if k != "question"},
    )


def test_repeats_and_checks_find_their_items():
    votes = (
        vote(item="i1"),
        vote(item="i1", question="better"),
        vote(
            item="i1~1",
            kind="repeat",
            repeat_of="i1",
            system_left="wanda",
            system_right="dense",
            answer="right",
        ),
        vote(item="i1~2", kind="repeat", repeat_of="i1"),
        vote(item="at", kind="attention", expected=("right",)),
        vote("k", "at", kind="attention", expected=("left",), system_left="wanda", system_right="dense"),
        vote("k", "i1", system_left="magnitude"),
    )
    found = brought(Read(votes), "v.csv", b"x")
    assert [(one.item, one.occasion, one.swapped) for one in found.votes] == [
        (0, 0, False),
        (0, 0, False),
        (0, 1, True),
        (0, 2, False),
        (1, 0, False),
        (1, 0, True),
        (2, 0, False),
    ]
    # one id with another pair of systems is another item
    assert [(one.name, one.a.system, one.b.system) for one in found.items] == [
        ("i1", "dense", "wanda"),
        ("at", "dense", "wanda"),
        ("i1", "magnitude", "wanda"),
    ]
    assert found.items[1].expected == {"fairer": ("b",)}
    assert [one["id"] for one in found.design["questions"]] == ["fairer", "better"]


def test_what_contradicts_itself_is_refused():
    with pytest.raises(BadInput, match="judge 'j' is of two groups, 'left' and None"):
        brought(Read((vote(group="left"), vote(item="i2"))), "v.csv", b"")
    check = {"kind": "attention", "item": "at"}
    with pytest.raises(BadInput, match="attention item 'at' has two right answers to question 'fairer'"):
        brought(
            Read((vote(), vote(**check, expected=("left",)), vote("k", **check, expected=("tie",)))),
            "v.csv",
            b"",
        )
    with pytest.raises(BadInput, match="holds no vote on an item"):
        brought(Read((vote(kind="practice"),)), "v.csv", b"")
