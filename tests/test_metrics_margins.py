"""Margins and the primary family: what is refused, and how."""

import pytest

from fairprune.errors import BadInput
from fairprune.metrics import METRICS
from fairprune.metrics.margins import MARGINS, parse_margins, scale
from fairprune.spec import MetricSpec, parse_part


def test_defaults():
    spec = MetricSpec()
    assert (spec.primary, spec.alpha) == (("bur",), 0.05)
    assert spec.margins == MARGINS == {"bur": 0.05, "uer": 0.02, "sof": 0.02, "spd2": 0.05, "auc": 0.05}
    assert set(MARGINS) <= set(METRICS)


def test_a_margin_of_ones_own_leaves_the_others():
    assert MetricSpec(margins={"uer": 0.1}).margins == {**MARGINS, "uer": 0.1}
    assert parse_part(MetricSpec, {"margins": {"bur": "0.1"}, "primary": ["uer", "bur"]}).primary == (
        "uer",
        "bur",
    )


def test_every_spec_has_margins_of_its_own():
    MetricSpec().margins["bur"] = 0.9
    assert MetricSpec().margins["bur"] == 0.05


def test_margins_are_written_in_points_and_kept_as_fractions():
    assert parse_margins([]) == {}
    found = parse_margins(["bur=5", "uer=2.5", "auc=5", "sof=100", "spd2=0.05", "ec=0.1", "ec_embedding=0.1"])
    assert found == {
        "bur": 0.05,
        "uer": 0.025,
        "auc": 0.05,
        "sof": 1,
        "spd2": 0.05,
        "ec": 0.1,
        "ec_embedding": 0.1,
    }
    assert {name for name in METRICS if scale(name) == 100} == {"bur", "uer", "auc", "sof"}
    assert MetricSpec(margins=found).margins == found


def test_only_what_is_scored_can_be_primary():
    with pytest.raises(BadInput, match="primary metric ec_embedding is scored only where extra asks for it"):
        MetricSpec(primary=("ec_embedding",))
    found = MetricSpec.model_validate({"primary": "ec_embedding, bur", "extra": "ec_embedding"})
    assert found.primary == ("ec_embedding", "bur")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"margins": {"bur": 0}}, "margin 0.0 of bur is outside"),
        ({"margins": {"bur": -0.05}}, "margin -0.05 of bur"),
        ({"margins": {"bur": 5}}, "margin 5.0 of bur .* 0.05 for 5 percentage points"),
        ({"margins": {"bru": 0.05}}, "unknown metric in margins: 'bru': did you mean 'bur'"),
        ({"margins": "0.05"}, "margins cannot be '0.05'"),
        ({"primary": ["uerr"]}, "unknown primary metric 'uerr': did you mean 'uer'"),
        ({"primary": []}, "no metric is primary"),
        ({"primary": ["bur", "bur"]}, "name one twice"),
        ({"alpha": 0}, "alpha cannot be 0"),
        ({"alpha": 0.7}, "alpha cannot be 0.7"),
    ],
)
def test_what_is_refused(values, says):
    with pytest.raises(BadInput, match=says):
        parse_part(MetricSpec, values)
