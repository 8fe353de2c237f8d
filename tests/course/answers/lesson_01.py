"""Answers to the exercises of lesson 1, as students write them."""

import numpy as np
from answers_of import Answers

from minidit.world import COLORS, MOTIONS, SHAPES, SKIES, VOCABULARY

LISTS = (COLORS, SHAPES, MOTIONS, SKIES)

# ---------------------------------------------------------------------------------------------- time_of_step


def noise_left_away(k, steps):
    return (steps - k - 1) / steps


def through_a_list(k, steps):
    all_times = np.arange(steps)[::-1] / steps
    return all_times[np.asarray(k, dtype=int)]


def k_of_steps(k, steps):
    return (steps - k) / steps


def counts_noise(k, steps):
    return k / steps


def counts_noise_from_1(k, steps):
    return (1 + k) / steps


def linspace_like(k, steps):
    return np.linspace(1, 0, steps)[np.asarray(k, dtype=int)]


def always_1000(k, steps):
    return 1 - (k + 1) / 1000


def other_way(k, steps):
    return steps * (1 - k) - 1


def whole_numbers(k, steps):
    return (steps - k - 1) // steps


# ------------------------------------------------------------------------------------- attributes_as_numbers


def word_by_word(text):
    numbers = np.full(4, -1)
    for word in text.split():
        for i, names in enumerate(LISTS):
            if word in names:
                numbers[i] = names.index(word)
    return numbers


def with_dicts(text):
    tables = [{name: i for i, name in enumerate(names)} for names in LISTS]
    return np.array([max(table.get(word, -1) for word in text.split()) for table in tables])


def from_1(text):
    numbers = []
    for names in LISTS:
        found = 0
        for number, name in enumerate(names, start=1):
            if name in text.split():
                found = number
        numbers.append(found)
    return np.array(numbers)


def zeros_at_first(text):
    numbers = np.zeros(4, dtype=int)
    for word in text.split():
        for i, names in enumerate(LISTS):
            if word in names:
                numbers[i] = names.index(word)
    return numbers


def where_in_the_sentence(text):
    words = text.split()
    numbers = np.full(4, -1)
    for i, names in enumerate(LISTS):
        for name in names:
            if name in words:
                numbers[i] = words.index(name)
    return numbers


def where_in_the_vocabulary(text):
    numbers = np.full(4, -1)
    for word in text.split():
        for i, names in enumerate(LISTS):
            if word in names:
                numbers[i] = VOCABULARY.index(word)
    return numbers


def appended(text):
    numbers = []
    for word in text.split():
        for names in LISTS:
            if word in names:
                numbers.append(names.index(word))
    return np.array(numbers)


def raises_for_plain_skies(text):
    words = text.split()
    return np.array([names.index(next(w for w in words if w in names)) for names in LISTS])


# ---------------------------------------------------------------------------------------- central_difference


def flat_loop(f, x, step):
    flat = x.ravel()
    slopes = np.zeros(x.size)
    for i in range(x.size):
        up, down = flat.copy(), flat.copy()
        up[i] = up[i] + step
        down[i] = down[i] - step
        slopes[i] = f(up.reshape(x.shape)) - f(down.reshape(x.shape))
    return slopes.reshape(x.shape) / step / 2


def with_unit_vectors(f, x, step):
    units = np.eye(x.size).reshape(x.size, *x.shape)
    return np.array([(f(x + step * u) - f(x - step * u)) / (2 * step) for u in units]).reshape(x.shape)


def forward_difference(f, x, step):
    slopes = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        up = x.copy()
        up[index] += step
        slopes[index] = (f(up) - f(x)) / step
    return slopes


def backward_difference(f, x, step):
    slopes = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        down = x.copy()
        down[index] -= step
        slopes[index] = (f(x) - f(down)) / step
    return slopes


def over_one_step(f, x, step):
    slopes = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += step
        down[index] -= step
        slopes[index] = (f(up) - f(down)) / step
    return slopes


def precedence(f, x, step):
    slopes = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += step
        down[index] -= step
        slopes[index] = (f(up) - f(down)) / 2 * step
    return slopes


