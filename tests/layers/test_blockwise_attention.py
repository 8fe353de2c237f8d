import tracemalloc

import numpy as np
import pytest

from minidit.layers import (
    attention_backward,
    attention_forward,
    blockwise_attention_backward,
    blockwise_attention_forward,
)

MASK = np.array([[True, False, True, True], [True, True, False, False]])  # B = 2, T = 4


@pytest.mark.parametrize("mask", [None, MASK])
def test_attention_in_blocks_is_attention(rng, monkeypatch, mask):
    # Three queries in a block, so that the last of the four has one to itself.
    monkeypatch.setattr("minidit.layers.blockwise_attention.BLOCK_SCORES", 3 * 3 * 4)
    q, k, v, dy = rng.normal(size=(4, 2, 3, 4, 5))
    y, cache = attention_forward(q, k, v, mask)
    block_y, block_cache = blockwise_attention_forward(q, k, v, mask)
    np.testing.assert_allclose(block_y, y, rtol=1e-12, atol=1e-14)
    gradients, block_gradients = attention_backward(dy, cache), blockwise_attention_backward(dy, block_cache)
    for block_gradient, gradient in zip(block_gradients, gradients, strict=True):
        np.testing.assert_allclose(block_gradient, gradient, rtol=1e-11, atol=1e-13)


def test_in_blocks_no_array_is_as_large_as_all_the_scores(rng, monkeypatch):
    monkeypatch.setattr("minidit.layers.blockwise_attention.BLOCK_SCORES", 2**15)
    q, k, v, dy = rng.standard_normal((4, 2, 1, 1024, 4), dtype=np.float32)
    scores = 4 * 2 * 1024 * 1024  # bytes

    def peak(forward, backward):
        tracemalloc.start()
        y, cache = forward(q, k, v)
        backward(dy, cache)
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    assert peak(attention_forward, attention_backward) > scores
    assert peak(blockwise_attention_forward, blockwise_attention_backward) < scores / 10
