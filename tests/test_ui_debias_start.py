"""The model that page Debias starts from, as it stands in the address."""

from __future__ import annotations

import pytest

from fairprune.ui import debias_start


@pytest.mark.parametrize(
    ("text", "percent"),
    [
        ("0", 0),
        ("0.35", 35),
        ("0.95", 95),
        ("1", None),
        ("0.33", None),
        ("-0.05", None),
        ("much", None),
        ("nan", None),
    ],
)
def test_a_share_as_the_slider_has_it(text: str, percent: int | None) -> None:
    assert debias_start.percent_of(text) == percent
    assert debias_start.widget_value("sparsity", text) == percent


def test_what_the_form_begins_with_can_be_used() -> None:
    for name, text in debias_start.first().items():
        assert debias_start._wrong(name, text) == ""
    assert "sparsity:0.35" in debias_start._wrong("sparsity", "0.33")
    assert "did you mean 'wanda'" in debias_start._wrong("method", "wnada")
    assert "name:value" in debias_start._wrong("size", "large")
