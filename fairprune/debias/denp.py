"""DENP for a language model: whose loss rises most along pruning, without group labels; weights that make up for it.

Read (abstract, the authors' figure): pruning amplifies bias; the confidence of each sample along pruning, accumulated,
tells samples that conflict with a bias from those that follow it; a sparse and debiased network comes from it.
Reconstructed, since the paper's formulas could not be read: texts of a language model differ in entropy, so it is the *rise* of the
loss that is accumulated, RAC_i = mean_k [nll_k(i) − nll_0(i)] over Wanda at growing sparsities without training; 2-means on RAC with
refusal (`fairprune.debias.split`); the tokens of both sets weigh alike afterwards (`fairprune.debias.denp_weights`).

Source: IEEE TIP 2026, doi 10.1109/TIP.2026.3687070.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fairprune.allocation import Target
from fairprune.calibration import CalibrationSet
from fairprune.debias.auroc import RESAMPLES, compare_auroc, estimate_json
from fairprune.debias.denp_weights import set_weights, spread, token_shares
from fairprune.debias.split import Split, two_means
from fairprune.errors import BadInput, NumericError, Unavailable
from fairprune.methods import get_method
from fairprune.models import LoadedModel
from fairprune.opinions import Opinion
from fairprune.perplexity import BATCH_TOKENS, loss_parts
from fairprune.prune import Calibration
from fairprune.statistics import ModelStatistics
from fairprune.study import Arm, ArmPruned, study
from fairprune.tokens import TextTokenizer
from fairprune.uncertainty import FloatArray, draw_resamples, estimate, weighted_mean

NAME = "DENP (after the abstract; reconstruction)"
PATH = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
"""Sparsities of Wanda, without training."""
LEAST_TOKENS = 5
"""Of an opinion in a window: the loss of fewer says nothing of it."""
MOST_AFFECTED = 10
"""Texts that are shown: a high RAC can also mean noise."""
NOISE = "A high RAC can also mean that a text is noise: read the most affected texts before the weights are trusted."
UNPREDICTED = "there is no label of this text set that was held back"

Report = Callable[[int, int, str], None]


def _silent(_done: int, _total: int, _line: str) -> None:
    pass


@dataclass(frozen=True)
class Text:
    """One text as a row of tokens."""

    text: str
    """As it is shown."""
    ids: tuple[int, ...]
    counts: tuple[bool, ...]
    """Tokens whose loss counts, one per id; the first token is never predicted and never counts."""
    group: str | None = None
    """A label that is held back: it is compared with the split afterwards, and never read by it."""
    topic: str = ""
    """Of which intervals resample; texts of none stand for themselves."""
    window: int | None = None
    """Row of the calibration window that it stands in."""
    opinion: str = ""
    """The same in all places of one opinion, also where a window cuts it; empty: the text itself."""


def window_texts(windows: CalibrationSet) -> list[Text]:
    """The opinions in the windows of a calibration set, each read where it stands; of other sets the windows themselves.

    An opinion in several windows is there once per place: `find_affected` makes one value of them. A place of fewer than
    `LEAST_TOKENS` is left out.
    """
    found = []
    for row, ids in enumerate(windows.ids.tolist()):
        opinions = [(s, place) for s, place in windows.places(row) if s.kind == "opinion"]
        if opinions:
            for segment, place in opinions:
                if segment.tokens >= LEAST_TOKENS:
                    counts = tuple(place.start <= token < place.stop for token in range(len(ids)))
                    opinion = segment.opinion or segment.text
                    found.append(
                        Text(segment.text, tuple(ids), counts, segment.group, segment.topic, row, opinion)
                    )
        else:
            counted = [True] * len(ids) if windows.loss_mask is None else windows.loss_mask[row].tolist()
            text = " ".join(segment.text for segment in windows.windows[row])
            found.append(Text(text, tuple(ids), (False, *counted[1:]), None, f"window {row}", row))
    return found


def opinion_texts(tokenizer: TextTokenizer, opinions: Sequence[Opinion]) -> list[Text]:
    """Each opinion alone, without a prompt; those of fewer than two tokens are left out."""
    found = []
    for opinion in opinions:
        ids = [*tokenizer.bos, *tokenizer.encode(opinion.text)]
        if len(ids) > 1:
            counts = (False, *(True for _ in ids[1:]))
            found.append(Text(opinion.text, tuple(ids), counts, opinion.group, opinion.topic))
    return found


def text_losses(
    loaded: LoadedModel, texts: Sequence[Text], on_text: Callable[[int, int], None] = lambda *_: None
) -> FloatArray:
    """Mean negative log-likelihood of each text's counted tokens in nats, (n,), from float32 logits.

    Rows of tokens of equal length share a forward pass, and texts in one window its row; nothing is padded.

    Raises:
        BadInput: a text without counted tokens.
        Unavailable: a model whose blocks rest on the host.
        NumericError: a loss that is not finite.
    """
    if loaded.streamed:
        raise Unavailable("losses of texts need the whole model on the device: use the placement 'resident'")
    found = np.empty(len(texts))
    members: dict[tuple[int, ...], list[int]] = {}
    for index, text in enumerate(texts):
        if not any(text.counts[1:]):
            raise BadInput(
                f"no token of the text {text.text[:60]!r} counts: its loss needs one beside the first"
            )
        members.setdefault(text.ids, []).append(index)
    done = 0
    for length, same in groupby(sorted(members, key=len), key=len):
        rows = list(same)
        step = max(1, BATCH_TOKENS // length)
        for start in range(0, len(rows), step):
            batch = rows[start : start + step]
            for ids, losses in zip(batch, _row_losses(loaded, batch), strict=True):
                for index in members[ids]:
                    found[index] = losses[np.array(texts[index].counts[1:])].mean()
                done += len(members[ids])
            on_text(done, len(texts))
    if bad := np.flatnonzero(~np.isfinite(found)).tolist():
        raise NumericError(
            f"the loss of {len(bad)} of {len(texts)} texts is not finite (first: {texts[bad[0]].text[:60]!r}): "
            "is the model sound in this number format?"
        )
    return found


def _row_losses(loaded: LoadedModel, rows: Sequence[tuple[int, ...]]) -> FloatArray:
    """Of rows of one length: (rows, tokens − 1)."""
    ids = torch.tensor(rows, device=loaded.device)
    losses = torch.cat([part.cpu() for part in loss_parts(loaded, ids)])
    found: FloatArray = losses.double().numpy().reshape(len(rows), -1)
    return found


@dataclass(frozen=True)
class Accumulated:
    """The losses of n texts along the path."""

    path: tuple[float, ...]
    dense: FloatArray
    """(n,): nats per counted token."""
    pruned: FloatArray
    """(sparsities, n)."""

    @property
    def rac(self) -> FloatArray:
        """(n,): mean rise of the loss over the path. Below 0 where pruning helped."""
        rise: FloatArray = (self.pruned - self.dense).mean(axis=0)
        return rise


def accumulate(
    loaded: LoadedModel,
    texts: Sequence[Text],
    calibration: Calibration,
    path: Sequence[float] = PATH,
    statistics: ModelStatistics | None = None,
    report: Report = _silent,
) -> Accumulated:
    """The losses of the texts in the dense model and pruned along the path, which is dense again afterwards.

    One dense pass serves all sparsities (`fairprune.study`): Wanda, calibrated on the dense model.

    Args:
        calibration: of Wanda, without weights.
        statistics: of the dense model over these windows; collected here when missing.

    Raises:
        BadInput: no text, or a path that does not ascend within (0, 1).
        NumericError: a loss that is not finite.
    """
    if not texts:
        raise BadInput("there is no text whose loss could be followed along pruning: give at least one")
    steps = tuple(path)
    if not steps or steps[0] <= 0 or steps[-1] >= 1 or any(b <= a for a, b in pairwise(steps)):
        raise BadInput(f"the path {steps} must hold ascending sparsities within (0, 1), such as {PATH}")
    wanda = get_method("wanda")
    options = wanda.parse_options({"propagate": "dense"})
    arms = [Arm(wanda, options, Target(sparsity)) for sparsity in steps]
    visits = len(texts) * (len(steps) + 1)
    found: list[FloatArray] = []

    def measure(name: str) -> None:
        before = len(found) * len(texts)
        found.append(
            text_losses(
                loaded,
                texts,
                lambda done, n: report(before + done, visits, f"losses, {name}: text {done} of {n}"),
            )
        )

    measure("dense")
    for event in study(loaded, arms, calibration, statistics):
        if isinstance(event, ArmPruned):
            measure(f"{event.arm.target.sparsity:.0%} pruned")
    return Accumulated(steps, found[0], np.stack(found[1:]))


def pooled(
    places: Sequence[Text], losses: Accumulated
) -> tuple[tuple[Text, ...], tuple[int, ...], Accumulated]:
    """One value per opinion: (the different texts, which of them stands at each place, their losses).

    Windows reuse opinions, and each repetition would be one more value, though it says nothing new: numbers without groups
    that stand there several times look like sets. A text's loss is the mean over the counted tokens of all its places. It
    is shown as where it is longest, without a group where its places name several.
    """
    numbers: dict[str, int] = {}
    of = np.array([numbers.setdefault(text.opinion or text.text, len(numbers)) for text in places])
    tokens = np.array([sum(text.counts) for text in places], dtype=np.float64)
    share = tokens / np.bincount(of, tokens)[of]  # exactly 1 of a text that stands in one place
    texts = []
    for index in range(len(numbers)):
        own = [places[i] for i in np.flatnonzero(of == index).tolist()]
        longest = max(own, key=lambda text: sum(text.counts))
        texts.append(longest if len({text.group for text in own}) == 1 else replace(longest, group=None))
    rows = np.stack([np.bincount(of, share * row) for row in (losses.dense, *losses.pruned)]).astype(
        np.float64
    )
    return tuple(texts), tuple(of.tolist()), Accumulated(losses.path, rows[0], rows[1:])


@dataclass(frozen=True)
class Affected:
    """Different texts, their losses along pruning, and whether these fall into two sets."""

    texts: tuple[Text, ...]
    accumulated: Accumulated
    """Of each text, over all its places."""
    split: Split
    seed: int = 0
    windows: int = 0
    """How many windows the texts stand in; 0 where each is read alone."""
    places: tuple[Text, ...] = ()
    of: tuple[int, ...] = ()
    """Where the texts stand, and which of them at each place."""

    def text_weights(self) -> FloatArray:
        """(n,), mean 1: the affected set and the rest weigh alike.

        Raises:
            BadInput: the split is refused; names both numbers.
        """
        self.split.check("rises of the texts' losses along pruning (RAC)")
        return self.split.weights()

    def weights(self) -> FloatArray:
        """Of what is calibrated on or trained on, mean 1: the texts (n,), or the tokens of their windows (windows, tokens).

        In windows the opinions' tokens of both sets sum alike, and all other tokens weigh 1 (`fairprune.debias.denp_weights`).

        Raises:
            BadInput: the split is refused (names both numbers), or both sets weigh alike already.
        """
        weights = self.text_weights()
        if not self.windows:
            return weights
        own = set_weights(*self._placed())
        rows = [text.window or 0 for text in self.places]
        return spread(rows, np.array([text.counts for text in self.places]), own, self.windows)

    def shares(self) -> dict[str, Any] | None:
        """The affected set's share of the windows' opinions before and after weighing; None where nothing is weighed."""
        if not self.windows or not self.split.accepted:
            return None
        members, tokens = self._placed()
        even = 2 * tokens[members].sum() == tokens.sum()
        return token_shares(members, tokens, np.ones(len(tokens)) if even else set_weights(members, tokens))

    def _placed(self) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Of each place: whether its text is affected, and its counted tokens."""
        tokens = np.array([sum(text.counts) for text in self.places], dtype=np.int64)
        return self.split.members[list(self.of)], tokens


