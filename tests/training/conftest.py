from collections.abc import Mapping
from dataclasses import fields, is_dataclass

import numpy as np
import pytest

from minidit.diffusion import Path


@pytest.fixture
def state_of():
    """A function that gives a model's fresh training state: name -> vector."""

    def fresh(model):
        params = model.dit.params.flat
        return {
            "params": params.copy(),
            "ema": params.copy(),
            "first": np.zeros_like(params),
            "second": np.zeros_like(params),
        }

    return fresh


@pytest.fixture
def arrays_in():
    """A function that finds every number and array of NumPy's in nested tuples, lists, dicts and dataclasses."""

    def walk(thing):
        if isinstance(thing, np.ndarray | np.generic):
            return [thing]
        if is_dataclass(thing) and not isinstance(thing, Path):
            return walk([getattr(thing, field.name) for field in fields(thing)])
        if isinstance(thing, Mapping):
            return walk(list(thing.values()))
        if isinstance(thing, tuple | list):
            return [array for part in thing for array in walk(part)]
        assert thing is None or isinstance(thing, int | float | str | Path), f"what is a {type(thing)} doing here?"
        return []

    return walk
