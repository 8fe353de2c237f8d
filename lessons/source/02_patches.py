# %% [markdown]
# # Lesson 2 · Video to patches
#
# A transformer reads a list of **tokens**: rows of numbers, all of one length. A clip is a box of numbers in time and
# space. In this lesson you cut the clip into tokens, tell each token where it came from, and find the simplest backward
# pass there is.
#
# **Time:** about 50 minutes. **You need:** `reshape` and `transpose` in NumPy.

# %%
import numpy as np

from minidit import layers, load, worksheet
from minidit.course import check, draw, move
from minidit.files.clips import grid
from minidit.world import Attributes, render

sheet = worksheet.solve()

# %% [markdown]
# ## By hand
#
# Each frame of the worksheet is cut into squares of 2 × 2 pixels: two patches in frame 1, two in frame 2. A patch
# becomes a **column** of four numbers: top left, top right, bottom left, bottom right.

# %%
draw.matrices(("frame 1", sheet.video[0]), ("frame 2", sheet.video[1]))

# %% [markdown]
# ### 2.1 Cut the video  ·  ●○○  ·  4 minutes
# Type the matrix of patches, 4 × 4: first the patches of frame 1, then those of frame 2, from left to right. (Rows are
# typed one after the other, so think of columns and write in rows.)
#
# <details><summary>The first row is right, the second isn't</summary>The second number of a patch is to the
# <i>right</i> of the first, not below it.</details>
# <details><summary>Nothing is right</summary>A patch reaches over both rows of a frame. Draw the squares into the
# frames first.</details>

# %% exercise="step_2_patches"
### BEGIN SOLUTION
patches = [
    [5, 1, 2, 6],
    [3, 1, 2, 4],
    [1, 1, 2, 2],
    [0, 1, 2, 0],
]
### END SOLUTION

check.step_2_patches(patches)

# %% [markdown]
# ## In NumPy
#
# In NumPy, and from here on, a token is a **row**. A clip is an array (F, H, W, C): frames, rows, columns, colours. A
# patch is a box of (pf, ph, pw) pixels with all their colours. The boxes don't overlap, and they tile the clip:
#
# $$T = \frac{F}{p_f} \cdot \frac{H}{p_h} \cdot \frac{W}{p_w} \;\text{ tokens of }\;
# P = p_f \, p_h \, p_w \, C \;\text{ numbers}$$
#
# Nothing is lost and nothing is added: $T \cdot P = F \cdot H \cdot W \cdot C$.

# %% [markdown]
# ### 2.2 How many, how wide  ·  ●○○  ·  4 minutes
# `size` is (F, H, W, C), `patch` is (pf, ph, pw). Return the number of tokens and the numbers in each.
#
# <details><summary>The width is three times too small</summary>How many numbers does a pixel have?</details>
# <details><summary>tokens is right by hand, but not for real sizes</summary>Do your patches span several
# frames?</details>

