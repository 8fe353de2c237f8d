"""`minidit connect`: the frames between two clips."""

from pathlib import Path

from minidit.commands import arguments as shared
from minidit.commands import making

SUMMARY = "make the frames that lead from one clip to another"
EXAMPLE = "minidit connect first.gif second.gif --frames 8 -o both.gif"


def add_arguments(command):
    """Adds the arguments to the parser of this command; returns notes for its help."""
    command.add_argument("first", type=Path, metavar="A", help="the clip that comes first, see below")
    command.add_argument("second", type=Path, metavar="B", help="the clip that comes last, of the same size")
    making.add_optional_prompt(command, "what to show between them")
    command.add_argument(
        "--frames", type=shared.whole_number(1), default=8, metavar="N", help="how many to make, 1 to 8 (default: 8)"
    )
    making.add_fit(command, "A, and B to the size of A,")
    making.add_making(command, "A-to-B.gif")
    return making.INPUT_NOTES


def run(arguments):
    """Makes one clip: the first, the new frames, the second."""
    outputs = making.output_paths(arguments, f"{arguments.first.stem}-to-{arguments.second.stem}.gif")
    from minidit.files.reading_clips import read_clip, read_timed_clip
    from minidit.generation.joining import border_is_made, ends_seen

    first, fps = read_timed_clip(arguments.first, fit=arguments.fit)
    second = read_clip(arguments.second, fit=arguments.fit and first.shape[1:3])

    def connect(studio, **sampling):
        return studio.connect(first, second, frames=arguments.frames, prompt=arguments.prompt, **sampling)

    twice = border_is_made(min(len(first), ends_seen(arguments.frames)), arguments.frames)
    making.make(arguments, outputs, connect, runs=2 if twice else 1, fps=fps)
