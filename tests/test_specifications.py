"""The specification curve of a stored run: what it needs, and that it loads no model."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fairprune import assets, corpora
from fairprune.corpora.sets import opinion_sets
from fairprune.corpora.user import import_table
from fairprune.errors import BadInput, StoreError
from fairprune.labels import cached, training_draw
from fairprune.specifications import CURVES, stored_curve
from fairprune.store import open_store
from fairprune.text import sentences
from tests.conftest import ROOT
from tests.corpora.test_user import MAPPING, rows
from tests.pages.filled import fill, fill_many, spec, words_of_praise


def test_words_alone_where_no_embedding_is_stored():
    with open_store("sqlite://") as store:
        found = stored_curve(store, fill_many(store), "bur")
    assert {row.matcher for row in found.rows} == {"ngram"}
    # 2 readings · 2 ties · 5 τ · 3 treatments · 3 seeds
    assert len(found.rows) == 180
    # a is the pruned model: 30 of 40 lose a group and no dense one does, but for dense ties at τ = 1, where all lose
    assert {row.difference for row in found.rows if (row.ties, row.tau) != ("le", "1")} == {0.75}
    assert {row.difference for row in found.rows if (row.ties, row.tau) == ("le", "1")} == {0.0}
    (why,) = found.left_out
    assert why.startswith("label and embedding: ") and "no stored embedding" in why


def stored_corpus():
    """A user's corpus of two groups that are no sentiments, and sets of it."""
    info = import_table(
        "sides.csv", rows(topics=12, each=12, groups="ab"), MAPPING, "tweet", "Tweets about tea."
    )
    corpus = corpora.load(info.name)
    return corpus, opinion_sets(corpus, "test", 3, 4, "balanced", 0)


def test_labels_and_embeddings_join_where_the_run_has_left_them():
    corpus, sets = stored_corpus()
    texts = {
        "dense": [" ".join(opinion.text for opinion in one.opinions) for one in sets],
        "pruned": [one.opinions[0].text for one in sets],
    }
    said = [opinion.text for one in sets for opinion in one.opinions]
    said += [opinion.text for opinion in training_draw(corpus.splits["train"], corpus.info.groups, 0)]
    said += [text for found in texts.values() for text in found]
    every = list(dict.fromkeys([*said, *(sentence for text in said for sentence in sentences(text))]))
    cached(words_of_praise, assets.get_asset("minilm").folder)(every)  # what a run leaves on disk
    with open_store("sqlite://") as store:
        run_spec = spec(evaluation={"samples": 3, "corpus": corpus.info.name})
        run = fill(store, run_spec, sets=sets, texts=texts, info=corpus.info)
        found = stored_curve(store, run, "uer")
    assert {row.matcher for row in found.rows} == {"ngram", "label", "embedding"}
    assert found.left_out == []


def test_a_model_of_labels_is_not_loaded():
    corpus, sets = stored_corpus()
    texts = {"dense": ["Tea is nice."] * 3, "pruned": ["Tea."] * 3}
    cached(words_of_praise, assets.get_asset("minilm").folder)(
        [*(opinion.text for one in sets for opinion in one.opinions), "Tea is nice.", "Tea."]
    )
    with open_store("sqlite://") as store:
        given = spec(
            evaluation={"samples": 3, "corpus": corpus.info.name}, metrics={"labels": "model:owner/name"}
        )
        run = fill(store, given, sets=sets, texts=texts, info=corpus.info)
        found = stored_curve(store, run, "sof")
    assert found.left_out == ["label: the labels come from a model"]


def test_what_has_no_curve_is_refused():
    with open_store("sqlite://") as store:
        run = fill_many(store)
        with pytest.raises(BadInput, match="spd2"):
            stored_curve(store, run, "spd2")
        store.put_result(run.id, "generation", {"sets": [], "systems": {}})
        with pytest.raises(StoreError, match="no summaries of both models"):
            stored_curve(store, run, "bur")
    assert "spd2" not in CURVES


def test_the_server_process_stays_without_torch():
    code = (
        "import sys\n"
        "from fairprune.specifications import stored_curve\n"
        "from fairprune.store import open_store\n"
        "from tests.pages.filled import fill_many\n"
        "with open_store('sqlite://') as store:\n"
        "    assert stored_curve(store, fill_many(store), 'uer').rows\n"
        "assert not {'torch', 'transformers', 'sentence_transformers', 'datasets'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=120)
