import numpy as np
import pytest

from minidit import reference
from minidit.gradient_check import GradientMismatch, check_parameter_gradients
from minidit.layers import (
    axial_rotation,
    factorised_attention_backward,
    factorised_attention_forward,
    grid_positions,
    multihead_attention_backward,
    multihead_attention_forward,
    qk_norm_backward,
    qk_norm_forward,
    rope_forward,
)

# T = 6 tokens (2 frames of 3 places) of width D = 16, two heads of width 8
GRID, HEADS = (2, 3, 1), 2
MASK = np.array([[True, True, False, True, False, False], [True, False, True, True, True, False]])
TURN = axial_rotation(grid_positions(GRID), 8, np.float64)
WEIGHTS = {"w_qkv": (16, 48), "b_qkv": (48,), "w_out": (16, 16), "b_out": (16,), "gain_q": (8,), "gain_k": (8,)}


def weights(rng, normed=True):
    return [0.5 * rng.normal(size=shape) for name, shape in WEIGHTS.items() if normed or "gain" not in name]


def attend(x, arrays, mask=None, turn=None):
    """Attention between all tokens; of six weights the last two are gains."""
    return multihead_attention_forward(x, *arrays[:4], HEADS, mask, arrays[4:], turn)


class Full:
    """Attention between all tokens, its inputs by name, and what the checker wants of it."""

    names = ("x", *WEIGHTS)

    def __init__(self, rng, mask=None, turn=None, leading=(2,), normed=True):
        self.mask, self.turn = mask, turn
        arrays = [rng.normal(size=(*leading, 6, 16)), *self.weights(rng, normed)]
        self.params = dict(zip(self.names, arrays, strict=False))
        self.dy = rng.normal(size=arrays[0].shape)

    def weights(self, rng, normed):
        return weights(rng, normed)

    def forward(self):
        x, *arrays = self.params.values()
        return attend(x, arrays, self.mask, self.turn)

    def backward(self, cache):
        return multihead_attention_backward(self.dy, cache)

    def check(self):
        grads = dict(zip(self.params, self.backward(self.forward()[1]), strict=True))
        check_parameter_gradients(lambda: np.sum(self.dy * self.forward()[0]), self.params, grads, entries=12)


class Factorised(Full):
    """The same in space, and then in time."""

    names = ("x", *(f"{axis} {name}" for axis in ("space", "time") for name in WEIGHTS))

    def weights(self, rng, normed):
        return [*weights(rng), *weights(rng)]

    def forward(self):
        x, *both = self.params.values()
        return factorised_attention_forward(x, 2, both[:6], both[6:], HEADS, self.mask, self.turn)

    def backward(self, cache):
        dx, dspace, dtime = factorised_attention_backward(self.dy, cache)
        return [dx, *dspace, *dtime]


@pytest.fixture(params=["at once", "in blocks"])
def attention(request, monkeypatch):
    if request.param == "in blocks":
        monkeypatch.setattr("minidit.layers.multihead_attention.MANY_SCORES", 1)
        monkeypatch.setattr("minidit.layers.blockwise_attention.BLOCK_SCORES", 4 * 2 * 6)  # 4 queries


@pytest.mark.parametrize("turn", [None, TURN], ids=["no rotation", "rotation"])
@pytest.mark.parametrize("normed", [False, True], ids=["no norm", "norm"])
def test_gradients_of_each_choice(rng, normed, turn, attention):
    Full(rng, MASK, turn, normed=normed).check()


def test_gradients_with_more_leading_axes(rng):
    Full(rng, turn=TURN, leading=(2, 3)).check()


@pytest.mark.parametrize(("mask", "turn"), [(None, None), (MASK, TURN)], ids=["plain", "masked and turned"])
def test_gradients_of_space_then_time(rng, mask, turn, attention):
    Factorised(rng, mask, turn).check()


# Mistakes in the backward


def gains_swapped(dy, cache):
    *grads, dgain_q, dgain_k = multihead_attention_backward(dy, cache)
    return *grads, dgain_k, dgain_q


