# %% [markdown]
# # Lesson 1 · Setting the stage
#
# A video model takes three things: a clip, a prompt and a time *t*. In this lesson you meet all three, on paper and in
# the toy world that the model learns from, and you write the tool that will check every gradient of this course.
#
# **Time:** about 45 minutes. **You need:** [lesson 0](00_start_here.ipynb), and what a slope is.

# %%
import numpy as np

from minidit import load, worksheet
from minidit.course import check, draw, move
from minidit.diffusion import paths
from minidit.gradient_check import check_gradients
from minidit.presets import PRESETS
from minidit.training.buckets import draw_times
from minidit.world import (
    COLORS,
    MOTIONS,
    SHAPES,
    SKIES,
    Attributes,
    attributes_in,
    render,
    verify,
    wordings,
)

sheet = worksheet.solve()

# %% [markdown]
# ## By hand
#
# The worksheet's video has two frames. Each number is the brightness of a pixel, from 0 (black) to 9 (white): the sun
# moves to the right while the sky brightens from 1 to 2. The prompt is "sora is sky".
#
# The time t is lesson 0's, but it counts 0, 1, 2, 3 in place of going from 0 to 1: t = 0 has the most noise, t = 3 the
# least. Here it is 3. On the worksheet, even that leaves a little noise: numbers of at most 1 in size.

# %%
draw.matrices(("frame 1", sheet.video[0]), ("frame 2", sheet.video[1]))
print(f'prompt "{sheet.prompt}", t = {sheet.t} (one of 0, 1, 2, 3)')

# %% [markdown]
# ### 1.1 What we start with  ·  ●○○  ·  2 minutes
# Count, and type six numbers: frames, rows of a frame, columns of a frame, pixels of the whole video, words of the
# prompt, and how many different values t can have.
#
# <details><summary>The last entry is wrong</summary>t starts at 0. Count the values in the line above.</details>
# <details><summary>The fourth entry is wrong</summary>The whole video: all frames together.</details>

# %% exercise="step_1_counts"
### BEGIN SOLUTION
counts = [2, 2, 4, 16, 3, 4]
### END SOLUTION

check.step_1_counts(counts)

# %% [markdown]
# ### In papers, time runs the other way
#
# Our t grows as the noise goes. In many papers a larger step means *more* noise. Both conventions are fine: they count
# in opposite directions. If you have read none of these papers yet, this table is for the day when you do.
#
# | | runs | pure noise | clean clip |
# |---|---|---|---|
# | **our t** | upwards while a clip is made | t = 0 | t = 1 |
# | **the papers' step k**, of K | downwards while a clip is made | k = K − 1 | before k = 0; it has no number |
#
# Step k is the clip after k + 1 additions of noise, out of K in all. So step 0 is *not* clean: it has one addition.

# %% [markdown]
# ### 1.2 Reverse time  ·  ●●○  ·  4 minutes
# A paper uses K = 4 steps. Its sampler visits k = 3, 2, 1, 0, in this order. What is our t at each, as a number from 0
# (all noise) to 1 (clean)?
#
# <details><summary>All entries are off by the same amount</summary>At k = 3 noise was added 4 times out of 4, not 3
# times.</details>
# <details><summary>My numbers go down</summary>From left to right noise is taken away, so t goes up.</details>

# %% exercise="step_1_times"
### BEGIN SOLUTION
times = [0, 1 / 4, 1 / 2, 3 / 4]
### END SOLUTION

check.step_1_times(times)

# %% [markdown]
# ## In NumPy
#
# The real model learns from a toy world. A clip of it shows one object in a sky, and four **attributes** say
# everything about it. The renderer draws such a clip; size, place and speed are up to chance.

# %%
attributes = Attributes(color="red", shape="circle", motion="right", sky="day")
clip = render(attributes, np.random.default_rng(3))  # F, H, W, C
print("a clip is", clip.shape, "frames, rows, columns, colours")
print("its numbers go from", clip.min(), "to", clip.max())
draw.clips(
    {f"render({', '.join(attributes)})": clip},
    alt="Eight frames of a red disc that moves right in a blue sky.",
)

