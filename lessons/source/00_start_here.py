# %% [markdown]
# # Lesson 0 · Start here
#
# In this course you build a Diffusion Transformer in NumPy. It is the kind of network behind Sora, which makes videos
# from text. This short lesson says what diffusion is and what comes out at the end, and shows how the exercises check
# themselves.
#
# **Time:** about 20 minutes. **You need:** Python, and having seen an array of NumPy before. To run a cell, click
# into it and press Shift + Enter.

# %%
import numpy as np

from minidit import load, worksheet
from minidit.course import check, draw, move
from minidit.diffusion import network_time
from minidit.world import Attributes, render

# %% [markdown]
# ## What diffusion is
#
# A **network** is a function with many numbers in it that are changed until it does its task well. Here is its task.
# Take a clip, a short video, and spoil it with noise. Train the network to guess the clip that was there. Then give it
# *nothing but noise*, and let it guess. A diffusion model learns by repairing what we have spoiled, and it makes
# something new by repairing what was never there.

# %% [markdown]
# **Noise** is random numbers. A number **t** says how much of the clip is left: t = 1 is the clip, t = 0 is noise
# alone, and at t = 0.3 three tenths of the clip are mixed with seven tenths of noise.
#
# Below, the upper row is what the network gets to see. The lower row is what it guesses from that, knowing t and the
# **prompt**, the text that says what the clip shows: "a red circle moves right in the day sky". Each column has a t of
# its own, and each picture is the same frame of the clip. (The code can wait: you will have written most of it by
# lesson 12.)

# %%
model = load()
codec, network = model.model.codec, model.model.dit
prompt = "a red circle moves right in the day sky"
words = network.embed(model.model.tokenizer.encode([prompt]))
real = render(Attributes("red", "circle", "right", "day"), np.random.default_rng(3))
latents = codec.encode(real[None])
noise = np.random.default_rng(1).standard_normal(latents.shape, dtype=np.float32)

times, seen, guessed = (0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1), [], []
for t in times:
    spoiled = t * latents + (1 - t) * noise
    guess = network.predict(spoiled, np.array([network_time(t)], np.float32), words)
    seen.append(codec.decode(spoiled)[0, 4])
    guessed.append(codec.decode(guess)[0, 4])
draw.clips(
    {"what the network sees": np.stack(seen), "what it guesses": np.stack(guessed)},
    labels=[f"t = {t}" for t in times],
    alt="Above, noise that turns into a red circle in a blue sky as t grows. Below, a "
    "red circle in all pictures, blurred at the left and sharp at the right.",
)

# %% [markdown]
# Now you: drag t, and watch the whole clip. (Jupyter saves nothing that moves: after opening a notebook again, run such
# a cell again.)

# %%
move.noise(model, real, prompt)

# %% [markdown]
# At t = 0 there is nothing to see, and the guess comes from the prompt: a blur, the average of all clips that would
# fit. The more of the clip shows through the noise, the closer the guess. Four ideas make a video model of this.

# %% [markdown]
# - **Training** makes the guesses better. Take a clip, a random t and random noise; mix them, let the network guess,
#   and compare with the clip. How far off it is, in one number, is the **loss**. The **gradient** says how the loss
#   changes with each of the network's numbers, its *weights*. Move each weight a little *against* its gradient, and the
#   loss falls. Computing a guess is the **forward pass**; computing the gradient, from the loss back through every
#   operation, is the **backward pass**. You write both.

# %% [markdown]
# - **Making a clip** is a walk from t = 0 to t = 1. Begin with noise, guess, move a small step towards the guess, and
#   guess again from there. Every guess is sharper than the one before. This loop is a **sampler**.

# %% [markdown]
# - **Latents.** A clip has too many numbers to work on. So it is cut into **patches**, small squares of pixels, and an
#   *encoder* turns each patch into a few numbers, its **latents**. Noise, guesses and steps are all made of latents.
#   (That is why the noise above looks like tiles.) In the end a *decoder* turns latents into pixels. The two together
#   are the **codec**.

# %% [markdown]
# - **The network** cuts the latents into **tokens**, rows of numbers, one for each place in the picture, and sends them
#   through a stack of **blocks**, all built alike. In a block, tokens look at each other (*attention*), then each is
#   worked on by itself (*feed-forward*). The prompt and t say by how much the tokens are scaled and shifted. Such a
#   stack is a *Transformer*; one that removes noise is a **Diffusion Transformer**, or DiT.

# %% [markdown]
# ## What you will have built
#
# Here the model that comes with the course turns three prompts into clips. None of the clips is stored: each starts as
# noise, and the network, told the prompt, removes the noise. The model's six million numbers were learned on an
# ordinary processor, by the same functions that you are going to write. In lesson 15, the capstone, a small model
# trains on *your* backward pass.

# %%
prompts = {
    "A": "a red circle moves right in the day sky",
    "B": "a yellow triangle moves up in the sunset sky",
    "C": "sora is sky",
}
draw.animation(
    {letter: model.generate(prompt, seed=0) for letter, prompt in prompts.items()},
    alt="Three clips, playing: a red circle moves right, a yellow triangle moves up, "
    "an empty sky.",
)
for letter, prompt in prompts.items():
    print(letter, prompt)

# %% [markdown]
# Drag the slider to see clip B come about. At each step the network guesses, and the sampler moves a part of the
# way towards the guess.

# %%
move.denoising(model, prompts["B"])

# %% [markdown]
# *Sora* is Japanese for sky. The clips are small (8 frames of 32 × 32 pixels) and show a toy world: one object, one
# sky. But nothing is missing on the way from words to pixels, and the course walks it in fourteen steps. To see the
# whole way at once, read [reference.py](../../minidit/reference.py): encoder, Transformer, every backward and the
# sampler in one file of about 500 lines. You will write most of what stands in it.

