"""Closed studies with made-up judges, stored through the store's own interface: for the tests of what a closed study says."""

from __future__ import annotations

import random
from typing import Any

from fairprune.judgments.bias import Rules
from fairprune.judgments.brief import brief_of
from fairprune.judgments.building import save
from fairprune.judgments.frozen import DIGEST, REGISTERED, Analysis, Design, Hypothesis, System, freeze
from fairprune.judgments.registering import open_registered
from fairprune.judgments.wording import wording
from fairprune.opinions import OpinionSet
from fairprune.store import Run, Store
from fairprune.store.judgments_values import Ended, NewItem, Side, Study, Task
from tests.judged import special
from tests.pages.filled import fill, make_set, spec

WORDS = wording("proportional").questions
SYSTEMS = ("dense", "wanda 50 %", "magnitude 50 %")
GROUPS = ("left-leaning", "right-leaning")
HOSTILE = "<img src=x onerror=alert(1)>"
FILMS: tuple[OpinionSet, ...] = tuple(
    make_set(
        f"film {i}",
        [
            (f"The acting of number {i} was great and warm.", "fresh"),
            (f"The plot of number {i} was boring and slow.", "rotten"),
        ],
    )
    for i in range(8)
)


def runs_of(store: Store) -> dict[str, Run]:
    """A wanda and a magnitude run of the same films, done."""
    found = {}
    for method in ("wanda", "magnitude"):
        texts = {
            "dense": [f"The acting of {i} was great, the plot was boring." for i in range(8)],
            "pruned": [
                f"The acting of {i} was great."
                if method == "wanda" or i % 2
                else f"The plot of {i} was boring, by {method}."
                for i in range(8)
            ],
        }
        chosen = spec(pruning={"method": method, "sparsity": 0.5}, evaluation={"samples": 8})
        found[method] = fill(store, chosen, sets=FILMS, texts=texts)
    return found


def side(store: Store, run: Run, system: str, position: int) -> Side:
    kind = "dense" if system == "dense" else "pruned"
    generation = f"{run.id}-{kind}"
    text = next(row.text for row in store.summaries(generation) if row.position == position)
    return Side(system, text, run.id, generation, position)


def registered(runs: dict[str, Run], **more: Any) -> Design:
    systems = (
        System(name="dense", run=runs["wanda"].id, summaries="dense"),
        System(name=SYSTEMS[1], run=runs["wanda"].id, summaries="pruned"),
        System(name=SYSTEMS[2], run=runs["magnitude"].id, summaries="pruned"),
    )
    values: dict[str, Any] = {
        "title": f"Who is heard? {HOSTILE}",
        "standard": "proportional",
        "texts": WORDS,
        "systems": systems,
        "pairs": ((SYSTEMS[0], SYSTEMS[1]), (SYSTEMS[0], SYSTEMS[2]), (SYSTEMS[1], SYSTEMS[2])),
        "samples": tuple(sorted(one.id for one in FILMS)),
        "items": 20,
        "automatic_ties": 4,
        "votes_per_item": 4,
        "attention": 2,
        "repeats": 1,
        "rules": Rules(least_seconds=2.0),
        "hypotheses": (
            Hypothesis(text="Dense is fairer than wanda.", first="dense", second=SYSTEMS[1], sides="one"),
            Hypothesis(text="Wanda and magnitude differ.", first=SYSTEMS[1], second=SYSTEMS[2]),
        ),
        "analysis": Analysis(resamples=200, reference="dense"),
        **more,
    }
    return Design(**values)


