"""The whole thing on a few pages: a video Diffusion Transformer in NumPy, with every gradient by hand.

    python -m minidit.reference --minutes 10        # trains from nothing, then writes reference.gif

Read it from top to bottom, with a pencil. Its steps are those of the fourteen lessons. The package computes the same
numbers faster, in more sizes and on a GPU; tests/test_reference.py holds the two equal: losses, gradients, samples.

A layer is a pair. `y, cache = layer_forward(x, ...)` computes y and keeps what the way back needs. `dx, ... =
layer_backward(dy, cache)` turns the gradient of the loss with respect to y into those with respect to the inputs, in
their order. A value that is used twice gets two gradients, which add up. A line that makes an array ends in its shape:

    B clips, T tokens, D width, H heads, d = D / H, L words of the longest prompt, W width of the text encoder
    F frames, R rows, C columns of a clip's latents, K numbers in a latent, P in a patch; N rows, I to O numbers in each
"""

import argparse
import time

import numpy as np

from minidit.world import SEEN, VOCABULARY, caption, render_batch

# --------------------------------------------------------------------------- step 1: the stage, a toy world; all sizes

SIZE, FRAMES = 16, 8                                        # a clip has (8, 16, 16, 3) numbers in [0, 1]
CODEC_PATCH, CODEC_HIDDEN, CHANNELS = (1, 4, 4), 160, 16    # 1 × 4 × 4 pixels become a latent of 16 numbers
LATENTS = (8, 4, 4, CHANNELS)                               # F, R, C, K
PATCH, GRID = (8, 1, 1), (1, 4, 4)                          # a token is one place through all frames, so that T = 16
WIDTH, DEPTH, HEADS = 128, 4, 4                             # of the DiT
TEXT_WIDTH, LONGEST_PROMPT = 64, 20                         # of the encoder that reads the prompt
PAD, START = 0, 1                                           # fills up short prompts; the word that each begins with
WORD_IDS = {word: i for i, word in enumerate(VOCABULARY, start=2)}


def draw_clips(count, rng):
    """Random clips of the toy world (B, 8, 16, 16, 3), and a caption for each."""
    attributes = [SEEN[i] for i in rng.integers(len(SEEN), size=count)]
    return render_batch(attributes, rng, SIZE, FRAMES), [caption(a, rng) for a in attributes]


# ----------------------------------------------------------------------------------------------------- layers in pairs

def linear_forward(x, w, b):
    """Affine map of the last axis: y = x w + b, for x (..., I), w (I, O), b (O)."""
    rows = x.reshape(-1, x.shape[-1])                                       # N, I       all tokens of all clips
    return (rows @ w + b).reshape(*x.shape[:-1], -1), (x, w)                # ..., O

def linear_backward(dy, cache):
    x, w = cache
    rows, drows = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])  # N, I and N, O
    dx = (drows @ w.T).reshape(x.shape)                                     # ..., I
    dw = rows.T @ drows                                                     # I, O
    db = drows.sum(axis=0)                                                  # O          one bias served every row
    return dx, dw, db


def relu_forward(x):
    """Rectified linear unit: y = max(x, 0)."""
    return np.maximum(x, 0), (x > 0,)                                       # ...

def relu_backward(dy, cache):
    (positive,) = cache
    return dy * positive                                                    # ...


def silu_forward(x):
    """Sigmoid-weighted linear unit: y = x σ(x) (Hendrycks & Gimpel 2016, section 2)."""
    sigmoid = 0.5 + 0.5 * np.tanh(0.5 * x)                                  # ...        1 / (1 + e⁻ˣ), overflow-free
    return x * sigmoid, (x, sigmoid)                                        # ...

def silu_backward(dy, cache):
    x, sigmoid = cache
    return dy * (sigmoid + x * sigmoid * (1 - sigmoid))                     # ...        product rule; σ' = σ (1 - σ)


ROOT, CUBIC = (2 / np.pi) ** 0.5, 0.044715

def gelu_forward(x):
    """Gaussian error linear unit: y = x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))) (Hendrycks & Gimpel 2016)."""
    gate = 1 + np.tanh(ROOT * (x + CUBIC * x * x * x))                      # ...
    return 0.5 * x * gate, (x, gate)                                        # ...

