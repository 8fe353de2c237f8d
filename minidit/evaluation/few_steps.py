"""How good a model's clips are for each number of sampling steps, with intervals: `minidit steps`."""

import numpy as np
from tqdm import tqdm

from minidit.evaluation.cases import PROMPTS, SPLITS, draw_cases
from minidit.evaluation.measure import judged_clips
from minidit.evaluation.report import aligned, share_cell
from minidit.evaluation.scores import shares
from minidit.generation.settings import SamplingSettings

STEPS = (1, 2, 4, 8, 32)
SCORES = ("right", "strict")


def measure_steps(models, steps=STEPS, prompts=500, seed=0, progress=True):
    """Measures models at several numbers of steps, all of them on the same prompts and noise.

    Args:
        models: name -> VideoModel; each has its own sampler, guidance and spacing of the steps.
        steps: numbers of steps.
        prompts: number of seen combinations, and the same number of held-out ones.
        seed: all random numbers follow from it.
        progress: show a bar on standard error.
    Returns:
        dict ready for JSON: `prompts`, `seed`, `steps`, and `models`, a list of dicts with `name`, `guidance`, `shift`
        and, for each of "seen" and "held_out", a list that has for each number of steps the shares `right` and `strict`
        with their 95 % Wilson intervals, `right_interval` and `strict_interval`.
    """
    cases = {
        split: draw_cases(combinations, prompts, np.random.default_rng([seed, PROMPTS, place, 0]))
        for place, (split, combinations) in enumerate(SPLITS.items())
    }
    total = len(models) * len(steps) * len(SPLITS) * prompts
    results = []
    with tqdm(total=total, desc="steps", unit="clip", disable=not progress) as bar:
        for name, model in models.items():
            result = {"name": name, "guidance": model.settings.guidance, "shift": model.settings.shift}
            for split in SPLITS:
                result[split] = [scores(model, cases[split], count, bar) for count in steps]
            results.append(result)
    return {"prompts": prompts, "seed": seed, "steps": list(steps), "models": results}


def scores(model, cases, steps, bar):
    """The shares of right and of strictly right clips for that number of steps, with their intervals."""
    found = shares(judged_clips(model, cases, SamplingSettings(steps).for_model(model.settings), bar))
    return {f"{name}{end}": found[f"{name}{end}"] for name in SCORES for end in ("", "_interval")}


def steps_table(measured):
    """The result of `measure_steps` as lines of text to read."""
    rows = [
        (f"{model['name']}, {split.replace('_', '-')}: {name}", *(share_cell(point, name) for point in model[split]))
        for model in measured["models"]
        for name in SCORES
        for split in SPLITS
    ]
    lines = aligned([("percent, by steps", *map(str, measured["steps"])), *rows])
    clips = f"{measured['prompts']} prompts of each split, seed {measured['seed']}; each model's own sampler and"
    return "\n".join([*lines, "", f"{clips} guidance; [ ]: 95 % confidence interval"]) + "\n"
