"""`minidit image`: from a prompt to a picture."""

from minidit.commands import arguments as shared
from minidit.commands import making

SUMMARY = "make a picture of what a prompt says"
EXAMPLE = 'minidit image "a red circle in the day sky" -o circle.png'


def add_arguments(command):
    """Adds the arguments to the parser of this command."""
    command.add_argument("prompt", metavar="PROMPT", help="what to show, in a sentence or a few words")
    shared.add_size(command)
    making.add_making(command, "named after the prompt", ".png, .webp, .gif, .mp4 or .npy")


def run(arguments):
    """Makes a clip of one frame."""
    outputs = making.output_paths(arguments, f"{making.file_name(arguments.prompt)}.png", one_frame=True)

    def image(studio, **sampling):
        return studio.image(arguments.prompt, size=arguments.size, **sampling)

    making.make(arguments, outputs, image)
