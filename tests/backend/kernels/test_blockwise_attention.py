import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from minidit.backend.kernels import blockwise_attention as kernels
from minidit.layers.multihead_attention import split_heads

sys.path.append(str(Path(__file__).parent))  # the tests are not a package
from agreement import SEEDS, assert_agreement, assert_same_bits, normal, to_device
from attention_cases import attention, attention_between_projections

PAIR = kernels.blockwise_attention_forward, kernels.blockwise_attention_backward
case_of, case_between_projections = partial(attention, PAIR), partial(attention_between_projections, PAIR)

# A tile is of 32 tokens, or of 16 where heads are wider than 84.
CASES = {
    "one token more than a tile, and than two": case_of(2, 2, 33, 8, S=65, masked=True),
    "one token of one head": case_of(1, 1, 8, S=3),
    "tiles that are full": case_of(1, 2, 64, 8, S=32),
    "more queries than keys": case_of(2, 1, 70, 6, S=10, masked=True),
    "several axes of samples": case_of(2, 2, 1, 9, 6, masked=True),
    "no axis of samples": case_of(2, 40, 6, masked=True),
    "large scores": case_of(2, 1, 37, 8, S=70, times=30.0, masked=True),
    "between projections": case_between_projections(2, T=33, H=3, d=6),
    "between projections, masked": case_between_projections(3, T=40, H=2, d=8, masked=True),
    "between projections, several axes of samples": case_between_projections(2, 2, T=7, H=2, d=6, masked=True),
    "a head of one number": case_of(2, 1, 33, 1),
    "a head of 72": case_of(1, 1, 40, 72, S=33, masked=True),
    "the widest head of a large tile": case_of(1, 1, 33, 84),
    "the widest head": case_of(1, 2, 17, 128, S=33, masked=True),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_attention_in_tiles_agrees_with_float64(xp, case, seed):
    assert_agreement(case(xp, np.random.default_rng(seed)))


def test_the_order_of_the_threads_does_not_show_in_the_bits(xp):
    case = case_between_projections(2, T=40, H=3, d=8, masked=True)
    assert_same_bits(case(xp, np.random.default_rng(0)), case(xp, np.random.default_rng(0)))


def test_where_every_key_is_masked_output_and_gradients_are_zero(xp, rng):
    q, k, v, dy = to_device(xp, *normal(rng, *[(2, 3, 40, 8)] * 4))
    mask = xp.asarray(np.array([[True] * 40, [False] * 40]))
    y, cache = kernels.blockwise_attention_forward(q, k, v, mask)
    gradients = kernels.blockwise_attention_backward(dy, cache)
    for array in (y, *gradients):
        assert array[0].get().all() and not array[1].get().any()


def test_a_masked_key_has_no_say_and_gets_no_gradient_whatever_it_holds(xp, rng):
    q, k, v, dy = normal(rng, *[(1, 2, 40, 8)] * 4)
    mask = rng.random((1, 40)) < 0.5
    results = []
    for number in (0.0, 1e18):
        k[:, :, ~mask[0]] = number
        on_device = to_device(xp, q, k, v, dy)
        y, cache = kernels.blockwise_attention_forward(*on_device[:3], xp.asarray(mask))
        dq, dk, dv = kernels.blockwise_attention_backward(on_device[3], cache)
        assert not dk.get()[:, :, ~mask[0]].any() and not dv.get()[:, :, ~mask[0]].any()
        results.append([array.get() for array in (y, dq, dk, dv)])
    for small, large in zip(*results, strict=True):
        np.testing.assert_array_equal(small, large)


def test_joining_the_heads_of_the_output_copies_nothing(xp, rng):
    y, _ = kernels.blockwise_attention_forward(*to_device(xp, *normal(rng, *[(2, 3, 4, 8)] * 3)))
    assert y.swapaxes(-3, -2).flags.c_contiguous


def test_all_that_is_read_and_written_is_less_than_the_weights_would_take(xp, rng):
    qkv, dy = to_device(xp, *normal(rng, (1, 128, 3 * 8), (1, 1, 128, 8)))
    with xp.count() as counted:
        _, cache = kernels.blockwise_attention_forward(*split_heads(qkv, 1))
        kernels.blockwise_attention_backward(dy, cache, out=split_heads(xp.empty_like(qkv), 1))
    assert [launch.name for launch in counted.launches] == ["flash_forward", "mean_gains", "flash_dq", "flash_dk_dv"]
    assert all(launch.bytes_read + launch.bytes_written < 4 * 128 * 128 for launch in counted.launches)


def test_only_one_number_a_query_is_kept_beside_inputs_and_output(xp, rng):
    q, k, v = to_device(xp, *normal(rng, *[(2, 3, 40, 8)] * 3))
    y, cache = kernels.blockwise_attention_forward(q, k, v)
    assert [array.size for array in cache if not any(array is known for known in (q, k, v, y, None))] == [2 * 3 * 40]


@pytest.mark.parametrize("views", [lambda x: x[:, :, ::-1], lambda x: x.swapaxes(0, 1), lambda x: x[..., ::-1]])
def test_views_of_any_kind_are_read_and_written(xp, rng, views):
    q, k, v, dy = (views(x) for x in to_device(xp, *normal(rng, *[(2, 2, 9, 8)] * 4)))
    out = [views(xp.empty((2, 2, 9, 8), np.float32)) for _ in range(3)]
    y, cache = kernels.blockwise_attention_forward(q, k, v)
    written = kernels.blockwise_attention_backward(dy, cache, out=out)
    plain_y, plain_cache = kernels.blockwise_attention_forward(*map(xp.ascontiguousarray, (q, k, v)))
    plain = kernels.blockwise_attention_backward(xp.ascontiguousarray(dy), plain_cache)
    assert all(got is wanted for got, wanted in zip(written, out, strict=True))
    for got, expected in zip((y, *written), (plain_y, *plain), strict=True):
        np.testing.assert_array_equal(got.get(), expected.get())


def test_samples_at_uneven_distances_are_read_and_written(xp, rng):
    arrays = to_device(xp, *normal(rng, *[(2, 4, 1, 9, 8)] * 4))
    q, k, v, dy = (x[:, ::3] for x in arrays)
    out = [x[:, ::3] for x in to_device(xp, *normal(rng, *[(2, 4, 1, 9, 8)] * 3))]
    _, cache = kernels.blockwise_attention_forward(q, k, v)
    kernels.blockwise_attention_backward(dy, cache, out=out)
    _, plain_cache = kernels.blockwise_attention_forward(*map(xp.ascontiguousarray, (q, k, v)))
    plain = kernels.blockwise_attention_backward(xp.ascontiguousarray(dy), plain_cache)
    for got, expected in zip(out, plain, strict=True):
        np.testing.assert_array_equal(got.get(), expected.get())


def test_gradients_are_written_where_they_are_wanted(xp, rng):
    q, k, v, dy = to_device(xp, *normal(rng, *[(2, 3, 4, 8)] * 4))
    _, cache = kernels.blockwise_attention_forward(q, k, v)
    out = split_heads(xp.empty((2, 4, 3 * 24), np.float32), 3)
    for got, wanted in zip(kernels.blockwise_attention_backward(dy, cache, out=out), out, strict=True):
        assert got is wanted


def test_the_shared_memory_of_a_block_suffices_for_every_width():
    for d in range(1, kernels.WIDEST + 1):
        tile = kernels.tile(d)
        row = 4 * (-(-d // 4) | 1)  # numbers of a row: whole fours, and an odd count of them
        assert 4 * (4 * tile * row + tile * (tile + 8)) <= 48 * 1024


def test_shapes_that_the_kernel_would_misread_are_refused(xp, rng):
    q, k, v, wide = to_device(xp, *normal(rng, (2, 3, 4, 8), (2, 3, 6, 8), (2, 3, 7, 8), (2, 3, 4, 129)))
    with pytest.raises(ValueError, match=r"v has shape \(2, 3, 7, 8\), not \(2, 3, 6, 8\)"):
        kernels.blockwise_attention_forward(q, k, v)
    with pytest.raises(ValueError, match=r"key_mask has shape \(2, 4\), not \(2, 6\)"):
        kernels.blockwise_attention_forward(q, k, k, xp.ones((2, 4), bool))
    with pytest.raises(ValueError, match="the heads are 129 wide, .* up to 128 on a GPU"):
        kernels.blockwise_attention_forward(wide, wide, wide)
    _, cache = kernels.blockwise_attention_forward(q, k, k)
    with pytest.raises(ValueError, match=r"dy has shape \(2, 3, 6, 8\), not \(2, 3, 4, 8\)"):
        kernels.blockwise_attention_backward(k, cache)