# %% [markdown]
# One clip, many captions. The model reads them all in training, so that it doesn't learn one sentence by heart:

# %%
for sentence in wordings(attributes)[:5]:
    print(sentence)
print()
for name, values in zip(
    Attributes._fields, (COLORS, SHAPES, MOTIONS, SKIES), strict=True
):
    print(f"{name:8}", *(f"{i} {value}" for i, value in enumerate(values)), sep="  ")

# %% [markdown]
# ### 1.3 What a caption says  ·  ●●○  ·  6 minutes
# A network takes numbers, so a caption must become numbers. Write four: the position of the colour in `COLORS`, of the
# shape in `SHAPES`, of the motion in `MOTIONS` and of the sky in `SKIES`; −1 for whatever the caption doesn't name. So
# "a red circle moves right in the day sky" is `[0, 0, 1, 0]`, and "sora is sky" is `[-1, -1, -1, -1]`. Return a NumPy
# array of the four, (4,).
#
# <details><summary>Hand numbers pass, random inputs don't</summary>In other wordings the sky may come first. The order
# of the four numbers stays the same.</details>
# <details><summary>Plain skies fail</summary>No word of the caption is a colour then. Is your −1 kept?</details>

# %% exercise="attributes_as_numbers"
def attributes_as_numbers(text):
    words = text.split()
    ### BEGIN SOLUTION
    numbers = [-1, -1, -1, -1]
    for i, values in enumerate((COLORS, SHAPES, MOTIONS, SKIES)):
        for word in words:
            if word in values:
                numbers[i] = values.index(word)
    return np.array(numbers)
    ### END SOLUTION


check.attributes_as_numbers(attributes_as_numbers)

# %% [markdown]
# ### 1.4 Any step, any K  ·  ●○○  ·  4 minutes
# Now the same as 1.2 for any numbers: turn the papers' step k, out of `steps`, into our t. `k` may be a number or an
# array; the result has the shape of `k`.
#
# <details><summary>Each is one step too late</summary>How many additions of noise are there in step k?</details>
# <details><summary>Single numbers pass, arrays don't</summary>Use plain arithmetic; no <code>int()</code> and no
# <code>if</code>.</details>

# %% exercise="time_of_step"
def time_of_step(k, steps=1000):
    ### BEGIN SOLUTION
    return 1 - (k + 1) / steps
    ### END SOLUTION


check.time_of_step(time_of_step)

# %% [markdown]
# An off-by-one in t never crashes. It asks the network about slightly more noise than there is, and clips come out a
# little worse, silently. So in minidit the two directions meet in one file, `minidit.diffusion.paths`, which has your
# function and its inverse, $k = K \cdot (1 - t) - 1$:

# %%
for k in (999, 500, 249, 0):
    t = paths.time_of_step(k, 1000)
    print(
        f"step {k:3} of 1000 is t = {t:.3f}, and back again step "
        f"{paths.step_of_time(t, 1000):.0f}"
    )

# %% [markdown]
# ## Backward
#
# Going *forward*, a step computes its result. Going **backward**, it answers how much the loss would change with each
# of its inputs, so that training knows what to change. Every lesson has such a part.
#
# There is nothing to learn at this step: video, prompt and t are inputs. On the worksheet, the numbers that training
# changes are red, and frozen ones are blue. (Each of these steps has its own lesson. Here you only count.)
#
# | step | | matrices |
# |---|---|---|
# | 6 | red, learned | conditioning W (4 × 5), b (4 × 1) |
# | 8 | red, learned | query W (2 × 2), key W (2 × 2) |
# | 10 | red, learned | feed-forward W (2 × 2), b (2 × 1) |
# | 3 | blue, frozen | encoder W (2 × 4), b (2 × 1) |
# | 13 | blue, frozen | decoder W (4 × 2), b (4 × 1) |
#
# Blue numbers were learned *before*, when the codec was trained alone.

# %% [markdown]
# ### 1.5 Red and blue  ·  ●○○  ·  4 minutes
# How many numbers does the worksheet learn, and how many are frozen? Type two numbers, red first.
#
# <details><summary>My red number is too small</summary>Biases count, and queries and keys have a matrix
# each.</details>
# <details><summary>My red number is too large</summary>Encoder and decoder are both blue.</details>

