"""Masks on disk: round trip, damage, deletion."""

from __future__ import annotations

import numpy as np
import pytest

from fairprune import mask_files
from fairprune.errors import StoreError, Unavailable

RUN = "0123456789abcdef"


def written(**masks):
    mask_files.write(
        RUN,
        {name: mask_files.pack(mask) for name, mask in masks.items()},
        {name: mask.shape[1] for name, mask in masks.items()},
    )


@pytest.fixture
def masks():
    random = np.random.default_rng(0)
    return {"a": random.random((5, 13)) < 0.5, "b": random.random((3, 16)) < 0.5}


def test_round_trip(masks):
    written(**masks)
    with mask_files.opened(RUN) as found:
        assert found.columns == {"a": 13, "b": 16}
        for name, mask in masks.items():
            assert np.array_equal(found.keep(name), mask)
        assert found.packed("a").shape == (5, 2)  # 13 bits in two bytes
    # 5 · 2 + 3 · 2 bytes beside the header
    assert mask_files.path_of(RUN).stat().st_size < 16 + 400


def test_bits_by_hand():
    assert mask_files.pack(
        np.array([[True, False, False, True, False, False, False, False, True]])
    ).tolist() == [[0b10010000, 0b10000000]]


def test_a_run_without_masks_says_so():
    assert not mask_files.kept(RUN)
    with pytest.raises(StoreError, match=f"run {RUN} has no masks here"), mask_files.opened(RUN):
        pass
    mask_files.remove(RUN)  # nothing to remove is no error


@pytest.mark.parametrize("damage", ["empty", "cut", "header", "other"])
def test_a_damaged_file_is_one_sentence(masks, damage):
    from safetensors.numpy import save_file

    written(**masks)
    path = mask_files.path_of(RUN)
    whole = path.read_bytes()
    if damage == "empty":
        path.write_bytes(b"")
    elif damage == "cut":
        path.write_bytes(whole[:-3])
    elif damage == "header":
        path.write_bytes(b"\xff" * 8 + whole[8:])
    else:  # a file of something else
        save_file({"a": np.zeros((2, 2), np.float32)}, path)
    sentence = r"cannot be read .*delete the run and start it again"
    with pytest.raises(StoreError, match=sentence), mask_files.opened(RUN):
        pass


def test_a_mask_of_the_wrong_shape_is_refused(masks):
    mask_files.write(RUN, {"a": np.zeros((5, 4), np.uint8)}, {"a": 13})
    with mask_files.opened(RUN) as found, pytest.raises(StoreError, match=r"a is uint8 \(5, 4\)"):
        found.keep("a")


def test_an_error_of_the_reader_is_its_own(masks):
    written(**masks)
    with pytest.raises(ValueError, match="mine"), mask_files.opened(RUN):
        raise ValueError("mine")


def test_no_room_is_one_sentence(masks, monkeypatch):
    def full(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr(mask_files, "save_file", full)
    with pytest.raises(Unavailable, match=r"masks cannot be written .*No space left"):
        written(**masks)
    assert not list(mask_files.path_of(RUN).parent.iterdir())  # no half of a file is left
