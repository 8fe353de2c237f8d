# %% [markdown]
# # Lesson 12 · Denoise
#
# Training is over: the network can predict what is hidden in noise. In this lesson you use that one skill to make a
# clip that nobody has drawn before, by asking again and again, and you learn to make it listen to the prompt.
#
# **Time:** about 75 minutes, 45 of them in exercises. **You need:** the straight path from noise to data
# ([lesson 4](04_add_noise.ipynb)).

# %%
import numpy as np

from minidit import layers, load, worksheet
from minidit.course import check, draw, move
from minidit.diffusion import (
    RectifiedFlow,
    VariancePreserving,
    ddim_step,
    estimator,
    euler_step,
    network_time,
    sample,
)
from minidit.diffusion import classifier_free_guidance as guide
from minidit.diffusion.samplers import ddpm_step
from minidit.generation.settings import SamplingSettings
from minidit.generation.text_to_video import (
    NoiseOfEach,
    edited_latents,
    generate,
    sampling_time,
    starting_noise,
)
from minidit.world import SEEN, caption, verify_batch

sheet = worksheet.solve()
rng = np.random.default_rng(12)

# %% [markdown]
# ## By hand
#
# Step 4 added noise to the latent. Step 10 predicted that noise. Subtract the prediction, and the result should be
# close to the latent that we began with.

# %%
draw.matrices(
    ("noised", sheet.noised), "−", ("predicted noise", sheet.predicted), "=", "?"
)

# %% [markdown]
# ### 12.1 The denoised latent  ·  ●○○  ·  3 minutes
# Type the difference: two rows of four numbers.
#
# <details><summary>Some entries are off</summary>Half of the predicted noise is negative, and minus a minus is a
# plus.</details>
# <details><summary>There is a negative number</summary>That is fine: there is no ReLU here.</details>

# %% exercise="step_12_denoised"
### BEGIN SOLUTION
denoised = [
    [3, -1, 0, 1],
    [6, 4, 5, 5],
]
### END SOLUTION

check.step_12_denoised(denoised)

# %% [markdown]
# Four of the eight are right, because four predictions were right. Training has to mend the rest.
#
# ### What do we subtract it from?
#
# The text that this course follows describes step 12 differently: it subtracts the noise from the *conditioned* latent
# of step 7. Is that the same? Test it with a perfect prediction, the actual noise of step 4. Then $\text{noised} -
# \text{noise}$ is exactly the latent of step 3. And the other difference?

# %%
draw.matrices(
    ("conditioned", sheet.conditioned), "−", ("actual noise", sheet.noise), "−",
    ("latent", sheet.latent), "=", "?",
)

# %% [markdown]
# ### 12.2 What is left over  ·  ●○○  ·  4 minutes
# Type how far $\text{conditioned} - \text{noise}$ is from the latent: what came out minus what should have come out,
# two rows of four numbers.
#
# <details><summary>Everything is zero</summary>That is what is left over if you start with the <em>noised</em> latent.
# Start with the conditioned one.</details>
# <details><summary>The upper row is wrong</summary>Only one of its numbers isn't zero.</details>

# %% exercise="step_12_left_over"
### BEGIN SOLUTION
left_over = [
    [0, 0, -1, 0],
    [-1, -5, -3, -3],
]
### END SOLUTION

check.step_12_left_over(left_over)

# %% [markdown]
# It is exactly what step 7 did to the latent, $\text{conditioned} - \text{noised}$. Scale and shift are a message *to
# the network*; the decoder knows nothing about them. Here are both, decoded:

# %%
draw.heatmaps(
    {
        "the video": sheet.video.reshape(-1, 4),
        "noised − noise": sheet.perfect_video.reshape(-1, 4),
        "conditioned − noise": sheet.as_told_video.reshape(-1, 4),
    },
    columns=3,
    alt="Noised minus noise decodes to the video itself; conditioned minus noise "
    "does not.",
)

