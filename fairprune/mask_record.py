"""What a run keeps of its masks, written while it prunes: bits for the file, details for the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fairprune import mask_files
from fairprune.errors import Unavailable
from fairprune.mask_details import Competition, Describe, describer, result_kind
from fairprune.structure import attention_of

if TYPE_CHECKING:
    from fairprune.methods import Method, Options
    from fairprune.models import LoadedModel
    from fairprune.prune import LayerPruned
    from fairprune.store import Store


def competition(method: Method, options: Options, pattern: tuple[int, int] | None) -> Competition:
    """Within what the scores of a matrix compete, under these options."""
    if pattern is not None:
        return Competition("pattern", pattern[1], pattern[0])
    within = method.compared_within(options)
    if within == "block":
        return Competition("columns", int(getattr(options, "block_size")))  # noqa: B009 - an option of methods that solve
    return Competition(within)


class MaskRecord:
    """The masks of one run on their way to the disk."""

    def __init__(self, store: Store, run_id: str, loaded: LoadedModel) -> None:
        from fairprune.models import weight_matrix

        self._store, self._run_id = store, run_id
        self._attention = attention_of(loaded.model.config)
        self._weights = sum(weight_matrix(layer).numel() for layer in loaded.linears().values())
        self._packed: dict[str, NDArray[np.uint8]] = {}
        self._columns: dict[str, int] = {}
        self._details: dict[int, dict[str, dict[str, Any]]] = {}
        """Block → details of its matrices; one block at a time."""

    @property
    def keeps(self) -> bool:
        """Whether the masks themselves are kept: up to a number of weights."""
        return self._weights <= mask_files.LIMIT_WEIGHTS

    def describe(self, method: Method, options: Options, pattern: tuple[int, int] | None) -> Describe:
        """What `prune` calls for each matrix."""
        return describer(self._attention, competition(method, options, pattern))

    def add(self, event: LayerPruned) -> None:
        """A pruned matrix. The details of a block are stored when the next one begins."""
        name = event.report.name
        if event.block not in self._details:
            self._store_details()
        if self.keeps:
            self._packed[name] = mask_files.pack(event.keep.numpy())
            self._columns[name] = event.report.columns
        if event.details is not None:
            self._details.setdefault(event.block, {})[name] = event.details

    def drop(self, name: str, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> None:
        """Takes single weights out of the mask of a matrix that was added: an edit has set them to zero since.

        Details were told of the mask as pruning made it, and stay so.
        """
        if name in self._packed:
            keep = np.unpackbits(self._packed[name], axis=1, count=self._columns[name]).view(np.bool_)
            keep[rows, columns] = False
            self._packed[name] = mask_files.pack(keep)

    def _store_details(self) -> None:
        for block, found in self._details.items():
            self._store.put_result(self._run_id, result_kind(block), found)
        self._details = {}

    def close(self) -> str:
        """Writes what is left. Returns a line for the run's log: what was kept, or why not."""
        self._store_details()
        if not self.keeps:
            return (
                f"the masks are not kept: {self._weights:,} weights are more than {mask_files.LIMIT_WEIGHTS:,}, so that overlap "
                "with other runs cannot be shown"
            )
        try:
            mask_files.write(self._run_id, self._packed, self._columns)
        except Unavailable as error:
            return f"{error}: overlap with other runs cannot be shown"
        finally:
            self._packed = {}
        return f"masks kept: {self._weights / 8e6:.1f} MB for {self._weights:,} weights"
