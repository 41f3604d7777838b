"""What a run keeps of its masks, written while it prunes: bits for the file, details for the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fairprune import mask_files
from fairprune.errors import Unavailable
from fairprune.mask_details import Competition, Describe, amended, describer, result_kind
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
        self._blocks: dict[str, tuple[int, str]] = {}
        """Module name → block, and kind within it."""
        self._dropped: dict[str, int] = {}
        """Module name → weights that an edit took out of its mask."""
        self._competition: Competition | None = None

    @property
    def keeps(self) -> bool:
        """Whether the masks themselves are kept: up to a number of weights."""
        return self._weights <= mask_files.LIMIT_WEIGHTS

    def describe(self, method: Method, options: Options, pattern: tuple[int, int] | None) -> Describe:
        """What `prune` calls for each matrix."""
        self._competition = competition(method, options, pattern)
        return describer(self._attention, self._competition)

    def add(self, event: LayerPruned, edited: int = 0) -> None:
        """A pruned matrix. The details of a block are stored when the next one begins.

        Args:
            edited: weights that an edit before pruning took out of the mask since its details were told.
        """
        name = event.report.name
        self._blocks[name] = event.block, event.report.kind
        if event.block not in self._details:
            self._store_details()
        if self.keeps:
            self._packed[name] = mask_files.pack(event.keep.numpy())
            self._columns[name] = event.report.columns
        if event.details is not None:
            details = event.details
            if edited:
                details = self._amended(name, details, event.keep.numpy(), edited)
            self._details.setdefault(event.block, {})[name] = details

    def drop(self, name: str, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> None:
        """Takes single weights out of the mask of a matrix that was added: an edit has set them to zero since.

        Details are told anew of the mask without them, but for the scores, which are gone. Where masks are not kept, details stay
        those of the mask as pruning made it.
        """
        if name in self._packed:
            keep = self._keep(name)
            keep[rows, columns] = False
            self._packed[name] = mask_files.pack(keep)
            self._dropped[name] = len(rows)

    def _keep(self, name: str) -> NDArray[np.bool_]:
        return np.unpackbits(self._packed[name], axis=1, count=self._columns[name]).view(np.bool_)

    def _amended(
        self, name: str, details: dict[str, Any], keep: NDArray[np.bool_], edited: int
    ) -> dict[str, Any]:
        assert self._competition is not None  # as `describe` was asked for
        return amended(
            details, keep, self._blocks[name][1], self._attention, self._competition, edited=edited
        )

    def _amend_stored(self) -> None:
        """Details of the matrices that an edit after pruning took weights from, block by block."""
        for block in sorted({self._blocks[name][0] for name in self._dropped}):
            found = self._store.result(self._run_id, result_kind(block)) or {}
            for name, count in self._dropped.items():
                if name in found:
                    found[name] = self._amended(name, found[name], self._keep(name), count)
            self._store.put_result(self._run_id, result_kind(block), found)
        self._dropped = {}

    def _store_details(self) -> None:
        for block, found in self._details.items():
            self._store.put_result(self._run_id, result_kind(block), found)
        self._details = {}

    def close(self) -> str:
        """Writes what is left. Returns a line for the run's log: what was kept, or why not."""
        self._store_details()
        self._amend_stored()
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
