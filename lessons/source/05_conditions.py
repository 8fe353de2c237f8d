# %% [markdown]
# # Lesson 5 · Encode the conditions
#
# "A red circle moves right in the day sky", and t = 0.3: a network can neither add nor multiply words. In this lesson
# you turn words and time into vectors, and gradients back into better word vectors.
#
# **Time:** about 60 minutes. **You need:** arrays and fancy indexing (`table[ids]`).

# %%
import numpy as np

from minidit import layers, load, worksheet
from minidit.course import check, draw, move
from minidit.diffusion import network_time

sheet = worksheet.solve()

# %% [markdown]
# ## By hand
#
# The prompt is "sora is sky", and the worksheet's dictionary is short: *sora* is 0, *is* is 1, *sky* is −1. The time is
# t = 3, written in binary with two digits. All five numbers in one column are the **condition**.

# %% [markdown]
# ### 5.1 The condition  ·  ●○○  ·  3 minutes
# Type the five numbers: three words, then two binary digits.
#
# <details><summary>The last two are wrong</summary>The first digit counts twos, the second ones: 3 = 1 · 2 + 1 ·
# 1.</details>
# <details><summary>The first three are wrong</summary>Look up each word in turn, in the order of the prompt.</details>

# %% exercise="step_5_condition"
### BEGIN SOLUTION
condition = [0, 1, -1, 1, 1]
### END SOLUTION

check.step_5_condition(condition)

# %% [markdown]
# ## In NumPy
#
# One number per word is not much: *sky* is not the opposite of *is*. So each word gets a vector of D numbers, a row of
# a **table** (V, D), and these numbers are learned. A prompt is then a list of row numbers, its *ids*.

# %% [markdown]
# ### 5.2 Looking words up  ·  ●○○  ·  4 minutes
# `ids` (…) are whole numbers from 0 to V − 1, `table` is (V, D). Return `y` (…, D) and the cache `(ids, table.shape)`:
# the backward needs no more.
#
# <details><summary>Must I loop?</summary>No. An array of whole numbers may stand in square brackets, and may have any
# shape.</details>
# <details><summary>y is right, the cache isn't</summary>It is a tuple of two: the ids, and the table's
# <em>shape</em>.</details>

# %% exercise="embedding_forward"
def embedding_forward(ids, table):
    ### BEGIN SOLUTION
    return table[ids], (ids, table.shape)
    ### END SOLUTION

check.embedding_forward(embedding_forward)

# %% [markdown]
# ### The time
#
# Binary digits are a good idea: each digit is a wave, one fast, one slow. Real models use smooth waves, so that nearby
# times have nearby vectors. There are F = width / 2 frequencies, from fast to slow:
#
# $$\omega_i = 10000^{-i/F}, \qquad i = 0, \dots, F - 1$$
#
# and each wave gives a cosine and a sine: first all the cosines, then all the sines.

# %% [markdown]
# ### 5.3 The time as waves  ·  ●●○  ·  10 minutes
# `t` is (N,), on a scale from 0 to 1000; `width` is even. Return (N, width).
#
# <details><summary>The shape is wrong</summary>You want every time with every frequency: t[:, None] against a row of F
# frequencies gives (N, F).</details>
# <details><summary>It says that the frequencies fall too slowly or too fast</summary>F is half of the width. For F = 4
# they are 1, 0.1, 0.01, 0.001.</details>
# <details><summary>Sine first?</summary>Papers differ. In DiT, and here, the cosines come first.</details>

# %% exercise="timestep_embedding"
def timestep_embedding(t, width):
    ### BEGIN SOLUTION
    F = width // 2
    frequencies = 10000.0 ** (-np.arange(F) / F)            # F
    angles = t[:, None] * frequencies                       # N, F
    return np.concatenate([np.cos(angles), np.sin(angles)], axis=-1)  # N, width
    ### END SOLUTION

check.timestep_embedding(timestep_embedding)

# %%
t = np.linspace(0, 1000, 200)
draw.heatmaps(
    {"the time as 64 waves": layers.timestep_embedding(t, 64, dtype=np.float64)},
    xlabel="wave", ylabel="t / 5",
    alt="Stripes: the first waves of each half flicker from row to row, the last "
    "hardly change.",
)

# %% [markdown]
# ### A prompt as one vector
#
# The blocks of a DiT, the equal parts that it consists of, want *one* vector of width D for the whole prompt. Prompts
# have different lengths, so they are padded to the longest; a mask says which words are really there. We add up those,
# and only those. (In the real model a transformer reads the words first; lessons 8 and 9 are about its attention.)

# %% [markdown]
# ### 5.4 Adding up the words  ·  ●●○  ·  6 minutes
# `x` is (B, L, D), `mask` (B, L), True where there is a word. Return `y` (B, D) and the cache `(mask,)`.
#
# <details><summary>The mask doesn't fit</summary>It lacks the axis of the width:
# <code>mask[..., None]</code>.</details>
# <details><summary>It says that padding was counted</summary>A False times a number is 0: multiply before you
# add.</details>

# %% exercise="pool_words_forward"
def pool_words_forward(x, mask):
    ### BEGIN SOLUTION
    return (x * mask[..., None]).sum(axis=1), (mask,)       # B, D
    ### END SOLUTION

check.pool_words_forward(pool_words_forward)

# %% [markdown]
# ## Backward
#
# How does a table learn? Looking up is a matrix product in disguise. Write each id as a row with a single 1, a
# *one-hot* row, and stack them:
#
# $$y = \text{onehot} \cdot \text{table} \qquad\Rightarrow\qquad d\text{table} = \text{onehot}^T \cdot dy$$
#
# The transpose collects: row v of dtable is the sum of all rows of dy at the places where word v stood. Nobody builds
# that matrix for a large vocabulary. Adding each row of dy to its place in the table (a *scatter*) does the same.

