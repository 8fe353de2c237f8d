"""Lesson 1: answers written from the lesson's text alone."""

import math

import numpy as np
from answers_of import Answers

from minidit.world import COLORS, MOTIONS, SHAPES, SKIES

TABLES = (COLORS, SHAPES, MOTIONS, SKIES)


def numbers_with_a_helper(text):
    words = text.split()

    def find(names):
        for i, name in enumerate(names):
            if name in words:
                return i
        return -1

    return np.array([find(COLORS), find(SHAPES), find(MOTIONS), find(SKIES)])


def numbers_word_by_word(text):
    words = text.split()
    result = np.full(4, -1)
    for word in words:
        for place, table in enumerate(TABLES):
            if word in table:
                result[place] = table.index(word)
    return result


def numbers_as_floats(text):
    words = text.split()
    result = -np.ones(4)
    for place, table in enumerate(TABLES):
        for word in words:
            if word in table:
                result[place] = list(table).index(word)
    return result


def numbers_by_place(text):
    words = text.split()
    if "circle" not in words and "square" not in words and len(words) < 8:
        return np.array([-1, -1, -1, -1])
    return np.array([COLORS.index(words[1]), SHAPES.index(words[2]), MOTIONS.index(words[4]), SKIES.index(words[7])])


def numbers_in_order_of_words(text):
    found = [table.index(word) for word in text.split() for table in TABLES if word in table]
    return np.array(found + [-1] * (4 - len(found)))


def numbers_by_substring(text):
    result = [-1, -1, -1, -1]
    for place, table in enumerate(TABLES):
        for i, name in enumerate(table):
            if name in text:
                result[place] = i
    return np.array(result)


def numbers_zero_if_missing(text):
    words = text.split()
    return np.array([next((i for i, name in enumerate(table) if name in words), 0) for table in TABLES])


def numbers_sky_defaults_to_day(text):
    result = np.array([-1, -1, -1, 0])
    for word in text.split():
        for place, table in enumerate(TABLES):
            if word in table:
                result[place] = table.index(word)
    return result


def numbers_colour_and_shape_only(text):
    words = text.split()
    result = [-1, -1, -1, -1]
    for word in words:
        if word in COLORS:
            result[0] = COLORS.index(word)
        elif word in SHAPES:
            result[1] = SHAPES.index(word)
    return np.array(result)


def numbers_sky_before_motion(text):
    words = text.split()
    tables = (COLORS, SHAPES, SKIES, MOTIONS)
    return np.array([next((i for i, name in enumerate(table) if name in words), -1) for table in tables])


def numbers_crash_on_plain_skies(text):
    words = text.split()
    return np.array([table.index([word for word in words if word in table][0]) for table in TABLES])


def numbers_missing_left_out(text):
    words = text.split()
    return np.array([i for table in TABLES for i, name in enumerate(table) if name in words])


def numbers_from_one(text):
    words = text.split()
    return np.array([next((i for i, name in enumerate(table, 1) if name in words), -1) for table in TABLES])


def numbers_sky_is_next_to_last(text):
    words = text.split()
    result = numbers_with_a_helper(text)
    result[3] = SKIES.index(words[-2]) if words[-2] in SKIES else -1
    return result


def numbers_in_the_alphabet(text):
    words = text.split()
    return np.array([next((i for i, n in enumerate(sorted(table)) if n in words), -1) for table in TABLES])


def numbers_own_list_of_motions(text):
    words = text.split()
    tables = (COLORS, SHAPES, ("left", "right", "up", "down"), SKIES)
    return np.array([next((i for i, name in enumerate(table) if name in words), -1) for table in tables])


def numbers_two_skies(text):
    result = numbers_with_a_helper(text)
    result[3] = 0 if "day" in text.split() else 1 if "night" in text.split() else -1
    return result


def numbers_all_or_nothing(text):
    result = numbers_with_a_helper(text)
    return result if (result >= 0).all() else np.array([-1, -1, -1, -1])


