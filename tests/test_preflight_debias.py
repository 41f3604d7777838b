"""What edits, recoveries and DENP add to an estimate: memory of their stages by hand, time that follows their work."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fairprune.debias_spec import EditSpec, RecoverySpec
from fairprune.plan import plan_run
from fairprune.preflight import estimate
from fairprune.preflight.debias import (
    MEASURED,
    NOTHING_ADDED,
    PATH_STEPS,
    READ_TOKENS,
    Added,
    added,
    importance_bytes,
    recovery_bytes,
)
from fairprune.preflight.several import estimate_sweep
from fairprune.stages import EDIT, RECOVERY
from tests.debias_runs import own_sets
from tests.test_preflight import WORK, parts, told
from tests.toy_corpus import import_toy


def spec_of(folder, **values):
    return plan_run(
        model=str(folder),
        method="wanda",
        corpus=import_toy(),
        seqlen=160,
        device="cpu",
        checked=False,
        **values,
    )


def test_a_run_without_either_is_estimated_as_before(tiny_folder):
    assert added(spec_of(tiny_folder), True) == NOTHING_ADDED
    assert not any(NOTHING_ADDED.forward.values()) and not NOTHING_ADDED.gradient
    assert not {EDIT, RECOVERY} & set(told())


def test_memory_of_both_stages_by_hand():
    work = replace(WORK, added=Added(EditSpec(), RecoverySpec(batch_size=2, seqlen=8), ()))
    found = told(work)
    # 800 weights in bfloat16: moments 8, gradient 2, copy 2, mask 1, float32 master 4.
    assert recovery_bytes(800, 2) == 800 * 17
    assert recovery_bytes(800, 4) == 800 * 17
    assert parts(found[RECOVERY])["gradient, moments and copies"] == 800 * 17
    # 2 windows of 8 tokens, 30 words, two copies in bfloat16 and three in float32.
    assert parts(found[RECOVERY])["logits"] == 2 * 8 * 30 * (2 * 2 + 3 * 4)
    assert parts(found[EDIT])["importance sums"] == importance_bytes(800) == 6400
    words = replace(work, added=Added(None, RecoverySpec(kind="nc3", parameters="words"), ()))
    assert "gradient, moments and copies" not in parts(told(words)[RECOVERY])


def test_both_stages_have_the_whole_model_on_an_accelerator():
    work = replace(WORK, added=Added(EditSpec(), RecoverySpec(), ()))
    for stage in (EDIT, RECOVERY):
        found = told(work, device="cuda", placement="streamed")[stage]
        assert {part.name: part.bytes for part in found.accelerator}["weights"] == 2200


def test_what_denp_reads_is_counted_per_window_and_step(tiny_folder):
    both = spec_of(
        tiny_folder,
        calibration="denp",
        calibration_samples=8,
        recovery={"kind": "denp", "samples": 20, "seqlen": 100},
    )
    assert added(both, True).followed == (8 * 160 + 20 * 100) * (1 + PATH_STEPS)
    # A method that reads no windows weighs none.
    assert added(both, False).path_windows == ((20, 100),)


@pytest.mark.parametrize("values", [{"edit": {}}, {"recovery": {}}, {"recovery": {"kind": "denp"}}])
def test_time_of_the_stages_and_more_for_more_work(tiny_folder, values):
    plain, more = estimate(spec_of(tiny_folder)), estimate(spec_of(tiny_folder, **values))
    stage = EDIT if "edit" in values else RECOVERY
    assert stage not in plain.time.stages and more.time.stages[stage] > 0
    longer = {name: {**part, "seed": 1} for name, part in values.items()}
    longer[next(iter(values))] |= {"samples": 64} if "edit" in values else {"steps": 600}
    assert estimate(spec_of(tiny_folder, **longer)).time.stages[stage] > more.time.stages[stage] * 0.5
    assert stage in {one.name for one in more.stages}


def test_the_work_of_an_edit_follows_its_sets(tiny_folder):
    packaged = added(spec_of(tiny_folder, edit={}), True)
    assert packaged.prompts == 80
    own = added(spec_of(tiny_folder, edit=own_sets(12)), True)
    assert own.prompts == 6
    assert own.forward[EDIT] / packaged.forward[EDIT] == pytest.approx(6 / 80)
    # Five models are measured in either order: the dense one after pruning, the pruned one before it.
    before = added(spec_of(tiny_folder, edit={"order": "before"}), True)
    assert before.forward == packaged.forward and before.decoded == packaged.decoded
    assert own.gradient[EDIT] == 3 * 6 * READ_TOKENS and own.decoded < packaged.decoded / 10
    assert added(spec_of(tiny_folder, edit={"first": "file:" + 16 * "0"}), True).prompts == MEASURED


def test_statistics_of_an_edited_model_are_not_shared(tiny_folder):
    options = {"options": {"propagate": "dense"}}
    plain, after = spec_of(tiny_folder, **options), spec_of(tiny_folder, edit={}, **options)
    before = spec_of(tiny_folder, edit={"order": "before"}, **options)
    disk = [estimate_sweep([plain, other]).disk_bytes for other in (after, before)]
    assert disk[0] <= disk[1]
