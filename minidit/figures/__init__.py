"""The pictures of the README and the lessons, each drawn from a checkpoint by one command.

Each figure is a module: `FILE` is what it is called, `TITLE`, `ALT` (its alt text) and `NOTE` (what to know when
looking at it) describe it, and `draw(model, record)` returns the bytes of the file. One that needs more than every
model has says by `missing(model, record)` what isn't there; one that comes in other forms as well, such as a PDF to
print, gives them by `more_files()`. `minidit.figures.folder` draws them into a folder.
"""

from minidit.figures.folder import FIGURES, draw_figures

__all__ = ["FIGURES", "draw_figures"]
