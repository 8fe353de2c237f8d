"""Which clips a model takes: the one place that says so. Larger and smaller ones were no part of its training."""

SIDES = (32, 40, 48)  # pixels of a side of a frame; a latent of the shipped model is 8 x 8
LONGEST = 16  # frames of a clip that is made at once

SIDES_IN_WORDS = f"{', '.join(map(str, SIDES[:-1]))} or {SIDES[-1]} pixels"
