"""Lesson 3: the visual encoder, made of linear maps and ReLU."""

import numpy as np

from minidit.course.exercise import Exercise, Numbers, Slip, by_hand, for_each
from minidit.reference import linear_backward, linear_forward, relu_backward, relu_forward
from minidit.worksheet import solve

# B = clips, T = patches of a clip, N = all leading axes as one, I = inputs, O = outputs, H = hidden, C = channels

LESSON = 3
SHEET = solve()
WEIGHT, BIAS, PATCHES = SHEET.weights.encoder_weight, SHEET.weights.encoder_bias, SHEET.patches

# ------------------------------------------------------------------------------------------------- 3.1 by hand


def relu(x):
    """max(x, 0)."""
    return relu_forward(x)[0]


def explain_step_3(index):
    """How to compute an entry."""
    row, column = index
    return (
        f"Row {row} of W times column {column} of the patches, four products, then entry {row} of b. "
        "Last comes the ReLU: what is negative becomes 0, all else stays."
    )


def latent_with(first, second):
    """The latent, with other rows of W."""
    return relu(np.array([first, second]) @ PATCHES + BIAS)


STEP_3 = Numbers(
    "step_3_latent", LESSON, "the latent on the worksheet", lambda: SHEET.latent, explain_step_3,
    slips=(
        Slip(
            "forgot the ReLU", lambda: SHEET.encoder_before_relu, "this is W · x + b, before the ReLU",
            "The ReLU makes negative numbers 0.",
        ),
        Slip(
            "forgot the bias", lambda: relu(WEIGHT @ PATCHES), "b is missing",
            "Add the column b to every column of the product, before the ReLU.",
        ),
        Slip(
            "bias in one column only", lambda: relu(WEIGHT @ PATCHES + np.pad(BIAS, ((0, 0), (0, 3)))),
            "b was added to the first patch only", "One bias serves every patch.",
        ),
        Slip(
            "bias in the wrong row", lambda: relu(WEIGHT @ PATCHES + BIAS[::-1]), "the two numbers of b changed places",
            "The first number of b belongs to the first row of the product.",
        ),
        Slip(
            "bias in every row", lambda: relu(WEIGHT @ PATCHES + BIAS.max()), "3 was added in both rows",
            "Each row has a bias of its own. That of the first is 0.",
        ),
        Slip(
            "subtracted the bias", lambda: relu(WEIGHT @ PATCHES - BIAS), "b was subtracted", "It is added: W · x + b.",
        ),
        Slip(
            "lost minus sign", lambda: relu(np.abs(WEIGHT) @ PATCHES + BIAS), "the −1s of W were read as 1s",
            "The first row of W takes one pixel and subtracts two others.",
        ),
        Slip(
            "absolute value", lambda: np.abs(SHEET.encoder_before_relu), "the negative numbers lost their sign",
            "A ReLU makes them 0.",
        ),
        Slip(
            "ReLU on whole patches", lambda: SHEET.latent * (SHEET.encoder_before_relu > 0).all(axis=0),
            "a negative number set its neighbours to 0 as well", "The ReLU looks at every number by itself.",
        ),
        Slip(
            "bias twice", lambda: relu(WEIGHT @ PATCHES + 2 * BIAS), "b was added twice", "Once is enough.",
        ),
        Slip(
            "rows swapped", lambda: SHEET.latent[::-1], "the two rows have changed places",
            "The first row of W makes the first row of the latent.",
        ),
        Slip(
            "first row only", lambda: SHEET.latent[:1], "the second row is missing", "W has two rows.",
        ),
        *(
            Slip(
                "another pixel", lambda row=row: latent_with(WEIGHT[0], row),
                "the second row took another pixel of each patch", "Where in the second row of W does the 1 stand?",
            )
            for row in ([1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1])
        ),
        *(
            Slip(
                "another pixel", lambda row=row: latent_with(row, WEIGHT[1]),
                "the first row subtracted another pixel of each patch",
                "Where in the first row of W do the −1s stand? A 0 takes nothing.",
            )
            for row in ([1, -1, -1, 0], [1, 0, -1, -1])
        ),
        Slip(
            "one pixel forgotten", lambda: latent_with([1, 0, 0, 0], WEIGHT[1]),
            "in the first row, no pixel was subtracted", "There are two −1s in the first row of W.",
        ),
        Slip(
            "the other half", lambda: relu(-SHEET.encoder_before_relu), "it is the ReLU of the negative",
            "What is negative becomes 0, all else stays.",
        ),
        Slip(
            "a step", lambda: (SHEET.encoder_before_relu > 0) * 1, "it is 1 where the number is positive",
            "A positive number stays as it is.",
        ),
    ),
    difficulty=1, minutes=6,
)  # fmt: skip

# ---------------------------------------------------------------------------------------------- 3.2 linear, forward


def linear_as(y=lambda x, w, b: x @ w + b, kept=lambda x, w: (x, w)):
    """`linear_forward` with a different y or cache."""
    return lambda x, w, b: (y(x, w, b), kept(x, w))


def as_rows(x):
    """All leading axes as one: (N, last)."""
    return x.reshape(-1, x.shape[-1])


HAND_X = np.array([[1.0, 2.0], [3.0, -1.0], [0.0, 1.0]])  # N, I
HAND_W = np.array([[1.0, 0.0, 2.0, -1.0], [2.0, 1.0, 0.0, 1.0]])  # I, O
HAND_B = np.array([10.0, 20.0, 30.0, 40.0])  # O


