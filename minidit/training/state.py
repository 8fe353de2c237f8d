"""The state of a training run: the four vectors that a step changes, and where the run stands."""

from dataclasses import dataclass, field

import numpy as np

from minidit.backend import array_module, moved
from minidit.errors import UserError
from minidit.files.tensors import check_shapes, read_tensors, write_tensors
from minidit.files.typed import read_typed

VECTORS = ("params", "ema", "m", "v")  # one value per parameter each
OLD_NAMES = {"m": "first", "v": "second"}  # in files of earlier versions
RENAMED = {f"state.{old}": f"state.{name}" for name, old in OLD_NAMES.items()}
NOTES = {"step": int, "history": tuple[tuple[int, float], ...], "losses": tuple[float, ...]}  # beside the arrays


@dataclass(eq=False)
class TrainingState:
    """All that a step of the optimiser reads and changes. Random numbers follow from the seed and the step.

    Attributes:
        params: (n,) the parameters of the network.
        ema: (n,) their exponential moving average, which becomes the trained model.
        m, v: (n,) AdamW's running means of the gradient and of its square.
        step: number of steps done.
        history: pairs (step, mean loss of the steps since the pair before).
        losses: of the steps since the last pair of the history.
    """

    params: np.ndarray
    ema: np.ndarray
    m: np.ndarray
    v: np.ndarray
    step: int = 0
    history: list = field(default_factory=list)
    losses: list = field(default_factory=list)

    @classmethod
    def start(cls, params, xp=np):
        """The state before the first step, with copies of the parameters (n,) on the device of this array library."""
        params = moved(params, xp)
        return cls(params.copy(), params.copy(), xp.zeros_like(params), xp.zeros_like(params))

    @classmethod
    def zeros(cls, size, xp=np):
        """A state of `size` parameters to copy another one into."""
        return cls(*(xp.zeros(size, np.float32) for _ in VECTORS))

    @property
    def vectors(self):
        """The four vectors by name."""
        return {name: getattr(self, name) for name in VECTORS}

    def copy_vectors(self, other):
        """Copies the vectors of another state, from either device. Steps and history stay as they are."""
        for name, vector in self.vectors.items():
            vector[...] = moved(getattr(other, name), array_module(vector))

    def save(self, path, metadata, tensors=None):
        """Writes a state file, whole or not at all: the state, further arrays by name, and a JSON-able dict."""
        named = {f"state.{name}": vector for name, vector in self.vectors.items()}
        notes = {"kind": "state", "step": self.step, "history": self.history, "losses": self.losses}
        write_tensors(path, named | (tensors or {}), metadata | notes)

    @classmethod
    def load(cls, path, size, further=None, check=None):
        """Reads what `save` wrote: the state, the further arrays, and the dict.

        Args:
            path: of the file.
            size: number of parameters that the state must be of.
            further: name -> shape of the further arrays that it must hold.
            check: function of the dict that raises a ValueError if it makes no sense.
        Raises:
            UserError: there is no such file, it is damaged, or it is not such a state.
        """

        def check_all(metadata, shapes):
            if metadata.get("kind") != "state":
                raise UserError(f"{path} is not the state of a training run. Choose another --out.")
            for name in VECTORS:
                if not {f"state.{name}", f"state.{OLD_NAMES.get(name)}"} & shapes.keys():
                    raise UserError(f"{path} lacks the vector {name}: another version wrote it. Choose another --out.")
            if check is not None:
                check(metadata)
            for name, kind in NOTES.items():
                if name != "losses" or name in metadata:
                    read_typed(kind, metadata[name], name=name)
            shapes = {RENAMED.get(name, name): shape for name, shape in shapes.items()}
            check_shapes(shapes, {f"state.{name}": (size,) for name in VECTORS} | (further or {}))

        tensors, metadata = read_tensors(path, check_all)
        tensors = {RENAMED.get(name, name): tensor for name, tensor in tensors.items()}
        vectors = {name: tensors.pop(f"state.{name}").astype(np.float32, copy=False) for name in VECTORS}
        state = cls(**vectors, step=metadata["step"], history=metadata["history"], losses=metadata.get("losses", []))
        return state, tensors, metadata