# %% exercise="token_count"
def token_count(size, patch):
    F, H, W, C = size
    pf, ph, pw = patch
    ### BEGIN SOLUTION
    return (F // pf) * (H // ph) * (W // pw), pf * ph * pw * C
    ### END SOLUTION


check.token_count(token_count)

# %% [markdown]
# ### Cutting is splitting axes
#
# How do you cut without a loop? Split an axis in two: *which patch*, then *where in it*.

# %%
line = np.arange(6)
print("six pixels:                ", line)
print(
    "three patches of two:      ", line.reshape(3, 2).tolist(),
    " pixel i is [i // 2, i % 2]",
)
print(
    "the other split, (2, 3).T: ", line.reshape(2, 3).T.tolist(),
    " pixels that aren't neighbours",
)

# %% [markdown]
# A clip has three such axes, so after the split there are seven: f, pf, r, ph, c, pw, C, where f, r, c count patches.
# To make tokens, the three counters must come first, then everything inside a patch. That is a `transpose`. A last
# `reshape` joins the first three and the last four.
#
# A `reshape` never moves a number: it reads row by row and writes row by row. Only `transpose` moves anything.

# %% [markdown]
# ### 2.3 Patchify  ·  ●●○  ·  10 minutes
# Write it for a clip `x` (..., F, H, W, C). There may be any number of axes in front, such as one that counts the clips
# of a *batch*; they stay as they are. Return the tokens, (..., T, P). They come in the order frame, row, column; inside
# each: frame, row, column, colour.
#
# <details><summary>Shapes pass, numbers don't</summary>Print the shape after each line for the worksheet's video. Which
# axis is the counter, and which is inside the patch?</details>
# <details><summary>Random inputs pass, batches don't</summary>With n axes in front, the axes of the clip have numbers
# from n on. <code>tuple(range(n))</code> are those in front.</details>
# <details><summary>"axes don't match array"</summary><code>transpose</code> needs all axes, also those in
# front.</details>

# %% exercise="patchify"
def patchify(x, patch):
    *leading, F, H, W, C = x.shape
    pf, ph, pw = patch
    f, r, c = F // pf, H // ph, W // pw
    n = len(leading)
    ### BEGIN SOLUTION
    blocks = x.reshape(*leading, f, pf, r, ph, c, pw, C)
    order = (*range(n), *(n + axis for axis in (0, 2, 4, 1, 3, 5, 6)))
    blocks = blocks.transpose(order)  # ..., f, r, c, pf, ph, pw, C
    return blocks.reshape(*leading, f * r * c, pf * ph * pw * C)
    ### END SOLUTION


check.patchify(patchify)

# %% [markdown]
# ### What the wrong order looks like
#
# `x.reshape(T, P)` alone has the right *shape*, so no test of shapes complains. Here are the 16 tokens of each frame,
# each drawn as the 8 × 8 picture that it should be:

# %%
# 8, 32, 32, 3
clip = render(Attributes("yellow", "ring", "up", "night"), np.random.default_rng(5))


def as_pictures(tokens):
    # token of a frame, frame, row, column, colour
    squares = tokens.reshape(8, 16, 8, 8, 3).swapaxes(0, 1)
    return grid(squares, columns=4, gap=2)


draw.animation(
    {
        "the clip": np.pad(clip, ((0, 0), (3, 3), (3, 3), (0, 0)), constant_values=1),
        "patchify": as_pictures(layers.patchify(clip, (1, 8, 8))),
        "reshape alone": as_pictures(clip.reshape(128, 192)),
    },
    alt="Left, a yellow ring moves up. Middle, the same in 16 squares. Right, 16 "
    "squares of stripes, without a ring.",
)

# %% [markdown]
# A network could even learn from the picture on the right, because no number is missing. But each token would hold thin
# strips of the frame, and neighbours in the frame would no longer share a token.

# %% [markdown]
# ### Where was it?
#
# Once cut, a token doesn't know its place, and attention, which lets tokens look at each other, treats them as a set
# (lesson 8). So each needs a
# **position**. The classic way is to add fixed waves of different lengths, like the hands of a clock. With
# `half = width / 2` frequencies
#
# $$\omega_i = 10000^{-i/\text{half}}, \qquad
# \text{position}(p) = [\sin(p\,\omega_0), \ldots,\ \cos(p\,\omega_0), \ldots]$$

# %% [markdown]
# ### 2.4 Positions on a line  ·  ●●○  ·  8 minutes
# `width` is even. Return the positions of tokens 0 … count − 1, an array (count, width): first all sines, then all
# cosines.
#
# <details><summary>Shapes pass, numbers don't</summary>Row 0 must be zeros, then ones. Is it?</details>
# <details><summary>The frequencies are off</summary>There are <code>half</code> of them, i runs from 0 to half − 1, and
# it is divided by half.</details>

# %% exercise="line_positions"
def line_positions(count, width):
    half = width // 2
    ### BEGIN SOLUTION
    frequencies = 10000.0 ** (-np.arange(half) / half)         # half
    angles = np.arange(count)[:, None] * frequencies           # count, half
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
    ### END SOLUTION


check.line_positions(line_positions)

# %% [markdown]
# In a plane, this is used twice, as in facebookresearch/DiT: half of the width encodes the column, the other half the
# row. How far apart are the vectors of two tokens? The further apart the tokens are in the frame, the further apart
# their vectors:

# %%
# 16, 128   one frame of 4 x 4 tokens
positions = layers.sincos_positions((1, 4, 4), 128)
# 16, 16   0 on the diagonal
apart = np.linalg.norm(positions[:, None] - positions, axis=-1)
draw.heatmaps(
    {f"from token {token} to all": apart[token].reshape(4, 4) for token in (0, 5, 15)},
    xlabel="column", ylabel="row", columns=3,
    alt="Each map is 0 at its own token and grows from there.",
)

# %% [markdown]
# minidit's networks can add these vectors. The shipped one uses the same clocks in another way: it *turns* the queries
# and keys of attention by these angles, so that a score depends on how far apart two tokens are (lesson 8).

# %% [markdown]
# ## Backward
#
# `patchify` computes nothing: each number of `y` is a *copy* of one number of `x`. So its slope is 1 for that number
# and 0 for all others. Written as one large matrix M, of zeros and ones, the whole step is $y = M x$, and the backward
# of a product is the transpose:
#
# $$dx = M^\top dy$$

# %%
# 24 frames of 4 x 6, each with one bright pixel
ones = np.eye(24).reshape(24, 1, 4, 6, 1)
M = layers.patchify(ones, (1, 2, 2)).reshape(24, 24).T  # column j: where pixel j goes
draw.heatmaps(
    {"M": M, "M transposed": M.T, "M transposed @ M": M.T @ M}, columns=3,
    xlabel="from", ylabel="to",
    alt="M has a single one in each row and column; M transposed times M has ones on "
    "the diagonal.",
)

# %% [markdown]
# Every row and every column of M holds a single 1: M is a **permutation**. The transpose of a permutation is its
# inverse. So the gradient of *cutting* is *putting together*: every number of `dy` goes back to where its copy came
# from. (Lesson 14 calls that `unpatchify`, and its backward is `patchify`.)
#
# Undo the forward line by line, from the last to the first:
#
# | | gradient | shape |
# |---|---|---|
# | last reshape | `dy` → `dblocks` | (f, r, c, pf, ph, pw, C) |
# | transpose | `dblocks` → `dsplit` | (f, pf, r, ph, c, pw, C) |
# | first reshape | `dsplit` → `dx` | (F, H, W, C) |

# %% [markdown]
# ### 2.5 Patchify, backward  ·  ●●○  ·  8 minutes
# `dy` is (..., T, P). You get the clip `x` only for its shape: its values don't matter, because a copy has slope 1
# whatever it copies. Return `dx`, (..., F, H, W, C).
#
# <details><summary>Shapes pass, numbers don't</summary>Number the axes of dblocks from 0 to 6, and write down which one
# must stand at each place of dsplit.</details>
# <details><summary>I can't find the order</summary>The inverse of an order of axes is
# <code>np.argsort(order)</code>. Say why.</details>

# %% exercise="patchify_backward"
def patchify_backward(dy, x, patch):
    *leading, F, H, W, C = x.shape
    pf, ph, pw = patch
    f, r, c = F // pf, H // ph, W // pw
    n = len(leading)
    ### BEGIN SOLUTION
    dblocks = dy.reshape(*leading, f, r, c, pf, ph, pw, C)
    order = (*range(n), *(n + axis for axis in (0, 3, 1, 4, 2, 5, 6)))
    dsplit = dblocks.transpose(order)  # ..., f, pf, r, ph, c, pw, C
    return dsplit.reshape(x.shape)
    ### END SOLUTION


check.patchify_backward(patchify_backward)

# %% [markdown]
# One test of a backward needs no step size. For any linear map, and all x and dy,
#
# $$\langle M x,\ dy \rangle = \langle x,\ M^\top dy \rangle$$
#
# Both sides are one number, computed here with minidit's pair. Once your functions pass, put them in: `patchify(x,
# patch)` and `patchify_backward(dy, x, patch)`.

# %%
rng, patch = np.random.default_rng(0), (2, 3, 5)
x, dy = rng.normal(size=(2, 4, 6, 10, 3)), rng.normal(size=(2, 8, 90))
left = (layers.patchify(x, patch) * dy).sum()
right = (x * layers.unpatchify(dy, patch, (2, 2, 2))).sum()
print(f"<patchify(x), dy> = {left:.12f}")
print(f"<x, dx>           = {right:.12f}")

# %% [markdown]
# ## In the real model
#
# The shipped model, the one that comes with minidit, cuts **twice**. First the codec cuts pixels, and makes 12 latent
# numbers of each patch (lesson 3). Then the transformer cuts the latents:

# %%
settings = load().settings
latents = settings.latent_shape                                # 8, 4, 4, 12
pixels = (settings.frames, settings.size, settings.size, 3)    # 8, 32, 32, 3
for name, size, cut in (
    ("codec", pixels, settings.codec.patch),
    ("transformer", latents, settings.dit.patch),
):
    tokens = layers.patchify(np.zeros(size), cut)
    print(
        f"{name:12} {size} in patches of {cut}: {tokens.shape[0]} tokens of "
        f"{tokens.shape[1]} numbers"
    )

# %% [markdown]
# So a token of the transformer is a square of 8 × 8 pixels through **all eight frames**: a film of one place. The 16
# films below, side by side, are all that the transformer sees of the clip. (It also gets six conditioning channels:
# lesson 16. In longer clips a place has two tokens.)

# %%
# token, frame, row, column, colour
squares = layers.patchify(clip, (8, 8, 8)).reshape(16, 8, 8, 8, 3)
draw.animation(
    {
        "all 16 tokens": grid(squares, columns=4, gap=1),
        "token 5": squares[5],
        "token 10": squares[10],
    },
    alt="Left, a clip cut by white lines into 16 squares. Beside it two of them: "
    "parts of the ring come and go.",
)

# %% [markdown]
# Why not smaller patches, which show more detail? Attention compares every token with every other, so its cost grows
# with the *square* of their number:

# %%
for cut in ((8, 1, 1), (4, 1, 1), (2, 1, 1), (1, 1, 1)):
    count = layers.patchify(np.zeros(latents), cut).shape[0]
    print(
        f"patches of {cut} latents: {count:4} tokens, {count * count:6,} scores for "
        "each head and block"
    )

# %% [markdown]
# **Try it.** Change the size of the patches and click one of them. Half the side means four times the tokens, and
# sixteen times the pairs.

# %%
move.patches(clip)

# %% [markdown]
# ## What the worksheet left out
#
# - **Time inside a patch.** Its patches are flat: pf = 1.
# - **Colour.** One number a pixel there, three here: 8 · 8 · 3 = 192 numbers in a patch of the codec.
# - **Positions.** The worksheet has none. Swap its patches, and its attention is merely swapped as well: it can't tell
#   left from right. A DiT adds them once, before the first block, or turns queries and keys by them in every block.
# - **Sizes that don't divide.** In `patchify` they are an error; the shipped model pads with zeros.
# - **A second cut.** Pixels to latents, then latents to tokens.

# %% [markdown]
# ## Recap
#
# - Cutting is reshape, transpose, reshape. Only the transpose moves anything.
# - $T = (F/p_f)(H/p_h)(W/p_w)$ tokens of $P = p_f p_h p_w C$ numbers; attention costs $T^2$.
# - A permutation's backward is its inverse: the gradients go back to where the copies came from.
#
# Next: [lesson 3](03_visual_encoder.ipynb), where the 192 numbers of a patch become 12.
