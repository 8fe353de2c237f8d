"""Compiles the text of CUDA C kernels for the CPU and calls them as CuPy calls its own: see cuda_on_cpu.h for how."""

import ctypes
import functools
import hashlib
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from minidit.errors import UserError

SHIM = Path(__file__).with_name("cuda_on_cpu.h")
COMPILERS = ("g++", "clang++", "c++")
FLAGS = (
    "-shared", "-fPIC", "-std=c++17", "-O2",
    "-ffp-contract=off",  # a * b + c is rounded twice, the same on every machine
    "-fno-strict-aliasing",  # kernels read a float* as float4*
    "-fvisibility=hidden",  # equal names in two modules stay separate
    "-Werror=frame-larger-than=32768",  # a thread's stack has 64 KiB
    "-Wno-unknown-pragmas",
)  # fmt: skip
STACK_BYTES = 65536 + 320  # as in cuda_on_cpu.h
MOST_THREADS = 1024  # of a block
MOST_BLOCK = (1024, 1024, 64)
MOST_GRID = (2**31 - 1, 65535, 65535)
MOST_SHARED = 48 * 1024  # bytes of dynamic shared memory that a kernel gets without asking for more

# How struct packs a C type, each value in eight bytes, and what NumPy calls it.
TYPES = {
    "bool": ("?7x", "bool"), "char": ("b7x", "int8"), "signed char": ("b7x", "int8"), "unsigned char": ("B7x", "uint8"),
    "short": ("h6x", "int16"), "unsigned short": ("H6x", "uint16"),
    "int": ("i4x", "int32"), "unsigned": ("I4x", "uint32"), "unsigned int": ("I4x", "uint32"),
    "long long": ("q", "int64"), "unsigned long long": ("Q", "uint64"), "size_t": ("Q", "uint64"),
    "float": ("f4x", "float32"), "double": ("d", "float64"),
}  # fmt: skip

KERNEL = re.compile(
    r'extern\s+"C"\s+__global__\s+(?:void\s+)?(?:__launch_bounds__\s*\((?P<bounds>[^()]*)\)\s*)?(?:void\s+)?'
    r"(?P<name>\w+)\s*\((?P<parameters>[^)]*)\)\s*\{"
)
DYNAMIC_SHARED = re.compile(r"extern\s+__shared__\s+(?:__align__\s*\(\s*\d+\s*\)\s*)?([\w ]+?)\s+(\w+)\s*\[\s*\]\s*;")
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


class KernelError(RuntimeError):
    """A kernel did what a GPU forbids, or doesn't exist."""


class CompileError(KernelError):
    """A kernel that doesn't compile."""


class CudaOnCpu:
    """The kernels of a CUDA C text, as `cupy.RawModule`, on the CPU.

    Args:
        code: CUDA C. Its kernels are those declared `extern "C" __global__ void`; the text is compiled when the first
            is asked for. Included headers are looked for in the -I folders.
        options: -I, -D and --std=c++17, as NVRTC takes them.
        flags: more for the C++ compiler, such as -fsanitize=address.
    """

    def __init__(self, code, options=(), flags=()):
        unknown = [option for option in options if not option.startswith(("-I", "-D", "-std=", "--std="))]
        if unknown:
            raise ValueError(f"options may be -I, -D and --std, not {' '.join(unknown)}")
        self.code = code
        self.flags = (*options, *flags)
        self.signatures = {match["name"]: match for match in KERNEL.finditer(without_comments(code))}
        self.kernels = {}

    def get_function(self, name):
        """The kernel of that name: a function of grid, block and args."""
        if name in self.kernels:
            return self.kernels[name]
        if name not in self.signatures:
            known = ", ".join(self.signatures) or "none"
            raise KernelError(f'there is no `extern "C" __global__ void {name}`; the kernels of the text are: {known}')
        run = getattr(self.library, f"launch_{name}")
        self.kernels[name] = Kernel(name, parameters_of(self.signatures[name]), run)
        return self.kernels[name]

    @functools.cached_property
    def library(self):
        """The compiled text. As PyDLL keeps the interpreter's lock, two launches never run at the same time."""
        return ctypes.PyDLL(str(build(self.source(), self.flags)))

    def source(self):
        """What the C++ compiler gets: the text, and for each kernel a function that unpacks its arguments."""
        text = DYNAMIC_SHARED.sub(r"static \1* const \2 = reinterpret_cast<\1*>(cpu::dynamic_shared);", self.code)
        entries = [entry_point(name, match["bounds"], parameters_of(match)) for name, match in self.signatures.items()]
        return "\n".join(['#include "cuda_on_cpu.h"', '#line 1 "the kernel\'s text"', text, *entries])


