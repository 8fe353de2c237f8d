import importlib
import json
from functools import partial

import numpy as np
import pytest

from minidit.evaluation.variety import QUANTITIES, bin_coverage, ks_distance, quantities, variety
from minidit.world import ALL_ATTRIBUTES, PICTURES, PLAIN_SKIES, SHAPES, Attributes, render_batch
from minidit.world.renderer import BRIGHTNESS, RADIUS, TRAVEL, render_paths

MOVING = [attributes for attributes in ALL_ATTRIBUTES if attributes.motion in ("left", "right")]


@pytest.fixture(autouse=True)
def few_repeats(monkeypatch):
    """A bootstrap that is over soon."""
    module = importlib.import_module("minidit.evaluation.variety")  # the package has a function of that name
    monkeypatch.setattr(module, "bootstrap_interval", partial(module.bootstrap_interval, repeats=300))


@pytest.mark.parametrize("size", [(24, 24), (32, 48)])
def test_what_a_clip_was_drawn_with_is_measured(size, rng):
    scale, count = min(size) / 16, len(SHAPES)
    attributes = [Attributes("yellow", shape, "right", "night") for shape in SHAPES]
    radius = np.linspace(*RADIUS, count, dtype=np.float32) * scale
    first = np.stack([np.linspace(0.35, 0.45, count) * size[1], np.linspace(0.4, 0.6, count) * size[0]], axis=-1)
    travel = np.linspace(*TRAVEL, count) * scale
    paths = first[:, None] + np.linspace(0, 1, 5)[:, None] * np.stack([travel, 0 * travel], axis=-1)[:, None]
    light = np.stack([np.linspace(0, 1, count), np.full(count, 0.5)], axis=-1)
    found = quantities(render_paths(attributes, paths.astype(np.float32), radius, light, size))
    assert found["x"] == pytest.approx(first[:, 0] / (size[1] - 1), abs=0.01)
    assert found["y"] == pytest.approx(first[:, 1] / (size[0] - 1), abs=0.01)
    assert found["speed"] == pytest.approx(travel / scale, abs=0.1)
    assert found["size"] == pytest.approx(radius / scale, abs=0.15)
    assert found["brightness"] == pytest.approx(np.linspace(*BRIGHTNESS, count), abs=0.005)


def test_what_is_not_there_is_unknown(rng):
    sky = quantities(render_batch(PLAIN_SKIES, rng, 24, 3))
    assert all(np.isnan(sky[name]).all() for name in ("x", "y", "speed", "size"))
    assert not np.isnan(sky["brightness"]).any()
    picture = quantities(render_batch(PICTURES[:4], rng, 24, 1))
    assert np.isnan(picture["speed"]).all()
    assert not np.isnan(picture["x"] + picture["size"]).any()
    none = quantities(np.zeros((0, 3, 24, 24, 3)))
    assert all(none[name].shape == (0,) for name in QUANTITIES)


def test_the_distance_of_two_distributions(rng):
    assert ks_distance([1, 2, 3], [1, 2, 3]) == 0
    assert ks_distance([1, 2, 3], [4, 5]) == ks_distance([4, 5], [1, 2, 3]) == 1
    assert ks_distance([1, 2], [2, 3]) == 0.5
    assert ks_distance([1, 1, 2], [1, 2, 2]) == pytest.approx(1 / 3)
    assert ks_distance([5, 1, 4, 2], [3, 6]) == 0.5  # out of order; up to 2 there are 2 / 4 and none
    assert ks_distance(rng.random(20000), 0.25 + rng.random(20000)) == pytest.approx(0.25, abs=0.02)


def test_the_distance_to_nothing_is_refused():
    with pytest.raises(ValueError, match="0 and 2 values"):
        ks_distance([], [1, 2])


def test_bins_of_real_clips_that_samples_cover():
    real = np.linspace(0, 1, 50)
    assert bin_coverage(real[::3], real, 10) == 1
    assert bin_coverage(real[real < 0.5], real, 10) == 0.5
    assert bin_coverage([0.55], real, 10) == 0.1
    assert bin_coverage([-3.0, 7.0], real, 10) == bin_coverage([], real, 10) == 0
    assert bin_coverage([0.0, 1.0], real, 10) == 0.2  # the least and the greatest count
    gap = np.concatenate([real[real < 0.2], real[real > 0.8]])
    assert bin_coverage([0.5], gap, 10) == 0  # no real clip has this
    assert bin_coverage([0.05], gap, 10) == 0.25


