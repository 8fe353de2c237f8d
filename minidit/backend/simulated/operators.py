"""The operators of `cupy.ndarray`, simulated: x + y and the like."""

import numpy as np

from minidit.backend.simulated.functions import UFUNCS, run
from minidit.backend.simulated.memory import DeviceArray
from minidit.backend.simulated.products import matmul

ARITHMETIC = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide", "floordiv": "floor_divide",
    "mod": "remainder", "divmod": "divmod", "pow": "power", "lshift": "left_shift", "rshift": "right_shift",
    "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor", "matmul": "matmul",
}  # fmt: skip
COMPARISONS = {
    "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "eq": "equal", "ne": "not_equal",
}  # fmt: skip
UNARY = {"neg": "negative", "pos": "positive", "abs": "absolute", "invert": "invert"}
POWERS = {2.0: "square", 0.5: "sqrt", -1.0: "reciprocal"}  # that CuPy has a faster kernel for


class WithOperators(DeviceArray):
    """An array with all operators except @=, which CuPy lacks."""

    __slots__ = ()


def add_operators():
    """Gives WithOperators its methods, from the tables above."""
    for symbol, name in ARITHMETIC.items():
        setattr(WithOperators, f"__{symbol}__", lambda self, other, name=name: binary(name, self, other))
        setattr(WithOperators, f"__r{symbol}__", lambda self, other, name=name: binary(name, other, self))
        if symbol not in ("divmod", "matmul"):
            setattr(WithOperators, f"__i{symbol}__", lambda self, other, name=name: UFUNCS[name](self, other, self))
    for symbol, name in COMPARISONS.items():
        setattr(WithOperators, f"__{symbol}__", lambda self, other, name=name: binary(name, self, other))
    for symbol, name in UNARY.items():
        setattr(WithOperators, f"__{symbol}__", lambda self, name=name: UFUNCS[name](self))


add_operators()


def binary(name, x, y):
    """x and y by a ufunc: CuPy's, or NumPy's if one isn't an array of the device; that asks the other what to do."""
    if isinstance(x, DeviceArray) and isinstance(y, DeviceArray):
        return matmul(x, y) if name == "matmul" else UFUNCS[name](x, y)
    if name == "power" and isinstance(x, DeviceArray) and type(y) in (int, float) and y in POWERS:
        whole = type(y) is int and y == 2 and x.dtype.kind in "if"
        if whole or type(y) is float and x.dtype.kind == "f":
            return UFUNCS[POWERS[y]](x)
    other = y if isinstance(x, DeviceArray) else x
    if name in ("equal", "not_equal") and (other is None or type(other).__eq__ is object.__eq__):
        return run("fill", np.full_like, (x, name == "not_equal", bool), {})  # equals no element
    if getattr(other, "__array_ufunc__", True) is None:
        return NotImplemented
    return getattr(np, name)(x, y)
