from dataclasses import replace

import numpy as np
import pytest

from minidit.errors import UserError
from minidit.files.tensors import read_tensors
from minidit.models import VideoModel
from minidit.models.checkpoint import codec_tensors
from minidit.training.job import VideoTraining
from minidit.training.short import train_and_look


@pytest.fixture
def train(small_preset, small_model):
    """A function that trains the small model for ten steps. It gives the model, three looks, and the seconds."""
    training = replace(small_preset.diffusion_training, steps=10)
    job = VideoTraining(small_preset.model, training, codec_tensors(small_model.codec), seed=2)

    def run(look=lambda model: float(model.dit.params.flat.sum()), file=None, plan=None):
        model = VideoModel(small_preset.model)
        model.dit.params.flat[...] = small_model.dit.params.flat
        return model, *train_and_look(model, job, [4, 7, 10], look, file, plan)

    return run


def test_the_model_ends_as_the_moving_average_and_each_look_sees_it(train, tmp_path):
    model, looks, seconds = train(file=tmp_path / "deep" / "state", plan={"a": (1, 2)})
    tensors, notes = read_tensors(tmp_path / "deep" / "state")
    assert np.array_equal(model.dit.params.flat, tensors["state.ema"])
    assert not np.array_equal(tensors["state.ema"], tensors["state.params"])
    assert len(set(looks)) == 3 and looks[-1] == float(model.dit.params.flat.sum())
    assert (notes["step"], notes["looks"], notes["plan"]) == (10, looks, {"a": [1, 2]}) and seconds > 0


def test_without_a_file_and_a_look_the_numbers_are_the_same(train, tmp_path):
    with_all, *_ = train(file=tmp_path / "state")
    without, looks, _ = train(look=None)
    assert np.array_equal(with_all.dit.params.flat, without.dit.params.flat)
    assert looks == [None] * 3


def test_a_killed_training_continues_from_its_last_look_with_the_same_bits(train, tmp_path):
    whole, right, _ = train()
    seen = []

    def killed_at_the_last(model):
        seen.append(float(model.dit.params.flat.sum()))
        if len(seen) == 3:
            raise KeyboardInterrupt
        return seen[-1]

    with pytest.raises(KeyboardInterrupt):
        train(killed_at_the_last, tmp_path / "state")
    assert read_tensors(tmp_path / "state")[1]["step"] == 7
    model, looks, _ = train(file=tmp_path / "state")
    assert looks == right
    assert np.array_equal(model.dit.params.flat, whole.dit.params.flat)
    again, looks, _ = train(look=None, file=tmp_path / "state")  # it is finished
    assert looks == right and np.array_equal(again.dit.params.flat, whole.dit.params.flat)


def test_a_state_of_another_plan_is_refused(train, tmp_path):
    train(file=tmp_path / "state", plan={"steps": 10})
    with pytest.raises(UserError, match="other settings.*--force"):
        train(file=tmp_path / "state", plan={"steps": 11})
