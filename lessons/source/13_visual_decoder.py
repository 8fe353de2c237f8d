# %% [markdown]
# # Lesson 13 · The visual decoder
#
# The noise is gone, and we have latents: 24 numbers for each patch of the clip. The decoder turns them into pixels. You
# also learn how decoder and encoder were trained together, with a little noise, a little probability and an adversary,
# and what each of these was good for.
#
# **Time:** about 70 minutes. **You need:** the encoder and the linear layer (lesson 3), the slope of the exponential
# function.

# %%
import numpy as np
from threadpoolctl import threadpool_limits

from minidit import layers, load, worksheet
from minidit.course import check, draw
from minidit.models import Codec
from minidit.models.codec import CodecSettings, to_signed
from minidit.models.discriminator import Discriminator
from minidit.training.codec import (
    adversarial_gradients,
    codec_loss_and_gradients,
    draw_groups,
    norm,
    patch_pool,
    psnr,
)
from minidit.training.optimizer import AdamW, AdamWSettings
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
    alt="ReLU of: the 4 by 2 weight W times the 2 by 4 denoised latent z plus the bias b, a column of four times −3.",
)  # fmt: skip

# %% [markdown]
# ### 13.1 ReLU(W · z + b)  ·  ●○○  ·  5 minutes
# Type the four patches as four columns of four pixels.
#
# <details><summary>One entry is wrong</summary>Add two products and −3. Is the result below zero?</details>
# <details><summary>All entries are too large</summary>b is added *before* the ReLU, and it is negative.</details>

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
_, of_the_video = worksheet.step_13_decode(sheet.latent, w.decoder_weight, w.decoder_bias)
print("the video's four patches come back:", np.array_equal(of_the_video, sheet.patches))
print(f"of all 10,000 patches, {kept.sum()} come back")
print(f"on average a pixel is {np.abs(back - everything).mean():.1f} off")

# %% [markdown]
# Two numbers can't hold four. The worksheet's weights were made for its four patches. A real codec has to *find*
# weights that suit the patches of real clips: it has to be trained.

# %% [markdown]
# ## In NumPy
#
# The real decoder is the encoder's mirror image: linear, ReLU, linear. The ReLU is between the layers, not at the end.
# Instead, the output is clipped to the range of pixels.

# %%
def decoder_forward(z, w1, b1, w2, b2):
    """Latents (..., C) to patches (..., P) in [-1, 1], more or less."""
    h, _ = layers.linear_forward(z, w1, b1)                 # ..., H
    h, _ = layers.relu_forward(h)                           # ..., H
    y, _ = layers.linear_forward(h, w2, b2)                 # ..., P
    return y


studio = load()
codec = studio.model.codec
p = codec.params
weights = p["decoder.0.weight"], p["decoder.0.bias"], p["decoder.2.weight"], p["decoder.2.bias"]
real = render_batch(HELD_OUT, np.random.default_rng(0))     # N, F, H, W, 3
patches = layers.patchify(to_signed(real), codec.settings.patch)  # N, T, 192
mean, log_variance, _ = codec.encoder_forward(patches)      # N, T, 24 each
reconstruction = decoder_forward(mean, *weights)            # N, T, 192
print("latents", mean.shape, "→ patches", reconstruction.shape)
print(f"values from {reconstruction.min():.2f} to {reconstruction.max():.2f}, before they are clipped to −1 and 1")

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
# And σ? It says how much an error hurts: with minidit's σ = 0.05 the factor 1 / 2σ² is 200.

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
draw.curves(
    m, prices, xlabel="mean", ylabel="KL of one number",
    alt="KL against the mean: three parabolas. With variance 1 the lowest point is 0, with 0.1 it is 0.7, with 0.001 "
    "it is 3: a mean far from 0 costs, and so does being sure.",
)

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
# Write `reparameterize_backward(dz, cache)` with the cache of 13.2. Return `dmean` and `dlog_variance`.
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
# Write `gaussian_kl_backward(dloss, cache)`. Return `dmean` and `dlog_variance`.
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
SETTINGS = CodecSettings(patch=(1, 4, 4), channels=8, hidden=64)
pool = patch_pool(SETTINGS, size=16, frames=8, clips=64, rng=np.random.default_rng(1))
unseen = render_batch(HELD_OUT, np.random.default_rng(4), size=16)
STEPS, GROUPS, RATE = 400, 64, 2e-3


