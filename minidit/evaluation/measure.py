"""Makes clips and measures them batch by batch, beside real ones. The measurements are kept, the clips are not."""

import time
from dataclasses import dataclass, fields

import numpy as np

from minidit.errors import UserError
from minidit.evaluation.cases import (
    FITTED,
    PROMPTS,
    REAL,
    REFERENCE,
    batches,
    draw_cases,
    draw_real,
    next_on_circle,
    training_clips,
)
from minidit.evaluation.examined import examine_batch
from minidit.evaluation.pixels import mse
from minidit.evaluation.scores import judge
from minidit.generation.text_to_video import BATCH, generate
from minidit.world import SEEN, verify_batch

# N = clips, F = frames, H = rows, W = columns, K = features; clips are (N, F, H, W, 3) in [0, 1]

TRAINED_ON = frozenset(SEEN)


@dataclass(frozen=True)
class Measured:
    """Measurements of N generated clips and of N real ones of the same combinations.

    Attributes:
        attributes, readings: N each, what was asked for and what the verifier saw.
        made, real, codec: (N, 7) from `judge`: generated clips, real clips, and the real ones through the codec.
        codec_error: (N,), mean squared error of a pixel value.
        features: "made", "real" and "reference" (a second set of real clips), (N, K) each, or none.
        nearest: "made" and "real", (N,) each, see `nearest_distances`; empty for held-out combinations.
        examined: of the clips chosen for it, see `minidit.evaluation.examined.examine_batch`; empty if none is.
        seconds: spent on making the clips.
    """

    attributes: list
    readings: list
    made: np.ndarray
    real: np.ndarray
    codec: np.ndarray
    codec_error: np.ndarray
    features: dict
    nearest: dict
    examined: dict
    seconds: float

    @classmethod
    def together(cls, parts):
        """One Measured of several."""
        return cls(*(concatenated([getattr(part, field.name) for part in parts]) for field in fields(cls)))


def concatenated(values):
    """Arrays one after the other, and so lists and the arrays of dicts; numbers are added."""
    first = values[0]
    if isinstance(first, dict):
        keys = dict.fromkeys(key for value in values for key in value)
        return {key: concatenated([value[key] for value in values if key in value]) for key in keys}
    return np.concatenate(values) if isinstance(first, np.ndarray) else sum(values, type(first)())


def make(model, cases, sampling):
    """Generated clips (N, F, H, W, 3) of the cases.

    Raises:
        UserError: a clip has NaN or infinity, which happens when a model has diverged.
    """
    clips = generate(model, cases.prompts, cases.seeds, sampling=sampling)
    if not np.isfinite(clips).all():
        raise UserError(
            "the model made clips with NaN or infinity, so they can't be judged: its training diverged, or the "
            f"guidance of {sampling.guidance:g} is far too strong. Use an earlier checkpoint, or less guidance."
        )
    return clips


def judged_clips(model, cases, sampling, bar=None):
    """Makes the clips of all cases and judges them: (N, 7) bool from `judge`.

    Args:
        sampling: SamplingSettings; bar: told of each batch done, or None.
    """
    judged = []
    for part in batches(cases):
        judged.append(judge(verify_batch(make(model, part, sampling)), part.attributes))
        if bar is not None:
            bar.update(len(part.prompts))
    return np.concatenate(judged)


def measure_split(model, combinations, count, key, sampling, features=None, fitted=0, bar=None):
    """Makes and measures the clips of one split and seed: a Measured.

    Args:
        key: [seed, index of the split, index of the repetition]; all random numbers follow from it.
        sampling: SamplingSettings; features: PixelFeatures, or None for none.
        fitted: how many of the clips, drawn at random, the second examiner sees, too.
        bar: told of each batch done, or None.
    """
    seed, *place = key
    cases = draw_cases(combinations, count, np.random.default_rng([seed, PROMPTS, *place]))
    rng_real, rng_reference = (np.random.default_rng([seed, stream, *place]) for stream in (REAL, REFERENCE))
    rng_fitted = np.random.default_rng([seed, FITTED, *place])
    others = next_on_circle(cases.attributes, rng_fitted)
    chosen = np.sort(rng_fitted.choice(count, min(fitted, count), replace=False))
    measured = []
    for start, part in zip(range(0, count, BATCH), batches(cases), strict=True):
        started = time.perf_counter()
        made = make(model, part, sampling)                      # N, F, H, W, 3
        seconds = time.perf_counter() - started
        real = draw_real(part.attributes, rng_real, model.settings)      # N, F, H, W, 3
        reference = draw_real(part.attributes, rng_reference, model.settings)  # N, F, H, W, 3
        clips = {"made": made, "real": real, "reference": reference, "codec": model.codec.reconstruct(real)}
        here = chosen[(chosen >= start) & (chosen < start + len(made))] - start
        shown = {kind: kind_of_clips[here] for kind, kind_of_clips in clips.items()}
        asked, other = ([names[n] for n in start + here] for names in (cases.attributes, others))
        examined = examine_batch(shown, asked, other, model.settings.codec.patch) if here.size else {}
        measured.append(measure_batch(part.attributes, clips, model.settings, seed, features, examined, seconds))
        if bar is not None:
            bar.update(len(made))
    return Measured.together(measured)


def measure_batch(attributes, clips, settings, seed, features, examined, seconds):
    """Measures clips "made", "real", "reference" and "codec" (N, F, H, W, 3) of the same attributes: a Measured."""
    readings = verify_batch(clips["made"])
    kinds = ("made", "real", "reference")
    pools = {a: training_clips(a, seed, settings) for a in dict.fromkeys(attributes) if a in TRAINED_ON}
    return Measured(
        attributes=attributes,
        readings=readings,
        made=judge(readings, attributes),
        real=judge(verify_batch(clips["real"]), attributes),
        codec=judge(verify_batch(clips["codec"]), attributes),
        codec_error=mse(clips["codec"], clips["real"]),
        features={kind: features(clips[kind]) for kind in kinds} if features else {},
        nearest={kind: nearest_distances(clips[kind], attributes, pools) for kind in kinds[:2]},
        examined=examined,
        seconds=seconds,
    )


def nearest_distances(clips, attributes, pools):
    """Distance from each clip to the nearest one of its combination in a pool.

    The differences themselves are squared, not expanded into products, so that a copy is at exactly 0.

    Args:
        clips: (N, F, H, W, 3), attributes: N Attributes, those of a kind next to each other or not.
        pools: Attributes -> (clips of the pool, F, H, W, 3).
    Returns:
        (n,), root mean squared error of a pixel value, of the n clips whose combination has a pool.
    """
    distances = []
    for combination, pool in pools.items():
        own = clips[[a == combination for a in attributes]]     # n, F, H, W, 3
        difference = (own[:, None] - pool).reshape(len(own), len(pool), -1)  # n, pool, values of a clip
        squares = np.vecdot(difference, difference) / difference.shape[-1]  # n, pool
        distances.append(np.sqrt(squares.min(axis=1)))          # n
    return np.concatenate([np.zeros(0, clips.dtype), *distances])
