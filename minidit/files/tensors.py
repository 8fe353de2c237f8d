"""Named arrays in safetensors files, written whole, and read with an error that says what is wrong."""

import hashlib
import json
import sys
from functools import cache
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from minidit.errors import UserError
from minidit.files.typed import cut, shown
from minidit.files.whole import write_whole

FORMAT = "minidit-1"
TYPES = ("F16", "F32", "F64")  # of the numbers in a file, as safetensors calls them
LENGTH = 8  # bytes that say how long a file's header is


def write_tensors(path, tensors, metadata):
    """Writes named arrays and a JSON-able dict as one safetensors file, with a digest of both.

    The same arrays and the same dict give the same bytes.
    """
    arrays = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    notes = json.dumps(metadata, sort_keys=True)
    about = {"digest": digest_of(arrays, notes), "format": FORMAT, "minidit": notes}
    data = save(arrays, about)
    # safetensors writes the entries of `about` in an order that differs from time to time.
    end = LENGTH + int.from_bytes(data[:LENGTH], "little")
    header = json.dumps(json.loads(data[LENGTH:end]) | {"__metadata__": about}, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)  # the arrays begin at a multiple of 8
    write_whole(path, b"".join((len(header).to_bytes(LENGTH, "little"), header, memoryview(data)[end:])))


def digest_of(arrays, notes):
    """SHA-256, in hexadecimal, of contiguous arrays by name, with their types and shapes, and of a string."""
    digest = hashlib.sha256(notes.encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"\0{name}\0{array.dtype.name}\0{array.shape}\0".encode())
        digest.update(array.reshape(-1))
    return digest.hexdigest()


def read_tensors(path, check=None):
    """Reads a file made by `write_tensors`: arrays by name, and the dict.

    Args:
        path: of the file.
        check: function of the dict, and of name -> shape of the arrays, called before any of them is read. A ValueError
            that it raises says why they don't fit each other.
    Raises:
        UserError: there is no such file, it is truncated, foreign, damaged, or holds NaN or infinity.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise UserError(f"there is no checkpoint {path}. Train one with: minidit train --preset quick --out FOLDER")
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            if header.get("format") != FORMAT:
                raise UserError(
                    f"{path} is a safetensors file, but not one of minidit's: expected format {FORMAT!r}, "
                    f"found {shown(header.get('format'))}. Give a file that `minidit train` wrote."
                )
            parts = {name: file.get_slice(name) for name in file.keys()}
            metadata = checked_header(path, header, parts, check)
            tensors = {name: file.get_tensor(name) for name in parts}
    except (SafetensorError, OSError) as error:
        raise UserError(
            f"{path} is not a whole checkpoint ({cut(error)}). It may be truncated or of another kind: "
            "copy it again, or give a file that `minidit train` wrote."
        ) from error
    if "digest" not in header:
        say_it_has_no_digest(path)
    elif header["digest"] != digest_of(tensors, header["minidit"]):
        raise UserError(f"{path} is damaged: its numbers or settings are not those that were saved. Copy it again.")
    for name, array in tensors.items():
        if not np.isfinite(array).all():
            raise UserError(
                f"{path} holds NaN or infinity in {name}: the run that wrote it diverged. Use an earlier checkpoint."
            )
        if array.dtype == np.float64 and (np.abs(array) > np.finfo(np.float32).max).any():
            raise UserError(f"{path} holds numbers in {name} that are too large for float32. Use another checkpoint.")
    return tensors, metadata


def checked_header(path, header, parts, check):
    """The dict that a file's header holds, if that and the slices by name make sense; see `read_tensors`."""
    try:
        metadata = json.loads(header["minidit"])
        if not isinstance(metadata, dict):
            raise ValueError("it is no set of names and values")
    except (KeyError, ValueError, RecursionError) as error:
        raise UserError(
            f"{path} is damaged: what it says about itself can't be read ({cut(error)}). Copy it again."
        ) from error
    for name, part in parts.items():
        if part.get_dtype() not in TYPES:
            raise UserError(
                f"{path} holds {cut(name)} as {part.get_dtype()}: minidit reads {', '.join(TYPES)}. "
                "Give a file that `minidit train` wrote."
            )
    if check is not None:
        try:
            check(metadata, {name: tuple(part.get_shape()) for name, part in parts.items()})
        except UserError:
            raise
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise misfit(path, error) from error
    return metadata


def misfit(path, error):
    """The UserError for a file whose parts don't go together, which this error says."""
    return UserError(f"{path} does not fit its own settings ({cut(error, 300)}). Was it made by another version?")


def check_shapes(found, expected):
    """Raises a ValueError if these two are not the same: name -> shape of arrays."""
    if found.keys() != expected.keys():
        missing, unknown = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
        raise ValueError(f"arrays don't match: {listed('missing', missing)}{listed('unknown', unknown)}".rstrip(", "))
    for name, shape in expected.items():
        if found[name] != tuple(shape):
            raise ValueError(f"{name} has shape {found[name]}, expected {tuple(shape)}")


def listed(what, names):
    """Names in words, of many the first ones."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{what} {', '.join(names[:3])}{more}, " if names else ""


@cache
def say_it_has_no_digest(path):
    """Says once of each file that nobody can tell whether it is as it was saved."""
    print(
        f"minidit: {path} is of an earlier version and has no digest, so that damage to its numbers can't be seen. "
        "A file saved today has one.",
        file=sys.stderr,
    )
