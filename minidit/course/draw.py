"""Drawing for the lessons: a notebook shows each picture at once, with its alt text; a script shows nothing.

    from minidit.course import draw

    draw.matrices(("W", weight), "·", ("x", x), "=", ("y", weight @ x))
    draw.clips({"a clip": clip}, alt="A red circle moves right.")

Each function returns the figure. Where a figure is numbers (all but `clips` and `animation`), its alt text is made from
them; `alt` adds a sentence that describes the picture.
"""

from minidit.course.drawing.charts import bars, curves
from minidit.course.drawing.clips import animation, clips
from minidit.course.drawing.heatmaps import compare, heatmaps
from minidit.course.drawing.matrices import matrices
from minidit.course.drawing.show import in_notebook

__all__ = ["animation", "bars", "clips", "compare", "curves", "heatmaps", "in_notebook", "matrices"]
