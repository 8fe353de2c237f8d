"""How much memory a training step of a DiT takes: what the forward saves for the backward, and what comes and goes.

Like `minidit.models.cost` this follows the code, layer by layer, and has to change with it: the tests compare it with
the caches of a real forward, byte by byte, and with the memory that a real step takes.
"""

from math import prod

from minidit.models.cost import block_size, has_many_scores, tokens_of_block
from minidit.models.dit import FREQUENCY_WIDTH, dit_shapes
from minidit.models.parameters import under

# B = batch, T = tokens of a clip, L = words of a prompt, N = B · T (or B · L) rows, H = heads, D = width,
# M = width of the feed-forward's hidden layer, P = values of a patch

FLOAT, ID, BOOL = 4, 8, 1  # bytes of a number in the network, of a word's or label's number, of a yes or no


def saved_activation_bytes(settings, batch, grid, words=None, recompute=False):
    """Bytes of all arrays that the cache of a training forward holds, the parameters not among them.

    Args:
        settings: DiTSettings.
        batch: clips.
        grid: (frames, rows, columns), in tokens.
        words: of the longest prompt in the batch; None for class labels.
        recompute: of `DiT.forward`: only what goes into each block is kept.
    """
    T, D = prod(grid), settings.width
    N, inside = batch * T, tokens_of_block(settings, grid, words)
    times = batch * (2 if settings.time == "token" else 1)
    if recompute:
        block = batch * inside * D
    elif settings.modern:
        block = saved_by_modern_block(settings, batch, grid, words)
    else:
        block = saved_by_block(settings, batch, inside)
    final = N * (2 * D + 1) + 2 * batch * D  # normalised, modulated, 1 / deviation; shift and scale
    if settings.modern:
        final = N * (2 * D + 1) + (N if settings.time == "token" else batch) * D  # here 1 + scale
    floats = (
        N * settings.patch_values  # the patches
        + times * (FREQUENCY_WIDTH + 3 * D)  # waves of the time; SiLU's derivative, the layer's input, SiLU's again
        + times * D  # the condition, which every block shares
        + settings.depth * block
        + final
    )
    if settings.positions == "rope":
        floats += inside * settings.head_width  # cosines and sines, which every block shares
    flags = saved_flags(settings, batch, grid, words, recompute)
    if not settings.text:
        return FLOAT * floats + ID * batch + BOOL * flags
    each_word = settings.prompt != "adaln"
    floats += saved_by_text_encoder(settings.text, batch, words, each_word)
    if settings.prompt == "cross":
        floats += batch * words * D  # the words, which every block shares
    mask_kept = settings.text.depth > 0 and has_many_scores(batch, settings.text.num_heads, words)
    return FLOAT * floats + (ID + BOOL * mask_kept) * batch * words + BOOL * flags


def saved_flags(settings, batch, grid, words, recompute):
    """How many of yes and no: which tokens are given; and which words there are, where attention needs it again."""
    T, heads = prod(grid), settings.num_heads
    inside = tokens_of_block(settings, grid, words)
    given = batch * T if settings.time == "token" else 0  # for the final layer
    if settings.prompt == "in_context":
        given += batch * inside if settings.time == "token" else 0
        return given + (batch * inside if recompute or has_many_scores(batch, heads, inside) else 0)
    cross = settings.prompt == "cross" and (recompute or has_many_scores(batch, heads, words, T))
    return given + (batch * words if cross else 0)


def saved_by_modern_block(settings, batch, grid, words):
    """Numbers that a block of `models/modern_block.py` saves."""
    B, T, D, H = batch, tokens_of_block(settings, grid, words), settings.width, settings.num_heads
    N, M = B * T, settings.hidden
    steered = N if settings.time == "token" else B  # rows of a modulation
    gates = 6 * steered * D + 2 * N * D if settings.zero_init else 0  # all modulations, and what each branch gave
    norms = 2 * (N * (2 * D + 1) + steered * D)  # normalised, modulated, 1 / deviation; 1 + scale
    # Queries and keys beside their projections: normalised, with 1 / root mean square; and as they go into the scores.
    steps = N * (D + H) if settings.qk_norm else 0
    steps += N * D if settings.qk_norm or settings.positions == "rope" else 0
    if settings.attention == "full":
        attention = saved_by_attention(B, H, T, D) + 2 * steps
    else:
        frames, places = grid[0], T // grid[0]
        attention = saved_by_attention(B * frames, H, places, D) + saved_by_attention(B * places, H, frames, D)
        attention += 4 * steps + N * D  # what goes into the second
    cross = 0
    if settings.prompt == "cross":
        weights = 0 if has_many_scores(B, H, words, T) else words
        cross = N * (D + 1) + 2 * N * D + 2 * B * words * D + B * H * T * (weights + 1)  # norm; queries, joined; words
    # SwiGLU: gate and value, SiLU's derivative and result, their product. GELU: derivative and result.
    mlp = (5 if settings.feedforward == "swiglu" else 2) * N * M
    return gates + norms + attention + cross + mlp


