"""A model and a corpus in which who loses by pruning is planted: texts that repeat a word, and texts in which a word decides the next.

The tiny model learns both, the second kind from one text in ten; repeating outlives pruning, and the rest does not. The corpus
has as many of both, so that its labels say which texts pruning hurts. Nobody reads the labels but the tests.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from fairprune.corpora.user import import_table
from tests.tiny import WORDS, make_tiny_model

COMMON, RARE = "good", "bad"
LEXICON = [word for word in WORDS if word.isalpha() and word.islower()][:32]
LENGTH, NOISE = 24, 0.04
STEPS, BATCH = 900, 32


def ways(seed: int = 0) -> dict[str, np.ndarray]:
    """Group → (words,), which word follows which."""
    words = np.arange(len(LEXICON))
    return {COMMON: words, RARE: np.random.default_rng(seed).permutation(words)}


def sentence(following: np.ndarray, rng: np.random.Generator) -> str:
    place = int(rng.integers(len(LEXICON)))
    words = []
    for _ in range(LENGTH):
        words.append(LEXICON[place])
        place = int(rng.integers(len(LEXICON))) if rng.random() < NOISE else int(following[place])
    return " ".join(words)


def planted_corpus(topics: int = 6, each: int = 24) -> str:
    """The name of the imported corpus: as many opinions of both ways on every topic."""
    rng, following = np.random.default_rng(1), ways()
    rows = [
        {"words": sentence(following[group], rng), "side": group, "film": f"movie {topic}"}
        for topic in range(topics)
        for _ in range(each)
        for group in (COMMON, RARE)
    ]
    columns = {"text": "words", "group": "side", "topic": "film"}
    return import_table("planted", pd.DataFrame(rows), columns, "review", "Reviews about a movie.").name


def planted_model(folder: Path) -> Path:
    """The tiny model, trained: one text in ten is of the rare kind."""
    import torch
    from transformers import AutoModelForCausalLM

    from fairprune.tokens import TextTokenizer

    make_tiny_model(folder)
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), TextTokenizer.from_folder(folder)
    rng, following = np.random.default_rng(2), ways()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(STEPS):
        groups = np.where(rng.random(BATCH) < 0.1, RARE, COMMON)
        ids = torch.tensor([tokenizer.encode(sentence(following[group], rng)) for group in groups])
        loss = model(input_ids=ids, labels=ids).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.save_pretrained(folder)
    return folder
