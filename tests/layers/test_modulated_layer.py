import numpy as np
import pytest

from minidit.gradient_check import GradientMismatch, check_gradients
from minidit.layers import (
    layernorm_forward,
    linear_backward,
    linear_forward,
    modulate_forward,
    modulated_layer_backward,
    modulated_layer_forward,
    rmsnorm_forward,
)
from minidit.layers.modulated_layer import NOT_KEPT, replaced

NORMS = {"layer": layernorm_forward, "rms": rmsnorm_forward}


def inputs(rng, vector=(5,)):
    """x of 3 tokens of width 5, shift and scale, w and b to 7."""
    return [rng.normal(size=shape) for shape in [(2, 3, 5), (2, *vector), (2, *vector), (5, 7), (7,)]]


def forward(norm):
    return lambda x, shift, scale, w, b: modulated_layer_forward(linear_forward, x, shift, scale, w, b, norm=norm)


def backward(dy, cache):
    return modulated_layer_backward(linear_backward, dy, cache)


@pytest.mark.parametrize("vector", [(5,), (3, 5)], ids=["per sample", "per token"])
@pytest.mark.parametrize("norm", NORMS)
def test_gradients(rng, norm, vector):
    check_gradients(forward(norm), backward, *inputs(rng, vector))


def layer_fed_with_unmodulated_tokens(dy, cache):
    ((xhat, _), *_), (_, w), _ = cache
    _, dw, db = linear_backward(dy, (xhat, w))
    return *backward(dy, cache)[:3], dw, db


def shift_and_scale_swapped(dy, cache):
    dx, dshift, dscale, dw, db = backward(dy, cache)
    return dx, dscale, dshift, dw, db


@pytest.mark.parametrize(
    ("slip", "wrong"), [(layer_fed_with_unmodulated_tokens, "dw"), (shift_and_scale_swapped, "dshift")]
)
def test_the_check_catches(rng, slip, wrong):
    with pytest.raises(GradientMismatch, match=f"{wrong} is wrong"):
        check_gradients(forward("layer"), slip, *inputs(rng))


@pytest.mark.parametrize("norm", NORMS)
def test_it_is_its_parts_one_after_the_other(rng, norm):
    x, shift, scale, w, b = inputs(rng)
    expected, _ = linear_forward(modulate_forward(NORMS[norm](x)[0], shift, scale)[0], w, b)
    assert np.array_equal(forward(norm)(x, shift, scale, w, b)[0], expected)


def test_what_goes_into_the_layer_is_not_kept_however_deep_its_cache(rng):
    seen = []

    def layer_forward(h, w, b):
        y, cache = linear_forward(h, w, b)
        seen.append(h)
        return y, ("something", (cache, (h, None)), w)

    def layer_backward(dy, cache):
        _, (linear_cache, (h, _)), _ = cache
        assert h is linear_cache[0] and np.array_equal(h, seen[0])
        return linear_backward(dy, linear_cache)

    arrays = inputs(rng)
    _, cache = modulated_layer_forward(layer_forward, *arrays)
    _, (_, ((first, w), (second, nothing)), _), _ = cache
    assert first is second is NOT_KEPT and w is arrays[3] and nothing is None
    dy = rng.normal(size=(2, 3, 7))
    expected = backward(dy, forward("layer")(*arrays)[1])
    for found, want in zip(modulated_layer_backward(layer_backward, dy, cache), expected, strict=True):
        assert np.array_equal(found, want)


def test_only_the_array_itself_is_replaced():
    x = np.ones(3)
    assert replaced((x.copy(), [x], x), x, None)[2] is None
    assert replaced((x.copy(), [x], x), x, None)[0] is not None


@pytest.mark.parametrize("norm", NORMS)
def test_float32_stays_float32(rng, run_float32, norm):
    run_float32(forward(norm), backward, *inputs(rng))
