"""Answers to the exercises of lesson 12, written from its text alone."""

import numpy as np
from answers_of import Answers

NOISED = np.array([[1, 1, 0, 1], [3, 5, 4, 4]])
PREDICTED = np.array([[-2, 2, 0, 0], [-3, 1, -1, -1]])
NOISE = np.array([[-1, 1, 0, -1], [-1, 1, -1, -1]])
CONDITIONED = np.array([[1, 1, -1, 1], [2, 0, 1, 1]])
LATENT = np.array([[2, 0, 0, 2], [4, 4, 5, 5]])


def euler_in_a_loop(x, t, s, velocity):
    moved = np.empty_like(x)
    for index in np.ndindex(x.shape):
        moved[index] = x[index] + (s - t) * velocity[index]
    return moved


def euler_in_place(x, t, s, velocity):
    x += (s - t) * velocity
    return x


def euler_scales_velocity_in_place(x, t, s, velocity):
    velocity *= s - t
    return x + velocity


def euler_prints(x, t, s, velocity):
    print(x + (s - t) * velocity)


def euler_returns_in_the_loop(x, t, s, velocity):
    moved = x.copy()
    for i in range(len(x)):
        moved[i] = x[i] + (s - t) * velocity[i]
        return moved


def euler_with_fresh_noise(x, t, s, velocity):
    return x + (s - t) * velocity + 0.01 * np.random.default_rng().normal(size=x.shape)


def ddim_by_noise(x, t, s, data):
    noise = (x - t * data) / (1 - t)
    return s * data + (1 - s) * noise


def ddim_by_velocity(x, t, s, data):
    return x + (s - t) * (data - x) / (1 - t)


def ddim_in_place(x, t, s, data):
    x -= t * data
    x /= 1 - t
    return s * data + (1 - s) * x


def ddim_forgets_to_return(x, t, s, data):
    noise = (x - t * data) / (1 - t)
    x = s * data + (1 - s) * noise


def ddim_fresh_noise(x, t, s, data):
    return s * data + (1 - s) * np.random.default_rng(0).normal(size=x.shape)


def times_in_a_list(steps, shift):
    found = []
    for k in range(steps + 1):
        t = k / steps
        found.append(t / (t + shift * (1 - t)))
    return np.array(found)


def times_expanded(steps, shift):
    t = np.arange(steps + 1) / steps
    return t / (shift + (1 - shift) * t)


def times_with(ends):
    """What comes of other evenly spaced times."""
    return lambda steps, shift: (lambda t: t / (t + shift * (1 - t)))(ends(steps))


def times_by(formula):
    """What comes of another formula."""
    return lambda steps, shift: formula(np.linspace(0, 1, steps + 1), shift)


def times_return_in_the_loop(steps, shift):
    for t in np.linspace(0, 1, steps + 1):
        return np.array([t / (t + shift * (1 - t))])


def times_kept(steps, shift, found=[]):  # noqa: B006
    for t in np.linspace(0, 1, steps + 1):
        found.append(t / (t + shift * (1 - t)))
    return np.array(found)


def path_by_index(noise, times, velocity):
    x = noise.copy()
    for i in range(len(times) - 1):
        x += (times[i + 1] - times[i]) * velocity(x, times[i])
    return x


def path_by_pairs(noise, times, velocity):
    x = noise
    for t, s in zip(times[:-1], times[1:], strict=True):
        x = x + (s - t) * velocity(x, t)
    return x


def path_recursive(noise, times, velocity):
    if len(times) < 2:
        return noise
    return path_recursive(noise + (times[1] - times[0]) * velocity(noise, times[0]), times[1:], velocity)


def path_asks_with_noise(noise, times, velocity):
    x = noise
    for t, s in zip(times[:-1], times[1:], strict=True):
        x = x + (s - t) * velocity(noise, t)
    return x


def path_asks_later(noise, times, velocity):
    x = noise
    for t, s in zip(times[:-1], times[1:], strict=True):
        x = x + (s - t) * velocity(x, s)
    return x


