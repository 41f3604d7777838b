"""Reference summaries, scored by the same code: zero is not what a summary without any bias would score."""

from __future__ import annotations

import hashlib

import numpy as np

from fairprune.errors import BadInput
from fairprune.metrics.matchers.words import words
from fairprune.opinions import OpinionSet
from fairprune.text import sentences


def random_extract(opinion_set: OpinionSet, length: int, seed: int) -> str | None:
    """Sentences of the opinions in random order, until about `length` words; None without a sentence.

    The last sentence is taken only when that brings the length nearer to `length`. A first sentence that is too
    long alone is cut to `length` words: beside a short summary a whole sentence would be no fair match. The order
    depends on the seed and the set's id alone: a shorter extract is the beginning of a longer one.

    Raises:
        BadInput: `length` below 1.
    """
    if length < 1:
        raise BadInput(f"an extract of {length} words cannot be drawn: ask for at least 1")
    pool = [sentence for opinion in opinion_set.opinions for sentence in sentences(opinion.text)]
    if not pool:
        return None
    key = hashlib.sha256(f"{seed} {opinion_set.id}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(key[:8]))
    taken: list[str] = []
    total = 0
    for i in rng.permutation(len(pool)):
        found = words(pool[i])
        more = len(found)
        if not taken and more > length:
            return " ".join(found[:length])
        if taken and abs(total + more - length) >= abs(total - length):
            break
        taken.append(pool[i])
        total += more
    return " ".join(taken)
