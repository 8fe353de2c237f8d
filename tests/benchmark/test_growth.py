import json

import numpy as np
import pytest

from minidit.benchmark import growth
from minidit.benchmark.growth import (
    AT_ONCE,
    AXES,
    IN_BLOCKS,
    PLAIN,
    RECOMPUTED,
    choosing,
    curves,
    exponents,
    network,
    run,
    text,
    traced_peak_of,
    training,
)
from minidit.benchmark.pace import work
from minidit.models.memory import step_bytes


@pytest.fixture(scope="module")
def result():
    return run(small=True)


def test_the_networks_have_the_sizes_that_their_axis_says():
    for axis, _, workloads in curves():
        for value, workload in workloads.items():
            sizes = {
                "tokens": np.prod(workload.grid),
                "width": workload.dit.width,
                "depth": workload.dit.depth,
                "batch": workload.batch,
            }
            assert sizes[axis] == value


def test_on_each_axis_everything_else_stays_the_same():
    for axis, _, workloads in curves():
        others = {
            (
                np.prod(w.grid) if axis != "tokens" else 0,
                w.dit.width if axis != "width" else 0,
                w.dit.depth if axis != "depth" else 0,
                w.batch if axis != "batch" else 0,
            )
            for w in workloads.values()
        }
        assert len(others) == 1


@pytest.mark.parametrize(
    ("axis", "variant", "first", "last"),
    [
        ("tokens", AT_ONCE, 1.1, 1.95),  # linear layers at first, attention at last
        ("tokens", IN_BLOCKS, 1.1, 1.95),
        ("width", PLAIN, 1.9, 1.98),
        ("depth", PLAIN, 0.95, 1.0),
        ("depth", RECOMPUTED, 0.95, 1.0),
        ("batch", PLAIN, 0.99, 1.0),
    ],
)
def test_products_grow_as_expected(axis, variant, first, last):
    (workloads,) = (found for *key, found in curves() if key == [axis, variant])
    powers = exponents(list(workloads), [work(workload) for workload in workloads.values()])
    assert powers[0] == pytest.approx(first, abs=0.15)
    assert powers[-1] == pytest.approx(last, abs=0.06)


def test_the_memory_of_many_tokens_grows_quadratically_at_once_and_linearly_in_blocks():
    powers = {}
    for variant in (AT_ONCE, IN_BLOCKS):
        with choosing(variant):
            workloads = [network(width=32, depth=1, tokens=tokens, batch=1) for tokens in (4096, 8192)]
            sizes = [sum(step_bytes(w.dit, w.batch, w.grid)) for w in workloads]
        (powers[variant],) = exponents([4096, 8192], sizes)
    assert powers[AT_ONCE] > 1.9
    assert powers[IN_BLOCKS] < 1.01


def test_what_a_step_takes_at_its_peak_is_what_the_planner_says():
    workload = network(depth=3)
    with training(PLAIN, workload) as run_steps:
        run_steps(1)
        peak = traced_peak_of(run_steps)
    assert peak == pytest.approx(sum(step_bytes(workload.dit, workload.batch, workload.grid)), rel=0.1)


def test_exponents_are_those_of_powers():
    assert exponents([1, 2, 8], [5, 20, 320]) == pytest.approx([2, 2])


def test_everything_is_measured_and_json_takes_it(result):
    assert json.loads(json.dumps(result)) == result
    assert result["machine"]["processor"]
    assert {curve["axis"] for curve in result["curves"]} == set(AXES)
    for curve in result["curves"]:
        assert all(len(curve[key]) == 2 for key in ("values", *growth.COLUMNS))
        assert all(number > 0 for key in growth.COLUMNS for number in curve[key])
        assert curve["bytes"] == pytest.approx(curve["predicted_bytes"], rel=0.15)


def test_the_table_shows_each_network_and_what_saving_memory_costs(result):
    said = text(result)
    assert result["machine"]["processor"] in said
    assert said.count("\n     ") >= 2 * len(result["curves"])
    assert f"{IN_BLOCKS}, tokens 128: " in said
    assert f"{RECOMPUTED}, depth 2: " in said