class Kernel:
    """One kernel: `kernel(grid, block, args)` runs it and returns when it is done.

    Attributes: name, parameters (the C types of what it takes).
    """

    def __init__(self, name, parameters, run):
        self.name, self.parameters, self.run = name, parameters, run
        self.run.restype = ctypes.c_char_p
        self.slots = "<" + "".join("Q" if "*" in c_type else TYPES[c_type][0] for c_type in parameters)
        self.dtypes = [dtype_behind(c_type) for c_type in parameters]

    def __call__(self, grid, block, args, shared_mem=0, seed=0):
        """Runs the kernel.

        Args:
            grid, block: three sizes each.
            args: arrays of the pointers' types, any strides; np.uintp(0) for a null pointer; np.int32, np.float32 and
                the like for numbers.
            shared_mem: bytes of dynamic shared memory.
            seed: seed of the order in which blocks, warps and threads take turns; 0 means one after the other.
        Raises:
            TypeError, ValueError: for arguments that a GPU wouldn't accept, or would misread.
            KernelError: a thread waits for one that doesn't come.
        """
        check_sizes(self.name, grid, block, shared_mem)
        if len(args) != len(self.parameters):
            raise TypeError(f"{self.name} takes {len(self.parameters)} arguments, not {len(args)}")
        values = struct.pack(self.slots, *map(self.value, self.parameters, self.dtypes, args, range(len(args))))
        sizes = struct.pack("<6I", *grid, *block)
        failure = self.run(values, sizes, ctypes.c_uint(shared_mem), ctypes.c_uint(seed), ctypes.c_void_p(stacks()))
        if failure:
            raise KernelError(f"{self.name}: {failure.decode()}")

    def value(self, c_type, dtype, arg, position):
        """The value for the argument's slot: an address or a number."""
        if c_type[-1] != "*":
            if isinstance(arg, np.generic) and arg.dtype == dtype:
                return arg.item()
            wrong = f"takes np.{dtype}, not {describe(arg)}"
            if isinstance(arg, int | float) and not isinstance(arg, np.generic):
                wrong += "; CuPy would pass a plain number in 8 bytes"
        elif isinstance(arg, np.ndarray):
            if arg.dtype == dtype and (arg.flags.writeable or c_type.startswith("const ")):
                return arg.ctypes.data
            wrong = f"takes an array of {dtype}, not {arg.dtype}" if arg.dtype != dtype else "the array is read-only"
        else:
            if isinstance(arg, np.uintp) and arg == 0:
                return 0
            wrong = f"takes an array or np.uintp(0), not {describe(arg)}"
        raise TypeError(f"{self.name}, argument {position} ({c_type}): {wrong}")


def check_sizes(name, grid, block, shared_mem):
    """Refuses what a GPU refuses to launch."""
    if len(grid) != 3 or len(block) != 3:
        raise ValueError(f"{name}: grid and block have three sizes each, not {grid} and {block}")
    if not all(1 <= size <= most for size, most in zip(grid, MOST_GRID, strict=True)):
        raise ValueError(f"{name}: a grid of {grid} blocks; possible are 1 to {MOST_GRID}")
    if not all(1 <= size <= most for size, most in zip(block, MOST_BLOCK, strict=True)):
        raise ValueError(f"{name}: a block of {block} threads; possible are 1 to {MOST_BLOCK}")
    if grid[0] * grid[1] * grid[2] >= 2**31:
        raise ValueError(f"{name}: a grid of {grid} blocks is too large to be simulated")
    if block[0] * block[1] * block[2] > MOST_THREADS:
        raise ValueError(f"{name}: a block of {block} threads; together there may be {MOST_THREADS}")
    if not 0 <= shared_mem <= MOST_SHARED:
        raise ValueError(f"{name}: {shared_mem} bytes of dynamic shared memory; a block has up to {MOST_SHARED}")


def describe(arg):
    """An argument in a few words."""
    return "an array" if isinstance(arg, np.ndarray) else f"{arg!r} ({type(arg).__name__})"


def stacks():
    """The address of the threads' stacks, which all kernels share."""
    return stack_memory().ctypes.data


