"""Weights cross over: agreement with PyTorch, as the golden file has kept it, and what happens to other state dicts."""

import sys
from pathlib import Path

import numpy as np
import pytest

from minidit.errors import UserError
from minidit.gradient_check import check_parameter_gradients
from minidit.interop import (
    LAST_WEIGHT,
    PATCH_WEIGHT,
    POSITIONS,
    from_pytorch_dit,
    from_pytorch_layout,
    to_pytorch_layout,
    to_pytorch_names,
)
from minidit.layers import (
    gated_residual_backward,
    gelu_forward,
    layernorm_forward,
    sincos_positions,
    timestep_embedding,
)
from minidit.models.block import modulations_forward

sys.path.append(str(Path(__file__).parent))  # the tests are not a package
from pytorch_parity import (
    CASES,
    GOLDEN,
    TOLERANCE,
    Draw,
    assert_agree,
    fingerprint,
    golden_results,
    our_results,
    random_inputs,
    random_state_dict,
    state_dict_shapes,
)

SMALL = CASES["patch_2"]


# Agreement with PyTorch


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("case", CASES)
def test_outputs_and_every_gradient_agree_with_pytorch(case, dtype):
    results = our_results(CASES[case], dtype)
    assert_agree(fingerprint(results), golden_results(case), TOLERANCE[dtype])
    assert {array.dtype for array in results.values()} == {np.dtype(dtype)}


@pytest.mark.parametrize("case", CASES)
def test_gradients_have_the_names_and_shapes_of_pytorch(case):
    results = our_results(CASES[case], np.float32)
    learned = {name: shape for name, shape in state_dict_shapes(CASES[case]).items() if name != POSITIONS}
    assert {name: array.shape for name, array in results.items() if name not in ("y", "dx")} == learned


def test_the_golden_file_is_small():
    assert GOLDEN.stat().st_size < 200_000


# The comparison can fail


def transposition_forgotten(weight, convert):
    return lambda name, array: array if name == weight else convert(name, array)


def channels_before_pixels(name, array):
    if name == PATCH_WEIGHT:
        p, _, channels, width = from_pytorch_layout(name, array).shape
        return array.transpose(1, 2, 3, 0).reshape(p, p, channels, width)
    return from_pytorch_layout(name, array)


def rows_and_columns_swapped(name, array):
    return to_pytorch_layout(name, array.swapaxes(0, 1) if name == PATCH_WEIGHT else array)


def no_gate_gradient(dy, cache):
    dx, dh, dgate = gated_residual_backward(dy, cache)
    return dx, dh, np.zeros_like(dgate)


def no_slope(x, training):
    return gelu_forward(x)[0], (np.ones_like(x),)


