"""Damaged and lying files: each is refused in one sentence, or gives exactly the numbers that were saved.

A short run is part of the suite. A long one: python tests/fuzz/test_checkpoints.py model --count 3500 --seed 1
"""

import argparse
import contextlib
import copy
import io
import json
import math
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from minidit.errors import UserError
from minidit.files.tensors import read_tensors, write_tensors
from minidit.generation.text_to_video import generate
from minidit.models import CodecSettings, DiTSettings, TextEncoderSettings, VideoModel, VideoModelSettings
from minidit.models.checkpoint import load_model, save_model
from minidit.models.tokenizer import SPECIAL
from minidit.presets import PRESETS
from minidit.training.settings import CodecTraining, DiffusionTraining
from minidit.training.trainer import STATE, Run
from minidit.world import VOCABULARY

PROMPT, SEED = "a red circle moves right in the day sky", 1
SECONDS, MEMORY = 25, 4 * 2**30  # that a mutant may take; bytes
ODD = (0, 1, -1, 2, 3, 5, 10**6, 2**63, 10**30, 10**400, 0.5, -0.0, 1e300, math.nan, math.inf, True, False, None)
ODD += ("", "x", "4", "\ud800", "velocity", [], [1], [1, 1, 1], [[]], [["a"]], [0, 0, 0], [10**6] * 3, {}, {"a": 1})
TYPES = (
    "BOOL",
    "U8",
    "I8",
    "I16",
    "I32",
    "I64",
    "U64",
    "F16",
    "BF16",
    "F32",
    "F64",
    "F8_E4M3",
    "F8_E5M2",
    "F4",
    "x",
    "",
)


class TooLong(BaseException):
    """A mutant took more than SECONDS."""


# --- Mutants: functions of a random generator and the file's bytes, returning other bytes ------------------


def parts_of(data):
    """The header, a dict, and the bytes behind it."""
    end = 8 + int.from_bytes(data[:8], "little")
    return json.loads(data[8:end]), data[end:]