# Here whatever is transposed, or lies the wrong way, still fits: so a check can say what it is.
SQUARE = np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([[1.0, 4.0], [2.0, -3.0]]), np.array([10.0, 20.0])  # x, w, b
SQUARE_DY = np.array([[1.0, 5.0], [-2.0, 3.0]])
ROWS = ((2, 4), (6,), (2, 4), (1,), (2, 1, 4), (2, 1, 6, 4))  # lengths of "any number of axes"


def linear_of(rng, leading):
    """x (..., I), w (I, O), b (O,)."""
    return rng.normal(size=(*leading, 3)), rng.normal(size=(3, 5)), rng.normal(size=5)


LINEAR_FORWARD = Exercise(
    "linear_forward", LESSON, "the linear layer", ("y", "cache"), linear_forward,
    trials=(by_hand(*SQUARE), by_hand(HAND_X, HAND_W, HAND_B), *for_each((*ROWS, ()), linear_of)),
    slips=(
        Slip(
            "forgot the bias", linear_as(lambda x, w, b: x @ w), "the bias is missing",
            "b is added to every row, whatever x was.",
        ),
        Slip("subtracted the bias", linear_as(lambda x, w, b: x @ w - b), "the bias was subtracted", "y = x @ w + b."),
        Slip(
            "ReLU after it", linear_as(lambda x, w, b: relu(x @ w + b)), "the negative numbers have become 0",
            "The ReLU is a layer of its own, and comes next.",
        ),
        Slip(
            "mean over the inputs", linear_as(lambda x, w, b: x @ w / w.shape[0] + b),
            "the products were averaged, not added up", "y[n, o] is a sum over the inputs.",
        ),
        Slip(
            "bias times the inputs", linear_as(lambda x, w, b: x @ w + b * w.shape[0]),
            "the bias was added once for every input", "It comes once, after the sum over the inputs.",
        ),
        Slip(
            "mean over the inputs", linear_as(lambda x, w, b: (x @ w + b) / w.shape[0]),
            "it was divided by the number of inputs", "y[n, o] is a sum over the inputs.",
        ),
        *(
            Slip(name, linear_as(y), says, because)
            for name, y, says, because in (
                (
                    "w transposed", lambda x, w, b: x @ w.T + b, "w was transposed",
                    "w is (I, O), not the (O, I) of the worksheet or of PyTorch. It needs no transpose.",
                ),
                (
                    "w transposed", lambda x, w, b: w @ x + b, "w stands on the left of x",
                    "On the worksheet it does. Here a token is a row: x @ w.",
                ),
                (
                    "x transposed", lambda x, w, b: x.T @ w + b, "x was transposed", "x is (…, I): x @ w.",
                ),
                (
                    "* instead of @", lambda x, w, b: x * w + b, "x and w were multiplied number by number",
                    "@ is the matrix product, * isn't.",
                ),
                (
                    "bias before the product", lambda x, w, b: (x + b) @ w, "the bias was added before the product",
                    "It comes after the sum over the inputs: x @ w + b.",
                ),
                (
                    "bias as a column", lambda x, w, b: x @ w + b[:, None], "the bias was laid along the rows",
                    "b[o] belongs to output o, in every row: add b as it is.",
                ),
            )
        ),
        Slip(
            "scaled by the root", linear_as(lambda x, w, b: x @ w / np.sqrt(w.shape[0]) + b),
            "the products were divided by the root of the number of inputs", "That is for attention, in lesson 8.",
        ),
        Slip(
            "times the bias", linear_as(lambda x, w, b: x @ w * b), "it was multiplied by the bias",
            "b is added to every row.",
        ),
        Slip(
            "bias on the weights", linear_as(lambda x, w, b: x @ (w + b)), "the bias was added to the weights",
            "It comes after the product, once.",
        ),
        Slip(
            "bias in reverse", linear_as(lambda x, w, b: x @ w + b[::-1]), "the bias is in reverse",
            "b[o] belongs to output o.",
        ),
        Slip(
            "one bias for all", linear_as(lambda x, w, b: x @ w + b.mean()),
            "the mean of all biases was added everywhere",
            "Each output has a bias of its own.",
        ),
        Slip(
            "one bias for all", linear_as(lambda x, w, b: x @ w + b[-1]), "the last bias was added everywhere",
            "Each output has a bias of its own.",
        ),
        Slip(
            "sign of the product", linear_as(lambda x, w, b: b - x @ w), "the product was subtracted", "y = x @ w + b.",
        ),
        Slip(
            "the bias alone", linear_as(lambda x, w, b: 0 * (x @ w) + b), "it is the bias alone", "y = x @ w + b.",
        ),
        *(
            Slip(
                "another function after it", linear_as(lambda x, w, b, of=of: of(x @ w + b)),
                f"{called} was applied to it", "A linear layer is the product and the bias, no more.",
            )
            for called, of in (("tanh", np.tanh), ("a sigmoid", lambda y: 1 / (1 + np.exp(-y))), ("abs", np.abs))
        ),
        Slip(
            "one input left out", linear_as(lambda x, w, b: x[..., :-1] @ w[:-1] + b), "the last input is left out",
            "range(n) ends at n − 1 by itself.",
        ),
        Slip(
            "one input left out", linear_as(lambda x, w, b: x[..., 1:] @ w[1:] + b), "the first input is left out",
            "Python counts from 0.",
        ),
        Slip(
            "first output only", linear_as(lambda x, w, b: (x @ w + b) * (np.arange(len(b)) == 0)),
            "only the first output is there", "Is the `return` inside the loop?",
        ),
        Slip(
            "one bias for all", linear_as(lambda x, w, b: x @ w + b[0]), "the first bias was added everywhere",
            "Each output has a bias of its own.",
        ),
        Slip(
            "one bias for all", linear_as(lambda x, w, b: x @ w + b.sum()),
            "the sum of all biases was added everywhere", "Each output has a bias of its own.",
        ),
        Slip(
            "left as rows", linear_as(lambda x, w, b: as_rows(x) @ w + b), "the leading axes have become one",
            "y has the leading axes of x: only the last one changes its length.",
        ),
        Slip(
            "one axis of rows lost", linear_as(lambda x, w, b: (as_rows(x) @ w + b)[0]), "it is the first row alone",
            "Every row has an output of its own.",
        ),
        Slip(
            "cache of rows", linear_as(kept=lambda x, w: (as_rows(x), w)), "it is x with its leading axes made one",
            "Keep x as it came: the backward has to know its shape.",
        ),
        Slip(
            "kept y", lambda x, w, b: (x @ w + b, (x @ w + b, w)), "it is y, not x",
            "The slope with respect to w is x, so it is x that the backward needs.",
        ),
        Slip(
            "kept the bias", lambda x, w, b: (x @ w + b, (x, b)), "it is b, not w",
            "The slope with respect to x is w. No gradient depends on b.",
        ),
    ),
    sizes=lambda x, w, b: {"inputs": w.shape[0], "outputs": w.shape[1]},
    difficulty=1, minutes=7,
)  # fmt: skip

