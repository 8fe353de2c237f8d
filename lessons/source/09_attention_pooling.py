# %% [markdown]
# # Lesson 9 · Attention pooling
#
# Lesson 8 said who looks at whom. Now every token gathers what it has seen: you build attention from end to end, with
# several heads and its backward, and you add the result to the tokens through a gate. Then you close that gate in a
# trained model, and see what it can no longer do.
#
# **Time**: about 70 minutes, 53 of them in exercises. **Assumed**: [lesson 8](08_self_attention.ipynb) (scores,
# softmax and their backwards).

# %%
import numpy as np

from minidit import layers, load
from minidit.course import check, draw, move
from minidit.diffusion.paths import network_time
from minidit.worksheet import solve
from minidit.world import Attributes, caption, render

rng = np.random.default_rng(0)

# %% [markdown]
# ## By hand
#
# The attention matrix $A$ of step 8 says how much each patch takes from every other. Patch $j$ becomes a mix of all
# patches, in the amounts of **column** $j$:
#
# $$\text{pooled}_j = \sum_i x_i\,A_{ij} \qquad\text{or}\qquad \text{pooled} = X A$$
#
# On the worksheet the patches themselves are mixed, and the amounts are the raw scores.

# %%
sheet = solve()
draw.matrices(("X", sheet.conditioned), "·", ("A", sheet.attention), "=", "?")

# %% [markdown]
# ### 9.1 Mix the patches  ·  ●○○  ·  6 minutes
# Work out the pooled latent with a pencil, and type its two rows of four.
#
# The first column, for example, mixes the four patches in the amounts 2, 0, 1, 1. Its upper number is
# $1·2 + 1·0 - 1·1 + 1·1 = 2$.
#
# <details><summary>Only a few entries are right</summary>Go along a row of X and <em>down a column</em> of A. A is not
# symmetric, so a row of A gives something else.</details>
# <details><summary>One entry is wrong</summary>Column 2 is the hard one: three of its amounts are negative, and so is
# the third number in the upper row of X.</details>

# %% exercise="step_9_pooled"
### BEGIN SOLUTION
pooled = [
    [2, 10, -14, 6],
    [6, 10, -12, 8],
]
### END SOLUTION

check.step_9_pooled(pooled)

# %% [markdown]
# ## In NumPy
#
# Tokens are rows again. The weights (T, S) have a row for each token that asks, and pooling is `y = weights @ v`: row
# $i$ of y is the average of all rows of v, weighted by row $i$ of the weights. Softmax makes the weights add up to one,
# so this *is* an average.
#
# We average not the tokens themselves but their **values** $v$, a third projection beside query and key: what a token
# gives may differ from what it is found by.
#
# $$y = \mathrm{softmax}\!\left(\frac{q\,k^\top}{\sqrt d}\right) v$$

# %%
weights = np.array([[0.5, 0.5, 0.0], [0.0, 0.25, 0.75]])     # T, S
v = np.array([[4.0, 0.0], [0.0, 8.0], [4.0, 4.0]])           # S, d
draw.matrices(("weights", weights), "@", ("v", v), "=", ("y", weights @ v))

# %% [markdown]
# ### 9.2 Attention  ·  ●●○  ·  10 minutes
# Put it together: scores, mask, softmax, pooling. Shapes: q (..., H, T, d), k and v (..., H, S, d), for H heads.
# `key_mask` is None or an array (..., S), True where a key may be attended to; all heads share it. Return y (..., H, T,
# d), and the cache `(q, k, v, weights)`, with weights (..., H, T, S).
#
# You may call lesson 8's `layers.softmax_forward(x)`, which returns y and a cache.
#
# <details><summary>Everything passes but the mask</summary>Scores are (..., H, T, S), the mask is (..., S): it lacks
# two axes in the middle. <code>key_mask[..., None, None, :]</code> has them.</details>
# <details><summary>Masked keys still count a little</summary>Only a score of −∞ has an exponential of 0. Zero is a
# score like any other.</details>
# <details><summary>Shapes pass, numbers don't</summary>Add up each row of your weights. And what was d?</details>

# %% exercise="attention_forward"
def attention_forward(q, k, v, key_mask=None):
    ### BEGIN SOLUTION
    scores = q @ k.swapaxes(-1, -2) / q.shape[-1] ** 0.5  # ..., H, T, S
    if key_mask is not None:
        scores = np.where(key_mask[..., None, None, :], scores, -np.inf)
    weights, _ = layers.softmax_forward(scores)          # ..., H, T, S
    return weights @ v, (q, k, v, weights)
    ### END SOLUTION