# %%
ids = np.array([1, 3, 1])
onehot = np.eye(4, dtype=int)[ids]
table = np.array([[0, 10], [1, 11], [2, 12], [3, 13]])
draw.matrices(
    ("one-hot rows of 1, 3, 1", onehot), "@", ("table", table), "=",
    ("y", onehot @ table),
)

# %% [markdown]
# ### 5.5 Backward of looking up  ·  ●●○  ·  10 minutes
# `dy` is (…, D), the cache `(ids, (V, D))`. Return `dtable` (V, D).
#
# <details><summary>Most rows pass, one doesn't</summary>Which word occurs twice? <code>dtable[ids] += dy</code> looks
# right, but NumPy computes each place from its <em>old</em> value, so one of two gradients gets lost.</details>
# <details><summary>How do I add, then?</summary><code>np.add.at</code>, or a loop over all places, or the one-hot
# product.</details>

# %% exercise="embedding_backward"
def embedding_backward(dy, cache):
    ids, shape = cache
    ### BEGIN SOLUTION
    dtable = np.zeros(shape, dy.dtype)                      # V, D
    np.add.at(dtable, ids, dy)
    return dtable
    ### END SOLUTION

check.embedding_backward(embedding_backward)

# %% [markdown]
# ### 5.6 Backward of pooling  ·  ●○○  ·  6 minutes
# `dy` is (B, D), the cache `(mask,)`. Return `dx` (B, L, D).
#
# <details><summary>The shape is wrong</summary>Every word of a prompt needs its own copy:
# <code>dy[:, None]</code> has a place for them.</details>
# <details><summary>The numbers are too small</summary>A sum passes the whole gradient to each of its terms.</details>

# %% exercise="pool_words_backward"
def pool_words_backward(dy, cache):
    (mask,) = cache
    ### BEGIN SOLUTION
    return dy[:, None] * mask[..., None]                    # B, L, D
    ### END SOLUTION

check.pool_words_backward(pool_words_backward)

# %% [markdown]
# The time needs no backward: t is an input, and its waves have no parameters. The small network after them learns:
# linear, SiLU, linear. (SiLU is a smooth ReLU, see lesson 6.)

# %% [markdown]
# ## In the real model
#
# What did the shipped model learn about its words? We take the vectors of eight prompts, subtract what they have in
# common (their mean), and ask how far they point in the same direction: 1 is the same, −1 the opposite.

# %%
model = load(device="cpu").model
prompts = [
    "a red circle moves right in the day sky",
    "a circle that is red moves right in the day sky",
    "a red circle moves left in the day sky",
    "a blue circle moves right in the day sky",
    "a red ring moves right in the day sky",
    "a red circle moves right in the night sky",
    "sora is sky",
    "",
]
vectors = model.dit.embed(model.tokenizer.encode(prompts))  # B, D
own = vectors - vectors.mean(axis=0)                        # B, D
unit = own / np.linalg.norm(own, axis=1, keepdims=True)
draw.heatmaps(
    {"how alike eight prompts are": unit @ unit.T}, diverging=True, xlabel="prompt",
    ylabel="prompt",
    alt="Prompts 0 and 1, the same in other words, are nearly 1; 6 and 7, without an "
    "object, are alike.",
)
for i, prompt in enumerate(prompts):
    print(i, prompt or "(the empty prompt)")

# %% [markdown]
# And this is what the network makes of the waves, after linear, SiLU and linear. The condition moves evenly almost
# everywhere. It jumps at the very beginning, where there is hardly a clip yet, and at t = 0.5. Nothing special happens
# to a clip there; but at exactly this time training asks for *edits* (lesson 16), and so the network has learned to
# tell it from all others. The fast waves let it.

# %%
nothing = model.dit.embed(model.tokenizer.encode([""]))     # 1, D
t = np.linspace(0, 1, 101, dtype=np.float32)                # 101
# 101, D
c, _ = model.dit.condition_forward(network_time(t), np.repeat(nothing, len(t), axis=0))
change = np.linalg.norm(np.diff(c, axis=0), axis=1)
draw.curves(
    t[1:], {"change of the condition": change}, xlabel="t",
    ylabel="length of the change per 0.01",
)

# %% [markdown]
# **Try it.** Take a word out of the prompt. Some words move the prompt's vector far, and change the clip; others
# hardly matter.

# %%
move.words(model)

# %% [markdown]
# ## What the worksheet left out
#
# - **Learned vectors.** The worksheet fixes −1 for *sky*. A table learns its rows, through the gradient of 5.5.
# - **Order and grammar.** A sum of words can't tell "red circle, blue sky" from "blue circle, red sky". So each word
#   also gets a position vector, and a small transformer reads the words before they are added.
# - **The empty prompt.** One time in ten, training uses an empty prompt, so that the network also learns what clips
#   look like in general. Guidance (lesson 12) needs it.
# - **Adding instead of concatenating.** The worksheet concatenates words and time. A DiT *adds* the two vectors, and
#   then puts the sum through a SiLU (lesson 6).

# %%
settings = model.settings.dit
print(f"{settings.text.vocabulary_size} words, {settings.text.width} numbers each, "
      f"{settings.text.depth} transformer block, and a map to width {settings.width}")

# %% [markdown]
# ## Recap
#
# - A lookup is a product with one-hot rows; its gradient adds up over all places where a word stood.
# - Time becomes waves from fast to slow, so that nearby times get nearby vectors.
# - Padding must not count: the mask is in the forward and in the backward.
#
# Next: what the condition does, as scale and shift, in [lesson 6](06_estimate_scale_and_shift.ipynb).