def path_asks_between(noise, times, velocity):
    x = noise
    for t, s in zip(times[:-1], times[1:], strict=True):
        x = x + (s - t) * velocity(x, (t + s) / 2)
    return x


def path_in_place(noise, times, velocity):
    x = noise
    for t, s in zip(times[:-1], times[1:], strict=True):
        x += (s - t) * velocity(x, t)
    return x


def path_returns_in_the_loop(noise, times, velocity):
    x = noise
    for t, s in zip(times[:-1], times[1:], strict=True):
        x = x + (s - t) * velocity(x, t)
        return x


def path_backwards(noise, times, velocity):
    x, times = noise, times[::-1]
    for t, s in zip(times[:-1], times[1:], strict=True):
        x = x + (s - t) * velocity(x, t)
    return x


def path_minus(noise, times, velocity):
    x = noise
    for t, s in zip(times[:-1], times[1:], strict=True):
        x = x - (s - t) * velocity(x, t)
    return x


def path_one_too_few(noise, times, velocity):
    x = noise
    for i in range(len(times) - 2):
        x = x + (times[i + 1] - times[i]) * velocity(x, times[i])
    return x


def path_runs_over_the_end(noise, times, velocity):
    x = noise
    for i in range(len(times)):
        x = x + (times[i + 1] - times[i]) * velocity(x, times[i])
    return x


def path_in_one_step(noise, times, velocity):
    return noise + (times[-1] - times[0]) * velocity(noise, times[0])


def path_with_even_steps(noise, times, velocity):
    x, dt = noise, 1 / (len(times) - 1)
    for t in times[:-1]:
        x = x + dt * velocity(x, t)
    return x


def path_keeps_all(noise, times, velocity):
    xs = [noise]
    for t, s in zip(times[:-1], times[1:], strict=True):
        xs.append(xs[-1] + (s - t) * velocity(xs[-1], t))
    return np.array(xs)


def path_forgets_to_return(noise, times, velocity):
    x = noise
    for t, s in zip(times[:-1], times[1:], strict=True):
        x = x + (s - t) * velocity(x, t)


def path_steps_by_s(noise, times, velocity):
    x = noise
    for t, s in zip(times[:-1], times[1:], strict=True):
        x = x + s * velocity(x, t)
    return x


def path_one_velocity_for_all(noise, times, velocity):
    x, v = noise, velocity(noise, times[0])
    for t, s in zip(times[:-1], times[1:], strict=True):
        x = x + (s - t) * v
    return x


def path_asks_at_the_index(noise, times, velocity):
    x = noise
    for i in range(len(times) - 1):
        x = x + (times[i + 1] - times[i]) * velocity(x, i)
    return x


def path_begins_at_zero(noise, times, velocity):
    x, t = noise, 0.0
    for s in times[1:]:
        x = x + (s - t) * velocity(x, t)
        t = s
    return x


def path_ends_at_one(noise, times, velocity):
    x = noise
    for t, s in zip(times, [*times[1:], 1.0], strict=True):
        x = x + (s - t) * velocity(x, t)
    return x


def path_loses_x(noise, times, velocity):
    x = noise
    for t, s in zip(times[:-1], times[1:], strict=True):
        x = (s - t) * velocity(x, t)
    return x


def path_swaps_the_arguments(noise, times, velocity):
    x = noise
    for t, s in zip(times[:-1], times[1:], strict=True):
        x = x + (s - t) * velocity(t, x)
    return x


def path_from_own_noise(noise, times, velocity):
    return path_by_pairs(np.random.default_rng().normal(size=noise.shape), times, velocity)


def guided_in_place(conditional, unconditional, scale):
    conditional -= unconditional
    conditional *= scale
    return unconditional + conditional


def guidance_back_plain(dy, conditional, unconditional, scale):
    return scale * dy, (1 - scale) * dy, (dy * (conditional - unconditional)).sum()


def guidance_back_in_steps(dy, conditional, unconditional, scale):
    dway = dy
    ddirection = scale * dway
    dscale = float(np.vdot(dway, conditional - unconditional))
    return ddirection, dy - ddirection, dscale


