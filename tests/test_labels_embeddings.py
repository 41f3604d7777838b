"""Embeddings are made once: what is kept on disk, what lies prepared, what happens to broken files."""

import logging

import pytest

from fairprune import paths
from fairprune.labels import cached, embeddings
from fairprune.labels.embeddings import embedding_key, prepared_file, write_embeddings
from tests.test_labels import bag_of_words


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("FAIRPRUNE_HOME", str(tmp_path))
    return paths.subfolder("embeddings")


def counting():
    asked = []

    def encode(texts):
        asked.extend(texts)
        return bag_of_words(texts)

    return asked, encode


def test_embeddings_are_kept(home):
    asked, encode = counting()
    first = cached(encode, "bag")(["one", "two", "one"])
    assert asked == ["one", "two"]
    assert (first == bag_of_words(["one", "two", "one"])).all()
    again = cached(encode, "bag")(["two", "three"])
    assert asked == ["one", "two", "three"]
    assert (again == bag_of_words(["two", "three"])).all()
    assert [file.suffix for file in home.iterdir()] == [".npz"]
    cached(encode, "another encoder")(["one"])
    assert asked[3:] == ["one"]


def test_odd_texts_can_be_embedded(home):
    _, encode = counting()
    found = cached(encode, "bag")(["\ud800 lone surrogate", "", "x" * 100_000])
    assert found.shape == (3, 256)
    assert cached(encode, "bag")([]).shape[0] == 0


def test_a_broken_file_is_computed_anew_and_said_so(home, caplog):
    asked, encode = counting()
    cached(encode, "bag")(["one"])
    (file,) = home.iterdir()
    file.write_bytes(file.read_bytes()[:40])
    with caplog.at_level(logging.WARNING):
        assert (cached(encode, "bag")(["one"]) == bag_of_words(["one"])).all()
    assert asked == ["one", "one"]
    assert "computed anew" in caplog.text
    cached(encode, "bag")(["one"])
    assert len(asked) == 2


def test_the_file_does_not_grow_without_end(home, monkeypatch):
    monkeypatch.setattr(embeddings, "MAX_STORED", 2)
    asked, encode = counting()
    cached(encode, "bag")(["one", "two", "three"])
    cached(encode, "bag")(["two", "three"])
    assert asked == ["one", "two", "three"]
    cached(encode, "bag")(["one"])
    assert asked[3:] == ["one"]


def prepare(texts):
    file = prepared_file("bag")
    file.parent.mkdir(parents=True)
    vectors = bag_of_words(texts)
    write_embeddings(
        file, {embedding_key("bag", text): row for text, row in zip(texts, vectors, strict=True)}
    )
    file.chmod(0o444)
    return file


def test_what_lies_prepared_is_not_embedded(home):
    file = prepare(["one", "two"])
    before = file.read_bytes()
    asked, encode = counting()
    found = cached(encode, "bag")(["two", "three", "one"])
    assert asked == ["three"]
    assert (found == bag_of_words(["two", "three", "one"])).all()
    assert file.read_bytes() == before
    # the folder of embeddings keeps only what was embedded here
    cached(encode, "another encoder")(["one"])
    assert asked == ["three", "one"]


def test_a_broken_prepared_file_is_removed_and_nothing_breaks(home, caplog):
    file = prepare(["one"])
    file.chmod(0o644)
    file.write_bytes(b"no archive")
    asked, encode = counting()
    with caplog.at_level(logging.WARNING):
        assert (cached(encode, "bag")(["one"]) == bag_of_words(["one"])).all()
    assert asked == ["one"] and not file.exists()
    assert "computed anew" in caplog.text


def test_one_embedder_reads_the_disk_once(home):
    asked, encode = counting()
    embed = cached(encode, "bag")
    embed(["one"])
    (file,) = home.iterdir()
    file.unlink()
    embed(["one", "two"])
    assert asked == ["one", "two"]
