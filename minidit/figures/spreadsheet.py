"""Sheets of a spreadsheet to lay matrices out on, cell by cell, as `board.py` does on paper.

A matrix that was placed is known by the addresses of its cells, an array of its shape. So a formula is written as the
arithmetic is: `product(weight.T, gradient)` gives one formula for each cell of the result, such as `=E4*J6+E5*J7`.
Every formula is plain arithmetic or a function that LibreOffice, Excel and Google Sheets share, none needs an array,
and its value, computed by NumPy, is stored with it: a viewer that doesn't calculate shows the right numbers.
"""

import io
import re
from datetime import datetime
from importlib.util import find_spec

import numpy as np

from minidit.errors import UserError
from minidit.figures.board import GREY, LOOKS, PALE
from minidit.figures.style import GREEN, INK

CELL, NARROW, ROW = 42, 16, 24  # pixels: a cell's width, that of a column between matrices, a row's height
FONT = {"font_name": "Arial", "font_size": 10, "font_color": INK, "valign": "vcenter"}
SMALL = {"font_size": 8, "font_color": GREY}
RIGHT, WRONG = "#C9EBD9", "#F9C6CE"  # the ground of a blank filled in rightly or wrongly
TOLERANCE = 0.0006  # so three decimals are enough, and an error of 1 in the third is seen

_CREATED = datetime(2026, 1, 1)  # in the file, so that the same input gives the same bytes


def need_xlsxwriter():
    """Raises a UserError unless XlsxWriter is there."""
    if find_spec("xlsxwriter") is None:
        raise UserError(
            "can't write worksheet.xlsx: spreadsheets need XlsxWriter. Install it: pip install \"minidit[figures]\""
        )


class Spreadsheet:
    """A file of sheets, all with the same columns.

    Args:
        title: of the document.
        columns: how many columns a sheet has.
        narrow: numbers of those that only separate matrices.
    """

    def __init__(self, title, columns, narrow):
        need_xlsxwriter()
        import xlsxwriter

        self.file = io.BytesIO()
        self.book = xlsxwriter.Workbook(self.file, {"in_memory": True})
        self.book.set_properties({"title": title, "created": _CREATED})
        self.narrow, self.columns = narrow, columns
        self._formats = {}

    def format(self, **look):
        """A cell's format, made once."""
        key = tuple(sorted(look.items()))
        if key not in self._formats:
            self._formats[key] = self.book.add_format(FONT | look)
        return self._formats[key]

    def bytes(self):
        """The file, closed, as bytes."""
        self.book.close()
        return self.file.getvalue()


