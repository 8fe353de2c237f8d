"""`minidit bench`: how fast it is, beside PyTorch and beside matrix products alone."""

import json
import sys
from pathlib import Path

from minidit.commands import arguments as shared
from minidit.errors import UserError, check_known

SUMMARY = "time training and sampling against PyTorch and against matrix products alone"
EXAMPLE = "minidit bench --cases tiny lesson --threads 1 --json bench.json"
NOTES = """\
All contenders take turns, each in a process of its own, so that a busy machine is busy for all of them. Nothing else
should be running. Everything takes about three quarters of an hour, most of it torch.compile's;
--cases tiny --rounds 3 --no-compile gives an impression in two minutes. With --device gpu each CUDA kernel is timed
against CuPy's, against the card's own pace in copying and multiplying, and a training step against PyTorch's.

"""


def add_arguments(command):
    """Adds the arguments to the parser of this command; returns notes for its help."""
    command.add_argument(
        "--cases",
        nargs="+",
        metavar="NAME",
        help="what to time: tiny, lesson, S, and the presets quick and sky (default: all)",
    )
    command.add_argument(
        "--threads", nargs="+", type=shared.whole_number(1, shared.MOST_THREADS), metavar="N", default=[1, 2],
        help="(default: 1 2)",
    )  # fmt: skip
    shared.add_device(command)
    command.add_argument(
        "--rounds", type=shared.whole_number(1, 9999), default=15, metavar="N", help="of each comparison (default: 15)"
    )
    command.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    add_output(command)
    others = command.add_mutually_exclusive_group()
    others.add_argument(
        "--mpi",
        action="store_true",
        help="measure instead how training scales over MPI ranks: mpiexec -n 2 minidit bench --mpi",
    )
    others.add_argument(
        "--growth", action="store_true", help="measure instead how a step grows with tokens, width, depth and batch"
    )
    return NOTES


def run(arguments):
    """Prints tables, and with --json writes the figures behind them."""
    check_output(arguments.json, arguments.force)
    xp = shared.chosen_device(arguments)
    if xp.__name__ != "numpy":
        on_gpu(arguments, xp)
    elif arguments.mpi:
        from minidit.benchmark.scaling import run as measure_scaling

        print(measure_scaling(), end="")
    elif arguments.growth:
        from minidit.benchmark.growth import run as measure_growth
        from minidit.benchmark.growth import text

        show(measure_growth(), text, arguments.json)
    else:
        compare(arguments)


def chosen_cases(arguments):
    """Names of the cases.

    Raises:
        UserError: there is none of that name.
    """
    from minidit.benchmark.cases import CASES

    names = arguments.cases or list(CASES)
    check_known("case", names, CASES)
    return names


def on_gpu(arguments, xp):
    """The kernels against CuPy's and against the card, and training steps against PyTorch's."""
    from minidit.gpu.bench import run as measure_gpu
    from minidit.gpu.report import report

    if arguments.mpi or arguments.growth:
        raise UserError("--mpi and --growth measure the CPU: leave out --device.")
    show(measure_gpu(xp, arguments.rounds, chosen_cases(arguments), not arguments.no_compile), report, arguments.json)


def compare(arguments):
    """The comparison of all contenders."""
    names = chosen_cases(arguments)
    from tqdm import tqdm

    from minidit.benchmark.contenders import pytorch_is_installed
    from minidit.benchmark.report import report
    from minidit.benchmark.suite import plan, run, why_not_compiled

    compiled = pytorch_is_installed() and not arguments.no_compile
    problem = why_not_compiled() if compiled else None
    if problem:
        print(f"torch.compile does not work here and is left out: {problem}", file=sys.stderr)
    measurements = plan(names, arguments.threads, arguments.rounds, compiled and not problem)
    with tqdm(total=len(measurements), desc="bench") as bar:
        result = run(announced(measurements, bar))
    show(result, report, arguments.json)


def announced(measurements, bar):
    """The measurements, each written on the progress bar before it is made."""
    for measurement in measurements:
        bar.set_postfix_str(f"{measurement.section}: {measurement.name}")
        yield measurement
        bar.update()


def add_output(command):
    """--json and --force, for `check_output` and `show`."""
    command.add_argument("--json", type=Path, metavar="FILE", help="also write all measurements to this file")
    command.add_argument("--force", action="store_true", help="replace that file if it exists")


def check_output(path, force):
    """Finds out before the hour of measuring that a file can't be written.

    Raises:
        UserError: its folder does not exist, it is a folder itself, or it exists and `force` is not given.
    """
    from minidit.files.places import exists, is_folder

    if path and (is_folder(path) or not is_folder(path.parent)):
        raise UserError(f"can't write {path}: give --json a file in a folder that exists.")
    if path and exists(path) and not force:
        raise UserError(f"{path} exists already. Replace it by --force, or give --json another name.")


def show(result, in_words, path):
    """Prints a result as a function puts it, and writes the result itself to a file if there is a path."""
    from minidit.files.whole import write_whole

    print(in_words(result), end="")
    if path:
        write_whole(path, json.dumps(result, indent=1).encode())