def gelu_backward(dy, cache):
    x, gate = cache
    inner_slope = ROOT * (1 + 3 * CUBIC * x * x)                            # ...        slope of the tanh's argument
    gate_slope = gate * (2 - gate) * inner_slope                            # ...        as 1 - tanh² = gate (2 - gate)
    return dy * 0.5 * (gate + x * gate_slope)                               # ...


def softmax_forward(x):
    """Numbers to shares of one: y = eˣ / Σ eˣ along the last axis."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))                           # ..., I     the same shares, no overflow
    y = e / e.sum(axis=-1, keepdims=True)                                   # ..., I
    return y, (y,)

def softmax_backward(dy, cache):
    (y,) = cache
    return y * (dy - (dy * y).sum(axis=-1, keepdims=True))                  # ..., I     shifting all x shifts no y


def layernorm_forward(x, eps=1e-6):
    """Every row to mean 0 and variance 1: x̂ = (x - mean) / √(variance + eps) (Ba et al. 2016, eq. 4)."""
    centred = x - x.mean(axis=-1, keepdims=True)                            # ..., D
    rstd = ((centred * centred).mean(axis=-1, keepdims=True) + eps) ** -0.5  # ..., 1
    xhat = centred * rstd                                                   # ..., D
    return xhat, (xhat, rstd)

def layernorm_backward(dxhat, cache):
    xhat, rstd = cache
    # x reaches x̂ three ways: directly, through the mean, and through the standard deviation.
    through_mean = dxhat.mean(axis=-1, keepdims=True)                       # ..., 1
    through_std = xhat * (dxhat * xhat).mean(axis=-1, keepdims=True)        # ..., D
    return rstd * (dxhat - through_mean - through_std)                      # ..., D


def modulate_forward(x, shift, scale):
    """Step 7, a shift and a scale for each clip: y = x (1 + scale) + shift (Peebles & Xie 2023, section 3.2)."""
    gain = 1 + scale[..., None, :]                                          # B, 1, D
    return x * gain + shift[..., None, :], (x, gain)                        # B, T, D

def modulate_backward(dy, cache):
    x, gain = cache
    dx = dy * gain                                                          # B, T, D
    dshift = dy.sum(axis=-2)                                                # B, D       one shift served every token
    dscale = (dy * x).sum(axis=-2)                                          # B, D
    return dx, dshift, dscale


def gated_residual_forward(x, h, gate):
    """A branch h joins the tokens through a gate, one for each clip: y = x + gate · h. At zero x stays as it is."""
    return x + h * gate[..., None, :], (h, gate)                            # B, T, D

def gated_residual_backward(dy, cache):
    h, gate = cache
    dh = dy * gate[..., None, :]                                            # B, T, D
    dgate = (dy * h).sum(axis=-2)                                           # B, D
    return dy, dh, dgate


def attention_forward(q, k, v, key_mask=None):
    """Tokens ask (q), answer (k) and give (v), each (B, H, T, d): y = softmax(q kᵀ / √d) v (Vaswani 2017, eq. 1)."""
    scores = q @ k.swapaxes(-1, -2) * q.shape[-1] ** -0.5                   # B, H, T, T
    if key_mask is not None:                                                # B, T       words, not the padding behind
        scores = np.where(key_mask[..., None, None, :], scores, -np.inf)    # B, H, T, T
    weights, _ = softmax_forward(scores)                                    # B, H, T, T
    return weights @ v, (q, k, v, weights)                                  # B, H, T, d

def attention_backward(dy, cache):
    q, k, v, weights = cache
    dv = weights.swapaxes(-1, -2) @ dy                                      # B, H, T, d
    dweights = dy @ v.swapaxes(-1, -2)                                      # B, H, T, T
    dscores = softmax_backward(dweights, (weights,)) * q.shape[-1] ** -0.5  # B, H, T, T
    dq = dscores @ k                                                        # B, H, T, d
    dk = dscores.swapaxes(-1, -2) @ q                                       # B, H, T, d
    return dq, dk, dv


def named_linear_forward(x, p, name):
    """The linear layer whose weight (I, O) and bias (O) are called `name.weight` and `name.bias` in p."""
    y, cache = linear_forward(x, p[f"{name}.weight"], p[f"{name}.bias"])    # ..., O
    return y, (name, cache)

def named_linear_backward(dy, cache):
    name, linear_cache = cache
    dx, dw, db = linear_backward(dy, linear_cache)
    return dx, {f"{name}.weight": dw, f"{name}.bias": db}


RELU, SILU, GELU = (relu_forward, relu_backward), (silu_forward, silu_backward), (gelu_forward, gelu_backward)

def mlp_forward(x, p, name1, name2, activation):
    """Linear, activation, linear, for each row by itself: step 10, the pointwise feed-forward; and the codec."""
    activate, activate_backward = activation
    h, cache1 = named_linear_forward(x, p, name1)                           # ..., hidden width
    h, activation_cache = activate(h)                                       # ..., hidden width
    y, cache2 = named_linear_forward(h, p, name2)                           # ..., O
    return y, (cache1, activate_backward, activation_cache, cache2)

def mlp_backward(dy, cache):
    cache1, activate_backward, activation_cache, cache2 = cache
    dh, grads2 = named_linear_backward(dy, cache2)                          # ..., hidden width
    dh = activate_backward(dh, activation_cache)                            # ..., hidden width
    dx, grads1 = named_linear_backward(dh, cache1)                          # ..., I
    return dx, grads1 | grads2


def multihead_attention_forward(x, p, name, key_mask=None):
    """Steps 8 and 9: heads side by side, each with a share of the width (Vaswani et al. 2017, section 3.2.2)."""
    B, T, D = x.shape
    qkv, qkv_cache = named_linear_forward(x, p, f"{name}.qkv")              # B, T, 3D
    q, k, v = qkv.reshape(B, T, 3, HEADS, D // HEADS).transpose(2, 0, 3, 1, 4)  # B, H, T, d each
    h, attention_cache = attention_forward(q, k, v, key_mask)               # B, H, T, d
    h = h.swapaxes(1, 2).reshape(B, T, D)                                   # B, T, D
    y, proj_cache = named_linear_forward(h, p, f"{name}.proj")              # B, T, D
    return y, (qkv_cache, attention_cache, proj_cache)

def multihead_attention_backward(dy, cache):
    qkv_cache, attention_cache, proj_cache = cache
    B, T, D = dy.shape
    dh, proj_grads = named_linear_backward(dy, proj_cache)                  # B, T, D
    dh = dh.reshape(B, T, HEADS, D // HEADS).swapaxes(1, 2)                 # B, H, T, d
    dqkv = np.stack(attention_backward(dh, attention_cache))                # 3, B, H, T, d
    dqkv = dqkv.transpose(1, 3, 0, 2, 4).reshape(B, T, 3 * D)               # B, T, 3D
    dx, qkv_grads = named_linear_backward(dqkv, qkv_cache)                  # B, T, D
    return dx, qkv_grads | proj_grads


def block_forward(x, mod, p, name, key_mask=None):
    """A transformer block with adaLN-Zero (Peebles & Xie 2023, figure 3): mod (B, 6D) shifts, scales and gates it."""
    shift_msa, scale_msa, gate_msa, shift_mlp, scale_mlp, gate_mlp = np.split(mod, 6, axis=-1)  # B, D each
    h, norm1_cache = layernorm_forward(x)                                   # B, T, D
    h, mod1_cache = modulate_forward(h, shift_msa, scale_msa)
    h, attn_cache = multihead_attention_forward(h, p, f"{name}.attn", key_mask)
    x, gate1_cache = gated_residual_forward(x, h, gate_msa)

    h, norm2_cache = layernorm_forward(x)
    h, mod2_cache = modulate_forward(h, shift_mlp, scale_mlp)
    h, mlp_cache = mlp_forward(h, p, f"{name}.mlp.fc1", f"{name}.mlp.fc2", GELU)
    x, gate2_cache = gated_residual_forward(x, h, gate_mlp)
    return x, (norm1_cache, mod1_cache, attn_cache, gate1_cache, norm2_cache, mod2_cache, mlp_cache, gate2_cache)

def block_backward(dx, cache):
    norm1_cache, mod1_cache, attn_cache, gate1_cache, norm2_cache, mod2_cache, mlp_cache, gate2_cache = cache
    dx, dh, dgate_mlp = gated_residual_backward(dx, gate2_cache)            # the forward, read upwards, call by call
    dh, mlp_grads = mlp_backward(dh, mlp_cache)
    dh, dshift_mlp, dscale_mlp = modulate_backward(dh, mod2_cache)
    dx = dx + layernorm_backward(dh, norm2_cache)                           # x fed the residual and the norm

    dx, dh, dgate_msa = gated_residual_backward(dx, gate1_cache)
    dh, attn_grads = multihead_attention_backward(dh, attn_cache)
    dh, dshift_msa, dscale_msa = modulate_backward(dh, mod1_cache)
    dx = dx + layernorm_backward(dh, norm1_cache)
    dmod = np.concatenate([dshift_msa, dscale_msa, dgate_msa, dshift_mlp, dscale_mlp, dgate_mlp], axis=-1)  # B, 6D
    return dx, dmod, attn_grads | mlp_grads


# --------------------------------------------------------------- steps 2, 3, 13, 14: patches, and the codec of a patch

def patchify(x, patch):
    """Step 2: cuts (..., F, R, C, K) into patches (..., T, P). It only moves numbers: its inverse is its backward."""
    *batch, F, R, C, K = x.shape
    f, r, c = patch
    x = x.reshape(*batch, F // f, f, R // r, r, C // c, c, K)
    x = np.moveaxis(x, (-6, -4, -2), (-4, -3, -2))                          # ..., F/f, R/r, C/c, f, r, c, K
    return x.reshape(*batch, -1, f * r * c * K)                             # ..., T, P

def unpatchify(tokens, patch, grid):
    """Step 14: puts patches (..., T, P) back in their places on a grid of (F/f, R/r, C/c)."""
    *batch, _, P = tokens.shape
    x = tokens.reshape(*batch, *grid, *patch, P // int(np.prod(patch)))     # ..., F/f, R/r, C/c, f, r, c, K
    x = np.moveaxis(x, (-4, -3, -2), (-6, -4, -2))                          # ..., F/f, f, R/r, r, C/c, c, K
    return x.reshape(*batch, *(n * size for n, size in zip(grid, patch, strict=True)), x.shape[-1])


def codec_loss_forward(patches, noise, p, noise_std=0.03):
    """The loss of a variational autoencoder on patches (N, P) in [-1, 1] (Kingma & Welling 2014, eq. 10)."""
    h, encoder_cache = mlp_forward(patches, p, "encoder.0", "encoder.2", RELU)  # N, 2K
    mean, log_variance = np.split(h, 2, axis=-1)                            # N, K each
    variance = np.exp(log_variance)                                         # N, K
    spread = np.sqrt(variance) * noise                                      # N, K       noise is standard normal
    decoded, decoder_cache = mlp_forward(mean + spread, p, "decoder.0", "decoder.2", RELU)  # N, P
    error = decoded - patches                                               # N, P
    likelihood = (error * error).mean() / (2 * noise_std**2)                # pixels are Gaussian around the decoded
    kl = 0.5 * (mean * mean + variance - 1 - log_variance).sum() / error.size  # latents should be standard normal
    return likelihood + kl, (encoder_cache, decoder_cache, mean, variance, spread, error / (noise_std**2 * error.size))

def codec_loss_backward(cache):
    encoder_cache, decoder_cache, mean, variance, spread, derror = cache
    dz, decoder_grads = mlp_backward(derror, decoder_cache)                 # N, K
    dmean = dz + mean / derror.size                                         # N, K       through the sample and the KL
    dlog_variance = 0.5 * dz * spread + 0.5 * (variance - 1) / derror.size  # N, K
    _, encoder_grads = mlp_backward(np.concatenate([dmean, dlog_variance], axis=-1), encoder_cache)
    return encoder_grads | decoder_grads


def encode(clips, codec):
    """Step 3: clips (B, 8, 16, 16, 3) in [0, 1] to latents (B, F, R, C, K) of mean 0 and deviation 1."""
    h, _ = mlp_forward(patchify(2 * clips - 1, CODEC_PATCH), codec, "encoder.0", "encoder.2", RELU)  # B, 128, 2K
    latents = (h[..., :CHANNELS] - codec["latent_mean"]) / codec["latent_std"]  # B, 128, K
    return latents.reshape(-1, *LATENTS)

def decode(latents, codec):
    """Step 13: latents (B, F, R, C, K) to clips (B, 8, 16, 16, 3) in [0, 1]."""
    z = latents.reshape(len(latents), -1, CHANNELS) * codec["latent_std"] + codec["latent_mean"]  # B, 128, K
    patches, _ = mlp_forward(z, codec, "decoder.0", "decoder.2", RELU)      # B, 128, P
    return np.clip(0.5 + 0.5 * unpatchify(patches, CODEC_PATCH, LATENTS[:3]), 0, 1)


# ----------------------------------------------------------------------------- step 5: the conditions, time and prompt

def timestep_embedding(t, width=256):
    """Numbers t (...) as waves from fast to slow (..., width): cosines, then sines, as in facebookresearch/DiT."""
    frequencies = 10000.0 ** (-np.arange(width // 2) / (width // 2))        # width / 2
    angles = np.asarray(t, np.float64)[..., None] * frequencies             # ..., width / 2
    return np.concatenate([np.cos(angles), np.sin(angles)], axis=-1)

def sincos_positions(grid, width):
    """Where each token is (T, width): waves of its column, then of its row, as in facebookresearch/DiT."""
    _, row, column = (index.reshape(-1) for index in np.indices(grid))      # T each
    waves = [timestep_embedding(index, width // 2) for index in (column, row)]  # T, width / 2 each
    return np.concatenate([np.roll(half, width // 4, axis=-1) for half in waves], axis=-1)  # here sines come first


def tokenize(prompts):
    """Word ids (B, L): a start word, the prompt's words, padding. The empty prompt is the start word alone."""
    rows = [[START] + [WORD_IDS[word] for word in prompt.split()] for prompt in prompts]
    return np.array([row + [PAD] * (max(map(len, rows)) - len(row)) for row in rows])

