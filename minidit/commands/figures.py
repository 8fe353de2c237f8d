"""`minidit figures`: every picture of the README and the lessons."""

from pathlib import Path

SUMMARY = "make the pictures of the README and the lessons"
EXAMPLE = "minidit figures clip samples"


def add_arguments(command):
    """Adds the arguments to the parser of this command."""
    command.add_argument("names", nargs="*", metavar="NAME", help="which (default: all)")
    command.add_argument(
        "--out", type=Path, default=Path("figures"), metavar="DIR", help="folder to write to (default: figures)"
    )
    command.add_argument(
        "--checkpoint", type=Path, metavar="FILE", help="model, or folder of a training run (default: the shipped one)"
    )


def run(arguments):
    """Makes the figures."""
    from minidit.figures import draw_figures

    draw_figures(arguments.names, arguments.out, arguments.checkpoint)
