"""`minidit inpaint`: what is missing of a clip, filled in."""

from pathlib import Path

from minidit.commands import making

SUMMARY = "fill in what a mask marks of a clip"
EXAMPLE = "minidit inpaint circle.gif mask.png -o whole.gif"
NOTES = "Cells of 8 x 8 pixels are made anew if the mask touches them; all others stay as they are.\n"


def add_arguments(command):
    """Adds the arguments to the parser of this command; returns notes for its help."""
    command.add_argument("clip", type=Path, metavar="CLIP", help="of at most 16 frames, see below")
    command.add_argument(
        "mask",
        type=Path,
        metavar="MASK",
        help="a PNG as large as the clip, white where it is to be made anew; or an NPY file of bools",
    )
    making.add_optional_prompt(command, "what is to be seen")
    making.add_making(command, "CLIP-inpainted.gif")
    return NOTES + making.INPUT_NOTES


def run(arguments):
    """Makes every cell that the mask touches anew."""
    outputs = making.output_paths(arguments, f"{arguments.clip.stem}-inpainted.gif")
    from minidit.files.reading_clips import read_clip
    from minidit.files.reading_masks import read_mask
    from minidit.generation.canvas import LONGEST

    clip = read_clip(arguments.clip, most=LONGEST)
    mask = read_mask(arguments.mask, clip.shape)

    def inpaint(studio, **sampling):
        return studio.inpaint(clip, mask, arguments.prompt, **sampling)

    making.make(arguments, outputs, inpaint)
