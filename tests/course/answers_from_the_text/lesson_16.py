"""Answers to the exercises of lesson 16, written from its text alone."""

import math

import numpy as np
from answers_of import Answers


def own_times_loop(t, known):
    own = np.zeros(known.shape, t.dtype)
    for index in np.ndindex(known.shape):
        own[index] = 1 if known[index] else t[index[0]]
    return own


def own_times_sum(t, known):
    return known + (1 - known) * t.reshape(-1, 1, 1, 1)


def own_times_of_bools(t, known):
    own = np.ones_like(known)
    own[...] = np.where(known, 1, t[:, None, None, None])
    return own


def own_times_mask_in_place(t, known):
    known |= True
    return np.where(known, 1.0, t[:, None, None, None])


def own_times_return_in_the_loop(t, known):
    own = np.ones(known.shape)
    for b in range(len(t)):
        own[b][~known[b]] = t[b]
        return own


def own_times_whole_frames(t, known):
    frames = known[:, :, :1, :1]
    return np.where(np.broadcast_to(frames, known.shape), 1.0, t[:, None, None, None])


def canvas_by_times(data, noise, t, known):
    own_time = np.where(known, 1.0, t[:, None, None, None]).astype(data.dtype)[..., None]
    return own_time * data + (1 - own_time) * noise, (own_time,)


def canvas_by_mask(data, noise, t, known):
    times = t.reshape(-1, 1, 1, 1, 1)
    mask = known[..., None]
    canvas = np.where(mask, data, times * data + (1 - times) * noise)
    return canvas, (np.maximum(times, mask).astype(data.dtype),)


def canvas_loop(data, noise, t, known):
    own_time, canvas = np.ones((*known.shape, 1), data.dtype), data.copy()
    for b, time in enumerate(t):
        own_time[b][~known[b]] = time
        canvas[b][~known[b]] = (time * data[b] + (1 - time) * noise[b])[~known[b]]
    return canvas, (own_time,)


def canvas_with(own=None, mix=None, cache=None):
    """canvas_by_times with one mistake."""

    def forward(data, noise, t, known):
        tau = (own or (lambda t, known: np.where(known, 1.0, t[:, None, None, None])))(t, known)[..., None]
        canvas = (mix or (lambda d, n, tau: tau * d + (1 - tau) * n))(data, noise, tau)
        return canvas, cache(tau, known, t) if cache else (tau,)

    return forward


def canvas_data_in_place(data, noise, t, known):
    own_time = np.where(known, 1.0, t[:, None, None, None])[..., None]
    data *= own_time
    data += (1 - own_time) * noise
    return data, (own_time,)


def canvas_noise_in_place(data, noise, t, known):
    own_time = np.where(known, 1.0, t[:, None, None, None])[..., None]
    noise[known] = 0
    return own_time * data + (1 - own_time) * noise, (own_time,)


def canvas_time_per_channel(data, noise, t, known):
    own_time = np.where(known[..., None], np.ones_like(data), t[:, None, None, None, None])
    return own_time * data + (1 - own_time) * noise, (own_time,)


def canvas_own_noise(data, noise, t, known):
    return canvas_by_times(data, np.random.default_rng().normal(size=data.shape), t, known)


def counted_loss_by_share(prediction, target, counted):
    share = counted.mean(axis=(1, 2, 3), keepdims=True)
    difference = prediction - target
    weighted = (counted / share)[..., None] * difference
    return (weighted * difference).mean(), (weighted,)


def counted_loss_by_clip(prediction, target, counted):
    total, weighted = 0.0, np.zeros_like(prediction)
    for b in range(len(prediction)):
        difference = prediction[b] - target[b]
        total += (difference[counted[b]] ** 2).mean()
        weighted[b][counted[b]] = difference[counted[b]] / (counted[b].sum() / counted[b].size)
    return total / len(prediction), (weighted,)


