"""Answers to the exercises of lesson 16, as students write them."""

import numpy as np
from answers_of import Answers

CANVAS = [[1, 1, 0, 2], [3, 5, 5, 5]]

# ------------------------------------------------------------------------------------------- per_latent_time


def with_where(t, known):
    return np.where(known, 1.0, t.reshape(-1, 1, 1, 1))


def written_into(t, known):
    times = np.empty(known.shape, t.dtype)
    for b in range(len(t)):
        times[b] = t[b]
        times[b][known[b]] = 1
    return times


def as_a_mixture(t, known):
    return known * 1.0 + ~known * t[:, None, None, None]


def noised_are_known(t, known):
    times = np.ones(known.shape)
    for b in range(len(t)):
        times[b][known[b]] = t[b]
    return times


def like_the_papers(t, known):
    return t[:, None, None, None] * ~known


def only_the_clips(t, known):
    return t[:, None, None, None] * np.ones(known.shape)


def added_up(t, known):
    return t[:, None, None, None] + known * 1.0


def not_spread(t, known):
    return np.where(known, 1.0, t)


# ------------------------------------------------------------------------------- noised_canvas_forward


def by_where(data, noise, t, known):
    share = t[:, None, None, None, None]
    noised = share * data + (1 - share) * noise
    own = np.where(known, 1.0, t[:, None, None, None])[..., None]
    return np.where(known[..., None], data, noised), (own,)


def by_times(data, noise, t, known):
    own = np.where(known, 1.0, t[:, None, None, None])[..., None]
    return noise + own * (data - noise), (own,)


def in_loops(data, noise, t, known):
    canvas, own = np.empty_like(data), np.ones((*known.shape, 1))
    for index in np.ndindex(known.shape):
        if known[index]:
            canvas[index] = data[index]
        else:
            own[index] = t[index[0]]
            canvas[index] = t[index[0]] * data[index] + (1 - t[index[0]]) * noise[index]
    return canvas, (own,)


def as_in_lesson_4(data, noise, t, known):
    own = np.broadcast_to(t[:, None, None, None, None], (*known.shape, 1))
    return own * data + (1 - own) * noise, (own,)


def mask_misread(data, noise, t, known):
    return by_times(data, noise, t, ~known)


def other_direction(data, noise, t, known):
    _, (own,) = by_times(data, noise, t, known)
    return (1 - own) * data + own * noise, (own,)


def as_on_the_worksheet(data, noise, t, known):
    _, (own,) = by_times(data, noise, t, known)
    return data + (1 - own) * noise, (own,)


def known_dropped(data, noise, t, known):
    canvas, (own,) = by_times(data, noise, t, known)
    canvas[known] = 0
    return canvas, (own,)


def starts_as_noise(data, noise, t, known):
    _, cache = by_times(data, noise, t, known)
    return np.where(known[..., None], data, noise), cache


def mask_kept(data, noise, t, known):
    return by_times(data, noise, t, known)[0], (known[..., None],)


# ------------------------------------------------------------------------------ noised_canvas_backward


def subtracted(dcanvas, cache):
    ddata = dcanvas * cache[0]
    return ddata, dcanvas - ddata


def entry_by_entry(dcanvas, cache):
    (own,) = cache
    ddata, dnoise = np.empty_like(dcanvas), np.empty_like(dcanvas)
    for c in range(dcanvas.shape[-1]):
        ddata[..., c] = own[..., 0] * dcanvas[..., c]
        dnoise[..., c] = (1 - own[..., 0]) * dcanvas[..., c]
    return ddata, dnoise


def only_what_is_made(dcanvas, cache):
    made = cache[0] < 1
    return made * cache[0] * dcanvas, made * (1 - cache[0]) * dcanvas


def passed_on(dcanvas, cache):
    return 1 * dcanvas, 1 * dcanvas


def by_mask(dcanvas, cache):
    known = cache[0] == 1
    return np.where(known, dcanvas, 0), np.where(known, 0, dcanvas)


def noise_gets_all(dcanvas, cache):
    return dcanvas * cache[0], dcanvas + 0


def the_wrong_order(dcanvas, cache):
    return dcanvas * (1 - cache[0]), dcanvas * cache[0]


def minus_t(dcanvas, cache):
    return dcanvas * cache[0], dcanvas * -cache[0]


