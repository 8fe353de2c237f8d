"""Ours and PyTorch's do the same work, so their times can be compared."""

from dataclasses import replace

import numpy as np
import pytest

from minidit.benchmark import ours
from minidit.benchmark.agreement import TOLERANCE, agreement
from minidit.benchmark.cases import fixed_inputs, fixed_model
from minidit.benchmark.memory import saved_by_ours, saved_by_pytorch
from minidit.benchmark.task import SAMPLING, TRAINING, Task
from minidit.layers import mse_gradient
from minidit.models import DiTSettings

torch = pytest.importorskip("torch")
from minidit.benchmark import pytorch  # noqa: E402  it imports PyTorch
from minidit.benchmark.pytorch_dit import tensor_of, to_twin_layouts, twin_of  # noqa: E402

pytestmark = pytest.mark.bench


@pytest.fixture
def film(labelled):
    """A case of several frames whose patches have one."""
    settings = DiTSettings(3, (1, 2, 2), 18, 1, 3, num_classes=4, learn_sigma=True)
    return replace(labelled, name="film", settings=settings, shape=(3, 4, 2, 3))


def test_they_agree_far_better_than_they_must(case):
    found = agreement(case)
    assert max(found["loss"], found["prediction"], found["gradients"]) < TOLERANCE / 10
    assert found["gradients"] > 0  # of two libraries: exact equality would mean that one was compared with itself
    assert found["parameter"] in fixed_model(case).params


@pytest.mark.parametrize(
    "break_it",
    [
        lambda patch: patch.setattr(torch.nn.functional, "silu", lambda x, inplace=False: torch.relu(x)),
        lambda patch: patch.setattr(ours, "mse_gradient", lambda _, cache: mse_gradient(1.01, cache)),
        lambda patch: patch.setattr(pytorch, "tensor_of", lambda clips: tensor_of(clips).flip(0)),
    ],
    ids=["activation", "backward", "inputs"],
)
def test_a_difference_stops_the_comparison(labelled, break_it, monkeypatch):
    break_it(monkeypatch)
    with pytest.raises(RuntimeError, match="labels don't compute the same"):
        agreement(labelled)


def test_the_twin_does_films_too(film):
    model, inputs = fixed_model(film), fixed_inputs(film)
    x, t, labels, _ = pytorch.tensors(inputs)
    y, cache = model.forward(inputs.x, inputs.t, inputs.condition)
    _, grads = model.backward(np.ones_like(y), cache)
    twin = twin_of(model, film.grid)
    prediction = twin(x, t, labels)
    prediction.backward(torch.ones_like(prediction))
    np.testing.assert_allclose(tensor_of(y).numpy(), prediction.detach().numpy(), atol=1e-5)
    gradient = twin.x_embedder.proj.weight.grad.numpy()
    expected = to_twin_layouts(grads, twin.patch)["x_embedder.proj.weight"]
    np.testing.assert_allclose(gradient, expected, atol=1e-4 * np.abs(expected).max())


def test_with_and_without_gradients_the_twin_predicts_the_same(case):
    x, t, condition, _ = pytorch.tensors(fixed_inputs(case))
    twin = twin_of(fixed_model(case), case.grid)
    with torch.inference_mode():
        quick = twin(x, t, condition)
    np.testing.assert_allclose(quick.numpy(), twin(x, t, condition).detach().numpy(), atol=1e-5)


def test_after_some_steps_both_have_the_same_weights(case, monkeypatch):
    model = fixed_model(case)
    monkeypatch.setattr(ours, "fixed_model", lambda _: model)
    twins = []
    monkeypatch.setattr(pytorch, "twin_of", lambda *arguments: twins.append(twin_of(*arguments)) or twins[-1])
    task = Task(TRAINING, case, case.batch)
    for step in (ours.our_step(task), pytorch.eager_step(task)):
        for _ in range(3):
            step()
    start, reached = fixed_model(case), to_twin_layouts(model.params, twins[0].patch)
    begun = to_twin_layouts(start.params, twins[0].patch)
    for name, parameter in twins[0].named_parameters():
        if parameter.requires_grad and not name.endswith("qkv.bias"):  # the keys' gradients are zero but for rounding
            apart = np.linalg.norm(reached[name] - parameter.detach().numpy())
            assert apart < 0.02 * np.linalg.norm(reached[name] - begun[name]), name


def test_sampling_needs_no_gradients(case):
    step = pytorch.eager_step(Task(SAMPLING, case, 2))
    seen = []
    with torch.autograd.graph.saved_tensors_hooks(seen.append, lambda tensor: tensor):
        step()
    assert seen == []


def test_what_pytorch_keeps_grows_with_the_batch_alone(labelled):
    few, many = (saved_by_pytorch(replace(labelled, batch=batch)) for batch in (2, 4))
    assert many == pytest.approx(2 * few, rel=0.05)  # were parameters counted, it would not nearly double


def test_ours_keeps_no_more_than_pytorch(case):
    assert 0.5 < saved_by_ours(case) / saved_by_pytorch(case) <= 1.0
