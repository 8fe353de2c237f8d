import numpy as np
import pytest

from minidit.evaluation.fitting import refine
from minidit.world import SHAPES, Attributes
from minidit.world.renderer import render_draws

SIZE = (32, 32)


@pytest.fixture
def asked():
    return [Attributes("yellow", shape, "down", "night") for shape in SHAPES]


def test_the_numbers_are_found_from_a_start_nearby(asked, rng):
    draws = rng.uniform(0.2, 0.8, (5, 6)).astype(np.float32)
    clips = render_draws(asked, draws, SIZE, 4)
    found, error = refine(clips, asked, draws + rng.uniform(-0.15, 0.15, draws.shape), 20)
    assert error.max() < 1e-8
    assert found == pytest.approx(draws, abs=0.01)


def test_they_stay_in_their_range_and_never_get_worse(asked, rng):
    clips = rng.random((5, 4, *SIZE, 3), dtype=np.float32)
    start = rng.random((5, 6)).astype(np.float32)
    errors = [((render_draws(asked, start, SIZE, 4) - clips) ** 2).mean(axis=(1, 2, 3, 4))]
    for rounds in (1, 2, 10):
        found, error = refine(clips, asked, start, rounds)
        assert found.min() >= 0 and found.max() <= 1
        errors.append(error)
    assert (np.diff(errors, axis=0) <= 1e-7).all() and (errors[-1] < errors[0]).all()


def test_an_edge_between_two_rows_is_no_trap():
    """The foot of a triangle: moved from one row of pixels into the next, it is seen by two-sided differences alone."""
    asked = [Attributes("red", "triangle", None, "day")]
    draws = np.array([[0.97, 0.5, 0.99, 0.968, 0.871, 0.5]], np.float32)
    clips = render_draws(asked, draws, SIZE, 1)
    _, error = refine(clips, asked, [[0.5] * 6], 20)
    assert error[0] < 1e-6


def test_nothing_given_is_changed(asked, rng):
    draws = np.full((5, 6), 0.5, np.float32)
    clips = render_draws(asked, rng.random((5, 6)).astype(np.float32), SIZE, 2)
    copies = draws.copy(), clips.copy()
    refine(clips, asked, draws, 2)
    assert (draws == copies[0]).all() and (clips == copies[1]).all()
