"""`minidit loop`: a clip that repeats without a jump."""

from minidit.commands import arguments as shared
from minidit.commands import making

SUMMARY = "make a video that goes there and back, and repeats without a jump"
EXAMPLE = 'minidit loop "a yellow ring drifts up across the night sky" -o loop.gif'


def add_arguments(command):
    """Adds the arguments to the parser of this command."""
    command.add_argument("prompt", metavar="PROMPT", help="what to show, in a sentence or a few words")
    shared.add_frames(command, "to show the prompt in, besides 8 that lead back to the first")
    shared.add_size(command)
    making.add_making(command, "named after the prompt, with -loop")


def run(arguments):
    """Makes a clip, then the frames from its end back to its beginning."""
    outputs = making.output_paths(arguments, f"{making.file_name(arguments.prompt)}-loop.gif")

    def loop(studio, **sampling):
        return studio.loop(arguments.prompt, frames=arguments.frames, size=arguments.size, **sampling)

    making.make(arguments, outputs, loop, runs=3)  # there, back, and the middle of the way back
