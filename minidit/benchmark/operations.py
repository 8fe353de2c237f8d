"""Where the time of our step goes, by operation."""

import cProfile
import pstats
from collections import defaultdict
from pathlib import Path

from minidit.benchmark.ours import training_step
from minidit.files.places import PACKAGE

COUNTED = ("layers", "models", "training", "backend/kernels")  # folders whose functions are operations
STEPS = 5
REST, SUMS = "time, labels, words, patches", "residual sums, in blocks and DiT"
OF_FILE = {
    "linear.py": "linear layers",
    "attention.py": "attention",
    "blockwise_attention.py": "attention",
    "multihead_attention.py": "attention",
    "softmax.py": "attention",
    "rope.py": "attention",
    "qk_norm.py": "attention",
    "factorised_attention.py": "attention",
    "cross_attention.py": "attention",
    "feedforward.py": "gelu and feed-forward",
    "activations.py": "gelu and feed-forward",
    "swiglu.py": "gelu and feed-forward",
    "normalization.py": "layer norm",
    "rmsnorm.py": "layer norm",
    "modulation.py": "scale and shift",
    "fused.py": SUMS,  # calls others, and does nothing itself
    "losses.py": "loss",
    "embedding.py": REST,
    "patchify.py": REST,
    "neighbours.py": REST,  # of the codec, when it decodes
    "positions.py": REST,
    "timestep.py": REST,
    "parameters.py": "gradients into one vector",
    "optimizer.py": "AdamW",
}
OF_FUNCTION = {"gated_residual": "gated residual", "silu": REST}  # those that share a file with another operation


def operation_of(file, function):
    """What to call the time spent in a function of the package, by its file and name."""
    stem = function.removesuffix("_forward").removesuffix("_backward")
    return OF_FUNCTION.get(stem) or OF_FILE.get(Path(file).name, SUMS)


def own_seconds(profile):
    """Seconds by (file, function) of the package, with what each asked of NumPy but not of others in the package.

    Args:
        profile: cProfile.Profile.
    """
    stats = pstats.Stats(profile).stats  # (file, line, name) -> (calls, calls, own, with callees, callers)
    folders = tuple(str(PACKAGE / folder) for folder in COUNTED)
    seconds = defaultdict(float)
    for (file, _, name), (_, _, _, total, callers) in stats.items():
        if not file.startswith(folders):
            continue
        seconds[file, name] += total
        for (caller_file, _, caller_name), (_, _, _, share) in callers.items():
            if caller_file.startswith(folders):
                seconds[caller_file, caller_name] -= share
    return seconds


def time_by_operation(task):
    """Profiles some training steps of ours, on one thread.

    Args:
        task: Task of training.
    Returns:
        dict of operation -> share of the time, largest first; they add up to 1.
    """
    step = training_step(task)
    step()
    profile = cProfile.Profile()
    with profile:
        for _ in range(STEPS):
            step()
    shares = defaultdict(float)
    for (file, function), seconds in own_seconds(profile).items():
        shares[operation_of(file, function)] += seconds
    total = sum(shares.values())
    return {name: share / total for name, share in sorted(shares.items(), key=lambda item: -item[1])}
