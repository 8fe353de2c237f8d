import numpy as np
import pytest

from minidit.benchmark.cases import CASES, fixed_inputs, fixed_model
from minidit.models.dit_settings import CHOICES
from minidit.presets import PRESETS

pytestmark = pytest.mark.bench


@pytest.mark.parametrize(
    ("name", "width", "depth", "heads", "tokens", "batch"),
    [("tiny", 64, 2, 4, 32, 16), ("lesson", 128, 4, 4, 128, 16), ("S", 384, 12, 6, 256, 4)],
)
def test_the_fixed_sizes_are_these(name, width, depth, heads, tokens, batch):
    case = CASES[name]
    settings = case.settings
    assert (settings.width, settings.depth, settings.num_heads) == (width, depth, heads)
    assert (int(np.prod(case.grid)), case.batch) == (tokens, batch)
    assert (settings.in_channels, settings.patch, settings.text) == (4, (1, 2, 2), None)


@pytest.mark.parametrize("name", ["quick", "sky"])
def test_the_presets_are_measured_in_their_sizes_with_the_papers_choices(name):
    preset, settings = PRESETS[name], CASES[name].settings
    for size in ("in_channels", "patch", "width", "depth", "num_heads", "mlp_ratio", "text"):
        assert getattr(settings, size) == getattr(preset.model.dit, size)
    assert all(getattr(settings, name) == choices[0] for name, choices in CHOICES.items())
    assert not settings.conditioning_channels
    assert (CASES[name].shape, CASES[name].batch) == (preset.model.latent_shape, preset.diffusion_training.batch)


def test_inputs_and_weights_are_the_same_every_time(case):
    one, two = fixed_inputs(case), fixed_inputs(case)
    for name in ("x", "t", "condition", "target"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    np.testing.assert_array_equal(fixed_model(case).params.flat, fixed_model(case).params.flat)


def test_inputs_fit_the_case(case):
    inputs = fixed_inputs(case, 3)
    assert inputs.x.shape == inputs.target.shape == (3, *case.shape)
    assert {inputs.x.dtype, inputs.target.dtype, inputs.t.dtype} == {np.dtype(np.float32)}
    assert len(inputs.t) == len(inputs.condition) == 3
    assert inputs.words == (inputs.condition.shape[1] if case.settings.text else None)
    assert not np.array_equal(inputs.x, inputs.target)
    assert len(fixed_inputs(case).x) == case.batch


def test_a_part_of_the_inputs_is_that_part(case):
    inputs = fixed_inputs(case)
    part = inputs.of([1, 3])
    np.testing.assert_array_equal(part.x, inputs.x[[1, 3]])
    np.testing.assert_array_equal(part.condition, inputs.condition[[1, 3]])
    assert part.words == inputs.words


def test_no_weight_is_zero(case):
    assert all(np.abs(array).max() > 0.01 for array in fixed_model(case).params.values())
