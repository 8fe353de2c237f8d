import itertools
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from minidit.backend.kernels import adamw, embedding, gelu, launch, layernorm_modulate
from minidit.backend.simulated import cupy, raw_module
from minidit.cli import main
from minidit.generation.studio import Studio
from minidit.gpu import selftest
from minidit.gpu.operations import OPERATIONS
from minidit.gpu.selftest import Finding, layer, operations, optimizer, sampling, training, waiting
from minidit.presets import PRESETS
from minidit.training import buckets, job, steps
from minidit.training.parallel.workers import Team

RESUMED, WAITS, CLIPS = "numbers that differ after a resumed run", "waits within a training step", "pixels of two clips"
LOSSES, PARAMETERS = "losses of 2 steps", "parameters after them, in units of their change"


@pytest.fixture
def short_training(monkeypatch):
    """Two steps of training, one before and one after it is resumed."""
    monkeypatch.setattr(selftest, "STEPS", 2)


def wrong(findings):
    """The names of what is not right."""
    return {finding.name for finding in findings if not finding.right}


def checked(findings):
    """How many there are, all of them right."""
    findings = list(findings)
    assert wrong(findings) == set()
    return len(findings)


# ---- what is right


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_a_layer_gives_the_numbers_of_float64_with_and_without_our_kernels(operation, simulated):
    assert checked(layer(simulated, operation)) == 2


def test_the_optimiser_is_numpys(simulated):
    assert checked(optimizer(simulated)) == 2


def test_training_is_the_cpus_and_resuming_it_changes_no_bit(simulated):
    assert checked(training(simulated)) == 3


def test_a_step_does_not_wait(simulated):
    assert checked(waiting(simulated)) == 1


def test_clips_are_the_cpus(simulated, tiny_model):
    assert checked(sampling(simulated, tiny_model)) == 1


