"""What every source of labels can do, and which one a spec asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from fairprune.labels.sentences import SentenceLabel

if TYPE_CHECKING:
    from fairprune.labels.embeddings import Embedder
    from fairprune.opinions import Opinion, OpinionSet
    from fairprune.spec import MetricSpec
    from fairprune.uncertainty import FloatArray

GIVEN, MODEL = "given", "model:"


class Labeller(Protocol):
    """A packaged classifier, a model of the user's, or the data's own labels."""

    @property
    def groups(self) -> tuple[str, ...]:
        """All groups of the corpus."""

    @property
    def report(self) -> dict[str, Any]:
        """Held-out report, JSON-serialisable: `source`, and either an `accuracy` or a `reason`."""

    def label(self, sentences: Sequence[str], none_below: float) -> list[SentenceLabel]:
        """A label per sentence, in order."""


@runtime_checkable
class Probabilistic(Labeller, Protocol):
    """A labeller that can say how likely every group is."""

    def probabilities(self, texts: Sequence[str]) -> FloatArray:
        """(n, groups), rows in [0, 1]."""


def checked(spec: MetricSpec, groups: Sequence[str]) -> MetricSpec:
    """`spec` as a run keeps it: a label model is looked at, and what its weights are is written down.

    Raises:
        BadInput, Unavailable: the model cannot be had here, or its labels fit no group.
    """
    if not spec.labels.startswith(MODEL):
        return spec
    from fairprune import catalogue
    from fairprune.labels.model import check

    source = check(spec.labels.removeprefix(MODEL), groups, spec.label_map)
    name = source.place if source.kind == "folder" else source.name
    identity = catalogue.identity(source)
    return spec.model_copy(update={"labels": MODEL + name, "labels_identity": identity})


def make_labeller(
    spec: MetricSpec,
    opinions: Sequence[Opinion],
    groups: Sequence[str],
    embed: Embedder,
    sets: Sequence[OpinionSet] = (),
    report: Callable[[str], None] = lambda _: None,
) -> tuple[Labeller | None, str | None]:
    """What `spec.labels` names, or None and the reason why there is none.

    Args:
        opinions: of the corpus's train split.
        embed: of the packaged classifier.
        sets: whose opinions keep their own groups where the spec says 'given'.
        report: called with a line of text where a model is fetched.

    Raises:
        BadInput, Unavailable: the model that the spec names cannot be had, or its labels fit no group.
    """
    if spec.labels.startswith(MODEL):
        from fairprune.labels.model import load_labels

        name = spec.labels.removeprefix(MODEL)
        model = load_labels(
            name,
            opinions,
            groups,
            label_map=spec.label_map,
            identity=spec.labels_identity,
            none_below=spec.none_below,
            seed=spec.seed,
            report=report,
        )
        return model, None
    from fairprune.labels.classifier import train_classifier

    found, reason = train_classifier(opinions, groups, embed, seed=spec.seed, none_below=spec.none_below)
    if spec.labels == GIVEN:
        from fairprune.labels.given import given_labels, opinion_rows

        return given_labels(groups, opinion_rows(sets), found), None
    return found, reason
