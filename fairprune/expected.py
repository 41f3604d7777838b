"""The spec that a run will have, told at once: so that a form knows what is stored already before anything is checked."""

from __future__ import annotations

from fairprune import catalogue
from fairprune.labels.labeller import MODEL
from fairprune.preflight.asked import evaluated_sets
from fairprune.spec import RunSpec
from fairprune.store import Run, Store


def expected_spec(spec: RunSpec) -> RunSpec | None:
    """The checked spec of an unchecked one (`plan_run(checked=False)`), where no weight must be read for it and no hub asked.

    It is the one that `plan_run` gives, unless `plan_run` refuses. None where it cannot be told yet: weights that were never
    hashed, a model or a corpus that is not here, a label model.

    Raises:
        BadInput: a model that cannot be, or opinions that cannot be drawn.
    """
    source = catalogue.resolve(spec.model.name)
    identity = catalogue.known_identity(source)
    sets = evaluated_sets(spec.evaluation)
    if identity is None or not sets or spec.metrics.labels.startswith(MODEL):
        return None
    asked = spec.evaluation.samples
    name = source.name if source.kind != "folder" else source.place
    return spec.model_copy(
        update={
            "model": spec.model.model_copy(update={"name": name, "identity": identity}),
            "evaluation": spec.evaluation.model_copy(update={"samples": min(asked or len(sets), len(sets))}),
        }
    )


def stored_run(spec: RunSpec, store: Store) -> Run | None:
    """The stored run of an unchecked spec, as far as that can be told at once; None where there is none.

    Raises:
        BadInput: as `expected_spec`. StoreError: the database cannot be read.
    """
    wanted = expected_spec(spec)
    found = store.runs_of([wanted.id]) if wanted is not None else []
    return found[0] if found else None