class Sheet:
    """One sheet, with a grid of cells. Rows and columns count from 0.

    Args:
        spreadsheet: a Spreadsheet.
        name: on its tab.
        answers: name of the sheet with the answers, if results are to be left blank here and looked up there.
    """

    def __init__(self, spreadsheet, name, answers=None):
        self.spreadsheet, self.name, self.answers = spreadsheet, name, answers
        self.sheet = sheet = spreadsheet.book.add_worksheet(name)
        self.beside = spreadsheet.columns + 2  # how far to the right of a blank its verdict stands
        self.ground = {}  # (row, column) -> colour
        self.steps = []  # (row, column, [ranges of verdicts])
        sheet.hide_gridlines(2)
        sheet.set_default_row(ROW * 0.75)  # points
        sheet.set_column_pixels(0, spreadsheet.columns - 1, CELL)
        for column in spreadsheet.narrow:
            sheet.set_column_pixels(column, column, NARROW)
        sheet.set_paper(8)  # A3
        sheet.fit_to_pages(1, 1)
        sheet.set_margins(0.4, 0.4, 0.4, 0.4)
        sheet.center_horizontally()

    def finish(self, rows, locked):
        """What can be said only when everything is in its place.

        Args:
            rows: how many the sheet has.
            locked: whether blanks alone can be typed into. There is no password: whoever wants to, unlocks it.
        """
        sheet, last = self.sheet, self.spreadsheet.columns - 1
        sheet.print_area(0, 0, rows - 1, last)
        sheet.freeze_panes(2, 0)
        everywhere = f"A1:{address(rows - 1, last)}"
        sheet.ignore_errors({"formula_differs": everywhere, "formula_range": everywhere})  # Excel's green corners
        if locked:
            sheet.protect("", {"format_cells": True, "format_columns": True, "format_rows": True})
        if self.answers:
            for row, column, ranges in (step for step in self.steps if step[2]):
                filled = "+".join(f"COUNTIF({cells},1)" for cells, _ in ranges)
                formula = f"=IF({filled}={sum(count for _, count in ranges)},2,0)"
                sheet.write_formula(row, column + self.beside, formula, None, 0)
            sheet.set_column(self.beside, self.beside + last, None, None, {"hidden": True})
            for verdict, look in (
                (1, {"bg_color": RIGHT, "font_color": GREEN, "bold": True}),
                (-1, {"bg_color": WRONG, "font_color": "#A3102A"}),
                (2, {"bg_color": GREEN}),
            ):
                rule = {"type": "formula", "criteria": f"={address(0, self.beside)}={verdict}"}
                rule["format"] = self.spreadsheet.book.add_format(look)
                sheet.conditional_format(0, 0, rows - 1, last, rule)

    def panel(self, top, left, bottom, right, color):
        """A coloured ground, for what is written on it afterwards."""
        for row in range(top, bottom + 1):
            for column in range(left, right + 1):
                self.ground[row, column] = color
                self.sheet.write_blank(row, column, None, self._format(row, column))

    def _format(self, row, column, **look):
        ground = {"bg_color": self.ground[row, column]} if (row, column) in self.ground else {}
        return self.spreadsheet.format(**(ground | look))

    def write(self, text, row, column, value=None, **look):
        """Writes text into a cell, from where it runs on over the empty ones.

        Args:
            text: or a formula, such as "=A1".
            value: what the formula comes to.
        """
        form = self._format(row, column, **look)
        if text.startswith("=") and value is not None:
            self.sheet.write_formula(row, column, text, form, value)
        else:
            self.sheet.write_string(row, column, text, form)

    def write_two(self, text, note, row, column, **look):
        """Writes text, and a note in grey after it."""
        if not note:
            return self.write(text, row, column, **look)
        bold, grey = self.spreadsheet.format(**look), self.spreadsheet.format(**SMALL)
        self.sheet.write_rich_string(row, column, bold, text, grey, f"  {note}", self._format(row, column, **look))

    def lines(self, text, row, column, **look):
        """Writes small text, a row for each of the lines that "|" separates."""
        for below, line in enumerate(text.split("|")):
            self.write(line, row + below, column, **SMALL, **look)

    def signs(self, text, column, *rows, **look):
        """Writes a sign, such as an arrow, into several rows of a narrow column."""
        for row in rows:
            self.write(text, row, column, **({"align": "center", "font_color": GREY} | look))

    def key(self, look, text, row, column):
        """A look and what it stands for."""
        self.sheet.write_blank(row, column, None, self._cell(row, column, look, True, True))
        self.write(text, row, column + 1, indent=1)

    def step(self, number, title, row, column, note=""):
        """The heading of a step: its number, its title, and what is done. On a sheet with blanks the number's ground
        becomes green when all of the step is right.
        """
        look = {"align": "center", "bold": True, "font_color": "white", "bg_color": INK}
        self.sheet.write_number(row, column, number, self._format(row, column, **look))
        self.write_two(title, note, row, column + 1, bold=True, font_size=12, indent=1)
        self.steps.append((row, column, []))

    def matrix(
        self, name, values, row, column, look="result", formulas=None, note="", below="", shades=False, digits="General"
    ):
        """A matrix whose first cell is there, its name above.

        Args:
            name: written above, with `note` in grey after it and `below` beneath the matrix.
            values: (rows, columns): numbers or words.
            look: one of LOOKS. Where answers are left blank, "result" and "gradient" stay empty.
            formulas: (rows, columns) of formulas without "=", whose values are `values`; None where a matrix is typed.
            shades: whether to show brightness from 0 to 9 as greys.
            digits: how numbers are written, as spreadsheets spell it.
        Returns:
            the addresses of its cells, (rows, columns).
        """
        blank = self.answers and look in ("result", "gradient")
        height, width = values.shape
        places = np.empty((height, width), object)
        for (i, j), value in np.ndenumerate(values):
            edges = {"first": j == 0, "last": j == width - 1}
            digits = "General" if blank else digits
            form = self._cell(row + i, column + j, look, **edges, locked=not blank, num_format=digits)
            place = places[i, j] = address(row + i, column + j)
            value = value if isinstance(value, str) else float(value)
            if blank:
                self.sheet.write_blank(row + i, column + j, None, form)
                self._verdict(row + i, column + j, place)
            elif formulas is None:
                self.sheet.write(row + i, column + j, value, form)
            elif self.answers and look == "copy":  # of what is filled in
                source = formulas[i, j]
                self.sheet.write_formula(row + i, column + j, f'=IF({source}="","",{source})', form, "")
            else:
                self.sheet.write_formula(row + i, column + j, f"={formulas[i, j]}", form, value)
        last = (row + height - 1, column + width - 1)
        if blank:
            corners = address(row, column + self.beside), address(last[0], last[1] + self.beside)
            self.steps[-1][2].append((":".join(corners), height * width))
        if shades and not blank:
            scale = {"min_type": "num", "max_type": "num", "min_value": 0, "max_value": 9}
            scale |= {"type": "2_color_scale", "min_color": "#999999", "max_color": "#FFFFFF"}
            self.sheet.conditional_format(row, column, *last, scale)
        if name:
            self.write_two(name, note, row - 1, column, bold=True, font_size=9, font_color=LOOKS[look][1])
        if below:
            self.write(below, row + height, column, **SMALL)
        return places

    def _cell(self, row, column, look, first, last, **more):
        """The format of a matrix's cell; brackets stand before the first of a row and after the last."""
        ground, color, dashed = LOOKS[look]
        cell = {"border": 4 if dashed else 1, "border_color": PALE, "align": "center", "shrink": True}
        cell |= {"bg_color": ground, "font_color": GREY if look == "copy" else INK} | more
        cell |= {"left": 5, "left_color": color} if first else {}
        cell |= {"right": 5, "right_color": color} if last else {}
        return self._format(row, column, **cell)

    def _verdict(self, row, column, place):
        """Beside a blank, hidden: 1 where it is filled in rightly, -1 where wrongly, 0 where it is empty."""
        right = f"ABS({place}-{self.answers}!{place})<{TOLERANCE}"
        formula = f"=IF(ISBLANK({place}),0,IF(ISNUMBER({place}),IF({right},1,-1),-1))"
        self.sheet.write_formula(row, column + self.beside, formula, None, 0)

    def write_progress(self, row, column, rows):
        """Writes how many of the blanks are filled in rightly."""
        total = sum(count for _, _, ranges in self.steps for _, count in ranges)
        first, last = address(0, self.beside), address(rows - 1, self.beside + self.spreadsheet.columns - 1)
        text = f" of {total} right"
        self.write(f'=COUNTIF({first}:{last},1)&"{text}"', row, column, f"0{text}", bold=True, font_color=GREEN)

    def choose(self, places, source, message):
        """Offers a list for cells, (rows, columns) of addresses, and refuses everything else with a message."""
        rule = {"validate": "list", "source": source, "error_title": self.name, "error_message": message}
        self.sheet.data_validation(area(places), rule)

    def limit(self, places, least, most, message):
        """Takes only numbers from `least` to `most` in cells, (rows, columns) of addresses."""
        rule = {"validate": "decimal", "criteria": "between", "minimum": least, "maximum": most}
        self.sheet.data_validation(area(places), rule | {"error_title": self.name, "error_message": message})

    def warn(self, places, formula):
        """Shows in red which cells, (rows, columns) of addresses, fulfil a formula, written for the first of them."""
        look = self.spreadsheet.book.add_format({"bg_color": WRONG})
        self.sheet.conditional_format(area(places), {"type": "formula", "criteria": f"={formula}", "format": look})


