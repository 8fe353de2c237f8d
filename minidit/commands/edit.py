"""`minidit edit`: a clip changed by another prompt."""

from pathlib import Path

from minidit.commands import making
from minidit.files.accepted import FRAMES_IN_WORDS

SUMMARY = "change a clip to what a prompt says, and keep the rest"
EXAMPLE = 'minidit edit circle.gif "blue" -o blue.gif'
NOTES = """\
PROMPT may name only what changes: "blue", "a ring", "at night". Color, shape and sky can change; the path stays.

"""


def add_arguments(command):
    """Adds the arguments to the parser of this command; returns notes for its help."""
    command.add_argument("clip", type=Path, metavar="CLIP", help=f"of {FRAMES_IN_WORDS} frames, see below")
    command.add_argument("prompt", metavar="PROMPT", help="what to show instead, in a few words, see below")
    making.add_fit(command, "CLIP")
    making.add_making(command, "CLIP-edited.gif", sampled=False)
    return NOTES + making.INPUT_NOTES


def run(arguments):
    """Changes the clip, and keeps its path."""
    outputs = making.output_paths(arguments, f"{arguments.clip.stem}-edited.gif")
    from minidit.files.reading_clips import read_timed_clip

    clip, fps = read_timed_clip(arguments.clip, at_once=True, fit=arguments.fit)

    def edit(studio, callback, **_):
        callback()
        return studio.edit(clip, arguments.prompt)

    making.make(arguments, outputs, edit, fps=fps)
