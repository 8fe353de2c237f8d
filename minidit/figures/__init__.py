"""The pictures of the README and the lessons, each drawn from a checkpoint by one command.

Read `folder.py` first: it draws all figures into a folder and writes the page about them. Each figure is a module:

    FILE, TITLE, ALT, NOTE   the name of its file; its title, its alt text, and what to know when looking at it
    draw(model, record)      the bytes of the file, from a VideoModel and the record of its training
    missing(model, record)   if it needs more than every model has: what isn't there, in words
    more_files()             if it comes in other forms as well, such as a PDF to print: name -> bytes

`style.py` has what they share, `board.py` the page of matrices that `worksheet.py` fills, and `spreadsheet.py` the
sheets that `worksheet_xlsx.py` fills.
"""

from minidit.figures.folder import FIGURES, draw_figures

__all__ = ["FIGURES", "draw_figures"]
