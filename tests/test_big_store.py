"""The store of many runs that the benchmark of the pages opens: real shapes, no two runs alike, read as any other."""

from __future__ import annotations

from benchmarks.big_store import CORPUS, fill
from fairprune.headlines import headlines
from fairprune.store import open_store


def test_runs_have_the_shapes_of_the_examples(monkeypatch) -> None:
    monkeypatch.setenv("FAIRPRUNE_EXAMPLES", "0")
    with open_store() as store:
        ids = fill(store, 10, 30)
        assert len(set(ids)) == 10 == len(store.run_ids())
        known = headlines(store, ids)
        # The examples hold 24 sets of two topics: 30 sets are those 24, and six of them again under topics of their own.
        assert {found["n_samples"] for found in known.values()} == {30}
        assert len({found["sets"] for found in known.values()}) == 1
        assert len({str(found["metrics"]["bur"]["pruned"]) for found in known.values()}) == 10
        generation = store.result(ids[0], "generation")
        assert generation is not None
        sets = store.sets(generation["sets"])
        assert len(sets) == 30 and set(store.corpora_of(sets).values()) == {CORPUS}
        rows = store.summaries(generation["systems"]["pruned"]["id"])
        assert rows and {row.set_id for row in rows} <= set(sets)
        assert set(store.sweeps()[0].run_ids) == set(ids)
