import base64
import io
import re
import subprocess
import sys
from fractions import Fraction

import matplotlib
import nbformat
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from minidit.course import draw
from minidit.course.drawing import clips, show
from minidit.course.drawing.heatmaps import color_scale, panel_size, texts_of
from minidit.course.drawing.matrices import CELL, number
from minidit.course.execution import execute, lacks_alt
from minidit.worksheet import solve

SHEET = solve()
RNG = np.random.default_rng(0)
CLIP = RNG.random((9, 4, 6, 3))  # F, H, W, 3
WEIGHT, PATCHES = SHEET.weights.encoder_weight, SHEET.patches
ALT = 'W · x, with "quotes" & <signs>'
DRAWINGS = {
    "matrices": lambda: draw.matrices(("W", WEIGHT), "·", ("x", PATCHES), alt=ALT),
    "heatmaps": lambda: draw.heatmaps({"A": SHEET.attention}, alt=ALT, xlabel="key", ylabel="query"),
    "compare": lambda: draw.compare(SHEET.latent, SHEET.latent + 1, alt=ALT),
    "clips": lambda: draw.clips({"a clip": CLIP}, alt=ALT),
    "animation": lambda: draw.animation({"a clip": CLIP[:4]}, alt=ALT),
    "curves": lambda: draw.curves([0, 1], {"a": [1, 2], "b": [2, 1]}, alt=ALT, xlabel="t", ylabel="loss"),
    "bars": lambda: draw.bars({"a": 1.5, "b": -2}, alt=ALT, ylabel="size"),
}


@pytest.fixture
def published(monkeypatch):
    """As in a notebook; returns the outputs, (bundle, metadata), in the order in which they appear."""
    outputs = []
    for module in (show, clips):
        monkeypatch.setattr(module, "in_notebook", lambda: True)
        monkeypatch.setattr(module, "publish", lambda bundle, metadata=None: outputs.append((bundle, metadata)))
    return outputs


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts] + [text.get_text() for text in figure.texts]


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_script_shows_nothing_and_gets_the_figure(name, capsys):
    figure = DRAWINGS[name]()
    assert figure.alt.startswith(ALT)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_notebook_gets_one_picture_with_the_alt_text_in_its_html(name, published):
    DRAWINGS[name]()
    ((bundle, metadata),) = published
    assert re.search(r'<img\b[^>]*\balt="W · x, with &quot;quotes&quot; &amp; &lt;signs&gt;[ "]', bundle["text/html"])
    assert bundle["text/plain"].startswith(ALT)
    if name != "animation":
        assert metadata["image/png"]["alt"] == bundle["text/plain"]
        assert base64.b64encode(bundle["image/png"]).decode() in bundle["text/html"]


@pytest.mark.parametrize("name", [name for name in DRAWINGS if name != "animation"])
def test_a_picture_is_small_in_bytes_and_no_wider_than_a_cell(name, published):
    DRAWINGS[name]()
    ((bundle, metadata),) = published
    image = Image.open(io.BytesIO(bundle["image/png"]))
    assert len(bundle["image/png"]) < 40_000
    assert metadata["image/png"]["width"] == round(image.width / show.SCALE) <= show.WIDTH + 20
    edges = np.asarray(image.convert("L"))
    assert all((edge == 255).all() for edge in (edges[0], edges[-1], edges[:, 0], edges[:, -1]))  # nothing is cut off


@pytest.mark.parametrize("name", DRAWINGS)
def test_the_same_drawing_gives_the_same_output(name, published, monkeypatch):
    for _ in range(2):
        monkeypatch.setattr(clips, "counter", iter(range(9)))
        DRAWINGS[name]()
    assert published[0] == published[1]


@pytest.mark.parametrize("alt", ["", "  ", None])
@pytest.mark.parametrize("drawn", [draw.clips, draw.animation])
def test_a_clip_without_an_alt_text_is_refused(drawn, alt):
    with pytest.raises(ValueError, match="needs an alt text"):
        drawn({"a clip": CLIP}, alt=alt)


