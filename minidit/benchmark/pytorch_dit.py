"""facebookresearch/DiT's architecture in PyTorch: the same names and behaviour, without timm.

What is ours is here as well, so that it is the twin of every `minidit.models.dit.DiT`: patches of space and time,
and a condition that may be a prompt. The benchmark races it and the tests compare with it, so it is written to be
fast: attention is PyTorch's fused one, and of two ways to do the same the faster one is taken.
"""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from minidit.interop import PATCH_WEIGHT, POSITIONS, to_pytorch_layout
from minidit.layers import sincos_positions
from minidit.layers.patchify import sizes_of_grid
from minidit.models.tokenizer import PAD

# N = clips, C = channels, F, H, W = frames, rows, columns; T = tokens, D = width, L = words of the longest prompt.
# A clip of one frame is an image, and x is (N, C, H, W) as in facebookresearch/DiT; else it is (N, C, F, H, W).

TABLES = ("y_embedder.embedding_table.weight", "text_encoder.embedding.weight", "text_encoder.positions.weight")


class PatchEmbedding(nn.Module):
    """A convolution whose stride is its size: the same linear map of every patch."""

    def __init__(self, patch, channels, width):
        super().__init__()
        convolution = nn.Conv2d if len(patch) == 2 else nn.Conv3d
        self.proj = convolution(channels, width, kernel_size=patch, stride=patch)

    def forward(self, x):
        if not torch.is_grad_enabled():
            return self.proj(x).flatten(2).transpose(1, 2)  # N, T, D
        # With its backward, the convolution takes more than twice the time of the linear map that it is.
        return F.linear(self.patches(x), self.proj.weight.flatten(1), self.proj.bias)  # N, T, D

    def patches(self, x):
        """(N, C, F, H, W) to (N, T, values of a patch in the order of the convolution's weight)."""
        N, C, *sizes = x.shape
        patch = self.proj.kernel_size
        axes = len(patch)
        split = [part for size, step in zip(sizes, patch, strict=True) for part in (size // step, step)]
        token_axes, patch_axes = range(2, 2 + 2 * axes, 2), range(3, 3 + 2 * axes, 2)
        return x.reshape(N, C, *split).permute(0, *token_axes, 1, *patch_axes).reshape(N, -1, C * math.prod(patch))


class TimestepEmbedder(nn.Module):
    """Sines and cosines of the time, and two linear maps."""

    def __init__(self, width, frequencies=256):
        super().__init__()
        self.frequencies = frequencies
        self.mlp = nn.Sequential(nn.Linear(frequencies, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, t):
        # The published code computes the waves in float32 always; here float64 weights get float64 waves.
        dtype = self.mlp[0].weight.dtype
        half = self.frequencies // 2
        periods = torch.exp(-math.log(10000) * torch.arange(half, dtype=dtype, device=t.device) / half)  # half
        angles = t.to(dtype)[:, None] * periods  # N, half
        return self.mlp(torch.cat([torch.cos(angles), torch.sin(angles)], dim=1))  # N, D


class LabelEmbedder(nn.Module):
    """A row of a table for each label, the last one for "no label"."""

    def __init__(self, rows, width):
        super().__init__()
        self.embedding_table = nn.Embedding(rows, width)

    def forward(self, labels):
        return self.embedding_table(labels)  # N, D


class Attention(nn.Module):
    """Multi-head self-attention."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x, mask=None):
        N, T, D = x.shape
        q, k, v = self.qkv(x).reshape(N, T, 3, self.heads, D // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        h = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)  # N, heads, T, d
        return self.proj(h.transpose(1, 2).reshape(N, T, D))


class Mlp(nn.Module):
    """The pointwise feed-forward network."""

    def __init__(self, width, hidden):
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x), approximate="tanh"))


def normalised(x):
    """LayerNorm without learned scale and shift."""
    return F.layer_norm(x, x.shape[-1:], eps=1e-6)


def normalised_and_modulated(x, shift, scale):
    """LayerNorm, then the condition's scale and shift."""
    return normalised(x) * (1 + scale[:, None]) + shift[:, None]


class Block(nn.Module):
    """A DiT block with adaLN-Zero."""

    def __init__(self, width, heads, hidden):
        super().__init__()
        self.attn = Attention(width, heads)
        self.mlp = Mlp(width, hidden)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width))

    def forward(self, x, c):
        shift_msa, scale_msa, gate_msa, shift_mlp, scale_mlp, gate_mlp = self.adaLN_modulation(c).chunk(6, dim=1)
        x = x + gate_msa[:, None] * self.attn(normalised_and_modulated(x, shift_msa, scale_msa))
        return x + gate_mlp[:, None] * self.mlp(normalised_and_modulated(x, shift_mlp, scale_mlp))


class TextBlock(nn.Module):
    """A plain transformer block."""

    def __init__(self, width, heads, hidden):
        super().__init__()
        self.attn = Attention(width, heads)
        self.mlp = Mlp(width, hidden)

    def forward(self, x, mask):
        x = x + self.attn(normalised(x), mask)
        return x + self.mlp(normalised(x))


class TextEncoder(nn.Module):
    """Twin of `minidit.models.text_encoder`: the sum over a prompt's words of what the blocks made of them."""

    def __init__(self, settings, out_width):
        super().__init__()
        width = settings.width
        self.embedding = nn.Embedding(settings.vocabulary_size, width)
        self.positions = nn.Embedding(settings.max_length, width)
        self.blocks = nn.ModuleList(
            TextBlock(width, settings.num_heads, settings.mlp_ratio * width) for _ in range(settings.depth)
        )
        self.proj = nn.Linear(width, out_width)

    def forward(self, ids):
        present = ids != PAD  # N, L
        x = self.embedding(ids) + self.positions.weight[: ids.shape[1]]  # N, L, W
        for block in self.blocks:
            x = block(x, present[:, None, None])
        pooled = (present.to(x.dtype)[:, None] @ x)[:, 0]  # N, W
        return self.proj(pooled)  # N, D


class FinalLayer(nn.Module):
    """Norm, shift and scale by the condition, linear."""

    def __init__(self, width, outputs):
        super().__init__()
        self.linear = nn.Linear(width, outputs)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 2 * width))

    def forward(self, x, c):
        return self.linear(normalised_and_modulated(x, *self.adaLN_modulation(c).chunk(2, dim=1)))


