"""One system's summaries of a list of opinion sets: written into the store as they come, and reused when they are there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fairprune.errors import BadInput
from fairprune.models import LoadedModel
from fairprune.opinions import CorpusInfo, OpinionSet
from fairprune.prompts import summary_prompt
from fairprune.spec import EvaluationSpec
from fairprune.store import Store, SummaryRow
from fairprune.summarize import summarize


@dataclass(frozen=True)
class SummaryWriter:
    """Writes summaries with one model, dense or pruned as it is at that moment."""

    store: Store
    loaded: LoadedModel
    info: CorpusInfo
    spec: EvaluationSpec
    progress: Callable[[int, int, str], None]
    """(done, total, message)."""
    say: Callable[[str], None]
    """A line of the run's log."""

    def write(self, system: str, sets: Sequence[OpinionSet], generation: str) -> dict[str, Any]:
        """Writes what is not written yet, in rows as it comes.

        Returns:
            The generation's facts: id, tokens, seconds, tokens_per_second, device, dtype, batch_size, reused.

        Raises:
            BadInput: a model without tokenizer, or prompts beyond its context.
        """
        found = self.store.generation(generation)
        if found is not None:
            self.say(f"{system} summaries are stored already: reused")
            return {"id": generation, **found, "reused": True}
        tokenizer = self.loaded.tokenizer
        if tokenizer is None:
            raise BadInput(f"{self.loaded.folder} has no tokenizer.json, which summaries need")
        self.store.put_sets(sets, self.info.name)
        prompts = [
            tokenizer.prompt_ids(summary_prompt(self.info, [o.text for o in one.opinions])) for one in sets
        ]
        rows = {row.position: row for row in self.store.summaries(generation)}

        def on_token(tokens: int) -> None:
            message = f"{len(rows)} of {len(sets)} summaries, {tokens} tokens of the next"
            self.progress(len(rows), len(sets), message)

        smallest = self.spec.batch_size
        for summary in summarize(self.loaded, prompts, self.spec, done=frozenset(rows), on_token=on_token):
            row = SummaryRow(
                sets[summary.position].id,
                summary.position,
                summary.text,
                summary.tokens,
                summary.seconds,
                summary.truncated,
            )
            self.store.put_summaries(generation, [row])
            rows[row.position] = row
            if summary.halved and summary.batch_size < smallest:
                smallest = summary.batch_size
                self.say(f"out of memory: the batch was halved to {smallest}")
            self.progress(len(rows), len(sets), f"{len(rows)} of {len(sets)} summaries")
        tokens, seconds = sum(row.tokens for row in rows.values()), sum(row.seconds for row in rows.values())
        facts = {
            "tokens": tokens,
            "seconds": seconds,
            "tokens_per_second": tokens / seconds if seconds else None,
            "prompt_tokens": sum(len(prompt) for prompt in prompts),
            "device": self.loaded.device.type,
            "dtype": self.loaded.dtype,
            "batch_size": smallest,
        }
        self.store.finish_generation(generation, facts)
        return {"id": generation, **facts, "reused": False}
