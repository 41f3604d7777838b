"""Hub data sets. The rows come through `datasets` itself, from a local folder of the same form as a repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from fairprune.errors import BadInput
from fairprune.literature import hub, load
from tests.conftest import DATA, ROOT


def repository(tmp_path, records):
    folder = tmp_path / "someone" / "reviews"
    folder.mkdir(parents=True)
    lines = "".join(json.dumps(record) + "\n" for record in records)
    (folder / "test.jsonl").write_text(lines, encoding="utf-8")


def test_a_data_set_in_the_unified_format(tmp_path, monkeypatch):
    samples = json.loads((DATA / "literature" / "fairsumm.json").read_text(encoding="utf-8"))
    repository(tmp_path, samples)
    monkeypatch.chdir(tmp_path)
    data = load("hub:someone/reviews", "sentiment")
    assert data.info.groups == ("pos", "neu", "neg")
    assert data.ids[3] == "café-1"
    assert data.summaries["dense"][0] == samples[0]["dense"]


def test_a_table_with_lists(tmp_path, monkeypatch):
    lines = (DATA / "literature" / "hgla.jsonl").read_text(encoding="utf-8").splitlines()
    repository(tmp_path, [json.loads(line) for line in lines])
    monkeypatch.chdir(tmp_path)
    data = load("hub:someone/reviews:test", "label")
    assert [len(one.opinions) for one in data.sets] == [3, 4, 2]


def test_class_numbers_become_their_names():
    import datasets

    features = datasets.Features(
        {"text": datasets.Value("string"), "side": datasets.ClassLabel(names=["bad", "good"])}
    )
    rows = datasets.Dataset.from_dict(
        {"text": ["a b", "c d", "e f"], "side": [1, 0, None]}, features=features
    )
    assert list(hub.frame(rows, "x")["side"]) == ["good", "bad", ""]


def test_names():
    assert hub.parse("hub:owner/name") == ("owner/name", "test")
    assert hub.parse("hub:owner/name:train[:10]") == ("owner/name", "train[:10]")
    for name in ("hub:name", "hub:../secret", "hub:a/b/c", "hub:"):
        with pytest.raises(BadInput, match="is not hub:owner/name"):
            hub.parse(name)


def test_a_split_that_is_not_there(tmp_path, monkeypatch):
    repository(tmp_path, [{"text": "a", "side": "x"}])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match="split 'validation', cannot be read"):
        load("hub:someone/reviews:validation", "side")


def test_offline_is_said_in_one_line(tmp_path):
    found = subprocess.run(
        [sys.executable, "-m", "fairprune", "evaluate", "hub:owner/name", "--attribute", "side"],
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert found.returncode == 1
    assert "fairprune: data set 'owner/name' cannot be fetched, the hub is out of reach" in found.stderr
    assert "Traceback" not in found.stderr
