"""What it finds on a simulated GPU is tested in tests/gpu/test_selftest.py."""

import pytest

from minidit.backend import device
from minidit.cli import main
from minidit.errors import UserError
from minidit.gpu import selftest
from minidit.gpu.selftest import Finding


@pytest.fixture
def found(monkeypatch):
    """found(*findings): the self-test comes to these, on whatever device. Returns the devices it is asked about."""
    asked = []

    def come_to(*findings):
        def on(xp):
            asked.append(xp.__name__)
            yield from findings

        monkeypatch.setattr(selftest, "findings", on)
        monkeypatch.setattr(device, "_announced", set())
        return asked

    return come_to


def test_each_finding_has_its_line(found, capsys):
    asked = found(Finding("softmax", 3.14e-7, 1e-5), Finding("waits within a training step", 0, 0))
    assert main(["gpu-selftest", "--device", "simulated"]) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [
        f"ok     {'softmax':<52}  3.1e-07  of 1e-05",
        f"ok     {'waits within a training step':<52}  0.0e+00  of 0e+00",
    ]
    assert captured.err == "minidit: computing on a simulated GPU: its code runs on the CPU, very slowly.\n"
    assert asked == ["minidit.backend.simulated.cupy"]


def test_what_is_wrong_is_marked_and_named_at_the_end(found, capsys):
    found(Finding("a", 1e-4, 1e-5), Finding("b", 1e-6, 1e-5), Finding("c", float("nan"), 1e-5))
    assert main(["gpu-selftest", "--device", "simulated"]) == 2
    captured = capsys.readouterr()
    assert [line.split()[:2] for line in captured.out.splitlines()] == [["WRONG", "a"], ["ok", "b"], ["WRONG", "c"]]
    assert captured.err.splitlines()[1:] == ["minidit: this device does not compute what the CPU does: a; c."]


def test_without_a_gpu_the_test_is_refused_before_it_begins(found, capsys, monkeypatch):
    def refuse(tf32):
        raise UserError("there is no GPU.")

    monkeypatch.setattr(device, "gpu", refuse)
    asked = found(Finding("a", 0, 0))
    assert main(["gpu-selftest"]) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "minidit: there is no GPU.\n")
    assert asked == []


def test_the_environment_does_not_make_it_test_something_else(found, monkeypatch):
    monkeypatch.setattr(device, "gpu", lambda tf32: device.choose_device("simulated"))
    monkeypatch.setenv(device.VARIABLE, "cpu")
    asked = found(Finding("a", 0, 0))
    assert main(["gpu-selftest"]) == 0
    assert asked == ["minidit.backend.simulated.cupy"]


def test_an_unknown_device_is_answered_with_the_known_ones(found, capsys):
    found()
    assert main(["gpu-selftest", "--device", "tpu"]) == 2
    assert 'there is no device "tpu". Choose one of cpu, gpu, simulated' in capsys.readouterr().err
