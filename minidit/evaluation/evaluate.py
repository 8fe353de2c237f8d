"""How good a model is: its clips read back by the verifier, beside the controls that say what a score is worth.

Everything follows from one seed: the same model and seed give the same report. Clips are made and measured 64 at a
time and then forgotten. Only the verifier's readings and a few numbers per clip are kept.

The guidance scale is fixed beforehand, by `tune_guidance`, on sentences and starting noise that `evaluate` never uses.
It sees seen combinations only, so nothing is chosen by looking at the held-out ones.
"""

import math
from dataclasses import replace

import numpy as np
from tqdm import tqdm

from minidit.errors import UserError
from minidit.evaluation.cases import FIT, POOL_CLIPS, SHUFFLE, SPLITS, TUNING, draw_cases, draw_real, spread
from minidit.evaluation.examined import summarize_examined
from minidit.evaluation.frechet import PixelFeatures, frechet_distance
from minidit.evaluation.measure import Measured, judged_clips, measure_split
from minidit.evaluation.pixels import decibels
from minidit.evaluation.scores import JUDGED, NAMES, chance, judge_shuffled, shares
from minidit.generation.settings import SamplingSettings
from minidit.world import ALL_ATTRIBUTES, SEEN

# N = clips, F = frames, H = rows, W = columns, K = features; clips are (N, F, H, W, 3) in [0, 1]

FITTED_CLIPS = 512  # real clips that the features are fitted on
LEAST_ERROR = 1e-10  # of a codec, squared: 100 dB, so that a perfect one has a number too


def evaluate(
    model,
    prompts=500,
    seeds=3,
    seed=0,
    steps=None,
    guidance=None,
    sampler=None,
    fitted=300,
    checkpoint=None,
    progress=True,
):
    """Measures a model on seen and on held-out combinations.

    Args:
        model: VideoModel.
        prompts: number for each of the two splits and each seed.
        seeds: repetitions, each with its own prompts and noise: prompts · seeds clips per split in all.
        seed: what all random numbers follow from.
        steps, guidance, sampler: by default the model's own settings; a sampler is a name from
            `minidit.diffusion.SAMPLERS`.
        fitted: number of clips of each split that the second examiner sees, drawn at random; it takes 0.4 seconds
            for one of them with its controls.
        checkpoint: the model's name, for the report.
        progress: show a bar on standard error.
    Returns:
        dict of Python numbers, strings, lists and dicts, ready for JSON. Shares lie in [0, 1].

        - `fidelity`: how near clips are to the nearest one that the world could have drawn, in dB (see
          `minidit.evaluation.fidelity`), of `generated_seen`, `generated_held_out`, the controls `real` and `codec`,
          and `shuffled`: generated clips to the nearest one of another clip's prompt. Each has "median" and
          "worst_tenth", the quantile below which a tenth lies, with bootstrap intervals; the number of "clips"; and,
          but for shuffled, "right", the share whose nearest clip shows what was asked for, with its interval.
        - `seam_ratio` of the same clips but the shuffled (see `minidit.evaluation.pixels.seam_ratio`): None where a
          clip has no borders of patches.
        - `two_sample`: "accuracy" of a classifier that tells them from real clips of the same prompts, with its
          interval; `real` are told from other real clips, `generated_…_from_codec` from real clips through the codec.
          Where scikit-learn isn't installed, "missing" says so.
        - `right_seen`, `right_held_out`, `strict_seen`, `strict_held_out`, each with `…_interval`, the 95 % Wilson
          interval over all clips, and `…_by_seed`, a list.
        - `attributes_seen`, `attributes_held_out`: the share of each attribute that is right, and of whole objects.
        - `control_real`: fresh real clips of the same combinations. `control_codec`: these clips through the codec,
          with its PSNR in dB; no model on its latents can be expected to do better. `control_shuffled`: the generated
          clips judged by other clips' prompts. `control_chance`: a random combination, by counting. All have "right"
          and one share per attribute; all but chance have "strict", "whole" and intervals.
        - `nearest_training_clip`: root mean squared pixel error to the nearest of 6 clips of the same combination,
          mean and least, for generated and for fresh real clips of the seen combinations. Training draws fresh
          clips and keeps none, so the pool is a new one, drawn as training draws. A model that has learned the world
          is as far from it as real clips are; one that copies clips of the pool is at distance 0. Copies of training
          clips outside the pool would not show. Held-out combinations have no training clips.
        - `frechet_distance`: of generated clips and of fresh real ones to an equal number of other real clips of the
          same combinations (see `minidit.evaluation.frechet`).
        - `prompts`, `seeds`, `seed`, `clips_per_split`, `fitted_per_split`, `steps`, `guidance`, `sampler`,
          `checkpoint`, `size`, `frames`, `seconds_per_clip` (of generation alone).
    Raises:
        UserError: fewer than one prompt or seed, a setting of the sampler that makes no sense, a word that the
            model doesn't know, or a model that makes clips with NaN.
    """
    prompts, seeds, fitted = _whole("prompts", prompts), _whole("seeds", seeds), _whole("fitted clips", fitted)
    fitted_each = min(prompts, math.ceil(fitted / seeds))
    sampling = SamplingSettings(steps, guidance, sampler=sampler).for_model(model.settings)

    fitted = spread(ALL_ATTRIBUTES, FITTED_CLIPS, np.random.default_rng([seed, FIT, 0]))
    features = PixelFeatures.fit(draw_real(fitted, np.random.default_rng([seed, FIT, 1]), model.settings))
    runs = {}  # split -> a Measured for each seed
    with tqdm(total=len(SPLITS) * prompts * seeds, desc="evaluate", unit="clip", disable=not progress) as bar:
        for index, (split, combinations) in enumerate(SPLITS.items()):
            runs[split] = [
                measure_split(model, combinations, prompts, [seed, index, repeat], sampling, features, fitted_each, bar)
                for repeat in range(seeds)
            ]
    settings = {
        "checkpoint": checkpoint,
        "prompts": prompts,
        "seeds": seeds,
        "seed": seed,
        "clips_per_split": prompts * seeds,
        "fitted_per_split": fitted_each * seeds,
        "steps": sampling.steps,
        "guidance": sampling.guidance,
        "sampler": sampling.sampler,
        "size": model.settings.size,
        "frames": model.settings.frames,
    }
    return settings | summarize(runs, np.random.default_rng([seed, SHUFFLE]))


