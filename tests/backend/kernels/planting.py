"""Plants mistakes in the text of our kernels, to see whether the tests notice them."""

import functools
import importlib.util
import itertools
import re
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from minidit.backend.kernels import launch
from minidit.backend.simulated import cuda_on_cpu, cupy, raw_module
from minidit.backend.simulated.cuda_on_cpu import CompileError, KernelError

sys.path.append(str(Path(__file__).parent))  # the tests are not a package
from agreement import assert_agreement

KERNELS = Path(launch.__file__).parent
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in sorted(KERNELS.glob("*.cu*"))}

BARRIER = re.compile(r"__sync(threads|warp)\(\);")
# The condition of a loop that counts up to a number, or halves a distance down to one.
LOOP_END = re.compile(r"for \([^;\n]*;\s*(?P<condition>\w+ < (?P<up_to>[^;\n]+)|\w+ > (?P<down_to>0));")
KERNEL_START = re.compile(r'extern "C" __global__ [^{]*?(\w+)\([^)]*\) \{')


def mistakes_in(text):
    """Every mistake of the usual kinds that can be made in a text: pairs (what is wrong, the text with it)."""
    for match in BARRIER.finditer(text):
        yield f"line {line_of(text, match)} lacks its __sync{match[1]}()", replaced(text, match.span(), "")
    for match in LOOP_END.finditer(text):
        group = "up_to" if match["up_to"] else "down_to"
        shorter = f"({match['up_to']}) - 1" if match["up_to"] else "1"
        yield f"line {line_of(text, match)} ends its loop one too early", replaced(text, match.span(group), shorter)
    for match in KERNEL_START.finditer(text):
        early = replaced(text, (match.end(), match.end()), " if (threadIdx.x == 1) return;")
        yield f"a thread returns at the start of {match[1]}", early


def line_of(text, match):
    return text.count("\n", 0, match.start()) + 1


def replaced(text, span, new):
    return text[: span[0]] + new + text[span[1] :]


@contextmanager
def planted(file, text, folder):
    """Inside, the kernels of a file are those of this text; they are copied, with all others, to an empty folder."""
    kernels = Path(folder) / "kernels"
    shutil.copytree(KERNELS, kernels, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (kernels / file).write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(launch, "FOLDER", kernels)
        patch.setenv("XDG_CACHE_HOME", str(folder))  # what is compiled here is of no use to anybody later,
        patch.setattr(cuda_on_cpu, "FLAGS", (*cuda_on_cpu.FLAGS, "-O0"))  # so that it should be compiled fast
        patch.setattr(raw_module, "_seeds", itertools.count(1))  # turns in the same order, whatever ran before
        launch.compiled.cache_clear()
        yield
    launch.compiled.cache_clear()


def cases_of(file):
    """The CASES of a file's test, and of the tests of the launchers that name it."""
    launchers = [path.stem for path in KERNELS.glob("*.py") if f'"{file}"' in path.read_text(encoding="utf-8")]
    paths = {Path(__file__).with_name(f"test_{stem}.py") for stem in (Path(file).stem, *launchers)}
    tests = [path for path in sorted(paths) if path.exists()]
    return {f"{path.stem}, {name}": case for path in tests for name, case in getattr(load(path), "CASES", {}).items()}


@functools.cache
def load(path):
    """A test file, as a module."""
    spec = importlib.util.spec_from_file_location(f"cases_in_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def what_is_noticed(cases, seeds=range(2)):
    """Runs cases until one fails: says which one and how, or returns None where none does."""
    for name, case in cases.items():
        for seed in seeds:
            try:
                with np.errstate(all="ignore"):
                    assert_agreement(case(cupy, np.random.default_rng(seed)))
            except CompileError:
                raise
            except (AssertionError, KernelError) as failure:
                return f"{name}: {failure}"
    return None
