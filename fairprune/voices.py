"""Whom the summaries of one sample still hear, over all stored sparsities of a method.

Values for the slider of the page Summaries and of a talk. `renderer` gives the script and the style that draw them in a browser:
`fairpruneVoices.render(root, data)` with `data` as `Voices.to_json` gives it. What was not computed is None here and is not drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairprune import corpora
from fairprune.charts import group_colour, percent
from fairprune.errors import StoreError
from fairprune.headlines import headlines
from fairprune.opinions import OpinionSet
from fairprune.store import Run, Store, SummaryRow
from fairprune.text import sentences, short_name

SHAPES = 4
"""Outlines of a group's letter, one after the other; a fifth group begins anew, with another letter."""
LABELS = {"none": "no group", "mixed": "several groups"}
"""What the classifier says where it names no group → how it is shown."""
ALL = 100_000
"""Runs that are looked through at most."""
_ASSETS = Path(__file__).parent / "ui" / "assets"


@dataclass(frozen=True)
class Sentence:
    """One sentence of a summary."""

    text: str
    label: str | None = None
    """The group that the classifier hears in it, 'none' or 'mixed'; None: nobody labelled it."""
    probability: float | None = None
    """Of the label, in [0, 1]."""
    evidence: tuple[tuple[int, float], ...] | None = None
    """(position of the opinion, cosine in [0, 1]), the most similar one first; None: it was not looked for."""


@dataclass(frozen=True)
class SampleSummary:
    """What one system wrote of one opinion set, and what the evaluation says of it."""

    text: str | None
    """None: no summary was written; '': the model wrote nothing."""
    truncated: bool
    """The token limit came before any sentence end."""
    sentences: tuple[Sentence, ...]
    bur: int | None
    """1: a group falls below its threshold."""
    uer: float | None
    unscored: str | None
    """Why BUR and UER are missing."""
    fair: Mapping[str, float]
    """Group → its fair share, a fraction."""
    shares: Mapping[str, float] | None
    """Group → its share of the summary, a fraction; None: unscored."""
    degenerate: tuple[str, ...]
    """Why the summary says too little to be judged; empty: it does not."""

    @property
    def heard(self) -> frozenset[int] | None:
        """Positions of the opinions that any sentence rests on; None: nobody looked, or there is no summary."""
        if self.text is None:
            return None
        found = [sentence.evidence for sentence in self.sentences]
        if any(ground is None for ground in found):
            return None
        return frozenset(place for ground in found for place, _ in ground or ())

    def to_json(self, groups: Sequence[str]) -> dict[str, Any]:
        """For the renderer: texts as they are shown, numbers with their units."""
        return {
            "text": self.text,
            "sentences": [
                {
                    "text": one.text,
                    "group": one.label if one.label in groups else None,
                    "label": None if one.label is None else LABELS.get(one.label, one.label),
                    "probability": None if one.probability is None else percent(one.probability, 0),
                    "evidence": None if one.evidence is None else [list(pair) for pair in one.evidence],
                }
                for one in self.sentences
            ],
            "shares": self._shares(groups),
            "facts": self._facts(),
            "warnings": self._warnings(),
        }

    def _shares(self, groups: Sequence[str]) -> list[dict[str, Any]]:
        if self.shares is None:
            return []
        return [
            {
                "group": group,
                "share": self.shares.get(group),
                "fair": self.fair[group],
                "words": f"{percent(self.shares.get(group), 0)} (fair {percent(self.fair[group], 0)})",
            }
            for group in groups
            if group in self.fair
        ]

    def _facts(self) -> list[str]:
        if self.text is None:
            return []
        if self.unscored:
            return [f"BUR and UER: not scored, {self.unscored}"]
        facts = []
        if self.bur is not None:
            unfair = "a group falls below its threshold" if self.bur else "no group falls below its threshold"
            facts.append(f"BUR: {unfair}")
        if self.uer is not None:
            facts.append(f"UER: {percent(self.uer)}")
        return facts

    def _warnings(self) -> list[str]:
        found = [f"Degenerate: {', '.join(self.degenerate)}"] if self.degenerate else []
        return [*found, "Cut at the token limit, inside a sentence"] if self.truncated else found


@dataclass(frozen=True)
class Step:
    """One place of the slider: a stored run, or at 0 the dense model."""

    run_id: str
    """The run whose summary it is; for the dense model the run that it was read from."""
    asked: float
    """Sparsity, a fraction; 0 is the dense model."""
    achieved: float | None
    """The same, as counted after pruning; None where the run does not say."""
    pattern: str | None
    """'2:4' … where the sparsity comes from a pattern."""
    summary: SampleSummary

    @property
    def value(self) -> str:
        """What stands in an address: '0', '0.5'."""
        return f"{self.asked:g}"

    @property
    def label(self) -> str:
        return self.pattern or f"{100 * self.asked:g}\N{NO-BREAK SPACE}%"


