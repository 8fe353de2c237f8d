"""Answers to the exercises of lesson 17, written from its text alone."""

import math

import numpy as np
from answers_of import Answers

PRODUCTS = [32, 20, 16, 16, 32, 32, 16, 32]
OF_8 = [64, 20, 32, 32, 128, 128, 32, 64]


def tokens_loop(shape, patch):
    count = 1
    for length, p in zip(shape, patch, strict=True):
        count *= length // p
    return count


def tokens_prints(shape, patch):
    print(tokens_loop(shape, patch))


def tokens_return_in_the_loop(shape, patch):
    count = 1
    for length, p in zip(shape, patch, strict=True):
        count *= length // p
        return count


def block_by_list(tokens, width, mlp_ratio=4):
    def product(m, k, n):
        return m * k * n

    T, D, M = tokens, width, mlp_ratio * width
    products = [
        product(1, D, 6 * D), product(T, D, 3 * D), product(T, D, T), product(T, T, D), product(T, D, D),
        product(T, D, M), product(T, M, D),
    ]  # fmt: skip
    return sum(products)


def block_prints(tokens, width, mlp_ratio=4):
    print(block_by_list(tokens, width, mlp_ratio))


def block_kept(tokens, width, mlp_ratio=4, products=[]):  # noqa: B006
    T, D, M = tokens, width, mlp_ratio * width
    products += [6 * D * D, 3 * T * D * D, 2 * T * T * D, T * D * D, 2 * T * D * M]
    return sum(products)


def learns_by_layer(width, mlp_ratio=4):
    hidden = mlp_ratio * width
    layers = [(width, 6 * width), (width, 3 * width), (width, width), (width, hidden), (hidden, width)]
    return sum(inputs * outputs + outputs for inputs, outputs in layers)


def training_by_if(forward, batch, steps, recompute=False):
    clip = forward + 2 * forward
    if recompute:
        clip = clip + forward
    return clip * batch * steps


def training_loop(forward, batch, steps, recompute=False):
    total = 0
    for _ in range(steps):
        total += batch * forward * (4 if recompute else 3)
    return total


def training_return_in_the_loop(forward, batch, steps, recompute=False):
    total = 0
    for _ in range(steps):
        total += batch * forward * (3 + recompute)
        return total


def law_by_polyfit(x, y):
    slope, intercept = np.polyfit(np.log(x), np.log(y), 1)
    return np.exp(intercept), -slope


def law_by_closed_form(x, y):
    a, b = np.log10(x), np.log10(y)
    q = ((a - a.mean()) * (b - b.mean())).sum() / ((a - a.mean()) ** 2).sum()
    return 10 ** (b.mean() - q * a.mean()), -q


def law_by_lstsq(x, y):
    columns = np.stack([np.ones(len(x)), np.log2(x)], axis=1)
    (p, q), *_ = np.linalg.lstsq(columns, np.log2(y), rcond=None)
    return float(2**p), float(-q)


def law_with(q=None, p=None, result=lambda p, q: (np.exp(p), -q), log=np.log):
    """law_by_closed_form with one mistake."""

    def fit(x, y):
        a, b = log(x), log(y)
        slope = (q or (lambda a, b: np.polyfit(a, b, 1)[0]))(a, b)
        level = (p or (lambda a, b, q: b.mean() - q * a.mean()))(a, b, slope)
        return result(level, slope)

    return fit


def law_in_place(x, y):
    x[...] = np.log(x)
    y[...] = np.log(y)
    slope, intercept = np.polyfit(x, y, 1)
    return np.exp(intercept), -slope


def law_math_log(x, y):
    slope, intercept = np.polyfit(math.log(x), math.log(y), 1)
    return np.exp(intercept), -slope


def law_arithmetic_scale(x, y):
    exponent = -np.polyfit(np.log(x), np.log(y), 1)[0]
    return np.mean(y * x**exponent), exponent


def law_cov_and_var(x, y):
    a, b = np.log(x), np.log(y)
    q = np.cov(a, b)[0, 1] / a.var()
    return np.exp(b.mean() - q * a.mean()), -q


def law_least_squares_of_y(x, y):
    scale, exponent = law_by_polyfit(x, y)
    for _ in range(50):
        fitted = scale * x**-exponent
        slopes = np.stack([fitted / scale, -fitted * np.log(x)], axis=1)
        step = np.linalg.lstsq(slopes, y - fitted, rcond=None)[0]
        scale, exponent = scale + step[0], exponent + step[1]
    return scale, exponent


