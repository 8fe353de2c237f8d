# %% [markdown]
# # Lesson 8 · Self-attention
#
# So far every patch was alone. Now they look at each other. You compute who looks at whom, first with a pencil, then in
# NumPy: a *score* for every pair of tokens, and a *softmax* that turns scores into shares. You derive the backward of
# both, and at the end you see where the tokens of a trained model look. (How attention sits in the whole network:
# `attention_forward` in [reference.py](../../minidit/reference.py).)
#
# **Time**: about 70 minutes, 50 of them in exercises. **Assumed**: matrix products, the chain rule, and the conditioned
# latent of [lesson 7](07_apply_scale_and_shift.ipynb).

# %%
import numpy as np

from minidit import layers, load
from minidit.course import check, draw, move
from minidit.worksheet import solve
from minidit.world import Attributes, caption, render

rng = np.random.default_rng(0)

# %% [markdown]
# ## By hand
#
# Each patch is a column $x$ of two numbers; the four columns side by side are $X$, the conditioned latent of step 7.
# Two weight matrices turn each column into two new ones: a **query** (what am I looking for?) and a **key** (what do I
# have?).
#
# $$Q = W_q X \qquad K = W_k X \qquad A = K^\top Q$$
#
# A dot product compares the query of one patch with the key of another: multiply number by number, add up. Row $i$,
# column $j$ of the **attention matrix** $A$ is key $i$ · query $j$. Real attention goes on from there, with a softmax
# (below) and values (lesson 9); the worksheet leaves them out.

# %%
sheet = solve()
draw.matrices(
    ("W_q", sheet.weights.query_weight), "·", ("X", sheet.conditioned), "=",
    ("Q", sheet.queries),
)
draw.matrices(
    ("W_k", sheet.weights.key_weight), "·", ("X", sheet.conditioned), "=", "K = ?"
)

# %% [markdown]
# For example, the second query belongs to the patch $[1, 0]$. Its numbers are $1·1 - 1·0 = 1$ and $1·1 + 0·0 = 1$.
#
# ### 8.1 Key · query  ·  ●○○  ·  8 minutes
# Work out the four keys, then compare each of them with each query. Type the attention matrix $A$, 4 × 4: a row for
# each key, a column for each query.
#
# <details><summary>Most entries are wrong</summary>Look at the keys first. The upper row of W_k is 1, 0: it copies the
# upper row of X. The lower row adds the two rows of X. (The last key is [1, 2].)</details>
# <details><summary>The numbers are right, but in the wrong places</summary>Rows are keys, columns are queries. Unlike a
# table of distances, this matrix is not symmetric: asking and answering differ.</details>

# %% exercise="step_8_attention"
### BEGIN SOLUTION
attention = [
    [2, 4, -5, 3],
    [0, 2, -3, 1],
    [1, -1, 2, 0],
    [1, 3, -4, 2],
]
### END SOLUTION

check.step_8_attention(attention)

# %% [markdown]
# ## In NumPy
#
# From here on a token is a **row**, so rows and columns change roles: `scores = q @ k.T` has a row for each of the T
# tokens that ask, and a column for each of the S tokens that are asked. It is the worksheet's matrix, transposed. (When
# tokens ask each other, S = T. Two letters keep the two axes apart.)
#
# The real thing has one more factor. A query has $d$ numbers, and the standard deviation of the dot product of two
# random rows grows as $\sqrt d$, because its $d$ terms partly cancel. Dividing by $\sqrt d$ keeps the scores at the
# same size whatever $d$ is.
#
# $$\text{scores} = \frac{q\,k^\top}{\sqrt d}$$

# %%
widths = np.array([4, 16, 64, 256])
spread = np.array([np.vecdot(*rng.normal(size=(2, 4000, d))).std() for d in widths])
draw.curves(
    widths, {"q · k": spread, "q · k / √d": spread / np.sqrt(widths)},
    xlabel="d, numbers in a query", ylabel="standard deviation of a score", points=True,
)

# %% [markdown]
# ### 8.2 Scores  ·  ●○○  ·  6 minutes
# Write the scores of q (T, d) and k (S, d). Return them, (T, S), and the cache `(q, k)`.
#
# It should also work with any axes in front, such as (heads, T, d) and (heads, S, d). A **head** is one of several sets
# of queries and keys that work side by side, and each has its own scores. `k.swapaxes(-1, -2)` swaps only the last two
# axes. And write `d**0.5` for the root: `np.sqrt(d)` gives the same number, but as a NumPy float64 it turns float32
# arrays into float64, which slows a large network down.
#
# <details><summary>One head works, several raise an error</summary><code>.T</code> reverses <em>all</em> axes. It turns
# (heads, S, d) into (d, S, heads).</details>
# <details><summary>Shapes pass, numbers don't</summary>By what did you divide? d is the length of q's last axis, and
# you need its square root.</details>

