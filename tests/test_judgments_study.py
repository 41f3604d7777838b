"""The made-up studies are planned, answered and analysed by our own code, and the table is written where it should."""

from collections import Counter

import numpy as np
import pytest

from benchmarks.judgments import SMALL, SYSTEMS, USUAL, WORLD, simulate, table_of, votes_of, write
from fairprune.judgments.votes import outcome


def test_a_study_has_every_vote_and_its_attention_items():
    votes, careless = votes_of(3, WORLD)
    kinds = Counter(vote.kind for vote in votes)
    assert kinds == {"item": USUAL.items * USUAL.votes, "attention": 3 * USUAL.judges}
    assert set(Counter(vote.item for vote in votes if vote.kind == "item").values()) == {USUAL.votes}
    by_pace = {
        judge: np.median([vote.seconds for vote in votes if vote.judge == judge])
        for judge in {vote.judge for vote in votes}
    }
    assert careless and np.mean([by_pace[judge] for judge in careless]) < 15
    assert all(by_pace[judge] > 12 for judge in set(by_pace) - careless)
    failed = Counter(
        vote.judge for vote in votes if vote.kind == "attention" and vote.answer not in vote.expected
    )
    assert sum(failed[judge] for judge in careless) / len(careless) > 1


def test_the_planted_order_is_in_the_votes():
    # over some studies: dense (+.6) beats wanda (−.6) far more often than the other way round, whatever the sides
    counts = Counter()
    for seed in range(4):
        votes, careless = votes_of(seed, WORLD)
        for vote in votes:
            if (
                vote.kind == "item"
                and vote.judge not in careless
                and {vote.system_left, vote.system_right} == {"dense", "wanda"}
            ):
                counts[outcome(vote).result] += 1
    # log-odds of 1.2, drawn towards 0 by tastes and luck: about 1.1, three to one
    assert 2.0 < counts["a"] / counts["b"] < 4.5


def test_a_small_run_covers_and_finds_the_bias():
    biased, fair = simulate(25, 0.8), simulate(10, 0.0)
    # of 100 intervals that cover with 95 %, in clusters of four, fewer than 84 hold the truth less than once in 1,000 runs
    assert biased.coverage("as registered") > 0.84
    assert biased.found("p_judges") > 0.85 and fair.alarms("p_judges") <= 0.4
    assert biased.truth[0] == pytest.approx(-biased.truth[3], abs=0.01) and 0.4 < biased.truth[0] < 0.6
    lines = table_of(biased, fair, simulate(5, 0.8, SMALL))
    assert sum(line.startswith("| strength") for line in lines) == len(SYSTEMS)
    assert "judges are careless" in lines[-3] and lines[-1].startswith("Small studies (12 judges, 8 samples")


def test_the_table_is_written_between_its_marks(tmp_path):
    page = tmp_path / "judgments.md"
    page.write_text("before\n<!-- studies: begin -->\nold\n<!-- studies: end -->\nafter\n", encoding="utf-8")
    write(["new"], page)
    text = page.read_text(encoding="utf-8")
    assert "new" in text and "old" not in text and text.startswith("before") and text.endswith("after\n")
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(SystemExit, match="has no section"):
        write(["new"], page)