# ------------------------------------------------------------------------------------------------ 3.3 and 3.4 ReLU


def relu_as(y=relu, kept=lambda x: x > 0):
    """`relu_forward` with a different y or cache."""
    return lambda x: (y(x), (kept(x),))


SHAPES = ((2, 4, 3), (5,), (2, 4, 3), (4, 1), (2, 3, 1, 5))
LEAKS = (0.2, 0.1, 0.01, 0.3, 0.5)

RELU_FORWARD = Exercise(
    "relu_forward", LESSON, "ReLU", ("y", "cache"), relu_forward,
    trials=(
        by_hand(np.array([[2.0, -1.0, -2.0, 0.0], [4.0, 0.0, -5.0, 5.0]])),
        *for_each(SHAPES, lambda rng, shape: (rng.normal(size=shape),)),
        *for_each((1e-6, 1e6), lambda rng, scale: (scale * rng.normal(size=(4, 3)),), "small and large numbers"),
        *for_each((-1, 1), lambda rng, sign: (sign * rng.uniform(1, 2, size=(4, 3)),), "all of one sign"),
    ),
    slips=(
        Slip(
            "absolute value", relu_as(np.abs), "the negative numbers lost their sign", "They become 0, not positive.",
        ),
        Slip(
            "the smaller one", relu_as(lambda x: np.minimum(x, 0)), "it kept the negative numbers",
            "It is the larger of x and 0.",
        ),
        *(
            Slip(
                "leaky", relu_as(lambda x, leak=leak: np.where(x > 0, x, leak * x)), "negative numbers leak through",
                "That is a leaky ReLU, which you meet in lesson 13. Here they become 0.",
            )
            for leak in LEAKS
        ),
        *(
            Slip(
                "cut off at the top", relu_as(lambda x, top=top: np.clip(x, 0, top)), f"it is never larger than {top}",
                "Only negative numbers change: whatever is above 0 stays as it is.",
            )
            for top in (6, 1, 10, 100, 255, 1000)
        ),
        Slip(
            "cut off at the top", relu_as(lambda x: x.clip(0, x.max())), "it is negative if no number is positive",
            "np.clip with a largest number below the smallest one gives the largest.",
        ),
        Slip(
            "from 1 on", lambda x: (np.where(x >= 1, x, 0), (x >= 1,)), "what lies between 0 and 1 has become 0",
            "Above 0 begins right after 0, not at 1.",
        ),
        Slip(
            "from 1 on", relu_as(lambda x: np.where(x >= 1, x, 0)), "what lies between 0 and 1 has become 0",
            "Above 0 begins right after 0, not at 1.",
        ),
        Slip(
            "cut off", relu_as(lambda x: np.trunc(relu(x))), "what comes after the point is missing",
            "int() and astype(int) drop it.",
        ),
        Slip(
            "only the positive ones", relu_as(lambda x: x[x > 0]), "only the positive numbers are left",
            "The others become 0 and stay in their places.",
        ),
        *(
            Slip("another function", relu_as(of), f"it is {called}", "ReLU is the larger of x and 0.")
            for called, of in (
                ("softplus, log(1 + eˣ)", lambda x: np.logaddexp(0, x)), ("SiLU", lambda x: x / (1 + np.exp(-x))),
                ("the sigmoid", lambda x: 1 / (1 + np.exp(-x))), ("tanh", np.tanh),
                ("ELU", lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0)))), ("x²", lambda x: x * x),
                ("tanh of ReLU", lambda x: np.tanh(relu(x))),
            )
        ),
        *(
            Slip(
                "another number for the negative", relu_as(lambda x, low=low: np.where(x > 0, x, low)),
                f"what is not positive has become {low}", "It becomes 0.",
            )
            for low in (1, -1, 0.5, np.nan)
        ),
        Slip(
            "another limit", relu_as(lambda x: np.maximum(x, x.mean())), "it is at least the mean of x",
            "The larger of x and 0.",
        ),
        Slip(
            "another limit", relu_as(lambda x: np.where(x > 0.5, x, 0)), "what lies between 0 and ½ has become 0",
            "Above 0 begins right after 0.",
        ),
        Slip(
            "kept x", relu_as(kept=np.sign), "it is the sign of x", "x > 0 is true or false for each number.",
        ),
        *(
            Slip("another question", relu_as(kept=asked), f"it says whether {what}", "It is true where x is above 0.")
            for what, asked in (
                ("x is not 0", lambda x: x != 0), ("y is at least 0, which it always is", lambda x: relu(x) >= 0),
            )
        ),
        Slip(
            "minus x", relu_as(lambda x: relu(-x)), "it is the ReLU of −x", "The larger of x and 0.",
        ),
        Slip("a step", relu_as(lambda x: (x > 0) * 1.0), "it is 1 where x is positive", "A positive x stays as it is."),
        Slip(
            "nothing changed", relu_as(lambda x: x), "it is x, as it came", "What is negative has to become 0.",
        ),
        Slip(
            "kept x", relu_as(kept=lambda x: x), "it is x itself",
            "All the backward wants to know is where x was above 0: a true or false for each number.",
        ),
        Slip(
            "kept y", relu_as(kept=relu), "it is y",
            "All the backward wants to know is where x was above 0: a true or false for each number.",
        ),
        Slip(
            "kept the positive numbers", relu_as(kept=lambda x: x[x > 0]), "it holds the positive numbers alone",
            "Keep x > 0 itself: a true or false for each number.",
        ),
        *(
            Slip(
                "one truth for all", relu_as(kept=lambda x, of=of: of(x > 0)),
                "it is one true or false for the whole array", "Keep x > 0 as it is: a true or false for each number.",
            )
            for of in (np.all, np.any)
        ),
        Slip(
            "from 1 on", relu_as(kept=lambda x: x >= 1),
            "it says false between 0 and 1", "Above 0 begins right after 0.",
        ),
        Slip(
            "slope 1 at zero", relu_as(kept=lambda x: x >= 0), "it says true where x is exactly 0",
            "At 0 the slope is a matter of choice, and the choice here is 0: x > 0 is false there.",
        ),
        Slip(
            "the other half", relu_as(kept=lambda x: x <= 0), "true and false have changed places",
            "It is true where the number went through.",
        ),
        Slip(
            "the other half", relu_as(kept=lambda x: x < 0), "it says where x is negative",
            "It is true where the number went through.",
        ),
    ),
    difficulty=1, minutes=4,
)  # fmt: skip


