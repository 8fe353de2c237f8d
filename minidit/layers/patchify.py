"""Spacetime patches: a clip cut into blocks, one token each, and put together again.

Both only move numbers about, so each is the other's inverse and its gradient as well.
"""

from minidit.backend import array_module

# F, H, W, C = frames, rows, columns, channels of a clip; pf, ph, pw = frames, rows, columns of a patch;
# f, r, c = the clip's size in patches; T = f · r · c tokens; P = pf · ph · pw · C numbers in each


def patch_grid(sizes, patch):
    """How many patches it takes to hold a clip of these sizes (frames, rows, columns): (f, r, c)."""
    return tuple(-(-size // step) for size, step in zip(sizes, patch, strict=True))


def sizes_of_grid(grid, patch):
    """(frames, rows, columns) of a clip that a grid (f, r, c) of patches makes."""
    return tuple(count * step for count, step in zip(grid, patch, strict=True))


def patchify(x, patch):
    """Cut a clip into patches.

    Args:
        x: (..., F, H, W, C).
        patch: (pf, ph, pw).
    Returns:
        (..., T, P): tokens ordered by frame, row, column, each a patch in the order (pf, ph, pw, C).
    Raises:
        ValueError: if a size of the clip is not a multiple of the patch's.
    Source: Peebles & Xie 2023, section 3.2 (patchify), extended to time as in Brooks et al. 2024 (Sora).
    """
    *leading, F, H, W, C = x.shape
    pf, ph, pw = patch
    for name, size, step in (("frames", F, pf), ("rows", H, ph), ("columns", W, pw)):
        if size % step:
            raise ValueError(f"{size} {name} do not divide into patches of {step}")
    f, r, c = F // pf, H // ph, W // pw
    blocks = x.reshape(*leading, f, pf, r, ph, c, pw, C)
    blocks = _permute_last(blocks, (0, 2, 4, 1, 3, 5, 6))  # ..., f, r, c, pf, ph, pw, C
    return blocks.reshape(*leading, f * r * c, pf * ph * pw * C)


def pad_to_patches(x, patch):
    """Zeros behind a clip (..., F, H, W, C) until `patch` divides its sizes; a clip of whole patches as it is."""
    missing = [(0, -size % step) for size, step in zip(x.shape[-4:-1], patch, strict=True)]
    if not any(behind for _, behind in missing):
        return x
    return array_module(x).pad(x, [(0, 0)] * (x.ndim - 4) + missing + [(0, 0)])


def unpatchify(tokens, patch, grid):
    """Put patches together again: undoes `patchify`.

    Args:
        tokens: (..., T, P).
        patch: (pf, ph, pw).
        grid: (f, r, c), the clip's size in patches.
    Returns:
        (..., F, H, W, C).
    Raises:
        ValueError: if there are not f · r · c tokens, or their width is not a multiple of pf · ph · pw.
    """
    *leading, T, P = tokens.shape
    pf, ph, pw = patch
    f, r, c = grid
    if T != f * r * c:
        raise ValueError(f"{T} tokens do not fill a grid of {f} × {r} × {c}")
    if P % (pf * ph * pw):
        raise ValueError(f"tokens of width {P} do not divide into patches of {pf} × {ph} × {pw}")
    C = P // (pf * ph * pw)
    blocks = tokens.reshape(*leading, f, r, c, pf, ph, pw, C)
    blocks = _permute_last(blocks, (0, 3, 1, 4, 2, 5, 6))  # ..., f, pf, r, ph, c, pw, C
    return blocks.reshape(*leading, f * pf, r * ph, c * pw, C)


def _permute_last(x, order):
    """Transpose the last axes of x, leaving the leading ones in place."""
    first = x.ndim - len(order)
    return array_module(x).transpose(x, (*range(first), *(first + axis for axis in order)))
