"""Writes a trained model as GGUF v3, which llama.cpp and node-llama-cpp read. Usage: gguf.py weights.pt tokenizer.json out.gguf"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Callable

import numpy as np
import torch

from model import CONTEXT, EPSILON
from tokenizer import SPECIAL

ALIGNMENT = 32
BLOCK = 32
F32, Q8_0 = 0, 8
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


# GGUF's value types: a number, then the bytes.
def u32(value: int) -> bytes:
    return struct.pack("<II", 4, value)


def i32_list(values: list[int]) -> bytes:
    return struct.pack(f"<IIQ{len(values)}i", 9, 5, len(values), *values)


def f32(value: float) -> bytes:
    return struct.pack("<If", 6, value)


def boolean(value: bool) -> bytes:
    return struct.pack("<IB", 7, value)


def string(value: str) -> bytes:
    return struct.pack("<I", 8) + text(value)


def string_list(values: list[str]) -> bytes:
    return struct.pack("<IIQ", 9, 8, len(values)) + b"".join(map(text, values))


def quantise(weight: np.ndarray) -> bytes:
    """Q8_0: for each 32 values one half-precision scale, then 32 signed bytes."""
    blocks = weight.astype(np.float32).reshape(-1, BLOCK)
    scale = (np.abs(blocks).max(axis=1) / 127).astype(np.float16)
    divisor = np.where(scale > 0, scale.astype(np.float32), np.inf)
    packed = np.empty((len(blocks), 2 + BLOCK), np.uint8)
    packed[:, :2] = scale.view(np.uint8).reshape(-1, 2)
    packed[:, 2:] = np.clip(np.rint(blocks / divisor[:, None]), -127, 127).astype(np.int8).view(np.uint8)
    return packed.tobytes()


def named_tensors(weights: dict[str, np.ndarray], layers: int) -> list[tuple[str, np.ndarray]]:
    """Under llama.cpp's names. There is no output.weight: llama.cpp then uses the embedding, as training did."""
    tensors = [("token_embd.weight", weights["embedding.weight"]), ("output_norm.weight", weights["norm.weight"])]
    for index in range(layers):
        ours, theirs = f"layers.{index}.", f"blk.{index}."
        q, k, v = np.split(weights[ours + "qkv.weight"], 3)
        gate, up = np.split(weights[ours + "gate_up.weight"], 2)
        for name, value in (("attn_norm", weights[ours + "attention_norm.weight"]), ("attn_q", q), ("attn_k", k), ("attn_v", v),
                            ("attn_output", weights[ours + "attention_out.weight"]), ("ffn_norm", weights[ours + "ffn_norm.weight"]),
                            ("ffn_gate", gate), ("ffn_up", up), ("ffn_down", weights[ours + "down.weight"])):
            tensors.append((f"{theirs}{name}.weight", value))
    return tensors


def metadata(shape: dict, tokenizer: dict) -> list[tuple[str, bytes]]:
    tokens = tokenizer["tokens"]
    head = shape["width"] // shape["heads"]
    end_of_text, end_of_turn = tokens.index("<|endoftext|>"), tokens.index("<|im_end|>")
    control, normal = 3, 1
    return [
        ("general.architecture", string("llama")), ("general.name", string("atos-nano")), ("general.file_type", u32(7)),
        ("general.license", string("mit")),
        ("llama.context_length", u32(CONTEXT)), ("llama.embedding_length", u32(shape["width"])), ("llama.block_count", u32(shape["layers"])),
        ("llama.feed_forward_length", u32(shape["hidden"])), ("llama.attention.head_count", u32(shape["heads"])),
        ("llama.attention.head_count_kv", u32(shape["heads"])), ("llama.attention.layer_norm_rms_epsilon", f32(EPSILON)),
        ("llama.rope.dimension_count", u32(head)), ("llama.rope.freq_base", f32(shape["theta"])), ("llama.vocab_size", u32(len(tokens))),
        ("tokenizer.ggml.model", string("gpt2")), ("tokenizer.ggml.pre", string("smollm")), ("tokenizer.ggml.tokens", string_list(tokens)),
        ("tokenizer.ggml.token_type", i32_list([control if t in SPECIAL else normal for t in tokens])),
        ("tokenizer.ggml.merges", string_list(tokenizer["merges"])), ("tokenizer.ggml.bos_token_id", u32(end_of_text)),
        ("tokenizer.ggml.eos_token_id", u32(end_of_turn)), ("tokenizer.ggml.padding_token_id", u32(end_of_text)),
        ("tokenizer.ggml.add_bos_token", boolean(False)), ("tokenizer.chat_template", string(TEMPLATE)),
    ]


def main(checkpoint: str, tokenizer_path: str, out: str) -> None:
    saved = torch.load(checkpoint)
    with open(tokenizer_path) as file:
        tokenizer = json.load(file)
    weights = {name: value.numpy() for name, value in saved["weights"].items()}
    tensors = named_tensors(weights, saved["shape"]["layers"])
    pairs = metadata(saved["shape"], tokenizer)
    pad: Callable[[bytes], bytes] = lambda raw: raw + b"\0" * (-len(raw) % ALIGNMENT)
    index, data = b"", b""
    for name, value in tensors:
        kind = F32 if value.ndim == 1 else Q8_0
        index += text(name) + struct.pack(f"<I{value.ndim}Q", value.ndim, *reversed(value.shape)) + struct.pack("<IQ", kind, len(data))
        data += pad(value.astype(np.float32).tobytes() if kind == F32 else quantise(np.ascontiguousarray(value)))
    header = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs)) + b"".join(text(key) + value for key, value in pairs) + index
    with open(out, "wb") as file:
        file.write(pad(header) + data)
    print(f"{sum(w.size for w in weights.values())} parameters, {len(pad(header)) + len(data)} bytes, {saved['tokens']} training tokens, {saved['cpu_seconds']:.0f} CPU seconds")


if __name__ == "__main__":
    main(*sys.argv[1:4])
