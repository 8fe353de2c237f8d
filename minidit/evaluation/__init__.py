"""Measures of what a model's abilities do: functions of clips and of what was read in them, without any model."""

from minidit.evaluation.abilities import (
    animate_scores,
    connect_scores,
    edit_scores,
    extend_scores,
    film_scores,
    inpaint_scores,
    loop_scores,
)
from minidit.evaluation.intervals import bootstrap_interval, mean, share
from minidit.evaluation.paths import centers, velocity_correlation
from minidit.evaluation.pixels import decibels, mse, pixels_of_cells, psnr
from minidit.evaluation.variety import bin_coverage, ks_distance, quantities, variety

__all__ = [
    "animate_scores",
    "bin_coverage",
    "bootstrap_interval",
    "centers",
    "connect_scores",
    "decibels",
    "edit_scores",
    "extend_scores",
    "film_scores",
    "inpaint_scores",
    "ks_distance",
    "loop_scores",
    "mean",
    "mse",
    "pixels_of_cells",
    "psnr",
    "quantities",
    "share",
    "variety",
    "velocity_correlation",
]
