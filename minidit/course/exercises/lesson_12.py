"""Lesson 12: from noise to data, the two subtractions on the worksheet, the steps of a sampler, guidance."""

from functools import partial

import numpy as np

from minidit.course.exercise import Exercise, Numbers, Slip, at_random, by_hand, for_each
from minidit.diffusion.guidance import classifier_free_guidance
from minidit.diffusion.samplers import time_grid
from minidit.worksheet import solve

# N = clips or points, K = sampling steps

LESSON = 12
SHEET = solve()

# -------------------------------------------------------------------------------------- 12.1 and 12.2 by hand

def explain_denoised(index):
    """How to compute an entry."""
    twice = " Minus a minus is a plus." if SHEET.predicted[index] < 0 else ""
    return f"Take the noised latent's entry at {list(index)}, minus the predicted noise's.{twice}"


DENOISED = Numbers(
    "step_12_denoised", LESSON, "the denoised latent on the worksheet", lambda: SHEET.denoised,
    explain_denoised,
    slips=(
        Slip(
            "from the conditioned latent", lambda: SHEET.as_told, "it was subtracted from the conditioned latent",
            "Step 4 added noise to the latent itself. Where did that sum go?",
        ),
        Slip(
            "added", lambda: SHEET.noised + SHEET.predicted, "the noise was added once more",
            "Step 4 added it. Step 12 takes it away.",
        ),
        Slip(
            "the actual noise", lambda: SHEET.perfect_denoised, "it was the actual noise that was subtracted",
            "Nobody who makes a new clip knows that. Take what step 10 predicted.",
        ),
        Slip(
            "clipped at zero", lambda: np.maximum(SHEET.denoised, 0), "the negative numbers have become 0",
            "The next ReLU comes in step 13, after the decoder's weights.",
        ),
        Slip(
            "the other way round", lambda: SHEET.predicted - SHEET.noised, "the noised latent was subtracted",
            "It is the noised latent minus the noise.",
        ),
        Slip(
            "minus a minus", lambda: SHEET.noised - np.abs(SHEET.predicted), "the signs of the noise were left out",
            "Minus a minus is a plus: 1 − (−2) = 3.",
        ),
        Slip("not subtracted", lambda: SHEET.noised, "this is the noised latent itself", "Subtract the noise from it."),
        Slip(
            "the noise alone", lambda: SHEET.predicted, "this is the predicted noise itself",
            "Subtract it from the noised latent.",
        ),
        Slip("the true latent", lambda: SHEET.latent, "this is the latent of step 3",
             "The prediction was not perfect. Take it as it is."),
    ),
    minutes=3,
)  # fmt: skip

LEFT_OVER = Numbers(
    "step_12_left_over", LESSON, "what the other subtraction leaves behind",
    lambda: SHEET.perfect_as_told - SHEET.latent,
    lambda index: f"At {list(index)}: conditioned latent, minus actual noise, minus latent of step 3.",
    slips=(
        Slip(
            "the latent not subtracted", lambda: SHEET.perfect_as_told, "this is conditioned − noise itself",
            "How far is that from the latent of step 3? Subtract it as well.",
        ),
        Slip(
            "other sign", lambda: SHEET.latent - SHEET.perfect_as_told, "every sign is reversed",
            "Take what came out minus what should have come out.",
        ),
        Slip(
            "the predicted noise", lambda: SHEET.as_told - SHEET.latent, "it was the predicted noise",
            "Take the actual noise of step 4, as if the prediction were perfect.",
        ),
        Slip(
            "the good one", lambda: SHEET.perfect_denoised - SHEET.latent, "this is what noised − noise leaves over",
            "Start from the conditioned latent of step 7.",
        ),
        Slip(
            "the noise forgotten", lambda: SHEET.conditioned - SHEET.latent, "the noise was not subtracted",
            "It is conditioned latent minus noise minus latent.",
        ),
        Slip(
            "the noise added", lambda: SHEET.conditioned + SHEET.noise - SHEET.latent, "the noise was added",
            "It is conditioned latent minus noise minus latent.",
        ),
        Slip(
            "the latent alone", lambda: SHEET.latent, "this is the latent of step 3",
            "Subtract it from what came out: conditioned latent minus noise.",
        ),
        Slip(
            "the latent added", lambda: SHEET.perfect_as_told + SHEET.latent, "the latent was added",
            "How far is what came out from the latent? Subtract it.",
        ),
    ),
    difficulty=1, minutes=4,
)  # fmt: skip

# ------------------------------------------------------------------------------------------------ 12.3 Euler


def euler_update(x, t, s, velocity):
    """x at the later time s."""
    return x + (s - t) * velocity


POINTS = np.array([[2.0, -4.0], [0.0, 8.0], [6.0, 2.0]])  # N, 2
VELOCITIES = np.array([[4.0, 8.0], [-4.0, 0.0], [8.0, -8.0]])
SIZES = ((3, 4, 2), (5,), (1, 3), (2, 1, 4, 3, 5))  # of arrays whose axes play no part
ENDS = (0.0, None), (None, 1.0), (0.0, 1.0)  # the first and last time there are; None for any


def a_step(rng, size, t=None, s=None):
    """x, two times, and what the network says."""
    drawn = np.sort(rng.uniform(0.05, 0.95, 2)).tolist()
    t, s = (given if other is None else other for given, other in zip(drawn, (t, s), strict=True))
    return rng.normal(size=size), t, s, rng.normal(size=size)


STEPS = (
    *for_each(SIZES, a_step), at_random(lambda rng: a_step(rng, SIZES[0])),
    *for_each(ENDS, lambda rng, ends: a_step(rng, SIZES[0], *ends)),
)  # fmt: skip

