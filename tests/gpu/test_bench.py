import json
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from minidit.benchmark.cases import Case
from minidit.gpu import bench
from minidit.gpu.bench import contests, operations, our_training_step, pytorch_steps, race, run, work_by_name
from minidit.gpu.operations import Size, error
from minidit.gpu.report import report
from minidit.models import DiTSettings, TextEncoderSettings
from minidit.models.tokenizer import SPECIAL
from minidit.training import steps
from minidit.world import VOCABULARY

pytestmark = pytest.mark.bench

LARGE, MANY_TOKENS = Size(2, 5, 8, 2), Size(1, 6, 8, 2)
TEXT = TextEncoderSettings(vocabulary_size=len(SPECIAL) + len(VOCABULARY), width=8, num_heads=2)
CASES = {
    "labels": Case("labels", DiTSettings(3, (1, 2, 2), 16, 2, 2, num_classes=4), shape=(1, 4, 6, 3), batch=4),
    "prompts": Case("prompts", DiTSettings(2, (2, 1, 2), 24, 2, 3, text=TEXT), shape=(4, 2, 6, 2), batch=6),
}


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Rounds of one call, small vectors and matrices, small cases."""
    monkeypatch.setattr(bench, "ROUND", 0.0)
    monkeypatch.setattr(bench, "copy_rate", partial(bench.copy_rate, size=2**10))
    monkeypatch.setattr(bench, "multiply_rate", partial(bench.multiply_rate, size=2**5))
    for name, case in CASES.items():
        monkeypatch.setitem(bench.CASES, name, case)


def test_a_whole_benchmark_at_its_smallest(simulated):
    result = run(simulated, 2, list(CASES), large=LARGE, many_tokens=MANY_TOKENS, progress=False)
    assert result == json.loads(json.dumps(result, allow_nan=False))
    assert result["copy"] > 0 and result["multiply"] > 0
    for found in result["operations"]:
        for times in (found["kernel"], found["plain"], found["ratio"]):
            assert 0 < times[0] <= times[1] <= times[2]
        assert found["bytes"] > 0
    assert [step["case"] for step in result["steps"]] == list(CASES)
    assert all(step.keys() == {"case", "ours", "plain CuPy"} for step in result["steps"])
    text = report(result)
    assert "a simulated GPU" in text
    for name in (*(found["name"] for found in result["operations"]), *CASES):
        assert f"\n| {name} " in text


def test_every_kernel_is_timed_against_an_expression_that_launches_none(simulated, ours):
    launched = {"kernel": set(), "plain": set()}

    def noting(xp, contestants, rounds):
        for name, call in contestants.items():
            with xp.count() as count:
                call()
            names = {launch.name for launch in count.launches}
            assert bool(names & ours) == (name == "kernel")
            launched[name] |= names
        return dict.fromkeys(contestants, np.ones(rounds))

    work = work_by_name(LARGE, MANY_TOKENS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "race", noting)
        found = list(operations(simulated, 2, LARGE, MANY_TOKENS, work))
    assert launched["kernel"] & ours == ours
    assert launched["plain"] & ours == set()
    assert [entry["name"] for entry in found] == list(work)


def test_both_sides_of_a_contest_compute_the_same(simulated):
    """As far as both return it: what is left out is a sum, or the gradient of a bias, that plain gets elsewhere."""
    compared = set()
    for name, kernel, plain in contests(simulated, LARGE, MANY_TOKENS):
        with bench.plain_kernels():
            expected = arrays(plain())
        for one, other in zip(arrays(kernel()), expected, strict=False):
            assert error(one, other) < 1e-5, name
            compared.add(name)
    without_results = {"AdamW and moving average", "bias and GELU, backward", "bias, gate and residual, backward"}
    assert compared == work_by_name(LARGE, MANY_TOKENS).keys() - without_results


def arrays(results):
    """All that are among the results, as NumPy's."""
    return [x.get() for x in (results if isinstance(results, tuple) else (results,)) if hasattr(x, "get")]


