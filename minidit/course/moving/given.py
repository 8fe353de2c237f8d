"""What most moving things begin with: a model, a clip, its prompt, and the clip's latents with noise at any t."""

import numpy as np

from minidit.diffusion.paths import RectifiedFlow, network_time
from minidit.generation.text_to_video import sampling_time, starting_noise
from minidit.world.attributes import Attributes
from minidit.world.captions import caption
from minidit.world.renderer import render

CIRCLE = Attributes("red", "circle", "right", "day")
TIMES = tuple(np.linspace(0, 1, 41).round(3).tolist())  # of a slider
SEED = 1

# f, r, c = frames, rows, columns in latents; C = channels


class Given:
    """A clip, and what a network makes of it under noise.

    Args:
        model: Studio, VideoModel, or None for the shipped one.
        clip: (F, H, W, 3) in [0, 1]; by default a red circle that moves right in the day sky.
        prompt: what the clip shows; by default what that one does.
    """

    def __init__(self, model=None, clip=None, prompt=None):
        self.model = video_model(model)
        size, frames = self.model.settings.size, self.model.settings.frames
        rng = np.random.default_rng(0)
        self.clip = render(CIRCLE, rng, size=size, frames=frames) if clip is None else np.asarray(clip)
        self.prompt = caption(CIRCLE) if prompt is None else prompt
        self.latents = self.model.codec.encode(self.clip[None])  # 1, f, r, c, C
        self.noise = starting_noise(self.latents.shape[1:], [SEED])
        self.words = self.read(self.prompt)
        self.grid = self.latents.shape[2:4]

    def read(self, prompt):
        """The embedded prompt, (1, D)."""
        return self.model.dit.embed(self.model.tokenizer.encode([prompt]))

    def at(self, t):
        """The latents with the noise that belongs to t, (1, f, r, c, C)."""
        return RectifiedFlow().noised(self.latents, self.noise, t)

    def time(self, t):
        """What the network is told of t, (1,)."""
        return np.full(1, network_time(sampling_time(t)), np.float32)

    def guess(self, t, dit=None):
        """The clip's latents as the network sees them in those at t, (1, f, r, c, C)."""
        prediction = (dit or self.model.dit).predict(self.at(t), self.time(t), self.words)
        return as_data(self.model, prediction, self.at(t), t)

    def pixels(self, latents):
        """Latents (1, f, r, c, C) as a clip (F, H, W, 3)."""
        return self.model.codec.decode(latents)[0]

    def error(self, latents):
        """How far latents are from the clip's: root mean square, in standard deviations of the latents."""
        return float(np.sqrt(np.mean((latents - self.latents) ** 2)))


def video_model(model):
    """The VideoModel of a Studio, of itself, or of nothing: the shipped one."""
    if model is None:
        from minidit.generation.studio import load

        model = load(device="cpu")
    return getattr(model, "model", model)


def as_data(model, prediction, x, t):
    """What a network predicts, as data (1, f, r, c, C), for latents x at time t."""
    from minidit.diffusion.objectives import estimator

    return estimator(lambda *_: prediction, model.settings.prediction, RectifiedFlow())(x, t).data