@dataclass(frozen=True)
class Voices:
    """One sample over all stored sparsities of a method."""

    set_id: str
    topic: str
    model: str
    method: str
    groups: tuple[str, ...]
    """In the corpus's order."""
    opinions: tuple[tuple[str, str], ...]
    """(text, group), in the order in which the model read them."""
    steps: tuple[Step, ...]
    """By sparsity, the dense model first."""
    left_out: int = 0
    """Runs of the same settings that summarised other opinion sets: the corpus has changed between them."""

    def to_json(self) -> dict[str, Any]:
        """What `fairpruneVoices.render` draws."""
        return {
            "kind": "drag",
            "topic": self.topic,
            "model": self.model,
            "method": self.method,
            "groups": group_marks(self.groups),
            "opinions": opinions_json(self.opinions),
            "steps": [self._step(place) for place in range(len(self.steps))],
        }

    def _step(self, place: int) -> dict[str, Any]:
        step = self.steps[place]
        heard = step.summary.heard
        total = (
            "not computed"
            if heard is None
            else f"{len(heard)} of {len(self.opinions)} opinions {'still ' if place else ''}heard"
        )
        return {
            "value": step.value,
            "run": step.run_id,
            "label": step.label,
            "title": "the dense model" if place == 0 else f"pruned by {self.method}",
            "note": self._note(place),
            "summary": step.summary.to_json(self.groups),
            "heard": None if heard is None else sorted(heard),
            "fates": self.fates(place),
            "counts": self.counts(place),
            "total": total,
        }

    def _note(self, place: int) -> str:
        step = self.steps[place]
        if place == 0:
            return f"{self.model}: no weight dropped"
        if step.achieved is None:
            return f"{self.model}: how many weights were dropped is not stored"
        return f"{self.model}: {percent(step.achieved, 2)} of the weights of its linear layers dropped"

    def fates(self, place: int) -> list[str]:
        """Per opinion, why it is dark at this step: 'last heard at 30 %', 'not heard'; '' where it is heard or nobody looked."""
        heard = self.steps[place].summary.heard
        if heard is None:
            return [""] * len(self.opinions)
        return ["" if i in heard else self._last_heard(i, place) for i in range(len(self.opinions))]

    def _last_heard(self, opinion: int, place: int) -> str:
        for step in reversed(self.steps[:place]):
            if opinion in (step.summary.heard or ()):
                return f"last heard at {step.label}" if step.asked else "last heard by the dense model"
        return "not heard"

    def counts(self, place: int) -> list[dict[str, Any]]:
        """Per group with opinions in the set: how many, how many of them are heard (None: nobody looked), and both in words."""
        heard = self.steps[place].summary.heard
        found = []
        for group in self.groups:
            own = [i for i, (_, of) in enumerate(self.opinions) if of == group]
            if not own:
                continue
            n = None if heard is None else sum(i in heard for i in own)
            still = "still " if place else ""
            words = (
                "what the sentences rest on was not computed"
                if n is None
                else f"{n} of {len(own)} {still}heard"
            )
            found.append({"group": group, "of": len(own), "heard": n, "words": words})
        return found


def groups_of(corpus: str, sets: Iterable[OpinionSet]) -> tuple[str, ...]:
    """The corpus's groups in their order, then what the sets have besides: a corpus may be gone, or changed."""
    known = corpora.info(corpus).groups if corpus in corpora.names() else ()
    present = {opinion.group for one in sets for opinion in one.opinions}
    return tuple(dict.fromkeys((*known, *sorted(present))))


def letters(groups: Sequence[str]) -> dict[str, str]:
    """Group → the shortest beginning of its name, of one to three letters, that no other group has; else its number from 1.

    >>> letters(("positive", "negative", "neutral"))
    {'positive': 'P', 'negative': 'NEG', 'neutral': 'NEU'}
    """
    found = {}
    for number, group in enumerate(groups, 1):
        others = [other.upper() for other in groups if other != group]
        starts = (group.upper()[:length] for length in (1, 2, 3))
        fitting = (
            start for start in starts if start and not any(other.startswith(start) for other in others)
        )
        found[group] = next(fitting, str(number))
    return found


def group_marks(groups: Sequence[str]) -> list[dict[str, Any]]:
    """Per group its name, colour, letter and the outline of the letter: never told apart by colour alone."""
    named = letters(groups)
    return [
        {
            "name": group,
            "letter": named[group],
            "colour": group_colour(groups, group),
            "shape": place % SHAPES,
        }
        for place, group in enumerate(groups)
    ]


def opinions_json(opinions: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"text": text, "group": group} for text, group in opinions]


