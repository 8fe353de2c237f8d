"""`minidit distill`: from a model to one that needs few steps."""

from functools import partial
from time import monotonic

from minidit.commands import arguments as shared
from minidit.commands.train import add_run, say_done, together
from minidit.errors import UserError

SUMMARY = "teach a model to make clips in few steps of its sampler, or even one"
EXAMPLE = "minidit distill --out runs/fast --minutes 10"
NOTES = """\
The student starts as a copy of the teacher, CHECKPOINT, and learns to go from noise to the teacher's clip in a straight
line (reflow). It makes clips in 4 steps without guidance, unless you ask for other numbers. `minidit steps` compares
the two. Processes share the work, and Ctrl-C saves the run, as in `minidit train`.

"""


def add_arguments(command):
    """Adds the arguments to the parser of this command; returns notes for its help."""
    shared.add_named_checkpoint(command, "teacher: model")
    add_run(command, "training steps (default: 3000)", "do the steps that fit into M minutes", "0.0005")
    command.add_argument(
        "--teacher-steps", type=shared.whole_number(1, 100), metavar="N",
        help="steps of the teacher's sampler (default: 6)",
    )  # fmt: skip
    return NOTES


def run(arguments):
    """Starts a distillation, or continues one; under mpiexec with all its ranks."""
    changes = {name: getattr(arguments, name) for name in ("steps", "learning_rate", "teacher_steps")}
    changes = {name: value for name, value in changes.items() if value is not None}
    if arguments.resume and (changes or arguments.minutes is not None or arguments.checkpoint is not None):
        raise UserError(
            "a resumed distillation keeps its teacher and its plan: leave out CHECKPOINT, --steps, --minutes, "
            "--teacher-steps and --learning-rate."
        )
    together(arguments, partial(distill, arguments, changes), "distill")


def distill(arguments, changes, xp, ranks=None):
    """The run itself; under mpiexec on rank 0, with all `minidit.training.parallel.mpi.Ranks`."""
    from minidit.generation.studio import checkpoint_file, load
    from minidit.presets import Preset
    from minidit.training.buckets import MANY_SIZES
    from minidit.training.distillation import TEACHER, Distillation, DistillationTraining, student_settings

    begin = monotonic()
    kept = arguments.out / TEACHER
    if arguments.resume and not kept.exists():
        raise UserError(f"{arguments.out} holds no distillation to resume ({TEACHER} is not there).")
    threads = arguments.threads or shared.available_cores()
    with checkpoint_file(kept if arguments.resume else arguments.checkpoint) as teacher:
        settings = load(teacher, device="cpu").settings
        training = DistillationTraining(buckets=MANY_SIZES if settings.dit.conditioning_channels else (), **changes)
        preset = Preset("a student", student_settings(settings), diffusion_training=training)
        distillation = Distillation(preset, teacher, arguments.out, arguments.seed, threads, ranks, xp=xp)
        if arguments.resume:
            distillation.resume()
        else:
            distillation.start(arguments.minutes)
    distillation.train()
    say_done(distillation, begin, " --steps 1")
