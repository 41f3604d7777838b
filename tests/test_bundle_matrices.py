import base64
import io

import pytest

from fairprune.bundle import read_bundle, write_bundle
from fairprune.bundle.documents import Evaluation
from fairprune.bundle.matrices import Block, check_pictures, kind_of, member_of, shape_of
from fairprune.bundle.parsing import checked
from fairprune.errors import BadInput
from fairprune.mask_details import BINS, SCORE_BINS, result_kind
from fairprune.store import open_store
from tests.bundles import members_of
from tests.pages.filled import fill

SPARSITY = {"matrices": [{"name": "q", "rows": 5, "columns": 4}]}


def distribution():
    return {"counts": [5] + [0] * (BINS - 1), "most": [[0, 0.25]], "least": [[1, 0.0]]}


def details(cells=6, **more):
    # Cells of 2 × 2 weights on 5 × 4: three down (the last one half), two across.
    return {
        "rows": distribution(),
        "columns": distribution(),
        "picture": {"height": 2, "width": 2, "shares": base64.b64encode(bytes(range(cells))).decode()},
        "score": {
            "scale": "log",
            "low": 0.1,
            "high": 2.0,
            "dropped": [1] * SCORE_BINS,
            "kept": [0] * SCORE_BINS,
            "n": 64,
            "cut": {"within": "row", "low": 0.2, "median": 0.3, "high": 0.4, "n": 5},
        },
        "parts": {"what": "heads", "axis": "rows", "n": 1, "labels": ["q 0"], "shares": [0.25]},
        "pattern": None,
        **more,
    }


def test_kinds_and_members():
    assert shape_of(result_kind(12)) is Block
    assert (member_of(result_kind(12)), kind_of("matrices-0012")) == ("matrices-0012", result_kind(12))
    assert shape_of("evaluation") is Evaluation
    assert (member_of("evaluation"), kind_of("evaluation")) == ("evaluation", "evaluation")
    assert shape_of("of a later version") is None and shape_of("matrices:12") is None


def test_what_the_pages_read_is_checked():
    checked(Block, {"q": details()}, "x")
    neurons = {"what": "neurons", "axis": "rows", "n": 5, **distribution(), "gone": 0}
    checked(Block, {"q": details(parts=neurons, score=None)}, "x")
    wrong = (
        {"rows": {**distribution(), "counts": [1]}},
        {"rows": {**distribution(), "most": [[0, 1.5]]}},
        {"picture": {"height": 0, "width": 2, "shares": ""}},
        {"parts": {"what": "heads", "axis": "rows", "n": 2, "labels": ["a"], "shares": [0.1, 0.2]}},
        {"parts": {"what": "neurons", "axis": "rows", "n": 2}},
        {"score": "<b>"},
    )
    for one in wrong:
        with pytest.raises(BadInput, match="the bundle is damaged: x has"):
            checked(Block, {"q": details(**one)}, "x")


def test_a_picture_has_the_cells_of_its_matrix():
    check_pictures({"q": details(6)}, SPARSITY, "x")
    with pytest.raises(BadInput, match="has 5 cells up to 4, not 6 up to 250"):
        check_pictures({"q": details(5)}, SPARSITY, "x")
    with pytest.raises(BadInput, match="details of 'v', which the run did not prune"):
        check_pictures({"v": details(6)}, SPARSITY, "x")
    picture = {"height": 2, "width": 2, "shares": "no base64!"}
    with pytest.raises(BadInput, match="no base64"):
        check_pictures({"q": details(picture=picture)}, SPARSITY, "x")


def test_details_travel_unless_they_are_left_out():
    with open_store("sqlite://") as store, open_store("sqlite://") as other, open_store("sqlite://") as third:
        run = fill(store)
        matrix = store.result(run.id, "sparsity")["matrices"][0]
        whole = {"height": matrix["rows"], "width": matrix["columns"], "shares": "AA=="}  # one cell
        document = {matrix["name"]: details(picture=whole)}
        store.put_result(run.id, result_kind(0), document)
        file, bare = io.BytesIO(), io.BytesIO()
        write_bundle(store, [run.id], file)
        write_bundle(store, [run.id], bare, details_of=())
        assert f"results/{run.id}/matrices-0000.json" in members_of(file.getvalue())
        assert f"results/{run.id}/matrices-0000.json" not in members_of(bare.getvalue())
        assert read_bundle(other, file).left_out == ()
        assert other.result(run.id, result_kind(0)) == document
        read_bundle(third, bare)
        assert third.result(run.id, result_kind(0)) is None
