"""`minidit inpaint`: a part of a clip replaced."""

from pathlib import Path

from minidit.commands import making
from minidit.files.accepted import FRAMES_IN_WORDS

SUMMARY = "replace the part of a clip that a mask marks"
EXAMPLE = "minidit inpaint circle.gif mask.png -o whole.gif"
NOTES = "If the mask touches a cell of 8 x 8 pixels, the whole cell is replaced; all others stay as they are.\n"


def add_arguments(command):
    """Adds the arguments to the parser of this command; returns notes for its help."""
    command.add_argument("clip", type=Path, metavar="CLIP", help=f"of {FRAMES_IN_WORDS} frames, see below")
    command.add_argument(
        "mask",
        type=Path,
        metavar="MASK",
        help="a picture as large as the clip, white where it is to be replaced; or an NPY file of bools",
    )
    making.add_optional_prompt(command, "what to show")
    making.add_fit(command, "CLIP, and MASK in the same way,")
    making.add_making(command, "CLIP-inpainted.gif")
    return NOTES + making.INPUT_NOTES


def run(arguments):
    """Replaces every cell that the mask touches."""
    outputs = making.output_paths(arguments, f"{arguments.clip.stem}-inpainted.gif")
    from minidit.files.reading_clips import read_timed_clip
    from minidit.files.reading_masks import read_mask

    clip, fps = read_timed_clip(arguments.clip, at_once=True, fit=arguments.fit)
    mask = read_mask(arguments.mask, clip.shape, arguments.fit)

    def inpaint(studio, **sampling):
        return studio.inpaint(clip, mask, arguments.prompt, **sampling)

    making.make(arguments, outputs, inpaint, fps=fps)
