"""A store of many runs in the shapes of real ones: `python -m benchmarks.big_store FOLDER [--runs 1000] [--samples 200]`.

Every document of the example runs on `products` is taken as it is stored, its samples repeated over as many opinion sets as are
wanted (each with a topic of its own), and its numbers moved by a seeded draw, so that no two runs are alike. Nothing in it is a result.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from fairprune import examples
from fairprune.bundle import read_bundle
from fairprune.headlines import headline
from fairprune.methods import METHODS
from fairprune.opinions import OpinionSet, opinion_set_id
from fairprune.spec import RunSpec, build
from fairprune.store import Run, Store, SummaryRow, open_store
from fairprune.store.exchange import Foreign, ForeignRun

CORPUS = "products"
CALIBRATIONS = ("balanced", "general")
PORTION = 50
"""Runs that are written in one transaction."""


@dataclass(frozen=True)
class Example:
    """A stored run and all that is made of it."""

    run: Run
    documents: dict[str, Any]
    """Kind → its value."""
    rows: dict[str, list[SummaryRow]]
    """System → its summaries."""


def read_examples(store: Store) -> list[Example]:
    """The example runs of the corpus, by sparsity."""
    for path in examples.files():
        read_bundle(store, path, "example")
    chosen = [run for run in store.runs() if run.spec.evaluation.corpus == CORPUS]
    texts = store.documents_of(run.id for run in chosen)
    found = []
    for run in sorted(chosen, key=lambda one: one.spec.pruning.sparsity):
        documents = {kind: json.loads(text) for kind, text in texts[run.id].items()}
        systems = documents["generation"]["systems"]
        rows = {name: store.summaries(facts["id"]) for name, facts in systems.items()}
        found.append(Example(run, documents, rows))
    return found


def many_sets(store: Store, example: Example, samples: int) -> list[OpinionSet]:
    """The example's opinion sets over and over, each time under another topic: other sets."""
    own = list(store.sets(example.documents["generation"]["sets"]).values())
    found = []
    for place in range(samples):
        one, again = own[place % len(own)], place // len(own)
        topic = one.topic if not again else f"{one.topic} ({again + 1})"
        opinions = tuple(replace(opinion, topic=topic) for opinion in one.opinions)
        found.append(replace(one, id=opinion_set_id(CORPUS, topic, opinions), topic=topic, opinions=opinions))
    return found