EULER_UPDATE = Exercise(
    "euler_update", LESSON, "an Euler step", ("x_s",), euler_update,
    trials=(
        by_hand(POINTS, 0.25, 0.5, VELOCITIES), *STEPS,
    ),
    slips=(
        Slip(
            "backwards", lambda x, t, s, velocity: x + (t - s) * velocity, "it goes backwards in time",
            "The step leads from t to s, and s is the later one.",
        ),
        Slip(
            "a step as long as s", lambda x, t, s, velocity: x + s * velocity, "the step is s long",
            "The time up to t is behind us already. How long does it take from t to s?",
        ),
        Slip(
            "a step as long as t", lambda x, t, s, velocity: x + t * velocity, "the step is t long",
            "How long does it take from t to s?",
        ),
        Slip(
            "all the way", lambda x, t, s, velocity: x + (1 - t) * velocity, "it goes all the way to time 1",
            "That is where the velocity points. Here we stop at s, to ask again.",
        ),
        Slip(
            "a whole unit", lambda x, t, s, velocity: x + velocity, "it walks for a whole unit of time",
            "Distance is velocity times time, and the time is short.",
        ),
        Slip(
            "x left out", lambda x, t, s, velocity: (s - t) * velocity, "it is the way alone",
            "The way starts at x.",
        ),
        Slip(
            "to a share of the way", lambda x, t, s, velocity: x + (s - t) / (1 - t) * velocity,
            "the step is divided by 1 − t",
            "That belongs to a step towards the data. The velocity is per unit of time.",
        ),
        Slip(
            "half a step", lambda x, t, s, velocity: x + (s - t) * velocity / 2,
            "the step is half as long as it should be", "How long does it take from t to s?",
        ),
        Slip(
            "times added", lambda x, t, s, velocity: x + (s + t) * velocity, "the two times were added",
            "How long does it take from t to s?",
        ),
        Slip(
            "brackets forgotten", lambda x, t, s, velocity: x + s - t * velocity,
            "the brackets around s − t are missing",
            "Products come before differences: x + s - t * v is x + s − (t · v).",
        ),
        Slip(
            "velocity taken for the data", lambda x, t, s, velocity: x + (s - t) * (velocity - x),
            "it goes towards the velocity, as if that were a place", "The velocity is a direction: it is added.",
        ),
        Slip(
            "velocity taken for the data", lambda x, t, s, velocity: x + (s - t) / (1 - t) * (velocity - x),
            "it goes towards the velocity, as if that were a place", "The velocity is a direction: it is added.",
        ),
        Slip(
            "x scaled", lambda x, t, s, velocity: (s - t) * (x + velocity), "x was multiplied by the step, too",
            "The way starts at x: only the velocity is multiplied.",
        ),
        Slip(
            "rounded step", lambda x, t, s, velocity: x + round(s - t, 1) * velocity, "the step's length is rounded",
            "Keep all decimals of s − t.",
        ),
        Slip(
            "divided by the step", lambda x, t, s, velocity: x + velocity / (s - t),
            "the velocity was divided by s − t", "Distance is velocity times time.",
        ),
    ),
    minutes=4,
)  # fmt: skip

# ------------------------------------------------------------------------------------------------- 12.4 DDIM


def noise_in(x, t, data):
    """The noise that x holds at time t, if this is the data."""
    return (x - t * data) / (1 - t)


def ddim_update(x, t, s, data):
    """x at the later time s: take it apart, and mix it again."""
    return s * data + (1 - s) * noise_in(x, t, data)


def ddim_with(
    data_share=lambda t, s: s, noise_share=lambda t, s: 1 - s, held=lambda t, s: t, divisor=lambda t, s: 1 - t
):
    """`ddim_update` with another amount of data or noise, or x taken apart as if it held more or less of them."""
    return lambda x, t, s, data: (
        data_share(t, s) * data + noise_share(t, s) * (x - held(t, s) * data) / divisor(t, s)
    )  # fmt: skip


MIX = "x_s = s · data + (1 − s) · noise."
TAKE_APART = "Solve x = t · data + (1 − t) · noise for the noise."


