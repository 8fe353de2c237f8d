import json
import sys
from types import SimpleNamespace

import pytest

from minidit.backend import device
from minidit.benchmark import contenders, report, suite
from minidit.cli import main
from minidit.gpu import bench as gpu_bench
from minidit.gpu import report as gpu_report

pytestmark = pytest.mark.bench


@pytest.fixture
def planned(monkeypatch):
    """What would be measured: the arguments that the plan was made with. Nothing is."""
    asked = []

    def plan(*arguments):
        asked.append(arguments)
        return [suite.Measurement("numbers", "one", int, ("1",)), suite.Measurement("numbers", "two", int, ("2",))]

    monkeypatch.setattr(suite, "plan", plan)
    monkeypatch.setattr(report, "report", lambda result: f"a table of {sum(result['numbers'].values())}\n")
    monkeypatch.setattr(contenders, "pytorch_is_installed", lambda: True)
    monkeypatch.setattr(suite, "why_not_compiled", lambda: None)
    monkeypatch.setattr(device, "_announced", set())  # by what ran before
    return asked


@pytest.fixture
def measured(monkeypatch):
    """What would be measured on a GPU: the arguments. Nothing is."""
    asked = []

    def measure(xp, *arguments):
        asked.append((xp.__name__, *arguments))
        return {"kernels": 3}

    monkeypatch.setattr(gpu_bench, "run", measure)
    monkeypatch.setattr(gpu_report, "report", lambda result: f"a table of {result['kernels']} kernels\n")
    return asked


def test_tables_are_printed_and_figures_written(planned, tmp_path, capsys):
    path = tmp_path / "bench.json"
    assert main(["bench", "--json", str(path)]) == 0
    captured = capsys.readouterr()
    assert captured.out == "a table of 3\n"
    assert "100%" in captured.err
    assert json.loads(path.read_text()) == {"numbers": {"one": 1, "two": 2}}
    assert planned == [(["tiny", "lesson", "S", "quick", "sky"], [1, 2], 15, True)]


def test_what_is_measured_can_be_chosen(planned):
    words = ["--cases", "tiny", "sky", "--threads", "2", "--rounds", "3", "--no-compile"]
    assert main(["bench", *words]) == 0
    assert planned == [(["tiny", "sky"], [2], 3, False)]


def test_a_missing_compiler_is_told_once(planned, monkeypatch, capsys):
    monkeypatch.setattr(suite, "why_not_compiled", lambda: "no g++")
    assert main(["bench"]) == 0
    assert planned[0][-1] is False
    assert capsys.readouterr().err.startswith("torch.compile does not work here and is left out: no g++\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--cases", "tiny", "huge"], 'there is no case "huge". Choose from: tiny, lesson, S, quick, sky.'),
        (["--threads", "0"], '"0" is not a whole number of at least 1'),
        (["--rounds", "none"], '"none" is not a whole number of at least 1'),
        (["--mpi", "--growth"], "not allowed with argument"),
        (["--json", "missing/bench.json"], "can't write missing/bench.json"),
        (["--json", "."], "can't write ."),
        (["--json", "there.json"], "there.json exists already. Replace it by --force"),
        (["--growth", "--json", "there.json"], "there.json exists already. Replace it by --force"),
    ],
)
def test_a_mistake_is_answered_before_anything_is_measured(words, said, planned, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.json").write_text("mine")
    assert main(["bench", *words]) == 2
    err = capsys.readouterr().err
    assert err.startswith("minidit: ")
    assert said in err
    assert planned == []
    assert (tmp_path / "there.json").read_text() == "mine"


def test_force_replaces_the_file(planned, tmp_path):
    path = tmp_path / "bench.json"
    path.write_text("old")
    assert main(["bench", "--json", str(path), "--force"]) == 0
    assert "numbers" in json.loads(path.read_text())


def test_scaling_is_another_measurement(planned, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "minidit.benchmark.scaling", SimpleNamespace(run=lambda: "how it scales\n"))
    assert main(["bench", "--mpi"]) == 0
    assert capsys.readouterr().out == "how it scales\n"
    assert planned == []


def test_growth_is_another_measurement(planned, monkeypatch, capsys, tmp_path):
    growth = SimpleNamespace(run=lambda: {"tokens": 2}, text=lambda result: f"{result['tokens']} tokens\n")
    monkeypatch.setitem(sys.modules, "minidit.benchmark.growth", growth)
    assert main(["bench", "--growth", "--json", str(tmp_path / "growth.json")]) == 0
    assert capsys.readouterr().out == "2 tokens\n"
    assert json.loads((tmp_path / "growth.json").read_text()) == {"tokens": 2}
    assert planned == []


def test_on_a_gpu_it_is_the_gpu_that_is_measured(planned, measured, capsys, tmp_path):
    path = tmp_path / "gpu.json"
    words = ["--device", "simulated", "--cases", "tiny", "--rounds", "3", "--json", str(path)]
    assert main(["bench", *words]) == 0
    captured = capsys.readouterr()
    assert captured.out == "a table of 3 kernels\n"
    assert "computing on a simulated GPU" in captured.err
    assert json.loads(path.read_text()) == {"kernels": 3}
    assert measured == [("minidit.backend.simulated.cupy", 3, ["tiny"], True)]
    assert planned == []


def test_all_cases_and_no_compiler_on_the_device_of_the_environment(planned, measured, monkeypatch):
    monkeypatch.setenv("MINIDIT_DEVICE", "simulated")
    assert main(["bench", "--no-compile"]) == 0
    assert measured == [("minidit.backend.simulated.cupy", 15, ["tiny", "lesson", "S", "quick", "sky"], False)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--device", "simulated", "--mpi"], "--mpi and --growth measure the CPU: leave out --device."),
        (["--device", "simulated", "--growth"], "--mpi and --growth measure the CPU: leave out --device."),
        (["--device", "simulated", "--cases", "huge"], 'there is no case "huge". Choose from: tiny, lesson'),
        (["--device", "tpu"], 'there is no device "tpu". Choose one of cpu, gpu, simulated'),
        (["--tf32"], "TF32 is a number format of GPUs, and the device is cpu: leave it out"),
    ],
)
def test_a_mistake_about_the_device_is_answered_before_anything_is_measured(
    words, said, planned, measured, capsys, monkeypatch
):
    monkeypatch.delenv("MINIDIT_DEVICE", raising=False)
    assert main(["bench", *words]) == 2
    assert said in capsys.readouterr().err
    assert planned == measured == []
