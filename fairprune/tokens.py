"""Text ↔ token ids through the `tokenizers` library and the chat template, without torch.

The page's preview and the worker use this same class, so that what is shown is what is calibrated on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

import jinja2
import numpy as np
from jinja2.sandbox import ImmutableSandboxedEnvironment
from numpy.typing import NDArray
from tokenizers import Tokenizer

from fairprune.errors import BadInput

_MARK, _END = "\u2063fairprune-opinions\u2063", "\u2063fairprune-end\u2063"


def _refuse(message: str) -> NoReturn:
    raise jinja2.exceptions.TemplateError(message)


@dataclass(frozen=True)
class TextTokenizer:
    """A fast tokenizer with its chat template."""

    tokenizer: Tokenizer
    template: str | None
    special: dict[str, str]
    """bos_token, eos_token … as texts, for the template."""
    eos_ids: tuple[int, ...]
    """Tokens that end a generated text."""

    @staticmethod
    def from_folder(folder: Path) -> TextTokenizer:
        """Reads tokenizer.json, tokenizer_config.json, chat_template.jinja and generation_config.json of a model folder.

        Raises:
            BadInput: no tokenizer.json, or one that cannot be read.
        """
        path = folder / "tokenizer.json"
        if not path.is_file():
            raise BadInput(
                f"{folder} has no tokenizer.json: save the model's fast tokenizer there (transformers: tokenizer.save_pretrained)"
            )
        return _read(folder, path.stat().st_mtime_ns)

    def encode(self, text: str, *, special: bool = False) -> list[int]:
        """Token ids; `special` adds what the tokenizer puts around a text (such as BOS)."""
        return list(self.tokenizer.encode(text, add_special_tokens=special).ids)

    def decode(self, ids: list[int]) -> str:
        """The text without special tokens."""
        return str(self.tokenizer.decode(ids, skip_special_tokens=True))

    def chat(self, text: str) -> str:
        """`text` as the user's turn of a chat, up to where the answer begins; unchanged without a chat template.

        Raises:
            BadInput: the template cannot be rendered.
        """
        if self.template is None:
            return text
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
        )
        environment.globals["raise_exception"] = _refuse
        environment.filters["tojson"] = lambda value, **_: json.dumps(value, ensure_ascii=False)
        # A template that prints the date would make the same run differ from day to day.
        environment.globals["strftime_now"] = lambda _format: ""
        try:
            return environment.from_string(self.template).render(
                messages=[{"role": "user", "content": text}], add_generation_prompt=True, **self.special
            )
        except jinja2.exceptions.TemplateError as error:
            raise BadInput(f"the model's chat template cannot be used: {error}") from error

    def prompt_ids(self, text: str) -> list[int]:
        """Token ids of the whole prompt: chat template when there is one, else BOS and the plain text."""
        return self.encode(self.chat(text), special=self.template is None)

    def around(self, before: str, after: str) -> tuple[list[int], list[int]]:
        """Token ids of what stands before and after the opinions in the prompt, up to the instruction's last token.

        The template's own closing tokens are left out: they are the same in every prompt, the model predicts them
        with certainty, and a loss of the last token would be the loss of a line break.
        """
        whole = self.chat(f"{before}{_MARK}{after}{_END}")
        head, mark, rest = whole.partition(_MARK)
        tail, end, _ = rest.partition(_END)
        if not mark or not end:
            raise BadInput("the model's chat template drops the user's text")
        return self.encode(head, special=self.template is None), self.encode(tail)

    @property
    def bos(self) -> list[int]:
        """What the tokenizer puts before a plain text: [BOS] or []."""
        empty = self.encode("", special=True)
        return [i for i in empty if i not in self.eos_ids]


def cut_windows(tokens: list[int], bos: list[int], length: int) -> NDArray[np.int32]:
    """All whole windows of one stream of tokens, in order: (windows, length), each begins with `bos`; the rest is left out."""
    body = length - len(bos)
    count = len(tokens) // body if body > 0 else 0
    ids = np.empty((count, length), dtype=np.int32)
    if count:
        ids[:, : len(bos)] = bos
        ids[:, len(bos) :] = np.array(tokens[: count * body], dtype=np.int32).reshape(count, body)
    return ids


def _text_of(value: Any) -> str | None:
    """A special token is written as a text or as {"content": text}."""
    if isinstance(value, dict):
        value = value.get("content")
    return value if isinstance(value, str) else None


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BadInput(f"{path} is not JSON: {error}") from error
    return value if isinstance(value, dict) else {}


def _template(folder: Path, config: dict[str, Any]) -> str | None:
    path = folder / "chat_template.jinja"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    template = config.get("chat_template")
    if isinstance(template, list):  # several named templates: the default one
        named = {entry.get("name"): entry.get("template") for entry in template if isinstance(entry, dict)}
        template = named.get("default")
    return template if isinstance(template, str) and template else None


@lru_cache(maxsize=8)
def _read(folder: Path, _modified: int) -> TextTokenizer:
    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # the tokenizers library raises bare Exception
        raise BadInput(f"{folder / 'tokenizer.json'} cannot be read: {error}") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    config = _json(folder / "tokenizer_config.json")
    special = {
        key: text
        for key in ("bos_token", "eos_token", "unk_token", "pad_token")
        if (text := _text_of(config.get(key))) is not None
    }
    ends: list[int] = []
    for source in (_json(folder / "generation_config.json"), _json(folder / "config.json")):
        value = source.get("eos_token_id")
        ends += [value] if isinstance(value, int) else [i for i in value or [] if isinstance(i, int)]
    if (text := special.get("eos_token")) is not None and (token := tokenizer.token_to_id(text)) is not None:
        ends.append(token)
    return TextTokenizer(tokenizer, _template(folder, config), special, tuple(dict.fromkeys(ends)))