@pytest.mark.parametrize(
    ("figure", "alt"),
    [
        (lambda: draw.matrices(("W", [[1, -2], [0, 3]]), "->", ("v", [4, 5])), "W (2 × 2): 1 −2; 0 3. → v (2,): 4 5."),
        (lambda: draw.matrices(("loss", Fraction(7, 2))), "loss: 3.5."),
        (lambda: draw.bars({"a": 1.2345, "b": -2}, ylabel="size"), "size: a 1.23; b −2."),
        (
            lambda: draw.curves([0, 1, 2], {"a": [3, 1, 2], "b": [1, 2, 4]}, xlabel="t", ylabel="loss"),
            "loss against t. a: from 3 at 0 to 2 at 2, lowest 1 at 1. b: from 1 at 0 to 4 at 2.",
        ),
        (
            lambda: draw.curves([0, 1, 2], {"a": [np.nan, 1, 2]}, xlabel="t", ylabel="loss"),
            "loss against t. a: from 1 at 1 to 2 at 2.",
        ),
        (lambda: draw.heatmaps({"A": np.eye(2)}), "A (2 × 2): 1 0; 0 1."),
        (lambda: draw.heatmaps({"A": np.linspace(-1, 2, 81).reshape(9, 9)}), "A (9 × 9): −1 to 2."),
        (
            lambda: draw.compare(np.ones((1, 2)), np.zeros((1, 2)), alt="Not alike."),
            "Not alike. yours (1 × 2): 1 1. expected (1 × 2): 0 0. difference, at most 1 (1 × 2): 1 1.",
        ),
    ],
)
def test_the_alt_text_of_numbers_is_made_from_them(figure, alt):
    assert figure().alt == alt


@pytest.mark.parametrize("name", DRAWINGS)
def test_the_user_s_settings_of_matplotlib_are_neither_used_nor_changed(name, published):
    DRAWINGS[name]()
    with matplotlib.rc_context({"font.size": 30}):
        before = dict(matplotlib.rcParams)
        DRAWINGS[name]()
        assert dict(matplotlib.rcParams) == before
    if name != "animation":
        assert published[0] == published[1]


