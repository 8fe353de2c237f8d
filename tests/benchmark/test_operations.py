import cProfile

import pytest

from minidit.benchmark import operations
from minidit.benchmark.operations import PACKAGE, REST, SUMS, operation_of, own_seconds, time_by_operation
from minidit.benchmark.task import TRAINING, Task

pytestmark = pytest.mark.bench


def test_every_operation_has_its_share_and_they_add_up(case):
    shares = time_by_operation(Task(TRAINING, case, case.batch))
    assert sum(shares.values()) == pytest.approx(1)
    assert all(0 < share < 1 for share in shares.values())
    assert list(shares.values()) == sorted(shares.values(), reverse=True)
    named = {"linear layers", "attention", "layer norm", "scale and shift", "gated residual", "AdamW", "loss"}
    assert named | {"gelu and feed-forward", "gradients into one vector", REST, SUMS} == set(shares)


@pytest.mark.parametrize(
    ("file", "function", "name"),
    [
        ("layers/linear.py", "linear_backward", "linear layers"),
        ("layers/attention.py", "split_heads", "attention"),
        ("layers/activations.py", "gelu_forward", "gelu and feed-forward"),
        ("layers/activations.py", "silu_forward", REST),
        ("layers/modulation.py", "modulate_backward", "scale and shift"),
        ("layers/modulation.py", "gated_residual_forward", "gated residual"),
        ("layers/patchify.py", "patchify", REST),
        ("models/block.py", "dit_block_backward", SUMS),
        ("models/parameters.py", "load", "gradients into one vector"),
        ("training/optimizer.py", "adamw_update", "AdamW"),
    ],
)
def test_functions_are_known_by_file_and_name(file, function, name):
    assert operation_of(str(PACKAGE / file), function) == name


def test_every_layer_is_some_operation():
    assert {path.name for path in (PACKAGE / "layers").glob("[!_]*.py")} <= operations.OF_FILE.keys()


def test_time_in_numpy_belongs_to_who_asked_for_it(monkeypatch):
    linear, block = (str(PACKAGE / "layers/linear.py"), 1, "linear"), (str(PACKAGE / "models/block.py"), 1, "block")
    builtin, outside = ("~", 0, "<numpy>"), ("elsewhere.py", 1, "step")

    class Stats:
        """The block took 5 s: 2 in linear, of which 1.5 in NumPy, and 1 in NumPy itself."""

        stats = {
            outside: (1, 1, 0.1, 5.1, {}),
            block: (1, 1, 2.0, 5.0, {outside: (1, 1, 2.0, 5.0)}),
            linear: (2, 2, 0.5, 2.0, {block: (2, 2, 0.5, 2.0)}),
            builtin: (3, 3, 2.5, 2.5, {linear: (2, 2, 1.5, 1.5), block: (1, 1, 1.0, 1.0)}),
        }

    monkeypatch.setattr(operations.pstats, "Stats", lambda profile: Stats)
    assert own_seconds(cProfile.Profile()) == {(linear[0], "linear"): 2.0, (block[0], "block"): 3.0}
