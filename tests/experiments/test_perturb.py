import numpy as np
import pytest

from minidit.experiments.perturb import changed, half, lost, mixed, noisy, rounded, whole_numbers, with_noise


@pytest.mark.parametrize("bits", [4, 6, 8])
def test_rounding_errs_by_at_most_half_a_level_of_each_output(bits, rng):
    weight = (rng.standard_normal((50, 3)) * (0.01, 1, 100)).astype(np.float32)
    error = np.abs(rounded(weight, bits) - weight).max(axis=0)
    level = np.abs(weight).max(axis=0) / (2 ** (bits - 1) - 1)
    assert (error <= level / 2 * (1 + 1e-5)).all()
    assert (error > level / 4).all()  # of 50 numbers one comes near the bound


def test_eight_bits_hold_255_values_and_the_largest_is_kept(rng):
    weight = rng.standard_normal((5000, 1)).astype(np.float32)
    found = rounded(weight, 8)
    levels = np.unique(np.round(found / (np.abs(weight).max() / 127)))
    assert len(levels) <= 255
    assert np.abs(levels).max() == 127
    assert np.abs(found).max() == pytest.approx(np.abs(weight).max())
    assert found.dtype == np.float32


def test_an_output_without_weights_stays_zero():
    assert (rounded(np.zeros((4, 2), np.float32), 8) == 0).all()


def test_a_model_is_changed_in_a_copy(tiny_model):
    before = tiny_model.dit.params.flat.copy()
    twin = changed(tiny_model, lambda array: 2 * array)
    assert (twin.dit.params.flat == 2 * before).all()
    assert (twin.codec.params.flat == 2 * tiny_model.codec.params.flat).all()
    assert (twin.codec.latent_std == tiny_model.codec.latent_std).all()
    assert (tiny_model.dit.params.flat == before).all()


def test_whole_numbers_leave_biases_alone_and_round_matrices(tiny_model):
    twin = changed(tiny_model, whole_numbers(4))
    same = {name: (array == twin.dit.params[name]).all() for name, array in tiny_model.dit.params.items()}
    assert {name.endswith(".bias") for name, equal in same.items() if equal} == {True}
    assert not any(equal for name, equal in same.items() if name.endswith(".weight"))


def test_float16_errs_by_a_two_thousandth():
    array = np.array([1 / 3, 100 / 3], np.float32)
    error = np.abs(half(array) - array) / array
    assert (0 < error).all() and (error < 2**-11).all()
    assert half(array).dtype == np.float32


def test_noise_is_relative_to_the_arrays_own_deviation(rng):
    array = 7 * rng.standard_normal(20_000, dtype=np.float32)
    added = noisy(0.1, rng)(array) - array
    assert added.std() == pytest.approx(0.7, rel=0.03)
    assert noisy(0.1, rng)(array).dtype == np.float32


@pytest.mark.parametrize("amount", [0.1, 0.5, 1])
def test_mixed_noise_stays_standard_normal(amount, rng):
    noise, other = rng.standard_normal((2, 50_000))
    found = mixed(noise, other, amount)
    assert found.std() == pytest.approx(1, rel=0.02)
    assert np.corrcoef(found, noise)[0, 1] == pytest.approx((1 - amount**2) ** 0.5, abs=0.02)


def test_latents_are_lost_as_often_as_asked(rng):
    clips = np.zeros((50, 8, 32, 16, 3))
    left = lost(clips, 0.25, rng, (1, 8, 8))
    assert left.shape == (50, 8, 4, 2)
    assert left.mean() == pytest.approx(0.75, abs=0.03)
    assert lost(clips, 0, rng, (1, 8, 8)).all()
    assert not lost(clips, 1, rng, (1, 8, 8)).any()


def test_noisy_clips_stay_visible(rng):
    clips = with_noise(np.full((2, 8, 16, 16, 3), 0.5, np.float32), 0.4, rng)
    assert 0 == clips.min() and clips.max() == 1
    assert clips.dtype == np.float32