def text_encoder_forward(ids, p):
    """Prompts (B, L) to one vector each (B, D): a transformer over the words, and the sum of what it makes of them."""
    mask = ids != PAD                                                       # B, L
    x = p["text_encoder.embedding.weight"][ids] + p["text_encoder.positions.weight"][: ids.shape[1]]  # B, L, W
    plain = np.repeat([0, 0, 1, 0, 0, 1], TEXT_WIDTH).astype(x.dtype)       # 6W         no shift, no scale, open gates
    x, block_cache = block_forward(x, np.tile(plain, (len(x), 1)), p, "text_encoder.blocks.0", mask)  # B, L, W
    pooled = (x * mask[..., None]).sum(axis=1)                              # B, W
    y, proj_cache = named_linear_forward(pooled, p, "text_encoder.proj")    # B, D
    return y, (ids, mask, block_cache, proj_cache, p)

def text_encoder_backward(dy, cache):
    ids, mask, block_cache, proj_cache, p = cache
    dpooled, proj_grads = named_linear_backward(dy, proj_cache)             # B, W
    dx, _, block_grads = block_backward(dpooled[:, None] * mask[..., None], block_cache)  # B, L, W
    dembedding = np.zeros_like(p["text_encoder.embedding.weight"])
    np.add.at(dembedding, ids, dx)                                          # a word used twice gets both gradients
    dpositions = np.pad(dx.sum(axis=0), [(0, LONGEST_PROMPT - ids.shape[1]), (0, 0)])
    grads = {"text_encoder.embedding.weight": dembedding, "text_encoder.positions.weight": dpositions}
    return grads | block_grads | proj_grads


