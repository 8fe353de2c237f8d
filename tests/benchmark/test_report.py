import pytest

from minidit.benchmark.contenders import COMPILED, EAGER, FLOOR, OURS, SHARED
from minidit.benchmark.report import interval, machine, milliseconds, race, ratios, report, table
from minidit.benchmark.whole_step import ENCODING, RENDERING, WHOLE

pytestmark = pytest.mark.bench

SIDES = {
    OURS: {
        "processor": "A CPU", "cores": 2, "system": "Linux", "python": "3.13.0", "numpy": "2.4.0", "chosen": {},
        "blas": [{"internal_api": "openblas", "version": "0.3", "architecture": "Zen", "threading_layer": "pthreads"}],
    },
    EAGER: {"version": "2.13.0", "blas": "mkl", "instructions": "AVX2"},
}  # fmt: skip


@pytest.fixture
def result(entry):
    """A result with everything in it."""
    one = {OURS: [0.008, 0.008, 0.08], EAGER: [0.010, 0.010, 0.1], COMPILED: [0.016, 0.016, 0.16], FLOOR: [0.006] * 3}
    two = one | {SHARED: [0.005, 0.005, 0.05]}
    return {
        "machine": SIDES,
        "agreement": {"tiny": {"loss": 1e-7, "prediction": 2e-6, "gradients": 3e-5, "parameter": "it"}},
        "times": {
            "a": entry(**one),
            "b": entry("sampling", batch=1, **one),
            "c": entry(threads=2, keeps_memory={EAGER: False}, **two),
        },
        "saved": {"tiny": {OURS: 5e6, EAGER: 8e6}},
        "peaks": {"tiny": {OURS: [5e7, 1e7], EAGER: [3e8, 2e7], COMPILED: [4e8, 9e7]}},
        "operations": {"tiny": {"linear layers": 0.6, "loss": 0.4}, "S": {"linear layers": 1.0}},
        "whole step": {"quick": {WHOLE: [0.1, 0.1], RENDERING: [0.002, 0.002], ENCODING: [0.01, 0.01]}},
        "start-up": {"processes": {"import minidit": [0.03, 0.05]}},
    }


def rows_of(text, start):
    """The cells of the row that starts with this."""
    (line,) = (line for line in text.splitlines() if line.startswith(f"| {start}"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_every_contender_has_its_time(result):
    text = race([result["times"]["a"]])
    assert rows_of(text, "milliseconds") == ["milliseconds", OURS, EAGER, COMPILED, FLOOR]
    cells = rows_of(text, "tiny")
    assert cells[:2] == ["tiny, batch 16", "8.00 [8.00, 44.00]"]
    assert cells[-1] == "6.00 [6.00, 6.00]"


def test_on_one_thread_ratios_are_by_both_clocks(result):
    text = ratios([result["times"]["a"]])
    assert rows_of(text, "time") == [
        "time ÷ time", "ours ÷ PyTorch", "ours ÷ torch.compile", "matrix products ÷ ours",
        "ours ÷ PyTorch, CPU time", "ours ÷ torch.compile, CPU time", "matrix products ÷ ours, CPU time",
    ]  # fmt: skip
    assert rows_of(text, "tiny")[1:] == ["0.80 [0.80, 0.80]", "0.50 [0.50, 0.50]", "0.75 [0.41, 0.75]"] * 2


def test_on_two_threads_both_of_our_ways_are_compared(result):
    text = ratios([result["times"]["c"]])
    assert rows_of(text, "time") == [
        "time ÷ time", f"{SHARED} ÷ PyTorch", f"{SHARED} ÷ torch.compile", "ours ÷ PyTorch", "ours ÷ torch.compile",
        f"matrix products ÷ {SHARED}", "matrix products ÷ ours",
    ]  # fmt: skip
    assert rows_of(text, "tiny")[1:3] == ["0.50 [0.50, 0.50]", "0.31 [0.31, 0.31]"]


def test_the_report_has_a_table_for_each_question(result):
    text = report(result)
    assert [line for line in text.splitlines() if line.startswith("###")] == [
        "### Training step, one thread",
        "### Sampling, one evaluation of the network, one thread",
        "### Training step, two threads",
        "### Memory of a training step, one thread",
        "### Where the time of our training step goes, one thread",
        "### The whole step of `minidit train`, one process",
        "### Start-up",
    ]
    assert "3e-05 among all gradients" in text
    assert rows_of(text, "tiny |") == ["tiny", "5.0", "8.0", "0.62", "50 (10)", "300 (20)", "400 (90)"]
    assert rows_of(text, "linear") == ["linear layers", "60.0", "100.0"]
    assert rows_of(text, "loss") == ["loss", "40.0", "0.0"]
    assert rows_of(text, "quick") == ["quick", "100.0 [100.0, 100.0]", "2.0 %", "10.0 %"]
    assert rows_of(text, "`import") == ["`import minidit`", "40.0 [35.0, 45.0]"]
    assert "eagerly at tiny 16" in text
    assert "eagerly at none of these" in text


def test_the_machine_is_described():
    text = machine(SIDES)
    assert "A CPU, 2 cores" in text
    assert "openblas 0.3 with its kernel for Zen" in text
    assert "PyTorch 2.13.0, matrix products by mkl, AVX2" in text
    assert "environment" not in text


def test_a_kernel_that_was_chosen_by_hand_is_named():
    chosen = {OURS: SIDES[OURS] | {"chosen": {"OPENBLAS_CORETYPE": "Haswell"}}}
    assert "OPENBLAS_CORETYPE=Haswell is set in the environment" in machine(chosen)
    assert 'pip install -e ".[torch]"' in machine(chosen)


def test_numbers_have_as_many_digits_as_mean_something():
    assert milliseconds([0.0001234] * 3) == "0.123 [0.123, 0.123]"
    assert milliseconds([0.0012345] * 3) == "1.23 [1.23, 1.23]"
    assert milliseconds([1.2345] * 3) == "1234.5 [1234.5, 1234.5]"
    assert interval([0.7, 0.754, 0.8]) == "0.75 [0.70, 0.80]"


def test_columns_are_aligned():
    assert table(["case", "ms"], [["tiny", "1"], ["S", "100"]]).splitlines() == [
        "| case |  ms |",
        "|------|----:|",
        "| tiny |   1 |",
        "| S    | 100 |",
    ]
