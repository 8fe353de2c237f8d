# %% [markdown]
# # Lesson 6 · Estimate scale and shift
#
# How does a prompt get into a network that looks at video? In a DiT, through a very small door: the prompt and the time
# *t* become a few numbers that stretch and shift the tokens. In this lesson you build the layer that makes these
# numbers, forward and backward, and find out why it starts with nothing but zeros.
#
# **Time:** about 60 minutes. **You need:** the linear layer and its backward
# ([lesson 3](03_visual_encoder.ipynb)), the condition ([lesson 5](05_conditions.ipynb)).

# %%
import numpy as np

from minidit import layers, load, worksheet
from minidit.course import check, draw, move
from minidit.models import DiTSettings
from minidit.models.block import dit_block_backward, dit_block_forward, dit_block_shapes

sheet = worksheet.solve()

# %% [markdown]
# ## By hand
#
# Step 5 left us a condition of five numbers: three for the words of "sora is sky", two for the bits of t = 3. One
# weight and one bias turn it into four numbers. The upper two are the **scale**, one for each of the two latent
# numbers; the lower two are the **shift**.
#
# $$\begin{bmatrix}\text{scale}\\ \text{shift}\end{bmatrix} = W \cdot c + b$$

# %%
draw.matrices(
    ("W", sheet.weights.conditioning_weight), "·", ("c", sheet.condition), "+",
    ("b", sheet.weights.conditioning_bias),
)

# %% [markdown]
# ### 6.1 W · c + b  ·  ●○○  ·  5 minutes
# Take a pencil. Type the column of four numbers: scale, scale, shift, shift.
#
# <details><summary>One entry is wrong</summary>Write down the five products of that row before you add them. The third
# number of c is negative, so it flips the sign of its product.</details>
# <details><summary>All entries are wrong</summary>Go along a row of W and down the column c. Add b last.</details>

# %% exercise="step_6_scale_and_shift"
### BEGIN SOLUTION
scale_and_shift = [[2], [-1], [-1], [5]]
### END SOLUTION

check.step_6_scale_and_shift(scale_and_shift)

# %% [markdown]
# ## In NumPy
#
# On paper a sample is a column, and W stands on the left. From here on a sample is a **row**, as in every deep learning
# library: `y = c @ w + b`. A batch of B conditions is then an array (B, I), one row per sample. Nothing else has
# changed: transpose everything and the same numbers come out.

# %%
c = np.array([[0, 1, -1, 1, 1]])  # 1, 5   the condition as a row
w = sheet.weights.conditioning_weight.T                     # 5, 4
b = sheet.weights.conditioning_bias[:, 0]                   # 4
y = c @ w + b                                               # 1, 4
print("shapes:", c.shape, "@", w.shape, "+", b.shape, "→", y.shape)
same = np.array_equal(y, np.concatenate([sheet.scale, sheet.shift]).T)
print("the same four numbers:", same)

# %% [markdown]
# ### SiLU first
#
# In the real model the condition is a *sum*: the vector of the time plus the vector of the prompt. A linear map of a
# sum is a sum again. The scale would be *something about t* plus *something about the prompt*, and "red, early on"
# could never mean anything special. So a nonlinearity comes before the linear layer, the **SiLU**:
#
# $$\operatorname{silu}(x) = x \cdot \sigma(x), \qquad \sigma(x) = \frac{1}{1 + e^{-x}}$$
#
# The sigmoid σ runs smoothly from 0 to 1, so SiLU is nearly 0 on the far left and nearly x on the far right.

# %%
x = np.linspace(-6, 6, 121)
silu, _ = layers.silu_forward(x)
draw.curves(x, {"SiLU": silu, "ReLU": np.maximum(x, 0)}, xlabel="x", ylabel="y")

