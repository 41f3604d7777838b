"""`evaluate` and `gate` from the command line: files in, tables, documents and exit codes out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest

from fairprune import jobs
from fairprune.cli import main
from fairprune.store import open_store
from tests.conftest import DATA, ROOT
from tests.test_endpoint import good, serving

FOLDER = DATA / "literature"
FAIRSUMM = ["evaluate", FOLDER / "fairsumm.json", "--attribute", "sentiment"]


def call(capsys, *arguments):
    code = main([str(argument) for argument in arguments])
    found = capsys.readouterr()
    return code, found.out, found.err


@pytest.fixture
def corpus(tmp_path):
    """60 samples: `dense` says both sides, `tiny` one side in a tenth of them, `broken` one side always, `mute` nothing."""
    fair, unfair = "good kettle boils but bad lid broke", "good kettle boils fast and well"
    records = [
        {
            "units": [
                {"text": f"good kettle boils fast {i}", "value": {"side": "good"}},
                {"text": f"bad lid broke soon {i}", "value": {"side": "bad"}},
            ],
            "id": f"case-{i}",
            "dense": fair,
            "same": fair,
            "tiny": unfair if i % 10 == 0 else fair,
            "broken": unfair,
            "mute": "",
        }
        for i in range(60)
    ]
    file = tmp_path / "corpus.json"
    file.write_text(json.dumps(records), encoding="utf-8")
    return file


def evaluate(corpus, *systems):
    arguments = ["evaluate", corpus, "--attribute", "side", "--resamples", 200]
    for system in systems:
        arguments += ["--summaries", system]
    return arguments


def test_several_systems_side_by_side(capsys, corpus, tmp_path):
    out = tmp_path / "r.json"
    code, said, _ = call(capsys, *evaluate(corpus, "dense", "tiny", "broken"), "--json", out)
    assert code == 0
    rows = [line.split() for line in said.splitlines()]
    bur = next(i for i, row in enumerate(rows) if row[:1] == ["bur"])
    assert [row[:2] for row in rows[bur + 1 : bur + 4]] == [
        ["dense", "0.0%"],
        ["tiny", "10.0%"],
        ["broken", "100.0%"],
    ]
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["systems"] == ["dense", "tiny", "broken"] and found["spec"]["resamples"] == 200
    # SPD2 has no classifier and says so
    assert "spd2 (label)" in said and "give --train FILE" in said


def test_options_reach_the_metrics(capsys, tmp_path):
    """Summary 'good good bad bad bad' of equal sides: p_y (.4, .6), exactly .8 of .5: fair under <, unfair under ≤."""
    file = tmp_path / "tie.csv"
    file.write_text("text,side,sample,sum\ngood,g,1,good good bad bad bad\nbad,b,1,\n")
    base = ["evaluate", file, "--attribute", "side", "--summaries", "sum", "--resamples", 100]
    shown = {}
    for options in ((), ("--ties", "le"), ("--tau", "0.9")):
        _, said, _ = call(capsys, *base, *options)
        bur = said[said.index("\nbur (ngram)") :]
        shown[options] = next(line for line in bur.splitlines() if line.startswith("  sum")).split()[1]
    assert shown == {(): "0.0%", ("--ties", "le"): "100.0%", ("--tau", "0.9"): "100.0%"}


def test_the_other_formats(capsys):
    table = [
        "evaluate",
        FOLDER / "table.csv",
        "--format",
        "table",
        "--attribute",
        "mood",
        "--summaries",
        "dense",
    ]
    code, said, _ = call(capsys, *table, "--text", "review", "--sample", "product", "--topic", "kind")
    assert code == 0 and "groups neg, pos" in said
    code, said, _ = call(
        capsys, "evaluate", FOLDER / "hgla.csv", "--attribute", "label", "--summaries", "summary"
    )
    assert code == 0 and "groups Pro-Republican, Pro-Democrat" in said


def test_summaries_of_files(capsys):
    code, said, _ = call(
        capsys,
        *FAIRSUMM,
        "--summaries",
        FOLDER / "dense.txt",
        "--summaries",
        f"small={FOLDER / 'pruned.jsonl'}",
    )
    assert code == 0 and "  small " in said and "differences to dense" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([*FAIRSUMM], r"give --summaries FIELD_OR_FILE (fields of fairsumm.json: gold_summary, dense, pruned)"),
        ([*FAIRSUMM[:2], "--summaries", "dense"], "Give --attribute"),
        ([*FAIRSUMM, "--summaries", "densest"], "'densest' is neither a field"),
        ([*FAIRSUMM, "--summaries", "dense", "--tau", "x"], "tau 'x' is not a number"),
        ([*FAIRSUMM, "--summaries", "dense", "--ties", "gt"], "ties cannot be 'gt'"),
        ([*FAIRSUMM, "--summaries", "dense", "--matcher", "ngrams"], "matcher"),
        ([*FAIRSUMM, "--summaries", "dense", "--json", "/no/such/x.json"], "cannot be written there"),
        ([*FAIRSUMM, "--summaries", "dense", "--format", "xml"], "unknown format 'xml'"),
        ([*FAIRSUMM, "--endpoint", "nowhere", "--endpoint-model", "m"], "is no address"),
        (["evaluate", "none.pkl", "--attribute", "label", "--summaries", "x"], "none.pkl is a pickle"),
        (["gate", "--baseline", "x", "--candidate", "y"], "a gate needs a margin"),
        (["gate", "--baseline", "x", "--candidate", "y", "--margin", "bur=5"], "'x' is neither a file nor a run id"),
        (["gate", "--baseline", "0" * 16, "--candidate", "1" * 16, "--margin", "bur=5"], "0000000000000000"),
    ],
)  # fmt: skip
def test_bad_input_is_exit_code_two_and_one_line(capsys, arguments, says):
    code, out, err = call(capsys, *arguments)
    lines = [line for line in err.splitlines() if line.startswith("fairprune: ")]
    assert code == 2 and len(lines) == 1 and says in lines[0], (code, out, err)
    assert "Traceback" not in err


def test_the_gate_answers_with_its_exit_code(capsys, corpus, tmp_path):
    result, junit, answer = tmp_path / "r.json", tmp_path / "j.xml", tmp_path / "a.json"
    assert (
        call(capsys, *evaluate(corpus, "dense", "same", "tiny", "broken", "mute"), "--json", result)[0] == 0
    )

    def gate(candidate, *margins, baseline=result):
        options = [part for margin in margins for part in ("--margin", margin)]
        return call(
            capsys,
            "gate",
            "--baseline",
            baseline,
            "--candidate",
            candidate,
            *options,
            "--junit",
            junit,
            "--json",
            answer,
        )

    code, said, _ = gate(f"{result}:same", "bur=5")
    assert code == 0 and said.startswith("PASS") and "60 of 60 summaries are the same" in said
    assert json.loads(answer.read_text())["verdict"] == "pass"
    assert ET.parse(junit).getroot().attrib["tests"] == "2"
    code, said, _ = gate(
        f"{result}:same", "bur=12", "sof=2"
    )  # of SOF no sample differs from another: nothing is shown
    assert code == 3 and "bur pass" in said and "sof undecided: harm +0.0 points, no interval" in said
    assert ET.parse(junit).getroot().attrib["tests"] == "3"
    code, said, _ = gate(f"{result}:broken", "bur=5")
    assert code == 1 and said.startswith("FAIL")
    assert ET.parse(junit).getroot().attrib["failures"] == "1"
    code, said, _ = gate(f"{result}:tiny", "bur=12")  # 10 points of harm, 60 samples
    assert code == 3 and said.startswith("UNDECIDED") and "samples would decide" in said
    code, said, _ = gate(f"{result}:mute", "bur=5")
    assert code == 1 and "100% of the summaries" in said  # a model that says nothing is not fair
    code, _, err = gate(result, "bur=5")
    assert code == 2 and f"which system of {result}? Write {result}:SYSTEM with one of dense, same" in err
    code, _, err = gate(f"{result}:dense", "bur=5")
    assert code == 2 and "both sides are" in err


def test_the_gate_scores_files_of_summaries_itself(capsys, corpus, tmp_path):
    written = tmp_path / "mine.txt"
    written.write_text("good kettle boils but bad lid broke\n" * 60)
    options = ["--data", corpus, "--attribute", "side", "--margin", "bur=5"]
    code, said, _ = call(capsys, "gate", "--baseline", "dense", "--candidate", written, *options)
    assert code == 0 and "PASS   corpus.json:mine against corpus.json:dense" in said
    assert call(capsys, "gate", "--baseline", written, "--candidate", "broken", *options)[0] == 1
    # The same name twice is two systems.
    assert call(capsys, "gate", "--baseline", "dense", "--candidate", "dense", *options)[0] == 0


def test_the_gate_reads_stored_runs(capsys, tmp_path, monkeypatch, tiny_folder):
    """A run of the tiny model: its dense against its pruned summaries, by run id and by the file of run --json."""
    from tests.toy_corpus import import_toy

    monkeypatch.setenv("FAIRPRUNE_WORKER_IDLE", "0")
    file = tmp_path / "run.json"
    arguments = [
        "run",
        "--model",
        tiny_folder,
        "--method",
        "magnitude",
        "--sparsity",
        "0.3",
        "--corpus",
        import_toy(),
    ]
    arguments += [
        "--samples",
        2,
        "--calibration-samples",
        1,
        "--seqlen",
        32,
        "--max-new-tokens",
        8,
        "--json",
        file,
    ]
    assert call(capsys, *arguments)[0] == 0
    with open_store() as store:
        [row] = store.runs()
        jobs.reconcile(store)
    by_id = call(capsys, "gate", "--baseline", row.id, "--candidate", row.id, "--margin", "bur=5")
    by_file = call(capsys, "gate", "--baseline", file, "--candidate", f"{file}:pruned", "--margin", "bur=5")
    assert by_id[0] in (1, 3)  # two samples decide nothing, but a tiny random model may be degenerate
    assert f"{row.id}:pruned against {row.id}:dense" in by_id[1]
    assert by_file[0] == by_id[0]
    assert by_file[1].replace(str(file), row.id) == by_id[1]


def test_summaries_of_an_endpoint(capsys, corpus, tmp_path, monkeypatch):
    """The server answers by the number in the prompt; what it said stands beside the JSON file, and is not asked for twice."""

    def script(_number, _asked):
        status, body, headers = good(0)
        body["choices"][0]["message"]["content"] = "good kettle boils fast and well"
        return status, body, headers

    monkeypatch.setattr("tests.test_endpoint.Handler.do_POST", _numbered)
    with serving(script) as server:
        options = ["--endpoint", server.url, "--endpoint-model", "my/model", "--endpoint-concurrency", 2]
        for _ in range(2):
            out = tmp_path / "r.json"
            code, said, err = call(capsys, *evaluate(corpus, "dense"), *options, "--json", out)
            assert code == 0 and "  my/model" in said
            assert len(server.seen) == 60
    assert "60" in err or err == ""
    assert len((tmp_path / "r.answers-my-model.jsonl").read_text().splitlines()) == 60
    found = json.loads(out.read_text())
    assert found["comparisons"]["my/model"]["metrics"]["bur"]["pruned"]["value"] == 1.0
    assert found["comparisons"]["my/model"]["quality"]["truncated"]["pruned"]["value"] == 0.0


def _numbered(self):
    """As the server's own, for prompts without a number of their own."""
    self.rfile.read(int(self.headers["content-length"]))
    with self.server.lock:
        self.server.seen.append(len(self.server.seen))
    status, payload, _ = self.server.script(0, 0)
    raw = json.dumps(payload).encode()
    self.send_response(status)
    self.send_header("content-length", str(len(raw)))
    self.end_headers()
    self.wfile.write(raw)


