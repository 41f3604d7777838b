"""BERTScore as a quality number: by hand, with the packaged encoder, and with one from a folder."""

import json

import numpy as np
import pytest

from fairprune.errors import BadInput
from fairprune.evaluate import evaluate
from fairprune.metrics.scoring import similarity
from fairprune.spec import MetricSpec
from tests.test_evaluate import BOTH, FRESH, INFO, SETS
from tests.tiny_encoders import make_bert

AXES = {word: i for i, word in enumerate(("the", "acting", "plot", "superb", "dull"))}


def one_axis_per_word(texts):
    """Token embeddings of which two different words have nothing in common."""
    return [np.eye(len(AXES) + 1, dtype=np.float32)[[AXES.get(w, 5) for w in t.split()]] for t in texts]


def test_by_hand(monkeypatch):
    # each of the two words of the summary stands in the source, of whose four words two are met: 2 · 1 · .5 / 1.5
    sets = [SETS[0].__class__("s", "t", "balanced", "fresh", (opinion("the acting plot dull"),))]
    tables = similarity.bertscore_tables(
        sets * 4, {"dense": ["the dull", "superb", "…", None]}, one_axis_per_word
    )
    assert tables["dense"][:, 0].tolist() == pytest.approx([2 / 3, 0, np.nan, np.nan], nan_ok=True)
    assert tables["dense"].shape == (4, 1)


def opinion(text):
    return SETS[0].opinions[0].__class__(text, "fresh", "t")


def test_the_encoder_is_part_of_the_name():
    assert similarity.name_of("packaged") == "bertscore_minilm"
    assert similarity.name_of("microsoft/deberta-xlarge") == "bertscore_deberta-xlarge"


def test_a_published_encoder_from_a_folder(tmp_path):
    folder = make_bert(tmp_path / "tiny-bert")
    spec = MetricSpec(resamples=200, quality_bertscore=str(folder))
    found = evaluate(SETS, {"dense": [BOTH] * 4, "pruned": [BOTH, FRESH, "", None]}, INFO, spec, None)
    cells = found["quality"]["bertscore_tiny-bert"]
    assert (cells["dense"]["n"], cells["pruned"]["n"], cells["difference"]["n"]) == (4, 2, 2)
    assert -1 <= cells["pruned"]["value"] <= cells["dense"]["value"] <= 1
    json.dumps(found, allow_nan=False)


def test_without_being_asked_there_is_none():
    found = evaluate(SETS, {"dense": [BOTH] * 4}, INFO, MetricSpec(resamples=200), None)
    assert not [name for name in found["quality"] if name.startswith("bertscore")]


def test_an_encoder_that_cannot_be_had_costs_its_own_number_alone(tmp_path):
    spec = MetricSpec(resamples=200, quality_bertscore=str(tmp_path))
    found = evaluate(SETS, {"dense": [BOTH] * 4}, INFO, spec, None)
    assert found["quality"]["rouge_l"]["dense"]["n"] == 4
    (note,) = [note for note in found["notes"] if "BERTScore is missing" in note]
    assert "config.json" in note
    with pytest.raises(BadInput, match=r"config\.json"):
        similarity.check(str(tmp_path))  # and a run that asks for it is refused before it starts
    similarity.check("packaged")
    similarity.check("none")


@pytest.mark.slow
def test_the_packaged_encoder(packaged_home):
    encode = similarity.load_encoder("packaged")
    same, near, far = (
        similarity.bertscore_tables(SETS[:1], {"dense": [text]}, encode)["dense"][0, 0]
        for text in (
            " ".join(one.text for one in SETS[0].opinions),
            "The performances are excellent, the story is boring.",
            "Taxes rise.",
        )
    )
    assert same == pytest.approx(1, abs=1e-5)
    assert far < near < same
