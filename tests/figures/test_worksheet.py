import io
import re
from collections import Counter
from dataclasses import fields
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from PIL import Image

from minidit.figures import worksheet
from minidit.figures.board import LOOKS, PRINTED, Board, digits
from minidit.figures.style import small_png_bytes, style
from minidit.worksheet import STEPS, Gradients, Weights, solve

SHEET = solve()
FOLDER = Path(__file__).parents[2] / "figures"


@pytest.fixture(scope="module")
def drawn():
    """The page and its blank: the Board, and all calls of Board.matrix, (name, array, look)."""
    pages = {}
    for blank in (False, True):
        calls, original = [], Board.matrix

        def noted(self, name, array, x, y, look="result", *rest, calls=calls, original=original, **more):
            calls.append((name, array, look))
            original(self, name, array, x, y, look, *rest, **more)

        with style(), pytest.MonkeyPatch.context() as patch:
            patch.setattr(Board, "matrix", noted)
            board = worksheet.page(blank)
            FigureCanvasAgg(board.figure).draw()
        pages[blank] = board, calls
    return pages


def texts(board):
    return [text for text in board.axes.texts if text.get_text()]


def shown(calls, array):
    return any(array.shape == other.shape and (array == other).all() for _, other, _ in calls)


def test_all_fourteen_steps_are_there(drawn):
    for board, _ in drawn.values():
        found = [text.get_text() for text in texts(board)]
        for number, title in enumerate(STEPS, start=1):
            assert title in found and str(number) in found


def test_every_matrix_of_the_worksheet_is_on_the_page(drawn):
    _, calls = drawn[False]
    for group, kind in ((SHEET.weights, Weights), (SHEET.gradients, Gradients)):
        for field in fields(kind):
            assert shown(calls, getattr(group, field.name)), field.name
    for name in (
        "patches encoder_before_relu latent noise noised condition scale shift conditioned queries keys attention "
        "pooled predicted updated_weight updated_bias denoised as_told decoder_before_relu decoded"
    ).split():
        assert shown(calls, getattr(SHEET, name)), name
    for video in (SHEET.video, SHEET.generated, SHEET.perfect_video):
        assert all(shown(calls, frame) for frame in video)


def test_frozen_and_learned_matrices_are_told_apart(drawn):
    _, calls = drawn[False]
    for field in fields(Weights):
        expected = "frozen" if field.name.startswith(("encoder", "decoder")) else "learned"
        weight = getattr(SHEET.weights, field.name)
        found = {look for _, array, look in calls if array.shape == weight.shape and (array == weight).all()}
        assert expected in found, field.name


def test_the_numbers_on_the_page_are_those_of_its_matrices(drawn):
    board, calls = drawn[False]
    cells = Counter(digits(value) for _, array, _ in calls for value in array.ravel())
    cells += Counter(str(number) for number in range(1, 15))  # of the steps
    number = re.compile(r"−?[\d.]+")
    assert Counter(t.get_text() for t in texts(board) if number.fullmatch(t.get_text())) == cells


def test_the_blank_page_has_the_same_matrices_but_only_given_numbers(drawn):
    (_, answers), (blank, calls) = drawn[False], drawn[True]
    assert [(name, look) for name, _, look in calls] == [(name, look) for name, _, look in answers]
    cells = Counter(digits(value) for _, array, look in calls if look in PRINTED for value in array.ravel())
    cells += Counter(str(number) for number in range(1, 15))
    number = re.compile(r"−?[\d.]+")
    assert Counter(t.get_text() for t in texts(blank) if number.fullmatch(t.get_text())) == cells
    assert not any("3.5" in text.get_text() or "3.15" in text.get_text() for text in texts(blank))


@pytest.mark.parametrize("blank", [False, True])
def test_no_text_overlaps_another_or_leaves_the_page(drawn, blank):
    board, _ = drawn[blank]
    with style():
        found = [text.get_text() for text in texts(board)]
        left, bottom, right, top = np.array([text.get_window_extent().extents for text in texts(board)]).T
    width, height = board.figure.get_size_inches() * board.figure.dpi
    assert left.min() > 0 and right.max() < width and bottom.min() > 0 and top.max() < height
    across = np.minimum.outer(right, right) - np.maximum.outer(left, left)  # texts, texts
    down = np.minimum.outer(top, top) - np.maximum.outer(bottom, bottom)
    overlapping = np.triu((across > 1) & (down > 5), 1)  # letters don't fill their boxes' height
    assert [(found[i], found[j]) for i, j in np.argwhere(overlapping)] == []


def test_numbers_fit_into_their_cells(drawn):
    board, _ = drawn[False]
    with style():
        widths = {t.get_text(): t.get_window_extent().width for t in texts(board) if t.get_ha() == "center"}
    cell = 7 / 25.4 * board.figure.dpi
    assert all(width < cell for text, width in widths.items() if re.fullmatch(r"−?\d{1,2}", text))


def test_the_page_is_a3_and_its_files_are_small():
    picture = Image.open(io.BytesIO(data := worksheet.draw(None, {})))
    assert picture.size == (2480, 1753)
    assert len(data) < 250_000
    more = worksheet.more_files()
    assert sorted(more) == ["worksheet.pdf", "worksheet.xlsx", "worksheet_blank.pdf", "worksheet_blank.png"]
    begins = {"pdf": b"%PDF", "png": b"\x89PNG", "xlsx": b"PK"}
    for name, content in more.items():
        assert len(content) < 200_000
        assert f"({name})" in worksheet.NOTE
        assert content.startswith(begins[name.rpartition(".")[2]])
    assert b"/MediaBox [ 0 0 1190.55" in more["worksheet.pdf"]
    assert b"CreationDate" not in more["worksheet.pdf"]


@pytest.mark.parametrize("name", ["worksheet.png", "worksheet_blank.png"])
def test_the_picture_keeps_the_colours_that_tell_matrices_apart(name):
    shown = np.asarray(Image.open(FOLDER / name).convert("RGB")).reshape(-1, 3).astype(int)
    for ground, color, _ in LOOKS.values():
        for wanted in (ground, color):
            distance = np.abs(shown - np.rint(np.array(to_rgb(wanted)) * 255).astype(int)).max(axis=1)
            assert (distance <= 4).sum() > 1000, wanted


@style()
def test_a_page_gives_the_same_bytes_every_time():
    def drawn():
        board = Board(100, 50, blank=False)
        board.step(1, "A step", 10, 10, "what is done")
        board.matrix("W", SHEET.weights.encoder_weight, 10, 25, "frozen")
        board.arrow((50, 25), (60, 25))
        return board.pdf(), small_png_bytes(board.figure, 16)

    assert drawn() == drawn()


@pytest.mark.parametrize(
    "name", ["worksheet.png", "worksheet.pdf", "worksheet_blank.png", "worksheet_blank.pdf", "worksheet.xlsx"]
)
def test_the_pages_lie_in_the_folder_of_figures(name):
    assert (FOLDER / name).exists()
    assert name in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_the_looks_differ_in_more_than_colour():
    assert LOOKS["copy"][2] and not LOOKS["result"][2]  # dashed
    names = {name for name, (_, color, _) in LOOKS.items() if color == LOOKS["frozen"][1]}
    assert names == {"frozen"}


def test_numbers_are_written_with_a_real_minus_sign():
    assert [digits(value) for value in (np.int64(-3), 4, Fraction(986, 1000), Fraction(-1012, 1000))] == [
        "−3", "4", "0.986", "−1.012",
    ]  # fmt: skip
