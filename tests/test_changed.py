from fairprune.changed import most_changed


def sample(before, after, common=0.2, degenerate=()):
    scores = {"degenerate": list(degenerate), "rouge_l": common}
    return {"dense": {"uer": before, **scores}, "pruned": {"uer": after, **scores}}


def test_of_the_half_that_changed_most_the_one_that_says_most():
    # Changes 0.1, 0.3, 0.2, 0.4: the median is 0.25, so the second and the fourth stay; the second has more in common.
    samples = [sample(0.1, 0.2, 0.9), sample(0.1, 0.4, 0.5), sample(0.1, 0.3, 0.8), sample(0.5, 0.1, 0.4)]
    assert most_changed({"samples": samples}) == 1


def test_summaries_that_say_nothing_do_not_count():
    samples = [
        sample(0.0, 0.9, degenerate=["empty"]),
        sample(None, 0.5),
        {"dense": {"uer": 0.5}, "pruned": None},
        sample(0.1, 0.2),
    ]
    assert most_changed({"samples": samples}) == 3
    assert most_changed({"samples": samples[:3]}) is None
    assert most_changed({"samples": []}) is None


def said(one, dense, pruned):
    """The sample with (labels of its sentences, share of positive words) of both systems."""
    for name, (labels, positive) in (("dense", dense), ("pruned", pruned)):
        one[name]["p_y"] = {"negative": 1 - positive, "positive": positive}
        one[name]["labels"] = [["A sentence.", label, 0.96] for label in labels]
    return one


def test_samples_whose_labels_contradict_the_shares_are_told_only_where_there_is_no_other():
    # Alone by change and ROUGE-L the first would be told; its pruned summary is labelled positive with 0 % positive words.
    contradicts = said(sample(0.1, 0.9, 0.9), (["positive"], 0.6), (["positive"], 0.0))
    agrees = said(sample(0.1, 0.2, 0.3), (["positive", "negative", "positive"], 0.7), (["negative"], 0.1))
    assert most_changed({"samples": [contradicts, agrees]}) == 1
    assert most_changed({"samples": [contradicts, {}]}) == 0
    dense_contradicts = said(sample(0.1, 0.9, 0.9), (["negative"], 0.6), (["positive"], 1.0))
    assert most_changed({"samples": [dense_contradicts, agrees]}) == 1


def test_no_label_and_even_labels_contradict_nothing():
    other = said(sample(0.1, 0.2, 0.3), ([], 0.5), ([], 0.5))
    for labels in ([], ["none", "mixed"], ["positive", "negative"], ["none", "none", "negative"]):
        silent = said(sample(0.1, 0.9, 0.9), (labels, 0.2), (labels, 0.2))
        assert most_changed({"samples": [silent, other]}) == 0
    even = said(sample(0.1, 0.9, 0.9), (["positive"], 0.5), (["positive"], 0.5))
    assert most_changed({"samples": [even, other]}) == 0


def rests(one, dense, pruned):
    """The sample with what each sentence of both systems rests on: numbers of opinions."""
    for name, counts in (("dense", dense), ("pruned", pruned)):
        one[name]["evidence"] = [[[i, 0.6] for i in range(n)] for n in counts]
    return one


def test_summaries_that_rest_on_opinions_are_told_before_those_that_rest_on_none():
    # By change and ROUGE-L the first would be told, but its pruned summary rests on nothing.
    bare = rests(sample(0.1, 0.9, 0.9), [2, 1], [0, 0])
    less = rests(sample(0.1, 0.2, 0.3), [1, 0], [2])
    more = rests(sample(0.1, 0.3, 0.2), [1, 1], [1])
    assert most_changed({"samples": [bare, less]}) == 1
    # Of changes 0.8, 0.1 and 0.2 the middle one is 0.2: the third changed enough, the second did not.
    assert most_changed({"samples": [bare, less, more]}) == 2
    assert most_changed({"samples": [bare, {}]}) == 0


def test_resting_on_opinions_counts_before_what_labels_say():
    contradicts = said(rests(sample(0.1, 0.2, 0.3), [1], [1]), (["positive"], 0.1), (["positive"], 0.1))
    agrees = said(rests(sample(0.1, 0.9, 0.9), [2], [0]), (["positive"], 0.9), (["positive"], 0.9))
    assert most_changed({"samples": [agrees, contradicts]}) == 1


def test_where_no_labels_are_shown_they_decide_nothing():
    contradicts = said(sample(0.1, 0.9, 0.9), (["positive"], 0.6), (["positive"], 0.0))
    agrees = said(sample(0.1, 0.2, 0.3), (["positive"], 0.9), (["positive"], 0.9))
    assert most_changed({"samples": [contradicts, agrees]}) == 1
    assert most_changed({"samples": [contradicts, agrees]}, labels=False) == 0


def test_without_evidence_the_words_in_common_decide():
    samples = [sample(0.1, 0.3, 0.2), sample(0.1, 0.3, 0.4)]
    assert most_changed({"samples": samples}) == 1
    for one in samples:
        rests(one, [], [])
    assert most_changed({"samples": samples}) == 1