# %% [markdown]
# ### 6.2 SiLU  ·  ●○○  ·  6 minutes
# Write `silu_forward(x)` for an array of any shape. Return `y` and the cache `(x, sigmoid)`: the backward will need
# both.
#
# <details><summary>NaN for large numbers</summary>There are several ways to write a sigmoid. In eˣ / (1 + eˣ) a large x
# gives infinity divided by infinity. Put the minus sign into the exponent, or use tanh: σ(x) = ½ + ½ tanh(x /
# 2).</details>
# <details><summary>A warning about overflow</summary>e⁸⁰⁰ is too large for a float. 1 / (1 + e⁸⁰⁰) still comes out as
# 0, which is right; the form with tanh avoids the warning.</details>
# <details><summary>y is right, the cache isn't</summary>The order is x, then σ(x).</details>

# %% exercise="silu_forward"
def silu_forward(x):
    ### BEGIN SOLUTION
    sigmoid = 0.5 + 0.5 * np.tanh(0.5 * x)                  # ...
    return x * sigmoid, (x, sigmoid)
    ### END SOLUTION

check.silu_forward(silu_forward)

# %% [markdown]
# ### Six modulations for one block
#
# A DiT block has two branches. In **attention**, tokens look at each other (`msa`, multi-head self-attention, lessons 8
# and 9); in **feed-forward**, each is worked on by itself (`mlp`, lesson 10). Each branch gets a **shift** and a
# **scale** at its entrance (lesson 7) and a **gate** at its exit (lessons 9 and 10). All six come out of one linear
# layer, side by side:
#
# | columns | 0 … D−1 | D … 2D−1 | 2D … 3D−1 | 3D … 4D−1 | 4D … 5D−1 | 5D … 6D−1 |
# |---|---|---|---|---|---|---|
# | | shift_msa | scale_msa | gate_msa | shift_mlp | scale_mlp | gate_mlp |
#
# Mind the order. The worksheet writes the scale first; a DiT has the shift first.

# %% [markdown]
# ### 6.3 The modulation layer  ·  ●●○  ·  8 minutes
# `c` (B, I) has been through SiLU already, because all blocks share it. `w` is (I, 6D), `b` (6D,). Return a
# tuple of six arrays (B, D) in the order of the table, and the cache of `layers.linear_forward`, which is `(c,
# w)`.
#
# <details><summary>The shapes are wrong</summary>Cut along the last axis. <code>np.split(array, 6)</code> alone
# cuts along the first.</details>
# <details><summary>Shapes pass, numbers don't</summary>After a <code>reshape</code>, which axis counts the six? Cut
# <code>np.arange(12)</code> in the same way and print the pieces: the first should be 0, 1.</details>
# <details><summary>It says that two have changed places</summary>Compare with the table, column by
# column.</details>

# %% exercise="adaln_modulation_forward"
def adaln_modulation_forward(c, w, b):
    ### BEGIN SOLUTION
    modulation, cache = layers.linear_forward(c, w, b)      # B, 6D
    return tuple(np.split(modulation, 6, axis=-1)), cache   # six of B, D
    ### END SOLUTION

check.adaln_modulation_forward(adaln_modulation_forward)

# %% [markdown]
# ## Backward
#
# ### SiLU, one small operation at a time
#
# Forward: `sigmoid = σ(x)`, then `y = x · sigmoid`. Backward, starting from `dy`, with every array in the shape of x:
#
# | operation | what comes back |
# |---|---|
# | y = x · sigmoid | dsigmoid = dy · x, and a first part of dx |
# | sigmoid = σ(x) | a second part of dx = dsigmoid · σ′(x) |
#
# x was used twice, so dx is the sum of two parts. And once you have σ, its slope needs no exponential: σ′ = σ · (1 −
# σ).
#
# <details><summary>Why is that its slope?</summary>Write σ = 1/u with u = 1 + e⁻ˣ. Then dσ/du = −1/u² and du/dx =
# −e⁻ˣ, so σ′ = e⁻ˣ/u² = (1/u) · (e⁻ˣ/u), and e⁻ˣ/u = (u − 1)/u = 1 − σ.</details>

# %% [markdown]
# ### 6.4 SiLU, backward  ·  ●●○  ·  10 minutes
# Write `silu_backward(dy, cache)` with the cache of 6.2. Return `dx`, of the shape of `dy`. Try your formula at x = 0
# first: there the slope is ½.
#
# <details><summary>Right at x = 0, wrong elsewhere</summary>At 0 one of the two parts vanishes. Did you forget that
# part?</details>
# <details><summary>Shapes pass, numbers don't</summary>How many times does x appear in x · σ(x)? Each time gives a part
# of dx.</details>

