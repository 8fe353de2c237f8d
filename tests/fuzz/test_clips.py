"""Mutants of clips: each is read or refused in one sentence, soon and in bounded memory.

A short run is part of the suite. A long one: python tests/fuzz/test_clips.py MUTANTS [SEED]
"""

import io
import resource
import sys
import tempfile
import warnings
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from time import monotonic

import numpy as np
from PIL import Image

from minidit.errors import UserError
from minidit.files.clips import save_clip
from minidit.files.reading_clips import read_clip
from minidit.files.reading_masks import read_mask

SECONDS, BYTES = 20, 2**31  # that a mutant may take: it is a file of a few kilobytes
LONG = 2**31 - 1  # what a number in a file may say


def seeds():
    """Whole files to begin with: name → bytes."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (3, 32, 32, 3), np.uint8)
    clip = np.broadcast_to(pixels[:, :1, :1] / 255, pixels.shape).astype(np.float32)
    first, *others = map(Image.fromarray, pixels)
    exif = Image.Exif()
    exif[0x0112] = 6
    files = {}
    with tempfile.TemporaryDirectory() as folder:
        for ending in (".gif", ".webp", ".npy", *([".mp4"] if find_spec("av") else [])):
            save_clip(Path(folder) / f"a{ending}", clip)
            files[f"ours{ending}"] = (Path(folder) / f"a{ending}").read_bytes()
    for form in ("GIF", "PNG", "WEBP", "JPEG", "MPO"):
        file = io.BytesIO()
        moving = form != "JPEG"
        first.save(file, form, **({"save_all": True, "append_images": others, "duration": 90} if moving else {}),
                   **({"exif": exif} if form == "JPEG" else {}))  # fmt: skip
        files[form] = file.getvalue()
    for dtype in (np.uint8, np.float64):
        file = io.BytesIO()
        np.save(file, clip.astype(dtype))
        files[np.dtype(dtype).name] = file.getvalue()
    return files


def mutant(data, rng):
    """A file with a few bytes changed, cut off, taken out, doubled, or numbers in it made huge, negative or zero."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        near = 200 if rng.random() < 0.6 else len(data)  # headers matter most
        place = int(rng.integers(max(1, min(near, len(data) - 8))))
        match rng.integers(6):
            case 0:
                data[place : place + 1] = rng.bytes(1)
            case 1:
                data = data[: max(1, place)]
            case 2:
                del data[place : place + int(rng.integers(1, 40))]
            case 3:
                data[place:place] = data[place : place + int(rng.integers(1, 40))]
            case 4:
                order = ["little", "big"][rng.integers(2)]
                size = int(rng.choice([1, 2, 4]))
                number = int(rng.choice([0, 1, 255, 2**14, 2**15, LONG])) % 256**size
                data[place : place + size] = number.to_bytes(size, order)
            case 5:
                data[place : place + 4] = str(rng.choice(["9999", "-1, ", "1e99", "True", "'O')", "\0\0\0\0"])).encode()
    return bytes(data)


def outcome(path):
    """What became of one file: "read", "refused", or what is wrong with how it was read."""
    begin, used = monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            clip = read_clip(path, fit=True)
            read_mask(path, (3, 32, 32, 3), fit=True)
        said = "read"
    except UserError as error:
        said = "refused" if "\n" not in str(error) and str(path) in str(error) else f"not one sentence: {error}"
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
    else:
        if clip.ndim != 4 or clip.dtype != np.float32 or not (clip.min() >= 0 and clip.max() <= 1):
            said = "no clip"
    if monotonic() - begin > SECONDS:
        said = "too slow"
    if (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used) * 1024 > BYTES:
        said = "too much memory"
    return said


def run(count, seed, folder):
    """Counts of outcomes over so many mutants; those that are wrong, with the number of the mutant."""
    files = sorted(seeds().items())
    outcomes = Counter()
    for number in range(count):
        name, data = files[number % len(files)]
        path = Path(folder) / f"{name}.clip"
        path.write_bytes(mutant(data, np.random.default_rng([seed, number])))
        said = outcome(path)
        outcomes[said if said in ("read", "refused") else f"{name}, mutant {number} of seed {seed}: {said}"] += 1
    return outcomes


def test_mutants_of_clips_are_read_or_refused_in_one_sentence(tmp_path):
    outcomes = run(600, 0, tmp_path)
    assert set(outcomes) <= {"read", "refused"}, outcomes
    assert outcomes["read"] > 50 and outcomes["refused"] > 200


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        found = run(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0, folder)
    for said, count in found.most_common():
        print(f"{count:6} {said}")
    sys.exit(set(found) - {"read", "refused"} != set())