def counted_loss_with(share=None, loss=None, cache=None, difference=None):
    """counted_loss_by_share with one mistake."""

    def forward(prediction, target, counted):
        d = difference(prediction, target) if difference else prediction - target
        m = (share(counted) if share else counted / counted.mean(axis=(1, 2, 3), keepdims=True))[..., None]
        value = loss(m, d, counted) if loss else (m * d**2).mean()
        return value, cache(m, d, counted) if cache else (m * d,)

    return forward


def counted_loss_in_place(prediction, target, counted):
    prediction -= target
    share = counted.mean(axis=(1, 2, 3), keepdims=True)
    weighted = (counted / share)[..., None] * prediction
    return (weighted * prediction).mean(), (weighted,)


def counted_loss_without_axis(prediction, target, counted):
    share = counted.mean(axis=(1, 2, 3))
    weighted = counted / share * (prediction - target)
    return (weighted * (prediction - target)).mean(), (weighted,)


def step_by_where(x, t, s, velocity, known_latents, known):
    mask = known[..., None]
    x = np.where(mask, known_latents, x)
    return np.where(mask, known_latents, x + (s - t) * velocity(x, t))


def step_by_copies(x, t, s, velocity, known_latents, known):
    x = x.copy()
    x[known] = known_latents[known]
    x = x + (s - t) * velocity(x, t)
    x[known] = known_latents[known]
    return x


def step_moves_unknown(x, t, s, velocity, known_latents, known):
    seen = x * ~known[..., None] + known_latents * known[..., None]
    return seen + (s - t) * ~known[..., None] * velocity(seen, t)


def step_not_seen(x, t, s, velocity, known_latents, known):
    return np.where(known[..., None], known_latents, x + (s - t) * velocity(x, t))


def step_not_put_back(x, t, s, velocity, known_latents, known):
    x = np.where(known[..., None], known_latents, x)
    return x + (s - t) * velocity(x, t)


def step_as_before(x, t, s, velocity, known_latents, known):
    return x + (s - t) * velocity(x, t)


def step_mask_turned(x, t, s, velocity, known_latents, known):
    x = np.where(known[..., None], x, known_latents)
    return np.where(known[..., None], x + (s - t) * velocity(x, t), known_latents)


def step_in_place(x, t, s, velocity, known_latents, known):
    x[known] = known_latents[known]
    x = x + (s - t) * velocity(x, t)
    x[known] = known_latents[known]
    return x


def step_all_in_place(x, t, s, velocity, known_latents, known):
    x[known] = known_latents[known]
    x += (s - t) * velocity(x, t)
    x[known] = known_latents[known]
    return x


def step_into_known_latents(x, t, s, velocity, known_latents, known):
    known_latents[~known] = x[~known]
    moved = known_latents + (s - t) * velocity(known_latents, t)
    return np.where(known[..., None], known_latents, moved)


def step_asks_later(x, t, s, velocity, known_latents, known):
    x = np.where(known[..., None], known_latents, x)
    return np.where(known[..., None], known_latents, x + (s - t) * velocity(x, s))


def step_backwards(x, t, s, velocity, known_latents, known):
    x = np.where(known[..., None], known_latents, x)
    return np.where(known[..., None], known_latents, x - (s - t) * velocity(x, t))


def step_without_size(x, t, s, velocity, known_latents, known):
    x = np.where(known[..., None], known_latents, x)
    return np.where(known[..., None], known_latents, x + velocity(x, t))


def step_by_s(x, t, s, velocity, known_latents, known):
    x = np.where(known[..., None], known_latents, x)
    return np.where(known[..., None], known_latents, x + s * velocity(x, t))


def step_noises_the_known(x, t, s, velocity, known_latents, known):
    seen = np.where(known[..., None], t * known_latents + (1 - t) * x, x)
    return np.where(known[..., None], known_latents, x + (s - t) * velocity(seen, t))


def step_puts_x_back(x, t, s, velocity, known_latents, known):
    seen = np.where(known[..., None], known_latents, x)
    return np.where(known[..., None], x, seen + (s - t) * velocity(seen, t))


