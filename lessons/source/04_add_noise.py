# %% [markdown]
# # Lesson 4 · Add noise
#
# A diffusion model learns by repairing what we have spoiled (lesson 0). In this lesson you spoil a clip by exactly as
# much as a number *t* says, and find out that if you know where the clip is heading, you can get all of it back.
#
# **Time:** about 45 minutes. **You need:** arrays, and the latents of [lesson 3](03_visual_encoder.ipynb).

# %%
import numpy as np

from minidit import load, worksheet
from minidit.course import check, draw, move
from minidit.diffusion import RectifiedFlow, VariancePreserving
from minidit.generation.text_to_video import starting_noise
from minidit.presets import PRESETS
from minidit.training.buckets import draw_times
from minidit.world import Attributes, render

sheet = worksheet.solve()

# %% [markdown]
# ## By hand
#
# Step 3 turned each patch into two latent numbers, a column of the latent. Now we add noise, number by number. It has
# been drawn already, for the worksheet's t = 3 (step 1): its numbers are −1, 0 or 1.

# %%
draw.matrices(("latent", sheet.latent), "+", ("noise", sheet.noise))

# %% [markdown]
# ### 4.1 The noised latent  ·  ●○○  ·  3 minutes
# Type the sum: two rows of four numbers.
#
# <details><summary>A number of mine is negative</summary>That can happen. The latent came out of a ReLU, but noise may
# push it below zero.</details>
# <details><summary>One entry is off</summary>Adding −1 makes a number smaller by one.</details>

# %% exercise="step_4_noised"
### BEGIN SOLUTION
noised_latent = [[1, 1, 0, 1], [3, 5, 4, 4]]
### END SOLUTION

check.step_4_noised(noised_latent)

# %% [markdown]
# ### Which way does time run?
#
# **A higher t has less noise.** Readers stumble over this, and rightly so: in most papers t counts *noise*, and runs
# the other way. On the worksheet t is a whole number from 0 to 3, and a number of the noise is at most 4 − t, up or
# down. At t = 0 it may be as large as 4, which drowns a latent; at t = 3 it is at most 1.
#
# In the model it is the same, on a finer scale: **t = 0 is all noise, t = 1 is the clean clip**. Making a clip means
# walking from 0 to 1.

# %%
levels = np.arange(4)
draw.bars({f"t = {t}": 4 - t for t in levels}, ylabel="largest noise on the worksheet")

# %% [markdown]
# ## In NumPy
#
# The worksheet only adds. A model *mixes*, so that at t = 0 only noise is left, and at t = 1 only the clip:
#
# $$x_t = t \cdot \text{data} + (1 - t) \cdot \text{noise}$$
#
# A training step looks at N clips at once, a **batch**. Each has a t of its own, so that the network practises at many
# noise levels.

# %% [markdown]
# ### 4.2 A clip at time t  ·  ●○○  ·  8 minutes
# `data` and `noise` are (N, …) with any number of further axes, `t` is (N,). Return `x` of the data's shape.
#
# <details><summary>It says something about broadcasting</summary>NumPy aligns shapes at their <em>last</em> axis. A t
# of shape (N,) is matched with the last axis of a clip, or doesn't fit at all. It needs the shape (N, 1, 1,
# …).</details>
# <details><summary>How many ones?</summary>One fewer than the clips have axes: <code>data.ndim - 1</code>. Then
# <code>t.reshape(-1, …)</code>.</details>
# <details><summary>The hand numbers fail</summary>At t = 0 the result must be the noise itself.</details>

# %% exercise="noised"
def noised(data, noise, t):
    ### BEGIN SOLUTION
    t = t.reshape(-1, *[1] * (data.ndim - 1))               # N, 1, …, 1
    return t * data + (1 - t) * noise                       # N, …
    ### END SOLUTION

check.noised(noised)

# %% [markdown]
# ### 4.3 Where is it going?  ·  ●○○  ·  4 minutes
# As t grows, x moves in a straight line from the noise to the data. Its **velocity** is the derivative of $x_t$ with
# respect to t. Return it, in the data's shape; `data` and `noise` are (N, …). Why doesn't t appear in it?
#
# <details><summary>Its sign is wrong</summary>At t = 1 we want to be at the data. The velocity points there.</details>
# <details><summary>One of the two is missing</summary>Differentiate both terms: t, and 1 − t.</details>

# %% exercise="velocity"
def velocity(data, noise):
    ### BEGIN SOLUTION
    return data - noise                                     # N, …
    ### END SOLUTION

check.velocity(velocity)

# %% [markdown]
# ### 4.4 Both ends of the line  ·  ●●○  ·  8 minutes
# Here is the point of it all. From `x` (N, …), its velocity `v` (N, …) and `t` (N,), you can find both ends of the
# line: the clean data and the noise. Return the two, (N, …) each, in this order.
#
# <details><summary>How far is it?</summary>From time t to the data at time 1 it takes 1 − t. Distance is velocity
# times time.</details>
# <details><summary>It says that it goes the wrong way</summary>The noise lies behind: subtract.</details>

# %% exercise="data_and_noise"
def data_and_noise(x, v, t):
    ### BEGIN SOLUTION
    t = t.reshape(-1, *[1] * (x.ndim - 1))                  # N, 1, …, 1
    return x + (1 - t) * v, x - t * v                       # N, … each
    ### END SOLUTION

check.data_and_noise(data_and_noise)

# %% [markdown]
# So if you know $x_t$ and t, then data, noise and velocity say the same thing: from any one you get the other two. A
# network may predict any of them. Ours predicts the data, and [objectives.py](../../minidit/diffusion/objectives.py)
# turns one into the other. The catch is at the ends: at t = 0, x *is* the noise, so knowing the noise says nothing
# about the data.

