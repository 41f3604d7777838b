"""What depends on the device, as far as a CPU shows it; `tests/test_cuda.py` has the rest."""

from __future__ import annotations

import pytest
import torch

from fairprune import accelerator
from fairprune.accelerator import (
    HOST,
    exact_products,
    free_bytes,
    host_free_bytes,
    onto,
    peak_bytes,
    release,
    reset_peak,
)


def test_free_memory_is_read_in_bytes(monkeypatch, tmp_path):
    file = tmp_path / "meminfo"
    file.write_text("MemTotal:       8000 kB\nMemAvailable:   3000 kB\n")
    monkeypatch.setattr(accelerator, "MEMINFO", file)
    assert host_free_bytes() == free_bytes(HOST) == 3000 * 1024
    monkeypatch.setattr(accelerator, "MEMINFO", tmp_path / "none")  # other systems
    assert host_free_bytes() > 2**28


def test_the_peak_counts_from_the_reset():
    reset_peak(HOST)
    before = peak_bytes(HOST)
    held = torch.ones(2**24)  # 4 bytes each
    assert before + 2**25 < peak_bytes(HOST) < before + 2**28
    del held
    assert peak_bytes(HOST) > before + 2**25  # a peak stays
    reset_peak(HOST)
    assert peak_bytes(HOST) < before + 2**25


def test_freed_memory_goes_back_to_the_system():
    def resident():
        reset_peak(HOST)
        return peak_bytes(HOST)

    pieces = [
        torch.ones(2**13) for _ in range(4000)
    ]  # 131 MB in pieces of 32 kB, which the C library keeps for reuse
    last = torch.ones(2**13)  # at the end of the heap, which therefore cannot shrink by itself
    full = resident()
    pieces.clear()
    release(HOST)
    assert resident() < full - 2**26
    assert last.sum() == 2**13


def test_a_copy_is_made_only_where_it_is_asked_for():
    values = torch.ones(3)
    assert onto(values, HOST) is values
    copy = onto(values, HOST, copy=True)
    assert torch.equal(copy, values) and copy.data_ptr() != values.data_ptr()


def test_the_precision_of_products_comes_back():
    torch.set_float32_matmul_precision("high")
    try:
        with pytest.raises(RuntimeError, match="stop"), exact_products():
            assert torch.get_float32_matmul_precision() == "highest"
            raise RuntimeError("stop")
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision("highest")
