"""Lesson 4: answers written from the lesson's text alone."""

import numpy as np
from answers_of import Answers


def wide(t, like):
    return t.reshape(-1, *[1] * (like.ndim - 1))


def noised_clip_by_clip(data, noise, t):
    return np.stack([t[i] * data[i] + (1 - t[i]) * noise[i] for i in range(len(t))])


def noised_from_the_noise(data, noise, t):
    while t.ndim < data.ndim:
        t = t[..., None]
    return noise + t * (data - noise)


def noised_transposed(data, noise, t):
    return (t * data.T + (1 - t) * noise.T).T


def noised_in_place(data, noise, t):
    t = wide(t, data)
    data *= t
    data += (1 - t) * noise
    return data


def noised_reshapes_t(data, noise, t):
    t.shape = (len(t), *[1] * (data.ndim - 1))
    return t * data + (1 - t) * noise


def noised_return_in_the_loop(data, noise, t):
    x = np.zeros_like(data)
    for n in range(len(t)):
        x[n] = t[n] * data[n] + (1 - t[n]) * noise[n]
        return x


def noised_own_noise(data, noise, t):
    t = wide(t, data)
    return t * data + (1 - t) * np.random.default_rng().normal(size=data.shape)


def noised_if(data, noise, t):
    if t == 0:
        return noise
    return wide(t, data) * data + (1 - wide(t, data)) * noise


def noised_three_or_less(data, noise, t):
    t = t[:, None] if data.ndim == 2 else t[:, None, None]
    return t * data + (1 - t) * noise


def noised_printed(data, noise, t):
    print(wide(t, data) * data + (1 - wide(t, data)) * noise)


def velocity_by_steps(data, noise):
    return (0.75 * data + 0.25 * noise - (0.25 * data + 0.75 * noise)) / 0.5


def velocity_in_place(data, noise):
    data -= noise
    return data


def velocity_needs_t(data, noise, t):
    return data - noise


def velocity_printed(data, noise):
    print(data - noise)


def ends_in_a_loop(x, v, t):
    data, noise = np.empty_like(x), np.empty_like(x)
    for n in range(x.shape[0]):
        data[n] = x[n] + (1 - t[n]) * v[n]
        noise[n] = x[n] - t[n] * v[n]
    return data, noise


def ends_noise_first(x, v, t):
    noise = x - wide(t, x) * v
    return noise + v, noise


def ends_in_place(x, v, t):
    t = wide(t, x)
    x += (1 - t) * v
    return x, x - v


def ends_scales_v(x, v, t):
    v *= wide(t, x)
    noise = x - v
    return noise + v, noise


def ends_divided(x, v, t):
    t = wide(t, x)
    data = x + (1 - t) * v
    return data, (x - t * data) / (1 - t)


def ends_by_division_by_t(x, v, t):
    t = wide(t, x)
    noise = x - t * v
    return (x - (1 - t) * noise) / t, noise


def ends_overwritten(x, v, t):
    t = wide(t, x)
    x = x + (1 - t) * v
    noise = x - t * v
    return x, noise


def ends(data, noise):
    """data_and_noise from two formulas of x, v and a t that fits."""
    return lambda x, v, t: (data(x, v, wide(t, x)), noise(x, v, wide(t, x)))


def back_in_a_loop(dx, data, noise, t):
    ddata, dnoise, dt = np.empty_like(data), np.empty_like(noise), np.empty_like(t)
    for n in range(len(t)):
        ddata[n] = dx[n] * t[n]
        dnoise[n] = dx[n] * (1 - t[n])
        dt[n] = np.sum(dx[n] * data[n]) - np.sum(dx[n] * noise[n])
    return ddata, dnoise, dt


def back_flat(dx, data, noise, t):
    N = len(t)
    dt = ((data - noise) * dx).reshape(N, -1).sum(axis=1)
    return wide(t, dx) * dx, dx - wide(t, dx) * dx, dt


def back_einsum(dx, data, noise, t):
    return (
        np.einsum("n...,n->n...", dx, t),
        np.einsum("n...,n->n...", dx, 1 - t),
        np.einsum("nk,nk->n", dx.reshape(len(t), -1), (data - noise).reshape(len(t), -1)),
    )


def back(change):
    """noised_backward with its right results changed by change(ddata, dnoise, dt, dx, data, noise, t)."""
    return lambda dx, data, noise, t: change(*back_flat(dx, data, noise, t), dx, data, noise, t)


