from dataclasses import FrozenInstanceError

import pytest

from minidit.presets import PRESETS
from minidit.training.settings import CodecTraining, DiffusionTraining


@pytest.mark.parametrize(
    "training", [DiffusionTraining(), *(preset.diffusion_training for preset in PRESETS.values())], ids=str
)
def test_a_batch_divides_into_shards_that_one_two_or_four_processes_can_share(training):
    assert training.batch % training.shards == 0
    assert training.shards % 4 == 0


def test_settings_are_equal_by_value_and_cannot_be_changed():
    assert DiffusionTraining() == DiffusionTraining() != DiffusionTraining(steps=5)
    assert CodecTraining() == CodecTraining() != CodecTraining(steps=5)
    for settings in (DiffusionTraining(), CodecTraining()):
        with pytest.raises(FrozenInstanceError):
            settings.steps = 5


def test_fewer_combinations_are_not_for_buckets():
    assert DiffusionTraining(combinations=27).combinations == 27
    with pytest.raises(ValueError, match="leave out one of the two"):
        DiffusionTraining(combinations=27, buckets=((1.0, ((8, 4, 4),)),))