def best_by_loops(budget, costs, steps, losses):
    best, where = math.inf, None
    for n, cost in enumerate(costs):
        for s, count in enumerate(steps):
            if cost * count <= budget and losses[n][s] < best:
                best, where = losses[n][s], (n, s)
    return where


def best_by_table(budget, costs, steps, losses):
    affordable = np.outer(costs, steps) <= budget
    return np.unravel_index(np.argmin(np.where(affordable, losses, np.inf)), losses.shape)


def best_by_sorting(budget, costs, steps, losses):
    for flat in np.argsort(losses, axis=None):
        n, s = divmod(int(flat), len(steps))
        if costs[n] * steps[s] <= budget:
            return n, s


def best_with(affordable=None, values=None, ending=None):
    """best_by_table with one mistake."""

    def best(budget, costs, steps, losses):
        cost = np.outer(costs, steps)
        can = (affordable or (lambda cost, budget: cost <= budget))(cost, budget)
        table = (values or (lambda can, losses, cost: np.where(can, losses, np.inf)))(can, losses, cost)
        return (ending or (lambda table: np.unravel_index(table.argmin(), table.shape)))(table)

    return best


def best_in_place(budget, costs, steps, losses):
    losses[np.outer(costs, steps) > budget] = np.inf
    return np.unravel_index(losses.argmin(), losses.shape)


def best_first_affordable(budget, costs, steps, losses):
    for n in range(len(costs)):
        for s in range(len(steps)):
            if costs[n] * steps[s] <= budget:
                return n, s


def best_longest_of_each(budget, costs, steps, losses):
    found = []
    for n, cost in enumerate(costs):
        can = [s for s in range(len(steps)) if cost * steps[s] <= budget]
        if can:
            longest = max(can, key=lambda s: steps[s])
            found.append((losses[n][longest], n, longest))
    return min(found)[1:]


def best_largest_network(budget, costs, steps, losses):
    can = np.outer(costs, steps) <= budget
    n = max((n for n in range(len(costs)) if can[n].any()), key=lambda n: costs[n])
    return n, int(np.where(can[n], losses[n], np.inf).argmin())


def best_from_one(budget, costs, steps, losses):
    best, where = 1.0, (0, 0)
    for n, cost in enumerate(costs):
        for s, count in enumerate(steps):
            if cost * count <= budget and losses[n, s] < best:
                best, where = losses[n, s], (n, s)
    return where


def best_never_updates(budget, costs, steps, losses):
    best, where = np.inf, None
    for n, cost in enumerate(costs):
        for s, count in enumerate(steps):
            if cost * count <= budget and losses[n, s] < best:
                where = (n, s)
    return where


def best_breaks(budget, costs, steps, losses):
    best, where = np.inf, None
    for n, cost in enumerate(costs):
        for s, count in enumerate(steps):
            if cost * count > budget:
                break
            if losses[n, s] < best:
                best, where = losses[n, s], (n, s)
    return where


def best_if_array(budget, costs, steps, losses):
    if np.outer(costs, steps) <= budget:
        return np.unravel_index(losses.argmin(), losses.shape)


def best_turned_table(budget, costs, steps, losses):
    cost = steps[:, None] * costs[None]
    return np.unravel_index(np.where(cost <= budget, losses, np.inf).argmin(), losses.shape)


