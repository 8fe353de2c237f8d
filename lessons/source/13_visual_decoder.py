# %% [markdown]
# # Lesson 13 · The visual decoder
#
# The noise is gone, and we have latents: a few numbers for each patch of the clip. The decoder turns them into pixels.
# You also learn how decoder and encoder were trained together, with a little noise and a little probability; what an
# adversary would add; and why the decoder looks over the edges of its patches.
#
# **Time:** about 80 minutes. **You need:** the encoder and the linear layer ([lesson 3](03_visual_encoder.ipynb)),
# the slope of the exponential function.

# %%
from dataclasses import replace

import numpy as np
from threadpoolctl import threadpool_limits

from minidit import layers, load, worksheet
from minidit.course import check, draw, move
from minidit.course.stand_in import yours_or_ours
from minidit.models import Codec
from minidit.models.codec import CodecSettings, from_signed, to_signed
from minidit.models.decoder import Stage
from minidit.training.codec import psnr, train_codec
from minidit.training.settings import CodecTraining
from minidit.world import HELD_OUT, render_batch

sheet = worksheet.solve()

# %% [markdown]
# ## By hand
#
# Step 12 left the denoised latent: two numbers for each of four patches. The decoder's weight and bias turn two numbers
# into four pixels, and a ReLU makes sure that no pixel is darker than black:
#
# $$\text{patches} = \operatorname{ReLU}(W \cdot z + b)$$

# %%
draw.matrices(
    "ReLU (", ("W", sheet.weights.decoder_weight), "·", ("z, denoised", sheet.denoised),
    "+", ("b", sheet.weights.decoder_bias), ")",
)

# %% [markdown]
# ### 13.1 ReLU(W · z + b)  ·  ●○○  ·  5 minutes
# Type the four patches as four columns of four pixels.
#
# <details><summary>One entry is wrong</summary>Add two products and −3. Is the result below zero?</details>
# <details><summary>All entries are too large</summary>b is added <em>before</em> the ReLU, and it is
# negative.</details>

# %% exercise="step_13_patches"
### BEGIN SOLUTION
patches = [[9, 0, 2, 4], [6, 0, 2, 3], [3, 1, 2, 2], [0, 2, 2, 1]]
### END SOLUTION

check.step_13_patches(patches)

# %% [markdown]
# These are not the patches of the true video. That isn't the decoder's fault: untrained weights predicted the noise
# badly. From the *true* latent the decoder gets every pixel right. How good is it in general? There are 10,000 patches
# of four pixels from 0 to 9. We send all of them through encoder and decoder.

# %%
w = sheet.weights
everything = np.indices((10, 10, 10, 10)).reshape(4, -1)    # 4, 10000
_, latent = worksheet.step_3_encode(everything, w.encoder_weight, w.encoder_bias)
_, back = worksheet.step_13_decode(latent, w.decoder_weight, w.decoder_bias)
kept = (back == everything).all(axis=0)
_, of_the_video = worksheet.step_13_decode(
    sheet.latent, w.decoder_weight, w.decoder_bias
)
print(
    "the video's four patches come back:", np.array_equal(of_the_video, sheet.patches)
)
print(f"of all 10,000 patches, {kept.sum()} come back")
print(f"on average a pixel is {np.abs(back - everything).mean():.1f} off")

# %% [markdown]
# Two numbers can't hold four. The worksheet's weights were made for its four patches. A real codec has to *find*
# weights that suit the patches of real clips: it has to be trained.

# %% [markdown]
# ## In NumPy
#
# The simplest real decoder is the encoder turned round: linear, ReLU, linear, for each patch by itself. The ReLUs are
# between the layers, not at the end. Instead, the output is clipped to the range of pixels. Two things make a better
# one.
#
# **First, it looks around.** The encoder sees one patch at a time. The decoder may see more: the latents of the patches
# *around* the one that it draws, in the frames before and after, too. That is its **window**. Each latent is joined
# with its neighbours to one long row; beyond the edges of the clip there are zeros:

# %%
def neighbours_forward(x, window):
    """Each cell of x (N, f, r, c, C) with its window's cells: (N, f, r, c, K · C)."""
    N, f, r, c, C = x.shape
    padded = np.pad(x, [(0, 0), *((size // 2, size // 2) for size in window), (0, 0)])
    cells = [
        padded[:, i : i + f, j : j + r, k : k + c] for i, j, k in np.ndindex(window)
    ]  # K times N, f, r, c, C
    return np.concatenate(cells, axis=-1), (x.shape, window)


# one clip, one frame, one row, three columns, one channel
row = np.array([1, 2, 3]).reshape(1, 1, 1, 3, 1)
# each column with the one on its left and on its right
seen, _ = neighbours_forward(row, (1, 1, 3))
print(seen[0, 0, 0])

# %% [markdown]
# Read it row by row: the first cell sees nothing, itself and the 2. The same weight then multiplies every row. A linear
# layer on a window that wanders over the picture is called a **convolution**. A window of (1, 1, 1) is a decoder that
# sees only its own patch.
#
# **Second, the picture grows step by step.** From a cell to its 8 × 8 pixels is a long way for one layer. A layer can
# also make several *smaller cells* of each cell: its row of numbers is cut, and the parts are laid out side by side.
# That is lesson 14's `unpatchify`, with cells in place of pixels. The next layer then sees a finer grid:

# %%
def grow(x, growth):
    """Each cell of x (N, f, r, c, C) becomes (gf, gr, gc) smaller cells.

    A smaller one has C / (gf · gr · gc) numbers.
    """
    N, f, r, c, C = x.shape
    return layers.unpatchify(x.reshape(N, f * r * c, C), growth, (f, r, c))


# two cells of four numbers
cells = np.array([[10, 11, 12, 13], [20, 21, 22, 23]]).reshape(1, 1, 1, 2, 4)
# two rows of four cells, with one number each
print(grow(cells, (1, 2, 2))[0, 0, :, :, 0])

# %% [markdown]
# Window, linear layer, growth: together they are a **stage**. A convolution that makes the picture larger in this way
# is called a *sub-pixel convolution* (Shi et al. 2016). The decoder is a list of stages with ReLUs between them; the
# last one makes cells of a single pixel, with three numbers each: its colour.

# %%
def decoder_forward(z, stages, weights):
    """Latents (N, f, r, c, C) to pixels (N, F, H, W, 3) in [-1, 1], more or less."""
    x = z
    for i, (stage, (w, b)) in enumerate(zip(stages, weights, strict=True)):
        if i > 0:
            x, _ = layers.relu_forward(x)
        x, _ = neighbours_forward(x, stage.window)          # N, f, r, c, K · C
        x, _ = layers.linear_forward(x, w, b)               # N, f, r, c, width
        x = grow(x, stage.growth)  # N, more frames, rows and columns, fewer channels
    return x


studio = load()
codec = studio.model.codec
p, settings = codec.params, codec.settings
weights = [
    (p[f"decoder.{2 * i}.weight"], p[f"decoder.{2 * i}.bias"])
    for i in range(len(settings.stages))
]
real = render_batch(HELD_OUT, np.random.default_rng(0))     # N, F, H, W, 3
grid = codec.encode(real).shape[:-1]                        # N, f, r, c
# N, f, r, c, P
patches = layers.patchify(to_signed(real), settings.patch).reshape(*grid, -1)
mean, log_variance, _ = codec.encoder_forward(patches)      # N, f, r, c, C each
reconstruction = decoder_forward(mean, settings.stages, weights)  # N, F, H, W, 3
for number in range(1, len(weights) + 1):
    stage, (w, _) = settings.stages[number - 1], weights[number - 1]
    made = decoder_forward(mean[:1], settings.stages[:number], weights[:number])
    print(
        f"stage {number}: window {stage.window}, weight {w.shape}, growth "
        f"{stage.growth} → cells {made.shape[1:]}"
    )
print("latents", mean.shape, "→ pixels", reconstruction.shape)
print(
    f"values from {reconstruction.min():.2f} to {reconstruction.max():.2f}, before "
    "they are clipped to −1 and 1"
)
shown = from_signed(reconstruction)
same = np.allclose(shown, codec.reconstruct(real), atol=1e-4)
print("the same as codec.decode:", same)

# %% [markdown]
# A stage with a large window needs a large weight. But the weight is small for what it does: the same numbers draw an
# outline wherever it is. And while the first stage sees few cells with much in each, later ones see many cells with
# little in each: what is where first, fine edges last.

# %% [markdown]
# ### A guess that knows how sure it is
#
# We could train encoder and decoder to return every patch, and nothing more. But then the encoder may scatter its
# latents wildly, with no man's land between them; and a latent that comes from *denoising* is always a little off. So
# the encoder returns a **mean** and a **variance** for each number (as a logarithm, so that the variance is always
# positive). The decoder gets a random **sample** of that Gaussian, and has to cope. This is a *variational*
# autoencoder.
#
# $$z = \text{mean} + \sigma_z \cdot \text{noise}, \qquad \sigma_z = \sqrt{\text{variance}} = e^{\text{log variance} /
# 2}$$

# %% [markdown]
# Why not let NumPy draw z itself? Because then we couldn't say how z changes with the mean. With the noise drawn
# *outside*, z is a plain formula with slopes. This is called the **reparameterisation** trick.

# %% [markdown]
# ### 13.2 A sample  ·  ●○○  ·  6 minutes
# Write `reparameterize_forward(mean, log_variance, noise)`, all of one shape. Return `z` and the cache `(deviation,)`:
# a tuple of one array, which is what you added to the mean.
#
# <details><summary>Right where the variance is 1, wrong elsewhere</summary>Noise is measured in standard deviations.
# The root of eᵘ is e to the half of u.</details>
# <details><summary>z is right, the cache isn't</summary>Keep the whole product, noise included.</details>

# %% exercise="reparameterize_forward"
def reparameterize_forward(mean, log_variance, noise):
    ### BEGIN SOLUTION
    deviation = np.exp(0.5 * log_variance) * noise          # ...
    return mean + deviation, (deviation,)
    ### END SOLUTION

check.reparameterize_forward(reparameterize_forward)

# %% [markdown]
# ### Why the likelihood is a squared error
#
# "Maximum likelihood" asks: which weights make our clips as probable as possible? For that, the decoder's output has to
# define a probability. Let each pixel x be Gaussian around the decoder's output $\hat x$, with one fixed standard
# deviation σ. Minus the logarithm of its density is
#
# $$-\log p(x \mid z) = \frac{(x - \hat x)^2}{2 \sigma^2} + \log\left(\sigma \sqrt{2 \pi}\right)$$
#
# The last term doesn't depend on the weights. So the most likely weights are those with the smallest **squared error**.
# And σ? It says how much an error hurts: with minidit's σ = 0.03 the factor 1 / 2σ² is 556.

# %% [markdown]
# ### What keeps the variance from vanishing?
#
# The squared error alone would make every variance 0: no noise, no trouble. The likelihood of a *clip* is an integral
# over all latents z, which we can't compute. But there is a bound:
#
# $$-\log p(x) \le \text{mean over } z \text{ of } -\log p(x \mid z) \;+\; \text{KL}$$
#
# KL, the Kullback–Leibler divergence, measures how far the encoder's Gaussian is from the standard one, with mean 0 and
# variance 1. Its unit is the nat; a nat is 1.44 bits. For each number,
#
# $$\text{KL} = \tfrac12 \left(\text{mean}^2 + \text{variance} - 1 - \text{log variance}\right)$$
#
# It is the price of information: 0 if the latent says nothing, and without limit as the variance goes to 0. So strictly
# speaking, training maximises not the likelihood but a *bound* on it.

# %% [markdown]
# ### 13.3 KL  ·  ●●○  ·  6 minutes
# Write `gaussian_kl_forward(mean, log_variance)`. Return `loss`, one number, which is the **mean** of the formula over
# all numbers, and the cache `(mean, variance)`.
#
# <details><summary>It says that a term is missing</summary>Put in mean 0 and log variance 0. The loss has to be 0.
# </details>
# <details><summary>It is too large by the number of something</summary>Did you take a sum over some axis? The loss is a
# mean over all axes.</details>

# %% exercise="gaussian_kl_forward"
def gaussian_kl_forward(mean, log_variance):
    ### BEGIN SOLUTION
    variance = np.exp(log_variance)                         # ...
    loss = 0.5 * (mean * mean + variance - 1 - log_variance).mean()
    return loss, (mean, variance)
    ### END SOLUTION

check.gaussian_kl_forward(gaussian_kl_forward)

# %%
m = np.linspace(-3, 3, 61)
prices = {f"variance {v:g}": 0.5 * (m**2 + v - 1 - np.log(v)) for v in (1, 0.1, 0.001)}
draw.curves(m, prices, xlabel="mean", ylabel="KL of one number")

# %% [markdown]
# ## Backward
#
# ### Through a sample
#
# Three small operations, read upwards, with $u$ for the log variance:
#
# | forward, read upwards | gives |
# |---|---|
# | z = mean + deviation | dmean, ddeviation |
# | deviation = std · noise | dstd = ddeviation · noise |
# | std = e^(u/2) | du = dstd · (slope of e^(u/2)) |
#
# The noise is a constant: it was drawn beforehand. In the last two lines, std and noise come together again. So the
# cache needs only their product.

# %% [markdown]
# ### 13.4 A sample, backward  ·  ●●○  ·  7 minutes
# Write `reparameterize_backward(dz, cache)` with the cache of 13.2. Return `dmean` and `dlog_variance`, in the shape of
# dz.
#
# <details><summary>dlog_variance is 2 times too large</summary>What is the slope of e^(u/2)? Mind the inner
# function.</details>
# <details><summary>There is no std in the cache</summary>Write the last two lines of the table as one, and look for std
# · noise in it.</details>

# %% exercise="reparameterize_backward"
def reparameterize_backward(dz, cache):
    (deviation,) = cache                                    # ...
    ### BEGIN SOLUTION
    return dz, 0.5 * dz * deviation
    ### END SOLUTION

check.reparameterize_backward(reparameterize_backward)

# %% [markdown]
# ### Through KL
#
# The loss is a mean over n numbers. `dloss` is the gradient of the total loss with respect to this one, so each bracket
# gets dloss / n. (If this loss stood alone, dloss would be 1. In the codec it is one of several, and dloss is its
# weight.)

# %% [markdown]
# ### 13.5 KL, backward  ·  ●●○  ·  8 minutes
# Write `gaussian_kl_backward(dloss, cache)` with the cache of 13.3; `dloss` is one number. Return `dmean` and
# `dlog_variance`, in the shape of the mean.
#
# <details><summary>How do I begin?</summary>The log variance appears twice: by itself, and in the variance, which is
# its exponential. The two parts add up.</details>
# <details><summary>dmean passes, dlog_variance doesn't</summary>With variance 1 it has to be 0: KL has its minimum
# there.</details>
# <details><summary>It is too large</summary>n is the count of all numbers, <code>mean.size</code>.</details>

# %% exercise="gaussian_kl_backward"
def gaussian_kl_backward(dloss, cache):
    mean, variance = cache                                  # ...
    ### BEGIN SOLUTION
    dmean = dloss * mean / mean.size                        # ...
    dlog_variance = dloss * 0.5 * (variance - 1) / mean.size  # ...
    return dmean, dlog_variance
    ### END SOLUTION

check.gaussian_kl_backward(gaussian_kl_backward)

# %% [markdown]
# ### How much each channel says
#
# The two losses pull the variance in opposite directions: the squared error makes it small, KL makes it large. σ
# decides which wins. Below we train a small codec (patches of 4 × 4 pixels, 8 channels) from scratch for three values
# of σ, a few hundred steps each.

# %%
SMALL = CodecSettings(patch=(1, 4, 4), channels=8, hidden=64)
TRAINING = CodecTraining(steps=800, batch=4, pool=64, learning_rate=1e-2)
unseen = render_batch(HELD_OUT, np.random.default_rng(4), size=16)


def trained(stages=(), **choices):
    """A small codec; without stages its decoder draws each patch alone."""
    small = Codec(replace(SMALL, decoder=stages), np.random.default_rng(0))
    with threadpool_limits(1):
        how = replace(TRAINING, **choices)
        train_codec(small, how, size=16, frames=8, seed=0, progress=False)
    return small


def quality(made):
    """PSNR in dB of clips of combinations that no codec was trained on."""
    return psnr(4 * np.mean((made - unseen) ** 2))


by_sigma = {
    sigma: trained(noise_std=sigma, latent_error=0.0) for sigma in (0.03, 0.2, 1.0)
}
unseen_patches = layers.patchify(to_signed(unseen), SMALL.patch)  # N, T, P
says = {}
for sigma, small in by_sigma.items():
    some_mean, some_log, _ = small.encoder_forward(unseen_patches)
    by_channel = 0.5 * (some_mean**2 + np.exp(some_log) - 1 - some_log).mean(
        axis=(0, 1)
    )  # C
    says[f"σ = {sigma}"] = np.sort(by_channel)[::-1]
draw.curves(
    range(1, 9), says, points=True, xlabel="channel, the most telling first",
    ylabel="KL in nats",
)
for sigma, small in by_sigma.items():
    told = says[f"σ = {sigma}"].sum()
    print(
        f"σ = {sigma:<4}  PSNR {quality(small.reconstruct(unseen)):.1f} dB,  KL of a "
        f"patch {told:.0f} nats"
    )

# %% [markdown]
# A large σ says: errors of that size don't matter. Then most channels fall silent, with mean 0 and variance 1 for every
# patch: they cost nothing and say nothing. This is known as *posterior collapse*. A small σ buys detail for nats. And
# the shipped codec?

# %%
by_channel = 0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance).mean(
    axis=(0, 1, 2, 3)
)  # C
print(
    f"shipped codec: KL of a channel from {by_channel.min():.1f} to "
    f"{by_channel.max():.1f} nats"
)
print(
    f"its deviations are {np.exp(0.5 * log_variance).mean():.2f} on average, its means "
    f"spread by {mean.std():.2f}"
)
error = np.mean((reconstruction - to_signed(real)) ** 2)
likelihood, kl = error / (2 * 0.03**2), by_channel.sum() / patches.shape[-1]
print(
    f"loss per pixel value: squared error / 2σ² = {likelihood:.2f} from the means, KL "
    f"= {kl:.2f}"
)

# %% [markdown]
# ### What other codecs add: an adversary
#
# "Maximum likelihood, combined with an adversarial part": so you will find the training of such codecs described. The
# first half you know now. What is the second for? A squared error has a weakness: in doubt, the *average* of all
# possible pictures is best, and an average of sharp pictures is blurred. And where two patches meet, it doesn't mind a
# seam.

# %% [markdown]
# So latent diffusion asks a second network, the **discriminator**. It sees a few neighbouring patches, real or
# reconstructed, and answers with one number, the *logit*: above 0 means "looks real". The two networks have opposite
# aims:
#
# $$\text{its loss} = \text{mean of } \max(0, 1 - \text{real}) + \text{mean of } \max(0, 1 + \text{fake})$$
# $$\text{the codec's loss} = -\,\text{mean of fake}$$
#
# The max is a **hinge**: a real logit above 1 and a fake logit below −1 are good enough and are left alone.

# %%
def hinge_discriminator_forward(real_logits, fake_logits):
    """Loss, and how far the logits are short of the margin 1, real and fake."""
    real_margin = np.maximum(1 - real_logits, 0)
    fake_margin = np.maximum(1 + fake_logits, 0)
    return real_margin.mean() + fake_margin.mean(), (real_margin, fake_margin)


loss, margins = hinge_discriminator_forward(
    np.array([2.0, 0.5, -1.0]), np.array([-3.0, 0.25])
)
print("short of the margins by:", *margins, f"  loss {loss:.3f}")
fake_logits = np.array([-3.0, 0.25])
_, generator_cache = layers.hinge_generator_forward(fake_logits)
dfake = layers.hinge_generator_backward(1.0, generator_cache)
print("gradient of the codec's loss:", dfake)

# %% [markdown]
# The codec's gradient is easy: the loss is minus the mean of n logits, so each gets −1/n. You write the
# discriminator's.

# %% [markdown]
# ### 13.6 The discriminator's loss, backward  ·  ●●○  ·  8 minutes
# Write `hinge_discriminator_backward(dloss, cache)` with the cache from above. `dloss` is one number. Return
# `dreal_logits` and `dfake_logits`, each in the shape of its margins. There may be more real ones than fake ones.
#
# <details><summary>It grows with the margin</summary>max(0, a) is 0 or a. Its slope is 0 or 1, and nothing in
# between.</details>
# <details><summary>A sign is wrong</summary>A larger real logit makes the loss smaller; a larger fake one makes it
# larger.</details>
# <details><summary>It is off by a factor</summary>Both means count all their logits, including those with a margin of
# 0.</details>

# %% exercise="hinge_discriminator_backward"
def hinge_discriminator_backward(dloss, cache):
    real_margin, fake_margin = cache                        # ...
    ### BEGIN SOLUTION
    dreal_logits = -dloss * (real_margin > 0) / real_margin.size  # ...
    dfake_logits = dloss * (fake_margin > 0) / fake_margin.size  # ...
    return dreal_logits, dfake_logits
    ### END SOLUTION

check.hinge_discriminator_backward(hinge_discriminator_backward)

# %% [markdown]
# ### Does it help?
#
# With an adversary the training is a compromise, and **no longer maximum likelihood**. Earlier versions of minidit had
# one: two linear layers that judged 2 × 2 neighbouring patches, in the last 40 % of the codec's steps, with a gradient
# a tenth as strong as the squared error's. It changed **next to nothing**. The codec of the preset `quick`, trained in
# full with it and without it, reached a PSNR of 30.55 dB both times, with equally faint seams. A strong adversary only
# did harm.

# %% [markdown]
# The reason is no mystery. An adversary pays where the latents leave details open (grass, hair, the grain of a film),
# because there *some* plausible detail looks better than the average. Our clips have flat colours and clean edges:
# there is nothing to invent. So today's codec goes without: what it maximises *is* a bound on the likelihood. And the
# diffusion model itself never has an adversary.

# %% [markdown]
# ### Over the edges
#
# What does help against seams? Where do they come from? Latents that a sampler made are never exact. If each patch is
# drawn by itself, each is wrong in its own way, and two wrongs that meet are a step in brightness. A decoder that sees
# the latents around a patch knows what the patch has to meet, and can even out the errors of all of them.

# %% [markdown]
# Three small codecs: one sees only its patch, one has a window of 3 × 3 patches in 3 frames, and one also grows the
# picture in two stages. All learned with errors in their latents, as minidit's own codec does
# (`CodecTraining.latent_error`). Now they draw clips from exact latents, and from latents that are off by 0.3 standard
# deviations. *Seams* are the steps in brightness across the borders of patches, relative to the real clips: 1 is
# perfect.

# %%
def seams(made):
    """Mean step at the borders between rows of patches, relative to real clips."""
    real_steps, steps = (
        np.abs(np.diff(clips, axis=2))[:, :, 3::4].mean() for clips in (unseen, made)
    )
    return steps / real_steps


shown = HELD_OUT.index(("red", "cross", "left", "sunset"))
rows, off = {"real": unseen[shown]}, {}
DECODERS = {
    "alone": (),
    "window": (Stage((3, 3, 3), SMALL.hidden), Stage((1, 1, 1), 3, SMALL.patch)),
    "window, growing": (
        Stage((3, 3, 3), 16, (1, 2, 2)),
        Stage((1, 3, 3), 3, (1, 2, 2)),
    ),
}
for name, stages in DECODERS.items():
    small = trained(stages)
    z = small.encode(unseen)                                # N, f, r, c, C
    z_off = z + 0.3 * np.random.default_rng(5).standard_normal(
        z.shape, dtype=np.float32
    )
    for latents, made in (("exact", small.decode(z)), ("off", small.decode(z_off))):
        print(
            f"{name:16} latents {latents:5}   PSNR {quality(made):.2f} dB   seams "
            f"{seams(made):.2f}"
        )
    rows[f"{name}, latents off by 0.3"] = made[shown]
    off[name] = seams(made)
draw.clips(
    rows,
    alt="A red cross, and three decodings: where each patch is drawn alone, there "
    "are steps at its borders.",
)

# %% [markdown]
# The window evens out what doesn't fit: smaller errors, weaker seams. Against seams, growth goes further. The last
# stage no longer knows where a patch ends, because the borders of patches are places like any other in its grid, and it
# draws with the same few weights everywhere.
#
# The shipped codec was trained in this order: encoder and a first decoder together; then, with the encoder frozen, the
# decoder got another stage and learned on, from latents that the diffusion model predicted. The errors of a network
# aren't random, and a decoder that has met them draws what was meant.

# %% [markdown]
# ### 13.7 Through the windows, backward  ·  ●●●  ·  12 minutes
# In training, the gradient has to go back through `neighbours_forward`. It only copied, but it copied each latent into
# *many* windows: its own and those of its neighbours. Write `neighbours_backward(dy, cache)`. Here dy is (N, f, r, c,
# K · C), and the cache `(x.shape, window)`. Return `dx` (N, f, r, c, C).
#
# <details><summary>How do I begin?</summary>Read the forward upwards. Make an array of zeros as large as
# <code>padded</code>. Go through the same places (i, j, k) in the same order: the n-th took its cells from a part of
# <code>padded</code>, and put them into C columns of y. Bring these columns' gradient back to that part.</details>
# <details><summary>It says: only the last one counts</summary>A value that was used several times gets the sum of all
# its gradients.</details>
# <details><summary>dx is too large an array</summary>The last step undoes the first one: cut off what
# <code>np.pad</code> added, on both sides.</details>

# %% exercise="neighbours_backward"
def neighbours_backward(dy, cache):
    (N, f, r, c, C), window = cache
    ### BEGIN SOLUTION
    kf, kr, kc = window
    dpadded = np.zeros((N, f + kf - 1, r + kr - 1, c + kc - 1, C))
    for n, (i, j, k) in enumerate(np.ndindex(window)):
        dpadded[:, i : i + f, j : j + r, k : k + c] += dy[..., n * C : (n + 1) * C]
    return dpadded[
        :, kf // 2 : kf // 2 + f, kr // 2 : kr // 2 + r, kc // 2 : kc // 2 + c
    ]
    ### END SOLUTION

check.neighbours_backward(neighbours_backward)

# %% [markdown]
# Growth needs no new backward: laying out moves numbers, and its backward is the cut of lesson 2.
#
# Forward, each cell gathers what lies around it; backward, it gathers what its neighbours say. Let three cells of dy
# say 1 at every place of their windows, and all others nothing. Where does the gradient arrive?

# %%
window = (1, 3, 5)
dy = np.zeros((1, 1, 5, 9, 15))
dy[0, 0, 0, 0] = 1                                          # one in a corner
dy[0, 0, 3, 5:7] = 1                                        # and two side by side
dx = yours_or_ours(neighbours_backward)(dy, ((1, 1, 5, 9, 1), window))
draw.heatmaps(
    {"dx": dx[0, 0, :, :, 0]}, xlabel="column", ylabel="row",
    alt="The part of a window inside the corner; two overlapping windows, twos where "
    "a cell is in both.",
)

# %% [markdown]
# ## In the real model
#
# We let the trained model make a clip and keep its latents on the way. The decoder has never seen latents as noisy as
# the first ones, and nobody tells it how noisy they are. It decodes whatever it gets.

# %%
PROMPT = "a green triangle moves left in the day sky"
on_the_way = {}


def keep(done, t, latents):
    """Keeps the latents after each step."""
    on_the_way[float(t)] = latents.copy()


clip = studio.generate(PROMPT, seed=3, callback=keep)
times = sorted(on_the_way)
denoised = on_the_way[times[-1]]                            # 1, f, r, c, C
chosen = [times[round(part * (len(times) - 1))] for part in (0, 0.6, 0.85, 1)]
draw.clips(
    {f"t = {t:.2f}": codec.decode(on_the_way[t])[0] for t in chosen},
    alt="Four decoded clips: coloured squares; a hint of a green triangle; the "
    "triangle; it in a day sky.",
)
print("the last one is the clip:", np.array_equal(codec.decode(denoised)[0], clip))

# %% [markdown]
# Noise in the latents doesn't look like noise in a picture. It turns into *different patches*, with edges and colours
# that belong elsewhere. How exact do latents have to be? Add noise to those of real clips:

# %%
latents = codec.encode(real)                                # N, f, r, c, C
grains = np.random.default_rng(1).standard_normal(latents.shape, dtype=np.float32)
amounts = [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0]
found = [
    psnr(4 * np.mean((codec.decode(latents + a * grains) - real) ** 2)) for a in amounts
]
best = psnr(4 * np.mean((codec.decode(latents) - real) ** 2))
draw.curves(
    amounts, {"decoded, with noise": found, "decoded, without": [best] * len(amounts)},
    points=True, xlabel="standard deviation of the noise in the latents",
    ylabel="PSNR in dB",
)
own = (np.exp(0.5 * log_variance) / codec.latent_std).mean()
print(f"the encoder's own deviation, in normalised latents: {own:.2f}")

# %% [markdown]
# Noise as large as the encoder's own deviation hardly shows: the decoder was trained with that, and with larger errors
# too. A sampler that gets this close is good enough.
#
# ### Turning the knobs
#
# What does a channel do? Which channels matter most? Move each by 1, on real clips, and measure the change in the
# picture.

# %%
base = codec.decode(latents)
channels = range(settings.channels)


def visible(channel):
    """Root mean square change of the pixels when a channel moves by 1."""
    z = latents.copy()
    z[..., channel] += 1
    return float(np.sqrt(np.mean((codec.decode(z) - base) ** 2)))


effect = [visible(channel) for channel in channels]
strongest = [int(channel) for channel in np.argsort(effect)[:-5:-1]]
draw.curves(
    channels, {"moved by 1": effect}, points=True, xlabel="channel",
    ylabel="change of a pixel (rms)",
)
print(
    f"the strongest channel changes a pixel {max(effect) / min(effect):.1f} times as "
    "much as the weakest"
)

# %% [markdown]
# The normalisation (lesson 3) has brought all channels to the same size. So the diffusion model's loss counts an error
# in one as much as in another, and what you see here is how much the *picture* minds it.
#
# Now the four strongest, one by one. We take the denoised latents and move one channel by 2, at all places of all
# frames. In the last row, we move one channel at **one** place of frame 3.

# %%
def moved(channel, by, place=slice(None)):
    """The clip with one channel moved."""
    z = denoised.copy()
    z[0, ..., channel][place] += by
    return codec.decode(z)[0]


ONE_PLACE = (3, 1, 2)  # frame, row, column of patches
alone = f"channel {strongest[0]}, moved by 4 in one place"
rows = {"unchanged": clip} | {
    f"channel {c}, moved by 2": moved(c, 2) for c in strongest
}
rows[alone] = moved(strongest[0], 4, ONE_PLACE)
draw.clips(
    rows,
    alt="The clip, and five times with a channel moved: other colours, another "
    "brightness, or patterns in every patch.",
)
changed = np.argwhere(np.abs(rows[alone] - clip).max(axis=-1) > 0)
print(
    "pixels that changed in the last row: frame, row, column from", changed.min(axis=0),
    "to", changed.max(axis=0),
)
# in pixels: frames, rows, columns
cell, reach = np.array(settings.patch), np.zeros(3, int)
for stage in settings.stages:
    reach += np.array(stage.window) // 2 * cell             # as far as its window goes
    cell = cell // stage.growth  # the next stage's cells are smaller
print(
    f"a latent's patch: {settings.patch}; the decoder's windows reach {reach} beyond it"
)

# %% [markdown]
# A channel is not a knob for *one* thing: the same push changes the colour of the sky, puts a pattern into every patch,
# and does something else to an edge. And a latent reaches exactly as far as the windows of all stages together, and no
# further. Whatever has to agree over longer distances, a triangle's side or its path through eight frames, is the
# diffusion model's work.

# %% [markdown]
# **Try it.** Click a place and push one of its latent numbers. The decoder sees the neighbours, so pixels around the
# patch move, too.

# %%
move.decoder(studio)

# %% [markdown]
# ## What the worksheet left out
#
# - **Hidden layers**, and the place of the ReLU: on the worksheet at the end, here between the layers, with clipping to
#   the range of pixels at the end.
# - **Undoing the normalisation**: the decoder gets the latents times their scale plus their mean.
# - **Samples.** In training, the decoder sees samples around the mean. Afterwards it gets the mean itself, without
#   noise.
# - **Training at all**: squared error over 2σ², and KL.

# %% [markdown]
# - **Loss.** The worksheet's codec returns its own video perfectly, but only 21 of 10,000 patches. The real codec
#   returns no patch exactly, but all of them nearly. Its PSNR, above, is the ceiling for every clip that the model
#   makes.
# - **Neighbours and growth.** The worksheet's decoder draws each patch by itself and at once. The real one looks around
#   in every stage, and its picture grows; those of large models have many more stages, and look across the whole frame.

# %%
counts = {
    part: sum(a.size for name, a in p.items() if name.startswith(part))
    for part in ("encoder", "decoder")
}
share = sum(counts.values()) / (
    sum(counts.values()) + sum(a.size for a in studio.model.dit.params.values())
)
print(
    f"decoder: {counts['decoder']:,} numbers; the worksheet's: 12.   The codec is "
    f"{share:.0%} of the whole model."
)

# %% [markdown]
# ## Recap
#
# - The decoder is made of stages with ReLUs between: a window, a linear layer (together a convolution), and growth into
#   smaller cells. It is frozen while the diffusion model trains.
# - Gaussian pixels make the likelihood a squared error over 2σ². KL is the price of what a latent says. A sample
#   written as a formula lets gradients through.
# - Other codecs have an adversary on top, and then it is no longer maximum likelihood. In this world it changes next to
#   nothing. What removes seams is a decoder that sees its neighbours, lets its picture grow, and has met errors in
#   training.
#
# Next: the patches go back to where they came from, in [lesson 14](14_video.ipynb).
