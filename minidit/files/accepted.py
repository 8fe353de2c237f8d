"""Which clips a model takes: the one place that says so. It was trained on these and no others."""

from math import log

# (height, width) of a frame in pixels. The shorter side is the same in all, and with it the size of all objects.
SIZES = ((32, 32), (32, 40), (32, 48), (40, 32), (48, 32))
SHORTEST, LONGEST = 8, 16  # frames of a clip that a model works on at once
FRAMES = (1, *range(SHORTEST, LONGEST + 1))  # or of a picture
MOST_FRAMES = 4096  # of a clip in a file; enlarged for a WebP they take 0.8 GB
MADE = (1, SHORTEST)  # frames of what is made of a prompt or one picture; more of them, and the object may jump midway

*_most, _last = (f"{width} x {height}" for height, width in SIZES)
SIZES_IN_WORDS = f"{', '.join(_most)} or {_last} pixels"
MADE_IN_WORDS = f"1 or {SHORTEST}"
FRAMES_IN_WORDS = f"1, or {SHORTEST} to {LONGEST}"


def nearest_size(height, width):
    """The accepted (height, width) whose shape is nearest: the one that cuts off least."""
    return min(SIZES, key=lambda size: abs(log(size[0] / height * width / size[1])))


def nearest_length(frames):
    """The accepted number of frames that is nearest; a clip does not become a picture."""
    return min(max(frames, SHORTEST), LONGEST) if frames > 1 else 1
