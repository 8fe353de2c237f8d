"""Lesson 12: from noise to data, the two subtractions on the worksheet, the steps of a sampler, guidance."""

import numpy as np

from minidit.course.exercise import Exercise, Numbers, Slip, at_random, by_hand
from minidit.diffusion.guidance import classifier_free_guidance
from minidit.diffusion.samplers import time_grid
from minidit.worksheet import solve

# N = clips or points, K = sampling steps

LESSON = 12
SHEET = solve()

# -------------------------------------------------------------------------------------- 12.1 and 12.2 by hand

DENOISED = Numbers(
    "step_12_denoised", LESSON, "the denoised latent on the worksheet", lambda: SHEET.denoised,
    lambda index: f"Take the two entries at {list(index)}. Minus a minus is a plus.",
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
    ),
    difficulty=1, minutes=4,
)  # fmt: skip

# ------------------------------------------------------------------------------------------------ 12.3 Euler


def euler_update(x, t, s, velocity):
    """x at the later time s."""
    return x + (s - t) * velocity


POINTS = np.array([[2.0, -4.0], [0.0, 8.0], [6.0, 2.0]])  # N, 2
VELOCITIES = np.array([[4.0, 8.0], [-4.0, 0.0], [8.0, -8.0]])

EULER_UPDATE = Exercise(
    "euler_update", LESSON, "an Euler step", ("x_s",), euler_update,
    trials=(
        by_hand(POINTS, 0.25, 0.5, VELOCITIES),
        at_random(lambda rng: (rng.normal(size=(3, 4, 2)), 0.3, 0.45, rng.normal(size=(3, 4, 2)))),
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


DDIM_UPDATE = Exercise(
    "ddim_update", LESSON, "a DDIM step", ("x_s",), ddim_update,
    trials=(
        by_hand(POINTS, 0.5, 0.75, np.array([[4.0, 0.0], [2.0, 4.0], [-2.0, 6.0]])),
        at_random(lambda rng: (rng.normal(size=(3, 4, 2)), 0.3, 0.45, rng.normal(size=(3, 4, 2)))),
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
            "mixed for time t", lambda x, t, s, data: t * data + (1 - t) * noise_in(x, t, data),
            "it is x again, mixed as it was", "Mix in the amounts of the later time s.",
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
            "taken apart at s", lambda x, t, s, data: s * data + (1 - s) * noise_in(x, s, data),
            "x was taken apart as if it were at time s", "x is at time t: it holds t of the data.",
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


SHIFTED_TIMES = Exercise(
    "shifted_times", LESSON, "the times of a sampler", ("times",), shifted_times,
    trials=(by_hand(2, 3.0), by_hand(4, 1.0), at_random(lambda rng: (7, 2.5))),
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


def walked(pairs=steps_of, at=lambda x, noise, t, s: (x, t)):
    """`sample_path` with something else in its place."""

    def wrong(noise, times, velocity):
        x = noise
        for t, s in pairs(times):
            x = x + (s - t) * velocity(*at(x, noise, t, s))
        return x

    return wrong


def whole_units(noise, times, velocity):
    """The velocity added for each step, without its length."""
    x = noise
    for t in times[:-1]:
        x = x + velocity(x, t)
    return x


def lengths_of_t(noise, times, velocity):
    """Steps as long as the time that they lead to."""
    x = noise
    for t, s in zip(times, times[1:], strict=False):
        x = x + s * velocity(x, t)
    return x


def not_kept(noise, times, velocity):
    """Every step from the noise, so that the last one alone counts."""
    x = noise
    for t, s in zip(times, times[1:], strict=False):
        x = noise + (s - t) * velocity(noise, t)
    return x


def towards_origin(x, t):
    """A velocity that depends on place and time."""
    return (1 + t) * np.array([2.0, -4.0]) - x


def swirl(x, t):
    """A nonlinear one."""
    return np.cos(x[..., ::-1] + t) * (1 + t)


SAMPLE_PATH = Exercise(
    "sample_path", LESSON, "the whole walk", ("x",), sample_path,
    trials=(
        by_hand(np.array([[2.0, 0.0], [0.0, 4.0]]), np.array([0.0, 0.5, 1.0]), towards_origin),
        at_random(lambda rng: (rng.normal(size=(3, 2)), time_grid(5, 2.0), swirl)),
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
            "every step from the noise", not_kept, "every step starts from the noise again",
            "A step starts where the one before it ended.",
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
            "whole units of time", whole_units, "each step adds the whole velocity",
            "A step takes s − t, not a whole unit of time.",
        ),
        Slip(
            "steps as long as s", lengths_of_t, "each step is as long as the time that it leads to",
            "Part of that time has passed already: a step takes s − t.",
        ),
        Slip(
            "one step", walked(pairs=lambda times: [(times[0], times[-1])]), "it is a single step to the end",
            "The field bends. Go in small steps, and ask again after each.",
        ),
    ),
    sizes=lambda noise, times, velocity: {"steps": len(times) - 1},
    difficulty=2, minutes=8,
)  # fmt: skip

# -------------------------------------------------------------------------------------------- 12.7 guidance


WITH_PROMPT, WITHOUT = np.array([[3.0, 1.0, -2.0], [0.0, 4.0, 5.0]]), np.array([[1.0, 2.0, -2.0], [4.0, 1.0, 0.0]])


def answers(rng, scale):
    """Two answers of the network, and how far to go."""
    return rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 4, 3)), scale


CLASSIFIER_FREE_GUIDANCE = Exercise(
    "classifier_free_guidance", LESSON, "classifier-free guidance", ("guided",), classifier_free_guidance,
    trials=(
        by_hand(WITH_PROMPT, WITHOUT, 3.0), by_hand(WITH_PROMPT, WITHOUT, 0.0),
        at_random(lambda rng: answers(rng, 1.7)),
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
            "halfway", lambda c, u, scale: u + scale * (c - u) / 2, "it goes half as far as it should",
            "There is no mean in it.",
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


GUIDANCE_BACKWARD = Exercise(
    "guidance_backward", LESSON, "backward through guidance", ("dconditional", "dunconditional", "dscale"),
    guidance_backward,
    trials=(
        by_hand(np.array([[1.0, 2.0, 0.0], [-1.0, 1.0, 3.0]]), WITH_PROMPT, WITHOUT, 3.0),
        at_random(lambda rng: (rng.normal(size=(2, 4, 3)), *answers(rng, 1.7))),
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
    ),
    forward=classifier_free_guidance, wrt=(0, 1, 2), difficulty=2, minutes=6,
)  # fmt: skip

EXERCISES = (
    DENOISED, LEFT_OVER, EULER_UPDATE, DDIM_UPDATE, SHIFTED_TIMES, SAMPLE_PATH, CLASSIFIER_FREE_GUIDANCE,
    GUIDANCE_BACKWARD,
)  # fmt: skip
