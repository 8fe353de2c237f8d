"""`minidit edit`: a clip changed by another prompt."""

from pathlib import Path

from minidit.commands import arguments as shared
from minidit.commands import making

SUMMARY = "change a clip to what a prompt says, and keep the rest"
EXAMPLE = 'minidit edit circle.gif "a blue circle moves right in the day sky" --strength 0.9 -o blue.gif'


def add_arguments(command):
    """Adds the arguments to the parser of this command; returns notes for its help."""
    command.add_argument("clip", type=Path, metavar="CLIP", help="of at most 16 frames, see below")
    command.add_argument("prompt", metavar="PROMPT", help="what to show instead, in a sentence or a few words")
    command.add_argument(
        "--strength",
        type=shared.share,
        default=0.9,
        metavar="S",
        help="how much noise to add to the clip first, up to 1: a little keeps it, 1 forgets it (default: 0.9)",
    )
    making.add_fit(command, "CLIP")
    making.add_making(command, "CLIP-edited.gif")
    return making.INPUT_NOTES


def run(arguments):
    """Adds noise to the clip, and takes it away again with the prompt."""
    outputs = making.output_paths(arguments, f"{arguments.clip.stem}-edited.gif")
    from minidit.files.reading_clips import read_clip
    from minidit.generation.canvas import LONGEST

    clip = read_clip(arguments.clip, most=LONGEST, fit=arguments.fit)

    def edit(studio, **sampling):
        return studio.edit(clip, arguments.prompt, strength=arguments.strength, **sampling)

    making.make(arguments, outputs, edit)