def saved_by_block(settings, batch, tokens):
    """Numbers that a DiT block saves."""
    B, T, D = batch, tokens, settings.width
    N, M = B * T, settings.hidden
    norms = 2 * N * (D + 1)  # normalised, and 1 / deviation; the modulated tokens are made again from it
    gates = 2 * N * D  # what each of the two branches gave
    return 6 * B * D + norms + saved_by_attention(B, settings.num_heads, T, D) + 2 * N * M + gates


def saved_by_attention(batch, num_heads, tokens, width):
    """Numbers that attention saves: queries, keys and values, the joined heads, and what the weights take.

    Those are the weights themselves and one over their sums; or, block by block, the logarithm of the sums alone.
    """
    weights = 0 if has_many_scores(batch, num_heads, tokens) else tokens
    return 4 * batch * tokens * width + batch * num_heads * tokens * (weights + 1)


def passing_in_attention(batch, num_heads, tokens, width):
    """Numbers that attention's backward makes and forgets, beside the gradients of queries, keys and values."""
    if not has_many_scores(batch, num_heads, tokens):
        return batch * tokens * (num_heads * tokens + 2 * width)  # the scores' gradient; dy and the keys, scaled
    block = num_heads * tokens * block_size(num_heads, tokens)
    return 2 * block + 2 * tokens * width  # weights and their gradient; a block's gradients of keys and values


def saved_by_text_encoder(settings, batch, words, each_word=False):
    """Numbers that the text encoder saves."""
    W, N = settings.width, batch * words
    block = 2 * N * (W + 1) + saved_by_attention(batch, settings.num_heads, words, W) + 2 * N * settings.mlp_ratio * W
    return settings.depth * block + N + (N if each_word else batch) * W  # which words there are; what is projected


def step_bytes(settings, batch, grid, words=None, recompute=False):
    """Bytes that a training step needs at its peak, beyond the vectors that stay (parameters, moments, gradients).

    Arguments as for `saved_activation_bytes`.

    Returns:
        the saved activations, the gradients by name before they are copied into their vector, and temporaries:
        three numbers, whose sum is good to a few per cent.
    Raises:
        ValueError: the settings choose another network than the paper's, whose temporaries nobody has counted.
    """
    if settings.non_default:
        chosen = ", ".join(f"{name}={value!r}" for name, value in settings.non_default.items())
        raise ValueError(f"the memory of a step is known of the paper's network only, and this one has {chosen}")
    T, D = prod(grid), settings.width
    N, M = batch * T, int(settings.mlp_ratio * D)
    latents = 7 * N * prod(settings.patch) * settings.in_channels  # noised, predicted, error, its gradient…
    attention = passing_in_attention(batch, settings.num_heads, T, D)
    shapes = dit_shapes(settings)
    every = numbers(shapes)
    behind_first = every - numbers(under("blocks.0.", shapes))  # gradients that are there before the first block's

    again = saved_by_block(settings, batch, T) if recompute else 0

    # The peak is at one of four moments (gradients, temporaries):
    moments = [
        (0, again + 3 * N * M + N * D),  # the last block's GELU, forward: three of its arrays, and the tokens
        (behind_first + 2 * D * M, latents + again + 2 * N * M + 3 * N * D),  # the first block's GELU, backward
        (behind_first + 2 * D * M + D * D, latents + again + attention + 8 * N * D),  # its attention, backward
        (every, latents + 4 * N * D),  # the end of the backward
    ]
    gradients, temporaries = max(moments, key=sum)
    return saved_activation_bytes(settings, batch, grid, words, recompute), FLOAT * gradients, FLOAT * temporaries


def numbers(shapes):
    """How many numbers there are in arrays of these shapes."""
    return sum(prod(shape) for shape in shapes.values())
