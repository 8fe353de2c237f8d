"""`minidit animate`: from a picture to a clip that begins with it."""

from pathlib import Path

from minidit.commands import arguments as shared
from minidit.commands import making

SUMMARY = "make a video that begins with a picture"
EXAMPLE = 'minidit animate circle.png "a red circle moves right in the day sky" -o moving.gif'


def add_arguments(command):
    """Adds the arguments to the parser of this command; returns notes for its help."""
    command.add_argument("image", type=Path, metavar="IMAGE", help="the first frame, see below")
    command.add_argument("prompt", metavar="PROMPT", help="what happens, in a sentence or a few words")
    shared.add_frames(command, "of the video, IMAGE included")
    making.add_fit(command, "IMAGE")
    making.add_making(command, "IMAGE-animated.gif")
    return making.INPUT_NOTES


def run(arguments):
    """Makes the clip. Its first frame is the picture, unchanged."""
    outputs = making.output_paths(arguments, f"{arguments.image.stem}-animated.gif", one_frame=arguments.frames == 1)
    from minidit.files.reading_clips import read_image

    image = read_image(arguments.image, arguments.fit)

    def animate(studio, **sampling):
        return studio.animate(image, arguments.prompt, frames=arguments.frames, **sampling)

    making.make(arguments, outputs, animate)
