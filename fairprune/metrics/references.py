"""Reference summaries, scored by the same code: zero is not what a summary without any bias would score."""

from __future__ import annotations

import hashlib

import numpy as np

from fairprune.opinions import OpinionSet
from fairprune.text import sentences


def random_extract(opinion_set: OpinionSet, length: float, seed: int) -> str | None:
    """Sentences of the opinions in random order, until about `length` words; None without a sentence.

    The last sentence is taken only when that brings the length nearer to `length`; at least one is taken.
    The draw depends on the seed and the set's id alone.
    """
    pool = [sentence for opinion in opinion_set.opinions for sentence in sentences(opinion.text)]
    if not pool:
        return None
    key = hashlib.sha256(f"{seed} {opinion_set.id}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(key[:8]))
    taken: list[str] = []
    total = 0
    for i in rng.permutation(len(pool)):
        more = len(pool[i].split())
        if taken and abs(total + more - length) >= abs(total - length):
            break
        taken.append(pool[i])
        total += more
    return " ".join(taken)
