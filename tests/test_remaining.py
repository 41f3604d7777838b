from dataclasses import replace
from datetime import UTC, datetime, timedelta

from fairprune.remaining import fraction, stage_medians, time_left, usual_seconds
from fairprune.spec import build
from fairprune.stages import STAGES
from fairprune.store import open_store
from fairprune.store.exchange import Foreign, ForeignRun

START = datetime(2025, 1, 1, tzinfo=UTC)


def spec(sparsity=0.5, method="magnitude", samples=8, seed=0):
    return build(
        model={"name": "tiny-a"},
        pruning={"method": method, "sparsity": sparsity},
        calibration={},
        evaluation={"samples": samples, "seed": seed},
    )


def run_of(wanted, **values):
    with open_store("sqlite://") as store:
        run = store.submit(wanted)[0]
    return replace(run, state="running", started=START, **values)


def test_fraction_of_a_run():
    assert fraction(run_of(spec())) == 0.0
    assert fraction(run_of(spec(), stage=STAGES[2], done=1, total=2)) == (2 + 0.5) / 8


def test_medians_are_of_runs_of_the_same_amount_and_method_where_there_are_any():
    now = run_of(spec(0.3))
    alike = [run_of(spec(0.4), seconds={"pruning": value}) for value in (1.0, 2.0, 6.0)]
    other_method = run_of(spec(0.4, "wanda"), seconds={"pruning": 100.0, "statistics": 7.0})
    larger = run_of(spec(samples=60), seconds={"pruning": 1000.0})
    assert stage_medians([*alike, other_method, larger], now) == {"pruning": 2.0}
    assert stage_medians([other_method, larger], now) == {"pruning": 100.0, "statistics": 7.0}
    assert stage_medians([larger], now) == {}


def test_usual_seconds_are_of_finished_runs_of_the_same_model_and_device():
    with open_store("sqlite://") as store:
        first = store.submit(spec(0.3))[0]
        store.claim("cpu", 1)
        store.stage_seconds(first.id, "pruning", 3.0)
        now = store.submit(spec(0.4))[0]
        assert usual_seconds(store, now) == {}  # the first is still running
        store.finish(first.id, "done")
        assert usual_seconds(store, now) == {"pruning": 3.0}


def test_usual_seconds_are_not_of_runs_of_another_machine():
    with open_store("sqlite://") as elsewhere, open_store("sqlite://") as store:
        first = elsewhere.submit(spec(0.3))[0]
        elsewhere.claim("cpu", 1)
        elsewhere.stage_seconds(first.id, "pruning", 3.0)
        elsewhere.finish(first.id, "done")
        foreign = ForeignRun(elsewhere.run(first.id), elsewhere.spec_text(first.id), (), {})
        store.take_over(Foreign([foreign], {}, {}), "imported")
        now = replace(store.submit(spec(0.4))[0], device=elsewhere.run(first.id).device)
        assert store.run(first.id).seconds == {"pruning": 3.0}
        assert usual_seconds(store, now) == {}
        assert usual_seconds(elsewhere, now) == {"pruning": 3.0}


def test_time_left_rests_on_what_earlier_runs_took():
    # Stages of 10 s each; 3 are done (10 s each), the fourth began 4 s ago and usually takes 10: 6 + 4 · 10 = 46
    usual = dict.fromkeys(STAGES, 10.0)
    passed = dict.fromkeys(STAGES[:3], 10.0)
    run = run_of(spec(), stage=STAGES[3], done=0, total=5, seconds=passed)
    assert time_left(run, START + timedelta(seconds=34), usual) == 46.0
    # Its own pace counts where it is known: 1 of 5 steps in 4 s, so 16 s more, then 4 · 10.
    assert time_left(replace(run, done=1), START + timedelta(seconds=34), usual) == 56.0
    # All its steps are done: nothing is left of the stage.
    assert time_left(replace(run, done=5), START + timedelta(seconds=34), usual) == 40.0
    # It takes longer than usual: never below zero.
    assert time_left(run, START + timedelta(seconds=90), usual) == 40.0


def test_without_earlier_runs_it_is_told_by_how_far_it_is():
    # Half of stage 2 of 8 (counted from 0: 1.5 / 8 of the way) after 30 s: 30 · 6.5 / 1.5 = 130
    run = run_of(spec(), stage=STAGES[1], done=1, total=2, seconds={STAGES[0]: 28.0})
    assert time_left(run, START + timedelta(seconds=30), {}) == 130.0
    assert time_left(replace(run, stage=STAGES[0], done=0), START + timedelta(seconds=30), {}) is None
    assert time_left(run, START + timedelta(seconds=2), {}) is None
    assert time_left(replace(run, started=None), START, {}) is None
    assert time_left(replace(run, stage="another"), START, {}) is None
