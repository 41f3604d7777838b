"""Opinions + spec → token windows of exact length, seeded; without torch, so that a page can show them.

A window is the summarisation prompt with as many opinions as fit: the opinions are cut to the token, the
instruction survives whole. Too short a text is followed by the next one; there is no padding anywhere.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairprune.errors import BadInput, Unavailable
from fairprune.opinions import Corpus, Opinion
from fairprune.prompts import SEPARATOR, after_opinions, before_opinions
from fairprune.spec import CalibrationSpec, parse_calibration
from fairprune.text import counted
from fairprune.tokens import TextTokenizer

LEAST_OPINION_TOKENS = 16  # fewer would make a window that is all instruction
C4_TEXTS = 2000  # how many texts of the C4 stream a draw chooses from


@dataclass(frozen=True)
class Segment:
    """A run of tokens of one window."""

    text: str
    kind: str
    """'prompt', 'opinion', 'separator', 'general' or 'summary'."""
    group: str | None
    tokens: int
    topic: str = ""
    """Of an opinion."""
    opinion: str = ""
    """The whole opinion, of which `text` may be the beginning: the same in all windows that hold it."""


@dataclass(frozen=True)
class CalibrationSet:
    """Token windows, and what they are made of."""

    ids: NDArray[np.int32]
    """(samples, seqlen), no padding."""
    loss_mask: NDArray[np.bool_] | None
    """(samples, seqlen): tokens of a summary; only with model-output."""
    windows: tuple[tuple[Segment, ...], ...]
    tokens_by_group: dict[str, int]
    texts_used: int
    reused: int
    """Texts used a second time because the split had no more."""
    tokens_cut: int
    """Tokens of used texts that did not fit their window."""
    notes: tuple[str, ...] = field(default=())
    texts_offered: int | None = None
    """Texts that the calibration split offers to this set."""
    texts_cut: int = 0
    """Used texts that lost tokens, because their window was full."""
    weights: NDArray[np.float64] | None = None
    """(samples,) or (samples, seqlen), mean 1: how much each window, or token, counts in the statistics; None: each once."""

    @property
    def hash(self) -> str:
        """16 hex digits of SHA-256 over the token ids, their shape, the loss mask and the weights."""
        return ids_hash(self.ids, self.loss_mask, self.weights)

    def places(self, row: int) -> Iterator[tuple[Segment, slice]]:
        """The segments of a window with the tokens that they are; a BOS before them belongs to none."""
        # A separator that did not fit whole counts whole: then the segments seem longer than the window.
        start = max(0, int(self.ids.shape[1]) - sum(segment.tokens for segment in self.windows[row]))
        for segment in self.windows[row]:
            yield segment, slice(start, start + segment.tokens)
            start += segment.tokens

    def to_json(self) -> dict[str, Any]:
        """What is stored and shown; the windows as texts."""
        return {
            "samples": int(self.ids.shape[0]),
            "seqlen": int(self.ids.shape[1]),
            "hash": self.hash,
            "tokens_by_group": self.tokens_by_group,
            "texts_used": self.texts_used,
            "texts_offered": self.texts_offered,
            "texts_cut": self.texts_cut,
            "reused": self.reused,
            "tokens_cut": self.tokens_cut,
            "padding": 0,
            "notes": list(self.notes),
            **({} if self.weights is None else self._weights_json(self.weights)),
            "windows": [
                [{"text": s.text, "kind": s.kind, "group": s.group, "tokens": s.tokens} for s in window]
                for window in self.windows
            ],
        }

    def _weights_json(self, weights: NDArray[np.float64]) -> dict[str, Any]:
        """How much each window counts as a whole; of weighed tokens, each segment too, within which all weigh alike."""
        if weights.ndim == 1:
            return {"weights": weights.tolist()}
        segments = [
            [float(weights[row, min(place.start, weights.shape[1] - 1)]) for _, place in self.places(row)]
            for row in range(len(weights))
        ]
        return {"weights": weights.mean(axis=1).tolist(), "segment_weights": segments}


def ids_hash(
    ids: NDArray[np.int32],
    loss_mask: NDArray[np.bool_] | None = None,
    weights: NDArray[np.float64] | None = None,
) -> str:
    """16 hex digits of SHA-256 over token ids, their shape, the loss mask and the weights of windows or tokens."""
    digest = hashlib.sha256(str(ids.shape).encode())
    digest.update(np.ascontiguousarray(ids, dtype="<i4").tobytes())
    if loss_mask is not None:
        digest.update(np.packbits(loss_mask).tobytes())
    if weights is not None:
        digest.update(np.ascontiguousarray(weights, dtype="<f8").tobytes())
    return digest.hexdigest()[:16]


def calibration_set(
    spec: CalibrationSpec,
    corpus: Corpus,
    tokenizer: TextTokenizer,
    summaries: Callable[[], Sequence[str]] | None = None,
) -> CalibrationSet:
    """The windows of a calibration set.

    Those of `denp` are the windows of `balanced`, without the weights: these come from the model (`fairprune.debias.denp`).

    Args:
        summaries: the dense model's summaries to calibrate on; only called for model-output.

    Raises:
        BadInput: unknown kind or group, windows too short for the instruction, not enough text.
        Unavailable: C4 cannot be reached.
    """
    kind, detail = parse_calibration(spec.name, corpus.info.groups)
    if kind in ("general", "model-output"):
        if kind == "model-output":
            if summaries is None:
                raise BadInput(
                    f"calibration set {spec.name!r} is made of the model's own summaries, which are written when the run starts"
                )
            texts, notes = list(summaries()), [f"summaries of the dense model that BUR calls {detail}"]
        else:
            texts, notes = general_texts(corpus, detail)
        return _packed(spec, texts, tokenizer, "summary" if kind == "model-output" else "general", notes)
    return _prompted(spec, corpus, tokenizer, "balanced" if kind == "denp" else kind, detail)


def general_texts(corpus: Corpus, source: str | None) -> tuple[list[str], list[str]]:
    """Texts without opinions: film plots, or C4 for `general:c4`."""
    if source == "c4":
        return _c4_texts(), [f"the first {C4_TEXTS} texts of C4 (allenai/c4, en, validation)"]
    if corpus.general:
        return list(corpus.general), ["film plots of the Rotten Tomatoes file, which hold no opinions"]
    from fairprune import corpora

    return list(corpora.load("movies").general), [
        "film plots of the Rotten Tomatoes file, which hold no opinions"
    ]


def _c4_texts() -> list[str]:
    import datasets

    try:
        stream = datasets.load_dataset("allenai/c4", "en", split="validation", streaming=True)
        return [row["text"] for row in stream.take(C4_TEXTS)]
    except (OSError, datasets.exceptions.DatasetsError) as error:
        raise Unavailable(
            "C4 cannot be read from the hub here: choose the calibration set general, which is packaged"
        ) from error


def _packed(
    spec: CalibrationSpec, texts: list[str], tokenizer: TextTokenizer, kind: str, notes: list[str]
) -> CalibrationSet:
    """Plain texts in a seeded order, one after the other, cut into windows; each window begins with BOS where there is one."""
    texts = [text for text in texts if text.strip()]
    order = list(range(len(texts)))
    random.Random(f"{spec.seed}/{spec.name}").shuffle(order)
    bos, gap = tokenizer.bos, tokenizer.encode("\n\n")
    body = spec.seqlen - len(bos)
    stream: list[tuple[int, bool, int]] = []  # (token id, belongs to a text, index of the text)
    used = 0
    for index in order:
        if len(stream) >= body * spec.samples:
            break
        if stream:
            stream += [(i, False, -1) for i in gap]
        stream += [(i, True, index) for i in tokenizer.encode(texts[index])]
        used += 1
    if len(stream) < body:
        raise BadInput(
            f"calibration set {spec.name!r} has {counted(len(texts), 'text')} with {counted(len(stream), 'token')}, "
            f"too few for one window of "
            f"{spec.seqlen}: choose another calibration set, or shorter windows"
        )
    if len(stream) < body * spec.samples:
        raise BadInput(
            f"calibration set {spec.name!r} needs {counted(spec.samples, 'window')} of {spec.seqlen} tokens, "
            f"but its {counted(len(texts), 'text')} give "
            f"{counted(len(stream), 'token')}: ask for at most {counted(len(stream) // max(body, 1), 'window')}, or shorter ones"
        )
    ids = np.empty((spec.samples, spec.seqlen), dtype=np.int32)
    mask = np.zeros((spec.samples, spec.seqlen), dtype=np.bool_)
    windows = []
    for row in range(spec.samples):
        part = stream[row * body : (row + 1) * body]
        ids[row] = bos + [token for token, _, _ in part]
        mask[row, len(bos) :] = [inside for _, inside, _ in part]
        windows.append((Segment(tokenizer.decode([token for token, _, _ in part]), kind, None, len(part)),))
    return CalibrationSet(
        ids=ids,
        loss_mask=mask if kind == "summary" else None,
        windows=tuple(windows),
        tokens_by_group={},
        texts_used=used,
        reused=0,
        tokens_cut=len(stream) - body * spec.samples,
        notes=tuple(notes),
        texts_offered=len(texts),
        texts_cut=int(len(stream) > body * spec.samples),  # windows follow one another: the last text alone
    )


def _prompted(
    spec: CalibrationSpec, corpus: Corpus, tokenizer: TextTokenizer, kind: str, group: str | None
) -> CalibrationSet:
    """Windows of the summarisation prompt, filled with opinions of one topic (then the next, where one runs out)."""
    info = corpus.info
    head, tail = tokenizer.around(before_opinions(info), after_opinions(info))
    room = spec.seqlen - len(head) - len(tail)
    if room < LEAST_OPINION_TOKENS:
        raise BadInput(
            f"windows of {spec.seqlen} tokens are too short: the instruction takes {len(head) + len(tail)}, "
            f"so at least {len(head) + len(tail) + LEAST_OPINION_TOKENS} are needed"
        )
    separator = tokenizer.encode(SEPARATOR)
    source = _OpinionSource(corpus, kind, group, spec.seed)
    ids = np.empty((spec.samples, spec.seqlen), dtype=np.int32)
    windows: list[tuple[Segment, ...]] = []
    by_group: Counter[str] = Counter()
    cut = texts_cut = 0
    for row in range(spec.samples):
        body: list[int] = []
        segments = [Segment(before_opinions(info), "prompt", None, len(head))]
        for opinion in source.window(row):
            if body:
                body += separator
                segments.append(Segment(SEPARATOR, "separator", None, len(separator)))
            tokens = tokenizer.encode(opinion.text)
            kept = tokens[: max(0, room - len(body))]
            cut += len(tokens) - len(kept)
            texts_cut += len(kept) < len(tokens)
            body += kept
            by_group[opinion.group] += len(kept)
            if kept:
                text = opinion.text if len(kept) == len(tokens) else tokenizer.decode(kept)
                segments.append(
                    Segment(text, "opinion", opinion.group, len(kept), opinion.topic, opinion.text)
                )
            if len(body) >= room:
                break
        body = body[:room]
        segments.append(Segment(after_opinions(info), "prompt", None, len(tail)))
        ids[row] = head + body + tail
        windows.append(tuple(segments))
    return CalibrationSet(
        ids=ids,
        loss_mask=None,
        windows=tuple(windows),
        tokens_by_group={name: by_group[name] for name in info.groups},
        texts_used=source.used,
        reused=source.reused,
        tokens_cut=cut,
        texts_offered=source.offered,
        texts_cut=texts_cut,
    )


class _OpinionSource:
    """Opinions of the calibration split in the group pattern of a calibration set; each at most once per window."""

    def __init__(self, corpus: Corpus, kind: str, group: str | None, seed: int) -> None:
        self.kind, self.group, self.groups = kind, group, corpus.info.groups
        self.random = random.Random(f"{seed}/{kind}/{group}")
        self.used = self.reused = 0
        pool = [o for o in corpus.splits["calibration"] if kind != "one-group" or o.group == group]
        self.offered = len(pool)
        by_topic: dict[str, list[Opinion]] = defaultdict(list)
        for opinion in pool:
            by_topic[opinion.topic].append(opinion)
        self.topics = sorted(by_topic)
        self.random.shuffle(self.topics)
        for topic in self.topics:
            self.random.shuffle(by_topic[topic])
        self.by_topic = by_topic
        self.taken: set[int] = set()
        lacking = [
            name
            for name in ([group] if kind == "one-group" else self.groups)
            if not any(o.group == name for o in pool)
        ]
        if lacking:
            raise BadInput(
                f"the calibration split of {corpus.info.name!r} has no opinion of group {lacking[0]!r}"
            )

    def window(self, row: int) -> Iterator[Opinion]:
        """Opinions for one window. Ends when every opinion was given once.

        The caller stops when the window is full; a window that every opinion together cannot fill is an error.
        """
        inside: set[int] = set()
        pattern = self._pattern(row)
        start = row % len(self.topics)
        for topic in self.topics[start:] + self.topics[:start]:
            while (opinion := self._next(topic, pattern[len(inside) % len(pattern)], inside)) is not None:
                inside.add(id(opinion))
                self.used += 1
                if id(opinion) in self.taken:
                    self.reused += 1
                self.taken.add(id(opinion))
                yield opinion
        raise BadInput(
            f"one window cannot be filled: all {len(inside)} opinions that the calibration split offers are too short together; "
            "ask for shorter windows"
        )

    def _next(self, topic: str, wanted: str | None, inside: set[int]) -> Opinion | None:
        """An opinion of this topic and group that the window does not hold yet, fresh ones first; None when there is none."""
        candidates = [
            o for o in self.by_topic[topic] if (wanted is None or o.group == wanted) and id(o) not in inside
        ]
        fresh = [o for o in candidates if id(o) not in self.taken]
        return next(iter(fresh or candidates), None)

    def _pattern(self, row: int) -> list[str | None]:
        """Groups in turn; which group stands first is counterbalanced over the windows."""
        if self.kind == "random":
            return [None]
        if self.kind == "one-group":
            return [self.group]
        if self.kind == "skewed":
            assert self.group is not None
            others = [name for name in self.groups if name != self.group]
            pattern: list[str | None] = [self.group, self.group, self.group, others[row % len(others)]]
            return pattern[row % 4 :] + pattern[: row % 4]
        turn = row % len(self.groups)
        return list(self.groups[turn:] + self.groups[:turn])