def only_differences(f, x, step):
    slopes = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += step
        down[index] -= step
        slopes[index] = f(up) - f(down)
    return slopes


def entries_stay_moved(f, x, step):
    slopes, y = np.zeros_like(x), x.copy()
    for index in np.ndindex(x.shape):
        y[index] += step
        high = f(y)
        y[index] -= 2 * step
        low = f(y)
        slopes[index] = (high - low) / (2 * step)
    return slopes


def everything_moves(f, x, step):
    return (f(x + step) - f(x - step)) / (2 * step)


def everything_moves_in_an_array(f, x, step):
    slopes = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        slopes[index] = (f(x + step) - f(x - step)) / (2 * step)
    return slopes


def copies_forgotten(f, x, step):
    slopes = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        up, down = x, x
        up[index] += step
        down[index] -= step
        slopes[index] = (f(up) - f(down)) / (2 * step)
    return slopes


def moved_in_place(f, x, step):
    slopes = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        x[index] += step
        high = f(x)
        x[index] -= 2 * step
        low = f(x)
        x[index] += 0.5 * step
        slopes[index] = (high - low) / (2 * step)
    return slopes


ANSWERS = {
    "step_1_counts": Answers(
        right=[np.array([2, 2, 4, 16, 3, 4]), (2, 2, 4, 2 * 2 * 4, 3, 4)],
        wrong=[
            ([2, 2, 4, 16, 3, 3], "t counted from 1"),
            ([2, 2, 4, 8, 3, 4], "pixels of one frame"),
            ([2, 4, 2, 16, 3, 4], "rows and columns swapped"),
            ([2, 2, 4, 16, 9, 4], "letters instead of words"),
            ([2, 2, 4, 16, 1, 4], "sentences instead of words"),
        ],
    ),
    "step_1_times": Answers(
        right=[np.array([0, 0.25, 0.5, 0.75]), (0, 1 / 4, 2 / 4, 3 / 4)],
        wrong=[
            ([0.25, 0.5, 0.75, 1], "off by one"),
            ([1, 0.75, 0.5, 0.25], "time not turned round"),
            ([0.75, 0.5, 0.25, 0], "falls instead of rising"),
            ([0, 1 / 3, 2 / 3, 1], "both ends counted"),
        ],
    ),
    "attributes_as_numbers": Answers(
        right=[word_by_word, with_dicts],
        wrong=[
            (from_1, "counted from 1"),
            (zeros_at_first, "0 for what is not named"),
            (where_in_the_sentence, "place in the sentence"),
            (where_in_the_vocabulary, "place in the vocabulary"),
            (appended, "order of the sentence"),
            (raises_for_plain_skies, None),
        ],
    ),
    "time_of_step": Answers(
        right=[noise_left_away, through_a_list],
        wrong=[
            (k_of_steps, "off by one"),
            (counts_noise, "time not turned round, off by one"),
            (counts_noise_from_1, "time not turned round"),
            (linspace_like, "both ends counted"),
            (always_1000, "1000 steps whatever is given"),
            (other_way, "inverse"),
            (whole_numbers, "all zeros"),
        ],
    ),
    "step_1_learned": Answers(
        right=[np.array([38, 22]), (24 + 4 + 4 + 6, 10 + 12)],
        wrong=[
            ([32, 16], "forgot the biases"),
            ([50, 10], "decoder taken for learned"),
            ([22, 38], "red and blue swapped"),
            ([34, 22], "forgot the keys"),
            ([60, 0], "everything taken for learned"),
        ],
    ),
    "central_difference": Answers(
        right=[flat_loop, with_unit_vectors],
        wrong=[
            (forward_difference, "one side only"),
            (backward_difference, "one side only, downward"),
            (over_one_step, "forgot the 2"),
            (precedence, "divided by 2, times the step"),
            (only_differences, "not divided by the step"),
            (entries_stay_moved, "never put back"),
            (everything_moves, "all entries at once, one number"),
            (everything_moves_in_an_array, "all entries at once"),
            (copies_forgotten, "no copies"),
            (moved_in_place, "changed its input"),
        ],
    ),
}
