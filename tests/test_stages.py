import pytest

from fairprune import stages
from fairprune.stages import Staged
from fairprune.store import open_store
from tests.store_values import spec


@pytest.fixture
def staged():
    with open_store("sqlite://") as store:
        yield Staged(store, store.submit(spec())[0].id)


def test_progress_is_written_twice_a_second_and_at_the_end(staged, monkeypatch):
    times = iter([100.0, 100.1, 100.4, 100.6, 100.7])
    monkeypatch.setattr(stages.time, "monotonic", lambda: next(times))
    seen = []
    with staged.stage("pruning"):  # its beginning, at 100.0
        for done in (1, 2, 3, 4):
            staged.progress(done, 4, f"block {done}")
            run = staged.store.run(staged.run_id)
            seen.append((run.stage, run.done, run.message))
    # 100.1 and 100.4 are less than half a second after 100.0; 100.6 is not; the last step is always written.
    assert seen == [
        ("pruning", 0, ""),
        ("pruning", 0, ""),
        ("pruning", 3, "block 3"),
        ("pruning", 4, "block 4"),
    ]
    assert staged.store.run(staged.run_id).seconds["pruning"] >= 0


def test_a_stage_that_fails_has_no_time(staged):
    with pytest.raises(ValueError, match="no"), staged.stage("model"):
        raise ValueError("no")
    assert staged.store.run(staged.run_id).seconds == {}
    staged.say("a line")
    assert [line.text for line in staged.store.logs(staged.run_id)] == ["a line"]