def back_in_place(dx, data, noise, t):
    _, dnoise, dt = back_flat(dx, data, noise, t)
    dx *= wide(t, dx)
    return dx, dnoise, dt


def back_scaled_before_use(dx, data, noise, t):
    w = wide(t, dx)
    kept = w * data
    grain = (1 - w) * noise
    axes = tuple(range(1, dx.ndim))
    return w * dx, (1 - w) * dx, (dx * (kept - grain)).sum(axis=axes)


def back_return_in_the_loop(dx, data, noise, t):
    dt = np.zeros_like(t)
    for n in range(len(t)):
        dt[n] = (dx[n] * (data[n] - noise[n])).sum()
        return wide(t, dx) * dx, (1 - wide(t, dx)) * dx, dt


def back_two_axes(dx, data, noise, t):
    t = t[:, None, None]
    return t * dx, (1 - t) * dx, (dx * (data - noise)).sum(axis=(1, 2))


def back_first_axis_only(dx, data, noise, t):
    return wide(t, dx) * dx, (1 - wide(t, dx)) * dx, (dx * (data - noise)).sum(axis=1)


def back_squeezed(dx, data, noise, t):
    ddata, dnoise, _ = back_flat(dx, data, noise, t)
    dt = (dx * (data - noise)).sum(axis=tuple(range(1, dx.ndim)), keepdims=True)
    return ddata, dnoise, dt.squeeze()


def noised_percent(data, noise, t):
    share = np.round(wide(t, data), 1)
    return share * data + (1 - share) * noise


