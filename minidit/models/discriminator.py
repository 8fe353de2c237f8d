"""The patch discriminator: does a group of neighbouring patches come from a real clip or from the codec?

It looks at two patches by two, so a seam between them gives the codec away.
"""

import copy

import numpy as np

from minidit.layers import leaky_relu_backward, leaky_relu_forward
from minidit.models.mlp import mlp_backward, mlp_forward, mlp_shapes
from minidit.models.parameters import Parameters, xavier_weights

# N = groups, G = values of a group of four patches, H = hidden width


class Discriminator:
    """Two linear layers with a leaky ReLU between: a group of patches to one logit, positive for "real".

    Args:
        values: G, numbers in a group.
        hidden: H.
        rng: draws the starting parameters.
        dtype: float32, or float64 to check gradients.
    Source: Isola et al. 2017, section 3.2.2 (judging patches, not pictures); Rombach et al. 2022, section 3.1.
    """

    def __init__(self, values, hidden, rng, dtype=np.float32):
        self.params = Parameters(mlp_shapes("", values, hidden, 1), dtype)
        xavier_weights(rng, self.params)

    def on(self, xp):
        """The same discriminator on the device of an array library."""
        twin = copy.copy(self)
        twin.params = self.params.on(xp)
        return twin

    def forward(self, groups):
        """Groups (N, G) to logits (N, 1) and a cache."""
        return mlp_forward(groups, self.params, "", leaky_relu_forward)

    def backward(self, dlogits, cache):
        """Returns dgroups (N, G) and the gradients of the parameters."""
        return mlp_backward(dlogits, cache, "", leaky_relu_backward)
