"""What a trained model can do, for people who want clips rather than tensors."""

from collections.abc import Sequence
from contextlib import contextmanager
from importlib import resources
from os import PathLike
from typing import Unpack

import numpy as np

from minidit.backend import moved, to_host
from minidit.backend.device import announce, choose_device
from minidit.diffusion.paths import RectifiedFlow, checked_time, network_time
from minidit.errors import UserError, as_pair, as_whole
from minidit.files import accepted
from minidit.files.clips import checked_clip
from minidit.files.places import as_path, is_folder
from minidit.files.sizes import check_frames
from minidit.generation.canvas import blank, continued, with_holes
from minidit.generation.film import Shot
from minidit.generation.joining import MOST_BETWEEN, connected, ends_seen, extended
from minidit.generation.settings import SamplingOptions, SamplingSettings
from minidit.generation.text_to_video import edited, generate, sampling_time, starting_noise
from minidit.models.checkpoint import MODEL, load_model, save_model

SHIPPED = ("weights", "minidit.safetensors")  # inside the package


def load(path: str | PathLike | None = None, device: str | None = None) -> "Studio":
    """Opens a trained model.

    Args:
        path: a checkpoint, or the folder of a training run; by default the checkpoint that comes with minidit.
        device: what computes: "cpu", "gpu" or "simulated"; by default what the environment variable MINIDIT_DEVICE
            says, or the CPU. If it is not the CPU, a line on standard error says so.
    Returns:
        Studio.
    Raises:
        UserError: there is no such file, it is not a whole checkpoint of minidit's (see `load_model`), or the device
            can't compute here.
    """
    xp = choose_device(device)
    if xp is not np:
        announce(xp)
    with checkpoint_file(path) as file:
        return Studio(load_model(file).on(xp))


@contextmanager
def checkpoint_file(path=None):
    """The file that `load(path)` reads: a context manager, as a package inside a zip is unpacked for its duration."""
    if path is None:
        with resources.as_file(resources.files("minidit").joinpath(*SHIPPED)) as file:
            yield file
    else:
        path = as_path(path)
        yield path / MODEL if is_folder(path) else path


