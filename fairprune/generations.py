"""One system's summaries of a list of opinion sets: written into the store as they come, and reused when they are there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fairprune.errors import BadInput
from fairprune.identity import dense_id
from fairprune.models import LoadedModel
from fairprune.opinions import CorpusInfo, OpinionSet, opinion_set_id
from fairprune.prompts import summary_prompt
from fairprune.spec import EvaluationSpec, RunSpec
from fairprune.store import Store, SummaryRow
from fairprune.summarize import summarize


def in_another_order(one: OpinionSet, corpus: str) -> OpinionSet:
    """The same opinions from the last to the first, but an opinion of another group in front where there is one."""
    back = one.opinions[::-1]
    head = next((opinion for opinion in back if opinion.group != one.first_group), back[0])
    opinions = (head, *(opinion for opinion in back if opinion is not head))
    return replace(
        one,
        id=opinion_set_id(corpus, one.topic, opinions),
        first_group=head.group,
        opinions=opinions,
    )


def in_other_batches(spec: EvaluationSpec) -> EvaluationSpec:
    """The same settings with batches of half the size (of two, where one was asked for)."""
    return spec.model_copy(update={"batch_size": spec.batch_size // 2 if spec.batch_size > 1 else 2})


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


def write_again(writer: SummaryWriter, spec: RunSpec, sets: Sequence[OpinionSet]) -> dict[str, Any]:
    """The dense model's answers to the same opinions in another order and in other batches: its own noise.

    Returns:
        As `SummaryWriter.write`.
    """
    other = [in_another_order(one, writer.info.name) for one in sets]
    evaluation = in_other_batches(writer.spec)
    identity = dense_id(spec.model_copy(update={"evaluation": evaluation}), writer.loaded.dtype, other)
    return replace(writer, spec=evaluation).write("dense_again", other, identity)