# -------------------------------------------------------------------------------- counted_loss_forward


def clip_by_clip(prediction, target, counted):
    losses, weighted = [], np.zeros_like(prediction)
    for b in range(len(prediction)):
        error = (prediction - target)[b][counted[b]]
        losses.append(np.mean(error**2))
        weighted[b][counted[b]] = error / counted[b].mean()
    return np.mean(losses), (weighted,)


def by_sums(prediction, target, counted):
    error = (prediction - target) * counted[..., None]
    many = counted.sum(axis=(1, 2, 3)) * prediction.shape[-1]
    loss = ((error**2).sum(axis=(1, 2, 3, 4)) / many).mean()
    share = counted.mean(axis=(1, 2, 3))
    return loss, (error / share[:, None, None, None, None],)


def mean_over_all(prediction, target, counted):
    error = np.where(counted[..., None], prediction - target, 0)
    return np.mean(error**2), (error,)


def whole_batch(prediction, target, counted):
    error = prediction - target
    return np.mean(error[counted] ** 2), (error * counted[..., None] / counted.mean(),)


def no_mask(prediction, target, counted):
    error = prediction - target
    return (error**2).mean(), (error,)


def counts_the_known(prediction, target, counted):
    error = (prediction - target) * ~counted[..., None]
    share = np.maximum((~counted).mean(axis=(1, 2, 3)), 1e-9)[:, None, None, None, None]
    return (error**2 / share).mean(), (error / share,)


def added_and_not_divided(prediction, target, counted):
    error = (prediction - target) * counted[..., None]
    return np.sum(error * error), (error,)


def plain_errors_kept(prediction, target, counted):
    loss, _ = by_sums(prediction, target, counted)
    return loss, ((prediction - target) * counted[..., None],)


def channels_not_counted(prediction, target, counted):
    loss, cache = by_sums(prediction, target, counted)
    return loss * prediction.shape[-1], cache


# ------------------------------------------------------------------------------- counted_loss_backward


def mean_at_the_end(dloss, cache):
    (weighted,) = cache
    return weighted * (2 * dloss) / np.prod(weighted.shape)


def over_what_counts(dloss, cache):
    (weighted,) = cache
    return 2 * weighted * dloss / (weighted != 0).sum()


def no_mean(dloss, cache):
    return 2 * dloss * cache[0]


def no_two(dloss, cache):
    return dloss * cache[0] / cache[0].size


def no_dloss(dloss, cache):
    return cache[0] * 2 / cache[0].size


def over_the_clips(dloss, cache):
    return 2 * dloss * cache[0] / cache[0].shape[0]


# ------------------------------------------------------------------------------------- completing_step


def with_copies(x, t, s, velocity, known_latents, known):
    x = x.copy()
    x[known] = known_latents[known]
    x = x + (s - t) * velocity(x, t)
    x[known] = known_latents[known]
    return x


def only_the_others_move(x, t, s, velocity, known_latents, known):
    x = np.where(known[..., None], known_latents, x)
    return x + (s - t) * velocity(x, t) * ~known[..., None]


def after_the_step(x, t, s, velocity, known_latents, known):
    x = x + (s - t) * velocity(x, t)
    return np.where(known[..., None], known_latents, x)


def before_the_step(x, t, s, velocity, known_latents, known):
    x = np.where(known[..., None], known_latents, x)
    return x + (s - t) * velocity(x, t)


def just_euler(x, t, s, velocity, known_latents, known):
    return x + (s - t) * velocity(x, t)


def where_misread(x, t, s, velocity, known_latents, known):
    x = np.where(known[..., None], x, known_latents)
    return np.where(known[..., None], x + (s - t) * velocity(x, t), known_latents)


def no_length(x, t, s, velocity, known_latents, known):
    x = np.where(known[..., None], known_latents, x)
    return np.where(known[..., None], known_latents, x + velocity(x, t))


def asked_too_late(x, t, s, velocity, known_latents, known):
    x = np.where(known[..., None], known_latents, x)
    return np.where(known[..., None], known_latents, x + (s - t) * velocity(x, s))


# ---------------------------------------------------------------------------------------- token_exists


def rounded_up(frames, tokens, patch_frames):
    return np.arange(tokens) < np.ceil(frames / patch_frames)[:, None]


