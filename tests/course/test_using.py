"""A student's functions in place of minidit's: everywhere, and only for as long as asked."""

import importlib
import subprocess
import sys

import numpy as np
import pytest

import minidit
from minidit import layers, using
from minidit.diffusion import samplers
from minidit.errors import UserError
from minidit.generation.text_to_video import generate
from minidit.models import block
from minidit.training import optimizer, steps

OWN = layers.linear_forward


def mine(x, w, b):
    """A right one, written differently."""
    return (w.T @ x[..., None])[..., 0] + b, (x, w)


def test_it_stands_wherever_minidit_uses_the_name():
    with using(linear_forward=mine):
        assert layers.linear_forward is block.linear_forward is layers.linear.linear_forward
        assert block.linear_forward is not OWN
        assert block.linear_forward(np.ones((1, 2)), np.eye(2), np.zeros(2))[0].tolist() == [[1, 1]]
    assert layers.linear_forward is block.linear_forward is layers.linear.linear_forward is OWN


def test_tables_of_functions_are_followed_too():
    own = samplers.euler_step
    with using(euler_step=lambda *a: own(*a)):
        assert samplers.SAMPLERS["euler"] is samplers.euler_step is not own
    assert samplers.SAMPLERS["euler"] is own


def test_a_pair_in_a_table_is_followed_too(tiny_model):
    from minidit.layers import layernorm_modulate_forward

    x = np.ones((1, 8, 4, 4, 4), np.float32)
    t, words = np.ones(1, np.float32), tiny_model.dit.embed(np.ones((1, 2), int))
    with minidit.using(layernorm_modulate_forward=layernorm_modulate_forward) as calls:
        tiny_model.dit.predict(x, t, words)
    assert calls["layernorm_modulate_forward"] == 2 * tiny_model.settings.dit.depth + 1  # and the final layer


def test_functions_with_a_kernel_and_those_of_the_optimizer_can_be_replaced():
    own = optimizer.adamw_ema_update
    with using(adamw_ema_update=lambda *a: own(*a), modulate_forward=mine):
        assert optimizer.adamw_ema_update is not own
    assert optimizer.adamw_ema_update is own


def test_the_model_runs_on_it_and_calls_are_counted(tiny_model):
    prompt = ["a red circle moves right in the day sky"]
    right = generate(tiny_model, prompt, [0])

    def with_slip(x, w, b):
        return mine(x, w, -b)

    with using(linear_forward=mine, hinge_generator_forward=mine) as calls:
        np.testing.assert_allclose(generate(tiny_model, prompt, [0]), right, atol=1e-4)
    assert list(calls) == ["linear_forward"]
    assert calls["linear_forward"] > 10
    with using(linear_forward=with_slip):
        assert not np.allclose(generate(tiny_model, prompt, [0]), right, atol=1e-2)


def test_all_is_put_back_after_an_error():
    with pytest.raises(ZeroDivisionError), using(linear_forward=mine):
        raise ZeroDivisionError
    assert block.linear_forward is OWN


def test_two_may_change_places():
    gelu, relu = layers.gelu_forward, layers.relu_forward
    with using(gelu_forward=relu, relu_forward=gelu):
        assert np.array_equal(layers.gelu_forward(np.array([-1.0, 2.0]))[0], [0, 2])
    assert (layers.gelu_forward, layers.relu_forward) == (gelu, relu)


def test_one_inside_another():
    with using(linear_forward=mine) as outer:
        with using(linear_forward=OWN) as inner:
            block.linear_forward(np.ones((1, 2)), np.ones((2, 2)), np.zeros(2))
        block.linear_forward(np.ones((1, 2)), np.ones((2, 2)), np.zeros(2))
    assert (inner["linear_forward"], outer["linear_forward"]) == (1, 1)
    assert block.linear_forward is OWN


def test_a_module_that_is_loaded_meanwhile_is_put_right_as_well(monkeypatch):
    package, name = importlib.import_module("minidit.models"), "mlp"
    monkeypatch.setattr(package, name, importlib.import_module("minidit.models.mlp"))  # put back at the end
    monkeypatch.delitem(sys.modules, "minidit.models.mlp")
    with using(linear_forward=mine):
        module = importlib.import_module("minidit.models.mlp")
        assert module.linear_forward is not OWN
    assert module.linear_forward is OWN


def test_the_checks_keep_minidits_own():
    from minidit.course import exercises  # noqa: F401

    name = "minidit.course.exercises.lesson_99"
    module = type(sys)(name)
    module.linear_forward = OWN
    sys.modules[name] = module
    try:
        with using(linear_forward=mine):
            assert module.linear_forward is OWN
    finally:
        del sys.modules[name]


def test_an_unknown_name_is_refused_before_anything_is_replaced():
    with pytest.raises(UserError, match="no function 'atention_forward'.*Did you mean attention_forward"):
        with using(linear_forward=mine, atention_forward=mine):
            pass
    with pytest.raises(UserError, match="^minidit has no function 'zzzz' to replace.$"):
        with using(zzzz=mine):
            pass
    assert block.linear_forward is OWN


def test_what_is_no_function_is_refused():
    with pytest.raises(UserError, match="linear_forward must be a function, not 3"):
        with using(linear_forward=3):
            pass


def test_every_pair_of_the_layers_can_be_replaced():
    from minidit.course.using import originals

    assert {name for name in dir(layers) if name.endswith(("_forward", "_backward"))} <= set(originals())
    assert {"adamw_update", "ema_update", "clip_scale", "euler_step", "classifier_free_guidance"} <= set(originals())


def test_it_is_loaded_only_when_it_is_asked_for():
    code = "import sys, minidit; assert 'numpy' not in sys.modules; minidit.using; assert 'using' in dir(minidit)"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert minidit.using is using
    assert steps  # loaded, and so looked through
