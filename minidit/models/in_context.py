"""The prompt's words and the time as more tokens behind those of the clip, dropped again before the final layer.

Source: Peebles & Xie 2023, section 3.2 (in-context conditioning).
"""

from minidit.backend import array_module

# B = batch, T = tokens of the clip, L = words, D = width, P = pairs of a head that positions turn


def with_context(h, c, around):
    """The time and the words join the tokens of the clip.

    Args:
        h: (B, T, D) tokens.
        c: (B, D) the condition, or (B, 2, D), of which the first is the sample's.
        around: Around, with the words (B, L, D).
    Returns:
        h (B, T + 1 + L, D), and the Around for it: absent words can't be attended to, and neither time nor words are
        turned or given.
    """
    xp = array_module(h)
    (B, T, _), L = h.shape, around.words.shape[1]
    token = c if c.ndim == 2 else c[:, 0]           # B, D
    h = xp.concatenate([h, token[:, None], around.words], axis=1)  # B, T + 1 + L, D
    clip_mask = xp.ones((B, T), bool) if around.key_mask is None else around.key_mask
    key_mask = xp.concatenate([clip_mask, xp.ones((B, 1), bool), around.words_mask], axis=1)  # B, T + 1 + L
    rotation, given = around.rotation, around.given
    if rotation is not None:
        cosines, sines = rotation
        still = (1 + L, cosines.shape[-1])
        cosines = xp.concatenate([cosines, xp.ones(still, cosines.dtype)])  # T + 1 + L, P
        rotation = cosines, xp.concatenate([sines, xp.zeros(still, sines.dtype)])
    if given is not None:
        given = xp.concatenate([given, xp.zeros((B, 1 + L), bool)], axis=1)  # B, T + 1 + L
    return h, around._replace(key_mask=key_mask, rotation=rotation, given=given, words=None, words_mask=None)


def with_context_backward(dh, dc, tokens):
    """Returns dh (B, T, D) of the first `tokens`, dc with what the time's token adds to it, and dwords (B, L, D)."""
    dtoken = dh[:, tokens]                          # B, D
    if dc.ndim == 2:
        dc = dc + dtoken
    else:
        dc = dc.copy()
        dc[:, 0] += dtoken
    return dh[:, :tokens], dc, dh[:, tokens + 1 :]


def without_context(h, tokens):
    """The first `tokens` of a sequence, in an array of their own."""
    return array_module(h).ascontiguousarray(h[:, :tokens])


def without_context_backward(dh, words):
    """Returns dh (B, T + 1 + L, D), for L words: what was dropped has no gradient."""
    xp = array_module(dh)
    dropped = xp.zeros((len(dh), 1 + words, dh.shape[-1]), dh.dtype)
    return xp.concatenate([dh, dropped], axis=1)
