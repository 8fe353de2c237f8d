# %% [markdown]
# # Lesson 17 · Going further: scaling
#
# What does a network cost, and what does more of it buy? You count multiplications, first with a pencil and then for
# networks of any size, train five small ones, and see whether they lie on a line.
#
# **Time**: about 70 minutes, 50 of them in exercises. **Assumed**: the parts of a block (lessons
# [6](06_estimate_scale_and_shift.ipynb) to [10](10_feed_forward.ipynb)), training ([lesson 11](11_training.ipynb)).

# %%
import os
from dataclasses import replace

import numpy as np
from threadpoolctl import threadpool_limits

from minidit import load
from minidit.course import check, draw, move
from minidit.course.stand_in import yours_or_ours
from minidit.diffusion import RectifiedFlow, network_time, objectives, sample_times
from minidit.experiments.fits import power_law_with_floor
from minidit.models.cost import matrix_products, multiply_accumulates, parameter_count
from minidit.models.dit import DiT, DiTSettings
from minidit.models.parameters import Parameters
from minidit.presets import dit_settings
from minidit.training import optimizer
from minidit.worksheet import solve
from minidit.world import HELD_OUT, SEEN, caption, render_batch

# a small fraction of the training, to see that all runs
QUICK = os.environ.get("MINIDIT_QUICK", "") not in ("", "0")
_ = threadpool_limits(1)  # matrices as small as ours are multiplied fastest on one core

# %% [markdown]
# ## By hand
#
# The unit of cost is the **multiply-accumulate**: multiply two numbers and add the result to a sum. A matrix of $m
# \times k$ times one of $k \times n$ gives $m \cdot n$ results, each a sum of $k$ products: $m \cdot k \cdot n$
# multiply-accumulates. (A *flop* is one multiplication or one addition, so there are twice as many flops.)
#
# The worksheet has eight matrix products. These are their factors:

# %%
sheet = solve()
w = sheet.weights
draw.matrices(("encode", w.encoder_weight), "·", ("patches", sheet.patches))
draw.matrices(
    ("scale and shift", w.conditioning_weight), "·", ("condition", sheet.condition)
)
draw.matrices(
    ("queries", w.query_weight), "·", ("latent", sheet.conditioned), "     ",
    ("keys", w.key_weight), "·", ("latent", sheet.conditioned),
)
draw.matrices(
    ("keys, transposed", sheet.keys.T), "·", ("queries", sheet.queries), "     ",
    ("latent", sheet.conditioned), "·", ("attention", sheet.attention),
)
draw.matrices(
    ("feed-forward", w.feed_forward_weight), "·", ("pooled", sheet.pooled), "     ",
    ("decode", w.decoder_weight), "·", ("latent", sheet.denoised),
)

# %% [markdown]
# ### 17.1 What the worksheet costs  ·  ●○○  ·  5 minutes
# Type in the multiply-accumulates of all eight, in this order: encode, scale and shift, queries, keys, scores, pooling,
# feed-forward, decode.
#
# <details><summary>All are too small</summary>Did you count the numbers in a matrix? Multiply three sides: the rows of
# the left matrix, the columns of the right one, and the side that they share.</details>
# <details><summary>The scores are off</summary>Each of 4 keys meets each of 4 queries, and both have 2
# numbers.</details>

# %% exercise="worksheet_products"
### BEGIN SOLUTION
products = [32, 20, 16, 16, 32, 32, 16, 32]
### END SOLUTION

check.worksheet_products(products)

# %% [markdown]
# ### 17.2 Twice as long  ·  ●○○  ·  4 minutes
# A video of four frames instead of two has 8 patches instead of 4. The weights stay the same. Type in all eight again,
# in the same order.
#
# <details><summary>One of them should not change at all</summary>Which product doesn't depend on the patches? There is
# one condition, however long the video.</details>
# <details><summary>Two of them are too small</summary>Where two sides of a product count patches, both sides have
# doubled.</details>