def test_places_are_covered_in_both_directions_at_once():
    grid = np.stack(np.meshgrid(np.linspace(0, 1, 20), np.linspace(0, 1, 20)), axis=-1).reshape(-1, 2)
    diagonal = np.stack([np.linspace(0, 1, 20)] * 2, axis=-1)
    assert bin_coverage(grid[::2], grid, 5) == 1
    assert bin_coverage(diagonal, grid, 5) == 0.2
    assert bin_coverage(diagonal + (0, 2), grid, 5) == 0  # beyond in one direction


def test_bins_are_those_of_a_histogram(rng):
    real, samples = rng.integers(7, size=(40, 2)) / 6, rng.integers(-2, 9, size=(15, 2)) / 6
    span = list(zip(real.min(axis=0), real.max(axis=0), strict=True))
    filled, occupied = (np.histogramdd(values, bins=6, range=span)[0] > 0 for values in (samples, real))
    assert 0 < bin_coverage(samples, real, 6) == filled[occupied].mean() < 1


def drawn(rng, count=400):
    return {name: rng.random(count) for name in QUANTITIES}


def test_as_much_variety_as_the_world(rng):
    result = variety(drawn(rng), drawn(rng))
    assert set(result) == {"place", *QUANTITIES}
    for name in QUANTITIES:
        assert result[name]["coverage"] == 1 and result[name]["ks"] < 0.12 and result[name]["clips"] == 400
        assert result[name]["ks_interval"][0] <= 0.05
    assert result["place"]["coverage"] == 1


@pytest.mark.parametrize("name", QUANTITIES)
def test_a_quantity_without_variety_is_found(name, rng):
    samples, real = drawn(rng), drawn(rng)
    samples[name] = 0.4 + 0.2 * samples[name]
    result = variety(samples, real)
    for quantity in QUANTITIES:
        assert (result[quantity]["coverage"] < 0.35) == (result[quantity]["ks"] > 0.3) == (quantity == name)
    assert result[name]["ks_interval"][0] > 0.3
    assert result[name]["coverage_interval"][1] < 0.35
    assert (result["place"]["coverage"] < 0.4) == (name in ("x", "y"))


def test_places_that_depend_on_each_other_are_found(rng):
    samples = drawn(rng)
    samples["y"] = samples["x"].copy()
    result = variety(samples, drawn(rng))
    assert result["x"]["coverage"] == result["y"]["coverage"] == 1
    assert result["place"]["coverage"] < 0.5


def test_unknown_values_are_left_out_and_counted(rng):
    samples, real = drawn(rng), drawn(rng)
    samples["x"][:100] = np.nan
    samples["speed"][:] = np.nan
    result = variety(samples, real)
    assert result["x"]["clips"] == result["place"]["clips"] == 300
    assert "speed" not in result


def test_clips_without_any_object_have_only_a_sky_to_compare(rng):
    sky = quantities(render_batch(PLAIN_SKIES, rng, 16, 2))
    real = quantities(render_batch(MOVING[:6], rng, 16, 2))
    assert set(variety(sky, real)) == set(variety(real, sky)) == {"brightness"}


def test_the_interval_of_a_distance_lies_between_0_and_1(rng):
    same, far = drawn(rng, 30), drawn(rng, 30)
    far["x"] += 2
    assert variety(same, same)["x"]["ks_interval"] == [0, 0]  # reflected, it would end below 0
    assert variety(far, same)["x"]["ks_interval"] == [1, 1]
    for found in variety(drawn(rng, 30), same).values():
        for name in {"coverage_interval", "ks_interval"} & set(found):
            low, high = found[name]
            assert 0 <= low <= high <= 1


def test_a_result_can_be_kept_as_json_and_comes_again(rng):
    samples, real = drawn(rng, 20), drawn(rng, 20)
    result = variety(samples, real)
    assert json.loads(json.dumps(result, allow_nan=False)) == result == variety(samples, real)
    assert variety(samples, real, np.random.default_rng(1)) != result


def test_real_clips_cover_real_clips_and_frozen_ones_do_not(rng):
    attributes = [MOVING[n] for n in rng.integers(len(MOVING), size=240)]
    real, more = (quantities(render_batch(attributes, rng, 16, 3)) for _ in range(2))
    again = variety(more, real)
    for name in QUANTITIES:
        assert again[name]["coverage"] > 0.8 and again[name]["ks"] < 0.2
    same = [np.random.default_rng(0) for _ in attributes]
    frozen = np.concatenate([render_batch([a], r, 16, 3) for a, r in zip(attributes, same, strict=True)])
    result = variety(quantities(frozen), real)
    for name in QUANTITIES:
        assert result[name]["coverage"] < 0.6 and result[name]["ks"] > 0.2
