from dataclasses import replace

import numpy as np
import pytest

from minidit.backend.kernels import launch
from minidit.errors import UserError
from minidit.gpu import plan
from minidit.gpu.plan import PARTS, PRODUCTS, REST, Part, StepPlan, counted_step, least_bytes, part_of, plan_step
from minidit.layers import multihead_attention
from minidit.models import VideoModel
from minidit.models.checkpoint import codec_tensors
from minidit.models.tokenizer import SPECIAL
from minidit.presets import PRESETS
from minidit.training import steps
from minidit.training.budget import workload_of
from minidit.training.job import VideoTraining
from minidit.world import VOCABULARY

FUSED = ("norm, shift and scale", "GELU", "gate and residual", "optimiser")
OF_FILE = {
    "adamw.cu": "optimiser",
    "embedding.cu": "words",
    "flash_attention.cu": "attention",
    "gated_residual.cu": "gate and residual",
    "gelu.cu": "GELU",
    "layernorm_modulate.cu": "norm, shift and scale",
    "mse.cu": "loss",
    "softmax.cu": "attention",
}


def with_batch(preset, batch):
    return replace(preset, diffusion_training=replace(preset.diffusion_training, batch=batch))


@pytest.fixture
def same_words(monkeypatch):
    """All prompts are of one length: else a larger batch has longer ones."""
    monkeypatch.setattr("minidit.training.known_parts.caption", lambda *_: "a red circle moves right in the day sky")


@pytest.fixture
def job(small_preset):
    """The job of `plan_step`."""
    codec = codec_tensors(VideoModel(small_preset.model, np.random.default_rng(0)).codec)
    return VideoTraining(small_preset.model, small_preset.diffusion_training, codec, seed=0)


# ---- what our kernels spare


@pytest.mark.parametrize("name", ["small", "tiny"])
def test_ours_launches_and_moves_less_in_all_and_in_each_part_that_has_kernels(name, small_preset):
    plain, ours, least = plan_step(PRESETS.get(name, small_preset))
    assert ours.parts.keys() == plain.parts.keys()
    for part in FUSED:
        assert 0 < ours.parts[part].launches < plain.parts[part].launches, part
        assert 0 < ours.parts[part].bytes < plain.parts[part].bytes, part
    for part in plain.parts:
        assert ours.parts[part].launches <= plain.parts[part].launches, part
        assert ours.parts[part].bytes <= plain.parts[part].bytes, part
    assert ours.total.launches < 2 / 3 * plain.total.launches
    assert least < ours.total.bytes < 2 / 3 * plain.total.bytes


def test_the_optimiser_is_one_launch(small_preset):
    _, ours, _ = plan_step(small_preset)
    n = VideoModel(small_preset.model).dit.params.flat.size
    squared_norm = 4
    assert ours.parts["optimiser"] == Part(1, 9 * 4 * n + squared_norm)


def test_nothing_waits_and_only_the_batch_is_copied(small_preset):
    for found in plan_step(small_preset)[:2]:
        assert found.host_to_device[0] == 4
        assert (found.device_to_host, found.synchronisations) == ((0, 0), 0)


# ---- where the counts come from


def test_the_counts_are_those_of_a_step_whose_kernels_run(small_preset, job, simulated):
    _, ours, _ = plan_step(small_preset)
    assert counted_step(simulated, job) == ours


def test_a_step_that_does_more_is_counted_with_more(small_preset, monkeypatch):
    before = plan_step(small_preset)[:2]
    update = steps.adamw_ema_update

    def twice(*arguments):
        update(*arguments)
        update(*arguments)

    monkeypatch.setattr(steps, "adamw_ema_update", twice)
    for found, once in zip(plan_step(small_preset), before, strict=False):
        grown = {name for name, part in found.parts.items() if part != once.parts[name]}
        assert grown == {"optimiser"}
        assert found.parts["optimiser"] == Part(*(2 * count for count in once.parts["optimiser"]))


def test_every_block_costs_as_much_as_the_one_before(small_preset):
    model = small_preset.model
    presets = [replace(small_preset, model=replace(model, dit=replace(model.dit, depth=d))) for d in (1, 2, 3)]
    for one, two, three in zip(*(plan_step(preset)[:2] for preset in presets), strict=True):
        assert two.total.launches - one.total.launches == three.total.launches - two.total.launches > 50
        assert two.total.bytes - one.total.bytes == three.total.bytes - two.total.bytes > 0


def test_bytes_grow_with_the_batch_as_far_as_they_are_about_clips(small_preset, same_words):
    plans = [plan_step(with_batch(small_preset, batch))[:2] for batch in (8, 16, 32)]
    for small, middle, large in zip(*plans, strict=True):
        assert large.host_to_device == (4, 2 * middle.host_to_device[1])
        for name in small.parts:
            launches, moved = zip(small.parts[name], middle.parts[name], large.parts[name], strict=True)
            assert len(set(launches)) == 1, name
            grows = name not in ("optimiser", "gradients into one vector")
            assert (moved[1] - moved[0] > 0) == grows, name
            assert moved[2] - moved[1] == 2 * (moved[1] - moved[0]), name