# %% [markdown]
# **All samplers subtract from the noised latent**, because that is where the noise was added. (The original worksheet,
# which the text retells, does so too.)
#
# One more thing is odd. On the worksheet *one* subtraction removes all the noise. A real sampler removes a little,
# looks again, and removes a little more. Why?

# %% [markdown]
# ## In NumPy
#
# Lesson 4 found a straight path, $x_t = t\cdot\text{data} + (1-t)\cdot\text{noise}$, with the constant velocity $v =
# \text{data} - \text{noise}$. A network that sees only $x_t$ can't know this velocity: many clips could be hidden in
# $x_t$. It answers with the *average* over all of them. So we follow its answer only for a short time, from $t$ to a
# slightly later $s$:
#
# $$x_s = x_t + (s - t)\cdot v$$

# %% [markdown]
# ### 12.3 An Euler step  ·  ●○○  ·  4 minutes
# `t` and `s` are numbers, `x` and `velocity` are arrays of one shape. Return x at time s, in that shape.
#
# <details><summary>It goes backwards</summary>s is the later time, and steps take s − t.</details>
# <details><summary>It says that I changed my input</summary><code>x += …</code> writes into the array that was
# given.</details>

# %% exercise="euler_update"
def euler_update(x, t, s, velocity):
    ### BEGIN SOLUTION
    return x + (s - t) * velocity                           # N, ...
    ### END SOLUTION

check.euler_update(euler_update)

# %% [markdown]
# **DDIM** tells the same story in other words. The network has estimated the data. Then we know the noise in $x_t$ as
# well: solve the equation of the path for it. Now mix the two again, in the amounts that belong to time $s$:
#
# $$x_s = s\cdot\text{data} + (1-s)\cdot\text{noise}$$

# %% [markdown]
# ### 12.4 A DDIM step  ·  ●●○  ·  8 minutes
# `data` is the network's estimate of the clean data, in x's shape. `t` and `s` are numbers, and t is below 1. Return x
# at time s.
#
# <details><summary>How do I get the noise?</summary>x = t · data + (1 − t) · noise. Everything but the noise is
# known.</details>
# <details><summary>It is x again</summary>You took x apart and mixed it again in the amounts of t. Use the amounts of
# s.</details>

# %% exercise="ddim_update"
def ddim_update(x, t, s, data):
    ### BEGIN SOLUTION
    noise = (x - t * data) / (1 - t)                        # N, ...
    return s * data + (1 - s) * noise                       # N, ...
    ### END SOLUTION

check.ddim_update(ddim_update)

# %% [markdown]
# On our straight path the two steps are the same. On the curved path of DDPM they differ: there Euler leaves the path
# at once, while DDIM, which knows its shape, stays on it.

# %%
x, data = rng.normal(size=(2, 4, 3))
for name, path in {
    "the straight path": RectifiedFlow(),
    "DDPM's path": VariancePreserving(),
}.items():
    # a network that always says: this is the data
    predict = estimator(lambda x, t: data, "data", path)
    by_euler = euler_step(x, 0.3, 0.5, predict, path)
    difference = by_euler - ddim_step(x, 0.3, 0.5, predict, path)
    print(f"on {name}, largest difference: {np.abs(difference).max():.1e}")

# %% [markdown]
# ### Where to stop and look
#
# K steps visit K + 1 times, from 0 to 1. Equal steps are not the best: what the clip will be is decided where there is
# almost only noise. A **shift** (nothing to do with the shift of lesson 6) puts more of the steps there. An evenly
# spaced time t moves to
#
# $$\frac{t}{t + \text{shift}\cdot(1-t)}$$
#
# With a shift of 1 nothing moves. With a shift of 3, which the shipped model uses, ½ moves to ¼.

# %% [markdown]
# ### 12.5 The times of a sampler  ·  ●●○  ·  7 minutes
# `steps` and `shift` are numbers. Return an array of `steps + 1` times, from 0 to 1.
#
# <details><summary>There is one too few</summary>Four steps have five ends. <code>np.linspace(0, 1, …)</code> counts
# the ends.</details>
# <details><summary>They crowd at the wrong end</summary>In the papers t counts the noise, and the formula is mirrored.
# Use the one above.</details>

