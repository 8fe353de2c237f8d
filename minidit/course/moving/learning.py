"""To move: a gradient that is wrong on purpose, and the sizes of a network."""

from functools import lru_cache

import numpy as np

from minidit.course.moving.moving import Control
from minidit.course.moving.panels import Bars, Curves
from minidit.course.moving.shown import moving
from minidit.course.using import originals, using
from minidit.diffusion.paths import RectifiedFlow, network_time
from minidit.layers import losses as loss_layers
from minidit.models.cost import matrix_products, parameter_count
from minidit.models.dit import DiT, DiTSettings
from minidit.models.parameters import Parameters
from minidit.models.text_encoder import TextEncoderSettings
from minidit.training.optimizer import AdamWSettings, adamw_update

WORDS = TextEncoderSettings(vocabulary_size=8, max_length=4, width=8, num_heads=2)
LEARNER = DiTSettings(in_channels=4, patch=(2, 1, 1), width=24, depth=2, num_heads=2, text=WORDS)
CLIPS, BATCH, STEPS, RATE = 4, 8, 120, 8e-3
WORDS_READ = np.ones((BATCH, 1), int)
SMOOTH = 8  # steps of which the curve shows the mean

# N = clips; f, r, c = frames, rows, columns in latents; C = channels; L = words


def negated(own):
    """The sign of the loss's gradient turned."""
    return lambda dloss, cache: own(-dloss, cache)


def without_residual(own):
    """Nothing comes back along the residual."""

    def backward(dy, cache):
        dx, *others = own(dy, cache)
        return np.zeros_like(dx), *others

    return backward


def minus_lost(own):
    """The sign of what goes on to the layers before."""

    def backward(dy, cache):
        dx, *others = own(dy, cache)
        return -dx, *others

    return backward


def transposed(own):
    """Square weights get the transpose of their gradient."""

    def backward(dy, cache):
        dx, dw, *others = own(dy, cache)
        return dx, dw.T if dw.shape[0] == dw.shape[1] else dw, *others

    return backward


def one_of_rows(own):
    """The bias gets the last token's gradient instead of the sum over tokens, and so does the weight."""

    def backward(dy, cache):
        x, w = cache
        dx, *_ = own(dy, cache)
        last = dy.reshape(-1, dy.shape[-1])[-1]
        return dx, np.outer(x.reshape(-1, x.shape[-1])[-1], last), last

    return backward


SLIPS = {
    "the loss's sign": ("mse_backward", negated),
    "one token instead of their sum": ("linear_backward", one_of_rows),
    "a minus in layer norm": ("layernorm_modulate_backward", minus_lost),
    "the residual forgotten": ("linear_gated_residual_backward", without_residual),
    "a weight's gradient transposed": ("linear_backward", transposed),
}


def wrong_gradient():
    """Lesson 11: the loss with a slip in one backward, beside the loss with the right one."""
    runs = {name: losses(name) for name in SLIPS}
    right, x = losses(None), np.arange(STEPS)

    def scene(slip):
        name, _ = SLIPS[slip]
        lines = {"right": right, f"with the slip in {name}": runs[slip]}
        panels = [Curves("loss of a small DiT", x, lines, xlabel="step", ylabel="loss", limits=(0, 1.3), wide=True)]
        if runs[slip][-1] > 1.2 * right[-1]:
            return panels, f"After {STEPS} steps {right[-1]:.2f}, or {runs[slip][-1]:.3g} with the slip."
        return panels, "The loss falls as if nothing was wrong. Only a gradient check finds this slip."

    control = Control("slip", tuple(SLIPS), 1, "slip", kind="choice")
    return moving([control], scene, "Two curves of the loss: the right one falls, the one with a slip stays high.")


@lru_cache
def losses(slip):
    """The loss of a small DiT at each step, smoothed, with a slip in one of its backwards or with none.

    Args:
        slip: a name from SLIPS, or None.
    Returns:
        (STEPS,), the mean of the last SMOOTH steps at each.
    """
    planted = {}
    if slip:
        name, change = SLIPS[slip]
        planted[name] = change(originals()[name])
    rng = np.random.default_rng(3)
    network = DiT(LEARNER, rng)
    clips = rng.standard_normal((CLIPS, 2, 3, 3, 4), dtype=np.float32)  # four things to learn by heart
    params, grads = network.params.flat, Parameters(network.params.shapes)
    m, v, settings, found = np.zeros_like(params), np.zeros_like(params), AdamWSettings(), []
    with using(**planted):
        for step in range(1, STEPS + 1):
            chosen = rng.integers(CLIPS, size=BATCH)
            noise = rng.standard_normal((BATCH, *clips.shape[1:]), dtype=np.float32)  # N, f, r, c, C
            t = rng.random(BATCH, dtype=np.float32)
            x = RectifiedFlow().noised(clips[chosen], noise, t)
            y, cache = network.forward(x, network_time(t), WORDS_READ)
            loss, loss_cache = loss_layers.mse_forward(y, clips[chosen])
            _, by_name = network.backward(loss_layers.mse_backward(1.0, loss_cache)[0], cache)
            found.append(float(loss))
            grads.load(by_name)
            adamw_update(params, grads.flat, m, v, step, RATE, settings)
    found = np.array(found)
    return np.array([found[max(0, i - SMOOTH + 1) : i + 1].mean() for i in range(STEPS)])


def sizes():
    """Lesson 17: width, depth and tokens of a network, and what a pass costs."""
    widths, depths, tokens = (96, 192, 384, 768, 1152), (2, 6, 12, 24, 28), (16, 64, 256, 1024, 4096)

    @lru_cache
    def cost(width, depth, count):
        """Billions of multiplications by part, and the number of parameters."""
        settings = DiTSettings(12, (1, 1, 1), width, depth, num_heads=width // 32, text=WORDS)
        found = dict.fromkeys(PARTS.values(), 0)
        for product in matrix_products(settings, 1, (count, 1, 1), words=8, training=False):
            found[next(PARTS[key] for key in PARTS if key in product.name)] += product.multiply_accumulates / 1e9
        return found, parameter_count(settings)

    def scene(width, depth, count):
        found, learned = cost(width, depth, count)
        total = sum(found.values())
        costs = [sum(cost(width, depth, each)[0].values()) for each in tokens]
        panels = [
            Bars("% of all multiplications", {part: 100 * size / total for part, size in found.items()}, most=100),
            Curves(
                "a pass, by tokens", np.log2(tokens), {"all": np.array(costs)},
                xlabel="tokens, as a power of 2", ylabel="billions", mark=float(np.log2(count)), logy=True,
            ),
        ]  # fmt: skip
        return panels, f"{learned / 1e6:,.1f} million parameters, {total:,.2f} billion multiplications a pass."

    controls = [
        Control("width", widths, 1), Control("depth", depths, 1, "blocks"), Control("count", tokens, 0, "tokens"),
    ]  # fmt: skip
    return moving(controls, scene, "Shares of a pass by part of the network, and its cost by tokens.")


PARTS = {
    "text_encoder": "the rest", ".mlp.": "feed-forward", ".attn.qkv": "q, k, v", ".attn.proj": "projection",
    ".attn": "scores, values", "adaLN": "modulation", "": "the rest",
}  # fmt: skip   by what is in the names of their products, the first that fits
