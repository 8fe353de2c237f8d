"""Classifier-free guidance: ask with and without the prompt, and go further in the direction of the prompt.

A *condition* here is whatever the network takes besides x and t: an array (N, ...) such as class labels or
word ids, or a tuple of such arrays. A *null condition* is one row of the same without the leading N: the
empty prompt.
"""

import math

from minidit.backend import array_module
from minidit.errors import UserError, as_number, as_pair

# N = batch


def classifier_free_guidance(conditional, unconditional, scale):
    """unconditional + scale * (conditional - unconditional), on all channels.

    The code published with the DiT paper guides only the first three of the four latent channels (kept there, its
    comment says, to reproduce the paper's numbers exactly). The method doesn't need that, and we guide all channels.

    Args:
        conditional, unconditional: (N, ...), the network's outputs with the prompt and with the empty one.
            Data, noise or velocity alike: given x_t they convert by maps that guidance commutes with.
        scale: 0 ignores the prompt, 1 is the prompt without guidance, larger scales follow it more closely.
    Returns: (N, ...)
    Source: Ho & Salimans 2022, eq. 6, with scale = 1 + w.
    """
    return unconditional + scale * (conditional - unconditional)  # N, ...


def guided(network, condition, null_condition, scale, interval=(0.0, 1.0)):
    """A network with the prompt and the guidance built in: network(x, t, condition) becomes network(x, t).

    Both halves run as one batch of 2N, prompts first. Where guidance does nothing (scale 1, or a time outside
    the interval) only the N prompts run, which is also twice as fast.

    Args:
        network: function of x (M, ...), a number t and a condition of M rows, that returns (M, ...).
        condition: (N, ...), or a tuple of such arrays.
        null_condition: one row of it (...), or a tuple of such rows.
        scale: see `classifier_free_guidance`; any finite number.
        interval: (from, to), the times with guidance, ends included. Guidance harms where it is noisiest, as
            all clips of a prompt become alike there, and changes little where the clip is almost done.
    Returns: function of x (N, ...) and a number t, that returns (N, ...), for `objectives.estimator`.
    Raises: UserError for a scale that isn't finite or an interval that isn't one.
    Source: Kynkäänniemi et al. 2024 (guidance in a limited interval); their noise level is our sigma / alpha.
    """
    scale, first, last = checked_guidance(scale, interval)

    def guided_network(x, t):
        if scale == 1.0 or not first <= t <= last:
            return network(x, t, condition)                                                   # N, ...
        xp = array_module(x)
        both = _for_each_array(_with_null_rows, condition, null_condition)                    # 2N, ...
        conditional, unconditional = xp.split(network(xp.concatenate([x, x]), t, both), 2)    # N, ... twice
        return classifier_free_guidance(conditional, unconditional, scale)                    # N, ...

    return guided_network


def checked_guidance(scale, interval):
    """The scale and both ends of the interval, as floats.

    Raises: UserError, see `guided`.
    """
    if not math.isfinite(as_number(scale)):
        raise UserError(f"The guidance scale was {scale!r}, but it must be a finite number (1 is no guidance).")
    ends = [as_number(end) for end in as_pair(interval) or ()]
    if not ends or not 0.0 <= ends[0] <= ends[1] <= 1.0:
        raise UserError(f"The guidance interval was {interval}: give two times in [0, 1], the smaller one first.")
    return as_number(scale), *ends


def _for_each_array(function, condition, null_condition):
    """function(rows, null row) for an array, or for each array of a tuple."""
    if not isinstance(condition, tuple):
        return function(condition, null_condition)
    return tuple(function(rows, null) for rows, null in zip(condition, null_condition, strict=True))


def _with_null_rows(rows, null):
    """The rows, followed by the null row once for each, in their dtype."""
    xp = array_module(rows)
    null = xp.asarray(null, dtype=rows.dtype)
    if null.shape != rows.shape[1:]:
        raise ValueError(f"the null condition is one row of shape {rows.shape[1:]}, got {null.shape}")
    return xp.concatenate([rows, xp.broadcast_to(null, rows.shape)])  # 2N, ...