def test_an_endpoint_that_is_not_there_is_exit_code_one(capsys, corpus, tmp_path):
    code, _, err = call(
        capsys, *evaluate(corpus, "dense"), "--endpoint", "http://127.0.0.1:1/v1", "--endpoint-model", "m",
        "--endpoint-timeout", 2, "--answers", tmp_path / "a.jsonl", "--endpoint-tries", 1,
    )  # fmt: skip
    assert code == 1 and "it cannot be reached" in err and "Traceback" not in err


def test_the_specification_curve(capsys, corpus, tmp_path):
    out = tmp_path / "r.json"
    code, said, _ = call(capsys, *evaluate(corpus, "dense", "tiny"), "--multiverse", "--json", out)
    assert code == 0 and "bur: tiny fairer in 0, dense in" in said
    assert "ties lt" in said and "tau 0.6" in said
    rows = json.loads(out.read_text())["multiverse"]["tiny"]["bur"]
    assert {row["reading"] for row in rows} == {"ratio", "equal"}
    counts = json.loads(out.read_text())["multiverse_summary"]["tiny"]["bur"]
    assert (
        counts["specifications"]
        == len(rows)
        == counts["intervals"] + counts["no_interval"] + counts["missing"]
    )


def test_spd2_with_a_trained_classifier(capsys, corpus, tmp_path, packaged_home):
    """The real encoder on the corpus's own words: 60 opinions of each side train it, its summaries are labelled by it."""
    others = [
        {
            "units": [{**unit, "text": unit["text"] + (" again" if i else "")} for unit in one["units"]],
            "id": one["id"],
        }
        for i, one in enumerate(json.loads(corpus.read_text()))
    ]
    train = tmp_path / "train.json"
    train.write_text(json.dumps(others), encoding="utf-8")
    code, said, _ = call(
        capsys, *evaluate(corpus, "dense", "broken"), "--train", train, "--json", tmp_path / "r.json"
    )
    # the two opinions of the first sample are the same in both files
    assert code == 0 and "2 of 120 training texts are among the evaluated opinions: left out" in said
    found = json.loads((tmp_path / "r.json").read_text())["comparisons"]["broken"]
    assert found["classifier"]["accuracy"] > 0.9
    # 'good' comes second in sorted order: b. A summary of good alone leans away from a = bad.
    assert found["metrics"]["spd2"]["pruned"]["value"] < -0.5


