"""BERTScore, BARTScore and entailment with real tiny models: against a plain computation, one text at a time."""

import math

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from fairprune.errors import BadInput, FairpruneError, Unavailable
from fairprune.metrics.coverage import entailment_scorer
from fairprune.metrics.matchers import bartscore, bertscore, ngram, pretrained
from fairprune.metrics.matchers.base import NO_SCORE, NO_WORDS
from fairprune.opinions import Opinion, OpinionSet
from tests.tiny_encoders import make_bart, make_bert

GROUPS = ("A", "B")
PAIRS = [
    ("the battery is great || great plot", "the battery is good ."),
    ("the screen is dim", "the battery is good ."),
    ("the acting is superb and the plot is dull", "good"),
]


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return pretrained.load(make_bert(tmp_path_factory.mktemp("m") / "bert"), "AutoModel", "x/tiny-bert")


def test_halves_of_surrogate_pairs_do_not_stop_the_tokenizer(bert):
    encode = bertscore.token_encoder(bert)
    (one,) = bertscore.score([("good \ud800 plot", "good \ud800 plot")], encode)
    assert one.f1 == pytest.approx(1, abs=1e-6)


@pytest.fixture(scope="module")
def bart(tmp_path_factory):
    return pretrained.load(
        make_bart(tmp_path_factory.mktemp("m") / "bart"), "AutoModelForSeq2SeqLM", "x/tiny-bart"
    )


@pytest.fixture(scope="module")
def nli(tmp_path_factory):
    folder = make_bert(tmp_path_factory.mktemp("m") / "nli", ("contradiction", "neutral", "ENTAILMENT"))
    return pretrained.load(folder, "AutoModelForSequenceClassification", "x/tiny-nli")


def source(a="the battery is great. great battery life", b="the screen is dim"):
    opinions = (Opinion(a, "A", "t"), Opinion(b, "B", "t"))
    return ngram.read_source(OpinionSet("s", "t", "balanced", "A", opinions), GROUPS)


def test_greedy_matching_by_hand():
    # candidate x, y; reference x, (x + y) / √2, −y: cosines
    #   x: 1, .7071, 0    y: 0, .7071, −1
    # precision (1 + .7071) / 2 = .853553; recall (1 + .7071 + 0) / 3 = .569036; F1 2PR / (P + R) = .682843
    h = math.sqrt(0.5)
    candidate = np.array([[1, 0], [0, 1]], np.float32)
    reference = np.array([[1, 0], [h, h], [0, -1]], np.float32)
    found = bertscore.greedy(candidate, reference)
    assert (found.precision, found.recall) == pytest.approx(((1 + h) / 2, (1 + h) / 3))
    assert found.f1 == pytest.approx(0.682843, abs=1e-6)
    swapped = bertscore.greedy(reference, candidate)
    assert (swapped.precision, swapped.recall, swapped.f1) == pytest.approx(
        (found.recall, found.precision, found.f1)
    )


def test_bertscore_reads_the_layer_without_special_tokens_and_padding(bert):
    rows = bertscore.token_encoder(bert)(["the battery is good .", "good", "the screen"])
    assert [len(one) for one in rows] == [5, 1, 2]
    ids = bert.tokenizer("the battery is good .", return_tensors="pt")
    with torch.inference_mode():
        hidden = bert.model(**ids).last_hidden_state[0, 1:-1]
    expected = torch.nn.functional.normalize(hidden, dim=-1).numpy()
    assert np.allclose(rows[0], expected, atol=1e-5)
    assert np.allclose(np.linalg.norm(rows[2], axis=1), 1, atol=1e-5)


def test_bertscore_of_known_models_takes_their_layer(bert):
    named = pretrained.Pretrained("distilbert-base-uncased", bert.model, bert.tokenizer, bert.max_tokens)
    assert bertscore.LAYERS[named.name] == 5
    with pytest.raises(IndexError):  # two layers have no fifth: the table is what decides
        bertscore.token_encoder(named)(["good"])


def test_a_text_scores_1_against_itself(bert):
    one = bertscore.score([("the plot is dull", "the plot is dull")], bertscore.token_encoder(bert))[0]
    assert (one.precision, one.recall, one.f1) == pytest.approx((1, 1, 1), abs=1e-5)


def test_bertscore_does_not_depend_on_the_batch(bert):
    encode = bertscore.token_encoder(bert)
    together = bertscore.score(PAIRS, encode)
    alone = [bertscore.score([pair], encode)[0] for pair in PAIRS]
    assert [one.f1 for one in together] == pytest.approx([one.f1 for one in alone], abs=1e-5)


def test_bertscore_shares_are_the_softmax_of_its_scores(bert):
    encode = bertscore.token_encoder(bert)
    text = "the battery is great"
    groups = ("the battery is great. great battery life", "the screen is dim")
    for part in ("precision", "f1"):
        a, b = (getattr(one, part) for one in bertscore.score([(group, text) for group in groups], encode))
        shares = bertscore.matcher(encode, part, 0.5)([source()], [text])[0]
        expected = math.exp(a / 0.5) / (math.exp(a / 0.5) + math.exp(b / 0.5))
        assert float(shares.summary[0]) == pytest.approx(expected)
        assert sum(shares.summary) == 1


