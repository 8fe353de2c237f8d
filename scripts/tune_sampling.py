"""Chooses the guidance scale and the timestep shift that a model samples with by default.

    python scripts/tune_sampling.py runs/quick --shifts 2 3 4 --guidance 1.25 1.5 1.75 2

Prompts and noise are of seen combinations, and `minidit evaluate` uses none of them. Prints right and strict for every
pair. The presets hold the chosen values.
"""

import argparse
from dataclasses import replace

from minidit.backend import keep_freed_memory
from minidit.evaluation.evaluate import tune_guidance
from minidit.generation.studio import load


def main():
    """Tries every pair."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("--guidance", type=float, nargs="+", default=[1.25, 1.5, 1.75, 2.0])
    parser.add_argument("--shifts", type=float, nargs="+", default=[2.0, 3.0, 4.0])
    parser.add_argument("--steps", type=int, nargs="+", default=[20])
    parser.add_argument("--prompts", type=int, default=300)
    arguments = parser.parse_args()
    keep_freed_memory()
    model = load(arguments.checkpoint).model
    settings = model.settings
    for steps in arguments.steps:
        for shift in arguments.shifts:
            model.settings = replace(settings, shift=shift)
            report = tune_guidance(model, arguments.guidance, arguments.prompts, steps=steps, progress=False)
            for row in report["table"]:
                score = f"right {row['right']:.1%}   strict {row['strict']:.1%}"
                print(f"steps {steps}   shift {shift:g}   guidance {row['guidance']:g}   {score}", flush=True)


if __name__ == "__main__":
    main()