DDIM_UPDATE = Exercise(
    "ddim_update", LESSON, "a DDIM step", ("x_s",), ddim_update,
    trials=(
        by_hand(POINTS, 0.5, 0.75, np.array([[4.0, 0.0], [2.0, 4.0], [-2.0, 6.0]])), *STEPS,
    ),
    slips=(
        Slip(
            "x taken for the noise", lambda x, t, s, data: s * data + (1 - s) * x,
            "x was mixed in, as if it were noise",
            "x holds data already, t of it. What is the noise in it?",
        ),
        Slip(
            "not divided by 1 − t", lambda x, t, s, data: s * data + (1 - s) * (x - t * data),
            "the noise is too small", "x − t · data is 1 − t times the noise.",
        ),
        Slip(
            "one time for both", lambda x, t, s, data: t * data + (1 - t) * noise_in(x, t, data),
            "it is x again, mixed as it was",
            "Take it apart for time t, and mix it in the amounts of the later time s.",
        ),
        Slip(
            "amounts swapped", lambda x, t, s, data: (1 - s) * data + s * noise_in(x, t, data),
            "data and noise have changed their amounts", "At s = 1 only data should be left.",
        ),
        Slip(
            "the data at once", lambda x, t, s, data: data + 0 * x, "it is the estimated data",
            "That would be the last step. Here noise is still left at s.",
        ),
        Slip(
            "divided by t", lambda x, t, s, data: s * data + (1 - s) * (x - t * data) / t,
            "the noise was divided by t", "How much of the noise does x hold at time t?",
        ),
        Slip(
            "taken apart the wrong way round", lambda x, t, s, data: s * data + (1 - s) * (x - (1 - t) * data) / t,
            "x was taken apart as if it held 1 − t of the data", "More t, more data: at t it holds t of it.",
        ),
        Slip(
            "data not taken out", lambda x, t, s, data: s * data + (1 - s) * x / (1 - t),
            "the noise still has data in it", "Subtract the data that x holds, t of it, before you divide.",
        ),
        Slip(
            "all the data taken out", lambda x, t, s, data: s * data + (1 - s) * (x - data) / (1 - t),
            "the whole data was taken out of x", "x holds t of the data: subtract that much.",
        ),
        Slip(
            "x − data for the noise", lambda x, t, s, data: s * data + (1 - s) * (x - data),
            "x − data was mixed in as the noise", "Solve x = t · data + (1 − t) · noise for the noise.",
        ),
        Slip(
            "data added", lambda x, t, s, data: s * data + (1 - s) * (x + t * data) / (1 - t),
            "the data was added to x, to find the noise", "Subtract what x holds of it.",
        ),
        Slip(
            "noise not taken away", lambda x, t, s, data: s * data + (1 - t) * noise_in(x, t, data),
            "there is as much noise in it as at t: only data was added",
            "At the later time s, 1 − s of the noise is left.",
        ),
        Slip(
            "data as much as at t", lambda x, t, s, data: t * data + (1 - s) * noise_in(x, t, data),
            "there is as much data in it as at t", "At the later time s there is s of it.",
        ),
        Slip(
            "the noise alone", lambda x, t, s, data: noise_in(x, t, data), "it is the noise in x",
            "Mix it again with the data, in the amounts of s.",
        ),
        Slip(
            "x in place of the data", lambda x, t, s, data: s * x + (1 - s) * noise_in(x, t, data),
            "x was mixed with the noise, not the data", "x_s = s · data + (1 − s) · noise.",
        ),
        Slip(
            "only the data divided", lambda x, t, s, data: s * data + (1 - s) * (x - t * data / (1 - t)),
            "only the data was divided by 1 − t", "(x - t * data) / (1 - t): the brackets matter.",
        ),
        Slip(
            "square roots",
            lambda x, t, s, data: s**0.5 * data + (1 - s) ** 0.5 * (x - t**0.5 * data) / (1 - t) ** 0.5,
            "the amounts are square roots of the times and of 1 − the times",
            "That is another path, which keeps the variance. Ours is the straight one.",
        ),
        Slip(
            "velocity not divided", lambda x, t, s, data: x + (s - t) * (data - x),
            "it goes s − t of the way from x to the data", "All of that way takes 1 − t: divide by it.",
        ),
        Slip(
            "velocity divided by 1 − s", lambda x, t, s, data: x + (s - t) / (1 - s) * (data - x),
            "the way from x to the data was divided by 1 − s", "x is at t, so all of that way takes 1 − t.",
        ),
        Slip(
            "velocity divided by t", lambda x, t, s, data: x + (s - t) / t * (data - x),
            "the way from x to the data was divided by t", "x is at t, so all of that way takes 1 − t.",
        ),
        Slip(
            "backwards", lambda x, t, s, data: x + (t - s) / (1 - t) * (data - x), "it goes backwards in time",
            "The step leads from t to s, and s is the later one.",
        ),
        *(
            Slip("another amount of data", ddim_with(data_share=share), f"the amount of data in it is {text}", MIX)
            for share, text in (
                (lambda t, s: 1, "1"), (lambda t, s: 0, "0"), (lambda t, s: 1 - s, "1 − s"),
                (lambda t, s: s - t, "s − t"), (lambda t, s: 1 - t, "1 − t"), (lambda t, s: -s, "−s"),
            )
        ),
        *(
            Slip("another amount of noise", ddim_with(noise_share=share), f"the amount of noise in it is {text}", MIX)
            for share, text in (
                (lambda t, s: 1, "1"), (lambda t, s: 0, "0"), (lambda t, s: s, "s"), (lambda t, s: t, "t"),
                (lambda t, s: s - t, "s − t"), (lambda t, s: s - 1, "s − 1"), (lambda t, s: 1 + s, "1 + s"),
            )
        ),
        *(
            Slip("x taken apart differently", ddim_with(held=held), f"{text} · data was taken out of x", TAKE_APART)
            for held, text in ((lambda t, s: s, "s"), (lambda t, s: 1 - t, "(1 − t)"))
        ),
        *(
            Slip("another divisor", ddim_with(divisor=divisor), f"the noise was divided by {text}", TAKE_APART)
            for divisor, text in (
                (lambda t, s: s, "s"), (lambda t, s: 1 + t, "1 + t"), (lambda t, s: s - t, "s − t"),
                (lambda t, s: 1 / (1 - t), "1 / (1 − t), that is, multiplied by 1 − t"),
            )
        ),
        Slip("the way alone", lambda x, t, s, data: (s - t) / (1 - t) * (data - x), "it is the way alone",
             "The way starts at x."),
    ),
    difficulty=2, minutes=8,
)  # fmt: skip

# ---------------------------------------------------------------------------------------- 12.5 the time grid


def shifted_times(steps, shift):
    """K + 1 times from 0 to 1, closer together where it is noisy."""
    return time_grid(steps, shift)


def even_times(steps):
    """K + 1 times, evenly."""
    return np.linspace(0.0, 1.0, steps + 1)


def one_time_short(steps, shift):
    """Only as many times as steps."""
    even = np.linspace(0.0, 1.0, steps)
    return even / (even + shift * (1 - even))


def end_left_out(steps, shift):
    """As many times as steps, the last below 1."""
    even = np.arange(steps) / steps
    return even / (even + shift * (1 - even))


def moved(even, shift):
    """The formula, for any numbers in place of even times."""
    return even / (even + shift * (1 - even))


FORMULA = "Write t / (t + shift · (1 − t))."

