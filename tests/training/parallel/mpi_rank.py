"""One rank of the runs in test_mpi.py: `minidit train` with the preset in a file as "tiny", and perhaps a mishap.

    mpiexec -n 2 python mpi_rank.py preset.json MISHAP --out DIR ...
"""

import json
import os
import signal
import sys
import zlib
from pathlib import Path

from minidit.cli import main
from minidit.models.checkpoint import settings_from_json
from minidit.presets import PRESETS, Preset
from minidit.training import job, trainer
from minidit.training.parallel.launcher import launched
from minidit.training.settings import CodecTraining, DiffusionTraining


def use_preset(path):
    """Puts the preset in place of "tiny", with a checkpoint after every 5 steps."""
    given = json.loads(Path(path).read_text(encoding="utf-8"))
    training = DiffusionTraining.from_json(given["training"])
    PRESETS["tiny"] = Preset("", settings_from_json(given["model"]), CodecTraining(**given["codec"]), training)
    trainer.SPAN, trainer.CHECKPOINT_SECONDS, trainer.PREVIEWS = 5, -1, 2


def prepare(mishap):
    """Arranges for what is to happen: "nothing", or to a rank at step 12, as in "killed 1"; or "notes FOLDER"."""
    kind, _, where = mishap.partition(" ")
    draw_batch = job.draw_batch

    def noted(model, training, seed, step, shards):
        batch = draw_batch(model, training, seed, step, shards)
        with open(Path(where) / f"rank{launched()[0] if launched() else 0}", "a", encoding="utf-8") as file:
            for i, shard in enumerate(shards):
                clips = slice(i * len(batch.t) // len(shards), (i + 1) * len(batch.t) // len(shards))
                print(step, shard, zlib.crc32(batch.noise[clips]), zlib.crc32(batch.t[clips]), file=file)
        return batch

    def struck(model, training, seed, step, shards):
        if step == 12 and launched()[0] == int(where):
            match kind:
                case "killed":
                    os.kill(os.getpid(), signal.SIGKILL)
                case "raises":
                    raise ValueError("a mistake in the program")
                case "drifts":
                    model.dit.params.flat[7] += 0.5
        return draw_batch(model, training, seed, step, shards)

    if kind == "without":
        sys.modules[where] = None  # an import of it fails
    elif kind != "nothing":
        job.draw_batch = noted if kind == "notes" else struck


if __name__ == "__main__":
    preset, mishap, *words = sys.argv[1:]
    use_preset(preset)
    prepare(mishap)
    sys.exit(main(["train", "--preset", "tiny", *words]))