ANSWERS = {
    "step_4_noised": Answers(
        right=[[[1, 1, 0, 1], [3, 5, 4, 4]], np.array([[1, 1, 0, 1], [3, 5, 4, 4]])],
        wrong=[
            ([[3, -1, 0, 3], [5, 3, 6, 6]], "subtracted the noise"),
            ([[-1, 1, 0, -1], [-1, 1, -1, -1]], "the noise alone"),  # the noise itself
            ([[2, 0, 0, 2], [4, 4, 5, 5]], "the latent alone"),  # the latent itself
            ([[1, 1, 0, 1], [3, 5, 4, 6]], None),  # one sign overlooked in the last
            ([[1, 3], [1, 5], [0, 4], [1, 4]], "missing transpose"),  # transposed
            ([[3, 5, 4, 4], [1, 1, 0, 1]], "rows swapped"),
            ([[3, 1, 0, 3], [5, 5, 6, 6]], "the noise without its signs"),  # the noise's signs ignored
            ([[-2, 0, 0, -2], [-4, 4, -5, -5]], "multiplied instead of added"),  # multiplied in place of added
            ([[1, 1, 0, 1], [3, 5, 5, 4]], "off by 1"),  # one slip: 5 − 1 = 5
            ([[1, 1, 0, 1]], "first row only"),  # only the first row
            ([[1, 0, -2, 1], [3, 5, 4, 4]], "before the ReLU"),  # added to the numbers before the ReLU
        ],
    ),
    "noised": Answers(
        right=[
            noised_clip_by_clip,
            noised_from_the_noise,
            noised_transposed,
            lambda data, noise, t: np.einsum("n,n...->n...", t, data) + np.einsum("n,n...->n...", 1 - t, noise),
        ],
        wrong=[
            # t counts noise (swapped)
            (lambda data, noise, t: (1 - wide(t, data)) * data + wide(t, data) * noise, "data and noise swapped"),
            # t is not given further axes
            (lambda data, noise, t: t * data + (1 - t) * noise, "times along the last axis"),
            # one further axis only
            (lambda data, noise, t: t[:, None] * data + (1 - t[:, None]) * noise, "two axes only"),
            # two further axes only
            (lambda data, noise, t: t[:, None, None] * data + (1 - t[:, None, None]) * noise, "three axes only"),
            (
                lambda data, noise, t: t[:, None, None, None] * data + (1 - t[:, None, None, None]) * noise,
                "four axes only",  # three further axes only
            ),
            (noised_three_or_less, "raised an error"),  # one or two further axes only
            # the data is not scaled (the worksheet's way)
            (lambda data, noise, t: data + (1 - wide(t, data)) * noise, "data at full strength"),
            (lambda data, noise, t: wide(t, data) * data + noise, "noise at full strength"),  # the noise is not scaled
            (
                lambda data, noise, t: np.sqrt(wide(t, data)) * data + np.sqrt(1 - wide(t, data)) * noise,
                "square roots",  # square roots: the variance preserving path
            ),
            (noised_in_place, "changed its input"),  # changes data
            (noised_reshapes_t, "changed its input"),  # changes t's shape
            (noised_return_in_the_loop, "first clip only"),  # return inside the loop: the first clip only
            (noised_own_noise, "other numbers each time"),  # draws its own noise
            (noised_if, "raised an error"),  # if with an array
            (lambda data, noise, t: t[0] * data + (1 - t[0]) * noise, "one time for all"),  # the first t for all
            # the mean of t for all
            (lambda data, noise, t: t.mean() * data + (1 - t.mean()) * noise, "one time for all"),
            # minus in place of plus
            (lambda data, noise, t: wide(t, data) * data - (1 - wide(t, data)) * noise, "minus instead of plus"),
            # brackets missing around 1 − t
            (lambda data, noise, t: wide(t, data) * data + 1 - wide(t, data) * noise, "brackets missing"),
            # N = 2 hard-coded
            (lambda data, noise, t: t.reshape(2, 1, 1) * data + (1 - t.reshape(2, 1, 1)) * noise, "raised an error"),
            (noised_printed, "printed, not returned"),
            (noised_percent, "rounded times"),  # t rounded to one decimal
        ],
    ),
    "velocity": Answers(
        right=[lambda data, noise: -(noise - data), velocity_by_steps, lambda data, noise: np.subtract(data, noise)],
        wrong=[
            (lambda data, noise: noise - data, "noise minus data"),  # sign
            (lambda data, noise: data, "the data alone"),  # the second term forgotten
            (lambda data, noise: data + noise, "sum"),  # the minus of 1 − t forgotten
            (lambda data, noise: (data - noise) / 2, "constant factor"),  # halved
            (velocity_in_place, "changed its input"),  # changes data
            (lambda data, noise: abs(data - noise), "absolute value"),  # absolute value: a speed
            (lambda data, noise: (data - noise) / np.linalg.norm(data - noise), "scaled to length 1"),
            (velocity_needs_t, "other arguments"),  # wants t as a third argument
            (velocity_printed, "printed, not returned"),
            (lambda data, noise: (data - noise).mean(axis=0), "summed too much"),  # mean over the clips
            (lambda data, noise: data[0] - noise[0], "only some of them"),  # first clip only
            (lambda data, noise: np.clip(data - noise, -1, 1), "cut off"),  # cut off at ±1
            (lambda data, noise: data - noise.mean(axis=0), "mean of the batch"),  # the mean noise subtracted
            (lambda data, noise: 0 * data, "zero"),  # t doesn't appear, so taken as constant: derivative 0
            (lambda data, noise: -noise, "the noise alone"),  # the first term forgotten
            # negative velocities are dropped
            (lambda data, noise: np.where(data > noise, data - noise, 0), "negative numbers lost"),
        ],
    ),
    "data_and_noise": Answers(
        right=[
            ends_in_a_loop,
            ends_noise_first,
            ends(lambda x, v, t: x + v - t * v, lambda x, v, t: x - v * t),
            lambda x, v, t: [(x.T + (1 - t) * v.T).T, (x.T - t * v.T).T],
        ],
        wrong=[
            (ends(lambda x, v, t: x - t * v, lambda x, v, t: x + (1 - t) * v), "wrong order"),  # noise first
            # noise: added, not subtracted
            (ends(lambda x, v, t: x + (1 - t) * v, lambda x, v, t: x + t * v), "both forwards"),
            (ends(lambda x, v, t: x + v, lambda x, v, t: x - v), "a whole step"),  # the distance is forgotten
            # the two distances swapped
            (ends(lambda x, v, t: x + t * v, lambda x, v, t: x - (1 - t) * v), "t and 1 − t swapped"),
            (ends(lambda x, v, t: x - (1 - t) * v, lambda x, v, t: x - t * v), "wrong way"),  # data goes the wrong way
            (lambda x, v, t: (x + (1 - t) * v, x - t * v), "times along the last axis"),  # t is not given further axes
            (
                lambda x, v, t: (x + (1 - t[:, None, None]) * v, x - t[:, None, None] * v),
                "three axes only",  # two further axes only
            ),
            # the velocity in place of the noise
            (ends(lambda x, v, t: x + (1 - t) * v, lambda x, v, t: v), "unchanged input"),
            # divides x by its share
            (ends(lambda x, v, t: x / t, lambda x, v, t: x / (1 - t)), "divided by the weight"),
            (ends_divided, "divided by 1 − t"),  # divides by 1 − t: NaN at t = 1
            (ends_by_division_by_t, "divided by t"),  # divides by t: NaN at t = 0
            (ends_in_place, "changed its input"),  # changes x
            (ends_scales_v, "changed its input"),  # v *= t changes v, and then data is found with the changed v
            (ends_overwritten, "x overwritten"),  # x is overwritten before the noise is found
            (lambda x, v, t: x + (1 - wide(t, x)) * v, "other number of results"),  # only the data
            (lambda x, v, t: (x + (1 - t[0]) * v, x - t[0] * v), "one time for all"),  # the first t for all
            # data + v, not data − v
            (ends(lambda x, v, t: x + (1 - t) * v, lambda x, v, t: x + (1 - t) * v + v), "added instead of subtracted"),
            # brackets missing around 1 − t
            (ends(lambda x, v, t: x + 1 - t * v, lambda x, v, t: x - t * v), "brackets missing"),
        ],
    ),
    "noised_backward": Answers(
        right=[back_in_a_loop, back_flat, back_einsum],
        wrong=[
            (back(lambda dd, dn, dt, dx, d, n, t: (dd, dn)), "other number of results"),  # dt is missing
            (back(lambda dd, dn, dt, dx, d, n, t: (dd, dn, dx * (d - n))), "dt not summed"),  # dt is not summed
            # dt summed over the clips as well
            (back(lambda dd, dn, dt, dx, d, n, t: (dd, dn, dt.sum())), "dt summed over the batch"),
            (back_first_axis_only, "forgot to sum"),  # dt summed over one axis only
            (
                back(lambda dd, dn, dt, dx, d, n, t: (dd, dn, (dx * (d - n)).mean(axis=tuple(range(1, dx.ndim))))),
                "mean instead of sum",  # dt is a mean
            ),
            (back(lambda dd, dn, dt, dx, d, n, t: (dd, dn, -dt)), "sign of dt"),
            (
                back(lambda dd, dn, dt, dx, d, n, t: (dd, dn, (dx * d).sum(axis=tuple(range(1, dx.ndim))))),
                "dt of the data only",  # dt: only the data's part
            ),
            (
                back(lambda dd, dn, dt, dx, d, n, t: (dd, dn, (dx * (d + n)).sum(axis=tuple(range(1, dx.ndim))))),
                "sum instead of difference",  # dt: plus in place of minus
            ),
            (back(lambda dd, dn, dt, dx, d, n, t: (dx, dn, dt)), "passed on unweighed"),  # ddata is dx
            (back(lambda dd, dn, dt, dx, d, n, t: (dn, dd, dt)), "wrong order"),  # t and 1 − t swapped
            (
                back(lambda dd, dn, dt, dx, d, n, t: (dd, dn, (d - n).sum(axis=tuple(range(1, dx.ndim))))),
                "forgot dx",  # dt ignores dx
            ),
            (
                back(lambda dd, dn, dt, dx, d, n, t: (0 * dx + wide(t, dx), 0 * dx + 1 - wide(t, dx), dt)),
                "forgot dx",  # ddata and dnoise ignore dx
            ),
            # multiplied by data and noise as well
            (back(lambda dd, dn, dt, dx, d, n, t: (dd * d, dn * n, dt)), "times its own input"),
            (back(lambda dd, dn, dt, dx, d, n, t: (dd, -dn, dt)), "sign"),  # sign of dnoise
            (back(lambda dd, dn, dt, dx, d, n, t: (dt, dd, dn)), "wrong order"),  # dt first
            (back_in_place, "changed its input"),  # dx *= changes dx
            (back_scaled_before_use, "weights in dt"),  # dt from kept and grain in place of data and noise
            (back_return_in_the_loop, "the rest is zero"),  # return inside the loop: dt of the first clip only
            (back_two_axes, "raised an error"),  # two further axes only
            (
                lambda dx, data, noise, t: (t * dx, (1 - t) * dx, (dx * (data - noise)).sum(tuple(range(1, dx.ndim)))),
                "times along the last axis",  # t is not given further axes
            ),
            (
                back(
                    lambda dd, dn, dt, dx, d, n, t: (
                        dd,
                        dn,
                        (dx * (d - n)).sum(axis=tuple(range(1, dx.ndim)), keepdims=True),
                    )
                ),
                "axis of length 1",  # dt keeps axes of length 1
            ),
            # dt summed over axis 0
            (back(lambda dd, dn, dt, dx, d, n, t: (dd, dn, (dx * (d - n)).sum(axis=0))), "dt summed over the batch"),
            (back_squeezed, "squeezed"),  # squeeze: dt of a single clip loses its axis
        ],
    ),
}
