"""Lesson 4: adding noise, which way time runs, and the two ways back."""

from functools import partial

import numpy as np

from minidit.course.exercise import Exercise, Numbers, Slip, at_random, by_hand
from minidit.worksheet import solve

# N = clips, T = tokens, C = channels

LESSON = 4
SHEET = solve()

STEP_4 = Numbers(
    "step_4_noised", LESSON, "the noised latent on the worksheet", lambda: SHEET.noised,
    lambda index: f"It is the latent's number there plus the noise's, both at row {index[0]}, column {index[1]}.",
    slips=(
        Slip(
            "subtracted the noise", lambda: SHEET.latent - SHEET.noise, "the noise was subtracted",
            "Step 4 adds it. Subtracting comes in step 12.",
        ),
        Slip(
            "clipped at zero", lambda: np.maximum(SHEET.noised, 0), "the negative numbers have become 0",
            "The ReLU was in step 3. A noised latent may be negative.",
        ),
        Slip(
            "t times the noise", lambda: SHEET.latent + 3 * SHEET.noise, "the noise was multiplied by t = 3",
            "The worksheet's noise is already of the size that belongs to t = 3.",
        ),
        Slip("the noise alone", lambda: SHEET.noise, "this is the noise alone", "Add the latent of step 3 to it."),
    ),
    minutes=3,
)  # fmt: skip


def per_sample(t, x):
    """Times (N,) in a form that multiplies x (N, ...)."""
    return t.reshape(-1, *[1] * (x.ndim - 1))


def three_axes(t):
    """Times (N,) in a form that multiplies x (N, T, C), but no x with more or fewer axes."""
    return t[:, None, None]


THREE_AXES = "it is right only for clips with three axes", "Any number of axes may follow N. t needs a 1 for each."


def noised(data, noise, t):
    """x_t = t · data + (1 - t) · noise."""
    t = per_sample(t, data)
    return t * data + (1 - t) * noise


def along_the_last_axis(data, noise, t):
    """What broadcasting does with times that were not reshaped, if it accepts them."""
    return t * data + (1 - t) * noise


def first_time_for_all(data, noise, t):
    """One time for the whole batch."""
    return t[0] * data + (1 - t[0]) * noise


CLIPS = np.array([[[2.0, 4.0], [6.0, 8.0]], [[1.0, 0.0], [0.0, 1.0]]])  # N = 2, T = 2, C = 2
GRAINS = np.array([[[0.0, 2.0], [-2.0, 0.0]], [[3.0, 1.0], [-1.0, -3.0]]])
TIMES = np.array([0.5, 0.0])  # halfway, and all noise


# Any number of axes may follow N, and in the last of these shapes unreshaped times broadcast without an error.
SIZES = ((3, 4, 2), (4, 3), (2, 3, 5, 4, 6), (5,), (3, 4, 3))


def clips_and_times(rng, size=SIZES[0]):
    """Data and noise of this size, and times (N,), none at an end."""
    return rng.normal(size=size), rng.normal(size=size), rng.uniform(0.1, 0.9, size[0])


def of_all_sizes(make):
    """Trials with random inputs of each of the SIZES: `make` takes a numpy Generator and a size."""
    return [at_random(partial(make, size=size)) for size in SIZES]


NOISED = Exercise(
    "noised", LESSON, "a clip at time t", ("x",), noised,
    trials=(by_hand(CLIPS, GRAINS, TIMES), *of_all_sizes(clips_and_times)),
    slips=(
        Slip(
            "data and noise swapped", lambda data, noise, t: noised(noise, data, t),
            "data and noise have changed places", "Here t = 1 is the clean clip: more t, less noise.",
        ),
        Slip(
            "times along the last axis", along_the_last_axis, "the times went along the last axis, not the first",
            "One time belongs to a whole clip. Give t as many axes as the clips have.",
        ),
        Slip(
            "one time for all", first_time_for_all, "every clip got the first clip's time",
            "Each clip of a batch has a time of its own.",
        ),
        Slip(
            "noise at full strength",
            lambda data, noise, t: per_sample(t, data) * data + noise,
            "the noise has its full strength at every t", "It has a weight too: 1 − t.",
        ),
        Slip(
            "data at full strength",
            lambda data, noise, t: data + (1 - per_sample(t, data)) * noise,
            "the data has its full strength at every t",
            "On paper it does. The model mixes the two, so that nothing of the clip is left at t = 0.",
        ),
        Slip(
            "square roots",
            lambda data, noise, t: np.sqrt(per_sample(t, data)) * data + np.sqrt(1 - per_sample(t, data)) * noise,
            "the amounts are square roots of t and 1 − t",
            "That is another path, which keeps the variance. Ours is the straight one.",
        ),
        Slip(
            "three axes only",
            lambda data, noise, t: three_axes(t) * data + (1 - three_axes(t)) * noise, *THREE_AXES,
        ),
    ),
    sizes=lambda data, noise, t: {"clips": len(t)},
    difficulty=1, minutes=8,
)  # fmt: skip


def noised_backward(dx, data, noise, t):
    """Gradients of `noised`."""
    t = per_sample(t, dx)
    return t * dx, (1 - t) * dx, (dx * (data - noise)).sum(axis=over(dx))