def test_the_command_says_what_it_found_line_by_line(short_training, capsys):
    assert main(["gpu-selftest", "--device", "simulated"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 * len(OPERATIONS) + 2 + 3 + 1 + 1
    assert all(line.startswith("ok ") for line in lines)
    for name in ("linear", "attention, keys masked, plain", "adamw", LOSSES, PARAMETERS, RESUMED, WAITS, CLIPS):
        assert sum(line[7:].startswith(f"{name}  ") for line in lines) == 1, name


# ---- what is wrong is found, by its name


@pytest.fixture
def mistaken(monkeypatch, tmp_path):
    """mistaken(old, new): our kernels have this instead of that in the one place where it stands."""

    def plant(old, new):
        planted = []

        def compiled(*, code, options):
            module = raw_module.RawModule(code=code.replace(old, new), options=options)
            if code.count(old):
                assert code.count(old) == 1
                planted.append(code)
                with pytest.MonkeyPatch.context() as patch:
                    patch.setenv("XDG_CACHE_HOME", str(tmp_path))  # compiled for this test alone
                    assert module.kernels.library
            return module

        monkeypatch.setattr(cupy, "RawModule", compiled)
        launch.compiled.cache_clear()
        return planted

    yield plant
    launch.compiled.cache_clear()


BLOCKWISE = {"blockwise_attention", "blockwise_attention, keys masked", "blockwise_attention, wide heads"}
MODULATED = {"layernorm_modulate", "layernorm_modulate, per token"}
GATED = {"linear_gated_residual", "linear_gated_residual, per token"}
MISTAKES = {  # what is wrong: the file, where it says this, it says that, and the names under which it is found
    "another factor in GELU": (
        "gelu.cu", "0.044715f", "0.046f", {"linear_gelu", "feedforward"},
    ),
    "no weight decay": (
        "adamw.cu", "shrink * params[i]", "params[i]", {"adamw"},
    ),
    "a word that occurs twice counts once": (
        "embedding.cu", "sum += dy[", "sum = dy[", {"embedding"},
    ),
    "the old sums are not rescaled": (
        "flash_attention.cu", "rescale = expf(largest[r] - larger)", "rescale = 1.0f", BLOCKWISE,
    ),
    "the gate forgets the bias": (
        "gated_residual.cu", "dgate += dy[i] * (h[i] + bias)", "dgate += dy[i] * h[i]", GATED,
    ),
    "the deviation is taken for a constant": (
        "layernorm_modulate.cu", " - xhat * through_std", "", MODULATED,
    ),
    "the weights are forgotten": (
        "mse.cu", "factor * (weight ? weight[i / per_weight] : 1.0f)", "factor", {"mse, weighted"},
    ),
    "masked keys get weight": (
        "softmax.cu", "masked = mask && !mask[key]", "masked = false", {"attention, keys masked", "cross_attention"},
    ),
    "each warp of a row sums for itself": (
        "softmax.cu", "warp_sum(value) : block_sum", "warp_sum(value) : warp_sum", {"softmax, long rows"},
    ),
}  # fmt: skip


def test_every_file_of_kernels_has_a_mistake_planted(kernels):
    assert {file for file, *_ in MISTAKES.values()} == kernels.keys()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_wrong_kernel_is_found(mistake, simulated, mistaken):
    file, old, new, names = MISTAKES[mistake]
    planted = mistaken(old, new)
    assert wrong(itertools.chain(operations(simulated), optimizer(simulated))) == names
    assert set(planted) == {(launch.FOLDER / file).read_text(encoding="utf-8")}


@pytest.fixture
def small_training(short_training, small_preset, monkeypatch):
    """Two steps of a smaller network."""
    monkeypatch.setitem(PRESETS, "tiny", replace(PRESETS["tiny"], model=small_preset.model))


def swapped(launcher):
    """The launcher, which mistakes one of its results for the next."""

    def launch_it(*arguments):
        dx, dshift, dscale = launcher(*arguments)
        return dx, dscale, dshift

    return launch_it


def test_a_launcher_that_returns_the_wrong_thing_is_found(simulated, monkeypatch):
    launcher = layernorm_modulate.layernorm_modulate_backward
    monkeypatch.setattr(layernorm_modulate, "layernorm_modulate_backward", swapped(launcher))
    assert wrong(operations(simulated)) == MODULATED


def test_a_result_of_another_shape_is_found(simulated, monkeypatch):
    backward = embedding.embedding_backward
    monkeypatch.setattr(embedding, "embedding_backward", lambda *arguments: backward(*arguments)[:1])
    assert wrong(operations(simulated)) == {"embedding"}


def test_an_update_that_goes_too_far_is_found(simulated, small_training, monkeypatch):
    update = adamw.adamw_ema_update

    def too_far(params, grads, m, v, average, step, learning_rate, *rest):
        update(params, grads, m, v, average, step, 1.01 * learning_rate, *rest)

    monkeypatch.setattr(adamw, "adamw_ema_update", too_far)
    assert wrong(optimizer(simulated)) == {"adamw"}
    assert wrong(training(simulated)) == {PARAMETERS}


def forgetful(load):
    """`Team.load` that leaves the means of the squares as they are."""

    def load_the_rest(team, state):
        load(team, replace(state, v=np.zeros_like(state.v)))

    return load_the_rest


def test_a_resumed_run_that_differs_is_found(simulated, small_training, monkeypatch):
    monkeypatch.setattr(Team, "load", forgetful(Team.load))
    assert wrong(training(simulated)) == {RESUMED}


@pytest.mark.parametrize(
    ("module", "name", "hidden"),
    [
        (job, "number", float),
        (steps, "ema_decay", lambda step, decay: float(cupy.ones(()))),
        (steps, "learning_rate_at", lambda *_: cupy.ones(3).get()[0].item()),
        (buckets, "moved", lambda array, xp: xp.asarray(xp.asarray(array).get())),
        (buckets, "moved", lambda array, xp: xp.asarray(array, blocking=True)),
    ],
)
def test_a_hidden_wait_in_a_step_is_found(module, name, hidden, simulated, small_training, monkeypatch):
    monkeypatch.setattr(module, name, hidden)
    assert wrong(waiting(simulated)) == {WAITS}


def test_a_clip_that_differs_is_found(simulated, tiny_model, monkeypatch):
    forward = gelu.bias_gelu_forward
    monkeypatch.setattr(gelu, "bias_gelu_forward", lambda x, b, training=True: forward(x, 1.01 * b, training))
    assert wrong(sampling(simulated, tiny_model)) == {CLIPS}


def test_what_is_not_a_number_is_wrong():
    assert Finding("it", 1e-5, 1e-5).right
    assert not Finding("it", 1.1e-5, 1e-5).right
    assert not Finding("it", float("nan"), 1e-5).right
    assert not Finding("it", float("inf"), 1e-5).right


# ---- on a real GPU


def test_without_a_gpu_the_tests_that_need_one_are_skipped_and_say_why():
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "-1"}
    ask = "from minidit.backend.device import choose_device; choose_device('gpu')"
    refused = subprocess.run([sys.executable, "-c", ask], env=environment, capture_output=True, text=True)
    sentence = refused.stderr.splitlines()[-1].removeprefix("minidit.errors.UserError: ")
    tests = [str(Path(__file__).with_name("test_on_gpu.py")), "-m", "gpu", "-rs", "-p", "no:cacheprovider"]
    done = subprocess.run([sys.executable, "-m", "pytest", *tests], env=environment, capture_output=True, text=True)
    skipped = [line for line in done.stdout.splitlines() if line.startswith("SKIPPED")]
    assert skipped
    assert all(line.endswith(f": {sentence}") for line in skipped)
    assert re.search(r"=+ \d{3} skipped in [^,]*=+$", done.stdout)  # and none of them passed, or was left out


# ---- what the command says then


@pytest.fixture
def refused(small_training, tiny_model, monkeypatch, capsys):
    """Runs the command on something wrong. Asserts that one sentence names all of it; returns the names."""

    def run():
        monkeypatch.setattr("minidit.generation.studio.load", lambda device: Studio(tiny_model))
        assert main(["gpu-selftest", "--device", "simulated"]) == 2
        out, err = capsys.readouterr()
        *said, sentence = err.splitlines()
        assert all(line.startswith("minidit: computing on a simulated GPU") for line in said)
        beginning, end = "minidit: this device does not compute what the CPU does: ", "."
        assert sentence.startswith(beginning) and sentence.endswith(end)
        names = sentence.removeprefix(beginning).removesuffix(end).split("; ")
        assert [line[7:].split("  ")[0] for line in out.splitlines() if line.startswith("WRONG")] == names
        return set(names)

    return run


def test_the_command_names_a_wrong_kernel(refused, mistaken):
    _, old, new, names = MISTAKES["another factor in GELU"]
    mistaken(old, new)
    assert names < refused() <= names | {LOSSES, PARAMETERS, CLIPS}


def test_the_command_names_a_hidden_wait(refused, monkeypatch):
    monkeypatch.setattr(job, "number", float)
    assert refused() == {WAITS}


def test_the_command_names_a_resumed_run_that_differs(refused, monkeypatch):
    monkeypatch.setattr(Team, "load", forgetful(Team.load))
    assert refused() == {RESUMED}