# ------------------------------------------------------------------------------------------ steps 5 to 10: the network

def dit_forward(x, t, ids, p):
    """Guesses the clean latents from noised ones x (B, F, R, C, K), times t (B) in [0, 1] and prompts' ids (B, L)."""
    waves = timestep_embedding(1000 * t).astype(x.dtype)                    # B, 256     made for steps 0 to 1000
    e, time_cache = mlp_forward(waves, p, "t_embedder.mlp.0", "t_embedder.mlp.2", SILU)  # B, D
    text, text_cache = text_encoder_forward(ids, p)                         # B, D
    c, c_cache = silu_forward(e + text)                                     # B, D

    h, embed_cache = named_linear_forward(patchify(x, PATCH), p, "x_embedder.proj")  # B, T, D
    h = h + sincos_positions(GRID, WIDTH).astype(x.dtype)                   # B, T, D
    block_caches = []
    for i in range(DEPTH):
        mod, adaln_cache = named_linear_forward(c, p, f"blocks.{i}.adaLN_modulation.1")  # B, 6D
        h, block_cache = block_forward(h, mod, p, f"blocks.{i}")            # B, T, D
        block_caches.append((adaln_cache, block_cache))

    mod, adaln_cache = named_linear_forward(c, p, "final_layer.adaLN_modulation.1")  # B, 2D
    h, norm_cache = layernorm_forward(h)                                    # B, T, D
    h, modulate_cache = modulate_forward(h, *np.split(mod, 2, axis=-1))     # B, T, D
    y, linear_cache = named_linear_forward(h, p, "final_layer.linear")      # B, T, P
    final_caches = (adaln_cache, norm_cache, modulate_cache, linear_cache)
    return unpatchify(y, PATCH, GRID), (time_cache, text_cache, c_cache, embed_cache, block_caches, final_caches)

