"""Lesson 17: scaling. What a network costs in multiply-accumulates and parameters, and what more of it buys."""

from math import prod

import numpy as np

from minidit.course.exercise import Exercise, Numbers, Slip, Trial, at_random, by_hand
from minidit.experiments.fits import power_law
from minidit.models.block import dit_block_shapes
from minidit.models.cost import matrix_products
from minidit.models.dit import DiTSettings

# T = tokens, D = width, M = hidden numbers of the feed-forward network; N = models

LESSON = 17
SIDES = {  # of the worksheet's products: (rows, inner, columns), with n patches in the place of "n"
    "encode": (2, 4, "n"),
    "scale and shift": (4, 5, 1),
    "queries": (2, 2, "n"),
    "keys": (2, 2, "n"),
    "scores": ("n", 2, "n"),
    "pooling": (2, "n", "n"),
    "feed-forward": (2, 2, "n"),
    "decode": (4, 2, "n"),
}
PATCHES = 4

# -------------------------------------------------------------------------------------- 17.1 and 17.2 by hand


def worksheet_counts(patches, count=prod):
    """What each product of the worksheet takes."""
    return np.array([count([patches if side == "n" else side for side in sides]) for sides in SIDES.values()])


def explain_product(index):
    """How to compute an entry."""
    name = list(SIDES)[index[0]]
    rows, inner, columns = ("patches" if side == "n" else side for side in SIDES[name])
    return f"{name}: a matrix of {rows} × {inner}, times one of {inner} × {columns}."


WORKSHEET_PRODUCTS = Numbers(
    "worksheet_products", LESSON, "what the worksheet costs", lambda: worksheet_counts(PATCHES), explain_product,
    slips=(
        Slip(
            "size of the result", lambda: worksheet_counts(PATCHES, lambda sides: sides[0] * sides[2]),
            "it counts the numbers of the result",
            "Each result is a sum of products, one for each number in a row of the left matrix.",
        ),
        Slip(
            "size of the left matrix", lambda: worksheet_counts(PATCHES, lambda sides: sides[0] * sides[1]),
            "it counts the numbers of the left matrix", "Each of them is used once for every column of the right one.",
        ),
        Slip(
            "size of the right matrix", lambda: worksheet_counts(PATCHES, lambda sides: sides[1] * sides[2]),
            "it counts the numbers of the right matrix", "Each of them is used once for every row of the left one.",
        ),
        Slip(
            "two for one", lambda: 2 * worksheet_counts(PATCHES),
            "each is twice what it should be", "A multiplication with its addition counts as one here.",
        ),
    ),
    difficulty=1, minutes=5,
)  # fmt: skip

WORKSHEET_TWICE_AS_LONG = Numbers(
    "worksheet_twice_as_long", LESSON, "what a video of twice the length costs", lambda: worksheet_counts(2 * PATCHES),
    explain_product,
    slips=(
        Slip(
            "everything doubled", lambda: 2 * worksheet_counts(PATCHES),
            "everything was doubled",
            "Some products don't depend on the patches at all; in others, two sides count patches.",
        ),
        Slip(
            "everything but the condition doubled",
            lambda: worksheet_counts(PATCHES) * np.where(np.array(list(SIDES)) == "scale and shift", 1, 2),
            "the products of patches with patches are too small", "Every patch asks every other: both sides doubled.",
        ),
        Slip(
            "pooling doubled only",
            lambda: np.where(
                np.array(list(SIDES)) == "pooling", 2 * worksheet_counts(PATCHES), worksheet_counts(2 * PATCHES)
            ),
            "pooling has only doubled", "It sums over all patches, for every patch.",
        ),
        Slip(
            "unchanged", lambda: worksheet_counts(PATCHES), "these are the numbers for 4 patches",
            "Now there are 8.",
        ),
    ),
    difficulty=1, minutes=4,
)  # fmt: skip

# ------------------------------------------------------------------------------------------------- 17.3 tokens


