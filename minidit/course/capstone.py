"""The capstone: a student's own functions replace minidit's; if something is wrong, it finds the function to blame.

    collect()                                         # at the top of a cell: fills it with functions that passed
    mine = Parts(linear_forward, linear_backward, layernorm_forward, …)
    say_culprits(mine)                                # which are wrong, in words
    with minidit.using(**mine.in_place()) as calls:   # those that are right; for the others minidit's own stay
        …

`collect` is in collecting.py. `Parts` lets a very small DiT (small_dit.py) run with some functions in place, fitted to
it (fitting.py), and culprits.py compares.
"""

from collections import Counter

from minidit.course.collecting import collect
from minidit.course.culprits import culprits
from minidit.course.engine import examine
from minidit.course.exercises import all_exercises
from minidit.course.fitting import PAIRS, WITH_OUT, first_of_two, fitted, with_out
from minidit.course.report import say
from minidit.course.small_dit import batch_gradients, small_run

__all__ = ["Parts", "batch_gradients", "collect", "find_culprit", "is_right", "say_culprits"]


class Parts:
    """A student's functions, by name.

    Args:
        functions: with the names that minidit's have.
        named: name -> function, for functions with a different name.
    """

    def __init__(self, *functions, **named):
        given = {function.__name__: function for function in functions} | named
        self.functions = {name: with_out(given[name]) if name in WITH_OUT else given[name] for name in given}
        self.promoted = Counter()  # name -> how often it turned float32 into float64

    def __call__(self, what, *inputs):
        """What a very small DiT computes with some functions in place, or what one of the functions returns.

        Args:
            what: one of the PAIRS, "all", or the name of a function.
            inputs: of the function.
        Returns:
            as `small_run`, or what the function returns.
        Raises:
            NotImplementedError: there is no function of this name.
        """
        if inputs:
            if what not in self.functions:
                raise NotImplementedError(f"there is no {what}")
            return self.functions[what](*inputs)
        names = self.functions if what == "all" else PAIRS[what]
        if what == "attention":
            names = (*PAIRS["softmax"], *names)
        try:
            return small_run(self.fitted([name for name in names if name in self.functions]))
        except RecursionError:
            raise ValueError("a function calls itself. Does it call minidit's function of the same name?") from None

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

        minidit's loss uses only the gradient of the prediction, called mse_gradient.
        """
        ready = {name: fitted(name, self.functions[name], self.promoted) for name in names}
        if "mse_backward" in ready:
            ready["mse_gradient"] = first_of_two(ready["mse_backward"])
        return ready

    def on_precision(self):
        """A sentence about the functions that turned float32 into float64, or ""."""
        if not self.promoted:
            return ""
        names = ", ".join(sorted(self.promoted))
        return (
            f"made float64 of float32: {names}. Nothing is wrong with that, and it was turned back, but float64 takes "
            "twice the time. np.sqrt(…) of a number gives a float64 of NumPy's; float(np.sqrt(…)) or … ** 0.5 is a "
            "Python number, which leaves arrays as they are. np.zeros(shape, x.dtype) has the dtype of x."
        )


def find_culprit(functions):
    """The first function that is wrong, or None: see `culprits`."""
    parts = functions if isinstance(functions, Parts) else Parts(**functions)
    return next((culprit for culprit in culprits(parts) if culprit.written), None)


def say_culprits(parts):
    """Says which functions are wrong and which are not written yet, or that all are right. Returns the Culprits."""
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


def is_right(name, answer):
    """Whether an answer passes the check of this name; prints nothing."""
    return examine(all_exercises()[name], answer).passed