# %% exercise="shifted_times"
def shifted_times(steps, shift):
    ### BEGIN SOLUTION
    even = np.linspace(0.0, 1.0, steps + 1)                 # K + 1
    return even / (even + shift * (1 - even))               # K + 1
    ### END SOLUTION

check.shifted_times(shifted_times)

# %% [markdown]
# ### 12.6 The whole walk  ·  ●●○  ·  8 minutes
# `velocity(x, t)` is a function that says where to go. `times` is (K + 1,). Start with `noise`, of any shape, at the
# first of `times` and walk to the last, one Euler step after the other. Return the x where you end.
#
# <details><summary>Numbers are off from the second step on</summary>Ask with the x where you are now, not with the
# noise where you began.</details>
# <details><summary>It says something about the later time</summary>A step from t to s asks at t, where you
# stand.</details>
# <details><summary>It changed the noise</summary><code>x = noise</code> makes no copy. Write <code>x = x + …</code>.
# </details>

# %% exercise="sample_path"
def sample_path(noise, times, velocity):
    ### BEGIN SOLUTION
    x = noise                                               # N, ...
    for t, s in zip(times[:-1], times[1:], strict=True):
        x = x + (s - t) * velocity(x, t)                    # N, ...
    return x
    ### END SOLUTION

check.sample_path(sample_path)

# %% [markdown]
# ### Why one step is not enough
#
# A toy example: the "clips" are points on a ring in the plane. Here we have a formula for the best answer. It is the
# average of all points, each weighted by how well it explains $x_t$: a softmax over squared distances. You have met it
# before: attention, over the data.

# %%
angles = rng.uniform(0, 2 * np.pi, 200)
ring = 1.5 * np.stack([np.cos(angles), np.sin(angles)], axis=1)  # M, 2
ring += 0.05 * rng.normal(size=(200, 2))


def average_data(x, t):
    """The mean of the ring's points, weighted by how well they explain x (N, 2)."""
    distances = ((x[:, None] - t * ring) ** 2).sum(axis=-1)  # N, M
    weights, _ = layers.softmax_forward(-distances / (2 * (1 - t) ** 2))  # N, M
    return weights @ ring                                   # N, 2


def walk(noise, steps):
    """Even Euler steps in that field, by minidit's own sampler."""
    path = RectifiedFlow()
    return sample(estimator(average_data, "data", path), noise, path, steps)


def picture(points):
    """How many points are in each square of the plane: (40, 40)."""
    counts, _, _ = np.histogram2d(
        points[:, 1], points[:, 0], bins=40, range=((-2.5, 2.5), (-2.5, 2.5))
    )
    return np.minimum(counts[::-1], 20)


start = rng.normal(size=(2000, 2))
draw.heatmaps(
    {"noise": picture(start)}
    | {f"{k} step{'s' * (k > 1)}": picture(walk(start, k)) for k in (1, 2, 4, 8, 20)}
    | {"data": picture(np.repeat(ring, 10, axis=0))},
    alt="A cloud of noise; after 1 step a spot in the middle, after 4 a ring, with "
    "20 steps like the data.",
)

# %% [markdown]
# After one step everything is in the middle, where there is no data: the average of a ring. That is the blur in bad
# samples. Small steps let each point make up its mind.
#
# ### Fresh noise
#
# Euler and DDIM draw noise once, at the start, and carry it all the way. **DDPM** throws a part of it away in every
# step and draws new noise instead: of all $x_s$ that may lie on the way from the estimated data to $x_t$, it picks one
# at random. Its amounts of data and noise are again those of time $s$, but only a part of the noise is the old one:

# %%
data, noise = np.full(100_000, 2.0), rng.normal(size=100_000)
path = RectifiedFlow()
x, predict = path.noised(data, noise, 0.3), estimator(lambda x, t: data, "data", path)
for name, step in (("Euler", euler_step), ("DDPM", ddpm_step)):
    later = step(x, 0.3, 0.5, predict, path, rng)
    old = np.corrcoef(later, noise)[0, 1]
    print(
        f"{name:5} from t = 0.3 to 0.5: mean {later.mean():.2f}, deviation "
        f"{later.std():.2f}, old noise {old:.2f}"
    )

# %% [markdown]
# Why? A mistake that was made early is a part of $x$, like noise. With fresh noise it is partly forgotten, and the
# network gets another chance. The shipped model samples like this, in few steps.
#
# ### Listening to the prompt
#
# The network was trained with prompts, and every tenth time with the empty prompt. So we can ask it twice: what do you
# see, and what would you see without the prompt? The difference is what the prompt *adds*. **Classifier-free guidance**
# goes further in that direction:
#
# $$\text{guided} = \text{unconditional} + \text{scale}\cdot(\text{conditional} - \text{unconditional})$$

# %% [markdown]
# ### 12.7 Guidance  ·  ●○○  ·  5 minutes
# `conditional` and `unconditional` have one shape, (N, …), and `scale` is a number. Return the guided answer, in that
# shape.
#
# <details><summary>It says that the scale is off by one</summary>Try it: a scale of 1 has to give the conditional
# answer, a scale of 0 the unconditional one.</details>
# <details><summary>It leads away from the prompt</summary>Which of the two is subtracted from which?</details>

# %% exercise="classifier_free_guidance"
def classifier_free_guidance(conditional, unconditional, scale):
    ### BEGIN SOLUTION
    return unconditional + scale * (conditional - unconditional)  # N, ...
    ### END SOLUTION

check.classifier_free_guidance(classifier_free_guidance)

# %% [markdown]
# ## Backward
#
# Sampling needs no backward pass, because nothing learns here: the weights are fixed.
#
# But suppose you wanted a gradient, say of a score of the finished clip with respect to the noise it came from. It
# would go back through all the steps and the network in each of them, the last step first, as if they were one long
# network, and you would have to keep the caches of all these calls.

# %% [markdown]
# One small piece of this is worth writing, because it shows what guidance does. `unconditional` appears twice:
#
# | forward | backward |
# |---|---|
# | direction = conditional − unconditional | dconditional = ddirection, and a first part of dunconditional |
# | way = scale · direction | ddirection = scale · dway, and dscale |
# | guided = unconditional + way | dway = dy, and a second part of dunconditional |

# %% [markdown]
# ### 12.8 Backward through guidance  ·  ●●○  ·  6 minutes
# `dy` is (N, …), the gradient of the guided answer. Return `dconditional`, `dunconditional` (N, …) and `dscale`, a
# number.
#
# <details><summary>dunconditional is off</summary>It has two parts: one where it stands by itself, and one from the
# bracket, with a minus.</details>
# <details><summary>dscale is an array</summary>One scale served every number of every sample.</details>

# %% exercise="guidance_backward"
def guidance_backward(dy, conditional, unconditional, scale):
    ### BEGIN SOLUTION
    ddirection = scale * dy                                 # N, ...
    dunconditional = dy - ddirection                        # N, ...
    dscale = (dy * (conditional - unconditional)).sum()
    return ddirection, dunconditional, dscale
    ### END SOLUTION

check.guidance_backward(guidance_backward)

# %% [markdown]
# The two factors, scale and 1 − scale, always add up to 1. At a scale of 3 they are 3 and −2: an error of the network
# can come out three times as large, or more. That is the price of guidance.

# %% [markdown]
# ## In the real model
#
# Now all of it together. The network predicts the data, and the rest follows from it, such as the velocity:
# $(\text{data} - x)/(1 - t)$. The walk is that of 12.6, in minidit's words, with the model's own sampler, shift and
# number of steps. On the way we record x, and the clean clip that the network expects. In the end the model gets its
# own clip as one to be edited ([lesson 16](16_one_model_many_uses.ipynb)), with the same prompt: that takes out what
# the sampler did wrong, so that few steps are enough.

