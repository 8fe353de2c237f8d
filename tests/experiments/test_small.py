from dataclasses import replace

import numpy as np
import pytest

from minidit.errors import UserError
from minidit.evaluation.cases import SPLITS
from minidit.experiments import decibels
from minidit.experiments.small import (
    CODEC_SETTINGS,
    asked,
    codec_task,
    small_settings,
    stops_of,
    train,
    training_task,
)
from minidit.experiments.tally import total
from minidit.experiments.tasks import Options
from minidit.files.tensors import read_tensors
from minidit.training.settings import DiffusionTraining
from minidit.world import HELD_OUT


class Killed(Exception):
    """Stands for the end of the process."""


def test_a_killed_training_ends_with_the_same_numbers(smallest_settings, short_training, codec_file, tmp_path):
    arguments = (smallest_settings, short_training, 3, codec_file)
    whole, looks, _ = train(*arguments, tmp_path / "a" / "state", [2, 4], lambda model: float(model.dit.params.flat[0]))

    seen = []

    def look(model):
        if seen:
            raise Killed
        seen.append(1)
        return float(model.dit.params.flat[0])

    with pytest.raises(Killed):
        train(*arguments, tmp_path / "b" / "state", [2, 4], look)
    resumed, looks_again, _ = train(
        *arguments, tmp_path / "b" / "state", [2, 4], lambda model: float(model.dit.params.flat[0])
    )
    assert (resumed.dit.params.flat == whole.dit.params.flat).all()
    assert looks_again == looks
    assert looks[0] != looks[1]


def test_a_finished_training_is_not_done_again(smallest_settings, short_training, codec_file, tmp_path):
    state, looks = tmp_path / "state", []
    first, _, _ = train(smallest_settings, short_training, 3, codec_file, state, [4], looks.append)
    again, _, _ = train(smallest_settings, short_training, 3, codec_file, state, [4], looks.append)
    assert len(looks) == 1
    assert (again.dit.params.flat == first.dit.params.flat).all()


def test_the_state_of_another_training_is_refused(smallest_settings, short_training, codec_file, tmp_path):
    state = tmp_path / "state"
    train(smallest_settings, short_training, 3, codec_file, state, [4], lambda model: None)
    with pytest.raises(UserError, match="is of a training with other settings"):
        train(smallest_settings, replace(short_training, batch=8), 3, codec_file, state, [4], lambda model: None)


def test_it_is_the_moving_average_that_is_looked_at_and_returned(
    smallest_settings, short_training, codec_file, tmp_path
):
    slow = replace(short_training, ema=1.0)
    looks = []
    model, _, _ = train(smallest_settings, slow, 3, codec_file, tmp_path / "s", [4], lambda m: looks.append(1))
    vectors, _ = read_tensors(tmp_path / "s")
    assert (model.dit.params.flat == vectors["state.ema"]).all()
    assert not np.array_equal(vectors["state.ema"], vectors["state.params"])


def test_marks_are_even_and_end_at_the_end():
    assert stops_of(10, 4) == [2, 5, 8, 10]
    assert stops_of(2, 8) == [1, 2]


def test_every_prompt_is_judged(tiny_model, monkeypatch):
    monkeypatch.setattr(decibels, "fidelity", lambda clips, attributes: np.arange(len(clips)))
    found = asked(tiny_model, {"all": HELD_OUT}, 70, 0)  # more than fit into a batch
    assert total(found["all"]) == len(found["fidelity"]["all"]) == 70


def test_both_examiners_judge_every_split(tiny_model):
    found = asked(tiny_model, SPLITS, 3, 0)
    assert list(found) == ["seen", "held_out", "fidelity"]
    assert all(total(found[split]) == len(found["fidelity"][split]) == 3 for split in SPLITS)
    assert found == asked(tiny_model, SPLITS, 3, 0)
    later = asked(tiny_model, {"rest": HELD_OUT}, 3, 0, stream=1)
    assert later["fidelity"]["rest"] == found["fidelity"]["held_out"] != found["fidelity"]["seen"]


def test_a_training_that_measured_less_is_another_plan(tmp_path):
    task = training_task(
        Options(tmp_path), "a", small_settings(16, 1, 2, (8, 2, 2)), DiffusionTraining(steps=4), 0, print, (), {}
    )
    assert task.plan["measured"] == ["right", "fidelity"]


def test_states_of_different_names_are_different_files(tmp_path):
    options = Options(tmp_path, tmp_path, "")
    names = ["scalability/width 32, depth 2/patch 8x1x1/seed 0", "scalability/width 32, depth 2/patch 8x1x1/seed 1"]
    settings, training = small_settings(16, 1, 2, (8, 2, 2)), DiffusionTraining(steps=4)
    files = [training_task(options, name, settings, training, 0, print, (), {}).state for name in names]
    assert len(set(files)) == 2
    assert files[0].name == "scalability-width-32-depth-2-patch-8x1x1-seed-0.safetensors"


def test_the_codec_of_the_small_models_is_that_of_the_task(tmp_path):
    training, path = codec_task(Options(tmp_path, tmp_path, "", quick=True)).arguments
    assert small_settings(16, 1, 2, (8, 2, 2)).codec == CODEC_SETTINGS
    assert training.steps < codec_task(Options(tmp_path, tmp_path, "")).plan["steps"]
    assert path.parent == tmp_path


def test_looks_on_the_way_do_not_change_the_training(smallest_settings, short_training, codec_file, tmp_path):
    arguments = (smallest_settings, short_training, 3, codec_file)
    at_once, _, _ = train(*arguments, tmp_path / "a", [4], lambda model: None)
    by_steps, _, _ = train(*arguments, tmp_path / "b", [1, 2, 4], lambda model: None)
    assert (at_once.dit.params.flat == by_steps.dit.params.flat).all()
