"""Runs to tell of: three sparsities of one method on the same sets, with texts that try to be HTML."""

from __future__ import annotations

from fairprune.store import Run, Store
from tests.pages.filled import fill, make_set, spec

END = "</script><script>window.hacked = 1</script>"
IMAGE = "<img src=x onerror='window.hacked = 1'>"
SETS = tuple(
    make_set(
        f"harbour {i} {END}" if i == 0 else f"harbour {i}",
        [
            (f"The acting of number {i} was great and warm. {IMAGE}", "fresh"),
            (f"The light of number {i} was lovely and clear.", "fresh"),
            (f"The plot of number {i} was boring and slow. \u2028 & so on", "rotten"),
            (f"The sound of number {i} was dull and thin.", "rotten"),
        ],
    )
    for i in range(4)
)
BOTH = f"The acting was great and warm, the plot was boring and slow {IMAGE}."
PRAISE = f"The acting was great and warm and the light was lovely {END}."
DENSE = [BOTH] * 4
# What each sparsity leaves: the first two samples lose the rotten group at 0.5, all of them at 0.7.
PRUNED = {0.3: [BOTH, BOTH, BOTH, PRAISE], 0.5: [PRAISE, PRAISE, BOTH, BOTH], 0.7: [PRAISE] * 4}


def fill_talk(store: Store) -> list[Run]:
    """The runs at 0.5, 0.3 and 0.7: the one to tell of first."""
    runs = {
        sparsity: fill(
            store,
            spec(sparsity, evaluation={"samples": 4}),
            sets=SETS,
            texts={"dense": DENSE, "pruned": texts},
        )
        for sparsity, texts in PRUNED.items()
    }
    return [runs[0.5], runs[0.3], runs[0.7]]
