import numpy as np
import pytest

from minidit.diffusion import sample_times
from minidit.diffusion.reflow import reflow_times, teacher_latents


def euler_by_hand(model, ids, noise, steps, given=None, known=None):
    """The guided sampler of a network that predicts data, written out clip by clip."""
    guidance, shift = model.settings.guidance, model.settings.shift
    even = np.arange(steps + 1) / steps
    times = even / (even + shift * (1 - even))
    made = []
    for n, x in enumerate(noise):
        for t, s in zip(times, times[1:], strict=False):
            clean = np.zeros(x.shape[:3], bool) if known is None else known[n]
            seen = x if known is None else np.where(clean[..., None], given[n], x)
            options = {} if known is None else {"known": clean[None]}
            with_prompt, without = (
                model.dit.forward(seen[None], np.array([1000 * t], np.float32), row[None], **options)[0][0]
                for row in (ids[n], ids[-1])
            )
            data = without + guidance * (with_prompt - without)
            x = x + (s - t) * (data - x) / (1 - t)
        made.append(x if known is None else np.where(known[n][..., None], given[n], x))
    return np.array(made)


def drawn(model, rng, count=3):
    ids = model.tokenizer.encode(["a red circle moves right in the day sky", "", "the night sky", ""])
    return ids, rng.standard_normal((count, *model.settings.latent_shape), dtype=np.float32)


@pytest.mark.parametrize("steps", [1, 3])
def test_the_teacher_goes_from_the_noise_by_guided_euler_steps(steps, tiny_model, rng):
    ids, noise = drawn(tiny_model, rng)
    made = teacher_latents(tiny_model, ids, noise, steps)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, euler_by_hand(tiny_model, ids, noise, steps), rtol=1e-3, atol=1e-4)


def test_the_teacher_completes_what_is_given_and_leaves_it_as_it_is(tiny_marked_model, rng):
    ids, noise = drawn(tiny_marked_model, rng)
    given = rng.standard_normal(noise.shape, dtype=np.float32)
    known = rng.random(noise.shape[:-1]) < 0.3
    made = teacher_latents(tiny_marked_model, ids, noise, 3, given, known)
    assert np.array_equal(made[known], given[known])
    expected = euler_by_hand(tiny_marked_model, ids, noise, 3, given, known)
    np.testing.assert_allclose(made, expected, rtol=1e-3, atol=1e-4)
    assert not np.allclose(made[~known], teacher_latents(tiny_marked_model, ids, noise, 3)[~known], atol=1e-2)


def test_a_share_of_the_times_is_exactly_that_of_the_noise(rng):
    times = reflow_times(rng, 20_000, 0.25, -1.8, 1.0)
    assert times.dtype == np.float32
    assert 0.24 < (times == 0).mean() < 0.26
    others = times[times > 0]
    logits = np.log(others / (1 - others))
    assert logits.mean() == pytest.approx(-1.8, abs=0.03) and logits.std() == pytest.approx(1.0, abs=0.03)


def test_without_such_a_share_the_times_are_those_of_training():
    times, usual = reflow_times(np.random.default_rng(1), 9, 0.0, -1.8, 1.0), np.random.default_rng(1)
    assert np.array_equal(times, sample_times(usual, 9, -1.8, 1.0))