def test_drawing_does_without_pyplot():
    code = "import sys; from minidit.course import draw; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_real_notebook_shows_each_drawing_once_though_it_is_the_last_value(tmp_path):
    cells = [
        "import matplotlib.pyplot as plt\nimport numpy as np\nfrom minidit.course import draw",
        f"draw.matrices(('W', np.eye(2)), alt={ALT!r})",
        "draw.animation({'a': np.zeros((2, 4, 4, 3))}, alt='a clip that plays')",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    execute(notebook, tmp_path, "drawn")
    first, second, third = (cell.outputs for cell in notebook.cells)
    assert first == []
    assert [list(output.data) for output in second] == [["text/html", "image/png", "text/plain"]]
    assert [list(output.data) for output in third] == [["text/html", "text/plain"]]
    assert not any(map(lacks_alt, second + third))


def test_a_matrix_has_all_its_numbers_its_name_and_its_shape():
    figure = draw.matrices(("W", WEIGHT), "->", ("latent", SHEET.latent), alt="two")
    cells = [str(value).replace("-", "−") for value in (*WEIGHT.ravel(), *SHEET.latent.ravel())]
    assert sorted(texts(figure)) == sorted([*cells, "W", "latent", "2 × 4", "2 × 4", "→"])


def test_a_negative_number_is_told_by_its_sign_as_well_as_its_colour():
    assert [number(value) for value in (-3, -0.5, -0.0, 0, Fraction(7, 2), 1234.5)] == [
        "−3", "−0.5", "0", "0", "7/2", "1.23e+03",
    ]  # fmt: skip


def test_what_is_not_a_plain_matrix_can_be_drawn_too():
    assert "(3,)" in texts(draw.matrices(("v", [1, 2, 3]), alt="a vector"))
    assert "3.5" in texts(draw.matrices(("loss", Fraction(7, 2)), alt="a number"))
    video = texts(draw.matrices(("video", SHEET.video), alt="two frames"))
    assert {"video[0]", "video[1]", "2 × 2 × 4"} <= set(video)
    with pytest.raises(ValueError, match="clip has 4 axes; a matrix on a board has at most 3"):
        draw.matrices(("clip", CLIP), alt="too many axes")


def test_a_large_matrix_is_drawn_by_its_first_and_last_rows_and_columns():
    array = np.arange(40 * 50).reshape(40, 50)
    shown = texts(draw.matrices(("x", array), alt="much"))
    assert {"0", "1999", "…", "⋮", "40 × 50"} <= set(shown)
    assert "600" not in shown


def test_a_long_equation_goes_on_in_a_second_line():
    parts = [part for i in range(9) for part in ((f"x{i}", PATCHES), "+")][:-1]
    one, many = (draw.matrices(*chosen, alt="a sum") for chosen in (parts[:3], parts))
    width, height = many.get_size_inches() * show.PAGE_DPI
    assert width <= show.WIDTH
    assert height > 2 * one.get_size_inches()[1] * show.PAGE_DPI - 2 * CELL


def test_the_colours_are_shared_unless_told_otherwise():
    arrays = {"small": np.ones((3, 3)) * np.arange(3), "large": np.ones((3, 3)) * np.arange(3) * 10}
    ends = [
        [axes.images[0].get_clim() for axes in draw.heatmaps(arrays, alt="two", shared=shared).axes if axes.images]
        for shared in (True, False)
    ]
    assert ends == [[(0, 20), (0, 20)], [(0, 2), (0, 20)]]


@pytest.mark.parametrize("shape", [(4, 4), (16, 16), (24, 3), (4, 32), (1, 5)])
@pytest.mark.parametrize("settings", [{}, {"columns": 1}, {"shared": False, "columns": 2}, {"xlabel": "key"}], ids=str)
def test_titles_and_labels_lie_within_the_figure(shape, settings):
    arrays = {f"a title {i}": np.linspace(-i, 1, shape[0] * shape[1]).reshape(shape) for i in range(3)}
    with show.lesson_style():
        figure = draw.heatmaps(arrays, alt="three", **settings)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        boxes = [axes.get_tightbbox(canvas.get_renderer()) for axes in figure.axes if axes.axison]
    left, bottom, right, top = np.array([box.extents for box in boxes]).T
    width, height = canvas.get_width_height()
    assert left.min() >= 0 and bottom.min() >= 0 and right.max() <= width and top.max() <= height


def test_zero_is_the_middle_of_the_colours_where_numbers_are_negative():
    assert color_scale([np.array([-1.0, 3.0])], None)["vmin"] == -3
    assert color_scale([np.array([1.0, 3.0])], None)["vmin"] == 1
    assert color_scale([np.array([1.0, 3.0])], True)["vmin"] == -3
    assert color_scale([np.array([1.0, np.nan, np.inf])], None) == {"cmap": "cividis", "vmin": 0, "vmax": 1}
    assert color_scale([np.zeros(3)], None)["vmax"] == 1


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (8, 64), (128, 3), (1, 500), (500, 1)])
@pytest.mark.parametrize("columns", [1, 3, 4])
def test_panels_are_neither_slivers_nor_too_large(shape, columns):
    wide, tall = panel_size({"x": np.zeros(shape)}, columns)
    assert 45 <= wide <= show.WIDTH / columns
    assert 45 <= tall <= 231


def test_the_numbers_in_a_small_heat_map_have_two_digits_of_the_largest():
    assert texts_of(np.array([[8.25, -0.069]]), 8.25) == [["8.2", "−0.1"]]
    assert texts_of(np.array([[3.0, -120.0]]), 120) == [["3", "−120"]]
    assert "−5" in texts(draw.heatmaps({"A": SHEET.attention}, alt="with numbers"))
    assert texts(draw.heatmaps({"A": np.zeros((9, 9))}, alt="without")) == []
    assert texts(draw.heatmaps({"A": np.full((2, 2), np.nan)}, alt="without")) == []