def find_affected(
    loaded: LoadedModel,
    texts: Sequence[Text],
    calibration: Calibration,
    path: Sequence[float] = PATH,
    *,
    statistics: ModelStatistics | None = None,
    seed: int = 0,
    report: Report = _silent,
) -> Affected:
    """`accumulate`, then 2-means with refusal on one value per different text; a refused split is a result too."""
    read = accumulate(loaded, texts, calibration, path, statistics, report)
    different, of, found = pooled(texts, read)
    return Affected(different, found, two_means(found.rac, seed), seed, 0, tuple(texts), of)


def affected_windows(
    loaded: LoadedModel, windows: CalibrationSet, *, seed: int = 0, report: Report = _silent
) -> Affected:
    """`find_affected` of the opinions in the windows of a calibration draw, with which Wanda is calibrated too."""
    plain = replace(windows, weights=None)
    found = find_affected(loaded, window_texts(plain), Calibration.of(plain), seed=seed, report=report)
    return replace(found, windows=len(windows.ids))


def rac_document(found: Affected) -> dict[str, Any]:
    """What is stored and shown, JSON-serialisable; the texts' labels are compared here for the first time."""
    rac, members = found.accumulated.rac, found.split.members
    worst = np.argsort(-rac, kind="stable")[:MOST_AFFECTED].tolist()
    return {
        "name": NAME,
        "path": list(found.accumulated.path),
        "n": len(found.texts),
        "places": len(found.places),
        "windows": found.windows or None,
        "counted_tokens": sum(sum(text.counts) for text in found.places or found.texts),
        "shares": found.shares(),
        "split": found.split.to_json(),
        "curve": _curve(found),
        "texts": [
            {
                "text": found.texts[i].text,
                "group": found.texts[i].group,
                "rac": float(rac[i]),
                "affected": bool(members[i]) if found.split.accepted else None,
                "losses": [float(found.accumulated.dense[i]), *found.accumulated.pruned[:, i].tolist()],
            }
            for i in worst
        ],
        "note": NOISE,
        "auroc": list(_aurocs(found)),
        "no_auroc": None if _labels(found) else UNPREDICTED,
    }