class Studio:
    """A trained model and what it can do.

    Every method that makes a clip takes the settings of the sampler as keyword arguments, `steps=8, guidance=2.0`; see
    `minidit.generation.settings.SamplingSettings`. `callback` is called as callback(steps_done, t, latents) after each
    step.

    Args:
        model: VideoModel.
    """

    def __init__(self, model):
        self.model = model

    def __repr__(self):
        s, dit = self.settings, self.settings.dit
        parameters = self.model.dit.params.flat.size + sum(array.size for array in self.model.codec.params.values())
        steps = self.model.record.get("step")
        trained = f", {steps:,} training steps" if steps else ""
        frames, sizes = s.frames, f"{s.size} x {s.size} pixels"
        if dit.conditioning_channels:
            frames, sizes = accepted.MADE_IN_WORDS, accepted.SIZES_IN_WORDS
        return (
            f"Studio: {parameters:,} parameters{trained}\n"
            f"  clips     {frames} frames of {sizes}\n"
            f"  network   {dit.depth} blocks, width {dit.width}, {dit.num_heads} heads; predicts {s.prediction}\n"
            f"  sampling  {s.steps} steps, guidance {s.guidance:g}, shift {s.shift:g}\n"
            f"  words     {len(s.vocabulary)}: {', '.join(s.vocabulary[:6])}, ..."
        )

    def on(self, xp) -> "Studio":
        """The same on the device of an array library (see `minidit.backend.device`)."""
        return Studio(self.model.on(xp))

    def save(self, path: str | PathLike, dtype=np.float32) -> None:
        """Writes the model as one file that `load` reads.

        Args:
            path: of the safetensors file; what is there is replaced.
            dtype: of the weights in the file; numpy.float16 halves it.
        """
        save_model(as_path(path), self.model.on(np), dtype=dtype)

    @property
    def settings(self):
        """VideoModelSettings: size and number of frames of a clip, defaults of the sampler, and the rest."""
        return self.model.settings

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The words that the model was trained on; synonyms of them are understood, too."""
        return self.model.settings.vocabulary

    def check(self, prompt: str) -> str:
        """Reads a prompt without making anything of it.

        Returns:
            the prompt in words of the vocabulary: synonyms are replaced, words that say nothing are left out.
        Raises:
            UserError: the prompt says what the model can't show, or has too many words.
        """
        if not isinstance(prompt, str):
            raise UserError(f"a prompt is one string of words, but this is {prompt!r}.")
        return self.model.tokenizer.read(prompt)

    def generate(
        self,
        prompt: str,
        seed: int = 0,
        *,
        frames: int | None = None,
        size: int | tuple[int, int] | None = None,
        **sampling: Unpack[SamplingOptions],
    ) -> np.ndarray:
        """Makes a clip of what the prompt says.

        Args:
            prompt: a sentence or a few words; what it doesn't name, or all if it is empty, is left to the model.
            seed: a whole number of at least 0; the same seed, prompt and settings give the same clip.
            frames: of the clip, one of `minidit.files.accepted.MADE`; by default the number that the model was first
                trained on.
            size: (height, width) in pixels, one of `minidit.files.accepted.SIZES`, or one number for both.
            sampling: `steps`, `guidance`, `interval`, `shift`, `sampler` (see `SamplingSettings`) and `callback`.
        Returns:
            (frames, height, width, 3) float32 in [0, 1].
        Raises:
            UserError: a prompt that can't be shown, or a setting that makes no sense.
        """
        canvas = blank(*self.checked_shape(frames, size), self.patch)
        return self.complete(canvas, prompt, seed, **sampling)

    def image(
        self,
        prompt: str,
        seed: int = 0,
        *,
        size: int | tuple[int, int] | None = None,
        **sampling: Unpack[SamplingOptions],
    ) -> np.ndarray:
        """Makes a picture: a clip of one frame, (1, height, width, 3). Arguments as for `generate`."""
        return self.generate(prompt, seed, frames=1, size=size, **sampling)

    def animate(
        self,
        image: np.ndarray,
        prompt: str = "",
        seed: int = 0,
        frames: int | None = None,
        **sampling: Unpack[SamplingOptions],
    ) -> np.ndarray:
        """Makes a clip that begins with a picture.

        Args:
            image: (height, width, 3) or (1, height, width, 3) in [0, 1], the first frame.
            prompt: what happens; an empty prompt leaves it to the model.
            frames: of the clip, the picture included; as for `generate`.
            seed, sampling: as for `generate`.
        Returns:
            (frames, height, width, 3) float32 in [0, 1]; the first frame is the picture, unchanged.
        Raises:
            UserError: the picture's shape or values are impossible, or as for `generate`.
        """
        image = np.asarray(image)[None] if np.ndim(image) == 3 else image
        first = self.checked_clip(image, "the picture")
        if len(first) != 1:
            raise UserError(f"a picture has one frame, but this has {len(first)}. Use extend for a clip.")
        frames, _ = self.checked_shape(frames, first.shape[1:3])
        return self.complete(continued(first, 0, frames - 1, self.patch), prompt, seed, **sampling)

    def extend(
        self,
        clip: np.ndarray,
        prompt: str = "",
        forward: int = 0,
        backward: int = 0,
        seed: int = 0,
        **sampling: Unpack[SamplingOptions],
    ) -> np.ndarray:
        """Makes a clip longer, at its end or at its beginning.

        The new frames come piece by piece. For each piece the model sees up to 12 frames next to it
        (`minidit.generation.joining`).

        Args:
            clip: (frames, height, width, 3) in [0, 1].
            prompt: what to show; an empty prompt leaves it to the clip.
            forward, backward: how many frames to add at the end, and at the beginning.
            seed, sampling: as for `generate`.
        Returns:
            (backward + frames + forward, height, width, 3), with the clip's own frames unchanged.
        Raises:
            UserError: there is nothing to add, or as for `animate`.
        """
        clip = self.checked_clip(clip, "the clip")
        for name, count in (("forward", forward), ("backward", backward)):
            if as_whole(count) is None or count < 0:
                raise UserError(f"the number of frames to add {name} was {count!r}: give a whole number of at least 0.")
        forward, backward = as_whole(forward), as_whole(backward)
        if forward + backward == 0:
            raise UserError("there is nothing to add: give a number of frames, forward or backward.")
        check_frames("the longer clip", backward + len(clip) + forward)
        made = self.pieces(prompt, seed, sampling)
        return extended(made, [clip], forward, backward, self.patch)[0]

    def connect(
        self,
        first: np.ndarray,
        second: np.ndarray,
        frames: int = 8,
        prompt: str = "",
        seed: int = 0,
        **sampling: Unpack[SamplingOptions],
    ) -> np.ndarray:
        """Makes the frames between two clips.

        Args:
            first, second: (frames, height, width, 3) in [0, 1], of one size.
            frames: how many to make, 1 to 8. The model sees the last 4 to 7 frames before them and the first behind.
            prompt, seed, sampling: as for `extend`.
        Returns:
            both clips, unchanged, with the new frames between them.
        Raises:
            UserError: the clips differ in size, the number of frames is impossible, so few frames are seen and made
                that the model was not trained on that, or as for `animate`.
        """
        first, second = self.checked_clip(first, "the first clip"), self.checked_clip(second, "the second clip")
        if first.shape[1:] != second.shape[1:]:
            sizes = " and ".join(f"{clip.shape[2]} x {clip.shape[1]}" for clip in (first, second))
            raise UserError(f"the two clips have {sizes} pixels: give clips of one size.")
        count = as_whole(frames)
        if count is None or not 1 <= count <= MOST_BETWEEN:
            raise UserError(
                f"{frames!r} frames can't be put between two clips: give a whole number from 1 to {MOST_BETWEEN}."
            )
        before, after = first[-ends_seen(count) :], second[: ends_seen(count)]
        window, least = len(before) + count + len(after), accepted.SHORTEST
        if window < least:
            raise UserError(
                f"{count} frames between clips of {len(first)} and {len(second)} are {window} in all, but a model "
                f"works on at least {least} at once: put {count + least - window} between them."
            )
        joined = connected(self.pieces(prompt, seed, sampling), [before], [after], count, self.patch)[0]
        return np.concatenate([first, joined[len(before) : len(before) + count], second])

    def loop(
        self,
        prompt: str,
        seed: int = 0,
        frames: int | None = None,
        size: int | tuple[int, int] | None = None,
        **sampling: Unpack[SamplingOptions],
    ) -> np.ndarray:
        """Makes a clip that repeats without a jump: it does what the prompt says, then goes back to its start.

        Args:
            frames: of the way there, as for `generate`; 8 more lead back.
            prompt, seed, size, sampling: as for `generate`.
        Returns:
            (frames + 8, height, width, 3) float32 in [0, 1].
        """
        there = self.generate(prompt, seed, frames=frames, size=size, **sampling)
        circle = self.connect(there, there, MOST_BETWEEN, "", seed, **sampling)
        return circle[: -len(there)]

    def edit(self, clip: np.ndarray, prompt: str) -> np.ndarray:
        """Changes the color, the shape or the sky of a clip; its path stays.

        The model changes the whole clip at one look, so nothing is left to chance
        (`minidit.generation.text_to_video.edited`).

        Args:
            clip: (frames, height, width, 3) in [0, 1], 1 frame or 8 to 16.
            prompt: what changes, such as "blue" or "a ring at night", or the whole clip as it is to be.
        Returns:
            (frames, height, width, 3) float32 in [0, 1].
        Raises:
            UserError: the prompt is empty, or as for `animate`.
        """
        clip = self.checked_clip(clip, "the clip")
        self.checked_shape(len(clip), clip.shape[1:3], given=True)
        if not self.check(prompt):
            raise UserError('an edit needs a prompt: say what is to change, such as "blue" or "a ring at night".')
        return edited(self.model, [prompt], clip[None])[0]

    def inpaint(
        self,
        clip: np.ndarray,
        mask: np.ndarray,
        prompt: str = "",
        seed: int = 0,
        **sampling: Unpack[SamplingOptions],
    ) -> np.ndarray:
        """Replaces what a mask marks in a clip.

        Args:
            clip: (frames, height, width, 3) in [0, 1], 1 frame or 8 to 16.
            mask: (height, width) or (frames, height, width) bool, True where the clip is to be replaced. A latent
                stands for a patch of pixels; if the mask touches a patch, the whole patch is replaced.
            prompt, seed, sampling: as for `extend`.
        Returns:
            (frames, height, width, 3); the patches that the mask doesn't touch are unchanged.
        Raises:
            UserError: the mask has another shape or is empty, or as for `animate`.
        """
        clip, mask = self.checked_clip(clip, "the clip"), np.asarray(mask)
        if mask.shape not in (clip.shape[1:3], clip.shape[:3]) or mask.dtype != bool:
            raise UserError(
                f"a mask for this clip has shape {clip.shape[1:3]} or {clip.shape[:3]} and type bool, but this one has "
                f"{mask.shape} and {mask.dtype}."
            )
        if not mask.any():
            raise UserError("the mask is empty: mark what to replace.")
        self.checked_shape(len(clip), clip.shape[1:3], given=True)
        canvas = with_holes(clip, np.broadcast_to(mask, clip.shape[:3]), self.patch)
        return self.complete(canvas, prompt, seed, **sampling)

    def film(
        self,
        shots: Sequence[Shot],
        seed: int = 0,
        size: int | tuple[int, int] | None = None,
        **sampling: Unpack[SamplingOptions],
    ) -> np.ndarray:
        """Makes a film of several shots.

        Args:
            shots: of `minidit.generation.film.Shot`. A connected shot begins with the last frame of the one before.
            seed, size, sampling: as for `generate`; each shot has the next seed.
        Returns:
            (frames of all shots, height, width, 3) float32 in [0, 1].
        Raises:
            UserError: there are no shots, the first is connected, or as for `generate`; before anything is made.
        """
        if not isinstance(shots, Sequence) or not shots or not all(isinstance(shot, Shot) for shot in shots):
            raise UserError("a film needs a list of at least one shot, each a minidit.generation.film.Shot.")
        if shots[0].connected:
            raise UserError("the first shot of a film can't be connected: it has no shot before it.")
        check_frames("the film", len(shots) * self.settings.frames)
        for shot in shots:
            self.check(shot.prompt)
        seed, film = checked_seed(seed), []
        for number, shot in enumerate(shots):
            if shot.connected:
                canvas = continued(film[-1][-1:], 0, self.settings.frames, self.patch)
                film.append(self.complete(canvas, shot.prompt, seed + number, **sampling)[1:])
            else:
                film.append(self.generate(shot.prompt, seed + number, size=size, **sampling))
        return np.concatenate(film)

    def attention(
        self, prompt: str, clip: np.ndarray | None = None, t: float = 0.5, seed: int = 0
    ) -> np.ndarray:
        """Who attends to whom, in every block and head, when the model looks at a noised clip.

        Args:
            prompt: a sentence or a few words.
            clip: (frames, height, width, 3) in [0, 1]; by default what the model makes of the prompt.
            t: how clean the clip is, from 0, all noise, to 1, no noise.
            seed: of the noise, and of the clip that is made by default.
        Returns:
            (blocks, heads, tokens, tokens) in [0, 1]; the row of each token that asks adds up to one. Tokens are
            patches of latents, in the order of frames, rows and columns.
        Raises:
            UserError: a prompt that can't be shown, a time outside [0, 1], or as for `animate`.
        """
        self.check(prompt)
        seed = checked_seed(seed)
        clip = self.generate(prompt, seed) if clip is None else self.checked_clip(clip, "the clip")
        model, path = self.model, RectifiedFlow()
        latents = model.codec.encode(moved(clip[None], model.xp))  # 1, f, r, c, C
        noise = moved(starting_noise(latents.shape[1:], [seed]), model.xp)  # 1, f, r, c, C
        x = path.noised(latents, noise, checked_time(t))  # 1, f, r, c, C
        times = model.xp.full(1, network_time(sampling_time(t)), x.dtype)
        words = model.dit.embed(moved(model.tokenizer.encode([prompt]), model.xp))
        return to_host(model.dit.attention(x, times, words))[:, 0]

    @property
    def patch(self) -> tuple[int, int, int]:
        """(frames, rows, columns) of pixels that one latent stands for."""
        return self.settings.codec.patch

    def complete(self, canvas, prompt, seed, *, callback=None, **sampling):
        """What the model makes of one `minidit.generation.canvas.Canvas`, with the prompt and the seed checked."""
        self.check(prompt)
        seeds, sampling = [checked_seed(seed)], SamplingSettings(**sampling)
        return generate(self.model, [prompt], seeds, [canvas], sampling, callback=callback)[0]

    def pieces(self, prompt, seed, sampling):
        """A function for `generation.joining` that makes the unknown frames of canvases, each piece by its own seed."""
        seed = checked_seed(seed)
        return lambda canvases, piece: [
            self.complete(canvas, prompt, seed + piece, **sampling) for canvas in canvases
        ]

    def checked_shape(self, frames, size, given=False):
        """Frames, and (height, width) of a clip that the model can make; by default, for None, its own.

        Args:
            given: whether it is made of another clip of that length, and not of a prompt or a picture.

        Raises:
            UserError: it can't.
        """
        frames = self.settings.frames if frames is None else frames
        size = self.settings.size if size is None else size
        height, width = as_pair(size) or (size, size)
        count, sides = as_whole(frames), (as_whole(height), as_whole(width))
        any_size = self.settings.dit.conditioning_channels  # else `generate` says that the model has a size of its own
        if count is None or count < 1 or any_size and not given and count not in accepted.MADE:
            longer = "" if count is None or count < max(accepted.MADE) else ", and make the clip longer with extend"
            raise UserError(f"{frames!r} frames can't be made at once: give {accepted.MADE_IN_WORDS}{longer}.")
        if any_size and given and count not in accepted.FRAMES:
            raise UserError(
                f"a clip of {count} frames can't be changed at once: give {accepted.FRAMES_IN_WORDS}; "
                f"{accepted.nearest_length(count)} is nearest."
            )
        whole = None not in sides and min(sides) > 0
        if not whole or any_size and sides not in accepted.SIZES:
            near = "; {1} x {0} is nearest".format(*accepted.nearest_size(*sides)) if whole else ""
            raise UserError(
                f"frames of {width!r} x {height!r} pixels can't be made: give {accepted.SIZES_IN_WORDS}{near}."
            )
        return count, sides

    def checked_clip(self, clip, name):
        """A clip as float32, if it is one that the model can work on: (frames, height, width, 3) in [0, 1].

        Raises:
            UserError: it isn't.
        """
        clip = checked_clip(clip, name)
        self.checked_shape(1, clip.shape[1:3])
        return clip.astype(np.float32)


def checked_seed(seed):
    """A seed as an int.

    Raises:
        UserError: it is no whole number of at least 0.
    """
    number = as_whole(seed)
    if number is None or number < 0:
        raise UserError(f"a seed is a whole number of at least 0, but this is {seed!r}.")
    return number
