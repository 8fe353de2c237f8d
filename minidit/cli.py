"""The command `minidit`: what a person types.

Each command has a file in `minidit/commands/`, and imports what its work needs only when it does it, so that a
mistake in what was typed is answered at once. A user's mistake ends with one sentence on standard error.
"""

import argparse
import os
import sys

import minidit
from minidit.commands import (
    bench,
    build_lessons,
    check,
    evaluate,
    figures,
    generate,
    gpu_plan,
    gpu_selftest,
    grade,
    lessons,
    plan,
    progress,
    train,
    worksheet,
)
from minidit.commands.arguments import EXAMPLE
from minidit.errors import UserError

USER_ERROR, INTERRUPTED, BROKEN_PIPE = 2, 130, 141
COMMANDS = (
    generate, plan, train, evaluate, bench, gpu_plan, gpu_selftest, worksheet, figures, lessons, check, progress,
    grade, build_lessons,
)  # fmt: skip


def main(argv=None):
    """Runs the command line.

    Args:
        argv: the words after `minidit`; by default those that the process was started with.
    Returns:
        the exit status: 0, or 2 for a mistake of the user's, 130 after Ctrl-C, 141 if the reader of the output left.
    """
    try:
        arguments = parser().parse_args(argv)
        from minidit.backend import keep_freed_memory

        keep_freed_memory()
        arguments.run(arguments)
        sys.stdout.flush()
    except UserError as error:
        from minidit.training.launcher import speaks

        if not speaks():
            return 0  # a launcher would end all ranks at the first other status, and cut short the one that speaks
        print(f"minidit: {error}", file=sys.stderr)
        return USER_ERROR
    except KeyboardInterrupt:
        print("\nminidit: stopped.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # What is still buffered has nowhere to go, and Python would complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    return 0


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are ours: one sentence instead of the usage."""

    def error(self, message):
        """Raises a UserError with the message."""
        raise UserError(f"{message}. See: {self.prog} --help")


def parser():
    """The parser of all commands; each sets `run` to the function that does its work."""
    whole = Parser(
        prog="minidit",
        usage="minidit COMMAND ...",
        description="A Diffusion Transformer from scratch in NumPy: from a prompt to a video.",
        epilog=f"example: {EXAMPLE}",
    )
    whole.add_argument("--version", action="version", version=f"minidit {minidit.__version__}")
    whole.set_defaults(run=lambda _: whole.print_help())
    commands = whole.add_subparsers(title="commands", metavar="COMMAND --help says more")
    for module in COMMANDS:
        name = module.__name__.rpartition(".")[2].replace("_", "-")
        command = commands.add_parser(
            name,
            prog=f"minidit {name}",
            help=module.SUMMARY,
            description=f"{module.SUMMARY[0].upper()}{module.SUMMARY[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        notes = module.add_arguments(command) or ""
        command.epilog = f"{notes}example: {module.EXAMPLE}"
        command.set_defaults(run=module.run)
    return whole