# %% exercise="worksheet_twice_as_long"
### BEGIN SOLUTION
products_of_8 = [64, 20, 32, 32, 128, 128, 32, 64]
### END SOLUTION

check.worksheet_twice_as_long(products_of_8)

# %% [markdown]
# There are three kinds of cost: **fixed** (the condition), **linear** in the number of tokens (all layers), and
# **quadratic** (attention). With 4 patches attention is a third of everything, with 8 patches half of it. These two
# products make long videos expensive.
#
# ## In NumPy
#
# Now for a real block. The number of tokens comes first: a token is a patch of latents.

# %% [markdown]
# ### 17.3 How many tokens  ·  ●○○  ·  3 minutes
# `shape` is (frames, rows, columns) of a clip's latents, and `patch` says how many latents make a token along each
# axis. `patch` divides `shape`. Return the number of tokens.
#
# <details><summary>It fits with one patch and not with another</summary>There are three axes, and a patch may span
# several latents along each of them.</details>

# %% exercise="tokens_of_patch"
def tokens_of_patch(shape, patch):
    ### BEGIN SOLUTION
    return (shape[0] // patch[0]) * (shape[1] // patch[1]) * (shape[2] // patch[2])
    ### END SOLUTION


check.tokens_of_patch(tokens_of_patch)

# %% [markdown]
# A block has these matrix products, for a clip of $T$ tokens of width $D$, with $M = \text{mlp\_ratio} \cdot D$:
#
# | part | product |
# |---|---|
# | modulation (lesson 6), once per clip | $1 \times D$ times $D \times 6D$ |
# | queries, keys and values (8) | $T \times D$ times $D \times 3D$ |
# | scores (8), over all heads | $T \times D$ times $D \times T$ |
# | weights times values (9), over all heads | $T \times T$ times $T \times D$ |
# | projection (9) | $T \times D$ times $D \times D$ |
# | feed-forward (10) | $T \times D$ times $D \times M$, and $T \times M$ times $M \times D$ |

# %% [markdown]
# ### 17.4 What a block costs  ·  ●●○  ·  10 minutes
# Return the multiply-accumulates of one block for one clip. The number of heads makes no difference: they share the
# width.
#
# <details><summary>It fits for one token and not for three</summary>Some products grow with T, some with T², and one
# not at all.</details>
# <details><summary>It fits for mlp_ratio = 4 only</summary>The hidden layer is mlp_ratio · D wide.</details>
# <details><summary>It is twice too large</summary>A multiplication with its addition is one.</details>

# %% exercise="block_multiply_accumulates"
def block_multiply_accumulates(tokens, width, mlp_ratio=4):
    ### BEGIN SOLUTION
    modulation = 6 * width * width
    linear = tokens * width * (3 * width + width + 2 * mlp_ratio * width)
    attention = 2 * tokens * tokens * width
    return modulation + linear + attention
    ### END SOLUTION


check.block_multiply_accumulates(block_multiply_accumulates)

# %% [markdown]
# With the usual ratio of 4 this is $12\,T D^2 + 2\,T^2 D + 6\,D^2$. At $T = 6D$, attention costs as much as all layers
# together. Pictures have far fewer tokens; long videos come close.
#
# Does it agree with the paper? Its largest network, XL/2, has 28 blocks of width 1152, and 256 tokens for a picture of
# 256 × 256 pixels. Table 1 says 118.6 G.

# %%
block_cost = yours_or_ours(block_multiply_accumulates)
print(f"28 blocks of XL/2: {28 * block_cost(256, 1152) / 1e9:.1f} G")
xl = dit_settings("minidit-XL/2", in_channels=4, num_classes=1000, learn_sigma=True)
everything = multiply_accumulates(xl, 1, (1, 16, 16), training=False)
print(f"with all that is around them, by minidit.models.cost: {everything / 1e9:.1f} G")

# %% [markdown]
# **Parameters** follow from the same sizes: a linear layer from $I$ to $O$ numbers has $I \cdot O$ weights and $O$
# biases. A block has five layers: modulation, queries-keys-values, projection, and two in the feed-forward network.
# Norms, scores and residuals have no parameters.

# %% [markdown]
# ### 17.5 How many numbers a block learns  ·  ●●○  ·  7 minutes
# Return the number of parameters of a block. It doesn't depend on the tokens: all share the same weights.
#
# <details><summary>It is a little too small</summary>Each of the five layers has biases, one for each of its
# outputs.</details>
# <details><summary>It is much too small</summary>The modulation makes 6 · D numbers from D. It has a third of all
# parameters.</details>

# %% exercise="block_parameters"
def block_parameters(width, mlp_ratio=4):
    ### BEGIN SOLUTION
    hidden = mlp_ratio * width
    layers = [(width, 6 * width), (width, 3 * width), (width, width)]
    layers += [(width, hidden), (hidden, width)]
    return sum(inputs * outputs + outputs for inputs, outputs in layers)
    ### END SOLUTION


check.block_parameters(block_parameters)

# %% [markdown]
# ## Backward
#
# What does the backward cost? Take a linear layer, $y = x\,w$, with $x$ of $n \times I$ and $w$ of $I \times O$:
#
# | | product | cost |
# |---|---|---|
# | forward | $y = x\,w$ | $n \cdot I \cdot O$ |
# | to the input | $dx = dy\,w^\top$ | $n \cdot O \cdot I$ |
# | to the weights | $dw = x^\top dy$ | $I \cdot n \cdot O$ |
#
# A product has two factors. Each has a gradient, and each gradient is a product with the same three sides. The same
# holds for attention's two products. So **the backward costs twice the forward**, and a training step costs three times
# the forward.

# %% [markdown]
# ### 17.6 What a training costs  ·  ●○○  ·  4 minutes
# `forward` is the cost of the forward pass for *one* clip. A step takes a batch forward and back. With `recompute` a
# step saves memory: it keeps little of the forward, and computes it again when the backward needs it. Return the
# multiply-accumulates of the whole training.
#
# <details><summary>It is two thirds of what it should be</summary>The backward has two products for each of the
# forward's.</details>
# <details><summary>It is off only with recomputation</summary>Only the forward is computed again.</details>

# %% exercise="training_multiply_accumulates"
def training_multiply_accumulates(forward, batch, steps, recompute=False):
    ### BEGIN SOLUTION
    passes = 4 if recompute else 3  # forward, twice as much back, and forward again
    return passes * forward * batch * steps
    ### END SOLUTION


check.training_multiply_accumulates(training_multiply_accumulates)

# %% [markdown]
# ## In the real model
#
# Where do the shipped network's multiplications go? minidit lists them all, by the name of the layer. Besides the 6
# blocks there are the patch embedding, the text encoder, the embedding of t and the last layer.

# %%
model = load().model
# latents of 16 frames of 32 × 32 pixels
settings, shape = model.settings.dit, (16, 4, 4)
tokens = yours_or_ours(tokens_of_patch)(shape, settings.patch)
listed = matrix_products(settings, 1, (tokens, 1, 1), words=10, training=False)
PARTS = {
    "modulation": "adaLN",
    "attention": ".attn.",
    "feed-forward": ".mlp.",
    "text": "text_encoder",
}
shares = dict.fromkeys([*PARTS, "rest"], 0)
for product in listed:
    words_in = product.name.startswith("text_encoder")
    parts = [name for name, found in PARTS.items() if found in product.name]
    part = "text" if words_in else [*parts, "rest"][0]
    shares[part] += product.multiply_accumulates
total = sum(shares.values())
draw.bars(
    {name: 100 * count / total for name, count in shares.items()},
    ylabel="% of a forward pass",
)
blocks = settings.depth * block_cost(tokens, settings.width)
print(
    f"{total / 1e6:.1f} million in all; the {settings.depth} blocks alone, by your "
    f"count: {blocks / 1e6:.1f} million"
)

# %% [markdown]
# **A smaller patch.** The same network with smaller patches has about the same number of parameters, but more tokens,
# and each token costs. The paper varies this besides the size.

# %%
print("patch      tokens   parameters   multiply-accumulates")
for patch in ((16, 2, 2), (16, 1, 1), (8, 1, 1), (4, 1, 1), (2, 1, 1), (1, 1, 1)):
    other = replace(settings, patch=patch)
    count = yours_or_ours(tokens_of_patch)(shape, patch)
    cost = multiply_accumulates(other, 1, (count, 1, 1), words=10, training=False)
    name = " x ".join(map(str, patch))
    print(
        f"{name:10} {count:6} {parameter_count(other):12,} {cost / 1e6:12.1f} million"
    )

# %% [markdown]
# **What does more buy?** Five networks of growing size learn from the same clips for the same number of steps. At a few
# moments we measure the loss on combinations of colour, shape, motion and sky that training never shows. (This takes
# half a minute.)

# %%
# width, depth, heads
SIZES = ((12, 1, 2), (24, 1, 2), (36, 2, 2), (48, 2, 4), (96, 3, 4))
LOOKS = np.array([5, 10, 15, 20]) if QUICK else np.array([40, 80, 160, 320])  # steps
CLIPS, BATCH, RATE = 384, 24, 3e-3
path, rng = RectifiedFlow(), np.random.default_rng(17)


def encoded(pool, count):
    """Latents (B, f, r, c, C) and captions (B, L) of clips of these combinations."""
    chosen = [pool[i] for i in rng.integers(len(pool), size=count)]
    latents = model.codec.encode(render_batch(chosen, rng))
    return latents, model.tokenizer.encode([caption(a, rng) for a in chosen])


latents, words = encoded(SEEN, CLIPS)
tests, test_words = encoded(HELD_OUT, 96)
test_noise = rng.standard_normal(tests.shape, dtype=np.float32)
test_times = sample_times(rng, len(tests), mean=-1.8)


def loss_of(network, data, noise, t, words):
    """The loss, and the caches of the loss and of the network."""
    prediction, cache = network.forward(
        path.noised(data, noise, t), network_time(t), words
    )
    loss, loss_cache = objectives.diffusion_loss_forward(
        prediction, "data", path, data, noise, t
    )
    return float(loss), loss_cache, cache


def trained(width, depth, heads):
    """The settings of a network, and its loss on held-out clips at each of LOOKS."""
    chosen = DiTSettings(
        settings.in_channels, (8, 1, 1), width, depth, heads, text=settings.text
    )
    network, rng = DiT(chosen, np.random.default_rng(1)), np.random.default_rng(2)
    params, grads = network.params.flat, Parameters(network.params.shapes)
    m, v, average = np.zeros_like(params), np.zeros_like(params), params.copy()
    found = []
    for step in range(1, LOOKS[-1] + 1):
        batch = rng.integers(CLIPS, size=BATCH)
        noise = rng.standard_normal((BATCH, *latents.shape[1:]), dtype=np.float32)
        t = sample_times(rng, BATCH, mean=-1.8)
        _, loss_cache, cache = loss_of(network, latents[batch], noise, t, words[batch])
        _, by_name = network.backward(
            objectives.diffusion_loss_backward(1.0, loss_cache), cache
        )
        grads.load(by_name)
        optimizer.adamw_ema_update(
            params, grads.flat, m, v, average, step, RATE * min(1.0, step / 20),
            optimizer.AdamWSettings(), optimizer.ema_decay(step, 0.98),
            float(grads.flat @ grads.flat), 1.0,
        )
        if step in LOOKS:
            now = params.copy()
            params[...] = average
            found.append(loss_of(network, tests, test_noise, test_times, test_words)[0])
            params[...] = now
    return chosen, found


runs = [trained(*size) for size in SIZES]
losses = np.array([found for _, found in runs])                   # networks, looks
forward = np.array(
    [
        multiply_accumulates(s, 1, (1, 4, 4), words.shape[1], training=False)
        for s, _ in runs
    ]
)
print("width  million a clip   loss after", *(f"{look:6}" for look in LOOKS), " steps")
for (width, _, _), cost, found in zip(SIZES, forward, losses, strict=True):
    print(f"{width:5} {cost / 1e6:15.2f} {'':12}", *(f"{loss:6.3f}" for loss in found))

# %% [markdown]
# Losses of networks often fall along a **power law** of the compute $x$:
#
# $$y = \text{scale} \cdot x^{-\text{exponent}} \qquad \text{so} \qquad
# \log y = \log \text{scale} - \text{exponent} \cdot \log x$$
#
# On logarithmic axes that is a straight line, and fitting it takes no training. With $a_i = \log x_i$ and $b_i = \log
# y_i$, we look for the line $b = p + q\,a$ that minimises the sum of squares $\sum_i (p + q\,a_i - b_i)^2$. At the
# minimum both slopes are zero:
#
# $$\sum_i (p + q\,a_i - b_i) = 0 \qquad \sum_i a_i\,(p + q\,a_i - b_i) = 0$$

# %% [markdown]
# The first says $p = \bar b - q\,\bar a$: the line goes through the mean point. Substitute this into the second, and
# only differences from the means are left:
#
# $$q = \frac{\sum_i (a_i - \bar a)\,(b_i - \bar b)}{\sum_i (a_i - \bar a)^2}$$

# %% [markdown]
# ### 17.7 A power law through points  ·  ●●○  ·  10 minutes
# `x` and `y` are (N,), all positive. Return `scale` and `exponent`.
#
# <details><summary>The exponent has the wrong sign</summary>The law is x to the power of <em>minus</em> the exponent. A
# falling line has a positive one.</details>
# <details><summary>The exponent passes, the scale doesn't</summary>p is the logarithm of the scale. Which function
# undoes your logarithm?</details>
# <details><summary>Hand numbers pass, random ones don't</summary>Do you use all points, or only two of them?</details>

# %% exercise="fit_power_law"
def fit_power_law(x, y):
    ### BEGIN SOLUTION
    a, b = np.log(x), np.log(y)                                   # N each
    centred = a - a.mean()
    slope = (centred * (b - b.mean())).sum() / (centred * centred).sum()
    return np.exp(b.mean() - slope * a.mean()), -slope
    ### END SOLUTION


check.fit_power_law(fit_power_law)

# %% [markdown]
# Here are the five networks at the end of their training, and your line through them. For comparison there is a law
# with a **floor**, $y = \text{floor} + \text{scale} \cdot x^{-\text{exponent}}$; we find the floor by trying many.

# %%
cost_of_training = yours_or_ours(training_multiply_accumulates)
compute = np.array(
    [cost_of_training(int(cost), BATCH, int(LOOKS[-1])) for cost in forward], float
)
scale, exponent = yours_or_ours(fit_power_law)(compute, losses[:, -1])
with_floor = power_law_with_floor(compute, losses[:, -1])
draw.curves(
    np.log10(compute),
    {
        "trained": losses[:, -1],
        "power law": scale * compute**-exponent,
        "with a floor": with_floor(compute),
    },
    points=True, logy=True, xlabel="log10 of the training's multiply-accumulates",
    ylabel="loss, held out",
)
print(
    f"exponent {exponent:.3f}: ten times the compute, and the loss is "
    f"{10**-exponent:.2f} times as large"
)
print(f"with a floor of {with_floor.floor:.2f}: exponent {with_floor.exponent:.2f}")

# %% [markdown]
# The points don't lie on the line: they bend. No loss falls to zero, because even the best network can't know which of
# many clips is behind the noise; so there is a floor. But is it where the second law puts it, just below the last
# point? No: the largest network's loss was still falling when we stopped. A few hundred steps were too few for it. And
# the smallest networks spend most of their compute on the text encoder, which has the same size in all of them.
#
# Three parameters fit five points all too easily. Before you trust a law beyond its points, ask what else could have
# bent the curve.

# %% [markdown]
# **How to spend a budget.** The largest network is not always the best: for the same compute, a smaller one can train
# for longer. If you know the cost of each network and a table of losses, which network do you choose, and for how many
# steps?

# %% [markdown]
# ### 17.8 The best for a budget  ·  ●●○  ·  7 minutes
# `costs` (N,) is the cost of a step for each network, `steps` (S,) are numbers of steps, and `losses` (N, S) is the
# table. A training costs the network's cost times its steps; it may use the whole budget. Return the index of the
# network and the index of the number of steps with the smallest affordable loss.
#
# <details><summary>It picks one that is too expensive</summary>Make those losses infinite before you look for the
# smallest.</details>
# <details><summary>It returns a single large number</summary><code>argmin</code> of a table counts through the whole
# table. <code>np.unravel_index</code> turns that number into a row and a column.</details>

# %% exercise="best_for_budget"
def best_for_budget(budget, costs, steps, losses):
    ### BEGIN SOLUTION
    affordable = costs[:, None] * steps[None, :] <= budget        # N, S
    best = np.argmin(np.where(affordable, losses, np.inf))
    return np.unravel_index(best, losses.shape)
    ### END SOLUTION


check.best_for_budget(best_for_budget)

# %%
best = yours_or_ours(best_for_budget)
# N
per_step = np.array([cost_of_training(int(cost), BATCH, 1) for cost in forward], float)
print("budget (million million)   network of width   steps   loss")
for budget in np.geomspace(per_step[0] * LOOKS[0], per_step[-1] * LOOKS[-1] * 1.01, 7):
    network, length = map(int, best(budget, per_step, LOOKS.astype(float), losses))
    print(
        f"{budget / 1e12:18.4f} {SIZES[network][0]:20} {LOOKS[length]:11} "
        f"{losses[network, length]:7.3f}"
    )

# %% [markdown]
# A larger budget calls for a larger network *and* for more steps. Hoffmann et al. 2022 measured this for language
# models, and found that both should grow at the same rate.
#
# `minidit claims scalability` does the same with nine networks of three sizes and three patches, for thousands of
# steps, and draws the result as in the paper; it takes about half an hour. In its figure, look at the axes first. If
# both are logarithmic, a straight line is a power law. Then compare points of one colour, which are networks that
# differ in one thing. And look at the intervals: is a difference larger than they are?

# %% [markdown]
# **Try it.** Choose width, blocks and tokens. From how many tokens on does attention's own part, the scores and the
# values, cost more than the feed-forward?

# %%
move.sizes()

# %% [markdown]
# ## What the worksheet left out
#
# - **Everything else besides matrix products.** Norms, softmax, GELU, additions: few multiplications, but each reads
#   and writes all numbers. On a GPU they can take as long as the products.
# - **Memory.** Training keeps what the backward needs. Like the cost, it grows with tokens, width and depth. `minidit
#   plan` counts both.
# - **Sampling.** A clip takes a forward pass for each step of the sampler, and a second one while guidance acts.
# - **Learning rates.** Each size has its own best learning rate. Using the same one for all is a little unfair to some.

# %% [markdown]
# ## Recap
#
# - A product of $m \times k$ with $k \times n$ costs $m \cdot k \cdot n$; its backward costs twice that.
# - A block costs $12\,T D^2 + 2\,T^2 D$ and a little: linear in tokens by its layers, quadratic by attention.
# - A power law is a line between logarithms, and its fit has a closed form. Check whether the points lie on it.
#
# Where to go from here: [projects.md](../projects.md), with questions of this kind, some without a known answer.