def sample_summary(row: SummaryRow | None, sample: Mapping[str, Any] | None) -> SampleSummary:
    """One system's summary of a sample, from its stored row and what its evaluation says; runs of earlier versions say less.

    Raises:
        StoreError: the evaluation does not fit the summary.
    """
    found = sample or {}
    text = None if row is None else row.text
    labelled = found.get("labels") or []
    grounds = found.get("evidence")
    spoken = [Sentence(*label) for label in labelled] or [Sentence(one) for one in sentences(text or "")]
    if grounds is not None and len(grounds) != len(spoken):
        raise StoreError(
            f"an evaluation has evidence for {len(grounds)} sentences of a summary of {len(spoken)}: evaluate the run again"
        )
    if grounds is not None:
        spoken = [
            Sentence(one.text, one.label, one.probability, tuple((int(i), float(s)) for i, s in ground))
            for one, ground in zip(spoken, grounds, strict=True)
        ]
    return SampleSummary(
        text=text,
        truncated=bool(row and row.truncated),
        sentences=tuple(spoken) if text is not None else (),
        bur=found.get("bur"),
        uer=found.get("uer"),
        unscored=found.get("unscored"),
        fair=found.get("p_x") or {},
        shares=found.get("p_y"),
        degenerate=tuple(found.get("degenerate") or ()),
    )


def family(run: Run, runs: Iterable[Run]) -> list[Run]:
    """The runs that ask for the same in everything but the sparsity, `run` among them; by sparsity."""
    found = {other.id: other for other in (*runs, run) if _same_but_sparsity(run, other)}
    return sorted(found.values(), key=lambda other: other.spec.pruning.sparsity)


def _same_but_sparsity(one: Run, other: Run) -> bool:
    a, b = one.spec, other.spec
    if a.pruning.method != b.pruning.method or a.calibration != b.calibration:  # most differ here
        return False
    level = {"sparsity": 0.0}
    pruning = [spec.pruning.model_copy(update=level) for spec in (a, b)]
    return pruning[0] == pruning[1] and a.model_copy(update={"pruning": b.pruning}) == b


def collect(
    store: Store, run: Run, place: int, groups: Sequence[str], runs: Iterable[Run] | None = None
) -> Voices:
    """The sample at `place` over all stored sparsities of the run's method, on the same calibration set, seed and evaluation.

    Args:
        runs: where the others are looked for; None: all done runs of the store.

    Raises:
        StoreError: the run has no summaries, or no such sample.
    """
    others = store.runs("done", ALL) if runs is None else runs
    members = family(run, others)
    known = headlines(store, [member.id for member in members])
    if run.id not in known:
        raise StoreError(f"run {run.id} has no evaluation: start it again")
    pairing = [m for m in members if m.id in known and known[m.id]["sets"] == known[run.id]["sets"]]
    evaluations = store.results("evaluation", [m.id for m in pairing])
    generations = store.results("generation", [m.id for m in pairing])
    pairing = [m for m in pairing if m.id in generations]
    if run.id not in generations:
        raise StoreError(f"run {run.id} has no summaries: start it again")
    set_ids = generations[run.id]["sets"]
    if not 0 <= place < len(set_ids):
        raise StoreError(f"there is no sample {place + 1} of {len(set_ids)}: choose one from 1 on")
    one = store.sets([set_ids[place]])[set_ids[place]]

    def summary(member: Run, system: str) -> SampleSummary:
        facts = generations[member.id]["systems"].get(system)
        rows = store.summaries(facts["id"]) if facts else []
        row = next((found for found in rows if found.position == place), None)
        return sample_summary(row, evaluations[member.id]["samples"][place].get(system))

    first = pairing[0]
    steps = [Step(first.id, 0.0, 0.0, None, summary(first, "dense"))]
    for member in pairing:
        if member.spec.pruning.sparsity > 0:  # a run that drops nothing is the dense model once more
            sparsity = known[member.id]["sparsity"]
            achieved = None if sparsity is None else float(sparsity["achieved"])
            pruning = member.spec.pruning
            pruned = summary(member, "pruned")
            steps.append(Step(member.id, pruning.sparsity, achieved, pruning.pattern, pruned))
    return Voices(
        set_id=one.id,
        topic=one.topic,
        model=short_name(run.spec.model.name),
        method=run.spec.pruning.method,
        groups=tuple(groups),
        opinions=opinions_of(one),
        steps=tuple(steps),
        left_out=len(members) - len(pairing),
    )


def opinions_of(one: OpinionSet) -> tuple[tuple[str, str], ...]:
    return tuple((opinion.text, opinion.group) for opinion in one.opinions)


def renderer() -> tuple[str, str]:
    """The script and the style sheet that draw `to_json`: plain text for a page's `<script>` and `<style>`.

    The script defines `fairpruneVoices.render(root, data, options)`; it loads nothing, and data reaches the page as text only.
    """
    return tuple((_ASSETS / name).read_text(encoding="utf-8") for name in ("voices.js", "voices.css"))  # type: ignore[return-value]
