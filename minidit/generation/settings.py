"""How a clip is sampled: in how many steps, with how much guidance, by which sampler."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypedDict

from minidit.diffusion.guidance import checked_guidance
from minidit.diffusion.samplers import step_of, time_grid


@dataclass(frozen=True)
class SamplingSettings:
    """Settings of the sampler. Where one is None, the model's own applies.

    Attributes:
        steps: how many; more are slower and finer.
        guidance: how closely to follow the prompt: 0 ignores it, 1 is no guidance, 2 or 3 are usual.
        interval: times between which guidance acts.
        shift: above 1 puts more of the steps where it is noisy (see `minidit.diffusion.time_grid`).
        sampler: a name from `minidit.diffusion.SAMPLERS`, or a step function like those.
    """

    steps: int | None = None
    guidance: float | None = None
    interval: tuple[float, float] = (0.0, 1.0)
    shift: float | None = None
    sampler: str | Callable = "euler"

    def for_model(self, settings):
        """The same with the model's own settings in place of None.

        Args:
            settings: VideoModelSettings.
        Raises:
            UserError: a setting makes no sense.
        """
        own = {
            name: getattr(settings, name) for name in ("steps", "guidance", "shift") if getattr(self, name) is None
        }
        whole = replace(self, **own)
        step_of(whole.sampler)
        time_grid(whole.steps, whole.shift)
        checked_guidance(whole.guidance, whole.interval)
        return whole


class SamplingOptions(TypedDict, total=False):
    """The same settings as keyword arguments, with a callback: what every method of a `Studio` takes."""

    steps: int | None
    guidance: float | None
    interval: tuple[float, float]
    shift: float | None
    sampler: str | Callable
    callback: Callable | None
