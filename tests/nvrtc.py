"""NVIDIA's compiler for kernels, which needs no GPU: `pip install nvidia-cuda-nvrtc`, here called by way of ctypes.

Source: the NVRTC documentation, "NVRTC - CUDA Runtime Compilation".
"""

import ctypes
import ctypes.util
import functools
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

HOW_TO_INSTALL = "needs NVIDIA's kernel compiler: pip install nvidia-cuda-nvrtc (CUDA 13) or nvidia-cuda-nvrtc-cu12"

# What ptxas says of each kernel. Spilled is what didn't fit into registers and went to memory; a stack frame is memory
# for that, and for arrays of a thread that can't be in registers.
USAGE = re.compile(
    r"Compiling entry function '(?P<name>\w+)'.*?"
    r"(?P<stack>\d+) bytes stack frame, (?P<stored>\d+) bytes spill stores, (?P<loaded>\d+) bytes spill loads.*?"
    r"Used (?P<registers>\d+) registers",
    re.DOTALL,
)


class CompileError(Exception):
    """The compiler found a mistake."""


@dataclass(frozen=True)
class Usage:
    """What one thread of a kernel uses: registers, and bytes of memory for what they can't hold."""

    registers: int
    spilled: int
    stack: int


@functools.cache
def library():
    """NVRTC: that of the package, or else of an installed CUDA; None where there is neither."""
    spec = importlib.util.find_spec("nvidia")
    folders = map(Path, spec.submodule_search_locations if spec else ())
    names = ("*/lib/libnvrtc.so.1[23]", "*/bin/nvrtc64_1[23]0_0.dll", "*/bin/*/nvrtc64_1[23]0_0.dll")
    found = [str(path) for folder in folders for name in names for path in folder.glob(name)]
    path = found[0] if found else ctypes.util.find_library("nvrtc")
    return ctypes.CDLL(path) if path else None


def version():
    """Such as (12, 9)."""
    major, minor = ctypes.c_int(), ctypes.c_int()
    check(library().nvrtcVersion(ctypes.byref(major), ctypes.byref(minor)))
    return major.value, minor.value


def build(code, architecture, options=()):
    """Compiles a text for a GPU.

    Args:
        code: CUDA C.
        architecture: such as "sm_80".
        options: -I, -D and the like.
    Returns:
        The machine code (a cubin, bytes), the Usage of each kernel by its name, and what the compiler had to say.
    Raises:
        CompileError: with what it had to say.
    """
    nvrtc = library()
    program = ctypes.c_void_p()
    check(nvrtc.nvrtcCreateProgram(ctypes.byref(program), code.encode(), b"kernels.cu", 0, None, None))
    try:
        options = [option.encode() for option in (*options, f"-arch={architecture}", "--ptxas-options=-v")]
        failed = nvrtc.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options))
        log = fetched(program, "ProgramLog").rstrip(b"\0").decode()
        if failed:
            raise CompileError(log)
        return fetched(program, "CUBIN"), usage_in(log), log
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def usage_in(log):
    """The Usage of each kernel, from what ptxas said."""
    return {
        match["name"]: Usage(int(match["registers"]), int(match["stored"]) + int(match["loaded"]), int(match["stack"]))
        for match in USAGE.finditer(log)
    }


def fetched(program, what):
    """The bytes of a result of a program."""
    size = ctypes.c_size_t()
    check(getattr(library(), f"nvrtcGet{what}Size")(program, ctypes.byref(size)))
    result = ctypes.create_string_buffer(size.value)
    check(getattr(library(), f"nvrtcGet{what}")(program, result))
    return result.raw


def check(status):
    if status:
        library().nvrtcGetErrorString.restype = ctypes.c_char_p
        raise RuntimeError(library().nvrtcGetErrorString(status).decode())
