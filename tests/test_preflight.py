"""The pre-flight: shapes as the engine finds them, sums by hand, what is stored is seen, and a setting that fits."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fairprune import catalogue, cli, cli_preflight
from fairprune.errors import BadInput, Unavailable
from fairprune.identity import Place, dense_id
from fairprune.methods import METHODS
from fairprune.plan import plan_run
from fairprune.preflight import Machine, estimate, setting_that_fits, words
from fairprune.preflight import machine as machines
from fairprune.preflight.asked import Asked, asked, statistics_kinds
from fairprune.preflight.duration import time_range
from fairprune.preflight.fitting import changed
from fairprune.preflight.memory import HEAP, PROGRAM, STATES, Stage, stages
from fairprune.preflight.rates import SHARES, Rates, product_rate, rates, solve_flops, threads
from fairprune.preflight.several import estimate_sweep
from fairprune.preflight.shapes import CONFIGS, Matrix, ModelShape, from_config, from_tensors, model_shape
from fairprune.spec import EvaluationSpec, RunSpec, build
from fairprune.store import SummaryRow, open_store
from fairprune.store.exchange import Foreign, ForeignRun
from tests.architectures import ARCHITECTURES
from tests.conftest import ROOT, TINY
from tests.tiny import make_headers
from tests.toy_corpus import import_toy

MIB = 2**20
ROOMY = Machine(host=10**12, accelerator=10**12, disk=10**12)

# Two blocks of width 10: queries and keys 10 × 10 read one tensor, the output 10 × 20 another.
# 2 · (100 + 100 + 200) = 800 weights in the blocks; 30 · 10 = 300 outside.
SHAPE = ModelShape(
    matrices=tuple(
        Matrix(block, rows, columns, f"{block}.{reads}")
        for block in (0, 1)
        for rows, columns, reads in ((10, 10, "x"), (10, 10, "x"), (10, 20, "y"))
    ),
    parameters=1100,
    stored_bytes=2200,
    dtype="bfloat16",
    width=10,
    vocabulary=30,
    key_values=8,
    origin="headers",
)
WORK = Asked(
    job="prune",
    gradients=1,
    losses=("last_token",),
    dense_covariances=False,
    dense_pass=True,
    pruned_walk=False,
    walk_covariances=False,
    solves=False,
    allocation="uniform",
    windows=4,
    tokens=6,
    sets=0,
    longest=50,
    mean=40.0,
    statistics_stored=False,
    summaries_stored=0,
)
EVALUATION = EvaluationSpec(
    samples=4, batch_size=2, max_new_tokens=10, perplexity_windows=1, perplexity_tokens=8
)


def parts(stage: Stage, where: str = "host") -> dict[str, int]:
    return {part.name: part.bytes for part in getattr(stage, where)}


def told(work: Asked = WORK, *, dtype: str = "auto", device: str = "cpu", **more) -> dict[str, Stage]:
    found = stages(SHAPE, work, EVALUATION, dtype, device=device, **{"placement": "resident", **more})
    return {stage.name: stage for stage in found}


def spec_of(model: Path | str, **values) -> RunSpec:
    return plan_run(
        **{
            "model": str(model),
            "method": "hgla",
            "corpus": import_toy(),
            "seqlen": 160,
            "device": "cpu",
            **values,
        },
        checked=False,
    )


# Shapes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_shapes_from_headers_are_those_of_the_loaded_model(name, tmp_path):
    import torch
    import transformers

    from fairprune.models import load, weight_matrix

    architecture = ARCHITECTURES[name]
    config = getattr(transformers, architecture.config)(**architecture.options)
    with torch.random.fork_rng(devices=[]):
        model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.save_pretrained(tmp_path)
    loaded = load(tmp_path)
    shape = model_shape(str(tmp_path))
    assert sorted((m.rows, m.columns) for m in shape.matrices) == sorted(
        tuple(weight_matrix(layer).shape) for layer in loaded.linears().values()
    )
    assert shape.blocks == 2 and shape.dtype == "float32"
    assert shape.parameters == sum(parameter.numel() for parameter in loaded.model.parameters())
    assert (shape.width, shape.vocabulary) == (16, 64)
    # What one token leaves in the cache, from a forward pass of three tokens.
    cache = loaded.model(input_ids=torch.ones(1, 3, dtype=torch.long), use_cache=True).past_key_values
    layer = cache.layers[0]
    assert shape.key_values == (layer.keys.numel() + layer.values.numel()) // 3


def test_numbers_of_a_config_give_the_shape_of_its_model(tiny_folder):
    config = json.loads((tiny_folder / "config.json").read_text())
    from_headers = model_shape(str(tiny_folder))
    computed = from_config(config, "headers")
    assert computed.parameters == from_headers.parameters
    assert sorted(m.size for m in computed.matrices) == sorted(m.size for m in from_headers.matrices)
    assert (computed.kept_per_token, computed.covariances, computed.key_values) == (
        from_headers.kept_per_token,
        from_headers.covariances,
        from_headers.key_values,
    )


def test_layers_that_read_one_tensor_share_it():
    # Of a block: inputs 10 + 20 (queries and keys share theirs), outputs 10 + 10 + 10.
    assert SHAPE.kept_per_token == 60
    # 2 · (10² + 20²) shared; 2 · (10² + 10² + 20²) as they are written.
    assert (SHAPE.covariances, SHAPE.block_covariances, SHAPE.stored_covariances) == (1000, 500, 1200)
    assert (SHAPE.prunable, SHAPE.block_weights, SHAPE.largest) == (800, 400, 200)


def test_masks_beside_the_weights_are_no_weights():
    tensors = {"m.layers.0.q.weight": ("F32", (4, 4)), "e.weight": ("F32", (9, 4))}
    alone = from_tensors(tensors, {}, "headers")
    assert from_tensors({**tensors, "m.layers.0.q": ("BOOL", (4, 4))}, {}, "headers") == alone
    assert (alone.parameters, alone.stored_bytes) == (52, 208)


def test_tied_embeddings_that_are_written_twice_count_once():
    tensors = {
        "m.layers.0.q.weight": ("BF16", (4, 4)),
        "e.weight": ("BF16", (9, 4)),
        "lm_head.weight": ("BF16", (9, 4)),
    }
    assert from_tensors(tensors, {"tie_word_embeddings": True}, "headers").parameters == 16 + 36
    assert from_tensors(tensors, {}, "headers").parameters == 16 + 72


@pytest.mark.parametrize(
    ("name", "parameters"),
    # As their hub pages say, in millions.
    [
        ("smollm2-135m", 134.5),
        ("tinyllama-1.1b-chat", 1100.0),
        ("gemma-2b-it", 2506.2),
        ("llama-3-8b", 8030.3),
    ],
)
def test_the_shape_of_a_catalogued_model_is_known_before_it_is_here(name, parameters, monkeypatch):
    assert CONFIGS.keys() == catalogue.CATALOGUE.keys()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(catalogue, "cached_folder", lambda _place: None)
    monkeypatch.setattr("fairprune.preflight.shapes._from_hub", lambda *_: None)
    shape = model_shape(name)
    assert shape.origin == "catalogue"
    assert shape.parameters / 1e6 == pytest.approx(parameters, rel=0.001)


def test_a_model_that_nobody_knows_is_refused(monkeypatch):
    monkeypatch.setattr("fairprune.preflight.shapes._from_hub", lambda *_: None)
    with pytest.raises(Unavailable, match="nobody/nothing is not on this machine"):
        model_shape("nobody/nothing")
    with pytest.raises(BadInput, match="does not exist"):
        model_shape("/nowhere")


HUB_FILES = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

class Hub(BaseHTTPRequestHandler):
    def do_GET(self):
        path = Path(sys.argv[1]) / self.path.split("?")[0].rsplit("/", 1)[-1]
        if "/resolve/main/" not in self.path or not path.is_file():
            return self.send_error(404)
        content = path.read_bytes()
        first, _, last = self.headers.get("Range", f"bytes=0-{len(content) - 1}").removeprefix("bytes=").partition("-")
        part = content[int(first) : int(last or len(content) - 1) + 1]
        self.send_response(206 if "Range" in self.headers else 200)
        for name, value in {"ETag": f'"{path.name}"', "X-Repo-Commit": "c" * 40, "Content-Length": len(part)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(part)

    do_HEAD = do_GET

server = HTTPServer(("127.0.0.1", 0), Hub)
print(server.server_address[1], flush=True)
server.serve_forever()
"""