# %% exercise="attention_scores_forward"
def attention_scores_forward(q, k):
    ### BEGIN SOLUTION
    d = q.shape[-1]
    scores = q @ k.swapaxes(-1, -2) / d**0.5            # ..., T, S
    return scores, (q, k)
    ### END SOLUTION

check.attention_scores_forward(attention_scores_forward)

# %% [markdown]
# ### From scores to weights
#
# A score can be any number. We want shares: never negative, and adding up to one for each query. That is what
# **softmax** does, along each row:
#
# $$y_i = \frac{e^{x_i}}{\sum_j e^{x_j}}$$
#
# One trap: $e^{710}$ is more than a float64 can hold. But adding the same constant to a whole row changes nothing,
# because $e^{x + c} = e^x e^c$ and $e^c$ cancels. So subtract from each row its own largest number. The largest
# exponential is then $e^0 = 1$, and nothing can overflow.

# %%
x = np.array([1000.0, 1001.0, 999.0])
with np.errstate(all="ignore"):
    print("as the formula says:      ", np.exp(x) / np.exp(x).sum())
print("its maximum subtracted:   ", layers.softmax_forward(x)[0].round(3))
small, _ = layers.softmax_forward(np.array([0.0, 1.0, -1.0]))
print("and of [0, 1, -1] the same:", small.round(3))

# %% [markdown]
# ### 8.3 Softmax  ·  ●●○  ·  8 minutes
# Write softmax over the last axis of x (…, S), whatever axes stand in front. Return y (…, S) and the cache `(y,)`, a
# tuple with only y in it: the backward needs nothing else.
#
# <details><summary>Shapes pass, numbers don't</summary>Add up one row of your y. Is it 1? And a column? The sum belongs
# to <code>axis=-1</code>.</details>
# <details><summary>Operands could not be broadcast together</summary>The maximum of a (T, S) array along its rows has
# shape (T,). With <code>keepdims=True</code> it is (T, 1), and can be subtracted.</details>
# <details><summary>NaN in large numbers</summary>Subtract before you take the exponential, and take each row's own
# maximum, not the largest of all.</details>

# %% exercise="softmax_forward"
def softmax_forward(x):
    ### BEGIN SOLUTION
    e = np.exp(x - x.max(axis=-1, keepdims=True))       # ..., S
    y = e / e.sum(axis=-1, keepdims=True)               # ..., S
    return y, (y,)
    ### END SOLUTION

check.softmax_forward(softmax_forward)

# %% [markdown]
# ### Keys that nobody may look at
#
# Prompts have different lengths. In a batch the shorter ones are padded, and no word should look at the padding. A
# **key mask** says so: True where a key may be attended to.
#
# It acts on the scores, before the softmax: a masked key gets the score $-\infty$, and $e^{-\infty} = 0$ exactly. The
# other keys share all the weight. (Your softmax passed this test already: "masked keys".) The backward needs no mask,
# as you will see: where a weight is zero, so is the gradient of its score.

# %%
scores = np.array([[2.0, 1.0, 0.0, 3.0], [0.0, 1.0, 2.0, 1.0]])  # T, S
key_mask = np.array([True, True, True, False])  # S       the last word is padding
masked = np.where(key_mask, scores, -np.inf)                # T, S
draw.heatmaps(
    {
        "weights": layers.softmax_forward(scores)[0],
        "weights, last key masked": layers.softmax_forward(masked)[0],
    },
    columns=2, xlabel="key", ylabel="query",
    alt="The masked column is zero, the others grew.",
)

# %% [markdown]
# ## Backward
#
# First the scores. Someone hands us `dscores` (T, S): how much the loss changes with each score. In the formulas it is
# $ds_{ij}$, for query $i$ and key $j$; $c$ counts the d numbers of a query. One score is a short sum,
#
# $$s_{ij} = \frac{1}{\sqrt d} \sum_c q_{ic}\,k_{jc}$$
#
# so the slope of a score with respect to $q_{ic}$ is $k_{jc}/\sqrt d$: in a product, the slope with respect to one
# factor is the other factor. And query $i$ is in all scores of **row** $i$, so we sum over that row:
#
# $$dq_{ic} = \frac{1}{\sqrt d} \sum_j ds_{ij}\,k_{jc}$$
#
# That is a matrix product. Key $j$ is in all scores of **column** $j$; you will write its gradient.