ANSWERS = {
    "worksheet_products": Answers(
        right=[PRODUCTS, np.array(PRODUCTS, float), tuple(PRODUCTS)],
        wrong=[
            ([2 * n for n in PRODUCTS], "two for one"),  # flops: everything twice
            ([8, 4, 8, 8, 16, 8, 8, 16], "size of the result"),  # only the numbers in each result
            ([8, 20, 4, 4, 8, 8, 4, 8], "size of the left matrix"),  # only the numbers in each left matrix
            (PRODUCTS[::-1], "wrong places"),  # order reversed
            ([32, 20, 16, 16, 16, 32, 16, 32], "a side forgotten"),  # scores: one 4 forgotten
            ([32, 20, 16, 16, 32, 64, 16, 32], "a side too long"),  # pooling: 4 × 4 × 4
            ([32, 4, 16, 16, 32, 32, 16, 32], "a side forgotten"),  # scale and shift: shared side forgotten
            ([32, 20, 16, 16, 32, 32, 16, 16], "a side forgotten"),  # decode: 2 × 2 × 4
            ([10, 10, 8, 8, 10, 10, 8, 10], "sides added"),
            ([32, 16, 16, 20, 32, 32, 16, 32], "wrong places"),  # two of them in each other's place
            ([32, 80, 16, 16, 32, 32, 16, 32], "condition for each patch"),  # scale and shift counted for each patch
            ([28, 16, 8, 8, 16, 24, 8, 16], None),  # only the additions: one fewer for each result, with a slip
            (196, "added up"),  # only the sum
            ([32, 20, 16, 32, 32, 16, 32], "one left out"),  # keys left out
        ],
    ),
    "worksheet_twice_as_long": Answers(
        right=[OF_8, np.array(OF_8), tuple(map(float, OF_8))],
        wrong=[
            ([2 * n for n in PRODUCTS], "everything doubled"),
            # scores and pooling only doubled
            ([64, 20, 32, 32, 64, 64, 32, 64], "everything but the condition doubled"),
            (PRODUCTS, "unchanged"),  # nothing changed
            ([64, 40, 32, 32, 128, 128, 32, 64], "condition doubled"),
            ([64, 20, 32, 32, 128, 64, 32, 64], "pooling doubled only"),  # pooling only doubled
            ([64, 20, 32, 32, 64, 128, 32, 64], "scores doubled only"),  # scores only doubled
            ([4 * n for n in PRODUCTS], "everything four times"),
            ([64, 20, 32, 32, 256, 256, 32, 64], "attention eight times"),
            ([32, 20, 16, 16, 128, 128, 16, 32], "attention alone"),  # only attention grows
            ([128, 20, 64, 64, 128, 128, 64, 128], "layers four times"),  # layers four times as well
            (OF_8[::-1], "wrong places"),  # order reversed
            ([64, 20, 32, 32, 128, 128, 32, 46], None),  # digits swapped
            (500, "added up"),  # only the sum
            ([64, 20, 32, 32, 128, 128, 32, 128], "a layer four times"),  # decode four times
        ],
    ),
    "tokens_of_patch": Answers(
        right=[
            tokens_loop,
            lambda shape, patch: math.prod(shape) // math.prod(patch),
            lambda shape, patch: np.prod(np.array(shape) // np.array(patch)),
            lambda shape, patch: math.prod(shape) / math.prod(patch),
            lambda shape, patch: shape[0] // patch[0] * shape[1] // patch[1] * shape[2] // patch[2],
        ],
        wrong=[
            (lambda shape, patch: math.prod(shape), "all latents"),  # patch ignored
            # first axis of the patch only
            (lambda shape, patch: math.prod(shape) // patch[0], "divided along one axis"),
            # square patches of one frame only
            (lambda shape, patch: math.prod(shape) // patch[1] ** 2, "patch of one frame"),
            (lambda shape, patch: math.prod(shape) // patch[0] ** 3, "cubes"),  # cubic patches only
            # divided by the sum of the sides
            (lambda shape, patch: math.prod(shape) // sum(patch), "divided by a sum"),
            # sum instead of product
            (lambda shape, patch: sum(s // p for s, p in zip(shape, patch, strict=True)), "added up"),
            # the grid
            (lambda shape, patch: tuple(s // p for s, p in zip(shape, patch, strict=True)), "other number of results"),
            # frames forgotten
            (lambda shape, patch: (shape[1] // patch[1]) * (shape[2] // patch[2]), "one axis forgotten"),
            (lambda shape, patch: shape[0] * (shape[1] // patch[1]) * (shape[2] // patch[2]), "patch of one frame"),
            (lambda shape, patch: shape[0] // patch[0], "one axis alone"),  # only the frames
            (lambda shape, patch: math.prod(patch), "latents of a patch"),  # numbers in a patch
            (lambda shape, patch: math.prod(s * p for s, p in zip(shape, patch, strict=True)), "multiplied"),
            (
                lambda shape, patch: math.prod(s - p + 1 for s, p in zip(shape, patch, strict=True)),
                "patches that overlap",
            ),
            (lambda shape, patch: math.prod(s // p + 1 for s, p in zip(shape, patch, strict=True)), "one too many"),
            # reverse order
            (
                lambda shape, patch: math.prod(s // p for s, p in zip(shape, patch[::-1], strict=True)),
                "patch in reverse",
            ),
            (lambda shape, patch: shape // patch, "raised an error"),  # divides tuples
            (lambda shape, patch: np.array(shape) // np.array(patch), "the grid"),  # an array: the product forgotten
            (tokens_prints, "printed, not returned"),  # prints instead of returning
            (tokens_return_in_the_loop, "one axis alone"),  # return inside the loop
        ],
    ),
    "block_multiply_accumulates": Answers(
        right=[
            block_by_list,
            lambda tokens, width, mlp_ratio=4: (
                (4 + 2 * mlp_ratio) * tokens * width**2 + 2 * tokens**2 * width + 6 * width**2
            ),
            lambda tokens, width, mlp_ratio=4: (
                width * (6 * width + tokens * (2 * tokens + width * (4 + mlp_ratio + mlp_ratio)))
            ),
        ],
        wrong=[
            (lambda T, D, r=4: 12 * T * D**2 + 2 * T**2 * D + 6 * D**2, "always 4"),  # ratio of 4 hard-coded
            (lambda T, D, r=4: (4 + 2 * r) * T * D**2 + 2 * T**2 * D, "modulation forgotten"),
            (lambda T, D, r=4: (10 + 2 * r) * T * D**2 + 2 * T**2 * D, "modulation for every token"),
            # only one of attention's products
            (lambda T, D, r=4: (4 + 2 * r) * T * D**2 + T**2 * D + 6 * D**2, "scores alone"),
            # T instead of T²
            (lambda T, D, r=4: (4 + 2 * r) * T * D**2 + 2 * T * D + 6 * D**2, "attention linear in T"),
            # D² in attention
            (lambda T, D, r=4: (4 + 2 * r) * T * D**2 + 2 * T**2 * D**2 + 6 * D**2, "attention with D²"),
            # D forgotten in attention
            (lambda T, D, r=4: (4 + 2 * r) * T * D**2 + 2 * T**2 + 6 * D**2, "attention without D"),
            # flops: twice too large
            (lambda T, D, r=4: 2 * ((4 + 2 * r) * T * D**2 + 2 * T**2 * D + 6 * D**2), "two for one"),
            (lambda T, D, r=4: (4 + r) * T * D**2 + 2 * T**2 * D + 6 * D**2, "one layer of the feed-forward"),
            # one of queries, keys, values
            (lambda T, D, r=4: (2 + 2 * r) * T * D**2 + 2 * T**2 * D + 6 * D**2, "queries alone"),
            # projection forgotten
            (lambda T, D, r=4: (3 + 2 * r) * T * D**2 + 2 * T**2 * D + 6 * D**2, "output projection forgotten"),
            (lambda T, D, r=4: (4 + r * r) * T * D**2 + 2 * T**2 * D + 6 * D**2, "M · M"),  # M · M in the feed-forward
            # mlp_ratio taken for M
            (lambda T, D, r=4: 4 * T * D**2 + 2 * r * T * D + 2 * T**2 * D + 6 * D**2, "mlp_ratio for M"),
            # modulation 6 · D
            (lambda T, D, r=4: (4 + 2 * r) * T * D**2 + 2 * T**2 * D + 6 * D, "modulation without its inputs"),
            # modulation D²
            (lambda T, D, r=4: (4 + 2 * r) * T * D**2 + 2 * T**2 * D + D**2, "modulation with fewer outputs"),
            # pairs of tokens, once each
            (lambda T, D, r=4: (4 + 2 * r) * T * D**2 + T * (T - 1) * D + 6 * D**2, "pairs once"),
            (lambda D, T, r=4: (4 + 2 * r) * T * D**2 + 2 * T**2 * D + 6 * D**2, "tokens and width swapped"),
            (lambda T, D, r=4: (4 + 2 * r) * D**2 + 2 * D + 6 * D**2, "one token"),  # one token only
            (lambda T, D, r=4: block_by_list(T, D, r) + (11 + r) * D, "biases counted"),  # biases added
            (lambda T, D, r=4: block_by_list(T, D, r) / 1e9, "in another unit"),  # in billions
            (block_prints, "printed, not returned"),  # prints instead of returning
            (block_kept, "other numbers each time"),  # a list as default: products of earlier calls stay in it
        ],
    ),
    "block_parameters": Answers(
        right=[
            learns_by_layer,
            lambda width, mlp_ratio=4: (10 + 2 * mlp_ratio) * width**2 + (11 + mlp_ratio) * width,
            lambda width, mlp_ratio=4: (
                10 * width * (width + 1) + mlp_ratio * width * (width + 1) + width * (mlp_ratio * width + 1)
            ),
        ],
        wrong=[
            (lambda D, r=4: (10 + 2 * r) * D**2, "biases forgotten"),  # no biases
            (lambda D, r=4: (4 + 2 * r) * D**2 + (5 + r) * D, "modulation forgotten"),
            (lambda D, r=4: 18 * D**2 + 15 * D, "always 4"),  # ratio of 4 hard-coded
            (lambda D, r=4: (10 + 2 * r) * D**2 + 5 * D, "D biases for each layer"),  # D biases in each of five layers
            (lambda D, r=4: (8 + 2 * r) * D**2 + (9 + r) * D, "queries alone"),  # one of queries, keys and values
            # no biases for queries, keys and values
            (lambda D, r=4: (10 + 2 * r) * D**2 + (8 + r) * D, "some biases forgotten"),
            (lambda D, r=4: (10 + 2 * r) * D**2 + 11 * D, "some biases forgotten"),  # hidden layer's biases forgotten
            # modulation's biases forgotten
            (lambda D, r=4: (10 + 2 * r) * D**2 + (5 + r) * D, "some biases forgotten"),
            # both layers have M biases
            (lambda D, r=4: (10 + 2 * r) * D**2 + (10 + 2 * r) * D, "biases of both feed-forward layers M"),
            (lambda D, r=4: (10 + r) * D**2 + (10 + r) * D, "one layer of the feed-forward"),
            (lambda D, r=4: (10 + 2 * r) * D**2 + (15 + r) * D, "gains of the norms"),  # adds norms' gains and shifts
            (lambda D, r=4: (9 + 2 * r) * D**2 + (10 + r) * D, "output projection forgotten"),  # projection forgotten
            # modulation makes 2 · D
            (lambda D, r=4: (6 + 2 * r) * D**2 + (7 + r) * D, "modulation with fewer outputs"),
            (lambda D, r=4: (10 + r * r) * D**2 + (11 + r) * D, "M · M"),  # M · M in the feed-forward
            (lambda D, r=4: 10 * D**2 + 2 * r * D + 11 * D + r, "mlp_ratio for M"),  # mlp_ratio taken for M
            (lambda D, r=4: 10 * D**2 + 2 * r * D**2 + 11 + r, "biases without D"),  # biases counted without D
            (lambda D, r=4: (10 + 2 * r) * D**2 + 5, "one bias for each layer"),
            (lambda D, r=4: 2 * ((10 + 2 * r) * D**2 + (11 + r) * D), "twice"),  # weights and gradients: twice
            # a list, not added up
            (lambda D, r=4: [D * 6 * D, D * 3 * D, D * D, D * r * D, r * D * D], ("not added up", "not an array")),
            # D * 2 instead of D ** 2
            (lambda D, r=4: (10 + 2 * r) * D * 2 + (11 + r) * D, "doubled instead of squared"),
        ],
    ),
    "training_multiply_accumulates": Answers(
        right=[
            training_by_if,
            lambda forward, batch, steps, recompute=False: (3 + int(recompute)) * forward * batch * steps,
            training_loop,
        ],
        wrong=[
            # backward counted once
            (lambda f, b, s, recompute=False: (2 + recompute) * f * b * s, "backward as dear as forward"),
            (lambda f, b, s, recompute=False: (1 + recompute) * f * b * s, "forward alone"),  # backward forgotten
            (lambda f, b, s, recompute=False: 3 * f * b * s, "recomputation ignored"),  # recompute ignored
            # recomputes everything
            (lambda f, b, s, recompute=False: (6 if recompute else 3) * f * b * s, "recomputation of everything"),
            # forward recomputed twice
            (lambda f, b, s, recompute=False: (5 if recompute else 3) * f * b * s, "two more forwards"),
            # recompute turned round
            (lambda f, b, s, recompute=False: (3 if recompute else 4) * f * b * s, "the wrong way round"),
            # recompute saves a forward
            (lambda f, b, s, recompute=False: (2 if recompute else 3) * f * b * s, "recomputation saves"),
            (lambda f, b, s, recompute=False: (3 + recompute) * f * s, "batch forgotten"),  # batch ignored
            (lambda f, b, s, recompute=False: (3 + recompute) * f * b, "steps forgotten"),  # steps ignored
            # recomputed once in all
            (lambda f, b, s, recompute=False: 3 * f * b * s + recompute * f, "recomputed too rarely"),
            # recomputed for one clip a step
            (lambda f, b, s, recompute=False: 3 * f * b * s + recompute * f * s, "recomputed too rarely"),
            # recompute added as a number
            (lambda f, b, s, recompute=False: 3 * f * b * s + recompute, "recompute as a number"),
            (lambda f, b, s, recompute=False: f * b * s + 2 * f * s + recompute * f * b * s, "backward of one clip"),
            (lambda f, b, s, recompute=False: 2 * (3 + recompute) * f * b * s, "two for one"),  # flops
            (lambda f, b, s, recompute=False: (3 + recompute) * f * (b + s), "added"),  # batch + steps
            (lambda f, b, s, recompute=False: (3 + recompute) * f * s // b, "divided by the batch"),
            (lambda f, b, s, recompute=False: f**2 * b * s, "forward squared"),  # squared
            (lambda f, b, s, recompute=True: 4 * f * b * s, "always recomputed"),  # always recomputes
            (lambda f, b, s: 3 * f * b * s, "other arguments"),  # argument missing
            (training_return_in_the_loop, "steps forgotten"),  # return inside the loop
        ],
    ),
    "fit_power_law": Answers(
        right=[law_by_polyfit, law_by_closed_form, law_by_lstsq],
        wrong=[
            (law_with(result=lambda p, q: (np.exp(p), q)), "sign of the exponent"),
            (law_with(result=lambda p, q: (p, -q)), "logarithm of the scale"),  # scale is still a logarithm
            (law_with(result=lambda p, q: (-q, np.exp(p))), "wrong order"),  # order swapped
            # 10 to the power of a natural logarithm
            (law_with(result=lambda p, q: (10**p, -q)), "two kinds of logarithm"),
            # e to the power of a decimal logarithm
            (law_with(result=lambda p, q: (np.exp(p), -q), log=np.log10), "two kinds of logarithm"),
            (law_with(result=lambda p, q: (np.exp(q), -p)), "level and slope swapped"),  # p and q swapped
            # exponential of the exponent, too
            (law_with(result=lambda p, q: (np.exp(p), np.exp(-q))), "exponential of the exponent"),
            (law_with(result=lambda p, q: (np.exp(-p), -q)), "one over the scale"),
            # slope from first and last point only
            (law_with(q=lambda a, b: (b[-1] - b[0]) / (a[-1] - a[0])), "two points alone"),
            # slope from the first two points only
            (law_with(q=lambda a, b: (b[1] - b[0]) / (a[1] - a[0])), "two points alone"),
            # mean of the slopes between neighbours
            (law_with(q=lambda a, b: np.mean(np.diff(b) / np.diff(a))), "mean of slopes"),
            (law_with(q=lambda a, b: (a * b).sum() / (a**2).sum()), "not centred"),  # means not subtracted
            (law_with(q=lambda a, b: np.polyfit(b, a, 1)[0]), "the other way round"),  # slope of log x on log y
            (law_with(q=lambda a, b: np.corrcoef(a, b)[0, 1]), "correlation"),  # correlation instead of the slope
            # (sum)²
            (
                law_with(q=lambda a, b: ((a - a.mean()) * (b - b.mean())).sum() / (a - a.mean()).sum() ** 2),
                "square of the sum",
            ),
            (law_with(p=lambda a, b, q: b.mean() + q * a.mean()), "another level"),  # sign slip in p
            (law_with(p=lambda a, b, q: b[0] - q * a[0]), "another level"),  # line through the first point
            (law_with(p=lambda a, b, q: b[0]), "another level"),  # scale is the first y
            (law_with(p=lambda a, b, q: b.mean()), "another level"),  # scale is the mean of y
            (law_with(log=lambda values: values, result=lambda p, q: (p, -q)), "logarithms forgotten"),  # no logarithms
            # x not logarithmic
            (
                lambda x, y: (lambda line: (np.exp(line[1]), -line[0]))(np.polyfit(x, np.log(y), 1)),
                "logarithm of y alone",
            ),
            (lambda x, y: -np.polyfit(np.log(x), np.log(y), 1)[0], "other number of results"),  # exponent only
            (lambda x, y: np.polyfit(np.log(x), np.log(y), 1), "other number of results"),  # the line's slope and level
            (law_cov_and_var, "sum and mean"),  # cov divides by N − 1, var by N
            (law_arithmetic_scale, "another level"),  # scale as an arithmetic mean, not by the logarithms
            (law_math_log, "raised an error"),  # math.log of an array
            # exponent always positive
            (law_with(result=lambda p, q: (np.exp(p), abs(q))), "exponent without its sign"),
            (law_with(result=lambda p, q: (round(np.exp(p), 2), round(-q, 2))), "rounded"),  # rounded to two digits
            # sorts x and y apart from each other
            (lambda x, y: law_by_polyfit(np.sort(x), np.sort(y)[::-1]), "sorted apart"),
            (law_least_squares_of_y, "squares of y itself"),  # least squares of y itself, not of its logarithm
            (law_in_place, "changed its input"),  # changes x and y in place
        ],
    ),
    "best_for_budget": Answers(
        right=[
            best_by_loops, best_by_table, best_by_sorting, lambda *inputs: [int(i) for i in best_by_table(*inputs)],
        ],
        wrong=[
            (best_with(ending=lambda table: table.argmin()), "other number of results"),  # flat index
            (best_with(values=lambda can, losses, cost: losses), "budget ignored"),
            (best_with(affordable=lambda cost, budget: cost < budget), "just below"),  # whole budget not allowed
            # only the too expensive ones
            (best_with(affordable=lambda cost, budget: cost >= budget), "the too expensive ones"),
            # expensive losses 0
            (
                best_with(values=lambda can, losses, cost: np.where(can, losses, 0)),
                "another number for the expensive ones",
            ),
            # expensive losses multiplied away
            (best_with(values=lambda can, losses, cost: losses * can), "another number for the expensive ones"),
            # expensive losses −∞
            (
                best_with(values=lambda can, losses, cost: np.where(can, losses, -np.inf)),
                "another number for the expensive ones",
            ),
            # expensive losses 1
            (
                best_with(values=lambda can, losses, cost: np.where(can, losses, 1)),
                "another number for the expensive ones",
            ),
            (best_with(values=lambda can, losses, cost: np.where(can, cost, np.inf)), "cheapest"),
            (best_with(values=lambda can, losses, cost: np.where(can, -cost, np.inf)), "most expensive"),
            (
                best_with(
                    values=lambda can, losses, cost: np.where(can, losses, -np.inf),
                    ending=lambda table: np.unravel_index(table.argmax(), table.shape),
                ),
                "the worst",  # largest loss
            ),
            # order swapped
            (best_with(ending=lambda table: np.unravel_index(table.argmin(), table.shape)[::-1]), "wrong order"),
            # shape turned round
            (best_with(ending=lambda table: np.unravel_index(table.argmin(), table.T.shape)), "table turned round"),
            # argmin along each axis
            (best_with(ending=lambda table: (table.argmin(axis=0), table.argmin(axis=1))), "along each axis"),
            (best_with(ending=lambda table: table.min()), "other number of results"),  # the loss itself
            # network only
            (
                best_with(ending=lambda table: np.unravel_index(table.argmin(), table.shape)[0]),
                "other number of results",
            ),
            (
                lambda budget, costs, steps, losses: best_with()(budget, costs, np.ones(len(steps)), losses),
                "cost of a step alone",  # cost of one step only
            ),
            (
                lambda budget, costs, steps, losses: np.unravel_index(
                    np.where(costs[:, None] + steps <= budget, losses, np.inf).argmin(), losses.shape
                ),
                "costs added",  # cost + steps
            ),
            (
                lambda budget, costs, steps, losses: (
                    lambda found: (costs[found[0]], steps[found[1]])
                )(best_by_loops(budget, costs, steps, losses)),
                "values, not positions",  # cost and number of steps instead of indices
            ),
            (best_turned_table, "raised an error"),  # table of costs turned round
            (best_in_place, "changed its input"),  # writes infinity into losses
            (best_first_affordable, "first affordable"),  # first affordable one
            (best_longest_of_each, "longest training of each"),  # takes for granted that more steps are better
            (best_largest_network, "largest model"),  # takes for granted that the largest network is best
            (best_from_one, "not below 1"),  # no loss above 1 is ever found
            (best_breaks, "steps taken for sorted"),  # takes for granted that steps are sorted
            (best_never_updates, "last affordable"),  # forgets to keep the best loss
            (best_if_array, "raised an error"),  # if of an array
        ],
    ),
}
