"""How a run is trained: the codec first, then the DiT on its latents."""

from dataclasses import dataclass, field

from minidit.diffusion.objectives import NOISE_FLOOR
from minidit.files.typed import read_typed
from minidit.training.optimizer import AdamWSettings

OLD_NAMES = {"clip": "max_grad_norm", "canvases": "buckets"}  # in states that earlier versions saved

# Name of a setting -> the least and the most that it may be, in a state.
BOUNDS = {
    **dict.fromkeys(("batch", "pool"), (1, 2**20)),
    **dict.fromkeys(("shards", "combinations", "times", "teacher_steps"), (1, 2**10)),
    **dict.fromkeys(("sizes", "buckets"), (0, 2**10)),
    **dict.fromkeys(("decay", "ema", "drop_prompt", "plain_sky", "grammar", "late_times", "at_noise"), (0, 1)),
    **dict.fromkeys(("beta1", "beta2"), (0, 1 - 1e-9)),
    **dict.fromkeys(("learning_rate", "eps", "weight_decay", "max_grad_norm", "noise_std", "latent_error"), (0, 1e9)),
    **dict.fromkeys(("time_mean", "time_std"), (-1e3, 1e3)),
    "noise_floor": (0, 1),
}


@dataclass(frozen=True)
class CodecTraining:
    """How the codec is trained.

    Attributes:
        steps, batch: number of steps, and of clips in each.
        pool: clips drawn beforehand for each of the `sizes`, which it is trained on.
        sizes: (rows, columns) of the clips, each drawn as often as it is listed; empty: the model's own size.
        learning_rate, warmup: the peak, and the steps of warm-up before it; after it the rate falls linearly to zero.
        noise_std: σ of the Gaussian likelihood of a pixel value in [-1, 1].
        latent_error: the decoder learns to bear errors up to this size, in standard deviations of each channel: a
            diffusion model's latents have them.
        refine_steps: steps that train the decoder further when the DiT is trained (`minidit/training/decoder.py`).
    """

    steps: int = 2_000
    batch: int = 16
    pool: int = 1024
    sizes: tuple[tuple[int, int], ...] = ()
    learning_rate: float = 5e-3
    warmup: int = 50
    noise_std: float = 0.03
    latent_error: float = 0.3
    refine_steps: int = 0

    def __post_init__(self):
        object.__setattr__(self, "sizes", tuple(map(tuple, self.sizes)))  # JSON has no tuples


@dataclass(frozen=True)
class DiffusionTraining:
    """How the DiT and its text encoder are trained.

    Attributes:
        steps, batch: number of steps, and of clips in each.
        shards: parts of a batch, each with its own random numbers, so that the clips of a run don't depend on how many
            processes share the work. Divides `batch`.
        learning_rate, warmup, decay: the peak, steps of warm-up, and the final fraction of steps that decays.
        adamw: its constants.
        max_grad_norm: longer gradients are scaled down to this norm.
        ema: decay of the moving average of the parameters. The average is the trained model.
        drop_prompt: fraction of clips whose prompt is replaced by the empty one (classifier-free guidance).
        plain_sky: fraction of clips that show no object.
        grammar: share of the captions that `minidit.world.random_caption` draws; the others are of a few wordings.
        time_mean, time_std: logit of t is normal with these; a negative mean is noisier than even.
        late_times: fraction of clips with almost no noise left, where the last steps of a sampler lie: the logit of
            their t is normal with mean 1 and standard deviation 1.2.
        noise_floor: the loss is weighted as if there were never less noise than this, see `velocity_weight`.
        buckets: sets of sizes, to train on clips of many sizes, half of them partly known
            (`minidit/training/buckets.py`). Needs a DiT with conditioning channels. Empty: whole clips of one size.
        combinations: train on the first so many of the seen combinations only (`minidit/world/split.py`); None: on all.
            Not with buckets.
        recompute: keep only the inputs of the DiT's blocks for the backward, and compute the rest a second time: less
            memory, more time, the same numbers.
    """

    steps: int = 10_000
    batch: int = 64
    shards: int = 4
    learning_rate: float = 2e-3
    warmup: int = 50
    decay: float = 0.2
    adamw: AdamWSettings = field(default_factory=AdamWSettings)
    max_grad_norm: float = 1.0
    ema: float = 0.999
    drop_prompt: float = 0.1
    plain_sky: float = 0.03
    grammar: float = 0.0
    time_mean: float = -1.75
    time_std: float = 1.0
    late_times: float = 0.0
    noise_floor: float = NOISE_FLOOR
    buckets: tuple[tuple[float, tuple[tuple[int, int, int], ...]], ...] = ()
    combinations: int | None = None
    recompute: bool = False

    def __post_init__(self):
        buckets = tuple((share, tuple(map(tuple, grids))) for share, grids in self.buckets)  # JSON has no tuples
        object.__setattr__(self, "buckets", buckets)
        if self.buckets and self.combinations is not None:
            raise ValueError("training with buckets draws from all seen combinations: leave out one of the two")

    @classmethod
    def from_json(cls, data):
        """The inverse of `dataclasses.asdict`, also for files of earlier versions.

        Raises:
            ValueError: a setting is of another type or out of BOUNDS, or the shards don't divide the batch.
        """
        if isinstance(data, dict):
            data = {OLD_NAMES.get(name, name): value for name, value in data.items()}
        training = read_typed(cls, data, BOUNDS, "training")
        if training.batch % training.shards:
            raise ValueError(f"{training.shards} shards don't divide a batch of {training.batch}")
        return training