# %% exercise="silu_backward"
def silu_backward(dy, cache):
    x, sigmoid = cache                                      # ...
    ### BEGIN SOLUTION
    direct = dy * sigmoid                                   # ...
    dsigmoid = dy * x                                       # ...
    return direct + dsigmoid * sigmoid * (1 - sigmoid)
    ### END SOLUTION

check.silu_backward(silu_backward)

# %% [markdown]
# ### Concatenating what was split
#
# The block's backward will hand us six gradients, (B, D) each. Splitting moved numbers and changed none, so its
# backward moves them back: each gradient goes to the columns that its modulation came from. The rest is the backward of
# a linear layer.
#
# One vector c made all six. With $w_k$ for the columns of modulation k:
#
# $$dc = \sum_{k=1}^{6} dm_k \, w_k^\top$$
#
# That sum needs no loop: one product of the concatenated gradient with the whole $w^\top$ does it. The next cell shows
# it in numbers.

# %%
rng = np.random.default_rng(6)
w = rng.normal(size=(5, 18))                                # I, 6D   with I = 5, D = 3
dmodulation = rng.normal(size=(2, 18))                      # B, 6D
columns = [slice(3 * k, 3 * k + 3) for k in range(6)]
one_by_one = sum(dmodulation[:, k] @ w[:, k].T for k in columns)
print("largest difference:", np.abs(one_by_one - dmodulation @ w.T).max())

# %% [markdown]
# ### 6.5 The modulation layer, backward  ·  ●●○  ·  8 minutes
# `dmodulations` is a tuple of six arrays (B, D), in the order of 6.3. Return `dc` (B, I), `dw` (I, 6D), `db`
# (6D,). Use `layers.linear_backward(dy, cache)`, which returns them in this order.
#
# <details><summary>ValueError: shapes not aligned</summary><code>linear_backward</code> wants one array (B, 6D). Along
# which axis do you concatenate?</details>
# <details><summary>Shapes pass, numbers don't</summary>Concatenate in the order in which the forward split. Try six
# arrays filled with 0, 1, … 5 and look at a row.</details>

# %% exercise="adaln_modulation_backward"
def adaln_modulation_backward(dmodulations, cache):
    ### BEGIN SOLUTION
    dmodulation = np.concatenate(dmodulations, axis=-1)     # B, 6D
    return layers.linear_backward(dmodulation, cache)
    ### END SOLUTION

check.adaln_modulation_backward(adaln_modulation_backward)

# %% [markdown]
# ### Why it starts with zeros
#
# A branch is added to the tokens through its gate: `x + gate · h`. The layer of 6.3 starts with w = 0 and b = 0, so all
# six modulations are zero, the gates included, and the block passes x on unchanged. That is **adaLN-Zero**: an
# adaptive layer norm (lesson 7) that starts at zero. Below we
# stack 24 blocks whose other weights are all random. Look at what happens to the size of the tokens.

# %%
B, T, D, HEADS, DEPTH = 2, 6, 8, 2, 24
rng = np.random.default_rng(0)
x, c = rng.normal(size=(B, T, D)), rng.normal(size=(B, D))
settings = DiTSettings(
    in_channels=1, patch=(1, 1, 1), width=D, depth=DEPTH, num_heads=HEADS, num_classes=1
)
shapes = dit_block_shapes(settings)
blocks = [
    {name: rng.normal(0, 0.4, shape) for name, shape in shapes.items()}
    for _ in range(DEPTH)
]
zeroed = [
    {name: 0 * p if "adaLN" in name else p for name, p in block.items()}
    for block in blocks
]


def sizes(blocks):
    """The tokens' standard deviation before the first block and after each."""
    h, result = x, [x.std()]
    for block in blocks:
        h, _ = dit_block_forward(h, c, block, settings)
        result.append(h.std())
    return result