def step_without_axis(x, t, s, velocity, known_latents, known):
    x = np.where(known, known_latents, x)
    return np.where(known, known_latents, x + (s - t) * velocity(x, t))


def step_whole_frames(x, t, s, velocity, known_latents, known):
    mask = known[:, :, :1, :1, None]
    x = np.where(mask, known_latents, x)
    return np.where(mask, known_latents, x + (s - t) * velocity(x, t))


def step_only_if_all(x, t, s, velocity, known_latents, known):
    if known.all():
        return known_latents
    return x + (s - t) * velocity(x, t)


def step_first_mask(x, t, s, velocity, known_latents, known):
    return step_by_where(x, t, s, velocity, known_latents, np.broadcast_to(known[:1], known.shape))


def step_if_known(x, t, s, velocity, known_latents, known):
    if known:
        x = known_latents
    return x + (s - t) * velocity(x, t)


def step_swaps_arguments(x, t, s, velocity, known_latents, known):
    x = np.where(known[..., None], known_latents, x)
    return np.where(known[..., None], known_latents, x + (s - t) * velocity(t, x))


def step_returns_velocity(x, t, s, velocity, known_latents, known):
    x = np.where(known[..., None], known_latents, x)
    return np.where(known[..., None], known_latents, (s - t) * velocity(x, t))


def step_forgets_to_return(x, t, s, velocity, known_latents, known):
    x = np.where(known[..., None], known_latents, x)
    x = np.where(known[..., None], known_latents, x + (s - t) * velocity(x, t))


def exist_by_ceil(frames, tokens, patch_frames):
    full = np.ceil(np.asarray(frames) / patch_frames)
    return np.arange(tokens)[None, :] < full[:, None]


def exist_by_loops(frames, tokens, patch_frames):
    found = np.zeros((len(frames), tokens), bool)
    for b, count in enumerate(frames):
        for token in range(tokens):
            found[b, token] = token * patch_frames < count
    return found


def exist_by(rule):
    """Compares token numbers (1, tokens) with frames (B, 1)."""
    return lambda frames, tokens, patch_frames: rule(np.arange(tokens)[None], frames[:, None], patch_frames)


def exist_math_ceil(frames, tokens, patch_frames):
    return np.arange(tokens) < math.ceil(frames / patch_frames)


def exist_if(frames, tokens, patch_frames):
    found = np.zeros((len(frames), tokens), bool)
    for token in range(tokens):
        if token * patch_frames < frames:
            found[:, token] = True
    return found


def exist_return_in_the_loop(frames, tokens, patch_frames):
    found = np.zeros((len(frames), tokens), bool)
    for b in range(len(frames)):
        found[b] = np.arange(tokens) * patch_frames < frames[b]
        return found


def exist_frames_in_place(frames, tokens, patch_frames):
    frames += patch_frames - 1
    frames //= patch_frames
    return np.arange(tokens) < frames[:, None]


def loss_back_in_steps(dloss, cache):
    (weighted,) = cache
    n = 1
    for length in weighted.shape:
        n *= length
    return dloss * (2 / n) * weighted


def loss_back_in_place(dloss, cache):
    (weighted,) = cache
    weighted *= 2 * dloss / weighted.size
    return weighted


def loss_back_by(rule):
    return lambda dloss, cache: rule(dloss, cache[0])


def canvas_back_by_difference(dcanvas, cache):
    (own_time,) = cache
    ddata = own_time * dcanvas
    return ddata, dcanvas - ddata


def canvas_back_by(ddata=lambda d, tau: tau * d, dnoise=lambda d, tau: (1 - tau) * d):
    return lambda dcanvas, cache: (ddata(dcanvas, cache[0]), dnoise(dcanvas, cache[0]))


def canvas_back_in_place(dcanvas, cache):
    (own_time,) = cache
    dnoise = (1 - own_time) * dcanvas
    dcanvas *= own_time
    return dcanvas, dnoise


def canvas_back_time_in_place(dcanvas, cache):
    (own_time,) = cache
    ddata = own_time * dcanvas
    own_time -= 1
    return ddata, -own_time * dcanvas