def test_a_classifier_may_not_learn_what_it_labels(capsys, corpus):
    code, said, _ = call(capsys, *evaluate(corpus, "dense"), "--train", "self")
    assert code == 0 and "120 labelled opinions are too few for a classifier that labels them too" in said
    copy = corpus.with_name("copy.json")
    copy.write_text(corpus.read_text(), encoding="utf-8")  # the same opinions under another name
    code, said, _ = call(capsys, *evaluate(corpus, "dense"), "--train", copy)
    assert code == 0 and "120 labelled opinions are too few for a classifier that labels them too" in said
    code, _, err = call(capsys, *FAIRSUMM, "--summaries", "dense", "--train", corpus)
    assert code == 2 and "unknown attribute 'sentiment'" in err


def test_without_a_classifier_every_output_says_so(capsys, corpus, tmp_path):
    out, why = tmp_path / "r.json", "no group classifier: give --train FILE"
    assert call(capsys, *evaluate(corpus, "same", "tiny"), "--json", out)[0] == 0
    cell = json.loads(out.read_text())["comparisons"]["tiny"]["metrics"]["spd2"]["difference"]
    assert why in cell["verdict_reason"] and why in cell["distance"]["reason"]
    code, said, _ = call(capsys, "gate", "--baseline", out, "--candidate", out, "--margin", "spd2=0.05")
    assert code == 3 and why in said
    files = ("gate", "--data", corpus, "--attribute", "side", "--baseline", "same", "--candidate", "tiny")
    code, said, _ = call(capsys, *files, "--margin", "spd2=0.05")
    assert code == 3 and why in said
    call(capsys, *evaluate(corpus, "mute", "tiny"), "--json", out)
    cells = json.loads(out.read_text())["comparisons"]["tiny"]["metrics"]
    told = [cell["difference"]["verdict_reason"] or "" for cell in cells.values()]
    assert not any("dense" in one or "pruned" in one for one in told), told