# %% [markdown]
# ### 8.4 Back through the scores  ·  ●●○  ·  10 minutes
# Go back one operation at a time. The forward computed `products = q @ kᵀ`, then `scores = products / √d`. So work out
# `dproducts` (T, S) first. From it come `dq` (T, d) and `dk` (S, d): return these two. Again allow any axes in front.
#
# <details><summary>matmul: mismatch in its core dimension</summary>Write the shapes beside each other: dproducts is (T,
# S), q is (T, d), and dk should be (S, d). Which factor has to be transposed?</details>
# <details><summary>Right shapes on small numbers, wrong values</summary>With T = S the shapes can't help. Does the sum
# for dk run over queries or over keys?</details>
# <details><summary>It is 2 times too large</summary>In the small example d is 4, and √4 = 2.</details>

# %% exercise="attention_scores_backward"
def attention_scores_backward(dscores, cache):
    q, k = cache                                        # (..., T, d), (..., S, d)
    ### BEGIN SOLUTION
    dproducts = dscores / q.shape[-1] ** 0.5            # ..., T, S
    dq = dproducts @ k                                  # ..., T, d
    dk = dproducts.swapaxes(-1, -2) @ q                 # ..., S, d
    return dq, dk
    ### END SOLUTION

check.attention_scores_backward(attention_scores_backward)

# %% [markdown]
# ### Softmax, the long way
#
# Take one row, $y_i = e_i / s$ with $e_i = e^{x_i}$ and $s = \sum_j e_j$. Raise one score $x_j$ a little. For each
# unit, the weights change in two ways:
#
# - **directly**, its own weight alone: $e_j$ grows in proportion to itself. That gives $+\,y_i$ if $i = j$, and nothing
#   otherwise; we write $y_i\,\delta_{ij}$;
# - **through the sum** $s$, all weights: $s$ grows by $e_j$, and every $y_i = e_i/s$ shrinks by
#   $e_i e_j / s^2 = y_i\,y_j$.
#
# $$\frac{\partial y_i}{\partial x_j} = y_i\,(\delta_{ij} - y_j)$$
#
# All these slopes make a square matrix, the **Jacobian** of the row. For $y = [\frac14, \frac12, \frac14]$ its first
# row is $[\frac14·\frac34,\; -\frac14·\frac12,\; -\frac14·\frac14] = [\frac{3}{16}, -\frac{2}{16}, -\frac{1}{16}]$.
# Work out the other two rows on paper: each row adds up to zero.

# %% [markdown]
# ### 8.5 The slopes of one row  ·  ●●○  ·  8 minutes
# You get the weights y of one row, shape (S,). Return the matrix of slopes (S, S): entry [i, j] is the slope of weight
# i with respect to score j. Loops are fine; `np.diag(y)` and `np.outer(y, y)` make it a single line.
#
# <details><summary>The diagonal is right, the rest is zero</summary>You have $y(1 - y)$, the derivative of a sigmoid.
# Here the weights compete: raising one score lowers the other weights.</details>
# <details><summary>Rows don't add up to zero</summary>The weights always add up to one. What one of them gains, the
# others lose.</details>

# %% exercise="softmax_jacobian"
def softmax_jacobian(y):
    ### BEGIN SOLUTION
    return np.diag(y) - np.outer(y, y)                  # S, S
    ### END SOLUTION

check.softmax_jacobian(softmax_jacobian)

# %% [markdown]
# ### Softmax, the short way
#
# With these slopes, the chain rule is a sum over all weights that score $j$ changes:
#
# $$dx_j = \sum_i dy_i\; y_i\,(\delta_{ij} - y_j)$$
#
# It is right, but wasteful: S × S slopes for each row of S numbers. Write the sum out. The $\delta$ leaves a single
# term of the first part; in the second part $y_j$ does not depend on $i$, so you can take it out of the sum. What
# remains in the sum is one number for the whole row: the *average* of dy, weighted by y. Every $dy_j$ is compared with
# it: a weight grows only at the expense of the others, so only the difference from the average counts.

