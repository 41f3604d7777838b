"""What was never compared, not even through others, cannot be ranked."""

import pytest

from fairprune.errors import BadInput
from fairprune.judgments.connectivity import components


def test_a_chain_is_one_component_and_a_stranger_another():
    assert components("abcd", [("a", "b"), ("c", "b")]) == [["a", "b", "c"], ["d"]]
    assert components("abcd", [("a", "b"), ("c", "d"), ("b", "c")]) == [["a", "b", "c", "d"]]
    assert components("ab", []) == [["a"], ["b"]]


def test_strong_components_follow_who_beat_whom():
    # a → b → c → a is a circle: all reach all. Without c → a nobody beats a.
    assert components("abc", [("a", "b"), ("b", "c"), ("c", "a")], strong=True) == [["a", "b", "c"]]
    assert components("abc", [("a", "b"), ("b", "c")], strong=True) == [["a"], ["b"], ["c"]]


def test_an_unknown_system_is_named():
    with pytest.raises(BadInput, match="z is compared but is none of"):
        components("ab", [("a", "z")])