def relu_gradients(rng, shape):
    """dy, and the cache of a forward."""
    return 10 * rng.normal(size=shape), (rng.normal(size=shape) > 0,)


RELU_BACKWARD = Exercise(
    "relu_backward", LESSON, "backward through ReLU", ("dx",), relu_backward,
    trials=(
        by_hand(
            np.array([[1.0, -2.0, 3.0], [-4.0, 5.0, 6.0]]), (np.array([[True, True, False], [False, True, False]]),)
        ),
        *for_each(SHAPES, relu_gradients),
    ),
    slips=(
        Slip(
            "axis of length 1", lambda dy, cache: dy * np.array(cache), "an axis of length 1 is left over",
            "The cache is a tuple of one array. Take the array out of it first.",
        ),
        Slip(
            "ReLU of dy", lambda dy, cache: relu(dy), "it is ReLU of dy",
            "A gradient may be negative. What counts is where x was positive, not where dy is.",
        ),
        Slip(
            "both signs asked", lambda dy, cache: relu(dy) * cache[0], "the negative gradients are gone as well",
            "Only x decides, not dy: where x was positive, dy comes through with its sign.",
        ),
        Slip(
            "forgot dy", lambda dy, cache: cache[0] * 1.0, "it is the slope alone, without dy",
            "The gradient is dy times the slope.",
        ),
        Slip(
            "the other half", lambda dy, cache: dy * ~cache[0], "it came through where x was not positive",
            "The cache says true where the slope is 1.",
        ),
        Slip(
            "slope 1 everywhere", lambda dy, cache: dy, "it came through everywhere",
            "Where the ReLU gave 0, a small change of x changes nothing.",
        ),
        *(
            Slip(
                "leaky", lambda dy, cache, leak=leak: np.where(cache[0], dy, leak * dy),
                "some of it leaks through where x was negative", "The slope is exactly 0 there.",
            )
            for leak in LEAKS
        ),
        Slip(
            "sign elsewhere", lambda dy, cache: np.where(cache[0], dy, -dy), "its sign changes where x was negative",
            "The slope is exactly 0 there.",
        ),
        Slip(
            "1 elsewhere", lambda dy, cache: np.where(cache[0], dy, 1), "it is 1 where x was negative",
            "The slope is exactly 0 there.",
        ),
        Slip(
            "added instead of multiplied", lambda dy, cache: dy - cache[0], "the slope was subtracted from dy",
            "The gradient is dy times the slope.",
        ),
        Slip(
            "the larger of the two", lambda dy, cache: np.maximum(dy, cache[0]), "it is the larger of dy and the slope",
            "The gradient is dy times the slope.",
        ),
        Slip(
            "another place's slope", lambda dy, cache: dy * cache[0][::-1], "the slopes are in reverse",
            "Each number has a slope of its own.",
        ),
        Slip(
            "another place's slope", lambda dy, cache: dy * cache[0][:1], "all rows got the slopes of the first",
            "Each number has a slope of its own.",
        ),
        Slip(
            "mean slope", lambda dy, cache: dy * cache[0].mean(), "all got the mean of the slopes",
            "Each number has a slope of its own.",
        ),
        Slip(
            "added instead of multiplied", lambda dy, cache: dy + cache[0], "the slope was added to dy",
            "The gradient is dy times the slope.",
        ),
        Slip(
            "only the positive ones", lambda dy, cache: dy[cache[0]], "only what came through is left",
            "Elsewhere it is 0: the shape stays that of x.",
        ),
        Slip(
            "gradients cut off", lambda dy, cache: dy.clip(-1, 1) * cache[0], "it was cut off at 1 and −1",
            "dy comes through unchanged, however large it is.",
        ),
        Slip(
            "only its sign", lambda dy, cache: np.sign(dy) * cache[0], "it is only the sign of dy",
            "dy comes through unchanged, however large it is.",
        ),
        Slip(
            "dy squared", lambda dy, cache: dy * dy * cache[0], "dy was multiplied by itself", "The slope is 1 or 0.",
        ),
    ),
    difficulty=1, minutes=5,
)  # fmt: skip

