from dataclasses import replace

import numpy as np
import pytest

from minidit.backend.device import choose_device
from minidit.gradient_check import check_parameter_gradients
from minidit.models.conditioning_channels import (
    CONDITIONING_CHANNELS,
    conditioning_channels,
    existing,
    widened_patch_weight,
)
from minidit.models.dit import DiT, DiTSettings

SETTINGS = DiTSettings(in_channels=3, patch=(2, 1, 2), width=12, depth=2, num_heads=3, mlp_ratio=2, num_classes=4)
WITH_CHANNELS = replace(SETTINGS, conditioning_channels=True)
GRID = (4, 3, 4)  # frames, rows, columns of latents
T = np.array([0.0, 437.5, 1000.0])
LABELS = np.array([4, 1, 2])
SIZES = np.array([(4, 3, 4), (3, 2, 3), (1, 3, 2)])


@pytest.fixture
def dit(away_from_zero):
    network = DiT(WITH_CHANNELS, dtype=np.float64)
    away_from_zero(network.params)
    return network


@pytest.fixture
def x(rng):
    return rng.normal(size=(3, *GRID, 3))


@pytest.fixture
def known(rng):
    return rng.random((3, *GRID)) < 0.4


def test_conditioning_channels_of_one_clip_by_hand():
    known = np.zeros((1, 2, 1, 2), bool)
    known[0, 0, 0, 1] = True
    channels = conditioning_channels((1, 2, 1, 2, 5), np.array([0.25]), known, None, np.float32, np)
    assert (channels.shape, channels.dtype) == ((1, 2, 1, 2, CONDITIONING_CHANNELS), np.float32)
    expected = [  # own time, known, exists, frame, row, column
        [(0.25, 0, 1, -0.5, 0, -0.5), (1, 1, 1, -0.5, 0, 0.5)],
        [(0.25, 0, 1, 0.5, 0, -0.5), (0.25, 0, 1, 0.5, 0, 0.5)],
    ]
    np.testing.assert_array_equal(channels[0, :, 0], expected)


def test_a_padded_clip_has_the_conditioning_channels_of_the_clip_alone_and_zeros_behind(rng):
    known = rng.random((3, *GRID)) < 0.5
    t = np.array([0.1, 0.5, 0.9])
    padded = conditioning_channels((3, *GRID, 3), t, known, SIZES, np.float64, np)
    for n, (frames, rows, columns) in enumerate(SIZES):
        part = np.s_[n : n + 1, :frames, :rows, :columns]
        alone = conditioning_channels((1, frames, rows, columns, 3), t[n : n + 1], known[part], None, np.float64, np)
        np.testing.assert_array_equal(padded[part], alone)
    outside = ~existing((3, *GRID, 3), SIZES, np)
    assert outside.sum() == 3 * 48 - sum(np.prod(SIZES, axis=1))
    assert not padded[outside].any()


def test_every_gradient_with_known_latents_and_padded_clips(rng, dit, x, known):
    dy = rng.normal(size=x.shape)

    def forward():
        return dit.forward(x, T, LABELS, known=known, sizes=SIZES)

    dx, grads = dit.backward(dy, forward()[1])
    check_parameter_gradients(
        lambda: np.sum(dy * forward()[0]), {"x": x, **dit.params}, {"x": dx} | grads, entries=6
    )
    assert not dx[~existing(x.shape, SIZES, np)].any()


