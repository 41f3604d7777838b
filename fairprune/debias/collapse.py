"""One forward pass over held-out windows → the class sums of every list of words (`collapse_measures.py`).

No feature is stored: each batch adds to sums and is gone. Only the decoder runs, not the output matrix over the whole vocabulary,
so that the pass costs about what a bare forward does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from fairprune.debias.collapse_measures import Totals
from fairprune.debias.moving import output_matrix
from fairprune.errors import BadInput, Unavailable
from fairprune.models import LoadedModel
from fairprune.perplexity import BATCH_TOKENS

CLUSTERS = 32
"""Clusters of windows that resampling draws from, at most."""
Report = Callable[[int, int, str], None]


def class_totals(
    loaded: LoadedModel,
    ids: NDArray[np.integer],
    lists: Mapping[str, Sequence[int]],
    *,
    whole: Sequence[str] = (),
    report: Report = lambda *_: None,
) -> dict[str, Totals]:
    """The class sums of the model, as it is now.

    NC4 needs class means before it can ask for the nearest: every other window comes first and makes them, the other windows are judged
    by them. It asks which word *of the list* the output matrix puts first and which one's mean is nearest, at tokens whose next token
    is in the list.

    Args:
        ids: int (windows, tokens), no padding; the next token is the label.
        lists: name → token ids, each once; ids that are never the next token have zero features.
        whole: lists of which one cluster is kept, because they are large; no resampling for these.
        report: called after every batch with the windows done, all windows, and a line of text.

    Raises:
        BadInput: windows of fewer than 2 tokens, a model whose output matrix reads something else than the decoder's output.
        Unavailable: the model's blocks rest on the host, or the device has too little memory.
    """
    if loaded.streamed:
        raise Unavailable(
            "the collapse report needs the whole model on the device: use the placement 'resident'"
        )
    windows, tokens = ids.shape
    if tokens < 2 or not windows:
        raise BadInput(
            f"windows for the collapse report have shape {ids.shape}: give one at least, of 2 tokens or more"
        )
    _check_output(loaded, ids[:1, :2])
    clusters = min(windows, CLUSTERS)
    sums = {
        name: _Sums(loaded, one, clusters, resampled=name not in whole)
        for name, one in lists.items()
        if len(one)
    }
    order = [*range(0, windows, 2), *range(1, windows, 2)]
    first_half = -(-windows // 2)
    step = max(1, BATCH_TOKENS // tokens)
    # No batch holds windows of both halves.
    starts = [*range(0, first_half, step), *range(first_half, windows, step)]
    try:
        for start, end in zip(starts, [*starts[1:], windows], strict=True):
            if start == first_half:
                for one in sums.values():
                    one.begin_to_judge()
            batch = np.array(order[start:end])
            window_ids = torch.from_numpy(ids[batch].astype(np.int64)).to(loaded.device)
            with torch.no_grad():
                features = loaded.model.base_model(input_ids=window_ids, use_cache=False).last_hidden_state
            cluster = torch.from_numpy(batch * clusters // windows).to(loaded.device)
            for one in sums.values():
                one.add(features[:, :-1], window_ids[:, 1:], cluster)
            report(end, windows, f"Neural Collapse: window {end} of {windows}")
    except torch.OutOfMemoryError as error:
        raise Unavailable(
            f"windows of {tokens} tokens do not fit the memory of {loaded.device}: use shorter ones"
        ) from error
    return {name: sums[name].totals() if name in sums else _none(loaded, clusters) for name in lists}


def _check_output(loaded: LoadedModel, ids: NDArray[np.integer]) -> None:
    """Raises BadInput when the output matrix does not read what the decoder returns."""
    seen: list[torch.Tensor] = []
    handle = output_matrix(loaded).register_forward_pre_hook(lambda _layer, args: seen.append(args[0]))
    try:
        with torch.no_grad():
            window = torch.from_numpy(ids.astype(np.int64)).to(loaded.device)
            loaded.model(input_ids=window, use_cache=False)
            state = loaded.model.base_model(input_ids=window, use_cache=False).last_hidden_state
    finally:
        handle.remove()
    if len(seen) != 1 or seen[0].shape != state.shape or not torch.allclose(seen[0], state, equal_nan=True):
        raise BadInput(
            f"the output matrix of {type(loaded.model).__name__} reads something else than the decoder's last hidden state: "
            "Neural Collapse is not defined for it here"
        )


class _Sums:
    """Class sums of one list on their way."""

    def __init__(self, loaded: LoadedModel, ids: Sequence[int], clusters: int, *, resampled: bool) -> None:
        layer = output_matrix(loaded)
        weight: torch.Tensor = layer.weight.data  # type: ignore[assignment]
        device = loaded.device
        self.ids = torch.tensor(ids, device=device)
        self.place = torch.full((len(weight),), -1, dtype=torch.int64, device=device)
        self.place[self.ids] = torch.arange(len(ids), device=device)
        self.rows = weight[self.ids].double()
        bias = getattr(layer, "bias", None)
        self.bias = torch.zeros(len(ids), device=device) if bias is None else bias.data[self.ids]
        self.clusters, self.resampled = clusters, resampled
        parts = clusters if resampled else 1
        self.counts = torch.zeros(parts * len(ids), dtype=torch.int64, device=device)
        self.squares = torch.zeros(parts * len(ids), dtype=torch.float64, device=device)
        self.sums = torch.zeros(parts * len(ids), weight.shape[1], dtype=torch.float64, device=device)
        self.agreed = torch.zeros(clusters, dtype=torch.int64, device=device)
        self.judged = torch.zeros(clusters, dtype=torch.int64, device=device)
        self.known: torch.Tensor | None = None
        """Classes whose means are the judge's."""
        self.means = self.rows

    def begin_to_judge(self) -> None:
        """From here on tokens are judged by the means so far."""
        size = len(self.ids)
        counts = self.counts.reshape(-1, size).sum(dim=0)
        self.known = counts.nonzero()[:, 0]
        sums = self.sums.reshape(-1, size, self.sums.shape[1]).sum(dim=0)
        self.means = sums[self.known] / counts[self.known, None]

    def add(self, features: torch.Tensor, labels: torch.Tensor, cluster: torch.Tensor) -> None:
        """Args:
        features: (windows, tokens, width).
        labels: (windows, tokens), the next tokens.
        cluster: (windows,).
        """
        place = self.place[labels]
        hit = place >= 0
        found, place = features[hit].double(), place[hit]
        of = cluster[:, None].expand_as(labels)[hit]
        slot = place + of * len(self.ids) if self.resampled else place
        self.counts.index_add_(0, slot, torch.ones_like(slot))
        self.squares.index_add_(0, slot, found.square().sum(dim=1))
        self.sums.index_add_(0, slot, found)
        if self.known is not None and len(self.known):
            self._judge(found, of)

    def _judge(self, found: torch.Tensor, of: torch.Tensor) -> None:
        """Does the output matrix choose the class whose mean is nearest? Among the classes that have a mean."""
        chosen = (found @ self.rows[self.known].T + self.bias[self.known]).argmax(dim=1)
        # ‖h − μ‖² without ‖h‖², which is the same for all classes.
        nearest = (self.means.square().sum(dim=1) - 2 * found @ self.means.T).argmin(dim=1)
        self.judged.index_add_(0, of, torch.ones_like(of))
        self.agreed.index_add_(0, of, (chosen == nearest).long())

    def totals(self) -> Totals:
        size, width = len(self.ids), self.sums.shape[1]
        return Totals(
            ids=self.ids.cpu().numpy(),
            rows=self.rows.cpu().numpy(),
            counts=self.counts.reshape(-1, size).cpu().numpy(),
            sums=self.sums.reshape(-1, size, width).cpu().numpy(),
            squares=self.squares.reshape(-1, size).cpu().numpy(),
            agreed=self.agreed.cpu().numpy(),
            judged=self.judged.cpu().numpy(),
        )


def _none(loaded: LoadedModel, clusters: int) -> Totals:
    """The totals of an empty list."""
    width = output_matrix(loaded).weight.shape[1]  # type: ignore[index]
    counted = np.zeros(clusters, dtype=np.int64)
    return Totals(
        ids=np.zeros(0, np.int64),
        rows=np.zeros((0, int(width))),
        counts=np.zeros((clusters, 0), np.int64),
        sums=np.zeros((clusters, 0, int(width))),
        squares=np.zeros((clusters, 0)),
        agreed=counted,
        judged=counted,
    )
