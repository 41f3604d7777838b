"""Which windows a recovery reads, and from which step on UNC3 has two words."""

from __future__ import annotations

import numpy as np
import pytest

from fairprune.debias.draws import check_term, draw_windows, words_per_step
from fairprune.debias_spec import RecoverySpec
from fairprune.errors import BadInput

IDS = np.array([[9, 1, 1, 1, 1, 1, 2], [9, 2, 2, 2, 2, 2, 2], [1, 9, 9, 9, 9, 9, 9]])
"""Word 1 stands five times in the first window, word 2 once there and six times in the second; the first token of a window never counts."""


def test_more_steps_begin_with_the_draws_of_fewer() -> None:
    few, many = (draw_windows(7, None, steps, 3, 5) for steps in (4, 40))
    assert (many[:4] == few).all()


def test_words_are_counted_over_steps_and_anew_after_a_reset() -> None:
    draws = np.array([[0, 1], [0, 2], [1, 1]])
    # word 1: 5, 10, 10; word 2: 7, 8, 20
    assert words_per_step(IDS, (1, 2), draws, 0).tolist() == [0, 1, 2]
    # anew at the third step: word 1: 0, word 2: 12
    assert words_per_step(IDS, (1, 2), draws, 2).tolist() == [0, 1, 1]


def asked(**values: int) -> RecoverySpec:
    return RecoverySpec.model_validate({"kind": "nc3", "batch_size": 1, "seed": 0, **values})


def test_a_term_that_no_step_would_have_is_refused_with_the_steps_that_would_do() -> None:
    reached = words_per_step(IDS, (1, 2), draw_windows(3, None, 1000, 1, 0), 0)
    first = int(np.flatnonzero(reached >= 2)[0]) + 1
    assert first > 3
    with pytest.raises(BadInput, match=f"UNC3 needs 2 words with 10 contexts each.* {first} steps or more"):
        check_term(asked(steps=first - 1), IDS, (1, 2))
    check_term(asked(steps=first), IDS, (1, 2))


def test_where_no_number_of_steps_would_do_that_is_said() -> None:
    with pytest.raises(BadInput, match=r"1,000 steps would not do either.*another word list"):
        check_term(asked(steps=5), IDS, (1, 3))
    with pytest.raises(BadInput, match="between two resets"):
        check_term(asked(steps=5, reset=1), IDS, (1, 2))
