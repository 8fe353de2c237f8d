"""Noise paths, training objectives, samplers and guidance. Time runs from t = 0 (noise) to t = 1 (data)."""

from minidit.diffusion.guidance import classifier_free_guidance, guided
from minidit.diffusion.objectives import (
    PREDICTIONS,
    Estimate,
    diffusion_loss_backward,
    diffusion_loss_forward,
    estimator,
    sample_times,
    target_of,
    to_data,
    to_noise,
    to_velocity,
    velocity_weight,
)
from minidit.diffusion.paths import (
    Path,
    RectifiedFlow,
    VariancePreserving,
    network_time,
    step_of_time,
    time_of_step,
)
from minidit.diffusion.samplers import (
    SAMPLERS,
    ddim_step,
    ddpm_step,
    euler_step,
    heun_step,
    sample,
    sde_step,
    time_grid,
)

__all__ = [
    "PREDICTIONS",
    "SAMPLERS",
    "Estimate",
    "Path",
    "RectifiedFlow",
    "VariancePreserving",
    "classifier_free_guidance",
    "ddim_step",
    "ddpm_step",
    "diffusion_loss_backward",
    "diffusion_loss_forward",
    "estimator",
    "euler_step",
    "guided",
    "heun_step",
    "network_time",
    "sample",
    "sample_times",
    "sde_step",
    "step_of_time",
    "target_of",
    "time_grid",
    "time_of_step",
    "to_data",
    "to_noise",
    "to_velocity",
    "velocity_weight",
]
