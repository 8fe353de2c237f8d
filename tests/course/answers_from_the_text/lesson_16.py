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
            ([[1, 1, 0, 1], [3, 5, 4, 4]], "all noised"),  # everything noised
            ([[2, 0, 0, 2], [4, 4, 5, 5]], "all clean"),  # everything known
            ([[2, 0, 0, 1], [4, 4, 4, 4]], "the other frame"),  # frame 1 known instead of frame 2
            ([[1, 1, 0, 2], [3, 5, 4, 5]], "other patches"),  # only the last patch known
            ([[1, 1, 0, 1], [3, 5, 5, 4]], "other patches"),  # only the third patch known
            ([[2, 0, 0, 2], [3, 5, 4, 4]], "rows taken for frames"),  # upper row known: rows taken for frames
            ([[1, 1, 0, 1], [4, 4, 5, 5]], "rows taken for frames"),  # lower row known: rows taken for frames
            ([[1, 0, 0, 2], [3, 4, 4, 5]], "other patches"),  # columns 1 and 3 known
            ([[1, 3], [1, 5], [0, 5], [2, 5]], "missing transpose"),  # transposed
            ([[3, 5, 5, 5], [1, 1, 0, 2]], "wrong places"),  # rows swapped
            ([[1, 1, 0, 2], [3, 5, 5, 4]], "off by 1"),  # one entry left noised
            ([[1, 1, 0, 0], [3, 5, 0, 0]], "known ones left empty"),  # known patches left empty
            ([[1, 1, 0, 3], [3, 5, 6, 6]], "noise taken from the known ones"),  # noise subtracted from the known ones
            ([[0, 2], [5, 5]], "other number of entries"),  # only frame 2
        ],
    ),
    "worksheet_counted_loss": Answers(
        right=[1.5, 6 / 4, np.float64(1.5)],
        wrong=[
            (0.75, "mean over all"),  # divided by 8, or halved
            (6, "sum"),  # sum, not mean
            (0.875, "everything counted"),  # mean over both frames
            (7 / 4, "all errors, divided by 4"),
            (0.25, "the other frame"),  # frame 2 instead of frame 1
            (1.0, "without squares"),  # not squared: mean of the sizes
            (-0.5, "without squares"),  # not squared: mean of the errors
            (3.0, "divided by the patches"),  # divided by 2 patches
            (6**0.5 / 2, "root taken"),
            (-1.0, "minus signs kept"),  # −1² = −1 and −2² = −4
            ([1, 1, 4, 0], "the squares"),  # the squares, no mean
            (5 / 4, None),  # one square forgotten
            (2.5, "one column"),  # mean of column 0 only
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
            (lambda t, known: np.where(known, 0.0, t[:, None, None, None]), "clean is 0"),  # known ones at 0
            # mask the wrong way round
            (lambda t, known: np.where(known, t[:, None, None, None], 1.0), "known ones at t"),
            # t for the known, 0 for the others
            (lambda t, known: np.where(known, t[:, None, None, None], 0.0), "t where known"),
            (lambda t, known: np.where(known, 1.0, t), "t along another axis"),  # t along the last axis
            # t along the rows: too few axes
            (lambda t, known: np.where(known, 1.0, t[:, None]), "t along another axis"),
            # t along the frames: an axis too few
            (lambda t, known: np.where(known, 1.0, t[:, None, None]), "t along another axis"),
            (lambda t, known: np.where(known, 1.0, t[0]), "first clip's t for all"),
            (lambda t, known: np.where(known, 1.0, t.mean()), "mean t for all"),
            # time counted as in the papers
            (lambda t, known: np.where(known, 1.0, 1 - t[:, None, None, None]), "time as in the papers"),
            (lambda t, known: t[:, None, None, None] + known, "1 added"),  # 1 + t where known
            (lambda t, known: t[:, None, None, None] * known, "t where known"),  # t where known, 0 elsewhere
            (lambda t, known: t[:, None, None, None] * ~known, "clean is 0"),  # 0 where known
            (lambda t, known: known.astype(float), "the mask itself"),  # the mask, t ignored
            # mask ignored
            (lambda t, known: np.broadcast_to(t[:, None, None, None], known.shape).copy(), "one time for all"),
            (lambda t, known: np.where(known.any(axis=(1, 2, 3)), 1.0, t), "a time for each clip"),  # one time per clip
            # an axis too many
            (lambda t, known: np.where(known[..., None], 1.0, t[:, None, None, None, None]), "axis of length 1"),
            # whole numbers
            (lambda t, known: np.where(known, 1, t[:, None, None, None]).astype(int), ("the mask itself", "cut off")),
            (lambda t, known: 1.0 if known else t, "raised an error"),  # if of an array
            (own_times_of_bools, ("1 everywhere", "something else in place")),  # written into an array of bools
            (own_times_mask_in_place, "changed its input"),  # changes the mask
            # return inside the loop
            (
                own_times_return_in_the_loop,
                ("uses a part of an input", "the rest is zero", "only some of them", "right only in part"),
            ),
            (own_times_whole_frames, "whole frames"),  # right for whole known frames only
            (lambda t, known: np.where(known[:1], 1.0, t[:, None, None, None]), "first clip's mask for all"),
        ],
    ),
    "noised_canvas_forward": Answers(
        right=[canvas_by_mask, canvas_by_times, canvas_loop],
        wrong=[
            (canvas_with(mix=lambda d, n, tau: (1 - tau) * d + tau * n), "data and noise swapped"),
            (canvas_with(mix=lambda d, n, tau: d + (1 - tau) * n), "noise on top"),  # data not scaled
            (canvas_with(mix=lambda d, n, tau: tau * d + n), "noise not scaled"),
            (canvas_with(mix=lambda d, n, tau: tau * d), "no noise"),
            (canvas_with(mix=lambda d, n, tau: tau * d - (1 - tau) * n), "noise subtracted"),
            # roots, as on a curved path
            (canvas_with(mix=lambda d, n, tau: tau**0.5 * d + (1 - tau) ** 0.5 * n), "square roots"),
            # known ones 0
            (canvas_with(mix=lambda d, n, tau: np.where(tau == 1, 0, tau * d + (1 - tau) * n)), "known ones left out"),
            # known ones noise
            (canvas_with(mix=lambda d, n, tau: np.where(tau == 1, n, tau * d + (1 - tau) * n)), "known ones are noise"),
            # known ones at time 0
            (canvas_with(own=lambda t, known: np.where(known, 0.0, t[:, None, None, None])), "known ones are noise"),
            # mask turned round
            (canvas_with(own=lambda t, known: np.where(known, t[:, None, None, None], 1.0)), "known ones noised"),
            (
                canvas_with(own=lambda t, known: t[:, None, None, None] + 0.0 * known),
                "everything noised",  # mask ignored: everything is noised
            ),
            (canvas_with(own=lambda t, known: np.where(known, 1.0, t[0])), "first clip's t for all"),
            # cache holds the mask
            (canvas_with(cache=lambda tau, known, t: (known[..., None].astype(float),)), "the cache holds the mask"),
            # cached time lacks the last axis
            (canvas_with(cache=lambda tau, known, t: (tau[..., 0],)), "cached time lacks an axis"),
            (canvas_with(cache=lambda tau, known, t: tau), "other structure"),  # cache is not a tuple
            (canvas_with(cache=lambda tau, known, t: (1 - tau,)), "the cache holds 1 − τ"),  # cache holds 1 − τ
            (canvas_with(cache=lambda tau, known, t: (t,)), "the cache holds t"),  # cache holds t
            (canvas_with(cache=lambda tau, known, t: (tau, 1 - tau)), "other structure"),  # cache holds two arrays
            (canvas_time_per_channel, "cached time for each channel"),  # cached time has C channels
            # no cache
            (lambda data, noise, t, known: canvas_by_times(data, noise, t, known)[0], "other number of results"),
            # order swapped
            (
                lambda data, noise, t, known: canvas_by_times(data, noise, t, known)[::-1],
                ("wrong order", "not an array"),
            ),
            (canvas_data_in_place, "changed its input"),  # changes data in place
            (canvas_noise_in_place, "changed its input"),  # changes noise in place
            (canvas_own_noise, "other numbers each time"),  # draws its own noise
        ],
    ),
    "counted_loss_forward": Answers(
        right=[counted_loss_by_clip, counted_loss_by_share, counted_loss_with()],
        wrong=[
            (counted_loss_with(share=lambda c: c / c.mean()), "one mean for the batch"),  # share of the whole batch
            (counted_loss_with(share=lambda c: c * 1.0), "mean over all"),  # not divided by the share
            (counted_loss_with(share=lambda c: c * c.mean(axis=(1, 2, 3), keepdims=True)), "multiplied by the share"),
            # divided by the count
            (counted_loss_with(share=lambda c: c / c.sum(axis=(1, 2, 3), keepdims=True)), "divided by a count"),
            (
                counted_loss_with(share=lambda c: ~c / (~c).mean(axis=(1, 2, 3), keepdims=True)),
                "the known ones counted",  # counts the wrong ones: mask turned round
            ),
            (counted_loss_with(share=lambda c: np.ones(c.shape)), "everything counted"),  # mask ignored
            (
                counted_loss_with(share=lambda c: 1 / np.broadcast_to(c.mean(axis=(1, 2, 3), keepdims=True), c.shape)),
                "everything counted, divided by the share",  # m forgotten: known ones count too
            ),
            (
                counted_loss_with(share=lambda c: c / (c.mean(axis=(1, 2, 3), keepdims=True) ** 2)),
                "share twice",  # divided by the share twice
            ),
            (counted_loss_with(share=lambda c: c / c[:1].mean()), "first clip's share for all"),
            (
                counted_loss_with(
                    share=lambda c: c / (c.sum(axis=(1, 2, 3), keepdims=True) / (c.shape[2] * c.shape[3]))
                ),
                "divided by a count",  # frames forgotten in the share
            ),
            (
                counted_loss_with(share=lambda c: c / np.maximum(c.mean(axis=(2, 3), keepdims=True), 0.1)),
                "share of each frame",  # share in each frame
            ),
            (counted_loss_with(loss=lambda m, d, c: (m * d**2).sum()), "sum instead of mean"),
            # weight squared in the loss
            (counted_loss_with(loss=lambda m, d, c: ((m * d) ** 2).mean()), "share twice"),
            (counted_loss_with(loss=lambda m, d, c: (m * abs(d)).mean()), "not squared"),
            (counted_loss_with(loss=lambda m, d, c: (m * d).mean()), "not squared"),  # errors cancel: not squared
            (counted_loss_with(loss=lambda m, d, c: 0.5 * (m * d**2).mean()), "halved"),
            (counted_loss_with(loss=lambda m, d, c: (m * d**2).mean() * d.shape[-1]), "too large"),  # channels summed
            # averages of the clips added up
            (counted_loss_with(loss=lambda m, d, c: (m * d**2).mean() * len(d)), "too large"),
            # mean over all that count in the batch
            (counted_loss_with(loss=lambda m, d, c: (d[c] ** 2).mean()), "one mean for the batch"),
            # loss without the share
            (counted_loss_with(loss=lambda m, d, c: (d[c] ** 2).sum() / d.size), "mean over all"),
            # cache without the share
            (counted_loss_with(cache=lambda m, d, c: (c[..., None] * d,)), "share forgotten in the cache"),
            (counted_loss_with(cache=lambda m, d, c: (m * d**2,)), "squared in the cache"),  # cache squared
            (counted_loss_with(cache=lambda m, d, c: (d,)), "no weights in the cache"),  # cache without weights
            (counted_loss_with(cache=lambda m, d, c: m * d), "other structure"),  # cache is not a tuple
            (counted_loss_with(difference=lambda p, t: t - p), "sign"),  # target − prediction in the cache
            (counted_loss_without_axis, "mask without the channels' axis"),  # no axis for the channels
            (counted_loss_in_place, "changed its input"),  # changes prediction in place
        ],
    ),
    "completing_step": Answers(
        right=[step_by_copies, step_by_where, step_moves_unknown],
        wrong=[
            (step_not_seen, "put back only afterwards"),  # network doesn't see the known latents
            (step_not_put_back, "put back only before"),  # known latents not put back
            (step_as_before, "never put back"),  # known latents ignored
            (step_mask_turned, "mask the wrong way round"),  # mask turned round
            (step_in_place, "changed its input"),  # puts the known latents into its input x
            (step_all_in_place, "changed its input"),  # changes x in place
            (step_into_known_latents, "changed its input"),  # writes into known_latents
            (step_asks_later, "asked at s"),  # asks at s
            (step_backwards, "backwards"),  # minus instead of plus
            (step_without_size, "a whole step"),  # no step size
            (step_by_s, "a step of s"),  # steps by s
            (step_noises_the_known, "known ones noised"),  # shows the network noised known latents
            (step_puts_x_back, "the old x put back"),  # puts back the old x instead of known_latents
            (step_without_axis, "mask without the channels' axis"),  # mask lacks the channels' axis
            (step_whole_frames, "whole frames"),  # right for whole known frames only
            (step_first_mask, "first clip's mask for all"),
            (step_only_if_all, None),  # right only if all or nothing is known
            (step_if_known, "raised an error"),  # if of an array
            (step_swaps_arguments, "raised an error"),  # calls velocity(t, x)
            (step_returns_velocity, "x left out"),  # x forgotten in the step
            (step_forgets_to_return, "returned nothing"),  # forgets to return
        ],
    ),
    "token_exists": Answers(
        right=[exist_by_ceil, exist_by_loops, exist_by(lambda n, frames, p: n < (frames + p - 1) // p)],
        wrong=[
            # <= : a token too many when frames fill tokens
            (exist_by(lambda n, frames, p: n * p <= frames), "one too many"),
            (exist_by(lambda n, frames, p: n < frames // p), "only whole tokens"),  # partly filled token left out
            (exist_by(lambda n, frames, p: (n + 1) * p <= frames), "only whole tokens"),  # only full tokens
            (exist_by(lambda n, frames, p: n < frames // p + 1), "one too many"),  # always one more than the full ones
            # rounds to the nearest
            (exist_by(lambda n, frames, p: n < np.round(frames / p)), "rounded to the nearest"),
            (exist_by(lambda n, frames, p: n * p >= frames), "the wrong way round"),  # True for the padding
            (exist_by(lambda n, frames, p: n < frames), "frames for tokens"),  # patch_frames ignored
            # patch_frames hard-coded as 4
            (
                exist_by(lambda n, frames, p: n * 4 < frames),
                ("ignores an input", "something else in place", "one for another", "mixes what belongs apart"),
            ),
            (exist_by(lambda n, frames, p: (n + 1) * p < frames), "tokens counted from 1"),
            (exist_by(lambda n, frames, p: (n * p < frames).T), "missing transpose"),  # transposed
            (exist_by(lambda n, frames, p: (n * p < frames)[:, ::-1]), "padding in front"),
            # 0 and 1 instead of False and True
            (exist_by(lambda n, frames, p: (n * p < frames).astype(int)), "another dtype than asked for"),
            (exist_by(lambda n, frames, p: (n * p < frames).sum(axis=1)), "number of tokens"),  # the number of tokens
            (exist_by(lambda n, frames, p: n * p < frames[0]), "first clip for all"),  # first clip's frames for all
            # longest clip's frames for all
            (exist_by(lambda n, frames, p: n * p < frames.max() + 0 * frames), "longest clip for all"),
            (lambda frames, tokens, p: np.arange(tokens) * p < frames, "raised an error"),  # frames not given an axis
            # frames instead of tokens
            (lambda frames, tokens, p: np.arange(tokens * p)[None] < frames[:, None], "frames, not tokens"),
            (lambda frames, tokens, p: np.ones((len(frames), tokens), bool), "all of them"),  # all exist
            # tokens for patch_frames
            (
                lambda frames, tokens, p: np.arange(tokens)[None] * tokens < frames[:, None],
                "as many as there are tokens",
            ),
            (exist_math_ceil, "raised an error"),  # math.ceil of an array
            (exist_if, "raised an error"),  # if of an array
            # return inside the loop
            (
                exist_return_in_the_loop,
                ("the rest is zero", "uses a part of an input", "only some of them", "right only in part"),
            ),
            (exist_frames_in_place, "changed its input"),  # changes frames in place
            # a token in a clip without frames
            (exist_by(lambda n, frames, p: n * p < np.maximum(frames, 1)), "a token without frames"),
        ],
    ),
    "counted_loss_backward": Answers(
        right=[
            loss_back_in_steps,
            loss_back_by(lambda d, w: 2 * d * w / w.size),
            loss_back_by(lambda d, w: np.multiply(w, 2.0 * d / np.prod(w.shape)).astype(w.dtype)),
        ],
        wrong=[
            (loss_back_by(lambda d, w: d * w / w.size), "2 forgotten"),  # the 2 is missing
            (loss_back_by(lambda d, w: 2 * d * w), "not divided"),  # not divided by N
            (loss_back_by(lambda d, w: 2 * w / w.size), "dloss forgotten"),  # ignores dloss
            (loss_back_by(lambda d, w: 2 * d * w / len(w)), "divided by the clips"),  # N is the number of clips only
            # N without the channels
            (loss_back_by(lambda d, w: 2 * d * w / (w.size // w.shape[-1])), "channels not counted"),
            # N counts only those that count
            (loss_back_by(lambda d, w: 2 * d * w / np.count_nonzero(w)), "divided by what counts"),
            (loss_back_by(lambda d, w: 2 * d * w / w[0].size), "divided by one clip"),  # N is the size of one clip
            (loss_back_by(lambda d, w: 2 * d * w**2 / w.size), "squared"),  # weighted squared
            (loss_back_by(lambda d, w: np.full_like(w, 2 * d / w.size)), "errors left out"),  # weighted forgotten
            (loss_back_by(lambda d, w: -2 * d * w / w.size), "sign"),  # wrong sign
            (loss_back_by(lambda d, w: 2 * d * w.mean()), "added up"),  # one number: the mean
            (loss_back_by(lambda d, w: d * w * w.size / 2), "upside down"),  # factor upside down
            (loss_back_by(lambda d, w: 4 * d * w / w.size), "2 twice"),  # the 2 twice
            (loss_back_by(lambda d, w: 2 * d * abs(w) / w.size), "sign lost"),  # sign of the error lost
            (loss_back_by(lambda d, w: d + 2 * w / w.size), "dloss added"),
            (loss_back_by(lambda d, w: d * (w != 0) * 2 / w.size), "the mask alone"),  # the mask instead of the error
            (loss_back_by(lambda d, w: 2 * d * w // w.size), "cut off"),  # // instead of /
            # dtarget too
            (loss_back_by(lambda d, w: (2 * d * w / w.size, -2 * d * w / w.size)), "other number of results"),
            (lambda d, cache: 2 * d * cache / cache.size, "raised an error"),  # the tuple isn't opened
            # prints instead of returning
            (lambda d, cache: print(2 * d * cache[0] / cache[0].size), "printed, not returned"),
            (loss_back_in_place, "changed its input"),  # changes the cache in place
        ],
    ),
    "noised_canvas_backward": Answers(
        right=[
            canvas_back_by_difference,
            canvas_back_by(),
            lambda dcanvas, cache: [np.multiply(cache[0], dcanvas), dcanvas - np.multiply(cache[0], dcanvas)],
        ],
        wrong=[
            (lambda d, cache: canvas_back_by()(d, cache)[::-1], "wrong order"),  # order swapped
            (canvas_back_by(lambda d, tau: d, lambda d, tau: d), "times forgotten"),  # factors forgotten
            # ignores dcanvas
            (canvas_back_by(lambda d, tau: tau + 0 * d, lambda d, tau: 1 - tau + 0 * d), "dcanvas left out"),
            (canvas_back_by(dnoise=lambda d, tau: -tau * d), "minus"),  # dnoise is −τ
            (canvas_back_by(dnoise=lambda d, tau: tau * d), "dnoise as ddata"),  # dnoise is τ, too
            (canvas_back_by(dnoise=lambda d, tau: (tau - 1) * d), "sign"),  # dnoise has the wrong sign
            (canvas_back_by(dnoise=lambda d, tau: d), "dnoise everywhere"),  # dnoise lacks its factor
            # dnoise masked but not scaled
            (
                canvas_back_by(dnoise=lambda d, tau: np.where(tau == 1, 0.0, d)),
                "dnoise is dcanvas where there is noise",
            ),
            (canvas_back_by(dnoise=lambda d, tau: np.zeros_like(d)), "no dnoise"),  # dnoise is zero everywhere
            (canvas_back_by(ddata=lambda d, tau: d), ("times forgotten", "unchanged input")),  # ddata lacks its factor
            # ddata only where known
            (
                canvas_back_by(ddata=lambda d, tau: np.where(tau == 1, d, 0.0)),
                ("times as a mask", "something else in place"),
            ),
            # ddata zero where known
            (canvas_back_by(ddata=lambda d, tau: np.where(tau == 1, 0.0, tau * d)), "known ones got none"),
            (canvas_back_by(ddata=lambda d, tau: tau**2 * d), "squared"),  # τ twice
            (canvas_back_by(ddata=lambda d, tau: d / tau), ("divided", "something else in place")),  # divided by τ
            # ddata summed over channels
            (canvas_back_by(ddata=lambda d, tau: (tau * d).sum(axis=-1)), "summed too much"),
            (
                canvas_back_by(
                    lambda d, tau: (tau * d).sum(axis=-1, keepdims=True),
                    lambda d, tau: ((1 - tau) * d).sum(axis=-1, keepdims=True),
                ),
                "summed too much",  # both summed to the shape of the time
            ),
            # axis removed
            (canvas_back_by(lambda d, tau: tau[..., 0] * d, lambda d, tau: (1 - tau[..., 0]) * d), "axis taken away"),
            (lambda d, cache: cache[0] * d, "other number of results"),  # dnoise missing
            (lambda d, cache: (cache * d, (1 - cache) * d), "raised an error"),  # the tuple isn't opened
            (canvas_back_in_place, "changed its input"),  # changes dcanvas in place
            (canvas_back_time_in_place, "changed its input"),  # changes the cached time
        ],
    ),
}
