"""A bundle file → runs of a store that can be looked at and not started again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any

from fairprune.bundle.archive import MANIFEST, MAX_MEMBERS, Archive, sha256
from fairprune.bundle.consistency import SYSTEMS, check_evaluation
from fairprune.bundle.documents import NEEDED
from fairprune.bundle.manifest import Manifest, RunEntry, read_manifest
from fairprune.bundle.matrices import Block, check_pictures, kind_of, shape_of
from fairprune.bundle.members import GenerationDocument, RunDocument, SetDocument, SweepDocument
from fairprune.bundle.parsing import checked, load_json, one_line
from fairprune.bundle.write import DERIVED, PROVENANCE, generation_content
from fairprune.errors import BadInput
from fairprune.headlines import KIND as HEADLINE
from fairprune.headlines import headline
from fairprune.opinions import Opinion, OpinionSet, opinion_set_id
from fairprune.spec import RunSpec, content_hash, parse_part
from fairprune.store import Foreign, ForeignRun, LogLine, Origin, Run, Store, SummaryRow, Sweep
from fairprune.store.database import to_document
from fairprune.store.library import checked_name, checked_tags, sweep_id_of
from fairprune.text import counted

MOST_SPEC = 20_000
"""Characters of a spec; they have about 1,600."""
FOREIGN = "imported:"
"""Before the id of a generation that was not written here: no run of this install ever takes it for its own."""


@dataclass(frozen=True)
class Imported:
    """What came of a bundle."""

    manifest: Manifest
    new: tuple[str, ...]
    """Ids of the runs that are new here."""
    kept: tuple[str, ...]
    """Ids of the runs that were here already, and stay as they were."""
    left_out: tuple[str, ...]
    """Kinds of results that this version does not know."""

    def sentence(self) -> str:
        """What happened, for a person."""
        text = f"{counted(len(self.new), 'run')} imported"
        if self.kept:
            text += f"; {counted(len(self.kept), 'run here already, kept as it is', 'runs here already, kept as they are')}"
        if self.left_out:
            text += f"; not known to this version and left out: {', '.join(self.left_out)}"
        return text


def read_bundle(store: Store, file: Path | IO[bytes], origin: Origin = "imported") -> Imported:
    """Takes the runs of a bundle into the store, all or nothing.

    Everything is checked first: names, sizes and hashes of the members, every document, and every id, which is computed again
    from what it names.

    Raises:
        BadInput: not a bundle, a damaged one, or one of a newer fairprune; the store is as it was.
        StoreError: the database cannot be written; it is as it was.
    """
    with Archive(file) as box:
        reader = _Reader(box)
        foreign = reader.read()
    new = store.take_over(foreign, origin)
    fresh = set(new)
    kept = tuple(run.run.id for run in foreign.runs if run.run.id not in fresh)
    return Imported(reader.manifest, tuple(new), kept, tuple(sorted(reader.left_out)))


@dataclass
class _Reader:
    """One bundle on its way; what has been checked is kept as it will be stored."""

    box: Archive
    manifest: Manifest = field(init=False)
    sets: dict[str, OpinionSet] = field(default_factory=dict)
    corpus_of: dict[str, str] = field(default_factory=dict)
    generations: dict[str, tuple[dict[str, Any], list[SummaryRow]]] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)
    used_sets: set[str] = field(default_factory=set)
    """Opinion sets that a run has summarised."""
    used_generations: set[str] = field(default_factory=set)

    def read(self) -> Foreign:
        self.manifest = read_manifest(load_json(self.box.read(MANIFEST), MANIFEST, MAX_MEMBERS))
        self._check_names()
        for name in self._under("opinion_sets"):
            self._take_sets(name)
        for name in self._under("summaries"):
            self._take_generation(name)
        runs = [self._run(entry) for entry in self.manifest.runs]
        self._check_orphans()
        sweeps = self._sweeps()
        for name in ("README.txt", *self._under("tables"), *self._under("pictures")):
            self._bytes(name)  # nothing of these is used; a wrong hash tells of a damaged file
        by_corpus: dict[str, list[OpinionSet]] = {}
        for key, one in self.sets.items():
            by_corpus.setdefault(self.corpus_of[key], []).append(one)
        generations = {FOREIGN + key: value for key, value in self.generations.items()}
        return Foreign(runs, by_corpus, generations, sweeps)

    def _under(self, folder: str) -> list[str]:
        return sorted(name for name in self.manifest.members if name.startswith(f"{folder}/"))

    def _check_names(self) -> None:
        """The members are those that the manifest names, and belong to its runs.

        Raises:
            BadInput: names one that is too many or missing.
        """
        there, named = set(self.box) - {MANIFEST}, set(self.manifest.members)
        for name in sorted(there ^ named):
            raise BadInput(
                f"the bundle is damaged: {name} is {'not in its manifest' if name in there else 'missing'}"
            )
        ids = [entry.id for entry in self.manifest.runs]
        if len(set(ids)) < len(ids):
            raise BadInput("the bundle is damaged: its manifest names a run twice")
        for name in sorted(named):
            folder, _, rest = name.partition("/")
            if folder in ("runs", "results", "pictures") and rest[:16] not in ids:
                raise BadInput(f"the bundle is damaged: {name} belongs to no run of its manifest")

    def _bytes(self, name: str) -> bytes:
        """A member as the manifest promises it.

        Raises:
            BadInput: missing, or changed since.
        """
        promised = self.manifest.members.get(name)
        if promised is None:
            raise BadInput(f"the bundle is damaged: {name} is missing")
        data = self.box.read(name)
        if sha256(data) != promised.sha256:
            raise BadInput(
                f"the bundle is damaged: {name} is not what its manifest promises (another SHA-256)"
            )
        return data

    def _list(self, name: str) -> list[Any]:
        found = load_json(self._bytes(name), name)
        if not isinstance(found, list):
            raise BadInput(f"the bundle is damaged: {name} is no list")
        return found

    def _take_sets(self, name: str) -> None:
        for value in self._list(name):
            document = checked(SetDocument, value, name)
            entry = self.manifest.corpora.get(document.corpus)
            if entry is None:
                raise BadInput(f"the bundle is damaged: its manifest does not describe {document.corpus!r}")
            opinions = tuple(
                Opinion(row.text, row.group, document.topic, row.source, row.speaker)
                for row in document.opinions
            )
            one = OpinionSet(
                document.id, document.topic, document.composition, document.first_group, opinions
            )
            recipes = ("balanced", *(f"skewed:{group}" for group in entry.groups))
            wrong = (
                not {opinion.group for opinion in opinions} <= set(entry.groups)
                or one.first_group != opinions[0].group
                or one.composition not in recipes
            )
            if wrong:
                raise BadInput(
                    f"the bundle is damaged: opinion set {one.id} does not fit its corpus's groups"
                )
            compute = partial(opinion_set_id, document.corpus, one.topic, one.opinions)
            _same_id(one.id, compute, f"opinion set {one.id}")
            self.sets[one.id], self.corpus_of[one.id] = one, document.corpus

    def _take_generation(self, name: str) -> None:
        document = checked(GenerationDocument, load_json(self._bytes(name), name), name)
        rows = [
            SummaryRow(row.set_id, row.position, row.text, row.tokens, row.seconds, row.truncated)
            for row in document.rows
        ]
        if len({row.position for row in rows}) < len(rows):
            raise BadInput(f"the bundle is damaged: {name} has two summaries of one sample")
        for row in rows:
            if row.set_id not in self.sets:
                raise BadInput(f"the bundle is damaged: opinion set {row.set_id} of {name} is missing")
        key = name.removeprefix("summaries/").removesuffix(".json")
        info = dict(document.info)
        _same_id(key, lambda: generation_content(info, rows)[0], name)
        self.generations[key] = (info, rows)

    def _run(self, entry: RunEntry) -> ForeignRun:
        spec = parse_spec(entry)
        name = f"runs/{entry.id}.json"
        document = checked(RunDocument, load_json(self._bytes(name), name), name)
        if len({line.number for line in document.log}) < len(document.log):
            raise BadInput(f"the bundle is damaged: {name} has two log lines of one number")
        run = Run(
            id=entry.id,
            spec=spec,
            title=spec.title(),
            state="done",
            device=spec.device,
            created=document.created,
            started=document.started,
            finished=document.finished,
            attempt=document.attempt,
            seconds=document.seconds,
            name=None if document.name is None else checked_name(document.name),
            notes=document.notes,
            tags=tuple(checked_tags(document.tags)),
        )
        log = tuple(LogLine(line.number, line.time, line.text) for line in document.log)
        return ForeignRun(run, canonical(entry.spec), log, self._results(entry, spec))

    def _results(self, entry: RunEntry, spec: RunSpec) -> dict[str, str]:
        """Kind → JSON text: those that are known, checked, and the two that are made here."""
        texts: dict[str, str] = {}
        values: dict[str, Any] = {}
        for name in self._under(f"results/{entry.id}"):
            kind = kind_of(name.rpartition("/")[2].removesuffix(".json"))
            data = self._bytes(name)
            shape = shape_of(kind)
            if shape is None or kind in DERIVED:
                self.left_out.add(kind)
                continue
            value = load_json(data, name)
            checked(shape, value, name)
            texts[kind], values[kind] = data.decode("utf-8"), value
        for kind in NEEDED:
            if kind not in texts:
                raise BadInput(f"the bundle is damaged: results/{entry.id}/{kind}.json is missing")
        for kind, value in values.items():
            if shape_of(kind) is Block:
                check_pictures(value, values["sparsity"], f"results/{entry.id}/{kind}")
        self._check_generation(entry.id, values)
        texts["generation"] = to_document(values["generation"], "generation")
        made = headline(values["evaluation"], values["sparsity"], values.get("perplexity"))
        texts[HEADLINE] = to_document(made, HEADLINE)
        provenance = {
            "written_with": entry.written_with.model_dump(mode="json"),
            "corpora": {
                key: one.model_dump(mode="json")
                for key, one in self.manifest.corpora.items()
                if key in {*entry.corpora, spec.evaluation.corpus}
            },
        }
        texts[PROVENANCE] = to_document(provenance, PROVENANCE)
        return texts

    def _check_generation(self, run_id: str, values: Mapping[str, Any]) -> None:
        """Sets, summaries and samples of a run belong together; its generations get the names that they have here."""
        generation, samples = values["generation"], values["evaluation"]["samples"]
        for key in generation["sets"]:
            if key not in self.sets:
                raise BadInput(f"the bundle is damaged: opinion set {key} of run {run_id} is missing")
        if [sample["set_id"] for sample in samples] != generation["sets"]:
            raise BadInput(
                f"the bundle is damaged: the samples of run {run_id} are not those that were summarised"
            )
        self.used_sets.update(generation["sets"])
        for system in SYSTEMS:
            if system not in generation["systems"]:
                raise BadInput(f"the bundle is damaged: run {run_id} has no {system} summaries")
        check_evaluation(
            values["evaluation"], [self.sets[key] for key in generation["sets"]], f"results of run {run_id}"
        )
        for system, facts in generation["systems"].items():
            found = self.generations.get(facts["id"])
            self.used_generations.add(facts["id"])
            if found is None:
                raise BadInput(f"the bundle is damaged: the {system} summaries of run {run_id} are missing")
            for row in found[1]:
                own = row.position < len(samples)
                if not own or (system in SYSTEMS and generation["sets"][row.position] != row.set_id):
                    raise BadInput(
                        f"the bundle is damaged: a {system} summary of run {run_id} is of no sample of it"
                    )
            facts["id"] = FOREIGN + facts["id"]

    def _check_orphans(self) -> None:
        """Nothing is stored that no run shows: nobody would ever see it, or be able to delete it.

        Raises:
            BadInput: summaries or opinion sets that belong to no run.
        """
        read = {row.set_id for _, rows in self.generations.values() for row in rows}
        for what, found in (
            ("generation", self.generations.keys() - self.used_generations),
            ("opinion set", self.sets.keys() - self.used_sets - read),
        ):
            if found:
                raise BadInput(f"the bundle is damaged: {what} {min(found)} is of no run of it")

    def _sweeps(self) -> list[Sweep]:
        here = {entry.id for entry in self.manifest.runs}
        found = {}
        for value in self._list("sweeps.json"):
            document = checked(SweepDocument, value, "sweeps.json")
            members = tuple(dict.fromkeys(document.run_ids))
            if not set(members) <= here:
                raise BadInput("the bundle is damaged: sweeps.json names a run that is not in it")
            key = sweep_id_of(members)
            found[key] = Sweep(key, document.title, document.created, document.axes, members)
        return list(found.values())


def canonical(spec: Mapping[str, Any]) -> str:
    """The text that a run's id is the hash of, as `RunSpec.canonical` writes it."""
    return json.dumps(spec, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def parse_spec(entry: RunEntry) -> RunSpec:
    """The spec of a run in the manifest.

    Raises:
        BadInput: it is not the spec that the id names, or one that this version cannot read.
    """
    text = canonical(entry.spec)
    if len(text) > MOST_SPEC:
        raise BadInput(
            f"the bundle is damaged: the spec of run {entry.id} has {len(text):,} characters: at most {MOST_SPEC:,}"
        )
    _same_id(entry.id, lambda: content_hash(text), f"run {entry.id}")
    try:
        spec = parse_part(RunSpec, dict(entry.spec))
    except BadInput as error:
        raise BadInput(
            f"run {entry.id} of the bundle cannot be read by this version of fairprune: {one_line(str(error), 300)}"
        ) from error
    said = (entry.model, entry.identity, entry.method, entry.sparsity)
    meant = (spec.model.name, spec.model.identity, spec.pruning.method, spec.pruning.sparsity)
    if said != meant:
        raise BadInput(
            f"the bundle is damaged: its manifest calls run {entry.id} something else than its spec does"
        )
    return spec


def _same_id(given: str, compute: Callable[[], str], what: str) -> None:
    try:
        found = compute()
    except UnicodeEncodeError as error:
        raise BadInput(f"the bundle is damaged: {what} holds half of a character") from error
    if found != given:
        raise BadInput(f"the bundle is damaged: {what} is not what its id says (it would be {found})")