SHIFTED_TIMES = Exercise(
    "shifted_times", LESSON, "the times of a sampler", ("times",), shifted_times,
    trials=(
        by_hand(2, 3.0), by_hand(4, 1.0), by_hand(2, 0.5), by_hand(1, 3.0),
        at_random(lambda rng: (int(rng.integers(5, 12)), rng.uniform(1.2, 4))),
        at_random(lambda rng: (int(rng.integers(5, 12)), rng.uniform(0.2, 0.8))),
    ),
    slips=(
        Slip(
            "one time short", one_time_short, "there is one time too few",
            "A step leads from one time to the next: K steps have K + 1 times, as a fence has one more post than gaps.",
        ),
        Slip(
            "end left out", end_left_out, "the time 1 is missing", "The last step has to arrive at 1.",
        ),
        Slip(
            "one time too many", lambda steps, shift: time_grid(steps + 1, shift), "there is one time too many",
            "K steps have K + 1 times.",
        ),
        Slip(
            "not shifted", lambda steps, shift: even_times(steps), "the times are even: the shift does nothing",
            "Each even time t moves to t / (t + shift · (1 − t)).",
        ),
        Slip(
            "shifted to the clean end", lambda steps, shift: time_grid(steps, 1 / shift),
            "the times are closer together where it is clean",
            "A shift of 3 moves 1/2 down to 1/4. In the papers t counts noise, and the shift stands elsewhere.",
        ),
        Slip(
            "downwards", lambda steps, shift: time_grid(steps, shift)[::-1], "they run downwards",
            "Here time runs from 0, the noise, to 1, the data.",
        ),
        Slip(
            "a power", lambda steps, shift: even_times(steps) ** shift, "it is a power of the even times",
            "Write t / (t + shift · (1 − t)).",
        ),
        Slip(
            "beginning left out", lambda steps, shift: time_grid(steps, shift)[1:], "the time 0 is missing",
            "The first step leads away from 0.",
        ),
        Slip(
            "end not reached", lambda steps, shift: moved(np.arange(steps + 1) / (steps + 1), shift),
            "the times end before 1", "The last time is 1: K steps of the length 1/K before the shift.",
        ),
        Slip(
            "whole numbers shifted", lambda steps, shift: moved(np.arange(steps + 1), shift),
            "the times ran from 0 to the number of steps before the shift", "Divide by the number of steps first.",
        ),
        Slip(
            "cut off", lambda steps, shift: np.floor(even_times(steps)), "all before the last are 0",
            "`//` cuts off what comes after the point. / keeps it.",
        ),
        Slip(
            "only the first", lambda steps, shift: time_grid(steps, shift)[:1], "it is only the first time",
            "Does the loop reach them all? Is the `return` inside it?",
        ),
        Slip(
            "lengths of the steps", lambda steps, shift: np.diff(time_grid(steps, shift)),
            "these are the steps from one time to the next", "Return the times themselves, K + 1 of them.",
        ),
        Slip(
            "one minus the times", lambda steps, shift: 1 - time_grid(steps, shift), "it is one minus each time",
            "Here time runs from 0, the noise, to 1, the data.",
        ),
        Slip(
            "1 in place of t", lambda steps, shift: even_times(steps) / (1 + shift * (1 - even_times(steps))),
            "the denominator begins with 1, not with t", "Write t / (t + shift · (1 − t)).",
        ),
        Slip(
            "shift before t",
            lambda steps, shift: even_times(steps) / (1 - even_times(steps) + shift * even_times(steps)),
            "the shift multiplies t in the denominator, not 1 − t", "Write t / (t + shift · (1 − t)).",
        ),
        Slip(
            "divided by the shift", lambda steps, shift: even_times(steps) / shift,
            "it is the even times divided by the shift",
            "t + shift * 1 - t is the shift alone: 1 − t needs brackets.",
        ),
        Slip(
            "brackets of the denominator", lambda steps, shift: (
                even_times(steps) / even_times(steps) + shift * (1 - even_times(steps))
            ),
            "only t stands below the line", "t / t + … divides by the first t alone: t / (t + …).",
        ),
        Slip(
            "times the shift", lambda steps, shift: even_times(steps) * shift, "it is the even times times the shift",
            "Write t / (t + shift · (1 − t)).",
        ),
        Slip(
            "a power", lambda steps, shift: even_times(steps) ** (1 / shift), "it is a root of the even times",
            "Write t / (t + shift · (1 − t)).",
        ),
        *(
            Slip("another formula", lambda steps, shift, form=form: form(even_times(steps), shift), says, FORMULA)
            for form, says in (
                (lambda t, shift: t / ((t + shift) * (1 - t)), "it is t / ((t + shift) · (1 − t))"),
                (lambda t, shift: t / (t + shift), "it is t / (t + shift)"),
                (lambda t, shift: t / (t + shift + (1 - t)), "the shift was added below the line, not multiplied"),
                (lambda t, shift: t / (t + shift * (1 + t)), "1 + t stands below the line, not 1 − t"),
                (lambda t, shift: shift * t / (t + shift * (1 - t)), "the shift multiplies t above the line, too"),
                (lambda t, shift: t / (1 + shift), "it is t / (1 + shift)"),
                (lambda t, shift: t * (t + shift * (1 - t)), "it is multiplied by t + shift · (1 − t)"),
                (lambda t, shift: (1 - t) / (t + shift * (1 - t)), "1 − t stands above the line"),
            )
        ),
        Slip(
            "t left out below", lambda steps, shift: even_times(steps) / (shift * (1 - even_times(steps))),
            "t is missing below the line", "Write t / (t + shift · (1 − t)).",
        ),
        Slip(
            "minus below", lambda steps, shift: moved(even_times(steps), -shift),
            "there is a minus below the line", "Write t / (t + shift · (1 − t)).",
        ),
        *(
            Slip(
                "another count", lambda steps, shift, count=count: moved(np.linspace(0, 1, count(steps)), shift), says,
                "np.linspace(0, 1, …) counts the ends: K steps have K + 1 of them.",
            )
            for count, says in (
                (lambda steps: steps - 1, "there are two times too few"),
                (lambda steps: steps + 3, "there are two times too many"),
                (lambda steps: 50, "there are always 50 times, as np.linspace makes unless it is told how many"),
                (lambda steps: 2 * steps, "there are 2 · K times"),
                (lambda steps: 2 * steps + 1, "there are 2 · K + 1 times"),
            )
        ),
        Slip(
            "no shift below 1", lambda steps, shift: time_grid(steps, max(shift, 1)), "a shift below 1 does nothing",
            "Any shift above 0 moves the times: one below 1 to the clean end.",
        ),
        Slip(
            "shift cut off", lambda steps, shift: time_grid(steps, float(int(shift))),
            "the shift was cut to a whole number", "A shift may have decimals.",
        ),
    ),
    sizes=lambda steps, shift: {"steps": steps},
    difficulty=2, minutes=7,
)  # fmt: skip

# ---------------------------------------------------------------------------------------- 12.6 the whole walk


