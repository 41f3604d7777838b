import numpy as np
import pytest

from fairprune.errors import BadInput
from fairprune.metrics import METRICS
from fairprune.pareto import LEAST_TOPICS, MORE_TOPICS, front, membership, resampled, scores_of

TOPICS = ["a", "b", "c", "d", "e"]
ALIKE = ["balanced"] * 5


def table(*values):
    return np.array([[np.nan if value is None else value] for value in values], dtype=float)


def test_shares_of_resamples_by_hand():
    # Less is better on both. Columns A, B, C in four resamples:
    # 1: A (1, 3), B (2, 2), C (3, 3): B beats C (2 < 3, 2 < 3); A and B trade off. On the front: A, B
    # 2: A (1, 1), B (2, 2), C (3, 3): A beats both. On the front: A
    # 3: A (2, 2), B (2, 2), C (2, 1): C ties on the first and is less on the second. On the front: C
    # 4: A (1, 1), B (1, 1), C (1, 1): ties beat nobody. On the front: A, B, C
    first = np.array([[1, 2, 3], [1, 2, 3], [2, 2, 2], [1, 1, 1]], dtype=float)
    second = np.array([[3, 2, 3], [1, 2, 3], [2, 2, 1], [1, 1, 1]], dtype=float)
    # A in 1, 2, 4; B in 1, 4; C in 3, 4
    assert membership(first, second).tolist() == [0.75, 0.5, 0.5]


def test_rounding_breaks_no_tie():
    # 0.1 + 0.2 is 0.30000000000000004: equal to 0.3 all the same
    assert membership(np.array([[0.1 + 0.2, 0.3]]), np.array([[1.0, 1.0]])).tolist() == [1.0, 1.0]


def test_probability_by_hand_under_one_draw_of_topics():
    # Equal quality. A is unfair on topic a alone, B never: A is beaten exactly when a is drawn, else they tie.
    # Five topics drawn five times: P(a is not drawn) = (4/5)^5 = 0.32768; standard error at 20,000 resamples 0.0033.
    members = {
        "A": {"bur": table(1, 0, 0, 0, 0), "rouge_l": table(*[0.3] * 5)},
        "B": {"bur": table(0, 0, 0, 0, 0), "rouge_l": table(*[0.3] * 5)},
    }
    found = front(members, "bur", "rouge_l", TOPICS, ALIKE, seed=0, resamples=20_000)
    assert found.reason is None
    assert found.probability["A"] == pytest.approx(0.8**5, abs=0.014)
    assert found.probability["B"] == 1.0
    assert (found.n, found.n_samples, found.n_topics, found.resamples) == (5, 5, 5, 20_000)


def test_quality_goes_up_and_repetition_down():
    fair = table(*[0.0] * 5)
    members = {
        "more": {"bur": fair, "rouge_l": table(*[0.4] * 5), "repetition": table(*[0.4] * 5)},
        "less": {"bur": fair, "rouge_l": table(*[0.3] * 5), "repetition": table(*[0.3] * 5)},
    }
    assert front(members, "bur", "rouge_l", TOPICS, ALIKE, 0, 100).probability == {"more": 1.0, "less": 0.0}
    assert front(members, "bur", "repetition", TOPICS, ALIKE, 0, 100).probability == {
        "more": 0.0,
        "less": 1.0,
    }


def test_a_signed_metric_is_read_by_its_distance_from_zero():
    quality = table(*[0.3] * 5)
    members = {
        "near": {"spd2": table(*[0.1] * 5), "rouge_l": quality},
        "far": {"spd2": table(*[-0.2] * 5), "rouge_l": quality},  # less, but further from 0
    }
    assert front(members, "spd2", "rouge_l", TOPICS, ALIKE, 0, 100).probability == {"near": 1.0, "far": 0.0}


def test_sof_is_resampled_from_losses_per_group():
    quality = table(*[0.3] * 5)
    # D = (.2, 0): |.2 − .1| and |0 − .1|, mean .1; D = (.1, .1): 0. The second always beats the first.
    members = {
        "one side": {"sof": np.array([[0.2, 0.0]] * 5), "rouge_l": quality},
        "both": {"sof": np.array([[0.1, 0.1]] * 5), "rouge_l": quality},
    }
    assert front(members, "sof", "rouge_l", TOPICS, ALIKE, 0, 100).probability == {
        "one side": 0.0,
        "both": 1.0,
    }