@functools.cache
def stack_memory():
    """Room for a full block's stacks, (bytes,). The system provides only the pages that are used."""
    return np.empty(MOST_THREADS * STACK_BYTES, np.uint8)


def parameters_of(signature):
    """The C types of a kernel's parameters: of `const float* __restrict__ x, int n`, "const float*" and "int"."""
    return c_types(signature["name"], signature["parameters"])


@functools.cache
def c_types(name, parameters):
    """The types of a kernel's parameters, as C spells them, in their order.

    Raises:
        CompileError: a parameter has an unknown type.
    """
    types = []
    for parameter in filter(str.strip, parameters.split(",")):
        words = re.sub(r"\b__restrict__\b", " ", parameter).replace("*", " * ").split()
        c_type = " ".join(words[:-1]).replace(" *", "*")
        if "*" not in c_type:
            c_type = c_type.removeprefix("const ")
        if number_type(c_type) not in TYPES:
            raise CompileError(f"{name}: parameters of type {c_type!r} are not known here")
        types.append(c_type)
    return types


def number_type(c_type):
    """The type itself, or that of the numbers that a pointer leads to; a float4* leads to floats."""
    return re.sub(r"[234]$", "", c_type.removeprefix("const ").removesuffix("*")) if "*" in c_type else c_type


def dtype_behind(c_type):
    """NumPy's type for a number, or for those that a pointer leads to."""
    return np.dtype(TYPES[number_type(c_type)][1])


def entry_point(name, bounds, parameters):
    """C++ that unpacks a kernel's arguments, eight bytes each, and launches it."""
    unpacked = ", ".join(f"*({c_type}*)(values + {8 * slot})" for slot, c_type in enumerate(parameters))
    return (
        f"static void call_{name}(const char* values) {{ {name}({unpacked}); }}\n"
        f'extern "C" __attribute__((visibility("default"))) const char* launch_{name}(\n'
        "    const char* values, const dim3* sizes, unsigned shared_bytes, unsigned seed, char* stacks) {\n"
        f"    const unsigned bounds[] = {{{bounds or 'cpu::MOST_THREADS'}}};\n"
        f"    return cpu::launch(call_{name}, values, sizes[0], sizes[1], bounds[0], shared_bytes, seed, stacks);\n"
        "}"
    )


def without_comments(code):
    """C++ without its comments."""
    return COMMENT.sub(" ", code)


def build(source, flags):
    """The shared library of a C++ text, compiled unless it is in the cache folder.

    Raises:
        UserError: there is no C++ compiler.
        CompileError: it finds a mistake.
    """
    compiler = find_compiler()
    command = [compiler, *FLAGS, f"-I{SHIM.parent}", *flags]
    folders = [Path(flag[2:]) for flag in flags if flag.startswith("-I")]
    parts = [repr(command), SHIM.read_text(encoding="utf-8"), source, *headers(source, folders)]
    path = cache_folder() / (hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32] + ".so")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:  # renamed when complete: others may build it too
            text, library = Path(folder, "kernels.cpp"), Path(folder, "kernels.so")
            text.write_text(source, encoding="utf-8")
            result = subprocess.run([*command, "-o", library, text], capture_output=True, text=True)
            if result.returncode:
                raise CompileError(f"the kernel doesn't compile:\n{result.stderr}")
            os.replace(library, path)
    return path


def find_compiler():
    """The C++ compiler: that of the variable CXX, or the first that is installed."""
    for name in (os.environ.get("CXX"), *COMPILERS):
        if name and shutil.which(name):
            return shutil.which(name)
    raise UserError(
        "The simulated GPU compiles its kernels with a C++ compiler, and found none of "
        f"{', '.join(COMPILERS)}: install one (Debian, Ubuntu: apt install g++; Fedora: dnf install gcc-c++; "
        "macOS: xcode-select --install), or name yours in the variable CXX."
    )


def headers(source, folders):
    """The texts of the headers that a text includes from these folders, and of those that they include."""
    for name in INCLUDE.findall(source):
        for path in (folder / name for folder in folders):
            if path.exists():
                text = path.read_text(encoding="utf-8")
                yield text
                yield from headers(text, folders)
                break


def cache_folder():
    """The folder of this user's compiled kernels; everything in it can be deleted at any time."""
    if "XDG_CACHE_HOME" in os.environ:
        base = Path(os.environ["XDG_CACHE_HOME"])
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ["LOCALAPPDATA"])
    else:
        base = Path.home() / ".cache"
    return base / "minidit" / "kernels"
