"""Drawing for the lessons: a notebook shows each picture at once, with its alt text; a script shows nothing.

    from minidit.course import draw

    draw.matrices(("W", weight), "·", ("x", x), "=", ("y", weight @ x), alt="W times x gives y, which is …")

Each function takes `alt`, a sentence or two that describe the picture, and returns the figure.
"""

from minidit.course.drawing.charts import bars, curves
from minidit.course.drawing.clips import animation, clips
from minidit.course.drawing.heatmaps import compare, heatmaps
from minidit.course.drawing.matrices import matrices
from minidit.course.drawing.show import in_notebook

__all__ = ["animation", "bars", "clips", "compare", "curves", "heatmaps", "in_notebook", "matrices"]