# %%
studio = load(device="cpu")
model, settings = studio.model, studio.settings
prompt = "a red circle moves right in the day sky"
# 2, D   with the prompt, and without
words = model.dit.embed(model.tokenizer.encode([prompt, ""]))
print(
    f"sampler {settings.sampler}, {settings.steps} steps, shift {settings.shift}, "
    f"guidance {settings.guidance}"
)


def strip(seed=0):
    """(t, x, expected data) of each step, and the finished latents (1, f, r, c, C)."""
    kept, (first, last) = [], settings.interval

    def network(x, t):
        times = np.full(2, network_time(sampling_time(t)), x.dtype)
        both = model.dit.predict(np.concatenate([x, x]), times, words)
        # early: later it changes nothing that a prompt says
        scale = settings.guidance if first <= t <= last else 1.0
        kept.append((t, x, guide(both[:1], both[1:], scale)))
        return kept[-1][-1]

    path, noise = RectifiedFlow(), starting_noise(settings.latent_shape, [seed])
    how = settings.steps, settings.sampler, settings.shift
    latents = sample(
        estimator(network, "data", path), noise, path, *how, rng=NoiseOfEach([seed])
    )
    for _ in range(settings.polish):
        latents = edited_latents(model, latents, words[:1])
    return kept, latents


kept, latents = strip()
clip = model.codec.decode(latents)[0]
ours = studio.generate(prompt, seed=0)
print("largest difference to `minidit generate`:", f"{np.abs(clip - ours).max():.0e}")
at = [kept[round(part * (len(kept) - 1))] for part in (0, 0.3, 0.5, 0.75)]
draw.clips(
    {f"x at t = {t:.2f}": model.codec.decode(x)[0] for t, x, _ in at}
    | {"x at t = 1": clip},
    alt="Out of coloured blobs at t = 0 comes a red circle that moves right in a "
    "blue sky.",
)

# %% [markdown]
# That is the noise disappearing. What the network *expects*, its estimate of the clean clip, tells us more. At first it
# is an average over all clips that fit the prompt and this noise: a red circle with a blurred edge. Then the circle
# gets its exact place, its size and its outline.

# %%
draw.clips(
    {f"expected at t = {t:.2f}": model.codec.decode(data)[0] for t, _, data in at}
    | {"the clip": clip},
    alt="Estimates at four times, ever sharper, and the clip: a red circle moves "
    "right.",
)
draw.animation(
    {
        "x": np.stack([model.codec.decode(x)[0, 4] for _, x, _ in kept] + [clip[4]]),
        "expected": np.stack(
            [model.codec.decode(data)[0, 4] for _, _, data in kept] + [clip[4]]
        ),
    },
    fps=4,
    alt=f"One frame during the {len(kept)} steps: left, noise turns into a red "
    "circle; right, the estimate sharpens.",
)

# %% [markdown]
# When is it decided what the clip will be? The curves show how far the expected clip is from the finished one, for
# three seeds. Each marker is a step. About half of them lie below t = ¼, where most is decided; that is what the shift
# is for.

# %%
walks = [strip(seed=seed) for seed in range(3)]
draw.curves(
    [t for t, _, _ in kept],
    {
        f"seed {seed}": [
            float(np.sqrt(np.mean((data - finished) ** 2))) for _, _, data in steps
        ]
        for seed, (steps, finished) in enumerate(walks)
    },
    points=True, xlabel="t", ylabel="expected to finished, latents",
)

# %% [markdown]
# **How many steps?** We take five prompts with five seeds each. The verifier looks at every clip and says what it sees.
# A clip is *right* if it shows what the prompt says, and *strict* if its object also has a nearly ideal outline.

# %%
chosen = [SEEN[i] for i in rng.choice(len(SEEN), size=5, replace=False)]
attributes = [a for a in chosen for _ in range(5)]          # 25
prompts, seeds = [caption(a) for a in attributes], list(range(25))


