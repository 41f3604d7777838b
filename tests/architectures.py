"""The architectures that are checked: options of a tiny config, and the matrices of a block worked out by hand."""

from __future__ import annotations

from dataclasses import dataclass

WIDE = {"vocab_size": 64, "initializer_range": 0.3, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
BASE = {
    **WIDE,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
}
VISION = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "image_size": 28,
    "patch_size": 14,
}


@dataclass(frozen=True)
class Architecture:
    config: str
    """Class of the transformers config."""
    options: dict[str, object]
    blocks: str
    """Name of the list of blocks."""
    matrices: dict[str, tuple[int, int]]
    """Name within a block → (out, in), worked out by hand in the comment above it."""
    tied_output: bool
    """Whether the output matrix is the embedding."""
    masks_differ: bool = False
    """Whether the two blocks get different attention masks (a window of 4 tokens, and all tokens)."""


MLP = {"mlp.gate_proj": (32, 16), "mlp.up_proj": (32, 16), "mlp.down_proj": (16, 32)}


def attention(queries: int, keys: int) -> dict[str, tuple[int, int]]:
    """Separate projections: `queries` and `keys` are the outputs of all their heads together, the width is 16."""
    return {
        "self_attn.q_proj": (queries, 16),
        "self_attn.k_proj": (keys, 16),
        "self_attn.v_proj": (keys, 16),
        "self_attn.o_proj": (16, queries),
    }


FALCON = {**WIDE, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4}