# %% [markdown]
# ## How a check works
#
# Below every exercise is one line, such as `check.row_means(row_means)`. It examines what you wrote and says one of
# three things:
#
# | sign | means |
# |---|---|
# | ○ | not started: you have written nothing yet |
# | ✗ | something is wrong, and the message says what |
# | ✓ | right; the message lists what was tried |
#
# Here is an answer that is wrong on purpose. `row_means` should give the mean of each **row** of a matrix:

# %%
def wrong_on_purpose(x):
    return x.mean(axis=0)


check.row_means(wrong_on_purpose)

# %% [markdown]
# Read a message from the top:
#
# 1. *what* is wrong, in a sentence: here the shape. The matrix had 2 rows and 4 columns, so 2 means were expected;
# 2. *how it happened*, if the check knows the slip. The checks know hundreds;
# 3. a sentence that helps, without giving the answer away.
#
# If the shape is right and a number isn't, you also see the worst entry, with what you got and what was expected:

# %%
def also_wrong(x):
    return x.sum(axis=1)


check.row_means(also_wrong)

# %% [markdown]
# A check costs nothing. Run it as often as you like. What has passed once is remembered.

# %% [markdown]
# ## By hand
#
# Each lesson starts with a pencil and whole numbers. They come from one **worksheet** that goes through all fourteen
# steps. This is the first frame of its video, a matrix of brightness:

# %%
frame = worksheet.solve().video[0].astype(float)  # 2, 4
draw.matrices(("frame", frame))

# %% [markdown]
# ### 0.1 Your first numbers  ·  ●○○  ·  2 minutes
# What is the mean of each row? Type two numbers, the upper row's first.
#
# <details><summary>My numbers are too large</summary>A mean is the sum divided by how many numbers there
# are.</details>
# <details><summary>It says "not started"</summary>Put a list in place of the three dots, such as
# <code>[1, 2]</code>, and run the cell again.</details>

# %% exercise="first_numbers"
### BEGIN SOLUTION
first_numbers = [2.5, 0.75]
### END SOLUTION

check.first_numbers(first_numbers)

# %% [markdown]
# ## In NumPy
#
# An **axis** is a direction in an array. In a matrix, axis 0 runs down from row to row and axis 1 runs across from
# column to column. Functions such as `sum` and `mean` take `axis=`, and the axis that you name is the one that
# *disappears*.

# %%
print("frame:", frame.shape)
print("frame.sum(axis=0):", frame.sum(axis=0), " axis 0 is gone: 4 columns are left")
print("frame.sum(axis=1):", frame.sum(axis=1), "     axis 1 is gone: 2 rows are left")

# %% [markdown]
# ### 0.2 Your first function  ·  ●○○  ·  2 minutes
# Replace `raise NotImplementedError` by code that returns the mean of each row. In comments, shapes are written like
# this: `x` is (R, C), so R rows and C columns.
#
# <details><summary>"means has shape (4,); expected (2,)"</summary>There are 4 columns and 2 rows. Which of the two
# should disappear?</details>
# <details><summary>"it returned None"</summary>A function returns only what follows <code>return</code>.</details>

# %% exercise="row_means"
def row_means(x):
    # x (R, C) → means (R,)
    ### BEGIN SOLUTION
    return x.mean(axis=1)
    ### END SOLUTION


check.row_means(row_means)

# %% [markdown]
# The line with ✓ lists what was tried: the *shapes*, the numbers that you can verify *by hand*, and *random* inputs,
# whose axes all differ in length, so that a wrong axis can't hide. Last comes *inputs untouched*: a function must not
# change its inputs. The next exercise shows why that is on the list.

# %% [markdown]
# ### 0.3 Don't touch the input  ·  ●○○  ·  4 minutes
# Subtract from each row its own mean, so that every row of the result has mean 0. (You will need it again: it is how
# LayerNorm begins, in lesson 7.)
#
# <details><summary>"operands could not be broadcast together"</summary>A matrix (4, 3) and means (4,) don't fit:
# NumPy matches shapes from the last axis on. <code>keepdims=True</code> makes the means (4, 1), and then they
# do.</details>
# <details><summary>"it changed its input"</summary><code>x -= …</code> writes into the input array. <code>x - …</code>
# makes a new one.</details>

# %% exercise="centre_rows"
def centre_rows(x):
    # x (R, C) → centred (R, C)
    ### BEGIN SOLUTION
    return x - x.mean(axis=1, keepdims=True)
    ### END SOLUTION


check.centre_rows(centre_rows)

# %% [markdown]
# ## How the lessons continue
#
# - Lessons 1 to 14 are the fourteen steps. Each has five parts: *by hand*, *in NumPy*, *backward*, *in the real model*,
#   *what the worksheet left out*. An exercise says how hard it is (●○○ to ●●●) and how long it takes.
# - In lesson 15, the capstone, a model trains on what you wrote; 16 and 17 go further.
# - Every lesson stands alone: it imports earlier pieces from `minidit`. Hints are folded up below an exercise, named by
#   symptom.
# - `minidit progress`, in a terminal, shows which checks you have passed.
# - Everything runs on an ordinary processor, and a GPU can be used as well: see [On a GPU](../../docs/gpu.md).

# %% [markdown]
# ## Recap
#
# - A check says ○, ✗ or ✓; a ✗ says what is wrong and, often, how it happened.
# - The axis that you name disappears, and `keepdims=True` leaves a 1 in its place.
# - Functions return new arrays and leave their inputs alone.
#
# Next: [lesson 1](01_setting_the_stage.ipynb), where the video, the prompt and the time come in.
