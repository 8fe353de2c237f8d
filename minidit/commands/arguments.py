"""Kinds of arguments that commands share."""

import argparse
import math
import os
import re
from contextlib import contextmanager
from pathlib import Path

from minidit.benchmark.machine import available_cores  # noqa: F401  offered to the commands from here
from minidit.files.accepted import MADE_IN_WORDS, SIZES

EXAMPLE = 'minidit generate "a red circle moves right in the day sky"'
MOST_THREADS = 1024
MOST_PROMPTS = 10_000  # their clips take 3 GB
CHECKPOINT = "{}, or folder of a training run (default: the shipped one)"


def add_seed(command, what):
    """--seed, a whole number of at least 0."""
    command.add_argument("--seed", type=whole_number(0), default=0, metavar="N", help=f"{what} (default: 0)")


def add_checkpoint(command, what="model"):
    """--checkpoint, a Path; None for the shipped model."""
    command.add_argument("--checkpoint", type=Path, metavar="FILE", help=CHECKPOINT.format(what))


def add_named_checkpoint(command, what="model"):
    """CHECKPOINT, a Path; None for the shipped model."""
    command.add_argument("checkpoint", nargs="?", type=Path, metavar="CHECKPOINT", help=CHECKPOINT.format(what))


def add_folder(command, name):
    """--out, the folder that a command fills; by default the one of this name."""
    command.add_argument(
        "--out", type=Path, default=Path(name), metavar="DIR", help=f"folder to write to (default: {name})"
    )


def add_prompts(command):
    """--prompts, a number for each split."""
    command.add_argument(
        "--prompts",
        type=whole_number(1, MOST_PROMPTS),
        default=500,
        metavar="N",
        help="this many of seen and this many of held-out combinations (default: 500)",
    )


def add_sampling(command):
    """--steps and --guidance of the sampler; None leaves the choice to the model's settings."""
    command.add_argument(
        "--steps", type=whole_number(1), metavar="N", help="of the sampler, 1 to 100 (default: the model's)"
    )
    command.add_argument(
        "--guidance",
        type=finite_number,
        metavar="G",
        help="how closely to follow the prompt, 0 to 5: 1 is no guidance, 1.5 to 3 are usual (default: the model's)",
    )


def add_frames(command, what):
    """--frames, a whole number of at least 1. The model says whether it can make so many."""
    command.add_argument(
        "--frames",
        type=whole_number(1),
        metavar="N",
        help=f"{what}: {MADE_IN_WORDS} (default: the model's own number)",
    )


def add_size(command):
    """--size, as (height, width), or None for the model's own."""
    command.add_argument(
        "--size",
        type=frame_size,
        metavar="SIZE",
        help=f"WIDTHxHEIGHT of a frame in pixels, one of {', '.join(f'{w}x{h}' for h, w in SIZES)}, or N for a square "
        "(default: the model's own)",
    )


def add_threads(command, default):
    """--threads, a whole number of at least 1; None if it isn't given."""
    command.add_argument(
        "--threads", type=whole_number(1, MOST_THREADS), metavar="N", help=f"how many cores to use (default: {default})"
    )


def add_device(command):
    """--device and --tf32, for `chosen_device`."""
    command.add_argument(
        "--device",
        metavar="NAME",
        help="what computes: cpu, gpu, or simulated (the GPU's code on the CPU, very slowly) "
        "(default: what MINIDIT_DEVICE says, or cpu)",
    )
    command.add_argument(
        "--tf32", action="store_true", help="let a GPU's matrix products round their factors to 10 bits: faster"
    )


def chosen_device(arguments):
    """The array library of the device. A line on standard error names it, unless nothing was asked and it is the CPU.

    Raises:
        UserError: it can't compute here.
    """
    from minidit.backend.device import VARIABLE, announce, choose_device
    from minidit.training.parallel.launcher import speaks

    xp = choose_device(arguments.device, arguments.tf32)
    if (arguments.device or os.environ.get(VARIABLE)) and speaks():
        announce(xp)
    return xp


@contextmanager
def blas_threads(count):
    """Matrix products computed inside use that many threads; with None their library chooses.

    Apple's Accelerate always chooses for itself.
    """
    import numpy  # noqa: F401  only a library that is loaded can be told
    from threadpoolctl import threadpool_limits

    with threadpool_limits(count, user_api="blas"):
        yield


def whole_number(least, most=None):
    """A kind of argument: a whole number from `least` to `most`; None if there is no bound."""

    def parse(text):
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", text) or int(text) < least:
            raise argparse.ArgumentTypeError(f'"{text}" is not a whole number of at least {least}')
        if most is not None and int(text) > most:
            raise argparse.ArgumentTypeError(f'"{text}" is too large: at most {most:,}')
        return int(text)

    return parse


def finite_number(text):
    """A kind of argument: any number but NaN and infinity."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f'"{text}" is not a finite number')
    return number


def frame_size(text):
    """A kind of argument: N, or WIDTHxHEIGHT, as (height, width)."""
    found = re.fullmatch(r"([1-9][0-9]{0,5})(?:[xX×]([1-9][0-9]{0,5}))?", text)
    if not found:
        raise argparse.ArgumentTypeError(f'"{text}" is not a size: give N or WIDTHxHEIGHT in pixels, like 32 or 48x32')
    width, height = found[1], found[2] or found[1]
    return int(height), int(width)


def positive_number(text):
    """A kind of argument: a number above 0, up to a billion."""
    if not 0 < finite_number(text) <= 1e9:
        raise argparse.ArgumentTypeError(f'"{text}" is not a number above 0, up to a billion')
    return float(text)
