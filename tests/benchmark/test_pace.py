from dataclasses import replace

import numpy as np
import pytest

from minidit.benchmark import pace
from minidit.benchmark.pace import NoNetwork, RandomLatents, job_of, pace_of, timeable, work
from minidit.models.dit import DiTSettings
from minidit.models.text_encoder import TextEncoderSettings
from minidit.presets import PRESETS
from minidit.training.budget import Workload, workload_of
from minidit.training.job import VideoTraining

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
        workload = job.workload if isinstance(job, RandomLatents) else workload_of_video(job)
        vectors = 2e-9 * workload.parameters
        blocks = 0.004 * workload.dit.depth * workload.clips(processes)
        return vectors if isinstance(job, NoNetwork) else vectors + blocks + 0.001 * workload.clips(processes)

    def workload_of_video(job):
        preset = replace(PRESETS["tiny"], model=job.settings, diffusion_training=job.training)
        return workload_of(preset)

    monkeypatch.setattr(pace, "seconds_of", seconds_of)
    return made


@pytest.mark.parametrize("processes", [1, 2])
def test_small_networks_are_timed_as_they_are(clock, processes):
    found = pace_of(SMALL, processes)
    assert found.depths == (5,)
    assert found.batch == 12
    assert found.seconds == pytest.approx(2e-9 * SMALL.parameters + (5 * 0.004 + 0.001) * 12 / processes)
    assert [(len(jobs), *rest) for jobs, *rest in clock] == [(1, processes, 1)]


@pytest.mark.parametrize("processes", [1, 2])
def test_large_ones_are_estimated_from_one_block_and_two_with_fewer_clips(clock, processes):
    assert work(LARGE) > 5 * pace.MOST_TIMED
    found = pace_of(LARGE, processes)
    assert found.depths == (1, 2)
    assert processes <= found.batch < 60
    assert found.seconds == pytest.approx(2e-9 * LARGE.parameters + (20 * 0.004 + 0.001) * 60 / processes)
    ((jobs, *_),) = clock
    assert all(job.training.batch == found.batch for job in jobs)


def test_what_is_timed_is_never_more_than_there_is_and_at_least_a_clip_for_each_process():
    assert timeable(SMALL, 1, 2).batch == 12
    huge = replace(LARGE, dit=replace(LABELS, width=4096, num_heads=64), grid=(1, 64, 64))
    assert timeable(huge, 1, 3).batch == 3
    assert work(timeable(LARGE, 2, 2)) <= pace.MOST_TIMED


def test_a_preset_is_timed_on_clips_of_its_own(clock):
    preset = PRESETS["tiny"]
    workload = workload_of(preset)
    found = pace_of(workload, 2, preset=preset)
    (((job,), *_),) = clock
    assert isinstance(job, VideoTraining)
    assert job.training == preset.diffusion_training
    assert found.depths == (2,)


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("words", [None, 7])
def test_random_latents_have_gradients_of_every_parameter(words, recompute):
    dit = LABELS if words is None else replace(LABELS, num_classes=None, text=TextEncoderSettings(20, 9, 8))
    job = RandomLatents(replace(SMALL, dit=dit, words=words, recompute=recompute))
    params = 0.3 * np.random.default_rng(0).standard_normal(job.workload.parameters, dtype=np.float32)
    loss, grads = job.at(params).loss_and_gradients(0, range(4))
    assert loss > 0
    assert {name: array.shape for name, array in grads.items()} == job.shapes
    assert all(np.isfinite(array).all() and array.any() for array in grads.values())


def test_a_preset_that_is_to_recompute_does():
    preset = PRESETS["tiny"]
    assert job_of(replace(workload_of(preset), recompute=True), preset).training.recompute


def test_real_teams_are_timed():
    tiny = replace(SMALL, dit=replace(LABELS, depth=1), batch=2, shards=2)
    first, second = pace.seconds_of([RandomLatents(tiny), NoNetwork(tiny)], 1, 1)
    assert first > 0 and second > 0
