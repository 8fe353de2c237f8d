import sys
from types import SimpleNamespace

import numpy as np
import pytest

from minidit.backend import device
from minidit.backend.device import announce, choose_device, described, memory_explained, without_waiting
from minidit.errors import UserError


class RuntimeFailure(RuntimeError):
    """Stands in for CuPy's CUDARuntimeError."""


def stand_in(driver=13000, count=1, needed=13020, product=lambda: None):
    """As much of CuPy as choosing it takes.

    Args:
        driver: CUDA version that the driver supports, 0 where there is none.
        count: GPUs, or an exception that counting them raises.
        needed: CUDA version that CuPy was built for.
        product: called when a matrix product is made.
    """

    def get_device_count():
        if isinstance(count, Exception):
            raise count
        return count

    class Array:
        def __matmul__(self, other):
            product()
            return self

        def sum(self):
            return self

        def item(self):
            return 8.0

    runtime = SimpleNamespace(
        CUDARuntimeError=RuntimeFailure,
        driverGetVersion=lambda: driver,
        runtimeGetVersion=lambda: needed,
        getDeviceCount=get_device_count,
        getDeviceProperties=lambda _: {"name": b"NVIDIA Example"},
    )
    cuda = SimpleNamespace(runtime=runtime, Device=lambda: SimpleNamespace(id=0))
    return SimpleNamespace(__name__="cupy", __version__="14.2.0", cuda=cuda, ones=lambda *_: Array())


@pytest.fixture(autouse=True)
def untouched(monkeypatch):
    """Nothing of this machine's own decides."""
    for name in (device.VARIABLE, "CUPY_TF32"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    monkeypatch.setattr(device, "_announced", set())


@pytest.fixture
def install(monkeypatch):
    """install(module): `import cupy` finds it, or with None nothing."""
    return lambda module: monkeypatch.setitem(sys.modules, "cupy", module)


def test_the_cpu_computes_unless_something_else_is_asked_for(monkeypatch):
    assert choose_device() is np
    assert choose_device("cpu") is np
    monkeypatch.setenv("MINIDIT_DEVICE", "simulated")
    assert choose_device().__name__ == "minidit.backend.simulated.cupy"
    assert choose_device("cpu") is np  # what is named goes before the environment


def test_a_gpu_that_works_is_cupy(install):
    module = stand_in()
    install(module)
    assert choose_device("gpu") is module


def test_an_unknown_device_is_answered_with_the_known_ones(monkeypatch):
    with pytest.raises(UserError, match='no device "tpu".*cpu, gpu, simulated'):
        choose_device("tpu")
    monkeypatch.setenv("MINIDIT_DEVICE", "GPU")
    with pytest.raises(UserError, match='no device "GPU".*MINIDIT_DEVICE'):
        choose_device()


def test_without_cupy_the_extras_are_named(install):
    install(None)
    with pytest.raises(UserError, match=r"not installed.*minidit\[gpu13\].*minidit\[gpu12\]"):
        choose_device("gpu")


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (stand_in(driver=0), "no NVIDIA driver on this machine.*--device cpu"),
        (stand_in(driver=12040, count=RuntimeFailure("insufficient")), r"CUDA 12\.4.*needs 13.*'minidit\[gpu12\]'"),
        (stand_in(count=RuntimeFailure("no device")), r"no usable GPU \(no device\)"),
        (stand_in(count=0), "sees no GPU.*CUDA_VISIBLE_DEVICES"),
    ],
)
def test_what_is_missing_is_said_in_a_sentence(install, module, said):
    install(module)
    with pytest.raises(UserError, match=said) as raised:
        choose_device("gpu")
    assert "\n" not in str(raised.value)


def test_a_gpu_that_cannot_multiply_is_refused(install):
    def fail():
        raise OSError("libcublas.so.13:\ncannot open")

    install(stand_in(product=fail))
    with pytest.raises(UserError, match=r"can't compute on it \(libcublas.so.13: cannot open\).*bring them along"):
        choose_device("gpu")


def test_nothing_falls_back_to_the_cpu(install):
    install(stand_in(count=0))
    for _ in range(2):
        with pytest.raises(UserError):
            choose_device("gpu")


def test_tf32_is_asked_of_cupy_before_it_is_imported(install, monkeypatch):
    with pytest.raises(UserError, match="the device is cpu"):
        choose_device("cpu", tf32=True)
    install(stand_in())  # already imported, without it
    with pytest.raises(UserError, match="set CUPY_TF32=1 before"):
        choose_device("gpu", tf32=True)
    monkeypatch.setenv("CUPY_TF32", "1")
    assert choose_device("gpu", tf32=True) is sys.modules["cupy"]


def test_the_device_is_said_once(capsys):
    module = stand_in()
    announce(module)
    announce(module)
    assert capsys.readouterr().err == (
        "minidit: computing on the GPU, NVIDIA Example (CuPy 14.2.0, CUDA 13.2).\n"
    )
    announce(np)
    assert "the CPU (NumPy" in capsys.readouterr().err


def test_a_simulated_gpu_is_not_passed_off_as_a_real_one():
    assert "simulated GPU" in described(choose_device("simulated"))


def test_a_full_memory_says_what_to_do_about_it():
    said = r"memory is full \(out of it\).*--batch.*--recompute"
    with pytest.raises(UserError, match=said), memory_explained(stand_in()):
        raise MemoryError("out\nof it")
    with pytest.raises(MemoryError), memory_explained(np):  # the CPU's has other remedies
        raise MemoryError


def test_waiting_can_be_forbidden_on_a_gpu_and_means_nothing_on_the_cpu():
    xp = choose_device("simulated")
    with without_waiting(np):
        float(np.ones(1)[0])
    with without_waiting(xp), pytest.raises(RuntimeError, match="synchronization"):
        float(xp.ones(()))