def dit_backward(dy, cache):
    time_cache, text_cache, c_cache, embed_cache, block_caches, final_caches = cache
    adaln_cache, norm_cache, modulate_cache, linear_cache = final_caches
    dh, grads = named_linear_backward(patchify(dy, PATCH), linear_cache)
    dh, dshift, dscale = modulate_backward(dh, modulate_cache)
    dh = layernorm_backward(dh, norm_cache)
    dc, adaln_grads = named_linear_backward(np.concatenate([dshift, dscale], axis=-1), adaln_cache)
    grads |= adaln_grads

    for adaln_cache, block_cache in reversed(block_caches):
        dh, dmod, block_grads = block_backward(dh, block_cache)
        dc_block, adaln_grads = named_linear_backward(dmod, adaln_cache)
        dc = dc + dc_block                                                  # one condition was shown to every block
        grads |= adaln_grads | block_grads

    _, embed_grads = named_linear_backward(dh, embed_cache)
    dsum = silu_backward(dc, c_cache)                                       # B, D       of time and text alike
    _, time_grads = mlp_backward(dsum, time_cache)
    return grads | embed_grads | time_grads | text_encoder_backward(dsum, text_cache)


# ------------------------------------------------------------------------------------- steps 4 and 11: noise, training

def noised(data, noise, t):
    """Step 4, the straight path of rectified flow (Liu et al. 2023, eq. 1): noise at t = 0, data at t = 1."""
    share = t.reshape(-1, 1, 1, 1, 1)                                       # B, 1, 1, 1, 1
    return share * data + (1 - share) * noise                               # B, F, R, C, K