def tune_guidance(
    model,
    candidates=(1.0, 1.5, 2.0, 2.5, 3.0, 4.0),
    prompts=200,
    seed=0,
    steps=None,
    sampler=None,
    progress=True,
):
    """Chooses the guidance scale with the most strictly right clips, before anything is evaluated.

    Every candidate gets the same prompts and noise, of seen combinations. `evaluate` uses none of these sentences and
    seeds, whatever its own seed. Of equals the smallest wins: more guidance than needed harms the pictures.

    Args:
        model: VideoModel.
        candidates: guidance scales.
        prompts: clips for each of them.
        seed, steps, sampler, progress: as in `evaluate`.
    Returns:
        dict ready for JSON: `guidance`, the choice; `table`, a list with a dict for each candidate: its `guidance`,
        and `right`, `strict` (with `…_interval`), `color`, `shape`, `motion`, `sky` and `whole` as shares; and the
        settings used.
    """
    prompts = _whole("prompts", prompts)
    _whole("candidates", len(candidates))
    own = SamplingSettings(steps, sampler=sampler).for_model(model.settings)
    cases = draw_cases(SEEN, prompts, np.random.default_rng([seed, TUNING]), tuning=True)
    table = []
    with tqdm(total=prompts * len(candidates), desc="guidance", unit="clip", disable=not progress) as bar:
        for guidance in candidates:
            sampling = replace(own, guidance=guidance).for_model(model.settings)
            table.append({"guidance": guidance} | shares(judged_clips(model, cases, sampling, bar)))
    best = max(table, key=lambda row: (row["strict"], -row["guidance"]))
    settings = {"prompts": prompts, "seed": seed, "steps": own.steps, "sampler": own.sampler}
    return {"guidance": best["guidance"], "table": table} | settings


def summarize(runs, rng):
    """The scores of `evaluate`'s report, over all batches.

    Args:
        runs: split -> a Measured for each seed.
        rng: draws whose prompt each clip is judged by in the shuffled control.
    """
    splits = {split: Measured.together(repeats) for split, repeats in runs.items()}
    report = summarize_examined({split: measured.examined for split, measured in splits.items()})
    for split, repeats in runs.items():
        scores = shares(splits[split].made)
        for column, name in enumerate(JUDGED[:2]):
            report[f"{name}_{split}"] = scores[name]
            report[f"{name}_{split}_interval"] = scores[f"{name}_interval"]
            report[f"{name}_{split}_by_seed"] = [float(measured.made[:, column].mean()) for measured in repeats]
        report[f"attributes_{split}"] = {name: scores[name] for name in (*NAMES, "whole")}

    every = Measured.together(list(splits.values()))
    made, real = every.nearest["made"], every.nearest["real"]
    psnr = float(decibels(max(every.codec_error.mean(), LEAST_ERROR)))
    return report | {
        "control_real": shares(every.real),
        "control_codec": shares(every.codec) | {"psnr": psnr},
        "control_shuffled": shares(judge_shuffled(every.readings, every.attributes, rng)),
        "control_chance": chance(),
        "nearest_training_clip": {
            "generated": float(made.mean()),
            "generated_least": float(made.min()),
            "real": float(real.mean()),
            "real_least": float(real.min()),
            "clips": len(made),
            "pool": POOL_CLIPS * len(SEEN),
        },
        "frechet_distance": _frechet_distances({split: measured.features for split, measured in splits.items()}),
        "seconds_per_clip": every.seconds / len(every.attributes),
    }


def _frechet_distances(features_of):
    distances = {}
    for split, features in features_of.items():
        distances[f"generated_{split}"] = frechet_distance(features["made"], features["reference"])
        distances[f"real_{split}"] = frechet_distance(features["real"], features["reference"])
    clips, components = features["made"].shape
    name = f"first {components} principal components of real clips' pixels, each divided by its standard deviation"
    return {"features": name, "clips": clips} | distances


def _whole(name, count):
    if not 1 <= count < math.inf or count != int(count):
        raise UserError(f"the number of {name} was {count}: give a whole number of at least 1.")
    return int(count)
