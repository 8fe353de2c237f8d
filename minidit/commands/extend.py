"""`minidit extend`: what comes after a clip, and what comes before it."""

from pathlib import Path

from minidit.commands import arguments as shared
from minidit.commands import making
from minidit.errors import UserError
from minidit.files.accepted import MOST_FRAMES

SUMMARY = "make a clip longer, at its end or at its beginning"
EXAMPLE = 'minidit extend circle.gif "a red circle moves right in the day sky" --forward 8 -o longer.gif'


def add_arguments(command):
    """Adds the arguments to the parser of this command; returns notes for its help."""
    command.add_argument("clip", type=Path, metavar="CLIP", help="of any length, see below")
    making.add_optional_prompt(command, "what to show")
    for name, where in (("forward", "end"), ("backward", "beginning")):
        command.add_argument(
            f"--{name}", type=shared.whole_number(0, MOST_FRAMES), default=0, metavar="N",
            help=f"how many frames to add at the {where} (default: 0)",
        )  # fmt: skip
    making.add_fit(command, "CLIP")
    making.add_making(command, "CLIP-extended.gif")
    return making.INPUT_NOTES


def run(arguments):
    """Makes the frames, a few at once. The clip's own frames stay as they are."""
    forward, backward = arguments.forward, arguments.backward
    if forward + backward == 0:
        raise UserError("there is nothing to add: say how many frames with --forward N, --backward N, or both.")
    outputs = making.output_paths(arguments, f"{arguments.clip.stem}-extended.gif")
    from minidit.files.reading_clips import read_timed_clip
    from minidit.files.sizes import check_frames
    from minidit.generation.joining import pieces

    clip, fps = read_timed_clip(arguments.clip, fit=arguments.fit)

    check_frames("the longer clip", backward + len(clip) + forward)

    def extend(studio, **sampling):
        return studio.extend(clip, arguments.prompt, forward=forward, backward=backward, **sampling)

    ahead, behind = list(pieces(len(clip), forward)), list(pieces(len(clip) + forward, backward))
    making.make(arguments, outputs, extend, runs=len(ahead + behind), fps=fps)
