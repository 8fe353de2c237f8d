"""The patch discriminator: does a group of neighbouring patches come from a real clip or from the codec?

It looks at two patches by two, so a seam between them gives the codec away.
"""

import copy

import numpy as np

from minidit.layers import leaky_relu_backward, leaky_relu_forward, linear_backward, linear_forward
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
        shapes = {"0.weight": (values, hidden), "0.bias": (hidden,), "2.weight": (hidden, 1), "2.bias": (1,)}
        self.params = Parameters(shapes, dtype)
        xavier_weights(rng, self.params)

    def on(self, xp):
        """The same discriminator on the device of an array library."""
        twin = copy.copy(self)
        twin.params = self.params.on(xp)
        return twin

    def forward(self, groups):
        """Groups (N, G) to logits (N, 1) and a cache."""
        h, linear1_cache = linear_forward(groups, self.params["0.weight"], self.params["0.bias"])  # N, H
        h, relu_cache = leaky_relu_forward(h)
        logits, linear2_cache = linear_forward(h, self.params["2.weight"], self.params["2.bias"])  # N, 1
        return logits, (linear1_cache, relu_cache, linear2_cache)

    def backward(self, dlogits, cache):
        """Returns dgroups (N, G) and the gradients of the parameters."""
        linear1_cache, relu_cache, linear2_cache = cache
        dh, dweight2, dbias2 = linear_backward(dlogits, linear2_cache)
        dh = leaky_relu_backward(dh, relu_cache)
        dgroups, dweight0, dbias0 = linear_backward(dh, linear1_cache)
        return dgroups, {"0.weight": dweight0, "0.bias": dbias0, "2.weight": dweight2, "2.bias": dbias2}
