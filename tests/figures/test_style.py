import numpy as np
import pytest

from minidit.figures.style import charts, percent_bars


def test_charts_are_a_grid_of_axes_on_a_sheet_of_so_many_pixels():
    figure, axes = charts(600, 300, 2, 3)
    assert axes.shape == (2, 3)
    assert (figure.get_size_inches() * figure.dpi).tolist() == [600, 300]


@pytest.mark.parametrize("across", [False, True])
def test_shares_are_drawn_in_percent_with_their_intervals(across):
    _, axes = charts(300, 300)
    percent_bars(axes, [3, 4], [0.5, 1], [[0.25, 0.75], [0.9, 1 - 1e-9]], across, fmt="o")
    ((line, _, (bars,)),) = axes.containers
    shares, places = (line.get_xdata(), line.get_ydata()) if across else (line.get_ydata(), line.get_xdata())
    assert shares.tolist() == [50, 100] and places.tolist() == [3, 4]
    ends = np.array(bars.get_segments())[..., 0 if across else 1]
    assert ends == pytest.approx(np.array([[25, 75], [90, 100]]))
