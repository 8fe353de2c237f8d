"""`minidit generate`: from a prompt to a GIF."""

import re
import tempfile
from pathlib import Path
from time import monotonic

from minidit.commands import arguments as shared
from minidit.errors import UserError

SUMMARY = "make a video of what a prompt says, as an animated GIF"
EXAMPLE = f"{shared.EXAMPLE} --seed 3 -o circle.gif"
LONGEST_NAME = 100  # characters of a file name made from a prompt


def add_arguments(command):
    """Adds the arguments to the parser of this command."""
    command.add_argument("prompt", metavar="PROMPT", help="what to show, in words that the model knows")
    command.add_argument(
        "-o", "--out", type=Path, metavar="OUT.gif", help="file to write (default: named after the prompt)"
    )
    shared.add_seed(command, "same seed, same clip")
    shared.add_sampling(command)
    command.add_argument(
        "--sampler", default="euler", metavar="NAME", help="euler, heun, ddim, ddpm or sde (default: euler)"
    )
    command.add_argument(
        "--checkpoint", type=Path, metavar="FILE", help="model, or folder of a training run (default: the shipped one)"
    )
    command.add_argument(
        "--count",
        type=shared.whole_number(1),
        default=1,
        metavar="N",
        help="make several, with this seed and the next ones, in OUT-0.gif, OUT-1.gif, ...",
    )
    shared.add_device(command)
    shared.add_threads(command, "as the matrix library chooses")
    command.add_argument("--force", action="store_true", help="replace files that exist")


def run(arguments):
    """Makes the clips, one by one: each is the same as one made alone with its seed."""
    outputs = output_paths(arguments.out or Path(f"{file_name(arguments.prompt)}.gif"), arguments.count)
    check_outputs(outputs, arguments.force)

    from tqdm import tqdm

    from minidit.clips import save_gif
    from minidit.studio import load

    studio = load(arguments.checkpoint, device="cpu")
    check_prompt(studio, arguments.prompt)
    studio = studio.on(shared.chosen_device(arguments))
    steps = arguments.steps or studio.settings.steps
    bar = tqdm(total=len(outputs) * steps, unit="step", leave=False, disable=None)
    with shared.blas_threads(arguments.threads), bar:
        for seed, path in enumerate(outputs, start=arguments.seed):
            begin = monotonic()
            clip = studio.generate(
                arguments.prompt,
                seed,
                steps,
                arguments.guidance,
                arguments.sampler,
                callback=lambda *_: bar.update(),
            )
            save_gif(path, clip)
            frames, height, width, _ = clip.shape
            seconds = monotonic() - begin
            bar.clear()
            print(f"{path}  ({frames} frames of {width} x {height}, seed {seed}, {seconds:.1f} s)", flush=True)


def file_name(prompt):
    """A file name for a prompt, without its ending: lower-case words joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", prompt.lower())[:LONGEST_NAME].strip("-") or "clip"


def output_paths(path, count):
    """OUT.gif for one clip; OUT-0.gif, OUT-1.gif, … for several.

    Raises:
        UserError: the name doesn't end in .gif.
    """
    if path.suffix.lower() != ".gif":
        raise UserError(f"can't write {path}: clips are written as GIFs. Give -o a name that ends in .gif.")
    return [path] if count == 1 else [path.with_stem(f"{path.stem}-{k}") for k in range(count)]


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


def check_prompt(studio, prompt):
    """Says of a prompt that can't be read what is wrong, and adds one that can."""
    try:
        studio.check(prompt)
    except UserError as error:
        raise UserError(f"{error}\n         Try: {shared.EXAMPLE}") from error
