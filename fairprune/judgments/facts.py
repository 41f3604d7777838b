"""What the items of a plan come to: how many are asked, how even they are, whom they need, and what power is simulated with."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fairprune.errors import BadInput
from fairprune.judgments import design as drawing
from fairprune.judgments.brief import Brief, brief_of
from fairprune.judgments.power import Assumptions
from fairprune.spec import parse_part
from fairprune.store.judgments_values import NewItem

BRIEF, POWER = "brief", "power"
"""Keys of a design that the store keeps unread: the lead's brief, the simulated power."""


@dataclass(frozen=True)
class Facts:
    """What a plan comes to. Numbers speak of main items that are not left out."""

    asked: int
    automatic: int
    """Items whose two texts a reader cannot tell apart: ties that nobody is asked about."""
    excluded: int
    flagged: int
    """Items whose text names a model or a method, left out or not."""
    strata: Mapping[str, int]
    """Composition of the opinions → samples of it."""
    balance: drawing.Balance | None
    """None: there is no item to ask, or sentences are labelled."""
    n_systems: int
    drawn: Mapping[tuple[str, str], int]
    """Of labels: (system, what the classifier said) → sentences that are asked; empty of pairs."""
    votes: int
    judges: int
    """Judges needed, each with as many items as one gets at most."""


def facts_of(brief: Brief, items: Sequence[NewItem]) -> Facts:
    """What these items come to; of a draft some may be left out by hand."""
    main = [item for item in items if item.kind == "main"]
    kept = [item for item in main if not item.excluded]
    asked = [item for item in kept if not item.automatic]
    votes = len(asked) * brief.votes_per_item
    per_judge = max(1, min(brief.items_per_judge, len(asked)))
    label = brief.task == "label"
    balance = drawing.balance([plain(item) for item in asked]) if asked and not label else None
    return Facts(
        asked=len(asked),
        automatic=len(kept) - len(asked),
        excluded=len(main) - len(kept),
        flagged=sum(bool(item.flags) for item in main),
        strata=dict(sorted(Counter({item.set_id: item.stratum for item in kept}.values()).items())),
        balance=balance,
        n_systems=len({side.system for item in asked for side in item.sides}),
        drawn=Counter((side.system, side.predicted or "") for item in asked for side in item.sides if label),
        votes=votes,
        judges=max(brief.votes_per_item, math.ceil(votes / per_judge)) if asked else 0,
    )


def plain(item: NewItem) -> drawing.Item:
    """The item as the design knows it: sample, and its systems by the alphabet."""
    a, b = sorted((item.a.system, item.b.system if item.b else ""))
    return drawing.Item("", item.set_id or "", a, b)


def brief_in(design: Mapping[str, Any]) -> Brief | None:
    """The brief of a draft; None: it was made otherwise."""
    value = design.get(BRIEF)
    return brief_of(value) if isinstance(value, dict) else None


def assumptions_of(brief: Brief, facts: Facts) -> Assumptions:
    """What the plan's power is simulated with: the plan itself, and what is assumed of judges.

    Raises:
        BadInput: a plan too small to be simulated.
    """
    if brief.task == "label":
        raise BadInput(
            "the power of labels is not simulated: how wide their intervals get follows from how many there are"
        )
    if facts.balance is None:
        raise BadInput("there is no item to ask: choose samples whose summaries differ")
    judges = facts.judges if brief.max_judges is None else min(facts.judges, brief.max_judges)
    samples = facts.asked if facts.n_systems == 2 else max(2, brief.samples)
    star = brief.pairs == "dense"
    pairs = facts.n_systems - 1 if star else facts.n_systems * (facts.n_systems - 1) // 2
    return parse_part(
        Assumptions,
        {
            "judges": judges,
            "samples": samples,
            "votes_per_item": brief.votes_per_item,
            "systems": facts.n_systems,
            "items": min(facts.asked, pairs * samples),
            "star": star,
            "alpha": brief.alpha,
            **brief.assumed.model_dump(),
        },
    )


def power_in(design: Mapping[str, Any], items: Sequence[NewItem]) -> dict[str, Any] | None:
    """The stored power, where it was simulated with the plan as it is now; None: it has to be simulated (again)."""
    value, brief = design.get(POWER), brief_in(design)
    if not value or brief is None:
        return None
    try:
        now = assumptions_of(brief, facts_of(brief, items)).model_dump(mode="json")
    except BadInput:
        return None
    return dict(value) if value["assumptions"] == now else None