def over(x):
    """The axes of a clip: all but the first."""
    return tuple(range(1, x.ndim))


def with_dt(dt):
    """`noised_backward` with a different dt."""

    def wrong(dx, data, noise, t):
        ddata, dnoise, _ = noised_backward(dx, data, noise, t)
        return ddata, dnoise, dt(dx, data, noise)

    return wrong


def gradients_and_times(rng, size):
    """dx, and the forward's inputs."""
    return rng.normal(size=size), *clips_and_times(rng, size)


NOISED_BACKWARD = Exercise(
    "noised_backward", LESSON, "backward through the noising", ("ddata", "dnoise", "dt"), noised_backward,
    trials=(by_hand(np.ones((2, 2, 2)), CLIPS, GRAINS, TIMES), *of_all_sizes(gradients_and_times)),
    slips=(
        Slip(
            "passed on unweighed", lambda dx, data, noise, t: (dx, dx, noised_backward(dx, data, noise, t)[2]),
            "it is dx itself, as if data and noise had been added at full strength",
            "Each was multiplied by something in the forward. So is its gradient.",
        ),
        Slip(
            "dt of the data only", with_dt(lambda dx, data, noise: (dx * data).sum(axis=over(dx))),
            "t reached x through the data only", "t stands in the forward twice: also in 1 − t.",
        ),
        Slip(
            "dt not summed", with_dt(lambda dx, data, noise: dx * (data - noise)),
            "it was not summed over the clip", "One time served every number of its clip.",
        ),
        Slip(
            "dt summed over the batch", with_dt(lambda dx, data, noise: (dx * (data - noise)).sum()),
            "it was summed over the clips as well", "Each clip has a time of its own, and so a gradient of its own.",
        ),
        Slip(
            "sign of dt", with_dt(lambda dx, data, noise: (dx * (noise - data)).sum(axis=over(dx))),
            "its sign is wrong", "More t is more data and less noise.",
        ),
        Slip(
            "mean instead of sum", with_dt(lambda dx, data, noise: (dx * (data - noise)).mean(axis=over(dx))),
            "its values are means over the clip, not sums",
            "All numbers of a clip used the same time, so their contributions add up.",
        ),
    ),
    sizes=lambda dx, data, noise, t: {"numbers in a clip": dx[0].size},
    forward=noised, wrt=(0, 1, 2), difficulty=2, minutes=12,
)  # fmt: skip


def velocity(data, noise):
    """dx_t / dt."""
    return data - noise


VELOCITY = Exercise(
    "velocity", LESSON, "where x is going", ("v",), velocity,
    trials=(by_hand(CLIPS, GRAINS), *of_all_sizes(lambda rng, size: clips_and_times(rng, size)[:2])),
    slips=(
        Slip(
            "noise minus data", lambda data, noise: noise - data, "it points from the data to the noise",
            "Our time runs towards the data. (In papers where t counts noise, the sign is reversed.)",
        ),
        Slip("sum", lambda data, noise: data + noise, "it is the sum of the two", "Differentiate (1 − t) by t."),
        Slip(
            "the data alone", lambda data, noise: data, "it is the data alone", "What happens to the noise meanwhile?",
        ),
        Slip(
            "the noise alone", lambda data, noise: -noise, "the data is missing", "Both terms of x change with t.",
        ),
    ),
    minutes=4,
)  # fmt: skip


def data_and_noise(x, v, t):
    """The ends of the straight line that passes x at time t with velocity v."""
    t = per_sample(t, x)
    return x + (1 - t) * v, x - t * v


def on_a_line(rng, size):
    """x, v and t of random clips."""
    data, noise, t = clips_and_times(rng, size)
    return noised(data, noise, t), data - noise, t


DATA_AND_NOISE = Exercise(
    "data_and_noise", LESSON, "both ends of the line", ("data", "noise"), data_and_noise,
    trials=(by_hand(noised(CLIPS, GRAINS, TIMES), CLIPS - GRAINS, TIMES), *of_all_sizes(on_a_line)),
    slips=(
        Slip(
            "t and 1 − t swapped", lambda x, v, t: (x + per_sample(t, x) * v, x - (1 - per_sample(t, x)) * v),
            "t and 1 − t have changed places", "From time t, how far is it to t = 1, and how far back to t = 0?",
        ),
        Slip(
            "both forwards", lambda x, v, t: (x + (1 - per_sample(t, x)) * v, x + per_sample(t, x) * v),
            "it goes the wrong way", "The noise lies behind x: go against the velocity.",
        ),
        Slip(
            "a whole step", lambda x, v, t: (x + v, x - v), "it is a whole unit of time away from x",
            "x lies between the two: part of the way is behind it, and part is ahead.",
        ),
        Slip(
            "wrong way", lambda x, v, t: (x - (1 - per_sample(t, x)) * v, x + per_sample(t, x) * v),
            "it goes the wrong way", "The velocity points towards the data.",
        ),
        Slip(
            "three axes only", lambda x, v, t: (x + (1 - three_axes(t)) * v, x - three_axes(t) * v), *THREE_AXES,
        ),
    ),
    difficulty=2, minutes=8,
)  # fmt: skip

EXERCISES = (STEP_4, NOISED, VELOCITY, DATA_AND_NOISE, NOISED_BACKWARD)