def sine_first(t, width, dtype):
    return np.roll(timestep_embedding(t, width, dtype=dtype), width // 2, axis=-1)


def shift_and_scale_swapped(of_final_layer):
    """A slip in the final layer, or in the blocks."""

    def swapped(c, p, count, known):
        (shift, scale, *rest), cache = modulations_forward(c, p, count, known)
        ours = (count == 2) == of_final_layer
        return [*((scale, shift) if ours else (shift, scale)), *rest], cache

    return swapped


SLIPS = {  # slip: (what it replaces, with what, the first thing that is wrong then)
    "shift and scale swapped": (
        "minidit.models.block.modulations_forward",
        shift_and_scale_swapped(of_final_layer=False),
        "y",
    ),
    "final shift and scale swapped": (
        "minidit.models.block.modulations_forward",
        shift_and_scale_swapped(of_final_layer=True),
        "y",
    ),
    "another epsilon": ("minidit.layers.fused.layernorm_forward", lambda x, eps: layernorm_forward(x, 1e-5), "y"),
    "time embedding with its sines first": ("minidit.models.conditioning.timestep_embedding", sine_first, "y"),
    "square weight not transposed": (
        "minidit.interop.from_pytorch_layout",
        transposition_forgotten("blocks.1.attn.proj.weight", from_pytorch_layout),
        "y",
    ),
    "channels of a patch before its pixels": ("minidit.interop.from_pytorch_layout", channels_before_pixels, "y"),
    "GELU without its slope": ("minidit.layers.fused.gelu_forward", no_slope, "dx"),
    "gate gradient missing": (
        "minidit.layers.fused.gated_residual_backward",
        no_gate_gradient,
        "blocks.0.adaLN_modulation.1.bias",
    ),
    "square gradient not transposed": (
        "minidit.interop.to_pytorch_layout",
        transposition_forgotten("blocks.1.attn.proj.weight", to_pytorch_layout),
        "blocks.1.attn.proj.weight",
    ),
    "rows and columns of a patch swapped": (
        "minidit.interop.to_pytorch_layout",
        rows_and_columns_swapped,
        PATCH_WEIGHT,
    ),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_the_comparison_catches_and_names(slip, monkeypatch):
    target, replacement, named = SLIPS[slip]
    monkeypatch.setattr(target, replacement)
    with pytest.raises(AssertionError, match=f"^{named} differs from PyTorch's"):
        assert_agree(fingerprint(our_results(SMALL, np.float64)), golden_results("patch_2"), TOLERANCE[np.float64])


# What the model is


def loaded(sizes=SMALL, dtype=np.float64):
    return from_pytorch_dit(random_state_dict(sizes, dtype), sizes.num_heads)


@pytest.mark.parametrize("case", CASES)
def test_sizes_are_read_off_the_shapes(case):
    sizes = CASES[case]
    settings = loaded(sizes).dit.settings
    assert settings.patch == (1, sizes.patch_size, sizes.patch_size)
    assert (settings.in_channels, settings.width) == (sizes.in_channels, sizes.hidden_size)
    assert (settings.depth, settings.num_heads) == (sizes.depth, sizes.num_heads)
    assert settings.learn_sigma == sizes.learn_sigma
    assert int(settings.mlp_ratio * settings.width) == int(sizes.mlp_ratio * sizes.hidden_size)


def test_a_hidden_width_that_floats_would_round_down_is_kept():
    assert int(1 / 49 * 49) == 0
    sizes = SMALL._replace(hidden_size=49, num_heads=7, mlp_ratio=1.001 / 49)
    assert loaded(sizes).params["blocks.0.mlp.fc1.weight"].shape == (49, 1)


def test_parameters_go_back_to_the_same_state_dict():
    state_dict = random_state_dict(SMALL)
    back = to_pytorch_names(from_pytorch_dit(state_dict, SMALL.num_heads).params)
    assert back.keys() | {POSITIONS} == state_dict.keys()
    for name, array in back.items():
        np.testing.assert_array_equal(array, state_dict[name])


def test_params_are_views_so_that_changing_them_changes_the_model():
    x, t, labels, _ = random_inputs(SMALL)
    model = loaded()
    before, _ = model.forward(x, t, labels)
    model.params[PATCH_WEIGHT][...] *= 2
    after, _ = model.forward(x, t, labels)
    assert np.abs(after - before).max() > 0.01


def test_the_gradients_are_those_of_the_params():
    x, t, labels, dy = random_inputs(SMALL)
    model = loaded()
    _, cache = model.forward(x, t, labels)
    dx, grads = model.backward(dy, cache)
    check_parameter_gradients(
        lambda: np.sum(dy * model.forward(x, t, labels)[0]), model.params | {"x": x}, grads | {"x": dx}, entries=3
    )


@pytest.mark.parametrize("given", [np.float16, np.float32, np.float64])
def test_precision_follows_the_weights(given):
    state_dict = random_state_dict(SMALL, given)
    state_dict[POSITIONS] = state_dict[POSITIONS].astype(np.float64)  # NumPy made them; they decide nothing
    model = from_pytorch_dit(state_dict, SMALL.num_heads)
    expected = np.float64 if given == np.float64 else np.float32
    x, t, labels, dy = random_inputs(SMALL)  # float64 inputs don't change it either
    y, cache = model.forward(x, t, labels)
    dx, grads = model.backward(dy, cache)
    assert {array.dtype for array in [y, dx, *grads.values()]} == {np.dtype(expected)}


def test_inputs_and_state_dict_are_left_alone():
    state_dict, inputs = random_state_dict(SMALL), random_inputs(SMALL)
    for array in [*state_dict.values(), *inputs]:
        array.setflags(write=False)
    x, t, labels, dy = inputs
    model = from_pytorch_dit(state_dict, SMALL.num_heads)
    _, cache = model.forward(x, t, labels)
    model.backward(dy, cache)
    model.params[PATCH_WEIGHT][...] = 0  # and the model's own arrays are its own
    assert state_dict[PATCH_WEIGHT].all()


def test_the_positions_given_are_used():
    x, t, labels, _ = random_inputs(SMALL)
    state_dict = random_state_dict(SMALL)
    moved = state_dict | {POSITIONS: state_dict[POSITIONS] * 1.1}
    outputs = [from_pytorch_dit(weights, SMALL.num_heads).forward(x, t, labels)[0] for weights in (state_dict, moved)]
    assert np.abs(outputs[0] - outputs[1]).max() > 0.01


@pytest.mark.parametrize("side", [12, 20])
def test_an_image_of_another_size_gets_the_positions_of_that_size(side):
    larger = SMALL._replace(input_size=side)
    x, t, labels, _ = random_inputs(larger)
    positions = sincos_positions((1, side // 2, side // 2), SMALL.hidden_size, np.float64)
    trained_there = from_pytorch_dit(random_state_dict(SMALL) | {POSITIONS: positions[None]}, SMALL.num_heads)
    np.testing.assert_array_equal(loaded().forward(x, t, labels)[0], trained_there.forward(x, t, labels)[0])


def test_an_image_need_not_be_square():
    _, t, labels, _ = random_inputs(SMALL)
    x = Draw(3)((3, 4, 6, 10))
    model = loaded()
    y, cache = model.forward(x, t, labels)
    assert y.shape == (3, 8, 6, 10)
    dx, _ = model.backward(y, cache)
    assert dx.shape == x.shape


# What is refused


def without(*names):
    return lambda weights: {name: array for name, array in weights.items() if name not in names}


def replaced(name, change):
    return lambda weights: weights | {name: change(weights[name])}


def renamed(weights):
    return {f"module.{name}": array for name, array in weights.items()}


def not_finite(array):
    array = array.copy()
    array.flat[3] = np.nan
    return array


WRONG = {  # what is done to a good state dict: (how, what the message must say)
    "a list": (list, "maps names to arrays; this is a list"),
    "nothing in it": (lambda weights: {}, "not the state dict of a facebookresearch/DiT: it lacks blocks.0"),
    "a training checkpoint": (lambda weights: {"model": weights, "ema": weights, "args": None}, r'checkpoint\["ema"\]'),
    "one name missing": (without("blocks.1.attn.qkv.bias"), "it lacks blocks.1.attn.qkv.bias"),
    "no positions": (without(POSITIONS), "it lacks pos_embed"),
    "a name too many": (lambda weights: weights | {"blocks.0.attn.q_norm.weight": np.ones(6)}, "q_norm.weight"),
    "a block left out": (
        lambda weights: {name: a for name, a in weights.items() if not name.startswith("blocks.1.")},
        "lacks blocks.1.adaLN_modulation.1.bias, .* and 6 more",
    ),
    "other names": (renamed, "it lacks"),
    "a flat patch embedding": (replaced(PATCH_WEIGHT, lambda a: a.reshape(24, 16)), r"\(24, 16\), expected 4 axes"),
    "oblong patches": (replaced(PATCH_WEIGHT, lambda a: a.reshape(24, 4, 4, 1)), "4 × 1; .* are square"),
    "a weight transposed": (replaced("blocks.2.mlp.fc1.weight", np.transpose), r"blocks.2.mlp.fc1.weight .*\(96, 24\)"),
    "too much predicted": (replaced(LAST_WEIGHT, lambda a: np.tile(a, (3, 1))), "96 values for a patch of 2 × 2 × 4"),
    "positions that fill no square": (replaced(POSITIONS, lambda a: a[:, :15]), "15 positions"),
    "positions of another width": (replaced(POSITIONS, lambda a: a[..., :20]), r"\(1, 16, 20\), .* need \(1, 16, 24\)"),
    "words": (replaced("final_layer.linear.bias", lambda a: np.array(["a"] * 32)), "final_layer.linear.bias holds"),
    "ragged lists": (replaced("final_layer.linear.bias", lambda a: [[1.0], [1.0, 2.0]]), "can't be turned into"),
    "not a number": (replaced("final_layer.linear.bias", not_finite), "final_layer.linear.bias .*NaN"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_state_dict_that_is_not_one_is_refused_with_a_sentence(what):
    spoil, message = WRONG[what]
    with pytest.raises(UserError, match=message):
        from_pytorch_dit(spoil(random_state_dict(SMALL)), SMALL.num_heads)


@pytest.mark.parametrize("heads", [0, -4, 5, 48])
def test_heads_that_do_not_divide_the_width_are_refused(heads):
    with pytest.raises(UserError, match=f"num_heads is {heads}, but these weights have width 24"):
        from_pytorch_dit(random_state_dict(SMALL), heads)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"x": np.zeros((3, 5, 8, 8))}, r"x has shape \(3, 5, 8, 8\), expected \(N, 4, H, W\)"),
        ({"x": np.zeros((3, 4, 8))}, "expected"),
        ({"x": np.zeros((3, 4, 8, 7))}, "7 columns do not divide"),
        ({"t": np.zeros(2)}, r"t \(2,\)"),
        ({"t": 0.5}, r"t \(\)"),
        ({"labels": np.zeros((3, 1), int)}, r"labels \(3, 1\)"),
        ({"labels": np.array([0, 1, 8])}, "from 0 to 7"),
        ({"labels": np.array([0, -1, 7])}, "from 0 to 7"),
        ({"labels": np.array([0.0, 1.0, 2.0])}, "whole numbers"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(wrong, message):
    x, t, labels, _ = random_inputs(SMALL)
    with pytest.raises(ValueError, match=message):
        loaded().forward(**({"x": x, "t": t, "labels": labels} | wrong))


def test_gradients_of_the_inner_model_are_not_taken_for_those_of_the_outer():
    x, t, labels, dy = random_inputs(SMALL)
    model = loaded()
    _, cache = model.forward(x, t, labels)
    _, inner = model.dit.backward(dy.transpose(0, 2, 3, 1)[:, None], cache)
    with pytest.raises(ValueError, match="PyTorchDiT.backward"):
        to_pytorch_names(inner)
