# %% [markdown]
# # Lesson 14 · Patches to video
#
# The last step: decoded patches go back to their places, numbers become bytes, and bytes become a file that anybody can
# open. At the end you watch a clip emerge from noise.
#
# **Time:** about 40 minutes. **You need:** what a patch is ([lesson 2](02_patches.ipynb)); the lesson imports
# everything else.

# %%
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from minidit import layers, load, worksheet
from minidit.course import check, draw, move
from minidit.files import clips
from minidit.gradient_check import check_gradients
from minidit.world import Attributes, render, verify

sheet = worksheet.solve()

# %% [markdown]
# ## By hand
#
# Step 13 gave four decoded patches, a column each. They were made from the *predicted* noise, which was not perfect,
# so don't expect the video of step 1. Columns 0 and 1 are frame 1, columns 2 and 3 are frame 2. A column holds top
# left, top right, bottom left, bottom right.

# %%
draw.matrices(("decoded patches", sheet.decoded))

# %% [markdown]
# ### 14.1 Put the patches back  ·  ●○○  ·  4 minutes
# Type the video: two frames, each of two rows and four columns.
#
# <details><summary>A row of a frame looks like a column of the matrix</summary>A patch is a square of 2 × 2, so its
# four numbers lie in two rows.</details>
# <details><summary>Two numbers in each patch are swapped</summary>The second number of a patch is to the right of the
# first.</details>

# %% exercise="step_14_video"
### BEGIN SOLUTION
video = [
    [[9, 6, 0, 0], [3, 0, 1, 2]],
    [[2, 2, 4, 3], [2, 2, 2, 1]],
]
### END SOLUTION

check.step_14_video(video)

# %% [markdown]
# How good is it? With *perfect* noise, the worksheet returns exactly the video of step 1. With the noise that its
# weights predict, it doesn't: they were made up, not trained.

# %%
for name, came_out in (
    ("perfect noise", sheet.perfect_video),
    ("predicted noise", sheet.generated),
):
    print(
        f"{name:16} largest error of a pixel: {abs(came_out - sheet.video).max()} of 9"
    )

# %% [markdown]
# ## In NumPy
#
# `unpatchify` undoes `patchify`. Each token becomes a box again, and each axis of the grid is merged with its own axis
# of the patch: f with pf, r with ph, c with pw. A `reshape` can merge two axes only if they are **neighbours**, with
# the slower one first. With ph = 2, row 5 of a clip is row 1 of patch 2: which of the two axes is the slower one?

# %% [markdown]
# ### 14.2 Unpatchify  ·  ●●○  ·  8 minutes
# `tokens` is (..., T, P), `patch` is (pf, ph, pw) and `grid` is (f, r, c), the number of patches in each direction.
# Return the clip (..., f · pf, r · ph, c · pw, C). The number of colours C follows from P.
#
# <details><summary>Shapes pass, numbers don't</summary>A reshape moves nothing. Is there a transpose between your two
# reshapes, and does it put f beside pf?</details>
# <details><summary>Hand numbers pass, random ones don't</summary>With pf = 1 and one row of patches, many wrong orders
# look right. Write the letter of each axis below it.</details>
# <details><summary>Batches fail</summary>With n axes in front, the others are numbered from n on.</details>

# %% exercise="unpatchify"
def unpatchify(tokens, patch, grid):
    *leading, T, P = tokens.shape
    pf, ph, pw = patch
    f, r, c = grid
    C = P // (pf * ph * pw)
    n = len(leading)
    ### BEGIN SOLUTION
    blocks = tokens.reshape(*leading, f, r, c, pf, ph, pw, C)
    order = (*range(n), *(n + axis for axis in (0, 3, 1, 4, 2, 5, 6)))
    blocks = blocks.transpose(order)  # ..., f, pf, r, ph, c, pw, C
    return blocks.reshape(*leading, f * pf, r * ph, c * pw, C)
    ### END SOLUTION


check.unpatchify(unpatchify)

# %% [markdown]
# There and back again: not a single bit may differ. Once your function passes, use it in place of `layers.unpatchify`.

