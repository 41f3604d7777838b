import pytest

from fairprune.headlines import KIND, headline, headlines
from fairprune.store import open_store
from tests.store_values import spec


@pytest.fixture
def store():
    with open_store("sqlite://") as opened:
        yield opened


def cell(value, **more):
    return {"value": value, "low": None, "high": None, "n": 2, "n_unscored": 0, "reason": "no spread", **more}


EVALUATION = {
    "metrics": {
        "bur": {
            "dense": cell(0.5, bias=0.1, matcher="ngram"),
            "pruned": cell(0.75),
            "difference": cell(0.25, verdict="worse", primary=True),
            "random": cell(0.6),
            "oracle": cell(0.1),
        }
    },
    "quality": {"rouge_l": {"dense": cell(0.2), "pruned": cell(0.1), "difference": cell(-0.1)}},
    "degenerate": {"dense": {"share": 0.0, "n": 2, "flag": False}},
    "samples": [{"set_id": "a", "dense": {}}, {"set_id": "b", "dense": {}}],
    "n_samples": 2,
    "n_topics": 2,
}
SPARSITY = {"asked": 0.5, "achieved": 0.501, "achieved_model": 0.4, "matrices": [{"name": "large"}]}


def test_a_headline_holds_cells_and_no_samples():
    found = headline(EVALUATION, SPARSITY, None)
    assert list(found["metrics"]["bur"]) == ["dense", "pruned", "difference"]
    assert found["metrics"]["bur"]["dense"] == cell(0.5)  # without bias and matcher
    assert found["metrics"]["bur"]["difference"]["verdict"] == "worse"
    assert found["quality"]["rouge_l"]["pruned"]["value"] == 0.1
    assert found["sparsity"] == {"asked": 0.5, "achieved": 0.501, "achieved_model": 0.4}
    assert found["perplexity"] is None
    assert "samples" not in found
    assert headline(EVALUATION, None, None)["sparsity"] is None


def test_only_the_same_sets_in_the_same_order_pair():
    def of(*ids):
        return headline({**EVALUATION, "samples": [{"set_id": key} for key in ids]}, None, None)["sets"]

    assert of("a", "b") == of("a", "b")
    assert len({of("a", "b"), of("b", "a"), of("a")}) == 3


def test_runs_of_earlier_versions_get_theirs_when_asked(store):
    ids = [store.submit(spec(seed))[0].id for seed in range(3)]
    store.put_result(ids[0], "evaluation", EVALUATION)
    store.put_result(ids[0], "sparsity", SPARSITY)
    store.put_result(ids[1], KIND, {"version": 0, "metrics": "of another form"})
    store.put_result(ids[1], "evaluation", EVALUATION)
    found = headlines(store, [ids[2], ids[1], ids[0]])
    assert list(found) == [ids[1], ids[0]]  # the third has no results
    assert found[ids[0]] == headline(EVALUATION, SPARSITY, None)
    assert store.result(ids[1], KIND) == found[ids[1]]  # kept for the next time