def trained(sigma=0.05, adversary=0.0):
    """A small codec; the adversary joins after 60 % of the steps, with this strength."""
    rng = np.random.default_rng(0)
    small = Codec(SETTINGS, rng)
    judge = Discriminator(4 * pool.shape[-1], 64, rng)
    optimizer = AdamW(small.params, AdamWSettings(beta2=0.999))
    judge_optimizer = AdamW(judge.params, AdamWSettings(beta1=0.5, beta2=0.999))
    for step in range(STEPS):
        rate = RATE * (1 - step / STEPS)
        x = draw_groups(pool, GROUPS, rng)                  # M, 4, P   2 × 2 neighbouring patches
        noise = rng.standard_normal((GROUPS, 4, SETTINGS.channels), dtype=np.float32)
        _, _, made, dmade, *gradients = codec_loss_and_gradients(small, x, noise, sigma)
        if adversary and step >= 0.6 * STEPS:
            dfake, judge_gradients = adversarial_gradients(judge, x.reshape(GROUPS, -1), made.reshape(GROUPS, -1))
            dmade = dmade + adversary * norm(dmade) / norm(dfake) * dfake.reshape(x.shape)
            judge_optimizer.update(judge_gradients, rate, max_grad_norm=1.0)
        optimizer.update(small.backward(dmade, *gradients), rate, max_grad_norm=1.0)
    small.normalize_latents(pool)
    return small


def quality(small):
    """PSNR in dB on clips of combinations that it was not trained on."""
    return psnr(4 * np.mean((small.reconstruct(unseen) - unseen) ** 2))


with threadpool_limits(1):
    by_sigma = {sigma: trained(sigma) for sigma in (0.05, 0.2, 1.0)}
says = {}
for sigma, small in by_sigma.items():
    some_mean, some_log, _ = small.encoder_forward(pool)
    by_channel = 0.5 * (some_mean**2 + np.exp(some_log) - 1 - some_log).mean(axis=(0, 1, 2, 3))  # C
    says[f"σ = {sigma}"] = np.sort(by_channel)[::-1]
draw.curves(
    range(1, 9), says, points=True, xlabel="channel, the most telling first", ylabel="KL in nats",
    alt="KL of the 8 channels. With σ = 0.05 all are between 3 and 5 nats, with 0.2 between 1 and 3. With σ = 1 two "
    "channels have 1 nat, and the other six nearly 0.",
)
for sigma, small in by_sigma.items():
    print(f"σ = {sigma:<4}  PSNR {quality(small):.1f} dB,  KL of a patch {says[f'σ = {sigma}'].sum():.0f} nats")

# %% [markdown]
# A large σ says: errors of that size don't matter. Then six channels fall silent, with mean 0 and variance 1 for every
# patch: they cost nothing and say nothing. This is known as *posterior collapse*. A small σ buys detail for nats. The
# shipped codec's σ is 0.05, and all its 24 channels carry information, as the cell below shows.

# %%
by_channel = 0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance).mean(axis=(0, 1))  # C
print(f"shipped codec: KL of a channel from {by_channel.min():.1f} to {by_channel.max():.1f} nats")
print(f"its deviations are {np.exp(0.5 * log_variance).mean():.2f} on average, its means spread by {mean.std():.2f}")
error = np.mean((reconstruction - patches) ** 2)
likelihood, kl = error / (2 * 0.05**2), by_channel.mean() * 24 / 192
print(f"loss per pixel value: squared error / 2σ² = {likelihood:.2f} from the means, KL = {kl:.2f}")

# %% [markdown]
# ### The adversary
#
# A squared error has a weakness: in doubt, the *average* of all possible pictures is best, and an average of sharp
# pictures is blurred. So we ask a second network, the **discriminator**. It sees 2 × 2 neighbouring patches, real or
# reconstructed, and answers with one number, the *logit*: above 0 means "looks real". The two networks have opposite
# aims:
#
# $$\text{its loss} = \text{mean of } \max(0, 1 - \text{real}) + \text{mean of } \max(0, 1 + \text{fake})$$
# $$\text{the codec's loss} = -\,\text{mean of fake}$$
#
# The max is a **hinge**: a real logit above 1 and a fake logit below −1 are good enough and are left alone.

# %%
def hinge_discriminator_forward(real_logits, fake_logits):
    """Loss, and how far the logits are short of the margin 1: (real_margin, fake_margin)."""
    real_margin = np.maximum(1 - real_logits, 0)
    fake_margin = np.maximum(1 + fake_logits, 0)
    return real_margin.mean() + fake_margin.mean(), (real_margin, fake_margin)


loss, margins = hinge_discriminator_forward(np.array([2.0, 0.5, -1.0]), np.array([-3.0, 0.25]))
print("short of the margins by:", *margins, f"  loss {loss:.3f}")
fake_logits = np.array([-3.0, 0.25])
_, generator_cache = layers.hinge_generator_forward(fake_logits)
print("gradient of the codec's loss:", layers.hinge_generator_backward(1.0, generator_cache))

