"""Which combinations a model is trained on, and which it must compose by itself.

Number the values of each attribute in the order of its tuple (red is 0, green is 1, ...). A combination is
held out when

    color + 2 * shape + 3 * motion + 4 * sky  is divisible by 7.

That is a Latin square in four dimensions: no coefficient is divisible by 7, so of all combinations that share
three of their values at most one is held out. Every value, every pair and even every triple of values is
therefore seen in training; only some combinations of all four are new: 54 of 375.
"""

from minidit.world.attributes import ALL_ATTRIBUTES, attribute_indices

COEFFICIENTS = (1, 2, 3, 4)  # of color, shape, motion, sky
MODULUS = 7

_remainders = attribute_indices(ALL_ATTRIBUTES) @ COEFFICIENTS % MODULUS  # 375

SEEN = tuple(a for a, remainder in zip(ALL_ATTRIBUTES, _remainders, strict=True) if remainder)
HELD_OUT = tuple(a for a, remainder in zip(ALL_ATTRIBUTES, _remainders, strict=True) if not remainder)
