"""Every use of the network, tried on many cases and measured, for `minidit claims abilities`.

Each trial returns a dict: measure -> one number per clip. `minidit.evaluation.abilities` defines most measures. Lengths
are in pixels of frames of 32 x 32.
"""

import numpy as np

from minidit.evaluation.abilities import (
    animate_scores,
    connect_scores,
    edit_scores,
    extend_scores,
    film_scores,
    inpaint_scores,
    least_fidelity,
    loop_scores,
    way_error,
)
from minidit.evaluation.cases import draw_cases, with_next
from minidit.evaluation.fidelity import fidelity
from minidit.evaluation.readings import right
from minidit.files.accepted import LONGEST
from minidit.generation.canvas import blank, continued, in_pixels, with_holes
from minidit.generation.joining import MOST_BETWEEN, connected, ends_seen, extended
from minidit.generation.text_to_video import edited, generate
from minidit.training.known_parts import draw_objects
from minidit.world import caption, render_batch, verify_batch
from minidit.world.attributes import MOTIONS
from minidit.world.paths import bent_paths, straight_through
from minidit.world.renderer import render_paths

# N = clips; F, H, W = frames, rows, columns in pixels

SIZE = (32, 32)
FRAMES = 8
END = ends_seen(MOST_BETWEEN)  # frames known on each side of a gap
BACK = {"left": "right", "right": "left", "up": "down", "down": "up", "still": "still"}