# --------------------------------------------------------------------------------------------- 3.5 linear, backward


def linear_back_with(dx=None, dw=None, db=None):
    """`linear_backward` with a wrong gradient. Each takes dy, x, w."""

    def wrong(dy, cache):
        x, w = cache
        right = linear_backward(dy, cache)
        return tuple(make(dy, x, w) if make else it for make, it in zip((dx, dw, db), right, strict=True))

    return wrong


def count_rows(dy):
    """N."""
    return dy[..., 0].size


def linear_gradients(rng, leading):
    """dy (..., O), and the cache of a forward."""
    return rng.normal(size=(*leading, 5)), linear_of(rng, leading)[:2]


def of_one_row(which):
    """dw and db of one row only."""
    return linear_back_with(
        dw=lambda dy, x, w: np.outer(as_rows(x)[which], as_rows(dy)[which]), db=lambda dy, x, w: as_rows(dy)[which]
    )


LINEAR_BACKWARD = Exercise(
    "linear_backward", LESSON, "backward through the linear layer", ("dx", "dw", "db"), linear_backward,
    trials=(
        by_hand(SQUARE_DY, SQUARE[:2]),
        by_hand(
            np.array([[1.0, 0.0, 0.0, 2.0], [0.0, 1.0, -1.0, 0.0], [3.0, 0.0, 1.0, 0.0]]), (HAND_X, HAND_W)
        ),
        *for_each(ROWS, linear_gradients),
    ),
    slips=(
        Slip(
            "not transposed", linear_back_with(dx=lambda dy, x, w: dy @ w), "w was not transposed",
            "To get (N, I) from dy (N, O) and w (I, O), the o has to be in the middle: (N, O) @ (O, I).",
        ),
        Slip(
            "not transposed", linear_back_with(dw=lambda dy, x, w: x @ dy), "x was not transposed",
            "To get (I, O) from x (N, I) and dy (N, O), the n has to be in the middle: (I, N) @ (N, O).",
        ),
        Slip(
            "not transposed", linear_back_with(dx=lambda dy, x, w: dy @ w.reshape(w.shape[::-1])),
            "w was reshaped, not transposed",
            "A reshape reads the same numbers on in another form; a transpose makes rows columns.",
        ),
        Slip(
            "not transposed",
            linear_back_with(dw=lambda dy, x, w: as_rows(x).reshape(w.shape[0], -1) @ as_rows(dy)),
            "x was reshaped, not transposed",
            "A reshape reads the same numbers on in another form; a transpose makes rows columns.",
        ),
        Slip(
            "left as rows", linear_back_with(dx=lambda dy, x, w: as_rows(dy) @ w.T), "the leading axes have become one",
            "dx has the shape of x. Give it its leading axes back.",
        ),
        Slip(
            "mean instead of sum", linear_back_with(db=lambda dy, x, w: as_rows(dy).mean(axis=0)),
            "it is the mean over the rows, not their sum", "One bias served every row, so sum over the rows.",
        ),
        Slip(
            "mean instead of sum",
            linear_back_with(
                dw=lambda dy, x, w: as_rows(x).T @ as_rows(dy) / count_rows(dy),
                db=lambda dy, x, w: as_rows(dy).mean(axis=0),
            ),
            "it is the mean over the rows, not their sum", "One weight served every row, so sum over the rows.",
        ),
        Slip(
            "mean instead of sum", linear_back_with(dw=lambda dy, x, w: as_rows(x).T @ as_rows(dy) / count_rows(dy)),
            "it is the mean over the rows, not their sum", "One weight served every row, so sum over the rows.",
        ),
        Slip(
            "forgot to sum over the batch", linear_back_with(dw=lambda dy, x, w: np.swapaxes(x, -1, -2) @ dy),
            "it is not summed over the batch", "The same weights served every sample: only (I, O) is left.",
        ),
        Slip(
            "forgot to sum over the batch",
            linear_back_with(
                dw=lambda dy, x, w: np.swapaxes(x, -1, -2) @ dy, db=lambda dy, x, w: dy.sum(axis=-2)
            ),
            "it is not summed over the batch", "The same weights served every sample: only (I, O) is left.",
        ),
        Slip(
            "summed over one axis only", linear_back_with(db=lambda dy, x, w: dy.sum(axis=0)),
            "it is summed over the first axis only",
            "One bias served every patch of every clip: all axes but the last go.",
        ),
        Slip(
            "summed over one axis only", linear_back_with(db=lambda dy, x, w: dy.sum(axis=-2)),
            "it is summed over one axis only", "One bias served every patch of every clip: all axes but the last go.",
        ),
        Slip(
            "forgot to sum", linear_back_with(db=lambda dy, x, w: dy), "it is dy, not summed at all",
            "One bias served every row, so sum over the rows.",
        ),
        Slip(
            "axis of length 1", linear_back_with(db=lambda dy, x, w: as_rows(dy).sum(axis=0, keepdims=True)),
            "an axis of length 1 is left over", "db has the shape of b.",
        ),
        Slip(
            "forgot x", linear_back_with(dw=lambda dy, x, w: np.ones_like(as_rows(x)).T @ as_rows(dy)),
            "x is missing in it", "The slope of x · w with respect to w is x.",
        ),
        Slip(
            "forgot dy", linear_back_with(db=lambda dy, x, w: np.ones(w.shape[1]) * count_rows(dy)), "dy is missing",
            "The slope with respect to b is 1, so its gradient is dy, summed.",
        ),
        Slip(
            "forgot dy", linear_back_with(db=lambda dy, x, w: np.ones(w.shape[1])), "dy is missing",
            "The slope with respect to b is 1, so its gradient is dy, summed.",
        ),
        Slip(
            "forgot dy", linear_back_with(dw=lambda dy, x, w: 0 * w + as_rows(x).sum(axis=0)[:, None]), "dy is missing",
            "The slope of y[n, o] with respect to w[i, o] is x[n, i]; weigh it with dy[n, o] before you sum.",
        ),
        *(
            Slip(
                "transpose", linear_back_with(dx=dx), says,
                "To get (N, I) from dy (N, O) and w (I, O), the o has to be in the middle: (N, O) @ (O, I).",
            )
            for dx, says in (
                (lambda dy, x, w: w @ dy, "w stands on the left"),
                (lambda dy, x, w: w.T @ dy, "w stands on the left"), (lambda dy, x, w: dy.T @ w, "dy was transposed"),
                (lambda dy, x, w: dy * w, "dy and w were multiplied number by number"),
            )
        ),
        *(
            Slip(
                "transpose", linear_back_with(dw=dw), says,
                "To get (I, O) from x (N, I) and dy (N, O), the n has to be in the middle: (I, N) @ (N, O).",
            )
            for dw, says in (
                (lambda dy, x, w: dy @ x, "dy stands on the left"),
                (lambda dy, x, w: dy @ x.T, "dy stands on the left"),
                (lambda dy, x, w: x @ dy.T, "dy was transposed, not x"),
                (lambda dy, x, w: x * dy, "x and dy were multiplied number by number"),
            )
        ),
        Slip(
            "times its own input", linear_back_with(dx=lambda dy, x, w: (as_rows(dy) @ w.T).reshape(x.shape) * x),
            "it was multiplied by x as well", "The slope with respect to x is w, and x isn't in it.",
        ),
        Slip(
            "times its own input", linear_back_with(dw=lambda dy, x, w: as_rows(x).T @ as_rows(dy) * w),
            "it was multiplied by w as well", "The slope with respect to w is x, and w isn't in it.",
        ),
        Slip(
            "one row only", of_one_row(-1), "it comes from the last row alone",
            "One weight served every row: += adds them up, = forgets those before.",
        ),
        Slip(
            "one row only", of_one_row(0), "it comes from the first row alone",
            "One weight served every row. Is the `return` inside the loop?",
        ),
        Slip(
            "summed over the outputs", linear_back_with(db=lambda dy, x, w: dy.sum(axis=-1)),
            "it was summed over the outputs, not over the rows", "Each output has a bias of its own: its axis stays.",
        ),
        Slip(
            "the gradient of x", linear_back_with(db=lambda dy, x, w: (as_rows(dy) @ w.T).sum(axis=0)),
            "it is dx, summed", "The bias was added after the product: dy, summed.",
        ),
        Slip(
            "sum of x", linear_back_with(db=lambda dy, x, w: x.sum()), "it is the sum of x",
            "dy, summed over the rows.",
        ),
        Slip(
            "the largest", linear_back_with(db=lambda dy, x, w: as_rows(dy).max(axis=0)),
            "it is the largest, not the sum",
            "One bias served every row, so add up.",
        ),
        Slip(
            "one row only", linear_back_with(db=lambda dy, x, w: as_rows(dy)[0]), "it is the first row of dy",
            "One bias served every row, so sum over the rows.",
        ),
        Slip(
            "one row only", linear_back_with(db=lambda dy, x, w: as_rows(dy)[-1]), "it is the last row of dy",
            "One bias served every row, so sum over the rows.",
        ),
        Slip(
            "one gradient for all samples", linear_back_with(dx=lambda dy, x, w: (as_rows(dy) @ w.T).sum(axis=0)),
            "it was summed over the rows", "Every row of x has a gradient of its own.",
        ),
        Slip(
            "summed over the outputs", linear_back_with(db=lambda dy, x, w: np.full(dy.shape[-1], dy.sum())),
            "each entry is the sum of everything", "Each output has a bias of its own: the sum runs over the rows.",
        ),
        Slip(
            "one gradient for all samples",
            linear_back_with(dx=lambda dy, x, w: np.broadcast_to(as_rows(dy).sum(axis=0) @ w.T, x.shape)),
            "it was summed over the rows", "Every row of x has a gradient of its own.",
        ),
        Slip(
            "w alone", linear_back_with(dx=lambda dy, x, w: np.broadcast_to(w.sum(axis=1), x.shape)), "dy is missing",
            "The slope of y[n, o] with respect to x[n, i] is w[i, o]; weigh it with dy[n, o] before you sum.",
        ),
    ),
    sizes=lambda dy, cache: {"rows": count_rows(dy), "inputs": cache[1].shape[0], "outputs": cache[1].shape[1]},
    difficulty=3, minutes=14,
)  # fmt: skip