ANSWERS = {
    "worksheet_canvas": Answers(
        right=[[[1, 1, 0, 2], [3, 5, 5, 5]], np.array([[1.0, 1, 0, 2], [3, 5, 5, 5]])],
        wrong=[
            ([[1, 1, 0, 1], [3, 5, 4, 4]], "everything noised"),
            ([[2, 0, 0, 2], [4, 4, 5, 5]], "everything known"),
            ([[2, 0, 0, 1], [4, 4, 4, 4]], "frame 1 known instead of frame 2"),
            ([[1, 1, 0, 2], [3, 5, 4, 5]], "only the last patch known"),
            ([[1, 1, 0, 1], [3, 5, 5, 4]], "only the third patch known"),
            ([[2, 0, 0, 2], [3, 5, 4, 4]], "upper row known: rows taken for frames"),
            ([[1, 1, 0, 1], [4, 4, 5, 5]], "lower row known: rows taken for frames"),
            ([[1, 0, 0, 2], [3, 4, 4, 5]], "columns 1 and 3 known"),
            ([[1, 3], [1, 5], [0, 5], [2, 5]], "transposed"),
            ([[3, 5, 5, 5], [1, 1, 0, 2]], "rows swapped"),
            ([[1, 1, 0, 2], [3, 5, 5, 4]], "one entry left noised"),
            ([[1, 1, 0, 0], [3, 5, 0, 0]], "known patches left empty"),
            ([[1, 1, 0, 3], [3, 5, 6, 6]], "noise subtracted from the known ones"),
            ([[0, 2], [5, 5]], "only frame 2"),
        ],
    ),
    "worksheet_counted_loss": Answers(
        right=[1.5, 6 / 4, np.float64(1.5)],
        wrong=[
            (0.75, "divided by 8, or halved"),
            (6, "sum, not mean"),
            (0.875, "mean over both frames"),
            (7 / 4, "all errors, divided by 4"),
            (0.25, "frame 2 instead of frame 1"),
            (1.0, "not squared: mean of the sizes"),
            (-0.5, "not squared: mean of the errors"),
            (3.0, "divided by 2 patches"),
            (6**0.5 / 2, "root taken"),
            (-1.0, "−1² = −1 and −2² = −4"),
            ([1, 1, 4, 0], "the squares, no mean"),
            (5 / 4, "one square forgotten"),
            (2.5, "mean of column 0 only"),
        ],
    ),
    "per_latent_time": Answers(
        right=[
            own_times_sum,
            own_times_loop,
            lambda t, known: np.maximum(known, t[:, None, None, None]),
            lambda t, known: np.where(known, 1.0, t[:, None, None, None]),
            lambda t, known: t[:, None, None, None] ** (1 - known),
        ],
        wrong=[
            (lambda t, known: np.where(known, 0.0, t[:, None, None, None]), "known ones at 0"),
            (lambda t, known: np.where(known, t[:, None, None, None], 1.0), "mask the wrong way round"),
            (lambda t, known: np.where(known, t[:, None, None, None], 0.0), "t for the known, 0 for the others"),
            (lambda t, known: np.where(known, 1.0, t), "t along the last axis"),
            (lambda t, known: np.where(known, 1.0, t[:, None]), "t along the rows: too few axes"),
            (lambda t, known: np.where(known, 1.0, t[:, None, None]), "t along the frames: an axis too few"),
            (lambda t, known: np.where(known, 1.0, t[0]), "first clip's t for all"),
            (lambda t, known: np.where(known, 1.0, t.mean()), "mean t for all"),
            (lambda t, known: np.where(known, 1.0, 1 - t[:, None, None, None]), "time counted as in the papers"),
            (lambda t, known: t[:, None, None, None] + known, "1 + t where known"),
            (lambda t, known: t[:, None, None, None] * known, "t where known, 0 elsewhere"),
            (lambda t, known: t[:, None, None, None] * ~known, "0 where known"),
            (lambda t, known: known.astype(float), "the mask, t ignored"),
            (lambda t, known: np.broadcast_to(t[:, None, None, None], known.shape).copy(), "mask ignored"),
            (lambda t, known: np.where(known.any(axis=(1, 2, 3)), 1.0, t), "one time per clip"),
            (lambda t, known: np.where(known[..., None], 1.0, t[:, None, None, None, None]), "an axis too many"),
            (lambda t, known: np.where(known, 1, t[:, None, None, None]).astype(int), "whole numbers"),
            (lambda t, known: 1.0 if known else t, "if of an array"),
            (own_times_of_bools, "written into an array of bools"),
            (own_times_mask_in_place, "changes the mask"),
            (own_times_return_in_the_loop, "return inside the loop"),
            (own_times_whole_frames, "right for whole known frames only"),
            (lambda t, known: np.where(known[:1], 1.0, t[:, None, None, None]), "first clip's mask for all"),
        ],
    ),
    "noised_canvas_forward": Answers(
        right=[canvas_by_mask, canvas_by_times, canvas_loop],
        wrong=[
            (canvas_with(mix=lambda d, n, tau: (1 - tau) * d + tau * n), "data and noise swapped"),
            (canvas_with(mix=lambda d, n, tau: d + (1 - tau) * n), "data not scaled"),
            (canvas_with(mix=lambda d, n, tau: tau * d + n), "noise not scaled"),
            (canvas_with(mix=lambda d, n, tau: tau * d), "no noise"),
            (canvas_with(mix=lambda d, n, tau: tau * d - (1 - tau) * n), "noise subtracted"),
            (canvas_with(mix=lambda d, n, tau: tau**0.5 * d + (1 - tau) ** 0.5 * n), "roots, as on a curved path"),
            (canvas_with(mix=lambda d, n, tau: np.where(tau == 1, 0, tau * d + (1 - tau) * n)), "known ones 0"),
            (canvas_with(mix=lambda d, n, tau: np.where(tau == 1, n, tau * d + (1 - tau) * n)), "known ones noise"),
            (canvas_with(own=lambda t, known: np.where(known, 0.0, t[:, None, None, None])), "known ones at time 0"),
            (canvas_with(own=lambda t, known: np.where(known, t[:, None, None, None], 1.0)), "mask turned round"),
            (
                canvas_with(own=lambda t, known: t[:, None, None, None] + 0.0 * known),
                "mask ignored: everything is noised",
            ),
            (canvas_with(own=lambda t, known: np.where(known, 1.0, t[0])), "first clip's t for all"),
            (canvas_with(cache=lambda tau, known, t: (known[..., None].astype(float),)), "cache holds the mask"),
            (canvas_with(cache=lambda tau, known, t: (tau[..., 0],)), "cached time lacks the last axis"),
            (canvas_with(cache=lambda tau, known, t: tau), "cache is not a tuple"),
            (canvas_with(cache=lambda tau, known, t: (1 - tau,)), "cache holds 1 − τ"),
            (canvas_with(cache=lambda tau, known, t: (t,)), "cache holds t"),
            (canvas_with(cache=lambda tau, known, t: (tau, 1 - tau)), "cache holds two arrays"),
            (canvas_time_per_channel, "cached time has C channels"),
            (lambda data, noise, t, known: canvas_by_times(data, noise, t, known)[0], "no cache"),
            (lambda data, noise, t, known: canvas_by_times(data, noise, t, known)[::-1], "order swapped"),
            (canvas_data_in_place, "changes data in place"),
            (canvas_noise_in_place, "changes noise in place"),
            (canvas_own_noise, "draws its own noise"),
        ],
    ),
    "counted_loss_forward": Answers(
        right=[counted_loss_by_clip, counted_loss_by_share, counted_loss_with()],
        wrong=[
            (counted_loss_with(share=lambda c: c / c.mean()), "share of the whole batch"),
            (counted_loss_with(share=lambda c: c * 1.0), "not divided by the share"),
            (counted_loss_with(share=lambda c: c * c.mean(axis=(1, 2, 3), keepdims=True)), "multiplied by the share"),
            (counted_loss_with(share=lambda c: c / c.sum(axis=(1, 2, 3), keepdims=True)), "divided by the count"),
            (
                counted_loss_with(share=lambda c: ~c / (~c).mean(axis=(1, 2, 3), keepdims=True)),
                "counts the wrong ones: mask turned round",
            ),
            (counted_loss_with(share=lambda c: np.ones(c.shape)), "mask ignored"),
            (
                counted_loss_with(share=lambda c: 1 / np.broadcast_to(c.mean(axis=(1, 2, 3), keepdims=True), c.shape)),
                "m forgotten: known ones count too",
            ),
            (
                counted_loss_with(share=lambda c: c / (c.mean(axis=(1, 2, 3), keepdims=True) ** 2)),
                "divided by the share twice",
            ),
            (counted_loss_with(share=lambda c: c / c[:1].mean()), "first clip's share for all"),
            (
                counted_loss_with(
                    share=lambda c: c / (c.sum(axis=(1, 2, 3), keepdims=True) / (c.shape[2] * c.shape[3]))
                ),
                "frames forgotten in the share",
            ),
            (
                counted_loss_with(share=lambda c: c / np.maximum(c.mean(axis=(2, 3), keepdims=True), 0.1)),
                "share in each frame",
            ),
            (counted_loss_with(loss=lambda m, d, c: (m * d**2).sum()), "sum instead of mean"),
            (counted_loss_with(loss=lambda m, d, c: ((m * d) ** 2).mean()), "weight squared in the loss"),
            (counted_loss_with(loss=lambda m, d, c: (m * abs(d)).mean()), "not squared"),
            (counted_loss_with(loss=lambda m, d, c: (m * d).mean()), "errors cancel: not squared"),
            (counted_loss_with(loss=lambda m, d, c: 0.5 * (m * d**2).mean()), "halved"),
            (counted_loss_with(loss=lambda m, d, c: (m * d**2).mean() * d.shape[-1]), "channels summed"),
            (counted_loss_with(loss=lambda m, d, c: (m * d**2).mean() * len(d)), "averages of the clips added up"),
            (counted_loss_with(loss=lambda m, d, c: (d[c] ** 2).mean()), "mean over all that count in the batch"),
            (counted_loss_with(loss=lambda m, d, c: (d[c] ** 2).sum() / d.size), "loss without the share"),
            (counted_loss_with(cache=lambda m, d, c: (c[..., None] * d,)), "cache without the share"),
            (counted_loss_with(cache=lambda m, d, c: (m * d**2,)), "cache squared"),
            (counted_loss_with(cache=lambda m, d, c: (d,)), "cache without weights"),
            (counted_loss_with(cache=lambda m, d, c: m * d), "cache is not a tuple"),
            (counted_loss_with(difference=lambda p, t: t - p), "target − prediction in the cache"),
            (counted_loss_without_axis, "no axis for the channels"),
            (counted_loss_in_place, "changes prediction in place"),
        ],
    ),
    "completing_step": Answers(
        right=[step_by_copies, step_by_where, step_moves_unknown],
        wrong=[
            (step_not_seen, "network doesn't see the known latents"),
            (step_not_put_back, "known latents not put back"),
            (step_as_before, "known latents ignored"),
            (step_mask_turned, "mask turned round"),
            (step_in_place, "puts the known latents into its input x"),
            (step_all_in_place, "changes x in place"),
            (step_into_known_latents, "writes into known_latents"),
            (step_asks_later, "asks at s"),
            (step_backwards, "minus instead of plus"),
            (step_without_size, "no step size"),
            (step_by_s, "steps by s"),
            (step_noises_the_known, "shows the network noised known latents"),
            (step_puts_x_back, "puts back the old x instead of known_latents"),
            (step_without_axis, "mask lacks the channels' axis"),
            (step_whole_frames, "right for whole known frames only"),
            (step_first_mask, "first clip's mask for all"),
            (step_only_if_all, "right only if all or nothing is known"),
            (step_if_known, "if of an array"),
            (step_swaps_arguments, "calls velocity(t, x)"),
            (step_returns_velocity, "x forgotten in the step"),
            (step_forgets_to_return, "forgets to return"),
        ],
    ),
    "token_exists": Answers(
        right=[exist_by_ceil, exist_by_loops, exist_by(lambda n, frames, p: n < (frames + p - 1) // p)],
        wrong=[
            (exist_by(lambda n, frames, p: n * p <= frames), "<= : a token too many when frames fill tokens"),
            (exist_by(lambda n, frames, p: n < frames // p), "partly filled token left out"),
            (exist_by(lambda n, frames, p: (n + 1) * p <= frames), "only full tokens"),
            (exist_by(lambda n, frames, p: n < frames // p + 1), "always one more than the full ones"),
            (exist_by(lambda n, frames, p: n < np.round(frames / p)), "rounds to the nearest"),
            (exist_by(lambda n, frames, p: n * p >= frames), "True for the padding"),
            (exist_by(lambda n, frames, p: n < frames), "patch_frames ignored"),
            (exist_by(lambda n, frames, p: n * 4 < frames), "patch_frames hard-coded as 4"),
            (exist_by(lambda n, frames, p: (n + 1) * p < frames), "tokens counted from 1"),
            (exist_by(lambda n, frames, p: (n * p < frames).T), "transposed"),
            (exist_by(lambda n, frames, p: (n * p < frames)[:, ::-1]), "padding in front"),
            (exist_by(lambda n, frames, p: (n * p < frames).astype(int)), "0 and 1 instead of False and True"),
            (exist_by(lambda n, frames, p: (n * p < frames).sum(axis=1)), "the number of tokens"),
            (exist_by(lambda n, frames, p: n * p < frames[0]), "first clip's frames for all"),
            (exist_by(lambda n, frames, p: n * p < frames.max() + 0 * frames), "longest clip's frames for all"),
            (lambda frames, tokens, p: np.arange(tokens) * p < frames, "frames not given an axis"),
            (lambda frames, tokens, p: np.arange(tokens * p)[None] < frames[:, None], "frames instead of tokens"),
            (lambda frames, tokens, p: np.ones((len(frames), tokens), bool), "all exist"),
            (lambda frames, tokens, p: np.arange(tokens)[None] * tokens < frames[:, None], "tokens for patch_frames"),
            (exist_math_ceil, "math.ceil of an array"),
            (exist_if, "if of an array"),
            (exist_return_in_the_loop, "return inside the loop"),
            (exist_frames_in_place, "changes frames in place"),
            (exist_by(lambda n, frames, p: n * p < np.maximum(frames, 1)), "a token in a clip without frames"),
        ],
    ),
    "counted_loss_backward": Answers(
        right=[
            loss_back_in_steps,
            loss_back_by(lambda d, w: 2 * d * w / w.size),
            loss_back_by(lambda d, w: np.multiply(w, 2.0 * d / np.prod(w.shape)).astype(w.dtype)),
        ],
        wrong=[
            (loss_back_by(lambda d, w: d * w / w.size), "the 2 is missing"),
            (loss_back_by(lambda d, w: 2 * d * w), "not divided by N"),
            (loss_back_by(lambda d, w: 2 * w / w.size), "ignores dloss"),
            (loss_back_by(lambda d, w: 2 * d * w / len(w)), "N is the number of clips only"),
            (loss_back_by(lambda d, w: 2 * d * w / (w.size // w.shape[-1])), "N without the channels"),
            (loss_back_by(lambda d, w: 2 * d * w / np.count_nonzero(w)), "N counts only those that count"),
            (loss_back_by(lambda d, w: 2 * d * w / w[0].size), "N is the size of one clip"),
            (loss_back_by(lambda d, w: 2 * d * w**2 / w.size), "weighted squared"),
            (loss_back_by(lambda d, w: np.full_like(w, 2 * d / w.size)), "weighted forgotten"),
            (loss_back_by(lambda d, w: -2 * d * w / w.size), "wrong sign"),
            (loss_back_by(lambda d, w: 2 * d * w.mean()), "one number: the mean"),
            (loss_back_by(lambda d, w: d * w * w.size / 2), "factor upside down"),
            (loss_back_by(lambda d, w: 4 * d * w / w.size), "the 2 twice"),
            (loss_back_by(lambda d, w: 2 * d * abs(w) / w.size), "sign of the error lost"),
            (loss_back_by(lambda d, w: d + 2 * w / w.size), "dloss added"),
            (loss_back_by(lambda d, w: d * (w != 0) * 2 / w.size), "the mask instead of the error"),
            (loss_back_by(lambda d, w: 2 * d * w // w.size), "// instead of /"),
            (loss_back_by(lambda d, w: (2 * d * w / w.size, -2 * d * w / w.size)), "dtarget too"),
            (lambda d, cache: 2 * d * cache / cache.size, "the tuple isn't opened"),
            (lambda d, cache: print(2 * d * cache[0] / cache[0].size), "prints instead of returning"),
            (loss_back_in_place, "changes the cache in place"),
        ],
    ),
    "noised_canvas_backward": Answers(
        right=[
            canvas_back_by_difference,
            canvas_back_by(),
            lambda dcanvas, cache: [np.multiply(cache[0], dcanvas), dcanvas - np.multiply(cache[0], dcanvas)],
        ],
        wrong=[
            (lambda d, cache: canvas_back_by()(d, cache)[::-1], "order swapped"),
            (canvas_back_by(lambda d, tau: d, lambda d, tau: d), "factors forgotten"),
            (canvas_back_by(lambda d, tau: tau + 0 * d, lambda d, tau: 1 - tau + 0 * d), "ignores dcanvas"),
            (canvas_back_by(dnoise=lambda d, tau: -tau * d), "dnoise is −τ"),
            (canvas_back_by(dnoise=lambda d, tau: tau * d), "dnoise is τ, too"),
            (canvas_back_by(dnoise=lambda d, tau: (tau - 1) * d), "dnoise has the wrong sign"),
            (canvas_back_by(dnoise=lambda d, tau: d), "dnoise lacks its factor"),
            (canvas_back_by(dnoise=lambda d, tau: np.where(tau == 1, 0.0, d)), "dnoise masked but not scaled"),
            (canvas_back_by(dnoise=lambda d, tau: np.zeros_like(d)), "dnoise is zero everywhere"),
            (canvas_back_by(ddata=lambda d, tau: d), "ddata lacks its factor"),
            (canvas_back_by(ddata=lambda d, tau: np.where(tau == 1, d, 0.0)), "ddata only where known"),
            (canvas_back_by(ddata=lambda d, tau: np.where(tau == 1, 0.0, tau * d)), "ddata zero where known"),
            (canvas_back_by(ddata=lambda d, tau: tau**2 * d), "τ twice"),
            (canvas_back_by(ddata=lambda d, tau: d / tau), "divided by τ"),
            (canvas_back_by(ddata=lambda d, tau: (tau * d).sum(axis=-1)), "ddata summed over channels"),
            (
                canvas_back_by(
                    lambda d, tau: (tau * d).sum(axis=-1, keepdims=True),
                    lambda d, tau: ((1 - tau) * d).sum(axis=-1, keepdims=True),
                ),
                "both summed to the shape of the time",
            ),
            (canvas_back_by(lambda d, tau: tau[..., 0] * d, lambda d, tau: (1 - tau[..., 0]) * d), "axis removed"),
            (lambda d, cache: cache[0] * d, "dnoise missing"),
            (lambda d, cache: (cache * d, (1 - cache) * d), "the tuple isn't opened"),
            (canvas_back_in_place, "changes dcanvas in place"),
            (canvas_back_time_in_place, "changes the cached time"),
        ],
    ),
}
