"""How a clip is sampled: in how many steps, with how much guidance, by which sampler."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypedDict

from minidit.diffusion.guidance import checked_guidance
from minidit.diffusion.samplers import step_of, time_grid
from minidit.errors import UserError, as_whole

MOST_STEPS, MOST_GUIDANCE = 100, 5.0  # more was not tried


@dataclass(frozen=True)
class SamplingSettings:
    """Settings of the sampler. Where one is None, the model's own applies.

    Attributes:
        steps: how many, up to 100; more are slower and finer.
        guidance: how closely to follow the prompt, up to 5: 0 ignores it, 1 is no guidance, 1.5 to 3 are usual.
        interval: times between which guidance acts. Late it changes nothing that a prompt says, and harms the colours.
        shift: above 1 puts more of the steps where it is noisy (see `minidit.diffusion.time_grid`).
        sampler: a name from `minidit.diffusion.SAMPLERS`, or a step function like those.
    """

    steps: int | None = None
    guidance: float | None = None
    interval: tuple[float, float] | None = None
    shift: float | None = None
    sampler: str | Callable | None = None

    def for_model(self, settings):
        """The same with the model's own settings in place of None.

        Args:
            settings: VideoModelSettings.
        Raises:
            UserError: a setting makes no sense.
        """
        names = ("steps", "guidance", "interval", "shift", "sampler")
        whole = replace(self, **{name: getattr(settings, name) for name in names if getattr(self, name) is None})
        step_of(whole.sampler)
        if (as_whole(whole.steps) or 0) > MOST_STEPS:
            raise UserError(f"the number of steps must be from 1 to {MOST_STEPS}; got {whole.steps}.")
        time_grid(whole.steps, whole.shift)
        scale, *_ = checked_guidance(whole.guidance, whole.interval)
        if not 0 <= scale <= MOST_GUIDANCE:
            raise UserError(f"guidance must be from 0 to {MOST_GUIDANCE:g} (1 is none); got {scale:g}.")
        return whole


class SamplingOptions(TypedDict, total=False):
    """The same settings as keyword arguments, with a callback: what every method of a `Studio` takes."""

    steps: int | None
    guidance: float | None
    interval: tuple[float, float] | None
    shift: float | None
    sampler: str | Callable | None
    callback: Callable | None