check.attention_forward(attention_forward)

# %% [markdown]
# ### Several heads
#
# One softmax gives one attention pattern. To look for several things at once, we cut the D numbers of a token into H
# **heads** of d = D / H numbers, and each head attends by itself. One linear layer makes the queries, keys and values
# of all heads, 3D numbers side by side. Cutting them takes a reshape and a swap of axes that moves the heads in front
# of the tokens, so that `@` treats each head separately:

# %%
B, T, H, d = 1, 3, 2, 2
qkv = np.arange(B * T * 3 * H * d).reshape(B, T, 3 * H * d)  # B, T, 3D
parts = qkv.reshape(B, T, 3, H, d)                          # B, T, 3, H, d
q, k, v = (parts[:, :, i].swapaxes(1, 2) for i in range(3))  # B, H, T, d each
draw.matrices(("qkv", qkv[0]))
draw.matrices(("q", q[0]), ("k", k[0]), ("v", v[0]))

# %% [markdown]
# ### 9.3 Merge the heads  ·  ●●○  ·  6 minutes
# Afterwards the heads have to stand side by side again: h (..., H, T, d) becomes y (..., T, D). Each row holds all d
# numbers of head 0, then those of head 1, and so on.
#
# Its backward is the cutting, so you need nothing more for that.
#
# <details><summary>The shape is right, the numbers are in the wrong places</summary><code>reshape</code> never moves a
# number. Swap the axes of heads and tokens before you reshape.</details>
# <details><summary>It fails for several samples</summary>Count axes from the back: heads are −3, tokens are −2. The
# axes in front of them are <code>h.shape[:-3]</code>.</details>

# %% exercise="join_heads"
def join_heads(h):
    ### BEGIN SOLUTION
    *leading, H, T, d = h.shape
    return h.swapaxes(-3, -2).reshape(*leading, T, H * d)
    ### END SOLUTION

check.join_heads(join_heads)

# %% [markdown]
# ### Back into the stream
#
# A last linear layer, the **projection**, mixes what the heads have found. The result $h$ does not replace the tokens
# $x$: it is added to them. That is the **residual** connection. A **gate** says how much of $h$ to add, one number per
# channel, computed from prompt and time together with scale and shift (lesson 6):
#
# $$y = x + \text{gate}\cdot h$$
#
# In adaLN-Zero every gate starts at zero: a fresh block does nothing, and then learns to do something.

# %% [markdown]
# ### 9.4 Gate and residual  ·  ●○○  ·  4 minutes
# Return y (..., T, D) and the cache. x and h are (..., T, D), tokens of each sample; the gate is (..., D), one per
# sample and channel, shared by its tokens. The cache is `(h, gate)`, with the gate in its original shape.
#
# <details><summary>Operands could not be broadcast together</summary>(B, D) against (B, T, D): NumPy lines up axes from
# the back, and B meets T. <code>gate[..., None, :]</code> makes room for the tokens.</details>
# <details><summary>It says that I changed my input</summary><code>x += …</code> writes into the array that was given.
# Make a new one.</details>

# %% exercise="gated_residual_forward"
def gated_residual_forward(x, h, gate):
    ### BEGIN SOLUTION
    return x + gate[..., None, :] * h, (h, gate)
    ### END SOLUTION

check.gated_residual_forward(gated_residual_forward)

# %% [markdown]
# ## Backward
#
# Now backwards, from the last step to the first. This step has three inputs, so there are three gradients. Take one
# number of y, $y_{tc} = x_{tc} + g_c\,h_{tc}$:
#
# - $x_{tc}$ goes straight through: slope 1;
# - $h_{tc}$ was multiplied by $g_c$;
# - $g_c$ was multiplied by $h_{tc}$ **for every token** $t$: one number, many slopes, and they add up.
#
# A closed gate lets no gradient through to its branch. But the gate's own gradient depends only on $h$, not on the
# gate: that is how it can open.

