"""Lesson 12: answers as students write them."""

import numpy as np
from answers_of import Answers

LATENT = np.array([[2, 0, 0, 2], [4, 4, 5, 5]])
NOISED = np.array([[1, 1, 0, 1], [3, 5, 4, 4]])
NOISE = np.array([[-1, 1, 0, -1], [-1, 1, -1, -1]])
CONDITIONED = np.array([[1, 1, -1, 1], [2, 0, 1, 1]])
PREDICTED = np.array([[-2, 2, 0, 0], [-3, 1, -1, -1]])


def euler_by_both_ends(x, t, s, velocity):
    data, noise = x + (1 - t) * velocity, x - t * velocity
    return s * data + (1 - s) * noise


def euler_in_place(x, t, s, velocity):
    x = x.copy()
    x += velocity * (s - t)
    return x


def euler_backwards(x, t, s, velocity):
    return x - velocity * (s - t)


def euler_s(x, t, s, velocity):
    return x + velocity * s


def euler_no_length(x, t, s, velocity):
    return x + velocity


def euler_to_the_end(x, t, s, velocity):
    return x + velocity - t * velocity


def euler_the_way(x, t, s, velocity):
    return velocity * s - velocity * t


def euler_changes_x(x, t, s, velocity):
    x += (s - t) * velocity
    return x


def ddim_by_ratio(x, t, s, data):
    ratio = (1 - s) / (1 - t)
    return ratio * x + (s - t * ratio) * data


def ddim_by_euler(x, t, s, data):
    return x + (s - t) * (data - x) / (1 - t)


def ddim_x_is_noise(x, t, s, data):
    return data * s + x - x * s


def ddim_not_divided(x, t, s, data):
    noise = x - t * data
    return s * data + (1 - s) * noise


def ddim_stays(x, t, s, data):
    noise = (x - t * data) / (1 - t)
    return t * data + (1 - t) * noise


def ddim_swapped(x, t, s, data):
    noise = (x - t * data) / (1 - t)
    return (1 - s) * data + s * noise


def ddim_lands(x, t, s, data):
    return data.copy()


def ddim_divided_by_t(x, t, s, data):
    noise = (x - t * data) / t
    return s * data + (1 - s) * noise


def ddim_swapped_apart(x, t, s, data):
    noise = (x - (1 - t) * data) / t
    return s * data + (1 - s) * noise


def times_by_loop(steps, shift):
    times = []
    for k in range(steps + 1):
        t = k / steps
        times.append(t / (t + shift * (1 - t)))
    return np.array(times)


def times_by_noise(steps, shift):
    noise = np.linspace(1, 0, steps + 1)
    return 1 - shift * noise / (1 + (shift - 1) * noise)


def times_one_short(steps, shift):
    t = np.linspace(0, 1, steps)
    return t / (t + shift * (1 - t))


def times_arange(steps, shift):
    t = np.arange(0, steps) / steps
    return t / (t + shift * (1 - t))


def times_even(steps, shift):
    return np.arange(steps + 1) / steps


def times_papers(steps, shift):
    t = np.linspace(0, 1, steps + 1)
    return shift * t / (1 + (shift - 1) * t)


def times_down(steps, shift):
    t = np.linspace(1, 0, steps + 1)
    return t / (t + shift * (1 - t))


def times_power(steps, shift):
    return np.linspace(0, 1, steps + 1) ** shift


def times_listed(steps, shift):
    return list(times_by_loop(steps, shift))


def path_by_index(noise, times, velocity):
    x = noise.copy()
    for i in range(len(times) - 1):
        x += (times[i + 1] - times[i]) * velocity(x, times[i])
    return x


def path_recursive(noise, times, velocity):
    if len(times) == 1:
        return noise
    return path_recursive(noise + (times[1] - times[0]) * velocity(noise, times[0]), times[1:], velocity)


def path_at_s(noise, times, velocity):
    x = noise
    for i in range(1, len(times)):
        x = x + (times[i] - times[i - 1]) * velocity(x, times[i])
    return x


def path_asks_noise(noise, times, velocity):
    x = noise.copy()
    for t, step in zip(times[:-1], np.diff(times), strict=True):
        x = x + step * velocity(noise, t)
    return x


def path_stops_early(noise, times, velocity):
    x = noise
    for i in range(len(times) - 2):
        x = x + (times[i + 1] - times[i]) * velocity(x, times[i])
    return x


def path_starts_late(noise, times, velocity):
    x = noise
    for i in range(1, len(times) - 1):
        x = x + (times[i + 1] - times[i]) * velocity(x, times[i])
    return x


def path_no_length(noise, times, velocity):
    x = noise
    for t in times[:-1]:
        x = x + velocity(x, t)
    return x


def path_does_not_keep(noise, times, velocity):
    for t, s in zip(times[:-1], times[1:], strict=True):
        x = noise + (s - t) * velocity(noise, t)
    return x


def path_one_leap(noise, times, velocity):
    return noise + velocity(noise, times[0])


def path_changes_noise(noise, times, velocity):
    for t, s in zip(times[:-1], times[1:], strict=True):
        noise += (s - t) * velocity(noise, t)
    return noise


def guided_as_a_mix(conditional, unconditional, scale):
    return scale * conditional + (1 - scale) * unconditional


def guided_with_w(conditional, unconditional, scale):
    w = scale - 1
    return (1 + w) * conditional - w * unconditional


def guided_away(conditional, unconditional, scale):
    return unconditional - scale * (conditional - unconditional)


def guided_off_by_one(conditional, unconditional, scale):
    return (1 + scale) * conditional - scale * unconditional


