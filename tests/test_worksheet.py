"""The published values, the arithmetic again in plain loops, and every gradient against exact differences."""

from dataclasses import fields, replace
from fractions import Fraction

import numpy as np
import pytest

from minidit import worksheet
from minidit.errors import UserError

LEARNED = (
    "conditioning_weight",
    "conditioning_bias",
    "query_weight",
    "key_weight",
    "feed_forward_weight",
    "feed_forward_bias",
)
# The seven-point central difference is exact for polynomials up to degree 6, as the loss is in every entry:
# scale and shift enter the attention twice and the pooling once, and the loss squares the result.
STENCIL = {1: Fraction(3, 4), 2: Fraction(-3, 20), 3: Fraction(1, 60)}


@pytest.fixture(scope="module")
def sheet():
    return worksheet.solve()


def numbers(array):
    return array.ravel().tolist()


# ------------------------------------------------------------------------------------------- published values


def test_the_prompt_becomes_the_published_numbers(sheet):
    assert sheet.prompt == "sora is sky"
    assert numbers(sheet.text) == [0, 1, -1]


def test_t_is_three_and_its_binary_digits_are_published(sheet):
    assert sheet.t == 3
    assert numbers(sheet.time) == [1, 1]


def test_the_joined_condition_has_five_numbers(sheet):
    assert numbers(sheet.condition) == [0, 1, -1, 1, 1]


def test_the_conditioning_layer_gives_the_published_scale_and_shift(sheet):
    assert numbers(sheet.scale) == [2, -1]
    assert numbers(sheet.shift) == [-1, 5]


# ----------------------------------------------------------------------- the forward, with plain Python loops


def times(a, b):
    return [[sum(a[i][k] * b[k][j] for k in range(len(b))) for j in range(len(b[0]))] for i in range(len(a))]


def plus_column(a, column):
    return [[value + column[i][0] for value in row] for i, row in enumerate(a)]


def relu(a):
    return [[value if value > 0 else 0 for value in row] for row in a]


def transpose(a):
    return [[row[j] for row in a] for j in range(len(a[0]))]


