from dataclasses import replace

import numpy as np
import pytest

from minidit.benchmark import pace
from minidit.benchmark.ours import FixedBatch
from minidit.benchmark.pace import fixed_batch, job_of, pace_of, timeable, work
from minidit.models.dit import DiTSettings
from minidit.models.text_encoder import TextEncoderSettings
from minidit.models.tokenizer import SPECIAL
from minidit.presets import PRESETS
from minidit.training.budget import Workload, workload_of
from minidit.training.job import VideoTraining
from minidit.world import VOCABULARY

LABELS = DiTSettings(4, (1, 2, 2), width=16, depth=5, num_heads=2, learn_sigma=True, num_classes=10)
SMALL = Workload(LABELS, (1, 2, 3), batch=12, shards=12)
LARGE = replace(SMALL, dit=replace(LABELS, width=256, num_heads=4, depth=20), grid=(1, 16, 16), batch=60, shards=60)


@pytest.fixture
def clock(monkeypatch):
    """Replaces real teams by a machine of our own making, which takes exactly so long."""
    made = []

    def seconds_of(jobs, processes, threads):
        made.append((jobs, processes, threads))
        return [seconds(job, processes) for job in jobs]

    def seconds(job, processes):
        if isinstance(job, VideoTraining):
            return 1.5
        workload = replace(LARGE, dit=job.case.settings, batch=job.case.batch, shards=job.shards, grid=job.case.grid)
        return seconds_by_rule(workload, processes)

    monkeypatch.setattr(pace, "seconds_of", seconds_of)
    return made


def seconds_by_rule(workload, processes):
    """Of a machine that does 1e10 multiply-accumulates a second, and updates 5e8 parameters."""
    return 2e-9 * workload.parameters + 1e-10 * work(workload) * workload.clips(processes) / workload.batch


@pytest.mark.parametrize("processes", [1, 2])
def test_small_networks_are_timed_as_they_are(clock, processes):
    found = pace_of(SMALL, processes)
    assert not found.estimated
    assert found.seconds == pytest.approx(seconds_by_rule(SMALL, processes))
    (((job,), *rest),) = clock
    assert (job.case.settings, job.case.batch, job.shards, *rest) == (LABELS, 12, 12, processes, 1)


@pytest.mark.parametrize("processes", [1, 2])
def test_large_ones_are_estimated_from_one_block_with_fewer_clips(clock, processes):
    assert work(LARGE) > 5 * pace.MOST_TIMED
    found = pace_of(LARGE, processes)
    assert found.estimated
    assert found.seconds == pytest.approx(seconds_by_rule(LARGE, processes))
    ((jobs, *_),) = clock
    few, twice = (job.case.batch for job in jobs)
    assert processes <= few == twice / 2 < 60
    assert all(job.case.settings.depth == 1 for job in jobs)


def test_what_is_timed_is_never_more_than_there_is_and_at_least_a_clip_for_each_process():
    assert timeable(SMALL, 2).batch == 12
    huge = replace(LARGE, dit=replace(LABELS, width=4096, num_heads=64), grid=(1, 64, 64))
    assert timeable(huge, 3).batch == 3
    assert work(timeable(LARGE, 2, times=2)) <= pace.MOST_TIMED


def test_a_preset_is_timed_on_clips_of_its_own(clock):
    preset = PRESETS["tiny"]
    assert pace_of(workload_of(preset), 2, preset=preset) == pace.Pace(1.5, estimated=False)
    (((job,), *_),) = clock
    assert isinstance(job, VideoTraining)
    assert job.training == preset.diffusion_training


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("words", [None, 7])
def test_the_fixed_batch_of_a_workload_has_gradients_of_every_parameter(words, recompute):
    text = TextEncoderSettings(len(SPECIAL) + len(VOCABULARY), width=8)
    dit = LABELS if words is None else replace(LABELS, num_classes=None, text=text)
    job = fixed_batch(replace(SMALL, dit=dit, words=words, recompute=recompute))
    assert isinstance(job, FixedBatch)
    assert job.recompute == recompute
    workload_parameters = sum(np.prod(shape) for shape in job.shapes.values())
    params = 0.3 * np.random.default_rng(0).standard_normal(workload_parameters, dtype=np.float32)
    loss, grads = job.at(params).loss_and_gradients(0, range(12))
    assert loss > 0
    assert {name: array.shape for name, array in grads.items()} == job.shapes
    assert all(np.isfinite(array).all() and array.any() for array in grads.values())


def test_a_preset_that_is_to_recompute_does():
    preset = PRESETS["tiny"]
    assert job_of(replace(workload_of(preset), recompute=True), preset).training.recompute


def test_real_teams_are_timed():
    tiny = replace(SMALL, dit=replace(LABELS, depth=1), batch=2, shards=2)
    first, second = pace.seconds_of([fixed_batch(tiny), fixed_batch(replace(tiny, batch=4))], 1, 1)
    assert first > 0 and second > 0