def sample_path(noise, times, velocity):
    """From noise at the first of the times to the last."""
    x = noise
    for t, s in zip(times, times[1:], strict=False):
        x = x + (s - t) * velocity(x, t)
    return x


def steps_of(times):
    """(t, s) of each step."""
    return list(zip(times, times[1:], strict=False))


def walked(pairs=steps_of, at=lambda x, noise, t, s: (x, t), length=lambda t, s: s - t, begin=lambda x, noise: x):
    """`sample_path` with other steps, asked elsewhere, of another length, or begun elsewhere."""

    def wrong(noise, times, velocity):
        x = noise
        for t, s in pairs(times):
            x = begin(x, noise) + length(t, s) * velocity(*at(x, noise, t, s))
        return x

    return wrong


def even_lengths(noise, times, velocity):
    """Steps of one length, which together take as long as the times do."""
    return walked(length=lambda t, s: (times[-1] - times[0]) / (len(times) - 1))(noise, times, velocity)


def lengths_of_a_grid(noise, times, velocity):
    """Steps of one length, as if the times ran from 0 to 1."""
    return walked(length=lambda t, s: 1 / (len(times) - 1))(noise, times, velocity)


def heun(noise, times, velocity):
    """Steps along the mean of the velocities at both of their ends."""
    x = noise
    for t, s in steps_of(times):
        v = velocity(x, t)
        x = x + (s - t) * (v + velocity(x + (s - t) * v, s)) / 2
    return x


def at_numbers(noise, times, velocity):
    """The velocity asked for with the number of the step in place of its time."""
    x = noise
    for k, (t, s) in enumerate(steps_of(times)):
        x = x + (s - t) * velocity(x, k)
    return x


def all_on_the_way(noise, times, velocity):
    """Each x, the noise first."""
    return np.array([sample_path(noise, times[: k + 1], velocity) for k in range(len(times))])


def towards_origin(x, t):
    """A velocity that depends on place and time."""
    return (1 + t) * np.array([2.0, -4.0]) - x


def swirl(x, t):
    """A nonlinear one."""
    return np.cos(x[..., ::-1] + t) * (1 + t)


def a_walk(rng, size):
    """Noise, times that begin after 0 and end before 1, and a velocity."""
    return rng.normal(size=size), np.sort(rng.uniform(0.05, 0.95, int(rng.integers(3, 7)))), swirl