def diffusion_loss_forward(data, noise, t, ids, p):
    """Flow matching (Lipman et al. 2023, eq. 23): the mean squared error of the velocity, data - noise."""
    prediction, dit_cache = dit_forward(noised(data, noise, t), t, ids, p)  # B, F, R, C, K
    error = prediction - data                                               # B, F, R, C, K
    # velocity = (data - x) / (1 - t), so its error is the error of the data / (1 - t); 0.05 limits the weight to 400.
    weighted = error / np.maximum(1 - t, 0.05).reshape(-1, 1, 1, 1, 1) ** 2  # B, F, R, C, K
    return (weighted * error).mean(), (weighted, dit_cache)

def diffusion_loss_backward(cache):
    weighted, dit_cache = cache
    return dit_backward(weighted * (2 / weighted.size), dit_cache)


def adamw_update(p, g, m, v, step, learning_rate, beta1=0.9, beta2=0.99, eps=1e-8, weight_decay=0.0):
    """A step of AdamW on one array, in place (Loshchilov & Hutter 2019, algorithm 2); steps count from 1."""
    m += (1 - beta1) * (g - m)                                              # running mean of the gradient
    v += (1 - beta2) * (g * g - v)                                          # and of its square
    m_hat = m / (1 - beta1**step)                                           # makes up for their start at zero
    v_hat = v / (1 - beta2**step)
    p -= learning_rate * (m_hat / (np.sqrt(v_hat) + eps) + weight_decay * p)

