# %% [markdown]
# # Lesson 10 · Pointwise feed-forward
#
# Attention lets patches talk to each other. Now each patch thinks for itself: you build the feed-forward network with
# GELU, its backward included, and see what it adds to the tokens of a trained model.
#
# **Time**: about 60 minutes, 44 of them in exercises. **Assumed**: matrix products, the chain rule, and the linear
# layer's forward and backward ([lesson 3](03_visual_encoder.ipynb)).

# %%
from time import perf_counter

import numpy as np

from minidit import layers, load
from minidit.course import check, draw, move
from minidit.course.stand_in import yours_or_ours
from minidit.diffusion import RectifiedFlow, network_time
from minidit.worksheet import solve
from minidit.world import SEEN, caption, render_batch

rng = np.random.default_rng(0)

# %% [markdown]
# ## By hand
#
# On the worksheet, step 10 is one linear map. It takes each pooled patch, a column $x$ of two numbers, and returns the
# noise that the network believes is in it:
#
# $$\text{predicted noise} = W x + b$$
#
# The same $W$ and the same $b$ serve every column. No column looks at another one: that is what *pointwise* means.

# %%
sheet = solve()
W, b = sheet.weights.feed_forward_weight, sheet.weights.feed_forward_bias
pooled = sheet.pooled
draw.matrices(("W", W), "·", ("pooled", pooled), "+", ("b", b), "=", "?")

# %% [markdown]
# ### 10.1 The predicted noise  ·  ●○○  ·  4 minutes
# Work out $W \cdot \text{pooled} + b$ with a pencil, and type the matrix in: two rows, a column for each patch.
#
# <details><summary>My numbers are too large</summary>The actual noise is −1, 0 or 1, and the predictions are small too.
# Look at the signs in W: each row takes a difference.</details>
# <details><summary>Only the first column is right</summary>b is written once, but it is added to every
# column.</details>

# %% exercise="step_10_predicted_noise"
### BEGIN SOLUTION
predicted = [
    [-2, 2, 0, 0],
    [-3, 1, -1, -1],
]
### END SOLUTION

check.step_10_predicted_noise(predicted)

# %% [markdown]
# Look at the pooled latent again: its numbers go up to 14 in size, and those of the prediction only to 3. $W$ has two
# equal rows, which take the difference of a patch's two numbers. Step 11 will say whether that is a *good* prediction.

# %% [markdown]
# ## In NumPy
#
# The real model has two linear maps with a nonlinearity between them. Without it, two maps in a row would be one map:
# $(x W_1) W_2 = x (W_1 W_2)$. The nonlinearity here is GELU. It sends each number through a *gate* that opens as the
# number grows:
#
# $$y = \tfrac12\, x \cdot \text{gate}, \qquad \text{gate} = 1 + \tanh(\text{inner}), \qquad
# \text{inner} = \sqrt{2/\pi}\,\left(x + 0.044715\, x^3\right)$$
#
# The gate runs from 0 (shut) to 2 (open). A large positive $x$ comes out as $x$, a large negative one as 0. (The exact
# GELU has the bell curve's integral in place of the tanh. The two differ by less than 0.0005.)

# %% [markdown]
# ### 10.2 GELU  ·  ●○○  ·  7 minutes
# Write `gelu_forward` for x of any shape. It returns `y` and the cache `(x, gate)`. You can ignore `training`: minidit
# passes it to say whether there will be a backward.
#
# <details><summary>Hand numbers pass, random ones don't</summary>At 0, 10 and −10 only the gate's ends matter. Between
# them, √(2/π) and the cubic term count: does the root cover the whole fraction, and does it multiply both
# terms?</details>
# <details><summary>y is right, the cache is not</summary>It holds x and the whole gate, 1 + tanh, in this
# order.</details>
# <details><summary>float32 comes out as float64</summary><code>np.sqrt(2 / np.pi)</code> is a NumPy float64, and turns
# every array it touches into float64, at twice the cost. <code>(2 / np.pi) ** 0.5</code> is a plain Python number, and
# doesn't.</details>

# %% exercise="gelu_forward"
def gelu_forward(x, training=True):
    ### BEGIN SOLUTION
    gate = 1 + np.tanh((2 / np.pi) ** 0.5 * (x + 0.044715 * x * x * x))
    return 0.5 * x * gate, (x, gate)
    ### END SOLUTION


check.gelu_forward(gelu_forward)

# %% [markdown]
# Here is the curve of your function, beside ReLU:

# %%
x = np.linspace(-4, 4, 201)
y, (_, gate) = yours_or_ours(gelu_forward)(x)
draw.curves(
    x, {"GELU": y, "ReLU": np.maximum(x, 0), "gate": gate}, xlabel="x", ylabel="y"
)

# %% [markdown]
# Now the whole network. Tokens are rows here, so the weight stands on the right:
#
# $$y = \text{gelu}(x\, W_1 + b_1)\, W_2 + b_2$$
#
# $W_1$ widens a token from $D$ numbers to $M$ hidden ones ($M = 4D$ in a DiT), $W_2$ brings it back to $D$.

# %% [markdown]
# ### 10.3 The feed-forward network  ·  ●○○  ·  6 minutes
# Write `feedforward_forward` as three calls: `layers.linear_forward(x, w, b)`, `layers.gelu_forward(x)`, and
# `layers.linear_forward` again. Each returns its result and its own cache. x is (…, D), w1 (D, M), b1 (M,), w2 (M, D),
# b2 (D,). Return `y` (…, D), and the three caches as a tuple, in the order of the calls.
#
# <details><summary>It says that y is what comes without GELU</summary>What did you pass to the second linear
# map?</details>
# <details><summary>The cache holds the wrong number of things</summary>Three calls, three caches:
# <code>(first_cache, gelu_cache, second_cache)</code>.</details>

# %% exercise="feedforward_forward"
def feedforward_forward(x, w1, b1, w2, b2, training=True):
    ### BEGIN SOLUTION
    before, first_cache = layers.linear_forward(x, w1, b1)        # ..., M
    hidden, gelu_cache = layers.gelu_forward(before)              # ..., M
    y, second_cache = layers.linear_forward(hidden, w2, b2)       # ..., D
    return y, (first_cache, gelu_cache, second_cache)
    ### END SOLUTION


check.feedforward_forward(feedforward_forward)

# %% [markdown]
# **What a pointwise map can't do.** Change one token, and see which outputs change: only its own. And it doesn't know
# where a token is. Shuffle the tokens, and you get the same outputs, shuffled.

# %%
B, T, D, M = 1, 5, 3, 12
tokens = rng.normal(size=(B, T, D))
shapes = (D, M), (M,), (M, D), (D,)
weights = tuple(rng.normal(size=shape) for shape in shapes)

feedforward = yours_or_ours(feedforward_forward)
y, _ = feedforward(tokens, *weights)
changed = tokens.copy()
changed[0, 2] += 1  # the third token only
y_changed, _ = feedforward(changed, *weights)
order = [3, 1, 4, 0, 2]
y_shuffled, _ = feedforward(tokens[:, order], *weights)

print("outputs that changed:", np.flatnonzero(np.abs(y_changed - y).sum(axis=-1)[0]))
print("shuffled in, shuffled out:", np.allclose(y_shuffled, y[:, order]))

# %% [markdown]
# ## Backward
#
# GELU first, one line of the forward at a time, from the last to the first. The gradient of a value has the same shape,
# and its name starts with a `d`.
#
# | forward | what it says about the gradient |
# |---|---|
# | $y = \tfrac12 x \cdot \text{gate}$ | `dgate` is `dy` times the factor beside the gate |
# | $\text{gate} = 1 + \tanh(\text{inner})$ | the slope of tanh is $1 - \tanh^2$, at `inner` |
# | $\text{inner} = \sqrt{2/\pi}\,(x + 0.044715\,x^3)$ | its slope: differentiate the bracket, term by term |
#
# And $x$ appears *twice*: in `inner`, and by itself before the gate. Both ways add up in `dx`: that is the product
# rule.

# %% [markdown]
# ### 10.4 Backward through GELU, in small steps  ·  ●●●  ·  12 minutes
# The cache is the one from 10.2; dy is as large as x. Return all three, as large as x: `dgate`, `dinner` and `dx`.
#
# <details><summary>dinner is off</summary>The cache has the gate, not the tanh. What is the tanh in terms of the
# gate?</details>
# <details><summary>dx is off, the others pass</summary>How many times does x appear in the forward? Each time gives a
# term. And the slope of x³ is 3x².</details>
# <details><summary>Hand numbers pass, random ones don't</summary>In the hand numbers the tanh is 1 or −1, or x is 0, so
# nothing comes back through the gate. Look at that part.</details>

# %% exercise="gelu_chunks"
def gelu_chunks(dy, cache):
    x, gate = cache                                               # both (...)
    ### BEGIN SOLUTION
    dgate = dy * 0.5 * x                                          # ...
    tanh = gate - 1                                               # ...
    dinner = dgate * (1 - tanh * tanh)                            # ...
    dx_by_gate = dinner * (2 / np.pi) ** 0.5 * (1 + 3 * 0.044715 * x * x)
    dx_direct = dy * 0.5 * gate
    return dgate, dinner, dx_direct + dx_by_gate
    ### END SOLUTION