def guided_swapped(conditional, unconditional, scale):
    return scale * unconditional + (1 - scale) * conditional


def guided_direction(conditional, unconditional, scale):
    return scale * conditional - scale * unconditional


def guided_answer_scaled(conditional, unconditional, scale):
    return unconditional + scale * conditional


def backward_by_steps(dy, conditional, unconditional, scale):
    direction = conditional - unconditional
    dscale = np.vdot(dy, direction)
    ddirection = dy * scale
    return ddirection, dy - ddirection, dscale


def backward_forgot_bracket(dy, conditional, unconditional, scale):
    dconditional, _, dscale = backward_by_steps(dy, conditional, unconditional, scale)
    return dconditional, dy * 1.0, dscale


def backward_bracket_only(dy, conditional, unconditional, scale):
    return scale * dy, -(scale * dy), (dy * (conditional - unconditional)).sum()


def backward_plus(dy, conditional, unconditional, scale):
    return scale * dy, dy + scale * dy, (dy * (conditional - unconditional)).sum()


def backward_no_scale(dy, conditional, unconditional, scale):
    return 1.0 * dy, (1 - scale) * dy, (dy * (conditional - unconditional)).sum()


def backward_scale_array(dy, conditional, unconditional, scale):
    return scale * dy, (1 - scale) * dy, dy * conditional - dy * unconditional


def backward_scale_mean(dy, conditional, unconditional, scale):
    return scale * dy, (1 - scale) * dy, np.mean(dy * (conditional - unconditional))


def backward_scale_half(dy, conditional, unconditional, scale):
    return scale * dy, (1 - scale) * dy, np.sum(dy * conditional)


def backward_wrong_order(dy, conditional, unconditional, scale):
    dconditional, dunconditional, dscale = backward_by_steps(dy, conditional, unconditional, scale)
    return dunconditional, dconditional, dscale


ANSWERS = {
    "step_12_denoised": Answers(
        right=[np.array([[3, -1, 0, 1], [6, 4, 5, 5]]), [[3, -1, 0, 1], [6, 4, 5, 5]]],
        wrong=[
            (CONDITIONED - PREDICTED, "from the conditioned latent"),
            (NOISED + PREDICTED, "added"),
            (NOISED - NOISE, "the actual noise"),
            (np.clip(NOISED - PREDICTED, 0, None), "clipped at zero"),
            (PREDICTED - NOISED, "the other way round"),
            ([[3, -1, 0, 1], [6, 4, 5, 4]], None),
        ],
    ),
    "step_12_left_over": Answers(
        right=[CONDITIONED - NOISED, [[0, 0, -1, 0], [-1, -5, -3, -3]]],
        wrong=[
            (CONDITIONED - NOISE, "the latent not subtracted"),
            (NOISED - CONDITIONED, "other sign"),
            (CONDITIONED - PREDICTED - LATENT, "the predicted noise"),
            (NOISED - NOISE - LATENT, "the good one"),
            (CONDITIONED - LATENT, "the noise forgotten"),
            ((CONDITIONED - NOISED).T, "missing transpose"),
        ],
    ),
    "euler_update": Answers(
        right=[euler_by_both_ends, euler_in_place],
        wrong=[
            (euler_backwards, "backwards"),
            (euler_s, "a step as long as s"),
            (euler_no_length, "a whole unit"),
            (euler_to_the_end, "all the way"),
            (euler_the_way, "x left out"),
            (euler_changes_x, "changed its input"),
        ],
    ),
    "ddim_update": Answers(
        right=[ddim_by_ratio, ddim_by_euler],
        wrong=[
            (ddim_x_is_noise, "x taken for the noise"),
            (ddim_not_divided, "not divided by 1 − t"),
            (ddim_stays, ("one time for both", "unchanged input")),
            (ddim_swapped, "amounts swapped"),
            (ddim_lands, "the data at once"),
            (ddim_divided_by_t, "divided by t"),
            (ddim_swapped_apart, "taken apart the wrong way round"),
        ],
    ),
    "shifted_times": Answers(
        right=[times_by_loop, times_by_noise],
        wrong=[
            (times_one_short, "one time short"),
            (times_arange, "end left out"),
            (times_even, "not shifted"),
            (times_papers, "shifted to the clean end"),
            (times_down, "downwards"),
            (times_power, "a power"),
            (times_listed, None),
        ],
    ),
    "sample_path": Answers(
        right=[path_by_index, path_recursive],
        wrong=[
            (path_at_s, "asked at the later time"),
            (path_asks_noise, "always asked about the noise"),
            (path_stops_early, "last step left out"),
            (path_starts_late, "first step left out"),
            (path_no_length, "whole units of time"),
            (path_does_not_keep, "every step from the noise"),
            (path_one_leap, "one step"),
            (path_changes_noise, "changed its input"),
        ],
    ),
    "classifier_free_guidance": Answers(
        right=[guided_as_a_mix, guided_with_w],
        wrong=[
            (guided_away, "the wrong one subtracted"),
            (guided_off_by_one, "scale off by one"),
            (guided_swapped, "swapped"),
            (guided_direction, "direction alone"),
            (guided_answer_scaled, "answer scaled"),
        ],
    ),
    "guidance_backward": Answers(
        right=[backward_by_steps],
        wrong=[
            (backward_forgot_bracket, "only one of two"),
            (backward_bracket_only, "only in the bracket"),
            (backward_plus, "sign of dunconditional"),
            (backward_no_scale, "forgot the scale"),
            (backward_scale_array, "dscale not summed"),
            (backward_scale_mean, "dscale a mean"),
            (backward_scale_half, "dscale of one answer"),
            (backward_wrong_order, "wrong order"),
        ],
    ),
}
