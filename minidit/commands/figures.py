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


def run(arguments):
    """Makes the figures."""
    from minidit import figures

    figures.main(arguments.names, arguments.out)
