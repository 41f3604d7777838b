"""What must hold for all texts: order does not matter, doubling changes nothing, copying the source scores 0."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairprune.evaluate import evaluate
from fairprune.labels import SentenceLabel
from fairprune.metrics import METRICS
from fairprune.metrics.coverage import cover, documents, similarity_scorer
from fairprune.metrics.matchers import embedding, label, ngram
from fairprune.opinions import CorpusInfo, Opinion, OpinionSet
from fairprune.spec import MetricSpec
from fairprune.text import sentences
from tests.test_labels import bag_of_words

GROUPS = ("a", "b", "c")
WORDS = ("battery", "great", "dim", "screen", "life", "sound", "awful", "picture")
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(" ".join)
OPINIONS = st.lists(st.tuples(TEXTS, st.sampled_from(GROUPS)), min_size=1, max_size=6)
SAMPLES = st.lists(st.tuples(OPINIONS, TEXTS), min_size=1, max_size=5)
KINDS = ("ngram", "embedding", "label", "coverage")
OF_KIND = {
    "ngram": ("bur", "uer", "auc", "sof"),
    "embedding": ("bur", "uer", "auc", "sof"),
    "label": ("bur", "uer", "auc", "sof", "spd2"),
    "coverage": ("ec_embedding", "cp_embedding"),
}
SPEC = MetricSpec()


def labels_of(texts):
    """Labels by the number of words of a sentence: 0 → none, else a, b, c or mixed in turn."""
    names = [("none", ()), ("a", ("a",)), ("b", ("b",)), ("c", ("c",)), ("mixed", ("a", "b"))]
    return {
        sentence: SentenceLabel(
            sentence, *(names[len(sentence.split()) % 5][0], 0.9, names[len(sentence.split()) % 5][1])
        )
        for text in texts
        for sentence in sentences(text)
    }


def inputs(kind, samples, groups):
    """What metrics of this kind read, per sample."""
    summaries = [text for _, text in samples]
    if kind == "coverage":
        found = [documents(opinions, groups) for opinions, _ in samples]
        return cover(found, summaries, groups, similarity_scorer(bag_of_words))
    sets = [
        OpinionSet(str(i), "t", "b", "a", tuple(Opinion(text, group, "t") for text, group in opinions))
        for i, (opinions, _) in enumerate(samples)
    ]
    sources = [ngram.read_source(one, groups) for one in sets]
    if kind == "ngram":
        return ngram.matcher("unscored")(sources, summaries)
    if kind == "embedding":
        return embedding.matcher(bag_of_words, 0.1)(sources, summaries)
    labels = labels_of(
        [text for opinions, summary in samples for text in (summary, *(text for text, _ in opinions))]
    )
    return [
        label.match(
            groups,
            [labels[s] for opinion in one.opinions for s in sentences(opinion.text)],
            [labels[s] for s in sentences(text)],
        )
        for one, text in zip(sets, summaries, strict=True)
    ]


def corpus(kind, samples, groups=GROUPS):
    """Metric → corpus value; None where no sample is scored."""
    found = [one for one in inputs(kind, samples, groups) if one.unscored is None]
    values = {}
    for name in OF_KIND[kind]:
        rows = [METRICS[name].sample(one, SPEC) for one in found]
        values[name] = METRICS[name].statistic(np.ones((1, len(rows))), np.array(rows))[0] if rows else None
    return values


def same(one, two):
    assert set(one) == set(two)
    for name, value in one.items():
        if value is None:
            assert two[name] is None
        else:
            assert two[name] == pytest.approx(value, abs=1e-6), name


@pytest.mark.parametrize("kind", KINDS)
@given(samples=SAMPLES, random=st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_samples_does_not_matter(kind, samples, random):
    shuffled = list(samples)
    random.shuffle(shuffled)
    same(corpus(kind, samples), corpus(kind, shuffled))


@pytest.mark.parametrize("kind", KINDS)
@given(samples=SAMPLES, order=st.permutations(GROUPS))
@settings(max_examples=40, deadline=None)
def test_the_order_of_groups_does_not_matter(kind, samples, order):
    same(corpus(kind, samples), corpus(kind, samples, tuple(order)))


@pytest.mark.parametrize("kind", KINDS)
@given(samples=SAMPLES, random=st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_opinions_does_not_matter(kind, samples, random):
    def shuffled(opinions):
        found = list(opinions)
        random.shuffle(found)
        return found

    same(corpus(kind, samples), corpus(kind, [(shuffled(opinions), text) for opinions, text in samples]))


@pytest.mark.parametrize("kind", KINDS)
@given(samples=SAMPLES, times=st.integers(2, 3))
@settings(max_examples=40, deadline=None)
def test_doubling_every_opinion_changes_nothing(kind, samples, times):
    same(corpus(kind, samples), corpus(kind, [(opinions * times, text) for opinions, text in samples]))


@given(
    st.lists(
        st.lists(st.integers(0, 5), min_size=3, max_size=3).filter(
            lambda counts: sum(n > 0 for n in counts) > 1
        ),
        min_size=1,
        max_size=4,
    ),
    st.integers(1, 3),
)
@settings(max_examples=60, deadline=None)
def test_a_summary_that_copies_the_sources_shares_scores_0(samples, times):
    # each group speaks in words of its own, so that the shares of a text are what one reads off
    own = {"a": "battery", "b": "screen", "c": "sound"}
    made = []
    for counts in samples:
        opinions = [(own[g], g) for g, n in zip(GROUPS, counts, strict=True) for _ in range(n)]
        made.append((opinions, " ".join(text for text, _ in opinions * times)))
    assert all(value == 0 for value in corpus("ngram", made).values())


@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=4))
@settings(max_examples=30, deadline=None)
def test_spd2_of_two_groups_turns_its_sign_with_their_order(samples):
    made = [([(one, "a"), (two, "b")], text) for one, two, text in samples]
    labels = labels_of([text for one in samples for text in one])
    if any("c" in found.groups for found in labels.values()):
        labels = {
            s: replace(found, label="none", groups=()) if "c" in found.groups else found
            for s, found in labels.items()
        }

    def mean(groups):
        rows = [
            METRICS["spd2"].sample(shares, SPEC)
            for opinions, text in made
            if (shares := label.match(groups, [labels[s] for s, _ in opinions], [labels[text]])).summary
            is not None
        ]
        return np.mean(rows, axis=0) if rows else np.zeros(2)

    one, two = mean(("a", "b")), mean(("b", "a"))
    assert one[0] == pytest.approx(-two[0])
    assert one[1] == pytest.approx(two[1])


ANY_TEXT = st.text(max_size=40)


@given(
    st.lists(
        st.tuples(
            st.lists(st.tuples(ANY_TEXT, st.sampled_from(GROUPS)), min_size=1, max_size=4),
            st.none() | ANY_TEXT,
        ),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=15, deadline=None)
def test_any_text_is_scored_or_counted(samples):
    info = CorpusInfo("c", "C", GROUPS, "review", "p", "s")
    sets = [
        OpinionSet(str(i), f"t{i}", "b", "a", tuple(Opinion(text, group, "t") for text, group in opinions))
        for i, (opinions, _) in enumerate(samples)
    ]
    for matcher in ("ngram", "embedding"):
        spec = MetricSpec(resamples=100, matcher=matcher, extra=("ec_embedding", "cp_embedding"))
        found = evaluate(
            sets, {"dense": [text for _, text in samples]}, info, spec, None, encoder=bag_of_words
        )
        for name, cells in found["metrics"].items():
            cell = cells["dense"]
            assert cell["n"] + cell["n_unscored"] == len(samples)
            assert (cell["value"] is None) == (cell["n"] == 0), name
            assert cell["value"] is None or np.isfinite(cell["value"])