# %% [markdown]
# The codec's gradient is easy: the loss is minus the mean of n logits, so each gets −1/n. You write the
# discriminator's.

# %% [markdown]
# ### 13.6 The discriminator's loss, backward  ·  ●●○  ·  8 minutes
# Write `hinge_discriminator_backward(dloss, cache)` with the cache from above. Return `dreal_logits` and
# `dfake_logits`. There may be more real ones than fake ones.
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
# ### "Maximum likelihood, combined with an adversarial part"
#
# You will find the training described in these words, and now we can say what they mean. For 60 % of its steps, the
# codec climbs a *bound* on the likelihood. Then the adversary joins: its gradient at the reconstruction is scaled to a
# tenth of the squared error's and added. From then on it is a compromise, and **no longer maximum likelihood**.
#
# Does it help? We give the small codec a stronger and stronger adversary. *Seams* are the steps in brightness across
# the borders of patches, relative to the real clips: 1 is perfect.

# %%
def seams(made):
    """Mean step across the borders between rows of patches, relative to the real clips."""
    real_steps, steps = (np.abs(np.diff(clips, axis=2))[:, :, 3::4].mean() for clips in (unseen, made))
    return steps / real_steps


with threadpool_limits(1):
    by_strength = {0.0: by_sigma[0.05]} | {strength: trained(adversary=strength) for strength in (0.1, 1.0, 3.0)}
for strength, small in by_strength.items():
    print(f"adversary {strength:3.1f}   PSNR {quality(small):.2f} dB   seams {seams(small.reconstruct(unseen)):.2f}")
shown = HELD_OUT.index(("red", "cross", "left", "sunset"))
draw.clips(
    {"real": unseen[shown]}
    | {f"adversary {s:g}": by_strength[s].reconstruct(unseen[shown : shown + 1])[0] for s in (0.0, 0.1, 3.0)},
    alt="A red cross in a sunset and three reconstructions: alike without an adversary and with a weak one, and with a "
    "strong one spoiled by false colours.",
)

# %% [markdown]
# In this world it changes **next to nothing**. For minidit's `quick` preset, trained in full with and without it
# (`python scripts/compare_codecs.py quick`), the PSNR is 30.55 dB both times, and the seams are equally faint. A strong
# adversary only does harm.
#
# The reason is no mystery. An adversary pays where the latents leave details open (grass, hair, the grain of a film),
# because there *some* plausible detail looks better than the average. Our clips have flat colours and clean edges:
# there is nothing to invent. minidit includes the adversary to show how the codecs of latent diffusion are trained, not
# because this world needs it. And the diffusion model itself never has one.

# %% [markdown]
# ## In the real model
#
# We let the trained model make a clip and keep its latents on the way. The decoder has never seen such noisy latents,
# and nobody tells it how noisy they are. It decodes whatever it gets.

# %%
PROMPT = "a green triangle moves left in the day sky"
on_the_way = {}


def keep(done, t, latents):
    """Keeps the latents after each step."""
    on_the_way[float(t)] = latents.copy()


clip = studio.generate(PROMPT, seed=3, callback=keep)
times = sorted(on_the_way)
denoised = on_the_way[times[-1]]                            # 1, f, r, c, C
chosen = [times[0], times[11], times[16], times[-1]]
draw.clips(
    {f"t = {t:.2f}": codec.decode(on_the_way[t])[0] for t in chosen},
    alt="Four decoded clips. At t = 0.02 coloured squares without order; at 0.33 a hint of a green triangle among "
    "them; at 0.65 the triangle, with the grid of patches showing; at 1 the triangle in a day sky, with faint seams.",
)
print("the last one is the clip:", np.array_equal(codec.decode(denoised)[0], clip))

# %% [markdown]
# Noise in the latents doesn't look like noise in a picture. Each patch turns into *a different patch*, with edges and
# colours that belong elsewhere. How exact do latents have to be? Add noise to those of real clips:

# %%
latents = codec.encode(real)                                # N, f, r, c, C
grains = np.random.default_rng(1).standard_normal(latents.shape, dtype=np.float32)
amounts = [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0]
found = [psnr(4 * np.mean((codec.decode(latents + a * grains) - real) ** 2)) for a in amounts]
best = psnr(4 * np.mean((codec.decode(latents) - real) ** 2))
draw.curves(
    amounts, {"decoded, with noise": found, "decoded, without": [best] * len(amounts)}, points=True,
    xlabel="standard deviation of the noise in the latents", ylabel="PSNR in dB",
    alt=f"PSNR falls from {found[0]:.0f} dB with noise of 0.02 to {found[-1]:.0f} dB with noise of 1. Without noise it "
    f"is {best:.0f} dB, and up to 0.05 there is hardly a difference.",
)
own = (np.exp(0.5 * log_variance) / codec.latent_std).mean()
print(f"the encoder's own deviation, in normalised latents: {own:.2f}")

