"""To move: the noise of a clip, and how a clip is sampled."""

import copy
from dataclasses import replace

import numpy as np

from minidit.course.moving.given import TIMES, Given, video_model
from minidit.course.moving.moving import Control
from minidit.course.moving.panels import Bars, Clip, Curves
from minidit.course.moving.shown import moving
from minidit.figures.denoising import denoising_moments
from minidit.generation.canvas import in_pixels
from minidit.generation.settings import SamplingSettings
from minidit.generation.text_to_video import NoiseOfEach, sample_latents, starting_noise
from minidit.world.verifier import verify

STEPS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
SCALES = tuple(np.arange(0, 8.5, 0.5).tolist())
PROMPT = "a blue square moves left in the sunset sky"


def noise(model=None, clip=None, prompt=None):
    """Lesson 4: t, the clip with its noise, and what the network guesses from it.

    Args: as of `minidit.course.moving.given.Given`, here and below.
    """
    given = Given(model, clip, prompt)
    noised = [given.error(given.at(t)) for t in TIMES]
    guessed = [given.error(given.guess(t)) for t in TIMES]

    def scene(t):
        panels = [
            Clip("the clip", given.clip),
            Clip(f"with noise, t = {t:g}", given.pixels(given.at(t))),
            Clip("its guess", given.pixels(given.guess(t))),
            Curves(
                "distance from the clip", TIMES, {"with noise": noised, "guess": guessed},
                xlabel="t", ylabel="of the latents", mark=t,
            ),
        ]  # fmt: skip
        return panels, f"The network reads “{given.prompt}” and guesses the clip from what has noise."

    alt = (
        "A clip; the same with noise at t = 0.3, in blotches of all colours; and the network's guess, nearly the clip. "
        "The guess stays near the clip at all t; the noised clip comes near it only at t = 1."
    )
    return moving([Control("t", TIMES, TIMES.index(0.3))], scene, alt)


def denoising(model=None, prompt=PROMPT, seed=0):
    """Lesson 0: a sampler on its way from noise to a clip, step by step."""
    model = video_model(model)
    moments, _ = denoising_moments(model, prompt, seed)

    def scene(step):
        t, latents, estimate = moments[step]
        panels = [
            Clip(f"so far, t = {t:.2f}", model.codec.decode(latents)[0]),
            Clip("its guess", model.codec.decode(estimate)[0]),
        ]
        said = "Pure noise." if step == 0 else f"After {step} of {len(moments) - 2} steps towards the guess."
        return panels, said if step < len(moments) - 1 else "Done: the clip."

    steps = range(len(moments))
    alt = f"Latents after a step of the sampler, and the network's guess: {prompt}."
    return moving([Control("step", steps, min(2, len(moments) - 1), "steps done")], scene, alt)


def guidance(model=None, prompt=PROMPT, seed=0):
    """Lesson 12: the guidance scale, from 0 to 8, at all times, without the model's last touch."""
    made = Sampled(model, [prompt], seed)

    def clip_at(scale):
        return made.clips(guidance=scale, interval=(0.0, 1.0))[0]

    plain = clip_at(1.0)

    def scene(scale):
        clip = clip_at(scale)
        read = " ".join(filter(None, verify(clip).attributes))
        panels = [Clip(f"guidance {scale:g}", clip), Clip("guidance 1: none", plain)]
        return panels, f"Asked: “{prompt}”. The verifier reads: {read}."

    alt = "A clip made with a guidance of 8, with ragged edges, and the one made without guidance."
    return moving([Control("scale", SCALES, len(SCALES) - 1, "guidance")], scene, alt)


def steps(model=None, prompt=PROMPT, seed=0):
    """Lesson 12: the number of steps, from 1 to 32, without the model's last touch."""
    made = Sampled(model, [prompt], seed)
    clips = {count: made.clips(steps=count, sampler="euler")[0] for count in STEPS}
    finest = clips[STEPS[-1]]
    far = [float(np.sqrt(np.mean((clip - finest) ** 2))) for clip in clips.values()]

    def scene(count):
        panels = [
            Clip(f"{count} step{'s' * (count > 1)}", clips[count]),
            Clip(f"{STEPS[-1]} steps", finest),
            Curves(
                f"distance from {STEPS[-1]} steps", STEPS, {"difference": far},
                xlabel="steps", ylabel="of a pixel (rms)", mark=count,
            ),
        ]  # fmt: skip
        return panels, f"“{prompt}”, from the same noise each time."

    alt = f"The clip made in one step beside the one made in {STEPS[-1]}, and the difference by the number of steps."
    return moving([Control("count", STEPS, 0, "steps")], scene, alt)


