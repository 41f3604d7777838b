import pytest

from fairprune.errors import BadInput
from fairprune.expected import expected_spec, stored_run
from fairprune.plan import plan_run
from fairprune.store import open_store
from tests.tiny import make_tiny_model
from tests.toy_corpus import import_toy


@pytest.fixture
def values(tmp_path):
    folder = make_tiny_model(tmp_path / "own")  # weights that nobody has hashed yet
    return {"model": str(folder), "method": "wanda", "corpus": import_toy(), "seqlen": 200, "device": "cpu"}


def test_it_is_told_at_once_as_soon_as_the_weights_were_hashed(values):
    quick = plan_run(**values, checked=False)
    assert expected_spec(quick) is None
    whole = plan_run(**values)
    # The corpus gives 3 sets of the 8 that the preset asks for: both say 3.
    assert expected_spec(quick) == whole and whole.evaluation.samples == 3
    assert expected_spec(plan_run(**values, samples=2, checked=False)) == plan_run(**values, samples=2)
    assert expected_spec(plan_run(**values, preset="paper", checked=False)).evaluation.samples == 3


def test_what_cannot_be_told_is_none_and_what_cannot_be_is_refused(values):
    labels = {"labels": "model:owner/name"}
    plan_run(**values)
    assert expected_spec(plan_run(**values, metrics=labels, checked=False)) is None
    assert expected_spec(plan_run(**{**values, "corpus": "movies"}, checked=False)) is None  # not here
    with pytest.raises(BadInput, match="does not exist"):
        expected_spec(plan_run(**{**values, "model": "/nowhere"}, checked=False))


def test_a_stored_run_is_found_before_anything_is_checked(values):
    whole, quick = plan_run(**values), plan_run(**values, checked=False)
    with open_store("sqlite://") as store:
        assert stored_run(quick, store) is None
        run = store.submit(whole)[0]
        assert stored_run(quick, store) == run
        assert stored_run(plan_run(**values, seed=1, checked=False), store) is None
