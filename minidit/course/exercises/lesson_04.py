"""Lesson 4: adding noise, which way time runs, and the two ways back."""

from functools import partial

import numpy as np

from minidit.course.exercise import Exercise, Numbers, Slip, by_hand, each_alone, for_each
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
            "t times the noise", lambda: SHEET.latent + 3 * SHEET.noise, "the noise was multiplied by t = 3",
            "The worksheet's noise is already of the size that belongs to t = 3.",
        ),
        Slip("the noise alone", lambda: SHEET.noise, "this is the noise alone", "Add the latent of step 3 to it."),
        Slip("the latent alone", lambda: SHEET.latent, "this is the latent alone", "Add the noise to it."),
        Slip(
            "the noise without its signs", lambda: SHEET.latent + abs(SHEET.noise), "the −1s were added as 1s",
            "Adding −1 makes a number smaller by one.",
        ),
        Slip(
            "mean of the two", lambda: SHEET.noised / 2, "it was divided by 2", "Only add: a mean comes nowhere in.",
        ),
        Slip(
            "only positive noise", lambda: SHEET.latent + np.maximum(SHEET.noise, 0), "the −1s were not added",
            "Adding −1 makes a number smaller by one.",
        ),
        Slip(
            "only negative noise", lambda: SHEET.latent + np.minimum(SHEET.noise, 0), "the 1s were not added",
            "Add the noise's number in every place.",
        ),
        Slip(
            "multiplied instead of added", lambda: SHEET.latent * SHEET.noise, "the two were multiplied", "Add them.",
        ),
        Slip(
            "before the ReLU", lambda: SHEET.encoder_before_relu + SHEET.noise,
            "the noise was added to the numbers before the ReLU", "The latent is what the ReLU gave in step 3.",
        ),
        Slip(
            "the patches", lambda: SHEET.patches[:2] + SHEET.noise, "the noise was added to pixels",
            "It is added to the latent of step 3.",
        ),
        Slip("rows swapped", lambda: SHEET.noised[::-1], "the two rows have changed places", "Keep the latent's rows."),
        Slip("first row only", lambda: SHEET.noised[:1], "the second row is missing", "The latent has two rows."),
    ),
    minutes=3,
)  # fmt: skip


def per_sample(t, x):
    """Times (N,) in a form that multiplies x (N, ...)."""
    return t.reshape(-1, *[1] * (x.ndim - 1))


def mixed(data, noise, t):
    """t · data + (1 - t) · noise, with a t that fits, or doesn't."""
    return t * data + (1 - t) * noise


def noised(data, noise, t):
    """x_t = t · data + (1 - t) · noise."""
    return mixed(data, noise, per_sample(t, data))


def rounded_times(t, x):
    """Times in tenths."""
    return np.round(per_sample(t, x), 1)


# What else becomes of the times (N,): slip, the times for an array, what to say
OTHER_TIMES = (
    (
        "times along the last axis", lambda t, x: t, "the times went along the last axis, not the first",
        "One time belongs to a whole clip. Give t as many axes as the clips have.",
    ),
    *(
        (
            f"{number} axes only", lambda t, x, ones=ones: t.reshape(-1, *[1] * ones),
            f"it is right only for clips with {number} axes", "Any number of axes may follow N. t needs a 1 for each.",
        )
        for ones, number in ((1, "two"), (2, "three"), (3, "four"))
    ),
    (
        "one time for all", lambda t, x: t[0], "every clip got the first clip's time",
        "Each clip of a batch has a time of its own.",
    ),
    (
        "one time for all", lambda t, x: t[-1], "every clip got the last clip's time",
        "Each clip of a batch has a time of its own.",
    ),
    (
        "one time for all", lambda t, x: t.mean(), "every clip got the mean of all times",
        "Each clip of a batch has a time of its own.",
    ),
    ("times in thousandths", lambda t, x: per_sample(t, x) / 1000, "t was divided by 1000", "Here t runs from 0 to 1."),
    ("rounded times", rounded_times, "the times were rounded to one decimal", "Take them as they are."),
    (
        "times in reverse", lambda t, x: per_sample(t[::-1], x), "the times are in reverse", "t[n] belongs to clip n.",
    ),
    (
        "times squared", lambda t, x: per_sample(t, x) ** 2, "the times were squared", "Take them as they are.",
    ),
)  # fmt: skip