check.gelu_chunks(gelu_chunks)

# %% [markdown]
# Three things make this shorter:
#
# - $1 - \tanh^2 = (1 - \tanh)(1 + \tanh) = (2 - \text{gate}) \cdot \text{gate}$, so we don't need the tanh itself;
# - `dy` is a factor of both terms, so we can factor it out;
# - the bracket that remains depends only on $x$: it is the *derivative* of GELU:
#
# $$dx = dy \cdot \left(\tfrac12\,\text{gate} + \tfrac12\, x \cdot \text{gate}\,(2 - \text{gate}) \cdot
# \text{inner}'\right)$$

# %% [markdown]
# ### 10.5 Backward through GELU, collapsed  ·  ●●○  ·  6 minutes
# Write `gelu_backward` with this formula. It returns `dx`. $\text{inner}'$ is the slope of `inner`, as in your 10.4.
#
# <details><summary>It says that dy is missing</summary>The bracket is the slope of GELU at x. The gradient is dy times
# it.</details>
# <details><summary>Shapes pass, numbers don't</summary>Compare it with your <code>gelu_chunks(dy, cache)[2]</code>: the
# two are the same.</details>

# %% exercise="gelu_backward"
def gelu_backward(dy, cache):
    x, gate = cache                                               # both (...)
    ### BEGIN SOLUTION
    inner_slope = (2 / np.pi) ** 0.5 * (1 + 3 * 0.044715 * x * x)  # ...
    return dy * 0.5 * gate * (1 + x * (2 - gate) * inner_slope)
    ### END SOLUTION


check.gelu_backward(gelu_backward)

# %% [markdown]
# **One step further.** The bracket doesn't need `dy`, so the *forward* can compute it, where `x` and the gate are at
# hand, and save it. The backward is then a single product, and the cache holds one array instead of two. That is what
# minidit's own `gelu_forward` does. (The caches of all layers stay in memory until the backward comes, so memory
# matters.)

# %%
def fastest(function, *arguments):
    """Milliseconds of the fastest of ten calls."""
    times = []
    for _ in range(10):
        start = perf_counter()
        function(*arguments)
        times.append(1000 * (perf_counter() - start))
    return min(times)


x = rng.normal(size=(512, 512)).astype(np.float32)
dy = rng.normal(size=x.shape).astype(np.float32)
forward, backward = yours_or_ours(gelu_forward, gelu_backward)
_, two_arrays = forward(x)
_, derivative = layers.gelu_forward(x)
print(
    f"yours:         backward {fastest(backward, dy, two_arrays):.2f} ms, "
    f"{len(two_arrays)} arrays kept"
)
print(
    f"saved slope:   backward {fastest(layers.gelu_backward, dy, derivative):.2f} ms, "
    f"{len(derivative)} array kept"
)
difference = backward(dy, two_arrays) - layers.gelu_backward(dy, derivative)
print(f"largest difference: {np.abs(difference).max():.1e}")

# %% [markdown]
# ### 10.6 Backward through the feed-forward network  ·  ●●○  ·  9 minutes
# The forward was three calls, so the backward is three calls, in reverse: `layers.linear_backward(dy, cache)`, which
# returns `dx, dw, db`, and `layers.gelu_backward(dy, cache)`. The cache is the one from 10.3. Return `dx, dw1, db1,
# dw2, db2`, in the order of the forward's arguments.
#
# <details><summary>dw1 is off, dw2 passes</summary>The gradient that enters the first map's backward has been through
# two others: the second map's and GELU's.</details>
# <details><summary>A shape is wrong</summary>Which gradients did you compute first? They belong to the second
# map.</details>

# %% exercise="feedforward_backward"
def feedforward_backward(dy, cache):
    first_cache, gelu_cache, second_cache = cache
    ### BEGIN SOLUTION
    # ..., M and M, D and D
    dhidden, dw2, db2 = layers.linear_backward(dy, second_cache)
    dbefore = layers.gelu_backward(dhidden, gelu_cache)           # ..., M
    dx, dw1, db1 = layers.linear_backward(dbefore, first_cache)  # ..., D and D, M and M
    return dx, dw1, db1, dw2, db2
    ### END SOLUTION


check.feedforward_backward(feedforward_backward)

# %% [markdown]
# The gradient is as pointwise as the forward: a token's `dx` depends only on its own `dy`. Tokens meet in the weights.
# The weights served all tokens, so `dw1` sums over every token of every clip.

