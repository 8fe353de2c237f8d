import json
from collections import defaultdict

import numpy as np
import pytest

from minidit.benchmark import contenders as contenders_module
from minidit.benchmark import suite, timing
from minidit.benchmark.cases import CASES
from minidit.benchmark.contenders import COMPILED, EAGER, FLOOR, OURS, Contender
from minidit.benchmark.processes import Failed
from minidit.benchmark.report import report
from minidit.benchmark.suite import compare, fastest, peaks, plan, run, saved, tasks, whole_step, why_not_compiled
from minidit.benchmark.task import TRAINING, Task
from minidit.benchmark.whole_step import ENCODING, RENDERING, WHOLE

pytestmark = pytest.mark.bench


@pytest.fixture
def without_pytorch(monkeypatch):
    for module in (suite, contenders_module):
        monkeypatch.setattr(module, "pytorch_is_installed", lambda: False)


@pytest.fixture
def with_pytorch(monkeypatch):
    for module in (suite, contenders_module):
        monkeypatch.setattr(module, "pytorch_is_installed", lambda: True)


@pytest.fixture
def short_rounds(monkeypatch):
    monkeypatch.setattr(timing, "ROUND_SECONDS", 0.0)


def test_everything_is_measured_at_every_size_and_thread_count(with_pytorch):
    found = defaultdict(list)
    for measurement in plan():
        found[measurement.section].append(measurement.name)
    names = list(CASES)
    assert found["machine"] == [OURS, EAGER]
    assert found["agreement"] == found["saved"] == found["peaks"] == found["operations"] == names
    assert found["whole step"] == ["quick", "sky"]
    assert len(found["times"]) == len(set(found["times"])) == 2 * 3 * len(names)
    assert "training, S, batch 4, 2 threads" in found["times"]
    assert "sampling, lesson, batch 1, 1 thread" in found["times"]


def test_nothing_is_compared_with_an_absent_pytorch(without_pytorch):
    measurements = plan()
    assert "agreement" not in {m.section for m in measurements}
    assert [m.name for m in measurements if m.section == "machine"] == [OURS]


def test_tasks_are_ordered_as_in_the_tables(labelled, prompted):
    found = [(task.threads, task.kind, task.case.name, task.batch) for task in tasks([labelled, prompted], [1])]
    assert found == [
        (1, "training", "labels", 4), (1, "training", "prompts", 6),
        (1, "sampling", "labels", 1), (1, "sampling", "labels", 4),
        (1, "sampling", "prompts", 1), (1, "sampling", "prompts", 4),
    ]  # fmt: skip


def test_a_whole_benchmark_at_its_smallest(labelled, without_pytorch, short_rounds, monkeypatch):
    monkeypatch.setattr(suite, "CASES", {"labels": labelled})
    result = json.loads(json.dumps(run(plan(["labels"], [1], rounds=2)), allow_nan=False))
    assert result.keys() == {"machine", "times", "saved", "peaks", "operations", "start-up"}
    for entry in result["times"].values():
        assert entry["seconds"].keys() == {OURS, FLOOR}
        assert all(len(rounds) == 2 and min(rounds) > 0 for s in entry["seconds"].values() for rounds in s.values())
    text = report(result)
    assert all(f"| labels, batch {batch} " in text for batch in (1, 4))
    assert "PyTorch is not installed" in text


def test_a_comparison_names_its_task_and_counts_its_rounds(labelled, without_pytorch, short_rounds):
    entry = compare(Task(TRAINING, labelled, 2), rounds=3)
    assert (entry["kind"], entry["case"], entry["batch"], entry["threads"]) == ("training", "labels", 2, 1)
    assert len(entry["seconds"][OURS]["wall"]) == len(entry["seconds"][FLOOR]["cpu"]) == 3
    assert entry["keeps_memory"] == {OURS: True, FLOOR: True}


def test_of_several_candidates_the_fastest_stays(monkeypatch):
    closed = []

    class Candidate:
        def __init__(self, seconds):
            self.seconds = seconds

        def process(self, instrument):
            return self

        def __enter__(self):
            return lambda calls: (self.seconds * calls, self.seconds * calls)

        def __exit__(self, *_):
            closed.append(self.seconds)

    slow, quick = Candidate(3.0), Candidate(1.0)
    with fastest([slow, quick]) as (chosen, clock):
        assert chosen is quick
        assert clock(2) == (2.0, 2.0)
        assert closed == [3.0]
    assert closed == [3.0, 1.0]


def test_peaks_leave_the_floor_out(labelled, without_pytorch):
    found = peaks(Task(TRAINING, labelled, 4))
    assert found.keys() == {OURS}
    most, by_steps = found[OURS]
    assert most > by_steps > 0
    assert most > 10e6


def test_without_pytorch_only_ours_is_weighed(labelled, without_pytorch):
    assert saved(labelled).keys() == {OURS}


def test_rendering_and_encoding_take_less_than_the_whole_step(short_rounds):
    seconds = {part: np.median(rounds) for part, rounds in whole_step("tiny", 3).items()}
    assert seconds.keys() == {WHOLE, RENDERING, ENCODING}
    assert min(seconds.values()) > 0


def test_what_torch_compile_lacks_is_told_in_one_line(monkeypatch):
    def fail(*_):
        raise Failed("Traceback\n  a line\nInvalidCxxCompiler: no g++\n")

    monkeypatch.setattr(suite, "in_fresh_process", fail)
    assert why_not_compiled() == "InvalidCxxCompiler: no g++"
    monkeypatch.setattr(suite, "in_fresh_process", lambda *_: None)
    assert why_not_compiled() is None


def test_a_failing_contender_is_no_detail(labelled, without_pytorch, monkeypatch):
    broken = Contender(int, ("eleven",))
    monkeypatch.setattr(suite, "contenders", lambda *_: {OURS: [broken]})
    with pytest.raises(Failed, match="eleven"):
        compare(Task(TRAINING, labelled, 2), rounds=1)


def test_torch_compile_can_be_left_out(with_pytorch, monkeypatch, labelled):
    assert COMPILED not in contenders_module.contenders(Task(TRAINING, labelled, 2), compiled=False)
    assert all(False in m.arguments for m in plan(compiled=False) if m.section in ("times", "peaks"))
