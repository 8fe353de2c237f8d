import numpy as np
import pytest

from minidit.benchmark.cases import Case
from minidit.models import DiTSettings, TextEncoderSettings
from minidit.models.tokenizer import SPECIAL
from minidit.world import VOCABULARY

TEXT = TextEncoderSettings(vocabulary_size=len(SPECIAL) + len(VOCABULARY), width=8, num_heads=2)
SMALL = {
    "labels": Case("labels", DiTSettings(3, (1, 2, 2), 16, 2, 2, num_classes=4), shape=(1, 4, 6, 3), batch=4),
    "prompts": Case("prompts", DiTSettings(2, (2, 1, 2), 24, 2, 3, text=TEXT), shape=(4, 2, 6, 2), batch=6),
}


@pytest.fixture(params=SMALL)
def case(request):
    """A case as small as can be, with labels or with prompts."""
    return SMALL[request.param]


@pytest.fixture
def labelled():
    """The smaller of them."""
    return SMALL["labels"]


@pytest.fixture
def prompted():
    """The one that reads prompts."""
    return SMALL["prompts"]


@pytest.fixture
def entry():
    """A function that makes an entry of "times" in a result: seconds of each contender, a few rounds."""

    def make(kind="training", case="tiny", batch=16, threads=1, keeps_memory=None, **seconds):
        names = {name.replace("_", " "): value for name, value in seconds.items()}
        return {
            "kind": kind,
            "case": case,
            "batch": batch,
            "threads": threads,
            "seconds": {name: {"wall": list(value), "cpu": list(np.array(value) / 2)} for name, value in names.items()},
            "keeps_memory": keeps_memory or dict.fromkeys(names, True),
        }

    return make
