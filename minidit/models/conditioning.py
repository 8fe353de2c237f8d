"""What the network is told beside the latents: the prompt or label, the time, and what its blocks see of them.

The prompt enters in one of three ways, as `DiTSettings.prompt` says. "adaln": one vector for the whole prompt, added to
the time's. "cross": the blocks attend to its words. "in_context": words and time are more tokens behind those of the
clip, dropped again before the final layer (Peebles & Xie 2023, section 3.2).
"""

from minidit.backend import array_module
from minidit.layers import (
    embedding_backward,
    embedding_forward,
    pad_to_patches,
    patchify,
    silu_backward,
    silu_forward,
    timestep_embedding,
)
from minidit.models.block import BlockInputs
from minidit.models.conditioning_channels import existing
from minidit.models.mlp import mlp_backward, mlp_forward, mlp_shapes
from minidit.models.parameters import prefixed, under
from minidit.models.text_encoder import text_encoder_backward, text_encoder_forward, text_encoder_shapes
from minidit.models.tokenizer import PAD

# B = batch, T = tokens of the clip, L = words, D = width, P = pairs of a head that positions rotate

TIME = "t_embedder.mlp."  # how the parameters of the time embedder are named
FREQUENCY_WIDTH = 256  # of the sinusoidal time embedding, as in the paper's code
CLEAN = 1000.0  # the time of known latents


def conditioning_shapes(settings):
    """Name -> shape of the parameters of the time embedder, and of the text encoder or the label table."""
    width = settings.width
    shapes = mlp_shapes(TIME, FREQUENCY_WIDTH, width, width)
    if settings.text:
        return shapes | prefixed("text_encoder.", text_encoder_shapes(settings.text, width))
    return shapes | {"y_embedder.embedding_table.weight": (settings.num_classes + 1, width)}


# The prompt


def prompt_forward(condition, p, settings):
    """Reads prompts or labels.

    Args:
        condition: (B, L) word ids from the tokenizer, or (B,) class labels.
        p: parameters named as in `conditioning_shapes`.
        settings: DiTSettings.
    Returns:
        one vector each, (B, D); or, where the prompt doesn't enter by adaLN, one for each word, (B, L, D), and a mask
        (B, L) of the words that each prompt has. And a cache for `prompt_backward`.
    """
    if not settings.text:
        return embedding_forward(condition, p["y_embedder.embedding_table.weight"])
    each_word = settings.prompt != "adaln"
    y, cache = text_encoder_forward(condition, under("text_encoder.", p), settings.text, each_word)
    return ((y, condition != PAD) if each_word else y), cache


def prompt_backward(dprompt, cache, settings):
    """Returns the gradients of the text encoder, or of the label table. With words dprompt is their gradient."""
    if not settings.text:
        return {"y_embedder.embedding_table.weight": embedding_backward(dprompt, cache)}
    return prefixed("text_encoder.", text_encoder_backward(dprompt, cache))


def rows_of(prompt, rows):
    """Some rows of what `prompt_forward` returns."""
    return tuple(part[rows] for part in prompt) if isinstance(prompt, tuple) else prompt[rows]


# The time, and with adaLN the prompt


def condition_forward(t, prompt, p, settings):
    """Times to SiLU(time embedding + prompt), which modulates every block.

    Args:
        t: (B,) numbers from 0 to 1000.
        prompt: as from `prompt_forward`; it enters here with adaLN only.
        p, settings: as for `prompt_forward`.
    Returns:
        c (B, D), or with a time per token (B, 2, D), for tokens that are not known, then for known ones; and a cache
        for `condition_backward`.
    """
    per_token = settings.time == "token"
    if per_token:
        xp = array_module(t)
        t = xp.stack([t, xp.full_like(t, CLEAN)], axis=-1)  # B, 2
    features = timestep_embedding(t, FREQUENCY_WIDTH, dtype=p.dtype)  # B, FREQUENCY_WIDTH
    c, time_cache = mlp_forward(features, p, TIME, silu_forward)  # B, D
    if settings.prompt == "adaln":
        c += prompt[:, None] if per_token else prompt
    # Each block's modulation layer begins with this SiLU (Peebles & Xie's code); once is enough for all.
    c, c_silu_cache = silu_forward(c)  # B, D
    return c, (time_cache, c_silu_cache)


