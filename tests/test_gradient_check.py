"""A gradient check is worth what it catches: mistakes are planted here, and each must be found and named."""

import numpy as np
import pytest

from minidit import layers
from minidit.gradient_check import GradientMismatch, check_gradients, check_parameter_gradients

# The layer under test, with every axis of a different length: batch 2, tokens 3, width 5.


def norm_modulate_forward(x, shift, scale):
    xhat, norm_cache = layers.layernorm_forward(x)
    y, modulate_cache = layers.modulate_forward(xhat, shift, scale)
    return y, (norm_cache, modulate_cache)


def norm_modulate_backward(dy, cache):
    norm_cache, modulate_cache = cache
    dxhat, dshift, dscale = layers.modulate_backward(dy, modulate_cache)
    return layers.layernorm_backward(dxhat, norm_cache), dshift, dscale


@pytest.fixture
def inputs(rng):
    return rng.normal(size=(2, 3, 5)), rng.normal(size=(2, 5)), rng.normal(size=(2, 5))


def test_a_right_backward_passes_with_room_to_spare(inputs):
    assert check_gradients(norm_modulate_forward, norm_modulate_backward, *inputs) < 1e-8


# --- Backward passes with one mistake each -----------------------------------------------------------------


def drop_mean_term(dy, cache):
    (xhat, rstd), (_, gain) = cache
    _, dshift, dscale = norm_modulate_backward(dy, cache)
    dxhat = dy * gain
    return rstd * (dxhat - xhat * (dxhat * xhat).mean(axis=-1, keepdims=True)), dshift, dscale


def drop_std_term(dy, cache):
    (_, rstd), (_, gain) = cache
    _, dshift, dscale = norm_modulate_backward(dy, cache)
    dxhat = dy * gain
    return rstd * (dxhat - dxhat.mean(axis=-1, keepdims=True)), dshift, dscale


def forget_one_plus(dy, cache):
    norm_cache, (xhat, gain) = cache
    return norm_modulate_backward(dy, (norm_cache, (xhat, gain - 1)))


def sum_over_wrong_axis(dy, cache):
    dx, _, dscale = norm_modulate_backward(dy, cache)
    return dx, dy.sum(axis=0)[:2], dscale


def mean_instead_of_sum(dy, cache):
    dx, dshift, dscale = norm_modulate_backward(dy, cache)
    return dx, dshift, dscale / dy.shape[1]


def forget_what_scale_multiplied(dy, cache):
    dx, dshift, _ = norm_modulate_backward(dy, cache)
    return dx, dshift, dshift


def swap_shift_and_scale(dy, cache):
    dx, dshift, dscale = norm_modulate_backward(dy, cache)
    return dx, dscale, dshift


def flip_a_sign(dy, cache):
    dx, dshift, dscale = norm_modulate_backward(dy, cache)
    return -dx, dshift, dscale


def be_wrong_in_one_entry(dy, cache):
    dx, dshift, dscale = norm_modulate_backward(dy, cache)
    dshift[1, 4] *= 1.0001
    return dx, dshift, dscale


def do_nothing(dy, cache):
    (xhat, _), _ = cache
    return np.zeros_like(xhat), *norm_modulate_backward(dy, cache)[1:]


def hand_on_what_came(dy, cache):
    return dy, *norm_modulate_backward(dy, cache)[1:]


def keep_the_token_axis(dy, cache):
    dx, _, dscale = norm_modulate_backward(dy, cache)
    return dx, dy, dscale


def answer_in_float32(dy, cache):
    dx, dshift, dscale = norm_modulate_backward(dy, cache)
    return dx, dshift, dscale.astype(np.float32)


def forget_to_return_one(dy, cache):
    return norm_modulate_backward(dy, cache)[:2]


def divide_by_zero(dy, cache):
    dx, dshift, dscale = norm_modulate_backward(dy, cache)
    return dx, dshift * np.inf, dscale


def write_to_dy(dy, cache):
    gradients = norm_modulate_backward(dy, cache)
    dy *= 2
    return gradients


def write_to_the_cache(dy, cache):
    gradients = norm_modulate_backward(dy, cache)
    cache[1][0][...] *= 2  # xhat, which dscale needs
    return gradients