def test_the_bytes_and_products_of_a_kernel_are_those_of_its_arrays():
    work = work_by_name(LARGE, MANY_TOKENS)
    B, T, D, _, V = LARGE
    x, m = B * T * D, 4 * B * T * D
    parts = B * D  # a sample's tokens are one group
    expected = {
        "layernorm_modulate, forward": 2 * x + 2 * B * D + 2 * B * T,
        "bias and GELU, forward": 2 * m + 4 * D,
        "bias and GELU, backward": 3 * m + 4 * D + 3 * 4 * D,  # the parts of db, written, read, and added up
        "bias, gate and residual, forward": 3 * x + D + B * D,
        "bias, gate and residual, backward": 3 * x + D + B * D + 4 * parts + D + B * D,
        "embedding, backward": 2 * B * T + x + V * D,  # ids have eight bytes
        "AdamW and moving average": 9 * 144 * D * D + 1,
    }
    assert {name: work[name]["bytes"] for name in expected} == {name: 4 * n for name, n in expected.items()}
    products = {name: found["multiply_accumulates"] for name, found in work.items() if found["multiply_accumulates"]}
    assert products == {
        "attention, forward": 2 * B * T * T * D,
        "attention, backward": 4 * B * T * T * D,
        "blockwise_attention, forward": 2 * 1 * 6 * 6 * 8,
        "blockwise_attention, backward": 4 * 1 * 6 * 6 * 8,
    }


@pytest.mark.parametrize("name", CASES)
def test_the_step_that_is_timed_is_a_training_step(name, simulated, monkeypatch):
    seen = []
    update = steps.adamw_ema_update

    def noting(params, grads, *rest):
        update(params, grads, *rest)
        seen.append([x if isinstance(x, np.ndarray) else x.get() for x in (params, grads)])

    monkeypatch.setattr(steps, "adamw_ema_update", noting)
    before = bench.fixed_model(CASES[name]).params.flat
    for xp in (np, simulated):
        our_training_step(xp, CASES[name])()
    (expected_params, expected_grads), (params, grads) = seen
    assert error(grads, expected_grads) < 1e-5
    assert error(params, expected_params) < 1e-5
    assert grads.any() and not np.array_equal(params, before)


def test_the_step_that_is_timed_does_not_wait(simulated):
    step = our_training_step(simulated, CASES["prompts"])
    step()
    with simulated.allow_synchronize(False), simulated.count() as count:
        step()
    assert count.host_to_device.count == count.device_to_host.count == 0


class Clock:
    """Stands in for a device whose time passes only when it works, in milliseconds."""

    def __init__(self):
        self.now = 0.0
        clock = self

        class Event:
            def record(self):
                self.time = clock.now

            def synchronize(self):
                pass

        self.cuda = SimpleNamespace(Event=Event, get_elapsed_time=lambda begin, end: end.time - begin.time)


def test_contestants_take_turns_by_the_devices_clock(monkeypatch):
    monkeypatch.setattr(bench, "ROUND", 0.010)
    clock, called = Clock(), []

    def takes(name, milliseconds):
        def call():
            called.append(name)
            clock.now += milliseconds

        return call

    times = race(clock, {"slow": takes("slow", 5.0), "quick": takes("quick", 2.0)}, rounds=3)
    np.testing.assert_allclose(times["slow"], [0.005] * 3)
    np.testing.assert_allclose(times["quick"], [0.002] * 3)
    warm_up = ["slow"] * 3 + ["quick"] * 3
    assert called == warm_up + 3 * (["slow"] * 2 + ["quick"] * 5)


@pytest.mark.parametrize("library", ["cupy", "minidit.backend.simulated.cupy"])
def test_there_is_no_race_without_pytorch_or_without_a_gpu(library, monkeypatch):
    monkeypatch.setattr(bench, "pytorch_is_installed", lambda: library != "cupy")
    assert pytorch_steps(SimpleNamespace(__name__=library), CASES["labels"], compiled=True) == {}
