"""`minidit generate`: from a prompt to a clip."""

from minidit.commands import arguments as shared
from minidit.commands import making

SUMMARY = "make a video of what a prompt says"
EXAMPLE = f"{shared.EXAMPLE} --seed 3 -o circle.gif"


def add_arguments(command):
    """Adds the arguments to the parser of this command."""
    command.add_argument("prompt", metavar="PROMPT", help="what to show, in a sentence or a few words")
    shared.add_frames(command, "how many to make")
    shared.add_size(command)
    command.add_argument(
        "--count",
        type=shared.whole_number(1, 10_000),
        default=1,
        metavar="N",
        help="make several, with this seed and the next ones, in OUT-0.gif, OUT-1.gif, ...",
    )
    making.add_making(command, "named after the prompt")


def run(arguments):
    """Makes the clips, one by one: each is the same as one made alone with its seed."""
    name = f"{making.file_name(arguments.prompt)}.gif"
    outputs = making.output_paths(arguments, name, arguments.count, one_frame=arguments.frames == 1)

    def generate(studio, **sampling):
        return studio.generate(arguments.prompt, frames=arguments.frames, size=arguments.size, **sampling)

    making.make(arguments, outputs, generate)
