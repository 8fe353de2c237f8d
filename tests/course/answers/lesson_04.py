"""Lesson 4: answers as students write them."""

import numpy as np
from answers_of import Answers

LATENT, NOISE = np.array([[2, 0, 0, 2], [4, 4, 5, 5]]), np.array([[-1, 1, 0, -1], [-1, 1, -1, -1]])


def noised_by_loop(data, noise, t):
    x = np.zeros_like(data)
    for n in range(len(t)):
        x[n] = data[n] * t[n] + noise[n] * (1 - t[n])
    return x


def noised_by_velocity(data, noise, t):
    return noise + np.expand_dims(t, tuple(range(1, data.ndim))) * (data - noise)


def noised_three_axes(data, noise, t):
    return noise + t[:, None, None] * (data - noise)


def noised_swapped(data, noise, t):
    t = t[:, None, None]
    return (1 - t) * data + t * noise


def noised_not_reshaped(data, noise, t):
    return t * data + (1 - t) * noise


def noised_one_time(data, noise, t):
    x = []
    for clip, grain in zip(data, noise, strict=True):
        x.append(clip * t[0] + grain * (1 - t[0]))
    return np.array(x)


def noised_added(data, noise, t):
    return data + noise * (1 - t[:, None, None])


def noised_full_noise(data, noise, t):
    return noise + data * t[:, None, None]


def noised_roots(data, noise, t):
    t = t[:, None, None]
    return t**0.5 * data + (1 - t) ** 0.5 * noise


def velocity_by_difference(data, noise):
    at = [noised_by_velocity(data, noise, np.full(len(data), t)) for t in (0.25, 0.75)]
    return (at[1] - at[0]) / 0.5


def ends_by_two_equations(x, v, t):
    while t.ndim < x.ndim:
        t = t[..., None]
    noise = x - t * v
    return noise + v, noise


def ends_three_axes(x, v, t):
    t = t.reshape(-1, 1, 1)
    return x + (1 - t) * v, x - t * v


def ends_swapped_amounts(x, v, t):
    t = t[:, None, None]
    return x + t * v, x - v + t * v


def ends_both_forwards(x, v, t):
    t = t[:, None, None]
    return x + v - t * v, x + t * v


def ends_whole_step(x, v, t):
    return x + v, x - v


def ends_in_wrong_order(x, v, t):
    data, noise = ends_by_two_equations(x, v, t)
    return noise, data


def ends_backwards(x, v, t):
    t = t[:, None, None]
    return x - (1 - t) * v, x + t * v


def backward_by_loop(dx, data, noise, t):
    ddata, dnoise, dt = np.empty_like(dx), np.empty_like(dx), np.empty_like(t)
    for n in range(len(t)):
        ddata[n], dnoise[n] = t[n] * dx[n], dx[n] - t[n] * dx[n]
        dt[n] = np.vdot(dx[n], data[n]) - np.vdot(dx[n], noise[n])
    return ddata, dnoise, dt


def backward_unweighed(dx, data, noise, t):
    return dx, dx.copy(), backward_by_loop(dx, data, noise, t)[2]


def backward_data_only(dx, data, noise, t):
    t = t[:, None, None]
    return dx * t, dx * (1 - t), np.array([np.vdot(g, x) for g, x in zip(dx, data, strict=True)])


def backward_not_summed(dx, data, noise, t):
    t = t[:, None, None]
    return dx * t, dx * (1 - t), dx * data - dx * noise


def backward_over_batch(dx, data, noise, t):
    t = t[:, None, None]
    return dx * t, dx * (1 - t), np.sum(dx * (data - noise))


def backward_minus(dx, data, noise, t):
    ddata, dnoise, dt = backward_by_loop(dx, data, noise, t)
    return ddata, dnoise, -dt


def backward_mean(dx, data, noise, t):
    t = t[:, None, None]
    return dx * t, dx * (1 - t), np.mean(dx * (data - noise), axis=(1, 2))


def backward_three_axes(dx, data, noise, t):
    t = t[:, None, None]
    return dx * t, dx * (1 - t), np.sum(dx * (data - noise), axis=(1, 2))


def backward_swapped(dx, data, noise, t):
    ddata, dnoise, dt = backward_by_loop(dx, data, noise, t)
    return dnoise, ddata, dt


ANSWERS = {
    "step_4_noised": Answers(
        right=[np.array([[1, 1, 0, 1], [3, 5, 4, 4]]), [[1, 1, 0, 1], [3, 5, 4, 4]]],
        wrong=[
            (LATENT - NOISE, "subtracted the noise"),
            (LATENT + 3 * NOISE, "t times the noise"),
            (NOISE, "the noise alone"),
            ((LATENT + NOISE).T, "missing transpose"),
            ([[1, 1, 0, 1], [3, 5, 4, 5]], None),
        ],
    ),
    "noised": Answers(
        right=[noised_by_loop, noised_by_velocity],
        wrong=[
            (noised_swapped, "data and noise swapped"),
            (noised_not_reshaped, "times along the last axis"),
            (noised_one_time, "one time for all"),
            (noised_added, "data at full strength"),
            (noised_full_noise, "noise at full strength"),
            (noised_roots, "square roots"),
            (noised_three_axes, "three axes only"),
        ],
    ),
    "velocity": Answers(
        right=[velocity_by_difference],
        wrong=[
            (lambda data, noise: noise - data, "noise minus data"),
            (lambda data, noise: noise + data, "sum"),
            (lambda data, noise: data.copy(), "the data alone"),
            (lambda data, noise: -1 * noise, "the noise alone"),
        ],
    ),
    "data_and_noise": Answers(
        right=[ends_by_two_equations],
        wrong=[
            (ends_swapped_amounts, "t and 1 − t swapped"),
            (ends_both_forwards, "both forwards"),
            (ends_whole_step, "a whole step"),
            (ends_in_wrong_order, "wrong order"),
            (ends_backwards, "wrong way"),
            (ends_three_axes, "three axes only"),
        ],
    ),
    "noised_backward": Answers(
        right=[backward_by_loop],
        wrong=[
            (backward_unweighed, "passed on unweighed"),
            (backward_data_only, "dt of the data only"),
            (backward_not_summed, "dt not summed"),
            (backward_over_batch, "dt summed over the batch"),
            (backward_minus, "sign of dt"),
            (backward_mean, "mean instead of sum"),
            (backward_swapped, "wrong order"),
            (backward_three_axes, None),
        ],
    ),
}
