"""The Llama architecture, small: RMS norm, rotary positions, SwiGLU, tied embeddings, no biases."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

CONTEXT = 1024
EPSILON = 1e-5
BLOCK = 96


@dataclass(frozen=True)
class Shape:
    vocabulary: int
    width: int
    layers: int
    heads: int
    hidden: int
    theta: float = 10_000.0

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


class RmsNorm(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        x = x.float()
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + EPSILON) * self.weight


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Neighbouring channels form a pair, which is llama.cpp's own layout: the export permutes nothing."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2)


def causal_attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Attention a block of queries at a time, each over the keys up to its own end.

    Nearly half of the square of scores is never computed: on a CPU
    it is this square, not the matrix products, that costs the time. The softmax is in full precision:
    in bfloat16 its gradient is too coarse for the copying heads to form.
    """
    with torch.autocast("cpu", enabled=False):
        q, k, v = (x.to(torch.bfloat16).contiguous() for x in (q, k, v))
        mixed = []
        for start in range(0, q.shape[2], BLOCK):
            end = min(start + BLOCK, q.shape[2])
            scores = torch.matmul(q[:, :, start:end], k[:, :, :end].transpose(-1, -2)).float() + mask[start:end, :end]
            mixed.append(torch.matmul(scores.softmax(-1).to(torch.bfloat16), v[:, :, :end]))
        return torch.cat(mixed, 2)


class Layer(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        d = shape.width
        self.heads = shape.heads
        self.attention_norm = RmsNorm(d)
        self.qkv = nn.Linear(d, 3 * d, bias=False)
        self.attention_out = nn.Linear(d, d, bias=False)
        self.ffn_norm = RmsNorm(d)
        self.gate_up = nn.Linear(d, 2 * shape.hidden, bias=False)
        self.down = nn.Linear(shape.hidden, d, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor) -> Tensor:
        batch, length, d = x.shape
        qkv = self.qkv(self.attention_norm(x)).view(batch, length, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        q = rotate(qkv[0], cos, sin) * (1 / math.sqrt(d // self.heads))
        k = rotate(qkv[1], cos, sin)
        mixed = causal_attention(q, k, qkv[2], mask).transpose(1, 2).reshape(batch, length, d)
        x = x + self.attention_out(mixed)
        gate, up = self.gate_up(self.ffn_norm(x)).chunk(2, -1)
        return x + self.down(functional.silu(gate) * up)


class Nano(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary, shape.width)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = RmsNorm(shape.width)
        for name, weight in self.named_parameters():
            if weight.dim() < 2:
                continue
            spread = 0.02 if name == "embedding.weight" else 1 / math.sqrt(weight.shape[1])
            # What is added to the residual stream starts small, the smaller the more layers add to it.
            if "attention_out" in name or "down" in name:
                spread /= math.sqrt(2 * shape.layers)
            nn.init.normal_(weight, std=spread)
        half = torch.arange(0, shape.width // shape.heads, 2).float() / (shape.width // shape.heads)
        angles = torch.outer(torch.arange(CONTEXT).float(), shape.theta ** -half)
        self.cos, self.sin = angles.cos(), angles.sin()
        self.mask = torch.full((CONTEXT, CONTEXT), -1e9).triu(1)

    def forward(self, ids: Tensor, wanted: Tensor) -> Tensor:
        """Logits at the `wanted` positions only: most positions are prompt, and the output layer is the widest."""
        length = ids.shape[1]
        x = self.embedding(ids)
        for layer in self.layers:
            x = layer(x, self.cos[:length], self.sin[:length], self.mask[:length, :length])
        return functional.linear(self.norm(x)[wanted], self.embedding.weight)
