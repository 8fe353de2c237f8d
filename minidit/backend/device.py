"""Which device computes: chosen explicitly, printed once, and never changed silently.

Its array library identifies a device: numpy for the CPU, cupy for an NVIDIA GPU. The third device, "simulated", is for
those without a GPU: it runs the GPU's code on the CPU, very slowly, to study and test it.
"""

import importlib
import os
import sys
from contextlib import contextmanager, nullcontext

import numpy as np

from minidit.errors import UserError

DEVICES = ("cpu", "gpu", "simulated")
VARIABLE = "MINIDIT_DEVICE"  # environment variable: the default device

_announced = set()


def choose_device(name=None, tf32=False):
    """The array library of a device, after checking that it works.

    Args:
        name: "cpu", "gpu" or "simulated"; by default the environment variable MINIDIT_DEVICE, or "cpu".
        tf32: whether the GPU's matrix products may round their factors to 10 bits (TensorFloat-32), which is faster.
    Returns:
        numpy, cupy, or `minidit.backend.simulated.cupy`.
    Raises:
        UserError: there is no such device, or something that it needs is missing; the message says what.
    """
    name = name or os.environ.get(VARIABLE) or "cpu"
    if name not in DEVICES:
        raise UserError(f'there is no device "{name}". Choose one of {", ".join(DEVICES)} (--device, or {VARIABLE}).')
    if tf32 and name != "gpu":
        raise UserError(f"TF32 is a number format of GPUs, and the device is {name}: leave it out.")
    if name == "cpu":
        return np
    if name == "simulated":
        return importlib.import_module("minidit.backend.simulated.cupy")
    return gpu(tf32)


def announce(xp):
    """Says on standard error which device computes, once in a process."""
    if xp.__name__ not in _announced:
        _announced.add(xp.__name__)
        print(f"minidit: computing on {described(xp)}.", file=sys.stderr)


def described(xp):
    """A device in words, such as "the GPU, NVIDIA H100 (CuPy 14.2.0, CUDA 13.2)"."""
    if xp is np:
        return f"the CPU (NumPy {np.__version__})"
    if xp.__name__ != "cupy":
        return "a simulated GPU: its code runs on the CPU, very slowly"
    runtime = xp.cuda.runtime
    properties = runtime.getDeviceProperties(xp.cuda.Device().id)
    cuda = version(runtime.runtimeGetVersion())
    return f"the GPU, {properties['name'].decode()} (CuPy {xp.__version__}, CUDA {cuda})"


def gpu(tf32=False):
    """cupy, if it is installed and can compute here.

    Raises:
        UserError: what is missing, and how to get it.
    """
    if tf32:
        if "cupy" in sys.modules and os.environ.get("CUPY_TF32") != "1":
            raise UserError("CuPy reads CUPY_TF32 on import, and it is imported already: set CUPY_TF32=1 before that.")
        os.environ["CUPY_TF32"] = "1"
    try:
        import cupy
    except ModuleNotFoundError as error:
        raise UserError(
            "the GPU needs CuPy, which is not installed. nvidia-smi says which CUDA version your driver supports: for "
            "13 install 'minidit[gpu13]', for 12 'minidit[gpu12]' (in a clone: pip install -e \".[gpu13]\")."
        ) from error
    except ImportError as error:
        raise UserError(f"CuPy is installed, but it can't be imported ({error}). Reinstall it.") from error
    check_driver(cupy)
    try:
        found = cupy.ones((2, 2), "float32") @ cupy.ones((2, 2), "float32")  # needs the compiler and cuBLAS
        found.sum().item()
    except Exception as error:  # CuPy has a different exception for everything that may be missing
        raise UserError(
            f"CuPy finds the GPU, but can't compute on it ({' '.join(str(error).split())}). It may lack CUDA's own "
            "libraries: install 'minidit[gpu13]' or 'minidit[gpu12]', which bring them along."
        ) from error
    return cupy


def check_driver(cupy):
    """Makes sure that there is a GPU, with a driver new enough for this CuPy.

    Raises:
        UserError: there isn't.
    """
    runtime = cupy.cuda.runtime
    supported, needed = runtime.driverGetVersion(), runtime.runtimeGetVersion()
    if supported == 0:
        raise UserError("there is no NVIDIA driver on this machine, so no GPU to compute on: use --device cpu.")
    try:
        count = runtime.getDeviceCount()
    except runtime.CUDARuntimeError as error:
        if supported // 1000 < needed // 1000:
            raise UserError(
                f"the NVIDIA driver supports CUDA {version(supported)}, and this CuPy needs {needed // 1000}. Update "
                f"the driver, or uninstall CuPy and install 'minidit[gpu{supported // 1000}]'."
            ) from error
        raise UserError(f"the NVIDIA driver reports no usable GPU ({error}). Try nvidia-smi.") from error
    if count == 0:
        raise UserError("the NVIDIA driver sees no GPU. Try nvidia-smi, and look at CUDA_VISIBLE_DEVICES.")


def version(number):
    """CUDA's 13020 as "13.2"."""
    return f"{number // 1000}.{number % 1000 // 10}"


def without_waiting(xp):
    """A context in which the host may not wait for a GPU; if it does, it raises an error."""
    if xp is np:
        return nullcontext()
    if xp.__name__ != "cupy":
        return xp.allow_synchronize(False)
    import cupyx

    return cupyx.allow_synchronize(False)


@contextmanager
def memory_explained(xp):
    """Inside, if a GPU runs out of memory, the error says what to do about it.

    Raises:
        UserError: it ran out.
    """
    try:
        yield
    except MemoryError as error:
        if xp is np:
            raise
        raise UserError(
            f"the GPU's memory is full ({' '.join(str(error).split())}). Give a smaller --batch, or --recompute, which "
            "takes less memory and more time."
        ) from error