class DiT(nn.Module):
    """In evaluation mode, that is, without dropping labels; its positions are zero until loaded.

    Args:
        settings: `minidit.models.dit.DiTSettings`.
        grid: (frames, rows, columns), in tokens.
    """

    def __init__(self, settings, grid):
        super().__init__()
        width, hidden = settings.width, int(settings.mlp_ratio * settings.width)
        first = 1 if settings.patch[0] * grid[0] == 1 else 0  # an image has no axis for its frame
        self.patch, self.grid = settings.patch[first:], grid[first:]
        self.out_channels = settings.out_channels
        self.x_embedder = PatchEmbedding(self.patch, settings.in_channels, width)
        self.t_embedder = TimestepEmbedder(width)
        if settings.text:
            self.text_encoder = TextEncoder(settings.text, width)
        else:
            self.y_embedder = LabelEmbedder(settings.num_classes + 1, width)
        self.pos_embed = nn.Parameter(torch.zeros(1, math.prod(grid), width), requires_grad=False)
        self.blocks = nn.ModuleList(Block(width, settings.num_heads, hidden) for _ in range(settings.depth))
        self.final_layer = FinalLayer(width, math.prod(self.patch) * self.out_channels)

    def forward(self, x, t, condition):
        """x (N, C, F, H, W) or (N, C, H, W), t (N,), labels (N,) or word ids (N, L), to the prediction."""
        return self.predict(x, t, self.embed(condition))

    def embed(self, condition):
        """Labels (N,) or word ids (N, L) to (N, D)."""
        return self.text_encoder(condition) if hasattr(self, "text_encoder") else self.y_embedder(condition)

    def predict(self, x, t, embedding):
        """As `forward`, with the condition embedded already."""
        h = self.x_embedder(x) + self.pos_embed  # N, T, D
        c = self.t_embedder(t) + embedding  # N, D
        for block in self.blocks:
            h = block(h, c)
        return self.clips(self.final_layer(h, c))

    def clips(self, tokens):
        """(N, T, values of a patch), channels last in each, to (N, C, F, H, W) or (N, C, H, W)."""
        axes = len(self.patch)
        patches = tokens.reshape(len(tokens), *self.grid, *self.patch, self.out_channels)
        order = [axis for pair in zip(range(1, 1 + axes), range(1 + axes, 1 + 2 * axes), strict=True) for axis in pair]
        sizes = sizes_of_grid(self.grid, self.patch)
        return patches.permute(0, 1 + 2 * axes, *order).reshape(len(tokens), self.out_channels, *sizes)


def twin_of(model, grid):
    """The PyTorch model with the weights of one of ours.

    Args:
        model: `minidit.models.dit.DiT`.
        grid: (frames, rows, columns), in tokens.
    """
    twin = DiT(model.settings, grid)
    arrays = to_twin_layouts(model.params, twin.patch)
    arrays[POSITIONS] = sincos_positions(grid, model.settings.width)[None]  # 1, T, D
    twin.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()})
    return twin


def to_twin_layouts(arrays, patch):
    """Our parameters, or their gradients, as the twin with patches of these sizes keeps them: name -> view."""
    weight = arrays[PATCH_WEIGHT]  # values of a patch, D
    kernel = weight.reshape(*patch, -1, weight.shape[1])  # *patch, C, D
    layouts = {PATCH_WEIGHT: np.moveaxis(kernel, (-1, -2), (0, 1))}  # D, C, *patch
    for name, array in arrays.items():
        if name != PATCH_WEIGHT:
            layouts[name] = array if name in TABLES else to_pytorch_layout(name, array)
    return layouts


def tensor_of(clips):
    """Our (N, F, H, W, C) as the twin's (N, C, F, H, W), or (N, C, H, W) of one frame."""
    tensor = torch.from_numpy(np.ascontiguousarray(np.moveaxis(clips, -1, 1)))
    return tensor.squeeze(2) if tensor.shape[2] == 1 else tensor