def address(row, column):
    """The name of a cell, such as "C7" for row 6, column 2."""
    from xlsxwriter.utility import xl_rowcol_to_cell

    return xl_rowcol_to_cell(row, column)


# -------------------------------------------------------------------- formulas of matrices, from addresses of cells


def each(template, *matrices):
    """One formula for each cell: `template.format` of the cells there. Matrices of one column serve every column."""
    arrays = np.broadcast_arrays(*matrices)
    return np.vectorize(template.format, otypes=[object])(*arrays)


def product(left, right):
    """The matrix product, (rows, inner) times (inner, columns)."""
    formulas = np.empty((left.shape[0], right.shape[1]), object)
    for i, j in np.ndindex(formulas.shape):
        formulas[i, j] = "+".join(f"{a}*{b}" for a, b in zip(left[i], right[:, j], strict=True))
    return formulas


def row_sums(matrix):
    """The sum of each row, as a column."""
    return np.array([[f"SUM({row[0]}:{row[-1]})"] for row in matrix], object)


def area(matrix, absolute=False):
    """A matrix as a range, such as "B2:C5", or "$B$2:$C$5"."""
    first, last = matrix[0, 0], matrix[-1, -1].rpartition("!")[2]
    if absolute:
        first, last = (re.sub(r"([A-Z]+)(\d+)$", r"$\1$\2", place) for place in (first, last))
    return first if first == last else f"{first}:{last}"