def test_bartscore_is_the_mean_log_likelihood(bart):
    for (given, target), value in zip(PAIRS, bartscore.log_likelihoods(PAIRS, bart), strict=True):
        inputs = bart.tokenizer(given, return_tensors="pt")
        labels = bart.tokenizer(target, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            # transformers' own loss is the mean negative log-likelihood over the target's tokens
            loss = bart.model(**inputs, labels=labels).loss
        assert value == pytest.approx(-float(loss), abs=1e-4)
        assert value < 0


def test_bartscore_shares(bart):
    text = "the battery is great"
    groups = ("the battery is great. great battery life", "the screen is dim")
    a, b = bartscore.log_likelihoods([(group, text) for group in groups], bart)
    shares = bartscore.matcher(bart, 2.0)([source()], [text])[0]
    assert float(shares.summary[1]) == pytest.approx(1 / (1 + math.exp((a - b) / 2)))


def test_entailment_is_the_probability_of_that_label(nli):
    pairs = [("the battery is great", "the battery is good"), ("the screen is dim", "good")]
    found = entailment_scorer(nli)(pairs)
    for (premise, hypothesis), value in zip(pairs, found, strict=True):
        with torch.inference_mode():
            logits = nli.model(**nli.tokenizer(premise, hypothesis, return_tensors="pt")).logits[0]
        assert value == pytest.approx(float(torch.softmax(logits, -1)[2]), abs=1e-5)


def test_a_classifier_without_entailment_is_refused(tmp_path):
    folder = make_bert(tmp_path / "mood", ("happy", "sad"))
    found = pretrained.load(folder, "AutoModelForSequenceClassification", "mood")
    with pytest.raises(BadInput, match="labels are happy, sad"):
        entailment_scorer(found)


def test_texts_beyond_the_models_length_are_cut(bert, bart):
    long = "good " * 500
    assert len(bertscore.token_encoder(bert)([long])[0]) == 62  # 64 positions, two of them special
    assert math.isfinite(bartscore.log_likelihoods([(long, long)], bart)[0])


@pytest.mark.parametrize("text", ["🙂 !!!", "?", None, ""])
def test_a_summary_without_words_is_unscored(text, bert):
    shares = bertscore.matcher(bertscore.token_encoder(bert), "f1", 2)([source()], [text])[0]
    assert shares.summary is None
    assert shares.unscored in (NO_WORDS, "empty summary", "no summary written")


def test_a_text_without_model_tokens_is_counted_and_not_a_number(bert):
    def nothing(texts):
        return [np.zeros((0, 16), np.float32) for _ in texts]

    shares = bertscore.matcher(nothing, "precision", 2)([source()], ["good"])[0]
    assert (shares.summary, shares.unscored) == (None, NO_SCORE)


def test_other_scripts_and_very_long_texts(bert):
    texts = ["电影很好", "הסרט נהדר", "x" * 1_000_000, "good " * 200_000]
    shares = bertscore.matcher(bertscore.token_encoder(bert), "precision", 2)([source()] * 4, texts)
    assert all(sum(one.summary) == 1 for one in shares)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("/no/such/folder", "does not exist"),
        ("smollm2-135m", "is a decoder model"),
        ("no-such-name", "unknown model 'no-such-name'"),
    ],
)
def test_names_that_mean_nothing_are_refused(name, says):
    with pytest.raises(BadInput, match=says):
        pretrained.check(name)


def test_a_hub_model_that_cannot_be_reached_says_so(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(Unavailable, match="the hub cannot be reached"):
        pretrained.folder("someone/some-nli-model")


def test_folders_that_are_no_such_model_are_refused(tmp_path):
    with pytest.raises(BadInput, match=r"has no config\.json"):
        pretrained.load(tmp_path, "AutoModel", "x")
    encoder = make_bert(tmp_path / "encoder")
    with pytest.raises(
        BadInput, match=r"lacks 2 weights of AutoModelForSequenceClassification.*random numbers"
    ):
        pretrained.load(encoder, "AutoModelForSequenceClassification", "x")
    # an encoder may lack its pooler, which nothing reads; classification reads it
    weights = load_file(encoder / "model.safetensors")
    bare = {name: tensor for name, tensor in weights.items() if "pooler" not in name}
    assert len(bare) == len(weights) - 2
    save_file(bare, encoder / "model.safetensors", {"format": "pt"})
    pretrained.load(encoder, "AutoModel", "x")
    with pytest.raises(BadInput, match="lacks 4 weights"):
        pretrained.load(encoder, "AutoModelForSequenceClassification", "x")
    with pytest.raises(BadInput, match="as AutoModelForSeq2SeqLM"):
        pretrained.load(encoder, "AutoModelForSeq2SeqLM", "x")
    with pytest.raises(BadInput, match=r"no modules\.json"):
        pretrained.sentence_encoder(encoder)
    (encoder / "model.safetensors").unlink()
    with pytest.raises(FairpruneError, match="has no weights"):
        pretrained.check(str(encoder))


def test_the_packaged_encoder_gives_a_bertscore(packaged_home):
    from fairprune import assets

    encode = bertscore.token_encoder(pretrained.load(assets.ensure("minilm"), "AutoModel", "MiniLM"))
    near, far = bertscore.score(
        [("The battery life is great.", "Great battery."), ("The screen is too dim.", "Great battery.")],
        encode,
    )
    assert 1 > near.precision > far.precision
    assert near.f1 > far.f1


def test_a_sentence_encoder_from_a_folder(packaged_home):
    from fairprune import assets

    rows = pretrained.sentence_encoder(assets.ensure("minilm"))(
        ["The plot is dull.", "A dull plot.", "Rain."]
    )
    assert rows.shape == (3, 384)
    assert rows[0] @ rows[1] > rows[0] @ rows[2]
