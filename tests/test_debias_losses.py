"""Held-out losses of a recovery beside its uniform control, paired by text."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from fairprune.debias.denp import Text
from fairprune.debias.recovery_losses import loss_document, text_document
from fairprune.debias_losses import NO_GROUP, OTHER_TEXTS, beside_control
from fairprune.ui.debias_evidence import losses_table

N = 40
TEXTS = [
    Text(f"text {i}", (1, 2), (False, True), "good" if i % 2 else "bad", f"topic {i // 2}") for i in range(N)
]
BAD = np.array([text.group == "bad" for text in TEXTS])


@pytest.fixture
def losses():
    rng = np.random.default_rng(0)
    before = rng.uniform(2, 6, N) + BAD
    # Both recoveries gain; the asked one gains 0.1 more of the bad group and nothing more of the other.
    control = before - 0.3 + rng.normal(0, 0.01, N)
    return before, control - 0.1 * BAD + rng.normal(0, 0.01, N), control


def part(before, after):
    return {"losses": loss_document(TEXTS, before, after, 0), "texts": text_document(TEXTS, before, after)}


def test_the_difference_to_the_control_is_paired_by_text(losses):
    before, asked, control = losses
    bad, good = beside_control(part(before, asked), part(before, control), None, 0)
    assert (bad.group, good.group) == ("bad", "good")  # the worst first
    assert bad.before["value"] == pytest.approx(before[BAD].mean())
    assert bad.after["value"] == pytest.approx(asked[BAD].mean())
    assert bad.control["value"] == pytest.approx(control[BAD].mean())
    assert bad.difference["value"] == pytest.approx((asked - control)[BAD].mean())
    assert bad.difference["n"] == BAD.sum() and bad.difference["topics"] == N // 2
    # Texts differ by nats: the intervals of the two values overlap, that of their difference is narrow.
    assert bad.after["high"] > bad.control["low"]
    assert -0.2 < bad.difference["low"] < bad.difference["high"] < 0
    assert good.difference["low"] < 0 < good.difference["high"]
    shown = losses_table([bad, good])
    assert "Recovered − control, paired" in shown and "Control: uniform" in shown
    assert shown.index("<b>bad</b>") < shown.index("<b>good</b>")


def test_without_losses_of_texts_the_values_stand_unpaired(losses):
    before, asked, control = losses
    whole, old = part(before, asked), part(before, control)
    del old["texts"]
    for row in beside_control(whole, old, None, 0):
        assert row.control["value"] is not None
        assert row.difference["value"] is None and "stored with the control, made" in row.difference["reason"]
    del whole["texts"]
    [row, _] = beside_control(whole, old, None, 0)
    assert "stored with the run and the control, made" in row.difference["reason"]
    assert "no losses of single texts" in losses_table([row])


def test_other_texts_are_no_pairs(losses):
    before, asked, control = losses
    other = copy.deepcopy(part(before, control))
    other["texts"][0]["text"] = "0" * 16  # of the bad group
    bad, good = beside_control(part(before, asked), other, None, 0)
    assert bad.difference["reason"] == OTHER_TEXTS and good.difference["value"] is not None
    other["losses"] = [row for row in other["losses"] if row["group"] == "good"]
    bad, _ = beside_control(part(before, asked), other, None, 0)
    assert bad.control["reason"] == bad.difference["reason"] == NO_GROUP


@pytest.mark.parametrize("control", [None, {"report": {}}])
def test_a_missing_control_is_said(losses, control):
    before, asked, _ = losses
    for row in beside_control(part(before, asked), control, "failed", 0):
        assert row.control["value"] is None and row.difference["reason"] == "the control is missing: failed"


def test_a_control_itself_has_none_beside_it(losses):
    before, asked, _ = losses
    rows = beside_control(part(before, asked), None, None, 0)
    assert all(row.control is None and row.difference is None for row in rows)
    assert "Control: uniform" not in losses_table(rows) and "After − before, paired" in losses_table(rows)
