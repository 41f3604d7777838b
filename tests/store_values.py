"""Small values that the tests of the store keep."""

from fairprune.opinions import Opinion, OpinionSet, opinion_set_id
from fairprune.spec import build


def spec(seed=0, device="cpu"):
    return build(
        model={"name": "tiny-a"},
        pruning={"method": "magnitude"},
        calibration={},
        evaluation={"seed": seed},
        device=device,
    )


def film_set(text="Lovely film 🙂.") -> OpinionSet:
    opinions = (
        Opinion(text, "fresh", "Film", "1", "A. Critic"),
        Opinion("Dull – and “long”.", "rotten", "Film", "2"),
    )
    return OpinionSet(opinion_set_id("movies", "Film", opinions), "Film", "balanced", "fresh", opinions)
