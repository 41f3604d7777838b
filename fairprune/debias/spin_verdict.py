"""Whether SPIN did what it is for, in words: beyond what the model was, and beyond both controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from fairprune.text import counted
from fairprune.uncertainty import DEMONSTRATION, FEW_SAMPLES

Outcome = Literal["works", "partly", "none", "demonstration"]
CONTROLS = ("random", "first-only")
SCALE_FREE = "hsic without scale"
ROUNDING = 1e-9
"""Of a value without scale: states that are all larger or smaller differ by less."""
UNPRUNED = "unpruned"
MEASURED_UNPRUNED = "Measured on the model before pruning"
"""What a verdict on an edit before pruning begins with: neither the edited model nor the controls were pruned then."""
MOST_PERPLEXITY = 1.02
"""Ratio to the model before the edit that is accepted."""


def judge(
    quantities: Sequence[Mapping[str, Any]], titles: Mapping[str, str], measured_on: str = ""
) -> dict[str, Any]:
    """The verdict on quantities of `spin_measures.compare`, with both controls among their systems.

    HSIC is taken at the widths of one model, so that states which only shrink look less dependent: to be met, its form
    without scale must be lower than that of all three, too, by its values.

    A quantity is met where all three paired differences, to the model before and to each control, lie with their whole
    intervals on the better side of 0. All must be met at once, so that no adjustment for several tests is needed. The
    perplexity is met where the upper end of its ratio is at most 1.02. Of fewer than 30 prompts nothing is judged.

    Args:
        titles: 'first' and 'second' → the title of the set.
        measured_on: 'unpruned': the sentence says first that the numbers are not of the pruned model.

    Returns:
        outcome, sentence, and criteria: name, concern, and met (None: too few prompts, or the interval leaves it open); of
        HSIC also falls_without_scale (None: not known).
    """
    free = next((one for one in quantities if one["name"] == SCALE_FREE), None)
    judged = [one for one in quantities if one is not free]
    criteria: list[dict[str, Any]] = [
        {"name": one["name"], "concern": one["concern"], "met": _met(one)} for one in judged
    ]
    shrunk = False
    for row in criteria:
        if row["name"] == "hsic":
            row["falls_without_scale"] = falls = _falls(free)
            shrunk = bool(row["met"]) and falls is False
            if row["met"]:
                row["met"] = falls
    sought = [
        (one, row["met"]) for one, row in zip(judged, criteria, strict=True) if one["name"] != "perplexity"
    ]
    few = [_called(one, titles) for one, _ in sought if _n(one) < FEW_SAMPLES]
    met = [_called(one, titles) for one, is_met in sought if is_met]
    unmet = [_called(one, titles) for one, is_met in sought if not is_met and _n(one) >= FEW_SAMPLES]
    said = [_cost(next(one for one in quantities if one["name"] == "perplexity"))]
    if shrunk:
        said.append(
            "HSIC falls at fixed widths alone, not in its form without scale, as where states only shrink."
        )
    if few and len(few) < len(sought):
        said.append(f"Measured on fewer than {FEW_SAMPLES} prompts, and not judged: {_listed(few)}.")
    outcome: Outcome
    if len(few) == len(sought):
        outcome, n = "demonstration", max((_n(one) for one, _ in sought), default=0)
        verdict = f"{DEMONSTRATION.capitalize()}: {counted(n, 'prompt')} measured in a set, at least {FEW_SAMPLES} are needed."
    elif not met:
        outcome = "none"
        verdict = f"No effect beyond the controls: none of {_listed(unmet)} moves as sought further than with both controls."
    else:
        outcome = "works" if all(row["met"] for row in criteria) else "partly"
        rest = f", but not in {_listed(unmet)}" if unmet else ""
        verdict = f"An effect beyond both controls in {_listed(met)}{rest}."
    sentence = " ".join([verdict, *said])
    return {
        "outcome": outcome,
        "sentence": of_unpruned(sentence) if measured_on == UNPRUNED else sentence,
        "criteria": criteria,
    }


def of_unpruned(sentence: str) -> str:
    """The sentence of a verdict with where it was measured before it, unless it says so already."""
    if sentence.startswith(MEASURED_UNPRUNED):
        return sentence
    return f"{MEASURED_UNPRUNED}: {sentence[:1].lower()}{sentence[1:]}"


def _n(one: Mapping[str, Any]) -> int:
    return int(one["differences"]["before"]["n"])


def _met(one: Mapping[str, Any]) -> bool | None:
    """Whether a quantity moved as sought; None where nothing shows it either way."""
    cells = [one["differences"]["before"]]
    if one["name"] != "perplexity":
        cells += [one["differences"][name] for name in CONTROLS]
    if _n(one) < FEW_SAMPLES or any(cell["low"] is None for cell in cells):
        return None
    if one["name"] == "perplexity":
        ratio = cells[0]
        within, beyond = ratio["high"] <= MOST_PERPLEXITY, ratio["low"] > MOST_PERPLEXITY
        return None if not within and not beyond else within
    if one["better"] == "higher":
        return all(cell["low"] > 0 for cell in cells)
    return all(cell["high"] < 0 for cell in cells)


def _falls(free: Mapping[str, Any] | None) -> bool | None:
    """Whether HSIC without scale is lower than before and than with each control; None where it has no value."""
    if free is None:
        return None
    values = [free["differences"][name]["value"] for name in ("before", *CONTROLS)]
    return None if any(value is None for value in values) else all(value < -ROUNDING for value in values)


def _called(one: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    name = "HSIC" if one["name"] == "hsic" else str(one["name"])
    return f"{name} ({titles[one['concern']]})" if one["concern"] else name


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _cost(perplexity: Mapping[str, Any]) -> str:
    ratio = perplexity["differences"]["before"]
    if ratio["value"] is None:
        return "The perplexity could not be measured."
    ends = "" if ratio["low"] is None else f" [{ratio['low']:.3f}, {ratio['high']:.3f}]"
    return f"Perplexity of general text: {ratio['value']:.3f}{ends} times that before; at most {MOST_PERPLEXITY:g} is sought."
