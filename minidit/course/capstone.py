"""The capstone: a student's own functions in place of minidit's, and which of them is to blame if something is wrong.

    mine = Parts(linear_forward, linear_backward, layernorm_forward, …)
    say_culprits(mine)                                # which are wrong, in words
    with minidit.using(**mine.in_place()) as calls:   # those that are right; for the others minidit's own stay
        …

A function that passes its check may still not fit into a network: the checks compute in float64, with the shapes of the
exercise. `Parts` lets a very small DiT run with some functions in place, and compares.
"""

import functools
import inspect
from collections import Counter
from dataclasses import dataclass

import numpy as np

from minidit.course.engine import SECONDS, errors, examine
from minidit.course.exercises import all_exercises
from minidit.course.limits import TookTooLong, numpy_left_alone, prints_held_back, within
from minidit.course.progress import note
from minidit.course.report import NOT_STARTED, say
from minidit.course.using import using
from minidit.diffusion import RectifiedFlow, network_time, objectives
from minidit.layers.losses import mse_gradient
from minidit.models.dit import DiT, DiTSettings
from minidit.models.parameters import Parameters
from minidit.models.text_encoder import TextEncoderSettings
from minidit.models.tokenizer import PAD
from minidit.training import optimizer

# n = all parameters as one vector

# Which functions go together: a backward takes the cache of its own forward, and attention may call a softmax.
PAIRS = {
    "linear": ("linear_forward", "linear_backward"),
    "silu": ("silu_forward", "silu_backward"),
    "layernorm": ("layernorm_forward", "layernorm_backward"),
    "modulate": ("modulate_forward", "modulate_backward"),
    "gated_residual": ("gated_residual_forward", "gated_residual_backward"),
    "softmax": ("softmax_forward", "softmax_backward"),
    "attention": ("attention_forward", "attention_backward"),
    "gelu": ("gelu_forward", "gelu_backward"),
    "feedforward": ("feedforward_forward", "feedforward_backward"),
    "mse": ("mse_forward", "mse_backward"),
    "clip_scale": ("clip_scale",),
    "adamw": ("adamw_update",),
    "ema": ("ema_update",),
}
SMALL = DiTSettings(
    in_channels=3, patch=(2, 1, 1), width=8, depth=1, num_heads=2,
    text=TextEncoderSettings(vocabulary_size=7, max_length=6, width=4, num_heads=2),
)  # fmt: skip
SMALL_LATENTS = (3, 2, 2, 3, 3)  # clips, frames, rows, columns, channels
SMALL_WORDS = ((1, 4, 5, 6), (1, 2, PAD, PAD), (1, PAD, PAD, PAD))  # the last is the empty prompt
LEAVES_OUT = ("training", "out")  # options that a readable version may do without
WITHOUT_TRAINING = {"gelu_forward": 1, "feedforward_forward": 5}  # how many arguments it then takes
TOLERANCE = 1e-8  # of a number, relative to the largest of its kind, in float64
LEARNING_RATE, LIMIT, DECAY = 0.01, 0.1, 0.9  # of the small DiT's two steps of AdamW
STEPS = 2
OTHER_DTYPE = "another dtype than the inputs"  # a slip's name


class Parts:
    """A student's functions, by name.

    Args:
        functions: with the names that minidit's have.
        named: the same, for functions that are called something else.
    """

    def __init__(self, *functions, **named):
        self.functions = {function.__name__: function for function in functions} | named
        self.promoted = Counter()  # name -> how often it made float64 of float32

    def __call__(self, pair):
        """What a very small DiT computes with the functions of one of the PAIRS in place, or with all ("all").

        Returns:
            as `small_run`.
        """
        names = self.functions if pair == "all" else PAIRS[pair]
        if pair == "attention":
            names = (*PAIRS["softmax"], *names)
        return small_run(self.fitted([name for name in names if name in self.functions]))

    def __iter__(self):
        return iter(self.functions)

    @property
    def pairs(self):
        """Those of the PAIRS that are here in whole."""
        return [pair for pair, names in PAIRS.items() if all(name in self.functions for name in names)]

    def in_place(self):
        """Those functions that are right, fitted for `minidit.using`; a pair is right if both are."""
        guilty = {name for culprit in culprits(self) for name in culprit.functions}
        pairs = [names for names in map(PAIRS.get, self.pairs) if not guilty & set(names)]
        return self.fitted([name for names in pairs for name in names])

    def fitted(self, names):
        """Functions as minidit needs them: name -> function.

        Its loss asks for the gradient of the prediction alone, by the name of mse_gradient.
        """
        ready = {name: fitted(name, self.functions[name], self.promoted) for name in names}
        if "mse_backward" in ready:
            ready["mse_gradient"] = first_of_two(ready["mse_backward"])
        return ready

    def on_precision(self):
        """A sentence on those functions that made float64 of float32, or ""."""
        if not self.promoted:
            return ""
        names = ", ".join(sorted(self.promoted))
        return (
            f"made float64 of float32: {names}. Nothing is wrong with that, and it was turned back, but float64 takes "
            "twice the time. np.sqrt(…) of a number gives a float64 of NumPy's; float(np.sqrt(…)) or … ** 0.5 is a "
            "Python number, which leaves arrays as they are. np.zeros(shape, x.dtype) has the dtype of x."
        )