def test_escape_codes_of_the_data_do_not_reach_the_terminal(capsys, corpus, tmp_path):
    text = corpus.read_text().replace('"side": "good"', '"side": "go\\u001b[2Jod"')
    file = tmp_path / "co\x1b[31mrpus.json"
    file.write_text(text, encoding="utf-8")
    code, out, _ = call(capsys, *evaluate(file, "dense", "tiny"))
    assert code == 0 and "go\ufffd[2Jod" in out and "\x1b" not in out
    code, _, err = call(capsys, *evaluate(tmp_path / "no\x1b[2J.json", "dense"))
    assert code == 2 and "\x1b" not in err


def test_evaluate_imports_no_torch():
    arguments = [str(part) for part in FAIRSUMM]
    found = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "fairprune", *arguments, "--summaries", "dense"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert "| torch\n" not in found.stderr and "| datasets\n" not in found.stderr


def test_other_choices_of_the_metrics_by_key(capsys, corpus):
    code, _, err = call(capsys, *evaluate(corpus, "dense"), "--metric", "tau=0.5")
    assert code == 2 and "unknown KEY of --metric 'tau'" in err  # tau has an option of its own
    code, _, err = call(capsys, *evaluate(corpus, "dense"), "--metric", "none_below=2")
    assert code == 2 and "none_below cannot be '2'" in err
    assert call(capsys, *evaluate(corpus, "dense"), "--metric", "none_below=0.5")[0] == 0


