"""Which combinations a model is trained on, and which it must compose by itself.

Number the values of each attribute in the order of its tuple (red is 0, green is 1, ...). A combination is
held out when

    color + 2 * shape + 3 * motion + 4 * sky  is divisible by 7.

That is a Latin square in four dimensions: no coefficient is divisible by 7, so of all combinations that share
three of their values at most one is held out. Every value, every pair and even every triple of values is
therefore seen in training; only some combinations of all four are new: 54 of 375.

To study how much a model must see, training can use fewer: those whose sum leaves a remainder of 1, then those with 2,
and so on (`first_seen`). Each remainder is such a square again, so all values are seen about equally often, and from 54
combinations on all pairs are seen. Within a remainder, the remainder of a second sum divided by 6 gives the order,
chosen so that 27 combinations already have most of the pairs.
"""

from minidit.world.attributes import ALL_ATTRIBUTES, attribute_indices

COEFFICIENTS = (1, 2, 3, 4)  # of color, shape, motion, sky
MODULUS = 7
SECOND_COEFFICIENTS, SECOND_MODULUS = (3, 3, 6, 4), 6

_remainders = attribute_indices(ALL_ATTRIBUTES) @ COEFFICIENTS % MODULUS  # 375
_second = attribute_indices(ALL_ATTRIBUTES) @ SECOND_COEFFICIENTS % SECOND_MODULUS  # 375

SEEN = tuple(a for a, remainder in zip(ALL_ATTRIBUTES, _remainders, strict=True) if remainder)
HELD_OUT = tuple(a for a, remainder in zip(ALL_ATTRIBUTES, _remainders, strict=True) if not remainder)

_ORDERED = tuple(
    ALL_ATTRIBUTES[i] for i in sorted(range(len(ALL_ATTRIBUTES)), key=lambda i: (_remainders[i], _second[i], i))
)[len(HELD_OUT) :]  # SEEN, in the order in which `first_seen` gives them


def first_seen(count=None):
    """The first `count` of the combinations that may be trained on, by the rule above; None for all, in their order.

    Raises:
        ValueError: the count is below 1 or too large.
    """
    if count is None:
        return SEEN
    if not 1 <= count <= len(SEEN):
        raise ValueError(f"the number of combinations was {count}: give 1 to {len(SEEN)}")
    return _ORDERED[:count]
