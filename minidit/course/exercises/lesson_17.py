"""Lesson 17: scaling. What a network costs in multiply-accumulates and parameters, and what more of it buys."""

from itertools import combinations, product
from math import prod

import numpy as np

from minidit.course.exercise import Exercise, Numbers, Slip, Trial, at_random, by_hand, for_each
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


def with_one(name, change, patches=PATCHES):
    """What each product takes, with one of them changed."""
    counts = worksheet_counts(patches)
    place = list(SIDES).index(name)
    counts[place] = change(counts[place])
    return counts


def of_patches(change):
    """What each product takes for 8 patches, if those of 4 change as `change` says: by one number for each product."""
    return worksheet_counts(PATCHES) * np.array([change(name, sides.count("n")) for name, sides in SIDES.items()])


LEFT_OUT = "Type all eight: encode, scale and shift, queries, keys, scores, pooling, feed-forward, decode."
ONLY_ONCE = "There is one condition, however many patches."


def in_other_places(patches, i, j):
    """What each product takes, with two in each other's place."""
    counts = worksheet_counts(patches)
    counts[[i, j]] = counts[[j, i]]
    return counts


def missing_or_added_up(patches):
    """Slips in what is typed in: their sum, one product too few, or another order."""
    counts = worksheet_counts(patches)
    return (
        Slip("wrong places", lambda: worksheet_counts(patches)[::-1], "the order is reversed", LEFT_OUT),
        *(
            Slip(
                "wrong places", lambda i=i, j=j: in_other_places(patches, i, j),
                "two of them stand in each other's place", LEFT_OUT,
            )
            for i, j in combinations(range(len(SIDES)), 2) if counts[i] != counts[j]
        ),
        Slip("added up", lambda: worksheet_counts(patches).sum(), "it is the sum of all", LEFT_OUT),
        *(
            Slip("one left out", lambda i=i: np.delete(worksheet_counts(patches), i), f"{name} is missing", LEFT_OUT)
            for i, name in enumerate(SIDES)
        ),
    )


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
        Slip(
            "sides added", lambda: worksheet_counts(PATCHES, sum), "the three sides were added", "Multiply them.",
        ),
        Slip(
            "additions alone", lambda: worksheet_counts(PATCHES, lambda sides: sides[0] * (sides[1] - 1) * sides[2]),
            "it counts the additions alone",
            "Each result is a sum of as many products as there are numbers in a row of the left matrix.",
        ),
        Slip(
            "condition for each patch", lambda: with_one("scale and shift", lambda count: PATCHES * count),
            "scale and shift are counted for every patch", ONLY_ONCE,
        ),
        *(
            Slip(
                "a side forgotten", lambda name=name, side=side: with_one(name, lambda count: count // side),
                f"one side of {name} is missing", "Three sides multiply: rows, the side that they share, columns.",
            )
            for name, sides in SIDES.items()
            for side in {PATCHES if side == "n" else side for side in sides} - {1}
        ),
        *(
            Slip(
                "a side too long", lambda name=name: with_one(name, lambda count: PATCHES // 2 * count),
                f"a side of {name} counts patches where it should not",
                "The vectors of queries and keys have 2 numbers, however many patches there are.",
            )
            for name in SIDES
        ),
        *missing_or_added_up(PATCHES),
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
        Slip(
            "condition doubled", lambda: with_one("scale and shift", lambda count: 2 * count, 2 * PATCHES),
            "scale and shift have doubled", ONLY_ONCE,
        ),
        Slip(
            "scores doubled only", lambda: with_one("scores", lambda count: count // 2, 2 * PATCHES),
            "the scores have only doubled", "Every patch asks every other: both sides doubled.",
        ),
        Slip(
            "everything four times", lambda: of_patches(lambda name, sides: 4), "everything was multiplied by 4",
            "A layer has one side that counts patches: it doubles.",
        ),
        Slip(
            "layers four times", lambda: of_patches(lambda name, sides: 4 if sides else 1),
            "the layers were multiplied by 4, too", "A layer has one side that counts patches: it doubles.",
        ),
        Slip(
            "attention eight times", lambda: of_patches(lambda name, sides: (1, 2, 8)[sides]),
            "scores and pooling were multiplied by 8", "Two of their sides count patches, not three: 2 · 2.",
        ),
        Slip(
            "attention alone", lambda: of_patches(lambda name, sides: 4 if sides == 2 else 1),
            "scores and pooling alone have grown", "The layers meet twice as many patches, too.",
        ),
        *(
            Slip(
                "a layer four times", lambda name=name: with_one(name, lambda count: 2 * count, 2 * PATCHES),
                f"{name} was multiplied by 4", "A layer has one side that counts patches: it doubles.",
            )
            for name, sides in SIDES.items() if sides.count("n") == 1
        ),
        *missing_or_added_up(2 * PATCHES),
    ),
    difficulty=1, minutes=4,
)  # fmt: skip

# ------------------------------------------------------------------------------------------------- 17.3 tokens


def tokens_of_patch(shape, patch):
    """How many tokens: the patches that fit along each axis, multiplied."""
    return np.array(prod(size // step for size, step in zip(shape, patch, strict=True)))


def any_patch(rng):
    """A shape and a patch that divides it."""
    patch = [int(n) for n in rng.permutation([2, 3, 5])]
    return tuple(int(n) * side for n, side in zip(rng.permutation([2, 4, 7]), patch, strict=True)), tuple(patch)


def tokens_by(count):
    """`tokens_of_patch` by another rule: count(along each axis, shape, patch)."""
    return lambda shape, patch: np.array(count([a // b for a, b in zip(shape, patch, strict=True)], shape, patch))


TOKENS_OF_PATCH = Exercise(
    "tokens_of_patch", LESSON, "how many tokens a patch makes", ("tokens",), tokens_of_patch,
    trials=(
        by_hand((8, 4, 4), (8, 1, 1)), by_hand((8, 4, 4), (4, 2, 2)), at_random(any_patch),
        by_hand((6, 10, 21), (1, 5, 3)), by_hand((5, 3, 7), (5, 3, 7)), by_hand((4, 9, 5), (1, 1, 1)),
    ),
    slips=(
        Slip(
            "one axis forgotten", lambda shape, patch: np.array(prod(shape[1:]) // prod(patch[1:])),
            "the frames are missing", "A patch spans frames too: there are three axes.",
        ),
        *(
            Slip(
                "one axis forgotten", tokens_by(lambda grid, shape, patch, axis=axis: prod(grid) // grid[axis]),
                f"the {name} are missing", "There are three axes, and a patch divides each.",
            )
            for axis, name in enumerate(("frames", "rows", "columns"))
        ),
        *(
            Slip(
                "one axis alone", tokens_by(lambda grid, shape, patch, axis=axis: grid[axis]),
                f"it is how often the patch fits along the {name} alone", "There are three axes: multiply.",
            )
            for axis, name in enumerate(("frames", "rows", "columns"))
        ),
        *(
            Slip(
                "divided along one axis", tokens_by(lambda grid, shape, patch, axis=axis: prod(shape) // patch[axis]),
                f"it is divided by the patch's {name} alone",
                "A patch has frames, rows and columns: divide by all three.",
            )
            for axis, name in enumerate(("frames", "rows", "columns"))
        ),
        *(
            Slip(
                "patch of one frame", tokens_by(count), "the patch's frames were not divided by",
                "A patch spans frames too: there are three axes.",
            )
            for count in (
                lambda grid, shape, patch: shape[0] * grid[1] * grid[2],
                lambda grid, shape, patch: prod(shape) // patch[1] ** 2,
                lambda grid, shape, patch: prod(shape) // patch[2] ** 2,
            )
        ),
        *(
            Slip(
                "cubes", tokens_by(count), "one side of the patch was taken for all three",
                "A patch has frames, rows and columns of its own: patch[0], patch[1], patch[2].",
            )
            for count in (
                *(lambda grid, shape, patch, axis=axis: prod(shape) // patch[axis] ** 3 for axis in range(3)),
                *(lambda grid, shape, patch, axis=axis: prod(a // patch[axis] for a in shape) for axis in range(3)),
            )
        ),
        Slip(
            "divided by a sum", tokens_by(lambda grid, shape, patch: prod(shape) // sum(patch)),
            "it is divided by the sum of the patch's sides", "A patch holds their product of latents.",
        ),
        Slip(
            "multiplied", tokens_by(lambda grid, shape, patch: prod(shape) * prod(patch)),
            "it is multiplied by the patch", "How often does a patch fit in? Divide.",
        ),
        *(
            Slip("another count", tokens_by(count), says, "How often does the patch fit along each axis? Multiply.")
            for count, says in (
                (
                    lambda grid, shape, patch: prod(shape) // patch[0] * patch[1] * patch[2],
                    "it was divided by one side of the patch, and multiplied by the others",
                ),
                (lambda grid, shape, patch: prod(shape) // prod(patch) ** 2, "it was divided by the patch twice"),
                (lambda grid, shape, patch: sum(shape) // sum(patch), "it is a sum divided by a sum"),
                (lambda grid, shape, patch: grid[0] + grid[1] * grid[2], "the frames were added"),
                (lambda grid, shape, patch: prod(patch) // prod(shape), "the patch was divided by the shape"),
                (
                    lambda grid, shape, patch: prod(a - b for a, b in zip(shape, patch, strict=True)),
                    "the patch was subtracted",
                ),
                (
                    lambda grid, shape, patch: prod(a % b for a, b in zip(shape, patch, strict=True)),
                    "it is what is left over: % is the remainder",
                ),
                (lambda grid, shape, patch: grid[0] * grid[1] ** 2, "the rows were taken twice, and no columns"),
                (lambda grid, shape, patch: grid[0] * grid[2] ** 2, "the columns were taken twice, and no rows"),
            )
        ),
        Slip(
            "patches that overlap",
            tokens_by(lambda grid, shape, patch: prod(a - b + 1 for a, b in zip(shape, patch, strict=True))),
            "it counts every place where a patch fits", "The next patch begins where the one before it ends.",
        ),
        Slip(
            "one too many", tokens_by(lambda grid, shape, patch: prod(n + 1 for n in grid)),
            "there is one too many along each axis", "The patch divides the shape: nothing is left over.",
        ),
        Slip(
            "patch in reverse",
            lambda shape, patch: np.array(prod(a // b for a, b in zip(shape, patch[::-1], strict=True))),
            "the patch was read in reverse", "Both are (frames, rows, columns).",
        ),
        Slip(
            "the grid", tokens_by(lambda grid, shape, patch: grid), "it is how often the patch fits along each axis",
            "Multiply the three.",
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


def whole_numbers(rng, low, high):
    """A tuple of numbers, each from its own least up to below its own limit."""
    return tuple(int(n) for n in rng.integers(low, high))


def counted(linear=12, attention=2, modulation=6, mlp=None):
    """The count with other factors: of T · D², of T² · D and of D²; the feed-forward's, if it isn't 2 · ratio."""

    def wrong(tokens, width, mlp_ratio=4):
        rows = (linear - 8 + 2 * mlp_ratio) if mlp is None else linear - 8 + mlp(mlp_ratio)
        return np.array(rows * tokens * width**2 + attention * tokens**2 * width + modulation * width**2)

    return wrong


def attention_as(products):
    """The count with another one for scores and pooling: products(T, D)."""
    return lambda tokens, width, mlp_ratio=4: np.array(
        counted(attention=0)(tokens, width, mlp_ratio) + products(tokens, width)
    )


EACH_ONCE = (
    "For each token: queries, keys, values, the projection, and 2 · mlp_ratio for the feed-forward network. "
    "For each pair: a score and its pooling. Once: the modulation."
)
EVERY_PAIR = "Every token asks every token: T · T scores of D products each."

LINEAR = ((12, ""), (11, "a product of T · D²"), (10, "two products of T · D²"), (8, "four products of T · D²"))
HIDDEN = ((2, ""), (1, "a layer of the feed-forward network"), (0, "the feed-forward network"))
SCORES = ((2, ""), (1, "scores or pooling"), (0, "scores and pooling"))
SHIFTS = ((6, ""), (0, "the modulation"))


def several_products_missing():
    """A Slip for each two or more kinds of products that are left out together."""
    for (linear, a), (hidden, b), (attention, c), (modulation, d) in product(LINEAR, HIDDEN, SCORES, SHIFTS):
        missing = [*filter(None, (a, b, c, d))]
        if len(missing) > 1:
            wrong = counted(linear, attention, modulation, lambda ratio, hidden=hidden: hidden * ratio)
            yield Slip("several products missing", wrong, f"these are missing: {', '.join(missing)}", EACH_ONCE)


BLOCK_MULTIPLY_ACCUMULATES = Exercise(
    "block_multiply_accumulates", LESSON, "what a block costs", ("count",), block_multiply_accumulates,
    trials=(
        by_hand(1, 2, 4), by_hand(3, 2, 4), at_random(lambda rng: whole_numbers(rng, (5, 9, 2), (9, 40, 9))),
        Trial("random inputs", lambda rng: (7, 10, 3)), Trial("random inputs", lambda rng: (16, 128, 4)),
        Trial("random inputs", lambda rng: (11, 6, 1)), Trial("mlp_ratio left out", lambda rng: (5, 3)),
    ),
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
            "output projection forgotten", counted(linear=11), "a product of T · D² is missing",
            "Queries, keys and values are three, and after the heads are joined, they are projected once more.",
        ),
        Slip(
            "queries alone", counted(linear=10), "two products of T · D² are missing",
            "There are queries, keys *and* values.",
        ),
        *(
            Slip("another number of products", counted(**factors), says, EACH_ONCE)
            for says, factors in (
                *((f"{k} · T · D² are missing", {"linear": 12 - k}) for k in (3, 4)),
                *((f"{k} · T · D² are too many", {"linear": 12 + k}) for k in range(1, 5)),
                *((f"{k} · T² · D are too many", {"attention": 2 + k}) for k in (1, 2)),
                *((f"{k} · D² are too many", {"modulation": 6 + k}) for k in (1, 2, 3, 6)),
                ("D² are missing", {"modulation": 5}),
            )
        ),
        *(
            Slip(
                "another default", lambda tokens, width, mlp_ratio=ratio: counted()(tokens, width, mlp_ratio),
                f"mlp_ratio is {ratio} where it is left out", "def …(tokens, width, mlp_ratio=4): 4 if it is left out.",
            )
            for ratio in (1, 2, 3, 8)
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
        Slip(
            "attention linear in T", attention_as(lambda T, D: 2 * T * D),
            "scores and pooling grow with T, not with T²", EVERY_PAIR,
        ),
        Slip(
            "attention with D²", attention_as(lambda T, D: 2 * T**2 * D**2), "scores and pooling have D² in them",
            "A score is a sum of D products. There are T · T of them.",
        ),
        Slip(
            "attention without D", attention_as(lambda T, D: 2 * T**2), "scores and pooling lack D",
            "A score is a sum of D products, over all heads.",
        ),
        *(
            Slip("attention of another size", attention_as(products), says, EVERY_PAIR)
            for products, says in (
                (lambda T, D: 2 * T * D**2, "scores and pooling were taken for layers of T · D²"),
                (lambda T, D: T**2 * D**2, "scores and pooling together are T² · D²"),
                (lambda T, D: T**2 + T**2 * D, "one of scores and pooling lacks D"),
                (lambda T, D: 2 * T**3 * D, "scores and pooling grow with T³"),
                (lambda T, D: 4 * T * D, "T was doubled in scores and pooling where it should be squared"),
            )
        ),
        Slip(
            "doubled instead of squared", lambda tokens, width, mlp_ratio=4: np.array(
                (4 + 2 * mlp_ratio) * tokens * width * 2 + 2 * tokens * 2 * width + 6 * width * 2
            ),
            "it doubles where it should square", "D ** 2 is D · D; D * 2 is D + D.",
        ),
        Slip(
            "layers without D²", lambda tokens, width, mlp_ratio=4: np.array(
                (4 + 2 * mlp_ratio) * tokens * width + 2 * tokens**2 * width + 6 * width**2
            ),
            "the layers count their outputs only", "Each output is a sum of D products.",
        ),
        Slip(
            "modulation without its inputs", lambda tokens, width, mlp_ratio=4: np.array(
                counted(modulation=0)(tokens, width, mlp_ratio) + 6 * tokens * width
            ),
            "the modulation counts its outputs only, for every token", "It is computed once, and takes 6 · D · D.",
        ),
        *several_products_missing(),
        Slip(
            "pairs once", attention_as(lambda T, D: T * (T - 1) * D),
            "each pair of tokens is counted once", "A token asks itself, too, and both tokens of a pair ask: T · T.",
        ),
        Slip(
            "attention for one pair", attention_as(lambda T, D: 2 * D), "scores and pooling don't grow with the tokens",
            EVERY_PAIR,
        ),
        Slip(
            "M · M", counted(mlp=lambda ratio: ratio**2), "the feed-forward network has M² in it",
            "Its layers go from D to M, and from M to D: D · M each.",
        ),
        Slip(
            "mlp_ratio for M", lambda tokens, width, mlp_ratio=4: np.array(
                counted(mlp=lambda ratio: 0)(tokens, width) + 2 * mlp_ratio * tokens * width
            ),
            "mlp_ratio was taken for the hidden width", "The hidden layer is mlp_ratio · D wide.",
        ),
        Slip(
            "modulation without its inputs", lambda tokens, width, mlp_ratio=4: np.array(
                counted(modulation=0)(tokens, width, mlp_ratio) + 6 * width
            ),
            "the modulation counts its outputs only", "Each of its 6 · D outputs is a sum of D products.",
        ),
        *(
            Slip(
                "modulation with fewer outputs", counted(modulation=outputs), f"the modulation makes {outputs} · D",
                "It makes 6 · D: a shift, a scale and a gate for attention, and for the feed-forward network.",
            )
            for outputs in (1, 2, 3, 4)
        ),
        Slip(
            "tokens and width swapped", lambda tokens, width, mlp_ratio=4: counted()(width, tokens, mlp_ratio),
            "tokens and width have changed places", "The function takes them in this order: tokens, width.",
        ),
        Slip(
            "one token", lambda tokens, width, mlp_ratio=4: counted()(1, width, mlp_ratio),
            "it is the count for one token", "All tokens go through the layers.",
        ),
        *(
            Slip(
                "biases counted", lambda tokens, width, mlp_ratio=4, each=each: np.array(
                    counted()(tokens, width, mlp_ratio) + (6 + (5 + mlp_ratio) * (tokens if each else 1)) * width
                ),
                "the biases are in it", "A bias is an addition: there is nothing to multiply.",
            )
            for each in (False, True)
        ),
        *(
            Slip(
                "in another unit",
                lambda tokens, width, mlp_ratio=4, unit=unit: counted()(tokens, width, mlp_ratio) / unit,
                f"it is divided by {unit:,}", "Return the number itself.",
            )
            for unit in (10**3, 10**6, 10**9)
        ),
        Slip(
            "all layers", lambda tokens, width, mlp_ratio=4: np.array(
                (10 + 2 * mlp_ratio) * width**2 + (11 + mlp_ratio) * width
            ),
            "it is the number of parameters", "Each weight is used once for every token.",
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


FIVE_LAYERS = (
    "D to 6 · D for the modulation, D to 3 · D for queries, keys and values, D to D for the projection, "
    "D to M and M to D."
)
AS_MANY_BIASES = "A layer has as many biases as outputs: 6 · D for the modulation, then 3 · D, D, M and D."

OF_MODULATION = ((6, ""), (0, "the modulation"))
OF_QUERIES = ((3, ""), (1, "two thirds of queries, keys and values"), (0, "queries, keys and values"))
OF_PROJECTION = ((1, ""), (0, "the projection"))
OF_HIDDEN = (
    ((2, 1, 1), ""), ((1, 1, 0), "the second layer of the feed-forward network"),
    ((0, 0, 0), "the feed-forward network"),
)  # D · M weights, M biases, D biases
OF_BIASES = ((1, ""), (0, "all biases"))


def several_layers_missing():
    """A Slip for each two or more layers, or a layer and all biases, that are left out together."""
    layers = (OF_MODULATION, OF_QUERIES, OF_PROJECTION, OF_HIDDEN, OF_BIASES)
    for (modulation, a), (queries, b), (projection, c), ((weights, wide, narrow), d), (biased, e) in product(*layers):
        missing, square = [*filter(None, (a, b, c, d, e))], modulation + queries + projection
        if len(missing) > 1 and square and (a or d or e):  # others are a number of layers of D to D
            wrong = counted_parameters(square, biased * (square + narrow), weights, biased * wide)
            yield Slip("several layers missing", wrong, f"these are missing: {', '.join(missing)}", FIVE_LAYERS)


BLOCK_PARAMETERS = Exercise(
    "block_parameters", LESSON, "how many numbers a block learns", ("parameters",), block_parameters,
    trials=(
        by_hand(2, 4), at_random(lambda rng: whole_numbers(rng, (5, 2), (40, 9))),
        Trial("random inputs", lambda rng: (10, 3)), Trial("random inputs", lambda rng: (128, 4)),
        Trial("random inputs", lambda rng: (6, 1)), Trial("mlp_ratio left out", lambda rng: (3,)),
    ),
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
            "output projection forgotten", counted_parameters(9, 10), "a layer of D to D is missing",
            "One layer makes queries, keys and values, D to 3 · D, and another projects the joined heads, D to D.",
        ),
        Slip(
            "queries alone", counted_parameters(8, 9), "as much as two layers of D to D is missing",
            "One layer makes queries, keys and values: D to 3 · D.",
        ),
        *(
            Slip(
                "another number of layers", counted_parameters(10 + k, 11 + k),
                f"as much as {k} more layers of D to D is in it", FIVE_LAYERS,
            )
            for k in range(1, 5)
        ),
        *(
            Slip(
                "another default", lambda width, mlp_ratio=ratio: block_parameters(width, mlp_ratio),
                f"mlp_ratio is {ratio} where it is left out", "def …(width, mlp_ratio=4): 4 if it is left out.",
            )
            for ratio in (1, 2, 3, 8)
        ),
        Slip(
            "biases subtracted", counted_parameters(line=-11, ratio_line=-1), "the biases were subtracted",
            "They are parameters, too: add them.",
        ),
        Slip(
            "biases alone", lambda width, mlp_ratio=4: np.array((11 + mlp_ratio) * width), "it is the biases alone",
            "A layer has inputs · outputs weights, too.",
        ),
        Slip(
            "one layer of the feed-forward", counted_parameters(ratio_square=1, line=10),
            "the feed-forward network's second layer is missing", "It comes back from M to D.",
        ),
        Slip(
            "always 4", lambda width, mlp_ratio=4: block_parameters(width, 4),
            "it takes the hidden layer as 4 · D", "mlp_ratio says how much wider it is.",
        ),
        *(
            Slip(
                "some biases forgotten", counted_parameters(**without), f"{count} · D biases are missing",
                AS_MANY_BIASES,
            )
            for count, without in (
                *((count, {"line": 11 - count}) for count in range(1, 7)),
                ("mlp_ratio", {"ratio_line": 0}), ("(1 + mlp_ratio)", {"line": 10, "ratio_line": 0}),
            )
        ),
        Slip(
            "D biases for each layer", counted_parameters(line=5, ratio_line=0), "each layer has D biases in it",
            AS_MANY_BIASES,
        ),
        Slip(
            "as many biases as inputs", counted_parameters(line=4, ratio_line=1),
            "each layer has as many biases as inputs", "A layer has as many biases as outputs.",
        ),
        Slip(
            "biases of both feed-forward layers M", counted_parameters(line=10, ratio_line=2),
            "both layers of the feed-forward network have M biases in it", "The second one makes D numbers.",
        ),
        Slip(
            "biases without D", lambda width, mlp_ratio=4: np.array(
                (10 + 2 * mlp_ratio) * width**2 + 11 + mlp_ratio
            ),
            "the biases were not multiplied by D", "A layer that makes 6 · D numbers has 6 · D biases.",
        ),
        Slip(
            "one bias for each layer", lambda width, mlp_ratio=4: np.array((10 + 2 * mlp_ratio) * width**2 + 5),
            "each layer has one bias in it", "A layer has as many biases as outputs.",
        ),
        *(
            Slip(
                "gains of the norms", counted_parameters(line=line), "the norms have gains or shifts in it",
                "Here the norms have none of their own: the modulation makes them.",
            )
            for line in (13, 15)
        ),
        *(
            Slip(
                "modulation with fewer outputs", counted_parameters(4 + outputs, 5 + outputs),
                f"as much as {6 - outputs} layers of D to D is missing", FIVE_LAYERS,
            )
            for outputs in (1, 2, 3)
        ),
        Slip(
            "feed-forward forgotten", counted_parameters(line=10, ratio_square=0, ratio_line=0),
            "the feed-forward network is missing", "It has two layers: D to M, and M to D.",
        ),
        Slip(
            "M · M", lambda width, mlp_ratio=4: np.array(
                (10 + mlp_ratio**2) * width**2 + (11 + mlp_ratio) * width
            ),
            "the feed-forward network has M² weights in it",
            "Its layers go from D to M, and from M to D: D · M weights each.",
        ),
        *(
            Slip(
                "mlp_ratio for M", lambda width, mlp_ratio=4, biases=biases: np.array(
                    10 * width**2 + 2 * mlp_ratio * width + 11 * width + mlp_ratio * (width if biases else 1)
                ),
                "mlp_ratio was taken for the hidden width", "The hidden layer is mlp_ratio · D wide.",
            )
            for biases in (False, True)
        ),
        *several_layers_missing(),
        *(
            Slip(
                "weights of a layer forgotten", counted_parameters(square, 11),
                f"{10 - square} · D² weights are missing", FIVE_LAYERS,
            )
            for square in (9, 8, 7)
        ),
        Slip(
            "weights of a layer forgotten", counted_parameters(ratio_square=1), "mlp_ratio · D² weights are missing",
            FIVE_LAYERS,
        ),
        Slip(
            "weights too many", counted_parameters(square=11), "D² weights are too many", FIVE_LAYERS,
        ),
        Slip(
            "another number of layers", counted_parameters(16, 17), "the modulation is in it twice", FIVE_LAYERS,
        ),
        Slip(
            "modulation without its inputs", counted_parameters(4, 17),
            "the modulation has a weight for each output only", "Each of its 6 · D outputs has D weights and a bias.",
        ),
        Slip(
            "modulation without its inputs", counted_parameters(4, 11), "the modulation has biases, but no weights",
            "Each of its 6 · D outputs has D weights and a bias.",
        ),
        Slip(
            "not squared", lambda width, mlp_ratio=4: np.array((10 + 2 * mlp_ratio) * width + 11 + mlp_ratio),
            "the layers count their outputs only", "A layer has inputs · outputs weights, and a bias for each output.",
        ),
        *(
            Slip("biases without D", wrong, says, AS_MANY_BIASES)
            for wrong, says in (
                (
                    lambda width, mlp_ratio=4: np.array((10 + 2 * mlp_ratio) * width**2 + 11 * width + mlp_ratio),
                    "the hidden layer has mlp_ratio biases in it, not mlp_ratio · D",
                ),
                (
                    lambda width, mlp_ratio=4: np.array((10 + 2 * mlp_ratio) * width**2 + 11 + mlp_ratio * width),
                    "11 biases were not multiplied by D",
                ),
            )
        ),
        Slip(
            "doubled instead of squared", lambda width, mlp_ratio=4: np.array(
                (10 + 2 * mlp_ratio) * width * 2 + (11 + mlp_ratio) * width
            ),
            "D was doubled where it should be squared", "D ** 2 is D · D; D * 2 is D + D.",
        ),
        Slip(
            "twice", lambda width, mlp_ratio=4: 2 * block_parameters(width, mlp_ratio), "it is twice as many",
            "Each parameter counts once, without its gradient.",
        ),
    ),
    difficulty=2, minutes=7,
)  # fmt: skip

# ------------------------------------------------------------------------------------------ 17.6 a training's cost


def training_multiply_accumulates(forward, batch, steps, recompute=False):
    """A forward, and a backward of two products for each of its own; with recomputation a second forward."""
    return np.array((4 if recompute else 3) * forward * batch * steps)


RUN_AGAIN = "With recompute, the forward runs a second time: 4 passes instead of 3."
TWO_PRODUCTS = "A product has two factors, and each has a gradient: two products on the way back."

NAMED_PASSES = {(3, 4), (3, 3), (2, 3), (1, 2), (3, 6), (3, 5), (3, 2), (4, 3), (4, 4), (6, 8), (4, 5)}

TRAINING_MULTIPLY_ACCUMULATES = Exercise(
    "training_multiply_accumulates", LESSON, "what a training costs", ("count",), training_multiply_accumulates,
    trials=(
        by_hand(10, 2, 5), Trial("with recomputation", lambda rng: (10, 2, 5, True)),
        at_random(lambda rng: (*whole_numbers(rng, (1000, 3, 10), (5000, 10, 40)), bool(rng.random() < 0.5))),
        *for_each((True, False), lambda rng, recompute: (*whole_numbers(rng, (3, 3, 3), (40, 40, 40)), recompute)),
        Trial("random inputs", lambda rng: (7, 1, 3, True)), Trial("random inputs", lambda rng: (7, 3, 1, True)),
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
            "the backward is counted as one forward", TWO_PRODUCTS,
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
        *(
            Slip(
                name, lambda forward, batch, steps, recompute=False, passes=passes: np.array(
                    passes[bool(recompute)] * forward * batch * steps
                ),
                says, because,
            )
            for name, passes, says, because in (
                ("two more forwards", (3, 5), "recomputation costs two forwards in it", RUN_AGAIN),
                ("recomputation saves", (3, 2), "recomputation saves a forward in it", RUN_AGAIN),
                ("the wrong way round", (4, 3), "it recomputes where it should not, and only there", RUN_AGAIN),
                ("always recomputed", (4, 4), "it always recomputes", "Only with recompute=True."),
                ("two for one", (6, 8), "it is twice as many", "A multiplication with its addition counts as one."),
                ("backward three times", (4, 5), "the backward is counted as three forwards", TWO_PRODUCTS),
                *(
                    (
                        "another number of passes", (plain, again),
                        f"it is {plain:g} times the forward, and {again:g} times with recomputation",
                        "A step goes forward, and back for twice as much: 3. With recomputation it is 4.",
                    )
                    for plain, again in product((1, 2, 3, 4, 5, 6), (1, 2, 3, 3.5, 4, 5, 6, 7, 8))
                    if (plain, again) not in NAMED_PASSES
                ),
            )
        ),
        *(
            Slip(
                "added", lambda forward, batch, steps, recompute=False, total=total: np.array(
                    (4 if recompute else 3) * total(forward, batch, steps)
                ),
                says, "Each step takes the whole batch, and each clip a forward: multiply.",
            )
            for total, says in (
                (lambda forward, batch, steps: forward + batch + steps, "all three were added"),
                (lambda forward, batch, steps: forward * batch + steps, "the steps were added"),
                (lambda forward, batch, steps: forward + batch * steps, "the forward was added"),
            )
        ),
        Slip(
            "another default",
            lambda forward, batch, steps, recompute=True: np.array((4 if recompute else 3) * forward * batch * steps),
            "it recomputes where recompute is left out", "recompute=False: without it, nothing is computed again.",
        ),
        *(
            Slip(
                "recomputed too rarely", lambda forward, batch, steps, recompute=False, often=often: np.array(
                    (3 * batch * steps + bool(recompute) * often(batch, steps)) * forward
                ),
                "the second forward is not run for every clip of every step", RUN_AGAIN,
            )
            for often in (lambda batch, steps: 1, lambda batch, steps: steps, lambda batch, steps: batch)
        ),
        Slip(
            "recompute as a number", lambda forward, batch, steps, recompute=False: np.array(
                3 * forward * batch * steps + recompute
            ),
            "recompute was added as the number 1", RUN_AGAIN,
        ),
        Slip(
            "backward of one clip", lambda forward, batch, steps, recompute=False: np.array(
                (batch + 2 + bool(recompute) * batch) * forward * steps
            ),
            "the backward is counted for one clip", "Every clip of the batch goes back, too.",
        ),
        Slip(
            "added", lambda forward, batch, steps, recompute=False: np.array(
                (4 if recompute else 3) * forward * (batch + steps)
            ),
            "batch and steps were added", "Each step takes the whole batch: multiply.",
        ),
        *(
            Slip(
                "divided by the batch", lambda forward, batch, steps, recompute=False, whole=whole: np.array(
                    (4 if recompute else 3) * forward * steps // batch if whole
                    else (4 if recompute else 3) * forward * steps / batch
                ),
                "it was divided by the batch", "`forward` is what one clip takes: multiply.",
            )
            for whole in (True, False)
        ),
        *(
            Slip(
                "forward squared", lambda forward, batch, steps, recompute=False, passes=passes: np.array(
                    (4 if recompute and passes > 1 else passes) * forward**2 * batch * steps
                ),
                "the forward is squared in it", "It costs its count once for each pass: add passes.",
            )
            for passes in (1, 3)
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


def scattered(rng, count=None):
    """Points around a power law that falls or rises, in any order, over four orders of magnitude."""
    count = count or int(rng.integers(5, 9))
    x = 10 ** rng.uniform(1, 5, size=count)
    return x, rng.uniform(0.2, 9) * x ** rng.choice((-0.6, -0.2, 0.3)) * np.exp(rng.normal(0, 0.3, size=count))


def law_of(slope=None, level=None, result=lambda level, slope: (np.exp(level), -slope)):
    """`fit_power_law` with another slope(a, b), level(a, b, slope) or result, for logarithms a of x and b of y."""

    def wrong(x, y):
        a, b = np.log(x), np.log(y)
        q = (slope or (lambda a, b: line(a, b)[1]))(a, b)
        p = (level or (lambda a, b, q: b.mean() - q * a.mean()))(a, b, q)
        return result(p, q)

    return wrong


def squared_errors(x, y):
    """The law with the least squares of y itself."""
    scale, exponent = fit_power_law(x, y)
    for _ in range(50):
        fitted = scale * x**-exponent
        slopes = np.stack([fitted / scale, -fitted * np.log(x)], axis=1)
        by_scale, by_exponent = np.linalg.lstsq(slopes, y - fitted, rcond=None)[0]
        scale, exponent = scale + by_scale, exponent + by_exponent
    return scale, exponent


ALL_POINTS = "Use all points: least squares."


THE_MEANS = "The line of least squares goes through the means of both logarithms."

FIT_POWER_LAW = Exercise(
    "fit_power_law", LESSON, "a power law through points", ("scale", "exponent"), fit_power_law,
    trials=(
        by_hand(np.array([1.0, 4.0, 16.0]), np.array([8.0, 4.0, 2.0])), at_random(scattered),
        by_hand(np.array([4.0, 1.0]), np.array([6.0, 3.0])), *for_each((3, 12), scattered),
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
        *(
            Slip(
                "two kinds of logarithm", law_of(result=lambda level, slope, base=base: (base**level, -slope)),
                f"the logarithm was to base e, and its inverse to base {base}", "np.exp undoes np.log.",
            )
            for base in (10, 2)
        ),
        Slip(
            "level and slope swapped", law_of(result=lambda level, slope: (np.exp(slope), -level)),
            "the line's level and its slope have changed places",
            "The scale is e to the level, and the exponent minus the slope. np.polyfit returns the slope first.",
        ),
        *(
            Slip("the line itself", law_of(result=result), says, "The scale is e to the level.")
            for result, says in (
                (lambda level, slope: (slope, level), "these are the line's slope and level, as np.polyfit has them"),
                (lambda level, slope: (level, slope), "these are the line's level and slope"),
            )
        ),
        Slip(
            "level and slope swapped", law_of(result=lambda level, slope: (np.exp(-slope), -slope)),
            "it is e to the exponent", "The scale is e to the line's level.",
        ),
        Slip(
            "x scaled first", lambda x, y: fit_power_law(x / x.mean(), y), "x was divided by its mean before",
            "The scale is the law's y at x = 1: leave x as it is.",
        ),
        Slip(
            "x scaled first", lambda x, y: fit_power_law(x / x.max(), y), "x was divided by its largest before",
            "The scale is the law's y at x = 1: leave x as it is.",
        ),
        Slip(
            "exponential of the exponent", law_of(result=lambda level, slope: (np.exp(level), np.exp(-slope))),
            "the exponential was taken of it, too", "The slope is the exponent itself, but for its sign.",
        ),
        Slip(
            "one over the scale", law_of(result=lambda level, slope: (np.exp(-level), -slope)),
            "it is one over the scale", "The scale is e to the level, without a minus.",
        ),
        Slip(
            "exponent without its sign", law_of(result=lambda level, slope: (np.exp(level), abs(slope))),
            "it has lost its sign", "A rising law has a negative exponent.",
        ),
        Slip(
            "rounded", law_of(result=lambda level, slope: (round(np.exp(level), 2), round(-slope, 2))),
            "it is rounded to 2 decimals", "Keep all.",
        ),
        *(
            Slip(name, law_of(slope), says, because)
            for name, slope, says, because in (
                (
                    "two points alone", lambda a, b: (b[-1] - b[0]) / (a[-1] - a[0]),
                    "the slope is that from the first to the last point", ALL_POINTS,
                ),
                (
                    "two points alone", lambda a, b: (b[1] - b[0]) / (a[1] - a[0]),
                    "the slope is that from the first to the second point", ALL_POINTS,
                ),
                (
                    "mean of slopes", lambda a, b: (np.diff(b) / np.diff(a)).mean(),
                    "the slope is the mean of those between neighbours", ALL_POINTS,
                ),
                (
                    "not centred", lambda a, b: (a * b).sum() / (a**2).sum(),
                    "the means were not subtracted before the products",
                    "The slope is about how log x and log y differ from their means.",
                ),
                *(
                    ("another slope", slope, says, "Centred products, divided by centred squares of log x.")
                    for slope, says in (
                        (lambda a, b: (b / a).mean(), "the slope is the mean of log y / log x"),
                        (lambda a, b: b.std() / a.std(), "the slope is one deviation over the other, without a sign"),
                        (lambda a, b: -b.std() / a.std(), "the slope is minus one deviation over the other"),
                        (lambda a, b: np.cov(a, b)[0, 1], "the slope is the covariance, not divided by a variance"),
                        (
                            lambda a, b: np.median(np.diff(b) / np.diff(a)),
                            "the slope is the median of neighbours' slopes",
                        ),
                        (
                            lambda a, b: (b.max() - b.min()) / (a.max() - a.min()),
                            "the slope is the range of log y over that of log x",
                        ),
                        (
                            lambda a, b: (b.min() - b.max()) / (a.max() - a.min()),
                            "the slope is minus the range of log y over that of log x",
                        ),
                    )
                ),
                (
                    "the other way round", lambda a, b: line(b, a)[1], "the slope is that of log x over log y",
                    "Divide by the squares of log x: y is explained by x.",
                ),
                (
                    "correlation", lambda a, b: np.corrcoef(a, b)[0, 1], "the slope is their correlation",
                    "Divide by the squares of log x, not by a product of two roots.",
                ),
                (
                    "not centred", lambda a, b: (a * (b - b.mean())).sum() / (a * a).sum(),
                    "the mean was subtracted from one of the two alone",
                    "The slope is about how log x and log y differ from their means.",
                ),
                (
                    "not divided", lambda a, b: ((a - a.mean()) * (b - b.mean())).sum(),
                    "the slope was not divided by the squares of log x", "The slope is one sum divided by another.",
                ),
                (
                    "not divided", lambda a, b: ((a - a.mean()) * (b - b.mean())).mean(),
                    "the slope was not divided by the squares of log x", "The slope is one sum divided by another.",
                ),
                (
                    "square of the sum", lambda a, b: (
                        ((a - a.mean()) * (b - b.mean())).sum() / (a - a.mean()).sum() ** 2
                    ),
                    "it is divided by the square of a sum that is 0", "Square each one first, then add up.",
                ),
                (
                    "sum and mean", lambda a, b: np.cov(a, b)[0, 1] / a.var(),
                    "one sum was divided by N − 1, the other by N", "np.cov divides by N − 1: a.var(ddof=1) does, too.",
                ),
                (
                    "sum and mean", lambda a, b: ((a - a.mean()) * (b - b.mean())).sum() / a.var(),
                    "one is a sum, the other a mean", "Take two sums, or two means.",
                ),
                (
                    "sum and mean", lambda a, b: (
                        ((a - a.mean()) * (b - b.mean())).mean() / ((a - a.mean()) ** 2).sum()
                    ),
                    "one is a mean, the other a sum", "Take two sums, or two means.",
                ),
            )
        ),
        *(
            Slip("another level", law_of(level=level), says, because)
            for level, says, because in (
                (
                    lambda a, b, q: b.mean() + q * a.mean(), "the slope has the wrong sign in the level",
                    "The line goes through the means: the mean of log y, minus slope times the mean of log x.",
                ),
                (lambda a, b, q: b[0] - q * a[0], "its line goes through the first point", THE_MEANS),
                (lambda a, b, q: b[-1] - q * a[-1], "its line goes through the last point", THE_MEANS),
                (lambda a, b, q: b.mean() - q, "the slope was not multiplied by the mean of log x", THE_MEANS),
                (lambda a, b, q: b.mean() - a.mean(), "the mean of log x was not multiplied by the slope", THE_MEANS),
                (lambda a, b, q: b.sum() - q * a.sum(), "it is made of sums in place of means", THE_MEANS),
                (lambda a, b, q: -q * a.mean(), "the mean of log y is missing", THE_MEANS),
                (lambda a, b, q: (b - q * a).max(), "its line lies above all points", THE_MEANS),
                (lambda a, b, q: np.median(b - q * a), "its level is a median", THE_MEANS),
                (lambda a, b, q: b[0], "it is the first y", "The scale is the law's y at x = 1."),
                (lambda a, b, q: b.mean(), "it is the mean of log y, not the line's level", THE_MEANS),
                (lambda a, b, q: np.log(np.exp(b).mean()), "it is the mean of y", "The scale is the law's y at x = 1."),
                (
                    lambda a, b, q: np.log(np.exp(b - q * a).mean()), "it is a mean of y · x^exponent",
                    "Take the mean of the logarithms, and the exponential after it.",
                ),
            )
        ),
        Slip(
            "squares of y itself", squared_errors, "its squares are those of y, not of log y",
            "Each error counts relative to its y: fit the logarithms.",
        ),
        *(
            Slip(
                "sorted apart", lambda x, y, turn=turn: fit_power_law(np.sort(x), np.sort(y)[::turn]),
                "x and y were sorted apart from each other", "Each y belongs to its x. A fit needs no order.",
            )
            for turn in (1, -1)
        ),
        Slip(
            "sorted apart", lambda x, y: fit_power_law(np.sort(x), y), "x was sorted, and y was not",
            "Each y belongs to its x. A fit needs no order.",
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


def only(where):
    """`best_for_budget` among the affordable ones that `where(affordable, costs, steps)` says."""

    def score(budget, costs, steps, losses):
        affordable = costs[:, None] * steps <= budget
        return np.where(affordable & where(affordable, costs, steps), losses, np.inf)

    return chosen(score)


def standing_in(number):
    """`best_for_budget` with this number in place of the losses that are too expensive."""
    return chosen(
        lambda budget, costs, steps, losses: np.where(costs[:, None] * steps <= budget, losses, number(losses))
    )


def by_cost(sign):
    """The cheapest affordable one, or the most expensive one with the sign −1."""
    return chosen(lambda budget, costs, steps, losses: np.where(
        costs[:, None] * steps <= budget, sign * costs[:, None] * steps, np.inf
    ))  # fmt: skip


def by_place(turn):
    """The first affordable one in the table, or the last one with a turn of −1."""

    def wrong(budget, costs, steps, losses):
        model, step = np.argwhere(costs[:, None] * steps <= budget)[::turn][0]
        return np.array(model), np.array(step)

    return wrong


def starting_at(most):
    """`best_for_budget` that looks for a loss below this number, and returns (0, 0) if there is none."""

    def wrong(budget, costs, steps, losses):
        there = paid(budget, costs, steps, losses).min() < most
        return best_for_budget(budget, costs, steps, losses) if there else (np.array(0), np.array(0))

    return wrong


def breaking_off(affordable, costs, steps):
    """Those before the first of a row that is too expensive."""
    return np.logical_and.accumulate(affordable, axis=1)


def longest_of_each(affordable, costs, steps):
    """The longest affordable training of each model."""
    return steps == np.where(affordable, steps, -np.inf).max(axis=1, keepdims=True)


def last_of_each(affordable, costs, steps):
    """The last affordable training in each row."""
    return np.arange(len(steps)) == np.where(affordable, np.arange(len(steps)), -1).max(axis=1, keepdims=True)


def largest_model(affordable, costs, steps):
    """All trainings of the most expensive model that is affordable at all."""
    return (costs == np.where(affordable.any(axis=1), costs, -np.inf).max())[:, None]


def last_model(affordable, costs, steps):
    """All trainings of the last model that is affordable at all."""
    return (np.arange(len(costs)) == np.flatnonzero(affordable.any(axis=1))[-1])[:, None]


def longest_training(affordable, costs, steps):
    """The longest training that is affordable at all, for every model."""
    return steps == np.where(affordable.any(axis=0), steps, -np.inf).max()


def last_training(affordable, costs, steps):
    """The last training that is affordable at all, for every model."""
    return np.arange(len(steps)) == np.flatnonzero(affordable.any(axis=0))[-1]


COSTS, STEPS = np.array([1.0, 4.0, 20.0]), np.array([10.0, 20.0, 50.0, 80.0])
LOSSES = np.array([[0.90, 0.70, 0.62, 0.60], [0.80, 0.55, 0.45, 0.40], [0.75, 0.50, 0.35, 0.25]])


def budgets(rng):
    """A budget for six models, whose losses fall with size and with steps. One of them is beyond it even for a step."""
    costs, steps = np.sort(rng.uniform(1, 40, size=6)), np.array([10.0, 20.0, 40.0, 80.0, 160.0])
    costs[-1] += 1000
    floors = 0.9 * costs[:, None] ** -0.4  # 6, 1
    losses = floors + 3.0 * costs[:, None] ** 0.3 / steps
    return 900.0, costs, steps, losses + rng.normal(0, 0.002, losses.shape)


def any_table(rng, size=None, most=2.5):
    """A budget, and costs, steps and losses without any order. The smallest loss may be affordable, or not."""
    models, lengths = size or (int(rng.integers(5, 9)), int(rng.integers(9, 14)))
    costs, steps = rng.uniform(1, 40, models), np.array([1.0, *rng.permutation(np.arange(2.0, lengths + 1))])
    budget = float(np.median(np.outer(costs, steps)))
    losses = rng.uniform(0.2, 1, (models, lengths)) * most
    if models < 4 or rng.random() < 0.5:
        affordable = np.outer(costs, steps) <= budget
        later = affordable & ~breaking_off(affordable, costs, steps)  # after one in its row that is too expensive
        losses[tuple(rng.choice(np.argwhere(later if later.any() else affordable)))] = 0.1 * most
        return budget, costs, steps, losses
    beyond, near, third, *_ = rng.permutation(models)  # the best three are all too expensive, each for another reason
    costs[beyond], costs[near], costs[third] = 2 * budget, budget - 0.5, budget / (steps.max() - 1)
    losses[[beyond, near, third], steps.argmax()] = np.array([0.1, 0.12, 0.14]) * most
    return budget, costs, steps, losses


def high_losses(rng):
    """The same with losses that are all above 3000."""
    *given, losses = any_table(rng)
    return *given, losses + 3000


BEST_FOR_BUDGET = Exercise(
    "best_for_budget", LESSON, "the best model for a budget", ("model", "length"), best_for_budget,
    trials=(
        by_hand(200.0, COSTS, STEPS, LOSSES), at_random(any_table), at_random(budgets),
        at_random(lambda rng: any_table(rng, most=20.0)), *for_each(((1, 6), (5, 1), (6, 4)), any_table),
        at_random(high_losses),
    ),
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
            "the too expensive ones", chosen(lambda budget, costs, steps, losses: np.where(
                costs[:, None] * steps >= budget, losses, np.inf
            )),
            "it is the best of those that are too expensive", "A training may cost the budget, or less.",
        ),
        Slip(
            "the too expensive ones", chosen(lambda budget, costs, steps, losses: np.where(
                costs[:, None] * steps > budget, losses, np.inf
            )),
            "it is the best of those that are too expensive", "A training may cost the budget, or less.",
        ),
        *(
            Slip(
                "largest model", only(where), "it is the best of the largest model that the budget can train",
                "A large model for a few steps may be worse than a smaller one for more.",
            )
            for where in (
                largest_model, last_model, lambda *given: largest_model(*given) & longest_of_each(*given),
            )
        ),
        *(
            Slip(
                "longest training", only(where), "it is the best of the longest trainings that the budget pays for",
                "A small model soon stops getting better.",
            )
            for where in (longest_training, last_training)
        ),
        *(
            Slip(
                "longest training of each", only(where), "it looked at the longest training of each model alone",
                "The loss of a shorter one may be smaller: look at all.",
            )
            for where in (longest_of_each, last_of_each)
        ),
        Slip(
            "steps taken for sorted", only(breaking_off), "in each row it stopped at the first that is too expensive",
            "A later one may have fewer steps: go on.",
        ),
        *(
            Slip(
                "another number for the expensive ones", standing_in(number),
                f"those that are too expensive got {called}", "Make them infinite: then they are never the smallest.",
            )
            for number, called in (
                (lambda losses: -np.inf, "a loss below all others"), (lambda losses: 1.0, "the loss 1"),
                (lambda losses: 10.0, "the loss 10"),
                (lambda losses: 100.0, "the loss 100"), (lambda losses: 1000.0, "the loss 1000"),
            )
        ),
        Slip(
            "not below 1", starting_at(1.0), "it found none: it looked for a loss below 1",
            "Losses may be larger: begin with infinity.",
        ),
        *(
            Slip("another score", chosen(score), says, "Of all affordable ones, it is the loss alone that counts.")
            for score, says in (
                (
                    lambda budget, costs, steps, losses: paid(budget, costs, steps, losses) * costs[:, None] * steps,
                    "it is the smallest loss times cost",
                ),
                (
                    lambda budget, costs, steps, losses: paid(budget, costs, steps, losses) / (costs[:, None] * steps),
                    "it is the smallest loss for its cost",
                ),
                (
                    lambda budget, costs, steps, losses: np.where(
                        (costs[:, None] * steps).cumsum(axis=1) <= budget, losses, np.inf
                    ),
                    "costs were added up along each row",
                ),
            )
        ),
        Slip(
            "counted from 1", lambda budget, costs, steps, losses: tuple(
                position + 1 for position in best_for_budget(budget, costs, steps, losses)
            ),
            "its positions are counted from 1", "Python counts from 0.",
        ),
        Slip(
            "not below 10", starting_at(10.0), "it found none: it looked for a loss below 10",
            "Losses may be larger: begin with infinity.",
        ),
        Slip(
            "cheapest", by_cost(1), "it is the cheapest one", "The one with the smallest loss was asked for.",
        ),
        Slip(
            "most expensive", by_cost(-1), "it is the most expensive one that the budget pays for",
            "The one with the smallest loss was asked for.",
        ),
        Slip(
            "first affordable", by_place(1), "it is the first affordable one in the table",
            "Go on, and keep the best so far.",
        ),
        Slip(
            "last affordable", by_place(-1), "it is the last affordable one in the table",
            "A place in the table says nothing: compare the losses, and keep the best so far.",
        ),
        Slip(
            "costs added", chosen(lambda budget, costs, steps, losses: np.where(
                costs[:, None] + steps <= budget, losses, np.inf
            )),
            "cost and steps were added", "A training costs the model's cost times the steps.",
        ),
        Slip(
            "values, not positions", lambda budget, costs, steps, losses: (
                np.array(costs[best_for_budget(budget, costs, steps, losses)[0]]),
                np.array(steps[best_for_budget(budget, costs, steps, losses)[1]]),
            ),
            "it is the cost and the number of steps themselves", "Return their positions.",
        ),
        Slip(
            "table turned round", lambda budget, costs, steps, losses: tuple(map(np.array, np.unravel_index(
                paid(budget, costs, steps, losses).argmin(), losses.T.shape
            ))),
            "the position was taken apart for a table with rows and columns exchanged",
            "np.unravel_index(…, losses.shape) gives the row and the column.",
        ),
        Slip(
            "along each axis", lambda budget, costs, steps, losses: (
                paid(budget, costs, steps, losses).argmin(axis=0), paid(budget, costs, steps, losses).argmin(axis=1)
            ),
            "there is a position for each row and each column",
            "argmin without an axis finds the smallest of all; np.unravel_index gives its row and column.",
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
