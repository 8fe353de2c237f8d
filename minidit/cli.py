"""The command `minidit`: what a person types.

Each command has a file in `minidit/commands/`, and imports what its work needs only when it does it, so that a
mistake in what was typed is answered at once. A user's mistake ends with one sentence on standard error.
"""

import argparse
import os
import re
import shlex
import shutil
import sys
import textwrap
from difflib import get_close_matches

import minidit
from minidit.commands import (
    ablate,
    animate,
    bench,
    build_lessons,
    check,
    claims,
    connect,
    distill,
    edit,
    evaluate,
    explore,
    extend,
    figures,
    film,
    generate,
    gpu_plan,
    gpu_selftest,
    grade,
    image,
    inpaint,
    lessons,
    loop,
    plan,
    progress,
    steps,
    train,
    worksheet,
)
from minidit.commands.arguments import EXAMPLE
from minidit.errors import UserError

USER_ERROR, INTERRUPTED, BROKEN_PIPE = 2, 130, 141
GROUPS = {
    "make videos": (generate, image, animate, extend, connect, loop, edit, inpaint, film),
    "train": (train, distill, plan),
    "measure": (evaluate, steps, claims, ablate, bench, figures),
    "use a GPU": (gpu_plan, gpu_selftest),
    "learn and teach": (worksheet, explore, lessons, check, progress, grade, build_lessons),
}
COMMANDS = tuple(module for modules in GROUPS.values() for module in modules)
COMMANDS_BY_NAME = {module.__name__.rpartition(".")[2].replace("_", "-"): module for module in COMMANDS}


def main(argv=None):
    """Runs the command line.

    Args:
        argv: the words after `minidit`; by default those that the process was started with.
    Returns:
        the exit status: 0, or 2 for a mistake of the user's, 130 after Ctrl-C, 141 if the reader of the output left.
    """
    try:
        words = sys.argv[1:] if argv is None else [*map(str, argv)]
        if words[:1] == ["help"]:  # other programs have it, too
            words = [*words[1:2], "--help"]
        if words and not words[0].startswith("-") and words[0] not in COMMANDS_BY_NAME:
            raise UserError(unknown_command(words))
        arguments = parser().parse_args(words)
        from minidit.backend import keep_freed_memory

        keep_freed_memory()
        arguments.run(arguments)
        sys.stdout.flush()
    except UserError as error:
        from minidit.training.parallel.launcher import speaks

        if not speaks():
            return 0  # a launcher would end all ranks at the first other status, and cut short the one that speaks
        print(f"minidit: {error}", file=sys.stderr)
        return USER_ERROR
    except KeyboardInterrupt as stop:
        print(f"\nminidit: {str(stop) or 'stopped.'}", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # What is still buffered has nowhere to go, and Python would complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except OSError as error:
        if error.filename is None:
            raise  # no file that the user could name otherwise
        print(f"minidit: can't use {error.filename}: {error.strerror}. Give another name.", file=sys.stderr)
        return USER_ERROR
    return 0


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are ours: one sentence instead of the usage."""

    example = EXAMPLE

    def parse_args(self, args=None, namespace=None):
        """As argparse's, but what can't be understood is answered with what was probably meant."""
        arguments, rest = self.parse_known_args(args, namespace)
        if not rest:
            return arguments
        if hasattr(arguments, "prompt") and not any(word.startswith("-") for word in rest):
            raise UserError(f"put the prompt in quotes: {with_prompt_in_quotes(args, arguments.prompt, rest)}")
        options = getattr(arguments, "known_options", ("--help", "--version"))  # the latter without a command
        near = [get_close_matches(word, options, 1) for word in rest if word.startswith("--")]
        meant = "".join(f" Did you mean {found[0]}?" for found in near if found)
        see = "minidit help" if args[0].startswith("-") else f"minidit {args[0]} --help"
        raise UserError(f"I don't understand {shlex.join(rest)}.{meant} See: {see}")

    def parse_known_args(self, args=None, namespace=None):
        """As argparse's, but a PROMPT that may be left out may also stand behind options.

        Older versions of argparse take it to be left out as soon as an option comes before it.
        """
        arguments, rest = super().parse_known_args(args, namespace)
        if getattr(arguments, "prompt", "") is None:
            behind = len(rest) == 1 and not rest[0].startswith("-")
            arguments.prompt = rest.pop() if behind else ""
        return arguments, rest

    def error(self, message):
        """Raises a UserError with the message."""
        missing = "the following arguments are required: "
        if message.startswith(missing):
            message = f"this needs {message.removeprefix(missing)}. For example: {self.example}"
        message = re.sub(r"^argument (.+): expected (one|at least one) argument$", r"\1 needs a value", message)
        raise UserError(f"{message.removeprefix('argument ')}. See: {self.prog} --help")


def parser():
    """The parser of all commands; each sets `run` to the function that does its work."""
    whole = Parser(
        prog="minidit",
        usage="minidit COMMAND ...",
        description="A Diffusion Transformer from scratch in NumPy: from a prompt to a video.\n\n"
        f"{listed(GROUPS)}\nminidit help COMMAND says more.",
        epilog=f"example: {EXAMPLE}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=f"minidit {minidit.__version__}")
    whole.set_defaults(run=lambda _: whole.print_help())
    commands = whole.add_subparsers(metavar="COMMAND", help=argparse.SUPPRESS)
    for name, module in COMMANDS_BY_NAME.items():
        command = commands.add_parser(
            name,
            prog=f"minidit {name}",
            description=f"{module.SUMMARY[0].upper()}{module.SUMMARY[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        notes = module.add_arguments(command) or ""
        command.epilog = f"{notes}example: {module.EXAMPLE}"
        command.example = module.EXAMPLE
        command.set_defaults(run=module.run, known_options=re.findall(r"--[a-z][\w-]*", command.format_usage()))
    return whole


def unknown_command(words):
    """What to say where the first word is no command."""
    name = words[0]
    near = get_close_matches(name, COMMANDS_BY_NAME, 1)
    if near:
        meant = shlex.join([*near, *words[1:]])
    elif " " in name:  # a prompt
        meant = f'generate "{name}"'
    else:
        return f'there is no command "{name}". The commands are: {", ".join(COMMANDS_BY_NAME)}. See: minidit help'
    return f'there is no command "{name}". Did you mean: minidit {meant}'


def with_prompt_in_quotes(words, first, rest):
    """The command line as it was probably meant.

    Args:
        words: after `minidit`, as typed.
        first: what was taken for the prompt; empty if nothing was.
        rest: what was left over.
    """
    prompt, words = [first, *rest] if first else rest, [*words]
    begin = words.index(prompt[0], 1)
    for word in prompt:
        words.remove(word)
    quoted = [shlex.quote(word) for word in words]
    return " ".join(["minidit", *quoted[:begin], f'"{" ".join(prompt)}"', *quoted[begin:]])


def listed(groups):
    """Commands with their summaries, group by group, as wide as the terminal. argparse itself can't group them."""
    names = {module: name for name, module in COMMANDS_BY_NAME.items()}
    indent = 4 + 2 + max(map(len, COMMANDS_BY_NAME))
    width = max(shutil.get_terminal_size().columns - 2, indent + 20)
    lines = []
    for title, modules in groups.items():
        lines.append(f"{title}:")
        for module in modules:
            beginning = f"    {names[module]}".ljust(indent)
            lines += textwrap.wrap(beginning + module.SUMMARY, width, subsequent_indent=" " * indent)
        lines.append("")
    return "\n".join(lines)