at_random, at_zero = sizes(blocks), sizes(zeroed)
draw.curves(
    range(DEPTH + 1),
    {"modulation drawn at random": at_random, "modulation zero": at_zero},
    xlabel="blocks passed", ylabel="size of the tokens", logy=True,
)
y, _ = dit_block_forward(x, c, zeroed[0], settings)
print("a block with zeros returns exactly x:", np.array_equal(y, x))

# %% [markdown]
# A network that starts as the identity is easy to train, however deep it is: the gradient reaches the first block
# unchanged. But can zeros learn at all? Take one block at its start: w = 0, b = 0, all other weights random, and a
# nonzero gradient `dy` at its exit.
#
# ### 6.6 What wakes up first?  ·  ●●○  ·  5 minutes
# Type seven numbers: 1 for a gradient that is *not* zero at the first step, 0 for one that is. The order is
# `[dshift_msa, dscale_msa, dgate_msa, dshift_mlp, dscale_mlp, dgate_mlp, dc]`.
#
# <details><summary>Everything looks like zero</summary>Take y = x + gate · h and write down dgate. Is h
# zero?</details>
# <details><summary>Nothing looks like zero</summary>To reach a shift, dy has to come through h. What is
# dh?</details>
# <details><summary>Only the last one is wrong</summary>The last line of 6.5: dc is made with w.</details>

# %% exercise="zero_start"
### BEGIN SOLUTION
awake = [0, 0, 1, 0, 0, 1, 0]
### END SOLUTION

check.zero_start(awake)

# %% [markdown]
# Here are the real gradients of such a block, over three steps of gradient descent towards a random target. Read the
# table line by line: what is zero at which step?

# %%
block = {name: p.copy() for name, p in zeroed[0].items()}
names = ["shift_msa", "scale_msa", "gate_msa", "shift_mlp", "scale_mlp", "gate_mlp"]
target = rng.normal(size=x.shape)
print(
    "largest gradient".ljust(16), *(f"d{name}".rjust(11) for name in names),
    "dc".rjust(11),
)
for step in range(3):
    y, cache = dit_block_forward(x, c, block, settings)
    _, dc, _, grads = dit_block_backward(y - target, cache)
    six = np.split(grads["adaLN_modulation.1.bias"], 6)     # six of D
    print(f"step {step}".ljust(16), *(f"{np.abs(d).max():11.4f}" for d in [*six, dc]))
    block = {name: p - 0.001 * grads[name] for name, p in block.items()}

# %% [markdown]
# ## In the real model
#
# Now the trained network: six blocks of width D = 192, so 6 · 192 modulations each. The function below asks its
# layers for the six modulations of one block, for several prompts at one t.

# %%
studio = load()
dit, tokenizer = studio.model.dit, studio.model.tokenizer
prompts = [
    "a red circle moves right in the day sky",
    "a blue square moves left in the night sky",
]
embedding = dit.embed(tokenizer.encode(prompts))            # 2, D


def six_modulations(block, t):
    """The modulations (2, 6, D) of a block for both prompts at time t."""
    c, _ = dit.condition_forward(np.full(2, 1000 * t, np.float32), embedding)
    p = dit.block_params[block]
    y, _ = layers.linear_forward(
        c, p["adaLN_modulation.1.weight"], p["adaLN_modulation.1.bias"]
    )
    return y.reshape(2, 6, -1)


# without t = 0.5, at which edits are asked for (lesson 16)
times = np.linspace(0, 1, 20)
modulations = np.stack(
    [[six_modulations(block, t) for t in times] for block in range(dit.settings.depth)]
)
print("blocks, times, prompts, modulations, channels:", modulations.shape)

# %% [markdown]
# First the scale and shift of the attention in block 2 (counted from 0). Every row is a time, every column a channel;
# the 24 channels are those in which the two prompts differ most. The picture shows 1 + scale, the factor of a channel
# (lesson 7): white turns a channel off, pale red keeps it, strong red enlarges it, blue flips its sign.

