"""From a lead's brief and stored runs to a draft: the design as the store keeps it, and the items.

brief + material → built (design, items, facts) → a draft → preview → registered and opened (`registering`)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fairprune.errors import BadInput, FairpruneError
from fairprune.judgments import design as drawing
from fairprune.judgments.brief import RATINGS, Brief
from fairprune.judgments.checks import (
    ASKED_FOR,
    ASKED_FOR_LABELS,
    attention,
    comprehension,
    label_practice,
    practice,
)
from fairprune.judgments.facts import BRIEF, POWER, Facts, assumptions_of, brief_in, facts_of, power_in
from fairprune.judgments.frozen import System
from fairprune.judgments.labelling import LABEL
from fairprune.judgments.material import Material, Source, material_of
from fairprune.judgments.power import SIMULATIONS, power
from fairprune.judgments.registering import (
    CLASSIFIER,
    DRAWN,
    GROUPS,
    PAIRS,
    attention_told,
    register,
)
from fairprune.judgments.texts import ASSISTANTS, named, seen
from fairprune.judgments.wording import Wording, label_wording, wording
from fairprune.labels.sentences import MIXED, NONE
from fairprune.opinions import OpinionSet
from fairprune.store import Store
from fairprune.store.judgments_values import NewItem, Side, Study


@dataclass(frozen=True)
class Built:
    """A study that can be stored as a draft."""

    design: dict[str, Any]
    items: tuple[NewItem, ...]
    facts: Facts


def build(brief: Brief, material: Material) -> Built:
    """The design and the items of a brief. The same brief and runs give the same.

    Raises:
        BadInput: what cannot be, and what can.
    """
    label = brief.task == "label"
    main = _sentences(brief, material) if label else _pairs(brief, material)
    facts = facts_of(brief, main)
    per_judge = min(brief.items_per_judge, max(1, facts.asked))
    spare = _spare(material, {item.set_id for item in main}, brief.seed)
    words = label_wording(material.groups) if label else wording(brief.standard)
    checks = [
        *(
            label_practice(spare, brief.practice)
            if label
            else practice(spare, brief.standard, brief.practice)
        ),
        *([comprehension(words)] if brief.comprehension else []),
        *attention(
            spare,
            (LABEL,) if label else brief.questions,
            brief.attention,
            per_judge,
            ASKED_FOR_LABELS if label else ASKED_FOR,
        ),
    ]
    used = {side.system for item in main for side in item.sides}
    systems = [source.system for source in material.sources if source.system.name in used]
    design = _design(brief, words, systems, per_judge)
    if label:
        design["questions"][0]["answers"] = [*material.groups, MIXED, NONE]
        design |= _drawn_from(material)
    register(
        brief.title, design, (*checks, *main)
    )  # a hypothesis about a system that is not compared is refused now
    return Built(design, (*checks, *main), facts)


def _pairs(brief: Brief, material: Material) -> list[NewItem]:
    """Every pair of systems that is compared, on the samples that were drawn."""
    candidates = material.candidates
    if brief.samples > len(candidates):
        left = (
            f", for {material.incomplete} lack a summary by one of the systems" if material.incomplete else ""
        )
        raise BadInput(
            f"{brief.samples} samples are asked for, but {len(candidates)} can be drawn{left}: ask for fewer"
        )
    drawn = drawing.draw_samples(candidates, brief.samples, brief.seed)
    stratum = {one.id: one.stratum for one in drawn}
    items = drawing.draw_items(pairs_of(brief, material), list(stratum), brief.items, brief.seed)
    sources = {source.system.name: source for source in material.sources}
    names = (*material.names, *ASSISTANTS)

    def side(system: str, sample: str) -> Side:
        source = sources[system]
        position, text = source.texts[sample]
        return Side(system, text, source.system.run, source.generation_id, position)

    main = []
    for item in items:
        a, b = side(item.system_a, item.sample), side(item.system_b, item.sample)
        main.append(
            NewItem("main", a, b, item.sample, stratum=stratum[item.sample], flags=_flags((a, b), names))
        )
    return main


def _sentences(brief: Brief, material: Material) -> list[NewItem]:
    """As many sentences of each system, of samples of which all have a summary; what several wrote of the same opinions is asked once."""
    samples = {one.id for one in material.candidates}
    rows: dict[str, dict[str, tuple[str, Side]]] = {}
    for source in material.sources:
        rows[source.system.name] = {
            f"{sample} {place:04}": (sample, _sentence(source, sample, one))
            for sample, found in source.labels.items()
            if sample in samples
            for place, one in enumerate(found)
        }
    candidates = {
        system: [drawing.Candidate(key, side.predicted or "") for key, (_, side) in own.items()]
        for system, own in rows.items()
    }
    together: dict[tuple[str, str], list[Side]] = {}
    for system, chosen in drawing.draw_sentences(candidates, brief.sentences, brief.seed).items():
        for one in chosen:
            sample, side = rows[system][one.id]
            together.setdefault((sample, seen(side.text)), []).append(side)
    names = (*material.names, *ASSISTANTS)
    return [
        NewItem("main", first, None, sample, flags=_flags((first,), names), also=tuple(others))
        for (sample, _), (first, *others) in sorted(together.items(), key=lambda found: found[0])
    ]


def _sentence(source: Source, sample: str, one: tuple[str, str, float]) -> Side:
    text, label, confidence = one
    return Side(
        source.system.name,
        text,
        source.system.run,
        source.generation_id,
        source.texts[sample][0],
        label,
        confidence,
    )


def _drawn_from(material: Material) -> dict[str, Any]:
    """What the promise needs besides the items: how many sentences there were to draw from, by whom, and who belongs together."""
    samples = {one.id for one in material.candidates}
    there = Counter(
        (source.system.name, label)
        for source in material.sources
        for sample, found in source.labels.items()
        if sample in samples
        for _, label, _ in found
    )
    return {
        GROUPS: list(material.groups),
        CLASSIFIER: material.classifier,
        PAIRS: [list(pair) for pair in material.own.items()],
        DRAWN: [
            {"system": system, "predicted": label, "of": n} for (system, label), n in sorted(there.items())
        ],
    }


def pairs_of(brief: Brief, material: Material) -> list[tuple[str, str]]:
    """Which systems are compared.

    Raises:
        BadInput: there are not two.
    """
    names = [source.system.name for source in material.sources]
    pairs = list(material.own.items()) if brief.pairs == "dense" else drawing.all_pairs(names)
    if not pairs:
        raise BadInput("there is one system alone: choose another run, or the dense model beside it")
    return pairs


def _flags(shown: Sequence[Side], names: Sequence[str]) -> tuple[str, ...]:
    found = dict.fromkeys(name for side in shown for name in named(side.text, names))
    return tuple(f"a text holds {name!r}" for name in found)


def _spare(material: Material, drawn: set[str | None], seed: int) -> list[OpinionSet]:
    """All opinion sets in an order of chance; those that no judge sees in a main item first."""
    keys = sorted(material.sets)
    order = [keys[i] for i in np.random.default_rng(seed).permutation(len(keys))]
    return [material.sets[key] for key in sorted(order, key=lambda key: key in drawn)]


def _design(brief: Brief, words: Wording, systems: Sequence[System], per_judge: int) -> dict[str, Any]:
    asked = words.questions if brief.task == "label" else brief.questions
    questions: list[dict[str, Any]] = [{"id": name, "text": words.questions[name]} for name in asked]
    for rating in brief.ratings:
        text, steps = RATINGS[rating]
        questions.append({"id": rating, "text": text, "answers": list(steps)})
    value: dict[str, Any] = {
        "task": brief.task,
        "public_title": brief.public_title,
        **({"standard": brief.standard} if brief.task == "pair" else {}),
        "introduction": brief.introduction,
        "consent": brief.consent,
        "codebook": [*words.codebook, *([attention_told(brief)] if brief.attention else [])],
        "contact": brief.contact,
        "minutes": brief.minutes,
        "pay": brief.pay,
        "questions": questions,
        "votes_per_item": brief.votes_per_item,
        "items_per_judge": per_judge,
        "repeats_per_judge": min(brief.repeats, per_judge),
        "attention_tries": brief.rules.attention_failures or 2,
        "max_judges": brief.max_judges,
        "crowd": brief.crowd,
        "codes": {end: one.model_dump() for end, one in brief.codes.items() if one.code or one.redirect},
        "opens": brief.opens,
        "closes": brief.closes,
        "systems": [system.model_dump() for system in systems],
        BRIEF: brief.model_dump(mode="json"),
    }
    if brief.quotas:
        question = brief.group_question or "Which of these describes you best?"
        value["groups"] = {"question": question, "quotas": dict(brief.quotas)}
    return value


# Drafts


def save(store: Store, study_id: str | None, brief: Brief) -> Study:
    """Stores the draft of a brief: a new one, or in place of what this draft was. Items that were left out by hand stay left out.

    Raises:
        BadInput: as `build` and the store's own rules. Refused: the study has been opened.
    """
    built = build(brief, material_of(store, brief.runs, dense=brief.dense, labelled=brief.task == "label"))
    if study_id is None:
        study = store.create_study(brief.title, built.design)
        try:
            store.set_items(study.id, built.items)
        except FairpruneError:
            store.delete_study(study.id)  # half a draft is none
            raise
        return store.study(study.id)
    old = store.study(study_id)
    out = {_key(item) for item in store.items(study_id) if item.excluded}
    kept = [replace(item, excluded=_key(item) in out) for item in built.items]
    design = dict(built.design)
    found = power_in({**design, POWER: old.design.get(POWER)}, kept)
    if found is not None:
        design[POWER] = found
    store.edit_study(study_id, title=brief.title, design=design)
    store.set_items(study_id, kept)
    return store.study(study_id)


def _key(item: NewItem) -> tuple[str, str | None, str, str]:
    """What an item is about, whatever its id. A sentence may have been drawn of more systems this time."""
    if item.b is None:
        return item.kind, item.set_id, "", item.a.text
    return item.kind, item.set_id, item.a.system, item.b.system


# Power


def simulate_power(store: Store, study: Study, *, simulations: int = SIMULATIONS) -> Study:
    """The power of a draft as it is stored, kept in its design with its interval.

    Raises:
        BadInput: a plan that cannot be simulated. Refused: the study has been opened.
    """
    brief = brief_in(study.design)
    if brief is None:
        raise BadInput("this draft was not made here: its power is not known")
    found = power(assumptions_of(brief, facts_of(brief, store.items(study.id))), simulations=simulations)
    value = {
        "assumptions": found.assumptions.model_dump(mode="json"),
        "power": found.power,
        "low": found.low,
        "high": found.high,
        "simulations": found.simulations,
        "width": found.width,
    }
    return store.edit_study(study.id, design={**study.design, POWER: value})