# %% [markdown]
# ### 9.5 Back through gate and residual  ·  ●●○  ·  6 minutes
# dy is (..., T, D). Return dx, dh and dgate, in this order. A gradient has the shape of what it belongs to.
#
# <details><summary>dgate has one axis too many</summary>Which tokens did one gate serve? All tokens of its own
# sample.</details>
# <details><summary>dgate is 2 times too small</summary>A mean is not a sum: the small example has two tokens.</details>

# %% exercise="gated_residual_backward"
def gated_residual_backward(dy, cache):
    h, gate = cache                                     # (..., T, D), (..., D)
    ### BEGIN SOLUTION
    dh = dy * gate[..., None, :]                        # ..., T, D
    dgate = (dy * h).sum(axis=-2)  # ..., D    one gate served every token
    return dy.copy(), dh, dgate
    ### END SOLUTION

check.gated_residual_backward(gated_residual_backward)

# %% [markdown]
# ### Through the pooling
#
# `y = weights @ v` is a product of two matrices, and both are ours: the weights depend on q and k. One number of y is
#
# $$y_{ic} = \sum_j w_{ij}\,v_{jc}$$
#
# - Weight $w_{ij}$ is in row $i$ of y only, there in every column: $dw_{ij} = \sum_c dy_{ic}\,v_{jc}$. In words: how
#   would the loss change if token $i$ took more of value $j$? By as much as $v_j$ points along $dy_i$.
# - Value $v_{jc}$ is in every row of y, with the weight that each row gave it. You will write its gradient.

# %% [markdown]
# ### 9.6 Back through pooling  ·  ●○○  ·  6 minutes
# Return dweights (..., T, S) and dv (..., S, d). You get dy (..., T, d) and the cache `(weights, v)`.
#
# <details><summary>matmul: mismatch in its core dimension</summary>Write down the three shapes. There is only one way
# to multiply dy (T, d) with v (S, d) to get (T, S).</details>
# <details><summary>Small numbers pass in shape, not in value</summary>There T = S. A value gets a gradient from every
# token that took some of it: they are in its <em>column</em> of the weights.</details>

# %% exercise="pool_backward"
def pool_backward(dy, cache):
    weights, v = cache                                  # (..., T, S), (..., S, d)
    ### BEGIN SOLUTION
    dweights = dy @ v.swapaxes(-1, -2)                  # ..., T, S
    dv = weights.swapaxes(-1, -2) @ dy                  # ..., S, d
    return dweights, dv
    ### END SOLUTION

check.pool_backward(pool_backward)

# %% [markdown]
# ### All of attention, backwards
#
# You have all the pieces. The forward went
#
# `q, k → products → scores → weights → y`, with v coming in at the end.
#
# The backward reads it from right to left, and each step has the shape of what it belongs to:
#
# | step | from | to | shape |
# |---|---|---|---|
# | pooling | dy | dweights, dv | (T, S), (S, d) |
# | softmax | dweights | dscores | (T, S) |
# | division by √d | dscores | dproducts | (T, S) |
# | product | dproducts | dq, dk | (T, d), (S, d) |
#
# The mask needs no step: where a weight is zero, softmax's backward makes the gradient zero.

# %% [markdown]
# ### 9.7 Back through attention  ·  ●●●  ·  15 minutes
# dy is (..., H, T, d). Return dq, dk and dv, in the shapes of q, k and v. `layers.softmax_backward(dy, (y,))` is at
# hand; or write its two lines again.
#
# The last argument, `out`, may hold three arrays for the gradients: in the model they are parts of one larger array.
# The line that fills them is already written.
#
# <details><summary>dv is right, dq and dk are not</summary>Check the step between: dscores. Its rows should add up to
# zero, as a row of weights always adds up to one.</details>
# <details><summary>dq and dk are √d times too large</summary>The division on the way forward is a division on the way
# back.</details>
# <details><summary>dk is wrong, dq is right</summary>A key belongs to a column of the scores.</details>

# %% exercise="attention_backward"
def attention_backward(dy, cache, out=None):
    q, k, v, weights = cache  # (..., H, T, d), (..., H, S, d) twice, (..., H, T, S)
    ### BEGIN SOLUTION
    dv = weights.swapaxes(-1, -2) @ dy                  # ..., H, S, d
    dweights = dy @ v.swapaxes(-1, -2)                  # ..., H, T, S
    dscores = layers.softmax_backward(dweights, (weights,))  # ..., H, T, S
    dproducts = dscores / q.shape[-1] ** 0.5            # ..., H, T, S
    dq = dproducts @ k                                  # ..., H, T, d
    dk = dproducts.swapaxes(-1, -2) @ q                 # ..., H, S, d
    ### END SOLUTION
    if out is not None:
        out[0][...], out[1][...], out[2][...] = dq, dk, dv
    return dq, dk, dv