def _curve(found: Affected) -> dict[str, Any]:
    """Mean loss of all texts, and of both sets where the split is accepted, per sparsity from 0 on, with intervals."""
    losses = np.vstack([found.accumulated.dense, found.accumulated.pruned])
    members = found.split.members
    sets = {"all": np.ones(len(members), dtype=np.bool_)}
    if found.split.accepted:
        sets |= {"affected": members, "rest": ~members}
    topics = _topics(found)
    curve: dict[str, Any] = {"sparsities": [0.0, *found.accumulated.path], "affected": None, "rest": None}
    for name, inside in sets.items():
        rows = np.flatnonzero(inside)
        draws = draw_resamples([topics[i] for i in rows], [""] * len(rows), RESAMPLES, found.seed)
        curve[name] = [
            estimate_json(estimate(weighted_mean, step[rows][:, None], draws, limits=(0.0, np.inf)))
            for step in losses
        ]
    return curve


def _topics(found: Affected) -> list[str]:
    """Of each text; texts of no topic, or all of one, stand for themselves."""
    topics = [text.topic or f"text {index}" for index, text in enumerate(found.texts)]
    if len(set(topics)) < 2:
        return [str(index) for index in range(len(topics))]
    return topics


def _labels(found: Affected) -> list[str]:
    """The groups of the texts, where there are two at least."""
    named = sorted({text.group for text in found.texts if text.group is not None})
    return named if len(named) > 1 else []


def _aurocs(found: Affected) -> Iterator[dict[str, Any]]:
    """Per group: how well RAC tells its texts from the others, beside the dense loss; the rarest group first.

    Texts without a group, or of several, are left out.
    """
    rows = [index for index, text in enumerate(found.texts) if text.group is not None]
    groups, topics = [found.texts[i].group for i in rows], _topics(found)
    rac, dense = found.accumulated.rac[rows], found.accumulated.dense[rows]
    for group in sorted(_labels(found), key=groups.count):
        members = [other == group for other in groups]
        compared = compare_auroc(rac, dense, members, [topics[i] for i in rows], found.seed)
        yield {"group": group, **compared}