def test_a_comparison_shows_the_difference_or_that_there_is_none():
    def titles(got, expected):
        return [axes.get_title(loc="left") for axes in draw.compare(got, expected, alt="both").axes if axes.images]

    assert titles(np.ones((2, 3)), np.ones((2, 3))) == ["yours", "expected", "difference: none"]
    assert titles(np.ones(3), np.array([1, 1, 3.5])) == ["yours", "expected", "difference, at most 2.5"]
    assert titles(np.ones((2, 3, 4)), np.ones((4, 6))) == ["yours", "expected"]
    assert titles(2, 2) == ["yours", "expected", "difference: none"]
    assert draw.compare(np.zeros((0, 3)), np.zeros((0, 3)), alt="nothing") is None


def test_nothing_can_not_be_drawn_as_a_heat_map():
    with pytest.raises(ValueError, match="x is empty"):
        draw.heatmaps({"x": np.zeros((0, 3))}, alt="nothing")


def test_a_strip_holds_eight_frames_in_square_pixels(published):
    figure = draw.clips({"a clip": CLIP, "a picture": CLIP[0]}, alt="strips")
    assert len([axes for axes in figure.axes if axes.images]) == 8 + 1
    image = np.asarray(Image.open(io.BytesIO(published[0][0]["image/png"])).convert("RGB"))
    assert image.shape[1] / show.SCALE <= show.WIDTH
    factor = clips.cell_width(CLIP, 8, 144) // 6
    first = np.rint(CLIP[0] * 255).repeat(factor, axis=0).repeat(factor, axis=1)  # H, W, 3
    rows, columns = np.nonzero((np.abs(image - first[0, 0]) < 16).all(axis=-1))
    top, left = rows[0], columns[rows == rows[0]][0]
    shown = image[top : top + first.shape[0], left : left + first.shape[1]]
    assert np.abs(shown - first).max() < 32  # 256 colours


def test_the_columns_of_a_strip_are_frames_unless_labelled():
    assert texts(draw.clips({"a clip": CLIP[:3]}, alt="frames")) == ["a clip", "frame 0", "1", "2"]
    labelled = draw.clips({"seen": CLIP[:2], "guessed": CLIP[:2]}, labels=["t = 0", "t = 1"], alt="times")
    assert texts(labelled) == ["seen", "guessed", "t = 0", "t = 1"]


def test_an_animation_is_self_contained_and_plays_by_itself(published):
    draw.animation({"one": CLIP, "two": CLIP[:3]}, alt="two clips")
    page = published[0][0]["text/html"]
    assert len(page) < 400_000
    assert "http" not in page.replace("http://www.w3.org", "")
    assert "fa-" not in page
    assert page.count("data:image/png;base64") == 9
    assert re.search(r"\(prefers-reduced-motion: reduce\)\"\)\.matches\) anim\w+\.play_animation\(\);", page)
    gif = Image.open(io.BytesIO(base64.b64decode(re.search(r"data:image/gif;base64,([^\"]*)", page)[1])))
    assert gif.n_frames == 9


def test_two_animations_of_one_clip_do_not_steer_each_other(published):
    for _ in range(2):
        DRAWINGS["animation"]()
    first, second = (re.search(r'<img id="(\w+)"', bundle["text/html"])[1] for bundle, _ in published)
    assert first != second


def test_curves_differ_in_dash_and_marker_too():
    lines = {f"curve {i}": [i, i + 1] for i in range(4)}
    (axes,) = draw.curves([0, 1], lines, alt="four", xlabel="x", ylabel="y", points=True, logy=True).axes
    assert len({str(line._dash_pattern) for line in axes.lines}) == 4
    assert len({line.get_marker() for line in axes.lines}) == 4
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_yscale()) == ("x", "y", "log")


def test_bars_lie_where_their_labels_are_long():
    short, long = ({f"{word} {i}": i for i in range(4)} for word in ("b", "blocks.0.attn.qkv.weight"))
    (axes,) = draw.bars(short, alt="upright", ylabel="size").axes
    assert axes.get_ylabel() == "size"
    (axes,) = draw.bars(long, alt="lying", ylabel="size").axes
    assert axes.get_xlabel() == "size"
    assert [text.get_text() for text in axes.texts] == ["0", "1", "2", "3"]
