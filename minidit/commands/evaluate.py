"""`minidit evaluate`: how often a model's clips show what the prompt says."""

import contextlib
import json
import sys

from minidit.commands import arguments as shared

SUMMARY = "measure how often a model's clips show what the prompt says"
EXAMPLE = "minidit evaluate runs/quick --prompts 500 --seeds 3 --json > scores.json"


def add_arguments(command):
    """Adds the arguments to the parser of this command."""
    shared.add_named_checkpoint(command)
    shared.add_prompts(command)
    command.add_argument(
        "--seeds",
        type=shared.whole_number(1, 1000),
        default=3,
        metavar="N",
        help="repetitions with other prompts (default: 3)",
    )
    command.add_argument(
        "--fitted",
        type=shared.whole_number(1, shared.MOST_PROMPTS),
        default=300,
        metavar="N",
        help="clips of each split whose fidelity is measured, which is what takes longest (default: 300)",
    )
    shared.add_sampling(command)
    shared.add_device(command)
    shared.add_threads(command, "as the matrix library chooses")
    command.add_argument(
        "--wordings",
        action="store_true",
        help="measure other sentences, synonyms and prompts that leave something out instead, --prompts of each",
    )
    command.add_argument("--json", action="store_true", help="print one JSON object, and all else to standard error")


def run(arguments):
    """Prints a table, or with --json one object."""
    if arguments.wordings:
        return run_wordings(arguments)
    from minidit.evaluation.evaluate import evaluate
    from minidit.evaluation.report import report_table
    from minidit.generation.studio import load

    studio = load(arguments.checkpoint, device="cpu").on(shared.chosen_device(arguments))
    # Standard output is for the result alone.
    with shared.blas_threads(arguments.threads), contextlib.redirect_stdout(sys.stderr):
        report = evaluate(
            studio.model,
            prompts=arguments.prompts,
            seeds=arguments.seeds,
            guidance=arguments.guidance,
            steps=arguments.steps,
            fitted=arguments.fitted,
            checkpoint=str(arguments.checkpoint or "shipped"),
        )
    print(json.dumps(report, indent=2, allow_nan=False) if arguments.json else report_table(report))


def run_wordings(arguments):
    """The same for the measures of `minidit.evaluation.wordings`."""
    from minidit.evaluation.wordings import measure_wordings, wordings_table
    from minidit.generation.studio import load

    studio = load(arguments.checkpoint, device="cpu").on(shared.chosen_device(arguments))
    with shared.blas_threads(arguments.threads), contextlib.redirect_stdout(sys.stderr):
        report = measure_wordings(
            studio.model, prompts=arguments.prompts, steps=arguments.steps, guidance=arguments.guidance
        )
    print(json.dumps(report, indent=2, allow_nan=False) if arguments.json else wordings_table(report))