# %% exercise="step_1_learned"
### BEGIN SOLUTION
learned = [38, 22]
### END SOLUTION

check.step_1_learned(learned)

# %% [markdown]
# ### Slopes, measured
#
# How would you know that a backward pass is right? A gradient claims how fast the output changes with each input. So
# move one input a little, and look. For $f(x)$ and a small step $h$, the **central difference** is
#
# $$\frac{f(x + h) - f(x - h)}{2h} \approx f'(x)$$
#
# With $f = x^2$ at $x = 3$ and $h = 0.5$: $(12.25 - 6.25) / 1 = 6 = 2x$. The one-sided $(f(x + h) - f(x)) / h$ gives
# 6.5. Its error shrinks like $h$, the error of the central difference like $h^2$ (and for $x^2$ it is zero).

# %% [markdown]
# ### 1.6 Measure a slope  ·  ●●○  ·  10 minutes
# `f` takes an array and returns one number. Measure its slope with respect to **every** entry of `x`, and return an
# array of x's shape. Move one entry at a time, up and down by `step`, and leave all others where they were. (`for index
# in np.ndindex(x.shape)` visits all entries; `x[index]` is one.)
#
# <details><summary>The first slope is right, the others aren't</summary>Was the entry put back before the next one
# moved? A fresh <code>x.copy()</code> for each is safest.</details>
# <details><summary>It changed its input</summary><code>y = x</code> makes no copy; <code>y = x.copy()</code>
# does.</details>
# <details><summary>Twice too large</summary>How far is it from x − step to x + step?</details>

# %% exercise="central_difference"
def central_difference(f, x, step):
    slopes = np.zeros_like(x)
    ### BEGIN SOLUTION
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += step
        down[index] -= step
        slopes[index] = (f(up) - f(down)) / (2 * step)
    ### END SOLUTION
    return slopes


check.central_difference(central_difference)

# %% [markdown]
# ### Check a gradient with it
#
# The forward is $y = x^2$, entry by entry. Let `dy` be the gradient of the loss with respect to $y$. Then by the chain
# rule $dx = 2x \cdot dy$. Here each entry of $y$ depends on one entry of $x$ alone, so we can move all of them at once.
# In place of the line that measures, try your own function on the number $\sum dy \cdot y$: `central_difference(lambda
# x: (dy * x * x).sum(), x, 1e-5)`.

# %%
rng = np.random.default_rng(0)
x, dy = rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
measured = dy * ((x + 1e-5) ** 2 - (x - 1e-5) ** 2) / 2e-5    # 2, 3
right, wrong = 2 * x * dy, x * dy
print("largest difference from what was measured:")
print(f"dx = 2 x dy: {abs(right - measured).max():.1e}")
print(f"dx = x dy:   {abs(wrong - measured).max():.1e}")

# %% [markdown]
# Either many digits agree, or none do. Every check of a backward in this course has this stage, and so does every layer
# of minidit. `check_gradients` does it for a pair of functions:

# %%
def square_forward(x):
    return x * x, x


def square_backward(dy, x):
    return 2 * x * dy


worst = check_gradients(square_forward, square_backward, x)
print(f"worst relative error: {worst:.1e}")

# %% [markdown]
# Too small a step is no better: $f(x + h)$ and $f(x - h)$ then agree in almost all their digits, and only rounding is
# left. About $10^{-5}$ is best in float64. In float32 no step is good enough, so gradients are checked in float64.

# %%
steps = 10.0 ** -np.arange(1, 13)
cube = np.array(1.5)
central = [
    abs((((cube + h) ** 3 - (cube - h) ** 3) / (2 * h)) / (3 * cube**2) - 1)
    for h in steps
]
one_sided = [abs((((cube + h) ** 3 - cube**3) / h) / (3 * cube**2) - 1) for h in steps]
draw.curves(
    -np.log10(steps),
    {"central": np.maximum(central, 1e-16), "one-sided": np.maximum(one_sided, 1e-16)},
    xlabel="digits of the step: n means 10⁻ⁿ",
    ylabel="relative error of the slope of x³", logy=True, points=True,
)