# %%
# 8, 32, 32, 3
clip = render(Attributes("white", "cross", "down", "sunset"), np.random.default_rng(2))
tokens = layers.patchify(clip, (1, 8, 8))                      # 128, 192
again = layers.unpatchify(tokens, (1, 8, 8), (8, 4, 4))        # 8, 32, 32, 3
print(
    "tokens", tokens.shape, "→ clip", again.shape, "  the same numbers:",
    np.array_equal(again, clip),
)
down_first = tokens.reshape(8, 4, 4, 192).swapaxes(1, 2).reshape(128, 192)
turned = layers.unpatchify(down_first, (1, 8, 8), (8, 4, 4))   # 8, 32, 32, 3
draw.clips(
    {"cut and put together": again, "tokens taken down before right": turned},
    alt="Above, a white cross moves down in a sunset. Below, with rows and columns "
    "swapped, it is in pieces.",
)

# %% [markdown]
# ### From numbers to bytes
#
# The model's pixels are numbers around 0 to 1. A file wants **bytes**: whole numbers from 0 to 255, `np.uint8`. Three
# things can go wrong on the way, and none of them raises an error:

# %%
shades = np.array([0.25, 0.8, 1.0, 1.02])
print("right:          [ 64 204 255 255]")
print("cut off:       ", (shades * 255).astype(int), " astype drops the fraction")
print(
    "wrapped around:", (shades * 255).round().astype(int) % 256,
    " 260 is more than a byte holds: now it is black",
)
print(
    "times 256:     ", (shades * 256).round().astype(int),
    " 1 is 255 in a byte, not 256",
)

# %% [markdown]
# ### 14.3 To pixels  ·  ●○○  ·  5 minutes
# Write it: clip to [0, 1], multiply by 255, round to the *nearest* whole number, and return an array of the same shape,
# of `np.uint8`.
#
# <details><summary>Off by one here and there</summary><code>astype</code> cuts off. Round before it.</details>
# <details><summary>Dark spots in bright places</summary>A number too large for a byte starts at 0 again. Limit it
# first.</details>

# %% exercise="to_pixels"
def to_pixels(clip):
    ### BEGIN SOLUTION
    return (np.clip(clip, 0, 1) * 255).round().astype(np.uint8)
    ### END SOLUTION


check.to_pixels(to_pixels)

# %% [markdown]
# ## Backward
#
# `unpatchify` is a permutation, like `patchify`: it only moves numbers. Its backward puts every gradient back to where
# its number came from, which is `patchify`. So the two are each other's inverse *and* each other's backward:

# %%
def unpatchify_forward(tokens):
    return layers.unpatchify(tokens, (2, 3, 5), (2, 1, 4)), None


def unpatchify_backward(dy, cache):
    return layers.patchify(dy, (2, 3, 5))


tokens = np.random.default_rng(0).normal(size=(3, 8, 60))
print(
    "worst relative error: "
    f"{check_gradients(unpatchify_forward, unpatchify_backward, tokens):.1e}"
)

# %% [markdown]
# Rounding is different. Move a pixel a little, and its byte stays the same, until it jumps. The slope is 0 almost
# everywhere and infinite at the jumps: **nothing can be learned through bytes**. So no loss ever sees them; training
# ends before `to_pixels`.
#
# And the limits? The codec works on [−1, 1], and `from_signed` brings its output to [0, 1]:
#
# $$y = \min\big(\max\big(\tfrac{x + 1}{2},\ 0\big),\ 1\big)$$
#
# Inside the limits, $y$ moves half as fast as $x$. Outside, it stands still.

# %% [markdown]
# ### 14.4 Backward through the limits  ·  ●●○  ·  6 minutes
# You have `dy` and the `x` that went in, both of one shape. Return `dx`, of that shape.
#
# <details><summary>Entries that should be 0 aren't</summary>Where y is held at 0 or 1, a small change of x changes
# nothing.</details>
# <details><summary>Entries are 0 that shouldn't be</summary>y is limited to [0, 1]. Which x does that
# mean?</details>

# %% exercise="from_signed_backward"
def from_signed_backward(dy, x):
    ### BEGIN SOLUTION
    inside = (x > -1) & (x < 1)
    return np.where(inside, dy / 2, 0.0)
    ### END SOLUTION


check.from_signed_backward(from_signed_backward)

# %% [markdown]
# That 0 has a price. A pixel that is far too bright gets no gradient, so nothing ever tells it to become darker. It is
# the same problem as a dead ReLU. So minidit trains its codec on the output *before* `from_signed`, where 1.4 is still
# worse than 1.1. Limits are for the eye, after training.

# %% [markdown]
# ## In the real model
#
# Now all fourteen steps at once. A sampler starts with noise; after each of its steps we decode what it has (step 13)
# and put it together (step 14).