def test_the_hub_is_asked_for_headers_alone(tiny_folder, tmp_path):
    """A hub of our own that has one model: its shape is that of the folder, and its weights stay there."""
    code = (
        "from fairprune.preflight.shapes import model_shape; s = model_shape('owner/tiny'); "
        "print(s.origin, s.parameters, s.dtype)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", HUB_FILES, str(tiny_folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as hub:
        try:
            assert hub.stdout is not None
            address = f"http://127.0.0.1:{hub.stdout.readline().strip()}"
            given = {
                "HF_ENDPOINT": address,
                "HF_HOME": str(tmp_path),
                "HF_HUB_OFFLINE": "0",
                "NO_PROXY": "127.0.0.1",
            }
            asked_hub = subprocess.run(
                [sys.executable, "-c", code],
                env={**os.environ, **given},
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            hub.kill()
    assert asked_hub.returncode == 0, asked_hub.stderr
    assert asked_hub.stdout.split() == ["hub", str(model_shape(str(tiny_folder)).parameters), "float32"]
    assert not list(tmp_path.rglob("*.safetensors"))


# Memory ------------------------------------------------------------------------------------------------------


def test_what_each_stage_holds_on_a_cpu():
    found = told()
    assert list(found) == ["model", "statistics", "pruning", "export"]
    assert parts(found["model"]) == {"Python and libraries": PROGRAM, "weights": 2200}
    # A token leaves 2 blocks · (2 bytes · 60 + 8 bytes · width 10) = 400 bytes; 6 tokens, and the heap's holes.
    activations = round(HEAP * 6 * 400)
    statistics = parts(found["statistics"])
    assert statistics["gradient sums"] == 4 * 800
    assert statistics["activations of one window"] == activations
    assert statistics["logits"] == 30 * (2 * 2 + 3 * 4)  # of the last token alone
    assert statistics["gradient of one matrix"] == 200 * (2 + 4)
    pruning = parts(found["pruning"])
    assert pruning["masks"] == 800 and pruning["gradient sums"] == 3200
    assert pruning["scores of a matrix per core"] == 24 * 200
    # What the pass has freed serves the scores first; here they take all of it, and it is not counted twice.
    assert activations == 4800 and "freed memory that the process keeps" not in pruning
    assert parts(found["export"])["the written model, loaded again"] == 1600


def test_all_tokens_need_all_logits():
    found = told(replace(WORK, losses=("all_tokens",)))
    assert parts(found["statistics"])["logits"] == 6 * 30 * 16


def test_another_number_format_is_copied_beside_the_file():
    loading = parts(told(dtype="float32")["model"])
    assert loading["weights"] == 4400 and loading["weights in the file's number format"] == 2200


def test_stored_statistics_need_no_pass():
    found = parts(told(replace(WORK, statistics_stored=True))["statistics"])
    assert found == {"Python and libraries": PROGRAM, "weights": 2200, "gradient sums": 3200}


def test_a_walk_over_pruned_blocks_holds_the_states_of_all_windows():
    work = replace(WORK, gradients=0, losses=(), dense_pass=False, pruned_walk=True, walk_covariances=True)
    pruning = parts(told(work)["pruning"])
    assert pruning[STATES] == 2 * 4 * 6 * 10 * 2  # into and out of a block
    assert pruning["input covariances of one block"] == 4 * 500
    assert "gradient sums" not in pruning


def test_summaries_hold_keys_and_values_or_the_logits_of_perplexity():
    many = replace(WORK, job="run", sets=4, longest=5000)
    # 2 rows · (5000 + 10) tokens · 2 blocks · 8 numbers · 2 bytes
    assert parts(told(many)["dense summaries"])["keys and values"] == 320_640
    written = parts(told(replace(many, summaries_stored=4))["dense summaries"])
    assert "keys and values" not in written
    assert written["logits"] == 2 * 8 * 30 * 2 + 3 * 4 * 256 * 30
    read = EVALUATION.model_copy(update={"loss_ratio": True})
    scored = stages(SHAPE, many, read, "auto", device="cpu", placement="resident")[-1]
    assert parts(scored)["logits"] == 30 * (5010 * 2 + 3 * 4 * 10)
    assert list(told(many))[-2:] == ["pruned summaries", "metrics"]


def test_a_streamed_model_has_one_block_on_the_accelerator():
    whole = told(device="cuda")["statistics"]
    assert parts(whole, "accelerator")["weights"] == 2200
    assert parts(whole, "accelerator")["gradient sums"] == 3200
    assert "weights" not in parts(whole)
    streamed = told(device="cuda", placement="streamed")["statistics"]
    device, host = parts(streamed, "accelerator"), parts(streamed)
    assert device["weights of one block"] == 2 * 400
    assert device["embedding and output matrix"] == 2 * 300
    assert device["gradient sums, of one block"] == 1600
    # One block's activations, half of those of both.
    assert 2 * device["activations of one window"] == parts(whole, "accelerator")["activations of one window"]
    assert host["weights"] == 2200 and host["gradient sums"] == 3200
    assert host[STATES] == (2 + 1) * 4 * 6 * 10 * 2  # what entered each block, and what left the last
    scarce = told(device="cuda", placement="streamed", host_free=400)["statistics"]
    assert parts(scarce)[STATES] == 100  # a quarter of what is free


def test_numbers_that_stand_beside_torch_are_the_same_here():
    from fairprune import blockwise, passes, perplexity
    from fairprune.preflight import memory

    assert memory.FORWARD_WINDOWS == passes.MOST_AT_ONCE
    assert memory.WAITING_SHARE == blockwise.HOST_SHARE
    assert (memory.PERPLEXITY_TOKENS, memory.LOGIT_ROWS) == (perplexity.BATCH_TOKENS, perplexity.LOGIT_ROWS)


def test_a_real_process_needs_what_is_told(tmp_path):
    """The tiny model: what Python and the libraries take, which is most of the memory of small models."""
    spec = plan_run(model=str(TINY), method="magnitude", summaries=False, device="cpu")
    command = [sys.executable, "-m", "fairprune", "prune", "--model", str(TINY), "--method", "magnitude"]
    command += ["--out", str(tmp_path / "out"), "--device", "cpu"]
    # A child's peak begins with what its parent held when it was started: a small parent stands between.
    between = (
        "import os, subprocess, sys; child = subprocess.Popen(sys.argv[1:]); _, status, usage = os.wait4(child.pid, 0); "
        "print(usage.ru_maxrss); sys.exit(os.waitstatus_to_exitcode(status))"
    )
    done = subprocess.run(
        [sys.executable, "-c", between, *command], cwd=ROOT, capture_output=True, text=True, check=True
    )
    peak = int(done.stdout.splitlines()[-1]) * 1024
    assert estimate(spec, job="prune").host_peak.host_bytes == pytest.approx(peak, rel=0.25)


# What is asked for, and what is stored -----------------------------------------------------------------------


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("allocation", ["uniform", "owl", "global"])
@pytest.mark.parametrize("propagate", ["dense", "pruned"])
def test_statistics_are_those_that_the_engine_collects(name, allocation, propagate):
    from fairprune.allocation import Target
    from fairprune.prune import wanted_dense
    from fairprune.statistics import gradient_key

    method = METHODS[name]
    chosen = {"propagate": propagate} if "propagate" in method.options.model_fields else {}
    spec = build(
        model={"name": "a/b"},
        pruning={"method": name, "allocation": allocation, "options": chosen},
        calibration={},
        evaluation={},
    )
    kinds = statistics_kinds(spec)
    wanted = wanted_dense(method, method.parse_options(chosen), Target(0.5, None, allocation))
    assert (kinds is None) == (wanted is None)
    if kinds is not None and wanted is not None:
        expected = {"inputs", *(gradient_key(*pair) for pair in wanted.gradients)}
        assert set(kinds) == expected | ({"covariances"} if wanted.hessian else set())


def test_stored_summaries_and_statistics_are_seen(tiny_folder):
    from fairprune.calibration import calibration_set
    from fairprune.corpora import load
    from fairprune.corpora.sets import opinion_sets
    from fairprune.tokens import TextTokenizer

    spec = plan_run(
        model=str(tiny_folder), method="hgla", corpus=import_toy(), seqlen=160, samples=2, device="cpu"
    )
    with open_store("sqlite://") as store:
        before = estimate(spec, store=store, machine=ROOMY)
        assert (before.statistics_stored, before.summaries_stored, before.sets) == (False, 0, 2)
        corpus = load(spec.calibration.corpus)
        windows = calibration_set(spec.calibration, corpus, TextTokenizer.from_folder(tiny_folder)).hash
        place = Place(spec.model.identity, "float32", "cpu", windows)
        for kind in ("inputs", "last_token/l2"):
            place.path(kind).touch()
        sets = opinion_sets(corpus, "test", 2)
        store.put_sets(sets, corpus.info.name)
        rows = [SummaryRow(one.id, i, "Good .", 3, 0.1, False) for i, one in enumerate(sets)]
        store.put_summaries(dense_id(spec, "float32", sets), rows)
        after = estimate(spec, store=store, machine=ROOMY)
    assert (after.statistics_stored, after.summaries_stored) == (True, 2)
    assert after.time is not None and before.time is not None
    assert "statistics" in before.time.stages and "statistics" not in after.time.stages
    assert after.time.stages["dense summaries"] == 0 < before.time.stages["dense summaries"]
    assert before.disk_bytes > after.disk_bytes == 0
    assert "the dense model's summaries and the statistics of these windows" in words.stored(after)


def test_a_folder_is_not_hashed_for_an_estimate(tiny_folder, monkeypatch):
    monkeypatch.setattr(catalogue, "folder_hash", lambda _folder: pytest.fail("read every weight"))
    assert estimate(spec_of(tiny_folder, samples=2), machine=ROOMY).fits


def test_longest_and_mean_prompt_are_counted(tiny_folder):
    from fairprune.corpora import info, load
    from fairprune.corpora.sets import opinion_sets
    from fairprune.prompts import summary_prompt
    from fairprune.tokens import TextTokenizer

    spec = spec_of(tiny_folder, samples=3)
    found = asked(spec, "float32", "run", None)
    tokenizer, name = TextTokenizer.from_folder(tiny_folder), spec.evaluation.corpus
    lengths = [
        len(tokenizer.prompt_ids(summary_prompt(info(name), [o.text for o in one.opinions])))
        for one in opinion_sets(load(name), "test", 3)
    ]
    assert (found.sets, found.longest, found.mean) == (3, max(lengths), sum(lengths) / 3)


# Time --------------------------------------------------------------------------------------------------------

RATES = Rates(
    forward=1e3,
    gradient=500.0,
    decode=1e4,
    mask=100.0,
    solve=1e3,
    start=5.0,
    scoring=7.0,
    low=0.5,
    high=2.0,
    rests_on="",
)


def test_seconds_follow_from_work_and_rates():
    many = replace(WORK, job="run", sets=4, mean=40.0)
    found = time_range(SHAPE, many, EVALUATION, "auto", RATES, "resident")
    # A token costs 2 · 800 FLOP, with its gradient three times that: 4 · 6 tokens.
    assert found.stages["statistics"] == pytest.approx(24 * 1600 * 3 / 500)
    assert found.stages["pruning"] == 8
    # Prompts: 4 · 40 tokens · 1600 FLOP; 2 batches of 10 steps read 2,200 bytes each; perplexity: two texts
    # of one window of 8 tokens, 2 · 1100 FLOP a token.
    summaries = 160 * 1.6 + 2 * 10 * 0.22 + 2 * 8 * 2.2
    assert found.stages["pruned summaries"] == pytest.approx(summaries)
    assert found.stages["dense summaries"] == pytest.approx(summaries)
    assert found.stages["metrics"] == 7
    asked_more = EVALUATION.model_copy(update={"noise_band": True, "loss_ratio": True})
    more = time_range(SHAPE, many, asked_more, "auto", RATES, "resident")
    # The dense model answers once more; then both summaries of 4 sets are read, 40 + 10 tokens each.
    again = 160 * 1.6 + 2 * 10 * 0.22
    assert more.stages["dense summaries"] == pytest.approx(summaries + again)
    assert more.stages["metrics"] == pytest.approx(7 + 2 * 4 * 50 * 2.2, abs=1e-4)
    total = sum(found.stages.values())
    assert (found.low, found.high) == (0.5 * total, 2 * total)


def finished_run(store, dtype: str = "float32", *, reused: bool = False) -> RunSpec:
    """A stored run on 1,000 prunable weights and 200 others, with stages of round seconds."""
    spec = build(
        model={"name": "a/b", "dtype": dtype},
        pruning={"method": "hgla", "sparsity": 0.5},
        calibration={"samples": 10, "seqlen": 100},
        evaluation={"samples": 4, "batch_size": 2},
    )
    store.submit(spec)
    store.claim("cpu", 1)
    seconds = {"model": 3.0, "opinions": 1.0, "calibration": 1.0, "statistics": 20.0, "pruning": 4.0}
    seconds |= {"dense summaries": 13.0, "pruned summaries": 12.0, "metrics": 6.0}
    for stage, value in seconds.items():
        store.stage_seconds(spec.id, stage, value)
    store.put_result(spec.id, "sparsity", {"weights": 1000, "model_parameters": 1200, "matrices": []})
    facts = {
        "tokens": 80,
        "seconds": 10.0,
        "prompt_tokens": 400,
        "batch_size": 2,
        "dtype": dtype,
        "reused": False,
    }
    store.put_result(spec.id, "generation", {"sets": [], "systems": {"dense": facts, "pruned": facts}})
    text = {"pruned": {"windows": 1, "window_tokens": 50}}
    store.put_result(spec.id, "perplexity", {"opinions": text, "general": text})
    store.put_result(spec.id, "statistics", {"reused": reused})
    store.finish(spec.id, "done")
    return spec


@pytest.fixture
def small_models_count(monkeypatch):
    """The stored runs of these tests are of a thousand weights, so that the sums can be done by hand."""
    monkeypatch.setattr("fairprune.preflight.rates.LEAST_WEIGHTS", 1)


def test_runs_of_toys_say_nothing_of_the_machine():
    with open_store("sqlite://") as store:
        finished_run(store)
        found = rates(store, "cpu", "float32")
    assert found is not None and "no run of a real model is stored yet" in found.rests_on


def test_rates_come_from_the_stages_of_a_stored_run(small_models_count):
    with open_store("sqlite://") as store:
        finished_run(store)
        found = rates(store, "cpu", "float32")
    assert found is not None
    # The stage took 12 s, its summaries 10 s: the other two are perplexity, 2 · 50 tokens · 2 · 1200 FLOP.
    assert found.forward == pytest.approx(100 * 2 * 1200 / 2)
    # 1,000 tokens · 2 · 1000 FLOP, forward and twice that backward, in 20 s
    assert found.gradient == pytest.approx(1000 * 2000 * 3 / 20)
    # 400 prompt tokens · 2,000 FLOP at 120,000 a second: 6.67 s of 10. 80 tokens in 4 texts: 20 steps in each
    # of 2 batches, 40 · 4,800 bytes in the other 3.33 s.
    assert found.decode == pytest.approx(40 * 4800 / (10 - 400 * 2000 / 120_000))
    assert found.mask == 1000 / 4
    assert found.start == pytest.approx(5.0, abs=0.5) and found.scoring == 6.0
    assert found.rests_on == "measured on 1 finished run on cpu in float32"
    assert (found.low, found.high) == (0.5, 2.0)


@pytest.mark.parametrize("origin", ["example", "imported"])
def test_runs_of_another_machine_say_nothing_of_this_one(small_models_count, origin):
    with open_store("sqlite://") as elsewhere, open_store("sqlite://") as store:
        spec = finished_run(elsewhere)
        texts = elsewhere.documents_of([spec.id])[spec.id]
        foreign = ForeignRun(elsewhere.run(spec.id), elsewhere.spec_text(spec.id), (), texts)
        store.take_over(Foreign([foreign], {}, {}), origin)
        assert [run.origin for run in store.runs("done")] == [origin]
        found = rates(store, "cpu", "float32")
    assert found is not None and "no run of a real model is stored yet" in found.rests_on


def test_statistics_that_were_read_from_disk_show_no_rate(small_models_count):
    with open_store("sqlite://") as store:
        finished_run(store, reused=True)
        found = rates(store, "cpu", "float32")
    assert found is not None and found.gradient != pytest.approx(1000 * 2000 * 3 / 20)


def test_runs_of_another_number_format_give_a_wider_range(small_models_count):
    with open_store("sqlite://") as store:
        finished_run(store, "bfloat16")
        found = rates(store, "cpu", "float32")
        nothing = rates(store, "cuda", "float32")
    assert found is not None and (found.low, found.high) == (0.3, 3.0)
    assert "of another number format" in found.rests_on
    assert nothing is None


def test_without_a_run_a_product_is_measured_and_the_range_is_wide():
    found = rates(None, "cpu", "float32")
    assert found is not None and found.forward == SHARES["float32"][0] * product_rate() > 1e6
    assert (found.low, found.high) == (0.3, 3.0) and "no run of a real model is stored yet" in found.rests_on


def test_work_of_a_method_that_solves():
    assert solve_flops([(2, 3), (1, 2)]) == 2 * 9 + 27 + 1 * 4 + 8


# A setting that fits -----------------------------------------------------------------------------------------


def peak(spec: RunSpec) -> int:
    return estimate(spec, machine=ROOMY).host_peak.host_bytes


def tight(spec: RunSpec, bytes_: int):
    """The estimate on a machine with so much memory, with the tenth that must be to spare."""
    return estimate(spec, machine=Machine(host=round(bytes_ * 1.1) + 10, accelerator=None, disk=10**12))


@pytest.fixture
def large(tmp_path) -> Path:
    return make_headers(tmp_path / "large")


def test_the_mildest_change_is_proposed_first(large):
    spec = spec_of(large, samples=2, seqlen=4096, calibration_samples=16)
    shorter = changed(spec, {"seqlen": 1024})
    found = tight(spec, peak(shorter))
    assert found.lacking == ("host",) and "This does not fit" in words.misfit(found)
    setting = setting_that_fits(found)
    # Fewer summaries at once would not help: the peak is the backward pass over a window.
    assert setting is not None and setting.values == {"seqlen": 1024}
    assert setting.changes == ("tokens per window: 4096 → 1024",)
    assert setting.preflight.fits and setting.preflight.host_peak.host_bytes == peak(shorter)
    assert words.options(setting) == "--seqlen 1024"


def test_fewer_summaries_at_once_where_they_are_the_peak(large, monkeypatch):
    spec = spec_of(large, samples=3, method="magnitude", batch_size=3, max_new_tokens=2048)
    monkeypatch.setattr("fairprune.preflight.asked._prompt_tokens", lambda *_: (3000,))
    setting = setting_that_fits(tight(spec, peak(changed(spec, {"batch_size": 1}))))
    assert setting is not None and setting.values == {"batch_size": 1}
    assert words.options(setting) == "--batch-size 1"


def test_bfloat16_then_a_lighter_method(large):
    spec = spec_of(large, samples=2, seqlen=128, dtype="float32")
    half = setting_that_fits(tight(spec, peak(spec) - 50 * MIB))
    assert half is not None and half.values == {"dtype": "bfloat16"}
    short = spec_of(large, samples=2, seqlen=128, dtype="bfloat16")
    lighter = setting_that_fits(tight(short, peak(changed(short, {"method": "wanda"}))))
    assert lighter is not None and lighter.values == {"method": "wanda"}
    assert "the same |W|·‖X‖, without the gradient" in lighter.changes[0]


def test_several_changes_where_one_does_not_do_and_no_more_than_needed(large):
    spec = spec_of(large, samples=2, seqlen=4096, dtype="float32", batch_size=2)
    both = changed(spec, {"dtype": "bfloat16", "seqlen": 128})
    setting = setting_that_fits(tight(spec, peak(both)))
    assert setting is not None and setting.values == {"dtype": "bfloat16", "seqlen": 128}
    assert setting.preflight.fits


def test_where_nothing_fits_nothing_is_proposed(tiny_folder):
    found = tight(spec_of(tiny_folder, samples=2), 10 * MIB)
    assert setting_that_fits(found) is None
    assert "No smaller setting fits either" in "\n".join(words.lines(found, None))


def test_an_accelerator_that_is_too_small_gets_the_blocks_one_by_one(large):
    spec = spec_of(large, samples=2).model_copy(update={"device": "cuda"})
    whole = estimate(spec, "resident", ROOMY, job="prune")
    assert whole.accelerator_peak is not None
    small = replace(ROOMY, accelerator=whole.accelerator_peak.accelerator_bytes)
    found = estimate(spec, machine=small, job="prune")
    assert found.placement == "streamed" and found.fits
    assert "block by block" in words.basis(found)
    assert estimate(spec, machine=ROOMY, job="prune").placement == "resident"


def test_a_run_goes_block_by_block_between_its_summaries(large):
    spec = spec_of(large, samples=2).model_copy(update={"device": "cuda"})
    whole = {stage.name: stage.accelerator_bytes for stage in estimate(spec, "resident", ROOMY).stages}
    streamed = {stage.name: stage.accelerator_bytes for stage in estimate(spec, "streamed", ROOMY).stages}
    # Summaries are written by the whole model; statistics and masks need one block at a time.
    assert streamed["dense summaries"] == whole["dense summaries"]
    assert streamed["statistics"] < whole["statistics"] and streamed["pruning"] < whole["pruning"]
    assert whole["statistics"] > whole["dense summaries"]
    small = replace(ROOMY, accelerator=round(1.2 * whole["dense summaries"]))
    found = estimate(spec, machine=small)
    assert found.placement == "streamed" and found.fits
    # Where the summaries themselves do not fit, going block by block is no help.
    assert estimate(spec, machine=replace(ROOMY, accelerator=10 * MIB)).lacking == ("accelerator",)


# Machine, words, command line --------------------------------------------------------------------------------


def test_free_memory_as_the_system_says_it(tmp_path):
    file = tmp_path / "meminfo"
    file.write_text("MemTotal:       24683520 kB\nMemAvailable:       2048 kB\n")
    assert machines.host_available(file) == 2 * MIB
    assert machines.host_available(tmp_path / "none") is None
    found = machines.this_machine("cpu")
    assert found.accelerator is None and found.disk > 0


def test_free_memory_of_the_accelerator(tmp_path, monkeypatch):
    program = tmp_path / "nvidia-smi"
    program.write_text('#!/bin/sh\ncase "$*" in *--id=1*) echo 22000;; *) echo 300; echo 22000;; esac\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    machines.accelerator_free.cache_clear()
    assert machines.accelerator_free(1) == 300 * MIB
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,0")
    assert machines.accelerator_free(2) == 22000 * MIB
    program.write_text("#!/bin/sh\necho 'No devices were found'\n")
    assert machines.accelerator_free(3) is None
    program.unlink()
    assert machines.accelerator_free(4) is None
    machines.accelerator_free.cache_clear()


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "under 1 MB"), (412_300_000, "412 MB"), (1_360_000_000, "1.36 GB"), (48_200_000_000, "48.2 GB")],
)
def test_sizes(value, text):
    assert words.size(value) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (20, 55.4, "20 to 55 s"),
        (90, 240, "1.5 to 4 min"),
        (7200, 23400, "2 to 6.5 h"),
        (58, 61, "58 to 61 s"),
        (3, 3.1, "about 3 s"),
    ],
)
def test_spans(low, high, text):
    assert words.span(low, high) == text


