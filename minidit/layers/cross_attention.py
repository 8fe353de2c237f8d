"""Cross-attention: the tokens of the clip ask, the words of the prompt answer."""

from minidit.backend import array_module
from minidit.layers.attention import attention_backward, attention_forward
from minidit.layers.blockwise_attention import blockwise_attention_backward, blockwise_attention_forward
from minidit.layers.linear import linear_backward, linear_forward
from minidit.layers.multihead_attention import has_many_scores

# H = heads, T = tokens, L = words, D = width of a token, W = width of a word, d = D / H = width of one head


def cross_attention_forward(x, words, w_q, b_q, w_kv, b_kv, w_out, b_out, num_heads, key_mask=None):
    """Multi-head attention with queries from the tokens, keys and values from the words.

    Args:
        x: (..., T, D) tokens.
        words: (..., L, W).
        w_q: (D, D), b_q: (D,).
        w_kv: (W, 2D); its columns are laid out as (2, H, d), keys first. b_kv: (2D,).
        w_out: (D, D), b_out: (D,).
        num_heads: H.
        key_mask: (..., L) bool or None; True = a word that may be attended to.
    Returns:
        y (..., T, D) and a cache for `cross_attention_backward`.
    Raises:
        ValueError: if D is not a multiple of H.
    Source: Vaswani et al. 2017, section 3.2.3; for prompts: Rombach et al. 2022, section 3.3.
    """
    if x.shape[-1] % num_heads:
        raise ValueError(f"width {x.shape[-1]} does not divide into {num_heads} heads")
    q, q_cache = linear_forward(x, w_q, b_q)        # ..., T, D
    kv, kv_cache = linear_forward(words, w_kv, b_kv)  # ..., L, 2D
    (q,), (k, v) = heads_of(q, 1, num_heads), heads_of(kv, 2, num_heads)  # ..., H, T, d and ..., H, L, d
    attend = blockwise_attention_forward if has_many_scores(q, k) else attention_forward
    h, attention_cache = attend(q, k, v, key_mask)  # ..., H, T, d
    y, out_cache = linear_forward(h.swapaxes(-3, -2).reshape(x.shape), w_out, b_out)  # ..., T, D
    return y, (q_cache, kv_cache, attention_cache, out_cache, num_heads)


def cross_attention_backward(dy, cache):
    """Returns dx (..., T, D), dwords (..., L, W), and dw_q, db_q, dw_kv, db_kv, dw_out, db_out."""
    q_cache, kv_cache, attention_cache, out_cache, num_heads = cache
    xp = array_module(dy)
    dh, dw_out, db_out = linear_backward(dy, out_cache)  # ..., T, D
    q, k, *_ = attention_cache
    dq = xp.empty_like(dh)                          # ..., T, D
    *leading, L, _ = k.swapaxes(-3, -2).shape[:-1]
    dkv = xp.empty((*leading, L, 2 * dh.shape[-1]), dh.dtype)  # ..., L, 2D    dk and dv side by side
    attend_backward = blockwise_attention_backward if has_many_scores(q, k) else attention_backward
    out = (*heads_of(dq, 1, num_heads), *heads_of(dkv, 2, num_heads))
    attend_backward(heads_of(dh, 1, num_heads)[0], attention_cache, out=out)
    dwords, dw_kv, db_kv = linear_backward(dkv, kv_cache)
    dx, dw_q, db_q = linear_backward(dq, q_cache)
    return dx, dwords, dw_q, db_q, dw_kv, db_kv, dw_out, db_out


def heads_of(x, parts, num_heads):
    """The heads of several things side by side, as views: (..., T, parts · D) -> a list of (..., H, T, d)."""
    *leading, T, width = x.shape
    split = x.reshape(*leading, T, parts, num_heads, width // (parts * num_heads))  # ..., T, parts, H, d
    return [split[..., i, :, :].swapaxes(-3, -2) for i in range(parts)]
