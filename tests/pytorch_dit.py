"""facebookresearch/DiT's architecture in PyTorch: the same names and behaviour, written anew, without timm.

The tests compare with it. `t` and `labels` mean what they mean there.
"""

import math

import numpy as np
import torch
from pytorch_parity import random_inputs, random_state_dict
from torch import nn
from torch.nn import functional as F

# N = images, C, H, W = channels, rows, columns, p = side of a patch, T = tokens, D = width


class PatchEmbedding(nn.Module):
    def __init__(self, patch, channels, width):
        super().__init__()
        self.proj = nn.Conv2d(channels, width, kernel_size=patch, stride=patch)

    def forward(self, x):
        return self.proj(x).flatten(2).transpose(1, 2)  # N, T, D


class TimestepEmbedder(nn.Module):
    def __init__(self, width, frequencies=256):
        super().__init__()
        self.frequencies = frequencies
        self.mlp = nn.Sequential(nn.Linear(frequencies, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, t):
        # The published code computes the waves in float32 always; here float64 weights get float64 waves.
        dtype = self.mlp[0].weight.dtype
        half = self.frequencies // 2
        periods = torch.exp(-math.log(10000) * torch.arange(half, dtype=dtype) / half)  # half
        angles = t.to(dtype)[:, None] * periods  # N, half
        return self.mlp(torch.cat([torch.cos(angles), torch.sin(angles)], dim=1))  # N, D


class LabelEmbedder(nn.Module):
    def __init__(self, classes, width, dropout):
        super().__init__()
        self.embedding_table = nn.Embedding(classes + (dropout > 0), width)

    def forward(self, labels):
        return self.embedding_table(labels)  # N, D


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        N, T, D = x.shape
        q, k, v = self.qkv(x).reshape(N, T, 3, self.heads, D // self.heads).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(D // self.heads)  # N, heads, T, T
        return self.proj((scores.softmax(dim=-1) @ v).transpose(1, 2).reshape(N, T, D))


class Mlp(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x), approximate="tanh"))


def normalised_and_modulated(x, shift, scale):
    return F.layer_norm(x, x.shape[-1:], eps=1e-6) * (1 + scale[:, None]) + shift[:, None]


class Block(nn.Module):
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.attn = Attention(width, heads)
        self.mlp = Mlp(width, hidden)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width))

    def forward(self, x, c):
        shift_msa, scale_msa, gate_msa, shift_mlp, scale_mlp, gate_mlp = self.adaLN_modulation(c).chunk(6, dim=1)
        x = x + gate_msa[:, None] * self.attn(normalised_and_modulated(x, shift_msa, scale_msa))
        return x + gate_mlp[:, None] * self.mlp(normalised_and_modulated(x, shift_mlp, scale_mlp))


class FinalLayer(nn.Module):
    def __init__(self, width, outputs):
        super().__init__()
        self.linear = nn.Linear(width, outputs)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 2 * width))

    def forward(self, x, c):
        return self.linear(normalised_and_modulated(x, *self.adaLN_modulation(c).chunk(2, dim=1)))


class DiT(nn.Module):
    """In evaluation mode, that is, without dropping labels; its positions are zero until loaded."""

    def __init__(
        self, input_size, patch_size, in_channels, hidden_size, depth, num_heads, mlp_ratio, class_dropout_prob,
        num_classes, learn_sigma,
    ):  # fmt: skip
        super().__init__()
        self.patch = patch_size
        self.out_channels = 2 * in_channels if learn_sigma else in_channels
        tokens = (input_size // patch_size) ** 2
        self.x_embedder = PatchEmbedding(patch_size, in_channels, hidden_size)
        self.t_embedder = TimestepEmbedder(hidden_size)
        self.y_embedder = LabelEmbedder(num_classes, hidden_size, class_dropout_prob)
        self.pos_embed = nn.Parameter(torch.zeros(1, tokens, hidden_size), requires_grad=False)
        hidden = int(mlp_ratio * hidden_size)
        self.blocks = nn.ModuleList(Block(hidden_size, num_heads, hidden) for _ in range(depth))
        self.final_layer = FinalLayer(hidden_size, patch_size**2 * self.out_channels)

    def forward(self, x, t, labels):
        h = self.x_embedder(x) + self.pos_embed  # N, T, D
        c = self.t_embedder(t) + self.y_embedder(labels)  # N, D
        for block in self.blocks:
            h = block(h, c)
        return self.images(self.final_layer(h, c))

    def images(self, tokens):
        """(N, T, p · p · C), each token in the order (p, p, C), to (N, C, H, W)."""
        p, side = self.patch, math.isqrt(tokens.shape[1])
        patches = tokens.reshape(len(tokens), side, side, p, p, self.out_channels)
        return patches.permute(0, 5, 1, 3, 2, 4).reshape(len(tokens), self.out_channels, side * p, side * p)


def pytorch_results(sizes, dtype):
    """y, dx and autograd's gradient of every parameter but the fixed positions, as one dict of NumPy arrays."""
    x, t, labels, dy = (torch.from_numpy(a) for a in random_inputs(sizes, dtype))
    model = DiT(**sizes._asdict()).to(dy.dtype)
    model.load_state_dict({name: torch.from_numpy(a) for name, a in random_state_dict(sizes, dtype).items()})
    x.requires_grad_()
    y = model(x, t, labels)
    y.backward(dy)
    learned = {name: p.grad for name, p in model.named_parameters() if p.requires_grad}
    results = {"y": y.detach(), "dx": x.grad} | learned
    assert all(np.any(array.numpy()) for array in results.values())
    return {name: array.numpy() for name, array in results.items()}