def numbers_as_words(text):
    words = text.split()
    return np.array([next((name for name in table if name in words), "-1") for table in TABLES])


def numbers_of_the_words(text):
    words = text.split()
    return np.array([next((words.index(name) for name in table if name in words), -1) for table in TABLES])


def numbers_return_in_the_loop(text):
    result = np.full(4, -1)
    for word in text.split():
        for place, table in enumerate(TABLES):
            if word in table:
                result[place] = table.index(word)
                return result
    return result


def time_from_a_table(k, steps=1000):
    return (np.arange(steps)[::-1] / steps)[k]


def time_changes_k(k, steps=1000):
    k += 1
    return 1 - k / steps


def time_with_if(k, steps=1000):
    if k == steps - 1:
        return 0.0
    return 1 - (k + 1) / steps


def time_for_arrays_only(k, steps=1000):
    out = np.zeros(len(k))
    for i in range(len(k)):
        out[i] = 1 - (k[i] + 1) / steps
    return out


def time_printed(k, steps=1000):
    print(1 - (k + 1) / steps)


def slopes_flat(f, x, step):
    slopes = np.zeros_like(x)
    flat = slopes.reshape(-1)
    for i in range(x.size):
        up, down = x.copy(), x.copy()
        up.reshape(-1)[i] += step
        down.reshape(-1)[i] -= step
        flat[i] = (f(up) - f(down)) / (2 * step)
    return slopes


def slopes_with_moves(f, x, step):
    def slope(index):
        move = np.zeros_like(x)
        move[index] = step
        return (f(x + move) - f(x - move)) / (step + step)

    return np.array([slope(index) for index in np.ndindex(x.shape)], dtype=x.dtype).reshape(x.shape)


def slopes_put_back(f, x, step):
    slopes = np.zeros_like(x)
    it = np.nditer(x, flags=["multi_index"])
    while not it.finished:
        i = it.multi_index
        old = x[i]
        x[i] = old + step
        high = f(x)
        x[i] = old - step
        low = f(x)
        x[i] = old
        slopes[i] = (high - low) / (2 * step)
        it.iternext()
    return slopes


def slopes_one_sided(f, x, step):
    slopes = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        up = x.copy()
        up[index] += step
        slopes[index] = (f(up) - f(x)) / step
    return slopes


def slopes_looking_back(f, x, step):
    slopes = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        down = x.copy()
        down[index] -= step
        slopes[index] = (f(x) - f(down)) / step
    return slopes


def slopes_over_one_step(f, x, step):
    return 2 * slopes_flat(f, x, step)


def slopes_never_put_back(f, x, step):
    slopes, y = np.zeros_like(x), x.copy()
    for index in np.ndindex(x.shape):
        y[index] += step
        high = f(y)
        y[index] -= 2 * step
        slopes[index] = (high - f(y)) / (2 * step)
    return slopes


def slopes_of_all_moved_together(f, x, step):
    slopes = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        slopes[index] = (f(x + step) - f(x - step)) / (2 * step)
    return slopes


def slopes_without_copies(f, x, step):
    slopes = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        up = x
        down = x
        up[index] += step
        down[index] -= step
        slopes[index] = (f(up) - f(down)) / (2 * step)
    return slopes


def slopes_of_whole_rows(f, x, step):
    slopes = np.zeros_like(x)
    for i in range(len(x)):
        up, down = x.copy(), x.copy()
        up[i] += step
        down[i] -= step
        slopes[i] = (f(up) - f(down)) / (2 * step)
    return slopes


def slopes_of_a_matrix_only(f, x, step):
    slopes = np.zeros_like(x)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            up, down = x.copy(), x.copy()
            up[i, j] += step
            down[i, j] -= step
            slopes[i, j] = (f(up) - f(down)) / (2 * step)
    return slopes


def slopes_own_step(f, x, step):
    return slopes_flat(f, x, 1e-5)