def test_the_benchmark_measures_the_whole_command(capsys):
    from benchmarks.evaluate import REVIEWS, dataset, long_sample, measure

    made = dataset(3, 2)
    assert len(made) == 3 and len(made[0]["units"]) == REVIEWS and set(made[0]) >= {"system_0", "system_1"}
    assert min(measure(dataset(4, 2), 2, False)) > 0
    assert "4 samples, 4 topics" in capsys.readouterr().out
    [long] = long_sample(10_000)
    assert sum(len(unit["text"]) for unit in long["units"]) >= 10_000
    assert abs(len(long["system_0"]) - sum(len(unit["text"]) + 1 for unit in long["units"])) <= REVIEWS
    assert min(measure([long], 1, False)) > 0
    assert "1 sample, 1 topic\n" in capsys.readouterr().out


def test_labels_that_come_with_the_data_need_no_training_file(capsys, corpus, tmp_path):
    copied = tmp_path / "copied.txt"
    copied.write_text("".join(f"good kettle boils fast {i}\n" for i in range(60)), encoding="utf-8")
    file = tmp_path / "result.json"
    code, out, _ = call(capsys, *evaluate(corpus, copied), "--metric", "labels=given", "--json", file)
    assert code == 0 and "the classifier's errors read as bias" in " ".join(out.split())
    cell = json.loads(file.read_text())["comparisons"]["copied"]["metrics"]["spd2"]["dense"]
    # each a sentence of `good`, the second group (bad, good): y (0, 1), x (1/2, 1/2): −1/2 − 1/2
    assert (cell["value"], cell["n"]) == (-1, 60)
    code, _, err = call(capsys, *evaluate(corpus, copied), "--metric", "labels=model:/no/such/model")
    assert code == 2 and "/no/such/model does not exist" in err


def test_too_few_opinions_to_train_on_is_the_reason_of_every_metric_that_needs_the_classifier(
    capsys, corpus, tmp_path
):
    out = tmp_path / "r.json"
    code, said, _ = call(
        capsys, *evaluate(corpus, "dense"), "--matcher", "label", "--train", "self", "--json", out
    )
    assert code == 0 and "no group classifier was given" not in said
    metrics = json.loads(out.read_text(encoding="utf-8"))["comparisons"]["dense"]["metrics"]
    reasons = {name: metrics[name]["dense"]["reason"] for name in ("bur", "uer", "auc", "sof", "spd2")}
    assert all("120 labelled opinions are too few" in reason for reason in reasons.values()), reasons


def test_too_few_opinions_to_train_on_is_the_one_reason_of_evidence_and_validity_too(
    capsys, corpus, tmp_path
):
    out = tmp_path / "r.json"
    assert call(capsys, *evaluate(corpus, "dense", "tiny"), "--train", "self", "--json", out)[0] == 0
    found = json.loads(out.read_text(encoding="utf-8"))
    one = found["comparisons"]["tiny"]
    said = [one["validity"]["spd2"], one["evidence"], one["classifier"], one["metrics"]["spd2"]["difference"]]
    reasons = {cell["reason"] for cell in said} | {
        sample["scores"]["tiny"]["reasons"][name]
        for sample in found["samples"]
        for name in ("spd2", "evidence", "coverage")
    }
    assert len(reasons) == 1 and "120 labelled opinions are too few" in reasons.pop()
