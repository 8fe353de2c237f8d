"""Launches adamw.cu: clipping, AdamW and the moving average in one pass over the parameters."""

from minidit.backend.kernels.grids import ceil_div, expect
from minidit.backend.kernels.launch import launch

THREADS = 256
MOST_BLOCKS = 2048  # more threads than any GPU runs at once


def adamw_ema_update(params, grads, m, v, average, step, learning_rate, settings, decay, squared_norm, max_grad_norm):
    """`minidit.training.optimizer.adamw_ema_update`, in place on vectors (n,); squared_norm () is on the GPU, too."""
    expect(params.shape, grads=grads, m=m, v=v, average=average)
    expect((), squared_norm=squared_norm)
    b1, b2 = settings.beta1, settings.beta2
    root_correction = (1 - b2**step) ** 0.5
    rate = learning_rate * root_correction / (1 - b1**step)
    shrink = 1 - learning_rate * settings.weight_decay
    count = params.size
    launch(
        "adamw.cu",
        "adamw_ema_update",
        min(ceil_div(count, THREADS), MOST_BLOCKS),
        THREADS,
        reads=(grads, squared_norm),
        updates=(params, m, v, average),
        numbers=(
            count,
            *(float(value) for value in (max_grad_norm, b1, 1 - b1, b2, 1 - b2)),
            *(float(value) for value in (rate, settings.eps * root_correction, shrink, 1 - decay)),
        ),
    )