# %% [markdown]
# ### 8.6 Back through softmax  ·  ●●●  ·  10 minutes
# `dy` is (…, S), the cache is that of 8.3. Return `dx` (…, S) without making any S × S matrix. It takes two lines: the
# weighted average of each row, shape (…, 1), then dx.
#
# <details><summary>I don't see the short formula</summary>Take a row of three and write out dx₀. Factor out y₀. Which
# part of the bracket would look the same in dx₁?</details>
# <details><summary>Shapes pass, numbers don't</summary>The average is weighted, by the weights themselves. They add
# up to one, so the weighted <em>sum</em> is the average.</details>
# <details><summary>Not zero where a weight is zero</summary>Multiply everything by y at the end.</details>

# %% exercise="softmax_backward"
def softmax_backward(dy, cache):
    (y,) = cache                                        # (..., S)
    ### BEGIN SOLUTION
    average = (dy * y).sum(axis=-1, keepdims=True)      # ..., 1
    return y * (dy - average)                           # ..., S
    ### END SOLUTION

check.softmax_backward(softmax_backward)

# %% [markdown]
# ## In the real model
#
# The trained model that comes with minidit cuts a clip into 16 tokens, 4 rows of 4. A token is one place, 8 × 8 pixels,
# through all frames. The model has six blocks (0 to 5), each with six **heads**: six sets of queries and keys that look
# for different things.

# %% [markdown]
# Two things happen to queries and keys before they meet. **QK-norm** brings all of them to one size, so that no score
# can grow without limit. And **rotary positions** *turn* them. Take the numbers in pairs, as arrows in a plane. The
# token's row in the frame turns some of the arrows, its column others, each at a speed of its own, like lesson 2's
# clocks. A dot product of two arrows depends on the angle *between* them. So a score depends on how many rows and
# columns one token lies from the other, not on where the two are. Here is one random query and one random key, put at
# each of the 16 places:

# %%
HEAD = 32                                                   # d, numbers in a query
# the cosines and sines of 16 places
rotation = layers.axial_rotation(layers.grid_positions((1, 4, 4)), HEAD)
# 1, 16, HEAD each: one head, the same row 16 times
q, k = rng.normal(size=(2, 1, 1, HEAD)).repeat(16, axis=2)
(q, _), (k, _) = layers.rope_forward(q, rotation), layers.rope_forward(k, rotation)
draw.heatmaps(
    {"scores": (q @ k.swapaxes(-1, -2) / HEAD**0.5)[0]}, diverging=True,
    xlabel="token asked", ylabel="token that asks",
    alt="Squares of 4 by 4, alike along diagonals: equal scores wherever two tokens "
    "lie equally far apart.",
)

# %% [markdown]
# We give the model a clip with noise in it. `model.attention` runs the clip through the blocks and keeps the attention
# weights of every block and head, a row for each token that asks.

# %%
model = load()
circle = Attributes("red", "circle", "right", "day")
clip = render(circle, np.random.default_rng(0))             # 8, 32, 32, 3


def attention_maps(t):
    """The weights of every block and head for the clip at time t: (6, 6, 16, 16)."""
    return model.attention(caption(circle), clip, t, seed=1)


maps = attention_maps(0.6)
codec = model.model.codec
latents = codec.encode(clip[None])                          # 1, 8, 4, 4, 12
noise = np.random.default_rng(1).standard_normal(latents.shape, dtype=np.float32)
draw.clips(
    {
        "the clip": clip,
        "what the model sees, t = 0.6": codec.decode(0.6 * latents + 0.4 * noise)[0],
    },
    alt="A red circle moves right in a blue sky; below, the same clip with noise in "
    "its latents.",
)

# %% [markdown]
# Here is block 0. Every row is a token that asks, every column a token that is asked; tokens 0 to 3 are the top row of
# the frame, 4 to 7 the next, and so on. Some heads look nearly everywhere. Others show stripes beside the diagonal:
# each token looks at those that lie in a certain direction from it.

# %%
BLOCKS, HEADS = maps.shape[:2]
draw.heatmaps(
    {f"block 0, head {head}": maps[0, head] for head in range(HEADS)}, columns=3,
    shared=False, xlabel="token asked", ylabel="token that asks",
    alt="Some heads are nearly even; others have stripes beside the diagonal, "
    "shifted by four tokens or by one.",
)

# %% [markdown]
# How many tokens does a query look at? $e^H$ counts them, where $H = -\sum y \ln y$ is the entropy of its weights: 16
# if all weights are equal, 1 if a single key gets everything. At every noise level the first and the last block look
# around, and the middle ones look at fewer places.

