"""The training step: forward, loss, backward, AdamW, moving average; alone or shared among processes."""

import numpy as np

from minidit.diffusion import (
    RectifiedFlow,
    diffusion_loss_backward,
    diffusion_loss_forward,
    network_time,
)
from minidit.errors import UserError
from minidit.training.batches import draw_batch
from minidit.training.optimizer import adamw_update, clip_scale, ema_decay, ema_update, learning_rate_at

PATH = RectifiedFlow()

VECTORS = ("params", "ema", "first", "second")  # what a training state is made of, each one value per parameter


def loss_and_gradients(model, batch):
    """Loss of a batch and its gradients by parameter name.

    Args:
        model: VideoModel.
        batch: Batch.
    """
    x_t = PATH.noised(batch.latents, batch.noise, batch.t)  # N, f, r, c, C
    prediction, cache = model.dit.forward(x_t, network_time(batch.t), batch.ids)
    loss, loss_cache = diffusion_loss_forward(
        prediction, model.settings.prediction, PATH, batch.latents, batch.noise, batch.t
    )
    _, grads = model.dit.backward(diffusion_loss_backward(1.0, loss_cache), cache)
    return float(loss), grads


class Alone:
    """The barrier of a run with one process: there is nobody to wait for."""

    def wait(self):
        """Returns at once."""


def run_steps(model, training, seed, vectors, grads, reports, rank, ranks, barrier, first, last):
    """Does training steps first … last - 1, as one of `ranks` processes that share the vectors.

    Each process takes every `ranks`-th shard of the batch; then each sums the gradients of, and updates, its own
    part of the parameters. The barriers keep anyone from reading what another is still writing.

    Args:
        model: VideoModel whose DiT's parameters live in `vectors["params"]`.
        training: DiffusionTraining.
        seed: of the run.
        vectors: name -> (n,) for each of VECTORS.
        grads: one `Parameters` per process, whose buffers all processes see.
        reports: (ranks, 2) float64 that all see: loss and squared norm of the gradient, by process.
        rank, ranks: which process this is, and how many there are.
        barrier: has `wait()`.
        first, last: the steps, counted from 0.
    Returns:
        losses (last - first,), and gradient norms (last - first,).
    Raises:
        UserError: the loss or its gradient is not finite: the run diverged.
    """
    shards = range(rank, training.shards, ranks)
    share = len(shards) / training.shards
    bounds = np.linspace(0, vectors["params"].size, ranks + 1).astype(int)
    part = slice(bounds[rank], bounds[rank + 1])
    params, ema, first_moment, second_moment = (vectors[name][part] for name in VECTORS)
    losses, norms = [], []
    for step in range(first, last):
        loss, named_grads = loss_and_gradients(model, draw_batch(model, training, seed, step, shards))
        grads[rank].load(named_grads)
        grads[rank].flat[...] *= share
        reports[rank, 0] = loss * share
        barrier.wait()

        total = grads[0].flat[part]
        for other in grads[1:]:
            total += other.flat[part]
        reports[rank, 1] = np.vdot(total, total)
        barrier.wait()

        loss, squared_norm = reports.sum(axis=0).tolist()
        if not np.isfinite(loss + squared_norm):
            raise UserError(
                f"training diverged at step {step} (loss {loss:.3g}, gradient norm {squared_norm**0.5:.3g}). "
                "Start again in another --out with a lower --learning-rate; the last checkpoint in this one is whole."
            )
        learning_rate = learning_rate_at(
            step, training.steps, training.learning_rate, training.warmup, training.decay
        )
        scale = clip_scale(squared_norm, training.clip)
        adamw_update(
            params, total, first_moment, second_moment, step + 1, learning_rate, training.adamw, scale
        )
        ema_update(ema, params, ema_decay(step, training.ema))
        losses.append(loss)
        norms.append(squared_norm**0.5)
        barrier.wait()
    return losses, norms
