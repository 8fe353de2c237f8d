"""Launches flash_attention.cu: attention over many tokens, with only one tile of the weights at a time."""

from minidit.backend import array_module, empty_like_queries
from minidit.backend.kernels.grids import ceil_div, distance, evenly_spaced, expect
from minidit.backend.kernels.launch import launch

# H = heads, T = tokens that ask, S = tokens that are asked, d = width of one head

FILE = "flash_attention.cu"
THREADS = 128
WARP = 32
WIDEST = 128  # head
# The side of a square tile. The backward holds four times this many rows of d numbers in shared memory, beside a tile
# of weights; a block has 48 KB.
TILE, SMALL_TILE = 32, 16
WIDEST_IN_TILE = 84  # four times 32 rows of a head this wide take 42 KB, and the weights 5 KB


def blockwise_attention_forward(q, k, v, key_mask=None):
    """`attention_forward` without storing the T × S weights; same arguments and results.

    Raises:
        ValueError: if a head is wider than the kernel takes, or shapes don't fit together.
    """
    *samples, H, T, d = q.shape
    S = k.shape[-2]
    if d > WIDEST:
        raise ValueError(
            f"the heads are {d} wide, and attention over this many tokens takes them up to {WIDEST} on a GPU: "
            "split the width into more heads"
        )
    expect((*samples, H, S, d), k=k, v=v)
    xp = array_module(q)
    if key_mask is not None:
        expect((*samples, S), key_mask=key_mask)
        key_mask = xp.ascontiguousarray(key_mask)
    q, k, v = map(spaced, (q, k, v))
    y = empty_like_queries(q)                       # ..., H, T, d
    log_sum = xp.empty(q.shape[:-1], q.dtype)       # ..., H, T
    launch(
        FILE,
        "flash_forward",
        log_sum.size // T * ceil_div(T, tile(d)),
        THREADS,
        reads=(q, k, v, key_mask),
        writes=(y, log_sum),
        numbers=(H, T, S, *distances(q, k, v, y), d**-0.5),
        defines=constants(d),
        strided=(q, k, v, y),
    )
    return y, (q, k, v, key_mask, log_sum, y)


def blockwise_attention_backward(dy, cache, out=None):
    """`attention_backward` for the cache of `blockwise_attention_forward`."""
    q, k, v, key_mask, log_sum, y = cache
    *_, H, T, d = q.shape
    S = k.shape[-2]
    expect(q.shape, dy=dy)
    xp = array_module(dy)
    dy = spaced(dy)
    out = out or (xp.empty_like(q), xp.empty_like(k), xp.empty_like(v))
    dq, dk, dv = (x if is_spaced(x) else xp.empty(x.shape, x.dtype) for x in out)
    mean_gain = xp.empty_like(log_sum)              # ..., H, T
    heads = log_sum.size // T
    launch(
        FILE,
        "mean_gains",
        ceil_div(log_sum.size, THREADS // WARP),
        THREADS,
        reads=(y, dy),
        writes=(mean_gain,),
        numbers=(log_sum.size, H, T, *distances(y, dy)),
        defines=constants(d),
        strided=(y, dy),
    )
    launch(
        FILE,
        "flash_dq",
        heads * ceil_div(T, tile(d)),
        THREADS,
        reads=(q, k, v, key_mask, log_sum, mean_gain, dy),
        writes=(dq,),
        numbers=(H, T, S, *distances(q, k, v, dy, dq), d**-0.5),
        defines=constants(d),
        strided=(q, k, v, dy, dq),
    )
    launch(
        FILE,
        "flash_dk_dv",
        heads * ceil_div(S, tile(d)),
        THREADS,
        reads=(q, k, v, key_mask, log_sum, mean_gain, dy),
        writes=(dk, dv),
        numbers=(H, T, S, *distances(q, k, v, dy, dk, dv), d**-0.5),
        defines=constants(d),
        strided=(q, k, v, dy, dk, dv),
    )
    for wanted, made in zip(out, (dq, dk, dv), strict=True):
        if made is not wanted:
            wanted[...] = made
    return tuple(out)


def tile(d):
    """Rows and columns of a tile, for heads of this width."""
    return TILE if d <= WIDEST_IN_TILE else SMALL_TILE


def constants(d):
    """What is compiled in."""
    return {"HEAD_WIDTH": d, "TILE": tile(d)}


def is_spaced(x):
    """Whether the samples of x (..., H, T, d) are evenly spaced in memory, and each token is contiguous."""
    return evenly_spaced(x[..., 0, 0, :])


def spaced(x):
    """x (..., H, T, d) itself if it is evenly spaced, as a view of projected tokens is; else a copy that is."""
    return x if is_spaced(x) else array_module(x).ascontiguousarray(x)


def distances(*arrays):
    """For each array (..., H, T, d): its strides from sample to sample, head to head, token to token, in elements."""
    for x in arrays:
        yield distance(x[..., 0, 0, :])
        yield x.strides[-3] // x.itemsize
        yield x.strides[-2] // x.itemsize
