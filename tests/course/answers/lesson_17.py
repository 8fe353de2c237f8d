"""Answers to the exercises of lesson 17, as students write them."""

import math

import numpy as np
from answers_of import Answers

FOUR = [32, 20, 16, 16, 32, 32, 16, 32]
EIGHT = [64, 20, 32, 32, 128, 128, 32, 64]

# ----------------------------------------------------------------------------------------- tokens_of_patch


def divided_at_the_end(shape, patch):
    return math.prod(shape) // math.prod(patch)


def as_arrays(shape, patch):
    return int(np.prod(np.array(shape) // np.array(patch)))


def only_the_plane(shape, patch):
    return (shape[1] // patch[1]) * (shape[2] // patch[2])


def size_of_a_patch(shape, patch):
    return patch[0] * patch[1] * patch[2]


def summed(shape, patch):
    return sum(a // b for a, b in zip(shape, patch, strict=True))


def latents(shape, patch):
    return np.prod(shape)


# ------------------------------------------------------------------------------ block_multiply_accumulates


def layer_by_layer(tokens, width, mlp_ratio=4):
    T, D, M = tokens, width, mlp_ratio * width
    linear = [(T, D, 3 * D), (T, D, D), (T, D, M), (T, M, D), (1, D, 6 * D)]
    return sum(rows * inputs * outputs for rows, inputs, outputs in linear) + 2 * T * T * D


def collapsed(tokens, width, mlp_ratio=4):
    return width * (tokens * width * (4 + 2 * mlp_ratio) + 2 * tokens**2 + 6 * width)


def linear_layers_alone(tokens, width, mlp_ratio=4):
    return tokens * width**2 * (4 + 2 * mlp_ratio) + 6 * width**2


def no_values(tokens, width, mlp_ratio=4):
    return linear_layers_alone(tokens, width, mlp_ratio) + tokens**2 * width


def every_token_modulates(tokens, width, mlp_ratio=4):
    return tokens * width**2 * (10 + 2 * mlp_ratio) + 2 * tokens**2 * width


def ratio_ignored(tokens, width, mlp_ratio=4):
    return 12 * tokens * width**2 + 2 * tokens**2 * width + 6 * width**2


def no_modulation(tokens, width, mlp_ratio=4):
    return tokens * width**2 * (4 + 2 * mlp_ratio) + 2 * tokens**2 * width


def no_projection(tokens, width, mlp_ratio=4):
    return collapsed(tokens, width, mlp_ratio) - tokens * width**2


def flops(tokens, width, mlp_ratio=4):
    return 2 * collapsed(tokens, width, mlp_ratio)


# ---------------------------------------------------------------------------------------- block_parameters


def shapes(width, mlp_ratio=4):
    D, M = width, mlp_ratio * width
    return sum(i * o + o for i, o in ((D, 3 * D), (D, D), (D, M), (M, D), (D, 6 * D)))


def no_biases(width, mlp_ratio=4):
    return (10 + 2 * mlp_ratio) * width**2


def not_modulated(width, mlp_ratio=4):
    return shapes(width, mlp_ratio) - 6 * width * (width + 1)


def usual_ratio(width, mlp_ratio=4):
    return shapes(width)


def only_fc1(width, mlp_ratio=4):
    return shapes(width, mlp_ratio) - mlp_ratio * width * width - width


# --------------------------------------------------------------------------- training_multiply_accumulates


def step_by_step(forward, batch, steps, recompute=False):
    total = 0
    for _ in range(steps):
        total += batch * (forward + 2 * forward + recompute * forward)
    return total


def there_and_back(forward, batch, steps, recompute=False):
    return (2 + recompute) * forward * batch * steps


def only_there(forward, batch, steps, recompute=False):
    return (1 + recompute) * forward * batch * steps


def not_again(forward, batch, steps, recompute=False):
    return 3 * forward * batch * steps


def one_clip(forward, batch, steps, recompute=False):
    return (3 + recompute) * forward * steps


def one_step(forward, batch, steps, recompute=False):
    return (3 + recompute) * forward * batch


# ------------------------------------------------------------------------------------------- fit_power_law


def by_polyfit(x, y):
    slope, intercept = np.polyfit(np.log(x), np.log(y), 1)
    return np.exp(intercept), -slope


def by_lstsq(x, y):
    columns = np.stack([np.ones(len(x)), -np.log10(x)], axis=1)
    (intercept, exponent), *_ = np.linalg.lstsq(columns, np.log10(y), rcond=None)
    return 10**intercept, exponent


def by_sums(x, y):
    a, b, n = np.log(x), np.log(y), len(x)
    slope = (n * (a * b).sum() - a.sum() * b.sum()) / (n * (a * a).sum() - a.sum() ** 2)
    return math.exp((b.sum() - slope * a.sum()) / n), -slope


def straight_line(x, y):
    slope, intercept = np.polyfit(x, y, 1)
    return intercept, -slope


def exponential(x, y):
    slope, intercept = np.polyfit(x, np.log(y), 1)
    return np.exp(intercept), -slope


def falls_below_zero(x, y):
    scale, exponent = by_polyfit(x, y)
    return scale, -exponent


def still_a_logarithm(x, y):
    slope, intercept = np.polyfit(np.log(x), np.log(y), 1)
    return intercept, -slope


def mixed_bases(x, y):
    slope, intercept = np.polyfit(np.log10(x), np.log10(y), 1)
    return np.exp(intercept), -slope


def first_and_last(x, y):
    slope = (np.log(y[-1]) - np.log(y[0])) / (np.log(x[-1]) - np.log(x[0]))
    return y[0] / x[0] ** slope, -slope


def no_means(x, y):
    a, b = np.log(x), np.log(y)
    slope = (a * b).sum() / (a * a).sum()
    return np.exp(b.mean() - slope * a.mean()), -slope


# ----------------------------------------------------------------------------------------- best_for_budget


def by_loops(budget, costs, steps, losses):
    best = None
    for i in range(len(costs)):
        for j in range(len(steps)):
            if costs[i] * steps[j] <= budget and (best is None or losses[i, j] < losses[best]):
                best = i, j
    return best


def by_sorting(budget, costs, steps, losses):
    for flat in np.argsort(losses, axis=None):
        i, j = np.unravel_index(flat, losses.shape)
        if np.outer(costs, steps)[i, j] <= budget:
            return int(i), int(j)


def money_is_no_object(budget, costs, steps, losses):
    return np.unravel_index(losses.argmin(), losses.shape)


def strictly_below(budget, costs, steps, losses):
    losses = np.where(np.outer(costs, steps) < budget, losses, np.inf)
    return np.unravel_index(losses.argmin(), losses.shape)


def as_large_as_possible(budget, costs, steps, losses):
    affordable = np.outer(costs, steps) <= budget
    model = max(np.flatnonzero(affordable.any(axis=1)))
    return model, max(np.flatnonzero(affordable[model]))


def as_long_as_possible(budget, costs, steps, losses):
    affordable = np.outer(costs, steps) <= budget
    step = max(np.flatnonzero(affordable.any(axis=0)))
    return np.where(affordable, losses, np.inf)[:, step].argmin(), step


def flat(budget, costs, steps, losses):
    best = np.where(np.outer(costs, steps) <= budget, losses, np.inf).argmin()
    return best, best


def turned_round(budget, costs, steps, losses):
    model, step = by_loops(budget, costs, steps, losses)
    return step, model


ANSWERS = {
    "worksheet_products": Answers(
        right=[FOUR, np.array(FOUR, float)],
        wrong=[
            ([8, 4, 8, 8, 16, 8, 8, 16], "size of the result"),
            ([8, 20, 4, 4, 8, 8, 4, 8], "size of the left matrix"),
            ([16, 5, 8, 8, 8, 16, 8, 8], "size of the right matrix"),
            ([64, 40, 32, 32, 64, 64, 32, 64], "two for one"),
        ],
    ),
    "worksheet_twice_as_long": Answers(
        right=[EIGHT],
        wrong=[
            ([64, 40, 32, 32, 64, 64, 32, 64], "everything doubled"),
            ([64, 20, 32, 32, 64, 64, 32, 64], "everything but the condition doubled"),
            ([64, 20, 32, 32, 128, 64, 32, 64], "pooling doubled only"),
            (FOUR, "unchanged"),
        ],
    ),
    "tokens_of_patch": Answers(
        right=[divided_at_the_end, as_arrays],
        wrong=[
            (only_the_plane, "one axis forgotten"),
            (size_of_a_patch, "latents of a patch"),
            (summed, "added up"),
            (latents, "all latents"),
        ],
    ),
    "block_multiply_accumulates": Answers(
        right=[layer_by_layer, collapsed],
        wrong=[
            (linear_layers_alone, "attention forgotten"),
            (no_values, "scores alone"),
            (every_token_modulates, "modulation for every token"),
            (ratio_ignored, "always 4"),
            (no_modulation, "modulation forgotten"),
            (no_projection, "output projection forgotten"),
            (flops, "two for one"),
        ],
    ),
    "block_parameters": Answers(
        right=[shapes],
        wrong=[
            (no_biases, "biases forgotten"),
            (not_modulated, "modulation forgotten"),
            (usual_ratio, "always 4"),
            (only_fc1, "one layer of the feed-forward"),
        ],
    ),
    "training_multiply_accumulates": Answers(
        right=[step_by_step],
        wrong=[
            (there_and_back, "backward as dear as forward"),
            (only_there, "forward alone"),
            (not_again, "recomputation ignored"),
            (one_clip, "batch forgotten"),
            (one_step, "steps forgotten"),
        ],
    ),
    "fit_power_law": Answers(
        right=[by_polyfit, by_lstsq, by_sums],
        wrong=[
            (straight_line, "logarithms forgotten"),
            (exponential, "logarithm of y alone"),
            (falls_below_zero, "sign of the exponent"),
            (still_a_logarithm, "logarithm of the scale"),
            (mixed_bases, "two kinds of logarithm"),
            (first_and_last, "through the ends"),
            (no_means, "not centred"),
        ],
    ),
    "best_for_budget": Answers(
        right=[by_loops, by_sorting],
        wrong=[
            (money_is_no_object, "budget ignored"),
            (strictly_below, "just below"),
            (as_large_as_possible, "last affordable"),
            (as_long_as_possible, "longest training"),
            (flat, "position in one row"),
            (turned_round, "wrong order"),
        ],
    ),
}