# %%
shift, scale = modulations[2, :, :, 0], modulations[2, :, :, 1]  # t, prompt, D
differ = np.abs(scale[:, 0] - scale[:, 1]).mean(axis=0)     # D
channels = np.sort(np.argsort(differ)[-24:])
draw.heatmaps(
    {
        "1 + scale, red circle": 1 + scale[:, 0, channels],
        "1 + scale, blue square": 1 + scale[:, 1, channels],
        "shift, red circle": shift[:, 0, channels],
        "shift, blue square": shift[:, 1, channels],
    },
    columns=2, diverging=True, xlabel=f"channel, 24 of {dit.settings.width}",
    ylabel="t: 0 noise, 19 data",
    alt="Many channels that one prompt enlarges the other turns off; the top rows "
    "are strongest.",
)

# %% [markdown]
# You can see two things. The prompt decides most: one prompt enlarges a channel that the other leaves or turns off. And
# t matters too: the top rows, where the latents are mostly noise, are stronger than those below. How far apart are the
# two prompts at each t?

# %%
# t, six
apart = np.sqrt(((modulations[:, :, 0] - modulations[:, :, 1]) ** 2).mean(axis=(0, 3)))
by_kind = {
    "scale": apart[:, [1, 4]],
    "shift": apart[:, [0, 3]],
    "gate": apart[:, [2, 5]],
}
left = apart[-1].mean() / apart[0].mean()
draw.curves(
    times, {kind: both.mean(axis=1) for kind, both in by_kind.items()},
    xlabel="t (0: noise, 1: data)", ylabel="difference (rms)",
)
print(f"from t = 0 to t = 1 the difference falls to {left:.0%}")

# %% [markdown]
# The prompts are furthest apart where there is only noise. That makes sense: there the prompt is all the network has to
# go by. Later, the half-finished clip shows much of it by itself.
#
# Let us ask the network at t = 0. Both clips below are its first guess from **the same** noise. The two runs differ
# only in these modulations: those of the six blocks and the two of the final layer.

# %%
noise = np.random.default_rng(3).standard_normal(
    (1, *studio.settings.latent_shape), dtype=np.float32
)
guess = dit.predict(np.repeat(noise, 2, axis=0), np.zeros(2, np.float32), embedding)
draw.clips(
    dict(zip(prompts, studio.model.codec.decode(guess), strict=True)),
    alt="First guesses from one noise: a rough red circle moving right, a rough blue "
    "square moving left.",
)

# %% [markdown]
# **Try it.** Two prompts, and a slider from the scales and shifts of the first to those of the second. The noised
# clip stays the same; its guess follows them.

# %%
move.modulation(studio)

# %% [markdown]
# ## What the worksheet left out
#
# - **A nonlinearity.** The worksheet's map is linear, and its condition is concatenated: text, then time. A DiT *adds*
#   the two vectors, and needs SiLU before the layer.
# - **A gate.** The worksheet has only scale and shift. A DiT has a gate for every branch; without gates it couldn't
#   start as the identity.

# %% [markdown]
# - **A layer for every block.** The worksheet has one. The real model has one in each of six blocks and one in the
#   final layer. They hold a third of all parameters, as the cell below counts.
# - **One c for all of them.** c gets a gradient from every block; the model's backward adds them up.
# - **One more zero.** The final layer starts at zero too. So a whole DiT wakes up in three steps: first the last layer,
#   then the gates, then all the rest.

# %%
total = sum(p.size for p in dit.params.values())
ours = sum(p.size for name, p in dit.params.items() if "adaLN_modulation" in name)
print(f"{ours:,} of {total:,} parameters make modulations: {100 * ours / total:.0f} %")
made = (6 * dit.settings.depth + 2) * dit.settings.width
print(f"they make {made:,} numbers for a prompt and a t; the worksheet's layer makes 4")

# %% [markdown]
# ## Recap
#
# - One linear layer per block turns the condition into six vectors; its backward concatenates six gradients.
# - If a value is used several times (x in SiLU, c in six modulations), its gradients add up.
# - Zero gates make a deep network the identity, and they are the first part of a block to learn.
#
# Next: what scale and shift do to the tokens, in [lesson 7](07_apply_scale_and_shift.ipynb).
