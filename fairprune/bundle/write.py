"""Runs of a store → one bundle file."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from fairprune import __version__
from fairprune.bundle.archive import MANIFEST, MEMBER, sha256, write_archive
from fairprune.bundle.documents import NEEDED
from fairprune.bundle.manifest import (
    FORMAT,
    VERSION,
    CorpusEntry,
    Manifest,
    Member,
    RunEntry,
    WrittenWith,
    written_with,
)
from fairprune.bundle.matrices import Block, member_of, shape_of
from fairprune.bundle.tables import numbers_table, opinions_table, parquet, summaries_table
from fairprune.bundle.terms import info_of, terms_of, texts_of
from fairprune.errors import BadInput, StoreError, Unavailable
from fairprune.headlines import KIND as HEADLINE
from fairprune.opinions import OpinionSet
from fairprune.spec import content_hash
from fairprune.store import Run, Store, SummaryRow

PROVENANCE = "bundle"
"""Kind of result that an imported run has besides those it had: where it comes from, and whose its texts are."""
DERIVED = (HEADLINE, PROVENANCE, "failure")
"""Kinds that are made anew on reading."""
SETS_PER_MEMBER = 500
MOST_LOG_LINES = 20_000


def write_bundle(
    store: Store,
    run_ids: Iterable[str],
    target: Path | IO[bytes],
    *,
    details_of: Collection[str] | None = None,
    pictures: bool = False,
) -> Manifest:
    """Writes finished runs, with everything that their pages show, into one zip; returns its manifest.

    Args:
        run_ids: ids or unique beginnings of ids; a run that is named twice is written once.
        target: a file, replaced as a whole or not at all; or an open one.
        details_of: full ids of the runs whose matrices are shown from within (half a megabyte for a small model); None: of all.
        pictures: whether figures go along as PNG, which a Chrome of this computer draws in some seconds per run.

    Raises:
        BadInput: no run, a run that is not finished, or more than a bundle takes.
        StoreError: no such run, or results that are missing or damaged.
        Unavailable: the file cannot be written, or there is no Chrome for the pictures.
    """
    runs = [store.run(run_id) for run_id in dict.fromkeys(run_ids)]
    runs = list({run.id: run for run in runs}.values())
    if not runs:
        raise BadInput("a bundle needs at least one run: name its id")
    for run in runs:
        if run.state != "done":
            raise BadInput(f"run {run.id} ({run.label}) is {run.state}: a bundle holds finished runs alone")
    writer = _Writer(store, datetime.now(UTC), pictures)
    for run in runs:
        writer.add(run, details=details_of is None or run.id in details_of)
    manifest = writer.finish()
    members = {MANIFEST: _json(manifest.model_dump(mode="json"), indent=1), **writer.members}
    if isinstance(target, Path):
        _replace(target, members)
    else:
        write_archive(target, members)
    return manifest


def _replace(target: Path, members: dict[str, bytes]) -> None:
    try:
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}-", delete=False) as file:
            work = Path(file.name)
            try:
                write_archive(file, members)
                file.close()
                work.chmod(0o644)
                work.replace(target)
            finally:
                work.unlink(missing_ok=True)
    except OSError as error:
        raise Unavailable(
            f"the bundle {target} cannot be written ({error.strerror or error}): name a file in a folder that exists"
        ) from error


def _json(value: Any, indent: int | None = None) -> bytes:
    separators = (",", ": ") if indent else (",", ":")
    return json.dumps(value, allow_nan=False, indent=indent, separators=separators).encode()


def generation_content(info: dict[str, Any], rows: Sequence[SummaryRow]) -> tuple[str, dict[str, Any]]:
    """A generation as a bundle has it, and its name there: the hash of its content, whatever it is called in a store."""
    value = {
        "info": info,
        "rows": [
            {
                "position": row.position,
                "set_id": row.set_id,
                "text": row.text,
                "tokens": row.tokens,
                "seconds": row.seconds,
                "truncated": row.truncated,
            }
            for row in rows
        ],
    }
    return content_hash(json.dumps(value, sort_keys=True, separators=(",", ":"))), value


class _Writer:
    """Collects the members of a bundle, run by run."""

    def __init__(self, store: Store, date: datetime, pictures: bool) -> None:
        self._pictures = pictures
        self.members: dict[str, bytes] = {}
        self._store = store
        self._date = date
        self._here = written_with(date)
        self._runs: list[RunEntry] = []
        self._set_ids: dict[str, None] = {}
        self._known: dict[
            str, dict[str, Any]
        ] = {}  # corpora of imported runs, as their bundle described them
        self._numbers: list[dict[str, Any]] = []
        self._summaries: list[dict[str, Any]] = []

    def add(self, run: Run, *, details: bool) -> None:
        texts = self._store.documents_of([run.id])[run.id]
        missing = [kind for kind in NEEDED if kind not in texts]
        if missing:
            raise StoreError(f"run {run.id} has no stored {' and '.join(missing)}: run it again")
        values = {
            kind: json.loads(text)
            for kind, text in texts.items()
            if kind in (*NEEDED, "perplexity", PROVENANCE)
        }
        provenance = values.get(PROVENANCE)
        rows = self._take_summaries(values["generation"])
        texts["generation"] = json.dumps(values["generation"], separators=(",", ":"))
        for kind, text in texts.items():
            name = f"results/{run.id}/{member_of(kind)}.json"
            if kind not in DERIVED and (details or shape_of(kind) is not Block) and MEMBER.fullmatch(name):
                self.members[name] = text.encode()
        log = self._store.logs(run.id, limit=MOST_LOG_LINES)
        self.members[f"runs/{run.id}.json"] = _json(
            {
                **{key: _time(getattr(run, key)) for key in ("created", "started", "finished")},
                "attempt": run.attempt,
                "seconds": run.seconds,
                "name": run.name,
                "notes": run.notes,
                "tags": list(run.tags),
                "log": [{"number": line.number, "time": _time(line.time), "text": line.text} for line in log],
            }
        )
        self._runs.append(self._entry(run, provenance))
        self._numbers += numbers_table(run, values)
        self._summaries += summaries_table(run, values, rows)
        if provenance is not None:
            self._known |= provenance["corpora"]
        if self._pictures:
            from fairprune.bundle.figures import (
                pictures_of,
            )  # Plotly: slow to import, and most bundles need none

            self.members |= pictures_of(run, values)

    def _entry(self, run: Run, provenance: dict[str, Any] | None) -> RunEntry:
        spec = json.loads(self._store.spec_text(run.id))
        return RunEntry(
            id=run.id,
            title=run.title,
            model=run.spec.model.name,
            identity=run.spec.model.identity,
            method=run.spec.pruning.method,
            sparsity=run.spec.pruning.sparsity,
            seeds={
                "calibration": run.spec.calibration.seed,
                "evaluation": run.spec.evaluation.seed,
                "metrics": run.spec.metrics.seed,
            },
            spec=spec,
            corpora=list(texts_of(run.spec)),
            # An imported run keeps the versions of where it was first exported: these here have not made it.
            written_with=self._here
            if provenance is None
            else WrittenWith.model_validate(provenance["written_with"]),
        )

    def _take_summaries(self, generation: dict[str, Any]) -> dict[str, list[SummaryRow]]:
        """Adds the summaries of every system, names them in `generation` by their content, and gives them back."""
        found = {}
        self._set_ids |= dict.fromkeys(generation["sets"])
        for system, facts in generation["systems"].items():
            rows = self._store.summaries(facts["id"])
            name, value = generation_content(self._store.generation(facts["id"]) or {}, rows)
            facts["id"] = name
            self.members[f"summaries/{name}.json"] = _json(value)
            self._set_ids |= dict.fromkeys(row.set_id for row in rows)
            found[system] = rows
        return found

    def finish(self) -> Manifest:
        """Adds what all runs share, and makes the manifest."""
        by_corpus = self._add_sets()
        self._add_sweeps()
        opinions = [row for corpus, sets in by_corpus.items() for row in opinions_table(corpus, sets)]
        for name, table in (
            ("numbers", self._numbers),
            ("summaries", self._summaries),
            ("opinions", opinions),
        ):
            self.members[f"tables/{name}.parquet"] = parquet(table)
        names = dict.fromkeys([*by_corpus, *(name for run in self._runs for name in run.corpora)])
        corpora = {name: self._corpus(name, by_corpus.get(name, [])) for name in names}
        self.members["README.txt"] = _readme(self._runs, corpora, self._pictures).encode()
        return Manifest(
            format=FORMAT,
            version=VERSION,
            fairprune=__version__,
            created=self._date,
            runs=self._runs,
            corpora=corpora,
            members={
                name: Member(sha256=sha256(data), bytes=len(data)) for name, data in self.members.items()
            },
        )

    def _add_sets(self) -> dict[str, list[OpinionSet]]:
        corpus_of = self._store.corpora_of(self._set_ids)
        sets = self._store.sets(self._set_ids)
        rows = [{"corpus": corpus_of[key], **one.to_json()} for key, one in sets.items()]
        for start in range(0, len(rows), SETS_PER_MEMBER):
            name = f"opinion_sets/{start // SETS_PER_MEMBER + 1:04d}.json"
            self.members[name] = _json(rows[start : start + SETS_PER_MEMBER])
        found: dict[str, list[OpinionSet]] = {}
        for key, one in sets.items():
            found.setdefault(corpus_of[key], []).append(one)
        return found

    def _add_sweeps(self) -> None:
        here = {run.id for run in self._runs}
        found = []
        for sweep in self._store.sweeps():
            members = [run_id for run_id in sweep.run_ids if run_id in here]
            if len(members) > 1:  # one run alone is no sweep
                value = {"title": sweep.title, "created": _time(sweep.created), "axes": sweep.axes}
                found.append({**value, "run_ids": members})
        self.members["sweeps.json"] = _json(found)

    def _corpus(self, name: str, sets: Sequence[OpinionSet]) -> CorpusEntry:
        if name in self._known:
            return CorpusEntry.model_validate(self._known[name])
        groups = tuple(sorted({opinion.group for one in sets for opinion in one.opinions}))
        info, terms = info_of(name, groups), terms_of(name)
        return CorpusEntry(
            title=info.title,
            groups=list(info.groups),
            noun=info.noun,
            preamble=info.preamble,
            source=info.source,
            note=info.note,
            licence=terms.licence,
            attribution=terms.attribution,
            redistribution=terms.redistribution,
            reason=terms.reason,
        )


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()


def _readme(runs: Sequence[RunEntry], corpora: dict[str, CorpusEntry], pictures: bool) -> str:
    lines = [
        "Runs of fairprune: pruned language models, their summaries of opinions, and fairness numbers.",
        "Open it with: python -m fairprune import FILE, or on the first page of the app.",
        "The folder tables/ is for other programs; the other files are what fairprune reads.",
        *(["The folder pictures/ is for people."] if pictures else []),
        "",
        "Runs",
        *(f"  {run.id}  {run.title}" for run in runs),
        "",
        "Texts",
    ]
    for name, entry in corpora.items():
        lines += [
            f"  {name}: {entry.title}",
            f"    {entry.attribution}",
            f"    Licence: {entry.licence}.",
            f"    To be passed on: {entry.redistribution} ({entry.reason}).",
        ]
    return "\n".join(lines) + "\n"