def optimizer_step(state, grads, step, learning_rate, beta2=0.99):
    """Clips the gradient to a norm of 1, then AdamW, then the moving average (EMA) of the parameters; in place."""
    p, m, v, average = state
    norm = sum(float((g * g).sum()) for g in grads.values()) ** 0.5
    scale = min(1.0, 1.0 / (norm + 1e-6))
    decay = min(0.999, step / (9 + step))                                   # short-sighted at first
    for name in p:
        adamw_update(p[name], scale * grads[name], m[name], v[name], step, learning_rate, beta2=beta2)
        average[name] += (1 - decay) * (p[name] - average[name])


def train(what, p, batch_gradients, minutes, warmup, decay, beta2):
    """Trains p until the time is over, and returns its moving average. `batch_gradients()` gives loss and gradients."""
    m, v = ({name: np.zeros_like(array) for name, array in p.items()} for _ in range(2))
    state = (p, m, v, {name: array.copy() for name, array in p.items()})
    step = 0
    end = time.monotonic() + 60 * minutes
    while (seconds := end - time.monotonic()) > 0:
        step += 1
        loss, grads = batch_gradients()
        left = seconds / (60 * minutes)                                     # of the time, from 1 to 0
        learning_rate = 2e-3 * min(1.0, step / warmup, left / decay)        # rises, stays, falls to 0 at the end
        optimizer_step(state, grads, step, learning_rate, beta2)
        print(f"\r{what}: step {step}, loss {loss:.3f}, {left:.0%} of the time left ", end="", flush=True)
    print()
    return state[-1]


def xavier(rng, shapes):
    """Starting weights and biases of linear layers, from name -> (I, O) (Glorot & Bengio 2010, eq. 16)."""
    p = {}
    for name, shape in shapes.items():
        p[f"{name}.weight"] = rng.uniform(-1, 1, shape).astype(np.float32) * (6 / sum(shape)) ** 0.5
        p[f"{name}.bias"] = np.zeros(shape[1], np.float32)
    return p


def train_codec(minutes, rng):
    """Trains the codec on patches of random clips, and measures the mean and the deviation of its latents."""
    clips, _ = draw_clips(512, rng)
    patches = patchify(2 * clips - 1, CODEC_PATCH).reshape(-1, 48)          # N, P
    layers = {"encoder.0": (48, CODEC_HIDDEN), "encoder.2": (CODEC_HIDDEN, 2 * CHANNELS)}
    p = xavier(rng, layers | {"decoder.0": (CHANNELS, CODEC_HIDDEN), "decoder.2": (CODEC_HIDDEN, 48)})

    def batch_gradients():
        noise = rng.standard_normal((512, CHANNELS), dtype=np.float32)      # 512, K
        loss, cache = codec_loss_forward(patches[rng.integers(len(patches), size=512)], noise, p)
        return loss, codec_loss_backward(cache)

    codec = train("codec", p, batch_gradients, minutes, warmup=200, decay=1.0, beta2=0.999)
    latents = encode(clips, codec | {"latent_mean": 0, "latent_std": 1}).reshape(-1, CHANNELS)  # N, K
    return codec | {"latent_mean": latents.mean(axis=0), "latent_std": latents.std(axis=0)}