# ---------------------------------------------------------------------------------------------- 3.6 the whole encoder


def encoder_forward(patches, w1, b1, w2, b2):
    """As the lesson has it: mean (..., C), log variance (..., C), and the caches of linear, ReLU, linear."""
    h, first_cache = linear_forward(patches, w1, b1)
    h, relu_cache = relu_forward(h)
    h, second_cache = linear_forward(h, w2, b2)
    mean, log_variance = np.split(h, 2, axis=-1)
    return mean, log_variance, (first_cache, relu_cache, second_cache)


def encoder_backward(dmean, dlog_variance, cache):
    """dpatches, dw1, db1, dw2, db2."""
    return back_from(np.concatenate([dmean, dlog_variance], axis=-1), cache)


def back_from(dh, cache, through_relu=relu_backward):
    """Back through linear, ReLU, linear, perhaps with something else in place of ReLU's backward."""
    first_cache, relu_cache, second_cache = cache
    dh, dw2, db2 = linear_backward(dh, second_cache)
    dpatches, dw1, db1 = linear_backward(through_relu(dh, relu_cache), first_cache)
    return dpatches, dw1, db1, dw2, db2


def encoder_back_with(join=lambda dmean, dlog: (dmean, dlog), through_relu=relu_backward):
    """`encoder_backward` with other halves, or something else in place of ReLU's backward."""
    return lambda dmean, dlog, cache: back_from(np.concatenate(join(dmean, dlog), axis=-1), cache, through_relu)


