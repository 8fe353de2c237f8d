"""Clips: their frames in a row, or playing."""

import hashlib
import re
from itertools import count

import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.backends.backend_agg import FigureCanvasAgg

from minidit.course.drawing.show import SCALE, WIDTH, as_numbers, drawing, img, in_notebook, lesson_style, publish, show
from minidit.figures.style import place, spread_over, write
from minidit.files.clips import gif_bytes

FRAMES_PER_SECOND = 8
GAP, BETWEEN = 8, 28  # pixels of the picture, as all sizes here
HEADING = 38
FOOT = 32
MOST_STRIP, MOST_PLAYING = 144, 320  # width of a frame
LETTER = 13  # width of one, about
BUTTONS = {
    "minus": "−", "fast-backward": "«", "step-backward": "‹", "play fa-flip-horizontal": "◀", "pause": "❚❚",
    "play": "▶", "step-forward": "›", "fast-forward": "»", "plus": "+",
}  # fmt: skip   instead of an icon font, which would have to be downloaded

PLAY = 'if (!matchMedia("(prefers-reduced-motion: reduce)").matches)'
counter = count()  # of animations: no two on a page share a name

# F = frames, H = height, W = width


@lesson_style()
def clips(clips, *, labels=None, alt):
    """Draws clips, one per row, with time from left to right; at most 8 frames of each.

    Args:
        clips: {title: (F, H, W, 3) in [0, 1]}; a picture (H, W, 3) is a clip of one frame.
        labels: what to write below the columns instead of the numbers of the frames, if there are at most 8.
        alt: the alt text.
    Returns:
        the figure.
    """
    shown = {title: as_clip(clip) for title, clip in clips.items()}
    chosen = {title: spread_over(len(clip)) for title, clip in shown.items()}
    most = max(map(len, chosen.values()))
    cell = {title: cell_width(clip, most, MOST_STRIP) for title, clip in shown.items()}
    heights = [HEADING + cell[title] * clip.shape[1] // clip.shape[2] for title, clip in shown.items()]
    words = max(len(str(title)) for title in shown) * LETTER
    width = max(most * (max(cell.values()) + GAP), min(words, WIDTH * SCALE)) + GAP
    figure = drawing(width / SCALE, (sum(heights) + FOOT) / SCALE, alt)
    top = 0
    for (title, clip), height in zip(shown.items(), heights, strict=True):
        write(figure, str(title), GAP, top + HEADING / 2)
        for column, frame in enumerate(chosen[title]):
            put(figure, clip[frame], GAP + column * (cell[title] + GAP), top + HEADING, cell[title])
        top += height
    last = list(shown)[-1]
    frames = [f"frame {frame}" if column == 0 else str(frame) for column, frame in enumerate(chosen[last])]
    for column, label in enumerate(labels or (frames if most > 1 else ())):
        middle = GAP + column * (cell[last] + GAP) + cell[last] / 2
        write(figure, label, middle, top + FOOT / 2, ha="center", size=9)
    return show(figure)


@lesson_style()
def animation(clips, *, alt, fps=FRAMES_PER_SECOND):
    """Plays clips side by side, over and over; a shorter one waits at its last frame.

    Where scripts may not run, a GIF of the same frames replaces the player.

    Args:
        clips: {title: (F, H, W, 3) in [0, 1]}.
        alt: the alt text.
        fps: frames a second.
    Returns:
        the figure, with the last frame.
    """
    shown = {title: as_clip(clip) for title, clip in clips.items()}
    cell = min(cell_width(clip, len(shown), MOST_PLAYING, BETWEEN) for clip in shown.values())
    words = max(len(str(title)) for title in shown) * LETTER
    column = min(max(cell, words), int(WIDTH * SCALE) // len(shown) - BETWEEN)
    height = max(cell * clip.shape[1] // clip.shape[2] for clip in shown.values())
    figure = drawing(len(shown) * (column + BETWEEN) / SCALE, (HEADING + height + GAP) / SCALE, alt)
    for i, (title, clip) in enumerate(shown.items()):
        left = BETWEEN // 2 + i * (column + BETWEEN)
        write(figure, str(title), left + column / 2, HEADING / 2, ha="center")
        put(figure, clip[0], left + (column - cell) // 2, HEADING, cell)
    images = [axes.images[0] for axes in figure.axes]

    def go_to(frame):
        for image, clip in zip(images, shown.values(), strict=True):
            image.set_data(np.clip(clip[min(frame, len(clip) - 1)], 0, 1))
        return images

    if in_notebook():
        publish({"text/html": player(figure, go_to, max(map(len, shown.values())), fps), "text/plain": figure.alt})
    return figure


def player(figure, go_to, frames, fps):
    """An animation as HTML with buttons. It needs no downloads, and is the same in every new kernel."""
    canvas = FigureCanvasAgg(figure)
    pictures = []
    for frame in range(frames):
        go_to(frame)
        canvas.draw()
        pictures.append(np.asarray(canvas.buffer_rgba())[..., :3].copy())  # height, width, 3
    pictures = np.stack(pictures)  # F, height, width, 3
    page = FuncAnimation(figure, go_to, frames, interval=1000 / fps).to_jshtml(fps=fps, default_mode="loop")
    page = re.sub(r"<link[^>]*>", "", page)
    for name, sign in BUTTONS.items():
        page = page.replace(f'<i class="fa fa-{name}"></i>', sign)
    page = re.sub(r"(anim\w+) = new Animation\([^;]*;", r"\g<0> " + PLAY + r" \1.play_animation();", page)
    own_id = hashlib.sha256(pictures.tobytes()).hexdigest()[:16] + f"n{next(counter)}"
    page = page.replace(re.search(r'id="_anim_img(\w+)"', page)[1], own_id)
    still = img(gif_bytes(pictures / 255, size=1, fps=fps), "gif", figure.alt, round(pictures.shape[2] / SCALE))
    return re.sub(r'<img (id="\w+")>', lambda found: still.replace("<img", f"<img {found[1]}", 1), page)


def put(figure, picture, left, top, width):
    """Puts a picture there, with its upper edge at the top."""
    tall = width * picture.shape[0] // picture.shape[1]
    place(figure, picture, left, top - max(0, width - tall) // 2, width)


def as_clip(clip):
    """A clip (F, H, W, 3) on the CPU."""
    clip = as_numbers(clip).astype(float)
    return clip[None] if clip.ndim == 3 else clip


def cell_width(clip, number, most, gap=GAP):
    """How wide to draw a frame if this many stand side by side: a multiple of its own width, if that fits."""
    room = min(most, int(WIDTH * SCALE) // number - gap)
    return max(1, room // clip.shape[2]) * clip.shape[2]
