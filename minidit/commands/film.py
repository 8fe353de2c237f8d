"""`minidit film`: a film of several shots, from a script."""

from pathlib import Path

from minidit.commands import arguments as shared
from minidit.commands import making

SUMMARY = "make a film of several shots, from a text file of prompts"
EXAMPLE = "minidit film evening.txt -o evening.gif"
NOTES = """\
SCRIPT has one prompt per line, and each line is a shot. A line that begins with "then" continues from the last frame of
the shot before it; every other line is a cut. Blank lines and lines that begin with # are skipped:

  a red circle moves right in the sunset sky
  then a red circle moves up in the sunset sky
  a white ring stays still in the night sky

"""


def add_arguments(command):
    """Adds the arguments to the parser of this command; returns notes for its help."""
    command.add_argument("script", type=Path, metavar="SCRIPT", help="a text file with one prompt per line, see below")
    shared.add_size(command)
    making.add_making(command, "named after SCRIPT")
    return NOTES


def run(arguments):
    """Makes the shots, each with the next seed, one after the other."""
    outputs = making.output_paths(arguments, f"{arguments.script.stem}.gif")
    from minidit.generation.film import read_script

    shots = read_script(arguments.script)

    def check(studio):
        for shot in shots:
            making.check_prompt(studio, shot.prompt, f"{arguments.script}, line {shot.line}: ")

    def film(studio, **sampling):
        return studio.film(shots, size=arguments.size, **sampling)

    making.make(arguments, outputs, film, runs=len(shots), check=check)