SAMPLE_PATH = Exercise(
    "sample_path", LESSON, "the whole walk", ("x",), sample_path,
    trials=(
        by_hand(np.array([[2.0, 0.0], [0.0, 4.0]]), np.array([0.0, 0.5, 1.0]), towards_origin),
        *for_each((*SIZES, (2, 3)), a_walk), at_random(lambda rng: (rng.normal(size=(3, 2)), time_grid(5, 2.0), swirl)),
        at_random(lambda rng: (rng.normal(size=(3, 2)), rng.uniform(0.1, 0.9, 2).cumsum() / 2, swirl)),
    ),
    slips=(
        Slip(
            "asked at the later time", walked(at=lambda x, noise, t, s: (x, s)),
            "the velocity was asked for at the time where the step ends",
            "Where the step begins you have x and t. What is at s you don't know yet.",
        ),
        Slip(
            "always asked about the noise", walked(at=lambda x, noise, t, s: (noise, t)),
            "the velocity was always asked for at the noise", "After a step you are elsewhere: ask with the new x.",
        ),
        Slip(
            "every step from the noise", walked(begin=lambda x, noise: noise, at=lambda x, noise, t, s: (noise, t)),
            "every step starts from the noise again", "A step starts where the one before it ended.",
        ),
        Slip(
            "every step from the noise", walked(begin=lambda x, noise: noise), "every step starts from the noise again",
            "A step starts where the one before it ended.",
        ),
        Slip(
            "only the first step", walked(pairs=lambda times: steps_of(times)[:1]), "it is where the first step ends",
            "Go on to the last of the times. Is the `return` inside the loop?",
        ),
        Slip(
            "last step left out", walked(pairs=lambda times: steps_of(times)[:-1]),
            "the last step is missing", "K + 1 times make K steps.",
        ),
        Slip(
            "first step left out", walked(pairs=lambda times: steps_of(times)[1:]),
            "the first step is missing", "The first step leads away from the first time.",
        ),
        Slip(
            "whole units of time", walked(length=lambda t, s: 1), "each step adds the whole velocity",
            "A step takes s − t, not a whole unit of time.",
        ),
        Slip(
            "steps as long as s", walked(length=lambda t, s: s), "each step is as long as the time that it leads to",
            "Part of that time has passed already: a step takes s − t.",
        ),
        Slip(
            "steps as long as t", walked(length=lambda t, s: t), "each step is as long as the time where it begins",
            "A step takes s − t.",
        ),
        Slip(
            "times added", walked(length=lambda t, s: s + t), "each step is as long as its two times together",
            "A step takes s − t.",
        ),
        Slip(
            "divided by the step", walked(length=lambda t, s: 1 / (s - t)), "the velocity was divided by the step",
            "Distance is velocity times time: multiply by s − t.",
        ),
        Slip(
            "asked at 1 − t", walked(at=lambda x, noise, t, s: (x, 1 - t)), "the velocity was asked for at 1 − t",
            "Here t = 0 is the noise: ask at t itself.",
        ),
        Slip(
            "always asked about the noise", walked(at=lambda x, noise, t, s: (noise, s)),
            "the velocity was always asked for at the noise, and at the time where the step ends",
            "After a step you are elsewhere: ask with the new x, at its own time.",
        ),
        Slip(
            "all the way in each step", walked(length=lambda t, s: 1 - t), "each step is 1 − t long",
            "That would be the whole rest of the way. A step takes s − t.",
        ),
        Slip(
            "steps from the first time", lambda noise, times, velocity: walked(length=lambda t, s: s - times[0])(
                noise, times, velocity
            ),
            "each step is as long as all the time since the beginning", "Part of that has passed: a step takes s − t.",
        ),
        Slip(
            "every second step", walked(pairs=lambda times: list(zip(times[::2], times[1::2], strict=False))),
            "every second step is missing", "Each time but the last begins a step: zip(times[:-1], times[1:]).",
        ),
        Slip(
            "velocity taken for the data", lambda noise, times, velocity: walked(
                begin=lambda x, noise: x
            )(noise, times, lambda x, t: velocity(x, t) - x),
            "each step goes towards the velocity, as if that were a place", "The velocity is a direction: it is added.",
        ),
        Slip(
            "Heun's steps", heun, "these are Heun's steps, which ask twice",
            "An Euler step asks once, where it begins.",
        ),
        Slip(
            "t and s exchanged", walked(at=lambda x, noise, t, s: (x, s), length=lambda t, s: t - s),
            "the two times of each step were exchanged",
            "t = times[k] comes first, and s = times[k + 1] is the later one.",
        ),
        Slip(
            "half steps", walked(length=lambda t, s: (s - t) / 2), "each step is half as long as it should be",
            "A step takes s − t.",
        ),
        Slip(
            "minus", walked(length=lambda t, s: t - s), "each step goes the wrong way: the velocity was subtracted",
            "Steps take s − t, and they are added.",
        ),
        Slip(
            "steps of one length", even_lengths, "all its steps are equally long", "Each step takes its own s − t.",
        ),
        Slip(
            "steps of one length", lengths_of_a_grid, "all its steps are equally long: 1 divided by their number",
            "Each step takes its own s − t.",
        ),
        Slip(
            "backwards", walked(pairs=lambda times: steps_of(times[::-1])), "it walks from the last time to the first",
            "Start with the noise at the first of the times.",
        ),
        Slip(
            "begins at 0", walked(pairs=lambda times: steps_of([0.0, *times[1:]])), "it begins at 0",
            "It begins at the first of the times, which may be later.",
        ),
        Slip(
            "begins at 0", walked(pairs=lambda times: steps_of([0.0, *times])), "it begins at 0",
            "It begins at the first of the times, which may be later.",
        ),
        Slip(
            "ends at 1", walked(pairs=lambda times: steps_of([*times, 1.0])), "it walks on to 1",
            "It ends at the last of the times, which may be earlier.",
        ),
        Slip(
            "ends at 1", walked(pairs=lambda times: steps_of([*times[:-1], 1.0])), "it walks on to 1",
            "It ends at the last of the times, which may be earlier.",
        ),
        Slip(
            "asked in the middle", walked(at=lambda x, noise, t, s: (x, (t + s) / 2)),
            "the velocity was asked for at the middle of the step", "An Euler step asks at t, where it begins.",
        ),
        Slip(
            "asked at the step's number", at_numbers, "the velocity was asked for at the number of the step",
            "velocity(x, t) takes the time itself: times[i], not i.",
        ),
        Slip(
            "always asked at the first time", lambda noise, times, velocity: walked(
                at=lambda x, noise, t, s: (x, times[0])
            )(noise, times, velocity),
            "the velocity was always asked for at the first time", "Time passes: a step asks at its own t.",
        ),
        Slip(
            "time and place swapped", walked(at=lambda x, noise, t, s: (t, x)), "velocity was called with (t, x)",
            "It is velocity(x, t): first where you are, then when.",
        ),
        Slip(
            "x left out", walked(begin=lambda x, noise: 0.0), "it is the last step's way alone",
            "A step starts at x: x = x + ….",
        ),
        Slip(
            "all on the way", all_on_the_way, "it is every x on the way", "Return the last one alone.",
        ),
        Slip(
            "all on the way", lambda *inputs: all_on_the_way(*inputs)[1:], "it is every x on the way",
            "Return the last one alone.",
        ),
        Slip(
            "to a share of the way", walked(length=lambda t, s: (s - t) / (1 - t)), "the steps are divided by 1 − t",
            "That belongs to a step towards the data. The velocity is per unit of time.",
        ),
        Slip(
            "one step", walked(pairs=lambda times: [(times[0], times[-1])]), "it is a single step to the end",
            "The field bends. Go in small steps, and ask again after each.",
        ),
        Slip(
            "one step", walked(pairs=lambda times: [(times[0], times[-1])], length=lambda t, s: 1),
            "it is a single step, a whole unit of time long", "Go in small steps of s − t, and ask again after each.",
        ),
    ),
    sizes=lambda noise, times, velocity: {"steps": len(times) - 1},
    difficulty=2, minutes=8,
)  # fmt: skip

# -------------------------------------------------------------------------------------------- 12.7 guidance


WITH_PROMPT, WITHOUT = np.array([[3.0, 1.0, -2.0], [0.0, 4.0, 5.0]]), np.array([[1.0, 2.0, -2.0], [4.0, 1.0, 0.0]])


SCALES = (-1.5, 0.0, 0.4, 1.0, 2.6, 7.5)


def answers(rng, scale, size=(2, 4, 3)):
    """Two answers of the network, and how far to go."""
    return rng.normal(size=size), rng.normal(size=size), scale


def any_answers(rng, size=(2, 4, 3)):
    """The same, with any scale."""
    return answers(rng, rng.uniform(-2, 5), size)


def without_brackets(c, u, scale):
    """What u + scale * c - u gives."""
    return scale * c


def with_scale(change):
    """Guidance with another scale."""
    return lambda c, u, scale: u + change(scale) * (c - u)