# %%
model = load()
prompt = "a blue square moves left in the sunset sky"
looks = []


def watch(steps_done, t, latents):
    looks.append((t, model.model.codec.decode(latents)[0]))    # 8, 32, 32, 3


made = model.generate(prompt, seed=0, callback=watch)
chosen = [looks[round(part * (len(looks) - 1))] for part in (0, 0.5, 0.75, 0.9, 1)]
draw.animation(
    {f"t = {t:.2f}": shown for t, shown in chosen},
    alt="Five clips, playing: from coloured noise to a blue square that moves left "
    "at t = 1.",
)

# %% [markdown]
# Here is the first frame again as a film, step by step of the sampler, and then the clip itself.

# %%
# steps + 2, 32, 32, 3
appearing = np.stack([shown[0] for _, shown in looks] + [made[0]] * 2)
draw.animation(
    {"the first frame, step by step": appearing, "the clip": made},
    alt="Left, noise becomes a blue square, step by step. Right, the finished clip.",
)
print("the verifier reads:", *verify(made).attributes)

# %% [markdown]
# ### A file that everybody can open
#
# A GIF has two limits of its own: at most 256 colours, and time in hundredths of a second. We save the clip in a
# temporary folder and read it back:

# %%
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "clip.gif"
    clips.save_clip(path, made)
    size = path.stat().st_size
    image = Image.open(path)
    duration = image.info["duration"]
    frames = [
        np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)
    ]
back = np.stack(frames)[:, ::8, ::8]  # 8, 32, 32, 3   one of each 8 x 8 enlarged pixels
bytes_of_clip = clips.to_pixels(made)                          # 8, 32, 32, 3
off = abs(back.astype(int) - bytes_of_clip)
print(
    f"{len(frames)} frames of {frames[0].shape[1]} × {frames[0].shape[0]} pixels, "
    f"{duration} ms each, {size:,} bytes"
)
print(f"the clip before it was enlarged, as plain bytes: {bytes_of_clip.nbytes:,}")
print(f"what 256 colours cost: {off.mean():.1f} of 255 on average, {off.max()} at most")

# %% [markdown]
# To keep a clip, run `minidit generate "a blue square moves left in the sunset sky" -o clip.gif`, or here
# `clips.save_clip("clip.gif", made)`.

# %% [markdown]
# ### Seams
#
# A latent belongs to a patch of 8 × 8 pixels. Can you see where patches meet? Compare how much neighbouring pixels
# differ across the seams with how much they differ elsewhere:

# %%
def jumps(clip):
    # 31: from each column to the next
    across = abs(np.diff(clip, axis=2)).mean(axis=(0, 1, 3))
    seams = across[7::8].mean()
    return seams, np.delete(across, np.s_[7::8]).mean()


real = render(Attributes("blue", "square", "left", "sunset"), np.random.default_rng(0))
# encoded and decoded, without any noise
kept = model.model.codec.reconstruct(real[None])[0]
for name, shown in (("rendered", real), ("through the codec", kept), ("made", made)):
    seams, elsewhere = jumps(shown)
    print(
        f"{name:18} at seams {seams:.4f}, elsewhere {elsewhere:.4f}: "
        f"{seams / elsewhere:.1f} times"
    )

# %% [markdown]
# **Try it.** Put back the patches one by one, at any step of the sampler. Stop the clip and drag the frames.

# %%
move.film(model, prompt)

# %% [markdown]
# ## What the worksheet left out
#
# - **Colours and frames in a patch.** Its patches are flat and grey; `unpatchify` knows pf and C.
# - **Limits and bytes.** The ReLU of step 13 keeps pixels from falling below 0; nothing keeps them below 9.
# - **Many steps.** One subtraction there, many steps of a sampler here (lesson 12).
# - **A file.** GIF is simple and old. Real video is stored as differences between frames, many times smaller.
# - **Seams.** The worksheet's patches are decoded without a look at each other. The decoder of lesson 13 looks over the
#   edges of a patch in each of its stages, and larger codecs have many more of them.

# %% [markdown]
# ## Recap
#
# - Putting together undoes cutting: reshape, transpose, reshape. Each is the other's backward.
# - To bytes: limit, multiply by 255, round, and only then `np.uint8`.
# - Rounding and limits stop gradients, so training ends before them.
#
# You have walked all fourteen steps. Next: [the capstone](15_capstone.ipynb), where a model runs on what you wrote.