# %% [markdown]
# ## In the real model
#
# The shipped model has six blocks. Each ends with this network, 192 numbers wide, with 768 hidden numbers. Here is a
# block in full: you know all its parts.

# %%
model = load().model
dit, path = model.dit, RectifiedFlow()
chosen = [SEEN[i] for i in rng.integers(len(SEEN), size=8)]
# B, f, r, c, C   eight clips of the toy world
latents = model.codec.encode(render_batch(chosen, rng))
words = model.tokenizer.encode([caption(a, rng) for a in chosen])
noise = rng.standard_normal(latents.shape, dtype=np.float32)


def attention(x, p, rotation):
    """The attention of a block, its heads joined (lessons 8 and 9)."""
    gains = [
        p[name] for name in ("attn.q_norm.weight", "attn.k_norm.weight") if name in p
    ]
    qkv = p["attn.qkv.weight"], p["attn.qkv.bias"]
    return layers.self_attention_forward(
        x, *qkv, dit.settings.num_heads, None, gains, rotation
    )[0]


def through_blocks(t):
    """Of each block at time t: the tokens, what each part adds, the hidden numbers."""
    times = np.full(len(latents), t, np.float32)
    # B, T, D
    x, _ = dit.tokens_forward(path.noised(latents, noise, times), network_time(times))
    prompts = dit.embed(words)
    c, _ = dit.condition_forward(network_time(times), prompts)
    rotation, blocks = dit.block_inputs(latents.shape, prompts).rotation, []
    for p in dit.block_params:
        modulation, _ = layers.linear_forward(
            c, p["adaLN_modulation.1.weight"], p["adaLN_modulation.1.bias"]
        )
        # B, D each
        shift1, scale1, gate1, shift2, scale2, gate2 = np.split(modulation, 6, axis=-1)
        h, _ = layers.layernorm_modulate_forward(x, shift1, scale1)
        h = attention(h, p, rotation)
        h, _ = layers.linear_forward(h, p["attn.proj.weight"], p["attn.proj.bias"])
        attended = gate1[:, None] * h                             # B, T, D
        x = x + attended
        # B, T, D   what the feed-forward is given
        into, _ = layers.layernorm_modulate_forward(x, shift2, scale2)
        h, _ = layers.linear_forward(into, p["mlp.fc1.weight"], p["mlp.fc1.bias"])
        hidden, _ = layers.gelu_forward(h)                        # B, T, M
        h, _ = layers.linear_forward(hidden, p["mlp.fc2.weight"], p["mlp.fc2.bias"])
        added = gate2[:, None] * h                                # B, T, D
        kept = {"x": x, "attended": attended, "into": into}
        blocks.append(kept | {"hidden": hidden, "added": added})
        x = x + added
    return blocks


blocks = through_blocks(0.4)

# %% [markdown]
# **Hidden numbers.** A row for each of a clip's 16 tokens, a column for each of the first 48 of 768 hidden numbers.
# Most are near zero: their gates are shut. Each token opens a few of its own.

# %%
near_zero = [np.abs(block["hidden"]) < 0.1 for block in blocks]   # B, T, M each
draw.heatmaps(
    {f"block {i}": blocks[i]["hidden"][0, :, :48] for i in (0, 2, 4)}, columns=3,
    xlabel="hidden number", ylabel="token",
    alt="Pale nearly everywhere, with a few dark ones at other places in each row.",
)

# %%
draw.bars(
    {
        f"block {i}": round(100 * float(near.mean()), 1)
        for i, near in enumerate(near_zero)
    },
    ylabel="% of hidden numbers within 0.1 of zero",
)
never = [int(near.all(axis=(0, 1)).sum()) for near in near_zero]
print(f"near zero for all tokens of all 8 clips, of {near_zero[0].shape[-1]}:", never)

# %% [markdown]
# **Who affects whom.** The experiment from above, in the trained model: push token $j$ a little, and measure how far
# output $i$ moves. Through the feed-forward network, only the diagonal moves. Through attention, everything may move.

# %%
p = dit.block_params[2]
into = blocks[2]["into"][:1]                                      # 1, T, D


def feed_forward(x):
    """The feed-forward network of block 2."""
    return layers.feedforward_forward(
        x,
        p["mlp.fc1.weight"],
        p["mlp.fc1.bias"],
        p["mlp.fc2.weight"],
        p["mlp.fc2.bias"],
    )[0]


def attention_2(x):
    """The attention of block 2."""
    return attention(x, p, dit.block_inputs(latents.shape, dit.embed(words)).rotation)