def call(capsys, *arguments) -> tuple[int, str, str]:
    code = cli.main(["preflight", *(str(argument) for argument in arguments)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_command_says_what_a_run_needs(capsys, tiny_folder, monkeypatch):
    given = ["--model", tiny_folder, "--method", "hgla", "--sparsity", "0.5", "--corpus", import_toy()]
    given += ["--seqlen", 160, "--option", "loss=all_tokens", "--device", "cpu"]
    code, out, _ = call(capsys, *given)
    assert code == 0 and out.splitlines()[-1] == "It fits."
    assert "host memory" in out and "gradient sums" not in out  # 18 kB of 450 MB are not named
    assert "float32 on cpu; shapes from the headers of its safetensors" in out
    code, out, _ = call(capsys, *given, "--job", "prune")
    assert code == 0 and "pruned model and masks" in out
    monkeypatch.setattr("fairprune.preflight.flight.this_machine", lambda _device: Machine(MIB, None, 10**12))
    code, out, _ = call(capsys, *given)
    assert code == 1 and "This does not fit: it needs" in out and "(1 MB are free)" in out


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (["--model", "/nowhere"], "the folder /nowhere does not exist"),
        (["--method", "wnada"], "did you mean 'wanda'"),
        (["--job", "write"], "unknown job 'write'"),
        (["--seqlen", "9"], "too short"),
    ],
)
def test_bad_input_is_one_line(capsys, tiny_folder, change, sentence):
    given = {"--model": str(tiny_folder), "--method": "wanda", "--corpus": import_toy(), "--seqlen": "160"}
    given |= {change[0]: change[1]}
    code, _, err = call(capsys, *(part for pair in given.items() for part in pair))
    assert code == 2 and sentence in err


