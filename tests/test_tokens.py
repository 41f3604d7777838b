"""Prompts as token ids, without torch, equal to what transformers makes of the same files."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from transformers import AutoTokenizer

from fairprune.errors import BadInput
from fairprune.tokens import TextTokenizer, cut_windows
from tests.tiny import make_tiny_model


def test_prompt_ids_are_those_of_transformers(tiny_folder):
    ours, theirs = TextTokenizer.from_folder(tiny_folder), AutoTokenizer.from_pretrained(tiny_folder)
    text = "Reviews about a movie . great || bad\nPlease write"
    expected = theirs.apply_chat_template([{"role": "user", "content": text}], add_generation_prompt=True)[
        "input_ids"
    ]
    assert ours.prompt_ids(text) == expected
    assert ours.decode(expected) == theirs.decode(expected, skip_special_tokens=True)
    assert ours.eos_ids == (1,)


@pytest.mark.slow
def test_prompt_ids_of_the_packaged_model_are_those_of_transformers(packaged_home):
    from fairprune import assets

    folder = assets.ensure("smollm2-135m")
    ours, theirs = TextTokenizer.from_folder(folder), AutoTokenizer.from_pretrained(folder)
    text = (
        "Reviews about a movie. Each review is separated by || : Great! || “Dull”, naïve 🙂\nThe summary is:"
    )
    assert (
        ours.prompt_ids(text)
        == theirs.apply_chat_template([{"role": "user", "content": text}], add_generation_prompt=True)[
            "input_ids"
        ]
    )


def test_around_is_the_prompt_cut_in_two(tiny_folder):
    tokenizer = TextTokenizer.from_folder(tiny_folder)
    head, tail = tokenizer.around("Reviews about a movie . ", "\nThe summary is")
    whole = tokenizer.prompt_ids("Reviews about a movie . great\nThe summary is")
    assert whole[: len(head)] == head
    assert whole[len(head) + 1 : len(head) + 1 + len(tail)] == tail
    assert tokenizer.decode(tail) == "The summary is"  # the template's closing tokens are left out


def test_without_a_chat_template_the_text_stands_alone(tmp_path):
    tokenizer = TextTokenizer.from_folder(make_tiny_model(tmp_path / "plain", chat=False))
    assert tokenizer.template is None
    assert tokenizer.chat("The movie") == "The movie"
    assert tokenizer.prompt_ids("The movie") == tokenizer.encode("The movie")
    assert tokenizer.bos == []


def test_bad_tokenizers_are_refused(tmp_path):
    with pytest.raises(BadInput, match=r"has no tokenizer\.json"):
        TextTokenizer.from_folder(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{broken")
    with pytest.raises(BadInput, match="cannot be read"):
        TextTokenizer.from_folder(tmp_path)


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{{ raise_exception('roles must alternate') }}", "roles must alternate"),
        ("{% for m in %}", "cannot be used"),
        ("nothing of the user", "drops the user's text"),
        ("{{ messages.__class__.__mro__ }}{{ messages[0]['content'] }}", "cannot be used"),
    ],
)
def test_bad_chat_templates_are_refused(tmp_path, tiny_folder, template, says):
    for name in ("tokenizer.json", "config.json"):
        (tmp_path / name).write_bytes((tiny_folder / name).read_bytes())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": template}))
    with pytest.raises(BadInput, match=says):
        TextTokenizer.from_folder(tmp_path).around("before", "after")


def test_torch_is_not_imported(tiny_folder):
    code = (
        "import sys; from pathlib import Path; from fairprune.tokens import TextTokenizer; import fairprune.calibration;"
        f"TextTokenizer.from_folder(Path({str(tiny_folder)!r})).prompt_ids('The movie');"
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_stream_is_cut_into_whole_windows():
    assert cut_windows([1, 2, 3, 4, 5, 6, 7], [], 3).tolist() == [[1, 2, 3], [4, 5, 6]]
    assert cut_windows([1, 2, 3, 4, 5], [9], 3).tolist() == [[9, 1, 2], [9, 3, 4]]
    assert cut_windows([1, 2], [], 3).shape == (0, 3)
    assert cut_windows([1, 2], [9], 1).shape == (0, 1)  # no room beside BOS
    assert cut_windows([], [], 3).shape == (0, 3)