def influence(function, x):
    """(T, T): how far output i moves when token j is pushed, relative to the most."""
    T = x.shape[1]
    moved = np.zeros((T, T))
    for j in range(T):
        pushed = x.copy()
        pushed[0, j] += 0.5
        moved[:, j] = np.linalg.norm(function(pushed) - function(x), axis=-1)[0]
    return moved / moved.max()


draw.heatmaps(
    {
        "feed-forward": influence(feed_forward, into),
        "attention": influence(attention_2, into),
    },
    xlabel="token that is pushed", ylabel="token that moves",
    alt="Feed-forward: zero off the diagonal. Attention: every token moves others.",
)

# %% [markdown]
# **What it adds.** The network's output is gated and added to the residual, the stream of tokens that runs through all
# blocks. How large is what it adds, compared with what is already there? There is a curve for each of the blocks 0 to
# 5.

# %%
def length(x):
    """Root of the mean square."""
    return float(np.sqrt(np.mean(np.square(x))))


times = [0.02, 0.1, 0.2, 0.35, 0.55, 0.65, 0.8, 0.9, 0.98]
passes = [through_blocks(t) for t in times]
added = {
    f"{i}": [length(blocks[i]["added"]) / length(blocks[i]["x"]) for blocks in passes]
    for i in range(dit.settings.depth)
}
draw.curves(
    times, added, logy=True, points=True, xlabel="t, from noise (0) to data (1)",
    ylabel="added / residual, in length",
)

# %%
print(" t    |  attention adds, blocks 0 to 5             |  feed-forward adds")
for t, blocks in zip(times, passes, strict=True):
    rows = [
        [length(block[name]) / length(block["x"]) for block in blocks]
        for name in ("attended", "added")
    ]
    print(
        f"{t:.2f}", *("  ".join(f"{value:5.2f}" for value in row) for row in rows),
        sep="  |  ",
    )

# %% [markdown]
# With little noise left, most blocks have little to add. Does what they add say anything about the clip? Average it
# over the eight clips, place by place, and see how much is left. (If the eight were unrelated, it would be an eighth.)

# %%
for t, blocks in ((times[0], passes[0]), (times[-1], passes[-1])):
    same = [
        length(block["added"].mean(axis=0)) ** 2 / length(block["added"]) ** 2
        for block in blocks
    ]
    print(
        f"t = {t}: the same for all clips, by block:",
        *(f"{share:4.0%}" for share in same),
    )

# %% [markdown]
# Much of what a block writes is the same for all clips: it depends only on the token's *place*, and most so in the
# first block and in the last. The rest is about the clip itself; attention has told them about it.
#
# And block 3 shouts: it adds up to twice as much as was there. Nothing holds it back, because the next block begins
# with a LayerNorm, which only sees the direction. So a long vector is not an important one: whatever reads the tokens
# next normalises them first.

# %% [markdown]
# **Try it.** Look at single hidden numbers. Each dot on GELU is a token: for most hidden numbers, only a few tokens are
# on the rising side.

# %%
move.neurons(model)

# %% [markdown]
# ## What the worksheet left out
#
# - **The hidden layer and the nonlinearity.** The worksheet has one linear map of 6 numbers. The model has two with
#   GELU between them: 295,872 numbers in each block, 44 % of the block.
# - **The residual.** On the worksheet the map's output *is* the prediction. In the model it is added to the tokens, six
#   times; the prediction comes from a final layer.

# %% [markdown]
# - **Norm, shift, scale and gate** around it, computed from the prompt and t (lessons 6 and 7).
# - **What is predicted.** The worksheet predicts the noise. The shipped model predicts the *data*, from which the noise
#   follows (lesson 12).
# - **Rows instead of columns.** The worksheet draws a patch as a column, $Wx + b$; the model stores a token as a row,
#   $xW + b$.

# %%
counts = {
    part: sum(a.size for name, a in p.items() if name.startswith(part))
    for part in ("mlp", "attn", "adaLN")
}
print(
    "a block's parameters:",
    ", ".join(f"{part} {count:,}" for part, count in counts.items()),
)

# %% [markdown]
# ## Recap
#
# - The feed-forward network maps every token by itself: widen, GELU, narrow. Tokens meet only in attention, and in the
#   gradients of the weights.
# - GELU is $x$ times a gate of $x$, so the product rule gives two terms. They collapse to `dy` times a slope, which the
#   forward can save.
# - The backward is the forward's three calls in reverse.
#
# Next: [lesson 11](11_training.ipynb) compares the predicted noise with the actual noise, and trains all red weights at
# once.
