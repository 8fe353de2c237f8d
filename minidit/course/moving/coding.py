"""To move: clips, their patches, and the codec's latents."""

import matplotlib
import numpy as np

from minidit.course.drawing.heatmaps import TWO_WAYS
from minidit.course.moving.diffusing import PROMPT
from minidit.course.moving.given import CIRCLE, TIMES, Given, video_model
from minidit.course.moving.moving import Control
from minidit.course.moving.panels import Bars, Clip, Map
from minidit.course.moving.shown import moving
from minidit.figures.denoising import denoising_moments
from minidit.layers import patchify
from minidit.world.attributes import NAMES, Attributes
from minidit.world.captions import caption
from minidit.world.renderer import render
from minidit.world.verifier import verify

PUSHES = tuple(np.linspace(-4, 4, 33).tolist())


def world(model=None):
    """Lesson 1: a clip of the toy world, its caption and a t."""
    model = video_model(model)

    def scene(t, **values):
        given = Given(model, render(Attributes(**values), np.random.default_rng(0)), "")
        noised = given.pixels(given.at(t))
        read = " ".join(filter(None, verify(given.clip).attributes))
        panels = [Clip("the clip", given.clip), Clip(f"with noise, t = {t:g}", noised)]
        return panels, f"Caption: “{caption(Attributes(**values))}”. The verifier reads: {read}."

    controls = [
        Control(name, values, values.index(start), kind="choice")
        for (name, values), start in zip(NAMES.items(), CIRCLE, strict=True)
    ]
    controls.append(Control("t", TIMES, TIMES.index(0.6)))
    return moving(controls, scene, "A red circle in a blue sky; beside it the same clip with noise, t = 0.6.")


def patches(clip=None):
    """Lesson 2: the size of the patches, and one patch by itself."""
    if clip is None:
        clip = render(Attributes("yellow", "ring", "up", "night"), np.random.default_rng(0))
    frames, height, width, _ = clip.shape
    sides = [size for size in (16, 8, 4, 2) if height % size == width % size == 0]
    deep = [size for size in (8, 4, 2, 1) if frames % size == 0]

    def scene(side, depth, place):
        grid = (height // side, width // side)
        place = min(place, grid[0] * grid[1] - 1)
        cut = patchify(clip, (depth, side, side))
        one = cut[place].reshape(depth, side, side, 3)
        panels = [
            Clip("click a patch", clip, grid, lines=True, picks="place", picked=place),
            Clip("it alone", one),
        ]
        tokens, numbers = cut.shape
        said = f"{tokens} tokens of {numbers} numbers. Attention compares {tokens * tokens:,} pairs of tokens."
        return panels, said

    controls = [
        Control("side", sides, 1, "rows and columns"),
        Control("depth", deep, 0, "frames"),
        Control("place", range((height // sides[-1]) * (width // sides[-1])), 5, kind="pick"),
    ]
    return moving(controls, scene, "A clip cut into 16 squares by white lines; one is outlined and shown large.")


def latents(model=None, clip=None):
    """Lesson 3: the codec's latents, channel by channel."""
    given = Given(model, clip)
    channels = given.latents.shape[-1]
    colors = matplotlib.colormaps[TWO_WAYS]
    effect = {str(channel): size for channel, size in enumerate(effects(given))}

    def scene(channel):
        values = given.latents[0, ..., channel]  # f, r, c
        depth = len(given.clip) // len(values)
        film = colors((values + 3) / 6)[..., :3].repeat(depth, axis=0)  # F, r, c, 3
        panels = [
            Clip("the clip", given.clip, given.grid, lines=True),
            Clip(f"channel {channel}", film),
            Clip("decoded without it", given.pixels(without(given, channel))),
            Bars("change without each", effect, marked=str(channel)),
        ]
        return panels, f"One of {channels} numbers that each place has: red above 0, blue below."

    start = int(np.argmax(list(effect.values())))
    alt = "A clip, one channel of its latents as 4 by 4 colours, and the clip decoded without that channel."
    return moving([Control("channel", range(channels), start)], scene, alt)


def without(given, channel):
    """The latents of a Given with one channel at its mean everywhere."""
    return np.where(np.arange(given.latents.shape[-1]) == channel, 0, given.latents)


def effects(given):
    """How much the pixels change without each channel: a list of root mean squares."""
    whole = given.pixels(given.latents)
    flat = [given.pixels(without(given, channel)) for channel in range(given.latents.shape[-1])]
    return [float(np.sqrt(np.mean((clip - whole) ** 2))) for clip in flat]


def decoder(model=None, clip=None):
    """Lesson 13: one latent number pushed, and which pixels follow."""
    given = Given(model, clip)
    (rows, columns), channels = given.grid, given.latents.shape[-1]
    before = given.pixels(given.latents)

    def scene(place, channel, push):
        z = given.latents.copy()
        z[:, :, place // columns, place % columns, channel] += push
        after = given.pixels(z)
        change = np.abs(after - before).mean(axis=(0, 3))  # H, W
        panels = [
            Clip("click a place", before, given.grid, lines=True, picks="place", picked=place),
            Clip("decoded, pushed", after),
            Map("which pixels change", change, limits=(0, 0.3), note="bright: by 0.3 of 1 or more"),
        ]
        inside = change.reshape(rows, -1, columns, change.shape[1] // columns).sum(axis=(1, 3)).ravel()
        return panels, f"{inside[place] / max(inside.sum(), 1e-9):.0%} of the change is in the patch itself."

    controls = [
        Control("place", range(rows * columns), columns + 1, kind="pick"),
        Control("channel", range(channels), int(np.argmax(effects(given)))),
        Control("push", PUSHES, PUSHES.index(3.0), "push by"),
    ]
    return moving(controls, scene, "A clip with one place outlined, the clip with a latent pushed there, the change.")


def film(model=None, prompt=PROMPT, seed=0):
    """Lesson 14: patches put back into a clip, at every step of the sampler; it plays and can be scrubbed."""
    model = video_model(model)
    moments, _ = denoising_moments(model, prompt, seed)
    clips = [(t, model.codec.decode(x)[0]) for t, x, _ in moments]
    _, _, height, width, _ = (1, *clips[0][1].shape)
    _, down, across = model.settings.codec.patch
    rows, columns = height // down, width // across

    def scene(step, count):
        t, clip = clips[step]
        there = np.arange(rows * columns).reshape(rows, columns) < count
        shown = np.where(there.repeat(down, 0).repeat(across, 1)[..., None], clip, 0.5)
        panels = [Clip(f"put back, t = {t:.2f}", shown, wide=True)]
        return panels, f"{count} of {rows * columns} patches are in their places."

    controls = [
        Control("count", range(rows * columns + 1), rows * columns // 2 + 2, "patches put back"),
        Control("step", range(len(clips)), len(clips) - 1, "steps of the sampler"),
    ]
    return moving(controls, scene, f"The upper half of a clip's patches, put back into the picture: {prompt}.")