def test_only_samples_that_all_score_count():
    topics, alike = [*TOPICS, "f"], [*ALIKE, "balanced"]
    members = {
        "dense": {"bur": table(0, 0, 0, 0, 0, 1), "rouge_l": table(*[0.3] * 6)},
        # On the sixth sample it says nothing: the dense model's only unfair summary is not counted against it.
        "0123456789abcdef": {"bur": table(0, 0, 0, 0, 0, None), "rouge_l": table(*[0.3] * 6)},
    }
    found = front(members, "bur", "rouge_l", topics, alike, 0, 100)
    assert (found.n, found.n_samples, found.n_topics) == (5, 6, 5)
    assert found.probability == {"dense": 1.0, "0123456789abcdef": 1.0}


def test_too_few_topics_say_who_costs_the_samples():
    members = {
        "dense": {"bur": table(*[0] * 5), "rouge_l": table(*[0.3] * 5)},
        "0123456789abcdef": {"bur": table(0, None, None, 0, 0), "rouge_l": table(*[0.3] * 5)},
    }
    found = front(members, "bur", "rouge_l", TOPICS, ALIKE, 0, 100)
    assert found.probability == {}
    assert found.reason == (
        "the 3 of 5 samples that every run scores are of 3 topics (run 01234567 alone scores 3): "
        f"resampling needs at least {LEAST_TOPICS} topics"
    )
    assert found.remedy == MORE_TOPICS
    one = front(members, "bur", "rouge_l", ["a"] * 5, ALIKE, 0, 100)
    assert one.reason is not None and "of 1 topic (" in one.reason


def test_what_cannot_be_resampled_is_refused_in_words():
    members = {name: {"bur": table(*[0] * 5)} for name in ("a", "b")}
    for name, words in (
        ("perplexity_opinions", "other text than the samples"),
        ("rouge_1", "only ROUGE-L and repetition are stored per sample"),
        ("words", "only ROUGE-L and repetition"),
        ("sparsity", "no quality"),
    ):
        found = front(members, "bur", name, TOPICS, ALIKE, 0, 100)
        assert found.probability == {} and words in str(found.reason)
        assert found.remedy == "choose ROUGE-L or repetition as the quality"
    covered = front(members, "cp", "rouge_l", TOPICS, ALIKE, 0, 100)
    assert "coverage of every opinion" in str(covered.reason) and "such as UER" in covered.remedy
    alone = front(members, "bur", "rouge_l", TOPICS, ALIKE, 0, 100)
    assert "at least two systems" in str(alone.reason) and alone.remedy
    assert [name for name in METRICS if resampled(name) is None] == [
        name for name in METRICS if name not in ("cp", "cp_embedding")
    ]


def test_tables_of_another_length_are_refused():
    members = {name: {"bur": table(0, 1), "rouge_l": table(0, 1)} for name in ("a", "b")}
    with pytest.raises(BadInput, match="2"):
        front(members, "bur", "rouge_l", TOPICS, ALIKE, 0)


def sample(set_id, **dense):
    own = {"bur": 0, "uer": 0.1, "auc": 0.2, "spd2": None, "rouge_l": 0.3, "repetition": None, **dense}
    return {"set_id": set_id, "dense": {**own, "p_x": {"x": 0.6, "y": 0.4}, "p_y": {"x": 0.9, "y": 0.1}}}


def test_scores_come_from_stored_samples():
    evaluation = {
        "samples": [sample("s1"), sample("s2", bur=None)],
        "groups": [{"group": "x"}, {"group": "y"}, {"group": "x"}],
        "metrics": {
            "bur": {"random": {"value": 0.6, "low": 0.5, "high": 0.7, "n": 2, "bias": 0.0}},
            "spd2": {"random": {"value": None}},
        },
    }
    found = scores_of("r", evaluation)
    assert found.set_ids == ("s1", "s2")
    assert list(found.tables) == ["dense"]  # no pruned summaries
    dense = found.tables["dense"]
    np.testing.assert_array_equal(dense["bur"], [[0.0], [np.nan]])
    np.testing.assert_allclose(dense["sof"], [[0.0, 0.3]] * 2)  # max(0, .6 − .9), max(0, .4 − .1)
    assert np.isnan(dense["repetition"]).all() and "ec" not in dense and "cp" not in dense
    assert found.random == {"bur": {"value": 0.6, "low": 0.5, "high": 0.7, "n": 2}}
