"""Which systems can be compared at all: through pairs that somebody judged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from fairprune.errors import BadInput


def components(
    systems: Sequence[str], edges: Iterable[tuple[str, str]], *, strong: bool = False
) -> list[list[str]]:
    """Systems that are connected with one another, largest first; each list in the order of `systems`.

    Args:
        edges: pairs that were compared; of strong components: (winner, loser), a tie both ways.
        strong: whether every system must be reached from every other along the edges: only then is the largest likelihood finite
            without a ridge.

    Source: Ford, American Mathematical Monthly 64 (1957).

    Raises:
        BadInput: an edge with a system that is not among `systems`.

    >>> components(["a", "b", "c", "d"], [("a", "b"), ("c", "b")])
    [['a', 'b', 'c'], ['d']]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    place = {system: i for i, system in enumerate(systems)}
    listed = list(edges)
    strange = sorted({one for edge in listed for one in edge} - set(place))
    if strange:
        raise BadInput(f"{', '.join(strange)} is compared but is none of the systems {', '.join(systems)}")
    rows = np.array([place[a] for a, _ in listed], dtype=np.intp)
    columns = np.array([place[b] for _, b in listed], dtype=np.intp)
    graph = coo_array((np.ones(len(listed)), (rows, columns)), shape=(len(systems), len(systems)))
    _, labels = connected_components(graph, directed=strong, connection="strong" if strong else "weak")
    found = [[system for system in systems if labels[place[system]] == label] for label in np.unique(labels)]
    return sorted(found, key=lambda one: (-len(one), place[one[0]]))
