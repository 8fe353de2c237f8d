import numpy as np
import pytest

from minidit.benchmark import ours
from minidit.benchmark.cases import fixed_inputs, fixed_model
from minidit.benchmark.ours import FixedBatch, loss_and_gradients, our_step, shared_training
from minidit.benchmark.task import SAMPLING, TRAINING, Task
from minidit.models.parameters import Parameters

pytestmark = pytest.mark.bench


@pytest.fixture
def model(case, monkeypatch):
    """The model that the steps of this module work on."""
    model = fixed_model(case)
    monkeypatch.setattr(ours, "fixed_model", lambda _: model)
    return model


def test_training_learns_the_fixed_batch(case, model):
    before, _ = loss_and_gradients(model, fixed_inputs(case))
    step = our_step(Task(TRAINING, case, case.batch))
    for _ in range(20):
        step()
    after, _ = loss_and_gradients(model, fixed_inputs(case))
    assert after < before


def test_sampling_predicts_what_the_forward_pass_does(case, model):
    inputs = fixed_inputs(case, 2)
    prediction = our_step(Task(SAMPLING, case, 2))()
    np.testing.assert_allclose(prediction, model.forward(inputs.x, inputs.t, inputs.condition)[0], atol=1e-5)


@pytest.mark.parametrize("shards", [[0], [1], [0, 1]])
def test_a_shared_job_computes_the_means_over_its_shards(case, shards):
    model, inputs = fixed_model(case), fixed_inputs(case)
    job = FixedBatch(case, 2)
    assert job.training.shards == 2
    loss, grads = job.at(model.params.flat).loss_and_gradients(7, shards)
    half = case.batch // 2
    part = inputs.of(slice(shards[0] * half, (shards[-1] + 1) * half))
    expected_loss, expected = loss_and_gradients(model, part)
    assert loss == pytest.approx(expected_loss, rel=1e-6)
    assert grads.keys() == job.shapes.keys()
    for name in grads:
        np.testing.assert_allclose(grads[name], expected[name], atol=1e-6 * np.abs(expected[name]).max())


def test_both_processes_take_the_steps_that_they_are_asked_for(labelled, monkeypatch):
    from minidit.training.parallel import workers

    asked, run = [], workers.Team.run
    monkeypatch.setattr(workers.Team, "run", lambda team, *span: asked.append(span) or run(team, *span))
    with shared_training(Task(TRAINING, labelled, labelled.batch, threads=2)) as steps:
        steps(3)
        steps(2)
    assert asked == [(0, 3), (3, 5)]


def test_a_shared_job_has_the_optimiser_of_the_other_contenders(labelled):
    training = FixedBatch(labelled, 2).training
    assert training.adamw == ours.ADAMW
    assert training.learning_rate == ours.LEARNING_RATE
    assert training.warmup == training.decay == 0
    assert Parameters(FixedBatch(labelled, 2).shapes).flat.size == fixed_model(labelled).params.flat.size
