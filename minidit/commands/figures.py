"""`minidit figures`: every picture of the README and the lessons."""

from minidit.commands import arguments as shared

SUMMARY = "make the pictures of the README and the lessons"
EXAMPLE = "minidit figures clip samples"


def add_arguments(command):
    """Adds the arguments to the parser of this command."""
    command.add_argument("names", nargs="*", metavar="NAME", help="which (default: all)")
    shared.add_folder(command, "figures")
    shared.add_checkpoint(command)


def run(arguments):
    """Makes the figures."""
    from minidit.figures import draw_figures

    draw_figures(arguments.names, arguments.out, arguments.checkpoint)
