"""Unknown names suggest the nearest one."""

from __future__ import annotations

from fairprune.errors import BadInput, FairpruneError, unknown


def test_the_nearest_name_comes_first_then_all():
    error = unknown("method", "wnada", ["hgla", "wanda"])
    assert isinstance(error, BadInput) and isinstance(error, FairpruneError)
    assert str(error) == "unknown method 'wnada': did you mean 'wanda'? Known: hgla, wanda"


def test_far_names_get_no_suggestion():
    assert str(unknown("method", "zzz", ["wanda"])) == "unknown method 'zzz': Known: wanda"