def test_a_padded_clip_is_predicted_as_alone(dit, x, known):
    together, _ = dit.forward(x, T, LABELS, known=known, sizes=SIZES)
    for n, sizes in enumerate(SIZES):
        # Alone it still fills whole patches, but has no other padding.
        frames, rows, columns = (-(-size // step) * step for size, step in zip(sizes, WITH_CHANNELS.patch, strict=True))
        part = np.s_[n : n + 1, :frames, :rows, :columns]
        alone, _ = dit.forward(x[part], T[n : n + 1], LABELS[n : n + 1], known=known[part], sizes=SIZES[n : n + 1])
        inside = existing(x.shape, SIZES, np)[part]
        np.testing.assert_allclose(together[part][inside], alone[inside], rtol=0, atol=1e-10)


def test_what_lies_in_the_padding_changes_nothing(dit, x, known, rng):
    before, _ = dit.forward(x, T, LABELS, known=known, sizes=SIZES)
    inside = existing(x.shape, SIZES, np)
    disturbed = np.where(inside[..., None], x, rng.normal(size=x.shape))
    after, _ = dit.forward(disturbed, T, LABELS, known=known, sizes=SIZES)
    np.testing.assert_array_equal(before[inside], after[inside])


def test_predicting_and_recomputing_take_known_latents_and_sizes_too(rng, dit, x, known):
    y, cache = dit.forward(x, T, LABELS, known=known, sizes=SIZES)
    np.testing.assert_array_equal(dit.predict(x, T, dit.embed(LABELS), known, SIZES), y)
    dy = rng.normal(size=y.shape)
    recomputed, small_cache = dit.forward(x, T, LABELS, True, known, SIZES)
    np.testing.assert_array_equal(recomputed, y)
    for kept, again in zip(dit.backward(dy, cache)[1].values(), dit.backward(dy, small_cache)[1].values(), strict=True):
        np.testing.assert_array_equal(kept, again)


@pytest.mark.parametrize("name", ["known", "sizes"])
def test_every_mark_reaches_the_network(dit, x, known, name):
    inputs = {"known": known, "sizes": SIZES}
    with_it, _ = dit.forward(x, T, LABELS, **inputs)
    without, _ = dit.forward(x, T, LABELS, **inputs | {name: None})
    assert np.abs(with_it - without).max() > 1e-3


def test_a_clip_needs_not_fill_its_tokens(rng, away_from_zero):
    """Filled up with zeros or not: the network sees the same, and says the same of what exists."""
    dit = DiT(replace(WITH_CHANNELS, patch=(3, 2, 3)), dtype=np.float64)
    away_from_zero(dit.params)
    x, dy = rng.normal(size=(2, 1, 4, 3, 4, 3))
    known = rng.random(x.shape[:-1]) < 0.4
    t, labels = T[:1], LABELS[:1]

    def forward():
        return dit.forward(x, t, labels, known=known)

    y, cache = forward()
    filled = np.zeros((1, 6, 4, 6, 3))
    filled[:, :4, :3, :4] = x
    known_filled = np.zeros((1, 6, 4, 6), bool)
    known_filled[:, :4, :3, :4] = known
    expected, _ = dit.forward(filled, t, labels, known=known_filled, sizes=np.array([(4, 3, 4)]))
    np.testing.assert_allclose(y, expected[:, :4, :3, :4], rtol=0, atol=1e-12)
    dx, grads = dit.backward(dy, cache)
    check_parameter_gradients(
        lambda: np.sum(dy * forward()[0]), {"x": x, **dit.params}, {"x": dx} | grads, entries=4
    )


def test_more_frames_have_the_same_positions(dit):
    np.testing.assert_array_equal(dit.positions_of((2, 3, 2)), np.tile(dit.positions_of((1, 3, 2)), (2, 1)))


def test_a_network_without_conditioning_channels_refuses_known_latents_and_sizes(x, known):
    plain = DiT(SETTINGS, dtype=np.float64)
    for inputs in ({"known": known}, {"sizes": SIZES}):
        with pytest.raises(ValueError, match="conditioning_channels=True"):
            plain.forward(x, T, LABELS, **inputs)


def test_a_widened_network_starts_out_as_the_one_without_conditioning_channels(away_from_zero, x, known):
    x = x[:, :2]  # one token in time, where both have the same positions
    plain, marked = DiT(SETTINGS, dtype=np.float64), DiT(WITH_CHANNELS, dtype=np.float64)
    away_from_zero(plain.params)
    name = "x_embedder.proj.weight"
    wide = widened_patch_weight(plain.params[name], SETTINGS.patch, SETTINGS.in_channels)
    marked.params.load({**plain.params, name: wide})
    expected, _ = plain.forward(x, T, LABELS)
    np.testing.assert_allclose(marked.forward(x, T, LABELS, known=known[:, :2])[0], expected, rtol=0, atol=1e-12)


def test_on_another_device_conditioning_channels_give_the_same(rng, away_from_zero, x, known):
    xp = choose_device("simulated")
    here = DiT(WITH_CHANNELS)
    away_from_zero(here.params)
    there = here.on(xp)
    x, t, dy = (array.astype(np.float32) for array in (x, T, rng.normal(size=x.shape)))
    y, cache = here.forward(x, t, LABELS, known=known, sizes=SIZES)
    moved = [xp.asarray(array) for array in (x, t, LABELS, known, SIZES, dy)]
    y_there, cache_there = there.forward(*moved[:3], known=moved[3], sizes=moved[4])
    np.testing.assert_allclose(xp.asnumpy(y_there), y, rtol=0, atol=1e-5 * np.abs(y).max())
    dx, grads = here.backward(dy, cache)
    dx_there, grads_there = there.backward(moved[5], cache_there)
    for name, gradient in {"x": dx, **grads}.items():
        found = xp.asnumpy({"x": dx_there, **grads_there}[name])
        np.testing.assert_allclose(found, gradient, rtol=0, atol=1e-5 * np.abs(gradient).max(), err_msg=name)