def many_specs(example: Example, runs: int, samples: int) -> Iterator[tuple[RunSpec, int]]:
    """So many specs, and the position of the example whose documents each of them takes."""
    base = example.run.spec.model_dump(mode="json")
    sparsities = [round(0.1 * step, 1) for step in range(1, 9)]
    seeds = range(-(-runs // (len(METHODS) * len(sparsities) * len(CALIBRATIONS))))
    settings = product(seeds, CALIBRATIONS, sorted(METHODS), sparsities)
    for _, (seed, calibration, method, sparsity) in zip(range(runs), settings, strict=False):
        spec = copy.deepcopy(base)
        spec["pruning"] |= {"method": method, "sparsity": sparsity, "options": {}}
        spec["calibration"] |= {"name": calibration, "seed": seed}
        spec["evaluation"] |= {"samples": samples}
        parts = {name: part for name, part in spec.items() if name not in ("version", "device")}
        yield build(**parts, device=spec["device"]), sparsities.index(sparsity)


def moved(value: Any, draw: random.Random) -> Any:
    """Cells of metrics with values a little elsewhere: copies, fractions stay within [0, 1]."""
    if isinstance(value, dict):
        if {"value", "low", "high"} <= value.keys() and value["value"] is not None:
            step = draw.uniform(-0.04, 0.04)
            ends = {
                key: min(1.0, max(-1.0, value[key] + step))
                for key in ("value", "low", "high")
                if value[key] is not None
            }
            return {**value, **ends}
        return {key: moved(part, draw) for key, part in value.items()}
    return value


def evaluation_of(example: Example, sets: Sequence[OpinionSet], draw: random.Random) -> dict[str, Any]:
    found = dict(example.documents["evaluation"])
    samples = found["samples"]
    found["samples"] = [{**samples[place % len(samples)], "set_id": one.id} for place, one in enumerate(sets)]
    for name in ("metrics", "quality"):
        found[name] = moved(found[name], draw)
    return found | {"n_samples": len(sets), "n_topics": len({one.topic for one in sets})}


def make_run(
    example: Example, spec: RunSpec, sets: Sequence[OpinionSet], place: int
) -> tuple[ForeignRun, str, list[SummaryRow]]:
    """A run with its documents, the id of its pruned generation, and that generation's summaries."""
    draw = random.Random(place)
    evaluation = evaluation_of(example, sets, draw)
    sparsity = example.documents["sparsity"]
    perplexity = example.documents.get("perplexity")
    systems = copy.deepcopy(example.documents["generation"]["systems"])
    systems["dense"]["id"], systems["pruned"]["id"] = "dense", f"pruned-{spec.id}"
    documents = {kind: value for kind, value in example.documents.items() if kind != "bundle"} | {
        "evaluation": evaluation,
        "generation": {"sets": [one.id for one in sets], "systems": systems},
        "headline": headline(evaluation, sparsity, perplexity),
    }
    texts = {kind: json.dumps(value, separators=(",", ":")) for kind, value in documents.items()}
    run = replace(
        example.run,
        id=spec.id,
        spec=spec,
        title=spec.title(),
        name=None,
        notes="",
        tags=("talk",) if place % 50 == 0 else (),
        device=spec.device,
    )
    rows = spread(example.rows["pruned"], sets)
    return ForeignRun(run, spec.canonical(), (), texts), systems["pruned"]["id"], rows


def spread(rows: Sequence[SummaryRow], sets: Sequence[OpinionSet]) -> list[SummaryRow]:
    """The example's summaries, repeated over all sets."""
    known = {row.position: row for row in rows}
    n = max(known) + 1
    return [
        replace(known[place % n], position=place, set_id=one.id)
        for place, one in enumerate(sets)
        if place % n in known
    ]


def fill(store: Store, runs: int, samples: int) -> list[str]:
    """Writes the runs in bulk, and one sweep of the first 72. Returns their ids, in the order in which they were written."""
    with tempfile.TemporaryDirectory() as folder, open_store(f"sqlite:///{folder}/examples.db") as source:
        known = read_examples(source)
        sets = many_sets(source, known[0], samples)
    dense: Mapping[str, Any] = {"made of": "an example run"}
    info = {"dense": (dense, spread(known[0].rows["dense"], sets))}
    ids: list[str] = []
    portion: list[ForeignRun] = []
    generations: dict[str, tuple[Mapping[str, Any], Sequence[SummaryRow]]] = dict(info)

    def write() -> None:
        store.take_over(Foreign(portion, {CORPUS: sets}, generations), "here")
        ids.extend(one.run.id for one in portion)
        portion.clear()
        generations.clear()

    for place, (spec, which) in enumerate(many_specs(known[0], runs, samples)):
        one, key, rows = make_run(known[which], spec, sets, place)
        portion.append(one)
        generations[key] = (dense, rows)
        if len(portion) == PORTION:
            write()
    if portion:
        write()
    store.put_sweep("the first 72 runs", {"method": "all"}, ids[:72])
    return ids


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--samples", type=int, default=200)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    file = arguments.folder / "fairprune.db"
    start = time.monotonic()
    with open_store(f"sqlite:///{file}") as store:
        ids = fill(store, arguments.runs, arguments.samples)
    size = file.stat().st_size / 1e6
    print(
        f"{len(ids)} runs × {arguments.samples} samples in {time.monotonic() - start:.0f} s, {size:,.0f} MB: {file}"
    )


if __name__ == "__main__":
    main()