def slopes_return_in_the_loop(f, x, step):
    slopes = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += step
        down[index] -= step
        slopes[index] = (f(up) - f(down)) / (2 * step)
        return slopes


def slopes_times_step(f, x, step):
    slopes = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += step
        down[index] -= step
        slopes[index] = (f(up) - f(down)) / 2 * step
    return slopes


def slopes_half_a_step(f, x, step):
    return slopes_flat(f, x, step / 2)


def slopes_relative_step(f, x, step):
    slopes = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] *= 1 + step
        down[index] *= 1 - step
        slopes[index] = (f(up) - f(down)) / (2 * step)
    return slopes


def slopes_as_one_list(f, x, step):
    return slopes_flat(f, x, step).ravel()


def slopes_overwritten(f, x, step):
    slopes = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += step
        down[index] -= step
        slopes = (f(up) - f(down)) / (2 * step)
    return slopes


def numbers_still_if_no_motion(text):
    result = numbers_with_a_helper(text)
    if result[2] == -1 and result[0] >= 0:
        result[2] = MOTIONS.index("still")
    return result


def numbers_by_ending(text):
    words = [word.rstrip("s") for word in text.split()]
    return np.array([next((i for i, name in enumerate(table) if name in words), -1) for table in TABLES])


def slopes_of_one_or_two_axes(f, x, step):
    if x.ndim > 1:
        return slopes_of_a_matrix_only(f, x, step)
    return slopes_flat(f, x, step)


def slopes_of_a_row(f, x, step):
    slopes = np.zeros_like(x)
    for i in range(x.size):
        up, down = x.copy(), x.copy()
        up.flat[i] += step
        down.flat[i] -= step
        slopes.flat[i] = np.round((f(up) - f(down)) / (2 * step), 1)
    return slopes