CLASSIFIER_FREE_GUIDANCE = Exercise(
    "classifier_free_guidance", LESSON, "classifier-free guidance", ("guided",), classifier_free_guidance,
    trials=(
        by_hand(WITH_PROMPT, WITHOUT, 3.0), by_hand(WITH_PROMPT, WITHOUT, 0.0), at_random(any_answers),
        *for_each(SCALES, answers), *for_each(SIZES, any_answers),
    ),
    slips=(
        Slip(
            "the wrong one subtracted", lambda c, u, scale: u + scale * (u - c), "it leads away from the prompt",
            "The direction goes from the answer without the prompt to the one with it.",
        ),
        Slip(
            "scale off by one", lambda c, u, scale: c + scale * (c - u), "the scale is off by one",
            "A scale of 1 has to give the answer with the prompt, and 0 the one without. "
            "(Some papers count the other way: their w is our scale − 1.)",
        ),
        Slip(
            "swapped", lambda c, u, scale: c + scale * (u - c), "the two answers have changed places",
            "At a scale of 0 the prompt should play no part.",
        ),
        Slip(
            "direction alone", lambda c, u, scale: scale * (c - u), "it is the direction alone",
            "The direction has to start somewhere.",
        ),
        Slip(
            "answer scaled", lambda c, u, scale: scale * c + u, "the whole answer was scaled, not the difference",
            "What both answers share should not grow.",
        ),
        Slip(
            "halfway", with_scale(lambda scale: scale / 2), "it goes half as far as it should",
            "There is no mean in it.",
        ),
        Slip(
            "brackets forgotten", without_brackets, "it is the answer with the prompt, times the scale",
            "u + scale * c - u: the difference needs brackets.",
        ),
        Slip(
            "scale ignored", with_scale(lambda scale: 1), "it is the answer with the prompt, whatever the scale",
            "The scale multiplies the difference.",
        ),
        Slip(
            "size of the difference", lambda c, u, scale: u + scale * np.abs(c - u), "the difference lost its sign",
            "The prompt may make a number smaller, too.",
        ),
        Slip(
            "squared", with_scale(np.square), "the scale is squared", "It multiplies the difference once.",
        ),
        Slip(
            "divided", lambda c, u, scale: u + (c - u) / scale, "the difference was divided by the scale",
            "A larger scale goes further.",
        ),
        Slip(
            "scale limited", with_scale(lambda scale: max(scale, 1)), "a scale below 1 is treated as 1",
            "Any number is a scale. At 0 the prompt plays no part.",
        ),
        Slip(
            "scale limited", with_scale(lambda scale: max(scale, 0)), "a scale below 0 is treated as 0",
            "Any number is a scale. A negative one leads away from the prompt.",
        ),
        Slip(
            "scale limited", with_scale(lambda scale: min(scale, 1)), "a scale above 1 is treated as 1",
            "Any number is a scale. Above 1 it goes beyond the answer with the prompt.",
        ),
        Slip(
            "scale limited", with_scale(lambda scale: min(max(scale, 0), 1)), "the scale is kept between 0 and 1",
            "Any number is a scale. Above 1 it goes beyond the answer with the prompt.",
        ),
        Slip(
            "scale without its sign", with_scale(abs), "a negative scale has lost its sign",
            "Any number is a scale. A negative one leads away from the prompt.",
        ),
        Slip(
            "scale in whole numbers", with_scale(int), "the scale was cut to a whole number",
            "A scale may have decimals.",
        ),
        Slip(
            "scale in whole numbers", with_scale(round), "the scale was rounded to a whole number",
            "A scale may have decimals.",
        ),
        Slip(
            "a weighted mean", lambda c, u, scale: (u + scale * c) / (1 + scale), "it is a weighted mean of the two",
            "A mean lies between the two. Guidance goes beyond.",
        ),
        Slip(
            "a weighted mean", lambda c, u, scale: (c + scale * u) / (1 + scale), "it is a weighted mean of the two",
            "A mean lies between the two. Guidance goes beyond.",
        ),
        Slip(
            "the other one scaled", lambda c, u, scale: scale * u + (c - u),
            "the answer without the prompt was scaled, not the difference", "The scale multiplies the difference.",
        ),
        *(
            Slip("brackets forgotten", formula, says, "u + scale * (c - u): the difference needs brackets.")
            for formula, says in (
                (lambda c, u, scale: (u + scale) * (c - u), "(u + scale) was multiplied by the difference"),
                (lambda c, u, scale: u + scale * c - scale, "the scale was subtracted, not scale · u"),
            )
        ),
        Slip(
            "product of the two", lambda c, u, scale: u + scale * c * u, "the two answers were multiplied",
            "The direction is their difference.",
        ),
        Slip(
            "everything scaled", lambda c, u, scale: scale * c + scale * u, "both answers were scaled",
            "The scale multiplies the difference alone.",
        ),
        Slip(
            "added instead of subtracted", lambda c, u, scale: u + scale * (c + u), "the bracket holds a sum",
            "The direction is a difference: with the prompt minus without.",
        ),
    ),
    difficulty=1, minutes=5,
)  # fmt: skip

# ---------------------------------------------------------------------------------- 12.8 backward through it


def guidance_backward(dy, conditional, unconditional, scale):
    """Gradients of `classifier_free_guidance`."""
    return scale * dy, (1 - scale) * dy, (dy * (conditional - unconditional)).sum()


def guidance_with(dconditional=None, dunconditional=None, dscale=None):
    """The same with one of the three replaced by a function of all inputs."""

    def wrong(dy, c, u, scale):
        own = (dconditional, dunconditional, dscale)
        right = guidance_backward(dy, c, u, scale)
        return tuple(value if make is None else make(dy, c, u, scale) for value, make in zip(right, own, strict=True))

    return wrong


def summed_over(axes, dy, c, u, scale):
    """dscale, if only these axes are summed."""
    return (dy * (c - u)).sum(axis=axes)


