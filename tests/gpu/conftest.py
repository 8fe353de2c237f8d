import re
from dataclasses import replace

import pytest
from threadpoolctl import threadpool_limits

from minidit.backend.device import choose_device
from minidit.backend.kernels import launch
from minidit.errors import UserError
from minidit.models import CodecSettings, DiTSettings
from minidit.presets import PRESETS
from minidit.training.optimizer import AdamWSettings
from minidit.training.settings import CodecTraining, DiffusionTraining

KERNEL = re.compile(r'extern "C" __global__ [^{]*?(\w+)\([^)]*\) \{')


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """The matrix products here are small: sharing them among threads takes longer than doing them."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def simulated():
    """The simulated GPU."""
    return choose_device("simulated")


@pytest.fixture(scope="session")
def gpu():
    """The real one. Where it can't compute, the tests that ask for it are skipped, and say why."""
    try:
        return choose_device("gpu")
    except UserError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def kernels():
    """The names of all our kernels, by the file they are in."""
    files = {path.name: path.read_text(encoding="utf-8") for path in launch.FOLDER.glob("*.cu")}
    return {file: set(KERNEL.findall(text)) for file, text in files.items()}


@pytest.fixture(scope="session")
def ours(kernels):
    """The names of all our kernels."""
    return set().union(*kernels.values())


@pytest.fixture(scope="session")
def small_preset():
    """The smallest run that goes through everything. The simulated GPU takes a tenth of a second for a step.

    It learns fast, so that the gates, which are zero at the start, let something through from the second step on. Its
    AdamW has a large eps: else an entry whose true gradient is zero, as of the keys' bias, would take full steps along
    its rounding errors, and no two devices could be compared.
    """
    tiny = PRESETS["tiny"]
    text = replace(tiny.model.dit.text, width=8, num_heads=2)
    dit = DiTSettings(in_channels=4, patch=(8, 1, 1), width=16, depth=2, num_heads=2, text=text)
    return replace(
        tiny,
        model=replace(tiny.model, codec=CodecSettings(patch=(1, 4, 4), channels=4, hidden=16), dit=dit, steps=2),
        codec_training=CodecTraining(steps=12, batch=2, pool=16, warmup=2),
        diffusion_training=DiffusionTraining(
            steps=12, batch=8, learning_rate=1e-2, warmup=2, adamw=AdamWSettings(eps=1e-3, weight_decay=0.01)
        ),
    )