def as_found(dmean, dlog_variance, cache):
    """The gradients in the order in which they are computed."""
    dpatches, dw1, db1, dw2, db2 = encoder_backward(dmean, dlog_variance, cache)
    return dpatches, dw2, db2, dw1, db1


def joined_for_the_first_map(join):
    """The second map's gradients are right, what goes on from there isn't."""

    def wrong(dmean, dlog_variance, cache):
        right = encoder_backward(dmean, dlog_variance, cache)
        return *encoder_back_with(join)(dmean, dlog_variance, cache)[:3], *right[3:]

    return wrong


def relu_skipped_for(weights):
    """ReLU skipped on the way to the first map's weights only, or on the way to the patches only."""

    def wrong(dmean, dlog_variance, cache):
        dpatches, dw1, db1, dw2, db2 = encoder_backward(dmean, dlog_variance, cache)
        skipped = encoder_back_with(through_relu=lambda dh, _: dh)(dmean, dlog_variance, cache)
        return (dpatches, *skipped[1:3], dw2, db2) if weights else (skipped[0], dw1, db1, dw2, db2)

    return wrong


def relu_twice(dh, cache):
    """ReLU's backward, followed by a ReLU."""
    return relu(relu_backward(dh, cache))


HAND_ENCODER = (
    np.array([[1.0, 2.0], [3.0, -1.0], [0.0, 1.0]]),  # patches: N, I
    np.array([[1.0, -1.0, 2.0], [1.0, 2.0, -1.0]]),  # w1: I, H
    np.array([0.0, -1.0, 0.0]),  # b1: H
    np.array([[1.0, 0.0, 1.0, 2.0], [0.0, 1.0, 0.0, -1.0], [2.0, 1.0, -1.0, 0.0]]),  # w2: H, 2C
    np.array([0.0, 1.0, 0.0, 1.0]),  # b2: 2C
)


# With I = H = 2C, the caches of the two maps fit in each other's place.
SQUARE_ENCODER = (
    np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([[1.0, -1.0], [1.0, 2.0]]), np.array([0.0, -1.0]),
    np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([0.0, 1.0]),
)  # fmt: skip


def caches_swapped(dmean, dlog_variance, cache):
    """Each map's backward with the other's cache."""
    first_cache, relu_cache, second_cache = cache
    return encoder_backward(dmean, dlog_variance, (second_cache, relu_cache, first_cache))


def with_weights(change):
    """Each map's backward with a changed weight on the way to its input."""

    def wrong(dmean, dlog_variance, cache):
        (x, w1), (positive,), (h, w2) = cache
        dh = np.concatenate([dmean, dlog_variance], axis=-1)
        dh_before = as_rows(dh) @ change(w2).T * as_rows(positive)
        dpatches = as_rows(dh_before) @ change(w1).T
        dw1, dw2 = as_rows(x).T @ as_rows(dh_before), as_rows(h).T @ as_rows(dh)
        return dpatches.reshape(x.shape), dw1, dh_before.sum(axis=0), dw2, as_rows(dh).sum(axis=0)

    return wrong


def encoder_gradients(rng, leading):
    """dmean, dlog_variance (..., C) and the cache of a forward, every axis of a different length."""
    shapes = ((*leading, 3), (3, 7), (7,), (7, 10), (10,))  # ..., I    I, H    H    H, 2C    2C
    cache = encoder_forward(*(rng.normal(size=shape) for shape in shapes))[2]
    return rng.normal(size=(*leading, 5)), rng.normal(size=(*leading, 5)), cache


def hidden_and_latents(dmean, dlog_variance, cache):
    """Names of sizes."""
    return {"rows": dmean[..., 0].size, "hidden numbers": cache[2][1].shape[0], "channels": dmean.shape[-1]}


