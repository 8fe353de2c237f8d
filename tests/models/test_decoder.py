import numpy as np
import pytest

from minidit.gradient_check import check_parameter_gradients
from minidit.models.decoder import Stage, decoder_backward, decoder_forward, decoder_shapes, grow_decoder, grows_from
from minidit.models.parameters import Parameters

ONE = (1, 1, 1)
CASES = {
    "a patch by itself": (Stage(ONE, 3, (2, 1, 3)),),
    "a hidden layer": (Stage(ONE, 5), Stage(ONE, 3, (1, 2, 2))),
    "a window": (Stage((3, 1, 3), 4), Stage(ONE, 3, (1, 2, 2))),
    "growing twice": (Stage((1, 3, 3), 2, (1, 2, 1)), Stage((3, 3, 1), 3, (2, 1, 2))),
}


@pytest.mark.parametrize("stages", CASES.values(), ids=CASES)
def test_every_gradient(rng, away_from_zero, stages):
    p = away_from_zero(Parameters(decoder_shapes("d.", 2, stages), np.float64))
    x = rng.normal(size=(2, 2, 3, 2, 2))
    y, cache = decoder_forward(x, p, "d.", stages)
    dy = rng.normal(size=y.shape)
    dx, grads = decoder_backward(dy, cache, "d.", stages)
    assert grads.keys() == p.keys()
    check_parameter_gradients(
        lambda: np.sum(dy * decoder_forward(x, p, "d.", stages)[0]), {"x": x, **p}, {"x": dx} | grads
    )


def test_cells_become_pixels_where_they_lie():
    stages = (Stage(ONE, 3, (1, 2, 2)),)
    p = Parameters(decoder_shapes("", 1, stages), np.float64)
    p["0.weight"][...] = np.arange(12.0)
    x = np.array([1.0, 100.0]).reshape(1, 1, 1, 2, 1)
    y, _ = decoder_forward(x, p, "", stages)
    assert y.shape == (1, 1, 2, 4, 3)
    np.testing.assert_array_equal(y[0, 0, :, :, 0], [[0, 3, 0, 300], [6, 9, 600, 900]])


def test_a_window_of_one_cell_keeps_patches_apart_and_a_wider_one_does_not(rng):
    x = rng.normal(size=(1, 3, 3, 3, 2))
    for stages, reach in ((CASES["a hidden layer"], 0), ((Stage((1, 3, 3), 5), CASES["a hidden layer"][1]), 1)):
        p = Parameters(decoder_shapes("", 2, stages), np.float64)
        p.flat[...] = rng.normal(size=p.flat.shape)
        moved = x.copy()
        moved[0, 1, 1, 1] += 1.0
        changed = (decoder_forward(moved, p, "", stages)[0] != decoder_forward(x, p, "", stages)[0]).any(axis=(0, 4))
        assert changed.any(axis=(1, 2)).tolist() == [False, True, False]
        assert np.flatnonzero(changed.any(axis=(0, 2))).tolist() == list(range(2 - 2 * reach, 4 + 2 * reach))


OLD = (Stage((1, 3, 1), 5), Stage((1, 1, 3), 3, (2, 4, 2)))


@pytest.mark.parametrize("fine", [(1, 2, 1), (2, 2, 2), (1, 1, 2)])
def test_a_grown_decoder_draws_the_same_and_can_learn_from_what_it_ignores_yet(rng, fine):
    coarse = tuple(a // b for a, b in zip((2, 4, 2), fine, strict=True))
    new = (OLD[0], Stage((1, 1, 3), 2 * np.prod(fine) * 3 + 2, coarse), Stage((3, 1, 3), 3, fine))
    assert grows_from(OLD, new)
    old_params, params = (Parameters(decoder_shapes("d.", 2, stages), np.float64) for stages in (OLD, new))
    old_params.flat[...], params.flat[...] = rng.normal(size=old_params.flat.shape), rng.normal(size=params.flat.shape)
    params["d.4.bias"][...] = 0
    grow_decoder(params, old_params, "d.", OLD, new)
    x = rng.normal(size=(8, 4, 3, 2, 2))
    y, cache = decoder_forward(x, params, "d.", new)
    np.testing.assert_allclose(y, decoder_forward(x, old_params, "d.", OLD)[0], atol=1e-12)
    _, grads = decoder_backward(rng.normal(size=y.shape), cache, "d.", new)
    assert (np.abs(grads["d.4.weight"]).max(axis=1) > 1e-6).all()


@pytest.mark.parametrize(
    "new",
    [
        OLD,
        (OLD[0], Stage((1, 1, 3), 11, (2, 2, 2)), Stage((1, 3, 3), 3, (1, 2, 1))),  # channels for one sign only
        (OLD[0], Stage((1, 1, 3), 12, (2, 2, 1)), Stage((1, 3, 3), 3, (1, 2, 1))),  # smaller patches
        (OLD[0], Stage((1, 1, 1), 12, (2, 2, 2)), Stage((1, 3, 3), 3, (1, 2, 1))),  # another window
        (Stage((1, 3, 1), 6), Stage((1, 1, 3), 12, (2, 2, 2)), Stage((1, 3, 3), 3, (1, 2, 1))),  # a wider stage before
    ],
)
def test_not_every_decoder_can_grow_from_another(new):
    assert not grows_from(OLD, new)
    assert grows_from(OLD, (OLD[0], Stage((1, 1, 3), 12, (2, 2, 2)), Stage((1, 3, 3), 3, (1, 2, 1))))
