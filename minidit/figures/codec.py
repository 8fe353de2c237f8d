"""What the visual codec keeps: real frames, their reconstructions, and the differences."""

import numpy as np

from minidit.figures.style import GAP, place, png_bytes, sheet, style, write
from minidit.training.codec import psnr, reconstruction_psnr
from minidit.world import Attributes, render_batch

FILE = "codec.png"
TITLE = "What the visual codec keeps"
ALT = (
    "Three rows of frames from six held-out clips: as rendered, as reconstructed by the codec, and four times their "
    "difference around grey. Beneath each clip its peak signal-to-noise ratio in decibels."
)
NOTE = (
    "The codec turns spacetime patches into latents and back; the diffusion model only ever sees the latents. Sampling "
    "can't bring back what is lost here."
)

CLIPS = (
    Attributes("red", "circle", "left", "day"),
    Attributes("green", "square", "left", "night"),
    Attributes("yellow", "triangle", "up", "sunset"),
    Attributes("blue", "cross", "up", "day"),
    Attributes("white", "ring", "still", "night"),
    Attributes("red", "cross", "left", "sunset"),
)
SEED = 0
GAIN = 4  # of the differences
CELL = 160  # pixels
LABEL, FOOT = 210, 78  # pixels: width of the labels, height of the numbers

# N = clips, F = frames, H = height, W = width


@style()
def draw(model, record):
    """The bytes of the PNG."""
    size, frames = model.settings.size, model.settings.frames
    real = render_batch(CLIPS, np.random.default_rng(SEED), size, frames)  # N, F, H, W, 3
    reconstructed = model.codec.reconstruct(real)  # N, F, H, W, 3
    rows = {
        "rendered": real,
        "reconstructed": reconstructed,
        f"difference × {GAIN}\n(grey: none)": 0.5 + GAIN * (reconstructed - real),
    }

    bottom = GAP + len(rows) * (CELL + GAP)
    figure = sheet(LABEL + len(CLIPS) * (CELL + GAP) + GAP, bottom + FOOT)
    for row, (label, clips) in enumerate(rows.items()):
        top = GAP + row * (CELL + GAP)
        write(figure, label, 12, top + CELL / 2)
        for column, clip in enumerate(clips):
            place(figure, clip[frames // 2], LABEL + column * (CELL + GAP), top, CELL)

    write(figure, "PSNR of the clip", 12, bottom + 18)
    for column, error in enumerate(np.square(reconstructed - real).mean(axis=(1, 2, 3, 4)).tolist()):
        middle = LABEL + column * (CELL + GAP) + CELL / 2
        write(figure, f"{psnr(4 * error):.1f} dB", middle, bottom + 18, ha="center")  # 4: psnr's values span 2
    whole = reconstruction_psnr(model.codec, size, frames, SEED)
    write(figure, f"Over 128 other held-out clips: {whole:.1f} dB", LABEL, bottom + 52)
    return png_bytes(figure)
