"""Which models are encoders, told from their config alone: each of their tokens sees those after it. Without torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairprune.errors import BadInput

_TYPES = """
albert bert bert-generation big_bird camembert canine convbert data2vec-text deberta deberta-v2 distilbert electra ernie esm
esmc eurobert fnet funnel gte ibert jina_embeddings_v3 layoutlm layoutlmv3 lilt longformer luke markuplm megatron-bert
mobilebert modernbert modernvbert mpnet mra neomme nezha nomic_bert nystromformer qdqbert rembert roberta
roberta-prelayernorm roc_bert roformer splinter squeezebert ultrabert ultravbert visual_bert xlm-roberta xlm-roberta-xl xmod yoso
"""
MODEL_TYPES = frozenset(_TYPES.split())
"""The model_type of configs whose models are encoders, unless the config says is_decoder. Types that transformers decides by
other flags (xlm, flaubert, xlnet) are not here: what they are is seen on the loaded model (`models.check_causal`)."""
MASKED = "ForMaskedLM"
"""End of the class names of models that were trained to fill gaps."""


def refuse_encoder(config: Mapping[str, Any], where: object) -> None:
    """Refuses a config that says encoder; one that says nothing known is let through.

    Args:
        config: of config.json.
        where: folder or name of the model.

    Raises:
        BadInput: an encoder.
    """
    if config.get("is_decoder") is True:
        return
    kind, listed = config.get("model_type"), config.get("architectures")
    names = [name for name in listed if isinstance(name, str)] if isinstance(listed, list | tuple) else []
    if not (isinstance(kind, str) and kind in MODEL_TYPES) and not any(
        name.endswith(MASKED) for name in names
    ):
        return
    raise BadInput(
        f"{where} is an encoder ({names[0] if names else kind}): a decoder is needed, such as Llama, Qwen or OPT"
    )