@pytest.mark.parametrize(
    ("slip", "verdict"),
    [
        (drop_mean_term, "dx is wrong"),
        (drop_std_term, "dx is wrong"),
        (forget_one_plus, "dx is wrong"),
        (sum_over_wrong_axis, "dshift is wrong"),
        (mean_instead_of_sum, "dscale is wrong"),
        (forget_what_scale_multiplied, "dscale is wrong"),
        (swap_shift_and_scale, "dshift is wrong"),
        (flip_a_sign, "dx is wrong"),
        (be_wrong_in_one_entry, r"dshift is wrong: relative error 1\.0e-04 at \[1, 4\]"),
        (do_nothing, "dx is zero everywhere"),
        (hand_on_what_came, "dx is wrong"),
        (keep_the_token_axis, r"dshift has shape \(2, 3, 5\), expected \(2, 5\)"),
        (answer_in_float32, "dscale is float32, expected float64"),
        (forget_to_return_one, "2 gradients came back, expected dx, dshift, dscale"),
        (divide_by_zero, "dshift is not finite"),
        (write_to_dy, "the backward changed dy"),
        (write_to_the_cache, "differs when the backward is called again"),
    ],
)
def test_a_planted_mistake_is_caught_and_named(slip, verdict, inputs):
    with np.errstate(invalid="ignore"), pytest.raises(GradientMismatch, match=f"^norm_modulate: .*{verdict}"):
        check_gradients(norm_modulate_forward, slip, *inputs)


# --- Mistakes that need other layers -----------------------------------------------------------------------


def attention_without_root(dy, cache):
    dq, dk, dv = layers.attention_backward(dy, cache)
    return dq * np.sqrt(dq.shape[-1]), dk, dv


def attention_missing_transpose(dy, cache):
    q, k, v, weights, rsum, y = cache
    dq, _, dv = layers.attention_backward(dy, cache)
    dscores = weights * rsum * (dy @ v.swapaxes(-1, -2) - (dy * y).sum(axis=-1, keepdims=True))
    return dq, dscores @ q, dv


def attention_forgets_the_shared_sum(dy, cache):
    q, k, v, weights, rsum, y = cache
    _, dk, dv = layers.attention_backward(dy, cache)
    dscores = weights * rsum * (dy @ v.swapaxes(-1, -2))
    return dscores @ k * q.shape[-1] ** -0.5, dk, dv


@pytest.mark.parametrize(
    ("slip", "name"),
    [
        (attention_without_root, "dq"),
        (attention_missing_transpose, "dk"),
        (attention_forgets_the_shared_sum, "dq"),
    ],
)
def test_a_mistake_in_attention_is_caught_and_named(slip, name, rng):
    q, k, v = rng.normal(size=(3, 2, 3, 4, 5))
    verdict = rf"^attention: {name} is wrong: relative error \d.* at \[0, 0, \d, \d\]: analytic .*, numeric "
    with pytest.raises(GradientMismatch, match=verdict):
        check_gradients(layers.attention_forward, slip, q, k, v)


def test_a_missing_transpose_of_a_square_matrix_is_caught(rng):
    def linear_backward(dy, cache):
        dx, dw, db = layers.linear_backward(dy, cache)
        return dy @ cache[1], dw, db

    x, w, b = rng.normal(size=(3, 4)), rng.normal(size=(4, 4)), rng.normal(size=4)
    with pytest.raises(GradientMismatch, match="^linear: dx is wrong"):
        check_gradients(layers.linear_forward, linear_backward, x, w, b)


def test_a_word_that_occurs_twice_and_gets_one_gradient_is_caught(rng):
    def embedding_backward(dy, cache):
        ids, shape = cache
        dtable = np.zeros(shape)
        dtable[ids] += dy  # the last occurrence wins
        return dtable

    ids, table = np.array([[1, 2, 1]]), rng.normal(size=(4, 5))
    with pytest.raises(GradientMismatch, match=r"^embedding: dtable is wrong.* at \[1, 0\]"):
        check_gradients(layers.embedding_forward, embedding_backward, ids, table)


def test_a_forward_that_writes_to_its_input_is_caught(rng):
    def shout_forward(x):
        x *= 2
        return x, ()

    with pytest.raises(GradientMismatch, match="^shout: the forward changed x"):
        check_gradients(shout_forward, lambda dy, cache: 2 * dy, rng.normal(size=(2, 3)))


def test_a_backward_that_writes_to_a_cached_input_is_caught(rng):
    def square_forward(x):
        return x * x, (x,)

    def square_backward(dy, cache):
        (x,) = cache
        x *= 2
        return dy * x

    with pytest.raises(GradientMismatch, match="^square: the backward changed x"):
        check_gradients(square_forward, square_backward, rng.normal(size=(2, 3)))


def test_a_forward_that_answers_in_float32_is_caught(rng):
    def narrow_forward(x):
        return x.astype(np.float32), ()

    with pytest.raises(GradientMismatch, match="^narrow: the output is float32"):
        check_gradients(narrow_forward, lambda dy, cache: dy, rng.normal(size=(2, 3)))


# --- What the checker does with its inputs -----------------------------------------------------------------


def test_float32_inputs_are_checked_in_float64_and_left_alone(inputs):
    narrow = [x.astype(np.float32) for x in inputs]
    before = [x.copy() for x in narrow]
    check_gradients(norm_modulate_forward, norm_modulate_backward, *narrow)
    for x, old in zip(narrow, before, strict=True):
        np.testing.assert_array_equal(x, old)


