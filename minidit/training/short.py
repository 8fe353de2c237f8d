"""Short trainings of an experiment, in one process: train, look at the model at some steps, continue after a kill."""

import json
import multiprocessing
from time import process_time

from minidit.errors import UserError
from minidit.training.parallel.workers import Team
from minidit.training.state import TrainingState
from minidit.training.steps import train_to


def train_and_look(model, job, stops, look=None, file=None, plan=None):
    """Trains the DiT of a VideoModel and looks at the moving average of its weights at some steps.

    Args:
        model: VideoModel. Training starts from its weights; in the end it holds their moving average.
        job: what is computed, see `minidit.training.job`; usually a VideoTraining.
        stops: rising steps at which to look; the last is where the training ends.
        look: function of the model; returns something JSON-able.
        file: where to save the state at each stop. If it exists, the training continues from it, and ends with the same
            bits as one that was never stopped. None saves nothing.
        plan: a JSON-able dict of what the weights follow from, saved with the state.
    Returns:
        what `look` returned at each stop, and the seconds of one core that all of it took.
    Raises:
        UserError: the training diverged, or the file is of a training with another plan.
    """
    state, looks, seconds = TrainingState.start(model.dit.params.flat), [], 0.0
    plan = json.loads(json.dumps(plan))
    if file is not None and file.exists():
        state, _, metadata = TrainingState.load(file, model.dit.params.flat.size)
        if metadata.get("plan") != plan:
            raise UserError(
                f"{file} is of a training with other settings. Choose another --out, or start again with --force."
            )
        looks, seconds = metadata["looks"], metadata["seconds"]
    model.dit.params.flat[...] = state.ema
    with Team(job, 1) as team:
        team.load(state)
        for stop in stops[len(looks) :]:
            begin = process_time()
            for _ in train_to(team, state, stop):
                pass
            team.store(state)
            model.dit.params.flat[...] = state.ema
            looks.append(look(model) if look else None)
            seconds += process_time() - begin
            if file is not None:
                file.parent.mkdir(parents=True, exist_ok=True)
                state.save(file, {"plan": plan, "looks": looks, "seconds": seconds})
                end_without_parent()
    return looks, seconds


def end_without_parent():
    """Ends this process if the command that started it is gone: nobody waits for its result."""
    parent = multiprocessing.parent_process()
    if parent is not None and not parent.is_alive():
        raise SystemExit("the command that started this training was killed")
