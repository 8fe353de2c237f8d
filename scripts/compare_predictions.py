"""What should the network predict: the data, the noise or the velocity? Trains one of each, alike in all else.

    python scripts/compare_predictions.py --steps 4000 --out runs/predictions

Prints the accuracy of each on seen and held-out prompts. A thousand steps take about half a minute, and the codec,
which each run trains from the same seed, as long. Unfinished runs continue; finished ones are not
repeated.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from minidit.commands.arguments import available_cores
from minidit.diffusion import PREDICTIONS
from minidit.evaluation.cases import SPLITS
from minidit.evaluation.evaluate import evaluate
from minidit.models.checkpoint import load_model
from minidit.presets import PRESETS
from minidit.training.trainer import MODEL, STATE, Run


def main():
    """Trains and judges the three."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=PRESETS, default="quick")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--prompts", type=int, default=300, help="of each split")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/predictions"))
    arguments = parser.parse_args()
    preset = PRESETS[arguments.preset]
    training = replace(preset.diffusion_training, steps=arguments.steps)
    for prediction in PREDICTIONS:
        folder = arguments.out / prediction
        changed = replace(preset, model=replace(preset.model, prediction=prediction), diffusion_training=training)
        run = Run(changed, folder, arguments.seed, available_cores())
        if (folder / STATE).exists():
            run.resume()
        else:
            run.start()
        run.train()
        report = evaluate(load_model(folder / MODEL), arguments.prompts, seeds=1, fitted=arguments.prompts)
        numbers = {name: report[name] for name in ("right_seen", "right_held_out", "strict_seen", "strict_held_out")}
        shares = [f"{name} {value:.1%}" for name, value in numbers.items()]
        fidelity = [f"fidelity_{split} {report['fidelity'][f'generated_{split}']['median']:.1f} dB" for split in SPLITS]
        print(f"{prediction:9}", *shares, *fidelity, sep="   ", flush=True)


if __name__ == "__main__":
    main()
