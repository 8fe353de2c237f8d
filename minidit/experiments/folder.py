"""The experiments: measures what is missing and keeps a folder with results, figures, and a page that tells of them."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from minidit.errors import UserError, check_known
from minidit.experiments import abilities, ablation, expressiveness, generalisation, robustness, scalability
from minidit.experiments.small import CODEC, STATES, codec_path, codec_task
from minidit.experiments.store import Store
from minidit.experiments.tasks import Options, missing, run_tasks
from minidit.experiments.variants import checked_names
from minidit.files.whole import make_folder, write_whole
from minidit.generation.studio import checkpoint_file
from minidit.models.checkpoint import load_model

EXPERIMENTS = {
    module.__name__.rpartition(".")[2]: module
    for module in (scalability, generalisation, expressiveness, robustness, abilities, ablation)
}
PAGE = "README.md"
SMALL = "**Measured with --quick: far too small to judge anything by.**"


@dataclass(frozen=True)
class Report:
    """A folder's page and the experiments on it.

    Attributes:
        command: which measures them.
        title: of the page.
        results: file of the results.
        names: of EXPERIMENTS.
    """

    command: str
    title: str
    results: str
    names: tuple

    def results_of(self, store, name):
        """What was measured for an experiment: name of the task -> result."""
        prefix = f"{name}/" if len(self.names) > 1 else ""  # an experiment alone in its file has no prefix
        return {
            key: entry["result"] for key, entry in store.entries.items() if key.startswith(prefix) and key != CODEC
        }


CLAIMS = Report("minidit claims", "The claims, measured", "claims.json", tuple(EXPERIMENTS)[:-1])
ABLATION = Report("minidit ablate", ablation.TITLE, "ablation.json", ("ablation",))


def measure_claims(
    names=None, out="claims", checkpoint=None, quick=False, seeds=1, threads=1, force=False, progress=True
):
    """Measures claims, as far as they have not been measured yet, and draws and describes them.

    Args:
        names: of claims; none or None for all.
        out: folder for everything; made if need be. What it holds already is not measured again.
        checkpoint: the trained model to measure; by default the one that minidit is shipped with.
        quick: only to see that everything runs.
        seeds: trainings of each kind.
        threads: number of processes at once.
        force: measure these claims again, whatever the folder holds of them.
        progress: show a bar.
    Returns:
        the path of the page, and what it says of each claim: name -> (sentences, tables).
    Raises:
        UserError: an unknown name, a checkpoint that can't be read or can't do what a named claim is about, or a folder
            with other results.
    """
    check_known("claim", names or (), CLAIMS.names)
    with checkpoint_file(checkpoint) as file:
        completes = load_model(file).settings.dit.conditioning_channels  # a file that can't be read is reported at once
        fingerprint = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
        options = Options(Path(out), file, fingerprint, completes, quick, seeds)
        for name in names or ():
            if not EXPERIMENTS[name].tasks(options):
                raise UserError(
                    f"{name} can't be measured of {file}, which makes whole clips only. Choose a --checkpoint that was "
                    "trained to complete clips, such as the shipped one."
                )
        return measure(CLAIMS, names, options, threads, force, progress)


def measure_ablation(
    variants=None, out="ablation", seeds=3, steps=None, threads=1, quick=False, force=False, progress=True
):
    """Trains variants of one small model at equal compute, measures them, and draws a figure and tables.

    Args:
        variants: of `minidit.experiments.variants.VARIANTS`; none or None for all. The base is always among them.
        steps: of the base; the others get the number that costs the same.
        out, seeds, threads, quick, force, progress: as for `measure_claims`.
    Returns:
        the path of the page, and what it says: {"ablation": (sentences, tables)}.
    Raises:
        UserError: an unknown name, a folder with other results, or a run that diverged.
    """
    options = Options(Path(out), quick=quick, seeds=seeds, variants=tuple(checked_names(variants)), steps=steps)
    return measure(ABLATION, None, options, threads, force, progress)


def measure(report, names, options, threads, force, progress):
    """Runs the missing tasks of some experiments (None for all), draws them, and writes the page.

    Returns:
        the path of the page, and name -> (sentences, tables) of those experiments that have results.
    """
    make_folder(options.out)
    chosen = [name for name in report.names if not names or name in names]
    store = Store(options.out / report.results, options.quick, force and not names)
    if force:
        forget(report, store, options.out, chosen)
    tasks = missing([task for name in chosen for task in EXPERIMENTS[name].tasks(options)], store)
    codec = codec_task(options)
    if any(t.codec for t in tasks) and not (store.get(codec.name, codec.plan) and codec_path(options).exists()):
        run_tasks([codec], store, 1, progress)
    if tasks:
        run_tasks(tasks, store, threads, progress)
    said = {}
    for name in chosen:
        experiment, measured = EXPERIMENTS[name], report.results_of(store, name)
        if measured:
            said[name] = experiment.sentences(measured), experiment.tables(measured)
            write_whole(options.out / experiment.FILE, experiment.draw(measured))
    write_whole(options.out / PAGE, page(report, store, options.out).encode())
    return options.out / PAGE, said


def forget(report, store, folder, names):
    """Drops results and figures of some experiments, and the states of their unfinished trainings; others stay.

    The page shows the experiments that have a figure. An old figure would make it show one that is half measured.
    """
    for name in names:
        for key in report.results_of(store, name):
            del store.entries[key]
        for file in (folder / STATES).glob(f"{name}-*.safetensors"):
            file.unlink()
        (folder / EXPERIMENTS[name].FILE).unlink(missing_ok=True)


def page(report, store, folder):
    """The page, in Markdown."""
    parts = [f"# {report.title}", *([SMALL] if store.quick else [])]
    for name in report.names:
        experiment, measured = EXPERIMENTS[name], report.results_of(store, name)
        if not measured or not (folder / experiment.FILE).exists():
            continue
        alone = len(report.names) == 1
        seconds = sum(result.get("core_seconds", 0) for result in measured.values())
        parts += [
            *([] if alone else [f"## {experiment.TITLE}"]),
            "\n".join(f"- {sentence}" for sentence in experiment.sentences(measured)),
            f"![{experiment.ALT}]({experiment.FILE})",
            *experiment.tables(measured),
            experiment.note(measured),
            f"Measured by `{report.command}{'' if alone else ' ' + name}` in {seconds / 60:.0f} core-minutes.",
        ]
    return "\n\n".join(parts) + "\n"