class Trials:
    """Cases of some combinations, and the model that is tried on them.

    Args:
        model: VideoModel that can complete clips.
        combinations: of Attributes; the cases are spread over them.
        count: N cases.
        seed: list of whole numbers; all random numbers follow from it.
    """

    def __init__(self, model, combinations, count, seed):
        self.model, self.patch = model, model.settings.codec.patch
        self.rng = np.random.default_rng(seed)
        cases = draw_cases(combinations, count, self.rng)
        self.attributes, self.prompts, self.seeds = cases.attributes, cases.prompts, cases.seeds

    def generate(self, frames=FRAMES, size=SIZE):
        """Whole clips. A prompt for a single picture names no motion."""
        attributes, prompts = self.attributes, self.prompts
        if frames == 1:
            attributes = [a._replace(motion=None) for a in attributes]
            prompts = [caption(a, self.rng) for a in attributes]
        made = self.complete([blank(frames, size, self.patch)] * len(prompts), prompts)
        return {"right": right(verify_batch(made), attributes), "fidelity": fidelity(made, attributes)}

    def animate(self):
        """The first frame of a real clip is known. The network sees it through the codec."""
        real = render_batch(self.attributes, self.rng, SIZE, FRAMES)
        made = self.complete([continued(clip[:1], 0, FRAMES - 1, self.patch) for clip in real])
        seen = made.copy()
        seen[:, :1] = self.model.codec.reconstruct(real[:, :1])
        scores = animate_scores(real[:, 0], seen, self.attributes)
        return scores | {
            "right": right(verify_batch(made), self.attributes),
            "least_fidelity": least_fidelity(made, np.arange(FRAMES) > 0, self.attributes),
        }

    def extend(self, backward=False, usual_speed=False):
        """The first or the last eight frames of a real clip of sixteen are known, and the others are made.

        At the usual speed the object leaves the picture in those; otherwise it is slow enough to stay.
        """
        known = np.arange(LONGEST) < FRAMES
        known = known[::-1] if backward else known
        radius, step, place, light = draw_objects(self.rng, self.attributes, SIZE)
        if usual_speed:
            start, stop = np.flatnonzero(known)[[0, -1]] + (0, 1)
        else:
            step, start, stop = step * ((FRAMES - 1) / (LONGEST - 1)), 0, LONGEST
        centers = straight_through(step, place, radius, SIZE, LONGEST, int(start), int(stop))  # N, 16, 2
        real = render_paths(self.attributes, centers, radius, light, SIZE)
        forward, before = (0, FRAMES) if backward else (FRAMES, 0)
        made = extended(self.piece, real[:, known], forward, before, self.patch)
        made = np.stack(made)
        scores = extend_scores(made, real, known)
        return scores if usual_speed else scores | {"least_fidelity": least_fidelity(made, ~known, self.attributes)}

    def connect(self):
        """Four frames before and four after are known, of one object on two paths; there is no prompt."""
        radius, step, place, light = draw_objects(self.rng, self.attributes, SIZE)
        turned = [a._replace(motion=MOTIONS[self.rng.integers(len(MOTIONS))]) for a in self.attributes]
        _, last_step, last_place, _ = draw_objects(self.rng, turned, SIZE)
        centers = bent_paths(step, last_step, place, last_place, radius, SIZE, LONGEST, END, END)
        real = render_paths(self.attributes, centers, radius, light, SIZE)
        first, second = real[:, :END], real[:, -END:]
        made = np.stack(connected(self.unprompted, first, second, MOST_BETWEEN, self.patch))
        smoothest = connect_scores(real, first, second)
        between = np.repeat([False, True, False], [END, MOST_BETWEEN, END])
        return connect_scores(made, first, second) | {
            "smoothest_roughness": smoothest["roughness"],
            "way_error": way_error(made, centers, between),
            "least_fidelity": least_fidelity(made, between, self.attributes),
        }

    def loop(self):
        """A clip of the prompt, and the way back to its start."""
        there = self.complete([blank(FRAMES, SIZE, self.patch)] * len(self.prompts))
        back = np.stack(connected(self.unprompted, there[:, -END:], there[:, :END], MOST_BETWEEN, self.patch))
        circles = np.concatenate([there, back[:, END:-END]], axis=1)
        return loop_scores(circles) | {
            "right_there": right(verify_batch(there), self.attributes),
            "least_fidelity": least_fidelity(circles, np.arange(circles.shape[1]) >= FRAMES, self.attributes),
        }

    def edit(self, names=("color",), short=False):
        """A real clip, and the prompt for the same clip with the next value of some attributes.

        Args:
            names: of the attributes.
            short: name these values alone.
        """
        real = render_batch(self.attributes, self.rng, SIZE, FRAMES)
        wanted = with_next(self.attributes, names)
        prompts = [" ".join(getattr(a, name) for name in names) if short else caption(a) for a in wanted]
        made = edited(self.model, prompts, real)
        return edit_scores(made, real, self.attributes, wanted) | {"fidelity": fidelity(made, wanted)}

    def inpaint(self, by_chance=False):
        """The middle of a real clip is missing, or half of all latents by chance."""
        real = render_batch(self.attributes, self.rng, SIZE, FRAMES)
        if by_chance:
            missing = in_pixels(self.rng.random((len(real), FRAMES, 4, 4)) < 0.5, self.patch)  # N, F, H, W
        else:
            missing = np.zeros(real.shape[:-1], bool)
            missing[:, :, 8:24, 8:24] = True
        made = self.complete([with_holes(clip, mask, self.patch) for clip, mask in zip(real, missing, strict=True)])
        scores = inpaint_scores(made, real, ~missing, self.attributes)
        through = inpaint_scores(self.model.codec.reconstruct(real), real, ~missing, self.attributes)
        return {name: scores[name] for name in ("made_psnr", "right")} | {"codec_psnr": through["made_psnr"]}

    def film(self):
        """Two shots of an object, there and back, the second connected to the first."""
        second = [a._replace(motion=BACK[a.motion]) for a in self.attributes]
        shots = [self.complete([blank(FRAMES, SIZE, self.patch)] * len(second))]
        goes_on = self.complete(
            [continued(clip[-1:], 0, FRAMES, self.patch) for clip in shots[0]], [caption(a) for a in second]
        )
        films = np.concatenate([shots[0], goes_on[:, 1:]], axis=1)
        scores = [
            film_scores(film, [FRAMES, FRAMES], wanted, [False, True])
            for film, *wanted in zip(films, self.attributes, second, strict=True)
        ]
        return {
            "first_right": np.array([score["right"][0] for score in scores]),
            "second_right": np.array([score["right"][1] for score in scores]),
            **{name: np.concatenate([score[name] for score in scores])
               for name in ("border_step", "typical_step", "no_jump")},
        }

    def complete(self, canvases, prompts=None):
        """N canvases of one size, completed by the model: (N, F, H, W, 3)."""
        return generate(self.model, prompts or self.prompts, self.seeds, canvases)

    def piece(self, canvases, _):
        """For `minidit.generation.joining`, with the prompts."""
        return self.complete(canvases)

    def unprompted(self, canvases, _):
        """For `minidit.generation.joining`, without a prompt."""
        return self.complete(canvases, [""] * len(canvases))