def condition_backward(dc, cache):
    """Returns dprompt (B, D), for a prompt that entered here, and the gradients of the time embedder."""
    time_cache, c_silu_cache = cache
    dsum = silu_backward(dc, c_silu_cache)  # B, D   the gradient of time and prompt alike
    _, grads = mlp_backward(dsum, time_cache, TIME, silu_backward)
    dprompt = dsum.sum(axis=1) if dsum.ndim == 3 else dsum  # B, D   one prompt for both times
    return dprompt, grads


# What the blocks see


def block_inputs(settings, shape, prompt, known, sizes, rotation, xp):
    """The BlockInputs of a batch.

    Args:
        settings: DiTSettings.
        shape: (B, F, H, W, C) of the latents.
        prompt: as from `prompt_forward`.
        known, sizes: as for `DiT.forward`.
        rotation: of the tokens, with rotary positions; or None.
        xp: the array library of the device.
    """

    def any_of_token(flags):
        """Whether a flag (B, F, H, W) holds for any latent of a token: (B, T)."""
        return patchify(pad_to_patches(flags[..., None], settings.patch), settings.patch).any(axis=-1)

    exists = None if sizes is None else existing(shape, sizes, xp)  # B, F, H, W
    known_tokens = None
    if settings.time == "token":  # a token is known if all its latents are
        unknown = xp.ones(shape[:-1], bool) if known is None else ~known  # B, F, H, W
        known_tokens = ~any_of_token(unknown if exists is None else unknown & exists)
    words, words_mask = (None, None) if settings.prompt == "adaln" else prompt
    return BlockInputs(
        frames=-(-shape[1] // settings.patch[0]),
        key_mask=None if exists is None else any_of_token(exists),
        rotation=rotation,
        known=known_tokens,
        words=words,
        words_mask=words_mask,
    )


# In-context conditioning


def context_forward(h, c, inputs):
    """Appends the time and the words to the tokens of the clip.

    Args:
        h: (B, T, D) tokens.
        c: (B, D) the condition; or (B, 2, D), where the first is the sample's.
        inputs: BlockInputs, with the words (B, L, D).
    Returns:
        h (B, T + 1 + L, D), and the BlockInputs for it: absent words can't be attended to, and neither time nor words
        are rotated or known.
    """
    xp = array_module(h)
    (B, T, _), L = h.shape, inputs.words.shape[1]
    token = c if c.ndim == 2 else c[:, 0]           # B, D
    h = xp.concatenate([h, token[:, None], inputs.words], axis=1)  # B, T + 1 + L, D
    clip_mask = xp.ones((B, T), bool) if inputs.key_mask is None else inputs.key_mask
    key_mask = xp.concatenate([clip_mask, xp.ones((B, 1), bool), inputs.words_mask], axis=1)  # B, T + 1 + L
    rotation, known = inputs.rotation, inputs.known
    if rotation is not None:
        cosines, sines = rotation
        still = (1 + L, cosines.shape[-1])
        cosines = xp.concatenate([cosines, xp.ones(still, cosines.dtype)])  # T + 1 + L, P
        rotation = cosines, xp.concatenate([sines, xp.zeros(still, sines.dtype)])
    if known is not None:
        known = xp.concatenate([known, xp.zeros((B, 1 + L), bool)], axis=1)  # B, T + 1 + L
    return h, inputs._replace(key_mask=key_mask, rotation=rotation, known=known, words=None, words_mask=None)


def context_backward(dh, dc, tokens):
    """Returns dh (B, T, D) of the first `tokens`, dc with what the time's token adds to it, and dwords (B, L, D)."""
    dtoken = dh[:, tokens]                          # B, D
    if dc.ndim == 2:
        dc = dc + dtoken
    else:
        dc = dc.copy()
        dc[:, 0] += dtoken
    return dh[:, :tokens], dc, dh[:, tokens + 1 :]


def dropped_context_forward(h, tokens):
    """The first `tokens` of a sequence, in an array of their own; and a cache."""
    return array_module(h).ascontiguousarray(h[:, :tokens]), (h.shape,)


def dropped_context_backward(dh, cache):
    """Returns dh (B, T + 1 + L, D): the dropped tokens have no gradient."""
    ((B, length, D),) = cache
    xp = array_module(dh)
    return xp.concatenate([dh, xp.zeros((B, length - dh.shape[1], D), dh.dtype)], axis=1)