def slips_of_times(wrong):
    """A slip for each of OTHER_TIMES: `wrong` takes a function of (t, x), in place of `per_sample`, and the inputs."""
    return tuple(Slip(name, partial(wrong, times), *says) for name, times, *says in OTHER_TIMES)


CLIPS = np.array([[[2.0, 4.0], [6.0, 8.0]], [[1.0, 0.0], [0.0, 1.0]]])  # N = 2, T = 2, C = 2
GRAINS = np.array([[[0.0, 2.0], [-2.0, 0.0]], [[3.0, 1.0], [-1.0, -3.0]]])
TIMES = np.array([0.5, 0.0])  # halfway, and all noise


# Any number of axes may follow N, and in the last of these shapes unreshaped times broadcast without an error.
SIZES = ((3, 4, 2), (4, 3), (3, 4, 2), (2, 3, 5, 4, 6), (5,), (3, 4, 3), (1, 4, 3), (1,), (3, 2, 4, 5))


def clips_and_times(rng, size=SIZES[0]):
    """Data and noise of this size, and times (N,), none at an end."""
    return 20 * rng.normal(size=size), 20 * rng.normal(size=size), rng.uniform(0.1, 0.9, size[0])


def of_all_sizes(make):
    """Trials with random inputs of each of the SIZES: `make` takes a numpy Generator and a size."""
    return for_each(SIZES, make)


def at_the_ends(make):
    """Trials whose first time is 0, and whose last is 1: `make` returns the times last."""

    def ends(rng, size):
        *others, t = make(rng, size)
        return *others, np.array([0.0, *t[1:-1], 1.0])

    return for_each(((3, 4, 2), (4, 3)), ends, "both ends")


WEIGHTS = "The weight of the data is t, that of the noise 1 − t."

