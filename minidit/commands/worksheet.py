"""`minidit worksheet`: the fourteen steps by hand."""

import sys

SUMMARY = "print the fourteen steps on integers, to be checked with a pencil"
EXAMPLE = "minidit worksheet"


def add_arguments(command):
    """There are none."""


def run(arguments):
    """Prints the worksheet, in ASCII where standard output takes nothing else."""
    from minidit.worksheet_text import render_worksheet

    text = render_worksheet()
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = render_worksheet(plain=True)
    print(text)
