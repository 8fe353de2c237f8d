"""The affine map, on which everything else stands."""

from minidit.backend import sum_rows

# N = all leading axes as one, I = inputs, O = outputs


def linear_forward(x, w, b):
    """Affine map of the last axis: y = x @ w + b.

    Args:
        x: (..., I), any leading shape.
        w: (I, O). Mind the order: PyTorch's nn.Linear keeps the transpose.
        b: (O,).
    Returns:
        y (..., O) and a cache for `linear_backward`.
    Raises:
        ValueError: if the last axis of x is not as long as the first of w.
    """
    rows = x.reshape(-1, x.shape[-1])               # N, I      one large product, not one per sample
    y = rows @ w                                    # N, O
    y += b
    return y.reshape(*x.shape[:-1], w.shape[1]), (x, w)


def linear_backward(dy, cache):
    """Returns dx (..., I), dw (I, O), db (O,)."""
    x, w = cache
    rows = x.reshape(-1, x.shape[-1])               # N, I
    dy = dy.reshape(-1, dy.shape[-1])               # N, O
    # y[n, o] = Σᵢ x[n, i] w[i, o] + b[o]: to reach x, the products run over o; to reach w, over n;
    # and b served every row, so that the rows of dy add up.
    dx = (dy @ w.T).reshape(x.shape)                # ..., I
    dw = rows.T @ dy                                # I, O
    db = sum_rows(dy)                               # O
    return dx, dw, db