check.attention_backward(attention_backward)

# %% [markdown]
# One simplification is worth knowing. For each query, softmax's backward needs the weighted average $\sum_j
# w_{ij}\,dw_{ij}$, a sum over all S keys. Substitute $dw_{ij} = dy_i·v_j$, and $dy_i$ can be taken out of the sum:
#
# $$\sum_j w_{ij}\,(dy_i · v_j) = dy_i · \sum_j w_{ij} v_j = dy_i · y_i$$
#
# A dot product of two short rows is enough. minidit computes it this way, and so does FlashAttention.

# %%
q, k, v = rng.normal(size=(3, 2, 6, 4))                     # H, T, d each
y, _ = layers.attention_forward(q, k, v)                    # H, T, d
weights, dy = layers.attention_weights(q, k), rng.normal(size=y.shape)
dweights = np.vecdot(dy[:, :, None], v[:, None])  # H, T, S   each dy with each value
long_way, short_way = np.vecdot(weights, dweights), np.vecdot(dy, y)  # H, T
print("largest difference:", np.abs(long_way - short_way).max())

# %% [markdown]
# ## In the real model
#
# We run the trained model on a noised clip, block by block, with the layers of this lesson. At each block we keep the
# attention weights, the gates and how much attention adds to the tokens. `closed` names blocks whose attention gate we
# force to zero: we'll need that in a moment.

# %%
model = load().model
circle = Attributes("red", "circle", "right", "day")
clip = render(circle, np.random.default_rng(0))             # 8, 32, 32, 3
latents = model.codec.encode(clip[None])                    # 1, 8, 4, 4, 12
noise = np.random.default_rng(1).standard_normal(latents.shape, dtype=np.float32)
words = model.tokenizer.encode([caption(circle)])


def run(t, closed=()):
    """The clip predicted from noised latents at time t, and parts of each block."""
    dit, heads, kept = model.dit, model.dit.settings.num_heads, []
    # 1 and 1, 192
    times, prompt = np.array([network_time(t)], np.float32), dit.embed(words)
    x, _ = dit.tokens_forward(t * latents + (1 - t) * noise, times)  # 1, 16, 192
    c, _ = dit.condition_forward(times, prompt)             # 1, 192
    # where the tokens are: lesson 8
    rotation = dit.block_inputs(latents.shape, prompt).rotation
    for number, block in enumerate(dit.block_params):
        modulation = (
            c @ block["adaLN_modulation.1.weight"] + block["adaLN_modulation.1.bias"]
        )  # 1, 6 · 192
        shift, scale, gate, mlp_shift, mlp_scale, mlp_gate = np.split(
            modulation, 6, axis=-1
        )  # 1, 192
        if number in closed:
            gate = np.zeros_like(gate)
        h, _ = layers.layernorm_modulate_forward(x, shift, scale)  # 1, 16, 192
        qkv = block["attn.qkv.weight"], block["attn.qkv.bias"]
        gains = [
            block[name]
            for name in ("attn.q_norm.weight", "attn.k_norm.weight")
            if name in block
        ]
        # All of lessons 8 and 9, the heads joined.
        # Its cache holds queries and keys as they met (1, 6, 16, 32).
        h, (*_, (q, k, *_), _) = layers.self_attention_forward(
            h, *qkv, heads, None, gains, rotation
        )  # 1, 16, 192
        h = h @ block["attn.proj.weight"] + block["attn.proj.bias"]
        share = np.linalg.norm(gate * h) / np.linalg.norm(x)
        gates = {"gate": gate, "mlp_gate": mlp_gate, "share": share}
        kept.append(gates | {"weights": layers.attention_weights(q, k)[0]})
        x, _ = layers.gated_residual_forward(x, h, gate)
        h, _ = layers.layernorm_modulate_forward(x, mlp_shift, mlp_scale)
        mlp = (
            block[f"mlp.{name}"]
            for name in ("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias")
        )
        h, _ = layers.feedforward_forward(h, *mlp)          # lesson 10
        x, _ = layers.gated_residual_forward(x, h, mlp_gate)
    y, _ = dit.final_layer_forward(x, c)
    return model.codec.decode(dit.latents_of(y, latents.shape))[0], kept


