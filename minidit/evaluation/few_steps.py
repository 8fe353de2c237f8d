"""How good a model's clips are by the number of steps of its sampler, with intervals."""

import numpy as np
from tqdm import tqdm

from minidit.evaluation.cases import PROMPTS, batches, draw_cases
from minidit.evaluation.measure import make
from minidit.evaluation.scores import judge, shares
from minidit.generation.settings import SamplingSettings
from minidit.world import HELD_OUT, SEEN, verify_batch

SPLITS = {"seen": SEEN, "held_out": HELD_OUT}
STEPS = (1, 2, 4, 8, 32)


def measure_steps(models, steps=STEPS, prompts=500, seed=0, progress=True):
    """Measures models at several numbers of steps of the Euler sampler, all of them on the same prompts and noise.

    Args:
        models: name -> VideoModel; each has its own guidance and spacing of the steps.
        steps: numbers of steps.
        prompts: clips of seen, and as many of held-out combinations.
        seed: what all random numbers follow from.
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
    """The shares of right and of strictly right clips in that many steps, with their intervals."""
    judged = []
    sampling = SamplingSettings(steps).for_model(model.settings)
    for part in batches(cases):
        judged.append(judge(verify_batch(make(model, part, sampling)), part.attributes))
        bar.update(len(part.prompts))
    found = shares(np.concatenate(judged))
    return {f"{name}{end}": found[f"{name}{end}"] for name in ("right", "strict") for end in ("", "_interval")}


def steps_table(measured):
    """What `measure_steps` found, as lines of text to read."""
    heads = ("percent, by steps", *(str(count) for count in measured["steps"]))
    rows = [
        (f"{model['name']}, {split.replace('_', '-')}: {name}", *(cell(point, name) for point in model[split]))
        for model in measured["models"]
        for name in ("right", "strict")
        for split in SPLITS
    ]
    widths = [max(len(row[i]) for row in (heads, *rows)) for i in range(len(heads))]
    lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in (heads, *rows)]
    clips = f"{measured['prompts']} prompts of each split, seed {measured['seed']}; Euler steps, with each model's"
    return "\n".join([*lines, "", f"{clips} guidance; [ ]: 95 % confidence interval"]) + "\n"


def cell(point, name):
    """A share in percent with its interval."""
    low, high = (100 * end for end in point[f"{name}_interval"])
    return f"{100 * point[name]:.1f} [{low:.1f}, {high:.1f}]"
