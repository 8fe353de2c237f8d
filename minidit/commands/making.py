"""What the commands that make clips share: their options, and the way from a model to a file."""

import re
import tempfile
from pathlib import Path
from time import monotonic

from minidit.commands import arguments as shared
from minidit.errors import UserError

INPUT_NOTES = """\
Clips and pictures are read from GIF, PNG and NPY files; in an NPY file, (frames, height, width, 3) from 0 to 1.
Sides are 24 to 64 pixels, multiples of 8; what minidit wrote enlarged is shrunk again. A GIF has only 256 colours:
where nothing may get lost between two commands, write and read .npy.

"""
LONGEST_NAME = 100  # characters of a file name made from a prompt


def add_making(command, default, endings=".gif or .npy"):
    """Adds -o and all options of the model, the sampler and the device.

    Args:
        default: the name of the file if none is given, in words.
        endings: that the file may have, in words.
    """
    command.add_argument(
        "-o", "--out", type=Path, metavar="FILE", help=f"file to write, {endings} (default: {default})"
    )
    shared.add_seed(command, "same seed, same clip")
    shared.add_sampling(command)
    command.add_argument(
        "--sampler", default="euler", metavar="NAME", help="euler, heun, ddim, ddpm or sde (default: euler)"
    )
    command.add_argument(
        "--checkpoint", type=Path, metavar="FILE", help="model, or folder of a training run (default: the shipped one)"
    )
    shared.add_device(command)
    shared.add_threads(command, "as the matrix library chooses")
    command.add_argument("--force", action="store_true", help="replace files that exist")


def add_optional_prompt(command, what):
    """PROMPT, which may be left out: then it becomes the empty string."""
    command.add_argument("prompt", nargs="?", metavar="PROMPT", help=f"{what} (default: the model's choice)")


def make(arguments, outputs, use, runs=1, check=None):
    """Makes clips, one by one, behind a progress bar, and says where they are.

    Args:
        arguments: of `add_making`, and `prompt` if there is no `check`.
        outputs: files, from `output_paths`. The first clip has the seed of the arguments, the others the next ones.
        use: called as use(studio, seed=..., steps=..., guidance=..., sampler=..., callback=...), makes a clip.
        runs: of the sampler for a clip.
        check: called as check(studio) before anything is made; by default it reads the prompt.
    """
    from tqdm import tqdm

    from minidit.files.clips import save_clip
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
            save_clip(path, clip)
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
        arguments: with `out` and `force`.
        default: the name if none is given.
        count: of clips.
        one_frame: whether they are of one frame, so that they may be PNGs.
    Raises:
        UserError: clips can't be written so, or as for `check_outputs`; before any work is done.
    """
    from minidit.files.clips import checked_ending

    path = arguments.out or Path(default)
    checked_ending(path, one_frame)
    paths = [path] if count == 1 else [path.with_stem(f"{path.stem}-{k}") for k in range(count)]
    check_outputs(paths, arguments.force)
    return paths


def check_outputs(paths, force):
    """Makes sure, before any work is done, that the files of one folder can be written.

    Raises:
        UserError: one exists and `force` is not given, or the folder is missing or can't be written to.
    """
    folder = paths[0].parent
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder} to write to. Make it first, or choose another by -o.")
    for path in paths:
        if path.is_dir():
            raise UserError(f"{path} is a folder. Give -o the name of a file to write.")
        if path.exists() and not force:
            raise UserError(f"{path} exists already. Replace it by --force, or choose another name by -o.")
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise UserError(f"can't write to the folder {folder}: {error.strerror}. Choose another by -o.") from error


def check_prompt(studio, prompt, where=""):
    """Says of a prompt that can't be read, and where it stands, what is wrong, and adds one that can."""
    try:
        studio.check(prompt)
    except UserError as error:
        raise UserError(f"{where}{error}\n         Try: {shared.EXAMPLE}") from error