def test_every_forward_value_equals_one_computed_with_plain_loops(sheet):
    w = {field.name: getattr(sheet.weights, field.name).tolist() for field in fields(sheet.weights)}
    video, noise = sheet.video.tolist(), sheet.noise.tolist()
    columns = []
    for frame in video:
        for left in (0, 2):
            columns.append([frame[0][left], frame[0][left + 1], frame[1][left], frame[1][left + 1]])
    patches = transpose(columns)
    assert sheet.patches.tolist() == patches
    before = plus_column(times(w["encoder_weight"], patches), w["encoder_bias"])
    assert sheet.encoder_before_relu.tolist() == before
    latent = relu(before)
    assert sheet.latent.tolist() == latent
    noised = [[latent[i][j] + noise[i][j] for j in range(4)] for i in range(2)]
    assert sheet.noised.tolist() == noised
    condition = [[0], [1], [-1], [1], [1]]
    both = plus_column(times(w["conditioning_weight"], condition), w["conditioning_bias"])
    assert sheet.scale.tolist() + sheet.shift.tolist() == both
    conditioned = [[both[i][0] * value + both[i + 2][0] for value in noised[i]] for i in range(2)]
    assert sheet.conditioned.tolist() == conditioned
    queries, keys = times(w["query_weight"], conditioned), times(w["key_weight"], conditioned)
    assert sheet.queries.tolist() == queries
    assert sheet.keys.tolist() == keys
    attention = [[sum(keys[d][i] * queries[d][j] for d in range(2)) for j in range(4)] for i in range(4)]
    assert sheet.attention.tolist() == attention
    pooled = times(conditioned, attention)
    assert sheet.pooled.tolist() == pooled
    predicted = plus_column(times(w["feed_forward_weight"], pooled), w["feed_forward_bias"])
    assert sheet.predicted.tolist() == predicted
    error = [[predicted[i][j] - noise[i][j] for j in range(4)] for i in range(2)]
    assert sheet.gradients.predicted.tolist() == error
    assert sheet.loss == Fraction(sum(value * value for row in error for value in row), 2)
    denoised = [[noised[i][j] - predicted[i][j] for j in range(4)] for i in range(2)]
    assert sheet.denoised.tolist() == denoised
    as_told = [[conditioned[i][j] - predicted[i][j] for j in range(4)] for i in range(2)]
    assert sheet.as_told.tolist() == as_told
    before = plus_column(times(w["decoder_weight"], denoised), w["decoder_bias"])
    assert sheet.decoder_before_relu.tolist() == before
    decoded = relu(before)
    assert sheet.decoded.tolist() == decoded
    generated = [
        [[decoded[2 * row + column % 2][2 * f + column // 2] for column in range(4)] for row in range(2)]
        for f in range(2)
    ]
    assert sheet.generated.tolist() == generated


def arrays(sheet):
    for part in (sheet, sheet.weights, sheet.gradients):
        for field in fields(part):
            value = getattr(part, field.name)
            if isinstance(value, np.ndarray):
                yield field.name, value


def test_every_matrix_is_int64_except_the_updated_ones_which_are_fractions(sheet):
    for name, value in arrays(sheet):
        if name.startswith("updated"):
            assert all(isinstance(entry, Fraction) for entry in numbers(value)), name
        else:
            assert value.dtype == np.int64, name


def test_the_numbers_stay_small_enough_for_a_pencil(sheet):
    for name, value in arrays(sheet):
        assert np.abs(value).max() <= 20, name


def test_relu_clips_something_in_the_encoder_and_in_the_decoder(sheet):
    assert (sheet.encoder_before_relu < 0).any()
    assert (sheet.decoder_before_relu < 0).any()


def test_the_noise_is_no_larger_than_four_minus_t(sheet):
    assert np.abs(sheet.noise).max() <= 4 - sheet.t


def test_all_four_patches_differ_at_every_step(sheet):
    for name in ("patches", "noised", "conditioned", "queries", "keys", "attention", "pooled", "decoded"):
        assert len({tuple(column) for column in getattr(sheet, name).T.tolist()}) == 4, name


# -------------------------------------------------------------------------------------------------- gradients


def loss_with(name, index, change):
    """The exact loss when one entry of one matrix is changed by an integer."""
    changed = getattr(worksheet.WEIGHTS, name).copy()
    changed[index] += change
    return worksheet.solve(weights=replace(worksheet.WEIGHTS, **{name: changed})).loss


def wrong_gradients():
    """The entries of the learned matrices where the hand-written gradient isn't the exact derivative."""
    gradients, wrong = worksheet.solve().gradients, []
    for name in LEARNED:
        gradient = getattr(gradients, name)
        assert gradient.shape == getattr(worksheet.WEIGHTS, name).shape
        for index in np.ndindex(gradient.shape):
            exact = sum(
                factor * (loss_with(name, index, step) - loss_with(name, index, -step))
                for step, factor in STENCIL.items()
            )
            if exact != int(gradient[index]):
                wrong.append(name)
    return sorted(set(wrong))


def test_every_gradient_of_a_learned_matrix_is_the_exact_derivative():
    assert wrong_gradients() == []


@pytest.mark.parametrize("t", [0, 1, 2])
def test_the_gradients_are_exact_for_other_inputs_too(t, rng, monkeypatch):
    given = {"t": t, "prompt": "sky is sora", "noise": rng.integers(-3, 4, size=(2, 4))}
    solve = worksheet.solve
    monkeypatch.setattr(worksheet, "solve", lambda **changes: solve(**given, **changes))
    assert wrong_gradients() == []


def test_every_learned_matrix_has_a_gradient_and_no_frozen_one_has(sheet):
    names = {field.name for field in fields(sheet.gradients)}
    for field in fields(sheet.weights):
        assert (field.name in names) == (field.name in LEARNED)
    for name in LEARNED:
        # The condition's first number is 0, so the first column of the conditioning weight has no say.
        gradient = getattr(sheet.gradients, name)
        assert (gradient[:, 1:] if name == "conditioning_weight" else gradient).all(), name


def slip_feed_forward(backward):
    def wrong(dpredicted, pooled, weight):
        dpooled, dweight, dbias = backward(dpredicted, pooled, weight)
        return weight @ dpredicted, dweight, dbias  # a missing transpose

    return wrong


def slip_bias(backward):
    def wrong(dpredicted, pooled, weight):
        dpooled, dweight, dbias = backward(dpredicted, pooled, weight)
        return dpooled, dweight, dbias // 2  # not the sum over patches

    return wrong


def slip_pool(backward):
    def wrong(dpooled, conditioned, attention):
        dconditioned, dattention = backward(dpooled, conditioned, attention)
        return 0 * dconditioned, dattention  # one of two ways forgotten

    return wrong


def slip_attention(backward):
    def wrong(dattention, *others):
        return backward(dattention.T, *others)  # keys and queries exchanged

    return wrong


def slip_apply(backward):
    def wrong(dconditioned, noised):
        dscale, dshift = backward(dconditioned, noised)
        return dshift, dscale

    return wrong


@pytest.mark.parametrize(
    "step, slip, shows_in",
    [
        ("step_11b_feed_forward", slip_feed_forward, "query_weight"),
        ("step_11b_feed_forward", slip_bias, "feed_forward_bias"),
        ("step_11c_pool", slip_pool, "conditioning_weight"),
        ("step_11d_self_attention", slip_attention, "key_weight"),
        ("step_11e_apply", slip_apply, "conditioning_bias"),
    ],
)
def test_the_exact_differences_catch_a_planted_mistake(step, slip, shows_in, monkeypatch):
    monkeypatch.setattr(worksheet, step, slip(getattr(worksheet, step)))
    assert shows_in in wrong_gradients()


def test_the_optimiser_step_is_exact_and_lowers_the_loss(sheet):
    for name, updated in (("weight", sheet.updated_weight), ("bias", sheet.updated_bias)):
        weight = getattr(sheet.weights, f"feed_forward_{name}")
        gradient = getattr(sheet.gradients, f"feed_forward_{name}")
        expected = [w - Fraction(g, 1000) for w, g in zip(numbers(weight), numbers(gradient), strict=True)]
        assert numbers(updated) == expected
    assert 0 < sheet.updated_loss < sheet.loss


# ----------------------------------------------------------------------------------------- denoise and decode


def test_the_prediction_is_close_to_the_noise_and_not_equal(sheet):
    error = np.abs(sheet.gradients.predicted)
    assert 0 < error.max() <= 2


def test_subtracting_the_noise_from_the_noised_latent_undoes_step_4_exactly(sheet):
    denoised, as_told = worksheet.step_12_denoise(sheet.noised, sheet.conditioned, sheet.noise)
    assert (denoised == sheet.latent).all()
    assert (as_told != sheet.latent).any()


def test_the_two_subtractions_differ_by_what_step_7_did_whatever_the_noise(sheet, rng):
    for noise in (sheet.predicted, sheet.noise, rng.integers(-9, 10, size=(2, 4))):
        denoised, as_told = worksheet.step_12_denoise(sheet.noised, sheet.conditioned, noise)
        assert (as_told - denoised == sheet.conditioned - sheet.noised).all()


def test_a_perfect_prediction_decodes_to_the_original_frames(sheet):
    assert (sheet.perfect_video == sheet.video).all()
    assert (sheet.as_told_video != sheet.video).any()
    assert (sheet.generated != sheet.video).any()


def test_step_14_undoes_step_2_for_any_even_size(rng):
    video = rng.integers(0, 10, size=(3, 4, 6))
    assert (worksheet.step_14_video(worksheet.step_2_patches(video), video.shape) == video).all()


# -------------------------------------------------------------------------------------------------- bad input


def test_patches_that_do_not_tile_a_frame_are_an_error():
    with pytest.raises(ValueError, match="3 x 4 pixels"):
        worksheet.step_2_patches(np.zeros((2, 3, 4), dtype=np.int64))


@pytest.mark.parametrize(
    "prompt, t, message",
    [
        ("sora is plaid", 3, "does not know the word 'plaid'.*sora, is, sky"),
        ("sora", 3, "was given 1 words"),
        ("sora is sky", 4, "t = 4"),
        ("sora is sky", -1, "t = -1"),
    ],
)
def test_a_condition_that_the_worksheet_cannot_write_is_a_clear_error(prompt, t, message):
    with pytest.raises(UserError, match=message):
        worksheet.step_5_conditions(prompt, t)


@pytest.mark.parametrize("t", range(4))
def test_two_binary_digits_hold_every_t(t):
    _, time, _ = worksheet.step_5_conditions("sora is sky", t)
    assert 2 * time[0, 0] + time[1, 0] == t


def test_nobody_can_change_the_given_matrices_by_accident():
    with pytest.raises(ValueError, match="read-only"):
        worksheet.WEIGHTS.query_weight[0, 0] = 7
