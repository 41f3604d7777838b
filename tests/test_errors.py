"""Unknown names suggest the nearest one."""

from __future__ import annotations

from fairprune.errors import BadInput, FairpruneError, suggestion, unknown


def test_the_nearest_name_comes_first_then_all():
    error = unknown("method", "wnada", ["hgla", "wanda"])
    assert isinstance(error, BadInput) and isinstance(error, FairpruneError)
    assert str(error) == "unknown method 'wnada': did you mean 'wanda'? Known: hgla, wanda"


def test_far_names_get_no_suggestion():
    assert str(unknown("method", "zzz", ["wanda"])) == "unknown method 'zzz': Known: wanda"


def test_a_long_list_has_an_end():
    names = [f"name {i}" for i in range(50)]
    said = suggestion("nome 49", names)
    assert said.startswith("did you mean 'name 49'? Known: name 0, ") and said.endswith("name 39 and 10 more")