def tokens_of_patch(shape, patch):
    """How many tokens: the patches that fit along each axis, multiplied."""
    return np.array(prod(size // step for size, step in zip(shape, patch, strict=True)))


TOKENS_OF_PATCH = Exercise(
    "tokens_of_patch", LESSON, "how many tokens a patch makes", ("tokens",), tokens_of_patch,
    trials=(
        by_hand((8, 4, 4), (8, 1, 1)), by_hand((8, 4, 4), (4, 2, 2)), at_random(lambda rng: ((12, 15, 14), (3, 5, 2))),
    ),
    slips=(
        Slip(
            "one axis forgotten", lambda shape, patch: np.array(prod(shape[1:]) // prod(patch[1:])),
            "the frames are missing", "A patch spans frames too: there are three axes.",
        ),
        Slip(
            "latents of a patch", lambda shape, patch: np.array(prod(patch)),
            "it is how many latents a patch has", "How often does it fit into the clip?",
        ),
        Slip(
            "all latents", lambda shape, patch: np.array(prod(shape)),
            "it is how many latents the clip has", "A token takes a patch of them.",
        ),
        Slip(
            "added up", lambda shape, patch: np.array(sum(a // b for a, b in zip(shape, patch, strict=True))),
            "the three axes were added", "For each frame of patches, for each row, every column: they multiply.",
        ),
    ),
    difficulty=1, minutes=3,
)  # fmt: skip

# --------------------------------------------------------------------------------- 17.4 and 17.5 a block's cost


def settings_of(width, mlp_ratio, depth=1):
    """A DiT with this many blocks, and everything else as small as possible."""
    return DiTSettings(1, (1, 1, 1), width, depth, 1, mlp_ratio, num_classes=1)


def block_multiply_accumulates(tokens, width, mlp_ratio=4):
    """All matrix products of a block for one clip, counted from minidit's own list of them."""
    products = matrix_products(settings_of(width, mlp_ratio), 1, (tokens, 1, 1), training=False)
    return np.array(sum(p.multiply_accumulates for p in products if p.name.startswith("blocks.0.")))


def counted(linear=12, attention=2, modulation=6, mlp=None):
    """The count with other factors: of T · D², of T² · D and of D²; the feed-forward's, if it isn't 2 · ratio."""

    def wrong(tokens, width, mlp_ratio=4):
        rows = (linear - 8 + 2 * mlp_ratio) if mlp is None else linear - 8 + mlp(mlp_ratio)
        return np.array(rows * tokens * width**2 + attention * tokens**2 * width + modulation * width**2)

    return wrong


BLOCK_MULTIPLY_ACCUMULATES = Exercise(
    "block_multiply_accumulates", LESSON, "what a block costs", ("count",), block_multiply_accumulates,
    trials=(by_hand(1, 2, 4), by_hand(3, 2, 4), at_random(lambda rng: (7, 10, 3)), at_random(lambda rng: (16, 128, 4))),
    slips=(
        Slip(
            "attention forgotten", counted(attention=0), "scores and pooling are missing",
            "Every token asks every token, in D numbers: that is no linear layer, but a matrix product.",
        ),
        Slip(
            "scores alone", counted(attention=1), "one of attention's two products is missing",
            "First scores, queries times keys; then weights times values.",
        ),
        Slip(
            "modulation forgotten", counted(modulation=0), "shifts, scales and gates are missing",
            "D numbers of the condition make 6 · D: once for the clip.",
        ),
        Slip(
            "modulation for every token",
            lambda tokens, width, mlp_ratio=4: counted(modulation=6 * tokens)(tokens, width, mlp_ratio),
            "the modulation is counted for every token", "One condition serves the whole clip: compute it once.",
        ),
        Slip(
            "output projection forgotten", counted(linear=11), "a product of T · D² is missing: attention's last one",
            "After the heads are joined, they are projected once more.",
        ),
        Slip(
            "queries alone", counted(linear=10), "two products of T · D² are missing",
            "There are queries, keys *and* values.",
        ),
        Slip(
            "one layer of the feed-forward", counted(mlp=lambda ratio: ratio),
            "one of the feed-forward network's two layers is missing", "It widens D to M, and brings M back to D.",
        ),
        Slip(
            "always 4", counted(mlp=lambda ratio: 8), "it takes the hidden layer as 4 · D",
            "mlp_ratio says how much wider it is.",
        ),
        Slip(
            "feed-forward forgotten", counted(mlp=lambda ratio: 0), "the feed-forward network is missing",
            "It has most of a block's multiplications.",
        ),
        Slip(
            "two for one",
            lambda tokens, width, mlp_ratio=4: 2 * block_multiply_accumulates(tokens, width, mlp_ratio),
            "it is twice as many", "A multiplication with its addition counts as one.",
        ),
    ),
    sizes=lambda tokens, width, mlp_ratio=4: {"tokens": tokens},
    difficulty=2, minutes=10,
)  # fmt: skip


def block_parameters(width, mlp_ratio=4):
    """Weights and biases of a block, counted from minidit's own list of shapes."""
    settings = DiTSettings(1, (1, 1, 1), width=width, depth=1, num_heads=1, mlp_ratio=mlp_ratio, num_classes=1)
    return np.array(sum(map(prod, dit_block_shapes(settings).values())))


def counted_parameters(square=10, line=11, ratio_square=2, ratio_line=1):
    """The count with other factors: of D² and D, and the feed-forward's per mlp_ratio."""
    return lambda width, mlp_ratio=4: np.array(
        (square + ratio_square * mlp_ratio) * width**2 + (line + ratio_line * mlp_ratio) * width
    )


BLOCK_PARAMETERS = Exercise(
    "block_parameters", LESSON, "how many numbers a block learns", ("parameters",), block_parameters,
    trials=(by_hand(2, 4), at_random(lambda rng: (10, 3)), at_random(lambda rng: (128, 4))),
    slips=(
        Slip(
            "biases forgotten", counted_parameters(line=0, ratio_line=0),
            "the biases are missing", "Every one of the five layers has a bias, as long as its output.",
        ),
        Slip(
            "modulation forgotten", counted_parameters(4, 5),
            "the layer that makes shifts, scales and gates is missing",
            "It takes D numbers to 6 · D, and has a bias.",
        ),
        Slip(
            "output projection forgotten", counted_parameters(9, 10), "attention's last layer is missing",
            "After the heads are joined, they are projected: D to D.",
        ),
        Slip(
            "queries alone", counted_parameters(8, 9), "keys and values are missing",
            "One layer makes all three: D to 3 · D.",
        ),
        Slip(
            "one layer of the feed-forward", counted_parameters(ratio_square=1, line=10),
            "the feed-forward network's second layer is missing", "It comes back from M to D.",
        ),
        Slip(
            "always 4", lambda width, mlp_ratio=4: block_parameters(width, 4),
            "it takes the hidden layer as 4 · D", "mlp_ratio says how much wider it is.",
        ),
    ),
    difficulty=2, minutes=7,
)  # fmt: skip

# ------------------------------------------------------------------------------------------ 17.6 a training's cost


def training_multiply_accumulates(forward, batch, steps, recompute=False):
    """A forward, and a backward of two products for each of its own; with recomputation a second forward."""
    return np.array((4 if recompute else 3) * forward * batch * steps)


TRAINING_MULTIPLY_ACCUMULATES = Exercise(
    "training_multiply_accumulates", LESSON, "what a training costs", ("count",), training_multiply_accumulates,
    trials=(
        by_hand(10, 2, 5), Trial("with recomputation", lambda rng: (10, 2, 5, True)),
        at_random(lambda rng: (1234, 7, 11)),
    ),
    slips=(
        Slip(
            "recomputation ignored",
            lambda forward, batch, steps, recompute=False: np.array(3 * forward * batch * steps),
            "recomputation costs nothing in it", "With recompute, each block's forward runs a second time.",
        ),
        Slip(
            "backward as dear as forward",
            lambda forward, batch, steps, recompute=False: np.array((3 if recompute else 2) * forward * batch * steps),
            "the backward is counted as one forward",
            "A product has two factors, and each has a gradient: two products on the way back.",
        ),
        Slip(
            "forward alone",
            lambda forward, batch, steps, recompute=False: np.array((2 if recompute else 1) * forward * batch * steps),
            "the backward is missing", "In training, every step also goes back.",
        ),
        Slip(
            "recomputation of everything",
            lambda forward, batch, steps, recompute=False: np.array((6 if recompute else 3) * forward * batch * steps),
            "recomputation doubles all of it", "Only the forward runs a second time.",
        ),
        Slip(
            "batch forgotten",
            lambda forward, batch, steps, recompute=False: np.array((4 if recompute else 3) * forward * steps),
            "it is the cost of one clip a step", "forward is what one clip takes.",
        ),
        Slip(
            "steps forgotten",
            lambda forward, batch, steps, recompute=False: np.array((4 if recompute else 3) * forward * batch),
            "it is the cost of one step", "The whole training was asked for.",
        ),
    ),
    difficulty=1, minutes=4,
)  # fmt: skip

# ---------------------------------------------------------------------------------------------- 17.7 a power law


def fit_power_law(x, y):
    """Scale and exponent of y = scale · x^(−exponent), by least squares of the logarithms."""
    law = power_law(x, y)
    return np.array(law.scale), np.array(law.exponent)


def line(x, y):
    """Intercept and slope of the least-squares line."""
    slope, intercept = np.polyfit(x, y, 1)
    return intercept, slope


def through_the_ends(x, y):
    """The law through the first and the last point."""
    exponent = -np.log(y[-1] / y[0]) / np.log(x[-1] / x[0])
    return y[0] * x[0] ** exponent, exponent


def without_intercept(x, y):
    """A line through the origin of the logarithms."""
    slope = np.log(x) @ np.log(y) / (np.log(x) @ np.log(x))
    return 1.0, -slope


def not_centred(x, y):
    """The sums of the centred formula with numbers that are not centred."""
    a, b = np.log(x), np.log(y)
    slope = a @ b / (a @ a)
    return np.exp(b.mean() - slope * a.mean()), -slope


def scattered(rng):
    """Points around a power law, over four orders of magnitude."""
    x = 10 ** np.sort(rng.uniform(1, 5, size=6))
    return x, 3.0 * x**-0.2 * np.exp(rng.normal(0, 0.1, size=6))


FIT_POWER_LAW = Exercise(
    "fit_power_law", LESSON, "a power law through points", ("scale", "exponent"), fit_power_law,
    trials=(
        by_hand(np.array([1.0, 4.0, 16.0]), np.array([8.0, 4.0, 2.0])),
        at_random(scattered),
    ),
    slips=(
        Slip(
            "logarithms forgotten", lambda x, y: (line(x, y)[0], -line(x, y)[1]),
            "a straight line was fitted to x and y themselves", "A power law is a line between the *logarithms*.",
        ),
        Slip(
            "logarithm of y alone", lambda x, y: (np.exp(line(x, np.log(y))[0]), -line(x, np.log(y))[1]),
            "only y went through the logarithm: that is an exponential law", "Both axes: log x and log y.",
        ),
        Slip(
            "sign of the exponent", lambda x, y: (fit_power_law(x, y)[0], -fit_power_law(x, y)[1]),
            "it has the wrong sign", "The law is x^(−exponent): a falling line has a positive exponent.",
        ),
        Slip(
            "logarithm of the scale", lambda x, y: (np.log(fit_power_law(x, y)[0]), fit_power_law(x, y)[1]),
            "it is the logarithm of the scale", "Take the exponential of the intercept.",
        ),
        Slip(
            "two kinds of logarithm",
            lambda x, y: (np.exp(line(np.log10(x), np.log10(y))[0]), -line(np.log10(x), np.log10(y))[1]),
            "the logarithm was to base 10, and its inverse to base e", "10 ** … undoes log10, np.exp undoes np.log.",
        ),
        Slip(
            "through the ends", through_the_ends, "it is the law through the first and the last point alone",
            "Use all points: least squares.",
        ),
        Slip(
            "through the origin", without_intercept, "the intercept was left out, as if the scale were 1",
            "Subtract the means first: the slope is about how both differ from them.",
        ),
        Slip(
            "not centred", not_centred, "the means were not subtracted before the products",
            "The slope is about how log x and log y differ from their means.",
        ),
        Slip(
            "axes swapped", lambda x, y: fit_power_law(y, x), "x and y have changed places",
            "y is explained by x.",
        ),
    ),
    difficulty=2, minutes=10,
)  # fmt: skip

# --------------------------------------------------------------------------------- 17.8 the best for a budget


def best_for_budget(budget, costs, steps, losses):
    """Which model, trained for how long, has the least loss of all that the budget pays for."""
    affordable = costs[:, None] * steps <= budget  # N, steps
    best = np.where(affordable, losses, np.inf).argmin()
    model, step = np.unravel_index(best, losses.shape)
    return np.array(model), np.array(step)


def chosen(score):
    """`best_for_budget` by another score, the least of all; score(budget, costs, steps, losses) is (N, steps)."""

    def wrong(budget, costs, steps, losses):
        model, step = np.unravel_index(score(budget, costs, steps, losses).argmin(), losses.shape)
        return np.array(model), np.array(step)

    return wrong


def paid(budget, costs, steps, losses):
    """Losses, infinite where the budget does not reach."""
    return np.where(costs[:, None] * steps <= budget, losses, np.inf)


def largest_model(budget, costs, steps, losses):
    """The most expensive affordable model, trained for as long as possible."""
    affordable = costs[:, None] * steps <= budget
    model = np.flatnonzero(affordable.any(axis=1))[-1]
    return np.array(model), np.array(np.flatnonzero(affordable[model])[-1])


def longest_training(budget, costs, steps, losses):
    """The longest training that is affordable, of the best model then."""
    affordable = costs[:, None] * steps <= budget
    step = np.flatnonzero(affordable.any(axis=0))[-1]
    return np.array(paid(budget, costs, steps, losses)[:, step].argmin()), np.array(step)


COSTS, STEPS = np.array([1.0, 4.0, 20.0]), np.array([10.0, 20.0, 50.0, 80.0])
LOSSES = np.array([[0.90, 0.70, 0.62, 0.60], [0.80, 0.55, 0.45, 0.40], [0.75, 0.50, 0.35, 0.25]])


def budgets(rng):
    """A budget for six models, whose losses fall with size and with steps. One of them is beyond it even for a step."""
    costs, steps = np.sort(rng.uniform(1, 40, size=6)), np.array([10.0, 20.0, 40.0, 80.0, 160.0])
    costs[-1] += 1000
    floors = 0.9 * costs[:, None] ** -0.4  # 6, 1
    losses = floors + 3.0 * costs[:, None] ** 0.3 / steps
    return 900.0, costs, steps, losses + rng.normal(0, 0.002, losses.shape)


BEST_FOR_BUDGET = Exercise(
    "best_for_budget", LESSON, "the best model for a budget", ("model", "length"), best_for_budget,
    trials=(by_hand(200.0, COSTS, STEPS, LOSSES), at_random(budgets)),
    slips=(
        Slip(
            "budget ignored", chosen(lambda budget, costs, steps, losses: losses),
            "it is the best of all, regardless of cost", "A training costs the model's cost times the steps.",
        ),
        Slip(
            "cost of a step alone",
            chosen(lambda budget, costs, steps, losses: np.where(
                (costs <= budget)[:, None] & np.ones(len(steps), bool), losses, np.inf
            )),
            "the budget was compared with the cost of one step", "Multiply by the number of steps.",
        ),
        Slip(
            "just below", chosen(lambda budget, costs, steps, losses: np.where(
                costs[:, None] * steps < budget, losses, np.inf
            )),
            "a training that costs exactly the budget was left out",
            "A training that costs the whole budget is affordable.",
        ),
        Slip(
            "largest model", largest_model, "it is the largest model that the budget can train",
            "A large model for a few steps may be worse than a smaller one for more.",
        ),
        Slip(
            "longest training", longest_training, "it is the longest training that the budget pays for",
            "A small model soon stops getting better.",
        ),
        Slip(
            "the worst", chosen(lambda budget, costs, steps, losses: np.where(
                costs[:, None] * steps <= budget, -losses, np.inf
            )),
            "it is the worst affordable one", "A smaller loss is better.",
        ),
        Slip(
            "position in one row", lambda budget, costs, steps, losses: (
                paid(budget, costs, steps, losses).argmin(), paid(budget, costs, steps, losses).argmin()
            ),
            "it is the position in the flattened table", "np.unravel_index gives the row and the column.",
        ),
    ),
    difficulty=2, minutes=7,
)  # fmt: skip

EXERCISES = (
    WORKSHEET_PRODUCTS, WORKSHEET_TWICE_AS_LONG, TOKENS_OF_PATCH, BLOCK_MULTIPLY_ACCUMULATES, BLOCK_PARAMETERS,
    TRAINING_MULTIPLY_ACCUMULATES, FIT_POWER_LAW, BEST_FOR_BUDGET,
)  # fmt: skip