def test_preflight_takes_all_options_of_run():
    taken, run = (
        set(inspect.signature(command).parameters) for command in (cli_preflight.preflight, cli.run)
    )
    assert taken - {"job"} == run - {"json_file"}


def test_many_runs_count_once_what_they_share(tiny_folder):
    corpus = import_toy()

    def planned(method="hgla", sparsity=0.5, calibration="balanced", seed=0):
        return plan_run(
            **{"model": str(tiny_folder), "corpus": corpus, "seqlen": 200, "device": "cpu", "checked": False},
            **{"method": method, "sparsity": sparsity, "calibration": calibration, "seed": seed},
        )

    with open_store() as store:
        assert estimate_sweep([], store) is None
        one = estimate(planned(), store=store).time
        two = estimate_sweep([planned(), planned(sparsity=0.25)], store)
        stages = one.stages
        total = sum(stages.values())
        shared = stages["dense summaries"] + stages["statistics"]
        # The second run pays neither; low and high are the same shares of the middle.
        assert two.runs == 2 and two.low == pytest.approx(one.low * (2 * total - shared) / total)
        assert two.high == pytest.approx(one.high * (2 * total - shared) / total)
        # Another calibration set reads its own windows, and has the same dense summaries; another seed shares nothing.
        other = estimate_sweep([planned(), planned(calibration="random")], store)
        assert other.low == pytest.approx(one.low * (2 * total - stages["dense summaries"]) / total)
        apart = estimate_sweep([planned(), planned(seed=1)], store)
        assert apart.low == pytest.approx(2 * one.low, rel=0.2)
        # Input norms of hgla serve wanda; not the other way round.
        wanda = estimate(planned("wanda"), store=store).time
        after = estimate_sweep([planned(), planned("wanda")], store)
        saved = wanda.stages["dense summaries"] + wanda.stages.get("statistics", 0.0)
        whole = sum(wanda.stages.values())
        assert after.low == pytest.approx(one.low + wanda.low * (whole - saved) / whole)
        assert after.accelerator is None and after.misfits == () and after.host.fits


def test_the_threads_of_a_worker(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads() == 3
    for text in ("", "0", "many", "2,2"):
        monkeypatch.setenv("OMP_NUM_THREADS", text)
        assert threads() == len(os.sched_getaffinity(0))


def test_the_probe_is_not_slowed_by_threads_that_wait_for_one_another(monkeypatch):
    """Twice the threads, twice the speed: of the product itself one thread is measured."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    product_rate.cache_clear()
    one = product_rate()
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    product_rate.cache_clear()
    two = product_rate()
    product_rate.cache_clear()
    assert 1.2 < two / one < 3.2
