"""Measures of what a model's abilities do: functions of clips and of what was read in them, without any model."""

from minidit.measures.abilities import (
    animate_scores,
    connect_scores,
    edit_scores,
    extend_scores,
    film_scores,
    inpaint_scores,
    loop_scores,
)
from minidit.measures.intervals import bootstrap_interval, mean, share
from minidit.measures.paths import centers, velocity_correlation
from minidit.measures.pixels import decibels, mse, pixels_of_cells, psnr
from minidit.measures.variety import bin_coverage, ks_distance, quantities, variety

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