def words(model=None, prompt=PROMPT, seed=0):
    """Lesson 5: a word taken out of the prompt."""
    text = prompt.split()
    shorter = [prompt, *(" ".join(text[:i] + text[i + 1 :]) for i in range(len(text)))]
    made = Sampled(model, shorter, seed)
    clips, vectors = made.clips(), made.model.dit.embed(made.model.tokenizer.encode(shorter))
    moved = {word: distance(vectors[0], vector) for word, vector in zip(numbered(text), vectors[1:], strict=True)}

    def scene(word):
        name = "nothing" if word == 0 else f"“{text[word - 1]}”"
        panels = [
            Clip("whole prompt", clips[0]),
            Clip(f"without {name}", clips[word]),
            Bars("how far the vector moves", moved, marked="" if word == 0 else numbered(text)[word - 1]),
        ]
        return panels, f"The network reads: “{shorter[word]}”"

    labels = ("nothing", *text)
    alt = f"The clip of the whole prompt, {prompt}, and the one without the word {text[1]}; bars for all words."
    return moving([Control("word", range(len(labels)), 2, "leave out", labels, "choice")], scene, alt)


def numbered(text):
    """Words by which to tell bars apart, even where one occurs twice."""
    return [f"{word} ({text[:i].count(word) + 1})" if text.count(word) > 1 else word for i, word in enumerate(text)]


def distance(first, second):
    """How far two vectors are apart, relative to the first."""
    return float(np.linalg.norm(second - first) / np.linalg.norm(first))


def hole(model=None, clip=None, prompt=None, seed=0):
    """Lesson 16: a hole in a clip, and what the model fills it with."""
    given = Given(model, clip, prompt)
    made = Sampled(given.model, [given.prompt], seed)
    rows, columns = given.grid
    prompts = (given.prompt, PROMPT, "")

    def scene(place, size, text):
        known = np.ones(given.latents.shape[:-1], bool)  # 1, f, r, c
        row, column = divmod(place, columns)
        known[:, :, row : row + size, column : column + size] = False
        latents = made.latents([prompts[text]], given.latents, known)
        shown = in_pixels(known, given.model.settings.codec.patch)[0, ..., None]  # F, H, W, 1
        kept = np.where(shown, given.clip, 0.5)
        filled = np.where(shown, given.clip, given.pixels(latents))
        panels = [
            Clip("click: move the hole", kept, given.grid, picks="place", picked=place),
            Clip("filled by the model", filled),
            Clip("the clip", given.clip),
        ]
        return panels, "Nothing is drawn into the rest: it is known, and goes in clean."

    controls = [
        Control("place", range(rows * columns), columns, kind="pick"),
        Control("size", range(1, rows + 1), 1, "size of the hole"),
        Control("text", range(3), 0, "prompt", [f"“{text}”" if text else "none" for text in prompts], "choice"),
    ]
    return moving(controls, scene, "A clip with a grey hole of 2 by 2 patches, what the model fills it with, the clip.")


class Sampled:
    """Clips of some prompts, from the same noise each time, without the edits that end the model's own sampling.

    Args:
        model: Studio, VideoModel or None.
        prompts: list of str.
        seed: of the noise.
    """

    def __init__(self, model, prompts, seed):
        model = video_model(model)
        self.model = copy.copy(model)
        self.model.settings = replace(model.settings, polish=0)
        self.prompts, self.seeds = prompts, [seed] * len(prompts)

    def latents(self, prompts, known_latents=None, known=None, **sampling):
        """Latents (N, f, r, c, C) for settings of the sampler, those not given being the model's own."""
        settings = self.model.settings
        shape = settings.latent_shape if known is None else known_latents.shape[1:]
        guidance = sampling.pop("guidance", settings.guidance)  # beyond what a command would take
        whole = replace(SamplingSettings(**sampling).for_model(settings), guidance=guidance)
        x, rng = starting_noise(shape, self.seeds), NoiseOfEach(self.seeds)
        return sample_latents(self.model, prompts, x, whole, rng, known_latents, known)

    def clips(self, **sampling):
        """Clips (N, F, H, W, 3) for settings of the sampler."""
        return self.model.codec.decode(self.latents(self.prompts, **sampling))