predicted, kept = run(0.3)

# %% [markdown]
# **What does a head gather?** Take the token in row 2, column 2 (from 0), at the lower edge of the circle. Each row
# shows the clip, bright where that token takes much from, dark where it takes nothing. The first of these heads gathers
# from several places; each of the others gathers from one neighbour.

# %%
asks = 4 * 2 + 2


def seen_by(block, head):
    """The clip, each place as bright as its share of what the token takes in."""
    shares = kept[block]["weights"][head, asks].reshape(4, 4)
    light = np.kron(shares / shares.max(), np.ones((8, 8)))[..., None]  # 32, 32, 1
    return clip * (0.12 + 0.88 * light)


draw.clips(
    {
        f"block {block}, head {head}": seen_by(block, head)
        for block, head in ((2, 0), (2, 3), (4, 0), (4, 1))
    },
    alt="The clip, dark except where one token looks: at several places; then left "
    "of it, right of it and above.",
)

# %% [markdown]
# **How far are the gates open?** They depend on prompt and time. Here is the average of |gate| over the channels, for
# the two branches of each block: attention and feed-forward. Training started from zeros, and none are left. Later
# blocks open their gates further, and further still when there is much noise.

# %%
gates = {
    f"{branch}, t = {t:g}": [float(np.abs(block[name]).mean()) for block in run(t)[1]]
    for branch, name in (("attention", "gate"), ("feed-forward", "mlp_gate"))
    for t in (0.1, 0.9)
}
draw.curves(
    range(len(kept)), gates, xlabel="block", ylabel="average |gate|", points=True
)
print(
    "attention adds, relative to the tokens' size:",
    [f"{block['share']:.0%}" for block in kept],
)

# %% [markdown]
# **What if attention's gates were closed?** Then no token learns anything about the others: each has only its own
# noised latents, the prompt and the time to go by. The model predicts the clip from the same noised latents, at t =
# 0.3. With attention, the clip is one coherent picture. Without it, much of the noise stays: a place by itself can't
# tell what of its latents is clip and what is noise.

# %%
alone, _ = run(0.3, closed=range(len(kept)))
draw.clips(
    {
        "noised, t = 0.3": model.codec.decode(0.3 * latents + 0.7 * noise)[0],
        "predicted": predicted,
        "predicted, attention closed": alone,
    },
    alt="The noised clip; the prediction, a smooth red circle; without attention, a "
    "red spot in noise.",
)

# %% [markdown]
# How much does it cost? Below is the error on this clip with attention closed in no block, in one block, and in all.
# Closing one of the first four hardly hurts: other blocks do its work. Closing one of the last two hurts more, and
# closing all of them far more.

# %%
errors = {"none": np.abs(predicted - clip).mean()}
errors |= {
    f"{block}": np.abs(run(0.3, closed=(block,))[0] - clip).mean()
    for block in range(len(kept))
}
errors["all"] = np.abs(alone - clip).mean()
draw.bars(errors, ylabel="mean error of a pixel, from 0 to 1")

# %% [markdown]
# **Try it.** Click a head to switch it off: what it gathers is no longer added. A red head is missed.

# %%
move.heads(model, clip)

# %% [markdown]
# ## What the worksheet left out
#
# - **Scaling and softmax**: there, patch 2 takes −5 times patch 0. So the pooled numbers reach −14; real ones are
#   averages, never larger than the largest value.
# - **Values**: the worksheet mixes the patches themselves.
# - **Heads**: one on the worksheet, six here; each gathers its own 32 of 192 numbers.
# - **The projection** that mixes what the heads found: 192 × 192 weights in each block.
# - **The residual**: on the worksheet the pooled latent replaces the conditioned one. Here it is added to the tokens,
#   and six blocks can each add a little.
# - **The gate**: 192 numbers per block, computed from prompt and time; zero at the start of training.

# %% [markdown]
# ## Recap
#
# - Attention is an average of values, with weights that softmax computes from query · key.
# - Its backward takes the steps in reverse: pooling, softmax, √d, product. Sum along rows for queries, along columns
#   for keys and values.
# - A gate shared by all tokens has a gradient summed over all tokens.
#
# Next: each token is worked on by itself, in the feed-forward network of [lesson 10](10_feed_forward.ipynb).