# %% [markdown]
# ## Backward
#
# Does noising need a backward pass? In our model nothing before it learns: the codec is *frozen*, its numbers no longer
# change, and t and the noise are drawn. But if you trained codec and diffusion together, the gradient would pass
# through here.

# %% [markdown]
# One operation at a time. `dx` (N, …) comes in, the gradient of the loss with respect to x; `ddata` is the one with
# respect to the data, and so on:
#
# | forward | backward |
# |---|---|
# | kept = t · data | ddata = t · dkept |
# | grain = (1 − t) · noise | dnoise = (1 − t) · dgrain |
# | x = kept + grain | dkept = dgrain = dx |
#
# And t? It appears twice, so it gets two contributions; and one t served every number of its clip, so we sum over those
# as well.

# %% [markdown]
# ### 4.5 Backward through the noising  ·  ●●○  ·  12 minutes
# Return `ddata` (N, …), `dnoise` (N, …) and `dt` (N,), in this order. `dx`, `data` and `noise` are (N, …), `t` is (N,).
#
# <details><summary>dt has the wrong shape</summary>Sum over every axis but the first:
# <code>axis=tuple(range(1, dx.ndim))</code>.</details>
# <details><summary>dt has the right shape, but wrong values</summary>You have written the derivative of x with respect
# to t already, in 4.3.</details>
# <details><summary>ddata is dx itself</summary>In the forward the data was multiplied by t.</details>

# %% exercise="noised_backward"
def noised_backward(dx, data, noise, t):
    ### BEGIN SOLUTION
    t = t.reshape(-1, *[1] * (dx.ndim - 1))                 # N, 1, …, 1
    ddata, dnoise = t * dx, (1 - t) * dx                    # N, … each
    dt = (dx * (data - noise)).sum(axis=tuple(range(1, dx.ndim)))  # N
    return ddata, dnoise, dt
    ### END SOLUTION

check.noised_backward(noised_backward)

# %% [markdown]
# ## In the real model
#
# A clip of the toy world, as the codec sees it, at five values of t. You see $x_t$ sent through the decoder: the noise
# is in the latents, so it comes in blobs as large as a patch.

# %%
studio = load(device="cpu")
codec, path = studio.model.codec, RectifiedFlow()
clip = render(Attributes("red", "circle", "right", "day"), np.random.default_rng(0))
clip = clip[None]                                           # 1, F, H, W, 3
latents = codec.encode(clip)                                # 1, f, r, c, C
noise = starting_noise(latents.shape[1:], [0])              # 1, f, r, c, C
times = (1.0, 0.8, 0.5, 0.2, 0.0)
draw.clips(
    {f"t = {t}": codec.decode(path.noised(latents, noise, t))[0] for t in times},
    alt="A red circle moves right: clear at t = 1, barely visible at 0.5, only "
    "coloured blobs at 0.2 and 0.",
)

# %% [markdown]
# How often does the network practise each t? Not evenly, as the figure below shows. With hardly any noise the task is
# easy; with nothing but noise it can't be solved. Training draws t from a bell curve squeezed between 0 and 1, leaning
# to the noisy side, where the prompt decides what the clip will be. One time in ten it draws from a second one, near
# the clean end: there a sampler takes its last steps, and they should be right too.

# %%
drawn = draw_times(
    np.random.default_rng(0), 100_000, PRESETS["sky"].diffusion_training, noisier=False
)
counts, edges = np.histogram(drawn, bins=50, range=(0, 1), density=True)
draw.curves(
    (edges[1:] + edges[:-1]) / 2, {"how often": counts}, xlabel="t", ylabel="density"
)

# %% [markdown]
# **Try it.** Drag t. The third clip is what the trained network, told the prompt, guesses from the second. Where does
# the guess become the right circle in the right place?

# %%
move.noise(studio, clip[0])

# %% [markdown]
# ## What the worksheet left out
#
# - **Mixing.** On paper the latent keeps its full size at every t. In the model it is multiplied by t.
# - **A continuous t.** Not four levels, but any number between 0 and 1, a new one for each clip.
# - **Gaussian noise.** Ours was −1, 0 or 1. A Gaussian number can be any number, though most are between −2 and 2.
# - **The scale of the data.** Mixing is only fair if data and noise have the same size: that is why the codec's latents
#   are normalised to a standard deviation of 1.

# %% [markdown]
# Our straight path from noise to data is known as *rectified flow*. It has a price: halfway, x is smaller than the data
# and the noise. For $x = \alpha \cdot \text{data} + \sigma \cdot \text{noise}$, with both of standard deviation 1 and
# independent, the standard deviation of x is $\sqrt{\alpha^2 + \sigma^2}$. At t = ½ that is √½ ≈ 0.71. Another path,
# the *variance preserving* one of older diffusion models (DDPM), chooses α and σ so that the root is always 1.

# %%
print("standard deviation of the latents:", f"{latents.std():.2f}")
halfway = {}
for name, some_path in (
    ("straight path", RectifiedFlow()),
    ("variance preserving", VariancePreserving()),
):
    alpha, sigma = some_path.coefficients(np.linspace(0.001, 0.999, 200))
    halfway[name] = np.sqrt(alpha * alpha + sigma * sigma)
draw.curves(np.linspace(0.001, 0.999, 200), halfway, xlabel="t", ylabel="size of x")

# %% [markdown]
# ## Recap
#
# - More t, less noise: $x_t = t \cdot \text{data} + (1 - t) \cdot \text{noise}$, a straight line walked at the constant
#   velocity data − noise.
# - From $x_t$ and any one of data, noise and velocity you get the other two.
# - One t served a whole clip; so its gradient is a sum over that clip.
#
# Next: the prompt and t become numbers, too, in [lesson 5](05_conditions.ipynb).