NOISED = Exercise(
    "noised", LESSON, "a clip at time t", ("x",), noised,
    trials=(by_hand(CLIPS, GRAINS, TIMES), *of_all_sizes(clips_and_times), *at_the_ends(clips_and_times)),
    slips=(
        Slip(
            "data and noise swapped", lambda data, noise, t: noised(noise, data, t),
            "data and noise have changed places", "Here t = 1 is the clean clip: more t, less noise.",
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
            "minus instead of plus", lambda data, noise, t: noised(data, -noise, t),
            "the noise was subtracted", "It is added, with the weight 1 − t.",
        ),
        Slip(
            "brackets missing", lambda data, noise, t: per_sample(t, data) * data + 1 - per_sample(t, data) * noise,
            "it is t · data + 1 − t · noise", "1 − t needs brackets: products come first.",
        ),
        *(
            Slip(
                "another path",
                lambda data, noise, t, of=of, other=other: (
                    of(per_sample(t, data)) * data + other(per_sample(t, data)) * noise
                ),
                f"the weights are {called}", "That is another path. Ours is the straight one: t and 1 − t.",
            )
            for called, of, other in (
                ("t and √(1 − t²)", lambda t: t, lambda t: np.sqrt(1 - t * t)),
                ("sine and cosine", lambda t: np.sin(t * np.pi / 2), lambda t: np.cos(t * np.pi / 2)),
                ("cosine and sine", lambda t: np.cos(t * np.pi / 2), lambda t: np.sin(t * np.pi / 2)),
                ("t and √(1 − t)", lambda t: t, lambda t: np.sqrt(1 - t)),
            )
        ),
        Slip(
            "product", lambda data, noise, t: per_sample(t * (1 - t), data) * data * noise, "the two were multiplied",
            "Add them, each with its weight.",
        ),
        Slip(
            "one noise for all", lambda data, noise, t: noised(data, noise[:1], t),
            "all clips got the first one's noise",
            "Each clip has noise of its own.",
        ),
        Slip(
            "the nearer one", lambda data, noise, t: np.where(per_sample(t, data) > 0.5, data, noise),
            "it is either the data or the noise", "It is a mixture of both, at every t.",
        ),
        Slip(
            "t for both", lambda data, noise, t: per_sample(t, data) * (data + noise), "both were multiplied by t",
            "The weights are t and 1 − t: together always 1.",
        ),
        Slip(
            "one weight for both", lambda data, noise, t: (1 - per_sample(t, data)) * (data + noise),
            "both were multiplied by 1 − t", "The weights are t and 1 − t: together always 1.",
        ),
        Slip("added", lambda data, noise, t: data + noise, "data and noise were added, whatever t is", WEIGHTS),
        Slip("mean of the two", lambda data, noise, t: (data + noise) / 2, "it is the mean of the two", WEIGHTS),
        Slip(
            "the data alone", lambda data, noise, t: per_sample(t, data) * data, "the noise is missing", WEIGHTS,
        ),
        Slip(
            "first clip only", lambda data, noise, t: noised(data, noise, t) * per_sample(np.arange(len(t)) == 0, data),
            "only the first clip is there", "Is the `return` inside the loop?",
        ),
        *slips_of_times(lambda times, data, noise, t: mixed(data, noise, times(t, data))),
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


SQUEEZED = ("the axis of a single clip is gone", "squeeze() takes away every axis of length 1, also one that you need.")

SLOPE_OF_T = "The slope is data − noise; multiply it by what comes in, then sum."

NOISED_BACKWARD = Exercise(
    "noised_backward", LESSON, "backward through the noising", ("ddata", "dnoise", "dt"), noised_backward,
    trials=(
        by_hand(np.ones((2, 2, 2)), CLIPS, GRAINS, TIMES), *at_the_ends(gradients_and_times),
        *of_all_sizes(gradients_and_times),
    ),
    slips=(
        *each_alone(
            noised_backward,
            Slip(
                "passed on unweighed", lambda dx, data, noise, t: (dx, dx, noised_backward(dx, data, noise, t)[2]),
                "it is dx itself, as if data and noise had been added at full strength",
                "Each was multiplied by something in the forward. So is its gradient.",
            ),
            0, 1,
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
            "sum instead of difference", with_dt(lambda dx, data, noise: (dx * (data + noise)).sum(axis=over(dx))),
            "data and noise were added in it", "More t is more data and less noise: one of the two has a minus.",
        ),
        Slip(
            "forgot dx", with_dt(lambda dx, data, noise: (data - noise).sum(axis=over(dx))), "dx is missing in it",
            "The slope is data − noise; multiply it by what comes in, then sum.",
        ),
        *each_alone(
            noised_backward,
            Slip(
                "forgot dx",
                lambda dx, data, noise, t: (
                    0 * dx + per_sample(t, dx), 0 * dx + 1 - per_sample(t, dx), noised_backward(dx, data, noise, t)[2]
                ),
                "it is the slope alone, without dx", "The chain rule: what comes in times the slope.",
            ),
            0, 1,
        ),
        *each_alone(
            noised_backward,
            Slip(
                "times its own input",
                lambda dx, data, noise, t: (
                    per_sample(t, dx) * dx * data, (1 - per_sample(t, dx)) * dx * noise,
                    noised_backward(dx, data, noise, t)[2],
                ),
                "it was multiplied by the data as well", "The slope of t · data with respect to the data is t alone.",
            ),
            0, 1,
        ),
        Slip(
            "weights in dt",
            lambda dx, data, noise, t: (
                *noised_backward(dx, data, noise, t)[:2],
                (dx * (per_sample(t, dx) * data - (1 - per_sample(t, dx)) * noise)).sum(axis=over(dx)),
            ),
            "data and noise carry their weights in it", "The slope of t · data with respect to t is the data alone.",
        ),
        Slip(
            "product of sums",
            with_dt(lambda dx, data, noise: dx.sum(axis=over(dx)) * (data - noise).sum(axis=over(dx))),
            "it is a product of two sums", "Multiply number by number first, then sum.",
        ),
        Slip("forgot dx", with_dt(lambda dx, data, noise: data - noise), "dx is missing, and the sum", SLOPE_OF_T),
        *each_alone(
            noised_backward,
            Slip(
                "divided by the weight",
                lambda dx, data, noise, t: (
                    dx / per_sample(t, dx), dx / (1 - per_sample(t, dx)), noised_backward(dx, data, noise, t)[2]
                ),
                "it was divided by the weight", "The forward multiplied by it, and so does the backward.",
            ),
            0, 1,
        ),
        Slip(
            "one minus the other",
            lambda dx, data, noise, t: (
                per_sample(t, dx) * dx, 1 - per_sample(t, dx) * dx, noised_backward(dx, data, noise, t)[2]
            ),
            "it is 1 − ddata", "(1 − t) · dx needs its brackets.",
        ),
        Slip(
            "dt of x itself", with_dt(lambda dx, data, noise: dx.sum(axis=over(dx))), "it is dx, summed",
            "What was t multiplied by in the forward?",
        ),
        Slip(
            "dt summed over the batch", with_dt(lambda dx, data, noise: (dx * (data - noise)).sum(axis=0)),
            "it was summed over the clips, not over each clip", "Each clip has a time of its own: axis 0 stays.",
        ),
        Slip(
            "dt of the noise only", with_dt(lambda dx, data, noise: -(dx * noise).sum(axis=over(dx))),
            "t reached x through the noise only", "t stands in the forward twice: also before the data.",
        ),
        Slip(
            "squeezed", with_dt(lambda dx, data, noise: (dx * (data - noise)).sum(axis=over(dx)).squeeze()), *SQUEEZED,
        ),
        *slips_of_times(
            lambda times, dx, data, noise, t: (
                times(t, dx) * dx, (1 - times(t, dx)) * dx, noised_backward(dx, data, noise, t)[2]
            )
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
        Slip("zero", lambda data, noise: 0 * data, "it is zero", "t isn't in it, but x does change with t."),
        Slip(
            "scaled to length 1", lambda data, noise: (data - noise) / np.linalg.norm(data - noise),
            "it was divided by its length", "The velocity says how far, too: keep its length.",
        ),
        Slip(
            "cut off", lambda data, noise: np.clip(data - noise, -1, 1), "it was cut off at 1 and −1",
            "The velocity says how far, too: keep its length.",
        ),
        Slip(
            "only its sign", lambda data, noise: np.sign(data - noise), "it is only the sign",
            "The velocity says how far, too: keep its length.",
        ),
        Slip("product", lambda data, noise: data * noise, "the two were multiplied", "Differentiate both terms by t."),
        Slip("product", lambda data, noise: data / noise, "the two were divided", "Differentiate both terms by t."),
        Slip("one", lambda data, noise: np.ones_like(data), "it is 1 everywhere", "Differentiate t · data by t."),
        Slip(
            "one clip for all", lambda data, noise: data - noise[:1],
            "the first clip's noise was subtracted everywhere",
            "Each clip has noise of its own.",
        ),
        Slip(
            "one clip for all", lambda data, noise: data[:1] - noise, "the first clip's data was taken everywhere",
            "Each clip has data of its own.",
        ),
        Slip(
            "noise without its signs", lambda data, noise: data - abs(noise), "the noise was taken without its signs",
            "Subtract it as it is.",
        ),
        Slip(
            "mean of the batch", lambda data, noise: data - noise.mean(axis=0), "the mean of all noises was subtracted",
            "Each clip has noise of its own.",
        ),
        Slip(
            "mean of the batch", lambda data, noise: data - noise.mean(), "the mean of all noises was subtracted",
            "Each clip has noise of its own.",
        ),
        Slip(
            "the noise alone", lambda data, noise: noise, "it is the noise alone", "Both terms of x change with t.",
        ),
        Slip(
            "the noise alone", lambda data, noise: -noise, "the data is missing", "Both terms of x change with t.",
        ),
    ),
    minutes=4,
)  # fmt: skip


def ends(x, v, t):
    """`data_and_noise`, with a t that fits, or doesn't."""
    return x + (1 - t) * v, x - t * v


def data_and_noise(x, v, t):
    """The ends of the straight line that passes x at time t with velocity v."""
    return ends(x, v, per_sample(t, x))


def divided_by_what_is_left(x, v, t):
    """The noise as what x holds besides the data."""
    data, t = data_and_noise(x, v, t)[0], per_sample(t, x)
    return data, (x - t * data) / (1 - t)


def divided_by_the_time(x, v, t):
    """The data as what x holds besides the noise."""
    noise, t = data_and_noise(x, v, t)[1], per_sample(t, x)
    return (x - (1 - t) * noise) / t, noise


DISTANCE = "From x, go a distance of velocity times time: 1 − t ahead to the data, t back to the noise."


def with_noise(made):
    """`data_and_noise` with a different noise: `made` takes x, v, a t that fits, and the data."""

    def wrong(x, v, t):
        data, _ = data_and_noise(x, v, t)
        return data, made(x, v, per_sample(t, x), data)

    return wrong


NO_DIVISION = "Go along the line instead, from x with the velocity: that works at both ends."


def on_a_line(rng, size):
    """x, v and t of random clips."""
    data, noise, t = clips_and_times(rng, size)
    return noised(data, noise, t), data - noise, t


DATA_AND_NOISE = Exercise(
    "data_and_noise", LESSON, "both ends of the line", ("data", "noise"), data_and_noise,
    trials=(
        by_hand(noised(CLIPS, GRAINS, TIMES), CLIPS - GRAINS, TIMES), *of_all_sizes(on_a_line), *at_the_ends(on_a_line),
    ),
    slips=(
        *each_alone(
            data_and_noise,
            Slip(
                "t and 1 − t swapped", lambda x, v, t: (x + per_sample(t, x) * v, x - (1 - per_sample(t, x)) * v),
                "t and 1 − t have changed places", "From time t, how far is it to t = 1, and how far back to t = 0?",
            ),
            0, 1,
        ),
        Slip(
            "both forwards", lambda x, v, t: (x + (1 - per_sample(t, x)) * v, x + per_sample(t, x) * v),
            "it goes the wrong way", "The noise lies behind x: go against the velocity.",
        ),
        *each_alone(
            data_and_noise,
            Slip(
                "a whole step", lambda x, v, t: (x + v, x - v), "it is a whole unit of time away from x",
                "x lies between the two: part of the way is behind it, and part is ahead.",
            ),
            0, 1,
        ),
        *each_alone(
            data_and_noise,
            Slip(
                "wrong way", lambda x, v, t: (x - (1 - per_sample(t, x)) * v, x + per_sample(t, x) * v),
                "it goes the wrong way", "The velocity points towards the data.",
            ),
            0,
        ),
        Slip(
            "brackets missing", lambda x, v, t: (x + 1 - per_sample(t, x) * v, x - per_sample(t, x) * v),
            "it is x + 1 − t · v", "1 − t needs brackets: products come first.",
        ),
        Slip(
            "x overwritten", with_noise(lambda x, v, t, data: data - t * v),
            "it starts from the data, not from x", "Is x overwritten before the noise is found?",
        ),
        Slip(
            "added instead of subtracted", with_noise(lambda x, v, t, data: data + v),
            "it lies a whole unit of time beyond the data", "The noise is the data minus the velocity.",
        ),
        *(
            Slip(name, lambda x, v, t, of=of: (of(x, v, per_sample(t, x)), data_and_noise(x, v, t)[1]), says, DISTANCE)
            for name, of, says in (
                ("x was weighed", lambda x, v, t: t * x + (1 - t) * v, "x was multiplied by t"),
                ("x was weighed", lambda x, v, t: (1 - t) * x + v, "x was multiplied by 1 − t, not v"),
                ("x was weighed", lambda x, v, t: (1 - t) * x + t * v, "x was multiplied by 1 − t"),
                ("another distance", lambda x, v, t: x + (1 + t) * v, "it goes on for a time of 1 + t"),
                ("another distance", lambda x, v, t: x + (1 - t) ** 2 * v, "it goes on for a time of (1 − t)²"),
                ("another distance", lambda x, v, t: x + (1 - t) * v / 2, "it goes only half of the way"),
            )
        ),
        *(
            Slip(name, with_noise(lambda x, v, t, data, of=of: of(x, v, t)), says, DISTANCE)
            for name, of, says in (
                ("x was weighed", lambda x, v, t: (1 - t) * x - t * v, "x was multiplied by 1 − t"),
                ("x was weighed", lambda x, v, t: t * x - v, "x was multiplied by t, not v"),
                ("another distance", lambda x, v, t: x - t * t * v, "it goes back for a time of t²"),
                ("another distance", lambda x, v, t: x - t * v / 2, "it goes only half of the way"),
            )
        ),
        Slip(
            "noise from the data", with_noise(lambda x, v, t, data: v - x), "it is v − x",
            "From x, go back against the velocity, for a time of t.",
        ),
        *each_alone(
            data_and_noise,
            Slip(
                "divided by the weight", lambda x, v, t: (x / per_sample(t, x), x / (1 - per_sample(t, x))),
                "it is x divided by its weight", "x holds data and noise both. Go along the line instead.",
            ),
            0, 1,
        ),
        Slip("divided by 1 − t", divided_by_what_is_left, "it was divided by 1 − t, which is 0 at t = 1", NO_DIVISION),
        Slip("divided by t", divided_by_the_time, "it was divided by t, which is 0 at t = 0", NO_DIVISION),
        *each_alone(
            data_and_noise,
            Slip(
                "twice the distance", lambda x, v, t: ends(x, v, 2 * per_sample(t, x)), "it went too far",
                "From time t to 0 it takes t.",
            ),
            0, 1,
        ),
        *slips_of_times(lambda times, x, v, t: ends(x, v, times(t, x))),
    ),
    difficulty=2, minutes=8,
)  # fmt: skip

EXERCISES = (STEP_4, NOISED, VELOCITY, DATA_AND_NOISE, NOISED_BACKWARD)