GUIDANCE_BACKWARD = Exercise(
    "guidance_backward", LESSON, "backward through guidance", ("dconditional", "dunconditional", "dscale"),
    guidance_backward,
    trials=(
        by_hand(np.array([[1.0, 2.0, 0.0], [-1.0, 1.0, 3.0]]), WITH_PROMPT, WITHOUT, 3.0),
        *for_each(SCALES, lambda rng, scale: (rng.normal(size=(2, 4, 3)), *answers(rng, scale))),
        *for_each(SIZES, lambda rng, size: (rng.normal(size=size), *any_answers(rng, size))),
        at_random(lambda rng: (rng.normal(size=(2, 4, 3)), *any_answers(rng))),
    ),
    slips=(
        Slip(
            "only one of two", guidance_with(dunconditional=lambda dy, c, u, scale: dy.copy()),
            "one of its two places was forgotten", "It stands by itself, and in the bracket with a minus.",
        ),
        Slip(
            "only in the bracket", guidance_with(dunconditional=lambda dy, c, u, scale: -scale * dy),
            "it has only the part from the bracket", "It stands by itself, too.",
        ),
        Slip(
            "sign of dunconditional", guidance_with(dunconditional=lambda dy, c, u, scale: (1 + scale) * dy),
            "its part from the bracket has the wrong sign", "In the bracket it was subtracted.",
        ),
        Slip(
            "forgot the scale", guidance_with(dconditional=lambda dy, c, u, scale: dy.copy()),
            "it is dy itself", "The direction was multiplied by the scale.",
        ),
        Slip(
            "dscale not summed", guidance_with(dscale=lambda dy, c, u, scale: dy * (c - u)),
            "it was not summed", "One scale served every number.",
        ),
        Slip(
            "dscale a mean", guidance_with(dscale=lambda dy, c, u, scale: (dy * (c - u)).mean()),
            "it is a mean, not a sum", "One scale served every number, so sum over all of them.",
        ),
        Slip(
            "dscale of one answer", guidance_with(dscale=lambda dy, c, u, scale: (dy * c).sum()),
            "it lacks the other answer", "What did the scale multiply?",
        ),
        Slip(
            "dscale per clip",
            guidance_with(dscale=lambda dy, c, u, scale: (dy * (c - u)).reshape(len(dy), -1).sum(-1)),
            "it has a number for each sample", "One scale served all of them.",
        ),
        *(
            Slip(
                "dscale summed in part", guidance_with(dscale=partial(summed_over, axes)),
                "it was not summed over every axis", "One scale served every number: .sum() without axes adds up all.",
            )
            for axes in (0, -1, (0, 1), (1, 2))
        ),
        Slip(
            "dscale a product of sums", guidance_with(dscale=lambda dy, c, u, scale: dy.sum() * (c - u).sum()),
            "it is the product of two sums", "Multiply entry by entry first, then add up.",
        ),
        Slip(
            "scale in dscale", guidance_with(dscale=lambda dy, c, u, scale: scale * (dy * (c - u)).sum()),
            "it was multiplied by the scale", "The slope of scale · direction along the scale is the direction alone.",
        ),
        Slip(
            "dscale of one answer", guidance_with(dscale=lambda dy, c, u, scale: (dy * u).sum()),
            "it lacks the answer with the prompt", "What did the scale multiply?",
        ),
        Slip(
            "dy left out", guidance_with(dscale=lambda dy, c, u, scale: (c - u).sum()), "dy is missing",
            "A gradient is dy times the slope.",
        ),
        Slip(
            "dy left out", guidance_with(dconditional=lambda dy, c, u, scale: np.full_like(dy, scale)), "dy is missing",
            "A gradient is dy times the slope.",
        ),
        Slip(
            "dy left out", guidance_with(dunconditional=lambda dy, c, u, scale: np.full_like(dy, 1 - scale)),
            "dy is missing", "A gradient is dy times the slope.",
        ),
        Slip(
            "dy left out", lambda dy, c, u, scale: (scale, 1 - scale, (c - u).sum()), "dy is missing",
            "A gradient is dy times the slope.",
        ),
        Slip(
            "dy left out", guidance_with(dconditional=lambda dy, c, u, scale: scale), "dy is missing",
            "A gradient is dy times the slope.",
        ),
        Slip(
            "dy left out", guidance_with(dunconditional=lambda dy, c, u, scale: 1 - scale), "dy is missing",
            "A gradient is dy times the slope.",
        ),
        Slip(
            "scale in dscale", guidance_with(dscale=lambda dy, c, u, scale: (1 - scale) * (dy * (c - u)).sum()),
            "it was multiplied by 1 − scale", "The slope of scale · direction along the scale is the direction alone.",
        ),
        Slip(
            "dscale without signs", guidance_with(dscale=lambda dy, c, u, scale: np.abs(dy * (c - u)).sum()),
            "the products have lost their signs", "Contributions of both signs add up, as they are.",
        ),
        Slip(
            "dscale without signs", guidance_with(dscale=lambda dy, c, u, scale: np.linalg.norm(dy * (c - u))),
            "it is the root of a sum of squares", "Contributions of both signs add up, as they are.",
        ),
        Slip(
            "dy left out", guidance_with(dscale=lambda dy, c, u, scale: c - u), "it is the direction itself",
            "Multiply it by dy, entry by entry, and add up.",
        ),
        Slip(
            "direction in dconditional", guidance_with(dconditional=lambda dy, c, u, scale: scale * dy * (c - u)),
            "it was multiplied by the direction, too", "The slope of scale · conditional is the scale.",
        ),
        Slip(
            "dscale the sum of dy", guidance_with(dscale=lambda dy, c, u, scale: dy.sum()), "it is the sum of dy",
            "The scale multiplied the direction: dy · (conditional − unconditional), added up.",
        ),
        Slip(
            "value for the slope", guidance_with(dconditional=lambda dy, c, u, scale: scale * c),
            "it is the forward's scale · conditional", "A gradient is dy times the slope.",
        ),
        Slip(
            "value for the slope", guidance_with(dconditional=lambda dy, c, u, scale: scale * c * dy),
            "dy was multiplied by the answer, too", "The slope of scale · conditional is the scale.",
        ),
        Slip(
            "value for the slope", guidance_with(dunconditional=lambda dy, c, u, scale: (1 - scale) * u * dy),
            "dy was multiplied by the answer, too", "Its slope is 1 − scale.",
        ),
        Slip(
            "same as dconditional", guidance_with(dunconditional=lambda dy, c, u, scale: scale * dy),
            "it is what dconditional is", "It stands by itself, and in the bracket with a minus.",
        ),
    ),
    forward=classifier_free_guidance, wrt=(0, 1, 2), difficulty=2, minutes=6,
)  # fmt: skip

EXERCISES = (
    DENOISED, LEFT_OVER, EULER_UPDATE, DDIM_UPDATE, SHIFTED_TIMES, SAMPLE_PATH, CLASSIFIER_FREE_GUIDANCE,
    GUIDANCE_BACKWARD,
)  # fmt: skip
