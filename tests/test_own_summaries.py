import pytest

from fairprune.corpora.sets import opinion_sets
from fairprune.metric_spec import MetricSpec
from fairprune.own_summaries import choose_summaries

# "great funny good" is said by one group, "poor dull bad" by the other: a summary of one half is unfair by BUR.
FAIR = "A great funny good film, a poor dull bad film."
UNFAIR = "A great funny good film."


def choose(corpus, texts, **more):
    sets = opinion_sets(corpus, "calibration", 6, 4, "balanced", 0)
    asked = []

    def write(portion):
        asked.append(len(portion))
        return [texts[sets.index(one) % len(texts)] for one in portion]

    given = {"fair": True, "tokens": 1000, "portion": 2} | more
    found, sentence = choose_summaries(
        corpus, sets, write, lambda text: len(text.split()), MetricSpec(), **given
    )
    return found, sentence, asked


@pytest.mark.parametrize(("fair", "text"), [(True, FAIR), (False, UNFAIR)])
def test_summaries_are_chosen_by_bur(toy_corpus, fair, text):
    found, sentence, asked = choose(toy_corpus, [FAIR, UNFAIR], fair=fair)
    assert found == [text] * 3  # every second one of six
    assert asked == [2, 2, 2]
    words = 3 * len(text.split())
    kind = "fair" if fair else "unfair"
    assert sentence == f"3 of 6 dense summaries of calibration opinions are {kind}: {words} tokens"


def test_no_more_are_written_than_the_windows_need(toy_corpus):
    found, _, asked = choose(toy_corpus, [FAIR], tokens=2 * len(FAIR.split()))
    assert (len(found), asked) == (2, [2])