def study_of_pairs(
    store: Store, *, promise: bool = True, close: bool = True, judges: int = 12, **more: Any
) -> Study:
    """Every two of three systems on eight films: 20 items asked, 4 with the same texts.

    Judges prefer 'dense' mostly; the last one answers attention items wrong and is stopped, another one stops in the middle, one
    is quick; one gives no consent.
    """
    runs = runs_of(store)
    made = registered(runs, **more)
    design: dict[str, Any] = {
        "public_title": "Summaries of films",
        "questions": [
            *({"id": name, "text": text} for name, text in WORDS.items()),
            {"id": "sure", "text": "How sure?", "answers": ["not at all", "very"]},
        ],
        "votes_per_item": 4,
        "items_per_judge": 10,
        "repeats_per_judge": 1,
        "groups": {"question": "You?", "quotas": dict.fromkeys(GROUPS)},
    }
    if promise:
        frozen = freeze(made)
        design |= {REGISTERED: frozen.text, DIGEST: frozen.digest}
    study = store.create_study(made.title, design)
    items = [
        special("attention", f"attention {n}", expected={"fairer": ("a",), "better": ("a",)}, after=after)
        for n, after in enumerate((2, 4))
    ]
    run = {"dense": runs["wanda"], SYSTEMS[1]: runs["wanda"], SYSTEMS[2]: runs["magnitude"]}
    items += [
        NewItem("main", side(store, run[a], a, i), side(store, run[b], b, i), one.id)
        for i, one in enumerate(FILMS)
        for a, b in made.pairs
    ]
    store.set_items(study.id, items)
    study = store.open_study(study.id)
    link = store.open_link(study.id)
    store.consent(store.enter(link).token, False)
    for number in range(judges):
        judge(store, link, number, careless=number == 1, leaves=number == 2, quick=number == 3)
    return store.close_study(study.id) if close else study


def judge(store: Store, link: str, number: int, *, careless: bool, leaves: bool, quick: bool) -> None:
    """One made-up judge, from coming in to the end."""
    rng = random.Random(number)
    token = store.enter(link).token
    store.consent(token, True)
    store.choose_group(token, GROUPS[number % 2])
    for step_number in range(100):
        step = store.next_item(token)
        if isinstance(step, Ended) or not isinstance(step, Task):
            if not isinstance(step, Ended):
                store.finish_waiting(token)
            return
        if leaves and step_number == 4:
            return
        for question in step.open_questions:
            answer = "very" if question == "sure" else taste(step, rng, careless)
            seconds = 0.5 if quick else 8 + 10 * rng.random()
            found = store.record(
                token, step.key, question, answer, seconds=seconds, comment=HOSTILE if number == 0 else ""
            )
            if found.ended is not None:
                return


def taste(task: Task, rng: random.Random, careless: bool) -> str:
    """The side that speaks of acting and of plot, or the good one; now and then something else."""
    right = task.right or ""
    if "attention" in task.left:
        good = "good" in task.left
        return "left" if good != careless else "right"
    both = ["great" in text and "boring" in text for text in (task.left, right)]
    if rng.random() < 0.25:
        return rng.choice(["tie", "both_unfair", "left", "right"])
    if both[0] != both[1]:
        return "left" if both[0] else "right"
    return rng.choice(["left", "right", "tie"])


def label_study(store: Store, **more: Any) -> Study:
    """A draft as a lead plans it: eight sentences of the dense model and of its wanda-pruned one."""
    values: dict[str, Any] = {
        "task": "label",
        "title": f"Whom does it speak for? {HOSTILE}",
        "runs": (runs_of(store)["wanda"].id,),
        "sentences": 8,
        "votes_per_item": 3,
        "items_per_judge": 16,
        "attention": 2,
        "repeats": 1,
        "practice": 1,
        "margin": 0.1,
    }
    return save(store, None, brief_of({**values, **more}))


def study_of_labels(store: Store, *, close: bool = True, judges: int = 3, **more: Any) -> Study:
    """Sentences labelled as their words say; the third judge is quick and says that they speak for nobody."""
    study = open_registered(store, label_study(store, **more).id)
    link = store.open_link(study.id)
    for number in range(judges):
        label(store, link, number)
    return store.close_study(study.id) if close else study


def label(store: Store, link: str, number: int) -> None:
    """One made-up judge of sentences, from coming in to the end."""
    token = store.enter(link).token
    store.consent(token, True)
    if store.judge(token).needs_group:
        store.choose_group(token, ("fans", "others")[number % 2])
    while isinstance(step := store.next_item(token), Task):
        checks = step.practice or step.comprehension or "please answer" in step.left
        said = "none" if number == 2 and not checks else label_of(step.left)
        seconds = 1.0 if number == 2 else 4.0
        store.record(token, step.key, "group", said, seconds=seconds, comment=HOSTILE if number == 0 else "")


def label_of(text: str) -> str:
    """What a careful judge says of these sentences."""
    for asked, found in (("“No group”", "none"), ("“Several groups”", "mixed"), ("while others", "mixed")):
        if asked in text:
            return found
    great, boring = "great" in text, "boring" in text
    return "mixed" if great and boring else "fresh" if great else "rotten" if boring else "none"