def judged(steps=None, guidance=None):
    """25 clips (5, 5, F, H, W, 3), by prompt and seed; percent right and strict.

    None means the model's own setting.
    """
    clips = generate(model, prompts, seeds, sampling=SamplingSettings(steps, guidance))
    pairs = list(zip(verify_batch(clips), attributes, strict=True))
    right = 100 * np.mean([reading.right(a) for reading, a in pairs])
    strict = 100 * np.mean([reading.strict(a) for reading, a in pairs])
    return clips.reshape(5, 5, *clips.shape[1:]), right, strict


counts = (1, 2, 4, settings.steps)
by_steps = {steps: judged(steps=steps) for steps in counts}
draw.curves(
    counts,
    {
        "right": [by_steps[k][1] for k in counts],
        "strict": [by_steps[k][2] for k in counts],
    },
    points=True, xlabel="steps", ylabel="% of 25 clips",
)
for k in counts:
    print(f"{k:2} steps: {by_steps[k][1]:.0f} % right, {by_steps[k][2]:.0f} % strict")

# %% [markdown]
# That is fewer steps than you may have expected. This world is simple: once colour, shape, motion and sky are settled,
# there is hardly anything left to average over, and the edit in the end mends an outline. Photographs are a different
# matter.
#
# **How much guidance?** The same prompts and seeds at four scales; the picture shows one of the clips.

# %%
scales = (0.0, 1.0, settings.guidance, 5.0)
found = {scale: judged(guidance=scale) for scale in scales}
print("the prompt of the picture:", caption(chosen[0]))
draw.clips(
    {f"guidance {scale:g}": found[scale][0][0, 0] for scale in scales},
    alt="The same noise: at 0 something else than the prompt says; at 1 and more "
    "what it says.",
)
for scale in scales:
    clips, right, strict = found[scale]
    print(
        f"guidance {scale:g}: {right:.0f} % right, {strict:.0f} % strict, variety "
        f"{clips.std(axis=1).mean():.3f}"
    )

# %% [markdown]
# *Variety* is how far the five clips of a prompt are from their mean. At 0 it is large, and the prompt plays no part: a
# clip is right only by chance. Even without guidance, at 1, most clips show what their prompt says; a little guidance
# settles the rest. More makes the clips of a prompt more alike. It does no harm otherwise, because here guidance acts
# only in the noise, up to t = 0.3. Later it would drive colours out of the range that the codec knows. What guidance
# costs is a project (see [projects.md](../projects.md)).

# %% [markdown]
# **Try it.** Guidance from 0 to 8, here at all times and without the polish at the end. What does 0 make, and what goes
# wrong at 8?

# %%
move.guidance(studio)

# %% [markdown]
# And the number of steps, from 1 to 32, with Euler steps from the same noise:

# %%
move.steps(studio)

# %% [markdown]
# ## What the worksheet left out
#
# - **Many steps.** On paper all noise goes at once. Here there are many steps, and each asks the network again.
# - **Amounts.** On paper the noise counts fully. In the model its weight is 1 − t, so data = (x − (1 − t) · noise) / t.
# - **The start.** On paper we denoise a clip that we already had. A sampler starts at t = 0, from pure noise.
# - **Guidance.** Steps in the noise ask twice, with the prompt and without.
# - **Other steps.** *Heun* asks again at the end of each step and takes the mean of both answers: twice the work per
#   step, but fewer steps. All are in [samplers.py](../../minidit/diffusion/samplers.py).

# %% [markdown]
# ## Recap
#
# - Subtract the noise from what it was added to: the noised latent.
# - A network's answer is an average. Follow it for a short time, then ask again: $x + (s - t)\cdot v$.
# - Guidance goes from the answer without the prompt to the answer with it, and beyond.
#
# Next: the frozen decoder turns the latents into pixels, in [lesson 13](13_visual_decoder.ipynb).
