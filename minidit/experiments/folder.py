"""Measures claims and keeps a folder: results, figures, and a page that says which claims hold."""

import hashlib
from pathlib import Path

from minidit.errors import UserError
from minidit.experiments import abilities, expressiveness, generalisation, robustness, scalability
from minidit.experiments.small import STATES, codec_path, codec_task
from minidit.experiments.store import Store
from minidit.experiments.tasks import Options, missing, run_tasks
from minidit.figures.folder import make_folder
from minidit.files.whole import write_whole
from minidit.generation.studio import checkpoint_file
from minidit.models.checkpoint import load_model

MODULES = (scalability, generalisation, expressiveness, robustness, abilities)
CLAIMS = {module.__name__.rpartition(".")[2]: module for module in MODULES}
RESULTS, PAGE = "claims.json", "README.md"
SMALL = "**Measured with --quick: far too small to judge a claim by.**"


def measure_claims(
    names=None, out="claims", checkpoint=None, quick=False, seeds=1, threads=1, force=False, progress=True
):
    """Measures claims, as far as they have not been measured yet, and draws and describes them.

    Args:
        names: of CLAIMS; none or None for all.
        out: folder for everything; made if need be. What it holds already is not measured again.
        checkpoint: whose abilities are measured; by default the checkpoint that minidit is shipped with.
        quick: only to see that everything runs.
        seeds: trainings of each kind.
        threads: how many processes at once.
        force: measure these claims anew, whatever the folder holds of them.
        progress: show a bar.
    Returns:
        the path of the page, and what it says of each claim: name -> sentences.
    Raises:
        UserError: an unknown name, a checkpoint that can't be read or can't do what a named claim is about, or a folder
            with other results.
    """
    for name in names or ():
        if name not in CLAIMS:
            raise UserError(f'there is no claim "{name}". Choose from: {", ".join(CLAIMS)}.')
    with checkpoint_file(checkpoint) as file:
        marks = load_model(file).settings.dit.conditioning_channels  # and what is wrong with it is told at once
        fingerprint = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
        options = Options(Path(out), file, fingerprint, marks, quick, seeds)
        for name in names or ():
            if not CLAIMS[name].tasks(options):
                raise UserError(
                    f"{name} can't be measured of {file}, which makes whole clips only. Choose a --checkpoint that was "
                    "trained to complete clips, such as the shipped one."
                )
        make_folder(out)
        chosen = [name for name in CLAIMS if not names or name in names]
        store = Store(options.out / RESULTS, quick, force and not names)
        if force:
            forget(store, options.out, chosen)
        work(options, store, [CLAIMS[name] for name in chosen], threads, progress)
    said = {}
    for name, module in CLAIMS.items():
        measured = results_of(store, name)
        if measured and name in chosen:
            said[name] = module.sentences(measured)
            write_whole(options.out / module.FILE, module.draw(measured))
    write_whole(options.out / PAGE, page(store, options.out).encode())
    return options.out / PAGE, said


def work(options, store, modules, threads, progress):
    """Does all tasks of some claims that have no result yet."""
    tasks = missing([task for module in modules for task in module.tasks(options)], store)
    if any(task.codec for task in tasks):
        codec = codec_task(options)
        if store.get(codec.name, codec.plan) is None or not codec_path(options).exists():
            run_tasks([codec], store, 1, progress)
    run_tasks(tasks, store, threads, progress)


def forget(store, folder, names):
    """Drops results and figures of some claims, and what their unfinished trainings left; those of others stay.

    The page shows a claim that has a figure, and a figure of before would make it show one that is half measured.
    """
    for name in names:
        for key in results_of(store, name):
            del store.entries[key]
        for file in (folder / STATES).glob(f"{name}-*.safetensors"):
            file.unlink()
        (folder / CLAIMS[name].FILE).unlink(missing_ok=True)


def results_of(store, name):
    """What was measured for a claim: name -> result."""
    return {key: entry["result"] for key, entry in store.entries.items() if key.startswith(f"{name}/")}


def page(store, folder):
    """The page, in Markdown."""
    parts = ["# The claims, measured"]
    if store.quick:
        parts.append(SMALL)
    for name, module in CLAIMS.items():
        measured = results_of(store, name)
        if measured and (folder / module.FILE).exists():
            seconds = sum(result.get("core_seconds", 0) for result in measured.values())
            parts += [
                f"## {module.TITLE}",
                "\n".join(f"- {sentence}" for sentence in module.sentences(measured)),
                f"![{module.ALT}]({module.FILE})",
                *module.tables(measured),
                module.note(measured),
                f"Measured by `minidit claims {name}` in {seconds / 60:.0f} core-minutes.",
            ]
    return "\n\n".join(parts) + "\n"
