"""From noise to a clip: the sampler's latents at some times, and the network's estimate of the clip there."""

from dataclasses import replace

import numpy as np

from minidit.diffusion.samplers import step_of
from minidit.figures.style import GAP, place, png_bytes, sheet, style, write
from minidit.generation.settings import SamplingSettings
from minidit.generation.text_to_video import generate, starting_noise

FILE = "denoising.png"
TITLE = "From noise to a clip"
ALT = (
    "Two strips over time t from 0 to 1, first and last frame each. Above, the sampler's latents decoded: coloured "
    "noise that turns into the clip. Below, the network's estimate of the finished clip at the same times."
)
NOTE = (
    "Time runs from t = 0 (noise) to t = 1 (data). Each step moves the sampler's latents towards the estimate, "
    "which the network makes again at every step, guided by the prompt. The last step goes all the way."
)

PROMPT = "a red circle moves right in the day sky"
SEED = 0
EULER = SamplingSettings(sampler="euler")
COLUMNS = 7
CELL = 128  # pixels
LABEL, HEADING, BETWEEN = 250, 84, 24  # pixels: width of the labels, height of the heading, space between the strips

# F = frames, H = height, W = width; latents are (1, f, r, c, C)


@style()
def draw(model, record):
    """The bytes of the PNG."""
    moments, _ = denoising_moments(model, PROMPT, SEED)
    chosen = evenly_spread(moments, COLUMNS)
    strip = 2 * (CELL + GAP)
    figure = sheet(LABEL + len(chosen) * (CELL + GAP) + GAP, HEADING + 2 * strip + BETWEEN + GAP)
    write(figure, f"“{PROMPT}”", 12, 26, weight="bold")
    for row, label in enumerate(("latents at t,\ndecoded", "estimate of\nthe data at t,\ndecoded")):
        top = HEADING + row * (strip + BETWEEN)
        write(figure, label, 12, top + strip / 2)
        for line, frame in enumerate(("first", "last")):
            middle = top + line * (CELL + GAP) + CELL / 2
            write(figure, f"{frame}\nframe", LABEL - 12, middle, ha="right", size=8)
    for column, (t, latents, estimate) in enumerate(chosen):
        left = LABEL + column * (CELL + GAP)
        write(figure, f"t = {t:.2f}", left + CELL / 2, HEADING - 18, ha="center")
        for row, shown in enumerate((latents, estimate)):
            clip = model.codec.decode(shown)[0]  # F, H, W, 3
            top = HEADING + row * (strip + BETWEEN)
            place(figure, clip[0], left, top, CELL)
            place(figure, clip[-1], left, top + CELL + GAP, CELL)
    return png_bytes(figure)


def evenly_spread(moments, most):
    """The moments, at most `most`, whose times are nearest to evenly spread ones."""
    times = np.array([t for t, _, _ in moments])  # moments
    nearest = np.abs(times - np.linspace(0, 1, most)[:, None]).argmin(axis=1)  # most
    return [moments[i] for i in np.unique(nearest)]


def denoising_moments(model, prompt, seed, sampling=EULER):
    """The latents and estimates of a sampler on its way.

    Args:
        model: VideoModel.
        prompt: str.
        seed: of the noise.
        sampling: SamplingSettings; the model's own settings in place of what they leave out.
    Returns:
        a list of (t, latents at t, estimate of the data made there), one for each step and one for the latents at the
        end, which are their own estimate; and the clip (F, H, W, 3) that is made in this way.
    """
    settings = sampling.for_model(model.settings)
    own_step = step_of(settings.sampler)
    visited, estimates = [(0.0, starting_noise(model.settings.latent_shape, [seed]))], []

    def watched_step(x, t, s, predict, path, rng=None):
        made = []

        def watched(x, t):
            made.append(predict(x, t))
            return made[-1]

        y = own_step(x, t, s, watched, path, rng)
        estimates.append(made[0].data)
        return y

    watched = replace(settings, sampler=watched_step)
    clips = generate(model, [prompt], [seed], sampling=watched, callback=lambda _, t, x: visited.append((t, x)))
    last = visited[-1][1]  # 1, f, r, c, C   where the last step lands, which is the estimate that it was made with
    moments = [(t, x, estimate) for (t, x), estimate in zip(visited, [*estimates, last, last], strict=True)]
    return moments, clips[0]
