"""Where a token is: fixed sin-cos positions in time and space."""

import numpy as np

# T = frames · rows · columns tokens


def sincos_positions(grid, width, dtype=np.float32):
    """Position vectors of all tokens of a grid, in the order in which `patchify` makes tokens.

    One frame: the first half of the width encodes the column, the second half the row, exactly as
    facebookresearch/DiT does ("w goes first" in its source). Several frames: three parts of even size, for
    frame, column and row; the last two are equal, and the frame gets what remains.

    Args:
        grid: (frames, rows, columns), in tokens.
        width: of each vector; a multiple of 4 for one frame, even and at least 6 for several.
        dtype: of the result.
    Returns:
        (T, width), on the host.
    Raises:
        ValueError: if the width does not divide as said.
    Source: facebookresearch/DiT models.py, get_2d_sincos_pos_embed; Vaswani et al. 2017, section 3.5.
    """
    frames, rows, columns = grid
    if frames == 1 and (width < 4 or width % 4):
        raise ValueError(f"positions in a plane need a width that is a multiple of 4, not {width}")
    if frames > 1 and (width < 6 or width % 2):
        raise ValueError(f"positions in space and time need an even width of at least 6, not {width}")
    part = width // 2 if frames == 1 else width // 6 * 2
    frame, row, column = (index.reshape(-1) for index in np.indices(grid))  # T each
    parts = [_sincos(frame, width - 2 * part), _sincos(column, part), _sincos(row, part)]
    return np.concatenate(parts, axis=-1).astype(dtype)  # T, width


def _sincos(position, width):
    """[sin(p ω₀) …, cos(p ω₀) …] of positions (T,) in float64; (T, width), nothing for width 0. Sine goes
    first here, unlike in `timestep_embedding`."""
    half = width // 2
    frequencies = 10000.0 ** (-np.arange(half) / max(half, 1))  # half
    angles = position[:, None] * frequencies        # T, half
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=-1)