def guidance_back_in_place(dy, conditional, unconditional, scale):
    dscale = np.sum(dy * (conditional - unconditional))
    dunconditional = (1 - scale) * dy
    dy *= scale
    return dy, dunconditional, dscale


def guidance_back_two_axes(dy, conditional, unconditional, scale):
    direction, dscale = conditional - unconditional, 0
    for i in range(dy.shape[0]):
        for j in range(dy.shape[1]):
            dscale += dy[i, j] * direction[i, j]
    return scale * dy, (1 - scale) * dy, dscale


def guidance_back_with(dc=None, du=None, ds=None):
    """Right but for the outputs given here."""
    return lambda dy, c, u, scale: (
        dc(dy, c, u, scale) if dc else scale * dy,
        du(dy, c, u, scale) if du else (1 - scale) * dy,
        ds(dy, c, u, scale) if ds else (dy * (c - u)).sum(),
    )


ANSWERS = {
    "step_12_denoised": Answers(
        right=[[[3, -1, 0, 1], [6, 4, 5, 5]], np.array([[3.0, -1.0, 0.0, 1.0], [6.0, 4.0, 5.0, 5.0]])],
        wrong=[
            (NOISED + PREDICTED, "added"),  # added the predicted noise
            (PREDICTED - NOISED, "the other way round"),  # subtracted the wrong way round
            (CONDITIONED - PREDICTED, "from the conditioned latent"),  # subtracted from the conditioned latent
            (NOISED - NOISE, "the actual noise"),  # subtracted the actual noise of step 4, not the predicted one
            (np.maximum(NOISED - PREDICTED, 0), "clipped at zero"),  # put a ReLU on it
            (NOISED - abs(PREDICTED), "minus a minus"),  # took minus a minus for a minus
            ((NOISED - PREDICTED)[::-1], "wrong places"),  # swapped the rows
            ((NOISED - PREDICTED).T, "missing transpose"),  # transposed
            ([[3, -1, 0, 1], [0, 4, 5, 5]], "zeros"),  # one slip: 3 − (−3) = 0
            ([[3, -1, 0, 1], [6, 4, 3, 3]], None),  # 4 − (−1) = 3, twice
            (NOISED, "not subtracted"),  # typed the noised latent
            (PREDICTED, "the noise alone"),  # typed the predicted noise
            ([[3, -1, 0, 1]], "other number of entries"),  # only the first row
            ([[3, 1, 0, 1], [6, 4, 5, 5]], "sign of an entry"),  # 1 − 2 = 1: a sign slip
        ],
    ),
    "step_12_left_over": Answers(
        right=[[[0, 0, -1, 0], [-1, -5, -3, -3]], np.array([[0, 0, -1, 0], [-1, -5, -3, -3]], float)],
        wrong=[
            (np.zeros((2, 4)), "the good one"),  # began with the noised latent
            (CONDITIONED - NOISE, "the latent not subtracted"),  # forgot to subtract the latent
            (LATENT - CONDITIONED + NOISE, "other sign"),  # what should come out minus what came out
            (CONDITIONED - LATENT, "the noise forgotten"),  # forgot to subtract the noise
            (CONDITIONED + NOISE - LATENT, "the noise added"),  # added the noise
            (abs(CONDITIONED - NOISE - LATENT), "other sign"),  # left out the signs
            (CONDITIONED - PREDICTED - LATENT, "the predicted noise"),  # took the predicted noise, not the actual one
            ((CONDITIONED - NOISE - LATENT)[::-1], "wrong places"),  # swapped the rows
            ([[0, 0, 0, 0], [-1, -5, -3, -3]], "zeros"),  # upper row taken as zero
            ([[0, 0, -1, 0], [-1, -3, -3, -3]], None),  # one slip: 0 − 1 − 4 = −3
            ([[0, 0, -1, 0], [-1, -5, -5, -5]], None),  # took 1 − (−1) − 5 as 1 − 1 − 5, twice
            (LATENT, "the latent alone"),  # typed the latent of step 3
        ],
    ),
    "euler_update": Answers(
        right=[
            lambda x, t, s, velocity: (x - t * velocity) + s * velocity,
            euler_in_a_loop,
            lambda x, t, s, velocity: np.add(x, np.multiply(s - t, velocity)),
        ],
        wrong=[
            (lambda x, t, s, velocity: x - (s - t) * velocity, "backwards"),  # walks backwards: minus instead of plus
            (lambda x, t, s, velocity: x + (t - s) * velocity, "backwards"),  # t − s instead of s − t
            (lambda x, t, s, velocity: x + s * velocity, "a step as long as s"),  # steps by s, forgot to subtract t
            (lambda x, t, s, velocity: x + t * velocity, "a step as long as t"),  # steps by t
            (lambda x, t, s, velocity: x + velocity, "a whole unit"),  # no step size
            (lambda x, t, s, velocity: (s - t) * velocity, "x left out"),  # only the step, x forgotten
            # moves along x, not along the velocity
            (
                lambda x, t, s, velocity: x + (s - t) * x,
                ("one for another", "ignores an input", "something else in place", "mixes what belongs apart"),
            ),
            (lambda x, t, s, velocity: x + (s - t) * velocity / 2, "half a step"),
            (lambda x, t, s, velocity: x + (s + t) * velocity, "times added"),  # s + t instead of s − t
            (lambda x, t, s, velocity: x + s - t * velocity, "brackets forgotten"),  # brackets forgotten around s − t
            # calls the velocity, which is an array
            (lambda x, t, s, velocity: x + (s - t) * velocity(x, t), "raised an error"),
            # one average velocity for all entries
            (
                lambda x, t, s, velocity: x + (s - t) * velocity.mean(),
                ("something else in place", "ignores an input", "one for another", "mixes what belongs apart"),
            ),
            # only the first row
            (
                lambda x, t, s, velocity: x[0] + (s - t) * velocity[0],
                ("only some of them", "uses a part of an input", "the rest is zero", "right only in part"),
            ),
            # takes the velocity for the data
            (lambda x, t, s, velocity: x * (1 - (s - t)) + (s - t) * velocity, "velocity taken for the data"),
            # hard-coded step size
            (
                lambda x, t, s, velocity: x + 0.25 * velocity,
                ("ignores an input", "something else in place", "one for another", "mixes what belongs apart"),
            ),
            (euler_in_place, "changed its input"),  # changes x in place
            (euler_scales_velocity_in_place, "changed its input"),  # changes velocity in place
            (euler_prints, "printed, not returned"),  # prints the result and returns nothing
            # return inside the loop: only the first row moves
            (
                euler_returns_in_the_loop,
                ("uses a part of an input", "the rest is zero", "only some of them", "right only in part"),
            ),
            (euler_with_fresh_noise, "other numbers each time"),  # adds random noise
            (lambda x, t, s, velocity: x + round(s - t, 1) * velocity, "rounded step"),  # rounds the step to one digit
        ],
    ),
    "ddim_update": Answers(
        right=[ddim_by_velocity, ddim_by_noise, lambda x, t, s, data: data + (1 - s) / (1 - t) * (x - data)],
        wrong=[
            # mixes in the amounts of t
            (lambda x, t, s, data: t * data + (1 - t) * ((x - t * data) / (1 - t)), "one time for both"),
            # noise not divided by 1 − t
            (lambda x, t, s, data: s * data + (1 - s) * (x - t * data), "not divided by 1 − t"),
            # forgot t in x − t · data
            (lambda x, t, s, data: s * data + (1 - s) * (x - data) / (1 - t), "all the data taken out"),
            # takes x − data for the noise
            (lambda x, t, s, data: s * data + (1 - s) * (x - data), "x − data for the noise"),
            # amounts of s swapped
            (lambda x, t, s, data: (1 - s) * data + s * (x - t * data) / (1 - t), "amounts swapped"),
            # plus t · data: sign slip
            (lambda x, t, s, data: s * data + (1 - s) * (x + t * data) / (1 - t), "data added"),
            # noise in the amount of t
            (lambda x, t, s, data: s * data + (1 - t) * (x - t * data) / (1 - t), "noise not taken away"),
            # data in the amount of t
            (lambda x, t, s, data: t * data + (1 - s) * (x - t * data) / (1 - t), "data as much as at t"),
            (lambda x, t, s, data: (x - t * data) / (1 - t), "the noise alone"),  # returns the noise
            (lambda x, t, s, data: data, "the data at once"),  # returns the data: jumps to the end
            (lambda x, t, s, data: x + (s - t) * (data - x), "velocity not divided"),  # velocity not divided by 1 − t
            (lambda x, t, s, data: x + (s - t) * (data - x) / (1 - s), "velocity divided by 1 − s"),
            (lambda x, t, s, data: x + (s - t) * data, "noise not taken away"),  # takes the data for the velocity
            (
                lambda x, t, s, data: s**0.5 * data + (1 - s) ** 0.5 * (x - t**0.5 * data) / (1 - t) ** 0.5,
                "square roots",  # the curved path of DDPM, with roots
            ),
            (lambda x, t, s, data: s * data + (1 - s) * (x - t * data) / t, "divided by t"),  # noise divided by t
            # brackets: only data divided
            (lambda x, t, s, data: s * data + (1 - s) * (x - t * data / (1 - t)), "only the data divided"),
            # mixes x, not data, with the noise
            (lambda x, t, s, data: s * x + (1 - s) * (x - t * data) / (1 - t), "x in place of the data"),
            (lambda x, t, s, data: s * data + (1 - s) * x, "x taken for the noise"),  # takes x itself for the noise
            (ddim_in_place, "changed its input"),  # changes x in place
            (ddim_forgets_to_return, "returned nothing"),  # forgets to return
            # draws fresh noise instead of solving for the old one
            (
                ddim_fresh_noise,
                ("ignores an input", "something else in place", "one for another", "mixes what belongs apart"),
            ),
        ],
    ),
    "shifted_times": Answers(
        right=[times_expanded, times_in_a_list, times_with(lambda steps: np.linspace(0, 1, steps + 1))],
        wrong=[
            (times_with(lambda steps: np.linspace(0, 1, steps)), "one time short"),  # one time too few
            (times_with(lambda steps: np.linspace(0, 1, steps + 2)), "one time too many"),
            (times_with(lambda steps: np.arange(steps) / steps), "end left out"),  # the last time, 1, is missing
            # the first time, 0, is missing
            (times_with(lambda steps: np.arange(1, steps + 1) / steps), "beginning left out"),
            # endpoint=False: never reaches 1
            (times_with(lambda steps: np.linspace(0, 1, steps + 1, endpoint=False)), "end not reached"),
            (times_with(lambda steps: np.linspace(1, 0, steps + 1)), "downwards"),  # runs from 1 to 0
            # times from 0 to steps
            (times_with(lambda steps: np.linspace(0, steps, steps + 1)), "whole numbers shifted"),
            (times_with(lambda steps: np.arange(steps + 1) // steps), "cut off"),  # // makes all times but the last 0
            (times_with(lambda steps: np.linspace(0, 1, 5)), None),  # always four steps
            (times_by(lambda t, shift: t), "not shifted"),  # no shift at all
            # the papers' formula: mirrored
            (times_by(lambda t, shift: shift * t / (1 + (shift - 1) * t)), "shifted to the clean end"),
            # shift hard-coded as 3
            (
                times_by(lambda t, shift: t / (t + 3 * (1 - t))),
                ("ignores an input", "something else in place", "one for another", "mixes what belongs apart"),
            ),
            # 1 instead of t in the denominator
            (times_by(lambda t, shift: t / (1 + shift * (1 - t))), "1 in place of t"),
            # brackets forgotten: t / shift
            (times_by(lambda t, shift: t / (t + shift * 1 - t)), "divided by the shift"),
            (times_by(lambda t, shift: t / (shift * t + (1 - t))), "shift before t"),  # shift at the wrong term
            # brackets of the denominator forgotten
            (times_by(lambda t, shift: t / t + shift * (1 - t)), "brackets of the denominator"),
            (times_by(lambda t, shift: 1 - t / (t + shift * (1 - t))), "one minus the times"),  # one minus the time
            (times_by(lambda t, shift: t**shift), "a power"),  # a power instead of the formula
            # a shift below 1 is treated as 1
            (times_by(lambda t, shift: t / (t + max(shift, 1) * (1 - t))), "no shift below 1"),
            (times_kept, "other numbers each time"),  # a list as default: times of earlier calls stay in it
            # the steps instead of the times
            (times_by(lambda t, shift: np.diff(t / (t + shift * (1 - t)))), "lengths of the steps"),
            (times_return_in_the_loop, "only the first"),  # return inside the loop
        ],
    ),
    "sample_path": Answers(
        right=[path_by_index, path_by_pairs, path_recursive],
        wrong=[
            (path_asks_with_noise, "always asked about the noise"),  # asks with the noise instead of x
            (path_asks_later, "asked at the later time"),  # asks at the later time
            (path_asks_between, "asked in the middle"),  # asks at the middle of the step
            (path_in_place, "changed its input"),  # changes the noise in place
            (path_returns_in_the_loop, "only the first step"),  # return inside the loop: one step only
            (path_backwards, "backwards"),  # walks from the last time to the first
            (path_minus, "minus"),  # minus instead of plus
            (path_one_too_few, "last step left out"),  # leaves out the last step
            (path_runs_over_the_end, "raised an error"),  # index runs over the end of times
            (path_in_one_step, "one step"),  # one step from first to last
            (path_with_even_steps, "steps of one length"),  # takes equal steps whatever the times
            (path_keeps_all, "all on the way"),  # returns every x on the way
            (path_forgets_to_return, "returned nothing"),  # forgets to return
            (path_steps_by_s, "steps as long as s"),  # steps by s instead of s − t
            (path_one_velocity_for_all, "one step"),  # asks only once, before the loop
            (path_asks_at_the_index, "asked at the step's number"),  # asks at the step's number instead of its time
            (path_begins_at_zero, "begins at 0"),  # begins at 0 instead of the first of times
            (path_ends_at_one, "ends at 1"),  # walks on to 1 instead of stopping at the last of times
            (path_loses_x, "x left out"),  # x forgotten: only the step
            (path_swaps_the_arguments, "time and place swapped"),  # calls velocity(t, x)
            (path_from_own_noise, "other numbers each time"),  # draws its own noise
        ],
    ),
    "classifier_free_guidance": Answers(
        right=[
            lambda conditional, unconditional, scale: scale * conditional + (1 - scale) * unconditional,
            lambda conditional, unconditional, scale: conditional + (scale - 1) * (conditional - unconditional),
            lambda conditional, unconditional, scale: unconditional - scale * (unconditional - conditional),
        ],
        wrong=[
            # begins at the conditional answer: off by one
            (lambda c, u, scale: c + scale * (c - u), "scale off by one"),
            (lambda c, u, scale: u + scale * (u - c), "the wrong one subtracted"),  # direction the wrong way round
            (lambda c, u, scale: c + scale * (u - c), "swapped"),  # the two swapped
            (lambda c, u, scale: scale * (c - u), "direction alone"),  # only the direction, unconditional not added
            (lambda c, u, scale: u + scale * c, "answer scaled"),  # unconditional not subtracted in the bracket
            (lambda c, u, scale: u + scale * c - u, "brackets forgotten"),
            (lambda c, u, scale: u + (c - u), "scale ignored"),  # ignores the scale
            # scale hard-coded as 3
            (
                lambda c, u, scale: u + 3 * (c - u),
                ("ignores an input", "something else in place", "one for another", "mixes what belongs apart"),
            ),
            (lambda c, u, scale: u + scale * abs(c - u), "size of the difference"),  # absolute value of the direction
            (lambda c, u, scale: u + max(scale, 1) * (c - u), "scale limited"),  # a scale below 1 is treated as 1
            # cuts the scale to a whole number
            (lambda c, u, scale: u + int(scale) * (c - u), "scale in whole numbers"),
            (lambda c, u, scale: u + max(scale, 0) * (c - u), "scale limited"),  # a negative scale is treated as 0
            (lambda c, u, scale: (u + scale * c) / (1 + scale), "a weighted mean"),  # a weighted mean of the two
            # only the first sample
            (
                lambda c, u, scale: (u + scale * (c - u))[0],
                ("only some of them", "uses a part of an input", "the rest is zero", "right only in part"),
            ),
            (lambda c, u, scale: u * scale + (c - u), "the other one scaled"),  # scales the unconditional answer
            (lambda c, u, scale: print(u + scale * (c - u)), "printed, not returned"),  # prints instead of returning
            (lambda c, u, scale: u + scale**2 * (c - u), "squared"),  # the square of the scale
            (guided_in_place, "changed its input"),  # changes conditional in place
        ],
    ),
    "guidance_backward": Answers(
        right=[
            guidance_back_in_steps,
            guidance_back_plain,
            lambda dy, c, u, scale: (dy * scale, dy - dy * scale, np.einsum("...,...", dy, c - u).sum()),
        ],
        wrong=[
            # only the bracket's part of dunconditional
            (guidance_back_with(du=lambda dy, c, u, s: -s * dy), "only in the bracket"),
            # only the direct part of dunconditional
            (guidance_back_with(du=lambda dy, c, u, s: dy), "only one of two"),
            (guidance_back_with(du=lambda dy, c, u, s: (s - 1) * dy), "sign"),  # dunconditional has the wrong sign
            # forgot the minus of the bracket
            (guidance_back_with(du=lambda dy, c, u, s: (1 + s) * dy), "sign of dunconditional"),
            (guidance_back_with(ds=lambda dy, c, u, s: dy * (c - u)), "dscale not summed"),  # dscale is not summed
            (guidance_back_with(ds=lambda dy, c, u, s: (dy * (c - u)).mean()), "dscale a mean"),  # dscale is a mean
            # dscale summed over samples only
            (guidance_back_with(ds=lambda dy, c, u, s: (dy * (c - u)).sum(axis=0)), "dscale summed in part"),
            (guidance_back_with(ds=lambda dy, c, u, s: (c - u).sum()), "dy left out"),  # dscale ignores dy
            # dscale: direction the wrong way round
            (guidance_back_with(ds=lambda dy, c, u, s: (dy * (u - c)).sum()), "sign"),
            # dscale without the unconditional
            (guidance_back_with(ds=lambda dy, c, u, s: (dy * c).sum()), "dscale of one answer"),
            # product of sums in dscale
            (guidance_back_with(ds=lambda dy, c, u, s: dy.sum() * (c - u).sum()), "dscale a product of sums"),
            # dscale times scale
            (guidance_back_with(ds=lambda dy, c, u, s: s * (dy * (c - u)).sum()), "scale in dscale"),
            # dscale of the first sample only
            (
                guidance_back_with(ds=lambda dy, c, u, s: (dy[0] * (c - u)[0]).sum()),
                ("uses a part of an input", "the rest is zero", "only some of them", "right only in part"),
            ),
            (guidance_back_with(dc=lambda dy, c, u, s: dy), "forgot the scale"),  # dconditional lacks the scale
            # dconditional from the value, not from dy
            (guidance_back_with(dc=lambda dy, c, u, s: s * c), "value for the slope"),
            (guidance_back_with(dc=lambda dy, c, u, s: np.full_like(dy, s)), "dy left out"),  # dconditional ignores dy
            # first two gradients swapped
            (lambda dy, c, u, s: ((1 - s) * dy, s * dy, (dy * (c - u)).sum()), "wrong order"),
            (lambda dy, c, u, s: ((dy * (c - u)).sum(), s * dy, (1 - s) * dy), "wrong order"),  # dscale returned first
            (lambda dy, c, u, s: (s * dy, (1 - s) * dy), "other number of results"),  # dscale missing
            (lambda dy, c, u, s: u + s * (c - u), "other number of results"),  # copies the forward
            (guidance_back_in_place, "changed its input"),  # changes dy in place
            (guidance_back_two_axes, "dscale summed in part"),  # sums dscale over two axes only
            # dscale by a trace: two axes only
            (guidance_back_with(ds=lambda dy, c, u, s: np.trace(dy @ (c - u).T)), "raised an error"),
        ],
    ),
}
