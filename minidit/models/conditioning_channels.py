"""Conditioning channels: what the network is told about each latent beside its value.

They say the latent's own time, whether it is known, whether it exists at all, and its place. With them one network
serves many uses: known latents are clean, at t = 1, beside others that are still noise; clips of several sizes share a
batch, padded to the largest; and relative places let the network work on sizes it was not trained on.
"""

from minidit.backend import array_module

# B = batch; F, H, W = frames, rows, columns of the array of latents; M = CONDITIONING_CHANNELS

CONDITIONING_CHANNELS = 6  # time, known, exists, and the relative frame, row and column


def existing(shape, sizes, xp):
    """Which latents belong to a clip, where clips are padded at their ends to the size of the array.

    Args:
        shape: (B, F, H, W, C) of the array.
        sizes: (B, 3) integers, frames, rows and columns that each clip has.
        xp: the array library of the device.
    Returns:
        (B, F, H, W) bool.
    """
    inside = xp.ones((1, 1, 1, 1), bool)
    for axis, index in enumerate(indices(shape, xp)):
        inside = inside & (index < sizes[:, axis, None, None, None])  # B, F, H, W in the end
    return inside


def conditioning_channels(shape, t, known, sizes, dtype, xp):
    """The conditioning channels of every latent.

    Args:
        shape: (B, F, H, W, C) of the latents.
        t: (B,) times from 0 to 1 of the latents that are not known.
        known: (B, F, H, W) bool, which latents are known, or None for none of them. Their own time is 1.
        sizes: (B, 3) integers as for `existing`, or None for clips as large as the array.
        dtype, xp: of the result, and the array library of the device.
    Returns:
        (B, F, H, W, M): own time, 1 where known, 1 where it exists, and the place along frames, rows and columns, from
        -1 to 1. All six are 0 where there is no latent.
    Source: masks as input channels: Rombach et al. 2022, section 4.5 (inpainting); a time for each frame: Chen et al.
        2024 (Diffusion Forcing), section 3.1; relative coordinates: Liu et al. 2018 (CoordConv), section 3.
    """
    full = shape[:-1]
    lengths = xp.asarray(shape[1:4]) if sizes is None else sizes  # (3,) or (B, 3)
    known = xp.zeros(full, dtype) if known is None else known.astype(dtype)  # B, F, H, W
    own_time = known + (1 - known) * t.astype(dtype)[:, None, None, None]  # B, F, H, W
    places = [
        (2 * index + 1) / lengths[..., axis, None, None, None] - 1 for axis, index in enumerate(indices(shape, xp))
    ]
    exists = xp.ones(full, bool) if sizes is None else existing(shape, sizes, xp)
    parts = [own_time, known, exists, *places]
    channels = xp.stack([xp.broadcast_to(part, full).astype(dtype) for part in parts], axis=-1)  # B, F, H, W, M
    return channels * exists[..., None].astype(dtype)


def with_channels_forward(x, t, known, sizes):
    """Latents with their conditioning channels; what lies outside a clip is made zero.

    Args:
        x: (B, F, H, W, C) latents.
        t, known, sizes: as for `conditioning_channels`.
    Returns:
        (B, F, H, W, C + M) and a cache for `with_channels_backward`.
    """
    xp, channels = array_module(x), x.shape[-1]
    told = conditioning_channels(x.shape, t, known, sizes, x.dtype, xp)  # B, F, H, W, M
    exists = None
    if sizes is not None:
        exists = existing(x.shape, sizes, xp)[..., None]  # B, F, H, W, 1
        x = x * exists
    return xp.concatenate([x, told], axis=-1), (channels, exists)  # B, F, H, W, C + M


def with_channels_backward(dy, cache):
    """Returns dx (B, F, H, W, C). The conditioning channels are constants."""
    channels, exists = cache
    dx = dy[..., :channels]                         # B, F, H, W, C
    return dx if exists is None else dx * exists


def indices(shape, xp):
    """The index along frames, rows and columns, each ready to broadcast to (B, F, H, W)."""
    _, frames, rows, columns, _ = shape
    return (
        xp.arange(frames)[None, :, None, None],
        xp.arange(rows)[None, None, :, None],
        xp.arange(columns)[None, None, None, :],
    )


def widened_patch_weight(weight, patch, channels):
    """The patch embedding of a network without conditioning channels, for one that has them and ignores them at first.

    Args:
        weight: (P · C, D), P = latents of a patch, C = channels.
        patch, channels: of the network.
    Returns:
        (P · (C + M), D), zero in the rows of the conditioning channels.
    """
    xp = array_module(weight)
    width = weight.shape[-1]
    rows = weight.reshape(-1, channels, width)                     # P, C, D
    wide = xp.zeros((len(rows), channels + CONDITIONING_CHANNELS, width), weight.dtype)
    wide[:, :channels] = rows
    return wide.reshape(-1, width)
