from fractions import Fraction

import numpy as np
import pytest

from minidit.gradient_check import check_parameter_gradients
from minidit.layers import (
    gated_residual_backward,
    layernorm_backward,
    linear_backward,
    linear_gated_residual_backward,
    modulate_backward,
    self_attention_backward,
)
from minidit.models.block import (
    NO_INPUTS,
    dit_block_backward,
    dit_block_forward,
    dit_block_shapes,
    mlp_hidden_backward,
    recomputed_dit_block_backward,
    recomputed_dit_block_forward,
)
from minidit.models.dit_settings import DiTSettings
from minidit.models.parameters import Parameters, xavier_weights

# B, T, D, M = batch, tokens, width, hidden width: all different, like the number of heads
B, T, D, M, HEADS = 2, 5, 6, 7, 3
SETTINGS = DiTSettings(1, (1, 1, 1), width=D, depth=1, num_heads=HEADS, mlp_ratio=Fraction(M, D), num_classes=1)


class DiTBlock:
    """A DiT block with its inputs, all away from zero, and what the checker wants of it."""

    def __init__(self, rng, away_from_zero):
        self.weights = away_from_zero(Parameters(dit_block_shapes(SETTINGS), np.float64))
        self.x, self.c, self.dy = rng.normal(size=(B, T, D)), rng.normal(size=(B, D)), rng.normal(size=(B, T, D))
        self.params = {"x": self.x, "c": self.c, **self.weights}

    def loss(self):
        return np.sum(self.dy * dit_block_forward(self.x, self.c, self.weights, SETTINGS)[0])

    def grads(self):
        _, cache = dit_block_forward(self.x, self.c, self.weights, SETTINGS)
        dx, dc, _, grads = dit_block_backward(self.dy, cache)
        return {"x": dx, "c": dc} | grads


@pytest.fixture
def dit_block(rng, away_from_zero):
    return DiTBlock(rng, away_from_zero)


def test_every_gradient_of_the_dit_block(dit_block):
    check_parameter_gradients(dit_block.loss, dit_block.params, dit_block.grads(), entries=20)


# Mistakes in the backward. Each is planted in one call of the block; the names are what it makes wrong.

ATTENTION = {"attn.qkv.weight", "attn.qkv.bias", "attn.proj.weight", "attn.proj.bias"}
MLP = {"mlp.fc1.weight", "mlp.fc1.bias", "mlp.fc2.weight", "mlp.fc2.bias"}
MODULATION = {"adaLN_modulation.1.weight", "adaLN_modulation.1.bias", "c"}


def residual_dropped(dy, cache):
    _, dh, dgate = gated_residual_backward(dy, cache)
    return np.zeros_like(dy), dh, dgate


def gate_forgotten(dy, cache):
    dx, _, dgate = gated_residual_backward(dy, cache)
    return dx, dy, dgate


def gate_gradient_missing(dy, cache):
    dx, dh, dgate = gated_residual_backward(dy, cache)
    return dx, dh, np.zeros_like(dgate)


def shift_and_scale_gradients_swapped(dy, cache):
    dx, dshift, dscale = modulate_backward(dy, cache)
    return dx, dscale, dshift


def one_plus_forgotten(dy, cache):
    x, gain = cache
    return modulate_backward(dy, (x, gain - 1))


def attention_not_passed_on(dy, cache):
    dx, *dweights = self_attention_backward(dy, cache)
    return np.zeros_like(dx), *dweights


def mlp_not_passed_on(dy, cache, settings):
    dx, grads = mlp_hidden_backward(dy, cache, settings)
    return np.zeros_like(dx), grads


def projection_transposed(dy, cache):
    dx, dh, dw, *rest = linear_gated_residual_backward(dy, cache)
    return dx, dh, dw.T if dw.shape == (D, D) else dw, *rest


def norm_skipped(dy, cache):
    return dy


def norm_not_passed_on(dy, cache):
    return np.zeros_like(layernorm_backward(dy, cache))


def condition_forgotten(dy, cache):
    dx, dw, db = linear_backward(dy, cache)
    return np.zeros_like(dx), dw, db