# %% [markdown]
# ## In the real model
#
# The shipped model has red and blue numbers too, only more of them. And there is a judge: `verify` measures the pixels
# and reads back colour, shape, motion and sky, so that nobody has to look.

# %%
model = load()
red = sum(array.size for array in model.model.dit.params.values())
blue = sum(array.size for array in model.model.codec.params.values())
print(f"learned by diffusion: {red:,}   frozen codec: {blue:,}")
prompt = "a red circle moves right in the day sky"
made = model.generate(prompt, seed=0)
for title, shown in (("rendered", clip), ("made by the model", made)):
    reading = verify(shown)
    print(
        f"{title:18}", tuple(reading.attributes),
        "right" if reading.right(attributes_in(prompt)) else "wrong",
    )

# %% [markdown]
# In training, each clip gets its own random t and the amount of noise that belongs to it. This is our clip at five
# times, as the network sees it (it sees latents; here they are decoded to pixels). Read it from left to right: **t goes
# up, noise goes down.**

# %%
latents = model.model.codec.encode(clip[None])  # 1, f, r, c, C
noise = np.random.default_rng(1).standard_normal(latents.shape, dtype=np.float32)
path = paths.RectifiedFlow()
draw.animation(
    {
        f"t = {t}": model.model.codec.decode(path.noised(latents, noise, t))[0]
        for t in (0, 0.25, 0.5, 0.75, 1)
    },
    alt="Five clips, playing: from coloured noise to a clear red disc at t = 1.",
)

# %% [markdown]
# In numbers: on our straight path $x_t = t \cdot \text{data} + (1 - t) \cdot \text{noise}$. The papers' path (DDPM, Ho
# et al. 2020) mixes in other amounts, but in the same direction once k has become t:

# %%
ddpm = paths.VariancePreserving()
print("  t    ours: data, noise      DDPM: step k   data   noise")
for k in (999, 749, 499, 249, 0):
    t = paths.time_of_step(k, 1000)
    (ours_data, ours_noise), (data, left) = path.coefficients(t), ddpm.coefficients(t)
    print(
        f"{t:.3f}   {ours_data:.3f}  {ours_noise:.3f}        {k:11}  {data:.3f}   "
        f"{left:.3f}"
    )

# %% [markdown]
# Note the last line: the papers' step 0 is t = 0.999, and a little noise is left in it. Which t does training draw?
# Noisy ones, mostly: there the prompt decides what the clip will be. And some from the clean end, where a sampler takes
# its last steps. Each bar covers a tenth of the range, starting at its t:

# %%
drawn = draw_times(
    np.random.default_rng(0), 10_000, PRESETS["sky"].diffusion_training, noisier=False
)
counted, edges = np.histogram(drawn, bins=10, range=(0, 1))
draw.bars(
    {f"{low:.1f}": count / 100 for low, count in zip(edges, counted, strict=False)},
    ylabel="% of the clips",
)

# %% [markdown]
# **Try it.** Choose what the clip shows, then drag t. From which t on can you tell the shape? From which the sky?

# %%
move.world(model)

# %% [markdown]
# ## What the worksheet left out
#
# - **Colour and size.** 16 grey pixels there; 8 × 32 × 32 × 3 = 24,576 numbers in a clip of the real model.
# - **A continuous t.** The worksheet has four values; the model has every number from 0 to 1.
# - **A vocabulary.** Three words there; here over forty, and a transformer that reads them in order (lesson 5).
# - **Batches.** Training takes 16 clips at a time, each with a prompt and a t of its own.
# - **A judge.** With 375 combinations of attributes, the verifier can say how often a clip shows what was asked for;
#   54 of them are held out of training.

# %% [markdown]
# ## Recap
#
# - t runs from 0 (noise) to 1 (data). The papers' step k runs the other way, and step 0 still has a little noise.
# - A clip has four attributes, many captions, and a verifier that reads it back.
# - A gradient is right if it agrees with measured slopes: central differences, in float64.
#
# Next: [lesson 2](02_patches.ipynb), where the clip is cut into tokens.
