"""Named arrays in safetensors files, written whole, and read with an error that says what is wrong."""

import json
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from minidit.errors import UserError
from minidit.files.whole import write_whole

FORMAT = "minidit-1"


def write_tensors(path, tensors, metadata):
    """Writes named arrays and a JSON-able dict as one safetensors file."""
    arrays = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    write_whole(path, save(arrays, {"format": FORMAT, "minidit": json.dumps(metadata)}))


def read_tensors(path):
    """Reads a file made by `write_tensors`: arrays by name, and the dict.

    Raises:
        UserError: there is no such file, or it is truncated, foreign, or holds NaN or infinity.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"there is no checkpoint {path}. Train one with: minidit train --preset quick --out FOLDER")
    try:
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            if header.get("format") != FORMAT:
                raise UserError(
                    f"{path} is a safetensors file, but not one of minidit's: expected format {FORMAT!r}, "
                    f"found {header.get('format')!r}. Give a file that `minidit train` wrote."
                )
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError) as error:
        raise UserError(
            f"{path} is not a whole checkpoint ({error}). It may be truncated or of another kind: "
            "copy it again, or give a file that `minidit train` wrote."
        ) from error
    for name, array in tensors.items():
        if not np.isfinite(array).all():
            raise UserError(
                f"{path} holds NaN or infinity in {name}: the run that wrote it diverged. Use an earlier checkpoint."
            )
    return tensors, json.loads(header["minidit"])
