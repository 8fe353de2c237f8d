"""How much of the world's variety clips show: where objects start, how fast and large they are, how bright the sky is.

Prompts say nothing about these, so a model has to draw them at random. Compare only clips with the same prompts: where
an object can start depends on where it goes.
"""

import numpy as np

from minidit.evaluation.intervals import bootstrap_interval
from minidit.evaluation.paths import length
from minidit.world import SHAPES, verify_batch
from minidit.world.measuring import find_sky, in_chunks
from minidit.world.renderer import scale_of, sky_gradients
from minidit.world.shapes import AREAS
from minidit.world.tracing import trace

QUANTITIES = ("x", "y", "speed", "size", "brightness")
BINS = 12                  # of each quantity
GRID = 6                   # bins of x and of y, for the place as a whole


def quantities(clips):
    """Measures what the prompt of a clip leaves open.

    Args:
        clips: (N, F, H, W, 3).
    Returns:
        dict of (N,): "x" and "y" of the centre in the first frame, as a share of the frame's width and height;
        "speed", the distance of the last centre from the first, and "size", the radius, both in pixels of a 16-pixel
        frame; "brightness", what is added to the sky. NaN where there is no object, and for the speed of a picture.
    """
    clips = np.asarray(clips)
    frames, rows, columns = clips.shape[1:4]
    scale = scale_of((rows, columns))
    measured = trace(clips)
    path = np.stack([measured.x, measured.y], axis=-1)         # N, F, 2
    shapes = [reading.shape for reading in verify_batch(clips)]
    unit_area = np.array([AREAS[SHAPES.index(shape)] if shape else np.nan for shape in shapes])  # N
    largest = np.fmax.reduce(measured.area, axis=1)            # N
    travel = length(path[:, -1] - path[:, 0]) if frames > 1 else np.full(len(clips), np.nan)  # N
    return {
        "x": path[:, 0, 0] / (columns - 1),
        "y": path[:, 0, 1] / (rows - 1),
        "speed": travel / scale,
        "size": np.sqrt(largest / unit_area) / scale,
        "brightness": np.concatenate([np.empty(0, np.float32), *map(_brightness, in_chunks(clips))]),
    }


def _brightness(pixels):
    sky, backdrop, _ = find_sky(pixels)                        # N; 3, N, 1, H, 1
    added = np.moveaxis(backdrop[:, :, 0, :, 0], 0, -1) - sky_gradients(pixels.shape[-2])[sky]  # N, H, 3
    return added.mean(axis=(1, 2))


def bin_coverage(samples, real, bins=BINS):
    """Share of the bins with a real clip in them that also hold a sample.

    The bins have equal width between the least and the greatest real value, along every axis. Samples beyond are in no
    bin.

    Args:
        samples: (S,) or (S, D), real: (R,) or (R, D), without NaN; bins: number along each axis.
    """
    return _share_filled(*_binned(samples, real, bins))


def _binned(samples, real, bins):
    """The bin of each sample (S,), -1 for one beyond, and the bins that have a real clip in them, flat bools."""
    samples, real = (values[:, None] if values.ndim == 1 else values for values in map(np.asarray, (samples, real)))
    counts, edges = np.histogramdd(real, bins=bins)            # bins, ..., bins; D of bins + 1
    places = np.empty(samples.shape, dtype=int)                # S, D
    for axis, edge in enumerate(edges):
        places[:, axis] = np.searchsorted(edge, samples[:, axis], side="right") - 1
        places[samples[:, axis] == edge[-1], axis] = bins - 1  # the last bin has both of its edges
    inside = ((places >= 0) & (places < bins)).all(axis=1)     # S
    numbers = np.full(len(samples), -1)                        # S
    numbers[inside] = np.ravel_multi_index(places[inside].T, counts.shape)
    return numbers, counts.ravel() > 0


def _share_filled(numbers, occupied):
    filled = np.zeros(occupied.size + 1, dtype=bool)           # the last for number -1
    filled[numbers] = True
    return float(filled[:-1][occupied].mean())


def ks_distance(a, b):
    """Kolmogorov-Smirnov distance: the greatest difference between the two cumulative distributions, 0 to 1.

    Args:
        a: (A,), b: (B,), without NaN.
    Raises:
        ValueError: one of them is empty.
    Source: Smirnov 1948.
    """
    if not len(a) or not len(b):
        raise ValueError(f"two distributions are needed, but there are {len(a)} and {len(b)} values")
    both = np.sort(np.concatenate([a, b]))                     # A + B    faster to look up in order
    below = [np.searchsorted(np.sort(values), both, side="right") / len(values) for values in (a, b)]
    return float(np.abs(below[0] - below[1]).max())


def variety(samples, real, rng=None):
    """Compares made clips with real ones of the same prompts.

    Even real clips don't cover all bins of other real clips, and their distance isn't 0: compare with
    `variety(more_real, real)` of an equal number of clips.

    Args:
        samples, real: dicts from `quantities`. rng: np.random.Generator; by default one that always draws the same.
    Returns:
        dict of "place" (x and y together) and each of QUANTITIES, without those that can't be measured in any sample
        or any real clip, to a dict of "coverage" (see `bin_coverage`), "coverage_interval", "clips" (of the samples);
        and for single quantities "ks" and "ks_interval". Intervals are 95 %, by bootstrap. Clips drawn again never
        fill more bins, so those of the coverage err on the low side.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    result, places = {}, [_places(values) for values in (samples, real)]
    if all(map(len, places)):
        result["place"] = _covered(*places, GRID, rng)
    for name in QUANTITIES:
        made, true = (values[name][~np.isnan(values[name])] for values in (samples, real))
        if not made.size or not true.size:
            continue
        interval = bootstrap_interval(ks_distance, made, true, rng=rng, paired=False, basic=True)
        result[name] = _covered(made, true, BINS, rng) | {
            "ks": ks_distance(made, true),
            "ks_interval": np.clip(interval, 0.0, 1.0).tolist(),
        }
    return result


def _places(values):
    places = np.stack([values["x"], values["y"]], axis=-1)     # N, 2
    return places[~np.isnan(places).any(axis=1)]


def _covered(samples, real, bins, rng):
    numbers, occupied = _binned(samples, real, bins)
    return {
        "coverage": _share_filled(numbers, occupied),
        "coverage_interval": bootstrap_interval(lambda drawn: _share_filled(drawn, occupied), numbers, rng=rng),
        "clips": len(samples),
    }