# ---- the parts


def test_nothing_that_belongs_to_a_kernel_is_among_everything_else(job, simulated, ours, monkeypatch):
    rest = []

    def noting(launched):
        part = part_of(launched)
        rest.extend([launched] if part == REST else [])
        return part

    monkeypatch.setattr(plan, "part_of", noting)
    with simulated.kernels_left_out():
        counted_step(simulated, job)
    assert len(rest) > 50
    for launched in rest:
        assert launched.name not in ours
        assert not launched.asked_by.startswith("minidit.backend"), launched  # such as the sums that end a reduction


@pytest.mark.parametrize("many_scores", [0, 2**23])
def test_every_kernel_counts_for_the_part_that_it_computes(many_scores, job, simulated, kernels, monkeypatch):
    found = {}

    def noting(launched):
        found[launched.name] = part_of(launched)
        return found[launched.name]

    monkeypatch.setattr(multihead_attention, "MANY_SCORES", many_scores)
    monkeypatch.setattr(plan, "part_of", noting)
    with simulated.kernels_left_out():
        counted_step(simulated, job)
    assert kernels.keys() == OF_FILE.keys()
    other = "softmax.cu" if many_scores == 0 else "flash_attention.cu"
    for file in kernels.keys() - {other}:
        assert {found[name] for name in kernels[file]} == {OF_FILE[file]}, file


@pytest.mark.parametrize(
    ("name", "asked_by", "part"),
    [
        ("matmul", "minidit.layers.linear.linear_forward", PRODUCTS),
        ("matmul", "minidit.backend.kernels.gelu.linear_gelu_backward", PRODUCTS),
        ("sum", "minidit.backend.kernels.gelu.bias_gelu_backward", "GELU"),
        ("matmul", "minidit.layers.attention.attention_backward", "attention"),
        ("matmul", "minidit.backend.kernels.attention.attention_backward", "attention"),
        ("copy", "minidit.models.parameters.Parameters.load", "gradients into one vector"),
        ("multiply", "minidit.layers.activations.silu_forward", REST),
        ("memset", None, REST),
    ],
)
def test_a_launch_belongs_to_who_asked_for_it(name, asked_by, part, simulated):
    with simulated.count() as count:
        simulated.ones(1)
    assert part_of(count.launches[0]._replace(name=name, asked_by=asked_by)) == part


def test_the_total_is_the_sum_of_the_parts():
    found = StepPlan({"a": Part(1, 10), "b": Part(2, 20)}, (0, 0), (0, 0), 0)
    assert found.total == Part(3, 30)
    assert {name for name, _ in PARTS}.isdisjoint({PRODUCTS, REST})


# ---- the least


def test_the_least_is_what_a_hand_counts(small_preset):
    """Width 16, two blocks, 16 tokens of 32 numbers, 8 clips; a text encoder of width 8 with one block."""
    words = workload_of(small_preset).words
    tokens, clips, read = 8 * 16, 8, 8 * words
    linear = [  # rows, inputs, outputs
        (clips, 16, 16),  # the time embedding's second layer
        *2 * [(clips, 16, 6 * 16), (tokens, 16, 48), (tokens, 16, 16), (tokens, 16, 64), (tokens, 64, 16)],
        (clips, 16, 2 * 16), (tokens, 16, 32),  # the final layer
        (read, 8, 24), (read, 8, 8), (read, 8, 32), (read, 32, 8), (clips, 8, 16),  # the text encoder
    ]  # fmt: skip
    without_dx = [(tokens, 32, 16), (clips, 256, 16)]  # the patches, and the waves of the time
    numbers = sum(3 * (n * i + i * o + n * o) for n, i, o in linear)  # y from x and w, dx from dy and w, dw from both
    numbers += sum(2 * (n * i + i * o + n * o) for n, i, o in without_dx)
    numbers += read * 8 + (len(SPECIAL) + len(VOCABULARY)) * 8  # the words' gradient, and the table's
    numbers += 12 * (2 * tokens * 16 + read * 8)  # attention: q, k, v, y; again, with dy, dq, dk and dv
    numbers += 9 * VideoModel(small_preset.model).dit.params.flat.size
    assert least_bytes(small_preset) == 4 * numbers


# ---- what it needs


def test_a_plan_needs_no_compiler(small_preset, job, simulated, monkeypatch, tmp_path):
    expected = plan_step(small_preset)
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    launch.compiled.cache_clear()
    with pytest.raises(UserError, match="found none of g"):  # it is hidden well
        counted_step(simulated, job)
    assert plan_step(small_preset) == expected
    assert list(tmp_path.iterdir()) == []