def test_a_forward_that_hands_its_input_on_as_a_view_can_be_checked(rng):
    def flatten_forward(x):
        return x.reshape(-1), x.shape

    def flatten_backward(dy, shape):
        return dy.reshape(shape)

    check_gradients(flatten_forward, flatten_backward, rng.normal(size=(2, 3)))


def test_a_kink_near_an_entry_does_not_condemn_a_right_gradient():
    x = np.array([5e-5, -5e-6, 1.0])  # the second is closer to the kink than two of the three steps
    check_gradients(layers.relu_forward, layers.relu_backward, x)


def test_entries_of_any_size_can_be_checked(rng):
    x = rng.normal(size=(3, 4)) * np.logspace(-3, 3, 4)
    check_gradients(lambda x: (x * x * x, x), lambda dy, x: 3 * x * x * dy, x)


def test_the_names_can_be_given_and_must_suffice(rng):
    x, y = rng.normal(size=(2, 3))

    def product_forward(*factors):
        return factors[0] * factors[1], factors

    def product_backward(dy, cache):
        return dy * cache[1], dy

    with pytest.raises(GradientMismatch, match="^product: dright is wrong"):
        check_gradients(product_forward, product_backward, x, y, names=["left", "right"])
    with pytest.raises(ValueError, match="give names"):
        check_gradients(product_forward, product_backward, x, y)


# --- Whole models ------------------------------------------------------------------------------------------


@pytest.fixture
def model(rng):
    """A small network: its parameters, a function that gives its loss, and the right gradients."""
    params = {
        "w1": rng.normal(size=(3, 7)),
        "b1": rng.normal(size=7),
        "w2": rng.normal(size=(7, 3)),
        "b2": rng.normal(size=3),
    }
    x, target = rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 4, 3))

    def forward():
        y, cache = layers.feedforward_forward(x, *params.values())
        loss, loss_cache = layers.mse_forward(y, target)
        return loss, (cache, loss_cache)

    def loss():
        return forward()[0]

    _, (cache, loss_cache) = forward()
    dy, _ = layers.mse_backward(1.0, loss_cache)
    _, *gradients = layers.feedforward_backward(dy, cache)
    return loss, params, dict(zip(params, gradients, strict=True))


def test_right_parameter_gradients_pass_and_the_parameters_are_put_back(model):
    loss, params, grads = model
    before = {name: value.copy() for name, value in params.items()}
    assert check_parameter_gradients(loss, params, grads) < 1e-7
    for name, value in params.items():
        np.testing.assert_array_equal(value, before[name])


@pytest.mark.parametrize("name", ["w1", "b1", "w2", "b2"])
def test_a_wrong_parameter_gradient_is_named(model, name):
    loss, params, grads = model
    with pytest.raises(GradientMismatch, match=f"^gradient of {name} is wrong"):
        check_parameter_gradients(loss, params, grads | {name: grads[name] * 1.001})
    with pytest.raises(GradientMismatch, match=f"^gradient of {name} is zero everywhere"):
        check_parameter_gradients(loss, params, grads | {name: np.zeros_like(grads[name])})


def test_the_entry_with_the_largest_gradient_is_always_looked_at(model):
    loss, params, grads = model
    wrong = grads["w1"].copy()
    wrong[2, 5] = 1e3
    with pytest.raises(GradientMismatch, match=r"^gradient of w1 is wrong.* at \[2, 5\]"):
        check_parameter_gradients(loss, params, grads | {"w1": wrong}, entries=1)


def test_a_parameter_without_gradient_and_a_gradient_without_parameter_are_named(model):
    loss, params, grads = model
    missing = {name: grads[name] for name in ("w1", "b1", "w2")}
    with pytest.raises(GradientMismatch, match="not in both.*: b2"):
        check_parameter_gradients(loss, params, missing)
    with pytest.raises(GradientMismatch, match="not in both.*: extra"):
        check_parameter_gradients(loss, params, grads | {"extra": np.ones(2)})


def test_gradients_that_hide_behind_a_zero_gate_are_reported(rng):
    x, h, gate = rng.normal(size=(2, 3, 5)), rng.normal(size=(2, 3, 5)), np.zeros((2, 5))
    with pytest.raises(GradientMismatch, match="^gated_residual: dh is zero everywhere"):
        check_gradients(layers.gated_residual_forward, layers.gated_residual_backward, x, h, gate)


def test_parameters_in_float32_are_refused(model):
    loss, params, grads = model
    with pytest.raises(ValueError, match="w1 is float32"):
        check_parameter_gradients(loss, params | {"w1": params["w1"].astype(np.float32)}, grads)
