"""The rows of `benchmarks.debias` as Markdown, written between two marks of docs/debias.md. Without torch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.debias_cells import MISSING, cell, made, null_text, over_seeds, shared_text, table
from benchmarks.debias_outcome_table import outcome_tables

DOCS = Path(__file__).parents[1] / "docs" / "debias.md"
BEGIN, END = "<!-- numbers: begin -->", "<!-- numbers: end -->"
Rows = Mapping[str, Mapping[str, Any]]
"""Name of a row → the row."""
SYSTEMS = {
    "dense": "dense",
    "before": "pruned",
    "edited": "pruned + SPIN",
    "random": "control: random",
    "first-only": "control: first set alone",
}
LISTS = {"group": "group words", "control": "control words"}
SPIN_LIMIT, COLLAPSE_LIMIT, PERPLEXITY_LIMIT = 2.0, 1.3, 1.02


def all_tables(rows: Rows) -> list[str]:
    """What stands in the documentation; a part without rows is left out."""
    parts = [
        *_toys(rows),
        *_spin(rows),
        *_collapse(rows),
        *outcome_tables(_of(rows, "outcome/")),
        *_denp(rows),
        *_speed(rows),
    ]
    return [line for part in parts for line in (*part, "")][:-1]


def write(lines: Sequence[str], path: Path = DOCS) -> None:
    """Puts the tables between the two marks."""
    text = path.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise SystemExit(f"{path} has no section between {BEGIN} and {END}: write the marks first")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    path.write_text(before + BEGIN + "\n\n" + "\n".join(lines) + "\n\n" + END + after, encoding="utf-8")


def _of(rows: Rows, start: str) -> list[Mapping[str, Any]]:
    return [row for name, row in rows.items() if name.startswith(start)]


# The toys ---------------------------------------------------------------------------------------------------


def _toys(rows: Rows) -> Iterator[list[str]]:
    classifier = [row["found"] for row in _of(rows, "toys/classifier/")]
    if classifier:
        yield ["### The toys"]
        names = ("dense confidence", "accumulated confidence")
        values = {f"AUROC of {name}": [one["auroc"][name] for one in classifier] for name in names}
        values["the same, first path alone"] = [one["by path"][0] for one in classifier]
        values |= {
            f"worst of four groups, {name}": [one["worst"][name] for one in classifier]
            for name in classifier[0]["worst"]
        }
        yield [
            "Classifier with a shortcut: AUROC of 1 − confidence for 'conflicting' (2,000 training points, about 100 conflicting), "
            "accuracy of the worst of four groups of test points (4,000, about 1,000 in each). Each seed, then mean with its t interval "
            "over seeds.",
            "",
            *_seeds_table(values, [one["seed"] for one in classifier]),
            "",
            _accepted([one["split"]["accepted"] for one in classifier])
            + " Where it is refused, what its weights would do is shown all the same."
            + _alone(classifier),
        ]
    language = [row["found"] for row in _of(rows, "toys/language model/")]
    if language:
        values = {f"AUROC of {name}": [one["auroc"][key] for one in language] for name, key in _AREAS.items()}
        # A refused split has no weights.
        for name in ("dense", "pruned", "uniform", "weighted", "tokens weighed"):
            values[f"gap of the minority's loss, {name}"] = [one["gap"].get(name) for one in language]
        yield [
            "Language model of two grammars: AUROC for 'second grammar' (1,500 training sequences, 150 of it); loss of the second "
            "grammar minus that of the first in nats per token (600 test sequences, half of each), 70 % pruned, 30 masked steps: "
            "on sequences drawn evenly, drawn with the balanced weights, or drawn evenly with these weights in the loss of their tokens.",
            "",
            *_seeds_table(values, [one["seed"] for one in language]),
            "",
            _accepted([one["split"]["accepted"] for one in language]),
        ]


_AREAS = {"RAC": "rac", "the dense loss": "dense"}


def _seeds_table(values: Mapping[str, Sequence[float | None]], seeds: Sequence[int]) -> list[str]:
    body = [
        [str(seed), *(MISSING if own[i] is None else f"{own[i]:.3f}" for own in values.values())]
        for i, seed in enumerate(seeds)
    ]
    means = (cell(over_seeds(own, math.inf if "gap" in name else 1.0), 3) for name, own in values.items())
    return table(["seed", *values], [*body, ["mean [95 %]", *means]])


def _alone(found: Sequence[Mapping[str, Any]]) -> str:
    """Of how many classes a split of their own would be accepted."""
    own = [split for one in found for split in one["by class"].values()]
    return f" Each class alone would be accepted in {sum(split['accepted'] for split in own)} of {len(own)} cases."


def _accepted(found: Sequence[bool]) -> str:
    return f"The split was accepted for {sum(found)} of {len(found)} seeds."


# SPIN -------------------------------------------------------------------------------------------------------


def _spin(rows: Rows) -> Iterator[list[str]]:
    found = _of(rows, "spin/")
    if found:
        yield ["### SPIN"]
    for row in found:
        one = row["found"]
        choice, sets, edit = one["choice"], one["sets"], one["edit"]
        intro = (
            f"r = {edit['ratio']:g}, p = {edit['general_ratio']:g}, {edit['modules']}: {choice['weights']} weights in "
            f"{choice['matrices']} matrices set to zero, of {choice['of']:,}; {choice['both']} in both tops "
            f"({choice['chance']:.1f} by chance), {choice['both'] - choice['coupled']} of them spared for the general set. Chosen from "
            f"{sets['first']['selection']}, {sets['second']['selection']} and {sets['general']['selection']} prompts, measured on others."
            + shared_text(one.get("controls"), SYSTEMS)
        )
        yield [
            intro,
            "",
            *quantities_table(one["quantities"], sets),
            "",
            f"**{one['verdict']['sentence']}** {made(row)}.",
        ]


def quantities_table(quantities: Sequence[Mapping[str, Any]], sets: Mapping[str, Any]) -> list[str]:
    """Measure × models and paired differences, as Markdown; beside HSIC what mixed pairs give."""
    systems = [name for name in SYSTEMS if name in quantities[0]["systems"]]
    compared = [name for name in systems if name not in ("dense", "edited")]
    heads = ["", "n", *(SYSTEMS[name] for name in systems), *(f"SPIN − {SYSTEMS[name]}" for name in compared)]
    body = []
    for one in quantities:
        is_ratio = one["name"] == "perplexity"
        digits = 4 if one["name"] == "hsic" else 3
        title = one["name"] if one["concern"] is None else f"{one['name']}, {sets[one['concern']]['title']}"
        body.append(
            [
                f"{title}{' (ratios)' if is_ratio else ''}, {one['unit']}",
                str(one["systems"]["edited"]["n"]),
                *(
                    cell(one["systems"][name], 1 if is_ratio else digits if digits > 3 else 2)
                    + null_text(one["systems"][name])
                    for name in systems
                ),
                *(cell(one["differences"][name], digits, sign=not is_ratio) for name in compared),
            ]
        )
    return table(heads, body)


# Neural Collapse --------------------------------------------------------------------------------------------


def _collapse(rows: Rows) -> Iterator[list[str]]:
    found = _of(rows, "collapse/")
    if not found:
        return
    yield ["### Neural Collapse of group words"]
    for place in dict.fromkeys(row["name"].rpartition("/")[0] for row in found):
        own = [row for row in found if row["name"].rpartition("/")[0] == place]
        name = place.split("/")[1]
        lists = own[0]["found"]["lists"]
        sizes = ", ".join(
            f"{LISTS[key]} {one['words']} ({one['features']:,} contexts)" for key, one in lists.items()
        )
        heads = [
            f"{name}: model",
            "UNC3 of its own contexts at the end",
            "UNC3 of group words, ratio",
            "UNC3 of control words, ratio",
            "NC3 of group words, change",
            "perplexity of opinions, ratio",
            "perplexity of general text, ratio",
        ]
        yield [
            f"Word list {name}, words with {own[0]['found']['least']} contexts or more: {sizes}; {own[0]['found']['windows']:,} windows. "
            f"{own[0]['found']['source']} λ = 0 is the control: as many steps without the term. "
            "Ratios of a recovered model are to the pruned one, those of the pruned one to the dense one.",
            "",
            *table(heads, [_collapse_line(row) for row in own]),
            "",
            _reached(own),
            "",
            f"{made(own[-1])} for the last line.",
        ]


def _collapse_line(row: Mapping[str, Any]) -> list[str]:
    one, setting = row["found"], row["found"]["setting"]
    name = "pruned, to dense" if setting is None else _setting(setting)
    lists, perplexity = one["lists"], one["perplexity"]
    return [
        name,
        _trained(one.get("term")),
        *(cell(lists[key]["unc3"]["ratio"]) for key in LISTS),
        cell(lists["group"]["nc3"]["difference"], 3, sign=True),
        *(cell(perplexity[key], 3) if key in perplexity else MISSING for key in ("opinions", "general")),
    ]


def _trained(term: Sequence[tuple[int, float]] | None) -> str:
    """What the term made of the contexts that it read; at first few words have enough of them."""
    return f"{term[-1][1]:.3f}" if term else MISSING


def _setting(setting: Mapping[str, Any]) -> str:
    steps = f"{setting['steps']} steps of {setting['learning_rate']:g}"
    moving = "words alone" if setting["parameters"] == "words" else "kept weights and words"
    return f"λ = {setting['strength']:g}, {steps}, {moving}"


def meets(found: Mapping[str, Any]) -> bool:
    """UNC3 of group words at most half, that of control words within 10 %, both perplexities at most 1.02 times; point values."""
    group, control = (found["lists"][key]["unc3"]["ratio"]["value"] for key in LISTS)
    ratios = [one["value"] for one in found["perplexity"].values()]
    if None in (group, control, *ratios):
        return False
    return bool(group <= 0.5 and 0.9 <= control <= 1.1 and max(ratios) <= PERPLEXITY_LIMIT)


def _reached(rows: Sequence[Mapping[str, Any]]) -> str:
    with_term = [row for row in rows if row["found"]["setting"] and row["found"]["setting"]["strength"]]
    good, tried = [row["found"]["setting"] for row in with_term if meets(row["found"])], len(with_term)
    sought = f"UNC3 −50 % with the control list within ±10 % and both perplexity ratios at most {PERPLEXITY_LIMIT:g}"
    if not good:
        return f"{sought}: by none of {tried} settings."
    return f"{sought}: by {len(good)} of {tried} settings ({'; '.join(map(_setting, good))})."


# DENP -------------------------------------------------------------------------------------------------------


def _denp(rows: Rows) -> Iterator[list[str]]:
    found = _of(rows, "denp/")
    if not found:
        return
    yield ["### DENP"]
    yield table(
        [
            "corpus",
            "texts (windows)",
            "split: affected / rest",
            "gap",
            "99 % of samples without groups",
            "accepted",
            "AUROC of RAC for a group, minus that of the dense loss",
        ],
        [_split_line(row) for row in found],
    )
    for row in found:
        one = row["found"]
        asked = one["recovery"]
        yield [
            f"`{_corpus(row)}`, loss of held-out opinions in nats per token; {asked['steps']} steps of {asked['learning_rate']:g}, "
            f"{asked['batch_size']} windows in each. Weights of tokens from {one['weights']['from']:.2f} to {one['weights']['to']:.2f}"
            + (
                "."
                if one["rac"]["split"]["accepted"]
                else "; the split is refused, so that no run gets these weights: here they show what refusing them means."
            ),
            "",
            *_losses(one),
            "",
            f"{made(row)}.",
        ]


def _corpus(row: Mapping[str, Any]) -> str:
    return str(row["name"]).split("/")[1]


def _split_line(row: Mapping[str, Any]) -> list[str]:
    rac = row["found"]["rac"]
    split = rac["split"]
    areas = "; ".join(
        f"{one['group']} {cell(one['rac'])}, {cell(one['difference'], sign=True)}" for one in rac["auroc"][:1]
    )
    limit = MISSING if split["limit"] is None else f"{split['limit']:.2f}"
    texts = str(rac["n"]) if not rac.get("windows") else f"{rac['n']} ({rac['windows']})"
    return [
        _corpus(row),
        texts,
        f"{split['sizes']['high']} / {split['sizes']['low']}",
        f"{split['gap']:.2f}",
        limit,
        "yes" if split["accepted"] else "no",
        areas or MISSING,
    ]


def _losses(one: Mapping[str, Any]) -> list[str]:
    def by_group(name: str, kind: str) -> dict[str, Mapping[str, Any]]:
        rows = one["recovered"][name] if name in one["recovered"] else one[name]
        return {row["group"]: row[kind] for row in rows}

    dense, pruned = by_group("pruned_to_dense", "before"), by_group("pruned_to_dense", "after")
    uniform, weighted = by_group("uniform", "after"), by_group("weighted", "after")
    change = by_group("weighted_to_uniform", "difference")
    worst = {
        name: max(own, key=lambda group: own[group]["value"])
        for name, own in {
            "dense": dense,
            "pruned": pruned,
            "uniform": uniform,
            "weighted": weighted,
        }.items()
    }

    def shown(name: str, own: Mapping[str, Mapping[str, Any]], group: str) -> str:
        text = cell(own[group])
        return f"**{text}**" if worst[name] == group else text

    body = [
        [
            group,
            str(dense[group]["n"]),
            shown("dense", dense, group),
            shown("pruned", pruned, group),
            shown("uniform", uniform, group),
            shown("weighted", weighted, group),
            cell(change[group], 3, sign=True),
        ]
        for group in dense
    ]
    heads = ["group (worst in bold)", "n", "dense", "pruned", "+ uniform", "+ weighted", "weighted − uniform"]
    return table(heads, body)


# Time -------------------------------------------------------------------------------------------------------


def _speed(rows: Rows) -> Iterator[list[str]]:
    found = _of(rows, "speed/")
    if not found:
        return
    yield ["### Time"]
    body = []
    for row in found:
        one = row["found"]
        if row["name"] == "speed/spin":
            body.append(
                [
                    f"SPIN (importance of three sets of {one['samples']} prompts at most, choice, edit) / bare forward and backward passes",
                    *_pair(one["ratio"]),
                    f"{SPIN_LIMIT:g}",
                ]
            )
            continue
        size = f"{one['windows']} windows of {one['tokens']} tokens, middle of {one['rounds']}"
        body += [
            [
                f"collapse report: pass of one model / bare forward ({size})",
                *_pair(one["pass / forward"]),
                MISSING,
            ],
            [
                "the same / bare forward without logits",
                *_pair(one["pass / forward without logits"]),
                MISSING,
            ],
            [
                "two passes and the document / two bare forwards",
                *_pair(one["report / forwards"]),
                f"{COLLAPSE_LIMIT:g}",
            ],
        ]
    yield [
        *table(["ratio", "wall", "processors", "limit"], body),
        "",
        "; ".join(f"{row['name'].split('/')[1]}: {made(row)}" for row in found) + ".",
    ]


def _pair(ratio: Mapping[str, float]) -> tuple[str, str]:
    return f"{ratio['wall']:.2f}", f"{ratio['processor']:.2f}"