def norm_left_out(dy, cache):
    return dy, qk_norm_backward(dy, cache)[1]


def not_turned_back(dy, cache):
    return dy


def places_taken_for_frames(x):
    *leading, S, F, D = x.shape
    return x.reshape(*leading, F * S, D)


@pytest.mark.parametrize(
    ("call", "slip", "wrong"),
    [
        ("factorised_attention.multihead_attention_backward", gains_swapped, "space gain_q"),
        ("multihead_attention.qk_norm_backward", norm_left_out, "x"),
        ("multihead_attention.rope_backward", not_turned_back, "x"),
        ("factorised_attention.back_from_place", places_taken_for_frames, "x"),
    ],
)
def test_the_check_catches(rng, monkeypatch, call, slip, wrong):
    checked = Factorised(rng, MASK, TURN)
    _, cache = checked.forward()
    with monkeypatch.context() as patched:
        patched.setattr(f"minidit.layers.{call}", slip)
        found = dict(zip(checked.params, checked.backward(cache), strict=True))
    with pytest.raises(GradientMismatch, match=f"gradient of {wrong} is wrong"):
        check_parameter_gradients(
            lambda: np.sum(checked.dy * checked.forward()[0]), {wrong: checked.params[wrong]}, {wrong: found[wrong]}
        )


# What is computed


def test_queries_and_keys_are_normalised_and_then_turned_and_values_are_neither(rng):
    x = rng.normal(size=(6, 16))
    w_qkv, b_qkv, w_out, b_out, gain_q, gain_k = arrays = weights(rng)
    y, _ = attend(x, arrays, turn=TURN)
    q, k, v = np.split(x @ w_qkv + b_qkv, 3, axis=1)
    heads = []
    for head in (slice(0, 8), slice(8, 16)):
        q_head = rope_forward(qk_norm_forward(q[:, head], gain_q)[0][None], TURN)[0][0]
        k_head = rope_forward(qk_norm_forward(k[:, head], gain_k)[0][None], TURN)[0][0]
        heads.append(reference.attention_forward(q_head, k_head, v[:, head])[0])
    np.testing.assert_allclose(y, np.concatenate(heads, axis=1) @ w_out + b_out, rtol=1e-12)


@pytest.mark.parametrize(("silent", "reached"), [((), [1] * 6), (("space",), [0, 1, 0, 0, 1, 0])])
def test_space_reaches_a_tokens_frame_and_time_its_place(rng, silent, reached):
    attention = Factorised(rng, turn=TURN)
    for axis in silent:  # nothing passes through
        attention.params[f"{axis} w_out"][...] = attention.params[f"{axis} b_out"][...] = 0
    before, _ = attention.forward()
    attention.params["x"][:, 1] += 1  # frame 0, place 1
    after, _ = attention.forward()
    np.testing.assert_array_equal(np.abs(after - before).max(axis=(0, 2)) > 1e-6, reached)


def test_of_one_frame_space_alone_is_full_attention(rng):
    x, space, time = rng.normal(size=(2, 6, 16)), weights(rng), weights(rng)
    time[2][...] = time[3][...] = 0  # nothing passes through time
    y, _ = factorised_attention_forward(x, 1, space, time, HEADS, MASK, TURN)
    full, _ = attend(x, space, MASK, TURN)
    np.testing.assert_allclose(y, full, rtol=1e-12, atol=1e-14)


def test_float32_stays_float32(rng, run_float32):
    turn = tuple(part.astype(np.float32) for part in TURN)

    def forward(x, *both):
        return factorised_attention_forward(x, 2, both[:6], both[6:], HEADS, MASK, turn)

    def backward(dy, cache):
        dx, dspace, dtime = factorised_attention_backward(dy, cache)
        return dx, *dspace, *dtime

    run_float32(forward, backward, rng.normal(size=(2, 6, 16)), *weights(rng), *weights(rng))
