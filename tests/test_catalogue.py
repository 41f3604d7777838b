"""Names of models: what is refused at the form, and with which remedy."""

from __future__ import annotations

import json
import shutil

import pytest

from fairprune import catalogue
from fairprune.catalogue import CATALOGUE, check, check_pattern_fits, fetch, folder_hash, identity, resolve
from fairprune.errors import BadInput, Unavailable
from fairprune.paths import home
from fairprune.tokens import TextTokenizer


def test_the_catalogue_lists_the_models_of_the_study():
    assert set(CATALOGUE) == {"smollm2-135m", "tinyllama-1.1b-chat", "gemma-2b-it", "llama-3-8b"}
    assert "dequantised" in CATALOGUE["smollm2-135m"].title
    assert all(
        entry.needs.endswith(".") and bool(entry.asset) != bool(entry.hub) for entry in CATALOGUE.values()
    )


def test_names_folders_and_hub_ids(tiny_folder):
    assert resolve("smollm2-135m").kind == "package"
    assert (resolve("gemma-2b-it").kind, resolve("gemma-2b-it").place) == ("hub", "google/gemma-2b-it")
    assert (resolve(f"{tiny_folder}/").kind, resolve(str(tiny_folder)).place) == (
        "folder",
        str(tiny_folder.resolve()),
    )
    assert resolve("owner/some-model_1.0").kind == "hub"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("smollm", "unknown model 'smollm': did you mean 'smollm2-135m'"),
        ("/no/such/folder", "does not exist: give a folder with config.json"),
        ("../nowhere", "does not exist"),
        ("https://example.org/model", "unknown model"),
        ("a/b/c", "unknown model"),
    ],
)
def test_names_that_mean_nothing(name, says):
    with pytest.raises(BadInput, match=says):
        resolve(name)


def folder(tmp_path, config, *files):
    (tmp_path / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    for name in files:
        (tmp_path / name).write_bytes(b"x")
    return str(tmp_path)


@pytest.mark.parametrize(
    ("config", "files", "says"),
    [
        ({"model_type": "llama"}, (), r"has no weights: \*\.safetensors is needed"),
        (
            {"model_type": "llama"},
            ("pytorch_model.bin",),
            r"pytorch_model\.bin, which is not loaded .*save_pretrained",
        ),
        ({"model_type": "llama"}, ("consolidated.00.pth",), "not loaded"),
        ({"model_type": "t5", "is_encoder_decoder": True}, ("model.safetensors",), "encoder-decoder"),
        ({"num_local_experts": 8}, ("model.safetensors",), r"mixture of experts \(num_local_experts = 8\)"),
        (
            {"text_config": {"num_experts": 4}},
            ("model.safetensors",),
            r"mixture of experts \(num_experts = 4\)",
        ),
        ("{", ("model.safetensors",), "is not JSON"),
        ("[1]", ("model.safetensors",), "no JSON object"),
    ],
)
def test_folders_that_cannot_be_loaded(tmp_path, config, files, says):
    with pytest.raises(BadInput, match=says):
        check(folder(tmp_path, config, *files))


def test_a_folder_without_config(tmp_path):
    with pytest.raises(BadInput, match=r"it has no config\.json"):
        check(str(tmp_path))


def test_a_hub_model_without_a_hub_says_what_to_do(monkeypatch):
    from huggingface_hub.errors import OfflineModeIsEnabled

    def offline(*args, **kwargs):
        raise OfflineModeIsEnabled("offline")

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", offline)
    with pytest.raises(
        Unavailable, match=r"cannot be reached: connect, or give a local folder .*smollm2-135m needs no hub"
    ):
        check("tinyllama-1.1b-chat")


def test_gated_missing_and_foreign_hub_models(monkeypatch):
    from types import SimpleNamespace

    import httpx2
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    response = httpx2.Response(403, request=httpx2.Request("GET", "http://hub.invalid"))
    answers: dict[str, object] = {}

    def info(self, name, timeout):
        answer = answers["info"]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", info)
    monkeypatch.setattr("huggingface_hub.HfApi.auth_check", lambda self, name: None)
    answers["info"] = GatedRepoError("gated", response=response)
    with pytest.raises(Unavailable, match=r"gemma-2b-it is gated: accept its licence .* HF_TOKEN"):
        check("gemma-2b-it")
    answers["info"] = RepositoryNotFoundError("none", response=response)
    with pytest.raises(BadInput, match="the hub has no model 'own/none'"):
        check("own/none")
    answers["info"] = SimpleNamespace(siblings=[SimpleNamespace(rfilename="pytorch_model.bin")], sha="c0ffee")
    with pytest.raises(BadInput, match="has no safetensors on the hub"):
        check("own/old")
    answers["info"] = SimpleNamespace(
        siblings=[SimpleNamespace(rfilename="model.safetensors")], sha="c0ffee" * 6
    )
    assert check("own/new").kind == "hub"
    assert identity(resolve("own/new")) == "hub:" + ("c0ffee" * 6)[:16]


@pytest.mark.parametrize("content", [b"", b"garbage" * 80, (10**15).to_bytes(8, "little")])
def test_damaged_weights_are_refused_at_the_form(tiny_folder, tmp_path, content):
    (tmp_path / "config.json").write_bytes((tiny_folder / "config.json").read_bytes())
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(BadInput, match=r"model\.safetensors cannot be read as safetensors"):
        check(str(tmp_path))


def test_a_broken_memo_is_no_identity(tiny_folder):
    before = folder_hash(tiny_folder)
    (memo,) = (home() / "cache" / "folder-hashes").iterdir()
    for content in ("", "nonsense", before[:7]):
        memo.write_text(content)
        assert folder_hash(tiny_folder) == before
    assert memo.read_text() == before


def test_identity_of_a_folder_is_its_content(tiny_folder, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(tiny_folder, copy)
    assert folder_hash(copy) == folder_hash(tiny_folder)
    before = identity(resolve(str(copy)))
    weights = copy / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert identity(resolve(str(copy))) != before
    assert identity(resolve("smollm2-135m")).startswith("package:")


def test_patterns_are_checked_against_the_shapes(tiny_folder):
    check_pattern_fits(resolve(str(tiny_folder)), "2:4")
    with pytest.raises(
        BadInput, match=r"layers\.0\.mlp\.down_proj\.weight is 16 × 32, and neither is a multiple of 3"
    ):
        check_pattern_fits(resolve(str(tiny_folder)), "1:3")
    check_pattern_fits(resolve("owner/not-here"), "1:3")  # nothing is known yet; the block loop checks again


def test_fetch_of_a_folder_is_the_folder(tiny_folder):
    source = resolve(str(tiny_folder))
    assert fetch(source) == tiny_folder.resolve()
    assert TextTokenizer.from_folder(catalogue.preview_folder(source)).template