# The lesson provides its forward, so there is no gradient stage.
ENCODER_BACKWARD = Exercise(
    "encoder_backward", LESSON, "backward through the whole encoder", ("dpatches", "dw1", "db1", "dw2", "db2"),
    encoder_backward,
    trials=(
        by_hand(np.array([[1.0], [-2.0]]), np.array([[0.0], [3.0]]), encoder_forward(*SQUARE_ENCODER)[2]),
        by_hand(
            np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]), np.array([[0.0, 1.0], [-1.0, 0.0], [0.0, 3.0]]),
            encoder_forward(*HAND_ENCODER)[2],
        ),
        *for_each(ROWS, encoder_gradients),
    ),
    slips=(
        Slip(
            "halves swapped", encoder_back_with(lambda dmean, dlog: (dlog, dmean)),
            "the mean and the log variance have changed places", "The forward cut the mean off first.",
        ),
        Slip(
            "mean only", encoder_back_with(lambda dmean, dlog: (dmean, 0 * dlog)),
            "the gradient of the log variance is lost",
            "Both halves came out of one linear layer, so both send a gradient back.",
        ),
        Slip(
            "log variance only", encoder_back_with(lambda dmean, dlog: (0 * dmean, dlog)),
            "the gradient of the mean is lost",
            "Both halves came out of one linear layer, so both send a gradient back.",
        ),
        Slip(
            "mean only", joined_for_the_first_map(lambda dmean, dlog: (dmean, 0 * dlog)),
            "the gradient of the log variance is lost",
            "Both halves came out of one linear layer, so both send a gradient back to the hidden numbers.",
        ),
        Slip(
            "log variance only", joined_for_the_first_map(lambda dmean, dlog: (0 * dmean, dlog)),
            "the gradient of the mean is lost",
            "Both halves came out of one linear layer, so both send a gradient back to the hidden numbers.",
        ),
        Slip(
            "mean twice", encoder_back_with(lambda dmean, dlog: (dmean, dmean)),
            "the gradient of the mean stands in both halves", "The second half is that of the log variance.",
        ),
        Slip(
            "added instead of joined", encoder_back_with(lambda dmean, dlog: (dmean + dlog, dmean + dlog)),
            "the two gradients were added up", "They belong to different columns: put them side by side.",
        ),
        Slip(
            "in turns", lambda dmean, dlog, cache: back_from(
                np.stack([dmean, dlog], axis=-1).reshape(*dmean.shape[:-1], -1), cache
            ),
            "the two gradients were put together in turns", "The mean is the first half of the columns, as one piece.",
        ),
        Slip(
            "ReLU of the gradient", encoder_back_with(lambda dmean, dlog: (relu(dmean), relu(dlog))),
            "ReLU was applied to the gradients that come in", "A gradient may be negative: only the cache decides.",
        ),
        Slip(
            "difference of the two", encoder_back_with(lambda dmean, dlog: (-dmean, dlog)),
            "the gradient of the mean has the wrong sign", "Put the two side by side, as they are.",
        ),
        Slip(
            "half of the log variance", encoder_back_with(lambda dmean, dlog: (dmean, dlog / 2)),
            "the gradient of the log variance was halved", "Put the two side by side, as they are.",
        ),
        Slip(
            "added instead of joined", encoder_back_with(lambda dmean, dlog: ((dmean + dlog) / 2, (dmean + dlog) / 2)),
            "the mean of the two gradients stands in both halves", "They belong to different columns.",
        ),
        Slip(
            "the other half", encoder_back_with(through_relu=lambda dh, cache: dh * ~cache[0]),
            "it came through where the hidden numbers were not positive", "The cache says true where the slope is 1.",
        ),
        Slip(
            "difference of the two", encoder_back_with(lambda dmean, dlog: (dmean, -dlog)),
            "the gradient of the log variance has the wrong sign", "Put the two side by side, as they are.",
        ),
        Slip(
            "skipped ReLU", encoder_back_with(through_relu=lambda dh, _: dh), "the ReLU was skipped on the way back",
            "The forward went through three calls, so the backward has three too.",
        ),
        Slip(
            "skipped ReLU", relu_skipped_for(weights=True),
            "the ReLU was skipped on the way to the first map's weights",
            "The first map's three gradients come from one call, given what ReLU's backward returned.",
        ),
        Slip(
            "skipped ReLU", relu_skipped_for(weights=False), "the ReLU was skipped on the way to the patches",
            "The first map's three gradients come from one call, given what ReLU's backward returned.",
        ),
        Slip(
            "ReLU of the gradient", encoder_back_with(through_relu=lambda dh, _: relu(dh)),
            "ReLU was applied to the gradient itself",
            "On the way back it is relu_backward, with its cache: where the hidden number was positive.",
        ),
        Slip(
            "ReLU of the gradient", encoder_back_with(through_relu=relu_twice),
            "ReLU was applied to the gradient as well", "A gradient may be negative: only the cache decides.",
        ),
        Slip(
            "caches swapped", caches_swapped, "the caches of the two maps have changed places",
            "The last map of the forward comes first on the way back, and takes its own cache, the third.",
        ),
        Slip(
            "not transposed", with_weights(np.transpose), "the weights were not transposed",
            "dy @ w.T, or use layers.linear_backward.",
        ),
        Slip(
            "as they were found", as_found, "the gradients of the two maps have changed places",
            "You compute them from the last layer to the first, but return them in the order of the arguments.",
        ),
    ),
    sizes=hidden_and_latents,
    difficulty=2, minutes=10,
)  # fmt: skip

EXERCISES = (STEP_3, LINEAR_FORWARD, RELU_FORWARD, RELU_BACKWARD, LINEAR_BACKWARD, ENCODER_BACKWARD)