# %%
def tokens_looked_at(maps):
    """How many tokens a query looks at, on average, for each block and head (6, 6)."""
    entropy = -(maps * np.log(np.maximum(maps, 1e-30))).sum(axis=-1)  # 6, 6, 16
    return np.exp(entropy).mean(axis=-1)


looked_at = {
    f"t = {t:g}": tokens_looked_at(attention_maps(t)).mean(axis=1)
    for t in (0.0, 0.3, 0.6, 0.9)
}
draw.curves(
    np.arange(BLOCKS), looked_at, xlabel="block", ylabel="tokens that a query looks at",
    points=True,
)

# %% [markdown]
# That is an average over heads. The sharpest ones, from all blocks, look at few tokens. Where do they look? For every
# head, take the mean weight of all pairs of tokens that are one row or one column apart:

# %%
# rows, columns
DIRECTIONS = {"above": (-1, 0), "below": (1, 0), "left": (0, -1), "right": (0, 1)}
place = np.indices((4, 4)).reshape(2, 16).T                 # 16, 2
step = place - place[:, None]  # 16, 16, 2   from the token that asks to the one asked


def neighbours(weights):
    """The mean weight (16, 16) of the neighbour in each direction."""
    return {
        name: float(weights[(step == offset).all(axis=-1)].mean())
        for name, offset in DIRECTIONS.items()
    }


counts = tokens_looked_at(maps)                             # 6, 6
sharpest = [divmod(int(i), HEADS) for i in np.argsort(counts, axis=None)[:6]]
where = {}
for block, head in sharpest:
    near = neighbours(maps[block, head])
    where[block, head] = max(near, key=near.get)
    print(f"block {block}, head {head}: {counts[block, head]:.1f} tokens;", end=" ")
    print(
        f"the neighbour {where[block, head]} has a weight of "
        f"{near[where[block, head]]:.2f} on average"
    )
draw.heatmaps(
    {
        f"block {block}, head {head}: {where[block, head]}": maps[block, head]
        for block, head in sharpest
    },
    columns=3, xlabel="token asked", ylabel="token that asks",
    alt="Bright diagonal lines: the heads look at their neighbours "
    f"{', '.join(where.values())}.",
)

# %% [markdown]
# Most of these heads look in *one* direction: above, below, left or right. Nobody programmed this. The model discovered
# what a *convolution*, a layer that sees only neighbours, has built in. Tokens at the edge, with no neighbour on that
# side, look somewhere else.
#
# The same weights for one token, laid out like the frame, in percent. The token that asks is in row 1, column 1
# (counted from 0), where the circle starts:

# %%
asks = 4 * 1 + 1
# blocks, heads, rows, columns
percent = (100 * maps[:, :, asks]).round().reshape(BLOCKS, HEADS, 4, 4)
draw.heatmaps(
    {f"block {block}, head {head}": percent[block, head] for block, head in sharpest},
    columns=3,
    alt="Where the token in row 1, column 1 looks: mostly one bright cell next to it.",
)

# %% [markdown]
# **Try it.** Click a patch, and see where it attends. Click another head: in the map, a row is a block, and a bright
# head looks at a single place.

# %%
move.attention(model, clip)

# %% [markdown]
# ## What the worksheet left out
#
# - **The division by √d.** With d = 2 it would hardly matter; our heads have d = 32.
# - **Softmax.** On the worksheet a patch may have a weight of −5. Real weights are shares from 0 to 1.
# - **Heads.** The worksheet has one, the model six in each of six blocks: 36 attention patterns.
# - **Biases.** The model adds one to every query and key.

# %% [markdown]
# - **Positions.** Shuffle the worksheet's patches, and the same scores come out, shuffled. The real model turns queries
#   and keys by their places; otherwise no head could know what "below" is.
# - **Layer normalisation** before it (lesson 7), and QK-norm within.
# - **Size.** 16 scores there, 6 · 6 · 16 · 16 = 9216 here for a small clip. Twice the tokens make four times the
#   scores: this is what makes long videos expensive.

# %% [markdown]
# ## Recap
#
# - A score is query · key, divided by √d. Its slope is the other factor; gradients sum along rows for queries, along
#   columns for keys.
# - Softmax turns a row into shares. Subtract the row's maximum first, and nothing overflows.
# - Back through softmax: dy minus its weighted average, times the weight.
#
# Next: [lesson 9](09_attention_pooling.ipynb) uses the weights to gather values.