# %% [markdown]
# Noise as large as the encoder's own deviation hardly shows: the decoder was trained with exactly that. A sampler that
# gets this close is good enough.
#
# ### Turning the knobs
#
# What does a channel do? We take the denoised latents and move one channel by 2, at all places of all frames. In the
# last row, we move one channel at **one** place of frame 3.

# %%
def moved(channel, by, place=slice(None)):
    """The clip with one channel moved."""
    z = denoised.copy()
    z[0, ..., channel][place] += by
    return codec.decode(z)[0]


ONE_PLACE = (3, 1, 2)                                       # frame, row, column of patches
rows = {"unchanged": clip} | {f"channel {c}, moved by 2": moved(c, 2) for c in (7, 17, 8, 22)}
rows["channel 7, moved by 4 in one place"] = moved(7, 4, ONE_PLACE)
draw.clips(
    rows,
    alt="The clip, and five times with a channel moved: the sky turns pale, dark, brighter and violet, and each time "
    "a pattern appears in every patch. In the last row one square of frame 3 has changed, and nothing else.",
)
changed = np.argwhere(np.abs(rows["channel 7, moved by 4 in one place"] - clip).max(axis=-1) > 0)
print("pixels that changed in the last row: frame, row, column from", changed.min(axis=0), "to", changed.max(axis=0))

# %% [markdown]
# A channel is not a knob for *one* thing: the same push changes the colour of the sky, puts a pattern into every patch,
# and does something else to an edge. And the decoder works patch by patch, 8 × 8 pixels of one frame, and doesn't see
# the neighbours. The diffusion model makes sure that a triangle's side continues from one patch to the next, and from
# one frame to the next.
#
# Which channels matter most? Move each by 1, on real clips, and measure the change in the picture.

# %%
base = codec.decode(latents)


def visible(channel):
    """Root mean square change of the pixels when a channel moves by 1."""
    z = latents.copy()
    z[..., channel] += 1
    return float(np.sqrt(np.mean((codec.decode(z) - base) ** 2)))


effect = [visible(channel) for channel in range(24)]
draw.curves(
    range(24), {"moved by 1": effect}, points=True, xlabel="channel", ylabel="change of a pixel (rms)",
    alt=f"The change of a pixel for each of 24 channels: between {min(effect):.3f} and {max(effect):.3f}, with peaks "
    "at channels 7, 17 and 8.",
)

# %% [markdown]
# They are within a factor of two, and that is no accident. Normalisation (lesson 3) stretched the channels that change
# the picture a lot, so that a step of 1 there is a smaller step. So an error of the diffusion model costs about as much
# in one channel as in another, and a plain squared error of the latents is a fair loss.

# %% [markdown]
# ## What the worksheet left out
#
# - **A hidden layer**, and the place of the ReLU: on the worksheet at the end, here between two layers, with clipping
#   to the range of pixels at the end.
# - **Undoing the normalisation**: the decoder gets the latents times their scale plus their mean.
# - **Samples.** In training, the decoder sees samples around the mean. Afterwards it gets the mean itself, without
#   noise.
# - **Training at all**: squared error over 2σ², KL, and an adversary that we could leave out here.

# %% [markdown]
# - **Loss.** The worksheet's codec returns its own video perfectly, but only 21 of 10,000 patches. The real codec
#   returns no patch exactly, but all of them nearly: about 30 dB. That is the ceiling for every clip that the model
#   makes.
# - **Neighbours.** Decoders of large models look across patches and frames, with convolutions. Ours looks at one patch
#   at a time, so only exactness prevents seams; around the triangle above you can see some.

# %%
counts = {part: sum(a.size for name, a in p.items() if name.startswith(part)) for part in ("encoder", "decoder")}
share = sum(counts.values()) / (sum(counts.values()) + sum(a.size for a in studio.model.dit.params.values()))
print(f"decoder: {counts['decoder']:,} numbers; the worksheet's: 12.   The codec is {share:.0%} of the whole model.")

# %% [markdown]
# ## Recap
#
# - The decoder is linear, ReLU, linear, patch by patch. It is frozen while the diffusion model trains.
# - Gaussian pixels make the likelihood a squared error over 2σ². KL is the price of what a latent says. A sample
#   written as a formula lets gradients through.
# - An adversary comes on top, and the result is no longer maximum likelihood. In this world it changes next to nothing.
#
# Next, in lesson 14, the patches go back to where they came from.