# ------------------------------------------------------------------------------- between a student's and minidit's


def fitted(name, function, promoted):
    """A student's function with what it needs to work among minidit's.

    It may leave away the options `training` and `out`, and it may make float64 of float32.

    Args:
        name: of the function.
        function: the student's.
        promoted: Counter, in which it is noted if it does.
    """
    accepted = parameters(function)

    @functools.wraps(function, updated=())
    def among_ours(*arguments, **options):
        out = options.get("out")
        if accepted is not None:
            if accepted["positions"] == WITHOUT_TRAINING.get(name):
                arguments = arguments[: accepted["positions"]]
            options = {key: value for key, value in options.items() if key not in LEAVES_OUT or accepted["takes"](key)}
        results = function(*arguments, **options)
        dtype = dtype_of((arguments, options))
        if dtype == np.float32:
            results, changed = in_float32(results)
            promoted[name] += changed
            if not promoted[name]:
                del promoted[name]
        if out is not None:
            for target, result in zip(out, results, strict=True):
                if target is not result:
                    target[...] = result
        return results

    return among_ours


def first_of_two(mse_backward):
    """The gradient of the prediction alone, by a function that returns two. It may ask minidit's own for help."""
    asked = False

    def gradient(dloss, cache):
        nonlocal asked
        if asked:
            return mse_gradient(dloss, cache)
        asked = True
        try:
            return mse_backward(dloss, cache)[0]
        finally:
            asked = False

    return gradient


def parameters(function):
    """How many arguments a function takes by position, and whether it takes one of a name; None if it doesn't say."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in found):
        return None
    by_position = [p.name for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    anything = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in found)
    names = {p.name for p in found}
    return {"positions": len(by_position), "takes": lambda name: anything or name in names}


def dtype_of(value):
    """The dtype of the first array of floats in a value, however its tuples and dicts are nested, or None."""
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, tuple | list):
        return next(filter(None, map(dtype_of, value)), None)
    return value.dtype if isinstance(value, np.ndarray) and value.dtype.kind == "f" else None


def in_float32(value):
    """A value with float32 in place of float64, and Python's floats in place of NumPy's; and whether there was any."""
    if isinstance(value, tuple | list):
        parts = [in_float32(part) for part in value]
        changed = any(changed for _, changed in parts)
        return (tuple(part for part, _ in parts), True) if changed else (value, False)
    if isinstance(value, np.floating):
        return float(value), False
    if isinstance(value, np.ndarray) and value.dtype == np.float64:
        return value.astype(np.float32), True
    return value, False


# ------------------------------------------------------------------------------------------------- a very small DiT


def small_network(dtype=np.float64):
    """The DiT of SMALL, each parameter moved away from zero, as closed gates would hide mistakes."""
    network = DiT(SMALL, dtype=dtype)
    network.params.flat[...] = np.random.default_rng(15).normal(0, 0.4, network.params.flat.shape)
    return network


def small_batch(dtype=np.float64):
    """data and noise (SMALL_LATENTS), t (N,) and words (N, L)."""
    rng = np.random.default_rng(12)
    data, noise = rng.normal(size=(2, *SMALL_LATENTS)).astype(dtype)
    return data, noise, np.array([0.2, 0.5, 0.9], dtype), np.array(SMALL_WORDS)


def batch_gradients(network, data, noise, t, words):
    """Loss of a batch and its gradients by parameter name: minidit's own, by way of `minidit.diffusion`.

    Args:
        network: DiT that predicts the data.
        data, noise: (N, f, r, c, C).
        t: (N,), words: (N, L).
    """
    path = RectifiedFlow()
    prediction, cache = network.forward(path.noised(data, noise, t), network_time(t), words)
    loss, loss_cache = objectives.diffusion_loss_forward(prediction, "data", path, data, noise, t)
    _, grads = network.backward(objectives.diffusion_loss_backward(1.0, loss_cache), cache)
    return float(loss), grads


def small_run(functions, gradients_of=None, dtype=np.float64):
    """What the small DiT comes to with these functions in place of minidit's.

    Args:
        functions: name -> function, for `minidit.using`.
        gradients_of: a function like `batch_gradients`, which is the default.
        dtype: float64, or float32.
    Returns:
        dict: "the prediction" in sampling, "the loss", "the gradient" (n,), and after two steps of AdamW
        "the parameters" (n,) and "their moving average" (n,).
    """
    gradients_of = gradients_of or batch_gradients
    network, batch = small_network(dtype), small_batch(dtype)
    params, grads = network.params.flat, Parameters(network.params.shapes, dtype)
    first, second, average = np.zeros_like(params), np.zeros_like(params), params.copy()
    settings = optimizer.AdamWSettings(weight_decay=0.1)
    with using(**functions):
        data, noise, t, words = batch
        x = RectifiedFlow().noised(data, noise, t)
        prediction = network.predict(x, network_time(t), network.embed(words))
        for step in range(1, STEPS + 1):
            loss, by_name = gradients_of(network, *batch)
            grads.load(by_name)
            if step == 1:
                found = {"the prediction": prediction, "the loss": np.array(loss), "the gradient": grads.flat.copy()}
            optimizer.adamw_ema_update(
                params, grads.flat, first, second, average, step, LEARNING_RATE, settings, DECAY,
                float(grads.flat @ grads.flat), LIMIT,
            )  # fmt: skip
    return found | {"the parameters": params.copy(), "their moving average": average}


# ----------------------------------------------------------------------------------------------- who is to blame


@dataclass(frozen=True)
class Culprit:
    """Functions that are wrong, or not written.

    Attributes:
        functions: their names: one, or a pair of which the network can't tell which it is.
        says: what is wrong, in words, with the name at the beginning.
        written: False if there is nothing yet.
    """

    functions: tuple[str, ...]
    says: str
    written: bool = True


def find_culprit(functions):
    """The first function that is wrong, or None: see `culprits`."""
    parts = functions if isinstance(functions, Parts) else Parts(**functions)
    return next((culprit for culprit in culprits(parts) if culprit.written), None)


def culprits(parts):
    """Which functions are wrong: those that their own checks reject, and pairs that a DiT shows to be wrong.

    Args:
        parts: Parts.
    Returns:
        list of Culprits, in the order of PAIRS; empty if all is well.
    """
    right, found = small_run({}), []
    for pair, names in PAIRS.items():
        here = [name for name in names if name in parts.functions]
        rejected = [by_check(name, parts.functions[name]) for name in here]
        rejected = [culprit for culprit in rejected if culprit]
        found += rejected or [culprit for culprit in [in_network(parts, pair, here, right)] if culprit]
    return found


def by_check(name, function):
    """The Culprit that a function's own check makes it, or None; None too where there is no check."""
    exercise = all_exercises().get(name)
    report = examine(exercise, function) if exercise else None
    if report is None or report.passed or report.slip == OTHER_DTYPE:  # what comes as float64 is turned back
        return None
    written = report.verdict != NOT_STARTED
    return Culprit((name,), str(report), written)


