"""`minidit steps`: how good clips are when they are made in few steps."""

from minidit.commands import arguments as shared
from minidit.commands.bench import add_output, check_output, show
from minidit.errors import UserError

SUMMARY = "measure how often clips made in 1, 2, 4, 8 and 32 steps are right"
EXAMPLE = "minidit steps shipped runs/fast --json steps.json"
SHIPPED = "shipped"
NOTES = """\
Several models are measured on the same prompts and noise, each with its own guidance. Besides files and folders,
"shipped" names the model that minidit is shipped with. `minidit distill` makes models that need few steps.

"""


def add_arguments(command):
    """Adds the arguments to the parser of this command; returns notes for its help."""
    command.add_argument(
        "checkpoints", nargs="*", metavar="CHECKPOINT", help="models, or folders of training runs (default: shipped)"
    )
    command.add_argument(
        "--steps",
        nargs="+",
        type=shared.whole_number(1),
        default=[1, 2, 4, 8, 32],
        metavar="N",
        help="of the sampler (default: 1 2 4 8 32)",
    )
    shared.add_prompts(command)
    shared.add_seed(command, "of the prompts and the noise")
    shared.add_device(command)
    shared.add_threads(command, "as the matrix library chooses")
    add_output(command)
    return NOTES


def run(arguments):
    """Prints a table, and with --json writes the numbers behind it."""
    check_output(arguments.json, arguments.force)
    from minidit.evaluation.few_steps import measure_steps, steps_table
    from minidit.generation.studio import load

    names = arguments.checkpoints or [SHIPPED]
    if len(set(names)) < len(names):
        raise UserError("a checkpoint was named twice: name each once.")
    xp = shared.chosen_device(arguments)
    models = {name: load(None if name == SHIPPED else name, device="cpu").on(xp).model for name in names}
    with shared.blas_threads(arguments.threads):
        measured = measure_steps(models, arguments.steps, arguments.prompts, arguments.seed)
    show(measured, steps_table, arguments.json)
