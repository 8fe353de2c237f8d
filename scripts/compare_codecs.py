"""What the adversarial part of the codec's training changes: trains a preset's codec with and without it.

    python scripts/compare_codecs.py quick

Prints, for held-out clips, the PSNR of the reconstructions, how visible the seams between patches are (the mean
step in brightness across them over that of the real clips, 1 is perfect), and what the verifier reads. Two cores
take two minutes for `quick`.
"""

import argparse
from dataclasses import replace

import numpy as np

from minidit.models import Codec
from minidit.presets import PRESETS
from minidit.training.codec import train_codec
from minidit.world import HELD_OUT, render_batch, verify_batch


def seam_ratio(made, real, rows):
    """Mean absolute step between the rows on both sides of a patch border, relative to the real clips'."""

    def steps(clips):
        return np.abs(np.diff(clips, axis=2))[:, :, rows - 1 :: rows].mean()

    return steps(made) / steps(real)


def main():
    """Trains both and prints a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("preset", choices=PRESETS)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    preset = PRESETS[arguments.preset]
    size, frames = preset.model.size, preset.model.frames
    attributes = HELD_OUT * 4
    real = render_batch(attributes, np.random.default_rng([arguments.seed, 4]), size, frames)
    for name, weight in (("likelihood alone", 0.0), ("with the adversary", preset.codec_training.adversarial_weight)):
        codec = Codec(preset.model.codec, np.random.default_rng(arguments.seed))
        training = replace(preset.codec_training, adversarial_weight=weight)
        psnr = train_codec(codec, training, size, frames, arguments.seed)
        made = codec.reconstruct(real)
        strict = np.mean([reading.strict(a) for reading, a in zip(verify_batch(made), attributes, strict=True)])
        seams = seam_ratio(made, real, preset.model.codec.patch[1])
        print(f"{name:20} PSNR {psnr:.2f} dB   seams {seams:.3f}   strictly right {strict:.1%}")


if __name__ == "__main__":
    main()