ARCHITECTURES = {
    # 4 query heads of 16/4 = 4 → 16, 2 key heads of 4 → 8.
    "llama": Architecture("LlamaConfig", BASE, "model.layers", attention(16, 8) | MLP, False),
    "llama-tied": Architecture(
        "LlamaConfig", BASE | {"tie_word_embeddings": True}, "model.layers", attention(16, 8) | MLP, True
    ),
    "mistral": Architecture(
        "MistralConfig", BASE | {"sliding_window": 4}, "model.layers", attention(16, 8) | MLP, False
    ),
    # Qwen 2 has biases on queries, keys and values; here its second block looks back 4 tokens only.
    "qwen2": Architecture(
        "Qwen2Config",
        BASE | {"use_sliding_window": True, "sliding_window": 4, "max_window_layers": 1},
        "model.layers",
        attention(16, 8) | MLP,
        False,
        masks_differ=True,
    ),
    # Heads of 8, not 16/4: 4 · 8 = 32 and 2 · 8 = 16; norms of queries and keys are vectors.
    "qwen3": Architecture(
        "Qwen3Config", BASE | {"head_dim": 8}, "model.layers", attention(32, 16) | MLP, False
    ),
    # One key head of 8.
    "gemma": Architecture(
        "GemmaConfig",
        BASE | {"head_dim": 8, "num_key_value_heads": 1},
        "model.layers",
        attention(32, 8) | MLP,
        True,
    ),
    "gemma2": Architecture(
        "Gemma2Config",
        BASE | {"head_dim": 4, "sliding_window": 4, "query_pre_attn_scalar": 4},
        "model.layers",
        attention(16, 8) | MLP,
        True,
        masks_differ=True,
    ),
    "gemma3-text": Architecture(
        "Gemma3TextConfig",
        BASE
        | {
            "head_dim": 4,
            "sliding_window": 4,
            "query_pre_attn_scalar": 4,
            "layer_types": ["sliding_attention", "full_attention"],
        },
        "model.layers",
        attention(16, 8) | MLP,
        True,
        masks_differ=True,
    ),
    # With images: the vision tower here is larger than the text model, and is not pruned.
    "gemma3": Architecture(
        "Gemma3Config",
        {
            "text_config": BASE
            | {
                "head_dim": 4,
                "sliding_window": 4,
                "query_pre_attn_scalar": 4,
                "layer_types": ["sliding_attention", "full_attention"],
            },
            "vision_config": VISION,
            "mm_tokens_per_image": 4,
            "image_token_index": 63,
            "boi_token_index": 61,
            "eoi_token_index": 62,
        },
        "model.language_model.layers",
        attention(16, 8) | MLP,
        True,
        masks_differ=True,
    ),
    # Fused: 16 + 2 · 8 = 32 rows of queries, keys and values; 2 · 32 of gate and up.
    "phi3": Architecture(
        "Phi3Config",
        BASE,
        "model.layers",
        {
            "self_attn.o_proj": (16, 16),
            "self_attn.qkv_proj": (32, 16),
            "mlp.gate_up_proj": (64, 16),
            "mlp.down_proj": (16, 32),
        },
        False,
    ),
    # Embeddings of 8: project_in (16, 8) and project_out (8, 16) stand outside the blocks.
    "opt": Architecture(
        "OPTConfig",
        WIDE
        | {
            "hidden_size": 16,
            "ffn_dim": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "max_position_embeddings": 64,
            "word_embed_proj_dim": 8,
            "do_layer_norm_before": False,
            "init_std": 0.3,
        },
        "model.decoder.layers",
        {
            "self_attn.k_proj": (16, 16),
            "self_attn.v_proj": (16, 16),
            "self_attn.q_proj": (16, 16),
            "self_attn.out_proj": (16, 16),
            "fc1": (32, 16),
            "fc2": (16, 32),
        },
        True,
    ),
    # 3 · 16 = 48 rows.
    "gpt-neox": Architecture(
        "GPTNeoXConfig",
        BASE,
        "gpt_neox.layers",
        {
            "attention.query_key_value": (48, 16),
            "attention.dense": (16, 16),
            "mlp.dense_h_to_4h": (32, 16),
            "mlp.dense_4h_to_h": (16, 32),
        },
        False,
    ),
    # Conv1D, stored as (in, out); 3 · 16 and 4 · 16.
    "gpt2": Architecture(
        "GPT2Config",
        WIDE | {"n_embd": 16, "n_layer": 2, "n_head": 4, "n_positions": 64},
        "transformer.h",
        {
            "attn.c_attn": (48, 16),
            "attn.c_proj": (16, 16),
            "mlp.c_fc": (64, 16),
            "mlp.c_proj": (16, 64),
        },
        True,
    ),
    # One key and one value head beside 4 query heads: (4 + 2) · 4 = 24 rows; attention and MLP in parallel.
    "falcon-7b": Architecture(
        "FalconConfig",
        FALCON | {"multi_query": True, "parallel_attn": True},
        "transformer.h",
        {
            "self_attention.query_key_value": (24, 16),
            "self_attention.dense": (16, 16),
            "mlp.dense_h_to_4h": (64, 16),
            "mlp.dense_4h_to_h": (16, 64),
        },
        True,
    ),
    # 2 key and 2 value heads: (4 + 2 · 2) · 4 = 32 rows.
    "falcon-40b": Architecture(
        "FalconConfig",
        FALCON | {"new_decoder_architecture": True, "num_kv_heads": 2},
        "transformer.h",
        {
            "self_attention.query_key_value": (32, 16),
            "self_attention.dense": (16, 16),
            "mlp.dense_h_to_4h": (64, 16),
            "mlp.dense_4h_to_h": (16, 64),
        },
        True,
    ),
    # Alibi, one after the other: 3 · 16 rows.
    "falcon-rw": Architecture(
        "FalconConfig",
        FALCON | {"alibi": True, "multi_query": False, "parallel_attn": False, "bias": True},
        "transformer.h",
        {
            "self_attention.query_key_value": (48, 16),
            "self_attention.dense": (16, 16),
            "mlp.dense_h_to_4h": (64, 16),
            "mlp.dense_4h_to_h": (16, 64),
        },
        True,
    ),
    "bloom": Architecture(
        "BloomConfig",
        WIDE | {"hidden_size": 16, "n_layer": 2, "n_head": 4},
        "transformer.h",
        {
            "self_attention.query_key_value": (48, 16),
            "self_attention.dense": (16, 16),
            "mlp.dense_h_to_4h": (64, 16),
            "mlp.dense_4h_to_h": (16, 64),
        },
        True,
    ),
}