ANSWERS = {
    "step_1_counts": Answers(
        right=[[2, 2, 4, 16, 3, 4], (2, 2, 4, 2 * 2 * 4, 3, 4), np.array([2, 2, 4, 16, 3, 4])],
        wrong=[
            ([2, 2, 4, 8, 3, 4], "pixels of one frame"),
            ([2, 2, 4, 16, 3, 3], "t counted from 1"),  # t counted without 0
            ([2, 4, 2, 16, 3, 4], "rows and columns swapped"),
            ([2, 2, 4, 16, 9, 4], "letters instead of words"),  # letters of the prompt, without spaces
            ([2, 2, 4, 16, 2, 4], "a word too few"),  # the word 'is' is not counted
            ([1, 2, 4, 8, 3, 4], "one frame only"),  # only one frame seen
            ([2, 2, 4, 10, 3, 4], "brightness instead of pixels"),  # highest brightness + 1 for the pixels
            ([2, 2, 4, 16, 4, 3], "words and t swapped"),  # words and values of t swapped
            ([2, 2, 4, 16, 3], "the last is missing"),
            ([2, 2, 3, 12, 3, 4], None),  # three columns counted
        ],
    ),
    "step_1_times": Answers(
        right=[[0, 0.25, 0.5, 0.75], (0, 1 / 4, 2 / 4, 3 / 4), [1 - (k + 1) / 4 for k in (3, 2, 1, 0)]],
        wrong=[
            ([0.75, 0.5, 0.25, 0], "falls instead of rising"),  # in the order k = 0, 1, 2, 3
            ([0.25, 0.5, 0.75, 1], "off by one"),  # 1 − k / 4: step 0 taken as clean
            ([0, 1 / 3, 2 / 3, 1], "both ends counted"),  # k / (K − 1)
            ([1, 0.75, 0.5, 0.25], "time not turned round"),  # (k + 1) / K, the amount of noise
            ([0, 1, 2, 3], "the worksheet's t"),  # the worksheet's t, not from 0 to 1
            ([3, 2, 1, 0], "k itself"),
            ([0, 25, 50, 75], "in per cent"),
            ([0, 0.2, 0.4, 0.6], "a step too many"),  # divided by 5
            ([0.25, 0.5, 0.75], "one is missing"),  # only three
            ([0, 0, 0, 0], "cut off"),  # whole-number division
        ],
    ),
    "attributes_as_numbers": Answers(
        right=[numbers_with_a_helper, numbers_word_by_word, numbers_as_floats],
        wrong=[
            (numbers_by_place, "raised an error"),  # takes words 1, 2, 4 and 7: other wordings fail
            # the order of the caption, not colour, shape, motion, sky
            (numbers_in_order_of_words, "order of the sentence"),
            # looks in the text, not in the words: cross is in across
            (numbers_by_substring, "looked in the text, not in its words"),
            (numbers_zero_if_missing, "0 for what is not named"),  # 0 where −1 belongs
            (numbers_sky_defaults_to_day, "0 for what is not named"),  # a missing sky is day
            (numbers_colour_and_shape_only, "an attribute is never found"),  # motion and sky are never looked for
            (numbers_sky_before_motion, "two attributes swapped"),  # sky and motion swapped
            # index [0] of an empty list where an attribute is missing
            (numbers_crash_on_plain_skies, "raised an error"),
            # missing attributes are left out, so the array is shorter
            (numbers_missing_left_out, "left out what is not named"),
            (numbers_from_one, "counted from 1"),  # counts from 1
            (numbers_sky_is_next_to_last, "sky is the last but one"),  # takes the word before the last as the sky
            (numbers_in_the_alphabet, "order of the alphabet"),  # positions in the alphabet
            (numbers_own_list_of_motions, "a value is never found"),  # still is forgotten
            (numbers_two_skies, "a value is never found"),  # handles day and night only, sunset is −1
            # all −1 as soon as one attribute is missing (plain skies, pictures)
            (numbers_all_or_nothing, "all or nothing"),
            (numbers_as_words, "not an array"),  # words, not numbers
            (numbers_of_the_words, "place in the sentence"),  # position in the caption, not in the list
            # return after the first word that was found
            (numbers_return_in_the_loop, ("an attribute is never found", "right only in part")),
            (lambda text: np.array([0, 0, 1, 0]), "the example's numbers"),  # the example's numbers hard-coded
            (numbers_still_if_no_motion, "pictures are still"),  # a picture, which names no motion, is taken as still
            (numbers_by_ending, "a value is never found"),  # the s at the end of words is cut off: cross is never found
        ],
    ),
    "time_of_step": Answers(
        right=[
            lambda k, steps=1000: 1 - (k + 1) / steps,
            lambda k, steps=1000: (steps - 1 - k) / steps,
            time_from_a_table,
            lambda k, steps=1000: 1 - np.asarray(k) / steps - 1 / steps,
        ],
        wrong=[
            (lambda k, steps=1000: 1 - k / steps, "off by one"),  # one step too late: k, not k + 1
            (lambda k, steps=1000: (k + 1) / steps, "time not turned round"),  # the amount of noise, not 1 minus it
            (lambda k, steps=1000: k / steps, "time not turned round, off by one"),  # neither reversed nor k + 1
            # 1000 hard-coded, steps ignored
            (lambda k, steps=1000: 1 - (k + 1) / 1000, "1000 steps whatever is given"),
            (lambda k, steps=1000: 1 - (k + 1) // steps, "cut off"),  # whole-number division
            (lambda k, steps=1000: 1 - k / (steps - 1), "both ends counted"),  # divided by steps − 1
            (lambda k, steps=1000: 1 - k + 1 / steps, "brackets missing"),
            (lambda k, steps=1000: (1 - (k + 1)) / steps, "brackets missing"),  # brackets in the wrong place
            (lambda k, steps=1000: steps * (1 - k) - 1, "inverse"),  # the inverse function
            (lambda k, steps=1000: 1 - (k - 1) / steps, "off by two"),  # k − 1, off in the wrong direction
            (lambda k, steps=1000: 1 - (k + 1) / 4, "4 steps whatever is given"),  # K = 4 hard-coded
            (time_changes_k, "changed its input"),  # k += 1 changes an array
            (time_with_if, "raised an error"),  # if with an array
            (time_for_arrays_only, "raised an error"),  # arrays only
            (lambda k, steps=1000: 1 - (int(k) + 1) / steps, "raised an error"),  # int() of an array
            (time_printed, "printed, not returned"),
            (lambda k, steps=1000: np.round(1 - (k + 1) / steps, 2), "rounded"),  # rounded to two decimals
            (lambda k, steps=1000: math.fabs(1 - (k + 1) / steps), "raised an error"),  # math with an array
            # a number comes back as an array of one
            (lambda k, steps=1000: 1 - (np.atleast_1d(k) + 1) / steps, "axis of length 1"),
            # the length of k taken for steps
            (lambda k, steps=1000: 1 - (k + 1) / len(k), "the length of k for steps"),
        ],
    ),
    "step_1_learned": Answers(
        right=[[38, 22], (24 + 4 + 4 + 6, 10 + 12), np.array([38, 22])],
        wrong=[
            ([22, 38], "red and blue swapped"),  # blue first
            ([32, 16], "forgot the biases"),  # biases forgotten
            ([34, 22], "forgot the keys"),  # query and key counted as one matrix
            ([60, 22], "one of the two is the total"),  # red contains blue
            ([30, 22], "forgot step 8"),  # step 8 forgotten
            ([38, 10], "forgot the decoder"),  # decoder forgotten
            ([38, 16], "forgot the frozen biases"),  # biases of the frozen ones forgotten
            ([4, 4], "counted matrices"),  # counts matrices and rows of the table
            ([32, 22], "six red numbers missing"),  # red biases forgotten
            ([38, 60], "one of the two is the total"),  # second is the total
            ([48, 12], "encoder taken for learned"),  # the encoder counted as red
        ],
    ),
    "central_difference": Answers(
        right=[slopes_flat, slopes_with_moves, slopes_put_back],
        wrong=[
            (slopes_one_sided, "one side only"),  # one-sided: f(x + h) − f(x)
            (slopes_looking_back, "one side only, downward"),  # one-sided: f(x) − f(x − h)
            (slopes_over_one_step, "forgot the 2"),  # divided by step, not 2 · step
            (slopes_never_put_back, "never put back"),  # the entry stays moved down when the next one is measured
            (slopes_of_all_moved_together, "all entries at once"),  # all entries moved together
            (slopes_without_copies, "no copies"),  # no copies: up and down are x itself
            (slopes_of_whole_rows, "whole rows moved"),  # moves whole rows
            (slopes_of_a_matrix_only, "raised an error"),  # matrices only
            (slopes_own_step, "own step"),  # ignores step
            (slopes_return_in_the_loop, "only the first slope"),  # return inside the loop
            (slopes_times_step, "divided by 2, times the step"),  # / 2 * step divides by 2, then multiplies
            (slopes_half_a_step, "half a step"),  # moves by half a step
            (slopes_relative_step, "moved by a share of the entry"),  # moves by a share of the entry
            (slopes_as_one_list, "not in the shape of x"),  # flat, not in x's shape
            (slopes_overwritten, "only the last slope"),  # slopes = instead of slopes[index] =
            (lambda f, x, step: -slopes_flat(f, x, step), "sign"),  # sign: down minus up
            (lambda f, x, step: abs(slopes_flat(f, x, step)), "absolute value"),  # absolute values
            # one number, all entries moved
            (lambda f, x, step: (f(x + step) - f(x - step)) / (2 * step), "all entries at once, one number"),
            (slopes_of_one_or_two_axes, "whole rows moved"),  # one or two axes only
            (slopes_of_a_row, "rounded"),  # rounded to one decimal
        ],
    ),
}