def any_of_its_frames(frames, tokens, patch_frames):
    exists = np.arange(tokens * patch_frames) < frames[:, None]
    return exists.reshape(len(frames), tokens, patch_frames).any(axis=-1)


def all_of_its_frames(frames, tokens, patch_frames):
    exists = np.arange(tokens * patch_frames) < frames[:, None]
    return exists.reshape(len(frames), tokens, patch_frames).all(axis=-1)


def off_by_one(frames, tokens, patch_frames):
    return np.arange(tokens) <= (frames // patch_frames)[:, None]


def of_frames(frames, tokens, patch_frames):
    return np.arange(tokens) < frames[:, None]


def padding(frames, tokens, patch_frames):
    return np.arange(tokens) >= np.ceil(frames / patch_frames)[:, None]


def everything(frames, tokens, patch_frames):
    return np.full((len(frames), tokens), True)


ANSWERS = {
    "worksheet_canvas": Answers(
        right=[CANVAS, np.array(CANVAS, float)],
        wrong=[
            ([[1, 1, 0, 1], [3, 5, 4, 4]], "all noised"),
            ([[2, 0, 0, 1], [4, 4, 4, 4]], "the other frame"),
            ([[2, 0, 0, 2], [4, 4, 5, 5]], "all clean"),
            ([[-1, 1, 0, 2], [-1, 1, 5, 5]], "noise alone"),
        ],
    ),
    "worksheet_counted_loss": Answers(
        right=[1.5, 6 / 4],
        wrong=[
            (0.75, "mean over all"),
            (7 / 8, "everything counted"),
            (0.25, "the other frame"),
            (6, "sum"),
            (1.0, "without squares"),
        ],
    ),
    "per_latent_time": Answers(
        right=[with_where, written_into, as_a_mixture],
        wrong=[
            (noised_are_known, "known ones at t"),
            (like_the_papers, "clean is 0"),
            (only_the_clips, "one time for all"),
            (added_up, "1 added"),
            (not_spread, "t along another axis"),
        ],
    ),
    "noised_canvas_forward": Answers(
        right=[by_where, by_times, in_loops],
        wrong=[
            (as_in_lesson_4, "everything noised"),
            (mask_misread, "known ones noised"),
            (other_direction, "data and noise swapped"),
            (as_on_the_worksheet, "noise on top"),
            (known_dropped, "known ones left out"),
            (starts_as_noise, ("noise alone to be made", "left out")),
            (mask_kept, "the cache holds the mask"),
        ],
    ),
    "noised_canvas_backward": Answers(
        right=[subtracted, entry_by_entry],
        wrong=[
            (only_what_is_made, "known ones got none"),
            (passed_on, "times forgotten"),
            (by_mask, "times as a mask"),
            (noise_gets_all, "dnoise everywhere"),
            (the_wrong_order, "wrong order"),
            (minus_t, "minus"),
        ],
    ),
    "counted_loss_forward": Answers(
        right=[clip_by_clip, by_sums],
        wrong=[
            (mean_over_all, "mean over all"),
            (whole_batch, "one mean for the batch"),
            (no_mask, "everything counted"),
            (counts_the_known, "the known ones counted"),
            (added_and_not_divided, "sum instead of mean"),
            (plain_errors_kept, "share forgotten in the cache"),
            (channels_not_counted, "too large"),
        ],
    ),
    "counted_loss_backward": Answers(
        right=[mean_at_the_end],
        wrong=[
            (over_what_counts, "divided by what counts"),
            (no_mean, "not divided"),
            (no_two, "2 forgotten"),
            (no_dloss, "dloss forgotten"),
            (over_the_clips, "divided by the clips"),
        ],
    ),
    "completing_step": Answers(
        right=[with_copies, only_the_others_move],
        wrong=[
            (after_the_step, "put back only afterwards"),
            (before_the_step, "put back only before"),
            (just_euler, "never put back"),
            (where_misread, "mask the wrong way round"),
            (no_length, "a whole step"),
            (asked_too_late, "asked at s"),
        ],
    ),
    "token_exists": Answers(
        right=[rounded_up, any_of_its_frames],
        wrong=[
            (all_of_its_frames, "only whole tokens"),
            (off_by_one, "one too many"),
            (of_frames, "frames for tokens"),
            (padding, "the wrong way round"),
            (everything, "all of them"),
        ],
    ),
}
