"""A Diffusion Transformer on paper: fourteen steps with integers small enough for a pencil.

Every matrix is laid out as it is drawn by hand: one *column* per patch. A map is `W @ x + b`, the weight on
the left, and the bias is a column added to every column of the product. (The real model has one *row* per
token: `x @ w + b`.) All arrays are int64; only the optimiser step in step 11 needs fractions.

Read the steps from top to bottom; `solve` calls them in that order. `minidit.worksheet_text` writes them out.

Source: the fourteen steps and the published values (text [0, 1, -1], t = 3 as [1, 1], scale [2, -1],
shift [-1, 5]) are those of Tom Yeh, "AI by Hand" 18. All other integers are our own.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from minidit.errors import UserError

# F = frames, H = height, W = width of the video, P = patches; a patch has 4 pixels, a latent 2 numbers

STEPS = (
    "Setting the stage",
    "Video → patches",
    "Visual encoder",
    "Add noise",
    "Encode the conditions",
    "Estimate scale and shift",
    "Apply scale and shift",
    "Self-attention",
    "Attention pooling",
    "Pointwise feed-forward",
    "Training",
    "Denoise",
    "Visual decoder",
    "Patches → video",
)


def _matrix(rows):
    """A read-only int64 matrix."""
    array = np.array(rows, dtype=np.int64)
    array.setflags(write=False)
    return array


# ------------------------------------------------------------------------------------------ the given numbers


@dataclass(frozen=True, eq=False)
class Weights:
    """The worksheet's matrices: the codec's (encoder and decoder) are frozen, step 11 learns all others."""

    encoder_weight: np.ndarray  # 2, 4   frozen
    encoder_bias: np.ndarray  # 2, 1   frozen
    conditioning_weight: np.ndarray  # 4, 5   rows: scale, scale, shift, shift
    conditioning_bias: np.ndarray  # 4, 1
    query_weight: np.ndarray  # 2, 2
    key_weight: np.ndarray  # 2, 2
    feed_forward_weight: np.ndarray  # 2, 2
    feed_forward_bias: np.ndarray  # 2, 1
    decoder_weight: np.ndarray  # 4, 2   frozen
    decoder_bias: np.ndarray  # 4, 1   frozen


WEIGHTS = Weights(
    encoder_weight=_matrix([[1, -1, 0, -1], [0, 0, 1, 0]]),
    encoder_bias=_matrix([[0], [3]]),
    conditioning_weight=_matrix([[1, 1, 0, 0, 1], [2, 0, 1, 1, 0], [0, -1, 0, 1, 0], [-1, 2, 0, 1, 1]]),
    conditioning_bias=_matrix([[0], [-1], [-1], [1]]),
    query_weight=_matrix([[1, -1], [1, 0]]),
    key_weight=_matrix([[1, 0], [1, 1]]),
    feed_forward_weight=_matrix([[1, -1], [1, -1]]),
    feed_forward_bias=_matrix([[2], [1]]),
    decoder_weight=_matrix([[2, 1], [1, 1], [0, 1], [-1, 1]]),
    decoder_bias=_matrix([[-3], [-3], [-3], [-3]]),
)

# Brightness from 0 (black) to 9 (white): the sun moves to the right while the sky brightens from 1 to 2.
VIDEO = _matrix(
    [
        [[5, 3, 1, 1], [1, 0, 1, 1]],
        [[2, 2, 6, 4], [2, 2, 2, 0]],
    ]
)
PROMPT = "sora is sky"
WORDS = {"sora": 0, "is": 1, "sky": -1}
TIME = 3  # of 0, 1, 2, 3: more t, less noise
NOISE = _matrix([[-1, 1, 0, -1], [-1, 1, -1, -1]])
LEARNING_RATE = Fraction(1, 1000)


# ---------------------------------------------------------------------------------------- the steps, in order


def step_1_stage():
    """The inputs: a video, a prompt and a diffusion step.

    Returns: video (F, H, W) of brightness 0 to 9, prompt (three words), t (0 to 3).
    """
    return VIDEO, PROMPT, TIME


def step_2_patches(video):
    """Cut every frame into 2 × 2 patches and write each patch as a column.

    Args:    video (F, H, W), height and width even.
    Returns: patches (4, P), ordered by frame, then row, then column; each holds its top left, top right,
             bottom left and bottom right pixel.
    Raises:  ValueError if 2 × 2 patches don't tile the frames.
    """
    frames, height, width = video.shape
    if height % 2 or width % 2:
        raise ValueError(f"frames of {height} x {width} pixels can't be cut into 2 x 2 patches")
    blocks = video.reshape(frames, height // 2, 2, width // 2, 2)  # F, H/2, 2, W/2, 2
    return blocks.transpose(0, 1, 3, 2, 4).reshape(-1, 4).T  # 4, P


def step_3_encode(patches, weight, bias):
    """The visual encoder: four pixels become two latent numbers. Frozen.

    Args:    patches (4, P), weight (2, 4), bias (2, 1)
    Returns: the value before the ReLU (2, P) and the latent (2, P).
    """
    before_relu = weight @ patches + bias  # 2, P
    return before_relu, np.maximum(before_relu, 0)  # 2, P


def step_4_add_noise(latent, noise):
    """Add the sampled noise. A higher t has less noise: here |noise| ≤ 4 − t, so at t = 3 it is −1, 0 or 1.

    Args:    latent (2, P), noise (2, P)
    Returns: the noised latent (2, P).
    """
    return latent + noise  # 2, P


def step_5_conditions(prompt, t):
    """Turn the prompt and t into numbers: one number a word, two binary digits for t.

    Args:    prompt, three words out of `WORDS`; t, an integer from 0 to 3.
    Returns: text (3, 1), time (2, 1) and both joined, the condition (5, 1).
    Raises:  UserError for an unknown word, another number of words, or another t.
    """
    words = prompt.split()
    unknown = [word for word in words if word not in WORDS]
    if unknown or len(words) != 3:
        problem = f"does not know the word {unknown[0]!r}" if unknown else f"was given {len(words)} words"
        raise UserError(
            f"The worksheet {problem} in {prompt!r}; it expects three words out of {', '.join(WORDS)}. "
            f"Try {PROMPT!r}."
        )
    if t not in range(4):
        raise UserError(f"The worksheet was given t = {t}; it expects 0, 1, 2 or 3, two binary digits.")
    text = _matrix([[WORDS[word]] for word in words])  # 3, 1
    time = _matrix([[t // 2], [t % 2]])  # 2, 1
    return text, time, np.concatenate([text, time])  # 5, 1


def step_6_scale_and_shift(condition, weight, bias):
    """One linear map turns the condition into a scale and a shift for each of the two latent numbers.

    Args:    condition (5, 1), weight (4, 5), bias (4, 1)
    Returns: scale (2, 1) and shift (2, 1).
    """
    both = weight @ condition + bias  # 4, 1
    return both[:2], both[2:]


def step_7_apply(noised, scale, shift):
    """Scale and shift every patch alike: this is how the prompt and t reach the video.

    Args:    noised (2, P), scale (2, 1), shift (2, 1)
    Returns: the conditioned noised latent (2, P).
    """
    return scale * noised + shift  # 2, P


def step_8_self_attention(conditioned, query_weight, key_weight):
    """Compare every patch with every other. No value matrix and no softmax on the worksheet.

    Args:    conditioned (2, P), query_weight (2, 2), key_weight (2, 2)
    Returns: queries (2, P), keys (2, P) and attention (P, P); row i, column j holds key i · query j.
    """
    queries = query_weight @ conditioned  # 2, P
    keys = key_weight @ conditioned  # 2, P
    return queries, keys, keys.T @ queries  # P, P


def step_9_pool(conditioned, attention):
    """Mix the patches: new patch j is the sum over i of patch i times attention (i, j).

    Args:    conditioned (2, P), attention (P, P)
    Returns: pooled (2, P).
    """
    return conditioned @ attention  # 2, P


def step_10_feed_forward(pooled, weight, bias):
    """Map every patch on its own; the result is the predicted noise.

    Args:    pooled (2, P), weight (2, 2), bias (2, 1)
    Returns: the predicted noise (2, P).
    """
    return weight @ pooled + bias  # 2, P


def step_11a_loss(predicted, noise):
    """Half the sum of the squared errors, so that its gradient is the error itself.

    Args:    predicted (2, P), noise (2, P)
    Returns: the loss, an exact Fraction, and dpredicted (2, P).
    """
    dpredicted = predicted - noise  # 2, P
    return Fraction(sum((dpredicted * dpredicted).ravel().tolist()), 2), dpredicted


def step_11b_feed_forward(dpredicted, pooled, weight):
    """Back through step 10. Returns dpooled (2, P), dweight (2, 2), dbias (2, 1)."""
    dpooled = weight.T @ dpredicted  # 2, P
    dweight = dpredicted @ pooled.T  # 2, 2
    dbias = dpredicted.sum(axis=1, keepdims=True)  # 2, 1   one bias served every patch
    return dpooled, dweight, dbias


def step_11c_pool(dpooled, conditioned, attention):
    """Back through step 9. Returns dconditioned (2, P), only through this step, and dattention (P, P)."""
    return dpooled @ attention.T, conditioned.T @ dpooled


def step_11d_self_attention(dattention, conditioned, queries, keys, query_weight, key_weight):
    """Back through step 8.

    Returns: dconditioned (2, P), only through this step; dqueries, dkeys (2, P); dquery_weight, dkey_weight (2, 2).
    """
    dqueries = keys @ dattention  # 2, P
    dkeys = queries @ dattention.T  # 2, P
    dconditioned = query_weight.T @ dqueries + key_weight.T @ dkeys  # 2, P
    return dconditioned, dqueries, dkeys, dqueries @ conditioned.T, dkeys @ conditioned.T


def step_11e_apply(dconditioned, noised):
    """Back through step 7. Returns dscale (2, 1) and dshift (2, 1); below lies only the frozen encoder."""
    dscale = (dconditioned * noised).sum(axis=1, keepdims=True)  # 2, 1   one scale served every patch
    dshift = dconditioned.sum(axis=1, keepdims=True)  # 2, 1
    return dscale, dshift


def step_11f_scale_and_shift(dscale, dshift, condition):
    """Back through step 6. Returns dweight (4, 5) and dbias (4, 1)."""
    dbias = np.concatenate([dscale, dshift])  # 4, 1
    return dbias @ condition.T, dbias


def step_11g_update(weight, gradient, learning_rate=LEARNING_RATE):
    """One step of gradient descent, in exact fractions.

    Args:    weight and gradient of one shape, integers; learning_rate, a Fraction.
    Returns: weight − learning_rate · gradient, an array of Fractions.
    """
    return weight - learning_rate * gradient.astype(object)


@dataclass(frozen=True, eq=False)
class Gradients:
    """The gradient of the loss with respect to everything between the loss and the learned matrices."""

    predicted: np.ndarray  # 2, P
    feed_forward_weight: np.ndarray  # 2, 2
    feed_forward_bias: np.ndarray  # 2, 1
    pooled: np.ndarray  # 2, P
    attention: np.ndarray  # P, P
    queries: np.ndarray  # 2, P
    keys: np.ndarray  # 2, P
    query_weight: np.ndarray  # 2, 2
    key_weight: np.ndarray  # 2, 2
    conditioned_by_pooling: np.ndarray  # 2, P
    conditioned_by_attention: np.ndarray  # 2, P
    conditioned: np.ndarray  # 2, P   the sum of the two ways
    scale: np.ndarray  # 2, 1
    shift: np.ndarray  # 2, 1
    conditioning_weight: np.ndarray  # 4, 5
    conditioning_bias: np.ndarray  # 4, 1


def step_11_train(
    condition, noised, conditioned, queries, keys, attention, pooled, predicted, noise, weights
):
    """The backward pass: from the loss through steps 10, 9, 8, 7 and 6, in reverse, to every learned matrix.

    Args:    what the steps 5 to 10 computed, the actual noise (2, P), and the `Weights`.
    Returns: the loss, an exact Fraction, and its `Gradients`.
    """
    loss, dpredicted = step_11a_loss(predicted, noise)
    dpooled, dff_weight, dff_bias = step_11b_feed_forward(dpredicted, pooled, weights.feed_forward_weight)
    by_pooling, dattention = step_11c_pool(dpooled, conditioned, attention)
    by_attention, dqueries, dkeys, dquery_weight, dkey_weight = step_11d_self_attention(
        dattention, conditioned, queries, keys, weights.query_weight, weights.key_weight
    )
    dconditioned = by_pooling + by_attention  # 2, P   it fed the attention and the pooling
    dscale, dshift = step_11e_apply(dconditioned, noised)
    dconditioning_weight, dconditioning_bias = step_11f_scale_and_shift(dscale, dshift, condition)
    return loss, Gradients(
        predicted=dpredicted, feed_forward_weight=dff_weight, feed_forward_bias=dff_bias,
        pooled=dpooled, attention=dattention, queries=dqueries, keys=dkeys,
        query_weight=dquery_weight, key_weight=dkey_weight,
        conditioned_by_pooling=by_pooling, conditioned_by_attention=by_attention, conditioned=dconditioned,
        scale=dscale, shift=dshift,
        conditioning_weight=dconditioning_weight, conditioning_bias=dconditioning_bias,
    )


def step_12_denoise(noised, conditioned, noise):
    """Subtract the noise, in both ways found in the literature.

    Only `noised − noise` undoes step 4, and it is what a sampler does. Some texts subtract from the conditioned latent;
    `conditioned − noise` keeps the scale and shift of step 7, which the decoder knows nothing about.

    Args:    noised (2, P), conditioned (2, P), noise (2, P), predicted or actual.
    Returns: denoised = noised − noise, as_told = conditioned − noise, both (2, P).
    """
    return noised - noise, conditioned - noise  # 2, P


def step_13_decode(latent, weight, bias):
    """The visual decoder: two latent numbers become four pixels. Frozen.

    Args:    latent (2, P), weight (4, 2), bias (4, 1)
    Returns: the value before the ReLU (4, P) and the decoded patches (4, P).
    """
    before_relu = weight @ latent + bias  # 4, P
    return before_relu, np.maximum(before_relu, 0)  # 4, P


def step_14_video(patches, shape):
    """Put the patches back where step 2 took them from.

    Args:    patches (4, P); shape (F, H, W) of the video.
    Returns: video (F, H, W).
    """
    frames, height, width = shape
    blocks = patches.T.reshape(frames, height // 2, width // 2, 2, 2)  # F, H/2, W/2, 2, 2
    return blocks.transpose(0, 1, 3, 2, 4).reshape(shape)  # F, H, W


# ------------------------------------------------------------------------------------------ all of it at once


@dataclass(frozen=True, eq=False)
class Worksheet:
    """Everything that the fourteen steps use and compute, in their order."""

    weights: Weights
    video: np.ndarray  # F, H, W     1
    prompt: str
    t: int
    patches: np.ndarray  # 4, P        2
    encoder_before_relu: np.ndarray  # 2, P        3
    latent: np.ndarray  # 2, P
    noise: np.ndarray  # 2, P        4
    noised: np.ndarray  # 2, P
    text: np.ndarray  # 3, 1        5
    time: np.ndarray  # 2, 1
    condition: np.ndarray  # 5, 1
    scale: np.ndarray  # 2, 1        6
    shift: np.ndarray  # 2, 1
    conditioned: np.ndarray  # 2, P        7
    queries: np.ndarray  # 2, P        8
    keys: np.ndarray  # 2, P
    attention: np.ndarray  # P, P
    pooled: np.ndarray  # 2, P        9
    predicted: np.ndarray  # 2, P        10
    loss: Fraction  # 11
    gradients: Gradients
    learning_rate: Fraction
    updated_weight: np.ndarray  # 2, 2   feed-forward, after one optimiser step, Fractions
    updated_bias: np.ndarray  # 2, 1
    updated_loss: Fraction
    denoised: np.ndarray  # 2, P        12   noised − predicted
    as_told: np.ndarray  # 2, P             conditioned − predicted
    perfect_denoised: np.ndarray  # 2, P             noised − noise
    perfect_as_told: np.ndarray  # 2, P             conditioned − noise
    decoder_before_relu: np.ndarray  # 4, P        13
    decoded: np.ndarray  # 4, P
    generated: np.ndarray  # F, H, W     14   from denoised
    perfect_video: np.ndarray  # F, H, W          from perfect_denoised
    as_told_video: np.ndarray  # F, H, W          from as_told


def solve(video=None, prompt=None, t=None, noise=None, weights=WEIGHTS, learning_rate=LEARNING_RATE):
    """Work through the fourteen steps.

    Args:    video (F, H, W), prompt, t, noise (2, P) with P = F·H·W / 4, the `Weights` and the learning rate, a
             Fraction; whatever is not given is the worksheet's own.
    Returns: a `Worksheet` with every intermediate result.
    """
    given_video, given_prompt, given_t = step_1_stage()
    video = given_video if video is None else video
    prompt = given_prompt if prompt is None else prompt
    t = given_t if t is None else t
    noise = NOISE if noise is None else noise
    decoder = (weights.decoder_weight, weights.decoder_bias)

    patches = step_2_patches(video)
    encoder_before_relu, latent = step_3_encode(patches, weights.encoder_weight, weights.encoder_bias)
    noised = step_4_add_noise(latent, noise)
    text, time, condition = step_5_conditions(prompt, t)
    scale, shift = step_6_scale_and_shift(condition, weights.conditioning_weight, weights.conditioning_bias)
    conditioned = step_7_apply(noised, scale, shift)
    queries, keys, attention = step_8_self_attention(conditioned, weights.query_weight, weights.key_weight)
    pooled = step_9_pool(conditioned, attention)
    predicted = step_10_feed_forward(pooled, weights.feed_forward_weight, weights.feed_forward_bias)
    loss, gradients = step_11_train(
        condition, noised, conditioned, queries, keys, attention, pooled, predicted, noise, weights
    )
    updated_weight = step_11g_update(weights.feed_forward_weight, gradients.feed_forward_weight, learning_rate)
    updated_bias = step_11g_update(weights.feed_forward_bias, gradients.feed_forward_bias, learning_rate)
    updated_loss, _ = step_11a_loss(step_10_feed_forward(pooled, updated_weight, updated_bias), noise)
    denoised, as_told = step_12_denoise(noised, conditioned, predicted)
    perfect_denoised, perfect_as_told = step_12_denoise(noised, conditioned, noise)
    decoder_before_relu, decoded = step_13_decode(denoised, *decoder)
    _, perfect_decoded = step_13_decode(perfect_denoised, *decoder)
    _, as_told_decoded = step_13_decode(as_told, *decoder)
    return Worksheet(
        weights=weights, video=video, prompt=prompt, t=t, patches=patches,
        encoder_before_relu=encoder_before_relu, latent=latent, noise=noise, noised=noised,
        text=text, time=time, condition=condition, scale=scale, shift=shift, conditioned=conditioned,
        queries=queries, keys=keys, attention=attention, pooled=pooled, predicted=predicted,
        loss=loss, gradients=gradients, learning_rate=learning_rate,
        updated_weight=updated_weight, updated_bias=updated_bias, updated_loss=updated_loss,
        denoised=denoised, as_told=as_told,
        perfect_denoised=perfect_denoised, perfect_as_told=perfect_as_told,
        decoder_before_relu=decoder_before_relu, decoded=decoded,
        generated=step_14_video(decoded, video.shape),
        perfect_video=step_14_video(perfect_decoded, video.shape),
        as_told_video=step_14_video(as_told_decoded, video.shape),
    )