def joined(header, rest):
    """The inverse of `parts_of`; the header may be its text."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + rest


def some_entry(rng, header):
    names = [name for name in header if name != "__metadata__"]
    return names[rng.integers(len(names))]


def flipped(rng, data, first, last):
    changed = bytearray(data)
    changed[rng.integers(first, last)] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def bit_of_the_numbers(rng, data):
    return flipped(rng, data, 8 + int.from_bytes(data[:8], "little"), len(data))


def bit_of_the_header(rng, data):
    return flipped(rng, data, 8, 8 + int.from_bytes(data[:8], "little"))


def bit_of_the_length(rng, data):
    return flipped(rng, data, 0, 8)


def another_length(rng, data):
    right = int.from_bytes(data[:8], "little")
    lengths = (0, 1, 2, right - 1, right + 1, right + 8, len(data), len(data) - 8, 10**8, 10**8 + 1, 2**63, 2**64 - 1)
    return lengths[rng.integers(len(lengths))].to_bytes(8, "little") + data[8:]


def cut_off(rng, data):
    return data[: rng.integers(len(data))]


def too_long(rng, data):
    return data + rng.bytes(int(rng.integers(1, 64)))


def hole(rng, data):
    first = int(rng.integers(len(data)))
    length = int(rng.integers(1, 4096))
    return data[:first] + bytes(len(data[first : first + length])) + data[first + length :]


def swapped_blocks(rng, data):
    a, b = sorted(int(place) for place in rng.integers(0, len(data) // 64, 2) * 64)
    return (
        data[:a] + data[b : b + 64] + data[a + 64 : b] + data[a : a + 64] + data[b + 64 :] if b - a >= 64 else data[:-1]
    )


def another_type(rng, data):
    header, rest = parts_of(data)
    header[some_entry(rng, header)]["dtype"] = TYPES[rng.integers(len(TYPES))]
    return joined(header, rest)


def another_type_everywhere(rng, data):
    header, rest = parts_of(data)
    found, kind = header[some_entry(rng, header)]["dtype"], TYPES[rng.integers(len(TYPES))]
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == found:
            entry["dtype"] = kind
    return joined(header, rest)


def another_shape(rng, data):
    header, rest = parts_of(data)
    entry = header[some_entry(rng, header)]
    shape, size = entry["shape"], math.prod(entry["shape"])
    shapes = (
        [],
        [size],
        shape[::-1],
        [1, *shape],
        [*shape, 1],
        [0],
        [size // 2, 2],
        [2**32, 2**32],
        [-1],
        [size + 1],
        5,
    )
    entry["shape"] = shapes[rng.integers(len(shapes))]
    return joined(header, rest)


def other_offsets(rng, data):
    header, rest = parts_of(data)
    entry, other = (header[some_entry(rng, header)] for _ in range(2))
    a, b = entry["data_offsets"]
    choices = ([b, a], [a, a], [0, b - a], [a + 4, b + 4], [a, b + 4], [a, 2**63], other["data_offsets"], [-4, b], [])
    entry["data_offsets"] = choices[rng.integers(len(choices))]
    return joined(header, rest)


def swapped_offsets(rng, data):
    header, rest = parts_of(data)
    one, two = header[some_entry(rng, header)], header[some_entry(rng, header)]
    one["data_offsets"], two["data_offsets"] = two["data_offsets"], one["data_offsets"]
    return joined(header, rest)


def other_names(rng, data):
    header, rest = parts_of(data)
    one, two = some_entry(rng, header), some_entry(rng, header)
    kind = rng.integers(4)
    if kind == 0:
        header[one], header[two] = header[two], header[one]
    elif kind == 1:
        header[one + "x"] = header.pop(one)
    elif kind == 2:
        del header[one]
    else:
        header[""] = header.pop(one)
    return joined(header, rest)


def twice_the_same_name(rng, data):
    header, rest = parts_of(data)
    one, two = some_entry(rng, header), some_entry(rng, header)
    text = json.dumps(header)
    return joined((text[:-1] + f", {json.dumps(one)}: {json.dumps(header[two])}}}").encode(), rest)


def other_json(rng, data):
    header, rest = parts_of(data)
    text = json.dumps(header).encode()
    texts = (
        b"",
        b"{}",
        b"[]",
        b"null",
        text[:-1],
        text + b"}",
        b"[" * 100_000,
        b'{"a":' * 5000,
        text.replace(b'"', b"'"),
    )
    return joined(texts[rng.integers(len(texts))], rest)


def other_metadata(rng, data):
    """One of the strings beside the arrays is another, gone, or renamed; what was saved as settings as well."""
    header, rest = parts_of(data)
    about = header["__metadata__"]
    name = list(about)[rng.integers(len(about))]
    kind = rng.integers(5)
    if kind == 0:
        del about[name]
    elif kind == 1:
        about[name] = ("", "x", "null", "[]", "{}", "[" * 100_000, "1e999", about[name] + " ", about[name][:-1])[
            rng.integers(9)
        ]
    elif kind == 2:
        about[name + "x"] = about.pop(name)
    elif kind == 3:
        about[name] = (1, None, [], {})[rng.integers(4)]
    else:
        del header["__metadata__"]
    return joined(header, rest)


def other_settings(rng, data):
    header, rest = parts_of(data)
    notes = json.loads(header["__metadata__"]["minidit"])
    header["__metadata__"]["minidit"] = json.dumps(changed_notes(rng, notes))
    return joined(header, rest)


def changed_notes(rng, notes):
    """A JSON value changed in one place: another value, a neighbouring one, gone, or one more."""
    notes = copy.deepcopy(notes)
    places = []

    def walk(parent):
        for key in list(parent) if isinstance(parent, dict) else range(min(len(parent), 3)):
            places.append((parent, key))
            if isinstance(parent[key], dict | list):
                walk(parent[key])

    walk(notes)
    parent, key = places[rng.integers(len(places))]
    value, kind = parent[key], rng.integers(5)
    if kind <= 1:
        parent[key] = ODD[rng.integers(len(ODD))]
    elif kind == 2 and isinstance(value, int | float):
        parent[key] = (value + 1, value - 1, value * 2, -value, value / 2, value * 10**6, str(value))[rng.integers(7)]
    elif kind == 3:
        del parent[key]
    elif isinstance(parent, dict):
        parent[str(key) + "x"] = parent.pop(key) if rng.integers(2) else value
    else:
        parent.append(value)
    return notes


DAMAGE = (
    bit_of_the_numbers, bit_of_the_numbers, bit_of_the_header, bit_of_the_header, bit_of_the_length, another_length,
    cut_off, too_long, hole, swapped_blocks, another_type, another_type_everywhere, another_shape, other_offsets,
    swapped_offsets, other_names, twice_the_same_name, other_json, other_metadata, other_settings, other_settings,
)  # fmt: skip


# Lies: the same, written by minidit's own function, so that the digest is right. What they say may be true.


def other_settings_saved(rng, tensors, notes):
    return tensors, changed_notes(rng, notes)


def other_array_saved(rng, tensors, notes):
    name = list(tensors)[rng.integers(len(tensors))]
    array = tensors[name]
    kinds = (
        lambda: array.astype(np.int32), lambda: array.astype(np.float64) * 1e200, lambda: array * np.float32(1e30),
        lambda: np.zeros_like(array), lambda: array[..., :-1], lambda: array[None], lambda: array.mean(),
        lambda: array.reshape(-1), lambda: np.full_like(array, np.nan), lambda: -np.abs(array), lambda: array > 0,
        lambda: array.astype(complex).real.astype(np.float16), lambda: array.view(np.int32),
    )  # fmt: skip
    with np.errstate(all="ignore"):
        return tensors | {name: kinds[rng.integers(len(kinds))]()}, notes


def other_names_saved(rng, tensors, notes):
    tensors = dict(tensors)
    name = list(tensors)[rng.integers(len(tensors))]
    array = tensors.pop(name)
    return (tensors if rng.integers(2) else tensors | {name + "x": array}), notes


LIES = (other_settings_saved, other_settings_saved, other_settings_saved, other_array_saved, other_names_saved)


# --- What is mutated, and what becomes of it --------------------------------------------------------------


def example_model(rng):
    """A small VideoModel, with conditioning channels and words to attend to in one of two cases."""
    rich = bool(rng.integers(2))
    text = TextEncoderSettings(len(SPECIAL) + len(VOCABULARY), width=16, num_heads=2)
    dit = DiTSettings(4, (8, 1, 1), width=32, depth=2, num_heads=2, text=text)
    if rich:
        dit = replace(dit, conditioning_channels=True, qk_norm=True, positions="rope", norm="rms", prompt="cross")
    codec = CodecSettings(patch=(1, 4, 4), channels=4, hidden=8)
    settings = VideoModelSettings(16, 8, codec, dit, VOCABULARY, steps=2, polish=int(rich))
    model = VideoModel(settings, rng)
    model.dit.params.flat += 0.1 * rng.standard_normal(model.dit.params.flat.shape, dtype=np.float32)
    return model


class Models:
    """Files of models: they are loaded, and make a clip."""

    def __init__(self, folder):
        self.folder = folder
        self.sources = []
        for seed, dtype in enumerate((np.float32, np.float16) * 4):
            path = folder / f"source{seed}.safetensors"
            save_model(
                path, example_model(np.random.default_rng(seed)), {"seed": 3, "step": 7, "history": [[1, 0.5]]}, dtype
            )
            self.sources.append((path.read_bytes(), *self.numbers(path)))

    def numbers(self, path):
        model = load_model(path)
        clip = generate(model, [PROMPT], [SEED])
        repr(model.record.get("step", 0) + 1)
        return [model.dit.params.flat.tobytes(), model.codec.params.flat.tobytes(), clip.tobytes()], clip


class States:
    """Files of training runs: they are resumed, and go on for some steps."""

    def __init__(self, folder):
        self.folder = folder
        tiny = PRESETS["tiny"]
        text = replace(tiny.model.dit.text, width=8, num_heads=2)
        dit = DiTSettings(4, (8, 1, 1), width=16, depth=1, num_heads=2, text=text)
        model = replace(tiny.model, codec=CodecSettings((1, 4, 4), channels=4, hidden=16), dit=dit, steps=2)
        codec_training = CodecTraining(steps=2, batch=4, pool=8)
        self.preset = replace(
            tiny, model=model, codec_training=codec_training, diffusion_training=DiffusionTraining(steps=3, batch=8)
        )
        run = Run(self.preset, folder / "source", progress=False)
        run.start()
        data = (folder / "source" / STATE).read_bytes()
        self.sources = [(data, *self.numbers(folder / "source" / STATE))]

    def numbers(self, path):
        run = Run(self.preset, path.parent, progress=False)
        run.resume()
        run.training = replace(run.training, steps=min(run.training.steps, run.step + 3))
        run.codec_training = replace(run.codec_training, refine_steps=min(run.codec_training.refine_steps, 2))
        run.train()
        vectors = [vector.tobytes() for vector in run.state.vectors.values()]
        return [*vectors, run.model.codec.params.flat.tobytes(), str(run.scores)], np.array(run.state.params)


def verdict(target, path, expected):
    """One of "refused", "same", "other", "not finite", "hang", "traceback", and what was said."""

    def stop(*_):
        raise TooLong

    if hasattr(signal, "SIGALRM"):  # not on Windows
        signal.signal(signal.SIGALRM, stop)
        signal.alarm(SECONDS)
    try:
        with (
            contextlib.redirect_stderr(io.StringIO()),
            np.errstate(all="ignore"),
            warnings.catch_warnings(action="ignore"),
        ):
            found, values = target.numbers(path)
    except UserError as error:
        said = str(error)
        return ("refused" if "\n" not in said and len(said) < 600 else "traceback"), said
    except TooLong:
        return "hang", traceback.format_exc()
    except KeyboardInterrupt:
        raise
    except BaseException:
        return "traceback", traceback.format_exc()
    finally:
        if hasattr(signal, "SIGALRM"):
            signal.alarm(0)
    if not np.isfinite(values).all():
        return "not finite", ""
    return ("same", "") if found == expected else ("other", "")


def attack(target, count, seed, show=None):
    """Counts (kind of mutant, verdict), and calls `show(kind, verdict, what was said, number)` on what must not be."""
    counts = Counter()
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        data, expected, _ = target.sources[rng.integers(len(target.sources))]
        folder = target.folder / f"mutant{number}"
        (folder / "previews").mkdir(parents=True)
        path = folder / STATE
        lie = rng.random() < 0.35
        if lie:
            mutate = LIES[rng.integers(len(LIES))]
            path.write_bytes(data)
            try:
                write_tensors(path, *mutate(rng, *read_tensors(path)))
            except (ValueError, TypeError, OverflowError):  # nobody can save that
                continue
        else:
            mutate = DAMAGE[rng.integers(len(DAMAGE))]
            path.write_bytes(mutate(rng, data))
        found, said = verdict(target, path, expected)
        for file in sorted(folder.rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
        folder.rmdir()
        counts["lie" if lie else "damage", mutate.__name__, found] += 1
        if show and not fine(lie, found):
            show(mutate.__name__, found, said, number)
    return counts


def failures(counts):
    """The verdicts of these counts that must not be. What lies say may be true: then the numbers are others."""
    return {key: n for key, n in counts.items() if not fine(key[0] == "lie", key[2])}


def fine(lie, found):
    return found in ("refused", "same") or (lie and found == "other")


@pytest.mark.parametrize(("target", "count"), [(Models, 250), (States, 60)])
def test_a_damaged_or_lying_file_is_refused_or_gives_the_same_numbers(target, count, tmp_path):
    said = []
    counts = attack(target(tmp_path), count, 0, lambda *report: said.append(report))
    assert not failures(counts), said[:3]
    assert sum(n for (kind, _, found), n in counts.items() if found == "refused" and kind == "damage") > 0.5 * count


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", choices=("model", "state"))
    parser.add_argument("--count", type=int, default=3500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quiet", action="store_true")
    arguments = parser.parse_args()
    import resource  # which Windows lacks

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    def show(kind, found, said, number):
        if not arguments.quiet:
            print(f"{number} {kind}: {found} {said.strip()[-200:]!r}", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        target = {"model": Models, "state": States}[arguments.target](Path(folder))
        counts = attack(target, arguments.count, arguments.seed, show)
    for found in ("refused", "same", "other", "not finite", "hang", "traceback"):
        for kind in ("damage", "lie"):
            print(f"{kind:<7} {found:<11} {sum(n for key, n in counts.items() if key[0] == kind and key[2] == found)}")
    return bool(failures(counts))


if __name__ == "__main__":
    sys.exit(main())
