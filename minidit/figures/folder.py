"""Draws figures into a folder, with a page that shows them."""

import sys

from tqdm import tqdm

from minidit.errors import UserError, check_known
from minidit.figures import abilities, clip, codec, denoising, few_steps, growth, samples, training, worksheet
from minidit.figures.spreadsheet import need_xlsxwriter
from minidit.files.whole import make_folder, write_whole
from minidit.generation.studio import checkpoint_file
from minidit.models.checkpoint import load_model, load_record

MODULES = (clip, abilities, samples, denoising, training, codec, few_steps, growth, worksheet)
FIGURES = {module.__name__.rpartition(".")[2]: module for module in MODULES}

PAGE = "README.md"
INTRODUCTION = """\
# Figures

Code draws these figures: most from the model that minidit is shipped with, the last three from measurements and from
the worksheet's integers. `minidit figures` draws them again and rewrites this page, so don't edit it by hand. With
`--checkpoint FILE` they show another model.
"""


def draw_figures(names=None, out="figures", checkpoint=None, progress=True):
    """Draws figures of a trained model. Files of the same name are replaced, each whole or not at all.

    Args:
        names: of FIGURES; none or None for all that the checkpoint has the numbers for.
        out: folder to write to; made if need be.
        checkpoint: a checkpoint, or the folder of a training run; by default the one that minidit is shipped with.
        progress: show a bar, and name the files that were written on standard output.
    Returns:
        the paths of the files that were written, README.md last.
    Raises:
        UserError: an unknown name, a checkpoint that can't be read or lacks what a figure needs, a library that isn't
            there, or a folder that can't be written to.
    """
    check_known("figure", names or (), FIGURES)
    with checkpoint_file(checkpoint) as file:
        model, record = load_model(file), load_record(file)
    lacking = {name: reason for name in names or FIGURES if (reason := missing(name, model, record))}
    if names and lacking:
        name, reason = next(iter(lacking.items()))
        raise UserError(
            f"can't draw {name}: the checkpoint holds {reason}. Leave {name} out, or give a checkpoint that "
            "`minidit train` wrote."
        )
    chosen = [name for name in dict.fromkeys(names or FIGURES) if name not in lacking]
    if "worksheet" in chosen:
        need_xlsxwriter()
    bar = tqdm(chosen, desc="figures", unit="figure", leave=False, disable=None if progress else True)
    drawn = {}  # file -> bytes; all before any is written
    for name in bar:
        figure = FIGURES[name]
        drawn[figure.FILE] = figure.draw(model, record)
        drawn |= figure.more_files() if hasattr(figure, "more_files") else {}

    folder = make_folder(out)
    for file, data in drawn.items():
        write_whole(folder / file, data)
    write_whole(folder / PAGE, page(folder).encode())
    written = [folder / file for file in (*drawn, PAGE)]
    if progress:
        print(*written, sep="\n")
        for name, reason in lacking.items():
            print(f"left out {FIGURES[name].FILE}: the checkpoint holds {reason}", file=sys.stderr)
    return written


def missing(name, model, record):
    """What a figure needs and the model or its record lacks, in words; empty when nothing."""
    module = FIGURES[name]
    return module.missing(model, record) if hasattr(module, "missing") else ""


def page(folder):
    """The page about the figures in a folder, in Markdown: titles, pictures with alt texts, commands."""
    parts = [INTRODUCTION]
    for name, figure in FIGURES.items():
        if (folder / figure.FILE).exists():
            picture, command = f"![{figure.ALT}]({figure.FILE})", f"`minidit figures {name}`"
            parts.append(f"## {figure.TITLE}\n\n{picture}\n\n{figure.NOTE}\n\nMade by {command}.\n")
    return "\n".join(parts)