def initial_dit(rng):
    """The starting parameters of the DiT and its text encoder, named as in facebookresearch/DiT."""
    P, D, W = int(np.prod(PATCH)) * CHANNELS, WIDTH, TEXT_WIDTH
    layers = {"x_embedder.proj": (P, D), "t_embedder.mlp.0": (256, D), "t_embedder.mlp.2": (D, D)}
    layers |= {"final_layer.adaLN_modulation.1": (D, 2 * D), "final_layer.linear": (D, P), "text_encoder.proj": (W, D)}
    layers |= {f"blocks.{i}.adaLN_modulation.1": (D, 6 * D) for i in range(DEPTH)}
    for block, width in [("text_encoder.blocks.0", W), *((f"blocks.{i}", D) for i in range(DEPTH))]:
        layers |= {f"{block}.attn.qkv": (width, 3 * width), f"{block}.attn.proj": (width, width)}
        layers |= {f"{block}.mlp.fc1": (width, 4 * width), f"{block}.mlp.fc2": (4 * width, width)}
    p = xavier(rng, layers)
    for table, rows, std in (("embedding", len(WORD_IDS) + 2, 0.3), ("positions", LONGEST_PROMPT, 0.02)):
        p[f"text_encoder.{table}.weight"] = rng.normal(0, std, (rows, W)).astype(np.float32)
    # adaLN-Zero: all gates start closed, so that every block starts as the identity; the text encoder's block does too.
    zero = ("adaLN_modulation", "final_layer", "text_encoder.blocks.0.attn.proj", "text_encoder.blocks.0.mlp.fc2")
    return {name: 0 * array if any(part in name for part in zero) else array for name, array in p.items()}


def train_dit(codec, minutes, rng, batch=32):
    """Trains the DiT on fresh clips, their latents noised by random amounts."""
    p = initial_dit(rng)

    def batch_gradients():
        clips, prompts = draw_clips(batch, rng)
        prompts = ["" if rng.random() < 0.1 else prompt for prompt in prompts]  # to learn both halves of guidance
        data = encode(clips, codec)                                         # B, F, R, C, K
        noise = rng.standard_normal(data.shape, dtype=np.float32)           # B, F, R, C, K
        t = 1 / (1 + np.exp(1.6 - rng.standard_normal(batch, dtype=np.float32)))  # B    mostly noisy
        loss, cache = diffusion_loss_forward(data, noise, t, tokenize(prompts), p)
        return loss, diffusion_loss_backward(cache)

    return train("DiT", p, batch_gradients, minutes, warmup=50, decay=0.2, beta2=0.99)


# ---------------------------------------------------------------------------------------------------- step 12: denoise

def denoise(x, prompts, p, steps=20, guidance=1.5, shift=3.0):
    """Noise x (B, F, R, C, K) to latents of the prompts, by Euler steps along the velocity, with guidance."""
    ids = tokenize([*prompts, *[""] * len(prompts)])                        # 2B, L
    even = np.linspace(0, 1, steps + 1)
    times = (even / (even + shift * (1 - even))).tolist()                   # closer together where it is noisy
    for t, s in zip(times[:-1], times[1:], strict=True):
        guess, _ = dit_forward(np.concatenate([x, x]), np.full(len(ids), t, x.dtype), ids, p)  # 2B, F, R, C, K
        conditional, unconditional = np.split(guess, 2)                     # B, F, R, C, K each
        scale = guidance if t <= 0.5 else 1.0                               # early only: Kynkäänniemi et al. 2024
        data = unconditional + scale * (conditional - unconditional)        # Ho & Salimans 2022, eq. 6
        x = x + (s - t) * (data - x) / (1 - t)                              # B, F, R, C, K    along the velocity
    return x


if __name__ == "__main__":
    from PIL import Image

    parser = argparse.ArgumentParser(description="Trains the whole thing from nothing, and writes reference.gif.")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long to train (default: 10)")
    minutes, rng = parser.parse_args().minutes, np.random.default_rng(0)
    codec = train_codec(0.1 * minutes, rng)
    p = train_dit(codec, 0.9 * minutes, rng)
    drawn, prompts = draw_clips(8, rng)                                     # 8, 8, 16, 16, 3
    made = decode(denoise(rng.standard_normal((8, *LATENTS), dtype=np.float32), prompts, p), codec)
    rows = [np.concatenate(list(clips), axis=2) for clips in (drawn, made)]  # 8, 16, 128, 3 each
    frames = np.uint8(255 * np.concatenate(rows, axis=1))                   # 8, 32, 128, 3
    frames = [Image.fromarray(frame).resize((1024, 256), Image.Resampling.NEAREST) for frame in frames]
    frames[0].save("reference.gif", save_all=True, append_images=frames[1:], duration=125, loop=0)
    print("reference.gif shows what the world draws, and below it what the network makes, of:", *prompts, sep="\n")
