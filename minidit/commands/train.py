"""`minidit train`: from nothing to a model."""

import shlex
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic

from minidit.commands import arguments as shared
from minidit.errors import Interrupted, UserError

SUMMARY = "train a model from nothing, or continue a run that was stopped"
EXAMPLE = "minidit train --preset quick --out runs/quick --minutes 5"
LAST_WORDS = (
    "minidit: a rank died, or mpiexec was stopped, and so this run ended. Its last checkpoint is whole: "
    "continue from it with --resume."
)


def add_arguments(command):
    """Adds the arguments to the parser of this command; returns the list of presets for its help."""
    from minidit.presets import PRESETS

    command.add_argument("--preset", required=True, metavar="NAME", help="what to train, see below")
    add_run(
        command,
        "training steps of the DiT (default: the preset's)",
        "do the steps that fit into M minutes, with the codec's training",
        "the preset's",
    )
    command.add_argument(
        "--batch", type=shared.whole_number(1), metavar="N", help="clips in a step (default: the preset's)"
    )
    command.add_argument(
        "--from", dest="origin", type=Path, metavar="FILE", help="start from the weights of this model"
    )
    command.add_argument(
        "--recompute", action="store_true", help="less memory, more time: compute each block's forward pass twice"
    )
    presets = "".join(f"  {name:<8} {p.description}\n" for name, p in PRESETS.items())
    return (
        f"presets:\n{presets}\n"
        "Processes on N cores, or N ranks of `mpiexec -n N minidit train ...`, share each step. They see the same\n"
        "clips and give the same result for any N, up to rounding. Ctrl-C saves the run and says how to continue.\n\n"
    )


def add_run(command, steps, minutes, learning_rate):
    """The options of every run: its folder, length, learning rate, seed, threads and device, and --resume.

    Args:
        steps, minutes: what these say in the help.
        learning_rate: by default, in words.
    """
    command.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder for checkpoints and previews")
    length = command.add_mutually_exclusive_group()
    length.add_argument("--steps", type=shared.whole_number(1), metavar="N", help=steps)
    length.add_argument("--minutes", type=shared.positive_number, metavar="M", help=minutes)
    command.add_argument(
        "--learning-rate", type=shared.positive_number, metavar="X", help=f"at its peak (default: {learning_rate})"
    )
    shared.add_seed(command, "of everything random")
    shared.add_threads(command, "all; one per rank under mpiexec")
    shared.add_device(command)
    command.add_argument("--resume", action="store_true", help="continue from the last checkpoint in DIR")


def run(arguments):
    """Starts a run, or continues one; under mpiexec with all its ranks."""
    together(arguments, partial(train, arguments, chosen_preset(arguments)), f"train --preset {arguments.preset}")


def together(arguments, work, command):
    """Does work(xp, ranks=None), with the device and the threads of the arguments; under mpiexec with all its ranks.

    Raises:
        Interrupted: Ctrl-C. It says what was saved, and the command that continues.
    """
    try:
        with_everyone(arguments, work)
    except KeyboardInterrupt as stop:
        from minidit.training.trainer import STATE

        if not (arguments.out / STATE).exists():
            raise Interrupted("stopped before there was anything to save.") from stop
        said = str(stop) or f"stopped. The last checkpoint is in {arguments.out}."
        raise Interrupted(f"{said} Continue with:\n{continuation(arguments, command)}") from stop


def continuation(arguments, command):
    """The command line that continues a run which these arguments started, or continued."""
    from minidit.training.parallel.launcher import launched

    words = ["mpiexec", "-n", str(launched()[1])] if launched() else []
    words += ["minidit", *command.split(), "--out", str(arguments.out)]
    for name in ("seed", "threads", "device"):
        if getattr(arguments, name):
            words += [f"--{name}", str(getattr(arguments, name))]
    words += [f"--{name}" for name in ("tf32", "recompute") if getattr(arguments, name, False)]
    return shlex.join([*words, "--resume"])


def with_everyone(arguments, work):
    """Does work(xp, ranks=None), as `together` does."""
    from minidit.training.parallel.launcher import launched

    xp = shared.chosen_device(arguments)
    if not launched():
        with shared.blas_threads(arguments.threads):
            work(xp)
        return
    if xp.__name__ != "numpy":
        raise UserError("under mpiexec the CPUs train: leave out --device, or start minidit without mpiexec.")
    if arguments.threads is not None:
        raise UserError("under mpiexec each rank has one thread: leave out --threads, and start a rank per core.")
    from minidit.training.parallel.mpi import lead_or_follow

    lead_or_follow(partial(work, xp), LAST_WORDS)


def train(arguments, preset, xp, ranks=None):
    """The run itself; under mpiexec on rank 0, with all `minidit.training.parallel.mpi.Ranks`."""
    from minidit.training.budget import check_fits
    from minidit.training.trainer import Run

    begin = monotonic()
    threads = arguments.threads or shared.available_cores()
    on_cpu = xp.__name__ == "numpy"  # nobody knows what fits on a GPU
    if on_cpu and not arguments.resume:  # a resumed run has its own batch, and has fitted before
        if ranks is None:
            check_fits(preset, min(threads, preset.diffusion_training.shards))
        elif ranks.on_one_machine:  # nobody knows the memory of other machines
            check_fits(preset, ranks.count, separate=True)
    training_run = Run(preset, arguments.out, arguments.seed, threads, ranks, xp=xp)
    if arguments.resume:
        training_run.resume()
    else:
        from minidit.generation.studio import checkpoint_file

        if arguments.origin is None:
            training_run.start(arguments.minutes)
        else:
            with checkpoint_file(arguments.origin) as origin:
                training_run.start(arguments.minutes, origin)
    training_run.train()
    say_done(training_run, begin)


def say_done(training_run, begin, options=""):
    """Says where the model of a finished run is, and how to try it: with these options."""
    from minidit.training.trainer import MODEL

    minutes = (monotonic() - begin) / 60
    print(f"{training_run.folder / MODEL}  ({training_run.step} steps, {minutes:.1f} minutes)")
    print(f"Try: {shared.EXAMPLE} --checkpoint {training_run.folder}{options}")


def chosen_preset(arguments):
    """The preset, with what the arguments change of it.

    Raises:
        UserError: there is no such preset, or the changes are impossible.
    """
    from minidit.presets import preset_named, with_batch

    preset = preset_named(arguments.preset)
    changes = {"steps": arguments.steps, "learning_rate": arguments.learning_rate}
    changes = {name: value for name, value in changes.items() if value is not None}
    others = (arguments.batch, arguments.minutes, arguments.origin)
    if arguments.resume and (changes or any(value is not None for value in others)):
        raise UserError(
            "a resumed run keeps its plan: leave out --steps, --minutes, --batch, --learning-rate and --from."
        )
    training = with_batch(preset.diffusion_training, arguments.batch)
    return replace(preset, diffusion_training=replace(training, recompute=arguments.recompute, **changes))
