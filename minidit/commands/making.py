"""What the commands that make clips share: their options, and the way from a model to a file."""

import re
import sys
import tempfile
from pathlib import Path
from time import monotonic

from minidit.commands import arguments as shared
from minidit.errors import UserError
from minidit.files.accepted import SIZES_IN_WORDS
from minidit.files.whole import make_folder

INPUT_NOTES = f"""\
Clips and pictures are read from GIF, PNG, JPEG, WebP, MP4 and NPY files, or from a file per frame: frames/%03d.png. In
an NPY file, they are (frames, height, width, 3) from 0 to 1. They have
{SIZES_IN_WORDS}; what minidit wrote enlarged is shrunk again. A GIF has only
256 colours, and an MP4 blurs them: to keep every colour between two commands, use .webp; to keep every digit, .npy.

--fit resizes a photo or a clip of any other size to the one of these whose shape is nearest. What overhangs is cut off,
the same amount at both ends. MP4 files need PyAV: pip install "minidit[video]".

"""
OUTPUTS = ".gif, .webp, .mp4 or .npy, or a PNG per frame: frames/%%03d.png"
LONGEST_NAME = 100  # characters of a file name made from a prompt


def add_making(command, default, outputs=OUTPUTS, sampled=True):
    """Adds -o, --fps and all options of the model, the sampler and the device.

    Args:
        default: the name of the file if none is given, in words.
        outputs: what the file may be, in words.
        sampled: whether a sampler makes the clip. If not, one step does, and there is nothing to choose.
    """
    command.add_argument(
        "-o", "--out", type=Path, metavar="FILE", help=f"file to write, {outputs} (default: {default})"
    )
    command.add_argument(
        "--fps",
        type=shared.positive_number,
        metavar="N",
        help="frames per second of a GIF (up to 50), WebP or MP4 (up to 60) (default: those of the clip given, or 8)",
    )
    if sampled:
        shared.add_seed(command, "same seed, same clip")
        shared.add_sampling(command)
        command.add_argument(
            "--sampler", metavar="NAME", help="euler, heun, ddim, ddpm or sde (default: the model's)"
        )
    else:
        command.set_defaults(seed=0, steps=1, guidance=None, sampler=None)
    shared.add_checkpoint(command)
    shared.add_device(command)
    shared.add_threads(command, "as the matrix library chooses")
    command.add_argument("--force", action="store_true", help="replace files that exist")


def add_fit(command, what):
    """--fit, for commands that read a picture or a clip."""
    command.add_argument("--fit", action="store_true", help=f"crop and resize {what} to a size that fits, see below")


def add_optional_prompt(command, what):
    """PROMPT, which may be left out: then it becomes the empty string."""
    command.add_argument("prompt", nargs="?", metavar="PROMPT", help=f"{what} (default: the model chooses)")


def make(arguments, outputs, use, runs=1, check=None, fps=None):
    """Makes clips, one by one, with a progress bar, and says where they are.

    Args:
        arguments: of `add_making`, and `prompt` if there is no `check`.
        outputs: files, from `output_paths`. The first clip has the seed of the arguments, the others the next seeds.
        use: called as use(studio, seed=..., steps=..., guidance=..., sampler=..., callback=...), makes a clip.
        runs: how often the sampler runs for a clip.
        check: called as check(studio) before anything is made; by default it reads the prompt.
        fps: the speed of the clip that this is made of, which is kept unless another is asked for; None if unknown.
    """
    from tqdm import tqdm

    from minidit.files.clips import FRAMES_PER_SECOND, save_clip, speed_shown
    from minidit.generation.studio import load

    studio = load(arguments.checkpoint, device="cpu")
    if check is None:
        check_prompt(studio, arguments.prompt)
    else:
        check(studio)
    studio = studio.on(shared.chosen_device(arguments))
    sampling = {name: getattr(arguments, name) for name in ("steps", "guidance", "sampler")}
    total = len(outputs) * runs * (arguments.steps or studio.settings.steps)
    bar = tqdm(total=total, unit="step", leave=False, disable=None)
    with shared.blas_threads(arguments.threads), bar:
        for seed, path in enumerate(outputs, start=arguments.seed):
            begin = monotonic()
            clip = use(studio, seed=seed, callback=lambda *_: bar.update(), **sampling)
            make_folder(path.parent)
            save_clip(path, clip, speed_shown(path, arguments.fps or fps or FRAMES_PER_SECOND))
            frames, height, width, _ = clip.shape
            counted = f"{frames} frame{'s' * (frames > 1)} of {width} x {height}"
            bar.clear()
            print(f"{path}  ({counted}, seed {seed}, {monotonic() - begin:.1f} s)", flush=True)


def file_name(prompt):
    """A file name for a prompt, without its ending: lower-case words joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", prompt.lower())[:LONGEST_NAME].strip("-") or "clip"


def output_paths(arguments, default, count=1, one_frame=False):
    """The files to write: OUT.gif for one clip; OUT-0.gif, OUT-1.gif, … for several.

    Args:
        arguments: with `out`, `fps` and `force`.
        default: the name if none is given.
        count: of clips.
        one_frame: whether they have one frame, so that they may be PNGs.
    Raises:
        UserError: clips can't be written in such files, or as for `check_outputs`; before any work is done.
    """
    from minidit.files.clips import FRAMES_PER_SECOND, checked_ending, speed_shown

    path = arguments.out or Path(default)
    checked_ending(path, one_frame, arguments.fps or FRAMES_PER_SECOND)
    shown = speed_shown(path, arguments.fps or FRAMES_PER_SECOND)
    if arguments.fps and abs(shown / arguments.fps - 1) > 0.01:
        print(
            f"minidit: a GIF counts in hundredths of a second: it shows {shown:.3g} frames per second, not "
            f"{arguments.fps:.3g}. A WebP or MP4 keeps to the number.",
            file=sys.stderr,
        )
    paths = [path] if count == 1 else [path.with_stem(f"{path.stem}-{k}") for k in range(count)]
    check_outputs(paths, arguments.force)
    return paths


def check_outputs(paths, force):
    """Makes sure, before any work is done, that the files of one folder can be written.

    Raises:
        UserError: one exists and `force` is not given, or the folder can't be made or written to.
    """
    from minidit.files.clips import existing_files
    from minidit.files.places import exists, is_folder

    for path in paths:
        if is_folder(path):
            raise UserError(f"{path} is a folder. Give -o the name of a file to write.")
        for existing in existing_files(path)[: not force]:
            raise UserError(f"{existing} exists already. Replace it with --force, or choose another name with -o.")
    folder = paths[0].parent
    there = next(parent for parent in (folder, *folder.parents, Path(folder.anchor)) if exists(parent))
    try:
        tempfile.TemporaryFile(dir=there).close()
    except OSError as error:
        raise UserError(f"can't write to {there}: {error.strerror}. Choose another folder with -o.") from error


def check_prompt(studio, prompt, where=""):
    """Says how a prompt is read, if not word by word; or what is wrong with it, and one that is right.

    Args:
        where: it stands, such as "line 3: ".
    Raises:
        UserError: it can't be shown.
    """
    from minidit.world.prompts import words_of

    try:
        read = studio.check(prompt)
    except UserError as error:
        raise UserError(f"{where}{error}\n         Try: {shared.EXAMPLE}") from error
    if read.split() != words_of(prompt):
        print(f'minidit: {where}read as "{read}"', file=sys.stderr)