SLIPS = [
    # The two halves share these calls: what is wrong in the second half spoils the first half's gradients too.
    ("layers.fused.gated_residual_backward", residual_dropped, {"x"} | ATTENTION | MODULATION),
    ("layers.fused.gated_residual_backward", gate_forgotten, {"x"} | ATTENTION | MLP | MODULATION),
    ("layers.fused.gated_residual_backward", gate_gradient_missing, MODULATION),
    ("layers.fused.modulate_backward", shift_and_scale_gradients_swapped, MODULATION),
    ("layers.fused.modulate_backward", one_plus_forgotten, {"x"} | ATTENTION | MODULATION),
    ("layers.fused.layernorm_backward", norm_skipped, {"x"} | ATTENTION | MODULATION),
    ("layers.fused.layernorm_backward", norm_not_passed_on, {"x"} | ATTENTION | MODULATION),
    ("models.block.self_attention_backward", attention_not_passed_on, {"x"} | MODULATION),
    ("models.block.mlp_hidden_backward", mlp_not_passed_on, {"x"} | ATTENTION | MODULATION),
    ("models.block.linear_gated_residual_backward", projection_transposed, {"attn.proj.weight"}),
    ("models.block.linear_backward", condition_forgotten, {"c"}),
]


@pytest.mark.parametrize(("call", "slip", "wrong"), SLIPS, ids=[slip.__name__ for _, slip, _ in SLIPS])
def test_the_check_names_what_a_mistake_makes_wrong(dit_block, wrong_gradients, monkeypatch, call, slip, wrong):
    monkeypatch.setattr(f"minidit.{call}", slip)
    assert wrong_gradients(dit_block.loss, dit_block.params, dit_block.grads()) == wrong


def test_zero_gates_would_hide_a_mistake_and_the_check_says_so(dit_block, wrong_gradients):
    dit_block.weights["adaLN_modulation.1.weight"][...] = 0
    dit_block.weights["adaLN_modulation.1.bias"][...] = 0
    assert ATTENTION | MLP <= wrong_gradients(dit_block.loss, dit_block.params, dit_block.grads())


# What a block is


def test_a_dit_block_with_zero_modulation_is_the_identity(rng):
    weights = Parameters(dit_block_shapes(SETTINGS))
    xavier_weights(rng, weights)
    weights["adaLN_modulation.1.weight"][...] = 0
    x = rng.normal(size=(B, T, D)).astype(np.float32)
    y, _ = dit_block_forward(x, rng.normal(size=(B, D)).astype(np.float32), weights, SETTINGS)
    np.testing.assert_array_equal(y, x)


def test_the_condition_of_one_sample_modulates_that_sample_only(dit_block):
    before, _ = dit_block_forward(dit_block.x, dit_block.c, dit_block.weights, SETTINGS)
    after, _ = dit_block_forward(dit_block.x, dit_block.c + [[0.0], [1.0]], dit_block.weights, SETTINGS)
    np.testing.assert_array_equal(before[0], after[0])
    assert (before[1] != after[1]).all()


def test_tokens_may_come_in_any_order(dit_block, rng):
    order = rng.permutation(T)
    y, _ = dit_block_forward(dit_block.x, dit_block.c, dit_block.weights, SETTINGS)
    shuffled, _ = dit_block_forward(dit_block.x[:, order], dit_block.c, dit_block.weights, SETTINGS)
    np.testing.assert_allclose(shuffled, y[:, order], rtol=1e-10)


def test_float32_stays_float32_and_nothing_given_is_written_to(rng, away_from_zero, float_types, locked):
    weights = locked(dict(away_from_zero(Parameters(dit_block_shapes(SETTINGS)))))
    x, c, dy = (locked(rng.normal(size=s).astype(np.float32)) for s in [(B, T, D), (B, D), (B, T, D)])
    y, cache = dit_block_forward(x, c, weights, SETTINGS)
    dx, dc, _, grads = dit_block_backward(dy, locked(cache))
    assert float_types(y, cache, dx, dc, grads) == {"float32"}


def test_a_block_can_be_run_without_keeping_anything(dit_block):
    inputs = dit_block.x, dit_block.c, dit_block.weights, SETTINGS
    y, cache = dit_block_forward(*inputs, training=False)
    assert cache is None
    assert np.array_equal(y, dit_block_forward(*inputs)[0])


def test_a_block_run_again_in_the_backward_has_the_same_gradients(dit_block):
    inputs = dit_block.x, dit_block.c, dit_block.weights, SETTINGS
    y, cache = dit_block_forward(*inputs)
    y_again, small_cache = recomputed_dit_block_forward(*inputs)
    assert np.array_equal(y, y_again)
    assert small_cache == (*inputs, NO_INPUTS)
    dx, dc, _, grads = dit_block_backward(dit_block.dy, cache)
    dx_again, dc_again, _, grads_again = recomputed_dit_block_backward(dit_block.dy, small_cache)
    assert np.array_equal(dx, dx_again) and np.array_equal(dc, dc_again)
    assert all(np.array_equal(grads[name], grads_again[name]) for name in grads)
