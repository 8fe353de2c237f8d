"""What a training step computes: a drawn batch, forward, loss, backward. The one loss of the package.

The gradients of several processes are summed elsewhere (`minidit.training.steps`). Each process or machine that shares
the work gets a copy of a *job*:

    job.shapes      name -> shape of each parameter
    job.training    DiffusionTraining: shards, steps, learning rate and so on
    job.at(params)  a worker: the job on a flat vector of parameters, which others change between two steps

and a worker has `loss_and_gradients(step, shards)`: the means over the clips of some of the batch's shards, a loss and
a dict of gradients. If the parameters are on a GPU, so is all that a step computes, the loss included.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from minidit.backend import array_module, number
from minidit.diffusion import RectifiedFlow, diffusion_loss_backward, diffusion_loss_forward, network_time
from minidit.diffusion.objectives import NOISE_FLOOR
from minidit.models.checkpoint import codec_tensors, load_codec
from minidit.models.codec import Codec
from minidit.models.conditioning_channels import existing
from minidit.models.dit import dit_shapes
from minidit.models.video_model import VideoModel, VideoModelSettings
from minidit.training.buckets import draw_batch
from minidit.training.settings import DiffusionTraining

PATH = RectifiedFlow()


@dataclass(frozen=True, eq=False)
class VideoTraining:
    """The job of a run: a DiT on the latents of freshly drawn clips.

    A subclass that learns from other batches overrides `batches`.

    Attributes:
        settings: VideoModelSettings.
        training: DiffusionTraining.
        codec: the trained codec's arrays, as `minidit.models.checkpoint.codec_tensors` names them.
        seed: of the run.
    """

    settings: VideoModelSettings
    training: DiffusionTraining
    codec: dict[str, np.ndarray]
    seed: int

    @classmethod
    def with_random_codec(cls, settings, training):
        """The job with a codec that nobody has trained, for those who ask what a step does, not what comes of it."""
        codec = Codec(settings.codec, np.random.default_rng(0))
        return cls(settings, training, codec_tensors(codec), seed=0)

    @property
    def shapes(self):
        """Name -> shape of each parameter."""
        return dit_shapes(self.settings.dit)

    def at(self, params):
        """The worker for the parameters in this vector (n,) float32, on its device."""
        model = VideoModel(self.settings, dit_buffer=params)
        load_codec(model.codec, self.codec)
        model.codec = model.codec.on(array_module(params))
        return VideoWorker(model, self.batches(model), self.training)

    def batches(self, model):
        """A function (step, shards) -> the Batch that these shards of a step make together, for a VideoModel."""
        return lambda step, shards: draw_batch(model, self.training, self.seed, step, shards)


@dataclass(frozen=True, eq=False)
class VideoWorker:
    """A `VideoTraining` at work.

    Attributes:
        model: VideoModel.
        batch: function (step, shards) -> Batch.
        training: DiffusionTraining.
    """

    model: VideoModel
    batch: Callable
    training: DiffusionTraining

    def loss_and_gradients(self, step, shards):
        """Loss and gradients by name, means over the clips of these shards of a step's batch."""
        return loss_and_gradients(
            self.model, self.batch(step, shards), self.training.recompute, self.training.noise_floor
        )


def loss_and_gradients(model, batch, recompute=False, noise_floor=NOISE_FLOOR):
    """Loss of a batch and its gradients by parameter name.

    Args:
        model: VideoModel.
        batch: Batch.
        recompute: run each block's forward pass a second time in the backward instead of keeping what it computed.
        noise_floor: see `velocity_weight`.
    """
    x_t = PATH.noised(batch.latents, batch.noise, batch.t)  # N, f, r, c, C
    if batch.known is not None:
        x_t = array_module(x_t).where(batch.known[..., None], batch.given, x_t)
    prediction, cache = model.dit.forward(
        x_t, network_time(batch.t), batch.ids, recompute=recompute, known=batch.known, sizes=batch.sizes
    )
    loss, loss_cache = diffusion_loss_forward(
        prediction,
        model.settings.prediction,
        PATH,
        batch.latents,
        batch.noise,
        batch.t,
        floor=noise_floor,
        counted=loss_mask(batch),
    )
    _, grads = model.dit.backward(diffusion_loss_backward(1.0, loss_cache), cache)
    return number(loss), grads


def loss_mask(batch):
    """Which latents of a batch the loss counts, (N, F, H, W) bool; None for all.

    Those that exist and are not known; of edits all that exist.
    """
    if batch.known is None:
        return None
    asked = ~batch.known
    if batch.edited is not None:
        asked = asked | batch.edited[:, None, None, None]
    if batch.sizes is None:
        return asked
    return existing(batch.latents.shape, batch.sizes, array_module(batch.latents)) & asked
