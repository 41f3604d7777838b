"""Questions to the explorer of a device and its answers: small rows that are gone after a while."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Row, delete, insert, select, update

from fairprune.store.database import Database, from_document, now, plain, to_document
from fairprune.store.tables import explorations
from fairprune.store.values import Exploration, ExplorationState

KEPT = timedelta(hours=1)
"""How long an answer stays readable after it was asked for."""
PATIENCE = timedelta(seconds=60)
"""How long a question waits for an explorer. Who asked is told then that none came."""
OPEN: tuple[ExplorationState, ...] = ("waiting", "working")
NOBODY = (
    f"No explorer took the question within {PATIENCE.seconds} s: change the setting, or draw the page again."
)


class Explorations(Database):
    """The part of the store that pages ask through and an explorer answers through."""

    def ask(self, asker: str, device: str, request: dict[str, Any]) -> int:
        """Asks; the number of the question. What the same asker asked before and has no answer yet is superseded.

        Args:
            asker: who asks, such as a browser's session; others' questions are left alone.
        """
        text = to_document(request, "the question")

        def work(connection: Connection) -> int:
            time = now()
            connection.execute(delete(explorations).where(explorations.c.created < time - KEPT))
            connection.execute(
                update(explorations)
                .where(explorations.c.asker == asker, explorations.c.state.in_(OPEN))
                .values(state="superseded", finished=time)
            )
            values = {"asker": asker, "device": device, "request": text, "created": time}
            made = connection.execute(
                insert(explorations).values(state="waiting", message="", **values)
            ).inserted_primary_key
            assert made is not None
            return int(made[0])

        return self._change(work)

    def exploration(self, number: int) -> Exploration | None:
        """The question and what is answered of it so far; None when it is gone."""
        chosen = select(explorations).where(explorations.c.id == number)
        row = self._read(lambda c: c.execute(chosen).first())
        return None if row is None else _exploration(row)

    def exploration_waits(self, device: str) -> bool:
        """Whether somebody on this device waits for an explorer to begin."""
        chosen = select(explorations.c.id).where(*_waiting(device)).limit(1)
        return self._read(lambda c: c.scalar(chosen)) is not None

    def take_exploration(self, device: str) -> Exploration | None:
        """The device's oldest waiting question, now at work; None when none waits."""
        if not self.exploration_waits(
            device
        ):  # asked often, mostly in vain: a look does not wait for a writer
            return None

        def work(connection: Connection) -> int | None:
            found: int | None = connection.scalar(
                select(explorations.c.id)
                .where(*_waiting(device))
                .order_by(explorations.c.id)
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            if found is not None:
                connection.execute(
                    update(explorations).where(explorations.c.id == found).values(state="working")
                )
            return found

        number = self._change(work)
        return None if number is None else self.exploration(number)

    def exploration_is_wanted(self, number: int) -> bool:
        """Whether the answer at work is still waited for: nothing newer has superseded it, nobody has ended it."""
        chosen = select(explorations.c.state).where(explorations.c.id == number)
        return self._read(lambda c: c.scalar(chosen)) == "working"

    def tell(self, number: int, message: str) -> bool:
        """What the explorer does for this question at the moment. False: it is not wanted any more."""
        return self._answer(number, {"message": plain(message)})

    def answer(self, number: int, part: Literal["masks", "perplexity"], value: dict[str, Any]) -> bool:
        """Stores a part of the answer. False: it is not wanted any more, and nothing was stored."""
        return self._answer(number, {part: to_document(value, f"the {part} of exploration {number}")})

    def end_exploration(self, number: int, error: str | None = None) -> bool:
        """Ends the question at work: answered, or failed with a sentence. False: it had ended before."""
        values = {"state": "done" if error is None else "failed", "finished": now()}
        return self._answer(number, {**values, "error": None if error is None else plain(error)})

    def _answer(self, number: int, values: dict[str, Any]) -> bool:
        chosen = update(explorations).where(explorations.c.id == number, explorations.c.state == "working")
        return self._change(lambda c: c.execute(chosen.values(**values)).rowcount) == 1

    def refuse_explorations(self, device: str, error: str, states: Sequence[ExplorationState] = OPEN) -> int:
        """Ends all questions of the device in these states with the same sentence. How many there were."""
        here = (explorations.c.device == device, explorations.c.state.in_(states))
        if self._read(lambda c: c.scalar(select(explorations.c.id).where(*here).limit(1))) is None:
            return 0
        chosen = update(explorations).where(*here)
        values = {"state": "failed", "finished": now(), "error": plain(error)}
        return self._change(lambda c: c.execute(chosen.values(**values)).rowcount)


def _waiting(device: str) -> tuple[Any, ...]:
    return (
        explorations.c.device == device,
        explorations.c.state == "waiting",
        explorations.c.created > now() - PATIENCE,
    )


def _exploration(row: Row[Any]) -> Exploration:
    def document(part: str) -> Any:
        text = getattr(row, part)
        return None if text is None else from_document(text, f"the {part} of exploration {row.id}")

    state, error = row.state, row.error
    if state == "waiting" and row.created < now() - PATIENCE:
        state, error = "failed", NOBODY
    return Exploration(
        number=row.id,
        asker=row.asker,
        device=row.device,
        request=document("request"),
        state=state,
        created=row.created,
        finished=row.finished,
        message=row.message,
        masks=document("masks"),
        perplexity=document("perplexity"),
        error=error,
    )