def in_network(parts, pair, here, right):
    """The Culprit if the small DiT computes something else with a pair's functions in place, or None."""
    if len(here) < len(PAIRS[pair]):
        missing = [name for name in PAIRS[pair] if name not in here]
        return Culprit(tuple(here), f"○ {pair}: without {missing[0]} the other can't be used.", False) if here else None
    try:
        with numpy_left_alone(), prints_held_back(), np.errstate(all="ignore"):
            got = within(5 * SECONDS, lambda: parts(pair))
    except TookTooLong:
        return Culprit(tuple(here), f"✗ {pair}: in a very small DiT it did not come to an end.")
    except NotImplementedError:
        return Culprit(tuple(here), f"○ {pair}: not started.", False)
    except RecursionError:
        says = f"✗ {pair}: it calls itself. A function that hands on to minidit's of the same name meets itself there."
        return Culprit(tuple(here), says)
    except Exception as error:
        text = (str(error).splitlines() or ["(no message)"])[0][:200]
        says = f"✗ {pair}: it passes its checks, but in a DiT it raised {type(error).__name__}: {text}"
        return Culprit(tuple(here), says)
    for what, expected in right.items():
        if got[what].shape != expected.shape or (errors(got[what], expected) > TOLERANCE).any():
            says = (
                f"✗ {pair}: it passes its checks, but in a DiT {what} comes out wrong. The arrays there have other "
                "shapes than in the exercise, and masks: does it count axes from the back?"
            )
            return Culprit(tuple(here), says)
    return None


def say_culprits(parts):
    """Says which functions are wrong and which are not written yet, or that all is well. Returns the Culprits."""
    found = culprits(parts)
    for culprit in found:
        if culprit.written:
            say(culprit.says)
    waiting = [name for culprit in found if not culprit.written for name in culprit.functions]
    if waiting:
        say(f"○ not written yet, so that minidit's own stand in: {', '.join(waiting)}.")
    if not found:
        say(f"✓ all {len(parts.functions)} functions are right, each by itself and in a DiT.")
    return found


def say_checks(*functions):
    """Has functions checked, each by the check of its lesson, and says what was found, a line or two for each."""
    for function in functions:
        exercise = all_exercises().get(function.__name__)
        if exercise:
            report = examine(exercise, function)
            say(str(report))
            note(report)


def is_right(name, answer):
    """Whether an answer passes the check of this name; nothing is said."""
    return examine(all_exercises()[name], answer).passed
